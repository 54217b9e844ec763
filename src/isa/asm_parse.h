/* SPDX-License-Identifier: BSD-2-Clause */
/* isa/asm_parse.h - the assembler's state and scanner; for isa/asm*.c only.
 *
 * There are no tokens: each function looks at the rest of the line, takes what it wants and
 * says whether it was there.  `try_` functions are silent when it was not, the others report it.
 */
#pragma once
#include "base/arena.h"
#include "base/hash.h"
#include "base/vec.h"
#include "isa/asm.h"

/* A place that waits for a label. */
struct asm_fixup {
	u32 pc;
	u32 line, col;
	const char *name;
	enum { FIXUP_OFF, FIXUP_IMM, FIXUP_CALL } kind; /* CALL: a label, else a helper's name */
};

struct asm_parser {
	const char *begin, *p, *end; /* the line without comment and line end; p is the rest */
	u32 line;
	const char *file;
	const struct asm_names *names;
	struct diag *dg;
	struct arena arena;      /* label names */
	struct strmap labels;    /* name to pc */
	VEC(struct insn) insns;
	VEC(struct asm_fixup) fixups;
	u32 first_exit;          /* pc + 1, 0: none yet */
	u32 said_code;           /* opcode + 1 from a "(bf)" before the insn, 0: none */
	bool failed;             /* something was reported, or memory is out */
	bool no_memory;
};

struct asm_number {
	u64 value; /* two's complement */
	bool negative;
	bool hex;
};

/* Reports at the present place, or at a place taken before.  Always false. */
bool asm_error(struct asm_parser *a, const char *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "expected WHAT", with what stands there. */
bool asm_expected(struct asm_parser *a, const char *what);

void asm_blanks(struct asm_parser *a);
bool asm_at_end(struct asm_parser *a);
/* text is a symbol, or a word that no letter, digit or '_' may follow. */
bool try_text(struct asm_parser *a, const char *text);
bool want_text(struct asm_parser *a, const char *text);
/* Letters, digits, '_', '.' and '$', not beginning with a digit; copied into the arena. */
bool try_name(struct asm_parser *a, const char **name);
/* A word of at most size - 1 characters. */
bool try_word(struct asm_parser *a, char *word, size_t size);

/* r0..r10 or w0..w10, with or without '%'. */
bool try_reg(struct asm_parser *a, u32 *reg, bool *is64);
bool want_reg(struct asm_parser *a, u32 *reg, bool *is64);
bool want_reg64(struct asm_parser *a, u32 *reg);
bool asm_at_number(struct asm_parser *a); /* a digit or a sign comes next */
bool want_number(struct asm_parser *a, struct asm_number *n);
bool want_imm32(struct asm_parser *a, s32 *imm);   /* -2^31 to 2^31-1, hex to 2^32-1 */
bool want_word32(struct asm_parser *a, s32 *word); /* -2^31 to 2^32-1 */
bool want_imm64(struct asm_parser *a, u64 *imm);
bool number_as_imm32(struct asm_parser *a, const char *at, struct asm_number n, s32 *imm);
/* Nothing, or a sign and a number: offset of an address. */
bool want_off(struct asm_parser *a, s16 *off);
/* Where a jump goes: "pc+3", "+3", a label.  Fills the insn's off or imm, at once or by a fixup. */
bool want_target(struct asm_parser *a, struct insn *i, bool in_imm);

/* Appends insns; false when memory is out. */
bool asm_emit(struct asm_parser *a, struct insn i);
bool asm_emit_wide(struct asm_parser *a, u32 dst, u32 src, u64 imm);
bool asm_fixup(struct asm_parser *a, const char *at, const char *name, int kind);

/* One statement each, from its first character; the caller checks that the line ends there. */
bool asm_kernel_statement(struct asm_parser *a, bool *mine);
bool asm_mnemonic_statement(struct asm_parser *a);
bool asm_call(struct asm_parser *a);

/* SPDX-License-Identifier: BSD-2-Clause */
/* isa/asm_kernel.c - statements in the kernel's notation, with clang's variants.
 *
 *	statement  := REG assignment | store | lock | jump | "store_release(" ADDRESS ',' REG ')'
 *	ADDRESS    := '(' TYPE '*' ')' '(' REG [ OFFSET ] ')'
 */
#include "isa/asm_parse.h"
#include "isa/text.h"
#include <ctype.h>
#include <stdio.h>

/* The longest text of a table that stands here; its code, or -1. */
#define LONGEST(a, best, best_len, text, code)                                     \
	do {                                                                       \
		size_t text_len = strlen(text);                                    \
		if (text_len > best_len && (size_t)((a)->end - (a)->p) >= text_len && \
		    memcmp((a)->p, text, text_len) == 0) {                         \
			best = (int)(code);                                        \
			best_len = text_len;                                       \
		}                                                                  \
	} while (0)

static int try_alu_op(struct asm_parser *a)
{
	size_t len = 0;
	int op = -1;

	asm_blanks(a);
#define ALU(name, code, text, ...)                               \
	if ((code) != ALU_NEG && (code) != ALU_END)              \
		LONGEST(a, op, len, text, code);
#include "isa/alu.def"
#undef ALU
	a->p += len;
	return op;
}

static int try_jmp_op(struct asm_parser *a)
{
	size_t len = 0;
	int op = -1;

	asm_blanks(a);
#define JMP(name, code, text, ...)                                                         \
	if ((code) != JMP_JA && (code) != JMP_CALL && (code) != JMP_EXIT &&                \
	    (code) != JMP_JCOND)                                                           \
		LONGEST(a, op, len, text, code);
#include "isa/jmp.def"
#undef JMP
	a->p += len;
	return op;
}

/* type := '(' ( "u8" | "s8" | ... ) '*' ')' */
static bool want_type(struct asm_parser *a, u8 *size, bool *is_signed)
{
	const char *at;
	char word[8];
	int found = -1;

	if (!want_text(a, "("))
		return false;
	asm_blanks(a);
	at = a->p;
	if (!try_word(a, word, sizeof(word)))
		return asm_expected(a, "a type (u8 to u64, s8 to s32)");
#define WIDTH(name, code, bytes, unsigned_text, signed_text, ...)     \
	if (strcmp(word, unsigned_text) == 0)                         \
		found = code;                                         \
	if (signed_text && strcmp(word, signed_text ? signed_text : "") == 0) \
		found = code;
#include "isa/mem.def"
	if (found < 0)
		return asm_error(a, at, "'%s' is no type of a load or store (u8 to u64, s8 to s32)",
				 word);
	*size = (u8)found;
	*is_signed = word[0] == 's';
	return want_text(a, "*") && want_text(a, ")");
}

/* address := type '(' REG [ OFFSET ] ')' */
static bool want_address(struct asm_parser *a, u8 *size, bool *is_signed, u32 *reg, s16 *off)
{
	return want_type(a, size, is_signed) && want_text(a, "(") && want_reg64(a, reg) &&
	       want_off(a, off) && want_text(a, ")");
}

static bool want_unsigned_address(struct asm_parser *a, u8 *size, u32 *reg, s16 *off)
{
	const char *at = a->p;
	bool is_signed;

	return want_address(a, size, &is_signed, reg, off) &&
	       (!is_signed || asm_error(a, at, "only a plain load extends a sign"));
}

/* A register of the same kind as the destination's. */
static bool want_same_kind(struct asm_parser *a, bool is64, u32 *reg)
{
	const char *at;
	bool also64;

	asm_blanks(a);
	at = a->p;
	return want_reg(a, reg, &also64) &&
	       (also64 == is64 || asm_error(a, at, "both registers must be %s",
					    is64 ? "whole (r0 to r10)" : "halves (w0 to w10)"));
}

/* Registers that an insn has only once must be written alike. */
static bool want_this_reg(struct asm_parser *a, u32 want)
{
	const char *at;
	bool is64;
	u32 reg;

	asm_blanks(a);
	at = a->p;
	return want_reg(a, &reg, &is64) &&
	       (reg == want || asm_error(a, at, "r%u must stand here, not r%u", want, reg));
}

/* operand := REG | IMM, after "REG op" of an ALU insn */
static bool alu_operation(struct asm_parser *a, u32 dst, bool is64, int op, bool is_signed)
{
	struct insn i = { .code = (u8)((is64 ? CLS_ALU64 : CLS_ALU) | op), .dst = dst & 15 };
	u32 src;

	i.off = is_signed ? ALU_SIGNED : 0;
	if (asm_at_number(a))
		return want_imm32(a, &i.imm) && asm_emit(a, i);
	if (!want_same_kind(a, is64, &src))
		return false;
	i.code |= SRC_X;
	i.src = src & 15;
	return asm_emit(a, i);
}

/* packet := "skb" '[' IMM | REG [ '+' IMM ] ']' */
static bool packet_load(struct asm_parser *a, const char *at, u32 dst, u8 size)
{
	struct insn i = { .code = (u8)(CLS_LD | MODE_ABS | size) };
	bool is64;
	u32 src;

	if (dst != 0 || size == SZ_DW)
		return asm_error(a, at, "packet loads go to r0 and have 1, 2 or 4 bytes");
	if (!want_text(a, "["))
		return false;
	if (try_reg(a, &src, &is64)) {
		i.code = (u8)(CLS_LD | MODE_IND | size);
		i.src = src & 15;
		if (try_text(a, "+") && !want_imm32(a, &i.imm))
			return false;
	} else if (!want_imm32(a, &i.imm)) {
		return false;
	}
	return want_text(a, "]") && asm_emit(a, i);
}

/* load := '*' type ( '(' REG [ OFFSET ] ')' | packet ) */
static bool load(struct asm_parser *a, const char *at, u32 dst, bool is64)
{
	struct insn i = { .dst = dst & 15 };
	bool is_signed;
	u32 src;
	u8 size;

	if (!want_type(a, &size, &is_signed))
		return false;
	if (!is_signed && try_text(a, "skb"))
		return packet_load(a, at, dst, size);
	if (!is64 && (is_signed || size == SZ_DW))
		return asm_error(a, at, "this load fills a whole register: r%u", dst);
	if (!want_text(a, "(") || !want_reg64(a, &src) || !want_off(a, &i.off))
		return false;
	i.code = (u8)(CLS_LDX | (is_signed ? MODE_MEMSX : MODE_MEM) | size);
	i.src = src & 15;
	return want_text(a, ")") && asm_emit(a, i);
}

/* A try_ function below answers TOOK or REPORTED when the text was its own, else 0. */
enum { TOOK = 1, REPORTED = -1 };

static int took(bool ok)
{
	return ok ? TOOK : REPORTED;
}

/* end := ( "le" | "be" | "bswap" ) BITS REG */
static int try_end(struct asm_parser *a, u32 dst)
{
	static const struct {
		const char *text;
		u8 code;
		s32 bits;
	} ends[] = {
#define ENDS(text, code) { text "16", code, 16 }, { text "32", code, 32 }, { text "64", code, 64 }
		ENDS("le", CLS_ALU | ALU_END | SRC_K),
		ENDS("be", CLS_ALU | ALU_END | SRC_X),
		ENDS("bswap", CLS_ALU64 | ALU_END | SRC_K),
#undef ENDS
	};

	for (u32 n = 0; n < ARRAY_SIZE(ends); n++) {
		struct insn i = { .code = ends[n].code, .dst = dst & 15, .imm = ends[n].bits };

		if (!try_text(a, ends[n].text))
			continue;
		return took(want_this_reg(a, dst) && asm_emit(a, i));
	}
	return 0;
}

/* atomic := ( "atomic" [ "64" ] '_' NAME '(' ADDRESS | NAME "_64(" place | NAME "32_32(" place )
 *           [ ',' r0 ] ',' REG ')'
 * The second and third are clang's, with a bare place: REG [ OFFSET ].
 */
static bool atomic_call(struct asm_parser *a, u32 dst, const struct atomic_call *call, int bits)
{
	struct insn i = { .imm = call->op };
	bool cmp = call->op == ATOMIC_CMPXCHG, is64;
	u8 size = bits == 64 ? SZ_DW : SZ_W;
	const char *at = a->p;
	u32 base, src;

	if (bits ? !want_reg64(a, &base) || !want_off(a, &i.off)
		 : !want_unsigned_address(a, &size, &base, &i.off))
		return false;
	if (size != SZ_W && size != SZ_DW)
		return asm_error(a, at, "atomic operations have 4 or 8 bytes");
	if (!want_text(a, ","))
		return false;
	if (cmp && (!want_this_reg(a, 0) || !want_text(a, ",")))
		return false;
	if (cmp && dst != 0)
		return asm_error(a, at, "cmpxchg gives the old value in r0");
	if (cmp ? !want_reg(a, &src, &is64) : !want_this_reg(a, src = dst))
		return false;
	i.code = CLS_STX | MODE_ATOMIC | size;
	i.dst = base & 15;
	i.src = src & 15;
	return want_text(a, ")") && asm_emit(a, i);
}

static int try_atomic_call(struct asm_parser *a, u32 dst)
{
	const char *at = a->p;
	char word[24], text[24];

	if (!try_word(a, word, sizeof(word)) || !try_text(a, "(")) {
		a->p = at;
		return 0;
	}
	for (u32 n = 0; n < ARRAY_SIZE(atomic_calls); n++) {
		static const struct {
			const char *format;
			int bits;
		} forms[] = {
			{ "atomic_%s", 0 }, { "atomic64_%s", 0 }, { "%s_64", 64 }, { "%s32_32", 32 },
		};

		for (u32 f = 0; f < ARRAY_SIZE(forms); f++) {
			snprintf(text, sizeof(text), forms[f].format, atomic_calls[n].name);
			if (strcmp(text, word) == 0)
				return took(atomic_call(a, dst, &atomic_calls[n], forms[f].bits));
		}
	}
	a->p = at;
	return 0;
}

/* map := "map" '[' ( "fd" | "idx" ) ':' N ']' [ "[0]" '+' N ] */
static int try_map(struct asm_parser *a, u32 dst)
{
	bool by_fd = try_text(a, "map[fd:"), is_value;
	s32 low, high = 0;

	if (!by_fd && !try_text(a, "map[idx:"))
		return 0;
	if (!want_word32(a, &low) || !want_text(a, "]"))
		return REPORTED;
	is_value = try_text(a, "[0]");
	if (is_value && (!want_text(a, "+") || !want_word32(a, &high)))
		return REPORTED;
	return took(asm_emit_wide(a, dst,
				  by_fd ? (is_value ? PSEUDO_MAP_VALUE : PSEUDO_MAP_FD)
					: (is_value ? PSEUDO_MAP_IDX_VALUE : PSEUDO_MAP_IDX),
				  (u32)low | (u64)(u32)high << 32));
}

/* pseudo := map | "btf[fd:" N "][id:" N ']' | "subprog" '[' DISTANCE ']' */
static int try_pseudo(struct asm_parser *a, u32 dst)
{
	s32 low, high;

	if (try_text(a, "btf[fd:")) {
		if (!want_word32(a, &high) || !want_text(a, "]") || !want_text(a, "[id:") ||
		    !want_word32(a, &low) || !want_text(a, "]"))
			return REPORTED;
		return took(asm_emit_wide(a, dst, PSEUDO_BTF_ID, (u32)low | (u64)(u32)high << 32));
	}
	if (try_text(a, "subprog["))
		return took(want_word32(a, &low) && want_text(a, "]") &&
			    asm_emit_wide(a, dst, PSEUDO_FUNC, (u32)low));
	return try_map(a, dst);
}

/* cast := "addr_space_cast(" REG ',' N ',' N ')' */
static int try_cast(struct asm_parser *a, u32 dst)
{
	struct insn i = { .code = CLS_ALU64 | ALU_MOV | SRC_X, .off = ALU_ADDR_SPACE_CAST };
	s32 to, from;
	u32 src;

	if (!try_text(a, "addr_space_cast("))
		return 0;
	if (!want_reg64(a, &src) || !want_text(a, ",") || !want_imm32(a, &to) ||
	    !want_text(a, ",") || !want_imm32(a, &from) || !want_text(a, ")"))
		return REPORTED;
	if (to < 0 || to > UINT16_MAX || from < 0 || from > UINT16_MAX)
		return took(asm_error(a, a->p, "an address space is 0 to 65535"));
	i.dst = dst & 15;
	i.src = src & 15;
	i.imm = (s32)((u32)to << 16 | (u32)from);
	return took(asm_emit(a, i));
}

/* acquire := "load_acquire(" ADDRESS ')' */
static int try_load_acquire(struct asm_parser *a, u32 dst)
{
	struct insn i = { .dst = dst & 15, .imm = ATOMIC_LOAD_ACQ };
	u32 src;
	u8 size;

	if (!try_text(a, "load_acquire("))
		return 0;
	if (!want_unsigned_address(a, &size, &src, &i.off) || !want_text(a, ")"))
		return REPORTED;
	i.code = CLS_STX | MODE_ATOMIC | size;
	i.src = src & 15;
	return took(asm_emit(a, i));
}

/* negation := '-' REG; a negative number is left alone */
static int try_negation(struct asm_parser *a, u32 dst, bool is64)
{
	struct insn i = { .code = (is64 ? CLS_ALU64 : CLS_ALU) | ALU_NEG, .dst = dst & 15 };
	const char *at = a->p;
	bool also64;
	u32 src;

	if (!try_text(a, "-"))
		return 0;
	if (!try_reg(a, &src, &also64)) {
		a->p = at;
		return 0;
	}
	if (src != dst || also64 != is64)
		return took(asm_error(a, at, "a register is negated in place"));
	return took(asm_emit(a, i));
}

/* number := IMM32 | IMM64 "ll".  In the kernel's dumps the opcode before it tells them apart. */
static bool constant(struct asm_parser *a, u32 dst, bool is64)
{
	struct insn i = { .code = (is64 ? CLS_ALU64 : CLS_ALU) | ALU_MOV, .dst = dst & 15 };
	struct asm_number n;
	const char *at = a->p;

	if (!want_number(a, &n))
		return false;
	if (try_text(a, "ll") || a->said_code == (CLS_LD | MODE_IMM | SZ_DW) + 1)
		return is64 ? asm_emit_wide(a, dst, PSEUDO_IMM64, n.value)
			    : asm_error(a, at, "a wide load fills a whole register: r%u", dst);
	return number_as_imm32(a, at, n, &i.imm) && asm_emit(a, i);
}

/* A register, maybe negated or sign-extended, or a subprogram's name with "ll". */
static bool move(struct asm_parser *a, u32 dst, bool is64)
{
	struct insn i = { .code = (is64 ? CLS_ALU64 : CLS_ALU) | ALU_MOV | SRC_X, .dst = dst & 15 };
	const char *at = a->p, *name;
	bool also64;
	u32 src;

	for (s16 bits = 8; bits <= 32; bits *= 2) {
		char text[8];

		snprintf(text, sizeof(text), "(s%d)", bits);
		if (try_text(a, text))
			i.off = bits;
	}
	if (i.off == 32 && !is64)
		return asm_error(a, at, "a half has nothing to extend from 32 bits");
	if (try_reg(a, &src, &also64)) {
		if (also64 != is64)
			return asm_error(a, at, "both registers must be %s",
					 is64 ? "whole (r0 to r10)" : "halves (w0 to w10)");
		i.src = src & 15;
		return asm_emit(a, i);
	}
	if (is64 && !i.off && try_name(a, &name) && try_text(a, "ll"))
		return asm_fixup(a, at, name, FIXUP_IMM) &&
		       asm_emit_wide(a, dst, PSEUDO_FUNC, 0);
	a->p = at;
	return asm_expected(a, "a value");
}

/* assignment := op operand | '=' value */
static bool assignment(struct asm_parser *a, u32 dst, bool is64)
{
	bool is_signed = try_text(a, "s/") || try_text(a, "s%");
	const char *at;
	int op, tried;

	if (is_signed)
		a->p--;
	op = try_alu_op(a);
	if (op < 0)
		return asm_expected(a, "an operation (=, +=, s/=, ...)");
	if (op != ALU_MOV)
		return alu_operation(a, dst, is64, op, is_signed);
	asm_blanks(a);
	at = a->p;
	tried = try_negation(a, dst, is64);
	if (!tried && asm_at_number(a))
		return constant(a, dst, is64);
	if (!tried && try_text(a, "*"))
		return load(a, at, dst, is64);
	if (tried || (tried = try_end(a, dst)) || (tried = try_cast(a, dst)) ||
	    (tried = try_load_acquire(a, dst)) || (tried = try_pseudo(a, dst)) ||
	    (tried = try_atomic_call(a, dst)))
		return tried > 0;
	return move(a, dst, is64);
}

/* store := '*' ADDRESS '=' ( REG | IMM ); with "lock": '*' ADDRESS op REG */
static bool store(struct asm_parser *a, bool lock)
{
	struct insn i = { 0 };
	bool is64;
	u32 base, src;
	u8 size;
	int op;

	if (!want_unsigned_address(a, &size, &base, &i.off))
		return false;
	i.dst = base & 15;
	op = try_alu_op(a);
	if (lock ? op != ALU_ADD && op != ALU_OR && op != ALU_AND && op != ALU_XOR : op != ALU_MOV)
		return asm_expected(a, lock ? "+=, |=, &= or ^=" : "'='");
	if (try_reg(a, &src, &is64)) {
		i.src = src & 15;
		i.code = CLS_STX | size | (lock ? MODE_ATOMIC : MODE_MEM);
		i.imm = lock ? op : 0;
		return asm_emit(a, i);
	}
	i.code = CLS_ST | MODE_MEM | size;
	return !lock && asm_at_number(a) ? want_imm32(a, &i.imm) && asm_emit(a, i)
					 : asm_expected(a, "a register or a number");
}

/* jump := "if" REG op ( REG | IMM ) "goto" TARGET */
static bool conditional(struct asm_parser *a)
{
	struct insn i = { 0 };
	u32 dst, src;
	bool is64;
	int op;

	if (!want_reg(a, &dst, &is64))
		return false;
	op = try_jmp_op(a);
	if (op < 0)
		return asm_expected(a, "a comparison (==, s>, &, ...)");
	i.code = (u8)((is64 ? CLS_JMP : CLS_JMP32) | op);
	i.dst = dst & 15;
	if (asm_at_number(a)) {
		if (!want_imm32(a, &i.imm))
			return false;
	} else {
		if (!want_same_kind(a, is64, &src))
			return false;
		i.code |= SRC_X;
		i.src = src & 15;
	}
	return want_text(a, "goto") && want_target(a, &i, false) && asm_emit(a, i);
}

static bool jump(struct asm_parser *a, u8 code)
{
	struct insn i = { .code = code };

	return want_target(a, &i, code == (CLS_JMP32 | JMP_JA)) && asm_emit(a, i);
}

static bool store_release(struct asm_parser *a)
{
	struct insn i = { .imm = ATOMIC_STORE_REL };
	bool is64;
	u32 base, src;
	u8 size;

	if (!want_unsigned_address(a, &size, &base, &i.off) || !want_text(a, ",") ||
	    !want_reg(a, &src, &is64) || !want_text(a, ")"))
		return false;
	i.code = CLS_STX | MODE_ATOMIC | size;
	i.dst = base & 15;
	i.src = src & 15;
	return asm_emit(a, i);
}

bool asm_kernel_statement(struct asm_parser *a, bool *mine)
{
	const char *at = a->p;
	bool is64;
	u32 dst;

	*mine = true;
	if (try_text(a, "*"))
		return store(a, false);
	if (try_text(a, "lock") && try_text(a, "*"))
		return store(a, true);
	a->p = at;
	if (try_text(a, "if"))
		return conditional(a);
	if (try_text(a, "goto"))
		return jump(a, CLS_JMP | JMP_JA);
	if (try_text(a, "gotol"))
		return jump(a, CLS_JMP32 | JMP_JA);
	if (try_text(a, "may_goto"))
		return jump(a, CLS_JMP | JMP_JCOND);
	if (try_text(a, "store_release("))
		return store_release(a);
	if (try_reg(a, &dst, &is64))
		return assignment(a, dst, is64);
	*mine = false;
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* isa/asm_mnemonic.c - statements in the conformance suite's notation.
 *
 *	statement := MNEMONIC [ operand { ',' operand } ]
 *	operand   := REG | IMM | '[' REG [ OFFSET ] ']' | TARGET
 *
 * Mnemonics are the names in the .def tables, small, with "32" or "64" behind: add32, jslt, ldxdw.
 */
#include "isa/asm_parse.h"
#include <strings.h>

/* Cuts "32" or "64" off; the width in bits, 64 where nothing says so. */
static u32 cut_width(char *word)
{
	size_t len = strlen(word);
	u32 bits = 64;

	if (len > 2 && (strcmp(word + len - 2, "32") == 0 || strcmp(word + len - 2, "64") == 0)) {
		bits = word[len - 2] == '3' ? 32 : 64;
		word[len - 2] = '\0';
	}
	return bits;
}

/* place := '[' REG [ OFFSET ] ']' */
static bool want_place(struct asm_parser *a, u32 *reg, s16 *off)
{
	return want_text(a, "[") && want_reg64(a, reg) && want_off(a, off) && want_text(a, "]");
}

/* The second operand of an ALU or jump insn, after a comma. */
static bool want_operand(struct asm_parser *a, struct insn *i)
{
	bool is64;
	u32 src;

	if (!want_text(a, ","))
		return false;
	if (asm_at_number(a))
		return want_imm32(a, &i->imm);
	if (!try_reg(a, &src, &is64))
		return asm_expected(a, "a register or a number");
	i->code |= SRC_X;
	i->src = src & 15;
	return true;
}

static bool want_dst(struct asm_parser *a, struct insn *i)
{
	bool is64;
	u32 dst;

	if (!want_reg(a, &dst, &is64))
		return false;
	i->dst = dst & 15;
	return true;
}

/* width letters of a load or store, after its prefix; the size code or -1 */
static int width_by_letters(const char *letters)
{
#define WIDTH(name, code, bytes, unsigned_text, signed_text, text) \
	if (strcmp(letters, text) == 0)                            \
		return code;
#include "isa/mem.def"
	return -1;
}

static int alu_by_name(const char *name)
{
#define ALU(op, code, ...)             \
	if (strcasecmp(name, #op) == 0) \
		return code;
#include "isa/alu.def"
#undef ALU
	return -1;
}

static int jmp_by_name(const char *name)
{
#define JMP(op, code, ...)             \
	if (strcasecmp(name, #op) == 0) \
		return code;
#include "isa/jmp.def"
#undef JMP
	return -1;
}

static int atomic_by_name(const char *name)
{
#define ATOMIC(op, imm, ...)           \
	if (strcasecmp(name, #op) == 0) \
		return imm;
#include "isa/atomic.def"
#undef ATOMIC
	return -1;
}

static bool starts(const char *word, const char *prefix, const char **rest)
{
	size_t len = strlen(prefix);

	if (strncmp(word, prefix, len) != 0)
		return false;
	*rest = word + len;
	return true;
}

/* alu := OP REG [ ',' operand ] */
static bool alu(struct asm_parser *a, int op, u32 bits, s16 off)
{
	struct insn i = { .code = (u8)((bits == 64 ? CLS_ALU64 : CLS_ALU) | op), .off = off };

	if (!want_dst(a, &i))
		return false;
	if (op != ALU_NEG && !want_operand(a, &i))
		return false;
	return asm_emit(a, i);
}

/* end := ( "le" | "be" | "swap" | "bswap" ) BITS REG */
static bool end(struct asm_parser *a, const char *word, const char *bits)
{
	struct insn i = { .code = CLS_ALU64 | ALU_END };

	if (word[0] == 'l')
		i.code = CLS_ALU | ALU_END | SRC_K;
	else if (bits == word + 2)
		i.code = CLS_ALU | ALU_END | SRC_X;
	i.imm = bits[0] == '1' ? 16 : bits[0] == '3' ? 32 : 64;
	return want_dst(a, &i) && asm_emit(a, i);
}

static bool is_end(const char *word, const char **bits)
{
	if (!starts(word, "le", bits) && !starts(word, "be", bits) && !starts(word, "swap", bits) &&
	    !starts(word, "bswap", bits))
		return false;
	return strcmp(*bits, "16") == 0 || strcmp(*bits, "32") == 0 || strcmp(*bits, "64") == 0;
}

/* movsx := "movsx" FROM TO REG ',' REG */
static bool movsx(struct asm_parser *a, const char *widths)
{
	static const struct {
		const char *text;
		s16 from;
		u32 to;
	} forms[] = { { "832", 8, 32 }, { "1632", 16, 32 },  { "864", 8, 64 },
		      { "1664", 16, 64 }, { "3264", 32, 64 } };

	for (u32 n = 0; n < ARRAY_SIZE(forms); n++)
		if (strcmp(widths, forms[n].text) == 0)
			return alu(a, ALU_MOV, forms[n].to, forms[n].from);
	return asm_error(a, a->p, "movsx takes 8, 16 or 32 bits to 32 or 64: movsx832, movsx3264");
}

/* jump := OP REG ',' operand ',' TARGET | "ja" TARGET | "ja32" TARGET */
static bool jump(struct asm_parser *a, int op, u32 bits)
{
	struct insn i = { .code = (u8)((bits == 64 ? CLS_JMP : CLS_JMP32) | op) };

	if (op == JMP_JA)
		return want_target(a, &i, bits == 32) && asm_emit(a, i);
	return want_dst(a, &i) && want_operand(a, &i) && want_text(a, ",") &&
	       want_target(a, &i, false) && asm_emit(a, i);
}

/* load := "ldx" [ "s" ] WIDTH REG ',' place */
static bool load(struct asm_parser *a, u8 code)
{
	struct insn i = { .code = code };
	u32 src;

	if (!want_dst(a, &i) || !want_text(a, ",") || !want_place(a, &src, &i.off))
		return false;
	i.src = src & 15;
	return asm_emit(a, i);
}

/* packet := "ldabs" WIDTH IMM | "ldind" WIDTH REG ',' IMM, rbpf's legacy packet loads */
static bool packet(struct asm_parser *a, u8 code)
{
	struct insn i = { .code = code };
	u32 src;

	if (INSN_MODE(code) == MODE_IND) {
		if (!want_reg64(a, &src) || !want_text(a, ","))
			return false;
		i.src = src & 15;
	}
	return want_imm32(a, &i.imm) && asm_emit(a, i);
}

/* store := "stx" WIDTH place ',' REG | "st" WIDTH place ',' IMM */
static bool store(struct asm_parser *a, u8 code)
{
	struct insn i = { .code = code };
	bool is64;
	u32 dst, src;

	if (!want_place(a, &dst, &i.off) || !want_text(a, ","))
		return false;
	i.dst = dst & 15;
	if (INSN_CLASS(code) == CLS_ST)
		return want_imm32(a, &i.imm) && asm_emit(a, i);
	if (!want_reg(a, &src, &is64))
		return false;
	i.src = src & 15;
	return asm_emit(a, i);
}

/* lddw := "lddw" REG ',' IMM64 */
static bool wide(struct asm_parser *a)
{
	u64 imm;
	u32 dst;

	return want_reg64(a, &dst) && want_text(a, ",") && want_imm64(a, &imm) &&
	       asm_emit_wide(a, dst, PSEUDO_IMM64, imm);
}

/* lock := "lock" [ "fetch" ] OP place ',' REG */
static bool lock(struct asm_parser *a)
{
	bool fetch = try_text(a, "fetch"), is64;
	struct insn i = { 0 };
	const char *at;
	u32 bits, dst, src;
	char word[16];
	int op;

	asm_blanks(a);
	at = a->p;
	if (!try_word(a, word, sizeof(word)))
		return asm_expected(a, "an atomic operation");
	bits = cut_width(word);
	op = atomic_by_name(word);
	if (op < 0 || op == ATOMIC_LOAD_ACQ || op == ATOMIC_STORE_REL)
		return asm_error(a, at, "'%s' is no atomic operation", word);
	if (!want_place(a, &dst, &i.off) || !want_text(a, ",") || !want_reg(a, &src, &is64))
		return false;
	i.code = CLS_STX | MODE_ATOMIC | (bits == 32 ? SZ_W : SZ_DW);
	i.dst = dst & 15;
	i.src = src & 15;
	i.imm = op | (fetch ? ATOMIC_FETCH : 0);
	return asm_emit(a, i);
}

/* Loads and stores: prefix, then the letters of the width. */
static bool memory(struct asm_parser *a, const char *word, bool *mine)
{
	static const struct {
		const char *prefix;
		u8 code;
		bool (*parse)(struct asm_parser *a, u8 code);
	} kinds[] = {
		{ "ldxs", CLS_LDX | MODE_MEMSX, load }, { "ldx", CLS_LDX | MODE_MEM, load },
		{ "ldabs", CLS_LD | MODE_ABS, packet }, { "ldind", CLS_LD | MODE_IND, packet },
		{ "stx", CLS_STX | MODE_MEM, store },   { "st", CLS_ST | MODE_MEM, store },
	};
	const char *letters;

	for (u32 n = 0; n < ARRAY_SIZE(kinds); n++) {
		int size = starts(word, kinds[n].prefix, &letters) ? width_by_letters(letters) : -1;

		if (size < 0 || (size == SZ_DW && INSN_MODE(kinds[n].code) != MODE_MEM))
			continue;
		*mine = true;
		return kinds[n].parse(a, (u8)(kinds[n].code | size));
	}
	return false;
}

bool asm_mnemonic_statement(struct asm_parser *a)
{
	const char *at = a->p, *rest;
	bool mine = false, ok;
	char word[24];
	u32 bits;
	int op;

	if (!try_word(a, word, sizeof(word)))
		return asm_expected(a, "an insn");
	if (strcmp(word, "lddw") == 0)
		return wide(a);
	if (strcmp(word, "lock") == 0)
		return lock(a);
	ok = memory(a, word, &mine);
	if (mine)
		return ok;
	if (is_end(word, &rest))
		return end(a, word, rest);
	if (starts(word, "movsx", &rest))
		return movsx(a, rest);
	bits = cut_width(word);
	if (strcmp(word, "sdiv") == 0 || strcmp(word, "smod") == 0)
		return alu(a, alu_by_name(word + 1), bits, ALU_SIGNED);
	op = alu_by_name(word);
	if (op >= 0 && op != ALU_END)
		return alu(a, op, bits, 0);
	op = jmp_by_name(word);
	if (op >= 0 && op != JMP_CALL && op != JMP_EXIT && op != JMP_JCOND)
		return jump(a, op, bits);
	return asm_error(a, at, "'%s' is no insn", word);
}

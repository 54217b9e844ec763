/* SPDX-License-Identifier: BSD-2-Clause */
/* isa/check.c - structural checks of bytecode that nobody has verified. */
#include "isa/check.h"
#include "base/str.h"
#include <errno.h>
#include <stdlib.h>

/* The insn under examination, and where its faults go. */
struct site {
	const struct insn *i;
	u32 left, pc;
	struct place at;
	struct diag *dg;
};

__attribute__((format(printf, 2, 3))) static int bad(const struct site *s, const char *fmt, ...)
{
	struct place at = s->at;
	struct str text = { 0 };
	va_list ap;

	if (!s->dg)
		return -EINVAL;
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	if (at.sect)
		at.off += (u64)s->pc * sizeof(struct insn);
	diag_error(s->dg, at, -EINVAL, "insn %u: %s", s->pc, str_text(&text));
	str_free(&text);
	return -EINVAL;
}

static int reserved(const struct site *s, bool used, const char *what)
{
	return used ? bad(s, "%s uses reserved fields", what) : 0;
}

static int read_reg(const struct site *s, u32 reg)
{
	return reg < REG_MAX ? 0 : bad(s, "R%u is invalid", reg);
}

static int write_reg(const struct site *s, u32 reg)
{
	if (reg == REG_FP)
		return bad(s, "frame pointer is read only");
	return read_reg(s, reg);
}

static int unknown_opcode(const struct site *s)
{
	return bad(s, "unknown opcode %02x", s->i->code);
}

/* Kernel 6.18: check_alu_op(), MOV of a register. */
static int check_mov_reg(const struct site *s)
{
	const struct insn *i = s->i;
	bool is64 = INSN_CLASS(i->code) == CLS_ALU64;

	if (is64 && i->off == ALU_ADDR_SPACE_CAST) {
		if (i->imm != 1 && i->imm != 1 << 16)
			return bad(s, "addr_space_cast insn can only convert between address "
				      "space 1 and 0");
		return read_reg(s, i->src);
	}
	if ((i->off != 0 && i->off != 8 && i->off != 16 && !(is64 && i->off == 32)) || i->imm)
		return reserved(s, true, "BPF_MOV");
	return read_reg(s, i->src);
}

/* Kernel 6.18: check_alu_op(). */
static int check_alu(const struct site *s)
{
	const struct insn *i = s->i;
	bool is64 = INSN_CLASS(i->code) == CLS_ALU64, reg = INSN_SRC(i->code) == SRC_X;
	bool has_sign = false;
	int err;

	switch (INSN_OP(i->code)) {
	case ALU_NEG:
		if (reg)
			return unknown_opcode(s);
		err = reserved(s, i->src || i->off || i->imm, "BPF_NEG");
		break;
	case ALU_END:
		if (is64 && reg)
			return unknown_opcode(s);
		err = reserved(s, i->src || i->off || (i->imm != 16 && i->imm != 32 && i->imm != 64),
			       "BPF_END");
		break;
	case ALU_MOV:
		err = reg ? check_mov_reg(s) : reserved(s, i->src || i->off, "BPF_MOV");
		break;
	case 0xe0:
	case 0xf0:
		return unknown_opcode(s);
	case ALU_DIV:
	case ALU_MOD:
		has_sign = i->off == ALU_SIGNED;
		__attribute__((fallthrough));
	default:
		err = reserved(s, (i->off && !has_sign) || (reg ? i->imm : i->src), "BPF_ALU");
		if (!err)
			err = read_reg(s, i->src);
	}
	return err ? err : write_reg(s, i->dst);
}

/* Kernel 6.18: check_helper_call() and its callers in do_check(). */
static int check_call(const struct site *s)
{
	const struct insn *i = s->i;

	if (i->code != (CLS_JMP | JMP_CALL))
		return unknown_opcode(s);
	return reserved(s, i->src > CALL_KFUNC || i->dst || (i->src != CALL_KFUNC && i->off),
			"BPF_CALL");
}

/* Kernel 6.18: check_cond_jmp_op() and do_check(). */
static int check_jmp(const struct site *s)
{
	const struct insn *i = s->i;
	bool is32 = INSN_CLASS(i->code) == CLS_JMP32, reg = INSN_SRC(i->code) == SRC_X;
	int err;

	switch (INSN_OP(i->code)) {
	case JMP_CALL:
		return check_call(s);
	case JMP_EXIT:
		if (reg || is32)
			return unknown_opcode(s);
		return reserved(s, i->dst || i->src || i->off || i->imm, "BPF_EXIT");
	case JMP_JA:
		if (reg)
			return unknown_opcode(s);
		return reserved(s, i->dst || i->src || (is32 ? i->off : i->imm), "BPF_JA");
	case JMP_JCOND:
		if (reg || is32)
			return unknown_opcode(s);
		if (i->dst || i->src || i->imm)
			return bad(s, "invalid may_goto imm %d", i->imm);
		return 0;
	case 0xf0:
		return unknown_opcode(s);
	}
	err = reserved(s, reg ? i->imm : i->src, "BPF_JMP/JMP32");
	if (!err)
		err = read_reg(s, i->src);
	return err ? err : read_reg(s, i->dst);
}

/* Kernel 6.18: check_atomic(). */
static int check_atomic(const struct site *s)
{
	const struct insn *i = s->i;
	int err = read_reg(s, i->dst);

	if (!err)
		err = read_reg(s, i->src);
	if (err)
		return err;
	switch (i->imm) {
	case ATOMIC_STORE_REL:
		return 0;
	case ATOMIC_LOAD_ACQ:
		return write_reg(s, i->dst);
	case ATOMIC_ADD:
	case ATOMIC_OR:
	case ATOMIC_AND:
	case ATOMIC_XOR:
	case ATOMIC_CMPXCHG:
		break;
	case ATOMIC_ADD | ATOMIC_FETCH:
	case ATOMIC_OR | ATOMIC_FETCH:
	case ATOMIC_AND | ATOMIC_FETCH:
	case ATOMIC_XOR | ATOMIC_FETCH:
	case ATOMIC_XCHG:
		err = write_reg(s, i->src);
		break;
	default:
		return bad(s, "BPF_ATOMIC uses invalid atomic opcode %02x", i->imm);
	}
	if (err)
		return err;
	if (INSN_SIZE(i->code) != SZ_W && INSN_SIZE(i->code) != SZ_DW)
		return bad(s, "invalid atomic operand size");
	return 0;
}

/* Kernel 6.18: resolve_pseudo_ldimm64(), check_ld_imm(). */
static int check_wide(const struct site *s)
{
	const struct insn *i = s->i;

	if (s->left < 2 || i[1].code || i[1].dst || i[1].src || i[1].off)
		return bad(s, "invalid bpf_ld_imm64 insn");
	switch (i->src) {
	case PSEUDO_MAP_FD:
	case PSEUDO_MAP_IDX:
		if (i[1].imm == 0)
			break;
		return bad(s, "unrecognized bpf_ld_imm64 insn");
	case PSEUDO_IMM64:
	case PSEUDO_MAP_VALUE:
	case PSEUDO_BTF_ID:
	case PSEUDO_FUNC:
	case PSEUDO_MAP_IDX_VALUE:
		break;
	default:
		return bad(s, "unrecognized bpf_ld_imm64 insn");
	}
	if (i->off)
		return reserved(s, true, "BPF_LD_IMM64");
	return write_reg(s, i->dst);
}

/* Kernel 6.18: check_ld_abs(). */
static int check_packet_load(const struct site *s)
{
	const struct insn *i = s->i;
	bool indirect = INSN_MODE(i->code) == MODE_IND;

	if (INSN_SIZE(i->code) == SZ_DW)
		return unknown_opcode(s);
	if (i->dst || i->off || (!indirect && i->src))
		return reserved(s, true, "BPF_LD_[ABS|IND]");
	return read_reg(s, i->src);
}

static int check_load(const struct site *s)
{
	const struct insn *i = s->i;
	u32 mode = INSN_MODE(i->code);
	int err;

	if ((mode != MODE_MEM && mode != MODE_MEMSX) || i->imm)
		return reserved(s, true, "BPF_LDX");
	if (mode == MODE_MEMSX && INSN_SIZE(i->code) == SZ_DW)
		return unknown_opcode(s);
	err = read_reg(s, i->src);
	return err ? err : write_reg(s, i->dst);
}

static int check_store(const struct site *s)
{
	const struct insn *i = s->i;
	bool reg = INSN_CLASS(i->code) == CLS_STX;
	int err;

	if (reg && INSN_MODE(i->code) == MODE_ATOMIC)
		return check_atomic(s);
	if (INSN_MODE(i->code) != MODE_MEM)
		return unknown_opcode(s);
	if (reg ? i->imm : i->src)
		return reserved(s, true, reg ? "BPF_STX" : "BPF_ST");
	err = read_reg(s, i->src);
	return err ? err : read_reg(s, i->dst);
}

static int check_site(const struct site *s)
{
	switch (INSN_CLASS(s->i->code)) {
	case CLS_LD:
		if (insn_is_wide(s->i))
			return check_wide(s);
		if (INSN_MODE(s->i->code) == MODE_ABS || INSN_MODE(s->i->code) == MODE_IND)
			return check_packet_load(s);
		return unknown_opcode(s);
	case CLS_LDX:
		return check_load(s);
	case CLS_ST:
	case CLS_STX:
		return check_store(s);
	case CLS_ALU:
	case CLS_ALU64:
		return check_alu(s);
	case CLS_JMP:
	case CLS_JMP32:
		return check_jmp(s);
	}
	return unknown_opcode(s);
}

int insn_check(const struct insn *i, u32 left, u32 pc, struct place at, struct diag *dg)
{
	struct site s = { i, left, pc, at, dg };

	return check_site(&s);
}

/* What is known of an insn's position. */
enum { AT_SUBPROG = 1, AT_WIDE_HALF = 2 };

/* First pass: insns alone, second halves of wide ones, where subprograms begin. */
static int mark_insns(const struct insn *insns, u32 n, struct place at, struct diag *dg, u8 *mark)
{
	u32 n_subprogs = 1;

	mark[0] = AT_SUBPROG;
	for (u32 pc = 0; pc < n; pc++) {
		const struct insn *i = &insns[pc];
		struct site s = { i, n - pc, pc, at, dg };
		int err = check_site(&s);

		if (err)
			return err;
		if (insn_is_subprog_call(i) || (insn_is_wide(i) && i->src == PSEUDO_FUNC)) {
			s64 to = (s64)pc + 1 + i->imm;

			if (to < 0 || to >= n)
				return bad(&s, "call to invalid destination");
			n_subprogs += !(mark[to] & AT_SUBPROG);
			if (n_subprogs > SUBPROGS_MAX)
				return diag_error(dg, at, -E2BIG, "too many subprograms");
			mark[to] |= AT_SUBPROG;
		}
		if (insn_is_wide(i))
			mark[++pc] |= AT_WIDE_HALF;
	}
	return 0;
}

/* The insns [start, end) of one subprogram: jumps stay inside, nothing falls out of its end.
 * Kernel 6.18: check_subprogs(), check_cfg(). */
static int check_subprog(const struct insn *insns, u32 start, u32 end, struct site s,
			 const u8 *mark)
{
	for (u32 pc = start; pc < end; pc++) {
		const struct insn *i = &insns[pc];
		s64 to = jmp_target(i, pc);

		s.i = i;
		s.pc = pc;
		if (mark[pc] & AT_WIDE_HALF) {
			if (mark[pc] & AT_SUBPROG)
				return bad(&s, "call to invalid destination");
			continue;
		}
		if (!insn_is_jmp(i))
			continue;
		if (to < start || to >= end)
			return bad(&s, "jump out of range from insn %u to %ld", pc, (long)to);
		if (mark[to] & AT_WIDE_HALF)
			return bad(&s, "jump into the middle of ldimm64 insn %ld", (long)to - 1);
	}
	s.pc = end - 1;
	s.i = &insns[s.pc];
	if ((mark[s.pc] & AT_WIDE_HALF) ||
	    (!insn_is_exit(s.i) && !(insn_is_jmp(s.i) && INSN_OP(s.i->code) == JMP_JA)))
		return bad(&s, "last insn is not an exit or jmp");
	return 0;
}

int insns_check(const struct insn *insns, u32 n, struct place at, struct diag *dg)
{
	struct site s = { .at = at, .dg = dg };
	u8 *mark;
	int err;

	if (n == 0 || n > INSNS_MAX)
		return diag_error(dg, at, -E2BIG, "program has %u insns, must have 1 to %u", n,
				  INSNS_MAX);
	mark = calloc(n, 1);
	if (!mark)
		return -ENOMEM;
	err = mark_insns(insns, n, at, dg, mark);
	for (u32 start = 0, end; !err && start < n; start = end) {
		end = start + 1;
		while (end < n && !(mark[end] & AT_SUBPROG))
			end++;
		err = check_subprog(insns, start, end, s, mark);
	}
	free(mark);
	return err;
}

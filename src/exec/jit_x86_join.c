/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/jit_x86_join.c - several insns as one x86-64 instruction.
 *
 * BPF has no sum that leaves its operands alone, no zero extension before cpu v3 and no rotation;
 * compilers write them out.  A group is taken as one where no jump leads into it; every register it
 * wrote still gets its value.
 */
#if defined(__x86_64__)
#include "exec/jit_x86.h"

/* May insn pc be joined to the one before: is it there, and does no jump lead to it? */
static bool joins(const struct jit *j, u32 pc)
{
	return pc < j->prog->n_insns && !(j->marks[pc] & AT_TARGET);
}

/* d = s, d += imm: lea.  With a register in place of imm two instructions are no slower (the mov
 * costs nothing), and a load with an index instead is: 6 % of a loop like log2's on AMD's Zen.
 * Returns how many insns it was, 0: not this shape. */
static u32 join_address(struct jit *j, u32 pc)
{
	const struct insn *i = &j->prog->insns[pc];

	if (i->code != (CLS_ALU64 | SRC_X | ALU_MOV) || i->off || i->dst == i->src)
		return 0;
	if (!joins(j, pc + 1) || i[1].dst != i->dst || i[1].code != (CLS_ALU64 | SRC_K | ALU_ADD))
		return 0;
	x86_rm(&j->e, true, 0x8d, x86_reg_of(i->dst), x86_reg_of(i->src), i[1].imm, false);
	return 2;
}

/* d <<= n, d >>= n: the low bits alone, as compilers without 32-bit insns write it. */
static u32 join_shifts(struct jit *j, u32 pc)
{
	const struct insn *i = &j->prog->insns[pc];
	bool is_signed;

	if (i->code != (CLS_ALU64 | SRC_K | ALU_LSH) || !joins(j, pc + 1))
		return 0;
	is_signed = i[1].code == (CLS_ALU64 | SRC_K | ALU_ARSH);
	if (i[1].dst != i->dst || i[1].imm != i->imm ||
	    (!is_signed && i[1].code != (CLS_ALU64 | SRC_K | ALU_RSH)) || i->imm != 32)
		return 0;
	if (is_signed)
		x86_sign_extend(&j->e, true, x86_reg_of(i->dst), x86_reg_of(i->dst), 32);
	else
		x86_op(&j->e, false, OP_MOV, x86_reg_of(i->dst), x86_reg_of(i->dst));
	return 2;
}

/* A move of at least the width that is shifted afterwards, between two registers. */
static bool is_mov(const struct insn *i, bool w)
{
	if (i->off || i->dst == i->src)
		return false;
	return i->code == (CLS_ALU64 | SRC_X | ALU_MOV) ||
	       (!w && i->code == (CLS_ALU | SRC_X | ALU_MOV));
}

static bool is_shift(const struct insn *i, u8 cls)
{
	return i->code == (cls | SRC_K | ALU_LSH) || i->code == (cls | SRC_K | ALU_RSH);
}

/* Do the shifts one and other of the same value turn it, by how much to the left? */
static u32 turn(const struct insn *one, const struct insn *other)
{
	u32 width = INSN_CLASS(one->code) == CLS_ALU64 ? 64 : 32;
	const struct insn *left = INSN_OP(one->code) == ALU_LSH ? one : other;

	if (!is_shift(one, INSN_CLASS(one->code)) || !is_shift(other, INSN_CLASS(one->code)) ||
	    one->code == other->code)
		return 0;
	if (one->imm <= 0 || other->imm <= 0 || one->imm + other->imm != (s32)width)
		return 0;
	return (u32)left->imm;
}

/* A rotation, which BPF has not, in the two ways compilers write it:
 *	a = b; a <<= n; b >>= m; b |= a                 (the value turns in place)
 *	a = c; a <<= n; b = c; b >>= m; a |= b          (its source lives on)
 * with the shifts in either order.  The other register keeps its part. */
static u32 join_rotate(struct jit *j, u32 pc)
{
	const struct insn *i = &j->prog->insns[pc], *second;
	u32 a = x86_reg_of(i->dst), from = x86_reg_of(i->src), n;
	bool w, in_place;
	u8 cls;

	if (!joins(j, pc + 1) || !joins(j, pc + 2) || !joins(j, pc + 3))
		return 0;
	cls = INSN_CLASS(i[1].code);
	w = cls == CLS_ALU64;
	if (!is_mov(i, w) || i[1].dst != i->dst || (!w && cls != CLS_ALU))
		return 0;
	in_place = !is_mov(&i[2], w);
	second = in_place ? &i[2] : &i[3];
	if (!in_place && (!joins(j, pc + 4) || i[2].src != i->src || i[2].dst == i->dst))
		return 0;
	if (second->dst != (in_place ? i->src : i[2].dst) || second[1].code != (cls | SRC_X | ALU_OR))
		return 0;
	n = turn(&i[1], second);
	if (!n)
		return 0;
	if (in_place) {
		if (second[1].dst != i->src || second[1].src != i->dst)
			return 0;
		x86_op(&j->e, w, OP_MOV, a, from);
		x86_shift(j, w, INSN_OP(i[1].code) == ALU_LSH ? SHIFT_SHL : SHIFT_SHR, &i[1]);
		x86_shift_imm(&j->e, w, SHIFT_ROL, from, n);
		return 4;
	}
	if (!j->has_bmi2 || second[1].dst != i->dst || second[1].src != second->dst)
		return 0;
	x86_op(&j->e, w, OP_MOV, x86_reg_of(second->dst), from);
	x86_shift(j, w, INSN_OP(second->code) == ALU_LSH ? SHIFT_SHL : SHIFT_SHR, second);
	x86_rorx(&j->e, w, a, from, (w ? 64 : 32) - n);
	return 5;
}

u32 x86_join(struct jit *j, u32 pc)
{
	u32 n = join_address(j, pc);

	if (!n)
		n = join_shifts(j, pc);
	return n ? n : join_rotate(j, pc);
}
#endif

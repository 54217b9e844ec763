/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/jit_x86_alu.c - arithmetic in x86-64. */
#if defined(__x86_64__)
#include "exec/jit_x86.h"

/* movsx of a byte, a half or a word register. */
void x86_sign_extend(struct emit *e, bool w, u32 dst, u32 src, s32 bits)
{
	u32 opcode = bits == 8 ? 0x0fbe : bits == 16 ? 0x0fbf : 0x63;

	x86_rex(e, w, dst, 0, src, bits == 8 && src >= RSP);
	x86_opcode(e, opcode);
	x86_modrm(e, 3, dst, src);
}

/* The program sees the arena at one address, so both directions are one: low half | base, 0 stays. */
static void addr_cast(struct emit *e, u32 dst, u32 src)
{
	u8 *null;

	x86_op(e, false, OP_MOV, dst, src);
	x86_op(e, false, OP_TEST, dst, dst);
	null = x86_skip(e, CC_E);
	x86_rm(e, true, 0x0b, dst, ENV, offsetof(struct exec_env, arena_base), false);
	x86_land(e, null);
}

static void mov(struct emit *e, bool w, const struct insn *i)
{
	u32 dst = x86_reg_of(i->dst), src = x86_reg_of(i->src);

	if (INSN_SRC(i->code) == SRC_K)
		x86_mov_imm(e, dst, w ? (u64)(s64)i->imm : (u32)i->imm);
	else if (w && i->off == 1)
		addr_cast(e, dst, src);
	else if (i->off)
		x86_sign_extend(e, w, dst, src, i->off);
	else if (dst != src || !w)
		x86_op(e, w, OP_MOV, dst, src);
}

static void byte_order(struct emit *e, const struct insn *i)
{
	bool swap = INSN_CLASS(i->code) == CLS_ALU64 || INSN_SRC(i->code) == SRC_X;
	u32 dst = x86_reg_of(i->dst);

	if (i->imm == 16) {
		if (swap) { /* ror r16, 8 */
			emit_u8(e, 0x66);
			x86_rr(e, false, 0xc1, 1, dst);
			emit_u8(e, 8);
		}
		x86_rr(e, false, 0x0fb7, dst, dst);
	} else if (swap) {
		x86_rex(e, i->imm == 64, 0, 0, dst, false);
		emit_u8(e, 0x0f);
		emit_u8(e, 0xc8 | (dst & 7));
	} else if (i->imm == 32) {
		x86_op(e, false, OP_MOV, dst, dst);
	}
}

static void mul(struct emit *e, bool w, const struct insn *i)
{
	u32 dst = x86_reg_of(i->dst);

	if (INSN_SRC(i->code) == SRC_X) {
		x86_rr(e, w, 0x0faf, dst, x86_reg_of(i->src));
	} else if (x86_is_s8(i->imm)) {
		x86_rr(e, w, 0x6b, dst, dst);
		emit_u8(e, (u32)i->imm);
	} else {
		x86_rr(e, w, 0x69, dst, dst);
		emit_u32(e, (u32)i->imm);
	}
}

void x86_shift(struct jit *j, bool w, u32 kind, const struct insn *i)
{
	struct emit *e = &j->e;
	u32 dst = x86_reg_of(i->dst), src = x86_reg_of(i->src), count = (u32)i->imm & (w ? 63 : 31);

	if (INSN_SRC(i->code) == SRC_K) {
		if (count)
			x86_shift_imm(e, w, kind, dst, count);
		else if (!w)
			x86_op(e, false, OP_MOV, dst, dst);
	} else if (j->has_bmi2) {
		x86_shift_bmi2(e, w, kind, dst, dst, src);
	} else if (src == RCX && dst != RCX) {
		x86_shift_cl(e, w, kind, dst);
	} else { /* r4 moves aside; where it is the destination, it is shifted there */
		x86_mov(e, T2, RCX);
		if (src != RCX)
			x86_mov(e, RCX, src);
		x86_shift_cl(e, w, kind, dst == RCX ? T2 : dst);
		x86_mov(e, RCX, T2);
	}
}

/* dst = dst / s or dst % s, s not 0 (nor -1 when signed); rax and rdx keep what dst does not take.
 * s is neither rax nor rdx. */
static void divide(struct emit *e, bool w, bool is_signed, bool is_mod, u32 dst, u32 s)
{
	u32 result = is_mod ? RDX : RAX;

	if (dst != RAX) {
		x86_mov(e, T0, RAX);
		x86_op(e, w, OP_MOV, RAX, dst);
	}
	if (dst != RDX)
		x86_mov(e, T1, RDX);
	if (is_signed) {
		x86_rex(e, w, 0, 0, 0, false);
		emit_u8(e, 0x99); /* cdq, cqo */
	} else {
		x86_op(e, false, OP_XOR, RDX, RDX);
	}
	x86_group3(e, w, is_signed ? GROUP3_IDIV : GROUP3_DIV, s);
	if (dst != result)
		x86_mov(e, dst, result);
	if (dst != RAX)
		x86_mov(e, RAX, T0);
	if (dst != RDX)
		x86_mov(e, RDX, T1);
}

/* What division by zero leaves: 0, or the dividend. */
static void divide_by_zero(struct emit *e, bool w, bool is_mod, u32 dst)
{
	if (!is_mod)
		x86_op(e, false, OP_XOR, dst, dst);
	else if (!w)
		x86_op(e, false, OP_MOV, dst, dst);
}

static void divide_by_minus_one(struct emit *e, bool w, bool is_mod, u32 dst)
{
	if (is_mod)
		x86_op(e, false, OP_XOR, dst, dst);
	else
		x86_group3(e, w, GROUP3_NEG, dst);
}

static void divide_k(struct emit *e, bool w, bool is_mod, const struct insn *i)
{
	u32 dst = x86_reg_of(i->dst);
	bool is_signed = i->off == ALU_SIGNED;

	if (i->imm == 0) {
		divide_by_zero(e, w, is_mod, dst);
	} else if (is_signed && i->imm == -1) {
		divide_by_minus_one(e, w, is_mod, dst);
	} else if (!is_signed && i->imm > 0 && !(i->imm & (i->imm - 1))) {
		u32 log2 = (u32)__builtin_ctz((u32)i->imm);

		if (is_mod)
			x86_op_imm(e, false, OP_AND, dst, i->imm - 1);
		else if (log2)
			x86_shift_imm(e, w, SHIFT_SHR, dst, log2);
		else if (!w)
			x86_op(e, false, OP_MOV, dst, dst);
	} else {
		x86_mov_imm(e, T2, w ? (u64)(s64)i->imm : (u32)i->imm);
		divide(e, w, is_signed, is_mod, dst, T2);
	}
}

static void divide_x(struct emit *e, bool w, bool is_mod, const struct insn *i)
{
	u32 dst = x86_reg_of(i->dst), s = x86_reg_of(i->src);
	bool is_signed = i->off == ALU_SIGNED;
	u8 *general, *done_zero, *done_minus = NULL;

	if (s == RAX || s == RDX) {
		x86_op(e, w, OP_MOV, T2, s);
		s = T2;
	}
	if (is_mod) { /* by zero leaves the dividend */
		divide_by_zero(e, w, true, dst);
		x86_op(e, w, OP_TEST, s, s);
		done_zero = x86_skip(e, CC_E);
	} else {
		u8 *nonzero;

		x86_op(e, w, OP_TEST, s, s);
		nonzero = x86_skip(e, CC_NE);
		divide_by_zero(e, w, false, dst);
		done_zero = x86_skip(e, CC_ALWAYS);
		x86_land(e, nonzero);
	}
	if (is_signed) {
		x86_op_imm(e, w, OP_CMP, s, -1);
		general = x86_skip(e, CC_NE);
		divide_by_minus_one(e, w, is_mod, dst);
		done_minus = x86_skip(e, CC_ALWAYS);
		x86_land(e, general);
	}
	divide(e, w, is_signed, is_mod, dst, s);
	if (is_signed)
		x86_land(e, done_minus);
	x86_land(e, done_zero);
}

static void simple_alu(struct emit *e, bool w, enum x86_op op, const struct insn *i)
{
	u32 dst = x86_reg_of(i->dst);

	if (INSN_SRC(i->code) == SRC_X)
		x86_op(e, w, op, dst, x86_reg_of(i->src));
	else /* a positive mask clears the upper half anyway */
		x86_op_imm(e, w && !(op == OP_AND && i->imm >= 0), op, dst, i->imm);
}

void x86_alu_insn(struct jit *j, const struct insn *i)
{
	struct emit *e = &j->e;
	bool w = INSN_CLASS(i->code) == CLS_ALU64;
	enum alu_op op = INSN_OP(i->code);

	switch (op) {
	case ALU_ADD: return simple_alu(e, w, OP_ADD, i);
	case ALU_SUB: return simple_alu(e, w, OP_SUB, i);
	case ALU_OR: return simple_alu(e, w, OP_OR, i);
	case ALU_AND: return simple_alu(e, w, OP_AND, i);
	case ALU_XOR: return simple_alu(e, w, OP_XOR, i);
	case ALU_MUL: return mul(e, w, i);
	case ALU_LSH: return x86_shift(j, w, SHIFT_SHL, i);
	case ALU_RSH: return x86_shift(j, w, SHIFT_SHR, i);
	case ALU_ARSH: return x86_shift(j, w, SHIFT_SAR, i);
	case ALU_NEG: return x86_group3(e, w, GROUP3_NEG, x86_reg_of(i->dst));
	case ALU_MOV: return mov(e, w, i);
	case ALU_END: return byte_order(e, i);
	case ALU_DIV:
	case ALU_MOD:
		if (INSN_SRC(i->code) == SRC_K)
			divide_k(e, w, op == ALU_MOD, i);
		else
			divide_x(e, w, op == ALU_MOD, i);
	}
}
#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/jit_x86_mem.c - loads, stores and atomics in x86-64. */
#if defined(__x86_64__)
#include "exec/jit_x86.h"

/* Opcode of a LDX insn; *w: with 64-bit operands. */
static u32 load_opcode(const struct insn *i, bool *w)
{
	bool is_signed = INSN_MODE(i->code) == MODE_MEMSX;

	*w = is_signed || INSN_SIZE(i->code) == SZ_DW;
	switch (INSN_SIZE(i->code)) {
	case SZ_B: return is_signed ? 0x0fbe : 0x0fb6;
	case SZ_H: return is_signed ? 0x0fbf : 0x0fb7;
	case SZ_W: return is_signed ? 0x63 : 0x8b;
	}
	return 0x8b;
}

static void load(struct emit *e, const struct insn *i)
{
	bool w;
	u32 opcode = load_opcode(i, &w);

	x86_rm(e, w, opcode, x86_reg_of(i->dst), x86_reg_of(i->src), i->off, false);
}

static void store(struct emit *e, const struct insn *i)
{
	u32 base = x86_reg_of(i->dst), src = x86_reg_of(i->src), size = INSN_SIZE(i->code);

	if (size == SZ_H)
		emit_u8(e, 0x66);
	x86_rm(e, size == SZ_DW, size == SZ_B ? 0x88 : 0x89, src, base, i->off, size == SZ_B);
}

static void store_imm(struct emit *e, const struct insn *i)
{
	u32 size = INSN_SIZE(i->code);

	if (size == SZ_H)
		emit_u8(e, 0x66);
	x86_rm(e, size == SZ_DW, size == SZ_B ? 0xc6 : 0xc7, 0, x86_reg_of(i->dst), i->off, false);
	if (size == SZ_B) {
		emit_u8(e, (u32)i->imm);
	} else if (size == SZ_H) {
		emit_u8(e, (u32)i->imm);
		emit_u8(e, (u32)i->imm >> 8);
	} else {
		emit_u32(e, (u32)i->imm);
	}
}

static void lock_rm(struct emit *e, bool w, u32 opcode, u32 reg, u32 base, s32 disp)
{
	emit_u8(e, 0xf0);
	x86_rm(e, w, opcode, reg, base, disp, false);
}

/* or, and, xor with fetch: x86 has them only without, so compare and exchange until it holds. */
static void atomic_loop(struct emit *e, bool w, enum x86_op op, const struct insn *i)
{
	u32 src = x86_reg_of(i->src), operand = src == RAX ? T1 : src;
	u8 *again;

	x86_rm(e, true, 0x8d, T0, x86_reg_of(i->dst), i->off, false);
	x86_mov(e, T1, RAX);
	x86_rm(e, w, 0x8b, RAX, T0, 0, false);
	again = e->p;
	x86_mov(e, T2, RAX);
	x86_op(e, w, op, T2, operand);
	lock_rm(e, w, 0x0fb1, T2, T0, 0);
	emit_u8(e, 0x70 | CC_NE);
	emit_u8(e, (u32)(again - (e->p + 1)));
	if (!w) /* cmpxchg leaves eax alone when it succeeds */
		x86_op(e, false, OP_MOV, RAX, RAX);
	if (src != RAX) {
		x86_mov(e, src, RAX);
		x86_mov(e, RAX, T1);
	}
}

static void atomic(struct emit *e, const struct insn *i)
{
	static const u8 op_of[16] = { [ATOMIC_ADD >> 4] = OP_ADD, [ATOMIC_OR >> 4] = OP_OR,
				      [ATOMIC_AND >> 4] = OP_AND, [ATOMIC_XOR >> 4] = OP_XOR };
	bool w = INSN_SIZE(i->code) == SZ_DW;
	u32 base = x86_reg_of(i->dst), src = x86_reg_of(i->src);

	switch (i->imm) {
	case ATOMIC_LOAD_ACQ: /* x86 orders loads and stores like this by itself */
		return load(e, &(struct insn){ .code = CLS_LDX | MODE_MEM | INSN_SIZE(i->code),
					       .dst = i->dst, .src = i->src, .off = i->off });
	case ATOMIC_STORE_REL:
		return store(e, i);
	case ATOMIC_XCHG:
		return x86_rm(e, w, 0x87, src, base, i->off, false);
	case ATOMIC_CMPXCHG:
		lock_rm(e, w, 0x0fb1, src, base, i->off);
		if (!w)
			x86_op(e, false, OP_MOV, RAX, RAX);
		return;
	case ATOMIC_ADD | ATOMIC_FETCH:
		return lock_rm(e, w, 0x0fc1, src, base, i->off);
	}
	if (i->imm & ATOMIC_FETCH)
		atomic_loop(e, w, op_of[i->imm >> 4], i);
	else
		lock_rm(e, w, op_of[i->imm >> 4], src, base, i->off);
}

void x86_mem_insn(struct emit *e, const struct insn *i)
{
	if (INSN_CLASS(i->code) == CLS_LDX)
		load(e, i);
	else if (INSN_CLASS(i->code) == CLS_ST)
		store_imm(e, i);
	else if (INSN_MODE(i->code) == MODE_ATOMIC)
		atomic(e, i);
	else
		store(e, i);
}
#endif

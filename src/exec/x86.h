/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/x86.h - encodes the x86-64 instructions that the JIT needs.
 *
 * Intel SDM, volume 2.  Operand order is Intel's: destination first.  `w` chooses 64-bit operands; a
 * 32-bit result clears the upper half, which is BPF's rule too.  The flags
 * mean nothing between two BPF insns.
 */
#pragma once
#include "exec/emit.h"

enum x86_reg { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/* Condition codes of jcc. */
enum x86_cc {
	CC_B = 0x2, CC_AE = 0x3, CC_E = 0x4, CC_NE = 0x5, CC_BE = 0x6, CC_A = 0x7,
	CC_S = 0x8, CC_NS = 0x9, CC_L = 0xc, CC_GE = 0xd, CC_LE = 0xe, CC_G = 0xf,
	CC_ALWAYS = -1,
};

/* "op r/m, r" opcodes, and the /digit of the same operation with an immediate. */
enum x86_op {
	OP_ADD = 0x01, OP_OR = 0x09, OP_AND = 0x21, OP_SUB = 0x29, OP_XOR = 0x31, OP_CMP = 0x39,
	OP_TEST = 0x85, OP_MOV = 0x89,
};
#define OP_DIGIT(op) ((u8)(op) >> 3)

/* /digit of shifts (C1, D3) and of group 3 (F7). */
enum { SHIFT_ROL = 0, SHIFT_SHL = 4, SHIFT_SHR = 5, SHIFT_SAR = 7 };
enum { GROUP3_TEST = 0, GROUP3_NEG = 3, GROUP3_DIV = 6, GROUP3_IDIV = 7 };

static inline bool x86_is_s8(s64 v)
{
	return v == (s8)v;
}

/* REX prefix when it is needed; force: for the byte registers spl to dil. */
static inline void x86_rex(struct emit *e, bool w, u32 reg, u32 index, u32 rm, bool force)
{
	u32 rex = (u32)w << 3 | (reg >> 3) << 2 | (index >> 3) << 1 | rm >> 3;

	if (rex || force)
		emit_u8(e, 0x40 | rex);
}

/* opcode is one byte, or 0x0fXX for the two-byte map. */
static inline void x86_opcode(struct emit *e, u32 opcode)
{
	if (opcode > 0xff)
		emit_u8(e, opcode >> 8);
	emit_u8(e, opcode);
}

static inline void x86_modrm(struct emit *e, u32 mod, u32 reg, u32 rm)
{
	emit_u8(e, mod << 6 | (reg & 7) << 3 | (rm & 7));
}

/* ModRM of [base + disp].  rsp and r12 take a SIB byte, rbp and r13 have no form without disp. */
static inline void x86_modrm_mem(struct emit *e, u32 reg, u32 base, s32 disp)
{
	u32 mod = disp == 0 && (base & 7) != RBP ? 0 : x86_is_s8(disp) ? 1 : 2;

	x86_modrm(e, mod, reg, base);
	if ((base & 7) == RSP)
		emit_u8(e, 0x24);
	if (mod == 1)
		emit_u8(e, (u32)disp);
	else if (mod == 2)
		emit_u32(e, (u32)disp);
}

/* opcode reg, r/m register */
static inline void x86_rr(struct emit *e, bool w, u32 opcode, u32 reg, u32 rm)
{
	x86_rex(e, w, reg, 0, rm, false);
	x86_opcode(e, opcode);
	x86_modrm(e, 3, reg, rm);
}

/* op dst, src */
static inline void x86_op(struct emit *e, bool w, enum x86_op op, u32 dst, u32 src)
{
	x86_rr(e, w, op, src, dst);
}

static inline void x86_mov(struct emit *e, u32 dst, u32 src)
{
	x86_op(e, true, OP_MOV, dst, src);
}

/* opcode reg, [base + disp]; is_byte: reg is a byte register */
static inline void x86_rm(struct emit *e, bool w, u32 opcode, u32 reg, u32 base, s32 disp, bool is_byte)
{
	x86_rex(e, w, reg, 0, base, is_byte && reg >= RSP);
	x86_opcode(e, opcode);
	x86_modrm_mem(e, reg, base, disp);
}

/* lea dst, [base + index << shift]; shift 0 to 3, index is not rsp */
static inline void x86_lea_scaled(struct emit *e, u32 dst, u32 base, u32 index, u32 shift)
{
	bool has_disp = (base & 7) == RBP;

	x86_rex(e, true, dst, index, base, false);
	emit_u8(e, 0x8d);
	x86_modrm(e, has_disp, dst, RSP);
	emit_u8(e, shift << 6 | (index & 7) << 3 | (base & 7));
	if (has_disp)
		emit_u8(e, 0);
}

/* imul dst, dst, factor */
static inline void x86_mul_imm(struct emit *e, u32 dst, s32 factor)
{
	x86_rr(e, true, 0x69, dst, dst);
	emit_u32(e, (u32)factor);
}

/* op dst, imm; not for OP_TEST and OP_MOV */
static inline void x86_op_imm(struct emit *e, bool w, enum x86_op op, u32 dst, s32 imm)
{
	x86_rex(e, w, 0, 0, dst, false);
	if (x86_is_s8(imm)) {
		emit_u8(e, 0x83);
		x86_modrm(e, 3, OP_DIGIT(op), dst);
		emit_u8(e, (u32)imm);
		return;
	}
	if (dst == RAX) {
		emit_u8(e, op + 4);
	} else {
		emit_u8(e, 0x81);
		x86_modrm(e, 3, OP_DIGIT(op), dst);
	}
	emit_u32(e, (u32)imm);
}

/* test dst, imm, in the shortest form that sees all bits of imm */
static inline void x86_test_imm(struct emit *e, bool w, u32 dst, s32 imm)
{
	if (imm >= 0 && imm < 0x80) {
		x86_rex(e, false, 0, 0, dst, dst >= RSP);
		emit_u8(e, 0xf6);
		x86_modrm(e, 3, GROUP3_TEST, dst);
		emit_u8(e, (u32)imm);
		return;
	}
	x86_rex(e, w && imm < 0, 0, 0, dst, false);
	emit_u8(e, 0xf7);
	x86_modrm(e, 3, GROUP3_TEST, dst);
	emit_u32(e, (u32)imm);
}

/* dst = v, shortest.  Changes the flags. */
static inline void x86_mov_imm(struct emit *e, u32 dst, u64 v)
{
	if (v == 0) {
		x86_op(e, false, OP_XOR, dst, dst);
	} else if (v == (u32)v) {
		x86_rex(e, false, 0, 0, dst, false);
		emit_u8(e, 0xb8 | (dst & 7));
		emit_u32(e, (u32)v);
	} else if ((s64)v == (s32)v) {
		x86_rex(e, true, 0, 0, dst, false);
		emit_u8(e, 0xc7);
		x86_modrm(e, 3, 0, dst);
		emit_u32(e, (u32)v);
	} else {
		x86_rex(e, true, 0, 0, dst, false);
		emit_u8(e, 0xb8 | (dst & 7));
		emit_u64(e, v);
	}
}

static inline void x86_shift_imm(struct emit *e, bool w, u32 kind, u32 dst, u32 count)
{
	x86_rex(e, w, 0, 0, dst, false);
	emit_u8(e, count == 1 ? 0xd1 : 0xc1);
	x86_modrm(e, 3, kind, dst);
	if (count != 1)
		emit_u8(e, count);
}

/* shift dst, cl */
static inline void x86_shift_cl(struct emit *e, bool w, u32 kind, u32 dst)
{
	x86_rr(e, w, 0xd3, kind, dst);
}

/* BMI2: rorx dst, src, count */
static inline void x86_rorx(struct emit *e, bool w, u32 dst, u32 src, u32 count)
{
	emit_u8(e, 0xc4);
	emit_u8(e, (~(dst >> 3) & 1) << 7 | 1 << 6 | (~(src >> 3) & 1) << 5 | 3);
	emit_u8(e, (u32)w << 7 | 0x7b);
	emit_u8(e, 0xf0);
	x86_modrm(e, 3, dst, src);
	emit_u8(e, count);
}

/* BMI2: shlx, shrx, sarx dst, src, count; VEX.LZ.pp.0F38 F7 /r */
static inline void x86_shift_bmi2(struct emit *e, bool w, u32 kind, u32 dst, u32 src, u32 count)
{
	u32 pp = kind == SHIFT_SHL ? 1 : kind == SHIFT_SHR ? 3 : 2;

	emit_u8(e, 0xc4);
	emit_u8(e, (~(dst >> 3) & 1) << 7 | 1 << 6 | (~(src >> 3) & 1) << 5 | 2);
	emit_u8(e, (u32)w << 7 | (~count & 15) << 3 | pp);
	emit_u8(e, 0xf7);
	x86_modrm(e, 3, dst, src);
}

/* neg, div, idiv of one operand */
static inline void x86_group3(struct emit *e, bool w, u32 digit, u32 reg)
{
	x86_rr(e, w, 0xf7, digit, reg);
}

static inline void x86_push(struct emit *e, u32 reg)
{
	x86_rex(e, false, 0, 0, reg, false);
	emit_u8(e, 0x50 | (reg & 7));
}

static inline void x86_pop(struct emit *e, u32 reg)
{
	x86_rex(e, false, 0, 0, reg, false);
	emit_u8(e, 0x58 | (reg & 7));
}

static inline void x86_ret(struct emit *e)
{
	emit_u8(e, 0xc3);
}

/* call or jmp through a register */
static inline void x86_call_reg(struct emit *e, u32 reg)
{
	x86_rr(e, false, 0xff, 2, reg);
}
static inline void x86_jmp_reg(struct emit *e, u32 reg)
{
	x86_rr(e, false, 0xff, 4, reg);
}

/* A jump forward over what is not known yet: two bytes, completed by x86_land(). */
static inline u8 *x86_skip(struct emit *e, enum x86_cc cc)
{
	emit_u8(e, cc == CC_ALWAYS ? 0xeb : 0x70 | (u32)cc);
	emit_u8(e, 0);
	return e->p;
}
static inline void x86_land(struct emit *e, u8 *after_skip)
{
	if (after_skip <= e->end)
		after_skip[-1] = (u8)(e->p - after_skip);
}

/* Fills with nops up to a multiple of align, a power of two. */
static inline void x86_align(struct emit *e, u32 align)
{
	static const u8 nops[8][8] = {
		{ 0x90 },
		{ 0x66, 0x90 },
		{ 0x0f, 0x1f, 0x00 },
		{ 0x0f, 0x1f, 0x40, 0x00 },
		{ 0x0f, 0x1f, 0x44, 0x00, 0x00 },
		{ 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 },
		{ 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00 },
		{ 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
	};
	u32 n = (0 - emit_at(e)) & (align - 1);

	while (n) {
		u32 k = MIN(n, 8u);

		for (u32 b = 0; b < k; b++)
			emit_u8(e, nops[k - 1][b]);
		n -= k;
	}
}

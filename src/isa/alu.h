/* SPDX-License-Identifier: BSD-2-Clause */
/* isa/alu.h - what ALU and jump insns compute; RFC 9669, sections 4.1 to 4.3.
 *
 * Pure functions over isa/alu.def and isa/jmp.def, for whoever folds or checks: constant folder,
 * verifier, tests.  Division by zero gives 0, modulo by zero the dividend; the signed forms wrap for
 * the smallest number by -1; shifts count modulo the width.
 */
#pragma once
#include "isa/insn.h"

/* d OP s for every operation without a variant: not END, and DIV, MOD unsigned, MOV plain. */
u64 alu64_eval(enum alu_op op, u64 d, u64 s);
/* The same on the low halves; the upper half of the result is 0. */
u64 alu32_eval(enum alu_op op, u64 d, u64 s);

u64 alu64_sdiv(u64 d, u64 s);
u64 alu64_smod(u64 d, u64 s);
u64 alu32_sdiv(u64 d, u64 s);
u64 alu32_smod(u64 d, u64 s);

/* The low bits (8, 16 or 32) of s, sign-extended to 64.  The 32-bit form of MOVSX keeps the low half
 * of that. */
u64 alu_sign_extend(u64 s, u32 bits);

/* Reverses the low bits / 8 bytes of v and zeroes the rest; bits is 16, 32 or 64. */
u64 alu_swap(u64 v, u32 bits);
/* END: to little endian, to big endian, or swap, as the insn's code says. */
u64 alu_end(const struct insn *i, u64 d);

/* Result of any valid ALU insn but an address-space cast; s is the source register's value or the
 * immediate, sign-extended (alu_operand). */
u64 alu_insn_eval(const struct insn *i, u64 d, u64 s);

/* Second operand of an ALU or jump insn, given the value of its source register. */
static inline u64 alu_operand(const struct insn *i, u64 src)
{
	return INSN_SRC(i->code) == SRC_X ? src : (u64)(s64)i->imm;
}

/* Does the conditional jump go?  Compares the low halves unless is64. */
bool jmp_taken(enum jmp_op op, bool is64, u64 d, u64 s);

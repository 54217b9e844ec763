/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/op.h - what one ALU or jump insn computes, inlined from the tables of isa/.
 *
 * With op constant each call folds to the one expression of its line.  The cases the tables leave
 * out (signed division, sign-extending moves, byte order) are here.  Semantics of the kernel's
 * ___bpf_prog_run(): RFC 9669, sections 4.1 to 4.3.
 */
#pragma once
#include "isa/insn.h"

#define OP_INLINE static inline __attribute__((always_inline))

OP_INLINE u64 op_sdiv64(u64 d, u64 s)
{
	if (!s)
		return 0;
	return s == ~0ull ? 0 - d : (u64)((s64)d / (s64)s); /* INT64_MIN / -1 traps on x86 */
}

OP_INLINE u64 op_smod64(u64 d, u64 s)
{
	if (!s)
		return d;
	return s == ~0ull ? 0 : (u64)((s64)d % (s64)s);
}

OP_INLINE u64 op_sext(u64 s, s32 bits)
{
	switch (bits) {
	case 8: return (u64)(s64)(s8)s;
	case 16: return (u64)(s64)(s16)s;
	case 32: return (u64)(s64)(s32)s;
	}
	return s;
}

OP_INLINE u64 op_table(enum alu_op op, u64 d, u64 s)
{
	switch (op) {
#define ALU(name, code, text, result) case ALU_##name: return result;
#include "isa/alu.def"
#undef ALU
	}
	return 0;
}

/* off as in the insn: it selects the signed forms of DIV and MOD and the width of MOV. */
OP_INLINE u64 op_alu64(enum alu_op op, s16 off, u64 d, u64 s)
{
	if (op == ALU_DIV && off)
		return op_sdiv64(d, s);
	if (op == ALU_MOD && off)
		return op_smod64(d, s);
	if (op == ALU_MOV && unlikely(off))
		return op_sext(s, off);
	return op_table(op, d, s);
}

OP_INLINE u64 op_alu32(enum alu_op op, s16 off, u64 d, u64 s)
{
	bool is_shift = op == ALU_LSH || op == ALU_RSH || op == ALU_ARSH;
	bool is_signed = op == ALU_ARSH || ((op == ALU_DIV || op == ALU_MOD) && off);

	d = is_signed ? (u64)(s64)(s32)d : (u32)d;
	if (is_shift)
		s &= 31;
	else
		s = is_signed ? (u64)(s64)(s32)s : (u32)s;
	return (u32)op_alu64(op, off, d, s);
}

OP_INLINE u64 op_swap(u64 v, s32 bits)
{
	switch (bits) {
	case 16: return __builtin_bswap16((u16)v);
	case 32: return __builtin_bswap32((u32)v);
	}
	return __builtin_bswap64(v);
}

OP_INLINE u64 op_truncate(u64 v, s32 bits)
{
	return bits == 64 ? v : v & ((1ull << (bits & 63)) - 1);
}

/* to le (SRC_K) and to be (SRC_X); RFC 9669, section 4.2 */
OP_INLINE u64 op_end(bool to_be, u64 v, s32 bits)
{
	bool host_be = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

	return to_be == host_be ? op_truncate(v, bits) : op_swap(v, bits);
}

OP_INLINE bool op_jmp64(enum jmp_op op, u64 d, u64 s)
{
	switch (op) {
#define JMP(name, code, text, cond) case JMP_##name: return cond;
#include "isa/jmp.def"
#undef JMP
	}
	return false;
}

OP_INLINE bool op_jmp32(enum jmp_op op, u64 d, u64 s)
{
	bool is_signed = op == JMP_JSGT || op == JMP_JSGE || op == JMP_JSLT || op == JMP_JSLE;

	return is_signed ? op_jmp64(op, (u64)(s64)(s32)d, (u64)(s64)(s32)s)
			 : op_jmp64(op, (u32)d, (u32)s);
}

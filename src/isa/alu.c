/* SPDX-License-Identifier: BSD-2-Clause */
/* isa/alu.c - what ALU and jump insns compute, from the tables. */
#include "isa/alu.h"

u64 alu64_eval(enum alu_op op, u64 d, u64 s)
{
	switch (op) {
#define ALU(name, code, text, result) \
	case ALU_##name:              \
		return result;
#include "isa/alu.def"
#undef ALU
	}
	return 0;
}

u64 alu32_eval(enum alu_op op, u64 d, u64 s)
{
	switch (op) {
	case ALU_LSH:
	case ALU_RSH:
		return (u32)alu64_eval(op, (u32)d, s & 31);
	case ALU_ARSH:
		return (u32)alu64_eval(op, alu_sign_extend(d, 32), s & 31);
	default:
		return (u32)alu64_eval(op, (u32)d, (u32)s);
	}
}

/* -1 apart: the smallest number by -1 has no quotient in C. */
u64 alu64_sdiv(u64 d, u64 s)
{
	if (s == 0)
		return 0;
	return s == (u64)-1 ? 0 - d : (u64)((s64)d / (s64)s);
}

u64 alu64_smod(u64 d, u64 s)
{
	if (s == 0)
		return d;
	return s == (u64)-1 ? 0 : (u64)((s64)d % (s64)s);
}

u64 alu32_sdiv(u64 d, u64 s)
{
	return (u32)alu64_sdiv(alu_sign_extend(d, 32), alu_sign_extend(s, 32));
}

u64 alu32_smod(u64 d, u64 s)
{
	return (u32)alu64_smod(alu_sign_extend(d, 32), alu_sign_extend(s, 32));
}

u64 alu_sign_extend(u64 s, u32 bits)
{
	switch (bits) {
	case 8:
		return (u64)(s8)s;
	case 16:
		return (u64)(s16)s;
	case 32:
		return (u64)(s32)s;
	}
	return s;
}

u64 alu_swap(u64 v, u32 bits)
{
	switch (bits) {
	case 16:
		return __builtin_bswap16((u16)v);
	case 32:
		return __builtin_bswap32((u32)v);
	case 64:
		return __builtin_bswap64(v);
	}
	return v;
}

u64 alu_end(const struct insn *i, u64 d)
{
	bool to_big = INSN_SRC(i->code) == SRC_X;
	bool host_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

	if (INSN_CLASS(i->code) == CLS_ALU64 || to_big != host_big)
		return alu_swap(d, (u32)i->imm);
	return i->imm == 16 ? (u16)d : i->imm == 32 ? (u32)d : d;
}

u64 alu_insn_eval(const struct insn *i, u64 d, u64 s)
{
	bool is64 = INSN_CLASS(i->code) == CLS_ALU64;
	enum alu_op op = INSN_OP(i->code);

	if (op == ALU_END)
		return alu_end(i, d);
	if (op == ALU_DIV && i->off == ALU_SIGNED)
		return is64 ? alu64_sdiv(d, s) : alu32_sdiv(d, s);
	if (op == ALU_MOD && i->off == ALU_SIGNED)
		return is64 ? alu64_smod(d, s) : alu32_smod(d, s);
	if (op == ALU_MOV && i->off)
		s = alu_sign_extend(s, (u32)i->off);
	return is64 ? alu64_eval(op, d, s) : alu32_eval(op, d, s);
}

/* Sign extension keeps the order of unsigned halves too, so one widening serves every condition. */
bool jmp_taken(enum jmp_op op, bool is64, u64 d, u64 s)
{
	if (!is64) {
		d = alu_sign_extend(d, 32);
		s = alu_sign_extend(s, 32);
	}
	switch (op) {
#define JMP(name, code, text, condition) \
	case JMP_##name:                 \
		return condition;
#include "isa/jmp.def"
#undef JMP
	}
	return false;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What ALU and jump insns compute, by RFC 9669; tests/insn runs the same on every engine. */
#include "isa/alu.h"
#include "test.h"

TEST(thirty_two_bit_results_have_a_zero_upper_half)
{
	CHECK(alu32_eval(ALU_ADD, UINT64_MAX, 1) == 0);
	CHECK(alu32_eval(ALU_SUB, 0, 1) == 0xffffffff);
	CHECK(alu32_eval(ALU_MOV, 0, UINT64_MAX) == 0xffffffff);
	CHECK(alu32_eval(ALU_NEG, 1, 0) == 0xffffffff);
	CHECK(alu32_eval(ALU_MOD, 0xf00000005, 0) == 5);
	CHECK(alu32_eval(ALU_DIV, 0xf00000008, 0xf00000002) == 4);
}

TEST(shifts_count_modulo_the_width)
{
	CHECK(alu64_eval(ALU_LSH, 1, 64) == 1);
	CHECK(alu64_eval(ALU_LSH, 1, (u64)-1) == 1ull << 63);
	CHECK(alu32_eval(ALU_LSH, 1, 33) == 2);
	CHECK(alu32_eval(ALU_RSH, 0xf80000000, 31) == 1);
	CHECK(alu64_eval(ALU_ARSH, 1ull << 63, 63) == UINT64_MAX);
	CHECK(alu32_eval(ALU_ARSH, 0x80000000, 35) == 0xf0000000);
}

TEST(division_is_total)
{
	CHECK(alu64_eval(ALU_DIV, 7, 0) == 0);
	CHECK(alu64_eval(ALU_MOD, 7, 0) == 7);
	CHECK(alu64_sdiv(7, 0) == 0);
	CHECK(alu64_smod((u64)-7, 0) == (u64)-7);
	CHECK(alu64_sdiv(1ull << 63, (u64)-1) == 1ull << 63);
	CHECK(alu64_smod(1ull << 63, (u64)-1) == 0);
	CHECK(alu32_sdiv(0x80000000, 0xffffffff) == 0x80000000);
	CHECK(alu32_smod(0x80000000, 0xffffffff) == 0);
	CHECK(alu64_sdiv((u64)-7, 2) == (u64)-3);
	CHECK(alu64_smod((u64)-7, 2) == (u64)-1);
	CHECK(alu32_smod((u64)-7, (u64)-2) == 0xffffffff);
}

TEST(variants_of_mov_and_end)
{
	struct insn i = { .code = CLS_ALU64 | ALU_MOV | SRC_X, .off = 8 };

	CHECK(alu_insn_eval(&i, 0, 0x180) == (u64)-128);
	i.code = CLS_ALU | ALU_MOV | SRC_X;
	CHECK(alu_insn_eval(&i, 0, 0x180) == 0xffffff80);
	i = (struct insn){ .code = CLS_ALU64 | ALU_END, .imm = 16 };
	CHECK(alu_insn_eval(&i, 0x1122334455667788, 0) == 0x8877);
	i = (struct insn){ .code = CLS_ALU | ALU_END | SRC_X, .imm = 32 };
	CHECK(alu_insn_eval(&i, 0x1122334455667788, 0) ==
	      (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 0x55667788 : 0x88776655));
	i = (struct insn){ .code = CLS_ALU | ALU_END | SRC_K, .imm = 64 };
	CHECK(alu_insn_eval(&i, 0x1122334455667788, 0) ==
	      (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 0x8877665544332211 : 0x1122334455667788));
}

/* Every condition against the plain C comparison, at the points where halves and signs change. */
TEST(conditions_in_both_widths)
{
	static const u64 edge[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
				    INT64_MAX, 1ull << 63, (u64)INT32_MIN, UINT64_MAX };

	for (u32 n = 0; n < ARRAY_SIZE(edge) * ARRAY_SIZE(edge); n++) {
		u64 d = edge[n % ARRAY_SIZE(edge)], s = edge[n / ARRAY_SIZE(edge)];
		u32 dw = (u32)d, sw = (u32)s;

		CHECK_EQ(jmp_taken(JMP_JEQ, true, d, s), d == s);
		CHECK_EQ(jmp_taken(JMP_JNE, false, d, s), dw != sw);
		CHECK_EQ(jmp_taken(JMP_JGT, true, d, s), d > s);
		CHECK_EQ(jmp_taken(JMP_JGT, false, d, s), dw > sw);
		CHECK_EQ(jmp_taken(JMP_JGE, false, d, s), dw >= sw);
		CHECK_EQ(jmp_taken(JMP_JLT, false, d, s), dw < sw);
		CHECK_EQ(jmp_taken(JMP_JLE, true, d, s), d <= s);
		CHECK_EQ(jmp_taken(JMP_JSET, false, d, s), (dw & sw) != 0);
		CHECK_EQ(jmp_taken(JMP_JSET, true, d, s), (d & s) != 0);
		CHECK_EQ(jmp_taken(JMP_JSGT, true, d, s), (s64)d > (s64)s);
		CHECK_EQ(jmp_taken(JMP_JSGT, false, d, s), (s32)dw > (s32)sw);
		CHECK_EQ(jmp_taken(JMP_JSLE, false, d, s), (s32)dw <= (s32)sw);
		CHECK_EQ(jmp_taken(JMP_JSLT, false, d, s), (s32)dw < (s32)sw);
		CHECK_EQ(jmp_taken(JMP_JSGE, false, d, s), (s32)dw >= (s32)sw);
	}
}

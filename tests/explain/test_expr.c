/* SPDX-License-Identifier: BSD-2-Clause */
/* Inputs found for conditions over them: each operation inverted, several conditions at once. */
#include "explain/expr.h"
#include "isa/alu.h"
#include "test.h"

struct fixture {
	struct inputs in;
	struct exprs e;
	u32 a, b; /* inputs of eight bytes, and of one */
};

static void begin(struct fixture *f)
{
	*f = (struct fixture){ .e = { .in = &f->in, .seed = 1 } };
	exprs_clear(&f->e);
	f->a = expr_input(&f->e, (u32)inputs_get(&f->in, 1, 8, INPUT_RESULT, 0), 0, 8);
	f->b = expr_input(&f->e, (u32)inputs_get(&f->in, 2, 1, INPUT_RESULT, 0), 0, 1);
}

static void end(struct fixture *f)
{
	exprs_free(&f->e);
	inputs_free(&f->in);
}

static u64 input_a(const struct fixture *f)
{
	u64 v;

	memcpy(&v, inputs_at(&f->in, 0), sizeof(v));
	return v;
}

static void require(struct fixture *f, enum jmp_op op, u32 a, u64 b, bool want)
{
	const struct insn i = jump_op(op);

	expr_require(&f->e, &i, a, expr_const(&f->e, b), want);
}

TEST(each_operation_is_inverted)
{
	static const struct {
		enum alu_op op;
		u64 s, result;
	} cases[] = {
		{ ALU_ADD, 77, 3 },         { ALU_SUB, 1ull << 40, 12 }, { ALU_XOR, 0xff00ff, 1 },
		{ ALU_AND, 0xff0, 0x120 },  { ALU_OR, 0xf, 0x1f },       { ALU_MUL, 12, 1200 },
		{ ALU_MUL, 7, 1 },          { ALU_DIV, 10, 123 },        { ALU_MOD, 100, 42 },
		{ ALU_LSH, 8, 0xab00 },     { ALU_RSH, 56, 255 },        { ALU_ARSH, 60, UINT64_MAX },
	};

	for (u32 class = CLS_ALU; class <= CLS_ALU64; class += CLS_ALU64 - CLS_ALU)
		for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
			const struct insn op = { .code = (u8)((u32)cases[i].op | SRC_X | class) };
			struct fixture f;
			u64 want = alu_insn_eval(&op, 0, 0);
			u32 n;

			/* of 32 bits, the sum of what has a solution there */
			want = class == CLS_ALU64 ? cases[i].result :
			       alu_insn_eval(&op, 0x1234567, cases[i].s);
			begin(&f);
			n = expr_alu(&f.e, &op, f.a, expr_const(&f.e, cases[i].s));
			require(&f, JMP_JEQ, n, want, true);
			CHECK(exprs_solve(&f.e, 400));
			CHECK(alu_insn_eval(&op, input_a(&f), cases[i].s) == want);
			end(&f);
		}
}

TEST(conditions_hold_together)
{
	struct fixture f;
	u32 low, shifted;

	begin(&f);
	low = expr_part(&f.e, f.a, 0, 4);
	shifted = expr_op64(&f.e, ALU_LSH, f.b, expr_const(&f.e, 2));
	require(&f, JMP_JLT, low, 64, true);
	require(&f, JMP_JGT, f.a, 1ull << 40, true);
	require(&f, JMP_JSGT, f.a, 0, false);
	require(&f, JMP_JGT, shifted, 1000, true);
	CHECK(exprs_solve(&f.e, 2000));
	CHECK((u32)input_a(&f) < 64 && input_a(&f) > 1ull << 40 && (s64)input_a(&f) <= 0);
	CHECK(*inputs_at(&f.in, 1) * 4 > 1000);
	end(&f);
}

TEST(what_cannot_be_is_not_found)
{
	struct fixture f;

	begin(&f);
	require(&f, JMP_JGT, f.b, 255, true);
	CHECK(!exprs_solve(&f.e, 200));
	end(&f);
}

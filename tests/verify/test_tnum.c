/* SPDX-License-Identifier: BSD-2-Clause */
/* Tristate numbers against all the values they stand for: every pair of 4-bit ones. */
#include "isa/alu.h"
#include "test.h"
#include "verify/tnum.h"

enum { BITS = 4, VALUES = 1 << BITS };

/* Calls fn for every well-formed number of BITS bits. */
static void each(void (*fn)(struct tnum t))
{
	for (u64 mask = 0; mask < VALUES; mask++)
		for (u64 value = 0; value < VALUES; value++)
			if (!(value & mask))
				fn((struct tnum){ value, mask });
}

static bool same(struct tnum a, struct tnum b)
{
	return a.value == b.value && a.mask == b.mask;
}

static u64 bit_swap(u64 d, u64 s)
{
	(void)s;
	return alu_swap(d, 64);
}

/* An operation on numbers, and on values. */
static const struct op {
	struct tnum (*abstract)(struct tnum a, struct tnum b);
	enum alu_op op;
	bool optimal;
} ops[] = {
	{ tnum_add, ALU_ADD, true }, { tnum_sub, ALU_SUB, true }, { tnum_and, ALU_AND, true },
	{ tnum_or, ALU_OR, true },   { tnum_xor, ALU_XOR, true }, { tnum_mul, ALU_MUL, false },
};

/* The smallest number with all results. */
static struct tnum best(struct tnum a, struct tnum b, enum alu_op op)
{
	struct tnum all = { 0 };
	bool first = true;

	for (u64 x = 0; x < VALUES; x++)
		for (u64 y = 0; y < VALUES; y++) {
			struct tnum one;

			if (!tnum_has(a, x) || !tnum_has(b, y))
				continue;
			one = tnum_const(alu64_eval(op, x, y));
			all = first ? one : tnum_union(all, one);
			first = false;
		}
	return all;
}

static struct tnum left; /* the first operand of a pair */

static void check_pair(struct tnum right)
{
	for (size_t k = 0; k < ARRAY_SIZE(ops); k++) {
		struct tnum got = ops[k].abstract(left, right);
		struct tnum want = best(left, right, ops[k].op);

		CHECK(!(got.value & got.mask));
		CHECK(tnum_in(got, want));
		CHECK(!ops[k].optimal || same(got, want));
	}
}

static void check_left(struct tnum t)
{
	left = t;
	each(check_pair);
}

TEST(arithmetic_has_every_result_and_no_more_than_it_must)
{
	each(check_left);
}

/* Where Linux 6.18 knows more than kernels before: 3 * x1. */
TEST(products_unite_both_cases_of_a_bit)
{
	CHECK(same(tnum_mul((struct tnum){ 1, 2 }, tnum_const(3)), (struct tnum){ 1, 0xa }));
	CHECK(same(tnum_mul(TNUM_UNKNOWN, tnum_const(4)), (struct tnum){ 0, ~3ull }));
	CHECK(same(tnum_mul(tnum_const(7), tnum_const(6)), tnum_const(42)));
}

static void check_sets_pair(struct tnum b)
{
	struct tnum both = tnum_intersect(left, b), either = tnum_union(left, b);
	bool in = true, overlap = false;

	for (u64 x = 0; x < VALUES; x++) {
		bool has_a = tnum_has(left, x), has_b = tnum_has(b, x);

		CHECK(!(has_a && has_b) || tnum_has(both, x));
		CHECK(!(has_a || has_b) || tnum_has(either, x));
		in &= has_a || !has_b;
		overlap |= has_a && has_b;
	}
	CHECK_EQ(tnum_in(left, b), in);
	CHECK_EQ(tnum_overlap(left, b), overlap);
}

static void check_sets(struct tnum t)
{
	left = t;
	each(check_sets_pair);
}

TEST(sets_of_values)
{
	each(check_sets);
}

static void check_step(struct tnum t)
{
	u64 max = t.value | t.mask;

	for (u64 v = 0; v < VALUES; v++) {
		u64 want = max;

		for (u64 x = VALUES; x-- > v + 1;)
			if (tnum_has(t, x))
				want = x;
		CHECK_EQ(tnum_step(t, v), want);
	}
}

TEST(step_finds_the_next_value)
{
	each(check_step);
	CHECK(tnum_step((struct tnum){ 0, UINT64_MAX }, UINT64_MAX) == UINT64_MAX);
	CHECK(tnum_step((struct tnum){ 1ull << 63, 0xf0 }, 5) == 1ull << 63);
}

static void check_shifts(struct tnum t)
{
	for (u32 n = 0; n < 64; n++)
		for (u64 x = 0; x < VALUES; x++) {
			if (!tnum_has(t, x))
				continue;
			CHECK(tnum_has(tnum_lsh(t, (u8)n), x << n));
			CHECK(tnum_has(tnum_rsh(tnum_lsh(t, 60), (u8)n), x << 60 >> n));
			CHECK(tnum_has(tnum_arsh(tnum_lsh(t, 60), (u8)n, 64),
				       (u64)((s64)(x << 60) >> n)));
			if (n < 32)
				CHECK(tnum_has(tnum_arsh(tnum_lsh(t, 28), (u8)n, 32),
					       (u32)((s32)(x << 28) >> n)));
		}
	CHECK(tnum_has(tnum_bswap64(t), bit_swap(t.value, 0)));
	CHECK(tnum_has(tnum_bswap16(t), alu_swap(t.value | t.mask, 16)));
	CHECK(tnum_has(tnum_bswap32(t), alu_swap(t.value | t.mask, 32)));
	CHECK(tnum_has(tnum_neg(t), 0 - (t.value | t.mask)));
}

TEST(shifts_and_swaps)
{
	each(check_shifts);
}

TEST(ranges_keep_common_leading_bits)
{
	CHECK(same(tnum_range(5, 5), tnum_const(5)));
	CHECK(same(tnum_range(4, 7), (struct tnum){ 4, 3 }));
	CHECK(same(tnum_range(3, 4), (struct tnum){ 0, 7 }));
	CHECK(tnum_is_unknown(tnum_range(0, UINT64_MAX)));
	CHECK(tnum_is_unknown(tnum_range(0, 1ull << 63)));
}

TEST(halves)
{
	struct tnum t = { 0x1200000034, 0xff000000ff00 };

	CHECK(same(tnum_subreg(t), (struct tnum){ 0x34, 0xff00 }));
	CHECK(same(tnum_clear_subreg(t), (struct tnum){ 0x1200000000, 0xff0000000000 }));
	CHECK(same(tnum_const_subreg(t, 7), (struct tnum){ 0x1200000007, 0xff0000000000 }));
	CHECK(same(tnum_cast(t, 1), tnum_const(0x34)));
	CHECK(tnum_is_aligned((struct tnum){ 8, 0x10 }, 8));
	CHECK(!tnum_is_aligned((struct tnum){ 8, 4 }, 8));
	CHECK(tnum_is_aligned(t, 0));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers against values: whatever an insn makes of a value, or a comparison says of it, the
 * verifier's number has it.  Small ranges are tried whole at each point where a bound can wrap,
 * wide ones by random values inside. */
#include "isa/alu.h"
#include "test.h"
#include "verify/scalar.h"

static const s64 edges[] = { INT64_MIN, INT64_MIN + 6, INT32_MIN - 3ll, INT32_MIN, -4, -1, 0, 2,
			     INT32_MAX - 2, INT32_MAX, UINT32_MAX - 3ll, UINT32_MAX, 1ll << 40,
			     INT64_MAX - 3 };
enum { WIDTH = 4 };

static const u8 binary_ops[] = { ALU_ADD, ALU_SUB, ALU_MUL, ALU_AND, ALU_OR,  ALU_XOR,
				 ALU_LSH, ALU_RSH, ALU_ARSH, ALU_DIV, ALU_MOD, ALU_NEG };
static const u8 conditions[] = { JMP_JEQ, JMP_JNE, JMP_JGT, JMP_JGE, JMP_JLT, JMP_JLE,
				 JMP_JSGT, JMP_JSGE, JMP_JSLT, JMP_JSLE, JMP_JSET };

static u64 seed;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Mostly near edges, else of any size. */
static u64 rnd_value(void)
{
	u64 v = (u64)edges[rnd() % ARRAY_SIZE(edges)] + rnd() % 9 - 4;

	return rnd() % 3 ? v : rnd() >> rnd() % 64;
}

/* A number that has v, and what random comparisons tell of it. */
static struct scalar rnd_scalar(u64 v)
{
	struct scalar s = scalar_unknown();

	for (u32 n = rnd() % 5; n-- > 0;) {
		bool is32 = rnd() % 3 == 0;
		u32 op = conditions[rnd() % ARRAY_SIZE(conditions)];
		u64 k = rnd() % 2 ? rnd_value() : v + rnd() % 7 - 3;
		struct scalar other = scalar_const(k);
		bool holds = jmp_taken((enum jmp_op)op, !is32, v, k);

		if (scalar_branch(&s, &other, (enum jmp_op)op, is32) < 0)
			scalar_refine(&s, &other, holds ? op : jmp_negate(op), is32);
	}
	return s;
}

static struct insn alu_insn(u32 op, bool is64)
{
	return (struct insn){ .code = (u8)((is64 ? CLS_ALU64 : CLS_ALU) | op | SRC_X) };
}

/* [lo, lo + WIDTH) as far as it does not wrap. */
static struct scalar window(s64 lo)
{
	return scalar_srange(lo, lo > INT64_MAX - (WIDTH - 1) ? INT64_MAX : lo + WIDTH - 1);
}

static void check_window(const struct insn *i, s64 p, s64 q)
{
	struct scalar a = window(p), b = window(q), r = a;

	scalar_alu(i, &r, b);
	for (s64 x = a.smin;; x++) {
		for (s64 y = b.smin;; y++) {
			CHECK(scalar_has(&r, alu_insn_eval(i, (u64)x, (u64)y)));
			if (y == b.smax)
				break;
		}
		if (x == a.smax)
			break;
	}
}

TEST(arithmetic_is_sound_where_bounds_wrap)
{
	for (size_t k = 0; k < 2 * ARRAY_SIZE(binary_ops); k++) {
		struct insn i = alu_insn(binary_ops[k / 2], k & 1);

		for (size_t n = 0; n < ARRAY_SIZE(edges) * ARRAY_SIZE(edges); n++)
			check_window(&i, edges[n % ARRAY_SIZE(edges)],
				     edges[n / ARRAY_SIZE(edges)]);
	}
}

TEST(arithmetic_is_sound_on_random_numbers)
{
	seed = 1;
	for (u32 n = 0; n < 200000; n++) {
		struct insn i = alu_insn(binary_ops[rnd() % ARRAY_SIZE(binary_ops)], rnd() % 2);
		u64 x = rnd_value(), y = rnd() % 2 ? rnd_value() : rnd() % 64;
		struct scalar a = rnd_scalar(x), b = rnd() % 3 ? rnd_scalar(y) : scalar_const(y);

		CHECK(scalar_has(&a, x) && scalar_has(&b, y));
		scalar_alu(&i, &a, b);
		CHECK(scalar_has(&a, alu_insn_eval(&i, x, y)));
		CHECK(!scalar_flaw(&a));
	}
}

TEST(constants_stay_constants)
{
	seed = 2;
	for (u32 n = 0; n < 20000; n++) {
		u32 op = binary_ops[rnd() % 9];
		struct insn i = alu_insn(op, rnd() % 2);
		u64 x = rnd_value(), y = op >= ALU_LSH && op != ALU_XOR ? rnd() % 32 : rnd_value();
		struct scalar a = scalar_const(x);

		scalar_alu(&i, &a, scalar_const(y));
		CHECK(scalar_is_const(&a) && a.bits.value == alu_insn_eval(&i, x, y));
	}
}

TEST(comparisons_are_decided_rightly_and_taught_soundly)
{
	seed = 3;
	for (u32 n = 0; n < 300000; n++) {
		enum jmp_op op = conditions[rnd() % ARRAY_SIZE(conditions)];
		bool is32 = rnd() % 2, holds;
		u64 x = rnd_value(), y = rnd() % 3 ? rnd_value() : x + rnd() % 5 - 2;
		struct scalar a = rnd_scalar(x), b = rnd() % 2 ? rnd_scalar(y) : scalar_const(y);
		int decided = scalar_branch(&a, &b, op, is32);

		holds = jmp_taken(op, !is32, x, y);
		CHECK(decided < 0 || decided == holds);
		if (decided >= 0)
			continue;
		scalar_refine(&a, &b, holds ? op : jmp_negate(op), is32);
		CHECK(scalar_has(&a, x) && scalar_has(&b, y));
	}
}

TEST(flipped_and_negated_comparisons)
{
	seed = 4;
	for (u32 n = 0; n < 20000; n++) {
		enum jmp_op op = conditions[rnd() % ARRAY_SIZE(conditions)];
		u64 x = rnd_value(), y = rnd_value();
		bool is64 = rnd() % 2, holds = jmp_taken(op, is64, x, y);

		CHECK_EQ(jmp_taken((enum jmp_op)jmp_flip(op), is64, y, x), holds);
		if (op == JMP_JSET)
			CHECK_EQ(jmp_negate(jmp_negate(op)), op);
		else
			CHECK_EQ(jmp_taken((enum jmp_op)jmp_negate(op), is64, x, y), !holds);
	}
	CHECK_EQ(jmp_flip(JMP_CALL), 0);
}

TEST(extensions_are_sound)
{
	seed = 5;
	for (u32 n = 0; n < 200000; n++) {
		u32 size = 1u << rnd() % 3;
		u64 x = rnd_value();
		struct scalar s = rnd_scalar(x), z = s, x64 = s, x32 = s;

		scalar_zext(&z, size);
		CHECK(scalar_has(&z, x & ((1ull << size * 8) - 1)));
		scalar_sext(&x64, size);
		CHECK(scalar_has(&x64, alu_sign_extend(x, size * 8)));
		if (size < 4)
			scalar_sext32(&x32, size);
		scalar_zext32(&x32);
		scalar_sync(&x32);
		CHECK(scalar_has(&x32, (u32)(size < 4 ? alu_sign_extend(x, size * 8) : x)));
	}
}

TEST(byte_order_is_sound)
{
	static const u8 codes[] = { CLS_ALU | ALU_END, CLS_ALU | ALU_END | SRC_X,
				    CLS_ALU64 | ALU_END };

	seed = 6;
	for (u32 n = 0; n < 50000; n++) {
		struct insn i = { .code = codes[rnd() % 3], .imm = 16 << rnd() % 3 };
		u64 x = rnd_value();
		struct scalar s = rnd_scalar(x);

		scalar_end(&i, &s);
		CHECK(scalar_has(&s, alu_end(&i, x)));
	}
}

/* Facts that programs of the kernel's tests rely on, as Linux 6.18's log prints them. */
TEST(results_are_the_kernels)
{
	struct insn add = alu_insn(ALU_ADD, true), arsh = alu_insn(ALU_ARSH, false);
	struct scalar s = scalar_srange(0, 0x30), k = scalar_const(8);

	s.bits = (struct tnum){ 0, 0x30 };
	scalar_sync(&s);
	scalar_refine(&s, &k, JMP_JGE, false); /* 16, 32 or 48 */
	CHECK(s.umin == 8 && s.umax == 0x30 && s.bits.mask == 0x30);
	k = scalar_const(0x1f);
	scalar_refine(&s, &k, JMP_JLE, false); /* of which one is left */
	CHECK(scalar_is_const(&s) && s.bits.value == 16);

	s = scalar_unknown();
	scalar_zext(&s, 4);
	scalar_alu(&arsh, &s, scalar_const(31));
	CHECK(s.smin32 == -1 && s.smax32 == 0 && s.umax == UINT32_MAX && s.smin == 0);

	/* all sums wrap: [2^64-8, 2^64-1] + 16 is [8, 15] */
	s = scalar_srange(-8, -1);
	scalar_alu(&add, &s, scalar_const(16));
	CHECK(s.umin == 8 && s.umax == 15 && s.smin == 8 && s.smax == 15);
}

TEST(within_compares_every_range)
{
	struct scalar wide = scalar_srange(-5, 100), narrow = scalar_srange(0, 100);

	CHECK(scalar_within(&wide, &narrow));
	CHECK(!scalar_within(&narrow, &wide));
	CHECK(scalar_within(&wide, &wide));
	CHECK(scalar_is_unbounded(&(struct scalar){ .smin = INT64_MIN, .smax = INT64_MAX,
						    .umax = UINT64_MAX, .smin32 = INT32_MIN,
						    .smax32 = INT32_MAX, .umax32 = UINT32_MAX }));
	CHECK(!scalar_is_unbounded(&wide));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Types of scripts: their names, layouts, and the buckets of histograms. */
#include "obj/stype.h"
#include "test.h"

static struct arena arena;

static void text_is(const struct stype *t, const char *want)
{
	struct str s = {0};

	stype_text(t, &s);
	CHECK_STR(str_text(&s), want);
	str_free(&s);
}

TEST(names)
{
	const struct stype *two[2] = { stype_int(1, true), stype_str(&arena, 2) };
	static const char *const names[2] = { "a", "b" };
	struct stype task = { .kind = ST_STRUCT, .is_fwd = true, .name = "struct task_struct" };
	struct stype_field f = { .name = "x", .type = stype_int(4, true) };
	struct stype anon = { .kind = ST_STRUCT, .size = 4, .fields = &f, .n_fields = 1 };
	struct stype e = { .kind = ST_ENUM, .size = 4, .name = "enum pid_type" };

	text_is(stype_int(8, false), "uint64");
	text_is(stype_int(1, true), "int8");
	text_is(stype_bool(), "bool");
	text_is(stype_none(), "none");
	text_is(stype_str(&arena, 16), "string[16]");
	text_is(stype_buf(&arena, 5), "buffer[9]");
	text_is(stype_ptr(&arena, stype_ptr(&arena, &task, SS_KERNEL), SS_NONE), "struct task_struct * *");
	text_is(stype_array(&arena, stype_int(2, false), 3), "uint16[3]");
	text_is(stype_tuple(&arena, two, NULL, 2), "(int8,string[2])");
	text_is(stype_tuple(&arena, two, names, 2), "record { .a = int8, .b = string[2] }");
	text_is(stype_tuple(&arena, NULL, NULL, 0), "()");
	text_is(&anon, "struct {int32}");
	text_is(&e, "enum pid_type");
	text_is(stype_agg(&arena, ST_SUM, false), "usum_t");
	text_is(stype_agg(&arena, ST_STATS, true), "stats_t");
	text_is(stype_simple(ST_COUNT), "count_t");
	text_is(stype_hist(&arena, 0), "hist_t");
	text_is(stype_stack(&arena, ST_KSTACK, 127, STACK_BPFTRACE), "kstack_bpftrace_127");
	text_is(stype_stack(&arena, ST_USTACK, 3, STACK_PERF), "ustack_perf_3");
	text_is(NULL, "none");
	arena_free(&arena);
}

/* Fields of a tuple lie as C would lay them. */
TEST(tuples_are_laid_out)
{
	const struct stype *types[] = { stype_int(1, true), stype_int(8, false), stype_str(&arena, 3),
					stype_int(2, false) };
	const struct stype *t = stype_tuple(&arena, types, NULL, 4);

	CHECK_EQ(t->fields[0].off, 0);
	CHECK_EQ(t->fields[1].off, 8);
	CHECK_EQ(t->fields[2].off, 16);
	CHECK_EQ(t->fields[3].off, 20);
	CHECK_EQ(t->size, 24);
	CHECK_EQ(stype_align(t), 8);
	CHECK(stype_field(t, "3") == &t->fields[3]);
	CHECK(stype_field(t, "4") == NULL);
	CHECK(stype_field(t, "x") == NULL);
	arena_free(&arena);
}

TEST(equal_types)
{
	const struct stype *i = stype_int(4, true);
	struct stype_field f = { .name = "x", .type = i };
	struct stype fwd = { .kind = ST_STRUCT, .is_fwd = true, .name = "struct a" };
	struct stype whole = { .kind = ST_STRUCT, .size = 4, .name = "struct a", .fields = &f, .n_fields = 1 };
	struct stype other = { .kind = ST_STRUCT, .size = 4, .name = "struct b", .fields = &f, .n_fields = 1 };

	CHECK(stype_same(stype_ptr(&arena, i, SS_USER), stype_ptr(&arena, i, SS_KERNEL)));
	CHECK(!stype_same(stype_int(4, true), stype_int(4, false)));
	CHECK(!stype_same(stype_str(&arena, 4), stype_str(&arena, 5)));
	CHECK(stype_same(&fwd, &whole));
	CHECK(!stype_same(&other, &whole));
	CHECK(!stype_same(stype_lhist(&arena, 0, 10, 1), stype_lhist(&arena, 0, 10, 2)));
	CHECK(stype_same(stype_hist(&arena, 2), stype_hist(&arena, 2)));
	CHECK(!stype_same(NULL, i));
	arena_free(&arena);
}

/* Each value is in the range of its bucket, the buckets follow each other without gaps. */
TEST(buckets_of_hist)
{
	static const s64 values[] = { INT64_MIN, -1, 0, 1, 2, 3, 4, 7, 8, 31, 32, 33, 1000, 1 << 20,
				      1ll << 62, INT64_MAX };

	for (u32 bits = 0; bits <= 5; bits++) {
		u32 n = stype_hist_buckets(bits);
		s64 from, to, end = 0;

		for (u32 i = 1; i < n; i++) {
			stype_hist_range(i, bits, &from, &to);
			CHECK_EQ(from, end);
			CHECK(to > from);
			CHECK_EQ(stype_hist_bucket(from, bits), i);
			CHECK_EQ(stype_hist_bucket(to - 1, bits), i);
			end = to;
		}
		CHECK_EQ(end, INT64_MAX);
		for (u32 i = 0; i < sizeof(values) / sizeof(*values); i++) {
			u32 b = stype_hist_bucket(values[i], bits);

			CHECK(b < n);
			stype_hist_range(b, bits, &from, &to);
			CHECK(values[i] >= from && (values[i] < to || to == INT64_MAX));
		}
	}
	CHECK_EQ(stype_hist_buckets(0), 65);
	CHECK_EQ(stype_lhist_buckets(stype_lhist(&arena, 0, 100, 10)), 12);
	CHECK_EQ(stype_lhist_buckets(stype_lhist(&arena, INT64_MIN, INT64_MAX, 0)), 2);
	arena_free(&arena);
}

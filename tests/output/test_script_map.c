/* SPDX-License-Identifier: BSD-2-Clause */
/* output/script_map, script_hist, script_series: maps as bpftrace 0.27 and 0.17 print them. */
#include "script_rig.h"
#include <time.h>

#define U64 stype_int(8, false)
#define S64 stype_int(8, true)

static struct rig *rig;

static void set_str(struct rig *r, u32 map, const char *key, s64 v)
{
	char padded[16] = "";

	snprintf(padded, sizeof(padded), "%s", key);
	rig_set(r, map, padded, 0, &v);
}

static void set_int(struct rig *r, u32 map, s64 key, s64 v)
{
	rig_set(r, map, &key, 0, &v);
}

/* One more of v in a histogram. */
static void count_into(struct rig *r, u32 map, const void *key, s64 v, u64 *buckets, u32 bits)
{
	buckets[stype_hist_bucket(v, bits)]++;
	rig_set(r, map, key, 0, buckets);
}

TEST(plain_maps_are_sorted_by_value_or_key)
{
	static const s32 narrow[] = { -1, 10, 2, -100 };
	static const char *const keys[] = { "c", "a", "b", "d" };

	for (u32 compat = 0; compat <= 17; compat += 17) {
		struct rig *r = rig_new(compat, false);
		const struct stype *str = stype_str(&r->s->arena, 16);
		u32 v = rig_map(r, "@v", str, stype_int(4, true)), s = rig_map(r, "@s", S64, str);
		u32 one = rig_map(r, "@one", NULL, U64), by_u64 = rig_map(r, "@k", U64, U64);

		rig_map(r, "@none", NULL, U64);
		rig_start(r);
		for (u32 i = 0; i < 4; i++) {
			char key[16] = "";

			memcpy(key, keys[i], 2);
			rig_set(r, v, key, 0, &narrow[i]);
		}
		for (s64 i = 3; i >= -1; i--)
			rig_set(r, s, &i, 0,
				i == 2 ? "b\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
				       : "a\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
		rig_set(r, one, NULL, 0, &(u64){ UINT64_MAX });
		rig_set(r, by_u64, &(u64){ UINT64_MAX }, 0, &(u64){ 1 });
		CHECK_STR(rig_maps(r),
			  compat ? "@k[-1]: 1\n\n@one: 18446744073709551615\n"
				   "@s[-1]: a\n@s[0]: a\n@s[1]: a\n@s[2]: b\n@s[3]: a\n"
				   "@v[d]: -100\n@v[c]: -1\n@v[b]: 2\n@v[a]: 10\n"
				 : "@k[18446744073709551615]: 1\n@one: 18446744073709551615\n"
				   "@s[-1]: a\n@s[0]: a\n@s[1]: a\n@s[2]: b\n@s[3]: a\n"
				   "@v[d]: -100\n@v[c]: -1\n@v[b]: 2\n@v[a]: 10\n");
		rig_free(r);
	}
}

TEST(shares_of_the_cpus_are_joined)
{
	struct rig *r = rig_new(0, false);
	const struct stype *str = stype_str(&r->s->arena, 16);
	u32 c = rig_map(r, "@c", str, stype_simple(ST_COUNT)),
	    s = rig_map(r, "@s", NULL, stype_agg(&r->s->arena, ST_SUM, true));
	u32 lo = rig_map(r, "@lo", NULL, stype_agg(&r->s->arena, ST_MIN, true));
	u32 hi = rig_map(r, "@hi", NULL, stype_agg(&r->s->arena, ST_MAX, true));
	u32 top = rig_map(r, "@top", NULL, stype_agg(&r->s->arena, ST_MAX, false));
	u32 a = rig_map(r, "@a", NULL, stype_agg(&r->s->arena, ST_AVG, true));
	u32 st = rig_map(r, "@st", NULL, stype_agg(&r->s->arena, ST_STATS, true));

	rig_start(r);
	set_str(r, c, "x", 3);
	rig_set(r, c, "x\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 1, &(u64){ 4 });
	set_str(r, c, "y", 5);
	for (u32 cpu = 0; cpu < 2; cpu++) {
		rig_set(r, s, NULL, cpu, &(s64){ cpu ? -10 : 3 });
		rig_set(r, lo, NULL, cpu, (s64[2]){ cpu ? -3 : 5, 1 });
		rig_set(r, hi, NULL, cpu, (s64[2]){ cpu ? -3 : -5, 1 });
		rig_set(r, top, NULL, cpu, (s64[2]){ cpu ? -1 : 5, 1 });
		rig_set(r, a, NULL, cpu, (s64[2]){ cpu ? -1 : -2, 1 });
		rig_set(r, st, NULL, cpu, (s64[2]){ cpu ? 9 : 4, 1 });
	}
	CHECK_STR(rig_maps(r),
		  "@a: -1\n@c[y]: 5\n@c[x]: 7\n@hi: -3\n@lo: -3\n@s: -7\n"
		  "@st: { .count = 2, .average = 6, .total = 13 }\n@top: 18446744073709551615\n");
	rig_free(r);
}

TEST(stats_and_avg_in_the_old_shape)
{
	struct rig *r = rig_new(17, false);
	const struct stype *str = stype_str(&r->s->arena, 16);
	u32 st = rig_map(r, "@st", str, stype_agg(&r->s->arena, ST_STATS, true));
	u32 a = rig_map(r, "@a", NULL, stype_agg(&r->s->arena, ST_AVG, true));

	rig_map(r, "@empty", NULL, stype_agg(&r->s->arena, ST_AVG, true));
	rig_map(r, "@never", NULL, stype_simple(ST_COUNT));
	rig_start(r);
	rig_set(r, st, "read\0\0\0\0\0\0\0\0\0\0\0", 0, (s64[2]){ 150, 2 });
	rig_set(r, st, "seek\0\0\0\0\0\0\0\0\0\0\0", 0, (s64[2]){ -7, 1 });
	rig_set(r, a, NULL, 0, (s64[2]){ 3, 2 });
	CHECK_STR(rig_maps(r), "@a: 1\n\n\n\n@never: 0\n@st[seek]: count 1, average -7, total -7\n"
			       "@st[read]: count 2, average 75, total 150\n\n");
	rig_free(r);
}

#define FULL "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n"
#define HALF "@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
#define NONE "                                                    |\n"

TEST(histograms_by_powers_of_two)
{
	struct rig *r = rig_new(0, false);
	const struct stype *str = stype_str(&r->s->arena, 16);
	u32 h = rig_map(r, "@h", str, stype_hist(&r->s->arena, 0)),
	    k = rig_map(r, "@k", NULL, stype_hist(&r->s->arena, 0));
	u32 f = rig_map(r, "@f", NULL, stype_hist(&r->s->arena, 3)),
	    top = rig_map(r, "@top", NULL, stype_hist(&r->s->arena, 0));
	u64 one[2048] = {0}, two[2048] = {0}, kilo[2048] = {0}, fine[2048] = {0}, last[2048] = {0};

	rig_start(r);
	count_into(r, h, "one\0\0\0\0\0\0\0\0\0\0\0\0", 1, one, 0);
	count_into(r, h, "two\0\0\0\0\0\0\0\0\0\0\0\0", -4, two, 0);
	count_into(r, h, "two\0\0\0\0\0\0\0\0\0\0\0\0", 5, two, 0);
	count_into(r, k, NULL, 1024, kilo, 0);
	count_into(r, f, NULL, 15, fine, 3);
	count_into(r, f, NULL, 16, fine, 3);
	count_into(r, f, NULL, 17, fine, 3);
	count_into(r, top, NULL, INT64_MAX, last, 0);
	CHECK_STR(rig_maps(r),
		  "@f:\n"
		  "[15]                   1 |" HALF
		  "[16, 18)               2 |" FULL
		  "\n@h[one]:\n"
		  "[1]                    1 |" FULL
		  "\n@h[two]:\n"
		  "(..., 0)               1 |" FULL
		  "[0]                    0 |" NONE
		  "[1]                    0 |" NONE
		  "[2, 4)                 0 |" NONE
		  "[4, 8)                 1 |" FULL
		  "\n@k:\n"
		  "[1K, 2K)               1 |" FULL
		  "\n@top:\n"
		  "[4E, 8E)               1 |" FULL
		  "\n");
	rig_free(r);
}

TEST(linear_histograms)
{
	struct rig *r = rig_new(0, false);
	u32 h = rig_map(r, "@h", NULL, stype_lhist(&r->s->arena, 0, 20, 10));
	u32 m = rig_map(r, "@m", NULL, stype_lhist(&r->s->arena, 0, 4194304, 1048576));
	u32 u = rig_map(r, "@u", NULL, stype_lhist(&r->s->arena, 0, 10, 3));

	rig_start(r);
	rig_set(r, h, NULL, 0, (u64[4]){ 1, 2, 0, 2 });
	rig_set(r, m, NULL, 0, (u64[6]){ 0, 0, 1, 0, 0, 0 });
	rig_set(r, u, NULL, 0, (u64[5]){ 0, 0, 0, 1, 1 });
	CHECK_STR(rig_maps(r), "@h:\n"
			       "(..., 0)               1 |" HALF
			       "[0, 10)                2 |" FULL
			       "[10, 20)               0 |" NONE
			       "[20, ...)              2 |" FULL
			       "\n@m:\n"
			       "[1M, 2M)               1 |" FULL
			       "\n@u:\n"
			       "[6, 9)                 1 |" FULL
			       "[9, ...)               1 |" FULL
			       "\n");
	rig_free(r);
}

TEST(histograms_as_json)
{
	static const char *const want[] = {
		"{\"type\": \"hist\", \"data\": {\"@h\": [{\"max\": -1, \"count\": 1},{\"min\": 0, "
		"\"max\": 0, \"count\": 0},"
		"{\"min\": 1, \"max\": 1, \"count\": 0},{\"min\": 2, \"max\": 3, \"count\": 1}]}}\n"
		"{\"type\": \"hist\", \"data\": {\"@l\": {\"1,x\": [{\"min\": 10, \"max\": 19, "
		"\"count\": 1},"
		"{\"min\": 20, \"count\": 2}]}}}\n",
		"{\"type\": \"hist\", \"data\": {\"@h\": [{\"max\": -1, \"count\": 1}, {\"min\": "
		"0, \"max\": 0, \"count\": 0}, "
		"{\"min\": 1, \"max\": 1, \"count\": 0}, {\"min\": 2, \"max\": 3, \"count\": "
		"1}]}}\n"
		"{\"type\": \"hist\", \"data\": {\"@l\": {\"1,x\": [{\"min\": 10, \"max\": 19, "
		"\"count\": 1}, "
		"{\"min\": 20, \"count\": 2}]}}}\n",
	};

	for (u32 i = 0; i < 2; i++) {
		struct rig *r = rig_new(i ? 17 : 0, true);
		const struct stype *parts[] = { U64, stype_str(&r->s->arena, 8) };
		const struct stype *key = stype_tuple(&r->s->arena, parts, NULL, 2);
		u32 h = rig_map(r, "@h", NULL, stype_hist(&r->s->arena, 0));
		u32 l = rig_map(r, "@l", key, stype_lhist(&r->s->arena, 0, 20, 10));
		u64 b[128] = {0};

		rig_start(r);
		count_into(r, h, NULL, -1, b, 0);
		count_into(r, h, NULL, 3, b, 0);
		rig_set(r, l, "\1\0\0\0\0\0\0\0x\0\0\0\0\0\0", 0, (u64[4]){ 0, 0, 1, 2 });
		CHECK_STR(rig_maps(r), want[i]);
		rig_free(r);
	}
}

TEST(maps_as_json)
{
	struct rig *r = rig_new(0, true);
	const struct stype *str = stype_str(&r->s->arena, 16);
	u32 k = rig_map(r, "@k", str, S64),
	    a = rig_map(r, "@a", NULL, stype_agg(&r->s->arena, ST_AVG, true));
	u32 big = rig_map(r, "@big", NULL, U64);

	rig_map(r, "@empty", str, S64);
	rig_map(r, "@none", str, stype_agg(&r->s->arena, ST_STATS, true));
	rig_start(r);
	set_str(r, k, "k\"ey\t", 2);
	set_str(r, k, "a b", 1);
	rig_set(r, a, NULL, 0, (u64[2]){ 14, 2 });
	rig_set(r, big, NULL, 0, &(u64){ 9007199254740993 });
	CHECK_STR(rig_maps(r),
		  "{\"type\": \"stats\", \"data\": {\"@a\": 7}}\n"
		  "{\"type\": \"map\", \"data\": {\"@big\": \"9007199254740993\"}}\n"
		  "{\"type\": \"map\", \"data\": {\"@k\": {\"a b\": 1, \"k\\\"ey\\t\": 2}}}\n"
		  "{\"type\": \"stats\", \"data\": {\"@none\": {}}}\n");
	rig_free(r);
}

TEST(print_takes_top_and_divisor)
{
	struct rig *r = rig_new(0, false);
	u32 a = rig_map(r, "@a", stype_str(&r->s->arena, 16), S64),
	    unset = rig_map(r, "@unset", NULL, S64);
	u32 p = rig_action(r, ACTION_PRINT_MAP, "", U64, U64, NULL),
	    u = rig_action(r, ACTION_PRINT_MAP, "", U64, U64, NULL);
	u32 e = rig_action(r, ACTION_PRINT_ELEM, "", stype_str(&r->s->arena, 16), NULL);

	r->s->actions.p[p].map = r->s->actions.p[e].map = a;
	r->s->actions.p[u].map = unset;
	rig_start(r);
	set_str(r, a, "a", 1000);
	set_str(r, a, "b", 2999);
	set_str(r, a, "d", -5000);
	rig_send(r, p, 2ul, 0ul);
	rig_send(r, p, 0ul, 10ul);
	rig_send(r, p, 9ul, 1000ul);
	rig_send(r, u, 0ul, 0ul);
	rig_send(r, e, "b\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
	rig_send(r, e, "nope\0\0\0\0\0\0\0\0\0\0\0");
	CHECK_STR(rig_read(r), "@a[a]: 1000\n@a[b]: 2999\n@a[d]: -500\n@a[a]: 100\n@a[b]: "
			       "299\n@a[d]: -5\n@a[a]: 1\n"
			       "@a[b]: 2\n@unset: 0\n2999\n0\n");
	rig_free(r);
}

TEST(clear_and_zero)
{
	struct rig *r = rig_new(0, false);
	u32 a = rig_map(r, "@a", S64, S64), c = rig_map(r, "@c", S64, stype_simple(ST_COUNT));
	u32 clear = rig_action(r, ACTION_CLEAR, "", NULL),
	    zero = rig_action(r, ACTION_ZERO, "", NULL);

	r->s->actions.p[clear].map = a;
	r->s->actions.p[zero].map = c;
	rig_start(r);
	for (s64 i = 0; i < 60; i++)
		set_int(r, a, i, i);
	set_int(r, c, 7, 3);
	set_int(r, c, 5, 3);
	rig_send(r, clear);
	rig_send(r, zero);
	CHECK_STR(rig_read(r), "");
	CHECK_STR(rig_maps(r), "@c[5]: 0\n@c[7]: 0\n");
	rig_free(r);
}

TEST(the_end_is_two_blank_lines_and_the_maps)
{
	struct rig *r = rig_new(0, false);
	u32 a = rig_map(r, "@a", NULL, S64), hidden = rig_map(r, "@hidden", NULL, S64);

	r->s->maps.p[hidden].is_hidden = true;
	rig_start(r);
	rig_set(r, a, NULL, 0, &(s64){ 5 });
	rig_set(r, hidden, NULL, 0, &(s64){ 5 });
	script_out_end(r->out, NULL);
	CHECK_STR(rig_text(r), "\n\n@a: 5\n");
	rig_free(r);
}

TEST(many_elements_are_all_shown_once)
{
	struct rig *r = rig_new(0, true);
	u32 a = rig_map(r, "@a", S64, stype_simple(ST_COUNT)), n = 0;
	const char *text;

	r->o->maps[r->s->maps.p[a].obj_map].max_entries = 5000;
	rig_start(r);
	for (s64 i = 0; i < 5000; i++)
		set_int(r, a, i, 1);
	text = rig_maps(r);
	CHECK(strstr(text, "{\"0\": 1, \"1\": 1, \"2\": 1, "));
	for (; (text = strstr(text, "\": 1")); text++)
		n++;
	CHECK_EQ(n, 5000);
	rig_free(r);
}

/* Three intervals of a day, the first and the last set. */
TEST(series_are_drawn)
{
	struct rig *r;
	u64 day = 86400ul * 1000000000, now = 20000;
	u64 v[2][9] = {{0}};
	const char *text;

	setenv("TZ", "UTC", 1);
	tzset();
	for (u32 json = 0; json < 2; json++) {
		u32 t;

		r = rig = rig_new(0, json);
		t = rig_map(r, "@t", NULL,
			    stype_tseries(&r->s->arena, S64, (s64)day, 3, TSERIES_AVG));
		rig_start(r);
		for (u64 i = now - 2; i <= now; i += 2)
			for (u32 cpu = 0; cpu < 2; cpu++) {
				u64 *b = &v[cpu][i % 3 * 3];

				b[0] = i == now ? 20 : (u64)-10;
				b[1] = 2;
				b[2] = i;
				rig_set(r, t, NULL, cpu, v[cpu]);
			}
		text = rig_maps(r);
		if (json) {
			CHECK(str_starts(text, "{\"type\": \"tseries\", \"data\": {\"@t\": "
					       "[{\"interval_start\":\"2024-10-"));
			CHECK(strstr(text, "\"value\":-5},{\"interval_start\":\"2024-10-"));
			CHECK(str_ends(text, "\"value\":10}]}}\n"));
		} else {
			CHECK(str_starts(
				text, "@t:\n         -5                                            "
				      "     10\n"
				      "hh:mm:ss "
				      "|___________________________________________________|\n"));
			CHECK(strstr(
				text,
				" *                .                                  | -5\n"));
			CHECK(strstr(text,
				     " |                .                                  | -\n"));
			CHECK(strstr(
				text,
				" |                .                                  * 10\n"));
			CHECK(str_ends(
				text,
				"\n         v___________________________________________________v\n"
				"         -5                                                 "
				"10\n\n"));
		}
		rig_free(r);
	}
}

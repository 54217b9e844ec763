/* SPDX-License-Identifier: BSD-2-Clause */
/* base: strings, numbers, tables, arenas, messages. */
#include "base/arena.h"
#include "base/cpu.h"
#include "base/diag.h"
#include "base/hash.h"
#include "base/str.h"
#include "base/vec.h"
#include "test.h"
#include <errno.h>
#include <unistd.h>

TEST(str_grows_and_keeps_its_end)
{
	struct str s = {0};

	for (int i = 0; i < 1000; i++)
		str_addf(&s, "%d,", i);
	CHECK_EQ(s.len, 3890);
	CHECK(str_ends(s.p, "998,999,"));
	str_free(&s);
	CHECK_STR(str_text(&s), "");
}

TEST(str_glob_matches_whole_names)
{
	CHECK(str_glob("sys_*", "sys_enter"));
	CHECK(str_glob("*", ""));
	CHECK(str_glob("a*b*c", "aXbYbZc"));
	CHECK(str_glob("?", "x"));
	CHECK(!str_glob("?", ""));
	CHECK(!str_glob("sys", "sys_enter"));
	CHECK(!str_glob("a*b", "acd"));
}

TEST(str_numbers_know_their_range)
{
	u64 u = 7;
	s64 v = 7;

	CHECK_EQ(str_to_u64("0x10", &u), 0);
	CHECK_EQ(u, 16);
	CHECK_EQ(str_to_u64("-1", &u), -EINVAL);
	CHECK_EQ(str_to_u64("12z", &u), -EINVAL);
	CHECK_EQ(str_to_u64("18446744073709551616", &u), -ERANGE);
	CHECK_EQ(u, 16);
	CHECK_EQ(str_to_s64("-9223372036854775808", &v), 0);
	CHECK(v == INT64_MIN);
	CHECK_EQ(str_to_s64("9223372036854775808", &v), -ERANGE);
}

TEST(strmap_finds_every_key)
{
	static char keys[5000][8];
	struct strmap m = {0};
	u32 value;

	for (u32 i = 0; i < 5000; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%u", i);
		CHECK_EQ(strmap_set(&m, keys[i], i), 0);
	}
	CHECK_EQ(strmap_set(&m, "k17", 99), 0);
	CHECK_EQ(m.n, 5000);
	for (u32 i = 0; i < 5000; i++) {
		CHECK(strmap_get(&m, keys[i], &value));
		CHECK_EQ(value, i == 17 ? 99 : i);
	}
	CHECK(!strmap_get(&m, "k5000", &value));
	strmap_free(&m);
}

TEST(arena_memory_is_zeroed_and_aligned)
{
	struct arena a = {0};

	for (size_t n = 1; n < 100000; n = n * 3 + 1) {
		u8 *p = arena_alloc(&a, n);

		CHECK_EQ((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < n; i++)
			CHECK(p[i] == 0);
		memset(p, 0xff, n);
	}
	CHECK_STR(arena_printf(&a, "%s-%d", "x", 3), "x-3");
	arena_free(&a);
}

TEST(diag_keeps_place_and_text)
{
	struct diag dg = {0};
	char file[] = "a.o";
	char *where;

	CHECK_EQ(diag_error(&dg, (struct place){ .file = file, .sect = "maps", .off = 16 }, -EINVAL,
			    "map '%s' is broken", "m"),
		 -EINVAL);
	file[0] = 'x';
	where = place_text(&dg.msgs[0].at);
	CHECK_STR(where, "a.o: section 'maps'+0x10: ");
	CHECK_STR(dg.msgs[0].text, "map 'm' is broken");
	free(where);
	for (int i = 0; i < 2000; i++)
		diag_warn(&dg, (struct place){0}, "again");
	CHECK_EQ(dg.n, 1000);
	CHECK_EQ(dg.n_dropped, 1001);
	CHECK_EQ(dg.n_errors, 1);
	diag_free(&dg);
	CHECK_EQ(diag_error(NULL, (struct place){0}, -EPERM, "dropped"), -EPERM);
}

TEST(str_distance_counts_edits)
{
	CHECK_EQ(str_distance("", "", 0), 0);
	CHECK_EQ(str_distance("kitten", "sitting", 7), 3);
	CHECK_EQ(str_distance("xdp", "xdp/pass", 3), 0);
	CHECK_EQ(str_distance("abc", "", 0), 3);
}

/* RFC 3629, section 4: no longer form than need be, no surrogates, nothing past U+10FFFF. */
TEST(utf8_characters)
{
	CHECK_EQ(str_utf8_len("a", 1), 1);
	CHECK_EQ(str_utf8_len("\xc3\xa4", 2), 2);
	CHECK_EQ(str_utf8_len("\xe2\x82\xac", 3), 3);
	CHECK_EQ(str_utf8_len("\xf0\x9f\x90\x9d", 4), 4);
	CHECK_EQ(str_utf8_len("\xc3", 1), 0);
	CHECK_EQ(str_utf8_len("\xc0\x80", 2), 0);
	CHECK_EQ(str_utf8_len("\xe0\x80\x80", 3), 0);
	CHECK_EQ(str_utf8_len("\xed\xa0\x80", 3), 0);
	CHECK_EQ(str_utf8_len("\xf4\x90\x80\x80", 4), 0);
	CHECK_EQ(str_utf8_len("\xff", 1), 0);
}


TEST(hex_digits)
{
	CHECK_EQ(hex_digit('0'), 0);
	CHECK_EQ(hex_digit('9'), 9);
	CHECK_EQ(hex_digit('a'), 10);
	CHECK_EQ(hex_digit('F'), 15);
	CHECK_EQ(hex_digit('g'), -1);
	CHECK_EQ(hex_digit('\0'), -1);
}

TEST(there_is_a_cpu)
{
	CHECK(cpus_possible() >= (u32)sysconf(_SC_NPROCESSORS_ONLN));
}

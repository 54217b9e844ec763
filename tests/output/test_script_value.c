/* SPDX-License-Identifier: BSD-2-Clause */
/* output/script_value, script_json, script_name: print() of values of every kind, as text and as
 * JSON. */
#include "script_rig.h"
#include <string.h>
#include <time.h>

/* print() of one value, as bytes of its type. */
static char *shown(u32 compat, bool json, const struct stype *t, const void *bytes)
{
	struct rig *r = rig_new(compat, json);
	u32 a = rig_action(r, ACTION_PRINT_VALUE, "", t, NULL);
	u64 scalar = 0;
	char *text;

	rig_start(r);
	if (stype_is_scalar(t)) {
		memcpy(&scalar, bytes, t->size);
		rig_send(r, a, scalar);
	} else {
		rig_send(r, a, bytes);
	}
	text = strdup(rig_read(r));
	rig_free(r);
	return text;
}

static void check(const struct stype *t, const void *bytes, const char *text, const char *json)
{
	char *got = shown(0, false, t, bytes), want[512];

	snprintf(want, sizeof(want), "%s\n", text);
	CHECK_STR(got, want);
	free(got);
	got = shown(0, true, t, bytes);
	snprintf(want, sizeof(want), "{\"type\": \"value\", \"data\": %s}\n", json);
	CHECK_STR(got, want);
	free(got);
}

static void check_old(const struct stype *t, const void *bytes, const char *text)
{
	char *got = shown(17, false, t, bytes), want[512];

	snprintf(want, sizeof(want), "%s\n", text);
	CHECK_STR(got, want);
	free(got);
}

static struct stype_field fields[] = {
	{ .name = "LIGHT", .off = 2 }, { .name = "DARK", .off = 7 }, { .name = "NONE", .off = -1 },
};
static const struct stype shade = {.kind = ST_ENUM,
				   .size = 4,
				   .is_signed = true,
				   .fields = fields,
				   .n_fields = 3,
				   .name = "enum shade"};

TEST(scalars)
{
	struct arena a = {0};
	const struct stype *ptr = stype_ptr(&a, stype_int(4, true), SS_USER);

	check(stype_int(1, true), &(s8){ -1 }, "-1", "-1");
	check(stype_int(8, false), &(u64){UINT64_MAX}, "18446744073709551615",
	      "\"18446744073709551615\"");
	check(stype_int(8, true), &(s64){INT64_MIN}, "-9223372036854775808",
	      "-9223372036854775808");
	check(stype_int(8, true), &(s64){INT64_MAX}, "9223372036854775807",
	      "\"9223372036854775807\"");
	check(stype_bool(), &(u8){ 1 }, "true", "true");
	check(&shade, &(s32){ 7 }, "DARK", "7");
	check(&shade, &(s32){ -1 }, "NONE", "-1");
	check(&shade, &(s32){ 9 }, "9", "9");
	check(ptr, &(u64){ 0xff8 }, "0xff8", "4088");
	check(stype_simple(ST_STRERROR), &(u64){2}, "No such file or directory",
	      "\"No such file or directory\"");
	check(stype_simple(ST_STRERROR), &(u64){ 0 }, "Success", "\"Success\"");
	check(stype_simple(ST_STRERROR), &(u64){9999}, "Unknown error 9999",
	      "\"Unknown error 9999\"");
	check(stype_simple(ST_USERNAME), &(u64){ 0 }, "root", "\"root\"");
	check(stype_simple(ST_USERNAME), &(u64){ 3999999999 }, "3999999999", "\"3999999999\"");
	check(stype_simple(ST_KSYM), &(u64){ 0x10 }, "0x10", "\"0x10\"");
	check_old(stype_bool(), &(u8){ 1 }, "1");
	check_old(&shade, &(s32){ 7 }, "7");
	check_old(ptr, &(u64){ 4096 }, "4096");
	arena_free(&a);
}

TEST(texts)
{
	struct arena a = {0};
	static const u8 v4[20] = { 2, 0, 0, 0, 127, 0, 0, 1 }, none[20] = { 3 };
	static const u8 v6[20] = {10, 0, 0, 0, 0x20, 1, 0xd, 0xb8, [19] = 1},
			mac[8] = {0, 1, 2, 0xab, 0xff, 0x7f};
	static const u8 buf[8] = { 3, 0, 0, 0, 'a', 1, 0xff };

	check(stype_simple(ST_INET), v4, "127.0.0.1", "\"127.0.0.1\"");
	check(stype_simple(ST_INET), v6, "2001:db8::1", "\"2001:db8::1\"");
	check(stype_simple(ST_INET), none, "", "\"\"");
	check(stype_simple(ST_MAC), mac, "00:01:02:AB:FF:7F", "\"00:01:02:AB:FF:7F\"");
	check(stype_buf(&a, 4), buf, "a\\x01\\xff", "[97,1,255]");
	check(stype_str(&a, 15), "q\" b\\ t\t n\n c\x01", "q\" b\\ t\t n\n c\x01",
	      "\"q\\\" b\\\\ t\\t n\\n c\\u0001\"");
	check(stype_str(&a, 8), "\xc3\xa9\xff|\xed\xa0\x80", "\xc3\xa9\xff|\xed\xa0\x80",
	      "\"\xc3\xa9\\ufffd|\\ufffd\\ufffd\\ufffd\"");
	check(stype_str(&a, 4), "abcd", "abcd..", "\"abcd..\"");
	check(stype_chars(&a, 4), "abcd", "abcd", "\"abcd\"");
	arena_free(&a);
}

TEST(parts)
{
	struct arena a = {0};
	const struct stype *word = stype_int(2, true), *inner[] = {word, word}, *duo, *rec, *tuple,
			   *array, *nested[3];
	static const char *const names[] = { "lo", "hi" }, *const outer[] = { "n", "duo", "name" };
	struct { u8 n, pad; s16 lo, hi; char name[6]; } v = { 5, 0, 3, -4, "tea" };
	static const u16 list[] = { 1, 2, 3 };
	char *old;

	duo = stype_tuple(&a, inner, names, 2);
	nested[0] = stype_int(1, false);
	nested[1] = duo;
	nested[2] = stype_str(&a, 6);
	rec = stype_tuple(&a, nested, outer, 3);
	tuple = stype_tuple(&a, nested, NULL, 3);
	array = stype_array(&a, stype_int(2, false), 3);
	check(rec, &v, "{ .n = 5, .duo = { .lo = 3, .hi = -4 }, .name = tea }",
	      "{\"n\": 5, \"duo\": {\"lo\": 3, \"hi\": -4}, \"name\": \"tea\"}");
	check(tuple, &v, "(5, { .lo = 3, .hi = -4 }, tea)", "[5,{\"lo\": 3, \"hi\": -4},\"tea\"]");
	check(array, list, "[1,2,3]", "[1,2,3]");
	old = shown(17, true, duo, &v.lo);
	CHECK_STR(old, "{\"type\": \"value\", \"data\": { \"lo\": 3, \"hi\": -4 }}\n");
	free(old);
	arena_free(&a);
}

TEST(bit_fields)
{
	struct stype_field bits[] = {
		{ .name = "one", .type = stype_int(4, false), .off = 0, .bit_off = 0, .bits = 1 },
		{ .name = "three", .type = stype_int(4, false), .off = 0, .bit_off = 1, .bits = 3 },
		{ .name = "five", .type = stype_int(4, true), .off = 0, .bit_off = 16, .bits = 5 },
		{ .name = "wide", .type = stype_int(8, false), .off = 8, .bit_off = 3, .bits = 40 },
		{ .name = "out", .type = stype_int(8, false), .off = 15, .bit_off = 3, .bits = 40 },
	};
	struct stype t = {
		.kind = ST_STRUCT, .size = 16, .fields = bits, .n_fields = 5, .name = "struct bf"};
	u64 v[2] = { 1 | 5 << 1 | 23 << 16, 0xabcdef0123ul << 3 };

	check(&t, v, "{ .one = 1, .three = 5, .five = -9, .wide = 737894400291, .out = ? }",
	      "{\"one\": 1, \"three\": 5, \"five\": -9, \"wide\": 737894400291, \"out\": null}");
}

TEST(times)
{
	struct stype t = {.kind = ST_TIMESTAMP,
			  .size = 8,
			  .n = CLOCK_OF_BOOT,
			  .text = "%Y-%m-%dT%H:%M:%S.%f"};
	struct stype plain = {
		.kind = ST_TIMESTAMP, .size = 8, .n = CLOCK_OF_TAI, .text = "literal %% %H"};
	struct timespec boot, real;
	char *text, want[64];
	struct tm tm;

	setenv("TZ", "UTC", 1);
	tzset();
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &real);
	text = shown(0, false, &t, &(u64){ (u64)boot.tv_sec * 1000000000 + (u64)boot.tv_nsec });
	strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:", gmtime_r(&real.tv_sec, &tm));
	CHECK(str_starts(text, want) || tm.tm_sec == 59);
	CHECK_EQ(strlen(text), strlen("2024-01-01T00:00:00.123456\n"));
	free(text);
	text = shown(0, false, &plain, &(u64){ 0 });
	CHECK_STR(text, "literal % 00\n");
	free(text);
}

TEST(one_share_of_an_aggregation)
{
	struct arena a = {0};

	check(stype_simple(ST_COUNT), &(u64){ 2 }, "2", "2");
	check(stype_agg(&a, ST_SUM, true), &(s64){ -2 }, "-2", "-2");
	check(stype_agg(&a, ST_AVG, true), (s64[2]){ -7, 2 }, "-3", "-3");
	check(stype_agg(&a, ST_STATS, false), (u64[2]){3, 1},
	      "{ .count = 1, .average = 3, .total = 3 }",
	      "{\"count\": 1, \"average\": 3, \"total\": 3}");
	check(stype_agg(&a, ST_STATS, false), (u64[2]){0, 0},
	      "{ .count = 0, .average = 0, .total = 0 }",
	      "{\"count\": 0, \"average\": 0, \"total\": 0}");
	arena_free(&a);
}

/* ---- any types, any bytes ---- */

static u64 seed = 88172645463325252;

static u32 random_below(u32 n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (u32)(seed >> 33) % n;
}

static const struct stype *random_type(struct arena *a, u32 depth)
{
	static const enum stype_kind simple[] = {ST_KSYM, ST_INET,     ST_MAC,
						 ST_USYM, ST_STRERROR, ST_COUNT};
	struct stype_field *f;
	struct stype *t;

	switch (random_below(depth ? 9 : 6)) {
	case 0: return stype_int(1u << random_below(4), random_below(2));
	case 1: return stype_simple(simple[random_below(ARRAY_SIZE(simple))]);
	case 2: return stype_str(a, 1 + random_below(20));
	case 3: return stype_buf(a, 1 + random_below(20));
	case 4: return stype_agg(a, ST_SUM + random_below(5), random_below(2));
	case 5:
		return random_below(2)
			       ? stype_hist(a, random_below(6))
			       : stype_tseries(a, stype_int(8, true), 1 + random_below(1000),
					       1 + random_below(5), random_below(5));
	case 6: return stype_array(a, random_type(a, depth - 1), random_below(4));
	default: break;
	}
	/* Fields where they please: over each other, outside, of any bits. */
	t = arena_alloc(a, sizeof(*t));
	t->n_fields = random_below(5);
	f = arena_alloc(a, sizeof(*f) * 5);
	for (u32 i = 0; i < t->n_fields; i++)
		f[i] = (struct stype_field){.type = random_type(a, depth - 1),
					    .name = random_below(4) ? "x" : NULL,
					    .off = (s64)random_below(80) - 4,
					    .bit_off = random_below(70),
					    .bits = random_below(3) ? 0 : random_below(70)};
	t->kind = ST_STRUCT + random_below(3);
	t->size = random_below(64);
	t->fields = f;
	return t;
}

TEST(any_types_and_bytes)
{
	for (u32 i = 0; i < 400; i++) {
		struct arena a = {0};
		const struct stype *t = random_type(&a, 4);
		u8 *bytes = malloc(t->size + 8ul);

		for (u32 j = 0; j < t->size + 8; j++)
			bytes[j] = (u8)random_below(256);
		free(shown(i & 1 ? 17 : 0, i & 2, t, bytes));
		free(bytes);
		arena_free(&a);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* output/script_format: what printf makes of integers, strings, buffers. */
#include "script_rig.h"
#include <errno.h>

#define INT stype_int(8, true)

/* printf of one argument. */
static const char *one(struct rig **rig, u32 compat, const char *fmt, const struct stype *t,
		       const void *value, u64 scalar)
{
	u32 a;

	if (*rig)
		rig_free(*rig);
	*rig = rig_new(compat, false);
	a = rig_action(*rig, ACTION_PRINTF, fmt, t, NULL);
	rig_start(*rig);
	if (stype_is_scalar(t))
		rig_send(*rig, a, scalar);
	else
		rig_send(*rig, a, value);
	return rig_read(*rig);
}

TEST(integers_by_flags_width_and_precision)
{
	static const struct {
		const char *fmt, *text;
		s64 v;
		s32 size;       /* below 0: unsigned */
	} rows[] = {
		{"%d", "42", 42, 4},
		{"%i", "-42", -42, 1},
		{"%u", "4294967295", -1, 1},
		{"[%5d]", "[   42]", 42, 4},
		{"[%-5d]", "[42   ]", 42, 4},
		{"[%05d]", "[00042]", 42, 4},
		{"[%-05d]", "[42   ]", 42, 4},
		{"[%.5d]", "[00042]", 42, 4},
		{"[%8.3d]", "[     042]", 42, 4},
		{"[%+d]", "[+42]", 42, 4},
		{"[% d]", "[ 42]", 42, 4},
		{"[%+d]", "[-42]", -42, 4},
		{"[%05d]", "[-0042]", -42, 4},
		{"[%.0d]", "[]", 0, 4},
		{"%d", "0", 0, 4},
		{"%x", "ff", 255, 4},
		{"%X", "FF", 255, 4},
		{"%#x", "0xff", 255, 4},
		{"%#X", "0XFF", 255, 4},
		{"%#010x", "0x000000ff", 255, 4},
		{"%#o", "010", 8, 4},
		{"%o", "10", 8, 4},
		{"%#x", "0", 0, 4},
		{"%hhd", "-1", 255, 4},
		{"%hd", "-1", 65535, 4},
		{"%hhu", "255", -1, 8},
		/* All of what has 64 bits, without a modifier, too. */
		{"%x", "ffffffff", -1, 1},
		{"%llx", "ffffffffffffffff", -1, 4},
		{"%d", "-1", -1, -4},
		{"%d", "1099511627781", 1099511627781, 8},
		{"%u", "18446744073709551615", -1, -8},
		{"%lld", "-9223372036854775808", INT64_MIN, 8},
		{"%d", "-9223372036854775808", INT64_MIN, 8},
		{"%c%%", "A%", 65, 4},
		{"[%4c]", "[   X]", 88, 4},
		{"[%-4c]", "[Y   ]", 89, 4},
		{"%p", "0x1234", 0x1234, 8},
		{"%s", "5", 5, 4},
		{"[%4s]", "[   5]", 5, 4},
		{"%gr", "GFP_KERNEL", 0xcc0, 4},
		{"%gr", "GFP_KERNEL|__GFP_ZERO", 0xdc0, 4},
		{"%gr", "0", 0, 4},
	};
	struct rig *r = NULL;

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_STR(one(&r, 0, rows[i].fmt,
			      stype_int((u32)abs(rows[i].size), rows[i].size > 0), NULL,
			      (u64)rows[i].v),
			  rows[i].text);
	rig_free(r);
}

TEST(strings_are_cut_and_say_so)
{
	struct rig *r = NULL;
	struct arena a = {0};
	const struct stype *t = stype_str(&a, 8);

	CHECK_STR(one(&r, 0, "[%s]", t, "abc\0\0\0\0", 0), "[abc]");
	CHECK_STR(one(&r, 0, "[%6s|%%]", t, "abc\0\0\0\0", 0), "[   abc|%]");
	CHECK_STR(one(&r, 0, "[%-6s]", t, "abc\0\0\0\0", 0), "[abc   ]");
	CHECK_STR(one(&r, 0, "[%.2s]", t, "abc\0\0\0\0", 0), "[ab]");
	CHECK_STR(one(&r, 0, "[%-8.1s]", t, "abc\0\0\0\0", 0), "[a       ]");
	CHECK_STR(one(&r, 0, "[%s]", t, "abcdefgh", 0), "[abcdefgh..]");
	CHECK_STR(one(&r, 17, "[%s]", t, "abcdefgh", 0), "[abcdefgh]");
	rig_free(r);
	arena_free(&a);
}

TEST(buffers_in_three_ways)
{
	struct rig *r = NULL;
	struct arena a = {0};
	const struct stype *t = stype_buf(&a, 8);
	u8 buf[12] = { 8, 0, 0, 0, 'h', 'e', '"', '\\', 'o', 1, 0x7f, 0xfe };

	CHECK_STR(one(&r, 0, "%r", t, buf, 0), "he\"\\o\\x01\\x7f\\xfe");
	CHECK_STR(one(&r, 0, "%rx", t, buf, 0), "\\x68\\x65\\x22\\x5c\\x6f\\x01\\x7f\\xfe");
	CHECK_STR(one(&r, 0, "%rh", t, buf, 0), "68 65 22 5c 6f 01 7f fe");
	buf[0] = 2;
	CHECK_STR(one(&r, 0, "|%10r|", t, buf, 0), "|        he|");
	buf[3] = 0xff; /* longer than it can be */
	CHECK_STR(one(&r, 0, "%r", t, buf, 0), "he\"\\o\\x01\\x7f\\xfe");
	rig_free(r);
	arena_free(&a);
}

TEST(stars_take_arguments)
{
	struct rig *r = rig_new(0, false);
	u32 a = rig_action(r, ACTION_PRINTF, "[%*d] [%-*.*s]\n", INT, INT, INT, INT,
			   stype_str(&r->s->arena, 8), NULL);

	rig_start(r);
	rig_send(r, a, 5ul, 42ul, 4ul, 2ul, "abcdef\0");
	rig_send(r, a, (u64)-5, 42ul, 1ul << 40, (u64)-1, "abc\0\0\0\0");
	CHECK(str_starts(rig_read(r), "[   42] [ab  ]\n[42   ] [abc  "));
	rig_free(r);
}

TEST(old_formats_stay_as_they_were)
{
	struct rig *r = rig_new(17, false), *n = rig_new(0, false);
	u32 a = rig_action(r, ACTION_PRINTF, "100%% sure\n", NULL),
	    b = rig_action(n, ACTION_PRINTF, "100%% sure\n", NULL);

	rig_start(r);
	rig_start(n);
	rig_send(r, a);
	rig_send(n, b);
	CHECK_STR(rig_read(r), "100%% sure\n");
	CHECK_STR(rig_read(n), "100% sure\n");
	rig_free(r);
	rig_free(n);
}

TEST(arguments_must_fit_the_format)
{
	static const char *const formats[] = { "%s %s", "none", "%r", "%*d" };

	for (u32 i = 0; i < ARRAY_SIZE(formats); i++) {
		struct rig *r = rig_new(0, false);
		struct load_opts lo = {0};

		rig_action(r, ACTION_PRINTF, formats[i], INT, NULL);
		CHECK_EQ(load_open(r->o, r->e, &lo, NULL, &r->l), 0);
		CHECK_EQ(load_run(r->l, NULL), 0);
		CHECK_EQ(script_out_new(r->s, r->l, r->e, &r->opts, NULL, &r->out), -EINVAL);
		CHECK(!r->out);
		rig_free(r);
	}
}

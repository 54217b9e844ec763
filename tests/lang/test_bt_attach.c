// SPDX-License-Identifier: BSD-2-Clause
/* Attach points: their text, what its parts become, what is wrong with the rest. */
#include "lang/bt/probe_priv.h"
#include "test.h"
#include <string.h>

struct ctx {
	struct arena a;
	struct diag dg;
	struct script_attach s;
};

/* Parses; the error, 0 for none. */
static int parse(struct ctx *c, const char *text, s32 pid)
{
	diag_clear(&c->dg);
	return attach_parse(&c->a, text, pid, false, (struct place){0}, &c->dg, &c->s);
}

static void ctx_free(struct ctx *c)
{
	arena_free(&c->a);
	diag_free(&c->dg);
}

TEST(providers_have_short_and_old_names)
{
	static const struct { const char *name; enum script_hook hook; } names[] = {
		{ "kprobe", HOOK_KPROBE }, { "k", HOOK_KPROBE }, { "kr", HOOK_KRETPROBE }, { "f", HOOK_FENTRY },
		{ "kfunc", HOOK_FENTRY }, { "kretfunc", HOOK_FEXIT }, { "u", HOOK_UPROBE }, { "U", HOOK_USDT },
		{ "BEGIN", HOOK_BEGIN }, { "Begin", HOOK_BEGIN }, { "end", HOOK_END }, { "it", HOOK_ITER },
		{ "aw", HOOK_ASYNCWATCHPOINT }, { "BENCH", HOOK_BENCH }, { "K", HOOK_MAX }, { "", HOOK_MAX },
	};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		CHECK_EQ(bt_hook_find(names[i].name), names[i].hook);
}

TEST(parts_of_a_uprobe)
{
	struct ctx c = {0};

	CHECK_EQ(parse(&c, "uprobe:/bin/sh:main+0x10", 0), 0);
	CHECK_STR(c.s.target, "/bin/sh");
	CHECK_STR(c.s.fn, "main");
	CHECK_EQ(c.s.off, 16);
	CHECK_EQ(parse(&c, "uprobe:\"/a:b\":\"f:g\"", 0), 0);
	CHECK_STR(c.s.target, "/a:b");
	CHECK_STR(c.s.fn, "f:g");
	CHECK_EQ(parse(&c, "u:./x:0x401000", 0), 0);
	CHECK_STR(c.s.fn, "");
	CHECK_EQ(c.s.off, 0x401000);
	CHECK_EQ(parse(&c, "uprobe:./x:cpp:\"a::operator+\"", 0), 0);
	CHECK_STR(c.s.ns, "cpp");
	CHECK_STR(c.s.fn, "a::operator+");
	CHECK_EQ(parse(&c, "uprobe:./x@main.c:12:3", 0), 0);
	CHECK_STR(c.s.fn, "main.c:12:3");
	CHECK_STR(c.s.ns, "@");
	CHECK_EQ(parse(&c, "uprobe:tick", 77), 0);
	CHECK_STR(c.s.target, "");
	CHECK_STR(c.s.fn, "tick");
	CHECK(parse(&c, "uprobe:tick", 0) < 0);
	CHECK(parse(&c, "uretprobe:./x:f+4", 0) < 0);
	CHECK(parse(&c, "uprobe:./x:rust:f", 0) < 0);
	CHECK(parse(&c, "uprobe:./x@main.c:word", 0) < 0);
	ctx_free(&c);
}

TEST(times_counts_and_watchpoints)
{
	struct ctx c = {0};

	CHECK_EQ(parse(&c, "interval:s:2", 0), 0);
	CHECK_EQ(c.s.value, 2000000000);
	CHECK_EQ(parse(&c, "i:30ms", 0), 0);
	CHECK_EQ(c.s.value, 30000000);
	CHECK_EQ(parse(&c, "profile:hz:99", 0), 0);
	CHECK(c.s.is_freq);
	CHECK_EQ(c.s.value, 99);
	CHECK_EQ(parse(&c, "software:page-faults:1_000", 0), 0);
	CHECK_EQ(c.s.value, 1000);
	CHECK_EQ(parse(&c, "watchpoint:0x10000000:8:rw", 0), 0);
	CHECK_EQ(c.s.off, 0x10000000);
	CHECK_EQ(parse(&c, "watchpoint:f+arg1:4:w", 0), 0);
	CHECK_STR(c.s.fn, "f");
	CHECK_EQ(c.s.off, 1);
	CHECK(parse(&c, "interval:s:0", 0) < 0);
	CHECK(parse(&c, "interval:s:99999999999999999", 0) < 0);
	CHECK(parse(&c, "i:30", 0) < 0);
	CHECK(parse(&c, "watchpoint:0:8:w", 0) < 0);
	CHECK(parse(&c, "watchpoint:8:8:ww", 0) < 0);
	CHECK(parse(&c, "self:signal:SIGKILL", 0) < 0);
	CHECK(parse(&c, "BEGIN:x", 0) < 0);
	CHECK(parse(&c, "a:b:c:d:e:f:g:h:i:j", 0) < 0);
	CHECK(parse(&c, "kprobe:\"x", 0) < 0);
	ctx_free(&c);
}

TEST(names_are_what_probe_says)
{
	static const char *const texts[][2] = {
		{ "k:vfs_read", "kprobe:vfs_read" }, { "k:m:f+4", "kprobe:m:f+4" }, { "BEGIN", "begin" },
		{ "i:s:1", "interval:s:1" }, { "t:a:b", "tracepoint:a:b" }, { "U:./x:p", "usdt:./x:p" },
		{ "U:./x:n:p", "usdt:./x:n:p" }, { "s:faults:5", "software:faults:5" }, { "it:task", "iter:task" },
		{ "u:./x@a.c:5", "uprobe:./x@a.c:5" }, { "w:0x10:4:w", "watchpoint:0x10:4:w" },
		{ "u:./x:16", "uprobe:./x:16" },
	};
	struct ctx c = {0};

	for (u32 i = 0; i < ARRAY_SIZE(texts); i++) {
		CHECK_EQ(parse(&c, texts[i][0], 0), 0);
		CHECK_STR(attach_name(&c.a, &c.s, 0), texts[i][1]);
	}
	CHECK_EQ(parse(&c, "end", 0), 0);
	CHECK_STR(attach_name(&c.a, &c.s, 17), "END");
	ctx_free(&c);
}

TEST(lists_and_parameters)
{
	static const char *const params[] = { "one", "two" };
	struct arena a = {0};
	const char **texts, *why = NULL;

	CHECK_EQ(attach_lists(&a, "k:f", &texts), 1);
	CHECK_EQ(attach_lists(&a, "k:{a,b}_{c,d}", &texts), 4);
	CHECK_STR(texts[0], "k:a_c");
	CHECK_STR(texts[1], "k:a_d");
	CHECK_STR(texts[3], "k:b_d");
	CHECK_EQ(attach_lists(&a, "u:\"{a,b}\":f", &texts), 1);
	CHECK_EQ(attach_lists(&a, "k:{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", &texts), 0);
	CHECK_STR(attach_params(&a, "u:$1:$2_x", params, 2, &why), "u:one:two_x");
	CHECK_STR(attach_params(&a, "u:\"$1\":$9", params, 2, &why), "u:\"$1\":0");
	CHECK(!attach_params(&a, "u:$x", params, 2, &why));
	arena_free(&a);
}

TEST(numbers_as_the_language_has_them)
{
	static const struct { const char *text; u64 value; } good[] = {
		{ "0x10", 16 }, { "010", 8 }, { "1e6", 1000000 }, { "1_000", 1000 }, { "2ms", 2000000 }, { "7u", 7 },
	};
	static const char *const bad[] = { "", "x", "-1", "1.5", "1e99", "99999999999999999999", "3parsec", "0x" };
	u64 v;

	for (u32 i = 0; i < ARRAY_SIZE(good); i++) {
		CHECK(attach_number(good[i].text, &v));
		CHECK_EQ(v, good[i].value);
	}
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!attach_number(bad[i], &v));
}

TEST(places_of_usdt_arguments)
{
	static const char *const bad[] = { "8", "8@", "3@%rdi", "8@%nope", "8@(%rdi", "8@x(%rip)", "8@4(%rax,%rbx,3)", "8@$" };
	struct usdt_arg *args;
	struct arena a = {0};

	CHECK_EQ(usdt_args_parse(&a, "", &args), 0);
	CHECK_EQ(usdt_args_parse(&a, "-4@-12(%rbp) 8@%rdi 2@$-536 -1@%al 8@(%rax,%rbx,4)", &args), 5);
	CHECK(args[0].kind == USDT_ARG_MEM && args[0].is_signed && args[0].bytes == 4);
	CHECK_EQ(args[0].value, -12);
	CHECK_EQ(args[0].reg, bt_reg_find("bp"));
	CHECK_EQ(args[0].index, -1);
	CHECK(args[1].kind == USDT_ARG_REG);
	CHECK_EQ(args[1].reg, bt_arg_reg(0));
	CHECK_EQ(args[2].value, 65000);
	CHECK_EQ(args[3].reg, bt_reg_find("ax"));
	CHECK_EQ(args[4].index, bt_reg_find("bx"));
	CHECK_EQ(args[4].scale, 4);
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(usdt_args_parse(&a, bad[i], &args) < 0);
	arena_free(&a);
}

/* Fields of a format text: the next one each, lines that are none passed over. */
TEST(format_lines)
{
	const char *at = "name: x\nformat:\n\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
			 "\tfield:__data_loc char[] name;\toffset:8;\tsize:4;\tsigned:0;\n\tfield:bad;\n\nprint fmt: \"\"\n";
	struct tp_decl d;

	CHECK(tp_next(&at, &d));
	CHECK_EQ(d.off, 4);
	CHECK(d.is_signed);
	CHECK(tp_next(&at, &d));
	CHECK(!strncmp(d.text, "__data_loc char[] name", d.len));
	CHECK_EQ(d.size, 4);
	CHECK(!tp_next(&at, &d));
}

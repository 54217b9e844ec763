/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt: names and types are found, every mistake is told where it is, hostile scripts end with
 * one. */
#include "lang/bt/ast.h"
#include "lang/bt/check.h"
#include "lang/bt/probe.h"
#include "lang/cdecl/cdecl.h"
#include "test.h"
#include <errno.h>

/* ---- a world of a few files and variables ---- */

struct files {
	const char *names[4], *texts[4];
	const char *env_name, *env_value;
};

static int include(void *arg, const char *name, bool is_system, struct diag *dg, char **text)
{
	const struct files *f = arg;

	(void)is_system;
	(void)dg;
	for (u32 i = 0; f && i < ARRAY_SIZE(f->names) && f->names[i]; i++) {
		if (strcmp(name, f->names[i]))
			continue;
		*text = strdup(f->texts[i]);
		return *text ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

static const char *env(void *arg, const char *name)
{
	const struct files *f = arg;

	return f && f->env_name && !strcmp(name, f->env_name) ? f->env_value : NULL;
}

struct checked {
	struct bt_program *p;
	struct bt_world w;
	struct bt_opts o;
	struct sema s;
	struct diag dg;
	int err;
};

static void check_with(struct checked *c, const char *text, const struct bt_opts *o,
		       const struct files *f)
{
	memset(c, 0, sizeof(*c));
	c->w = (struct bt_world){ .arg = (void *)f, .include = include, .env = env };
	c->o = o ? *o : (struct bt_opts){ 0 };
	c->err = bt_parse(text, strlen(text), "s", &c->dg, &c->p);
	c->s = (struct sema){
		.prog = c->p, .w = &c->w, .opts = &c->o, .dg = &c->dg, .script = script_new()
	};
	if (!c->err)
		c->err = bt_expand(&c->s);
	c->s.final = true;
	if (!c->err)
		c->err = bt_probes(&c->s);
	c->s.final = false;
	if (!c->err)
		c->err = bt_check(&c->s);
}

static void checked_free(struct checked *c)
{
	for (u32 i = 0; i < c->s.probes.n; i++)
		vec_free(&c->s.probes.p[i]->attaches);
	vec_free(&c->s.probes);
	vec_free(&c->s.maps);
	vec_free(&c->s.vars);
	vec_free(&c->s.fns);
	ctypes_free(c->s.ctypes);
	script_free(c->s.script);
	bt_free(c->p);
	diag_free(&c->dg);
}

/* The messages, with their places. */
static char *messages(const char *text, const struct bt_opts *o, const struct files *f)
{
	struct checked c;
	char *out;

	check_with(&c, text, o, f);
	out = diag_text(&c.dg);
	if (!c.err != !c.dg.n_errors)
		fail_msg("returned %d with %u errors: %s", c.err, c.dg.n_errors, text);
	checked_free(&c);
	return out ? out : strdup("");
}

static void holds(const char *text, const char *wanted, const struct bt_opts *o,
		  const struct files *f)
{
	char *out = messages(text, o, f);

	if (!*wanted ? *out != 0 : !strstr(out, wanted))
		fail_msg("%s\nwanted: %s\ngot: %s", text, wanted, out);
	free(out);
}

static void said(const char *text, const char *wanted)
{
	holds(text, wanted, NULL, NULL);
}

static void fine(const char *text)
{
	said(text, "");
}

/* The type of map @x, as text. */
static void map_is_in(u32 compat, const char *text, const char *key, const char *value)
{
	struct bt_opts o = { .compat = compat };
	struct checked c;
	struct bt_map *m;

	check_with(&c, text, &o, NULL);
	if (c.err)
		fail_msg("%s: %s", text, c.dg.n ? c.dg.msgs[0].text : "");
	m = sema_map_find(&c.s, "@x");
	CHECK(m && m->key && m->value);
	CHECK_STR(m->key->kind == ST_NONE ? "" : stype_name(sema_types(&c.s), m->key), key);
	CHECK_STR(stype_name(sema_types(&c.s), m->value), value);
	checked_free(&c);
}

static void map_is(const char *text, const char *key, const char *value)
{
	map_is_in(0, text, key, value);
}

/* ---- types ---- */

TEST(literals_are_as_narrow_as_their_value)
{
	map_is("begin { @x = 1 }", "", "int8");
	map_is("begin { @x = 127; @x = 128 }", "", "int16");
	map_is("begin { @x = -128 }", "", "int8");
	map_is("begin { @x = -129 }", "", "int16");
	map_is("begin { @x = 2147483648 }", "", "int64");
	map_is("begin { @x = 18446744073709551615 }", "", "uint64");
	map_is("begin { @x = 2 + 3 }", "", "int8");
	map_is("begin { @x = \"ab\"; @x = \"abcd\" }", "", "string[5]");
}

TEST(literals_of_0_17_have_64_bits)
{
	map_is_in(17, "BEGIN { @x[1] = 1 }", "int64", "int64");
	map_is_in(17, "BEGIN { @x = 1 == 2 }", "", "int64");
	map_is_in(17, "BEGIN { if (1) { $v = 5; } @x = $v }", "", "int64");
}

TEST(a_literal_takes_the_sign_of_what_it_meets)
{
	map_is("begin { $a = 1; $a = (uint64)2; @x = $a }", "", "uint64");
	map_is("begin { @x = (uint32)5 + 1 }", "", "uint64");
	map_is("begin { @x = (int32)5 + 1 }", "", "int64");
	map_is("begin { @x = (uint64)1 - (uint64)2 }", "", "int64");
	map_is("begin { @x = (uint8)1; @x = (int8)-1 }", "", "int16");
	map_is("begin { @x = (uint64)1; @x = (int64)-1 }", "", "int64");
	map_is("begin { @x = (uint16)1 >> 1 }", "", "uint64");
}

TEST(comparisons_are_bool)
{
	map_is("begin { @x = 1 < 2 }", "", "bool");
	map_is("begin { $a = 1; @x = $a && 0 }", "", "bool");
	map_is("begin { $a = 1; @x = !$a }", "", "bool");
	map_is("begin { @x = \"a\" == \"b\" }", "", "bool");
}

TEST(types_are_found_out_of_order)
{
	map_is("begin { @y = @x[5] } end { @x[1] = 2; @x[1] = 300 }", "int8", "int16");
}

TEST(keys_are_widened)
{
	map_is("begin { @x[1] = 1; @x[1000] = 1 }", "int16", "int8");
	map_is("begin { @x[1, \"a\"] = 1; @x[2, \"abc\"] = 1 }", "(int8,string[4])", "int8");
	map_is("begin { @x[(1, 2)] = 1; @x[300, 4] = 1 }", "(int16,int8)", "int8");
}

TEST(aggregations_are_read_as_numbers)
{
	map_is("begin { @c = count(); @x = (int64)@c }", "", "int64");
	map_is("begin { @c = count(); $v = @c; @x = $v }", "", "uint64");
	map_is("begin { @c = sum((uint32)1); @x[@c] = 1 }", "uint64", "int8");
	said("begin { @c = count(); @x = @c }", "1:23: a value of type count_t can't be assigned");
	said("begin { @h = hist(1); $v = @h }", "can't be assigned to a variable");
}

TEST(structs_pointers_and_arrays)
{
	map_is("struct s { int a; char c[4]; struct s *next; };\nbegin { $p = (struct s *)0; @x = "
	       "$p->next->a }",
	       "", "int32");
	map_is("struct s { int a; char c[4]; };\nbegin { $p = (struct s *)0; @x = $p.c }", "",
	       "string[4]");
	map_is("begin { $p = (int16 *)8; @x = *($p + 1) }", "", "int16");
	map_is("begin { $p = (int16 *)8; @x = $p[2] }", "", "int16");
	map_is("begin { $a = (uint8[4])(uint32)5; @x = $a[1] }", "", "uint8");
	map_is("begin { $t = (1, (2, \"s\")); @x = $t.1.1 }", "", "string[2]");
	map_is("begin { $r = (a = 1, b = \"x\"); @x = $r.b }", "", "string[2]");
	map_is("begin { @x = *8 }", "", "uint64");
}

TEST(blocks_and_ifs_are_values)
{
	map_is("begin { @x = { let $a = 5; $a + 1 } }", "", "int64");
	map_is("begin { $c = 1; @x = if ($c) { 1 } else { 1000 } }", "", "int16");
	map_is("begin { $c = (uint8)3; @x = $c ?: 5 }", "", "uint8");
	said("begin { $c = 1; @x = $c ? \"a\" : 5 }",
	     "1:22: both sides of '?:' must be of one type");
}

TEST(constants_are_computed)
{
	fine("begin { unroll(2 + 3) { @x = 1 } }");
	fine("#define N 4\nbegin { unroll(N) { @x = 1 } }");
	fine("enum e { THREE = 3 };\nbegin { unroll(THREE - 1) { @x = 1 } }");
	fine("begin { unroll(sizeof(uint32)) { @x = 1 } }");
	said("begin { @x = 10 / 0 }", "1:14: division by zero");
	said("begin { @x = 18446744073709551615 + 1 }", "out of the range of 64 bits");
	said("begin { @x = -9223372036854775809 }", "below the least integer");
}

TEST(comptime_looks_at_one_side_only)
{
	map_is("begin { $a = \"s\"; if comptime is_str($a) { @x = 1 } else { @x = nosuch() } }", "",
	       "int8");
	map_is("begin { if comptime (1 == 2) { @x = nosuch() } else { @x = \"s\" } }", "",
	       "string[2]");
	said("begin { $a = 1; $a++; if comptime ($a > 1) { @x = 1 } }",
	     "not known when the script is compiled");
}

/* ---- scopes ---- */

TEST(scopes_end_with_their_block)
{
	said("begin { if (1) { $x = 1; } print($x) }", "1:34: undefined variable '$x'");
	said("begin { let $x = 1; let $x = 2 }", "1:21: '$x' is declared already");
	said("begin { $i = 1; for ($i : 0..5) { } }", "1:22: '$i' is declared already");
	said("begin { for ($i : 0..5) { $i = 2 } }", "belongs to its loop");
	said("begin { $count = 1; @x = $cuont }", "did you mean '$count'?");
	fine("begin { if (1) { $x = 1; } $x = \"s\" }");
}

TEST(variables_used_in_callbacks_are_captured)
{
	struct checked c;
	struct node *block, *loop;

	check_with(&c, "begin { $a = 1; $b = 2; for ($i : 0..3) { $a += $i } $b++ }", NULL, NULL);
	CHECK_EQ(c.err, 0);
	block = c.s.probes.p[0]->node->last;
	CHECK(node_kid(block, 0)->kids->var->is_captured);
	CHECK(!node_kid(block, 1)->kids->var->is_captured);
	loop = node_kid(block, 2);
	CHECK(loop->kids->var->fn == loop && !loop->kids->var->is_captured);
	checked_free(&c);
}

TEST(jumps_stand_in_loops)
{
	said("begin { break; }", "1:9: 'break' stands outside of any loop");
	said("begin { unroll(2) { continue; } }", "'continue' stands outside");
	fine("begin { for ($i : 0..3) { if ($i) { break; } continue; } }");
}

TEST(declared_types_hold)
{
	said("begin { let $a : uint8 = 300 }", "1:9: $a is of type uint8");
	said("begin { let $a : uint8 = \"s\" }", "1:9: $a is of type uint8");
	said("begin { let $a : uint16 = -1 }", "1:9: $a is of type uint16");
	fine("begin { let $a : uint16 = (uint16)-1; @x = $a }");
	fine("begin { let $a : string; $a = \"abc\"; @x = $a }");
	map_is("begin { let $a : string[8] = \"abc\"; @x = $a }", "", "string[8]");
	map_is("begin { $a = (string[8])\"abc\"; @x = $a }", "", "string[8]");
	said("begin { let $a : string[3] = \"abc\" }", "1:9: $a is of type string[3]");
	said("begin { let $a : string[8][1000000] }", "at most 1048576 bytes");
	said("begin { let $a : hist_t }", "unknown type");
	said("begin { let $a : sum_t }", "can't be of type");
}

/* ---- mistakes ---- */

TEST(all_mistakes_are_told_at_once)
{
	char *out = messages("begin {\n\tprint($a);\n\t@x = 1; @x = \"s\";\n\tnosuch(1);\n}", NULL,
			     NULL);

	CHECK(strstr(out, "s:2:8: undefined variable '$a'"));
	CHECK(strstr(out, "s:3:10: @x holds values of type int8, not string[2]"));
	CHECK(strstr(out, "s:4:2: unknown function 'nosuch'"));
	free(out);
}

TEST(mistakes_in_arguments_are_told_though_functions_check_them)
{
	said("begin { printf(*\"x\") }", "1:16: '*' wants a pointer");
	said("begin { print($x + 1) }", "1:15: undefined variable");
	said("begin { print(@x[$y]) }", "1:18: undefined variable");
}

TEST(mistakes_that_follow_from_others_are_not_told)
{
	char *out = messages(
		"begin { print(@x[$y]); $a = $b + 1; print($a); @z = nosuch(); print(@z) }", NULL,
		NULL);

	CHECK(strstr(out, "'$y'") && strstr(out, "'$b'") && strstr(out, "'nosuch'"));
	CHECK(!strstr(out, "ever assigned") && !strstr(out, "'$a'"));
	free(out);
}

TEST(what_is_used_has_a_value)
{
	said("begin { $a = printf(\"x\") }",
	     "1:9: printf() has no value that could be assigned to $a");
	said("begin { print(printf(\"x\")) }", "1:15: printf() has no value");
	said("begin { print({}) }", "1:15: an empty block has no value");
	said("begin { $a = if (1) { 5 } }", "1:9: an if without else has no value");
	said("begin { $a = 1 ? printf(\"x\") : 2 }", "1:18: printf() has no value");
	said("macro none() { } begin { print(none()) }", "1:32: an empty block has no value");
	fine("begin { 1 ? printf(\"x\") : printf(\"y\") }");
	fine("macro say() { printf(\"x\") } begin { say(); _ = say(); if (1) { exit() } }");
}

TEST(mistakes_name_what_was_meant)
{
	said("begin { pritnf(\"x\") }", "did you mean 'printf'?");
	said("begin { @x = nsec }", "did you mean 'nsecs'?");
	said("struct duo { int alpha; int beta; };\nbegin { $p = (struct duo *)0; @x = $p->alhpa }",
	     "did you mean 'alpha'?");
	said("struct duo { int alpha; int beta; };\nbegin { $p = (struct duo *)0; @x = $p->q }",
	     "there are: alpha, beta");
	said("begin { @total = 1; print(@totla) }", "did you mean '@total'?");
	said("begin { @x = (unit8)5 }", "did you mean 'uint8'?");
	said("union u { int a; };\nbegin { $p = (struct u *)0 }", "did you mean 'union u'?");
	said("struct s { int a; };\nbegin { $p = (s *)0 }", "did you mean 'struct s'?");
	said("config = { max_strlne=5 } begin { }", "did you mean 'max_strlen'?");
}

TEST(maps_keep_their_shape)
{
	said("begin { @x[1] = 1; @x = 2 }", "1:20: @x is used without a key here");
	said("begin { @x[1] = 1; @x[\"s\"] = 2 }", "1:20: the key of @x is of type string[2] here");
	said("begin { @x[1] = 1; @x[1, 2] = 2 }", "1:20: the key of @x");
	said("begin { @x = (1, 2); @x = (1, 2, 3) }", "1:22: @x holds values");
	said("begin { @x = count(); @x = 1 }", "@x holds values of type count_t, not int8");
	said("begin { @x = 1; for ($k : @x) { } }", "1:27: @x has no keys");
	said("begin { $a = count() }", "1:14: count() must be assigned to a map directly");
	said("let @x = hash(5); begin { @x = count() }", "declared as hash");
	said("let @x = hash(0); begin { @x = 1 }", "a map has 1 to");
	said("let @x = tree(5); begin { @x = 1 }", "unknown kind of map 'tree'");
	fine("let @x = percpuhash(5); begin { @x[1] = count() }");
}

TEST(operators_want_what_they_can_use)
{
	said("begin { @x = !\"s\"; @y = ~\"s\" }", "1:14: '!' can't be used on string[2]");
	said("begin { $a = \"x\"; @x = $a + 1 }", "1:24: '+' can't be used on string[2] and int8");
	said("begin { $a = \"x\"; if ($a == 5) { } }", "'==' can't be used");
	said("begin { $p = (int8 *)1; @x = 1 - $p }", "'-' can't be used on");
	said("begin { $a = 5; @x = $a.b }", "1:22: no field 'b': int8 is no struct");
	said("begin { $a = 5; @x = $a[0] }", "1:22: [] can be used on arrays");
	said("begin { $t = (1, 2); @x = $t.5 }", "1:27: no element 5: the tuple has 2");
	said("begin { @x = (int32)\"text\" }", "1:14: string[5] can't be cast to int32");
	said("begin { @x = (nosuchtype)5 }", "1:15: unknown type 'nosuchtype'");
}

/* ---- macros ---- */

TEST(macros_are_hygienic)
{
	map_is("macro twice(v) { let $t = v; $t * 2 } begin { $t = 7; @x = twice($t + 1); }", "",
	       "int64");
	map_is("macro bump($v, by) { $v += by; } begin { $a = 1; bump($a, 5); @x = $a }", "",
	       "int64");
	map_is("macro put(@m, k) { @m[k] = 1; } begin { put(@x, \"k\") }", "string[2]", "int8");
	said("macro inc() { @x += 1; } begin { @x = 1; inc(); }",
	     "1:15: a macro can only use maps that are given");
	said("macro inc() { $y = $z; } begin { $z = 1; inc(); }", "undefined variable");
}

TEST(macros_are_chosen_by_their_parameters)
{
	map_is("macro m(a) { 1 } macro m(a, b) { \"s\" } begin { @x = m(1, 2) }", "", "string[2]");
	map_is("macro m(a) { 1 } macro m($a) { \"s\" } begin { $v = 1; @x = m($v) }", "",
	       "string[2]");
	map_is("macro one { 1 } begin { @x = one }", "", "int8");
	map_is("macro c(t, v) { (t)v } begin { @x = c(typeof(uint16), 5) }", "", "uint16");
	said("macro inc($v) { $v += 1; } begin { inc(5) }",
	     "1:36: the arguments of inc() fit no macro");
	said("macro inc($v) { $v += 1; } begin { inc(5) }",
	     "argument 1, for $v, must be a variable");
	said("macro m(a) { 1 } macro m(b) { 2 } begin { }", "1:18: macro 'm' is defined twice");
	said("macro m(a) { m(a) } begin { m(1) }", "macro 'm' uses itself");
}

TEST(mistakes_in_macros_say_where_the_macro_was_used)
{
	said("macro bad(v) { v + nosuch }\nbegin {\n\t@x = bad(1);\n}",
	     "s:3:7: in the macro bad(), used here");
}

TEST(defines_are_expressions)
{
	map_is("#define A 4\n#define B (A * 1000)\nbegin { @x = B }", "", "int16");
	map_is("#define NAME \"text\"\nbegin { @x = NAME }", "", "string[5]");
	said("#define A B\n#define B A\nbegin { @x = A }", "more than 32 #defines deep");
}

/* ---- parameters, imports, settings ---- */

TEST(parameters_are_numbers_or_strings)
{
	static const char *const given[] = { "42", "word", "-7", "0x1f" };
	struct bt_opts o = { .params = given, .n_params = ARRAY_SIZE(given) };

	holds("begin { unroll($1 - 40) { @x = 1 } }", "", &o, NULL);
	holds("begin { @x = 1 - $2 }", "'-' can't be used", &o, NULL);
	holds("begin { @x = $9 }", "parameter $9 was not given", &o, NULL);
	holds("begin { unroll($#) { @x = $3 } unroll($4) { } }", "", &o, NULL);
	o.compat = 17;
	holds("BEGIN { @x = $2 }", "1:14: parameter $2 is used as a number", &o, NULL);
}

TEST(options_must_be_known)
{
	static const char *const given[] = { "times=3", "unknown" };
	struct bt_opts o = { .named = given, .n_named = ARRAY_SIZE(given) };

	holds("begin { @x = getopt(\"times\", 1) }", "the script has no option --unknown", &o,
	      NULL);
	holds("begin { @x = getopt(\"times\", 1) }", "its options are: --times", &o, NULL);
}

TEST(imports_are_put_in)
{
	struct files f = { .names = { "a.bt", "lib/b.bt", "lib/c.h", "bad.bt" },
			   .texts = { "import \"lib/b.bt\"; macro two() { one() + 1 }",
				      "import \"c.h\"; import \"b.bt\"; macro one() { 1 }",
				      "struct deep { int a; };", "macro three() {\n\t@q }" } };

	holds("import \"a.bt\"; begin { @x = two(); $p = (struct deep *)0; @y = $p->a }", "", NULL,
	      &f);
	holds("import \"none.bt\"; begin { }", "s:1:1: can't import 'none.bt'", NULL, &f);
	holds("import \"bad.bt\"; begin { three() }", "bad.bt:2:2: a macro can only use maps", NULL,
	      &f);
}

TEST(settings_are_checked)
{
	struct files f = { .env_name = "BPFTRACE_MAX_STRLEN", .env_value = "8" };
	struct checked c;

	said("config = { max_strlen=\"long\" } begin { }", "1:12: max_strlen expects a number");
	said("config = { missing_probes=maybe } begin { }", "is one of: error, warn, ignore");
	said("config = { strlen=5 } begin { }", "called 'max_strlen' now");
	said("config = { unstable_tseries=error } begin { @x = tseries(1, 5, 5) }",
	     "1:50: tseries() is unstable");
	said("config = { max_type_passes=1 } begin { @x = 1 }", "types do not settle");
	said("begin { @x = config.no_such_thing }", "1:14: there is no setting 'no_such_thing'");
	said("config = { btf=\"x\" } begin { }", "in the environment only");
	check_with(&c,
		   "config = { max_strlen=30; BPFTRACE_MAX_MAP_KEYS=7; stack_mode=perf } begin { }",
		   NULL, &f);
	CHECK_EQ(c.err, 0);
	CHECK_EQ(c.s.set.max_strlen, 8);
	CHECK_EQ(c.s.set.max_map_keys, 7);
	CHECK_EQ(c.s.set.stack_mode, STACK_PERF);
	checked_free(&c);
	f.env_value = "many";
	holds("begin { }", "BPFTRACE_MAX_STRLEN expects a number, not 'many'", NULL, &f);
}

/* ---- functions ---- */

TEST(functions_have_types)
{
	map_is("fn add($a : int64, $b : int64) : int64 { return $a + $b; } begin { @x = add(1, 2) "
	       "}",
	       "", "int64");
	said("fn f($a : int64) : int64 { return \"s\"; } begin { @x = f(1) }",
	     "f() returns a value of type int64");
	said("fn f($a : int64) : int64 { return 1; } begin { @x = f(1, 2) }",
	     "f() takes 1 argument, not 2");
	said("fn sum($a : int64) : int64 { return 1; } begin { }",
	     "1:1: 'sum' is a function that is there already");
	said("fn f($a : int64) : int64 { if ($a) { return 1; } } begin { f(1) }",
	     "1:1: f() can end without a return");
	fine("fn f($a : int64) : int64 { if ($a) { return 1; } else { return 2; } } begin { @x = "
	     "f(1) }");
	said("fn f($a : int8, $b : int8, $c : int8, $d : int8, $e : int8, $g : int8) : int8 { "
	     "return 1; } begin { }",
	     "1:61: a function has at most 5 parameters");
	said("fn f() : int64 { return f(); } begin { @x = f() }", "f() calls itself");
	said("fn f($a) : int64 { return 1; } begin { @x = f(1) }",
	     "the type of parameter '$a' is missing");
}

/* ---- hostile scripts ---- */

/* text, n times over, behind start; then end. */
static char *repeated(const char *start, const char *text, u32 n, const char *end)
{
	struct str s = { 0 };

	str_add(&s, start);
	for (u32 i = 0; i < n; i++)
		str_add(&s, text);
	str_add(&s, end);
	return str_take(&s);
}

static void ends(char *text, const char *wanted)
{
	char *out = messages(text, NULL, NULL);

	if (!strstr(out, wanted))
		fail_msg("wanted: %s\ngot: %.300s", wanted, out);
	free(out);
	free(text);
}

TEST(macro_bombs_end)
{
	struct str s = { 0 };

	str_add(&s, "macro m0(a) { a + a }\n");
	for (u32 i = 1; i < 60; i++)
		str_addf(&s, "macro m%u(a) { m%u(a) + m%u(a) }\n", i, i - 1, i - 1);
	str_add(&s, "begin { $z = m59(1); }");
	ends(str_take(&s), "macros make the script bigger");
}

TEST(unroll_bombs_end)
{
	ends(repeated("begin { ", "unroll(100) { ", 8, "@x++; } } } } } } } } }"), "grows too big");
}

TEST(long_and_deep_expressions_end)
{
	ends(repeated("begin { @x = 1", " + $a", 5000, "; }"), "too many operators");
	ends(repeated("begin { @x = ", "(", 1000, "1; }"), "nested too deeply");
	ends(repeated("begin { @x = $a", ".b", 5000, "; }"), "too many parts");
	ends(repeated("begin { @x = ", "- ", 5000, "1; }"), "nested too deeply");
	ends(repeated("begin { let $a : int8", "*", 100, "; }"), "pointer to pointer");
	ends(repeated("begin { let $a : int8", "[1000]", 10, "; }"), "at most 1048576 bytes");
	ends(strdup("begin { @x = (@x, @x, @x); }"), "@x holds values");
	ends(repeated("begin { @x[", "1,", 100, "1] = 1; }"), "a key of 101 parts");
}

/* "start", then n times text with a number in it, then end. */
static char *numbered(const char *start, const char *text, u32 n, const char *end)
{
	struct str s = { 0 };

	str_add(&s, start);
	for (u32 i = 0; i < n; i++) {
		const char *hash = strchr(text, '#');

		str_addn(&s, text, (size_t)(hash - text));
		str_addf(&s, "%u%s", i, hash + 1);
	}
	str_add(&s, end);
	return str_take(&s);
}

TEST(too_much_of_a_thing_ends)
{
	ends(numbered("begin { ", "$v# = 1;", 50000, "}"), "more than 4096 variables at once");
	ends(numbered("begin { ", "@v# = 1;", 50000, "}"), "more than 4096 maps");
	ends(numbered("", "macro m#() { 1 }", 10000, "begin { print(m1()) }"),
	     "more than 4096 macros");
	ends(numbered("", "fn f#() : int64 { return 1; }", 1000, "begin { print(f1()) }"),
	     "more than 255 functions");
}

TEST(types_that_grow_end)
{
	ends(strdup("begin { $a = (1, 2); @x = $a; @y = (@x, 1); @x = @y }"), "@x holds values");
	ends(strdup("begin { @a = 1; @a = (@b, 1); @b = (@a, 1); @b = 1 }"), "holds values");
}

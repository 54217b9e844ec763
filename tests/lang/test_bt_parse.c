/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt: scripts become trees, mistakes are all reported where they are, formatting keeps the tree. */
#include "lang/bt/ast.h"
#include "base/file.h"
#include "test.h"
#include <errno.h>
#include <glob.h>

static struct bt_program *parse(const char *text, struct diag *dg, int *err)
{
	struct bt_program *p = NULL;

	*err = bt_parse(text, strlen(text), "script", dg, &p);
	return p;
}

static char *tree(const char *text)
{
	struct diag dg = {0};
	struct str out = {0};
	int err;
	struct bt_program *p = parse(text, &dg, &err);

	if (err)
		fail_msg("%s\n%s", dg.n ? dg.msgs[0].text : "", text);
	bt_print(p, &out);
	bt_free(p);
	diag_free(&dg);
	return str_take(&out);
}

static char *formatted(const char *text)
{
	struct diag dg = {0};
	struct str out = {0};
	int err;
	struct bt_program *p = parse(text, &dg, &err);

	if (err)
		fail_msg("line %u: %s\n%s", dg.n ? dg.msgs[0].at.line : 0,
			 dg.n ? dg.msgs[0].text : "", text);
	bt_format(p, &out);
	bt_free(p);
	diag_free(&dg);
	return str_take(&out);
}

/* Formatting keeps the tree, and formatting again changes nothing. */
static void stays(const char *text)
{
	char *once = formatted(text), *twice = formatted(once), *a = tree(text), *b = tree(once);

	CHECK_STR(once, twice);
	CHECK_STR(a, b);
	free(once);
	free(twice);
	free(a);
	free(b);
}

TEST(operators_bind_as_in_c)
{
	static const struct {
		const char *text, *same;
	} pairs[] = {
		{ "1 + 2 * 3", "1 + (2 * 3)" },	      { "1 - 2 - 3", "(1 - 2) - 3" },
		{ "1 << 2 + 3", "1 << (2 + 3)" },     { "1 & 2 == 3", "1 & (2 == 3)" },
		{ "1 | 2 ^ 3 & 4", "1 | (2 ^ (3 & 4))" },
		{ "1 || 2 && 3", "1 || (2 && 3)" },   { "-$x.a[1]", "-(($x.a)[1])" },
		{ "!$a == 1", "(!$a) == 1" },	      { "$a ? 1 : $b ? 2 : 3", "$a ? 1 : ($b ? 2 : 3)" },
		{ "*$p->q", "*($p->q)" },	      { "(int32)$x + 1", "((int32)$x) + 1" },
	};

	for (u32 i = 0; i < ARRAY_SIZE(pairs); i++) {
		char a[200], b[200], *x, *y;

		snprintf(a, sizeof(a), "begin { @ = %s; }", pairs[i].text);
		snprintf(b, sizeof(b), "begin { @ = %s; }", pairs[i].same);
		x = formatted(a);
		y = formatted(b);
		CHECK_STR(x, y);
		free(x);
		free(y);
	}
}

TEST(layout)
{
	char *out = formatted("#!/usr/bin/env bpftrace\n"
			      "#include <linux/sched.h>\n"
			      "struct a { int x; /* inside */ };\n"
			      "// what it does\n"
			      "k:f,k:g /pid==1/ { @x[comm,1]=count();if($a){printf(\"%d\\n\",1)}else "
			      "if(!$b){exit()} // done\n"
			      "  $y = (1,); for ($i : 0..3) { $z++ } }  END{clear(@x)}");

	CHECK_STR(out, "#!/usr/bin/env bpftrace\n"
		       "#include <linux/sched.h>\n"
		       "struct a { int x; /* inside */ };\n"
		       "\n"
		       "// what it does\n"
		       "k:f,\n"
		       "k:g\n"
		       "/pid == 1/\n"
		       "{\n"
		       "\t@x[comm, 1] = count();\n"
		       "\tif ($a) {\n"
		       "\t\tprintf(\"%d\\n\", 1)\n"
		       "\t} else if (!$b) {\n"
		       "\t\texit()\n"
		       "\t}  // done\n"
		       "\t$y = (1,);\n"
		       "\tfor ($i : 0..3) {\n"
		       "\t\t$z++\n"
		       "\t}\n"
		       "}\n"
		       "\n"
		       "END\n"
		       "{\n"
		       "\tclear(@x)\n"
		       "}\n");
	free(out);
}

TEST(attach_points_are_taken_whole)
{
	static const char *const points[] = {
		"uprobe:/bin/bash:readline", "uprobe:/lib/x.so:cpp:\"a b, c{}\"", "usdt:/a/b:p:*",
		"tracepoint:syscalls:sys_enter_*", "kprobe:{vfs_read,vfs_write}", "interval:s:1",
		"watchpoint:0x1000:8:rw", "uprobe:./a.out:0x10", "self:signal:SIGUSR1", "uprobe:$1:f",
		"kprobe:f+0x10", "hardware:cache-misses:1e6",
	};

	for (u32 i = 0; i < ARRAY_SIZE(points); i++) {
		char text[200], *out;

		snprintf(text, sizeof(text), "%s /1/ { }", points[i]);
		out = tree(text);
		snprintf(text, sizeof(text), "  attach point %s\n", points[i]);
		CHECK(strstr(out, text) != NULL);
		CHECK(strstr(out, "predicate") != NULL);
		free(out);
	}
}

TEST(trees_survive_formatting)
{
	static const char *const scripts[] = {
		"config = { max_strlen = 100; missing_probes = \"warn\"; }\nimport \"x\";\n"
		"let @a = lruhash(10);\nmacro m($x, @y, z) { $x + z }\nfn f($a : int64, $b : struct x *) : "
		"uint64 { return $a; }\nbegin { }",
		"begin { let $a : uint8[4] = (uint8[4])1; let $b; $c = sizeof(struct task_struct *); $d = "
		"offsetof(struct a, b.c); }",
		"begin { @[(1, \"a\")] = stats(1); @x = (a=1, b=\"s\"); _ = @x.a; print(@x.b, 1); }",
		"begin { $x = if ($y) { 1 } else { 2 }; $z = { $q = 1; $q + 1 }; $w = $x ?: 3; }",
		"begin { while ($i < 3) { if ($i == 1) { break; } $i++; continue; } unroll(3) { --$i; } }",
		"k:f / $x / 2 > 1 / { $a -= - -1; $a = -(-$b); $c = ~!$d; $e = &$f; $g = &@h; }",
		"begin { @ = 1e6 + 1_000 + 0x1F + 010 + 5ms + 3u + 18446744073709551615; @a++; ++@b[1]; }",
		"begin { printf(\"\\x41\\101\\t%s\", str($1)); $p = (struct a *)arg0; $q = $p->b.c[1].d; }",
	};

	for (u32 i = 0; i < ARRAY_SIZE(scripts); i++)
		stays(scripts[i]);
}

TEST(every_mistake_is_reported)
{
	struct diag dg = {0};
	struct bt_program *p;
	u32 n = 0, lines[8] = {0};
	int err;

	p = parse("begin { $x = ; }\n"
		  "kprobe:f { printf(\"a\" 1); @y[1 = 2; exit(); }\n"
		  "end { 5 = 3; $z ~ 1; }\n"
		  "interval:s:1 { print(@a) print(@b); }\n", &dg, &err);
	CHECK_EQ(err, -EINVAL);
	for (u32 i = 0; i < dg.n; i++)
		if (dg.msgs[i].level == DIAG_ERROR && n < ARRAY_SIZE(lines))
			lines[n++] = dg.msgs[i].at.line;
	CHECK_EQ(n, 6);
	CHECK_EQ(lines[0], 1);
	CHECK_EQ(lines[1], 2);
	CHECK_EQ(lines[2], 2);
	CHECK_EQ(lines[3], 3);
	CHECK_EQ(lines[4], 3);
	CHECK_EQ(lines[5], 4);
	CHECK_STR(dg.msgs[1].text, "  begin { $x = ; }");
	CHECK_STR(dg.msgs[2].text, "               ^");
	bt_free(p);
	diag_free(&dg);
}

TEST(deep_nesting_is_refused)
{
	struct str s = {0};
	struct diag dg = {0};
	int err;

	str_add(&s, "begin { $x = ");
	for (u32 i = 0; i < 100000; i++)
		str_addc(&s, '(');
	bt_free(parse(str_text(&s), &dg, &err));
	CHECK_EQ(err, -EINVAL);
	CHECK(strstr(dg.msgs[0].text, "nested too deeply") != NULL);
	diag_free(&dg);
	str_free(&s);
}

static bool has_code(const char *text)
{
	while (*text) {
		text += strspn(text, " \t\n");
		if (*text && strncmp(text, "//", 2))
			return true;
		text += strcspn(text, "\n");
	}
	return false;
}

/* What bpftrace 0.27 ran must parse, and stay the same when formatted. */
TEST(scripts_of_the_corpus)
{
	const char *dir = getenv("BT_CORPUS") ? getenv("BT_CORPUS") : "../shared/corpus/bpftrace";
	char pattern[512];
	u32 n_good = 0;
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s/scripts/*.bt", dir);
	if (glob(pattern, 0, NULL, &g))
		SKIP("needs the corpus of scripts");
	for (size_t i = 0; i < g.gl_pathc; i++) {
		const char *name = strrchr(g.gl_pathv[i], '/') + 1;
		struct bytes rc, text;
		char path[600], *copy;
		bool good;

		snprintf(path, sizeof(path), "%s/recorded/%.*s.0.27.rc", dir, (int)(strlen(name) - 3),
			 name);
		if (file_map(path, 100, &rc))
			continue;
		/* err_ scripts that ran are faults of bpftrace */
		good = rc.size && *(const char *)rc.p == '0' && strncmp(name, "err_", 4);
		bytes_free(&rc);
		if (!good || file_map(g.gl_pathv[i], 1 << 20, &text))
			continue;
		copy = strndup((const char *)text.p, text.size);
		bytes_free(&text);
		if (has_code(copy)) { /* else its RUN line has the program, or none */
			print_message("# %s\n", name);
			stays(copy);
			n_good++;
		}
		free(copy);
	}
	globfree(&g);
	CHECK(n_good > 250);
}

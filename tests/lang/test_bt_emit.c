/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt: what is emitted is well-formed IR, stays so through every pass, reads back from its
 * text, and becomes insns. */
#include "abi/helper.h"
#include "gen/gen.h"
#include "lang/bt/emit.h"
#include "test.h"

static const char *const scripts[] = {
	"begin { printf(\"%d %s\\n\", 1, \"x\"); }",
	"begin { $a = 1; $b = $a + 2; if ($a < $b && !($a == 3) || $b > 5) { printf(\"%d\\n\", "
	"$a); } }",
	"begin { $i = 0; while ($i < 10) { $i++; if ($i == 3) { continue; } if ($i == 7) { break; "
	"} } }",
	"begin { unroll(3) { @n++; } @n += 2; @n *= 3; --@n; delete(@n); }",
	"begin { for ($i : 0..9) { if ($i == 2) { continue; } if ($i == 5) { return; } @x[$i] = "
	"$i; } }",
	"begin { $s = \"a\"; for ($i : 0..3) { for ($j : $i..9) { $s = \"b\"; if ($j == 2) { "
	"return; } } } print($s); }",
	"begin { @m[1, \"k\"] = (1, \"v\"); for ($kv : @m) { print($kv.0); print($kv.1.1); break; "
	"} print(len(@m)); }",
	"begin { @c = count(); @s[1] = sum(2); @a = avg(3); @i[\"x\"] = min(4); @x = max(5); @t = "
	"stats(6);"
	" printf(\"%d %d %d\\n\", @c, @s[1], @a); }",
	"begin { @h = hist(rand); @h3[1] = hist(5, 3); @l = lhist(7, 0, 100, 10); @t = tseries(1, "
	"1s, 5, \"avg\"); }",
	"begin { if (has_key(@m, 1)) { let $v; if (find(@m, 1, $v)) { print($v); } } @m[1] = "
	"\"long string here\"; }",
	"begin { $t = (1, \"two\", (3, 4)); $u = (1, \"two\", (3, 4)); if ($t == $u) { "
	"print($t.2.1); } @k[$t] = $u; }",
	"begin { $a = (int16[4])0x0001000200030004; $i = rand; print($a[$i]); print((uint64)$a); "
	"@a = $a; }",
	"begin { $x = rand ? \"yes\" : \"no\"; $y = { let $z = 5; $z + 1 }; $w = if (rand) { 1 } "
	"else { 2 }; @[$x] = $y + $w; }",
	"begin { $p = (uint64 *)0; print(*$p); print($p[3]); $q = &$p; @p = $p + 2; }",
	"begin { $d = (int64)rand; print(7 / $d); print(7 % $d); print($d >> 3); print(-$d); "
	"print(~$d); }",
	"begin { @r = (a = 1, b = \"x\"); print(@r.b); $r = @r; print($r.a); }",
	"fn add($a : int64, $b : int64) : int64 { for ($i : 0..3) { if ($i == $a) { return $b; } } "
	"return $a; }"
	" begin { print(add(1, 2)); }",
	"begin / pid == 1 && rand > 5 / { exit(); } end { print(@); @ = 1; }",
	"begin { if (comm == \"x\" || comm != strerror(1)) { @[comm, pid] = nsecs; } }",
	"struct in { int a : 3; int b : 7; char c[8]; }; struct s { struct in i; struct s *next; "
	"int v[4]; };"
	" begin { $s = (struct s *)0; print($s->next->i.b); print($s->i.c); print($s.v[2]); $i = "
	"*$s; @[$i.i] = 1; }",
};

/* After a pass: is it still well-formed? */
static void after_pass(void *arg, const char *pass, const struct mod *m)
{
	struct diag *dg = arg;

	if (mod_check(m, dg))
		fail_msg("after %s: %s", pass, dg->msgs[dg->n - 1].text);
}

static struct mod *read_back(const char *text, struct diag *dg)
{
	struct mod *m = NULL;

	if (mod_read(text, "text", dg, &m) || mod_check(m, dg))
		fail_msg("%s\n%s", dg->msgs[dg->n - 1].text, text);
	return m;
}

/* The whole way, and once more from the text of what was emitted, looked at after every pass. */
static struct obj *compile(const char *text, u32 kernel)
{
	struct bt_world w = {
		.n_cpus = 2, .n_possible_cpus = 2, .page_size = 4096, .kernel_version = kernel};
	struct str ir = {0};
	struct bt_opts o = {.dump = &ir, .dump_stages = 1 << BT_STAGE_IR};
	struct diag dg = {0};
	struct pass_dump passes = {.dump = after_pass, .arg = &dg};
	struct bt_program *p = NULL;
	struct script *script = NULL;
	struct obj *obj = NULL;
	struct mod *m = NULL, *again;

	if (bt_parse(text, strlen(text), "s", &dg, &p) || bt_compile(p, &w, &o, &dg, &m, &script) ||
	    mod_check(m, &dg))
		fail_msg("%s: %s", text, dg.n ? dg.msgs[dg.n - 1].text : "?");
	again = read_back(str_text(&ir), &dg);
	if (mod_optimize(again, &passes, &dg))
		fail_msg("%s: %s", text, dg.msgs[dg.n - 1].text);
	if (gen_obj(m, NULL, &dg, &obj))
		fail_msg("%s: %s", text, dg.n ? dg.msgs[dg.n - 1].text : "?");
	CHECK(obj->n_funcs > 0 && obj->funcs[0].n_insns > 0);
	mod_free(again);
	mod_free(m);
	script_free(script);
	bt_free(p);
	str_free(&ir);
	diag_free(&dg);
	return obj;
}

#define LINUX(major, minor) ((u32)(major) << 16 | (minor) << 8)

TEST(scripts_become_well_formed_ir)
{
	for (u32 i = 0; i < ARRAY_SIZE(scripts); i++) {
		obj_free(compile(scripts[i], LINUX(6, 18)));
		if (!strstr(scripts[i], "@c")) /* 5.10 can't read what all CPUs have */
			obj_free(compile(scripts[i], LINUX(5, 10)));
	}
}

static bool calls(const struct obj *o, s32 helper)
{
	for (u32 i = 0; i < o->n_funcs; i++)
		for (u32 j = 0; j < o->funcs[i].n_insns; j++) {
			const struct insn *in = &o->funcs[i].insns[j];

			if (in->code == (CLS_JMP | JMP_CALL) && in->src == CALL_HELPER &&
			    in->imm == helper)
				return true;
		}
	return false;
}

/* A loop is a callback where the kernel has bpf_loop(), and stands in the program where it has not.
 */
TEST(loops_fit_the_kernel)
{
	static const char text[] =
		"begin { for ($i : 0..9) { @x += $i; if ($i == 5) { break; } } }";
	struct obj *new = compile(text, LINUX(6, 18)), *old = compile(text, LINUX(5, 10));

	CHECK(calls(new, HELPER_loop));
	CHECK(!calls(old, HELPER_loop));
	obj_free(new);
	obj_free(old);
}

// SPDX-License-Identifier: BSD-2-Clause
/* The machine as scripts see it: patterns, binaries, functions of this program, tracepoints of the user engine. */
#include "osmia_world.h"
#include "engine/user/user.h"
#include "test.h"
#include <errno.h>
#include <unistd.h>

struct found {
	u32 n;
	char last[200], first[200];
	bool ambiguous;
};

static int take(void *arg, const struct world_hook *h)
{
	struct found *f = arg;

	snprintf(f->last, sizeof(f->last), "%s|%s|%s", h->target, h->ns, h->fn);
	if (!f->n++)
		snprintf(f->first, sizeof(f->first), "%s", f->last);
	f->ambiguous |= h->is_ambiguous;
	return 0;
}

struct ctx {
	struct engine *e;
	struct world *w;
	const struct bt_world *t;
	struct diag dg;
};

static struct ctx begin(void)
{
	struct ctx c = {0};
	struct world_opts o = { .script = "tests/osmia/x.bt" };

	CHECK_EQ(engine_user_new(NULL, &c.dg, &c.e), 0);
	o.engine = c.e;
	CHECK_EQ(world_new(&o, &c.dg, &c.w), 0);
	c.t = world_table(c.w);
	return c;
}

static void end(struct ctx *c)
{
	world_free(c->w);
	c->e->ops->free(c->e);
	diag_free(&c->dg);
}

static struct found hooks(struct ctx *c, enum script_hook hook, const char *target, const char *ns, const char *fn)
{
	struct found f = {0};

	c->t->hooks(c->t->arg, hook, target, ns, fn, -1, &c->dg, take, &f);
	return f;
}

TEST(patterns)
{
	CHECK(world_fits("", "anything"));
	CHECK(world_fits("a*c*e", "abcde"));
	CHECK(!world_fits("a*c*e", "abcd"));
	CHECK(world_fits("x?[a-c]*", "xya"));
	CHECK(!world_fits("x?[!a-c]", "xya"));
	CHECK(world_fits("[]]", "]"));
	CHECK(world_fits("a[b", "a[b"));
	CHECK(!world_fits("[", ""));
	CHECK(world_fits("*", ""));
	/* many stars take no exponential time */
	CHECK(!world_fits("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

__attribute__((noinline)) void world_subject_one(void);
__attribute__((noinline)) void world_subject_one(void)
{
	__asm__ volatile("");
}
__attribute__((noinline)) void world_subject_two(void);
__attribute__((noinline)) void world_subject_two(void)
{
	__asm__ volatile("");
}

TEST(functions_of_a_binary)
{
	struct ctx c = begin();
	struct found f = hooks(&c, HOOK_UPROBE, "/proc/self/exe", "", "world_subject_*");

	world_subject_one();
	world_subject_two();
	CHECK_EQ(f.n, 2);
	CHECK_STR(f.first, "/proc/self/exe||world_subject_one");
	CHECK(!f.ambiguous);
	CHECK_EQ(hooks(&c, HOOK_UPROBE, "/proc/self/exe", "", "world_subject_two").n, 1);
	CHECK_EQ(hooks(&c, HOOK_UPROBE, "/proc/self/exe", "", "world_subject").n, 0);
	CHECK_EQ(hooks(&c, HOOK_UPROBE, "/nonexistent", "", "*").n, 0);
	CHECK(c.dg.n_errors > 0);
	end(&c);
}

TEST(binaries_by_name)
{
	struct ctx c = begin();
	char *path = NULL;

	CHECK_EQ(c.t->binary(c.t->arg, "libc", -1, &c.dg, &path), 0);
	CHECK(strstr(path, "/libc.so"));
	free(path);
	CHECK_EQ(c.t->binary(c.t->arg, "sh", -1, &c.dg, &path), 0);
	CHECK(*path == '/');
	free(path);
	CHECK_EQ(c.t->binary(c.t->arg, "/dev/null", -1, &c.dg, &path), -ENOEXEC);
	CHECK_EQ(c.t->binary(c.t->arg, "no such program", -1, &c.dg, &path), -ENOENT);
	CHECK_EQ(c.t->binary(c.t->arg, "", getpid(), &c.dg, &path), 0);
	CHECK(strstr(path, "test_world"));
	free(path);
	end(&c);
}

TEST(what_the_user_engine_has)
{
	struct ctx c = begin();
	struct found f = hooks(&c, HOOK_TRACEPOINT, "sched", "", "sched_process_e*");

	CHECK_EQ(f.n, 2);
	CHECK_STR(f.first, "sched||sched_process_exec");
	CHECK_EQ(hooks(&c, HOOK_TRACEPOINT, "syscalls", "", "sys_enter_openat").n, 1);
	CHECK_EQ(hooks(&c, HOOK_KPROBE, "", "", "__x64_sys_read").n, 1);
	CHECK_EQ(hooks(&c, HOOK_KPROBE, "", "", "vfs_no_such").n, 0);
	CHECK_EQ(hooks(&c, HOOK_RAWTRACEPOINT, "", "", "sys_*").n, 2);
	CHECK_EQ(hooks(&c, HOOK_SOFTWARE, "*", "", "").n, 3);
	CHECK_EQ(hooks(&c, HOOK_INTERVAL, "*", "", "").n, 4);
	end(&c);
}

TEST(files_for_includes)
{
	struct ctx c = begin();
	char *text = NULL;

	CHECK_EQ(c.t->include(c.t->arg, "test_world.c", false, &c.dg, &text), 0);
	CHECK(strstr(text, "BSD-2-Clause"));
	free(text);
	CHECK_EQ(c.t->include(c.t->arg, "test_world.c", true, &c.dg, &text), -ENOENT);
	CHECK_EQ(c.t->include(c.t->arg, "linux/sched.h", true, &c.dg, &text), -ENOENT);
	CHECK_EQ(c.t->include(c.t->arg, "stdint.h", true, &c.dg, &text), 0);
	free(text);
	end(&c);
}

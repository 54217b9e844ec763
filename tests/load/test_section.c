/* SPDX-License-Identifier: BSD-2-Clause */
/* Section names to types and targets. */
#include "test.h"
#include "load/section.h"
#include <errno.h>

static const struct {
	const char *name;
	s32 type;                  /* -1: not a section */
	u32 attach_type, kind;
	const char *category, *target, *path;
	u64 off;
	bool ret;
} rows[] = {
	{ .name = "kprobe/do_unlinkat", .type = BPF_PROG_TYPE_KPROBE, .kind = ATTACH_KPROBE,
	  .target = "do_unlinkat" },
	{ .name = "?kprobe/x+0x10", .type = BPF_PROG_TYPE_KPROBE, .kind = ATTACH_KPROBE,
	  .target = "x", .off = 16 },
	{ .name = "kretprobe/x", .type = BPF_PROG_TYPE_KPROBE, .kind = ATTACH_KPROBE,
	  .target = "x", .ret = true },
	{ .name = "kprobe", .type = BPF_PROG_TYPE_KPROBE, .kind = ATTACH_NONE },
	{ .name = "tp/syscalls/sys_enter_execve", .type = BPF_PROG_TYPE_TRACEPOINT,
	  .kind = ATTACH_TRACEPOINT, .category = "syscalls", .target = "sys_enter_execve" },
	{ .name = "tracepoint/a/b", .type = BPF_PROG_TYPE_TRACEPOINT, .kind = ATTACH_TRACEPOINT,
	  .category = "a", .target = "b" },
	{ .name = "raw_tp/sys_enter", .type = BPF_PROG_TYPE_RAW_TRACEPOINT,
	  .kind = ATTACH_RAW_TP, .target = "sys_enter" },
	{ .name = "tp_btf/sys_enter", .type = BPF_PROG_TYPE_TRACING,
	  .attach_type = BPF_TRACE_RAW_TP, .kind = ATTACH_RAW_TP, .target = "sys_enter" },
	{ .name = "uprobe//bin/sh:main+8", .type = BPF_PROG_TYPE_KPROBE, .kind = ATTACH_UPROBE,
	  .target = "main", .path = "/bin/sh", .off = 8 },
	{ .name = "uretprobe/libc.so.6:malloc", .type = BPF_PROG_TYPE_KPROBE,
	  .kind = ATTACH_UPROBE, .target = "malloc", .path = "libc.so.6", .ret = true },
	{ .name = "uprobe//bin/sh:0x1200", .type = BPF_PROG_TYPE_KPROBE, .kind = ATTACH_UPROBE,
	  .path = "/bin/sh", .off = 0x1200 },
	{ .name = "uprobe.multi//bin/sh:a*", .type = BPF_PROG_TYPE_KPROBE,
	  .attach_type = BPF_TRACE_UPROBE_MULTI, .kind = ATTACH_UPROBE_MULTI, .target = "a*",
	  .path = "/bin/sh" },
	{ .name = "usdt/libc.so.6:libc:setjmp", .type = BPF_PROG_TYPE_KPROBE,
	  .kind = ATTACH_USDT, .category = "libc", .target = "setjmp", .path = "libc.so.6" },
	{ .name = "xdp", .type = BPF_PROG_TYPE_XDP, .attach_type = BPF_XDP, .kind = ATTACH_XDP },
	{ .name = "xdp/cpumap", .type = BPF_PROG_TYPE_XDP, .attach_type = BPF_XDP_CPUMAP,
	  .kind = ATTACH_NONE },
	{ .name = "cgroup/connect4", .type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
	  .attach_type = BPF_CGROUP_INET4_CONNECT, .kind = ATTACH_CGROUP },
	{ .name = "fentry.s/x", .type = BPF_PROG_TYPE_TRACING, .attach_type = BPF_TRACE_FENTRY,
	  .kind = ATTACH_TRACE, .target = "x" },
	{ .name = "iter/task", .type = BPF_PROG_TYPE_TRACING, .attach_type = BPF_TRACE_ITER,
	  .kind = ATTACH_ITER, .target = "task" },
	{ .name = "xdp_pass", .type = -1 },
	{ .name = "xdp/pass", .type = -1 },
	{ .name = ".text", .type = -1 },
	{ .name = "", .type = -1 },
	{ .name = "kprobe.multi", .type = BPF_PROG_TYPE_KPROBE,
	  .attach_type = BPF_TRACE_KPROBE_MULTI, .kind = ATTACH_NONE },
};

static void same(const char *a, const char *b)
{
	if (!a || !b)
		CHECK(a == b);
	else
		CHECK_STR(a, b);
}

TEST(sections_mean_what_libbpf_says)
{
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct section *sec = section_find(rows[i].name);
		struct attach_spec spec;
		struct arena a = {0};

		if (rows[i].type < 0) {
			CHECK(!sec);
			continue;
		}
		CHECK(sec);
		CHECK_EQ(sec->prog_type, rows[i].type);
		CHECK_EQ(section_spec(sec, rows[i].name, &a, (struct place){0}, NULL, &spec), 0);
		CHECK_EQ(spec.kind, rows[i].kind);
		CHECK_EQ(spec.attach_type, rows[i].attach_type);
		CHECK_EQ(spec.off, rows[i].off);
		CHECK_EQ(spec.retprobe, rows[i].ret);
		same(spec.category, rows[i].category);
		same(spec.name, rows[i].target);
		same(spec.path, rows[i].path);
		arena_free(&a);
	}
}

TEST(broken_targets_are_refused)
{
	static const char *const bad[] = {
		"kprobe/",   "kprobe/x+",    "kprobe/x+y", "kretprobe/x+1", "tp/syscalls",
		"tp//x",     "tp/x/",	     "usdt/a:b",   "usdt/a::c",	    "uprobe.multi/a:",
		"uprobe/a:", "uprobe/a:f+z", "raw_tp/",
	};

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct section *sec = section_find(bad[i]);
		struct attach_spec spec;
		struct diag dg = {0};
		struct arena a = {0};

		CHECK(sec);
		CHECK_EQ(section_spec(sec, bad[i], &a, (struct place){0}, &dg, &spec), -EINVAL);
		CHECK_EQ(dg.n_errors, 1);
		diag_free(&dg);
		arena_free(&a);
	}
}

TEST(nearest_section_name)
{
	CHECK_STR(section_nearest("xdp_pass"), "xdp");
	CHECK_STR(section_nearest("kprobes"), "kprobe+");
	CHECK(section_nearest(""));
}

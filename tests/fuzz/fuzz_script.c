/* SPDX-License-Identifier: BSD-2-Clause */
/* Any text as a script, compiled for a machine that has a few hooks of each kind.
 *
 * What must hold: no crash, no hang; without an object there is a message; an object is written and read again.
 */
#include "base/str.h"
#include "engine/user/btf.h"
#include "osmia_compile.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static const struct {
	enum script_hook hook;
	struct world_hook at;
} hooks[] = {
	{ HOOK_KPROBE, { .target = "vmlinux", .fn = "vfs_read" } },
	{ HOOK_KPROBE, { .target = "vmlinux", .fn = "vfs_write" } },
	{ HOOK_KRETPROBE, { .target = "vmlinux", .fn = "vfs_read" } },
	{ HOOK_FENTRY, { .target = "vmlinux", .fn = "vfs_read" } },
	{ HOOK_FEXIT, { .target = "vmlinux", .fn = "vfs_read" } },
	{ HOOK_TRACEPOINT, { .target = "syscalls", .fn = "sys_enter_openat" } },
	{ HOOK_TRACEPOINT, { .target = "sched", .fn = "sched_switch" } },
	{ HOOK_RAWTRACEPOINT, { .target = "vmlinux", .fn = "sched_switch" } },
	{ HOOK_UPROBE, { .target = "/bin/x", .fn = "main", .off = 64 } },
	{ HOOK_UPROBE, { .target = "/bin/x", .fn = "mainly", .off = 96 } },
	{ HOOK_URETPROBE, { .target = "/bin/x", .fn = "main", .off = 64 } },
	{ HOOK_USDT, { .target = "/bin/x", .ns = "x", .fn = "start", .off = 128,
		       .args = "8@%rdi -4@$5 4@-8(%rbp)" } },
	{ HOOK_ITER, { .target = "", .fn = "task" } },
};

static const char format[] =
	"name: sched_switch\nID: 1\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
	"\tfield:__data_loc char[] filename;\toffset:24;\tsize:4;\tsigned:0;\n"
	"\tfield:const char * name;\toffset:32;\tsize:8;\tsigned:0;\n";

static bool fits(const char *pattern, const char *text)
{
	return !pattern || !*pattern || str_glob(pattern, text ? text : "");
}

static int world_hooks(void *arg, enum script_hook hook, const char *target, const char *ns, const char *fn,
		       s32 pid, struct diag *dg, world_hook_fn each, void *each_arg)
{
	(void)arg, (void)pid, (void)dg;
	for (u32 i = 0; i < ARRAY_SIZE(hooks); i++) {
		int err;

		if (hooks[i].hook != hook || !fits(target, hooks[i].at.target) || !fits(ns, hooks[i].at.ns) ||
		    !fits(fn, hooks[i].at.fn))
			continue;
		err = each(each_arg, &hooks[i].at);
		if (err)
			return err;
	}
	return 0;
}

static int world_binary(void *arg, const char *name, s32 pid, struct diag *dg, char **path)
{
	(void)arg, (void)pid, (void)dg;
	*path = strdup(*name == '/' ? name : "/bin/x");
	return *path ? 0 : -ENOMEM;
}

static const struct btf *no_btf(void *arg, const char *name)
{
	(void)arg, (void)name;
	return NULL;
}

static int world_tracepoint(void *arg, const char *category, const char *event, struct diag *dg, char **text)
{
	(void)arg, (void)category, (void)event, (void)dg;
	*text = strdup(format);
	return *text ? 0 : -ENOMEM;
}

static int world_line(void *arg, const char *path, const char *file, u32 line, u32 col, struct diag *dg, u64 *off)
{
	(void)arg, (void)path, (void)file, (void)line, (void)col, (void)dg;
	*off = 64;
	return 0;
}

static int world_kaddr(void *arg, const char *name, u64 *addr)
{
	(void)arg, (void)name;
	*addr = 0xffffffff81000000;
	return 0;
}

static int world_uaddr(void *arg, const char *path, const char *name, u64 *addr, u64 *size)
{
	(void)arg, (void)path, (void)name;
	*addr = 0x1000;
	*size = 8;
	return 0;
}

static int world_include(void *arg, const char *name, bool is_system, struct diag *dg, char **text)
{
	(void)arg, (void)is_system, (void)dg;
	if (!strstr(name, "x.h"))
		return -ENOENT;
	*text = strdup("#define X 1\nstruct x { int a; struct { char b[8]; unsigned c : 3; }; struct x *next; };\n"
		       "enum e { E1, E2 = 7 };\n");
	return *text ? 0 : -ENOMEM;
}

static const char *world_env(void *arg, const char *name)
{
	(void)arg, (void)name;
	return NULL;
}

static int world_cgroup_id(void *arg, const char *path, u64 *id)
{
	(void)arg, (void)path;
	*id = 1;
	return 0;
}

static bool world_kfunc(void *arg, const char *name)
{
	(void)arg, (void)name;
	return true;
}

static void write_and_read(const struct obj *o, struct diag *dg)
{
	struct obj *again;
	void *bytes;
	size_t size;

	if (obj_write(o, dg, &bytes, &size))
		return;
	if (obj_open(bytes, size, "fuzz.o", dg, &again))
		abort();
	obj_free(again);
	free(bytes);
}

/* Made once: libFuzzer calls one process again and again. */
static const struct btf *types(void)
{
	static struct btf *btf;

	if (!btf && host_btf_build(NULL, &btf))
		abort();
	return btf;
}

/* The first byte chooses options, the rest is the script. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const char *const params[] = { "17", "word", "-3" };
	static const char *const named[] = { "size=5", "on" };
	struct bt_world w = {
		.btf = types(), .is_user = true, .n_cpus = 2, .n_possible_cpus = 4, .page_size = 4096,
		.kernel_version = 6 << 16 | 18 << 8, .hooks = world_hooks, .binary = world_binary,
		.module_btf = no_btf, .tracepoint = world_tracepoint, .dwarf_btf = no_btf, .line = world_line,
		.kaddr = world_kaddr, .uaddr = world_uaddr, .include = world_include, .env = world_env,
		.cgroup_id = world_cgroup_id, .kfunc = world_kfunc,
	};
	struct bt_opts o = { .params = params, .n_params = 3, .named = named, .n_named = 2 };
	struct bt_program *p = NULL;
	struct diag dg = {0};
	struct obj *obj = NULL;
	u8 choice = size ? *data : 0;
	int err;

	o.compat = choice & 1 ? 17 : 0;
	o.unsafe = choice & 2;
	o.partial = choice & 4;
	w.is_user = choice & 8;
	o.has_command = choice & 16;
	o.test_mode = choice & 32;
	err = size ? bt_parse((const char *)data + 1, size - 1, "fuzz", &dg, &p) : -EINVAL;
	if (p && !err) {
		err = script_to_obj(p, &w, &o, &dg, &obj);
		/* That no probe is there is told on stdout in 0.17's language. */
		if (err && !dg.n_errors && !(err == -ENOENT && o.compat == 17))
			abort(); /* an error without a message */
	}
	if (obj)
		write_and_read(obj, &dg);
	obj_free(obj);
	bt_free(p);
	diag_free(&dg);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/world.h - what a script's compilation asks of the machine it is for, as a table of functions.
 *
 * src/osmia_world.c fills it in for an engine; tests make one of their own.
 */
#pragma once
#include "base/diag.h"
#include "base/str.h"
#include "obj/script.h"

struct btf;

/* A hook that a pattern matches. */
struct world_hook {
	const char *target;  /* module, category, path of the binary */
	const char *ns;      /* USDT provider */
	const char *fn;      /* function or event */
	u64 off;             /* uprobe: file offset; USDT: file offset of the place */
	u64 ref_ctr_off;     /* USDT */
	const char *args;    /* USDT: the note's argument text, "8@%rdi -4@$5" */
	bool is_ambiguous;   /* several functions have that name (different offsets) */
};
typedef int (*world_hook_fn)(void *arg, const struct world_hook *h);

struct bt_world {
	void *arg;                       /* first argument of every function here */
	/* Types of the kernel, or the user engine's own: what btf_get() tells, or one that is there already.  NULL, both:
	 * none.  Asked for by world_btf(). */
	const struct btf *btf;
	const struct btf *(*btf_get)(void *arg);
	bool is_user;                    /* the user engine */
	u32 n_cpus, n_possible_cpus, page_size;
	u32 kernel_version;              /* KERNEL_VERSION(major, minor, patch) */
	u64 pid_ns_dev, pid_ns_ino;      /* PID namespace of this process; ino 0: the initial one, or the engine
					  * gives ids as this process sees them anyway */
	u64 boot_ns_offset;              /* CLOCK_BOOTTIME less CLOCK_MONOTONIC */

	/* Calls fn for each hook of that kind whose parts fit the patterns ('*', '?', '[..]'; "" any), sorted, until it
	 * returns what is not 0.  0, or a negative errno with its reason. */
	int (*hooks)(void *arg, enum script_hook hook, const char *target, const char *ns, const char *fn,
		     s32 pid, struct diag *dg, world_hook_fn each, void *each_arg);
	/* Full path of a binary as probes name it ("libc", "bash", "./x", "*" with a pid).  Caller frees. */
	int (*binary)(void *arg, const char *name, s32 pid, struct diag *dg, char **path);
	/* BTF of a module; NULL: none. */
	const struct btf *(*module_btf)(void *arg, const char *name);
	/* The format of a tracepoint, tracefs' text; caller frees. */
	int (*tracepoint)(void *arg, const char *category, const char *event, struct diag *dg, char **text);
	/* BTF made of a binary's DWARF, for args and casts of uprobes; NULL: none.  Kept by the world. */
	const struct btf *(*dwarf_btf)(void *arg, const char *path);
	/* File offset of "FILE:LINE[:COL]" by DWARF. */
	int (*line)(void *arg, const char *path, const char *file, u32 line, u32 col, struct diag *dg, u64 *off);
	/* Address of a kernel symbol, of a symbol in a binary (file's virtual address, size). */
	int (*kaddr)(void *arg, const char *name, u64 *addr);
	int (*uaddr)(void *arg, const char *path, const char *name, u64 *addr, u64 *size);
	/* Virtual address of a byte of a binary, by its file offset. */
	int (*vaddr)(void *arg, const char *path, u64 off, u64 *addr);
	/* Reads a file for #include and import: looked for beside the script, then in include paths.  Caller frees. */
	int (*include)(void *arg, const char *name, bool is_system, struct diag *dg, char **text);
	const char *(*env)(void *arg, const char *name);  /* NULL: not set */
	int (*cgroup_id)(void *arg, const char *path, u64 *id);
	bool (*kfunc)(void *arg, const char *name);       /* may tracing programs call it? */
};

static inline const struct btf *world_btf(const struct bt_world *w)
{
	return w->btf ? w->btf : w->btf_get ? w->btf_get(w->arg) : NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* load/priv.h - what the files of this folder share.
 *
 *	load.c       the pipeline, closing
 *	attach.c     attaching and detaching
 *	section.c    SEC() names
 *	kconfig.c    .kconfig externs from the system's configuration
 *	ksym.c       .ksyms externs: kallsyms, variables and functions of the kernel's BTF
 *	kernel_btf.c names in the BTF of kernel and modules; ids and fds as PROG_LOAD wants them
 *	maps.c       maps made, filled, pinned
 *	struct_ops.c values of struct_ops maps in the kernel's layout
 *	code.c       final insns: subprograms appended, places relocated, func and line info
 *	core.c       CO-RE relocations applied, and failed ones named again
 *	prog.c       PROG_LOAD and what a refusal means
 *	script*.c    scripts: attached, and run by user space
 *	usdt.c       USDT probes as uprobes with their arguments described
 *	tree.c       the prologue that limits a program to a process tree
 */
#pragma once
#include "base/arena.h"
#include "base/vec.h"
#include "btf/btf.h"
#include "load/load.h"
#include "load/section.h"

/* What an extern turned out to be. */
struct ext {
	bool is_set;
	u64 addr;        /* typeless ksym */
	u32 btf_id;      /* typed ksym or kfunc, in the kernel's or a module's BTF */
	u32 module;      /* modules[] index + 1, 0: vmlinux */
};

struct module {
	char *name;      /* owned */
	const struct btf *btf; /* borrowed from the engine */
	int fd;          /* owned */
	s16 fd_array_idx;/* place in fd_array, 0: none yet */
};

/* A function after CO-RE, which is done once per function and not per program. */
struct func {
	bool needed;         /* by a program that will be loaded */
	struct insn *insns;  /* owned; NULL: not needed */
};

/* Where a function was put in a program's final insns. */
struct part {
	u32 func;
	u32 off;
};

struct prog {
	struct load_prog pub;
	const struct section *sec; /* NULL: not known */
	u32 func;                  /* funcs[] index */
	u32 prog_flags;
	bool is_pinned;            /* of a script: an iterator that others read */
	bool is_multi;             /* of a script: its links are multi links */
	u32 attach_btf_id;
	u32 attach_module;         /* modules[] index + 1, 0: vmlinux */
	int attach_prog_fd;        /* -1: none */
	struct insn *insns;        /* owned; final */
	u32 n_insns, cap_insns;
	VEC(struct part) parts;
	VEC(struct bpf_func_info) func_info;
	VEC(struct bpf_line_info) line_info;
};

struct struct_ops {
	u8 *value;           /* owned; the kernel's layout, value_size bytes */
	u32 value_size, value_id;
	u32 module;
	/* kernel byte offset in value for each init of the obj_map; ~0u: member not in this kernel */
	u32 *slots;          /* owned */
};

struct load {
	struct obj *obj;
	struct engine *e;
	struct load_opts opts;
	struct arena arena;
	struct load_map *maps;
	struct struct_ops *struct_ops; /* one per map */
	struct func *funcs;
	VEC(u32) needed;     /* indices of the functions that are */
	struct ext *exts;
	struct prog *progs;
	u32 n_progs;
	u8 *kconfig;         /* owned; first value of the .kconfig map */
	int btf_fd;          /* -1: the object's BTF was not taken */
	VEC(struct module) modules;
	bool modules_listed;
	VEC(int) fd_array;   /* [0] is never used: insn.off 0 means vmlinux */
	VEC(int) links;      /* beyond one per program: perf events per CPU, struct_ops maps */
	VEC(struct watch { u64 addr; int fd; }) watches; /* links of watchpoints, which are in links, too */
	VEC(struct map_memory { void *p; size_t size; }) mapped; /* arenas */
	struct script_timers *timers; /* owned; intervals of a script */
	u32 n_usdt_specs;    /* entries of __bpf_usdt_specs in use */
	bool ran;
};

struct place func_place(const struct load *l, u32 func);

/* ---- kconfig.c, ksym.c ---- */
int kconfig_resolve(struct load *l, struct diag *dg);
int ksyms_resolve(struct load *l, struct diag *dg);

/* ---- kernel_btf.c ---- */
/* Id of a name in vmlinux, else in a module; -ESRCH.  prefix may be "". */
int kernel_btf_find(struct load *l, const char *prefix, const char *name, u32 kind, u32 *module,
		    struct diag *dg);
/* The same for the target of a program: "module:function" too. */
int kernel_btf_target(struct load *l, const char *prefix, const char *name, u32 kind, u32 *module,
		      struct diag *dg);
const struct btf *kernel_btf_of(struct load *l, u32 module, struct diag *dg);
/* Fills modules[]; what can't be read is left out. */
int kernel_modules(struct load *l);
int kernel_btf_fd(struct load *l, u32 module);
/* Index of the module's BTF in fd_array; -E2BIG, -ENOMEM. */
int kernel_btf_fd_index(struct load *l, u32 module);

/* ---- maps.c, struct_ops.c ---- */
int object_btf_load(struct load *l, struct diag *dg);
int maps_create(struct load *l, struct diag *dg);
int maps_fill_progs(struct load *l, struct diag *dg);
int struct_ops_prepare(struct load *l, struct diag *dg);
int struct_ops_fill(struct load *l, u32 map, struct diag *dg);

/* ---- core.c, code.c, tree.c, prog.c ---- */
int funcs_prepare(struct load *l, struct diag *dg);
/* Notes which relocation poisoned insn pc of a function, when one did. */
void core_explain(struct load *l, u32 func, u32 pc, struct place at, struct diag *dg);
int prog_link(struct load *l, struct prog *p, struct diag *dg);
/* Prologue of a program under --tree: its length in insns, 0: none, -ENOTSUP with a diag. */
int tree_prologue(struct load *l, const struct prog *p, struct insn *out, u32 max, struct diag *dg);
int prog_target(struct load *l, struct prog *p, struct diag *dg);
int prog_load(struct load *l, struct prog *p, struct diag *dg);
/* Has the engine the hook of a program that attaches by itself?  0, or an errno with a diag. */
int attach_check(struct load *l, struct prog *p, struct diag *dg);
/* Attaches at every place of a USDT probe; the first link, the others go to l->links. */
int usdt_attach(struct load *l, struct prog *p, struct diag *dg);
struct prog *prog_of_func(struct load *l, u32 func);

/* SPDX-License-Identifier: BSD-2-Clause */
/* load/load.h - a struct obj onto a struct engine: maps made, programs loaded, attached, detached.
 *
 *	load_open()    decides what is loaded and as what: section names to program types and specs
 *	load_run()     externs, CO-RE, BTF, maps, final insns, (verifier), programs, initial slots
 *	load_attach()  links of every program that attaches by itself
 *	load_close()   links first, then programs and maps
 *
 * Programs come out insn for insn as libbpf would make them.  An object or engine is borrowed for
 * the life of the load; nothing is left behind in the kernel but what was pinned by name.
 */
#pragma once
#include "engine/engine.h"
#include "obj/obj.h"

struct load;

struct load_opts {
	const char *only;       /* load this program alone, even after '?'; NULL: all */
	bool no_pinning;        /* ignore LIBBPF_PIN_BY_NAME */
	const char *pin_dir;    /* NULL: /sys/fs/bpf */
	bool empty_maps_one;    /* max_entries 0 becomes 1 where the kernel wants more than 0 */
	u32 log_level;          /* of the verifier log that a refusal fetches: 0 means 1 */
	u32 prog_type;          /* where a section says none; 0: that is an error */
	u32 prog_flags;         /* BPF_F_TEST_* and alignment flags added to every program */
	bool partial;           /* load_attach: go on after programs that can't be attached */

	const char *kconfig;    /* "CONFIG_X=y" lines that come before the system's; NULL: none */
	const struct btf *target_btf; /* for CO-RE; NULL: the engine's */

	/* Where programs attach whose section does not say it. */
	s32 pid;                /* uprobes and perf events: 0 means every process */
	const char *path;       /* uprobes without a path in the section: a binary; NULL: none */
	const char *ifname;     /* XDP, tcx, socket filters */
	u32 xdp_mode;           /* XDP_MODE_* */
	u32 sample_hz;          /* perf_event programs: CPU clock this often; 0 means 49 */
	const char *cgroup;     /* cgroup v2 directory */
	bool tree;              /* programs run only for the engine's target_tree */
	s32 cpid;               /* pid of the target's command, for scripts; 0: there is none */
};

struct load_map {
	const struct obj_map *om; /* borrowed from the obj */
	int fd;                   /* owned by the load; -1: not made */
	u32 type, key_size, value_size, max_entries; /* as made: rounded, filled in */
	u32 btf_key_id, btf_value_id; /* in obj->btf, whatever the kernel was told */
	bool reused;              /* a pinned map of that name was there */
};

struct load_prog {
	const struct obj_func *fn; /* borrowed from the obj */
	int fd;                    /* owned by the load; -1: not loaded */
	int link_fd;               /* owned by the load; -1: not attached */
	u32 type;                  /* enum bpf_prog_type */
	u32 attach_type;           /* expected_attach_type */
	struct attach_spec spec;   /* strings live as long as the load */
	bool autoload;
	const struct insn *insns;  /* final, with its subprograms; after load_run() */
	u32 n_insns;
};

/* Decides types and specs.  -EINVAL: opts->only names no program, or a section is not known
 * (diag: program, section, the nearest names). */
int load_open(struct obj *o, struct engine *e, const struct load_opts *opts, struct diag *dg,
	      struct load **out);
/* Makes maps and loads programs, once.  On failure the diag has the program or map, what the errno
 * means and the end of the verifier's log; everything made so far stays until load_close(). */
int load_run(struct load *l, struct diag *dg);
/* Attaches every loaded program that has where to attach.  The number attached, or a negative errno
 * of the first that failed (with opts->partial: only when none could be). */
int load_attach(struct load *l, struct diag *dg);
/* Attaches one. */
int load_attach_prog(struct load *l, struct load_prog *p, struct diag *dg);
/* Number of attached iterators: they run when they are read, not by events. */
u32 load_n_iters(const struct load *l);
/* Runs an attached iterator once: the fd gives what it writes.  The caller closes it. */
int load_iter_open(struct load *l, struct load_prog *p, struct diag *dg);
/* Closes all links: no program runs any more, maps can still be read.  Of a script with many, the programs may run
 * for some seconds yet. */
void load_detach(struct load *l);
void load_close(struct load *l);

u32 load_n_maps(const struct load *l);
struct load_map *load_map(struct load *l, u32 i);         /* the obj's order */
struct load_map *load_find_map(struct load *l, const char *name); /* NULL: none */
u32 load_n_progs(const struct load *l);
struct load_prog *load_prog(struct load *l, u32 i);       /* the obj's order, programs only */
struct load_prog *load_find_prog(struct load *l, const char *name);

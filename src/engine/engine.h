/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/engine.h - the second waist: what load/ and output/ ask of an engine.
 *
 * The shape is the kernel's: bpf(cmd, attr, size) with file descriptors, and the few calls around it.
 * engine/kernel passes them on, engine/user implements them.  Every object is a real file descriptor
 * that the caller closes; results are 0 or more, or a negative errno.
 */
#pragma once
#include "abi/uapi.h" /* union bpf_attr, commands */
#include "base/diag.h"
#include "base/types.h"

struct engine;
struct btf;

enum attach_kind {
	ATTACH_TRACEPOINT,   /* category, name */
	ATTACH_RAW_TP,       /* name; also tp_btf (is_btf: no name needed) */
	ATTACH_KPROBE,       /* name = function, off; retprobe */
	ATTACH_KPROBE_MULTI, /* pattern in name */
	ATTACH_KSYSCALL,     /* name = system call; retprobe */
	ATTACH_UPROBE,       /* path, symbol in name or off; pid; retprobe */
	ATTACH_UPROBE_MULTI, /* path, pattern in name; pid */
	ATTACH_USDT,         /* path, provider in category, name; pid: load/ makes uprobes of it */
	ATTACH_PERF_EVENT,   /* perf_type, perf_config, period or frequency, pid, cpu */
	ATTACH_TRACE,        /* fentry, fexit, fmod_ret, lsm: target is in the program */
	ATTACH_ITER,
	ATTACH_XDP,          /* ifname; xdp_mode */
	ATTACH_TCX,          /* ifname; ingress or egress by attach_type */
	ATTACH_CGROUP,       /* path; attach_type */
	ATTACH_NETNS,        /* path, "" = own; sk_lookup, flow_dissector */
	ATTACH_NETFILTER,
	ATTACH_SOCKET,       /* socket filter on an AF_PACKET socket of ifname ("" = all) */
	ATTACH_STRUCT_OPS,   /* map fd in prog_fd */
	ATTACH_NONE,         /* nothing to attach to: syscall, ext without target */
};

enum { XDP_MODE_ANY, XDP_MODE_NATIVE, XDP_MODE_GENERIC };

struct attach_spec {
	enum attach_kind kind;
	u32 attach_type;      /* enum bpf_attach_type of the program */
	const char *category; /* borrowed, like all strings here */
	const char *name;
	const char *path;
	u64 off;
	bool retprobe;
	bool session;
	bool sleepable;
	s32 pid;              /* -1: every process; 0: this one */
	s32 cpu;              /* -1: any */
	u32 perf_type;
	u64 perf_config;
	u64 period;           /* events, or Hz when is_freq */
	bool is_freq;
	u64 cookie;
	const char *ifname;
	u32 xdp_mode;
	u64 ref_ctr_off;      /* USDT semaphore */
	/* UPROBE_MULTI, KPROBE_MULTI: n places instead of a pattern in name: offsets of the file, or names; each may
	 * have a cookie and a semaphore (NULL: none has). */
	u32 n;
	const u64 *offs, *cookies, *ref_ctr_offs;
	const char *const *names;
	u32 bp_type, bp_len;  /* PERF_EVENT of type BREAKPOINT: HW_BREAKPOINT_*, bytes; off is the address */
	struct place at;      /* of the program, for messages */
};

/* Readable end of a perf event array's ring for one CPU. */
struct perf_ring {
	int fd;               /* owned by the caller */
	void *base;           /* mapped: header page, then data */
	u32 page_bytes, data_bytes;
};

/* What follows the events of a run: a command to start or processes to join. */
struct target {
	char *const *argv;    /* NULL: no command */
	s32 pid;              /* 0: none */
	bool tree;            /* limit programs to the command's process tree */
};

struct engine_ops {
	const char *name; /* "kernel", "user" */
	bool samples_threads; /* ATTACH_PERF_EVENT of every process needs no event on each CPU */

	int (*bpf)(struct engine *e, enum bpf_cmd cmd, union bpf_attr *attr, u32 size);

	/* Is there such a hook here?  Asked before anything is loaded, so that all that are missing are
	 * named at once.  0, or a negative errno with what to do in dg.  NULL: attach() tells. */
	int (*can_attach)(struct engine *e, const struct attach_spec *spec, struct diag *dg);
	/* Attaches a loaded program; the link's fd, which holds the attachment. */
	int (*attach)(struct engine *e, int prog_fd, const struct attach_spec *spec, struct diag *dg);

	/* Has it that kind of multi link (ATTACH_KPROBE_MULTI, ATTACH_UPROBE_MULTI)?  NULL: none. */
	bool (*has_multi)(struct engine *e, enum attach_kind kind);

	/* fd to wait on (POLLIN) for a ring buffer map; owned by the engine. */
	int (*map_poll_fd)(struct engine *e, int map_fd);
	/* Takes the wake-up of an fd that map_poll_fd or perf_ring_open gave: call it after POLLIN and
	 * before the ring is read, else poll(2) returns at once for ever.  NULL: not needed. */
	void (*poll_taken)(struct engine *e, int poll_fd);
	/* The reader has left something in the ring: its fd is readable once more.  NULL: it is by itself. */
	void (*poll_again)(struct engine *e, int poll_fd);
	/* read is called when a program that BPF_PROG_TEST_RUN runs finds a ring buffer full: true, it has
	 * read some.  NULL: programs run where nobody can wait for a reader. */
	void (*on_ring_full)(struct engine *e, bool (*read)(void *arg), void *arg);
	/* Opens the ring of a CPU (n_pages a power of two) and enters it into the map. */
	int (*perf_ring_open)(struct engine *e, int map_fd, u32 cpu, u32 n_pages, struct perf_ring *out);

	/* fd that becomes readable with bpf_printk lines in trace_pipe's format. */
	int (*printk_fd)(struct engine *e, struct diag *dg);

	/* BTF that programs relocate against: the kernel's, or Osmia's own.  Borrowed; NULL with a
	 * diag when there is none.  module NULL: vmlinux. */
	const struct btf *(*target_btf)(struct engine *e, const char *module, struct diag *dg);

	/* Before anything is attached: makes the target (stopped) and whatever watches it; the command's pid, 0
	 * where there is none.  target_go lets it run; its pid, or a negative errno. */
	int (*target_start)(struct engine *e, const struct target *t, struct diag *dg);
	int (*target_go)(struct engine *e, struct diag *dg);
	/* fd that becomes readable when the target has ended (-1: no target), the same one from
	 * target_start on; then target_status gives its wait(2) status, or -EAGAIN: not yet. */
	int (*target_fd)(struct engine *e);
	int (*target_status)(struct engine *e);
	/* With target->tree: the cgroup v2 that holds the target's tree; helper
	 * bpf_get_current_ancestor_cgroup_id(level) gives its id there.  -ENOTSUP where the engine limits programs by other means or
	 * where there is no tree. */
	int (*target_tree)(struct engine *e, u64 *cgroup_id, u32 *level);

	/* Everything the engine lost or could not see since it began, as lines for a person. */
	void (*account)(struct engine *e, void (*line)(void *arg, const char *text), void *arg);
	void (*free)(struct engine *e);
};

struct engine {
	const struct engine_ops *ops;
};

static inline int engine_bpf(struct engine *e, enum bpf_cmd cmd, union bpf_attr *attr, u32 size)
{
	return e->ops->bpf(e, cmd, attr, size);
}

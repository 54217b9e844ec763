/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/kernel/priv.h - what the files of this folder share.
 *
 *	kernel.c   bpf(2), BTF, the table of calls
 *	attach.c   an attach_spec to a link
 *	perf.c     perf_event_open(2): tracepoints, kprobes, uprobes, sampling
 *	multi.c    kprobe.multi and uprobe.multi
 *	symbol.c   binaries and symbols for uprobes, USDT notes
 *	net.c      netlink: XDP and tc on kernels without links for them
 *	tracefs.c  where tracefs is; an instance for bpf_printk
 *	ring.c     perf event rings
 *	target.c   the command, its process tree, its cgroup
 *	guard.c    the process that cleans up after ours
 */
#pragma once
#include "engine/kernel/kernel.h"
#include "base/vec.h"
#include <sys/types.h>

struct btf;

struct module_btf {
	char *name;            /* owned */
	struct btf *btf;       /* owned; NULL: was looked for and is not there */
};

struct guard {
	pid_t pid;             /* 0: not started */
	int fd;                /* our end of its pipe; -1 */
	u32 next_id;
};

struct kernel {
	struct engine base;
	struct btf *vmlinux;   /* owned; NULL until asked for */
	int vmlinux_err;       /* errno of an attempt that failed, 0: none yet */
	VEC(struct module_btf) modules;
	int token_fd;          /* -1: none */
	bool token_tried;
	bool memlock_raised;
	int tracefs_fd;        /* -1: not opened yet */
	int printk_fd;         /* -1: none */
	u32 printk_guard;      /* id of the guard's duty to remove the instance */
	struct guard guard;
	s8 has_multi[2];       /* of kprobes, of uprobes: 1, -1: no, 0: not tried */
	VEC(int) attached;     /* owned; programs that were attached, for account */

	pid_t target_pid;      /* 0: no command */
	int target_go_fd;      /* the command waits for a byte here; -1 */
	int target_exec_fd;    /* errno of an exec that failed; -1 */
	int target_pidfd;      /* -1: none */
	int target_status;     /* wait(2) status once ended; -1 before */
	int cgroup_fd;         /* of the target's tree; -1: none */
	u64 cgroup_id;
	u32 cgroup_level;
	u32 cgroup_guard;
};

static inline struct kernel *kernel_of(struct engine *e)
{
	return container_of(e, struct kernel, base);
}

/* bpf(2): 0 or more, or a negative errno. */
int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr, u32 size);
/* BPF_LINK_CREATE as it is. */
int link_create(union bpf_attr *attr);

/* Keeps a program that is attached now in k->attached. */
void account_add(struct kernel *k, int prog_fd);
/* tracefs, opened once; a negative errno with a diag. */
int kernel_tracefs(struct kernel *k, struct place at, struct diag *dg);
/* The first number in a small file below dirfd (AT_FDCWD for an absolute path). */
int read_number(int dirfd, const char *path, u64 *out);

/* Each returns the fd of what holds the attachment. */
int attach_tracepoint(struct kernel *k, int prog_fd, const struct attach_spec *s, struct diag *dg);
int attach_kprobe(struct kernel *k, int prog_fd, const struct attach_spec *s, struct diag *dg);
/* By an event in tracefs, for kernels without the kprobe PMU. */
int attach_kprobe_legacy(struct kernel *k, int prog_fd, const struct attach_spec *s,
			 const char *func, struct diag *dg);
int attach_ksyscall(struct kernel *k, int prog_fd, const struct attach_spec *s, struct diag *dg);
int attach_uprobe(struct kernel *k, int prog_fd, const struct attach_spec *s, struct diag *dg);
int attach_perf_event(struct kernel *k, int prog_fd, const struct attach_spec *s, struct diag *dg);
int attach_kprobe_multi(struct kernel *k, int prog_fd, const struct attach_spec *s,
			struct diag *dg);
int attach_uprobe_multi(struct kernel *k, int prog_fd, const struct attach_spec *s,
			struct diag *dg);
bool kernel_has_multi(struct engine *e, enum attach_kind kind);
int attach_xdp_netlink(struct kernel *k, int prog_fd, u32 ifindex, const struct attach_spec *s,
		       struct diag *dg);
int attach_tc_netlink(struct kernel *k, int prog_fd, u32 ifindex, const struct attach_spec *s,
		      struct diag *dg);
int kernel_attach(struct engine *e, int prog_fd, const struct attach_spec *s, struct diag *dg);

/* Prefix of the architecture's system-call functions: "__x64_sys_". */
extern const char syscall_prefix[];

int kernel_perf_ring_open(struct engine *e, int map_fd, u32 cpu, u32 n_pages,
			  struct perf_ring *out);
int kernel_printk_fd(struct engine *e, struct diag *dg);

int kernel_target_start(struct engine *e, const struct target *t, struct diag *dg);
int kernel_target_go(struct engine *e, struct diag *dg);
int kernel_target_fd(struct engine *e);
int kernel_target_status(struct engine *e);
int kernel_target_tree(struct engine *e, u64 *cgroup_id, u32 *level);
void kernel_target_end(struct kernel *k);

/* ---- guard.c: duties that a forked process carries out when this one ends in any way ---- */
enum guard_kind {
	GUARD_DROP,         /* forget duty id */
	GUARD_DO,           /* carry out duty id now */
	GUARD_RMDIR,        /* remove directory text below the tracefs given at start */
	GUARD_KPROBE_EVENT, /* write "-:text" to kprobe_events */
	GUARD_CGROUP,       /* move what is left in cgroup text to its parent, remove it */
	GUARD_XDP,          /* arg: ifindex; number: mode flags << 32 | its program's id */
	GUARD_TC,           /* arg: ifindex; number: parent << 32 | prio << 16 | made-the-qdisc */
};
/* Hands a duty over, starting the guard where there is none yet.  Its id (above 0), or a negative
 * errno: then the caller must not make what needs it. */
int guard_add(struct kernel *k, enum guard_kind kind, u32 arg, u64 number, const char *text);
/* The same, but the duty is done when the fd that is returned is closed. */
int guard_hold(struct kernel *k, enum guard_kind kind, u32 arg, u64 number, const char *text);
/* Lets the guard do it now (it is waited for), or forget it. */
void guard_do(struct kernel *k, u32 id);
void guard_drop(struct kernel *k, u32 id);
/* Ends the guard; it carries out what is left first.  Waits for it. */
void guard_end(struct kernel *k);

/* What the guard calls: only system calls inside, no memory from the heap. */
void netlink_xdp_remove(u32 ifindex, u64 mode_and_id);
void netlink_tc_remove(u32 ifindex, u64 number);

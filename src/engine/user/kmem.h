/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/kmem.h - the kernel structs that the user engine serves, in Osmia's own layout.
 *
 * A program finds them through bpf_get_current_task*(), tp_btf arguments and PT_REGS_SYSCALL_REGS,
 * and reads them directly, by bpf_probe_read_kernel or CO-RE.  Their layout is what Osmia's BTF
 * (btf.c) says: offsets come from this header on both sides.  They lie in the engine's memory and
 * are filled for the event's task before the program runs.
 */
#pragma once
#include "abi/env.h" /* struct host_task */

enum { KTASK_COMM = 16 };

/* Kernel struct pt_regs, x86-64: what a kprobe's or uprobe's ctx is.  arch/x86/include/asm/ptrace.h
 */
struct kregs {
	u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs,
		flags, sp, ss;
};
_Static_assert(sizeof(struct kregs) == 168, "struct pt_regs of x86-64");

struct kcred {
	u32 usage;
	u32 uid, gid, suid, sgid, euid, egid, fsuid, fsgid;
};

struct kmm {
	u64 arg_start, arg_end; /* of the command line, in the task's memory */
	u64 env_start, env_end;
};

struct kns_common {
	u32 inum;
};

struct kns {
	struct kns_common ns;
};

struct knsproxy {
	struct kns *uts_ns, *ipc_ns, *mnt_ns, *pid_ns_for_children, *net_ns, *cgroup_ns;
};

struct ktask {
	u32 flags;
	s32 prio, static_prio, normal_prio;
	u32 policy;
	s32 exit_state, exit_code, exit_signal;
	s32 pid, tgid;
	struct ktask *real_parent, *parent, *group_leader;
	u64 start_time, start_boottime; /* ns; the second counts sleep too */
	u64 utime, stime;              /* ns, in steps of a clock tick */
	u64 nvcsw, nivcsw, min_flt, maj_flt;
	const struct kcred *real_cred, *cred;
	struct knsproxy *nsproxy;
	struct kmm *mm;
	char comm[KTASK_COMM];
};

/* What sched_process_exec's third argument points to. */
struct kbinprm {
	const char *filename, *interp;
	s32 argc, envc;
};

enum { KMEM_CURRENT, KMEM_PARENT, KMEM_LEADER, KMEM_CHILD, KMEM_NONE, KMEM_TASKS };
enum { KMEM_PATH = 4096 };

/* Everything that one event may show. */
struct kmem {
	struct kregs regs;		/* of the system call */
	struct ktask tasks[KMEM_TASKS];
	struct kcred creds[2];		/* current, child */
	struct kmm mm;
	struct knsproxy nsproxy;
	struct kns ns[6];
	struct kbinprm bprm;
	char path[KMEM_PATH];
};

/* Makes tasks[KMEM_CURRENT], and what it refers to, the task that who names.  exit_code: as wait(2) has it. */
void kmem_fill(struct kmem *k, const struct host_task *who, int exit_code);
/* Name of any process; "" when it is gone. */
void task_comm(s32 pid, char comm[KTASK_COMM]);

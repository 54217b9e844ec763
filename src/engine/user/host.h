/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/host.h - struct host (abi/env.h) for this process, and the parts that the guard's
 * host for traced tasks shares with it.
 */
#pragma once
#include "engine/user/kmem.h"
#include "engine/user/session.h"

/* This process as the current task: for PROG_TEST_RUN.  One at a time in a session. */
struct self_host {
	struct host host; /* host.arg is this struct */
	struct session *s;
	struct host_task task; /* filled when task_known */
	bool task_known;
	bool ktask_known; /* kmem is filled, too */
	struct kmem kmem;
};
void self_host_init(struct self_host *h, struct session *s);

u64 host_clock_ns(void *arg, int clock_id);
u32 host_random(void *arg);
u32 host_cpu(void *arg);
u32 host_numa_node(void *arg);

/* Inode of the process's cgroup v2 directory, as bpf_get_current_cgroup_id() has it; 0: unknown. */
u64 proc_cgroup_id(s32 pid);
/* The same of its ancestor: level 0 is the root that our cgroup namespace shows; 0: none. */
u64 proc_ancestor_cgroup_id(s32 pid, s32 level);
/* Parent, and start in ns since boot (in steps of a clock tick); zeroes where the task is gone. */
void proc_stat(s32 pid, u32 *ppid, u64 *start_ns);
/* Is ino the inode of pid's pid namespace on the device of nsfs?  Then its ids there. */
int proc_ns_pids(s32 tid, s32 tgid, u64 dev, u64 ino, u32 *ns_pid, u32 *ns_tgid);

/* One line of bpf_trace_printk into the session's pipe, in trace_pipe's format. */
void printk_line(struct session *s, const struct host_task *task, u32 cpu, const char *text,
		 u32 len);
/* The pipe's readable end, made at first use; a negative errno. */
int printk_open(struct session *s);

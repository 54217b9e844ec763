/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/host_task.c - a traced task as the current task of a program; runs in the guard.
 *
 * The task is stopped while its event is handled.  Facts come from /proc when a program asks.
 */
#include "engine/user/tracing.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct task_host *host_of(void *arg)
{
	return arg;
}

static void fill_who(struct task_host *h)
{
	struct trace_who who;

	if (h->who_known)
		return;
	h->who_known = true;
	trace_who(h->task, &who);
	h->who.uid = who.uid;
	h->who.gid = who.gid;
	h->who.ppid = (u32)who.ppid;
	h->who.start_time_ns = who.start_time_ns;
	memcpy(h->who.comm, who.comm, sizeof(h->who.comm));
}

static const struct host_task *task_task(void *arg)
{
	struct task_host *h = host_of(arg);

	fill_who(h);
	return &h->who;
}

static u64 task_uid_gid(void *arg)
{
	const struct host_task *t = task_task(arg);

	return (u64)t->gid << 32 | t->uid;
}

/* Read at each event: a task may rename itself at any time. */
static void task_own_comm(void *arg, char comm[KTASK_COMM])
{
	task_comm(host_of(arg)->task->tid, comm);
}

static u64 task_pid_tgid(void *arg)
{
	const struct trace_task *task = host_of(arg)->task;

	return (u64)(u32)task->tgid << 32 | (u32)task->tid;
}

static int task_read_user(void *arg, void *dst, u32 size, u64 addr)
{
	return trace_read(host_of(arg)->task, addr, dst, size);
}

static s64 task_read_user_str(void *arg, void *dst, u32 size, u64 addr)
{
	return trace_read_str(host_of(arg)->task, addr, dst, size);
}

static int task_write_user(void *arg, u64 addr, const void *src, u32 size)
{
	return trace_write(host_of(arg)->task, addr, src, size);
}

static int task_read_kernel(void *arg, void *dst, u32 size, u64 addr)
{
	struct task_host *h = host_of(arg);
	u64 off = addr - (u64)&h->kmem;

	if (off > sizeof(h->kmem) || size > sizeof(h->kmem) - off)
		return -EFAULT;
	memcpy(dst, (const u8 *)&h->kmem + off, size);
	return 0;
}

static u64 task_current_task(void *arg)
{
	return (u64)task_host_ktask(host_of(arg));
}

static void task_printk(void *arg, const char *text, u32 len)
{
	struct task_host *h = host_of(arg);

	task_comm(h->task->tid, h->who.comm);
	printk_line(h->s, &h->who, host_cpu(h), text, len);
}

static int task_send_signal(void *arg, u32 sig, bool thread)
{
	return trace_send_signal(host_of(arg)->task, (int)sig, thread);
}

static int task_user_stack(void *arg, u64 *ips, u32 max)
{
	return (int)trace_user_stack(host_of(arg)->task, ips, max);
}

static int task_unwind(void *arg, u64 *ips, u32 max)
{
	struct task_host *h = host_of(arg);

	return unwind_stack(&h->unwind, h->task, ips, max);
}

static int task_pid_ns(void *arg, u64 dev, u64 ino, u32 *pid, u32 *tgid)
{
	const struct trace_task *task = host_of(arg)->task;

	return proc_ns_pids(task->tid, task->tgid, dev, ino, pid, tgid);
}

static u64 task_cgroup_id(void *arg)
{
	return proc_cgroup_id(host_of(arg)->task->tgid);
}

static u64 task_ancestor_cgroup_id(void *arg, s32 level)
{
	return proc_ancestor_cgroup_id(host_of(arg)->task->tgid, level);
}

void task_host_init(struct task_host *h, struct session *s)
{
	h->s = s;
	h->host = (struct host){
		.arg = h,
		.task = task_task,
		.read_user = task_read_user,
		.read_user_str = task_read_user_str,
		.write_user = task_write_user,
		.read_kernel = task_read_kernel,
		.clock_ns = host_clock_ns,
		.random = host_random,
		.cpu = host_cpu,
		.numa_node = host_numa_node,
		.current_task = task_current_task,
		.printk = task_printk,
		.send_signal = task_send_signal,
		.user_stack = task_user_stack,
		.unwind = task_unwind,
		.pid_ns = task_pid_ns,
		.cgroup_id = task_cgroup_id,
		.ancestor_cgroup_id = task_ancestor_cgroup_id,
		.pid_tgid = task_pid_tgid,
		.uid_gid = task_uid_gid,
		.comm = task_own_comm,
		.timers = &tracing_timers,
	};
}

void task_host_set(struct task_host *h, struct trace_task *task)
{
	h->task = task;
	h->who_known = h->ktask_known = false;
	h->who = (struct host_task){.pid = (u32)task->tid, .tgid = (u32)task->tgid};
	h->host.override_return = NULL;
	h->exit_code = 0;
}

/* ---- the task as a kernel struct ---- */

struct ktask *task_host_ktask(struct task_host *h)
{
	if (!h->ktask_known) {
		h->ktask_known = true;
		fill_who(h);
		kmem_fill(&h->kmem, &h->who, h->exit_code);
	}
	return &h->kmem.tasks[KMEM_CURRENT];
}

struct ktask *task_host_child(struct task_host *h, s32 tid, s32 tgid, const char *comm)
{
	struct ktask *tasks = h->kmem.tasks, *parent = task_host_ktask(h);
	struct ktask *child = &tasks[KMEM_CHILD];

	*child = *parent;
	child->pid = tid;
	child->tgid = tgid;
	snprintf(child->comm, sizeof(child->comm), "%s", comm);
	if (tid == tgid) {
		child->group_leader = child;
		child->real_parent = child->parent = parent->group_leader;
		child->exit_signal = 17;
	}
	return child;
}

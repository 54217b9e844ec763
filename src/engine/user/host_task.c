/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/host_task.c - a traced task as the current task of a program; runs in the guard.
 *
 * The task is stopped while its event is handled.  Facts come from /proc when a program asks.
 */
#include "engine/user/tracing.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TASK_CURRENT, TASK_PARENT, TASK_LEADER, TASK_CHILD, TASK_CHILD_LEADER, TASK_NONE };

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

void task_comm(s32 pid, char comm[KTASK_COMM])
{
	char path[48];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	memset(comm, 0, KTASK_COMM);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (read(fd, comm, KTASK_COMM) < 0)
		comm[0] = 0;
	comm[KTASK_COMM - 1] = 0;
	comm[strcspn(comm, "\n")] = 0;
	close(fd);
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

static void fill_namespaces(struct task_host *h, s32 pid)
{
	static const char *const names[] = {"uts", "ipc",   "mnt", "pid_for_children",
					    "net", "cgroup"};
	struct kmem *k = &h->kmem;
	char path[64];
	struct stat st;

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, names[i]);
		k->ns[i].ns.inum = stat(path, &st) ? 0 : (u32)st.st_ino;
	}
	k->nsproxy =
		(struct knsproxy){&k->ns[0], &k->ns[1], &k->ns[2], &k->ns[3], &k->ns[4], &k->ns[5]};
}

/* Effective ids stand in the second column of Uid: and Gid:, saved and file system ones behind. */
static void fill_cred(struct kcred *c, s32 pid)
{
	char path[48], line[256];
	FILE *f;

	*c = (struct kcred){.usage = 1};
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		sscanf(line, "Uid: %u %u %u %u", &c->uid, &c->euid, &c->suid, &c->fsuid);
		sscanf(line, "Gid: %u %u %u %u", &c->gid, &c->egid, &c->sgid, &c->fsgid);
	}
	fclose(f);
}

/* Fields 48 to 51 of /proc/PID/stat. */
static void fill_mm(struct kmm *mm, s32 pid)
{
	char path[48], text[2048];
	FILE *f;
	char *p;

	*mm = (struct kmm){0};
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	p = fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;
	fclose(f);
	for (u32 field = 2; p && field < 48; field++)
		p = strchr(p + 1, ' ');
	if (p)
		sscanf(p, "%lu %lu %lu %lu", &mm->arg_start, &mm->arg_end, &mm->env_start,
		       &mm->env_end);
}

static void fill_task(struct task_host *h, struct ktask *t, s32 pid, s32 tgid)
{
	struct kmem *k = &h->kmem;

	*t = (struct ktask){.pid = pid,
			    .tgid = tgid,
			    .prio = 120,
			    .exit_signal = 17,
			    .real_parent = &k->tasks[TASK_NONE],
			    .parent = &k->tasks[TASK_NONE],
			    .group_leader = t,
			    .cred = &k->creds[0],
			    .real_cred = &k->creds[0],
			    .nsproxy = &k->nsproxy,
			    .mm = &k->mm};
	task_comm(pid, t->comm);
}

struct ktask *task_host_ktask(struct task_host *h)
{
	struct ktask *tasks = h->kmem.tasks, *cur = &tasks[TASK_CURRENT];

	if (h->ktask_known)
		return cur;
	h->ktask_known = true;
	fill_who(h);
	fill_task(h, cur, h->task->tid, h->task->tgid);
	memcpy(cur->comm, h->who.comm, sizeof(cur->comm));
	cur->start_time = cur->start_boottime = h->who.start_time_ns;
	cur->exit_code = h->exit_code;
	if (h->task->tid != h->task->tgid) {
		fill_task(h, &tasks[TASK_LEADER], h->task->tgid, h->task->tgid);
		cur->group_leader = &tasks[TASK_LEADER];
		cur->exit_signal = -1;
	}
	fill_task(h, &tasks[TASK_PARENT], (s32)h->who.ppid, (s32)h->who.ppid);
	cur->real_parent = cur->parent = &tasks[TASK_PARENT];
	cur->group_leader->real_parent = cur->group_leader->parent = &tasks[TASK_PARENT];
	tasks[TASK_NONE] = (struct ktask){.real_parent = &tasks[TASK_NONE],
					  .parent = &tasks[TASK_NONE],
					  .group_leader = &tasks[TASK_NONE],
					  .nsproxy = &h->kmem.nsproxy,
					  .cred = &h->kmem.creds[0],
					  .real_cred = &h->kmem.creds[0],
					  .mm = &h->kmem.mm};
	fill_cred(&h->kmem.creds[0], h->task->tid);
	fill_namespaces(h, h->task->tid);
	fill_mm(&h->kmem.mm, h->task->tgid);
	return cur;
}

struct ktask *task_host_child(struct task_host *h, s32 tid, s32 tgid, const char *comm)
{
	struct ktask *tasks = h->kmem.tasks, *parent = task_host_ktask(h);
	struct ktask *child = &tasks[TASK_CHILD];

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

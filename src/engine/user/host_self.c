/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/host_self.c - this process as the current task of a program. */
#include "engine/user/host.h"
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { USER_PAGE = 4096 };

u64 host_clock_ns(void *arg, int clock_id)
{
	struct timespec t = {0};

	(void)arg;
	clock_gettime(clock_id, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

u32 host_random(void *arg)
{
	u32 r = 0;

	(void)arg;
	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
		r = (u32)host_clock_ns(NULL, CLOCK_MONOTONIC) * 2654435761u;
	return r;
}

u32 host_cpu(void *arg)
{
	int cpu = sched_getcpu();

	(void)arg;
	return cpu < 0 ? 0 : (u32)cpu;
}

u32 host_numa_node(void *arg)
{
	unsigned cpu, node;

	(void)arg;
	return getcpu(&cpu, &node) ? 0 : node;
}

static const struct host_task *self_task(void *arg)
{
	struct self_host *h = arg;

	if (h->task_known)
		return &h->task;
	h->task_known = true;
	h->task.pid = (u32)gettid();
	h->task.tgid = (u32)getpid();
	h->task.uid = getuid();
	h->task.gid = getgid();
	prctl(PR_GET_NAME, h->task.comm);
	h->task.cgroup_id = proc_cgroup_id(getpid());
	proc_stat(getpid(), &h->task.ppid, &h->task.start_time_ns);
	return &h->task;
}

/* Through the kernel, because an address that a program made up must not fault here. */
static int self_read(void *arg, void *dst, u32 size, u64 addr)
{
	struct iovec to = {dst, size}, from = {(void *)addr, size};

	(void)arg;
	return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

/* This process is the engine: an unverified program must not write into it. */
static int self_write(void *arg, u64 addr, const void *src, u32 size)
{
	(void)arg;
	(void)addr;
	(void)src;
	(void)size;
	return -EFAULT;
}

/* Page by page, so that a string just before unmapped memory is read. */
static s64 self_read_str(void *arg, void *dst, u32 size, u64 addr)
{
	u32 got = 0;

	while (got < size) {
		u32 part = MIN(size - got, USER_PAGE - (u32)((addr + got) % USER_PAGE));
		char *at = (char *)dst + got, *nul;

		if (self_read(arg, at, part, addr + got))
			return -EFAULT;
		nul = memchr(at, 0, part);
		if (nul)
			return nul - (char *)dst + 1;
		got += part;
	}
	if (size)
		((char *)dst)[size - 1] = 0;
	return size;
}

static int self_read_kernel(void *arg, void *dst, u32 size, u64 addr)
{
	const struct self_host *h = arg;
	u64 off = addr - (u64)&h->kmem;

	if (!h->ktask_known || off > sizeof(h->kmem) || size > sizeof(h->kmem) - off)
		return -EFAULT;
	memcpy(dst, (const u8 *)&h->kmem + off, size);
	return 0;
}

static u64 self_current_task(void *arg)
{
	struct self_host *h = arg;

	if (!h->ktask_known)
		kmem_fill(&h->kmem, self_task(h), 0);
	h->ktask_known = true;
	return (u64)&h->kmem.tasks[KMEM_CURRENT];
}

static void self_printk(void *arg, const char *text, u32 len)
{
	struct self_host *h = arg;

	printk_line(h->s, self_task(h), host_cpu(h), text, len);
}

/* Nor end it. */
static int self_send_signal(void *arg, u32 sig, bool thread)
{
	(void)arg;
	(void)sig;
	(void)thread;
	return -EPERM;
}

static int self_user_stack(void *arg, u64 *ips, u32 max)
{
	(void)arg;
	(void)ips;
	(void)max;
	return -EOPNOTSUPP;
}

static int self_pid_ns(void *arg, u64 dev, u64 ino, u32 *pid, u32 *tgid)
{
	(void)arg;
	return proc_ns_pids(gettid(), getpid(), dev, ino, pid, tgid);
}

/* Programs of BPF_PROG_TEST_RUN run in the reader's own thread: it reads, and nothing is lost. */
static bool self_ring_full(void *arg)
{
	struct self_host *h = arg;

	return h->s->ring_full && h->s->ring_full(h->s->ring_full_arg);
}

void self_host_init(struct self_host *h, struct session *s)
{
	*h = (struct self_host){
		.s = s,
		.host =
			{
				.arg = h,
				.task = self_task,
				.read_user = self_read,
				.read_user_str = self_read_str,
				.write_user = self_write,
				.read_kernel = self_read_kernel,
				.clock_ns = host_clock_ns,
				.random = host_random,
				.cpu = host_cpu,
				.numa_node = host_numa_node,
				.current_task = self_current_task,
				.printk = self_printk,
				.send_signal = self_send_signal,
				.user_stack = self_user_stack,
				.pid_ns = self_pid_ns,
				.ring_full = self_ring_full,
			},
	};
}

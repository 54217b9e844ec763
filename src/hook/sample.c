/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/sample.c - samples of running threads, as perf's software clocks give them.
 *
 * A timer ticks in the guard.  At each tick the CPU time that every thread has used since the last one
 * is added to what it owes; who owes a period is stopped by PTRACE_INTERRUPT and shown to the owner at
 * its next stop, whatever that is.  Threads that sleep are never disturbed.
 *
 * CPU time is the first number of /proc/TID/schedstat, which the kernel brings up to date at its own
 * ticks and when a thread goes to sleep: what came late is paid in the ticks that follow, so over time
 * the number of samples is that of the kernel's cpu-clock.
 */
#include "hook/guard.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { OWED_PERIODS_MAX = 8 };

static const u64 ns_per_s = 1000000000;

/* CPU time so far, or 0 where the kernel does not count it. */
static u64 cpu_time_ns(struct task *k)
{
	char path[64], text[64];
	ssize_t n;

	if (k->sched_fd < 0) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", k->pub.tgid, k->pub.tid);
		k->sched_fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	n = k->sched_fd < 0 ? -1 : pread(k->sched_fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return strtoull(text, NULL, 10);
}

/* One thread at one tick; true when it has to be stopped. */
static bool is_due(struct trace *t, struct task *k)
{
	u64 now = cpu_time_ns(k), used = k->cpu_ns && now > k->cpu_ns ? now - k->cpu_ns : 0;
	bool due = false;

	k->cpu_ns = now;
	for (u32 i = 0; i < t->samplers.n; i++) {
		const struct sampler *s = &t->samplers.p[i];
		u64 *owed = &k->owed_ns[i];

		if (s->pid && s->pid != k->pub.tgid)
			continue;
		*owed = MIN(*owed + used, OWED_PERIODS_MAX * s->period_ns);
		if (*owed < s->period_ns || k->samples >> i & 1)
			continue;
		*owed -= s->period_ns;
		k->samples |= 1u << i;
		due = true;
	}
	return due;
}

static void on_tick(void *arg, int fd)
{
	struct trace *t = arg;
	u64 ticks;

	if (read(fd, &ticks, sizeof(ticks)) < 0)
		return;
	for (u32 b = 0; b < TASK_BUCKETS; b++)
		for (struct task *k = t->buckets[b]; k; k = k->next)
			if (!k->fresh && !k->held && !k->gone && is_due(t, k)) {
				k->interrupted = true;
				ptrace(PTRACE_INTERRUPT, k->pub.tid, NULL, NULL);
			}
}

void sample_take(struct trace *t, struct task *k)
{
	u32 due = k->samples;

	k->samples = 0;
	if (t->quiet || !t->ops->sample || !task_regs(k))
		return;
	bp_leave_slot(t, k);
	for (u32 i = 0; i < t->samplers.n && !k->gone; i++) {
		struct user_regs_struct regs;

		if (!(due >> i & 1) || !task_regs(k))
			continue;
		regs = k->regs;
		t->ops->sample(t->arg, &k->pub, (s32)i, &regs);
	}
}

int trace_add_sampler(struct trace *t, u64 period_ns, s32 pid)
{
	u64 tick_ns = MAX(period_ns, (u64)SAMPLE_PERIOD_MIN_NS);
	struct itimerspec every = {
		.it_interval = { (time_t)(tick_ns / ns_per_s), (long)(tick_ns % ns_per_s) },
	};
	int fd, err;

	if (t->samplers.n == SAMPLERS_MAX)
		return -ENOSPC;
	if (!period_ns)
		return -EINVAL;
	every.it_value = every.it_interval;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	err = timerfd_settime(fd, 0, &every, NULL) ? -errno : 0;
	if (!err)
		err = trace_watch_fd(t, fd, on_tick, t);
	if (!err && !vec_push(&t->samplers, ((struct sampler){ tick_ns, MAX(pid, 0), fd }))) {
		t->watches.n--;
		err = -ENOMEM;
	}
	if (err) {
		close(fd);
		return err;
	}
	return (int)t->samplers.n - 1;
}

void samplers_free(struct trace *t)
{
	for (u32 i = 0; i < t->samplers.n; i++)
		close(t->samplers.p[i].fd);
	vec_free(&t->samplers);
}

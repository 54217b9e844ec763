/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/hook/counting.h - a tracer that counts: what the tests of the ptrace transport share.
 *
 * Counters lie in memory shared with the guard.  Every wait ends by itself after a deadline, and
 * kills the tree it belongs to.
 */
#pragma once
#include "base/diag.h"
#include "hook/ptrace.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COUNT_BPS = 16, COUNT_DEADLINE_MS = 60000 };

struct counting {
	u64 enter[TRACE_SYSCALLS_MAX], exit[TRACE_SYSCALLS_MAX + 1]; /* last: nr -1 */
	u64 n_exec, n_fork, n_exit, n_group_dead;
	u64 signals[65], generated[65];
	u64 bp_enter[COUNT_BPS], bp_return[COUNT_BPS];
	u64 sum_return[COUNT_BPS];   /* of rax */
	u64 wrong;                   /* whatever a test found to be wrong inside an op */
	u64 stopped;
	s64 last_exit;               /* raw result of the last call */
	char last_exec[256], last_comm[16];
	u32 override_nr;
	u64 override_value;
};

static inline struct counting *counting_new(void)
{
	void *p = mmap(NULL, sizeof(struct counting), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static inline void counting_free(struct counting *c)
{
	munmap(c, sizeof(*c));
}

static void count_enter(void *arg, struct trace_task *task, s32 nr,
			const struct user_regs_struct *regs)
{
	struct counting *c = arg;

	if (nr >= 0 && nr < TRACE_SYSCALLS_MAX)
		c->enter[nr]++;
	if ((s32)regs->orig_rax != nr)
		c->wrong++;
	if (c->override_nr && nr == (s32)c->override_nr && trace_override(task, c->override_value))
		c->wrong++;
}

static void count_exit(void *arg, struct trace_task *task, s32 nr,
		       const struct user_regs_struct *regs)
{
	struct counting *c = arg;

	(void)task;
	c->exit[nr >= 0 && nr < TRACE_SYSCALLS_MAX ? nr : TRACE_SYSCALLS_MAX]++;
	c->last_exit = (s64)regs->rax;
}

static void count_exec(void *arg, struct trace_task *task, const struct trace_exec *ev)
{
	struct counting *c = arg;
	struct trace_who who;

	c->n_exec++;
	snprintf(c->last_exec, sizeof(c->last_exec), "%s", ev->path);
	trace_who(task, &who);
	memcpy(c->last_comm, who.comm, sizeof(c->last_comm));
	if (who.uid != getuid())
		c->wrong++;
}

static void count_fork(void *arg, struct trace_task *task, const struct trace_fork *ev)
{
	(void)task;
	(void)ev;
	((struct counting *)arg)->n_fork++;
}

static void count_task_exit(void *arg, struct trace_task *task, const struct trace_exit *ev)
{
	struct counting *c = arg;

	(void)task;
	c->n_exit++;
	c->n_group_dead += ev->group_dead;
}

static void count_deliver(void *arg, struct trace_task *task, const siginfo_t *info)
{
	(void)task;
	((struct counting *)arg)->signals[info->si_signo]++;
}

static void count_generate(void *arg, struct trace_task *task, s32 pid, bool thread,
			   const siginfo_t *info, int result)
{
	(void)task;
	(void)pid;
	(void)thread;
	if (!result)
		((struct counting *)arg)->generated[info->si_signo]++;
}

static void count_bp(void *arg, struct trace_task *task, s32 bp,
		     const struct user_regs_struct *regs)
{
	(void)task;
	(void)regs;
	((struct counting *)arg)->bp_enter[bp]++;
}

static void count_return(void *arg, struct trace_task *task, s32 bp, u64 func,
			 const struct user_regs_struct *regs)
{
	struct counting *c = arg;

	(void)task;
	c->bp_return[bp]++;
	c->sum_return[bp] += regs->rax;
	if (!func)
		c->wrong++;
}

static void count_stop(void *arg, struct trace *t)
{
	(void)t;
	((struct counting *)arg)->stopped++;
}

static const struct trace_ops counting_ops = {
	.syscall_enter = count_enter,
	.syscall_exit = count_exit,
	.exec = count_exec,
	.fork = count_fork,
	.exit = count_task_exit,
	.signal_deliver = count_deliver,
	.signal_generate = count_generate,
	.bp_enter = count_bp,
	.bp_return = count_return,
	.guard_stop = count_stop,
};

static inline u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000 + (u64)ts.tv_nsec / 1000000;
}

/* Waits until the trace is in state want or past it; false at the deadline, with the command
 * killed. */
static inline bool counting_wait(struct trace *t, enum trace_state want, s32 pid)
{
	u64 end = now_ms() + COUNT_DEADLINE_MS;

	while (trace_poll(t) < want) {
		struct pollfd fd = { trace_fd(t), POLLIN, 0 };
		u64 now = now_ms();

		if (now >= end) {
			kill(pid, SIGKILL);
			return false;
		}
		poll(&fd, 1, (int)(end - now));
	}
	return true;
}

/* Runs argv under t to its end; the wait status, or a negative errno. */
static inline int counting_run(struct trace *t, char *const *argv)
{
	struct diag dg = { 0 };
	int pid = trace_start(t, argv, NULL, &dg);

	for (u32 i = 0; i < dg.n; i++)
		fprintf(stderr, "# %s\n", dg.msgs[i].text);
	diag_free(&dg);
	if (pid < 0)
		return pid;
	if (!counting_wait(t, TRACE_ENDED, pid))
		return -ETIME;
	return trace_status(t);
}

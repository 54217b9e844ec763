/* SPDX-License-Identifier: BSD-2-Clause */
/* bench/ptrace_bench.c - what the ptrace transport costs the program it watches.
 *
 * Prints ns a call of getppid(2) or of a small function, best of interleaved rounds, and how much
 * that is above the untraced one.  Required: an unhooked call under "-- CMD" costs less than 1 us
 * extra.  strace, where it is installed, stands beside.
 */
#include "bench.h"
#include "elf/maps.h"
#include "hook/ptrace.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 7, FAST = 200000, SLOW = 4000 };

enum work { WORK_CALL, WORK_FUNCTION };
enum how { UNTRACED, UNHOOKED, ENTER, ENTER_EXIT, ATTACHED, UPROBE, URETPROBE, STRACE, STRACE_HIT };

static const struct bench {
	const char *name;
	enum how how;
	enum work work;
	u32 n;
} benches[] = {
	{ "call, untraced", UNTRACED, WORK_CALL, FAST },
	{ "call, -- CMD, not hooked", UNHOOKED, WORK_CALL, FAST },
	{ "call, -- CMD, entry hooked", ENTER, WORK_CALL, SLOW },
	{ "call, -- CMD, entry and exit", ENTER_EXIT, WORK_CALL, SLOW },
	{ "call, -p, not hooked", ATTACHED, WORK_CALL, SLOW },
	{ "call, strace --seccomp-bpf, other call", STRACE, WORK_CALL, FAST },
	{ "call, strace --seccomp-bpf", STRACE_HIT, WORK_CALL, SLOW },
	{ "function, untraced", UNTRACED, WORK_FUNCTION, FAST },
	{ "function, uprobe", UPROBE, WORK_FUNCTION, SLOW },
	{ "function, uprobe and uretprobe", URETPROBE, WORK_FUNCTION, SLOW },
};

static volatile long sink;

__attribute__((noinline)) static void function(long x)
{
	sink += x;
	__asm__ volatile("" ::: "memory");
}

/* The watched program: waits for a byte on stdin, works, writes the ns of one round to stdout. */
static int work_main(enum work work, u32 n)
{
	struct timespec a, b;
	char byte;

	if (read(0, &byte, 1) < 0)
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (u32 i = 0; i < n; i++) {
		if (work == WORK_CALL)
			syscall(SYS_getppid);
		else
			function(i);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	double ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);

	return dprintf(1, "%.1f\n", ns / n) > 0 ? 0 : 1;
}

static void see_call(void *arg, struct trace_task *task, s32 nr,
		     const struct user_regs_struct *regs)
{
	(void)task;
	(void)nr;
	*(volatile u64 *)arg += regs->rax;
}

static void see_return(void *arg, struct trace_task *task, s32 bp, u64 func,
		       const struct user_regs_struct *regs)
{
	(void)func;
	see_call(arg, task, bp, regs);
}

static const struct trace_ops ops = {
	.syscall_enter = see_call,
	.syscall_exit = see_call,
	.bp_enter = see_call,
	.bp_return = see_return,
};

static char self[4096];

static u64 function_offset(void)
{
	struct mapping m;

	return mapping_of(getpid(), (u64)function, &m) ? (u64)function - m.from + m.off : 0;
}

static struct trace *make_trace(enum how how)
{
	static u64 seen;
	struct trace *t = trace_new(&ops, &seen);
	struct trace_bp_spec spec = { self, function_offset(), true, how == URETPROBE, 0, 0 };

	if (how == UNHOOKED || how == ATTACHED)
		trace_want_syscall(t, SYS_openat, TRACE_ENTER | TRACE_EXIT);
	if (how == ENTER || how == ENTER_EXIT)
		trace_want_syscall(t, SYS_getppid,
				   how == ENTER ? TRACE_ENTER : TRACE_ENTER | TRACE_EXIT);
	if (how == UPROBE || how == URETPROBE)
		trace_add_bp(t, &spec, NULL);
	return t;
}

/* Runs one round with stdin and stdout on the pipes; ns an operation, or a negative number. */
static double run(const struct bench *b)
{
	char n[16], work[4], text[64] = "", *args[] = { self, work, n, NULL };
	char *strace[] = { "strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e",
			   b->how == STRACE ? "trace=openat" : "trace=getppid",
			   self, work, n, NULL };
	bool traced = b->how != UNTRACED && b->how != ATTACHED && b->how < STRACE;
	struct trace *t = traced || b->how == ATTACHED ? make_trace(b->how) : NULL;
	int in[2], out[2], saved[2] = { dup(0), dup(1) };
	s32 pid;

	if (pipe(in) || pipe(out))
		return -1;
	snprintf(n, sizeof(n), "%u", b->n);
	snprintf(work, sizeof(work), "%d", b->work);
	fflush(stdout);
	dup2(in[0], 0);
	dup2(out[1], 1);
	if (traced) {
		pid = trace_start(t, args, NULL, NULL);
	} else {
		pid = fork();
		if (pid == 0) {
			execvp(b->how >= STRACE ? strace[0] : self,
			       b->how >= STRACE ? strace : args);
			_exit(127);
		}
	}
	dup2(saved[0], 0);
	dup2(saved[1], 1);
	close(saved[0]);
	close(saved[1]);
	close(in[0]);
	close(out[1]);
	if (pid > 0 && b->how == ATTACHED) {
		usleep(20000);
		if (trace_attach(t, pid, NULL) < 0)
			kill(pid, SIGKILL);
	}
	bool done = pid > 0 && write(in[1], "x", 1) == 1 &&
		    read(out[0], text, sizeof(text) - 1) > 0;

	close(in[1]);
	close(out[0]);
	trace_free(t);
	if (!traced && pid > 0)
		waitpid(pid, NULL, 0);
	return done ? atof(text) : -1;
}

int main(int argc, char **argv)
{
	double best[ARRAY_SIZE(benches)], base[2] = { 0 };
	bool missed = false;

	if (argc == 3)
		return work_main(atoi(argv[1]), (u32)atoi(argv[2]));
	signal(SIGPIPE, SIG_IGN);
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[len > 0 ? len : 0] = '\0';
	for (u32 i = 0; i < ARRAY_SIZE(benches); i++)
		best[i] = -1;
	for (int round = 0; round < ROUNDS; round++) {
		for (u32 i = 0; i < ARRAY_SIZE(benches); i++) {
			double ns = run(&benches[i]);

			if (ns >= 0 && (best[i] < 0 || ns < best[i]))
				best[i] = ns;
		}
	}
	printf("%-40s %12s %12s\n", "ptrace transport", "ns", "extra ns");
	for (u32 i = 0; i < ARRAY_SIZE(benches); i++) {
		const struct bench *b = &benches[i];

		if (b->how == UNTRACED)
			base[b->work] = best[i];
		if (best[i] < 0) {
			printf("%-40s %12s\n", b->name, "not here");
			continue;
		}
		printf("%-40s %12.1f %12.1f\n", b->name, best[i], best[i] - base[b->work]);
		if (b->how == UNHOOKED)
			bench_row("ptrace, unhooked call, no program", "< 1000 ns extra",
				  best[i] - base[b->work] < 1000, "", "%.0f ns extra",
				  best[i] - base[b->work]);
		if (b->how == UNHOOKED)
			missed = best[i] - base[b->work] >= 1000;
	}
	if (missed)
		printf("an unhooked call costs 1 us or more\n");
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/printk.c - bpf_printk lines of a session: a pipe that never blocks its writer.
 *
 * A line is one write of less than PIPE_BUF bytes, so lines of several writers do not mix; what
 * finds the pipe full is counted as lost.  The format is trace_pipe's, kernel
 * trace_print_context().
 */
#include "engine/user/host.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048, PIPE_BYTES = 1 << 20 };

int printk_open(struct session *s)
{
	if (s->printk_fd[0] >= 0)
		return s->printk_fd[0];
	if (pipe2(s->printk_fd, O_CLOEXEC | O_NONBLOCK)) {
		s->printk_fd[0] = s->printk_fd[1] = -1;
		return -errno;
	}
	fcntl(s->printk_fd[0], F_SETPIPE_SZ, PIPE_BYTES);
	return s->printk_fd[0];
}

void printk_line(struct session *s, const struct host_task *task, u32 cpu, const char *text,
		 u32 len)
{
	char line[LINE_MAX_BYTES];
	struct timespec t;
	int n;

	if (s->printk_fd[1] < 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &t);
	n = snprintf(line, sizeof(line),
		     "%16s-%-7u [%03u] ..... %5ld.%06ld: bpf_trace_printk: %.*s\n", task->comm,
		     task->pid, cpu, (long)t.tv_sec, t.tv_nsec / 1000, (int)len, text);
	if (n >= (int)sizeof(line)) {
		n = sizeof(line);
		line[n - 1] = '\n';
	}
	if (write(s->printk_fd[1], line, (size_t)n) != n)
		__atomic_fetch_add(&s->shared->printk_lost, 1, __ATOMIC_RELAXED);
}

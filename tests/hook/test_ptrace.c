/* SPDX-License-Identifier: BSD-2-Clause */
/* The ptrace transport counts what programs do exactly, and changes nothing about them. */
#include "test.h"
#include "hook/counting.h"
#include <sys/syscall.h>

static struct trace *new_trace(struct counting **c)
{
	*c = counting_new();
	return *c ? trace_new(&counting_ops, *c) : NULL;
}

TEST(status_of_the_command_is_reported)
{
	struct counting *c;
	char *args[] = { "sh", "-c", "exit 7", NULL };
	struct trace *t = new_trace(&c);

	CHECK_EQ(counting_run(t, args), 7 << 8);
	trace_free(t);
	t = trace_new(&counting_ops, c);
	args[2] = "kill -9 $$";
	CHECK_EQ(counting_run(t, args), SIGKILL);
	CHECK_EQ(trace_counts(t).stops > 0, 1);
	trace_free(t);
	counting_free(c);
}

TEST(missing_command_is_an_error)
{
	struct counting *c;
	struct diag dg = { 0 };
	char *args[] = { "/nonexistent/command", NULL };
	struct trace *t = new_trace(&c);

	CHECK_EQ(trace_start(t, args, NULL, &dg), -ENOENT);
	CHECK_EQ(dg.n_errors, 1);
	args[0] = "no-such-command-anywhere";
	CHECK_EQ(trace_start(t, args, NULL, &dg), -ENOENT);
	trace_free(t);
	diag_free(&dg);
	counting_free(c);
}

/* A command that is held has its pid, and has not begun; that of the trace is the same. */
TEST(held_command_waits)
{
	struct counting *c;
	struct diag dg = { 0 };
	char *args[] = { "/bin/sh", "-c", "exit 7", NULL };
	struct trace *t = new_trace(&c);
	s32 pid = trace_hold(t, args, NULL, &dg);

	CHECK(pid > 0);
	CHECK_EQ(kill(pid, 0), 0);
	trace_want_process(t, TRACE_EXEC_EVENT);
	usleep(10000);
	CHECK_EQ(c->n_exec, 0);
	CHECK_EQ(trace_start(t, args, NULL, &dg), pid);
	CHECK(counting_wait(t, TRACE_ENDED, pid));
	CHECK_EQ(trace_status(t), 7 << 8);
	CHECK_EQ(c->n_exec, 1);
	CHECK_EQ(kill(pid, 0), -1); /* reaped */
	trace_free(t);
	counting_free(c);
}

TEST(held_command_ends_with_its_trace)
{
	struct counting *c;
	char *args[] = { "/bin/sleep", "100", NULL };
	struct trace *t = new_trace(&c);
	s32 pid = trace_hold(t, args, NULL, NULL);

	CHECK(pid > 0);
	trace_free(t);
	CHECK_EQ(kill(pid, 0), -1);
	counting_free(c);
}

TEST(calls_of_a_pipeline_are_counted)
{
	struct counting *c;
	struct trace *t = new_trace(&c);
	char *args[] = { "/bin/sh", "-c", "/bin/true | /bin/true; exec /bin/true", NULL };

	trace_want_syscall(t, SYS_execve, TRACE_ENTER | TRACE_EXIT);
	trace_want_syscall(t, SYS_exit_group, TRACE_ENTER | TRACE_EXIT);
	trace_want_process(t, TRACE_EXEC_EVENT | TRACE_FORK_EVENT | TRACE_EXIT_EVENT);
	CHECK_EQ(counting_run(t, args), 0);
	CHECK_EQ(c->enter[SYS_execve], 4);
	CHECK_EQ(c->exit[SYS_execve], 4);
	CHECK_EQ(c->enter[SYS_exit_group], 3);
	CHECK_EQ(c->exit[SYS_exit_group], 0);
	CHECK_EQ(c->n_exec, 4);
	CHECK_EQ(c->n_fork, 2);
	CHECK_EQ(c->n_exit, 3);
	CHECK_EQ(c->n_group_dead, 3);
	CHECK_EQ(c->wrong, 0);
	CHECK_EQ(c->stopped, 1);
	CHECK_STR(c->last_exec, "/bin/true");
	CHECK_STR(c->last_comm, "true");
	trace_free(t);
	counting_free(c);
}

TEST(result_can_be_replaced)
{
	struct counting *c;
	struct trace *t = new_trace(&c);
	char *args[] = { "/bin/sh", "-c", "mkdir /nonexistent/a/b", NULL };

	trace_want_syscall(t, SYS_mkdir, TRACE_ENTER | TRACE_EXIT);
	c->override_nr = SYS_mkdir;
	c->override_value = 0;
	CHECK_EQ(counting_run(t, args), 0);
	CHECK_EQ(c->enter[SYS_mkdir], 1);
	CHECK_EQ(c->exit[SYS_mkdir], 1);
	CHECK_EQ(c->last_exit, 0);
	CHECK_EQ(c->wrong, 0);
	trace_free(t);
	counting_free(c);
}

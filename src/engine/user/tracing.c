/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/tracing.c - the controller's side of tracing: the target, what its links want of the
 * transport, its end, and the account of events.
 */
#include "engine/user/tracing.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

bool tracing_started(const struct session *s)
{
	return s->tracing && s->tracing->is_started;
}

static void free_argv(char **argv)
{
	for (char **a = argv; a && *a; a++)
		free(*a);
	free(argv);
}

static char **copy_argv(char *const *argv)
{
	size_t n = 0;
	char **copy;

	while (argv[n])
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = strdup(argv[i]);
		if (!copy[i]) {
			free_argv(copy);
			return NULL;
		}
	}
	return copy;
}

void tracing_free(struct session *s)
{
	struct tracing *t = s->tracing;

	if (!t)
		return;
	trace_free(t->trace);
	timers_close(t->timers);
	close(t->end_fd);
	for (u32 i = 0; i < t->n_links; i++)
		object_put(&t->links[i]->o);
	free(t->links);
	free_argv(t->argv);
	free(t);
	s->tracing = NULL;
}

int user_target_start(struct engine *e, const struct target *target, struct diag *dg)
{
	struct session *s = session_of(e);
	struct place at = {0};
	struct tracing *t;
	int err;

	if (s->tracing)
		return diag_error(dg, at, -EBUSY, "the session has a target already");
	if (!target->argv && target->pid <= 0)
		return diag_error(dg, at, -EINVAL,
				  "the user engine sees the events of a command "
				  "(-- CMD) or a process (-p PID) only; name one, or use "
				  "--engine=kernel");
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->s = s;
	t->pid = target->pid;
	t->end_fd = epoll_create1(EPOLL_CLOEXEC);
	s->tracing = t;
	if (target->argv)
		t->argv = copy_argv(target->argv);
	t->trace = trace_new(&tracing_events, t);
	err = t->end_fd < 0 || !t->trace || (target->argv && !t->argv) ? -ENOMEM : 0;
	if (!err && t->argv)
		err = trace_hold(t->trace, t->argv, NULL, dg);
	if (err < 0)
		tracing_free(s);
	return err;
}

/* ---- what the links want ---- */

static int want_tracepoint(struct trace *tr, const struct tracepoint *tp)
{
	switch (tp->kind) {
	case TP_SYSCALL_ENTER:
		return trace_want_syscall(tr, (u32)tp->nr, TRACE_ENTER);
	case TP_SYSCALL_EXIT:
		return trace_want_syscall(tr, (u32)tp->nr, TRACE_EXIT);
	case TP_RAW_ENTER:
		trace_want_all_syscalls(tr, TRACE_ENTER);
		return 0;
	case TP_RAW_EXIT:
		trace_want_all_syscalls(tr, TRACE_EXIT);
		return 0;
	case TP_EXEC:
		trace_want_process(tr, TRACE_EXEC_EVENT);
		return 0;
	case TP_FORK:
		trace_want_process(tr, TRACE_FORK_EVENT);
		return 0;
	case TP_EXIT:
		trace_want_process(tr, TRACE_EXIT_EVENT);
		return 0;
	case TP_SIGNAL_GENERATE:
		trace_want_process(tr, TRACE_SIGNAL_GENERATE);
		return 0;
	case TP_SIGNAL_DELIVER:
		trace_want_process(tr, TRACE_SIGNAL_DELIVER);
		return 0;
	}
	return -EINVAL;
}

static int want_ksym(struct trace *tr, const struct hook *h)
{
	int err = 0;

	for (u32 i = 0; i < h->ksym.n_calls && !err; i++)
		err = trace_want_syscall(tr, h->ksym.calls[i].nr,
					 h->retprobe ? TRACE_EXIT : TRACE_ENTER);
	return err;
}

static int want_breakpoint(struct trace *tr, struct hook *h, struct diag *dg)
{
	struct trace_bp_spec spec = {.path = h->path,
				     .off = h->off,
				     .enter = !h->retprobe,
				     .ret = h->retprobe,
				     .pid = h->pid,
				     .ref_ctr_off = h->ref_ctr_off};

	h->bp = trace_add_bp(tr, &spec, dg);
	return h->bp < 0 ? h->bp : 0;
}

static int want_samples(struct trace *tr, struct hook *h, struct diag *dg)
{
	struct place at = {0};

	h->bp = trace_add_sampler(tr, h->period_ns, h->pid);
	if (h->bp == -ENOSPC)
		return diag_error(dg, at, h->bp, "the user engine has no more sampling clocks");
	return h->bp < 0 ? diag_error(dg, at, h->bp, "can't make a sampling clock: %s",
				      strerror(-h->bp))
			 : 0;
}

static int want_link(struct trace *tr, struct link_object *l, struct diag *dg)
{
	switch (l->hook.kind) {
	case HOOK_TRACEPOINT:
	case HOOK_RAW_TP:
		return want_tracepoint(tr, &l->hook.tp);
	case HOOK_KPROBE:
		return want_ksym(tr, &l->hook);
	case HOOK_UPROBE:
		return want_breakpoint(tr, &l->hook, dg);
	case HOOK_SAMPLE:
		return want_samples(tr, &l->hook, dg);
	}
	return -EINVAL;
}

/* Links in the order they were made, so that programs on one event run as they do in the kernel. */
static int collect_links(struct session *s, struct tracing *t)
{
	t->links = calloc(s->n_objects + 1, sizeof(struct link_object *));
	if (!t->links)
		return -ENOMEM;
	for (u32 i = 0; i < s->n_objects; i++) {
		if (s->objects[i]->kind != OBJECT_LINK)
			continue;
		object_get(s->objects[i]);
		t->links[t->n_links++] = link_of(s->objects[i]);
	}
	return 0;
}

static int prepare(struct session *s, struct tracing *t, struct diag *dg)
{
	int err = collect_links(s, t);

	for (u32 i = 0; i < t->n_links && !err; i++)
		err = want_link(t->trace, t->links[i], dg);
	if (err)
		return err;
	task_host_init(&t->th, s);
	err = timers_open(s, t);
	if (err)
		return err;
	return printk_open(s) < 0 ? -EMFILE : 0;
}

int user_target_go(struct engine *e, struct diag *dg)
{
	struct session *s = session_of(e);
	struct tracing *t = s->tracing;
	struct epoll_event ev = {.events = EPOLLIN};
	int pid, err;

	if (!t || t->is_started)
		return -EINVAL;
	t->is_started = true;
	session_sweep(s);
	err = prepare(s, t, dg);
	if (err)
		return err;
	pid = t->argv ? trace_start(t->trace, t->argv, NULL, dg)
		      : trace_attach(t->trace, t->pid, dg);
	if (pid > 0 && epoll_ctl(t->end_fd, EPOLL_CTL_ADD, trace_fd(t->trace), &ev))
		return -errno;
	return pid;
}

int user_target_fd(struct engine *e)
{
	struct session *s = session_of(e);

	return s->tracing ? s->tracing->end_fd : -1;
}

/* The command's end is the target's, even where processes that it left behind go on.  With its
 * guard a command is killed. */
int user_target_status(struct engine *e)
{
	struct session *s = session_of(e);
	struct tracing *t = s->tracing;

	if (!tracing_started(s))
		return -EINVAL;
	switch (trace_poll(t->trace)) {
	case TRACE_ROOT_EXITED:
	case TRACE_ENDED:
		return MAX(trace_status(t->trace), 0);
	case TRACE_GUARD_LOST:
		return trace_status(t->trace) >= 0 ? trace_status(t->trace) : t->argv ? SIGKILL : 0;
	default:
		return -EAGAIN;
	}
}

/* ---- the account ---- */

static void say_count(u64 n, const char *what, void (*line)(void *arg, const char *text), void *arg)
{
	char text[200];

	if (!n)
		return;
	snprintf(text, sizeof(text), "%lu %s", n, what);
	line(arg, text);
}

static void say_map_losses(struct session *s, void (*line)(void *arg, const char *text), void *arg)
{
	struct map_info info;
	char text[160];

	for (u32 i = 0; i < s->n_objects; i++) {
		if (s->objects[i]->kind != OBJECT_MAP)
			continue;
		map_info(map_of(s->objects[i])->map, &info);
		snprintf(text, sizeof(text), "records found no room in map '%s'", info.attr.name);
		say_count(info.n_dropped, text, line, arg);
		snprintf(text, sizeof(text), "impossible states met in map '%s'", info.attr.name);
		say_count(info.n_corrupt, text, line, arg);
	}
}

void tracing_account(struct session *s, void (*line)(void *arg, const char *text), void *arg)
{
	struct trace_counts c;

	say_map_losses(s, line, arg);
	if (!tracing_started(s))
		return;
	c = trace_counts(s->tracing->trace);
	if (trace_poll(s->tracing->trace) == TRACE_GUARD_LOST)
		line(arg, "the guard process was killed: events are missing");
	say_count(c.compat_execs, "32-bit programs started, whose calls are not seen", line, arg);
	say_count(c.ptrace_refused, "ptrace(2) calls failed, because their process is traced", line,
		  arg);
	say_count(c.bp_missed, "breakpoints could not be set", line, arg);
	say_count(c.return_missed, "function returns could not be watched", line, arg);
	say_count(c.tasks_unfollowed, "tasks could not be followed", line, arg);
}

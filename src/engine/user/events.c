/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/events.c - events of the target become ctxs of programs; runs in the guard.
 *
 * Each operation of the transport finds the links that hook the event, in the order they were made,
 * builds the ctx once where they share it, and runs their programs.  The registers' order in struct
 * user_regs_struct is that of the kernel's pt_regs.
 */
#include "engine/user/run.h"
#include "engine/user/tracing.h"
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(offsetof(struct user_regs_struct, ss) == offsetof(struct kregs, ss),
	       "pt_regs begins user_regs_struct");

enum { RAW_ARGS = 12 }; /* of a raw tracepoint's ctx: kernel MAX_BPF_FUNC_ARGS */

/* ---- delivery ---- */

static bool is_wanted(const struct link_object *l, enum hook_kind kind)
{
	return l->hook.kind == kind && l->prog && link_alive(l);
}

static void deliver(struct tracing *t, struct link_object *l, struct run_event *ev)
{
	u64 ret = 0;

	l->shared->produced++;
	ev->cookie = l->cookie;
	ev->kmem = &t->th.kmem;
	if (run_prog(t->s, &t->th.host, l->prog, ev, &ret))
		l->shared->missed++;
	else
		l->shared->delivered++;
}

static bool has_links(const struct tracing *t, enum hook_kind kind, enum tp_kind tp, s32 nr)
{
	for (u32 i = 0; i < t->n_links; i++) {
		const struct hook *h = &t->links[i]->hook;

		if (h->kind == kind && h->tp.kind == tp && (h->tp.nr < 0 || h->tp.nr == nr))
			return true;
	}
	return false;
}

/* Runs the programs on a tracepoint's record.  nr is its system call, -1 where it has none. */
static void deliver_record(struct tracing *t, enum tp_kind kind, s32 nr, u32 size)
{
	for (u32 i = 0; i < t->n_links; i++) {
		struct link_object *l = t->links[i];
		struct run_event ev = {.ctx = t->record, .ctx_size = size};

		if (is_wanted(l, HOOK_TRACEPOINT) && l->hook.tp.kind == kind &&
		    (l->hook.tp.nr < 0 || l->hook.tp.nr == nr))
			deliver(t, l, &ev);
	}
}

/* The first hooked tracepoint of that kind: its layout is all a builder needs. */
static const struct tracepoint *find_tp(const struct tracing *t, enum tp_kind kind, s32 nr)
{
	for (u32 i = 0; i < t->n_links; i++) {
		const struct hook *h = &t->links[i]->hook;

		if (h->kind == HOOK_TRACEPOINT && h->tp.kind == kind &&
		    (h->tp.nr < 0 || h->tp.nr == nr))
			return &h->tp;
	}
	return NULL;
}

static void deliver_raw(struct tracing *t, enum tp_kind kind, const u64 *args, u32 n)
{
	u64 ctx[RAW_ARGS] = {0};

	memcpy(ctx, args, n * sizeof(*args));
	for (u32 i = 0; i < t->n_links; i++) {
		struct link_object *l = t->links[i];
		struct exec_func func = {.n_args = n, .args = ctx};
		struct run_event ev = {.ctx = ctx, .ctx_size = sizeof(ctx), .func = &func};

		if (is_wanted(l, HOOK_RAW_TP) && l->hook.tp.kind == kind)
			deliver(t, l, &ev);
	}
}

/* ---- system calls ---- */

static void syscall_args(const struct user_regs_struct *r, u64 args[6])
{
	args[0] = r->rdi;
	args[1] = r->rsi;
	args[2] = r->rdx;
	args[3] = r->r10;
	args[4] = r->r8;
	args[5] = r->r9;
}

/* The call's pt_regs, where PT_REGS_SYSCALL_REGS and raw tracepoints find it.  At entry the kernel
 * has put -ENOSYS into ax. */
static void set_syscall_regs(struct tracing *t, const struct user_regs_struct *regs, bool at_exit)
{
	struct kregs *k = &t->th.kmem.regs;

	memcpy(k, regs, sizeof(*k));
	if (!at_exit)
		k->ax = (u64)-ENOSYS;
}

static int override(void *arg, u64 value)
{
	struct task_host *h = arg;

	return trace_override(h->task, value);
}

static u64 ksym_arg(enum ksym_from from, const u64 args[6])
{
	switch (from) {
	case KSYM_ZERO:
	case KSYM_UNKNOWN:
		return 0;
	case KSYM_AT_FDCWD:
		return (u64)(s64)-100;
	default:
		return args[from - KSYM_ARG0];
	}
}

/* Registers as the function that the call leads to gets them. */
static void ksym_regs(struct tracing *t, const struct ksym *k, const struct ksym_call *c,
		      const struct user_regs_struct *regs, bool is_return, struct kregs *out)
{
	u64 args[6];

	memcpy(out, regs, sizeof(*out));
	out->ax = is_return ? regs->rax : 0;
	if (k->args == KSYM_REGS) {
		out->di = (u64)&t->th.kmem.regs;
		return;
	}
	syscall_args(regs, args);
	out->di = ksym_arg(c->from[0], args);
	out->si = ksym_arg(c->from[1], args);
	out->dx = ksym_arg(c->from[2], args);
	out->cx = ksym_arg(c->from[3], args);
	out->r8 = ksym_arg(c->from[4], args);
	out->r9 = ksym_arg(c->from[5], args);
}

static void deliver_kprobes(struct tracing *t, s32 nr, const struct user_regs_struct *regs,
			    bool is_return)
{
	for (u32 i = 0; i < t->n_links; i++) {
		struct link_object *l = t->links[i];
		const struct ksym *k = &l->hook.ksym;
		struct kregs ctx;
		struct run_event ev = {.ctx = &ctx, .ctx_size = sizeof(ctx)};

		if (!is_wanted(l, HOOK_KPROBE) || l->hook.retprobe != is_return)
			continue;
		for (u32 c = 0; c < k->n_calls; c++) {
			if ((s32)k->calls[c].nr != nr)
				continue;
			ksym_regs(t, k, &k->calls[c], regs, is_return, &ctx);
			t->th.host.override_return = override;
			deliver(t, l, &ev);
			t->th.host.override_return = NULL;
		}
	}
}

static void on_enter(void *arg, struct trace_task *task, s32 nr,
		     const struct user_regs_struct *regs)
{
	struct tracing *t = arg;
	const struct tracepoint *tp;
	u64 args[6], raw[2];

	task_host_set(&t->th, task);
	set_syscall_regs(t, regs, false);
	syscall_args(regs, args);
	raw[0] = (u64)&t->th.kmem.regs;
	raw[1] = (u64)(s64)nr;
	deliver_raw(t, TP_RAW_ENTER, raw, 2);
	tp = find_tp(t, TP_RAW_ENTER, nr);
	if (tp)
		deliver_record(t, TP_RAW_ENTER, nr,
			       tp_build_sys_enter(tp, t->record, task->tid, nr, args));
	tp = find_tp(t, TP_SYSCALL_ENTER, nr);
	if (tp)
		deliver_record(t, TP_SYSCALL_ENTER, nr,
			       tp_build_sys_enter(tp, t->record, task->tid, nr, args));
	deliver_kprobes(t, nr, regs, false);
}

static void on_exit_call(void *arg, struct trace_task *task, s32 nr,
			 const struct user_regs_struct *regs)
{
	struct tracing *t = arg;
	const struct tracepoint *tp;
	u64 raw[2];

	task_host_set(&t->th, task);
	set_syscall_regs(t, regs, true);
	deliver_kprobes(t, nr, regs, true);
	raw[0] = (u64)&t->th.kmem.regs;
	raw[1] = regs->rax;
	deliver_raw(t, TP_RAW_EXIT, raw, 2);
	tp = find_tp(t, TP_RAW_EXIT, nr);
	if (tp)
		deliver_record(t, TP_RAW_EXIT, nr,
			       tp_build_sys_exit(tp, t->record, task->tid, nr, (s64)regs->rax));
	tp = find_tp(t, TP_SYSCALL_EXIT, nr);
	if (tp)
		deliver_record(t, TP_SYSCALL_EXIT, nr,
			       tp_build_sys_exit(tp, t->record, task->tid, nr, (s64)regs->rax));
}

/* ---- processes ---- */

static void on_exec(void *arg, struct trace_task *task, const struct trace_exec *ev)
{
	struct tracing *t = arg;
	const struct tracepoint *tp = find_tp(t, TP_EXEC, -1);
	struct kmem *k = &t->th.kmem;

	task_host_set(&t->th, task);
	if (tp)
		deliver_record(t, TP_EXEC, -1,
			       tp_build_exec(tp, t->record, task->tid, ev->path, ev->old_tid));
	if (has_links(t, HOOK_RAW_TP, TP_EXEC, -1)) {
		u64 raw[3] = {(u64)task_host_ktask(&t->th), (u64)(s64)ev->old_tid, (u64)&k->bprm};

		strncpy(k->path, ev->path, sizeof(k->path) - 1);
		k->bprm = (struct kbinprm){.filename = k->path, .interp = k->path};
		deliver_raw(t, TP_EXEC, raw, 3);
	}
}

static void on_fork(void *arg, struct trace_task *task, const struct trace_fork *ev)
{
	struct tracing *t = arg;
	const struct tracepoint *tp = find_tp(t, TP_FORK, -1);

	task_host_set(&t->th, task);
	if (tp)
		deliver_record(t, TP_FORK, -1,
			       tp_build_fork(tp, t->record, task->tid,
					     t->th.host.task(&t->th)->comm, ev->child_tid,
					     ev->child_comm));
	if (has_links(t, HOOK_RAW_TP, TP_FORK, -1)) {
		u64 child =
			(u64)task_host_child(&t->th, ev->child_tid, ev->child_tgid, ev->child_comm);
		u64 raw[2] = {(u64)task_host_ktask(&t->th), child};

		deliver_raw(t, TP_FORK, raw, 2);
	}
}

/* A status of wait(2) is the kernel's exit_code. */
static void on_exit_task(void *arg, struct trace_task *task, const struct trace_exit *ev)
{
	struct tracing *t = arg;
	const struct tracepoint *tp = find_tp(t, TP_EXIT, -1);

	task_host_set(&t->th, task);
	t->th.exit_code = ev->status;
	if (tp)
		deliver_record(t, TP_EXIT, -1,
			       tp_build_exit(tp, t->record, task->tid,
					     t->th.host.task(&t->th)->comm, 120, ev->group_dead));
	if (has_links(t, HOOK_RAW_TP, TP_EXIT, -1)) {
		u64 raw[2] = { (u64)task_host_ktask(&t->th), ev->group_dead };

		deliver_raw(t, TP_EXIT, raw, 2);
	}
}

/* ---- signals ---- */

static void on_signal_deliver(void *arg, struct trace_task *task, const siginfo_t *info)
{
	struct tracing *t = arg;
	const struct tracepoint *tp = find_tp(t, TP_SIGNAL_DELIVER, -1);

	task_host_set(&t->th, task);
	if (tp)
		deliver_record(t, TP_SIGNAL_DELIVER, -1,
			       tp_build_signal_deliver(tp, t->record, task->tid, info->si_signo,
						       info->si_errno, info->si_code, 0, 0));
}

static void on_signal_generate(void *arg, struct trace_task *task, s32 pid, bool thread,
			       const siginfo_t *info, int result)
{
	struct tracing *t = arg;
	const struct tracepoint *tp = find_tp(t, TP_SIGNAL_GENERATE, -1);
	char comm[KTASK_COMM];

	task_host_set(&t->th, task);
	if (!tp)
		return;
	task_comm(pid, comm);
	deliver_record(t, TP_SIGNAL_GENERATE, -1,
		       tp_build_signal_generate(tp, t->record, task->tid, info->si_signo,
						info->si_errno, info->si_code, comm, pid, !thread,
						result));
}

/* ---- breakpoints ---- */

static void deliver_uprobe(struct tracing *t, s32 bp, u64 func, const struct user_regs_struct *regs,
			   bool is_return)
{
	struct kregs ctx;

	memcpy(&ctx, regs, sizeof(ctx));
	for (u32 i = 0; i < t->n_links; i++) {
		struct link_object *l = t->links[i];
		struct run_event ev = {.ctx = &ctx, .ctx_size = sizeof(ctx), .func_ip = func};

		if (is_wanted(l, HOOK_UPROBE) && l->hook.bp == bp && l->hook.retprobe == is_return)
			deliver(t, l, &ev);
	}
}

static void on_bp_enter(void *arg, struct trace_task *task, s32 bp,
			const struct user_regs_struct *regs)
{
	struct tracing *t = arg;

	task_host_set(&t->th, task);
	deliver_uprobe(t, bp, regs->rip, regs, false);
}

static void on_bp_return(void *arg, struct trace_task *task, s32 bp, u64 func,
			 const struct user_regs_struct *regs)
{
	struct tracing *t = arg;

	task_host_set(&t->th, task);
	deliver_uprobe(t, bp, func, regs, true);
}

/* ---- samples ---- */

/* struct bpf_perf_event_data as the program sees it. */
struct sample_ctx {
	struct kregs regs;
	u64 sample_period, addr;
};

static void on_sample(void *arg, struct trace_task *task, s32 sampler,
		      const struct user_regs_struct *regs)
{
	struct tracing *t = arg;
	struct sample_ctx ctx = {.addr = 0};

	task_host_set(&t->th, task);
	memcpy(&ctx.regs, regs, sizeof(ctx.regs));
	for (u32 i = 0; i < t->n_links; i++) {
		struct link_object *l = t->links[i];
		struct run_event ev = {.ctx = &ctx, .ctx_size = sizeof(ctx)};

		if (!is_wanted(l, HOOK_SAMPLE) || l->hook.bp != sampler)
			continue;
		ctx.sample_period = l->hook.period_ns;
		deliver(t, l, &ev);
	}
}

/* ---- the guard's life ---- */

static bool is_link_copy(const struct tracing *t, int fd)
{
	struct file_ino ino;

	if (file_ino(fd, &ino))
		return false;
	for (u32 i = 0; i < t->n_links; i++) {
		const struct object *o = &t->links[i]->o;

		if (o->fd != fd && o->ino.ino == ino.ino && o->ino.dev == ino.dev)
			return true;
	}
	return false;
}

/* The guard has inherited the clients' fds of links; while it held them none would ever end. */
static int on_guard_start(void *arg, struct trace *tr)
{
	struct tracing *t = arg;
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	(void)tr;
	if (!d)
		return 0;
	while ((e = readdir(d))) {
		int fd = atoi(e->d_name);

		if (e->d_name[0] != '.' && fd != dirfd(d) && is_link_copy(t, fd))
			close(fd);
	}
	closedir(d);
	return 0;
}

const struct trace_ops tracing_events = {
	.guard_start = on_guard_start,
	.syscall_enter = on_enter,
	.syscall_exit = on_exit_call,
	.exec = on_exec,
	.fork = on_fork,
	.exit = on_exit_task,
	.signal_deliver = on_signal_deliver,
	.signal_generate = on_signal_generate,
	.bp_enter = on_bp_enter,
	.bp_return = on_bp_return,
	.sample = on_sample,
};

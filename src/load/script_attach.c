/* SPDX-License-Identifier: BSD-2-Clause */
/* load/script_attach.c - programs attached where script->attaches says.
 *
 * The kernel runs some kinds of programs on one event in the order they were attached, others in
 * reverse: those are attached from the last on, so that a script's blocks run in its order.
 */
#include "abi/helper.h"
#include "base/cpu.h"
#include "engine/progs.h"
#include "load/script_priv.h"
#include <dirent.h>
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- specs ---- */

struct perf_name {
	u32 type;
	u64 config;
	const char *name, *other;
	u64 period;
};

static const struct perf_name perf_names[] = {
#define PERF_NAME(type, config, name, other, period) \
	{PERF_TYPE_##type, config, name, other, period},
#include "abi/perf_name.def"
#undef PERF_NAME
};

static bool perf_spec(const struct script_attach *a, struct attach_spec *s)
{
	u32 type = a->hook == HOOK_HARDWARE ? PERF_TYPE_HARDWARE : PERF_TYPE_SOFTWARE;

	for (u32 i = 0; i < ARRAY_SIZE(perf_names); i++) {
		const struct perf_name *n = &perf_names[i];

		if (n->type != type ||
		    (strcmp(n->name, a->target) && (!*n->other || strcmp(n->other, a->target))))
			continue;
		s->perf_type = type;
		s->perf_config = n->config;
		s->period = a->value ? a->value : n->period;
		return true;
	}
	return false;
}

static u32 breakpoint_type(const char *mode)
{
	u32 type = 0;

	for (; *mode; mode++)
		type |= *mode == 'r'   ? HW_BREAKPOINT_R
			: *mode == 'w' ? HW_BREAKPOINT_W
				       : HW_BREAKPOINT_X;
	return type;
}

/* "MODULE:FUNCTION" is how a kprobe says it. */
static const char *kprobe_name(struct load *l, const struct script_attach *a)
{
	if (!*a->fn)
		return NULL;
	if (!*a->target || !strcmp(a->target, "vmlinux"))
		return a->fn;
	return arena_printf(&l->arena, "%s:%s", a->target, a->fn);
}

bool script_spec(struct load *l, const struct script_attach *a, struct attach_spec *s)
{
	*s = (struct attach_spec){.pid = a->pid,
				  .cpu = -1,
				  .cookie = a->cookie,
				  .at = a->at,
				  .retprobe =
					  a->hook == HOOK_KRETPROBE || a->hook == HOOK_URETPROBE};
	switch (a->hook) {
	case HOOK_KPROBE:
	case HOOK_KRETPROBE:
		s->kind = ATTACH_KPROBE;
		s->name = kprobe_name(l, a);
		s->off = a->off;
		return true;
	case HOOK_TRACEPOINT:
		s->kind = ATTACH_TRACEPOINT;
		s->category = a->target;
		s->name = a->fn;
		return true;
	case HOOK_RAWTRACEPOINT:
		s->kind = ATTACH_RAW_TP;
		s->name = a->fn;
		return true;
	case HOOK_UPROBE:
	case HOOK_URETPROBE:
		s->kind = ATTACH_UPROBE;
		s->path = a->target;
		s->name = *a->fn ? a->fn : NULL;
		s->off = a->off;
		return true;
	case HOOK_USDT:
		s->kind = ATTACH_UPROBE;
		s->path = a->target;
		s->off = a->off;
		s->ref_ctr_off = a->ref_ctr_off;
		return true;
	case HOOK_PROFILE:
		s->kind = ATTACH_PERF_EVENT;
		s->perf_type = PERF_TYPE_SOFTWARE;
		s->perf_config = PERF_COUNT_SW_CPU_CLOCK;
		s->period = a->value;
		s->is_freq = a->is_freq;
		return true;
	case HOOK_SOFTWARE:
	case HOOK_HARDWARE:
		s->kind = ATTACH_PERF_EVENT;
		return perf_spec(a, s);
	case HOOK_WATCHPOINT:
	case HOOK_ASYNCWATCHPOINT:
		s->kind = ATTACH_PERF_EVENT;
		s->perf_type = PERF_TYPE_BREAKPOINT;
		s->bp_type = breakpoint_type(a->mode);
		s->bp_len = s->bp_type == HW_BREAKPOINT_X ? sizeof(long) : (u32)a->value;
		s->off = a->off;
		s->period = 1;
		if (s->pid <= 0)
			s->pid = l->opts.pid > 0    ? l->opts.pid
				 : l->opts.cpid > 0 ? l->opts.cpid
						    : -1;
		return true;
	case HOOK_FENTRY:
	case HOOK_FEXIT:
		s->kind = ATTACH_TRACE;
		s->attach_type = a->hook == HOOK_FENTRY ? BPF_TRACE_FENTRY : BPF_TRACE_FEXIT;
		s->name = a->fn;
		return true;
	case HOOK_ITER:
		s->kind = ATTACH_ITER;
		s->attach_type = BPF_TRACE_ITER;
		s->name = a->fn;
		return true;
	default:
		return false;
	}
}

/* ---- before the load ---- */

static bool is_watch(enum script_hook h)
{
	return h == HOOK_WATCHPOINT || h == HOOK_ASYNCWATCHPOINT;
}

/* Can this place be in a link of several? */
static bool may_share(const struct script_attach *a)
{
	switch (a->hook) {
	case HOOK_UPROBE: case HOOK_URETPROBE: case HOOK_USDT:
		return true;
	case HOOK_KPROBE: case HOOK_KRETPROBE:
		return !a->off && *a->fn && !*a->target;
	default:
		return false;
	}
}

void script_prepare(struct load *l)
{
	const struct script *s = l->obj->script;

	for (u32 i = 0; i < l->n_progs; i++) {
		struct prog *p = &l->progs[i];
		bool multi = false, shares = true, is_kprobe = false;
		u32 n = 0;

		p->pub.spec.kind = ATTACH_NONE;
		for (u32 j = 0; j < s->attaches.n; j++) {
			const struct script_attach *a = &s->attaches.p[j];

			if (a->func != p->func)
				continue;
			n++;
			multi |= a->is_multi || n > 1;
			shares &= may_share(a);
			is_kprobe = a->hook == HOOK_KPROBE || a->hook == HOOK_KRETPROBE;
		}
		if (!multi || !shares || !l->e->ops->has_multi ||
		    !l->e->ops->has_multi(l->e,
					  is_kprobe ? ATTACH_KPROBE_MULTI : ATTACH_UPROBE_MULTI))
			continue;
		p->pub.attach_type = is_kprobe ? BPF_TRACE_KPROBE_MULTI : BPF_TRACE_UPROBE_MULTI;
		p->is_multi = true;
	}
}

int script_prog_target(struct load *l, const struct prog *p, u32 *btf_id, struct diag *dg)
{
	const struct script *s = l->obj->script;

	for (u32 i = 0; i < s->attaches.n; i++) {
		const struct script_attach *a = &s->attaches.p[i];
		int fd;

		if (a->func != p->func || (a->hook != HOOK_FENTRY && a->hook != HOOK_FEXIT) ||
		    strcmp(a->target, "bpf"))
			continue;
		fd = prog_func_open(l->e, (u32)a->value, a->fn, btf_id);
		return fd >= 0 ? fd
			       : diag_error(dg, a->at, fd == -ENOTSUP ? -ENOENT : fd,
					    "there is no program %lu with a function '%s'",
					    a->value, a->fn);
	}
	return -ENOTSUP;
}

static bool may_miss(const struct load *l)
{
	return l->opts.partial || l->obj->script->missing_ok;
}

/* With --partial what failed is no mistake any more. */
static void errors_to_warnings(struct diag *dg, u32 from)
{
	for (u32 i = from; dg && i < dg->n; i++)
		if (dg->msgs[i].level == DIAG_ERROR) {
			dg->msgs[i].level = DIAG_WARN;
			dg->n_errors--;
		}
}

bool script_may_miss(struct load *l, struct prog *p, u32 first, struct diag *dg)
{
	if (!l->obj->script || !may_miss(l) || p->pub.type != BPF_PROG_TYPE_TRACING)
		return false;
	errors_to_warnings(dg, first);
	return true;
}

int script_check(struct load *l, struct diag *dg)
{
	const struct script *s = l->obj->script;
	int err = 0;

	for (u32 i = 0; l->e->ops->can_attach && i < s->attaches.n; i++) {
		const struct script_attach *a = &s->attaches.p[i];
		struct attach_spec spec;
		int missing;

		/* patterns are looked up when they are attached */
		if (a->is_multi || (is_watch(a->hook) && *a->fn) || !script_spec(l, a, &spec))
			continue;
		missing = l->e->ops->can_attach(l->e, &spec, dg);
		if (missing && may_miss(l))
			s->attaches.p[i].func = UINT32_MAX;
		else if (!err)
			err = missing;
	}
	return err;
}

/* ---- attaching ---- */

int script_keep(struct load *l, int fd)
{
	if (vec_push(&l->links, fd))
		return 0;
	close(fd);
	return -ENOMEM;
}

/* Links from number first on are of a watchpoint on that address. */
static int note_watch(struct load *l, u32 first, u64 addr)
{
	for (u32 i = first; i < l->links.n; i++)
		if (!vec_push(&l->watches, ((struct watch){ addr, l->links.p[i] })))
			return -ENOMEM;
	return 0;
}

u32 script_unwatch(struct load *l, u64 addr)
{
	u32 n = 0, kept = 0;

	for (u32 i = 0; i < l->watches.n; i++) {
		struct watch w = l->watches.p[i];

		if (w.addr != addr) {
			l->watches.p[kept++] = w;
			continue;
		}
		for (u32 j = 0; j < l->links.n; j++)
			if (l->links.p[j] == w.fd)
				l->links.p[j] = l->links.p[--l->links.n];
		close(w.fd);
		n++;
	}
	l->watches.n = kept;
	return n;
}

/* On every CPU where the event is of all processes. */
static int attach_perf(struct load *l, struct prog *p, struct attach_spec *spec, struct diag *dg)
{
	u32 n = cpus_possible();
	int first = -ENODEV;

	if (spec->pid > 0 || l->e->ops->samples_threads) {
		int fd = l->e->ops->attach(l->e, p->pub.fd, spec, dg);

		return fd < 0 ? fd : script_keep(l, fd);
	}
	for (u32 cpu = 0; cpu < n; cpu++) {
		spec->cpu = (s32)cpu;

		int fd = l->e->ops->attach(l->e, p->pub.fd, spec, first >= 0 ? NULL : dg);

		if (fd == -ENODEV)
			continue; /* an offline CPU */
		if (fd < 0)
			return first >= 0 ? 0 : fd;
		first = fd;
		if (script_keep(l, fd))
			return -ENOMEM;
	}
	return first >= 0 ? 0 : first;
}

/* In every thread of the process; the kernel's addresses, and all of no process, on every CPU. */
static int attach_watch(struct load *l, struct prog *p, struct attach_spec *spec, struct diag *dg)
{
	u32 first = l->links.n;
	char path[64];
	struct dirent *d;
	DIR *tasks;
	int err = 0;

	if (spec->pid <= 0 || (s64)spec->off < 0) {
		spec->pid = -1;
		err = attach_perf(l, p, spec, dg);
		return err ? err : note_watch(l, first, spec->off);
	}
	snprintf(path, sizeof(path), "/proc/%d/task", spec->pid);
	tasks = opendir(path);
	while (!err && tasks && (d = readdir(tasks))) {
		s32 tid = atoi(d->d_name);

		if (tid <= 0)
			continue;
		spec->pid = tid;
		err = attach_perf(l, p, spec, dg);
		if (err == -ESRCH && l->links.n > first)
			err = 0; /* a thread that has just ended */
	}
	if (!tasks)
		err = diag_error(dg, spec->at, -errno, "%s: %s", path, strerror(errno));
	else
		closedir(tasks);
	return err ? err : note_watch(l, first, spec->off);
}

int script_watch(struct load *l, u32 attach, u64 addr, s32 pid, bool is_stopped, struct diag *dg)
{
	const struct script *s = l->obj->script;
	const struct script_attach *a = attach < s->attaches.n ? &s->attaches.p[attach] : NULL;
	struct prog *p = a && is_watch(a->hook) ? prog_of_func(l, a->func) : NULL;
	bool is_there = false;
	struct attach_spec spec;
	int err = 0;

	for (u32 i = 0; i < l->watches.n; i++)
		is_there |= l->watches.p[i].addr == addr;
	if (p && p->pub.fd >= 0 && !is_there && script_spec(l, a, &spec)) {
		spec.off = addr;
		spec.pid = pid;
		err = attach_watch(l, p, &spec, dg);
	}
	if (is_stopped)
		kill(pid, SIGCONT);
	return err;
}

static int pin(struct load *l, int fd, const struct script_attach *a, struct diag *dg)
{
	union bpf_attr attr = { .pathname = (u64)a->mode, .bpf_fd = (u32)fd };
	int err = engine_bpf(l->e, BPF_OBJ_PIN, &attr, BPF_ATTR_UPTO(file_flags));

	return err ? diag_error(dg, a->at, err, "iterator %s can't be pinned to %s: %s", a->fn,
				a->mode, strerror(-err))
		   : 0;
}

/* An iterator's link stays with its program, which load_iter_open() reads. */
static int attach_iter(struct load *l, struct prog *p, const struct script_attach *a,
		       const struct attach_spec *spec, struct diag *dg)
{
	int fd = l->e->ops->attach(l->e, p->pub.fd, spec, dg);

	if (fd < 0)
		return fd;
	if (*a->mode) {
		int err = pin(l, fd, a, dg);

		if (err) {
			close(fd);
			return err;
		}
	}
	p->is_pinned = *a->mode;
	p->pub.spec = *spec;
	p->pub.link_fd = fd;
	return 0;
}

/* One place, or all that share its link: their number. */
static int attach_place(struct load *l, u32 i, bool *done, struct diag *dg)
{
	const struct script_attach *a = &l->obj->script->attaches.p[i];
	struct prog *p = prog_of_func(l, a->func);
	struct attach_spec spec;
	int fd;

	done[i] = true;
	if (!p || p->pub.fd < 0)
		return 0;
	if (!script_spec(l, a, &spec))
		return 1; /* user space runs it */
	if (is_watch(a->hook) && *a->fn)
		return 1; /* its address comes when the function is called: script_watch() */
	if (p->is_multi || a->is_multi)
		return script_multi(l, p, i, done, dg);
	if (is_watch(a->hook))
		fd = attach_watch(l, p, &spec, dg);
	else if (spec.kind == ATTACH_PERF_EVENT)
		fd = attach_perf(l, p, &spec, dg);
	else if (spec.kind == ATTACH_ITER)
		fd = attach_iter(l, p, a, &spec, dg);
	else if ((fd = l->e->ops->attach(l->e, p->pub.fd, &spec, dg)) >= 0)
		fd = script_keep(l, fd);
	/* what has no name is there for another place */
	return fd < 0 ? fd : *a->name ? 1 : 0;
}

/* What the kernel runs in reverse order of attaching; the user engine runs all in order. */
static bool is_reversed(const struct load *l, enum script_hook h)
{
	if (l->e->ops->samples_threads)
		return false;
	switch (h) {
	case HOOK_KPROBE:
	case HOOK_UPROBE:
	case HOOK_URETPROBE:
	case HOOK_USDT:
	case HOOK_FENTRY:
	case HOOK_FEXIT:
		return true;
	default:
		return false;
	}
}

static int attach_order(struct load *l, bool reversed, bool *done, int *first_err, struct diag *dg)
{
	const struct script *s = l->obj->script;
	int n = 0;

	for (u32 k = 0; k < s->attaches.n; k++) {
		u32 i = reversed ? s->attaches.n - 1 - k : k;
		int ret;

		if (done[i] || is_reversed(l, s->attaches.p[i].hook) != reversed)
			continue;
		ret = attach_place(l, i, done, dg);
		if (ret >= 0)
			n += ret;
		else if (!*first_err)
			*first_err = ret;
	}
	return n;
}

/* A USDT probe that stands at several places of a binary is one probe. */
static int usdt_repeats(const struct script *s)
{
	int n = 0;

	for (u32 i = 1; i < s->attaches.n; i++) {
		const struct script_attach *a = &s->attaches.p[i], *b = a - 1;

		n += a->hook == HOOK_USDT && b->hook == HOOK_USDT && a->pid == b->pid &&
		     strcmp(a->name, b->name) == 0;
	}
	return n;
}

int script_attach_all(struct load *l, struct diag *dg)
{
	bool *done = calloc(l->obj->script->attaches.n + 1, sizeof(*done));
	u32 n_msgs = dg ? dg->n : 0;
	int err = 0, n;

	if (!done)
		return -ENOMEM;
	n = attach_order(l, false, done, &err, dg) + attach_order(l, true, done, &err, dg);
	free(done);
	if (err && n && may_miss(l)) {
		errors_to_warnings(dg, n_msgs);
		err = 0;
	}
	if (!err)
		err = script_timers_start(l, dg);
	return err ? err : MAX(n - usdt_repeats(l->obj->script), MIN(n, 1));
}

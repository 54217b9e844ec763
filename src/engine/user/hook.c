/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/hook.c - what an attach_spec means to the user engine, and what it says of those that
 * it can't serve.
 */
#include "abi/syscall.h"
#include "elf/binary.h"
#include "elf/symbols.h"
#include "engine/user/link.h"
#include "engine/user/tracing.h"
#include "hook/xol.h"
#include <errno.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NS_PER_S = 1000000000 };

/* What the ctx of a raw tracepoint program stands for. */
static int find_raw(const char *name, struct tracepoint *tp)
{
	static const char *const categories[] = {"raw_syscalls", "sched", "signal"};

	for (u32 i = 0; i < ARRAY_SIZE(categories); i++)
		if (!tracepoint_find(categories[i], name, tp))
			return 0;
	return -ENOENT;
}

static int make_tracepoint(const struct attach_spec *spec, struct diag *dg, struct hook *h)
{
	h->kind = HOOK_TRACEPOINT;
	if (!spec->category || !spec->name)
		return -EINVAL;
	if (tracepoint_find(spec->category, spec->name, &h->tp))
		return diag_error(
			dg, spec->at, -ENOENT,
			"tracepoint '%s:%s' is not visible to the user "
			"engine; it has syscalls:*, raw_syscalls:*, sched:sched_process_exec, "
			"_fork and _exit, signal:signal_generate and signal_deliver",
			spec->category, spec->name);
	return 0;
}

static int make_raw_tp(const struct prog_object *p, const struct attach_spec *spec, struct diag *dg,
		       struct hook *h)
{
	static const char prefix[] = "btf_trace_";
	const char *name = spec->name;

	if (p && p->type == BPF_PROG_TYPE_TRACING && p->attach_name &&
	    !strncmp(p->attach_name, prefix, sizeof(prefix) - 1))
		name = p->attach_name + sizeof(prefix) - 1;
	h->kind = HOOK_RAW_TP;
	if (!name)
		return -EINVAL;
	if (find_raw(name, &h->tp))
		return diag_error(
			dg, spec->at, -ENOENT,
			"raw tracepoint '%s' is not visible to the user "
			"engine; it has sys_enter, sys_exit, sched_process_exec, _fork and "
			"_exit, signal_generate and signal_deliver",
			name);
	h->name = strdup(name);
	return h->name ? 0 : -ENOMEM;
}

/* A name that a person may have meant: vfs_read is reached by read. */
static void say_nearest(const char *function, const struct attach_spec *spec, struct diag *dg)
{
	const char *p = strrchr(function, '_');
	const char *call = p ? p + 1 : function;

	if (syscall_by_name(call))
		diag_note(dg, spec->at, "nearest: tracepoint:syscalls:sys_enter_%s", call);
}

static int make_kprobe(const struct attach_spec *spec, struct diag *dg, struct hook *h)
{
	char name[160];
	const char *function = spec->name;

	h->kind = HOOK_KPROBE;
	h->retprobe = spec->retprobe;
	h->is_ksyscall = spec->kind == ATTACH_KSYSCALL;
	if (!function)
		return -EINVAL;
	if (h->is_ksyscall) {
		snprintf(name, sizeof(name), "__x64_sys_%s", function);
		function = name;
	}
	if (spec->off)
		return diag_error(dg, spec->at, -EOPNOTSUPP,
				  "kprobe '%s+0x%lx': the user engine sees "
				  "system-call functions at their first instruction only",
				  function, spec->off);
	if (ksym_find(function, &h->ksym)) {
		int err = diag_error(dg, spec->at, -ENOENT,
				     "kprobe '%s': kernel functions are not "
				     "visible to the user engine but those of system calls "
				     "(__x64_sys_*)",
				     spec->name);

		say_nearest(spec->name, spec, dg);
		return err;
	}
	h->name = strdup(function);
	return h->name ? 0 : -ENOMEM;
}

static int make_uprobe(const struct attach_spec *spec, struct diag *dg, struct hook *h)
{
	char path[PATH_MAX];
	int err;

	h->kind = HOOK_UPROBE;
	h->retprobe = spec->retprobe;
	h->off = spec->off;
	h->ref_ctr_off = spec->ref_ctr_off;
	h->pid = spec->pid;
	if (!spec->path)
		return diag_error(dg, spec->at, -EINVAL, "uprobe without a binary to put it into");
	if (!xol_works())
		return diag_error(dg, spec->at, -EOPNOTSUPP,
				  "uprobes of the user engine need libZydis, which is not here");
	err = binary_find(spec->path, spec->pid, path, sizeof(path), spec->at, dg);
	if (!err && spec->name && *spec->name)
		err = symbol_offset(path, spec->name, spec->off, spec->at, dg, &h->off);
	if (err)
		return err;
	h->path = strdup(path);
	h->name = strdup(spec->name ? spec->name : "");
	return h->path && h->name ? 0 : -ENOMEM;
}

/* Software clocks alone: what the hardware counts is not to be had without the kernel's right. */
static int make_sample(const struct attach_spec *spec, struct diag *dg, struct hook *h)
{
	bool is_clock = spec->perf_type == PERF_TYPE_SOFTWARE &&
			(spec->perf_config == PERF_COUNT_SW_CPU_CLOCK ||
			 spec->perf_config == PERF_COUNT_SW_TASK_CLOCK);

	h->kind = HOOK_SAMPLE;
	h->pid = spec->pid;
	h->perf_config = spec->perf_config;
	if (!is_clock)
		return diag_error(dg, spec->at, -EOPNOTSUPP,
				  "perf event (type %u, config 0x%lx): the user "
				  "engine has the software clocks cpu-clock and task-clock only",
				  spec->perf_type, spec->perf_config);
	if (!spec->period || (spec->is_freq && spec->period > NS_PER_S))
		return diag_error(dg, spec->at, -EINVAL, "perf event: %lu is no %s", spec->period,
				  spec->is_freq ? "frequency in Hz" : "period in ns");
	h->period_ns = spec->is_freq ? NS_PER_S / spec->period : spec->period;
	return 0;
}

static const char *kind_text(enum attach_kind kind)
{
	switch (kind) {
	case ATTACH_KPROBE_MULTI:
		return "kprobe.multi";
	case ATTACH_UPROBE_MULTI:
		return "uprobe.multi";
	case ATTACH_USDT:
		return "usdt";
	case ATTACH_TRACE:
		return "fentry, fexit, fmod_ret and lsm";
	case ATTACH_ITER:
		return "iter";
	case ATTACH_XDP:
		return "xdp on an interface";
	case ATTACH_TCX:
		return "tcx";
	case ATTACH_CGROUP:
		return "cgroup hooks";
	case ATTACH_NETNS:
		return "network namespace hooks";
	case ATTACH_NETFILTER:
		return "netfilter";
	case ATTACH_SOCKET:
		return "socket filters";
	case ATTACH_STRUCT_OPS:
		return "struct_ops";
	default:
		return "this hook";
	}
}

int hook_make(const struct prog_object *p, const struct attach_spec *spec, struct diag *dg,
	      struct hook *out)
{
	struct hook h = {.bp = -1};
	int err;

	switch (spec->kind) {
	case ATTACH_TRACEPOINT:
		err = make_tracepoint(spec, dg, &h);
		break;
	case ATTACH_RAW_TP:
		err = make_raw_tp(p, spec, dg, &h);
		break;
	case ATTACH_KPROBE:
	case ATTACH_KSYSCALL:
		err = make_kprobe(spec, dg, &h);
		break;
	case ATTACH_UPROBE:
		err = make_uprobe(spec, dg, &h);
		break;
	case ATTACH_PERF_EVENT:
		err = make_sample(spec, dg, &h);
		break;
	default:
		err = diag_error(dg, spec->at, -EOPNOTSUPP, "%s%sthe user engine has no %s; use "
				 "--engine=kernel", spec->name ? spec->name : "",
				 spec->name ? ": " : "", kind_text(spec->kind));
		if (spec->kind == ATTACH_TRACE && spec->name)
			say_nearest(spec->name, spec, dg);
	}
	if (err) {
		hook_free(&h);
		return err;
	}
	*out = h;
	return 0;
}

void hook_free(struct hook *h)
{
	free(h->name);
	free(h->path);
	h->name = h->path = NULL;
}

/* Only programs whose ctx the hook makes. */
static bool type_fits(const struct prog_object *p, const struct hook *h)
{
	switch (h->kind) {
	case HOOK_TRACEPOINT:
		return p->type == BPF_PROG_TYPE_TRACEPOINT;
	case HOOK_RAW_TP:
		return p->type == BPF_PROG_TYPE_RAW_TRACEPOINT ||
		       p->type == BPF_PROG_TYPE_TRACING ||
		       p->type == BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE;
	case HOOK_KPROBE:
	case HOOK_UPROBE:
		return p->type == BPF_PROG_TYPE_KPROBE;
	case HOOK_SAMPLE:
		return p->type == BPF_PROG_TYPE_PERF_EVENT;
	}
	return false;
}

int user_can_attach(struct engine *e, const struct attach_spec *spec, struct diag *dg)
{
	struct hook hook;
	int err = hook_make(NULL, spec, dg, &hook);

	(void)e;
	if (!err)
		hook_free(&hook);
	return err;
}

int user_attach(struct engine *e, int prog_fd, const struct attach_spec *spec, struct diag *dg)
{
	struct session *s = session_of(e);
	struct prog_object *p;
	struct object *o;
	struct hook hook;
	int err = session_by_fd(s, prog_fd, OBJECT_PROG, &o);

	if (err)
		return diag_error(dg, spec->at, err, "fd %d is no program of the user engine",
				  prog_fd);
	p = prog_of(o);
	err = hook_make(p, spec, dg, &hook);
	if (err)
		return err;
	if (!type_fits(p, &hook)) {
		hook_free(&hook);
		return diag_error(dg, spec->at, -EINVAL,
				  "program '%s' of type %s can't be attached there", p->name,
				  prog_type_text(p->type));
	}
	if (hook.kind == HOOK_TRACEPOINT && p->max_ctx_offset > hook.tp.size) {
		u32 size = hook.tp.size;

		hook_free(&hook);
		return diag_error(dg, spec->at, -EACCES,
				  "program '%s' reads %u bytes of a record that has %u", p->name,
				  p->max_ctx_offset, size);
	}
	if (tracing_started(s)) {
		hook_free(&hook);
		return diag_error(dg, spec->at, -EBUSY,
				  "program '%s': the user engine attaches before "
				  "the target starts",
				  p->name);
	}
	return link_make(s, p, &hook,
			 hook.kind == HOOK_RAW_TP ? p->type == BPF_PROG_TYPE_TRACING
							    ? BPF_LINK_TYPE_TRACING
							    : BPF_LINK_TYPE_RAW_TRACEPOINT
						  : BPF_LINK_TYPE_PERF_EVENT,
			 spec->cookie);
}

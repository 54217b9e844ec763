/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/kfunc.c - looks into the table of kernel functions. */
#include "abi/kfunc.h"
#include "abi/uapi.h"
#include <string.h>

/* The words of kfunc.def. */
enum {
	ACQUIRE = KFUNC_ACQUIRE,
	RELEASE = KFUNC_RELEASE,
	RET_NULL = KFUNC_RET_NULL,
	TRUSTED = KFUNC_TRUSTED,
	SLEEP = KFUNC_SLEEP,
	DESTRUCTIVE = KFUNC_DESTRUCTIVE,
	RCU = KFUNC_RCU,
	ITER_NEW = KFUNC_ITER_NEW,
	ITER_NEXT = KFUNC_ITER_NEXT,
	ITER_DESTROY = KFUNC_ITER_DESTROY,
	RCU_PROTECTED = KFUNC_RCU_PROTECTED,
	FASTCALL = KFUNC_FASTCALL,
	ARENA_RET = KFUNC_ARENA_RET,
	ARENA_ARG2 = KFUNC_ARENA_ARG2,
	DEV_BOUND = KFUNC_DEV_BOUND,

	COMMON = KFUNC_HOOK_COMMON,
	XDP = KFUNC_HOOK_XDP,
	TC = KFUNC_HOOK_TC,
	STRUCT_OPS = KFUNC_HOOK_STRUCT_OPS,
	TRACING = KFUNC_HOOK_TRACING,
	SYSCALL = KFUNC_HOOK_SYSCALL,
	FMODRET = KFUNC_HOOK_FMODRET,
	CGROUP = KFUNC_HOOK_CGROUP,
	SCHED_ACT = KFUNC_HOOK_SCHED_ACT,
	KPROBE = KFUNC_HOOK_KPROBE,
	GENERIC = XDP | TC | STRUCT_OPS | TRACING | SYSCALL | CGROUP,
	ANY_SKB = TC | SCHED_ACT | KFUNC_HOOK_SK_SKB | KFUNC_HOOK_SOCKET_FILTER | CGROUP |
		  KFUNC_HOOK_LWT | KFUNC_HOOK_NETFILTER | TRACING,
	ONLY_LSM = KFUNC_ONLY_LSM,
	ONLY_ITER = KFUNC_ONLY_ITER,
	ONLY_SESSION = KFUNC_ONLY_SESSION,
};

static const struct kfunc_def table[] = {
#define KFUNC(name, flags, hooks) { #name, flags, hooks },
#include "abi/kfunc.def"
};

static const struct {
	const char *type, *function;
} dtors[] = {
#define KFUNC_DTOR(type, function) { #type, #function },
#include "abi/kfunc.def"
};

/* Kernel 6.18: bpf_prog_type_to_kfunc_hook(). */
static u32 hook_of(u32 prog_type)
{
	static const u32 hook[BPF_PROG_TYPE_MAX] = {
		[BPF_PROG_TYPE_UNSPEC] = COMMON,
		[BPF_PROG_TYPE_XDP] = XDP,
		[BPF_PROG_TYPE_SCHED_CLS] = TC,
		[BPF_PROG_TYPE_STRUCT_OPS] = STRUCT_OPS,
		[BPF_PROG_TYPE_TRACING] = TRACING,
		[BPF_PROG_TYPE_TRACEPOINT] = TRACING,
		[BPF_PROG_TYPE_PERF_EVENT] = TRACING,
		[BPF_PROG_TYPE_LSM] = TRACING,
		[BPF_PROG_TYPE_SYSCALL] = SYSCALL,
		[BPF_PROG_TYPE_CGROUP_SKB] = CGROUP,
		[BPF_PROG_TYPE_CGROUP_SOCK] = CGROUP,
		[BPF_PROG_TYPE_CGROUP_DEVICE] = CGROUP,
		[BPF_PROG_TYPE_CGROUP_SOCK_ADDR] = CGROUP,
		[BPF_PROG_TYPE_CGROUP_SOCKOPT] = CGROUP,
		[BPF_PROG_TYPE_CGROUP_SYSCTL] = CGROUP,
		[BPF_PROG_TYPE_SOCK_OPS] = CGROUP,
		[BPF_PROG_TYPE_SCHED_ACT] = SCHED_ACT,
		[BPF_PROG_TYPE_SK_SKB] = KFUNC_HOOK_SK_SKB,
		[BPF_PROG_TYPE_SOCKET_FILTER] = KFUNC_HOOK_SOCKET_FILTER,
		[BPF_PROG_TYPE_LWT_OUT] = KFUNC_HOOK_LWT,
		[BPF_PROG_TYPE_LWT_IN] = KFUNC_HOOK_LWT,
		[BPF_PROG_TYPE_LWT_XMIT] = KFUNC_HOOK_LWT,
		[BPF_PROG_TYPE_LWT_SEG6LOCAL] = KFUNC_HOOK_LWT,
		[BPF_PROG_TYPE_NETFILTER] = KFUNC_HOOK_NETFILTER,
		[BPF_PROG_TYPE_KPROBE] = KPROBE,
	};

	return prog_type < ARRAY_SIZE(hook) ? hook[prog_type] : 0;
}

static bool passes_filter(u32 hooks, u32 prog_type, u32 attach_type)
{
	if (hooks & ONLY_LSM && prog_type != BPF_PROG_TYPE_LSM)
		return false;
	if (hooks & ONLY_ITER && attach_type != BPF_TRACE_ITER)
		return false;
	return !(hooks & ONLY_SESSION) || attach_type == BPF_TRACE_KPROBE_SESSION ||
	       attach_type == BPF_TRACE_UPROBE_SESSION;
}

const struct kfunc_def *kfunc_for(const char *name, u32 prog_type, u32 attach_type)
{
	u32 hooks = COMMON | hook_of(prog_type);

	for (u32 i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].hooks & hooks && !strcmp(table[i].name, name) &&
		    passes_filter(table[i].hooks, prog_type, attach_type))
			return &table[i];
	return NULL;
}

const struct kfunc_def *kfunc_modify_return(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].hooks & FMODRET && !strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

const char *kfunc_dtor(const char *type_name)
{
	for (u32 i = 0; i < ARRAY_SIZE(dtors); i++)
		if (!strcmp(dtors[i].type, type_name))
			return dtors[i].function;
	return NULL;
}

const struct kfunc_def *kfunc_at(u32 index)
{
	return index < ARRAY_SIZE(table) ? &table[index] : NULL;
}

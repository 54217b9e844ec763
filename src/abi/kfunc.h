/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/kfunc.h - kernel functions that programs may call: what a call asks, and who may call.
 *
 * One line of abi/kfunc.def per function and registration.  What the arguments are is told by the
 * kernel's BTF, not here.  Kernel 6.18: btf_kfunc_id_set_contains(), include/linux/btf.h.
 */
#pragma once
#include "base/types.h"

enum kfunc_flag {
	KFUNC_ACQUIRE = 1 << 0,       /* the result is a reference */
	KFUNC_RELEASE = 1 << 1,       /* ends the reference among its arguments */
	KFUNC_RET_NULL = 1 << 2,      /* the result may be null */
	KFUNC_TRUSTED = 1 << 4,       /* pointers must be trusted; kernel KF_TRUSTED_ARGS */
	KFUNC_SLEEP = 1 << 5,         /* kernel KF_SLEEPABLE */
	KFUNC_DESTRUCTIVE = 1 << 6,   /* asks for CAP_SYS_BOOT */
	KFUNC_RCU = 1 << 7,           /* pointers must be trusted, or protected by RCU */
	KFUNC_ITER_NEW = 1 << 8,
	KFUNC_ITER_NEXT = 1 << 9,
	KFUNC_ITER_DESTROY = 1 << 10,
	KFUNC_ITER = KFUNC_ITER_NEW | KFUNC_ITER_NEXT | KFUNC_ITER_DESTROY,
	KFUNC_RCU_PROTECTED = 1 << 11, /* only inside an RCU section, which bounds the result's life */
	KFUNC_FASTCALL = 1 << 12,      /* keeps the registers that it does not take */
	KFUNC_ARENA_RET = 1 << 13,
	KFUNC_ARENA_ARG2 = 1 << 15,
	KFUNC_DEV_BOUND = 1 << 16,     /* only in programs bound to a device; not a kernel flag */
};

/* Sets in which a function may be registered.  Kernel: enum btf_kfunc_hook. */
enum kfunc_hook {
	KFUNC_HOOK_COMMON = 1 << 0,   /* programs of every type */
	KFUNC_HOOK_XDP = 1 << 1,
	KFUNC_HOOK_TC = 1 << 2,
	KFUNC_HOOK_STRUCT_OPS = 1 << 3,
	KFUNC_HOOK_TRACING = 1 << 4,
	KFUNC_HOOK_SYSCALL = 1 << 5,
	KFUNC_HOOK_FMODRET = 1 << 6,  /* not called: programs may change what it returns */
	KFUNC_HOOK_CGROUP = 1 << 7,
	KFUNC_HOOK_SCHED_ACT = 1 << 8,
	KFUNC_HOOK_SK_SKB = 1 << 9,
	KFUNC_HOOK_SOCKET_FILTER = 1 << 10,
	KFUNC_HOOK_LWT = 1 << 11,
	KFUNC_HOOK_NETFILTER = 1 << 12,
	KFUNC_HOOK_KPROBE = 1 << 13,
	/* filters of the sets */
	KFUNC_ONLY_LSM = 1 << 16,
	KFUNC_ONLY_ITER = 1 << 17,    /* attach type BPF_TRACE_ITER */
	KFUNC_ONLY_SESSION = 1 << 18, /* attach types BPF_TRACE_{KPROBE,UPROBE}_SESSION */
};

struct kfunc_def {
	const char *name;
	u32 flags;                    /* enum kfunc_flag */
	u32 hooks;                    /* enum kfunc_hook */
};

/* The registration that lets a program of this type, loaded for this attach type, call the function.
 * NULL: "calling kernel function %s is not allowed".  EXT programs ask for their target's type. */
const struct kfunc_def *kfunc_for(const char *name, u32 prog_type, u32 attach_type);
/* The one that lets fmod_ret programs attach to it; its KFUNC_SLEEP tells whether sleepable ones
 * may.  NULL: none.  Kernel: btf_kfunc_is_modify_return(). */
const struct kfunc_def *kfunc_modify_return(const char *name);
/* The function that lets go of a reference to a kernel struct, when a map may keep one.  NULL: it may
 * not.  Kernel: btf_find_dtor_kfunc(). */
const char *kfunc_dtor(const char *type_name);
/* The nth registration; NULL past the end. */
const struct kfunc_def *kfunc_at(u32 index);

/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/func.c - the hooked function: its address, arguments, results and stacks; loops and
 * timers.
 *
 * Kernel 6.18: kernel/trace/bpf_trace.c, kernel/bpf/stackmap.c, kernel/bpf/bpf_iter.c,
 * kernel/bpf/helpers.c.
 */
#include "abi/uapi.h"
#include "helper/body.h"
#include "map/map.h"
#include <errno.h>
#include <time.h>

enum {
	STACK_DEPTH_MAX = 127,    /* kernel sysctl_perf_event_max_stack */
	LOOPS_MAX = 8 * 1024 * 1024, /* kernel BPF_MAX_LOOPS */
	CLOCKS_MAX = 16,
};

BODY(get_func_ip)
{
	return env->func_ip;
}

BODY(get_attach_cookie)
{
	return env->attach_cookie;
}

BODY(get_func_arg)
{
	const struct exec_func *f = env->func;

	if (!f || (u32)r2 >= f->n_args)
		return RESULT(-EINVAL);
	mem_put64(PTR(r3), f->args[(u32)r2]);
	return 0;
}

BODY(get_func_arg_cnt)
{
	return env->func ? env->func->n_args : 0;
}

BODY(get_func_ret)
{
	const struct exec_func *f = env->func;

	if (!f || !f->has_ret)
		return RESULT(-EOPNOTSUPP);
	mem_put64(PTR(r2), f->ret);
	return 0;
}

BODY(get_retval)
{
	return RESULT(env->retval);
}

BODY(set_retval)
{
	env->retval = (s32)r1;
	return 0;
}

/* User frames from the skip-th on; kernel frames are not to be had.  Returns their number. */
static int user_frames(struct exec_env *env, u64 flags, u64 *ips)
{
	const struct host *h = env->host;
	u32 skip = flags & BPF_F_SKIP_FIELD_MASK;
	int n;

	if (!(flags & BPF_F_USER_STACK) || !h->user_stack)
		return -EFAULT;
	if (flags & HOST_F_UNWIND && h->unwind)
		n = h->unwind(h->arg, ips, STACK_DEPTH_MAX);
	else
		n = h->user_stack(h->arg, ips, STACK_DEPTH_MAX);
	if (n < 0 || (u32)n < skip)
		return -EFAULT;
	n = MIN(n, (int)STACK_DEPTH_MAX) - (int)skip;
	mem_move(ips, ips + skip, (u64)n * sizeof(*ips));
	return n;
}

BODY(get_stackid)
{
	const u64 known = BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK | BPF_F_FAST_STACK_CMP |
			  BPF_F_REUSE_STACKID;
	u64 ips[STACK_DEPTH_MAX];
	int n;

	if (r3 & ~known)
		return RESULT(-EINVAL);
	n = user_frames(env, r3, ips);
	if (n <= 0)
		return RESULT(-EFAULT);
	return RESULT(map_stack_id(PTR(r2), ips, (u32)n, r3));
}

static void put_frame(u8 *out, u64 ip, bool build_id)
{
	struct bpf_stack_build_id id = { .status = 2, .ip = ip };

	if (build_id)
		mem_copy(out, &id, sizeof(id));
	else
		mem_copy(out, &ip, sizeof(ip));
}

/* Frames as addresses, or as build ids of which only the address is known (status 2).  Returns the
 * bytes written; the rest is zeroed, all of it on failure. */
static s64 get_stack(struct exec_env *env, u8 *buf, u32 size, u64 flags)
{
	const u64 known = BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK | BPF_F_USER_BUILD_ID |
			  HOST_F_UNWIND;
	bool build_id = flags & BPF_F_USER_BUILD_ID;
	u32 each = build_id ? sizeof(struct bpf_stack_build_id) : sizeof(u64), n;
	u64 ips[STACK_DEPTH_MAX];
	int got;

	mem_zero(buf, size);
	if (flags & ~known || (build_id && !(flags & BPF_F_USER_STACK)) || size % each)
		return -EINVAL;
	got = user_frames(env, flags, ips);
	if (got < 0)
		return got;
	n = MIN((u32)got, size / each);
	for (u32 i = 0; i < n; i++)
		put_frame(buf + i * each, ips[i], build_id);
	return n * each;
}

BODY(get_stack)
{
	return RESULT(get_stack(env, PTR(r2), (u32)r3, r4));
}

BODY(get_task_stack)
{
	const struct host *h = env->host;

	if (h->current_task && h->current_task(h->arg) == r1)
		return RESULT(get_stack(env, PTR(r2), (u32)r3, r4));
	mem_zero(PTR(r2), (u32)r3);
	return RESULT(-EFAULT);
}

/* Too many rounds answer in 32 bits: the kernel inlines the call, and so does its error. */
BODY(loop)
{
	u32 n = (u32)r1;

	if (r4)
		return RESULT(-EINVAL);
	if (n > LOOPS_MAX)
		return (u32)-E2BIG;
	for (u32 i = 0; i < n; i++)
		if (env->call_back(env, r2, i, r3, 0, 0, 0) || env->error)
			return i + 1;
	return n;
}

BODY(timer_init)
{
	const struct host *h = env->host;

	if (r3 >= CLOCKS_MAX ||
	    (r3 != CLOCK_MONOTONIC && r3 != CLOCK_REALTIME && r3 != CLOCK_BOOTTIME))
		return RESULT(-EINVAL);
	if (!h->timers)
		return RESULT(-EOPNOTSUPP);
	return RESULT(h->timers->init(h->arg, env, PTR(r2), PTR(r1), (int)r3));
}

BODY(timer_set_callback)
{
	const struct host *h = env->host;

	return h->timers ? RESULT(h->timers->set_callback(h->arg, env, PTR(r1), r2))
			 : RESULT(-EOPNOTSUPP);
}

BODY(timer_start)
{
	const struct host *h = env->host;

	if (r3 & ~(u64)(BPF_F_TIMER_ABS | BPF_F_TIMER_CPU_PIN))
		return RESULT(-EINVAL);
	if (!h->timers)
		return RESULT(-EOPNOTSUPP);
	return RESULT(h->timers->start(h->arg, env, PTR(r1), r2, r3 & BPF_F_TIMER_ABS));
}

BODY(timer_cancel)
{
	const struct host *h = env->host;

	return h->timers ? RESULT(h->timers->cancel(h->arg, env, PTR(r1))) : RESULT(-EOPNOTSUPP);
}

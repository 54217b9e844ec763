/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/ring.c - records to user space: ring buffers, perf buffers.
 *
 * Kernel 6.18: kernel/bpf/ringbuf.c, bpf_perf_event_output() in kernel/trace/bpf_trace.c, and
 * bpf_skb_event_output(), bpf_xdp_event_output() in net/core/filter.c.
 */
#include "abi/packet.h"
#include "abi/uapi.h"
#include "helper/body.h"
#include "helper/record.h"
#include "map/map.h"
#include <errno.h>

BODY(ringbuf_output)
{
	int err = map_ringbuf_output(PTR(r1), PTR(r2), r3, r4);

	if (err == -EAGAIN && record_room(env)) {
		err = map_ringbuf_output(PTR(r1), PTR(r2), r3, r4);
		if (!err)
			map_ringbuf_regain(PTR(r1));
	}
	return RESULT(err);
}

BODY(ringbuf_reserve)
{
	return r3 ? 0 : (u64)record_reserve(env, PTR(r1), r2);
}

BODY(ringbuf_submit)
{
	record_commit(env, PTR(r1), r2, false);
	return 0;
}

BODY(ringbuf_discard)
{
	record_commit(env, PTR(r1), r2, true);
	return 0;
}

BODY(ringbuf_query)
{
	return map_ringbuf_query(PTR(r1), r2);
}

/* How many bytes of the packet follow the sample, as the flags ask. */
static bool packet_tail(const struct packet *p, u64 flags, const void **tail, u64 *size)
{
	*size = (flags & BPF_F_CTXLEN_MASK) >> 32;
	*tail = p ? p->data : NULL;
	return !*size || (p && *size <= (u64)(p->data_end - p->data));
}

/* The ring of another CPU than the one the program runs on is out of reach. */
static int other_ring(const struct map *m, u32 index)
{
	struct map_info info;

	map_info(m, &info);
	return index < info.attr.max_entries ? -EOPNOTSUPP : -E2BIG;
}

static u64 perf_output(struct exec_env *env, struct map *m, u64 flags, const void *data, u64 size)
{
	u64 known = BPF_F_INDEX_MASK | (env->packet ? BPF_F_CTXLEN_MASK : 0);
	u32 index = (u32)(flags & BPF_F_INDEX_MASK);
	const void *tail;
	u64 tail_size;

	if (flags & ~known)
		return RESULT(-EINVAL);
	if (!packet_tail(env->packet, flags, &tail, &tail_size))
		return RESULT(-EFAULT);
	if (index != (u32)BPF_F_CURRENT_CPU && index != env->cpu)
		return RESULT(other_ring(m, index));
	return RESULT(map_perf_output(m, env->cpu, data, size, tail, tail_size));
}

BODY(perf_event_output)
{
	return perf_output(env, PTR(r2), r3, PTR(r4), r5);
}

struct drain {
	struct exec_env *env;
	u64 func, arg;
};

/* The callback gets a dynptr over the sample, which only lives for the call. */
static int drain_one(const void *data, u32 size, void *arg)
{
	const struct drain *d = arg;
	struct exec_env *env = d->env;
	struct dynptr ptr = dynptr_over(DYNPTR_LOCAL, (void *)data, size);
	u64 outer = env->scratch[SCRATCH_DYNPTR], stop;

	env->scratch[SCRATCH_DYNPTR] = (u64)&ptr;
	stop = env->call_back(env, d->func, (u64)&ptr, d->arg, 0, 0, 0);
	env->scratch[SCRATCH_DYNPTR] = outer;
	return env->error || stop;
}

BODY(user_ringbuf_drain)
{
	struct drain d = { env, r2, r3 };

	if (r4 & ~(u64)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
		return RESULT(-EINVAL);
	return RESULT(map_user_ringbuf_drain(PTR(r1), drain_one, &d, r4));
}

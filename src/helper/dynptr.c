/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/dynptr.c - records and dynptrs.
 *
 * An unverified program can write any bytes where its dynptrs lie; helper_call_ok() takes one only
 * where it names memory that the program may touch anyway.  Kernel 6.18: kernel/bpf/helpers.c.
 */
#include "helper/body.h"
#include "helper/held.h"
#include "helper/record.h"
#include "map/map.h"
#include <errno.h>

bool record_room(struct exec_env *env)
{
	return env->host && env->host->ring_full && env->host->ring_full(env->host->arg);
}

void *record_reserve(struct exec_env *env, struct map *m, u64 size)
{
	void *record = map_ringbuf_reserve(m, size);

	if (!record && record_room(env)) {
		record = map_ringbuf_reserve(m, size);
		if (record)
			map_ringbuf_regain(m);
	}
	if (record && !held_add(env, HELD_RECORD, record, m) && env->mem_ok) {
		map_ringbuf_commit(m, record, BPF_RB_NO_WAKEUP, true);
		return NULL;
	}
	return record;
}

void record_commit(struct exec_env *env, void *record, u64 flags, bool discard)
{
	struct map *m = held_remove(env, HELD_RECORD, record);

	if (!m && !env->mem_ok && env->map_at)
		m = env->map_at(env, (u64)record);
	if (m)
		map_ringbuf_commit(m, record, flags, discard);
}

struct dynptr dynptr_over(enum dynptr_kind kind, void *data, u32 size)
{
	return (struct dynptr){ data, size | (u32)kind << DYNPTR_KIND_SHIFT, 0 };
}

static bool range_ok(const struct dynptr *p, u32 offset, u32 len)
{
	u32 size = dynptr_size(p);

	return len <= size && offset <= size - len;
}

static int dynptr_make(struct dynptr *out, enum dynptr_kind kind, void *data, u64 size, int err)
{
	mem_zero(out, sizeof(*out));
	if (err)
		return err;
	*out = dynptr_over(kind, data, (u32)size);
	return 0;
}

BODY(dynptr_from_mem)
{
	u32 size = (u32)r2;
	int err = size > DYNPTR_SIZE_MAX ? -E2BIG : r3 ? -EINVAL : 0;

	return RESULT(dynptr_make(PTR(r4), DYNPTR_LOCAL, PTR(r1), size, err));
}

BODY(ringbuf_reserve_dynptr)
{
	u32 size = (u32)r2;
	void *record = NULL;
	int err = r3 ? -EINVAL : size > DYNPTR_SIZE_MAX ? -E2BIG : 0;

	if (!err) {
		record = record_reserve(env, PTR(r1), size);
		err = record ? 0 : -EINVAL;
	}
	return RESULT(dynptr_make(PTR(r4), DYNPTR_RINGBUF, record, size, err));
}

static void commit_dynptr(struct exec_env *env, struct dynptr *p, u64 flags, bool discard)
{
	if (p->data)
		record_commit(env, p->data, flags, discard);
	mem_zero(p, sizeof(*p));
}

BODY(ringbuf_submit_dynptr)
{
	commit_dynptr(env, PTR(r1), r2, false);
	return 0;
}

BODY(ringbuf_discard_dynptr)
{
	commit_dynptr(env, PTR(r1), r2, true);
	return 0;
}

BODY(dynptr_read)
{
	const struct dynptr *p = PTR(r3);

	if (!p->data || r5)
		return RESULT(-EINVAL);
	if (!range_ok(p, (u32)r4, (u32)r2))
		return RESULT(-E2BIG);
	mem_move(PTR(r1), p->data + p->offset + (u32)r4, (u32)r2);
	return 0;
}

BODY(dynptr_write)
{
	const struct dynptr *p = PTR(r1);

	if (!p->data || p->size & DYNPTR_RDONLY)
		return RESULT(-EINVAL);
	if (!range_ok(p, (u32)r2, (u32)r4))
		return RESULT(-E2BIG);
	if (r5)
		return RESULT(-EINVAL);
	mem_move(p->data + p->offset + (u32)r2, PTR(r3), (u32)r4);
	return 0;
}

BODY(dynptr_data)
{
	const struct dynptr *p = PTR(r1);

	if (!p->data || !range_ok(p, (u32)r2, (u32)r3) || p->size & DYNPTR_RDONLY)
		return 0;
	return (u64)(p->data + p->offset + (u32)r2);
}

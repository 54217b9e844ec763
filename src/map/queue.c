/* SPDX-License-Identifier: BSD-2-Clause */
/* map/queue.c - queue and stack.
 *
 * Kernel: kernel/bpf/queue_stack_maps.c.  A ring of max_entries + 1 values; head and tail are the
 * two halves of one word, so each operation takes effect with one store.
 */
#include "map/kind.h"

static int queue_check(const struct map_attr *a)
{
	if (!a->max_entries || a->key_size || !a->value_size ||
	    a->flags & ~(BPF_F_NUMA_NODE | MAP_ACCESS_MASK) || !map_flags_access_ok(a->flags))
		return -EINVAL;
	return a->value_size > MAP_KMALLOC_MAX ? -E2BIG : 0;
}

static u64 ring_slots(const struct map *m)
{
	return (u64)m->max_entries + 1;
}

static void queue_layout(struct map *m, struct layout *l)
{
	m->values = (u8 *)layout_add(l, ring_slots(m), m->value_stride, 8);
	m->values_bytes = l->off;
}

struct ends {
	u32 head; /* next to write */
	u32 tail; /* oldest */
};

static int ends_get(struct map *m, struct ends *e)
{
	u64 word = LOAD(&m->hdr->head_tail);

	e->head = (u32)word;
	e->tail = (u32)(word >> 32);
	if (likely(e->head < ring_slots(m) && e->tail < ring_slots(m)))
		return 0;
	map_corrupt(m);
	return -EIO;
}

static void ends_put(struct map *m, struct ends e)
{
	STORE_REL(&m->hdr->head_tail, e.head | (u64)e.tail << 32);
}

static u32 ring_next(const struct map *m, u32 at)
{
	return at + 1ull >= ring_slots(m) ? 0 : at + 1;
}

static u8 *slot_at(struct map *m, u32 at)
{
	return m->values + (u64)at * m->value_stride;
}

/* Who can only read goes without the lock. */
static void queue_leave(struct map *m)
{
	if (!m->readonly)
		owner_unlock(&m->hdr->lock);
}

/* Takes the lock and reads the ends. */
static int queue_enter(struct map *m, struct ends *e)
{
	int err = m->readonly ? 0 : owner_lock(m, &m->hdr->lock);

	if (err < 0)
		return err;
	err = ends_get(m, e);
	if (err)
		queue_leave(m);
	return err;
}

static int queue_push(struct map *m, const void *value, u64 flags)
{
	struct ends e;
	int err;

	if (flags & BPF_NOEXIST || flags > BPF_EXIST)
		return -EINVAL;
	err = queue_enter(m, &e);
	if (err)
		return err;
	if (ring_next(m, e.head) == e.tail) {
		if (!(flags & BPF_EXIST)) {
			queue_leave(m);
			return -E2BIG;
		}
		e.tail = ring_next(m, e.tail);
	}
	mem_copy(slot_at(m, e.head), value, m->value_size);
	e.head = ring_next(m, e.head);
	ends_put(m, e);
	queue_leave(m);
	return 0;
}

/* Kernel __queue_map_get(), __stack_map_get(): of an empty one the value becomes zeros. */
static int queue_get(struct map *m, void *value, bool newest, bool remove)
{
	struct ends e;
	int err = queue_enter(m, &e);
	u32 at;

	if (err)
		return err;
	if (e.head == e.tail) {
		queue_leave(m);
		mem_zero(value, m->value_size);
		return -ENOENT;
	}
	at = !newest ? e.tail : e.head ? e.head - 1 : m->max_entries;
	mem_copy(value, slot_at(m, at), m->value_size);
	if (remove) {
		if (newest)
			e.head = at;
		else
			e.tail = ring_next(m, e.tail);
		ends_put(m, e);
	}
	queue_leave(m);
	return 0;
}

static int queue_pop(struct map *m, void *value)
{
	return queue_get(m, value, false, true);
}

static int queue_peek(struct map *m, void *value)
{
	return queue_get(m, value, false, false);
}

static int stack_pop(struct map *m, void *value)
{
	return queue_get(m, value, true, true);
}

static int stack_peek(struct map *m, void *value)
{
	return queue_get(m, value, true, false);
}

static int queue_remove(struct map *m, const void *key)
{
	(void)m;
	(void)key;
	return -EINVAL;
}

static int queue_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	(void)m, (void)key, (void)value, (void)flags, (void)cpu;
	return -EINVAL;
}

static int queue_next_key(struct map *m, const void *key, void *next)
{
	(void)m, (void)key, (void)next;
	return -EINVAL;
}

#define QUEUE_OPS_COMMON                                                                          \
	.check = queue_check, .layout = queue_layout, .push = queue_push, .remove = queue_remove, \
	.update = queue_update, .next_key = queue_next_key

const struct map_ops queue_ops = {
	QUEUE_OPS_COMMON,
	.pop = queue_pop,
	.peek = queue_peek,
};

const struct map_ops stack_ops = {
	QUEUE_OPS_COMMON,
	.pop = stack_pop,
	.peek = stack_peek,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/* map/hash_pool.h - who has which element of a hash.
 *
 * An element's state word is the only truth; everything else (hints, counters) may be lost when a
 * process is killed, or be wrong, and costs only time then.
 *
 *   FREE ----take----> owner, role 0 ----link----> LINKED
 *   SPARE --take-----> owner, role 1 ----link----> LINKED
 *   LINKED --unlink--> owner, role 0 or 1 -------> FREE or SPARE
 *
 * A map has max_entries elements that begin FREE and some that begin SPARE.  An insertion takes a
 * FREE one.  A replacement takes a SPARE one and leaves the old element SPARE, so it never fails on
 * a full map, and no more than max_entries are ever linked at once, without a counter.  An element
 * in flight carries its owner, so that what a killed process held goes back where it came from.
 *
 * State words of elements in a chain are written only under that bucket's lock.
 */
#pragma once
#include "map/handle.h"

enum { ELEM_FREE = 0 };
#define ELEM_LINKED 0xffffffffu
#define ELEM_SPARE  0xfffffffeu

static inline struct hash_elem *hash_elem_at(const struct map *m, u32 index)
{
	return (struct hash_elem *)(m->h.elems + (u64)index * m->h.stride);
}

static inline u8 *hash_value_at(const struct map *m, u32 index, u32 cpu)
{
	if (m->h.is_percpu)
		return m->h.percpu + ((u64)cpu * (m->h.n_elems + 1) + index) * m->value_stride;
	return (u8 *)hash_elem_at(m, index) + m->h.value_off;
}

static inline u32 hash_index_of(const struct map *m, const struct hash_elem *e)
{
	return (u32)((u64)((const u8 *)e - m->h.elems) / m->h.stride);
}

static inline struct hash_bucket *hash_bucket_of(const struct map *m, u32 hash)
{
	return &m->h.buckets[hash & m->h.bucket_mask];
}

/* An element for an insertion, owned by this process with role 0; 0 when the map is full.  held is
 * the bucket whose lock the caller has, NULL: none. */
u32 pool_take(struct map *m, u32 cpu, struct hash_bucket *held);
/* An element for a replacement; *role says what the old element must become and is handed to
 * pool_give() with it.  0 when none is left. */
u32 pool_take_spare(struct map *m, u32 cpu, struct hash_bucket *held, u32 *role);
/* Gives an element back that no chain holds and the caller owns. */
void pool_give(struct map *m, u32 cpu, u32 index, u32 role);
/* The elements of a new map that begin SPARE. */
void pool_init(struct map *m);
/* The highest element ever taken: loops over all elements end here. */
u32 pool_used(const struct map *m);

/* hash.c, for the pool: locks a bucket without waiting and repairs it if its owner had died. */
int hash_bucket_trylock(struct map *m, struct hash_bucket *b);
/* Takes element index out of its (locked) bucket; false when it is not in it.  State becomes to. */
bool hash_unlink(struct map *m, struct hash_bucket *b, u32 index, u32 to);

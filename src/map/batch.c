/* SPDX-License-Identifier: BSD-2-Clause */
/* map/batch.c - BPF_MAP_*_BATCH: many elements in one call.
 *
 * Kernel: generic_map_*_batch() in kernel/bpf/syscall.c, where the position is the last key, and
 * __htab_map_lookup_and_delete_batch() in hashtab.c, where it is a bucket's number.
 */
#include "map/hash.h"
#include "map/hash_pool.h"
#include "map/kind.h"

struct batch {
	struct map *m;
	u8 *keys, *values;
	u32 max, n; /* asked for, done */
	u64 flags;
	bool remove;
};

static int flags_check(const struct map *m, u64 flags)
{
	if (flags & ~(u64)BPF_F_LOCK || (flags & BPF_F_LOCK && m->spin_lock_off == ~0u))
		return -EINVAL;
	return 0;
}

static u8 *key_at(const struct batch *b)
{
	return b->keys + (u64)b->n * b->m->key_size;
}

static u8 *value_at(const struct batch *b)
{
	return b->values + (u64)b->n * map_user_value_size(b->m);
}

/* Keys are collected where they belong in the answer: one that vanishes is written over. */
static int lookup_by_key(struct batch *b, const u8 *prev, u8 *out_batch)
{
	u64 steps = 2ull * b->m->max_entries + b->max;
	int err = 0;

	while (b->n < b->max && steps--) {
		u8 *key = key_at(b);

		err = map_user_next_key(b->m, prev, key);
		if (err)
			break;
		prev = key;
		err = map_user_lookup(b->m, key, value_at(b), b->flags);
		if (!err)
			b->n++;
		else if (err != -ENOENT)
			break;
	}
	if (b->n)
		mem_copy(out_batch, key_at(b) - b->m->key_size, b->m->key_size);
	return err;
}

static u32 chain_length(struct map *m, const struct hash_bucket *b)
{
	u32 n = 0;

	for (u32 index = LOAD(&b->head); index; index = LOAD(&hash_elem_at(m, index)->next))
		if (index > m->h.n_elems || ++n > m->h.n_elems)
			return n;
	return n;
}

/* Copies one bucket's elements out, and removes them if asked; under its lock. */
static void take_bucket(struct batch *b, struct hash_bucket *bucket, u32 n)
{
	struct map *m = b->m;
	u32 index = LOAD(&bucket->head);

	while (n-- && index && index <= m->h.n_elems) {
		struct hash_elem *e = hash_elem_at(m, index);
		u32 next = LOAD(&e->next);

		mem_copy(key_at(b), e->key, m->key_size);
		hash_copy_out(m, index, value_at(b), b->flags);
		b->n++;
		if (b->remove && hash_unlink(m, bucket, index, owner_self(m)))
			pool_give(m, index, index, 0);
		index = next;
	}
}

static int lookup_by_bucket(struct batch *b, const u8 *in_batch, u8 *out_batch)
{
	u64 at = in_batch ? mem_get32(in_batch) : 0;
	struct map *m = b->m;
	int err = 0;

	if (at > m->h.bucket_mask)
		return -ENOENT;
	for (; at <= m->h.bucket_mask; at++) {
		struct hash_bucket *bucket = &m->h.buckets[at];
		u32 n;

		if (!LOAD_ACQ(&bucket->head))
			continue;
		err = hash_bucket_lock(m, bucket);
		if (err)
			break;
		n = chain_length(m, bucket);
		if (n > b->max - b->n)
			err = b->n ? 1 : -ENOSPC;
		else
			take_bucket(b, bucket, n);
		owner_unlock(&bucket->lock);
		if (err)
			break;
	}
	mem_put32(out_batch, (u32)at);
	if (!err)
		return -ENOENT;
	return err == 1 ? 0 : err;
}

int map_user_lookup_batch(struct map *m, const void *in_batch, void *out_batch, void *keys,
			  void *values, u32 *count, u64 flags, bool and_delete)
{
	struct batch b = {
		.m = m,
		.keys = keys,
		.values = values,
		.max = *count,
		.flags = flags,
		.remove = and_delete,
	};
	int err;

	if (!m->ops->batch || (and_delete && m->ops->batch != MAP_BATCH_BY_BUCKET))
		return -MAP_ENOTSUPP;
	if (and_delete && !map_user_writable(m))
		return -EPERM;
	err = flags_check(m, flags);
	if (err || !b.max)
		return err;
	*count = 0;
	if (m->ops->batch == MAP_BATCH_BY_BUCKET && !m->readonly)
		err = lookup_by_bucket(&b, in_batch, out_batch);
	else
		err = lookup_by_key(&b, in_batch, out_batch);
	*count = b.n;
	return err;
}

int map_user_update_batch(struct map *m, const void *keys, const void *values, u32 *count,
			  u64 flags)
{
	struct batch b = {.m = m, .keys = (u8 *)keys, .values = (u8 *)values, .max = *count};
	int err;

	if (!m->ops->batch || !m->ops->write)
		return -MAP_ENOTSUPP;
	err = flags_check(m, flags);
	if (err || !b.max)
		return err;
	for (; b.n < b.max && !err; b.n += !err)
		err = map_user_update(m, key_at(&b), value_at(&b), flags);
	*count = b.n;
	return err;
}

int map_user_delete_batch(struct map *m, const void *keys, u32 *count, u64 flags)
{
	struct batch b = {.m = m, .keys = (u8 *)keys, .max = *count};
	int err;

	if (!m->ops->batch || m->ops->no_batch_delete)
		return -MAP_ENOTSUPP;
	err = flags_check(m, flags);
	if (err || !b.max)
		return err;
	for (; b.n < b.max && !err; b.n += !err)
		err = map_user_delete(m, key_at(&b));
	*count = b.n;
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* map/hash_kind.c - the kinds of hash maps: attribute checks, layout, what each allows.
 *
 *	buckets | elements | per-CPU values | hint rings | spare hints
 */
#include "map/hash.h"
#include "map/hash_pool.h"
#include "map/kind.h"

enum { HASH_ELEM_OVERHEAD = 48 }; /* kernel sizeof(struct htab_elem) */

/* Kernel htab_map_alloc_check() and htab_map_alloc(). */
static int hash_check(const struct map_attr *a)
{
	bool lru = a->type == BPF_MAP_TYPE_LRU_HASH || a->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
	bool percpu =
		a->type == BPF_MAP_TYPE_PERCPU_HASH || a->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
	bool percpu_lru = a->flags & BPF_F_NO_COMMON_LRU;
	u32 allowed = BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE | MAP_ACCESS_MASK |
		      BPF_F_ZERO_SEED;

	if (a->flags & ~allowed || !map_flags_access_ok(a->flags) || (!lru && percpu_lru))
		return -EINVAL;
	if (lru && a->flags & BPF_F_NO_PREALLOC)
		return -MAP_ENOTSUPP;
	if (a->flags & BPF_F_NUMA_NODE && (percpu || percpu_lru))
		return -EINVAL;
	if (!a->max_entries || !a->key_size || !a->value_size)
		return -EINVAL;
	if ((u64)a->key_size + a->value_size >= MAP_KMALLOC_MAX - HASH_ELEM_OVERHEAD)
		return -E2BIG;
	if (percpu && ALIGN_UP(a->value_size, 8) > MAP_PCPU_VALUE_MAX)
		return -E2BIG;
	if (a->max_entries > 1u << 31)
		return -E2BIG;
	return 0;
}

/* Kernel htab_of_map_alloc_check(). */
static int hash_of_maps_check(const struct map_attr *a)
{
	return a->value_size != 4 ? -EINVAL : hash_check(a);
}

static u64 round_up_pow2(u64 n)
{
	return n <= 1 ? 1 : 1ull << (64 - __builtin_clzll(n - 1));
}

/* key_size and value_bytes are as stored; value_bytes 0 for per-CPU values. */
void hash_layout_sized(struct map *m, struct layout *l, u32 key_size, u32 value_bytes)
{
	struct hash_view *h = &m->h;
	u64 n_buckets = round_up_pow2(m->max_entries), n_hints;

	h->key_size = key_size;
	h->n_spares = m->n_cpus;
	if ((u64)m->max_entries + h->n_spares > INT32_MAX) {
		l->fail = true;
		return;
	}
	h->n_elems = m->max_entries + h->n_spares;
	h->bucket_mask = (u32)(n_buckets - 1);
	h->value_off = (u32)(sizeof(struct hash_elem) + ALIGN_UP((u64)key_size, 8));
	h->stride = h->value_off + (u32)ALIGN_UP((u64)value_bytes, 8);
	h->n_shards =
		m->max_entries < 1024 ? 1 : (u32)MIN(round_up_pow2(m->n_cpus), MAP_SHARDS_MAX);
	n_hints = round_up_pow2((u64)h->n_elems * 2 / h->n_shards);
	h->hint_mask = (u32)(n_hints - 1);
	h->buckets = (struct hash_bucket *)layout_add(l, n_buckets, sizeof(struct hash_bucket), 64);
	h->elems = (u8 *)layout_add(l, (u64)h->n_elems + 1, h->stride, 64);
	if (h->is_percpu)
		h->percpu =
			(u8 *)layout_add(l, m->n_cpus, (u64)(h->n_elems + 1) * m->value_stride, 64);
	h->hints = (u32 *)layout_add(l, n_hints * h->n_shards, sizeof(u32), 64);
	h->spares = (u32 *)layout_add(l, h->n_spares, sizeof(u32), 64);
}

static void hash_layout(struct map *m, struct layout *l)
{
	m->h.is_lru = m->type == BPF_MAP_TYPE_LRU_HASH || m->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
	m->h.is_percpu =
		m->type == BPF_MAP_TYPE_PERCPU_HASH || m->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
	hash_layout_sized(m, l, m->key_size, m->h.is_percpu ? 0 : m->value_size);
}

/* The value is the id of a map, 8 bytes. */
static void hash_of_maps_layout(struct map *m, struct layout *l)
{
	m->value_size = 8;
	hash_layout_sized(m, l, m->key_size, 8);
}

/* Kernel htab_map_update_elem(). */
static int hash_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	struct hash_write w = {
		.key = key,
		.value = value,
		.flags = flags,
		.hash = hash_of(m, key),
		.cpu = cpu,
	};

	if (unlikely((flags & ~(u64)BPF_F_LOCK) > BPF_EXIST))
		return -EINVAL;
	if (flags & BPF_F_LOCK && m->spin_lock_off == ~0u)
		return -EINVAL;
	return hash_write(m, &w);
}

/* LRU and per-CPU hashes know no F_LOCK. */
static int hash_update_plain(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	struct hash_write w = {
		.key = key,
		.value = value,
		.flags = flags,
		.hash = hash_of(m, key),
		.cpu = cpu,
	};

	if (unlikely(flags > BPF_EXIST || (m->h.is_percpu && cpu >= m->n_cpus)))
		return -EINVAL;
	return hash_write(m, &w);
}

static int hash_user_write(struct map *m, const void *key, const void *value, u64 flags)
{
	return m->ops->update(m, key, value, flags, 0);
}

static int percpu_hash_user_write(struct map *m, const void *key, const void *value, u64 flags)
{
	struct hash_write w = {
		.key = key,
		.value = value,
		.flags = flags,
		.hash = hash_of(m, key),
		.all_cpus = true,
	};

	return flags > BPF_EXIST ? -EINVAL : hash_write(m, &w);
}

static int hash_of_maps_read(struct map *m, const void *key, void *value, u64 flags)
{
	u64 id = 0;
	int err = hash_read(m, key, &id, flags);

	if (!err)
		mem_put32(value, (u32)id);
	return err;
}

static bool hash_mem_ok(const struct map *m, u64 off, u64 size)
{
	u64 elems = (u64)(m->h.elems - m->base), percpu = (u64)(m->h.percpu - m->base);
	u64 n = (u64)m->h.n_elems + 1;

	if (!m->h.is_percpu)
		return off >= elems && map_in_values(off - elems, size, n, m->h.stride,
						     m->h.value_off, m->value_size);
	return off >= percpu &&
	       map_in_values(off - percpu, size, n * m->n_cpus, m->value_stride, 0, m->value_size);
}

#define HASH_OPS_COMMON                                                      \
	.init = pool_init, .remove = hash_remove, .next_key = hash_next_key, \
	.batch = MAP_BATCH_BY_BUCKET

const struct map_ops hash_map_ops = {
	HASH_OPS_COMMON,	  .check = hash_check,	 .layout = hash_layout,
	.lookup = hash_lookup,	  .update = hash_update, .read = hash_read,
	.write = hash_user_write, .take = hash_take,	 .each = hash_each,
	.mem_ok = hash_mem_ok,
};

const struct map_ops percpu_hash_ops = {
	HASH_OPS_COMMON,
	.check = hash_check,
	.layout = hash_layout,
	.lookup = hash_lookup_percpu,
	.update = hash_update_plain,
	.read = hash_read,
	.write = percpu_hash_user_write,
	.take = hash_take,
	.each = hash_each,
	.mem_ok = hash_mem_ok,
};

const struct map_ops lru_hash_ops = {
	HASH_OPS_COMMON,	   .check = hash_check,		.layout = hash_layout,
	.lookup = hash_lookup_lru, .update = hash_update_plain, .read = hash_read,
	.write = hash_user_write,  .take = hash_take,		.each = hash_each,
	.mem_ok = hash_mem_ok,
};

const struct map_ops lru_percpu_hash_ops = {
	HASH_OPS_COMMON,
	.check = hash_check,
	.layout = hash_layout,
	.lookup = hash_lookup_lru,
	.update = hash_update_plain,
	.read = hash_read,
	.write = percpu_hash_user_write,
	.take = hash_take,
	.each = hash_each,
	.mem_ok = hash_mem_ok,
};

const struct map_ops hash_of_maps_ops = {
	HASH_OPS_COMMON,	   .check = hash_of_maps_check, .layout = hash_of_maps_layout,
	.read = hash_of_maps_read, .ref_lookup = hash_lookup,	.ref_update = hash_update_plain,
};

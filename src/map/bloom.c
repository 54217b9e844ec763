/* SPDX-License-Identifier: BSD-2-Clause */
/* map/bloom.c - bloom filter: was this value ever pushed?  Kernel: kernel/bpf/bloom_filter.c.
 *
 * Bits are only ever set, each by one atomic operation: nothing can be left half done that matters.
 */
#include "map/hash_func.h"
#include "map/kind.h"

enum { BLOOM_DEFAULT_HASHES = 5 };
#define BLOOM_BITS_MAX (1ull << 32)

static int bloom_check(const struct map_attr *a)
{
	if (a->value_size > MAP_KMALLOC_MAX)
		return -E2BIG;
	if (a->key_size || !a->value_size || !a->max_entries ||
	    a->flags & ~(BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | MAP_ACCESS_MASK) ||
	    !map_flags_access_ok(a->flags) || a->extra & ~0xfull)
		return -EINVAL;
	return 0;
}

static u32 n_hashes(const struct map *m)
{
	return m->shape.extra ? (u32)m->shape.extra : BLOOM_DEFAULT_HASHES;
}

/* n * k / ln 2 bits, rounded up to a power of two. */
static u64 bloom_bits(const struct map *m)
{
	u64 bits = (u64)m->max_entries * n_hashes(m) / 5 * 7;

	if (bits > BLOOM_BITS_MAX / 2)
		return BLOOM_BITS_MAX;
	return bits <= 64 ? 64 : 1ull << (64 - __builtin_clzll(bits - 1));
}

static void bloom_layout(struct map *m, struct layout *l)
{
	m->data_mask = bloom_bits(m) - 1;
	m->values = (u8 *)layout_add(l, bloom_bits(m) / 8, 1, 64);
	m->values_bytes = l->off;
}

static u32 bloom_hash(const struct map *m, const void *value, u32 i)
{
	return hash_key(value, m->value_size, m->h.seed + i * HASH_K0) & (u32)m->data_mask;
}

static int bloom_push(struct map *m, const void *value, u64 flags)
{
	u64 *bits = (u64 *)m->values;

	if (flags != BPF_ANY)
		return -EINVAL;
	for (u32 i = 0; i < n_hashes(m); i++) {
		u32 bit = bloom_hash(m, value, i);

		__atomic_fetch_or(&bits[bit / 64], 1ull << bit % 64, __ATOMIC_RELAXED);
	}
	return 0;
}

static int bloom_peek(struct map *m, void *value)
{
	const u64 *bits = (const u64 *)m->values;

	for (u32 i = 0; i < n_hashes(m); i++) {
		u32 bit = bloom_hash(m, value, i);

		if (!(LOAD(&bits[bit / 64]) >> bit % 64 & 1))
			return -ENOENT;
	}
	return 0;
}

static int bloom_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	(void)m, (void)key, (void)value, (void)flags, (void)cpu;
	return -EINVAL;
}

static int bloom_remove(struct map *m, const void *key)
{
	(void)m, (void)key;
	return -EOPNOTSUPP;
}

static int bloom_next_key(struct map *m, const void *key, void *next)
{
	(void)m, (void)key, (void)next;
	return -EOPNOTSUPP;
}

const struct map_ops bloom_ops = {
	.check = bloom_check,
	.layout = bloom_layout,
	.push = bloom_push,
	.peek = bloom_peek,
	.update = bloom_update,
	.remove = bloom_remove,
	.next_key = bloom_next_key,
};

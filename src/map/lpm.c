/* SPDX-License-Identifier: BSD-2-Clause */
/* map/lpm.c - longest prefix match, over a hash.
 *
 * The hash's key is the prefix length and the data with all bits behind the prefix zero; a lookup
 * tries the prefix lengths that were ever used, longest first (a bitmap says which; bits are never
 * cleared, so that no killed process can leave one wrong).  The data as the user gave it, which
 * next_key shows, lies behind the value.  Kernel, for what is seen from outside:
 * kernel/bpf/lpm_trie.c.
 */
#include "map/hash.h"
#include "map/hash_pool.h"
#include "map/kind.h"
#include "map/value.h"

enum {
	LPM_DATA_MAX = 256,
	LPM_KEY_MAX = 4 + LPM_DATA_MAX,
	LPM_NODE_BYTES = 40, /* kernel sizeof(struct lpm_trie_node) */
};

static int lpm_check(const struct map_attr *a)
{
	if (!a->max_entries || !(a->flags & BPF_F_NO_PREALLOC) ||
	    a->flags & ~(BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | MAP_ACCESS_MASK) ||
	    !map_flags_access_ok(a->flags) || a->key_size < 5 || a->key_size > LPM_KEY_MAX ||
	    !a->value_size || a->value_size > MAP_KMALLOC_MAX - LPM_DATA_MAX - LPM_NODE_BYTES)
		return -EINVAL;
	return a->max_entries > 1u << 30 ? -ENOMEM : 0;
}

static u32 data_size(const struct map *m)
{
	return m->key_size - 4;
}

static u32 n_words(const struct map *m)
{
	return (data_size(m) * 8 + 64) / 64; /* lengths 0 to all bits */
}

static void lpm_layout(struct map *m, struct layout *l)
{
	hash_layout_sized(m, l, m->key_size, m->value_stride + data_size(m));
	m->h.prefixes = (u64 *)layout_add(l, n_words(m), sizeof(u64), 64);
}

struct lpm_key {
	u32 len;
	u8 data[LPM_DATA_MAX + 4];
};

/* Cuts the key to a prefix, from one that was cut at or behind it. */
static void key_cut(const struct map *m, struct lpm_key *k, u32 len)
{
	u32 byte = len / 8, size = data_size(m);

	k->len = len;
	if (byte < size) {
		k->data[byte] &= (u8) ~(0xffu >> len % 8);
		mem_zero(k->data + byte + 1, size - byte - 1);
	}
}

static u32 max_len(const struct map *m)
{
	return data_size(m) * 8;
}

/* The stored key for a user's; -EINVAL when its prefix is too long. */
static int key_make(const struct map *m, const void *key, struct lpm_key *k)
{
	if (mem_get32(key) > max_len(m))
		return -EINVAL;
	mem_copy(k->data, (const u8 *)key + 4, data_size(m));
	key_cut(m, k, mem_get32(key));
	return 0;
}

/* The longest length in use that is at most len; -1 when there is none. */
static s32 used_len(const struct map *m, s32 len)
{
	for (s32 word = len / 64; word >= 0; word--) {
		u64 bits = LOAD(&m->h.prefixes[word]);

		if (word == len / 64)
			bits &= ~0ull >> (63 - len % 64);
		if (bits)
			return word * 64 + 63 - __builtin_clzll(bits);
	}
	return -1;
}

static struct hash_elem *lpm_find(struct map *m, const void *key)
{
	struct lpm_key k;

	if (key_make(m, key, &k))
		return NULL;
	for (s32 len = (s32)k.len; (len = used_len(m, len)) >= 0; len--) {
		struct hash_elem *e;

		key_cut(m, &k, (u32)len);
		e = hash_find(m, &k, hash_of(m, &k));
		if (e)
			return e;
		if (!len)
			break;
	}
	return NULL;
}

static void *lpm_lookup(struct map *m, const void *key, u32 cpu)
{
	struct hash_elem *e = lpm_find(m, key);

	(void)cpu;
	return e ? (u8 *)e + m->h.value_off : NULL;
}

static int lpm_read(struct map *m, const void *key, void *value, u64 flags)
{
	struct hash_elem *e = lpm_find(m, key);

	if (!e)
		return -ENOENT;
	value_load(m, value, (u8 *)e + m->h.value_off, flags);
	return 0;
}

static int lpm_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	struct hash_write w = {.value = value, .flags = flags, .cpu = cpu};
	struct lpm_key k;
	int err;

	if (flags > BPF_EXIST || key_make(m, key, &k))
		return -EINVAL;
	w.key = &k;
	w.hash = hash_of(m, &k);
	w.tail = (const u8 *)key + 4;
	w.tail_off = m->value_stride;
	w.tail_size = data_size(m);
	__atomic_fetch_or(&m->h.prefixes[k.len / 64], 1ull << k.len % 64, __ATOMIC_RELEASE);
	err = hash_write(m, &w);
	return err == -E2BIG ? -ENOSPC : err;
}

static int lpm_write(struct map *m, const void *key, const void *value, u64 flags)
{
	return lpm_update(m, key, value, flags, 0);
}

static int lpm_remove(struct map *m, const void *key)
{
	struct lpm_key k;

	return key_make(m, key, &k) ? -EINVAL : hash_remove(m, &k);
}

static void key_show(struct map *m, const struct hash_elem *e, void *next)
{
	mem_put32(next, mem_get32(e->key));
	mem_copy((u8 *)next + 4, (const u8 *)e + m->h.value_off + m->value_stride, data_size(m));
}

static int lpm_next_key(struct map *m, const void *key, void *next)
{
	struct lpm_key k;
	struct hash_elem *e;
	bool known = key && !key_make(m, key, &k);

	e = hash_next_elem(m, known ? &k : NULL);
	if (!e)
		return -ENOENT;
	key_show(m, e, next);
	return 0;
}

static bool lpm_mem_ok(const struct map *m, u64 off, u64 size)
{
	u64 elems = (u64)(m->h.elems - m->base);

	return off >= elems && map_in_values(off - elems, size, (u64)m->h.n_elems + 1, m->h.stride,
					     m->h.value_off, m->value_size);
}

const struct map_ops lpm_ops = {
	.check = lpm_check,
	.layout = lpm_layout,
	.init = pool_init,
	.lookup = lpm_lookup,
	.update = lpm_update,
	.remove = lpm_remove,
	.read = lpm_read,
	.write = lpm_write,
	.next_key = lpm_next_key,
	.mem_ok = lpm_mem_ok,
	.batch = MAP_BATCH_BY_KEY,
};

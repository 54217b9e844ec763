/* SPDX-License-Identifier: BSD-2-Clause */
/* map/hash.h - hash maps, for the kinds built on them (hash_kind.c, lpm.c, storage.c, batch.c). */
#pragma once
#include "map/handle.h"

struct hash_write {
	const void *key;   /* h.key_size bytes */
	const void *value; /* one value, or with all_cpus one per CPU, each value_stride apart;
			    * NULL: zeros */
	const void *tail;  /* more bytes to store tail_off behind the value's start, NULL: none */
	u32 tail_off, tail_size;
	u64 flags; /* BPF_ANY, NOEXIST, EXIST, F_LOCK; checked by the caller */
	u32 hash, cpu;
	bool all_cpus;
};

u32 hash_of(const struct map *m, const void *key);
/* The element with that key, NULL when absent.  Takes no lock: the element may leave the map. */
struct hash_elem *hash_find(struct map *m, const void *key, u32 hash);
/* 0, -EEXIST, -ENOENT, -E2BIG, -EIO (broken chain), -ETIMEDOUT (bucket held). */
int hash_write(struct map *m, const struct hash_write *w);

/* The element after that with this key, in bucket order; the first for NULL or an unknown key. */
struct hash_elem *hash_next_elem(struct map *m, const void *key);

int hash_bucket_lock(struct map *m, struct hash_bucket *b);
void hash_copy_out(struct map *m, u32 index, void *value, u64 flags);

/* Operations of struct map_ops. */
void *hash_lookup(struct map *m, const void *key, u32 cpu);
void *hash_lookup_lru(struct map *m, const void *key, u32 cpu);
void *hash_lookup_percpu(struct map *m, const void *key, u32 cpu);
int hash_remove(struct map *m, const void *key);
int hash_read(struct map *m, const void *key, void *value, u64 flags);
int hash_take(struct map *m, const void *key, void *value, u64 flags);
int hash_next_key(struct map *m, const void *key, void *next);
s64 hash_each(struct map *m, u32 cpu, map_each_fn fn, void *arg);
/* Lays out a hash whose stored key and value differ from the map's (LPM, task storage). */
void hash_layout_sized(struct map *m, struct layout *l, u32 key_size, u32 value_bytes);

/* SPDX-License-Identifier: BSD-2-Clause */
/* map/hash.c - hash maps: lookup without a lock, update and delete under the bucket's.
 *
 * Kernel: kernel/bpf/hashtab.c.  Chains hang off a power of two of buckets.  An element enters or
 * replaces another by one store, so a reader sees the old value or the new one, and a process
 * killed anywhere leaves a whole chain.  A reader standing on an element that left the chain still
 * reaches the chain's end until the element is used again; before that its old bucket's seq has
 * moved, so a miss with an unmoved seq is a true one.
 *
 * Per-CPU and LRU hashes, and maps of maps (the value is an id), are the same with small
 * differences; the kinds' tables are in hash_kind.c.
 */
#include "map/hash.h"
#include "map/hash_func.h"
#include "map/hash_pool.h"
#include "map/value.h"

enum { MISS_RETRIES = 1000 };

static inline bool key_equal(const void *a, const void *b, u32 size)
{
	switch (size) {
	case 4:
		return mem_get32(a) == mem_get32(b);
	case 8:
		return mem_get64(a) == mem_get64(b);
	case 16:
		return mem_get64(a) == mem_get64(b) &&
		       mem_get64((const u8 *)a + 8) == mem_get64((const u8 *)b + 8);
	default:
		return mem_equal(a, b, size);
	}
}

/* The element with that key, without a lock.  With a constant key_size the comparison and the hash
 * become a few insns. */
static inline __attribute__((always_inline)) struct hash_elem *find_sized(struct map *m,
									  const void *key, u32 hash,
									  u32 key_size)
{
	struct hash_bucket *b = hash_bucket_of(m, hash);

	for (u32 tries = 0; tries < MISS_RETRIES; tries++) {
		u32 seq = LOAD_ACQ(&b->seq), index = LOAD_ACQ(&b->head), left = m->h.n_elems;

		while (index) {
			struct hash_elem *e = hash_elem_at(m, index);

			if (unlikely(index > m->h.n_elems || !left--)) {
				map_corrupt(m);
				return NULL;
			}
			if (LOAD(&e->hash) == hash && key_equal(e->key, key, key_size))
				return e;
			index = LOAD_ACQ(&e->next);
		}
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (likely(LOAD(&b->seq) == seq))
			return NULL;
	}
	return NULL;
}

struct hash_elem *hash_find(struct map *m, const void *key, u32 hash)
{
	switch (m->h.key_size) {
	case 4:
		return find_sized(m, key, hash, 4);
	case 8:
		return find_sized(m, key, hash, 8);
	default:
		return find_sized(m, key, hash, m->h.key_size);
	}
}

u32 hash_of(const struct map *m, const void *key)
{
	return hash_key(key, m->h.key_size, m->h.seed);
}

static inline struct hash_elem *lookup_elem(struct map *m, const void *key)
{
	switch (m->h.key_size) {
	case 4:
		return find_sized(m, key, hash_key4(key, m->h.seed), 4);
	case 8:
		return find_sized(m, key, hash_key8(key, m->h.seed), 8);
	default:
		return find_sized(m, key, hash_of(m, key), m->h.key_size);
	}
}

void *hash_lookup(struct map *m, const void *key, u32 cpu)
{
	struct hash_elem *e = lookup_elem(m, key);

	(void)cpu;
	return e ? (u8 *)e + m->h.value_off : NULL;
}

void *hash_lookup_lru(struct map *m, const void *key, u32 cpu)
{
	struct hash_elem *e = lookup_elem(m, key);

	if (!e || (m->h.is_percpu && cpu >= m->n_cpus))
		return NULL;
	if (!LOAD(&e->ref) && !m->readonly)
		STORE(&e->ref, 1);
	return hash_value_at(m, hash_index_of(m, e), cpu);
}

void *hash_lookup_percpu(struct map *m, const void *key, u32 cpu)
{
	struct hash_elem *e = lookup_elem(m, key);

	return e && cpu < m->n_cpus ? hash_value_at(m, hash_index_of(m, e), cpu) : NULL;
}

/* ---- under the bucket's lock ---- */

/* Makes a chain whole that a killed process was changing: what is in it is linked, whatever its
 * state says, and it ends where something impossible comes. */
static void bucket_repair(struct map *m, struct hash_bucket *b)
{
	u32 *link = &b->head;

	STORE(&b->seq, LOAD(&b->seq) + 1);
	for (u32 left = m->h.n_elems; LOAD(link); left--) {
		u32 index = LOAD(link);
		struct hash_elem *e;

		if (index > m->h.n_elems || !left) {
			map_corrupt(m);
			STORE_REL(link, 0);
			return;
		}
		e = hash_elem_at(m, index);
		if (LOAD(&e->state) != ELEM_LINKED)
			STORE_REL(&e->state, ELEM_LINKED);
		link = &e->next;
	}
}

int hash_bucket_lock(struct map *m, struct hash_bucket *b)
{
	int err = owner_lock(m, &b->lock);

	if (unlikely(err > 0)) {
		bucket_repair(m, b);
		err = 0;
	}
	return err;
}

int hash_bucket_trylock(struct map *m, struct hash_bucket *b)
{
	int err = owner_trylock(m, &b->lock);

	if (err > 0) {
		bucket_repair(m, b);
		err = 0;
	}
	return err;
}

/* The link that leads to the element with that key.  0, -ENOENT, or -EIO for a broken chain. */
static int find_link(struct map *m, struct hash_bucket *b, const void *key, u32 hash, u32 **out)
{
	u32 *link = &b->head, key_size = m->h.key_size, left = m->h.n_elems;
	u32 index;

	for (; (index = LOAD(link)) != 0; left--) {
		struct hash_elem *e = hash_elem_at(m, index);

		if (unlikely(index > m->h.n_elems || !left)) {
			map_corrupt(m);
			return -EIO;
		}
		*out = link;
		if (LOAD(&e->hash) == hash && key_equal(e->key, key, key_size))
			return 0;
		link = &e->next;
	}
	return -ENOENT;
}

bool hash_unlink(struct map *m, struct hash_bucket *b, u32 index, u32 to)
{
	struct hash_elem *e = hash_elem_at(m, index);
	u32 *link = &b->head, at;

	for (u32 left = m->h.n_elems; (at = LOAD(link)) != index; left--) {
		if (!at || at > m->h.n_elems || !left)
			return false;
		link = &hash_elem_at(m, at)->next;
	}
	STORE(&e->state, to);
	STORE_REL(link, LOAD(&e->next));
	STORE_REL(&b->seq, LOAD(&b->seq) + 1);
	return true;
}

/* The element at a link that was found before: read again, so checked again.  Element 0, which is
 * nobody's, where somebody scribbled meanwhile. */
static u32 linked_at(struct map *m, const u32 *link)
{
	u32 index = LOAD(link);

	if (likely(index && index <= m->h.n_elems))
		return index;
	map_corrupt(m);
	return 0;
}

/* Takes the element at link out and gives it to the pool. */
static void remove_at(struct map *m, struct hash_bucket *b, u32 *link, u32 cpu)
{
	u32 index = linked_at(m, link);
	struct hash_elem *e = hash_elem_at(m, index);

	if (!index)
		return;
	STORE(&e->state, owner_self(m));
	STORE_REL(link, LOAD(&e->next));
	STORE_REL(&b->seq, LOAD(&b->seq) + 1);
	pool_give(m, cpu, index, 0);
}

/* Puts the taken element index at the head of the chain. */
static void insert_head(struct hash_bucket *b, struct hash_elem *e, u32 index)
{
	STORE(&e->next, LOAD(&b->head));
	STORE_REL(&b->head, index);
	STORE_REL(&e->state, ELEM_LINKED);
}

/* Puts the taken element index where old is, which goes back to the pool. */
static void replace_at(struct map *m, struct hash_bucket *b, u32 *link, u32 index, u32 role,
		       u32 cpu)
{
	u32 old_index = linked_at(m, link);
	struct hash_elem *e = hash_elem_at(m, index), *old = hash_elem_at(m, old_index);

	STORE(&e->next, LOAD(&old->next));
	STORE(&e->ref, 1); /* kernel: an updated element counts as used */
	STORE(&old->state, owner_self(m) | (role & OWNER_ROLE));
	STORE_REL(link, index);
	STORE_REL(&e->state, ELEM_LINKED);
	STORE_REL(&b->seq, LOAD(&b->seq) + 1);
	if (old_index)
		pool_give(m, cpu, old_index, role);
}

static void fill_value(struct map *m, u8 *value, const struct hash_write *w)
{
	if (w->value)
		value_store(m, value, w->value);
	else
		mem_zero(value, m->value_size);
	if (w->tail)
		mem_copy(value + w->tail_off, w->tail, w->tail_size);
}

/* Key, hash and value of a taken element that nobody sees yet. */
static void fill(struct map *m, u32 index, const struct hash_write *w)
{
	struct hash_elem *e = hash_elem_at(m, index);
	u8 *value;

	STORE(&e->hash, w->hash);
	STORE(&e->ref, 0);
	mem_copy(e->key, w->key, m->h.key_size);
	if (!m->h.is_percpu) {
		value = (u8 *)e + m->h.value_off;
		value_zero_special(m, value);
		fill_value(m, value, w);
		return;
	}
	for (u32 cpu = 0; cpu < m->n_cpus; cpu++) {
		value = hash_value_at(m, index, cpu);
		value_zero_special(m, value);
		if (w->all_cpus)
			value_store(m, value, (const u8 *)w->value + (u64)cpu * m->value_stride);
		else if (cpu == w->cpu)
			value_store(m, value, w->value);
		else
			mem_zero(value, m->value_stride);
	}
}

static void store_percpu(struct map *m, u32 index, const struct hash_write *w)
{
	if (!w->all_cpus) {
		value_store(m, hash_value_at(m, index, w->cpu), w->value);
		return;
	}
	for (u32 cpu = 0; cpu < m->n_cpus; cpu++)
		value_store(m, hash_value_at(m, index, cpu),
			    (const u8 *)w->value + (u64)cpu * m->value_stride);
}

/* The key is there: a new element takes the old one's place, or, where none is left, or the value
 * is locked or per-CPU, the value is written over. */
static int write_existing(struct map *m, struct hash_bucket *b, u32 *link,
			  const struct hash_write *w)
{
	u32 old = linked_at(m, link), index, role;

	if (m->h.is_percpu) {
		store_percpu(m, old, w);
		if (m->h.is_lru)
			STORE(&hash_elem_at(m, old)->ref, 1);
		return 0;
	}
	if (w->flags & BPF_F_LOCK) {
		value_store_locked(m, hash_value_at(m, old, 0), w->value);
		return 0;
	}
	index = pool_take_spare(m, w->cpu, b, &role);
	if (unlikely(!index)) {
		fill_value(m, hash_value_at(m, old, 0), w);
		return 0;
	}
	fill(m, index, w);
	replace_at(m, b, link, index, role, w->cpu);
	return 0;
}

/* ready is an element that the caller took before (LRU), or 0; it is used or given back. */
static int write_locked(struct map *m, struct hash_bucket *b, const struct hash_write *w, u32 ready)
{
	u64 want = w->flags & ~(u64)BPF_F_LOCK;
	u32 *link = NULL, index = ready;
	int err = find_link(m, b, w->key, w->hash, &link);

	if (err == 0 && want == BPF_NOEXIST)
		err = -EEXIST;
	else if (err == 0)
		err = write_existing(m, b, link, w);
	else if (err == -ENOENT && want != BPF_EXIST) {
		if (!index)
			index = pool_take(m, w->cpu, b);
		if (!index)
			return -E2BIG;
		fill(m, index, w);
		insert_head(b, hash_elem_at(m, index), index);
		return 0;
	}
	if (ready)
		pool_give(m, w->cpu, ready, 0);
	return err;
}

int hash_write(struct map *m, const struct hash_write *w)
{
	struct hash_bucket *b = hash_bucket_of(m, w->hash);
	u32 ready = 0;
	int err;

	/* Eviction locks another bucket, so it comes before this one is locked. */
	if (m->h.is_lru && (w->flags & 3) != BPF_EXIST && !hash_find(m, w->key, w->hash))
		ready = pool_take(m, w->cpu, NULL);
	err = hash_bucket_lock(m, b);
	if (unlikely(err)) {
		if (ready)
			pool_give(m, w->cpu, ready, 0);
		return err;
	}
	err = write_locked(m, b, w, ready);
	owner_unlock(&b->lock);
	return err;
}

int hash_remove(struct map *m, const void *key)
{
	u32 hash = hash_of(m, key), *link;
	struct hash_bucket *b = hash_bucket_of(m, hash);
	int err = hash_bucket_lock(m, b);

	if (unlikely(err))
		return err;
	err = find_link(m, b, key, hash, &link);
	if (!err)
		remove_at(m, b, link, hash);
	owner_unlock(&b->lock);
	return err;
}

/* A copy of the value for the user: all CPUs' of a per-CPU map. */
void hash_copy_out(struct map *m, u32 index, void *value, u64 flags)
{
	if (!m->h.is_percpu) {
		value_load(m, value, hash_value_at(m, index, 0), flags);
		return;
	}
	for (u32 cpu = 0; cpu < m->n_cpus; cpu++) {
		u8 *out = (u8 *)value + (u64)cpu * m->value_stride;

		mem_copy(out, hash_value_at(m, index, cpu), m->value_stride);
		value_zero_special(m, out);
	}
}

/* A value that was this key's all the time it was copied: an element that is used again for another
 * key has moved its bucket's seq before. */
int hash_read(struct map *m, const void *key, void *value, u64 flags)
{
	u32 hash = hash_of(m, key);
	struct hash_bucket *b = hash_bucket_of(m, hash);

	for (u32 tries = 0; tries < MISS_RETRIES; tries++) {
		u32 seq = LOAD_ACQ(&b->seq);
		struct hash_elem *e = hash_find(m, key, hash);

		if (!e)
			return -ENOENT;
		hash_copy_out(m, hash_index_of(m, e), value, flags);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (LOAD(&b->seq) == seq)
			break;
	}
	return 0;
}

int hash_take(struct map *m, const void *key, void *value, u64 flags)
{
	u32 hash = hash_of(m, key), *link;
	struct hash_bucket *b = hash_bucket_of(m, hash);
	int err = hash_bucket_lock(m, b);

	if (err)
		return err;
	err = find_link(m, b, key, hash, &link);
	if (!err) {
		hash_copy_out(m, linked_at(m, link), value, flags);
		remove_at(m, b, link, hash);
	}
	owner_unlock(&b->lock);
	return err;
}

/* The first element in or after bucket from. */
static struct hash_elem *first_from(struct map *m, u64 from)
{
	for (u64 i = from; i <= m->h.bucket_mask; i++) {
		u32 index = LOAD_ACQ(&m->h.buckets[i].head);

		if (index && index <= m->h.n_elems)
			return hash_elem_at(m, index);
		if (index)
			map_corrupt(m);
	}
	return NULL;
}

struct hash_elem *hash_next_elem(struct map *m, const void *key)
{
	u32 hash = key ? hash_of(m, key) : 0, index;
	struct hash_elem *e = key ? hash_find(m, key, hash) : NULL;

	if (!e)
		return first_from(m, 0);
	index = LOAD_ACQ(&e->next);
	if (index && index <= m->h.n_elems)
		return hash_elem_at(m, index);
	return first_from(m, (u64)(hash & m->h.bucket_mask) + 1);
}

/* Kernel htab_map_get_next_key(): an unknown key starts over. */
int hash_next_key(struct map *m, const void *key, void *next)
{
	struct hash_elem *e = hash_next_elem(m, key);

	if (!e)
		return -ENOENT;
	mem_copy(next, e->key, m->h.key_size);
	return 0;
}

s64 hash_each(struct map *m, u32 cpu, map_each_fn fn, void *arg)
{
	u32 used = pool_used(m);
	s64 n = 0;

	if (m->h.is_percpu && cpu >= m->n_cpus)
		return -EINVAL;
	for (u32 index = 1; index <= used; index++) {
		struct hash_elem *e = hash_elem_at(m, index);

		if (LOAD_ACQ(&e->state) != ELEM_LINKED)
			continue;
		n++;
		if (fn(m, e->key, hash_value_at(m, index, cpu), arg))
			break;
	}
	return n;
}

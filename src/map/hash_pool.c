/* SPDX-License-Identifier: BSD-2-Clause */
/* map/hash_pool.c - elements of a hash: taking, giving back, eviction, and what the dead left.
 *
 * The usual take is one compare-and-swap on an element that a hint names.  Hints are rings of
 * indices, one per shard of CPUs, written with plain stores; two writers may lose one.  When no
 * hint helps, elements never used come next, then a search over all states, which also finds lost
 * ones and takes back those of dead owners.  A search that finds nothing is not repeated until
 * something was given back, or so many takes failed that its cost does not matter.
 */
#include "map/hash_pool.h"

enum {
	HINT_HOLES = 8,	   /* zeros in a ring to look past */
	HINT_TRIES = 16,   /* stale hints before the next way is tried */
	SEARCH_HINTS = 32, /* further free elements that a search puts into the ring */
	FULL_RETRIES = 4,  /* a search of a full pool costs so many elements per failed take */
};

static struct map_shard *shard_of(struct map *m, u32 cpu)
{
	return &m->hdr->shards[cpu & (m->h.n_shards - 1)];
}

static u32 *hints_of(struct map *m, u32 cpu)
{
	return m->h.hints + (u64)(cpu & (m->h.n_shards - 1)) * (m->h.hint_mask + 1);
}

static bool elem_cas(struct hash_elem *e, u32 from, u32 to)
{
	return __atomic_compare_exchange_n(&e->state, &from, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

static bool elem_is_owned(u32 state)
{
	return state != ELEM_FREE && state != ELEM_LINKED && state != ELEM_SPARE;
}

u32 pool_used(const struct map *m)
{
	u32 used = LOAD_ACQ(&m->hdr->n_used); /* once: it may change, and MIN reads twice */

	return MIN(used, m->h.n_elems);
}

static void hint_push(struct map *m, u32 cpu, u32 index)
{
	struct map_shard *s = shard_of(m, cpu);
	u32 top = LOAD(&s->top);

	STORE(&hints_of(m, cpu)[top & m->h.hint_mask], index);
	STORE(&s->top, top + 1);
}

/* The newest hint, 0 when there is none. */
static u32 hint_pop(struct map *m, u32 cpu)
{
	struct map_shard *s = shard_of(m, cpu);
	u32 *ring = hints_of(m, cpu), top = LOAD(&s->top);

	for (u32 hole = 1; hole <= HINT_HOLES; hole++) {
		u32 *slot = &ring[(top - hole) & m->h.hint_mask];
		u32 index = LOAD(slot);

		if (!index)
			continue;
		STORE(slot, 0);
		STORE(&s->top, top - hole);
		return index <= m->h.n_elems ? index : 0;
	}
	return 0;
}

static u32 take_hinted(struct map *m, u32 cpu, u32 me)
{
	for (u32 i = 0; i < HINT_TRIES; i++) {
		u32 index = hint_pop(m, cpu);

		if (!index)
			return 0;
		if (elem_cas(hash_elem_at(m, index), ELEM_FREE, me))
			return index;
	}
	return 0;
}

/* Raises n_used before the element is linked, so that loops over all elements see it. */
static void used_raise(struct map *m, u32 index)
{
	u32 used = LOAD(&m->hdr->n_used);

	while (used < index && !__atomic_compare_exchange_n(&m->hdr->n_used, &used, index, false,
							    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

/* Elements past n_used, which nobody had yet, or only somebody who was killed before he said so. */
static u32 take_fresh(struct map *m, u32 me)
{
	for (u32 index = pool_used(m) + 1; index <= m->h.n_elems; index++) {
		struct hash_elem *e = hash_elem_at(m, index);

		bool taken = elem_cas(e, ELEM_FREE, me);

		used_raise(m, index);
		if (taken)
			return index;
	}
	return 0;
}

/* Enters a spare element that came back where the hint names none. */
static void spare_hint(struct map *m, u32 index)
{
	for (u32 slot = 0; slot < m->h.n_spares; slot++) {
		u32 old = LOAD(&m->h.spares[slot]);

		if (old && old <= m->h.n_elems && LOAD(&hash_elem_at(m, old)->state) == ELEM_SPARE)
			continue;
		STORE(&m->h.spares[slot], index);
		return;
	}
}

/* What a killed process had in flight.  Its bucket's lock word may still be the dead owner's, and
 * the element in the chain or not: locking the bucket repairs it and tells. */
static bool take_back(struct map *m, u32 index, struct hash_bucket *held)
{
	struct hash_elem *e = hash_elem_at(m, index);
	u32 state = LOAD_ACQ(&e->state);
	struct hash_bucket *b = hash_bucket_of(m, LOAD(&e->hash));
	u32 to = state & OWNER_ROLE ? ELEM_SPARE : ELEM_FREE;
	bool taken;

	if (!elem_is_owned(state) || !owner_dead(m, state))
		return false;
	if (b != held && hash_bucket_trylock(m, b))
		return false;
	STORE_REL(&b->seq, LOAD(&b->seq) + 1);
	taken = elem_cas(e, state, to);
	if (b != held)
		owner_unlock(&b->lock);
	if (taken && to == ELEM_SPARE)
		spare_hint(m, index);
	return taken;
}

static u32 freed_sum(const struct map *m)
{
	u32 sum = 0;

	for (u32 i = 0; i < m->h.n_shards; i++)
		sum += LOAD(&m->hdr->shards[i].n_freed);
	return sum;
}

/* Looks at every element once.  The first free one is taken, some more become hints. */
static u32 take_searched(struct map *m, u32 cpu, u32 me, struct hash_bucket *held)
{
	u32 used = pool_used(m), hand = LOAD(&m->hdr->hand), taken = 0, n_hints = 0;

	for (u32 i = 0; i < used && n_hints < SEARCH_HINTS; i++) {
		u32 index = (hand + i) % used + 1;
		struct hash_elem *e = hash_elem_at(m, index);
		u32 state = LOAD(&e->state);

		if (elem_is_owned(state) && state != me && take_back(m, index, held))
			state = LOAD(&e->state);
		if (state != ELEM_FREE)
			continue;
		if (taken) {
			hint_push(m, cpu, index);
			n_hints++;
		} else if (elem_cas(e, ELEM_FREE, me)) {
			taken = index;
			STORE(&m->hdr->hand, (hand + i) % used);
		}
	}
	return taken;
}

/* Takes the element that was not looked up for longest, more or less: the hand goes round and gives
 * every element that was looked up since it last came by a second chance.  Two rounds find one
 * unless all buckets are locked. */
static u32 evict(struct map *m, u32 me, struct hash_bucket *held)
{
	u32 used = pool_used(m), hand = LOAD(&m->hdr->hand);

	for (u64 i = 0; i < 2ull * used; i++) {
		u32 index = hand % used + 1;
		struct hash_elem *e = hash_elem_at(m, index);
		struct hash_bucket *b;
		bool got;

		hand = index;
		if (LOAD(&e->state) != ELEM_LINKED)
			continue;
		if (LOAD(&e->ref)) {
			STORE(&e->ref, 0);
			continue;
		}
		b = hash_bucket_of(m, LOAD(&e->hash));
		if (b != held && hash_bucket_trylock(m, b))
			continue;
		got = LOAD(&e->state) == ELEM_LINKED && hash_unlink(m, b, index, me);
		if (b != held)
			owner_unlock(&b->lock);
		if (got) {
			STORE(&m->hdr->hand, hand);
			return index;
		}
	}
	return 0;
}

/* The ways of a full pool: other shards' hints, a search, eviction. */
static u32 take_slow(struct map *m, u32 cpu, u32 me, struct hash_bucket *held, bool may_evict)
{
	u32 index = 0, freed;

	for (u32 i = 1; i < m->h.n_shards && !index; i++)
		index = take_hinted(m, cpu + i, me);
	if (index)
		return index;
	freed = freed_sum(m);
	if (freed != LOAD(&m->hdr->full_at) ||
	    LOAD(&m->hdr->n_failed) % (pool_used(m) / FULL_RETRIES + 1) == 0) {
		index = take_searched(m, cpu, me, held);
		if (!index)
			STORE(&m->hdr->full_at, freed);
	}
	if (!index)
		STORE(&m->hdr->n_failed, LOAD(&m->hdr->n_failed) + 1);
	if (!index && may_evict)
		index = evict(m, me, held);
	return index;
}

u32 pool_take(struct map *m, u32 cpu, struct hash_bucket *held)
{
	u32 me = owner_self(m), index = take_hinted(m, cpu, me);

	if (likely(index))
		return index;
	index = take_fresh(m, me);
	return index ? index : take_slow(m, cpu, me, held, m->h.is_lru);
}

u32 pool_take_spare(struct map *m, u32 cpu, struct hash_bucket *held, u32 *role)
{
	u32 me = owner_self(m), n = m->h.n_spares, index;

	for (u32 i = 0; i < n; i++) {
		u32 slot = cpu + i < n ? cpu + i : (cpu + i) % n;

		index = LOAD(&m->h.spares[slot]);
		if (!index || index > m->h.n_elems ||
		    !elem_cas(hash_elem_at(m, index), ELEM_SPARE, me | OWNER_ROLE))
			continue;
		*role = OWNER_ROLE | slot;
		return index;
	}
	*role = 0;
	index = take_hinted(m, cpu, me);
	if (!index)
		index = take_fresh(m, me);
	return index ? index : take_slow(m, cpu, me, held, false);
}

void pool_give(struct map *m, u32 cpu, u32 index, u32 role)
{
	struct map_shard *s = shard_of(m, cpu);

	if (role) {
		STORE_REL(&hash_elem_at(m, index)->state, ELEM_SPARE);
		STORE(&m->h.spares[role & ~OWNER_ROLE], index);
		return;
	}
	STORE_REL(&hash_elem_at(m, index)->state, ELEM_FREE);
	hint_push(m, cpu, index);
	STORE(&s->n_freed, LOAD(&s->n_freed) + 1);
}

void pool_init(struct map *m)
{
	for (u32 i = 0; i < m->h.n_spares; i++) {
		hash_elem_at(m, i + 1)->state = ELEM_SPARE;
		m->h.spares[i] = i + 1;
	}
	m->hdr->n_used = m->h.n_spares;
}

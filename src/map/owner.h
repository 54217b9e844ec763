/* SPDX-License-Identifier: BSD-2-Clause */
/* map/owner.h - who holds a lock or an element, and whether it still lives.
 *
 * An owner is one word, so that taking a lock and saying by whom is one store:
 *
 *   31      30..22             21..0
 *   role    start-time check   pid
 *
 * The check is a hash of the process's start time (1..510), so that a pid that was used again is
 * not taken for the old owner.  0 stands for a process in another pid namespace than the map's
 * creator: it can't be looked up and is never declared dead.  role is free for elements
 * (hash_pool.h). Threads of one process share its owner word, which is enough: a SIGKILL ends them
 * all.
 */
#pragma once
#include "base/types.h"

struct map;

enum {
	OWNER_PID_BITS = 22, /* kernel PID_MAX_LIMIT */
	OWNER_PID_MASK = (1 << OWNER_PID_BITS) - 1,
	OWNER_CHECK_MAX = 510,
};
#define OWNER_ROLE (1u << 31)

/* A page of its own, wiped in a forked child (MADV_WIPEONFORK): the child then finds out who it is.
 */
struct map_self {
	u32 owner;
};

u32 owner_find_self(struct map *m);
bool owner_dead(struct map *m, u32 owner);
u32 owner_pid_ns(void); /* inode of this process's pid namespace, 0 when unknown */

/* Takes a lock word: 0, or 1 when its owner had died and the caller must repair what it guards, or
 * -ETIMEDOUT after 250 ms of a living owner (kernel: resilient spin lock, RES_DEF_TIMEOUT). */
int owner_lock_slow(struct map *m, u32 *word);
/* The same without waiting: -EBUSY when a living owner holds it. */
int owner_trylock(struct map *m, u32 *word);

u64 owner_clock_ns(void);

static inline u32 owner_self_at(struct map *m, const struct map_self *self)
{
	u32 owner = __atomic_load_n(&self->owner, __ATOMIC_RELAXED);

	return likely(owner) ? owner : owner_find_self(m);
}

static inline void owner_unlock(u32 *word)
{
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

static inline int owner_lock_at(struct map *m, const struct map_self *self, u32 *word)
{
	u32 none = 0, me = owner_self_at(m, self);

	if (likely(__atomic_compare_exchange_n(word, &none, me, false, __ATOMIC_ACQUIRE,
					       __ATOMIC_RELAXED)))
		return 0;
	return owner_lock_slow(m, word);
}

#define owner_self(m)	    owner_self_at(m, (m)->self)
#define owner_lock(m, word) owner_lock_at(m, (m)->self, word)

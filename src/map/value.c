/* SPDX-License-Identifier: BSD-2-Clause */
/* map/value.c - values with a lock inside: bpf_spin_lock, and copies under it (BPF_F_LOCK).
 *
 * The lock word holds the owner, so a lock that a killed process left is taken over.  A word that
 * names a living process which never lets go (scribbled, or a program stopped for good) is taken
 * after LOCK_PATIENCE tries of 250 ms: the helper cannot fail.
 */
#include "map/value.h"

enum { LOCK_PATIENCE = 8 };

void map_spin_lock(struct map *m, void *lock)
{
	u32 *word = lock;

	for (u32 i = 0; i < LOCK_PATIENCE; i++)
		if (owner_lock(m, word) >= 0)
			return;
	map_corrupt(m);
	STORE_REL(word, owner_self(m));
}

void map_spin_unlock(struct map *m, void *lock)
{
	(void)m;
	owner_unlock(lock);
}

void value_store_locked(struct map *m, void *dst, const void *src)
{
	void *lock = (u8 *)dst + m->spin_lock_off;

	map_spin_lock(m, lock);
	value_store(m, dst, src);
	map_spin_unlock(m, lock);
}

void value_load(struct map *m, void *dst, void *src, u64 flags)
{
	void *lock = (u8 *)src + m->spin_lock_off;

	if (flags & BPF_F_LOCK && !m->readonly) {
		map_spin_lock(m, lock);
		mem_copy(dst, src, m->value_size);
		map_spin_unlock(m, lock);
	} else {
		mem_copy(dst, src, m->value_size);
	}
	value_zero_special(m, dst);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* map/value.h - copies of values that leave locks and timers alone; kernel copy_map_value().
 *
 * A program may hold a value's lock or run its timer while somebody else replaces the value, so no
 * copy in writes those bytes, and a copy out shows them as zeros.
 */
#pragma once
#include "map/handle.h"

enum { SPIN_LOCK_BYTES = 4, TIMER_BYTES = 16 };

/* [from, to) of the special field that starts first at or after pos; false when none is left. */
static inline bool value_next_special(const struct map *m, u32 pos, u32 *from, u32 *to)
{
	u32 lock = m->spin_lock_off, timer = m->timer_off;
	bool has_lock = lock != ~0u && lock >= pos, has_timer = timer != ~0u && timer >= pos;

	if (!has_lock && !has_timer)
		return false;
	if (has_lock && (!has_timer || lock < timer)) {
		*from = lock;
		*to = lock + SPIN_LOCK_BYTES;
	} else {
		*from = timer;
		*to = timer + TIMER_BYTES;
	}
	return true;
}

static inline void value_copy_around(const struct map *m, u8 *dst, const u8 *src)
{
	u32 pos = 0, from, to;

	for (; value_next_special(m, pos, &from, &to); pos = to)
		mem_copy(dst + pos, src + pos, from - pos);
	mem_copy(dst + pos, src + pos, m->value_size - pos);
}

/* Into the map. */
static inline void value_store(const struct map *m, void *dst, const void *src)
{
	if (unlikely(m->has_special)) {
		value_copy_around(m, dst, src);
		return;
	}
	switch (m->value_size) {
	case 4:
		__builtin_memcpy(dst, src, 4);
		return;
	case 8:
		__builtin_memcpy(dst, src, 8);
		return;
	case 16:
		__builtin_memcpy(dst, src, 16);
		return;
	default:
		mem_copy(dst, src, m->value_size);
	}
}

/* Zeros locks and timers: of an element before its first use, or of a copy for the user. */
static inline void value_zero_special(const struct map *m, void *value)
{
	u32 pos = 0, from, to;

	if (likely(!m->has_special))
		return;
	for (; value_next_special(m, pos, &from, &to); pos = to)
		mem_zero((u8 *)value + from, to - from);
}

/* Out of the map; flags may hold BPF_F_LOCK, which the caller has checked. */
void value_load(struct map *m, void *dst, void *src, u64 flags);
/* Into the map under the value's lock. */
void value_store_locked(struct map *m, void *dst, const void *src);

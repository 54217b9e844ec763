/* SPDX-License-Identifier: BSD-2-Clause */
/* map/hash_func.h - the hash of keys: 64 by 64 bit multiplications whose halves are folded
 * together.
 *
 * Small keys, which nearly all maps have, take one or two multiplications and no loop.
 */
#pragma once
#include "base/mem.h"

#define HASH_K0 0x9e3779b97f4a7c15ull
#define HASH_K1 0xd6e8feb86659fd93ull

static inline u64 hash_fold(u64 a, u64 b)
{
	__extension__ unsigned __int128 r = (unsigned __int128)a * b;

	return (u64)r ^ (u64)(r >> 64);
}

static inline u32 hash_finish(u64 h)
{
	return (u32)(h ^ h >> 32);
}

static inline u32 hash_key4(const void *key, u64 seed)
{
	return hash_finish(hash_fold((seed ^ mem_get32(key)) + HASH_K1, HASH_K0));
}

static inline u32 hash_key8(const void *key, u64 seed)
{
	return hash_finish(hash_fold((seed ^ mem_get64(key)) + HASH_K1, HASH_K0));
}

static inline u32 hash_key(const void *key, u32 size, u64 seed)
{
	const u8 *p = key;
	u64 h = seed ^ size * HASH_K1, last = 0;

	if (size == 4)
		return hash_key4(key, seed);
	if (size == 8)
		return hash_key8(key, seed);
	for (; size >= 8; size -= 8, p += 8)
		h = hash_fold(h ^ mem_get64(p), HASH_K0) + HASH_K1;
	for (u32 i = 0; i < size; i++)
		last |= (u64)p[i] << 8 * i;
	return hash_finish(hash_fold(h ^ last, HASH_K1 ^ seed));
}

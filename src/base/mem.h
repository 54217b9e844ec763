/* SPDX-License-Identifier: BSD-2-Clause */
/* base/mem.h - memory operations for the freestanding folders (map, helper, exec).
 *
 * gcc and clang may turn any of these loops into calls of memcpy, memset, memmove or memcmp;
 * those four are the only outside names that freestanding code may need.  With size 0 the pointers
 * may be anything.
 */
#pragma once
#include "base/types.h"

static inline void mem_copy(void *dst, const void *src, u64 size)
{
	if (size)
		__builtin_memcpy(dst, src, size);
}

static inline void mem_move(void *dst, const void *src, u64 size)
{
	if (size)
		__builtin_memmove(dst, src, size);
}

static inline void mem_zero(void *dst, u64 size)
{
	if (size)
		__builtin_memset(dst, 0, size);
}

static inline bool mem_equal(const void *a, const void *b, u64 size)
{
	return __builtin_memcmp(a, b, size) == 0;
}

/* Unaligned access in the host's byte order. */
#define MEM_ACCESS(bits)                                             \
	static inline u##bits mem_get##bits(const void *p)           \
	{                                                            \
		u##bits v;                                           \
		__builtin_memcpy(&v, p, sizeof(v));                  \
		return v;                                            \
	}                                                            \
	static inline void mem_put##bits(void *p, u##bits v)         \
	{                                                            \
		__builtin_memcpy(p, &v, sizeof(v));                  \
	}
MEM_ACCESS(16)
MEM_ACCESS(32)
MEM_ACCESS(64)
#undef MEM_ACCESS

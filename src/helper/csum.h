/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/csum.h - the Internet checksum (RFC 1071) in the forms that the kernel's helpers use.
 *
 * A sum is kept in 32 bits and may wrap around; folded it has 16.  Words are in memory order.
 * Kernel 6.18: include/net/checksum.h.
 */
#pragma once
#include "base/mem.h"
#include "base/types.h"

static inline u32 csum_add(u32 a, u32 b)
{
	u32 sum = a + b;

	return sum + (sum < b);
}

static inline u32 csum_sub(u32 a, u32 b)
{
	return csum_add(a, ~b);
}

static inline u16 csum_from32to16(u32 sum)
{
	sum += sum >> 16 | sum << 16;
	return (u16)(sum >> 16);
}

static inline u16 csum_fold(u32 sum)
{
	return (u16)~csum_from32to16(sum);
}

/* The sum over bytes, added to sum. */
static inline u32 csum_partial(const void *bytes, u64 size, u32 sum)
{
	const u8 *p = bytes;

	for (; size >= 4; size -= 4, p += 4)
		sum = csum_add(sum, mem_get32(p));
	if (size >= 2)
		sum = csum_add(sum, mem_get16(p));
	if (size & 1) {
		u16 last = 0;

		mem_copy(&last, p + (size & 2), 1);
		sum = csum_add(sum, last);
	}
	return sum;
}

/* The same sum as it counts at an odd offset. */
static inline u32 csum_shift(u32 sum, u32 offset)
{
	return offset & 1 ? sum >> 8 | sum << 24 : sum;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/tnum.c - arithmetic on tristate numbers; Kernel 6.18: kernel/bpf/tnum.c. */
#include "verify/tnum.h"

/* The bits of known that mask leaves known. */
static struct tnum tnum_make(u64 known, u64 mask)
{
	return (struct tnum){ known & ~mask, mask };
}

/* Ones up to and including the highest bit of v. */
static u64 ones_through(u64 v)
{
	return v ? UINT64_MAX >> __builtin_clzll(v) : 0;
}

/* The common leading bits of both ends are known. */
struct tnum tnum_range(u64 min, u64 max)
{
	return tnum_make(min, ones_through(min ^ max));
}

struct tnum tnum_lsh(struct tnum t, u8 shift)
{
	return (struct tnum){ t.value << shift, t.mask << shift };
}

struct tnum tnum_rsh(struct tnum t, u8 shift)
{
	return (struct tnum){ t.value >> shift, t.mask >> shift };
}

/* An unknown sign bit fills the mask, a known one the value. */
struct tnum tnum_arsh(struct tnum t, u8 shift, u8 bits)
{
	if (bits == 32)
		return (struct tnum){ (u32)((s32)t.value >> shift), (u32)((s32)t.mask >> shift) };
	return (struct tnum){ (u64)((s64)t.value >> shift), (u64)((s64)t.mask >> shift) };
}

/* A bit is known where both operands' bits are, and the carry into it: where the smallest and the
 * largest sum carry alike, all between do. */
struct tnum tnum_add(struct tnum a, struct tnum b)
{
	u64 low = a.value + b.value, high = low + a.mask + b.mask;

	return tnum_make(low, (low ^ high) | a.mask | b.mask);
}

struct tnum tnum_sub(struct tnum a, struct tnum b)
{
	u64 diff = a.value - b.value;

	return tnum_make(diff, ((diff + a.mask) ^ (diff - b.mask)) | a.mask | b.mask);
}

struct tnum tnum_neg(struct tnum a)
{
	return tnum_sub(tnum_const(0), a);
}

struct tnum tnum_and(struct tnum a, struct tnum b)
{
	u64 ones = a.value & b.value;

	return (struct tnum){ ones, (a.value | a.mask) & (b.value | b.mask) & ~ones };
}

struct tnum tnum_or(struct tnum a, struct tnum b)
{
	u64 ones = a.value | b.value;

	return (struct tnum){ ones, (a.mask | b.mask) & ~ones };
}

struct tnum tnum_xor(struct tnum a, struct tnum b)
{
	return tnum_make(a.value ^ b.value, a.mask | b.mask);
}

/* By long multiplication.  Where a's bit is unknown the partial product is there or not: the union
 * of both sums (kernel 6.18; until then the unknown parts were summed on their own). */
struct tnum tnum_mul(struct tnum a, struct tnum b)
{
	struct tnum sum = tnum_const(0);

	for (; a.value | a.mask; a = tnum_rsh(a, 1), b = tnum_lsh(b, 1)) {
		if (a.value & 1)
			sum = tnum_add(sum, b);
		else if (a.mask & 1)
			sum = tnum_union(sum, tnum_add(sum, b));
	}
	return sum;
}

/* Where both know a bit and differ, which callers exclude, it becomes 1. */
struct tnum tnum_intersect(struct tnum a, struct tnum b)
{
	return tnum_make(a.value | b.value, a.mask & b.mask);
}

struct tnum tnum_union(struct tnum a, struct tnum b)
{
	return tnum_make(a.value & b.value, (a.value ^ b.value) | a.mask | b.mask);
}

bool tnum_overlap(struct tnum a, struct tnum b)
{
	return !((a.value ^ b.value) & ~a.mask & ~b.mask);
}

struct tnum tnum_cast(struct tnum t, u8 size)
{
	u64 keep = size < 8 ? (1ull << (size * 8)) - 1 : UINT64_MAX;

	return (struct tnum){ t.value & keep, t.mask & keep };
}

bool tnum_is_aligned(struct tnum t, u64 size)
{
	return !size || !((t.value | t.mask) & (size - 1));
}

bool tnum_in(struct tnum a, struct tnum b)
{
	return !(b.mask & ~a.mask) && a.value == (b.value & ~a.mask);
}

struct tnum tnum_bswap16(struct tnum t)
{
	return (struct tnum){ __builtin_bswap16((u16)t.value), __builtin_bswap16((u16)t.mask) };
}

struct tnum tnum_bswap32(struct tnum t)
{
	return (struct tnum){ __builtin_bswap32((u32)t.value), __builtin_bswap32((u32)t.mask) };
}

struct tnum tnum_bswap64(struct tnum t)
{
	return (struct tnum){ __builtin_bswap64(t.value), __builtin_bswap64(t.mask) };
}

/* Counts up in the unknown bits alone.  Members are value | s with s made of mask bits, so the
 * answer is value plus the smallest such s above v - value: with every other bit set, a carry runs
 * through them; bits below v's highest misfit are set too, since s is then free there. */
u64 tnum_step(struct tnum t, u64 v)
{
	u64 max = t.value | t.mask, above, filled;

	if (v >= max)
		return max;
	if (v < t.value)
		return t.value;
	above = v - t.value;
	filled = above | ones_through(above & ~t.mask) | ~t.mask;
	return t.value | ((filled + 1) & t.mask);
}

struct tnum tnum_subreg(struct tnum t)
{
	return tnum_cast(t, 4);
}

struct tnum tnum_clear_subreg(struct tnum t)
{
	return (struct tnum){ t.value >> 32 << 32, t.mask >> 32 << 32 };
}

struct tnum tnum_with_subreg(struct tnum t, struct tnum low)
{
	return tnum_or(tnum_clear_subreg(t), tnum_subreg(low));
}

struct tnum tnum_const_subreg(struct tnum t, u32 low)
{
	return tnum_with_subreg(t, tnum_const(low));
}

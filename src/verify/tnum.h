/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/tnum.h - tristate numbers: what is known of each bit of a 64-bit value.
 *
 * A bit whose mask is set is unknown (its value bit is then 0); else value says what it is.  Sound and
 * optimal addition, subtraction and bitwise operations: Vishwanathan et al., "Sound, precise, and fast
 * abstract interpretation with tristate numbers", CGO 2022.  Kernel 6.18: kernel/bpf/tnum.c; results
 * are bit for bit the kernel's.
 */
#pragma once
#include "base/types.h"

struct tnum {
	u64 value, mask;
};

#define TNUM_UNKNOWN ((struct tnum){ 0, UINT64_MAX })

static inline struct tnum tnum_const(u64 v)
{
	return (struct tnum){ v, 0 };
}
static inline bool tnum_is_const(struct tnum t)
{
	return !t.mask;
}
static inline bool tnum_equals(struct tnum t, u64 v)
{
	return !t.mask && t.value == v;
}
static inline bool tnum_is_unknown(struct tnum t)
{
	return t.mask == UINT64_MAX;
}
/* Is v one of the values that t stands for? */
static inline bool tnum_has(struct tnum t, u64 v)
{
	return (v & ~t.mask) == t.value;
}

struct tnum tnum_range(u64 min, u64 max);
struct tnum tnum_lsh(struct tnum t, u8 shift);
struct tnum tnum_rsh(struct tnum t, u8 shift);
struct tnum tnum_arsh(struct tnum t, u8 shift, u8 bits); /* bits: 32 or 64 */
struct tnum tnum_add(struct tnum a, struct tnum b);
struct tnum tnum_sub(struct tnum a, struct tnum b);
struct tnum tnum_neg(struct tnum a);
struct tnum tnum_and(struct tnum a, struct tnum b);
struct tnum tnum_or(struct tnum a, struct tnum b);
struct tnum tnum_xor(struct tnum a, struct tnum b);
struct tnum tnum_mul(struct tnum a, struct tnum b);
/* What both know: the values that are in a and in b, which must share one. */
struct tnum tnum_intersect(struct tnum a, struct tnum b);
/* The smallest tnum that has all values of both. */
struct tnum tnum_union(struct tnum a, struct tnum b);
/* Have they a value in common? */
bool tnum_overlap(struct tnum a, struct tnum b);
/* The low size bytes, the rest 0. */
struct tnum tnum_cast(struct tnum t, u8 size);
bool tnum_is_aligned(struct tnum t, u64 size);
/* Does a have every value of b? */
bool tnum_in(struct tnum a, struct tnum b);
struct tnum tnum_bswap16(struct tnum t);
struct tnum tnum_bswap32(struct tnum t);
struct tnum tnum_bswap64(struct tnum t);

/* The smallest value of t above v; the largest of t where none is. */
u64 tnum_step(struct tnum t, u64 v);

struct tnum tnum_subreg(struct tnum t);       /* the low half, upper 0 */
struct tnum tnum_clear_subreg(struct tnum t); /* the upper half, low 0 */
struct tnum tnum_with_subreg(struct tnum t, struct tnum low);
struct tnum tnum_const_subreg(struct tnum t, u32 low);

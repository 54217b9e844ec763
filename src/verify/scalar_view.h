/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/scalar_view.h - the ranges of one width of a scalar, for verify/scalar*.c only.
 *
 * Rules for 32 and 64 bits differ only in where numbers wrap.  A view holds either pair of ranges,
 * widened, so that a rule is written once; signed bounds of 32 bits are sign-extended, unsigned
 * ones zero-extended.
 */
#pragma once
#include "verify/scalar.h"

struct view {
	u32 bits; /* 32 or 64 */
	s64 smin, smax;
	u64 umin, umax;
};

static inline struct view view_get(const struct scalar *s, u32 bits)
{
	if (bits == 32)
		return (struct view){ 32, s->smin32, s->smax32, s->umin32, s->umax32 };
	return (struct view){ 64, s->smin, s->smax, s->umin, s->umax };
}

static inline void view_put(struct scalar *s, const struct view *v)
{
	if (v->bits == 32) {
		s->smin32 = (s32)v->smin;
		s->smax32 = (s32)v->smax;
		s->umin32 = (u32)v->umin;
		s->umax32 = (u32)v->umax;
	} else {
		s->smin = v->smin;
		s->smax = v->smax;
		s->umin = v->umin;
		s->umax = v->umax;
	}
}

/* The same bits read as a signed, or as an unsigned number of that width. */
static inline s64 view_signed(const struct view *v, u64 n)
{
	return v->bits == 32 ? (s32)n : (s64)n;
}
static inline u64 view_unsigned(const struct view *v, s64 n)
{
	return v->bits == 32 ? (u32)n : (u64)n;
}

static inline s64 view_least(const struct view *v)
{
	return v->bits == 32 ? INT32_MIN : INT64_MIN;
}
static inline s64 view_most(const struct view *v)
{
	return v->bits == 32 ? INT32_MAX : INT64_MAX;
}
static inline u64 view_umost(const struct view *v)
{
	return v->bits == 32 ? UINT32_MAX : UINT64_MAX;
}

static inline void view_any_signed(struct view *v)
{
	v->smin = view_least(v);
	v->smax = view_most(v);
}
static inline void view_any_unsigned(struct view *v)
{
	v->umin = 0;
	v->umax = view_umost(v);
}
static inline void view_any(struct view *v)
{
	view_any_signed(v);
	view_any_unsigned(v);
}

/* What the bits say of that width. */
static inline struct tnum view_bits(const struct scalar *s, u32 bits)
{
	return bits == 32 ? tnum_subreg(s->bits) : s->bits;
}

/* Tightens all ranges by the bits: __update_reg_bounds(). */
void scalar_from_bits(struct scalar *s);
/* Those of the low half: __update_reg32_bounds(). */
void scalar_low_from_bits(struct scalar *s);
void scalar_set(struct scalar *s, u64 v); /* ___mark_reg_known() */
bool scalar_is_empty(const struct scalar *s); /* the ends of a range are crossed */

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/scalar.c - numbers by their bits and ranges: made, widened, kept in sync.
 *
 * Arithmetic is scalar_alu.c, comparison scalar_jmp.c.  Kernel 6.18: reg_bounds_sync() and what it
 * calls, coerce_reg_to_size() and its signed forms, in kernel/bpf/verifier.c.
 */
#include "verify/scalar_view.h"

struct scalar scalar_unknown(void)
{
	struct scalar s = { .bits = TNUM_UNKNOWN };

	scalar_unbound(&s);
	return s;
}

struct scalar scalar_const(u64 v)
{
	struct scalar s;

	scalar_set(&s, v);
	return s;
}

struct scalar scalar_srange(s64 min, s64 max)
{
	struct scalar s = scalar_unknown();

	s.smin = min;
	s.smax = max;
	scalar_sync(&s);
	return s;
}

void scalar_set(struct scalar *s, u64 v)
{
	*s = (struct scalar){
		.bits = tnum_const(v),
		.smin = (s64)v, .smax = (s64)v, .umin = v, .umax = v,
		.smin32 = (s32)v, .smax32 = (s32)v, .umin32 = (u32)v, .umax32 = (u32)v,
	};
}

void scalar_set_low(struct scalar *s, u32 v)
{
	s->bits = tnum_const_subreg(s->bits, v);
	s->smin32 = s->smax32 = (s32)v;
	s->umin32 = s->umax32 = v;
}

bool scalar_is_const(const struct scalar *s)
{
	return tnum_is_const(s->bits);
}

bool scalar_is_const32(const struct scalar *s)
{
	return tnum_is_const(tnum_subreg(s->bits));
}

static bool view_has(const struct view *v, u64 n)
{
	s64 sn = view_signed(v, n);
	u64 un = view_unsigned(v, sn);

	return v->smin <= sn && sn <= v->smax && v->umin <= un && un <= v->umax;
}

bool scalar_has(const struct scalar *s, u64 v)
{
	struct view low = view_get(s, 32), whole = view_get(s, 64);

	return tnum_has(s->bits, v) && view_has(&low, v) && view_has(&whole, v);
}

bool scalar_is_unbounded(const struct scalar *s)
{
	return s->smin == INT64_MIN && s->smax == INT64_MAX && s->umin == 0 &&
	       s->umax == UINT64_MAX && s->smin32 == INT32_MIN && s->smax32 == INT32_MAX &&
	       s->umin32 == 0 && s->umax32 == UINT32_MAX;
}

void scalar_unbound64(struct scalar *s)
{
	struct view v = { .bits = 64 };

	view_any(&v);
	view_put(s, &v);
}

void scalar_unbound32(struct scalar *s)
{
	struct view v = { .bits = 32 };

	view_any(&v);
	view_put(s, &v);
}

void scalar_unbound(struct scalar *s)
{
	scalar_unbound64(s);
	scalar_unbound32(s);
}

bool scalar_is_empty(const struct scalar *s)
{
	return s->umin > s->umax || s->smin > s->smax || s->umin32 > s->umax32 ||
	       s->smin32 > s->smax32;
}

/* ---- each view tightens the others ---- */

/* Unknown bits all 0 and all 1 bound the value; of a signed one the sign bit counts the other
 * way. */
static void view_from_bits(struct view *v, struct tnum t)
{
	u64 sign = 1ull << (v->bits - 1), high = t.value | t.mask;

	v->smin = MAX(v->smin, view_signed(v, t.value | (t.mask & sign)));
	v->smax = MIN(v->smax, view_signed(v, t.value | (t.mask & ~sign)));
	v->umin = MAX(v->umin, t.value);
	v->umax = MIN(v->umax, high);
}

/* Does just one member of the bits lie in the unsigned range?  Found by stepping to the first
 * member in the range and on to the next.  Kernel 6.18.y: __update_reg64_bounds(). */
static bool single_member(const struct scalar *s, u64 *member)
{
	u64 max = s->bits.value | s->bits.mask, next = tnum_step(s->bits, s->umin);

	if (tnum_has(s->bits, s->umin)) {
		*member = s->umin;
		return next > s->umax;
	}
	*member = next;
	return next == max || (next <= s->umax && tnum_step(s->bits, next) > s->umax);
}

void scalar_low_from_bits(struct scalar *s)
{
	struct view low = view_get(s, 32);

	view_from_bits(&low, tnum_subreg(s->bits));
	view_put(s, &low);
}

void scalar_from_bits(struct scalar *s)
{
	struct view whole = view_get(s, 64);
	u64 only;

	scalar_low_from_bits(s);
	view_from_bits(&whole, s->bits);
	view_put(s, &whole);
	if (single_member(s, &only))
		scalar_set(s, only);
}

/* Signed and unsigned ranges of one width are the same circle of numbers, cut at different places.
 *
 *	0                 most  least                -1
 *	|------ s >= 0 ------|------ s < 0 ------------|
 *
 * A range that crosses neither cut bounds the other kind as it is.  A signed range that crosses
 * zero is two pieces for the unsigned one; where that touches only one of them, that piece is what
 * remains.  Kernel 6.18: __reg64_deduce_bounds(), the latter half of __reg32_deduce_bounds().
 */
static void view_match_signs(struct view *v)
{
	if (view_signed(v, v->umin) <= view_signed(v, v->umax)) {
		v->smin = MAX(v->smin, view_signed(v, v->umin));
		v->smax = MIN(v->smax, view_signed(v, v->umax));
	}
	if (view_unsigned(v, v->smin) <= view_unsigned(v, v->smax)) {
		v->umin = MAX(v->umin, view_unsigned(v, v->smin));
		v->umax = MIN(v->umax, view_unsigned(v, v->smax));
	} else if (v->umax < view_unsigned(v, v->smin)) {
		v->smin = view_signed(v, v->umin);
		v->umax = MIN(v->umax, view_unsigned(v, v->smax));
	} else if (view_unsigned(v, v->smax) < v->umin) {
		v->smax = view_signed(v, v->umax);
		v->umin = MAX(v->umin, view_unsigned(v, v->smin));
	}
}

static void low_signed(struct scalar *s, u64 min, u64 max)
{
	s->smin32 = MAX(s->smin32, (s32)min);
	s->smax32 = MIN(s->smax32, (s32)max);
}

static void low_unsigned(struct scalar *s, u64 min, u64 max)
{
	s->umin32 = MAX(s->umin32, (u32)min);
	s->umax32 = MIN(s->umax32, (u32)max);
}

/* A 64-bit range [min, max], of either sign, bounds the low half when the upper half is the same all
 * through it: as unsigned and as signed, as far as the low ends are in order.  Those of an unsigned
 * range are, unless it is empty; the kernel does not ask, and empty ranges must come out as there.
 */
static void low_from_range(struct scalar *s, u64 min, u64 max, bool is_unsigned)
{
	if (min >> 32 != max >> 32)
		return;
	if (is_unsigned || (u32)min <= (u32)max)
		low_unsigned(s, min, max);
	if ((s32)min <= (s32)max)
		low_signed(s, min, max);
}

/* When the upper half steps by one just where the low half goes from -1 to 0, the low half is a signed
 * range still. */
static void low_across_zero(struct scalar *s, u64 min, u64 max)
{
	if ((u32)(min >> 32) + 1 == (u32)(max >> 32) && (s32)min < 0 && (s32)max >= 0)
		low_signed(s, min, max);
}

/* Kernel 6.18: __reg32_deduce_bounds(). */
static void deduce32(struct scalar *s)
{
	struct view low;

	low_from_range(s, s->umin, s->umax, true);
	low_from_range(s, (u64)s->smin, (u64)s->smax, false);
	low_across_zero(s, s->umin, s->umax);
	low_across_zero(s, (u64)s->smin, (u64)s->smax);
	low = view_get(s, 32);
	view_match_signs(&low);
	view_put(s, &low);
}

static u64 with_low(u64 upper, u32 low)
{
	return (upper & ~(u64)UINT32_MAX) | low;
}

/* Puts the low half's bounds under the upper halves of the 64-bit ones, and keeps what is
 * tighter. */
static void ends_from_low(struct scalar *s, u32 min, u32 max)
{
	u64 umin = with_low(s->umin, min), umax = with_low(s->umax, max);
	s64 smin = (s64)with_low((u64)s->smin, min), smax = (s64)with_low((u64)s->smax, max);

	s->umin = MAX(s->umin, umin);
	s->umax = MIN(s->umax, umax);
	s->smin = MAX(s->smin, smin);
	s->smax = MIN(s->smax, smax);
}

/* A low half that is not negative, in a number that fits 32 signed bits, is that number: an upper
 * half of ones would make it less than the least.  Kernel 6.18: __reg_deduce_mixed_bounds(). */
static void deduce_mixed(struct scalar *s)
{
	ends_from_low(s, s->umin32, s->umax32);
	if ((u32)s->smin32 <= (u32)s->smax32)
		ends_from_low(s, (u32)s->smin32, (u32)s->smax32);
	if (s->smin32 < 0 || s->smin < INT32_MIN || s->smax > INT32_MAX)
		return;
	s->smin = s->smin32;
	s->smax = s->smax32;
	s->umin = (u64)s->smin;
	s->umax = (u64)s->smax;
	s->bits = tnum_intersect(s->bits, tnum_range(s->umin, s->umax));
}

static void deduce(struct scalar *s)
{
	struct view whole;

	deduce32(s);
	whole = view_get(s, 64);
	view_match_signs(&whole);
	view_put(s, &whole);
	deduce_mixed(s);
}

/* Leading bits that an unsigned range shares are known.  Kernel 6.18: __reg_bound_offset(). */
static void bits_from_ranges(struct scalar *s)
{
	struct tnum whole = tnum_intersect(s->bits, tnum_range(s->umin, s->umax));
	struct tnum low = tnum_intersect(tnum_subreg(whole), tnum_range(s->umin32, s->umax32));

	s->bits = tnum_or(tnum_clear_subreg(whole), low);
}

/* Each deduction may help the one before it; three rounds are what the kernel does, no fixpoint. */
void scalar_sync(struct scalar *s)
{
	scalar_from_bits(s);
	deduce(s);
	deduce(s);
	deduce(s);
	bits_from_ranges(s);
	scalar_from_bits(s);
}

const char *scalar_flaw(const struct scalar *s)
{
	u64 v = s->bits.value;

	if (scalar_is_empty(s))
		return "range bounds violation";
	if (scalar_is_const(s) &&
	    (s->umin != v || s->umax != v || s->smin != (s64)v || s->smax != (s64)v))
		return "const tnum out of sync with range bounds";
	if (scalar_is_const32(s) && (s->umin32 != (u32)v || s->umax32 != (u32)v ||
				     s->smin32 != (s32)v || s->smax32 != (s32)v))
		return "const subreg tnum out of sync with range bounds";
	return NULL;
}

bool scalar_within(const struct scalar *a, const struct scalar *b)
{
	return a->umin <= b->umin && a->umax >= b->umax && a->smin <= b->smin &&
	       a->smax >= b->smax && a->umin32 <= b->umin32 && a->umax32 >= b->umax32 &&
	       a->smin32 <= b->smin32 && a->smax32 >= b->smax32;
}

/* ---- parts of a number, extended ---- */

/* Not in sync yet: signed bounds that may be negative give no better than all of 32 bits.
 * Kernel 6.18: zext_32_to_64(), __reg_assign_32_into_64(). */
void scalar_zext32(struct scalar *s)
{
	s->bits = tnum_subreg(s->bits);
	s->umin = s->umin32;
	s->umax = s->umax32;
	s->smin = 0;
	s->smax = UINT32_MAX;
	if (s->smin32 >= 0 && s->smax32 >= 0) {
		s->smin = s->smin32;
		s->smax = s->smax32;
	}
}

/* The range stays a range where what is cut off is the same all through it. */
void scalar_zext(struct scalar *s, u32 size)
{
	u64 mask;

	if (size >= 8)
		return;
	mask = (1ull << (size * 8)) - 1;
	s->bits = tnum_cast(s->bits, (u8)size);
	if ((s->umin & ~mask) == (s->umax & ~mask)) {
		s->umin &= mask;
		s->umax &= mask;
	} else {
		s->umin = 0;
		s->umax = mask;
	}
	s->smin = (s64)s->umin;
	s->smax = (s64)s->umax;
	if (size < 4)
		scalar_unbound32(s);
	scalar_sync(s);
}

/* The low size bytes of v as a signed number. */
static s64 low_as_signed(u64 v, u32 size)
{
	return size == 1 ? (s8)v : size == 2 ? (s16)v : size == 4 ? (s32)v : (s64)v;
}

/* Signed ends [*min, *max] after their low size bytes are sign-extended; false where those of
 * the range between do not stay a range of one sign, and [*min, *max] is then all that size can
 * hold. */
static bool extend_ends(s64 *min, s64 *max, u32 size)
{
	s64 a = low_as_signed((u64)*min, size), b = low_as_signed((u64)*max, size);
	u64 cut_a = (u64)*min >> (size * 8), cut_b = (u64)*max >> (size * 8);

	if (cut_a == cut_b && (a < 0) == (b < 0)) {
		*min = MIN(a, b);
		*max = MAX(a, b);
		return true;
	}
	*min = -(1ll << (size * 8 - 1));
	*max = (1ll << (size * 8 - 1)) - 1;
	return false;
}

void scalar_sext(struct scalar *s, u32 size)
{
	if (size >= 8)
		return;
	if (scalar_is_const(s)) {
		scalar_set(s, (u64)low_as_signed(s->bits.value, size));
		return;
	}
	if (extend_ends(&s->smin, &s->smax, size)) {
		s->umin = (u64)s->smin;
		s->umax = (u64)s->smax;
		s->bits = tnum_range(s->umin, s->umax);
	} else {
		s->umin = 0;
		s->umax = UINT64_MAX;
		s->bits = TNUM_UNKNOWN;
	}
	s->smin32 = (s32)s->smin;
	s->smax32 = (s32)s->smax;
	s->umin32 = (u32)s->umin;
	s->umax32 = (u32)s->umax;
}

/* The 64-bit ranges are left as they are: a scalar_zext32() follows. */
void scalar_sext32(struct scalar *s, u32 size)
{
	s64 min = s->smin32, max = s->smax32;

	if (size >= 4)
		return;
	if (scalar_is_const(s)) {
		min = max = low_as_signed(s->bits.value, size);
		s->bits = tnum_const((u64)min);
		s->umin32 = s->umax32 = (u32)min;
	} else if (extend_ends(&min, &max, size)) {
		s->umin32 = (u32)min;
		s->umax32 = (u32)max;
		s->bits = tnum_subreg(tnum_range((u64)min, (u64)max));
	} else {
		s->umin32 = 0;
		s->umax32 = UINT32_MAX;
		s->bits = tnum_subreg(TNUM_UNKNOWN);
	}
	s->smin32 = (s32)min;
	s->smax32 = (s32)max;
}

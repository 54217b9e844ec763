/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/scalar_jmp.c - comparisons of two numbers: decided, and learnt from.
 *
 * Kernel 6.18: is_scalar_branch_taken(), regs_refine_cond_op() in kernel/bpf/verifier.c.
 */
#include "verify/scalar_view.h"

/* Comparisons by the operands exchanged, and by the opposite. */
static const struct {
	u8 flip, negate;
} comparisons[16] = {
	[JMP_JEQ >> 4] = { JMP_JEQ, JMP_JNE },    [JMP_JNE >> 4] = { JMP_JNE, JMP_JEQ },
	[JMP_JSET >> 4] = { JMP_JSET, JMP_JSET }, /* its opposite is marked: JMP_NOT */
	[JMP_JGT >> 4] = { JMP_JLT, JMP_JLE },    [JMP_JGE >> 4] = { JMP_JLE, JMP_JLT },
	[JMP_JLT >> 4] = { JMP_JGT, JMP_JGE },    [JMP_JLE >> 4] = { JMP_JGE, JMP_JGT },
	[JMP_JSGT >> 4] = { JMP_JSLT, JMP_JSLE }, [JMP_JSGE >> 4] = { JMP_JSLE, JMP_JSLT },
	[JMP_JSLT >> 4] = { JMP_JSGT, JMP_JSGE }, [JMP_JSLE >> 4] = { JMP_JSGE, JMP_JSGT },
};

u32 jmp_negate(u32 op)
{
	u32 plain = op & 0xf0;

	if (plain == JMP_JSET)
		return op ^ JMP_NOT;
	return comparisons[plain >> 4].negate;
}

u32 jmp_flip(u32 op)
{
	return comparisons[(op & 0xf0) >> 4].flip;
}

/* ---- decided beforehand ---- */

static bool views_apart(const struct view *a, const struct view *b)
{
	return a->umin > b->umax || a->umax < b->umin || a->smin > b->smax || a->smax < b->smin;
}

/* 1 equal, 0 different, -1 not known.  Numbers whose low halves differ differ. */
static int equal(const struct scalar *a, const struct scalar *b, u32 bits)
{
	struct tnum ta = view_bits(a, bits), tb = view_bits(b, bits);
	struct view va = view_get(a, bits), vb = view_get(b, bits);
	struct view la = view_get(a, 32), lb = view_get(b, 32);

	if (tnum_is_const(ta) && tnum_is_const(tb))
		return ta.value == tb.value;
	if (!tnum_overlap(ta, tb) || views_apart(&va, &vb) || views_apart(&la, &lb))
		return 0;
	return -1;
}

/* Is a bit of the constant surely set in the other, or surely none? */
static int any_set(const struct scalar *a, const struct scalar *b, u32 bits)
{
	struct tnum t = view_bits(a, bits), mask = view_bits(b, bits);

	if (!tnum_is_const(mask)) {
		struct tnum other = t;

		t = mask;
		mask = other;
	}
	if (!tnum_is_const(mask))
		return -1;
	if (t.value & mask.value)
		return 1;
	return (t.value | t.mask) & mask.value ? -1 : 0;
}

/* a < b, or a <= b with or_equal. */
static int unsigned_less(const struct view *a, const struct view *b, bool or_equal)
{
	if (or_equal ? a->umax <= b->umin : a->umax < b->umin)
		return 1;
	return (or_equal ? a->umin > b->umax : a->umin >= b->umax) ? 0 : -1;
}

static int signed_less(const struct view *a, const struct view *b, bool or_equal)
{
	if (or_equal ? a->smax <= b->smin : a->smax < b->smin)
		return 1;
	return (or_equal ? a->smin > b->smax : a->smin >= b->smax) ? 0 : -1;
}

int scalar_branch(const struct scalar *a, const struct scalar *b, enum jmp_op op, bool is32)
{
	u32 bits = is32 ? 32 : 64;
	struct view va = view_get(a, bits), vb = view_get(b, bits);
	int eq;

	switch (op) {
	case JMP_JEQ:
		return equal(a, b, bits);
	case JMP_JNE:
		eq = equal(a, b, bits);
		return eq < 0 ? -1 : !eq;
	case JMP_JSET:
		return any_set(a, b, bits);
	case JMP_JLT:
		return unsigned_less(&va, &vb, false);
	case JMP_JLE:
		return unsigned_less(&va, &vb, true);
	case JMP_JGT:
		return unsigned_less(&vb, &va, false);
	case JMP_JGE:
		return unsigned_less(&vb, &va, true);
	case JMP_JSLT:
		return signed_less(&va, &vb, false);
	case JMP_JSLE:
		return signed_less(&va, &vb, true);
	case JMP_JSGT:
		return signed_less(&vb, &va, false);
	case JMP_JSGE:
		return signed_less(&vb, &va, true);
	default:
		return -1;
	}
}

/* ---- learnt ---- */

static void bits_put(struct scalar *s, u32 bits, struct tnum t)
{
	s->bits = bits == 32 ? tnum_with_subreg(s->bits, t) : t;
}

/* Both are what both can be. */
static void refine_equal(struct scalar *a, struct scalar *b, u32 bits)
{
	struct tnum t = tnum_intersect(view_bits(a, bits), view_bits(b, bits));
	struct view va = view_get(a, bits), vb = view_get(b, bits);

	va.umin = MAX(va.umin, vb.umin);
	va.umax = MIN(va.umax, vb.umax);
	va.smin = MAX(va.smin, vb.smin);
	va.smax = MIN(va.smax, vb.smax);
	view_put(a, &va);
	view_put(b, &va);
	bits_put(a, bits, t);
	bits_put(b, bits, t);
}

/* A range shrinks when it begins or ends with the constant that it differs from. */
static void refine_differ(struct scalar *a, u64 c, u32 bits)
{
	struct view v = view_get(a, bits);

	v.umin += v.umin == c;
	v.umax -= v.umax == c;
	v.smin = (s64)((u64)v.smin + (v.smin == view_signed(&v, c)));
	v.smax = (s64)((u64)v.smax - (v.smax == view_signed(&v, c)));
	view_put(a, &v);
}

/* One bit of the mask is set: known which, if it has just one. */
static void refine_set(struct scalar *a, u64 mask, u32 bits)
{
	if (mask && !(mask & (mask - 1)))
		bits_put(a, bits, tnum_or(view_bits(a, bits), tnum_const(mask)));
}

/* No bit of the mask is set.  The ranges are forgotten first, since on a path that can't be they
 * would contradict the bits. */
static void refine_not_set(struct scalar *a, u64 mask, u32 bits)
{
	scalar_unbound(a);
	bits_put(a, bits, tnum_and(view_bits(a, bits), tnum_const(~mask)));
}

/* a < b, or a <= b when gap is 0.  gap is 1 otherwise: the least that b is above a.  a and b may be one
 * number, which then learns both. */
static void refine_less(struct scalar *a, struct scalar *b, u32 gap, bool is_signed, u32 bits)
{
	struct view va = view_get(a, bits), vb = view_get(b, bits);
	s64 smost = view_signed(&va, (u64)vb.smax - gap);
	s64 sleast = view_signed(&va, (u64)va.smin + gap);
	u64 umost = (vb.umax - gap) & view_umost(&va);
	u64 uleast = (va.umin + gap) & view_umost(&va);

	if (is_signed)
		va.smax = MIN(va.smax, smost);
	else
		va.umax = MIN(va.umax, umost);
	view_put(a, &va);
	vb = view_get(b, bits);
	if (is_signed)
		vb.smin = MAX(vb.smin, sleast);
	else
		vb.umin = MAX(vb.umin, uleast);
	view_put(b, &vb);
}

/* The operand that is known, and the other; false when neither is. */
static bool split_const(struct scalar *a, struct scalar *b, u32 bits, struct scalar **other, u64 *c)
{
	struct scalar *known = tnum_is_const(view_bits(b, bits)) ? b : a;

	*other = known == b ? a : b;
	*c = view_bits(known, bits).value;
	return tnum_is_const(view_bits(known, bits));
}

void scalar_refine(struct scalar *a, struct scalar *b, u32 op, bool is32)
{
	u32 bits = is32 ? 32 : 64;
	struct scalar *other;
	u64 c;

	switch (op) {
	case JMP_JEQ:
		refine_equal(a, b, bits);
		break;
	case JMP_JNE:
		if (split_const(a, b, bits, &other, &c))
			refine_differ(other, c, bits);
		break;
	case JMP_JSET:
		if (split_const(a, b, bits, &other, &c))
			refine_set(other, c, bits);
		break;
	case JMP_JSET | JMP_NOT:
		if (split_const(a, b, bits, &other, &c))
			refine_not_set(other, c, bits);
		break;
	case JMP_JLT:
	case JMP_JLE:
		refine_less(a, b, op == JMP_JLT, false, bits);
		break;
	case JMP_JGT:
	case JMP_JGE:
		refine_less(b, a, op == JMP_JGT, false, bits);
		break;
	case JMP_JSLT:
	case JMP_JSLE:
		refine_less(a, b, op == JMP_JSLT, true, bits);
		break;
	case JMP_JSGT:
	case JMP_JSGE:
		refine_less(b, a, op == JMP_JSGT, true, bits);
		break;
	}
	scalar_sync(a);
	scalar_sync(b);
}

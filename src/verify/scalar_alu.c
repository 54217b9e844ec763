/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/scalar_alu.c - what an ALU insn makes of two numbers.
 *
 * Each rule gives a range that has every result, or the whole one where results may wrap apart.
 * Kernel 6.18: adjust_scalar_min_max_vals() and the scalar_min_max_*() it calls, in
 * kernel/bpf/verifier.c.
 */
#include "verify/scalar_view.h"

/* ---- rules for one width ---- */

/* Signed sums wrap on either side, so an end that wraps loses the range.  Unsigned ones keep it
 * when both ends wrap: all sums between do.  Kernel 6.17: scalar_min_max_add(). */
static void view_add(struct view *d, const struct view *s)
{
	u64 umost = view_umost(d), umin = d->umin, umax = d->umax;

	if (__builtin_add_overflow(d->smin, s->smin, &d->smin) ||
	    __builtin_add_overflow(d->smax, s->smax, &d->smax) || d->smin < view_least(d) ||
	    d->smax > view_most(d))
		view_any_signed(d);
	d->umin = (umin + s->umin) & umost;
	d->umax = (umax + s->umax) & umost;
	if (d->umin >= umin && d->umax < umax)
		view_any_unsigned(d);
}

/* Kernel 6.17: scalar_min_max_sub(). */
static void view_sub(struct view *d, const struct view *s)
{
	u64 umost = view_umost(d), umin = d->umin, umax = d->umax;

	if (__builtin_sub_overflow(d->smin, s->smax, &d->smin) ||
	    __builtin_sub_overflow(d->smax, s->smin, &d->smax) || d->smin < view_least(d) ||
	    d->smax > view_most(d))
		view_any_signed(d);
	d->umin = (umin - s->umax) & umost;
	d->umax = (umax - s->umin) & umost;
	if (umin < s->umax && umax >= s->umin)
		view_any_unsigned(d);
}

/* The extremes of a product are at corners, if none wraps.  Kernel 6.14: scalar_min_max_mul(). */
static void view_mul(struct view *d, const struct view *s)
{
	s64 corner[4], least = view_least(d), most = view_most(d), min = most, max = least;
	bool wraps = __builtin_mul_overflow(d->smin, s->smin, &corner[0]) ||
		     __builtin_mul_overflow(d->smin, s->smax, &corner[1]) ||
		     __builtin_mul_overflow(d->smax, s->smin, &corner[2]) ||
		     __builtin_mul_overflow(d->smax, s->smax, &corner[3]);

	for (u32 i = 0; !wraps && i < 4; i++) {
		wraps = corner[i] < least || corner[i] > most;
		min = MIN(min, corner[i]);
		max = MAX(max, corner[i]);
	}
	d->smin = wraps ? least : min;
	d->smax = wraps ? most : max;
	if (__builtin_mul_overflow(d->umax, s->umax, &d->umax) || d->umax > view_umost(d) ||
	    __builtin_mul_overflow(d->umin, s->umin, &d->umin) || d->umin > view_umost(d))
		view_any_unsigned(d);
}

/* Signed bounds from the unsigned ones, when those do not cross from the most to the least. */
static void view_signed_from_unsigned(struct view *d)
{
	d->smin = view_signed(d, d->umin);
	d->smax = view_signed(d, d->umax);
	if (d->smin > d->smax)
		view_any_signed(d);
}

/* Bitwise operations bound their result by its bits (t, already computed) and by the operands: AND
 * is at most either, OR at least either. */
static void view_bitwise(struct view *d, const struct view *s, enum alu_op op, struct tnum t)
{
	u64 high = t.value | t.mask;

	d->umin = op == ALU_OR ? MAX(d->umin, s->umin) : t.value;
	d->umax = op == ALU_AND ? MIN(d->umax, s->umax) : high;
	view_signed_from_unsigned(d);
}

/* A left shift keeps the order of unsigned numbers while no one goes out at the top.  The limit is
 * the kernel's, stricter by almost a bit than it had to be. */
static void view_lsh(struct view *d, u32 n)
{
	view_any_signed(d);
	if (n >= d->bits || d->umax > 1ull << (d->bits - 1 - n)) {
		view_any_unsigned(d);
		return;
	}
	d->umin <<= n;
	d->umax <<= n;
}

/* ---- insns ---- */

static void bitwise(struct scalar *d, const struct scalar *s, enum alu_op op)
{
	struct view d32 = view_get(d, 32), d64 = view_get(d, 64);
	struct view s32v = view_get(s, 32), s64v = view_get(s, 64);

	d->bits = op == ALU_AND ? tnum_and(d->bits, s->bits) :
		  op == ALU_OR  ? tnum_or(d->bits, s->bits) :
				  tnum_xor(d->bits, s->bits);
	if (scalar_is_const(s) && scalar_is_const(d)) {
		scalar_set(d, d->bits.value);
		return;
	}
	if (scalar_is_const32(s) && scalar_is_const32(d)) {
		scalar_set_low(d, (u32)d->bits.value);
	} else {
		view_bitwise(&d32, &s32v, op, tnum_subreg(d->bits));
		view_put(d, &d32);
	}
	view_bitwise(&d64, &s64v, op, d->bits);
	view_put(d, &d64);
	scalar_from_bits(d);
}

static void add_sub_mul(struct scalar *d, const struct scalar *s, enum alu_op op)
{
	for (u32 bits = 32; bits <= 64; bits += 32) {
		struct view dv = view_get(d, bits), sv = view_get(s, bits);

		if (op == ALU_ADD)
			view_add(&dv, &sv);
		else if (op == ALU_SUB)
			view_sub(&dv, &sv);
		else
			view_mul(&dv, &sv);
		view_put(d, &dv);
	}
	d->bits = op == ALU_ADD ? tnum_add(d->bits, s->bits) :
		  op == ALU_SUB ? tnum_sub(d->bits, s->bits) :
				  tnum_mul(d->bits, s->bits);
}

/* Shifts take a known amount n, less than the width.  In 64 bits the low half receives bits from
 * above or loses bits to it: it is known by the bits alone, except for what a left shift keeps.  In
 * 32 bits the 64-bit ranges come anew from the low half. */
static void lsh32(struct scalar *d, u32 n)
{
	struct view low = view_get(d, 32);

	view_lsh(&low, n);
	view_put(d, &low);
	d->bits = tnum_subreg(tnum_lsh(tnum_subreg(d->bits), (u8)n));
}

/* "<<= 32", then "s>>= 32", is how compilers sign-extend: signed bounds of the low half go up. */
static void lsh64(struct scalar *d, u32 n)
{
	struct view low = view_get(d, 32), whole = view_get(d, 64);

	view_lsh(&whole, n);
	if (n == 32) {
		whole.smin = (s64)((u64)low.smin << 32);
		whole.smax = (s64)((u64)low.smax << 32);
	}
	view_put(d, &whole);
	view_lsh(&low, n);
	view_put(d, &low);
	d->bits = tnum_lsh(d->bits, (u8)n);
}

/* A number that may be negative becomes positive: signed bounds come anew. */
static void rsh(struct scalar *d, u32 n, u32 bits)
{
	struct view v = view_get(d, bits);

	d->bits = tnum_rsh(view_bits(d, bits), (u8)n);
	v.umin >>= n;
	v.umax >>= n;
	view_any_signed(&v);
	view_put(d, &v);
}

static void arsh(struct scalar *d, u32 n, u32 bits)
{
	struct view v = view_get(d, bits);

	d->bits = tnum_arsh(view_bits(d, bits), (u8)n, (u8)bits);
	v.smin >>= n;
	v.smax >>= n;
	view_any_unsigned(&v);
	view_put(d, &v);
}

static void shift(struct scalar *d, u32 n, enum alu_op op, bool is64)
{
	u32 bits = is64 ? 64 : 32;

	if (op == ALU_LSH) {
		if (is64)
			lsh64(d, n);
		else
			lsh32(d, n);
	} else if (op == ALU_RSH) {
		rsh(d, n, bits);
	} else {
		arsh(d, n, bits);
	}
	if (!is64) {
		scalar_unbound64(d);
		scalar_low_from_bits(d);
		return;
	}
	if (op != ALU_LSH)
		scalar_unbound32(d);
	scalar_from_bits(d);
}

/* Kernel 6.18: is_safe_to_compute_dst_reg_range(). */
bool scalar_alu_known(const struct insn *i, const struct scalar *src)
{
	bool is64 = INSN_CLASS(i->code) == CLS_ALU64;
	struct view v = view_get(src, is64 ? 64 : 32);

	switch (INSN_OP(i->code)) {
	case ALU_ADD:
	case ALU_SUB:
	case ALU_NEG:
	case ALU_AND:
	case ALU_OR:
	case ALU_XOR:
	case ALU_MUL:
	case ALU_END:
		return true;
	case ALU_LSH:
	case ALU_RSH:
	case ALU_ARSH:
		return tnum_is_const(view_bits(src, v.bits)) && v.smin == v.smax &&
		       v.umin == v.umax && src->umax < v.bits;
	default:
		return false;
	}
}

void scalar_alu(const struct insn *i, struct scalar *dst, struct scalar src)
{
	bool is64 = INSN_CLASS(i->code) == CLS_ALU64;
	enum alu_op op = INSN_OP(i->code);
	struct scalar zero = scalar_const(0);

	if (!scalar_alu_known(i, &src)) {
		*dst = scalar_unknown();
		return;
	}
	switch (op) {
	case ALU_ADD:
	case ALU_SUB:
	case ALU_MUL:
		add_sub_mul(dst, &src, op);
		break;
	case ALU_NEG:
		add_sub_mul(&zero, dst, ALU_SUB);
		*dst = zero;
		break;
	case ALU_AND:
	case ALU_OR:
	case ALU_XOR:
		bitwise(dst, &src, op);
		break;
	case ALU_LSH:
	case ALU_RSH:
	case ALU_ARSH:
		shift(dst, (u32)src.umin, op, is64);
		break;
	default:
		break;
	}
	if (!is64)
		scalar_zext32(dst);
	scalar_sync(dst);
}

/* BSWAP, or to the byte order that is not the host's. */
bool scalar_end_swaps(const struct insn *i)
{
	bool to_big = INSN_SRC(i->code) == SRC_X;

	return INSN_CLASS(i->code) == CLS_ALU64 ||
	       to_big == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
}

/* Bytes in another order leave nothing of the ranges but what the bits say.  Kernel 6.18.y:
 * scalar_byte_swap(). */
void scalar_end(const struct insn *i, struct scalar *dst)
{
	if (scalar_end_swaps(i)) {
		dst->bits = i->imm == 16 ? tnum_bswap16(dst->bits) :
			    i->imm == 32 ? tnum_bswap32(dst->bits) :
					   tnum_bswap64(dst->bits);
		scalar_unbound(dst);
	}
	if (i->imm == 16 || i->imm == 32)
		scalar_zext(dst, (u32)i->imm / 8);
	scalar_sync(dst);
}

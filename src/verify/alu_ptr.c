/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/alu_ptr.c - pointers moved by numbers.
 *
 * A pointer is a base, a known offset (reg.off) and a number not known (reg.val).  Kernel 6.18:
 * adjust_ptr_min_max_vals(), check_reg_sane_offset() in kernel/bpf/verifier.c.
 */
#include "verify/alu.h"
#include "verify/log.h"
#include <errno.h>

enum { OFF_MAX = 1 << 29 }; /* kernel BPF_MAX_VAR_OFF */

/* How far pointers of a base type may be moved. */
enum moves { NOT, BY_ZERO, BY_KNOWN, FREELY };
static const u8 may_move[REG_BASE_MASK + 1] = {
	[PTR_CTX] = FREELY,         [PTR_MAP_VALUE] = FREELY, [PTR_MAP_KEY] = FREELY,
	[PTR_STACK] = FREELY,       [PTR_PACKET] = FREELY,    [PTR_PACKET_META] = FREELY,
	[PTR_TP_BUFFER] = FREELY,   [PTR_BTF] = FREELY,       [PTR_MEM] = FREELY,
	[PTR_BUF] = FREELY,         [PTR_FUNC] = FREELY,      [PTR_DYNPTR] = FREELY,
	[PTR_FLOW_KEYS] = BY_KNOWN, [PTR_MAP] = BY_ZERO,
};

static int refuse(struct verify *v, const struct insn *i, const char *what)
{
	return v_refuse_reg(v, -EACCES, WHY_ARITH, i->dst, "R%u %s", i->dst, what);
}

bool ptr_off_sane(struct verify *v, const struct reg *r, u32 type)
{
	s64 value = (s64)r->val.bits.value, min = r->val.smin;
	int err = 0;

	if (scalar_is_const(&r->val) && (value >= OFF_MAX || value <= -OFF_MAX))
		err = v_refuse(v, -EINVAL, WHY_ARITH,
			       "math between %s pointer and %lld is not allowed", log_type(v, type),
			       (long long)value);
	else if (r->off >= OFF_MAX || r->off <= -OFF_MAX)
		err = v_refuse(v, -EINVAL, WHY_ARITH, "%s pointer offset %d is not allowed",
			       log_type(v, type), r->off);
	else if (min == INT64_MIN)
		err = v_refuse(v, -EINVAL, WHY_ARITH,
			       "math between %s pointer and register with unbounded min value is "
			       "not allowed",
			       log_type(v, type));
	else if (min >= OFF_MAX || min <= -OFF_MAX)
		err = v_refuse(v, -EINVAL, WHY_ARITH,
			       "value %lld makes %s pointer be out of bounds", (long long)min,
			       log_type(v, type));
	return !err;
}

/* Ends of a range that can't be, as on a path that can't be. */
static bool off_is_absurd(const struct scalar *s)
{
	if (s->smin > s->smax || s->umin > s->umax)
		return true;
	return scalar_is_const(s) && (s->smin != s->smax || s->umin != s->umax);
}

/* A pointer of this type, by this number, with this operation? */
static int check_allowed(struct verify *v, const struct insn *i, const struct reg *ptr,
			 const struct scalar *off)
{
	u32 op = INSN_OP(i->code);
	bool known = scalar_is_const(off), ok;

	if (ptr->type & T_MAYBE_NULL)
		return v_refuse_reg(v, -EACCES, WHY_NULL, i->dst,
				    "R%u pointer arithmetic on %s prohibited, null-check it first",
				    i->dst, log_type(v, ptr->type));
	switch (may_move[REG_BASE(ptr->type)]) {
	case FREELY:
		ok = true;
		break;
	case BY_KNOWN:
		ok = known;
		break;
	case BY_ZERO:
		ok = known && off->smin == 0 && op == ALU_ADD;
		break;
	default:
		ok = false;
	}
	if (!ok)
		return v_refuse_reg(v, -EACCES, WHY_ARITH, i->dst,
				    "R%u pointer arithmetic on %s prohibited", i->dst,
				    log_type(v, ptr->type));
	return 0;
}

static int check_operation(struct verify *v, const struct insn *i, const struct reg *dst,
			   const struct reg *ptr)
{
	static const char *const text[16] = {
#define ALU(name, code, text_, result) [(code) >> 4] = text_,
#include "isa/alu.def"
#undef ALU
	};
	u32 op = INSN_OP(i->code);

	switch (op) {
	case ALU_ADD:
		return 0;
	case ALU_SUB:
		if (dst != ptr)
			return refuse(v, i, "tried to subtract pointer from scalar");
		/* not all JITs can */
		if (ptr->type == PTR_STACK)
			return refuse(v, i, "subtraction from stack pointer prohibited");
		return 0;
	case ALU_AND:
	case ALU_OR:
	case ALU_XOR:
		return v_refuse_reg(v, -EACCES, WHY_ARITH, i->dst,
				    "R%u bitwise operator %s on pointer prohibited", i->dst,
				    text[op >> 4]);
	default:
		return v_refuse_reg(v, -EACCES, WHY_ARITH, i->dst,
				    "R%u pointer arithmetic with %s operator prohibited", i->dst,
				    text[op >> 4]);
	}
}

/* Sum or difference of the unknown parts.  Unlike sums of numbers, a range of which any end wraps
 * is dropped. */
static void move_ranges(struct scalar *d, const struct scalar *p, const struct scalar *off,
			bool add)
{
	bool wraps;
	s64 s;

	d->smin = (s64)(add ? (u64)p->smin + (u64)off->smin : (u64)p->smin - (u64)off->smax);
	d->smax = (s64)(add ? (u64)p->smax + (u64)off->smax : (u64)p->smax - (u64)off->smin);
	d->umin = add ? p->umin + off->umin : p->umin - off->umax;
	d->umax = add ? p->umax + off->umax : p->umax - off->umin;
	wraps = add ? __builtin_add_overflow(p->smin, off->smin, &s) ||
			      __builtin_add_overflow(p->smax, off->smax, &s) :
		      __builtin_sub_overflow(p->smin, off->smax, &s) ||
			      __builtin_sub_overflow(p->smax, off->smin, &s);
	if (wraps) {
		d->smin = INT64_MIN;
		d->smax = INT64_MAX;
	}
	if (add ? d->umin < p->umin || d->umax < p->umax : p->umin < off->umax) {
		d->umin = 0;
		d->umax = UINT64_MAX;
	}
	d->bits = add ? tnum_add(p->bits, off->bits) : tnum_sub(p->bits, off->bits);
}

/* dst, which already is a copy of the pointer, moves.  A known number goes to the known offset, as
 * far as that holds it.  Otherwise a packet pointer gets a new identity, and what was checked of
 * the packet's length no longer holds for it, unless it moved back. */
static void move(struct verify *v, struct reg *dst, const struct scalar *off, bool add)
{
	s64 sum = add ? (s64)((u64)(s64)dst->off + (u64)off->smin) :
			(s64)((u64)(s64)dst->off - (u64)off->smin);
	struct scalar old = dst->val;

	/* 6.18 lets "past the packet's end" stand, though a step back may lead inside. */
	if (v->k->sound && type_is_pkt(dst->type) && dst->range < 0)
		dst->raw[0] = dst->raw[1] = 0;
	if (scalar_is_const(off) && sum == (s32)sum) {
		dst->off = (s32)sum;
		return;
	}
	move_ranges(&dst->val, &old, off, add);
	if (type_is_pkt(dst->type)) {
		dst->id = ++v->id_gen;
		if (add || off->smin < 0)
			dst->raw[0] = dst->raw[1] = 0;
	}
}

static int move_checked(struct verify *v, const struct insn *i, const struct reg *ptr,
			const struct reg *off, struct reg *dst)
{
	bool mask = spec_alu_needed(INSN_OP(i->code));
	struct spec_ptr masking = { 0 };
	u32 type = ptr->type;
	int err = 0;

	if (!ptr_off_sane(v, off, type) || !ptr_off_sane(v, ptr, type))
		return -EINVAL;
	if (mask)
		err = spec_ptr_before(v, i, ptr, off, dst, &masking);
	if (err)
		return err;
	/* Only now: a speculative path may have taken a copy, which must be consistent. */
	scalar_unbound32(&dst->val);
	err = check_operation(v, i, dst, ptr);
	if (err)
		return err;
	move(v, dst, &off->val, INSN_OP(i->code) == ALU_ADD);
	if (!ptr_off_sane(v, dst, type))
		return -EINVAL;
	scalar_sync(&dst->val);
	err = spec_ptr_bounds(v, i, dst);
	if (!err && mask)
		err = spec_ptr_after(v, i, dst, &masking);
	return err;
}

/* number += pointer: dst becomes the pointer.  In 6.18 it keeps what the number had for frame and
 * reference, none, so that a pointer to a function's own stack counts as one to the outermost
 * frame's. */
static void adopt(const struct verify *v, struct reg *dst, const struct reg *ptr)
{
	struct reg own = *dst;

	reg_copy(dst, ptr);
	if (v->k->sound)
		return;
	dst->frameno = own.frameno;
	dst->ref_obj_id = own.ref_obj_id;
	dst->subreg_def = own.subreg_def;
	dst->precise = own.precise;
}

int alu_ptr(struct verify *v, struct insn *i, const struct reg *ptr, const struct reg *off)
{
	struct reg *dst = v_reg(v, i->dst);
	int err;

	if (off_is_absurd(&off->val)) {
		reg_unknown(v, dst);
		return 0;
	}
	if (INSN_CLASS(i->code) != CLS_ALU64) {
		if (INSN_OP(i->code) != ALU_SUB || !v->allow_ptr_leaks)
			return refuse(v, i, "32-bit pointer arithmetic prohibited");
		reg_unknown(v, dst); /* a number that means nothing */
		return 0;
	}
	err = check_allowed(v, i, ptr, &off->val);
	if (err)
		return err;
	if (dst != ptr)
		adopt(v, dst, ptr);
	/* Untrusted memory is read by loads that can't fault, at any offset. */
	if (REG_BASE(ptr->type) == PTR_MEM && ptr->type & T_UNTRUSTED)
		return 0;
	return move_checked(v, i, ptr, off, dst);
}

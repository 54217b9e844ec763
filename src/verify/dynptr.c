/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/dynptr.c - struct bpf_dynptr in the stack: made, passed, released, destroyed.
 *
 *	fp-16 ├─ second slot ─┤    slot n - 1   type DYNPTR, first_slot false
 *	fp-24 ├─ first slot ──┤    slot n       type DYNPTR, first_slot true: what a pointer points to
 *
 * Both slots carry the dynptr's id, by which its slices (dynptr_id) are found, and its reference,
 * where it has one.  The other form is a register: PTR_DYNPTR, a const dynptr that a callback or a
 * global function was given.
 * Kernel 6.18: process_dynptr_func() and what it calls.
 */
#include "abi/helper.h"
#include "verify/call.h"
#include "verify/live.h"
#include "verify/log.h"
#include <errno.h>

enum { DYNPTR_SLOTS = 2, DYNPTR_BYTES = 16 };

/* Slot of an object of n slots that r points to, the one with the highest number.  -ERANGE: below
 * what is allocated of the stack.  Kernel 6.18: stack_slot_obj_get_spi(). */
s32 stack_obj_slot(struct verify *v, const struct reg *r, const char *kind, u32 n)
{
	s64 off, slot;

	if (!tnum_is_const(r->val.bits)) {
		v_log(v, "%s has to be at a constant offset\n", kind);
		return -EINVAL;
	}
	off = (s32)(r->off + (s64)r->val.bits.value);
	slot = (-off - 1) / 8;
	if (off % 8 || slot + 1 < (s64)n) {
		v_log(v, "cannot pass in %s at an offset=%d\n", kind, (s32)off);
		return -EINVAL;
	}
	if (slot - (s64)n + 1 < 0 || slot >= v_func(v, r)->n_slots)
		return -ERANGE;
	return (s32)slot;
}

s32 dynptr_slot(struct verify *v, const struct reg *r)
{
	return stack_obj_slot(v, r, "dynptr", DYNPTR_SLOTS);
}

static bool is_refcounted(enum dynptr_type t)
{
	return t == DYNPTR_RINGBUF;
}

/* The type that an argument's flags ask for. */
static enum dynptr_type arg_dynptr_type(u32 arg)
{
	return arg & ARG_IS_LOCAL ? DYNPTR_LOCAL :
	       arg & ARG_IS_RINGBUF ? DYNPTR_RINGBUF :
	       arg & ARGD_SKB ? DYNPTR_SKB :
	       arg & ARGD_XDP ? DYNPTR_XDP :
	       arg & ARGD_SKB_META ? DYNPTR_SKB_META : DYNPTR_INVALID;
}

static void slot_fill(struct slot *s, enum slot_type type)
{
	for (u32 i = 0; i < 8; i++)
		s->type[i] = (u8)type;
}

/* Kernel 6.18: __mark_dynptr_reg(). */
static void mark_reg(struct reg *r, enum dynptr_type t, bool first, u32 id)
{
	reg_zero_off(r);
	r->type = PTR_DYNPTR;
	r->id = id;
	r->dynptr.type = t;
	r->dynptr.first_slot = first;
}

void dynptr_mark_cb_reg(struct verify *v, struct reg *r, enum dynptr_type t)
{
	mark_reg(r, t, true, ++v->id_gen);
}

static u64 slot_mask(u32 n)
{
	return 1ull << n | 1ull << (n - 1);
}

static void forget(struct verify *v, struct frame *f, u32 n)
{
	for (u32 i = n - 1; i <= n; i++) {
		slot_fill(&f->stack[i], SLOT_INVALID);
		reg_not_init(v, &f->stack[i].reg);
	}
	live_write(v, f->frameno, slot_mask(n));
}

/* Is slot n the first of a whole dynptr? */
static bool is_whole(const struct frame *f, u32 n)
{
	if (!n || n >= f->n_slots)
		return false;
	for (u32 i = 0; i < 8; i++)
		if (f->stack[n].type[i] != SLOT_DYNPTR || f->stack[n - 1].type[i] != SLOT_DYNPTR)
			return false;
	return f->stack[n].reg.dynptr.first_slot;
}

int dynptr_overwrite(struct verify *v, struct frame *f, u32 n)
{
	struct frame *any;
	struct reg *r;
	u32 id;

	/* a dynptr's slots are all or nothing */
	if (n >= f->n_slots || f->stack[n].type[0] != SLOT_DYNPTR)
		return 0;
	if (!f->stack[n].reg.dynptr.first_slot)
		n++;
	if (!is_whole(f, n))
		return v_bug(v, "half a dynptr at slot %u", n);
	if (is_refcounted(f->stack[n].reg.dynptr.type))
		return v_refuse(v, -EINVAL, WHY_REF, "cannot overwrite referenced dynptr");
	log_changed_slot(v, n);
	log_changed_slot(v, n - 1);
	id = f->stack[n].reg.id;
	slot_fill(&f->stack[n], SLOT_INVALID);
	slot_fill(&f->stack[n - 1], SLOT_INVALID);
	STATE_EACH_REG(v->cur, any, r)
		if ((r->type == PTR_MEM || r->type == (PTR_MEM | T_MAYBE_NULL)) &&
		    r->dynptr_id == id)
			reg_invalidate(v, r);
	forget(v, f, n);
	return 0;
}

/* Kernel 6.18: mark_stack_slots_dynptr(). */
static int make(struct verify *v, const struct reg *r, u32 arg, u32 pc, u32 clone_ref)
{
	struct frame *f = v_func(v, r);
	enum dynptr_type t = arg_dynptr_type(arg);
	s32 n = dynptr_slot(v, r);
	s32 ref = (s32)clone_ref;
	u32 id;
	int err;

	if (n < 0)
		return n;
	/* the two slots may belong to two other dynptrs */
	err = dynptr_overwrite(v, f, (u32)n);
	if (!err)
		err = dynptr_overwrite(v, f, (u32)n - 1);
	if (err)
		return err;
	if (t == DYNPTR_INVALID)
		return -EINVAL;
	slot_fill(&f->stack[n], SLOT_DYNPTR);
	slot_fill(&f->stack[n - 1], SLOT_DYNPTR);
	id = ++v->id_gen;
	mark_reg(&f->stack[n].reg, t, true, id);
	mark_reg(&f->stack[n - 1].reg, t, false, id);
	if (is_refcounted(t)) {
		if (!ref)
			ref = ref_acquire(v, pc);
		if (ref < 0)
			return ref;
		f->stack[n].reg.ref_obj_id = (u32)ref;
		f->stack[n - 1].reg.ref_obj_id = (u32)ref;
	}
	live_write(v, f->frameno, slot_mask((u32)n));
	return 0;
}

/* The dynptr, its clones, and all slices go. */
int dynptr_release(struct verify *v, const struct reg *r)
{
	struct frame *f = v_func(v, r);
	u32 ref;
	s32 n;

	if (r->type == PTR_DYNPTR)
		return v_bug(v, "CONST_PTR_TO_DYNPTR cannot be released");
	n = dynptr_slot(v, r);
	if (n < 0)
		return n;
	if (!is_refcounted(f->stack[n].reg.dynptr.type)) {
		forget(v, f, (u32)n);
		return 0;
	}
	ref = f->stack[n].reg.ref_obj_id;
	ref_release(v, ref);
	for (u32 i = 1; i < f->n_slots; i++) {
		if (f->stack[i].reg.ref_obj_id != ref)
			continue;
		if (f->stack[i].type[0] != SLOT_DYNPTR)
			return v_bug(v, "misconfigured ref_obj_id");
		if (f->stack[i].reg.dynptr.first_slot)
			forget(v, f, i);
	}
	return 0;
}

/* ---- arguments ---- */

bool dynptr_is_init(struct verify *v, const struct reg *r)
{
	s32 n;

	if (r->type == PTR_DYNPTR)
		return true;
	n = dynptr_slot(v, r);
	return n >= 0 && is_whole(v_func(v, r), (u32)n);
}

/* Where a dynptr may be made: anywhere in the stack, even over another that has no reference. */
static bool is_room(struct verify *v, const struct reg *r)
{
	s32 n;

	if (r->type == PTR_DYNPTR)
		return false;
	n = dynptr_slot(v, r);
	return n >= 0 || n == -ERANGE;
}

static const struct reg *object(struct verify *v, const struct reg *r)
{
	s32 n;

	if (r->type == PTR_DYNPTR)
		return r;
	n = dynptr_slot(v, r);
	return n < 0 ? NULL : &v_func(v, r)->stack[n].reg;
}

enum dynptr_type dynptr_type_of(struct verify *v, const struct reg *r)
{
	const struct reg *o = object(v, r);

	return o ? o->dynptr.type : DYNPTR_INVALID;
}

u32 dynptr_id_of(struct verify *v, const struct reg *r)
{
	const struct reg *o = object(v, r);

	return o ? o->id : 0;
}

u32 dynptr_ref_of(struct verify *v, const struct reg *r)
{
	const struct reg *o = object(v, r);

	return o ? o->ref_obj_id : 0;
}

static int make_checked(struct verify *v, const struct reg *r, u32 regno, u32 pc, u32 arg,
			u32 clone_ref)
{
	if (!is_room(v, r))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno,
				    "Dynptr has to be an uninitialized dynptr");
	for (s32 off = 0; off < DYNPTR_BYTES; off += 8) {
		int err = mem_access(v, pc, regno, off, 8, ACC_WRITE, -1, false, false);

		if (err)
			return err;
	}
	return make(v, r, arg, pc, clone_ref);
}

static int mark_read(struct verify *v, const struct reg *r)
{
	s32 n;

	if (r->type == PTR_DYNPTR)
		return 0;
	n = dynptr_slot(v, r);
	if (n < 0)
		return n;
	return stack_obj_read(v, r->frameno, (u32)n, DYNPTR_SLOTS);
}

/* Reads all slots of an object: mark_stack_slot_obj_read(). */
int stack_obj_read(struct verify *v, u32 frameno, u32 slot, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		int err = live_read(v, frameno, v->pc, 1ull << (slot - i));

		if (err)
			return err;
		log_changed_slot(v, slot - i);
	}
	return 0;
}

int dynptr_process(struct verify *v, u32 regno, u32 pc, u32 arg, u32 clone_ref)
{
	const struct reg *r = v_reg(v, regno);
	enum dynptr_type want = arg_dynptr_type(arg);

	if (r->type != PTR_STACK && r->type != PTR_DYNPTR)
		return v_refuse_reg(v, -EINVAL, WHY_TYPE, regno, "arg#%d expected pointer to stack "
				    "or const struct bpf_dynptr", (s32)regno - 1);
	if ((arg & (ARG_UNINIT | ARG_RDONLY)) == (ARG_UNINIT | ARG_RDONLY))
		return v_bug(v, "misconfigured dynptr helper type flags");
	if (arg & ARG_UNINIT)
		return make_checked(v, r, regno, pc, arg, clone_ref);
	if (r->type == PTR_DYNPTR && !(arg & ARG_RDONLY))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno, "cannot pass pointer to const "
				    "bpf_dynptr, the helper mutates it");
	if (!dynptr_is_init(v, r))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno,
				    "Expected an initialized dynptr as arg #%d", (s32)regno - 1);
	/* any type does where none is named */
	if ((arg & ~(u32)ARG_RDONLY) != ARG_DYNPTR && dynptr_type_of(v, r) != want)
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno,
				    "Expected a dynptr of type %s as arg #%d",
				    log_dynptr_type(want), (s32)regno - 1);
	return mark_read(v, r);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/iter.c - open-coded iterators in the stack: made, advanced, destroyed.
 *
 * bpf_iter_X_next() gives an element or, at last, NULL.  The current path goes on as if it had
 * given NULL (DRAINED: the loop is left); another path is pushed where it gave an element (ACTIVE).  That
 * one comes back to the same call, and ends when its state was seen there.  Numbers that differ
 * from round to round and did not matter so far are forgotten, so that it does end.
 * Kernel 6.18: process_iter_arg(), process_iter_next_call().
 */
#include "abi/kfunc.h"
#include "verify/call.h"
#include "verify/kfunc.h"
#include "verify/live.h"
#include "verify/log.h"
#include "verify/prune.h"
#include "verify/walk.h"
#include <errno.h>
#include <stddef.h>
#include <string.h>

/* ---- slots ---- */

static s32 iter_slot(struct verify *v, const struct reg *r, u32 n)
{
	return stack_obj_slot(v, r, "iter", n);
}

static u32 count_bytes(const struct slot *s)
{
	u32 n = 0;

	for (u32 i = 0; i < 8; i++)
		n += s->type[i] == SLOT_ITER;
	return n;
}

static void fill(struct slot *s, enum slot_type type)
{
	for (u32 i = 0; i < 8; i++)
		s->type[i] = (u8)type;
}

/* May an iterator be made here?  Not over another. */
static bool is_room(struct verify *v, const struct reg *r, u32 n)
{
	s32 slot = iter_slot(v, r, n);

	if (slot == -ERANGE)
		return true;
	if (slot < 0)
		return false;
	for (u32 i = 0; i < n; i++)
		if (count_bytes(&v_func(v, r)->stack[(u32)slot - i]))
			return false;
	return true;
}

/* 0; -EINVAL: no such iterator; -EPROTO: the RCU section that it was made in has ended. */
static int is_init(struct verify *v, const struct reg *r, const struct btf *btf, u32 btf_id, u32 n)
{
	s32 slot = iter_slot(v, r, n);

	if (slot < 0)
		return -EINVAL;
	for (u32 i = 0; i < n; i++) {
		const struct slot *s = &v_func(v, r)->stack[(u32)slot - i];

		if (s->reg.type & T_UNTRUSTED)
			return -EPROTO;
		/* only the first slot has the reference */
		if (!i != !!s->reg.ref_obj_id)
			return -EINVAL;
		if (count_bytes(s) != 8 || s->reg.iter.btf != btf || s->reg.iter.btf_id != btf_id)
			return -EINVAL;
	}
	return 0;
}

static int make(struct verify *v, const struct reg *r, u32 pc, const struct btf *btf, u32 btf_id,
		u32 n, bool rcu_protected)
{
	struct frame *f = v_func(v, r);
	s32 slot = iter_slot(v, r, n), id;

	if (slot < 0)
		return slot;
	id = ref_acquire(v, pc);
	if (id < 0)
		return id;
	for (u32 i = 0; i < n; i++) {
		struct slot *s = &f->stack[(u32)slot - i];

		reg_zero_off(&s->reg);
		s->reg.type = PTR_STACK; /* there is no type of its own */
		if (rcu_protected)
			s->reg.type |= in_rcu_cs(v) ? T_RCU : T_UNTRUSTED;
		s->reg.ref_obj_id = i ? 0 : (u32)id;
		s->reg.iter.btf = btf;
		s->reg.iter.btf_id = btf_id;
		s->reg.iter.state = ITER_ACTIVE;
		s->reg.iter.depth = 0;
		fill(s, SLOT_ITER);
		live_write(v, f->frameno, 1ull << ((u32)slot - i));
		log_changed_slot(v, (u32)slot - i);
	}
	return 0;
}

static void destroy(struct verify *v, struct frame *f, u32 slot, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		struct slot *s = &f->stack[slot - i];

		if (!i)
			ref_release(v, s->reg.ref_obj_id);
		reg_not_init(v, &s->reg);
		fill(s, SLOT_INVALID);
		live_write(v, f->frameno, 1ull << (slot - i));
		log_changed_slot(v, slot - i);
	}
}

/* ---- arguments ---- */

static int arg_new(struct verify *v, u32 regno, u32 pc, const struct btf *btf, u32 btf_id, u32 n,
		   bool rcu_protected)
{
	const struct reg *r = v_reg(v, regno);

	if (!is_room(v, r, n))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno,
				    "expected uninitialized iter_%s as arg #%d",
				    log_iter_type(btf, btf_id), (s32)regno - 1);
	for (u32 off = 0; off < n * 8; off += 8) {
		int err = mem_access(v, pc, regno, (s32)off, 8, ACC_WRITE, -1, false, false);

		if (err)
			return err;
	}
	return make(v, r, pc, btf, btf_id, n, rcu_protected);
}

int iter_arg(struct verify *v, u32 regno, u32 pc, const struct btf *btf, u32 iter_btf_id,
	     u32 n_slots, enum kfunc_special which, bool is_new, bool is_next, bool is_destroy, u32 kfunc_flags,
	     u32 *frameno, u32 *slot)
{
	const struct reg *r = v_reg(v, regno);
	s32 at;
	int err;

	(void)which;
	(void)is_next;
	if (r->type != PTR_STACK)
		return v_refuse_reg(v, -EINVAL, WHY_TYPE, regno,
				    "arg#%d expected pointer to an iterator on stack",
				    (s32)regno - 1);
	if (!iter_btf_id || !n_slots || n_slots > SLOTS_MAX)
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno,
				    "expected valid iter pointer as arg #%d", (s32)regno - 1);
	if (is_new)
		return arg_new(v, regno, pc, btf, iter_btf_id, n_slots,
			       kfunc_flags & KFUNC_RCU_PROTECTED);
	err = is_init(v, r, btf, iter_btf_id, n_slots);
	if (err == -EPROTO)
		return v_refuse_reg(v, err, WHY_LOCK, regno, "expected an RCU CS when using %s",
				    kfunc_name(v, &v->insns[pc]));
	if (err)
		return v_refuse_reg(v, err, WHY_ARG, regno,
				    "expected an initialized iter_%s as arg #%d",
				    log_iter_type(btf, iter_btf_id), (s32)regno - 1);
	at = iter_slot(v, r, n_slots);
	if (at < 0)
		return at;
	err = stack_obj_read(v, r->frameno, (u32)at, n_slots);
	if (err)
		return err;
	*frameno = r->frameno;
	*slot = (u32)at;
	if (is_destroy)
		destroy(v, v_func(v, r), (u32)at, n_slots);
	return 0;
}

/* ---- next ---- */

int iter_next(struct verify *v, u32 pc, u32 frameno, u32 slot)
{
	struct state *cur = v->cur, *prev, *queued;
	struct reg *it = &cur->frame[frameno]->stack[slot].reg;
	struct reg *other;

	if (it->iter.state != ITER_ACTIVE && it->iter.state != ITER_DRAINED)
		return v_bug(v, "unexpected iterator state %d (%s)", it->iter.state,
			     log_iter_state(it->iter.state));
	if (it->iter.state == ITER_ACTIVE) {
		/* every call of next is a checkpoint */
		if (!cur->parent || cur->parent->insn_idx != pc ||
		    !state_same_calls(cur->parent, cur))
			return v_bug(v, "bad parent state for iter next call");
		/* the parent was just made here; what came round is above it */
		prev = prune_prev_entry(v, cur->parent, pc);
		queued = path_push(v, pc + 1, pc, false);
		if (!queued)
			return path_error(v);
		other = &queued->frame[frameno]->stack[slot].reg;
		other->iter.state = ITER_ACTIVE;
		other->iter.depth++;
		if (prev)
			widen_imprecise(v, prev, queued);
		reg_mark_not_null(&state_cur(queued)->regs[0]);
	}
	it->iter.state = ITER_DRAINED;
	reg_const_zero(v, v_reg(v, 0));
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/equal.c - is what an explored state knew at least as wide as what the current one knows?
 *
 * Where it is, the current path needs no walk: whatever it could do was found safe.  Ids have no
 * meaning of their own, so a table tells which old id stands for which new one.
 *
 * Kernel 6.18: states_equal(), func_states_equal(), regsafe(), stacksafe(), refsafe(),
 * widen_imprecise_scalars().
 */
#include "verify/prune.h"
#include <stddef.h>
#include <string.h>

enum { IDS_MAX = (REG_MAX + SLOTS_MAX) * FRAMES_MAX };

struct ids {
	u32 n;
	u32 temp;  /* the last number made up for a scalar without an id */
	struct {
		u32 old, cur;
	} p[IDS_MAX];
};

static bool ids_match(struct ids *ids, u32 old, u32 cur)
{
	if (!old || !cur)
		return old == cur;
	for (u32 i = 0; i < ids->n; i++) {
		if (ids->p[i].old == old)
			return ids->p[i].cur == cur;
		if (ids->p[i].cur == cur)
			return false;
	}
	if (ids->n == IDS_MAX)
		return false;
	ids->p[ids->n].old = old;
	ids->p[ids->n++].cur = cur;
	return true;
}

/* A scalar that the old state had no id for was tied to no other: whatever it is tied to now only says
 * more.  One that lost its id stands for itself.  What is a constant more than another must be so of
 * the same other. */
static bool scalar_ids_match(struct ids *ids, u32 old, u32 cur)
{
	if (!old)
		return true;
	if (!cur)
		cur = ++ids->temp;
	if (!ids_match(ids, old, cur))
		return false;
	return !(old & ID_ADD_CONST) || ids_match(ids, old & ~ID_ADD_CONST, cur & ~ID_ADD_CONST);
}

/* Everything but what follows the number: type, offset, map, ... */
static bool same_identity(const struct reg *a, const struct reg *b)
{
	return !memcmp(a, b, offsetof(struct reg, val));
}

static bool regs_exact(const struct reg *old, const struct reg *cur, struct ids *ids)
{
	return !memcmp(old, cur, offsetof(struct reg, id)) && ids_match(ids, old->id, cur->id) &&
	       ids_match(ids, old->ref_obj_id, cur->ref_obj_id);
}

static bool range_safe(const struct reg *old, const struct reg *cur)
{
	return scalar_within(&old->val, &cur->val) && tnum_in(old->val.bits, cur->val.bits);
}

static bool scalar_safe(struct verify *v, const struct reg *old, bool precise,
			const struct reg *cur, struct ids *ids, enum exact how)
{
	if (v->explore_alu_limits)
		return !memcmp(old, cur, offsetof(struct reg, id)) &&
		       scalar_ids_match(ids, old->id, cur->id);
	if (!precise && how == NOT_EXACT)
		return true;
	/* What the old number was no constant more than, nobody relied on. */
	if (old->id && (old->id ^ cur->id) & ID_ADD_CONST)
		return false;
	if (old->id & ID_ADD_CONST && old->off != cur->off)
		return false;
	return range_safe(old, cur) && scalar_ids_match(ids, old->id, cur->id);
}

/* At least as much of the packet is known to be there.  A range below 0 says that the pointer is past
 * the end, which is no less than inside. */
static bool pkt_range_safe(s32 old, s32 cur)
{
	return old < 0 || cur < 0 ? old == cur : old <= cur;
}

/* precise: did old's value matter? */
static bool reg_safe(struct verify *v, const struct reg *old, bool precise, const struct reg *cur,
		     struct ids *ids, enum exact how)
{
	if (how == EXACT)
		return regs_exact(old, cur, ids);
	if (old->type == REG_NOT_INIT && (how == NOT_EXACT || cur->type == REG_NOT_INIT))
		return true;
	if (old->type != cur->type)
		return false;
	switch (REG_BASE(old->type)) {
	case REG_SCALAR:
		return scalar_safe(v, old, precise, cur, ids, how);
	case PTR_MAP_KEY:
	case PTR_MAP_VALUE:
	case PTR_MEM:
	case PTR_BUF:
	case PTR_TP_BUFFER:
		return same_identity(old, cur) && range_safe(old, cur) &&
		       ids_match(ids, old->id, cur->id) &&
		       ids_match(ids, old->ref_obj_id, cur->ref_obj_id);
	case PTR_PACKET_META:
	case PTR_PACKET:
		return pkt_range_safe(old->range, cur->range) && old->off == cur->off &&
		       ids_match(ids, old->id, cur->id) && range_safe(old, cur);
	case PTR_STACK:
		return regs_exact(old, cur, ids) && old->frameno == cur->frameno;
	case PTR_ARENA:
		return true;
	default:
		return regs_exact(old, cur, ids);
	}
}

/* ---- stack ---- */

static bool slot_all_misc(struct verify *v, const struct slot_view *s)
{
	for (u32 i = 0; i < 8; i++)
		if (s->type[i] != SLOT_MISC &&
		    !(s->type[i] == SLOT_INVALID && v->allow_uninit_stack))
			return false;
	return true;
}

/* The number that a load of the whole slot would give: what was spilled, or an unknown one. */
static const struct reg *slot_scalar(struct verify *v, const struct slot_view *s,
				     struct reg *unknown)
{
	if (s->type[0] == SLOT_SPILL && s->reg->type == REG_SCALAR)
		return s->reg;
	if (!slot_all_misc(v, s))
		return NULL;
	memset(unknown, 0, sizeof(*unknown));
	reg_unknown_imprecise(unknown);
	return unknown;
}

/* Both slots are of one kind that has a register. */
static bool special_safe(struct verify *v, const struct slot_view *old, const struct slot_view *cur,
			 struct ids *ids, enum exact how)
{
	const struct reg *o = old->reg, *c = cur->reg;

	switch (old->type[7]) {
	case SLOT_SPILL:
		return reg_safe(v, o, old->precise, c, ids, how);
	case SLOT_DYNPTR:
		return o->dynptr.type == c->dynptr.type &&
		       o->dynptr.first_slot == c->dynptr.first_slot &&
		       ids_match(ids, o->ref_obj_id, c->ref_obj_id);
	case SLOT_ITER:
		return o->type == c->type && o->iter.btf == c->iter.btf &&
		       o->iter.btf_id == c->iter.btf_id && o->iter.state == c->iter.state &&
		       ids_match(ids, o->ref_obj_id, c->ref_obj_id);
	case SLOT_IRQ_FLAG:
		return ids_match(ids, o->ref_obj_id, c->ref_obj_id) &&
		       o->irq.class == c->irq.class;
	case SLOT_MISC:
	case SLOT_ZERO:
	case SLOT_INVALID:
		return true;
	}
	return false;
}

/* cur: NULL where its stack is smaller. */
static bool slot_safe(struct verify *v, const struct slot_view *old, const struct slot_view *cur,
		      struct ids *ids, enum exact how)
{
	struct reg unknown[2];
	const struct reg *o, *c;
	u32 i = 0;

	/* Bytes that the old state does not need come before the rest of the slot is looked at. */
	while (i < 8) {
		if (how != NOT_EXACT && (!cur || old->type[i] != cur->type[i]))
			return false;
		if (old->type[i] == SLOT_INVALID ||
		    (v->allow_uninit_stack && old->type[i] == SLOT_MISC)) {
			i++;
			continue;
		}
		if (!cur)
			return false;
		if (!i) {
			o = slot_scalar(v, old, &unknown[0]);
			c = slot_scalar(v, cur, &unknown[1]);
			if (o && c)
				return reg_safe(v, o, old->precise, c, ids, how);
		}
		if (old->type[i] == SLOT_MISC && cur->type[i] == SLOT_ZERO) {
			i++;
			continue;
		}
		if (old->type[i] != cur->type[i])
			return false;
		if (i == 7)
			return special_safe(v, old, cur, ids, how);
		i++;
	}
	return true;
}

static bool stack_safe(struct verify *v, const struct frame *old, const struct frame *cur,
		       struct ids *ids, enum exact how)
{
	for (u32 i = 0; i < old->n_slots; i++) {
		struct slot_view o = frame_slot(old, i), c;
		bool has = i < cur->n_slots;

		if (has)
			c = frame_slot(cur, i);
		if (!slot_safe(v, &o, has ? &c : NULL, ids, how))
			return false;
	}
	return true;
}

static bool refs_safe(const struct state *old, const struct state *cur, struct ids *ids)
{
	if (old->n_refs != cur->n_refs || old->active_locks != cur->active_locks ||
	    old->active_preempt_locks != cur->active_preempt_locks ||
	    old->active_rcu_locks != cur->active_rcu_locks ||
	    !ids_match(ids, old->active_irq_id, cur->active_irq_id) ||
	    !ids_match(ids, old->active_lock_id, cur->active_lock_id) ||
	    old->active_lock_ptr != cur->active_lock_ptr)
		return false;
	for (u32 i = 0; i < old->n_refs; i++) {
		const struct ref *o = &old->refs[i], *c = &cur->refs[i];

		if (!ids_match(ids, o->id, c->id) || o->kind != c->kind)
			return false;
		if (o->kind & REF_LOCK_MASK && o->ptr != c->ptr)
			return false;
	}
	return true;
}

static bool frame_safe(struct verify *v, const struct frame *old, const struct frame *cur, u32 pc,
		       struct ids *ids, enum exact how)
{
	u32 live = v->aux[pc].live_regs;

	if (old->callback_depth > cur->callback_depth)
		return false;
	for (u32 i = 0; i < REG_MAX; i++)
		if (live >> i & 1 && 
		    !reg_safe(v, frame_reg(old, i), frame_reg_precise(old, i), frame_reg(cur, i), ids,
			      how))
			return false;
	return stack_safe(v, old, cur, ids, how);
}

bool states_equal(struct verify *v, struct state *old, struct state *cur, enum exact how)
{
	struct ids ids;

	if (old->curframe != cur->curframe)
		return false;
	/* What was only speculated proves nothing for a real path. */
	if (old->speculative && !cur->speculative)
		return false;
	if (old->in_sleepable != cur->in_sleepable)
		return false;
	ids.n = 0;
	ids.temp = v->id_gen;
	if (!refs_safe(old, cur, &ids))
		return false;
	for (u32 i = 0; i <= old->curframe; i++)
		if (old->frame[i]->callsite != cur->frame[i]->callsite ||
		    !frame_safe(v, old->frame[i], cur->frame[i], state_frame_pc(old, i), &ids, how))
			return false;
	return true;
}

/* ---- forgetting ---- */

static void reg_widen(struct verify *v, const struct reg *old, bool precise, struct reg *cur,
		      struct ids *ids)
{
	if (old->type == REG_SCALAR && cur->type == REG_SCALAR && !precise && !cur->precise &&
	    !regs_exact(old, cur, ids))
		reg_unknown(v, cur);
}

void widen_imprecise(struct verify *v, const struct state *old, struct state *cur)
{
	struct ids ids = { .n = 0 };

	for (u32 fr = old->curframe + 1; fr-- > 0;) {
		const struct frame *fo = old->frame[fr];
		struct frame *fc = cur->frame[fr];
		u32 n = MIN(fo->n_slots, fc->n_slots);

		for (u32 i = 0; i < REG_MAX; i++)
			reg_widen(v, frame_reg(fo, i), frame_reg_precise(fo, i), &fc->regs[i], &ids);
		for (u32 i = 0; i < n; i++) {
			struct slot_view s = frame_slot(fo, i);

			if (s.type[7] == SLOT_SPILL && slot_is_spill(&fc->stack[i]))
				reg_widen(v, s.reg, s.precise, &fc->stack[i].reg, &ids);
		}
	}
}

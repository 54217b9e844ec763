/* SPDX-License-Identifier: BSD-2-Clause */
/* What a state of the verifier says of registers and stack, against a point of a run. */
#include "sound.h"
#include "abi/uapi.h"
#include <stdio.h>

/* Is value base + the register's offset? */
static bool at(const struct reg *r, u64 base, u64 value)
{
	return scalar_has(&r->val, value - base - (u64)(s64)r->off);
}

static bool in_map(const struct world *w, const struct reg *r, u64 value)
{
	for (u32 m = 0; m < w->s->n_maps; m++) {
		struct map_array_view view;

		if (r->map != &w->s->maps[m])
			continue;
		if (map_array_view(w->map[m], 0, &view)) {
			for (u32 k = 0; k < view.n; k++)
				if (at(r, (u64)view.base + (u64)k * view.stride, value))
					return true;
			return false;
		}
		for (u32 k = 0; k < w->values[m].n; k++)
			if (at(r, w->values[m].p[k], value))
				return true;
		return w->s->maps[m].type != BPF_MAP_TYPE_HASH || !w->values[m].n;
	}
	return true; /* an inner map */
}

/* A packet pointer, and that the bytes it may reach are there. */
static bool in_packet(const struct reg *r, u64 base, u64 end, u64 value)
{
	u64 from = value - (u64)(s64)r->off;

	if (!at(r, base, value))
		return false;
	return r->range <= 0 || (from <= end && end - from >= (u32)r->range);
}

/* outer: frames of the run outside of those that the state has. */
static bool holds(const struct world *w, const struct reg *r, u64 value, const struct point *p,
		  u32 outer)
{
	if (r->type == REG_NOT_INIT)
		return true;
	if (r->type == REG_SCALAR)
		return scalar_has(&r->val, value);
	if (type_may_be_null(r->type) && !value)
		return true;
	switch ((u32)REG_BASE(r->type)) {
	case PTR_CTX:
		return at(r, p->ctx, value);
	case PTR_STACK:
		return outer + r->frameno < p->depth && at(r, p->fp[outer + r->frameno], value);
	case PTR_MAP_VALUE:
		return in_map(w, r, value);
	case PTR_PACKET:
		return in_packet(r, p->data, p->data_end, value);
	case PTR_PACKET_META:
		return in_packet(r, p->data_meta, p->data, value);
	case PTR_PACKET_END:
		return value == p->data_end;
	default:
		return value != 0;
	}
}

static const char *describe(const struct world *w, const char *what, s32 n, u64 value,
			    const struct reg *r)
{
	static char text[400];
	const struct scalar *s = &r->val;

	if (!w->tell)
		return "";

	snprintf(text, sizeof(text),
		 "%s%d is 0x%llx (%lld), not type %u off %d: s64 [%lld, %lld] u64 [0x%llx, 0x%llx] "
		 "s32 [%d, %d] u32 [0x%x, 0x%x] bits (0x%llx; 0x%llx)",
		 what, n, (unsigned long long)value, (long long)value, r->type, r->off,
		 (long long)s->smin, (long long)s->smax, (unsigned long long)s->umin,
		 (unsigned long long)s->umax, s->smin32, s->smax32, s->umin32, s->umax32,
		 (unsigned long long)s->bits.value, (unsigned long long)s->bits.mask);
	return text;
}

/* The bytes of a slot from its lowest address on: type[7] is the first. */
static const char *slot_fault(const struct world *w, const struct frame *f, u32 slot,
			      const struct point *p, u32 outer)
{
	const struct slot *s = &f->stack[slot];
	const u8 *bytes = p->stack + STACK_MAX_BYTES - 8 * (slot + 1);
	static const struct reg zero;
	u32 spilled = 0;
	u64 value = 0;
	struct reg r;

	for (u32 k = 0; k < 8; k++) {
		if (s->type[7 - k] == SLOT_ZERO && bytes[k])
			return describe(w, "byte of fp-", (s32)(8 * (slot + 1) - k), bytes[k], &zero);
		spilled += s->type[7 - k] == SLOT_SPILL && spilled == k;
	}
	if (!spilled)
		return NULL;
	memcpy(&value, bytes, spilled);
	r = s->reg;
	if (r.type == REG_SCALAR)
		scalar_zext(&r.val, spilled); /* the slot has a part, the state the whole */
	if (!holds(w, &r, value, p, outer))
		return describe(w, "fp-", (s32)(8 * (slot + 1)), value, &r);
	return NULL;
}

const char *claims_fault(const struct world *w, const struct verify *v, const struct point *p)
{
	const struct frame *f = state_cur(v->cur);
	u32 live = v->aux[p->pc].live_regs, outer = p->depth - v->cur->curframe - 1;

	/* A global function is verified by itself, as if nobody had called it. */
	if (v->cur->curframe + 1 > p->depth || (outer && !v->cur->frame[0]->subprog))
		return "in another function";
	for (u32 r = 0; r < REG_MAX; r++)
		if ((live & 1u << r || r == REG_FP) && !holds(w, &f->regs[r], p->regs[r], p, outer))
			return describe(w, "r", (s32)r, p->regs[r], &f->regs[r]);
	for (u32 slot = 0; slot < f->n_slots; slot++) {
		const char *fault = slot_fault(w, f, slot, p, outer);

		if (fault)
			return fault;
	}
	return NULL;
}

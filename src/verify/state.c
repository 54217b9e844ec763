/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/state.c - states: made, copied, freed; stack that grows; references that are held.
 *
 * Memory is counted, since a hostile program may ask for a great many states.
 */
#include "verify/state.h"
#include "verify/env.h"
#include "verify/subprog.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_BYTES_DEFAULT = 256 << 20 };

void *v_alloc(struct verify *v, size_t size)
{
	u64 max = v->opts.max_bytes ? v->opts.max_bytes : STATE_BYTES_DEFAULT;
	void *p;

	if (v->bytes + size > max)
		return NULL;
	p = calloc(1, size);
	if (!p)
		return NULL;
	v->bytes += size;
	v->peak_bytes = MAX(v->peak_bytes, v->bytes);
	return p;
}

void v_free(struct verify *v, void *p, size_t size)
{
	if (!p)
		return;
	v->bytes -= size;
	free(p);
}

/* Makes room for n elements; what was there stays.  cap is in elements. */
static bool room(struct verify *v, void **p, u32 *cap, u32 n, size_t elem)
{
	u32 want = n;
	void *bigger;

	if (n <= *cap)
		return true;
	if (want < 2 * *cap)
		want = 2 * *cap;
	bigger = v_alloc(v, want * elem);
	if (!bigger)
		return false;
	if (*p)
		memcpy(bigger, *p, *cap * elem);
	v_free(v, *p, *cap * elem);
	*p = bigger;
	*cap = want;
	return true;
}

/* ---- frames ---- */

struct frame *frame_new(struct verify *v)
{
	return v_alloc(v, sizeof(struct frame));
}

void frame_free(struct verify *v, struct frame *f)
{
	if (!f)
		return;
	if (f->kept) {
		kept_regs_free(v, f->kept, f->n_slots);
		v_free(v, f, offsetof(struct frame, regs));
		return;
	}
	v_free(v, f->stack, f->cap_slots * sizeof(*f->stack));
	v_free(v, f, sizeof(*f));
}

void frame_init(struct verify *v, struct frame *f, s32 callsite, u32 frameno, u32 subprog)
{
	f->callsite = callsite;
	f->frameno = frameno;
	f->subprog = subprog;
	f->callback_ret = (struct retval_range){ 0, 0 };
	for (u32 i = 0; i < REG_MAX; i++) {
		reg_not_init(v, &f->regs[i]);
		f->regs[i].subreg_def = 0;
	}
	f->regs[REG_FP].type = PTR_STACK;
	reg_zero_off(&f->regs[REG_FP]);
	f->regs[REG_FP].frameno = frameno;
	v->scratched_regs = ~0u;
	v->scratched_slots = ~0ull;
}

int frame_grow(struct verify *v, struct frame *f, u32 size_bytes)
{
	u32 n = ALIGN_UP(size_bytes, 8u) / 8, old = f->n_slots;
	struct subprog *sub = &v->subprogs[f->subprog];

	if (n <= old)
		return 0;
	if (!room(v, (void **)&f->stack, &f->cap_slots, n, sizeof(*f->stack)))
		return v_nomem(v);
	memset(f->stack + old, 0, (n - old) * sizeof(*f->stack));
	f->n_slots = n;
	if (sub->stack_depth < n * 8)
		sub->stack_depth = (u16)(n * 8);
	return 0;
}

static void regs_unkeep(struct frame *dst, const struct frame *src)
{
	for (u32 i = 0; i < REG_MAX; i++) {
		dst->regs[i] = *frame_reg(src, i);
		dst->regs[i].precise = frame_reg_precise(src, i);
	}
	for (u32 i = 0; i < src->n_slots; i++) {
		struct slot_view s = frame_slot(src, i);
		struct slot *to = &dst->stack[i];

		memcpy(to->type, s.type, sizeof(to->type));
		if (s.reg)
			to->reg = *s.reg;
		else
			memset(&to->reg, 0, sizeof(to->reg));
		to->reg.precise = s.precise;
	}
}

int frame_copy(struct verify *v, struct frame *dst, const struct frame *src)
{
	struct slot *stack = dst->stack;
	u32 cap = dst->cap_slots;

	if (!room(v, (void **)&stack, &cap, src->n_slots, sizeof(*stack)))
		return v_nomem(v);
	if (src->kept)
		memcpy((void *)dst, (const void *)src, offsetof(struct frame, regs));
	else
		*dst = *src;
	dst->kept = NULL;
	dst->stack = stack;
	dst->cap_slots = cap;
	if (src->kept)
		regs_unkeep(dst, src);
	else if (src->n_slots)
		memcpy(stack, src->stack, src->n_slots * sizeof(*stack));
	return 0;
}

/* ---- states ---- */

struct state *state_new(struct verify *v)
{
	return v_alloc(v, sizeof(struct state));
}

void state_clear(struct verify *v, struct state *st)
{
	for (u32 i = 0; i < FRAMES_MAX; i++) {
		frame_free(v, st->frame[i]);
		st->frame[i] = NULL;
	}
	v_free(v, st->refs, st->cap_refs * sizeof(*st->refs));
	v_free(v, st->hist, st->cap_hist * sizeof(*st->hist));
	st->refs = NULL;
	st->hist = NULL;
	st->n_refs = st->cap_refs = st->n_hist = st->cap_hist = 0;
}

void state_free(struct verify *v, struct state *st)
{
	if (!st)
		return;
	state_clear(v, st);
	v_free(v, st, sizeof(*st));
}

int state_copy(struct verify *v, struct state *dst, const struct state *src)
{
	struct state own = *dst;

	if (!room(v, (void **)&own.refs, &own.cap_refs, src->n_refs, sizeof(*own.refs)))
		return v_nomem(v);
	dst->refs = own.refs;
	dst->cap_refs = own.cap_refs;
	if (!room(v, (void **)&own.hist, &own.cap_hist, src->n_hist, sizeof(*own.hist)))
		return v_nomem(v);
	dst->hist = own.hist;
	dst->cap_hist = own.cap_hist;
	for (u32 i = src->curframe + 1; i < FRAMES_MAX; i++) {
		frame_free(v, dst->frame[i]);
		dst->frame[i] = NULL;
	}
	for (u32 i = 0; i <= src->curframe; i++) {
		if (!dst->frame[i]) {
			dst->frame[i] = frame_new(v);
			if (!dst->frame[i])
				return v_nomem(v);
		}

		int err = frame_copy(v, dst->frame[i], src->frame[i]);

		if (err)
			return err;
	}
	own = *dst;
	*dst = *src;
	memcpy(dst->frame, own.frame, sizeof(dst->frame));
	dst->refs = own.refs;
	dst->cap_refs = own.cap_refs;
	dst->hist = own.hist;
	dst->cap_hist = own.cap_hist;
	if (src->n_refs)
		memcpy(dst->refs, src->refs, src->n_refs * sizeof(*dst->refs));
	if (src->n_hist)
		memcpy(dst->hist, src->hist, src->n_hist * sizeof(*dst->hist));
	return 0;
}

/* ---- references ---- */

static struct ref *ref_add(struct verify *v, u32 pc)
{
	struct state *st = v->cur;
	struct ref *r;

	if (!room(v, (void **)&st->refs, &st->cap_refs, st->n_refs + 1, sizeof(*st->refs))) {
		v_nomem(v);
		return NULL;
	}
	r = &st->refs[st->n_refs++];
	*r = (struct ref){ .pc = pc };
	return r;
}

s32 ref_acquire(struct verify *v, u32 pc)
{
	struct ref *r = ref_add(v, pc);

	if (!r)
		return -ENOMEM;
	r->kind = REF_PTR;
	r->id = ++v->id_gen;
	return (s32)r->id;
}

int ref_acquire_lock(struct verify *v, u32 pc, enum ref_kind kind, u32 id, const void *ptr)
{
	struct state *st = v->cur;
	struct ref *r = ref_add(v, pc);

	if (!r)
		return -ENOMEM;
	r->kind = kind;
	r->id = id;
	r->ptr = ptr;
	st->active_locks++;
	st->active_lock_id = id;
	st->active_lock_ptr = ptr;
	return 0;
}

s32 ref_acquire_irq(struct verify *v, u32 pc)
{
	struct ref *r = ref_add(v, pc);

	if (!r)
		return -ENOMEM;
	r->kind = REF_IRQ;
	r->id = ++v->id_gen;
	v->cur->active_irq_id = r->id;
	return (s32)r->id;
}

/* Order counts: locks and interrupt flags end in the reverse order of their beginning. */
static void ref_remove(struct state *st, u32 i)
{
	memmove(&st->refs[i], &st->refs[i + 1], (st->n_refs - i - 1) * sizeof(*st->refs));
	st->n_refs--;
}

int ref_drop(struct state *st, u32 id)
{
	for (u32 i = 0; i < st->n_refs; i++)
		if (st->refs[i].kind == REF_PTR && st->refs[i].id == id) {
			ref_remove(st, i);
			return 0;
		}
	return -EINVAL;
}

int ref_release_lock(struct state *st, enum ref_kind kind, u32 id, const void *ptr)
{
	const void *prev_ptr = NULL;
	u32 prev_id = 0;

	for (u32 i = 0; i < st->n_refs; i++) {
		struct ref *r = &st->refs[i];

		if (r->kind == kind && r->id == id && r->ptr == ptr) {
			ref_remove(st, i);
			st->active_locks--;
			st->active_lock_id = prev_id;
			st->active_lock_ptr = prev_ptr;
			return 0;
		}
		if (r->kind & REF_LOCK_MASK) {
			prev_id = r->id;
			prev_ptr = r->ptr;
		}
	}
	return -EINVAL;
}

int ref_release_irq(struct state *st, u32 id, u32 *later)
{
	u32 prev = 0;

	if (id != st->active_irq_id) {
		*later = st->active_irq_id;
		return -EACCES;
	}
	for (u32 i = 0; i < st->n_refs; i++) {
		if (st->refs[i].kind != REF_IRQ)
			continue;
		if (st->refs[i].id == id) {
			ref_remove(st, i);
			st->active_irq_id = prev;
			return 0;
		}
		prev = st->refs[i].id;
	}
	return -EINVAL;
}

const struct ref *ref_find_lock(const struct state *st, u32 kinds, u32 id, const void *ptr)
{
	for (u32 i = 0; i < st->n_refs; i++)
		if (st->refs[i].kind & kinds && st->refs[i].id == id && st->refs[i].ptr == ptr)
			return &st->refs[i];
	return NULL;
}

bool ref_has_ptr(const struct state *st, u32 id)
{
	for (u32 i = 0; i < st->n_refs; i++)
		if (st->refs[i].kind == REF_PTR && st->refs[i].id == id)
			return true;
	return false;
}

int ref_release(struct verify *v, u32 id)
{
	int err = ref_drop(v->cur, id);
	struct frame *f;
	struct reg *r;

	if (err)
		return err;
	STATE_EACH_REG(v->cur, f, r) {
		if (r->ref_obj_id != id)
			continue;
		if (v->allow_ptr_leaks)
			reg_unknown(v, r);
		else
			reg_not_init(v, r);
	}
	return 0;
}

/* ---- all registers ---- */

struct reg *reg_iter_next(struct reg_iter *it, struct frame **f)
{
	while (it->frame <= it->st->curframe) {
		struct frame *fr = it->st->frame[it->frame];
		u32 i = (u32)it->i++;

		*f = fr;
		if (i < REG_MAX)
			return &fr->regs[i];
		i -= REG_MAX;
		if (i >= fr->n_slots) {
			it->frame++;
			it->i = 0;
		} else if (1u << fr->stack[i].type[7] & it->mask) {
			return &fr->stack[i].reg;
		}
	}
	return NULL;
}

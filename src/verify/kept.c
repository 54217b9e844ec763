/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/kept.c - states that are kept, small: each distinct register is stored once.
 *
 *	kept state ── frame: callsite, subprogram, ... ── kept_regs
 *	                                                      regs[11] ──┐
 *	                                                      slots[]  ──┴─> pool of registers
 *
 * A kept state differs from the one before it in a few registers; all others are the same as there.  The
 * pool counts who refers to each, and has no others.  The kernel copies states whole.
 */
#include "verify/log.h"
#include <errno.h>
#include <stddef.h>
#include <string.h>

enum { BUCKETS_MIN = 256 };

struct pooled {
	struct pooled *next;
	u32 refs, hash;
	struct reg reg;
};

struct reg_pool {
	struct pooled **buckets;
	u32 n_buckets;           /* a power of two */
	u32 n;
	struct reg unset;        /* what is never read; not in the pool */
};

_Static_assert(sizeof(struct reg) % sizeof(u64) == 0, "a register is hashed by words");

static u32 reg_hash(const struct reg *r)
{
	u64 words[sizeof(*r) / sizeof(u64)], h = 0x9e3779b97f4a7c15ull;

	memcpy(words, r, sizeof(words));
	for (u32 i = 0; i < ARRAY_SIZE(words); i++) {
		h = (h ^ words[i]) * 0xff51afd7ed558ccdull;
		h ^= h >> 32;
	}
	return (u32)h;
}

static struct pooled **bucket(const struct reg_pool *p, u32 hash)
{
	return &p->buckets[hash & (p->n_buckets - 1)];
}

static bool pool_resize(struct verify *v, struct reg_pool *p, u32 n_buckets)
{
	struct pooled **old = p->buckets;
	u32 n_old = p->n_buckets;

	p->buckets = v_alloc(v, n_buckets * sizeof(*p->buckets));
	if (!p->buckets) {
		p->buckets = old;
		return false;
	}
	p->n_buckets = n_buckets;
	for (u32 i = 0; i < n_old; i++) {
		for (struct pooled *e = old[i], *next; e; e = next) {
			struct pooled **b = bucket(p, e->hash);

			next = e->next;
			e->next = *b;
			*b = e;
		}
	}
	v_free(v, old, n_old * sizeof(*old));
	return true;
}

static struct reg_pool *pool_make(struct verify *v)
{
	struct reg_pool *p = v_alloc(v, sizeof(*p));

	if (!p)
		return NULL;
	reg_not_init(v, &p->unset);
	v->pool = p;
	return p;
}

/* The pool's register that is the same as r; NULL: out of memory. */
static const struct reg *pool_get(struct verify *v, const struct reg *r)
{
	struct reg_pool *p = v->pool ? v->pool : pool_make(v);
	u32 hash = reg_hash(r);
	struct pooled *e, **b;

	if (!p || (p->n >= p->n_buckets && !pool_resize(v, p, MAX(2 * p->n_buckets,
								     (u32)BUCKETS_MIN))))
		return NULL;
	b = bucket(p, hash);
	for (e = *b; e; e = e->next) {
		if (e->hash == hash && !memcmp(&e->reg, r, sizeof(*r))) {
			e->refs++;
			return &e->reg;
		}
	}
	e = v_alloc(v, sizeof(*e));
	if (!e)
		return NULL;
	*e = (struct pooled){ .next = *b, .refs = 1, .hash = hash };
	memcpy(&e->reg, r, sizeof(*r));
	*b = e;
	p->n++;
	return &e->reg;
}

static void pool_put(struct verify *v, const struct reg *r)
{
	struct reg_pool *p = v->pool;
	struct pooled *e, **link;

	if (!r || r == &p->unset)
		return;
	e = container_of(r, struct pooled, reg);
	if (--e->refs)
		return;
	for (link = bucket(p, e->hash); *link != e; link = &(*link)->next)
		;
	*link = e->next;
	p->n--;
	v_free(v, e, sizeof(*e));
}

void reg_pool_free(struct verify *v)
{
	struct reg_pool *p = v->pool;

	if (!p)
		return;
	v_free(v, p->buckets, p->n_buckets * sizeof(*p->buckets));
	v_free(v, p, sizeof(*p));
	v->pool = NULL;
}

/* ---- frames ---- */

static size_t kept_bytes(u32 n_slots)
{
	return sizeof(struct kept_regs) + n_slots * sizeof(struct kept_slot);
}

void kept_regs_free(struct verify *v, struct kept_regs *k, u32 n_slots)
{
	for (u32 i = 0; i < REG_MAX; i++)
		pool_put(v, k->regs[i]);
	for (u32 i = 0; i < n_slots; i++)
		pool_put(v, k->slots[i].reg);
	v_free(v, k, kept_bytes(n_slots));
}

static bool slot_has_reg(const struct slot *s)
{
	return s->type[7] == SLOT_SPILL || slot_is_special(s);
}

static struct kept_regs *kept_regs_make(struct verify *v, const struct frame *f)
{
	struct kept_regs *k = v_alloc(v, kept_bytes(f->n_slots));
	bool ok = k;

	for (u32 i = 0; ok && i < REG_MAX; i++) {
		k->regs[i] = pool_get(v, &f->regs[i]);
		ok = k->regs[i];
	}
	for (u32 i = 0; ok && i < f->n_slots; i++) {
		memcpy(k->slots[i].type, f->stack[i].type, sizeof(k->slots[i].type));
		if (!slot_has_reg(&f->stack[i]))
			continue;
		k->slots[i].reg = pool_get(v, &f->stack[i].reg);
		ok = k->slots[i].reg;
	}
	if (k && !ok)
		kept_regs_free(v, k, f->n_slots);
	return ok ? k : NULL;
}

static struct frame *frame_keep(struct verify *v, const struct frame *src)
{
	enum { HEAD = offsetof(struct frame, regs) };
	struct frame *f = v_alloc(v, HEAD);

	if (!f)
		return NULL;
	memcpy((void *)f, (const void *)src, HEAD);
	f->stack = NULL;
	f->cap_slots = 0;
	f->kept = kept_regs_make(v, src);
	if (f->kept)
		return f;
	v_free(v, f, HEAD);
	return NULL;
}

int state_keep(struct verify *v, struct state *dst, const struct state *src)
{
	*dst = *src;
	memset(dst->frame, 0, sizeof(dst->frame));
	dst->cap_refs = src->n_refs;
	dst->cap_hist = src->n_hist;
	dst->refs = src->n_refs ? v_alloc(v, src->n_refs * sizeof(*dst->refs)) : NULL;
	dst->hist = src->n_hist ? v_alloc(v, src->n_hist * sizeof(*dst->hist)) : NULL;
	if (!dst->refs)
		dst->cap_refs = dst->n_refs = 0;
	if (!dst->hist)
		dst->cap_hist = dst->n_hist = 0;
	if (dst->n_refs != src->n_refs || dst->n_hist != src->n_hist)
		return v_nomem(v);
	if (src->n_refs)
		memcpy(dst->refs, src->refs, src->n_refs * sizeof(*dst->refs));
	if (src->n_hist)
		memcpy(dst->hist, src->hist, src->n_hist * sizeof(*dst->hist));
	for (u32 i = 0; i <= src->curframe; i++) {
		dst->frame[i] = frame_keep(v, src->frame[i]);
		if (!dst->frame[i])
			return v_nomem(v);
	}
	return 0;
}

void kept_reg_unset(struct verify *v, struct frame *f, u32 regno)
{
	pool_put(v, f->kept->regs[regno]);
	f->kept->regs[regno] = &v->pool->unset;
	f->kept->precise_regs &= ~(1u << regno);
}

void kept_slot_unset(struct verify *v, struct frame *f, u32 slot)
{
	struct kept_slot *s = &f->kept->slots[slot];

	pool_put(v, s->reg);
	s->reg = NULL;
	memset(s->type, SLOT_INVALID, sizeof(s->type));
	f->kept->precise_slots &= ~(1ull << slot);
}

/* ---- the log ---- */

void kept_log(struct verify *v, const struct state *st, u32 frameno)
{
	struct state whole = *st;

	whole.frame[frameno] = frame_new(v);
	if (whole.frame[frameno] && !frame_copy(v, whole.frame[frameno], st->frame[frameno]))
		log_state(v, &whole, frameno, true);
	frame_free(v, whole.frame[frameno]);
}

int state_shrink(struct verify *v, struct state *st)
{
	struct state small;
	int err = state_keep(v, &small, st);

	if (err) {
		state_clear(v, &small);
		return err;
	}
	state_clear(v, st);
	*st = small;
	return 0;
}

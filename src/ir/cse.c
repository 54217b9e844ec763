/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/cse.c - what was computed before is not computed again.
 *
 * needs: order; keeps: order.  A pure value is replaced by an equal one that dominates it: blocks
 * are visited down the tree of dominators, and the table holds what the blocks above have.  A load
 * is replaced by one of the same place in the same block, or by what was stored there, as long as
 * nothing that may write there came between.
 */
#include "base/hash.h"
#include "ir/pass.h"
#include <string.h>

enum { BUCKETS_MIN = 64 };

struct entry {
	struct entry *next;  /* of the same bucket */
	struct entry *older; /* put in before this one */
	struct val *v;
	u32 bucket;
};

struct table {
	struct entry **buckets;
	u32 mask;
	struct entry *newest, *unused;
	struct arena *a;
};

static u32 val_hash(const struct val *v)
{
	u32 h = hash_bytes(&v->imm, sizeof(v->imm), (u32)v->op * 31 + (u32)v->type + v->index);

	for (u32 i = 0; i < v->n_args; i++)
		h = hash_bytes(&v->args[i], sizeof(v->args[i]), h);
	return h;
}

static bool same(const struct val *a, const struct val *b)
{
	return a->op == b->op && a->type == b->type && a->space == b->space && a->imm == b->imm &&
	       a->index == b->index && a->n_args == b->n_args &&
	       (!a->n_args || !memcmp(a->args, b->args, a->n_args * sizeof(*a->args)));
}

/* The alloca at the bottom of a pointer, NULL: something else. */
static const struct val *base_of(const struct val *p)
{
	while (p->op == OP_PTRADD)
		p = p->args[0];
	return p->op == OP_ALLOCA ? p : NULL;
}

/* May the write at w change what the load l reads?  Two different allocas never meet. */
static bool may_change(const struct val *w, const struct val *l)
{
	const struct val *to = w->op == OP_STORE ? base_of(w->args[1]) :
			       w->op == OP_ZERO || w->op == OP_COPY ? base_of(w->args[0]) : NULL;
	const struct val *from = base_of(l->args[0]);

	if (w->op == OP_STORE && w->args[1] == l->args[0]) {
		s64 a = w->imm, b = l->imm;

		return a < b + ir_type_bytes(l->type) && b < a + ir_type_bytes(w->args[0]->type);
	}
	return !(to && from && to != from);
}

/* What a load gives, as far as its block tells: NULL where it does not. */
static struct val *known_before(struct val *l)
{
	if (l->is_volatile)
		return NULL;
	for (struct val *w = l->prev; w; w = w->prev) {
		if (w->op == OP_STORE && w->args[1] == l->args[0] && w->imm == l->imm &&
		    w->args[0]->type == l->type && !w->is_volatile)
			return w->args[0];
		if (w->op == OP_LOAD && w->args[0] == l->args[0] && w->imm == l->imm &&
		    w->type == l->type && w->space == l->space && !w->is_volatile)
			return w;
		if (op_is(w->op, OP_WRITES) && w->op != OP_ALLOCA && w->op != OP_ASSUME &&
		    may_change(w, l))
			return NULL;
	}
	return NULL;
}

static void put(struct table *t, u32 bucket, struct val *v)
{
	struct entry *e = t->unused;

	if (e)
		t->unused = e->older;
	else
		e = arena_alloc(t->a, sizeof(*e));
	*e = (struct entry){ t->buckets[bucket], t->newest, v, bucket };
	t->buckets[bucket] = t->newest = e;
}

/* Takes out what blocks have that do not dominate b. */
static void leave(struct table *t, const struct blk *b)
{
	while (t->newest && !blk_dominates(t->newest->v->blk, b)) {
		struct entry *e = t->newest;

		t->buckets[e->bucket] = e->next;
		t->newest = e->older;
		e->older = t->unused;
		t->unused = e;
	}
}

/* The equal value above; NULL: v is the first. */
static struct val *known_above(struct table *t, struct val *v)
{
	u32 bucket = val_hash(v) & t->mask;

	for (struct entry *e = t->buckets[bucket]; e; e = e->next)
		if (same(e->v, v))
			return e->v;
	put(t, bucket, v);
	return NULL;
}

static bool cse_blk(struct table *t, struct blk *b)
{
	bool changed = false;

	leave(t, b);
	for (struct val *v = b->first, *next; v; v = next) {
		struct val *by = NULL;

		next = v->next;
		for (u32 i = 0; i < v->n_args; i++)
			v->args[i] = val_resolve(v->args[i]);
		if (v->op == OP_LOAD)
			by = known_before(v);
		else if (op_is(v->op, OP_PURE) && v->op != OP_UNDEF)
			by = known_above(t, v);
		if (!by)
			continue;
		val_replace(v, by);
		val_remove(v);
		changed = true;
	}
	return changed;
}

bool pass_cse(struct fn *f)
{
	struct table t = { .a = &f->mod->arena, .mask = BUCKETS_MIN - 1 };
	struct blk **pre;
	bool changed = false;
	u32 n = 0;

	for (struct blk *b = f->entry; b; b = b->next)
		n++;
	while (t.mask < 4 * n)
		t.mask = 2 * t.mask + 1;
	t.buckets = arena_alloc(t.a, (t.mask + 1) * sizeof(*t.buckets));
	pre = arena_alloc(t.a, (n + 1) * sizeof(*pre));
	for (struct blk *b = f->entry; b; b = b->next)
		pre[b->dom_pre] = b;
	for (u32 i = 0; i < n; i++)
		changed |= cse_blk(&t, pre[i]);
	fn_resolve(f);
	return changed;
}

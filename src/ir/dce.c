/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/dce.c - values and stores that nobody sees go.
 *
 * needs: nothing; keeps: order.  What has an effect is seen, and what a seen value is made of.  A store
 * into an alloca has one only where that alloca is read or its address is taken.
 */
#include "ir/pass.h"

enum { DEAD, LIVE };

struct dce {
	VEC(struct val *) todo;
	bool failed;
};

static void see(struct dce *d, struct val *v)
{
	if (v->mark == LIVE)
		return;
	v->mark = LIVE;
	if (!vec_push(&d->todo, v))
		d->failed = true;
}

/* Writes into memory of this function alone: they count when the memory does. */
static struct val *private_target(const struct val *v)
{
	struct val *p = v->op == OP_STORE ? v->args[1] :
			v->op == OP_ZERO || v->op == OP_COPY ? v->args[0] : NULL;

	while (p && p->op == OP_PTRADD)
		p = p->args[0];
	return p && p->op == OP_ALLOCA && !v->is_volatile ? p : NULL;
}

static void drain(struct dce *d)
{
	while (d->todo.n) {
		struct val *v = d->todo.p[--d->todo.n];

		for (u32 i = 0; i < v->n_args; i++)
			see(d, v->args[i]);
	}
}

bool pass_dce(struct fn *f)
{
	struct dce d = {0};
	bool changed = false, more = true;

	for (struct blk *b = f->entry; b; b = b->next)
		for (struct val *v = b->first; v; v = v->next)
			v->mark = DEAD;
	for (struct blk *b = f->entry; b; b = b->next)
		for (struct val *v = b->first; v; v = v->next)
			if (op_is(v->op, OP_ENDS) || v->is_volatile ||
			    (op_is(v->op, OP_WRITES) && v->op != OP_ALLOCA && !private_target(v)))
				see(&d, v);
	drain(&d);
	while (more) {
		more = false;
		for (struct blk *b = f->entry; b; b = b->next)
			for (struct val *v = b->first; v; v = v->next)
				if (v->mark == DEAD && private_target(v) &&
				    private_target(v)->mark == LIVE) {
					see(&d, v);
					more = true;
				}
		drain(&d);
	}
	for (struct blk *b = f->entry; b && !d.failed; b = b->next)
		for (struct val *v = b->first, *next; v; v = next) {
			next = v->next;
			if (v->mark == LIVE)
				continue;
			val_remove(v);
			changed = true;
		}
	vec_free(&d.todo);
	return changed;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/inline.c - calls of functions that ask for it are replaced by what those do.
 *
 * needs: nothing; breaks: order.  Callees come first, so that what is put in is complete.  A function
 * that would have to be put into itself is an error.
 */
#include "ir/pass.h"
#include <errno.h>
#include <string.h>

struct inliner {
	struct fn *to;
	struct val **vals;   /* by id of the callee: its copy */
	struct blk **blks;
	struct val *call;
};

enum { UNSEEN, ACTIVE, DONE };

static struct val *copy_of(const struct inliner *in, const struct val *v)
{
	return v->op == OP_PARAM ? in->call->args[v->imm] : in->vals[v->id];
}

static void copy_values(struct inliner *in, const struct blk *from, struct blk *to)
{
	for (const struct val *v = from->first; v; v = v->next) {
		struct val *c;

		if (v->op == OP_RET)
			continue;
		if (v->op == OP_ALLOCA) {
			c = ir_alloca(in->to, (u32)v->imm, v->index);
		} else {
			c = val_new(to, v->op, v->type, v->op == OP_PHI ? 0 : v->n_args);
			c->imm = v->imm;
			c->index = v->index;
			c->space = v->space;
			c->is_signed = v->is_signed;
			c->is_volatile = v->is_volatile;
		}
		c->line = v->line;
		c->name = v->name;
		in->vals[v->id] = c;
	}
}

static void copy_edges(struct inliner *in, const struct blk *from, struct blk *to)
{
	for (u32 i = 0; i < from->preds.n; i++)
		if (!vec_push(&to->preds, in->blks[from->preds.p[i]->id]))
			return;
	for (u32 i = 0; i < 2; i++)
		to->to[i] = from->to[i] ? in->blks[from->to[i]->id] : NULL;
	for (const struct val *v = from->first; v; v = v->next) {
		struct val *c = v->op == OP_RET ? NULL : in->vals[v->id];

		for (u32 i = 0; c && i < v->n_args; i++) {
			if (v->op == OP_PHI)
				phi_add(c, copy_of(in, v->args[i]));
			else
				c->args[i] = copy_of(in, v->args[i]);
		}
	}
}

/* Everything behind the call goes into a block of its own. */
static struct blk *split(struct val *call)
{
	struct blk *b = call->blk, *rest = blk_new(b->fn);

	for (struct val *v = call->next, *next; v; v = next) {
		next = v->next;
		val_remove(v);
		val_append(rest, v);
	}
	for (u32 i = 0; i < 2; i++) {
		rest->to[i] = b->to[i];
		b->to[i] = NULL;
		for (u32 j = 0; rest->to[i] && j < rest->to[i]->preds.n; j++)
			if (rest->to[i]->preds.p[j] == b)
				rest->to[i]->preds.p[j] = rest;
	}
	return rest;
}

static void inline_call(struct val *call)
{
	struct fn *callee = call->blk->fn->mod->fns.p[call->index], *f = call->blk->fn;
	struct inliner in = { .to = f, .call = call };
	struct blk *rest = split(call), *b = call->blk;
	struct val *result = NULL;

	in.vals = arena_alloc(&f->mod->arena, callee->n_vals * sizeof(*in.vals));
	in.blks = arena_alloc(&f->mod->arena, callee->n_blks * sizeof(*in.blks));
	for (const struct blk *from = callee->entry; from; from = from->next) {
		in.blks[from->id] = blk_new(f);
		copy_values(&in, from, in.blks[from->id]);
	}
	for (const struct blk *from = callee->entry; from; from = from->next)
		copy_edges(&in, from, in.blks[from->id]);
	if (call->type != IR_VOID)
		result = ir_phi(rest, call->type);
	for (const struct blk *from = callee->entry; from; from = from->next) {
		if (from->last->op != OP_RET)
			continue;
		ir_jmp(in.blks[from->id], rest);
		if (result)
			phi_add(result, copy_of(&in, from->last->args[0]));
	}
	val_remove(call);
	ir_jmp(b, in.blks[callee->entry->id]);
	if (result) {
		result->space = call->space;
		val_replace(call, result);
	}
}

static int inline_into(struct mod *m, struct fn *f, u8 *state, struct diag *dg)
{
	if (state[f->index] == DONE)
		return 0;
	if (state[f->index] == ACTIVE)
		return diag_error(dg, (struct place){0}, -EINVAL,
				  "function '%s' calls itself, which can't be put in place", f->name);
	state[f->index] = ACTIVE;
	for (struct blk *b = f->entry; b; b = b->next)
		for (struct val *v = b->first; v; v = v->next) {
			struct fn *callee = v->op == OP_CALL ? m->fns.p[v->index] : NULL;
			int err;

			if (!callee || !callee->always_inline)
				continue;
			err = inline_into(m, callee, state, dg);
			if (err)
				return err;
			inline_call(v);
			break; /* what followed is in a later block */
		}
	fn_resolve(f);
	state[f->index] = DONE;
	return 0;
}

int pass_inline(struct mod *m, struct diag *dg)
{
	u8 *state = arena_alloc(&m->arena, m->fns.n + 1);

	for (u32 i = 0; i < m->fns.n; i++) {
		int err = inline_into(m, m->fns.p[i], state, dg);

		if (err)
			return err;
	}
	return 0;
}

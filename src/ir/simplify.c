/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/simplify.c - the graph of blocks, without detours.
 *
 * needs: nothing; breaks: order.  A branch on a constant becomes a jump, a block with one predecessor
 * that jumps nowhere else joins it, and a block that only jumps is left out.
 */
#include "ir/pass.h"
#include <string.h>

static bool has_phi(const struct blk *b)
{
	return b->first && b->first->op == OP_PHI;
}

static void make_jump(struct blk *b, u32 keep)
{
	struct blk *to = b->to[keep];

	blk_drop_edge(b, 1 - keep);
	b->to[0] = to;
	b->to[1] = NULL;
	b->last->op = OP_JMP;
	b->last->n_args = 0;
}

static bool constant_branch(struct blk *b)
{
	if (!b->last || b->last->op != OP_BR)
		return false;
	if (b->last->args[0]->op == OP_CONST) {
		make_jump(b, b->last->args[0]->imm & 1 ? 0 : 1);
		return true;
	}
	if (b->to[0] == b->to[1] && !has_phi(b->to[0])) {
		make_jump(b, 0);
		return true;
	}
	return false;
}

/* b jumps to the only block that comes from it: one block. */
static bool join(struct fn *f, struct blk *b)
{
	struct blk *to = b->to[0];

	if (!b->last || b->last->op != OP_JMP || to == b || to == f->entry || to->preds.n != 1)
		return false;
	val_remove(b->last);
	for (struct val *v = to->first, *next; v; v = next) {
		next = v->next;
		if (v->op == OP_PHI) {
			val_replace(v, v->args[0]);
			val_remove(v);
			continue;
		}
		val_remove(v);
		val_append(b, v);
	}
	for (u32 i = 0; i < 2; i++) {
		b->to[i] = to->to[i];
		for (u32 j = 0; b->to[i] && j < b->to[i]->preds.n; j++)
			if (b->to[i]->preds.p[j] == to) {
				b->to[i]->preds.p[j] = b;
				break;
			}
		to->to[i] = NULL;
	}
	to->preds.n = 0;
	to->first = to->last = NULL;
	return true;
}

/* A block that only jumps, into one without phis: whoever came here may go there at once. */
static bool thread(struct fn *f, struct blk *b)
{
	struct blk *to = b->to[0];

	if (b == f->entry || !b->first || b->first->op != OP_JMP || to == b || has_phi(to) ||
	    !b->preds.n)
		return false;
	blk_drop_edge(b, 0);
	for (u32 i = 0; i < b->preds.n; i++) {
		struct blk *p = b->preds.p[i];

		for (u32 j = 0; j < 2; j++)
			if (p->to[j] == b) {
				p->to[j] = to;
				if (!vec_push(&to->preds, p))
					return false;
				break;
			}
	}
	b->preds.n = 0;
	b->first = b->last = NULL;
	return true;
}

/* Takes blocks without values out of the layout. */
static void drop_empty(struct fn *f)
{
	struct blk **link = &f->entry, *last = NULL;

	while (*link) {
		struct blk *b = *link;

		if (!b->first) {
			vec_free(&b->preds);
			*link = b->next;
			continue;
		}
		last = b;
		link = &b->next;
	}
	f->last_blk = last;
}

void pass_simplify(struct fn *f)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (struct blk *b = f->entry; b; b = b->next) {
			if (!b->first)
				continue;
			changed |= constant_branch(b);
			while (join(f, b))
				changed = true;
			changed |= thread(f, b);
		}
		fn_resolve(f);
		drop_empty(f);
		fn_order(f);
	}
}

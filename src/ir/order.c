/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/order.c - order of blocks, dominators, loops.
 *
 * Dominators: Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm", 2001.
 */
#include "ir/ir.h"
#include <stdlib.h>
#include <string.h>

/* Blocks in reverse post-order, without recursion. */
static u32 walk(struct fn *f, struct blk **out)
{
	struct blk **stack = arena_alloc(&f->mod->arena, f->n_blks * sizeof(*stack));
	u8 *next = arena_alloc(&f->mod->arena, f->n_blks);
	u32 n = 0, depth = 0, end = f->n_blks;

	for (struct blk *b = f->entry; b; b = b->next)
		b->mark = 0;
	stack[depth++] = f->entry;
	f->entry->mark = 1;
	while (depth) {
		struct blk *b = stack[depth - 1];
		u32 i = next[b->id]++;

		if (i < 2) {
			struct blk *to = b->to[1 - i]; /* the first successor ends up first */

			if (to && !to->mark) {
				to->mark = 1;
				stack[depth++] = to;
			}
			continue;
		}
		depth--;
		out[--end] = b;
		n++;
	}
	memmove(out, out + end, n * sizeof(*out));
	return n;
}

static void pred_drop(struct blk *b, u32 i)
{
	b->preds.n--;
	memmove(&b->preds.p[i], &b->preds.p[i + 1], (b->preds.n - i) * sizeof(*b->preds.p));
	for (struct val *v = b->first; v && v->op == OP_PHI; v = v->next) {
		v->n_args--;
		memmove(&v->args[i], &v->args[i + 1], (v->n_args - i) * sizeof(*v->args));
	}
}

void blk_drop_edge(struct blk *from, u32 i)
{
	struct blk *to = from->to[i];
	/* both edges may go there; they stand in order */
	u32 skip = i == 1 && from->to[0] == to ? 1 : 0;

	for (u32 j = 0; j < to->preds.n; j++)
		if (to->preds.p[j] == from && !skip--) {
			pred_drop(to, j);
			break;
		}
	from->to[i] = NULL;
}

static struct blk *common(struct blk *a, struct blk *b)
{
	while (a != b) {
		while (a->rpo > b->rpo)
			a = a->idom;
		while (b->rpo > a->rpo)
			b = b->idom;
	}
	return a;
}

/* Preorder of the tree of dominators: whoever a block dominates is numbered right behind it.  mark is where the
 * next child's number will be. */
static void number_dominators(struct blk **order, u32 n)
{
	for (u32 i = 0; i < n; i++)
		order[i]->dom_size = 1;
	for (u32 i = n; i-- > 1;)
		order[i]->idom->dom_size += order[i]->dom_size;
	for (u32 i = 0; i < n; i++) {
		struct blk *b = order[i];

		b->dom_pre = i ? b->idom->mark : 0;
		if (i)
			b->idom->mark += b->dom_size;
		b->mark = b->dom_pre + 1;
	}
}

static void dominators(struct blk **order, u32 n)
{
	bool changed = true;

	for (u32 i = 0; i < n; i++)
		order[i]->idom = NULL;
	order[0]->idom = order[0];
	while (changed) {
		changed = false;
		for (u32 i = 1; i < n; i++) {
			struct blk *b = order[i], *dom = NULL;

			for (u32 j = 0; j < b->preds.n; j++) {
				struct blk *p = b->preds.p[j];

				if (p->idom)
					dom = dom ? common(p, dom) : p;
			}
			if (b->idom != dom) {
				b->idom = dom;
				changed = true;
			}
		}
	}
	number_dominators(order, n);
}

bool blk_dominates(const struct blk *a, const struct blk *b)
{
	return b->dom_pre - a->dom_pre < a->dom_size;
}

/* A block that a back edge goes to heads a loop; its body is what reaches that edge. */
static void loops(struct fn *f, struct blk **order, u32 n)
{
	struct blk **todo = arena_alloc(&f->mod->arena, (n + 1) * sizeof(*todo));

	for (u32 i = 0; i < n; i++) {
		order[i]->depth = 0;
		order[i]->mark = 0;
	}
	for (u32 i = 0; i < n; i++) {
		struct blk *head = order[i];
		u32 n_todo = 0, id = i + 1;

		for (u32 j = 0; j < head->preds.n; j++) {
			struct blk *p = head->preds.p[j];

			if (blk_dominates(head, p) && p->mark != id) {
				p->mark = id;
				todo[n_todo++] = p;
			}
		}
		if (!n_todo)
			continue;
		if (head->mark != id) {
			head->mark = id;
			head->depth++;
		} else {
			head->depth++; /* a loop of one block: it is its own predecessor */
			n_todo = 0;
		}
		while (n_todo) {
			struct blk *b = todo[--n_todo];

			b->depth++;
			for (u32 j = 0; j < b->preds.n; j++)
				if (b->preds.p[j]->mark != id) {
					b->preds.p[j]->mark = id;
					todo[n_todo++] = b->preds.p[j];
				}
		}
	}
}

void fn_order(struct fn *f)
{
	struct blk **order = arena_alloc(&f->mod->arena, f->n_blks * sizeof(*order));
	u32 n = walk(f, order);

	for (struct blk *b = f->entry; b; b = b->next) {
		if (b->mark)
			continue;
		b->dom_size = 0; /* dominates nothing */
		for (u32 i = 0; i < 2; i++)
			if (b->to[1 - i] && b->to[1 - i]->mark)
				blk_drop_edge(b, 1 - i);
		vec_free(&b->preds);
	}
	for (u32 i = 0; i < n; i++) {
		order[i]->rpo = i;
		order[i]->next = i + 1 < n ? order[i + 1] : NULL;
	}
	f->entry = order[0];
	f->last_blk = order[n - 1];
	dominators(order, n);
	loops(f, order, n);
}

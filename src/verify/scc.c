/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/scc.c - strongly connected parts of the graph of insns: the loops.
 *
 * Tarjan's algorithm with an explicit stack, in the variant of D. J. Pearce, "A Space-Efficient
 * Algorithm for Finding Strongly Connected Components" (2016), algorithm 3: an insn's low link takes
 * the low links of its successors, whether they were seen before or after it.  Numbers count from 1 in
 * the order in which parts are completed and show in the log; an insn alone that does not jump to
 * itself has 0.
 * Kernel 6.18: compute_scc().
 */
#include "verify/cfg.h"
#include <stdlib.h>

enum { OFF_STACK = UINT32_MAX }; /* low link of an insn whose part is complete */

struct tarjan {
	struct verify *v;
	u32 *order;         /* when an insn was first seen, from 1; 0: not yet */
	u32 *low;           /* earliest insn on the stack that it reaches */
	u32 *stack;         /* insns seen whose part is not complete */
	u32 n_stack;
	u32 *path;          /* from the root to the insn at work: the calls of the recursive form */
	u32 n_path;
	u32 n_seen, n_parts;
};

/* Takes the part that root completes off the stack, and numbers it where it is a loop. */
static void part_take(struct tarjan *t, u32 root, bool to_itself)
{
	bool loop = to_itself || t->stack[t->n_stack - 1] != root;
	u32 number = loop ? ++t->n_parts : 0, pc;

	do {
		pc = t->stack[--t->n_stack];
		t->low[pc] = OFF_STACK;
		t->v->aux[pc].scc = number;
	} while (pc != root);
}

/* Works on the insn at the path's end: goes down to a successor not yet seen, or finishes it. */
static void insn_step(struct tarjan *t)
{
	u32 pc = t->path[t->n_path - 1], succ[2], n;
	bool to_itself = false;

	if (!t->order[pc]) {
		t->order[pc] = t->low[pc] = ++t->n_seen;
		t->stack[t->n_stack++] = pc;
	}
	n = insn_successors(t->v, pc, succ);
	for (u32 i = 0; i < n; i++) {
		if (!t->order[succ[i]]) {
			t->path[t->n_path++] = succ[i];
			return;
		}
		t->low[pc] = MIN(t->low[pc], t->low[succ[i]]);
		to_itself |= succ[i] == pc;
	}
	t->n_path--;
	if (t->low[pc] == t->order[pc])
		part_take(t, pc, to_itself);
}

int cfg_scc(struct verify *v)
{
	u32 n = v->n_insns;
	u32 *mem = calloc(n, 4 * sizeof(*mem)); /* one block, four arrays */
	struct tarjan t = {
		.v = v, .order = mem, .low = mem + n, .stack = mem + 2 * n, .path = mem + 3 * n,
	};

	if (!mem)
		return v_nomem(v);
	for (u32 pc = 0; pc < n; pc++) {
		if (t.order[pc])
			continue;
		t.path[t.n_path++] = pc;
		while (t.n_path)
			insn_step(&t);
	}
	v->n_sccs = t.n_parts + 1;
	free(mem);
	return 0;
}

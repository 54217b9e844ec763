/* SPDX-License-Identifier: BSD-2-Clause */
/* ra/ra.c - gives each vreg a register that is free wherever it lives. */
#include "ra/live.h"
#include <stdlib.h>
#include <string.h>

struct alloc {
	struct arena *a;
	const struct ra_problem *p;
	struct ra_live live;
	s8 *reg;
	s8 *hint;          /* physical register that a move ties the vreg to */
	u32 *partner;      /* vreg that a move ties it to, RA_NONE */
};

static void find_hints(struct alloc *al)
{
	for (u32 i = 0; i < al->p->n_insns; i++) {
		const struct ra_insn *in = &al->p->insns[i];

		if (in->hint >= 0) {
			u32 v = in->def != RA_NONE ? in->def : in->use[0];

			if (v != RA_NONE)
				al->hint[v] = in->hint;
		}
		if (in->is_move && in->def != RA_NONE && in->use[0] != RA_NONE) {
			al->partner[in->def] = in->use[0];
			if (al->partner[in->use[0]] == RA_NONE)
				al->partner[in->use[0]] = in->def;
		}
	}
}

/* Spill code first, as it must have a register; then what a spill would cost most, over its length. */
struct order {
	u32 v;
	u64 key;
};

static int by_key(const void *x, const void *y)
{
	const struct order *a = x, *b = y;

	if (a->key != b->key)
		return a->key > b->key ? -1 : 1;
	return a->v < b->v ? -1 : 1;
}

static u32 length(const struct ra_ranges *r)
{
	u32 n = 1;

	for (const struct ra_range *p = r->first; p; p = p->next)
		n += p->to - p->from + 1;
	return n;
}

static bool is_free(const struct alloc *al, u32 v, s32 reg)
{
	return reg >= 0 && al->p->allocatable >> reg & 1 &&
	       ra_is_free(&al->live, (u32)reg, &al->live.vregs[v]);
}

static s8 choose(const struct alloc *al, u32 v)
{
	u32 partner = al->partner[v];

	if (is_free(al, v, al->hint[v]))
		return al->hint[v];
	if (partner != RA_NONE && is_free(al, v, al->reg[partner]))
		return al->reg[partner];
	if (partner != RA_NONE && is_free(al, v, al->hint[partner]))
		return al->hint[partner];
	for (u32 pass = 0; pass < 2; pass++)
		for (s8 r = 0; r < RA_REGS_MAX; r++)
			if ((al->p->saved >> r & 1) == pass && is_free(al, v, r))
				return r;
	return -1;
}

s8 *ra_allocate(struct arena *a, const struct ra_problem *p, u32 *n_spilled)
{
	struct alloc al = { .a = a, .p = p };
	struct order *order = arena_alloc(a, (p->n_vregs + 1) * sizeof(*order));
	u32 n = 0;

	al.reg = arena_alloc(a, p->n_vregs + 1);
	al.hint = arena_alloc(a, p->n_vregs + 1);
	al.partner = arena_alloc(a, (p->n_vregs + 1) * sizeof(*al.partner));
	memset(al.reg, -1, p->n_vregs + 1);
	memset(al.hint, -1, p->n_vregs + 1);
	memset(al.partner, 0xff, (p->n_vregs + 1) * sizeof(*al.partner));
	ra_live(a, p, &al.live);
	find_hints(&al);
	for (u32 v = 0; v < p->n_vregs; v++) {
		if (!al.live.vregs[v].first)
			continue;
		order[n].v = v;
		order[n++].key = p->no_spill[v] ? UINT64_MAX :
				 (u64)al.live.weight[v] * 1000 / length(&al.live.vregs[v]);
	}
	qsort(order, n, sizeof(*order), by_key);
	*n_spilled = 0;
	for (u32 i = 0; i < n; i++) {
		u32 v = order[i].v;

		al.reg[v] = choose(&al, v);
		if (al.reg[v] < 0)
			++*n_spilled;
		else
			ra_occupy(&al.live, (u32)al.reg[v], &al.live.vregs[v]);
	}
	return al.reg;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* ra/live.c - live ranges: which vregs are needed at the ends of blocks, then each block backwards. */
#include "ra/live.h"
#include <string.h>

struct sets {
	u64 *in, *out, *use, *def; /* of each block, n_words each */
	u32 n_words;
};

static bool set_has(const u64 *s, u32 i)
{
	return s[i / 64] >> (i % 64) & 1;
}

static void set_add(u64 *s, u32 i)
{
	s[i / 64] |= 1ull << (i % 64);
}

static u64 *of_blk(u64 *sets, const struct sets *s, u32 b)
{
	return sets + (size_t)b * s->n_words;
}

static void local_sets(const struct ra_problem *p, struct sets *s)
{
	for (u32 b = 0; b < p->n_blks; b++) {
		u64 *use = of_blk(s->use, s, b), *def = of_blk(s->def, s, b);

		for (u32 i = p->blks[b].first; i < p->blks[b].first + p->blks[b].n; i++) {
			const struct ra_insn *in = &p->insns[i];

			for (u32 j = 0; j < ARRAY_SIZE(in->use); j++)
				if (in->use[j] != RA_NONE && !set_has(def, in->use[j]))
					set_add(use, in->use[j]);
			if (in->def != RA_NONE)
				set_add(def, in->def);
		}
	}
}

/* in = use | (out & ~def), out = union of the successors' in. */
static void solve(const struct ra_problem *p, struct sets *s)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (u32 b = p->n_blks; b-- > 0;) {
			u64 *in = of_blk(s->in, s, b), *out = of_blk(s->out, s, b);
			const u64 *use = of_blk(s->use, s, b), *def = of_blk(s->def, s, b);

			for (u32 e = 0; e < 2; e++) {
				u32 to = p->blks[b].succ[e];

				for (u32 w = 0; to != RA_NONE && w < s->n_words; w++)
					out[w] |= of_blk(s->in, s, to)[w];
			}
			for (u32 w = 0; w < s->n_words; w++) {
				u64 now = use[w] | (out[w] & ~def[w]);

				changed |= now != in[w];
				in[w] = now;
			}
		}
	}
}

/* Ranges come in from the back: the new one is the first. */
static void add_range(struct arena *a, struct ra_ranges *r, u32 from, u32 to)
{
	struct ra_range *n;

	if (r->first && r->first->from <= to + 1) {
		r->first->from = MIN(r->first->from, from);
		r->first->to = MAX(r->first->to, to);
		return;
	}
	n = arena_alloc(a, sizeof(*n));
	*n = (struct ra_range){ from, to, r->first };
	r->first = n;
}

static u32 depth_weight(u32 depth)
{
	static const u32 weight[] = { 1, 10, 100, 1000 };

	return weight[MIN(depth, 3u)];
}

/* One block, backwards.  until[v] is where the value that lives now is needed last; ~0u: not live. */
static void blk_ranges(struct arena *a, const struct ra_problem *p, const struct sets *s, u32 b,
		       u32 *until, struct ra_live *l)
{
	u32 start = 2 * p->blks[b].first, end = 2 * (p->blks[b].first + p->blks[b].n) - 1;
	u32 phys[RA_REGS_MAX], w = depth_weight(p->blks[b].depth);

	memset(phys, 0xff, sizeof(phys));
	for (u32 v = 0; v < p->n_vregs; v++)
		until[v] = set_has(of_blk(s->out, s, b), v) ? end : ~0u;
	for (u32 i = p->blks[b].first + p->blks[b].n; i-- > p->blks[b].first;) {
		const struct ra_insn *in = &p->insns[i];

		if (in->def != RA_NONE) {
			/* a result that nobody reads still destroys its register */
			u32 to = until[in->def] == ~0u ? 2 * i + 1 : until[in->def];

			add_range(a, &l->vregs[in->def], 2 * i + 1, to);
			until[in->def] = ~0u;
			l->weight[in->def] += w;
		}
		for (u32 r = 0; r < RA_REGS_MAX; r++) {
			if (in->writes >> r & 1) {
				add_range(a, &l->fixed[r], 2 * i + 1,
					  phys[r] == ~0u ? 2 * i + 1 : phys[r]);
				phys[r] = ~0u;
			}
			if (in->reads >> r & 1 && phys[r] == ~0u)
				phys[r] = 2 * i;
		}
		for (u32 j = 0; j < ARRAY_SIZE(in->use); j++) {
			if (in->use[j] == RA_NONE)
				continue;
			if (until[in->use[j]] == ~0u)
				until[in->use[j]] = 2 * i;
			l->weight[in->use[j]] += w;
		}
	}
	for (u32 v = 0; v < p->n_vregs; v++)
		if (until[v] != ~0u)
			add_range(a, &l->vregs[v], start, until[v]);
	for (u32 r = 0; r < RA_REGS_MAX; r++)
		if (phys[r] != ~0u)
			add_range(a, &l->fixed[r], start, phys[r]);
}

void ra_live(struct arena *a, const struct ra_problem *p, struct ra_live *out)
{
	struct sets s = { .n_words = (p->n_vregs + 63) / 64 };
	size_t bytes = (size_t)p->n_blks * s.n_words * sizeof(u64);
	u32 *until = arena_alloc(a, (p->n_vregs + 1) * sizeof(*until));

	s.in = arena_alloc(a, bytes + 8);
	s.out = arena_alloc(a, bytes + 8);
	s.use = arena_alloc(a, bytes + 8);
	s.def = arena_alloc(a, bytes + 8);
	local_sets(p, &s);
	solve(p, &s);
	memset(out, 0, sizeof(*out));
	out->vregs = arena_alloc(a, (p->n_vregs + 1) * sizeof(*out->vregs));
	out->weight = arena_alloc(a, (p->n_vregs + 1) * sizeof(*out->weight));
	for (u32 b = p->n_blks; b-- > 0;)
		if (p->blks[b].n)
			blk_ranges(a, p, &s, b, until, out);
}

bool ra_overlap(const struct ra_ranges *x, const struct ra_ranges *y)
{
	const struct ra_range *p = x->first, *q = y->first;

	while (p && q) {
		if (p->from <= q->to && q->from <= p->to)
			return true;
		if (p->to < q->to)
			p = p->next;
		else
			q = q->next;
	}
	return false;
}

void ra_occupy(struct arena *a, struct ra_ranges *y, const struct ra_ranges *x)
{
	struct ra_range **link = &y->first;

	for (const struct ra_range *p = x->first; p; p = p->next) {
		struct ra_range *n = arena_alloc(a, sizeof(*n));

		while (*link && (*link)->from < p->from)
			link = &(*link)->next;
		*n = (struct ra_range){ p->from, p->to, *link };
		*link = n;
	}
}

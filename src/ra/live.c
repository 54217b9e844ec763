/* SPDX-License-Identifier: BSD-2-Clause */
/* ra/live.c - live ranges: which vregs are needed at the ends of blocks, then each block backwards.
 *
 * Most vregs live in one block alone.  Only the others, which some block reads before it writes them, are
 * members of the sets that are solved for: "globals", numbered for themselves.
 */
#include "ra/live.h"
#include <string.h>

struct sets {
	u64 *in, *out, *use, *def; /* of each block, n_words each */
	u32 n_words;
	u32 *global;               /* of each vreg: its number, RA_NONE: local */
	u32 *vreg;                 /* of each global */
	u32 n_globals;
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

static void find_globals(struct arena *a, const struct ra_problem *p, struct sets *s)
{
	u32 *written = arena_alloc(a, (p->n_vregs + 1) * sizeof(*written)); /* in block - 1 */

	s->global = arena_alloc(a, (p->n_vregs + 1) * sizeof(*s->global));
	s->vreg = arena_alloc(a, (p->n_vregs + 1) * sizeof(*s->vreg));
	memset(s->global, 0xff, (p->n_vregs + 1) * sizeof(*s->global));
	for (u32 b = 0; b < p->n_blks; b++)
		for (u32 i = p->blks[b].first; i < p->blks[b].first + p->blks[b].n; i++) {
			const struct ra_insn *in = &p->insns[i];

			for (u32 j = 0; j < ARRAY_SIZE(in->use); j++) {
				u32 v = in->use[j];

				if (v == RA_NONE || written[v] == b + 1 || s->global[v] != RA_NONE)
					continue;
				s->vreg[s->n_globals] = v;
				s->global[v] = s->n_globals++;
			}
			if (in->def != RA_NONE)
				written[in->def] = b + 1;
		}
}

static void local_sets(const struct ra_problem *p, struct sets *s)
{
	for (u32 b = 0; b < p->n_blks; b++) {
		u64 *use = of_blk(s->use, s, b), *def = of_blk(s->def, s, b);

		for (u32 i = p->blks[b].first; i < p->blks[b].first + p->blks[b].n; i++) {
			const struct ra_insn *in = &p->insns[i];

			for (u32 j = 0; j < ARRAY_SIZE(in->use); j++) {
				u32 g = in->use[j] != RA_NONE ? s->global[in->use[j]] : RA_NONE;

				if (g != RA_NONE && !set_has(def, g))
					set_add(use, g);
			}
			if (in->def != RA_NONE && s->global[in->def] != RA_NONE)
				set_add(def, s->global[in->def]);
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

/* The bits of a word that a range from position `from` to `to` covers. */
static u64 word_bits(u32 word, u32 from, u32 to)
{
	u32 low = word * 64 < from ? from % 64 : 0, high = to / 64 == word ? to % 64 : 63;

	return (UINT64_MAX << low) & (UINT64_MAX >> (63 - high));
}

static void take(u64 *taken, u32 from, u32 to)
{
	for (u32 w = from / 64; w <= to / 64; w++)
		taken[w] |= word_bits(w, from, to);
}

static u32 depth_weight(u32 depth)
{
	static const u32 weight[] = { 1, 10, 100, 1000 };

	return weight[MIN(depth, 3u)];
}

/* The physical registers of an insn.  phys[r] is where what it holds is needed last; ~0u: nowhere. */
static void take_phys(const struct ra_insn *in, u32 i, u32 *phys, struct ra_live *l)
{
	for (u32 r = 0; r < RA_REGS_MAX; r++) {
		if (in->writes >> r & 1) {
			take(l->taken[r], 2 * i + 1, phys[r] == ~0u ? 2 * i + 1 : phys[r]);
			phys[r] = ~0u;
		}
		if (in->reads >> r & 1 && phys[r] == ~0u)
			phys[r] = 2 * i;
	}
}

/* One block, backwards.  until[v] is where the value that lives now is needed last; ~0u: not live, as for
 * every vreg between two blocks. */
static void blk_ranges(struct arena *a, const struct ra_problem *p, const struct sets *s, u32 b,
		       u32 *until, struct ra_live *l)
{
	u32 start = 2 * p->blks[b].first, end = 2 * (p->blks[b].first + p->blks[b].n) - 1;
	u32 phys[RA_REGS_MAX], w = depth_weight(p->blks[b].depth);
	const u64 *live_in = of_blk(s->in, s, b), *live_out = of_blk(s->out, s, b);

	memset(phys, 0xff, sizeof(phys));
	for (u32 word = 0; word < s->n_words; word++)
		for (u64 bits = live_out[word]; bits; bits &= bits - 1)
			until[s->vreg[word * 64 + (u32)__builtin_ctzll(bits)]] = end;
	for (u32 i = p->blks[b].first + p->blks[b].n; i-- > p->blks[b].first;) {
		const struct ra_insn *in = &p->insns[i];

		if (in->def != RA_NONE) {
			/* a result that nobody reads still destroys its register */
			u32 to = until[in->def] == ~0u ? 2 * i + 1 : until[in->def];

			add_range(a, &l->vregs[in->def], 2 * i + 1, to);
			until[in->def] = ~0u;
			l->weight[in->def] += w;
		}
		if (in->reads | in->writes)
			take_phys(in, i, phys, l);
		for (u32 j = 0; j < ARRAY_SIZE(in->use); j++) {
			if (in->use[j] == RA_NONE)
				continue;
			if (until[in->use[j]] == ~0u)
				until[in->use[j]] = 2 * i;
			l->weight[in->use[j]] += w;
		}
	}
	for (u32 word = 0; word < s->n_words; word++)
		for (u64 bits = live_in[word]; bits; bits &= bits - 1) {
			u32 v = s->vreg[word * 64 + (u32)__builtin_ctzll(bits)];

			add_range(a, &l->vregs[v], start, until[v]);
			until[v] = ~0u;
		}
	for (u32 r = 0; r < RA_REGS_MAX; r++)
		if (phys[r] != ~0u)
			take(l->taken[r], start, phys[r]);
}

void ra_live(struct arena *a, const struct ra_problem *p, struct ra_live *out)
{
	struct sets s = {0};
	u32 *until = arena_alloc(a, (p->n_vregs + 1) * sizeof(*until));
	size_t bytes;

	find_globals(a, p, &s);
	s.n_words = (s.n_globals + 63) / 64;
	bytes = (size_t)p->n_blks * s.n_words * sizeof(u64);
	s.in = arena_alloc(a, bytes + 8);
	s.out = arena_alloc(a, bytes + 8);
	s.use = arena_alloc(a, bytes + 8);
	s.def = arena_alloc(a, bytes + 8);
	local_sets(p, &s);
	solve(p, &s);
	memset(out, 0, sizeof(*out));
	memset(until, 0xff, (p->n_vregs + 1) * sizeof(*until));
	out->vregs = arena_alloc(a, (p->n_vregs + 1) * sizeof(*out->vregs));
	out->weight = arena_alloc(a, (p->n_vregs + 1) * sizeof(*out->weight));
	for (u32 r = 0; r < RA_REGS_MAX; r++)
		out->taken[r] = arena_alloc(a, (2 * p->n_insns / 64 + 1) * sizeof(u64));
	for (u32 b = p->n_blks; b-- > 0;)
		if (p->blks[b].n)
			blk_ranges(a, p, &s, b, until, out);
}

bool ra_is_free(const struct ra_live *l, u32 reg, const struct ra_ranges *x)
{
	for (const struct ra_range *p = x->first; p; p = p->next)
		for (u32 w = p->from / 64; w <= p->to / 64; w++)
			if (l->taken[reg][w] & word_bits(w, p->from, p->to))
				return false;
	return true;
}

void ra_occupy(struct ra_live *l, u32 reg, const struct ra_ranges *x)
{
	for (const struct ra_range *p = x->first; p; p = p->next)
		take(l->taken[reg], p->from, p->to);
}

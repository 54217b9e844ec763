/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/loop.c - visits of strongly connected parts of the program.
 *
 * A state inside a loop is kept before all paths through the loop are known, so its precision marks
 * are incomplete.  When a path meets an equal state there, it is remembered as a back edge of the
 * visit; when the visit ends (the state that entered has no paths left), marks are carried along the
 * back edges until none changes.
 * A part is visited once per call chain that leads to it.
 *
 * Kernel 6.18: struct bpf_scc_info, maybe_enter_scc(), maybe_exit_scc(), add_scc_backedge(),
 * propagate_backedges().
 */
#include "verify/log.h"
#include "verify/prune.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct backedge {
	struct backedge *next;
	struct state st;
};

struct chain {
	u32 callsites[FRAMES_MAX - 1];
	u32 scc;
};

struct visit {
	struct chain chain;
	struct state *entry;      /* borrowed; NULL: no visit under way */
	struct backedge *edges;   /* owned */
	u32 n_edges;
};

struct loops {
	struct loop {
		VEC(struct visit) visits;
	} *of;                    /* by scc number */
	u32 n;
	u32 n_edges;              /* of all visits, for the peak of states */
};

enum { PASSES_MAX = 64 }; /* kernel MAX_BACKEDGE_ITERS */

int loops_init(struct verify *v)
{
	struct loops *l = calloc(1, sizeof(*l));

	if (!l)
		return v_nomem(v);
	l->n = v->n_sccs + 1;
	l->of = calloc(l->n, sizeof(*l->of));
	v->loops = l;
	return l->of ? 0 : v_nomem(v);
}

static void edges_free(struct verify *v, struct visit *vi)
{
	while (vi->edges) {
		struct backedge *e = vi->edges;

		vi->edges = e->next;
		state_clear(v, &e->st);
		v_free(v, e, sizeof(*e));
	}
	vi->n_edges = 0;
}

void loops_free(struct verify *v)
{
	struct loops *l = v->loops;

	if (!l)
		return;
	for (u32 i = 0; l->of && i < l->n; i++) {
		for (u32 j = 0; j < l->of[i].visits.n; j++)
			edges_free(v, &l->of[i].visits.p[j]);
		vec_free(&l->of[i].visits);
	}
	free(l->of);
	free(l);
	v->loops = NULL;
}

u32 loops_n_edges(const struct verify *v)
{
	return v->loops ? v->loops->n_edges : 0;
}

/* The outermost frame of st that is inside a part, with the calls that lead to it.  False: none. */
static bool chain_of(struct verify *v, const struct state *st, struct chain *c)
{
	memset(c, 0, sizeof(*c));
	for (u32 i = 0; i <= st->curframe; i++) {
		u32 pc = state_frame_pc(st, i), scc = v->aux[pc].scc;

		if (scc) {
			c->scc = scc;
			return true;
		}
		if (i < st->curframe)
			c->callsites[i] = pc;
	}
	return false;
}

static struct visit *visit_find(struct verify *v, const struct chain *c)
{
	struct loop *l = &v->loops->of[c->scc];

	for (u32 i = 0; i < l->visits.n; i++)
		if (!memcmp(&l->visits.p[i].chain, c, sizeof(*c)))
			return &l->visits.p[i];
	return NULL;
}

/* "(7,12,1)": call sites, then the part. */
static const char *chain_text(const struct chain *c, char *out, size_t size)
{
	int n = snprintf(out, size, "(");

	for (u32 i = 0; i < ARRAY_SIZE(c->callsites) && c->callsites[i]; i++)
		n += snprintf(out + n, size - (size_t)n, "%u,", c->callsites[i]);
	snprintf(out + n, size - (size_t)n, "%u)", c->scc);
	return out;
}
enum { CHAIN_TEXT_MAX = 12 * (FRAMES_MAX + 2) };

static void chain_log(struct verify *v, const char *what, const struct chain *c)
{
	char text[CHAIN_TEXT_MAX];

	if (v->opts.log_level & VERIFY_LOG2)
		v_log(v, "SCC %s %s\n", what, chain_text(c, text, sizeof(text)));
}

int loops_enter(struct verify *v, struct state *st)
{
	struct visit *vi;
	struct chain c;

	if (!chain_of(v, st, &c))
		return 0;
	vi = visit_find(v, &c);
	if (!vi) {
		vi = vec_add(&v->loops->of[c.scc].visits);
		if (!vi)
			return v_nomem(v);
		vi->chain = c;
	}
	if (!vi->entry) {
		vi->entry = st;
		chain_log(v, "enter", &c);
	}
	return 0;
}

/* Carries precision marks along the back edges until nothing changes; gives up after many passes by
 * taking every number of those states as precise. */
static int edges_propagate(struct verify *v, struct visit *vi)
{
	u32 passes = 0;
	bool changed = true;

	while (changed) {
		if (passes++ > PASSES_MAX) {
			if (v->opts.log_level & VERIFY_LOG2)
				v_log(v, "propagate_backedges: too many iterations\n");
			for (struct backedge *e = vi->edges; e; e = e->next)
				precise_all(v, &e->st);
			break;
		}
		changed = false;
		for (struct backedge *e = vi->edges; e; e = e->next) {
			int err = precise_propagate(v, e->st.equal_state, &e->st, &changed);

			if (err)
				return err;
		}
	}
	edges_free(v, vi);
	return 0;
}

int loops_exit(struct verify *v, struct state *st)
{
	struct visit *vi;
	char text[CHAIN_TEXT_MAX];
	struct chain c;

	if (!chain_of(v, st, &c))
		return 0;
	vi = visit_find(v, &c);
	if (!vi)
		return st->speculative ? 0 : v_bug(v, "scc exit: no visit info for call chain %s",
						   chain_text(&c, text, sizeof(text)));
	if (vi->entry != st)
		return 0;
	chain_log(v, "exit", &c);
	vi->entry = NULL;
	v->loops->n_edges -= vi->n_edges;
	vi->n_edges = 0;
	prune_peak(v);
	return edges_propagate(v, vi);
}

int loops_add_backedge(struct verify *v, struct state *st, u32 pc)
{
	struct backedge *e;
	struct visit *vi;
	char text[CHAIN_TEXT_MAX];
	struct chain c;

	if (!chain_of(v, st, &c))
		return v_bug(v, "add backedge: no SCC in verification path, insn_idx %u", pc);
	vi = visit_find(v, &c);
	if (!vi)
		return v_bug(v, "add backedge: no visit info for call chain %s",
			     chain_text(&c, text, sizeof(text)));
	e = v_alloc(v, sizeof(*e));
	if (!e)
		return v_nomem(v);
	chain_log(v, "backedge", &c);
	e->next = vi->edges;
	vi->edges = e;
	vi->n_edges++;
	v->loops->n_edges++;
	prune_peak(v);

	int err = state_keep(v, &e->st, v->cur);

	e->st.equal_state = st;
	e->st.insn_idx = pc;
	return err;
}

bool loops_incomplete_read_marks(struct verify *v, struct state *st)
{
	struct visit *vi;
	struct chain c;

	if (!chain_of(v, st, &c))
		return false;
	vi = visit_find(v, &c);
	return vi && vi->edges;
}

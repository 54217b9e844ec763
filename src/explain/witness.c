/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/witness.c - the search for a failing input. */
#include "explain/witness.h"
#include <errno.h>
#include <time.h>

enum { ROUNDS_MAX = 400, TRIES = 400 };

void witness_free(struct witness *w)
{
	if (!w)
		return;
	plan_free(&w->plan);
	inputs_free(&w->in);
	free(w);
}

bool witness_is_about_run(enum verify_reason why)
{
	switch (why) {
	case WHY_UNINIT:
	case WHY_BOUNDS:
	case WHY_NULL:
	case WHY_TYPE:
	case WHY_STACK:
	case WHY_ARITH:
	case WHY_RETURN:
	case WHY_REF:
	case WHY_LOOP:
		return true;
	default:
		return false;
	}
}

static u64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

/* ---- the search ---- */

struct search {
	struct witness *w;
	const struct trial_path *path;
	struct exprs e;
	u64 deadline;
};

static bool run(struct search *s, const struct trial_path *path, bool past)
{
	trial_run(&s->w->plan, path, past, &s->e, &s->w->out);
	return s->w->out.outcome == TRIAL_FAULT;
}

/* A fault counts that happens where the verifier refused, or behind it on the same way. */
static bool counts(const struct search *s)
{
	const struct trial_out *o = &s->w->out;

	return o->outcome == TRIAL_FAULT &&
	       (o->pc == s->w->plan.target || o->n_steps == s->path->steps.n);
}

/* At the target without a fault: each goal is tried in turn, from the same inputs. */
static bool try_goals(struct search *s, const struct trial_out at)
{
	struct inputs *in = &s->w->in;
	u32 n_conds = s->e.conds.n, n_bytes = in->bytes.n;
	u8 *before = malloc((size_t)n_bytes + 1);
	bool found = false;

	if (!before)
		return false;
	memcpy(before, in->bytes.p, n_bytes);
	for (u32 g = 0; g < at.n_goals && !found && now_ms() < s->deadline; g++) {
		s->e.conds.n = n_conds;
		vec_push(&s->e.conds, at.goals[g]);
		if (exprs_solve(&s->e, TRIES * 4)) {
			found = (run(s, s->path, false) && counts(s)) ||
				(run(s, s->path, true) && counts(s));
			if (found)
				break;
			/* the run made new expressions: back to those of the goals */
			memcpy(in->bytes.p, before, n_bytes);
			run(s, s->path, false);
			n_conds = s->e.conds.n;
			if (s->w->out.outcome != TRIAL_AT_TARGET)
				break;
			continue;
		}
		memcpy(in->bytes.p, before, n_bytes);
	}
	free(before);
	return found;
}

static bool search(struct search *s)
{
	for (u32 i = 0; i < ROUNDS_MAX && now_ms() < s->deadline; i++) {
		if (run(s, s->path, false))
			return counts(s);
		switch (s->w->out.outcome) {
		case TRIAL_DIVERGED:
			if (!exprs_solve(&s->e, TRIES))
				return false;
			continue;
		case TRIAL_AT_TARGET:
			if (try_goals(s, s->w->out))
				return true;
			break;
		default:
			break;
		}
		if (s->w->plan.goal == GOAL_ENDLESS)
			return run(s, NULL, true) && s->w->out.fault == FAULT_ENDLESS;
		/* what the target does may show only later */
		return run(s, s->path, true) && counts(s);
	}
	return false;
}

int witness_find(const struct verify_prog *p, const struct profile *k,
		 const struct verify_result *r, u32 budget_ms, struct witness **out)
{
	struct trial_path path = { 0 };
	struct witness *w;
	int err;

	if (!r->err || !witness_is_about_run(r->why))
		return -ENOTSUP;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	err = plan_make(p, k, r, &w->plan, &path);
	if (!err) {
		struct search s = { .w = w, .path = &path, .e = { .in = &w->in, .seed = 1 },
				    .deadline = now_ms() + budget_ms };

		err = search(&s) ? 0 : -ENOENT;
		exprs_free(&s.e);
	}
	vec_free(&path.steps);
	if (err)
		witness_free(w);
	else
		*out = w;
	return err;
}

int witness_replay(struct witness *w)
{
	struct exprs e = { .in = &w->in, .seed = 1 };
	u32 pc = w->out.pc;

	trial_run(&w->plan, NULL, true, &e, &w->out);
	exprs_free(&e);
	return w->out.outcome == TRIAL_FAULT && w->out.pc == pc ? 0 : -ENOENT;
}

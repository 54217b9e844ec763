/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/prune.c - states kept at insns where paths meet, and the question whether one like the current
 * was seen.
 *
 *	explored.at[(insn ^ callsite) % n]  lists of kept states, newest first
 *	explored.dropped                    no longer compared, but parents of states that live
 *
 * Kernel 6.18: is_state_visited(), clean_live_states(), update_branch_counts().
 */
#include "verify/prune.h"
#include "verify/jmp.h"
#include "verify/live.h"
#include "verify/log.h"
#include "verify/walk.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
	HIST_MAX = 40,          /* a longer history asks for a checkpoint */
	UNPRIV_STATES_MAX = 64, /* kernel BPF_COMPLEXITY_LIMIT_STATES */
};

struct kept {
	struct state st;
	struct kept *next, **link; /* in its list; link points at what points at it */
	u32 hits, misses;
	bool dropped;
};

struct explored {
	struct kept **at;
	u32 n;
	struct kept *dropped;
};

int prune_init(struct verify *v)
{
	struct explored *e = calloc(1, sizeof(*e));

	if (!e)
		return v_nomem(v);
	e->n = v->n_insns;
	e->at = calloc(e->n, sizeof(*e->at));
	v->explored = e;
	return e->at ? 0 : v_nomem(v);
}

static void list_add(struct kept **head, struct kept *k)
{
	k->next = *head;
	k->link = head;
	if (k->next)
		k->next->link = &k->next;
	*head = k;
}

static void list_remove(struct kept *k)
{
	*k->link = k->next;
	if (k->next)
		k->next->link = k->link;
}

static void kept_free(struct verify *v, struct kept *k)
{
	list_remove(k);
	state_clear(v, &k->st);
	v_free(v, k, sizeof(*k));
}

void prune_free(struct verify *v)
{
	struct explored *e = v->explored;

	if (!e)
		return;
	for (u32 i = 0; e->at && i < e->n; i++)
		while (e->at[i])
			kept_free(v, e->at[i]);
	while (e->dropped)
		kept_free(v, e->dropped);
	free(e->at);
	free(e);
	v->explored = NULL;
}

void prune_peak(struct verify *v)
{
	u32 now = v->n_kept_states + v->n_dropped_states + loops_n_edges(v);

	v->peak_states = MAX(v->peak_states, now);
}

static struct kept **list_at(struct verify *v, u32 pc)
{
	u32 callsite = (u32)state_cur(v->cur)->callsite;

	return &v->explored->at[(pc ^ callsite) % v->explored->n];
}

/* A state that nobody compares with, and that has neither paths nor open back edges, is of no use. */
static void free_if_unused(struct verify *v, struct kept *k)
{
	if (!k->dropped || k->st.branches || loops_incomplete_read_marks(v, &k->st))
		return;
	kept_free(v, k);
	v->n_dropped_states--;
}

int prune_path_ended(struct verify *v, struct state *st)
{
	struct kept *k = NULL;

	while (st) {
		struct state *parent = st->parent;
		int err;

		st->branches--;
		if (st->branches)
			break;
		err = loops_exit(v, st);
		if (err)
			return err;
		if (k)
			free_if_unused(v, k);
		k = parent ? container_of(parent, struct kept, st) : NULL;
		st = parent;
	}
	return 0;
}

/* ---- what is never read again ---- */

static void frame_clean(struct verify *v, struct frame *f, u32 pc)
{
	u32 live = v->aux[pc].live_regs;

	for (u32 i = 0; i < REG_FP; i++)
		if (!(live >> i & 1))
			kept_reg_unset(v, f, i);
	for (u32 i = 0; i < f->n_slots; i++)
		if (!live_slot(v, f->frameno, i))
			kept_slot_unset(v, f, i);
}

bool state_same_calls(const struct state *a, const struct state *b)
{
	if (a->curframe != b->curframe)
		return false;
	for (u32 i = 0; i <= a->curframe; i++)
		if (a->frame[i]->callsite != b->frame[i]->callsite)
			return false;
	return true;
}

/* Takes from finished states at pc what nobody reads, so that more states are equal to them. */
static int clean_list(struct verify *v, struct kept *k, u32 pc)
{
	for (; k; k = k->next) {
		int err;

		if (k->st.branches || k->st.insn_idx != pc || !state_same_calls(&k->st, v->cur) ||
		    k->st.cleaned || loops_incomplete_read_marks(v, &k->st))
			continue;
		err = live_query_begin(v, &k->st);
		if (err)
			return err;
		k->st.cleaned = true;
		for (u32 i = 0; i <= k->st.curframe; i++)
			frame_clean(v, k->st.frame[i], state_frame_pc(&k->st, i));
	}
	return 0;
}

struct state *prune_prev_entry(struct verify *v, const struct state *cur, u32 pc)
{
	for (struct kept *k = *list_at(v, pc); k; k = k->next)
		if (k->st.insn_idx == pc && k->st.branches && state_same_calls(&k->st, cur) &&
		    k->st.dfs_depth < cur->dfs_depth)
			return &k->st;
	return NULL;
}

/* ---- loops without end ---- */

static bool maybe_looping(const struct state *old, const struct state *cur)
{
	u32 n = cur->curframe;

	if (old->curframe != n)
		return false;
	for (u32 i = 0; i < REG_MAX; i++)
		if (memcmp(frame_reg(old->frame[n], i), &cur->frame[n]->regs[i],
			   offsetof(struct reg, frameno)))
			return false;
	return true;
}

/* An iterator that moved on makes the difference, though states are equal. */
static bool iter_depths_differ(const struct state *old, const struct state *cur)
{
	for (u32 fr = 0; fr <= old->curframe; fr++) {
		const struct frame *f = old->frame[fr];

		for (u32 i = 0; i < f->n_slots; i++) {
			struct slot_view o = frame_slot(f, i);

			if (o.type[0] != SLOT_ITER || o.reg->iter.state != ITER_ACTIVE)
				continue;
			if (i >= cur->frame[fr]->n_slots ||
			    o.reg->iter.depth != cur->frame[fr]->stack[i].reg.iter.depth)
				return true;
		}
	}
	return false;
}

static int endless(struct verify *v, struct state *old, u32 pc)
{
	log_line(v, pc, "; ");
	v_refuse(v, -EINVAL, WHY_LOOP, "infinite loop detected at insn %u", pc);
	v_log(v, "cur state:");
	log_state(v, v->cur, v->cur->curframe, true);
	v_log(v, "old state:");
	kept_log(v, old, v->cur->curframe);
	return -EINVAL;
}

/* ---- one kept state that is still being explored ---- */

enum found { FOUND_NOT, FOUND_HIT, FOUND_LOOP };

static bool iter_is_active(struct verify *v)
{
	struct reg *r = v_reg(v, 1);
	struct frame *f = v_func(v, r);
	s64 off = r->off + (s64)r->val.bits.value;
	u32 slot = (u32)(-off - 1) / 8;

	return off < 0 && slot < f->n_slots && f->stack[slot].reg.iter.state == ITER_ACTIVE;
}

/* Its paths lead to here, so this is a loop: one that ends by itself (iterator, callback, may_goto)
 * may be cut when nothing new is known, any other must make progress. */
static int compare_open(struct verify *v, struct state *old, u32 pc, enum found *found,
			bool *sparse)
{
	struct state *cur = v->cur;
	const struct insn_aux *aux = &v->aux[pc];
	struct frame *f = state_cur(old);

	*found = FOUND_NOT;
	*sparse = true;
	if (f->in_async_callback && f->async_entry_cnt != state_cur(cur)->async_entry_cnt)
		return 0;
	if (aux->is_iter_next) {
		if (states_equal(v, old, cur, RANGE_WITHIN) && iter_is_active(v))
			*found = FOUND_LOOP;
		return 0;
	}
	if (v->insns[pc].code == (CLS_JMP | JMP_JCOND) &&
	    old->may_goto_depth != cur->may_goto_depth && states_equal(v, old, cur, RANGE_WITHIN)) {
		*found = FOUND_LOOP;
		return 0;
	}
	/* No back edge: an insn that calls back is in no part of its own, as later kernels have it. */
	if (aux->calls_callback) {
		if (states_equal(v, old, cur, RANGE_WITHIN))
			*found = FOUND_HIT;
		return 0;
	}
	if (maybe_looping(old, cur) && states_equal(v, old, cur, EXACT) &&
	    !iter_depths_differ(old, cur) && old->may_goto_depth == cur->may_goto_depth &&
	    old->callback_unroll_depth == cur->callback_unroll_depth)
		return endless(v, old, pc);
	return 0;
}

/* The current path ends here, as the one that old was the state of went on from here. */
static int hit(struct verify *v, struct kept *k, u32 pc, bool loop)
{
	int err = 0;

	k->hits++;
	if (v->aux[pc].jmp_point)
		err = hist_push(v, v->cur, 0, 0);
	if (!err)
		err = precise_propagate(v, &k->st, v->cur, NULL);
	if (!err && loop)
		err = loops_add_backedge(v, &k->st, pc);
	return err ? err : 1;
}

/* ---- keeping ---- */

static void drop(struct verify *v, struct kept *k)
{
	list_remove(k);
	list_add(&v->explored->dropped, k);
	k->dropped = true;
	v->n_kept_states--;
	v->n_dropped_states++;
	free_if_unused(v, k);
}

static int keep(struct verify *v, struct kept **head, u32 pc)
{
	struct state *cur = v->cur;
	struct kept *k = v_alloc(v, sizeof(*k));
	int err;

	if (!k)
		return v_nomem(v);
	v->total_states++;
	v->n_kept_states++;
	prune_peak(v);
	v->prev_jmps = v->jmps;
	v->prev_processed = v->processed;
	if (v->bpf_capable)
		imprecise_all(cur);
	list_add(head, k);
	err = state_keep(v, &k->st, cur);
	if (err)
		return err;
	k->st.insn_idx = pc;
	err = loops_enter(v, &k->st);
	if (err)
		return err;
	cur->parent = &k->st;
	cur->first_pc = pc;
	cur->dfs_depth = k->st.dfs_depth + 1;
	cur->n_hist = 0;
	return 0;
}

int prune_visit(struct verify *v, u32 pc)
{
	struct state *cur = v->cur;
	struct kept **head = list_at(v, pc), *next;
	bool forced = v->test_state_freq || v->aux[pc].force_checkpoint || cur->n_hist > HIST_MAX;
	bool add = forced || (v->jmps - v->prev_jmps >= 2 && v->processed - v->prev_processed >= 8);
	u32 n_states = 0;
	int err = clean_list(v, *head, pc);

	if (err)
		return err;
	for (struct kept *k = *head; k; k = next) {
		enum found found = FOUND_NOT;
		bool sparse = false;

		next = k->next;
		n_states++;
		if (k->st.insn_idx != pc)
			continue;
		if (k->st.branches) {
			err = compare_open(v, &k->st, pc, &found, &sparse);
			if (err)
				return err;
		} else if (v->opts.unpruned) {
			drop(v, k);
			continue;
		} else {
			bool loop = loops_incomplete_read_marks(v, &k->st);

			if (states_equal(v, &k->st, cur, loop ? RANGE_WITHIN : NOT_EXACT))
				found = loop ? FOUND_LOOP : FOUND_HIT;
		}
		if (found)
			return hit(v, k, pc, found == FOUND_LOOP);
		if (sparse && !forced && v->jmps - v->prev_jmps < 20 &&
		    v->processed - v->prev_processed < 100)
			add = false;
		if (add)
			k->misses++;

		u32 patience = v->aux[pc].force_checkpoint && k->st.branches ? 64 : 3;

		if (k->misses > k->hits * patience + patience)
			drop(v, k);
	}
	v->max_states_per_insn = MAX(v->max_states_per_insn, n_states);
	if (!v->bpf_capable && n_states > UNPRIV_STATES_MAX)
		return 0;
	return add ? keep(v, head, pc) : 0;
}

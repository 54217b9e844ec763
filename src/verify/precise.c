/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/precise.c - which numbers mattered: marked precise in the states that the path came through.
 *
 * A number matters where something was decided by it: a pointer's offset, a branch known to be taken, a
 * size.  From there the path is gone back, insn by insn over the history and state by state over
 * the checkpoints, to every register and slot that the number was made of.  States that were kept
 * must then match in those, and in those only (equal.c).  The current state needs no marks: it is
 * marked when it is compared with or continued from, not before.
 * Kernel 6.18: mark_chain_precision(), propagate_precision(); the kernel's comment there tells why that
 * is sound.
 */
#include "verify/backtrack.h"
#include "verify/log.h"
#include "verify/prune.h"
#include <errno.h>
#include <string.h>

enum { ARG_REGS = 0x3e }; /* r1..r5 */

int precise_init(struct verify *v)
{
	v->bt = arena_alloc(&v->arena, sizeof(*v->bt));
	return 0;
}

void precise_free(struct verify *v)
{
	v->bt = NULL; /* the arena's */
}

void precise_want_reg(struct verify *v, u32 frame, u32 regno)
{
	back_want_reg(v->bt, frame, regno);
}

void precise_want_slot(struct verify *v, u32 frame, u32 slot)
{
	back_want_slot(v->bt, frame, slot);
}

static bool wants_nothing(const struct backtrack *bt)
{
	u64 any = 0;

	for (u32 i = 0; i <= bt->frame; i++)
		any |= bt->regs[i] | bt->slots[i];
	return !any;
}

struct hist *hist_find(struct state *st, u32 end, u32 pc)
{
	return end && st->hist[end - 1].pc == pc ? &st->hist[end - 1] : NULL;
}

/* The insn before pc within st; *end counts the history before it.  -ENOENT: pc was its first.
 *
 * A loop may come by its first insn several times: only without history is it the beginning.  An entry
 * of the first insn itself is the jump from the parent's last insn.  get_prev_insn_idx(). */
static s32 pc_before(const struct state *st, s32 pc, u32 *end)
{
	const struct hist *last = *end ? &st->hist[*end - 1] : NULL;

	if (pc == (s32)st->first_pc && (!last || (*end == 1 && (s32)last->pc == pc)))
		return -ENOENT;
	if (!last || (s32)last->pc != pc)
		return pc - 1;
	--*end;
	return (s32)last->prev_pc;
}

/* ---- all scalars at once ---- */

static void forced_log(struct verify *v, u32 frame, const char *kind, s32 n)
{
	if (log_states_on(v))
		v_log(v, "force_precise: frame%u: forcing %s%d to be precise\n", frame, kind, n);
}

/* Every number that a frame of a kept state holds. */
static void frame_force(struct verify *v, struct frame *f, u32 frame)
{
	struct kept_regs *k = f->kept;

	for (u32 r = 0; k && r < REG_FP; r++) {
		if (k->regs[r]->type != REG_SCALAR || frame_reg_precise(f, r))
			continue;
		k->precise_regs |= 1u << r;
		forced_log(v, frame, "r", (s32)r);
	}
	for (u32 i = 0; k && i < f->n_slots; i++) {
		struct slot_view s = frame_slot(f, i);

		if (!slot_view_is_scalar(&s) || s.precise)
			continue;
		k->precise_slots |= 1ull << i;
		forced_log(v, frame, "fp", -8 * ((s32)i + 1));
	}
}

/* Where this was done before, it was done from there to the beginning. */
void precise_all(struct verify *v, struct state *st)
{
	if (log_states_on(v))
		v_log(v, "mark_precise: frame%u: falling back to forcing all scalars precise\n",
		      st->curframe);
	for (st = st->parent; st && !st->all_precise; st = st->parent) {
		for (u32 i = 0; i <= st->curframe; i++)
			frame_force(v, st->frame[i], i);
		st->all_precise = true;
	}
}

void imprecise_all(struct state *st)
{
	for (u32 i = 0; i <= st->curframe; i++) {
		struct frame *f = st->frame[i];

		for (u32 r = 0; r < REG_FP; r++)
			if (f->regs[r].type == REG_SCALAR)
				f->regs[r].precise = false;
		for (u32 s = 0; s < f->n_slots; s++)
			if (slot_is_scalar_spill(&f->stack[s]))
				f->stack[s].reg.precise = false;
	}
}

/* ---- going back ---- */

/* Where the path began: a global function verified alone, whose arguments are r1..r5. */
static int entry_reached(struct verify *v, struct state *st, bool *changed)
{
	struct backtrack *bt = v->bt;
	const struct frame *f = st->frame[0];
	u32 *regs = &bt->regs[bt->frame];

	if (st->curframe || !f->subprog || f->callsite != -1 || bt->slots[bt->frame] ||
	    *regs & ~ARG_REGS)
		return v_bug(v, "backtracking func entry subprog %u reg_mask %x stack_mask %llx",
			     f->subprog, *regs, (unsigned long long)bt->slots[bt->frame]);
	for (u32 r = 1; r <= 5; r++) {
		if (!(*regs >> r & 1) || frame_reg(f, r)->type != REG_SCALAR || !f->kept)
			continue;
		f->kept->precise_regs |= 1u << r;
		*changed = true;
	}
	*regs = 0;
	return 0;
}

/* Marks what is wanted in a frame of a checkpoint that was reached.  What is no number or was marked
 * before need not be followed further. */
static int frame_mark(struct verify *v, struct state *st, u32 frame, bool *changed)
{
	struct backtrack *bt = v->bt;
	struct frame *f = st->frame[frame];
	struct kept_regs *k = f->kept;

	for (u32 mask = bt->regs[frame]; mask; mask &= mask - 1) {
		u32 r = (u32)__builtin_ctz(mask);

		if (k->regs[r]->type != REG_SCALAR || frame_reg_precise(f, r))
			bt->regs[frame] &= ~(1u << r);
	}
	for (u64 mask = bt->slots[frame]; mask; mask &= mask - 1) {
		u32 i = (u32)__builtin_ctzll(mask);
		struct slot_view s;

		if (i >= f->n_slots)
			return v_bug(v, "stack slot %u, total slots %u", i, f->n_slots);
		s = frame_slot(f, i);
		if (!slot_view_is_scalar(&s) || s.precise)
			bt->slots[frame] &= ~(1ull << i);
	}
	*changed |= bt->regs[frame] || bt->slots[frame];
	k->precise_regs |= bt->regs[frame];
	k->precise_slots |= bt->slots[frame];
	if (!log_states_on(v))
		return 0;
	v_log(v, "mark_precise: frame%u: parent state ", frame);
	back_log(v, frame);
	v_log(v, ": ");
	kept_log(v, st, frame);
	return 0;
}

static int checkpoint_mark(struct verify *v, struct state *st, bool *changed)
{
	for (u32 frame = v->bt->frame + 1; frame-- > 0;) {
		int err = frame > st->curframe || !st->frame[frame]->kept ?
				  v_bug(v, "backtracking frame %u of %u", frame, st->curframe) :
				  frame_mark(v, st, frame, changed);

		if (err)
			return err;
	}
	return 0;
}

/* How far going back has come. */
struct trail {
	s32 pc;             /* insn to go on at */
	s32 later;          /* the insn that was executed after it, -1: none */
	bool first;         /* pc is where it began: it has not been executed */
};

/* Goes over st's insns from t->pc down to its first.  0: come to its first, or nothing is wanted
 * any more. */
static int state_walk(struct verify *v, struct state *st, struct trail *t)
{
	u32 end = st->n_hist;

	for (;;) {
		int ret = t->first ? 0 : back_insn(v, (u32)t->pc, t->later,
						   hist_find(st, end, (u32)t->pc));

		t->first = false;
		if (ret || wants_nothing(v->bt))
			return ret;
		t->later = t->pc;
		t->pc = pc_before(st, t->pc, &end);
		if (t->pc == -ENOENT)
			return 0;
		if ((u32)t->pc >= v->n_insns)
			return v_bug(v, "backtracking idx %d", t->pc);
	}
}

static int give_up(struct verify *v, struct state *start)
{
	precise_all(v, start);
	memset(v->bt, 0, sizeof(*v->bt));
	return 0;
}

/* Marks what is wanted, starting at start's current insn.  __mark_chain_precision(). */
static int chain_mark(struct verify *v, struct state *start, bool *changed)
{
	struct trail t = { .pc = (s32)start->insn_idx, .later = -1, .first = true };
	s32 first = (s32)start->first_pc;
	struct state *st = start;

	while (st) {
		int ret;

		if (log_states_on(v))
			v_log(v, "mark_precise: frame%u: last_idx %d first_idx %d subseq_idx %d \n",
			      v->bt->frame, t.pc, first, t.later);
		if (t.pc < 0)
			return entry_reached(v, st, changed);
		ret = state_walk(v, st, &t);
		if (ret == BACK_NOT_KNOWN)
			return give_up(v, start);
		if (ret || wants_nothing(v->bt))
			return ret;
		st = st->parent;
		if (!st)
			break;
		ret = checkpoint_mark(v, st, changed);
		if (ret || wants_nothing(v->bt))
			return ret;
		t.later = first;
		t.pc = (s32)st->last_pc;
		first = (s32)st->first_pc;
	}
	/* Something was missed, as an access to the stack through another register may be. */
	return give_up(v, start);
}

int precise_reg_in(struct verify *v, struct state *st, u32 regno, bool *changed)
{
	bool ignored = false;

	if (!v->bpf_capable)
		return 0;
	v->bt->frame = st->curframe;
	if (state_cur(st)->regs[regno].type != REG_SCALAR)
		return v_bug(v, "backtracking misuse");
	back_want_reg(v->bt, st->curframe, regno);
	return chain_mark(v, st, changed ? changed : &ignored);
}

int precise_reg(struct verify *v, u32 regno)
{
	return precise_reg_in(v, v->cur, regno, NULL);
}

static int batch_mark(struct verify *v, struct state *st, bool *changed)
{
	if (!v->bpf_capable)
		return 0;
	v->bt->frame = st->curframe;
	return wants_nothing(v->bt) ? 0 : chain_mark(v, st, changed);
}

int precise_batch(struct verify *v, struct state *starting_state)
{
	bool ignored = false;

	return batch_mark(v, starting_state, &ignored);
}

/* ---- from a state that was kept ---- */

/* Notes one register or slot to propagate, and logs it in the list of its frame. */
static void propagate_one(struct verify *v, u32 frame, const char *kind, s32 n, bool *any)
{
	if (log_states_on(v)) {
		if (!*any)
			v_log(v, "frame %u: propagating %s%d", frame, kind, n);
		else
			v_log(v, ",%s%d", kind, n);
	}
	*any = true;
}

int precise_propagate(struct verify *v, const struct state *old, struct state *cur, bool *changed)
{
	bool ignored = false;

	for (u32 i = old->curframe + 1; i-- > 0;) {
		const struct frame *f = old->frame[i];
		bool any = false;

		for (u32 r = 0; r < REG_FP; r++) {
			if (frame_reg(f, r)->type != REG_SCALAR || !frame_reg_precise(f, r))
				continue;
			propagate_one(v, i, "r", (s32)r, &any);
			back_want_reg(v->bt, i, r);
		}
		for (u32 n = 0; n < f->n_slots; n++) {
			struct slot_view s = frame_slot(f, n);

			if (!slot_view_is_scalar(&s) || !s.precise)
				continue;
			propagate_one(v, i, "fp", -8 * ((s32)n + 1), &any);
			back_want_slot(v->bt, i, n);
		}
		if (any)
			v_log(v, "\n");
	}
	return batch_mark(v, cur, changed ? changed : &ignored);
}

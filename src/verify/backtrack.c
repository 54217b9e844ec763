/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/backtrack.c - one insn back: whose values did it use to make those that matter?
 *
 * dst = src moves the wish from dst to src, dst = 5 ends it, dst += src adds src to it; a fill moves it
 * to the slot, a spill from the slot to the register.  Which slot a load or store met, and which
 * registers a comparison narrowed together, is in the history.  Calls move between frames: going
 * back, an exit enters the callee and a call leaves it.
 * Kernel 6.18: backtrack_insn().
 */
#include "verify/backtrack.h"
#include "verify/call.h"
#include "verify/jmp.h"
#include "verify/log.h"
#include "verify/subprog.h"
#include <errno.h>

enum { ARG_REGS = 0x3e }; /* r1..r5 */

static u32 *regs_here(struct backtrack *bt)
{
	return &bt->regs[bt->frame];
}

static bool want_has(const struct backtrack *bt, u32 regno)
{
	return bt->regs[bt->frame] >> regno & 1;
}

static void want_drop(struct backtrack *bt, u32 regno)
{
	bt->regs[bt->frame] &= ~(1u << regno);
}

static void want_add(struct backtrack *bt, u32 regno)
{
	back_want_reg(bt, bt->frame, regno);
}

static int frame_down(struct verify *v) /* bt_subprog_enter() */
{
	if (v->bt->frame == FRAMES_MAX - 1)
		return v_bug(v, "subprog enter from frame %u", v->bt->frame);
	v->bt->frame++;
	return 0;
}

static int frame_up(struct verify *v) /* bt_subprog_exit() */
{
	if (!v->bt->frame)
		return v_bug(v, "subprog exit from frame 0");
	v->bt->frame--;
	return 0;
}

void back_log(struct verify *v, u32 frame)
{
	struct str s = {0};

	str_add(&s, "regs=");
	log_reg_mask(&s, v->bt->regs[frame]);
	str_add(&s, " stack=");
	log_slot_mask(&s, v->bt->slots[frame]);
	log_text(v, &s);
	str_free(&s);
}

/* Registers and slots that a comparison narrowed together: where one matters, all do.
 * bt_sync_linked_regs(). */
static void linked_want(struct backtrack *bt, const struct hist *h)
{
	struct linked_regs l;
	bool any = false;

	if (!h || !h->linked)
		return;
	linked_unpack(h->linked, &l);
	for (u32 i = 0; i < l.n; i++) {
		const struct linked_reg *r = &l.p[i];

		any |= r->is_slot ? bt->slots[r->frameno] >> r->index & 1 :
				    bt->regs[r->frameno] >> r->index & 1;
	}
	for (u32 i = 0; any && i < l.n; i++) {
		if (l.p[i].is_slot)
			back_want_slot(bt, l.p[i].frameno, l.p[i].index);
		else
			back_want_reg(bt, l.p[i].frameno, l.p[i].index);
	}
}

static void back_alu(struct backtrack *bt, const struct insn *i)
{
	u32 op = INSN_OP(i->code);

	if (!want_has(bt, i->dst) || op == ALU_END || op == ALU_NEG)
		return;
	if (op == ALU_MOV)
		want_drop(bt, i->dst);
	if (INSN_SRC(i->code) == SRC_X && i->src != REG_FP)
		want_add(bt, i->src);
}

static u32 hist_frame(const struct hist *h)
{
	return h->flags & ((1u << HIST_FRAME_BITS) - 1);
}

static u32 hist_slot(const struct hist *h)
{
	return h->flags >> HIST_SLOT_SHIFT & (SLOTS_MAX - 1);
}

/* A load.  From the stack it was a fill; what other memory holds is not tracked. */
static void back_load(struct backtrack *bt, u32 regno, const struct hist *h)
{
	if (!want_has(bt, regno))
		return;
	want_drop(bt, regno);
	if (h && h->flags & HIST_STACK_ACCESS)
		back_want_slot(bt, hist_frame(h), hist_slot(h));
}

static int back_store(struct backtrack *bt, const struct insn *i, const struct hist *h)
{
	u64 bit;

	if (want_has(bt, i->dst)) /* a number as an address: it came from pointers subtracted */
		return BACK_NOT_KNOWN;
	if (!h || !(h->flags & HIST_STACK_ACCESS))
		return 0;
	bit = 1ull << hist_slot(h);
	if (!(bt->slots[hist_frame(h)] & bit))
		return 0;
	bt->slots[hist_frame(h)] &= ~bit;
	if (INSN_CLASS(i->code) == CLS_STX)
		want_add(bt, i->src);
	return 0;
}

/* The call that entered the function gone over: its arguments are the caller's. */
static int back_static_call(struct verify *v)
{
	struct backtrack *bt = v->bt;
	u32 args = *regs_here(bt) & ARG_REGS;

	if (*regs_here(bt) & ~ARG_REGS)
		return v_bug(v, "static subprog unexpected regs %x", *regs_here(bt));
	if (bt->slots[bt->frame])
		return v_bug(v, "static subprog leftover stack slots %llx",
			     (unsigned long long)bt->slots[bt->frame]);
	*regs_here(bt) = 0;
	if (frame_up(v))
		return -EFAULT;
	*regs_here(bt) |= args;
	return 0;
}

static int back_subprog_call(struct verify *v, const struct insn *i, u32 pc)
{
	s64 to = (s64)pc + i->imm + 1;
	s32 callee = to >= 0 && to < v->n_insns ? subprog_at(v, (u32)to) : -1;

	if (callee < 0)
		return -EFAULT;
	if (!v->subprogs[callee].is_global)
		return back_static_call(v);
	/* It was verified alone: the path went on right after the call, and r0 is anything. */
	if (*regs_here(v->bt) & ARG_REGS)
		return v_bug(v, "global subprog unexpected regs %x", *regs_here(v->bt));
	want_drop(v->bt, 0);
	return 0;
}

/* The call of a helper or kernel function that called the function gone over.  Its arguments are not
 * the callback's. */
static int back_callback_call(struct verify *v)
{
	struct backtrack *bt = v->bt;

	if (*regs_here(bt) & ~ARG_REGS)
		return v_bug(v, "callback unexpected regs %x", *regs_here(bt));
	if (bt->slots[bt->frame])
		return v_bug(v, "callback leftover stack slots %llx",
			     (unsigned long long)bt->slots[bt->frame]);
	*regs_here(bt) = 0;
	return frame_up(v);
}

static int back_call(struct verify *v, const struct insn *i, u32 pc, s32 later_pc)
{
	bool straight = later_pc == (s32)pc + 1;

	if (insn_is_subprog_call(i))
		return back_subprog_call(v, i, pc);
	if (insn_calls_back_sync(v, i) && !straight)
		return back_callback_call(v);
	if (i->src == CALL_KFUNC && !i->imm) /* invalid, and refused where it is reached */
		return BACK_NOT_KNOWN;
	want_drop(v->bt, 0);
	if (*regs_here(v->bt) & ARG_REGS)
		return v_bug(v, "backtracking call unexpected regs %x", *regs_here(v->bt));
	/* A tail call that succeeded ended its function. */
	if (i->src == CALL_HELPER && i->imm == HELPER_tail_call && !straight)
		return frame_down(v);
	return 0;
}

/* The exit of a callee: of a subprogram, whose r0 is the caller's, or of a callback, whose caller
 * clobbers r1..r5 as it likes. */
static int back_exit(struct verify *v, s32 later_pc)
{
	struct backtrack *bt = v->bt;
	bool inside = later_pc >= 0 && later_pc < (s32)v->n_insns, r0;

	if (inside && v->aux[later_pc].calls_callback)
		*regs_here(bt) &= ~(u32)ARG_REGS;
	if (*regs_here(bt) & ARG_REGS)
		return v_bug(v, "backtracking exit unexpected regs %x", *regs_here(bt));
	r0 = inside && later_pc >= 1 && insn_is_subprog_call(&v->insns[later_pc - 1]) &&
	     want_has(bt, 0);
	want_drop(bt, 0);
	if (frame_down(v))
		return -EFAULT;
	if (r0)
		want_add(bt, 0);
	return 0;
}

/* A comparison of two registers: what is known of one depends on the other. */
static void back_compare(struct backtrack *bt, const struct insn *i, const struct hist *h)
{
	u32 flags = h ? h->flags : 0;

	if (!want_has(bt, i->dst) && !want_has(bt, i->src))
		return;
	if (!(flags & HIST_SRC_STACK))
		want_add(bt, i->src);
	if (!(flags & HIST_DST_STACK))
		want_add(bt, i->dst);
	linked_want(bt, h); /* those of what was added */
}

/* Wide loads; loads of packet bytes, which also end the function where they fail. */
static int back_ld(struct verify *v, const struct insn *i, u32 pc, s32 later_pc)
{
	u32 mode = INSN_MODE(i->code);

	if (mode == MODE_IMM) {
		want_drop(v->bt, i->dst);
		return 0;
	}
	if (mode != MODE_IND && mode != MODE_ABS)
		return 0;
	if (want_has(v->bt, i->dst))
		return BACK_NOT_KNOWN;
	return later_pc == (s32)pc + 1 ? 0 : frame_down(v);
}

/* The register that the insn loads, -1: none.  6.18 takes an atomic operation that fetches for a store
 * alone: whether the fetched number matters is then lost, and paths are cut short that should not be.
 */
static s32 loaded_reg(const struct verify *v, const struct insn *i)
{
	if (INSN_CLASS(i->code) == CLS_LDX)
		return i->dst;
	if (INSN_CLASS(i->code) != CLS_STX || INSN_MODE(i->code) != MODE_ATOMIC)
		return -1;
	if (i->imm == ATOMIC_LOAD_ACQ)
		return i->dst;
	if (!v->k->sound || !(i->imm & ATOMIC_FETCH))
		return -1;
	return i->imm == ATOMIC_CMPXCHG ? 0 : i->src;
}

static int back_by_class(struct verify *v, const struct insn *i, u32 pc, s32 later_pc,
			 const struct hist *h)
{
	u32 class = INSN_CLASS(i->code), op = INSN_OP(i->code);

	s32 loaded = loaded_reg(v, i);

	if (loaded >= 0) {
		back_load(v->bt, (u32)loaded, h);
		return 0;
	}
	switch (class) {
	case CLS_ALU:
	case CLS_ALU64:
		back_alu(v->bt, i);
		return 0;
	case CLS_ST:
	case CLS_STX:
		return back_store(v->bt, i, h);
	case CLS_LD:
		return back_ld(v, i, pc, later_pc);
	default:
		if (op == JMP_CALL)
			return back_call(v, i, pc, later_pc);
		if (op == JMP_EXIT)
			return back_exit(v, later_pc);
		if (INSN_SRC(i->code) == SRC_X)
			back_compare(v->bt, i, h);
		return 0;
	}
}

int back_insn(struct verify *v, u32 pc, s32 later_pc, const struct hist *h)
{
	const struct insn *i = &v->insns[pc];

	if (!i->code)
		return 0;
	if (log_states_on(v)) {
		v_log(v, "mark_precise: frame%u: ", v->bt->frame);
		back_log(v, v->bt->frame);
		v_log(v, " before %u: ", pc);
		log_insn_text(v, pc);
		v_log(v, "\n");
	}
	linked_want(v->bt, h);
	return back_by_class(v, i, pc, later_pc, h);
}

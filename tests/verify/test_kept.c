/* SPDX-License-Identifier: BSD-2-Clause */
/* Kept states: whole again when they are copied back, marks included, and nothing is left of them when
 * they are freed. */
#include "test.h"
#include "verify/env.h"

enum { SLOTS = 5 };

static struct verify env(struct subprog *subs)
{
	return (struct verify){ .subprogs = subs, .n_subprogs = 1, .bpf_capable = true };
}

static struct state *state_make(struct verify *v)
{
	struct state *st = state_new(v);
	struct frame *f = frame_new(v);

	frame_init(v, f, -1, 0, 0);
	st->frame[0] = f;
	frame_grow(v, f, SLOTS * 8);
	reg_unknown(v, &f->regs[1]);
	f->regs[2].type = REG_SCALAR;
	reg_const(&f->regs[2], 7);
	for (u32 i = 0; i < 8; i++) {
		f->stack[1].type[i] = SLOT_SPILL;
		f->stack[3].type[i] = SLOT_MISC;
	}
	f->stack[1].reg = f->regs[2];
	return st;
}

TEST(a_kept_state_copies_back_whole)
{
	struct subprog subs[2] = { 0 };
	struct verify v = env(subs);
	struct state *st = state_make(&v), back = { 0 }, kept;

	CHECK(!state_keep(&v, &kept, st));
	CHECK(frame_reg(kept.frame[0], 2) == frame_slot(kept.frame[0], 1).reg); /* shared */
	kept.frame[0]->kept->precise_regs |= 1u << 2;
	kept.frame[0]->kept->precise_slots |= 1ull << 1;
	CHECK(frame_reg_precise(kept.frame[0], 2) && !frame_reg_precise(kept.frame[0], 1));
	CHECK(!state_copy(&v, &back, &kept));
	CHECK(back.frame[0]->n_slots == SLOTS && !back.frame[0]->kept);
	CHECK(back.frame[0]->regs[2].precise && back.frame[0]->stack[1].reg.precise);
	CHECK(back.frame[0]->regs[2].val.umax == 7 && back.frame[0]->stack[1].reg.val.umin == 7);
	CHECK(back.frame[0]->stack[3].type[0] == SLOT_MISC);
	CHECK(back.frame[0]->stack[0].type[0] == SLOT_INVALID);
	state_clear(&v, &back);
	state_clear(&v, &kept);
	state_free(&v, st);
	reg_pool_free(&v);
	CHECK(v.bytes == 0);
}

TEST(what_is_never_read_is_let_go)
{
	struct subprog subs[2] = { 0 };
	struct verify v = env(subs);
	struct state *st = state_make(&v);

	CHECK(!state_shrink(&v, st));
	kept_reg_unset(&v, st->frame[0], 2);
	kept_slot_unset(&v, st->frame[0], 1);
	CHECK(frame_reg(st->frame[0], 2)->type == REG_NOT_INIT);
	CHECK(!frame_slot(st->frame[0], 1).reg);
	state_free(&v, st);
	reg_pool_free(&v);
	CHECK(v.bytes == 0);
}

/* Without memory for a part, what was made of it is freed again. */
TEST(out_of_memory_leaves_nothing)
{
	struct subprog subs[2] = { 0 };
	struct verify_result res = { 0 };
	struct verify v = env(subs);
	struct state *st = state_make(&v), kept;
	u64 before = v.bytes;

	v.res = &res;
	for (u64 more = 8; more < 4096; more += 8) {
		v.opts.max_bytes = before + more;
		if (!state_keep(&v, &kept, st))
			more = 4096;
		state_clear(&v, &kept);
		reg_pool_free(&v);
		CHECK(v.bytes == before);
	}
	state_free(&v, st);
	CHECK(v.bytes == 0);
}

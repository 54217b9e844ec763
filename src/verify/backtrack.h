/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/backtrack.h - one insn back: whose values did it use to make those that matter?
 *
 * Between precise.c, which goes back over paths, and backtrack.c, which knows the insns.
 */
#pragma once
#include "verify/env.h"

/* Registers and slots whose values matter at the insn that was reached going back.
 * Kernel 6.18: struct backtrack_state. */
struct backtrack {
	u32 frame;                  /* the one whose insns are gone over */
	u32 regs[FRAMES_MAX];       /* bit r: register r */
	u64 slots[FRAMES_MAX];      /* bit s: slot s, fp-8 is 0 */
};

enum { BACK_NOT_KNOWN = 1 };

static inline void back_want_reg(struct backtrack *bt, u32 frame, u32 regno)
{
	bt->regs[frame] |= 1u << regno;
}
static inline void back_want_slot(struct backtrack *bt, u32 frame, u32 slot)
{
	bt->slots[frame] |= 1ull << slot;
}

/* Changes v->bt from what matters after the insn at pc to what matters before it.  later_pc is the insn
 * that was executed after it, h its entry in the history or NULL.  BACK_NOT_KNOWN: it can't be told;
 * or an errno.  Kernel 6.18: backtrack_insn(). */
int back_insn(struct verify *v, u32 pc, s32 later_pc, const struct hist *h);
/* "regs=r1,r2 stack=-8" of a frame. */
void back_log(struct verify *v, u32 frame);

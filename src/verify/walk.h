/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/walk.h - paths: pushed, popped, walked.  Kernel 6.18: do_check() and what is around it. */
#pragma once
#include "verify/env.h"

int walk_main(struct verify *v);      /* do_check_main() */
int walk_subprogs(struct verify *v);  /* do_check_subprogs(): global functions that were called */

/* args.c: sets r1..r5 of the current state, at the start of subprogram n. */
int args_set(struct verify *v, u32 n);

/* A copy of the current state, to go on at pc later.  NULL: out of memory or too many paths
 * (refused: "The sequence of %d jumps is too complex."); the caller returns -EFAULT, -ENOMEM or
 * -E2BIG as its kernel counterpart does: path_error(v).  push_stack(). */
struct state *path_push(struct verify *v, u32 pc, u32 prev_pc, bool speculative);
int path_error(struct verify *v);
/* A path that begins in an async callback.  push_async_cb(). */
struct state *path_push_async(struct verify *v, u32 pc, u32 prev_pc, u32 subprog, bool sleepable);

/* check_reg_arg(): may the register be read or written here? */
enum reg_use { USE_SRC, USE_DST, USE_DST_NO_MARK };
int reg_use(struct verify *v, u32 regno, enum reg_use use);
/* For calls into known registers: __check_reg_arg() on given registers. */
int reg_use_in(struct verify *v, struct reg *regs, u32 regno, enum reg_use use);
void reg_zext_mark(struct verify *v, struct reg *r); /* mark_insn_zext() */

/* Frame and slot of a stack access as bits of hist.flags: insn_stack_access_flags(). */
u32 hist_stack_flags(u32 frameno, u32 slot);
/* Adds flags and linked registers to this insn's entry: push_jmp_history(). */
int hist_push(struct verify *v, struct state *st, u32 flags, u64 linked);

/* A number from a program state that another must match: check_ids() tables live in equal.c. */

/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/run.h - the state of one run, shared by interpreter, native code and their entry.
 *
 *	        frame 1 (outermost)   frame 2          ...      frame 8
 *	stack:  [top-512, top)        [top-1024, ...)           [base, base+512)
 *
 * r10 of a frame is its upper end.  env->depth counts frames in use, callbacks included.
 */
#pragma once
#include "abi/env.h"

enum {
	EXEC_STACK_ALL = EXEC_FRAMES_MAX * EXEC_STACK_BYTES,
	EXEC_MAY_GOTO_MAX = 8 * 1024 * 1024, /* may_goto: kernel BPF_MAX_LOOPS */
};

struct run_frame {
	const struct exec_prog *prog;
	const struct insn *back; /* insn after the call in the frame before */
	u64 saved[4];            /* its r6..r9 */
	u32 may_goto_left;
};

struct run {
	struct exec_env *env;
	const struct exec_prog *prog; /* of the frame that called a helper: its callbacks are meant */
	const struct exec_prog *tail_target; /* of native code, when it has none itself */
	s64 steps_left;
	u32 zeroed; /* frames that were zeroed, in checked mode */
	u32 n_callbacks;
	struct run_frame frames[EXEC_FRAMES_MAX];
	u8 stack[EXEC_STACK_ALL] __attribute__((aligned(16)));
};

/* Interprets the function that begins at pc of prog in a new frame, and returns its r0; after an
 * error env->error is set and the value means nothing. */
u64 interp_checked(struct run *run, const struct exec_prog *prog, u32 pc, const u64 args[5]);
u64 interp_trusted(struct run *run, const struct exec_prog *prog, u32 pc, const u64 args[5]);

/* What a probing load of 1, 2, 4 or 8 bytes gives. */
u64 run_probe(struct exec_env *env, u64 addr, u32 size, bool is_signed);

/* Ends the run with error, unless it has ended already. */
static inline void run_fail(struct exec_env *env, int error)
{
	if (!env->error)
		env->error = error;
}

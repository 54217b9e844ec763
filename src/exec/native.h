/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/native.h - how native code and its run meet.
 *
 * Code calls into C and is called by it through one signature, a helper's: r1..r5 and env.  Inside,
 * functions of a program call each other with r10 (their frame's upper end) and env in registers:
 *
 *	exec_run -> entry stub: env and r10 into registers -> function 0 -> function 3
 *	helper -> env->call_back -> callback stub -> function 2
 *	function 3, bpf_tail_call -> native_tail_call() -> jumps to the other program's function 0
 */
#pragma once
#include "abi/env.h"

struct jit_callback {
	u32 pc;        /* first insn of the function */
	u32 depth;     /* frames that it and what it calls need */
	helper_fn stub;
};

/* Start of the mapping that holds the code; read-only once it may run. */
struct jit_code {
	u64 map_bytes;
	const u8 *text;
	u32 text_bytes;
	u32 depth;         /* frames that function 0 and what it calls need */
	helper_fn entry;   /* stub of function 0; its frame is env->frame */
	const void *body;  /* function 0, for tail calls */
	u32 n_callbacks;
	struct jit_callback callbacks[]; /* ascending pc */
};

/* What native_tail_call() gives: where to jump and r1, or a negative errno. */
struct native_jump {
	s64 target;
	u64 ctx;
};

u64 native_run(struct exec_env *env, const u64 args[5]);
u64 native_call_back(struct exec_env *env, u64 func, const u64 args[5]);

/* Called by code. */
struct native_jump native_tail_call(u64 ctx, u64 map, u64 index, u64 r4, u64 r5, struct exec_env *env);
s64 native_packet(u64 off, u64 size, u64 r3, u64 r4, u64 r5, struct exec_env *env);
u64 native_probe(u64 addr, u64 size, u64 is_signed, u64 r4, u64 r5, struct exec_env *env);
u64 native_missing(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct exec_env *env);

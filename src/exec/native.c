/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/native.c - the run of native code: its start, callbacks, and what it asks of C.
 *
 * Native frames are the interpreter's: 512 bytes each in the run's stack.  Calls inside a program
 * were counted when it was compiled; where depth is only known at run time (callbacks, tail calls)
 * the frames that the target needs are compared with what is left.  Freestanding.
 */
#include "exec/native.h"
#include "exec/exec.h"
#include "exec/run.h"
#include <errno.h>

/* Do n frames fit, the first of them ending at fp? */
static bool frames_fit(const struct exec_env *env, u64 fp, u32 n)
{
	return fp - (u64)env->stack_base >= (u64)n * EXEC_STACK_BYTES;
}

u64 native_run(struct exec_env *env, const u64 args[5])
{
	const struct jit_code *code = env->prog->jit;

	env->depth = EXEC_FRAMES_MAX;
	env->frame = (u64)env->stack_base + EXEC_STACK_ALL;
	env->native = code;
	return code->entry(args[0], args[1], args[2], args[3], args[4], env);
}

u64 native_call_back(struct exec_env *env, u64 func, const u64 args[5])
{
	const struct jit_code *code = env->native;
	u64 fp = env->frame, ret;
	u32 k = 0;

	while (k < code->n_callbacks && code->callbacks[k].pc != (u32)func)
		k++;
	if (k == code->n_callbacks) {
		run_fail(env, -EINVAL);
		return 1;
	}
	if (!frames_fit(env, fp - EXEC_STACK_BYTES, code->callbacks[k].depth)) {
		run_fail(env, -ELOOP);
		return 1;
	}
	ret = code->callbacks[k].stub(args[0], args[1], args[2], args[3], args[4], env);
	env->frame = fp;
	env->native = code;
	return ret;
}

/* Tail-call target without native code: interpreted in the frame that it replaces. */
static u64 native_interpret(u64 ctx, u64 r2, u64 r3, u64 r4, u64 r5, struct exec_env *env)
{
	struct run *run = env->exec_priv;
	const struct exec_prog *caller = run->prog;
	const void *native = env->native;
	const u64 args[5] = { ctx, r2, r3, r4, r5 };
	u64 used = (u64)env->stack_base + EXEC_STACK_ALL - env->frame, ret;

	env->native = NULL;
	env->depth = (u32)(used / EXEC_STACK_BYTES);
	ret = interp_trusted(run, run->tail_target, 0, args);
	env->depth = EXEC_FRAMES_MAX;
	env->native = native;
	run->prog = caller;
	return ret;
}

struct native_jump native_tail_call(u64 ctx, u64 map, u64 index, u64 r4, u64 r5, struct exec_env *env)
{
	const struct exec_prog *next = NULL;
	const struct jit_code *code;

	(void)r4, (void)r5;
	if (env->tail_calls >= EXEC_TAIL_CALLS_MAX)
		return (struct native_jump){ -ELOOP, ctx };
	if (env->tail_target)
		next = env->tail_target(env, (struct map *)map, (u32)index);
	if (!next)
		return (struct native_jump){ -ENOENT, ctx };
	env->tail_calls++;
	code = next->jit;
	if (!code) {
		((struct run *)env->exec_priv)->tail_target = next;
		return (struct native_jump){ (s64)native_interpret, ctx };
	}
	if (!frames_fit(env, env->frame, code->depth)) {
		run_fail(env, -ELOOP);
		return (struct native_jump){ -ELOOP, ctx };
	}
	return (struct native_jump){ (s64)code->body, ctx };
}

/* A legacy packet load: the value, or a negative number when the program must return 0. */
s64 native_packet(u64 off, u64 size, u64 r3, u64 r4, u64 r5, struct exec_env *env)
{
	u32 value = 0;

	(void)r3, (void)r4, (void)r5;
	if (!env->packet_load || env->packet_load(env, (s32)off, (u32)size, &value))
		return -1;
	return value;
}

u64 native_probe(u64 addr, u64 size, u64 is_signed, u64 r4, u64 r5, struct exec_env *env)
{
	(void)r4, (void)r5;
	return run_probe(env, addr, (u32)size, is_signed);
}

u64 native_missing(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct exec_env *env)
{
	(void)r1, (void)r2, (void)r3, (void)r4, (void)r5;
	run_fail(env, -ENOSYS);
	return 0;
}

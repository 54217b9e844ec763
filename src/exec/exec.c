/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/exec.c - entry of a run: sets its state up, picks interpreter or native code, and serves
 * callbacks from helpers.
 */
#include "exec/exec.h"
#include "base/mem.h"
#include "exec/native.h"
#include "exec/run.h"
#include <errno.h>

bool exec_stack_has(const struct exec_env *env, u64 addr, u64 size)
{
	u64 used = (u64)env->depth * EXEC_STACK_BYTES;
	u64 low = (u64)env->stack_base + EXEC_STACK_ALL - used;

	return addr - low <= used && used - (addr - low) >= size;
}

bool exec_mem_ok(struct exec_env *env, u64 addr, u64 size, bool write)
{
	u64 off = addr - (u64)env->ctx;

	if (!env->mem_ok || exec_stack_has(env, addr, size))
		return true;
	if (off <= env->ctx_size && env->ctx_size - off >= size)
		return !write || env->ctx_writable;
	off = addr - env->lent.start;
	if (!write && off <= env->lent.size && env->lent.size - off >= size)
		return true;
	return env->mem_ok(env, addr, size, write);
}

u64 run_probe(struct exec_env *env, u64 addr, u32 size, bool is_signed)
{
	u8 b[8] = { 0 };

	if (!env->probe || env->probe(env, b, size, addr))
		return 0;
	switch (size) {
	case 1: return is_signed ? (u64)(s64)(s8)b[0] : b[0];
	case 2: return is_signed ? (u64)(s64)(s16)mem_get16(b) : mem_get16(b);
	case 4: return is_signed ? (u64)(s64)(s32)mem_get32(b) : mem_get32(b);
	}
	return mem_get64(b);
}

/* Loops of callbacks can be nested, so that what each may do says nothing of how long all take. */
static bool is_late(struct exec_env *env, struct run *run)
{
	enum { CALLBACKS_PER_LOOK = 32 };

	return env->late && !(++run->n_callbacks % CALLBACKS_PER_LOOK) && env->late(env);
}

/* env->call_back of a run.  A callback that can't run, or whose run was ended, returns 1: that stops
 * the loops of bpf_loop and its like. */
static u64 run_call_back(struct exec_env *env, u64 func, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct run *run = env->exec_priv;
	const struct exec_prog *prog = run->prog;
	u64 args[5] = { r1, r2, r3, r4, r5 };
	u64 ret;

	if (env->error)
		return 1;
	if (!exec_func_is(func) || (!env->native && (u32)func >= prog->n_insns)) {
		run_fail(env, -EINVAL);
		return 1;
	}
	if (unlikely(is_late(env, run))) {
		run_fail(env, -ETIME);
		return 1;
	}
	env->hit[0].size = env->hit[1].size = 0;
	if (env->native)
		ret = native_call_back(env, func, args);
	else
		ret = env->mem_ok ? interp_checked(run, prog, (u32)func, args)
				  : interp_trusted(run, prog, (u32)func, args);
	run->prog = prog;
	return env->error ? 1 : ret;
}

int exec_run(struct exec_env *env, const u64 args[5], u64 *ret)
{
	const u64 ctx_only[5] = { (u64)env->ctx };
	struct run run;
	u64 r0;

	run.env = env;
	run.prog = env->prog;
	run.zeroed = 0;
	run.n_callbacks = 0;
	run.steps_left = env->max_steps && env->max_steps <= INT64_MAX ? (s64)env->max_steps : INT64_MAX;
	env->exec_priv = &run;
	env->stack_base = run.stack;
	env->call_back = run_call_back;
	env->error = 0;
	env->error_pc = 0;
	env->error_addr = 0;
	env->tail_calls = 0;
	env->depth = 0;
	env->hit[0] = env->hit[1] = env->lent = (struct exec_span){ 0 };
	if (!args)
		args = ctx_only;
	env->native = NULL;
	if (env->mem_ok)
		r0 = interp_checked(&run, env->prog, env->start_pc, args);
	else if (env->prog->jit && !env->start_pc && !env->step && !env->max_steps)
		r0 = native_run(env, args);
	else
		r0 = interp_trusted(&run, env->prog, env->start_pc, args);
	env->exec_priv = NULL;
	env->stack_base = NULL;
	env->depth = 0;
	if (env->error)
		return env->error;
	*ret = r0;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/exec.h - runs a program in user space.
 *
 * Two modes.  With env->mem_ok set the program is not trusted: every load, store and call is checked
 * while it runs, and it can neither crash its host nor read outside.  Without it the program was
 * verified and nothing is checked but what a verifier leaves to the run: loads that may fault, loops
 * of may_goto and callbacks, depth, tail calls.  In both, insns_check() must have accepted the
 * insns of env->prog and of every tail-call target.  No helper and no map is known here; both arrive
 * through struct exec_env.  Freestanding.
 */
#pragma once
#include "abi/env.h"

/* Modes that whoever verified a program puts into its loads after insns_check(): the pointer may be
 * stale or null, and a load through it that can't be served gives 0.  Kernel BPF_PROBE_MEM,
 * BPF_PROBE_MEMSX; the codes are those of LD_ABS and LD_IND, which are no loads of CLS_LDX. */
enum { MODE_PROBE = MODE_ABS, MODE_PROBESX = MODE_IND };

/* Runs env->prog from insn 0 to the EXIT of its outermost frame.  args are r1..r5; NULL: r1 is
 * env->ctx, the others 0.  Native code is taken where the program has it and the run asks for nothing
 * that only the interpreter does (mem_ok, step, max_steps).
 *
 * Returns 0 and stores r0 in *ret, or a negative errno with *ret untouched; env->error and
 * env->error_pc (in the program that ran last) then say the same:
 *	-ETIME   max_steps insns have run; counted where a jump is taken or a callback
 *	         begins, so a straight line is finished; or env->late said so
 *	-EFAULT  a refused access, at env->error_addr
 *	-ELOOP   more than EXEC_FRAMES_MAX frames
 *	-EPERM   a call that call_ok or kfunc_ok is not there to allow
 *	-ENOSYS  a call of a helper or kfunc that is not there
 *	-EINVAL  an insn that insns_check() would have refused, a callback that is no function
 *	other    what call_ok or a helper put into env->error
 */
int exec_run(struct exec_env *env, const u64 args[5], u64 *ret);

/* May the running program touch these bytes: frames in use, ctx, then env->mem_ok?  For helpers
 * and call_ok; true where the program is trusted. */
bool exec_mem_ok(struct exec_env *env, u64 addr, u64 size, bool write);

/* The frames in use of the running program alone. */
bool exec_stack_has(const struct exec_env *env, u64 addr, u64 size);

/* The value that a PSEUDO_FUNC load of the function at pc gives.  It means the same in every
 * process that loaded the program, so it may be kept in a shared map. */
static inline u64 exec_func_value(u32 pc)
{
	return 0xbfcb000000000000 | pc;
}
static inline bool exec_func_is(u64 func)
{
	return func >> 32 == 0xbfcb0000;
}

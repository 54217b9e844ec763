/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/interp.c - the reference interpreter: threaded code over the insns as they are.
 *
 * The loop in interp_loop.h is compiled twice, with and without checks.  Checks of an access are two
 * comparisons against the frames in use, then two against the span that mem_ok last allowed; only a
 * miss leaves the loop.  Freestanding.
 */
#include "abi/env.h"
#include "base/mem.h"
#include "exec/exec.h"
#include "exec/op.h"
#include "exec/run.h"
#include <errno.h>

/* The miss: not the stack, not the last span.  ctx becomes the span, mem_ok may name one. */
static __attribute__((noinline)) bool access_ok_slow(struct exec_env *env, u64 addr, u32 size,
						     bool write)
{
	u64 off = addr - (u64)env->ctx;

	if (off < env->ctx_size && env->ctx_size - off >= size && (!write || env->ctx_writable)) {
		env->hit[write] = (struct exec_span){ (u64)env->ctx, env->ctx_size };
		return true;
	}
	if (exec_mem_ok(env, addr, size, write))
		return true;
	env->error_addr = addr;
	run_fail(env, -EFAULT);
	return false;
}

/* stack_low is the lowest byte in use, stack_size the bytes from there to the top (512 or more). */
OP_INLINE bool access_ok(struct exec_env *env, u64 stack_low, u64 stack_size, u64 addr, u32 size,
			 bool write)
{
	const struct exec_span *hit = &env->hit[write];

	if (likely(addr - stack_low <= stack_size - size))
		return true;
	if (likely(hit->size >= size && addr - hit->start <= hit->size - size))
		return true;
	return access_ok_slow(env, addr, size, write);
}

/* One atomic operation on an aligned word; RFC 9669, section 5.3.  *src is the operand and receives
 * what is fetched; cmpxchg compares and fetches with *r0.  False: no such operation. */
#define DEFINE_ATOMIC(bits)                                                                    \
	static bool atomic##bits(s32 op, u64 addr, u64 *src, u64 *r0)                          \
	{                                                                                      \
		u##bits *p = (u##bits *)addr;                                                  \
		u##bits s = (u##bits)*src, old = (u##bits)*r0;                                 \
                                                                                               \
		switch (op & ~ATOMIC_FETCH) {                                                  \
		case ATOMIC_ADD: old = __atomic_fetch_add(p, s, __ATOMIC_SEQ_CST); break;      \
		case ATOMIC_OR: old = __atomic_fetch_or(p, s, __ATOMIC_SEQ_CST); break;        \
		case ATOMIC_AND: old = __atomic_fetch_and(p, s, __ATOMIC_SEQ_CST); break;      \
		case ATOMIC_XOR: old = __atomic_fetch_xor(p, s, __ATOMIC_SEQ_CST); break;      \
		case ATOMIC_XCHG & ~ATOMIC_FETCH:                                              \
			old = __atomic_exchange_n(p, s, __ATOMIC_SEQ_CST);                     \
			break;                                                                 \
		case ATOMIC_CMPXCHG & ~ATOMIC_FETCH:                                           \
			__atomic_compare_exchange_n(p, &old, s, false, __ATOMIC_SEQ_CST,       \
						    __ATOMIC_SEQ_CST);                         \
			*r0 = old;                                                             \
			return op == ATOMIC_CMPXCHG;                                           \
		default: return false;                                                         \
		}                                                                              \
		if (op & ATOMIC_FETCH)                                                         \
			*src = old;                                                            \
		return true;                                                                   \
	}
DEFINE_ATOMIC(32)
DEFINE_ATOMIC(64)
#undef DEFINE_ATOMIC

/* Load-acquire and store-release of any width; kernel 6.15. */
static u64 load_acquire(u64 addr, u32 size)
{
	switch (size) {
	case 1: return __atomic_load_n((u8 *)addr, __ATOMIC_ACQUIRE);
	case 2: return __atomic_load_n((u16 *)addr, __ATOMIC_ACQUIRE);
	case 4: return __atomic_load_n((u32 *)addr, __ATOMIC_ACQUIRE);
	}
	return __atomic_load_n((u64 *)addr, __ATOMIC_ACQUIRE);
}

static void store_release(u64 addr, u32 size, u64 v)
{
	switch (size) {
	case 1: __atomic_store_n((u8 *)addr, (u8)v, __ATOMIC_RELEASE); return;
	case 2: __atomic_store_n((u16 *)addr, (u16)v, __ATOMIC_RELEASE); return;
	case 4: __atomic_store_n((u32 *)addr, (u32)v, __ATOMIC_RELEASE); return;
	}
	__atomic_store_n((u64 *)addr, v, __ATOMIC_RELEASE);
}

/* The next program of a tail call, or NULL with *r0 the reason. */
static const struct exec_prog *tail_call(struct exec_env *env, const u64 *regs, u64 *r0)
{
	const struct exec_prog *next = NULL;

	*r0 = (u64)-ELOOP;
	if (env->tail_calls >= EXEC_TAIL_CALLS_MAX)
		return NULL;
	*r0 = (u64)-ENOENT;
	if (env->tail_target)
		next = env->tail_target(env, (struct map *)regs[2], (u32)regs[3]);
	if (next)
		env->tail_calls++;
	return next;
}

/* What the call reaches; NULL: there is no such helper or kfunc. */
static helper_fn call_target(const struct exec_prog *prog, const struct insn *i)
{
	u32 id = (u32)i->imm;

	if (i->src == CALL_KFUNC)
		return id < prog->n_kfuncs ? prog->kfuncs[id] : NULL;
	return id < HELPER_ID_MAX && prog->helpers ? prog->helpers[id] : NULL;
}

/* A helper or kfunc call of an unverified program: is it allowed? */
static bool call_ok(struct exec_env *env, const struct insn *i, const u64 *regs)
{
	int (*ok)(struct exec_env *, u32, const u64 *) =
		i->src == CALL_KFUNC ? env->kfunc_ok : env->call_ok;
	int ret = ok ? ok(env, (u32)i->imm, &regs[1]) : -EPERM;

	if (ret < 0)
		run_fail(env, ret);
	return ret >= 0;
}

#pragma GCC diagnostic ignored "-Woverride-init" /* dispatch tables: all invalid, then the valid ones */

#define LOOP_NAME interp_checked
#define LOOP_CHECKED 1
#include "exec/interp_loop.h"
#undef LOOP_NAME
#undef LOOP_CHECKED

#define LOOP_NAME interp_trusted
#define LOOP_CHECKED 0
#include "exec/interp_loop.h"

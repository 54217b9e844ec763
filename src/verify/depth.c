/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/depth.c - does the stack of every chain of calls fit?
 *
 * 8 frames, 512 bytes together; 256 where a callee tail-calls, since the frames below stay while up to
 * 33 programs follow each other.  Programs that a JIT gives a stack of their own (tracing programs,
 * which may interrupt each other) have 512 bytes a function instead.  Calls in code that is never
 * reached count too; recursion was refused by then, so a chain is as long as its frames.
 * Kernel 6.18: check_max_stack_depth().
 */
#include "verify/cfg.h"
#include "verify/kfunc.h"
#include "verify/subprog.h"
#include <errno.h>
#include <stdlib.h>

/* Where a function's stack lies: subprog.priv_stack. */
enum stack_kind { STACK_UNDECIDED, STACK_KERNEL, STACK_PRIVATE };

enum {
	PRIVATE_MIN_BYTES = 64,  /* below, a private stack does not pay; BPF_PRIV_STACK_MIN_SIZE */
	TAIL_CALL_MAX_BYTES = 256,
};

/* With how many bytes, plus 1, a function was entered: by frames below it, in a callback or not. */
struct entered {
	u16 bytes[FRAMES_MAX][2];
};

/* The chain at work. */
struct chain {
	struct verify *v;
	struct entered *entered; /* n_subprogs */
	bool may_be_private;     /* the root is the main program, of a type with private stacks */
	bool tail_call;          /* a callee on the way had one */
	u32 bytes;               /* on the kernel's stack */
	u32 n;                   /* frames below the current one */
	struct {
		u32 pc, subprog; /* where to go on; whose frame it is */
	} frame[FRAMES_MAX];
	u32 pc, subprog;         /* the current one */
};

/* Has the kernel's JIT private stacks for programs of this kind?  bpf_enable_priv_stack(). */
static bool type_has_private(const struct verify *v)
{
	if (!v->k->jit)
		return false;
	switch (v->prog_type) {
	case BPF_PROG_TYPE_KPROBE:
	case BPF_PROG_TYPE_TRACEPOINT:
	case BPF_PROG_TYPE_PERF_EVENT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
		return true;
	case BPF_PROG_TYPE_TRACING:
		return v->attach_type != BPF_TRACE_ITER;
	default:
		return false;
	}
}

/* Bytes that the JIT or the interpreter takes for a function.  round_up_stack_depth(). */
static u32 frame_bytes(const struct verify *v, const struct subprog *s)
{
	u32 bytes = s->stack_depth;

	return v->k->jit ? ALIGN_UP(bytes, 16u) : ALIGN_UP(MAX(bytes, 1u), 32u);
}

/* Is the current function, or one that led to it, a callback? */
static bool in_callback(const struct chain *c)
{
	const struct subprog *s = c->v->subprogs;
	bool cb = s[c->subprog].is_cb;

	for (u32 i = 0; i < c->n && !cb; i++)
		cb = s[c->frame[i].subprog].is_cb;
	return cb;
}

/* Was the current function entered with no less on the stack before? */
static bool function_known(struct chain *c)
{
	struct entered *e = &c->entered[c->subprog];
	bool cb = in_callback(c);

	for (u32 n = c->n; n < FRAMES_MAX; n++)
		if (e->bytes[n][1] > c->bytes || (!cb && e->bytes[n][0] > c->bytes))
			return true;
	e->bytes[c->n][cb] = (u16)(c->bytes + 1);
	return false;
}

/* Enters the current function: decides on its stack and counts it. */
static int function_enter(struct chain *c)
{
	struct verify *v = c->v;
	struct subprog *s = &v->subprogs[c->subprog];
	u32 bytes = frame_bytes(v, s);

	v->pc = s->start;
	if (!c->may_be_private)
		s->priv_stack = STACK_KERNEL;
	if (s->has_ld_abs && in_callback(c))
		return v_refuse(v, -EINVAL, WHY_CALL,
				"cannot use BPF_LD_[ABS|IND] within callback");
	if (c->subprog && s->has_tail_call && c->bytes >= TAIL_CALL_MAX_BYTES)
		return v_refuse(v, -EACCES, WHY_STACK, "tail_calls are not allowed when call stack of "
				"previous frames is %u bytes. Too large", c->bytes);
	if (s->priv_stack == STACK_UNDECIDED && bytes >= PRIVATE_MIN_BYTES)
		s->priv_stack = STACK_PRIVATE;
	if (s->priv_stack == STACK_PRIVATE) {
		if (bytes > STACK_MAX_BYTES)
			return v_refuse(v, -EACCES, WHY_STACK,
					"stack size of subprog %u is %u. Too large", c->subprog, bytes);
		return 0;
	}
	c->bytes += bytes;
	if (c->bytes > STACK_MAX_BYTES)
		return v_refuse(v, -EACCES, WHY_STACK,
				"combined stack size of %u calls is %u. Too large", c->n + 1, c->bytes);
	return 0;
}

/* Goes into a callee whose entry is at to, unless its stack is not on top of this one.  1: entered. */
static int callee_enter(struct chain *c, const struct insn *i, s64 to)
{
	struct verify *v = c->v;
	s32 index = to >= 0 && to < v->n_insns ? subprog_at(v, (u32)to) : -1;
	const struct subprog *s;

	if (index < 0)
		return v_bug(v, "callee not found at insn %d", (s32)to);
	s = &v->subprogs[index];
	if (s->is_async_cb) {
		if (s->has_tail_call)
			return v_bug(v, "subprog has tail_call and async cb");
		if (!insn_is_subprog_call(i))
			return 0;
		if (s->is_exception_cb)
			return v_refuse_open(v, -EINVAL, WHY_CALL,
					     "insn %u cannot call exception cb directly", c->pc);
	}
	c->frame[c->n].pc = c->pc + 1;
	c->frame[c->n].subprog = c->subprog;
	c->pc = s->start;
	c->subprog = (u32)index;
	c->tail_call |= s->has_tail_call;
	if (++c->n >= FRAMES_MAX)
		return v_refuse(v, -E2BIG, WHY_LIMIT, "the call stack of %u frames is too deep !", c->n);
	return 1;
}

/* Looks at the insn at c->pc.  1: it led into a callee. */
static int insn_look(struct chain *c)
{
	struct verify *v = c->v;
	const struct insn *i = &v->insns[c->pc];
	bool kfunc = insn_is_call(i) && i->src == CALL_KFUNC;

	v->pc = c->pc;
	if (kfunc && !i->off && kfunc_is_throw(v, i) && in_callback(c))
		return v_refuse(v, -EINVAL, WHY_CALL, "bpf_throw kfunc (insn %u) cannot be called from "
				"callback subprog %u", c->pc, c->subprog);
	if (!insn_is_subprog_call(i) && !(insn_is_wide(i) && i->src == PSEUDO_FUNC))
		return 0;
	return callee_enter(c, i, (s64)c->pc + i->imm + 1);
}

/* Back to the caller of the current function, whose bytes are given back.  0: there is none. */
static int function_leave(struct chain *c, u32 bytes)
{
	struct subprog *subprogs = c->v->subprogs;

	for (u32 i = 0; c->tail_call && i < c->n; i++) {
		struct subprog *below = &subprogs[c->frame[i].subprog];

		if (below->is_exception_cb)
			return v_refuse(c->v, -EINVAL, WHY_CALL,
					"cannot tail call within exception cb");
		below->tail_call_reachable = true;
	}
	if (!c->n)
		return 0;
	c->bytes -= bytes;
	c->n--;
	c->pc = c->frame[c->n].pc;
	c->subprog = c->frame[c->n].subprog;
	return 1;
}

/* All chains that begin in a function.  check_max_stack_depth_subprog(). */
static int chains_check(struct verify *v, u32 root, bool may_be_private)
{
	struct chain c = {
		.v = v,
		.may_be_private = may_be_private,
		.subprog = root,
		.pc = v->subprogs[root].start,
		.entered = calloc(v->n_subprogs, sizeof(*c.entered)),
	};
	int ret = c.entered ? function_enter(&c) : v_nomem(v);

	while (!ret) {
		const struct subprog *s = &v->subprogs[c.subprog];

		if (c.pc >= s[1].start) {
			ret = function_leave(&c, s->priv_stack == STACK_PRIVATE ? 0 :
						 frame_bytes(v, s));
			if (!ret)
				break;
			ret = MIN(ret, 0);
			continue;
		}
		ret = insn_look(&c);
		if (!ret)
			c.pc++;
		else if (ret > 0)
			ret = function_known(&c) ? MIN(function_leave(&c, 0), 0) :
						   function_enter(&c);
	}
	free(c.entered);
	return ret;
}

int depth_check(struct verify *v)
{
	bool private = type_has_private(v);

	fastcall_shrink_stacks(v);
	for (u32 i = 0; i < v->n_subprogs; i++)
		private &= !v->subprogs[i].has_tail_call;
	/* Async callbacks run on the kernel's stack.  They come first, so that what they share with the
	 * main program is known to lie there. */
	for (u32 i = v->n_subprogs; i-- > 0;) {
		int err;

		if (i && !v->subprogs[i].is_async_cb)
			continue;
		err = chains_check(v, i, !i && private);
		if (err)
			return err;
	}
	return 0;
}

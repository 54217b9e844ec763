/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/cfg.c - the graph of insns: all of them reached, all edges inside, and an order to visit them.
 *
 * One depth-first search over the whole program, calls included, finds what can't be reached, marks
 * where paths may meet again (those are the places that keep states), and collects what functions do
 * to their callers.  Strongly connected parts are scc.c's.
 * Kernel 6.18: check_cfg(), compute_postorder(), bpf_insn_successors().
 */
#include "verify/cfg.h"
#include "isa/check.h"
#include "verify/kfunc.h"
#include "verify/log.h"
#include "verify/subprog.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Where the search stands with an insn.  While it is open, the edges that were taken are known too:
 * the second is taken after the first. */
enum {
	NEW = 0,
	OPEN = 0x10,        /* on the stack */
	CLOSED = 0x20,      /* all that can be reached from it was seen */
	FIRST_EDGE = 1,     /* to the insn after it, or the only one */
	SECOND_EDGE = 2,    /* to the target of a condition, to a callee */
};

enum visit { DONE = 0, AGAIN = 1 }; /* or a negative errno */

struct search {
	struct verify *v;
	u8 *state;          /* n_insns */
	u32 *stack;         /* n_insns: each insn is pushed once */
	u32 depth;
};

static void mark_target(struct verify *v, u32 pc)
{
	v->aux[pc].prune_point = true;
	v->aux[pc].jmp_point = true;
	v->aux[pc].jump_target = true;
}

static void line_log(struct verify *v, u32 pc)
{
	char prefix[16];

	snprintf(prefix, sizeof(prefix), "%u: ", pc);
	log_line(v, pc, prefix);
}

/* Follows an edge of the insn from to the insn to.  push_insn(). */
static int edge_take(struct search *s, u32 from, s64 to, u8 edge)
{
	struct verify *v = s->v;

	if (s->state[from] >= (OPEN | edge))
		return DONE;
	if (to < 0 || to >= v->n_insns) {
		line_log(v, from);
		return v_refuse(v, -EINVAL, WHY_CFG, "jump out of range from insn %u to %d", from,
				(s32)to);
	}
	if (edge == SECOND_EDGE)
		mark_target(v, (u32)to);
	switch (s->state[to] & ~0xf) {
	case NEW:
		if (s->depth >= v->n_insns)
			return -E2BIG;
		s->state[from] = OPEN | edge;
		s->state[to] = OPEN;
		s->stack[s->depth++] = (u32)to;
		return AGAIN;
	case OPEN: /* a loop */
		if (v->bpf_capable)
			return DONE;
		line_log(v, from);
		line_log(v, (u32)to);
		return v_refuse(v, -EINVAL, WHY_LOOP, "back-edge from insn %u to %u", from, (u32)to);
	default:
		s->state[from] = OPEN | edge;
		return DONE;
	}
}

/* What a callee does to packets and whether it sleeps holds for its caller.  The callee was searched
 * to its end by the time of the last visit, since there is no recursion.  merge_callee_effects(). */
static void effects_merge(struct verify *v, u32 call, s64 callee)
{
	struct subprog *caller = &v->subprogs[subprog_containing(v, call)], *called;

	if (callee < 0 || callee >= v->n_insns)
		return;
	called = &v->subprogs[subprog_containing(v, (u32)callee)];
	caller->changes_pkt |= called->changes_pkt;
	caller->might_sleep |= called->might_sleep;
}

/* A call, or a load of a function's address: the path goes on after it, and in the callee. */
static int call_visit(struct search *s, u32 pc, bool has_callee)
{
	struct verify *v = s->v;
	const struct insn *i = &v->insns[pc];
	u32 next = pc + 1 + insn_is_wide(i);
	s64 callee = (s64)pc + i->imm + 1;
	int ret = edge_take(s, pc, next, FIRST_EDGE);

	if (ret)
		return ret;
	v->aux[next].prune_point = true;
	v->aux[next].jmp_point = true; /* where the history is not linear: returns come here */
	if (!has_callee)
		return DONE;
	v->aux[pc].prune_point = true;
	effects_merge(v, pc, callee);
	return edge_take(s, pc, callee, SECOND_EDGE);
}

static void helper_effects(struct verify *v, const struct insn *i, u32 pc)
{
	struct subprog *f = &v->subprogs[subprog_containing(v, pc)];
	const struct helper_proto *proto;

	if (helper_changes_pkt((u32)i->imm))
		f->changes_pkt = true;
	/* What these attach to is looked at later: the kernel knows no helpers for them here. */
	if (v->prog_type == BPF_PROG_TYPE_EXT || v->prog_type == BPF_PROG_TYPE_STRUCT_OPS)
		return;
	proto = call_proto_find(v, (u32)i->imm);
	if (proto && call_may_sleep(v, proto))
		f->might_sleep = true;
}

static void kfunc_effects(struct verify *v, const struct insn *i, u32 pc)
{
	struct subprog *f = &v->subprogs[subprog_containing(v, pc)];
	bool is_void, fastcall;
	u32 n_args;

	if (!kfunc_shape(v, i, &n_args, &is_void, &fastcall))
		return;
	/* Each iteration of a loop over an iterator is compared with those before. */
	if (kfunc_is_iter_next(v, i)) {
		v->aux[pc].prune_point = true;
		v->aux[pc].force_checkpoint = true;
	}
	f->might_sleep |= kfunc_may_sleep(v, i);
	f->changes_pkt |= kfunc_changes_pkt(v, i);
}

static bool calls_back_async(struct verify *v, const struct insn *i)
{
	return (i->src == CALL_HELPER && helper_calls_back_async((u32)i->imm)) ||
	       (i->src == CALL_KFUNC && kfunc_calls_back_async(v, i));
}

/* Marks of a call insn that do not depend on a callee in the program. */
static void call_mark(struct verify *v, const struct insn *i, u32 pc)
{
	if (calls_back_async(v, i))
		v->aux[pc].prune_point = true; /* lest each visit starts the callback anew */
	/* How often a callback is called is not known: its body is walked until the state at the call
	 * was seen before. */
	if (insn_calls_back_sync(v, i)) {
		v->aux[pc].calls_callback = true;
		v->aux[pc].force_checkpoint = true;
		v->aux[pc].prune_point = true;
		v->aux[pc].jmp_point = true;
	}
	if (i->src == CALL_HELPER)
		helper_effects(v, i, pc);
	else if (i->src == CALL_KFUNC)
		kfunc_effects(v, i, pc);
}

static int goto_visit(struct search *s, u32 pc)
{
	const struct insn *i = &s->v->insns[pc];
	s64 to = jmp_target(i, pc);
	int ret;

	if (INSN_SRC(i->code) != SRC_K)
		return -EINVAL;
	ret = edge_take(s, pc, to, FIRST_EDGE);
	if (!ret)
		mark_target(s->v, (u32)to);
	return ret;
}

static int condition_visit(struct search *s, u32 pc)
{
	struct verify *v = s->v;
	const struct insn *i = &v->insns[pc];
	int ret;

	v->aux[pc].prune_point = true;
	if (i->code == (CLS_JMP | JMP_JCOND) && i->src == 0) /* may_goto */
		v->aux[pc].force_checkpoint = true;
	ret = edge_take(s, pc, (s64)pc + 1, FIRST_EDGE);
	return ret ? ret : edge_take(s, pc, (s64)pc + 1 + i->off, SECOND_EDGE);
}

/* Takes the next edge of an open insn.  visit_insn(). */
static int insn_visit(struct search *s, u32 pc)
{
	struct verify *v = s->v;
	const struct insn *i = &v->insns[pc];
	u32 class = INSN_CLASS(i->code);

	v->pc = pc;
	if (insn_is_wide(i) && i->src == PSEUDO_FUNC)
		return call_visit(s, pc, true);
	if (class != CLS_JMP && class != CLS_JMP32)
		return edge_take(s, pc, (s64)pc + 1 + insn_is_wide(i), FIRST_EDGE);
	switch (INSN_OP(i->code)) {
	case JMP_EXIT:
		return DONE;
	case JMP_CALL:
		if (insn_is_call(i))
			call_mark(v, i, pc);
		return call_visit(s, pc, i->src == CALL_SUBPROG);
	case JMP_JA:
		return goto_visit(s, pc);
	default:
		return condition_visit(s, pc);
	}
}

static int search_from(struct search *s, u32 pc)
{
	s->state[pc] = OPEN;
	s->stack[0] = pc;
	s->depth = 1;
	while (s->depth) {
		u32 top = s->stack[s->depth - 1];
		int ret = insn_visit(s, top);

		if (ret < 0)
			return ret;
		if (ret == DONE) {
			s->state[top] = CLOSED;
			s->depth--;
		}
	}
	return 0;
}

static int reached_check(struct verify *v, const u8 *state)
{
	for (u32 pc = 0; pc < v->n_insns; pc++) {
		v->pc = pc;
		if (state[pc] != CLOSED)
			return v_refuse(v, -EINVAL, WHY_CFG, "unreachable insn %u", pc);
		if (!insn_is_wide(&v->insns[pc]))
			continue;
		if (pc + 1 < v->n_insns && state[pc + 1] != NEW)
			return v_refuse(v, -EINVAL, WHY_CFG, "jump into the middle of ldimm64 insn %u",
					pc);
		pc++;
	}
	return 0;
}

int cfg_check(struct verify *v)
{
	struct search s = {
		.v = v,
		.state = calloc(v->n_insns, sizeof(*s.state)),
		.stack = calloc(v->n_insns, sizeof(*s.stack)),
	};
	u32 exception = v->exception_cb > 0 ? v->subprogs[v->exception_cb].start : 0;
	int err;

	if (!s.state || !s.stack) {
		err = v_nomem(v);
		goto out;
	}
	err = search_from(&s, 0);
	if (!err && exception && s.state[exception] != CLOSED)
		err = search_from(&s, exception);
	if (!err)
		err = reached_check(v, s.state);
	if (!err)
		v->changes_pkt = v->subprogs[0].changes_pkt;
out:
	free(s.state);
	free(s.stack);
	return err;
}

/* ---- order ---- */

/* May the function end here, beside going on?  A tail call that succeeds and a load past the packet's
 * end return to the caller at once. */
static bool insn_may_leave(const struct insn *i)
{
	u32 mode = INSN_MODE(i->code);

	if (INSN_CLASS(i->code) == CLS_LD)
		return mode == MODE_ABS || mode == MODE_IND;
	return insn_is_call(i) && i->src == CALL_HELPER && i->imm == HELPER_tail_call;
}

u32 insn_successors(const struct verify *v, u32 pc, u32 out[2])
{
	const struct insn *i = &v->insns[pc];
	u32 class = INSN_CLASS(i->code), op = INSN_OP(i->code);
	bool jumps = class == CLS_JMP || class == CLS_JMP32;
	u32 next = pc + 1 + insn_is_wide(i), n = 0;
	s64 to = jmp_target(i, pc);

	if (jumps && op == JMP_EXIT)
		return 0;
	if (!(jumps && op == JMP_JA) && next < v->n_insns)
		out[n++] = next;
	if (jumps && op != JMP_CALL && op <= JMP_JCOND) {
		if (to >= 0 && to < v->n_insns)
			out[n++] = (u32)to;
	} else if (insn_may_leave(i)) {
		u32 exit_pc = v->subprogs[subprog_containing(v, pc)].exit_pc;

		if (exit_pc)
			out[n++] = exit_pc;
	}
	return n;
}

/* Appends the insns of the function that begins at pc to v->postorder: each after all its successors,
 * but where a loop makes that impossible. */
static void postorder_from(struct verify *v, u32 pc, u8 *state, u32 *stack)
{
	u32 depth = 1, succ[2];

	stack[0] = pc;
	while (depth) {
		u32 top = stack[depth - 1], n;

		state[top] |= OPEN;
		if (state[top] & CLOSED) {
			v->postorder[v->n_postorder++] = top;
			depth--;
			continue;
		}
		n = insn_successors(v, top, succ);
		for (u32 i = 0; i < n; i++) {
			if (!state[succ[i]]) {
				state[succ[i]] = OPEN;
				stack[depth++] = succ[i];
			}
		}
		state[top] |= CLOSED;
	}
}

int cfg_postorder(struct verify *v)
{
	u8 *state = calloc(v->n_insns, sizeof(*state));
	u32 *stack = calloc(v->n_insns, sizeof(*stack));
	int err = 0;

	v->postorder = arena_alloc(&v->arena, v->n_insns * sizeof(*v->postorder));
	if (!state || !stack) {
		err = v_nomem(v);
		goto out;
	}
	for (u32 i = 0; i < v->n_subprogs; i++) {
		v->subprogs[i].postorder_start = v->n_postorder;
		postorder_from(v, v->subprogs[i].start, state, stack);
	}
	v->subprogs[v->n_subprogs].postorder_start = v->n_postorder;
out:
	free(state);
	free(stack);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/frames.c - functions of the program: called, and left again.
 *
 * A static function is walked once for each call, with what its caller has in r1..r5.  A global one
 * is verified on its own, for any arguments that its BTF allows; a call only has to bring such.
 * Kernel 6.18: check_func_call(), setup_func_entry(), btf_check_subprog_call(),
 * prepare_func_exit().
 */
#include "abi/helper.h"
#include "verify/call.h"
#include "verify/live.h"
#include "verify/log.h"
#include "verify/prune.h"
#include "verify/subprog.h"
#include "verify/walk.h"
#include <errno.h>

/* ---- arguments of global functions ---- */

static int arg_is_ctx(struct verify *v, const struct reg *r, u32 regno)
{
	int err = arg_reg_off(v, r, regno, ARG_NONE);

	if (err < 0)
		return err;
	if (r->type == PTR_CTX)
		return 0;
	return v_refuse_reg(v, -EINVAL, WHY_ARG, regno, "arg#%d expects pointer to ctx",
			    (s32)regno - 1);
}

static int arg_is_mem(struct verify *v, struct reg *r, u32 regno, const struct subprog_arg *arg)
{
	int err = arg_reg_off(v, r, regno, ARG_NONE);

	if (err < 0)
		return err;
	if (mem_reg(v, r, regno, arg->mem_size))
		return -EINVAL;
	if (arg->type & ARG_NULLABLE || !type_may_be_null(r->type))
		return 0;
	return v_refuse_reg(v, -EINVAL, WHY_NULL, regno, "arg#%d is expected to be non-NULL",
			    (s32)regno - 1);
}

static int arg_is_struct(struct verify *v, const struct reg *r, u32 regno,
			 const struct subprog_arg *arg)
{
	struct call_meta meta = { .func_id = 0 };
	int err;

	if (reg_is_null(r) && arg->type & ARG_NULLABLE)
		return 0;
	err = arg_reg_type(v, regno, arg->type, arg->btf_id, &meta);
	return err ? err : arg_reg_off(v, r, regno, arg->type);
}

static int arg_match(struct verify *v, struct reg *r, u32 regno, const struct subprog_arg *arg)
{
	int err;

	if (arg->type == ARG_ANY) {
		if (r->type == REG_SCALAR)
			return 0;
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno, "R%d is not a scalar", regno);
	}
	if (arg->type & ARGX_UNTRUSTED)
		return 0; /* only ever read, and so that it cannot fault */
	if (arg->type == ARG_CTX)
		return arg_is_ctx(v, r, regno);
	if (arg->type & ARGX_ARENA) {
		if (r->type == PTR_ARENA || r->type == REG_SCALAR)
			return 0;
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno,
				    "R%d is not a pointer to arena or scalar.", regno);
	}
	switch (ARG_KIND(arg->type)) {
	case ARG_MEM:
		return arg_is_mem(v, r, regno, arg);
	case ARG_DYNPTR:
		err = arg_reg_off(v, r, regno, ARG_DYNPTR);
		return err ? err : dynptr_process(v, regno, v->pc, arg->type, 0);
	case ARG_BTF_ID:
		return arg_is_struct(v, r, regno, arg);
	default:
		return v_bug(v, "unrecognized arg#%d type %d", (s32)regno - 1, (s32)arg->type);
	}
}

/* Kernel 6.18: btf_check_func_arg_match().  Registers are those of the current frame. */
static int args_match(struct verify *v, u32 i, struct reg *regs)
{
	const struct subprog *sub = &v->subprogs[i];
	int err = subprog_args(v, i);

	for (u32 n = 0; !err && n < sub->n_args; n++)
		err = arg_match(v, &regs[n + 1], n + 1, &sub->args[n]);
	return err;
}

int subprog_args_match(struct verify *v, u32 i, struct reg *regs)
{
	struct verify_result before = *v->res;
	int err;

	if (!v->prog->n_func_info || i >= v->prog->n_func_info)
		return -EINVAL;
	if (!v->prog->func_info[i].type_id)
		return -EFAULT;
	if (v->subprogs[i].unreliable)
		return -EINVAL;
	err = args_match(v, i, regs);
	if (!err)
		return 0;
	/* compilers drop arguments of static functions: that is no reason to refuse */
	v->subprogs[i].unreliable = true;
	if (err != -EFAULT && before.why == WHY_NONE) {
		v->res->why = WHY_NONE;
		v->res->err = before.err;
		v->res->pc = before.pc;
		v->res->reg = before.reg;
	}
	return err;
}

/* ---- calls ---- */

int frame_enter(struct verify *v, u32 subprog, u32 callsite, callback_setup setup, struct state *st)
{
	struct frame *callee;
	int err;

	if (st->curframe + 1 >= FRAMES_MAX)
		return v_refuse(v, -E2BIG, WHY_LIMIT, "the call stack of %d frames is too deep",
				(s32)st->curframe + 2);
	if (st->frame[st->curframe + 1])
		return v_bug(v, "Frame %d already allocated", (s32)st->curframe + 1);
	callee = frame_new(v);
	if (!callee)
		return v_nomem(v);
	frame_init(v, callee, (s32)callsite, st->curframe + 1, subprog);
	err = setup(v, st->frame[st->curframe], callee, callsite);
	if (err) {
		frame_free(v, callee);
		return err;
	}
	st->frame[++st->curframe] = callee;
	return 0;
}

static int pass_arguments(struct verify *v, struct frame *caller, struct frame *callee, u32 pc)
{
	(void)v;
	(void)pc;
	for (u32 i = 1; i <= 5; i++)
		reg_copy(&callee->regs[i], &caller->regs[i]);
	return 0;
}

/* err: what its arguments were found to be. */
static int call_global(struct verify *v, u32 i, int err)
{
	struct subprog *sub = &v->subprogs[i];
	const struct state *st = v->cur;
	struct reg *regs = v_regs(v);

	if (st->active_locks) {
		v_log(v, "global function calls are not allowed while holding a lock,\n");
		return v_refuse(v, -EINVAL, WHY_LOCK, "use static function instead");
	}
	if (sub->might_sleep && (st->active_rcu_locks || st->active_preempt_locks ||
				 st->active_irq_id || !v_in_sleepable(v))) {
		v_log(v, "global functions that may sleep are not allowed in non-sleepable context,\n"
		      "i.e., in a RCU/IRQ/preempt-disabled section, or in\n");
		return v_refuse(v, -EINVAL, WHY_SLEEP, "a non-sleepable BPF program context");
	}
	if (err)
		return v_refuse(v, err, WHY_ARG, "Caller passes invalid args into func#%d ('%s')",
				(s32)i, subprog_name(v, i));
	if (log_on(v))
		v_log(v, "Func#%d ('%s') is global and assumed valid.\n", (s32)i,
		      subprog_name(v, i));
	if (sub->changes_pkt)
		packet_clear(v);
	sub->called = true;
	regs_clear_caller(v, regs);
	reg_unknown_at(v, regs, 0);
	regs[0].subreg_def = 0;
	return 0;
}

int call_subprog(struct verify *v, struct insn *insn, u32 *pc)
{
	s64 target = (s64)*pc + insn->imm + 1;
	s32 i = target < 0 || target >= v->n_insns ? -1 : subprog_at(v, (u32)target);
	struct frame *caller = state_cur(v->cur);
	int err;

	if (i < 0)
		return v_bug(v, "target of func call at insn %d is not a program", (s32)target);
	err = subprog_args_match(v, (u32)i, caller->regs);
	if (err == -EFAULT)
		return err;
	if (v->subprogs[i].is_global)
		return call_global(v, (u32)i, err);
	err = frame_enter(v, (u32)i, *pc, pass_arguments, v->cur);
	if (err)
		return err;
	regs_clear_caller(v, caller->regs);
	*pc = v->subprogs[i].start - 1; /* the walk adds one */
	live_callchain_reset(v);
	if (log_on(v)) {
		v_log(v, "caller:\n");
		log_state(v, v->cur, caller->frameno, true);
		v_log(v, "callee:\n");
		log_state(v, v->cur, v->cur->curframe, true);
	}
	return 0;
}

/* ---- returns ---- */

static int callback_returns(struct verify *v, struct frame *callee, u32 pc)
{
	struct reg *r0 = &callee->regs[0];
	struct retval_range want = callee->callback_ret;
	int err;

	if (r0->type != REG_SCALAR)
		return v_refuse_reg(v, -EACCES, WHY_RETURN, 0, "R0 not a scalar value");
	err = precise_reg(v, 0);
	if (err)
		return err;
	if (want.min > r0->val.smin || r0->val.smax > want.max) {
		log_invalid_scalar(v, r0, want, "At callback return", "R0");
		return -EINVAL;
	}
	if (!v->aux[callee->callsite].calls_callback)
		return v_bug(v, "in callback at %d, callsite %d !calls_callback", (s32)pc,
			     callee->callsite);
	return 0;
}

int call_return(struct verify *v, u32 *pc)
{
	struct state *st = v->cur, *prev;
	struct frame *callee, *caller;
	bool in_callback;
	int err = live_update(v);

	if (err)
		return err;
	callee = state_cur(st);
	caller = st->frame[st->curframe - 1];
	if (callee->regs[0].type == PTR_STACK)
		return v_refuse_reg(v, -EINVAL, WHY_LEAK, 0,
				    "cannot return stack pointer to the caller");
	in_callback = callee->in_callback;
	if (in_callback) {
		err = callback_returns(v, callee, *pc);
		if (err)
			return err;
	} else {
		reg_copy(&caller->regs[0], &callee->regs[0]);
	}
	/* the call that calls back decides whether there is another round */
	*pc = (u32)callee->callsite + !in_callback;
	if (log_on(v)) {
		v_log(v, "returning from callee:\n");
		log_state(v, st, callee->frameno, true);
		v_log(v, "to caller at %d:\n", (s32)*pc);
		log_state(v, st, caller->frameno, true);
	}
	frame_free(v, callee);
	st->frame[st->curframe--] = NULL;
	prev = in_callback ? prune_prev_entry(v, st, *pc) : NULL;
	if (prev)
		widen_imprecise(v, prev, st);
	return 0;
}

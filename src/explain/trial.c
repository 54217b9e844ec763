/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/trial.c - a run, watched: arithmetic, branches, frames, the path that is followed. */
#include "explain/watch.h"
#include "exec/exec.h"
#include "isa/alu.h"
#include "isa/check.h"
#include <stdio.h>

enum { STEPS_MAX = 400000 };

void plan_free(struct plan *p)
{
	for (u32 i = 0; i < p->n_maps; i++)
		free(p->maps[i].frozen);
	free(p->maps);
	free(p->insns);
	free(p->map_of);
	free(p->results);
	*p = (struct plan){ 0 };
}

/* ---- ends ---- */

void watch_end(struct watch *w, enum trial_end outcome)
{
	if (w->over)
		return;
	w->over = true;
	w->out->outcome = outcome;
	w->out->pc = w->pc;
	w->out->n_steps = w->at;
}

void watch_fault(struct watch *w, enum fault_kind kind, const char *fmt, ...)
{
	va_list ap;

	if (w->over)
		return;
	va_start(ap, fmt);
	vsnprintf(w->out->text, sizeof(w->out->text), fmt, ap);
	va_end(ap);
	w->out->fault = kind;
	watch_end(w, TRIAL_FAULT);
}

void watch_goal(struct watch *w, const struct insn *op, u32 a, u32 b, bool want)
{
	if (!watch_at_target(w) || w->past_target || w->out->n_goals == ARRAY_SIZE(w->out->goals) ||
	    (!expr_varies(w->e, a) && !expr_varies(w->e, b)))
		return;
	w->out->goals[w->out->n_goals++] = (struct cond){ .op = *op, .a = a, .b = b, .want = want };
}

/* ---- registers ---- */

void watch_set(struct watch *w, u32 regno, struct shade what)
{
	*watch_reg(w, regno) = what;
	w->regs[regno] = shade_bits(&w->mem, what);
}

void watch_skip(struct watch *w, u32 n_insns)
{
	w->insns[w->pc] = (struct insn){ .code = CLS_JMP | JMP_JA, .off = (s16)(n_insns - 1) };
}

bool watch_readable(struct watch *w, u32 regno)
{
	if (watch_reg(w, regno)->kind != SHADE_UNSET)
		return true;
	watch_fault(w, FAULT_UNINIT, "r%u is read, and nothing was ever written to it", regno);
	return false;
}

void watch_require(struct watch *w, const struct insn *op, u32 a, u32 b)
{
	bool holds = jmp_taken((enum jmp_op)INSN_OP(op->code), INSN_CLASS(op->code) == CLS_JMP,
			       expr_value(w->e, a), expr_value(w->e, b));

	expr_require(w->e, op, a, b, holds);
}

void watch_enter(struct watch *w)
{
	struct watch_frame *caller = &w->frames[w->depth], *f;

	if (w->depth + 1 >= ARRAY_SIZE(w->frames)) {
		watch_end(w, TRIAL_ENDED);
		return;
	}
	f = &w->frames[++w->depth];
	*f = (struct watch_frame){ 0 };
	for (u32 i = 1; i <= 5; i++)
		f->r[i] = caller->r[i];
}

void watch_leave(struct watch *w)
{
	const struct watch_frame *callee = &w->frames[w->depth];
	struct watch_frame *f;

	if (!w->depth)
		return;
	f = &w->frames[--w->depth];
	f->r[0] = callee->r[0];
	for (u32 i = 1; i <= 5; i++)
		f->r[i] = (struct shade){ 0 };
}

/* The first insn of a frame: its stack begins where the interpreter says. */
static void frame_begin(struct watch *w)
{
	struct watch_frame *f = &w->frames[w->depth];

	if (f->fp)
		return;
	f->fp = w->regs[REG_FP];
	f->stack = memory_object(&w->mem, OBJECT_STACK, f->fp + ((u64)w->n_insns << 48), 512);
	w->mem.objects.p[f->stack].base = f->fp - 512;
	f->r[REG_FP] = (struct shade){ .kind = SHADE_POINTER, .object = f->stack,
				       .expr = expr_const(w->e, 512) };
}

/* ---- arithmetic ---- */

static struct shade operand(struct watch *w, const struct insn *i)
{
	return INSN_SRC(i->code) == SRC_X ? *watch_reg(w, i->src) :
					    shade_const(w->e, (u64)(s64)i->imm);
}

/* The bits alone, of a pointer too. */
static u32 number_of(struct watch *w, struct shade s)
{
	if (s.kind != SHADE_POINTER)
		return s.expr;
	if (w->mem.objects.p[s.object].kind == OBJECT_STACK)
		return expr_op64(w->e, ALU_ADD,
				 expr_const(w->e, w->mem.objects.p[s.object].base), s.expr);
	return expr_op64(w->e, ALU_ADD, w->mem.objects.p[s.object].base_expr, s.expr);
}

static struct shade moved(struct shade p, u32 expr)
{
	p.expr = expr;
	return p;
}

static struct shade alu_result(struct watch *w, const struct insn *i, struct shade d, struct shade s)
{
	bool is64 = INSN_CLASS(i->code) == CLS_ALU64;
	u32 op = INSN_OP(i->code);

	if (is64 && op == ALU_MOV && (!i->off || i->off == ALU_ADDR_SPACE_CAST))
		return s;
	if (is64 && op == ALU_ADD && d.kind == SHADE_POINTER && s.kind == SHADE_NUMBER)
		return moved(d, expr_op64(w->e, ALU_ADD, d.expr, s.expr));
	if (is64 && op == ALU_ADD && s.kind == SHADE_POINTER && d.kind == SHADE_NUMBER)
		return moved(s, expr_op64(w->e, ALU_ADD, s.expr, d.expr));
	if (is64 && op == ALU_SUB && d.kind == SHADE_POINTER && s.kind == SHADE_NUMBER)
		return moved(d, expr_op64(w->e, ALU_SUB, d.expr, s.expr));
	if (is64 && op == ALU_SUB && d.kind == SHADE_POINTER && s.kind == SHADE_POINTER &&
	    d.object == s.object)
		return shade_number(expr_op64(w->e, ALU_SUB, d.expr, s.expr));
	return shade_number(expr_alu(w->e, i, number_of(w, d), number_of(w, s)));
}

static void do_alu(struct watch *w, const struct insn *i)
{
	u32 op = INSN_OP(i->code);
	bool reads_dst = op != ALU_MOV, reads_src = INSN_SRC(i->code) == SRC_X && op != ALU_END;
	struct shade s;

	if ((reads_src && !watch_readable(w, i->src)) || (reads_dst && !watch_readable(w, i->dst)))
		return;
	if (watch_reg(w, i->dst)->null_expr && reads_dst) {
		const struct insn differs = jump_op(JMP_JNE);

		/* no fault yet, but what comes of null is one when it is used */
		watch_goal(w, &differs, watch_reg(w, i->dst)->null_expr, 0, true);
	}
	s = op == ALU_END ? shade_const(w->e, 0) : operand(w, i);
	s = alu_result(w, i, *watch_reg(w, i->dst), s);
	if (op == ALU_MOV && i->off == ALU_ADDR_SPACE_CAST) {
		watch_set(w, i->dst, s); /* there is no arena: an address stays what it is */
		watch_skip(w, 1);
		return;
	}
	if (s.kind == SHADE_POINTER && object_is_bounded(&w->mem.objects.p[s.object])) {
		const struct insn less = jump_op(JMP_JSLT);
		const struct object *o = &w->mem.objects.p[s.object];
		u32 limit = o->size_expr ? o->size_expr : expr_const(w->e, o->size);

		/* where it leads out, the next use is a fault */
		watch_goal(w, &less, s.expr, limit, false);
		watch_goal(w, &less, s.expr, 0, true);
	}
	*watch_reg(w, i->dst) = s;
}

/* ---- branches ---- */

static bool taken(const struct insn *i, u64 d, u64 s)
{
	return jmp_taken((enum jmp_op)INSN_OP(i->code), INSN_CLASS(i->code) == CLS_JMP, d, s);
}

/* One side is null or not, which is an input of its own, and the other is a number: the branch goes by
 * that input, where it goes by anything.  what: the branch as it would go for null. */
static bool null_decides(struct watch *w, const struct insn *i, struct shade d, struct shade s,
			 u32 *null_expr, bool *what)
{
	u64 typical = 0xffff888000000000, other;
	bool left = d.null_expr != 0;

	if ((left && s.kind != SHADE_NUMBER) || (!left && (!s.null_expr || d.kind != SHADE_NUMBER)))
		return false;
	other = expr_value(w->e, left ? s.expr : d.expr);
	*null_expr = left ? d.null_expr : s.null_expr;
	*what = left ? taken(i, 0, other) : taken(i, other, 0);
	return *what != (left ? taken(i, typical, other) : taken(i, other, typical));
}

/* What must hold of the inputs for the branch to go as wanted. */
static void require_branch(struct watch *w, const struct insn *i, struct shade d, struct shade s,
			   bool wanted)
{
	const struct insn op = { .code = (u8)(i->code | SRC_X) }, differs = jump_op(JMP_JNE);
	bool same_memory = d.kind == SHADE_POINTER && s.kind == SHADE_POINTER &&
			   d.object == s.object && INSN_CLASS(i->code) == CLS_JMP;
	u32 null_expr;
	bool for_null;

	if (null_decides(w, i, d, s, &null_expr, &for_null))
		expr_require(w->e, &differs, null_expr, 0, wanted == for_null);
	else if (same_memory)
		expr_require(w->e, &op, d.expr, s.expr, wanted);
	else
		expr_require(w->e, &op, number_of(w, d), number_of(w, s), wanted);
}

static void do_branch(struct watch *w, const struct insn *i)
{
	const struct trial_step *next = watch_next(w);
	struct shade d = *watch_reg(w, i->dst), s = operand(w, i);
	bool goes, wanted;

	if ((INSN_SRC(i->code) == SRC_X && !watch_readable(w, i->src)) || !watch_readable(w, i->dst))
		return;
	goes = taken(i, shade_bits(&w->mem, d), shade_bits(&w->mem, s));
	wanted = goes;
	if (next && next->depth == w->depth && i->off)
		wanted = next->pc == w->pc + 1 + (u32)i->off;
	require_branch(w, i, d, s, wanted);
	if (wanted != goes)
		watch_end(w, TRIAL_DIVERGED);
}

/* may_goto goes where the path goes. */
static void do_may_goto(struct watch *w, const struct insn *i)
{
	const struct trial_step *next = watch_next(w);
	bool goes = next ? next->pc != w->pc + 1 : w->visits[w->pc] > 8;

	watch_skip(w, goes ? 1u + (u32)(s32)i->off : 1);
}

/* The program's result is a number that it may return. */
static void check_result(struct watch *w)
{
	const struct insn less = jump_op(JMP_JSLT), more = jump_op(JMP_JSGT);
	struct shade r0 = *watch_reg(w, 0);
	s64 v = (s64)shade_bits(&w->mem, r0), min = w->plan->ret_min, max = w->plan->ret_max;

	if (v < min || v > max) {
		watch_fault(w, FAULT_RESULT, "the program returns %lld, and may return %lld to %lld",
			    (long long)v, (long long)min, (long long)max);
		return;
	}
	watch_goal(w, &more, r0.expr, expr_const(w->e, (u64)max), true);
	watch_goal(w, &less, r0.expr, expr_const(w->e, (u64)min), true);
}

static void do_exit(struct watch *w)
{
	bool at_target = watch_at_target(w);

	if (w->depth) {
		watch_leave(w);
		return;
	}
	if (!watch_readable(w, 0))
		return;
	if (at_target && w->plan->goal == GOAL_RETURN)
		check_result(w);
	if (at_target && w->plan->goal == GOAL_LEAK && w->n_held)
		watch_fault(w, FAULT_LEAK, "the program ends, and holds still what insn %u gave it",
			    w->held[w->n_held - 1].pc);
	if (!w->out->n_goals || w->past_target)
		watch_end(w, TRIAL_ENDED);
}

static void do_jump(struct watch *w, const struct insn *i)
{
	switch (INSN_OP(i->code)) {
	case JMP_JA:
		return;
	case JMP_CALL:
		watch_call(w);
		return;
	case JMP_EXIT:
		do_exit(w);
		return;
	case JMP_JCOND:
		do_may_goto(w, i);
		return;
	default:
		do_branch(w, i);
	}
}

static void do_insn(struct watch *w, const struct insn *i)
{
	switch (INSN_CLASS(i->code)) {
	case CLS_ALU:
	case CLS_ALU64:
		do_alu(w, i);
		return;
	case CLS_LDX:
		watch_load(w);
		return;
	case CLS_ST:
		watch_store(w);
		return;
	case CLS_STX:
		if (INSN_MODE(i->code) == MODE_ATOMIC)
			watch_atomic(w);
		else
			watch_store(w);
		return;
	case CLS_LD:
		watch_wide(w);
		return;
	default:
		do_jump(w, i);
	}
}

/* ---- the path ---- */

/* False: the run is no longer where the path was. */
static bool follow(struct watch *w)
{
	const struct trial_step *next = watch_next(w);

	if (!next) {
		if (!w->path && w->pc == w->plan->target)
			w->reached = true;
		return true;
	}
	if (w->depth > next->depth) /* a function that the verifier did not step into */
		return true;
	if (w->depth != next->depth || w->pc != next->pc)
		return false;
	w->at++;
	if (w->at == w->path->steps.n)
		w->reached = true;
	return true;
}

/* A register that the refusal names and that is of no use at the target. */
static void check_named(struct watch *w)
{
	u32 regno = (u32)w->plan->reg;

	if (w->plan->reg >= 0 && regno < TRIAL_REGS && !w->over)
		watch_readable(w, regno);
}

static bool is_memory(const struct insn *i)
{
	u32 class = INSN_CLASS(i->code);

	return class == CLS_LDX || class == CLS_ST || class == CLS_STX;
}

static void on_insn(struct exec_env *env, const struct exec_prog *prog, u32 pc, const u64 *regs)
{
	struct watch *w = env->step_arg;

	(void)prog;
	w->insns[pc] = w->plan->insns[pc];
	w->pc = w->over ? w->pc : pc;
	w->mem.pc = w->pc;
	if (w->bad[pc])
		watch_end(w, TRIAL_ENDED);
	if (!w->over) {
		w->regs = (u64 *)regs;
		w->visits[pc]++;
		frame_begin(w);
		if (w->n_insns++ >= STEPS_MAX && !w->path && w->plan->goal == GOAL_ENDLESS)
			watch_fault(w, FAULT_ENDLESS, "%u insns have run, and no end is in sight",
				    STEPS_MAX);
		else if (w->n_insns > STEPS_MAX)
			watch_end(w, TRIAL_ENDED);
		else if (!follow(w))
			watch_end(w, TRIAL_DIVERGED);
	}
	if (!w->over) {
		bool at_target = watch_at_target(w);

		do_insn(w, &w->plan->insns[pc]);
		if (at_target)
			check_named(w);
		if (at_target && w->out->n_goals && !w->past_target)
			watch_end(w, TRIAL_AT_TARGET);
	}
	/* a bad access is left to the interpreter, which has none of our memory and faults */
	if (w->over && w->out->outcome != TRIAL_FAULT)
		w->insns[pc] = (struct insn){ .code = CLS_JMP | JMP_EXIT };
	else if (w->over && (w->pc != pc || !is_memory(&w->insns[pc])))
		w->insns[pc] = (struct insn){ .code = CLS_JMP | JMP_EXIT };
}

/* ---- a run ---- */

static bool no_memory(struct exec_env *env, u64 addr, u64 size, bool write)
{
	(void)env;
	(void)addr;
	(void)size;
	(void)write;
	return false;
}

static int any_call(struct exec_env *env, u32 id, const u64 args[5])
{
	(void)env;
	(void)id;
	(void)args;
	return 0;
}

/* Helpers that call back are left to the interpreter, and come here. */
static u64 calls_back(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct exec_env *env)
{
	return watch_call_back(env->step_arg, (const u64[]){ r1, r2, r3, r4, r5 });
}

/* Insns that the interpreter must not be given: what insns_check() would refuse, one by one, since a
 * program may be refused for something else before it comes there. */
static void mark_bad(struct watch *w)
{
	const struct plan *p = w->plan;

	w->bad[p->n_insns] = true;
	for (u32 pc = 0; pc < p->n_insns; pc++) {
		const struct insn *i = &p->insns[pc];
		s64 to = insn_is_subprog_call(i) ? (s64)pc + 1 + i->imm :
			 insn_is_jmp(i) ? jmp_target(i, pc) : (s64)pc;

		w->bad[pc] = insn_check(i, p->n_insns - pc, pc, (struct place){ 0 }, NULL) ||
			     to < 0 || to >= p->n_insns;
	}
}

static bool begin(struct watch *w)
{
	const struct plan *p = w->plan;

	w->insns = malloc(((size_t)p->n_insns + 1) * sizeof(*w->insns));
	w->visits = calloc((size_t)p->n_insns + 1, sizeof(*w->visits));
	w->bad = calloc((size_t)p->n_insns + 1, sizeof(*w->bad));
	if (!w->insns || !w->visits || !w->bad)
		return false;
	mark_bad(w);
	w->insns[p->n_insns] = (struct insn){ 0 };
	memcpy(w->insns, p->insns, p->n_insns * sizeof(*w->insns));
	for (u32 i = 1; i <= 5; i++)
		if (p->args[i].kind != RESULT_UNKNOWN)
			w->frames[0].r[i] = watch_result(w, &p->args[i], 0x1000 + i);
	return true;
}

void trial_run(const struct plan *p, const struct trial_path *path, bool past_target, struct exprs *e,
	       struct trial_out *out)
{
	struct watch w = { .plan = p, .path = path, .past_target = past_target, .out = out, .e = e };
	helper_fn helpers[HELPER_ID_MAX], kfuncs[1] = { calls_back };
	struct exec_prog prog = { .n_insns = p->n_insns, .prog_type = p->prog_type,
				  .helpers = helpers, .kfuncs = kfuncs, .n_kfuncs = 1 };
	struct exec_env env = { .prog = &prog, .start_pc = p->start, .max_steps = STEPS_MAX * 2,
				.mem_ok = no_memory, .call_ok = any_call, .kfunc_ok = any_call,
				.step = on_insn, .step_arg = &w };
	u64 args[5] = { 0 }, ret;

	*out = (struct trial_out){ .outcome = TRIAL_ENDED };
	exprs_clear(e);
	memory_init(&w.mem, e);
	w.env = &env;
	if (begin(&w)) {
		for (u32 i = 0; i < HELPER_ID_MAX; i++)
			helpers[i] = calls_back;
		for (u32 i = 0; i < 5; i++)
			args[i] = shade_bits(&w.mem, w.frames[0].r[i + 1]);
		prog.insns = w.insns;
		exec_run(&env, args, &ret);
	}
	if (!w.over)
		out->n_steps = w.at;
	memory_free(&w.mem);
	free(w.insns);
	free(w.visits);
	free(w.bad);
}

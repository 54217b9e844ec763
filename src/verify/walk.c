/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/walk.c - the walk: one path after another, insn by insn, each from where a branch left it.
 *
 * Kernel 6.18: do_check(), do_check_insn(), do_check_common(), push_stack(), pop_stack().
 */
#include "verify/walk.h"
#include "verify/alu.h"
#include "verify/call.h"
#include "verify/cfg.h"
#include "verify/ctx.h"
#include "verify/fixup.h"
#include "verify/jmp.h"
#include "verify/kfunc.h"
#include "verify/live.h"
#include "verify/log.h"
#include "verify/prune.h"
#include "verify/subprog.h"
#include <errno.h>
#include <string.h>

enum { PATHS_MAX = 8192 }; /* kernel BPF_COMPLEXITY_LIMIT_JMP_SEQ */

/* What an insn did to the path. */
enum step { STEP_NEXT, STEP_JUMPED, STEP_ENDED };

/* ---- paths ---- */

/* Thousands of paths may wait: those that insns before this one pushed take little memory. */
static int pending_shrink(struct verify *v)
{
	for (struct pending *p = v->pending; p && !p->small; p = p->next) {
		int err;

		if (p->pushed_at == v->processed)
			continue;
		err = state_shrink(v, &p->st);
		if (err)
			return err;
		p->small = true;
	}
	return 0;
}

static struct pending *pending_new(struct verify *v, u32 pc, u32 prev_pc)
{
	struct pending *p = pending_shrink(v) ? NULL : v_alloc(v, sizeof(*p));

	if (!p) {
		v_nomem(v);
		return NULL;
	}
	p->pc = pc;
	p->prev_pc = prev_pc;
	p->pushed_at = v->processed;
	p->next = v->pending;
	p->log_len = v->log_pos;
	v->pending = p;
	v->n_pending++;
	return p;
}

struct state *path_push(struct verify *v, u32 pc, u32 prev_pc, bool speculative)
{
	struct pending *p = pending_new(v, pc, prev_pc);

	if (!p || state_copy(v, &p->st, v->cur))
		return NULL;
	p->st.speculative |= speculative;
	if (v->n_pending > PATHS_MAX) {
		v_refuse(v, -EFAULT, WHY_LIMIT, "The sequence of %u jumps is too complex.",
			 v->n_pending);
		return NULL;
	}
	if (p->st.parent)
		p->st.parent->branches++;
	return &p->st;
}

int path_error(struct verify *v)
{
	return v->res->err == -ENOMEM ? -ENOMEM : -EFAULT;
}

struct state *path_push_async(struct verify *v, u32 pc, u32 prev_pc, u32 subprog, bool sleepable)
{
	struct pending *p = pending_new(v, pc, prev_pc);
	struct frame *f;

	if (!p)
		return NULL;
	if (v->n_pending > PATHS_MAX) {
		v_refuse(v, -EFAULT, WHY_LIMIT,
			 "The sequence of %u jumps is too complex for async cb.", v->n_pending);
		return NULL;
	}
	f = frame_new(v);
	if (!f) {
		v_nomem(v);
		return NULL;
	}
	frame_init(v, f, -1, 0, subprog);
	p->st.frame[0] = f;
	p->st.branches = 1;
	p->st.in_sleepable = sleepable;
	p->st.token = v->cur->token;
	return &p->st;
}

static void pending_free(struct verify *v)
{
	struct pending *p = v->pending;

	v->pending = p->next;
	v->n_pending--;
	state_clear(v, &p->st);
	v_free(v, p, sizeof(*p));
}

/* Goes on with the path that was pushed last.  1: there is none; or an errno. */
static int path_pop(struct verify *v, u32 *prev_pc)
{
	struct pending *p = v->pending;
	struct state tmp;
	int err = 0;

	if (!p)
		return 1;
	if (!(v->opts.log_level & VERIFY_LOG2))
		log_reset(v, p->log_len);
	v->pc = p->pc;
	*prev_pc = p->prev_pc;
	if (p->small) {
		err = state_copy(v, v->cur, &p->st);
	} else {
		tmp = *v->cur;
		*v->cur = p->st;
		p->st = tmp;
	}
	pending_free(v);
	return err;
}

/* ---- registers ---- */

int reg_use_in(struct verify *v, struct reg *regs, u32 regno, enum reg_use use)
{
	if (regno >= REG_MAX)
		return v_refuse(v, -EINVAL, WHY_STRUCTURE, "R%u is invalid", regno);
	log_changed_reg(v, regno);
	if (use == USE_SRC) {
		if (regs[regno].type == REG_NOT_INIT)
			return v_refuse_reg(v, -EACCES, WHY_UNINIT, regno, "R%u !read_ok", regno);
		return 0;
	}
	if (regno == REG_FP)
		return v_refuse_reg(v, -EACCES, WHY_PERM, regno, "frame pointer is read only");
	if (use == USE_DST)
		reg_unknown_at(v, regs, regno);
	return 0;
}

int reg_use(struct verify *v, u32 regno, enum reg_use use)
{
	return reg_use_in(v, v_regs(v), regno, use);
}

/* Only machines without implicit zero extension would need to know; none of ours. */
void reg_zext_mark(struct verify *v, struct reg *r)
{
	(void)v;
	r->subreg_def = 0;
}

/* ---- history ---- */

u32 hist_stack_flags(u32 frameno, u32 slot)
{
	return HIST_STACK_ACCESS | slot << HIST_SLOT_SHIFT | frameno;
}

int hist_push(struct verify *v, struct state *st, u32 flags, u64 linked)
{
	struct hist *h = v->cur_hist;

	if (h) {
		h->flags |= flags;
		if (linked)
			h->linked = linked;
		return 0;
	}
	if (st->n_hist == st->cap_hist) {
		u32 cap = MAX(st->cap_hist * 2, 8u);

		h = v_alloc(v, cap * sizeof(*h));
		if (!h)
			return v_nomem(v);
		if (st->n_hist)
			memcpy(h, st->hist, st->n_hist * sizeof(*h));
		v_free(v, st->hist, st->cap_hist * sizeof(*h));
		st->hist = h;
		st->cap_hist = cap;
	}
	h = &st->hist[st->n_hist++];
	*h = (struct hist){ .pc = v->pc, .prev_pc = v->prev_pc, .flags = flags, .linked = linked };
	v->cur_hist = h;
	return 0;
}

/* ---- one insn ---- */

static int exit_path(struct verify *v, enum step *step, bool exception)
{
	int err = call_leak_check(v, exception, exception || !v->cur->curframe,
				  exception ? "bpf_throw" : "BPF_EXIT instruction in main prog");

	if (err)
		return err;
	*step = STEP_ENDED;
	if (exception)
		return 0;
	if (v->cur->curframe) {
		*step = STEP_JUMPED;
		return call_return(v, &v->pc);
	}
	return return_check(v, 0, "R0");
}

static int do_call(struct verify *v, struct insn *i, enum step *step)
{
	int err;

	if (INSN_SRC(i->code) != SRC_K || (i->src != CALL_KFUNC && i->off) ||
	    (i->src != CALL_HELPER && i->src != CALL_SUBPROG && i->src != CALL_KFUNC) || i->dst ||
	    INSN_CLASS(i->code) == CLS_JMP32)
		return v_refuse(v, -EINVAL, WHY_STRUCTURE, "BPF_CALL uses reserved fields");
	if (v->cur->active_locks &&
	    ((i->src == CALL_HELPER && i->imm != HELPER_spin_unlock &&
	      i->imm != HELPER_kptr_xchg) ||
	     (i->src == CALL_KFUNC && (i->off || !kfunc_spin_allowed(v, i)))))
		return v_refuse(v, -EINVAL, WHY_LOCK,
				"function calls are not allowed while holding a lock");
	if (i->src == CALL_SUBPROG) {
		err = call_subprog(v, i, &v->pc);
	} else if (i->src == CALL_KFUNC) {
		err = call_kfunc(v, i, &v->pc);
		if (!err && kfunc_is_throw(v, i))
			return exit_path(v, step, true);
	} else {
		err = call_helper(v, i, &v->pc);
	}
	log_changed_reg(v, 0);
	return err;
}

static int do_jump(struct verify *v, struct insn *i, enum step *step)
{
	bool is32 = INSN_CLASS(i->code) == CLS_JMP32;

	v->jmps++;
	switch (INSN_OP(i->code)) {
	case JMP_CALL:
		return do_call(v, i, step);
	case JMP_JA:
		if (INSN_SRC(i->code) != SRC_K || i->src || i->dst || (!is32 && i->imm) ||
		    (is32 && i->off))
			return v_refuse(v, -EINVAL, WHY_STRUCTURE, "BPF_JA uses reserved fields");
		v->pc += (u32)(is32 ? i->imm : i->off) + 1;
		*step = STEP_JUMPED;
		return 0;
	case JMP_EXIT:
		if (INSN_SRC(i->code) != SRC_K || i->imm || i->src || i->dst || is32)
			return v_refuse(v, -EINVAL, WHY_STRUCTURE, "BPF_EXIT uses reserved fields");
		return exit_path(v, step, false);
	default:
		return jmp_check(v, i, &v->pc);
	}
}

static int do_ld(struct verify *v, struct insn *i)
{
	int err;

	switch (INSN_MODE(i->code)) {
	case MODE_ABS:
	case MODE_IND:
		return mem_ld_abs(v, i);
	case MODE_IMM:
		err = ld_imm_check(v, i);
		if (err)
			return err;
		v->pc++;
		spec_seen(v);
		return 0;
	default:
		return v_refuse(v, -EINVAL, WHY_STRUCTURE, "invalid BPF_LD mode");
	}
}

static int do_insn(struct verify *v, enum step *step)
{
	struct insn *i = &v->insns[v->pc];

	*step = STEP_NEXT;
	switch (INSN_CLASS(i->code)) {
	case CLS_ALU:
	case CLS_ALU64:
		return alu_check(v, i);
	case CLS_LDX:
		return mem_ldx(v, i);
	case CLS_STX:
		return INSN_MODE(i->code) == MODE_ATOMIC ? mem_atomic(v, i) : mem_stx(v, i);
	case CLS_ST:
		return mem_st(v, i);
	case CLS_JMP:
	case CLS_JMP32:
		return do_jump(v, i, step);
	case CLS_LD:
		return do_ld(v, i);
	}
	return 0;
}

/* ---- the walk ---- */

/* A refusal that a barrier before the insn would make harmless, on a path that is only speculated.
 * Before kernel 6.16 the program was refused.  Kernel 6.18: error_recoverable_with_nospec(). */
static bool barrier_helps(const struct verify *v, int err)
{
	return (err == -EPERM || err == -EACCES || err == -EINVAL) && profile_since(v->k, 6, 16);
}

static const char *spec_text(const struct verify *v)
{
	return v->cur->speculative ? " (speculative execution)" : "";
}

static void print_insn(struct verify *v, bool *print_state)
{
	if (v->opts.log_level & VERIFY_LOG2 && *print_state) {
		v_log(v, "\nfrom %d to %u%s:", (s32)v->prev_pc, v->pc, spec_text(v));
		log_state(v, v->cur, v->cur->curframe, true);
		*print_state = false;
	}
	if (!log_on(v))
		return;
	if (v->scratched_regs || v->scratched_slots)
		log_insn_state(v, v->cur, v->cur->curframe);
	log_line(v, v->pc, "; ");
	v->prev_log_pos = v->log_pos;
	log_insn(v, v->pc);
	v_log(v, "\n");
	v->prev_insn_pos = v->log_pos - v->prev_log_pos;
	v->prev_log_pos = v->log_pos;
}

static void print_safe(struct verify *v, bool print_state)
{
	if (!log_on(v))
		return;
	if (print_state)
		v_log(v, "\nfrom %d to %u%s: safe\n", (s32)v->prev_pc, v->pc, spec_text(v));
	else
		v_log(v, "%u: safe\n", v->pc);
}

static u32 insns_max(const struct verify *v)
{
	u32 max = v->opts.unpruned ? v->opts.unpruned : v->opts.max_insns;

	return max ? max : BPF_COMPLEXITY_INSNS;
}

/* Checks the insn at v->pc and moves on.  *step says whether the path goes on. */
static int visit(struct verify *v, bool *print_state, enum step *step)
{
	struct state *st = v->cur;
	struct insn_aux *aux;
	u32 at = v->pc;
	int err;

	if (at >= v->n_insns)
		return v_refuse(v, -EFAULT, WHY_BUG, "invalid insn idx %u insn_cnt %u", at,
				v->n_insns);
	aux = &v->aux[at];
	if (++v->processed > insns_max(v))
		return v_refuse(v, -E2BIG, WHY_LIMIT, "BPF program is too large. Processed %u insn",
				v->processed);
	st->last_pc = v->prev_pc;
	st->insn_idx = at;
	*step = STEP_ENDED;
	if (aux->prune_point) {
		err = prune_visit(v, at);
		if (err < 0)
			return err;
		if (err) {
			print_safe(v, *print_state);
			return 0;
		}
	}
	if (aux->jmp_point) {
		err = hist_push(v, st, 0, 0);
		if (err)
			return err;
	}
	print_insn(v, print_state);
	if (v->opts.observer.insn)
		st->token = v->opts.observer.insn(v->opts.observer.arg, v, at, st->token);
	spec_seen(v);
	if (st->speculative && aux->nospec)
		return 0;
	err = live_writes_reset(v, at);
	if (err)
		return err;
	err = do_insn(v, step);
	if (err >= 0 || barrier_helps(v, err)) {
		int mark_err = live_writes_commit(v);

		if (mark_err)
			return mark_err;
	}
	if (barrier_helps(v, err) && st->speculative) {
		aux->nospec = true;
		aux->alu_state = 0;
		v->res->err = 0;
		v->res->why = WHY_NONE;
		*step = STEP_ENDED;
		return 0;
	}
	if (err)
		return err;
	if (*step == STEP_NEXT)
		v->pc++;
	if (st->speculative && aux->nospec_result)
		*step = STEP_ENDED;
	return 0;
}

/* From v->pc to the end of all paths. */
static int walk(struct verify *v)
{
	bool print_state = false;
	u32 prev_pc = ~0u;

	for (;;) {
		enum step step = STEP_ENDED;
		u32 at = v->pc;
		bool nested = v->cur->curframe;
		int err;

		v->cur_hist = NULL;
		v->prev_pc = prev_pc;
		err = visit(v, &print_state, &step);
		if (err)
			return err;
		if (step != STEP_ENDED) {
			if (step == STEP_JUMPED && nested && insn_is_exit(&v->insns[at]))
				print_state = true;
			prev_pc = at;
			continue;
		}
		v->scratched_regs = ~0u;
		v->scratched_slots = ~0ull;
		err = prune_path_ended(v, v->cur);
		if (!err)
			err = live_update(v);
		if (err)
			return err;
		err = path_pop(v, &prev_pc);
		if (err)
			return MIN(err, 0);
		print_state = true;
	}
}

/* ---- functions ---- */

static void walk_end(struct verify *v)
{
	while (v->pending)
		pending_free(v);
	state_free(v, v->cur);
	v->cur = NULL;
	prune_free(v);
	loops_free(v);
}

/* Kernel 6.18: do_check_common(). */
static int walk_function(struct verify *v, u32 n)
{
	struct state *st = state_new(v);
	int err;

	v->prev_line = NULL;
	v->pass++;
	if (!st)
		return v_nomem(v);
	st->branches = 1;
	st->in_sleepable = v->sleepable;
	st->frame[0] = frame_new(v);
	if (!st->frame[0]) {
		state_free(v, st);
		return v_nomem(v);
	}
	v->cur = st;
	frame_init(v, st->frame[0], -1, 0, n);
	st->first_pc = v->subprogs[n].start;
	st->last_pc = ~0u;
	err = prune_init(v);
	if (!err)
		err = loops_init(v);
	if (!err)
		err = args_set(v, n);
	if (!err)
		err = walk(v);
	if (!err && !(v->opts.log_level & VERIFY_LOG2))
		log_reset(v, 0);
	walk_end(v);
	return err;
}

int walk_main(struct verify *v)
{
	v->pc = 0;
	return walk_function(v, 0);
}

int walk_subprogs(struct verify *v)
{
	bool again = true;

	if (!v->prog->n_func_info)
		return 0;
	if (v->exception_cb > 0)
		v->subprogs[v->exception_cb].called = true;
	while (again) {
		again = false;
		for (u32 i = 1; i < v->n_subprogs; i++) {
			struct subprog *sub = &v->subprogs[i];
			int err;

			if (!sub->is_global || !sub->called || sub->verified_global)
				continue;
			v->pc = sub->start;
			err = walk_function(v, i);
			if (err)
				return err;
			if (log_on(v))
				v_log(v, "Func#%u ('%s') is safe for any args that match its "
					 "prototype\n", i, subprog_name(v, i));
			sub->verified_global = true;
			again = true;
		}
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/kfunc_call.c - the steps of a kernel function's call.
 *
 *	kfunc.c        the function, by BTF
 *	kfunc_args.c   its arguments
 *	here           sections that it opens and closes, callbacks, references that end
 *	kfunc_ret.c    r0
 *
 * Kernel 6.18: check_kfunc_call().
 */
#include "abi/kfunc.h"
#include "verify/kfunc.h"
#include "verify/walk.h"
#include <errno.h>

enum { ERRNO_MAX = 4095 };

static bool is_lock(const struct kfunc *k)
{
	return k->special == KF_bpf_res_spin_lock || k->special == KF_bpf_res_spin_lock_irqsave;
}

/* A resilient lock may not be taken: on that path r0 is an errno, and nothing has changed. */
static int push_not_locked(struct verify *v, u32 pc)
{
	struct state *other = path_push(v, pc + 1, pc, false);
	struct reg *regs, *r0;

	if (!other) {
		v_log(v, "failed to push state for failed lock acquisition\n");
		return path_error(v);
	}
	regs = state_cur(other)->regs;
	for (u32 i = 0; i <= 5; i++)
		reg_not_init(v, &regs[i]);
	r0 = &regs[0];
	reg_unknown(v, r0);
	r0->val.smin32 = MAX(r0->val.smin32, -ERRNO_MAX);
	r0->val.smax32 = MIN(r0->val.smax32, -1);
	r0->val.smin = MAX(r0->val.smin, -ERRNO_MAX);
	r0->val.smax = MIN(r0->val.smax, -1);
	scalar_sync(&r0->val);
	r0->subreg_def = (s32)pc + 1;
	return 0;
}

/* Before the arguments: may it be called here at all? */
static int check_place(struct verify *v, const struct kfunc *k, u32 pc)
{
	if (is_lock(k)) {
		int err = push_not_locked(v, pc);

		if (err)
			return err;
	}
	if (k->special == KF___bpf_trap)
		return v_refuse(v, -EFAULT, WHY_CALL,
				"unexpected __bpf_trap() due to uninitialized variable?");
	if (k->flags & KFUNC_DESTRUCTIVE && v->k->caps != CAPS_ALL)
		return v_refuse(v, -EACCES, WHY_PRIV,
				"destructive kfunc calls require CAP_SYS_BOOT capability");
	if (k->flags & KFUNC_SLEEP && !v_in_sleepable(v))
		return v_refuse(v, -EACCES, WHY_SLEEP,
				"program must be sleepable to call sleepable kfunc %s", k->name);
	return 0;
}

static int push_callback(struct verify *v, struct insn *i, const struct kfunc_call *c)
{
	callback_setup setup = kfunc_callback_setup(c->k->special);
	int err = setup ? callback_push(v, i, c->pc, c->subprog, setup) : 0;

	return err ? v_refuse(v, err, WHY_CALL, "kfunc %s#%u failed callback verification",
			      c->k->name, c->k->id) : 0;
}

/* What was only good inside the section may be looked at still, but not trusted. */
static void rcu_pointers_distrust(struct verify *v)
{
	struct frame *f;
	struct reg *r;

	STATE_EACH_REG_MASK(v->cur, f, r, 1 << SLOT_SPILL | 1 << SLOT_ITER)
		if (r->type & T_RCU) {
			r->type &= ~(u32)(T_RCU | T_MAYBE_NULL);
			r->type |= T_UNTRUSTED;
		}
}

static int check_rcu(struct verify *v, const struct kfunc *k)
{
	bool lock = k->special == KF_bpf_rcu_read_lock;
	bool unlock = k->special == KF_bpf_rcu_read_unlock;
	struct state *st = v->cur;

	if (!st->active_rcu_locks) {
		if (unlock)
			return v_refuse(v, -EINVAL, WHY_LOCK,
					"unmatched rcu read unlock (kernel function %s)", k->name);
		st->active_rcu_locks = lock;
		return 0;
	}
	if (in_rbtree_cb(v) && (lock || unlock))
		return v_refuse(v, -EACCES, WHY_LOCK, "Calling bpf_rcu_read_{lock,unlock} in "
				"unnecessary rbtree callback");
	if (lock)
		return v_refuse(v, -EINVAL, WHY_LOCK, "nested rcu read lock (kernel function %s)",
				k->name);
	if (unlock) {
		rcu_pointers_distrust(v);
		st->active_rcu_locks = 0;
		return 0;
	}
	return k->flags & KFUNC_SLEEP ?
	       v_refuse(v, -EACCES, WHY_SLEEP,
			"kernel func %s is sleepable within rcu_read_lock region", k->name) : 0;
}

static int check_preempt(struct verify *v, const struct kfunc *k)
{
	struct state *st = v->cur;

	if (k->special == KF_bpf_preempt_disable) {
		st->active_preempt_locks++;
		return 0;
	}
	if (k->special == KF_bpf_preempt_enable) {
		if (!st->active_preempt_locks)
			return v_refuse(v, -EINVAL, WHY_LOCK, "unmatched attempt to enable "
					"preemption (kernel function %s)", k->name);
		st->active_preempt_locks--;
		return 0;
	}
	return st->active_preempt_locks && k->flags & KFUNC_SLEEP ?
	       v_refuse(v, -EACCES, WHY_SLEEP,
			"kernel func %s is sleepable within non-preemptible region", k->name) : 0;
}

/* RCU, preemption and interrupt sections that it opens or closes, or must or must not be inside. */
static int check_sections(struct verify *v, const struct kfunc *k)
{
	int err = check_rcu(v, k);

	if (!err)
		err = check_preempt(v, k);
	if (err)
		return err;
	if (v->cur->active_irq_id && k->flags & KFUNC_SLEEP)
		return v_refuse(v, -EACCES, WHY_SLEEP,
				"kernel func %s is sleepable within IRQ-disabled region", k->name);
	if (k->flags & KFUNC_RCU_PROTECTED && !in_rcu_cs(v))
		return v_refuse(v, -EACCES, WHY_LOCK,
				"kernel func %s requires RCU critical section protection", k->name);
	return 0;
}

static int release(struct verify *v, struct kfunc_call *c)
{
	const struct kfunc *k = c->k;
	int err = c->release_regno ? ref_release(v, v_reg(v, c->release_regno)->ref_obj_id) : 0;

	return err ? v_refuse(v, err, WHY_REF, "kfunc %s#%u reference has not been acquired before",
			      k->name, k->id) : 0;
}

/* bpf_throw(): without a callback of its own the cookie is what the program returns. */
static int check_throw(struct verify *v)
{
	v->seen_exception = true;
	return v->exception_cb <= 0 ? return_check(v, 1, "R1") : 0;
}

static int after_args(struct verify *v, struct insn *i, struct kfunc_call *c)
{
	enum kfunc_special s = c->k->special;
	int err = push_callback(v, i, c);

	if (!err)
		err = check_sections(v, c->k);
	if (!err)
		err = release(v, c);
	if (err)
		return err;
	if (s == KF_bpf_session_cookie) {
		c->r0_size = 8;
		c->r0_rdonly = false;
	}
	if (s == KF_bpf_list_push_front_impl || s == KF_bpf_list_push_back_impl ||
	    s == KF_bpf_rbtree_add_impl)
		return graph_insert(v, c);
	return s == KF_bpf_throw ? check_throw(v) : 0;
}

/* Which arguments are read whole: the code that wrote them must have written all 64 bits. */
static void mark_arg_widths(struct verify *v, const struct kfunc *k)
{
	for (u32 i = 0; i < k->n_args; i++) {
		const struct btf_type *t = btf_type(k->btf, k->args[i].type);

		if (btf_kind(t) == BTF_PTR || t->size == 8)
			reg_zext_mark(v, v_reg(v, i + 1));
	}
}

int call_kfunc(struct verify *v, struct insn *i, u32 *pc)
{
	struct kfunc_call c = { .k = kfunc_of(v, i), .pc = *pc };
	const struct kfunc *k = c.k;
	int err;

	/* refused once the program is rewritten: perhaps this is never reached */
	if (!i->imm)
		return 0;
	if (!k)
		return -EINVAL;
	if (!k->allowed)
		return v_refuse(v, -EACCES, WHY_CALL, "calling kernel function %s is not allowed",
				k->name);
	v->aux[*pc].is_iter_next = k->flags & KFUNC_ITER_NEXT;
	err = check_place(v, k, *pc);
	if (!err)
		err = kfunc_args(v, &c);
	if (!err)
		err = after_args(v, i, &c);
	if (err)
		return err;
	mark_arg_widths(v, k);
	regs_clear_caller(v, v_regs(v));
	err = kfunc_result(v, &c);
	if (err)
		return err;
	if (kfunc_changes_pkt(v, i))
		packet_clear(v);
	return k->flags & KFUNC_ITER_NEXT ? iter_next(v, *pc, c.iter_frame, c.iter_slot) : 0;
}

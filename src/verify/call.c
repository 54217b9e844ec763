/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/call.c - calls of helpers, from prototype to result.
 *
 *	proto.c          may this program call it?
 *	helper_args.c    each argument
 *	call.c           maps that the call site sees, references that end, what is still held
 *	helper_rules.c   rules of single helpers, callbacks
 *	helper_ret.c     r0
 *
 * Kernel 6.18: check_helper_call().
 */
#include "abi/helper_use.h"
#include "abi/uapi.h"
#include "verify/call.h"
#include "verify/kfunc.h"
#include "verify/log.h"
#include "verify/prune.h"
#include "verify/walk.h"
#include <errno.h>

/* ---- shared by all calls ---- */

void reg_invalidate(struct verify *v, struct reg *r)
{
	if (v->allow_ptr_leaks)
		reg_unknown(v, r);
	else
		reg_not_init(v, r);
}

void packet_clear(struct verify *v)
{
	struct frame *f;
	struct reg *r;

	STATE_EACH_REG(v->cur, f, r)
		if (type_is_pkt(r->type) || REG_BASE(r->type) == PTR_PACKET_END ||
		    (REG_BASE(r->type) == PTR_MEM &&
		     r->type & (T_DYN_SKB | T_DYN_XDP | T_DYN_SKB_META)))
			reg_invalidate(v, r);
}

void regs_clear_caller(struct verify *v, struct reg *regs)
{
	for (u32 i = 0; i <= 5; i++) {
		reg_not_init_at(v, regs, i);
		reg_use_in(v, regs, i, USE_DST_NO_MARK);
	}
}

/* Kernel 6.18: check_reference_leak(). */
static int leak_of_refs(struct verify *v, bool exception_exit)
{
	const struct state *st = v->cur;
	bool struct_ops = v_type(v) == BPF_PROG_TYPE_STRUCT_OPS;
	bool leaks = false;

	if (!exception_exit && st->curframe)
		return 0;
	for (u32 i = 0; i < st->n_refs; i++) {
		const struct ref *ref = &st->refs[i];

		if (ref->kind != REF_PTR)
			continue;
		/* a struct_ops function may hand its reference to the kernel */
		if (struct_ops && !exception_exit && v_reg(v, 0)->ref_obj_id == ref->id)
			continue;
		v_log(v, "Unreleased reference id=%d alloc_insn=%d\n", (s32)ref->id, (s32)ref->pc);
		leaks = true;
	}
	return leaks ? -EINVAL : 0;
}

int call_leak_check(struct verify *v, bool exception_exit, bool check_lock, const char *prefix)
{
	const struct state *st = v->cur;

	if (check_lock && st->active_locks)
		return v_refuse(v, -EINVAL, WHY_LOCK,
				"%s cannot be used inside bpf_spin_lock-ed region", prefix);
	if (leak_of_refs(v, exception_exit))
		return v_refuse(v, -EINVAL, WHY_REF, "%s would lead to reference leak", prefix);
	if (check_lock && st->active_irq_id)
		return v_refuse(v, -EINVAL, WHY_LOCK,
				"%s cannot be used inside bpf_local_irq_save-ed region", prefix);
	if (check_lock && st->active_rcu_locks)
		return v_refuse(v, -EINVAL, WHY_LOCK,
				"%s cannot be used inside bpf_rcu_read_lock-ed region", prefix);
	if (check_lock && st->active_preempt_locks)
		return v_refuse(v, -EINVAL, WHY_LOCK,
				"%s cannot be used inside bpf_preempt_disable-ed region", prefix);
	return 0;
}

/* ---- before the arguments ---- */

static int sleep_check(struct verify *v, const struct helper_proto *p)
{
	const struct state *st = v->cur;
	const char *where = st->active_rcu_locks ? "rcu_read_lock region" :
			    st->active_preempt_locks ? "non-preemptible region" :
			    st->active_irq_id ? "IRQ-disabled region" : NULL;

	if (!where || !call_may_sleep(v, p))
		return 0;
	return v_refuse(v, -EINVAL, WHY_SLEEP, "sleepable helper " HELPER_FMT " in %s",
			HELPER_ARGS(p->id), where);
}

/* ---- after the arguments ---- */

/* Helpers whose code the kernel chooses by the map. */
static bool map_is_recorded(u32 id)
{
	switch (id) {
	case HELPER_tail_call: case HELPER_map_lookup_elem: case HELPER_map_update_elem:
	case HELPER_map_delete_elem: case HELPER_map_push_elem: case HELPER_map_pop_elem:
	case HELPER_map_peek_elem: case HELPER_for_each_map_elem: case HELPER_redirect_map:
	case HELPER_map_lookup_percpu_elem:
		return true;
	}
	return false;
}

/* Kernel 6.18: record_func_map(). */
static int record_map(struct verify *v, const struct call_meta *meta, u32 id, u32 pc)
{
	struct insn_aux *aux = &v->aux[pc];
	const struct verify_map *m = meta->map;

	if (!map_is_recorded(id))
		return 0;
	if (!m)
		return v_bug(v, "expected map for helper call");
	if (m->flags & BPF_F_RDONLY_PROG &&
	    (id == HELPER_map_delete_elem || id == HELPER_map_update_elem ||
	     id == HELPER_map_push_elem || id == HELPER_map_pop_elem))
		return v_refuse(v, -EACCES, WHY_MAP, "write into map forbidden");
	if (aux->call_map && aux->call_map != m)
		aux->call_map_poison = true;
	aux->call_map = m;
	aux->call_map_unpriv |= m->unpriv;
	return 0;
}

/* A tail call whose index is always the same can jump directly.  Kernel 6.18: record_func_key(). */
static int record_key(struct verify *v, const struct call_meta *meta, u32 id, u32 pc)
{
	struct insn_aux *aux = &v->aux[pc];
	const struct reg *r = v_reg(v, 3);
	u64 key;
	int err;

	if (id != HELPER_tail_call)
		return 0;
	if (!meta->map || meta->map->type != BPF_MAP_TYPE_PROG_ARRAY) {
		v_refuse(v, -EINVAL, WHY_MAP, "expected prog array map for tail call");
		return -EINVAL;
	}
	key = r->val.bits.value;
	if (!reg_is_const(r, false) || key >= meta->map->max_entries) {
		aux->map_key_state = MAP_KEY_POISON | MAP_KEY_SEEN;
		return 0;
	}
	err = precise_reg(v, 3);
	if (err)
		return err;
	if (!(aux->map_key_state & MAP_KEY_SEEN))
		aux->map_key_state = key | MAP_KEY_SEEN;
	else if (!(aux->map_key_state & MAP_KEY_POISON) &&
		 (aux->map_key_state & ~MAP_KEY_SEEN) != key)
		aux->map_key_state = MAP_KEY_POISON | MAP_KEY_SEEN;
	return 0;
}

/* What kptr_xchg() puts into a map is the map's now.  A per-CPU object may still be read until the
 * RCU section ends. */
static int release_to_map(struct verify *v, u32 id)
{
	bool in_rcu = in_rcu_cs(v);
	int err = ref_drop(v->cur, id);
	struct frame *f;
	struct reg *r;

	if (err)
		return err;
	STATE_EACH_REG(v->cur, f, r) {
		if (r->ref_obj_id != id)
			continue;
		if (in_rcu && r->type & T_ALLOC && r->type & T_PERCPU) {
			r->ref_obj_id = 0;
			r->type = (r->type & ~(u32)T_ALLOC) | T_RCU;
		} else {
			reg_invalidate(v, r);
		}
	}
	return 0;
}

static int release(struct verify *v, const struct helper_proto *p, const struct call_meta *meta)
{
	u32 regno = meta->release_regno;
	struct reg *r = v_reg(v, regno);
	int err = -EINVAL;

	if (!regno)
		return 0;
	if (ARG_KIND(p->arg[regno - 1]) == ARG_DYNPTR)
		err = dynptr_release(v, r);
	else if (p->id == HELPER_kptr_xchg && meta->ref_obj_id)
		err = release_to_map(v, meta->ref_obj_id);
	else if (meta->ref_obj_id)
		err = ref_release(v, meta->ref_obj_id);
	else if (reg_is_null(r))
		err = 0;
	if (!err)
		return 0;
	return v_refuse(v, err, WHY_REF,
			"func " HELPER_FMT " reference has not been acquired before",
			HELPER_ARGS(p->id));
}

/* Kernel 6.18: check_map_func_compatibility(). */
static int map_fits(struct verify *v, const struct call_meta *meta, u32 id)
{
	const struct verify_map *m = meta->map;

	if (!m)
		return 0;
	if (!helper_map_ok(id, m->type, v_type(v), call_attach_type(v))) {
		if ((m->type == BPF_MAP_TYPE_SOCKMAP || m->type == BPF_MAP_TYPE_SOCKHASH) &&
		    (id == HELPER_map_update_elem || id == HELPER_map_delete_elem))
			v_log(v, "cannot update sockmap in this context\n");
		return v_refuse(v, -EINVAL, WHY_MAP,
				"cannot pass map_type %d into func " HELPER_FMT, (s32)m->type,
				HELPER_ARGS(id));
	}
	if (id == HELPER_tail_call && v->n_subprogs > 1 && !v->k->jit)
		return v_refuse(v, -EINVAL, WHY_CALL,
				"mixing of tail_calls and bpf-to-bpf calls is not supported");
	return 0;
}

static int func_ip_check(struct verify *v)
{
	u32 type = v_type(v);

	if (type == BPF_PROG_TYPE_TRACING) {
		if (call_has_trampoline(v))
			return 0;
		return v_refuse(v, -ENOTSUPP, WHY_CALL, "func " HELPER_FMT " supported only for "
				"fentry/fexit/fmod_ret programs", HELPER_ARGS(HELPER_get_func_ip));
	}
	if (type == BPF_PROG_TYPE_KPROBE)
		return 0;
	return v_refuse(v, -ENOTSUPP, WHY_CALL,
			"func " HELPER_FMT " not supported for program type %d",
			HELPER_ARGS(HELPER_get_func_ip), (s32)type);
}

/* A tail call out of a function ends that function, with any result and moved packets; the call may
 * also fail, and then goes on.  Both ways are explored. */
static int tail_call_in_function(struct verify *v, u32 *pc)
{
	int err;

	log_changed_reg(v, 0);
	if (!path_push(v, *pc + 1, *pc, false))
		return path_error(v);
	packet_clear(v);
	reg_unknown_at(v, v_regs(v), 0);
	err = call_return(v, pc);
	if (err)
		return err;
	*pc -= 1; /* the walk goes on behind it */
	return 0;
}

/* Memory that the helper writes is initialised from here on. */
static int raw_mem_written(struct verify *v, const struct call_meta *meta, u32 pc)
{
	for (s32 i = 0; i < meta->access_size; i++) {
		int err = mem_access(v, pc, (u32)meta->regno, i, 1, ACC_WRITE, -1, false, false);

		if (err)
			return err;
	}
	return 0;
}

static int helper_args(struct verify *v, const struct helper_proto *p, struct call_meta *meta,
		       u32 pc)
{
	for (u32 n = 0; n < 5; n++) {
		int err = helper_arg(v, p, n, meta, pc);

		if (err)
			return err;
	}
	return 0;
}

int call_helper(struct verify *v, struct insn *i, u32 *pc)
{
	u32 id = (u32)i->imm, at = *pc;
	const struct helper_proto *p = call_proto(v, id);
	struct call_meta meta = { .func_id = id };
	bool changes = helper_changes_pkt(id);
	int err;

	if (!p)
		return -EINVAL;
	if (!v_in_sleepable(v) && call_may_sleep(v, p))
		return v_refuse(v, -EINVAL, WHY_SLEEP,
				"helper call might sleep in a non-sleepable prog");
	meta.pkt_access = p->flags & HELPER_PKT_ACCESS;
	err = sleep_check(v, p);
	if (!err)
		err = helper_args(v, p, &meta, at);
	if (!err)
		err = record_map(v, &meta, id, at);
	if (!err)
		err = record_key(v, &meta, id, at);
	if (!err)
		err = raw_mem_written(v, &meta, at);
	if (!err)
		err = release(v, p, &meta);
	if (!err)
		err = helper_rules(v, i, p, &meta, at, &changes);
	if (err)
		return err;
	regs_clear_caller(v, v_regs(v));
	err = helper_result(v, p, &meta, at);
	if (!err)
		err = map_fits(v, &meta, id);
	if (!err && id == HELPER_get_func_ip)
		err = func_ip_check(v);
	if (err)
		return err;
	if (id == HELPER_tail_call) {
		if (!v->cur->curframe)
			changes = false;
		else
			err = tail_call_in_function(v, pc);
	}
	if (!err && changes)
		packet_clear(v);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/kfunc_arg_rules.c - what a pointer argument of each kind must point to.
 *
 * Kernel 6.18: the second switch of check_kfunc_args().
 */
#include "abi/kfunc.h"
#include "base/str.h"
#include "verify/ctx.h"
#include "verify/kfunc_arg.h"
#include "verify/log.h"
#include <errno.h>
#include <string.h>

/* ---- contexts, memory, texts, functions ---- */

/* Struct behind the context of the program's type.  Kernel 6.18: get_kern_ctx_btf_id(). */
static int kernel_ctx(struct verify *v, u32 *out)
{
	static const char *const names[BPF_PROG_TYPE_MAX] = {
#define PROG_TYPE(name, number, text) [number] = "BPF_PROG_TYPE_" #name "_kern",
#include "abi/prog_type.def"
#undef PROG_TYPE
	};
	const struct btf *btf = v->k->btf;
	u32 convert = btf_find(btf, "bpf_ctx_convert", BTF_STRUCT), type = v_type(v);
	const struct btf_type *t = btf_type(btf, convert);

	if (!convert || type >= BPF_PROG_TYPE_MAX || !names[type])
		return -EINVAL;
	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];

		if (strcmp(btf_str(btf, m->name_off), names[type]) != 0)
			continue;
		*out = m->type;
		if (btf_is_composite(btf_type(btf, m->type)))
			return 0;
		return v_refuse(v, -EINVAL, WHY_ARG, "kern ctx type id %u is not a struct", m->type);
	}
	return -EINVAL;
}

static int ctx_arg(struct verify *v, struct kfunc_call *c, const struct arg *a)
{
	if (a->reg->type != PTR_CTX)
		return v_refuse_reg(v, -EINVAL, WHY_TYPE, a->regno,
				    "arg#%u expected pointer to ctx, but got %s", a->n,
				    log_type(v, a->reg->type));
	return c->k->special == KF_bpf_cast_to_kern_ctx ? kernel_ctx(v, &c->ret_btf_id) : 0;
}

static int mem_arg(struct verify *v, const struct kfunc_call *c, const struct arg *a)
{
	s64 size = btf_size(c->k->btf, a->a->target);
	const struct btf_type *t = btf_type(c->k->btf, a->a->target);

	if (size < 0 || size > UINT32_MAX)
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    "arg#%u reference type('%s %s') size cannot be determined: %d",
				    a->n, btf_kind_upper(t), btf_str(c->k->btf, t->name_off),
				    -EINVAL);
	return mem_reg(v, a->reg, a->regno, (u32)size);
}

static int mem_size_arg(struct verify *v, struct kfunc_call *c, const struct arg *a)
{
	struct reg *size = a->reg + 1;
	int err;

	if (!reg_is_null(a->reg) || !(a->a->marks & MARK_OPTIONAL)) {
		err = mem_kfunc_size_reg(v, size, a->regno + 1);
		if (err < 0)
			return v_refuse_reg(v, err, WHY_BOUNDS, a->regno, "arg#%u arg#%u memory, len "
					    "pair leads to invalid memory access", a->n, a->n + 1);
	}
	if (!((a->a + 1)->marks & MARK_CONST_SIZE))
		return 0;
	if (c->has_constant)
		return v_bug(v, "only one constant argument permitted");
	if (!tnum_is_const(size->val.bits))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno + 1,
				    "R%u must be a known constant", a->regno + 1);
	c->has_constant = true;
	c->constant = size->val.bits.value;
	return 0;
}

static int callback_arg(struct verify *v, struct kfunc_call *c, const struct arg *a)
{
	if (a->reg->type != PTR_FUNC)
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    "arg%u expected pointer to func", a->n);
	c->subprog = a->reg->subprog;
	return 0;
}

/* ---- things in map values, on the stack, in allocated objects ---- */

static int value_arg(struct verify *v, const struct arg *a, const char *what)
{
	return a->reg->type == PTR_MAP_VALUE ? 0 :
	       v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno, "arg#%u doesn't point to a %s", a->n,
			    what);
}

static int field_arg(struct verify *v, struct kfunc_call *c, const struct arg *a)
{
	int err = value_arg(v, a, "map value");

	return err ? err :
	       process_map_field(v, a->regno,
				 a->kind == KARG_WORKQUEUE ? FIELD_WORKQUEUE : FIELD_TASK_WORK,
				 &c->map);
}

static int str_arg(struct verify *v, const struct arg *a)
{
	int err = value_arg(v, a, "const string");

	return err ? err : call_const_str(v, a->reg, a->regno);
}

static u32 dynptr_kind(enum dynptr_type t)
{
	switch (t) {
	case DYNPTR_LOCAL:
		return ARG_IS_LOCAL;
	case DYNPTR_RINGBUF:
		return ARG_IS_RINGBUF;
	case DYNPTR_SKB:
		return ARGD_SKB;
	case DYNPTR_XDP:
		return ARGD_XDP;
	case DYNPTR_SKB_META:
		return ARGD_SKB_META;
	default:
		return 0;
	}
}

static int dynptr_arg(struct verify *v, struct kfunc_call *c, const struct arg *a)
{
	u32 type = ARG_DYNPTR, clone_ref = 0;
	int err;

	if (a->reg->type == PTR_DYNPTR)
		type |= ARG_RDONLY;
	if (a->a->marks & MARK_UNINIT)
		type |= ARG_UNINIT;
	if (c->k->special == KF_bpf_dynptr_from_skb) {
		type |= ARGD_SKB;
	} else if (c->k->special == KF_bpf_dynptr_from_xdp) {
		type |= ARGD_XDP;
	} else if (c->k->special == KF_bpf_dynptr_from_skb_meta) {
		type |= ARGD_SKB_META;
	} else if (c->k->special == KF_bpf_dynptr_clone && type & ARG_UNINIT) {
		if (c->dynptr == DYNPTR_INVALID)
			return v_bug(v, "no dynptr type for parent of clone");
		type |= dynptr_kind(c->dynptr);
		clone_ref = c->dynptr_ref;
		if (c->dynptr == DYNPTR_RINGBUF && !clone_ref)
			return v_bug(v, "missing ref obj id for parent of clone");
	}
	err = dynptr_process(v, a->regno, c->pc, type, clone_ref);
	if (err || type & ARG_UNINIT)
		return err;
	c->dynptr_id = dynptr_id_of(v, a->reg);
	c->dynptr = dynptr_type_of(v, a->reg);
	c->dynptr_ref = dynptr_ref_of(v, a->reg);
	return 0;
}

/* Tasks of a cgroup are walked under a lock that some hooks hold.  Kernel 6.18:
 * check_css_task_iter_allowlist(). */
static bool may_walk_css_tasks(struct verify *v)
{
	u32 type = v_type(v);

	return type == BPF_PROG_TYPE_LSM ||
	       (type == BPF_PROG_TYPE_TRACING && v->attach_type == BPF_TRACE_ITER) ||
	       v_in_sleepable(v);
}

static int iter_arg_check(struct verify *v, struct kfunc_call *c, const struct arg *a)
{
	const struct kfunc *k = c->k;
	const struct btf_type *t = btf_type(k->btf, a->a->target);
	bool is_iter = btf_kind(t) == BTF_STRUCT &&
		       str_starts(btf_str(k->btf, t->name_off), "bpf_iter_");
	int err;

	if (k->special == KF_bpf_iter_css_task_new && !may_walk_css_tasks(v))
		return v_refuse_reg(v, -EINVAL, WHY_CALL, a->regno, "css_task_iter is only allowed "
				    "in bpf_lsm, bpf_iter and sleepable progs");
	if (!is_iter && a->reg->type == PTR_STACK)
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    "expected valid iter pointer as arg #%u", a->n);
	err = iter_arg(v, a->regno, c->pc, k->btf, a->a->target, t->size / 8, k->special,
		       k->flags & KFUNC_ITER_NEW, k->flags & KFUNC_ITER_NEXT,
		       k->flags & KFUNC_ITER_DESTROY, k->flags, &c->iter_frame, &c->iter_slot);
	/* what next() returns lives as long as the iterator; process_iter_arg() */
	if (!err && k->flags & KFUNC_ITER_NEXT)
		c->ref_obj_id = v->cur->frame[c->iter_frame]->stack[c->iter_slot].reg.ref_obj_id;
	return err;
}

static int irq_flag_arg(struct verify *v, const struct kfunc_call *c, const struct arg *a)
{
	if (a->reg->type != PTR_STACK)
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    "arg#%u doesn't point to an irq flag on stack", a->n);
	switch (c->k->special) {
	case KF_bpf_local_irq_save:
		return process_irq_flag(v, a->regno, true, IRQ_NATIVE);
	case KF_bpf_res_spin_lock_irqsave:
		return process_irq_flag(v, a->regno, true, IRQ_LOCK);
	case KF_bpf_local_irq_restore:
		return process_irq_flag(v, a->regno, false, IRQ_NATIVE);
	case KF_bpf_res_spin_unlock_irqrestore:
		return process_irq_flag(v, a->regno, false, IRQ_LOCK);
	default:
		return v_bug(v, "unknown irq flags kfunc");
	}
}

static int res_lock_arg(struct verify *v, const struct kfunc_call *c, const struct arg *a)
{
	u32 flags = LOCK_IS_RES;

	if (a->reg->type != PTR_MAP_VALUE && a->reg->type != (PTR_BTF | T_ALLOC))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    "arg#%u doesn't point to map value or allocated object", a->n);
	switch (c->k->special) {
	case KF_bpf_res_spin_lock:
		flags |= LOCK_IS_LOCK;
		break;
	case KF_bpf_res_spin_lock_irqsave:
		flags |= LOCK_IS_LOCK | LOCK_IS_IRQ;
		break;
	case KF_bpf_res_spin_unlock:
		break;
	case KF_bpf_res_spin_unlock_irqrestore:
		flags |= LOCK_IS_IRQ;
		break;
	default:
		return -EFAULT;
	}
	return process_spin_lock(v, a->regno, flags);
}

static int owned_object(struct verify *v, const struct arg *a)
{
	return a->reg->ref_obj_id ? 0 :
	       v_refuse_reg(v, -EINVAL, WHY_REF, a->regno, "allocated object must be referenced");
}

static int alloc_arg(struct verify *v, struct kfunc_call *c, const struct arg *a)
{
	bool percpu = a->reg->type == (PTR_BTF | T_ALLOC | T_PERCPU);

	if (!percpu && a->reg->type != (PTR_BTF | T_ALLOC))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    "arg#%u expected pointer to allocated object", a->n);
	if (percpu && c->k->special != KF_bpf_percpu_obj_drop_impl)
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    "arg#%u expected for bpf_percpu_obj_drop_impl()", a->n);
	if (!percpu && c->k->special != KF_bpf_obj_drop_impl)
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    "arg#%u expected for bpf_obj_drop_impl()", a->n);
	if (owned_object(v, a))
		return -EINVAL;
	if (!c->k->module) {
		c->arg_btf = a->reg->btf;
		c->arg_btf_id = a->reg->btf_id;
	}
	return 0;
}

static int refcounted_arg(struct verify *v, struct kfunc_call *c, const struct arg *a)
{
	const struct btf_record *r;

	if (!type_is_alloc_ref(a->reg->type))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    "arg#%u is neither owning or non-owning ref", a->n);
	if (!type_is_non_owning_ref(a->reg->type) && a->reg->ref_obj_id)
		c->arg_owning_ref = true;
	r = reg_record(v, a->reg);
	if (!r)
		return v_bug(v, "Couldn't find btf_record");
	if (r->refcount_off < 0)
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    "arg#%u doesn't point to a type with bpf_refcount field", a->n);
	c->arg_btf = a->reg->btf;
	c->arg_btf_id = a->reg->btf_id;
	return 0;
}

static int root_arg(struct verify *v, struct kfunc_call *c, const struct arg *a)
{
	if (a->reg->type != PTR_MAP_VALUE && a->reg->type != (PTR_BTF | T_ALLOC))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    "arg#%u expected pointer to map value or allocated object", a->n);
	if (a->reg->type == (PTR_BTF | T_ALLOC) && owned_object(v, a))
		return -EINVAL;
	return graph_root_arg(v, c, a->regno,
			      a->kind == KARG_LIST_HEAD ? FIELD_LIST_HEAD : FIELD_RB_ROOT);
}

static int node_arg(struct verify *v, struct kfunc_call *c, const struct arg *a)
{
	bool in_tree = a->kind == KARG_RB_NODE && c->k->special != KF_bpf_rbtree_add_impl;

	if (in_tree) {
		if (!type_is_non_owning_ref(a->reg->type) && !a->reg->ref_obj_id)
			return v_refuse_reg(v, -EINVAL, WHY_REF, a->regno, "%s can only take "
					    "non-owning or refcounted bpf_rb_node pointer",
					    c->k->name);
		if (in_rbtree_cb(v))
			return v_refuse_reg(v, -EINVAL, WHY_CALL, a->regno,
					    "%s not allowed in rbtree cb", c->k->name);
	} else {
		if (a->reg->type != (PTR_BTF | T_ALLOC))
			return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
					    "arg#%u expected pointer to allocated object", a->n);
		if (owned_object(v, a))
			return -EINVAL;
	}
	return graph_node_arg(v, c, a->regno,
			      a->kind == KARG_LIST_NODE ? FIELD_LIST_NODE : FIELD_RB_NODE);
}

/* ---- the rule of a kind ---- */

int kfunc_arg_rule(struct verify *v, struct kfunc_call *c, const struct arg *a)
{
	switch (a->kind) {
	case KARG_CTX:
		return ctx_arg(v, c, a);
	case KARG_ALLOC:
		return alloc_arg(v, c, a);
	case KARG_REFCOUNTED:
		return refcounted_arg(v, c, a);
	case KARG_DYNPTR:
		return dynptr_arg(v, c, a);
	case KARG_ITER:
		return iter_arg_check(v, c, a);
	case KARG_LIST_HEAD:
	case KARG_RB_ROOT:
		return root_arg(v, c, a);
	case KARG_LIST_NODE:
	case KARG_RB_NODE:
		return node_arg(v, c, a);
	case KARG_CONST_STR:
		return str_arg(v, a);
	case KARG_MAP:
	case KARG_BTF:
		return kfunc_btf_arg(v, c, a);
	case KARG_WORKQUEUE:
	case KARG_TASK_WORK:
		return field_arg(v, c, a);
	case KARG_IRQ_FLAG:
		return irq_flag_arg(v, c, a);
	case KARG_RES_LOCK:
		return res_lock_arg(v, c, a);
	case KARG_CALLBACK:
		return callback_arg(v, c, a);
	case KARG_MEM:
		return mem_arg(v, c, a);
	case KARG_MEM_SIZE:
		return mem_size_arg(v, c, a);
	default:
		return v_bug(v, "unknown kfunc arg type %d", a->kind);
	}
}

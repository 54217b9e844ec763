/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/kfunc_ret.c - what a kernel function returns: r0 by its BTF, or by a rule of its own.
 *
 * Kernel 6.18: the second half of check_kfunc_call(), check_special_kfunc().
 */
#include "abi/kfunc.h"
#include "verify/ctx.h"
#include "verify/kfunc.h"
#include <errno.h>

enum { RULE_NONE = 1 }; /* returned by special_result(): the BTF tells */

static void set_struct(struct verify *v, u32 type, const struct btf *btf, u32 id)
{
	struct reg *r0 = v_reg(v, 0);

	reg_known_zero_at(v, v_regs(v), 0);
	r0->type = type;
	r0->btf = btf;
	r0->btf_id = id;
}

static void set_mem(struct verify *v, u32 type, u32 size)
{
	struct reg *r0 = v_reg(v, 0);

	reg_known_zero_at(v, v_regs(v), 0);
	r0->type = type;
	r0->mem_size = size;
	r0->dynptr_id = 0;
}

/* bpf_rdonly_cast(): memory seen as a struct of the kernel's, or as plain bytes. */
static int cast_result(struct verify *v, const struct kfunc_call *c)
{
	const struct btf *btf = c->k->btf;
	u32 id = (u32)c->constant;

	/* the low half counts, as the kernel's btf_type_by_id() takes an u32 */
	if (id >= btf_n_types(btf))
		return v_refuse(v, -EINVAL, WHY_ARG,
				"Unknown type ID %lld passed to kfunc bpf_rdonly_cast",
				(long long)c->constant);
	if (btf_is_composite(btf_type(btf, id)))
		set_struct(v, PTR_BTF | T_UNTRUSTED, btf, id);
	else if (btf_kind(btf_type(btf, id)) == BTF_VOID)
		set_mem(v, PTR_MEM | T_RDONLY | T_UNTRUSTED, 0);
	else
		return v_refuse(v, -EINVAL, WHY_ARG,
				"kfunc bpf_rdonly_cast type ID argument must be of a struct or void");
	return 0;
}

static u32 dynptr_flag(enum dynptr_type t)
{
	switch (t) {
	case DYNPTR_SKB:
		return T_DYN_SKB;
	case DYNPTR_XDP:
		return T_DYN_XDP;
	case DYNPTR_SKB_META:
		return T_DYN_SKB_META;
	case DYNPTR_RINGBUF:
		return T_DYN_RINGBUF;
	case DYNPTR_LOCAL:
		return T_DYN_LOCAL;
	default:
		return 0;
	}
}

static int slice_result(struct verify *v, const struct kfunc_call *c)
{
	struct reg *r0 = v_reg(v, 0);

	if (!c->has_constant)
		return v_bug(v, "bpf_dynptr_slice(_rdwr) no constant size");
	set_mem(v, PTR_MEM | dynptr_flag(c->dynptr), (u32)c->constant);
	if (c->k->special == KF_bpf_dynptr_slice)
		r0->type |= T_RDONLY;
	else if (!mem_pkt_ok(v, false, ACC_WRITE))
		return v_refuse(v, -EINVAL, WHY_PERM,
				"the prog does not allow writes to packet data");
	if (!c->dynptr_id)
		return v_bug(v, "no dynptr id");
	r0->dynptr_id = c->dynptr_id;
	return 0;
}

/* Functions whose result their BTF does not tell.  0, an errno, or RULE_NONE. */
static int special_result(struct verify *v, struct kfunc_call *c)
{
	switch (c->k->special) {
	case KF_bpf_obj_new_impl:
	case KF_bpf_percpu_obj_new_impl:
		return alloc_result(v, c);
	case KF_bpf_refcount_acquire_impl:
		set_struct(v, PTR_BTF | T_ALLOC, c->arg_btf, c->arg_btf_id);
		v->aux[c->pc].kptr_meta = alloc_record(v, c->arg_btf, c->arg_btf_id);
		return 0;
	case KF_bpf_list_pop_front:
	case KF_bpf_list_pop_back:
	case KF_bpf_list_front:
	case KF_bpf_list_back:
		reg_graph_node(v_regs(v), 0, c->list_head);
		return 0;
	case KF_bpf_rbtree_remove:
	case KF_bpf_rbtree_first:
	case KF_bpf_rbtree_root:
	case KF_bpf_rbtree_left:
	case KF_bpf_rbtree_right:
		reg_graph_node(v_regs(v), 0, c->rb_root);
		return 0;
	case KF_bpf_cast_to_kern_ctx:
		set_struct(v, PTR_BTF | T_TRUSTED, c->k->btf, c->ret_btf_id);
		return 0;
	case KF_bpf_rdonly_cast:
		return cast_result(v, c);
	case KF_bpf_dynptr_slice:
	case KF_bpf_dynptr_slice_rdwr:
		return slice_result(v, c);
	default:
		return RULE_NONE;
	}
}

/* A pointer to memory that holds no struct: as large as an argument said, or as the type is. */
static int mem_result(struct verify *v, struct kfunc_call *c, u32 target)
{
	const struct kfunc *k = c->k;
	s64 size = btf_size(k->btf, target);

	if (!c->r0_size && size > 0) {
		c->r0_size = (u64)size;
		c->r0_rdonly = true;
	}
	if (!c->r0_size)
		return v_refuse(v, -EINVAL, WHY_CALL,
				"kernel function %s returns pointer type %s %s is not supported",
				k->name, btf_kind_upper(btf_type(k->btf, target)),
				btf_name(k->btf, target));
	set_mem(v, PTR_MEM | (c->r0_rdonly ? T_RDONLY : 0), (u32)c->r0_size);
	/* gone with the reference that it came from */
	if (c->ref_obj_id)
		v_reg(v, 0)->ref_obj_id = c->ref_obj_id;
	if (k->flags & KFUNC_RCU_PROTECTED)
		v_reg(v, 0)->type |= T_RCU;
	return 0;
}

static void struct_result(struct verify *v, const struct kfunc_call *c, u32 target)
{
	const struct kfunc *k = c->k;
	u32 type = PTR_BTF;

	if (k->special == KF_bpf_get_kmem_cache)
		type |= T_UNTRUSTED;
	else if (k->flags & KFUNC_RCU_PROTECTED)
		type |= T_RCU;
	if (k->flags & KFUNC_ITER_NEXT) {
		const struct frame *f = v->cur->frame[c->iter_frame];

		type |= f->stack[c->iter_slot].reg.type & T_RCU ? T_RCU : T_TRUSTED;
	}
	set_struct(v, type, k->btf, target);
}

static bool may_be_null(const struct kfunc_call *c)
{
	return c->k->flags & KFUNC_RET_NULL &&
	       !(c->k->special == KF_bpf_refcount_acquire_impl && c->arg_owning_ref);
}

/* Node of a list or tree that stays in there. */
static bool is_peek(enum kfunc_special s)
{
	return s == KF_bpf_list_front || s == KF_bpf_list_back || s == KF_bpf_rbtree_first ||
	       s == KF_bpf_rbtree_root || s == KF_bpf_rbtree_left || s == KF_bpf_rbtree_right;
}

static int pointer_result(struct verify *v, struct kfunc_call *c, u32 target)
{
	const struct btf *btf = c->k->btf;
	struct reg *r0 = v_reg(v, 0);
	int err = special_result(v, c);

	if (err == RULE_NONE) {
		err = 0;
		if (!target)
			reg_unknown_at(v, v_regs(v), 0); /* void *: a number */
		else if (btf_kind(btf_type(btf, target)) != BTF_STRUCT)
			err = mem_result(v, c, target);
		else
			struct_result(v, c, target);
	}
	if (err)
		return err;
	if (may_be_null(c)) {
		r0->type |= T_MAYBE_NULL;
		r0->id = ++v->id_gen;
	}
	if (c->k->flags & KFUNC_ACQUIRE) {
		s32 id = ref_acquire(v, c->pc);

		if (id <= 0)
			return id ? id : -ENOMEM;
		if (may_be_null(c))
			r0->id = (u32)id;
		r0->ref_obj_id = (u32)id;
	} else if (is_peek(c->k->special)) {
		ref_set_non_owning(v, r0);
	}
	if (record_has(reg_record(v, r0), FIELD_SPIN_LOCK | FIELD_RES_SPIN_LOCK) && !r0->id)
		r0->id = ++v->id_gen;
	return 0;
}

static int scalar_result(struct verify *v, const struct kfunc_call *c, u32 size)
{
	struct reg *r0 = v_reg(v, 0);

	reg_unknown_at(v, v_regs(v), 0);
	/* the path where a lock is not taken was pushed before */
	if (c->k->special == KF_bpf_res_spin_lock || c->k->special == KF_bpf_res_spin_lock_irqsave)
		reg_const_zero(v, r0);
	r0->subreg_def = size == 8 ? 0 : (s32)c->pc + 1;
	return 0;
}

/* Only objects can be acquired. */
static bool returns_object(const struct kfunc *k, const struct btf_type *ret)
{
	if (btf_kind(ret) == BTF_PTR &&
	    btf_is_composite(btf_resolve(k->btf, ret->type)))
		return true;
	return k->special == KF_bpf_obj_new_impl || k->special == KF_bpf_percpu_obj_new_impl ||
	       k->special == KF_bpf_refcount_acquire_impl;
}

int kfunc_result(struct verify *v, struct kfunc_call *c)
{
	const struct kfunc *k = c->k;
	const struct btf_type *ret = btf_resolve(k->btf, btf_type(k->btf, k->proto)->type);

	if (k->flags & KFUNC_ACQUIRE && !returns_object(k, ret))
		return v_refuse(v, -EINVAL, WHY_CALL,
				"acquire kernel function does not return PTR_TO_BTF_ID");
	switch (btf_kind(ret)) {
	case BTF_INT:
	case BTF_ENUM:
	case BTF_ENUM64:
		return scalar_result(v, c, ret->size);
	case BTF_PTR:
		return pointer_result(v, c, btf_skip(k->btf, ret->type));
	case BTF_VOID:
		if (k->special == KF_bpf_obj_drop_impl || k->special == KF_bpf_percpu_obj_drop_impl)
			v->aux[c->pc].kptr_meta = alloc_record(v, c->arg_btf, c->arg_btf_id);
		return 0;
	default:
		return 0;
	}
}

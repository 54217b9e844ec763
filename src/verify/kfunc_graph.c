/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/kfunc_graph.c - allocated objects, and the lists and trees that hold them.
 *
 * An object is owned by the program (a reference) or by a list or tree; its pointers are then
 * non-owning and good for as long as the lock is held that protects the list.
 * Kernel 6.18: __process_kf_arg_ptr_to_graph_root(), __process_kf_arg_ptr_to_graph_node(),
 * check_reg_allocation_locked(), ref_convert_owning_non_owning(), check_special_kfunc().
 */
#include "verify/ctx.h"
#include "verify/kfunc.h"
#include <errno.h>

enum { PERCPU_OBJECT_MAX = 512 }; /* kernel BPF_GLOBAL_PERCPU_MA_MAX_SIZE */

bool kfunc_is_list(enum kfunc_special s)
{
	switch (s) {
	case KF_bpf_list_push_front_impl:
	case KF_bpf_list_push_back_impl:
	case KF_bpf_list_pop_front:
	case KF_bpf_list_pop_back:
	case KF_bpf_list_front:
	case KF_bpf_list_back:
		return true;
	default:
		return false;
	}
}

bool kfunc_is_tree(enum kfunc_special s)
{
	switch (s) {
	case KF_bpf_rbtree_add_impl:
	case KF_bpf_rbtree_remove:
	case KF_bpf_rbtree_first:
	case KF_bpf_rbtree_root:
	case KF_bpf_rbtree_left:
	case KF_bpf_rbtree_right:
		return true;
	default:
		return false;
	}
}

static bool takes_node(enum kfunc_special s, enum field_kind kind)
{
	if (kind == FIELD_LIST_NODE)
		return s == KF_bpf_list_push_front_impl || s == KF_bpf_list_push_back_impl;
	return s == KF_bpf_rbtree_add_impl || s == KF_bpf_rbtree_remove ||
	       s == KF_bpf_rbtree_left || s == KF_bpf_rbtree_right;
}

/* Is the lock held that lies in the same memory as what r points to?  The lock remembers the map or
 * BTF, and the id of the pointer. */
static int check_locked(struct verify *v, const struct reg *r)
{
	const void *owner;

	switch (r->type) {
	case PTR_MAP_VALUE:
		owner = r->map;
		break;
	case PTR_BTF | T_ALLOC:
		owner = r->btf;
		break;
	default:
		return v_bug(v, "unknown reg type for lock check");
	}
	if (!v->cur->active_locks)
		return -EINVAL;
	if (ref_find_lock(v->cur, REF_LOCK_MASK, r->id, owner))
		return 0;
	v_log(v, "held lock and object are not in the same allocation\n");
	return -EINVAL;
}

static int check_const_off(struct verify *v, const struct reg *r, u32 regno, const char *what)
{
	return tnum_is_const(r->val.bits) ? 0 :
	       v_refuse_reg(v, -EINVAL, WHY_ARG, regno, "R%u doesn't have constant offset. %s has to "
			    "be at the constant offset", regno, what);
}

int graph_root_arg(struct verify *v, struct kfunc_call *c, u32 regno, enum field_kind kind)
{
	const struct record_field **root = kind == FIELD_LIST_HEAD ? &c->list_head : &c->rb_root;
	const struct reg *r = v_reg(v, regno);
	const char *what = field_kind_text(kind);
	const struct record_field *f;
	const struct btf_record *rec;
	u32 off;

	if (c->k->module)
		return v_bug(v, "unexpected btf mismatch in kfunc call");
	if (!(kind == FIELD_LIST_HEAD ? kfunc_is_list(c->k->special) : kfunc_is_tree(c->k->special)))
		return v_refuse_reg(v, -EFAULT, WHY_BUG, regno,
				    "verifier internal error: %s head arg for unknown kfunc", what);
	if (check_const_off(v, r, regno, what))
		return -EINVAL;
	rec = reg_record(v, r);
	off = (u32)((u64)(s64)r->off + r->val.bits.value);
	f = record_find(rec, off, kind);
	if (!f)
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno, "%s not found at offset=%u", what,
				    off);
	if (check_locked(v, r))
		return v_refuse_reg(v, -EINVAL, WHY_LOCK, regno,
				    "bpf_spin_lock at off=%d must be held for %s",
				    rec->spin_lock_off < 0 ? -EINVAL : rec->spin_lock_off, what);
	if (*root)
		return v_bug(v, "repeating %s arg", what);
	*root = f;
	return 0;
}

int graph_node_arg(struct verify *v, struct kfunc_call *c, u32 regno, enum field_kind kind)
{
	bool list = kind == FIELD_LIST_NODE;
	const struct record_field *root = list ? c->list_head : c->rb_root;
	const struct reg *r = v_reg(v, regno);
	const char *what = field_kind_text(kind), *held;
	u32 off;

	if (c->k->module)
		return v_bug(v, "unexpected btf mismatch in kfunc call");
	if (!takes_node(c->k->special, kind))
		return v_refuse_reg(v, -EFAULT, WHY_BUG, regno,
				    "verifier internal error: %s node arg for unknown kfunc", what);
	if (check_const_off(v, r, regno, what))
		return -EINVAL;
	off = (u32)((u64)(s64)r->off + r->val.bits.value);
	if (!record_find(reg_record(v, r), off, kind))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno, "%s not found at offset=%u", what,
				    off);
	if (!root)
		return v_bug(v, "%s arg before its root", what);
	held = btf_name(root->btf, root->value_btf_id);
	if (!btf_ids_match(v, r->btf, r->btf_id, 0, root->btf, root->value_btf_id, true))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno,
				    "operation on %s expects arg#1 %s at offset=%u in struct %s, but arg is at offset=%u in struct %s",
				    field_kind_text(list ? FIELD_LIST_HEAD : FIELD_RB_ROOT), what,
				    root->node_offset, held, off, btf_name(r->btf, r->btf_id));
	c->arg_btf = r->btf;
	c->arg_btf_id = r->btf_id;
	if (off != root->node_offset)
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno,
				    "arg#1 offset=%u, but expected %s at offset=%u in struct %s",
				    off, what, root->node_offset, held);
	return 0;
}

/* Every pointer that owned the object points now to what the list or tree owns. */
static int give_up(struct verify *v, u32 ref_obj_id)
{
	struct frame *f;
	struct reg *r;

	if (!ref_obj_id)
		return v_bug(v, "ref_obj_id is zero for owning -> non-owning conversion");
	if (!ref_has_ptr(v->cur, ref_obj_id))
		return v_bug(v, "ref state missing for ref_obj_id");
	STATE_EACH_REG(v->cur, f, r)
		if (r->ref_obj_id == ref_obj_id) {
			/* no longer found by the release that follows */
			r->ref_obj_id = 0;
			ref_set_non_owning(v, r);
		}
	return 0;
}

int graph_insert(struct verify *v, struct kfunc_call *c)
{
	const struct reg *node = v_reg(v, 2);
	struct insn_aux *aux = &v->aux[c->pc];
	u32 ref_obj_id = node->ref_obj_id;
	int err;

	aux->insert_off = (u64)node->off;
	aux->kptr_meta = alloc_record(v, c->arg_btf, c->arg_btf_id);
	err = give_up(v, ref_obj_id);
	if (err)
		return v_refuse(v, err, WHY_REF,
				"kfunc %s#%u conversion of owning ref to non-owning failed",
				c->k->name, c->k->id);
	err = ref_release(v, ref_obj_id);
	return err ? v_refuse(v, err, WHY_REF,
			      "kfunc %s#%u reference has not been acquired before", c->k->name,
			      c->k->id) : 0;
}

/* bpf_percpu_obj_new(): numbers only, and not many. */
static int check_percpu_object(struct verify *v, const struct btf *btf, u32 id)
{
	u32 size = btf_type(btf, id)->size;

	if (!btf_is_scalar_struct(v, btf, id))
		return v_refuse(v, -EINVAL, WHY_ARG,
				"bpf_percpu_obj_new type ID argument must be of a struct of scalars");
	if (alloc_record(v, btf, id))
		return v_refuse(v, -EINVAL, WHY_ARG, "bpf_percpu_obj_new type ID argument must not "
				"contain special fields");
	return size ? 0 : -EINVAL;
}

int alloc_result(struct verify *v, struct kfunc_call *c)
{
	bool percpu = c->k->special == KF_bpf_percpu_obj_new_impl;
	const struct btf *btf = v->prog->btf;
	struct reg *r0 = v_reg(v, 0);
	const struct btf_type *t;
	u32 id = (u32)c->constant;

	if (c->constant != id)
		return v_refuse(v, -EINVAL, WHY_ARG,
				"local type ID argument must be in range [0, U32_MAX]");
	if (!btf)
		return v_refuse(v, -EINVAL, WHY_BTF,
				"bpf_obj_new/bpf_percpu_obj_new requires prog BTF");
	t = btf_type(btf, id);
	if (btf_kind(t) != BTF_STRUCT)
		return v_refuse(v, -EINVAL, WHY_ARG,
				"bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct");
	if (percpu && t->size > PERCPU_OBJECT_MAX)
		return v_refuse(v, -EINVAL, WHY_ARG,
				"bpf_percpu_obj_new type size (%u) is greater than %d", t->size,
				PERCPU_OBJECT_MAX);
	if (percpu) {
		int err = check_percpu_object(v, btf, id);

		if (err)
			return err;
	}
	reg_known_zero_at(v, v_regs(v), 0);
	r0->type = PTR_BTF | T_ALLOC | (percpu ? T_PERCPU : 0);
	r0->btf = btf;
	r0->btf_id = id;
	v->aux[c->pc].obj_new_size = t->size;
	v->aux[c->pc].kptr_meta = alloc_record(v, btf, id);
	return 0;
}

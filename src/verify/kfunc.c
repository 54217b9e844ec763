/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/kfunc.c - the kernel functions that a program calls: found in BTF, described once.
 *
 * What a function takes is told by the names and types of its parameters in the kernel's BTF, and
 * by its line in abi/kfunc.def.  Kernel 6.18: add_kfunc_call(), fetch_kfunc_meta().
 */
#include "abi/kfunc.h"
#include "base/str.h"
#include "verify/ctx.h"
#include "verify/kfunc.h"
#include <errno.h>
#include <string.h>

enum { KFUNCS_MAX = 256, MODULES_MAX = 256, PROTO_ARGS_MAX = 12, STRUCT_ARG_MAX = 16 };

struct module_btf {
	s16 off;
	const struct btf *btf;
};

struct kfuncs {
	u32 n, n_modules;
	struct kfunc *sorted[KFUNCS_MAX];   /* by id, then off */
	struct module_btf modules[MODULES_MAX];
};

static const char *const special_names[] = {
	[KF_NONE] = "",
#define KFUNC_SPECIAL(name) [KF_##name] = #name,
#include "verify/kfunc_special.def"
#undef KFUNC_SPECIAL
};

static const struct {
	u32 mark;
	const char *suffix;
} marks[] = {
	{ MARK_SIZE, "__sz" },
	{ MARK_CONST_SIZE, "__szk" },
	{ MARK_CONST, "__k" },
	{ MARK_IGNORED, "__ign" },
	{ MARK_PROG, "__prog" },
	{ MARK_MAP, "__map" },
	{ MARK_ALLOC, "__alloc" },
	{ MARK_UNINIT, "__uninit" },
	{ MARK_OPTIONAL, "__opt" },
	{ MARK_REFCOUNTED, "__refcounted_kptr" },
	{ MARK_NULLABLE, "__nullable" },
	{ MARK_STR, "__str" },
	{ MARK_IRQ_FLAG, "__irq_flag" },
	{ MARK_ITER, "__iter" },
};

/* Arguments that the kernel struct behind the pointer tells. */
static const struct {
	const char *name;
	enum kfunc_arg_kind kind;
} structs[] = {
	{ "bpf_dynptr", KARG_DYNPTR },
	{ "bpf_list_head", KARG_LIST_HEAD },
	{ "bpf_list_node", KARG_LIST_NODE },
	{ "bpf_rb_root", KARG_RB_ROOT },
	{ "bpf_rb_node", KARG_RB_NODE },
	{ "bpf_wq", KARG_WORKQUEUE },
	{ "bpf_task_work", KARG_TASK_WORK },
	{ "bpf_res_spin_lock", KARG_RES_LOCK },
};

/* ---- found ---- */

/* Position of (id, off) in sorted[], or where it would be. */
static u32 position(const struct kfuncs *all, u32 id, s16 off)
{
	u32 lo = 0, hi = all->n;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;
		const struct kfunc *k = all->sorted[mid];

		if (k->id < id || (k->id == id && k->off < off))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct kfunc *find(const struct verify *v, u32 id, s16 off)
{
	const struct kfuncs *all = v->kfuncs;
	u32 at;

	if (!all)
		return NULL;
	at = position(all, id, off);
	return at < all->n && all->sorted[at]->id == id && all->sorted[at]->off == off ?
	       all->sorted[at] : NULL;
}

static struct kfunc *find_call(const struct verify *v, const struct insn *call)
{
	return insn_is_call(call) && call->src == CALL_KFUNC ?
	       find(v, (u32)call->imm, call->off) : NULL;
}

/* BTF of a module, by the fd at fd_array[off].  Kernel 6.18: __find_kfunc_desc_btf(). */
static int module_btf(struct verify *v, s16 off, const struct btf **out)
{
	struct kfuncs *all = v->kfuncs;
	const struct verify_prog *p = v->prog;
	const struct btf *btf;
	bool module = false;

	for (u32 i = 0; i < all->n_modules; i++)
		if (all->modules[i].off == off) {
			*out = all->modules[i].btf;
			return 0;
		}
	if (all->n_modules == MODULES_MAX)
		return v_refuse(v, -E2BIG, WHY_LIMIT, "too many different module BTFs");
	if (!p->fd_array)
		return v_refuse(v, -EPROTO, WHY_CALL,
				"kfunc offset > 0 without fd_array is invalid");
	if ((u32)off >= p->n_fd_array)
		return -EFAULT;
	btf = p->host.btf ? p->host.btf(p->host.arg, p->fd_array[off], &module) : NULL;
	if (!btf)
		return v_refuse(v, -EBADF, WHY_BTF, "invalid module BTF fd specified");
	if (!module)
		return v_refuse(v, -EINVAL, WHY_BTF, "BTF fd for kfunc is not a module BTF");
	all->modules[all->n_modules++] = (struct module_btf){ off, btf };
	*out = btf;
	return 0;
}

static int call_btf(struct verify *v, s16 off, const struct btf **out)
{
	int err = 0;

	if (off < 0)
		err = v_refuse(v, -EINVAL, WHY_CALL,
			       "negative offset disallowed for kernel module function call");
	else if (off)
		err = module_btf(v, off, out);
	else
		*out = v->k->btf;
	return err ? v_refuse(v, err, WHY_BTF, "failed to find BTF for kernel function") : 0;
}

/* Bytes of a value that a call passes; 0: void, -EINVAL: can't be passed. */
static s64 value_size(const struct btf *btf, u32 id, u32 *resolved)
{
	const struct btf_type *t;

	*resolved = btf_skip(btf, id);
	t = btf_type(btf, *resolved);
	switch (btf_kind(t)) {
	case BTF_VOID:
		return id ? -EINVAL : 0;
	case BTF_PTR:
		return 8;
	case BTF_INT:
	case BTF_ENUM:
	case BTF_ENUM64:
	case BTF_STRUCT:
		return t->size;
	default:
		return -EINVAL;
	}
}

/* Kernel 6.18: btf_distill_func_proto(). */
static int check_proto(struct verify *v, const struct kfunc *k)
{
	const struct btf_type *proto = btf_type(k->btf, k->proto);
	u32 n = btf_vlen(proto), id;
	s64 size;

	if (n > PROTO_ARGS_MAX)
		return v_refuse(v, -EINVAL, WHY_CALL, "The function %s has %u arguments. Too many.",
				k->name, n);
	size = value_size(k->btf, proto->type, &id);
	if (size < 0 || btf_kind(btf_type(k->btf, id)) == BTF_STRUCT)
		return v_refuse(v, -EINVAL, WHY_CALL,
				"The function %s return type %s is unsupported.", k->name,
				btf_kind_upper(btf_type(k->btf, id)));
	for (u32 i = 0; i < n; i++) {
		u32 type = btf_params(proto)[i].type;

		if (i == n - 1 && !type)
			return v_refuse(v, -EINVAL, WHY_CALL,
					"The function %s with variable args is unsupported.",
					k->name);
		size = value_size(k->btf, type, &id);
		if (size < 0 || size > STRUCT_ARG_MAX)
			return v_refuse(v, -EINVAL, WHY_CALL,
					"The function %s arg%u type %s is unsupported.", k->name, i,
					btf_kind_upper(btf_type(k->btf, id)));
		if (!size)
			return v_refuse(v, -EINVAL, WHY_CALL,
					"The function %s has malformed void argument.", k->name);
	}
	return 0;
}

static int make(struct verify *v, const struct insn *call, const struct btf *btf, struct kfunc *k)
{
	const struct btf_type *func = btf_type(btf, (u32)call->imm);
	const struct kfunc_def *def;

	*k = (struct kfunc){ .id = (u32)call->imm, .off = call->off, .btf = btf,
			     .module = call->off != 0 };
	if (btf_kind(func) != BTF_FUNC)
		return v_refuse(v, -EINVAL, WHY_CALL, "kernel btf_id %u is not a function", k->id);
	k->proto = func->type;
	if (btf_kind(btf_type(btf, k->proto)) != BTF_FUNC_PROTO)
		return v_refuse(v, -EINVAL, WHY_CALL,
				"kernel function btf_id %u does not have a valid func_proto", k->id);
	k->name = btf_str(btf, func->name_off);
	k->n_args = btf_vlen(btf_type(btf, k->proto));
	for (u32 i = 1; !k->module && i < ARRAY_SIZE(special_names); i++)
		if (!strcmp(special_names[i], k->name))
			k->special = (enum kfunc_special)i;
	if (!profile_has_symbol(v->k, k->name))
		return v_refuse(v, -EINVAL, WHY_CALL, "cannot find address for kernel function %s",
				k->name);
	def = k->module ? NULL : kfunc_for(k->name, BPF_PROG_TYPE_XDP, 0);
	if (def && def->flags & KFUNC_DEV_BOUND)
		return v_refuse(v, -EINVAL, WHY_CALL, "metadata kfuncs require device-bound program");
	return check_proto(v, k);
}

/* What the first call of any kernel function asks. */
static int begin(struct verify *v)
{
	if (!v->k->btf)
		return v_refuse(v, -ENOTSUPP, WHY_CALL, "calling kernel function is not supported "
				"without CONFIG_DEBUG_INFO_BTF");
	if (!v->k->jit)
		return v_refuse(v, -ENOTSUPP, WHY_CALL,
				"JIT is required for calling kernel function");
	if (!v->prog->gpl)
		return v_refuse(v, -EINVAL, WHY_CALL,
				"cannot call kernel function from non-GPL compatible program");
	v->kfuncs = arena_alloc(&v->arena, sizeof(*v->kfuncs));
	return 0;
}

int kfunc_add(struct verify *v, const struct insn *call)
{
	const struct btf *btf = NULL;
	struct kfuncs *all;
	struct kfunc k;
	u32 at;
	int err = v->kfuncs ? 0 : begin(v);

	/* a call of nothing is refused only where it is reached */
	if (err || (!call->imm && !call->off))
		return err;
	err = call_btf(v, call->off, &btf);
	if (err || find(v, (u32)call->imm, call->off))
		return err;
	all = v->kfuncs;
	if (all->n == KFUNCS_MAX)
		return v_refuse(v, -E2BIG, WHY_LIMIT, "too many different kernel function calls");
	err = make(v, call, btf, &k);
	if (err)
		return err;
	at = position(all, k.id, k.off);
	memmove(&all->sorted[at + 1], &all->sorted[at], (all->n - at) * sizeof(all->sorted[0]));
	all->sorted[at] = arena_alloc(&v->arena, sizeof(k));
	*all->sorted[at] = k;
	all->n++;
	return 0;
}

/* ---- described ---- */

static u32 marks_of(const struct btf *btf, const struct btf_param *p)
{
	const char *name = btf_str(btf, p->name_off);
	u32 set = 0;

	for (u32 i = 0; i < ARRAY_SIZE(marks); i++)
		if (str_ends(name, marks[i].suffix))
			set |= marks[i].mark;
	if (!strcmp(name, "rdonly_buf_size"))
		set |= MARK_RDONLY_SIZE;
	if (!strcmp(name, "rdwr_buf_size"))
		set |= MARK_RDWR_SIZE;
	return set;
}

static bool is_scalar(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, id);

	return btf_kind(t) == BTF_INT || btf_is_enum(t);
}

/* Pointers that names or the function tell before the struct does. */
static enum kfunc_arg_kind kind_by_struct(struct verify *v, const struct kfunc *k,
					  const struct kfunc_arg *a)
{
	const char *name = btf_name(k->btf, a->target);

	if (!a->target || btf_kind(btf_type(k->btf, a->target)) != BTF_STRUCT)
		return KARG_BY_REG;
	for (u32 i = 0; i < ARRAY_SIZE(structs); i++)
		if (!strcmp(name, structs[i].name) &&
		    a->target == btf_kernel_struct(v, structs[i].name))
			return structs[i].kind;
	return KARG_BY_REG;
}

/* Kernel 6.18: the order of get_kfunc_ptr_arg_type(), as far as registers don't matter. */
static enum kfunc_arg_kind kind_of_pointer(struct verify *v, const struct kfunc *k, u32 i)
{
	const struct kfunc_arg *a = &k->args[i];
	enum kfunc_arg_kind by_struct = kind_by_struct(v, k, a);
	bool iter = k->flags & KFUNC_ITER ? !i : (a->marks & MARK_ITER) != 0;

	if (k->special == KF_bpf_cast_to_kern_ctx ||
	    ctx_is_type(v, k->btf, a->type, v_type(v), i))
		return KARG_CTX;
	if (a->marks & MARK_ALLOC)
		return KARG_ALLOC;
	if (a->marks & MARK_REFCOUNTED)
		return KARG_REFCOUNTED;
	if (by_struct == KARG_DYNPTR)
		return by_struct;
	if (iter)
		return KARG_ITER;
	if (by_struct >= KARG_LIST_HEAD && by_struct <= KARG_RB_NODE)
		return by_struct;
	if (a->marks & MARK_STR)
		return KARG_CONST_STR;
	if (a->marks & MARK_MAP)
		return KARG_MAP;
	if (by_struct == KARG_WORKQUEUE || by_struct == KARG_TASK_WORK)
		return by_struct;
	return a->marks & MARK_IRQ_FLAG ? KARG_IRQ_FLAG : by_struct;
}

static void describe_arg(struct verify *v, struct kfunc *k, u32 i)
{
	const struct btf_param *p = &btf_params(btf_type(k->btf, k->proto))[i];
	struct kfunc_arg *a = &k->args[i];
	u32 kind;

	a->marks = marks_of(k->btf, p);
	a->type = btf_skip(k->btf, p->type);
	kind = btf_kind(btf_type(k->btf, a->type));
	if (kind == BTF_PTR) {
		a->target = btf_skip(k->btf, btf_type(k->btf, a->type)->type);
		a->callback = btf_kind(btf_type(k->btf, a->target)) == BTF_FUNC_PROTO;
	}
	if (a->marks & (MARK_IGNORED | MARK_PROG))
		a->kind = KARG_IGNORED;
	else if (is_scalar(k->btf, a->type))
		a->kind = KARG_SCALAR;
	else
		a->kind = kind == BTF_PTR ? kind_of_pointer(v, k, i) : KARG_BAD;
}

static void describe(struct verify *v, struct kfunc *k)
{
	const struct kfunc_def *def = kfunc_for(k->name, v_type(v), v->attach_type);

	k->known = true;
	k->allowed = def != NULL;
	k->flags = def ? def->flags : 0;
	for (u32 i = 0; i < MIN(k->n_args, (u32)KFUNC_ARGS_MAX); i++)
		describe_arg(v, k, i);
}

/* ---- asked ---- */

const struct kfunc *kfunc_of(struct verify *v, const struct insn *call)
{
	struct kfunc *k = find_call(v, call);

	if (k && !k->known)
		describe(v, k);
	return k;
}

static u32 flags_of(struct verify *v, const struct insn *call)
{
	const struct kfunc *k = kfunc_of(v, call);

	return k && k->allowed ? k->flags : 0;
}

enum kfunc_special kfunc_special(struct verify *v, const struct insn *call)
{
	const struct kfunc *k = find_call(v, call);

	return k ? k->special : KF_NONE;
}

const char *kfunc_name(struct verify *v, const struct insn *call)
{
	const struct kfunc *k = find_call(v, call);

	return k ? k->name : call->imm || call->off ? "<error>" : "";
}

bool kfunc_is_acquire(struct verify *v, const struct insn *call)
{
	return flags_of(v, call) & KFUNC_ACQUIRE;
}

bool kfunc_may_sleep(struct verify *v, const struct insn *call)
{
	return flags_of(v, call) & KFUNC_SLEEP;
}

bool kfunc_is_iter_next(struct verify *v, const struct insn *call)
{
	return flags_of(v, call) & KFUNC_ITER_NEXT;
}

bool kfunc_is_iter_new(struct verify *v, const struct insn *call)
{
	return flags_of(v, call) & KFUNC_ITER_NEW;
}

bool kfunc_changes_pkt(struct verify *v, const struct insn *call)
{
	return kfunc_special(v, call) == KF_bpf_xdp_pull_data;
}

bool kfunc_calls_back_sync(struct verify *v, const struct insn *call)
{
	return kfunc_special(v, call) == KF_bpf_rbtree_add_impl;
}

bool kfunc_calls_back_async(struct verify *v, const struct insn *call)
{
	switch (kfunc_special(v, call)) {
	case KF_bpf_wq_set_callback_impl:
	case KF_bpf_task_work_schedule_signal_impl:
	case KF_bpf_task_work_schedule_resume_impl:
		return true;
	default:
		return false;
	}
}

bool kfunc_is_throw(struct verify *v, const struct insn *call)
{
	return kfunc_special(v, call) == KF_bpf_throw;
}

bool kfunc_spin_allowed(struct verify *v, const struct insn *call)
{
	enum kfunc_special s = kfunc_special(v, call);

	switch (s) {
	case KF_bpf_refcount_acquire_impl:
	case KF_bpf_iter_num_new:
	case KF_bpf_iter_num_next:
	case KF_bpf_iter_num_destroy:
	case KF_bpf_res_spin_lock:
	case KF_bpf_res_spin_unlock:
	case KF_bpf_res_spin_lock_irqsave:
	case KF_bpf_res_spin_unlock_irqrestore:
		return true;
	default:
		return kfunc_is_list(s) || kfunc_is_tree(s);
	}
}

bool kfunc_shape(struct verify *v, const struct insn *call, u32 *n_args, bool *is_void,
		 bool *fastcall)
{
	const struct kfunc *k = kfunc_of(v, call);

	if (!k || !k->allowed)
		return false;
	*n_args = k->n_args;
	*is_void = !btf_type(k->btf, k->proto)->type;
	*fastcall = k->flags & KFUNC_FASTCALL;
	return true;
}

bool kfunc_is_fastcall(struct verify *v, const struct insn *call, u32 *n_args)
{
	bool is_void, fastcall = false;

	return kfunc_shape(v, call, n_args, &is_void, &fastcall) && fastcall;
}

u32 kfunc_n_args(struct verify *v, const struct insn *call)
{
	const struct kfunc *k = find_call(v, call);

	return k ? k->n_args : 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/kfunc_args.c - arguments of a kernel function's call: numbers, kinds of pointers, trust.
 *
 * kfunc.c has said what BTF makes of each parameter; here the registers are held against it.  What
 * a pointer of each kind must point to is kfunc_arg_rules.c.
 * Kernel 6.18: check_kfunc_args(), get_kfunc_ptr_arg_type(), process_kf_arg_ptr_to_btf_id().
 */
#include "abi/kfunc.h"
#include "verify/ctx.h"
#include "verify/kfunc_arg.h"
#include "verify/log.h"
#include "verify/prune.h"
#include <errno.h>
#include <string.h>

enum { NESTED_MAX = 4 };

const char *reg_kernel_struct(u32 base)
{
	switch (base) {
	case PTR_SOCKET:
		return "sock";
	case PTR_SOCK_COMMON:
		return "sock_common";
	case PTR_TCP_SOCK:
		return "tcp_sock";
	case PTR_MAP:
		return "bpf_map";
	}
	return NULL;
}

bool type_has_unsafe_flags(u32 type)
{
	return REG_FLAGS(type) & ~(u32)TRUSTED_FLAGS;
}

bool reg_is_trusted(struct verify *v, const struct reg *r)
{
	(void)v;
	if (r->ref_obj_id)
		return true;
	if (type_has_unsafe_flags(r->type))
		return false;
	return reg_kernel_struct(REG_BASE(r->type)) || r->type & TRUSTED_FLAGS;
}

bool in_rcu_cs(struct verify *v)
{
	return v->cur->active_rcu_locks || v->cur->active_locks || !v_in_sleepable(v);
}

static bool is_scalar(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, id);

	return btf_kind(t) == BTF_INT || btf_is_enum(t);
}

static bool scalar_struct(struct verify *v, const struct btf *btf, u32 id, u32 depth)
{
	const struct btf_type *t = btf_type(btf, id);

	if (!btf_is_composite(t))
		return false;
	for (u32 i = 0; i < btf_vlen(t); i++) {
		u32 member = btf_skip(btf, btf_members(t)[i].type);
		const struct btf_type *m = btf_type(btf, member);

		if (btf_is_composite(m)) {
			if (depth + 1 >= NESTED_MAX) {
				v_log(v, "max struct nesting depth exceeded\n");
				return false;
			}
			if (!scalar_struct(v, btf, member, depth + 1))
				return false;
			continue;
		}
		if (btf_kind(m) == BTF_ARRAY) {
			if (!btf_array(m)->n)
				return false;
			member = btf_skip(btf, btf_array(m)->type);
		}
		if (!is_scalar(btf, member))
			return false;
	}
	return true;
}

bool btf_is_scalar_struct(struct verify *v, const struct btf *btf, u32 id)
{
	return scalar_struct(v, btf, id, 0);
}

/* ---- numbers ---- */

static int constant_arg(struct verify *v, struct kfunc_call *c, const struct arg *a)
{
	int err;

	if (c->has_constant)
		return v_bug(v, "only one constant argument permitted");
	if (!tnum_is_const(a->reg->val.bits))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno, "R%u must be a known constant",
				    a->regno);
	err = precise_reg(v, a->regno);
	if (err < 0)
		return err;
	c->has_constant = true;
	c->constant = a->reg->val.bits.value;
	return 0;
}

/* Bytes behind the pointer that the function returns. */
static int result_size_arg(struct verify *v, struct kfunc_call *c, const struct arg *a)
{
	if (c->r0_size)
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    "2 or more rdonly/rdwr_buf_size parameters for kfunc");
	if (!tnum_is_const(a->reg->val.bits))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno, "R%u is not a const", a->regno);
	c->r0_size = a->reg->val.bits.value;
	if (c->r0_size > UINT32_MAX)
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    "R%u rdonly/rdwr_buf_size exceeds u32 max", a->regno);
	return precise_reg(v, a->regno);
}

static int scalar_arg(struct verify *v, struct kfunc_call *c, const struct arg *a)
{
	if (a->reg->type != REG_SCALAR)
		return v_refuse_reg(v, -EINVAL, WHY_TYPE, a->regno, "R%u is not a scalar", a->regno);
	if (a->a->marks & MARK_CONST)
		return constant_arg(v, c, a);
	if (a->a->marks & MARK_RDONLY_SIZE)
		c->r0_rdonly = true;
	return a->a->marks & (MARK_RDONLY_SIZE | MARK_RDWR_SIZE) ? result_size_arg(v, c, a) : 0;
}

/* ---- what kind of pointer ---- */

static bool is_size_of(const struct kfunc_arg *size, const struct reg *r)
{
	return size->kind == KARG_SCALAR && r->type == REG_SCALAR &&
	       size->marks & (MARK_SIZE | MARK_CONST_SIZE);
}

/* The kinds that BTF alone does not tell; -EINVAL: the pointee can't be passed. */
static int kind_by_reg(struct verify *v, const struct kfunc_call *c, struct arg *a)
{
	const struct kfunc *k = c->k;
	const struct btf_type *target = btf_type(k->btf, a->a->target);
	const char *name = btf_str(k->btf, target->name_off);
	bool sized;

	if (REG_BASE(a->reg->type) == PTR_BTF || reg_kernel_struct(REG_BASE(a->reg->type))) {
		if (!btf_is_composite(target))
			return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
					    "kernel function %s args#%u pointer type %s %s is not supported",
					    k->name, a->n, btf_kind_upper(target), name);
		a->kind = KARG_BTF;
		return 0;
	}
	if (a->a->callback) {
		a->kind = KARG_CALLBACK;
		return 0;
	}
	sized = a->n + 1 < k->n_args && is_size_of(a->a + 1, a->reg + 1);
	if (!is_scalar(k->btf, a->a->target) && !btf_is_scalar_struct(v, k->btf, a->a->target) &&
	    !(sized && !a->a->target))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    "arg#%u pointer type %s %s must point to %sscalar, or struct with scalar",
				    a->n, btf_kind_upper(target), name, sized ? "void, " : "");
	a->kind = sized ? KARG_MEM_SIZE : KARG_MEM;
	return 0;
}

static int kind_of(struct verify *v, const struct kfunc_call *c, struct arg *a)
{
	a->kind = a->a->kind;
	if (a->kind == KARG_CTX)
		return 0;
	if (a->a->marks & MARK_NULLABLE && reg_is_null(a->reg)) {
		a->kind = KARG_NULL;
		return 0;
	}
	return a->kind == KARG_BY_REG ? kind_by_reg(v, c, a) : 0;
}

/* ---- pointers to kernel structs and maps ---- */

static bool wants_trusted(const struct kfunc *k)
{
	return k->flags & (KFUNC_TRUSTED | KFUNC_RELEASE);
}

static int trusted_arg(struct verify *v, const struct kfunc_call *c, const struct arg *a)
{
	if (!(wants_trusted(c->k) || c->k->flags & KFUNC_RCU) || reg_is_trusted(v, a->reg))
		return 0;
	if (!(c->k->flags & KFUNC_RCU))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    "R%u must be referenced or trusted", a->regno);
	if (!(a->reg->type & T_RCU))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno, "R%u must be a rcu pointer",
				    a->regno);
	return 0;
}

/* A map beside a field of its value must be that value's own map. */
static int map_arg(struct verify *v, struct kfunc_call *c, const struct arg *a)
{
	bool is_map = REG_BASE(a->reg->type) == PTR_MAP;
	const struct verify_map *m = is_map ? a->reg->map : NULL;
	const struct btf_record *r = m ? m->record : NULL;

	if (!m && REG_BASE(a->reg->type) != PTR_BTF)
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    "pointer in R%u isn't map pointer", a->regno);
	if (c->map.map && r && record_has(r, FIELD_WORKQUEUE | FIELD_TASK_WORK) &&
	    (c->map.map != m || c->map.map_uid != a->reg->map_uid)) {
		bool task_work = record_has(r, FIELD_TASK_WORK);

		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
				    task_work ? "bpf_task_work pointer in R2 map_uid=%u doesn't match map pointer in R3 map_uid=%u" :
						"workqueue pointer in R1 map_uid=%u doesn't match map pointer in R2 map_uid=%u",
				    c->map.map_uid, a->reg->map_uid);
	}
	c->map.map = m;
	c->map.map_uid = m ? a->reg->map_uid : 0;
	return 0;
}

/* One of the names is the other with "___init" behind: an object not yet made, which must not pass
 * for a finished one.  Kernel 6.18: btf_type_ids_nocast_alias(). */
static bool are_nocast(const char *a, const char *b)
{
	static const char suffix[] = "___init";
	const char *longer = strlen(a) > strlen(b) ? a : b, *shorter = longer == a ? b : a;
	size_t n = strlen(shorter);

	return strlen(longer) == n + sizeof(suffix) - 1 && !strncmp(longer, shorter, n) &&
	       !strcmp(longer + n, suffix);
}

static int match_struct(struct verify *v, const struct kfunc_call *c, const struct arg *a,
			const struct btf *want_btf, u32 want)
{
	bool by_btf = REG_BASE(a->reg->type) == PTR_BTF;
	const struct btf *btf = by_btf ? a->reg->btf : v->k->btf;
	const char *own = by_btf ? NULL : reg_kernel_struct(REG_BASE(a->reg->type));
	u32 id = by_btf ? a->reg->btf_id : btf_kernel_struct(v, own);
	const char *want_name = btf_name(want_btf, want);
	bool strict = (c->k->flags & KFUNC_RELEASE && a->reg->ref_obj_id) ||
		      are_nocast(btf_name(btf, id), want_name);
	bool same;

	id = btf_skip(btf, id);
	same = btf_ids_match(v, btf, id, a->reg->off, want_btf, want, strict);
	if (same || ctx_is_projection(want_name, btf_name(btf, id)))
		return 0;
	return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno,
			    "kernel function %s args#%u expected pointer to %s %s but R%u has a pointer to %s %s",
			    c->k->name, a->n, btf_kind_upper(btf_type(want_btf, want)), want_name,
			    a->regno, btf_kind_upper(btf_type(btf, id)), btf_name(btf, id));
}

int kfunc_btf_arg(struct verify *v, const struct kfunc_call *c, const struct arg *a)
{
	const struct reg *r = a->reg;
	u32 base = REG_BASE(r->type);

	if ((base != PTR_BTF || (type_has_unsafe_flags(r->type) && !(r->type & T_RCU))) &&
	    !reg_kernel_struct(base)) {
		v_log(v, "arg#%u is %s ", a->n, log_type(v, r->type));
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno, "expected %s or socket",
				    log_type(v, base | (REG_FLAGS(r->type) & TRUSTED_FLAGS)));
	}
	if (a->kind == KARG_MAP)
		return match_struct(v, c, a, v->k->btf, btf_kernel_struct(v, "bpf_map"));
	return match_struct(v, c, a, c->k->btf, a->a->target);
}

/* ---- all of it ---- */

static int reference_arg(struct verify *v, struct kfunc_call *c, const struct arg *a)
{
	bool release = c->k->flags & KFUNC_RELEASE;

	if (!a->reg->ref_obj_id)
		return 0;
	if (release && c->ref_obj_id)
		return v_bug(v, "more than one arg with ref_obj_id R%u %u %u", a->regno,
			     a->reg->ref_obj_id, c->ref_obj_id);
	c->ref_obj_id = a->reg->ref_obj_id;
	if (release)
		c->release_regno = (u8)a->regno;
	return 0;
}

static int pointer_arg(struct verify *v, struct kfunc_call *c, struct arg *a)
{
	const struct kfunc *k = c->k;
	bool release = k->flags & KFUNC_RELEASE && a->reg->ref_obj_id;
	int err;

	if ((wants_trusted(k) || k->flags & KFUNC_RCU) &&
	    (reg_is_null(a->reg) || type_may_be_null(a->reg->type)) &&
	    !(a->a->marks & MARK_NULLABLE))
		return v_refuse_reg(v, -EACCES, WHY_NULL, a->regno,
				    "Possibly NULL pointer passed to trusted arg%u", a->n);
	err = reference_arg(v, c, a);
	if (!err)
		err = kind_of(v, c, a);
	if (err || a->kind == KARG_NULL)
		return err;
	if (a->kind == KARG_MAP)
		err = map_arg(v, c, a);
	if (!err && (a->kind == KARG_MAP || a->kind == KARG_ALLOC || a->kind == KARG_BTF))
		err = trusted_arg(v, c, a);
	if (!err)
		err = arg_reg_off(v, a->reg, a->regno, release ? ARG_ANY | ARG_RELEASE : ARG_ANY);
	return err ? err : kfunc_arg_rule(v, c, a);
}

/* One argument of the prototype; its "__prog" parameters are filled in by the kernel. */
static int check_arg(struct verify *v, struct kfunc_call *c, struct arg *a)
{
	if (a->a->marks & MARK_PROG) {
		if (c->arg_prog)
			return v_bug(v, "Only 1 prog->aux argument supported per-kfunc");
		c->arg_prog = true;
		return 0;
	}
	switch (a->a->kind) {
	case KARG_IGNORED:
		return 0;
	case KARG_SCALAR:
		return scalar_arg(v, c, a);
	case KARG_BAD:
		return v_refuse_reg(v, -EINVAL, WHY_ARG, a->regno, "Unrecognized arg#%u type %s",
				    a->n, btf_kind_upper(btf_type(c->k->btf, a->a->type)));
	default:
		return pointer_arg(v, c, a);
	}
}

int kfunc_args(struct verify *v, struct kfunc_call *c)
{
	const struct kfunc *k = c->k;

	if (k->n_args > KFUNC_ARGS_MAX)
		return v_refuse(v, -EINVAL, WHY_CALL, "Function %s has %u > %d args", k->name,
				k->n_args, KFUNC_ARGS_MAX);
	for (u32 i = 0; i < k->n_args; i++) {
		struct arg a = { .a = &k->args[i], .reg = v_reg(v, i + 1), .n = i, .regno = i + 1 };
		int err = check_arg(v, c, &a);

		if (err < 0)
			return err;
		i += a.kind == KARG_MEM_SIZE; /* its size was looked at with it */
	}
	if (k->flags & KFUNC_RELEASE && !c->release_regno)
		return v_refuse(v, -EINVAL, WHY_REF,
				"release kernel function %s expects refcounted PTR_TO_BTF_ID",
				k->name);
	return 0;
}

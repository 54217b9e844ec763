/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/args.c - what a function that is verified from its start finds in r1..r5.
 *
 * Kernel 6.18: do_check_common().
 */
#include "verify/call.h"
#include "verify/log.h"
#include "verify/subprog.h"
#include "verify/walk.h"
#include <errno.h>

static int exception_cb_args(struct verify *v, const struct subprog *sub)
{
	v->cur->frame[0]->in_exception_callback = true;
	if (sub->n_args != 1 || sub->args[0].type != ARG_ANY)
		return v_refuse(v, -EINVAL, WHY_ARG,
				"exception cb only supports single integer argument");
	return 0;
}

/* r1..r5 as the BTF of a global function promises them. */
static int global_arg(struct verify *v, const struct subprog_arg *arg, struct reg *r)
{
	switch (ARG_KIND(arg->type)) {
	case ARG_CTX:
		r->type = PTR_CTX;
		reg_zero_off(r);
		return 0;
	case ARG_ANY:
		reg_unknown(v, r);
		return 0;
	case ARG_DYNPTR:
		dynptr_mark_cb_reg(v, r, DYNPTR_LOCAL);
		return 0;
	case ARG_MEM:
		r->type = PTR_MEM;
		if (arg->type & ARG_NULLABLE)
			r->type |= T_MAYBE_NULL;
		if (arg->type & ARGX_UNTRUSTED)
			r->type |= T_UNTRUSTED;
		if (arg->type & ARG_RDONLY)
			r->type |= T_RDONLY;
		reg_zero_off(r);
		r->mem_size = arg->mem_size;
		if (arg->type & ARG_NULLABLE)
			r->id = ++v->id_gen;
		return 0;
	case ARG_BTF_ID:
		r->type = PTR_BTF;
		if (arg->type & ARG_NULLABLE)
			r->type |= T_MAYBE_NULL;
		if (arg->type & ARGX_UNTRUSTED)
			r->type |= T_UNTRUSTED;
		if (arg->type & ARGX_TRUSTED)
			r->type |= T_TRUSTED;
		reg_zero_off(r);
		r->btf = v->k->btf;
		r->btf_id = arg->btf_id;
		r->id = ++v->id_gen;
		return 0;
	case ARG_NONE:
		if (arg->type & ARGX_ARENA) {
			reg_unknown(v, r);
			return 0;
		}
		break;
	default:
		break;
	}
	return v_bug(v, "unhandled arg type %u of a global function", arg->type);
}

static int global_args(struct verify *v, u32 n)
{
	struct subprog *sub = &v->subprogs[n];
	int err;

	if (log_on(v))
		v_log(v, "Validating %s() func#%u...\n", subprog_name(v, n), n);
	err = subprog_args(v, n);
	if (!err && sub->is_exception_cb)
		err = exception_cb_args(v, sub);
	for (u32 i = 0; !err && i < sub->n_args; i++)
		err = global_arg(v, &sub->args[i], v_reg(v, i + 1));
	return err;
}

/* The main program gets its context; where its BTF says something else, the BTF is not relied on. */
static void main_args(struct verify *v)
{
	struct subprog *sub = &v->subprogs[0];

	if (v->prog->n_func_info &&
	    (subprog_args(v, 0) || sub->n_args != 1 || ARG_KIND(sub->args[0].type) != ARG_CTX)) {
		sub->unreliable = true;
		sub->n_args = 1;
	}
	v_reg(v, 1)->type = PTR_CTX;
	reg_zero_off(v_reg(v, 1));
}

/* Arguments of a struct_ops program that come with a reference. */
static int struct_ops_refs(struct verify *v)
{
	for (u32 i = 0; i < v->ctx_arg_info_n; i++) {
		s32 id = v->ctx_arg_info[i].refcounted ? ref_acquire(v, 0) : 0;

		if (id < 0)
			return id;
		v->ctx_arg_info[i].ref_obj_id = (u32)id;
	}
	return 0;
}

int args_set(struct verify *v, u32 n)
{
	if (n || v->prog_type == BPF_PROG_TYPE_EXT)
		return global_args(v, n);
	main_args(v);
	return v->prog_type == BPF_PROG_TYPE_STRUCT_OPS ? struct_ops_refs(v) : 0;
}

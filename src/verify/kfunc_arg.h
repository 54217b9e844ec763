/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/kfunc_arg.h - one argument of a kernel function's call: between kfunc_args.c, which tells
 * its kind, and kfunc_arg_rules.c, which has a rule for each kind. */
#pragma once
#include "verify/kfunc.h"

/* One argument under check. */
struct arg {
	const struct kfunc_arg *a;
	struct reg *reg;
	u32 n;                    /* from 0 */
	u32 regno;
	enum kfunc_arg_kind kind;
};

/* Bits of a reg_type that are no reason to distrust it: BPF_REG_TRUSTED_MODIFIERS. */
enum { TRUSTED_FLAGS = T_ALLOC | T_TRUSTED | T_NON_OWN_REF };

/* Does the register hold what an argument of a->kind must be? */
int kfunc_arg_rule(struct verify *v, struct kfunc_call *c, const struct arg *a);
/* A pointer to the kernel struct that the parameter names, or to a map: KARG_BTF, KARG_MAP. */
int kfunc_btf_arg(struct verify *v, const struct kfunc_call *c, const struct arg *a);

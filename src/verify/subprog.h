/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/subprog.h - the functions of a program and what BTF says of them. */
#pragma once
#include "verify/env.h"

/* add_subprog_and_kfunc(): entry points of calls and callbacks, sorted; kfunc calls are entered
 * through kfunc_add() (kfunc.h); the exception callback by its decl tag. */
int subprogs_find(struct verify *v);
/* check_subprogs(): no jump out of a function, each ends in exit, jump or throw. */
int subprogs_check(struct verify *v);
/* check_btf_info_early(), before subprograms are known: sizes, order of func_info. */
int btf_info_early(struct verify *v);
/* check_btf_info(): func_info and line_info against subprograms; names, linkage. */
int btf_info_check(struct verify *v);
/* btf_prepare_func_args(): fills args of subprogram i, once.  -EINVAL where the BTF gives none that
 * a global function may have (the sentence is logged). */
int subprog_args(struct verify *v, u32 i);

s32 subprog_at(const struct verify *v, u32 pc);       /* that starts at pc, -1: none */
u32 subprog_containing(const struct verify *v, u32 pc);
static inline const char *subprog_name(const struct verify *v, u32 i)
{
	return v->subprogs[i].name ? v->subprogs[i].name : "";
}

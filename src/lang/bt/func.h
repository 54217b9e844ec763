/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/func.h - functions and builtins: a line in func.def, and a pair of functions in a file by subject.
 *
 *	func_check_NAME(s, n)  the node's arguments are checked already (but with flag L); sets n->type, or
 *	                  n->is_const and the like, or reports.  Called in every pass (check.h).
 *	func_emit_NAME(e, n)   its value; RV_NONE where it has none
 *
 * A NAME node of a builtin is the same as a CALL without arguments.
 */
#pragma once
#include "lang/bt/emit.h"

enum func_flag {
	FUNC_BARE = 1, FUNC_ASYNC = 2, FUNC_UNSAFE = 4, FUNC_LAZY = 8, FUNC_MAP_VALUE = 16,
	FUNC_STATEMENT = 32, FUNC_CONTEXT = 64,
};

struct bt_func {
	const char *name;
	u32 min_args, max_args, flags;
	void (*check)(struct sema *s, struct node *n);
	struct rv (*emit)(struct emit *e, const struct node *n);
};

/* NULL: none.  argN and sargN are found too: their number is in the node's text. */
const struct bt_func *bt_func_find(const char *name);
/* The nth in the table's order; NULL past the end. */
const struct bt_func *bt_func_at(u32 i);

#define FUNC(name, ...)                                 \
	void func_check_##name(struct sema *s, struct node *n); \
	struct rv func_emit_##name(struct emit *e, const struct node *n);
#include "lang/bt/func.def"
#undef FUNC
/* argN, sargN: fn_probe.c */
void func_check_argn(struct sema *s, struct node *n);
struct rv func_emit_argn(struct emit *e, const struct node *n);
/* fn_task.c: the current process's id, as `pid` has it. */
struct val *emit_tgid(struct emit *e);
/* fn_symbol.c: an address of the current process, as `usym` has it. */
struct rv emit_usym(struct emit *e, const struct stype *usym, struct val *addr);
/* fn_probe.c: options behind -- that no getopt() asks for, after all else was checked. */
void func_check_options(struct sema *s);
/* The one place where the program is attached, as USYM and USTACK have it; 0: there are several. */
u32 emit_place(const struct emit *e);
/* May the probe that is checked call a kernel function?  fn_symbol.c */
bool func_may_call(struct sema *s, const char *name);

/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/funcs.h - where the functions of a program begin. */
#pragma once
#include "isa/check.h" /* SUBPROGS_MAX */

/* Function 0 is the entry; the others are what calls and PSEUDO_FUNC loads name, in order. */
struct func_list {
	u32 n;
	u32 start[SUBPROGS_MAX + 1]; /* pc of the first insn; start[n] is the program's end */
};

/* Needs what insns_check() accepted.  Freestanding. */
void func_list_make(const struct insn *insns, u32 n_insns, struct func_list *out);

/* The function that has insn pc. */
u32 func_list_find(const struct func_list *fl, u32 pc);

/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/funcs.c - where the functions of a program begin. */
#include "exec/funcs.h"

/* Keeps start[] ascending and free of doubles. */
static void func_add(struct func_list *fl, u32 target)
{
	u32 at = fl->n;

	while (at > 0 && fl->start[at - 1] >= target)
		at--;
	if ((at < fl->n && fl->start[at] == target) || fl->n == SUBPROGS_MAX)
		return;
	for (u32 k = fl->n; k > at; k--)
		fl->start[k] = fl->start[k - 1];
	fl->start[at] = target;
	fl->n++;
}

void func_list_make(const struct insn *insns, u32 n_insns, struct func_list *out)
{
	out->n = 1;
	out->start[0] = 0;
	for (u32 pc = 0; pc < n_insns; pc++) {
		const struct insn *i = &insns[pc];
		bool is_wide = insn_is_wide(i);

		if (insn_is_subprog_call(i) || (is_wide && i->src == PSEUDO_FUNC))
			func_add(out, pc + 1 + (u32)i->imm);
		pc += is_wide;
	}
	out->start[out->n] = n_insns;
}

u32 func_list_find(const struct func_list *fl, u32 pc)
{
	u32 low = 0, high = fl->n;

	while (high - low > 1) {
		u32 mid = (low + high) / 2;

		if (fl->start[mid] <= pc)
			low = mid;
		else
			high = mid;
	}
	return low;
}

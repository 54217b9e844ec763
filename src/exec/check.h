/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/check.h - the structural checks that must precede any run.
 *
 * What is left for the verifier is everything about values.  After this check every insn has a
 * meaning, every jump lands on an insn of the same function, every function ends in an exit or a
 * jump, and every register exists; the interpreter's checked mode and the JIT rely on exactly this.
 */
#pragma once
#include "base/diag.h"
#include "isa/insn.h"

enum {
	CHECK_INSNS_MAX = 1000000, /* kernel BPF_COMPLEXITY_LIMIT_INSNS */
	CHECK_FUNCS_MAX = 256,     /* kernel BPF_MAX_SUBPROGS */
};

/* The functions of a program, in order.  Function 0 is the entry. */
struct func_list {
	u32 n;
	u32 start[CHECK_FUNCS_MAX + 1]; /* pc of the first insn; start[n] is the program's end */
};

/* The function that has insn pc. */
static inline u32 func_list_find(const struct func_list *fl, u32 pc)
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

/* Returns 0, or -EINVAL or -E2BIG with the kernel's sentence and the insn in the diag.  funcs may be
 * NULL.  A call of a helper or kfunc that does not exist is no mistake here: it may never be reached,
 * and ends the run with -ENOSYS where it is. */
int exec_check(const struct insn *insns, u32 n_insns, struct diag *dg, struct func_list *funcs);

/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/path.h - the path on which a program was refused, insn by insn.
 *
 * The verifier is asked twice.  Its answers are the same, so that the first time tells which insns led
 * to the refused one, and the second what was known before each of those.
 */
#pragma once
#include "verify/state.h"
#include "verify/verify.h"

struct path_step {
	u32 pc;
	u32 frame;                 /* 0: the program; else the function called, the deeper the higher */
	struct reg regs[REG_MAX];  /* of that frame, before the insn */
};

struct path {
	struct path_step *steps;   /* owned; oldest first, the last one is the refused insn */
	u32 n;
	u64 n_before;              /* insns before steps[0] that are not kept */
	char *state;               /* owned: registers and stack at the end, as the kernel's log says it */
	struct ref refs[16];       /* held before the last insn, the oldest ones */
	u32 n_refs;
	bool ends_at_refusal;      /* false: refused after the walk, or before it */
};

enum { PATH_STEPS_MAX = 4096 };

/* Verifies p again; why it was refused must be in *res.  0, with path->n == 0 where no insn was walked;
 * -ENOMEM. */
int path_find(const struct verify_prog *p, const struct profile *k, const struct verify_result *res,
	      struct path *out);
void path_free(struct path *p);

/* Step that gave register r of steps[at] its value; path->n where that was before the path's first
 * step or at the function's start (*entered). */
u32 path_def(const struct path *p, const struct insn *insns, u32 at, u32 r, bool *entered);

/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/user.h - the user engine: bpf(2) and what goes with it, without the kernel's.
 *
 * Programs are not verified: they run in the interpreter, every access and helper call checked.
 * Events come from the ptrace transport (hook/ptrace.h); programs run in its guard process.
 */
#pragma once
#include "engine/engine.h"

struct engine_user_opts {
	/* Programs are known to be good: native code, nothing checked while they run.  For benches
	 * and tests. */
	bool trusted;
	u64 max_steps; /* taken jumps that one run of a program may take; 0: 100 million */
};

/* opts may be NULL.  -ENOMEM and the errnos of memfd_create(2). */
int engine_user_new(const struct engine_user_opts *opts, struct diag *dg, struct engine **out);

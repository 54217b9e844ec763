/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/user.h - the user engine: bpf(2) and what goes with it, without the kernel's.
 *
 * Every program is verified by Linux 6.18's rules (verify/), with the types that Osmia serves, and then
 * runs as native code, unchecked but for what the kernel checks at run time too.  Events come from the ptrace transport (hook/ptrace.h); programs run in its guard process.
 */
#pragma once
#include "engine/engine.h"

struct engine_user_opts {
	u64 max_steps;  /* insns that one run may take, then in the interpreter; 0: no limit */
	u64 max_run_ns; /* after which a run is ended where it calls back; 0: ten seconds */
};

/* opts may be NULL.  -ENOMEM and the errnos of memfd_create(2). */
int engine_user_new(const struct engine_user_opts *opts, struct diag *dg, struct engine **out);

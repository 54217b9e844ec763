/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/helper.h - helper bodies of the user engine.
 *
 * Freestanding: everything a body needs comes from its struct exec_env.  A body trusts its
 * arguments, which either the verifier proved or helper_call_ok() checked just before.
 */
#pragma once
#include "abi/env.h"
#include "abi/helper.h"

/* Fills table (HELPER_ID_MAX entries) with the bodies that a program of this type, loaded for this
 * attach type, may call; the others become NULL.  Returns how many there are. */
u32 helper_table_fill(helper_fn *table, u32 prog_type, u32 attach_type);

/* Is there a body at all?  Tells "not on the user engine" from "not for this program type". */
bool helper_has_body(u32 id);

/* For env->call_ok of unverified programs: checks the arguments against the helper's prototype, so
 * that no helper can be made to touch what is not the program's.  0, -EACCES for memory, -EINVAL
 * for the rest; env->error_addr is then the argument at fault. */
int helper_call_ok(struct exec_env *env, u32 helper, const u64 args[5]);

/* Gives back the records and locks that a run still holds (discarded, unlocked).  To be called
 * after each run of an unverified program. */
void helper_run_end(struct exec_env *env);

/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/body.h - how a helper's body is declared.
 *
 * One function per line of helper/body.def, named body_NAME.  r1..r5 are the program's registers as
 * they are: a body narrows them as the kernel's BPF_CALL does with its parameter types.  Results
 * are the kernel's; a negative errno is returned as s64 in u64.
 */
#pragma once
#include "abi/env.h"
#include "abi/helper.h"
#include "base/mem.h"

#define BODY(name)                                                                    \
	u64 body_##name(__attribute__((unused)) u64 r1, __attribute__((unused)) u64 r2, \
			__attribute__((unused)) u64 r3, __attribute__((unused)) u64 r4, \
			__attribute__((unused)) u64 r5,                                 \
			__attribute__((unused)) struct exec_env *env)

#define HAS_BODY(name) BODY(name);
#include "helper/body.def"
#undef HAS_BODY

/* A signed result in r0. */
#define RESULT(x) ((u64)(s64)(x))
#define PTR(reg) ((void *)(reg))

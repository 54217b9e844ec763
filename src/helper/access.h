/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/access.h - memory that a helper reads on a program's behalf, from an address that may be
 * anything.
 *
 * Three kinds: own memory (the program's stack, ctx, packet, map values and records), kernel memory
 * that the host serves, and the current task's user memory.  None of these functions can fault.
 */
#pragma once
#include "abi/env.h"

/* Lies the range in the program's own memory?  Asked of verified programs too, because the address
 * of a probe read is never verified. */
bool own_mem_ok(struct exec_env *env, u64 addr, u64 size, bool write);

/* Are these bytes in the frames in use? */
bool own_stack_has(const struct exec_env *env, u64 addr, u64 size);

/* Length without the NUL of a text in own memory, looked for in at most max bytes: -EFAULT when own
 * memory ends before, -EINVAL when there is no NUL. */
s64 own_text_len(struct exec_env *env, u64 addr, u32 max);

/* 0, or with dst zeroed -EFAULT; -ERANGE where the address can't be the kernel's. */
int read_kernel(struct exec_env *env, void *dst, u32 size, u64 addr);
/* 0, or -EFAULT with dst zeroed. */
int read_user(struct exec_env *env, void *dst, u32 size, u64 addr);

/* Copies up to and with the first NUL.  Returns the length with the NUL, size when the text was cut
 * (dst then ends in NUL), 0 when size is 0, or -EFAULT, -ERANGE; dst is then undefined.  Kernel:
 * strncpy_from_kernel_nofault(), strncpy_from_user_nofault(). */
s64 read_kernel_str(struct exec_env *env, void *dst, u32 size, u64 addr);
s64 read_user_str(struct exec_env *env, void *dst, u32 size, u64 addr);

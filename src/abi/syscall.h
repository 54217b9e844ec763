/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/syscall.h - system calls of Linux 6.18 on x86-64: numbers, names, arguments. */
#pragma once
#include "base/types.h"

enum { SYSCALL_ARGS_MAX = 6 };

struct syscall_arg {
	const char *type; /* C text: "const char *" */
	const char *name;
};

struct syscall_info {
	u32 nr;
	const char *name;
	const char *function; /* the kernel's is __x64_sys_FUNCTION; NULL: the call is gone */
	u32 n_args;
	struct syscall_arg args[SYSCALL_ARGS_MAX];
};

/* NULL for a number that is not in use. */
const struct syscall_info *syscall_info(u32 nr);
/* By the call's name ("stat") or its function's ("newstat"); NULL: none. */
const struct syscall_info *syscall_by_name(const char *name);
const struct syscall_info *syscall_by_function(const char *function);
/* The nth in order of numbers, NULL past the end. */
const struct syscall_info *syscall_at(u32 index);
u32 syscall_count(void);

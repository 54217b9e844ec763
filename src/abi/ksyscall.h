/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/ksyscall.h - kernel functions that stand for a system call: what a kprobe on them sees. */
#pragma once
#include "base/types.h"

enum ksym_args {
	KSYM_REGS,  /* rdi points to the call's pt_regs: __x64_sys_NAME */
	KSYM_PLAIN, /* arguments in rdi, rsi, rdx, rcx, r8, r9, as C functions have them */
};

/* Where an argument of a KSYM_PLAIN function comes from. */
enum ksym_from {
	KSYM_ARG0, KSYM_ARG1, KSYM_ARG2, KSYM_ARG3, KSYM_ARG4, KSYM_ARG5, /* the call's own */
	KSYM_ZERO,     /* 0; also where the function has no such argument */
	KSYM_AT_FDCWD, /* the directory that calls without a dfd use, -100 */
	KSYM_UNKNOWN,  /* an object of the kernel that user space has not: the program gets 0 */
};

struct ksym_call {
	u32 nr;        /* system call that leads there */
	u8 from[6];    /* enum ksym_from; KSYM_PLAIN only */
};

enum { KSYM_CALLS_MAX = 8 };

struct ksym {
	enum ksym_args args;
	u32 n_calls;
	struct ksym_call calls[KSYM_CALLS_MAX];
};

/* 0, or -ENOENT when no system call is seen at that function.  Knows __x64_sys_NAME, __se_sys_NAME,
 * __do_sys_NAME and sys_NAME of every call, and the functions of abi/ksyscall.def.  The function's
 * result is the call's. */
int ksym_find(const char *function, struct ksym *out);

/* The nth function name that ksym_find() knows, as kallsyms shows them (__x64_sys_*, then those of
 * abi/ksyscall.def); -ENOENT past the end. */
int ksym_at(u32 index, char *name, size_t size);

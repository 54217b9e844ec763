/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/ksyscall.h - kernel functions that stand for a system call: what a kprobe on them sees. */
#pragma once
#include "base/types.h"

enum ksym_args {
	KSYM_REGS,   /* rdi points to the call's pt_regs: __x64_sys_NAME */
	KSYM_PLAIN,  /* arguments in rdi, rsi, rdx, rcx, r8, r9: do_sys_openat2, __do_sys_NAME */
};

/* Argument of a KSYM_PLAIN function: where its value comes from. */
enum ksym_from {
	KSYM_ARG0, KSYM_ARG1, KSYM_ARG2, KSYM_ARG3, KSYM_ARG4, KSYM_ARG5, /* the call's arguments */
	KSYM_ZERO,
	KSYM_UNKNOWN,      /* a kernel object that user space has not: the program gets 0 */
};

struct ksym_call {
	u32 nr;            /* system call that leads there */
	u8 from[6];        /* enum ksym_from, KSYM_PLAIN only */
};

enum { KSYM_CALLS_MAX = 8 };

struct ksym {
	const char *name;
	enum ksym_args args;
	u32 n_calls;
	struct ksym_call calls[KSYM_CALLS_MAX];
};

/* 0, or -ENOENT when no system call is seen at that function.  Knows __x64_sys_NAME, __se_sys_NAME,
 * __do_sys_NAME and sys_NAME of every call, and the functions of abi/ksyscall.def. */
int ksym_find(const char *function, struct ksym *out);

/* Number of a system call by name ("openat"), or -ENOENT; and back, NULL for an unknown number. */
int syscall_number(const char *name);
const char *syscall_name(u32 nr);
u32 syscall_n_args(u32 nr);

/* SPDX-License-Identifier: BSD-2-Clause */
/* The few kernel types that these programs use, relocated by CO-RE. */
#pragma once
#define __VMLINUX_H__ /* bpf_tracing.h: registers have the kernel's names */
#include <linux/types.h>
#include <linux/bpf.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip;
	unsigned long cs, flags, sp, ss;
};
typedef unsigned int uid_t;
typedef struct {
	uid_t val;
} kuid_t;
struct cred {
	kuid_t uid, euid;
};
struct mm_struct {
	unsigned long arg_start, arg_end;
};
struct ns_common {
	unsigned int inum;
};
struct mnt_namespace {
	struct ns_common ns;
};
struct nsproxy {
	struct mnt_namespace *mnt_ns;
};
struct no_such_struct {
	int field;
};
struct task_struct {
	int pid, tgid, exit_code;
	struct task_struct *real_parent, *group_leader;
	const struct cred *cred;
	struct nsproxy *nsproxy;
	struct mm_struct *mm;
	char comm[16];
	int no_such_field;
};
struct linux_binprm {
	const char *filename;
};
struct trace_entry {
	unsigned short type;
	int pid;
};
struct trace_event_raw_sched_process_exec {
	struct trace_entry ent;
	__u32 __data_loc_filename;
	int pid, old_pid;
};
struct trace_event_raw_sys_enter {
	struct trace_entry ent;
	long id;
	unsigned long args[6];
};
#pragma clang attribute pop

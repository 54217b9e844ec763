/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/tracepoint.h - tracepoints of the user engine: names, fields, ctx layouts.
 *
 * System calls come from abi/syscall.def, the others from abi/tracepoint.def; the layouts are those
 * of Linux 6.18 on x86-64, as its tracefs format files print them.  No tracefs is needed.
 *
 * A program of type TRACEPOINT gets the record itself as ctx:
 *
 *	off 0   u16 common_type, u8 common_flags, u8 common_preempt_count, s32 common_pid
 *	off 8   the event's own fields
 *	end     strings that __data_loc fields point to (offset low, length in the high 16 bits)
 */
#pragma once
#include "base/str.h"
#include "base/types.h"

struct tp_field {
	const char *type;    /* C text: "const char *", "__data_loc char[]", "unsigned long" */
	const char *name;
	const char *array;   /* "[6]", or "" */
	u16 off, size;
	bool is_signed;
};

enum tp_kind {
	TP_SYSCALL_ENTER,    /* syscalls:sys_enter_NAME */
	TP_SYSCALL_EXIT,     /* syscalls:sys_exit_NAME */
	TP_RAW_ENTER,        /* raw_syscalls:sys_enter */
	TP_RAW_EXIT,         /* raw_syscalls:sys_exit */
	TP_EXEC, TP_FORK, TP_EXIT,     /* sched:sched_process_* */
	TP_SIGNAL_GENERATE, TP_SIGNAL_DELIVER,
};

enum { TP_FIELDS_MAX = 24, TP_RECORD_MAX = 8192 };

struct tracepoint {
	enum tp_kind kind;
	char category[16];
	char name[56];
	u32 id;              /* of Osmia's own numbering: 1, 2, ... */
	s32 nr;              /* system call number, -1: none */
	u32 n_fields;
	struct tp_field fields[TP_FIELDS_MAX]; /* strings are static */
	u16 size;            /* of the fixed part, with the common fields */
};

/* Fills *out.  -ENOENT: the user engine has no such tracepoint. */
int tracepoint_find(const char *category, const char *name, struct tracepoint *out);
/* The nth of all, in the order category, name of the tables; -ENOENT past the end. */
int tracepoint_at(u32 index, struct tracepoint *out);
u32 tracepoint_count(void);
/* The text of the event's format file. */
void tracepoint_format(const struct tracepoint *tp, struct str *out);

/* ---- records: each builder returns the record's size; rec has TP_RECORD_MAX bytes ---- */

u32 tp_build_sys_enter(const struct tracepoint *tp, void *rec, s32 pid, s64 nr, const u64 args[6]);
u32 tp_build_sys_exit(const struct tracepoint *tp, void *rec, s32 pid, s64 nr, s64 ret);
u32 tp_build_exec(const struct tracepoint *tp, void *rec, s32 pid, const char *filename,
		  s32 old_pid);
u32 tp_build_fork(const struct tracepoint *tp, void *rec, s32 parent_pid, const char *parent_comm,
		  s32 child_pid, const char *child_comm);
u32 tp_build_exit(const struct tracepoint *tp, void *rec, s32 pid, const char *comm, s32 prio,
		  bool group_dead);
u32 tp_build_signal_generate(const struct tracepoint *tp, void *rec, s32 self, s32 sig, s32 err,
			     s32 code, const char *comm, s32 pid, s32 group, s32 result);
u32 tp_build_signal_deliver(const struct tracepoint *tp, void *rec, s32 self, s32 sig, s32 err,
			    s32 code, u64 sa_handler, u64 sa_flags);

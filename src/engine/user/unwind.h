/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/unwind.h - user stacks by call frame information (.eh_frame), for code without frame pointers. */
#pragma once
#include "hook/ptrace.h"

enum { UNWIND_PROCESSES = 8 };

/* What was read of processes that were unwound: zeroed at first. */
struct unwind {
	struct unwind_process *processes[UNWIND_PROCESSES]; /* owned */
	u32 next;                                           /* that is forgotten for another */
};

/* The stopped task's frames, innermost first: their number, or a negative errno. */
int unwind_stack(struct unwind *u, struct trace_task *task, u64 *ips, u32 max);

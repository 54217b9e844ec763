/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/list.h - what can be hooked here, and by which engine. */
#pragma once
#include "base/diag.h"
#include "base/types.h"

enum { LIST_KERNEL = 1, LIST_USER = 2 };

/* name as bpftrace and SEC() spell it: "tracepoint:syscalls:sys_enter_openat".  Non-zero ends. */
typedef int (*list_fn)(void *arg, const char *name, u32 engines);

/* Calls fn for each hook that pattern matches ('*' and '?'; NULL: all), kind by kind, sorted by name
 * within a kind: tracepoint:CATEGORY:NAME, rawtracepoint:NAME, kprobe:FUNCTION, kretprobe:FUNCTION,
 * uprobe:PATH:SYMBOL (PATH without wildcards), software:NAME, hardware:NAME.  engines selects whose
 * hooks are told; what an engine can't tell for lack of rights is a note in dg.  0 or a negative
 * errno. */
int list_hooks(const char *pattern, u32 engines, struct diag *dg, list_fn fn, void *arg);

/* The format text of "CATEGORY:NAME", as tracefs prints it: the kernel's file where it can be read,
 * else from Osmia's tables.  Caller frees.  -ENOENT with the nearest names. */
int list_format(const char *event, struct diag *dg, char **text);

/* Events that perf_event_open(2) takes here, as `perf list` prints them: name ("cpu-cycles OR
 * cycles") and kind ("Hardware event"). */
typedef int (*list_perf_fn)(void *arg, const char *name, const char *kind);
int list_perf(list_perf_fn fn, void *arg);

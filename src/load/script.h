/* SPDX-License-Identifier: BSD-2-Clause */
/* load/script.h - attaching the programs of a script, and running those that user space runs itself.
 *
 * load_attach() calls script_attach_all() where the object has a struct script: programs then go where
 * script->attaches says, one link for each place, with its cookie.  Programs of begin, end, interval, self,
 * test and bench are of type RAW_TRACEPOINT and run by BPF_PROG_TEST_RUN, on either engine.
 */
#pragma once
#include "load/load.h"
#include "obj/script.h"

/* Attaches all that hook events; links go into the load.  Their number (begin, end and the like counted), or a negative errno; with
 * opts.partial what can't be attached is a warning. */
int script_attach_all(struct load *l, struct diag *dg);
/* Runs every program of that hook, in the script's order; target: of self ("SIGUSR1"), test, bench; NULL: any.  Number that ran;
 * *ret: what the last returned (test), NULL: not wanted. */
int script_run(struct load *l, enum script_hook hook, const char *target, s64 *ret, struct diag *dg);
/* Closes the links of the watchpoints on an address; their number. */
u32 script_unwatch(struct load *l, u64 addr);
/* A function was called that gives a watchpoint its address (attaches[attach], "FUNCTION+argN"): watches it in the
 * process, which waits for SIGCONT where is_stopped.  An address that is watched already is left as it is. */
int script_watch(struct load *l, u32 attach, u64 addr, s32 pid, bool is_stopped, struct diag *dg);
/* Interval probes: an fd that is readable when one is due (-1: there are none), and running those that are. */
int script_timers_fd(struct load *l, struct diag *dg);
int script_timers_run(struct load *l, struct diag *dg);
/* Runs the iterators that are attached and not pinned, each once; drain() is called meanwhile to empty the ring, and
 * returns false when they may stop. */
int script_iters_run(struct load *l, bool (*drain)(void *arg), void *arg, struct diag *dg);

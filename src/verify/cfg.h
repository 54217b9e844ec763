/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/cfg.h - the graph of insns: reachable, closed, ordered; loops and call depth. */
#pragma once
#include "verify/env.h"

/* check_cfg(): depth-first search from each subprogram's start; jumps out of range, unreachable insns,
 * back edges where not allowed.  Marks prune_point, jmp_point, jump_target, force_checkpoint,
 * calls_callback, and of subprograms changes_pkt and might_sleep (callee effects merged). */
int cfg_check(struct verify *v);
/* compute_postorder(): fills v->postorder and subprog.postorder_start. */
int cfg_postorder(struct verify *v);
/* compute_scc(): fills aux.scc and v->n_sccs. */
int cfg_scc(struct verify *v);
/* Insns that may run after pc within its function: 0 to 2, all of them insns of the program.  Insns
 * that may leave it on the way (tail calls, LD_ABS, LD_IND) have its exit too.
 * bpf_insn_successors(). */
u32 insn_successors(const struct verify *v, u32 pc, u32 out[2]);
/* check_max_stack_depth(): call chains, tail calls, private stacks. */
int depth_check(struct verify *v);

/* ---- fastcall.c: spills around calls that keep the registers they do not take ---- */
int fastcall_mark(struct verify *v);         /* mark_fastcall_patterns() */
/* An access to f's stack at off by the insn at pc: those spills may not be used otherwise.
 * check_fastcall_stack_contract(). */
void fastcall_stack_access(struct verify *v, const struct frame *f, u32 pc, s32 off);
/* The stack that functions need once the spills are gone: remove_fastcall_spills_fills(). */
void fastcall_shrink_stacks(struct verify *v);

/* What a call of a helper or kernel function says by its prototype.  get_call_summary(). */
struct call_summary {
	u32 n_args;
	bool is_void, fastcall;
};
/* False: another call, or one that this program may not make. */
bool call_summary(struct verify *v, const struct insn *call, struct call_summary *out);

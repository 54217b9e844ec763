/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/live.h - what may still be read: registers before each insn (from the insns alone), and
 * stack slots per call chain and insn (collected while paths are walked).
 *
 * Kernel 6.18: compute_live_registers() and kernel/bpf/liveness.c.
 */
#pragma once
#include "verify/env.h"

/* compute_live_registers(): fills aux.live_regs; prints the table at log level 2. */
int live_regs(struct verify *v);

int live_init(struct verify *v);          /* bpf_stack_liveness_init() */
void live_free(struct verify *v);
/* Bits of mask: slots read (may be) by insn pc of the current call chain, in that frame's stack. */
int live_read(struct verify *v, u32 frame, u32 pc, u64 mask);
/* Writes of the current insn: begun with live_writes_reset(), ended with live_writes_commit(). */
int live_writes_reset(struct verify *v, u32 pc);
void live_write(struct verify *v, u32 frame, u64 mask);
int live_writes_commit(struct verify *v);
void live_callchain_reset(struct verify *v); /* the current function changed */
int live_update(struct verify *v);        /* bpf_update_live_stack(): at an exit or a cut path */
int live_query_begin(struct verify *v, const struct state *st);
bool live_slot(struct verify *v, u32 frame, u32 slot);

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/prune.h - states kept at insns, and whether one like the current was seen. */
#pragma once
#include "verify/env.h"

int prune_init(struct verify *v);
void prune_free(struct verify *v);        /* between functions verified alone, and at the end */
/* is_state_visited(): 1: an equal state was explored, the path may end; 0: go on (a checkpoint may
 * have been made); or an errno. */
int prune_visit(struct verify *v, u32 pc);
void prune_peak(struct verify *v);        /* counts states for the statistics */
/* The last state kept at pc that cur descends from, in the same calls: where a loop came round.
 * NULL: none.  find_prev_entry(). */
struct state *prune_prev_entry(struct verify *v, const struct state *cur, u32 pc);
bool state_same_calls(const struct state *a, const struct state *b); /* same_callsites() */
/* A path from st ended: update_branch_counts(). */
int prune_path_ended(struct verify *v, struct state *st);
/* ---- equal.c ---- */
enum exact { NOT_EXACT, EXACT, RANGE_WITHIN };
bool states_equal(struct verify *v, struct state *old, struct state *cur, enum exact how);
/* Numbers of cur that are others than in old, a round of the same loop before, and did not matter so far
 * become unknown, so that the loop converges.  widen_imprecise_scalars(). */
void widen_imprecise(struct verify *v, const struct state *old, struct state *cur);
/* ---- loop.c: visits of strongly connected parts ---- */
int loops_init(struct verify *v);
void loops_free(struct verify *v);
int loops_enter(struct verify *v, struct state *st);             /* maybe_enter_scc() */
int loops_exit(struct verify *v, struct state *st);              /* maybe_exit_scc() */
/* The current state, at pc, was found equal to st. */
int loops_add_backedge(struct verify *v, struct state *st, u32 pc);
u32 loops_n_edges(const struct verify *v);
bool loops_incomplete_read_marks(struct verify *v, struct state *st);
/* ---- precise.c ---- */
int precise_init(struct verify *v);
void precise_free(struct verify *v);
/* mark_chain_precision(): the register's value mattered here. */
int precise_reg(struct verify *v, u32 regno);
int precise_reg_in(struct verify *v, struct state *st, u32 regno, bool *changed);
/* What is pending in the backtrack set (linked registers, propagated marks): *_batch(). */
int precise_batch(struct verify *v, struct state *starting_state);
void precise_all(struct verify *v, struct state *st);            /* mark_all_scalars_precise() */
void imprecise_all(struct state *st);            /* of a state that is not kept */
/* propagate_precision(old -> cur). */
int precise_propagate(struct verify *v, const struct state *old, struct state *cur, bool *changed);
/* Adds a register or slot of a frame to the pending set. */
void precise_want_reg(struct verify *v, u32 frame, u32 regno);
void precise_want_slot(struct verify *v, u32 frame, u32 slot);
/* The entry of pc in st's history, last before end; NULL: none.  get_jmp_hist_entry(). */
struct hist *hist_find(struct state *st, u32 end, u32 pc);

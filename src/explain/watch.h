/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/watch.h - the parts of a trial: trial.c (insns, branches), trial_mem.c (loads and stores),
 * trial_call.c (calls and what they give). */
#pragma once
#include "abi/env.h"
#include "explain/memory.h"

struct watch_frame {
	struct shade r[TRIAL_REGS];
	u32 stack;          /* object */
	u64 fp;
};

struct counter {            /* bpf_iter_num */
	u64 at;             /* of the iterator */
	s32 next, end;
	s32 value;          /* what the pointer that next gives points to */
};
enum { COUNTERS_MAX = 16, HELD_MAX = 32 };

struct watch {
	const struct plan *plan;
	const struct trial_path *path;   /* NULL: none is followed */
	bool past_target;
	struct trial_out *out;
	struct exprs *e;
	struct memory mem;
	struct watch_frame frames[EXEC_FRAMES_MAX + 1];
	u32 depth;                 /* of the frame that runs; 0: the outermost */
	u32 at;                    /* steps of the path that were followed */
	u32 n_insns;
	bool over;                 /* nothing more is looked at: the run is being ended */
	bool reached;              /* the target was */
	bool *bad;                 /* by insn: malformed, or leads out of the program */
	u32 *visits;               /* of each insn: tells the results of one call apart */
	struct insn *insns;        /* what the interpreter runs: changed insn by insn */
	u64 *regs;                 /* of the interpreter, while an insn is looked at */
	u32 pc;
	struct exec_env *env;
	struct counter counters[COUNTERS_MAX];
	u32 n_counters;
	struct {
		u32 object, pc;    /* insn that acquired it */
	} held[HELD_MAX];
	u32 n_held;
};

static inline struct shade *watch_reg(struct watch *w, u32 regno)
{
	return &w->frames[w->depth].r[regno];
}
static inline const struct insn *watch_insn(const struct watch *w)
{
	return &w->plan->insns[w->pc];
}
static inline bool watch_at_target(const struct watch *w)
{
	return w->pc == w->plan->target && w->reached;
}
/* The next step of the path; NULL: past its end, or none is followed. */
static inline const struct trial_step *watch_next(const struct watch *w)
{
	return w->path && w->at < w->path->steps.n ? &w->path->steps.p[w->at] : NULL;
}

/* Ends the run. */
void watch_end(struct watch *w, enum trial_end outcome);
void watch_fault(struct watch *w, enum fault_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* At the target: that this holds, too, would be a fault. */
void watch_goal(struct watch *w, const struct insn *op, u32 a, u32 b, bool want);
/* The insn was done here: the interpreter goes on behind it, n_insns further. */
void watch_skip(struct watch *w, u32 n_insns);
/* Sets a register, of the interpreter too. */
void watch_set(struct watch *w, u32 regno, struct shade what);
/* A condition on the path, as things are now. */
void watch_require(struct watch *w, const struct insn *op, u32 a, u32 b);
/* False, and the fault: the register was never written. */
bool watch_readable(struct watch *w, u32 regno);
void watch_enter(struct watch *w);  /* a new frame: r1..r5 are those of the caller */
void watch_leave(struct watch *w);

/* ---- trial_mem.c ---- */
/* May size bytes at reg + off be touched?  verb: "load", "store", "read by bpf_...". */
bool watch_access(struct watch *w, u32 regno, s32 off, u32 size_expr, const char *verb);
void watch_load(struct watch *w);
void watch_store(struct watch *w);
void watch_atomic(struct watch *w);
void watch_wide(struct watch *w);

/* ---- trial_call.c ---- */
void watch_call(struct watch *w);
struct shade watch_result(struct watch *w, const struct result *r, u64 key);
u64 watch_key(struct watch *w, u32 what);   /* of something new that this insn brings */
/* A helper that calls back, with its five arguments; what it returns. */
u64 watch_call_back(struct watch *w, const u64 r[5]);

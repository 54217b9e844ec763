/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/trial.h - one run of a program on chosen inputs, watched insn by insn.
 *
 * The interpreter runs the program in its checked mode.  Before each insn the trial does what a kernel
 * would: it owns all memory (objects of known size, each far from the next), answers helpers, and knows
 * of each register and stored value whether it was ever written, what it points into, and how it comes
 * from the inputs.  So it sees a fault when it happens, and which inputs would change a branch.
 */
#pragma once
#include "base/str.h"
#include "explain/expr.h"

enum { TRIAL_REGS = 11 };

/* What an insn (a call, or a load through ctx or a kernel pointer) gives, as the verifier saw it. */
enum result_kind {
	RESULT_UNKNOWN,     /* nobody went on from there */
	RESULT_NOTHING,
	RESULT_NUMBER,      /* within smin..smax, umin..umax */
	RESULT_VALUE,       /* element of map */
	RESULT_OBJECT,      /* memory of size bytes */
	RESULT_KERNEL,      /* a kernel object: whatever is read there */
	RESULT_PACKET,
	RESULT_PACKET_END,
	RESULT_MAP,
	RESULT_CTX,
	RESULT_KIND_END,
};

/* Calls that have more to them than a result. */
enum result_rule { RULE_NONE, RULE_NUM_NEW, RULE_NUM_NEXT, RULE_END };

struct result {
	enum result_kind kind;
	enum result_rule rule;
	bool nullable;
	u32 size;           /* OBJECT */
	s32 map;            /* index in plan.maps */
	bool acquires;      /* the object must be given back */
	bool releases;      /* those that it gets are given back */
	s32 off;
	u64 umin, umax;
	s64 smin, smax;
};

struct plan_map {
	u32 type, key_size, value_size, max_entries;
	u8 *frozen;         /* owned; the one value that is known; NULL: none */
};

/* What a run must do to fail. */
enum plan_goal {
	GOAL_FAULT,         /* touch what it must not, or read what nobody wrote */
	GOAL_RETURN,        /* return a number outside of ret_min..ret_max */
	GOAL_LEAK,          /* end, and hold what it should have given back */
	GOAL_ENDLESS,       /* not end */
	GOAL_END,
};

/* All that a trial needs to know of a program; it can be written to a file. */
struct plan {
	u32 prog_type;
	struct insn *insns; /* owned, like the rest */
	u32 n_insns;
	struct plan_map *maps;
	u32 n_maps;
	s32 *map_of;        /* by insn: the map that a wide load names, -1 */
	struct result *results; /* by insn */
	u32 start;          /* where it begins: 0, or a global function that is verified alone */
	struct result args[6];
	u32 target;         /* insn that was refused */
	s32 reg;            /* register concerned, -1: none told */
	enum plan_goal goal;
	s32 ret_min, ret_max;
};

struct trial_step {
	u32 pc, depth;
};
struct trial_path {
	VEC(struct trial_step) steps;
};

enum fault_kind { FAULT_NONE, FAULT_UNINIT, FAULT_BOUNDS, FAULT_NULL, FAULT_NUMBER,
		  FAULT_RESULT, FAULT_LEAK, FAULT_ENDLESS };

enum trial_end {
	TRIAL_ENDED,        /* to the end, or to where nothing is known, without a fault */
	TRIAL_DIVERGED,     /* a branch went the other way: exprs.conds holds what must hold */
	TRIAL_AT_TARGET,    /* no fault there, but goals that would make one */
	TRIAL_FAULT,
};

struct trial_out {
	enum trial_end outcome;
	enum fault_kind fault;
	u32 pc;
	u32 n_steps;        /* of the path that were followed */
	char text[200];     /* what happened */
	struct cond goals[8]; /* one of them, with the conditions, would be a fault */
	u32 n_goals;
};

/* path NULL: wherever it goes.  past_target: go on after the target where it does no harm. */
void trial_run(const struct plan *p, const struct trial_path *path, bool past_target, struct exprs *e,
	       struct trial_out *out);
void plan_free(struct plan *p);

/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/witness.h - inputs with which a refused program really fails.
 *
 *	plan.c      the failing path and what calls and loads give on it, from a second verification
 *	trial.c     a run on chosen inputs: does it fail?  where does it leave the path?
 *	expr.c      other inputs, with which it would not
 *	witness.c   until it fails; as text, and back
 *
 * A witness has the program and its inputs in it, so that it can be run again anywhere.
 */
#pragma once
#include "explain/trial.h"
#include "verify/verify.h"

struct witness {
	struct plan plan;
	struct inputs in;
	struct trial_out out;    /* the failing run */
};

/* -ENOENT: no input was found that fails; -ENOTSUP: the refusal is about no run that could fail.
 * *out: caller frees with witness_free(). */
int witness_find(const struct verify_prog *p, const struct profile *k,
		 const struct verify_result *r, u32 budget_ms, struct witness **out);
void witness_free(struct witness *w);
/* A file that witness_read() takes: program, inputs, and the fault. */
void witness_write(const struct witness *w, struct str *out);
int witness_read(const char *text, size_t size, struct witness **out, char *message, size_t n);
/* Runs it: 0 when it fails where it is said to; out->text says how. -ENOENT else. */
int witness_replay(struct witness *w);
/* For people: the inputs, one line each, then what happens. */
void witness_print(const struct witness *w, struct str *out);
/* Is the refusal about something that can happen in a run? */
bool witness_is_about_run(enum verify_reason why);

/* ---- plan.c ---- */
int plan_make(const struct verify_prog *p, const struct profile *k, const struct verify_result *r,
	      struct plan *plan, struct trial_path *path);

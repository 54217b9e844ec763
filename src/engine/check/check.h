/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/check/check.h - an engine that makes nothing: BPF_PROG_LOAD asks the verifier.
 *
 * Objects are files in memory that stand for a description: maps with their BTF and first value, BTF,
 * programs that were accepted.  Nothing can be attached or run.  load/ on this engine does all that
 * it does on the kernel up to the verdict.
 */
#pragma once
#include "engine/engine.h"
#include "verify/verify.h"

struct engine_check_opts {
	u32 log_level; /* VERIFY_* bits of every verification */
	/* A program was refused by the verifier; p and res live until the call returns. */
	void (*refused)(void *arg, const struct verify_prog *p, const struct profile *k,
			const struct verify_result *res);
	void *arg;
};

/* What became of the last BPF_PROG_LOAD. */
struct check_verdict {
	bool judged;              /* there was one */
	int err;                  /* 0: accepted; else the errno that bpf(2) gives */
	struct verify_result res; /* zeroed where bpf(2) refuses before its verifier looks */
	const char *why;          /* that, in words; NULL */
	u32 prog_type;
	char *insn;               /* text of the insn concerned; NULL: none */
	/* Where it comes from, by line_info: file NULL where there is none.  Owned. */
	char *file, *source;
	u32 line, col;
};

/* The profile must be prepared and outlive the engine.  -ENOMEM. */
int engine_check_new(const struct profile *k, const struct engine_check_opts *opts,
		     struct engine **out);
const struct check_verdict *engine_check_verdict(struct engine *e);
void engine_check_forget(struct engine *e); /* no verdict yet */

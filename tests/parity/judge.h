/* SPDX-License-Identifier: BSD-2-Clause */
/* parity/judge.h - a case given to the verifier, or to the running kernel. */
#pragma once
#include "parity/vcase.h"
#include "verify/verify.h"

struct judged {
	int err;              /* 0: accepted; else a negative errno */
	const char *failed;   /* why there is no verdict; NULL */
	u32 processed;
	u64 time_ns, peak_bytes;
	char message[400];
	char *log;            /* owned; level 1 and 2 only */
	/* of a refusal that a run could show; judge_witness() only */
	enum verify_reason why;
	bool has_witness;
	struct str witness;   /* owned; as a file */
};

/* What the case is judged with; log: level.  The time is the least of repeat runs. */
void judge(const struct vcase *c, const struct profile *k, u32 log, u32 repeat, struct judged *out);
/* The same once, and looks for an input with which a refused program fails, for so long. */
void judge_witness(const struct vcase *c, const struct profile *k, u32 budget_ms,
		   struct judged *out);
/* Asks the running kernel; its BTF resolves the names. */
void judge_live(const struct vcase *c, const struct profile *k, u32 log, struct judged *out);

/* Kernel type that the case attaches to; 0: none; -1: not in this kernel. */
s64 judge_attach_id(const struct vcase *c, const struct profile *k);
/* Insns with the ids of kernel functions and variables put in; NULL: one is not in this kernel. */
struct insn *judge_insns(const struct vcase *c, const struct profile *k, const s32 *map_fds);

/* DIR/vmlinux-VERSION.btf.xz and its kallsyms and config. */
int profile_from_folder(const char *dir, const char *version, struct diag *dg, struct profile *out);

/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/pass.h - passes from IR to IR, in the order that mod_optimize() runs them.
 *
 * Each says what it needs, keeps and breaks (order: fn_order(); uses: fn_count_uses()).
 */
#pragma once
#include "ir/ir.h"

/* Called after each pass, for --dump=PASS; NULL: none. */
struct pass_dump {
	void (*dump)(void *arg, const char *pass, const struct mod *m);
	void *arg;
};

/* inline, simplify, mem2reg, fold, cse, dce, unroll where asked, until little changes; then
 * provenance and lowering.  0 or -EINVAL (diag: recursion, a loop that was to be unrolled and
 * can't be). */
int mod_optimize(struct mod *m, const struct pass_dump *d, struct diag *dg);

int pass_inline(struct mod *m, struct diag *dg);
void pass_simplify(struct fn *f);  /* empty blocks, constant branches, threads of jumps */
void pass_mem2reg(struct fn *f);   /* allocas whose address stays here: split by field, made values */
void fn_drop_phis(struct fn *f);   /* phis that choose nothing */
bool pass_fold(struct fn *f);      /* constants and patterns; changed? */
bool pass_cse(struct fn *f);       /* by dominators; loads where nothing wrote between */
bool pass_dce(struct fn *f);       /* values and stores that nobody sees */
void pass_provenance(struct mod *m); /* spaces of pointers; loads that can't be direct become
				      * probe_read_kernel or _user into a zeroed alloca */
void pass_lower_truth(struct fn *f);  /* i1 values that are no branch's condition alone: last of all */
void pass_split_edges(struct fn *f);  /* critical edges into phis; breaks nothing */
void pass_lower(struct fn *f);     /* SELECT, SDIV on old cpus, ZERO and COPY of many bytes */

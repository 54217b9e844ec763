/* SPDX-License-Identifier: BSD-2-Clause */
/* load/refusal.h - why a program was not loaded. */
#pragma once
#include "load/priv.h"

/* Reports a PROG_LOAD that failed with err and returns err.  Loads once more with a log where the
 * verifier may have something to say. */
int refusal_report(struct load *l, struct prog *p, const union bpf_attr *attr, int err,
		   struct diag *dg);

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/iter.h - loops that are explored until their states repeat. */
#pragma once
#include "verify/env.h"

/* Forgets numbers of cur that are not as in old, the same place one round before, and that did not
 * matter.  widen_imprecise_scalars(). */
void widen_imprecise(struct verify *v, const struct state *old, struct state *cur);

/* SPDX-License-Identifier: BSD-2-Clause */
/* ra/live.h - where vregs live.
 *
 * Positions: insn i reads at 2i and writes at 2i + 1.  A range [from, to] takes both its ends.
 */
#pragma once
#include "ra/ra.h"

struct ra_range {
	u32 from, to;
	struct ra_range *next; /* later; never touching */
};

struct ra_ranges {
	struct ra_range *first;
};

struct ra_live {
	struct ra_ranges *vregs;              /* of each vreg */
	u64 *taken[RA_REGS_MAX];              /* of each physical register: a bit for each position */
	u32 *weight;                          /* of each vreg: reads and writes, by depth of loops */
};

void ra_live(struct arena *a, const struct ra_problem *p, struct ra_live *out);
/* Is the register free wherever x lives? */
bool ra_is_free(const struct ra_live *l, u32 reg, const struct ra_ranges *x);
void ra_occupy(struct ra_live *l, u32 reg, const struct ra_ranges *x);

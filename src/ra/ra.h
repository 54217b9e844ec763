/* SPDX-License-Identifier: BSD-2-Clause */
/* ra/ra.h - liveness and register allocation over machine insns with virtual registers.
 *
 * For gen/ (BPF: ten registers) and later the optimizing JIT.  A virtual register (vreg) lives in a set
 * of ranges, with holes where its value is not needed; physical registers are taken where an insn names
 * them.  Vregs get a register in order of what a spill would cost; each takes one that is free over all
 * of its ranges, its hint where that is possible.  What finds none is spilled: the caller puts spill
 * code in and asks again.
 *
 * After Wimmer, Moessenboeck, "Optimized Interval Splitting in a Linear Scan Register Allocator", 2005
 * (ranges with holes, hints), without splitting.
 */
#pragma once
#include "base/arena.h"
#include "base/types.h"

enum { RA_NONE = UINT32_MAX, RA_REGS_MAX = 16 };

struct ra_insn {
	u32 def;          /* vreg written, RA_NONE: none */
	u32 use[2];       /* vregs read */
	u16 reads;        /* physical registers read, one bit each */
	u16 writes;       /* written or destroyed, after all reads */
	s8 hint;          /* moves between a vreg and this physical register; -1 */
	bool is_move;     /* def is a copy of use[0] */
};

struct ra_blk {
	u32 first, n;     /* insns; every insn is in one block, in order */
	u32 succ[2];      /* RA_NONE: none */
	u32 depth;        /* of loops around it */
};

struct ra_problem {
	const struct ra_insn *insns;
	u32 n_insns;
	const struct ra_blk *blks;
	u32 n_blks;
	u32 n_vregs;
	const bool *no_spill; /* of each vreg: made by spill code */
	u16 allocatable;      /* physical registers; lower numbers are taken first */
	u16 saved;            /* those that calls keep, taken last by what needs none of them */
};

/* Register of each vreg, -1: spilled or never live.  *n_spilled counts the former.  The result is in the
 * arena. */
s8 *ra_allocate(struct arena *a, const struct ra_problem *p, u32 *n_spilled);

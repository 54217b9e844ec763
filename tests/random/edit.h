/* SPDX-License-Identifier: BSD-2-Clause */
/* random/edit.h - cases copied, changed at random, cut, written down. */
#pragma once
#include "parity/vcase.h"
#include <stdio.h>

/* A sequence of numbers that a seed decides (splitmix64). */
struct rng {
	u64 s;
};
u64 rng_next(struct rng *r);
/* Below n, which is not 0. */
static inline u32 rng_below(struct rng *r, u32 n)
{
	return (u32)(rng_next(r) % n);
}
/* True once in n. */
static inline bool rng_one_in(struct rng *r, u32 n)
{
	return rng_below(r, n) == 0;
}
/* A number of some interest: small, near a power of two, or any. */
u64 rng_number(struct rng *r);

/* A copy with insns and lists of its own; the rest is shared. */
struct vcase *vcase_copy(const struct vcase *c);
void vcase_copy_free(struct vcase *c);
/* Room for n insns at pc, all 0; jumps, calls and lists follow.  vcase_delete(): the way back. */
bool vcase_insert(struct vcase *c, u32 pc, u32 n);
void vcase_delete(struct vcase *c, u32 pc, u32 n);
/* One random change. */
void vcase_mutate(struct vcase *c, struct rng *r);
/* As a .vc file that holds this case alone. */
void vcase_write(const struct vcase *c, FILE *f);

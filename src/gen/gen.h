/* SPDX-License-Identifier: BSD-2-Clause */
/* gen/gen.h - a module of IR as a struct obj: insns, relocations, BTF, line info.
 *
 *	select.c   values to machine insns with virtual registers
 *	regs.c     registers (ra/), spill code, stack frame
 *	emit.c     final insns, branches, relocations, lines
 *	types.c    BTF of functions and maps
 *
 * The measure is the kernel's verifier: what it makes loads there.
 */
#pragma once
#include "ir/ir.h"
#include "obj/obj.h"

enum gen_cpu { GEN_CPU_V2 = 2, GEN_CPU_V3 = 3, GEN_CPU_V4 = 4 };

struct gen_opts {
	enum gen_cpu cpu;      /* 0: v3 */
	u32 stack_max;         /* bytes of a function's frame; 0: 512 */
	struct str *dump;      /* insns with their values, for --dump=gen; NULL: none */
};

/* Errors: -E2BIG (a frame over stack_max: the diag names the largest values with their places; more
 * insns than a program may have), -EINVAL (what IR can't say on this cpu), -ENOMEM. */
int gen_obj(struct mod *m, const struct gen_opts *opts, struct diag *dg, struct obj **out);

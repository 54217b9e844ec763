/* SPDX-License-Identifier: BSD-2-Clause */
/* gen/mach.h - machine insns: BPF insns whose registers, frame offsets and jumps are not settled yet.
 *
 *	select.c   one function's values to machine insns
 *	regs.c     virtual registers to real ones, spills
 *	emit.c     final insns, with what must be relocated
 *	object.c   functions and maps as a struct obj
 */
#pragma once
#include "base/vec.h"
#include "gen/gen.h"
#include "isa/insn.h"

/* An operand: a virtual register below PHYS, a real one from there on. */
enum { PHYS = 0x40000000, NO_REG = 0x7fffffff };
#define PHYS_REG(r) (PHYS + (r))

enum mach_kind {
	MACH_INSN,   /* code, dst, src, off, imm as they stand; frame: off counts from that alloca */
	MACH_LEA,    /* dst = address of frame + imm */
	MACH_WIDE,   /* dst = 64-bit imm, or what ref names */
	MACH_CALL,   /* ref or imm: whom */
	MACH_JMP,    /* to; with code JMP_JA always, else when dst code src|imm holds */
	MACH_EXIT,
};

enum mach_ref { REF_NONE, REF_MAP, REF_GLOBAL, REF_FUNC, REF_CALL, REF_EXTERN, REF_KFUNC, REF_CORE };

struct mach {
	enum mach_kind kind;
	u8 code;
	u32 dst, src;
	s32 off;
	s64 imm;
	const struct val *frame;   /* base is r10 and the place of this alloca */
	s32 slot;                  /* base is r10 and this spill slot; -1: none */
	u32 to;                    /* block, by its place in the order */
	enum mach_ref ref;
	u32 index;                 /* of what ref names */
	const struct val *val;     /* it was made for; NULL: spill code */
	u8 n_args;                 /* MACH_CALL */
	bool writes_dst_only;      /* dst is not read: moves, loads */
	bool remake;               /* dst's value is made again rather than spilled */
};

struct mach_blk {
	struct blk *blk;
	u32 first, n;
};

struct mach_fn {
	struct fn *fn;
	struct arena *a;
	const struct gen_opts *opts;
	VEC(struct mach) insns;
	VEC(struct mach_blk) blks;
	VEC(bool) no_spill;        /* of each vreg */
	u32 n_vregs;
	u32 n_slots;
	s8 *reg;                   /* of each vreg, after regs.c */
	s32 *frame_off;            /* of each alloca by val id: from r10 */
	u32 frame_bytes;
	bool failed;               /* out of memory */
};

u32 vreg_new(struct mach_fn *g);

int select_fn(struct mach_fn *g, struct diag *dg);
int regs_fn(struct mach_fn *g, struct diag *dg);
/* Appends to the obj_func: insns, relocs, cores, lines. */
int emit_fn(struct mach_fn *g, struct obj_func *out, struct diag *dg);

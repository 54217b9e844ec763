/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/alu.h - arithmetic insns on registers: numbers, pointers, moves. */
#pragma once
#include "verify/env.h"

int alu_check(struct verify *v, struct insn *i);       /* check_alu_op() */
/* dst = ptr OP number, with the rules of each pointer type: adjust_ptr_min_max_vals(). */
int alu_ptr(struct verify *v, struct insn *i, const struct reg *ptr, const struct reg *off);
/* Gives a spilled or moved scalar an id before it is copied: assign_scalar_id_before_mov(). */
void scalar_id_before_mov(struct verify *v, struct reg *src);
/* Logs bounds that contradict each other and gives them up; -EFAULT where invariants are tested.  what
 * names the operation: reg_bounds_sanity_check(). */
int reg_sane(struct verify *v, struct reg *r, const char *what);
void scalar_id_drop(struct reg *r); /* clear_scalar_id() */
/* Logs ranges that contradict each other and forgets them; -EFAULT under BPF_F_TEST_REG_INVARIANTS.
 * what is the kernel's word for the place.  reg_bounds_sanity_check(). */
int reg_sane(struct verify *v, struct reg *r, const char *what);
/* Is the offset of a pointer of this type sane (bounds of BPF_MAX_VAR_OFF)? check_reg_sane_offset() */
bool ptr_off_sane(struct verify *v, const struct reg *r, u32 type);
bool ptr_is_value(const struct verify *v, const struct reg *r); /* is_pointer_value(): may not leak */
static inline bool regno_is_ptr_value(struct verify *v, u32 regno)
{
	return ptr_is_value(v, v_reg(v, regno));
}

/* ---- spec.c: speculative paths, when bypass_spec_v1 is not given ---- */
enum { /* aux.alu_state: what an ADD or SUB will be masked for; kernel BPF_ALU_* */
	SPEC_SRC = 1 << 0, /* the offset is the source; SPEC_DST: the destination */
	SPEC_DST = 1 << 1,
	SPEC_NEG = 1 << 2,
	SPEC_NUMBER = 1 << 3,
	SPEC_IMM = 1 << 4,
};
/* The masking of one pointer operation, between its two halves. */
struct spec_ptr {
	u32 alu_state, alu_limit;
	bool mask_to_left;
};
bool spec_alu_needed(u32 op);                               /* sanitize_needed() */
int spec_val_alu(struct verify *v, const struct insn *i);  /* sanitize_val_alu() */
/* Before and after dst = ptr OP off was computed: the two calls of sanitize_ptr_alu(). */
int spec_ptr_before(struct verify *v, const struct insn *i, const struct reg *ptr,
		    const struct reg *off, struct reg *dst, struct spec_ptr *m);
int spec_ptr_after(struct verify *v, const struct insn *i, const struct reg *dst,
		   struct spec_ptr *m);
/* Is the new pointer where it can be masked?  sanitize_check_bounds(). */
int spec_ptr_bounds(struct verify *v, const struct insn *i, const struct reg *dst);
void spec_seen(struct verify *v);                          /* sanitize_mark_insn_seen() */
/* Explores the side of a decided branch that only a misprediction takes; operands of i are unknown
 * there (NULL: nothing is).  sanitize_speculative_path(). */
int spec_path(struct verify *v, const struct insn *i, u32 next_pc, u32 cur_pc);

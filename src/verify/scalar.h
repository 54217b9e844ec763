/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/scalar.h - what is known of a number: its bits, and four ranges.
 *
 * Pure functions, no program and no log: each transfer function says why it is sound and names its
 * kernel counterpart.  Results are exactly those of Linux 6.18, since what the verifier knows decides
 * what it accepts.  tests/verify/test_scalar.c tries them against alu_insn_eval() and jmp_taken().
 */
#pragma once
#include "isa/insn.h"
#include "verify/tnum.h"

struct scalar {
	struct tnum bits;
	s64 smin, smax;
	u64 umin, umax;
	s32 smin32, smax32;
	u32 umin32, umax32;
};

struct scalar scalar_unknown(void);
struct scalar scalar_const(u64 v);
/* All of them in sync from a range of one view, for tests and callers that know just that. */
struct scalar scalar_srange(s64 min, s64 max);

bool scalar_is_const(const struct scalar *s);
bool scalar_is_const32(const struct scalar *s); /* the low half is known */
/* Does it stand for v too?  For tests and the soundness check. */
bool scalar_has(const struct scalar *s, u64 v);
/* Nothing is known: every range is whole. */
bool scalar_is_unbounded(const struct scalar *s);

void scalar_unbound64(struct scalar *s); /* the 64-bit ranges become whole; bits stay */
void scalar_unbound32(struct scalar *s);
void scalar_unbound(struct scalar *s);   /* all four ranges */
/* Sets value in the low half only and keeps what is known of the upper.  __mark_reg32_known(). */
void scalar_set_low(struct scalar *s, u32 v);

/* Lets each view tighten the others.  reg_bounds_sync(). */
void scalar_sync(struct scalar *s);
/* Are the views free of contradiction?  NULL, or what is wrong, as reg_bounds_sanity_check() says it
 * ("range bounds violation", "const tnum out of sync with range bounds", "const subreg tnum out of
 * sync with range bounds"). */
const char *scalar_flaw(const struct scalar *s);

/* The low half, zero-extended.  zext_32_to_64(). */
void scalar_zext32(struct scalar *s);
/* The low size bytes (1, 2, 4, 8), zero-extended.  coerce_reg_to_size(). */
void scalar_zext(struct scalar *s, u32 size);
/* The low size bytes, sign-extended to 64 or 32 bits.  coerce_reg_to_size_sx(), coerce_subreg_to_
 * size_sx(). */
void scalar_sext(struct scalar *s, u32 size);
void scalar_sext32(struct scalar *s, u32 size);

/* dst = dst OP src for an ALU insn other than MOV and END; imm operands come as constants.  The
 * insn tells operation, width, and signed division.  adjust_scalar_min_max_vals() without its
 * speculation; where the shift amount or divisor makes the result unknown, it is.  NEG too. */
void scalar_alu(const struct insn *i, struct scalar *dst, struct scalar src);
/* Is there a rule for this insn with such a second operand?  is_safe_to_compute_dst_reg_range(). */
bool scalar_alu_known(const struct insn *i, const struct scalar *src);
/* END and BSWAP; do they change the order of bytes, or only cut? */
bool scalar_end_swaps(const struct insn *i);
void scalar_end(const struct insn *i, struct scalar *dst);

/* Comparison op (enum jmp_op) of two numbers: 1 always true, 0 never, -1 not known.
 * is_scalar_branch_taken(). */
int scalar_branch(const struct scalar *a, const struct scalar *b, enum jmp_op op, bool is32);
/* Tightens both as far as the comparison being true says.  regs_refine_cond_op(), which ends with a
 * scalar_sync() of each.  The negation of JSET is no enum jmp_op: pass JMP_JSET | JMP_NOT. */
enum { JMP_NOT = 0x100 };
void scalar_refine(struct scalar *a, struct scalar *b, u32 op, bool is32);
/* The operation that holds where op does not, with JMP_NOT for JSET.  rev_opcode(). */
u32 jmp_negate(u32 op);
/* The same comparison with operands exchanged; 0 where there is none.  flip_opcode(). */
u32 jmp_flip(u32 op);

/* Lies b's every range inside a's?  range_within(). */
bool scalar_within(const struct scalar *a, const struct scalar *b);

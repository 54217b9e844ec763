/* SPDX-License-Identifier: BSD-2-Clause */
/* isa/check.h - structural checks of bytecode that nobody has verified.
 *
 * What can be said of insns without following values: opcodes, reserved fields, registers, where
 * jumps and calls land, how subprograms end.  After it a walk over the insns needs no bounds check.
 * Values (shift counts, divisors, addresses) are for the verifier or for checks at run time, and so
 * are reachability and termination.  Sentences are those of the Linux 6.18 verifier.
 */
#pragma once
#include "base/diag.h"
#include "isa/insn.h"

enum {
	INSNS_MAX = 1000000, /* kernel BPF_COMPLEXITY_LIMIT_INSNS */
	SUBPROGS_MAX = 256,  /* kernel BPF_MAX_SUBPROGS */
};

/* One insn by itself; left counts the insns from it to the program's end, itself included.  0, or
 * -EINVAL with the reason in dg.  pc is for the message. */
int insn_check(const struct insn *i, u32 left, u32 pc, struct place at, struct diag *dg);

/* A whole program: every insn, then jumps, calls and ends.  0, -EINVAL, -E2BIG (no insn, too many
 * insns or subprograms) or -ENOMEM.  at says where the first insn stands; when it has a section its
 * off moves along. */
int insns_check(const struct insn *insns, u32 n, struct place at, struct diag *dg);

/* Insn that a jump at pc goes to, whatever its range; jumps with an own target only. */
static inline s64 jmp_target(const struct insn *i, u32 pc)
{
	bool far = i->code == (CLS_JMP32 | JMP_JA);

	return (s64)pc + 1 + (far ? i->imm : i->off);
}

/* Is it a jump with a target: conditional or not, but no call and no exit. */
static inline bool insn_is_jmp(const struct insn *i)
{
	enum insn_class c = INSN_CLASS(i->code);

	return (c == CLS_JMP || c == CLS_JMP32) && INSN_OP(i->code) != JMP_CALL &&
	       INSN_OP(i->code) != JMP_EXIT;
}

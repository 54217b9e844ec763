/* SPDX-License-Identifier: BSD-2-Clause */
/* isa/disasm.h - insns as text, in the kernel's notation.
 *
 *	r1 = *(u64 *)(r10 -8)            if w1 s> 0x5 goto pc+3
 *	lock *(u32 *)(r1 +4) += w2       call bpf_map_lookup_elem#1
 *
 * Two styles.  KERNEL is what the verifier's log and bpftool print, letter for letter.  EXACT differs
 * where that loses bits: isa/asm.h reads it back to the same bytes.
 */
#pragma once
#include "base/str.h"
#include "isa/insn.h"

enum disasm_style {
	DISASM_KERNEL,
	/* Wide loads carry "ll" or name what they load (map[fd:4], subprog[+3]); an insn that
	 * insn_check() refuses, or whose text would lose a field, is ".insn" with its eight bytes. */
	DISASM_EXACT,
};

/* Names that isa/ can't know.  Each function may be NULL, and may answer NULL or false. */
struct disasm_names {
	void *arg;
	const char *(*helper)(void *arg, u32 id);              /* without "bpf_" */
	const char *(*kfunc)(void *arg, const struct insn *call);
	bool (*wide)(void *arg, const struct insn *wide, struct str *out); /* appends the operand */
};

/* Appends the insn at i, without its opcode "(bf) " and without a newline; left counts the insns from
 * i to the end and is at least 1, names may be NULL.  Returns how many insns that was: 1 or 2. */
u32 disasm_insn(struct str *out, const struct insn *i, u32 left, enum disasm_style style,
		const struct disasm_names *names);

/* SPDX-License-Identifier: BSD-2-Clause */
/* isa/asm.h - text to insns, in two notations that may be mixed.
 *
 *	r0 = *(u32 *)(r1 +4)           the kernel's (verifier log, bpftool), which is clang's too
 *	if r0 > 0x5 goto out
 *	ldxw %r0, [%r1+4]              the conformance suite's (ubpf, bpf_conformance, rbpf)
 *	jgt %r0, 5, out
 * out:	exit
 *
 * One insn a line.  "NAME:" is a label; without one of that name, "exit" is the first exit.  ';',
 * "//" and a '#' after a blank begin a comment.  What dumps put before an insn is passed over: its
 * number "12:", its bytes, its opcode "(bf)".  Everything isa/disasm.h prints in exact style reads
 * back to the same bytes.  Structure is not checked here: isa/check.h.
 */
#pragma once
#include "base/diag.h"
#include "isa/insn.h"

/* Names that isa/ can't know; the function may be NULL. */
struct asm_names {
	void *arg;
	u32 (*helper)(void *arg, const char *name); /* id, 0: none; "bpf_" may stand before it */
};

enum { ASM_TEXT_MAX = 64 << 20 }; /* bytes */

/* Assembles size bytes of text; file is for messages, names may be NULL.  Reports every faulty line
 * with line and column.  0, and *insns (caller frees with free()) of *n; or -EINVAL (dg), -E2BIG
 * (text or program too large), -ENOMEM. */
int asm_text(const char *text, size_t size, const char *file, const struct asm_names *names,
	     struct diag *dg, struct insn **insns, u32 *n);

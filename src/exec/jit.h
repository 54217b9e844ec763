/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/jit.h - native code for trusted programs.
 *
 * One native instruction sequence per insn, fixed registers.  The result does what the interpreter
 * does in its trusted mode, but for max_steps and the step hook, which only the interpreter has.
 * Freestanding.
 */
#pragma once
#include "exec/exec.h"

struct jit_code;

/* Compiles a program that insns_check() accepted.  Helper and kfunc addresses
 * are taken from prog now.  Put *out into prog->jit to have it used; the insns need not live on.  The
 * memory is never writable and executable at once.
 *
 * Returns 0, -ENOTSUP (no native code for this machine), -ELOOP (calls nest deeper than
 * EXEC_FRAMES_MAX, or recurse), -EINVAL (the entry is called as a function) or -ENOMEM. */
int jit_compile(const struct exec_prog *prog, struct jit_code **out);

/* Not while it may run. */
void jit_free(struct jit_code *code);

/* The machine code, for a disassembler. */
const void *jit_text(const struct jit_code *code, u32 *size_bytes);

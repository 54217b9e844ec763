/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/jit_x86.h - registers of native code, and the parts of the x86-64 compiler.
 *
 * Registers are the kernel's: r0..r10 = rax rdi rsi rdx rcx r8 rbx r13 r14 r15 rbp, so arguments of
 * a helper call stand where the ABI wants them.  r12 is env all the time; r9, r10, r11 are scratch
 * (r9 carries env to a helper).
 */
#pragma once
#include "exec/jit_arch.h"
#include "exec/x86.h"

enum { ENV = R12, T0 = R9, T1 = R10, T2 = R11 };

static inline u32 x86_reg_of(u32 reg)
{
	static const u8 regs[REG_MAX] = { RAX, RDI, RSI, RDX, RCX, R8, RBX, R13, R14, R15, RBP };

	return regs[reg];
}

/* ALU insns, address-space casts and byte order included. */
void x86_alu_insn(struct jit *j, const struct insn *i);
/* Shift by an immediate or a register; kind is SHIFT_*. */
void x86_shift(struct jit *j, bool w, u32 kind, const struct insn *i);
/* movsx of the low 8, 16 or 32 bits of src. */
void x86_sign_extend(struct emit *e, bool w, u32 dst, u32 src, s32 bits);

/* Loads, stores and atomics; not LD_ABS, LD_IND. */
void x86_mem_insn(struct emit *e, const struct insn *i);

/* A call of C through a helper's signature; a direct one where any place of the mapping reaches it. */
void x86_call_c(struct jit *j, const void *fn);
/* bpf_map_lookup_elem of a map that is known when it is compiled; false: it is not, or not that
 * helper, and nothing was emitted. */
bool x86_map_lookup(struct jit *j, u32 f, u32 pc);

/* Several insns as one instruction: how many it was, 0: none of the known shapes begins here. */
u32 x86_join(struct jit *j, u32 pc);

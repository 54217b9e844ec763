/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/xol.h - the insn under a breakpoint runs elsewhere, so that the breakpoint is never lifted.
 *
 * Insns that depend on where they stand (branches, calls) or do nothing are worked out from the
 * registers; any other is copied into a slot near by, with its rip-relative operand adjusted and a
 * jump back behind it.  A slot's contents never change, so all threads may be in it at once.
 *
 *	slot:     copied insn (1 to 15 bytes)
 *	slot+len: jmp rel32 to the insn after the breakpoint
 */
#pragma once
#include "base/types.h"
#include <sys/user.h>

enum {
	XOL_INSN_MAX = 15,
	XOL_SLOT_BYTES = 32,
	XOL_PUSH_BYTES = 6, /* of the push in the slot of a call */
};

enum xol_kind {
	XOL_COPY,
	XOL_NOP,
	XOL_JUMP,      /* to target, always */
	XOL_JUMP_IF,   /* to target on condition cc (the low four bits of Jcc's opcode) */
	XOL_JUMP_CX,   /* jrcxz, jecxz, loop, loope, loopne: see cx */
	XOL_CALL,      /* to target */
	XOL_CALL_REG,  /* to the value of register base */
	XOL_CALL_MEM,  /* to the value at the operand's address */
	XOL_PUSH,      /* register base; XOL_COPY does as well */
	XOL_RET,       /* imm more bytes popped; XOL_COPY does as well */
};

enum xol_cx { CX_ZERO, CX_LOOP, CX_LOOP_EQ, CX_LOOP_NE };

struct xol_insn {
	u8 kind;           /* enum xol_kind */
	u8 len;
	u8 bytes[XOL_INSN_MAX];
	u8 disp_at;        /* offset of a rip-relative disp32 in bytes; 0: none */
	u8 modrm_at;       /* of an indirect call */
	u8 cc, cx;
	bool cx32;         /* ecx, not rcx */
	s8 base, index;    /* register numbers as the CPU encodes them, -1: none */
	u8 scale;
	s8 segment;        /* 'f', 'g', or 0 */
	s64 disp;          /* of a memory operand; absolute when it was rip-relative */
	u64 target;
	u16 imm;
};

/* Is the decoder, libZydis, there?  Loads it. */
bool xol_works(void);

/* Reads the insn at addr from n bytes.  -EINVAL: none; -ENOTSUP: one that can't run elsewhere;
 * -ENOSYS: the decoder, libZydis, is not installed. */
int xol_decode(const u8 *bytes, size_t n, u64 addr, struct xol_insn *out);

/* Memory of the task, for xol_emulate(): 0 or -EFAULT. */
struct xol_mem {
	void *arg;
	int (*read)(void *arg, u64 addr, void *dst, size_t size);
	int (*write)(void *arg, u64 addr, const void *src, size_t size);
};

/* Does what the insn at regs->rip does.  False, with regs unchanged, when that would fault, or the
 * insn can only be copied; without_slot says that copying is not possible. */
bool xol_emulate(const struct xol_insn *x, struct user_regs_struct *regs, const struct xol_mem *mem,
		 bool without_slot);

/* A task is off bytes into a slot and must not stay there: moves it to where it would be without.
 * True when the insn has run already. */
bool xol_leave_slot(const struct xol_insn *x, u64 addr, u32 off, struct user_regs_struct *regs);

/* Fills a slot that will stand at slot_addr.  False when it is out of reach of addr or of what the
 * operand refers to. */
bool xol_fill_slot(const struct xol_insn *x, u64 addr, u64 slot_addr, u8 out[XOL_SLOT_BYTES]);

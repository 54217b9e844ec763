/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/jit_none.c - a machine that the compiler has no code for: programs are interpreted. */
#if !defined(__x86_64__)
#include "exec/jit_arch.h"

bool jit_arch_begin(struct jit *j)
{
	(void)j;
	return false;
}

void jit_arch_stub(struct jit *j, u32 f)
{
	(void)j, (void)f;
}

void jit_arch_prologue(struct jit *j, u32 f)
{
	(void)j, (void)f;
}

u32 jit_arch_insn(struct jit *j, u32 f, u32 pc)
{
	(void)j, (void)f, (void)pc;
	return 1;
}

void jit_arch_end(struct jit *j, u32 f)
{
	(void)j, (void)f;
}

void jit_arch_align(struct jit *j, u32 align)
{
	(void)j, (void)align;
}
#endif

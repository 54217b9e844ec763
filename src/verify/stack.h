/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/stack.h - what stack.c and stack_range.c share; for them only. */
#pragma once
#include "verify/env.h"

/* Where the byte at fp + off, off < 0, is kept. */
static inline u32 slot_of(s32 off)
{
	return (u32)(-(s64)off - 1) / 8;
}
static inline u32 byte_of(s32 off)
{
	return (u32)(-(s64)off - 1) % 8;
}
/* All eight bytes are a spilled register's.  Spills begin at byte 7. */
static inline bool slot_is_whole_spill(const struct slot *s)
{
	for (u32 i = 0; i < 8; i++)
		if (s->type[i] != SLOT_SPILL)
			return false;
	return true;
}

void stack_fastcall_check(struct verify *v, const struct frame *f, u32 pc, s32 off);

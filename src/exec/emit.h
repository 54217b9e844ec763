/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/emit.h - the buffer that machine code goes to.
 *
 * Bytes past its end are counted and dropped: the compiler looks once, when it has finished.
 */
#pragma once
#include "base/mem.h"

struct emit {
	u8 *start, *p, *end; /* p may pass end */
};

static inline u32 emit_at(const struct emit *e)
{
	return (u32)(e->p - e->start);
}

static inline void emit_u8(struct emit *e, u32 v)
{
	if (likely(e->p < e->end))
		*e->p = (u8)v;
	e->p++;
}

static inline void emit_u32(struct emit *e, u32 v)
{
	if (likely(e->end - e->p >= 4))
		mem_put32(e->p, v);
	e->p += 4;
}

static inline void emit_u64(struct emit *e, u64 v)
{
	if (likely(e->end - e->p >= 8))
		mem_put64(e->p, v);
	e->p += 8;
}

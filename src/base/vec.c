/* SPDX-License-Identifier: BSD-2-Clause */
/* base/vec.c - the one function behind base/vec.h. */
#include "base/vec.h"

bool vec_grow(void **p, u32 *cap, u64 need, size_t elem_size)
{
	u64 want = MAX((u64)*cap * 2, (u64)8);
	void *grown;

	if (need <= *cap)
		return true;
	want = MAX(want, need);
	if (want > UINT32_MAX)
		return false;
	grown = reallocarray(*p, want, elem_size);
	if (!grown)
		return false;
	*p = grown;
	*cap = (u32)want;
	return true;
}

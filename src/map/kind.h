/* SPDX-License-Identifier: BSD-2-Clause */
/* map/kind.h - the kinds of kind.def, and the attribute checks they share. */
#pragma once
#include "map/handle.h"

#define KIND(type, ops) extern const struct map_ops ops;
#include "map/kind.def"
#undef KIND

/* RDONLY_PROG and WRONLY_PROG exclude each other; kernel bpf_map_flags_access_ok(). */
static inline bool map_flags_access_ok(u32 flags)
{
	u32 both = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;

	return (flags & both) != both;
}

/* Offset of a value in the file, or -1 when size bytes from there are not inside one of count
 * values of that stride, each value_size long from skip on. */
static inline bool map_in_values(u64 off, u64 size, u64 count, u64 stride, u64 skip, u64 value_size)
{
	u64 in;

	if (off >= count * stride)
		return false;
	in = off % stride;
	return in >= skip && size <= value_size && in - skip <= value_size - size;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* output/dwarf.h - struct types of an object's DWARF, as BTF.
 *
 * A compiler puts a struct into BTF only where a map, a function's signature or a variable names it;
 * the record that a program reserves in a ring buffer often is a local matter.  DWARF has them all.
 */
#pragma once
#include "base/types.h"

struct btf;

/* BTF with every named struct that stands at the top of a compilation unit, and what those are made
 * of; pointers lose their target.  -ENOENT: no DWARF, or no struct in it; -EINVAL, -ENOMEM. */
int dwarf_structs(const void *elf, size_t size, struct btf **out);

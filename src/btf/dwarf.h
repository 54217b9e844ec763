/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/dwarf.h - functions and types of a program's DWARF, as BTF; places of its source lines.
 *
 * Every function that the program contains becomes FUNC and FUNC_PROTO, under the name of its symbol; with them
 * come the types that parameters and results are made of.  Base classes of C++ are members without a name.
 */
#pragma once
#include "base/diag.h"
#include "base/types.h"

struct btf;

/* From the file itself, or from its separate debug file (debug; NULL: none).  -ENOENT: no DWARF; -E2BIG: more than the
 * limits of this reader; -EINVAL. */
int dwarf_functions(const char *path, const char *debug, struct diag *dg, struct btf **out);

/* Virtual address of the first statement of FILE:LINE[:COL] (col 0: any); file by its last parts.  -ENOENT: DWARF has no
 * such line (the diag says the next that it has), or there is none. */
int dwarf_line(const char *path, const char *debug, const char *file, u32 line, u32 col, struct diag *dg, u64 *addr);

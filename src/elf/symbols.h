/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/symbols.h - functions of host binaries by name, for uprobes.
 *
 * Looked for in .symtab, then in the symbols of a separate debug file (/usr/lib/debug, by build id),
 * then in .dynsym.  Offsets are of the binary's file, whichever table had the name.
 */
#pragma once
#include "base/diag.h"
#include "base/types.h"

/* File offset of function `symbol` plus off bytes.  A version may be said ("memcpy@GLIBC_2.2.5",
 * "memcpy@@GLIBC_2.14") or left out: then it is the default one.  -ENOENT when the binary has no
 * such function. */
int symbol_offset(const char *path, const char *symbol, u64 off, struct place at, struct diag *dg,
		  u64 *out);

/* File offsets of all functions whose name fits the pattern, each once.  Caller frees *out. */
int symbol_match(const char *path, const char *pattern, struct place at, struct diag *dg, u64 **out,
		 u32 *n);

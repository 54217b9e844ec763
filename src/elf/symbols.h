/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/symbols.h - functions of host binaries by name, for uprobes.
 *
 * Looked for in .symtab, then in the symbols of a separate debug file (/usr/lib/debug, by build id),
 * then in .dynsym.  Offsets are of the binary's file, whichever table had the name.
 */
#pragma once
#include "base/diag.h"
#include "base/types.h"
#include "elf/file.h"

/* File offset of function `symbol` plus off bytes.  A version may be said ("memcpy@GLIBC_2.2.5",
 * "memcpy@@GLIBC_2.14") or left out: then it is the default one.  -ENOENT when the binary has no
 * such function. */
int symbol_offset(const char *path, const char *symbol, u64 off, struct place at, struct diag *dg,
		  u64 *out);

/* File offsets of all functions whose name fits the pattern, each once.  Caller frees *out. */
int symbol_match(const char *path, const char *pattern, struct place at, struct diag *dg, u64 **out,
		 u32 *n);

/* A function of a binary. */
struct symbol {
	const char *name;  /* without version; borrowed for the call */
	u64 addr, off;     /* virtual address, and where that is in the file */
	u64 size;
	bool is_local, is_old; /* is_old: of a version that is not the default */
};
/* Tells each function, from the tables that symbol_offset() looks in, some of them twice, until fn returns what
 * is not 0: that, or 0 at the end, or an error of opening the file. */
int symbol_each(const char *path, struct place at, struct diag *dg,
		int (*fn)(void *arg, const struct symbol *sym), void *arg);
/* The separate debug file that a binary's build id names, whether it is there or not.  False: it has no build id. */
bool symbol_debug_file(const struct elf_file *f, char *path, size_t size);
/* Any symbol, variables too: its virtual address and size.  -ENOENT. */
int symbol_addr(const char *path, const char *name, struct place at, struct diag *dg, u64 *addr, u64 *size);

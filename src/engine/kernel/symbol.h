/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/kernel/symbol.h - binaries and the functions in them, for uprobes. */
#pragma once
#include "base/diag.h"
#include "base/types.h"

/* Full path of a binary: names without '/' are looked up in PATH, libraries ("*.so", "*.so.N")
 * where the loader looks; with pid > 0 the name is first compared with what that process has
 * mapped. */
int binary_find(const char *name, s32 pid, char *path, size_t size, struct place at,
		struct diag *dg);

/* File offset of function `symbol` plus off bytes.  A default version ("malloc@@GLIBC_2.2.5")
 * may be left out.  -ENOENT when the binary has no such function. */
int symbol_offset(const char *path, const char *symbol, u64 off, struct place at, struct diag *dg,
		  u64 *out);

/* File offsets of all functions whose name fits the pattern, each once.  Caller frees *out. */
int symbol_match(const char *path, const char *pattern, struct place at, struct diag *dg, u64 **out,
		 u32 *n);

/* A USDT probe: where it is, its semaphore (file offset, 0: none) and its argument string. */
struct usdt_site {
	u64 off, semaphore_off;
	char args[256];
};
int usdt_find(const char *path, const char *provider, const char *name, struct place at,
	      struct diag *dg, struct usdt_site **out, u32 *n);

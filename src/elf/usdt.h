/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/usdt.h - user-space static probes (USDT, sys/sdt.h) of a binary. */
#pragma once
#include "base/diag.h"
#include "base/types.h"

/* A probe: where it is, its semaphore (file offset, 0: none) and its argument string. */
struct usdt_site {
	u64 off, semaphore_off;
	char args[256];
};

/* All sites of a probe.  Caller frees *out.  -ENOENT when the binary has no such probe. */
int usdt_find(const char *path, const char *provider, const char *name, struct place at,
	      struct diag *dg, struct usdt_site **out, u32 *n);

/* Tells each probe of a binary with its provider and name (borrowed for the call), in the order of the notes,
 * until fn returns what is not 0: that, 0 at the end, or an error of opening the file. */
int usdt_each(const char *path, struct place at, struct diag *dg,
	      int (*fn)(void *arg, const char *provider, const char *name, const struct usdt_site *site),
	      void *arg);

/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/binary.h - host programs and libraries, for uprobes and USDT. */
#pragma once
#include "base/diag.h"
#include "base/file.h"
#include "base/types.h"
#include "elf/file.h"

/* Full path of a binary: names without '/' are looked up in PATH, libraries ("*.so", "*.so.N")
 * where the loader looks; with pid > 0 the name is first compared with what that process has
 * mapped. */
int binary_find(const char *name, s32 pid, char *path, size_t size, struct place at,
		struct diag *dg);

struct binary {
	struct bytes bytes;  /* the file; elf borrows it */
	struct elf_file elf;
};

/* May the kernel put a uprobe on the insn at that offset of the file?  False for those that it refuses, or takes for
 * others: Linux 6.18 emulates an AVX-512 insn whose opcode byte is that of a branch as that branch. */
bool binary_probe_ok(const struct binary *b, u64 off);

int binary_open(const char *path, struct place at, struct diag *dg, struct binary *b);
void binary_close(struct binary *b);

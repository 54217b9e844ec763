/* SPDX-License-Identifier: BSD-2-Clause */
/* output/symbol.h - addresses of the kernel and of processes to names.
 *
 *	symbol.c       processes: what they have mapped, which file an address lies in, kept when they have ended
 *	symbol_elf.c   one file: its sorted symbols, from itself or its debug file; shared by processes
 *	symbol_kernel.c  /proc/kallsyms, sorted when first asked for
 */
#pragma once
#include "base/types.h"

struct symbol_name {
	const char *name;    /* valid until the next question */
	u64 off;             /* of the address from the symbol's start */
	const char *module;  /* path of the file; "[vdso]", "perf-12.map"; NULL: the kernel */
};

struct symbols;

struct symbols *symbols_new(bool demangle); /* NULL: no memory */
void symbols_free(struct symbols *s);

/* False: no symbol is known there. */
bool symbol_kernel(struct symbols *s, u64 addr, struct symbol_name *out);
/* An address of a process.  What was learned of it is kept for when it has ended. */
bool symbol_user(struct symbols *s, s32 pid, u64 addr, struct symbol_name *out);
/* An address of a process that has gone and was never seen: path is a binary that it had, which lay so that file offset
 * file_off was at address at. */
bool symbol_in_file(struct symbols *s, const char *path, u64 file_off, u64 at, u64 addr, struct symbol_name *out);
/* Before the addresses of one stack are asked for: is it still the program that it was? */
void symbols_look(struct symbols *s, s32 pid);
/* Learns what a process has mapped now, as long as it lives. */
void symbols_keep(struct symbols *s, s32 pid);
/* Is it there, and no zombie? */
bool process_lives(s32 pid);

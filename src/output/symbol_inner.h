/* SPDX-License-Identifier: BSD-2-Clause */
/* output/symbol_inner.h - what the files behind output/symbol.h share. */
#pragma once
#include "elf/cxx.h"
#include "base/types.h"

/* ---- symbol_table.c: names by address ---- */

struct symbol_entry {
	u64 addr;
	u32 size;      /* 0: up to the next one */
	u32 name;      /* byte of the table's names */
	u8 rank;       /* of several at an address the highest is shown */
};

struct symbol_table {
	struct symbol_entry *p; /* owned */
	u32 n, cap;
	char *names;            /* owned */
	u32 names_len, names_cap;
	bool sorted;
};

/* False: no memory. */
bool symtab_add(struct symbol_table *t, u64 addr, u64 size, const char *name, size_t name_len, u8 rank);
void symtab_sort(struct symbol_table *t);
/* The innermost symbol that has the address; NULL: none. */
const struct symbol_entry *symtab_find(const struct symbol_table *t, u64 addr);
void symtab_free(struct symbol_table *t);

/* ---- symbol_elf.c: of a file ---- */

struct elf_range {
	u64 off, addr, size;
};

struct elf_symbols {
	struct symbol_table table;  /* by address as linked */
	struct elf_range *ranges;   /* owned: the loaded segments */
	u32 n_ranges;
};

/* Of the file at path, or of what is in memory.  False: it is no ELF file, or there is no memory. */
bool elf_symbols_read(const char *path, struct elf_symbols *out);
bool elf_symbols_of(const void *data, size_t size, struct elf_symbols *out);
/* The address as linked of a byte of the file; false: none is loaded from there. */
bool elf_symbols_addr(const struct elf_symbols *e, u64 file_off, u64 *addr);
/* Is an address as linked loaded from the file? */
bool elf_symbols_has(const struct elf_symbols *e, u64 addr);
void elf_symbols_free(struct elf_symbols *e);

/* ---- symbol_kernel.c ---- */

/* Empty where the kernel hides its addresses. */
void kernel_symbols_read(struct symbol_table *out);

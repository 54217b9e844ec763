/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/file.h - reads the sections, symbols, relocations and segments of an ELF file in memory.
 *
 * Every offset and size is checked before it is used, so any bytes may come.  32 and 64 bit, either
 * byte order.  The bytes are borrowed and must outlive the elf_file.
 */
#pragma once
#include "base/diag.h"
#include "base/types.h"
#include <elf.h>

#ifndef EM_BPF
#define EM_BPF 247
#endif

struct elf_section {
	const char *name;  /* never NULL */
	const u8 *data;    /* size bytes; NULL for SHT_NOBITS and empty sections */
	u32 type;          /* SHT_* */
	u32 link, info;
	u64 flags, addr, off, size, align, entsize;
};

struct elf_segment {
	u32 type;          /* PT_* */
	u32 flags;
	u64 off, addr, file_size, mem_size;
};

struct elf_sym {
	const char *name;  /* never NULL */
	u64 value, size;
	u8 type, bind, visibility; /* STT_*, STB_*, STV_* */
	u32 shndx;         /* section number; SHN_UNDEF, SHN_ABS, SHN_COMMON */
};

struct elf_reloc {
	u64 off;
	u32 sym, type;
	s64 addend;        /* 0 in SHT_REL sections */
};

struct elf_file {
	const u8 *data;
	size_t size;
	const char *path;  /* borrowed, for messages */
	bool is64, swapped, big_endian;
	u16 type, machine; /* ET_*, EM_* */
	u64 entry;
	u32 n_sections, n_segments;
	struct elf_section *sections; /* owned; [0] is the empty one */
	struct elf_segment *segments; /* owned */
};

/* Reads headers and section table.  -EINVAL with a diag for what is no ELF file or is broken. */
int elf_open(const void *data, size_t size, const char *path, struct diag *dg,
	     struct elf_file *out);
void elf_close(struct elf_file *f);

/* First section of that name or type; NULL: none. */
const struct elf_section *elf_find(const struct elf_file *f, const char *name);
const struct elf_section *elf_find_type(const struct elf_file *f, u32 type);
u32 elf_section_index(const struct elf_file *f, const struct elf_section *s);

/* Place of byte off in a section, for messages. */
struct place elf_place(const struct elf_file *f, const struct elf_section *s, u64 off);

/* Entries of a SHT_SYMTAB or SHT_DYNSYM section; false when i is out of range. */
u32 elf_n_syms(const struct elf_file *f, const struct elf_section *symtab);
bool elf_sym(const struct elf_file *f, const struct elf_section *symtab, u32 i, struct elf_sym *out);

/* An entry of a SHT_REL or SHT_RELA section; false when i is out of range. */
bool elf_reloc(const struct elf_file *f, const struct elf_section *rel, u32 i,
	       struct elf_reloc *out);

/* File offset of a virtual address in a loaded segment; false: in none. */
bool elf_addr_to_off(const struct elf_file *f, u64 addr, u64 *off);
/* And back. */
bool elf_off_to_addr(const struct elf_file *f, u64 off, u64 *addr);

/* Integers of the file's byte order. */
u16 elf_get16(const struct elf_file *f, const void *p);
u32 elf_get32(const struct elf_file *f, const void *p);
u64 elf_get64(const struct elf_file *f, const void *p);

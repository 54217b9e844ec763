/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/build.h - writes a relocatable ELF64 file: sections, symbols, SHT_REL relocations.
 *
 * Numbers are given out in order and are final for sections; symbols are named by references,
 * because local ones must stand before global ones.  Nothing fails before elf_build().
 */
#pragma once
#include "base/str.h"
#include "base/vec.h"
#include <elf.h>

struct elf_out_reloc {
	u64 off;
	u32 sym, type;     /* sym: a reference */
};

struct elf_out_section {
	const char *name;  /* borrowed until elf_build() */
	u32 type;
	u64 flags, align;
	u8 *data;          /* owned; size bytes, NULL for SHT_NOBITS */
	u64 size;
	u32 section_sym;   /* reference + 1, 0: none yet */
	VEC(struct elf_out_reloc) relocs;
};

struct elf_out_sym {
	const char *name;  /* borrowed until elf_build() */
	u64 value, size;
	u8 type, bind, visibility;
	u32 shndx;
};

struct elf_builder {
	bool big_endian;
	u16 machine;
	VEC(struct elf_out_section) sections; /* [i] has number i + 1 */
	VEC(struct elf_out_sym) syms;         /* a reference is an index here */
	bool failed;
};

/* A section of size zero bytes, or a copy of data.  Returns its number. */
u32 elf_add_section(struct elf_builder *b, const char *name, u32 type, u64 flags, u64 align,
		    const void *data, u64 size);
/* Its contents, to fill in; NULL for SHT_NOBITS and when memory was out. */
u8 *elf_section_data(struct elf_builder *b, u32 section);
u32 elf_add_sym(struct elf_builder *b, struct elf_out_sym sym);
/* The STT_SECTION symbol of a section, made when first asked for. */
u32 elf_section_sym(struct elf_builder *b, u32 section);
void elf_add_reloc(struct elf_builder *b, u32 section, u64 off, u32 sym, u32 type);

/* The file; caller frees *data with free().  0, -ENOMEM, or -E2BIG past 65,000 sections. */
int elf_build(struct elf_builder *b, void **data, size_t *size);
void elf_builder_free(struct elf_builder *b);

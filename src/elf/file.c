/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/file.c - the bounds-checked ELF reader. */
#include "elf/file.h"
#include "base/mem.h"
#include <byteswap.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

u16 elf_get16(const struct elf_file *f, const void *p)
{
	u16 v = mem_get16(p);

	return f->swapped ? bswap_16(v) : v;
}

u32 elf_get32(const struct elf_file *f, const void *p)
{
	u32 v = mem_get32(p);

	return f->swapped ? bswap_32(v) : v;
}

u64 elf_get64(const struct elf_file *f, const void *p)
{
	u64 v = mem_get64(p);

	return f->swapped ? bswap_64(v) : v;
}

/* Field of Elf32_X or Elf64_X at p, whichever the file has, at most 8 bytes wide. */
#define FIELD(f, p, what, field)                                                           \
	((f)->is64 ? get_width(f, (p) + offsetof(Elf64_##what, field),                      \
			       sizeof(((Elf64_##what *)0)->field))                          \
		   : get_width(f, (p) + offsetof(Elf32_##what, field),                      \
			       sizeof(((Elf32_##what *)0)->field)))
#define SIZE_OF(f, what) ((f)->is64 ? sizeof(Elf64_##what) : sizeof(Elf32_##what))

static u64 get_width(const struct elf_file *f, const u8 *p, size_t width)
{
	switch (width) {
	case 1: return *p;
	case 2: return elf_get16(f, p);
	case 4: return elf_get32(f, p);
	}
	return elf_get64(f, p);
}

static bool in_file(const struct elf_file *f, u64 off, u64 size)
{
	return off <= f->size && size <= f->size - off;
}

static int fail(const struct elf_file *f, struct diag *dg, u64 off, const char *what)
{
	struct place at = { .file = f->path };

	return diag_error(dg, at, -EINVAL, "broken ELF file: %s (at byte 0x%lx of the file)", what, off);
}

struct place elf_place(const struct elf_file *f, const struct elf_section *s, u64 off)
{
	return (struct place){ .file = f->path, .sect = s ? s->name : NULL, .off = off };
}

/* A string table must end in NUL: then every string in it does. */
static const char *string_at(const struct elf_section *strtab, u64 off)
{
	if (!strtab || !strtab->data || off >= strtab->size || strtab->data[strtab->size - 1])
		return NULL;
	return (const char *)strtab->data + off;
}

static int read_ident(struct elf_file *f, struct diag *dg)
{
	struct place at = { .file = f->path };

	if (f->size < EI_NIDENT || memcmp(f->data, ELFMAG, SELFMAG) != 0)
		return diag_error(dg, at, -EINVAL, "not an ELF file");
	if (f->data[EI_CLASS] != ELFCLASS64 && f->data[EI_CLASS] != ELFCLASS32)
		return fail(f, dg, EI_CLASS, "its class is neither 32 nor 64 bit");
	if (f->data[EI_DATA] != ELFDATA2LSB && f->data[EI_DATA] != ELFDATA2MSB)
		return fail(f, dg, EI_DATA, "unknown byte order");
	f->is64 = f->data[EI_CLASS] == ELFCLASS64;
	f->big_endian = f->data[EI_DATA] == ELFDATA2MSB;
	f->swapped = f->big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
	if (f->size < SIZE_OF(f, Ehdr))
		return fail(f, dg, 0, "its header is cut off");
	return 0;
}

static int read_segments(struct elf_file *f, struct diag *dg)
{
	u64 off = FIELD(f, f->data, Ehdr, e_phoff);
	u64 n = FIELD(f, f->data, Ehdr, e_phnum), step = FIELD(f, f->data, Ehdr, e_phentsize);

	if (!off || !n)
		return 0;
	if (step < SIZE_OF(f, Phdr) || !in_file(f, off, n * step))
		return fail(f, dg, off, "program headers reach past the end");
	f->segments = calloc(n, sizeof(*f->segments));
	if (!f->segments)
		return diag_error(dg, (struct place){ .file = f->path }, -ENOMEM,
				  "no memory for %lu program headers", n);
	f->n_segments = n;
	for (u64 i = 0; i < n; i++) {
		const u8 *p = f->data + off + i * step;

		f->segments[i] = (struct elf_segment){
			.type = FIELD(f, p, Phdr, p_type),
			.flags = FIELD(f, p, Phdr, p_flags),
			.off = FIELD(f, p, Phdr, p_offset),
			.addr = FIELD(f, p, Phdr, p_vaddr),
			.file_size = FIELD(f, p, Phdr, p_filesz),
			.mem_size = FIELD(f, p, Phdr, p_memsz),
		};
	}
	return 0;
}

static int read_section(struct elf_file *f, const u8 *p, struct elf_section *s, struct diag *dg)
{
	*s = (struct elf_section){
		.name = "",
		.type = FIELD(f, p, Shdr, sh_type),
		.link = FIELD(f, p, Shdr, sh_link),
		.info = FIELD(f, p, Shdr, sh_info),
		.flags = FIELD(f, p, Shdr, sh_flags),
		.addr = FIELD(f, p, Shdr, sh_addr),
		.off = FIELD(f, p, Shdr, sh_offset),
		.size = FIELD(f, p, Shdr, sh_size),
		.align = FIELD(f, p, Shdr, sh_addralign),
		.entsize = FIELD(f, p, Shdr, sh_entsize),
	};
	if (s->type == SHT_NULL || s->type == SHT_NOBITS || !s->size)
		return 0;
	if (!in_file(f, s->off, s->size))
		return fail(f, dg, p - f->data, "a section reaches past the end of the file");
	s->data = f->data + s->off;
	return 0;
}

static int read_sections(struct elf_file *f, struct diag *dg)
{
	u64 off = FIELD(f, f->data, Ehdr, e_shoff);
	u64 n = FIELD(f, f->data, Ehdr, e_shnum), step = FIELD(f, f->data, Ehdr, e_shentsize);
	u64 strndx = FIELD(f, f->data, Ehdr, e_shstrndx);
	const struct elf_section *strtab;

	if (!off)
		return 0;
	if (step < SIZE_OF(f, Shdr) || !in_file(f, off, step))
		return fail(f, dg, off, "section headers reach past the end");
	/* Too many for the header: the first section's fields hold the numbers. */
	if (!n)
		n = FIELD(f, f->data + off, Shdr, sh_size);
	if (strndx == SHN_XINDEX)
		strndx = FIELD(f, f->data + off, Shdr, sh_link);
	if (n > f->size / step || !in_file(f, off, n * step))
		return fail(f, dg, off, "section headers reach past the end");
	f->sections = calloc(n ? n : 1, sizeof(*f->sections));
	if (!f->sections)
		return diag_error(dg, (struct place){ .file = f->path }, -ENOMEM,
				  "no memory for %lu sections", n);
	f->n_sections = n;
	for (u64 i = 0; i < n; i++) {
		int err = read_section(f, f->data + off + i * step, &f->sections[i], dg);

		if (err)
			return err;
	}
	if (strndx >= n)
		return fail(f, dg, 0, "no section with the names of sections");
	strtab = &f->sections[strndx];
	for (u64 i = 1; i < n; i++) {
		const u8 *p = f->data + off + i * step;
		const char *name = string_at(strtab, FIELD(f, p, Shdr, sh_name));

		if (!name && f->sections[i].type != SHT_NULL)
			return fail(f, dg, p - f->data, "a section's name is out of range");
		if (name)
			f->sections[i].name = name;
	}
	return 0;
}

int elf_open(const void *data, size_t size, const char *path, struct diag *dg,
	     struct elf_file *out)
{
	struct elf_file f = { .data = data, .size = size, .path = path };
	int err = read_ident(&f, dg);

	if (err)
		return err;
	f.type = FIELD(&f, f.data, Ehdr, e_type);
	f.machine = FIELD(&f, f.data, Ehdr, e_machine);
	f.entry = FIELD(&f, f.data, Ehdr, e_entry);
	err = read_segments(&f, dg);
	if (!err)
		err = read_sections(&f, dg);
	if (err) {
		elf_close(&f);
		return err;
	}
	*out = f;
	return 0;
}

void elf_close(struct elf_file *f)
{
	free(f->sections);
	free(f->segments);
	*f = (struct elf_file){0};
}

const struct elf_section *elf_find(const struct elf_file *f, const char *name)
{
	for (u32 i = 1; i < f->n_sections; i++)
		if (strcmp(f->sections[i].name, name) == 0)
			return &f->sections[i];
	return NULL;
}

const struct elf_section *elf_find_type(const struct elf_file *f, u32 type)
{
	for (u32 i = 1; i < f->n_sections; i++)
		if (f->sections[i].type == type)
			return &f->sections[i];
	return NULL;
}

u32 elf_section_index(const struct elf_file *f, const struct elf_section *s)
{
	return s - f->sections;
}

static u32 n_entries(const struct elf_section *s, u64 step)
{
	u64 n = s->data ? s->size / step : 0;

	return n > UINT32_MAX ? 0 : n;
}

u32 elf_n_syms(const struct elf_file *f, const struct elf_section *symtab)
{
	return n_entries(symtab, SIZE_OF(f, Sym));
}

bool elf_sym(const struct elf_file *f, const struct elf_section *symtab, u32 i, struct elf_sym *out)
{
	const u8 *p;
	const char *name = NULL;
	u8 info;

	if (i >= elf_n_syms(f, symtab))
		return false;
	p = symtab->data + i * SIZE_OF(f, Sym);
	info = FIELD(f, p, Sym, st_info);
	if (symtab->link < f->n_sections)
		name = string_at(&f->sections[symtab->link], FIELD(f, p, Sym, st_name));
	*out = (struct elf_sym){
		.name = name ? name : "",
		.value = FIELD(f, p, Sym, st_value),
		.size = FIELD(f, p, Sym, st_size),
		.type = ELF64_ST_TYPE(info),
		.bind = ELF64_ST_BIND(info),
		.visibility = ELF64_ST_VISIBILITY(FIELD(f, p, Sym, st_other)),
		.shndx = FIELD(f, p, Sym, st_shndx),
	};
	return true;
}

static u64 reloc_bytes(const struct elf_file *f, const struct elf_section *rel)
{
	return rel->type == SHT_RELA ? SIZE_OF(f, Rela) : SIZE_OF(f, Rel);
}

bool elf_reloc(const struct elf_file *f, const struct elf_section *rel, u32 i,
	       struct elf_reloc *out)
{
	const u8 *p;
	u64 info;

	if (i >= n_entries(rel, reloc_bytes(f, rel)))
		return false;
	p = rel->data + i * reloc_bytes(f, rel);
	info = FIELD(f, p, Rel, r_info);
	*out = (struct elf_reloc){
		.off = FIELD(f, p, Rel, r_offset),
		.sym = f->is64 ? ELF64_R_SYM(info) : ELF32_R_SYM(info),
		.type = f->is64 ? ELF64_R_TYPE(info) : ELF32_R_TYPE(info),
	};
	if (rel->type == SHT_RELA)
		out->addend = f->is64 ? (s64)FIELD(f, p, Rela, r_addend)
				      : (s32)FIELD(f, p, Rela, r_addend);
	return true;
}

bool elf_addr_to_off(const struct elf_file *f, u64 addr, u64 *off)
{
	for (u32 i = 0; i < f->n_segments; i++) {
		const struct elf_segment *s = &f->segments[i];

		if (s->type == PT_LOAD && addr >= s->addr && addr - s->addr < s->file_size) {
			*off = addr - s->addr + s->off;
			return true;
		}
	}
	return false;
}

bool elf_off_to_addr(const struct elf_file *f, u64 off, u64 *addr)
{
	for (u32 i = 0; i < f->n_segments; i++) {
		const struct elf_segment *s = &f->segments[i];

		if (s->type == PT_LOAD && off >= s->off && off - s->off < s->file_size) {
			*addr = off - s->off + s->addr;
			return true;
		}
	}
	return false;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/build.c - the ELF writer.
 *
 *	header | sections' contents | relocations | .symtab | .strtab | section headers
 */
#include "elf/build.h"
#include <byteswap.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

u32 elf_add_section(struct elf_builder *b, const char *name, u32 type, u64 flags, u64 align,
		    const void *data, u64 size)
{
	struct elf_out_section *s = vec_add(&b->sections);

	if (!s) {
		b->failed = true;
		return 0;
	}
	*s = (struct elf_out_section){ .name = name, .type = type, .flags = flags, .align = align,
				       .size = size };
	if (type != SHT_NOBITS) {
		s->data = calloc(1, size ? size : 1);
		if (!s->data)
			b->failed = true;
		else if (data && size)
			memcpy(s->data, data, size);
	}
	return b->sections.n;
}

u8 *elf_section_data(struct elf_builder *b, u32 section)
{
	return section && section <= b->sections.n ? b->sections.p[section - 1].data : NULL;
}

u32 elf_add_sym(struct elf_builder *b, struct elf_out_sym sym)
{
	if (!vec_push(&b->syms, sym))
		b->failed = true;
	return b->syms.n - 1;
}

u32 elf_section_sym(struct elf_builder *b, u32 section)
{
	struct elf_out_section *s;

	if (!section || section > b->sections.n)
		return 0;
	s = &b->sections.p[section - 1];
	if (!s->section_sym)
		s->section_sym = 1 + elf_add_sym(b, (struct elf_out_sym){
			.name = "", .type = STT_SECTION, .bind = STB_LOCAL, .shndx = section });
	return s->section_sym - 1;
}

void elf_add_reloc(struct elf_builder *b, u32 section, u64 off, u32 sym, u32 type)
{
	struct elf_out_reloc r = { .off = off, .sym = sym, .type = type };

	if (!section || section > b->sections.n || !vec_push(&b->sections.p[section - 1].relocs, r))
		b->failed = true;
}

/* ---- the file ---- */

struct image {
	struct elf_builder *b;
	VEC(u8) bytes;
	VEC(Elf64_Shdr) headers;
	struct str strings;   /* names of symbols and sections */
	u32 *number;          /* owned; of each symbol reference */
	u32 n_local;
	bool swap, failed;
};

#define ORDER(im, v) \
	((__typeof__(v))((im)->swap ? (sizeof(v) == 2   ? bswap_16((u16)(v)) \
				       : sizeof(v) == 4 ? bswap_32((u32)(v)) \
							: bswap_64((u64)(v))) \
				    : (u64)(v)))

static void put(struct image *im, const void *data, u64 size)
{
	if (size > UINT32_MAX - im->bytes.n || !vec_reserve(&im->bytes, size)) {
		im->failed = true;
		return;
	}
	if (size)
		memcpy(im->bytes.p + im->bytes.n, data, size);
	im->bytes.n += size;
}

static void align_to(struct image *im, u64 align)
{
	static const u8 zeros[16];

	if (align > 1 && align <= 16)
		put(im, zeros, ALIGN_UP(im->bytes.n, align) - im->bytes.n);
}

static u32 add_string(struct image *im, const char *s)
{
	u32 off = im->strings.len;

	if (!*s)
		return 0;
	str_addn(&im->strings, s, strlen(s) + 1);
	return off;
}

static void add_header(struct image *im, const char *name, Elf64_Shdr h)
{
	h.sh_name = add_string(im, name);
	if (!vec_push(&im->headers, h))
		im->failed = true;
}

static void put_sections(struct image *im)
{
	for (u32 i = 0; i < im->b->sections.n; i++) {
		const struct elf_out_section *s = &im->b->sections.p[i];

		align_to(im, s->align);
		add_header(im, s->name, (Elf64_Shdr){ .sh_type = s->type, .sh_flags = s->flags,
						      .sh_offset = im->bytes.n, .sh_size = s->size,
						      .sh_addralign = s->align });
		if (s->data)
			put(im, s->data, s->size);
	}
}

/* Local symbols are numbered first. */
static int number_syms(struct image *im)
{
	const struct elf_builder *b = im->b;
	u32 next = 1;

	im->number = calloc(b->syms.n + 1, sizeof(u32));
	if (!im->number)
		return -ENOMEM;
	for (int global = 0; global < 2; global++) {
		for (u32 i = 0; i < b->syms.n; i++)
			if ((b->syms.p[i].bind != STB_LOCAL) == global)
				im->number[i] = next++;
		if (!global)
			im->n_local = next;
	}
	return 0;
}

static void put_relocs(struct image *im, u32 symtab)
{
	for (u32 i = 0; i < im->b->sections.n; i++) {
		const struct elf_out_section *s = &im->b->sections.p[i];
		struct str name = {0};

		if (!s->relocs.n)
			continue;
		align_to(im, 8);
		str_addf(&name, ".rel%s", s->name);
		add_header(im, str_text(&name), (Elf64_Shdr){
			.sh_type = SHT_REL, .sh_flags = SHF_INFO_LINK, .sh_offset = im->bytes.n,
			.sh_size = s->relocs.n * sizeof(Elf64_Rel), .sh_link = symtab,
			.sh_info = i + 1, .sh_addralign = 8, .sh_entsize = sizeof(Elf64_Rel) });
		str_free(&name);
		for (u32 r = 0; r < s->relocs.n; r++) {
			const struct elf_out_reloc *x = &s->relocs.p[r];
			Elf64_Rel rel = {
				.r_offset = ORDER(im, x->off),
				.r_info = ORDER(im, ELF64_R_INFO((u64)im->number[x->sym], x->type)),
			};

			put(im, &rel, sizeof(rel));
		}
	}
}

static void put_syms(struct image *im, u32 strtab)
{
	const struct elf_builder *b = im->b;
	Elf64_Sym none = {0};

	align_to(im, 8);
	add_header(im, ".symtab", (Elf64_Shdr){
		.sh_type = SHT_SYMTAB, .sh_offset = im->bytes.n,
		.sh_size = (b->syms.n + 1) * sizeof(Elf64_Sym), .sh_link = strtab,
		.sh_info = im->n_local, .sh_addralign = 8, .sh_entsize = sizeof(Elf64_Sym) });
	put(im, &none, sizeof(none));
	for (int global = 0; global < 2; global++)
		for (u32 i = 0; i < b->syms.n; i++) {
			const struct elf_out_sym *s = &b->syms.p[i];
			u32 name;
			Elf64_Sym sym;

			if ((s->bind != STB_LOCAL) != global)
				continue;
			name = add_string(im, s->name);
			sym = (Elf64_Sym){
				.st_name = ORDER(im, name),
				.st_info = ELF64_ST_INFO(s->bind, s->type),
				.st_other = s->visibility,
				.st_shndx = ORDER(im, (u16)s->shndx),
				.st_value = ORDER(im, s->value),
				.st_size = ORDER(im, s->size),
			};
			put(im, &sym, sizeof(sym));
		}
}

static void put_headers(struct image *im, u32 strtab)
{
	u64 shoff;
	Elf64_Ehdr e = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			     im->b->big_endian ? ELFDATA2MSB : ELFDATA2LSB, EV_CURRENT },
		.e_type = ORDER(im, (u16)ET_REL),
		.e_machine = ORDER(im, im->b->machine),
		.e_version = ORDER(im, (u32)EV_CURRENT),
		.e_ehsize = ORDER(im, (u16)sizeof(Elf64_Ehdr)),
		.e_shentsize = ORDER(im, (u16)sizeof(Elf64_Shdr)),
		.e_shnum = ORDER(im, (u16)im->headers.n),
		.e_shstrndx = ORDER(im, (u16)strtab),
	};

	align_to(im, 8);
	shoff = im->bytes.n;
	e.e_shoff = ORDER(im, shoff);
	for (u32 i = 0; i < im->headers.n; i++) {
		const Elf64_Shdr *h = &im->headers.p[i];
		Elf64_Shdr out = {
			.sh_name = ORDER(im, h->sh_name),
			.sh_type = ORDER(im, h->sh_type),
			.sh_flags = ORDER(im, h->sh_flags),
			.sh_offset = ORDER(im, h->sh_offset),
			.sh_size = ORDER(im, h->sh_size),
			.sh_link = ORDER(im, h->sh_link),
			.sh_info = ORDER(im, h->sh_info),
			.sh_addralign = ORDER(im, h->sh_addralign),
			.sh_entsize = ORDER(im, h->sh_entsize),
		};

		put(im, &out, sizeof(out));
	}
	if (!im->failed)
		memcpy(im->bytes.p, &e, sizeof(e));
}

int elf_build(struct elf_builder *b, void **data, size_t *size)
{
	struct image im = { .b = b,
			    .swap = b->big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) };
	Elf64_Ehdr room = {0};
	u32 symtab = b->sections.n + 1, strtab;
	int err = b->failed ? -ENOMEM : number_syms(&im);

	for (u32 i = 0; i < b->sections.n; i++)
		symtab += b->sections.p[i].relocs.n > 0;
	strtab = symtab + 1;
	if (!err && strtab >= SHN_LORESERVE)
		err = -E2BIG;
	if (!err) {
		str_addn(&im.strings, "", 1);
		put(&im, &room, sizeof(room));
		add_header(&im, "", (Elf64_Shdr){0});
		put_sections(&im);
		put_relocs(&im, symtab);
		put_syms(&im, strtab);
		add_header(&im, ".strtab", (Elf64_Shdr){ .sh_type = SHT_STRTAB, .sh_addralign = 1 });
		if (im.headers.n > strtab) {
			im.headers.p[strtab].sh_offset = im.bytes.n;
			im.headers.p[strtab].sh_size = im.strings.len;
		}
		put(&im, im.strings.p, im.strings.len);
		put_headers(&im, strtab);
		err = im.failed || im.strings.failed ? -ENOMEM : 0;
	}
	if (!err) {
		*data = im.bytes.p;
		*size = im.bytes.n;
	} else {
		vec_free(&im.bytes);
	}
	vec_free(&im.headers);
	str_free(&im.strings);
	free(im.number);
	return err;
}

void elf_builder_free(struct elf_builder *b)
{
	for (u32 i = 0; i < b->sections.n; i++) {
		free(b->sections.p[i].data);
		vec_free(&b->sections.p[i].relocs);
	}
	vec_free(&b->sections);
	vec_free(&b->syms);
	*b = (struct elf_builder){0};
}

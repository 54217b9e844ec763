/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/reader.h - what the files that read an ELF object share; obj/open.c leads.
 *
 *	open.c     sections and what each is for, licence, version
 *	types.c    .BTF: sizes and offsets filled in, one DATASEC for each section
 *	funcs.c    functions, their insns
 *	externs.c  .kconfig and .ksyms
 *	maps.c     .maps          data.c  data sections, legacy maps, struct_ops
 *	relocs.c   relocations of insns and of map contents
 *	ext.c      .BTF.ext: func_info, line_info, CO-RE relocations
 *
 * The file may hold any bytes: every index is checked where it is read, and work and memory stay
 * in proportion to the file's size.
 */
#pragma once
#include "base/hash.h"
#include "base/vec.h"
#include "btf/btf.h"
#include "elf/file.h"
#include "obj/obj.h"

enum sec_use {
	USE_NONE, USE_CODE, USE_MAPS, USE_LEGACY_MAPS, USE_DATA, USE_RODATA, USE_BSS,
	USE_STRUCT_OPS, USE_ARENA,
};

struct sec {
	enum sec_use use;
	u32 datasec;               /* its DATASEC in o->btf; 0: none */
	u32 map;                   /* index + 1 of the map over it, data sections only */
	u32 first_func, n_funcs;   /* in funcs */
};

struct reader {
	struct elf_file elf;
	const struct elf_section *symtab;
	struct diag *dg;
	struct obj *o;
	struct sec *secs;          /* owned; one for each ELF section */
	VEC(struct obj_func) funcs;
	VEC(struct obj_map) maps;
	VEC(struct obj_extern) externs;
	VEC(u32) extern_syms;      /* symbol number of each extern */
	u32 arena;                 /* index + 1 of the arena map */
	struct strmap global_syms; /* name -> number of defined global symbols, made when asked */
	bool has_global_syms;
	struct strmap section_names; /* name -> number of the first section of that name */
	u64 data_bytes;            /* contents of all maps so far */
	u64 code_bytes;            /* insns of all functions so far */
};

int read_types(struct reader *r);
int read_funcs(struct reader *r);
int read_externs(struct reader *r);
int read_btf_maps(struct reader *r);
int read_legacy_maps(struct reader *r);
int read_data_maps(struct reader *r);
int read_kconfig_map(struct reader *r);
int read_struct_ops(struct reader *r);
int read_relocs(struct reader *r);
int read_ext(struct reader *r);
int read_script(struct reader *r);    /* script_section.c */

static inline const struct elf_section *sec_of(const struct reader *r, u32 index)
{
	return &r->elf.sections[index];
}
static inline struct place place_in(const struct reader *r, u32 section, u64 off)
{
	return elf_place(&r->elf, sec_of(r, section), off);
}
u32 section_by_name(const struct reader *r, const char *name); /* 0: none */
int no_memory(const struct reader *r);

/* A symbol whose section number is one of the file's. */
bool sym_is_defined(const struct reader *r, const struct elf_sym *sym);
/* Undefined, global or weak, without a type: the kernel is to provide it. */
bool sym_is_extern(const struct elf_sym *sym);
/* Defined global or weak symbol of that name. */
bool sym_find_global(struct reader *r, const char *name, struct elf_sym *out);

/* The function whose insns hold byte off of a section; NULL: none.  With aliases the first. */
struct obj_func *func_at(const struct reader *r, u32 section, u64 off);
/* The one that begins there. */
struct obj_func *func_begins_at(const struct reader *r, u32 section, u64 off);

/* A new map at the end of r->maps with its places filled in; NULL when memory is out. */
struct obj_map *map_new(struct reader *r, const char *name, const char *real_name, u32 section,
			u64 off);
/* First contents: size zero bytes, or a copy of from.  0, -E2BIG or -ENOMEM. */
int map_set_data(struct reader *r, struct obj_map *m, const void *from, u64 size);

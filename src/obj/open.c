/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/open.c - from an ELF file to a struct obj: what each section is for, and who reads it. */
#include "obj/reader.h"
#include "base/file.h"
#include "base/str.h"
#include <errno.h>
#include <string.h>

enum {
	FILE_MAX = 256 << 20,
	DATA_MAX = 1 << 30,  /* of all maps' first contents together */
	NAME_MAX15 = 15,     /* what the kernel takes of a name */
};

int no_memory(const struct reader *r)
{
	struct place at = { .file = r->elf.path };

	return diag_error(r->dg, at, -ENOMEM, "no memory to read the object");
}

u32 section_by_name(const struct reader *r, const char *name)
{
	u32 i;

	return strmap_get(&r->section_names, name, &i) ? i : 0;
}

bool sym_is_defined(const struct reader *r, const struct elf_sym *sym)
{
	return sym->shndx != SHN_UNDEF && sym->shndx < r->elf.n_sections;
}

bool sym_is_extern(const struct elf_sym *sym)
{
	return sym->shndx == SHN_UNDEF && sym->type == STT_NOTYPE &&
	       (sym->bind == STB_GLOBAL || sym->bind == STB_WEAK);
}

bool sym_find_global(struct reader *r, const char *name, struct elf_sym *out)
{
	struct elf_sym sym;
	u32 i;

	for (i = 0; !r->has_global_syms && elf_sym(&r->elf, r->symtab, i, &sym); i++)
		if (sym_is_defined(r, &sym) && sym.bind != STB_LOCAL &&
		    strmap_set(&r->global_syms, sym.name, i))
			return false;
	r->has_global_syms = true;
	return strmap_get(&r->global_syms, name, &i) && elf_sym(&r->elf, r->symtab, i, out);
}

struct obj_map *map_new(struct reader *r, const char *name, const char *real_name, u32 section,
			u64 off)
{
	struct obj_map *m = vec_add(&r->maps);

	if (!m)
		return NULL;
	m->name = strdup(name);
	m->real_name = strndup(real_name, NAME_MAX15);
	m->section = strdup(section ? sec_of(r, section)->name : name);
	m->section_index = section;
	m->section_off = off;
	m->autocreate = true;
	m->at = (struct place){ .file = r->o->path, .sect = m->section, .off = off };
	return m->name && m->real_name && m->section ? m : NULL;
}

int map_set_data(struct reader *r, struct obj_map *m, const void *from, u64 size)
{
	if (size > DATA_MAX || r->data_bytes > DATA_MAX - size)
		return diag_error(r->dg, m->at, -E2BIG, "map '%s': more than 1 GiB of data in the object",
				  m->name);
	r->data_bytes += size;
	m->data = calloc(1, size ? size : 1);
	if (!m->data)
		return no_memory(r);
	if (from)
		memcpy(m->data, from, size);
	m->data_size = size;
	return 0;
}

static bool is_or_dotted(const char *name, const char *base)
{
	size_t n = strlen(base);

	return strncmp(name, base, n) == 0 && (!name[n] || name[n] == '.');
}

static enum sec_use use_of(const struct elf_section *s)
{
	const char *name = s->name;

	if (s->type == SHT_NOBITS)
		return is_or_dotted(name, ".bss") && s->size ? USE_BSS : USE_NONE;
	if (s->type != SHT_PROGBITS)
		return USE_NONE;
	if (strcmp(name, ".maps") == 0)
		return USE_MAPS;
	if (!s->size)
		return USE_NONE;
	/* "lirc_mode2/maps" is ir-keytable's. */
	if (strcmp(name, "maps") == 0 || str_ends(name, "/maps"))
		return USE_LEGACY_MAPS;
	if (s->flags & SHF_EXECINSTR)
		return USE_CODE;
	if (is_or_dotted(name, ".data"))
		return USE_DATA;
	if (is_or_dotted(name, ".rodata"))
		return USE_RODATA;
	if (strcmp(name, ".addr_space.1") == 0)
		return USE_ARENA;
	name += *name == '?';
	if (strcmp(name, ".struct_ops") == 0 || strcmp(name, ".struct_ops.link") == 0)
		return USE_STRUCT_OPS;
	return USE_NONE;
}

static int read_license(struct reader *r, const struct elf_section *s)
{
	free(r->o->license);
	r->o->license = s->data ? strndup((const char *)s->data, s->size) : strdup("");
	return r->o->license ? 0 : no_memory(r);
}

static int read_version(struct reader *r, const struct elf_section *s)
{
	if (!s->data || s->size != 4)
		return diag_error(r->dg, elf_place(&r->elf, s, 0), -EINVAL,
				  "the kernel version has %lu bytes, must have 4", s->size);
	r->o->kern_version = elf_get32(&r->elf, s->data);
	return 0;
}

static int keep_dwarf(struct reader *r)
{
	if (!elf_find(&r->elf, ".debug_info"))
		return 0;
	r->o->dwarf = malloc(r->elf.size);
	if (!r->o->dwarf)
		return no_memory(r);
	memcpy(r->o->dwarf, r->elf.data, r->elf.size);
	r->o->dwarf_size = r->elf.size;
	return 0;
}

static int classify(struct reader *r)
{
	int err = 0;

	r->secs = calloc(r->elf.n_sections, sizeof(*r->secs));
	if (!r->secs)
		return no_memory(r);
	for (u32 i = r->elf.n_sections; i-- > 1;)
		if (strmap_set(&r->section_names, sec_of(r, i)->name, i))
			return no_memory(r);
	for (u32 i = 1; i < r->elf.n_sections && !err; i++) {
		const struct elf_section *s = sec_of(r, i);

		r->secs[i].use = use_of(s);
		if (s->type == SHT_SYMTAB) {
			if (r->symtab)
				return diag_error(r->dg, elf_place(&r->elf, s, 0), -EINVAL,
						  "a second symbol table");
			r->symtab = s;
		} else if (strcmp(s->name, "license") == 0) {
			err = read_license(r, s);
		} else if (strcmp(s->name, "version") == 0) {
			err = read_version(r, s);
		}
	}
	if (!err && !r->symtab)
		return diag_error(r->dg, (struct place){ .file = r->elf.path }, -EINVAL,
				  "no symbol table: the object is stripped");
	return err;
}

/* "dir/execsnoop.bpf.o" gives "execsnoop", at most 15 characters. */
static char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return strndup(name, MIN(strcspn(name, "."), (size_t)NAME_MAX15));
}

static int read_all(struct reader *r)
{
	static int (*const steps[])(struct reader *r) = {
		classify, keep_dwarf, read_funcs, read_types, read_externs,
		/* libbpf's order, which decides the maps' numbers. */
		read_btf_maps, read_legacy_maps, read_data_maps, read_kconfig_map, read_struct_ops,
		read_relocs, read_ext, read_script,
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int err = steps[i](r);

		if (err)
			return err;
	}
	return 0;
}

/* Hands the growing arrays over to the object, finished or not. */
static void hand_over(struct reader *r)
{
	r->o->funcs = r->funcs.p;
	r->o->n_funcs = r->funcs.n;
	r->o->maps = r->maps.p;
	r->o->n_maps = r->maps.n;
	r->o->externs = r->externs.p;
	r->o->n_externs = r->externs.n;
}

int obj_open(const void *data, size_t size, const char *path, struct diag *dg, struct obj **out)
{
	struct reader r = { .dg = dg };
	struct place at = { .file = path };
	int err = elf_open(data, size, path, dg, &r.elf);

	if (err)
		return err;
	/* Old compilers wrote EM_NONE. */
	if (r.elf.machine != EM_BPF && r.elf.machine != EM_NONE)
		err = diag_error(dg, at, -EINVAL,
				 "not a BPF object: it is for machine %u, must be %u (EM_BPF)",
				 r.elf.machine, EM_BPF);
	else if (r.elf.type != ET_REL || !r.elf.is64)
		err = diag_error(dg, at, -EINVAL,
				 "not a BPF object: it must be relocatable and 64 bit");
	r.o = calloc(1, sizeof(*r.o));
	if (!err && !r.o)
		err = no_memory(&r);
	if (!err) {
		r.o->path = strdup(path);
		r.o->name = base_name(path);
		r.o->license = strdup("");
		r.o->big_endian = r.elf.big_endian;
		err = r.o->path && r.o->name && r.o->license ? read_all(&r) : no_memory(&r);
		hand_over(&r);
	}
	vec_free(&r.extern_syms);
	strmap_free(&r.global_syms);
	strmap_free(&r.section_names);
	free(r.secs);
	elf_close(&r.elf);
	if (err) {
		obj_free(r.o);
		return err;
	}
	*out = r.o;
	return 0;
}

int obj_open_file(const char *path, struct diag *dg, struct obj **out)
{
	struct place at = { .file = path };
	struct bytes file;
	int err = file_map(path, FILE_MAX, &file);

	if (err)
		return diag_error(dg, at, err, "can't read: %s", strerror(-err));
	err = obj_open(file.p, file.size, path, dg, out);
	bytes_free(&file);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/write.c - a struct obj as an ELF object.
 *
 * What stays as it was: insns (unless a relocation could not be said with them), BTF ids, the order
 * of functions and maps.  DWARF is left out.  Each relocation names a symbol so that symbol and insn
 * together give the target, as compilers write them:
 *
 *	map        the map's symbol
 *	variable   symbol + imm; the section's symbol where imm is the offset
 *	function   symbol + imm, for calls symbol + imm + 1 insns
 */
#include "abi/uapi.h"
#include "base/str.h"
#include "btf/build.h"
#include "elf/build.h"
#include "elf/file.h"
#include "obj/obj.h"
#include "obj/script.h"
#include <byteswap.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NONE = UINT32_MAX };

/* A section of the source object and its number in the file. */
struct section {
	u32 index;        /* in the source object */
	const char *name;
	u32 number;
	u64 size;
};

struct writer {
	const struct obj *o;
	struct diag *dg;
	struct elf_builder elf;
	VEC(struct section) sections;
	struct btf_builder strings;  /* o->btf with the names that .BTF.ext needs */
	struct btf *btf;             /* the same, finished; NULL without BTF */
	u32 *func_syms, *map_syms, *extern_syms; /* owned; symbol references */
	bool swap;
};

static int no_memory(const struct writer *w)
{
	return diag_error(w->dg, (struct place){ .file = w->o->path }, -ENOMEM,
			  "no memory to write the object");
}

static u32 word(const struct writer *w, u32 v)
{
	return w->swap ? bswap_32(v) : v;
}

/* ---- sections ---- */

static struct section *section_find(struct writer *w, u32 index, const char *name)
{
	for (u32 i = 0; i < w->sections.n; i++)
		if (w->sections.p[i].index == index && strcmp(w->sections.p[i].name, name) == 0)
			return &w->sections.p[i];
	return NULL;
}

/* Notes a section that has to reach end bytes. */
static bool section_want(struct writer *w, u32 index, const char *name, u64 end)
{
	struct section *s = section_find(w, index, name);

	if (!s && !vec_push(&w->sections, ((struct section){ .index = index, .name = name })))
		return false;
	s = s ? s : &w->sections.p[w->sections.n - 1];
	s->size = MAX(s->size, end);
	return true;
}

static bool is_arena_data(const struct obj_map *m)
{
	return m->type == BPF_MAP_TYPE_ARENA && m->data;
}

/* Bytes a map takes in its section. */
static u64 map_bytes(const struct obj *o, const struct obj_map *m)
{
	s64 size;

	if (m->kind != OBJ_MAP_PLAIN)
		return m->data_size;
	if (!m->btf_var_id)
		return 5 * sizeof(u32); /* struct bpf_map_def */
	size = btf_size(o->btf, m->btf_var_id);
	return size < 0 ? 0 : (u64)size;
}

static int by_index(const void *a, const void *b)
{
	const struct section *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static bool want_sections(struct writer *w)
{
	const struct obj *o = w->o;
	bool ok = true;

	for (u32 i = 0; i < o->n_funcs; i++)
		ok &= section_want(w, o->funcs[i].section_index, o->funcs[i].section,
				   o->funcs[i].section_off +
					   o->funcs[i].n_insns * sizeof(struct insn));
	for (u32 i = 0; i < o->n_maps; i++) {
		const struct obj_map *m = &o->maps[i];

		if (m->kind == OBJ_MAP_KCONFIG)
			continue;
		ok &= section_want(w, m->section_index, m->section,
				   m->section_off + map_bytes(o, m));
	}
	/* What declared maps reach is in the BTF's section too, and so are variables that no map holds. */
	for (u32 id = 1; o->btf && id < btf_n_types(o->btf); id++) {
		const struct btf_type *t = btf_type(o->btf, id);
		const char *name = btf_str(o->btf, t->name_off);
		struct section *s = NULL;

		if (btf_kind(t) != BTF_DATASEC || strcmp(name, ".kconfig") == 0 ||
		    strcmp(name, ".ksyms") == 0 || strcmp(name, "license") == 0 ||
		    strcmp(name, "version") == 0)
			continue;
		for (u32 i = 0; i < w->sections.n && !s; i++)
			if (strcmp(w->sections.p[i].name, name) == 0)
				s = &w->sections.p[i];
		if (!s)
			ok &= section_want(w, NONE - 1, name, t->size);
		else
			s->size = MAX(s->size, (u64)t->size);
	}
	if (w->sections.n)
		qsort(w->sections.p, w->sections.n, sizeof(*w->sections.p), by_index);
	return ok;
}

static void add_sections(struct writer *w)
{
	const struct obj *o = w->o;

	for (u32 i = 0; i < w->sections.n; i++) {
		struct section *s = &w->sections.p[i];
		/* Variables that no map holds have lost their values. */
		u32 type = s->index == NONE - 1 ? SHT_NOBITS : SHT_PROGBITS, align = 8;
		u64 flags = SHF_ALLOC | SHF_WRITE;

		for (u32 f = 0; f < o->n_funcs; f++)
			if (o->funcs[f].section_index == s->index &&
			    strcmp(o->funcs[f].section, s->name) == 0)
				flags = SHF_ALLOC | SHF_EXECINSTR;
		for (u32 m = 0; m < o->n_maps; m++) {
			if (o->maps[m].section_index != s->index ||
			    strcmp(o->maps[m].section, s->name) != 0)
				continue;
			if (o->maps[m].kind == OBJ_MAP_RODATA)
				flags = SHF_ALLOC;
			if (o->maps[m].kind == OBJ_MAP_BSS)
				type = SHT_NOBITS;
		}
		s->number = elf_add_section(&w->elf, s->name, type, flags, align, NULL, s->size);
	}
	for (u32 i = 0; i < o->n_maps; i++) {
		const struct obj_map *m = &o->maps[i];
		struct section *s = section_find(w, m->section_index, m->section);

		if (is_arena_data(m))
			elf_add_section(&w->elf, ".addr_space.1", SHT_PROGBITS,
					SHF_ALLOC | SHF_WRITE, 8, m->data, m->data_size);
		else if (s && m->data && elf_section_data(&w->elf, s->number))
			memcpy(elf_section_data(&w->elf, s->number) + m->section_off, m->data,
			       m->data_size);
	}
	elf_add_section(&w->elf, "license", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 1, o->license,
			strlen(o->license) + 1);
	if (o->kern_version || (o->btf && btf_find(o->btf, "version", BTF_DATASEC)))
		elf_add_section(&w->elf, "version", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 4,
				(u32[]){ word(w, o->kern_version) }, 4);
}

/* Number of the first section of that name; 0: none. */
static u32 number_of(const struct writer *w, const char *name)
{
	for (u32 i = 0; i < w->elf.sections.n; i++)
		if (strcmp(w->elf.sections.p[i].name, name) == 0)
			return i + 1;
	return 0;
}

static u32 map_section(struct writer *w, const struct obj_map *m)
{
	struct section *s = section_find(w, m->section_index, m->section);

	return s ? s->number : 0;
}

static u32 func_section(struct writer *w, const struct obj_func *f)
{
	return section_find(w, f->section_index, f->section)->number;
}

/* ---- symbols ---- */

static void add_func_sym(struct writer *w, u32 i)
{
	const struct obj_func *f = &w->o->funcs[i];
	bool is_extern_linkage = f->is_prog || f->is_global || f->is_weak ||
		(f->btf_func_id &&
		 btf_func_linkage(btf_type(w->o->btf, f->btf_func_id)) == BTF_GLOBAL);

	w->func_syms[i] = elf_add_sym(&w->elf, (struct elf_out_sym){
		.name = f->name,
		.value = f->section_off,
		.size = f->n_insns * sizeof(struct insn),
		.type = STT_FUNC,
		.bind = f->is_weak ? STB_WEAK : is_extern_linkage ? STB_GLOBAL : STB_LOCAL,
		.visibility = is_extern_linkage && !f->is_global ? STV_HIDDEN : STV_DEFAULT,
		.shndx = func_section(w, f),
	});
}

/* Variables of a data section: each has its symbol. */
static void add_var_syms(struct writer *w, u32 datasec, u32 number)
{
	const struct obj *o = w->o;
	const struct btf_type *t = btf_type(o->btf, datasec);

	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_secinfo *vs = &btf_secinfos(t)[i];
		const struct btf_type *var = btf_type(o->btf, vs->type);
		bool is_map = false;
		u32 sym;

		if (btf_kind(var) != BTF_VAR || btf_var_linkage(var) == BTF_EXTERN)
			continue;
		sym = elf_add_sym(&w->elf, (struct elf_out_sym){
			.name = btf_str(o->btf, var->name_off),
			.value = vs->offset,
			.size = vs->size,
			.type = STT_OBJECT,
			.bind = btf_var_linkage(var) == BTF_STATIC ? STB_LOCAL : STB_GLOBAL,
			.shndx = number,
		});
		for (u32 m = 0; m < o->n_maps && !is_map; m++)
			if (o->maps[m].btf_var_id == vs->type ||
			    (o->maps[m].kind == OBJ_MAP_PLAIN && !o->maps[m].btf_var_id &&
			     o->maps[m].section_off == vs->offset &&
			     map_section(w, &o->maps[m]) == number)) {
				w->map_syms[m] = sym;
				is_map = true;
			}
	}
}

/* The file's section for a DATASEC. */
static u32 datasec_section(struct writer *w, u32 id)
{
	for (u32 i = 0; i < w->o->n_maps; i++)
		if (w->o->maps[i].btf_var_id == id)
			return map_section(w, &w->o->maps[i]);
	return number_of(w, btf_name(w->o->btf, id));
}

static void add_syms(struct writer *w)
{
	const struct obj *o = w->o;

	for (u32 i = 0; i < o->n_funcs; i++)
		add_func_sym(w, i);
	for (u32 i = 0; i < o->n_maps; i++)
		w->map_syms[i] = NONE;
	for (u32 id = 1; o->btf && id < btf_n_types(o->btf); id++)
		if (btf_kind(btf_type(o->btf, id)) == BTF_DATASEC && datasec_section(w, id))
			add_var_syms(w, id, datasec_section(w, id));
	/* Legacy maps have no BTF. */
	for (u32 i = 0; i < o->n_maps; i++)
		if (o->maps[i].kind == OBJ_MAP_PLAIN && w->map_syms[i] == NONE)
			w->map_syms[i] = elf_add_sym(&w->elf, (struct elf_out_sym){
				.name = o->maps[i].name,
				.value = o->maps[i].section_off,
				.size = map_bytes(o, &o->maps[i]),
				.type = STT_OBJECT,
				.bind = STB_GLOBAL,
				.shndx = map_section(w, &o->maps[i]),
			});
	for (u32 i = 0; i < o->n_externs; i++)
		w->extern_syms[i] = elf_add_sym(&w->elf, (struct elf_out_sym){
			.name = o->externs[i].name,
			.type = STT_NOTYPE,
			.bind = o->externs[i].is_weak ? STB_WEAK : STB_GLOBAL,
			.shndx = SHN_UNDEF,
		});
}

/* A symbol of that value: the section's for 0, else an object there, else a new local one. */
static u32 sym_at(struct writer *w, u32 number, u64 value)
{
	if (!value)
		return elf_section_sym(&w->elf, number);
	for (u32 i = 0; i < w->elf.syms.n; i++)
		if (w->elf.syms.p[i].shndx == number && w->elf.syms.p[i].value == value &&
		    w->elf.syms.p[i].type == STT_OBJECT)
			return i;
	return elf_add_sym(&w->elf, (struct elf_out_sym){ .name = "", .value = value,
							  .type = STT_OBJECT, .bind = STB_LOCAL,
							  .shndx = number });
}

/* ---- relocations ---- */

/* The insns say part of the way; where they can't, they are changed to say none of it. */
static u32 func_target(struct writer *w, const struct obj_func *f, const struct obj_reloc *r,
		       struct insn *insn)
{
	const struct obj_func *to = &w->o->funcs[r->index];
	s64 said = r->kind == RELOC_CALL ? ((s64)insn->imm + 1) * (s64)sizeof(*insn) : insn->imm;
	s64 here = (s64)(f->section_off + (r->pc + 1ul) * sizeof(*insn));

	/* In one section no relocation is needed. */
	if (r->kind == RELOC_CALL && func_section(w, to) == func_section(w, f) &&
	    here + (s64)insn->imm * (s64)sizeof(*insn) == (s64)to->section_off)
		return NONE;
	if (said && said == (s64)to->section_off)
		return elf_section_sym(&w->elf, func_section(w, to));
	if (said)
		insn->imm = r->kind == RELOC_CALL ? -1 : 0;
	return w->func_syms[r->index];
}

static u32 target_of(struct writer *w, const struct obj_func *f, const struct obj_reloc *r,
		     struct insn *insn)
{
	switch (r->kind) {
	case RELOC_MAP:
		return w->map_syms[r->index];
	case RELOC_MAP_VALUE:
		return sym_at(w, map_section(w, &w->o->maps[r->index]),
			      (u64)(r->addend - insn->imm));
	case RELOC_ARENA:
		return sym_at(w, number_of(w, ".addr_space.1"), (u64)(r->addend - insn->imm));
	case RELOC_CALL:
	case RELOC_FUNC:
		return func_target(w, f, r, insn);
	case RELOC_EXTERN:
	case RELOC_EXTERN_CALL:
		return w->extern_syms[r->index];
	}
	return NONE;
}

static void swap_insns(struct insn *insns, u32 n)
{
	for (u32 i = 0; i < n; i++)
		insns[i] = (struct insn){
			.code = insns[i].code, .dst = insns[i].src, .src = insns[i].dst,
			.off = (s16)bswap_16((u16)insns[i].off),
			.imm = (s32)bswap_32((u32)insns[i].imm),
		};
}

static void write_func(struct writer *w, const struct obj_func *f, bool alias)
{
	u32 number = func_section(w, f);
	u8 *data = elf_section_data(&w->elf, number);
	struct insn *insns = data ? (struct insn *)(data + f->section_off) : NULL;

	if (!insns || alias)
		return;
	memcpy(insns, f->insns, f->n_insns * sizeof(*insns));
	for (u32 i = 0; i < f->n_relocs; i++) {
		const struct obj_reloc *r = &f->relocs[i];
		u32 sym = target_of(w, f, r, &insns[r->pc]);

		if (sym != NONE)
			elf_add_reloc(&w->elf, number,
				      f->section_off + r->pc * sizeof(struct insn), sym,
				      insn_is_call(&insns[r->pc]) ? R_BPF_64_32 : R_BPF_64_64);
	}
	if (w->swap)
		swap_insns(insns, f->n_insns);
}

enum { R_ABS64 = 2, R_NODYLD32 = 4 };

static void write_inits(struct writer *w, const struct obj_map *m)
{
	const struct btf *btf = w->o->btf;
	u64 base = m->section_off;

	if (m->n_inits && m->kind == OBJ_MAP_PLAIN) {
		const struct btf_type *t = btf_resolve(btf, btf_type(btf, m->btf_var_id)->type);

		base += btf_member_bit_off(t, btf_vlen(t) - 1) / 8;
	}
	for (u32 i = 0; i < m->n_inits; i++) {
		const struct obj_map_init *init = &m->inits[i];

		elf_add_reloc(&w->elf, map_section(w, m),
			      base + (m->kind == OBJ_MAP_PLAIN ? 8ul * init->slot : init->slot),
			      init->is_func ? w->func_syms[init->index] : w->map_syms[init->index],
			      R_ABS64);
	}
}

/* Attributes that are plain integers hold their value. */
static void write_stored(struct writer *w, const struct obj_map *m, u8 *data)
{
	const struct {
		const char *name;
		u32 value;
	} attrs[] = { { "type", m->type }, { "key_size", m->key_size },
		      { "value_size", m->value_size }, { "max_entries", m->max_entries },
		      { "map_flags", m->flags }, { "numa_node", m->numa_node },
		      { "pinning", m->pinning }, { "map_extra", (u32)m->extra } };
	const struct btf *btf = w->o->btf;

	for (u32 i = 0; i < ARRAY_SIZE(attrs); i++) {
		u32 v = word(w, attrs[i].value);
		struct btf_field field;

		if (btf_find_field(btf, btf_type(btf, m->btf_var_id)->type, attrs[i].name, &field) &&
		    btf_kind(btf_resolve(btf, field.type)) == BTF_INT &&
		    btf_resolve(btf, field.type)->size == 4)
			memcpy(data + field.bit_off / 8, &v, 4);
	}
}

static void write_map(struct writer *w, const struct obj_map *m)
{
	u8 *data = elf_section_data(&w->elf, map_section(w, m));
	/* Legacy: struct bpf_map_def. */
	u32 def[] = { word(w, m->type), word(w, m->key_size), word(w, m->value_size),
		      word(w, m->max_entries), word(w, m->flags) };

	if (!data || m->kind != OBJ_MAP_PLAIN)
		return;
	if (m->btf_var_id)
		write_stored(w, m, data + m->section_off);
	else
		memcpy(data + m->section_off, def, sizeof(def));
}

/* ---- .BTF and .BTF.ext ---- */

/* Offsets of variables are relative to their sections' symbols: so it is known which is meant where
 * two have one name. */
static void relocate_btf(struct writer *w, u32 number)
{
	u32 size;
	const u8 *raw = btf_raw(w->btf, &size);

	for (u32 id = 1; id < btf_n_types(w->btf); id++) {
		const struct btf_type *t = btf_type(w->btf, id);
		u32 section = btf_kind(t) == BTF_DATASEC ? datasec_section(w, id) : 0;

		for (u32 i = 0; section && i < btf_vlen(t); i++)
			elf_add_reloc(&w->elf, number,
				      (const u8 *)&btf_secinfos(t)[i].offset - raw,
				      elf_section_sym(&w->elf, section), R_NODYLD32);
	}
}

typedef VEC(u32) words;

static void add_words(struct writer *w, words *out, const u32 *v, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (!vec_push(out, word(w, v[i])))
			w->elf.failed = true;
}

enum ext_table { EXT_FUNCS, EXT_LINES, EXT_CORES, EXT_TABLES };

static u32 func_records(const struct obj_func *f, enum ext_table table)
{
	return table == EXT_FUNCS ? f->btf_func_id > 0
	     : table == EXT_LINES ? f->n_lines
				  : f->n_cores;
}

static void add_records(struct writer *w, words *out, const struct obj_func *f,
			enum ext_table table)
{
	if (table == EXT_FUNCS && f->btf_func_id)
		add_words(w, out, (u32[]){ f->section_off, f->btf_func_id }, 2);
	for (u32 i = 0; table == EXT_LINES && i < f->n_lines; i++) {
		const struct obj_line *l = &f->lines[i];

		add_words(w, out, (u32[]){ f->section_off + l->pc * sizeof(struct insn), l->file_off,
					   l->text_off, l->line << 10 | l->col }, 4);
	}
	for (u32 i = 0; table == EXT_CORES && i < f->n_cores; i++) {
		const struct obj_core_reloc *c = &f->cores[i];

		add_words(w, out, (u32[]){ f->section_off + c->pc * sizeof(struct insn), c->type_id,
					   btf_add_str(&w->strings, c->spec), c->kind }, 4);
	}
}

/* An alias shares its records with the function before it, but for its FUNC. */
static bool is_alias(const struct obj_func *f, const struct obj *o)
{
	return f > o->funcs && f[-1].section_index == f->section_index &&
	       f[-1].section_off == f->section_off;
}

static void add_table(struct writer *w, words *out, enum ext_table table)
{
	const struct obj *o = w->o;
	bool begun = false;

	for (u32 i = 0; i < o->n_funcs;) {
		u32 index = o->funcs[i].section_index, first = i, n = 0;

		for (; i < o->n_funcs && o->funcs[i].section_index == index; i++)
			if (table == EXT_FUNCS || !is_alias(&o->funcs[i], o))
				n += func_records(&o->funcs[i], table);
		if (!n)
			continue;
		if (!begun)
			add_words(w, out, (u32[]){ table == EXT_FUNCS ? 8 : 16 }, 1);
		begun = true;
		add_words(w, out, (u32[]){ btf_add_str(&w->strings, o->funcs[first].section), n }, 2);
		for (u32 f = first; f < i; f++)
			if (table == EXT_FUNCS || !is_alias(&o->funcs[f], o))
				add_records(w, out, &o->funcs[f], table);
	}
}

static int write_types(struct writer *w)
{
	words out = {0};
	u32 ends[EXT_TABLES], header[8] = {0}, number, size;
	u8 *raw;
	int err;

	if (!w->o->btf)
		return 0;
	btf_builder_copy(&w->strings, w->o->btf);
	for (u32 t = 0; t < EXT_TABLES; t++) {
		add_table(w, &out, t);
		ends[t] = out.n * 4;
	}
	err = btf_build(&w->strings, w->dg, (struct place){ .file = w->o->path, .sect = ".BTF" },
			&w->btf);
	if (err) {
		vec_free(&out);
		return err;
	}
	btf_raw(w->btf, &size);
	raw = btf_raw_copy(w->btf, w->swap);
	if (raw) {
		number = elf_add_section(&w->elf, ".BTF", SHT_PROGBITS, 0, 4, raw, size);
		relocate_btf(w, number);
	} else {
		w->elf.failed = true;
	}
	free(raw);
	/* magic 0xeb9f, version 1, no flags */
	header[0] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0x0001eb9f : 0xeb9f0100;
	if (w->swap)
		header[0] = (header[0] & 0xff) << 8 | (header[0] >> 8 & 0xff) |
			    (header[0] & 0xffff0000);
	header[1] = word(w, sizeof(header));
	for (u32 t = 0; t < EXT_TABLES; t++) {
		u32 begin = t ? ends[t - 1] : 0;

		header[2 + 2 * t] = word(w, begin);
		header[3 + 2 * t] = word(w, ends[t] - begin);
	}
	number = elf_add_section(&w->elf, ".BTF.ext", SHT_PROGBITS, 0, 4, NULL,
				 sizeof(header) + out.n * 4ul);
	if (elf_section_data(&w->elf, number)) {
		memcpy(elf_section_data(&w->elf, number), header, sizeof(header));
		if (out.n)
			memcpy(elf_section_data(&w->elf, number) + sizeof(header), out.p,
			       out.n * 4ul);
	}
	vec_free(&out);
	return 0;
}

/* Functions and maps by name, since the file's order is another one; then the script. */
static int write_script(struct writer *w)
{
	const struct obj *o = w->o;
	struct str out = {0};
	void *data;
	size_t size;
	int err;

	if (!o->script)
		return 0;
	err = script_write(o->script, w->dg, &data, &size);
	if (err)
		return err;
	str_addf(&out, "%u %u\n", o->n_funcs, o->n_maps);
	for (u32 i = 0; i < o->n_funcs; i++)
		str_addf(&out, "%s\n", o->funcs[i].name);
	for (u32 i = 0; i < o->n_maps; i++)
		str_addf(&out, "%s\n", o->maps[i].name);
	str_addn(&out, data, size);
	elf_add_section(&w->elf, ".osmia", SHT_PROGBITS, 0, 1, str_text(&out), out.len);
	w->elf.failed |= out.failed;
	str_free(&out);
	free(data);
	return 0;
}

int obj_write(const struct obj *o, struct diag *dg, void **data, size_t *size)
{
	struct writer w = {
		.o = o, .dg = dg,
		.elf = { .machine = EM_BPF, .big_endian = o->big_endian },
		.swap = o->big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__),
		.func_syms = calloc(o->n_funcs + 1, sizeof(u32)),
		.map_syms = calloc(o->n_maps + 1, sizeof(u32)),
		.extern_syms = calloc(o->n_externs + 1, sizeof(u32)),
	};
	int err = w.func_syms && w.map_syms && w.extern_syms && want_sections(&w) ? 0
										  : no_memory(&w);

	if (!err) {
		add_sections(&w);
		add_syms(&w);
		for (u32 i = 0; i < o->n_funcs && !w.elf.failed; i++)
			write_func(&w, &o->funcs[i], is_alias(&o->funcs[i], o));
		for (u32 i = 0; i < o->n_maps && !w.elf.failed; i++) {
			write_map(&w, &o->maps[i]);
			write_inits(&w, &o->maps[i]);
		}
		err = write_types(&w);
	}
	if (!err)
		err = write_script(&w);
	if (!err) {
		err = elf_build(&w.elf, data, size);
		if (err)
			diag_error(dg, (struct place){ .file = o->path }, err,
				   "can't write the object: %s", strerror(-err));
	}
	elf_builder_free(&w.elf);
	btf_builder_free(&w.strings);
	btf_free(w.btf);
	vec_free(&w.sections);
	free(w.func_syms);
	free(w.map_syms);
	free(w.extern_syms);
	return err;
}

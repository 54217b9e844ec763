/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/dump.c - an object as text: sections, maps, types, programs. */
#include "obj/dump.h"
#include "abi/helper.h"
#include "abi/uapi.h"
#include "btf/btf.h"
#include "btf/core.h"
#include "btf/print.h"
#include "elf/file.h"
#include "isa/disasm.h"
#include "obj/obj.h"
#include <errno.h>
#include <string.h>

/* ---- sections ---- */

static void add_flags(struct str *out, u64 flags)
{
	static const struct {
		u32 flag;
		char letter;
	} letters[] = { { SHF_WRITE, 'W' }, { SHF_ALLOC, 'A' }, { SHF_EXECINSTR, 'X' },
			{ SHF_MERGE, 'M' }, { SHF_STRINGS, 'S' }, { SHF_INFO_LINK, 'I' } };

	for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
		if (flags & letters[i].flag)
			str_addc(out, letters[i].letter);
}

static const char *section_type(u32 type)
{
	switch (type) {
	case SHT_PROGBITS:
		return "progbits";
	case SHT_SYMTAB:
		return "symtab";
	case SHT_STRTAB:
		return "strtab";
	case SHT_RELA:
		return "rela";
	case SHT_NOBITS:
		return "nobits";
	case SHT_REL:
		return "rel";
	case SHT_NOTE:
		return "note";
	}
	return "other";
}

static void dump_sections(const struct elf_file *elf, struct str *out)
{
	str_add(out, "sections:\n");
	for (u32 i = 1; i < elf->n_sections; i++) {
		const struct elf_section *s = &elf->sections[i];
		size_t line = out->len;

		str_addf(out, "%5u  %s", i, *s->name ? s->name : "(no name)");
		str_pad(out, line, 40);
		str_addf(out, " %-9s", section_type(s->type));
		str_addf(out, " %8lu bytes  ", s->size);
		add_flags(out, s->flags);
		str_addc(out, '\n');
	}
	str_addc(out, '\n');
}

/* ---- maps and externs ---- */

static void dump_map(const struct obj *o, const struct obj_map *m, struct str *out)
{
	const char *type = map_type_text(m->type);

	str_addf(out, "map %s: ", m->name);
	if (type)
		str_add(out, type);
	else
		str_addf(out, "type %u", m->type);
	str_addf(out, ", key %u bytes, value %u bytes, max_entries %u", m->key_size, m->value_size,
		 m->max_entries);
	if (m->flags)
		str_addf(out, ", flags 0x%x", m->flags);
	if (m->numa_node)
		str_addf(out, ", numa_node %u", m->numa_node);
	if (m->extra)
		str_addf(out, ", map_extra %lu", m->extra);
	if (m->pinning)
		str_add(out, ", pinned by name");
	if (!m->autocreate)
		str_add(out, ", made on request only");
	if (strcmp(m->name, m->real_name) != 0)
		str_addf(out, ", in the kernel %s", m->real_name);
	str_addc(out, '\n');
	if (m->kind == OBJ_MAP_PLAIN && m->btf_key_id) {
		str_add(out, "\tkey    ");
		btf_print_decl(o->btf, m->btf_key_id, "", out);
		str_addc(out, '\n');
	}
	if (m->kind == OBJ_MAP_PLAIN && m->btf_value_id) {
		str_add(out, "\tvalue  ");
		btf_print_decl(o->btf, m->btf_value_id, "", out);
		str_addc(out, '\n');
	}
	for (u32 i = 0; i < m->n_inits; i++)
		str_addf(out, m->kind == OBJ_MAP_STRUCT_OPS ? "\tat byte %u: %s\n" : "\t[%u]: %s\n",
			 m->inits[i].slot,
			 m->inits[i].is_func ? o->funcs[m->inits[i].index].name
					     : o->maps[m->inits[i].index].name);
}

static void dump_vars(const struct obj *o, const struct obj_map *m, struct str *out)
{
	const struct btf_type *sec = o->btf ? btf_type(o->btf, m->btf_var_id) : NULL;

	if (!sec || btf_kind(sec) != BTF_DATASEC)
		return;
	for (u32 i = 0; i < btf_vlen(sec); i++) {
		const struct btf_secinfo *vs = &btf_secinfos(sec)[i];
		const struct btf_type *var = btf_type(o->btf, vs->type);

		str_addf(out, "\t%6u  ", vs->offset);
		btf_print_decl(o->btf, var->type, btf_str(o->btf, var->name_off), out);
		str_add(out, ";\n");
	}
}

static void dump_extern(const struct obj *o, const struct obj_extern *e, struct str *out)
{
	static const char *const kinds[] = {
		[EXTERN_KCONFIG] = "kernel configuration",
		[EXTERN_KSYM] = "kernel symbol",
		[EXTERN_OTHER] = "of another object",
	};

	str_addf(out, "extern %s%s: ", e->is_weak ? "weak " : "", kinds[e->kind]);
	if (e->type_id)
		btf_print_decl(o->btf, e->type_id, e->name, out);
	else
		str_add(out, e->name);
	str_addc(out, '\n');
}

static void dump_maps(const struct obj *o, struct str *out)
{
	for (u32 i = 0; i < o->n_maps; i++) {
		dump_map(o, &o->maps[i], out);
		if (o->maps[i].inner) {
			str_add(out, "  inner ");
			dump_map(o, o->maps[i].inner, out);
		}
		dump_vars(o, &o->maps[i], out);
	}
	for (u32 i = 0; i < o->n_externs; i++)
		dump_extern(o, &o->externs[i], out);
	if (o->n_maps + o->n_externs)
		str_addc(out, '\n');
}

/* ---- programs ---- */

struct listing {
	const struct obj *o;
	const struct obj_func *f;
	u32 reloc, core, line;  /* next of each */
};

static const char *helper_name(void *arg, u32 id)
{
	const struct helper_proto *p = helper_proto(id);

	(void)arg;
	return p ? p->name : NULL;
}

static void add_target(const struct obj *o, const struct obj_reloc *r, struct str *out)
{
	switch (r->kind) {
	case RELOC_MAP:
		str_addf(out, "map[%s]", o->maps[r->index].name);
		break;
	case RELOC_MAP_VALUE:
		str_addf(out, "map[%s]+%ld", o->maps[r->index].name, r->addend);
		break;
	case RELOC_ARENA:
		str_addf(out, "arena[%s]+%ld", o->maps[r->index].name, r->addend);
		break;
	case RELOC_CALL:
		str_add(out, o->funcs[r->index].name);
		break;
	case RELOC_FUNC:
		str_addf(out, "func[%s]", o->funcs[r->index].name);
		break;
	case RELOC_EXTERN:
	case RELOC_EXTERN_CALL:
		str_add(out, o->externs[r->index].name);
		break;
	}
}

static void add_lines(struct listing *l, u32 pc, struct str *out)
{
	for (; l->line < l->f->n_lines && l->f->lines[l->line].pc <= pc; l->line++) {
		const struct obj_line *line = &l->f->lines[l->line];
		const char *text = btf_str(l->o->btf, line->text_off);
		const char *file = btf_str(l->o->btf, line->file_off);
		const char *slash = strrchr(file, '/');

		if (l->line && line->line == line[-1].line && line->file_off == line[-1].file_off)
			continue;
		while (*text == ' ' || *text == '\t')
			text++;
		str_addf(out, "; %s:%u: %s\n", slash ? slash + 1 : file, line->line, text);
	}
}

static u32 add_insn(struct listing *l, u32 pc, const struct disasm_names *names, struct str *out)
{
	const struct obj_func *f = l->f;
	const struct insn *i = &f->insns[pc];
	const struct obj_reloc *r = NULL;
	u32 n = 1;

	while (l->reloc < f->n_relocs && f->relocs[l->reloc].pc < pc)
		l->reloc++;
	if (l->reloc < f->n_relocs && f->relocs[l->reloc].pc == pc)
		r = &f->relocs[l->reloc];
	str_addf(out, "%6u: ", pc);
	if (r && insn_is_call(i)) {
		str_add(out, "call ");
		add_target(l->o, r, out);
	} else if (r && insn_is_wide(i)) {
		str_addf(out, "r%u = ", i->dst);
		add_target(l->o, r, out);
		str_add(out, " ll");
		n = 2;
	} else {
		n = disasm_insn(out, i, f->n_insns - pc, DISASM_KERNEL, names);
	}
	while (l->core < f->n_cores && f->cores[l->core].pc < pc)
		l->core++;
	for (u32 c = l->core; c < f->n_cores && f->cores[c].pc == pc; c++) {
		str_add(out, "  ; CO-RE ");
		core_describe(l->o->btf, f->cores[c].type_id, f->cores[c].spec, f->cores[c].kind, out);
	}
	str_addc(out, '\n');
	return n;
}

static void dump_func(const struct obj *o, const struct obj_func *f, struct str *out)
{
	static const struct disasm_names names = { .helper = helper_name };
	struct listing l = { .o = o, .f = f };

	str_addf(out, "%s %s: section %s, %u insns%s%s%s\n", f->is_prog ? "program" : "function",
		 f->name, f->section, f->n_insns, f->is_global ? ", global" : ", static",
		 f->is_weak ? ", weak" : "", f->autoload ? "" : ", loaded on request only");
	if (f->btf_func_id) {
		const struct btf_type *t = btf_type(o->btf, f->btf_func_id);

		str_add(out, "; ");
		btf_print_decl(o->btf, t->type, f->name, out);
		str_addc(out, '\n');
	}
	for (u32 pc = 0; pc < f->n_insns;) {
		add_lines(&l, pc, out);
		pc += add_insn(&l, pc, &names, out);
	}
	str_addc(out, '\n');
}

/* ---- files ---- */

static int dump_btf(const struct btf *btf, u32 parts, struct str *out)
{
	for (u32 id = 1; parts & DUMP_BTF_RAW && id < btf_n_types(btf); id++)
		btf_print_raw(btf, id, out);
	return parts & DUMP_BTF_C ? btf_print_c(btf, out) : 0;
}

static int dump_raw(const void *data, size_t size, const char *path, u32 parts, struct diag *dg,
		    struct place at, struct str *out)
{
	struct btf *btf;
	int err = btf_parse(data, size, NULL, 0, dg, at, &btf);

	if (err)
		return err;
	err = dump_btf(btf, parts, out);
	btf_free(btf);
	return err ? diag_error(dg, (struct place){ .file = path }, err, "its types: %s",
				strerror(-err)) : 0;
}

static int dump_object(const void *data, size_t size, const char *path, u32 parts, struct diag *dg,
		       struct str *out)
{
	struct obj *o;
	int err = obj_open(data, size, path, dg, &o);

	if (err)
		return err;
	if (parts & DUMP_MAPS)
		dump_maps(o, out);
	if (o->btf)
		err = dump_btf(o->btf, parts, out);
	for (u32 i = 0; i < o->n_funcs && parts & DUMP_PROGS; i++)
		dump_func(o, &o->funcs[i], out);
	obj_free(o);
	return err ? diag_error(dg, (struct place){ .file = path }, err, "its types: %s",
				strerror(-err)) : 0;
}

int obj_dump(const void *data, size_t size, const char *path, u32 parts, struct diag *dg,
	     struct str *out)
{
	const struct elf_section *s;
	struct elf_file elf;
	int err;

	if (size < SELFMAG || (memcmp(data, ELFMAG, SELFMAG) != 0 &&
			       memcmp(data, "\x9f\xeb", 2) != 0 && memcmp(data, "\xeb\x9f", 2) != 0))
		return diag_error(dg, (struct place){ .file = path }, -EINVAL,
				  "neither an ELF file nor BTF");
	if (memcmp(data, ELFMAG, SELFMAG) != 0)
		return dump_raw(data, size, path, parts, dg,
				(struct place){ .file = path, .sect = "BTF" }, out);
	err = elf_open(data, size, path, dg, &elf);
	if (err)
		return err;
	if (parts & DUMP_SECTIONS)
		dump_sections(&elf, out);
	s = elf_find(&elf, ".BTF");
	if (elf.machine == EM_BPF || elf.machine == EM_NONE)
		err = dump_object(data, size, path, parts, dg, out);
	else if (s && s->data)
		err = dump_raw(s->data, s->size, path, parts, dg, elf_place(&elf, s, 0), out);
	else if (!(parts & DUMP_SECTIONS))
		err = diag_error(dg, (struct place){ .file = path }, -ENOENT,
				 "neither a BPF object nor a file with BTF");
	elf_close(&elf);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/types.c - an object's BTF, completed from its symbols.
 *
 * Compilers leave sizes of data sections and offsets of global variables to the loader, and hold all
 * sections of one name in one DATASEC.  Here each DATASEC gets its size, each variable its place,
 * and each section after the first of its name a DATASEC of its own.
 */
#include "obj/reader.h"
#include "btf/build.h"
#include <errno.h>
#include <string.h>

struct fixer {
	struct reader *r;
	const struct btf *btf;        /* as in the file */
	struct btf_builder edit;
	const struct elf_section *sec, *rel; /* .BTF, .rel.BTF or NULL */
	const u8 *base;               /* first byte of the types in raw */
	u32 *rel_at;                  /* owned; per word of .BTF: relocation number + 1 */
	u32 n_words;
	u32 id;                       /* DATASEC at work */
};

/* A variable of a DATASEC and the section it really lies in. */
struct var_place {
	struct btf_secinfo info;
	u32 shndx;
};

static int fail(const struct fixer *f, const char *what, const char *name)
{
	return diag_error(f->r->dg, elf_place(&f->r->elf, f->sec, 0), -EINVAL,
			  "data section '%s' of the BTF: %s%s", btf_name(f->btf, f->id), what, name);
}

/* Where each relocation of .BTF applies. */
static int index_relocs(struct fixer *f)
{
	const struct elf_file *elf = &f->r->elf;
	u32 index = elf_section_index(elf, f->sec);
	struct elf_reloc rel;

	for (u32 i = 1; i < elf->n_sections && !f->rel; i++)
		if (elf->sections[i].type == SHT_REL && elf->sections[i].info == index)
			f->rel = &elf->sections[i];
	if (!f->rel)
		return 0;
	f->n_words = f->sec->size / 4;
	f->rel_at = calloc(f->n_words + 1, sizeof(u32));
	if (!f->rel_at)
		return no_memory(f->r);
	for (u32 i = 0; elf_reloc(elf, f->rel, i, &rel); i++)
		if (rel.off % 4 == 0 && rel.off / 4 < f->n_words)
			f->rel_at[rel.off / 4] = i + 1;
	return 0;
}

/* The symbol that the offset of a variable is relocated against. */
static bool reloc_sym(const struct fixer *f, const struct btf_secinfo *vs, struct elf_sym *sym)
{
	u32 raw_size, word = ((const u8 *)&vs->offset - (const u8 *)btf_raw(f->btf, &raw_size)) / 4;
	struct elf_reloc rel;

	return f->rel_at && word < f->n_words && f->rel_at[word] &&
	       elf_reloc(&f->r->elf, f->rel, f->rel_at[word] - 1, &rel) &&
	       elf_sym(&f->r->elf, f->r->symtab, rel.sym, sym) && sym_is_defined(f->r, sym);
}

/* Finds a variable's section and offset: by its relocation, else a global one by its symbol, else
 * it stays where the compiler put it in the first section of that name. */
static int place_var(struct fixer *f, const struct btf_secinfo *vs, u32 named, bool linked,
		     struct var_place *out)
{
	const struct btf_type *var = btf_type(f->btf, vs->type);
	const char *name = btf_str(f->btf, var->name_off);
	struct elf_sym sym;
	bool found;

	*out = (struct var_place){ *vs, named };
	if (btf_kind(var) != BTF_VAR)
		return fail(f, "what is no variable: ", name);
	if (btf_var_linkage(var) == BTF_EXTERN)
		return 0;
	found = reloc_sym(f, vs, &sym);
	if (btf_var_linkage(var) == BTF_STATIC || (found && sym.type == STT_SECTION)) {
		if (found)
			out->shndx = sym.shndx;
		if (found && !linked)
			out->info.offset = sym.value + vs->offset;
		return 0;
	}
	if (!found && !sym_find_global(f->r, name, &sym))
		return fail(f, "no symbol for the variable ", name);
	if (!linked)
		out->info.offset = sym.value;
	out->shndx = sym.shndx;
	/* A hidden variable is nobody else's: skeletons and mmap pass it over. */
	if (sym.visibility == STV_HIDDEN || sym.visibility == STV_INTERNAL)
		((u32 *)(btf_edit(&f->edit, vs->type) + 1))[0] = BTF_STATIC;
	return 0;
}

static int by_section(const void *a, const void *b)
{
	const struct var_place *x = a, *y = b;

	if (x->shndx != y->shndx)
		return x->shndx < y->shndx ? -1 : 1;
	if (x->info.offset != y->info.offset)
		return x->info.offset < y->info.offset ? -1 : 1;
	return x->info.type < y->info.type ? -1 : x->info.type > y->info.type;
}

/* Writes vars n of one section into a DATASEC: the first section keeps the id that the compiler
 * gave, the others get new ones. */
static int put_section(struct fixer *f, const struct var_place *vars, u32 n, bool first, u32 size)
{
	u32 shndx = vars[0].shndx, id = f->id;

	if (first) {
		if (btf_vlen(btf_edit(&f->edit, id)) != n && !btf_edit_vlen(&f->edit, id, n))
			return no_memory(f->r);
		for (u32 i = 0; i < n; i++)
			((struct btf_secinfo *)(btf_edit(&f->edit, id) + 1))[i] = vars[i].info;
	} else {
		id = btf_add_datasec(&f->edit, btf_name(f->btf, f->id), 0);
		for (u32 i = 0; i < n; i++)
			btf_add_secinfo(&f->edit, vars[i].info.type, vars[i].info.offset,
					vars[i].info.size);
		if (f->edit.failed)
			return no_memory(f->r);
	}
	if (!size && (!shndx || sec_of(f->r, shndx)->size > UINT32_MAX))
		return fail(f, "its section is missing or too large", "");
	if (!size)
		size = sec_of(f->r, shndx)->size;
	btf_edit(&f->edit, id)->size = size;
	if (!f->r->secs[shndx].datasec)
		f->r->secs[shndx].datasec = id;
	return 0;
}

static int fix_datasec(struct fixer *f)
{
	const struct btf_type *t = btf_type(f->btf, f->id);
	const char *name = btf_str(f->btf, t->name_off);
	u32 n = btf_vlen(t), named, begin = 0, linked_size = t->size;
	struct var_place *vars;
	int err = 0;

	/* Nothing lies in these: externs.c gives their variables a place. */
	if (strcmp(name, ".kconfig") == 0 || strcmp(name, ".ksyms") == 0)
		return 0;
	named = section_by_name(f->r, name);
	if (!named)
		return fail(f, "no such section in the file", "");
	if (linked_size > sec_of(f->r, named)->size)
		return fail(f, "it is larger than its section", "");
	if (!n) {
		btf_edit(&f->edit, f->id)->size = sec_of(f->r, named)->size;
		return 0;
	}
	vars = calloc(n, sizeof(*vars));
	if (!vars)
		return no_memory(f->r);
	for (u32 i = 0; i < n && !err; i++)
		err = place_var(f, &btf_secinfos(t)[i], named, linked_size, &vars[i]);
	if (!err)
		qsort(vars, n, sizeof(*vars), by_section);
	for (u32 i = 1; i <= n && !err; i++)
		if (i == n || vars[i].shndx != vars[begin].shndx) {
			err = put_section(f, vars + begin, i - begin, !begin, linked_size);
			begin = i;
		}
	free(vars);
	return err;
}

static int fix_all(struct fixer *f)
{
	int err = index_relocs(f);

	for (f->id = 1; f->id < btf_n_types(f->btf) && !err; f->id++)
		if (btf_kind(btf_type(f->btf, f->id)) == BTF_DATASEC)
			err = fix_datasec(f);
	return err;
}

int read_types(struct reader *r)
{
	struct fixer f = { .r = r, .sec = elf_find(&r->elf, ".BTF") };
	struct btf *raw;
	int err;

	if (!f.sec || !f.sec->data)
		return 0;
	err = btf_parse(f.sec->data, f.sec->size, NULL, 0, r->dg, elf_place(&r->elf, f.sec, 0), &raw);
	if (err)
		return err;
	f.btf = raw;
	btf_builder_copy(&f.edit, raw);
	err = f.edit.failed ? no_memory(r) : fix_all(&f);
	if (!err)
		err = btf_build(&f.edit, r->dg, elf_place(&r->elf, f.sec, 0), &r->o->btf);
	btf_builder_free(&f.edit);
	btf_free(raw);
	free(f.rel_at);
	return err;
}

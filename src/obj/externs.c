/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/externs.c - what an object wants from the kernel: configuration values and symbols.
 *
 * The order is libbpf's: configuration values by falling alignment, growing size and name, which
 * decides their places in the .kconfig map; then kernel symbols by name.
 */
#include "obj/reader.h"
#include "btf/core.h"
#include <errno.h>
#include <string.h>

struct finder {
	struct reader *r;
	struct strmap ids;   /* name of a VAR or FUNC -> the first such id */
	u32 *datasec_of;     /* owned; per type id */
};

struct found {
	struct obj_extern ext;
	u32 sym;
};

static int fail(const struct finder *f, const char *name, const char *what)
{
	return diag_error(f->r->dg, elf_place(&f->r->elf, f->r->symtab, 0), -EINVAL,
			  "extern '%s': %s", name, what);
}

static int index_types(struct finder *f)
{
	const struct btf *btf = f->r->o->btf;
	u32 seen;

	f->datasec_of = calloc(btf_n_types(btf), sizeof(u32));
	if (!f->datasec_of)
		return no_memory(f->r);
	for (u32 id = 1; id < btf_n_types(btf); id++) {
		const struct btf_type *t = btf_type(btf, id);
		u32 kind = btf_kind(t);

		if ((kind == BTF_VAR || kind == BTF_FUNC) &&
		    !strmap_get(&f->ids, btf_str(btf, t->name_off), &seen) &&
		    strmap_set(&f->ids, btf_str(btf, t->name_off), id))
			return no_memory(f->r);
		for (u32 i = 0; kind == BTF_DATASEC && i < btf_vlen(t); i++)
			if (!f->datasec_of[btf_secinfos(t)[i].type])
				f->datasec_of[btf_secinfos(t)[i].type] = id;
	}
	return 0;
}

/* A bool, char, integer, enum libbpf_tristate, or array of chars: what a configuration holds. */
static bool kconfig_type_ok(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_resolve(btf, id);

	switch (btf_kind(t)) {
	case BTF_INT:
		if (btf_int_encoding(t) & BTF_INT_BOOL)
			return t->size == 1;
		return t->size <= 8 && (t->size & (t->size - 1)) == 0;
	case BTF_ENUM:
	case BTF_ENUM64:
		return (t->size == 4 || btf_kind(t) == BTF_ENUM64) &&
		       strcmp(btf_str(btf, t->name_off), "libbpf_tristate") == 0;
	case BTF_ARRAY:
		if (!btf_array(t)->n)
			return false;
		t = btf_resolve(btf, btf_array(t)->type);
		return btf_kind(t) == BTF_INT && t->size == 1 &&
		       !(btf_int_encoding(t) & BTF_INT_BOOL);
	}
	return false;
}

static int fill_kconfig(const struct finder *f, struct obj_extern *e, const struct btf_type *var)
{
	const struct btf *btf = f->r->o->btf;
	s64 size = btf_size(btf, var->type);

	if (e->is_func)
		return fail(f, e->name, "a function can't be a configuration value");
	if (size <= 0 || !kconfig_type_ok(btf, var->type))
		return fail(f, e->name, "its type is none that a configuration value can have");
	e->kind = EXTERN_KCONFIG;
	e->size = size;
	e->align = btf_align(btf, var->type);
	if (!e->align)
		return fail(f, e->name, "its type has no alignment");
	return 0;
}

static int fill(const struct finder *f, const struct elf_sym *sym, struct obj_extern *e)
{
	const struct btf *btf = f->r->o->btf;
	const struct btf_type *t;
	const char *section;

	e->name = strdup(sym->name);
	if (!e->name)
		return no_memory(f->r);
	e->essential_len = core_essential_len(e->name);
	e->is_weak = sym->bind == STB_WEAK;
	e->kind = EXTERN_OTHER;
	if (!btf || !strmap_get(&f->ids, sym->name, &e->btf_id))
		return 0;
	t = btf_type(btf, e->btf_id);
	e->is_func = btf_kind(t) == BTF_FUNC;
	if ((e->is_func ? btf_func_linkage(t) : btf_var_linkage(t)) != BTF_EXTERN)
		return fail(f, sym->name, "the BTF does not declare it as extern");
	e->type_id = btf_skip(btf, t->type);
	section = btf_name(btf, f->datasec_of[e->btf_id]);
	if (strcmp(section, ".kconfig") == 0)
		return fill_kconfig(f, e, t);
	if (strcmp(section, ".ksyms") == 0)
		e->kind = EXTERN_KSYM;
	return 0;
}

static int by_order(const void *a, const void *b)
{
	const struct obj_extern *x = &((const struct found *)a)->ext;
	const struct obj_extern *y = &((const struct found *)b)->ext;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->align != y->align)
		return x->align > y->align ? -1 : 1;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return strcmp(x->name, y->name);
}

typedef VEC(struct found) found_vec;

static int collect(struct finder *f, found_vec *all)
{
	const struct reader *r = f->r;
	struct elf_sym sym;

	for (u32 i = 0; elf_sym(&r->elf, r->symtab, i, &sym); i++) {
		struct found *x;
		int err;

		if (!sym_is_extern(&sym) || !*sym.name)
			continue;
		if (!all->n && r->o->btf && (err = index_types(f)))
			return err;
		x = vec_add(all);
		if (!x)
			return no_memory(r);
		x->sym = i;
		err = fill(f, &sym, &x->ext);
		if (err)
			return err;
	}
	return 0;
}

int read_externs(struct reader *r)
{
	struct finder f = { .r = r };
	found_vec all = {0};
	u64 off = 0;
	int err = collect(&f, &all);

	if (!err && all.n)
		qsort(all.p, all.n, sizeof(*all.p), by_order);
	for (u32 i = 0; i < all.n; i++) {
		struct obj_extern *e = &all.p[i].ext;

		if (!err && e->kind == EXTERN_KCONFIG) {
			off = ALIGN_UP(off, (u64)e->align);
			e->kconfig_off = off;
			off += e->size;
			if (off > INT32_MAX)
				err = fail(&f, e->name, "configuration values past 2 GiB");
		}
		if (!vec_push(&r->externs, *e)) {
			free(e->name);
			err = err ? err : no_memory(r);
		} else if (!vec_push(&r->extern_syms, all.p[i].sym)) {
			err = err ? err : no_memory(r);
		}
	}
	vec_free(&all);
	strmap_free(&f.ids);
	free(f.datasec_of);
	return err;
}

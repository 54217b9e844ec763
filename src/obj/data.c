/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/data.c - maps that are not in .maps: data sections, .kconfig, struct_ops, legacy maps. */
#include "obj/reader.h"
#include "abi/uapi.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The kernel's name of a data section's map: as much of the object's name as leaves room for the
 * section's, which counts at least 7: "execsnoo.rodata", "execsnoo.bss".  A section with a second
 * dot keeps its own name only.  libbpf, internal_map_name(). */
static void kernel_name(const char *object, const char *section, char out[BPF_OBJ_NAME_LEN])
{
	int suffix = MIN(MAX(strlen(section), (size_t)7), (size_t)BPF_OBJ_NAME_LEN - 1);
	int prefix = strchr(section + 1, '.') ? 0 : BPF_OBJ_NAME_LEN - 1 - suffix;

	snprintf(out, BPF_OBJ_NAME_LEN, "%.*s%.*s", prefix, object, suffix, section);
	for (char *p = out; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '_' && *p != '.')
			*p = '_';
}

/* User space may map it when it has a variable that others may see. */
static bool has_public_var(const struct btf *btf, u32 datasec)
{
	const struct btf_type *t = btf_type(btf, datasec);

	for (u32 i = 0; datasec && i < btf_vlen(t); i++) {
		const struct btf_type *var = btf_type(btf, btf_secinfos(t)[i].type);

		if (btf_kind(var) == BTF_VAR && btf_var_linkage(var) != BTF_STATIC)
			return true;
	}
	return false;
}

static int add_data_map(struct reader *r, const char *name, u32 section, u32 datasec,
			enum obj_map_section kind, const void *data, u64 size)
{
	char real[BPF_OBJ_NAME_LEN];
	struct obj_map *m;

	kernel_name(r->o->name, name, real);
	m = map_new(r, name, real, section, 0);
	if (!m)
		return no_memory(r);
	m->kind = kind;
	m->type = BPF_MAP_TYPE_ARRAY;
	m->key_size = 4;
	m->value_size = size;
	m->max_entries = 1;
	if (kind == OBJ_MAP_RODATA || kind == OBJ_MAP_KCONFIG)
		m->flags |= BPF_F_RDONLY_PROG;
	if (has_public_var(r->o->btf, datasec))
		m->flags |= BPF_F_MMAPABLE;
	m->btf_var_id = m->btf_value_id = datasec;
	return map_set_data(r, m, data, size);
}

int read_data_maps(struct reader *r)
{
	static const u8 kinds[] = {
		[USE_DATA] = OBJ_MAP_DATA, [USE_RODATA] = OBJ_MAP_RODATA, [USE_BSS] = OBJ_MAP_BSS,
	};

	for (u32 i = 1; i < r->elf.n_sections; i++) {
		const struct elf_section *s = sec_of(r, i);
		enum sec_use use = r->secs[i].use;
		int err;

		if (use != USE_DATA && use != USE_RODATA && use != USE_BSS)
			continue;
		err = add_data_map(r, s->name, i, r->secs[i].datasec, kinds[use], s->data, s->size);
		if (err)
			return err;
		r->secs[i].map = r->maps.n;
	}
	return 0;
}

int read_kconfig_map(struct reader *r)
{
	u64 size = 0;

	for (u32 i = 0; i < r->externs.n; i++)
		if (r->externs.p[i].kind == EXTERN_KCONFIG)
			size = r->externs.p[i].kconfig_off + r->externs.p[i].size;
	if (!size)
		return 0;
	return add_data_map(r, ".kconfig", 0, btf_find(r->o->btf, ".kconfig", BTF_DATASEC),
			    OBJ_MAP_KCONFIG, NULL, size);
}

static int add_struct_ops(struct reader *r, u32 section, const struct btf_secinfo *vs)
{
	const struct elf_section *s = sec_of(r, section);
	const struct btf *btf = r->o->btf;
	const char *name = btf_name(btf, vs->type);
	u32 type = btf_skip(btf, btf_type(btf, vs->type)->type);
	const struct btf_type *t = btf_type(btf, type);
	struct place at = place_in(r, section, vs->offset);
	struct obj_map *m;

	if (btf_kind(t) != BTF_STRUCT || !*btf_str(btf, t->name_off))
		return diag_error(r->dg, at, -EINVAL, "'%s' is of no named struct type", name);
	if ((u64)vs->offset + t->size > s->size)
		return diag_error(r->dg, at, -EINVAL, "'%s' reaches past its section", name);
	m = map_new(r, name, name, section, vs->offset);
	if (!m)
		return no_memory(r);
	m->kind = OBJ_MAP_STRUCT_OPS;
	m->type = BPF_MAP_TYPE_STRUCT_OPS;
	m->key_size = 4;
	m->value_size = t->size;
	m->max_entries = 1;
	m->btf_var_id = vs->type;
	m->btf_value_id = type;
	m->autocreate = *s->name != '?';
	m->is_link = strcmp(s->name + (*s->name == '?'), ".struct_ops.link") == 0;
	if (m->is_link)
		m->flags = BPF_F_LINK;
	return map_set_data(r, m, s->data + vs->offset, t->size);
}

int read_struct_ops(struct reader *r)
{
	for (u32 i = 1; i < r->elf.n_sections; i++) {
		const struct btf_type *t;

		if (r->secs[i].use != USE_STRUCT_OPS)
			continue;
		if (!r->secs[i].datasec)
			return diag_error(r->dg, place_in(r, i, 0), -EINVAL,
					  "the object has no BTF for its struct_ops");
		t = btf_type(r->o->btf, r->secs[i].datasec);
		for (u32 v = 0; v < btf_vlen(t); v++) {
			int err = add_struct_ops(r, i, &btf_secinfos(t)[v]);

			if (err)
				return err;
		}
	}
	return 0;
}

/* ---- legacy maps: struct bpf_map_def and longer ones, one after the other in section maps ---- */

enum { LEGACY_WORDS = 5 }; /* type, key_size, value_size, max_entries, map_flags */

static int by_place(const void *a, const void *b)
{
	const struct elf_sym *x = a, *y = b;

	if (x->shndx != y->shndx)
		return x->shndx < y->shndx ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

/* Types of key and value, where the program told them with BPF_ANNOTATE_KV_PAIR(). */
static void legacy_types(struct reader *r, struct obj_map *m)
{
	const struct btf *btf = r->o->btf;
	struct btf_field key, value;
	char name[256];
	u32 id;

	if (!btf || snprintf(name, sizeof(name), "____btf_map_%s", m->name) >= (int)sizeof(name))
		return;
	id = btf_find(btf, name, BTF_STRUCT);
	if (!id || !btf_find_field(btf, id, "key", &key) ||
	    !btf_find_field(btf, id, "value", &value) || btf_size(btf, key.type) != m->key_size ||
	    btf_size(btf, value.type) != m->value_size)
		return;
	m->btf_key_id = key.type;
	m->btf_value_id = value.type;
}

static int add_legacy(struct reader *r, u32 section, const struct elf_sym *sym, u64 end)
{
	const u8 *p;
	struct place at = place_in(r, section, sym->value);
	struct obj_map *m;
	u32 w[LEGACY_WORDS] = {0};

	/* The first definitions had no flags. */
	if (sym->value > end || end - sym->value < 4 * (LEGACY_WORDS - 1))
		return diag_error(r->dg, at, -EINVAL, "map '%s': its definition is cut off", sym->name);
	p = sec_of(r, section)->data + sym->value;
	for (u32 i = 0; i < LEGACY_WORDS && i * 4 + 4 <= end - sym->value; i++)
		w[i] = elf_get32(&r->elf, p + i * 4);
	for (u64 i = 4 * LEGACY_WORDS; i < end - sym->value; i++)
		if (p[i]) {
			diag_warn(r->dg, at, "map '%s': its definition has more fields than "
				  "bpf_map_def, which are passed over", sym->name);
			break;
		}
	m = map_new(r, sym->name, sym->name, section, sym->value);
	if (!m)
		return no_memory(r);
	m->type = w[0];
	m->key_size = w[1];
	m->value_size = w[2];
	m->max_entries = w[3];
	m->flags = w[4];
	legacy_types(r, m);
	return 0;
}

int read_legacy_maps(struct reader *r)
{
	VEC(struct elf_sym) syms = {0};
	struct elf_sym sym;
	int err = 0;

	for (u32 i = 1; elf_sym(&r->elf, r->symtab, i, &sym) && !err; i++)
		if (sym_is_defined(r, &sym) && r->secs[sym.shndx].use == USE_LEGACY_MAPS &&
		    *sym.name && (sym.type == STT_OBJECT || sym.type == STT_NOTYPE) &&
		    !vec_push(&syms, sym))
			err = no_memory(r);
	if (syms.n)
		qsort(syms.p, syms.n, sizeof(*syms.p), by_place);
	for (u32 i = 0; i < syms.n && !err; i++) {
		u64 end = sec_of(r, syms.p[i].shndx)->size;

		if (i + 1 < syms.n && syms.p[i + 1].shndx == syms.p[i].shndx)
			end = MIN(end, syms.p[i + 1].value);
		if (syms.p[i].size)
			end = MIN(end, syms.p[i].value + syms.p[i].size);
		err = add_legacy(r, syms.p[i].shndx, &syms.p[i], end);
	}
	vec_free(&syms);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* gen/object.c - a module's functions and maps as a struct obj, with BTF of both. */
#include "abi/uapi.h"
#include "gen/mach.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- BTF of functions ---- */

struct fn_types {
	u32 word, ptr;
};

/* Every function has a FUNC, since the kernel wants func_info of those that are called: programs take a
 * context, others words and pointers. */
static void types_add(struct mod *m)
{
	struct fn_types t = {0};

	for (u32 i = 0; i < m->fns.n; i++) {
		struct fn *f = m->fns.p[i];
		u32 proto;

		if (f->btf_id)
			continue;
		if (!t.word) {
			t.word = btf_add_int(&m->btf, "long long unsigned int", 8, 0);
			t.ptr = btf_add(&m->btf, "", BTF_PTR, false, 0, 0);
		}
		proto = btf_add_proto(&m->btf, f->ret == IR_VOID ? 0 : t.word);
		for (u32 j = 0; j < f->params.n; j++)
			btf_add_param(&m->btf, f->params.p[j]->name ? f->params.p[j]->name : "arg",
				      f->params.p[j]->type == IR_PTR ? t.ptr : t.word);
		f->btf_id = btf_add(&m->btf, f->name, BTF_FUNC, false,
				    f->is_global || f->kind == FN_PROG ? BTF_GLOBAL : BTF_STATIC, proto);
	}
}

/* ---- functions ---- */

static int gen_fn(struct fn *f, const struct gen_opts *opts, struct obj_func *out, struct diag *dg)
{
	struct arena a = {0};
	struct mach_fn g = { .fn = f, .a = &a, .opts = opts };
	int err = select_fn(&g, dg);

	if (!err)
		err = regs_fn(&g, dg);
	if (!err)
		err = emit_fn(&g, out, dg);
	vec_free(&g.insns);
	vec_free(&g.blks);
	vec_free(&g.no_spill);
	arena_free(&a);
	return err;
}

static int func_fill(struct fn *f, const struct gen_opts *opts, struct obj_func *out, struct diag *dg)
{
	int err;

	out->name = strdup(f->name);
	out->section = strdup(f->kind == FN_PROG && f->section ? f->section : ".text");
	if (!out->name || !out->section)
		return -ENOMEM;
	out->is_prog = f->kind == FN_PROG;
	out->is_global = f->is_global || f->kind == FN_PROG;
	out->autoload = f->kind == FN_PROG;
	out->btf_func_id = f->btf_id;
	err = gen_fn(f, opts, out, dg);
	return err;
}

/* Functions of one section follow each other in it. */
static void sections_number(struct obj *o)
{
	u32 n = 0;

	for (u32 i = 0; i < o->n_funcs; i++) {
		struct obj_func *f = &o->funcs[i];

		for (u32 j = 0; j < i && !f->section_index; j++)
			if (!strcmp(o->funcs[j].section, f->section)) {
				f->section_index = o->funcs[j].section_index;
				f->section_off = o->funcs[j].section_off +
						 o->funcs[j].n_insns * sizeof(struct insn);
			}
		if (!f->section_index)
			f->section_index = ++n;
		for (u32 j = 0; j < i; j++)
			if (o->funcs[j].section_index == f->section_index)
				f->section_off = MAX(f->section_off,
						     o->funcs[j].section_off +
							     o->funcs[j].n_insns * sizeof(struct insn));
	}
}

/* ---- maps ---- */

/* A number as the definition of a map has it: a pointer to an array of so many. */
static u32 number_type(struct btf_builder *b, u32 int_id, u32 n)
{
	return btf_add(b, "", BTF_PTR, false, 0, btf_add_array(b, int_id, int_id, n));
}

/* Definitions of maps as libbpf reads them: a variable in .maps of a struct whose members' types are the
 * attributes. */
static void maps_define(struct mod *m, struct obj *o)
{
	struct btf_builder *b = &m->btf;
	u32 int_id = 0, bytes = 0, first = 0;

	for (u32 i = 0; i < m->maps.n; i++) {
		const struct ir_map *from = &m->maps.p[i];
		const struct {
			const char *name;
			u32 value;
		} attrs[] = { { "type", from->type }, { "max_entries", from->max_entries },
			      { "key_size", from->key_size }, { "value_size", from->value_size },
			      { "map_flags", from->flags } };
		u32 types[ARRAY_SIZE(attrs)], n = 0, type;

		if (from->data)
			continue;
		if (!int_id)
			int_id = btf_add_int(b, "int", 4, BTF_INT_SIGNED);
		for (u32 j = 0; j < ARRAY_SIZE(attrs); j++) {
			types[j] = attrs[j].value ? number_type(b, int_id, attrs[j].value) : 0;
			n += types[j] != 0;
		}
		type = btf_add_struct(b, BTF_STRUCT, "", 8 * n);
		n = 0;
		for (u32 j = 0; j < ARRAY_SIZE(attrs); j++)
			if (types[j])
				btf_add_member(b, attrs[j].name, types[j], 64 * n++, 0);
		o->maps[i].btf_var_id = btf_add_var(b, from->name, type, BTF_GLOBAL);
		o->maps[i].section_off = bytes;
		bytes += 8 * n;
		first = first ? first : i + 1;
	}
	if (!first)
		return;
	btf_add_datasec(b, ".maps", bytes);
	for (u32 i = 0; i < m->maps.n; i++) {
		u64 end = bytes;

		if (m->maps.p[i].data)
			continue;
		for (u32 j = i + 1; j < m->maps.n && end == bytes; j++)
			if (!m->maps.p[j].data)
				end = o->maps[j].section_off;
		btf_add_secinfo(b, o->maps[i].btf_var_id, (u32)o->maps[i].section_off,
				(u32)(end - o->maps[i].section_off));
	}
}

static int map_fill(const struct ir_map *from, struct obj_map *to)
{
	to->name = strdup(from->name);
	to->real_name = strndup(from->name, BPF_OBJ_NAME_LEN - 1);
	to->section = strdup(from->data ? from->name : ".maps");
	if (!to->name || !to->real_name || !to->section)
		return -ENOMEM;
	to->kind = !from->data ? OBJ_MAP_PLAIN : from->rdonly ? OBJ_MAP_RODATA : OBJ_MAP_DATA;
	to->type = from->type;
	to->key_size = from->key_size;
	to->value_size = from->value_size;
	to->max_entries = from->max_entries;
	to->flags = from->flags;
	to->btf_key_id = from->btf_key_id;
	to->btf_value_id = from->btf_value_id;
	to->autocreate = true;
	if (!from->data)
		return 0;
	to->data = malloc(MAX(from->value_size, 1u));
	if (!to->data)
		return -ENOMEM;
	memcpy(to->data, from->data, from->value_size);
	to->data_size = from->value_size;
	return 0;
}

static int externs_fill(const struct mod *m, struct obj *o)
{
	for (u32 i = 0; i < m->externs.n; i++) {
		struct obj_extern *e = &o->externs[o->n_externs++];

		e->name = strdup(m->externs.p[i].name);
		if (!e->name)
			return -ENOMEM;
		e->essential_len = (u32)strlen(e->name);
		e->kind = EXTERN_KSYM;
		e->is_func = m->externs.p[i].is_func;
		e->is_weak = m->externs.p[i].is_weak;
		e->btf_id = m->externs.p[i].btf_id;
	}
	return 0;
}

/* What the loader looks up stands in .ksyms, where it makes definitions of it for the kernel. */
static void ksyms_add(struct mod *m)
{
	bool any = false;

	for (u32 i = 0; i < m->externs.n; i++) {
		if (!m->externs.p[i].btf_id)
			continue;
		if (!any)
			btf_add_datasec(&m->btf, ".ksyms", 0);
		any = true;
		btf_add_secinfo(&m->btf, m->externs.p[i].btf_id, 0, 0);
	}
}

static void externs_type(struct obj *o)
{
	for (u32 i = 0; i < o->n_externs; i++)
		if (o->externs[i].btf_id)
			o->externs[i].type_id = btf_skip(o->btf, btf_type(o->btf, o->externs[i].btf_id)->type);
}

static int obj_fill(struct mod *m, const struct gen_opts *opts, struct diag *dg, struct obj *o)
{
	int err = 0;

	o->name = strdup("osmia");
	o->path = strdup("osmia");
	o->license = strdup(m->license);
	o->funcs = calloc(m->fns.n + 1, sizeof(*o->funcs));
	o->maps = calloc(m->maps.n + 1, sizeof(*o->maps));
	o->externs = calloc(m->externs.n + 1, sizeof(*o->externs));
	if (!o->name || !o->path || !o->license || !o->funcs || !o->maps || !o->externs)
		return -ENOMEM;
	for (u32 i = 0; i < m->maps.n && !err; i++)
		err = map_fill(&m->maps.p[i], &o->maps[o->n_maps++]);
	if (!err)
		err = externs_fill(m, o);
	if (!err) {
		types_add(m);
		maps_define(m, o);
	}
	ksyms_add(m);
	for (u32 i = 0; i < m->fns.n && !err; i++)
		err = func_fill(m->fns.p[i], opts, &o->funcs[o->n_funcs++], dg);
	sections_number(o);
	if (!err)
		err = btf_build(&m->btf, dg, (struct place){0}, &o->btf);
	if (!err)
		externs_type(o);
	for (u32 i = 0; i < o->n_funcs && !err; i++)
		for (u32 j = 0; j < o->funcs[i].n_cores; j++) {
			struct obj_core_reloc *r = &o->funcs[i].cores[j];

			r->spec = btf_str(o->btf, btf_add_str(&m->btf, r->spec));
		}
	return err;
}

int gen_obj(struct mod *m, const struct gen_opts *opts, struct diag *dg, struct obj **out)
{
	static const struct gen_opts none;
	struct obj *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return -ENOMEM;
	err = obj_fill(m, opts ? opts : &none, dg, o);
	if (err) {
		obj_free(o);
		return err;
	}
	*out = o;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/obj/equal.h - do two objects say the same?  Tells the first difference. */
#pragma once
#include "base/str.h"
#include "btf/btf.h"
#include "obj/obj.h"
#include <string.h>

#define DIFFERS(what, name)                                        \
	do {                                                       \
		str_addf(why, "%s of %s", what, name);             \
		return false;                                      \
	} while (0)
#define SAME(field, name)                          \
	do {                                       \
		if (a->field != b->field)          \
			DIFFERS(#field, name);     \
	} while (0)
#define SAME_TEXT(field, name)                             \
	do {                                               \
		if (strcmp(a->field, b->field) != 0)       \
			DIFFERS(#field, name);             \
	} while (0)

static inline bool funcs_equal(const struct obj *x, const struct obj_func *a, const struct obj *y,
			       const struct obj_func *b, struct str *why)
{
	SAME_TEXT(name, a->name);
	SAME_TEXT(section, a->name);
	SAME(section_off, a->name);
	SAME(is_prog, a->name);
	SAME(is_global, a->name);
	SAME(is_weak, a->name);
	SAME(autoload, a->name);
	SAME(btf_func_id, a->name);
	SAME(exception_cb, a->name);
	SAME(n_insns, a->name);
	SAME(n_relocs, a->name);
	SAME(n_cores, a->name);
	SAME(n_lines, a->name);
	if (memcmp(a->insns, b->insns, a->n_insns * sizeof(*a->insns)) != 0)
		DIFFERS("insns", a->name);
	for (u32 i = 0; i < a->n_relocs; i++)
		if (a->relocs[i].pc != b->relocs[i].pc || a->relocs[i].kind != b->relocs[i].kind ||
		    a->relocs[i].index != b->relocs[i].index ||
		    a->relocs[i].addend != b->relocs[i].addend)
			DIFFERS("relocations", a->name);
	for (u32 i = 0; i < a->n_cores; i++)
		if (a->cores[i].pc != b->cores[i].pc || a->cores[i].kind != b->cores[i].kind ||
		    a->cores[i].type_id != b->cores[i].type_id ||
		    strcmp(a->cores[i].spec, b->cores[i].spec) != 0)
			DIFFERS("CO-RE relocations", a->name);
	for (u32 i = 0; i < a->n_lines; i++)
		if (a->lines[i].pc != b->lines[i].pc || a->lines[i].line != b->lines[i].line ||
		    a->lines[i].col != b->lines[i].col ||
		    strcmp(btf_str(x->btf, a->lines[i].text_off),
			   btf_str(y->btf, b->lines[i].text_off)) != 0)
			DIFFERS("lines", a->name);
	return true;
}

static inline bool maps_equal(const struct obj_map *a, const struct obj_map *b, struct str *why)
{
	SAME_TEXT(name, a->name);
	SAME_TEXT(real_name, a->name);
	SAME_TEXT(section, a->name);
	SAME(section_off, a->name);
	SAME(kind, a->name);
	SAME(type, a->name);
	SAME(key_size, a->name);
	SAME(value_size, a->name);
	SAME(max_entries, a->name);
	SAME(flags, a->name);
	SAME(numa_node, a->name);
	SAME(extra, a->name);
	SAME(btf_key_id, a->name);
	SAME(btf_value_id, a->name);
	SAME(btf_var_id, a->name);
	SAME(pinning, a->name);
	SAME(data_size, a->name);
	SAME(is_link, a->name);
	SAME(autocreate, a->name);
	SAME(n_inits, a->name);
	if (a->data_size && memcmp(a->data, b->data, a->data_size) != 0)
		DIFFERS("data", a->name);
	for (u32 i = 0; i < a->n_inits; i++)
		if (a->inits[i].slot != b->inits[i].slot || a->inits[i].index != b->inits[i].index ||
		    a->inits[i].is_func != b->inits[i].is_func)
			DIFFERS("initial values", a->name);
	if (!a->inner != !b->inner)
		DIFFERS("inner map", a->name);
	return !a->inner || maps_equal(a->inner, b->inner, why);
}

static inline bool externs_equal(const struct obj_extern *a, const struct obj_extern *b,
				 struct str *why)
{
	SAME_TEXT(name, a->name);
	SAME(essential_len, a->name);
	SAME(kind, a->name);
	SAME(is_weak, a->name);
	SAME(is_func, a->name);
	SAME(btf_id, a->name);
	SAME(type_id, a->name);
	SAME(kconfig_off, a->name);
	SAME(size, a->name);
	SAME(align, a->name);
	return true;
}

static inline bool objs_equal(const struct obj *a, const struct obj *b, struct str *why)
{
	SAME_TEXT(name, "the object");
	SAME_TEXT(license, "the object");
	SAME(kern_version, "the object");
	SAME(big_endian, "the object");
	SAME(n_funcs, "the object");
	SAME(n_maps, "the object");
	SAME(n_externs, "the object");
	for (u32 i = 0; i < a->n_funcs; i++)
		if (!funcs_equal(a, &a->funcs[i], b, &b->funcs[i], why))
			return false;
	for (u32 i = 0; i < a->n_maps; i++)
		if (!maps_equal(&a->maps[i], &b->maps[i], why))
			return false;
	for (u32 i = 0; i < a->n_externs; i++)
		if (!externs_equal(&a->externs[i], &b->externs[i], why))
			return false;
	if (!a->btf != !b->btf)
		DIFFERS("BTF", "the object");
	if (!a->btf)
		return true;
	if (btf_n_types(a->btf) != btf_n_types(b->btf))
		DIFFERS("number of types", "the BTF");
	return true;
}

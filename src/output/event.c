/* SPDX-License-Identifier: BSD-2-Clause */
/* output/event.c - finds a record's struct by name, by map, by size. */
#include "output/event.h"
#include "base/str.h"
#include "btf/btf.h"
#include "obj/obj.h"
#include "output/dwarf.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int event_types_choose(struct event_types *et, const char *text, struct diag *dg)
{
	const char *eq = strchr(text, '='), *type = eq ? eq + 1 : text;
	struct event_choice *c;

	if (str_starts(type, "struct "))
		type += strlen("struct ");
	if (!*type || (eq && eq == text))
		return diag_error(dg, (struct place){0}, -EINVAL,
				  "event '%s': should be MAP=struct NAME", text);
	c = vec_add(&et->choices);
	if (!c)
		return -ENOMEM;
	c->map = eq ? strndup(text, (size_t)(eq - text)) : strdup("");
	c->type = strdup(type);
	return c->map && c->type ? 0 : -ENOMEM;
}

void event_types_free(struct event_types *et)
{
	for (u32 i = 0; i < et->choices.n; i++) {
		free(et->choices.p[i].map);
		free(et->choices.p[i].type);
	}
	vec_free(&et->choices);
	btf_free(et->dwarf);
	*et = (struct event_types){0};
}

static const struct btf *dwarf_btf(struct event_types *et)
{
	if (!et->dwarf_tried && et->obj->dwarf)
		dwarf_structs(et->obj->dwarf, et->obj->dwarf_size, &et->dwarf);
	et->dwarf_tried = true;
	return et->dwarf;
}

static bool found(const struct btf *btf, u32 type, struct event_type *out)
{
	s64 size = btf_size(btf, type);

	if (size <= 0)
		return false;
	*out = (struct event_type){ .btf = btf, .type = type, .size = (u32)size };
	return true;
}

static bool find_named(struct event_types *et, const char *name, struct event_type *out)
{
	const struct btf *in[] = { et->obj->btf, dwarf_btf(et) };

	for (u32 i = 0; i < ARRAY_SIZE(in); i++) {
		u32 id = in[i] ? btf_find(in[i], name, BTF_STRUCT) : 0;

		if (!id && in[i])
			id = btf_find(in[i], name, BTF_TYPEDEF);
		if (id && found(in[i], id, out))
			return true;
	}
	return false;
}

int event_types_check(struct event_types *et, struct diag *dg)
{
	struct event_type type;

	for (u32 i = 0; i < et->choices.n; i++) {
		const struct event_choice *c = &et->choices.p[i];

		if (*c->map && !obj_find_map(et->obj, c->map))
			return diag_error(dg, (struct place){ .file = et->obj->path }, -ENOENT,
					  "event '%s=%s': the object has no such map", c->map,
					  c->type);
		if (!find_named(et, c->type, &type))
			return diag_error(dg, (struct place){ .file = et->obj->path }, -ENOENT,
					  "event 'struct %s': neither BTF nor DWARF of the object has it",
					  c->type);
	}
	return 0;
}

/* Types still to be followed. */
struct reach {
	const struct btf *btf;
	bool *seen;              /* by id */
	VEC(u32) todo;
	bool failed;
};

static void reach_add(struct reach *r, u32 id)
{
	if (!id || id >= btf_n_types(r->btf) || r->seen[id])
		return;
	r->seen[id] = true;
	if (!vec_push(&r->todo, id))
		r->failed = true;
}

/* Marks all that the types marked so far contain or point to. */
static void reach_all(struct reach *r)
{
	while (r->todo.n) {
		u32 id = r->todo.p[--r->todo.n];
		const struct btf_type *t = btf_type(r->btf, id);

		switch (btf_kind(t)) {
		case BTF_STRUCT:
		case BTF_UNION:
			for (u32 i = 0; i < btf_vlen(t); i++)
				reach_add(r, btf_members(t)[i].type);
			break;
		case BTF_ARRAY:
			reach_add(r, btf_array(t)->type);
			break;
		case BTF_PTR:
		case BTF_TYPEDEF:
		case BTF_CONST:
		case BTF_VOLATILE:
		case BTF_RESTRICT:
		case BTF_TYPE_TAG:
			reach_add(r, t->type);
			break;
		}
	}
	vec_free(&r->todo);
}

/* The structs that are no records: what CO-RE relocations and programs' contexts are about, with all
 * that they lead to (the kernel's structs), and descriptions of maps.  NULL when memory is out. */
static bool *not_records(const struct obj *o, const struct btf *btf)
{
	struct reach r = { .btf = btf, .seen = calloc(btf_n_types(btf), sizeof(bool)) };

	if (!r.seen)
		return NULL;
	for (u32 id = 1; id < btf_n_types(btf); id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (btf_kind(t) != BTF_FUNC_PROTO)
			continue;
		for (u32 i = 0; i < btf_vlen(t); i++)
			reach_add(&r, btf_params(t)[i].type);
	}
	for (u32 f = 0; f < o->n_funcs; f++)
		for (u32 i = 0; i < o->funcs[f].n_cores; i++)
			reach_add(&r, o->funcs[f].cores[i].type_id);
	reach_all(&r);
	for (u32 id = 1; id < btf_n_types(btf); id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (btf_kind(t) == BTF_DATASEC && strcmp(btf_str(btf, t->name_off), ".maps") == 0)
			for (u32 i = 0; i < btf_vlen(t); i++)
				r.seen[btf_skip(btf, btf_type(btf, btf_secinfos(t)[i].type)->type)] = true;
	}
	if (r.failed) {
		free(r.seen);
		return NULL;
	}
	return r.seen;
}

static bool size_fits(u32 have, u32 record, bool padded)
{
	return have == record || (padded && ALIGN_UP(have + 4, 8u) - 4 == record);
}

/* The only named struct of that size; skip may be NULL. */
static bool find_sized(const struct btf *btf, const bool *skip, u32 size, bool padded,
		       struct event_type *out)
{
	u32 only = 0;

	for (u32 id = btf_first_id(btf); id < btf_n_types(btf); id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (btf_kind(t) != BTF_STRUCT || !size_fits(t->size, size, padded) ||
		    (skip && skip[id]) || !*btf_str(btf, t->name_off))
			continue;
		if (only && strcmp(btf_name(btf, only), btf_name(btf, id)) != 0)
			return false;
		only = id;
	}
	return only && found(btf, only, out);
}

int event_type_find(struct event_types *et, const struct obj_map *map, u32 size, bool padded,
		    struct event_type *out)
{
	const struct btf *btf = et->obj->btf, *dwarf;
	bool ok = false;

	for (u32 i = 0; i < et->choices.n; i++) {
		const struct event_choice *c = &et->choices.p[i];

		if (!*c->map || strcmp(c->map, map->name) == 0)
			return find_named(et, c->type, out) ? 0 : -ENOENT;
	}
	if (btf && map->btf_value_id && btf_is_composite(btf_resolve(btf, map->btf_value_id)) &&
	    found(btf, map->btf_value_id, out))
		return 0;
	if (btf) {
		bool *skip = not_records(et->obj, btf);

		ok = skip && find_sized(btf, skip, size, padded, out);
		free(skip);
	}
	dwarf = ok ? NULL : dwarf_btf(et);
	return ok || (dwarf && find_sized(dwarf, NULL, size, padded, out)) ? 0 : -ENOENT;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/maps.c - maps declared in .maps: a variable whose struct type spells the attributes.
 *
 *	__uint(max_entries, 64)  is  int (*max_entries)[64]      the number is the array's length
 *	__type(key, u32)         is  u32 *key
 *	__ulong(map_extra, 1)    is  enum { u = 1 } map_extra    one enumerator
 *	__array(values, T)       is  T *values[]
 */
#include "obj/reader.h"
#include "abi/uapi.h"
#include <errno.h>
#include <string.h>

struct def {
	struct reader *r;
	struct obj_map *map;       /* being filled in */
	const struct btf_type *t;  /* its struct */
	struct place at;           /* of the variable */
	bool is_inner;
	const struct btf_type *values; /* struct of the inner map, found in "values" */
};

static int fail(const struct def *d, const char *attr, const char *what)
{
	return diag_error(d->r->dg, d->at, -EINVAL, "map '%s': %s: %s", d->map->name, attr, what);
}

/* The first objects with maps in .maps have plain integers, with the value in the section. */
static int get_stored(const struct def *d, const struct btf_member *m, u32 *out)
{
	const struct elf_section *s = sec_of(d->r, d->map->section_index);
	u64 off = d->at.off + btf_member_bit_off(d->t, m - btf_members(d->t)) / 8;

	if (d->is_inner || !s->data || s->size < 4 || off > s->size - 4)
		return fail(d, btf_str(d->r->o->btf, m->name_off), "its value is not in the section");
	*out = elf_get32(&d->r->elf, s->data + off);
	return 0;
}

static int get_uint(const struct def *d, const struct btf_member *m, u32 *out)
{
	const struct btf *btf = d->r->o->btf;
	const struct btf_type *t = btf_resolve(btf, m->type);

	if (btf_kind(t) == BTF_INT && t->size == 4)
		return get_stored(d, m, out);
	if (btf_kind(t) == BTF_PTR)
		t = btf_type(btf, t->type);
	if (btf_kind(t) != BTF_ARRAY)
		return fail(d, btf_str(btf, m->name_off), "it is not of the form that __uint() makes");
	*out = btf_array(t)->n;
	return 0;
}

static int get_ulong(const struct def *d, const struct btf_member *m, u64 *out)
{
	const struct btf *btf = d->r->o->btf;
	const struct btf_type *t = btf_resolve(btf, m->type);
	u32 value = 0;
	int err;

	if (btf_is_enum(t)) {
		if (btf_vlen(t) != 1)
			return fail(d, btf_str(btf, m->name_off),
				    "it is not of the form that __ulong() makes");
		/* libbpf takes a 32-bit enumerator as signed. */
		*out = btf_kind(t) == BTF_ENUM ? (u64)(s64)btf_enums(t)->value
					       : btf_enum_value(t, 0);
		return 0;
	}
	err = get_uint(d, m, &value);
	if (!err)
		*out = value;
	return err;
}

static int set_size(const struct def *d, const char *attr, u32 *size, s64 found)
{
	if (found < 0)
		return fail(d, attr, "the size of its type is not known");
	if (*size && *size != found)
		return diag_error(d->r->dg, d->at, -EINVAL,
				  "map '%s': %s: its size is %ld here and %u elsewhere", d->map->name,
				  attr, found, *size);
	*size = found;
	return 0;
}

static int set_size_attr(const struct def *d, const struct btf_member *m, const char *attr,
			 u32 *size)
{
	u32 found;
	int err = get_uint(d, m, &found);

	return err ? err : set_size(d, attr, size, found);
}

static int set_type_attr(const struct def *d, const struct btf_member *m, const char *attr,
			 u32 *size, u32 *type)
{
	const struct btf *btf = d->r->o->btf;
	const struct btf_type *t = btf_type(btf, m->type);
	int err;

	if (btf_kind(t) != BTF_PTR)
		return fail(d, attr, "it is not of the form that __type() makes");
	err = set_size(d, attr, size, btf_size(btf, t->type));
	if (!err)
		*type = t->type;
	return err;
}

static bool holds_maps(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* values: an array without length of pointers to an inner map's struct or to functions. */
static int set_values(struct def *d, const struct btf_member *m)
{
	const struct btf *btf = d->r->o->btf;
	const struct btf_type *t = btf_type(btf, m->type);
	u32 want = holds_maps(d->map->type) ? BTF_STRUCT : BTF_FUNC_PROTO;
	int err;

	if (d->is_inner)
		return fail(d, "values", "an inner map can't hold maps itself");
	if (!holds_maps(d->map->type) && d->map->type != BPF_MAP_TYPE_PROG_ARRAY)
		return fail(d, "values", "only maps of maps and program arrays have them");
	if (m != &btf_members(d->t)[btf_vlen(d->t) - 1])
		return fail(d, "values", "it must be the last attribute");
	err = set_size(d, "values", &d->map->value_size, 4);
	if (err)
		return err;
	if (btf_kind(t) != BTF_ARRAY || btf_array(t)->n)
		return fail(d, "values", "it must be an array without length");
	t = btf_resolve(btf, btf_array(t)->type);
	t = btf_kind(t) == BTF_PTR ? btf_resolve(btf, t->type) : t;
	if (btf_kind(t) != want)
		return fail(d, "values", want == BTF_STRUCT ? "its elements must be maps"
							    : "its elements must be functions");
	if (want == BTF_STRUCT)
		d->values = t;
	return 0;
}

static int set_pinning(const struct def *d, const struct btf_member *m)
{
	int err = get_uint(d, m, &d->map->pinning);

	if (err)
		return err;
	return d->is_inner ? fail(d, "pinning", "an inner map can't be pinned") : 0;
}

static int set_attr(struct def *d, const struct btf_member *m)
{
	const char *attr = btf_str(d->r->o->btf, m->name_off);
	struct obj_map *map = d->map;

	if (strcmp(attr, "type") == 0)
		return get_uint(d, m, &map->type);
	if (strcmp(attr, "max_entries") == 0)
		return get_uint(d, m, &map->max_entries);
	if (strcmp(attr, "map_flags") == 0)
		return get_uint(d, m, &map->flags);
	if (strcmp(attr, "numa_node") == 0)
		return get_uint(d, m, &map->numa_node);
	if (strcmp(attr, "key_size") == 0)
		return set_size_attr(d, m, attr, &map->key_size);
	if (strcmp(attr, "value_size") == 0)
		return set_size_attr(d, m, attr, &map->value_size);
	if (strcmp(attr, "key") == 0)
		return set_type_attr(d, m, attr, &map->key_size, &map->btf_key_id);
	if (strcmp(attr, "value") == 0)
		return set_type_attr(d, m, attr, &map->value_size, &map->btf_value_id);
	if (strcmp(attr, "values") == 0)
		return set_values(d, m);
	if (strcmp(attr, "pinning") == 0)
		return set_pinning(d, m);
	if (strcmp(attr, "map_extra") == 0)
		return get_ulong(d, m, &map->extra);
	return fail(d, *attr ? attr : "(anonymous)", "no such attribute");
}

static int read_def(struct def *d)
{
	int err = 0;

	for (u32 i = 0; i < btf_vlen(d->t) && !err; i++)
		err = set_attr(d, &btf_members(d->t)[i]);
	if (!err && !d->map->type)
		err = fail(d, "type", "it is missing");
	return err;
}

static int read_inner(const struct def *outer)
{
	struct obj_map *inner = calloc(1, sizeof(*inner));
	struct def d = { .r = outer->r, .map = inner, .t = outer->values, .at = outer->at,
			 .is_inner = true };
	size_t n = strlen(outer->map->name);

	outer->map->inner = inner;
	if (!inner)
		return no_memory(d.r);
	inner->name = malloc(n + sizeof(".inner"));
	inner->section = strdup(outer->map->section);
	if (!inner->name || !inner->section)
		return no_memory(d.r);
	memcpy(inner->name, outer->map->name, n);
	memcpy(inner->name + n, ".inner", sizeof(".inner"));
	inner->real_name = strndup(inner->name, BPF_OBJ_NAME_LEN - 1);
	inner->section_index = outer->map->section_index;
	inner->section_off = outer->map->section_off;
	inner->autocreate = true;
	inner->at = outer->map->at;
	return inner->real_name ? read_def(&d) : no_memory(d.r);
}

static int read_map(struct reader *r, u32 section, const struct btf_secinfo *vs)
{
	const struct btf *btf = r->o->btf;
	const struct btf_type *var = btf_type(btf, vs->type);
	const char *name = btf_str(btf, var->name_off);
	struct def d = { .r = r, .at = place_in(r, section, vs->offset) };
	int err;

	if (!*name)
		return diag_error(r->dg, d.at, -EINVAL, "a map has no name");
	if (btf_kind(var) != BTF_VAR)
		return diag_error(r->dg, d.at, -EINVAL, "'%s' is no variable", name);
	/* Another object's, see externs.c. */
	if (btf_var_linkage(var) == BTF_EXTERN)
		return 0;
	if (btf_var_linkage(var) == BTF_STATIC)
		return diag_error(r->dg, d.at, -ENOTSUP, "map '%s' is static: maps must be global",
				  name);
	d.t = btf_resolve(btf, var->type);
	if (btf_kind(d.t) != BTF_STRUCT || d.t->size > vs->size)
		return diag_error(r->dg, d.at, -EINVAL, "map '%s': its type is no struct of its size",
				  name);
	if ((u64)vs->offset + vs->size > sec_of(r, section)->size)
		return diag_error(r->dg, d.at, -EINVAL, "map '%s' reaches past its section", name);
	d.map = map_new(r, name, name, section, vs->offset);
	if (!d.map)
		return no_memory(r);
	d.map->btf_var_id = vs->type;
	err = read_def(&d);
	if (!err && d.values)
		err = read_inner(&d);
	if (!err && d.map->type == BPF_MAP_TYPE_ARENA) {
		if (r->arena)
			return fail(&d, "type", "an object can have one arena only");
		r->arena = r->maps.n;
	}
	return err;
}

/* The variables of .addr_space.1 live in the arena. */
static int read_arena_data(struct reader *r)
{
	for (u32 i = 1; i < r->elf.n_sections; i++) {
		struct obj_map *m;
		int err;

		if (r->secs[i].use != USE_ARENA)
			continue;
		if (!r->arena)
			return diag_error(r->dg, place_in(r, i, 0), -EINVAL,
					  "arena variables, but no map of type arena in .maps");
		m = &r->maps.p[r->arena - 1];
		if (m->data)
			return diag_error(r->dg, place_in(r, i, 0), -EINVAL,
					  "a second section of arena variables");
		err = map_set_data(r, m, sec_of(r, i)->data, sec_of(r, i)->size);
		if (err)
			return err;
		r->secs[i].map = r->arena;
	}
	return 0;
}

int read_btf_maps(struct reader *r)
{
	for (u32 i = 1; i < r->elf.n_sections; i++) {
		const struct btf_type *t;

		if (r->secs[i].use != USE_MAPS || !sec_of(r, i)->size)
			continue;
		if (!r->secs[i].datasec)
			return diag_error(r->dg, place_in(r, i, 0), -EINVAL,
					  "the object has no BTF for its maps: compile it with -g");
		t = btf_type(r->o->btf, r->secs[i].datasec);
		for (u32 v = 0; v < btf_vlen(t); v++) {
			int err = read_map(r, i, &btf_secinfos(t)[v]);

			if (err)
				return err;
		}
	}
	return read_arena_data(r);
}

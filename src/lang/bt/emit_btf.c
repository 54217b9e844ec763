/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/emit_btf.c - types of map keys and values in the module's BTF, for whoever looks at the
 * maps with other tools. */
#include "lang/bt/emit_unit.h"

enum { DEPTH_MAX = 8, MEMBERS_MAX = 256 };

static u32 int_id(struct emit *e, u32 size, bool is_signed)
{
	static const char *const names[2][4] = {
		{"unsigned char", "unsigned short", "unsigned int", "unsigned long long"},
		{"signed char", "short", "int", "long long"},
	};
	u32 which = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
	u32 *id = &e->scratch->btf_ints[is_signed][which];

	if (!*id)
		*id = btf_add_int(&e->m->btf, names[is_signed][which], 1u << which,
				  is_signed ? BTF_INT_SIGNED : 0);
	return *id;
}

static u32 array_id(struct emit *e, u32 elem, u32 n)
{
	return btf_add_array(&e->m->btf, elem, int_id(e, 4, false), n);
}

static u32 type_id(struct emit *e, const struct stype *t, u32 depth);

static u32 struct_id(struct emit *e, const struct stype *t, u32 depth)
{
	u32 ids[MEMBERS_MAX], id;

	if (t->n_fields > MEMBERS_MAX || t->is_union || !t->size)
		return array_id(e, int_id(e, 1, false), t->size);
	for (u32 i = 0; i < t->n_fields; i++) {
		if (t->fields[i].bits || t->fields[i].data_loc)
			return array_id(e, int_id(e, 1, false), t->size);
		ids[i] = type_id(e, t->fields[i].type, depth + 1);
		if (!ids[i])
			return 0;
	}
	id = btf_add_struct(&e->m->btf, BTF_STRUCT, "", t->size);
	for (u32 i = 0; i < t->n_fields; i++) {
		const char *name = t->fields[i].name;

		btf_add_member(&e->m->btf, name ? name : arena_printf(&e->m->arena, "_%u", i),
			       ids[i], (u32)t->fields[i].off * 8, 0);
	}
	return id;
}

static u32 type_id(struct emit *e, const struct stype *t, u32 depth)
{
	u32 id;

	if (depth > DEPTH_MAX)
		return 0;
	if (stype_is_scalar(t))
		return int_id(e, t->size, t->is_signed);
	if (stype_is_agg(t))
		return array_id(e, int_id(e, 8, t->is_signed), t->size / 8);
	switch (t->kind) {
	case ST_STR:
		return array_id(e, int_id(e, 1, true), t->size);
	case ST_ARRAY:
		id = type_id(e, t->of, depth + 1);
		return id ? array_id(e, id, t->n) : 0;
	case ST_STRUCT:
	case ST_TUPLE:
	case ST_RECORD:
		return struct_id(e, t, depth);
	default:
		return array_id(e, int_id(e, 1, false), t->size);
	}
}

u32 emit_btf(struct emit *e, const struct stype *t)
{
	return type_id(e, t, 0);
}

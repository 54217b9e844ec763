/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/btf.c - questions about types: names, sizes, members, values. */
#include "btf/image.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Steps that one question may take through nested types: far more than real types need. */
enum { STEPS_MAX = 100000 };

static const struct {
	struct btf_type t;
	u32 tail[3];
} void_type;

u32 btf_n_types(const struct btf *btf)
{
	return btf->first_id + btf->n_own;
}

u32 btf_first_id(const struct btf *btf)
{
	return btf->first_id;
}

const void *btf_raw(const struct btf *btf, u32 *size_bytes)
{
	*size_bytes = btf->raw_size;
	return btf->raw;
}

bool btf_swapped(const struct btf *btf)
{
	return btf->swapped;
}

const struct btf_type *btf_type(const struct btf *btf, u32 id)
{
	while (btf && id < btf->first_id)
		btf = btf->base;
	if (!btf || id - btf->first_id >= btf->n_own)
		return &void_type.t;
	return (const void *)(btf->types + btf->offs[id - btf->first_id]);
}

const char *btf_str(const struct btf *btf, u32 off)
{
	while (btf && off < btf->first_str)
		btf = btf->base;
	if (!btf || off - btf->first_str >= btf->strs_size)
		return "";
	return btf->strs + (off - btf->first_str);
}

const char *btf_name(const struct btf *btf, u32 id)
{
	return btf_str(btf, btf_type(btf, id)->name_off);
}

const char *btf_kind_text(u32 kind)
{
	static const char *const texts[BTF_KIND_END] = {
		[BTF_VOID] = "void",
#define KIND(name, number, fixed, per_vlen, text) [number] = text,
#include "btf/kind.def"
#undef KIND
	};

	return kind < BTF_KIND_END ? texts[kind] : "unknown";
}

bool btf_is_modifier(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_TYPEDEF:
	case BTF_VOLATILE:
	case BTF_CONST:
	case BTF_RESTRICT:
	case BTF_TYPE_TAG:
		return true;
	}
	return false;
}

u32 btf_member_bit_off(const struct btf_type *t, u32 i)
{
	u32 off = btf_members(t)[i].offset;

	return btf_kflag(t) ? off & 0xffffff : off;
}

u32 btf_member_bits(const struct btf_type *t, u32 i)
{
	return btf_kflag(t) ? btf_members(t)[i].offset >> 24 : 0;
}

u64 btf_enum_value(const struct btf_type *t, u32 i)
{
	if (btf_kind(t) == BTF_ENUM64)
		return (u64)btf_enums64(t)[i].hi << 32 | btf_enums64(t)[i].lo;
	return btf_kflag(t) ? (u64)(s64)btf_enums(t)[i].value : (u32)btf_enums(t)[i].value;
}

u32 btf_enum_name_off(const struct btf_type *t, u32 i)
{
	return btf_kind(t) == BTF_ENUM64 ? btf_enums64(t)[i].name_off : btf_enums(t)[i].name_off;
}

u32 btf_skip(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, id);

	for (u32 depth = 0; btf_is_modifier(t); depth++) {
		if (depth == BTF_DEPTH_MAX)
			return 0;
		id = t->type;
		t = btf_type(btf, id);
	}
	return id;
}

const struct btf_type *btf_resolve(const struct btf *btf, u32 id)
{
	return btf_type(btf, btf_skip(btf, id));
}

s64 btf_size(const struct btf *btf, u32 id)
{
	u64 n = 1;

	for (u32 depth = 0; depth < BTF_DEPTH_MAX; depth++) {
		const struct btf_type *t = btf_type(btf, id);
		u64 size;

		switch (btf_kind(t)) {
		case BTF_INT:
		case BTF_STRUCT:
		case BTF_UNION:
		case BTF_ENUM:
		case BTF_ENUM64:
		case BTF_FLOAT:
		case BTF_DATASEC:
			size = t->size;
			break;
		case BTF_PTR:
			size = 8;
			break;
		case BTF_ARRAY:
			if (__builtin_mul_overflow(n, (u64)btf_array(t)->n, &n) || n > UINT32_MAX)
				return -E2BIG;
			id = btf_array(t)->type;
			continue;
		case BTF_VAR:
		case BTF_DECL_TAG:
			id = t->type;
			continue;
		default:
			if (!btf_is_modifier(t))
				return -EINVAL;
			id = t->type;
			continue;
		}
		size *= n;
		return size > UINT32_MAX ? -E2BIG : (s64)size;
	}
	return -E2BIG;
}

static u32 align_of(const struct btf *btf, u32 id, u32 depth, u32 *steps)
{
	const struct btf_type *t = btf_resolve(btf, id);
	u32 align = 1;

	if (depth == BTF_DEPTH_MAX || !*steps)
		return 0;
	--*steps;
	switch (btf_kind(t)) {
	case BTF_INT:
	case BTF_ENUM:
	case BTF_ENUM64:
	case BTF_FLOAT:
		return MIN(8u, t->size);
	case BTF_PTR:
		return 8;
	case BTF_ARRAY:
		return align_of(btf, btf_array(t)->type, depth + 1, steps);
	case BTF_VAR:
		return align_of(btf, t->type, depth + 1, steps);
	case BTF_STRUCT:
	case BTF_UNION:
		for (u32 i = 0; i < btf_vlen(t); i++) {
			u32 a = align_of(btf, btf_members(t)[i].type, depth + 1, steps);

			if (!a)
				return 0;
			align = MAX(align, a);
			/* A member that is not where its type belongs: the struct is packed. */
			if (!btf_member_bits(t, i) && btf_member_bit_off(t, i) % (8 * a))
				return 1;
		}
		return t->size % align ? 1 : align;
	}
	return 0;
}

u32 btf_align(const struct btf *btf, u32 id)
{
	u32 steps = STEPS_MAX;

	return align_of(btf, id, 0, &steps);
}

static bool find_field(const struct btf *btf, u32 id, const char *name, u32 depth, u32 *steps,
		       struct btf_field *out)
{
	const struct btf_type *t = btf_resolve(btf, id);

	if (!btf_is_composite(t) || depth == BTF_DEPTH_MAX)
		return false;
	for (u32 i = 0; i < btf_vlen(t) && *steps; i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const char *member = btf_str(btf, m->name_off);

		--*steps;
		if (*member ? strcmp(member, name) == 0
			    : find_field(btf, m->type, name, depth + 1, steps, out)) {
			if (*member)
				*out = (struct btf_field){ m->type, 0, btf_member_bits(t, i) };
			out->bit_off += btf_member_bit_off(t, i);
			return true;
		}
	}
	return false;
}

bool btf_find_field(const struct btf *btf, u32 id, const char *name, struct btf_field *out)
{
	u32 steps = STEPS_MAX;

	return find_field(btf, id, name, 0, &steps, out);
}

bool btf_find_enumerator(const struct btf *btf, u32 id, const char *name, u64 *value)
{
	const struct btf_type *t = btf_resolve(btf, id);

	if (!btf_is_enum(t))
		return false;
	for (u32 i = 0; i < btf_vlen(t); i++)
		if (strcmp(btf_str(btf, btf_enum_name_off(t, i)), name) == 0) {
			*value = btf_enum_value(t, i);
			return true;
		}
	return false;
}

u32 btf_next_decl_tag(const struct btf *btf, u32 type, s32 component, u32 after)
{
	for (u32 id = after + 1; id < btf_n_types(btf); id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (btf_kind(t) == BTF_DECL_TAG && t->type == type &&
		    btf_decl_tag_index(t) == component)
			return id;
	}
	return 0;
}

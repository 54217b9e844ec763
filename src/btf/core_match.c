/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/core_match.c - when are a local and a target type the same for CO-RE?
 *
 *	fields compatible  what stands in a field may be read as the local type says
 *	types compatible   for type_exists, type_size, target_type_id: kinds only
 *	types match        for type_matches: all local members are there too, and match
 */
#include "btf/core_spec.h"
#include "btf/image.h"
#include <errno.h>
#include <string.h>

struct pair {
	const struct btf *local, *target;
	u32 steps;          /* left for one question: types can fan out without end */
};

enum { STEPS_MAX = 1 << 20 };

bool core_names_equal(const char *a, const char *b)
{
	u32 n = core_essential_len(a);

	return n == core_essential_len(b) && strncmp(a, b, n) == 0;
}

int core_fields_compatible(const struct btf *local, u32 local_id, const struct btf *target,
			   u32 target_id)
{
	for (u32 depth = 0; depth < BTF_DEPTH_MAX; depth++) {
		const struct btf_type *l = btf_resolve(local, local_id);
		const struct btf_type *t = btf_resolve(target, target_id);
		const char *l_name, *t_name;

		if (btf_is_composite(l) && btf_is_composite(t))
			return 1;
		if (!core_kinds_compatible(l, t))
			return 0;
		switch (btf_kind(l)) {
		case BTF_PTR:
		case BTF_FLOAT:
			return 1;
		case BTF_FWD:
		case BTF_ENUM:
		case BTF_ENUM64:
			l_name = btf_str(local, l->name_off);
			t_name = btf_str(target, t->name_off);
			return !*l_name || !*t_name || core_names_equal(l_name, t_name);
		case BTF_INT:
			return !btf_int_bit_off(l) && !btf_int_bit_off(t);
		case BTF_ARRAY:
			local_id = btf_array(l)->type;
			target_id = btf_array(t)->type;
			continue;
		default:
			return 0;
		}
	}
	return -EINVAL;
}

static int compatible(struct pair *p, u32 local_id, u32 target_id, int level)
{
	for (u32 depth = 0; depth < CORE_NEST_MAX; depth++) {
		const struct btf_type *l = btf_resolve(p->local, local_id);
		const struct btf_type *t = btf_resolve(p->target, target_id);

		if (!p->steps--)
			return -E2BIG;
		if (!core_kinds_compatible(l, t))
			return 0;
		switch (btf_kind(l)) {
		case BTF_VOID:
		case BTF_STRUCT:
		case BTF_UNION:
		case BTF_ENUM:
		case BTF_ENUM64:
		case BTF_FWD:
			return 1;
		case BTF_INT:
			return !btf_int_bit_off(l) && !btf_int_bit_off(t);
		case BTF_PTR:
			local_id = l->type;
			target_id = t->type;
			continue;
		case BTF_ARRAY:
			local_id = btf_array(l)->type;
			target_id = btf_array(t)->type;
			continue;
		case BTF_FUNC_PROTO:
			if (btf_vlen(l) != btf_vlen(t))
				return 0;
			for (u32 i = 0; i < btf_vlen(l); i++) {
				int found;

				if (level <= 0)
					return -EINVAL;
				found = compatible(p, btf_skip(p->local, btf_params(l)[i].type),
						   btf_skip(p->target, btf_params(t)[i].type),
						   level - 1);
				if (found <= 0)
					return found;
			}
			local_id = l->type;
			target_id = t->type;
			continue;
		default:
			return 0;
		}
	}
	return -EINVAL;
}

int core_types_compatible(const struct btf *local, u32 local_id, const struct btf *target,
			  u32 target_id)
{
	struct pair p = { local, target, STEPS_MAX };

	/* Names were compared before modifiers are skipped: so are kinds. */
	if (!core_kinds_compatible(btf_type(local, local_id), btf_type(target, target_id)))
		return 0;
	return compatible(&p, local_id, target_id, CORE_NEST_MAX);
}

static bool names_match(const struct pair *p, u32 local_off, u32 target_off)
{
	const char *l = btf_str(p->local, local_off), *t = btf_str(p->target, target_off);

	return *t ? core_names_equal(l, t) : !*l;
}

static int enums_match(struct pair *p, const struct btf_type *l, const struct btf_type *t)
{
	if (l->size != t->size || btf_vlen(l) > btf_vlen(t))
		return 0;
	for (u32 i = 0; i < btf_vlen(l); i++) {
		u32 j = 0;

		while (j < btf_vlen(t) &&
		       !names_match(p, btf_enum_name_off(l, i), btf_enum_name_off(t, j))) {
			if (!p->steps--)
				return -E2BIG;
			j++;
		}
		if (j == btf_vlen(t))
			return 0;
	}
	return 1;
}

static int match(struct pair *p, u32 local_id, u32 target_id, bool behind_ptr, int level);

static int composites_match(struct pair *p, const struct btf_type *l, const struct btf_type *t,
			    bool behind_ptr, int level)
{
	if (btf_vlen(l) > btf_vlen(t))
		return 0;
	for (u32 i = 0; i < btf_vlen(l); i++) {
		bool matched = false;

		for (u32 j = 0; j < btf_vlen(t) && !matched; j++) {
			int found;

			if (!p->steps--)
				return -E2BIG;
			if (!names_match(p, btf_members(l)[i].name_off, btf_members(t)[j].name_off))
				continue;
			found = match(p, btf_members(l)[i].type, btf_members(t)[j].type, behind_ptr,
				      level - 1);
			if (found < 0)
				return found;
			matched = found;
		}
		if (!matched)
			return 0;
	}
	return 1;
}

/* A declaration stands for a struct, or for a union when its kind flag is set. */
static bool declares(const struct btf_type *fwd, const struct btf_type *t)
{
	return btf_kind(t) == (btf_kflag(fwd) ? BTF_UNION : BTF_STRUCT);
}

static int protos_match(struct pair *p, const struct btf_type *l, const struct btf_type *t,
			bool behind_ptr, int level)
{
	if (btf_vlen(l) != btf_vlen(t))
		return 0;
	for (u32 i = 0; i < btf_vlen(l); i++) {
		int found = match(p, btf_params(l)[i].type, btf_params(t)[i].type, behind_ptr,
				  level - 1);

		if (found <= 0)
			return found;
	}
	return 1;
}

static int match(struct pair *p, u32 local_id, u32 target_id, bool behind_ptr, int level)
{
	if (level <= 0)
		return -EINVAL;
	for (u32 depth = 0; depth < CORE_NEST_MAX; depth++) {
		const struct btf_type *l = btf_resolve(p->local, local_id);
		const struct btf_type *t = btf_resolve(p->target, target_id);
		bool same = btf_kind(l) == btf_kind(t);
		int found;

		if (!p->steps--)
			return -E2BIG;
		if (!names_match(p, l->name_off, t->name_off))
			return 0;
		switch (btf_kind(l)) {
		case BTF_VOID:
			return same;
		case BTF_FWD:
			return same ? btf_kflag(l) == btf_kflag(t) : behind_ptr && declares(l, t);
		case BTF_ENUM:
		case BTF_ENUM64:
			return btf_is_enum(t) ? enums_match(p, l, t) : 0;
		case BTF_STRUCT:
		case BTF_UNION:
			if (behind_ptr)
				return same || (btf_kind(t) == BTF_FWD && declares(t, l));
			return same ? composites_match(p, l, t, behind_ptr, level) : 0;
		case BTF_INT:
			return same && l->size == t->size &&
			       (btf_int_encoding(l) & BTF_INT_SIGNED) ==
				       (btf_int_encoding(t) & BTF_INT_SIGNED);
		case BTF_PTR:
			if (!same)
				return 0;
			behind_ptr = true;
			local_id = l->type;
			target_id = t->type;
			continue;
		case BTF_ARRAY:
			if (!same || btf_array(l)->n != btf_array(t)->n)
				return 0;
			local_id = btf_array(l)->type;
			target_id = btf_array(t)->type;
			continue;
		case BTF_FUNC_PROTO:
			found = same ? protos_match(p, l, t, behind_ptr, level) : 0;
			if (found <= 0)
				return found;
			local_id = l->type;
			target_id = t->type;
			continue;
		default:
			return 0;
		}
	}
	return -EINVAL;
}

int core_types_match(const struct btf *local, u32 local_id, const struct btf *target,
		     u32 target_id)
{
	struct pair p = { local, target, STEPS_MAX };

	return match(&p, local_id, target_id, false, CORE_NEST_MAX);
}

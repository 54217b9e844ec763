/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/core_spec.c - CO-RE paths: "0:2:1" as steps, the same steps in a target's type, as text. */
#include "btf/core_spec.h"
#include <errno.h>
#include <string.h>

/* Members that one match may look at: anonymous ones can nest without end in a hostile BTF. */
enum { LOOKS_MAX = 1 << 20 };

/* Digits up to ':' or the end. */
static int next_number(const char **text, u32 *out)
{
	const char *p = *text;
	u64 v = 0;

	if (*p == ':')
		p++;
	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + (u32)(*p - '0');
		if (v > INT32_MAX)
			return -EINVAL;
	}
	if (*p && *p != ':')
		return -EINVAL;
	*text = p;
	*out = v;
	return 0;
}

/* The last member of a struct may be an array without length: any index is good. */
static bool is_flexible(const struct btf *btf, const struct core_step *member,
			const struct btf_array *a)
{
	return member->name && !a->n &&
	       member->index + 1 == btf_vlen(btf_type(btf, member->type_id));
}

/* One index of the path below type *id. */
static int parse_step(struct core_spec *s, u32 index, u32 *id)
{
	const struct btf *btf = s->btf;
	const struct btf_type *t;
	s64 size;

	*id = btf_skip(btf, *id);
	t = btf_type(btf, *id);
	if (btf_is_composite(t)) {
		const struct btf_member *m = &btf_members(t)[index];

		if (index >= btf_vlen(t))
			return -EINVAL;
		s->bit_off += btf_member_bit_off(t, index);
		if (m->name_off) {
			const char *name = btf_str(btf, m->name_off);

			if (!*name)
				return -EINVAL;
			s->steps[s->n_steps++] = (struct core_step){ *id, index, name };
		}
		*id = m->type;
		return 0;
	}
	if (btf_kind(t) != BTF_ARRAY)
		return -EINVAL;
	if (index >= btf_array(t)->n && !is_flexible(btf, &s->steps[s->n_steps - 1], btf_array(t)))
		return -EINVAL;
	*id = btf_skip(btf, btf_array(t)->type);
	s->steps[s->n_steps++] = (struct core_step){ *id, index, NULL };
	size = btf_size(btf, *id);
	if (size < 0)
		return size;
	s->bit_off += (u32)((u64)size * index * 8);
	return 0;
}

int core_spec_parse(const struct btf *btf, u32 type_id, const char *text, u32 kind,
		    struct core_spec *out)
{
	u32 id = btf_skip(btf, type_id), index;
	const struct btf_type *t = btf_type(btf, id);
	s64 size;
	int err;

	*out = (struct core_spec){ .btf = btf, .root = type_id, .kind = kind };
	if (kind >= CORE_KIND_END)
		return -EINVAL;
	if (core_is_type(kind))
		return strcmp(text, "0") == 0 ? 0 : -EINVAL;
	if (*text == ':')
		return -EINVAL;
	err = next_number(&text, &index);
	if (err)
		return err;
	out->raw_len = 1;
	out->n_steps = 1;
	out->steps[0] = (struct core_step){ id, index, NULL };
	if (core_is_enumval(kind)) {
		if (!btf_is_enum(t) || *text || index >= btf_vlen(t))
			return -EINVAL;
		out->steps[0].name = btf_str(btf, btf_enum_name_off(t, index));
		return 0;
	}
	size = btf_size(btf, id);
	if (size < 0)
		return size;
	out->bit_off = (u32)((u64)size * index * 8);
	while (*text) {
		err = next_number(&text, &index);
		if (!err && out->raw_len++ == CORE_SPEC_MAX)
			err = -E2BIG;
		if (!err)
			err = parse_step(out, index, &id);
		if (err)
			return err;
	}
	return 0;
}

/* Looks for the local step's member in a target struct and the anonymous ones in it. */
static int match_member(const struct btf *local, const struct core_step *step, u32 id,
			struct core_spec *s, u32 *next_id, u32 *looks)
{
	const struct btf_member *want = &btf_members(btf_type(local, step->type_id))[step->index];
	const struct btf_type *t;

	id = btf_skip(s->btf, id);
	t = btf_type(s->btf, id);
	if (!btf_is_composite(t))
		return 0;
	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const char *name = btf_str(s->btf, m->name_off);
		u32 bit_off = btf_member_bit_off(t, i);
		int found;

		if (s->raw_len == CORE_SPEC_MAX || !--*looks)
			return -E2BIG;
		s->bit_off += bit_off;
		s->raw_len++;
		if (!*name) {
			found = match_member(local, step, m->type, s, next_id, looks);
			if (found)
				return found;
		} else if (strcmp(step->name, name) == 0) {
			found = core_fields_compatible(local, want->type, s->btf, m->type);
			if (found)
				s->steps[s->n_steps++] = (struct core_step){ id, i, name };
			*next_id = m->type;
			return found;
		}
		s->bit_off -= bit_off;
		s->raw_len--;
	}
	return 0;
}

static int match_index(const struct core_step *step, bool first, struct core_spec *s, u32 *id)
{
	const struct btf_type *t = btf_type(s->btf, *id);
	s64 size;

	/* The first index counts from the struct itself, others are of an array. */
	if (!first) {
		const struct btf_array *a = btf_array(t);

		if (btf_kind(t) != BTF_ARRAY)
			return 0;
		if (step->index >= a->n && !is_flexible(s->btf, &s->steps[s->n_steps - 1], a))
			return 0;
		*id = btf_skip(s->btf, a->type);
	}
	if (s->raw_len == CORE_SPEC_MAX)
		return -E2BIG;
	s->steps[s->n_steps++] = (struct core_step){ *id, step->index, NULL };
	s->raw_len++;
	size = btf_size(s->btf, *id);
	if (size < 0)
		return size;
	s->bit_off += (u32)((u64)size * step->index * 8);
	return 1;
}

static int match_enumerator(const struct core_step *step, struct core_spec *s, u32 id)
{
	const struct btf_type *t;

	id = btf_skip(s->btf, id);
	t = btf_type(s->btf, id);
	if (!btf_is_enum(t))
		return 0;
	for (u32 i = 0; i < btf_vlen(t); i++) {
		const char *name = btf_str(s->btf, btf_enum_name_off(t, i));

		if (core_names_equal(step->name, name)) {
			s->steps[s->n_steps++] = (struct core_step){ id, i, name };
			s->raw_len++;
			return 1;
		}
	}
	return 0;
}

int core_spec_match(const struct core_spec *local, const struct btf *target, u32 id,
		    struct core_spec *out)
{
	u32 looks = LOOKS_MAX;

	*out = (struct core_spec){ .btf = target, .root = id, .kind = local->kind };
	if (local->kind == CORE_TYPE_MATCHES)
		return core_types_match(local->btf, local->root, target, id);
	if (core_is_type(local->kind))
		return core_types_compatible(local->btf, local->root, target, id);
	if (core_is_enumval(local->kind))
		return match_enumerator(&local->steps[0], out, id);
	for (u32 i = 0; i < local->n_steps; i++) {
		const struct core_step *step = &local->steps[i];
		int found;

		id = btf_skip(target, id);
		found = step->name ? match_member(local->btf, step, id, out, &id, &looks)
				   : match_index(step, i == 0, out, &id);
		if (found <= 0)
			return found;
	}
	return 1;
}

const char *core_kind_text(u32 kind)
{
	static const char *const texts[CORE_KIND_END] = {
		"byte_off", "byte_sz", "field_exists", "signed", "lshift_u64", "rshift_u64",
		"local_type_id", "target_type_id", "type_exists", "type_size", "enumval_exists",
		"enumval_value", "type_matches",
	};

	return kind < CORE_KIND_END ? texts[kind] : "unknown";
}

void core_describe(const struct btf *local, u32 type_id, const char *spec, u32 kind,
		   struct str *out)
{
	const struct btf_type *t = btf_type(local, type_id);
	const char *name = btf_str(local, t->name_off);
	struct core_spec s;

	str_addf(out, "%s ", core_kind_text(kind));
	if (btf_kind(t) != BTF_TYPEDEF)
		str_addf(out, "%s ", btf_kind_text(btf_kind(t)));
	str_add(out, *name ? name : "(anonymous)");
	if (core_spec_parse(local, type_id, spec, kind, &s)) {
		str_addf(out, " path \"%s\"", spec);
		return;
	}
	if (core_is_enumval(kind))
		str_addf(out, "::%s", s.steps[0].name);
	for (u32 i = 0; core_is_field(kind) && i < s.n_steps; i++) {
		if (s.steps[i].name)
			str_addf(out, ".%s", s.steps[i].name);
		else if (i || s.steps[i].index)
			str_addf(out, "[%u]", s.steps[i].index);
	}
}

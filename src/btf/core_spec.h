/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/core_spec.h - CO-RE paths, shared by the core_*.c files. */
#pragma once
#include "btf/core.h"

enum { CORE_SPEC_MAX = 64, CORE_NEST_MAX = 32 };

/* A turning point of a path: a named member, or an array index. */
struct core_step {
	u32 type_id;      /* type that has the member; element type of an index */
	u32 index;        /* member, enumerator or element number */
	const char *name; /* of the member or enumerator; NULL for an index */
};

struct core_spec {
	const struct btf *btf;
	u32 root;
	u32 kind;
	struct core_step steps[CORE_SPEC_MAX];
	u32 n_steps;
	u32 raw_len;      /* with anonymous members counted */
	u32 bit_off;
};

static inline bool core_is_field(u32 kind)
{
	return kind <= CORE_FIELD_RSHIFT_U64;
}
static inline bool core_is_enumval(u32 kind)
{
	return kind == CORE_ENUMVAL_EXISTS || kind == CORE_ENUMVAL_VALUE;
}
static inline bool core_is_type(u32 kind)
{
	return kind < CORE_KIND_END && !core_is_field(kind) && !core_is_enumval(kind);
}

/* Of one kind, but that ENUM and ENUM64 are one. */
static inline bool core_kinds_compatible(const struct btf_type *a, const struct btf_type *b)
{
	return btf_kind(a) == btf_kind(b) || (btf_is_enum(a) && btf_is_enum(b));
}

/* Reads a path.  0, -EINVAL, -E2BIG. */
int core_spec_parse(const struct btf *btf, u32 type_id, const char *text, u32 kind,
		    struct core_spec *out);
/* Follows a local path in a target type: 1 and the target's path, 0 when it does not fit, or a
 * negative errno. */
int core_spec_match(const struct core_spec *local, const struct btf *target, u32 id,
		    struct core_spec *out);

/* Equal names but for the ___flavour. */
bool core_names_equal(const char *a, const char *b);
/* 1 or 0, or a negative errno past the nesting allowed. */
int core_types_compatible(const struct btf *local, u32 local_id, const struct btf *target,
			  u32 target_id);
int core_types_match(const struct btf *local, u32 local_id, const struct btf *target,
		     u32 target_id);
int core_fields_compatible(const struct btf *local, u32 local_id, const struct btf *target,
			   u32 target_id);

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/check_cast.c - casts: between integers, pointers, and arrays of integers of the same
 * size. */
#include "lang/bt/check_inner.h"
#include "lang/bt/probe.h"

static const struct stype *cant(struct sema *s, struct node *n, const struct stype *from,
				const struct stype *to)
{
	sema_error(s, n, "%s can't be cast to %s", stype_name(sema_types(s), from),
		   stype_name(sema_types(s), to));
	return NULL;
}

/* The value cut to an integer's width. */
static s64 narrowed(s64 v, const struct stype *to)
{
	u32 drop = 64 - 8 * to->size;

	if (to->kind == ST_BOOL)
		return v != 0;
	return to->is_signed ? (s64)((u64)v << drop) >> drop : (s64)((u64)v << drop >> drop);
}

/* (uint8[4])x, (int8[])x */
static const struct stype *to_array(struct sema *s, struct node *n, const struct stype *from,
				    const struct stype *to)
{
	bool from_int = sema_is_int(from);

	if (!sema_is_int(to->of))
		return cant(s, n, from, to);
	if (!to->n) {
		if (!from->size || from->size % to->of->size) {
			sema_error(s, n, "%s has %u bytes, which no array of %s has",
				   stype_name(sema_types(s), from), from->size,
				   stype_name(sema_types(s), to->of));
			return NULL;
		}
		to = stype_array(sema_types(s), to->of, from->size / to->of->size);
	}
	if (from_int && (from->size == to->size || (to->size <= 8 && to->size > from->size)))
		return to;
	if ((from->kind == ST_STR || from->kind == ST_ARRAY || from->kind == ST_BUF) &&
	    from->size == to->size)
		return to;
	return cant(s, n, from, to);
}

static const struct stype *to_int(struct sema *s, struct node *n, const struct stype *from,
				  const struct stype *to)
{
	switch (from->kind) {
	case ST_INT:
	case ST_BOOL:
	case ST_ENUM:
	case ST_PTR:
	case ST_KSYM:
	case ST_USERNAME:
	case ST_TIMESTAMP:
	case ST_CGROUP:
	case ST_STRERROR:
		return to;
	case ST_STR:
		if (to->kind == ST_BOOL)
			return to;
		break;
	case ST_ARRAY:
		if (from->size == to->size)
			return to;
		break;
	case ST_USYM:
		if (to->size == 8)
			return to;
		break;
	default:
		break;
	}
	return cant(s, n, from, to);
}

static const struct stype *to_enum(struct sema *s, struct node *n, const struct stype *from,
				   const struct stype *to)
{
	struct node *value = n->last;

	if (!sema_is_int(from))
		return cant(s, n, from, to);
	if (!value->is_const || value->kind != NODE_INT)
		return to;
	for (u32 i = 0; i < to->n_fields; i++)
		if (to->fields[i].off == value->konst)
			return to;
	sema_error(s, n, "%s has no value %lld", stype_name(sema_types(s), to),
		   (long long)value->konst);
	return NULL;
}

/* Where what the new pointer points to lies. */
static const struct stype *to_ptr(struct sema *s, struct node *n, const struct stype *from,
				  const struct stype *to)
{
	enum stype_space space;

	if (from->kind == ST_PTR || from->kind == ST_INT)
		space = from->space; /* integers of arg0, kaddr() and the like know where they point
				      */
	else if (sema_is_int(from) || from->kind == ST_KSYM || from->kind == ST_USYM)
		space = SS_NONE;
	else if (from->kind == ST_ARRAY && from->size == 8)
		space = SS_NONE;
	else
		return cant(s, n, from, to);
	if (space == SS_NONE)
		space = sema_probe_space(s);
	/* what the verifier knows is known by its own type only */
	if (space == SS_BTF && !stype_same(from->of, to->of))
		space = SS_KERNEL;
	return stype_in_space(sema_types(s), to, space);
}

static const struct stype *cast(struct sema *s, struct node *n, const struct stype *from,
				const struct stype *to)
{
	switch (to->kind) {
	case ST_INT:
	case ST_BOOL:
		return to_int(s, n, from, to);
	case ST_ENUM:
		return to_enum(s, n, from, to);
	case ST_PTR:
		return to_ptr(s, n, from, to);
	case ST_ARRAY:
		return to_array(s, n, from, to);
	case ST_STR:
		if (from->kind == ST_STR && from->size <= to->size)
			return to;
		if (from->kind == ST_ARRAY && from->of->kind == ST_INT && from->of->size == 1)
			return stype_chars(sema_types(s), from->n);
		break;
	case ST_USERNAME:
		if (sema_is_int(from))
			return to;
		break;
	case ST_STRUCT:
		if (from->kind == ST_STRUCT && stype_same(from, to))
			return to;
		if (sema_is_int(from) || from->kind == ST_PTR) {
			cant(s, n, from, to);
			sema_hint(s, "cast to a pointer: (%s *)", stype_name(sema_types(s), to));
			return NULL;
		}
		break;
	default:
		if (stype_same(from, to))
			return to;
		break;
	}
	return cant(s, n, from, to);
}

void sema_cast(struct sema *s, struct node *n)
{
	struct node *type = n->kids, *value = n->last;
	const struct stype *to = sema_type(s, type), *from = sema_read_type(sema_expr(s, value));

	if (!to || !sema_is_known(from))
		return;
	if (to->kind == ST_VOID) {
		sema_error(s, n, "nothing can be cast to void");
		return;
	}
	n->type = cast(s, n, from, to);
	if (!n->type)
		return;
	if (value->is_const && (sema_is_int(n->type) && sema_is_int(from))) {
		n->is_const = true;
		n->konst = narrowed(value->konst, n->type);
	}
	if (sema_is_int(from) && from->kind == n->type->kind &&
	    from->is_literal == (value->kind == NODE_INT) && stype_same(from, n->type) &&
	    !sema_compat17(s))
		sema_warn(s, n, "the value is of type %s already", stype_name(sema_types(s), from));
}

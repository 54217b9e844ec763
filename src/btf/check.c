/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/check.c - refuses BTF whose references lead nowhere or round in circles.
 *
 * What the kernel's btf.c checks when a program's BTF is loaded, as far as readers depend on it:
 * ids and strings in range, kinds where they belong, members inside their struct, and two graphs
 * without cycles and at most BTF_DEPTH_MAX deep:
 *   - containment: struct -> member, array -> element, through modifiers;
 *   - declarators: pointer -> target, function -> parameter, through modifiers and arrays, but not
 *     into structs (a list node points to its own kind).
 */
#include "btf/image.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct checker {
	const struct btf *btf;
	struct diag *dg;
	struct place at;
	u32 id;          /* type being checked */
};

static int bad(const struct checker *c, const char *what)
{
	struct place at = c->at;
	const struct btf *btf = c->btf;

	at.off += btf->types - btf->raw + btf->offs[c->id - btf->first_id];
	return diag_error(c->dg, at, -EINVAL, "broken BTF: %s %u: %s",
			  btf_kind_text(btf_kind(btf_type(btf, c->id))), c->id, what);
}

static bool str_ok(const struct btf *btf, u32 off)
{
	return (u64)off < (u64)btf->first_str + btf->strs_size || !off;
}

static bool id_ok(const struct btf *btf, u32 id)
{
	return id < btf_n_types(btf);
}

static int check_members(const struct checker *c, const struct btf_type *t)
{
	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];

		if (!str_ok(c->btf, m->name_off))
			return bad(c, "a member's name is out of range");
		if (!id_ok(c->btf, m->type))
			return bad(c, "a member's type is out of range");
		if (btf_member_bit_off(t, i) > (u64)t->size * 8)
			return bad(c, "a member lies outside");
	}
	return 0;
}

static int check_enums(const struct checker *c, const struct btf_type *t)
{
	/* A forward declaration has none. */
	if (t->size > 8 || (t->size & (t->size - 1)))
		return bad(c, "its size is not 0, 1, 2, 4 or 8");
	for (u32 i = 0; i < btf_vlen(t); i++)
		if (!str_ok(c->btf, btf_enum_name_off(t, i)))
			return bad(c, "an enumerator's name is out of range");
	return 0;
}

static int check_params(const struct checker *c, const struct btf_type *t)
{
	for (u32 i = 0; i < btf_vlen(t); i++) {
		if (!str_ok(c->btf, btf_params(t)[i].name_off))
			return bad(c, "a parameter's name is out of range");
		if (!id_ok(c->btf, btf_params(t)[i].type))
			return bad(c, "a parameter's type is out of range");
	}
	return id_ok(c->btf, t->type) ? 0 : bad(c, "its return type is out of range");
}

static int check_datasec(const struct checker *c, const struct btf_type *t)
{
	for (u32 i = 0; i < btf_vlen(t); i++) {
		u32 type = btf_secinfos(t)[i].type;

		if (!id_ok(c->btf, type))
			return bad(c, "a variable's type is out of range");
		if (btf_kind(btf_type(c->btf, type)) != BTF_VAR &&
		    btf_kind(btf_type(c->btf, type)) != BTF_FUNC)
			return bad(c, "it holds what is no variable");
	}
	return 0;
}

static int check_type(const struct checker *c)
{
	const struct btf *btf = c->btf;
	const struct btf_type *t = btf_type(btf, c->id);

	if (!str_ok(btf, t->name_off))
		return bad(c, "its name is out of range");
	switch (btf_kind(t)) {
	case BTF_INT:
		if (!t->size || t->size > 16)
			return bad(c, "its size is not 1 to 16");
		if (btf_int_bits(t) > 128 || btf_int_bit_off(t) + btf_int_bits(t) > t->size * 8)
			return bad(c, "more bits than its size holds");
		return 0;
	case BTF_FLOAT:
	case BTF_FWD:
		return 0;
	case BTF_ARRAY:
		if (!id_ok(btf, btf_array(t)->type) || !id_ok(btf, btf_array(t)->index_type))
			return bad(c, "its element or index type is out of range");
		return 0;
	case BTF_STRUCT:
	case BTF_UNION:
		return check_members(c, t);
	case BTF_ENUM:
	case BTF_ENUM64:
		return check_enums(c, t);
	case BTF_FUNC_PROTO:
		return check_params(c, t);
	case BTF_DATASEC:
		return check_datasec(c, t);
	case BTF_FUNC:
		if (!id_ok(btf, t->type) || btf_kind(btf_type(btf, t->type)) != BTF_FUNC_PROTO)
			return bad(c, "its type is no func_proto");
		return 0;
	default:
		return id_ok(btf, t->type) ? 0 : bad(c, "its type is out of range");
	}
}

/* Edge number i of a type in one of the two graphs; false when there is none. */
static bool edge(const struct btf *btf, u32 id, bool containment, u32 i, u32 *to)
{
	const struct btf_type *t = btf_type(btf, id);

	switch (btf_kind(t)) {
	case BTF_STRUCT:
	case BTF_UNION:
		if (!containment || i >= btf_vlen(t))
			return false;
		*to = btf_members(t)[i].type;
		return true;
	case BTF_ARRAY:
		*to = btf_array(t)->type;
		return i == 0;
	case BTF_PTR:
		*to = t->type;
		return i == 0 && !containment;
	case BTF_FUNC_PROTO:
		*to = i ? btf_params(t)[MIN(i - 1, 0xffff)].type : t->type;
		return !containment && i <= btf_vlen(t);
	case BTF_FUNC:
	case BTF_VAR:
	case BTF_DECL_TAG:
		*to = t->type;
		return i == 0;
	default:
		*to = t->type;
		return i == 0 && btf_is_modifier(t);
	}
}

enum { WHITE, GREY, BLACK };

/* Depth-first over one graph from root, with a stack of its own. */
static int walk(struct checker *c, u8 *colour, u8 *height, u32 root, bool containment)
{
	const struct btf *btf = c->btf;
	struct {
		u32 id, next;
	} stack[BTF_DEPTH_MAX];
	u32 depth = 0;

	stack[depth++].id = root;
	stack[0].next = 0;
	colour[root - btf->first_id] = GREY;
	while (depth) {
		u32 id = stack[depth - 1].id, own = id - btf->first_id, to;
		u32 h;

		if (!edge(btf, id, containment, stack[depth - 1].next++, &to)) {
			colour[own] = BLACK;
			depth--;
			h = (u32)height[own] + 1;
			if (depth) {
				u32 up = stack[depth - 1].id - btf->first_id;

				if (h >= BTF_DEPTH_MAX)
					return c->id = id, bad(c, "types nest too deep");
				height[up] = MAX(height[up], h);
			}
			continue;
		}
		/* A base's types can't lead back here. */
		if (to < btf->first_id)
			continue;
		if (colour[to - btf->first_id] == GREY)
			return c->id = to, bad(c, "it contains itself");
		if (colour[to - btf->first_id] == BLACK) {
			h = (u32)height[to - btf->first_id] + 1;
			if (h >= BTF_DEPTH_MAX)
				return c->id = id, bad(c, "types nest too deep");
			height[own] = MAX(height[own], h);
			continue;
		}
		if (depth == BTF_DEPTH_MAX)
			return c->id = id, bad(c, "types nest too deep");
		colour[to - btf->first_id] = GREY;
		stack[depth].id = to;
		stack[depth++].next = 0;
	}
	return 0;
}

static int check_graph(struct checker *c, bool containment)
{
	const struct btf *btf = c->btf;
	u8 *colour = calloc(btf->n_own, 2);
	int err = 0;

	if (!colour)
		return diag_error(c->dg, c->at, -ENOMEM, "no memory to check %u BTF types", btf->n_own);
	for (u32 i = 0; i < btf->n_own && !err; i++)
		if (colour[i] == WHITE)
			err = walk(c, colour, colour + btf->n_own, btf->first_id + i, containment);
	free(colour);
	return err;
}

int btf_check(const struct btf *btf, struct diag *dg, struct place at)
{
	struct checker c = { .btf = btf, .dg = dg, .at = at };
	int err = 0;

	if (!btf->n_own)
		return 0;
	for (u32 i = 0; i < btf->n_own && !err; i++) {
		c.id = btf->first_id + i;
		err = check_type(&c);
	}
	if (!err)
		err = check_graph(&c, true);
	if (!err)
		err = check_graph(&c, false);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/var.c - sets variables of data sections before an object is loaded: "targ_pid" to "42".
 *
 *	path := NAME { '[' NUMBER ']' | '.' MEMBER }
 */
#include "base/str.h"
#include "btf/btf.h"
#include "obj/obj.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct spot {
	const struct obj *o;
	const char *path;      /* as the user wrote it */
	struct obj_map *map;
	u32 type;              /* of what is set */
	u64 bit_off;           /* in the map's data */
	u32 bits;              /* of a bitfield, else 0 */
	struct diag *dg;
};

static int fail(const struct spot *s, int err, const char *what)
{
	return diag_error(s->dg, (struct place){ .file = s->o->path }, err, "variable '%s': %s",
			  s->path, what);
}

/* The section's variable of that name; with longest set also one that only begins so, up to a '.'
 * or '[': names of function-local ones hold dots themselves. */
static bool find_in_map(struct spot *s, struct obj_map *m, size_t *name_len)
{
	const struct btf *btf = s->o->btf;
	const struct btf_type *sec = btf_type(btf, m->btf_var_id);
	bool found = false;

	if (btf_kind(sec) != BTF_DATASEC)
		return false;
	for (u32 i = 0; i < btf_vlen(sec); i++) {
		const struct btf_secinfo *vs = &btf_secinfos(sec)[i];
		const struct btf_type *var = btf_type(btf, vs->type);
		const char *name = btf_str(btf, var->name_off);
		size_t n = strlen(name);

		if (btf_kind(var) != BTF_VAR || n <= *name_len || strncmp(s->path, name, n) != 0 ||
		    (s->path[n] && s->path[n] != '.' && s->path[n] != '['))
			continue;
		s->map = m;
		s->type = var->type;
		s->bit_off = (u64)vs->offset * 8;
		*name_len = n;
		found = true;
	}
	return found;
}

static bool is_settable(const struct obj_map *m)
{
	return m->data && (m->kind == OBJ_MAP_DATA || m->kind == OBJ_MAP_RODATA ||
			   m->kind == OBJ_MAP_BSS);
}

/* -ENOENT with the three nearest names. */
static int no_such(const struct spot *s)
{
	enum { NEAREST = 3 };
	const char *names[NEAREST] = {0};
	u32 dist[NEAREST] = { UINT32_MAX, UINT32_MAX, UINT32_MAX };
	struct str text = {0};
	int err;

	for (u32 m = 0; m < s->o->n_maps; m++) {
		const struct btf_type *sec = btf_type(s->o->btf, s->o->maps[m].btf_var_id);

		if (!is_settable(&s->o->maps[m]) || btf_kind(sec) != BTF_DATASEC)
			continue;
		for (u32 i = 0; i < btf_vlen(sec); i++) {
			const char *name = btf_name(s->o->btf, btf_secinfos(sec)[i].type);
			u32 d = str_distance(s->path, name, strlen(name)), at = NEAREST;

			while (at && d < dist[at - 1])
				at--;
			for (u32 k = NEAREST - 1; k > at && at < NEAREST; k--) {
				dist[k] = dist[k - 1];
				names[k] = names[k - 1];
			}
			if (at < NEAREST) {
				dist[at] = d;
				names[at] = name;
			}
		}
	}
	for (u32 i = 0; i < NEAREST && names[i]; i++)
		str_addf(&text, "%s%s", i ? ", " : "; there is ", names[i]);
	err = diag_error(s->dg, (struct place){ .file = s->o->path }, -ENOENT,
			 "no variable '%s'%s", s->path, str_text(&text));
	str_free(&text);
	return err;
}

static int step_index(struct spot *s, const char **p)
{
	const struct btf_type *t = btf_resolve(s->o->btf, s->type);
	char *end;
	u64 index;
	s64 size;

	errno = 0;
	index = strtoull(*p + 1, &end, 0);
	if (errno || end == *p + 1 || *end != ']')
		return fail(s, -EINVAL, "'[' must be followed by a number and ']'");
	if (btf_kind(t) != BTF_ARRAY)
		return fail(s, -EINVAL, "what has an index here is no array");
	if (index >= btf_array(t)->n)
		return fail(s, -ERANGE, "the index is past the array's end");
	size = btf_size(s->o->btf, btf_array(t)->type);
	if (size < 0)
		return fail(s, -EINVAL, "its elements have no size");
	s->type = btf_array(t)->type;
	s->bit_off += index * (u64)size * 8;
	*p = end + 1;
	return 0;
}

static int step_member(struct spot *s, const char **p)
{
	size_t n = strcspn(*p + 1, ".[");
	char *name = strndup(*p + 1, n);
	struct btf_field field;
	bool found;

	if (!name)
		return fail(s, -ENOMEM, "no memory");
	found = btf_find_field(s->o->btf, s->type, name, &field);
	free(name);
	if (!found)
		return fail(s, -ENOENT, "it has no such member");
	s->type = field.type;
	s->bit_off += field.bit_off;
	s->bits = field.bits;
	*p += n + 1;
	return 0;
}

static int find_spot(struct spot *s)
{
	size_t name_len = 0;
	const char *p;

	for (u32 i = 0; i < s->o->n_maps && s->o->btf; i++)
		if (is_settable(&s->o->maps[i]))
			find_in_map(s, &s->o->maps[i], &name_len);
	if (!s->map)
		return s->o->btf ? no_such(s) : fail(s, -ENOENT, "the object has no BTF");
	for (p = s->path + name_len; *p;) {
		int err = *p == '[' ? step_index(s, &p)
			: *p == '.' ? step_member(s, &p)
				    : fail(s, -EINVAL, "'.' or '[' expected");

		if (err)
			return err;
	}
	return 0;
}

/* Puts the low bits of v where the spot is, in the object's byte order. */
static int store(const struct spot *s, u64 v, u32 size)
{
	u32 bits = s->bits ? s->bits : size * 8;

	if (bits > 64 || s->bit_off + bits > s->map->data_size * 8)
		return fail(s, -EINVAL, "it lies outside its section");
	for (u32 i = 0; i < bits; i++) {
		u64 bit = s->bit_off + i;
		bool on = v >> (s->o->big_endian ? bits - 1 - i : i) & 1;
		u8 mask = s->o->big_endian ? 0x80 >> (bit % 8) : 1 << (bit % 8);
		u8 *byte = &s->map->data[bit / 8];

		*byte = on ? *byte | mask : *byte & ~mask;
	}
	return 0;
}

static int set_integer(const struct spot *s, const char *text, u32 size, bool is_signed)
{
	u32 bits = s->bits ? s->bits : size * 8;
	int err;
	u64 u;
	s64 v;

	if (bits == 0 || bits > 64)
		return fail(s, -ENOTSUP, "integers of more than 64 bits can't be set");
	if (is_signed || *text == '-') {
		err = str_to_s64(text, &v);
		if (!err && is_signed && bits < 64 &&
		    (v < -(s64)(1ull << (bits - 1)) || v >= (s64)(1ull << (bits - 1))))
			err = -ERANGE;
		if (!err && !is_signed && v < 0)
			err = -ERANGE;
		u = (u64)v;
	} else {
		err = str_to_u64(text, &u);
		if (!err && bits < 64 && u >> bits)
			err = -ERANGE;
	}
	if (err)
		return fail(s, err, err == -ERANGE ? "the value does not fit its type"
						   : "the value must be a number");
	return store(s, u, size);
}

static int set_int(const struct spot *s, const struct btf_type *t, const char *text)
{
	u32 encoding = btf_int_encoding(t);

	if (encoding & BTF_INT_BOOL) {
		if (strcmp(text, "true") == 0)
			text = "1";
		if (strcmp(text, "false") == 0)
			text = "0";
		if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
			return fail(s, -ERANGE, "it must be true, false, 1 or 0");
	}
	/* 'x' for a character */
	if (t->size == 1 && text[0] == '\'' && text[1] && text[2] == '\'' && !text[3])
		return store(s, (u8)text[1], 1);
	return set_integer(s, text, t->size, encoding & BTF_INT_SIGNED);
}

static int set_enum(const struct spot *s, u32 type, const char *text)
{
	const struct btf_type *t = btf_type(s->o->btf, type);
	u64 v;

	if (btf_find_enumerator(s->o->btf, type, text, &v))
		return store(s, v, t->size);
	if ((*text < '0' || *text > '9') && *text != '-')
		return fail(s, -EINVAL, "its type has no enumerator of that name");
	return set_integer(s, text, t->size, btf_kflag(t));
}

/* Text into an array of chars: the rest becomes 0, and a 0 must follow. */
static int set_text(const struct spot *s, const struct btf_type *array, const char *text)
{
	const struct btf_type *elem = btf_resolve(s->o->btf, btf_array(array)->type);
	u64 off = s->bit_off / 8, room = btf_array(array)->n;
	size_t n = strlen(text);

	if (btf_kind(elem) != BTF_INT || elem->size != 1)
		return fail(s, -ENOTSUP, "an array is set element by element: name[0]");
	if (s->bit_off % 8 || off > s->map->data_size || room > s->map->data_size - off)
		return fail(s, -EINVAL, "it lies outside its section");
	if (n >= room)
		return fail(s, -ERANGE, "the text is longer than the array");
	memset(s->map->data + off, 0, room);
	memcpy(s->map->data + off, text, n);
	return 0;
}

int obj_set_var(struct obj *o, const char *name, const char *text, struct diag *dg)
{
	struct spot s = { .o = o, .path = name, .dg = dg };
	const struct btf_type *t;
	u32 id;
	int err = find_spot(&s);

	if (err)
		return err;
	id = btf_skip(o->btf, s.type);
	t = btf_type(o->btf, id);
	switch (btf_kind(t)) {
	case BTF_INT:
		return set_int(&s, t, text);
	case BTF_ENUM:
	case BTF_ENUM64:
		return set_enum(&s, id, text);
	case BTF_ARRAY:
		return set_text(&s, t, text);
	case BTF_STRUCT:
	case BTF_UNION:
		return fail(&s, -ENOTSUP, "a struct is set member by member: name.member");
	}
	return fail(&s, -ENOTSUP, "values of its type can't be set");
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* output/table.c - columns from a struct's members.
 *
 * Widths come from types, not from values, so a line can be printed as soon as its record arrives;
 * a longer value pushes the rest of its line to the right.
 */
#include "output/table.h"
#include "btf/btf.h"
#include "output/value.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEST_MAX = 8, STRING_WIDTH_MAX = 32 };

static u32 type_width(const struct btf *btf, u32 type)
{
	const struct btf_type *t = btf_resolve(btf, type);

	switch (btf_kind(t)) {
	case BTF_INT:
		if (btf_int_encoding(t) & BTF_INT_BOOL)
			return 5;
		return t->size >= 8 ? 14 : t->size == 4 ? 7 : 5;
	case BTF_PTR:
		return 18;
	case BTF_ENUM:
	case BTF_ENUM64:
		return 16;
	case BTF_ARRAY:
		if (value_is_string(btf, type))
			return MIN(btf_array(t)->n, (u32)STRING_WIDTH_MAX);
		return 16;
	default:
		return 8;
	}
}

static int add_column(struct table *t, const char *name, u32 type, u32 bit_off, u32 bits)
{
	struct column *c = &t->columns[t->n];

	if (t->n == COLUMNS_MAX) {
		t->cut = true;
		return 0;
	}
	*c = (struct column){ .type = type, .bit_off = bit_off, .bits = bits };
	c->name = strdup(name);
	if (!c->name)
		return -ENOMEM;
	c->width = MAX(type_width(t->btf, type), (u32)strlen(name));
	t->n++;
	return 0;
}

static int add_members(struct table *t, const char *prefix, u32 type, u32 base, u32 nest)
{
	const struct btf_type *st = btf_resolve(t->btf, type);

	for (u32 i = 0; i < btf_vlen(st); i++) {
		const char *member = btf_str(t->btf, btf_members(st)[i].name_off);
		u32 mtype = btf_members(st)[i].type, off = base + btf_member_bit_off(st, i);
		bool nested = btf_is_composite(btf_resolve(t->btf, mtype)) && nest < NEST_MAX;
		char name[256];
		int err;

		snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix && *member ? "." : "", member);
		err = nested ? add_members(t, name, mtype, off, nest + 1)
			     : add_column(t, name, mtype, off, btf_member_bits(st, i));
		if (err)
			return err;
	}
	return 0;
}

int table_init(struct table *t, const struct btf *btf, u32 type)
{
	int err;

	*t = (struct table){ .btf = btf, .type = type };
	if (btf_is_composite(btf_resolve(btf, type)))
		err = add_members(t, "", type, 0, 0);
	else
		err = add_column(t, "value", type, 0, 0);
	if (err)
		table_free(t);
	else if (t->n)
		t->columns[t->n - 1].width = 0;
	return err;
}

void table_free(struct table *t)
{
	for (u32 i = 0; i < t->n; i++)
		free(t->columns[i].name);
	*t = (struct table){0};
}

void table_header(const struct table *t, struct str *out)
{
	for (u32 i = 0; i < t->n; i++) {
		size_t start = out->len;

		for (const char *s = t->columns[i].name; *s; s++)
			str_addc(out, (char)toupper((unsigned char)*s));
		if (i + 1 < t->n)
			str_pad(out, start, t->columns[i].width + 1);
	}
	str_addc(out, '\n');
}

static void cell(const struct table *t, const struct column *c, const void *data, size_t size,
		 struct str *out)
{
	size_t at = c->bit_off / 8;

	if (at >= size || (c->bits && ((u64)c->bit_off + c->bits + 7) / 8 > size)) {
		str_addc(out, '-');
	} else if (c->bits) {
		const struct btf_type *mt = btf_resolve(t->btf, c->type);
		bool sign = btf_kind(mt) == BTF_INT && btf_int_encoding(mt) & BTF_INT_SIGNED;

		str_addf(out, sign ? "%ld" : "%lu", value_bits(data, c->bit_off, c->bits, sign));
	} else if (value_is_string(t->btf, c->type)) {
		const char *s = (const char *)data + at;
		size_t max = MIN(size - at, (size_t)btf_array(btf_resolve(t->btf, c->type))->n);

		text_escaped(out, s, strnlen(s, max));
	} else {
		value_text(t->btf, c->type, (const u8 *)data + at, size - at, out);
	}
}

void table_row(const struct table *t, const void *data, size_t size, struct str *out)
{
	for (u32 i = 0; i < t->n; i++) {
		size_t start = out->len;

		cell(t, &t->columns[i], data, size, out);
		if (i + 1 == t->n)
			break;
		str_pad(out, start, t->columns[i].width);
		str_addc(out, ' ');
	}
	str_addc(out, '\n');
}

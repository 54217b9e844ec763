/* SPDX-License-Identifier: BSD-2-Clause */
/* output/value.c - walks a BTF type over bytes. */
#include "output/value.h"
#include "base/mem.h"
#include "btf/btf.h"
#include <string.h>

enum { DEPTH_MAX = 32 };

/* One walk prints both forms; only the marks around the parts differ. */
struct walk {
	const struct btf *btf;
	struct str *out;
	bool json;
	u64 left; /* parts that may still be printed */
};

/* Members of unions lie over each other, so the bytes don't bound the text: unions of unions would
 * double it at each level.  Real types show a byte a few times at most. */
static u64 parts_max(size_t size)
{
	return 65536 + 16 * (u64)size;
}

static bool take_part(struct walk *w)
{
	return w->left && w->left--;
}

static void print_value(struct walk *w, u32 type, const u8 *data, size_t size, u32 depth);

u64 value_bits(const void *data, u32 bit_off, u32 width, bool is_signed)
{
	const u8 *p = (const u8 *)data + bit_off / 8;
	unsigned __int128 wide = 0;
	u32 shift = bit_off % 8, n_bytes = (shift + width + 7) / 8;
	u64 v;

	memcpy(&wide, p, MIN(n_bytes, (u32)sizeof(wide)));
	v = (u64)(wide >> shift);
	if (width < 64) {
		v &= (1ull << width) - 1;
		if (is_signed && width && v >> (width - 1))
			v |= ~0ull << width;
	}
	return v;
}

static bool is_char(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_resolve(btf, id);

	return btf_kind(t) == BTF_INT && t->size == 1 && !(btf_int_encoding(t) & BTF_INT_BOOL) &&
	       (btf_int_encoding(t) & (BTF_INT_SIGNED | BTF_INT_CHAR) ||
		strcmp(btf_str(btf, t->name_off), "char") == 0);
}

bool value_is_string(const struct btf *btf, u32 type)
{
	const struct btf_type *t = btf_resolve(btf, type);

	return btf_kind(t) == BTF_ARRAY && is_char(btf, btf_array(t)->type);
}

bool value_integer(const struct btf *btf, u32 type, const void *data, size_t size, u64 *value,
		   bool *is_signed)
{
	const struct btf_type *t = btf_resolve(btf, type);
	u32 kind = btf_kind(t), bytes = kind == BTF_PTR ? 8 : t->size;

	if (kind != BTF_INT && kind != BTF_PTR && !btf_is_enum(t))
		return false;
	if (!bytes || bytes > 8 || bytes > size)
		return false;
	*is_signed = kind == BTF_INT ? btf_int_encoding(t) & BTF_INT_SIGNED
				     : kind != BTF_PTR && btf_kflag(t);
	*value = value_bits(data, 0, bytes * 8, *is_signed);
	return true;
}

static void escaped(struct str *out, const char *s, size_t n, bool json)
{
	for (size_t i = 0; i < n; i++) {
		u8 c = (u8)s[i];

		if (c == '"' || c == '\\')
			str_addf(out, "\\%c", c);
		else if (c == '\n')
			str_add(out, "\\n");
		else if (c == '\t')
			str_add(out, "\\t");
		else if (c < 0x20 || c == 0x7f)
			str_addf(out, json ? "\\u%04x" : "\\x%02x", c);
		else
			str_addc(out, (char)c);
	}
}

void text_escaped(struct str *out, const char *s, size_t n)
{
	escaped(out, s, n, false);
}

void json_string(struct str *out, const char *s, size_t n)
{
	str_addc(out, '"');
	while (n) {
		size_t len = str_utf8_len(s, n);

		if (len)
			escaped(out, s, len, true);
		else
			str_addf(out, "\\u%04x", (u8)*s);
		s += MAX(len, (size_t)1);
		n -= MAX(len, (size_t)1);
	}
	str_addc(out, '"');
}

static void print_unknown(struct walk *w)
{
	str_add(w->out, w->json ? "null" : "?");
}

static void print_number(struct walk *w, u64 v, bool is_signed)
{
	str_addf(w->out, is_signed ? "%ld" : "%lu", v);
}

static void print_enum(struct walk *w, const struct btf_type *t, u64 v)
{
	u64 mask = t->size >= 8 ? ~0ull : (1ull << t->size * 8) - 1;

	for (u32 i = 0; i < btf_vlen(t); i++)
		if ((btf_enum_value(t, i) & mask) == (v & mask)) {
			const char *name = btf_str(w->btf, btf_enum_name_off(t, i));

			if (w->json)
				json_string(w->out, name, strlen(name));
			else
				text_escaped(w->out, name, strlen(name));
			return;
		}
	print_number(w, v, btf_kflag(t));
}

static void print_int(struct walk *w, const struct btf_type *t, const u8 *data, u32 bit_off, u32 bits)
{
	u32 enc = btf_int_encoding(t);

	if (bits > 64) {
		str_add(w->out, w->json ? "\"0x" : "0x");
		for (u32 i = t->size; i-- > 0;)
			str_addf(w->out, "%02x", data[i]);
		str_add(w->out, w->json ? "\"" : "");
		return;
	}
	u64 v = value_bits(data, bit_off, bits, enc & BTF_INT_SIGNED);

	if (enc & BTF_INT_BOOL)
		str_add(w->out, v ? "true" : "false");
	else
		print_number(w, v, enc & BTF_INT_SIGNED);
}

static void print_float(struct walk *w, const struct btf_type *t, const u8 *data)
{
	double d = 0;
	float f;

	if (t->size == 4) {
		memcpy(&f, data, 4);
		d = (double)f;
	} else if (t->size == 8) {
		memcpy(&d, data, 8);
	}
	if (w->json && !__builtin_isfinite(d))
		str_add(w->out, "null");
	else
		str_addf(w->out, "%g", d);
}

static void print_bitfield(struct walk *w, u32 type, const u8 *data, size_t size, u32 off, u32 bits)
{
	const struct btf_type *t = btf_resolve(w->btf, type);

	if (((u64)off + bits + 7) / 8 > size || bits > 64)
		print_unknown(w);
	else if (btf_is_enum(t))
		print_enum(w, t, value_bits(data, off, bits, btf_kflag(t)));
	else if (btf_kind(t) == BTF_INT)
		print_int(w, t, data, off, bits);
	else
		print_number(w, value_bits(data, off, bits, false), false);
}

/* Members of anonymous structs and unions stand among the others, as in C. */
static void print_members(struct walk *w, const struct btf_type *t, const u8 *data, size_t size,
			  u32 depth, bool *first)
{
	for (u32 i = 0; i < btf_vlen(t) && take_part(w); i++) {
		const char *name = btf_str(w->btf, btf_members(t)[i].name_off);
		u32 type = btf_members(t)[i].type;
		u32 off = btf_member_bit_off(t, i), bits = btf_member_bits(t, i);
		const struct btf_type *mt = btf_resolve(w->btf, type);
		size_t at = MIN((size_t)off / 8, size);

		if (!*name && btf_is_composite(mt) && depth < DEPTH_MAX) {
			print_members(w, mt, data + at, size - at, depth + 1, first);
			continue;
		}
		if (!*first)
			str_add(w->out, ", ");
		*first = false;
		if (w->json) {
			json_string(w->out, name, strlen(name));
			str_add(w->out, ": ");
		} else {
			str_addc(w->out, '.');
			text_escaped(w->out, name, strlen(name));
			str_add(w->out, " = ");
		}
		if (bits)
			print_bitfield(w, type, data, size, off, bits);
		else
			print_value(w, type, data + at, size - at, depth + 1);
	}
}

static void print_struct(struct walk *w, const struct btf_type *t, const u8 *data, size_t size,
			 u32 depth)
{
	bool first = true;

	str_addc(w->out, '{');
	print_members(w, t, data, size, depth, &first);
	str_addc(w->out, '}');
}

static void print_array(struct walk *w, const struct btf_type *t, const u8 *data, size_t size,
			u32 depth)
{
	const struct btf_array *a = btf_array(t);
	s64 elem = btf_size(w->btf, a->type);
	size_t n = MIN((size_t)a->n, size);

	if (is_char(w->btf, a->type)) {
		n = strnlen((const char *)data, n);
		if (w->json) {
			json_string(w->out, (const char *)data, n);
		} else {
			str_addc(w->out, '"');
			escaped(w->out, (const char *)data, n, false);
			str_addc(w->out, '"');
		}
		return;
	}
	str_addc(w->out, '[');
	for (u32 i = 0; i < a->n && elem > 0 && (u64)elem * i < size && take_part(w); i++) {
		if (i)
			str_add(w->out, ", ");
		print_value(w, a->type, data + elem * i, size - (u64)elem * i, depth + 1);
	}
	str_addc(w->out, ']');
}

static void print_value(struct walk *w, u32 type, const u8 *data, size_t size, u32 depth)
{
	const struct btf_type *t = btf_resolve(w->btf, type);
	bool may_be_cut = btf_kind(t) == BTF_ARRAY || btf_is_composite(t), sign;
	s64 need = btf_size(w->btf, type);
	u64 v;

	if (need < 0 || depth > DEPTH_MAX || ((u64)need > size && !may_be_cut)) {
		print_unknown(w);
		return;
	}
	switch (btf_kind(t)) {
	case BTF_INT:
		print_int(w, t, data, btf_int_bit_off(t), btf_int_bits(t));
		break;
	case BTF_PTR:
		v = mem_get64(data);
		str_addf(w->out, w->json ? "\"0x%lx\"" : "0x%lx", v);
		break;
	case BTF_ENUM:
	case BTF_ENUM64:
		if (value_integer(w->btf, type, data, size, &v, &sign))
			print_enum(w, t, v);
		else
			print_unknown(w);
		break;
	case BTF_FLOAT:
		print_float(w, t, data);
		break;
	case BTF_STRUCT:
	case BTF_UNION:
		print_struct(w, t, data, size, depth);
		break;
	case BTF_ARRAY:
		print_array(w, t, data, size, depth);
		break;
	default:
		print_unknown(w);
	}
}

void value_text(const struct btf *btf, u32 type, const void *data, size_t size, struct str *out)
{
	struct walk w = { .btf = btf, .out = out, .left = parts_max(size) };

	print_value(&w, type, data, size, 0);
}

void value_json(const struct btf *btf, u32 type, const void *data, size_t size, struct str *out)
{
	struct walk w = { .btf = btf, .out = out, .json = true, .left = parts_max(size) };

	print_value(&w, type, data, size, 0);
}

void hex_dump(struct str *out, const void *data, size_t size, const char *indent)
{
	const u8 *p = data;

	for (size_t at = 0; at < size; at += 16) {
		size_t n = MIN(size - at, (size_t)16);

		str_addf(out, "%s%04zx ", indent, at);
		for (size_t i = 0; i < 16; i++)
			if (i < n)
				str_addf(out, " %02x", p[at + i]);
			else
				str_add(out, "   ");
		str_add(out, "  ");
		for (size_t i = 0; i < n; i++)
			str_addc(out, p[at + i] >= 0x20 && p[at + i] < 0x7f ? (char)p[at + i] : '.');
		str_addc(out, '\n');
	}
}

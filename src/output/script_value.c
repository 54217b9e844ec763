/* SPDX-License-Identifier: BSD-2-Clause */
/* output/script_value.c - values by their stype, as text and as JSON. */
#include "output/script_inner.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* One walk of a value.  Members of unions lie over each other, so that bytes don't bound the text:
 * left does. */
struct walk {
	struct script_out *o;
	struct str *out;
	enum sv_style style;
	u64 div;
	u64 left;        /* parts that may still be printed */
};

static bool is_old(const struct walk *w)
{
	return w->o->s->compat == 17;
}

/* ---- integers ---- */

static u64 extended(u64 v, u32 bits, bool is_signed)
{
	if (bits >= 64)
		return v;
	v &= (1ull << bits) - 1;
	return is_signed && bits && v >> (bits - 1) ? v | ~0ull << bits : v;
}

u64 sv_integer(struct sv v)
{
	u64 raw = 0;

	if (v.type->size > 8 || v.type->size > v.n)
		return 0;
	switch (v.type->size) {
	case 8: return once64(v.p);
	case 4: return extended(once32(v.p), 32, v.type->is_signed);
	default:
		mem_copy(&raw, v.p, v.type->size);
		return extended(raw, v.type->size * 8, v.type->is_signed);
	}
}

static u64 divided(u64 v, u64 div, bool is_signed)
{
	if (div < 2)
		return v;
	if (!is_signed)
		return v / div;
	return div > INT64_MAX ? 0 : (u64)((s64)v / (s64)div);
}

static void add_number(struct str *out, u64 v, bool is_signed)
{
	char text[24], *p = text + sizeof(text);
	bool minus = is_signed && (s64)v < 0;

	if (minus)
		v = 0 - v;
	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	if (minus)
		*--p = '-';
	str_addn(out, p, (size_t)(text + sizeof(text) - p));
}

/* The enumerator's name; NULL: none has that value. */
static const char *enumerator(const struct stype *t, u64 v)
{
	for (u32 i = 0; i < t->n_fields; i++)
		if (extended((u64)t->fields[i].off, t->size * 8, t->is_signed) == v)
			return t->fields[i].name;
	return NULL;
}

/* ---- parts ---- */

struct sv sv_field(struct sv v, const struct stype_field *f)
{
	if (f->off < 0 || (u64)f->off > v.n)
		return (struct sv){ f->type, v.p, 0 };
	return (struct sv){ f->type, v.p + f->off, MIN(v.n - (u32)f->off, f->type->size) };
}

/* A bit-field's value, as bytes of its type. */
static struct sv bits_of(struct sv v, const struct stype_field *f, u8 bytes[8])
{
	u64 first = (u64)f->off * 8 + f->bit_off, raw = 0;

	if (f->off < 0 || f->bits > 64 || first + f->bits > (u64)v.n * 8)
		return (struct sv){ f->type, bytes, 0 };
	for (u32 i = 0; i < f->bits; i++)
		raw |= (u64)(v.p[(first + i) / 8] >> (first + i) % 8 & 1) << i;
	raw = extended(raw, f->bits, f->type->is_signed);
	mem_put64(bytes, raw);
	return (struct sv){ f->type, bytes, 8 };
}

static struct sv part(struct sv v, const struct stype_field *f, u8 bytes[8])
{
	return f->bits ? bits_of(v, f, bytes) : sv_field(v, f);
}

static struct sv element(struct sv v, u32 i)
{
	u64 off = (u64)i * v.type->of->size;

	return off + v.type->of->size > v.n ? (struct sv){v.type->of, v.p, 0}
					    : (struct sv){v.type->of, v.p + off, v.type->of->size};
}

/* ---- leaves: the same text in both forms ---- */

void buf_text(struct sv v, enum buf_style style, struct str *out)
{
	static const char hex[] = "0123456789abcdef";
	u32 len = v.n < 4 ? 0 : MIN(once32(v.p), v.n - 4);

	for (u32 i = 0; i < len; i++) {
		u8 c = v.p[4 + i];
		char x[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

		if (style == BUF_MIXED && c >= 0x20 && c < 0x7f) {
			str_addc(out, (char)c);
		} else if (style == BUF_SPACED) {
			str_addn(out, x + 2, 2);
			if (i + 1 < len)
				str_addc(out, ' ');
		} else {
			str_addn(out, x, 4);
		}
	}
}

static void add_string(struct walk *w, struct sv v)
{
	u32 size = MIN(v.type->size, v.n), len = (u32)strnlen((const char *)v.p, size);

	str_addn(w->out, (const char *)v.p, len);
	/* No room was left for a NUL: the string went on, but an array of char may be full. */
	if (len == v.type->size && !v.type->n && !is_old(w) && w->o->s->str_trailer)
		str_add(w->out, w->o->s->str_trailer);
}

static void add_inet(struct walk *w, struct sv v)
{
	u32 family = once32(v.p);
	char text[INET6_ADDRSTRLEN];

	if ((family == AF_INET || family == AF_INET6) &&
	    inet_ntop((int)family, v.p + 4, text, sizeof(text)))
		str_add(w->out, text);
}

static void add_stack(struct walk *w, struct sv v)
{
	u32 indent = w->style == SV_PLAIN ? 8 : is_old(w) ? 4 : w->style == SV_KEY ? 8 : 0;

	stack_text(&w->o->stacks, v.type, v.p, v.n, indent, w->out);
}

static void add_strerror(struct walk *w, u64 no)
{
	const char *text = strerrordesc_np((int)no);

	if (text)
		str_add(w->out, text);
	else
		str_addf(w->out, "Unknown error %d", (int)no);
}

/* Kinds whose text is a string of JSON; false: it is none of them. */
static bool add_named(struct walk *w, struct sv v)
{
	switch (v.type->kind) {
	case ST_STR:
		add_string(w, v);
		return true;
	case ST_KSYM:
		ksym_text(&w->o->stacks, sv_integer(v), w->out);
		return true;
	case ST_USYM:
		usym_text(&w->o->stacks, once64(v.p), (s32)once32(v.p + 8), once32(v.p + 12),
			  w->out);
		return true;
	case ST_KSTACK:
	case ST_USTACK:
		add_stack(w, v);
		return true;
	case ST_TIMESTAMP:
		name_time(w->o, sv_integer(v), (enum stype_clock)v.type->n, v.type->text, w->out);
		return true;
	case ST_CGROUP:
		name_cgroup(w->o, sv_integer(v), v.type->text, w->out);
		return true;
	case ST_USERNAME:
		name_user(w->o, (u32)sv_integer(v), w->out);
		return true;
	case ST_STRERROR:
		add_strerror(w, sv_integer(v));
		return true;
	case ST_INET:
		add_inet(w, v);
		return true;
	case ST_MAC:
		str_addf(w->out, "%02X:%02X:%02X:%02X:%02X:%02X", v.p[0], v.p[1], v.p[2], v.p[3],
			 v.p[4], v.p[5]);
		return true;
	default:
		return false;
	}
}

/* ---- aggregations: one share, or the sum of all ---- */

struct totals {
	u64 total, count, average;
};

static struct totals totals_of(struct sv v, u64 div)
{
	struct totals t = { .total = once64(v.p), .count = once64(v.p + 8) };

	t.average = divided(divided(t.total, t.count, v.type->is_signed), div, v.type->is_signed);
	if (!t.count)
		t.average = 0;
	return t;
}

/* ---- text ---- */

static void text(struct walk *w, struct sv v, u32 depth);

static bool take_part(struct walk *w)
{
	return w->left && w->left--;
}

static void text_fields(struct walk *w, struct sv v, u32 depth)
{
	bool named = v.type->kind != ST_TUPLE, bare = !depth && !named && w->style != SV_PLAIN;
	bool tight = w->style == SV_JSON_KEY || (w->style == SV_KEY && named && is_old(w));
	u8 bytes[8];

	if (named && !v.type->n_fields) {
		str_add(w->out, "{}");
		return;
	}
	str_add(w->out, bare ? "" : !named ? "(" : tight ? "{" : "{ ");
	for (u32 i = 0; i < v.type->n_fields; i++) {
		const struct stype_field *f = &v.type->fields[i];

		if (!take_part(w))
			break;
		str_add(w->out, !i ? "" : tight ? "," : ", ");
		if (named)
			str_addf(w->out, tight ? ".%s=" : ".%s = ", f->name ? f->name : "");
		text(w, part(v, f, bytes), depth + 1);
	}
	str_add(w->out, bare ? "" : !named ? ")" : tight ? "}" : " }");
}

static void text_array(struct walk *w, struct sv v, u32 depth)
{
	str_addc(w->out, '[');
	for (u32 i = 0; i < v.type->n && take_part(w); i++) {
		if (i)
			str_addc(w->out, ',');
		text(w, element(v, i), depth + 1);
	}
	str_addc(w->out, ']');
}

static void text_stats(struct walk *w, struct sv v)
{
	struct totals t = totals_of(v, is_old(w) ? 0 : w->div);

	str_add(w->out, is_old(w) ? "count " : "{ .count = ");
	add_number(w->out, t.count, false);
	str_add(w->out, is_old(w) ? ", average " : ", .average = ");
	add_number(w->out, t.average, v.type->is_signed);
	str_add(w->out, is_old(w) ? ", total " : ", .total = ");
	add_number(w->out, t.total, v.type->is_signed);
	str_add(w->out, is_old(w) ? "" : " }");
}

static void text_enum(struct walk *w, struct sv v)
{
	u64 n = sv_integer(v);
	const char *name = is_old(w) ? NULL : enumerator(v.type, n);

	if (name)
		str_add(w->out, name);
	else
		add_number(w->out, n, v.type->is_signed);
}

static void text(struct walk *w, struct sv v, u32 depth)
{
	enum stype_kind kind = v.type->kind;

	if (v.n < v.type->size || depth > STYPE_DEPTH_MAX) {
		str_addc(w->out, '?');
		return;
	}
	if (add_named(w, v))
		return;
	switch (kind) {
	case ST_INT:
		/* 0.17 had signed keys. */
		add_number(w->out, divided(sv_integer(v), w->div, v.type->is_signed),
			   v.type->is_signed || (is_old(w) && w->style != SV_PLAIN));
		break;
	case ST_BOOL:
		str_add(w->out, is_old(w) ? *v.p ? "1" : "0" : *v.p ? "true" : "false");
		break;
	case ST_ENUM:
		text_enum(w, v);
		break;
	case ST_PTR:
		str_addf(w->out, is_old(w) && w->style == SV_PLAIN ? "%lu" : "0x%lx",
			 sv_integer(v));
		break;
	case ST_BUF:
		buf_text(v, BUF_MIXED, w->out);
		break;
	case ST_ARRAY:
		text_array(w, v, depth);
		break;
	case ST_STRUCT:
	case ST_TUPLE:
	case ST_RECORD:
		text_fields(w, v, depth);
		break;
	case ST_COUNT:
		add_number(w->out, divided(once64(v.p), w->div, false), false);
		break;
	case ST_SUM:
	case ST_MIN:
	case ST_MAX:
		add_number(w->out, divided(once64(v.p), w->div, v.type->is_signed),
			   v.type->is_signed);
		break;
	case ST_AVG:
		add_number(w->out, totals_of(v, w->div).average, v.type->is_signed);
		break;
	case ST_STATS:
		text_stats(w, v);
		break;
	case ST_HIST:
	case ST_LHIST:
		hist_text(w->o, v, w->div, w->out);
		break;
	case ST_TSERIES:
		series_text(w->o, v, series_last(v), w->out);
		break;
	default:
		str_add(w->out, "null");
	}
}

static u64 parts_max(struct sv v)
{
	return 65536 + 16ul * v.n;
}

void sv_text(struct script_out *o, struct sv v, enum sv_style style, u64 div, struct str *out)
{
	struct walk w = { .o = o, .out = out, .style = style, .div = div, .left = parts_max(v) };

	text(&w, v, 0);
}

/* ---- JSON ---- */

static void json(struct walk *w, struct sv v, u32 depth);

static void json_number(struct walk *w, u64 v, bool is_signed)
{
	if (is_signed)
		js_s64(w->o, w->out, (s64)v);
	else
		js_u64(w->o, w->out, v);
}

static void json_fields(struct walk *w, struct sv v, u32 depth)
{
	bool named = v.type->kind != ST_TUPLE, wide = named && is_old(w);
	u8 bytes[8];

	str_add(w->out, !named ? "[" : wide ? "{ " : "{");
	for (u32 i = 0; i < v.type->n_fields; i++) {
		const struct stype_field *f = &v.type->fields[i];

		if (!take_part(w))
			break;
		if (i)
			str_add(w->out, named ? ", " : ",");
		if (named) {
			js_string(w->out, f->name ? f->name : "", f->name ? strlen(f->name) : 0);
			str_add(w->out, ": ");
		}
		json(w, part(v, f, bytes), depth + 1);
	}
	str_add(w->out, !named ? "]" : wide ? " }" : "}");
}

static void json_array(struct walk *w, struct sv v, u32 depth)
{
	str_addc(w->out, '[');
	for (u32 i = 0; i < v.type->n && take_part(w); i++) {
		if (i)
			str_addc(w->out, ',');
		json(w, element(v, i), depth + 1);
	}
	str_addc(w->out, ']');
}

/* Its bytes as numbers; in 0.17 its text. */
static void json_buf(struct walk *w, struct sv v)
{
	u32 len = MIN(once32(v.p), v.n - 4);
	struct str s = {0};

	if (is_old(w)) {
		buf_text(v, BUF_MIXED, &s);
		js_string(w->out, str_text(&s), s.len);
		str_free(&s);
		return;
	}
	str_addc(w->out, '[');
	for (u32 i = 0; i < len; i++)
		str_addf(w->out, i ? ",%u" : "%u", v.p[4 + i]);
	str_addc(w->out, ']');
}

static void json_stats(struct walk *w, struct sv v)
{
	struct totals t = totals_of(v, is_old(w) ? 0 : w->div);

	str_add(w->out, "{\"count\": ");
	json_number(w, t.count, false);
	str_add(w->out, ", \"average\": ");
	json_number(w, t.average, v.type->is_signed);
	str_add(w->out, ", \"total\": ");
	json_number(w, t.total, v.type->is_signed);
	str_addc(w->out, '}');
}

static bool json_named(struct walk *w, struct sv v)
{
	struct str s = {0}, *out = w->out;
	bool is_named;

	w->out = &s;
	is_named = add_named(w, v);
	w->out = out;
	if (is_named)
		js_string(out, str_text(&s), s.len);
	str_free(&s);
	return is_named;
}

static void json(struct walk *w, struct sv v, u32 depth)
{
	if (v.n < v.type->size || depth > STYPE_DEPTH_MAX) {
		str_add(w->out, "null");
		return;
	}
	if (json_named(w, v))
		return;
	switch (v.type->kind) {
	case ST_INT:
		json_number(w, divided(sv_integer(v), w->div, v.type->is_signed),
			    v.type->is_signed);
		break;
	case ST_BOOL:
		str_add(w->out, is_old(w) ? *v.p ? "1" : "0" : *v.p ? "true" : "false");
		break;
	case ST_ENUM:
		json_number(w, sv_integer(v), v.type->is_signed);
		break;
	case ST_PTR:
		json_number(w, sv_integer(v), false);
		break;
	case ST_BUF:
		json_buf(w, v);
		break;
	case ST_ARRAY:
		json_array(w, v, depth);
		break;
	case ST_STRUCT:
	case ST_TUPLE:
	case ST_RECORD:
		json_fields(w, v, depth);
		break;
	case ST_COUNT:
		json_number(w, divided(once64(v.p), w->div, false), false);
		break;
	case ST_SUM:
	case ST_MIN:
	case ST_MAX:
		json_number(w, divided(once64(v.p), w->div, v.type->is_signed), v.type->is_signed);
		break;
	case ST_AVG:
		json_number(w, totals_of(v, w->div).average, v.type->is_signed);
		break;
	case ST_STATS:
		json_stats(w, v);
		break;
	case ST_HIST:
	case ST_LHIST:
		hist_json(w->o, v, w->div, w->out);
		break;
	case ST_TSERIES:
		series_json(w->o, v, series_last(v), w->out);
		break;
	default:
		str_add(w->out, "null");
	}
}

void sv_json(struct script_out *o, struct sv v, u64 div, struct str *out)
{
	struct walk w = { .o = o, .out = out, .div = div, .left = parts_max(v) };

	json(&w, v, 0);
}

/* ---- order ---- */

static int compare_u64(u64 a, u64 b, bool is_signed)
{
	return is_signed ? ((s64)a > (s64)b) - ((s64)a < (s64)b) : (a > b) - (a < b);
}

static int compare_fields(const struct stype *t, const u8 *a, const u8 *b, u32 n)
{
	for (u32 i = 0; i < t->n_fields; i++) {
		const struct stype_field *f = &t->fields[i];
		int c;

		if (f->off < 0 || (u64)f->off + f->type->size > n)
			continue;
		c = sv_compare(f->type, a + f->off, b + f->off, f->type->size);
		if (c)
			return c;
	}
	return 0;
}

int sv_compare(const struct stype *t, const u8 *a, const u8 *b, u32 n)
{
	int c = 0;

	if (stype_is_scalar(t) && t->size <= n)
		return compare_u64(sv_integer((struct sv){t, a, n}),
				   sv_integer((struct sv){t, b, n}), t->is_signed);
	if (t->kind == ST_STR)
		return strncmp((const char *)a, (const char *)b, MIN(t->size, n));
	if (t->kind == ST_ARRAY && t->of->size) {
		for (u32 i = 0; i < t->n && !c && (u64)(i + 1) * t->of->size <= n; i++)
			c = sv_compare(t->of, a + (u64)i * t->of->size, b + (u64)i * t->of->size,
				       t->of->size);
		return c;
	}
	if (t->kind == ST_TUPLE || t->kind == ST_RECORD || t->kind == ST_STRUCT)
		return compare_fields(t, a, b, n);
	return memcmp(a, b, n);
}

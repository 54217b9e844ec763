/* SPDX-License-Identifier: BSD-2-Clause */
/* output/script_format.c - printf: formats taken apart once, then followed for each record.
 *
 * Conversions do what C's do.  An integer is as wide as its length modifier says; without one an
 * int is meant, and what has 8 bytes is shown whole.
 */
#include "output/script_inner.h"
#include <errno.h>
#include <string.h>

/* ---- taking apart ---- */

static bool push_text(struct out_action *out, const char *text, size_t len, u32 *cap)
{
	struct out_piece *last = out->n_pieces ? &out->pieces[out->n_pieces - 1] : NULL;

	if (last && !last->is_spec && last->text + last->len == text) {
		last->len += (u32)len;
		return true;
	}
	if (!vec_grow((void **)&out->pieces, cap, out->n_pieces + 1ul, sizeof(*out->pieces)))
		return false;
	out->pieces[out->n_pieces++] = (struct out_piece){ .text = text, .len = (u32)len };
	return true;
}

/* The next argument; NULL: there is none. */
static const struct stype_field *take(const struct stype *args, u32 *next)
{
	return args && *next < args->n_fields ? &args->fields[(*next)++] : NULL;
}

static int format_broken(const struct script_action *a, struct diag *dg)
{
	return diag_error(dg, a->at, -EINVAL,
			  "the arguments of %s are not those that its format wants",
			  script_action_text(a->kind));
}

int script_format_prepare(struct script_out *o, const struct script_action *a, struct diag *dg,
		   struct out_action *out)
{
	const char *at = a->text;
	struct format_piece p;
	u32 cap = 0, next = 0;

	/* Without arguments 0.17 printed the format as it is, "%%" too. */
	if (o->s->compat == 17 && (!a->args || !a->args->n_fields))
		return push_text(out, at, strlen(at), &cap) ? 0 : -ENOMEM;
	while (format_next(&at, o->s->compat, &p)) {
		struct out_piece *piece;

		if (!push_text(out, p.is_spec ? NULL : p.text, p.is_spec ? 0 : p.len, &cap))
			return -ENOMEM;
		if (!p.is_spec)
			continue;
		piece = &out->pieces[out->n_pieces - 1];
		*piece = (struct out_piece){ .is_spec = true, .spec = p.spec };
		if (p.spec.star_width && !(piece->width = take(a->args, &next)))
			return format_broken(a, dg);
		if (p.spec.star_precision && !(piece->precision = take(a->args, &next)))
			return format_broken(a, dg);
		piece->value = take(a->args, &next);
		if (!piece->value || !format_takes(p.spec.conv, piece->value->type))
			return format_broken(a, dg);
	}
	return a->args && next < a->args->n_fields ? format_broken(a, dg) : 0;
}

/* ---- following ---- */

struct number {
	char digits[24];
	u32 n;              /* of digits, the last ones of the array */
	const char *prefix; /* sign or "0x" */
};

static void number_of(const struct format_spec *f, u64 v, struct number *out)
{
	u32 base = f->conv == FORMAT_OCT ? 8 : f->conv == FORMAT_HEX || f->conv == FORMAT_HEX_UP ||
					       f->conv == FORMAT_PTR ? 16 : 10;
	const char *digits = f->conv == FORMAT_HEX_UP ? "0123456789ABCDEF" : "0123456789abcdef";
	bool is_signed = f->conv == FORMAT_DEC || f->conv == FORMAT_INT;
	bool minus = is_signed && (s64)v < 0;
	u64 rest = minus ? 0 - v : v;
	u32 at = sizeof(out->digits);

	out->prefix = minus ? "-" : !is_signed ? "" : f->plus ? "+" : f->space ? " " : "";
	if (f->conv == FORMAT_PTR || (f->alt && v && base == 16))
		out->prefix = f->conv == FORMAT_HEX_UP ? "0X" : "0x";
	if (base == 10)
		for (; rest; rest /= 10)
			out->digits[--at] = (char)('0' + rest % 10);
	else
		for (; rest; rest /= base)
			out->digits[--at] = digits[rest % base];
	if (f->alt && base == 8 && v)
		out->digits[--at] = '0';
	if (at == sizeof(out->digits) && f->precision != 0)
		out->digits[--at] = '0';
	out->n = (u32)sizeof(out->digits) - at;
}

static void add_many(struct str *out, char c, u32 n)
{
	static const char blanks[] = "                                ",
			  zeros[] = "00000000000000000000000000000000";

	for (; n > 32; n -= 32)
		str_addn(out, c == '0' ? zeros : blanks, 32);
	str_addn(out, c == '0' ? zeros : blanks, n);
}

static void add_number(const struct format_spec *f, u64 v, struct str *out)
{
	struct number n;
	u32 prefix, zeros, len;

	number_of(f, v, &n);
	prefix = (u32)strlen(n.prefix);
	zeros = f->precision > (s32)n.n ? (u32)f->precision - n.n : 0;
	len = prefix + zeros + n.n;
	if (f->zero && !f->left && f->precision < 0 && f->width > len) {
		zeros += f->width - len;
		len = f->width;
	}
	if (!f->left && f->width > len)
		add_many(out, ' ', f->width - len);
	str_addn(out, n.prefix, prefix);
	add_many(out, '0', zeros);
	str_addn(out, n.digits + sizeof(n.digits) - n.n, n.n);
	if (f->left && f->width > len)
		add_many(out, ' ', f->width - len);
}

/* The integer as wide as the conversion takes it: where no length is given all of it, as whoever writes %d of
 * nsecs means it, but of 0.17 an int. */
static u64 narrowed(const struct script_out *o, const struct format_spec *f, struct sv v)
{
	u64 n = sv_integer(v);
	bool is_whole = f->length == LENGTH_INT && o->s->compat != 17;
	u32 bytes = is_whole ? MAX(v.type->size, 4u) : format_bytes(f);
	bool is_signed = f->conv == FORMAT_DEC || f->conv == FORMAT_INT;

	switch (bytes) {
	case 1: return is_signed ? (u64)(s64)(s8)n : (u8)n;
	case 2: return is_signed ? (u64)(s64)(s16)n : (u16)n;
	case 4: return is_signed ? (u64)(s64)(s32)n : (u32)n;
	default: return n;
	}
}

/* A text in its width; a precision cuts it. */
static void add_text(const struct format_spec *f, const char *text, size_t len, struct str *out)
{
	if (f->precision >= 0)
		len = MIN(len, (size_t)f->precision);
	if (!f->left && f->width > len)
		add_many(out, ' ', f->width - (u32)len);
	str_addn(out, text, len);
	if (f->left && f->width > len)
		add_many(out, ' ', f->width - (u32)len);
}

static void long_text(struct script_out *o, const struct format_spec *f, struct sv v,
		      struct str *out)
{
	switch (f->conv) {
	case FORMAT_BUF: buf_text(v, BUF_MIXED, out); break;
	case FORMAT_BUF_HEX: buf_text(v, BUF_ESCAPED, out); break;
	case FORMAT_BUF_PLAIN: buf_text(v, BUF_SPACED, out); break;
	case FORMAT_GFP: name_gfp(sv_integer(v), out); break;
	default: sv_text(o, v, SV_PLAIN, 0, out);
	}
}

static void add_value(struct script_out *o, const struct format_spec *f, struct sv v,
		      struct str *out)
{
	char c;

	switch (f->conv) {
	case FORMAT_DEC:
	case FORMAT_INT:
	case FORMAT_UNS:
	case FORMAT_OCT:
	case FORMAT_HEX:
	case FORMAT_HEX_UP:
		add_number(f, narrowed(o, f, v), out);
		return;
	case FORMAT_PTR:
		if (sv_integer(v))
			add_number(f, sv_integer(v), out);
		else
			add_text(f, o->s->compat == 17 ? "(nil)" : "0", o->s->compat == 17 ? 5 : 1,
				 out);
		return;
	case FORMAT_CHAR:
		c = (char)sv_integer(v);
		add_text(f, &c, 1, out);
		return;
	default:
		break;
	}
	if (!f->width && f->precision < 0) {
		long_text(o, f, v, out);
		return;
	}
	str_clear(&o->value_text);
	long_text(o, f, v, &o->value_text);
	add_text(f, str_text(&o->value_text), o->value_text.len, out);
}

/* A '*': a width below zero means to the left, a precision below zero none. */
static void apply_stars(const struct out_piece *p, struct sv args, struct format_spec *f)
{
	if (p->width) {
		s64 width = (s64)sv_integer(sv_field(args, p->width));

		f->left |= width < 0;
		f->width = (u32)MIN(width < 0 ? 0 - (u64)width : (u64)width, (u64)FORMAT_WIDTH_MAX);
	}
	if (p->precision) {
		s64 precision = (s64)sv_integer(sv_field(args, p->precision));

		f->precision = precision < 0 ? -1 : (s32)MIN(precision, (s64)FORMAT_WIDTH_MAX);
	}
}

void format_text(struct script_out *o, const struct out_action *a, const u8 *rec, u32 size,
		 struct str *out)
{
	struct sv args = { a->a->args, rec, size };

	for (u32 i = 0; i < a->n_pieces; i++) {
		const struct out_piece *p = &a->pieces[i];

		if (!p->is_spec) {
			str_addn(out, p->text, p->len);
		} else if (!p->width && !p->precision) {
			add_value(o, &p->spec, sv_field(args, p->value), out);
		} else {
			struct format_spec f = p->spec;

			apply_stars(p, args, &f);
			add_value(o, &f, sv_field(args, p->value), out);
		}
	}
}

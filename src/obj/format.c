/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/format.c - format strings of printf and its kin, taken apart. */
#include "obj/format.h"
#include "obj/stype.h"
#include <ctype.h>
#include <string.h>

enum { I, B, A, N };   /* what a conversion takes */
enum { L = 1, O = 2 }; /* flags */

static const struct conv {
	const char *letters;
	u8 takes, flags;
} convs[] = {
#define CONV(name, letters, takes, flags) {letters, takes, flags},
#include "obj/format.def"
#undef CONV
};

static const struct {
	const char *text;
	enum format_length length;
	u32 bytes;
} lengths[] = {
	{"hh", LENGTH_HH, 1}, {"h", LENGTH_H, 2}, {"ll", LENGTH_LL, 8}, {"l", LENGTH_L, 8},
	{"j", LENGTH_J, 8},   {"z", LENGTH_Z, 8}, {"t", LENGTH_T, 8},	{"L", LENGTH_LL, 8},
};

static const char *flags_read(const char *p, bool is_old, struct format_spec *f)
{
	for (;; p++) {
		if (*p == '-' && !(is_old && (f->left || f->zero)))
			f->left = true;
		else if (*p == '0')
			f->zero = true;
		else if (*p == '+' && !is_old)
			f->plus = true;
		else if (*p == ' ' && !is_old)
			f->space = true;
		else if (*p == '#' && !is_old)
			f->alt = true;
		else
			return p;
	}
}

/* Digits or '*'. */
static const char *number_read(const char *p, bool is_old, struct format_spec *f, u32 *value,
			       bool *star)
{
	*value = 0;
	if (*p == '*' && !is_old) {
		*star = true;
		return p + 1;
	}
	for (; isdigit((u8)*p); p++) {
		*value = *value * 10 + (u32)(*p - '0');
		if (*value > FORMAT_WIDTH_MAX) {
			*value = FORMAT_WIDTH_MAX;
			f->too_wide = true;
		}
	}
	return p;
}

static const char *length_read(const char *p, struct format_spec *f)
{
	for (u32 i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		if (str_starts(p, lengths[i].text)) {
			f->length = lengths[i].length;
			return p + strlen(lengths[i].text);
		}
	}
	return p;
}

/* Behind a '%': the end of the conversion, or NULL where there is none. */
static const char *spec_read(const char *p, bool is_old, struct format_spec *f)
{
	u32 n;

	*f = (struct format_spec){.precision = -1};
	p = flags_read(p, is_old, f);
	p = number_read(p, is_old, f, &f->width, &f->star_width);
	if (*p == '.') {
		if (is_old && !isdigit((u8)p[1]))
			return NULL;
		p = number_read(p + 1, is_old, f, &n, &f->star_precision);
		f->precision = (s32)n;
	}
	p = length_read(p, f);
	for (u32 i = 0; i < sizeof(convs) / sizeof(convs[0]); i++) {
		const struct conv *c = &convs[i];

		if (!str_starts(p, c->letters) || (is_old && !(c->flags & O)))
			continue;
		if (is_old && f->length != LENGTH_INT && !(c->flags & L))
			return NULL;
		f->conv = (enum format_conv)i;
		return p + strlen(c->letters);
	}
	return NULL;
}

bool format_next(const char **at, u32 compat, struct format_piece *out)
{
	const char *p = *at, *end;
	bool is_old = compat == 17;

	*out = (struct format_piece){.text = p};
	if (!*p)
		return false;
	if (p[0] == '%' && p[1] == '%') {
		out->text = p + 1;
		out->len = 1;
		*at = p + 2;
		return true;
	}
	if (*p == '%' && (end = spec_read(p + 1, is_old, &out->spec))) {
		out->is_spec = true;
	} else {
		end = strchr(p + 1, '%');
		if (!end)
			end = p + strlen(p);
	}
	out->len = (size_t)(end - p);
	*at = end;
	return true;
}

const char *format_conv_text(enum format_conv c)
{
	return convs[c].letters;
}

bool format_is_foreign(enum format_conv c)
{
	return convs[c].takes == N;
}

bool format_takes(enum format_conv c, const struct stype *t)
{
	switch (convs[c].takes) {
	case I:
		return t->kind == ST_INT || t->kind == ST_BOOL || t->kind == ST_ENUM ||
		       t->kind == ST_PTR;
	case B:
		return t->kind == ST_BUF;
	case A:
		return t->kind != ST_NONE && t->kind != ST_VOID;
	default:
		return false;
	}
}

u32 format_bytes(const struct format_spec *f)
{
	if (f->conv == FORMAT_CHAR)
		return 1;
	if (f->conv == FORMAT_PTR || f->conv == FORMAT_GFP)
		return 8;
	for (u32 i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		if (lengths[i].length == f->length)
			return lengths[i].bytes;
	return 4;
}

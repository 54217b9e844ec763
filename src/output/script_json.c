/* SPDX-License-Identifier: BSD-2-Clause */
/* output/script_json.c - strings and numbers of JSON, and the object that each record becomes. */
#include "output/script_inner.h"
#include <string.h>

/* What is no UTF-8 becomes the replacement character, so that the whole stays JSON. */
void js_string(struct str *out, const char *s, size_t n)
{
	str_addc(out, '"');
	for (size_t i = 0; i < n;) {
		u8 c = (u8)s[i];
		size_t plain = i;
		u32 len;

		while (plain < n && (u8)s[plain] >= 0x20 && (u8)s[plain] < 0x80 &&
		       s[plain] != '"' && s[plain] != '\\')
			plain++;
		if (plain > i) {
			str_addn(out, s + i, plain - i);
			i = plain;
			continue;
		}
		len = str_utf8_len(s + i, n - i);
		switch (c) {
		case '"': str_add(out, "\\\""); break;
		case '\\': str_add(out, "\\\\"); break;
		case '\n': str_add(out, "\\n"); break;
		case '\r': str_add(out, "\\r"); break;
		case '\t': str_add(out, "\\t"); break;
		default:
			if (c < 0x20)
				str_addf(out, "\\u%04x", c);
			else if (len)
				str_addn(out, s + i, len);
			else
				str_add(out, "\\ufffd");
		}
		i += MAX(len, 1u);
	}
	str_addc(out, '"');
}

/* Can a double hold it? */
static bool is_exact(u64 magnitude)
{
	return !magnitude || 64 - __builtin_clzll(magnitude) - __builtin_ctzll(magnitude) <= 53;
}

void js_s64(const struct script_out *o, struct str *out, s64 v)
{
	bool exact = o->s->compat == 17 || is_exact(v < 0 ? 0 - (u64)v : (u64)v);

	str_addf(out, exact ? "%ld" : "\"%ld\"", v);
}

void js_u64(const struct script_out *o, struct str *out, u64 v)
{
	str_addf(out, o->s->compat == 17 || is_exact(v) ? "%lu" : "\"%lu\"", v);
}

void js_begin(struct str *out, const char *type)
{
	str_add(out, "{\"type\": \"");
	str_add(out, type);
	str_add(out, "\", \"data\": ");
}

void js_end(struct str *out)
{
	str_add(out, "}\n");
}

void js_text(struct str *out, const char *type, const char *s, size_t n)
{
	js_begin(out, type);
	js_string(out, s, n);
	js_end(out);
}

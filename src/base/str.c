/* SPDX-License-Identifier: BSD-2-Clause */
/* base/str.c - growing text. */
#include "base/str.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool str_reserve(struct str *s, size_t more)
{
	size_t need = s->len + more + 1, cap = MAX(s->cap * 2, (size_t)64);
	char *grown;

	if (need < more || s->failed)
		goto fail;
	if (need <= s->cap)
		return true;
	cap = MAX(cap, need);
	grown = realloc(s->p, cap);
	if (!grown)
		goto fail;
	s->p = grown;
	s->cap = cap;
	return true;
fail:
	s->failed = true;
	return false;
}

void str_addn(struct str *s, const char *text, size_t n)
{
	if (!str_reserve(s, n))
		return;
	memcpy(s->p + s->len, text, n);
	s->len += n;
	s->p[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_addn(s, text, strlen(text));
}

void str_addc(struct str *s, char c)
{
	str_addn(s, &c, 1);
}

void str_vaddf(struct str *s, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || !str_reserve(s, (size_t)n)) {
		s->failed = true;
		return;
	}
	vsnprintf(s->p + s->len, (size_t)n + 1, fmt, ap);
	s->len += (size_t)n;
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(s, fmt, ap);
	va_end(ap);
}

void str_pad(struct str *s, size_t start, size_t width)
{
	while (s->len < start + width && !s->failed)
		str_addc(s, ' ');
}

const char *str_text(const struct str *s)
{
	return s->p ? s->p : "";
}

char *str_take(struct str *s)
{
	char *p = s->failed ? NULL : s->p ? s->p : strdup("");

	if (s->failed)
		free(s->p);
	*s = (struct str){0};
	return p;
}

void str_clear(struct str *s)
{
	s->len = 0;
	s->failed = false;
	if (s->p)
		s->p[0] = '\0';
}

void str_free(struct str *s)
{
	free(s->p);
	*s = (struct str){0};
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool str_glob(const char *pattern, const char *name)
{
	const char *star = NULL, *retry = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = name;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

u32 str_distance(const char *a, const char *b, size_t n)
{
	enum { LEN = 64 };
	u32 row[LEN + 1]; /* row[j]: edits between what of a was seen and j bytes of b */
	size_t m = strnlen(a, LEN);

	n = MIN(n, (size_t)LEN);
	for (u32 j = 0; j <= n; j++)
		row[j] = j;
	for (u32 i = 1; i <= m; i++) {
		u32 diagonal = row[0];

		row[0] = i;
		for (u32 j = 1; j <= n; j++) {
			u32 above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);

			row[j] = MIN(best, MIN(above, row[j - 1]) + 1);
			diagonal = above;
		}
	}
	return row[n];
}

u32 str_utf8_len(const char *text, size_t n)
{
	const u8 *s = (const u8 *)text;
	u32 len = s[0] < 0x80   ? 1
		  : s[0] < 0xc2 ? 0
		  : s[0] < 0xe0 ? 2
		  : s[0] < 0xf0 ? 3
		  : s[0] < 0xf5 ? 4
				: 0;

	if (!len || len > n)
		return 0;
	for (u32 i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than need be, half of a surrogate pair, above U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int str_to_u64(const char *s, u64 *out)
{
	char *end;
	u64 v;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, 0);
	if (*end || end == s)
		return -EINVAL;
	if (errno)
		return -ERANGE;
	*out = v;
	return 0;
}

int str_to_s64(const char *s, s64 *out)
{
	bool negative = *s == '-';
	u64 v;
	int err = str_to_u64(s + (negative || *s == '+'), &v);

	if (err)
		return err;
	if (v > (u64)INT64_MAX + negative)
		return -ERANGE;
	*out = negative ? (s64)(0 - v) : (s64)v;
	return 0;
}

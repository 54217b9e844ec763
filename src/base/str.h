/* SPDX-License-Identifier: BSD-2-Clause */
/* base/str.h - text that grows, and questions about strings.
 *
 * Appending never fails loudly: when memory runs out the text stays as it was and failed is set, so
 * a writer checks once at the end.
 */
#pragma once
#include "base/types.h"
#include <stdarg.h>

struct str {
	char *p;     /* owned; NUL-terminated once anything was added, else NULL */
	size_t len;  /* without the NUL */
	size_t cap;
	bool failed; /* an append was lost */
};

void str_add(struct str *s, const char *text);
void str_addn(struct str *s, const char *text, size_t n);
void str_addc(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_vaddf(struct str *s, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Pads with blanks until the text is width long, counted from offset start. */
void str_pad(struct str *s, size_t start, size_t width);
const char *str_text(const struct str *s); /* never NULL; valid until the next append */
char *str_take(struct str *s);             /* caller frees; s is empty after; NULL on failure */
void str_clear(struct str *s);             /* keeps the memory */
void str_free(struct str *s);

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* Shell-style match with '*' and '?' only, over the whole of name.  Linear in time for one star,
 * quadratic at worst. */
bool str_glob(const char *pattern, const char *name);

/* Edits (insert, drop, replace a byte) that make a of b, whose length is n; for the nearest name in a
 * message.  Of both at most 64 bytes count. */
u32 str_distance(const char *a, const char *b, size_t n);

/* Bytes of the UTF-8 character at s, at most n (above 0) of them; 0: it is none (RFC 3629, section 4). */
u32 str_utf8_len(const char *s, size_t n);

/* What a hex digit stands for, or -1. */
int hex_digit(char c);

/* Whole-string number in C notation (0x, 0, decimal, optional sign).  Returns 0, or -EINVAL when it
 * is no number and -ERANGE when it does not fit; *out is then untouched. */
int str_to_u64(const char *s, u64 *out);
int str_to_s64(const char *s, s64 *out);

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/cdecl/scan.c - tokens of C.
 *
 * A backslash at the end of a line joins it with the next: seen by peek() and step(), so that it may stand
 * anywhere.  Nothing is refused here: what is no token of C is CT_OTHER.
 */
#include "lang/cdecl/priv.h"
#include <errno.h>
#include <stdio.h>

static const struct {
	const char *text;
	u32 word;
} words[] = {
#define CWORD(text, what) { text, CW_##what },
#include "lang/cdecl/word.def"
#undef CWORD
};

struct cname *cname_find(struct ctypes *c, const char *text)
{
	u32 at;

	return strmap_get(&c->by_text, text, &at) ? c->names.p[at] : NULL;
}

struct cname *cname_get(struct ctypes *c, const char *text, size_t len)
{
	char buf[CNAME_MAX + 1];
	struct cname *n;

	len = MIN(len, (size_t)CNAME_MAX);
	memcpy(buf, text, len);
	buf[len] = '\0';
	n = cname_find(c, buf);
	if (n)
		return n;
	n = arena_alloc(&c->arena, sizeof(*n));
	n->text = arena_strdup(&c->arena, buf);
	if (len > 2)
		for (u32 i = 0; i < ARRAY_SIZE(words) && !n->word; i++)
			if (strcmp(words[i].text, buf) == 0)
				n->word = words[i].word;
	if (vec_push(&c->names, n) && strmap_set(&c->by_text, n->text, c->names.n - 1))
		c->names.n--;
	return n;
}

/* ---- characters ---- */

/* Passes over joined lines before the next character. */
static void join(struct csource *s)
{
	while (s->p < s->end && *s->p == '\\') {
		const char *q = s->p + 1;

		if (q < s->end && *q == '\r')
			q++;
		if (q >= s->end || *q != '\n')
			return;
		s->p = q + 1;
		s->line++;
		s->line_at = s->p;
	}
}

/* The next character, 0 at the end. */
static char peek(struct csource *s)
{
	join(s);
	return s->p < s->end ? *s->p : '\0';
}

static void step(struct csource *s)
{
	if (s->p >= s->end)
		return;
	if (*s->p++ == '\n') {
		s->line++;
		s->line_at = s->p;
	}
	join(s);
}

static char peek2(struct csource *s)
{
	struct csource ahead = *s;

	step(&ahead);
	return peek(&ahead);
}

static bool is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\f' || ch == '\v';
}

static bool is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

static bool is_letter(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_' || ch == '$' ||
	       (u8)ch >= 0x80;
}

static void comment(struct csource *s)
{
	bool block = (step(s), peek(s)) == '*';

	step(s);
	while (s->p < s->end) {
		char ch = peek(s);

		if (!block && ch == '\n')
			return;
		if (block && ch == '*' && peek2(s) == '/') {
			step(s);
			step(s);
			return;
		}
		step(s);
	}
}

/* Blanks, ends of lines and comments: notes what they were. */
static void blanks(struct csource *s, struct ctok *t)
{
	for (;;) {
		char ch = peek(s);

		if (s->p >= s->end)
			return;
		if (ch == '\n') {
			s->bol = true;
		} else if (ch == '/' && (peek2(s) == '/' || peek2(s) == '*')) {
			comment(s);
			t->space = true;
			continue;
		} else if (!is_blank(ch) && ch != '\0') {
			return;
		}
		t->space = true;
		step(s);
	}
}

/* ---- tokens ---- */

static void scan_name(struct csource *s)
{
	while (s->p < s->end && (is_letter(peek(s)) || is_digit(peek(s))))
		step(s);
}

/* A preprocessing number: digits, letters, dots, and signs behind an exponent. */
static void scan_number(struct csource *s)
{
	char before = '\0';

	while (s->p < s->end) {
		char ch = peek(s);
		bool sign = (ch == '+' || ch == '-') &&
			    (before == 'e' || before == 'E' || before == 'p' || before == 'P');

		if (!is_letter(ch) && !is_digit(ch) && ch != '.' && !sign)
			return;
		before = ch;
		step(s);
	}
}

/* Up to its quote; false where the line ends first. */
static bool scan_quoted(struct csource *s, char quote)
{
	step(s);
	while (s->p < s->end && peek(s) != '\n') {
		char ch = peek(s);

		step(s);
		if (ch == quote)
			return true;
		if (ch == '\\' && s->p < s->end && peek(s) != '\n')
			step(s);
	}
	return false;
}

static void scan_punct(struct csource *s, struct ctok *t)
{
	static const char three[][4] = { "<<=", ">>=", "..." };
	static const char two[][3] = { "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "->", "++",
				       "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "##" };
	char first = peek(s), second = peek2(s);

	t->kind = strchr("(){}[];,:?.+-*/%&|^~!<>=#", first) ? CT_PUNCT : CT_OTHER;
	t->op = (u8)first;
	step(s);
	for (u32 i = 0; i < ARRAY_SIZE(three); i++)
		if (first == three[i][0] && second == three[i][1] && peek2(s) == three[i][2]) {
			t->op = OP3((u8)first, (u8)second, (u8)three[i][2]);
			step(s);
			step(s);
			return;
		}
	for (u32 i = 0; i < ARRAY_SIZE(two); i++)
		if (first == two[i][0] && second == two[i][1]) {
			t->op = OP2((u8)first, (u8)second);
			step(s);
			return;
		}
}

/* Text of a token that joined lines go through: without them. */
static void take_joined(struct ctypes *c, struct ctok *t)
{
	char *text;
	u32 n = 0;

	if (!memchr(t->p, '\\', t->len) || !memchr(t->p, '\n', t->len))
		return;
	text = arena_alloc(&c->arena, t->len + 1);
	for (u32 i = 0; i < t->len; i++) {
		u32 end = i + 1 + (i + 1 < t->len && t->p[i + 1] == '\r');

		if (t->p[i] == '\\' && end < t->len && t->p[end] == '\n')
			i = end;
		else
			text[n++] = t->p[i];
	}
	t->p = text;
	t->len = n;
}

void ctok_scan(struct ctypes *c, struct csource *s, struct ctok *t)
{
	char ch;

	memset(t, 0, sizeof(*t));
	blanks(s, t);
	t->bol = s->bol;
	t->file = s->file;
	t->line = s->line;
	t->p = s->p;
	t->col = (u32)(s->p - s->line_at) + 1;
	if (s->p >= s->end) {
		t->p = "";
		return;
	}
	s->bol = false;
	ch = peek(s);
	if (is_letter(ch)) {
		t->kind = CT_NAME;
		scan_name(s);
		/* L"x", u8"x" */
		if ((peek(s) == '"' || peek(s) == '\'') && s->p - t->p <= 2 && strchr("LuU", *t->p)) {
			ch = peek(s);
			t->kind = ch == '"' ? CT_STRING : CT_CHAR;
			if (!scan_quoted(s, ch))
				t->kind = CT_OTHER;
		}
	} else if (is_digit(ch) || (ch == '.' && is_digit(peek2(s)))) {
		t->kind = CT_NUMBER;
		scan_number(s);
	} else if (ch == '"' || ch == '\'') {
		t->kind = ch == '"' ? CT_STRING : CT_CHAR;
		if (!scan_quoted(s, ch))
			t->kind = CT_OTHER;
	} else {
		scan_punct(s, t);
	}
	t->len = (u32)(s->p - t->p);
	take_joined(c, t);
	if (t->kind == CT_NAME) {
		t->name = cname_get(c, t->p, t->len);
		t->p = t->name->text;
		t->len = (u32)strlen(t->p);
	}
}

bool ctok_is(const struct ctok *t, u32 op)
{
	return t->kind == CT_PUNCT && t->op == op;
}

/* One escape behind its backslash: the number of characters it took. */
static u32 escape(const char *p, const char *end, char *out)
{
	static const char letters[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
	const char *found = *p ? strchr(letters, *p) : NULL;
	u32 v = 0, n = 0;

	if (found) {
		*out = values[found - letters];
		return 1;
	}
	if (*p == 'x') {
		for (n = 1; p + n < end && hex_digit(p[n]) >= 0; n++)
			v = v * 16 + (u32)hex_digit(p[n]);
	} else if (*p >= '0' && *p <= '7') {
		for (; n < 3 && p + n < end && p[n] >= '0' && p[n] <= '7'; n++)
			v = v * 8 + (u32)(p[n] - '0');
	} else {
		v = (u8)*p;
		n = 1;
	}
	*out = (char)v;
	return n;
}

s64 ctok_unescape(const struct ctok *t, char *out, size_t room)
{
	const char *p = t->p, *end = t->p + t->len - 1;
	size_t n = 0;

	while (*p != '"' && *p != '\'')
		p++;
	for (p++; p < end; n++) {
		if (n >= room)
			return -1;
		if (*p != '\\' || p + 1 >= end) {
			out[n] = *p++;
			continue;
		}
		p++;
		p += escape(p, end, &out[n]);
	}
	return (s64)n;
}

/* ---- mistakes ---- */

/* The line of a mistake in the text at hand, and a mark under its place. */
static void show(struct ctypes *c, const struct ctok *at)
{
	const char *p = c->text, *end = c->text + c->text_len, *stop;
	u32 line = c->files.p[at->file].first_line;
	struct str marks = {0};

	if (at->file != c->text_file)
		return;
	for (; line < at->line && p < end; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		p = nl ? nl + 1 : end;
	}
	stop = memchr(p, '\n', (size_t)(end - p));
	stop = stop ? stop : end;
	if (at->col == 0 || at->col - 1 > (u64)(stop - p) || stop - p > 400)
		return;
	for (u32 i = 0; i + 1 < at->col; i++)
		str_addc(&marks, p[i] == '\t' ? '\t' : ' ');
	str_addc(&marks, '^');
	for (u32 i = 1; i < at->len && at->col + i <= (u64)(stop - p); i++)
		str_addc(&marks, '~');
	diag_note(c->dg, (struct place){0}, "  %.*s", (int)(stop - p), p);
	diag_note(c->dg, (struct place){0}, "  %s", str_text(&marks));
	str_free(&marks);
}

void cdecl_error(struct ctypes *c, const struct ctok *at, const char *fmt, ...)
{
	struct cfile *f = &c->files.p[MIN(at->file, c->files.n - 1)];
	struct place where = { .file = f->name, .line = at->line, .col = at->col };
	char text[512];
	va_list ap;

	if (f->is_system || !c->text)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (f->is_include) {
		diag_note(c->dg, where, "%s", text);
		return;
	}
	c->failed = true;
	diag_error(c->dg, where, -EINVAL, "%s", text);
	show(c, at);
}

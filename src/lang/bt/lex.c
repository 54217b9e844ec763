/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/lex.c - the source as tokens.
 *
 * Numbers: decimal, octal, hex, with _ between digits; 1e6; a suffix u, l, ll and their mixtures is
 * dropped; ns us ms s m h d makes nanoseconds.  Strings: \n \t \r \" \\ \a \b \f \v, \0nn octal, \xnn.
 */
#include "lang/bt/lex.h"
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char at(const struct lexer *l, u32 off)
{
	return off < l->p->len ? l->p->text[off] : '\0';
}

static bool is_name(char c)
{
	return isalnum((u8)c) || c == '_';
}

static void complain(struct lexer *l, struct span where, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void complain(struct lexer *l, struct span where, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (where.from < l->reported)
		return;
	l->reported = MAX(where.to, where.from + 1);
	l->failed = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bt_error(l->p, l->dg, where, -EINVAL, "%s", text);
}

static const char *copy(struct lexer *l, u32 from, u32 to)
{
	char *s = arena_alloc(&l->p->arena, to - from + 1);

	memcpy(s, l->p->text + from, to - from);
	return s;
}

static void keep_comment(struct lexer *l, u32 from, u32 to)
{
	u32 line = from;

	while (line && at(l, line - 1) != '\n' && isspace((u8)at(l, line - 1)))
		line--;
	if (!vec_push(&l->comments,
		      ((struct comment){ { from, to }, !line || at(l, line - 1) == '\n' })))
		l->failed = true;
}

u32 lex_comment_end(const struct lexer *l, u32 off)
{
	const char *end;

	if (at(l, off) != '/')
		return off;
	if (at(l, off + 1) == '/') {
		while (off < l->p->len && l->p->text[off] != '\n')
			off++;
		return off;
	}
	if (at(l, off + 1) != '*')
		return off;
	end = strstr(l->p->text + off + 2, "*/");
	return end ? (u32)(end - l->p->text) + 2 : l->p->len;
}

void lex_skip(struct lexer *l)
{
	for (;;) {
		u32 end;

		while (isspace((u8)at(l, l->off)))
			l->off++;
		end = lex_comment_end(l, l->off);
		if (end == l->off)
			return;
		if (at(l, l->off + 1) == '*' && (end < l->off + 4 || at(l, end - 1) != '/'))
			complain(l, (struct span){ l->off, l->off + 2 }, "comment without an end");
		keep_comment(l, l->off, end);
		l->off = end;
	}
}

bool lex_ends_predicate(const struct lexer *l, u32 off)
{
	for (off++;;) {
		u32 end;

		while (isspace((u8)at(l, off)))
			off++;
		end = lex_comment_end(l, off);
		if (end == off)
			return at(l, off) == '{';
		off = end;
	}
}

/* ---- numbers ---- */

static const struct {
	const char *text;
	u64 ns;
} units[] = {
	{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 },
	{ "m", 60000000000 }, { "h", 3600000000000 }, { "d", 86400000000000 },
};

static bool mul_add(u64 *v, u64 by, u64 plus)
{
	return !__builtin_mul_overflow(*v, by, v) && !__builtin_add_overflow(*v, plus, v);
}

/* What letters behind a number do to it; false: nothing that means something. */
static bool suffix(const char *s, size_t n, u64 *v, bool *fits)
{
	u64 power = 1;

	for (u32 i = 0; i < ARRAY_SIZE(units); i++)
		if (strlen(units[i].text) == n && !strncmp(units[i].text, s, n)) {
			*fits &= mul_add(v, units[i].ns, 0);
			return true;
		}
	if (n > 1 && (*s == 'e' || *s == 'E')) {
		u32 exp = 0;

		for (size_t i = 1; i < n; i++) {
			if (!isdigit((u8)s[i]))
				return false;
			exp = MIN(exp * 10 + (u32)(s[i] - '0'), 100u);
		}
		while (exp--)
			*fits &= mul_add(&power, 10, 0);
		*fits &= mul_add(v, power, 0);
		return true;
	}
	for (size_t i = 0; i < n; i++)
		if (!strchr("uUlL", s[i]))
			return false;
	return n <= 3;
}

static struct token number(struct lexer *l)
{
	struct token t = { .kind = TOK_INT, .at = { l->off, l->off }, .text = "" };
	u32 base = 10, from = l->off, digits;
	bool fits = true;

	if (at(l, from) == '0' && (at(l, from + 1) | 0x20) == 'x') {
		base = 16;
		l->off += 2;
	} else if (at(l, from) == '0' && isdigit((u8)at(l, from + 1))) {
		base = 8;
	}
	digits = l->off;
	for (;; l->off++) {
		s32 d = hex_digit(at(l, l->off));

		if (at(l, l->off) == '_' && l->off > digits)
			continue;
		if (d < 0 || (u32)d >= base)
			break;
		fits &= mul_add(&t.value, base, (u32)d);
	}
	u32 end = l->off;

	while (is_name(at(l, l->off)))
		l->off++;
	t.at.to = l->off;
	t.text = copy(l, from, l->off);
	/* an integer it is, even so: the parser needs no mistake of its own */
	if (end == digits || isdigit((u8)at(l, end)))
		complain(l, t.at, "invalid integer: %s", t.text);
	else if (!suffix(l->p->text + end, l->off - end, &t.value, &fits))
		complain(l, (struct span){ end, l->off }, "'%s' means nothing behind an integer", t.text + (end - from));
	else if (!fits)
		complain(l, t.at, "integer does not fit 64 bits: %s", t.text);
	return t;
}

/* ---- strings ---- */

static char escape(struct lexer *l, u32 *off)
{
	static const char from[] = "ntr\"\\abfv'", to[] = "\n\t\r\"\\\a\b\f\v'";
	char c = at(l, *off);
	const char *hit = c ? strchr(from, c) : NULL;
	u32 v = 0, n = 0;

	if (hit) {
		++*off;
		return to[hit - from];
	}
	if (c == 'x' && hex_digit(at(l, *off + 1)) >= 0) {
		for (++*off; n < 2 && hex_digit(at(l, *off)) >= 0; n++, ++*off)
			v = v * 16 + (u32)hex_digit(at(l, *off));
		return (char)v;
	}
	if (c >= '0' && c <= '7') {
		for (; n < 3 && at(l, *off) >= '0' && at(l, *off) <= '7'; n++, ++*off)
			v = v * 8 + (u32)(at(l, *off) - '0');
		return (char)v;
	}
	complain(l, (struct span){ *off - 1, *off + (c ? 1 : 0) }, "invalid escape character '\\%c'", c ? c : ' ');
	if (c)
		++*off;
	return c;
}

static struct token string(struct lexer *l)
{
	struct token t = { .kind = TOK_STR, .at = { l->off, l->off } };
	struct str s = {0};
	u32 off = l->off + 1;

	while (off < l->p->len && l->p->text[off] != '"') {
		if (l->p->text[off] == '\n')
			break;
		if (l->p->text[off] == '\\') {
			off++;
			str_addc(&s, escape(l, &off));
		} else {
			str_addc(&s, l->p->text[off++]);
		}
	}
	t.text = arena_strdup(&l->p->arena, str_text(&s));
	str_free(&s);
	if (at(l, off) == '"') {
		l->off = t.at.to = off + 1;
		return t;
	}
	l->off = t.at.to = off;
	complain(l, t.at, "unterminated string");
	t.kind = TOK_BAD;
	return t;
}

/* ---- marks ---- */

static const struct {
	const char *text;
	enum tok kind;
	u32 op;
} marks[] = { /* longer ones first */
	{ "<<=", TOK_ASSIGN, BT_SHL }, { ">>=", TOK_ASSIGN, BT_SHR },
	{ "+=", TOK_ASSIGN, BT_ADD },  { "-=", TOK_ASSIGN, BT_SUB }, { "*=", TOK_ASSIGN, BT_MUL },
	{ "/=", TOK_ASSIGN, BT_DIV },  { "%=", TOK_ASSIGN, BT_MOD }, { "&=", TOK_ASSIGN, BT_AND },
	{ "|=", TOK_ASSIGN, BT_OR },   { "^=", TOK_ASSIGN, BT_XOR },
	{ "++", TOK_INC, 0 },  { "--", TOK_DEC, 0 },   { "->", TOK_ARROW, 0 },
	{ "..", TOK_RANGE, 0 }, { "||", TOK_OP, BT_LOR }, { "&&", TOK_OP, BT_LAND },
	{ "==", TOK_OP, BT_EQ }, { "!=", TOK_OP, BT_NE }, { "<=", TOK_OP, BT_LE },
	{ ">=", TOK_OP, BT_GE }, { "<<", TOK_OP, BT_SHL }, { ">>", TOK_OP, BT_SHR },
	{ "|", TOK_OP, BT_OR }, { "^", TOK_OP, BT_XOR }, { "&", TOK_OP, BT_AND },
	{ "<", TOK_OP, BT_LT }, { ">", TOK_OP, BT_GT }, { "+", TOK_OP, BT_ADD },
	{ "-", TOK_OP, BT_SUB }, { "*", TOK_OP, BT_MUL }, { "/", TOK_OP, BT_DIV },
	{ "%", TOK_OP, BT_MOD }, { "!", TOK_OP, BT_NOT }, { "~", TOK_OP, BT_COM },
	{ "=", TOK_ASSIGN, BT_NONE }, { ".", TOK_DOT, 0 }, { ",", TOK_COMMA, 0 },
	{ ";", TOK_SEMI, 0 }, { ":", TOK_COLON, 0 }, { "?", TOK_QUESTION, 0 },
	{ "(", TOK_LPAREN, 0 }, { ")", TOK_RPAREN, 0 }, { "{", TOK_LBRACE, 0 },
	{ "}", TOK_RBRACE, 0 }, { "[", TOK_LBRACKET, 0 }, { "]", TOK_RBRACKET, 0 },
	{ "#", TOK_HASH, 0 },
};

const char *tok_text(enum tok kind)
{
	for (u32 i = 0; i < ARRAY_SIZE(marks); i++)
		if (marks[i].kind == kind && kind != TOK_OP)
			return kind == TOK_ASSIGN ? "=" : marks[i].text;
	switch (kind) {
	case TOK_END: return "end of file";
	case TOK_NAME: return "a name";
	case TOK_INT: return "a number";
	case TOK_STR: return "a string";
	case TOK_VAR: return "a variable ($x)";
	case TOK_PARAM: return "a parameter ($1)";
	case TOK_MAP: return "a map (@x)";
	default: return "an operator";
	}
}

static struct token mark(struct lexer *l)
{
	struct token t = { .kind = TOK_BAD, .at = { l->off, l->off + 1 }, .text = "" };

	for (u32 i = 0; i < ARRAY_SIZE(marks); i++) {
		size_t n = strlen(marks[i].text);

		if (strncmp(l->p->text + l->off, marks[i].text, n))
			continue;
		t.kind = marks[i].kind;
		t.op = marks[i].op;
		t.at.to = l->off += (u32)n;
		return t;
	}
	/* the bytes of one UTF-8 character are one mistake */
	while ((at(l, t.at.to) & 0xc0) == 0x80)
		t.at.to++;
	l->off = t.at.to;
	complain(l, t.at, "invalid character '%s'", copy(l, t.at.from, t.at.to));
	return t;
}

/* $x, $1, $#; @x, @ */
static struct token sigil(struct lexer *l)
{
	char c = at(l, l->off);
	struct token t = { .kind = c == '@' ? TOK_MAP : TOK_VAR, .at = { l->off, l->off + 1 } };
	u32 off = l->off + 1;

	if (c == '$' && at(l, off) == '#') {
		t.kind = TOK_PARAM;
		off++;
	} else if (c == '$' && isdigit((u8)at(l, off))) {
		bool fits = true;

		t.kind = TOK_PARAM;
		for (; isdigit((u8)at(l, off)); off++)
			fits &= mul_add(&t.value, 10, (u64)(at(l, off) - '0'));
		if (!fits || !t.value || t.value > UINT32_MAX) {
			t.kind = TOK_BAD;
			t.at.to = off;
			complain(l, t.at, "parameters are $1, $2, ... and $#");
		}
	} else {
		while (is_name(at(l, off)))
			off++;
	}
	t.at.to = off;
	t.text = copy(l, l->off, off);
	if (t.kind == TOK_VAR && off == l->off + 1) {
		complain(l, t.at, "'$' without the name of a variable");
		t.kind = TOK_BAD;
	}
	l->off = off;
	return t;
}

struct token lex_next(struct lexer *l)
{
	u32 before = l->off;
	struct token t;
	char c;

	lex_skip(l);
	c = at(l, l->off);
	if (l->off >= l->p->len) {
		t = (struct token){ .kind = TOK_END, .at = { l->p->len, l->p->len }, .text = "" };
	} else if (isdigit((u8)c)) {
		u32 from = l->off;

		t = number(l);
		t.at.from = from;
	} else if (c == '"') {
		t = string(l);
	} else if (c == '$' || c == '@') {
		t = sigil(l);
	} else if (isalpha((u8)c) || c == '_') {
		u32 from = l->off;

		while (is_name(at(l, l->off)))
			l->off++;
		t = (struct token){ .kind = TOK_NAME, .at = { from, l->off },
				    .text = copy(l, from, l->off) };
	} else {
		t = mark(l);
	}
	t.after_blank = t.at.from > before;
	return t;
}

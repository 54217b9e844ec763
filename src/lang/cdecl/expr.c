/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/cdecl/expr.c - constant expressions of C: array sizes, enumerators, #if.
 *
 * Values are 64 bits wide with a sign or without one, which decides division, shifts and comparisons as C does
 * for its widest types.
 */
#include "lang/cdecl/priv.h"
#include <errno.h>

struct cval {
	u64 v;
	bool is_unsigned;
};

static struct cval conditional(struct cparser *p);

static struct cval value(u64 v, bool is_unsigned)
{
	return (struct cval){ v, is_unsigned };
}

/* ---- primaries ---- */

static struct cval number(struct cparser *p)
{
	const char *s = p->t.p, *end = s + p->t.len;
	u32 base = 10;
	u64 v = 0;
	bool is_unsigned = false, any = false;

	if (*s == '0' && end - s > 1) {
		base = 8;
		if (s[1] == 'x' || s[1] == 'X')
			base = 16;
		else if (s[1] == 'b' || s[1] == 'B')
			base = 2;
		s += base == 8 ? 0 : 2;
	}
	for (; s < end; s++) {
		int d = *s == '\'' ? 99 : hex_digit(*s);

		if (*s == '\'')
			continue;
		if (d < 0 || (u32)d >= base)
			break;
		v = v * base + (u32)d;
		any = true;
	}
	for (; s < end && strchr("uUlL", *s); s++)
		is_unsigned |= *s == 'u' || *s == 'U';
	if (s < end || !any)
		cp_error(p, "'%.*s' is no integer", (int)p->t.len, p->t.p);
	cp_advance(p);
	return value(v, is_unsigned || v >> 63);
}

static struct cval character(struct cparser *p)
{
	char buf[8];
	s64 n = ctok_unescape(&p->t, buf, sizeof(buf)), v = 0;

	if (n < 1)
		cp_error(p, "this is no character");
	for (s64 i = 0; i < n; i++)
		v = n == 1 ? (s8)buf[i] : v << 8 | (u8)buf[i];
	cp_advance(p);
	return value((u64)v, false);
}

static struct cval name(struct cparser *p)
{
	struct cname *n = p->t.name;
	const struct stype *type;
	s64 v = 0;

	if (p->is_pp) {
		cp_advance(p);
		/* has_attribute(x) and the like of another compiler */
		if (ctok_is(&p->t, '('))
			cp_skip_parens(p);
		return value(0, false);
	}
	if (n->is_constant)
		v = n->value;
	else if (!cconstant_find(n->text, &v) && !cbtf_constant(p->c, n->text, &v, &type))
		cp_error(p, "'%s' is no constant", n->text);
	cp_advance(p);
	return value((u64)v, false);
}

/* sizeof ( type ), sizeof "..." */
static struct cval size_of(struct cparser *p, bool align)
{
	const struct stype *t;

	cp_advance(p);
	if (p->t.kind == CT_STRING) {
		u64 n = p->t.len - 1;

		cp_advance(p);
		return value(n, true);
	}
	if (!ctok_is(&p->t, '(')) {
		cp_error(p, "sizeof wants a type in parentheses");
		return value(0, true);
	}
	cp_advance(p);
	if (!cp_starts_type(p)) {
		cp_error(p, "sizeof wants a type");
		return value(0, true);
	}
	t = cp_type_name(p);
	cp_expect(p, ')');
	t = t ? ctypes_complete(p->c, t) : NULL;
	return value(!t ? 0 : align ? stype_align(t) : t->size, true);
}

/* offsetof ( type , a.b ) */
static struct cval offset_of(struct cparser *p)
{
	const struct stype *t;
	u64 off = 0;

	cp_advance(p);
	cp_expect(p, '(');
	t = cp_type_name(p);
	cp_expect(p, ',');
	do {
		const struct stype_field *f = NULL;

		if (t && p->t.kind == CT_NAME)
			f = stype_field(ctypes_complete(p->c, t), p->t.p);
		if (!f) {
			cp_error(p, "offsetof wants a member");
			break;
		}
		off += (u64)f->off;
		t = f->type;
		cp_advance(p);
	} while (cp_accept(p, '.'));
	cp_expect(p, ')');
	return value(off, true);
}

static struct cval unary(struct cparser *p);

/* ( type ) unary: cut to the type's width */
static struct cval cast(struct cparser *p)
{
	const struct stype *t = cp_type_name(p);
	struct cval v;

	cp_expect(p, ')');
	if (p->depth >= 2 * CNEST_MAX) {
		cp_error(p, "this expression is nested too deep");
		return value(0, false);
	}
	p->depth++;
	v = unary(p);
	p->depth--;
	if (!t || t->kind == ST_PTR)
		return value(v.v, true);
	if (t->kind == ST_BOOL)
		return value(v.v != 0, false);
	if (!stype_is_scalar(t))
		cp_error(p, "a constant can't be of that type");
	if (t->size < 8) {
		u32 shift = 64 - 8 * MAX(t->size, 1u);

		v.v = t->is_signed ? (u64)((s64)(v.v << shift) >> shift) : v.v << shift >> shift;
	}
	return value(v.v, !t->is_signed && t->size == 8);
}

static struct cval primary(struct cparser *p)
{
	struct cval v;

	switch (p->t.kind) {
	case CT_NUMBER:
		return number(p);
	case CT_CHAR:
		return character(p);
	case CT_NAME:
		if (!p->is_pp && p->t.name->word == CW_SIZEOF)
			return size_of(p, false);
		if (!p->is_pp && p->t.name->word == CW_ALIGNOF)
			return size_of(p, true);
		if (!p->is_pp && p->t.name->word == CW_OFFSETOF)
			return offset_of(p);
		return name(p);
	}
	if (!cp_accept(p, '(')) {
		cp_error(p, "a constant is wanted here");
		if (p->t.kind != CT_EOF)
			cp_advance(p);
		return value(0, false);
	}
	if (!p->is_pp && cp_starts_type(p))
		return cast(p);
	v = conditional(p);
	cp_expect(p, ')');
	return v;
}

static struct cval unary(struct cparser *p)
{
	u32 op = p->t.kind == CT_PUNCT ? p->t.op : 0;
	struct cval v;

	if (op != '-' && op != '+' && op != '~' && op != '!')
		return primary(p);
	if (p->depth >= 2 * CNEST_MAX) {
		cp_error(p, "this expression is nested too deep");
		return value(0, false);
	}
	p->depth++;
	cp_advance(p);
	v = unary(p);
	p->depth--;
	switch (op) {
	case '-':
		return value(-v.v, v.is_unsigned);
	case '~':
		return value(~v.v, v.is_unsigned);
	case '!':
		return value(!v.v, false);
	}
	return v;
}

/* ---- operators ---- */

static u32 level(const struct cparser *p)
{
	static const struct {
		u32 op, level;
	} ops[] = {
		{ OP2('|', '|'), 1 }, { OP2('&', '&'), 2 }, { '|', 3 }, { '^', 4 }, { '&', 5 },
		{ OP2('=', '='), 6 }, { OP2('!', '='), 6 }, { '<', 7 }, { '>', 7 },
		{ OP2('<', '='), 7 }, { OP2('>', '='), 7 }, { OP2('<', '<'), 8 },
		{ OP2('>', '>'), 8 }, { '+', 9 }, { '-', 9 }, { '*', 10 }, { '/', 10 }, { '%', 10 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(ops) && p->t.kind == CT_PUNCT; i++)
		if (ops[i].op == p->t.op)
			return ops[i].level;
	return 0;
}

static u64 divide(struct cparser *p, struct cval a, struct cval b, bool rem, bool uns)
{
	if (!b.v) {
		cp_error(p, "division by zero");
		return 0;
	}
	if (uns)
		return rem ? a.v % b.v : a.v / b.v;
	if (b.v == UINT64_MAX)
		return rem ? 0 : -a.v;
	return (u64)(rem ? (s64)a.v % (s64)b.v : (s64)a.v / (s64)b.v);
}

static struct cval apply(struct cparser *p, u32 op, struct cval a, struct cval b)
{
	bool uns = a.is_unsigned || b.is_unsigned;
	bool less = uns ? a.v < b.v : (s64)a.v < (s64)b.v;

	switch (op) {
	case OP2('|', '|'):
		return value(a.v || b.v, false);
	case OP2('&', '&'):
		return value(a.v && b.v, false);
	case '|':
		return value(a.v | b.v, uns);
	case '^':
		return value(a.v ^ b.v, uns);
	case '&':
		return value(a.v & b.v, uns);
	case OP2('=', '='):
		return value(a.v == b.v, false);
	case OP2('!', '='):
		return value(a.v != b.v, false);
	case '<':
		return value(less, false);
	case '>':
		return value(!less && a.v != b.v, false);
	case OP2('<', '='):
		return value(less || a.v == b.v, false);
	case OP2('>', '='):
		return value(!less, false);
	case OP2('<', '<'):
		return value(a.v << (b.v & 63), a.is_unsigned);
	case OP2('>', '>'):
		return value(a.is_unsigned ? a.v >> (b.v & 63) : (u64)((s64)a.v >> (b.v & 63)), a.is_unsigned);
	case '+':
		return value(a.v + b.v, uns);
	case '-':
		return value(a.v - b.v, uns);
	case '*':
		return value(a.v * b.v, uns);
	}
	return value(divide(p, a, b, op == '%', uns), uns);
}

/* Operators that bind tighter than `above`.  What && and || need not look at is not a mistake. */
static struct cval binary(struct cparser *p, u32 above)
{
	struct cval a = unary(p);
	u32 l;

	while ((l = level(p)) > above) {
		u32 op = p->t.op;
		bool was_quiet = p->is_quiet, was_failed = p->failed;
		bool skip = (op == OP2('&', '&') && !a.v) || (op == OP2('|', '|') && a.v);
		struct cval b;

		cp_advance(p);
		p->is_quiet |= skip;
		b = binary(p, l);
		p->is_quiet = was_quiet;
		if (skip)
			p->failed = was_failed;
		a = apply(p, op, a, b);
	}
	return a;
}

/* conditional := binary [ '?' conditional ':' conditional ] */
static struct cval conditional(struct cparser *p)
{
	struct cval cond, yes, no;

	if (p->depth >= 2 * CNEST_MAX) {
		cp_error(p, "this expression is nested too deep");
		return value(0, false);
	}
	p->depth++;
	cond = binary(p, 0);
	if (cp_accept(p, '?')) {
		yes = conditional(p);
		cp_expect(p, ':');
		no = conditional(p);
		cond = cond.v ? yes : no;
	}
	p->depth--;
	return cond;
}

s64 cp_constant(struct cparser *p)
{
	return (s64)conditional(p).v;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/cdecl/parse.c - declarations of C: what types they name.
 *
 * Functions, initializers and assembly are passed over.  After a mistake reading goes on behind the next ';' or '}'.
 */
#include "lang/cdecl/parse.h"
#include <stdio.h>

/* ---- tokens ---- */

static void fetch(struct cparser *p, struct ctok *t)
{
	if (!p->list)
		pp_next(p->c, t);
	else if (p->i < p->n)
		*t = p->list[p->i++];
	else
		*t = (struct ctok){ .kind = CT_EOF, .p = "" };
}

void cp_advance(struct cparser *p)
{
	if (p->has_ahead)
		p->t = p->ahead;
	else
		fetch(p, &p->t);
	p->has_ahead = false;
	if (p->t.kind != CT_EOF)
		p->before = p->t;
}

const struct ctok *cp_peek(struct cparser *p)
{
	if (!p->has_ahead)
		fetch(p, &p->ahead);
	p->has_ahead = true;
	return &p->ahead;
}

void cp_init(struct cparser *p, struct ctypes *c, const struct ctok *list, u32 n)
{
	*p = (struct cparser){ .c = c, .list = list, .n = n };
	cp_advance(p);
}

bool cp_accept(struct cparser *p, u32 op)
{
	if (!ctok_is(&p->t, op))
		return false;
	cp_advance(p);
	return true;
}

void cp_error(struct cparser *p, const char *fmt, ...)
{
	struct ctok at = p->t;
	char text[512];
	va_list ap;

	p->failed = true;
	if (p->is_quiet || p->c->is_full)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (at.kind == CT_EOF) {
		at = p->before;
		at.col += at.len;
		at.len = 1;
	}
	cdecl_error(p->c, &at, "%s", text);
}

bool cp_expect(struct cparser *p, u32 op)
{
	char text[4] = { (char)op, (char)(op >> 8), (char)(op >> 16) };

	if (cp_accept(p, op))
		return true;
	if (p->t.kind == CT_EOF)
		cp_error(p, "expected '%s' before the end", text);
	else
		cp_error(p, "expected '%s' before '%.*s'", text, (int)MIN(p->t.len, 80u), p->t.p);
	return false;
}

void cp_skip_nested(struct cparser *p, u32 open, u32 close)
{
	u32 depth = 0;

	while (p->t.kind != CT_EOF) {
		depth += ctok_is(&p->t, open);
		depth -= ctok_is(&p->t, close);
		cp_advance(p);
		if (!depth)
			return;
	}
}

void cp_skip_parens(struct cparser *p)
{
	cp_skip_nested(p, '(', ')');
}

void cp_recover(struct cparser *p)
{
	while (p->t.kind != CT_EOF && !ctok_is(&p->t, '}')) {
		if (cp_accept(p, ';'))
			return;
		if (ctok_is(&p->t, '{')) {
			cp_skip_nested(p, '{', '}');
			cp_accept(p, ';');
			return;
		}
		cp_advance(p);
	}
}

u32 cp_word(const struct ctok *t)
{
	return t->kind == CT_NAME ? t->name->word : CW_NONE;
}

/* ---- specifiers ---- */

/* What "unsigned long long" and the like come to. */
static const struct stype *base_type(struct cparser *p, const u32 *seen)
{
	bool is_unsigned = seen[CW_UNSIGNED];

	if (seen[CW_VOID])
		return stype_void();
	if (seen[CW_BOOL])
		return stype_int(1, false);
	if (seen[CW_CHAR])
		return is_unsigned || seen[CW_SIGNED] ? stype_int(1, !is_unsigned) : cchar_type();
	if (seen[CW_SHORT])
		return stype_int(2, !is_unsigned);
	if (seen[CW_FLOAT])
		return copaque(p->c->o.types, "float", 4);
	if (seen[CW_DOUBLE])
		return seen[CW_LONG] ? copaque(p->c->o.types, "long double", 16) :
				       copaque(p->c->o.types, "double", 8);
	if (seen[CW_INT128])
		return copaque(p->c->o.types, "__int128", 16);
	return stype_int(seen[CW_LONG] ? 8 : 4, !is_unsigned);
}

/* typeof ( type ) */
static void type_of(struct cparser *p, struct spec *s)
{
	cp_advance(p);
	if (!cp_expect(p, '('))
		return;
	if (!cp_starts_type(p)) {
		cp_error(p, "typeof wants a type here");
		return;
	}
	s->type = cp_type_name(p);
	cp_expect(p, ')');
}

static void unknown_type(struct cparser *p, struct spec *s)
{
	const char *near[3];
	u32 n = p->is_quiet || p->c->files.p[p->t.file].is_system ? 0 : ctypes_near(p->c, p->t.p, near, 1);

	cp_error(p, "unknown type '%s'%s%s%s", p->t.p, n ? "; the nearest is '" : "", n ? near[0] : "", n ? "'" : "");
	s->type = stype_int(4, true);
	cp_advance(p);
}

/* A name where a type may stand: true, it was one. */
static bool named_type(struct cparser *p, struct spec *s)
{
	const struct stype *t = ctypedef_find(p->c, p->t.name);
	const struct ctok *next;

	if (t) {
		s->type = t;
		cp_advance(p);
		return true;
	}
	next = cp_peek(p);
	if (next->kind != CT_NAME && !ctok_is(next, '*'))
		return false;
	unknown_type(p, s);
	return true;
}

void cp_specifiers(struct cparser *p, struct spec *s)
{
	u32 seen[CW_OFFSETOF + 1] = {0};
	bool is_base = false;

	while (p->t.kind == CT_NAME) {
		u32 w = p->t.name->word;

		switch (w) {
		case CW_QUALIFIER:
		case CW_STORAGE:
			cp_advance(p);
			continue;
		case CW_TYPEDEF:
			s->is_typedef = true;
			cp_advance(p);
			continue;
		case CW_ATTRIBUTE:
		case CW_ALIGNAS:
			cp_attributes(p, &s->attr);
			continue;
		case CW_VOID: case CW_CHAR: case CW_SHORT: case CW_INT: case CW_LONG: case CW_SIGNED:
		case CW_UNSIGNED: case CW_FLOAT: case CW_DOUBLE: case CW_BOOL: case CW_INT128:
			is_base = true;
			seen[w]++;
			cp_advance(p);
			continue;
		}
		if (s->type || is_base)
			break;
		if (w == CW_STRUCT || w == CW_UNION)
			cp_struct_spec(p, s);
		else if (w == CW_ENUM)
			cp_enum_spec(p, s);
		else if (w == CW_TYPEOF)
			type_of(p, s);
		else if (w != CW_NONE || !named_type(p, s))
			break;
		if (!s->type)
			break;
	}
	if (is_base && !s->type)
		s->type = base_type(p, seen);
}

/* ---- declarations ---- */

static void define_type(struct cparser *p, struct spec *s, const struct declr *d, const struct stype *t)
{
	if (d->name.kind != CT_NAME)
		return;
	/* "typedef struct { ... } pair_t": the struct is called by it */
	if (s->fresh && t == s->fresh && !s->fresh->name)
		s->fresh->name = arena_strdup(p->c->o.types, d->name.p);
	d->name.name->type = t;
}

static void initializer(struct cparser *p)
{
	while (p->t.kind != CT_EOF && !ctok_is(&p->t, ',') && !ctok_is(&p->t, ';')) {
		if (ctok_is(&p->t, '{'))
			cp_skip_nested(p, '{', '}');
		else if (ctok_is(&p->t, '('))
			cp_skip_nested(p, '(', ')');
		else
			cp_advance(p);
	}
}

static void declaration(struct cparser *p)
{
	struct spec s = {0};

	if (cp_accept(p, ';'))
		return;
	if (cp_word(&p->t) == CW_STATIC_ASSERT || cp_word(&p->t) == CW_ASM) {
		cp_recover(p);
		return;
	}
	cp_specifiers(p, &s);
	if (!s.type) {
		cp_error(p, "expected a declaration before '%.*s'", (int)MIN(p->t.len, 80u), p->t.p);
		cp_advance(p);
		cp_recover(p);
		return;
	}
	while (!ctok_is(&p->t, ';') && p->t.kind != CT_EOF) {
		struct declr d = { .name = { .kind = CT_EOF } };
		const struct stype *t;

		cp_declarator(p, &d, &s.attr);
		t = cp_apply(p, &d, s.type);
		if (s.is_typedef)
			define_type(p, &s, &d, t);
		else if (d.n && d.ops[0].kind == OP_FN && ctok_is(&p->t, '{')) {
			cp_skip_nested(p, '{', '}');
			return;
		}
		if (cp_accept(p, '='))
			initializer(p);
		if (!cp_accept(p, ','))
			break;
	}
	if (!cp_expect(p, ';')) {
		cp_recover(p);
		cp_accept(p, '}');
	}
}

void cp_unit(struct cparser *p)
{
	while (p->t.kind != CT_EOF) {
		if (ctok_is(&p->t, '}')) {
			cp_error(p, "this '}' closes nothing");
			cp_advance(p);
		}
		declaration(p);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/cdecl/parse.c - declarations of C: what types they name.
 *
 * A declarator is collected from the inside out, then applied to the base type from the far end:
 *
 *	int *(*p)[4]      p: pointer to, array of 4, pointer to;  int
 *
 * Functions, initializers and assembly are passed over.  After a mistake reading goes on behind the next ';' or '}'.
 */
#include "lang/cdecl/priv.h"
#include <stdio.h>

enum { OPS_MAX = 64, ARRAY_BYTES_MAX = 1 << 28 };

struct spec {
	const struct stype *type;
	struct stype *fresh;     /* a struct or enum that was defined here without a name */
	bool is_typedef, is_bare_tag; /* "struct x" without members */
	struct cattr attr;
};

struct declr {
	struct ctok name;        /* CT_NAME, else it has none */
	bool is_fn;              /* the name is a function's */
	u32 n;
	struct dop {
		enum { OP_PTR, OP_ARRAY, OP_FN } kind;
		s64 n;           /* ARRAY: elements */
	} ops[OPS_MAX];
};

static void specifiers(struct cparser *p, struct spec *s);

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

/* From an opening one to behind its closing one. */
static void skip_nested(struct cparser *p, u32 open, u32 close)
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
	skip_nested(p, '(', ')');
}

/* After a mistake: behind the next ';', or the '}' of a block that begins before it. */
static void recover(struct cparser *p)
{
	while (p->t.kind != CT_EOF && !ctok_is(&p->t, '}')) {
		if (cp_accept(p, ';'))
			return;
		if (ctok_is(&p->t, '{')) {
			skip_nested(p, '{', '}');
			cp_accept(p, ';');
			return;
		}
		cp_advance(p);
	}
}

static u32 word(const struct ctok *t)
{
	return t->kind == CT_NAME ? t->name->word : CW_NONE;
}

/* ---- attributes ---- */

static u32 alignment(struct cparser *p)
{
	s64 n = cp_constant(p);

	if (n > 0 && n <= 1 << 16 && !(n & (n - 1)))
		return (u32)n;
	cp_error(p, "an alignment is a power of two up to 65536, not %lld", (long long)n);
	return 0;
}

static void attribute(struct cparser *p, struct cattr *a)
{
	const char *name = p->t.p;

	cp_advance(p);
	if (strcmp(name, "packed") == 0 || strcmp(name, "__packed__") == 0) {
		a->is_packed = true;
	} else if (strcmp(name, "aligned") == 0 || strcmp(name, "__aligned__") == 0) {
		u32 n = 16;

		if (cp_accept(p, '(')) {
			n = alignment(p);
			cp_expect(p, ')');
		}
		a->align = MAX(a->align, n);
	} else if (ctok_is(&p->t, '(')) {
		cp_skip_parens(p);
	}
}

/* { __attribute__ (( NAME [ ( ... ) ] , ... )) | asm ( ... ) } */
static void attributes(struct cparser *p, struct cattr *a)
{
	for (;;) {
		if (word(&p->t) == CW_ASM) {
			cp_advance(p);
			while (word(&p->t) == CW_QUALIFIER)
				cp_advance(p);
			if (ctok_is(&p->t, '('))
				cp_skip_parens(p);
			continue;
		}
		if (word(&p->t) == CW_ALIGNAS) {
			cp_advance(p);
			cp_expect(p, '(');
			if (cp_starts_type(p)) {
				const struct stype *t = cp_type_name(p);

				a->align = MAX(a->align, t ? stype_align(t) : 0);
			} else {
				a->align = MAX(a->align, alignment(p));
			}
			cp_expect(p, ')');
			continue;
		}
		if (word(&p->t) != CW_ATTRIBUTE)
			return;
		cp_advance(p);
		if (!cp_expect(p, '(') || !cp_expect(p, '('))
			return;
		while (p->t.kind == CT_NAME || ctok_is(&p->t, ','))
			if (!cp_accept(p, ','))
				attribute(p, a);
		cp_expect(p, ')');
		cp_expect(p, ')');
	}
}

/* ---- declarators ---- */

static void add_op(struct cparser *p, struct declr *d, u32 kind, s64 n)
{
	if (d->n == OPS_MAX) {
		cp_error(p, "this declaration is nested too deep");
		return;
	}
	d->ops[d->n].kind = kind;
	d->ops[d->n++].n = n;
}

/* [ N ] and ( parameters ) */
static void suffixes(struct cparser *p, struct declr *d)
{
	for (;;) {
		if (cp_accept(p, '[')) {
			s64 n = 0;

			while (word(&p->t) == CW_QUALIFIER || word(&p->t) == CW_STORAGE)
				cp_advance(p);
			if (!ctok_is(&p->t, ']'))
				n = cp_constant(p);
			if (n < 0) {
				cp_error(p, "an array can't have %lld elements", (long long)n);
				n = 0;
			}
			add_op(p, d, OP_ARRAY, n);
			if (!cp_expect(p, ']'))
				return;
		} else if (ctok_is(&p->t, '(')) {
			cp_skip_parens(p);
			add_op(p, d, OP_FN, 0);
		} else {
			return;
		}
	}
}

/* Is a '(' here around a declarator, not around parameters? */
static bool is_inner(struct cparser *p)
{
	const struct ctok *t = cp_peek(p);

	if (ctok_is(t, '*') || ctok_is(t, '(') || ctok_is(t, '['))
		return true;
	return t->kind == CT_NAME &&
	       (t->name->word == CW_ATTRIBUTE || (!t->name->word && !ctypedef_find(p->c, t->name)));
}

static void declarator(struct cparser *p, struct declr *d, struct cattr *a)
{
	u32 n_ptr = 0;

	for (;; cp_advance(p)) {
		if (ctok_is(&p->t, '*'))
			n_ptr++;
		else if (word(&p->t) != CW_QUALIFIER)
			break;
	}
	attributes(p, a);
	if (ctok_is(&p->t, '(') && p->depth < CNEST_MAX && is_inner(p)) {
		p->depth++;
		cp_advance(p);
		declarator(p, d, a);
		cp_expect(p, ')');
		p->depth--;
	} else if (p->t.kind == CT_NAME && !p->t.name->word) {
		d->name = p->t;
		cp_advance(p);
	}
	suffixes(p, d);
	while (n_ptr--)
		add_op(p, d, OP_PTR, 0);
	attributes(p, a);
}

static const struct stype *array_of(struct cparser *p, const struct stype *of, s64 n)
{
	struct arena *a = p->c->o.types;

	of = ctypes_complete(p->c, of);
	if ((u64)n > ARRAY_BYTES_MAX / MAX(of->size, 1u)) {
		cp_error(p, "this array is longer than %u MiB", ARRAY_BYTES_MAX >> 20);
		n = 0;
	}
	return cis_char(of) ? stype_str(a, (u32)n) : stype_array(a, of, (u32)n);
}

static const struct stype *apply(struct cparser *p, const struct declr *d, const struct stype *base)
{
	const struct stype *t = base;

	for (u32 i = d->n; i--;) {
		const struct dop *op = &d->ops[i];

		if (op->kind == OP_PTR)
			t = stype_ptr(p->c->o.types, t, SS_NONE);
		else if (op->kind == OP_ARRAY)
			t = array_of(p, t, op->n);
		else
			t = stype_void();
	}
	return t;
}

const struct stype *cp_type_name(struct cparser *p)
{
	struct spec s = {0};
	struct declr d = {0};

	if (p->depth >= 2 * CNEST_MAX) {
		cp_error(p, "types are nested too deep");
		return NULL;
	}
	p->depth++;
	specifiers(p, &s);
	if (s.type)
		declarator(p, &d, &s.attr);
	else
		cp_error(p, "a type is wanted here");
	p->depth--;
	return s.type ? apply(p, &d, s.type) : NULL;
}

bool cp_starts_type(struct cparser *p)
{
	if (p->t.kind != CT_NAME)
		return false;
	switch (p->t.name->word) {
	case CW_NONE:
		return ctypedef_find(p->c, p->t.name);
	case CW_SIZEOF:
	case CW_ALIGNOF:
	case CW_OFFSETOF:
	case CW_ASM:
	case CW_STATIC_ASSERT:
		return false;
	}
	return true;
}

/* ---- structs and unions ---- */

static bool has_member(const struct clayout *l, const char *name)
{
	for (u32 i = 0; i < l->fields.n; i++)
		if (strcmp(l->fields.p[i].name, name) == 0)
			return true;
	return false;
}

/* ':' width, of a bit-field: -1 and a mistake */
static s64 width(struct cparser *p, const struct stype *t, bool is_named)
{
	s64 n = cp_constant(p);

	if (t->kind != ST_INT && t->kind != ST_BOOL && t->kind != ST_ENUM)
		cp_error(p, "only integers can be bit-fields");
	else if (n < 0 || n > 8 * (s64)t->size || (!n && is_named))
		cp_error(p, "a bit-field of this type has 1 to %u bits, not %lld", 8 * t->size, (long long)n);
	else
		return n;
	return -1;
}

static void member(struct cparser *p, struct clayout *l, struct spec *s)
{
	struct cattr attr = s->attr;
	struct declr d = { .name = { .kind = CT_EOF } };
	const struct stype *t;
	bool is_named;
	s64 bits = -1;

	declarator(p, &d, &attr);
	is_named = d.name.kind == CT_NAME;
	t = apply(p, &d, s->type);
	t = ctypes_complete(p->c, t);
	if (cp_accept(p, ':')) {
		bits = width(p, t, is_named);
		attributes(p, &attr);
		if (bits < 0)
			return;
	}
	if (!is_named && bits < 0) {
		cp_error(p, "a member wants a name");
		return;
	}
	if (t->kind == ST_VOID || (t->kind == ST_STRUCT && t->is_fwd)) {
		struct str name = {0};

		stype_text(t, &name);
		cp_error(p, "the members of '%s' are not known: '%s' can only point to it",
			 str_text(&name), is_named ? d.name.p : "it");
		str_free(&name);
		return;
	}
	if (is_named && l->fields.n < 512 && has_member(l, d.name.p))
		cp_error(p, "member '%s' is there already", d.name.p);
	clayout_add(l, is_named ? arena_strdup(p->c->o.types, d.name.p) : NULL, t, bits, &attr);
}

/* member_decl := specifiers [ declarator { ',' declarator } ] ';' */
static void member_decl(struct cparser *p, struct clayout *l)
{
	struct spec s = {0};

	if (cp_accept(p, ';'))
		return;
	if (word(&p->t) == CW_STATIC_ASSERT) {
		recover(p);
		return;
	}
	specifiers(p, &s);
	if (!s.type) {
		cp_error(p, "a member's type is wanted before '%.*s'", (int)MIN(p->t.len, 80u), p->t.p);
		recover(p);
		return;
	}
	if (ctok_is(&p->t, ';')) {
		if (s.type->kind == ST_STRUCT && !s.type->is_fwd && !s.is_bare_tag)
			clayout_add(l, NULL, s.type, -1, &s.attr);
	} else {
		do
			member(p, l, &s);
		while (cp_accept(p, ','));
	}
	if (!cp_expect(p, ';'))
		recover(p);
}

static const struct stype *forward(struct cparser *p, struct cname *n, const char *what, enum stype_kind k)
{
	bool is_union = k == ST_STRUCT && *what == 'u';
	struct stype *t;

	if (n->tag && (n->tag->kind != k || n->tag->is_union != is_union))
		cp_error(p, "'%s' is '%s' already", n->text, n->tag->name);
	if (n->tag)
		return n->tag;
	t = arena_alloc(p->c->o.types, sizeof(*t));
	t->kind = k;
	t->is_fwd = true;
	t->is_union = is_union;
	t->size = k == ST_ENUM ? 4 : 0;
	t->name = arena_printf(p->c->o.types, "%s %s", what, n->text);
	n->tag = t;
	return t;
}

/* Makes a tag's definition known. */
static void define_tag(struct cparser *p, struct cname *n, const char *what, struct stype *t)
{
	if (!n)
		return;
	t->name = arena_printf(p->c->o.types, "%s %s", what, n->text);
	if (n->tag && !n->tag->is_fwd) {
		cp_error(p, "'%s' is defined a second time", t->name);
		return;
	}
	n->tag = t;
}

static void members(struct cparser *p, struct stype *t, struct cattr *attr, u32 pack)
{
	struct clayout l = { .c = p->c, .is_union = t->is_union, .is_packed = attr->is_packed, .pack = pack };

	p->depth++;
	if (p->depth > CNEST_MAX) {
		cp_error(p, "structs are nested more than %u deep", CNEST_MAX);
		skip_nested(p, '{', '}');
	} else {
		cp_expect(p, '{');
		while (!ctok_is(&p->t, '}') && p->t.kind != CT_EOF)
			member_decl(p, &l);
		cp_expect(p, '}');
	}
	p->depth--;
	if (l.too_big)
		cp_error(p, "this struct has more than %u members or is longer than 128 MiB", STYPE_FIELDS_MAX);
	clayout_end(&l, t, attr);
}

/* Packed may be said behind the members, which changes where they lie: found out before they are read, by a look
 * at the tokens, which then are read as a list. */
static void struct_body(struct cparser *p, struct stype *t, struct cattr *attr)
{
	VEC(struct ctok) v = {0};
	struct cparser q;
	struct ctok *toks;
	u32 depth = 0, n, pack = p->c->pack;

	do {
		depth += ctok_is(&p->t, '{');
		depth -= ctok_is(&p->t, '}');
		vec_push(&v, p->t);
		cp_advance(p);
	} while (depth && p->t.kind != CT_EOF);
	n = v.n;
	toks = arena_alloc(&p->c->arena, n * sizeof(*toks) + 1);
	memcpy(toks, v.p, n * sizeof(*toks));
	vec_free(&v);
	attributes(p, attr);
	cp_init(&q, p->c, toks, n);
	q.depth = p->depth;
	q.is_quiet = p->is_quiet;
	members(&q, t, attr, pack);
	p->failed |= q.failed;
}

/* ( struct | union ) attributes [ NAME ] [ '{' members '}' attributes ] */
static void struct_spec(struct cparser *p, struct spec *s)
{
	bool is_union = word(&p->t) == CW_UNION;
	const char *what = is_union ? "union" : "struct";
	struct cattr attr = {0};
	struct cname *n = NULL;
	struct stype *t;

	cp_advance(p);
	attributes(p, &attr);
	if (p->t.kind == CT_NAME) {
		n = p->t.name;
		cp_advance(p);
	}
	if (!ctok_is(&p->t, '{')) {
		if (!n)
			cp_error(p, "a %s wants a name or members", what);
		else
			s->type = forward(p, n, what, ST_STRUCT);
		s->is_bare_tag = true;
		return;
	}
	t = arena_alloc(p->c->o.types, sizeof(*t));
	t->kind = ST_STRUCT;
	t->is_union = is_union;
	if (n)
		forward(p, n, what, ST_STRUCT); /* members may point to it */
	struct_body(p, t, &attr);
	define_tag(p, n, what, t);
	s->type = t;
	s->fresh = n ? NULL : t;
}

/* ---- enums ---- */

typedef VEC(struct stype_field) field_vec;

static void enumerators(struct cparser *p, struct stype *t, field_vec *v)
{
	s64 next = 0;

	while (p->t.kind == CT_NAME) {
		struct cname *n = p->t.name;
		struct stype_field f = { .name = arena_strdup(p->c->o.types, n->text), .type = stype_void() };
		struct cattr attr = {0};

		cp_advance(p);
		attributes(p, &attr);
		if (cp_accept(p, '='))
			next = cp_constant(p);
		f.off = n->value = next;
		n->is_constant = true;
		n->of = t;
		next = (s64)((u64)next + 1);
		if (v->n < STYPE_FIELDS_MAX)
			vec_push(v, f);
		if (!cp_accept(p, ','))
			break;
	}
}

/* enum attributes [ NAME ] [ ':' type ] [ '{' NAME [ '=' constant ] ',' ... '}' attributes ] */
static void enum_spec(struct cparser *p, struct spec *s)
{
	const struct stype *base = NULL;
	struct cattr attr = {0};
	struct cname *n = NULL;
	struct stype_field *f;
	field_vec v = {0};
	struct stype *t;

	cp_advance(p);
	attributes(p, &attr);
	if (p->t.kind == CT_NAME) {
		n = p->t.name;
		cp_advance(p);
	}
	if (ctok_is(&p->t, ':') && cp_peek(p)->kind == CT_NAME) {
		cp_advance(p);
		base = cp_type_name(p);
	}
	if (!cp_accept(p, '{')) {
		if (!n)
			cp_error(p, "an enum wants a name or constants");
		else
			s->type = forward(p, n, "enum", ST_ENUM);
		return;
	}
	t = arena_alloc(p->c->o.types, sizeof(*t));
	t->kind = ST_ENUM;
	t->size = 4;
	enumerators(p, t, &v);
	if (!cp_expect(p, '}'))
		recover(p);
	attributes(p, &attr);
	f = arena_alloc(p->c->o.types, v.n * sizeof(*f) + 1);
	if (v.n)
		memcpy(f, v.p, v.n * sizeof(*f));
	t->fields = f;
	t->n_fields = v.n;
	for (u32 i = 0; i < v.n; i++)
		t->is_signed |= f[i].off < 0;
	for (u32 i = 0; i < v.n; i++)
		if (t->is_signed ? f[i].off != (s32)f[i].off : f[i].off != (u32)f[i].off)
			t->size = 8;
	if (base && stype_is_scalar(base))
		t->size = base->size;
	vec_free(&v);
	define_tag(p, n, "enum", t);
	s->type = t;
	s->fresh = n ? NULL : t;
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

static void specifiers(struct cparser *p, struct spec *s)
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
			attributes(p, &s->attr);
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
			struct_spec(p, s);
		else if (w == CW_ENUM)
			enum_spec(p, s);
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
			skip_nested(p, '{', '}');
		else if (ctok_is(&p->t, '('))
			skip_nested(p, '(', ')');
		else
			cp_advance(p);
	}
}

static void declaration(struct cparser *p)
{
	struct spec s = {0};

	if (cp_accept(p, ';'))
		return;
	if (word(&p->t) == CW_STATIC_ASSERT || word(&p->t) == CW_ASM) {
		recover(p);
		return;
	}
	specifiers(p, &s);
	if (!s.type) {
		cp_error(p, "expected a declaration before '%.*s'", (int)MIN(p->t.len, 80u), p->t.p);
		cp_advance(p);
		recover(p);
		return;
	}
	while (!ctok_is(&p->t, ';') && p->t.kind != CT_EOF) {
		struct declr d = { .name = { .kind = CT_EOF } };
		const struct stype *t;

		declarator(p, &d, &s.attr);
		t = apply(p, &d, s.type);
		if (s.is_typedef)
			define_type(p, &s, &d, t);
		else if (d.n && d.ops[0].kind == OP_FN && ctok_is(&p->t, '{')) {
			skip_nested(p, '{', '}');
			return;
		}
		if (cp_accept(p, '='))
			initializer(p);
		if (!cp_accept(p, ','))
			break;
	}
	if (!cp_expect(p, ';')) {
		recover(p);
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

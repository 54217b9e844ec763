/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/cdecl/tag.c - structs, unions and enums. */
#include "lang/cdecl/parse.h"

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

	cp_declarator(p, &d, &attr);
	is_named = d.name.kind == CT_NAME;
	t = cp_apply(p, &d, s->type);
	t = ctypes_complete(p->c, t);
	if (cp_accept(p, ':')) {
		bits = width(p, t, is_named);
		cp_attributes(p, &attr);
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

/* member_decl := specifiers [ declarator { ',' declarator } ] ( ';' | before '}' ) */
static void member_decl(struct cparser *p, struct clayout *l)
{
	struct spec s = {0};

	if (cp_accept(p, ';'))
		return;
	if (cp_word(&p->t) == CW_STATIC_ASSERT) {
		cp_recover(p);
		return;
	}
	cp_specifiers(p, &s);
	if (!s.type) {
		cp_error(p, "a member's type is wanted before '%.*s'", (int)MIN(p->t.len, 80u), p->t.p);
		cp_recover(p);
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
	/* compilers let the last one go without, and so do scripts */
	if (!ctok_is(&p->t, '}') && !cp_expect(p, ';'))
		cp_recover(p);
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
		cp_skip_nested(p, '{', '}');
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
	cp_attributes(p, attr);
	cp_init(&q, p->c, toks, n);
	q.depth = p->depth;
	q.is_quiet = p->is_quiet;
	members(&q, t, attr, pack);
	p->failed |= q.failed;
}

/* ( struct | union ) attributes [ NAME ] [ '{' members '}' attributes ] */
void cp_struct_spec(struct cparser *p, struct spec *s)
{
	bool is_union = cp_word(&p->t) == CW_UNION;
	const char *what = is_union ? "union" : "struct";
	struct cattr attr = {0};
	struct cname *n = NULL;
	struct stype *t;

	cp_advance(p);
	cp_attributes(p, &attr);
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
		cp_attributes(p, &attr);
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
void cp_enum_spec(struct cparser *p, struct spec *s)
{
	const struct stype *base = NULL;
	struct cattr attr = {0};
	struct cname *n = NULL;
	struct stype_field *f;
	field_vec v = {0};
	struct stype *t;

	cp_advance(p);
	cp_attributes(p, &attr);
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
		cp_recover(p);
	cp_attributes(p, &attr);
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

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/cdecl/declr.c - attributes and declarators.
 *
 * A declarator is collected from the inside out, then applied to the base type from the far end:
 *
 *	int *(*p)[4]      p: pointer to, array of 4, pointer to;  int
 */
#include "lang/cdecl/parse.h"

enum { ARRAY_BYTES_MAX = 1 << 28 };

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
void cp_attributes(struct cparser *p, struct cattr *a)
{
	for (;;) {
		if (cp_word(&p->t) == CW_ASM) {
			cp_advance(p);
			while (cp_word(&p->t) == CW_QUALIFIER)
				cp_advance(p);
			if (ctok_is(&p->t, '('))
				cp_skip_parens(p);
			continue;
		}
		if (cp_word(&p->t) == CW_ALIGNAS) {
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
		if (cp_word(&p->t) != CW_ATTRIBUTE)
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

			while (cp_word(&p->t) == CW_QUALIFIER || cp_word(&p->t) == CW_STORAGE)
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

void cp_declarator(struct cparser *p, struct declr *d, struct cattr *a)
{
	u32 n_ptr = 0;

	for (;; cp_advance(p)) {
		if (ctok_is(&p->t, '*'))
			n_ptr++;
		else if (cp_word(&p->t) != CW_QUALIFIER)
			break;
	}
	cp_attributes(p, a);
	if (ctok_is(&p->t, '(') && p->depth < CNEST_MAX && is_inner(p)) {
		p->depth++;
		cp_advance(p);
		cp_declarator(p, d, a);
		cp_expect(p, ')');
		p->depth--;
	} else if (p->t.kind == CT_NAME && !p->t.name->word) {
		d->name = p->t;
		cp_advance(p);
	}
	suffixes(p, d);
	while (n_ptr--)
		add_op(p, d, OP_PTR, 0);
	cp_attributes(p, a);
}

static const struct stype *array_of(struct cparser *p, const struct stype *of, s64 n)
{
	struct arena *a = p->c->o.types;

	of = ctypes_complete(p->c, of);
	if ((u64)n > ARRAY_BYTES_MAX / MAX(of->size, 1u)) {
		cp_error(p, "this array is longer than %u MiB", ARRAY_BYTES_MAX >> 20);
		n = 0;
	}
	return cis_char(of) ? stype_chars(a, (u32)n) : stype_array(a, of, (u32)n);
}

const struct stype *cp_apply(struct cparser *p, const struct declr *d, const struct stype *base)
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
	cp_specifiers(p, &s);
	if (s.type)
		cp_declarator(p, &d, &s.attr);
	else
		cp_error(p, "a type is wanted here");
	p->depth--;
	return s.type ? cp_apply(p, &d, s.type) : NULL;
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

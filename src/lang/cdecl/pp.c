/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/cdecl/pp.c - macros put in.
 *
 * Tokens come from a pile of sources: files, and lists that expansions left to be read.  A macro is busy
 * while its expansion lies on the pile; its name met there is painted and stays a name for good
 * (C17, 6.10.3.4).
 */
#include "lang/cdecl/priv.h"
#include <errno.h>

void pp_push_list(struct ctypes *c, const struct ctok *toks, u32 n, struct cmacro *m)
{
	struct csource *s = vec_add(&c->sources);

	if (!s) {
		c->is_full = true;
		return;
	}
	s->toks = toks;
	s->n = n;
	s->macro = m;
	if (m)
		m->is_busy = true;
}

void pp_push_text(struct ctypes *c, const char *text, size_t len, const struct cfile *file)
{
	struct csource *s;
	char *copy;

	c->n_text += len;
	if (c->n_text > CTEXT_MAX || !vec_push(&c->files, *file) || !(s = vec_add(&c->sources))) {
		c->is_full = true;
		return;
	}
	copy = arena_alloc(&c->arena, len + 1);
	memcpy(copy, text, len);
	s->p = s->line_at = copy;
	s->end = copy + len;
	s->file = c->files.n - 1;
	s->line = file->first_line;
	s->bol = true;
	s->n_ifs = c->ifs.n;
}

static void pop(struct ctypes *c)
{
	struct csource *s = &c->sources.p[c->sources.n - 1];
	struct ctok at = { .file = s->file, .line = s->line };

	if (s->macro)
		s->macro->is_busy = false;
	if (!s->toks && c->ifs.n > s->n_ifs) {
		cdecl_error(c, &at, "an #if has no #endif");
		c->ifs.n = s->n_ifs;
	}
	c->sources.n--;
}

static void end_of(struct ctok *t)
{
	*t = (struct ctok){ .kind = CT_EOF, .p = "" };
}

static void full(struct ctypes *c, const struct ctok *at)
{
	if (!c->is_full)
		cdecl_error(c, at, "the C declarations are too long: more than %u tokens, or %u out of macros",
			    CTOKENS_MAX, CMADE_MAX);
	c->is_full = true;
}

/* The next token as it stands; directives are obeyed. */
static void raw(struct ctypes *c, struct ctok *t)
{
	for (;;) {
		struct csource *s;

		if (c->is_full || c->sources.n <= c->base) {
			end_of(t);
			return;
		}
		s = &c->sources.p[c->sources.n - 1];
		if (s->toks) {
			if (s->i == s->n) {
				pop(c);
				continue;
			}
			*t = s->toks[s->i++];
		} else {
			ctok_scan(c, s, t);
			if (t->kind == CT_EOF) {
				pop(c);
				continue;
			}
			if (t->bol && ctok_is(t, '#')) {
				pp_directive(c, t);
				continue;
			}
		}
		if (++c->n_tokens > CTOKENS_MAX)
			full(c, t);
		return;
	}
}

/* ---- arguments of a macro ---- */

struct arg {
	struct ctok *toks;       /* as written */
	u32 n;
	struct ctok *whole;      /* expanded; made when it is asked for */
	u32 n_whole;
	bool is_expanded;
};
typedef VEC(struct ctok) tok_vec;

/* In the arena, so that it outlives the vector. */
static struct ctok *keep(struct ctypes *c, tok_vec *v, u32 from, u32 *n)
{
	struct ctok *toks;

	*n = v->n - from;
	toks = arena_alloc(&c->arena, *n * sizeof(*toks) + 1);
	if (*n)
		memcpy(toks, v->p + from, *n * sizeof(*toks));
	v->n = from;
	return toks;
}

static u32 most_args(const struct cmacro *m)
{
	return m->n_params + m->is_variadic;
}

/* From behind '(' to ')': false where it never ends. */
static bool read_args(struct ctypes *c, struct cmacro *m, struct arg *args, u32 *n_args)
{
	tok_vec now = {0};
	u32 depth = 0, n = 0, most = most_args(m);
	struct ctok t;

	for (;;) {
		raw(c, &t);
		if (t.kind == CT_EOF)
			break;
		if (!depth && (ctok_is(&t, ')') ||
			       (ctok_is(&t, ',') && !(m->is_variadic && n >= m->n_params)))) {
			if (n < most)
				args[n].toks = keep(c, &now, 0, &args[n].n);
			now.n = 0;
			n++;
			if (ctok_is(&t, ')'))
				break;
			continue;
		}
		depth += ctok_is(&t, '(');
		depth -= ctok_is(&t, ')');
		vec_push(&now, t);
	}
	vec_free(&now);
	*n_args = n;
	return t.kind != CT_EOF;
}

/* "#x": the argument as a string. */
static void stringify(struct ctypes *c, const struct arg *a, struct ctok *t)
{
	struct str s = {0};

	str_addc(&s, '"');
	for (u32 i = 0; i < a->n && s.len < 65536; i++) {
		const struct ctok *x = &a->toks[i];

		if (i && (x->space || x->bol))
			str_addc(&s, ' ');
		for (u32 j = 0; j < x->len; j++) {
			bool quoted = x->kind == CT_STRING || x->kind == CT_CHAR;

			if (quoted && (x->p[j] == '"' || x->p[j] == '\\'))
				str_addc(&s, '\\');
			str_addc(&s, x->p[j]);
		}
	}
	str_addc(&s, '"');
	t->kind = CT_STRING;
	t->p = arena_strdup(&c->arena, str_text(&s));
	t->len = (u32)strlen(t->p);
	t->name = NULL;
	str_free(&s);
}

/* "a ## b": one token of both texts. */
static void paste(struct ctypes *c, struct ctok *left, const struct ctok *right)
{
	struct ctok at = *left, t;
	struct csource s = { .file = left->file, .line = left->line };
	char *text = arena_alloc(&c->arena, (size_t)left->len + right->len + 1);

	memcpy(text, left->p, left->len);
	memcpy(text + left->len, right->p, right->len);
	s.p = s.line_at = text;
	s.end = text + left->len + right->len;
	ctok_scan(c, &s, &t);
	if (s.p != s.end) {
		cdecl_error(c, &at, "'%s' is not one token", text);
		return;
	}
	t.col = at.col;
	t.space = at.space;
	*left = t;
}

static s64 param_of(const struct cmacro *m, const struct ctok *t)
{
	if (t->kind != CT_NAME)
		return -1;
	for (u32 i = 0; i < m->n_params; i++)
		if (m->params[i] == t->name)
			return i;
	if (m->is_variadic && (m->rest ? t->name == m->rest : strcmp(t->p, "__VA_ARGS__") == 0))
		return m->n_params;
	return -1;
}

static void expand_arg(struct ctypes *c, struct arg *a)
{
	if (a->is_expanded)
		return;
	a->is_expanded = true;
	a->whole = pp_expand(c, a->toks, a->n, &a->n_whole);
}

/* Appends; the first takes the place's blank. */
static void append(struct ctypes *c, tok_vec *out, const struct ctok *toks, u32 n, const struct ctok *place)
{
	c->n_made += n;
	if (c->n_made > CMADE_MAX) {
		full(c, place);
		return;
	}
	for (u32 i = 0; i < n; i++) {
		struct ctok t = toks[i];

		if (i == 0)
			t.space = place->space;
		vec_push(out, t);
	}
}

/* The macro's body with its arguments put in. */
static struct ctok *substitute(struct ctypes *c, const struct cmacro *m, struct arg *args, u32 *n_out)
{
	tok_vec out = {0};
	struct ctok *toks;

	for (u32 i = 0; i < m->n_body && !c->is_full; i++) {
		const struct ctok *t = &m->body[i];
		bool before_paste = i + 1 < m->n_body && ctok_is(&m->body[i + 1], OP2('#', '#'));
		s64 p = param_of(m, t);

		if (m->is_fn && ctok_is(t, '#') && i + 1 < m->n_body &&
		    param_of(m, &m->body[i + 1]) >= 0) {
			struct ctok s = *t;

			stringify(c, &args[param_of(m, &m->body[++i])], &s);
			vec_push(&out, s);
		} else if (ctok_is(t, OP2('#', '#')) && i + 1 < m->n_body && i) {
			const struct ctok *right = &m->body[++i];
			s64 q = param_of(m, right);
			const struct ctok *r = q >= 0 ? args[q].toks : right;
			u32 n = q >= 0 ? args[q].n : 1;

			if (n && out.n) {
				paste(c, &out.p[out.n - 1], r);
				append(c, &out, r + 1, n - 1, right);
			} else if (n) {
				append(c, &out, r, n, right);
			} else if (out.n && m->is_variadic && q == (s64)m->n_params &&
				   ctok_is(&out.p[out.n - 1], ',')) {
				out.n--; /* ", ## __VA_ARGS__" without any */
			}
		} else if (p >= 0 && before_paste) {
			append(c, &out, args[p].toks, args[p].n, t);
		} else if (p >= 0) {
			expand_arg(c, &args[p]);
			append(c, &out, args[p].whole, args[p].n_whole, t);
		} else {
			append(c, &out, t, 1, t);
		}
	}
	toks = keep(c, &out, 0, n_out);
	vec_free(&out);
	return toks;
}

/* Gives back a token that was read too far. */
static void unread(struct ctypes *c, const struct ctok *t)
{
	struct ctok *one;

	if (t->kind == CT_EOF)
		return;
	one = arena_alloc(&c->arena, sizeof(*one));
	*one = *t;
	pp_push_list(c, one, 1, NULL);
}

/* Reads a macro's arguments, if it wants any, and puts its expansion on the pile: false, the name stays one. */
static bool enter(struct ctypes *c, const struct ctok *name)
{
	struct cmacro *m = name->name->macro;
	struct arg *args = NULL;
	struct ctok *toks, t;
	u32 n, n_args, most = most_args(m);

	if (!m->is_fn) {
		toks = substitute(c, m, NULL, &n);
	} else {
		raw(c, &t);
		if (!ctok_is(&t, '(')) {
			unread(c, &t);
			return false;
		}
		args = arena_alloc(&c->arena, (most + 1) * sizeof(*args));
		if (!read_args(c, m, args, &n_args)) {
			cdecl_error(c, name, "the arguments of macro '%s' do not end", name->p);
			return true;
		}
		if (n_args > most || (n_args < m->n_params && !(n_args == 1 && !args[0].n)))
			cdecl_error(c, name, "macro '%s' takes %u argument%s, not %u", name->p,
				    m->n_params, m->n_params == 1 ? "" : "s", n_args);
		toks = substitute(c, m, args, &n);
	}
	if (n) {
		toks[0].space = name->space;
		toks[0].bol = name->bol;
	}
	/* Mistakes in it are shown where it was used. */
	for (u32 i = 0; i < n; i++) {
		toks[i].file = name->file;
		toks[i].line = name->line;
		toks[i].col = name->col;
	}
	pp_push_list(c, toks, n, m);
	return true;
}

void pp_next(struct ctypes *c, struct ctok *t)
{
	for (;;) {
		raw(c, t);
		if (t->kind != CT_NAME || t->is_painted || !t->name->macro)
			return;
		if (t->name->macro->is_busy) {
			t->is_painted = true;
			return;
		}
		if (!enter(c, t))
			return;
	}
}

struct ctok *pp_expand(struct ctypes *c, const struct ctok *toks, u32 n, u32 *n_out)
{
	u32 base = c->base;
	tok_vec out = {0};
	struct ctok t, *kept;

	*n_out = 0;
	if (c->expand_depth >= CEXPAND_DEPTH) {
		if (n)
			cdecl_error(c, &toks[0], "macros are nested more than %u deep", CEXPAND_DEPTH);
		return NULL;
	}
	c->expand_depth++;
	c->base = c->sources.n;
	pp_push_list(c, toks, n, NULL);
	for (pp_next(c, &t); t.kind != CT_EOF; pp_next(c, &t))
		vec_push(&out, t);
	while (c->sources.n > c->base)
		pop(c);
	c->base = base;
	c->expand_depth--;
	kept = keep(c, &out, 0, n_out);
	vec_free(&out);
	return kept;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/cdecl/pp_line.c - lines that begin with '#'. */
#include "lang/cdecl/priv.h"
#include <errno.h>

static struct csource *top(struct ctypes *c)
{
	return &c->sources.p[c->sources.n - 1];
}

/* The next token of this line: false, and nothing read, at its end. */
static bool on_line(struct ctypes *c, struct ctok *t)
{
	struct csource before = *top(c);

	ctok_scan(c, top(c), t);
	if (t->kind != CT_EOF && !t->bol)
		return true;
	*top(c) = before;
	return false;
}

struct ctok *pp_rest_of_line(struct ctypes *c, u32 *n)
{
	VEC(struct ctok) v = {0};
	struct ctok t, *kept;

	while (on_line(c, &t))
		vec_push(&v, t);
	*n = v.n;
	c->n_tokens += v.n;
	kept = arena_alloc(&c->arena, v.n * sizeof(t) + 1);
	if (v.n)
		memcpy(kept, v.p, v.n * sizeof(t));
	vec_free(&v);
	return kept;
}

const char *pp_text(struct ctypes *c, const struct ctok *toks, u32 n)
{
	struct str s = {0};
	const char *text;

	for (u32 i = 0; i < n; i++) {
		if (i && toks[i].space)
			str_addc(&s, ' ');
		str_addn(&s, toks[i].p, toks[i].len);
	}
	text = arena_strdup(&c->arena, str_text(&s));
	str_free(&s);
	return text;
}

/* ---- #define ---- */

/* params := [ NAME { ',' NAME } ] [ '...' ] ')': the number of tokens, 0 and a mistake. */
static u32 params(struct ctypes *c, struct cmacro *m, const struct ctok *t, u32 n)
{
	u32 i = 0;

	m->params = arena_alloc(&c->arena, n * sizeof(*m->params) + 1);
	while (i < n && !ctok_is(&t[i], ')')) {
		if (ctok_is(&t[i], OP3('.', '.', '.'))) {
			m->is_variadic = true;
		} else if (t[i].kind == CT_NAME && !m->is_variadic) {
			m->params[m->n_params++] = t[i].name;
			if (i + 1 < n && ctok_is(&t[i + 1], OP3('.', '.', '.'))) {
				m->rest = m->params[--m->n_params]; /* GNU's "args..." */
				m->is_variadic = true;
				i++;
			}
		} else {
			break;
		}
		if (++i < n && ctok_is(&t[i], ','))
			i++;
		else
			break;
	}
	if (i < n && ctok_is(&t[i], ')'))
		return i + 1;
	cdecl_error(c, &t[MIN(i, n - 1)], "the parameters of a macro are names, with commas, in parentheses");
	return 0;
}

static void define(struct ctypes *c, const struct ctok *at, struct ctok *t, u32 n)
{
	struct cmacro *m;
	u32 i = 1;

	if (!n || t[0].kind != CT_NAME) {
		cdecl_error(c, n ? &t[0] : at, "#define wants a name");
		return;
	}
	m = arena_alloc(&c->arena, sizeof(*m));
	if (n > 1 && ctok_is(&t[1], '(') && !t[1].space) {
		m->is_fn = true;
		i = n > 2 ? params(c, m, t + 2, n - 2) : 0;
		if (!i)
			return;
		i += 2;
	}
	m->body = t + i;
	m->n_body = n - i;
	t[0].name->macro = m;
}

void pp_define(struct ctypes *c, const char *name, const char *body)
{
	struct cmacro *m = arena_alloc(&c->arena, sizeof(*m));
	struct csource s = { .p = body, .end = body + strlen(body), .line_at = body };
	struct ctok t;

	m->body = arena_alloc(&c->arena, sizeof(t) * 8);
	for (ctok_scan(c, &s, &t); t.kind != CT_EOF && m->n_body < 8; ctok_scan(c, &s, &t))
		m->body[m->n_body++] = t;
	cname_get(c, name, strlen(name))->macro = m;
}

/* ---- #if ---- */

static struct ctok number(const struct ctok *at, bool v)
{
	struct ctok t = *at;

	t.kind = CT_NUMBER;
	t.p = v ? "1" : "0";
	t.len = 1;
	t.name = NULL;
	return t;
}

static bool condition(struct ctypes *c, const struct ctok *at, const struct ctok *toks, u32 n)
{
	struct ctok *v = arena_alloc(&c->arena, (n + 1) * sizeof(*v)), *whole;
	struct cparser p;
	u32 n_v = 0, n_whole;
	s64 value;

	for (u32 i = 0; i < n; i++) {
		bool paren;

		if (toks[i].kind != CT_NAME || strcmp(toks[i].p, "defined") != 0) {
			v[n_v++] = toks[i];
			continue;
		}
		paren = i + 1 < n && ctok_is(&toks[i + 1], '(');
		if (i + 1 + paren >= n || toks[i + 1 + paren].kind != CT_NAME) {
			cdecl_error(c, &toks[i], "'defined' wants a name");
			return false;
		}
		v[n_v++] = number(&toks[i], toks[i + 1 + paren].name->macro);
		i += paren ? 3 : 1;
	}
	whole = pp_expand(c, v, n_v, &n_whole);
	if (!n_whole) {
		cdecl_error(c, at, "this #if has no condition");
		return false;
	}
	cp_init(&p, c, whole, n_whole);
	p.is_pp = true;
	value = cp_constant(&p);
	return !p.failed && value;
}

static bool is_defined(struct ctypes *c, const struct ctok *at, const struct ctok *t, u32 n)
{
	if (n && t[0].kind == CT_NAME)
		return t[0].name->macro;
	cdecl_error(c, at, "a name is wanted here");
	return false;
}

/* Passes over a group that is not taken, to its #else, #elif or #endif (which is obeyed). */
static void skip_group(struct ctypes *c)
{
	u32 depth = 0;
	struct ctok t, *rest;
	u32 n;

	for (;;) {
		struct cif *f = &c->ifs.p[c->ifs.n - 1];

		ctok_scan(c, top(c), &t);
		if (t.kind == CT_EOF || c->is_full)
			return; /* whoever pops the file says so */
		if (!t.bol || !ctok_is(&t, '#') || !on_line(c, &t) || t.kind != CT_NAME)
			continue;
		if (str_starts(t.p, "if")) {
			depth++;
		} else if (strcmp(t.p, "endif") == 0) {
			if (!depth--) {
				pp_rest_of_line(c, &n);
				c->ifs.n--;
				return;
			}
		} else if (!depth && strcmp(t.p, "else") == 0 && !f->has_else) {
			f->has_else = true;
			if (f->taken)
				continue;
			pp_rest_of_line(c, &n);
			return;
		} else if (!depth && strcmp(t.p, "elif") == 0 && !f->has_else && !f->taken) {
			rest = pp_rest_of_line(c, &n);
			f->taken = condition(c, &t, rest, n);
			if (f->taken)
				return;
		}
	}
}

static void open_if(struct ctypes *c, bool yes)
{
	struct cif *f = c->ifs.n < 4096 ? vec_add(&c->ifs) : NULL;

	if (!f) {
		c->is_full = true;
		return;
	}
	f->taken = yes;
	if (!yes)
		skip_group(c);
}

static void close_if(struct ctypes *c, const struct ctok *at, bool is_end)
{
	if (c->ifs.n <= top(c)->n_ifs) {
		cdecl_error(c, at, "'#%s' without #if", at->p);
		return;
	}
	if (is_end) {
		c->ifs.n--;
		return;
	}
	/* The branch that was taken ends here. */
	c->ifs.p[c->ifs.n - 1].has_else |= strcmp(at->p, "else") == 0;
	skip_group(c);
}

/* ---- #include, #pragma ---- */

/* The name between <> or "": NULL and a mistake. */
static char *header_name(struct ctypes *c, const struct ctok *at, const struct ctok *t, u32 n, bool *is_system)
{
	struct str s = {0};
	char *name;

	if (n && t[0].kind != CT_STRING && !ctok_is(&t[0], '<'))
		t = pp_expand(c, t, n, &n);
	if (n && t[0].kind == CT_STRING && t[0].len > 2) {
		*is_system = false;
		str_addn(&s, t[0].p + 1, t[0].len - 2);
	} else if (n && ctok_is(&t[0], '<')) {
		*is_system = true;
		for (u32 i = 1; i < n && !ctok_is(&t[i], '>'); i++)
			str_addn(&s, t[i].p, t[i].len);
	}
	name = s.len && s.len < 1024 && !memchr(s.p, '\0', s.len) ? arena_strdup(&c->arena, s.p) : NULL;
	str_free(&s);
	if (!name)
		cdecl_error(c, n ? &t[0] : at, "#include wants <name> or \"name\"");
	return name;
}

static bool is_once(const struct ctypes *c, const char *name)
{
	for (u32 i = 0; i < c->once.n; i++)
		if (strcmp(c->once.p[i], name) == 0)
			return true;
	return false;
}

static void include(struct ctypes *c, const struct ctok *at, const struct ctok *t, u32 n)
{
	bool is_system = false;
	char *name = header_name(c, at, t, n, &is_system), *text = NULL;
	struct cfile from = c->files.p[at->file], file;
	u32 depth = 0;
	int err = -ENOENT;

	if (!name)
		return;
	if (is_once(c, name))
		return;
	for (u32 i = 0; i < c->sources.n; i++)
		depth += !c->sources.p[i].toks;
	if (depth > CFILE_DEPTH || c->n_files >= CFILES_MAX) {
		diag_error(c->dg, (struct place){ .file = from.name, .line = at->line }, -EINVAL,
			   "too many includes: more than %u inside each other or %u in all", CFILE_DEPTH,
			   CFILES_MAX);
		c->is_full = true;
		return;
	}
	if (c->o.include && !is_system && from.is_include && strrchr(from.name, '/')) {
		/* beside the header that asks for it */
		char *beside = arena_printf(&c->arena, "%.*s%s", (int)(strrchr(from.name, '/') - from.name + 1),
					    from.name, name);

		err = c->o.include(c->o.arg, beside, from.is_system, NULL, &text);
		if (!err)
			name = beside;
	}
	if (c->o.include && err)
		err = c->o.include(c->o.arg, name, is_system, c->dg, &text);
	if (err) {
		if (err != -ENOENT || !cheader_known(name))
			cdecl_error(c, n ? &t[0] : at, "header '%s' was not found", name);
		return;
	}
	if (is_once(c, name)) {
		free(text);
		return;
	}
	c->n_files++;
	file = (struct cfile){ .name = name, .is_system = is_system || from.is_system,
			       .is_include = true, .first_line = 1 };
	pp_push_text(c, text, strlen(text), &file);
	free(text);
}

static s64 pack_number(const struct ctok *t)
{
	return t->kind == CT_NUMBER && t->len == 1 && strchr("1248", *t->p) ? *t->p - '0' : -1;
}

/* pack(), pack(N), pack(push), pack(push, N), pack(pop); once */
static void pragma(struct ctypes *c, const struct ctok *t, u32 n)
{
	if (n == 1 && t[0].kind == CT_NAME && strcmp(t[0].p, "once") == 0) {
		vec_push(&c->once, c->files.p[t[0].file].name);
		return;
	}
	if (n < 3 || t[0].kind != CT_NAME || strcmp(t[0].p, "pack") != 0)
		return;
	if (ctok_is(&t[2], ')'))
		c->pack = 0;
	for (u32 i = 2; i < n; i++) {
		if (t[i].kind == CT_NAME && strcmp(t[i].p, "push") == 0) {
			if (c->n_packs < ARRAY_SIZE(c->packs))
				c->packs[c->n_packs++] = c->pack;
		} else if (t[i].kind == CT_NAME && strcmp(t[i].p, "pop") == 0) {
			c->pack = c->n_packs ? c->packs[--c->n_packs] : 0;
		} else if (pack_number(&t[i]) > 0) {
			c->pack = (u32)pack_number(&t[i]);
		}
	}
}

void pp_directive(struct ctypes *c, const struct ctok *hash)
{
	struct ctok t, *rest;
	u32 n;

	if (!on_line(c, &t))
		return; /* "#" alone */
	rest = pp_rest_of_line(c, &n);
	if (t.kind != CT_NAME)
		return; /* "# 12 "file"", a line mark */
	if (strcmp(t.p, "define") == 0) {
		define(c, &t, rest, n);
	} else if (strcmp(t.p, "undef") == 0) {
		if (n && rest[0].kind == CT_NAME)
			rest[0].name->macro = NULL;
	} else if (strcmp(t.p, "include") == 0 || strcmp(t.p, "import") == 0) {
		include(c, hash, rest, n);
	} else if (strcmp(t.p, "ifdef") == 0) {
		open_if(c, is_defined(c, &t, rest, n));
	} else if (strcmp(t.p, "ifndef") == 0) {
		open_if(c, !is_defined(c, &t, rest, n));
	} else if (strcmp(t.p, "if") == 0) {
		open_if(c, condition(c, &t, rest, n));
	} else if (strcmp(t.p, "endif") == 0) {
		close_if(c, &t, true);
	} else if (strcmp(t.p, "else") == 0 || strcmp(t.p, "elif") == 0) {
		close_if(c, &t, false);
	} else if (strcmp(t.p, "pragma") == 0) {
		pragma(c, rest, n);
	} else if (strcmp(t.p, "error") == 0) {
		cdecl_error(c, &t, "#error %s", pp_text(c, rest, n));
	} else if (strcmp(t.p, "warning") && strcmp(t.p, "include_next") && strcmp(t.p, "line") &&
		   strcmp(t.p, "ident")) {
		cdecl_error(c, &t, "'#%s' is no directive of C", t.p);
	}
}

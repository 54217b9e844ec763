/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/cdecl/find.c - the declarations of a script: text in, types and constants out. */
#include "lang/cdecl/priv.h"
#include <errno.h>

int ctypes_new(const struct ctypes_opts *o, struct ctypes **out)
{
	struct ctypes *c = calloc(1, sizeof(*c));
	struct cfile nowhere = { .name = "", .is_system = true };

	if (!c || !vec_push(&c->files, nowhere)) {
		free(c);
		return -ENOMEM;
	}
	c->o = *o;
	*out = c;
	return 0;
}

void ctypes_free(struct ctypes *c)
{
	if (!c)
		return;
	strmap_free(&c->by_text);
	strmap_free(&c->found_by);
	vec_free(&c->names);
	vec_free(&c->files);
	vec_free(&c->sources);
	vec_free(&c->ifs);
	vec_free(&c->once);
	vec_free(&c->btfs);
	vec_free(&c->found);
	free(c->cache);
	arena_free(&c->arena);
	free(c);
}

/* What compilers define, as far as headers ask for it. */
static void predefine(struct ctypes *c)
{
	static const char *const macros[][2] = {
		{ "__x86_64__", "1" }, { "__x86_64", "1" }, { "__amd64__", "1" }, { "__linux__", "1" },
		{ "__linux", "1" }, { "__unix__", "1" }, { "__gnu_linux__", "1" }, { "__LP64__", "1" },
		{ "_LP64", "1" }, { "__ELF__", "1" }, { "__STDC__", "1" }, { "__STDC_VERSION__", "201710L" },
		{ "__GNUC__", "12" }, { "__GNUC_MINOR__", "2" }, { "__CHAR_BIT__", "8" },
		{ "__SIZEOF_LONG__", "8" }, { "__SIZEOF_POINTER__", "8" }, { "__SIZEOF_INT__", "4" },
		{ "__ORDER_LITTLE_ENDIAN__", "1234" }, { "__ORDER_BIG_ENDIAN__", "4321" },
		{ "__BYTE_ORDER__", "1234" }, { "__SIZE_TYPE__", "unsigned long" },
		{ "__PTRDIFF_TYPE__", "long" }, { "__WCHAR_TYPE__", "int" }, { "__WINT_TYPE__", "unsigned" },
		{ "__INTPTR_TYPE__", "long" }, { "__UINTPTR_TYPE__", "unsigned long" },
		{ "__INT_MAX__", "0x7fffffff" }, { "__LONG_MAX__", "0x7fffffffffffffffL" },
		{ "__builtin_va_list", "void *" }, { "__packed", "__attribute__((packed))" },
		{ "__user", "" }, { "__kernel", "" }, { "__iomem", "" }, { "__rcu", "" }, { "__percpu", "" },
		{ "__force", "" }, { "__bitwise", "" }, { "__BPFTRACE__", "1" },
	};

	for (u32 i = 0; i < ARRAY_SIZE(macros); i++)
		pp_define(c, macros[i][0], macros[i][1]);
	if (c->o.btf || c->o.btf_get)
		pp_define(c, "BPFTRACE_HAVE_BTF", "1");
}

int ctypes_add(struct ctypes *c, const char *text, size_t len, const char *file, u32 line, struct diag *dg)
{
	struct cfile f = { .name = arena_strdup(&c->arena, file ? file : ""), .first_line = line };
	struct cparser p;

	if (!c->by_text.n)
		predefine(c);
	c->dg = dg;
	c->failed = c->is_full = false;
	c->gen++;
	pp_push_text(c, text, len, &f);
	if (c->is_full)
		return diag_error(dg, (struct place){ .file = file, .line = line }, -E2BIG,
				  "more than %u MiB of C declarations", CTEXT_MAX >> 20);
	c->text_file = c->files.n - 1;
	c->text = text;
	c->text_len = len;
	cp_init(&p, c, NULL, 0);
	cp_unit(&p);
	/* What a limit left behind. */
	while (c->sources.n) {
		struct cmacro *m = c->sources.p[--c->sources.n].macro;

		if (m)
			m->is_busy = false;
	}
	c->ifs.n = 0;
	c->text = NULL;
	c->dg = NULL;
	return c->failed || c->is_full ? -EINVAL : 0;
}

/* ---- types ---- */

static bool is_tagged(const char *name)
{
	return str_starts(name, "struct ") || str_starts(name, "union ") || str_starts(name, "enum ");
}

static const struct stype *tag_find(struct ctypes *c, const char *name)
{
	const struct cname *n = cname_find(c, strchr(name, ' ') + 1);
	const struct stype *t = n ? n->tag : NULL;

	return t && t->name && strcmp(t->name, name) == 0 ? t : NULL;
}

const struct stype *ctypes_complete(struct ctypes *c, const struct stype *t)
{
	const struct stype *found;

	if (!t || !t->is_fwd)
		return t;
	if (t->btf && btf_kind(btf_type(t->btf, t->btf_id)) != BTF_FWD)
		return ctypes_of_btf(c, t->btf, t->btf_id);
	if (!t->name || !is_tagged(t->name))
		return t;
	found = tag_find(c, t->name);
	if (!found || found->is_fwd)
		found = cbtf_find(c, t->name);
	return found && !found->is_fwd ? found : t;
}

/* Tokens of a text that is no file. */
static struct ctok *tokens_of(struct ctypes *c, const char *text, u32 *n)
{
	char *copy = arena_strdup(&c->arena, text);
	struct csource s = { .p = copy, .end = copy + strlen(copy), .line_at = copy };
	VEC(struct ctok) v = {0};
	struct ctok t, *kept;

	for (ctok_scan(c, &s, &t); t.kind != CT_EOF && v.n < 64; ctok_scan(c, &s, &t))
		vec_push(&v, t);
	*n = v.n;
	kept = arena_alloc(&c->arena, v.n * sizeof(t) + 1);
	if (v.n)
		memcpy(kept, v.p, v.n * sizeof(t));
	vec_free(&v);
	return kept;
}

const struct stype *ctypes_find(struct ctypes *c, const char *name)
{
	const struct stype *t;
	struct cname *n;
	struct cparser p;
	struct ctok *toks;
	u32 n_toks;

	if (is_tagged(name)) {
		t = tag_find(c, name);
		return t ? ctypes_complete(c, t) : cbtf_find(c, name);
	}
	n = cname_find(c, name);
	if (n && n->type)
		return ctypes_complete(c, n->type);
	t = calias_find(name);
	if (t)
		return t;
	if (!strchr(name, ' '))
		return !n || !n->is_constant ? cbtf_find(c, name) : NULL;
	toks = tokens_of(c, name, &n_toks);
	cp_init(&p, c, toks, n_toks);
	p.is_quiet = true;
	t = cp_type_name(&p);
	return p.failed || p.t.kind != CT_EOF ? NULL : ctypes_complete(c, t);
}

/* ---- constants ---- */

/* The expansion of an object-like macro; NULL: there is none of that name. */
static struct ctok *macro_of(struct ctypes *c, const char *name, u32 *n)
{
	const struct cname *found = cname_find(c, name);
	struct ctok self = { .kind = CT_NAME, .p = name, .name = (struct cname *)found };

	if (!found || !found->macro || found->macro->is_fn)
		return NULL;
	self.len = (u32)strlen(name);
	return pp_expand(c, &self, 1, n);
}

bool ctypes_constant(struct ctypes *c, const char *name, s64 *v, const struct stype **type)
{
	const struct cname *found = cname_find(c, name);
	struct ctok *toks;
	struct cparser p;
	s64 value;
	u32 n = 0;

	*type = NULL;
	if (found && found->is_constant) {
		*v = found->value;
		*type = found->of;
		return true;
	}
	toks = macro_of(c, name, &n);
	if (toks && n) {
		cp_init(&p, c, toks, n);
		p.is_quiet = true;
		value = cp_constant(&p);
		if (p.failed || p.t.kind != CT_EOF)
			return false;
		*v = value;
		return true;
	}
	if (found && (found->macro || found->type))
		return false;
	return cconstant_find(name, v) || cbtf_constant(c, name, v, type);
}

const char *ctypes_string(struct ctypes *c, const char *name)
{
	const char *text = NULL;
	struct str s = {0};
	u32 n = 0;
	struct ctok *toks = macro_of(c, name, &n);

	for (u32 i = 0; i < n; i++) {
		char *buf = arena_alloc(&c->arena, toks[i].len + 1u);
		s64 len = toks[i].kind == CT_STRING ? ctok_unescape(&toks[i], buf, toks[i].len) : -1;

		if (len < 0)
			break;
		str_addn(&s, buf, (size_t)len);
		if (i + 1 == n)
			text = arena_strdup(&c->arena, str_text(&s));
	}
	str_free(&s);
	return text;
}

const char *ctypes_define(struct ctypes *c, const char *name)
{
	const struct cname *n = cname_find(c, name);

	return n && n->macro && !n->macro->is_fn ? pp_text(c, n->macro->body, n->macro->n_body) : NULL;
}

/* ---- nearest names ---- */

struct nearest {
	const char *wanted;
	size_t len;
	const char **names;
	u32 *far;
	u32 n, max, limit;
};

static void try_name(struct nearest *b, const char *name)
{
	size_t len = strlen(name);
	u32 d, i;

	if (len > b->len + b->limit || b->len > len + b->limit)
		return;
	d = str_distance(name, b->wanted, b->len);
	if (d > b->limit || !d)
		return;
	for (i = 0; i < b->n; i++)
		if (strcmp(b->names[i], name) == 0)
			return;
	for (i = 0; i < b->n && b->far[i] <= d; i++)
		;
	if (i == b->max)
		return;
	b->n = MIN(b->n + 1, b->max);
	for (u32 j = b->n - 1; j > i; j--) {
		b->names[j] = b->names[j - 1];
		b->far[j] = b->far[j - 1];
	}
	b->names[i] = name;
	b->far[i] = d;
}

static void try_btf(struct nearest *b, const struct btf *btf, const char *tag)
{
	for (u32 id = 1; btf && id < btf_n_types(btf); id++) {
		const struct btf_type *t = btf_type(btf, id);
		u32 k = btf_kind(t);

		if (*tag == 's' ? k == BTF_STRUCT : *tag == 'u' ? k == BTF_UNION :
		    *tag == 'e' ? btf_is_enum(t) : k == BTF_TYPEDEF)
			try_name(b, btf_str(btf, t->name_off));
		if (!*tag && btf_is_enum(t))
			for (u32 i = 0; i < btf_vlen(t); i++)
				try_name(b, btf_str(btf, btf_enum_name_off(t, i)));
	}
}

static void try_own(struct nearest *b, const struct ctypes *c, const char *tag)
{
	const char *name = NULL;

	for (u32 i = 0; i < c->names.n; i++) {
		const struct cname *n = c->names.p[i];

		if (*tag ? n->tag && *n->tag->name == *tag : n->type || n->is_constant || n->macro)
			try_name(b, n->text);
	}
	if (*tag)
		return;
	for (u32 i = 0; calias_at(i); i++)
		try_name(b, calias_at(i));
	while ((name = cconstant_next(name)))
		try_name(b, name);
}

u32 ctypes_near(struct ctypes *c, const char *name, const char **near, u32 n)
{
	const char *tag = is_tagged(name) ? name : "", *space = strchr(name, ' ');
	u32 far[16];
	struct nearest b = { .wanted = *tag ? space + 1 : name, .names = near, .far = far,
			     .max = MIN(n, (u32)ARRAY_SIZE(far)) };

	b.len = strlen(b.wanted);
	b.limit = b.len < 3 ? 1 : b.len < 8 ? 2 : 3;
	if (!b.max || b.len > 64)
		return 0;
	try_own(&b, c, tag);
	for (u32 i = 0; i < c->btfs.n; i++)
		try_btf(&b, c->btfs.p[i], tag);
	try_btf(&b, ctypes_kernel(c), tag);
	for (u32 i = 0; i < b.n; i++)
		near[i] = *tag ? arena_printf(&c->arena, "%.*s%s", (int)(space + 1 - name), name, near[i]) :
				 arena_strdup(&c->arena, near[i]);
	return b.n;
}

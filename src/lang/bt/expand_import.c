/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/expand_import.c - imports and the C part.
 *
 *	import "x.bt";     its items take the import's place; each file once
 *	import "x.h";      as if it were included
 *
 * The text of an imported file is put behind the script's own, so that a span says which file it is
 * in.
 */
#include "lang/bt/check_inner.h"
#include "lang/cdecl/cdecl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { IMPORTS_MAX = 100, TEXT_MAX = 8 << 20 };

struct node *expand_adopt(struct bt_program *p, const struct node *n, u32 by, const struct span *to)
{
	struct node *copy = arena_alloc(&p->arena, sizeof(*copy));

	*copy = *n;
	copy->text = *n->text ? arena_strdup(&p->arena, n->text) : "";
	copy->raw = *n->raw ? arena_strdup(&p->arena, n->raw) : "";
	copy->at = to ? *to : (struct span){ n->at.from + by, n->at.to + by };
	copy->kids = copy->last = copy->next = NULL;
	for (const struct node *k = n->kids; k; k = k->next) {
		struct node *kid = expand_adopt(p, k, by, to);

		if (copy->last)
			copy->last->next = kid;
		else
			copy->kids = kid;
		copy->last = kid;
	}
	return copy;
}

/* ---- imports ---- */

struct importer {
	struct sema *s;
	const char *seen[IMPORTS_MAX];
	u32 n;
};

/* Behind the text of the program; where it begins there. */
static u32 add_text(struct bt_program *p, const char *file, const char *text, size_t len)
{
	char *both = arena_alloc(&p->arena, p->len + len + 2);
	struct bt_source *imports = arena_alloc(&p->arena, (p->n_imports + 1) * sizeof(*imports));
	u32 from = p->len + 1;

	memcpy(both, p->text, p->len);
	both[p->len] = '\n';
	memcpy(both + from, text, len);
	if (p->n_imports)
		memcpy(imports, p->imports, p->n_imports * sizeof(*imports));
	imports[p->n_imports++] = (struct bt_source){ arena_strdup(&p->arena, file), from };
	p->imports = imports;
	p->text = both;
	p->len = from + (u32)len;
	return from;
}

/* A name in an imported file counts from that file's folder. */
static const char *beside(struct bt_program *p, const char *importer, const char *name)
{
	const char *slash = strrchr(importer, '/');

	if (!slash || *name == '/')
		return name;
	return arena_printf(&p->arena, "%.*s/%s", (int)(slash - importer), importer, name);
}

static struct node *import_script(struct importer *im, struct node *n, const char *path);

/* The list with every IMPORT replaced; importer: the path that holds it, "" the script itself. */
static void import_list(struct importer *im, struct node *root, const char *importer)
{
	struct node *first = NULL, *last = NULL, *next;

	for (struct node *n = root->kids; n; n = next) {
		struct node *list = n;

		next = n->next;
		n->next = NULL;
		if (n->kind == NODE_IMPORT)
			list = import_script(im, n,
					     *importer ? beside(im->s->prog, importer, n->text)
						       : n->text);
		for (struct node *k = list; k; k = k->next) {
			if (last)
				last->next = k;
			else
				first = k;
			last = k;
			if (!k->next)
				break;
		}
	}
	root->kids = first;
	root->last = last;
}

static struct node *parse_script(struct importer *im, struct node *n, const char *path,
				 const char *text)
{
	struct bt_program *part = NULL, *p = im->s->prog;
	struct node *root = NULL;
	int err;

	if (p->len + strlen(text) > TEXT_MAX) {
		sema_error(im->s, n, "the imported files are bigger than %d bytes", TEXT_MAX);
		return NULL;
	}
	err = bt_parse(text, strlen(text), path, im->s->dg, &part);
	if (err)
		im->s->failed = true;
	if (part && !err)
		root = expand_adopt(p, part->root, add_text(p, path, part->text, part->len), NULL);
	bt_free(part);
	for (struct node *k = root ? root->kids : NULL; k; k = k->next)
		if (k->kind == NODE_CONFIG)
			sema_error(im->s, k, "an imported file can't have a config block");
	return root;
}

static struct node *import_script(struct importer *im, struct node *n, const char *path)
{
	struct sema *s = im->s;
	struct node *root;
	char *text = NULL;
	int err;

	for (u32 i = 0; i < im->n; i++)
		if (!strcmp(im->seen[i], path))
			return NULL;
	if (im->n == IMPORTS_MAX) {
		sema_error(s, n, "more than %d imports", IMPORTS_MAX);
		return NULL;
	}
	im->seen[im->n++] = path;
	if (str_ends(path, ".h")) {
		n->kind = NODE_C;
		n->text = arena_printf(&s->prog->arena, "#include \"%s\"\n", path);
		n->value = 1; /* its text is not the source's */
		return n;
	}
	if (!str_ends(path, ".bt")) {
		sema_error(s, n, "only .bt and .h files can be imported, not '%s'", path);
		return NULL;
	}
	err = s->w && s->w->include ? s->w->include(s->w->arg, path, false, NULL, &text) : -ENOENT;
	if (err) {
		sema_error(s, n, "can't import '%s': %s", path, strerror(-err));
		return NULL;
	}
	root = parse_script(im, n, path, text);
	free(text);
	if (!root)
		return NULL;
	import_list(im, root, path);
	return root->kids;
}

void expand_imports(struct sema *s)
{
	struct importer im = { .s = s };

	import_list(&im, s->prog->root, "");
}

/* ---- C ---- */

/* All C of one file as one text, everything else blank: conditions span several nodes, and places
 * stay right. */
static void add_c(struct sema *s, const char *file, u32 from, u32 to)
{
	u32 len = to - from;
	char *text = arena_alloc(&s->prog->arena, len + 1);
	bool any = false;

	for (u32 i = 0; i < len; i++)
		text[i] = s->prog->text[from + i] == '\n' ? '\n' : ' ';
	for (struct node *n = s->prog->root->kids; n; n = n->next) {
		if (n->kind != NODE_C || n->value || n->at.from < from || n->at.to > to)
			continue;
		memcpy(text + (n->at.from - from), s->prog->text + n->at.from,
		       n->at.to - n->at.from);
		if (strchr("})", s->prog->text[n->at.to - 1]) && *n->text != '#' && n->at.to < to)
			text[n->at.to - from] = ';'; /* a struct whose ';' was left out */
		any = true;
	}
	if (any && ctypes_add(s->ctypes, text, len, file, 1, s->dg))
		s->failed = true;
}

void expand_c(struct sema *s)
{
	struct ctypes_opts o = { .types = sema_types(s),
				 .btf = s->w ? s->w->btf : NULL,
				 .btf_get = s->w ? s->w->btf_get : NULL,
				 .include = s->w ? s->w->include : NULL,
				 .arg = s->w ? s->w->arg : NULL };
	struct bt_program *p = s->prog;

	if (ctypes_new(&o, &s->ctypes)) {
		s->failed = true;
		return;
	}
	for (u32 i = 0; i < s->opts->n_includes; i++) {
		char *line = arena_printf(&p->arena, "#include \"%s\"\n", s->opts->includes[i]);

		if (ctypes_add(s->ctypes, line, strlen(line), "--include", 1, s->dg))
			s->failed = true;
	}
	for (struct node *n = p->root->kids; n; n = n->next)
		if (n->kind == NODE_C && n->value &&
		    ctypes_add(s->ctypes, n->text, strlen(n->text), p->file, 1, s->dg))
			s->failed = true;
	for (u32 i = p->n_imports; i--;)
		add_c(s, p->imports[i].file, p->imports[i].from,
		      i + 1 < p->n_imports ? p->imports[i + 1].from - 1 : p->len);
	add_c(s, p->file, 0, p->n_imports ? p->imports[0].from - 1 : p->len);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/expand_param.c - what the command line gives to a script, and #defines that are
 * expressions.
 *
 * A parameter is a number where it reads as one, else a string; in str() always a string.
 */
#include "base/str.h"
#include "lang/bt/check_inner.h"
#include "lang/bt/func.h"
#include "lang/cdecl/cdecl.h"
#include <errno.h>
#include <string.h>

enum { DEFINES_DEPTH_MAX = 32 };

struct walker {
	struct sema *s;
	u32 depth, defines; /* how deep in the tree, in #defines of #defines */
	u32 nodes;
};

static void walk(struct walker *w, struct node *n);

/* ---- $1 ---- */

static const char *param(const struct sema *s, u64 i)
{
	return i && i <= s->opts->n_params ? s->opts->params[i - 1] : "";
}

static void positional(struct walker *w, struct node *n)
{
	struct sema *s = w->s;
	const char *text = param(s, n->value);
	u64 u;
	s64 v;

	if (!n->value) {
		sema_become_int(s, n, s->opts->n_params, false);
		return;
	}
	if (!*text) {
		if (!sema_compat17(s) && n->value > s->opts->n_params)
			sema_warn(s, n, "parameter $%llu was not given: it is 0",
				  (unsigned long long)n->value);
		sema_become_int(s, n, 0, false);
		return;
	}
	if (!str_to_u64(text, &u)) {
		sema_become_int(s, n, u, false);
		return;
	}
	if (*text == '-' && !str_to_s64(text, &v)) {
		sema_become_int(s, n, (u64)v, v < 0);
		return;
	}
	if (sema_compat17(s)) {
		sema_error(s, n, "parameter $%llu is used as a number, but is \"%s\"",
			   (unsigned long long)n->value, text);
		sema_hint(s, "as a string it is str($%llu)", (unsigned long long)n->value);
	}
	sema_become_str(n, text);
}

/* str($1), str($1 + 2) */
static void in_str(struct walker *w, struct node *call)
{
	struct node *k = call->kids;

	if (k->kind == NODE_BINARY && k->op == BT_ADD)
		k = k->kids;
	if (k->kind == NODE_POSITIONAL && k->value)
		sema_become_str(k, param(w->s, k->value));
}

/* ---- #define X expression ---- */

static bool is_known_name(struct walker *w, const char *name)
{
	const struct bt_func *f = bt_func_find(name);
	const struct stype *type;
	s64 v;

	return (f && (f->flags & FUNC_BARE)) || sema_constant(w->s, name, &v, &type) ||
	       ctypes_string(w->s->ctypes, name);
}

/* The one expression of "begin { _ = ( text ); }". */
static struct node *only_expr(const struct bt_program *p)
{
	struct node *probe = p->root->kids, *block = probe ? probe->last : NULL;
	struct node *stmt = block && block->kind == NODE_BLOCK ? block->kids : NULL;

	if (!stmt || stmt->next || probe->next || stmt->kind != NODE_ASSIGN)
		return NULL;
	return stmt->last;
}

static void define(struct walker *w, struct node *n)
{
	struct sema *s = w->s;
	const char *text = s->ctypes ? ctypes_define(s->ctypes, n->text) : NULL;
	struct bt_program *part = NULL;
	struct str source = { 0 };
	struct node *expr = NULL;

	if (!text || !*text || is_known_name(w, n->text))
		return;
	if (w->defines >= DEFINES_DEPTH_MAX) {
		sema_error(s, n, "#define %s: more than %d #defines deep", n->text,
			   DEFINES_DEPTH_MAX);
		return;
	}
	str_addf(&source, "begin { _ = (%s\n); }", text);
	if (!source.failed && !bt_parse(str_text(&source), source.len, n->text, NULL, &part))
		expr = only_expr(part);
	if (!expr) {
		sema_error(s, n, "#define %s is no expression: %s", n->text, text);
	} else {
		sema_become(n, expand_adopt(s->prog, expr, 0, &n->at));
		w->defines++;
		walk(w, n);
		w->defines--;
	}
	bt_free(part);
	str_free(&source);
}

/* __builtin_NAME is the builtin NAME itself, whatever macros there are. */
static void plain_name(struct node *n)
{
	static const char prefix[] = "__builtin_";
	const struct bt_func *f;

	if (!str_starts(n->text, prefix))
		return;
	f = bt_func_find(n->text + strlen(prefix));
	if (f && (f->flags & FUNC_BARE))
		n->text += strlen(prefix);
}

/* ---- the tree ---- */

static void walk(struct walker *w, struct node *n)
{
	if (w->depth > EXPAND_DEPTH_MAX || ++w->nodes > 4 * EXPAND_NODES_MAX) {
		if (!w->s->failed)
			sema_error(w->s, n, "the script grows too big by its macros");
		return;
	}
	switch (n->kind) {
	case NODE_POSITIONAL:
		positional(w, n);
		return;
	case NODE_NAME:
		plain_name(n);
		define(w, n);
		return;
	case NODE_CALL:
		if (n->kids && !strcmp(n->text, "str"))
			in_str(w, n);
		break;
	default:
		break;
	}
	w->depth++;
	for (struct node *k = n->kids; k; k = k->next)
		walk(w, k);
	w->depth--;
}

void expand_params(struct sema *s)
{
	struct walker w = { .s = s };

	for (struct node *n = s->prog->root->kids; n; n = n->next)
		if (n->kind == NODE_PROBE || n->kind == NODE_FN || n->kind == NODE_MAP_DECL)
			walk(&w, n);
}

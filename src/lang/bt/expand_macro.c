/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/expand_macro.c - macros: a call becomes the macro's block, with the arguments in it.
 *
 *	macro add($v, @m, by) { let $t = by; $v += $t; @m += $t; }
 *
 *	$v   a variable of the caller       @m   a map of the caller
 *	by   an expression, or a type as typeof(x), put wherever it is named
 *
 * Hygiene: every other variable of the body gets a name of its own ("$t" is "$t.1"), and no other
 * map may be named.  Macros of one name differ in number and kinds of their parameters; the most
 * precise one fits.
 */
#include "lang/bt/check_inner.h"
#include "lang/bt/func.h"
#include <string.h>

enum { PARAMS_MAX = 64, STACK_MAX = 100, MACROS_MAX = 4096 };

struct expander {
	struct sema *s;
	VEC(struct node *) macros;
	const struct node *stack[STACK_MAX]; /* macros that are being expanded */
	u32 n_stack, depth, nodes, serial;
	bool too_big;
};

/* One use of a macro. */
struct use {
	struct expander *x;
	const struct node *macro, *call;
	const struct node *params[PARAMS_MAX], *args[PARAMS_MAX];
	u32 n, serial;
};

static void walk(struct expander *x, struct node *n);

/* ---- which macro ---- */

static const struct node *body(const struct node *macro)
{
	return macro->last;
}

static u32 params_of(const struct node *macro)
{
	u32 n = 0;

	for (const struct node *k = macro->kids; k; k = k->next)
		n += k->kind == NODE_PARAM;
	return n;
}

static bool is_typeof(const struct node *n)
{
	return n->kind == NODE_TYPEOF;
}

static bool arg_fits(const struct node *param, const struct node *arg)
{
	switch (*param->text) {
	case '$':
		return arg->kind == NODE_VAR;
	case '@':
		return arg->kind == NODE_MAP && !arg->kids;
	default:
		return true;
	}
}

static bool macro_fits(const struct node *macro, const struct node *call)
{
	const struct node *arg = call->kids;

	for (const struct node *p = macro->kids; p && p->kind == NODE_PARAM; p = p->next) {
		if (!arg || !arg_fits(p, arg))
			return false;
		arg = arg->next;
	}
	return !arg;
}

static u32 precision(const struct node *macro)
{
	u32 n = 0;

	for (const struct node *p = macro->kids; p && p->kind == NODE_PARAM; p = p->next)
		n += *p->text == '$' || *p->text == '@';
	return n;
}

/* NULL: none.  similar: one of that name that does not fit. */
static const struct node *find(struct expander *x, const struct node *call,
			       const struct node **similar)
{
	const struct node *best = NULL;

	*similar = NULL;
	for (u32 i = 0; i < x->macros.n; i++) {
		const struct node *m = x->macros.p[i];

		if (strcmp(m->text, call->text))
			continue;
		if (macro_fits(m, call) && (!best || precision(m) > precision(best)))
			best = m;
		else if (!*similar || params_of(m) == node_n_kids(call))
			*similar = m;
	}
	return best;
}

static void no_fit(struct expander *x, struct node *call, const struct node *macro)
{
	u32 wanted = params_of(macro), given = node_n_kids(call), i = 1;
	const struct node *arg = call->kids;

	sema_error(x->s, call, "the arguments of %s() fit no macro of that name", call->text);
	if (wanted != given) {
		sema_hint(x->s, "it takes %u argument%s, not %u", wanted, wanted == 1 ? "" : "s",
			  given);
		return;
	}
	for (const struct node *p = macro->kids; p && p->kind == NODE_PARAM && arg;
	     p = p->next, arg = arg->next, i++)
		if (!arg_fits(p, arg))
			sema_hint(x->s, "argument %u, for %s, must be a %s, not a%s %s", i, p->text,
				  *p->text == '$' ? "variable" : "map",
				  arg->kind == NODE_INT || arg->kind == NODE_INDEX ? "n" : "",
				  node_kind_text(arg->kind));
}

static bool same_params(const struct node *a, const struct node *b)
{
	const struct node *p = a->kids, *q = b->kids;

	for (; p && q && p->kind == NODE_PARAM && q->kind == NODE_PARAM; p = p->next, q = q->next) {
		bool name = *p->text != '$' && *p->text != '@',
		     other = *q->text != '$' && *q->text != '@';

		if (name != other || (!name && *p->text != *q->text))
			return false;
	}
	return (!p || p->kind != NODE_PARAM) && (!q || q->kind != NODE_PARAM);
}

static void define(struct expander *x, struct node *m)
{
	if (params_of(m) > PARAMS_MAX) {
		sema_error(x->s, m, "a macro has at most %d parameters", PARAMS_MAX);
		return;
	}
	for (struct node *p = m->kids; p && p->kind == NODE_PARAM; p = p->next)
		for (struct node *q = m->kids; q != p; q = q->next)
			if (!strcmp(p->text, q->text))
				sema_error(x->s, p, "parameter '%s' is there twice", p->text);
	if (x->macros.n == MACROS_MAX) {
		sema_error(x->s, m, "more than %d macros", MACROS_MAX);
		return;
	}
	for (u32 i = 0; i < x->macros.n; i++) {
		struct place at;

		if (strcmp(m->text, x->macros.p[i]->text) || !same_params(m, x->macros.p[i]))
			continue;
		bt_place(x->s->prog, x->macros.p[i]->at.from, &at);
		sema_error(x->s, m, "macro '%s' is defined twice with such parameters", m->text);
		sema_hint(x->s, "the first one is in line %u", at.line);
		return;
	}
	if (!vec_push(&x->macros, m))
		x->s->failed = true;
}

/* ---- the body, with arguments put in ---- */

static struct node *put_in(struct use *u, const struct node *n);

static const struct node *arg_of(const struct use *u, const char *name)
{
	for (u32 i = 0; i < u->n; i++)
		if (!strcmp(u->params[i]->text, name))
			return u->args[i];
	return NULL;
}

static void add(struct node *to, struct node *kid)
{
	if (to->last)
		to->last->next = kid;
	else
		to->kids = kid;
	to->last = kid;
}

static struct node *wrapped(struct bt_program *p, enum node_kind kind, struct node *inner)
{
	struct node *n = arena_alloc(&p->arena, sizeof(*n));

	*n = (struct node){ .kind = kind, .at = inner->at, .text = "", .raw = "" };
	add(n, inner);
	return n;
}

/* node_clone(), but counted: arguments multiply. */
static struct node *copy_of(struct expander *x, const struct node *n)
{
	struct node *copy = arena_alloc(&x->s->prog->arena, sizeof(*copy));

	*copy = *n;
	copy->kids = copy->last = copy->next = NULL;
	if (++x->nodes > EXPAND_NODES_MAX)
		x->too_big = true;
	for (const struct node *k = n->kids; k && !x->too_big; k = k->next)
		add(copy, copy_of(x, k));
	return copy;
}

/* An argument where its parameter is named: a map as its value, not as the map. */
static struct node *put_arg(struct use *u, const struct node *arg)
{
	struct bt_program *p = u->x->s->prog;
	struct node *copy = copy_of(u->x, arg);

	if (arg->kind != NODE_MAP || arg->kids)
		return copy;
	return wrapped(p, NODE_BLOCK, wrapped(p, NODE_EXPR_STMT, copy));
}

/* A type that names a parameter, "(t *)x": the argument's type, with the pointers and dimensions of
 * both. */
static bool put_type(struct use *u, struct node *copy)
{
	const struct node *arg, *of;
	const char *tag = strrchr(copy->text, ' ');
	struct node *own = copy->kids;

	arg = arg_of(u, tag ? tag + 1 : copy->text);
	if (!arg)
		return false;
	of = is_typeof(arg) ? arg->kids : arg;
	if (tag || of->kind == NODE_NAME) {
		/* "struct t" */
		if (of->kind != NODE_NAME && (of->kind != NODE_TYPE || of->kids || of->value)) {
			sema_error(u->x->s, arg, "this can't be put behind '%.*s'",
				   (int)(tag - copy->text), copy->text);
			return false;
		}
		copy->text = tag ? arena_printf(&u->x->s->prog->arena, "%.*s %s",
						(int)(tag - copy->text), copy->text, of->text)
				 : of->text;
		return true;
	}
	if (of->kind == NODE_TYPE) {
		copy->text = of->text;
		copy->value += of->value;
		copy->kids = copy->last = NULL;
		for (const struct node *k = of->kids; k; k = k->next)
			add(copy, copy_of(u->x, k));
	} else {
		copy->text = "typeof";
		copy->kids = copy->last = NULL;
		add(copy, copy_of(u->x, of));
	}
	while (own) {
		struct node *next = own->next;

		own->next = NULL;
		add(copy, own);
		own = next;
	}
	return true;
}

/* "a.b.c" of an argument that is a field of a field. */
static bool path_of(const struct node *n, struct str *out)
{
	if (n->kind == NODE_NAME) {
		str_add(out, n->text);
		return true;
	}
	if (n->kind != NODE_FIELD || !path_of(n->kids, out))
		return false;
	str_addf(out, ".%s", n->text);
	return true;
}

static void put_path(struct use *u, struct node *copy)
{
	const struct node *arg = arg_of(u, copy->text);
	struct str path = { 0 };

	if (arg && path_of(arg, &path))
		copy->text = arena_strdup(&u->x->s->prog->arena, str_text(&path));
	str_free(&path);
}

static void rename_var(struct use *u, struct node *copy)
{
	const struct node *arg = arg_of(u, copy->text);

	if (arg)
		copy->text = arg->text;
	else
		copy->text = arena_printf(&u->x->s->prog->arena, "%s.%u", copy->text, u->serial);
}

static void rename_map(struct use *u, struct node *copy)
{
	const struct node *arg = arg_of(u, copy->text);

	if (arg) {
		copy->text = arg->text;
		return;
	}
	sema_error(u->x->s, copy,
		   "a macro can only use maps that are given to it: '%s' is none of its parameters",
		   copy->text);
	sema_hint(u->x->s, "write: macro %s(%s%s) and call it with the map", u->macro->text,
		  u->n ? "..., " : "", copy->text);
}

/* typeof(p), sizeof(p): a parameter that is a type stands for it. */
static struct node *put_in_question(struct use *u, const struct node *n)
{
	const struct node *arg = n->kind == NODE_NAME ? arg_of(u, n->text) : NULL;

	if (arg && is_typeof(arg) && arg->kids)
		return copy_of(u->x, arg->kids);
	if (n->kind == NODE_INDEX && n->kids && n->kids->next && !n->kids->next->next) {
		struct node *of = put_in_question(u, n->kids);

		/* t[2] was read as an element of a value */
		if (of->kind == NODE_TYPE) {
			of->next = NULL;
			add(of, put_in(u, n->kids->next));
			return of;
		}
	}
	return put_in(u, n);
}

static struct node *put_in(struct use *u, const struct node *n)
{
	struct expander *x = u->x;
	const struct node *arg;
	struct node *copy;
	bool question =
		n->kind == NODE_SIZEOF || n->kind == NODE_OFFSETOF || n->kind == NODE_TYPEOF;

	if (++x->nodes > EXPAND_NODES_MAX)
		x->too_big = true;
	if (n->kind == NODE_NAME && !x->too_big) {
		arg = arg_of(u, n->text);
		if (arg) {
			copy = put_arg(u, arg);
			copy->next = NULL;
			return copy;
		}
	}
	copy = arena_alloc(&x->s->prog->arena, sizeof(*copy));
	*copy = *n;
	copy->kids = copy->last = copy->next = NULL;
	if (x->too_big)
		return copy;
	for (const struct node *k = n->kids; k; k = k->next)
		add(copy, question && k == n->kids ? put_in_question(u, k) : put_in(u, k));
	if (n->kind == NODE_VAR)
		rename_var(u, copy);
	else if (n->kind == NODE_MAP)
		rename_map(u, copy);
	else if (n->kind == NODE_TYPE)
		put_type(u, copy);
	else if (n->kind == NODE_OFFSETOF)
		put_path(u, copy);
	return copy;
}

/* ---- calls ---- */

static bool is_recursive(struct expander *x, struct node *call, const struct node *macro)
{
	for (u32 i = 0; i < x->n_stack; i++) {
		if (x->stack[i] != macro)
			continue;
		sema_error(x->s, call, "macro '%s' uses itself", macro->text);
		return true;
	}
	if (x->n_stack < STACK_MAX)
		return false;
	sema_error(x->s, call, "macros are nested more than %d deep", STACK_MAX);
	return true;
}

static void expand(struct expander *x, struct node *call, const struct node *macro)
{
	struct use u = { .x = x, .macro = macro, .call = call, .serial = ++x->serial };
	struct sema_call from = { .up = x->s->calls, .macro = macro->text, .at = call->at };
	const struct node *arg = call->kids;
	struct node *block;

	if (is_recursive(x, call, macro))
		return;
	for (const struct node *p = macro->kids; p && p->kind == NODE_PARAM && arg;
	     p = p->next, arg = arg->next) {
		u.params[u.n] = p;
		u.args[u.n++] = arg;
	}
	x->s->calls = &from;
	block = put_in(&u, body(macro));
	block->text = macro->text;
	block->value = call->at.from | (u64)call->at.to << 32;
	sema_become(call, block);
	if (!x->too_big) {
		x->stack[x->n_stack++] = macro;
		for (struct node *k = call->kids; k; k = k->next)
			walk(x, k);
		x->n_stack--;
	}
	x->s->calls = from.up;
}

static void name_or_call(struct expander *x, struct node *n)
{
	const struct node *similar, *macro = find(x, n, &similar);

	if (macro)
		expand(x, n, macro);
	else if (similar && !bt_func_find(n->text))
		no_fit(x, n, similar);
}

static void walk(struct expander *x, struct node *n)
{
	struct node *first = n->kids;
	bool question =
		n->kind == NODE_SIZEOF || n->kind == NODE_OFFSETOF || n->kind == NODE_TYPEOF;

	if (x->too_big)
		return;
	if (x->depth > EXPAND_DEPTH_MAX) {
		x->too_big = true;
		return;
	}
	x->depth++;
	for (struct node *k = first; k; k = k->next)
		if (!(question && k == first && k->kind == NODE_NAME)) /* that is a type */
			walk(x, k);
	if (n->kind == NODE_CALL || n->kind == NODE_NAME)
		name_or_call(x, n);
	x->depth--;
}

/* typeof(x) as an argument is for macros that want a type. */
static void no_types(struct expander *x, struct node *n)
{
	for (struct node *k = n->kids; k; k = k->next) {
		if (n->kind == NODE_CALL && k->kind == NODE_TYPEOF && !bt_func_find(n->text))
			sema_error(x->s, k, "a type can be an argument of a macro only");
		no_types(x, k);
	}
}

void expand_macros(struct sema *s)
{
	struct expander x = { .s = s };
	struct node *n;

	for (n = s->prog->root->kids; n; n = n->next)
		if (n->kind == NODE_MACRO && n->last)
			define(&x, n);
	for (n = s->prog->root->kids; n && x.macros.n; n = n->next) {
		if (n->kind != NODE_PROBE && n->kind != NODE_FN)
			continue;
		walk(&x, n);
		if (!x.too_big)
			no_types(&x, n);
	}
	if (x.too_big)
		sema_error(s, s->prog->root, "macros make the script bigger than %d nodes",
			   EXPAND_NODES_MAX);
	vec_free(&x.macros);
}

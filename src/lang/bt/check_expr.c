/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/check_expr.c - expressions: literals, names, calls, variables, tuples, ternaries.
 *
 * Operators are in check_op.c, fields and elements in check_field.c, casts in check_cast.c.
 */
#include "lang/bt/check_inner.h"
#include "lang/bt/func.h"
#include "lang/bt/probe.h"
#include "lang/cdecl/cdecl.h"
#include <string.h>

enum { DEPTH_MAX = 3000, ELEMENTS_MAX = 1000 };

const struct stype *sema_unknown(void)
{
	static const struct stype unknown = { .kind = ST_NONE };

	return &unknown;
}

/* ---- nodes made into others ---- */

void sema_become(struct node *n, const struct node *with)
{
	struct node *next = n->next;
	struct span at = n->at;

	*n = *with;
	n->next = next;
	n->at = at;
}

void sema_become_int(struct sema *s, struct node *n, u64 v, bool negative)
{
	struct node lit = {
		.kind = NODE_INT, .text = "", .raw = "", .value = v, .op = negative ? BT_SUB : 0
	};

	lit.type = sema_literal_type(s, v, negative);
	lit.is_const = true;
	lit.konst = (s64)v;
	sema_become(n, &lit);
}

void sema_become_str(struct node *n, const char *text)
{
	struct node lit = { .kind = NODE_STR, .text = text, .raw = text, .str = text };

	sema_become(n, &lit);
}

const char *sema_without_value(struct sema *s, const struct node *n)
{
	const struct node *last = n->last;

	switch (n->kind) {
	case NODE_CALL:
		if (n->func && (n->func->flags & (FUNC_ASYNC | FUNC_STATEMENT)))
			return arena_printf(&s->prog->arena, "%s() has no value", n->text);
		return NULL;
	case NODE_IF:
		return node_n_kids(n) < 3 && n->kids->kind != NODE_COMPTIME
			       ? "an if without else has no value"
			       : NULL;
	case NODE_BLOCK:
		if (!last)
			return "an empty block has no value";
		if (last->kind == NODE_BLOCK || last->kind == NODE_IF)
			return sema_without_value(s, last);
		return last->kind == NODE_EXPR_STMT || last->kind == NODE_BAD
			       ? NULL
			       : "a block has no value that ends with a statement";
	default:
		return NULL;
	}
}

/* ---- names ---- */

/* The nearest of the names that can stand there. */
static void hint_name(struct sema *s, const char *name, bool call)
{
	struct near_name n = near_begin(name);
	const char *near;

	for (u32 i = 0; bt_func_at(i); i++)
		if (call || (bt_func_at(i)->flags & FUNC_BARE))
			near_try(&n, bt_func_at(i)->name);
	for (u32 i = 0; call && i < s->fns.n; i++)
		near_try(&n, s->fns.p[i]->text);
	if (!n.best && !call && s->ctypes && ctypes_near(s->ctypes, name, &near, 1))
		n.best = near;
	near_hint(s, &n);
}

bool sema_is_value_name(struct sema *s, const struct node *n)
{
	const struct bt_func *f = bt_func_find(n->text);
	const struct stype *type;
	s64 v;

	return (f && (f->flags & FUNC_BARE)) || sema_constant(s, n->text, &v, &type);
}

/* What a probe that is not there would give fits everywhere. */
static void check_func(struct sema *s, struct node *n, const struct bt_func *f)
{
	if ((f->flags & FUNC_CONTEXT) && s->probe && s->probe->is_missing)
		n->type = sema_unknown();
	else
		f->check(s, n);
}

static void name(struct sema *s, struct node *n)
{
	const struct bt_func *f = bt_func_find(n->text);
	const struct stype *type = NULL;
	const char *text;
	s64 v;

	n->func = NULL;
	if (f && (f->flags & FUNC_BARE)) {
		n->func = f;
		check_func(s, n, f);
		return;
	}
	if (sema_constant(s, n->text, &v, &type)) {
		n->is_const = true;
		n->konst = v;
		n->type = type ? type : sema_literal_type(s, (u64)v, v < 0);
		return;
	}
	text = s->ctypes ? ctypes_string(s->ctypes, n->text) : NULL;
	if (text) {
		n->str = text;
		n->type = stype_str(sema_types(s), (u32)strlen(text) + 1);
		return;
	}
	if (f) {
		sema_error(s, n, "'%s' is a function: it wants parentheses", n->text);
		return;
	}
	sema_error(s, n, "unknown name '%s'", n->text);
	hint_name(s, n->text, false);
}

/* ---- calls ---- */

static struct node *fn_find(struct sema *s, const char *name)
{
	for (u32 i = 0; i < s->fns.n; i++)
		if (!strcmp(s->fns.p[i]->text, name))
			return s->fns.p[i];
	return NULL;
}

static void call_fn(struct sema *s, struct node *n, struct node *fn)
{
	u32 given = node_n_kids(n), wanted = 0;
	struct node *arg = n->kids, *p;

	for (p = fn->kids; p; p = p->next)
		wanted += p->kind == NODE_PARAM;
	for (p = n->kids; p; p = p->next)
		sema_expr(s, p);
	n->type = fn->type;
	if (given != wanted) {
		sema_error(s, n, "%s() takes %u argument%s, not %u", n->text, wanted,
			   wanted == 1 ? "" : "s", given);
		return;
	}
	for (p = fn->kids; p && p->kind == NODE_PARAM && arg; p = p->next, arg = arg->next) {
		const struct stype *to = p->kids ? p->kids->type : NULL;

		if (to && !sema_fits(s, sema_read_type(arg->type), to) &&
		    !(sema_is_int(arg->type) && sema_is_int(to)))
			sema_error(s, arg, "argument %s of %s() is of type %s, not %s", p->text,
				   n->text, stype_name(sema_types(s), to),
				   stype_name(sema_types(s), arg->type));
	}
}

static bool count_args(struct sema *s, const struct node *n, const struct bt_func *f)
{
	u32 given = node_n_kids(n);

	if (given >= f->min_args && given <= f->max_args)
		return true;
	if (!f->max_args)
		sema_error(s, n, "%s() takes no arguments, not %u", f->name, given);
	else if (f->min_args == f->max_args)
		sema_error(s, n, "%s() takes %u argument%s, not %u", f->name, f->min_args,
			   f->min_args == 1 ? "" : "s", given);
	else
		sema_error(s, n, "%s() takes %u to %u arguments, not %u", f->name, f->min_args,
			   f->max_args, given);
	return false;
}

/* What a setting may forbid. */
static bool is_forbidden(const struct sema *s, const char *name)
{
	return (!s->set.unstable_tseries && !strcmp(name, "tseries")) ||
	       (!s->set.unstable_dw_ustack && !strcmp(name, "dw_ustack"));
}

static void call(struct sema *s, struct node *n)
{
	const struct bt_func *f = bt_func_find(n->text);

	n->func = f;
	n->action = 0;
	if (!f) {
		struct node *fn = fn_find(s, n->text);

		if (fn) {
			call_fn(s, n, fn);
			return;
		}
		for (struct node *k = n->kids; k; k = k->next)
			if (k->kind != NODE_NAME && k->kind != NODE_TYPEOF && k->kind != NODE_BAD)
				sema_expr(s, k);
		sema_error(s, n, "unknown function '%s'", n->text);
		hint_name(s, n->text, true);
		return;
	}
	if ((f->flags & FUNC_UNSAFE) && !s->opts->unsafe) {
		sema_error(s, n, "%s() changes the system: it is allowed with --unsafe only",
			   n->text);
		return;
	}
	if (is_forbidden(s, n->text)) {
		sema_error(s, n, "%s() is unstable, and unstable_%s says error", n->text, n->text);
		return;
	}
	if (!count_args(s, n, f))
		return;
	if ((f->flags & FUNC_MAP_VALUE) && s->agg != n) {
		sema_error(s, n, "%s() must be assigned to a map directly: @x = %s(...)", n->text,
			   n->text);
		return;
	}
	for (struct node *k = n->kids; k; k = k->next) {
		k->type = NULL; /* what the pass before found */
		if (f->flags & FUNC_LAZY)
			continue;
		sema_expr(s, k);
	}
	check_func(s, n, f);
}

/* ---- variables ---- */

static void hint_var(struct sema *s, const char *name)
{
	struct near_name n = near_begin(name);

	for (u32 i = 0; i < s->vars.n; i++)
		near_try(&n, s->vars.p[i]->name);
	near_hint(s, &n);
}

static void var(struct sema *s, struct node *n)
{
	struct bt_var *v = sema_var_find(s, n->text);

	if (!v) {
		sema_error(s, n, "undefined variable '%s'", n->text);
		hint_var(s, n->text);
		return;
	}
	n->var = v;
	n->type = v->type;
	if (!v->type && !v->is_set && !s->asking)
		sema_error(s, n,
			   "the type of '%s' is not known: nothing is assigned to it (let %s : "
			   "int64;)",
			   n->text, n->text);
	else if (!v->is_set && !s->asking)
		sema_warn(s, n, "variable '%s' is read before anything is assigned to it", n->text);
}

static void increment(struct sema *s, struct node *n)
{
	struct node *k = n->kids;
	const struct stype *t;

	if (k->kind == NODE_MAP)
		sema_map_access(s, k);
	else
		sema_expr(s, k);
	t = k->type;
	if (k->kind == NODE_MAP && !t) {
		sema_map_value(s, k->map, n, stype_int(8, true));
		t = k->map->value;
	}
	if (!t || !sema_is_known(t))
		return;
	if (t->kind == ST_PTR) {
		n->type = t;
		return;
	}
	if (!sema_is_int(t)) {
		sema_error(s, n, "%s is of type %s: only integers and pointers can be incremented",
			   k->text, stype_name(sema_types(s), t));
		return;
	}
	n->type = stype_int(8, t->is_signed || n->op == BT_SUB);
	if (k->kind == NODE_MAP) {
		sema_map_value(s, k->map, n, n->type);
		return;
	}
	if (k->var->is_read_only)
		sema_error(s, n, "'%s' belongs to its loop and can't be changed", k->text);
	else if (k->var->is_fixed)
		n->type = k->var->type;
	else
		sema_var_type(s, k->var, n, NULL, n->type);
}

/* ---- values of several parts ---- */

static void tuple(struct sema *s, struct node *n)
{
	u32 count = node_n_kids(n), i = 0;
	bool is_record = n->kind == NODE_RECORD, all = true;
	const struct stype **types;
	const char **names;
	u64 bytes = 0;

	if (count > ELEMENTS_MAX) {
		sema_error(s, n, "%u elements; a tuple has at most %d", count, ELEMENTS_MAX);
		return;
	}
	types = arena_alloc(sema_types(s), (count + 1) * sizeof(*types));
	names = arena_alloc(sema_types(s), (count + 1) * sizeof(*names));
	for (struct node *k = n->kids; k; k = k->next, i++) {
		struct node *value = is_record ? k->kids : k;
		const struct stype *t = sema_read_type(sema_expr(s, value));

		names[i] = k->text;
		for (u32 j = 0; is_record && j < i; j++)
			if (!strcmp(names[j], names[i]))
				sema_error(s, k, "field '%s' is there twice", k->text);
		k->type = is_record ? t : k->type;
		types[i] = t;
		bytes += t->size;
		if (stype_is_agg(t)) {
			sema_error(s, value, "a value of type %s can't be part of a %s",
				   stype_name(sema_types(s), t), is_record ? "record" : "tuple");
			all = false;
		}
		all = all && sema_is_known(t);
	}
	if (bytes > 1 << 20)
		sema_error(s, n, "%llu bytes are too many for a %s", (unsigned long long)bytes,
			   is_record ? "record" : "tuple");
	else if (all)
		n->type = stype_tuple(sema_types(s), types, is_record ? names : NULL, count);
}

static bool is_literal(const struct node *n)
{
	return n->kind == NODE_INT || n->kind == NODE_STR || n->kind == NODE_BOOL;
}

static bool truth(const struct node *n)
{
	return n->str ? *n->str : n->konst != 0;
}

static void ternary(struct sema *s, struct node *n)
{
	struct node *cond = n->kids, *yes = node_kid(n, 1), *no = n->last;
	const struct stype *a, *b, *both;
	bool is_statement = s->discard == n;

	sema_condition(s, cond, "?:");
	if (yes == no) {
		/* a ?: b */
		yes = cond;
		a = cond->type;
	} else {
		s->discard = is_statement ? yes : NULL;
		a = sema_expr(s, yes);
	}
	s->discard = is_statement ? no : NULL;
	b = sema_expr(s, no);
	if (is_literal(cond) && is_literal(yes) && is_literal(no) && !sema_compat17(s)) {
		sema_become(n, truth(cond) ? yes : no);
		return;
	}
	if (is_statement && (!sema_is_known(a) || !sema_is_known(b)))
		return;
	a = sema_read_type(a);
	b = sema_read_type(b);
	both = sema_common(s, a, b);
	if (!both) {
		sema_error(s, n, "both sides of '?:' must be of one type: there are %s and %s",
			   stype_name(sema_types(s), a), stype_name(sema_types(s), b));
		return;
	}
	n->type = both;
	if ((cond->is_const || cond->str) && (truth(cond) ? yes : no)->is_const) {
		n->is_const = true;
		n->konst = (truth(cond) ? yes : no)->konst;
	}
}

void sema_condition(struct sema *s, struct node *n, const char *of)
{
	const struct stype *t = sema_expr(s, n);

	if (!sema_is_known(t))
		return;
	if (n->str && !sema_compat17(s))
		return;
	if (!sema_is_int(t) && t->kind != ST_PTR && !sema_is_number_agg(t))
		sema_error(s, n, "the condition of %s must be an integer or a pointer, not %s", of,
			   stype_name(sema_types(s), t));
}

/* ---- asked while compiling ---- */

static void size_of(struct sema *s, struct node *n)
{
	const struct stype *t = sema_typeof(s, n->kids);

	n->type = sema_literal_type(s, 0, false);
	if (!t)
		return;
	if (t->kind == ST_STRUCT)
		t = sema_complete(s, t);
	if (t->kind == ST_STRUCT && t->is_fwd) {
		sema_error(s, n->kids, "the members of '%s' are not known",
			   stype_name(sema_types(s), t));
		return;
	}
	n->is_const = true;
	n->konst = t->size;
	n->type = sema_compat17(s) ? stype_int(8, false) : sema_literal_type(s, t->size, false);
}

/* typeinfo(x): a record of what the type is. */
static void type_info(struct sema *s, struct node *n)
{
	static const char *const names[] = { "btf_id", "base_type", "full_type" };
	const struct stype *t = sema_typeof(s, n->kids), *types[3];
	struct node *value[3];

	if (!t)
		return;
	for (u32 i = 0; i < 3; i++) {
		value[i] = arena_alloc(&s->prog->arena, sizeof(struct node));
		*value[i] = (struct node){ .at = n->at, .text = "", .raw = "" };
	}
	sema_become_int(s, value[0], t->btf_id, false);
	value[0]->type = types[0] = stype_int(8, false);
	for (u32 i = 1; i < 3; i++) {
		sema_become_str(value[i],
				i == 1 ? stype_kind_text(t->kind) : stype_name(sema_types(s), t));
		value[i]->type = types[i] =
			stype_str(sema_types(s), (u32)strlen(value[i]->str) + 1);
	}
	n->type = stype_tuple(sema_types(s), types, names, 3);
	if (!s->final)
		return;
	n->kind = NODE_RECORD;
	n->kids = n->last = NULL;
	for (u32 i = 0; i < 3; i++) {
		struct node *f = arena_alloc(&s->prog->arena, sizeof(*f));

		*f = (struct node){ .kind = NODE_FIELD_INIT,
				    .at = n->at,
				    .text = names[i],
				    .raw = "",
				    .kids = value[i],
				    .last = value[i],
				    .type = types[i] };
		if (n->last)
			n->last->next = f;
		else
			n->kids = f;
		n->last = f;
	}
}

static void comptime(struct sema *s, struct node *n)
{
	struct node *k = n->kids;

	sema_expr(s, k);
	n->type = k->type;
	n->is_const = k->is_const;
	n->konst = k->konst;
	n->str = k->str;
	if (!n->is_const && !n->str && sema_is_known(k->type))
		sema_error(s, k, "this is not known when the script is compiled");
}

static void positional(struct sema *s, struct node *n)
{
	/* expand.c has put all of them in but in a script without parameters */
	n->type = sema_literal_type(s, 0, false);
	n->is_const = true;
	n->konst = 0;
}

static void literal_str(struct sema *s, struct node *n)
{
	size_t len = strlen(n->text);

	n->str = n->text;
	n->type = stype_str(sema_types(s), (u32)len + 1);
}

static void visit(struct sema *s, struct node *n)
{
	switch (n->kind) {
	case NODE_INT:
		n->is_const = true;
		n->konst = (s64)n->value;
		n->type = sema_literal_type(s, n->value, n->op == BT_SUB);
		break;
	case NODE_BOOL:
		n->is_const = true;
		n->konst = n->value != 0;
		n->type = sema_compat17(s) ? sema_literal_type(s, 1, false) : stype_bool();
		break;
	case NODE_STR:
		literal_str(s, n);
		break;
	case NODE_NAME:
		name(s, n);
		break;
	case NODE_VAR:
		var(s, n);
		break;
	case NODE_MAP:
		sema_map_access(s, n);
		break;
	case NODE_POSITIONAL:
		positional(s, n);
		break;
	case NODE_CALL:
		call(s, n);
		break;
	case NODE_UNARY:
		sema_unary(s, n);
		break;
	case NODE_INCREMENT:
		increment(s, n);
		break;
	case NODE_BINARY:
		sema_binary(s, n);
		break;
	case NODE_TERNARY:
		ternary(s, n);
		break;
	case NODE_FIELD:
		sema_field(s, n);
		break;
	case NODE_INDEX:
		sema_index(s, n);
		break;
	case NODE_TUPLE:
	case NODE_RECORD:
		tuple(s, n);
		break;
	case NODE_CAST:
		sema_cast(s, n);
		break;
	case NODE_SIZEOF:
		size_of(s, n);
		break;
	case NODE_OFFSETOF:
		sema_offsetof(s, n);
		break;
	case NODE_TYPEOF:
		type_info(s, n);
		break;
	case NODE_COMPTIME:
		comptime(s, n);
		break;
	case NODE_BLOCK:
		sema_block(s, n, true);
		break;
	case NODE_IF:
		sema_if(s, n, true);
		break;
	case NODE_BAD:
		break;
	default:
		sema_error(s, n, "a %s has no value", node_kind_text(n->kind));
		break;
	}
}

const struct stype *sema_expr(struct sema *s, struct node *n)
{
	bool is_told = n == s->discard || n == s->assigned;
	const char *why;

	n->is_const = false;
	n->str = NULL;
	n->type = NULL;
	if (s->depth >= DEPTH_MAX) {
		sema_error(s, n, "nested too deeply");
	} else {
		s->depth++;
		s->weight += s->repeat;
		visit(s, n);
		s->depth--;
	}
	if (!n->type || n->type->kind == ST_NONE) {
		n->type = sema_unknown();
		why = is_told ? NULL : sema_without_value(s, n);
		if (why)
			sema_error(s, n, "%s", why);
	}
	return n->type;
}

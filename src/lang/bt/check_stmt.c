/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/check_stmt.c - statements, scopes, variables.
 *
 * A variable begins where it is declared or first assigned and ends with its block (0.17: with its
 * program).  Each pass walks the scopes again; the struct bt_var that a declaration made stays.
 */
#include "lang/bt/check_inner.h"
#include "lang/bt/func.h"
#include <string.h>

enum { UNROLL_MAX = 100, WEIGHT_MAX = 400000, VARS_MAX = 4096 };

static void statement(struct sema *s, struct node *n);

/* ---- variables ---- */

struct bt_var *sema_var_find(struct sema *s, const char *name)
{
	for (u32 i = s->vars.n; i--;) {
		struct bt_var *v = s->vars.p[i];

		if (strcmp(v->name, name))
			continue;
		if (v->fn != s->loop)
			v->is_captured = true;
		return v;
	}
	return NULL;
}

struct bt_var *sema_var_new(struct sema *s, struct node *var, struct node *decl)
{
	struct bt_var *v = var->var;

	if (!v || v->decl != decl) {
		v = arena_alloc(&s->prog->arena, sizeof(*v));
		v->name = var->text;
		v->decl = decl;
		v->fn = s->loop;
		v->id = s->n_vars++;
		var->var = v;
		s->changed = true;
	}
	v->is_set = false;
	if (s->vars.n == VARS_MAX)
		sema_fatal(s, decl, "variables at once", VARS_MAX);
	else if (!vec_push(&s->vars, v))
		s->failed = true;
	return v;
}

/* Does a value of another integer type keep its meaning where a type was declared? */
static bool int_fits(struct sema *s, struct node *at, const struct node *value,
		     const struct stype *from, const struct stype *to)
{
	if (value && value->kind == NODE_INT && value->is_const)
		return sema_int_holds(to, value->konst, !from->is_signed);
	if (!sema_fits(s, from, to))
		sema_warn(s, at,
			  "a value of type %s is cut to %s: cast it to say that you want this",
			  stype_name(sema_types(s), from), stype_name(sema_types(s), to));
	return true;
}

void sema_var_type(struct sema *s, struct bt_var *v, struct node *at, struct node *value,
		   const struct stype *type)
{
	const struct stype *both;

	v->is_set = true;
	type = sema_read_type(type);
	if (!sema_is_known(type)) {
		const char *why = value ? sema_without_value(s, value) : NULL;

		if (why)
			sema_error(s, at, "%s that could be assigned to %s", why, v->name);
		return;
	}
	if (stype_is_agg(type) || type->kind == ST_VOID) {
		sema_error(s, at, "a value of type %s can't be assigned to a variable",
			   stype_name(sema_types(s), type));
		return;
	}
	if (!v->type) {
		v->type = type;
		s->changed = true;
		return;
	}
	if (v->is_fixed) {
		both = sema_fits(s, type, v->type) ? v->type : NULL;
		if (sema_is_int(type) && v->type->kind == ST_INT && type->kind != ST_BOOL)
			both = int_fits(s, at, value, type, v->type) ? v->type : NULL;
	} else {
		both = sema_common(s, v->type, type);
	}
	if (!both) {
		sema_error(s, at, "%s is of type %s: a value of type %s can't be assigned to it",
			   v->name, stype_name(sema_types(s), v->type),
			   stype_name(sema_types(s), type));
		return;
	}
	if (!stype_same(both, v->type) || both->is_literal != v->type->is_literal) {
		v->type = both;
		s->changed = true;
	}
}

/* ---- assignments ---- */

/* @x = { ...; count() }: the block, then the assignment in it. */
static bool move_into_block(struct node *n)
{
	struct node *block = n->last, *before = NULL, *end = block->last;

	if (block->kind != NODE_BLOCK || !end || end->kind != NODE_EXPR_STMT ||
	    (end->kids->kind != NODE_BLOCK && end->kids->kind != NODE_CALL))
		return false;
	if (end->kids->kind == NODE_CALL) {
		const struct bt_func *f = bt_func_find(end->kids->text);

		if (!f || !(f->flags & FUNC_MAP_VALUE))
			return false;
	}
	for (struct node *k = block->kids; k != end; k = k->next)
		before = k;
	/* "map = block" becomes "map = the block's value", and takes the place of that statement */
	{
		struct node assign = *n, *map = n->kids;

		assign.next = NULL;
		map->next = end->kids;
		assign.kids = map;
		assign.last = end->kids;
		*n = (struct node){ .kind = NODE_BLOCK,
				    .at = block->at,
				    .text = block->text,
				    .raw = "",
				    .value = block->value,
				    .next = n->next };
		*end = assign;
		n->kids = before ? block->kids : end;
		n->last = end;
	}
	return true;
}

static void assign_map(struct sema *s, struct node *n)
{
	struct node *to = n->kids, *value = n->last, *agg = s->agg;
	const struct stype *t;

	if (!n->op && move_into_block(n)) {
		statement(s, n);
		return;
	}
	s->agg = n->op ? NULL : value;
	s->assigned = n->op ? NULL : value;
	t = sema_expr(s, value);
	s->agg = agg;
	sema_map_access(s, to);
	if (!sema_is_known(value->type) && sema_without_value(s, value)) {
		sema_error(s, n, "%s that could be assigned to %s", sema_without_value(s, value),
			   to->text);
		return;
	}
	if (n->op) {
		if (!to->type) {
			sema_map_value(s, to->map, n, stype_int(8, true));
			to->type = to->map->value;
		}
		if (stype_is_agg(to->type)) {
			sema_error(s, n, "%s holds values of type %s: nothing can be added to them",
				   to->text, stype_name(sema_types(s), to->type));
			return;
		}
		t = sema_binary_type(s, n, n->op, to, value);
	}
	if (!t || !sema_is_known(t))
		return;
	if (stype_is_agg(t) && value->kind != NODE_CALL) {
		if (!sema_is_number_agg(t) || !to->map->value || to->map->value->kind != ST_INT ||
		    to->map->is_default) {
			sema_error(s, n,
				   "a value of type %s can't be assigned from one map to another",
				   stype_name(sema_types(s), t));
			if (sema_is_number_agg(t))
				sema_hint(s, "cast it to have its number: %s = (int64)%s", to->text,
					  value->text);
			return;
		}
		t = sema_read_type(t);
	}
	if (t->kind == ST_VOID) {
		sema_error(s, n, "void can't be assigned to a map");
		return;
	}
	/* As bpftrace has it: an aggregation's mistake is the call's (not in 0.17), another's the
	 * assignment's. */
	sema_map_value(s, to->map, stype_is_agg(t) && !sema_compat17(s) ? value : n, t);
	to->type = to->map->value;
}

static void assign_var(struct sema *s, struct node *n)
{
	struct node *to = n->kids, *value = n->last;
	const struct stype *t;
	struct bt_var *v;

	s->assigned = n->op ? NULL : value;
	t = sema_expr(s, value);
	v = sema_var_find(s, to->text);

	if (n->op) {
		sema_expr(s, to); /* tells when there is none */
		t = v ? sema_binary_type(s, n, n->op, to, value) : NULL;
	}
	if (!v && n->op)
		return;
	if (!v)
		v = sema_var_new(s, to, n);
	to->var = v;
	if (v->is_read_only)
		sema_error(s, n, "'%s' belongs to its loop and can't be assigned to", to->text);
	else if (t)
		sema_var_type(s, v, n, n->op ? NULL : value, t);
	to->type = v->type ? v->type : sema_unknown();
}

static void assign(struct sema *s, struct node *n)
{
	struct node *to = n->kids;

	if (to->kind == NODE_MAP) {
		assign_map(s, n);
		return;
	}
	if (to->kind == NODE_VAR) {
		assign_var(s, n);
		return;
	}
	s->discard = n->last;
	if (n->last->kind == NODE_BLOCK)
		sema_block(s, n->last, false);
	else
		sema_expr(s, n->last);
	if (to->kind == NODE_DISCARD && n->op)
		sema_error(s, n, "'_' has no value that something could be added to");
}

static void declared_earlier(struct sema *s, const struct bt_var *v)
{
	struct place at;

	bt_place(s->prog, v->decl->at.from, &at);
	sema_hint(s, "'%s' begins at line %u", v->name, at.line);
}

static void let(struct sema *s, struct node *n)
{
	struct node *var = n->kids, *k = var->next, *type = NULL, *value = NULL;
	const struct stype *t = NULL;
	struct bt_var *v, *old;

	if (k && k->kind == NODE_TYPE) {
		type = k;
		k = k->next;
	}
	value = k;
	s->assigned = value;
	if (value)
		t = sema_expr(s, value);
	old = sema_var_find(s, var->text);
	if (old && old->decl != n) {
		sema_error(s, n, "'%s' is declared already: a name can't be used twice", var->text);
		declared_earlier(s, old);
		return;
	}
	v = sema_var_new(s, var, n);
	if (type) {
		const struct stype *declared = sema_type(s, type);

		if (declared && (stype_is_agg(declared) || declared->kind == ST_VOID)) {
			sema_error(s, type, "a variable can't be of type %s",
				   stype_name(sema_types(s), declared));
			declared = NULL;
		}
		if (declared && (!v->type || v->is_fixed)) {
			v->is_fixed = strcmp(type->text, "string") || type->kids;
			if (!v->type)
				v->type = declared;
		}
	}
	if (value)
		sema_var_type(s, v, n, value, t);
	var->type = v->type ? v->type : sema_unknown();
}

/* ---- loops ---- */

static void while_loop(struct sema *s, struct node *n)
{
	sema_condition(s, n->kids, "while");
	s->loops++;
	sema_block(s, n->last, false);
	s->loops--;
}

static void unroll(struct sema *s, struct node *n)
{
	u64 before = s->repeat;
	s64 count = 1;

	sema_expr(s, n->kids);
	if (!n->kids->is_const) {
		if (sema_is_known(n->kids->type))
			sema_error(s, n,
				   "unroll() wants a number that is known when the script is "
				   "compiled");
	} else {
		count = n->kids->konst;
		if (count < 1 || count > UNROLL_MAX) {
			sema_error(s, n, "unroll() repeats 1 to %d times, not %lld", UNROLL_MAX,
				   (long long)count);
			count = 1;
		}
	}
	/* what unroll in unroll multiplies up to */
	s->repeat = MIN(before * (u64)count, (u64)WEIGHT_MAX);
	sema_block(s, n->last, false);
	s->repeat = before;
}

static const struct stype *range(struct sema *s, struct node *n)
{
	const struct stype *a = sema_read_type(sema_expr(s, n->kids)),
			   *b = sema_read_type(sema_expr(s, n->last));

	if (sema_is_known(a) && !sema_is_int(a))
		sema_error(s, n->kids, "a range begins with an integer, not %s",
			   stype_name(sema_types(s), a));
	if (sema_is_known(b) && !sema_is_int(b))
		sema_error(s, n->last, "a range ends with an integer, not %s",
			   stype_name(sema_types(s), b));
	if (!sema_is_int(a) || !sema_is_int(b))
		return NULL;
	return sema_common(s, a, b);
}

static const struct stype *map_element(struct sema *s, struct node *n)
{
	struct bt_map *m = sema_map_arg(s, n);
	const struct stype *types[2];

	if (!m)
		return NULL;
	if (m->key && m->key->kind == ST_NONE) {
		sema_error(s, n, "%s has no keys that a loop could go over", m->name);
		return NULL;
	}
	if (!m->key || !m->value)
		return NULL;
	if (stype_is_agg(m->value) && !sema_is_number_agg(m->value)) {
		sema_error(s, n, "a loop can't go over values of type %s",
			   stype_name(sema_types(s), m->value));
		return NULL;
	}
	types[0] = m->key;
	types[1] = sema_read_type(m->value);
	return stype_tuple(sema_types(s), types, NULL, 2);
}

static void for_loop(struct sema *s, struct node *n)
{
	struct node *var = n->kids, *over = var->next, *outer = s->loop;
	const struct stype *t = over->kind == NODE_RANGE ? range(s, over)
				: over->kind == NODE_MAP ? map_element(s, over)
							 : NULL;
	struct bt_var *old = sema_var_find(s, var->text), *v;
	u32 vars = s->vars.n;

	if (old) {
		sema_error(s, var, "'%s' is declared already: a name can't be used twice",
			   var->text);
		declared_earlier(s, old);
	}
	s->loop = n;
	v = sema_var_new(s, var, n);
	v->is_read_only = true;
	v->is_set = true;
	if (t && (!v->type || !stype_same(v->type, t))) {
		v->type = t;
		s->changed = true;
	}
	var->type = v->type ? v->type : sema_unknown();
	s->loops++;
	sema_block(s, n->last, false);
	s->loops--;
	s->loop = outer;
	s->vars.n = vars;
}

/* ---- leaving ---- */

static void leave(struct sema *s, struct node *n)
{
	const char *word = n->kind == NODE_BREAK ? "break" : "continue";

	if (!s->loops)
		sema_error(s, n, "'%s' stands outside of any loop", word);
}

static void leave_program(struct sema *s, struct node *n)
{
	const struct stype *t = n->kids ? sema_read_type(sema_expr(s, n->kids)) : NULL,
			   *wanted = s->fn_type;

	if (!s->fn) {
		if (t && sema_is_known(t) && !sema_is_int(t))
			sema_error(s, n, "a probe returns an integer, not %s",
				   stype_name(sema_types(s), t));
		return;
	}
	if (!wanted)
		return;
	if (!t && wanted->kind != ST_VOID)
		sema_error(s, n, "%s() returns a value of type %s", s->fn->text,
			   stype_name(sema_types(s), wanted));
	else if (t && wanted->kind == ST_VOID)
		sema_error(s, n, "%s() returns nothing", s->fn->text);
	else if (t && sema_is_known(t) && !sema_fits(s, t, wanted) &&
		 !(sema_is_int(t) && sema_is_int(wanted)))
		sema_error(s, n, "%s() returns a value of type %s, not %s", s->fn->text,
			   stype_name(sema_types(s), wanted), stype_name(sema_types(s), t));
}

/* ---- blocks ---- */

static void discarded(struct sema *s, struct node *n)
{
	struct node *k = n->kids;

	if (k->kind == NODE_BLOCK) {
		sema_block(s, k, false); /* of a macro */
		return;
	}
	s->discard = k;
	sema_expr(s, k);
	if (k->kind == NODE_INCREMENT || !sema_is_known(k->type) || k->type->kind == ST_VOID ||
	    sema_compat17(s))
		return;
	sema_warn(s, n, "the value is not used");
}

static void statement(struct sema *s, struct node *n)
{
	if (s->fatal)
		return;
	s->weight += s->repeat;
	if (s->weight > WEIGHT_MAX) {
		if (!s->too_big)
			sema_error(
				s, n,
				"the script grows too big when its unroll loops are written out");
		s->too_big = s->final;
		return;
	}
	switch (n->kind) {
	case NODE_EXPR_STMT:
		discarded(s, n);
		break;
	case NODE_ASSIGN:
		assign(s, n);
		break;
	case NODE_LET:
		let(s, n);
		break;
	case NODE_IF:
		sema_if(s, n, false);
		break;
	case NODE_BLOCK:
		sema_block(s, n, false);
		break;
	case NODE_WHILE:
		while_loop(s, n);
		break;
	case NODE_UNROLL:
		unroll(s, n);
		break;
	case NODE_FOR:
		for_loop(s, n);
		break;
	case NODE_BREAK:
	case NODE_CONTINUE:
		leave(s, n);
		break;
	case NODE_RETURN:
		leave_program(s, n);
		break;
	case NODE_BAD:
		break;
	default:
		sema_expr(s, n);
		break;
	}
}

/* The last statement of a block that is a value. */
static const struct stype *value_of(struct sema *s, struct node *n)
{
	switch (n->kind) {
	case NODE_EXPR_STMT:
		return sema_expr(s, n->kids);
	case NODE_IF:
		sema_if(s, n, true);
		return n->type;
	case NODE_BLOCK:
		sema_block(s, n, true);
		return n->type;
	default:
		statement(s, n);
		return NULL;
	}
}

/* What a block declares and what comes behind its end, where both mean nothing. */
static void never_used(struct sema *s, const struct node *block, u32 vars)
{
	for (u32 i = vars; i < s->vars.n; i++)
		if (!s->vars.p[i]->is_set && s->vars.p[i]->decl->kind == NODE_LET)
			sema_warn(s, s->vars.p[i]->decl, "nothing is ever assigned to '%s'",
				  s->vars.p[i]->name);
	for (const struct node *k = block->kids; k && k->next; k = k->next) {
		if (k->kind != NODE_RETURN && k->kind != NODE_BREAK && k->kind != NODE_CONTINUE)
			continue;
		sema_warn(s, k->next, "this is never reached");
		return;
	}
}

void sema_block(struct sema *s, struct node *n, bool is_value)
{
	struct sema_call call = { .up = s->calls,
				  .macro = n->text,
				  .at = { (u32)n->value, (u32)(n->value >> 32) } };
	u32 vars = s->vars.n;

	n->type = NULL;
	if (*n->text)
		s->calls = &call; /* the body of a macro: expand.c */
	for (struct node *k = n->kids; k; k = k->next) {
		if (is_value && !k->next)
			n->type = value_of(s, k);
		else
			statement(s, k);
	}
	if (n->type && n->last->kind == NODE_EXPR_STMT) {
		n->is_const = !n->kids->next && n->last->kids->is_const;
		n->konst = n->last->kids->konst;
		n->str = n->kids->next ? NULL : n->last->kids->str;
	}
	s->calls = call.up;
	if (!sema_compat17(s)) {
		never_used(s, n, vars);
		s->vars.n = vars;
	}
	if (!n->type)
		n->type = sema_unknown();
}

static bool truth(const struct node *n)
{
	return n->str ? *n->str : n->konst != 0;
}

/* if comptime: only the side that is taken is looked at.  True: it has taken n's place. */
static bool decided(struct sema *s, struct node *n)
{
	struct node *cond = n->kids->kids, *yes = n->kids->next, *no = yes->next;
	struct node none = { .kind = NODE_BLOCK, .text = "", .raw = "" };

	sema_expr(s, cond);
	if (!cond->is_const && !cond->str) {
		if (sema_is_known(cond->type))
			sema_error(s, cond, "this is not known when the script is compiled");
		return false;
	}
	if (!s->deciding && !s->final)
		return false;
	none.at = n->at;
	sema_become(n, truth(cond) ? yes : no ? no : &none);
	s->changed = true;
	return true;
}

void sema_if(struct sema *s, struct node *n, bool is_value)
{
	struct node *cond = n->kids, *yes = cond->next, *no = yes ? yes->next : NULL;
	const struct stype *both;

	n->type = sema_unknown();
	if (cond->kind == NODE_COMPTIME) {
		if (!decided(s, n))
			return;
		if (n->kind == NODE_IF)
			sema_if(s, n, is_value);
		else
			sema_block(s, n, is_value);
		return;
	}
	sema_condition(s, cond, "if");
	if (!yes)
		return;
	s->dead += cond->is_const && !cond->konst;
	sema_block(s, yes, is_value);
	s->dead -= cond->is_const && !cond->konst;
	s->dead += cond->is_const && cond->konst;
	if (no && no->kind == NODE_IF)
		sema_if(s, no, is_value);
	else if (no)
		sema_block(s, no, is_value);
	s->dead -= cond->is_const && cond->konst;
	if (!is_value || !no)
		return;
	both = sema_common(s, sema_read_type(yes->type), sema_read_type(no->type));
	if (!both)
		sema_error(s, n, "both branches must give one type: there are %s and %s",
			   stype_name(sema_types(s), yes->type),
			   stype_name(sema_types(s), no->type));
	else
		n->type = both->kind == ST_NONE ? sema_unknown() : both;
}

void sema_body(struct sema *s, struct node *block)
{
	sema_block(s, block, false);
}

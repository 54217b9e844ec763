/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/emit_call.c - the functions of a script (fn) and calls of them.
 *
 * Each is a static subprogram.  Scalars are passed as they are; everything else as the address of
 * memory in scratch, on both ways: the caller takes a copy of what it gets.
 */
#include "lang/bt/emit_unit.h"
#include <errno.h>
#include <string.h>

static const struct node *param_first(const struct node *fn)
{
	return fn->kids && fn->kids->kind == NODE_PARAM ? fn->kids : NULL;
}

static bool is_word(const struct stype *t)
{
	return !t || stype_is_scalar(t);
}

static bool is_value(const struct stype *t)
{
	return t && t->kind != ST_NONE && t->kind != ST_VOID;
}

static void declare(struct emit *e, const struct node *n)
{
	struct emit_sub sub = {n, NULL};

	sub.fn = fn_new(e->m, n->text, FN_SUBPROG,
			is_value(n->type) && !is_word(n->type) ? IR_PTR : IR_I64);
	for (const struct node *p = param_first(n); p && p->kind == NODE_PARAM; p = p->next) {
		const struct stype *t = p->var ? p->var->type : NULL;

		fn_param(sub.fn, is_word(t) ? IR_I64 : IR_PTR,
			 is_word(t) ? SPACE_UNKNOWN : SPACE_MAP_VALUE)
			->name = p->text + (p->text[0] == '$');
	}
	if (!vec_push(&e->scratch->subs, sub))
		e->failed = true;
}

static void define(struct emit *e, const struct emit_sub *sub)
{
	const struct node *n = sub->node;
	struct emit_frame *f;
	u32 i = 0;

	emit_at(e, n);
	e->probe = NULL;
	e->ctx = NULL;
	scratch_begin(e);
	f = emit_fn_begin(e, sub->fn);
	f->ret = is_value(n->type) ? n->type : NULL;
	for (const struct node *p = param_first(n); p && p->kind == NODE_PARAM; p = p->next, i++) {
		struct val *v = sub->fn->params.p[i];

		if (!p->var)
			continue;
		if (is_word(p->var->type))
			emit_scalar_set(e, p->var, v);
		else
			emit_put(e, (struct rv){p->var->type, v}, p->var->type,
				 emit_var_addr(e, p->var), PUT_PLAIN);
	}
	emit_stmt(e, n->last);
	emit_return(e,
		    sub->fn->ret == IR_PTR ? emit_ptr(e, emit_i64(e, 0), SPACE_MAP_VALUE) : NULL);
	ir_unreachable(e->b);
	emit_fn_end(e);
	scratch_end(e);
}

void emit_fns(struct emit *e)
{
	for (u32 i = 0; i < e->s->fns.n; i++)
		declare(e, e->s->fns.p[i]);
	for (u32 i = 0; i < e->scratch->subs.n; i++)
		define(e, &e->scratch->subs.p[i]);
}

static const struct emit_sub *sub_find(struct emit *e, const char *name)
{
	for (u32 i = 0; i < e->scratch->subs.n; i++)
		if (!strcmp(e->scratch->subs.p[i].node->text, name))
			return &e->scratch->subs.p[i];
	return NULL;
}

struct rv emit_fn_call(struct emit *e, const struct node *n)
{
	const struct emit_sub *sub = sub_find(e, n->text);
	struct val *args[5], *p;
	const struct node *arg = n->kids;
	u32 i = 0;
	struct rv r = {n->type, NULL};

	if (!sub)
		return RV_NONE;
	for (const struct node *q = param_first(sub->node);
	     q && q->kind == NODE_PARAM && arg && i < 5; q = q->next, arg = arg->next, i++) {
		const struct stype *t = q->var ? q->var->type : NULL;

		if (is_word(t)) {
			args[i] = emit_scalar(e, arg);
			if (t)
				args[i] = emit_narrow(e, args[i], t);
			continue;
		}
		args[i] = scratch_temp(e, t->size);
		emit_put_node(e, arg, t, args[i], PUT_PLAIN);
	}
	if (i != sub->fn->params.n) {
		emit_fail(e, n, -EINVAL, "%s() takes %u arguments, at most 5", n->text,
			  sub->fn->params.n);
		return RV_NONE;
	}
	r.v = ir_call(e->b, OP_CALL, sub->fn->index, sub->fn->ret, i, args);
	if (!is_value(sub->node->type))
		return RV_NONE;
	r.type = sub->node->type;
	if (sub->fn->ret != IR_PTR)
		return r;
	/* nothing there: it ended without a return */
	r.v->space = SPACE_MAP_VALUE;
	p = emit_temp(e, r.type->size);
	emit_zero(e, p, r.type->size);
	{
		struct emit_if f = emit_if(e, emit_is_null(e, r.v));

		emit_else(e, &f);
		emit_copy(e, p, r.v, r.type->size);
		emit_endif(e, &f);
	}
	r.v = p;
	return r;
}

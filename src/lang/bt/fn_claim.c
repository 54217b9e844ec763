/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/fn_claim.c - claims about the script: assert() at run time, the others when it is
 * compiled. */
#include "lang/bt/emit_unit.h"
#include "lang/bt/func.h"
#include "lang/bt/print.h"
#include "lang/bt/text.h"
#include "obj/format.h"
#include <stdio.h>
#include <string.h>

/* assert(c, m): if (!c) { errorf("assert failed: %s", m); exit(1); }  The second action follows the
 * first. */
void func_check_assert(struct sema *s, struct node *n)
{
	struct node *cond = n->kids, *message = cond->next;
	const struct stype *t = sema_expr(s, cond), *status = stype_int(8, true);
	struct script_action *a;
	u32 number;

	sema_expr(s, message);
	n->type = stype_none();
	if (t->kind != ST_NONE && !stype_is_scalar(t))
		sema_error(s, cond, "assert() expects a condition, not %s",
			   stype_name(sema_types(s), t));
	if (message->type->kind != ST_NONE && message->type->kind != ST_STR)
		sema_error(s, message, "assert() expects a string as its message, not %s",
			   stype_name(sema_types(s), message->type));
	if (!print_action(s, n, ACTION_ERRORF, "assert failed: %s", message))
		return;
	number = n->action;
	a = sema_action(s, n, ACTION_EXIT);
	if (a)
		a->args = sema_record(s, &status, 1);
	n->action = number;
}

struct rv func_emit_assert(struct emit *e, const struct node *n)
{
	struct val *holds = ir_cmp(e->b, OP_NE, emit_scalar(e, n->kids), emit_i64(e, 0));
	struct emit_if f = emit_if(e, holds);
	struct node end = *n; /* the action behind n's: exit */
	struct emit_record r;

	emit_else(e, &f);
	emit_action(e, n, n->kids->next);
	end.action++;
	r = emit_record_begin(e, &end);
	ir_store(e->b, emit_i64(e, 1), r.p, emit_record_type(e, &end)->fields[0].off);
	emit_record_end(e, &r);
	emit_return(e, NULL);
	emit_endif(e, &f);
	return RV_NONE;
}

/* Strings, arrays of char and pointers to char are alike to functions on strings. */
void func_check_assert_str(struct sema *s, struct node *n)
{
	const struct stype *t = sema_expr(s, n->kids);

	n->type = stype_none();
	if (t->kind == ST_STR || t->kind == ST_NONE)
		return;
	if (t->kind != ST_ARRAY && t->kind != ST_PTR)
		sema_error(s, n, "string-like values must be either strings, arrays or pointers");
	else if (t->of->kind != ST_INT || t->of->size != 1)
		sema_error(s, n, "string-like %s a char-like type",
			   t->kind == ST_ARRAY ? "arrays must contain" : "pointers must point to");
}

struct rv func_emit_assert_str(struct emit *e, const struct node *n)
{
	(void)e;
	(void)n;
	return RV_NONE;
}

void func_check_static_assert(struct sema *s, struct node *n)
{
	const struct stype *t = sema_expr(s, n->kids);
	const char *message = print_literal(s, n, 1);

	n->type = stype_none();
	if (!message || t->kind == ST_NONE)
		return;
	if (!n->kids->is_const)
		sema_error(s, n,
			   "static_assert() expects a condition that is known when the script is "
			   "compiled");
	else if (!n->kids->konst && !s->dead)
		sema_error(s, n, "%s", message);
}

struct rv func_emit_static_assert(struct emit *e, const struct node *n)
{
	(void)e;
	(void)n;
	return RV_NONE;
}

/* One literal as a conversion wants it. */
static void add_literal(struct str *out, const struct format_piece *p, const struct node *arg)
{
	const struct format_spec *f = &p->spec;
	const char *letter = format_conv_text(f->conv);
	int width = (int)f->width, precision = f->precision;
	char fmt[64];

	if (arg->str)
		letter = "s";
	else if (f->conv == FORMAT_PTR)
		letter = "x";
	else if (strlen(letter) > 1 || !strchr("diuoxXc", *letter))
		letter = "d";
	snprintf(fmt, sizeof(fmt), "%%%s%s%s%s%s*.*%s%s", f->left ? "-" : "", f->plus ? "+" : "",
		 f->space ? " " : "", f->alt || f->conv == FORMAT_PTR ? "#" : "",
		 f->zero ? "0" : "", *letter == 's' || *letter == 'c' ? "" : "ll", letter);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (arg->str)
		str_addf(out, fmt, width, precision, arg->str);
	else if (f->conv == FORMAT_CHAR)
		str_addf(out, fmt, width, precision, (int)arg->konst);
	else
		str_addf(out, fmt, width, precision, (long long)arg->konst);
#pragma GCC diagnostic pop
}

/* In a branch that is never taken it claims nothing. */
void func_check_fail(struct sema *s, struct node *n)
{
	const char *fmt = print_literal(s, n, 0), *at = fmt;
	struct node *arg = n->kids->next;
	struct str text = {0};
	struct format_piece p;

	n->type = stype_none();
	if (!fmt || !s->final || !print_check(s, n, fmt, arg) || s->dead)
		return;
	for (const struct node *k = arg; k; k = k->next) {
		if (!k->str && !k->is_const) {
			sema_error(s, k, "fail() expects literals");
			return;
		}
	}
	while (format_next(&at, s->opts->compat, &p)) {
		if (!p.is_spec || !arg || p.spec.star_width || p.spec.star_precision) {
			str_addn(&text, p.text, p.len);
			continue;
		}
		add_literal(&text, &p, arg);
		arg = arg->next;
	}
	sema_error(s, n, "%s", str_text(&text));
	str_free(&text);
}

struct rv func_emit_fail(struct emit *e, const struct node *n)
{
	(void)e;
	(void)n;
	return RV_NONE;
}

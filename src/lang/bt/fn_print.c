/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/fn_print.c - what user space prints or does: printf and its kin.
 *
 * Formats are taken apart by obj/format.h and held against the arguments' types here; how values
 * look is for output/script_format.c.
 */
#include "abi/helper.h"
#include "lang/bt/check_inner.h"
#include "lang/bt/emit_unit.h"
#include "lang/bt/func.h"
#include "lang/bt/print.h"
#include "lang/bt/probe_priv.h"
#include "lang/bt/text.h"
#include "obj/format.h"
#include <signal.h>
#include <string.h>

enum {
	ARGS_MAX = 64,
	RECORD_MAX = 1 << 16,
	JOIN_MAX = 16, /* strings of one join() */
};

/* ---- literals, with the mistake at the call ---- */

/* The type of an argument: those of lazy functions nobody has looked at in this pass. */
static const struct stype *type_of(struct sema *s, const struct node *n, struct node *kid)
{
	return n->func->flags & FUNC_LAZY ? sema_expr(s, kid) : kid->type;
}

const char *print_literal(struct sema *s, struct node *n, u32 i)
{
	struct node *kid = node_kid(n, i);
	const struct stype *t = type_of(s, n, kid);

	if (!kid->str && t->kind != ST_NONE)
		sema_error(s, n, "%s() expects a string literal (%s provided)", n->text,
			   stype_name(sema_types(s), t));
	return kid->str;
}

static bool literal_int(struct sema *s, struct node *n, u32 i, s64 *v)
{
	struct node *kid = node_kid(n, i);
	const struct stype *t = type_of(s, n, kid);

	if (!kid->is_const && t->kind != ST_NONE)
		sema_error(s, n, "%s() expects an integer literal (%s provided)", n->text,
			   stype_name(sema_types(s), t));
	*v = kid->konst;
	return kid->is_const;
}

/* ---- formats ---- */

/* One argument for one conversion.  star: it is a width or precision. */
static bool arg_fits(struct sema *s, struct node *n, struct node *arg, const struct format_spec *f,
		     bool star)
{
	const struct stype *t = sema_read_type(arg->type);
	const char *letters = format_conv_text(f->conv);

	if (t->kind == ST_NONE)
		return false;
	if (star ? t->kind == ST_INT : format_takes(f->conv, t))
		return true;
	if (star)
		sema_error(s, n, "'*' in a format expects an integer, not '%s'",
			   stype_name(sema_types(s), t));
	else if (format_is_foreign(f->conv))
		sema_error(s, n, "unsupported format specifier: %s", letters);
	else
		sema_error(s, n, "unsupported format specifier for type '%s': %s",
			   stype_name(sema_types(s), t), letters);
	return false;
}

static void count_wrong(struct sema *s, struct node *n, const char *what, u32 have, u32 want)
{
	sema_error(s, n, "%s arguments for format string (%u supplied, %u expected)", what, have,
		   want);
}

bool print_check(struct sema *s, struct node *n, const char *fmt, struct node *first)
{
	const char *at = fmt;
	struct format_piece p;
	struct node *arg = first;
	u32 have = 0, want = 0;

	for (struct node *k = first; k; k = k->next) {
		sema_expr(s, k);
		have++;
	}
	while (format_next(&at, s->opts->compat, &p))
		want += !p.is_spec ? 0 : 1u + p.spec.star_width + p.spec.star_precision;
	if (have != want) {
		count_wrong(s, n, have < want ? "not enough" : "too many", have, want);
		return false;
	}
	for (at = fmt; arg && format_next(&at, s->opts->compat, &p);) {
		if (!p.is_spec)
			continue;
		if (p.spec.too_wide)
			sema_error(s, n, "a width or precision in the format is above %u",
				   FORMAT_WIDTH_MAX);
		for (u32 i = p.spec.star_width + p.spec.star_precision; i; i--, arg = arg->next)
			if (!arg_fits(s, n, arg, &p.spec, true))
				return false;
		if (!arg_fits(s, n, arg, &p.spec, false))
			return false;
		arg = arg->next;
	}
	return true;
}

struct script_action *print_action(struct sema *s, struct node *n, enum script_action_kind kind,
				   const char *text, const struct node *first)
{
	const struct stype *types[ARGS_MAX];
	struct script_action *a;
	u32 count = 0;

	for (; first && count < ARGS_MAX; first = first->next)
		types[count++] = sema_read_type(first->type);
	a = sema_action(s, n, kind);
	if (!a)
		return NULL;
	a->text = arena_strdup(sema_types(s), text);
	a->args = sema_record(s, types, count);
	if (a->args->size > RECORD_MAX)
		sema_error(s, n, "the arguments of %s() are %u bytes, more than %u", n->text,
			   a->args->size, RECORD_MAX);
	return a;
}

static void check_formatted(struct sema *s, struct node *n, enum script_action_kind kind)
{
	const char *fmt = print_literal(s, n, 0);

	n->type = stype_none();
	if (fmt && print_check(s, n, fmt, n->kids->next))
		print_action(s, n, kind, fmt, n->kids->next);
}

static struct rv emit_formatted(struct emit *e, const struct node *n)
{
	emit_action(e, n, n->kids->next);
	return RV_NONE;
}

/* In an iterator that is pinned it prints into the file that is read. */
void func_check_printf(struct sema *s, struct node *n)
{
	if (print_is_pinned(s, s->probe))
		print_check_kernel(s, n);
	else
		check_formatted(s, n, ACTION_PRINTF);
}

struct rv func_emit_printf(struct emit *e, const struct node *n)
{
	return print_is_pinned(e->s, e->probe) ? print_to_seq(e, n) : emit_formatted(e, n);
}

void func_check_errorf(struct sema *s, struct node *n)
{
	check_formatted(s, n, ACTION_ERRORF);
}

struct rv func_emit_errorf(struct emit *e, const struct node *n)
{
	return emit_formatted(e, n);
}

void func_check_warnf(struct sema *s, struct node *n)
{
	check_formatted(s, n, ACTION_WARNF);
}

/* Said by the script, but a warning all the same: --no-warnings silences it. */
struct rv func_emit_warnf(struct emit *e, const struct node *n)
{
	if (e->s->opts->no_warnings)
		return RV_NONE;
	return emit_formatted(e, n);
}

void func_check_cat(struct sema *s, struct node *n)
{
	check_formatted(s, n, ACTION_CAT);
}

struct rv func_emit_cat(struct emit *e, const struct node *n)
{
	return emit_formatted(e, n);
}

void func_check_system(struct sema *s, struct node *n)
{
	check_formatted(s, n, ACTION_SYSTEM);
}

struct rv func_emit_system(struct emit *e, const struct node *n)
{
	return emit_formatted(e, n);
}

/* ---- print ---- */

static void check_print_map(struct sema *s, struct node *n, struct bt_map *m)
{
	const struct stype *types[2] = {stype_int(8, false), stype_int(8, false)};
	struct script_action *a;
	s64 v;

	for (u32 i = 1; i < node_n_kids(n); i++) {
		if (!literal_int(s, n, i, &v))
			return;
		if (v < 0)
			sema_error(s, n, "print()'s %s can't be negative", i == 1 ? "top" : "div");
	}
	if (m->value && m->value->kind == ST_STATS && node_n_kids(n) > 1)
		sema_warn(s, n,
			  "print()'s top and div arguments are ignored when used on stats() maps");
	if (s->loops)
		sema_warn(s, n,
			  "print() of a map in a loop: the map is printed later, when it may have "
			  "changed");
	a = sema_action(s, n, ACTION_PRINT_MAP);
	if (!a)
		return;
	a->map = m->script_map;
	a->args = sema_record(s, types, 2);
}

/* print(@m[k]) of a histogram and the like: by its key. */
static void check_print_elem(struct sema *s, struct node *n, struct bt_map *m)
{
	struct script_action *a = sema_action(s, n, ACTION_PRINT_ELEM);

	if (!a)
		return;
	a->map = m->script_map;
	a->args = sema_record(s, &m->key, 1);
}

void func_check_print(struct sema *s, struct node *n)
{
	struct node *arg = n->kids;
	const struct stype *t;

	n->type = stype_none();
	if (arg->kind == NODE_MAP && !arg->kids) {
		struct bt_map *m = sema_map_arg(s, arg);

		if (m)
			check_print_map(s, n, m);
		return;
	}
	t = sema_expr(s, arg);
	for (u32 i = 1; i < node_n_kids(n); i++)
		sema_expr(s, node_kid(n, i));
	if (arg->next) {
		sema_error(s, n, "non-map print() only takes 1 argument, %u found", node_n_kids(n));
		return;
	}
	if (arg->kind == NODE_MAP && arg->map && stype_is_agg(t) && !sema_is_number_agg(t)) {
		check_print_elem(s, n, arg->map);
		return;
	}
	if (t->kind == ST_NONE)
		return;
	if (t->kind == ST_VOID || (stype_is_agg(t) && !sema_is_number_agg(t))) {
		sema_error(s, n, "%s type passed to print() is not printable",
			   stype_name(sema_types(s), t));
		return;
	}
	print_action(s, n, ACTION_PRINT_VALUE, "", arg);
}

struct rv func_emit_print(struct emit *e, const struct node *n)
{
	enum script_action_kind kind = e->s->script->actions.p[n->action - 1].kind;
	const struct stype *args = emit_record_type(e, n);
	struct emit_record r;

	if (kind == ACTION_PRINT_VALUE) {
		emit_action(e, n, n->kids);
		return RV_NONE;
	}
	if (kind == ACTION_PRINT_ELEM) {
		const struct bt_map *m = n->kids->map;
		struct rv key = {m->key, emit_key(e, n->kids)};

		if (stype_is_scalar(m->key))
			key.v = emit_load(e, m->key, key.v, 0);
		r = emit_record_begin(e, n);
		emit_store(e, key, m->key, r.p, args->fields[0].off, true);
		emit_record_end(e, &r);
		return RV_NONE;
	}
	r = emit_record_begin(e, n);
	for (u32 i = 0; i < 2; i++) {
		const struct node *kid = node_kid(n, i + 1);

		ir_store(e->b, emit_i64(e, kid ? kid->konst : 0), r.p, args->fields[i].off);
	}
	emit_record_end(e, &r);
	return RV_NONE;
}

/* ---- maps ---- */

static void check_map_action(struct sema *s, struct node *n, enum script_action_kind kind)
{
	struct bt_map *m = sema_map_arg(s, n->kids);
	struct script_action *a;

	n->type = stype_none();
	if (!m)
		return;
	a = print_action(s, n, kind, "", NULL);
	if (a)
		a->map = m->script_map;
}

void func_check_clear(struct sema *s, struct node *n)
{
	check_map_action(s, n, ACTION_CLEAR);
}

struct rv func_emit_clear(struct emit *e, const struct node *n)
{
	emit_action(e, n, NULL);
	return RV_NONE;
}

void func_check_zero(struct sema *s, struct node *n)
{
	check_map_action(s, n, ACTION_ZERO);
}

struct rv func_emit_zero(struct emit *e, const struct node *n)
{
	emit_action(e, n, NULL);
	return RV_NONE;
}

/* ---- time, join, exit, unwatch ---- */

void func_check_time(struct sema *s, struct node *n)
{
	const char *fmt = n->kids ? print_literal(s, n, 0) : "%H:%M:%S\n";

	n->type = stype_none();
	if (fmt)
		print_action(s, n, ACTION_TIME, fmt, NULL);
}

struct rv func_emit_time(struct emit *e, const struct node *n)
{
	emit_action(e, n, NULL);
	return RV_NONE;
}

void func_check_join(struct sema *s, struct node *n)
{
	const struct stype *t = n->kids->type, *types[2];
	const char *sep = n->kids->next ? print_literal(s, n, 1) : " ";
	struct script_action *a;

	n->type = stype_none();
	if (t->kind != ST_NONE && t->kind != ST_INT && t->kind != ST_PTR) {
		sema_error(s, n, "join() only supports int or pointer arguments (%s provided)",
			   stype_name(sema_types(s), t));
		return;
	}
	types[0] = stype_int(4, false);
	types[1] = stype_array(sema_types(s), stype_str(sema_types(s), (u32)s->set.max_strlen),
			       JOIN_MAX);
	if (!sep)
		return;
	a = sema_action(s, n, ACTION_JOIN);
	if (!a)
		return;
	a->text = arena_strdup(sema_types(s), sep);
	a->args = sema_record(s, types, 2);
}

/* Strings up to the first null pointer, one after another without a loop: each is read into its
 * place. */
struct rv func_emit_join(struct emit *e, const struct node *n)
{
	const struct stype *args = emit_record_type(e, n);
	const struct stype_field *count = &args->fields[0], *strings = &args->fields[1];
	u32 size = strings->type->of->size;
	struct val *array = text_address(e, n->kids), *slot = ir_alloca(e->fn, 8, 8);
	struct emit_record r = emit_record_begin(e, n);
	struct emit_if inner[JOIN_MAX];

	ir_store(e->b, ir_const(e->b, IR_I32, 0), r.p, count->off);
	for (u32 i = 0; i < JOIN_MAX; i++) {
		struct val *p,
			*dst = ir_ptradd(e->b, r.p, emit_i64(e, strings->off + (s64)i * size));

		ir_store(e->b, emit_i64(e, 0), slot, 0);
		emit_read(e, slot, 8, ir_ptradd(e->b, array, emit_i64(e, (s64)i * 8)));
		p = ir_load(e->b, IR_I64, slot, 0);
		inner[i] = emit_if(e, ir_cmp(e->b, OP_NE, p, emit_i64(e, 0)));
		emit_read_str(e, dst, emit_i64(e, size), emit_ptr(e, p, array->space));
		ir_store(e->b, ir_const(e->b, IR_I32, i + 1), r.p, count->off);
	}
	for (u32 i = JOIN_MAX; i--;)
		emit_endif(e, &inner[i]);
	emit_record_end(e, &r);
	return RV_NONE;
}

void func_check_exit(struct sema *s, struct node *n)
{
	const struct stype *type = stype_int(8, true);
	struct script_action *a;

	n->type = stype_none();
	if (n->kids && !sema_want_int(s, n->kids, false))
		return;
	a = sema_action(s, n, ACTION_EXIT);
	if (a)
		a->args = sema_record(s, &type, 1);
}

struct rv func_emit_exit(struct emit *e, const struct node *n)
{
	const struct stype *args = emit_record_type(e, n);
	struct val *status = n->kids ? emit_scalar(e, n->kids) : emit_i64(e, 0);
	struct emit_record r = emit_record_exit(e, n, status);

	ir_store(e->b, status, r.p, args->fields[0].off);
	emit_record_end(e, &r);
	emit_return(e, NULL);
	return RV_NONE;
}

void func_check___watch(struct sema *s, struct node *n)
{
	const struct stype *word = stype_int(8, false), *types[] = { word, word, word, word };
	struct script_action *a;

	n->type = stype_none();
	if (!n->raw || strcmp(n->raw, PROBE_WATCH_MADE) != 0) {
		sema_error(s, n, "there is no function __watch()");
		return;
	}
	a = sema_action(s, n, ACTION_WATCH);
	if (a)
		a->args = sema_record(s, types, ARRAY_SIZE(types));
}

struct rv func_emit___watch(struct emit *e, const struct node *n)
{
	const struct stype *args = e->s->script->actions.p[n->action - 1].args;
	const struct node *index = n->kids->next, *waits = index->next;
	struct val *words[] = { emit_scalar(e, n->kids), emit_i64(e, (s64)index->value), emit_tgid(e),
				emit_i64(e, (s64)waits->value) };
	struct emit_record r;

	if (waits->value)
		emit_call(e, HELPER_send_signal, emit_i64(e, SIGSTOP));
	r = emit_record_begin(e, n);
	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		ir_store(e->b, words[i], r.p, args->fields[i].off);
	emit_record_end(e, &r);
	return RV_NONE;
}

void func_check_unwatch(struct sema *s, struct node *n)
{
	const struct stype *type = stype_int(8, false);
	struct script_action *a;

	n->type = stype_none();
	if (!sema_want_int(s, n->kids, true))
		return;
	a = sema_action(s, n, ACTION_UNWATCH);
	if (a)
		a->args = sema_record(s, &type, 1);
}

struct rv func_emit_unwatch(struct emit *e, const struct node *n)
{
	emit_action(e, n, n->kids);
	return RV_NONE;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/fn_map.c - functions of maps: what aggregates, and what asks for or removes elements. */
#include "abi/helper.h"
#include "abi/uapi.h"
#include "lang/bt/check_inner.h"
#include "lang/bt/emit_unit.h"
#include "lang/bt/func.h"
#include <string.h>

enum { LHIST_BUCKETS_MAX = 1000, HIST_BITS_MAX = 5, SERIES_INTERVALS_MAX = 1000000 };

/* ---- aggregations ---- */

static bool arg_is_signed(const struct node *n)
{
	return n->kids && n->kids->type && n->kids->type->is_signed;
}

static void want_number(struct sema *s, struct node *n)
{
	const struct stype *t = n->kids->type;

	if (!t || t->kind == ST_NONE || t->kind == ST_INT || t->kind == ST_BOOL ||
	    t->kind == ST_ENUM || t->kind == ST_PTR || sema_is_number_agg(t))
		return;
	sema_error(s, n, "%s() only supports integer arguments (%s provided)", n->text,
		   stype_name(sema_types(s), t));
}

static void check_agg(struct sema *s, struct node *n, enum stype_kind kind)
{
	want_number(s, n);
	n->type = stype_agg(sema_types(s), kind, arg_is_signed(n));
}

/* emit_agg() does what these stand for: they are no values. */
static struct rv no_value(struct emit *e)
{
	(void)e;
	return RV_NONE;
}

void func_check_count(struct sema *s, struct node *n)
{
	(void)s;
	n->type = stype_simple(ST_COUNT);
}

#define AGG(name, kind)                                        \
	void func_check_##name(struct sema *s, struct node *n) \
	{                                                      \
		check_agg(s, n, kind);                         \
	}
AGG(sum, ST_SUM)
AGG(min, ST_MIN)
AGG(max, ST_MAX)
AGG(avg, ST_AVG)
AGG(stats, ST_STATS)
#undef AGG

void func_check_hist(struct sema *s, struct node *n)
{
	struct node *bits = node_kid(n, 1);
	s64 v = 0;

	want_number(s, n);
	if (bits && sema_literal_int(s, bits, "the number of bits of hist()", &v) &&
	    (v < 0 || v > HIST_BITS_MAX)) {
		sema_error(s, n, "hist: bits %lld must be 0..%d", (long long)v, HIST_BITS_MAX);
		v = 0;
	}
	n->type = stype_hist(sema_types(s), (u32)v);
}

void func_check_lhist(struct sema *s, struct node *n)
{
	s64 min, max, step;
	u64 buckets;

	want_number(s, n);
	n->type = stype_none();
	if (!sema_literal_int(s, node_kid(n, 1), "min of lhist()", &min) ||
	    !sema_literal_int(s, node_kid(n, 2), "max of lhist()", &max) ||
	    !sema_literal_int(s, node_kid(n, 3), "step of lhist()", &step))
		return;
	if (step <= 0) {
		sema_error(s, n, "lhist() step must be >= 1 (%lld provided)", (long long)step);
		return;
	}
	if (min >= max) {
		sema_error(s, n,
			   "lhist() min must be less than max (provided min %lld and max %lld)",
			   (long long)min, (long long)max);
		return;
	}
	buckets = ((u64)max - (u64)min) / (u64)step;
	if (buckets > LHIST_BUCKETS_MAX) {
		sema_error(s, n, "lhist() too many buckets, must be <= %d (would need %llu)",
			   LHIST_BUCKETS_MAX, (unsigned long long)buckets);
		return;
	}
	if (!buckets) {
		sema_error(s, n,
			   "lhist() step is too large for the given range (provided step %lld for "
			   "range %llu)",
			   (long long)step, (unsigned long long)((u64)max - (u64)min));
		return;
	}
	n->type = stype_lhist(sema_types(s), min, max, step);
}

static bool series_fn(struct sema *s, struct node *n, enum tseries_fn *fn)
{
	static const struct {
		const char *name;
		enum tseries_fn fn;
	} fns[] = {{"avg", TSERIES_AVG},
		   {"max", TSERIES_MAX},
		   {"min", TSERIES_MIN},
		   {"sum", TSERIES_SUM}};
	const char *name;

	*fn = TSERIES_LAST;
	if (!n)
		return true;
	name = sema_literal_str(s, n, "the function of tseries()");
	for (u32 i = 0; name && i < ARRAY_SIZE(fns); i++)
		if (!strcmp(fns[i].name, name)) {
			*fn = fns[i].fn;
			return true;
		}
	if (name)
		sema_error(s, n,
			   "tseries() has no function \"%s\": there are avg, max, min and sum",
			   name);
	return false;
}

void func_check_tseries(struct sema *s, struct node *n)
{
	enum tseries_fn fn;
	s64 interval, count;

	want_number(s, n);
	n->type = stype_none();
	if (!sema_literal_int(s, node_kid(n, 1), "the interval of tseries()", &interval) ||
	    !sema_literal_int(s, node_kid(n, 2), "the number of intervals of tseries()", &count) ||
	    !series_fn(s, node_kid(n, 3), &fn))
		return;
	if (interval <= 0) {
		sema_error(s, n, "tseries() interval_ns must be greater than 0 (%lld provided)",
			   (long long)interval);
		return;
	}
	if (count <= 0 || count > SERIES_INTERVALS_MAX) {
		sema_error(s, n, "tseries() num_intervals must be 1 to %d (%lld provided)",
			   SERIES_INTERVALS_MAX, (long long)count);
		return;
	}
	n->type = stype_tseries(sema_types(s), stype_int(8, arg_is_signed(n)), interval, (u32)count,
				fn);
}

#define EMIT(name)                                                       \
	struct rv func_emit_##name(struct emit *e, const struct node *n) \
	{                                                                \
		(void)n;                                                 \
		return no_value(e);                                      \
	}
EMIT(count)
EMIT(sum)
EMIT(min)
EMIT(max)
EMIT(avg)
EMIT(stats)
EMIT(hist)
EMIT(lhist)
EMIT(tseries)
#undef EMIT

/* ---- elements ---- */

/* The map that a function is about, by its first argument, and its key by the second. */
static struct bt_map *check_element(struct sema *s, struct node *n)
{
	struct node *map = n->kids, *key = node_kid(n, 1);
	struct bt_map *m = sema_map_arg(s, map);
	const struct stype *t = sema_expr(s, key);

	if (!m)
		return NULL;
	if (m->key && m->key->kind == ST_NONE && m->key == stype_none()) {
		sema_error(s, n, "call to %s() expects a map with explicit keys (non-scalar map)",
			   n->text);
		return NULL;
	}
	sema_map_key(s, m, key, sema_read_type(t));
	return m;
}

static struct val *found(struct emit *e, struct val *p)
{
	struct val *no = emit_is_null(e, p);

	return ir_cast(e->b, OP_ZEXT, IR_I64, ir_bin(e->b, OP_XOR, no, ir_const(e->b, IR_I1, 1)));
}

void func_check_has_key(struct sema *s, struct node *n)
{
	n->type = stype_bool();
	check_element(s, n);
}

struct rv func_emit_has_key(struct emit *e, const struct node *n)
{
	const struct bt_map *m = n->kids->map;
	struct val *key = emit_key_of(e, m, n->kids->next);

	return (struct rv){n->type, found(e, emit_map_lookup(e, m, key))};
}

void func_check_find(struct sema *s, struct node *n)
{
	struct node *var = node_kid(n, 2);
	struct bt_map *m = check_element(s, n);
	struct bt_var *v;

	n->type = stype_bool();
	if (var->kind != NODE_VAR) {
		sema_error(s, var,
			   "find() puts the value into a variable: its third argument must be one");
		return;
	}
	v = sema_var_find(s, var->text);
	if (!v)
		v = sema_var_new(s, var, n);
	var->var = v;
	if (m && m->value)
		sema_var_type(s, v, var, NULL, sema_read_type(m->value));
	var->type = v->type;
}

struct rv func_emit_find(struct emit *e, const struct node *n)
{
	const struct node *var = node_kid(n, 2);
	const struct bt_map *m = n->kids->map;
	struct val *key = emit_key_of(e, m, n->kids->next), *p = emit_map_lookup(e, m, key), *slot;
	struct emit_if f;

	slot = ir_alloca(e->fn, 8, 8);
	ir_store(e->b, emit_i64(e, 0), slot, 0);
	f = emit_if(e, emit_is_null(e, p));
	emit_else(e, &f);
	ir_store(e->b, emit_i64(e, 1), slot, 0);
	if (var->var && m->value) {
		struct rv v = emit_map_value(e, m, key, p);

		if (v.v->type != IR_PTR)
			emit_scalar_set(e, var->var, v.v);
		else if (var->var->type)
			emit_put(e, v, var->var->type, emit_var_addr(e, var->var), PUT_PLAIN);
	}
	emit_endif(e, &f);
	return (struct rv){n->type, ir_load(e->b, IR_I64, slot, 0)};
}

/* delete(@m[k]), delete(@scalar), delete(@m, k); in 0.17 any number of the first two. */
static bool is_old_delete(const struct sema *s, const struct node *n)
{
	const struct node *second = n->kids->next;

	if (!second || n->kids->kids)
		return true;
	return sema_compat17(s) && second->kind == NODE_MAP;
}

void func_check_delete(struct sema *s, struct node *n)
{
	n->type = stype_bool();
	if (n->kids->kind != NODE_MAP) {
		sema_error(s, n->kids, "delete() expects a map, such as @x[key]");
		return;
	}
	if (!is_old_delete(s, n)) {
		if (node_n_kids(n) > 2)
			sema_error(s, n, "delete() takes a map and a key");
		else if (n->kids->next)
			check_element(s, n);
		return;
	}
	for (struct node *k = n->kids; k; k = k->next) {
		const struct bt_map *m =
			k->kind == NODE_MAP ? sema_map_make(s, k->text, k->at) : NULL;

		if (!m) {
			sema_error(s, k, "delete() expects a map, such as @x[key]");
			continue;
		}
		if (!k->kids && m->key && m->key->kind != ST_NONE) {
			sema_error(s, n,
				   "call to delete() with a single argument expects a map without "
				   "explicit keys (scalar map)");
			continue;
		}
		sema_map_access(s, k);
	}
}

/* An element of an array can't be removed: it is made zero. */
static struct val *remove_element(struct emit *e, const struct bt_map *m, struct val *key)
{
	struct val *ret;

	if (m->bpf_type == BPF_MAP_TYPE_ARRAY || m->bpf_type == BPF_MAP_TYPE_PERCPU_ARRAY)
		return emit_map_update(e, m, key, emit_zeros(e, MAX(m->value->size, 8u)));
	ret = emit_call(e, HELPER_map_delete_elem, emit_map_ref(e, m), key);
	emit_check(e, HELPER_map_delete_elem, ret);
	return ret;
}

struct rv func_emit_delete(struct emit *e, const struct node *n)
{
	struct val *ret = NULL;

	if (!is_old_delete(e->s, n)) {
		ret = remove_element(e, n->kids->map, emit_key_of(e, n->kids->map, n->kids->next));
	} else {
		for (const struct node *k = n->kids; k; k = k->next)
			ret = remove_element(e, k->map, emit_key(e, k));
	}
	return (struct rv){n->type, ir_cast(e->b, OP_ZEXT, IR_I64, emit_cmp_imm(e, OP_EQ, ret, 0))};
}

/* ---- len ---- */

static bool is_stack(const struct stype *t)
{
	return t && (t->kind == ST_KSTACK || t->kind == ST_USTACK);
}

void func_check_len(struct sema *s, struct node *n)
{
	struct node *of = n->kids;
	const struct stype *t;

	n->type = stype_int(8, true);
	if (of->kind == NODE_MAP && !of->kids) {
		struct bt_map *m = sema_map_make(s, of->text, of->at);

		if (!m->key || m->key->kind != ST_NONE) {
			sema_map_arg(s, of);
			return;
		}
	}
	t = sema_expr(s, of);
	if (is_stack(t) || t->kind == ST_NONE)
		return;
	sema_error(s, n, "len() expects a map with keys or a stack, not %s",
		   stype_name(sema_types(s), t));
}

/* Walks the map with a callback that does nothing: the helper returns how many elements it saw. */
static struct val *map_len(struct emit *e, const struct bt_map *m)
{
	static const enum ir_space spaces[] = {SPACE_MAP, SPACE_MAP_VALUE, SPACE_MAP_VALUE,
					       SPACE_STACK};
	struct fn *fn = NULL;
	struct blk *b;

	for (u32 i = 0; i < e->m->fns.n && !fn; i++)
		if (!strcmp(e->m->fns.p[i]->name, "osmia_nothing"))
			fn = e->m->fns.p[i];
	if (!fn) {
		fn = fn_new(e->m, "osmia_nothing", FN_CALLBACK, IR_I64);
		for (u32 i = 0; i < ARRAY_SIZE(spaces); i++)
			fn_param(fn, IR_PTR, spaces[i]);
		b = blk_new(fn);
		ir_ret(b, ir_const(b, IR_I64, 0));
	}
	return emit_call(e, HELPER_for_each_map_elem, emit_map_ref(e, m),
			 ir_ref(e->b, OP_FUNC, fn->index, 0), emit_i64(e, 0), emit_i64(e, 0));
}

struct rv func_emit_len(struct emit *e, const struct node *n)
{
	const struct node *of = n->kids;
	struct rv v;

	if (of->kind == NODE_MAP && !of->kids && of->map && of->map->key &&
	    of->map->key->kind != ST_NONE)
		return (struct rv){n->type, map_len(e, of->map)};
	v = emit_expr(e, of);
	if (!v.v || v.v->type != IR_PTR)
		return (struct rv){n->type, emit_i64(e, 0)};
	return (struct rv){n->type, emit_load(e, stype_int(4, false), v.v, 8)};
}

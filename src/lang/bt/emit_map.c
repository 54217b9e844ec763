/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/emit_map.c - maps: keys, lookups, updates; aggregations are emit_agg.c's.
 *
 * "@x" is the kernel's "AT_x".  A map without key is a hash with one element, whose key is 8 bytes
 * of zero.
 */
#include "abi/helper.h"
#include "abi/uapi.h"
#include "isa/insn.h"
#include "lang/bt/emit_unit.h"
#include <errno.h>

enum {
	ANY_KEY = 0,
	NEW_KEY = 1,		 /* flags of map_update_elem: BPF_ANY, BPF_NOEXIST */
	PREALLOC_MAX = 32 << 20, /* bytes of a map that are taken at its creation */
};

static bool is_keyed(const struct bt_map *m)
{
	return m->key && m->key->kind != ST_NONE;
}

static u32 key_bytes(const struct bt_map *m)
{
	if (is_keyed(m))
		return MAX(m->key->size, 1u);
	return m->bpf_type == BPF_MAP_TYPE_ARRAY || m->bpf_type == BPF_MAP_TYPE_PERCPU_ARRAY ? 4
											     : 8;
}

static u32 value_bytes(const struct bt_map *m)
{
	return m->value ? MAX(m->value->size, 1u) : 8;
}

/* ---- making them ---- */

/* Large maps grow as they fill: allowed in every kind of program since Linux 6.1. */
static u32 flags_of(const struct emit *e, const struct ir_map *m, bool percpu)
{
	u64 bytes = ((u64)m->value_size * (percpu ? MAX(e->s->w->n_possible_cpus, 1u) : 1) +
		     m->key_size + 48) *
		    m->max_entries;
	bool is_hash = m->type == BPF_MAP_TYPE_HASH || m->type == BPF_MAP_TYPE_PERCPU_HASH;

	if (!is_hash || bytes <= PREALLOC_MAX)
		return 0;
	return e->s->w->is_user || e->s->w->kernel_version >= (6u << 16 | 1 << 8)
		       ? BPF_F_NO_PREALLOC
		       : 0;
}

static bool is_percpu(u32 type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static void map_make(struct emit *e, struct bt_map *m)
{
	struct ir_map ir = {.name = arena_printf(&e->m->arena, "AT_%s", m->name + 1)};
	struct script_map *shown;

	if (!m->bpf_type)
		m->bpf_type = stype_is_agg(m->value) ? BPF_MAP_TYPE_PERCPU_HASH : BPF_MAP_TYPE_HASH;
	ir.type = m->bpf_type;
	ir.key_size = key_bytes(m);
	ir.value_size = value_bytes(m);
	if (is_percpu(ir.type))
		ir.value_size = ALIGN_UP(ir.value_size, 8u);
	ir.max_entries = m->max_entries ? m->max_entries
			 : is_keyed(m)	? (u32)e->s->set.max_map_keys
					: 1;
	ir.max_entries = MAX(ir.max_entries, 1u);
	ir.flags = flags_of(e, &ir, is_percpu(ir.type));
	ir.btf_key_id =
		is_keyed(m) ? emit_btf(e, m->key) : emit_btf(e, stype_int(ir.key_size, false));
	ir.btf_value_id = m->value ? emit_btf(e, m->value) : 0;
	if (!ir.btf_key_id || !ir.btf_value_id || ir.value_size != value_bytes(m))
		ir.btf_key_id = ir.btf_value_id = 0;
	m->ir_map = mod_map(e->m, &ir);
	if (m->script_map >= e->s->script->maps.n)
		return;
	shown = &e->s->script->maps.p[m->script_map];
	shown->obj_map = m->ir_map;
	shown->is_percpu = is_percpu(ir.type);
}

void emit_maps(struct emit *e)
{
	for (u32 i = 0; i < e->s->maps.n; i++)
		map_make(e, e->s->maps.p[i]);
}

/* ---- keys ---- */

struct val *emit_key(struct emit *e, const struct node *n)
{
	const struct bt_map *m = n->map;
	struct val *key = emit_temp(e, key_bytes(m));
	u32 i = 0;

	if (!is_keyed(m) || !n->kids) {
		emit_zero(e, key, key_bytes(m));
		return key;
	}
	if (!n->kids->next || m->key->kind != ST_TUPLE) {
		emit_put_node(e, n->kids, m->key, key, PUT_CLEAN);
		return key;
	}
	emit_zero(e, key, m->key->size);
	for (const struct node *k = n->kids; k && i < m->key->n_fields; k = k->next, i++)
		emit_put_node(e, k, m->key->fields[i].type, emit_add(e, key, m->key->fields[i].off),
			      PUT_ZEROED);
	return key;
}

struct val *emit_key_of(struct emit *e, const struct bt_map *m, const struct node *expr)
{
	struct val *key = emit_temp(e, key_bytes(m));

	if (!is_keyed(m) || !expr)
		emit_zero(e, key, key_bytes(m));
	else
		emit_put_node(e, expr, m->key, key, PUT_CLEAN);
	return key;
}

/* ---- the helpers ---- */

struct val *emit_map_ref(struct emit *e, const struct bt_map *m)
{
	return ir_ref(e->b, OP_MAP, m->ir_map, 0);
}

struct val *emit_map_lookup(struct emit *e, const struct bt_map *m, struct val *key)
{
	struct val *args[] = {emit_map_ref(e, m), key};

	return emit_helper_ptr(e, HELPER_map_lookup_elem, SPACE_MAP_VALUE, 2, args);
}

static struct val *update(struct emit *e, const struct bt_map *m, struct val *key,
			  struct val *value, u32 flags)
{
	return emit_call(e, HELPER_map_update_elem, emit_map_ref(e, m), key, value,
			 emit_i64(e, flags));
}

static void update_failed(struct emit *e, struct val *ret)
{
	struct emit_if f = emit_if(e, emit_cmp_imm(e, OP_SLT, ret, 0));

	emit_failed(e, COUNT_MAP_FULL, HELPER_map_update_elem, ret);
	emit_endif(e, &f);
}

struct val *emit_map_update(struct emit *e, const struct bt_map *m, struct val *key,
			    struct val *value)
{
	struct val *ret = update(e, m, key, value, ANY_KEY);

	update_failed(e, ret);
	return ret;
}

/* The element, made of `first` where it is not there: a pointer, NULL when there was no room.  Two
 * may make it at once: the one that comes second finds it.  `reads` is what reads it, NULL where
 * that it is new is nothing to tell of. */
struct val *emit_map_element(struct emit *e, const struct bt_map *m, struct val *key,
			     struct val *first, const struct node *reads)
{
	struct val *slot = ir_alloca(e->fn, 8, 8), *p = emit_map_lookup(e, m, key), *ret;
	struct emit_if f;

	ir_store(e->b, p, slot, 0);
	f = emit_if(e, emit_is_null(e, p));
	if (reads)
		emit_no_element(e, reads);
	ret = update(e, m, key, first, NEW_KEY);
	p = emit_map_lookup(e, m, key);
	ir_store(e->b, p, slot, 0);
	{
		struct emit_if none = emit_if(e, emit_is_null(e, p));

		emit_failed(e, COUNT_MAP_FULL, HELPER_map_update_elem, ret);
		emit_endif(e, &none);
	}
	emit_endif(e, &f);
	p = ir_load(e->b, IR_PTR, slot, 0);
	p->space = SPACE_MAP_VALUE;
	return p;
}

/* ---- reading ---- */

struct rv emit_map_value(struct emit *e, const struct bt_map *m, struct val *key, struct val *p)
{
	if (stype_is_agg(m->value)) {
		struct val *copy = emit_temp(e, key_bytes(m));

		/* the key that a callback is given is no memory of the program's own */
		emit_copy(e, copy, key, key_bytes(m));
		return (struct rv){stype_int(8, m->value->is_signed), emit_agg_read(e, m, copy)};
	}
	if (stype_is_scalar(m->value))
		return (struct rv){m->value, emit_load(e, m->value, p, 0)};
	return (struct rv){m->value, p};
}

struct rv emit_map_get(struct emit *e, const struct node *n)
{
	const struct bt_map *m = n->map;
	struct val *key, *p, *slot;
	struct emit_if f;
	bool scalar;

	if (!m || !m->value)
		return (struct rv){n->type, emit_i64(e, 0)};
	key = emit_key(e, n);
	if (stype_is_agg(m->value))
		return (struct rv){n->type, emit_agg_read(e, m, key)};
	scalar = stype_is_scalar(m->value);
	slot = ir_alloca(e->fn, 8, 8);
	p = emit_map_lookup(e, m, key);
	ir_store(e->b, scalar ? emit_i64(e, 0) : emit_zeros(e, value_bytes(m)), slot, 0);
	f = emit_if(e, emit_is_null(e, p));
	emit_no_element(e, n);
	emit_else(e, &f);
	ir_store(e->b, scalar ? emit_load(e, m->value, p, 0) : p, slot, 0);
	emit_endif(e, &f);
	p = ir_load(e->b, scalar ? IR_I64 : IR_PTR, slot, 0);
	p->space = scalar ? SPACE_UNKNOWN : SPACE_MAP_VALUE;
	return (struct rv){m->value, p};
}

/* ---- writing ---- */

/* The value in memory as the map has it. */
static struct val *value_memory(struct emit *e, const struct bt_map *m, const struct node *n)
{
	struct val *t;

	/* strings in a map have zeroes behind their end: emit_mem.c relies on it */
	if (n->kind == NODE_VAR && n->var && n->var->type &&
	    (n->var->type->kind == ST_ARRAY || n->var->type->kind == ST_STRUCT) &&
	    stype_same(n->var->type, m->value) && n->var->type->size == value_bytes(m))
		return emit_expr(e, n).v;
	t = emit_temp(e, value_bytes(m));
	emit_put_node(e, n, m->value, t, PUT_CLEAN);
	return t;
}

static bool is_atomic(const struct stype *t)
{
	return t->size == 4 || t->size == 8;
}

/* p += x, at once where the machine can. */
static void add_in_place(struct emit *e, const struct stype *type, struct val *p, struct val *x)
{
	if (is_atomic(type))
		ir_atomic(e->b, ATOMIC_ADD, IR_VOID,
			  type->size == 8 ? x : ir_cast(e->b, OP_TRUNC, IR_I32, x), p, 0);
	else
		emit_store(e, (struct rv){type, emit_bin(e, OP_ADD, emit_load(e, type, p, 0), x)},
			   type, p, 0, false);
}

static struct val *step_of(struct emit *e, const struct node *n, const struct stype *type)
{
	s64 step = type->kind == ST_PTR && type->of ? MAX(type->of->size, 1u) : 1;

	return emit_i64(e, n->op == BT_ADD ? step : -step);
}

/* @x op= value */
static void modify(struct emit *e, const struct node *n, const struct node *value,
		   const struct node *stmt)
{
	const struct bt_map *m = n->map;
	struct val *y = emit_scalar(e, value), *key = emit_key(e, n), *t, *p, *x;
	bool adds = (stmt->op == BT_ADD || stmt->op == BT_SUB) && m->value->kind == ST_INT;
	struct emit_if f;

	t = emit_temp(e, 8);
	ir_store(e->b, emit_i64(e, 0), t, 0);
	p = emit_map_element(e, m, key, t, n);
	f = emit_if(e, emit_is_null(e, p));
	emit_else(e, &f);
	if (adds) {
		add_in_place(e, m->value, p,
			     stmt->op == BT_ADD ? y : emit_bin(e, OP_SUB, emit_i64(e, 0), y));
	} else {
		x = emit_arith(e, stmt, stmt->op, emit_load(e, m->value, p, 0), y);
		emit_store(e, (struct rv){m->value, x}, m->value, p, 0, false);
	}
	emit_endif(e, &f);
}

void emit_map_set(struct emit *e, const struct node *n, const struct node *value,
		  const struct node *stmt)
{
	const struct bt_map *m = n->map;
	struct val *t;

	if (!m || !m->value)
		return;
	if (stype_is_agg(m->value) && value->kind == NODE_CALL) {
		emit_agg(e, n, value);
	} else if (stmt->op && stype_is_scalar(m->value)) {
		modify(e, n, value, stmt);
	} else {
		t = value_memory(e, m, value);
		emit_map_update(e, m, emit_key(e, n), t);
	}
}

struct rv emit_map_increment(struct emit *e, const struct node *n)
{
	const struct node *of = n->kids;
	const struct bt_map *m = of->map;
	struct val *key, *t, *p, *old, *slot, *step;
	struct emit_if f;

	if (!m || !m->value || !stype_is_scalar(m->value))
		return (struct rv){n->type, emit_i64(e, 0)};
	key = emit_key(e, of);
	t = emit_temp(e, 8);
	slot = ir_alloca(e->fn, 8, 8);
	step = step_of(e, n, m->value);
	ir_store(e->b, emit_i64(e, 0), t, 0);
	ir_store(e->b, emit_i64(e, 0), slot, 0);
	p = emit_map_element(e, m, key, t, n);
	f = emit_if(e, emit_is_null(e, p));
	emit_else(e, &f);
	old = emit_load(e, m->value, p, 0);
	ir_store(e->b, n->value ? emit_narrow(e, emit_bin(e, OP_ADD, old, step), m->value) : old,
		 slot, 0);
	add_in_place(e, m->value, p, step);
	emit_endif(e, &f);
	return (struct rv){n->type, ir_load(e->b, IR_I64, slot, 0)};
}

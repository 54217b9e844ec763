/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/emit_expr.c - expressions, operators, casts.
 *
 * Arithmetic is done with 64 bits and narrowed to the result's type after.
 */
#include "lang/bt/emit_unit.h"
#include "lang/bt/func.h"
#include <errno.h>
#include <string.h>

static const char DIV_BY_ZERO[] = "Divide or modulo by 0 detected. This can lead to unexpected "
				  "results. 1 is being used as the result.";
static const char OUT_OF_BOUNDS[] =
	"Array access out of bounds. This can lead to unexpected results.";

/* ---- pieces ---- */

struct val *emit_bin(struct emit *e, enum ir_op op, struct val *x, struct val *y)
{
	return ir_bin(e->b, op, x, y);
}

struct val *emit_bin_imm(struct emit *e, enum ir_op op, struct val *x, s64 y)
{
	return ir_bin(e->b, op, x, emit_i64(e, y));
}

struct val *emit_cmp_imm(struct emit *e, enum ir_op op, struct val *x, s64 y)
{
	return ir_cmp(e->b, op, x, emit_i64(e, y));
}

struct val *emit_scalar(struct emit *e, const struct node *n)
{
	struct rv v = emit_expr(e, n);

	if (!v.v)
		return emit_i64(e, 0);
	if (v.v->type != IR_PTR)
		return v.v;
	/* an array, say: its first bytes as a number */
	if (v.type && v.type->size && v.type->size <= 8 && !(v.type->size & (v.type->size - 1)) &&
	    stype_is_mem(v.type))
		return emit_load(e, stype_int(v.type->size, false), v.v, 0);
	return emit_int(e, v.v);
}

/* Memory that two ways leave a value in. */
struct merge {
	const struct stype *type;
	struct val *to;
};

static struct merge merge_new(struct emit *e, const struct stype *type)
{
	struct merge m = {type, NULL};

	if (!type || type->kind == ST_NONE || type->kind == ST_VOID)
		return m;
	m.to = stype_is_scalar(type) ? ir_alloca(e->fn, 8, 8) : emit_temp(e, type->size);
	return m;
}

static void merge_put(struct emit *e, const struct merge *m, struct rv v)
{
	if (!m->to || !v.v)
		return;
	if (stype_is_scalar(m->type))
		ir_store(e->b, emit_int(e, v.v), m->to, 0);
	else
		emit_put(e, v, m->type, m->to, PUT_PLAIN);
}

static struct rv merge_get(struct emit *e, const struct merge *m)
{
	if (!m->to)
		return RV_NONE;
	return (struct rv){m->type,
			   stype_is_scalar(m->type) ? ir_load(e->b, IR_I64, m->to, 0) : m->to};
}

/* ---- truth ---- */

struct val *emit_is_true(struct emit *e, const struct node *n)
{
	struct rv v;

	if (emit_is_comparison(n) && !n->is_const)
		return emit_comparison(e, n);
	v = emit_expr(e, n);
	if (!v.v)
		return ir_const(e->b, IR_I1, 0);
	if (v.v->type == IR_I1)
		return v.v;
	if (v.v->type == IR_PTR && v.type && v.type->kind == ST_STR)
		return emit_cmp_imm(e, OP_NE, emit_load(e, stype_int(1, false), v.v, 0), 0);
	return emit_cmp_imm(e, OP_NE, emit_int(e, v.v), 0);
}

void emit_branch(struct emit *e, const struct node *n, struct blk *yes, struct blk *no)
{
	struct emit_mark m;
	struct val *cond;

	if (n->kind == NODE_BINARY && (n->op == BT_LAND || n->op == BT_LOR) && !n->is_const) {
		struct blk *mid = blk_new(e->fn);

		if (n->op == BT_LAND)
			emit_branch(e, n->kids, mid, no);
		else
			emit_branch(e, n->kids, yes, mid);
		e->b = mid;
		emit_branch(e, n->kids->next, yes, no);
		return;
	}
	if (n->kind == NODE_UNARY && n->op == BT_NOT && !n->is_const) {
		emit_branch(e, n->kids, no, yes);
		return;
	}
	m = scratch_mark(e);
	cond = emit_is_true(e, n);
	scratch_release(e, m);
	ir_br(e->b, cond, yes, no);
	emit_dead(e);
}

/* && || ! as a value */
static struct rv truth(struct emit *e, const struct node *n)
{
	struct blk *yes = blk_new(e->fn), *no = blk_new(e->fn), *end = blk_new(e->fn);
	struct val *slot = ir_alloca(e->fn, 8, 8);

	emit_branch(e, n, yes, no);
	ir_store(yes, ir_const(yes, IR_I64, 1), slot, 0);
	ir_jmp(yes, end);
	ir_store(no, ir_const(no, IR_I64, 0), slot, 0);
	ir_jmp(no, end);
	e->b = end;
	return (struct rv){n->type, ir_load(end, IR_I64, slot, 0)};
}

/* ---- arithmetic ---- */

/* 0 gives 1 and a word about it; in 0.17 it gave 0. */
static struct val *divide(struct emit *e, const struct node *n, enum ir_op op, struct val *x,
			  struct val *y)
{
	const struct node *by = n->kids->next;
	struct val *slot;
	struct emit_if f;

	if (by->is_const && by->konst)
		return emit_bin(e, op, x, y);
	slot = ir_alloca(e->fn, 8, 8);
	f = emit_if(e, emit_cmp_imm(e, OP_EQ, y, 0));
	if (sema_compat17(e->s)) {
		ir_store(e->b, emit_i64(e, 0), slot, 0);
	} else {
		emit_runtime_error(e, n, DIV_BY_ZERO);
		ir_store(e->b, emit_i64(e, 1), slot, 0);
	}
	emit_else(e, &f);
	ir_store(e->b, emit_bin(e, op, x, y), slot, 0);
	emit_endif(e, &f);
	return ir_load(e->b, IR_I64, slot, 0);
}

static bool is_ptr(const struct node *n)
{
	return n->type && n->type->kind == ST_PTR;
}

/* Is the division one of signed numbers?  In 0.17 none was. */
static bool is_signed_division(const struct emit *e, const struct node *n)
{
	const struct stype *a = n->kids->type, *b = n->kids->next->type;

	if (sema_compat17(e->s))
		return false;
	if (n->type && stype_is_scalar(n->type) && n->type->kind == ST_INT)
		return n->type->is_signed;
	return a && a->is_signed && b && b->is_signed;
}

static u32 target_size(const struct stype *ptr)
{
	return ptr->of && ptr->of->size ? ptr->of->size : 1;
}

/* Pointers count their targets. */
static struct val *ptr_arith(struct emit *e, const struct node *n, u32 op, struct val *x,
			     struct val *y)
{
	const struct node *a = n->kids, *b = a->next;

	if (is_ptr(a) && !is_ptr(b))
		y = emit_bin_imm(e, OP_MUL, y, target_size(a->type));
	else if (!is_ptr(a))
		x = emit_bin_imm(e, OP_MUL, x, target_size(b->type));
	return emit_bin(e, op == BT_ADD ? OP_ADD : OP_SUB, x, y);
}

struct val *emit_arith(struct emit *e, const struct node *n, u32 op, struct val *x, struct val *y)
{
	bool is_signed = is_signed_division(e, n);

	if ((op == BT_ADD || op == BT_SUB) && (is_ptr(n->kids) || is_ptr(n->kids->next)))
		return ptr_arith(e, n, op, x, y);

	switch (op) {
	case BT_ADD:
		return emit_bin(e, OP_ADD, x, y);
	case BT_SUB:
		return emit_bin(e, OP_SUB, x, y);
	case BT_MUL:
		return emit_bin(e, OP_MUL, x, y);
	case BT_DIV:
		return divide(e, n, is_signed ? OP_SDIV : OP_UDIV, x, y);
	case BT_MOD:
		return divide(e, n, is_signed ? OP_SREM : OP_UREM, x, y);
	case BT_AND:
		return emit_bin(e, OP_AND, x, y);
	case BT_OR:
		return emit_bin(e, OP_OR, x, y);
	case BT_XOR:
		return emit_bin(e, OP_XOR, x, y);
	case BT_SHL:
		return emit_bin(e, OP_SHL, x, y);
	default: /* >> brings in zeroes, also where the sign was */
		if (n->type && stype_is_scalar(n->type))
			x = emit_narrow(e, x, stype_int(n->type->size, false));
		return emit_bin(e, OP_LSHR, x, y);
	}
}

static struct rv binary(struct emit *e, const struct node *n)
{
	struct val *x, *y, *v;

	if (n->op == BT_LAND || n->op == BT_LOR)
		return truth(e, n);
	if (emit_is_comparison(n))
		return (struct rv){n->type, ir_cast(e->b, OP_ZEXT, IR_I64, emit_comparison(e, n))};
	x = emit_scalar(e, n->kids);
	y = emit_scalar(e, n->kids->next);
	v = emit_arith(e, n, n->op, x, y);
	return (struct rv){n->type, stype_is_scalar(n->type) ? emit_narrow(e, v, n->type) : v};
}

/* ---- addresses ---- */

/* What lies at p; where it has to be read, that is n's doing. */
static struct rv value_at(struct emit *e, const struct node *n, struct val *p)
{
	struct emit_at was = emit_at(e, n);
	struct rv v = {n->type, p};

	if (stype_is_scalar(n->type))
		v.v = emit_load(e, n->type, p, 0);
	emit_back(e, was);
	return v;
}

static struct rv deref(struct emit *e, const struct node *n)
{
	const struct stype *ptr = n->kids->type;
	struct val *p = emit_ptr(e, emit_scalar(e, n->kids),
				 ptr && ptr->kind == ST_PTR ? emit_space(e, ptr) : SPACE_UNKNOWN);

	return value_at(e, n, p);
}

static struct rv address_of(struct emit *e, const struct node *n)
{
	const struct node *of = n->kids;
	struct val *p;

	if (of->kind == NODE_VAR && of->var)
		p = emit_var_addr(e, of->var);
	else if (of->kind == NODE_MAP && of->map && stype_is_scalar(of->map->value))
		p = emit_map_lookup(e, of->map, emit_key(e, of));
	else
		p = emit_expr(e, of).v;
	return (struct rv){n->type, p ? emit_int(e, p) : emit_i64(e, 0)};
}

static struct rv unary(struct emit *e, const struct node *n)
{
	struct val *x;

	switch (n->op) {
	case BT_NOT:
		return truth(e, n);
	case BT_MUL:
		return deref(e, n);
	case BT_AND:
		return address_of(e, n);
	case BT_COM:
		x = emit_bin_imm(e, OP_XOR, emit_scalar(e, n->kids), -1);
		break;
	case BT_SUB:
		x = emit_bin(e, OP_SUB, emit_i64(e, 0), emit_scalar(e, n->kids));
		break;
	default:
		return emit_expr(e, n->kids);
	}
	return (struct rv){n->type, stype_is_scalar(n->type) ? emit_narrow(e, x, n->type) : x};
}

static struct rv field(struct emit *e, const struct node *n)
{
	struct rv of = emit_expr(e, n->kids), v;
	struct emit_at was;

	if (!of.v || !of.type || !n->field)
		return (struct rv){n->type, emit_i64(e, 0)};
	if (of.type->kind == ST_PTR || of.v->type != IR_PTR)
		of.v = emit_ptr(e, emit_int(e, of.v),
				of.type->kind == ST_PTR ? emit_space(e, of.type) : SPACE_UNKNOWN);
	was = emit_at(e, n);
	v = emit_field(e, of, n->field, n->type);
	emit_back(e, was);
	return v;
}

/* Element i of what lies at p.  Memory that is read directly wants an index that is known to be
 * inside. */
static struct rv element(struct emit *e, const struct node *n, struct val *p,
			 const struct stype *array)
{
	const struct node *index = n->kids->next;
	u32 size = MAX(n->type->size, 1u);
	struct merge m;
	struct emit_if f;
	struct val *i;

	if (index->is_const) {
		return value_at(e, n, emit_add(e, p, index->konst * size));
	}
	i = emit_scalar(e, index);
	if (!array || !array->n) {
		return value_at(e, n, ir_ptradd(e->b, p, emit_bin_imm(e, OP_MUL, i, size)));
	}
	m = merge_new(e, n->type);
	f = emit_if(e, emit_cmp_imm(e, OP_ULT, i, array->n));
	merge_put(e, &m, value_at(e, n, ir_ptradd(e->b, p, emit_bin_imm(e, OP_MUL, i, size))));
	emit_else(e, &f);
	emit_runtime_error(e, n, OUT_OF_BOUNDS);
	if (stype_is_scalar(n->type))
		ir_store(e->b, emit_i64(e, 0), m.to, 0);
	else
		emit_zero(e, m.to, n->type->size);
	emit_endif(e, &f);
	return merge_get(e, &m);
}

static struct rv index_of(struct emit *e, const struct node *n)
{
	const struct stype *t = n->kids->type;
	struct rv of = emit_expr(e, n->kids);

	if (!of.v || !t)
		return (struct rv){n->type, emit_i64(e, 0)};
	if (t->kind == ST_PTR)
		return element(e, n, emit_ptr(e, emit_int(e, of.v), emit_space(e, t)), NULL);
	if (of.v->type != IR_PTR)
		return (struct rv){n->type, emit_i64(e, 0)};
	return element(e, n, of.v, t);
}

/* ---- casts ---- */

static struct rv cast(struct emit *e, const struct node *n)
{
	const struct node *of = n->kids && n->kids->next ? n->kids->next : n->kids;
	const struct stype *to = n->type;
	struct rv v = emit_expr(e, of);
	struct val *t;

	if (!v.v)
		return (struct rv){to, emit_i64(e, 0)};
	if (stype_is_scalar(to)) {
		if (v.v->type == IR_PTR && v.type && stype_is_mem(v.type))
			v.v = emit_load(
				e, stype_int(MIN(to->size, MAX(v.type->size, 1u)), to->is_signed),
				v.v, 0);
		v.v = emit_int(e, v.v);
		if (to->kind == ST_BOOL)
			v.v = ir_cast(e->b, OP_ZEXT, IR_I64, emit_cmp_imm(e, OP_NE, v.v, 0));
		return (struct rv){to, emit_narrow(e, v.v, to)};
	}
	if (v.v->type == IR_PTR) {
		if (v.type && to->size <= v.type->size)
			return (struct rv){to, v.v};
		t = emit_temp(e, to->size);
		emit_zero(e, t, to->size);
		emit_put(e, v, to, t, PUT_ZEROED);
		return (struct rv){to, t};
	}
	/* the bytes of an integer */
	t = emit_temp(e, MAX(to->size, 8u));
	ir_store(e->b, v.v, t, 0);
	if (to->size > 8)
		emit_zero(e, emit_add(e, t, 8), to->size - 8);
	return (struct rv){to, t};
}

/* ---- choices ---- */

static struct rv ternary(struct emit *e, const struct node *n)
{
	const struct node *cond = n->kids, *then = cond->next, *other = then->next;
	struct blk *yes = blk_new(e->fn), *no = blk_new(e->fn), *end = blk_new(e->fn);
	struct merge m = merge_new(e, n->type);

	if (!other) { /* a ?: b */
		struct rv v = emit_expr(e, cond);

		merge_put(e, &m, v);
		ir_br(e->b,
		      v.v ? emit_cmp_imm(e, OP_NE, emit_int(e, v.v), 0) : ir_const(e->b, IR_I1, 0),
		      end, no);
		ir_jmp(yes, end);
		other = then;
	} else {
		emit_branch(e, cond, yes, no);
		e->b = yes;
		merge_put(e, &m, emit_expr(e, then));
		ir_jmp(e->b, end);
	}
	e->b = no;
	merge_put(e, &m, emit_expr(e, other));
	ir_jmp(e->b, end);
	e->b = end;
	return merge_get(e, &m);
}

/* Both sides' last expressions; an if without else has no value. */
struct rv emit_if_value(struct emit *e, const struct node *n)
{
	const struct node *cond = n->kids, *then = cond->next, *other = then->next;
	struct blk *yes = blk_new(e->fn), *no = blk_new(e->fn), *end = blk_new(e->fn);
	struct merge m = merge_new(e, n->type);

	emit_branch(e, cond, yes, no);
	e->b = yes;
	merge_put(e, &m, emit_block(e, then));
	ir_jmp(e->b, end);
	e->b = no;
	if (other)
		merge_put(e, &m,
			  other->kind == NODE_IF ? emit_if_value(e, other) : emit_block(e, other));
	ir_jmp(e->b, end);
	e->b = end;
	return merge_get(e, &m);
}

/* ---- calls ---- */

static struct rv composite(struct emit *e, const struct node *n)
{
	struct val *t = emit_temp(e, n->type->size);

	emit_put_node(e, n, n->type, t, PUT_PLAIN);
	return (struct rv){n->type, t};
}

static struct rv literal(struct emit *e, const struct node *n)
{
	u32 len = (u32)strlen(n->str) + 1, size = n->type && n->type->size ? n->type->size : len;
	u8 *padded;

	if (size <= len)
		return (struct rv){n->type, emit_bytes(e, n->str, len)};
	padded = arena_alloc(&e->m->arena, size);
	memcpy(padded, n->str, len);
	return (struct rv){n->type, emit_bytes(e, padded, size)};
}

static struct rv call(struct emit *e, const struct node *n)
{
	struct emit_at was = emit_at(e, n);
	struct rv v = RV_NONE;

	if (n->func && n->func->flags & FUNC_ASYNC && !n->action)
		emit_fail(e, n, -EINVAL, "%s() has no meaning here", n->func->name);
	else
		v = n->func && n->func->emit ? n->func->emit(e, n) : emit_fn_call(e, n);
	emit_back(e, was);
	return v;
}

struct rv emit_expr(struct emit *e, const struct node *n)
{
	if (n->str && n->type && n->type->kind == ST_STR)
		return literal(e, n);
	if (n->is_const)
		return (struct rv){n->type, emit_i64(e, n->konst)};
	switch (n->kind) {
	case NODE_INT:
	case NODE_BOOL:
		return (struct rv){n->type, emit_i64(e, (s64)n->value)};
	case NODE_CALL:
	case NODE_NAME:
		return call(e, n);
	case NODE_VAR:
		return n->var ? emit_var_get(e, n->var) : RV_NONE;
	case NODE_MAP:
		return emit_map_get(e, n);
	case NODE_UNARY:
		return unary(e, n);
	case NODE_INCREMENT:
		return emit_increment(e, n);
	case NODE_BINARY:
		return binary(e, n);
	case NODE_TERNARY:
		return ternary(e, n);
	case NODE_FIELD:
		return field(e, n);
	case NODE_INDEX:
		return index_of(e, n);
	case NODE_TUPLE:
	case NODE_RECORD:
		return composite(e, n);
	case NODE_CAST:
		return cast(e, n);
	case NODE_IF:
		return emit_if_value(e, n);
	case NODE_BLOCK:
		return emit_block(e, n);
	case NODE_COMPTIME:
	case NODE_EXPR_STMT:
	case NODE_FIELD_INIT:
	case NODE_PREDICATE:
		return n->kids ? emit_expr(e, n->kids) : RV_NONE;
	default:
		return RV_NONE;
	}
}

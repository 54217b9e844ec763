/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/emit_compare.c - == != < > <= >=: integers of any sign, strings up to their ends, tuples
 * and records by their parts, arrays and the like by their bytes.
 */
#include "lang/bt/emit_unit.h"
#include <string.h>

/* Address with the string's bytes up to size, zeroes behind its end. */
static struct val *clean_str(struct emit *e, struct rv v, u32 size)
{
	struct val *t = emit_temp(e, size);
	struct stype as = {.kind = ST_STR, .size = size};
	const struct stype *type = v.type->size == size ? v.type : NULL;

	if (!type) {
		struct stype *copy = arena_alloc(&e->m->arena, sizeof(*copy));

		*copy = as;
		type = copy;
	}
	emit_put(e, v, type, t, PUT_CLEAN);
	return t;
}

/* Do n bytes differ?  Both lie where they can be read directly. */
static struct val *differ_inline(struct emit *e, struct val *a, struct val *b, u32 n)
{
	struct val *all = NULL;

	for (u32 off = 0; off < n;) {
		u32 size = 8;
		struct val *d;

		while (size > n - off || off % size)
			size /= 2;
		d = emit_bin(e, OP_XOR, emit_load(e, stype_int(size, false), a, off),
			     emit_load(e, stype_int(size, false), b, off));
		all = all ? emit_bin(e, OP_OR, all, d) : d;
		off += size;
	}
	return all ? emit_cmp_imm(e, OP_NE, all, 0) : ir_const(e->b, IR_I1, 0);
}

/* The same for many bytes (a multiple of 8): a loop, left at the first difference. */
static struct val *differ_loop(struct emit *e, struct val *a, struct val *b, u32 n)
{
	struct blk *head = blk_new(e->fn), *body = blk_new(e->fn), *next = blk_new(e->fn),
		   *end = blk_new(e->fn);
	struct val *at = ir_alloca(e->fn, 8, 8), *found = ir_alloca(e->fn, 8, 8), *i, *x, *y;

	ir_store(e->b, emit_i64(e, 0), at, 0);
	ir_store(e->b, emit_i64(e, 0), found, 0);
	ir_jmp(e->b, head);
	e->b = head;
	i = ir_load(e->b, IR_I64, at, 0);
	ir_br(e->b, emit_cmp_imm(e, OP_ULT, i, n), body, end);
	e->b = body;
	x = ir_load(e->b, IR_I64, ir_ptradd(e->b, a, i), 0);
	y = ir_load(e->b, IR_I64, ir_ptradd(e->b, b, i), 0);
	ir_store(e->b, emit_bin(e, OP_XOR, x, y), found, 0);
	ir_br(e->b, ir_cmp(e->b, OP_EQ, x, y), next, end);
	e->b = next;
	ir_store(e->b, emit_bin_imm(e, OP_ADD, i, 8), at, 0);
	ir_jmp(e->b, head);
	e->b = end;
	return emit_cmp_imm(e, OP_NE, ir_load(e->b, IR_I64, found, 0), 0);
}

enum { COMPARE_INLINE = 64 };

static struct val *differ(struct emit *e, struct val *a, struct val *b, u32 n)
{
	struct val *rest, *first;

	if (n <= COMPARE_INLINE)
		return differ_inline(e, a, b, n);
	first = differ_loop(e, a, b, n & ~7u);
	if (!(n & 7))
		return first;
	rest = differ_inline(e, emit_add(e, a, n & ~7u), emit_add(e, b, n & ~7u), n & 7);
	return ir_bin(e->b, OP_OR, first, rest);
}

static struct val *compare_parts(struct emit *e, struct rv a, struct rv b)
{
	struct val *all = ir_const(e->b, IR_I1, 0);

	for (u32 i = 0; i < a.type->n_fields && i < b.type->n_fields; i++) {
		const struct stype_field *fa = &a.type->fields[i], *fb = &b.type->fields[i];

		if (a.type->kind == ST_RECORD && !(fb = stype_field(b.type, fa->name)))
			continue; /* the check has said so */
		all = ir_bin(e->b, OP_OR, all,
			     emit_compare(e, emit_field(e, a, fa, fa->type),
					  emit_field(e, b, fb, fb->type)));
	}
	return all;
}

struct val *emit_compare(struct emit *e, struct rv a, struct rv b)
{
	u32 n;

	if (!a.v || !b.v || !a.type || !b.type)
		return ir_const(e->b, IR_I1, 0);
	if (a.v->type != IR_PTR || b.v->type != IR_PTR)
		return ir_cmp(e->b, OP_NE, emit_int(e, a.v), emit_int(e, b.v));
	if ((a.type->kind == ST_TUPLE && b.type->kind == ST_TUPLE) ||
	    (a.type->kind == ST_RECORD && b.type->kind == ST_RECORD))
		return compare_parts(e, a, b);
	if (a.type->kind == ST_STR && b.type->kind == ST_STR) {
		n = ALIGN_UP(MAX(a.type->size, b.type->size), 8u);
		return differ(e, clean_str(e, a, n), clean_str(e, b, n), n);
	}
	n = MIN(a.type->size, b.type->size);
	return differ(e, emit_direct(e, a), emit_direct(e, b), n);
}

/* A string with one known now: as many bytes as that has, its NUL too. */
static struct val *compare_literal(struct emit *e, struct rv v, const char *text)
{
	u32 len = (u32)strlen(text), n = MIN(len + 1, v.type->size);
	struct val *p, *all = NULL;

	if (len > v.type->size)
		return ir_const(e->b, IR_I1, 1);
	p = emit_direct(e, v);
	if (n > COMPARE_INLINE) {
		u32 size = ALIGN_UP(n, 8u);
		u8 *padded = arena_alloc(&e->m->arena, size + 1);

		memcpy(padded, text, MIN(len, n));
		return differ(e, p, emit_bytes(e, padded, size), n);
	}
	for (u32 off = 0; off < n;) {
		u32 size = 8;
		u64 word = 0;
		struct val *d;

		while (size > n - off || off % size)
			size /= 2;
		memcpy(&word, text + off, MIN(size, len + 1 - off));
		d = emit_bin_imm(e, OP_XOR, emit_load(e, stype_int(size, false), p, off),
				 (s64)word);
		all = all ? emit_bin(e, OP_OR, all, d) : d;
		off += size;
	}
	return emit_cmp_imm(e, OP_NE, all, 0);
}

static bool is_unsigned(const struct node *n)
{
	return n->type && !n->type->is_signed && n->type->kind != ST_BOOL;
}

static bool fits_unsigned(const struct node *n)
{
	return is_unsigned(n) || (n->is_const && n->konst >= 0);
}

/* Numbers of 32 bits and less are exact in 64 with a sign.  Unsigned 64 bits are compared as such
 * only with others without a sign; in 0.17 one was enough, of any width. */
static bool compares_unsigned(const struct emit *e, const struct node *a, const struct node *b)
{
	if (sema_compat17(e->s))
		return is_unsigned(a) || is_unsigned(b);
	return fits_unsigned(a) && fits_unsigned(b);
}

static struct val *compare_ints(struct emit *e, u32 op, const struct node *a, const struct node *b)
{
	bool no_sign = compares_unsigned(e, a, b);
	struct val *x = emit_scalar(e, a), *y = emit_scalar(e, b);

	switch (op) {
	case BT_EQ:
		return ir_cmp(e->b, OP_EQ, x, y);
	case BT_NE:
		return ir_cmp(e->b, OP_NE, x, y);
	case BT_LT:
		return ir_cmp(e->b, no_sign ? OP_ULT : OP_SLT, x, y);
	case BT_GT:
		return ir_cmp(e->b, no_sign ? OP_ULT : OP_SLT, y, x);
	case BT_LE:
		return ir_cmp(e->b, no_sign ? OP_ULE : OP_SLE, x, y);
	default:
		return ir_cmp(e->b, no_sign ? OP_ULE : OP_SLE, y, x);
	}
}

static bool is_number(const struct node *n)
{
	return !n->type || stype_is_scalar(n->type) || stype_is_agg(n->type);
}

/* A comparison as i1. */
struct val *emit_comparison(struct emit *e, const struct node *n)
{
	const struct node *a = n->kids, *b = a->next;
	struct val *d;

	if (is_number(a) && is_number(b))
		return compare_ints(e, n->op, a, b);
	if (b->str && a->type->kind == ST_STR)
		d = compare_literal(e, emit_expr(e, a), b->str);
	else if (a->str && b->type->kind == ST_STR)
		d = compare_literal(e, emit_expr(e, b), a->str);
	else if (is_number(a) || is_number(b))
		d = ir_cmp(e->b, OP_NE, emit_scalar(e, a), emit_scalar(e, b));
	else {
		struct rv x = emit_expr(e, a);

		d = emit_compare(e, x, emit_expr(e, b));
	}
	if (n->op == BT_NE)
		return d;
	return ir_bin(e->b, OP_XOR, d, ir_const(e->b, IR_I1, 1));
}

bool emit_is_comparison(const struct node *n)
{
	return n->kind == NODE_BINARY && n->op >= BT_EQ && n->op <= BT_GE;
}

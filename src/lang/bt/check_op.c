/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/check_op.c - operators: the types they give, and what literals add up to.
 *
 * Integers are computed with in 64 bits; the result is signed when a side is, or when something is
 * taken away.  A literal takes the other side's sign.  Literals are computed exactly: what leaves
 * 64 bits is a mistake.  In 0.17 the result is signed when both sides are, there is no bool, and
 * literals that could overflow are computed when the script runs.
 */
#include "lang/bt/check_inner.h"
#include <string.h>

static bool is_compare(u32 op)
{
	return op == BT_EQ || op == BT_NE || op == BT_LT || op == BT_GT || op == BT_LE ||
	       op == BT_GE;
}

static bool is_logic(u32 op)
{
	return op == BT_LAND || op == BT_LOR;
}

/* Of a comparison; of signed values: so that 0.17 says 64 bits of that sign. */
static const struct stype *truth_type(struct sema *s, bool is_signed)
{
	return sema_compat17(s) ? stype_int(8, is_signed) : stype_bool();
}

static void become_bool(struct sema *s, struct node *n, bool v)
{
	struct node lit = {
		.kind = NODE_BOOL, .text = v ? "true" : "false", .raw = "", .value = v
	};

	if (sema_compat17(s)) {
		sema_become_int(s, n, v, false);
		return;
	}
	lit.is_const = true;
	lit.konst = v;
	lit.type = stype_bool();
	sema_become(n, &lit);
}

/* ---- literals ---- */

/* The value of an INT or BOOL node, exactly. */
static __int128 exact(const struct node *n)
{
	return n->op == BT_SUB ? (__int128)(s64)n->value : (__int128)n->value;
}

static bool is_number(const struct node *n)
{
	return n->kind == NODE_INT || n->kind == NODE_BOOL;
}

static bool is_true(const struct node *n)
{
	return n->kind == NODE_STR ? *n->text != 0 : n->value != 0;
}

static bool compare(u32 op, int c)
{
	return op == BT_EQ   ? c == 0
	       : op == BT_NE ? c != 0
	       : op == BT_LT ? c < 0
	       : op == BT_GT ? c > 0
	       : op == BT_LE ? c <= 0
			     : c >= 0;
}

/* False: not to be computed (out of range, division by 0). */
static bool compute(u32 op, __int128 a, __int128 b, __int128 *out)
{
	bool is_signed = a < 0 || b < 0;

	switch (op) {
	case BT_ADD:
		*out = a + b;
		break;
	case BT_SUB:
		*out = a - b;
		break;
	case BT_MUL:
		if (__builtin_mul_overflow(a, b, out))
			return false;
		break;
	case BT_DIV:
		if (!b)
			return false;
		*out = a / b;
		break;
	case BT_MOD:
		if (!b)
			return false;
		*out = a % b;
		break;
	case BT_AND:
		*out = a & b;
		break;
	case BT_OR:
		*out = a | b;
		break;
	case BT_XOR:
		*out = a ^ b;
		break;
	case BT_SHL:
		if (b < 0 || b > 63)
			return false;
		*out = a < 0 ? (__int128)(s64)((u64)a << (u32)b)
			     : (__int128)(u64)((u64)a << (u32)b);
		break;
	case BT_SHR:
		if (b < 0 || b > 63)
			return false;
		*out = a >> (u32)b;
		break;
	default:
		return false;
	}
	return *out >= INT64_MIN &&
	       *out <= (is_signed ? (__int128)INT64_MAX : (__int128)UINT64_MAX);
}

static bool fold_numbers(struct sema *s, struct node *n, const struct node *a, const struct node *b)
{
	__int128 x = exact(a), y = exact(b), v;
	bool both_bool = a->kind == NODE_BOOL && b->kind == NODE_BOOL;

	if (is_compare(n->op) || is_logic(n->op)) {
		bool t = n->op == BT_LAND  ? x && y
			 : n->op == BT_LOR ? x || y
					   : compare(n->op, x < y ? -1 : x > y);

		become_bool(s, n, t);
		return true;
	}
	if (sema_compat17(s) && (x < 0 || y < 0 || x > INT32_MAX || y > INT32_MAX || !y))
		return false;
	if (!compute(n->op, x, y, &v)) {
		if (y || (n->op != BT_DIV && n->op != BT_MOD))
			sema_error(s, n, "the result of '%s' is out of the range of 64 bits",
				   bt_op_text(n->op));
		else
			sema_error(s, n, "division by zero");
		n->type = sema_unknown();
		return true;
	}
	if (both_bool && v >= 0 && v <= 1)
		become_bool(s, n, v);
	else
		sema_become_int(s, n, (u64)v, v < 0);
	return true;
}

static bool fold_strings(struct sema *s, struct node *n, const struct node *a, const struct node *b)
{
	const char *text;

	if (is_logic(n->op)) {
		become_bool(s, n,
			    n->op == BT_LAND ? is_true(a) && is_true(b) : is_true(a) || is_true(b));
		return true;
	}
	if (a->kind != NODE_STR || b->kind != NODE_STR) {
		const struct node *str = a->kind == NODE_STR ? a : b, *num = str == a ? b : a;

		if (n->op != BT_ADD || num->kind != NODE_INT || num->op)
			return false;
		/* "text" + 2 is "xt" */
		text = num->value >= strlen(str->text) ? "" : str->text + num->value;
	} else if (is_compare(n->op)) {
		if (sema_compat17(s) && n->op != BT_EQ && n->op != BT_NE)
			return false;
		become_bool(s, n, compare(n->op, strcmp(a->text, b->text)));
		return true;
	} else if (n->op == BT_ADD && !sema_compat17(s)) {
		if (strlen(a->text) + strlen(b->text) > 1 << 16)
			return false;
		text = arena_printf(&s->prog->arena, "%s%s", a->text, b->text);
	} else {
		return false;
	}
	sema_become_str(n, text);
	n->type = stype_str(sema_types(s), (u32)strlen(text) + 1);
	return true;
}

/* ---- unary ---- */

static bool fold_unary(struct sema *s, struct node *n, const struct node *k)
{
	__int128 v = exact(k);

	if (k->kind == NODE_STR || !is_number(k))
		return false;
	switch (n->op) {
	case BT_NOT:
		if (sema_compat17(s))
			return false;
		become_bool(s, n, !k->value);
		return true;
	case BT_COM:
		if (k->kind == NODE_BOOL)
			return false;
		/* 64 unsigned bits, which %d shows as -1 for ~0 */
		sema_become_int(s, n, ~k->value, sema_compat17(s) && (s64)~k->value < 0);
		return true;
	case BT_SUB:
		if (k->kind == NODE_BOOL)
			return false;
		if (-v < INT64_MIN && sema_compat17(s))
			return false;
		if (-v < INT64_MIN) {
			sema_error(s, n, "-%llu is below the least integer, -9223372036854775808",
				   (unsigned long long)k->value);
			return true;
		}
		sema_become_int(s, n, (u64)-v, v > 0);
		return true;
	case BT_ADD:
		if (k->kind == NODE_BOOL)
			return false;
		sema_become_int(s, n, k->value, k->op == BT_SUB);
		return true;
	default:
		return false;
	}
}

static void address_of(struct sema *s, struct node *n)
{
	struct node *k = n->kids;
	const struct stype *t;

	if (k->kind != NODE_VAR && k->kind != NODE_MAP) {
		sema_error(s, n, "'&' takes the address of a variable or a map");
		return;
	}
	if (k->kind == NODE_VAR) {
		struct bt_var *v = sema_var_find(s, k->text);

		if (v) {
			/* whoever has the address may write to it */
			v->is_set = true;
			v->is_captured = true;
		}
	}
	t = sema_expr(s, k);
	if (sema_is_known(t))
		n->type = stype_ptr(sema_types(s), t, SS_KERNEL);
}

/* *p; of an integer, 8 bytes from that address. */
static void dereference(struct sema *s, struct node *n)
{
	struct node *k = n->kids;
	const struct stype *t = k->type;

	if (t->kind == ST_STRUCT && sema_space(s, k) == SS_CTX) {
		n->type = t; /* *args */
		return;
	}
	if (t->kind == ST_INT) {
		struct node *cast = arena_alloc(&s->prog->arena, sizeof(*cast));
		struct node *type = arena_alloc(&s->prog->arena, sizeof(*type));

		*type = (struct node){
			.kind = NODE_TYPE, .at = k->at, .text = "uint64", .raw = "", .value = 1
		};
		*cast = (struct node){ .kind = NODE_CAST,
				       .at = k->at,
				       .text = "",
				       .raw = "",
				       .kids = type,
				       .last = k };
		type->next = k;
		n->kids = n->last = cast;
		t = sema_expr(s, cast);
	}
	if (t->kind != ST_PTR) {
		sema_error(s, n, "'*' wants a pointer, not %s", stype_name(sema_types(s), t));
		return;
	}
	if (t->of->kind == ST_VOID) {
		sema_error(s, n, "what a void * points to is not known: cast it first");
		return;
	}
	n->type = t->of->kind == ST_PTR ? stype_in_space(sema_types(s), t->of, t->space) : t->of;
	if (n->type->kind == ST_STRUCT)
		n->type = sema_complete(s, n->type);
}

void sema_unary(struct sema *s, struct node *n)
{
	struct node *k = n->kids;
	const struct stype *t;

	if (n->op == BT_AND) {
		address_of(s, n);
		return;
	}
	t = sema_read_type(sema_expr(s, k));
	if (fold_unary(s, n, k) || !sema_is_known(t))
		return;
	if (n->op == BT_MUL) {
		dereference(s, n);
		return;
	}
	if (n->op == BT_NOT && (sema_is_int(t) || t->kind == ST_PTR)) {
		n->type = truth_type(s, false);
		if (k->is_const) {
			n->is_const = true;
			n->konst = !k->konst;
		}
		return;
	}
	if (t->kind != ST_INT && t->kind != ST_ENUM) {
		sema_error(s, n, "'%s' can't be used on %s", bt_op_text(n->op),
			   stype_name(sema_types(s), t));
		return;
	}
	n->type = n->op == BT_ADD || sema_compat17(s) ? t : stype_int(8, t->is_signed);
	if (k->is_const) {
		n->is_const = true;
		n->konst = n->op == BT_SUB   ? (s64) - (u64)k->konst
			   : n->op == BT_COM ? ~k->konst
					     : k->konst;
	}
}

/* ---- binary ---- */

static const struct stype *mismatch(struct sema *s, struct node *at, u32 op, const struct stype *a,
				    const struct stype *b)
{
	sema_error(s, at, "'%s' can't be used on %s and %s", bt_op_text(op),
		   stype_name(sema_types(s), a), stype_name(sema_types(s), b));
	if ((a->kind == ST_STR && sema_is_int(b)) || (b->kind == ST_STR && sema_is_int(a)))
		sema_hint(s, "one side is a string (%s), the other an integer",
			  a->kind == ST_STR ? "the left" : "the right");
	return NULL;
}

static const struct stype *pointers(struct sema *s, struct node *at, u32 op, const struct stype *a,
				    const struct stype *b)
{
	const struct stype *ptr = a->kind == ST_PTR ? a : b, *other = ptr == a ? b : a;

	if (other->kind == ST_PTR) {
		if (is_logic(op) || is_compare(op))
			return truth_type(s, true);
		return mismatch(s, at, op, a, b);
	}
	if (!sema_is_int(other))
		return mismatch(s, at, op, a, b);
	if (is_compare(op) || is_logic(op))
		return truth_type(s, true);
	if (op == BT_ADD || (op == BT_SUB && ptr == a))
		return ptr;
	return mismatch(s, at, op, a, b);
}

static const struct stype *integers(struct sema *s, u32 op, const struct stype *a,
				    const struct stype *b)
{
	bool left = a->is_signed, right = b->is_signed;

	if (a->is_literal && !b->is_literal)
		left = right;
	else if (b->is_literal && !a->is_literal)
		right = left;
	if (is_compare(op) || is_logic(op))
		return truth_type(s, left && right);
	if (a->kind == ST_BOOL && b->kind == ST_BOOL &&
	    (op == BT_AND || op == BT_OR || op == BT_XOR))
		return truth_type(s, true);
	if (sema_compat17(s))
		return stype_int(8, op == BT_SHL || op == BT_SHR ? a->is_signed : left && right);
	return stype_int(8, left || right || op == BT_SUB);
}

/* Values in memory: equal or not. */
static const struct stype *memory(struct sema *s, struct node *at, u32 op, const struct stype *a,
				  const struct stype *b)
{
	if (a->kind != b->kind || (op != BT_EQ && op != BT_NE))
		return mismatch(s, at, op, a, b);
	switch (a->kind) {
	case ST_STR:
	case ST_BUF:
	case ST_INET:
	case ST_MAC:
	case ST_KSYM:
	case ST_USERNAME:
	case ST_TIMESTAMP:
	case ST_CGROUP:
	case ST_STRERROR:
	case ST_USYM:
	case ST_KSTACK:
	case ST_USTACK:
		return truth_type(s, true);
	case ST_ARRAY:
		if (!sema_is_int(a->of) || !stype_same(a, b)) {
			sema_error(s, at,
				   "only arrays of the same integers and length can be compared: "
				   "here are "
				   "%s and %s",
				   stype_name(sema_types(s), a), stype_name(sema_types(s), b));
			return NULL;
		}
		return truth_type(s, true);
	case ST_TUPLE:
	case ST_RECORD:
		if (sema_common(s, a, b))
			return truth_type(s, true);
		break;
	default:
		break;
	}
	return mismatch(s, at, op, a, b);
}

const struct stype *sema_binary_type(struct sema *s, struct node *at, u32 op, struct node *left,
				     struct node *right)
{
	const struct stype *a = sema_read_type(left->type), *b = sema_read_type(right->type);

	if (!sema_is_known(a) || !sema_is_known(b))
		return NULL;
	if (sema_is_int(a) && sema_is_int(b))
		return integers(s, op, a, b);
	if (is_logic(op) &&
	    ((left->str && !sema_compat17(s)) || sema_is_int(a) || a->kind == ST_PTR) &&
	    ((right->str && !sema_compat17(s)) || sema_is_int(b) || b->kind == ST_PTR))
		return truth_type(s, true);
	if (a->kind == ST_PTR || b->kind == ST_PTR)
		return pointers(s, at, op, a, b);
	return memory(s, at, op, a, b);
}

/* Constants that are no literals: enumerators, sizes, casts. */
static void fold_constants(struct sema *s, struct node *n, const struct node *a,
			   const struct node *b)
{
	bool ua = a->type->kind == ST_INT && !a->type->is_signed,
	     ub = b->type->kind == ST_INT && !b->type->is_signed;
	__int128 x = ua ? (__int128)(u64)a->konst : a->konst,
		 y = ub ? (__int128)(u64)b->konst : b->konst, v;

	if (a->str && b->str && is_compare(n->op)) {
		n->is_const = true;
		n->konst = compare(n->op, strcmp(a->str, b->str));
		return;
	}
	if (!sema_is_int(a->type) || !sema_is_int(b->type) || sema_compat17(s))
		return;
	if (is_compare(n->op))
		v = compare(n->op, x < y ? -1 : x > y);
	else if (is_logic(n->op))
		v = n->op == BT_LAND ? x && y : x || y;
	else if (!compute(n->op, x, y, &v))
		return;
	n->is_const = true;
	n->konst = (s64)v;
}

void sema_binary(struct sema *s, struct node *n)
{
	struct node *a = n->kids, *b = n->last;

	sema_expr(s, a);
	sema_expr(s, b);
	if (is_number(a) && is_number(b)) {
		if (fold_numbers(s, n, a, b))
			return;
	} else if ((a->kind == NODE_STR || is_number(a)) && (b->kind == NODE_STR || is_number(b))) {
		if (fold_strings(s, n, a, b))
			return;
	}
	n->type = sema_binary_type(s, n, n->op, a, b);
	if (n->type && ((a->is_const && b->is_const) || (a->str && b->str)))
		fold_constants(s, n, a, b);
}

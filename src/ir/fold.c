/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/fold.c - constants are computed, patterns made simpler.
 *
 * needs: nothing; keeps: order.  One rule a line in the table below: operation, pattern of the
 * arguments, what becomes of it.  Rules are tried in order until none fits.
 */
#include "ir/pass.h"
#include "isa/alu.h"

static s64 sign_extend(u64 v, u32 bits)
{
	return bits >= 64 ? (s64)v : (s64)(v << (64 - bits)) >> (64 - bits);
}

static u64 mask_of(u32 bits)
{
	return bits >= 64 ? UINT64_MAX : (1ull << bits) - 1;
}

/* Constants are kept sign-extended, so that equal ones look the same. */
static bool const_is(const struct val *v, s64 n)
{
	return v->op == OP_CONST && v->imm == n;
}

static struct val *make_const(struct val *at, enum ir_type type, u64 v)
{
	struct val *c = val_before(at, OP_CONST, type, 0);

	c->imm = type == IR_I1 ? (s64)(v & 1) : sign_extend(v, ir_type_bits(type));
	return c;
}

static struct val *make(struct val *at, enum ir_op op, enum ir_type type, struct val *x,
			struct val *y)
{
	struct val *v = val_before(at, op, type, y ? 2 : 1);

	v->args[0] = x;
	if (y)
		v->args[1] = y;
	v->space = at->space;
	return v;
}

/* ---- both arguments are known ---- */

static bool eval(const struct val *v, u64 *out)
{
	u32 bits = ir_type_bits(v->args[0]->type);
	u64 m = mask_of(bits), x = (u64)v->args[0]->imm & m, y = (u64)v->args[1]->imm & m;
	s64 sx = sign_extend(x, bits), sy = sign_extend(y, bits);

	switch (v->op) {
	case OP_ADD: *out = x + y; break;
	case OP_SUB: *out = x - y; break;
	case OP_MUL: *out = x * y; break;
	case OP_UDIV: *out = y ? x / y : 0; break;
	case OP_UREM: *out = y ? x % y : x; break;
	case OP_SDIV: *out = alu64_sdiv((u64)sx, (u64)sy); break;
	case OP_SREM: *out = alu64_smod((u64)sx, (u64)sy); break;
	case OP_AND: *out = x & y; break;
	case OP_OR: *out = x | y; break;
	case OP_XOR: *out = x ^ y; break;
	case OP_SHL: *out = x << (y & (bits - 1)); break;
	case OP_LSHR: *out = x >> (y & (bits - 1)); break;
	case OP_ASHR: *out = (u64)(sx >> (y & (bits - 1))); break;
	case OP_EQ: *out = x == y; break;
	case OP_NE: *out = x != y; break;
	case OP_ULT: *out = x < y; break;
	case OP_ULE: *out = x <= y; break;
	case OP_SLT: *out = sx < sy; break;
	case OP_SLE: *out = sx <= sy; break;
	default: return false;
	}
	return true;
}

static struct val *fold_known(struct val *v)
{
	u64 r;

	if (v->n_args != 2 || v->args[0]->op != OP_CONST || v->args[1]->op != OP_CONST ||
	    v->type == IR_PTR || v->args[0]->type == IR_PTR || !eval(v, &r))
		return NULL;
	return make_const(v, v->type, r);
}

static struct val *fold_cast(struct val *v)
{
	struct val *x = v->args[0];
	u32 from = ir_type_bits(x->type);

	if (x->op == OP_CONST && v->op == OP_ZEXT)
		return make_const(v, v->type, (u64)x->imm & mask_of(from));
	if (x->op == OP_CONST && (v->op == OP_SEXT || v->op == OP_TRUNC))
		return make_const(v, v->type, (u64)(x->type == IR_I1 && v->op == OP_SEXT ? -x->imm :
											    x->imm));
	if (v->type == x->type && v->op != OP_PTRTOINT && v->op != OP_INTTOPTR)
		return x;
	/* an extension of the same kind twice, a truncation of either */
	if ((v->op == OP_ZEXT || v->op == OP_SEXT) && x->op == v->op)
		return make(v, v->op, v->type, x->args[0], NULL);
	if (v->op == OP_TRUNC && (x->op == OP_ZEXT || x->op == OP_SEXT)) {
		struct val *y = x->args[0];

		if (y->type == v->type)
			return y;
		return make(v, ir_type_bits(y->type) < ir_type_bits(v->type) ? x->op : OP_TRUNC,
			    v->type, y, NULL);
	}
	return NULL;
}

/* ---- rules with one constant ---- */

static s32 log2_of(const struct val *c)
{
	u64 m = (u64)c->imm & mask_of(ir_type_bits(c->type));

	return m && !(m & (m - 1)) ? __builtin_ctzll(m) : -1;
}

static struct val *zero(struct val *v)
{
	return make_const(v, v->type, 0);
}

static struct val *shift_by(struct val *v, enum ir_op op, s32 n)
{
	return make(v, op, v->type, v->args[0], make_const(v, v->type, (u64)n));
}

/* x OP c */
static struct val *fold_right(struct val *v)
{
	struct val *x = v->args[0], *c = v->args[1];
	s32 n = log2_of(c);

	switch (v->op) {
	case OP_ADD: case OP_SUB: case OP_OR: case OP_XOR: case OP_SHL: case OP_LSHR: case OP_ASHR:
		if (const_is(c, 0))
			return x;
		if (v->op == OP_OR && c->imm == -1)
			return c;
		break;
	case OP_MUL:
		if (const_is(c, 0))
			return c;
		return n == 0 ? x : n > 0 ? shift_by(v, OP_SHL, n) : NULL;
	case OP_UDIV:
		return n == 0 ? x : n > 0 ? shift_by(v, OP_LSHR, n) : NULL;
	case OP_UREM:
		if (n == 0)
			return zero(v);
		return n > 0 ? make(v, OP_AND, v->type, x,
				    make_const(v, v->type, (u64)(1ull << n) - 1)) : NULL;
	case OP_AND:
		if (const_is(c, 0))
			return c;
		if (c->imm == -1)
			return x;
		if (x->op == OP_ZEXT && ((u64)c->imm & mask_of(ir_type_bits(x->args[0]->type))) ==
					      mask_of(ir_type_bits(x->args[0]->type)) &&
		    x->args[0]->type != IR_I1)
			return x;
		break;
	default:
		break;
	}
	/* (x + a) + b, (x & a) & b and the like */
	if (op_is(v->op, OP_COMMUTES) && v->type != IR_I1 && x->op == v->op &&
	    x->args[1]->op == OP_CONST && v->op <= OP_XOR)
		return make(v, v->op, v->type, x->args[0],
			    make(v, v->op, v->type, x->args[1], c));
	return NULL;
}

static struct val *fold_same(struct val *v)
{
	switch (v->op) {
	case OP_SUB: case OP_XOR:
		return zero(v);
	case OP_AND: case OP_OR:
		return v->args[0];
	case OP_EQ: case OP_ULE: case OP_SLE:
		return make_const(v, IR_I1, 1);
	case OP_NE: case OP_ULT: case OP_SLT:
		return make_const(v, IR_I1, 0);
	default:
		return NULL;
	}
}

/* The comparison that holds where this one does not. */
static struct val *negated(struct val *at, struct val *cmp)
{
	struct val *x = cmp->args[0], *y = cmp->args[1];

	switch (cmp->op) {
	case OP_EQ: return make(at, OP_NE, IR_I1, x, y);
	case OP_NE: return make(at, OP_EQ, IR_I1, x, y);
	case OP_ULT: return make(at, OP_ULE, IR_I1, y, x);
	case OP_ULE: return make(at, OP_ULT, IR_I1, y, x);
	case OP_SLT: return make(at, OP_SLE, IR_I1, y, x);
	case OP_SLE: return make(at, OP_SLT, IR_I1, y, x);
	default: return NULL;
	}
}

/* Questions about a truth value that was made an integer. */
static struct val *fold_truth(struct val *v)
{
	struct val *x = v->args[0], *c = v->args[1];
	bool is_not;

	if (v->op == OP_XOR && v->type == IR_I1 && const_is(c, 1))
		return negated(v, x);
	if ((v->op != OP_EQ && v->op != OP_NE) || c->op != OP_CONST)
		return NULL;
	if (x->op == OP_ZEXT && x->args[0]->type == IR_I1)
		x = x->args[0];
	if (x->type != IR_I1 || (c->imm != 0 && c->imm != 1))
		return NULL;
	is_not = (v->op == OP_EQ) == (c->imm == 0);
	return is_not ? negated(v, x) : x;
}

static struct val *fold_binary(struct val *v)
{
	struct val *r = fold_known(v);

	if (r)
		return r;
	if (op_is(v->op, OP_COMMUTES) && v->args[0]->op == OP_CONST &&
	    v->args[1]->op != OP_CONST) {
		struct val *x = v->args[0];

		v->args[0] = v->args[1];
		v->args[1] = x;
	}
	if (v->args[0] == v->args[1])
		r = fold_same(v);
	if (!r)
		r = fold_truth(v);
	if (!r && v->args[1]->op == OP_CONST)
		r = fold_right(v);
	return r;
}

/* ---- pointers ---- */

static struct val *fold_ptradd(struct val *v)
{
	struct val *p = v->args[0], *n = v->args[1];

	if (const_is(n, 0))
		return p;
	if (p->op == OP_GLOBAL && n->op == OP_CONST) {
		struct val *g = val_before(v, OP_GLOBAL, IR_PTR, 0);

		g->index = p->index;
		g->imm = p->imm + n->imm;
		g->space = p->space;
		return g;
	}
	if (p->op != OP_PTRADD || p->args[1]->op != OP_CONST || n->op != OP_CONST)
		return NULL;
	return make(v, OP_PTRADD, IR_PTR, p->args[0],
		    make_const(v, IR_I64, (u64)(p->args[1]->imm + n->imm)));
}

enum { OFF_MAX = 0x7fff }; /* of an insn's off, with room for what lies behind it */

/* A constant added to the pointer of an access moves into its offset. */
static bool fold_offset(struct val *v)
{
	u32 at = v->op == OP_LOAD ? 0 : v->op == OP_CMPXCHG ? 2 : 1;
	struct val *p = v->args[at];
	s64 off;

	if (p->op != OP_PTRADD || p->args[1]->op != OP_CONST)
		return false;
	off = v->imm + p->args[1]->imm;
	if (off < -OFF_MAX || off > OFF_MAX)
		return false;
	v->imm = off;
	v->args[at] = p->args[0];
	return true;
}

static struct val *fold_select(struct val *v)
{
	struct val *c = v->args[0], *x = v->args[1], *y = v->args[2];

	if (c->op == OP_CONST)
		return c->imm & 1 ? x : y;
	if (x == y)
		return x;
	if (x->op == OP_CONST && y->op == OP_CONST && x->imm == 1 && !y->imm && v->type != IR_I1)
		return make(v, OP_ZEXT, v->type, c, NULL);
	return NULL;
}

static struct val *fold_val(struct val *v, bool *changed)
{
	switch (v->op) {
	case OP_ZEXT: case OP_SEXT: case OP_TRUNC:
		return fold_cast(v);
	case OP_PTRTOINT:
		return v->args[0]->op == OP_INTTOPTR ? v->args[0]->args[0] : NULL;
	case OP_INTTOPTR:
		return v->args[0]->op == OP_PTRTOINT && v->space == v->args[0]->args[0]->space ?
			       v->args[0]->args[0] : NULL;
	case OP_PTRADD:
		return fold_ptradd(v);
	case OP_SELECT:
		return fold_select(v);
	case OP_LOAD: case OP_STORE: case OP_ATOMIC: case OP_CMPXCHG:
		*changed |= fold_offset(v);
		return NULL;
	default:
		if (v->n_args == 2 && op_is(v->op, OP_PURE))
			return fold_binary(v);
		return NULL;
	}
}

bool pass_fold(struct fn *f)
{
	bool changed = false;

	for (struct blk *b = f->entry; b; b = b->next)
		for (struct val *v = b->first, *next; v; v = next) {
			struct val *r;

			next = v->next;
			for (u32 i = 0; i < v->n_args; i++)
				v->args[i] = val_resolve(v->args[i]);
			r = fold_val(v, &changed);
			if (!r)
				continue;
			val_replace(v, r);
			val_remove(v);
			changed = true;
		}
	fn_resolve(f);
	return changed;
}

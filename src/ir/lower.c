/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/lower.c - what machine insns can't say is said by others: selections become branches, zeroing and
 * copying become stores, signed division the unsigned one.
 *
 * needs: nothing; breaks: order.
 */
#include "ir/pass.h"

/* How a pointer is aligned, as constants tell: it is off bytes from a multiple of the result. */
static s64 align_of(const struct val *p, s64 *off)
{
	*off = 0;
	while (p->op == OP_PTRADD && p->args[1]->op == OP_CONST) {
		*off += p->args[1]->imm;
		p = p->args[0];
	}
	return p->op == OP_ALLOCA ? MAX(p->index, 1u) : 8;
}

/* The largest piece of n bytes at off whose place is a multiple of its size: on the stack the verifier wants
 * that. */
static enum ir_type piece(s64 off, s64 n, s64 align)
{
	if (n >= 8 && align >= 8 && !(off & 7))
		return IR_I64;
	if (n >= 4 && align >= 4 && !(off & 3))
		return IR_I32;
	if (n >= 2 && align >= 2 && !(off & 1))
		return IR_I16;
	return IR_I8;
}

static void lower_zero(struct val *z)
{
	s64 base, align = align_of(z->args[0], &base);

	for (s64 off = 0; off < z->imm;) {
		enum ir_type t = piece(off + base, z->imm - off, align);
		struct val *c = val_before(z, OP_CONST, t, 0), *s;

		s = val_before(z, OP_STORE, IR_VOID, 2);
		s->args[0] = c;
		s->args[1] = z->args[0];
		s->imm = off;
		off += ir_type_bytes(t);
	}
	val_remove(z);
}

static void lower_copy(struct val *c)
{
	s64 to, from, align = MIN(align_of(c->args[0], &to), align_of(c->args[1], &from));

	for (s64 off = 0; off < c->imm;) {
		enum ir_type t = piece((off + to) | (off + from), c->imm - off, align);
		struct val *l = val_before(c, OP_LOAD, t, 1), *s;

		l->args[0] = c->args[1];
		l->imm = off;
		s = val_before(c, OP_STORE, IR_VOID, 2);
		s->args[0] = l;
		s->args[1] = c->args[0];
		s->imm = off;
		off += ir_type_bytes(t);
	}
	val_remove(c);
}

/* b: ... s = select c, x, y ...   becomes a diamond with an empty arm. */
static void lower_select(struct val *s)
{
	struct blk *b = s->blk, *other = blk_new(b->fn), *rest = blk_new(b->fn);
	struct val *phi;

	for (struct val *v = s->next, *next; v; v = next) {
		next = v->next;
		val_remove(v);
		val_append(rest, v);
	}
	for (u32 i = 0; i < 2; i++) {
		rest->to[i] = b->to[i];
		for (u32 j = 0; rest->to[i] && j < rest->to[i]->preds.n; j++)
			if (rest->to[i]->preds.p[j] == b)
				rest->to[i]->preds.p[j] = rest;
	}
	b->to[0] = b->to[1] = NULL;
	val_remove(s);
	ir_br(b, s->args[0], rest, other);
	ir_jmp(other, rest);
	phi = ir_phi(rest, s->type);
	phi->space = s->space;
	phi->line = s->line;
	phi_add(phi, s->args[1]);
	phi_add(phi, s->args[2]);
	val_replace(s, phi);
}

static struct val *binary(struct val *at, enum ir_op op, struct val *x, struct val *y)
{
	struct val *v = val_before(at, op, x->type, 2);

	v->args[0] = x;
	v->args[1] = y;
	return v;
}

/* neg ? -x : x */
static struct val *negate_if(struct val *at, struct val *neg, struct val *x)
{
	struct val *zero = val_before(at, OP_CONST, x->type, 0);
	struct val *minus = binary(at, OP_SUB, zero, x), *s = val_before(at, OP_SELECT, x->type, 3);

	s->args[0] = neg;
	s->args[1] = minus;
	s->args[2] = x;
	return s;
}

static struct val *is_negative(struct val *at, struct val *x)
{
	struct val *zero = val_before(at, OP_CONST, x->type, 0), *v;

	v = val_before(at, OP_SLT, IR_I1, 2);
	v->args[0] = x;
	v->args[1] = zero;
	return v;
}

/* Signed division by the unsigned one of magnitudes: machines before cpu v4 have no other.  The remainder
 * has the sign of the dividend, as in C.  By zero: 0, and the dividend, as RFC 9669 has it. */
static void lower_signed(struct val *v)
{
	struct val *x = v->args[0], *y = v->args[1];
	struct val *nx = is_negative(v, x), *ny = is_negative(v, y);
	struct val *ax = negate_if(v, nx, x), *ay = negate_if(v, ny, y), *r;

	if (v->op == OP_SDIV)
		r = negate_if(v, binary(v, OP_XOR, nx, ny), binary(v, OP_UDIV, ax, ay));
	else
		r = negate_if(v, nx, binary(v, OP_UREM, ax, ay));
	val_replace(v, r);
	val_remove(v);
}

void pass_lower(struct fn *f)
{
	for (struct blk *b = f->entry; b; b = b->next)
		for (struct val *v = b->first, *next; v; v = next) {
			next = v->next;
			if (v->op == OP_SDIV || v->op == OP_SREM)
				lower_signed(v);
		}
	fn_resolve(f);
	for (struct blk *b = f->entry; b; b = b->next)
		for (struct val *v = b->first, *next; v; v = next) {
			next = v->next;
			if (v->op == OP_ZERO) {
				lower_zero(v);
			} else if (v->op == OP_COPY) {
				lower_copy(v);
			} else if (v->op == OP_SELECT) {
				lower_select(v);
				break; /* what followed is in a later block */
			}
		}
	fn_resolve(f);
	fn_order(f);
}

/* An edge from a block with two ways out to one with several ways in has no place for the copies that
 * phis need: it gets a block of its own. */
void pass_split_edges(struct fn *f)
{
	for (struct blk *b = f->entry; b; b = b->next) {
		if (!b->to[0] || !b->to[1])
			continue;
		for (u32 i = 0; i < 2; i++) {
			struct blk *to = b->to[i], *mid;
			u32 skip = i == 1 && b->to[0] == to ? 1 : 0;

			if (to->preds.n < 2 || to->first->op != OP_PHI)
				continue;
			mid = blk_new(f);
			for (u32 j = 0; j < to->preds.n; j++)
				if (to->preds.p[j] == b && !skip--) {
					to->preds.p[j] = mid;
					break;
				}
			val_new(mid, OP_JMP, IR_VOID, 0);
			mid->to[0] = to;
			b->to[i] = mid;
			if (!vec_push(&mid->preds, b))
				return;
		}
	}
	fn_order(f);
}

/* ---- truth values that are more than the condition of one branch ---- */

static bool is_cmp(const struct val *v)
{
	return v->op >= OP_EQ && v->op <= OP_SLE;
}

/* Is it used by nothing but the branch at the end of its own block? */
static bool only_branches(const struct val *v)
{
	const struct val *end = v->blk->last;

	return v->n_uses == 1 && end->op == OP_BR && end->args[0] == v;
}

/* v: i1 = cmp   becomes   cmp; br; phi of 1 and 0 */
static void make_number(struct val *v)
{
	struct blk *b = v->blk;
	struct val *s = val_before(v->next, OP_SELECT, IR_I1, 3);

	s->args[0] = v;
	s->args[1] = val_before(s, OP_CONST, IR_I1, 0);
	s->args[1]->imm = 1;
	s->args[2] = val_before(s, OP_CONST, IR_I1, 0);
	for (struct blk *o = b->fn->entry; o; o = o->next)
		for (struct val *u = o->first; u; u = u->next)
			for (u32 i = 0; i < u->n_args; i++)
				if (u->args[i] == v && u != s)
					u->args[i] = s;
	lower_select(s);
}

void pass_lower_truth(struct fn *f)
{
	fn_count_uses(f);
	for (struct blk *b = f->entry; b; b = b->next)
		for (struct val *v = b->first; v; v = v->next) {
			if (!is_cmp(v) || !v->n_uses || only_branches(v))
				continue;
			make_number(v);
			fn_resolve(f);
			fn_count_uses(f);
			break; /* what followed is in a later block */
		}
	fn_order(f);
}

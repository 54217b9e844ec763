/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/mem2reg.c - stack memory becomes values.
 *
 * An alloca whose address is used by loads and stores alone is split into its pieces: ranges that are
 * always accessed as a whole.  Each piece becomes a variable: a phi at every join, loads replaced by
 * what was stored last, phis that choose nothing dropped.  Where accesses of a piece overlap in part or
 * have different widths, the alloca stays.
 * Braun et al., "Simple and Efficient Construction of Static Single Assignment Form", 2013, for why
 * trivial phis may go one by one.
 */
#include "ir/pass.h"
#include <stdlib.h>
#include <string.h>

struct piece {
	struct val *alloca;
	s64 off;
	enum ir_type type;
};

struct promote {
	struct fn *f;
	struct arena *a;
	VEC(struct piece) pieces;
	struct val ***at_end; /* [blk id][piece]: value when the block ends */
};

enum { MARK_NO = 1 }; /* val.mark of an alloca that stays */

static bool is_access(const struct val *v)
{
	return (v->op == OP_LOAD || v->op == OP_STORE) && !v->is_volatile;
}

static struct val *access_ptr(const struct val *v)
{
	return v->op == OP_LOAD ? v->args[0] : v->args[1];
}

static enum ir_type access_type(const struct val *v)
{
	return v->op == OP_LOAD ? v->type : v->args[0]->type;
}

/* Index of the piece that an access of a candidate means, -1: none. */
static s32 piece_of(const struct promote *p, const struct val *alloca, s64 off)
{
	for (u32 i = 0; i < p->pieces.n; i++)
		if (p->pieces.p[i].alloca == alloca && p->pieces.p[i].off == off)
			return (s32)i;
	return -1;
}

/* ---- which allocas ---- */

/* Anything but a load, a store to it, or zeroing of it keeps an alloca in memory. */
static void find_escapes(struct fn *f)
{
	for (struct blk *b = f->entry; b; b = b->next)
		for (struct val *v = b->first; v; v = v->next)
			v->mark = 0;
	for (struct blk *b = f->entry; b; b = b->next)
		for (struct val *v = b->first; v; v = v->next)
			for (u32 i = 0; i < v->n_args; i++) {
				struct val *x = v->args[i];
				bool fine = (is_access(v) && access_ptr(v) == x &&
					     !(v->op == OP_STORE && v->args[0] == x)) ||
					    v->op == OP_ZERO;

				if (x->op == OP_ALLOCA && !fine)
					x->mark = MARK_NO;
			}
}

static bool overlaps(const struct piece *p, s64 off, u32 size)
{
	return off < p->off + ir_type_bytes(p->type) && p->off < off + size;
}

/* Enters the piece of an access; an access that does not fit the others keeps the alloca. */
static void add_access(struct promote *p, struct val *v)
{
	struct val *alloca = access_ptr(v);
	enum ir_type type = access_type(v);
	struct piece *new;

	if (alloca->op != OP_ALLOCA || alloca->mark == MARK_NO)
		return;
	for (u32 i = 0; i < p->pieces.n; i++) {
		struct piece *have = &p->pieces.p[i];

		if (have->alloca != alloca || !overlaps(have, v->imm, ir_type_bytes(type)))
			continue;
		if (have->off != v->imm || have->type != type)
			alloca->mark = MARK_NO;
		return;
	}
	if (v->imm < 0 || v->imm + ir_type_bytes(type) > alloca->imm) {
		alloca->mark = MARK_NO;
		return;
	}
	new = vec_add(&p->pieces);
	if (!new) {
		alloca->mark = MARK_NO;
		return;
	}
	*new = (struct piece){ alloca, v->imm, type };
}

/* Zeroing must take whole pieces. */
static void check_zero(struct promote *p, const struct val *v)
{
	struct val *alloca = v->args[0];

	if (alloca->op != OP_ALLOCA)
		return;
	for (u32 i = 0; i < p->pieces.n; i++)
		if (p->pieces.p[i].alloca == alloca && p->pieces.p[i].off >= v->imm)
			continue;
		else if (p->pieces.p[i].alloca == alloca &&
			 p->pieces.p[i].off + ir_type_bytes(p->pieces.p[i].type) > v->imm)
			alloca->mark = MARK_NO;
}

static void find_pieces(struct promote *p)
{
	u32 n = 0;

	find_escapes(p->f);
	for (struct blk *b = p->f->entry; b; b = b->next)
		for (struct val *v = b->first; v; v = v->next)
			if (is_access(v))
				add_access(p, v);
	for (struct blk *b = p->f->entry; b; b = b->next)
		for (struct val *v = b->first; v; v = v->next)
			if (v->op == OP_ZERO)
				check_zero(p, v);
	for (u32 i = 0; i < p->pieces.n; i++)
		if (p->pieces.p[i].alloca->mark != MARK_NO)
			p->pieces.p[n++] = p->pieces.p[i];
	p->pieces.n = n;
}

/* ---- values for memory ---- */

static struct val *undef(struct promote *p, struct blk *b, enum ir_type type)
{
	struct val *v;

	if (!b->first || b->first->op != OP_PHI)
		v = b->first ? val_before(b->first, OP_UNDEF, type, 0) :
			       val_new(b, OP_UNDEF, type, 0);
	else
		v = val_before(p->f->entry->first, OP_UNDEF, type, 0);
	return v;
}

static struct val *zero_of(struct val *at, enum ir_type type)
{
	struct val *c = val_before(at, OP_CONST, type == IR_PTR ? IR_I64 : type, 0);

	if (type != IR_PTR)
		return c;

	struct val *ptr = val_before(at, OP_INTTOPTR, IR_PTR, 1);

	ptr->args[0] = c;
	return ptr;
}

static void visit_value(struct promote *p, struct val *v, struct val **cur)
{
	s32 i;

	if (v->op == OP_ZERO && v->args[0]->op == OP_ALLOCA && v->args[0]->mark != MARK_NO) {
		for (u32 j = 0; j < p->pieces.n; j++)
			if (p->pieces.p[j].alloca == v->args[0] && p->pieces.p[j].off < v->imm)
				cur[j] = zero_of(v, p->pieces.p[j].type);
		val_remove(v);
		return;
	}
	if (!is_access(v))
		return;
	i = piece_of(p, access_ptr(v), v->imm);
	if (i < 0)
		return;
	if (v->op == OP_STORE)
		cur[i] = v->args[0];
	else
		val_replace(v, cur[i]);
	val_remove(v);
}

static void rename_blk(struct promote *p, struct blk *b)
{
	struct val **cur = p->at_end[b->id], *next;
	u32 n = p->pieces.n;

	for (u32 i = 0; i < n; i++) {
		if (b->preds.n == 1)
			cur[i] = p->at_end[b->preds.p[0]->id][i];
		else if (b->preds.n)
			cur[i] = ir_phi(b, p->pieces.p[i].type);
		else
			cur[i] = undef(p, b, p->pieces.p[i].type);
		if (b->preds.n > 1)
			cur[i]->mark = i + 2; /* which piece, for fill_phis() */
	}
	for (struct val *v = b->first; v; v = next) {
		next = v->next;
		if (v->op != OP_PHI)
			visit_value(p, v, cur);
	}
}

static void fill_phis(struct promote *p, struct blk *b)
{
	if (b->preds.n < 2)
		return;
	for (struct val *v = b->first; v && v->op == OP_PHI; v = v->next) {
		if (v->n_args || v->mark < 2)
			continue;
		for (u32 i = 0; i < b->preds.n; i++)
			phi_add(v, p->at_end[b->preds.p[i]->id][v->mark - 2]);
	}
}

/* A phi of one value and itself is that value; taking one away may make others so. */
void fn_drop_phis(struct fn *f)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (struct blk *b = f->entry; b; b = b->next)
			for (struct val *v = b->first, *next; v && v->op == OP_PHI; v = next) {
				struct val *only = NULL;
				bool trivial = true;

				next = v->next;
				for (u32 i = 0; i < v->n_args && trivial; i++) {
					struct val *x = val_resolve(v->args[i]);

					v->args[i] = x;
					if (x == v || x == only)
						continue;
					trivial = !only;
					only = x;
				}
				if (!trivial || !only)
					continue;
				val_replace(v, only);
				val_remove(v);
				changed = true;
			}
	}
	fn_resolve(f);
}

void pass_mem2reg(struct fn *f)
{
	struct promote p = { .f = f, .a = &f->mod->arena };

	fn_order(f);
	find_pieces(&p);
	if (p.pieces.n) {
		p.at_end = arena_alloc(p.a, f->n_blks * sizeof(*p.at_end));
		for (struct blk *b = f->entry; b; b = b->next)
			p.at_end[b->id] = arena_alloc(p.a, p.pieces.n * sizeof(struct val *));
		for (struct blk *b = f->entry; b; b = b->next)
			for (struct val *v = b->first; v; v = v->next)
				if (v->op == OP_PHI)
					v->mark = 0;
		/* Layout is reverse post-order, so a single predecessor comes before. */
		for (struct blk *b = f->entry; b; b = b->next)
			rename_blk(&p, b);
		for (struct blk *b = f->entry; b; b = b->next)
			fill_phis(&p, b);
		fn_resolve(f);
		fn_drop_phis(f);
	}
	vec_free(&p.pieces);
}

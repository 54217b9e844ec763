/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/mem2reg.c - stack memory becomes values.
 *
 * An alloca whose address is used by loads and stores alone is split into its pieces: ranges that are
 * always accessed as a whole.  Each piece becomes a variable: phis where its definitions meet and its value is
 * still wanted, loads replaced by what was stored last.  Where accesses of a piece overlap in part or
 * have different widths, the alloca stays.
 * Cytron et al., "Efficiently Computing Static Single Assignment Form", 1991, for dominance frontiers.
 */
#include "ir/pass.h"
#include <stdlib.h>
#include <string.h>

struct blk_list {
	struct blk *b;
	struct blk_list *next;
};

struct piece {
	struct val *alloca;
	s64 off;
	enum ir_type type;
	u32 next;               /* piece of the same alloca + 1, 0: none */
	struct blk_list *defs;  /* blocks that write it */
	struct blk_list *uses;  /* blocks that read it before they write it */
	u32 def_in, use_in;     /* id + 1 of the last of them */
};

struct undo {
	u32 piece;
	struct val *was;
};

struct promote {
	struct fn *f;
	struct arena *a;
	VEC(struct piece) pieces;
	u32 *first;             /* of each value by id: its first piece + 1 */
	struct blk_list **frontier; /* of each block by id */
	u32 *live, *def, *phi;  /* of each block by id: piece + 1 that it is so for */
	struct val **cur;       /* of each piece: its value now */
	VEC(struct undo) undo;
	struct val *undef[IR_PTR + 1];
	bool failed;
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

#define EACH_PIECE(p, alloca, i) \
	(u32 i = (p)->first[(alloca)->id]; i--; i = (p)->pieces.p[i].next)

/* Index of the piece that an access of a candidate means, -1: none. */
static s32 piece_of(const struct promote *p, const struct val *alloca, s64 off)
{
	for EACH_PIECE(p, alloca, i)
		if (p->pieces.p[i].off == off)
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
	for EACH_PIECE(p, alloca, i) {
		struct piece *have = &p->pieces.p[i];

		if (!overlaps(have, v->imm, ir_type_bytes(type)))
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
	*new = (struct piece){ .alloca = alloca, .off = v->imm, .type = type, .next = p->first[alloca->id] };
	p->first[alloca->id] = p->pieces.n;
}

/* Zeroing must take whole pieces. */
static void check_zero(struct promote *p, const struct val *v)
{
	struct val *alloca = v->args[0];

	if (alloca->op != OP_ALLOCA)
		return;
	for EACH_PIECE(p, alloca, i)
		if (p->pieces.p[i].off < v->imm &&
		    p->pieces.p[i].off + ir_type_bytes(p->pieces.p[i].type) > v->imm)
			alloca->mark = MARK_NO;
}

static void find_pieces(struct promote *p)
{
	find_escapes(p->f);
	for (struct blk *b = p->f->entry; b; b = b->next)
		for (struct val *v = b->first; v; v = v->next)
			if (is_access(v))
				add_access(p, v);
	for (struct blk *b = p->f->entry; b; b = b->next)
		for (struct val *v = b->first; v; v = v->next)
			if (v->op == OP_ZERO)
				check_zero(p, v);
}

/* ---- where phis go ---- */

static void list_add(struct promote *p, struct blk_list **list, struct blk *b)
{
	struct blk_list *new = arena_alloc(p->a, sizeof(*new));

	*new = (struct blk_list){ b, *list };
	*list = new;
}

static bool stays(const struct promote *p, u32 i)
{
	return p->pieces.p[i].alloca->mark == MARK_NO;
}

static void note_def(struct promote *p, u32 i, struct blk *b)
{
	struct piece *x = &p->pieces.p[i];

	if (x->def_in == b->id + 1)
		return;
	x->def_in = b->id + 1;
	list_add(p, &x->defs, b);
}

static void note_use(struct promote *p, u32 i, struct blk *b)
{
	struct piece *x = &p->pieces.p[i];

	if (x->def_in == b->id + 1 || x->use_in == b->id + 1)
		return;
	x->use_in = b->id + 1;
	list_add(p, &x->uses, b);
}

static void note_accesses(struct promote *p, struct blk *b)
{
	for (struct val *v = b->first; v; v = v->next) {
		s32 i;

		if (v->op == OP_ZERO && v->args[0]->op == OP_ALLOCA) {
			for EACH_PIECE(p, v->args[0], j)
				if (!stays(p, j) && p->pieces.p[j].off < v->imm)
					note_def(p, j, b);
			continue;
		}
		if (!is_access(v) || access_ptr(v)->op != OP_ALLOCA)
			continue;
		i = piece_of(p, access_ptr(v), v->imm);
		if (i < 0 || stays(p, (u32)i))
			continue;
		if (v->op == OP_LOAD)
			note_use(p, (u32)i, b);
		else
			note_def(p, (u32)i, b);
	}
}

static void find_frontiers(struct promote *p)
{
	for (struct blk *b = p->f->entry; b; b = b->next)
		for (u32 i = 0; b->preds.n > 1 && i < b->preds.n; i++)
			for (struct blk *r = b->preds.p[i]; r != b->idom; r = r->idom) {
				if (p->frontier[r->id] && p->frontier[r->id]->b == b)
					break; /* another edge came this way */
				list_add(p, &p->frontier[r->id], b);
			}
}

/* Blocks at whose start the piece's value is wanted. */
static void find_live(struct promote *p, u32 i)
{
	struct blk_list *todo = NULL;

	for (struct blk_list *u = p->pieces.p[i].uses; u; u = u->next) {
		p->live[u->b->id] = i + 1;
		list_add(p, &todo, u->b);
	}
	while (todo) {
		struct blk *b = todo->b;

		todo = todo->next;
		for (u32 j = 0; j < b->preds.n; j++) {
			struct blk *from = b->preds.p[j];

			if (p->def[from->id] == i + 1 || p->live[from->id] == i + 1)
				continue;
			p->live[from->id] = i + 1;
			list_add(p, &todo, from);
		}
	}
}

static void add_phi(struct promote *p, u32 i, struct blk *b)
{
	struct val *phi = ir_phi(b, p->pieces.p[i].type);

	phi->mark = i + 2; /* which piece, for rename_blk() */
	phi->n_args = b->preds.n;
	phi->args = arena_alloc(p->a, 2 * b->preds.n * sizeof(*phi->args)); /* phi_add() may follow */
	p->phi[b->id] = i + 1;
}

static void place_phis(struct promote *p, u32 i)
{
	struct blk_list *todo = NULL;

	for (struct blk_list *d = p->pieces.p[i].defs; d; d = d->next) {
		p->def[d->b->id] = i + 1;
		list_add(p, &todo, d->b);
	}
	find_live(p, i);
	while (todo) {
		struct blk *b = todo->b;

		todo = todo->next;
		for (struct blk_list *f = p->frontier[b->id]; f; f = f->next) {
			if (p->phi[f->b->id] == i + 1 || p->live[f->b->id] != i + 1)
				continue;
			add_phi(p, i, f->b);
			if (p->def[f->b->id] != i + 1)
				list_add(p, &todo, f->b);
		}
	}
}

/* ---- values for memory ---- */

static struct val *undef(struct promote *p, enum ir_type type)
{
	if (!p->undef[type])
		p->undef[type] = val_before(p->f->entry->first, OP_UNDEF, type, 0);
	return p->undef[type];
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

static struct val *value_of(struct promote *p, u32 i)
{
	return p->cur[i] ? p->cur[i] : undef(p, p->pieces.p[i].type);
}

static void set_value(struct promote *p, u32 i, struct val *v)
{
	struct undo u = { i, p->cur[i] };

	if (!vec_push(&p->undo, u))
		abort(); /* as an arena does without memory */
	p->cur[i] = v;
}

static void visit_value(struct promote *p, struct val *v)
{
	s32 i;

	if (v->op == OP_ZERO && v->args[0]->op == OP_ALLOCA && v->args[0]->mark != MARK_NO) {
		for EACH_PIECE(p, v->args[0], j)
			if (p->pieces.p[j].off < v->imm)
				set_value(p, j, zero_of(v, p->pieces.p[j].type));
		val_remove(v);
		return;
	}
	if (!is_access(v) || access_ptr(v)->op != OP_ALLOCA)
		return;
	i = piece_of(p, access_ptr(v), v->imm);
	if (i < 0 || stays(p, (u32)i))
		return;
	if (v->op == OP_STORE)
		set_value(p, (u32)i, v->args[0]);
	else
		val_replace(v, value_of(p, (u32)i));
	val_remove(v);
}

static void rename_blk(struct promote *p, struct blk *b)
{
	for (struct val *v = b->first, *next; v; v = next) {
		next = v->next;
		if (v->op != OP_PHI)
			visit_value(p, v);
		else if (v->mark >= 2)
			set_value(p, v->mark - 2, v);
	}
	for (u32 i = 0; i < 2; i++)
		for (struct val *v = b->to[i] ? b->to[i]->first : NULL; v && v->op == OP_PHI; v = v->next)
			for (u32 j = 0; v->mark >= 2 && j < b->to[i]->preds.n; j++)
				if (b->to[i]->preds.p[j] == b)
					v->args[j] = value_of(p, v->mark - 2);
}

/* Every block after the one that dominates it, with the values that are true at that one's end. */
static void rename_all(struct promote *p)
{
	struct open {
		u32 end, undo;
	} *open;
	struct blk **pre;
	u32 n = 0, depth = 0;

	for (struct blk *b = p->f->entry; b; b = b->next)
		n++;
	pre = arena_alloc(p->a, (n + 1) * sizeof(*pre));
	open = arena_alloc(p->a, (n + 1) * sizeof(*open));
	for (struct blk *b = p->f->entry; b; b = b->next)
		pre[b->dom_pre] = b;
	for (u32 i = 0; i < n; i++) {
		while (depth && open[depth - 1].end <= i) {
			depth--;
			while (p->undo.n > open[depth].undo) {
				const struct undo *u = &p->undo.p[--p->undo.n];

				p->cur[u->piece] = u->was;
			}
		}
		open[depth++] = (struct open){ i + pre[i]->dom_size, p->undo.n };
		rename_blk(p, pre[i]);
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
	u32 n_blks = f->n_blks + 1;

	fn_order(f);
	p.first = arena_alloc(p.a, (f->n_vals + 1) * sizeof(*p.first));
	find_pieces(&p);
	if (p.pieces.n) {
		p.frontier = arena_alloc(p.a, n_blks * sizeof(*p.frontier));
		p.live = arena_alloc(p.a, n_blks * sizeof(*p.live));
		p.def = arena_alloc(p.a, n_blks * sizeof(*p.def));
		p.phi = arena_alloc(p.a, n_blks * sizeof(*p.phi));
		p.cur = arena_alloc(p.a, p.pieces.n * sizeof(*p.cur));
		for (struct blk *b = f->entry; b; b = b->next)
			for (struct val *v = b->first; v; v = v->next)
				if (v->op == OP_PHI)
					v->mark = 0;
		for (struct blk *b = f->entry; b; b = b->next)
			note_accesses(&p, b);
		find_frontiers(&p);
		for (u32 i = 0; i < p.pieces.n; i++)
			if (!stays(&p, i))
				place_phis(&p, i);
		rename_all(&p);
		fn_resolve(f);
		fn_drop_phis(f);
	}
	vec_free(&p.undo);
	vec_free(&p.pieces);
}

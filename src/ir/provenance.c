/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/provenance.c - where pointers come from, and so how loads through them are made.
 *
 * needs: order; keeps: order.  A pointer made from another keeps its space; a phi or select has the space
 * that all its arguments share.  A load whose space can't be read directly becomes a probe read into
 * memory of the function's own that was zeroed, so that a failed read gives 0.
 */
#include "abi/helper.h"
#include "ir/pass.h"

static enum ir_space joined(const struct val *v, u32 first)
{
	enum ir_space s = SPACE_UNKNOWN;
	bool any = false;

	for (u32 i = first; i < v->n_args; i++) {
		const struct val *x = v->args[i];

		if (x == v || x->op == OP_UNDEF || (x->op == OP_PHI && !x->space))
			continue;
		if (any && x->space != s)
			return SPACE_UNKNOWN;
		s = x->space;
		any = true;
	}
	return s;
}

static bool spread(struct fn *f)
{
	bool changed = false;

	for (struct blk *b = f->entry; b; b = b->next)
		for (struct val *v = b->first; v; v = v->next) {
			enum ir_space s = SPACE_UNKNOWN;

			if (v->type != IR_PTR || v->space)
				continue;
			if (v->op == OP_PTRADD)
				s = v->args[0]->space;
			else if (v->op == OP_PHI)
				s = joined(v, 0);
			else if (v->op == OP_SELECT)
				s = joined(v, 1);
			if (!s)
				continue;
			v->space = s;
			changed = true;
		}
	return changed;
}

static bool is_direct(enum ir_space s)
{
	return s != SPACE_UNKNOWN && s != SPACE_KERNEL && s != SPACE_USER;
}

/* v = load p, off   becomes   t = alloca; zero t; probe_read(t, size, p + off); v = load t */
static void probe(struct val *v)
{
	struct fn *f = v->blk->fn;
	u32 size = ir_type_bytes(v->type);
	struct val *p = v->args[0], *slot, *zero, *args[3], *call;

	slot = ir_alloca(f, 8, 8);
	zero = val_before(v, OP_ZERO, IR_VOID, 1);
	zero->args[0] = slot;
	zero->imm = 8;
	args[0] = slot;
	args[1] = val_before(v, OP_CONST, IR_I64, 0);
	args[1]->imm = size;
	args[2] = p;
	if (v->imm) {
		struct val *off = val_before(v, OP_CONST, IR_I64, 0);

		off->imm = v->imm;
		args[2] = val_before(v, OP_PTRADD, IR_PTR, 2);
		args[2]->args[0] = p;
		args[2]->args[1] = off;
		args[2]->space = p->space;
	}
	call = val_before(v, OP_HELPER, IR_I64, 3);
	call->index = p->space == SPACE_USER ? HELPER_probe_read_user : HELPER_probe_read_kernel;
	for (u32 i = 0; i < 3; i++)
		call->args[i] = args[i];
	v->args[0] = slot;
	v->imm = 0;
}

void pass_provenance(struct mod *m)
{
	for (u32 i = 0; i < m->fns.n; i++) {
		struct fn *f = m->fns.p[i];

		while (spread(f))
			;
		for (struct blk *b = f->entry; b; b = b->next)
			for (struct val *v = b->first; v; v = v->next)
				if (v->op == OP_LOAD && !is_direct(v->args[0]->space))
					probe(v);
	}
}

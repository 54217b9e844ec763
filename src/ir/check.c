/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/check.c - is a module well-formed?  For tests and after each pass of a debug build. */
#include "ir/ir.h"
#include <errno.h>
#include <stdlib.h>

struct check {
	const struct fn *fn;
	struct diag *dg;
	u8 *seen; /* value ids defined so far, in this walk's order */
};

static int bad(const struct check *c, const struct val *v, const char *what)
{
	struct str text = {0};
	int err;

	if (v)
		val_print(v, &text);
	err = diag_error(c->dg, (struct place){0}, -EINVAL, "function '%s': %s%s%s", c->fn->name,
			 what, v ? ": " : "", str_text(&text));
	str_free(&text);
	return err;
}

static bool is_int(const struct val *v)
{
	return v->type >= IR_I1 && v->type <= IR_I64;
}

/* What a value of each operation may be. */
static bool result_fits(const struct val *v)
{
	switch (v->op) {
	case OP_STORE: case OP_ZERO: case OP_COPY: case OP_JMP: case OP_BR: case OP_RET:
	case OP_UNREACHABLE: case OP_ASSUME:
		return v->type == IR_VOID;
	case OP_CONST:
		return is_int(v);
	case OP_ALLOCA: case OP_MAP: case OP_GLOBAL: case OP_FUNC: case OP_EXTERN:
	case OP_PTRADD: case OP_INTTOPTR:
		return v->type == IR_PTR;
	case OP_CORE: case OP_PTRTOINT:
		return v->type == IR_I64;
	case OP_EQ: case OP_NE: case OP_ULT: case OP_ULE: case OP_SLT: case OP_SLE:
		return v->type == IR_I1;
	case OP_BSWAP:
		return v->type >= IR_I16 && v->type <= IR_I64;
	case OP_HELPER: case OP_KFUNC: case OP_CALL: case OP_ATOMIC:
		return true;
	case OP_PARAM:
		return false; /* parameters stand at the function's head */
	default:
		return v->type != IR_VOID;
	}
}

static bool is_word(const struct val *v)
{
	return v->type == IR_I32 || v->type == IR_I64;
}

static int check_call(const struct check *c, const struct val *v)
{
	const struct fn *callee;

	if (v->n_args > 5)
		return bad(c, v, "more than five arguments");
	if (v->op != OP_CALL)
		return 0;
	callee = c->fn->mod->fns.p[v->index];
	if (callee->params.n != v->n_args || callee->ret != v->type)
		return bad(c, v, "the call does not fit the function");
	for (u32 i = 0; i < v->n_args; i++)
		if (v->args[i]->type != callee->params.p[i]->type)
			return bad(c, v, "an argument does not fit the function");
	return 0;
}

static int check_cast(const struct check *c, const struct val *v)
{
	const struct val *x = v->args[0];

	switch (v->op) {
	case OP_ZEXT: case OP_SEXT:
		if (is_int(x) && is_int(v) && ir_type_bits(v->type) >= ir_type_bits(x->type))
			return 0;
		return bad(c, v, "an extension makes integers wider");
	case OP_TRUNC:
		if (is_int(x) && is_int(v) && ir_type_bits(v->type) <= ir_type_bits(x->type))
			return 0;
		return bad(c, v, "a truncation makes integers narrower");
	case OP_PTRTOINT:
		return x->type == IR_PTR ? 0 : bad(c, v, "no pointer");
	case OP_INTTOPTR:
		return x->type == IR_I64 ? 0 : bad(c, v, "a pointer is made from an i64");
	default:
		return x->type == v->type ? 0 : bad(c, v, "types differ");
	}
}

static int check_memory(const struct check *c, const struct val *v)
{
	const struct val *p = v->args[v->op == OP_LOAD || v->op == OP_ZERO || v->op == OP_COPY ? 0 :
				      v->op == OP_CMPXCHG ? 2 : 1];

	if (p->type != IR_PTR || (v->op == OP_COPY && v->args[1]->type != IR_PTR))
		return bad(c, v, "access through no pointer");
	if (v->imm < -32768 || v->imm > 32767)
		return bad(c, v, "offset or size is too large");
	if ((v->op == OP_ZERO || v->op == OP_COPY) && v->imm < 0)
		return bad(c, v, "negative size");
	if (v->op == OP_ATOMIC && (!is_word(v->args[0]) ||
				   (v->type != IR_VOID && v->type != v->args[0]->type)))
		return bad(c, v, "an atomic operation takes 32 or 64 bits");
	if (v->op == OP_CMPXCHG && (!is_word(v) || v->args[0]->type != v->type ||
				    v->args[1]->type != v->type))
		return bad(c, v, "an atomic operation takes 32 or 64 bits");
	return 0;
}

/* Number of arguments, their types, and the result's. */
static int check_types(const struct check *c, const struct val *v)
{
	s32 n = op_n_args(v->op);
	const struct val *x = v->n_args ? v->args[0] : NULL, *y = v->n_args > 1 ? v->args[1] : NULL;

	if (n >= 0 && v->n_args != (u32)n)
		return bad(c, v, "wrong number of arguments");
	for (u32 i = 0; i < v->n_args; i++)
		if (v->args[i]->type == IR_VOID)
			return bad(c, v, "an argument is no value");
	if (!result_fits(v))
		return bad(c, v, "the operation has no result of this type");
	switch (v->op) {
	case OP_ADD: case OP_SUB: case OP_MUL: case OP_UDIV: case OP_SDIV: case OP_UREM:
	case OP_SREM: case OP_AND: case OP_OR: case OP_XOR: case OP_SHL: case OP_LSHR:
	case OP_ASHR:
		if (x->type != y->type || v->type != x->type || !is_int(v))
			return bad(c, v, "types of an integer operation differ");
		return 0;
	case OP_EQ: case OP_NE: case OP_ULT: case OP_ULE: case OP_SLT: case OP_SLE:
		return x->type == y->type ? 0 : bad(c, v, "types of a comparison differ");
	case OP_PTRADD:
		return x->type == IR_PTR && y->type == IR_I64 ?
			       0 : bad(c, v, "ptradd takes a pointer and an i64");
	case OP_ZEXT: case OP_SEXT: case OP_TRUNC: case OP_PTRTOINT: case OP_INTTOPTR:
	case OP_BSWAP:
		return check_cast(c, v);
	case OP_SELECT:
		return x->type == IR_I1 && y->type == v->args[2]->type && v->type == y->type ?
			       0 : bad(c, v, "types of a select differ");
	case OP_LOAD: case OP_STORE: case OP_ATOMIC: case OP_CMPXCHG: case OP_ZERO: case OP_COPY:
		return check_memory(c, v);
	case OP_ALLOCA:
		return v->blk == c->fn->entry ? 0 : bad(c, v, "an alloca stands in the first block");
	case OP_BR:
		return x->type == IR_I1 ? 0 : bad(c, v, "branch on no i1");
	case OP_RET:
		if (v->n_args > 1 || (v->n_args ? x->type : IR_VOID) != c->fn->ret)
			return bad(c, v, "wrong type of a returned value");
		return 0;
	case OP_HELPER: case OP_KFUNC: case OP_CALL:
		return check_call(c, v);
	default:
		return 0;
	}
}

static int check_phi(const struct check *c, const struct val *v)
{
	if (v->prev && v->prev->op != OP_PHI)
		return bad(c, v, "a phi stands behind another value");
	if (v->n_args != v->blk->preds.n)
		return bad(c, v, "a phi has not one argument per predecessor");
	for (u32 i = 0; i < v->n_args; i++) {
		const struct val *x = v->args[i];

		if (x->type != v->type)
			return bad(c, v, "types of a phi differ");
		if (x->op != OP_PARAM && !blk_dominates(x->blk, v->blk->preds.p[i]))
			return bad(c, v, "an argument of a phi does not reach it");
	}
	return 0;
}

static int check_val(const struct check *c, const struct val *v)
{
	int err = check_types(c, v);

	if (err)
		return err;
	if (op_is(v->op, OP_ENDS) != !v->next)
		return bad(c, v, v->next ? "the block goes on behind its end" :
					   "the block has no end");
	if (v->op == OP_PHI)
		return check_phi(c, v);
	for (u32 i = 0; i < v->n_args; i++) {
		const struct val *x = v->args[i];

		if (x->op == OP_PARAM)
			continue;
		if (!x->blk || (x->blk == v->blk ? !c->seen[x->id] :
						   !blk_dominates(x->blk, v->blk)))
			return bad(c, v, "an argument is not there yet");
	}
	c->seen[v->id] = 1;
	return 0;
}

static int check_fn(struct fn *f, struct diag *dg)
{
	struct check c = { .fn = f, .dg = dg };
	int err = 0;

	if (!f->entry)
		return bad(&c, NULL, "no block");
	c.seen = calloc(f->n_vals + 1, 1);
	if (!c.seen)
		return -ENOMEM;
	fn_order(f);
	if (f->entry->preds.n)
		err = bad(&c, NULL, "the first block is jumped to");
	for (const struct blk *b = f->entry; b && !err; b = b->next) {
		if (!b->first)
			err = bad(&c, NULL, "a block is empty");
		for (const struct val *v = b->first; v && !err; v = v->next) {
			err = check_val(&c, v);
			if (v->op == OP_PHI)
				c.seen[v->id] = 1;
		}
	}
	free(c.seen);
	return err;
}

int mod_check(const struct mod *m, struct diag *dg)
{
	for (u32 i = 0; i < m->fns.n; i++) {
		int err = check_fn(m->fns.p[i], dg);

		if (err)
			return err;
	}
	return 0;
}

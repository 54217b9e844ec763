/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/gen/eval.h - what a function of IR computes, said without compiling it.
 *
 * The reference that code is compared with: allocas are buffers, pointers are addresses, integers are
 * kept zero-extended.  No calls.
 */
#pragma once
#include "ir/ir.h"
#include "isa/alu.h"
#include <stdlib.h>
#include <string.h>

static inline u64 eval_mask(enum ir_type t)
{
	u32 bits = ir_type_bits(t);

	return bits >= 64 ? UINT64_MAX : (1ull << bits) - 1;
}

static inline s64 eval_signed(u64 v, enum ir_type t)
{
	u32 bits = ir_type_bits(t);

	return bits >= 64 ? (s64)v : (s64)(v << (64 - bits)) >> (64 - bits);
}

static inline u64 eval_binary(const struct val *v, u64 x, u64 y)
{
	enum ir_type t = v->args[0]->type;
	u32 bits = ir_type_bits(t);
	s64 sx = eval_signed(x, t), sy = eval_signed(y, t);

	switch (v->op) {
	case OP_ADD: return x + y;
	case OP_PTRADD: return x + y;
	case OP_SUB: return x - y;
	case OP_MUL: return x * y;
	case OP_UDIV: return y ? x / y : 0;
	case OP_UREM: return y ? x % y : x;
	case OP_SDIV: return !y ? 0 : sy == -1 ? 0 - x : (u64)(sx / sy);
	case OP_SREM: return !y ? x : sy == -1 ? 0 : (u64)(sx % sy);
	case OP_AND: return x & y;
	case OP_OR: return x | y;
	case OP_XOR: return x ^ y;
	case OP_SHL: return x << (y & (bits - 1));
	case OP_LSHR: return x >> (y & (bits - 1));
	case OP_ASHR: return (u64)(sx >> (y & (bits - 1)));
	case OP_EQ: return x == y;
	case OP_NE: return x != y;
	case OP_ULT: return x < y;
	case OP_ULE: return x <= y;
	case OP_SLT: return sx < sy;
	case OP_SLE: return sx <= sy;
	default: abort();
	}
}

static inline u64 eval_value(const struct val *v, const u64 *vals, const struct blk *from,
			     struct arena *a)
{
	u64 x = v->n_args && v->op != OP_PHI ? vals[v->args[0]->id] : 0;
	u64 y = v->n_args > 1 && v->op != OP_PHI ? vals[v->args[1]->id] : 0, r = 0;

	switch (v->op) {
	case OP_CONST: return (u64)v->imm;
	case OP_UNDEF: return 0;
	case OP_PHI:
		for (u32 i = 0; i < v->n_args; i++)
			if (v->blk->preds.p[i] == from)
				return vals[v->args[i]->id];
		abort();
	case OP_ALLOCA: return (u64)arena_alloc(a, (size_t)v->imm + 8);
	case OP_ZEXT: case OP_TRUNC: case OP_PTRTOINT: case OP_INTTOPTR: return x;
	case OP_SEXT: return (u64)eval_signed(x, v->args[0]->type);
	case OP_SELECT: return vals[v->args[0]->id] ? y : vals[v->args[2]->id];
	case OP_LOAD:
		memcpy(&r, (void *)(x + (u64)v->imm), ir_type_bytes(v->type));
		return r;
	case OP_STORE:
		memcpy((void *)(y + (u64)v->imm), &x, ir_type_bytes(v->args[0]->type));
		return 0;
	case OP_BSWAP: return alu_swap(x, ir_type_bits(v->type));
	default: return eval_binary(v, x, y);
	}
}

/* Runs the function on its arguments. */
static inline u64 eval_fn(const struct fn *f, const u64 *args)
{
	u64 *vals = calloc(f->n_vals + 1, sizeof(*vals)), ret;
	const struct blk *b = f->entry, *from = NULL;
	struct arena a = {0};

	for (u32 i = 0; i < f->params.n; i++)
		vals[f->params.p[i]->id] = args[i];
	for (;;) {
		const struct val *end = b->last;

		for (const struct val *v = b->first; v != end; v = v->next)
			vals[v->id] = eval_value(v, vals, from, &a) & eval_mask(v->type);
		if (end->op == OP_RET) {
			ret = end->n_args ? vals[end->args[0]->id] : 0;
			break;
		}
		from = b;
		b = end->op == OP_JMP || vals[end->args[0]->id] ? b->to[0] : b->to[1];
	}
	free(vals);
	arena_free(&a);
	return ret;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/spec.c - what a processor may compute on a path not taken.
 *
 * For programs that may not read all of the kernel's memory (bypass_spec_v1 is not given).  A
 * pointer moved by a register will be masked at run time, so that it stays in its object even where
 * a branch before it was mispredicted; that needs one limit per insn, whatever path comes there.
 * Paths that only a misprediction takes are walked too, as speculative ones; where they go wrong
 * walk.c puts a barrier (aux.nospec) and they end.
 *
 * Kernel 6.18: sanitize_ptr_alu() and its neighbours in kernel/bpf/verifier.c.
 */
#include "verify/alu.h"
#include "verify/mem.h"
#include "verify/walk.h"
#include <errno.h>

/* Why an operation can't be masked. */
enum reason { R_OK, R_BOUNDS, R_TYPE, R_PATHS, R_LIMIT, R_STACK };

bool spec_alu_needed(u32 op)
{
	return op == ALU_ADD || op == ALU_SUB;
}

static bool can_skip(const struct verify *v, const struct insn *i)
{
	return v->bypass_spec_v1 || INSN_SRC(i->code) == SRC_K || v->aux[v->pc].nospec;
}

static int refuse(struct verify *v, const struct insn *i, enum reason why)
{
	static const char tail[] = "pointer arithmetic with it prohibited for !root";
	const char *op = INSN_OP(i->code) == ALU_ADD ? "add" : "sub";
	/* before 6.13 the number was always taken for the source */
	bool src_is_number = v_reg(v, i->src)->type == REG_SCALAR || !profile_since(v->k, 6, 13);
	u32 number = src_is_number ? i->src : i->dst, ptr = src_is_number ? i->dst : i->src;

	switch (why) {
	case R_OK:
		return 0;
	case R_BOUNDS:
		return v_refuse_reg(v, -EACCES, WHY_SPEC, number,
				    "R%u has unknown scalar with mixed signed bounds, %s", number,
				    tail);
	case R_TYPE:
		return v_refuse_reg(v, -EACCES, WHY_SPEC, ptr,
				    "R%u has pointer with unsupported alu operation, %s", ptr, tail);
	case R_PATHS:
		return v_refuse_reg(v, -EACCES, WHY_SPEC, i->dst,
				    "R%u tried to %s from different maps, paths or scalars, %s",
				    i->dst, op, tail);
	case R_LIMIT:
		return v_refuse_reg(v, -EACCES, WHY_SPEC, i->dst,
				    "R%u tried to %s beyond pointer bounds, %s", i->dst, op, tail);
	case R_STACK: /* in place of what path_push() said */
		v->res->err = 0;
		v->res->why = WHY_NONE;
		return v_refuse_reg(v, -ENOMEM, WHY_SPEC, i->dst,
				    "R%u could not be pushed for speculative verification, %s",
				    i->dst, tail);
	}
	return -EFAULT;
}

/* How far the pointer is from the end that it moves to, and must not pass. */
static enum reason distance(const struct reg *ptr, bool to_left, u32 *limit)
{
	u64 dist, max;

	switch (ptr->type) {
	case PTR_STACK:
		dist = 0 - (ptr->val.bits.value + (u64)(s64)ptr->off);
		max = STACK_MAX_BYTES + to_left; /* the frame pointer itself is out of bounds */
		break;
	case PTR_MAP_VALUE:
		dist = (to_left ? (u64)ptr->val.smin : ptr->val.umax) + (u64)(s64)ptr->off;
		max = ptr->map->value_size;
		break;
	default:
		return R_TYPE;
	}
	if ((u32)dist >= max)
		return R_LIMIT;
	*limit = (u32)dist;
	return R_OK;
}

/* One insn is masked in one way. */
static enum reason agree(struct insn_aux *aux, u32 state, u32 limit)
{
	if (aux->alu_state && (aux->alu_state != state || aux->alu_limit != limit))
		return R_PATHS;
	aux->alu_state = state;
	aux->alu_limit = limit;
	return R_OK;
}

int spec_val_alu(struct verify *v, const struct insn *i)
{
	if (can_skip(v, i))
		return 0;
	return refuse(v, i, agree(&v->aux[v->pc], SPEC_NUMBER, 0));
}

int spec_path(struct verify *v, const struct insn *i, u32 next_pc, u32 cur_pc)
{
	struct state *st = path_push(v, next_pc, cur_pc, true);
	struct reg *regs;

	if (!st)
		return path_error(v);
	if (!i)
		return 0;
	regs = state_cur(st)->regs;
	reg_unknown_at(v, regs, i->dst);
	if (INSN_SRC(i->code) == SRC_X)
		reg_unknown_at(v, regs, i->src);
	return 0;
}

static enum reason plan(struct verify *v, const struct insn *i, const struct reg *ptr,
			const struct scalar *off, bool ptr_is_dst, struct spec_ptr *m)
{
	bool known = scalar_is_const(off), negative = off->smin < 0;
	enum reason why;

	if (!known && negative != (off->smax < 0))
		return R_BOUNDS;
	m->mask_to_left = negative == (INSN_OP(i->code) == ALU_ADD);
	why = distance(ptr, m->mask_to_left, &m->alu_limit);
	if (why)
		return why;
	m->alu_state = (negative ? SPEC_NEG : 0) | (known ? SPEC_IMM : 0) |
		       (ptr_is_dst ? SPEC_SRC : SPEC_DST);
	if (!known)
		v->explore_alu_limits = true; /* other paths may come with other limits */
	return R_OK;
}

/* Masking turns an offset out of its bounds into 0: that path, on which the pointer did not move,
 * is walked as well, unless the offset is known and will be an immediate. */
int spec_ptr_before(struct verify *v, const struct insn *i, const struct reg *ptr,
		    const struct reg *off, struct reg *dst, struct spec_ptr *m)
{
	struct reg saved = *dst;
	enum reason why;
	int err;

	if (can_skip(v, i))
		return 0;
	if (!v->cur->speculative) {
		why = plan(v, i, ptr, &off->val, ptr == dst, m);
		if (why)
			return refuse(v, i, why);
	}
	if (scalar_is_const(&off->val))
		return 0;
	if (ptr != dst)
		reg_copy(dst, ptr);
	err = spec_path(v, NULL, v->pc + 1, v->pc);
	if (err)
		return refuse(v, i, R_STACK);
	*dst = saved;
	return 0;
}

/* The window narrows to how far the pointer moved. */
int spec_ptr_after(struct verify *v, const struct insn *i, const struct reg *dst,
		   struct spec_ptr *m)
{
	enum reason why;
	u32 limit;

	if (can_skip(v, i) || v->cur->speculative)
		return 0;
	why = distance(dst, m->mask_to_left, &limit);
	if (why)
		return refuse(v, i, why);
	limit = m->alu_limit > limit ? m->alu_limit - limit : limit - m->alu_limit;
	return refuse(v, i, agree(&v->aux[v->pc], m->alu_state, limit));
}

static int stack_ptr_bounds(struct verify *v, u32 regno, const struct reg *r)
{
	s32 off = (s32)((u32)r->off + (u32)r->val.bits.value);

	if (!scalar_is_const(&r->val))
		return v_refuse_reg(v, -EACCES, WHY_SPEC, regno,
				    "R%u variable stack access prohibited for !root, "
				    "var_off=(0x%llx; 0x%llx) off=%d",
				    regno, (unsigned long long)r->val.bits.value,
				    (unsigned long long)r->val.bits.mask, off);
	if (off >= 0 || off < -STACK_MAX_BYTES)
		return v_refuse_reg(v, -EACCES, WHY_SPEC, regno,
				    "R%u stack pointer arithmetic goes out of range, prohibited for "
				    "!root; off=%d",
				    regno, off);
	return 0;
}

int spec_ptr_bounds(struct verify *v, const struct insn *i, const struct reg *dst)
{
	if (v->bypass_spec_v1)
		return 0;
	if (dst->type == PTR_STACK)
		return stack_ptr_bounds(v, i->dst, dst);
	if (dst->type != PTR_MAP_VALUE || !mem_map_value(v, i->dst, dst->off, 1, false, BY_HELPER))
		return 0;
	return v_refuse_reg(v, -EACCES, WHY_SPEC, i->dst,
			    "R%u pointer arithmetic of map value goes out of range, prohibited for "
			    "!root",
			    i->dst);
}

/* Insns that only speculative paths reach stay unseen, and are replaced as dead code. */
void spec_seen(struct verify *v)
{
	if (!v->cur->speculative)
		v->aux[v->pc].seen = v->pass;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/alu.c - arithmetic insns: fields, registers read and written, numbers and moves.
 *
 * Pointer arithmetic is alu_ptr.c.  Kernel 6.18: check_alu_op(), adjust_reg_min_max_vals() and
 * adjust_scalar_min_max_vals() in kernel/bpf/verifier.c.
 */
#include "verify/alu.h"
#include "abi/uapi.h"
#include "verify/prune.h"
#include "verify/walk.h"
#include <errno.h>

static bool is_alu64(const struct insn *i)
{
	return INSN_CLASS(i->code) == CLS_ALU64;
}

static bool has_src(const struct insn *i)
{
	return INSN_SRC(i->code) == SRC_X;
}

bool ptr_is_value(const struct verify *v, const struct reg *r)
{
	return !v->allow_ptr_leaks && r->type != REG_SCALAR;
}

int reg_sane(struct verify *v, struct reg *r, const char *what)
{
	const char *flaw = scalar_flaw(&r->val);
	const struct scalar *s = &r->val;

	if (!flaw)
		return 0;
	v_log(v,
	      "verifier bug: REG INVARIANTS VIOLATION (%s): %s u64=[0x%llx, 0x%llx] "
	      "s64=[0x%llx, 0x%llx] u32=[0x%x, 0x%x] s32=[0x%x, 0x%x] var_off=(0x%llx, 0x%llx)\n",
	      what, flaw, (unsigned long long)s->umin, (unsigned long long)s->umax,
	      (unsigned long long)s->smin, (unsigned long long)s->smax, s->umin32, s->umax32,
	      (u32)s->smin32, (u32)s->smax32, (unsigned long long)s->bits.value,
	      (unsigned long long)s->bits.mask);
	if (v->test_reg_invariants)
		return -EFAULT;
	scalar_unbound(&r->val);
	return 0;
}

void scalar_id_drop(struct reg *r)
{
	r->id = 0;
	r->off = 0;
}

/* A distance does not add up, so a number that has one starts a new group of equal numbers. */
void scalar_id_before_mov(struct verify *v, struct reg *src)
{
	if (src->type != REG_SCALAR)
		return;
	if (src->id & ID_ADD_CONST)
		scalar_id_drop(src);
	if (!src->id && !scalar_is_const(&src->val))
		src->id = ++v->id_gen;
}

/* ---- fields that must be 0 ---- */

static int reserved(struct verify *v, const char *what)
{
	return v_refuse(v, -EINVAL, WHY_STRUCTURE, "%s uses reserved fields", what);
}

static bool has_arena(const struct verify *v)
{
	for (u32 k = 0; k < v->maps.n; k++)
		if (v->maps.p[k]->type == BPF_MAP_TYPE_ARENA)
			return true;
	return false;
}

static int mov_fields(struct verify *v, const struct insn *i)
{
	bool is64 = is_alu64(i);

	if (!has_src(i))
		return i->src || i->off ? reserved(v, "BPF_MOV") : 0;
	if (is64 && i->off == ALU_ADDR_SPACE_CAST) {
		if (i->imm != 1 && i->imm != 1 << 16)
			return v_refuse(v, -EINVAL, WHY_STRUCTURE,
					"addr_space_cast insn can only convert between address "
					"space 1 and 0");
		if (!has_arena(v))
			return v_refuse(v, -EINVAL, WHY_MAP,
					"addr_space_cast insn can only be used in a program that "
					"has an associated arena");
		return 0;
	}
	if ((i->off && i->off != 8 && i->off != 16 && !(is64 && i->off == 32)) || i->imm)
		return reserved(v, "BPF_MOV");
	return 0;
}

static int alu_fields(struct verify *v, const struct insn *i)
{
	u32 op = INSN_OP(i->code);
	bool may_sign = op == ALU_DIV || op == ALU_MOD;

	switch (op) {
	case ALU_NEG:
		return has_src(i) || i->src || i->off || i->imm ? reserved(v, "BPF_NEG") : 0;
	case ALU_END:
		if (i->src || i->off || (i->imm != 16 && i->imm != 32 && i->imm != 64) ||
		    (is_alu64(i) && has_src(i)))
			return reserved(v, "BPF_END");
		return 0;
	case ALU_MOV:
		return mov_fields(v, i);
	case 0xe0:
	case 0xf0:
		return v_refuse(v, -EINVAL, WHY_STRUCTURE, "invalid BPF_ALU opcode %x", op);
	}
	if (has_src(i) ? i->imm != 0 : i->src != 0)
		return reserved(v, "BPF_ALU");
	if (i->off && !(i->off == ALU_SIGNED && may_sign))
		return reserved(v, "BPF_ALU");
	return 0;
}

/* ---- numbers ---- */

/* A number that is -1 or 0, as "s>>= 63" makes of a sign, is followed as either: an AND or OR with
 * a constant then gives one of two constants instead of anything between.  The other path, with 0,
 * repeats the insn.  Kernel 6.18.y: maybe_fork_scalars(). */
static int fork_sign(struct verify *v, const struct insn *i, struct reg *dst)
{
	struct scalar *s = &dst->val;
	bool whole = s->smin == -1 && s->smax == 0;
	struct state *other;
	struct reg *zero;

	if (!whole && !(s->smin32 == -1 && s->smax32 == 0))
		return 0;
	other = path_push(v, v->pc, v->pc, false);
	if (!other)
		return v->res->err = -ENOMEM; /* whatever the reason */
	zero = &state_cur(other)->regs[i->dst];
	if (whole) {
		reg_const(zero, 0);
		reg_const(dst, UINT64_MAX);
	} else {
		scalar_set_low(&zero->val, 0);
		scalar_set_low(s, UINT32_MAX);
	}
	return 0;
}

/* dst OP src of two numbers; src may be dst.  A result that no rule covers is unknown. */
static int number_op(struct verify *v, const struct insn *i, struct reg *dst, struct scalar src)
{
	u32 op = INSN_OP(i->code);
	int err = 0;

	if (!scalar_alu_known(i, &src)) {
		reg_unknown(v, dst);
		return 0;
	}
	if (spec_alu_needed((u8)op))
		err = spec_val_alu(v, i);
	if (!err && (op == ALU_AND || op == ALU_OR) && scalar_is_const(&src))
		err = fork_sign(v, i, dst);
	if (err)
		return err;
	scalar_alu(i, &dst->val, src);
	return 0;
}

/* "r1 = r2; r1 += 5": r1 stays linked to r2 by its id, at a distance, so that what is learnt of one
 * is learnt of the other.  One step only; any other operation ends the link.
 *
 * before is dst's unsigned maximum before the insn: a 32-bit addition cuts off an upper half. */
static void keep_link(const struct verify *v, const struct insn *i, struct reg *dst,
		      const struct scalar *src, u64 before)
{
	bool is32 = !is_alu64(i), is_sub = INSN_OP(i->code) == ALU_SUB;
	struct tnum t = is32 ? tnum_subreg(src->bits) : src->bits;
	s64 distance = is32 ? (s32)t.value : (s64)t.value;

	if (!v->bpf_capable || (INSN_OP(i->code) != ALU_ADD && !is_sub) || !dst->id ||
	    !tnum_is_const(t) || (has_src(i) && i->src == i->dst) || dst->id & ID_ADD_CONST ||
	    (is32 && before > UINT32_MAX) || distance != (s32)distance ||
	    (is_sub && distance == INT32_MIN)) {
		scalar_id_drop(dst);
		return;
	}
	dst->id |= is32 ? ID_ADD_CONST32 : ID_ADD_CONST64;
	dst->off = (s32)(is_sub ? -distance : distance);
}

/* Anything may be done to arena pointers: their upper half is put back before use. */
static int arena_op(struct verify *v, const struct insn *i, struct reg *dst, const struct reg *src)
{
	if (dst->type != PTR_ARENA)
		*dst = *src;
	dst->subreg_def = (s32)v->pc + 1;
	if (is_alu64(i))
		v->aux[v->pc].needs_zext = true;
	return 0;
}

static int two_pointers(struct verify *v, const struct insn *i)
{
	static const char *const text[16] = {
#define ALU(name, code, text_, result) [(code) >> 4] = text_,
#include "isa/alu.def"
#undef ALU
	};

	if (INSN_OP(i->code) == ALU_SUB && v->allow_ptr_leaks) {
		reg_unknown_at(v, v_regs(v), i->dst);
		return 0;
	}
	return v_refuse_reg(v, -EACCES, WHY_ARITH, i->dst, "R%u pointer %s pointer prohibited",
			    i->dst, text[INSN_OP(i->code) >> 4]);
}

/* Numbers that a pointer moves by, and those that a precise number is made of, matter exactly. */
static int precise_operand(struct verify *v, const struct insn *i, const struct reg *dst,
			   const struct reg *src)
{
	if (src->type != REG_SCALAR)
		return precise_reg(v, i->dst);
	if (dst->type != REG_SCALAR || dst->precise)
		return precise_reg(v, i->src);
	return 0;
}

static int binary_op(struct verify *v, struct insn *i)
{
	struct reg *dst = v_reg(v, i->dst), *src = has_src(i) ? v_reg(v, i->src) : NULL;
	struct reg off = { .type = REG_SCALAR };
	struct scalar operand;
	u64 before;
	int err;

	if (dst->type == PTR_ARENA || (src && src->type == PTR_ARENA))
		return arena_op(v, i, dst, src);
	if (src) {
		if (src->type != REG_SCALAR && dst->type != REG_SCALAR)
			return two_pointers(v, i);
		err = precise_operand(v, i, dst, src);
		if (err)
			return err;
		if (src->type != REG_SCALAR) { /* number += pointer */
			off = *dst;
			return alu_ptr(v, i, src, &off);
		}
	} else {
		reg_const(&off, (u64)(s64)i->imm);
		src = &off;
	}
	if (dst->type != REG_SCALAR)
		return alu_ptr(v, i, dst, src);

	operand = src->val;
	before = dst->val.umax;
	err = number_op(v, i, dst, operand);
	if (err)
		return err;
	keep_link(v, i, dst, &operand, before);
	return 0;
}

/* ---- insns ---- */

/* NEG and byte order.  A pointer that may be leaked becomes an unknown number, and so did every number
 * before kernel 6.17. */
static int unary_op(struct verify *v, struct insn *i)
{
	struct reg *dst;
	int err = reg_use(v, i->dst, USE_SRC);

	if (err)
		return err;
	dst = v_reg(v, i->dst);
	if (ptr_is_value(v, dst))
		return v_refuse_reg(v, -EACCES, WHY_ARITH, i->dst,
				    "R%u pointer arithmetic prohibited", i->dst);
	if (dst->type != REG_SCALAR || !profile_since(v->k, 6, 17))
		return reg_use(v, i->dst, USE_DST);
	err = reg_use(v, i->dst, USE_DST_NO_MARK);
	if (err)
		return err;
	if (INSN_OP(i->code) == ALU_NEG) {
		struct scalar val = dst->val;

		reg_const(dst, 0);
		dst->val = val;
		return number_op(v, i, dst, val);
	}
	if (scalar_end_swaps(i) || i->imm != 64)
		scalar_id_drop(dst);
	scalar_end(i, &dst->val);
	return 0;
}

/* dst = (s8, s16, s32) src in 64 bits.  A value that the extension leaves as it is stays linked. */
static int mov_sext(struct verify *v, const struct insn *i, struct reg *dst, struct reg *src)
{
	bool same = src->val.umax < 1ull << (i->off - 1);

	if (ptr_is_value(v, src))
		return v_refuse_reg(v, -EACCES, WHY_LEAK, i->src,
				    "R%u sign-extension part of pointer", i->src);
	if (src->type != REG_SCALAR) {
		reg_unknown_at(v, v_regs(v), i->dst);
		return 0;
	}
	if (same)
		scalar_id_before_mov(v, src);
	reg_copy(dst, src);
	if (!same)
		scalar_id_drop(dst);
	scalar_sext(&dst->val, (u32)i->off / 8);
	dst->subreg_def = 0;
	return 0;
}

/* The low half of src, or a part of it sign-extended to 32 bits. */
static int mov32(struct verify *v, const struct insn *i, struct reg *dst, struct reg *src)
{
	bool same = src->val.umax < (i->off ? 1ull << (i->off - 1) : 1ull << 32);

	if (ptr_is_value(v, src))
		return v_refuse_reg(v, -EACCES, WHY_LEAK, i->src, "R%u partial copy of pointer",
				    i->src);
	if (src->type == REG_SCALAR) {
		if (same)
			scalar_id_before_mov(v, src);
		reg_copy(dst, src);
		if (!same)
			scalar_id_drop(dst);
		dst->subreg_def = (s32)v->pc + 1;
		if (i->off)
			scalar_sext32(&dst->val, (u32)i->off / 8);
	} else {
		reg_unknown_at(v, v_regs(v), i->dst);
	}
	scalar_zext32(&dst->val);
	scalar_sync(&dst->val);
	return 0;
}

static int mov_reg(struct verify *v, const struct insn *i)
{
	struct reg *dst = v_reg(v, i->dst), *src = v_reg(v, i->src);

	if (!is_alu64(i))
		return mov32(v, i, dst, src);
	if (i->imm) { /* a cast between address spaces; 1: from the arena's to the kernel's */
		reg_unknown_at(v, v_regs(v), i->dst);
		if (i->imm == 1) {
			dst->type = PTR_ARENA;
			dst->subreg_def = (s32)v->pc + 1; /* arena pointers have 32 bits */
		}
		return 0;
	}
	if (i->off)
		return mov_sext(v, i, dst, src);
	scalar_id_before_mov(v, src);
	reg_copy(dst, src);
	dst->subreg_def = 0;
	return 0;
}

static int mov(struct verify *v, const struct insn *i)
{
	struct reg *dst;
	int err = has_src(i) ? reg_use(v, i->src, USE_SRC) : 0;

	if (!err)
		err = reg_use(v, i->dst, USE_DST_NO_MARK);
	if (err)
		return err;
	if (has_src(i))
		return mov_reg(v, i);
	reg_unknown_at(v, v_regs(v), i->dst);
	dst = v_reg(v, i->dst);
	reg_const(dst, is_alu64(i) ? (u64)(s64)i->imm : (u32)i->imm);
	return 0;
}

/* A constant operand that the operation can't have. */
static int check_constant(struct verify *v, const struct insn *i)
{
	u32 op = INSN_OP(i->code);

	if (has_src(i))
		return 0;
	if ((op == ALU_DIV || op == ALU_MOD) && !i->imm)
		return v_refuse(v, -EINVAL, WHY_ARITH, "div by zero");
	if ((op == ALU_LSH || op == ALU_RSH || op == ALU_ARSH) &&
	    (u32)i->imm >= (is_alu64(i) ? 64u : 32u))
		return v_refuse(v, -EINVAL, WHY_ARITH, "invalid shift %d", i->imm);
	return 0;
}

static int binary(struct verify *v, struct insn *i)
{
	int err = has_src(i) ? reg_use(v, i->src, USE_SRC) : 0;

	if (!err)
		err = reg_use(v, i->dst, USE_SRC);
	if (!err)
		err = check_constant(v, i);
	if (!err)
		err = reg_use(v, i->dst, USE_DST_NO_MARK);
	return err ? err : binary_op(v, i);
}

int alu_check(struct verify *v, struct insn *i)
{
	int err = alu_fields(v, i);

	if (err)
		return err;
	switch (INSN_OP(i->code)) {
	case ALU_NEG:
	case ALU_END:
		err = unary_op(v, i);
		break;
	case ALU_MOV:
		err = mov(v, i);
		break;
	default:
		err = binary(v, i);
		break;
	}
	return err ? err : reg_sane(v, v_reg(v, i->dst), "alu");
}

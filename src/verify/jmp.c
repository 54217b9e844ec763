/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/jmp.c - conditional jumps: which sides can be, and what is known on each.
 *
 * Numbers are compared by scalar_jmp.c, pointers by jmp_ptr.c.  Kernel 6.18: check_cond_jmp_op(),
 * is_branch_taken(), reg_set_min_max() in kernel/bpf/verifier.c.
 */
#include "verify/jmp.h"
#include "verify/alu.h"
#include "verify/log.h"
#include "verify/prune.h"
#include "verify/walk.h"
#include <errno.h>

/* The comparison of one insn.  src is a register, or k for an immediate. */
struct cond {
	const struct insn *i;
	u32 op;
	bool is32, has_src;
	struct reg *dst, *src;
	struct reg k;
};

/* may_goto: the kernel counts how often, so both sides are always explored.  The path that falls
 * through comes again round a loop; numbers that differ from the last time, and that do not matter,
 * are forgotten there, so that it ends. */
static int may_goto(struct verify *v, const struct insn *i, u32 *pc)
{
	struct state *prev = NULL, *other;

	if (i->code != (CLS_JMP | JMP_JCOND) || i->src || i->dst || i->imm)
		return v_refuse(v, -EINVAL, WHY_STRUCTURE, "invalid may_goto imm %d", i->imm);
	if (v->cur->parent)
		prev = prune_prev_entry(v, v->cur->parent, *pc);
	other = path_push(v, *pc + 1, *pc, false);
	if (!other)
		return v->res->err = -ENOMEM; /* whatever the reason */
	other->may_goto_depth++;
	if (prev)
		widen_imprecise(v, prev, other);
	*pc += (u32)i->off;
	return 0;
}

static int reserved(struct verify *v)
{
	return v_refuse(v, -EINVAL, WHY_STRUCTURE, "BPF_JMP/JMP32 uses reserved fields");
}

/* Reads the operands.  A comparison with a pointer tells of its address. */
static int operands(struct verify *v, struct cond *c)
{
	const struct insn *i = c->i;
	int err = reg_use(v, i->dst, USE_SRC);

	if (err)
		return err;
	c->dst = v_reg(v, i->dst);
	if (!c->has_src) {
		if (i->src)
			return reserved(v);
		c->k = (struct reg){ .type = REG_SCALAR };
		reg_const(&c->k, (u64)(s64)i->imm);
		c->src = &c->k;
		return 0;
	}
	if (i->imm)
		return reserved(v);
	err = reg_use(v, i->src, USE_SRC);
	if (err)
		return err;
	c->src = v_reg(v, i->src);
	if (ptr_is_value(v, c->src) && !(ptr_is_pkt_any(c->dst) && ptr_is_pkt_any(c->src)))
		return v_refuse_reg(v, -EACCES, WHY_LEAK, i->src,
				    "R%u pointer comparison prohibited", i->src);
	return 0;
}

/* Walking back must not take stack pointers for numbers. */
static int note_stack_ptrs(struct verify *v, const struct cond *c)
{
	u32 flags = (c->dst->type == PTR_STACK ? HIST_DST_STACK : 0) |
		    (c->src->type == PTR_STACK ? HIST_SRC_STACK : 0);

	return flags ? hist_push(v, v->cur, flags, 0) : 0;
}

/* A pointer that is not null, compared with 0.  So decides 6.18 of the low half, too, though that of a
 * good pointer may well be 0. */
static int null_branch(const struct verify *v, const struct reg *a, const struct reg *b, u32 op,
		       bool is32)
{
	if (is32 && v->k->sound)
		return -1;
	if (!reg_is_const(b, is32)) {
		const struct reg *other = a;

		a = b;
		b = other;
		op = jmp_flip(op);
	}
	if (!reg_is_const(b, is32) || !reg_not_null(a) || reg_const_value(b, is32))
		return -1;
	return op == JMP_JEQ ? 0 : op == JMP_JNE ? 1 : -1;
}

/* 1 always taken, 0 never, -1 not known.  Kernel 6.18: is_branch_taken(). */
static int branch_taken(const struct verify *v, const struct cond *c)
{
	if (ptr_is_pkt_any(c->dst) && ptr_is_pkt_any(c->src) && !c->is32)
		return jmp_packet_branch(c->dst, c->src, c->op);
	if (c->dst->type != REG_SCALAR || c->src->type != REG_SCALAR)
		return null_branch(v, c->dst, c->src, c->op, c->is32);
	return scalar_branch(&c->dst->val, &c->src->val, (enum jmp_op)c->op, c->is32);
}

static void log_both(struct verify *v)
{
	if (v->opts.log_level & (VERIFY_LOG1 | VERIFY_LOG2))
		log_insn_state(v, v->cur, v->cur->curframe);
}

/* Goes the one way.  The values that decided it matter; the other way may be speculated. */
static int follow(struct verify *v, const struct cond *c, bool taken, u32 *pc)
{
	const struct insn *i = c->i;
	u32 target = *pc + (u32)i->off + 1;
	int err = 0;

	if (c->dst->type == REG_SCALAR)
		err = precise_reg(v, i->dst);
	if (!err && c->has_src && c->src->type == REG_SCALAR)
		err = precise_reg(v, i->src);
	if (!err && !v->bypass_spec_v1)
		err = spec_path(v, i, taken ? *pc + 1 : target, *pc);
	if (err)
		return err;
	log_both(v);
	if (taken)
		*pc = target - 1;
	return 0;
}

/* Notes the numbers linked to the operands, for both sides: before the other side is copied. */
static int note_linked(struct verify *v, const struct cond *c, struct linked_regs *l)
{
	if (c->has_src && c->src->type == REG_SCALAR && c->src->id)
		linked_collect(v, v->cur, c->src->id, l);
	if (c->dst->type == REG_SCALAR && c->dst->id)
		linked_collect(v, v->cur, c->dst->id, l);
	return l->n > 1 ? hist_push(v, v->cur, 0, linked_pack(l)) : 0;
}

/* Each side knows the outcome.  A register that is compared with itself is both operands at once: what
 * one learns, the other has.  Kernel 6.18: reg_set_min_max(). */
static int refine(struct verify *v, const struct cond *c, struct reg *taken_regs)
{
	struct reg taken[2] = { *c->dst, *c->src }, fall[2] = { *c->dst, *c->src };
	u32 second = c->has_src && c->i->dst == c->i->src ? 0 : 1;
	int err;

	if (c->dst->type != REG_SCALAR || c->src->type != REG_SCALAR)
		return 0;
	scalar_refine(&fall[0].val, &fall[second].val, jmp_negate(c->op), c->is32);
	scalar_refine(&taken[0].val, &taken[second].val, c->op, c->is32);
	err = reg_sane(v, &taken[0], "true_reg1");
	err = err ? err : reg_sane(v, &taken[1], "true_reg2");
	err = err ? err : reg_sane(v, &fall[0], "false_reg1");
	err = err ? err : reg_sane(v, &fall[1], "false_reg2");
	if (err)
		return err;
	*c->dst = fall[0];
	taken_regs[c->i->dst] = taken[0];
	if (c->has_src) {
		*c->src = fall[second];
		taken_regs[c->i->src] = taken[second];
	}
	return 0;
}

static void sync_linked(struct verify *v, struct state *other, u32 regno,
			const struct linked_regs *l)
{
	struct reg *r = v_reg(v, regno), *r2 = &state_cur(other)->regs[regno];

	if (r->type != REG_SCALAR || !r->id || r->id != r2->id)
		return;
	linked_sync(v, v->cur, r, l);
	linked_sync(v, other, r2, l);
}

/* Two pointers that are equal are both not null, if one is.  Not for kernel structs, which may be
 * null whatever their type says. */
static void equal_ptrs(struct verify *v, const struct cond *c, struct reg *taken_regs)
{
	struct reg *equal = c->op == JMP_JEQ ? taken_regs : c->op == JMP_JNE ? v_regs(v) : NULL;

	if (!equal || c->is32 || !c->has_src || c->dst->type == REG_SCALAR ||
	    c->src->type == REG_SCALAR || REG_BASE(c->dst->type) == PTR_BTF ||
	    REG_BASE(c->src->type) == PTR_BTF)
		return;
	if (reg_not_null(c->dst) && type_may_be_null(c->src->type))
		reg_mark_not_null(&equal[c->i->src]);
	if (reg_not_null(c->src) && type_may_be_null(c->dst->type))
		reg_mark_not_null(&equal[c->i->dst]);
}

static int compare_ptrs(struct verify *v, const struct cond *c, struct state *other)
{
	const struct insn *i = c->i;

	equal_ptrs(v, c, state_cur(other)->regs);
	if (!c->is32 && !c->has_src && !i->imm && (c->op == JMP_JEQ || c->op == JMP_JNE) &&
	    type_may_be_null(c->dst->type)) {
		ptr_or_null(v, v->cur, i->dst, c->op == JMP_JNE);
		ptr_or_null(v, other, i->dst, c->op == JMP_JEQ);
		return 0;
	}
	if (!jmp_packet(i, c->dst, c->src, v->cur, other) && ptr_is_value(v, c->dst))
		return v_refuse_reg(v, -EACCES, WHY_LEAK, i->dst,
				    "R%u pointer comparison prohibited", i->dst);
	return 0;
}

/* Both sides can be: the path goes on behind the insn, the other side waits. */
static int go_both_ways(struct verify *v, const struct cond *c, u32 pc)
{
	struct linked_regs linked = { 0 };
	struct state *other;
	int err = note_linked(v, c, &linked);

	if (err)
		return err;
	other = path_push(v, pc + (u32)c->i->off + 1, pc, false);
	if (!other)
		return path_error(v);
	err = refine(v, c, state_cur(other)->regs);
	if (err)
		return err;
	if (c->has_src)
		sync_linked(v, other, c->i->src, &linked);
	sync_linked(v, other, c->i->dst, &linked);
	err = compare_ptrs(v, c, other);
	if (err)
		return err;
	log_both(v);
	return 0;
}

int jmp_check(struct verify *v, struct insn *i, u32 *pc)
{
	struct cond c = {
		.i = i,
		.op = INSN_OP(i->code),
		.is32 = INSN_CLASS(i->code) == CLS_JMP32,
		.has_src = INSN_SRC(i->code) == SRC_X,
	};
	int err, taken;

	if (c.op == JMP_JA || c.op > JMP_JCOND)
		return v_refuse(v, -EINVAL, WHY_STRUCTURE, "invalid BPF_JMP/JMP32 opcode %x", c.op);
	if (c.op == JMP_JCOND)
		return may_goto(v, i, pc);
	err = operands(v, &c);
	if (!err)
		err = note_stack_ptrs(v, &c);
	if (err)
		return err;
	taken = branch_taken(v, &c);
	return taken < 0 ? go_both_ways(v, &c, *pc) : follow(v, &c, taken, pc);
}

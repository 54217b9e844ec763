/* SPDX-License-Identifier: BSD-2-Clause */
/* gen/select.c - values to machine insns.
 *
 * A value of a type narrower than 64 bits is held zero-extended.  Constants, map addresses and frame
 * addresses are made where they are used, each time anew.  A comparison is no insn of its own: the
 * branch that uses it compares (ir/lower.c sees to it that nothing else does).
 */
#include "gen/mach.h"
#include "ir/pass.h"
#include <errno.h>

enum { ALU64_IMM = CLS_ALU64 | SRC_K, ALU64_REG = CLS_ALU64 | SRC_X, ALU32_IMM = CLS_ALU | SRC_K,
       ALU32_REG = CLS_ALU | SRC_X };

struct select {
	struct mach_fn *g;
	u32 *vreg;       /* of each value by id; NO_REG: none yet */
	u32 *place;      /* of each block by id: its place in the order */
	const struct val *now;
	struct mach lost;  /* takes insns that memory lacks for */
};

u32 vreg_new(struct mach_fn *g)
{
	if (!vec_push(&g->no_spill, false))
		g->failed = true;
	return g->n_vregs++;
}

static struct mach *add(struct select *s, enum mach_kind kind, u8 code, u32 dst, u32 src)
{
	struct mach *m = vec_add(&s->g->insns);

	if (!m) {
		s->g->failed = true;
		m = &s->lost;
	}
	*m = (struct mach){ .kind = kind, .code = code, .dst = dst, .src = src, .slot = -1,
			    .val = s->now };
	return m;
}

static bool fits(s64 v)
{
	return v == (s32)v;
}

static u64 mask_of(enum ir_type t)
{
	u32 bits = ir_type_bits(t);

	return bits >= 64 ? UINT64_MAX : (1ull << bits) - 1;
}

/* A constant as its zero-extended register holds it. */
static u64 held(const struct val *c)
{
	return (u64)c->imm & mask_of(c->type);
}

/* ---- operands ---- */

static void move_imm(struct select *s, u32 dst, u64 v)
{
	struct mach *m;

	if (fits((s64)v)) {
		m = add(s, MACH_INSN, ALU64_IMM | ALU_MOV, dst, NO_REG);
	} else if (v <= UINT32_MAX) {
		m = add(s, MACH_INSN, ALU32_IMM | ALU_MOV, dst, NO_REG);
	} else {
		m = add(s, MACH_WIDE, 0, dst, NO_REG);
	}
	m->imm = (s64)v;
	m->writes_dst_only = m->remake = true;
}

static void move(struct select *s, u32 dst, u32 src, bool is64)
{
	add(s, MACH_INSN, (u8)((is64 ? ALU64_REG : ALU32_REG) | ALU_MOV), dst, src)
		->writes_dst_only = true;
}

static void make_ref(struct select *s, u32 dst, const struct val *v)
{
	static const enum mach_ref refs[OP_MAX] = {
		[OP_MAP] = REF_MAP, [OP_GLOBAL] = REF_GLOBAL, [OP_FUNC] = REF_FUNC,
		[OP_EXTERN] = REF_EXTERN, [OP_CORE] = REF_CORE,
	};
	struct mach *m = v->op == OP_CORE ?
				 add(s, MACH_INSN, ALU64_IMM | ALU_MOV, dst, NO_REG) :
				 add(s, MACH_WIDE, 0, dst, NO_REG);

	m->ref = refs[v->op];
	m->index = v->index;
	m->imm = v->imm;
	m->writes_dst_only = m->remake = true;
}

/* The alloca and distance that a frame address comes to, NULL: it is none. */
static const struct val *frame_addr(const struct val *p, s64 *off)
{
	*off = 0;
	while (p->op == OP_PTRADD && p->args[1]->op == OP_CONST) {
		*off += p->args[1]->imm;
		p = p->args[0];
	}
	return p->op == OP_ALLOCA ? p : NULL;
}

/* Puts v into dst. */
static void put(struct select *s, u32 dst, const struct val *v)
{
	const struct val *alloca;
	struct mach *m;
	s64 off;

	switch (v->op) {
	case OP_CONST:
		move_imm(s, dst, held(v));
		return;
	case OP_UNDEF:
		move_imm(s, dst, 0);
		return;
	case OP_MAP: case OP_GLOBAL: case OP_FUNC: case OP_EXTERN: case OP_CORE:
		make_ref(s, dst, v);
		return;
	default:
		break;
	}
	alloca = v->type == IR_PTR ? frame_addr(v, &off) : NULL;
	if (alloca) {
		m = add(s, MACH_LEA, 0, dst, NO_REG);
		m->frame = alloca;
		m->imm = off;
		m->writes_dst_only = m->remake = true;
		return;
	}
	move(s, dst, s->vreg[v->id], true);
}

static u32 reg_of(struct select *s, const struct val *v)
{
	u32 r = s->vreg[v->id];
	s64 off;

	if (r != NO_REG && !(v->type == IR_PTR && frame_addr(v, &off)))
		return r;
	r = vreg_new(s->g);
	put(s, r, v);
	return r;
}

static u32 result(struct select *s, const struct val *v)
{
	if (s->vreg[v->id] == NO_REG)
		s->vreg[v->id] = vreg_new(s->g);
	return s->vreg[v->id];
}

/* ---- arithmetic ---- */

static void alu_imm(struct select *s, bool is64, enum alu_op op, u32 dst, s64 imm)
{
	add(s, MACH_INSN, (u8)((is64 ? ALU64_IMM : ALU32_IMM) | op), dst, NO_REG)->imm = imm;
}

static void alu_reg(struct select *s, bool is64, enum alu_op op, u32 dst, u32 src)
{
	add(s, MACH_INSN, (u8)((is64 ? ALU64_REG : ALU32_REG) | op), dst, src);
}

static void trim(struct select *s, u32 dst, enum ir_type t)
{
	if (t == IR_I1 || t == IR_I8 || t == IR_I16)
		alu_imm(s, false, ALU_AND, dst, (s64)mask_of(t));
}

/* Sign-extends the low bits of dst, to 64 or 32 bits. */
static void sign_extend(struct select *s, u32 dst, u32 from, bool to64)
{
	u32 shift = (to64 ? 64 : 32) - from;

	if (!shift)
		return;
	alu_imm(s, to64, ALU_LSH, dst, shift);
	alu_imm(s, to64, ALU_ARSH, dst, shift);
}

static const struct {
	enum ir_op op;
	enum alu_op alu;
	bool grows;      /* the result may be wider than the type */
} alu_ops[] = {
	{ OP_ADD, ALU_ADD, true }, { OP_SUB, ALU_SUB, true }, { OP_MUL, ALU_MUL, true },
	{ OP_UDIV, ALU_DIV, false }, { OP_UREM, ALU_MOD, false }, { OP_AND, ALU_AND, false },
	{ OP_OR, ALU_OR, false }, { OP_XOR, ALU_XOR, false }, { OP_SHL, ALU_LSH, true },
	{ OP_LSHR, ALU_RSH, false }, { OP_ASHR, ALU_ARSH, true }, { OP_PTRADD, ALU_ADD, false },
};

static void select_alu(struct select *s, const struct val *v, u32 which)
{
	const struct val *x = v->args[0], *y = v->args[1];
	u32 bits = ir_type_bits(v->type), dst = result(s, v);
	bool is64 = bits == 64, is_shift = v->op == OP_SHL || v->op == OP_LSHR || v->op == OP_ASHR;
	enum alu_op op = alu_ops[which].alu;

	put(s, dst, x);
	if (v->op == OP_ASHR && bits < 32)
		sign_extend(s, dst, bits, false);
	if (y->op == OP_CONST && is_shift) {
		alu_imm(s, is64, op, dst, (s64)((u64)y->imm & (bits - 1)));
	} else if (y->op == OP_CONST && (is64 ? fits(y->imm) : true) &&
		   !((op == ALU_DIV || op == ALU_MOD) && !held(y))) {
		alu_imm(s, is64, op, dst, is64 ? y->imm : (s32)held(y));
	} else {
		u32 src = reg_of(s, y);

		if (is_shift && bits < 32) {
			u32 count = vreg_new(s->g);

			move(s, count, src, true);
			alu_imm(s, false, ALU_AND, count, bits - 1);
			src = count;
		}
		alu_reg(s, is64, op, dst, src);
	}
	if (alu_ops[which].grows)
		trim(s, dst, v->type);
}

/* The register of the argument holds the result, too: an extension by zeroes, a pointer as a number.  A
 * phi's changes at the loop's end, while the result may live on. */
static bool is_same_reg(const struct select *s, const struct val *v)
{
	const struct val *x = v->args[0];
	s64 off;

	return (v->op == OP_ZEXT || v->op == OP_PTRTOINT || v->op == OP_INTTOPTR) && x->op != OP_PHI &&
	       s->vreg[v->id] == NO_REG && s->vreg[x->id] != NO_REG &&
	       !(x->type == IR_PTR && frame_addr(x, &off));
}

static void select_cast(struct select *s, const struct val *v)
{
	u32 dst, from = ir_type_bits(v->args[0]->type);

	if (is_same_reg(s, v)) {
		s->vreg[v->id] = s->vreg[v->args[0]->id];
		return;
	}
	dst = result(s, v);
	if (v->op == OP_TRUNC && v->type == IR_I32) {
		move(s, dst, reg_of(s, v->args[0]), false);
		return;
	}
	put(s, dst, v->args[0]);
	if (v->op == OP_TRUNC)
		trim(s, dst, v->type);
	if (v->op != OP_SEXT)
		return;
	sign_extend(s, dst, from, v->type == IR_I64);
	trim(s, dst, v->type);
}

static void select_bswap(struct select *s, const struct val *v)
{
	u32 dst = result(s, v);

	put(s, dst, v->args[0]);
	add(s, MACH_INSN, CLS_ALU | ALU_END | SRC_X, dst, NO_REG)->imm = ir_type_bits(v->type);
}

/* ---- memory ---- */

static u8 size_code(enum ir_type t)
{
	switch (ir_type_bytes(t)) {
	case 1: return SZ_B;
	case 2: return SZ_H;
	case 4: return SZ_W;
	default: return SZ_DW;
	}
}

/* Fills in where m accesses: a frame place, or a register and an offset. */
static void address(struct select *s, const struct val *p, s64 off, const struct val **frame,
		    u32 *base, s32 *disp)
{
	s64 more;

	*frame = frame_addr(p, &more);
	*disp = (s32)(off + (*frame ? more : 0));
	*base = *frame ? PHYS_REG(REG_FP) : reg_of(s, p);
}

static void select_load(struct select *s, const struct val *v)
{
	const struct val *frame;
	struct mach *m;
	u32 base;
	s32 off;

	address(s, v->args[0], v->imm, &frame, &base, &off);
	m = add(s, MACH_INSN, CLS_LDX | MODE_MEM | size_code(v->type), result(s, v), base);
	m->frame = frame;
	m->off = off;
	m->writes_dst_only = true;
}

static void select_store(struct select *s, const struct val *v)
{
	const struct val *x = v->args[0], *frame;
	bool imm = x->op == OP_CONST && fits(x->imm) && v->args[1]->space != SPACE_CTX;
	struct mach *m;
	u32 base, src = NO_REG;
	s32 off;

	if (!imm)
		src = reg_of(s, x);
	address(s, v->args[1], v->imm, &frame, &base, &off);
	m = add(s, MACH_INSN, (u8)((imm ? CLS_ST : CLS_STX) | MODE_MEM | size_code(x->type)), base,
		src);
	m->imm = imm ? x->imm : 0;
	m->frame = frame;
	m->off = off;
}

static void select_atomic(struct select *s, const struct val *v)
{
	u32 src = v->type == IR_VOID ? reg_of(s, v->args[0]) : result(s, v), base;
	const struct val *frame;
	struct mach *m;
	s32 off;

	if (v->type != IR_VOID)
		put(s, src, v->args[0]);
	address(s, v->args[1], v->imm, &frame, &base, &off);
	m = add(s, MACH_INSN, CLS_STX | MODE_ATOMIC | size_code(v->args[0]->type), base, src);
	m->imm = v->index;
	m->frame = frame;
	m->off = off;
}

static void select_cmpxchg(struct select *s, const struct val *v)
{
	u32 src = reg_of(s, v->args[1]), base;
	const struct val *frame;
	struct mach *m;
	s32 off;

	address(s, v->args[2], v->imm, &frame, &base, &off);
	put(s, PHYS_REG(0), v->args[0]);
	m = add(s, MACH_INSN, CLS_STX | MODE_ATOMIC | size_code(v->args[1]->type), base, src);
	m->imm = ATOMIC_CMPXCHG;
	m->frame = frame;
	m->off = off;
	move(s, result(s, v), PHYS_REG(0), true);
}

/* ---- calls and ends ---- */

static void select_call(struct select *s, const struct val *v)
{
	struct mach *m;

	for (u32 i = 0; i < v->n_args; i++)
		put(s, PHYS_REG(i + 1), v->args[i]);
	m = add(s, MACH_CALL, 0, NO_REG, NO_REG);
	m->n_args = (u8)v->n_args;
	m->index = v->index;
	m->imm = v->index;
	m->ref = v->op == OP_CALL ? REF_CALL : v->op == OP_KFUNC ? REF_KFUNC : REF_NONE;
	if (v->type == IR_VOID || !v->n_uses)
		return;
	move(s, result(s, v), PHYS_REG(0), v->type != IR_I32);
	trim(s, result(s, v), v->type);
}

static void jump(struct select *s, u8 code, u32 dst, u32 src, s64 imm, struct blk *to)
{
	struct mach *m = add(s, MACH_JMP, code, dst, src);

	m->imm = imm;
	m->to = s->place[to->id];
}

static const struct {
	enum ir_op op;
	enum jmp_op jmp;
	bool is_signed;
} jmp_ops[] = {
	{ OP_EQ, JMP_JEQ, false },  { OP_NE, JMP_JNE, false },  { OP_ULT, JMP_JLT, false },
	{ OP_ULE, JMP_JLE, false }, { OP_SLT, JMP_JSLT, true }, { OP_SLE, JMP_JSLE, true },
};

/* A register with the value as the comparison wants it. */
static u32 compared(struct select *s, const struct val *v, bool is_signed)
{
	u32 bits = ir_type_bits(v->type), r;

	if (!is_signed || bits >= 32)
		return reg_of(s, v);
	r = vreg_new(s->g);
	put(s, r, v);
	sign_extend(s, r, bits, true);
	return r;
}

static void select_branch(struct select *s, const struct val *v)
{
	const struct val *c = v->args[0];
	struct blk *b = v->blk;

	for (u32 i = 0; i < ARRAY_SIZE(jmp_ops); i++) {
		const struct val *x, *y;
		bool is32, imm;
		u32 dst, src;
		u8 code;

		if (c->op != jmp_ops[i].op || c->blk != b)
			continue;
		x = c->args[0];
		y = c->args[1];
		is32 = x->type == IR_I32;
		imm = y->op == OP_CONST &&
		      (is32 || fits(jmp_ops[i].is_signed || x->type == IR_I64 ? y->imm :
										 (s64)held(y)));
		code = (u8)((is32 ? CLS_JMP32 : CLS_JMP) | jmp_ops[i].jmp);
		dst = compared(s, x, jmp_ops[i].is_signed);
		src = imm ? NO_REG : compared(s, y, jmp_ops[i].is_signed);
		jump(s, code | (imm ? SRC_K : SRC_X), dst, src,
		     !imm			  ? 0 :
		     is32			  ? (s32)y->imm :
		     jmp_ops[i].is_signed || x->type == IR_I64 ? y->imm : (s64)held(y),
		     b->to[0]);
		jump(s, CLS_JMP | JMP_JA, NO_REG, NO_REG, 0, b->to[1]);
		return;
	}
	jump(s, CLS_JMP | JMP_JNE | SRC_K, reg_of(s, c), NO_REG, 0, b->to[0]);
	jump(s, CLS_JMP | JMP_JA, NO_REG, NO_REG, 0, b->to[1]);
}

/* What the phis of the next block are to be.  All are read before any is written where one of them is
 * another's argument. */
static void copy_phis(struct select *s, struct blk *from)
{
	struct blk *to = from->to[0];
	u32 at = 0, n = 0, *temp;
	bool clash = false;

	if (!to || from->to[1])
		return;
	while (at < to->preds.n && to->preds.p[at] != from)
		at++;
	for (struct val *p = to->first; p && p->op == OP_PHI; p = p->next, n++)
		clash |= p->args[at]->op == OP_PHI && p->args[at]->blk == to && p->args[at] != p;
	if (!clash) {
		for (struct val *p = to->first; p && p->op == OP_PHI; p = p->next)
			if (p->args[at] != p)
				put(s, result(s, p), p->args[at]);
		return;
	}
	temp = arena_alloc(s->g->a, n * sizeof(*temp));
	n = 0;
	for (struct val *p = to->first; p && p->op == OP_PHI; p = p->next) {
		temp[n] = vreg_new(s->g);
		put(s, temp[n++], p->args[at]);
	}
	n = 0;
	for (struct val *p = to->first; p && p->op == OP_PHI; p = p->next)
		move(s, result(s, p), temp[n++], true);
}

static void select_val(struct select *s, const struct val *v)
{
	s->now = v;
	for (u32 i = 0; i < ARRAY_SIZE(alu_ops); i++)
		if (alu_ops[i].op == v->op) {
			s64 off;

			if (v->op != OP_PTRADD || !frame_addr(v, &off))
				select_alu(s, v, i);
			return;
		}
	switch (v->op) {
	case OP_ZEXT: case OP_SEXT: case OP_TRUNC: case OP_PTRTOINT: case OP_INTTOPTR:
		select_cast(s, v);
		break;
	case OP_BSWAP:
		select_bswap(s, v);
		break;
	case OP_LOAD:
		select_load(s, v);
		break;
	case OP_STORE:
		select_store(s, v);
		break;
	case OP_ATOMIC:
		select_atomic(s, v);
		break;
	case OP_CMPXCHG:
		select_cmpxchg(s, v);
		break;
	case OP_HELPER: case OP_KFUNC: case OP_CALL:
		select_call(s, v);
		break;
	case OP_JMP:
		copy_phis(s, v->blk);
		jump(s, CLS_JMP | JMP_JA, NO_REG, NO_REG, 0, v->blk->to[0]);
		break;
	case OP_BR:
		select_branch(s, v);
		break;
	case OP_RET:
		if (v->n_args)
			put(s, PHYS_REG(0), v->args[0]);
		else
			move_imm(s, PHYS_REG(0), 0);
		add(s, MACH_EXIT, 0, NO_REG, NO_REG);
		break;
	case OP_UNREACHABLE:
		move_imm(s, PHYS_REG(0), 0);
		add(s, MACH_EXIT, 0, NO_REG, NO_REG);
		break;
	default: /* made where it is used, or nothing at all */
		break;
	}
}

static void select_blk(struct select *s, struct blk *b)
{
	struct mach_blk *mb = vec_add(&s->g->blks);
	u32 first = s->g->insns.n;

	if (!mb) {
		s->g->failed = true;
		return;
	}
	if (b == s->g->fn->entry)
		for (u32 i = 0; i < s->g->fn->params.n; i++) {
			s->now = s->g->fn->params.p[i];
			move(s, result(s, s->now), PHYS_REG(i + 1), true);
		}
	for (struct val *v = b->first; v; v = v->next)
		select_val(s, v);
	*mb = (struct mach_blk){ b, first, s->g->insns.n - first };
}

int select_fn(struct mach_fn *g, struct diag *dg)
{
	struct select s = { .g = g };
	u32 n = 0;

	if (g->fn->params.n > 5)
		return diag_error(dg, (struct place){0}, -EINVAL,
				  "function '%s' has more than five parameters", g->fn->name);
	pass_lower_truth(g->fn);
	pass_split_edges(g->fn);
	fn_count_uses(g->fn);
	s.vreg = arena_alloc(g->a, g->fn->n_vals * sizeof(*s.vreg));
	s.place = arena_alloc(g->a, g->fn->n_blks * sizeof(*s.place));
	for (u32 i = 0; i < g->fn->n_vals; i++)
		s.vreg[i] = NO_REG;
	for (struct blk *b = g->fn->entry; b; b = b->next)
		s.place[b->id] = n++;
	for (struct blk *b = g->fn->entry; b; b = b->next)
		select_blk(&s, b);
	return g->failed ? -ENOMEM : 0;
}

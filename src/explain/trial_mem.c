/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/trial_mem.c - a run, watched: loads and stores, and what wide loads name. */
#include "abi/uapi.h"
#include "exec/exec.h"
#include "explain/watch.h"
#include <stdio.h>

static const char *object_text(const struct watch *w, const struct object *o, char *buf, size_t n)
{
	switch (o->kind) {
	case OBJECT_STACK:
		return "the stack frame";
	case OBJECT_PACKET:
		snprintf(buf, n, "a packet of %u bytes", o->size);
		return buf;
	case OBJECT_VALUE:
		snprintf(buf, n, "a map value of %u bytes", o->size);
		return buf;
	default:
		(void)w;
		snprintf(buf, n, "memory of %u bytes", o->size);
		return buf;
	}
}

/* The same access with other inputs: before the beginning, past the end. */
static void bounds_goals(struct watch *w, const struct object *o, u32 start, u32 size)
{
	const struct insn less = jump_op(JMP_JSLT), more = jump_op(JMP_JSGT), above = jump_op(JMP_JGT);
	u32 limit = o->size_expr ? o->size_expr : expr_const(w->e, o->size);
	u32 end = expr_op64(w->e, ALU_ADD, start, size);

	watch_goal(w, &more, end, limit, true);
	watch_goal(w, &less, start, 0, true);
	watch_goal(w, &above, end, limit, true);
	watch_goal(w, &above, size, limit, true);
}

bool watch_access(struct watch *w, u32 regno, s32 off, u32 size_expr, const char *verb)
{
	struct shade s = *watch_reg(w, regno);
	const struct insn differs = jump_op(JMP_JNE);
	u64 size = expr_value(w->e, size_expr);
	const struct object *o;
	char buf[64];
	s64 start;
	u32 start_expr;

	if (s.kind == SHADE_NUMBER) {
		watch_fault(w, FAULT_NUMBER, "%s through r%u, which holds the number 0x%llx", verb,
			    regno, (unsigned long long)expr_value(w->e, s.expr));
		return false;
	}
	if (!s.object) {
		watch_fault(w, FAULT_NULL, "%s through r%u, which is null", verb, regno);
		return false;
	}
	if (s.null_expr)
		watch_goal(w, &differs, s.null_expr, 0, true);
	o = &w->mem.objects.p[s.object];
	if (!object_is_bounded(o))
		return true;
	start_expr = expr_op64(w->e, ALU_ADD, s.expr, expr_const(w->e, (u64)(s64)off));
	start = (s64)expr_value(w->e, start_expr);
	if (start < 0 || size > o->size || (u64)start > o->size - size) {
		s64 shown = o->kind == OBJECT_STACK ? start - 512 : start;

		watch_fault(w, FAULT_BOUNDS, "%s of %llu bytes at offset %lld of %s", verb,
			    (unsigned long long)size, (long long)shown,
			    object_text(w, o, buf, sizeof(buf)));
		return false;
	}
	bounds_goals(w, o, start_expr, size_expr);
	return true;
}

static s64 place(const struct watch *w, struct shade s, s32 off)
{
	return (s64)expr_value(w->e, s.expr) + off;
}

static struct shade sign_extended(struct watch *w, struct shade s, u32 size)
{
	const struct insn op = { .code = CLS_ALU64 | SRC_X | ALU_MOV, .off = (s16)(size * 8) };

	return s.kind == SHADE_NUMBER ? shade_number(expr_alu(w->e, &op, s.expr, s.expr)) : s;
}

void watch_load(struct watch *w)
{
	const struct insn *i = watch_insn(w);
	u32 size = insn_size_bytes(i->code);
	const struct result *r = &w->plan->results[w->pc];
	struct shade base, got;

	if (!watch_readable(w, i->src) ||
	    !watch_access(w, i->src, i->off, expr_const(w->e, size), "load"))
		return;
	base = *watch_reg(w, i->src);
	if (w->mem.objects.p[base.object].kind != OBJECT_STACK && r->kind > RESULT_NUMBER)
		got = watch_result(w, r, watch_key(w, 1));
	else
		got = memory_load(&w->mem, base.object, place(w, base, i->off), size);
	if (got.kind == SHADE_UNSET) {
		if (watch_at_target(w)) {
			watch_fault(w, FAULT_UNINIT, "load of %u bytes of the stack at fp%d, where "
				    "nothing was ever written", size,
				    (s32)place(w, base, i->off) - 512);
			return;
		}
		got = shade_const(w->e, 0);
	}
	if (INSN_MODE(i->code) == MODE_MEMSX)
		got = sign_extended(w, got, size);
	watch_set(w, i->dst, got);
	watch_skip(w, 1);
}

static struct shade narrowed(struct watch *w, struct shade s, u32 size)
{
	if (size == 8)
		return s;
	if (s.kind == SHADE_POINTER)
		s = shade_const(w->e, shade_bits(&w->mem, s));
	return shade_number(expr_part(w->e, s.expr, 0, size));
}

void watch_store(struct watch *w)
{
	const struct insn *i = watch_insn(w);
	u32 size = insn_size_bytes(i->code);
	bool imm = INSN_CLASS(i->code) == CLS_ST;
	struct shade base, what;

	if ((!imm && !watch_readable(w, i->src)) || !watch_readable(w, i->dst) ||
	    !watch_access(w, i->dst, i->off, expr_const(w->e, size), "store"))
		return;
	base = *watch_reg(w, i->dst);
	what = imm ? shade_const(w->e, (u64)(s64)i->imm) : *watch_reg(w, i->src);
	memory_store(&w->mem, base.object, place(w, base, i->off), size, narrowed(w, what, size));
	watch_skip(w, 1);
}

/* What is stored, given what was there; the comparison of CMPXCHG goes as it goes. */
static struct shade atomic_new(struct watch *w, const struct insn *i, struct shade old, u32 size)
{
	struct shade src = narrowed(w, *watch_reg(w, i->src), size);
	const struct insn equal = jump_op(JMP_JEQ);
	struct shade r0 = *watch_reg(w, 0);
	u32 op = (u32)i->imm & ~(u32)ATOMIC_FETCH;

	if (i->imm == ATOMIC_XCHG)
		return src;
	if (i->imm == ATOMIC_CMPXCHG) {
		bool same = shade_bits(&w->mem, old) ==
			    shade_bits(&w->mem, narrowed(w, r0, size));

		if (old.kind == SHADE_NUMBER && r0.kind == SHADE_NUMBER)
			watch_require(w, &equal, old.expr, expr_part(w->e, r0.expr, 0, size));
		return same ? src : old;
	}
	if (old.kind != SHADE_NUMBER || src.kind != SHADE_NUMBER)
		return old;
	op = op == ATOMIC_ADD ? ALU_ADD : op == ATOMIC_OR ? ALU_OR :
	     op == ATOMIC_AND ? ALU_AND : ALU_XOR;
	return narrowed(w, shade_number(expr_op64(w->e, (enum alu_op)op, old.expr, src.expr)),
			size);
}

void watch_atomic(struct watch *w)
{
	const struct insn *i = watch_insn(w);
	u32 size = insn_size_bytes(i->code);
	struct shade base, old;

	if (i->imm == ATOMIC_LOAD_ACQ || i->imm == ATOMIC_STORE_REL) {
		watch_end(w, TRIAL_ENDED);
		return;
	}
	if (!watch_readable(w, i->src) || !watch_readable(w, i->dst) ||
	    (i->imm == ATOMIC_CMPXCHG && !watch_readable(w, 0)) ||
	    !watch_access(w, i->dst, i->off, expr_const(w->e, size), "atomic operation"))
		return;
	base = *watch_reg(w, i->dst);
	old = memory_load(&w->mem, base.object, place(w, base, i->off), size);
	if (old.kind == SHADE_UNSET)
		old = shade_const(w->e, 0);
	memory_store(&w->mem, base.object, place(w, base, i->off), size,
		     atomic_new(w, i, old, size));
	if (i->imm == ATOMIC_CMPXCHG)
		watch_set(w, 0, old);
	else if (i->imm & ATOMIC_FETCH)
		watch_set(w, i->src, old);
	watch_skip(w, 1);
}

/* ---- wide and packet loads ---- */

static struct shade map_value(struct watch *w, s32 map, u32 off)
{
	const struct plan_map *m = &w->plan->maps[map];
	u32 o = memory_object(&w->mem, OBJECT_VALUE, (u64)map << 32, m->value_size);

	w->mem.objects.p[o].known = m->frozen;
	w->mem.objects.p[o].map = map;
	return (struct shade){ .kind = SHADE_POINTER, .object = o, .expr = expr_const(w->e, off) };
}

static void packet_load(struct watch *w, const struct insn *i)
{
	s32 input;

	if ((INSN_MODE(i->code) == MODE_IND && !watch_readable(w, i->src)) || !watch_readable(w, 6))
		return;
	input = inputs_get(w->e->in, watch_key(w, 2), 8, INPUT_RESULT, w->pc);
	for (u32 r = 1; r <= 5; r++)
		*watch_reg(w, r) = (struct shade){ 0 };
	watch_set(w, 0, input < 0 ? shade_const(w->e, 0) :
		  shade_number(expr_input(w->e, (u32)input, 0, insn_size_bytes(i->code))));
	watch_skip(w, 1);
}

void watch_wide(struct watch *w)
{
	const struct insn *i = watch_insn(w);
	const struct result *r = &w->plan->results[w->pc];
	s32 map = w->plan->map_of[w->pc];
	struct shade got;
	u32 o;

	if (!insn_is_wide(i)) {
		packet_load(w, i);
		return;
	}
	if (i->src == PSEUDO_FUNC) {
		if ((s64)w->pc + 1 + i->imm < 0 || (s64)w->pc + 1 + i->imm >= w->plan->n_insns) {
			watch_end(w, TRIAL_ENDED);
			return;
		}
		got = shade_const(w->e, exec_func_value(w->pc + 1 + (u32)i->imm));
	} else if (map >= 0 && (i->src == PSEUDO_MAP_FD || i->src == PSEUDO_MAP_IDX)) {
		o = memory_object(&w->mem, OBJECT_MAP, (u64)map, UINT32_MAX);
		w->mem.objects.p[o].map = map;
		got = (struct shade){ .kind = SHADE_POINTER, .object = o };
	} else if (map >= 0) {
		got = map_value(w, map, (u32)i[1].imm);
	} else if (i->src == PSEUDO_IMM64) {
		got = shade_const(w->e, insn_imm64(i));
	} else if (r->kind != RESULT_UNKNOWN) {
		got = watch_result(w, r, watch_key(w, 3));
	} else {
		watch_end(w, TRIAL_ENDED);
		return;
	}
	watch_set(w, i->dst, got);
	watch_skip(w, 2);
}

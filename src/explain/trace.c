/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/trace.c - back along the path, from a value to where it comes from.
 *
 *	r3 = *(u32 *)(r1 +0)     origin: read from the context
 *	r2 = r3                  a copy: on with r3
 *	if r2 > 63 goto ...      check: at most 63 from here on
 *	w2 = w2                  lost: only the low half goes on
 *	*(u64 *)(r10 -8) = r2    on with r2, when it is read back later
 */
#include "explain/trace.h"
#include "isa/check.h"
#include "verify/reg.h"
#include <stdlib.h>
#include <string.h>

enum { TRACE_STEPS_MAX = 64, NOTED_CHECKS_MAX = 2 };

/* A trace at work: register r as it is before steps[at]. */
struct trace {
	struct ex *e;
	u32 at, r;
	u32 n_checks;
	bool is_pointer;
	struct added *added; /* what the pointer's offset is; NULL: not asked for */
	bool found;           /* the addition */
};

enum outcome { ENDED, GOES_ON };

static const struct path_step *step(const struct trace *t, u32 n)
{
	return &t->e->path.steps[n];
}

static const struct insn *insn_at(const struct trace *t, u32 n)
{
	return &t->e->p->insns[step(t, n)->pc];
}

static bool is_narrower(const struct scalar *now, const struct scalar *was)
{
	return now->umax < was->umax || now->umin > was->umin || now->smax < was->smax ||
	       now->smin > was->smin;
}

/* ---- checks ---- */

/* What the jump at step k told of the value: its range, or that of its low half. */
static const char *check_words(struct trace *t, u32 k)
{
	const struct reg *was = &step(t, k)->regs[t->r], *now = &step(t, k + 1)->regs[t->r];
	struct scalar low;

	if (was->type != REG_SCALAR || now->type != REG_SCALAR)
		return NULL;
	if (is_narrower(&now->val, &was->val) && now->val.umax <= INT64_MAX)
		return ex_printf(t->e, "checked here: %s on this path", number_words(t->e, &now->val));
	if (now->val.umax32 >= was->val.umax32 && now->val.smin32 <= was->val.smin32) {
		if (now->val.smax32 >= was->val.smax32)
			return NULL;
		return ex_printf(t->e, "checked here: at most %d, and negative numbers pass",
				 now->val.smax32);
	}
	low = now->val;
	scalar_zext32(&low);
	return ex_printf(t->e, "checked here are only the low 32 bits: %s", number_words(t->e, &low));
}

/* The jump at step k compares a 32-bit copy of the value. */
static bool compares_copy(struct trace *t, u32 k, u32 from)
{
	const struct insn *i = insn_at(t, k), *def;
	bool entered;
	u32 d = path_def(&t->e->path, t->e->p->insns, k, i->dst, &entered);

	if (d >= t->e->path.n || d < from || i->dst == t->r)
		return false;
	def = insn_at(t, d);
	return def->code == (CLS_ALU | ALU_MOV | SRC_X) && def->src == t->r;
}

/* Conditional jumps between its origin and here that told something of it, the latest first. */
static void note_checks(struct trace *t, u32 from)
{
	u32 frame = step(t, t->at)->frame;

	for (u32 k = t->at; k-- > from && t->n_checks < NOTED_CHECKS_MAX;) {
		const struct path_step *s = step(t, k);
		const struct insn *i = insn_at(t, k);
		const char *words;

		if (s->frame != frame || step(t, k + 1)->frame != frame || !insn_is_jmp(i) ||
		    INSN_OP(i->code) == JMP_JA)
			continue;
		words = compares_copy(t, k, from) ?
				"checked here is a 32-bit copy, which says nothing of the upper half" :
				check_words(t, k);
		if (!words)
			continue;
		ex_note(t->e, EXPLAIN_CHECK, s->pc, "%s", words);
		t->n_checks++;
	}
}

/* After a copy that may differ from its source, the source's checks say nothing of the copy. */
static void note_checks_of_source(struct trace *t, u32 from, u32 r)
{
	u32 frame = step(t, from)->frame;

	for (u32 k = from + 1; k + 1 < t->e->path.n; k++) {
		const struct path_step *s = step(t, k), *after = step(t, k + 1);
		bool entered;

		if (s->frame != frame || after->frame != frame || !insn_is_jmp(insn_at(t, k)))
			continue;
		if (s->regs[r].type != REG_SCALAR || after->regs[r].type != REG_SCALAR ||
		    path_def(&t->e->path, t->e->p->insns, k, r, &entered) > from)
			continue;
		if (!is_narrower(&after->regs[r].val, &s->regs[r].val))
			continue;
		ex_note(t->e, EXPLAIN_CHECK, s->pc, "checked here is the value that it was copied from");
		return;
	}
}

/* ---- one insn back ---- */

static enum outcome follow(struct trace *t, u32 at, u32 r)
{
	t->at = at;
	t->r = r;
	return GOES_ON;
}

static bool fits_32(const struct scalar *s)
{
	return s->smin >= 0 && s->umax <= UINT32_MAX;
}

static enum outcome at_mov(struct trace *t, u32 j, const struct insn *i)
{
	const struct path_step *s = step(t, j);
	bool is32 = INSN_CLASS(i->code) == CLS_ALU;

	if (INSN_SRC(i->code) == SRC_K) {
		ex_note(t->e, EXPLAIN_ORIGIN, s->pc, "set to %d here", i->imm);
		return ENDED;
	}
	if (s->regs[i->src].type == REG_SCALAR) {
		const struct scalar *v = &s->regs[i->src].val;

		if (i->off && v->umax >= 1ull << (i->off - 1)) {
			ex_note(t->e, EXPLAIN_LOST, s->pc,
				"lost here: the low %d bits are taken as a signed number", i->off);
			note_checks_of_source(t, j, i->src);
		} else if (is32 && !i->off && !fits_32(v)) {
			ex_note(t->e, EXPLAIN_LOST, s->pc,
				"lost here: a 32-bit copy of a 64-bit value, which may be another number");
			note_checks_of_source(t, j, i->src);
		}
	}
	return follow(t, j, i->src);
}

/* (x << 32) >> 32 is how older code takes the low half. */
static bool is_half_shift(const struct insn *i)
{
	return INSN_CLASS(i->code) == CLS_ALU64 && INSN_SRC(i->code) == SRC_K && i->imm == 32 &&
	       (INSN_OP(i->code) == ALU_RSH || INSN_OP(i->code) == ALU_ARSH ||
		INSN_OP(i->code) == ALU_LSH);
}

/* A number was added to a pointer: the number is what matters. */
static enum outcome at_pointer_add(struct trace *t, u32 j, const struct insn *i)
{
	const struct path_step *s = step(t, j);
	u32 number = s->regs[i->src].type == REG_SCALAR ? i->src : i->dst;
	bool plain = INSN_SRC(i->code) == SRC_K || scalar_is_const(&s->regs[number].val);

	if (!t->added || plain)
		return follow(t, j, INSN_SRC(i->code) == SRC_K || number == i->src ? i->dst : i->src);
	trace_index(t->e, j, number, t->added);
	t->found = true;
	t->added = NULL;
	t->is_pointer = false;
	return follow(t, j, number);
}

static enum outcome at_alu(struct trace *t, u32 j, const struct insn *i)
{
	const struct path_step *s = step(t, j);
	const struct reg *dst = &s->regs[i->dst];
	u32 op = INSN_OP(i->code);
	bool is_k = INSN_SRC(i->code) == SRC_K;

	name_from(t->e, s->pc);
	if (op == ALU_MOV)
		return at_mov(t, j, i);
	if (dst->type != REG_SCALAR || (!is_k && s->regs[i->src].type != REG_SCALAR))
		return at_pointer_add(t, j, i);
	if (is_half_shift(i)) {
		if (op == ALU_LSH && dst->val.umax > UINT32_MAX)
			ex_note(t->e, EXPLAIN_LOST, s->pc,
				"lost here: only the low 32 bits are kept");
		return follow(t, j, i->dst);
	}
	if (op == ALU_AND && is_k) {
		ex_note(t->e, EXPLAIN_CHECK, s->pc, "masked here with %#x", (u32)i->imm);
		return ENDED;
	}
	if (op == ALU_END || op == ALU_NEG)
		return follow(t, j, i->dst);
	/* of two unknown numbers the wilder one */
	if (!is_k && (scalar_is_const(&dst->val) || s->regs[i->src].val.umax > dst->val.umax))
		return follow(t, j, i->src);
	return follow(t, j, i->dst);
}

/* Byte of the frame's stack that an access begins at; false: it is no known place there. */
static bool stack_place(const struct reg *base, const struct insn *i, u32 *frameno, s64 *off)
{
	if (base->type != PTR_STACK || !tnum_is_const(base->val.bits))
		return false;
	*frameno = base->frameno;
	*off = base->off + (s64)base->val.bits.value + i->off;
	return true;
}

/* What was read back from the stack was put there before. */
static enum outcome at_fill(struct trace *t, u32 j, const struct insn *i)
{
	u32 frameno, its_frame;
	s64 off, its_off;

	if (!stack_place(&step(t, j)->regs[i->src], i, &frameno, &off))
		return ENDED;
	for (u32 k = j; k-- > 0;) {
		const struct insn *w = insn_at(t, k);
		enum insn_class class = INSN_CLASS(w->code);

		if ((class != CLS_STX && class != CLS_ST) || INSN_MODE(w->code) != MODE_MEM ||
		    !stack_place(&step(t, k)->regs[w->dst], w, &its_frame, &its_off))
			continue;
		if (its_frame != frameno || its_off != off)
			continue;
		if (class == CLS_STX)
			return follow(t, k, w->src);
		ex_note(t->e, EXPLAIN_ORIGIN, step(t, k)->pc, "set to %d here", w->imm);
		return ENDED;
	}
	ex_note(t->e, EXPLAIN_ORIGIN, step(t, j)->pc, "read from the stack here");
	return ENDED;
}

static enum outcome at_load(struct trace *t, u32 j, const struct insn *i)
{
	const struct reg *base = &step(t, j)->regs[i->src];
	const struct reg *got = &step(t, j + 1)->regs[i->dst];
	u32 pc = step(t, j)->pc;
	const char *from;

	name_from(t->e, pc);
	switch (REG_BASE(base->type)) {
	case PTR_STACK:
		return at_fill(t, j, i);
	case PTR_CTX:
		from = "the context";
		break;
	case PTR_MAP_VALUE:
		from = *base->map->name ?
			       ex_printf(t->e, "a value of map '%s'", base->map->name) :
			       "a map's value";
		break;
	case PTR_PACKET:
		from = "the packet";
		break;
	case PTR_BTF:
		from = "kernel memory";
		break;
	default:
		from = "memory";
	}
	if (got->type == REG_SCALAR)
		ex_note(t->e, EXPLAIN_ORIGIN, pc, "read from %s here: %s", from,
			number_words(t->e, &got->val));
	else
		ex_note(t->e, EXPLAIN_ORIGIN, pc, "read from %s here", from);
	return ENDED;
}

static const char *null_words(u32 type)
{
	return REG_BASE(type) == PTR_MAP_VALUE ? "may still be null: from this lookup" :
						 "may still be null: from this call";
}

static enum outcome at_call(struct trace *t, u32 j, const struct insn *i)
{
	const struct path_step *s = step(t, j);
	const struct reg *got = &t->e->path.steps[t->at].regs[t->r];
	u32 frame = s->frame;

	name_from(t->e, s->pc);
	if (i->src == CALL_SUBPROG && step(t, j + 1)->frame > frame) {
		/* the function's last insn gave it: its frame is the one above, just before */
		for (u32 k = t->at; k-- > j;)
			if (step(t, k)->frame == frame + 1 && insn_is_exit(insn_at(t, k)))
				return follow(t, k, 0);
		return ENDED;
	}
	if (type_may_be_null(got->type))
		ex_note(t->e, EXPLAIN_ORIGIN, s->pc, "%s", null_words(got->type));
	else if (t->r == 0 && step(t, j + 1)->frame == frame && got->type == REG_SCALAR)
		ex_note(t->e, EXPLAIN_ORIGIN, s->pc, "%s gives %s", callee_words(t->e, i),
			number_words(t->e, &step(t, j + 1)->regs[0].val));
	else if (t->r == 0)
		ex_note(t->e, EXPLAIN_ORIGIN, s->pc, "from this call of %s", callee_words(t->e, i));
	return ENDED;
}

static enum outcome one_back(struct trace *t, u32 j)
{
	const struct insn *i = insn_at(t, j);

	switch (INSN_CLASS(i->code)) {
	case CLS_ALU:
	case CLS_ALU64:
		return at_alu(t, j, i);
	case CLS_LDX:
		return at_load(t, j, i);
	case CLS_JMP:
		return at_call(t, j, i);
	case CLS_LD:
		if (insn_is_wide(i))
			return ENDED;
		ex_note(t->e, EXPLAIN_ORIGIN, step(t, j)->pc, "read from the packet here");
		return ENDED;
	default:
		ex_note(t->e, EXPLAIN_ORIGIN, step(t, j)->pc, "what was in memory before");
		return ENDED;
	}
}

/* The value was an argument: on with the caller's register; callbacks get theirs from the kernel. */
static enum outcome at_entry(struct trace *t)
{
	u32 frame = step(t, t->at)->frame;

	for (u32 k = t->at; k-- > 0;) {
		if (step(t, k)->frame >= frame)
			continue;
		if (insn_is_subprog_call(insn_at(t, k)) && t->r >= 1 && t->r <= 5)
			return follow(t, k, t->r);
		ex_note(t->e, EXPLAIN_ORIGIN, step(t, k)->pc, "from this call, which calls back");
		return ENDED;
	}
	return ENDED;
}

/* Where the frame of steps[at] begins on the path. */
static u32 frame_start(const struct trace *t)
{
	u32 frame = step(t, t->at)->frame, k = t->at;

	while (k && step(t, k - 1)->frame >= frame)
		k--;
	return k;
}

static u32 trace(struct trace *t)
{
	const struct path *p = &t->e->path;

	for (u32 n = 0; n < TRACE_STEPS_MAX; n++) {
		bool entered, known;
		u32 j = path_def(p, t->e->p->insns, t->at, t->r, &entered);

		known = j < p->n;
		if (!t->is_pointer)
			note_checks(t, known ? j + 1 : frame_start(t));
		if (known ? one_back(t, j) == ENDED : !entered || at_entry(t) == ENDED)
			return j;
	}
	return p->n;
}

u32 trace_value(struct ex *e, u32 at, u32 r)
{
	struct trace t = { .e = e, .at = at, .r = r };

	t.is_pointer = e->path.steps[at].regs[r].type != REG_SCALAR;
	return trace(&t);
}

/* The low half, as a signed number or not. */
static struct scalar low_half(const struct scalar *s, bool is_signed)
{
	struct scalar low = *s;

	if (is_signed)
		return scalar_srange(s->smin32, s->smax32);
	scalar_zext32(&low);
	return low;
}

void trace_index(const struct ex *e, u32 at, u32 r, struct added *out)
{
	const struct path_step *steps = e->path.steps;
	bool entered;
	u32 j = path_def(&e->path, e->p->insns, at, r, &entered), k;
	const struct insn *i, *first;

	*out = (struct added){ steps[at].regs[r].val, steps[at].regs[r].val, 1 };
	if (j >= e->path.n)
		return;
	i = &e->p->insns[steps[j].pc];
	if (INSN_CLASS(i->code) != CLS_ALU64 || INSN_SRC(i->code) != SRC_K ||
	    steps[j].regs[r].type != REG_SCALAR || i->imm <= 0)
		return;
	if (INSN_OP(i->code) == ALU_LSH || INSN_OP(i->code) == ALU_MUL) {
		out->index = steps[j].regs[r].val;
		out->factor = INSN_OP(i->code) == ALU_MUL ? (u64)i->imm : 1ull << (i->imm & 63);
		return;
	}
	/* x << 32 >> (32 - n): the low half of x, times 1 << n */
	k = path_def(&e->path, e->p->insns, j, r, &entered);
	if (k >= e->path.n || i->imm > 32 ||
	    (INSN_OP(i->code) != ALU_RSH && INSN_OP(i->code) != ALU_ARSH))
		return;
	first = &e->p->insns[steps[k].pc];
	if (first->code != (CLS_ALU64 | ALU_LSH | SRC_K) || first->imm != 32 ||
	    steps[k].regs[r].type != REG_SCALAR)
		return;
	out->index = low_half(&steps[k].regs[r].val, INSN_OP(i->code) == ALU_ARSH);
	out->factor = 1ull << (32 - i->imm);
}

bool trace_offset(struct ex *e, u32 at, u32 r, struct added *out)
{
	struct trace t = { .e = e, .at = at, .r = r, .is_pointer = true, .added = out };

	trace(&t);
	return t.found;
}

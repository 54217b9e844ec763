/* SPDX-License-Identifier: BSD-2-Clause */
/* gen/regs.c - virtual registers become real ones; what finds none lives in the frame.
 *
 *	r10 ->  +--------------------+
 *	        | allocas            |  the widest alignment first
 *	        | spill slots        |  8 bytes each
 *	r10-n   +--------------------+
 */
#include "gen/mach.h"
#include "ra/ra.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	ALLOCATABLE = 0x3ff,  /* r0..r9 */
	SAVED = 0x3c0,        /* r6..r9 */
	CLOBBERED = 0x3f,     /* r0..r5, by a call */
	ROUNDS_MAX = 16,
	STACK_MAX = 512,
};

static bool is_vreg(u32 r)
{
	return r < PHYS;
}

static u16 phys_bit(u32 r)
{
	return r != NO_REG && r >= PHYS ? (u16)(1u << (r - PHYS)) : 0;
}

static bool is_store(const struct mach *m)
{
	return m->kind == MACH_INSN &&
	       (INSN_CLASS(m->code) == CLS_ST || INSN_CLASS(m->code) == CLS_STX);
}

static bool is_atomic(const struct mach *m)
{
	return is_store(m) && INSN_CLASS(m->code) == CLS_STX && INSN_MODE(m->code) == MODE_ATOMIC;
}

static bool fetches(const struct mach *m)
{
	return is_atomic(m) && m->imm & ATOMIC_FETCH;
}

static bool is_reg_move(const struct mach *m)
{
	return m->kind == MACH_INSN && m->code == (CLS_ALU64 | ALU_MOV | SRC_X);
}

/* What the allocator sees of an insn. */
static void describe(const struct mach *m, struct ra_insn *in)
{
	bool dst_read = !m->writes_dst_only, dst_written = !is_store(m) && m->kind != MACH_JMP;
	u32 n = 0;

	*in = (struct ra_insn){ .def = RA_NONE, .use = { RA_NONE, RA_NONE }, .hint = -1 };
	if (m->kind == MACH_CALL) {
		in->reads = (u16)(((1u << m->n_args) - 1) << 1);
		in->writes = CLOBBERED;
		return;
	}
	if (m->kind == MACH_EXIT) {
		in->reads = 1;
		return;
	}
	if (m->dst != NO_REG) {
		if (is_vreg(m->dst) && dst_read)
			in->use[n++] = m->dst;
		if (is_vreg(m->dst) && dst_written)
			in->def = m->dst;
		in->reads |= dst_read ? phys_bit(m->dst) : 0;
		in->writes |= dst_written ? phys_bit(m->dst) : 0;
	}
	if (m->src != NO_REG) {
		if (is_vreg(m->src))
			in->use[n++] = m->src;
		in->reads |= phys_bit(m->src);
	}
	if (fetches(m)) {
		if (m->imm == ATOMIC_CMPXCHG) {
			in->reads |= 1;
			in->writes |= 1;
		} else if (is_vreg(m->src)) {
			in->def = m->src;
		}
	}
	in->reads &= (u16)~(1u << REG_FP);
	if (!is_reg_move(m))
		return;
	if (is_vreg(m->dst) && is_vreg(m->src))
		in->is_move = true;
	else if (is_vreg(m->dst) && m->src != PHYS_REG(REG_FP))
		in->hint = (s8)(m->src - PHYS);
	else if (is_vreg(m->src))
		in->hint = (s8)(m->dst - PHYS);
}

/* ---- spilling ---- */

struct spill {
	struct mach_fn *g;
	const s8 *reg;
	const struct mach **remake; /* the one insn that makes the vreg, where it can be repeated */
	s32 *slot;
	VEC(struct mach) out;
};

/* A vreg with one definition that is cheap needs no slot. */
static void find_remakes(struct spill *s)
{
	u8 *defs = arena_alloc(s->g->a, s->g->n_vregs + 1);

	for (u32 i = 0; i < s->g->insns.n; i++) {
		const struct mach *m = &s->g->insns.p[i];
		struct ra_insn in;

		describe(m, &in);
		if (in.def == RA_NONE)
			continue;
		s->remake[in.def] = !defs[in.def] && m->remake ? m : NULL;
		defs[in.def] = 1;
	}
}

static bool spilled(const struct spill *s, u32 r)
{
	return is_vreg(r) && s->reg[r] < 0;
}

static void push(struct spill *s, const struct mach *m)
{
	if (!vec_push(&s->out, *m))
		s->g->failed = true;
}

static u32 temp(struct spill *s)
{
	u32 r = vreg_new(s->g);

	if (!s->g->failed)
		s->g->no_spill.p[r] = true;
	return r;
}

static s32 slot_of(struct spill *s, u32 r)
{
	if (s->slot[r] < 0)
		s->slot[r] = (s32)s->g->n_slots++;
	return s->slot[r];
}

/* A new vreg with the value that r had. */
static u32 reload(struct spill *s, u32 r, const struct val *val)
{
	u32 t = temp(s);
	struct mach m = { .kind = MACH_INSN, .code = CLS_LDX | MODE_MEM | SZ_DW, .dst = t,
			  .src = PHYS_REG(REG_FP), .slot = -1, .val = val,
			  .writes_dst_only = true };

	if (s->remake[r]) {
		m = *s->remake[r];
		m.dst = t;
		m.val = val;
	} else {
		m.slot = slot_of(s, r);
	}
	push(s, &m);
	return t;
}

static void keep(struct spill *s, u32 r, u32 t, const struct val *val)
{
	struct mach m = { .kind = MACH_INSN, .code = CLS_STX | MODE_MEM | SZ_DW,
			  .dst = PHYS_REG(REG_FP), .src = t, .slot = slot_of(s, r), .val = val };

	push(s, &m);
}

static void rewrite(struct spill *s, const struct mach *from)
{
	struct mach m = *from;
	struct ra_insn in;
	u32 def, was_dst = m.dst, was_src = m.src;

	describe(from, &in);
	def = in.def;
	if (def != RA_NONE && spilled(s, def) && s->remake[def])
		return; /* made again at each use */
	if (spilled(s, was_src)) {
		m.src = reload(s, was_src, m.val);
		if (was_dst == was_src && !m.writes_dst_only)
			m.dst = m.src;
	}
	if (spilled(s, was_dst) && m.dst == was_dst)
		m.dst = m.writes_dst_only ? temp(s) : reload(s, was_dst, m.val);
	push(s, &m);
	if (def != RA_NONE && spilled(s, def))
		keep(s, def, def == was_dst ? m.dst : m.src, m.val);
}

static int spill_all(struct mach_fn *g, const s8 *reg, s32 *slot)
{
	struct spill s = { .g = g, .reg = reg, .slot = slot };
	u32 n = g->insns.n;

	s.remake = arena_alloc(g->a, (g->n_vregs + 1) * sizeof(*s.remake));
	find_remakes(&s);
	for (u32 b = 0, i = 0; b < g->blks.n; b++) {
		u32 first = s.out.n;

		for (u32 end = i + g->blks.p[b].n; i < end && i < n; i++)
			rewrite(&s, &g->insns.p[i]);
		g->blks.p[b].first = first;
		g->blks.p[b].n = s.out.n - first;
	}
	vec_free(&g->insns);
	g->insns.p = s.out.p;
	g->insns.n = s.out.n;
	g->insns.cap = s.out.cap;
	return g->failed ? -ENOMEM : 0;
}

/* ---- the frame ---- */

enum { FRAME_SHOWN = 5 };

static struct place place_of(const struct val *v)
{
	const struct mod *m = v->blk->fn->mod;
	const struct ir_line *l = v->line ? &m->lines.p[v->line - 1] : NULL;

	return l ? (struct place){ .file = l->file, .line = l->line, .col = l->col } : (struct place){0};
}

/* The largest allocas, as notes. */
static void tell_largest(const struct mach_fn *g, struct diag *dg)
{
	const struct val *last = NULL;

	for (u32 i = 0; i < FRAME_SHOWN; i++) {
		const struct val *next = NULL;

		/* in order of size, then of ids: the one behind the last */
		for (const struct val *v = g->fn->entry->first; v; v = v->next)
			if (v->op == OP_ALLOCA &&
			    (!last || v->imm < last->imm || (v->imm == last->imm && v->id > last->id)) &&
			    (!next || v->imm > next->imm || (v->imm == next->imm && v->id < next->id)))
				next = v;
		if (!next)
			return;
		last = next;
		diag_note(dg, place_of(next), "%s%s takes %lld bytes", next->name ? "" : "a value",
			  next->name ? next->name : "", (long long)next->imm);
	}
}

static int frame_lay(struct mach_fn *g, struct diag *dg)
{
	u32 max = g->opts->stack_max ? g->opts->stack_max : STACK_MAX, at = 0, largest = 0;
	const struct val *worst = NULL;

	g->frame_off = arena_alloc(g->a, (g->fn->n_vals + 1) * sizeof(*g->frame_off));
	for (u32 align = 16; align; align /= 2)
		for (const struct val *v = g->fn->entry->first; v; v = v->next) {
			if (v->op != OP_ALLOCA || MAX(v->index, 1u) != align)
				continue;
			at = ALIGN_UP(at + (u32)v->imm, MAX(align, 1u));
			g->frame_off[v->id] = -(s32)at;
			if ((u32)v->imm > largest) {
				largest = (u32)v->imm;
				worst = v;
			}
		}
	at = ALIGN_UP(at, 8u);
	g->frame_bytes = at + 8 * g->n_slots;
	if (g->frame_bytes <= max)
		return 0;
	diag_error(dg, worst ? place_of(worst) : (struct place){0}, -E2BIG,
		   "function '%s' needs %u bytes of stack, of at most %u (%u for values that "
		   "found no register; the largest variable%s%s takes %u)",
		   g->fn->name, g->frame_bytes, max, 8 * g->n_slots,
		   worst && worst->name ? " " : "", worst && worst->name ? worst->name : "",
		   largest);
	tell_largest(g, dg);
	return -E2BIG;
}

/* ---- all of it ---- */

static s8 *allocate(struct mach_fn *g, u32 *n_spilled)
{
	struct ra_insn *insns = arena_alloc(g->a, (g->insns.n + 1) * sizeof(*insns));
	struct ra_blk *blks = arena_alloc(g->a, (g->blks.n + 1) * sizeof(*blks));
	struct ra_problem p = { .insns = insns, .n_insns = g->insns.n, .blks = blks,
				.n_blks = g->blks.n, .n_vregs = g->n_vregs,
				.no_spill = g->no_spill.p, .allocatable = ALLOCATABLE,
				.saved = SAVED };
	u32 *place = arena_alloc(g->a, (g->fn->n_blks + 1) * sizeof(*place)); /* of each block by id */

	for (u32 b = 0; b < g->blks.n; b++)
		place[g->blks.p[b].blk->id] = b;
	for (u32 i = 0; i < g->insns.n; i++)
		describe(&g->insns.p[i], &insns[i]);
	for (u32 b = 0; b < g->blks.n; b++) {
		const struct mach_blk *mb = &g->blks.p[b];

		blks[b] = (struct ra_blk){ mb->first, mb->n, { RA_NONE, RA_NONE }, mb->blk->depth };
		for (u32 i = 0; i < 2; i++)
			if (mb->blk->to[i])
				blks[b].succ[i] = place[mb->blk->to[i]->id];
	}
	return ra_allocate(g->a, &p, n_spilled);
}

int regs_fn(struct mach_fn *g, struct diag *dg)
{
	u32 n_spilled = 0, cap = 0;
	s32 *slot = NULL;

	for (u32 round = 0; round < ROUNDS_MAX; round++) {
		u32 old = cap;
		s32 *more;
		int err;

		g->reg = allocate(g, &n_spilled);
		if (!n_spilled)
			return frame_lay(g, dg);
		cap = g->n_vregs + 1;
		more = arena_alloc(g->a, cap * sizeof(*slot));
		for (u32 i = 0; i < cap; i++)
			more[i] = i < old ? slot[i] : -1;
		slot = more;
		err = spill_all(g, g->reg, slot);
		if (err)
			return err;
	}
	return diag_error(dg, (struct place){0}, -E2BIG, "function '%s': registers do not suffice",
			  g->fn->name);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* gen/emit.c - final insns: frame offsets and jumps settled, moves to the same register left out, jumps to
 * the next block too; places that the loader must fill are noted.
 */
#include "gen/mach.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct emit {
	const struct mach_fn *g;
	struct obj_func *out;
	struct diag *dg;
	u32 *at;                   /* first final insn of each block, and the end */
	VEC(struct insn) insns;
	VEC(struct obj_reloc) relocs;
	VEC(struct obj_core_reloc) cores;
	VEC(struct obj_line) lines;
	u32 line;
	bool failed;
};

static u8 phys(const struct mach_fn *g, u32 r)
{
	if (r == NO_REG)
		return 0;
	return r >= PHYS ? (u8)(r - PHYS) : (u8)g->reg[r];
}

static bool is_nop(const struct mach_fn *g, const struct mach *m)
{
	return m->kind == MACH_INSN && m->code == (CLS_ALU64 | ALU_MOV | SRC_X) &&
	       phys(g, m->dst) == phys(g, m->src);
}

/* A jump to where the path goes anyway. */
static bool is_fall(const struct mach *m, u32 blk)
{
	return m->kind == MACH_JMP && m->code == (CLS_JMP | JMP_JA) && m->to == blk + 1;
}

static u32 n_final(const struct mach_fn *g, const struct mach *m, u32 blk)
{
	if (is_nop(g, m) || is_fall(m, blk))
		return 0;
	return m->kind == MACH_WIDE || m->kind == MACH_LEA ? 2 : 1;
}

static u8 negate(u8 code)
{
	static const u8 pairs[][2] = {
		{ JMP_JEQ, JMP_JNE }, { JMP_JLT, JMP_JGE }, { JMP_JLE, JMP_JGT },
		{ JMP_JSLT, JMP_JSGE }, { JMP_JSLE, JMP_JSGT },
	};

	for (u32 i = 0; i < ARRAY_SIZE(pairs); i++)
		for (u32 j = 0; j < 2; j++)
			if (INSN_OP(code) == pairs[i][j])
				return (u8)((code & ~0xf0) | pairs[i][1 - j]);
	return code;
}

/* "if c goto next; goto other" is "if not c goto other": the block's last two insns change places. */
static void turn_branches(struct mach_fn *g)
{
	for (u32 b = 0; b < g->blks.n; b++) {
		struct mach_blk *mb = &g->blks.p[b];
		struct mach *c, *j;
		u32 to;

		if (mb->n < 2)
			continue;
		j = &g->insns.p[mb->first + mb->n - 1];
		c = j - 1;
		if (c->kind != MACH_JMP || j->kind != MACH_JMP || c->to != b + 1)
			continue;
		to = c->to;
		c->to = j->to;
		j->to = to;
		c->code = negate(c->code);
	}
}

static void lay_out(struct emit *e)
{
	u32 n = 0;

	for (u32 b = 0; b < e->g->blks.n; b++) {
		const struct mach_blk *mb = &e->g->blks.p[b];

		e->at[b] = n;
		for (u32 i = mb->first; i < mb->first + mb->n; i++)
			n += n_final(e->g, &e->g->insns.p[i], b);
	}
	e->at[e->g->blks.n] = n;
}

static void put(struct emit *e, u8 code, u8 dst, u8 src, s64 off, s64 imm)
{
	struct insn i = { .code = code, .dst = dst & 0xf, .src = src & 0xf, .off = (s16)off,
			  .imm = (s32)imm };

	if (!vec_push(&e->insns, i))
		e->failed = true;
}

static void reloc(struct emit *e, enum obj_reloc_kind kind, u32 index, s64 addend)
{
	struct obj_reloc r = { e->insns.n, kind, index, addend };

	if (!vec_push(&e->relocs, r))
		e->failed = true;
}

/* The line that an insn is of, 0: no other.  A function's first one must have one if any has. */
static u32 line_of(const struct emit *e, const struct mach *m)
{
	const struct fn *f = e->g->fn;

	if (m->val && m->val->line)
		return m->val->line;
	if (e->insns.n || !f->mod->lines.n)
		return 0;
	for (const struct blk *b = f->entry; b; b = b->next)
		for (const struct val *v = b->first; v; v = v->next)
			if (v->line)
				return v->line;
	return 1;
}

static void note_line(struct emit *e, const struct mach *m)
{
	struct obj_line l = { .pc = e->insns.n };
	struct mod *mod = e->g->fn->mod;
	const struct ir_line *from;
	u32 line = line_of(e, m);

	if (!line || line == e->line)
		return;
	e->line = line;
	from = &mod->lines.p[e->line - 1];
	l.file_off = btf_add_str(&mod->btf, from->file);
	l.text_off = btf_add_str(&mod->btf, from->text ? from->text : "");
	l.line = from->line;
	l.col = from->col;
	if (!vec_push(&e->lines, l))
		e->failed = true;
}

static void emit_wide(struct emit *e, const struct mach *m)
{
	u8 src = PSEUDO_IMM64;

	switch (m->ref) {
	case REF_MAP:
		reloc(e, RELOC_MAP, m->index, 0);
		break;
	case REF_GLOBAL:
		reloc(e, RELOC_MAP_VALUE, m->index, m->imm);
		break;
	case REF_FUNC:
		reloc(e, RELOC_FUNC, m->index, 0);
		break;
	case REF_EXTERN:
		reloc(e, RELOC_EXTERN, m->index, 0);
		break;
	default:
		put(e, CLS_LD | MODE_IMM | SZ_DW, phys(e->g, m->dst), src, 0, (s32)m->imm);
		put(e, 0, 0, 0, 0, m->imm >> 32);
		return;
	}
	put(e, CLS_LD | MODE_IMM | SZ_DW, phys(e->g, m->dst), src, 0, 0);
	put(e, 0, 0, 0, 0, 0);
}

static void emit_call(struct emit *e, const struct mach *m)
{
	if (m->ref == REF_CALL) {
		reloc(e, RELOC_CALL, m->index, 0);
		put(e, CLS_JMP | JMP_CALL, 0, CALL_SUBPROG, 0, -1);
	} else if (m->ref == REF_KFUNC) {
		reloc(e, RELOC_EXTERN_CALL, m->index, 0);
		put(e, CLS_JMP | JMP_CALL, 0, CALL_KFUNC, 0, 0);
	} else {
		put(e, CLS_JMP | JMP_CALL, 0, CALL_HELPER, 0, m->imm);
	}
}

static int emit_jump(struct emit *e, const struct mach *m)
{
	s64 off = (s64)e->at[m->to] - e->insns.n - 1;

	if (off != (s16)off)
		return diag_error(e->dg, (struct place){0}, -E2BIG,
				  "function '%s' is too large: a jump over %lld insns",
				  e->g->fn->name, (long long)off);
	put(e, m->code, phys(e->g, m->dst), phys(e->g, m->src), off, m->imm);
	return 0;
}

static void emit_insn(struct emit *e, const struct mach *m)
{
	const struct mach_fn *g = e->g;
	s64 off = m->off;

	if (m->frame)
		off += g->frame_off[m->frame->id];
	if (m->slot >= 0)
		off = -(s64)g->frame_bytes + 8 * m->slot;
	if (m->ref == REF_CORE) {
		const struct ir_core *c = &g->fn->mod->cores.p[m->index];
		struct obj_core_reloc r = { e->insns.n, c->type_id, c->spec, c->kind };

		/* gen/object.c points the spec at the finished strings */
		btf_add_str(&g->fn->mod->btf, c->spec);
		if (!vec_push(&e->cores, r))
			e->failed = true;
	}
	put(e, m->code, phys(g, m->dst), phys(g, m->src), off, m->ref == REF_CORE ? 0 : m->imm);
}

static int emit_one(struct emit *e, const struct mach *m, u32 blk)
{
	if (is_nop(e->g, m) || is_fall(m, blk))
		return 0;
	note_line(e, m);
	switch (m->kind) {
	case MACH_INSN:
		emit_insn(e, m);
		return 0;
	case MACH_LEA:
		put(e, CLS_ALU64 | ALU_MOV | SRC_X, phys(e->g, m->dst), REG_FP, 0, 0);
		put(e, CLS_ALU64 | ALU_ADD | SRC_K, phys(e->g, m->dst), 0, 0,
		    e->g->frame_off[m->frame->id] + m->imm);
		return 0;
	case MACH_WIDE:
		emit_wide(e, m);
		return 0;
	case MACH_CALL:
		emit_call(e, m);
		return 0;
	case MACH_JMP:
		return emit_jump(e, m);
	case MACH_EXIT:
		put(e, CLS_JMP | JMP_EXIT, 0, 0, 0, 0);
		return 0;
	}
	return 0;
}

int emit_fn(struct mach_fn *g, struct obj_func *out, struct diag *dg)
{
	struct emit e = { .g = g, .out = out, .dg = dg };
	int err = 0;

	turn_branches(g);
	e.at = arena_alloc(g->a, (g->blks.n + 1) * sizeof(*e.at));
	lay_out(&e);
	for (u32 b = 0; b < g->blks.n && !err; b++)
		for (u32 i = 0; i < g->blks.p[b].n && !err; i++)
			err = emit_one(&e, &g->insns.p[g->blks.p[b].first + i], b);
	if (!err && e.failed)
		err = -ENOMEM;
	if (err) {
		vec_free(&e.insns);
		vec_free(&e.relocs);
		vec_free(&e.cores);
		vec_free(&e.lines);
		return err;
	}
	out->insns = e.insns.p;
	out->n_insns = e.insns.n;
	out->relocs = e.relocs.p;
	out->n_relocs = e.relocs.n;
	out->cores = e.cores.p;
	out->n_cores = e.cores.n;
	out->lines = e.lines.p;
	out->n_lines = e.lines.n;
	return 0;
}

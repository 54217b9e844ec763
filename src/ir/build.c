/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/build.c - makes modules, functions, blocks and values, and takes values out again. */
#include "ir/ir.h"
#include <stdlib.h>
#include <string.h>

/* ---- what ir/op.def says ---- */

static const struct {
	const char *text;
	s32 n_args;
	u32 flags;
} ops[] = {
#define ANY (-1)
#define P OP_PURE
#define R OP_READS
#define W OP_WRITES
#define T OP_ENDS
#define C OP_COMMUTES
#define OP(name, text, n, flags) [OP_##name] = { text, n, flags },
#include "ir/op.def"
#undef OP
#undef ANY
#undef P
#undef R
#undef W
#undef T
#undef C
};

bool op_is(enum ir_op op, u32 flags)
{
	return (ops[op].flags & flags) == flags;
}

const char *op_text(enum ir_op op)
{
	return ops[op].text;
}

s32 op_n_args(enum ir_op op)
{
	return ops[op].n_args;
}

static const struct {
	const char *text;
	u32 bits, bytes;
} types[] = {
	[IR_VOID] = { "void", 0, 0 }, [IR_I1] = { "i1", 1, 1 },    [IR_I8] = { "i8", 8, 1 },
	[IR_I16] = { "i16", 16, 2 },  [IR_I32] = { "i32", 32, 4 }, [IR_I64] = { "i64", 64, 8 },
	[IR_PTR] = { "ptr", 64, 8 },
};

u32 ir_type_bits(enum ir_type t)
{
	return types[t].bits;
}

u32 ir_type_bytes(enum ir_type t)
{
	return types[t].bytes;
}

const char *ir_type_text(enum ir_type t)
{
	return types[t].text;
}

const char *ir_space_text(enum ir_space s)
{
	static const char *const text[] = {
		[SPACE_UNKNOWN] = "", [SPACE_STACK] = "stack", [SPACE_CTX] = "ctx",
		[SPACE_MAP_VALUE] = "value", [SPACE_MAP] = "map", [SPACE_RECORD] = "record",
		[SPACE_PACKET] = "packet", [SPACE_BTF] = "btf", [SPACE_KERNEL] = "kernel",
		[SPACE_USER] = "user", [SPACE_FUNC] = "func",
	};

	return text[s];
}

/* ---- modules, functions, blocks ---- */

struct mod *mod_new(void)
{
	struct mod *m = calloc(1, sizeof(*m));

	if (m)
		m->license = "GPL";
	return m;
}

void mod_free(struct mod *m)
{
	if (!m)
		return;
	for (u32 i = 0; i < m->fns.n; i++) {
		for (struct blk *b = m->fns.p[i]->entry; b; b = b->next)
			vec_free(&b->preds);
		vec_free(&m->fns.p[i]->params);
	}
	vec_free(&m->fns);
	vec_free(&m->maps);
	vec_free(&m->lines);
	vec_free(&m->cores);
	vec_free(&m->externs);
	btf_builder_free(&m->btf);
	arena_free(&m->arena);
	free(m);
}

/* A module lives in memory whose size its source bounds, as an arena does: without memory there is no
 * going on. */
static void need(bool ok)
{
	if (!ok)
		abort();
}

struct blk *blk_new(struct fn *f)
{
	struct blk *b = arena_alloc(&f->mod->arena, sizeof(*b));

	b->fn = f;
	b->id = f->n_blks++;
	if (f->last_blk)
		f->last_blk->next = b;
	else
		f->entry = b;
	f->last_blk = b;
	return b;
}

struct fn *fn_new(struct mod *m, const char *name, enum fn_kind kind, enum ir_type ret)
{
	struct fn *f = arena_alloc(&m->arena, sizeof(*f));

	f->mod = m;
	f->index = m->fns.n;
	f->name = arena_strdup(&m->arena, name);
	f->kind = kind;
	f->ret = ret;
	need(vec_push(&m->fns, f));
	return f;
}

u32 mod_map(struct mod *m, const struct ir_map *map)
{
	need(vec_push(&m->maps, *map));
	return m->maps.n - 1;
}

u32 mod_line(struct mod *m, const char *file, u32 line, u32 col, const char *text)
{
	struct ir_line l = { file, text, line, col };

	if (m->lines.n) {
		const struct ir_line *last = &m->lines.p[m->lines.n - 1];

		if (last->line == line && last->col == col && !strcmp(last->file, file))
			return m->lines.n;
	}
	need(vec_push(&m->lines, l));
	return m->lines.n;
}

/* ---- values ---- */

static struct val *val_make(struct fn *f, enum ir_op op, enum ir_type type, u32 n_args)
{
	struct val *v = arena_alloc(&f->mod->arena, sizeof(*v));

	v->op = op;
	v->type = type;
	v->id = f->n_vals++;
	v->n_args = n_args;
	v->args = n_args ? arena_alloc(&f->mod->arena, n_args * sizeof(*v->args)) : NULL;
	v->line = f->mod->line;
	return v;
}

void val_append(struct blk *b, struct val *v)
{
	v->blk = b;
	v->prev = b->last;
	v->next = NULL;
	if (b->last)
		b->last->next = v;
	else
		b->first = v;
	b->last = v;
}

void val_insert(struct val *before, struct val *v)
{
	struct blk *b = before->blk;

	v->blk = b;
	v->next = before;
	v->prev = before->prev;
	if (v->prev)
		v->prev->next = v;
	else
		b->first = v;
	before->prev = v;
}

void val_remove(struct val *v)
{
	struct blk *b = v->blk;

	if (v->prev)
		v->prev->next = v->next;
	else
		b->first = v->next;
	if (v->next)
		v->next->prev = v->prev;
	else
		b->last = v->prev;
	v->prev = v->next = NULL;
}

struct val *val_new(struct blk *b, enum ir_op op, enum ir_type type, u32 n_args)
{
	struct val *v = val_make(b->fn, op, type, n_args);

	val_append(b, v);
	return v;
}

struct val *val_before(struct val *at, enum ir_op op, enum ir_type type, u32 n_args)
{
	struct val *v = val_make(at->blk->fn, op, type, n_args);

	v->line = at->line;
	val_insert(at, v);
	return v;
}

struct val *fn_param(struct fn *f, enum ir_type type, enum ir_space space)
{
	struct val *v = val_make(f, OP_PARAM, type, 0);

	v->imm = f->params.n;
	v->space = space;
	need(vec_push(&f->params, v));
	return v;
}

struct val *ir_const(struct blk *b, enum ir_type type, s64 imm)
{
	struct val *v = val_new(b, OP_CONST, type, 0);

	v->imm = imm;
	return v;
}

struct val *ir_bin(struct blk *b, enum ir_op op, struct val *x, struct val *y)
{
	struct val *v = val_new(b, op, x->type, op_n_args(op) == 1 ? 1 : 2);

	v->args[0] = x;
	if (v->n_args == 2)
		v->args[1] = y;
	return v;
}

struct val *ir_cmp(struct blk *b, enum ir_op op, struct val *x, struct val *y)
{
	struct val *v = val_new(b, op, IR_I1, 2);

	v->args[0] = x;
	v->args[1] = y;
	return v;
}

struct val *ir_cast(struct blk *b, enum ir_op op, enum ir_type to, struct val *x)
{
	struct val *v = val_new(b, op, to, 1);

	v->args[0] = x;
	return v;
}

struct val *ir_select(struct blk *b, struct val *cond, struct val *x, struct val *y)
{
	struct val *v = val_new(b, OP_SELECT, x->type, 3);

	v->args[0] = cond;
	v->args[1] = x;
	v->args[2] = y;
	v->space = x->space == y->space ? x->space : SPACE_UNKNOWN;
	return v;
}

struct val *ir_ptradd(struct blk *b, struct val *p, struct val *bytes)
{
	struct val *v = val_new(b, OP_PTRADD, IR_PTR, 2);

	v->args[0] = p;
	v->args[1] = bytes;
	v->space = p->space;
	return v;
}

struct val *ir_alloca(struct fn *f, u32 bytes, u32 align)
{
	struct val *v = val_make(f, OP_ALLOCA, IR_PTR, 0);

	v->imm = bytes;
	v->index = align;
	v->space = SPACE_STACK;
	if (f->entry->first)
		val_insert(f->entry->first, v);
	else
		val_append(f->entry, v);
	return v;
}

struct val *ir_load(struct blk *b, enum ir_type type, struct val *p, s64 off)
{
	struct val *v = val_new(b, OP_LOAD, type, 1);

	v->args[0] = p;
	v->imm = off;
	return v;
}

struct val *ir_store(struct blk *b, struct val *x, struct val *p, s64 off)
{
	struct val *v = val_new(b, OP_STORE, IR_VOID, 2);

	v->args[0] = x;
	v->args[1] = p;
	v->imm = off;
	return v;
}

struct val *ir_zero(struct blk *b, struct val *p, u32 bytes)
{
	struct val *v = val_new(b, OP_ZERO, IR_VOID, 1);

	v->args[0] = p;
	v->imm = bytes;
	return v;
}

struct val *ir_copy(struct blk *b, struct val *to, struct val *from, u32 bytes)
{
	struct val *v = val_new(b, OP_COPY, IR_VOID, 2);

	v->args[0] = to;
	v->args[1] = from;
	v->imm = bytes;
	return v;
}

struct val *ir_atomic(struct blk *b, u32 op, enum ir_type fetched, struct val *x, struct val *p,
		      s64 off)
{
	struct val *v = val_new(b, OP_ATOMIC, fetched, 2);

	v->args[0] = x;
	v->args[1] = p;
	v->index = op;
	v->imm = off;
	return v;
}

struct val *ir_ref(struct blk *b, enum ir_op op, u32 index, s64 imm)
{
	struct val *v = val_new(b, op, op == OP_CORE ? IR_I64 : IR_PTR, 0);

	v->index = index;
	v->imm = imm;
	v->space = op == OP_MAP	   ? SPACE_MAP :
		   op == OP_GLOBAL ? SPACE_MAP_VALUE :
		   op == OP_FUNC   ? SPACE_FUNC :
				     SPACE_UNKNOWN;
	return v;
}

struct val *ir_call(struct blk *b, enum ir_op op, u32 index, enum ir_type ret, u32 n_args,
		    struct val *const *args)
{
	struct val *v = val_new(b, op, ret, n_args);

	v->index = index;
	for (u32 i = 0; i < n_args; i++)
		v->args[i] = args[i];
	return v;
}

struct val *ir_phi(struct blk *b, enum ir_type type)
{
	struct val *v = val_make(b->fn, OP_PHI, type, 0);

	if (b->first)
		val_insert(b->first, v);
	else
		val_append(b, v);
	return v;
}

void phi_add(struct val *phi, struct val *x)
{
	u32 n = phi->n_args;

	/* room doubles at powers of two */
	if (!(n & (n - 1))) {
		struct val **args = arena_alloc(&phi->blk->fn->mod->arena,
						MAX(2 * n, 2u) * sizeof(*args));

		if (n)
			memcpy(args, phi->args, n * sizeof(*args));
		phi->args = args;
	}
	phi->args[phi->n_args++] = x;
}

static void edge(struct blk *from, u32 i, struct blk *to)
{
	from->to[i] = to;
	need(vec_push(&to->preds, from));
}

void ir_jmp(struct blk *b, struct blk *to)
{
	val_new(b, OP_JMP, IR_VOID, 0);
	edge(b, 0, to);
}

void ir_br(struct blk *b, struct val *cond, struct blk *yes, struct blk *no)
{
	struct val *v = val_new(b, OP_BR, IR_VOID, 1);

	v->args[0] = cond;
	edge(b, 0, yes);
	edge(b, 1, no);
}

void ir_ret(struct blk *b, struct val *x)
{
	struct val *v = val_new(b, OP_RET, IR_VOID, x ? 1 : 0);

	if (x)
		v->args[0] = x;
}

void ir_unreachable(struct blk *b)
{
	val_new(b, OP_UNREACHABLE, IR_VOID, 0);
}

/* ---- replacing ---- */

void val_replace(struct val *v, struct val *by)
{
	v->repl = by;
}

struct val *val_resolve(struct val *v)
{
	while (v->repl)
		v = v->repl;
	return v;
}

void fn_resolve(struct fn *f)
{
	for (struct blk *b = f->entry; b; b = b->next)
		for (struct val *v = b->first; v; v = v->next)
			for (u32 i = 0; i < v->n_args; i++)
				v->args[i] = val_resolve(v->args[i]);
}

void fn_count_uses(struct fn *f)
{
	for (u32 i = 0; i < f->params.n; i++)
		f->params.p[i]->n_uses = 0;
	for (struct blk *b = f->entry; b; b = b->next)
		for (struct val *v = b->first; v; v = v->next)
			v->n_uses = 0;
	for (struct blk *b = f->entry; b; b = b->next)
		for (struct val *v = b->first; v; v = v->next)
			for (u32 i = 0; i < v->n_args; i++)
				v->args[i]->n_uses++;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/emit.c - the module: a function for each fn and program, predicates, the pid filter; and
 * the pieces that all of emission is made of.
 */
#include "abi/helper.h"
#include "base/vec.h"
#include "lang/bt/emit_unit.h"
#include "lang/bt/func.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- pieces ---- */

struct val *emit_i64(struct emit *e, s64 v)
{
	return ir_const(e->b, IR_I64, v);
}

struct val *emit_ptr(struct emit *e, struct val *i64, enum ir_space space)
{
	struct val *p = ir_cast(e->b, OP_INTTOPTR, IR_PTR, i64);

	p->space = space;
	return p;
}

struct val *emit_int(struct emit *e, struct val *ptr)
{
	return ptr->type == IR_PTR ? ir_cast(e->b, OP_PTRTOINT, IR_I64, ptr) : ptr;
}

static enum ir_type ir_of(u32 bytes)
{
	return bytes == 1 ? IR_I8 : bytes == 2 ? IR_I16 : bytes == 4 ? IR_I32 : IR_I64;
}

struct val *emit_narrow(struct emit *e, struct val *i64, const struct stype *type)
{
	enum ir_type t = ir_of(type->size);

	if (t == IR_I64)
		return i64;
	return ir_cast(e->b, type->is_signed ? OP_SEXT : OP_ZEXT, IR_I64,
		       ir_cast(e->b, OP_TRUNC, t, i64));
}

static struct val *helper(struct emit *e, u32 id, enum ir_type ret, u32 n, struct val *const *args)
{
	return ir_call(e->b, OP_HELPER, id, ret, n, args);
}

struct val *emit_helper(struct emit *e, u32 id, u32 n, struct val *const *args)
{
	return helper(e, id, IR_I64, n, args);
}

struct val *emit_helper_ptr(struct emit *e, u32 id, enum ir_space space, u32 n,
			    struct val *const *args)
{
	struct val *v = helper(e, id, IR_PTR, n, args);

	v->space = space;
	return v;
}

/* ---- branches ---- */

void emit_goto(struct emit *e, struct blk *to)
{
	ir_jmp(e->b, to);
	emit_dead(e);
}

void emit_dead(struct emit *e)
{
	e->b = blk_new(e->fn);
}

struct emit_if emit_if(struct emit *e, struct val *cond)
{
	struct blk *yes = blk_new(e->fn);
	struct emit_if f = {blk_new(e->fn), NULL};

	ir_br(e->b, cond, yes, f.no);
	e->b = yes;
	return f;
}

void emit_else(struct emit *e, struct emit_if *f)
{
	f->join = blk_new(e->fn);
	ir_jmp(e->b, f->join);
	e->b = f->no;
	f->no = NULL;
}

void emit_endif(struct emit *e, struct emit_if *f)
{
	struct blk *to = f->no ? f->no : f->join;

	ir_jmp(e->b, to);
	e->b = to;
}

struct val *emit_is_null(struct emit *e, struct val *ptr)
{
	return ir_cmp(e->b, OP_EQ, emit_int(e, ptr), emit_i64(e, 0));
}

/* ---- places ---- */

static void lines_find(struct emit *e)
{
	struct emit_scratch *s = e->scratch;
	const char *text = e->s->prog->text;

	if (!vec_push(&s->line_starts, 0))
		return;
	for (u32 i = 0; i < e->s->prog->len; i++)
		if (text[i] == '\n' && !vec_push(&s->line_starts, i + 1))
			return;
}

/* The last line that begins at or before an offset. */
static u32 line_of(const struct emit_scratch *s, u32 off)
{
	u32 low = 0, high = s->line_starts.n;

	while (high - low > 1) {
		u32 mid = low + (high - low) / 2;

		if (s->line_starts.p[mid] <= off)
			low = mid;
		else
			high = mid;
	}
	return low;
}

struct emit_at emit_at(struct emit *e, const struct node *n)
{
	struct emit_scratch *s = e->scratch;
	const struct bt_program *p = e->s->prog;
	struct emit_at was = {e->m->line, s->at};
	u32 line, from, to, begin;
	const char *file;
	char *text;

	s->at = n;
	if (!s->line_starts.n || n->at.from >= p->len)
		return was;
	line = line_of(s, n->at.from);
	from = s->line_starts.p[line];
	for (to = from; to < p->len && p->text[to] != '\n'; to++)
		;
	text = arena_printf(&e->m->arena, "%.*s", (int)(to - from), p->text + from);
	file = bt_file(p, from, &begin);
	e->m->line =
		mod_line(e->m, file, line - line_of(s, begin) + 1, n->at.from - from + 1, text);
	return was;
}

void emit_back(struct emit *e, struct emit_at was)
{
	e->m->line = was.line;
	e->scratch->at = was.node;
}

int emit_fail(struct emit *e, const struct node *at, int err, const char *fmt, ...)
{
	va_list ap;
	char text[512];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	e->failed = true;
	return bt_error(e->s->prog, e->dg, at->at, err, "%s", text);
}

/* ---- functions ---- */

/* Stack for variables and temporaries by depth of callbacks: frames of a chain of calls together
 * are to stay below 512 bytes, with room for what finds no register. */
static u32 stack_of(u32 depth)
{
	static const u32 bytes[] = {160, 64, 32};

	return depth < ARRAY_SIZE(bytes) ? bytes[depth] : 16;
}

struct emit_frame *emit_fn_begin(struct emit *e, struct fn *fn)
{
	struct emit_frame *f = arena_alloc(&e->m->arena, sizeof(*f));

	f->up = e->frame;
	f->fn = fn;
	f->depth = f->up ? f->up->depth + 1 : 0;
	f->stack_left = stack_of(f->depth);
	blk_new(fn); /* allocas, then the prologue */
	f->init = blk_new(fn);
	e->frame = f;
	e->fn = fn;
	e->b = f->body = blk_new(fn);
	if (!vec_push(&e->scratch->frames, f))
		e->failed = true;
	return f;
}

void emit_fn_end(struct emit *e)
{
	struct emit_frame *f = e->frame;

	e->frame = f->up;
	e->fn = f->up ? f->up->fn : NULL;
}

/* ---- programs ---- */

static bool by_user_space(enum script_hook h)
{
	return h == HOOK_BEGIN || h == HOOK_END || h == HOOK_SELF || h == HOOK_TEST ||
	       h == HOOK_BENCH || h == HOOK_INTERVAL;
}

static void pid_filter(struct emit *e, struct blk *out)
{
	struct emit_mark m = scratch_mark(e);
	struct blk *go;

	if (!e->s->opts->pid || by_user_space(e->probe->hook))
		return;
	go = blk_new(e->fn);
	ir_br(e->b, ir_cmp(e->b, OP_EQ, emit_tgid(e), emit_i64(e, e->s->opts->pid)), go, out);
	scratch_release(e, m);
	e->b = go;
}

/* Iterators see a last element that is not there: their programs end then. */
static void emit_probe_body(struct emit *e, struct blk *out)
{
	for (const struct node *n = e->probe->node->kids; n; n = n->next) {
		if (n->kind == NODE_PREDICATE) {
			struct blk *go = blk_new(e->fn);
			struct emit_at was = emit_at(e, n);

			emit_branch(e, n->kids, go, out);
			e->b = go;
			emit_back(e, was);
		} else if (n->kind == NODE_BLOCK) {
			emit_stmt(e, n);
		}
	}
}

static void emit_probe(struct emit *e, struct bt_probe *p)
{
	struct fn *fn = fn_new(e->m, p->fn_name, FN_PROG, IR_I64);
	struct blk *out;

	fn->section = p->section;
	fn->prog_type = p->prog_type;
	fn->attach_type = p->attach_type;
	emit_at(e, p->node);
	e->probe = p;
	e->ctx = fn_param(fn, IR_PTR, SPACE_CTX);
	e->ctx->name = "ctx";
	scratch_begin(e);
	emit_fn_begin(e, fn);
	out = blk_new(fn);
	pid_filter(e, out);
	emit_probe_body(e, out);
	ir_jmp(e->b, out);
	ir_ret(out, ir_const(out, IR_I64, 0));
	emit_fn_end(e);
	scratch_end(e);
	for (u32 i = 0; i < p->attaches.n; i++)
		e->s->script->attaches.p[p->attaches.p[i]].func = fn->index;
}

static void script_fill(struct emit *e)
{
	const struct bt_settings *set = &e->s->set;
	struct script *s = e->s->script;

	s->events_map = e->events_map;
	s->counts_map = e->counts_map;
	s->max_cat_bytes = (u32)MIN(set->max_cat_bytes, UINT32_MAX);
	s->max_strlen = (u32)MIN(set->max_strlen, UINT32_MAX);
	s->max_map_keys = (u32)MIN(set->max_map_keys, UINT32_MAX);
	s->str_trailer =
		arena_strdup(&s->arena, set->str_trunc_trailer ? set->str_trunc_trailer : "..");
	s->missing_ok = set->missing_probes != 0;
	s->print_maps_on_exit = set->print_maps_on_exit;
	s->cpp_demangle = set->cpp_demangle;
	s->lazy_symbols = set->lazy_symbolication;
	s->user_symbols = set->user_symbols;
	s->stack_mode = set->stack_mode;
	s->helper_errors = e->s->opts->helper_errors;
}

int bt_emit(struct sema *s, struct diag *dg, struct mod **out)
{
	struct emit_scratch scratch = {
		.map = UINT32_MAX, .rodata = UINT32_MAX, .zeros = UINT32_MAX};
	struct emit e = {.s = s,
			 .dg = dg,
			 .scratch = &scratch,
			 .events_map = UINT32_MAX,
			 .counts_map = UINT32_MAX};

	e.m = mod_new();
	if (!e.m)
		return -ENOMEM;
	if (s->set.license)
		e.m->license = arena_strdup(&e.m->arena, s->set.license);
	s->final = true; /* actions may be added */
	lines_find(&e);
	emit_maps(&e);
	emit_fns(&e);
	for (u32 i = 0; i < s->probes.n; i++)
		emit_probe(&e, s->probes.p[i]);
	emit_reporter(&e);
	scratch_finish(&e);
	script_fill(&e);
	scratch_free(&e);
	if (e.failed) {
		mod_free(e.m);
		return dg && dg->n_errors ? -EINVAL : -ENOMEM;
	}
	*out = e.m;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/emit_stmt.c - statements, variables, loops.
 *
 * The body of a loop over a range or a map is a callback.  It is given the unit's shared struct
 *(emit_unit.h), where variables lie that it has in common with the code around it:
 *
 *	break      return 1          continue   return 0
 *	return     note it in the shared struct, return 1; the code around leaves when it sees that
 */
#include "abi/helper.h"
#include "lang/bt/emit_unit.h"
#include <errno.h>
#include <string.h>

enum { CALLBACKS_MAX = 5 }; /* loops in loops that are callbacks */

/* ---- the shared struct ---- */

static struct val *shared_get(struct emit *e)
{
	struct emit_scratch *s = e->scratch;
	struct emit_frame *f = e->frame;

	if (f->shared)
		return f->shared;
	s->shared = ir_alloca(f->fn, s->shared_bytes, 8);
	s->shared->name = "variables of loops";
	f->shared = s->shared;
	return f->shared;
}

/* 8 bytes of it; false: it is full. */
static bool shared_take(struct emit *e, u32 *off)
{
	struct emit_scratch *s = e->scratch;

	if (s->shared_bytes + 8 > SHARED_VARS + STACK_BYTES_SHARED)
		return false;
	*off = s->shared_bytes;
	s->shared_bytes += 8;
	if (s->shared)
		s->shared->imm = s->shared_bytes;
	return true;
}

/* ---- variables ---- */

/* May one more scalar be a value of the function?  Too many that live at once would overflow the
 * stack, where those go that find no register. */
static bool is_register(struct emit_frame *f)
{
	static const u32 most[] = {32, 12, 6};

	return f->n_scalars++ < most[MIN(f->depth, ARRAY_SIZE(most) - 1)];
}

/* In 0.17 a variable may be read where nothing was assigned on the way. */
static void clear_at_start(struct emit *e, u32 off, u32 size)
{
	struct blk *b = e->b;

	e->b = e->frame->init;
	emit_zero(e, scratch_addr(e, REGION_SLOTS, off), size);
	e->b = b;
}

static struct emit_var *var_new(struct emit *e, struct bt_var *v)
{
	struct emit_var *at = arena_alloc(&e->m->arena, sizeof(*at));
	struct emit_frame *f = e->frame;
	u32 size = ALIGN_UP(MAX(v->type ? v->type->size : 8, 1u), 8u);
	bool scalar = !v->type || stype_is_scalar(v->type);

	v->emit = at;
	at->fn = e->fn;
	if (v->is_captured && scalar && shared_take(e, &at->off)) {
		at->place = VAR_SHARED;
	} else if (!v->is_captured &&
		   (scalar ? is_register(f)
			   : (size <= e->s->set.on_stack_limit && size <= f->stack_left))) {
		at->place = VAR_ALLOCA;
		at->alloca = ir_alloca(e->fn, size, 8);
		at->alloca->name = v->name;
		if (scalar)
			ir_store(f->init, ir_const(f->init, IR_I64, 0), at->alloca, 0);
		else
			ir_zero(f->init, at->alloca, size);
		f->stack_left -= scalar ? 0 : size;
	} else {
		at->place = VAR_SCRATCH;
		at->off = scratch_slot(e, size);
		if (sema_compat17(e->s))
			clear_at_start(e, at->off, size);
	}
	return at;
}

struct val *emit_var_addr(struct emit *e, struct bt_var *v)
{
	struct emit_var *at = v->emit ? v->emit : var_new(e, v);

	switch (at->place) {
	case VAR_ALLOCA:
		if (at->fn == e->fn)
			return at->alloca;
		emit_fail(e, v->decl, -EINVAL, "'%s' can't be reached from inside this loop",
			  v->name);
		return emit_temp(e, 8);
	case VAR_SHARED:
		return emit_add(e, shared_get(e), at->off);
	default:
		return scratch_addr(e, REGION_SLOTS, at->off);
	}
}

struct rv emit_var_get(struct emit *e, struct bt_var *v)
{
	struct val *p = emit_var_addr(e, v);

	if (!v->type || stype_is_scalar(v->type))
		return (struct rv){v->type, ir_load(e->b, IR_I64, p, 0)};
	return (struct rv){v->type, p};
}

void emit_scalar_set(struct emit *e, struct bt_var *v, struct val *scalar)
{
	if (v->type && stype_is_scalar(v->type))
		scalar = emit_narrow(e, scalar, v->type);
	ir_store(e->b, scalar, emit_var_addr(e, v), 0);
}

static void var_put(struct emit *e, struct bt_var *v, const struct node *n)
{
	struct val *to;

	if (!v->type || stype_is_scalar(v->type)) {
		emit_scalar_set(e, v, emit_scalar(e, n));
		return;
	}
	to = emit_var_addr(e, v);
	if (n->kind == NODE_TUPLE || n->kind == NODE_RECORD) {
		/* its parts may be made of the old value */
		struct rv new = emit_expr(e, n);

		emit_put(e, new, v->type, to, PUT_PLAIN);
		return;
	}
	emit_put_node(e, n, v->type, to, PUT_PLAIN);
}

static void var_zero(struct emit *e, struct bt_var *v)
{
	if (!v->type || stype_is_scalar(v->type))
		emit_scalar_set(e, v, emit_i64(e, 0));
	else
		emit_zero(e, emit_var_addr(e, v), v->type->size);
}

static void let(struct emit *e, const struct node *n)
{
	const struct node *value = n->kids->next;
	struct bt_var *v = n->kids->var;

	if (value && value->kind == NODE_TYPE)
		value = value->next;
	if (!v)
		return;
	if (value)
		var_put(e, v, value);
	else
		var_zero(e, v);
}

static void assign(struct emit *e, const struct node *n)
{
	const struct node *to = n->kids, *value = to->next;
	struct val *x, *y;

	if (to->kind == NODE_MAP) {
		emit_map_set(e, to, value, n);
	} else if (to->kind == NODE_VAR && to->var && n->op) {
		x = emit_var_get(e, to->var).v;
		y = emit_scalar(e, value);
		emit_scalar_set(e, to->var, emit_arith(e, n, n->op, x, y));
	} else if (to->kind == NODE_VAR && to->var) {
		var_put(e, to->var, value);
	} else {
		emit_expr(e, value);
	}
}

struct rv emit_increment(struct emit *e, const struct node *n)
{
	const struct node *of = n->kids;
	struct val *old, *new;
	s64 step = 1;

	if (of->kind == NODE_MAP)
		return emit_map_increment(e, n);
	if (of->kind != NODE_VAR || !of->var)
		return RV_NONE;
	if (of->var->type && of->var->type->kind == ST_PTR && of->var->type->of)
		step = MAX(of->var->type->of->size, 1u);
	old = emit_var_get(e, of->var).v;
	new = emit_bin_imm(e, OP_ADD, old, n->op == BT_ADD ? step : -step);
	if (of->var->type && stype_is_scalar(of->var->type))
		new = emit_narrow(e, new, of->var->type);
	emit_scalar_set(e, of->var, new);
	return (struct rv){n->type, n->value ? new : old};
}

/* ---- leaving ---- */

void emit_return(struct emit *e, struct val *v)
{
	struct emit_frame *f = e->frame;

	if (f->up) {
		ir_store(e->b, emit_i64(e, 1), shared_get(e), SHARED_LEFT);
		ir_store(e->b, v ? emit_int(e, v) : emit_i64(e, 0), shared_get(e), SHARED_RESULT);
		ir_ret(e->b, emit_i64(e, 1));
		f->leaves = true;
	} else if (f->fn->ret == IR_VOID) {
		ir_ret(e->b, NULL);
	} else {
		ir_ret(e->b, v ? v : emit_i64(e, 0));
	}
	emit_dead(e);
}

/* Behind a loop whose body may leave the program: leave it here, too. */
static void pass_on_return(struct emit *e, const struct emit_frame *body)
{
	struct emit_if f;
	struct val *v;

	if (!body->leaves)
		return;
	f = emit_if(e,
		    emit_cmp_imm(e, OP_NE, ir_load(e->b, IR_I64, shared_get(e), SHARED_LEFT), 0));
	if (e->frame->up) {
		ir_ret(e->b, emit_i64(e, 1));
		e->frame->leaves = true;
		emit_dead(e);
	} else {
		v = ir_load(e->b, IR_I64, shared_get(e), SHARED_RESULT);
		emit_return(e, e->fn->ret == IR_PTR ? emit_ptr(e, v, SPACE_MAP_VALUE) : v);
	}
	emit_endif(e, &f);
}

static void give(struct emit *e, const struct node *n)
{
	const struct stype *ret = NULL;
	struct emit_frame *f = e->frame;
	struct rv v;

	for (; f->up; f = f->up)
		;
	ret = f->ret;
	if (!n->kids) {
		emit_return(e, NULL);
		return;
	}
	if (!ret || stype_is_scalar(ret)) {
		struct val *x = emit_scalar(e, n->kids);

		emit_return(e, ret ? emit_narrow(e, x, ret) : x);
		return;
	}
	v.type = ret;
	v.v = scratch_addr(e, REGION_SLOTS, scratch_slot(e, MAX(ret->size, 1u)));
	emit_put_node(e, n->kids, ret, v.v, PUT_PLAIN);
	emit_return(e, v.v);
}

static void jump(struct emit *e, const struct node *n)
{
	bool is_break = n->kind == NODE_BREAK;
	struct emit_loop *l = e->frame->loop;

	if (!l) {
		emit_fail(e, n, -EINVAL, "%s outside of a loop", is_break ? "break" : "continue");
		return;
	}
	if (!l->next)
		ir_ret(e->b, emit_i64(e, is_break));
	else
		ir_jmp(e->b, is_break ? l->end : l->next);
	emit_dead(e);
}

/* ---- loops ---- */

/* The function around a callback, while that is emitted. */
struct outside {
	struct blk *b;
	struct val *ctx;
	struct emit_loop loop;
};

/* Begins the callback of a loop.  Its last parameter is the shared struct. */
static struct fn *callback_begin(struct emit *e, struct outside *o, u32 n_params)
{
	struct val *shared, *params[4];
	struct emit_frame *f;
	struct fn *fn;

	shared_get(e);
	fn = fn_new(e->m, arena_printf(&e->m->arena, "loop_%u", e->m->fns.n), FN_CALLBACK, IR_I64);
	for (u32 i = 0; i < n_params; i++) {
		bool is_index = n_params == 2 && i == 0;

		params[i] = fn_param(fn, is_index ? IR_I64 : IR_PTR,
				     is_index		 ? SPACE_UNKNOWN
				     : i + 1 == n_params ? SPACE_STACK
				     : i == 0		 ? SPACE_MAP
							 : SPACE_MAP_VALUE);
	}
	shared = params[n_params - 1];
	*o = (struct outside){.b = e->b, .ctx = e->ctx};
	f = emit_fn_begin(e, fn);
	f->shared = shared;
	f->loop = &o->loop;
	if (e->ctx) {
		e->ctx = ir_load(f->init, IR_PTR, shared, SHARED_CTX);
		e->ctx->space = SPACE_CTX;
	}
	return fn;
}

static void callback_end(struct emit *e, struct outside *o)
{
	ir_ret(e->b, emit_i64(e, 0));
	emit_fn_end(e);
	e->b = o->b;
	e->ctx = o->ctx;
}

/* bpf_loop() came with Linux 5.17.  Calls may nest eight deep: the program, its loops, and
 * osmia_failed(). */
static bool has_bpf_loop(const struct emit *e)
{
	const struct bt_world *w = e->s->w;

	if (e->frame->depth >= CALLBACKS_MAX)
		return false;
	return w->is_user || !w->kernel_version || w->kernel_version >= (5u << 16 | 17 << 8);
}

/* The loop in place, which the verifier walks turn by turn. */
static void for_range_in_place(struct emit *e, const struct node *n)
{
	const struct node *var = n->kids, *range = var->next, *block = range->next;
	struct val *from = emit_scalar(e, range->kids), *to = emit_scalar(e, range->kids->next), *i;
	struct val *at = ir_alloca(e->fn, 8, 8);
	struct blk *head = blk_new(e->fn), *body = blk_new(e->fn), *next = blk_new(e->fn),
		   *end = blk_new(e->fn);
	struct emit_loop loop = {e->frame->loop, next, end};

	ir_store(e->b, from, at, 0);
	ir_jmp(e->b, head);
	e->b = head;
	i = ir_load(e->b, IR_I64, at, 0);
	ir_br(e->b, ir_cmp(e->b, OP_SLT, i, to), body, end);
	e->b = body;
	if (var->var)
		emit_scalar_set(e, var->var, i);
	e->frame->loop = &loop;
	emit_stmt(e, block);
	e->frame->loop = loop.up;
	ir_jmp(e->b, next);
	e->b = next;
	ir_store(e->b, emit_bin_imm(e, OP_ADD, ir_load(e->b, IR_I64, at, 0), 1), at, 0);
	ir_jmp(e->b, head);
	e->b = end;
}

/* Where the first value of a range lies for the callback. */
struct loop_start {
	bool in_shared;
	u32 off;
};

static struct val *start_at(struct emit *e, struct loop_start s)
{
	return s.in_shared ? emit_add(e, shared_get(e), s.off)
			   : scratch_addr(e, REGION_SLOTS, s.off);
}

static struct loop_start start_put(struct emit *e, struct val *from)
{
	struct loop_start s = {0};

	s.in_shared = shared_take(e, &s.off);
	if (!s.in_shared)
		s.off = scratch_slot(e, 8);
	ir_store(e->b, from, start_at(e, s), 0);
	return s;
}

static void for_range(struct emit *e, const struct node *n)
{
	const struct node *var = n->kids, *range = var->next, *block = range->next;
	struct val *from = emit_scalar(e, range->kids), *to = emit_scalar(e, range->kids->next),
		   *count, *i;
	struct emit_frame *body;
	struct outside o;
	struct emit_if f;
	struct fn *fn;
	struct loop_start start = {0};
	bool is_known;

	f = emit_if(e, ir_cmp(e->b, OP_SLT, from, to));
	count = emit_bin(e, OP_SUB, to, from);
	is_known = from->op == OP_CONST;
	if (!is_known)
		start = start_put(e, from);
	fn = callback_begin(e, &o, 2);
	body = e->frame;
	i = is_known ? emit_i64(e, from->imm) : ir_load(e->b, IR_I64, start_at(e, start), 0);
	if (var->var)
		emit_scalar_set(e, var->var, emit_bin(e, OP_ADD, i, fn->params.p[0]));
	emit_stmt(e, block);
	callback_end(e, &o);
	/* more than 2^23 turns it refuses */
	emit_check(e, HELPER_loop,
		   emit_call(e, HELPER_loop, count, ir_ref(e->b, OP_FUNC, fn->index, 0),
			     e->frame->shared, emit_i64(e, 0)));
	pass_on_return(e, body);
	emit_endif(e, &f);
}

/* $kv is a pair of key and value. */
static void for_map(struct emit *e, const struct node *n)
{
	const struct node *var = n->kids, *over = var->next, *block = over->next;
	const struct bt_map *m = over->map;
	const struct stype *pair = var->var ? var->var->type : NULL;
	struct emit_frame *body;
	struct outside o;
	struct fn *fn;

	if (!m)
		return;
	shared_get(e);
	fn = callback_begin(e, &o, 4);
	body = e->frame;
	if (pair && pair->kind == ST_TUPLE && pair->n_fields == 2) {
		struct val *to = emit_var_addr(e, var->var);
		struct rv key = {m->key, fn->params.p[1]};

		emit_zero(e, to, pair->size);
		if (stype_is_scalar(m->key))
			key.v = emit_load(e, m->key, key.v, 0);
		emit_put(e, key, m->key, emit_add(e, to, pair->fields[0].off), PUT_ZEROED);
		emit_put(e, emit_map_value(e, m, fn->params.p[1], fn->params.p[2]),
			 pair->fields[1].type, emit_add(e, to, pair->fields[1].off), PUT_ZEROED);
	}
	emit_stmt(e, block);
	callback_end(e, &o);
	emit_call(e, HELPER_for_each_map_elem, emit_map_ref(e, m),
		  ir_ref(e->b, OP_FUNC, fn->index, 0), e->frame->shared, emit_i64(e, 0));
	pass_on_return(e, body);
}

static void while_loop(struct emit *e, const struct node *n)
{
	struct blk *head = blk_new(e->fn), *body = blk_new(e->fn), *end = blk_new(e->fn);
	struct emit_loop loop = {e->frame->loop, head, end};

	ir_jmp(e->b, head);
	e->b = head;
	emit_branch(e, n->kids, body, end);
	e->b = body;
	e->frame->loop = &loop;
	emit_stmt(e, n->kids->next);
	e->frame->loop = loop.up;
	ir_jmp(e->b, head);
	e->b = end;
}

static void unroll(struct emit *e, const struct node *n)
{
	s64 times = n->kids->is_const ? n->kids->konst : (s64)n->kids->value;
	struct blk *end = blk_new(e->fn);

	for (s64 i = 0; i < times; i++) {
		struct emit_loop loop = {e->frame->loop, blk_new(e->fn), end};

		e->frame->loop = &loop;
		emit_stmt(e, n->kids->next);
		e->frame->loop = loop.up;
		ir_jmp(e->b, loop.next);
		e->b = loop.next;
	}
	ir_jmp(e->b, end);
	e->b = end;
}

static void if_stmt(struct emit *e, const struct node *n)
{
	const struct node *then = n->kids->next, *other = then->next;
	struct blk *yes = blk_new(e->fn), *no = blk_new(e->fn), *end = other ? blk_new(e->fn) : no;

	emit_branch(e, n->kids, yes, no);
	e->b = yes;
	emit_stmt(e, then);
	ir_jmp(e->b, end);
	e->b = no;
	if (other) {
		emit_stmt(e, other);
		ir_jmp(e->b, end);
		e->b = end;
	}
}

/* ---- statements ---- */

struct rv emit_block(struct emit *e, const struct node *block)
{
	for (const struct node *k = block->kids; k; k = k->next) {
		if (!k->next && k->kind == NODE_EXPR_STMT)
			return emit_expr(e, k->kids);
		if (!k->next && k->kind == NODE_BLOCK)
			return emit_block(e, k);
		if (!k->next && k->kind == NODE_IF)
			return emit_if_value(e, k);
		emit_stmt(e, k);
	}
	return RV_NONE;
}

static void statement(struct emit *e, const struct node *n)
{
	switch (n->kind) {
	case NODE_BLOCK:
		for (const struct node *k = n->kids; k; k = k->next)
			emit_stmt(e, k);
		break;
	case NODE_EXPR_STMT:
		if (n->kids->kind == NODE_IF || n->kids->kind == NODE_BLOCK)
			emit_stmt(e, n->kids);
		else
			emit_expr(e, n->kids);
		break;
	case NODE_ASSIGN:
		assign(e, n);
		break;
	case NODE_LET:
		let(e, n);
		break;
	case NODE_IF:
		if_stmt(e, n);
		break;
	case NODE_WHILE:
		while_loop(e, n);
		break;
	case NODE_UNROLL:
		unroll(e, n);
		break;
	case NODE_FOR:
		if (n->kids->next->kind != NODE_RANGE)
			for_map(e, n);
		else if (has_bpf_loop(e))
			for_range(e, n);
		else
			for_range_in_place(e, n);
		break;
	case NODE_BREAK:
	case NODE_CONTINUE:
		jump(e, n);
		break;
	case NODE_RETURN:
		give(e, n);
		break;
	default: /* an expression whose value nobody wants */
		emit_expr(e, n);
		break;
	}
}

void emit_stmt(struct emit *e, const struct node *n)
{
	struct emit_mark m = scratch_mark(e);
	struct emit_at was = emit_at(e, n);

	statement(e, n);
	scratch_release(e, m);
	emit_back(e, was);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/fn_search.c - strlen, strcap, strstr, strcontains.
 *
 * Looking for one text in another compares a byte a call of bpf_loop(), so that the verifier
 * follows one round instead of up to a million.  What the rounds count lies in scratch memory: the
 * verifier knows nothing of it, and so every round looks the same to it.
 *
 *	frame on the stack      hay ── needle ── state
 *	state in scratch        pos: where in the hay the needle may begin
 *	                        len: bytes of it found there
 *	                        found: the answer
 */
#include "abi/helper.h"
#include "lang/bt/emit_unit.h"
#include "lang/bt/func.h"
#include "lang/bt/text.h"
#include <string.h>

enum { FRAME_HAY = 0, FRAME_NEEDLE = 8, FRAME_STATE = 16, FRAME_BYTES = 24 };
enum { ROUNDS_MAX = 1 << 23 }; /* kernel/bpf/bpf_iter.c, BPF_MAX_LOOPS */
enum { STATE_POS = 0, STATE_LEN = 8, STATE_FOUND = 16, STATE_BYTES = 24 };

static void set_const(struct node *n, s64 v)
{
	n->is_const = true;
	n->konst = v;
}

/* ---- strlen, strcap ---- */

void func_check_strlen(struct sema *s, struct node *n)
{
	n->type = stype_int(8, false);
	if (text_check(s, n->kids, "strlen()") && n->kids->str)
		set_const(n, (s64)strlen(n->kids->str));
}

/* The helper that copies a string says how long it is: with the NUL, which it may have put over the
 * last byte itself. */
static struct val *length(struct emit *e, const struct text *t)
{
	struct val *copy = emit_temp(e, t->size), *ret, *last, *is_cut, *len;

	ret = emit_call(e, HELPER_probe_read_kernel_str, copy, emit_i64(e, t->size), t->p);
	last = ir_cast(e->b, OP_ZEXT, IR_I64, ir_load(e->b, IR_I8, t->p, t->size - 1));
	is_cut = ir_select(e->b, emit_cmp_imm(e, OP_EQ, ret, t->size), last, emit_i64(e, 0));
	len = ir_select(e->b, emit_cmp_imm(e, OP_SLE, ret, 0), emit_i64(e, 0),
			emit_bin_imm(e, OP_SUB, ret, 1));
	return ir_select(e->b, emit_cmp_imm(e, OP_NE, is_cut, 0), emit_i64(e, t->size), len);
}

struct rv func_emit_strlen(struct emit *e, const struct node *n)
{
	struct text t = text_of(e, n->kids);

	return (struct rv){n->type, t.size ? length(e, &t) : emit_i64(e, 0)};
}

void func_check_strcap(struct sema *s, struct node *n)
{
	const struct stype *t = n->kids->type;

	n->type = stype_int(8, true);
	if (!text_check(s, n->kids, "strcap()"))
		return;
	if (t->kind == ST_STR)
		set_const(n, t->size);
	else if (t->kind == ST_ARRAY)
		set_const(n, t->n);
}

struct rv func_emit_strcap(struct emit *e, const struct node *n)
{
	return func_emit_strlen(e, n);
}

/* ---- strstr, strcontains ---- */

static struct val *byte_at(struct blk *b, struct val *p, struct val *i)
{
	return ir_cast(b, OP_ZEXT, IR_I64, ir_load(b, IR_I8, ir_ptradd(b, p, i), 0));
}

static struct val *field(struct blk *b, struct val *frame, s64 off)
{
	struct val *p = ir_load(b, IR_PTR, frame, off);

	p->space = SPACE_MAP_VALUE;
	return p;
}

static void leave(struct blk *b, s64 ret)
{
	ir_ret(b, ir_const(b, IR_I64, ret));
}

static void found(struct blk *b, struct val *state, struct val *pos)
{
	ir_store(b, pos, state, STATE_FOUND);
	leave(b, 1);
}

/* One round:
 *
 *	needle at its end          found
 *	hay[pos + len] the same    len + 1
 *	hay at its end             the rest of the needle has no room: none
 *	else                       pos + 1, len 0
 */
static struct fn *round_fn(struct emit *e, u32 hay_size, u32 needle_size)
{
	const char *name = arena_printf(&e->m->arena, "search_%u_%u", hay_size, needle_size);
	struct blk *entry, *in_needle, *more, *in_hay, *past_hay, *same, *differ, *next, *ends;
	struct val *frame, *state, *pos, *len, *c, *h, *k;
	struct fn *f;

	for (u32 i = 0; i < e->m->fns.n; i++)
		if (!strcmp(e->m->fns.p[i]->name, name))
			return e->m->fns.p[i];
	f = fn_new(e->m, name, FN_CALLBACK, IR_I64);
	fn_param(f, IR_I64, SPACE_UNKNOWN);
	frame = fn_param(f, IR_PTR, SPACE_STACK);
	entry = f->entry ? f->entry : blk_new(f);
	in_needle = blk_new(f), more = blk_new(f), in_hay = blk_new(f), past_hay = blk_new(f);
	same = blk_new(f), differ = blk_new(f), next = blk_new(f), ends = blk_new(f);

	state = field(entry, frame, FRAME_STATE);
	pos = ir_load(entry, IR_I64, state, STATE_POS);
	len = ir_load(entry, IR_I64, state, STATE_LEN);
	ir_br(entry, ir_cmp(entry, OP_ULT, len, ir_const(entry, IR_I64, needle_size)), in_needle,
	      ends);
	found(ends, state, pos);

	c = byte_at(in_needle, field(in_needle, frame, FRAME_NEEDLE), len);
	k = ir_bin(in_needle, OP_ADD, pos, len);
	ir_br(in_needle, ir_cmp(in_needle, OP_EQ, c, ir_const(in_needle, IR_I64, 0)), ends, more);
	ir_br(more, ir_cmp(more, OP_ULT, k, ir_const(more, IR_I64, hay_size)), in_hay, past_hay);
	leave(past_hay, 1);

	h = byte_at(in_hay, field(in_hay, frame, FRAME_HAY), k);
	ir_br(in_hay, ir_cmp(in_hay, OP_EQ, h, c), same, differ);
	ir_store(same, ir_bin(same, OP_ADD, len, ir_const(same, IR_I64, 1)), state, STATE_LEN);
	leave(same, 0);
	ir_br(differ, ir_cmp(differ, OP_EQ, h, ir_const(differ, IR_I64, 0)), past_hay, next);
	ir_store(next, ir_bin(next, OP_ADD, pos, ir_const(next, IR_I64, 1)), state, STATE_POS);
	ir_store(next, ir_const(next, IR_I64, 0), state, STATE_LEN);
	leave(next, 0);
	return f;
}

/* In map memory, whose bytes may be read at an offset that is known at run time only. */
static struct val *in_map(struct emit *e, const struct text *t)
{
	struct val *copy;

	if (t->p->space == SPACE_MAP_VALUE || t->p->op == OP_GLOBAL)
		return t->p;
	copy = scratch_addr(e, REGION_SLOTS, scratch_slot(e, t->size));
	emit_copy(e, copy, t->p, t->size);
	return copy;
}

/* A function's searches share a frame. */
static struct val *search_frame(struct emit *e)
{
	struct val *v;

	for (v = e->fn->entry->first; v; v = v->next)
		if (v->op == OP_ALLOCA && v->name && !strcmp(v->name, "search"))
			return v;
	v = ir_alloca(e->fn, FRAME_BYTES, 8);
	v->name = "search";
	return v;
}

/* Offset of the needle's first occurrence, or -1. */
static struct val *search(struct emit *e, const struct node *n)
{
	struct text hay = text_of(e, n->kids), needle = text_of(e, n->kids->next);
	struct val *frame, *state;
	struct fn *f;
	u64 rounds;

	if (!hay.size || !needle.size)
		return emit_i64(e, needle.size ? -1 : 0);
	f = round_fn(e, hay.size, needle.size);
	rounds = MIN((u64)(hay.size + 1) * (needle.size + 1), (u64)ROUNDS_MAX);
	frame = search_frame(e);
	state = scratch_addr(e, REGION_SLOTS, scratch_slot(e, STATE_BYTES));
	ir_store(e->b, in_map(e, &hay), frame, FRAME_HAY);
	ir_store(e->b, in_map(e, &needle), frame, FRAME_NEEDLE);
	ir_store(e->b, state, frame, FRAME_STATE);
	ir_store(e->b, emit_i64(e, 0), state, STATE_POS);
	ir_store(e->b, emit_i64(e, 0), state, STATE_LEN);
	ir_store(e->b, emit_i64(e, -1), state, STATE_FOUND);
	emit_call(e, HELPER_loop, emit_i64(e, (s64)rounds), ir_ref(e->b, OP_FUNC, f->index, 0),
		  frame, emit_i64(e, 0));
	return ir_load(e->b, IR_I64, state, STATE_FOUND);
}

static void check_search(struct sema *s, struct node *n, const char *what, bool is_bool)
{
	const struct node *hay = n->kids, *needle = hay->next;
	const char *at;
	s64 v;

	n->type = is_bool && !sema_compat17(s) ? stype_bool() : stype_int(8, true);
	if (!text_check(s, n->kids, what) || !text_check(s, n->kids->next, what) || !hay->str ||
	    !needle->str)
		return;
	at = strstr(hay->str, needle->str);
	v = at ? at - hay->str : -1;
	set_const(n, is_bool ? v >= 0 : v);
}

void func_check_strstr(struct sema *s, struct node *n)
{
	check_search(s, n, "strstr()", false);
}

struct rv func_emit_strstr(struct emit *e, const struct node *n)
{
	return (struct rv){n->type, search(e, n)};
}

void func_check_strcontains(struct sema *s, struct node *n)
{
	check_search(s, n, "strcontains()", true);
}

struct rv func_emit_strcontains(struct emit *e, const struct node *n)
{
	struct val *at = search(e, n), *holds;

	holds = ir_cmp(e->b, OP_SLE, emit_i64(e, 0), at);
	return (struct rv){n->type, ir_cast(e->b, OP_ZEXT, IR_I64, holds)};
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/fn_string.c - strings and buffers: read from memory, joined, turned round, written.
 *
 * fn_compare.c, fn_search.c and fn_name.c have the rest.
 */
#include "abi/helper.h"
#include "lang/bt/emit_unit.h"
#include "lang/bt/func.h"
#include "lang/bt/text.h"
#include <string.h>

enum { CONCAT_MAX = 1024 };

/* ---- text.h ---- */

static bool is_char(const struct stype *t)
{
	return t->kind == ST_INT && t->size == 1;
}

bool text_check(struct sema *s, struct node *n, const char *what)
{
	const struct stype *t = n->type;

	if (t->kind == ST_STR || (t->kind == ST_ARRAY && is_char(t->of)) ||
	    (t->kind == ST_PTR && is_char(t->of)))
		return true;
	if (t->kind != ST_NONE)
		sema_error(s, n, "%s expects a string, not %s", what, stype_name(sema_types(s), t));
	return false;
}

struct val *text_address(struct emit *e, const struct node *n)
{
	const struct stype *t = n->type;

	if (t->kind != ST_PTR)
		t = stype_ptr(sema_types(e->s), stype_void(), SS_NONE);
	return emit_ptr(e, emit_scalar(e, n), emit_space(e, t));
}

struct val *text_min(struct emit *e, struct val *v, u64 max)
{
	return ir_select(e->b, ir_cmp(e->b, OP_ULT, v, emit_i64(e, (s64)max)), v,
			 emit_i64(e, (s64)max));
}

struct text text_of(struct emit *e, const struct node *n)
{
	struct text t = {NULL, n->type->size};

	if (n->type->kind != ST_PTR) {
		t.p = emit_direct(e, emit_expr(e, n));
		return t;
	}
	t.size = (u32)e->s->set.max_strlen;
	t.p = emit_temp(e, t.size);
	emit_read_str(e, t.p, emit_i64(e, t.size), text_address(e, n));
	return t;
}

/* ---- str ---- */

/* A string known now, of as many characters. */
static void set_str(struct sema *s, struct node *n, const char *text, size_t len)
{
	n->str = arena_printf(&s->prog->arena, "%.*s", (int)len, text);
	n->type = stype_str(sema_types(s), (u32)strlen(n->str) + 1);
}

/* An integer that stands in the script as such: it is no address. */
static bool is_number(const struct node *n)
{
	if (n->kind == NODE_INT)
		return true;
	if (n->kind == NODE_UNARY || n->kind == NODE_BINARY) {
		for (const struct node *k = n->kids; k; k = k->next)
			if (!is_number(k))
				return false;
		return n->is_const;
	}
	return false;
}

/* str(x) of a literal: its text, cut to n characters. */
static bool fold_str(struct sema *s, struct node *n)
{
	const struct node *arg = n->kids, *len = arg->next;
	size_t most = len ? (size_t)len->konst : SIZE_MAX, n_text;
	const char *text = arg->str;

	if (len && !len->is_const)
		return false;
	if (!text && arg->is_const && is_number(arg) && !sema_compat17(s))
		text = arena_printf(&s->prog->arena, "%lld", (long long)arg->konst);
	if (!text)
		return false;
	n_text = strlen(text);
	set_str(s, n, text, MIN(n_text, most));
	return true;
}

/* Bytes of a string that length says, with its NUL: of 0.27 length, of 0.17 one more. */
static u64 bytes_asked(const struct sema *s, u64 length)
{
	return length + (sema_compat17(s) ? 1 : 0);
}

static void check_str(struct sema *s, struct node *n)
{
	struct node *arg = n->kids, *len = arg->next;
	const struct stype *t = arg->type;
	u32 size = (u32)s->set.max_strlen;

	n->type = stype_str(sema_types(s), size);
	if (len && !sema_want_int(s, len, false))
		return;
	if (len && len->is_const && len->konst < 0) {
		sema_error(s, n, "%s() cannot use negative length (%lld)", n->text,
			   (long long)len->konst);
		return;
	}
	if (t->kind == ST_NONE || fold_str(s, n))
		return;
	if (t->kind != ST_STR && t->kind != ST_INT && t->kind != ST_PTR &&
	    !(t->kind == ST_ARRAY && is_char(t->of))) {
		sema_error(s, n,
			   "%s() expects a string, integer or a pointer type as first argument (%s "
			   "provided)",
			   n->text, stype_name(sema_types(s), t));
		return;
	}
	if (len && len->is_const && (u64)len->konst + 1 > size)
		sema_warn(s, n,
			  "length param (%lld) is too long and will be shortened to %u bytes"
			  " (see BPFTRACE_MAX_STRLEN)",
			  (long long)len->konst, size);
	else if (len && len->is_const)
		size = (u32)len->konst + 1;
	if (stype_is_mem(t))
		size = MIN(size, t->size);
	n->type = stype_str(sema_types(s), size);
}

/* A string that lies in memory: as it is, or cut. */
static struct rv cut_str(struct emit *e, const struct node *n, struct val *p)
{
	struct val *copy = emit_temp(e, n->type->size), *most;

	if (!n->kids->next)
		return (struct rv){n->type, p};
	most = text_min(e, emit_scalar(e, n->kids->next), n->type->size);
	emit_zero(e, copy, n->type->size);
	emit_call(e, HELPER_probe_read_kernel_str, copy, most, p);
	return (struct rv){n->type, copy};
}

/* Reads a string to where it is to lie.
 *
 * What fills the type to its last byte without a NUL was cut, and the printer says so.  The helper
 * always ends with a NUL: the last byte is read once more by itself.
 */
static void read_str(struct emit *e, const struct node *n, struct val *src, struct val *to)
{
	const struct node *len = n->kids->next;
	u32 size = n->type->size;
	struct val *asked = NULL, *ret, *last;
	struct emit_if full, cut = {0};

	if (len && len->is_const) {
		emit_read_str(e, to,
			      emit_i64(e, (s64)MIN(bytes_asked(e->s, (u64)len->konst), (u64)size)),
			      src);
		return;
	}
	if (len)
		asked = emit_bin_imm(e, OP_ADD, emit_scalar(e, len), (s64)bytes_asked(e->s, 0));
	ret = emit_read_str(e, to, asked ? text_min(e, asked, size) : emit_i64(e, size), src);
	if (sema_compat17(e->s))
		return;
	full = emit_if(e, emit_cmp_imm(e, OP_EQ, ret, size));
	if (asked)
		cut = emit_if(e, ir_cmp(e->b, OP_ULT, emit_i64(e, size), asked));
	last = emit_add(e, to, size - 1);
	emit_read(e, last, 1, emit_add(e, src, size - 1));
	if (asked)
		emit_endif(e, &cut);
	emit_endif(e, &full);
}

static bool is_user_str(const struct node *n)
{
	return n->func && n->func->emit == func_emit_probe_read_user_str;
}

bool text_read_to(struct emit *e, const struct node *n, struct val *to)
{
	struct emit_at was;

	if (n->kind != NODE_CALL || !n->func || n->str ||
	    (n->func->emit != func_emit_str && !is_user_str(n)) || stype_is_mem(n->kids->type))
		return false;
	was = emit_at(e, n);
	if (is_user_str(n))
		read_str(e, n, emit_ptr(e, emit_scalar(e, n->kids), SPACE_USER), to);
	else
		read_str(e, n, text_address(e, n->kids), to);
	emit_back(e, was);
	return true;
}

void func_check_str(struct sema *s, struct node *n)
{
	check_str(s, n);
}

struct rv func_emit_str(struct emit *e, const struct node *n)
{
	struct val *to;

	if (stype_is_mem(n->kids->type))
		return cut_str(e, n, emit_direct(e, emit_expr(e, n->kids)));
	to = emit_temp(e, n->type->size);
	text_read_to(e, n, to);
	return (struct rv){n->type, to};
}

/* The same, of user memory whatever the pointer's type says. */
void func_check_probe_read_user_str(struct sema *s, struct node *n)
{
	for (struct node *k = n->kids; k; k = k->next)
		sema_expr(s, k);
	check_str(s, n);
}

struct rv func_emit_probe_read_user_str(struct emit *e, const struct node *n)
{
	return func_emit_str(e, n);
}

void func_check_default_str_length(struct sema *s, struct node *n)
{
	n->type = stype_int(8, false);
	n->is_const = true;
	n->konst = (s64)s->set.max_strlen;
}

struct rv func_emit_default_str_length(struct emit *e, const struct node *n)
{
	return (struct rv){n->type, emit_i64(e, n->konst)};
}

/* ---- buf ---- */

enum { BUF_HEADER = 4 };

void func_check_buf(struct sema *s, struct node *n)
{
	struct node *arg = n->kids, *len = arg->next;
	const struct stype *t = arg->type;
	u64 most = s->set.max_strlen > BUF_HEADER ? s->set.max_strlen - BUF_HEADER : 0, size = most;

	n->type = stype_buf(sema_types(s), (u32)most);
	if (t->kind == ST_NONE || (len && !sema_want_int(s, len, false)))
		return;
	if (t->kind != ST_INT && t->kind != ST_STR && t->kind != ST_PTR && t->kind != ST_ARRAY) {
		sema_error(s, n, "buf() expects an integer, string, or array argument but saw %s",
			   stype_name(sema_types(s), t));
		return;
	}
	if (!len && t->kind != ST_ARRAY) {
		sema_error(s, n, "buf() expects a length argument for non-array type %s",
			   stype_name(sema_types(s), t));
		return;
	}
	if (len && len->is_const && len->konst < 0) {
		sema_error(s, n, "buf() cannot use negative length (%lld)", (long long)len->konst);
		return;
	}
	if (!len)
		size = t->size;
	else if (len->is_const)
		size = (u64)len->konst;
	n->type = stype_buf(sema_types(s), (u32)MIN(size, most));
}

struct rv func_emit_buf(struct emit *e, const struct node *n)
{
	const struct node *len = n->kids->next;
	u32 size = n->type->n;
	struct val *p = emit_temp(e, n->type->size), *data, *bytes = emit_i64(e, size), *src;
	bool in_memory = stype_is_mem(n->kids->type);

	if (in_memory)
		src = emit_direct(e, emit_expr(e, n->kids));
	else
		src = text_address(e, n->kids);
	/* of own memory no more than there is */
	if (in_memory)
		size = MIN(size, n->kids->type->size);
	if (len && !len->is_const)
		bytes = text_min(e, emit_scalar(e, len), size);
	else
		bytes = emit_i64(e, size);
	emit_zero(e, p, n->type->size);
	ir_store(e->b, ir_cast(e->b, OP_TRUNC, IR_I32, bytes), p, 0);
	data = emit_add(e, p, BUF_HEADER);
	emit_read_some(e, data, bytes, src);
	return (struct rv){n->type, p};
}

/* ---- path: fs paths of the kernel ---- */

void func_check_path(struct sema *s, struct node *n)
{
	struct node *arg = n->kids, *size = arg->next;
	const struct stype *t = arg->type;
	s64 v = (s64)s->set.max_strlen;

	n->type = stype_str(sema_types(s), (u32)s->set.max_strlen);
	if (t->kind == ST_NONE)
		return;
	if (t->kind != ST_STRUCT && t->kind != ST_PTR)
		sema_error(
			s, n,
			"path() only supports a pointer or a struct as its argument (%s provided)",
			stype_name(sema_types(s), t));
	else if (size && sema_literal_int(s, size, "path()'s size", &v) &&
		 (v < 1 || v > (s64)s->set.max_strlen))
		sema_error(s, size, "path()'s size must be 1 to %llu",
			   (unsigned long long)s->set.max_strlen);
	else
		n->type = stype_str(sema_types(s), (u32)v);
}

struct rv func_emit_path(struct emit *e, const struct node *n)
{
	struct val *p = emit_temp(e, n->type->size), *of;

	if (n->kids->type->kind == ST_PTR)
		of = text_address(e, n->kids);
	else
		of = emit_expr(e, n->kids).v;
	emit_zero(e, p, n->type->size);
	emit_check(e, HELPER_d_path,
		   emit_call(e, HELPER_d_path, of, p, emit_i64(e, n->type->size)));
	return (struct rv){n->type, p};
}

/* ---- str_concat ---- */

void func_check_str_concat(struct sema *s, struct node *n)
{
	const struct node *a = n->kids, *b = a->next;
	u64 size;

	n->type = stype_str(sema_types(s), 1);
	if (!text_check(s, n->kids, "str_concat()") ||
	    !text_check(s, n->kids->next, "str_concat()"))
		return;
	if (a->str && b->str) {
		const char *both = arena_printf(&s->prog->arena, "%s%s", a->str, b->str);

		set_str(s, n, both, strlen(both));
		return;
	}
	size = (u64)(a->type->kind == ST_PTR ? s->set.max_strlen : a->type->size) +
	       (b->type->kind == ST_PTR ? s->set.max_strlen : b->type->size) - 1;
	n->type = stype_str(sema_types(s), (u32)MIN(size, (u64)CONCAT_MAX));
}

/* The second behind the first: where that ends the helper says. */
struct rv func_emit_str_concat(struct emit *e, const struct node *n)
{
	struct text a, b;
	struct val *p, *len, *first, *room;
	struct emit_if f;
	u32 size = n->type->size;

	a = text_of(e, n->kids);
	b = text_of(e, n->kids->next);
	p = emit_temp(e, size + MIN(b.size, size));
	first = emit_i64(e, MIN(a.size, size));
	len = emit_call(e, HELPER_probe_read_kernel_str, p, first, a.p);
	len = emit_bin_imm(e, OP_SUB, len, 1);
	f = emit_if(e, ir_cmp(e->b, OP_ULT, len, emit_i64(e, MIN(a.size, size))));
	room = emit_i64(e, MIN(b.size, size));
	emit_call(e, HELPER_probe_read_kernel_str, ir_ptradd(e->b, p, len), room, b.p);
	emit_endif(e, &f);
	return (struct rv){n->type, p};
}

/* ---- strftime ---- */

void func_check_strftime(struct sema *s, struct node *n)
{
	struct node *when = n->kids->next;
	struct stype *t = arena_alloc(sema_types(s), sizeof(*t));
	u32 clock = CLOCK_OF_BOOT;
	const char *fmt;

	sema_expr(s, n->kids);
	sema_expr(s, when);
	fmt = n->kids->str;
	if (!fmt && n->kids->type->kind != ST_NONE)
		sema_error(s, n, "strftime() expects a string literal (%s provided)",
			   stype_name(sema_types(s), n->kids->type));
	if (sema_want_int(s, when, false) && when->is_const && when->konst < 0)
		sema_error(s, n, "strftime() does not accept negative timestamps");
	if (when->type->kind == ST_INT)
		clock = when->type->n; /* as nsecs(CLOCK) noted it */
	if (clock == CLOCK_OF_MONOTONIC)
		sema_error(s, n, "strftime() can not take a monotonic timestamp");
	*t = (struct stype){.kind = ST_TIMESTAMP,
			    .size = 8,
			    .n = clock,
			    .text = arena_strdup(sema_types(s), fmt ? fmt : "")};
	n->type = t;
}

struct rv func_emit_strftime(struct emit *e, const struct node *n)
{
	return (struct rv){n->type, emit_scalar(e, n->kids->next)};
}

/* ---- bswap ---- */

void func_check_bswap(struct sema *s, struct node *n)
{
	const struct stype *t = n->kids->type;

	n->type = stype_int(8, false);
	if (t->kind == ST_NONE)
		return;
	if (t->kind != ST_INT) {
		sema_error(s, n, "bswap() only supports integer arguments (%s provided)",
			   stype_name(sema_types(s), t));
		return;
	}
	n->type = stype_int(t->size, false);
	if (!n->kids->is_const)
		return;
	n->is_const = true;
	n->konst = (s64)(__builtin_bswap64((u64)n->kids->konst) >> (64 - 8 * t->size));
}

struct rv func_emit_bswap(struct emit *e, const struct node *n)
{
	struct val *v = ir_cast(e->b, OP_BSWAP, IR_I64, emit_scalar(e, n->kids));

	return (struct rv){n->type, n->type->size == 8
					    ? v
					    : emit_bin_imm(e, OP_LSHR, v, 64 - 8 * n->type->size)};
}

/* ---- write_user ---- */

void func_check_write_user(struct sema *s, struct node *n)
{
	struct node *to = n->kids, *from = to->next, *len = from->next;

	n->type = stype_bool();
	if (!sema_want_int(s, to, true) || !sema_want_int(s, len, false))
		return;
	if (!stype_is_mem(from->type) && from->type->kind != ST_PTR && from->type->kind != ST_NONE)
		sema_error(s, n,
			   "write_user() expects a value in memory or a pointer as its source (%s "
			   "provided)",
			   stype_name(sema_types(s), from->type));
	else if (len->is_const &&
		 (len->konst < 0 || (stype_is_mem(from->type) && len->konst > from->type->size)))
		sema_error(s, n, "write_user() of %lld bytes: the source has %u",
			   (long long)len->konst, from->type->size);
}

/* The helper wants own memory: what a pointer leads to is copied first. */
struct rv func_emit_write_user(struct emit *e, const struct node *n)
{
	const struct node *to = n->kids, *from = to->next, *len = from->next;
	bool in_memory = stype_is_mem(from->type);
	u32 most = in_memory ? from->type->size : (u32)e->s->set.max_strlen;
	struct val *bytes, *src, *ret;

	bytes = len->is_const ? emit_i64(e, MIN(len->konst, (s64)most))
			      : text_min(e, emit_scalar(e, len), most);
	if (in_memory) {
		src = emit_direct(e, emit_expr(e, from));
	} else {
		src = emit_temp(e, most);
		emit_zero(e, src, most);
		emit_read_some(e, src, bytes, text_address(e, from));
	}
	ret = emit_call(e, HELPER_probe_write_user, text_address(e, to), src, bytes);
	return (struct rv){n->type, ir_cast(e->b, OP_ZEXT, IR_I64, emit_cmp_imm(e, OP_EQ, ret, 0))};
}

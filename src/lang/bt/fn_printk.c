/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/fn_printk.c - what the kernel prints itself: debugf into the trace pipe, printf of pinned
 * iterators into the file that is read.
 *
 * Its printf knows integers and strings, widths but no precisions, and C's sizes of integers: all
 * go as 64-bit ones.
 */
#include "abi/helper.h"
#include "lang/bt/check_inner.h"
#include "lang/bt/emit_unit.h"
#include "lang/bt/func.h"
#include "lang/bt/print.h"
#include "obj/format.h"
#include <string.h>

enum {
	TRACE_ARGS_MAX = 3, /* of bpf_trace_printk() */
	SEQ_ARGS_MAX = 12,  /* kernel/bpf/helpers.c, MAX_BPRINTF_VARARGS */
};

bool print_is_pinned(const struct sema *s, const struct bt_probe *p)
{
	if (!p || p->hook != HOOK_ITER)
		return false;
	for (u32 i = 0; i < p->attaches.n; i++)
		if (*s->script->attaches.p[p->attaches.p[i]].mode)
			return true;
	return false;
}

static void check_kernel(struct sema *s, struct node *n, u32 max)
{
	const char *fmt = print_literal(s, n, 0), *at = fmt;
	struct node *arg = n->kids->next;
	struct format_piece p;

	n->type = stype_none();
	if (!fmt || !print_check(s, n, fmt, arg))
		return;
	if (node_n_kids(n) > max + 1)
		sema_error(s, n, "%s() takes at most %u arguments behind its format here", n->text,
			   max);
	while (arg && format_next(&at, s->opts->compat, &p)) {
		const char *letters = format_conv_text(p.spec.conv);

		if (!p.is_spec)
			continue;
		if (letters[1] || !strchr("dixuXps", letters[0]) || p.spec.alt ||
		    p.spec.precision >= 0 || p.spec.star_width)
			sema_error(s, node_kid(n, 0), "the kernel's printf has no conversion %.*s",
				   (int)p.len, p.text);
		else if ((p.spec.conv == FORMAT_STR) != (arg->type->kind == ST_STR))
			sema_error(s, arg, "type does not match format specifier: %s", letters);
		arg = arg->next;
	}
}

/* The format as the kernel takes it, with its NUL. */
static struct val *kernel_format(struct emit *e, const char *fmt, u32 *bytes)
{
	struct str text = {0};
	struct format_piece p;
	struct val *v;

	while (format_next(&fmt, e->s->opts->compat, &p)) {
		int head = (int)p.len - 1;

		while (p.is_spec && head > 1 && strchr("hlLjzt", p.text[head - 1]))
			head--;
		if (!p.is_spec && p.len == 1 && *p.text == '%')
			str_add(&text, "%%");
		else if (!p.is_spec)
			str_addn(&text, p.text, p.len);
		else
			str_addf(&text, "%.*s%s%c", head, p.text,
				 p.spec.conv == FORMAT_STR || p.spec.conv == FORMAT_PTR ? "" : "ll",
				 p.text[p.len - 1]);
	}
	*bytes = (u32)text.len + 1;
	v = emit_bytes(e, str_text(&text), *bytes);
	str_free(&text);
	return v;
}

/* Cut to the bytes that the conversion prints, and strings as their address. */
static struct val *kernel_arg(struct emit *e, const struct node *arg, const struct format_spec *f)
{
	u32 bytes = format_bytes(f);
	bool is_signed = f->conv == FORMAT_DEC || f->conv == FORMAT_INT;

	if (!stype_is_scalar(sema_read_type(arg->type)))
		return emit_int(e, emit_direct(e, emit_expr(e, arg)));
	return emit_narrow(e, emit_scalar(e, arg), stype_int(bytes, is_signed));
}

static u32 kernel_args(struct emit *e, const struct node *n, struct val **args, u32 max)
{
	const char *at = n->kids->str;
	const struct node *arg = n->kids->next;
	struct format_piece p;
	u32 count = 0;

	while (arg && count < max && format_next(&at, e->s->opts->compat, &p)) {
		if (!p.is_spec)
			continue;
		args[count++] = kernel_arg(e, arg, &p.spec);
		arg = arg->next;
	}
	return count;
}

void func_check_debugf(struct sema *s, struct node *n)
{
	check_kernel(s, n, TRACE_ARGS_MAX);
}

struct rv func_emit_debugf(struct emit *e, const struct node *n)
{
	struct val *args[TRACE_ARGS_MAX + 2];
	u32 count = kernel_args(e, n, args + 2, TRACE_ARGS_MAX), bytes;

	args[0] = kernel_format(e, n->kids->str, &bytes);
	args[1] = emit_i64(e, bytes);
	emit_helper(e, HELPER_trace_printk, count + 2, args);
	return RV_NONE;
}

void print_check_kernel(struct sema *s, struct node *n)
{
	check_kernel(s, n, SEQ_ARGS_MAX);
}

/* bpf_seq_printf() to ctx->meta->seq: the first words of both. */
struct rv print_to_seq(struct emit *e, const struct node *n)
{
	struct val *args[SEQ_ARGS_MAX], *data, *meta, *seq, *fmt;
	u32 count = kernel_args(e, n, args, SEQ_ARGS_MAX), bytes;

	data = emit_temp(e, 8 * MAX(count, 1u));
	for (u32 i = 0; i < count; i++)
		ir_store(e->b, args[i], data, 8 * i);
	meta = ir_load(e->b, IR_PTR, e->ctx, 0);
	meta->space = SPACE_BTF;
	seq = ir_load(e->b, IR_PTR, meta, 0);
	seq->space = SPACE_BTF;
	fmt = kernel_format(e, n->kids->str, &bytes);
	emit_call(e, HELPER_seq_printf, seq, fmt, emit_i64(e, bytes), data, emit_i64(e, 8 * count));
	return RV_NONE;
}

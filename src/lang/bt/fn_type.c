/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/fn_type.c - questions about types, answered while compiling. */
#include "lang/bt/func.h"
#include <string.h>

static void is_const(struct node *n, bool v)
{
	n->type = stype_bool();
	n->is_const = true;
	n->konst = v;
}

static struct rv known(struct emit *e, const struct node *n)
{
	return (struct rv){ n->type, emit_i64(e, n->konst) };
}

/* What an argument is, whether or not it has a value. */
static const struct stype *type_of_arg(struct sema *s, struct node *n)
{
	struct node *arg = node_kid(n, 0);

	return arg->kind == NODE_TYPE ? sema_type(s, arg) : sema_expr(s, arg);
}

void func_check_is_str(struct sema *s, struct node *n)
{
	is_const(n, type_of_arg(s, n)->kind == ST_STR);
}

void func_check_is_ptr(struct sema *s, struct node *n)
{
	is_const(n, type_of_arg(s, n)->kind == ST_PTR);
}

void func_check_is_array(struct sema *s, struct node *n)
{
	is_const(n, type_of_arg(s, n)->kind == ST_ARRAY);
}

void func_check_is_integer(struct sema *s, struct node *n)
{
	is_const(n, type_of_arg(s, n)->kind == ST_INT);
}

void func_check_is_unsigned_integer(struct sema *s, struct node *n)
{
	const struct stype *t = type_of_arg(s, n);

	is_const(n, t->kind == ST_INT && !t->is_signed);
}

void func_check_is_literal(struct sema *s, struct node *n)
{
	struct node *arg = node_kid(n, 0);

	sema_expr(s, arg);
	is_const(n, arg->kind == NODE_INT || arg->kind == NODE_STR || arg->kind == NODE_BOOL);
}

#define KNOWN(name)                                                         \
	struct rv func_emit_##name(struct emit *e, const struct node *n)    \
	{                                                                   \
		return known(e, n);                                         \
	}
KNOWN(is_str)
KNOWN(is_ptr)
KNOWN(is_array)
KNOWN(is_integer)
KNOWN(is_unsigned_integer)
KNOWN(is_literal)

/* A pointer that is one of the kernel's error numbers: the last 4,095 addresses. */
void func_check_is_err(struct sema *s, struct node *n)
{
	n->type = stype_bool();
	sema_want_int(s, node_kid(n, 0), true);
}

struct rv func_emit_is_err(struct emit *e, const struct node *n)
{
	struct val *v = emit_scalar(e, node_kid(n, 0));
	struct val *least = emit_i64(e, -4095), *is = ir_cmp(e->b, OP_ULE, least, v);

	return (struct rv){ n->type, ir_cast(e->b, OP_ZEXT, IR_I64, is) };
}

/* "a.b.c" of NAME and FIELD nodes: false, it is something else. */
static bool path_of(const struct node *n, struct str *out)
{
	if (n->kind == NODE_FIELD) {
		if (!path_of(node_kid(n, 0), out))
			return false;
		str_addc(out, '.');
	} else if (n->kind != NODE_NAME) {
		return false;
	}
	str_add(out, n->text);
	return true;
}

/* Offset of a path of members; NULL: all were there, else the one that was not. */
static const char *offset_of(struct sema *s, const struct stype *t, char *path, s64 *off)
{
	char *next;

	for (*off = 0; path; path = next) {
		const struct stype_field *f;

		next = strchr(path, '.');
		if (next)
			*next++ = '\0';
		f = stype_field(sema_complete(s, t), path);
		if (!f || f->bits)
			return path;
		*off += f->off;
		t = f->type;
	}
	return NULL;
}

static const struct stype *container_type(struct sema *s, struct node *n)
{
	if (n->kind == NODE_TYPE)
		return sema_type(s, n);
	if (n->kind == NODE_TYPEOF && node_kid(n, 0)) {
		struct node *of = node_kid(n, 0);

		return of->kind == NODE_TYPE ? sema_type(s, of) : sema_expr(s, of);
	}
	return n->kind == NODE_NAME ? sema_type_find(s, n->text) : sema_expr(s, n);
}

/* container_of(pointer to a member, type, member): the pointer less the member's offset, which is in n->konst. */
void func_check_container_of(struct sema *s, struct node *n)
{
	struct node *of = node_kid(n, 1), *member = node_kid(n, 2);
	const struct stype *ptr = sema_expr(s, node_kid(n, 0)), *t = container_type(s, of);
	struct str path = {0};
	const char *missing;

	n->type = stype_none();
	if (!sema_want_int(s, node_kid(n, 0), true))
		return;
	t = t ? sema_complete(s, t) : NULL;
	if (!t || t->kind != ST_STRUCT) {
		if (!t || t->kind != ST_NONE)
			sema_error(s, of, "container_of() expects a struct or union, not %s",
				   t ? stype_name(&s->prog->arena, t) : "this");
		return;
	}
	if (!path_of(member, &path)) {
		sema_error(s, member, "container_of() expects the name of a member");
	} else {
		missing = offset_of(s, t, path.p, &n->konst);
		if (missing)
			sema_error(s, member, "'%s' has no member '%s'",
				   stype_name(&s->prog->arena, t), missing);
		else
			n->type = stype_ptr(sema_types(s), t, ptr->kind == ST_PTR ? ptr->space : SS_NONE);
	}
	str_free(&path);
}

struct rv func_emit_container_of(struct emit *e, const struct node *n)
{
	struct val *v = emit_scalar(e, node_kid(n, 0));

	return (struct rv){ n->type, ir_bin(e->b, OP_SUB, v, emit_i64(e, n->konst)) };
}

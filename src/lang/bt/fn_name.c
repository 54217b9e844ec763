/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/fn_name.c - numbers to names: strerror, signal_name, syscall_name.
 *
 * The names are a table of the program's read-only data, a row of NAME_BYTES each, so that the
 * result is a string like any other.  Of a number that is known the name is known, too.
 */
#include "abi/syscall.h"
#include "lang/bt/emit_unit.h"
#include "lang/bt/func.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 64, ERRORS = 134, SIGNALS = 65, RT_FIRST = 34 };

struct names {
	u32 n;		  /* rows; then one more for what is unknown */
	bool either_sign; /* -2 is as 2 */
	/* to: NAME_BYTES, which stay 0 where there is none of that number */
	void (*name)(u32 i, char *to);
	const char *unknown;
};

static void put(char *to, const char *name)
{
	if (name)
		snprintf(to, NAME_BYTES, "%s", name);
}

static void error_name(u32 i, char *to)
{
	put(to, strerrordesc_np((int)i));
}

/* As strsignal(3) has them. */
static void signal_text(u32 i, char *to)
{
	const char *name = sigdescr_np((int)i);

	if (name)
		put(to, name);
	else if (i >= RT_FIRST)
		snprintf(to, NAME_BYTES, "Real-time signal %u", i - RT_FIRST);
	else
		snprintf(to, NAME_BYTES, "Unknown signal %u", i);
}

static void syscall_text(u32 i, char *to)
{
	const struct syscall_info *info = syscall_info(i);

	put(to, info ? info->name : NULL);
}

static const struct names errors = {ERRORS, true, error_name, "Unknown error"};
static const struct names signals = {SIGNALS, false, signal_text, "N/A"};

/* Of system calls as many rows as there are numbers. */
static struct names syscalls(void)
{
	struct names t = {0, false, syscall_text, "Unknown syscall"};

	for (u32 i = 0; i < syscall_count(); i++)
		t.n = MAX(t.n, syscall_at(i)->nr + 1);
	return t;
}

/* to: NAME_BYTES */
static void name_of(const struct names *t, s64 v, char *to)
{
	memset(to, 0, NAME_BYTES);
	if (t->either_sign && v < 0 && v > -(s64)t->n)
		v = -v;
	if (v >= 0 && v < t->n)
		t->name((u32)v, to);
	if (!*to)
		put(to, t->unknown);
}

/* The table, made once a module. */
static struct val *table(struct emit *e, const struct names *t)
{
	const struct emit_scratch *s = e->scratch;
	u32 size = (t->n + 1) * NAME_BYTES;
	char *data = arena_alloc(&e->m->arena, size);
	const u8 *have;

	for (u32 i = 0; i <= t->n; i++)
		name_of(t, i, data + i * NAME_BYTES);
	have = s->rodata_bytes.n >= size ? memmem(s->rodata_bytes.p, s->rodata_bytes.n, data, size)
					 : NULL;
	if (have)
		return ir_ref(e->b, OP_GLOBAL, s->rodata, have - s->rodata_bytes.p);
	return emit_bytes(e, data, size);
}

static void check_name(struct sema *s, struct node *n, const struct names *t)
{
	char name[NAME_BYTES];

	n->type = stype_str(sema_types(s), NAME_BYTES);
	if (!sema_want_int(s, n->kids, false) || !n->kids->is_const)
		return;
	name_of(t, n->kids->konst, name);
	n->str = arena_strdup(&s->prog->arena, name);
	n->type = stype_str(sema_types(s), (u32)strlen(n->str) + 1);
}

static struct rv emit_name(struct emit *e, const struct node *n, const struct names *t)
{
	struct val *v = emit_scalar(e, n->kids), *row;

	if (t->either_sign)
		v = ir_select(e->b, emit_cmp_imm(e, OP_SLT, v, 0),
			      emit_bin(e, OP_SUB, emit_i64(e, 0), v), v);
	v = ir_select(e->b, ir_cmp(e->b, OP_ULT, v, emit_i64(e, t->n)), v, emit_i64(e, t->n));
	row = ir_ptradd(e->b, table(e, t), emit_bin_imm(e, OP_MUL, v, NAME_BYTES));
	row->space = SPACE_MAP_VALUE;
	return (struct rv){n->type, row};
}

void func_check_strerror(struct sema *s, struct node *n)
{
	check_name(s, n, &errors);
}

struct rv func_emit_strerror(struct emit *e, const struct node *n)
{
	return emit_name(e, n, &errors);
}

void func_check_signal_name(struct sema *s, struct node *n)
{
	check_name(s, n, &signals);
}

struct rv func_emit_signal_name(struct emit *e, const struct node *n)
{
	return emit_name(e, n, &signals);
}

void func_check_syscall_name(struct sema *s, struct node *n)
{
	struct names t = syscalls();

	check_name(s, n, &t);
}

struct rv func_emit_syscall_name(struct emit *e, const struct node *n)
{
	struct names t = syscalls();

	return emit_name(e, n, &t);
}

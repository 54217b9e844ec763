/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/read.c - a module from its text.
 *
 *	module  := { map | extern | fn }
 *	map     := "map" NAME "type" N "key" N "value" N "max" N "flags" N
 *	extern  := "extern" NAME ("func" | "var") [ "weak" ]
 *	fn      := "fn" NAME kind [ STRING ] [ "inline" ] "(" [ type VALUE { "," ... } ] ")" type "{" { blk } "}"
 *	blk     := LABEL ":" { value }
 *	value   := [ VALUE "=" ] op [ "." type ] [ "volatile" ] [ operand ] [ arg { "," arg } ]
 *
 * Names begin with @, values with %, labels with b.  A value may be used before it is defined (by a
 * phi of a loop): such uses are filled in at the function's end.
 */
#include "abi/helper.h"
#include "ir/ir.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 1 << 20, BLOCKS_MAX = 1 << 16 };

struct phi_in {
	struct val *phi, *v;
	struct blk *from;
};

struct reader {
	struct mod *m;
	const char *p;
	const char *file;
	u32 line;
	struct diag *dg;
	bool failed;
	struct fn *fn;
	u32 n_fns;               /* read so far */
	VEC(struct val *) vals;  /* by the number in the text */
	VEC(struct blk *) blks;
	VEC(struct phi_in) phis; /* arguments of phis, until the order of predecessors is known */
};

static int fail(struct reader *r, const char *what)
{
	if (!r->failed)
		diag_error(r->dg, (struct place){ .file = r->file, .line = r->line }, -EINVAL, "%s",
			   what);
	r->failed = true;
	return -EINVAL;
}

/* ---- words ---- */

static void skip(struct reader *r)
{
	for (;; r->p++) {
		if (*r->p == '\n')
			r->line++;
		else if (*r->p == ';')
			r->p += strcspn(r->p, "\n") - 1;
		else if (!isspace((u8)*r->p))
			return;
	}
}

static bool accept(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	skip(r);
	if (strncmp(r->p, word, n))
		return false;
	if (isalnum((u8)word[n - 1]) && (isalnum((u8)r->p[n]) || r->p[n] == '_'))
		return false;
	r->p += n;
	return true;
}

static void expect(struct reader *r, const char *word)
{
	char what[80];

	if (accept(r, word))
		return;
	snprintf(what, sizeof(what), "expected '%s' before '%.20s'", word, r->p);
	fail(r, what);
}

static const char *word_of(struct reader *r, const char *also, const char *what)
{
	size_t n = 0;
	char *s;

	skip(r);
	while (isalnum((u8)r->p[n]) || (r->p[n] && strchr(also, r->p[n])))
		n++;
	if (!n) {
		fail(r, what);
		return "";
	}
	s = arena_alloc(&r->m->arena, n + 1);
	memcpy(s, r->p, n);
	r->p += n;
	return s;
}

/* An identifier, in the module's arena; "" and a message where there is none. */
static const char *word(struct reader *r, const char *what)
{
	return word_of(r, "_", what);
}

/* What stands behind '@': sections are maps, too. */
static const char *name(struct reader *r, const char *what)
{
	return word_of(r, "_.", what);
}

static s64 number(struct reader *r)
{
	char *end;
	s64 v;

	skip(r);
	errno = 0;
	v = *r->p == '-' ? strtoll(r->p, &end, 0) : (s64)strtoull(r->p, &end, 0);
	if (end == r->p || errno)
		fail(r, "expected a number");
	r->p = end;
	return v;
}

static u32 number_max(struct reader *r, u32 max, const char *what)
{
	s64 v = number(r);

	if (v >= 0 && v <= max)
		return (u32)v;
	fail(r, what);
	return 0;
}

static const char *quoted(struct reader *r)
{
	char *s, *to;

	skip(r);
	if (*r->p != '"')
		return NULL;
	s = to = arena_alloc(&r->m->arena, strlen(r->p));
	for (r->p++; *r->p && *r->p != '"'; r->p++) {
		if (*r->p == '\\' && r->p[1])
			r->p++;
		*to++ = *r->p;
	}
	if (*r->p)
		r->p++;
	else
		fail(r, "text without a closing quote");
	return s;
}

/* ---- names ---- */

static enum ir_type type(struct reader *r, enum ir_space *space)
{
	*space = SPACE_UNKNOWN;
	for (enum ir_type t = IR_VOID; t <= IR_PTR; t++) {
		if (!accept(r, ir_type_text(t)))
			continue;
		if (t != IR_PTR || *r->p != '.')
			return t;
		r->p++;
		for (enum ir_space s = SPACE_STACK; s <= SPACE_FUNC; s++)
			if (accept(r, ir_space_text(s))) {
				*space = s;
				return t;
			}
		fail(r, "unknown space of a pointer");
		return t;
	}
	fail(r, "expected a type");
	return IR_VOID;
}

/* Index of "@name" among the n names that name_of() gives. */
static u32 named(struct reader *r, u32 n, const char *(*name_of)(const struct mod *m, u32 i),
		 const char *what)
{
	const char *s;

	expect(r, "@");
	s = name(r, what);
	for (u32 i = 0; i < n; i++)
		if (!strcmp(name_of(r->m, i), s))
			return i;
	fail(r, what);
	return 0;
}

static const char *map_name(const struct mod *m, u32 i)
{
	return m->maps.p[i].name;
}
static const char *fn_name(const struct mod *m, u32 i)
{
	return m->fns.p[i]->name;
}
static const char *extern_name(const struct mod *m, u32 i)
{
	return m->externs.p[i].name;
}

/* The value of that number: a stand-in where it is not defined yet. */
static struct val **value_slot(struct reader *r, u32 id)
{
	while (r->vals.n <= id)
		if (!vec_push(&r->vals, NULL)) {
			fail(r, "out of memory");
			return NULL;
		}
	return &r->vals.p[id];
}

static struct val *value(struct reader *r)
{
	struct val **slot;

	expect(r, "%");
	slot = value_slot(r, number_max(r, VALUES_MAX, "number of a value is too large"));
	if (!slot)
		return NULL;
	if (!*slot) {
		*slot = arena_alloc(&r->m->arena, sizeof(**slot));
		(*slot)->op = OP_UNDEF;
	}
	return *slot;
}

/* Gives the number to v; whoever used the stand-in gets v. */
static void define(struct reader *r, u32 id, struct val *v)
{
	struct val **slot = value_slot(r, id);

	if (!slot)
		return;
	if (*slot && ((*slot)->blk || (*slot)->op == OP_PARAM))
		fail(r, "value is defined twice");
	if (*slot)
		val_replace(*slot, v);
	*slot = v;
}

static struct blk *label(struct reader *r)
{
	u32 id;

	skip(r);
	if (*r->p != 'b') {
		fail(r, "expected a label");
		return r->fn->entry;
	}
	r->p++;
	id = number_max(r, BLOCKS_MAX, "number of a block is too large");
	while (r->blks.n <= id)
		if (!vec_push(&r->blks, NULL)) {
			fail(r, "out of memory");
			return r->fn->entry;
		}
	if (!r->blks.p[id])
		r->blks.p[id] = blk_new(r->fn);
	return r->blks.p[id];
}

/* ---- values ---- */

static void operand(struct reader *r, struct val *v)
{
	struct ir_core core;

	switch (v->op) {
	case OP_CONST:
	case OP_PARAM:
		v->imm = number(r);
		break;
	case OP_ALLOCA:
		v->imm = number_max(r, 1 << 20, "alloca is too large");
		expect(r, "align");
		v->index = number_max(r, 16, "alignment is too large");
		break;
	case OP_MAP:
		v->index = named(r, r->m->maps.n, map_name, "unknown map");
		break;
	case OP_GLOBAL:
		v->index = named(r, r->m->maps.n, map_name, "unknown map");
		v->imm = number(r);
		break;
	case OP_FUNC:
	case OP_CALL:
		v->index = named(r, r->m->fns.n, fn_name, "unknown function");
		break;
	case OP_EXTERN:
	case OP_KFUNC:
		v->index = named(r, r->m->externs.n, extern_name, "unknown extern");
		break;
	case OP_CORE:
		core.kind = (u32)number(r);
		core.type_id = (u32)number(r);
		core.spec = quoted(r);
		if (!core.spec)
			core.spec = "";
		if (!vec_push(&r->m->cores, core))
			fail(r, "out of memory");
		v->index = r->m->cores.n - 1;
		break;
	case OP_HELPER:
		v->index = helper_id_by_name(word(r, "expected a helper"));
		if (!v->index)
			fail(r, "unknown helper");
		break;
	case OP_ATOMIC:
		v->index = (u32)number(r);
		break;
	default:
		break;
	}
}

static enum ir_op op_by_name(const char *name)
{
	for (enum ir_op op = 0; op < OP_MAX; op++)
		if (!strcmp(op_text(op), name))
			return op;
	return OP_MAX;
}

static bool has_offset(enum ir_op op)
{
	return op == OP_LOAD || op == OP_STORE || op == OP_ATOMIC || op == OP_CMPXCHG ||
	       op == OP_ZERO || op == OP_COPY;
}

/* Arguments; returns whether a comma is due before what follows. */
static bool arguments(struct reader *r, struct val *v)
{
	bool any = false;

	for (;;) {
		/* they stand on the value's own line */
		r->p += strspn(r->p, " \t");
		if (any && *r->p != ',')
			return true;
		if (!any && *r->p != '%' && !(v->op == OP_PHI && *r->p == 'b'))
			return false;
		if (any) {
			const char *back = r->p;

			r->p++;
			skip(r);
			if (*r->p != '%' && !(v->op == OP_PHI && *r->p == 'b')) {
				r->p = back;
				return true;
			}
		}
		if (v->op == OP_PHI) {
			struct phi_in in = { .phi = v, .from = label(r) };

			expect(r, ":");
			in.v = value(r);
			if (!vec_push(&r->phis, in))
				fail(r, "out of memory");
		} else {
			phi_add(v, value(r));
		}
		any = true;
		if (r->failed)
			return true;
	}
}

static void edges(struct reader *r, struct blk *b, struct val *v, bool comma)
{
	u32 n = v->op == OP_JMP ? 1 : v->op == OP_BR ? 2 : 0;

	for (u32 i = 0; i < n && !r->failed; i++) {
		if (comma)
			expect(r, ",");
		comma = true;
		b->to[i] = label(r);
		if (!vec_push(&b->to[i]->preds, b))
			fail(r, "out of memory");
	}
}

static void read_value(struct reader *r, struct blk *b)
{
	bool has_id = accept(r, "%"), comma;
	enum ir_space space = SPACE_UNKNOWN;
	enum ir_type t = IR_VOID;
	enum ir_op op;
	struct val *v;
	u32 id = 0;

	if (has_id) {
		id = number_max(r, VALUES_MAX, "number of a value is too large");
		expect(r, "=");
	}
	op = op_by_name(word(r, "expected an operation"));
	if (op == OP_MAX) {
		fail(r, "unknown operation");
		return;
	}
	if (*r->p == '.') {
		r->p++;
		t = type(r, &space);
	}
	if (has_id != (t != IR_VOID))
		fail(r, has_id ? "a value needs a type" : "a type needs a value");
	v = val_new(b, op, t, 0);
	v->space = space;
	v->is_volatile = accept(r, "volatile");
	operand(r, v);
	comma = arguments(r, v);
	if (has_offset(op)) {
		expect(r, ",");
		v->imm = number(r);
	}
	if (op_is(op, OP_ENDS))
		edges(r, b, v, comma);
	if (has_id)
		define(r, id, v);
}

/* ---- functions ---- */

static void read_params(struct reader *r)
{
	expect(r, "(");
	while (!r->failed && !accept(r, ")")) {
		enum ir_space space;
		enum ir_type t = type(r, &space);
		u32 id;

		expect(r, "%");
		id = number_max(r, VALUES_MAX, "number of a value is too large");
		define(r, id, fn_param(r->fn, t, space));
		if (!accept(r, ","))
			skip(r);
	}
}

/* Blocks in the order of their labels in the text, whoever named them first. */
static void order_blocks(struct reader *r, struct blk **order, u32 n)
{
	for (u32 i = 0; i < n; i++)
		order[i]->next = i + 1 < n ? order[i + 1] : NULL;
	r->fn->entry = order[0];
	r->fn->last_blk = order[n - 1];
}

/* Arguments of phis in the order of their block's predecessors. */
static void order_phis(struct reader *r)
{
	for (u32 i = 0; i < r->phis.n; i++) {
		struct val *phi = r->phis.p[i].phi;

		if (phi->n_args)
			continue;
		for (u32 j = 0; j < phi->blk->preds.n; j++) {
			u32 k = i;

			while (k < r->phis.n && (r->phis.p[k].phi != phi || !r->phis.p[k].v ||
						 r->phis.p[k].from != phi->blk->preds.p[j]))
				k++;
			if (k == r->phis.n) {
				fail(r, "a phi has no argument for one of its block's predecessors");
				return;
			}
			phi_add(phi, r->phis.p[k].v);
			r->phis.p[k].v = NULL;
		}
	}
	r->phis.n = 0;
}

static void read_body(struct reader *r)
{
	VEC(struct blk *) order = {0};

	expect(r, "{");
	while (!r->failed && !accept(r, "}")) {
		struct blk *b = label(r);

		expect(r, ":");
		if (b && b->first)
			fail(r, "block is defined twice");
		if (!vec_push(&order, b))
			fail(r, "out of memory");
		for (skip(r); !r->failed && *r->p && *r->p != '}'; skip(r)) {
			if (*r->p == 'b' && isdigit((u8)r->p[1]))
				break;
			read_value(r, b);
		}
	}
	for (u32 i = 0; !r->failed && i < r->blks.n; i++)
		if (r->blks.p[i] && !r->blks.p[i]->first)
			fail(r, "a block that is jumped to is not defined");
	if (!order.n)
		fail(r, "function without a block");
	if (!r->failed)
		order_blocks(r, order.p, order.n);
	vec_free(&order);
	for (u32 i = 0; !r->failed && i < r->vals.n; i++)
		if (r->vals.p[i] && !r->vals.p[i]->blk && r->vals.p[i]->op != OP_PARAM)
			fail(r, "a value that is used is not defined");
	if (!r->failed)
		order_phis(r);
	if (!r->failed)
		fn_resolve(r->fn);
	r->vals.n = 0;
	r->blks.n = 0;
}

static void read_fn(struct reader *r)
{
	enum fn_kind kind = FN_PROG;
	enum ir_space space;

	expect(r, "@");
	name(r, "expected the function's name"); /* functions_find() has it */
	if (accept(r, "subprog"))
		kind = FN_SUBPROG;
	else if (accept(r, "callback"))
		kind = FN_CALLBACK;
	else
		expect(r, "prog");
	if (!r->failed && r->n_fns == r->m->fns.n)
		fail(r, "a function begins a line");
	if (r->failed)
		return;
	r->fn = r->m->fns.p[r->n_fns++];
	r->fn->kind = kind;
	r->fn->section = quoted(r);
	r->fn->always_inline = accept(r, "inline");
	read_params(r);
	r->fn->ret = type(r, &space);
	if (!r->failed)
		read_body(r);
}

static void read_map(struct reader *r)
{
	struct ir_map m = {0};

	expect(r, "@");
	m.name = name(r, "expected the map's name");
	expect(r, "type");
	m.type = (u32)number(r);
	expect(r, "key");
	m.key_size = (u32)number(r);
	expect(r, "value");
	m.value_size = (u32)number(r);
	expect(r, "max");
	m.max_entries = (u32)number(r);
	expect(r, "flags");
	m.flags = (u32)number(r);
	mod_map(r->m, &m);
}

static void read_extern(struct reader *r)
{
	struct ir_extern e = {0};

	expect(r, "@");
	e.name = word(r, "expected the extern's name");
	e.is_func = accept(r, "func");
	if (!e.is_func)
		expect(r, "var");
	e.is_weak = accept(r, "weak");
	if (!vec_push(&r->m->externs, e))
		fail(r, "out of memory");
}

/* Functions may be called before they stand there: all heads first. */
static void functions_find(struct reader *r)
{
	struct reader ahead = { .m = r->m, .file = r->file, .line = 1 };

	for (ahead.p = r->p; *ahead.p; ahead.p += strcspn(ahead.p, "\n"), ahead.p += *ahead.p == '\n')
		if (accept(&ahead, "fn") && accept(&ahead, "@"))
			fn_new(r->m, name(&ahead, "expected the function's name"), FN_PROG, IR_VOID);
}

int mod_read(const char *text, const char *file, struct diag *dg, struct mod **out)
{
	struct reader r = { .m = mod_new(), .p = text, .file = file, .line = 1, .dg = dg };

	if (!r.m)
		return -ENOMEM;
	functions_find(&r);
	for (skip(&r); *r.p && !r.failed; skip(&r)) {
		if (accept(&r, "map"))
			read_map(&r);
		else if (accept(&r, "extern"))
			read_extern(&r);
		else if (accept(&r, "fn"))
			read_fn(&r);
		else
			fail(&r, "expected 'fn', 'map' or 'extern'");
	}
	vec_free(&r.vals);
	vec_free(&r.blks);
	vec_free(&r.phis);
	if (r.failed) {
		mod_free(r.m);
		return -EINVAL;
	}
	*out = r.m;
	return 0;
}

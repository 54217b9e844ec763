/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/text.c - a module as text; ir/read.c has the grammar and reads it back. */
#include "abi/helper.h"
#include "ir/ir.h"
#include <stdlib.h>

static void print_type(const struct val *v, struct str *out)
{
	str_add(out, ir_type_text(v->type));
	if (v->type == IR_PTR && v->space)
		str_addf(out, ".%s", ir_space_text(v->space));
}

static void print_quoted(const char *text, struct str *out)
{
	str_addc(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			str_addc(out, '\\');
		str_addc(out, *text);
	}
	str_addc(out, '"');
}

/* What an operation names, behind its type. */
static void print_operand(const struct fn *f, const struct val *v, struct str *out)
{
	const struct mod *m = f->mod;
	const struct helper_proto *h;

	switch (v->op) {
	case OP_CONST:
	case OP_PARAM:
		str_addf(out, " %lld", (long long)v->imm);
		break;
	case OP_ALLOCA:
		str_addf(out, " %lld align %u", (long long)v->imm, v->index);
		break;
	case OP_MAP:
		str_addf(out, " @%s", m->maps.p[v->index].name);
		break;
	case OP_GLOBAL:
		str_addf(out, " @%s %lld", m->maps.p[v->index].name, (long long)v->imm);
		break;
	case OP_FUNC:
	case OP_CALL:
		str_addf(out, " @%s", m->fns.p[v->index]->name);
		break;
	case OP_EXTERN:
	case OP_KFUNC:
		str_addf(out, " @%s", m->externs.p[v->index].name);
		break;
	case OP_CORE:
		str_addf(out, " %u %u ", m->cores.p[v->index].kind, m->cores.p[v->index].type_id);
		print_quoted(m->cores.p[v->index].spec, out);
		break;
	case OP_HELPER:
		h = helper_proto(v->index);
		if (h)
			str_addf(out, " %s", h->name);
		else
			str_addf(out, " %u", v->index);
		break;
	case OP_ATOMIC:
		str_addf(out, " %u", v->index);
		break;
	default:
		break;
	}
}

static bool has_offset(enum ir_op op)
{
	return op == OP_LOAD || op == OP_STORE || op == OP_ATOMIC || op == OP_CMPXCHG ||
	       op == OP_ZERO || op == OP_COPY;
}

void val_print(const struct val *v, struct str *out)
{
	const struct fn *f = v->blk->fn;
	bool comma = false;

	if (v->type != IR_VOID)
		str_addf(out, "%%%u = ", v->id);
	str_add(out, op_text(v->op));
	if (v->type != IR_VOID) {
		str_addc(out, '.');
		print_type(v, out);
	}
	if (v->is_volatile)
		str_add(out, " volatile");
	print_operand(f, v, out);
	for (u32 i = 0; i < v->n_args; i++) {
		str_add(out, comma ? ", " : " ");
		if (v->op == OP_PHI)
			str_addf(out, "b%u:", v->blk->preds.p[i]->id);
		str_addf(out, "%%%u", v->args[i]->id);
		comma = true;
	}
	if (has_offset(v->op))
		str_addf(out, ", %lld", (long long)v->imm);
	for (u32 i = 0; i < 2 && op_is(v->op, OP_ENDS) && v->blk->to[i]; i++) {
		str_addf(out, "%s b%u", comma ? "," : "", v->blk->to[i]->id);
		comma = true;
	}
}

static const char *const fn_kinds[] = {
	[FN_PROG] = "prog", [FN_SUBPROG] = "subprog", [FN_CALLBACK] = "callback",
};

void fn_print(const struct fn *f, struct str *out)
{
	str_addf(out, "fn @%s %s", f->name, fn_kinds[f->kind]);
	if (f->section) {
		str_addc(out, ' ');
		print_quoted(f->section, out);
	}
	if (f->always_inline)
		str_add(out, " inline");
	str_add(out, " (");
	for (u32 i = 0; i < f->params.n; i++) {
		str_add(out, i ? ", " : "");
		print_type(f->params.p[i], out);
		str_addf(out, " %%%u", f->params.p[i]->id);
	}
	str_addf(out, ") %s {\n", ir_type_text(f->ret));
	for (const struct blk *b = f->entry; b; b = b->next) {
		str_addf(out, "b%u:\n", b->id);
		for (const struct val *v = b->first; v; v = v->next) {
			str_addc(out, '\t');
			val_print(v, out);
			str_addc(out, '\n');
		}
	}
	str_add(out, "}\n");
}

void mod_print(const struct mod *m, struct str *out)
{
	for (u32 i = 0; i < m->maps.n; i++) {
		const struct ir_map *map = &m->maps.p[i];

		str_addf(out, "map @%s type %u key %u value %u max %u flags %u\n", map->name,
			 map->type, map->key_size, map->value_size, map->max_entries, map->flags);
	}
	for (u32 i = 0; i < m->externs.n; i++)
		str_addf(out, "extern @%s %s%s\n", m->externs.p[i].name,
			 m->externs.p[i].is_func ? "func" : "var",
			 m->externs.p[i].is_weak ? " weak" : "");
	for (u32 i = 0; i < m->fns.n; i++)
		fn_print(m->fns.p[i], out);
}

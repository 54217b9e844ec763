/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/ast.c - names of nodes and operators, places in the source, mistakes shown in it; the tree as
 * text.
 */
#include "lang/bt/ast.h"
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 160 }; /* columns of a source line in a message */

static const struct {
	const char *text;
	u32 level;
} operators[] = {
	{ "=", 0 },
#define OPERATOR(name, text, level) { text, level },
#include "lang/bt/operator.def"
#undef OPERATOR
};

const char *bt_op_text(u32 op)
{
	return op < ARRAY_SIZE(operators) ? operators[op].text : "?";
}

u32 bt_op_level(u32 op)
{
	return op && op < ARRAY_SIZE(operators) ? operators[op].level : 0;
}

const char *node_kind_text(enum node_kind k)
{
	static const char *const text[] = {
#define NODE(name, text) text,
#include "lang/bt/node.def"
#undef NODE
	};

	return text[k];
}

static u32 line_start(const struct bt_program *p, u32 off)
{
	while (off && p->text[off - 1] != '\n')
		off--;
	return off;
}

const char *bt_file(const struct bt_program *p, u32 off, u32 *from)
{
	const char *file = p->file;

	*from = 0;
	for (u32 i = 0; i < p->n_imports && p->imports[i].from <= off; i++) {
		file = p->imports[i].file;
		*from = p->imports[i].from;
	}
	return file;
}

void bt_place(const struct bt_program *p, u32 off, struct place *out)
{
	u32 line = 1, start, from;
	const char *file;

	off = MIN(off, p->len);
	file = bt_file(p, off, &from);
	start = line_start(p, off);
	for (u32 i = from; i < start; i++)
		line += p->text[i] == '\n';
	*out = (struct place){ .file = file, .line = line, .col = off - start + 1 };
}

/* The line that off is in, and marks under the stretch; a tab stays one, so that both stand alike. */
static void show(const struct bt_program *p, struct diag *dg, struct span at)
{
	u32 start = line_start(p, at.from), end = start;
	struct str marks = {0};

	while (end < p->len && p->text[end] != '\n' && end - start < SHOWN_MAX)
		end++;
	if (at.from > end)
		return;
	for (u32 i = start; i < at.from; i++)
		str_addc(&marks, p->text[i] == '\t' ? '\t' : ' ');
	str_addc(&marks, '^');
	for (u32 i = at.from + 1; i < MIN(at.to, end); i++)
		str_addc(&marks, '~');
	diag_note(dg, (struct place){0}, "  %.*s", (int)(end - start), p->text + start);
	diag_note(dg, (struct place){0}, "  %s", str_text(&marks));
	str_free(&marks);
}

int bt_error(const struct bt_program *p, struct diag *dg, struct span at, int err, const char *fmt, ...)
{
	struct place where;
	va_list ap;

	at.from = MIN(at.from, p->len);
	at.to = MIN(MAX(at.to, at.from), p->len);
	bt_place(p, at.from, &where);
	va_start(ap, fmt);
	diag_verror(dg, where, err, fmt, ap);
	va_end(ap);
	show(p, dg, at);
	return err;
}

static void print_node(const struct node *n, u32 depth, struct str *out)
{
	for (u32 i = 0; i < depth; i++)
		str_addc(out, ' ');
	str_add(out, node_kind_text(n->kind));
	if (n->op)
		str_addf(out, " %s", bt_op_text(n->op));
	if (n->kind == NODE_STR)
		str_addf(out, " %s", n->raw);
	else if (*n->text && n->kind != NODE_C)
		str_addf(out, " %s", n->text);
	if (n->kind == NODE_INT)
		str_addf(out, " = %llu", (unsigned long long)n->value);
	str_addc(out, '\n');
}

/* Depth is bounded by the parser. */
static void print_tree(const struct node *n, u32 depth, struct str *out)
{
	print_node(n, depth, out);
	for (const struct node *k = n->kids; k; k = k->next)
		print_tree(k, depth + 1, out);
}

void bt_print(const struct bt_program *p, struct str *out)
{
	print_tree(p->root, 0, out);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/format.c - a script in one layout.
 *
 *	probe,
 *	probe
 *	/predicate/
 *	{
 *		statement;
 *	}
 *
 * Parentheses stand where the tree needs them, literals as they were written.  Comments keep their place:
 * on a line of their own before what they stood before, or behind the statement on their line.
 * Formatting twice gives the same text, and the same tree.
 */
#include "lang/bt/ast.h"
#include <string.h>

struct format {
	const struct bt_program *p;
	struct str *out;
	u32 indent;
	u32 next_comment;
};

static void expr(struct format *f, const struct node *n, u32 level);
static void block(struct format *f, const struct node *b);

static void newline(struct format *f)
{
	str_addc(f->out, '\n');
}

static void tabs(struct format *f)
{
	for (u32 i = 0; i < f->indent; i++)
		str_addc(f->out, '\t');
}

/* ---- comments ---- */

static void comment_text(struct format *f, const struct comment *c)
{
	u32 to = c->at.to;

	while (to > c->at.from && (f->p->text[to - 1] == ' ' || f->p->text[to - 1] == '\t' ||
				   f->p->text[to - 1] == '\r'))
		to--;
	str_addn(f->out, f->p->text + c->at.from, to - c->at.from);
}

/* Were there empty lines in the source between the two places? */
static bool was_apart(const struct format *f, u32 from, u32 to)
{
	u32 n = 0;

	for (u32 i = from; i < to && i < f->p->len; i++)
		n += f->p->text[i] == '\n';
	return n > 1;
}

/* Comments that begin before off, each on a line of its own. */
static void comments_before(struct format *f, u32 off)
{
	while (f->next_comment < f->p->n_comments) {
		const struct comment *c = &f->p->comments[f->next_comment];

		if (c->at.from >= off)
			return;
		f->next_comment++;
		tabs(f);
		comment_text(f, c);
		newline(f);
		if (was_apart(f, c->at.to, f->next_comment < f->p->n_comments &&
						   f->p->comments[f->next_comment].at.from < off ?
					   f->p->comments[f->next_comment].at.from :
					   MIN(off, f->p->len)) && f->indent == 0 && off <= f->p->len)
			newline(f);
	}
}

/* A comment behind what ends at off, on the same line. */
static void comment_behind(struct format *f, u32 off)
{
	const struct comment *c = &f->p->comments[f->next_comment];

	if (f->next_comment == f->p->n_comments || c->own_line)
		return;
	for (u32 i = off; i < c->at.from; i++)
		if (!strchr(" \t;", f->p->text[i]))
			return;
	f->next_comment++;
	str_add(f->out, "  ");
	comment_text(f, c);
}

/* ---- types ---- */

static void type(struct format *f, const struct node *t)
{
	const struct node *k = t->kids;

	str_add(f->out, t->text);
	if (!strcmp(t->text, "typeof") && k) {
		str_addc(f->out, '(');
		if (k->kind == NODE_TYPE)
			type(f, k);
		else
			expr(f, k, 0);
		str_addc(f->out, ')');
		k = k->next;
	}
	for (u64 i = 0; i < t->value; i++)
		str_add(f->out, i ? "*" : " *");
	for (; k; k = k->next) {
		str_addc(f->out, '[');
		if (*k->text || k->kind != NODE_INT)
			expr(f, k, 0);
		str_addc(f->out, ']');
	}
}

/* ---- expressions ---- */

enum { LEVEL_TERNARY = 0, LEVEL_BINARY = 1, LEVEL_UNARY = 20, LEVEL_POSTFIX = 30 };

static void list(struct format *f, const struct node *n)
{
	for (bool first = true; n; n = n->next, first = false) {
		if (!first)
			str_add(f->out, ", ");
		if (n->kind == NODE_TYPE)
			type(f, n);
		else
			expr(f, n, 0);
	}
}

static u32 level_of(const struct node *n)
{
	switch (n->kind) {
	case NODE_TERNARY:
		return LEVEL_TERNARY;
	case NODE_BINARY:
		return LEVEL_BINARY + bt_op_level(n->op);
	case NODE_UNARY: case NODE_CAST: case NODE_COMPTIME:
		return LEVEL_UNARY;
	case NODE_INCREMENT:
		return n->value ? LEVEL_UNARY : LEVEL_POSTFIX;
	default:
		return LEVEL_POSTFIX;
	}
}

static void call(struct format *f, const char *name, const struct node *args)
{
	str_addf(f->out, "%s(", name);
	list(f, args);
	str_addc(f->out, ')');
}

static void ternary(struct format *f, const struct node *n)
{
	const struct node *k = n->kids;

	expr(f, k, LEVEL_BINARY);
	str_add(f->out, " ?");
	k = k->next;
	if (k && k->next) {
		str_addc(f->out, ' ');
		expr(f, k, 0);
		k = k->next;
		str_addc(f->out, ' ');
	}
	str_add(f->out, ": ");
	if (k)
		expr(f, k, 0);
}

/* "- -x" must not become "--x". */
static void unary(struct format *f, const struct node *n)
{
	const struct node *k = n->kids;

	str_add(f->out, bt_op_text(n->op));
	if ((k->kind == NODE_UNARY && k->op == n->op) || k->kind == NODE_INCREMENT)
		str_addc(f->out, ' ');
	expr(f, k, LEVEL_UNARY);
}

static void tuple(struct format *f, const struct node *n)
{
	str_addc(f->out, '(');
	list(f, n->kids);
	if (n->kids && !n->kids->next)
		str_addc(f->out, ',');
	str_addc(f->out, ')');
}

static void record(struct format *f, const struct node *n)
{
	str_addc(f->out, '(');
	for (const struct node *k = n->kids; k; k = k->next) {
		str_addf(f->out, "%s%s=", k == n->kids ? "" : ", ", k->text);
		expr(f, k->kids, 0);
	}
	str_addc(f->out, ')');
}

static void if_chain(struct format *f, const struct node *n)
{
	const struct node *cond = n->kids, *yes = cond ? cond->next : NULL;
	const struct node *no = yes ? yes->next : NULL;

	if (!yes)
		return;
	str_add(f->out, "if (");
	expr(f, cond, 0);
	str_add(f->out, ") ");
	block(f, yes);
	if (!no)
		return;
	str_add(f->out, " else ");
	if (no->kind == NODE_IF)
		if_chain(f, no);
	else
		block(f, no);
}

static void bare(struct format *f, const struct node *n)
{
	const struct node *k = n->kids;

	switch (n->kind) {
	case NODE_STR:
		str_add(f->out, n->raw);
		break;
	case NODE_MAP:
		str_add(f->out, n->text);
		if (k) {
			str_addc(f->out, '[');
			list(f, k);
			str_addc(f->out, ']');
		}
		break;
	case NODE_CALL:
		call(f, n->text, k);
		break;
	case NODE_SIZEOF:
		call(f, "sizeof", k);
		break;
	case NODE_TYPEOF:
		call(f, f->p->text[n->at.from + 4] == 'i' ? "typeinfo" : "typeof", k);
		break;
	case NODE_OFFSETOF:
		str_add(f->out, "offsetof(");
		list(f, k);
		str_addf(f->out, ", %s)", n->text);
		break;
	case NODE_UNARY:
		unary(f, n);
		break;
	case NODE_COMPTIME:
		str_add(f->out, "comptime ");
		expr(f, k, LEVEL_UNARY);
		break;
	case NODE_INCREMENT:
		str_add(f->out, !n->value ? "" : n->op == BT_ADD ? "++" : "--");
		expr(f, k, LEVEL_POSTFIX);
		str_add(f->out, n->value ? "" : n->op == BT_ADD ? "++" : "--");
		break;
	case NODE_BINARY:
		expr(f, k, level_of(n));
		str_addf(f->out, " %s ", bt_op_text(n->op));
		expr(f, k->next, level_of(n) + 1);
		break;
	case NODE_TERNARY:
		ternary(f, n);
		break;
	case NODE_FIELD:
		expr(f, k, LEVEL_POSTFIX);
		str_addf(f->out, "%s%s", n->value ? "->" : ".", n->text);
		break;
	case NODE_INDEX:
		expr(f, k, LEVEL_POSTFIX);
		str_addc(f->out, '[');
		expr(f, k->next, 0);
		str_addc(f->out, ']');
		break;
	case NODE_TUPLE:
		tuple(f, n);
		break;
	case NODE_RECORD:
		record(f, n);
		break;
	case NODE_CAST:
		str_addc(f->out, '(');
		type(f, k);
		str_addc(f->out, ')');
		expr(f, k->next, LEVEL_UNARY);
		break;
	case NODE_RANGE:
		expr(f, k, 1);
		str_add(f->out, "..");
		expr(f, k->next, 1);
		break;
	case NODE_BLOCK:
		block(f, n);
		break;
	case NODE_IF:
		if_chain(f, n);
		break;
	case NODE_DISCARD:
		str_addc(f->out, '_');
		break;
	default:
		str_add(f->out, n->text);
	}
}

static void expr(struct format *f, const struct node *n, u32 level)
{
	bool parens = level_of(n) < level;

	if (parens)
		str_addc(f->out, '(');
	bare(f, n);
	if (parens)
		str_addc(f->out, ')');
}

/* ---- statements ---- */

static void let(struct format *f, const struct node *n)
{
	const struct node *k = n->kids;

	str_addf(f->out, "let %s", k->text);
	for (k = k->next; k; k = k->next) {
		if (k->kind == NODE_TYPE) {
			str_add(f->out, ": ");
			type(f, k);
		} else {
			str_add(f->out, " = ");
			expr(f, k, 0);
		}
	}
}

static void loop(struct format *f, const char *word, const struct node *n)
{
	const struct node *k = n->kids;

	str_addf(f->out, "%s (", word);
	expr(f, k, 0);
	k = k->next;
	if (n->kind == NODE_FOR) {
		str_add(f->out, " : ");
		expr(f, k, 0);
		k = k->next;
	}
	str_add(f->out, ") ");
	block(f, k);
}

/* Ends with a block, so no ';' follows? */
static bool statement(struct format *f, const struct node *n)
{
	const struct node *k = n->kids;

	switch (n->kind) {
	case NODE_IF:
		if_chain(f, n);
		return true;
	case NODE_WHILE:
		loop(f, "while", n);
		return true;
	case NODE_UNROLL:
		loop(f, "unroll", n);
		return true;
	case NODE_FOR:
		loop(f, "for", n);
		return true;
	case NODE_BLOCK:
		block(f, n);
		return true;
	case NODE_LET:
		let(f, n);
		return false;
	case NODE_BREAK: case NODE_CONTINUE:
		str_add(f->out, node_kind_text(n->kind));
		return false;
	case NODE_RETURN:
		str_add(f->out, k ? "return " : "return");
		if (k)
			expr(f, k, 0);
		return false;
	case NODE_ASSIGN:
		expr(f, k, 0);
		str_addf(f->out, " %s= ", n->op ? bt_op_text(n->op) : "");
		expr(f, k->next, 0);
		return false;
	default:
		expr(f, k, 0);
		return false;
	}
}

/* Has the last statement of a block a ';' in the source?  Without it is the block's value. */
static bool has_semicolon(const struct format *f, const struct node *n, u32 end)
{
	for (u32 i = n->at.to; i < end; i++)
		if (f->p->text[i] == ';')
			return true;
	return false;
}

static void block(struct format *f, const struct node *b)
{
	u32 before = b->at.from + 1;

	str_addc(f->out, '{');
	comment_behind(f, before);
	newline(f);
	f->indent++;
	for (const struct node *n = b->kids; n; n = n->next) {
		if (n != b->kids && was_apart(f, before, n->at.from))
			newline(f);
		comments_before(f, n->at.from);
		tabs(f);
		if (!statement(f, n) &&
		    (n->next || n->kind != NODE_EXPR_STMT || has_semicolon(f, n, b->at.to)))
			str_addc(f->out, ';');
		comment_behind(f, n->at.to);
		newline(f);
		before = n->at.to;
	}
	if (b->at.to)
		comments_before(f, b->at.to - 1);
	f->indent--;
	tabs(f);
	str_addc(f->out, '}');
}

/* ---- items ---- */

static void params(struct format *f, const struct node *n)
{
	const struct node *k = n->kids;

	str_addf(f->out, " %s(", n->text);
	for (bool first = true; k && k->kind == NODE_PARAM; k = k->next, first = false) {
		str_addf(f->out, "%s%s", first ? "" : ", ", k->text);
		if (k->kids) {
			str_add(f->out, " : ");
			type(f, k->kids);
		}
	}
	str_addc(f->out, ')');
	if (k && k->kind == NODE_TYPE) {
		str_add(f->out, " : ");
		type(f, k);
		k = k->next;
	}
	newline(f);
	if (k)
		block(f, k);
}

static void config(struct format *f, const struct node *n)
{
	str_add(f->out, "config = {\n");
	f->indent++;
	for (const struct node *k = n->kids; k; k = k->next) {
		comments_before(f, k->at.from);
		tabs(f);
		str_addf(f->out, "%s = ", k->text);
		if (k->kids)
			expr(f, k->kids, 0);
		str_addc(f->out, ';');
		comment_behind(f, k->at.to);
		newline(f);
	}
	comments_before(f, n->at.to - 1);
	f->indent--;
	str_addc(f->out, '}');
}

static void probe(struct format *f, const struct node *n)
{
	if (*n->text)
		str_addf(f->out, "%s = ", n->text);
	for (const struct node *k = n->kids; k; k = k->next) {
		if (k->kind == NODE_ATTACH) {
			str_addf(f->out, "%s%s\n", k->text,
				 k->next && k->next->kind == NODE_ATTACH ? "," : "");
		} else if (k->kind == NODE_PREDICATE) {
			str_addc(f->out, '/');
			expr(f, k->kids, 0);
			str_add(f->out, "/\n");
		} else {
			block(f, k);
		}
	}
}

static void item(struct format *f, const struct node *n)
{
	switch (n->kind) {
	case NODE_C:
		str_add(f->out, n->text);
		break;
	case NODE_CONFIG:
		config(f, n);
		break;
	case NODE_IMPORT:
		str_addf(f->out, "import \"%s\";", n->text);
		break;
	case NODE_MAP_DECL:
		str_addf(f->out, "let %s = ", n->text);
		expr(f, n->kids, 0);
		str_addc(f->out, ';');
		break;
	case NODE_MACRO:
		str_add(f->out, "macro");
		params(f, n);
		break;
	case NODE_FN:
		str_add(f->out, "fn");
		params(f, n);
		break;
	default:
		probe(f, n);
	}
}

static bool is_short(const struct node *n)
{
	return n->kind == NODE_C || n->kind == NODE_IMPORT || n->kind == NODE_MAP_DECL;
}

/* Comments inside a declaration went out with its text. */
static void drop_inner_comments(struct format *f, const struct node *n)
{
	while (f->next_comment < f->p->n_comments &&
	       f->p->comments[f->next_comment].at.from < n->at.to)
		f->next_comment++;
}

void bt_format(const struct bt_program *p, struct str *out)
{
	struct format f = { .p = p, .out = out };
	const struct node *prev = NULL;

	for (const struct node *n = p->root->kids; n; prev = n, n = n->next) {
		if (prev && !(is_short(prev) && is_short(n) &&
			      !was_apart(&f, prev->at.to, n->at.from)))
			newline(&f);
		comments_before(&f, n->at.from);
		item(&f, n);
		if (n->kind == NODE_C)
			drop_inner_comments(&f, n);
		comment_behind(&f, n->at.to);
		newline(&f);
	}
	if (prev && f.next_comment < p->n_comments)
		newline(&f);
	comments_before(&f, p->len + 1);
}

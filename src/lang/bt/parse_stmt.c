/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/parse_stmt.c - statements and blocks.
 *
 *	block := "{" { stmt [ ";" ] } "}"
 *	stmt  := if | "while" cond block | "for" "(" VAR ":" (range | MAP) ")" block | "unroll" cond block
 *	       | "break" | "continue" | "return" [ expr ]
 *	       | "let" VAR [ ":" type ] [ "=" expr ] | place ( "=" | op "=" ) expr | expr
 *	if    := "if" cond block [ "else" ( if | block ) ]
 *
 * A condition may stand in parentheses.  The last statement of a block may be an expression without
 * ';': the block's value.
 */
#include "lang/bt/parse.h"

static struct node *condition(struct parser *p)
{
	/* parentheses are part of an expression anyway */
	return parse_expr(p);
}

struct node *parse_if(struct parser *p)
{
	struct node *n = node_new(p, NODE_IF, p->t.at);

	if (!enter(p))
		return n;
	advance(p);
	node_add(n, condition(p));
	node_add(n, parse_block(p));
	if (accept_word(p, "else"))
		node_add(n, is_word(p, "if") ? parse_if(p) : parse_block(p));
	leave(p);
	return node_end(p, n);
}

static struct node *repeat(struct parser *p, enum node_kind kind)
{
	struct node *n = node_new(p, kind, p->t.at);

	advance(p);
	node_add(n, condition(p));
	node_add(n, parse_block(p));
	return node_end(p, n);
}

static struct node *parse_for(struct parser *p)
{
	struct node *n = node_new(p, NODE_FOR, p->t.at), *over;
	bool parens;

	advance(p);
	parens = accept(p, TOK_LPAREN);
	node_add(n, node_text(p, NODE_VAR, &p->t));
	expect(p, TOK_VAR);
	expect(p, TOK_COLON);
	over = parse_expr(p);
	if (is_tok(p, TOK_RANGE)) {
		struct node *range = node_new(p, NODE_RANGE, over->at);

		advance(p);
		node_add(range, over);
		node_add(range, parse_expr(p));
		over = node_end(p, range);
	} else if (over->kind != NODE_MAP && over->kind != NODE_BAD) {
		mistake(p, over->at, "a for loop goes over a map or a range: for ($i : 0..10)");
	}
	node_add(n, over);
	if (parens)
		expect(p, TOK_RPAREN);
	node_add(n, parse_block(p));
	return node_end(p, n);
}

static struct node *let(struct parser *p)
{
	struct node *n = node_new(p, NODE_LET, p->t.at);

	advance(p);
	node_add(n, node_text(p, NODE_VAR, &p->t));
	expect(p, TOK_VAR);
	if (accept(p, TOK_COLON))
		node_add(n, parse_type(p));
	if (is_tok(p, TOK_ASSIGN) && !p->t.op) {
		advance(p);
		node_add(n, parse_expr(p));
	}
	return node_end(p, n);
}

static bool is_place(const struct node *n)
{
	return n->kind == NODE_VAR || n->kind == NODE_MAP || n->kind == NODE_DISCARD;
}

static struct node *assign_or_expr(struct parser *p)
{
	struct node *left = parse_expr(p), *n;

	if (!is_tok(p, TOK_ASSIGN) || p->quiet) {
		n = node_new(p, NODE_EXPR_STMT, left->at);
		node_add(n, left);
		return node_end(p, n);
	}
	if (left->kind == NODE_NAME && left->text[0] == '_' && !left->text[1])
		left->kind = NODE_DISCARD;
	if (!is_place(left) && left->kind != NODE_BAD)
		mistake(p, p->t.at, "only variables and maps can be assigned to");
	n = node_new(p, NODE_ASSIGN, left->at);
	n->op = p->t.op;
	advance(p);
	node_add(n, left);
	node_add(n, parse_expr(p));
	return node_end(p, n);
}

static struct node *word(struct parser *p, enum node_kind kind)
{
	struct node *n = node_new(p, kind, p->t.at);

	advance(p);
	return n;
}

static struct node *statement(struct parser *p)
{
	struct node *n;

	if (is_word(p, "if"))
		return parse_if(p);
	if (is_word(p, "while"))
		return repeat(p, NODE_WHILE);
	if (is_word(p, "unroll"))
		return repeat(p, NODE_UNROLL);
	if (is_word(p, "for"))
		return parse_for(p);
	if (is_word(p, "let"))
		return let(p);
	if (is_word(p, "break"))
		return word(p, NODE_BREAK);
	if (is_word(p, "continue"))
		return word(p, NODE_CONTINUE);
	if (is_word(p, "return")) {
		n = word(p, NODE_RETURN);
		if (!is_tok(p, TOK_SEMI) && !is_tok(p, TOK_RBRACE))
			node_add(n, parse_expr(p));
		return node_end(p, n);
	}
	if (is_tok(p, TOK_LBRACE))
		return parse_block(p);
	return assign_or_expr(p);
}

/* A statement that ends with a block needs no ';'. */
static bool ends_itself(const struct node *n)
{
	switch (n->kind) {
	case NODE_IF: case NODE_WHILE: case NODE_FOR: case NODE_UNROLL: case NODE_BLOCK:
		return true;
	default:
		return false;
	}
}

struct node *parse_block(struct parser *p)
{
	struct node *b = node_new(p, NODE_BLOCK, p->t.at);
	bool was = p->in_predicate;

	if (!enter(p))
		return b;
	p->in_predicate = false;
	expect(p, TOK_LBRACE);
	while (!is_tok(p, TOK_RBRACE) && !is_tok(p, TOK_END)) {
		struct node *s;

		if (accept(p, TOK_SEMI))
			continue;
		s = statement(p);
		node_add(b, s);
		if (p->quiet) {
			skip_statement(p);
			continue;
		}
		if (is_tok(p, TOK_RBRACE) || accept(p, TOK_SEMI) || ends_itself(s))
			continue;
		mistake(p, p->t.at, "expected ';' or '}' before this");
		skip_statement(p);
	}
	if (is_tok(p, TOK_END))
		mistake(p, b->at, "'{' without its '}'");
	expect(p, TOK_RBRACE);
	p->in_predicate = was;
	leave(p);
	return node_end(p, b);
}

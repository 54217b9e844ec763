/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/parse_expr.c - expressions, by climbing levels of operators; types.
 *
 *	expr    := binary [ "?" [ expr ] ":" expr ]
 *	unary   := ( "!" | "~" | "-" | "*" | "&" | "+" ) unary | ( "++" | "--" ) place
 *		 | "(" type ")" unary | postfix
 *	postfix := primary { "." NAME | "." INT | "->" NAME | "[" expr "]" | "++" | "--" }
 *	primary := INT | STR | NAME [ "(" args ")" ] | VAR | MAP [ "[" args "]" ] | PARAM | block | if
 *		 | "(" ")" | "(" expr { "," expr } [ "," ] ")" | "(" NAME "=" expr { "," ... } ")"
 *		 | "sizeof" "(" (type | expr) ")" | "offsetof" "(" (type | expr) "," path ")"
 *		 | "typeof" | "typeinfo" | "comptime" unary
 */
#include "lang/bt/parse.h"
#include <string.h>

static struct node *unary(struct parser *p);

static struct node *bad_here(struct parser *p)
{
	return node_new(p, NODE_BAD, p->t.at);
}

/* ---- types ---- */

static const char *const type_names[] = {
	"void", "bool", "char", "short", "int", "long", "unsigned", "signed", "int8", "int16", "int32",
	"int64", "uint8", "uint16", "uint32", "uint64", "string", "buffer", "inet", "stack_t",
};

static bool names_type(const char *s)
{
	size_t n = strlen(s);

	for (u32 i = 0; i < ARRAY_SIZE(type_names); i++)
		if (!strcmp(s, type_names[i]))
			return true;
	return n > 2 && !strcmp(s + n - 2, "_t");
}

static bool is_tag(const struct parser *p)
{
	return is_word(p, "struct") || is_word(p, "union") || is_word(p, "enum");
}

bool starts_type(struct parser *p)
{
	struct parser_mark m;
	bool yes = false;

	if (!is_tok(p, TOK_NAME))
		return false;
	if (is_tag(p) || is_word(p, "typeof") || names_type(p->t.text))
		return true;
	/* name *... ) */
	m = parser_mark(p);
	advance(p);
	while (is_op(p, BT_MUL)) {
		yes = true;
		advance(p);
	}
	yes = yes && is_tok(p, TOK_RPAREN);
	parser_back(p, &m);
	return yes;
}

/* type := ( [ "struct" | "union" | "enum" ] NAME... | "typeof" "(" ... ")" ) { "*" | "[" INT "]" } */
struct node *parse_type(struct parser *p)
{
	struct node *t = node_new(p, NODE_TYPE, p->t.at);
	struct str name = {0};

	if (is_word(p, "typeof")) {
		advance(p);
		expect(p, TOK_LPAREN);
		node_add(t, starts_type(p) ? parse_type(p) : parse_expr(p));
		expect(p, TOK_RPAREN);
		t->text = "typeof";
	} else if (!is_tok(p, TOK_NAME)) {
		mistake(p, p->t.at, "expected a type");
		return bad_here(p);
	}
	/* "unsigned long int" and "struct x" are several words */
	while (!t->kids && is_tok(p, TOK_NAME)) {
		bool more = is_tag(p) || is_word(p, "unsigned") || is_word(p, "signed") ||
			    is_word(p, "long") || is_word(p, "short") || is_word(p, "const") ||
			    is_word(p, "volatile");

		str_addf(&name, "%s%s", name.len ? " " : "", p->t.text);
		advance(p);
		if (!more || (!is_tok(p, TOK_NAME)))
			break;
	}
	if (name.len)
		t->text = arena_strdup(&p->prog->arena, str_text(&name));
	str_free(&name);
	for (;;) {
		if (is_op(p, BT_MUL)) {
			advance(p);
			t->value++;
		} else if (accept(p, TOK_LBRACKET)) {
			node_add(t, is_tok(p, TOK_RBRACKET) ? node_new(p, NODE_INT, p->t.at) :
							      parse_expr(p));
			expect(p, TOK_RBRACKET);
		} else {
			return node_end(p, t);
		}
	}
}

/* ---- primaries ---- */

static void list(struct parser *p, struct node *to, enum tok end)
{
	while (!is_tok(p, end) && !is_tok(p, TOK_END) && !p->quiet) {
		node_add(to, parse_expr(p));
		if (!accept(p, TOK_COMMA))
			break;
	}
	expect(p, end);
}

struct node *parse_call_args(struct parser *p, struct node *call)
{
	expect(p, TOK_LPAREN);
	list(p, call, TOK_RPAREN);
	return node_end(p, call);
}

static struct node *type_or_expr(struct parser *p)
{
	return starts_type(p) ? parse_type(p) : parse_expr(p);
}

/* sizeof and its like: "(" (type | expr) [ "," path ] ")" */
static struct node *of_type(struct parser *p, enum node_kind kind)
{
	struct node *n = node_new(p, kind, p->t.at);
	struct str path = {0};

	advance(p);
	expect(p, TOK_LPAREN);
	node_add(n, type_or_expr(p));
	if (kind == NODE_OFFSETOF) {
		expect(p, TOK_COMMA);
		while (is_tok(p, TOK_NAME) || is_tok(p, TOK_DOT)) {
			str_add(&path, is_tok(p, TOK_DOT) ? "." : p->t.text);
			advance(p);
		}
		n->text = arena_strdup(&p->prog->arena, str_text(&path));
		if (!path.len)
			mistake(p, p->t.at, "expected the name of a field");
		str_free(&path);
	}
	expect(p, TOK_RPAREN);
	return node_end(p, n);
}

static struct node *name(struct parser *p)
{
	struct node *n;

	if (is_word(p, "if"))
		return parse_if(p);
	if (is_word(p, "sizeof"))
		return of_type(p, NODE_SIZEOF);
	if (is_word(p, "offsetof"))
		return of_type(p, NODE_OFFSETOF);
	if (is_word(p, "typeof") || is_word(p, "typeinfo"))
		return of_type(p, NODE_TYPEOF);
	if (is_word(p, "true") || is_word(p, "false")) {
		n = node_text(p, NODE_BOOL, &p->t);
		n->value = is_word(p, "true");
		advance(p);
		return n;
	}
	if (is_word(p, "comptime")) {
		n = node_new(p, NODE_COMPTIME, p->t.at);
		advance(p);
		node_add(n, unary(p));
		return node_end(p, n);
	}
	n = node_text(p, NODE_NAME, &p->t);
	advance(p);
	if (!is_tok(p, TOK_LPAREN))
		return n;
	n->kind = NODE_CALL;
	return parse_call_args(p, n);
}

/* What stands in parentheses: a value, a tuple or a record. */
static struct node *parens(struct parser *p)
{
	struct node *n = node_new(p, NODE_TUPLE, p->t.at), *first;
	struct parser_mark m;

	advance(p);
	if (is_tok(p, TOK_NAME)) {
		m = parser_mark(p);
		advance(p);
		if (is_tok(p, TOK_ASSIGN) && p->t.op == BT_NONE)
			n->kind = NODE_RECORD;
		parser_back(p, &m);
	}
	while (n->kind == NODE_RECORD && is_tok(p, TOK_NAME) && !p->quiet) {
		struct node *f = node_text(p, NODE_FIELD_INIT, &p->t);

		advance(p);
		if (!is_tok(p, TOK_ASSIGN) || p->t.op)
			mistake(p, p->t.at, "expected '=' behind the name of a field");
		advance(p);
		node_add(f, parse_expr(p));
		node_add(n, node_end(p, f));
		if (!accept(p, TOK_COMMA))
			break;
	}
	if (n->kind == NODE_RECORD) {
		expect(p, TOK_RPAREN);
		return node_end(p, n);
	}
	if (accept(p, TOK_RPAREN))
		return node_end(p, n);
	first = parse_expr(p);
	if (accept(p, TOK_RPAREN))
		return first;
	node_add(n, first);
	if (!is_tok(p, TOK_COMMA)) {
		expect(p, TOK_RPAREN);
		return first;
	}
	advance(p);
	list(p, n, TOK_RPAREN);
	return node_end(p, n);
}

static struct node *primary(struct parser *p)
{
	struct node *n;

	switch (p->t.kind) {
	case TOK_INT:
		n = node_text(p, NODE_INT, &p->t);
		n->value = p->t.value;
		break;
	case TOK_STR:
		n = node_text(p, NODE_STR, &p->t);
		n->raw = arena_printf(&p->prog->arena, "%.*s", (int)(p->t.at.to - p->t.at.from),
				      p->prog->text + p->t.at.from);
		break;
	case TOK_VAR:
		n = node_text(p, NODE_VAR, &p->t);
		break;
	case TOK_PARAM:
		n = node_text(p, NODE_POSITIONAL, &p->t);
		n->value = p->t.value;
		break;
	case TOK_MAP:
		n = node_text(p, NODE_MAP, &p->t);
		advance(p);
		if (accept(p, TOK_LBRACKET))
			list(p, n, TOK_RBRACKET);
		return node_end(p, n);
	case TOK_NAME:
		return name(p);
	case TOK_LPAREN:
		return parens(p);
	case TOK_LBRACE:
		return parse_block(p);
	default:
		mistake(p, p->t.at, "expected an expression");
		return bad_here(p);
	}
	advance(p);
	return n;
}

static struct node *wrap(struct parser *p, enum node_kind kind, struct node *inner)
{
	struct node *n = node_new(p, kind, inner->at);

	node_add(n, inner);
	return n;
}

static struct node *postfix(struct parser *p)
{
	struct node *n = primary(p);

	while (!p->quiet) {
		struct node *outer;

		if (is_tok(p, TOK_DOT) || is_tok(p, TOK_ARROW)) {
			bool arrow = is_tok(p, TOK_ARROW);

			advance(p);
			if (!is_tok(p, TOK_NAME) && !is_tok(p, TOK_INT)) {
				mistake(p, p->t.at, "expected the name of a field");
				return n;
			}
			outer = wrap(p, NODE_FIELD, n);
			outer->text = p->t.text;
			outer->value = arrow;
			advance(p);
		} else if (is_tok(p, TOK_LBRACKET)) {
			advance(p);
			outer = wrap(p, NODE_INDEX, n);
			node_add(outer, parse_expr(p));
			expect(p, TOK_RBRACKET);
		} else if (is_tok(p, TOK_INC) || is_tok(p, TOK_DEC)) {
			outer = wrap(p, NODE_INCREMENT, n);
			outer->op = is_tok(p, TOK_INC) ? BT_ADD : BT_SUB;
			if (n->kind != NODE_VAR && n->kind != NODE_MAP)
				mistake(p, p->t.at, "only variables and maps can be incremented");
			advance(p);
		} else {
			break;
		}
		n = node_end(p, outer);
		if (n->height > HEIGHT_MAX)
			mistake(p, n->at, "expression of too many parts");
	}
	return n;
}

/* ---- operators ---- */

static bool is_unary(u32 op)
{
	return op == BT_NOT || op == BT_COM || op == BT_SUB || op == BT_MUL || op == BT_AND ||
	       op == BT_ADD;
}

/* "(name) 5": whatever the name is, it can only be a type. */
static bool name_before_operand(struct parser *p)
{
	struct parser_mark m = parser_mark(p);
	bool yes = false;

	if (!is_tok(p, TOK_NAME))
		return false;
	advance(p);
	if (accept(p, TOK_RPAREN))
		yes = is_tok(p, TOK_INT) || is_tok(p, TOK_STR) || is_tok(p, TOK_VAR) || is_tok(p, TOK_MAP) ||
		      is_tok(p, TOK_PARAM) || is_tok(p, TOK_NAME);
	parser_back(p, &m);
	return yes;
}

static struct node *cast(struct parser *p)
{
	struct parser_mark m = parser_mark(p);
	struct node *n = node_new(p, NODE_CAST, p->t.at), *type;

	advance(p);
	if (!starts_type(p) && !name_before_operand(p)) {
		parser_back(p, &m);
		return NULL;
	}
	type = parse_type(p);
	if (!accept(p, TOK_RPAREN)) {
		/* "(size_t_like_name + 1)" */
		if (!p->quiet) {
			parser_back(p, &m);
			return NULL;
		}
		return bad_here(p);
	}
	node_add(n, type);
	node_add(n, unary(p));
	return node_end(p, n);
}

static struct node *unary(struct parser *p)
{
	struct node *n = NULL;

	if (!enter(p))
		return bad_here(p);
	if (is_tok(p, TOK_OP) && is_unary(p->t.op)) {
		n = node_new(p, NODE_UNARY, p->t.at);
		n->op = p->t.op;
		advance(p);
		node_add(n, unary(p));
		node_end(p, n);
	} else if (is_tok(p, TOK_INC) || is_tok(p, TOK_DEC)) {
		n = node_new(p, NODE_INCREMENT, p->t.at);
		n->op = is_tok(p, TOK_INC) ? BT_ADD : BT_SUB;
		n->value = 1;
		advance(p);
		node_add(n, postfix(p));
		if (n->kids->kind != NODE_VAR && n->kids->kind != NODE_MAP && !p->quiet)
			mistake(p, n->kids->at, "only variables and maps can be incremented");
		node_end(p, n);
	} else if (is_tok(p, TOK_LPAREN)) {
		n = cast(p);
	}
	if (!n)
		n = postfix(p);
	leave(p);
	return n;
}

static struct node *binary(struct parser *p, u32 level)
{
	struct node *left = unary(p);

	for (;;) {
		u32 op = p->t.op, at = is_tok(p, TOK_OP) ? bt_op_level(op) : 0;
		struct node *n;

		if (!at || at < level || p->quiet)
			return left;
		if (op == BT_DIV && p->in_predicate && lex_ends_predicate(&p->lex, p->t.at.from))
			return left;
		advance(p);
		n = node_new(p, NODE_BINARY, left->at);
		n->op = op;
		node_add(n, left);
		node_add(n, binary(p, at + 1));
		left = node_end(p, n);
		if (left->height > HEIGHT_MAX)
			mistake(p, left->at, "expression of too many operators");
	}
}

struct node *parse_expr(struct parser *p)
{
	struct node *n, *cond;

	if (!enter(p))
		return bad_here(p);
	n = binary(p, 1);
	if (is_tok(p, TOK_QUESTION) && !p->quiet) {
		cond = n;
		n = node_new(p, NODE_TERNARY, cond->at);
		advance(p);
		node_add(n, cond);
		if (!is_tok(p, TOK_COLON))
			node_add(n, parse_expr(p));
		expect(p, TOK_COLON);
		node_add(n, parse_expr(p));
		node_end(p, n);
	}
	leave(p);
	return n;
}

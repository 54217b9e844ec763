/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/parse.c - the program, and what all of the parser stands on.
 *
 *	program := { C lines and declarations | config | import | map declaration | macro | fn | probe }
 *	config  := "config" "=" "{" { NAME "=" value [ ";" ] } "}" [ ";" ]
 *	import  := "import" STR [ ";" ]
 *	mapdecl := "let" MAP "=" NAME "(" args ")" ";"
 *	macro   := "macro" NAME [ "(" params ")" ] ( block | "{" expr "}" )
 *	fn      := "fn" NAME "(" [ param ":" type ... ] ")" [ ":" type ] block
 *	probe   := [ NAME "=" ] attach { "," attach } [ "/" expr "/" ] block
 *
 * An attach point is no sequence of tokens: it goes to a comma, a blank, '{', or a '/' that begins a
 * predicate (no ':' before it, or a blank).  Strings in it are taken whole, and {a,b} inside a name is a
 * list.
 */
#include "lang/bt/parse.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE_MAX = 1 << 20 };

/* ---- tokens ---- */

void advance(struct parser *p)
{
	p->prev_end = p->t.at.to;
	p->t = lex_next(&p->lex);
	/* the lexer has said what is wrong with it */
	while (p->t.kind == TOK_BAD)
		p->t = lex_next(&p->lex);
}

bool is_tok(const struct parser *p, enum tok kind)
{
	return p->t.kind == kind;
}

bool is_word(const struct parser *p, const char *word)
{
	return p->t.kind == TOK_NAME && !strcmp(p->t.text, word);
}

bool is_op(const struct parser *p, enum bt_op op)
{
	return p->t.kind == TOK_OP && p->t.op == op;
}

bool accept(struct parser *p, enum tok kind)
{
	if (!is_tok(p, kind))
		return false;
	advance(p);
	return true;
}

bool accept_word(struct parser *p, const char *word)
{
	if (!is_word(p, word))
		return false;
	advance(p);
	return true;
}

void mistake(struct parser *p, struct span at, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	p->failed = true;
	if (p->quiet)
		return;
	p->quiet = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bt_error(p->prog, p->dg, at, -EINVAL, "%s", text);
}

void expect(struct parser *p, enum tok kind)
{
	if (accept(p, kind))
		return;
	if (p->t.kind == TOK_NAME)
		mistake(p, p->t.at, "expected %s before '%s'", tok_text(kind), p->t.text);
	else if (p->t.kind == TOK_OP)
		mistake(p, p->t.at, "expected %s before '%s'", tok_text(kind),
			bt_op_text(p->t.op));
	else
		mistake(p, p->t.at, "expected %s before %s", tok_text(kind), tok_text(p->t.kind));
}

struct parser_mark parser_mark(const struct parser *p)
{
	return (struct parser_mark){ p->t, p->lex.off, p->prev_end, p->lex.comments.n };
}

void parser_back(struct parser *p, const struct parser_mark *m)
{
	p->t = m->t;
	p->lex.off = m->off;
	p->prev_end = m->prev_end;
	p->lex.comments.n = m->n_comments;
}

void skip_statement(struct parser *p)
{
	u32 depth = 0;

	p->quiet = false;
	while (!is_tok(p, TOK_END)) {
		if (!depth && (is_tok(p, TOK_SEMI) || is_tok(p, TOK_RBRACE)))
			return;
		if (is_tok(p, TOK_LBRACE))
			depth++;
		if (is_tok(p, TOK_RBRACE))
			depth--;
		advance(p);
	}
}

/* ---- nodes ---- */

struct node *node_new(struct parser *p, enum node_kind kind, struct span at)
{
	struct node *n = arena_alloc(&p->prog->arena, sizeof(*n));

	n->kind = kind;
	n->at = at;
	n->text = n->raw = "";
	return n;
}

struct node *node_text(struct parser *p, enum node_kind kind, const struct token *t)
{
	struct node *n = node_new(p, kind, t->at);

	n->text = t->text;
	return n;
}

void node_add(struct node *parent, struct node *kid)
{
	if (parent->last)
		parent->last->next = kid;
	else
		parent->kids = kid;
	parent->last = kid;
	parent->height = MAX(parent->height, kid->height + 1);
}

struct node *node_end(struct parser *p, struct node *n)
{
	n->at.to = MAX(n->at.to, p->prev_end);
	return n;
}

bool enter(struct parser *p)
{
	if (p->depth < NEST_MAX) {
		p->depth++;
		return true;
	}
	mistake(p, p->t.at, "nested too deeply (more than %d levels)", NEST_MAX);
	return false;
}

void leave(struct parser *p)
{
	p->depth--;
}

/* ---- C ---- */

static bool begins_c(const struct parser *p)
{
	return is_tok(p, TOK_HASH) || is_word(p, "struct") || is_word(p, "union") ||
	       is_word(p, "enum") || is_word(p, "typedef") || is_word(p, "extern");
}

/* The end of a preprocessor line, with those that it continues on. */
static u32 line_end(const struct parser *p, u32 off)
{
	const char *s = p->prog->text;

	while (s[off] && (s[off] != '\n' || (off && s[off - 1] == '\\')))
		off++;
	return off;
}

/* A struct without its ';' ends with its '}': what follows is a probe or the like, not the name of a variable. */
static bool ends_with_brace(const struct parser *p, u32 off)
{
	const char *s = p->prog->text;

	for (;;) {
		u32 comment = lex_comment_end(&p->lex, off);

		if (comment > off)
			off = comment;
		else if (isspace((u8)s[off]))
			off++;
		else
			break;
	}
	if (!s[off] || s[off] == '#')
		return true;
	if (!isalpha((u8)s[off]) || !strncmp(s + off, "__attribute__", 13))
		return false;
	while (s[off] && !strchr(";,[={:/", s[off]))
		off++;
	return s[off] == '{' || s[off] == ':' || s[off] == '/' || s[off] == ',';
}

/* Behind the ';' outside of braces that ends a declaration; 0: there is none. */
static u32 decl_end(const struct parser *p, u32 off)
{
	const char *s = p->prog->text;
	bool is_typedef = !strncmp(s + off, "typedef", 7), closed = false;
	u32 depth = 0;

	while (s[off]) {
		u32 comment = lex_comment_end(&p->lex, off);

		if (comment > off) {
			off = comment;
			continue;
		}
		if (s[off] == '{')
			depth++;
		else if (s[off] == '}' && depth)
			depth--;
		else if (s[off] == ';' && !depth)
			return off + 1;
		closed |= s[off] == '}' && !depth;
		off++;
		/* behind the members, or their attributes */
		if (closed && !is_typedef && (s[off - 1] == '}' || s[off - 1] == ')') && ends_with_brace(p, off))
			return off;
	}
	return 0;
}

static struct node *parse_c(struct parser *p)
{
	struct node *n = node_new(p, NODE_C, p->t.at);
	u32 from = p->t.at.from, to;

	to = is_tok(p, TOK_HASH) ? line_end(p, from) : decl_end(p, from);
	if (!to) {
		mistake(p, n->at, "declaration without its ';'");
		to = p->prog->len;
	}
	n->text = arena_printf(&p->prog->arena, "%.*s", (int)(to - from), p->prog->text + from);
	n->at.to = to;
	p->lex.off = to;
	advance(p);
	p->quiet = false;
	return n;
}

/* ---- settings ---- */

static struct node *setting(struct parser *p)
{
	struct node *n = node_text(p, NODE_SETTING, &p->t);

	expect(p, TOK_NAME);
	if (!is_tok(p, TOK_ASSIGN) || p->t.op)
		mistake(p, p->t.at, "expected '=' behind the name of a setting");
	advance(p);
	node_add(n, parse_expr(p));
	return node_end(p, n);
}

static struct node *config(struct parser *p)
{
	struct node *n = node_new(p, NODE_CONFIG, p->t.at);

	advance(p);
	expect(p, TOK_ASSIGN);
	expect(p, TOK_LBRACE);
	while (!is_tok(p, TOK_RBRACE) && !is_tok(p, TOK_END)) {
		node_add(n, setting(p));
		if (p->quiet)
			skip_statement(p);
		if (!accept(p, TOK_SEMI) && !is_tok(p, TOK_RBRACE)) {
			expect(p, TOK_SEMI);
			skip_statement(p);
		}
	}
	expect(p, TOK_RBRACE);
	accept(p, TOK_SEMI);
	return node_end(p, n);
}

static struct node *import(struct parser *p)
{
	struct node *n = node_new(p, NODE_IMPORT, p->t.at);

	advance(p);
	n->text = p->t.text;
	expect(p, TOK_STR);
	accept(p, TOK_SEMI);
	return node_end(p, n);
}

static struct node *map_decl(struct parser *p)
{
	struct node *n = node_new(p, NODE_MAP_DECL, p->t.at), *call;

	advance(p);
	n->text = p->t.text;
	expect(p, TOK_MAP);
	expect(p, TOK_ASSIGN);
	call = node_text(p, NODE_CALL, &p->t);
	expect(p, TOK_NAME);
	node_add(n, parse_call_args(p, call));
	expect(p, TOK_SEMI);
	return node_end(p, n);
}

static void params(struct parser *p, struct node *to, bool typed)
{
	expect(p, TOK_LPAREN);
	while (!p->quiet && (is_tok(p, TOK_VAR) || is_tok(p, TOK_MAP) || is_tok(p, TOK_NAME))) {
		struct node *n = node_text(p, NODE_PARAM, &p->t);

		advance(p);
		if (typed && accept(p, TOK_COLON))
			node_add(n, parse_type(p));
		node_add(to, node_end(p, n));
		if (!accept(p, TOK_COMMA))
			break;
	}
	expect(p, TOK_RPAREN);
}

static struct node *function(struct parser *p, enum node_kind kind)
{
	struct node *n = node_new(p, kind, p->t.at);

	advance(p);
	n->text = p->t.text;
	expect(p, TOK_NAME);
	if (kind == NODE_FN || !is_tok(p, TOK_LBRACE))
		params(p, n, kind == NODE_FN);
	if (kind == NODE_FN && accept(p, TOK_COLON))
		node_add(n, parse_type(p));
	node_add(n, parse_block(p));
	return node_end(p, n);
}

/* ---- probes ---- */

/* The end of "{a,b}" at off, when it is a list of names inside an attach point; else off. */
static u32 brace_list_end(const char *s, u32 off)
{
	u32 end = off + 1;
	bool comma = false;

	while (isalnum((u8)s[end]) || strchr("_,*?.+", s[end] ? s[end] : ' ')) {
		comma |= s[end] == ',';
		end++;
	}
	return comma && s[end] == '}' ? end + 1 : off;
}

static u32 attach_end(const struct parser *p, u32 off)
{
	const char *s = p->prog->text;
	bool colon = false;

	for (;;) {
		char c = s[off];

		if (c == '"') {
			for (off++; s[off] && s[off] != '"' && s[off] != '\n'; off++)
				if (s[off] == '\\' && s[off + 1])
					off++;
			off += s[off] == '"';
			continue;
		}
		if (c == '{') {
			u32 end = colon ? brace_list_end(s, off) : off;

			if (end == off)
				return off;
			off = end;
			continue;
		}
		if (!c || c == ',' || isspace((u8)c) || (c == '/' && !colon))
			return off;
		if (c == '/' && (s[off + 1] == '/' || s[off + 1] == '*') && s[off - 1] != ':')
			return off;
		colon |= c == ':';
		off++;
	}
}

static struct node *attach(struct parser *p)
{
	struct node *n = node_new(p, NODE_ATTACH, p->t.at);
	u32 from = p->t.at.from, to = attach_end(p, from);

	if (to == from) {
		if (is_tok(p, TOK_END))
			mistake(p, p->t.at, "expected a probe before the end of the file");
		else
			mistake(p, p->t.at, "expected a probe, such as 'begin' or 'kprobe:NAME'");
		return n;
	}
	n->text = arena_printf(&p->prog->arena, "%.*s", (int)(to - from), p->prog->text + from);
	n->at.to = to;
	p->lex.off = to;
	advance(p);
	p->prev_end = to;
	return n;
}

static struct node *predicate(struct parser *p)
{
	struct node *n = node_new(p, NODE_PREDICATE, p->t.at);

	advance(p);
	p->in_predicate = true;
	node_add(n, parse_expr(p));
	p->in_predicate = false;
	if (is_op(p, BT_DIV))
		advance(p);
	else
		mistake(p, p->t.at, "expected '/' at the end of the predicate");
	return node_end(p, n);
}

static struct node *probe(struct parser *p)
{
	struct node *n = node_new(p, NODE_PROBE, p->t.at);
	struct parser_mark m = parser_mark(p);

	if (is_tok(p, TOK_NAME)) {
		const char *name = p->t.text;

		advance(p);
		if (is_tok(p, TOK_ASSIGN) && !p->t.op) {
			n->text = name;
			advance(p);
		} else {
			parser_back(p, &m);
		}
	}
	do {
		/* a comma may stand behind the last one */
		if (n->kids && (is_tok(p, TOK_LBRACE) || is_op(p, BT_DIV)))
			break;
		node_add(n, attach(p));
	} while (!p->quiet && accept(p, TOK_COMMA));
	if (!p->quiet && is_op(p, BT_DIV))
		node_add(n, predicate(p));
	if (!p->quiet && !is_tok(p, TOK_LBRACE))
		mistake(p, p->t.at, "expected '{', ',' or a predicate behind the attach point");
	if (!p->quiet)
		node_add(n, parse_block(p));
	return node_end(p, n);
}

/* Behind the block that a mistake was in, so that what follows is looked at. */
static void skip_item(struct parser *p)
{
	u32 depth = 0;

	p->quiet = false;
	while (!is_tok(p, TOK_END)) {
		if (is_tok(p, TOK_LBRACE))
			depth++;
		if (is_tok(p, TOK_RBRACE) && (!depth || !--depth)) {
			advance(p);
			return;
		}
		if (is_tok(p, TOK_SEMI) && !depth) {
			advance(p);
			return;
		}
		advance(p);
	}
}

static bool next_is(struct parser *p, enum tok kind)
{
	struct parser_mark m = parser_mark(p);
	bool yes;

	advance(p);
	yes = is_tok(p, kind);
	parser_back(p, &m);
	return yes;
}

static struct node *item(struct parser *p)
{
	if (begins_c(p))
		return parse_c(p);
	if (is_word(p, "config") && next_is(p, TOK_ASSIGN))
		return config(p);
	if (is_word(p, "import") && next_is(p, TOK_STR))
		return import(p);
	if (is_word(p, "let") && next_is(p, TOK_MAP))
		return map_decl(p);
	if (is_word(p, "macro") && next_is(p, TOK_NAME))
		return function(p, NODE_MACRO);
	if (is_word(p, "fn") && next_is(p, TOK_NAME))
		return function(p, NODE_FN);
	return probe(p);
}

static void program(struct parser *p)
{
	while (!is_tok(p, TOK_END)) {
		u32 before = p->t.at.from;

		node_add(p->prog->root, item(p));
		if (p->quiet)
			skip_item(p);
		if (p->t.at.from == before && !is_tok(p, TOK_END))
			advance(p); /* never twice at one place */
	}
	if (!p->prog->root->kids && !p->failed)
		mistake(p, p->t.at, "no probe in the script");
}

int bt_parse(const char *text, size_t len, const char *file, struct diag *dg, struct bt_program **out)
{
	struct bt_program *prog;
	struct parser p = { .dg = dg };
	char *copy;

	if (len > SOURCE_MAX)
		return diag_error(dg, (struct place){ .file = file }, -E2BIG,
				  "script of %zu bytes; at most %d are taken", len, SOURCE_MAX);
	prog = calloc(1, sizeof(*prog));
	if (!prog)
		return -ENOMEM;
	copy = arena_alloc(&prog->arena, len + 1);
	memcpy(copy, text, len);
	prog->text = copy;
	prog->len = (u32)strlen(copy);
	prog->file = arena_strdup(&prog->arena, file);
	p.prog = prog;
	p.lex = (struct lexer){ .p = prog, .dg = dg };
	prog->root = node_new(&p, NODE_PROGRAM, (struct span){ 0, prog->len });
	if (prog->len != len) {
		p.failed = true;
		bt_error(prog, dg, (struct span){ prog->len, prog->len }, -EINVAL,
			 "a NUL byte ends the script");
	}
	if (!strncmp(copy, "#!", 2)) {
		p.lex.off = line_end(&p, 0);
		if (!vec_push(&p.lex.comments, ((struct comment){ { 0, p.lex.off }, true })))
			p.failed = true;
	}
	advance(&p);
	program(&p);
	prog->n_comments = p.lex.comments.n;
	prog->comments = arena_alloc(&prog->arena, (prog->n_comments + 1) * sizeof(struct comment));
	if (prog->n_comments)
		memcpy(prog->comments, p.lex.comments.p, prog->n_comments * sizeof(struct comment));
	vec_free(&p.lex.comments);
	*out = prog;
	return p.failed || p.lex.failed ? -EINVAL : 0;
}

void bt_free(struct bt_program *p)
{
	if (!p)
		return;
	arena_free(&p->arena);
	free(p);
}

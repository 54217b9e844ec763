/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/lex.h - the source as tokens, one ahead of the parser. */
#pragma once
#include "base/vec.h"
#include "lang/bt/ast.h"

enum tok {
	TOK_END,
	TOK_BAD,        /* reported already */
	TOK_NAME,       /* identifier or keyword */
	TOK_INT,
	TOK_STR,
	TOK_VAR,        /* $x */
	TOK_PARAM,      /* $1, $# */
	TOK_MAP,        /* @x, @ */
	TOK_OP,         /* op: a binary or unary operator */
	TOK_ASSIGN,     /* = or op= */
	TOK_INC, TOK_DEC,
	TOK_ARROW, TOK_DOT, TOK_RANGE, /* -> . .. */
	TOK_COMMA, TOK_SEMI, TOK_COLON, TOK_QUESTION,
	TOK_LPAREN, TOK_RPAREN, TOK_LBRACE, TOK_RBRACE, TOK_LBRACKET, TOK_RBRACKET,
	TOK_HASH,
};

struct token {
	enum tok kind;
	struct span at;
	u32 op;            /* enum bt_op, of OP and ASSIGN */
	const char *text;  /* NAME, VAR, MAP, STR (escapes resolved) */
	u64 value;         /* INT, PARAM */
	bool after_blank;  /* white space or a comment stands before it */
};

struct lexer {
	struct bt_program *p;
	struct diag *dg;
	u32 off;
	VEC(struct comment) comments;
	u32 reported;      /* what lies before was complained about: the parser may come back to it */
	bool failed;
};

/* The token at l->off, which then stands behind it. */
struct token lex_next(struct lexer *l);
/* Skips white space and comments, keeping the latter. */
void lex_skip(struct lexer *l);
/* The end of the comment that begins at off; off where none does. */
u32 lex_comment_end(const struct lexer *l, u32 off);
/* Is the '/' at off the end of a predicate: what follows, but for blanks and comments, is '{'? */
bool lex_ends_predicate(const struct lexer *l, u32 off);
const char *tok_text(enum tok kind);

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/parse.h - what the parser's files share.
 *
 *	parse.c       the program: preamble, settings, probes
 *	parse_stmt.c  statements and blocks
 *	parse_expr.c  expressions and types
 *
 * A function that parses something returns its node, NODE_BAD after a mistake; it never returns NULL.
 * Reporting happens once: from a mistake until skip_to() the parser is quiet.
 */
#pragma once
#include "lang/bt/lex.h"

enum { NEST_MAX = 200, HEIGHT_MAX = 1000 };

struct parser {
	struct bt_program *prog;
	struct diag *dg;
	struct lexer lex;
	struct token t;        /* the next token */
	u32 prev_end;          /* where the one before ended */
	u32 depth;
	bool in_predicate;     /* a '/' before '{' ends it */
	bool quiet;            /* a mistake was reported and not yet skipped */
	bool failed;
};

struct parser_mark {
	struct token t;
	u32 off, prev_end, n_comments;
};

void advance(struct parser *p);
bool is_tok(const struct parser *p, enum tok kind);
bool is_word(const struct parser *p, const char *word);
bool is_op(const struct parser *p, enum bt_op op);
bool accept(struct parser *p, enum tok kind);
bool accept_word(struct parser *p, const char *word);
/* Reports what is there instead and acts as if it were there. */
void expect(struct parser *p, enum tok kind);
void mistake(struct parser *p, struct span at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
struct parser_mark parser_mark(const struct parser *p);
void parser_back(struct parser *p, const struct parser_mark *m);
/* To a ';' or '}' of this block, which stays. */
void skip_statement(struct parser *p);

struct node *node_new(struct parser *p, enum node_kind kind, struct span at);
struct node *node_text(struct parser *p, enum node_kind kind, const struct token *t);
void node_add(struct node *parent, struct node *kid);
struct node *node_end(struct parser *p, struct node *n); /* ends at the last token; returns n */
/* False, and a mistake, when nested too deeply; else leave() must follow. */
bool enter(struct parser *p);
void leave(struct parser *p);

struct node *parse_block(struct parser *p);
struct node *parse_if(struct parser *p);
struct node *parse_expr(struct parser *p);
struct node *parse_call_args(struct parser *p, struct node *call);
struct node *parse_type(struct parser *p);
bool starts_type(struct parser *p);

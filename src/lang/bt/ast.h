/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/ast.h - a script as a tree.
 *
 * One struct for every kind of node; node.def says what each has.  Text is the source's, in the arena of
 * the program.  Nothing is checked but the grammar: names, types and numbers of arguments are for
 * the phases after it.
 */
#pragma once
#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"

enum node_kind {
#define NODE(name, text) NODE_##name,
#include "lang/bt/node.def"
#undef NODE
};

/* A stretch of the source, [from, to) in bytes. */
struct span {
	u32 from, to;
};

struct stype;
struct stype_field;
struct bt_func;
struct bt_var;
struct bt_map;

struct node {
	enum node_kind kind;
	u32 op;              /* enum bt_op */
	struct span at;
	const char *text;    /* "" where it has none */
	const char *raw;     /* of STR: as written, with its quotes */
	u64 value;
	u32 height;          /* of the tree below, as the parser built it */
	struct node *kids, *last; /* first and last child */
	struct node *next;   /* of the same parent */

	/* What the check finds (lang/bt/check.h); not there before. */
	const struct stype *type; /* of an expression */
	union {
		const struct bt_func *func;       /* CALL, NAME of a builtin */
		struct bt_var *var;               /* VAR, LET, the VAR of a FOR */
		struct bt_map *map;               /* MAP */
		const struct stype_field *field;  /* FIELD */
	};
	bool is_const;       /* an integer known now: konst */
	s64 konst;
	const char *str;     /* a string known now (a literal, a parameter), else NULL */
	u32 action;          /* CALL: script->actions index + 1; 0: none */
};

/* Operators, by the letters that write them. */
enum bt_op {
	BT_NONE,
#define OPERATOR(name, text, level) BT_##name,
#include "lang/bt/operator.def"
#undef OPERATOR
};

struct comment {
	struct span at;
	bool own_line;       /* nothing stands before it on its line */
};

/* A file that was imported: its text follows the script's own. */
struct bt_source {
	const char *file;
	u32 from;            /* where it begins in text */
};

struct bt_program {
	struct arena arena;
	const char *file;    /* for messages */
	const char *text;    /* the source, NUL-terminated, in the arena */
	u32 len;
	struct bt_source *imports; /* in order of from, in the arena */
	u32 n_imports;
	struct node *root;   /* PROGRAM; never NULL */
	struct comment *comments; /* in order, in the arena */
	u32 n_comments;
};

const char *bt_op_text(u32 op);
/* How tightly it binds: a higher level binds tighter; 0: no binary operator. */
u32 bt_op_level(u32 op);
const char *node_kind_text(enum node_kind k);

/* The file that a byte of the source is in, and where that file begins. */
const char *bt_file(const struct bt_program *p, u32 off, u32 *from);
/* Line and column (from 1) of a byte of the source. */
void bt_place(const struct bt_program *p, u32 off, struct place *out);

/* Reports a mistake over a stretch of the source: the message, then the line with the stretch marked, as
 * notes.  Returns err. */
int bt_error(const struct bt_program *p, struct diag *dg, struct span at, int err, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Parses a script.  Goes on after mistakes, so that all are reported: -EINVAL when there was one; *out is
 * set even then, with NODE_BAD where they were.  -E2BIG past 1 MiB. */
int bt_parse(const char *text, size_t len, const char *file, struct diag *dg, struct bt_program **out);
void bt_free(struct bt_program *p);

/* The tree, one node a line, for --dump=ast. */
void bt_print(const struct bt_program *p, struct str *out);
/* The script in Osmia's layout: tabs, one statement a line, comments kept. */
void bt_format(const struct bt_program *p, struct str *out);

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/check_inner.h - what the files of the check share with each other only. */
#pragma once
#include "lang/bt/check.h"

/* ---- check_node.c ---- */
/* A mistake that ends the check: too much of something. */
void sema_fatal(struct sema *s, const struct node *at, const char *what, u32 most);
/* The nearest of the names it was shown: best is NULL when none is near. */
struct near_name {
	const char *name, *best;
	u32 distance;
};
struct near_name near_begin(const char *name);
void near_try(struct near_name *n, const char *candidate);
void near_hint(struct sema *s, const struct near_name *n);

/* ---- check_type.c ---- */
bool sema_is_int(const struct stype *t);          /* INT, BOOL, ENUM */
bool sema_is_number_agg(const struct stype *t);   /* COUNT, SUM, MIN, MAX, AVG */
/* What such an aggregation is as a value; else t. */
const struct stype *sema_read_type(const struct stype *t);
const struct stype *sema_literal_type(const struct sema *s, u64 v, bool negative);
bool sema_int_holds(const struct stype *t, s64 v, bool is_unsigned);
/* The type of what stands in typeof(), sizeof(): NULL when it is not known (yet). */
const struct stype *sema_typeof(struct sema *s, struct node *n);

/* ---- check_expr.c ---- */
/* The type of an expression whose mistake was told, or that will be known in a later pass: fits
 * everywhere.  No other object of kind ST_NONE is a node's type after sema_expr(). */
const struct stype *sema_unknown(void);
static inline bool sema_is_known(const struct stype *t) { return t->kind != ST_NONE; }
/* Is the NAME a builtin, a constant or the like (and no type)? */
bool sema_is_value_name(struct sema *s, const struct node *n);
/* Keeps its place among its siblings. */
void sema_become(struct node *n, const struct node *with);
void sema_become_int(struct sema *s, struct node *n, u64 v, bool negative);
void sema_become_str(struct node *n, const char *text);
/* A condition: an integer, a pointer; a string that is a literal. */
void sema_condition(struct sema *s, struct node *n, const char *of);
/* Why the expression itself has no value: "printf() has no value", NULL: it has one, or what is in
 * it was told of.
 * sema_expr() tells it but of s->discard and s->assigned. */
const char *sema_without_value(struct sema *s, const struct node *n);

/* ---- check_op.c ---- */
void sema_unary(struct sema *s, struct node *n);
void sema_binary(struct sema *s, struct node *n);
/* The type of `left op right`; NULL and a mistake. */
const struct stype *sema_binary_type(struct sema *s, struct node *at, u32 op, struct node *left,
				     struct node *right);

/* ---- check_field.c ---- */
void sema_field(struct sema *s, struct node *n);
void sema_index(struct sema *s, struct node *n);
void sema_offsetof(struct sema *s, struct node *n);
/* What memory an expression of a STRUCT or ARRAY lies in. */
enum stype_space sema_space(struct sema *s, const struct node *n);
enum stype_space sema_probe_space(const struct sema *s);

/* ---- check_cast.c ---- */
void sema_cast(struct sema *s, struct node *n);

/* ---- check_stmt.c ---- */
/* A block's statements, in a scope of their own; its type is its value's where it is one. */
void sema_block(struct sema *s, struct node *n, bool is_value);
void sema_if(struct sema *s, struct node *n, bool is_value);
struct bt_var *sema_var_find(struct sema *s, const char *name);
void sema_body(struct sema *s, struct node *block);          /* of a program or fn */
struct bt_var *sema_var_new(struct sema *s, struct node *var, struct node *decl);
void sema_var_type(struct sema *s, struct bt_var *v, struct node *at, struct node *value,
		   const struct stype *type);

/* ---- check_map.c ---- */
/* The map of that name, made when it is new. */
struct bt_map *sema_map_make(struct sema *s, const char *name, struct span at);
void sema_map_access(struct sema *s, struct node *n); /* NODE_MAP as a value or on the left */
void sema_map_decls(struct sema *s);
void sema_maps_default(struct sema *s);                      /* what no pass could find out */
/* Before the last pass: types for all, and the script's maps in order of names; behind it: those
 * that are read only. */
void sema_maps_done(struct sema *s);
void sema_maps_missing(struct sema *s);

/* ---- settings.c ---- */
/* Settings by their defaults, config blocks, then BPFTRACE_ variables. */
int bt_settings_load(struct sema *s);
/* The setting of that name: false, there is none. */
bool bt_setting_get(struct sema *s, const char *name, struct bt_setting_value *out);

/* ---- expand_*.c ---- */
void expand_imports(struct sema *s);      /* puts the files' nodes in the IMPORTs' places */
void expand_c(struct sema *s);            /* the C part, into s->ctypes */
void expand_macros(struct sema *s);
void expand_params(struct sema *s);       /* $1, $#, #defines as expressions */
/* A copy in the program's arena, texts too: of another program's tree.  Spans move by `by`, or
 * become `to`. */
struct node *expand_adopt(struct bt_program *p, const struct node *n, u32 by,
			  const struct span *to);
enum { EXPAND_DEPTH_MAX = 1500, EXPAND_NODES_MAX = 200000 };

/* ---- check_dump.c ---- */
void bt_print_types(struct sema *s, struct str *out);

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/check.h - names and types of a script.
 *
 *	expand*.c      imports, macros, parameters, the C part: before everything else
 *	settings.c     config blocks and BPFTRACE_ variables
 *	check.c        functions and programs, in passes until no type changes; the last one reports
 *	check_stmt.c   statements, scopes, variables
 *	check_expr.c   expressions; check_op.c operators, check_field.c fields, check_cast.c casts
 *	check_type.c   types by name, what two have in common
 *	check_map.c    maps: key and value types
 *	check_node.c   mistakes, literals, actions
 *	fn_*.c         functions (func.h)
 *
 * Types of maps and variables may be known late (a map is read in one probe and written in a later
 * one), so all programs are checked again and again: sema_error() speaks in the last pass only.
 * Every expression has a type after that pass; after a mistake it is stype_none(), which fits
 * everywhere and is reported nowhere.
 */
#pragma once
#include "base/vec.h"
#include "btf/btf.h"
#include "lang/bt/compile.h"
#include "obj/stype.h"

struct bt_probe;
struct ctypes;

/* The call that a macro's body stands for. */
struct sema_call {
	struct sema_call *up;
	const char *macro;
	struct span at;
};

struct bt_var {
	const char *name;           /* "$x" */
	const struct stype *type;   /* NULL: not known yet */
	struct node *decl;          /* where it begins: LET, ASSIGN or FOR */
	struct node *fn;            /* the FOR (callback) that it belongs to, NULL: the program */
	bool is_fixed;              /* its type was declared */
	bool is_captured;           /* used in the block of a FOR in its scope: lives in memory */
	bool is_read_only;          /* loop variables */
	bool is_set;                /* something was assigned to it */
	u32 id;                     /* unique in the program */
	void *emit;                 /* emit/'s: where it lies */
};

struct bt_map {
	const char *name;           /* "@x" */
	const struct stype *key;    /* NULL: not known yet; stype_none(): scalar */
	const struct stype *value;
	struct node *decl;          /* MAP_DECL; NULL */
	struct span at;             /* first use */
	u32 bpf_type, max_entries;  /* 0: chosen by value and key */
	bool is_fixed;              /* key and value were declared */
	bool is_default;            /* nothing is assigned to it: its value's type is a guess */
	bool is_doubtful;           /* something is, but of what type is not known */
	bool is_missing;            /* neither: a mistake */
	u32 script_map;             /* script->maps index */
	u32 ir_map;                 /* mod->maps index, set by emit */
};

/* Settings: config blocks, BPFTRACE_ variables; settings.def has names, kinds and defaults. */
struct bt_settings {
	const char *license, *str_trunc_trailer;
	u64 log_size, max_bpf_progs, max_cat_bytes, max_map_keys, max_probes, max_strlen,
		on_stack_limit, perf_rb_pages, max_type_passes;
	u32 missing_probes;         /* 0 error, 1 warn, 2 ignore */
	u32 stack_mode;             /* enum stack_mode */
	bool cpp_demangle, lazy_symbolication, print_maps_on_exit, show_debug_info, user_symbols,
		unstable_tseries, unstable_dw_ustack;
	u32 cache_user_symbols;
};

/* A setting as the script reads it, config.NAME. */
struct bt_setting_value {
	const char *name;
	const char *text;           /* NULL: a number */
	u64 number;
	bool is_bool;
};
/* The nth: false past the end. */
bool bt_setting_at(const struct bt_settings *set, u32 i, struct bt_setting_value *out);

struct sema {
	struct bt_program *prog;    /* nodes and texts live in its arena */
	const struct bt_world *w;
	const struct bt_opts *opts;
	struct diag *dg;
	struct script *script;      /* in the making: types live in its arena */
	struct bt_settings set;
	struct ctypes *ctypes;      /* structs, enums, constants of the C part and its includes */
	VEC(struct bt_probe *) probes;
	u32 n_unsupported;          /* mistakes that are the engine's: no such kind of probe */
	u32 searched;               /* for places of probes, in looks: probe_find.c has the limit */
	VEC(struct bt_map *) maps;
	VEC(struct bt_var *) vars;  /* in scope, innermost last */
	VEC(struct node *) fns;     /* FN nodes */

	struct bt_probe *probe;     /* checked now; NULL: a fn */
	struct node *loop;          /* innermost FOR that is a callback; NULL: none */
	u32 loops;                  /* nesting of all loops */
	bool final;                 /* the pass that reports */
	bool changed;               /* a type became known or wider */
	bool failed;
	bool mute;                  /* the last mistake was not shown: hints to it neither */

	struct node *fn;            /* FN checked now; NULL: a program */
	const struct stype *fn_type; /* its return type */
	const struct node *discard; /* what needs no value */
	const struct node *assigned; /* what needs one: the assignment tells of it */
	struct node *agg;           /* the call that may be count() or the like: right of "@x =" */
	u32 n_vars;                 /* for ids */
	u32 asking;                 /* inside of sizeof, typeof: nothing is read */
	u32 dead;                   /* branches around that are never taken: no claims there */
	u32 depth;                  /* of expressions and statements */
	u64 repeat;                 /* how often unroll emits what is checked now */
	u64 weight;                 /* nodes that will be emitted */
	bool deciding;              /* types have settled: `if comptime` can be decided */
	struct sema_call *calls;    /* macros that what is checked now came from, innermost first */
	bool too_big;               /* and that was said */
	bool fatal;                 /* looking further makes no sense */
};

/* ---- for functions ---- */
#define sema_types(s) (&(s)->script->arena)   /* where stype_*() puts types */
bool sema_compat17(const struct sema *s);

/* Checks an expression; its type is in n->type after.  Returns it; never NULL. */
const struct stype *sema_expr(struct sema *s, struct node *n);
/* Reports (last pass only) with place, source line and marks. */
void sema_error(struct sema *s, const struct node *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void sema_warn(struct sema *s, const struct node *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A hint behind the error before. */
void sema_hint(struct sema *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
u32 node_n_kids(const struct node *n);
struct node *node_kid(const struct node *n, u32 i);          /* NULL past the end */
/* Literal strings, parameters in string context: the text, or NULL and a mistake ("... must be a
 * string literal"). */
const char *sema_literal_str(struct sema *s, struct node *n, const char *what);
/* Integer known now: true, or false and a mistake. */
bool sema_literal_int(struct sema *s, struct node *n, const char *what, s64 *out);
/* Is it an integer (INT, BOOL, ENUM, or PTR when ptr_too)?  Else a mistake: "expected an
 * integer, not string". */
bool sema_want_int(struct sema *s, struct node *n, bool ptr_too);
/* n is `@x` without key where the map itself is meant: the map (made when new), or NULL and a
 * mistake. */
struct bt_map *sema_map_arg(struct sema *s, struct node *n);
struct bt_map *sema_map_find(struct sema *s, const char *name);    /* NULL: none */
/* Types a map's key, its value: widened where both fit, else a mistake. */
void sema_map_key(struct sema *s, struct bt_map *m, struct node *at, const struct stype *key);
void sema_map_value(struct sema *s, struct bt_map *m, struct node *at, const struct stype *value);
/* The type that a and b have in common (promotion, longer string): NULL, none. */
const struct stype *sema_common(struct sema *s, const struct stype *a, const struct stype *b);
/* May a value of `from` be put where `to` is?  Same kind and not narrower, strings of other
 * lengths, tuples by element. */
bool sema_fits(struct sema *s, const struct stype *from, const struct stype *to);
/* The action of a call: made in the last pass, else NULL.  n->action is set. */
struct script_action *sema_action(struct sema *s, struct node *n, enum script_action_kind kind);
/* Its arguments' tuple: offsets from the record's start. */
const struct stype *sema_record(struct sema *s, const struct stype *const *types, u32 n);
/* A type by name as a cast says it ("struct task_struct", "uint64"), from DWARF of the probe's
 * binary, too: NULL, none. */
const struct stype *sema_type_find(struct sema *s, const char *name);
/* The type of a TYPE node; NULL and a mistake. */
const struct stype *sema_type(struct sema *s, struct node *n);
/* An enumerator or constant of the C part, of includes or of BTF. */
bool sema_constant(struct sema *s, const char *name, s64 *v, const struct stype **type);
/* The struct behind a pointer or a forward declaration, with its members read in. */
const struct stype *sema_complete(struct sema *s, const struct stype *t);
struct node *node_clone(struct bt_program *p, const struct node *n);

/* ---- phases ---- */
int bt_expand(struct sema *s);        /* expand.c */
int bt_check(struct sema *s);         /* check.c: after bt_probes() */

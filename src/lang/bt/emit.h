/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/emit.h - a checked script as IR.
 *
 *	emit.c        module, programs, predicates, the pid filter, the object at the end
 *	emit_stmt.c   statements, loops (callbacks of bpf_loop, bpf_for_each_map_elem), variables
 *	emit_call.c   functions of the script (fn), calls of them
 *	emit_expr.c   expressions, operators, casts
 *	emit_compare.c comparisons
 *	emit_mem.c    values in memory: copies, fields, strings, reads of other memory
 *	emit_scratch.c temporaries, large values, constants
 *	emit_map.c    maps: keys, lookups, updates
 *	emit_agg.c    aggregations
 *	emit_btf.c    types of maps
 *	emit_error.c  what fails while the script runs
 *	emit_ring.c   records for user space
 *	fn_*.c        functions (func.h)
 *
 * A scalar is an i64 value, extended by its type's sign.  Everything else is the address of its bytes:
 * type->size of them (a string or buffer may have rubbish behind its end, unless it is part of a key).
 * Where those bytes lie is the address's space: what the program can't read directly is copied by a
 * probe read when it is needed (emit_direct()).
 */
#pragma once
#include "ir/ir.h"
#include "lang/bt/check.h"

struct rv {
	const struct stype *type;
	struct val *v;          /* NULL: no value */
};
#define RV_NONE ((struct rv){ 0 })

struct emit {
	struct sema *s;
	struct mod *m;
	struct diag *dg;
	struct bt_probe *probe;     /* NULL: in a fn */
	struct fn *fn;
	struct blk *b;              /* where code goes; never ended */
	struct val *ctx;            /* the program's context; in callbacks loaded from the captured frame */
	struct emit_scratch *scratch; /* emit_mem.c */
	struct emit_frame *frame;   /* emit_stmt.c: variables, captures, where break and return go */
	u32 events_map, counts_map; /* mod->maps; UINT32_MAX: not used yet */
	bool failed;
};

/* ---- expressions ---- */
struct rv emit_expr(struct emit *e, const struct node *n);
/* The scalar value of an expression, an i64. */
struct val *emit_scalar(struct emit *e, const struct node *n);
/* The value of an expression as `type`, at address `to` (writable, direct), type->size bytes, padding and what is
 * behind strings zeroed when clean. */
void emit_to(struct emit *e, const struct node *n, const struct stype *type, struct val *to, s64 off, bool clean);
/* The same for a value at hand. */
void emit_store(struct emit *e, struct rv v, const struct stype *type, struct val *to, s64 off, bool clean);
void emit_stmt(struct emit *e, const struct node *n);
/* Leaves the program (or fn) from here, out of all loops, too; v NULL: 0.  Code that follows is never reached. */
void emit_return(struct emit *e, struct val *v);

/* ---- pieces ---- */
struct val *emit_i64(struct emit *e, s64 v);
struct val *emit_ptr(struct emit *e, struct val *i64, enum ir_space space);   /* inttoptr */
struct val *emit_int(struct emit *e, struct val *ptr);                        /* ptrtoint */
/* Narrowed to a type's width and extended again to i64 by its sign. */
struct val *emit_narrow(struct emit *e, struct val *i64, const struct stype *type);
/* Loads a scalar of a type, as an i64, from address + off, by whatever read its space wants. */
struct val *emit_load(struct emit *e, const struct stype *type, struct val *p, s64 off);
/* Helper call, BPF_FUNC_ number; returns i64 (emit_helper_ptr: a pointer of that space). */
struct val *emit_helper(struct emit *e, u32 id, u32 n, struct val *const *args);
struct val *emit_helper_ptr(struct emit *e, u32 id, enum ir_space space, u32 n, struct val *const *args);
#define emit_call(e, id, ...) \
	emit_helper(e, id, sizeof((struct val *[]){ __VA_ARGS__ }) / sizeof(struct val *), \
		    (struct val *[]){ __VA_ARGS__ })
/* if (cond) { .. } [else { .. }]: begin, [otherwise], end nest. */
struct emit_if { struct blk *no, *join; };
struct emit_if emit_if(struct emit *e, struct val *cond);   /* i1; code goes to the then side */
void emit_else(struct emit *e, struct emit_if *f);
void emit_endif(struct emit *e, struct emit_if *f);
struct val *emit_is_null(struct emit *e, struct val *ptr);  /* i1 */

/* ---- memory ---- */
/* Memory for a value until the statement's end: the stack for little ones (on_stack_limit), else the program's per-CPU
 * scratch.  Direct and writable; not zeroed. */
struct val *emit_temp(struct emit *e, u32 bytes);
/* The same until the program's end, the same memory each time around a loop. */
struct val *emit_slot(struct emit *e, u32 bytes);
/* The value's bytes where they can be read directly: copied to a temp when they can't. */
struct val *emit_direct(struct emit *e, struct rv v);
/* Memory that holds constant bytes (a string literal): .rodata or built on the stack. */
struct val *emit_bytes(struct emit *e, const void *data, u32 n);
/* dst <- n bytes of another memory by space of src; on a fault zeroes, and counts.  emit_read_str: a string; its length with the NUL. */
struct val *emit_read(struct emit *e, struct val *dst, u32 n, struct val *src);
struct val *emit_read_str(struct emit *e, struct val *dst, struct val *n, struct val *src);
/* The IR space for pointers of a type. */
enum ir_space emit_space(struct emit *e, const struct stype *ptr_type);

/* ---- maps ---- */
/* The address of the key of @m[...] (NODE_MAP): direct, clean, m->key->size bytes. */
struct val *emit_key(struct emit *e, const struct node *n);
/* MAP's address for a helper. */
struct val *emit_map_ref(struct emit *e, const struct bt_map *m);
struct val *emit_map_lookup(struct emit *e, const struct bt_map *m, struct val *key);  /* SPACE_MAP_VALUE or null */
/* Counts COUNT_MAP_FULL when it fails; returns what the helper does. */
struct val *emit_map_update(struct emit *e, const struct bt_map *m, struct val *key, struct val *value);
/* This CPU's share of an aggregation, made when it is not there; code then goes where it is not null. NODE_MAP n. */
struct val *emit_agg_value(struct emit *e, const struct node *map, struct emit_if *f);
/* The whole of an aggregation, all CPUs' shares: count, sum, min, max, avg as a scalar. */
struct val *emit_agg_read(struct emit *e, const struct bt_map *m, struct val *key);
/* @x = count() and the like: the call is one of func.def's V functions. */
void emit_agg(struct emit *e, const struct node *map, const struct node *call);

/* ---- records for user space ---- */
struct emit_record {
	struct val *p;          /* the record; null-checked */
	struct emit_if there;
};
/* Reserves a record for the node's action, header filled in; without room the loss is counted and what
 * follows up to emit_record_end() is passed over. */
struct emit_record emit_record_begin(struct emit *e, const struct node *call);
/* The same of exit(): where the ring is full user space learns of it by a count. */
struct emit_record emit_record_exit(struct emit *e, const struct node *call, struct val *status);
void emit_record_end(struct emit *e, struct emit_record *r);
/* Begin, the arguments from `first` on by the action's tuple, end. */
void emit_action(struct emit *e, const struct node *call, const struct node *first);
/* One more in the per-CPU counts. */
void emit_count(struct emit *e, enum script_count c);

/* ---- the phase ---- */
/* All programs as a module; mod_free() is the caller's. */
int bt_emit(struct sema *s, struct diag *dg, struct mod **out);

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/emit_unit.h - what emission keeps of a program and of each of its functions.
 *
 *	unit ── scratch        its per-CPU memory: slots, then temporaries, each a row of chunks
 *	     ── frames         its functions: the program (or fn) itself and the callbacks of its loops
 *	          shared       one struct on the program's stack, which every callback is given:
 *
 *	               0  ctx
 *	               8  1: leave the program, as soon as every loop has ended
 *	              16  what the program returns then
 *	              24  captured variables
 */
#pragma once
#include "lang/bt/emit.h"
#include "lang/bt/probe.h"

/* Most of one entry of a per-CPU array; kernel/bpf/arraymap.c, PCPU_MIN_UNIT_SIZE. */
enum { SCRATCH_CHUNK = 32768, SCRATCH_CHUNKS_MAX = 64 };

enum { SHARED_CTX = 0, SHARED_LEFT = 8, SHARED_RESULT = 16, SHARED_VARS = 24 };
enum { STACK_BYTES_SHARED = 96 };   /* captured scalars past this lie in scratch */

enum scratch_region { REGION_SLOTS, REGION_TEMPS, N_REGIONS };

/* Where in a function the bases of chunks are needed: stand-ins until the unit is complete. */
struct emit_base {
	enum scratch_region region;
	u32 chunk;
	struct val *v;
};

/* A piece of the stack that statements use one after the other. */
struct emit_piece {
	struct val *alloca;
	u32 bytes;
	bool used;
};

/* Where break and continue go, and what ends a loop. */
struct emit_loop {
	struct emit_loop *up;       /* in the same function */
	struct blk *next, *end;     /* NULL: a callback, which returns 0 or 1 */
};

struct emit_frame {
	struct emit_frame *up;      /* of the function around a callback */
	struct fn *fn;
	struct blk *init, *body;    /* behind the prologue: what the function begins with, the rest */
	struct val *shared;         /* address of the shared struct */
	struct emit_loop *loop;
	const struct stype *ret;    /* of a fn; NULL: a program or a callback */
	bool leaves;                /* a callback: it may leave the program */
	u32 depth;                  /* of callbacks */
	u32 n_scalars;              /* variables that are values */
	u32 stack_left;             /* bytes that variables and temporaries may still take */
	VEC(struct emit_piece) pieces;
	VEC(struct emit_base) bases;
};

struct emit_row {
	u32 used;                   /* of all its chunks, as if they were one */
	u32 peak[SCRATCH_CHUNKS_MAX];
	u32 n_chunks;
};

struct emit_scratch {
	struct emit_row rows[N_REGIONS];
	VEC(struct emit_frame *) frames; /* of this unit, in the module's arena */
	struct val *shared;         /* the alloca in the program; its size grows */
	u32 shared_bytes;
	const struct node *at;      /* whose code it is now */
	/* of the module */
	u32 map, n_entries, value_size;
	u32 entry_of_events, entry_of_user; /* + 1; shared by programs; 0: not there yet */
	u32 rodata, zeros;          /* mod->maps; UINT32_MAX: none */
	VEC(u8) rodata_bytes;
	u32 zeros_bytes;
	VEC(u32) line_starts;
	VEC(struct emit_sub) subs;
	struct fn *reporter;        /* emit_error.c; NULL: not used yet */
	bool reports;               /* it sends actions, too */
	u32 btf_ints[2][4];         /* by sign and size; 0: not there yet */
};

/* A fn of the script. */
struct emit_sub {
	const struct node *node;
	struct fn *fn;
};

/* Where a variable lies. */
struct emit_var {
	enum { VAR_ALLOCA, VAR_SHARED, VAR_SCRATCH } place;
	struct val *alloca;
	struct fn *fn;              /* that the alloca is in */
	u32 off;
};

/* ---- emit.c ---- */
/* A function of the unit: code goes into its body after.  emit_fn_end() goes back to the one around. */
struct emit_frame *emit_fn_begin(struct emit *e, struct fn *fn);
void emit_fn_end(struct emit *e);
/* Code from here on is that node's: lines for the verifier, places of errors at run time.  emit_back() goes
 * back to what was before. */
struct emit_at { u32 line; const struct node *node; };
struct emit_at emit_at(struct emit *e, const struct node *n);
void emit_back(struct emit *e, struct emit_at was);
/* ends e->b; what follows is never reached */
void emit_goto(struct emit *e, struct blk *to);
void emit_dead(struct emit *e);
int emit_fail(struct emit *e, const struct node *at, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* ---- emit_error.c ---- */
/* A helper failed, ret < 0: counts it (COUNT_HOWMANY: not), and sends a word to user space where such are wanted. */
void emit_failed(struct emit *e, enum script_count c, u32 helper, struct val *ret);
/* An element that n reads is not there: told where that was asked for. */
void emit_no_element(struct emit *e, const struct node *n);
/* As emit_failed(), if ret < 0. */
void emit_check(struct emit *e, u32 helper, struct val *ret);
/* Tells of a mistake of the running script. */
void emit_runtime_error(struct emit *e, const struct node *n, const char *text);
void emit_reporter(struct emit *e);            /* the function that does it, where it is used */

/* ---- emit_ring.c ---- */
u32 emit_events_map(struct emit *e);
void emit_count_at(struct emit *e, struct val *c);     /* the count that an i64 says */

/* ---- emit_scratch.c ---- */
void scratch_begin(struct emit *e);            /* a new unit */
void scratch_end(struct emit *e);              /* bases become lookups */
void scratch_finish(struct emit *e);           /* maps of the module */
void scratch_free(struct emit *e);
struct emit_mark { u32 temps; u64 pieces; };
struct emit_mark scratch_mark(struct emit *e); /* temporaries from here on .. */
void scratch_release(struct emit *e, struct emit_mark m); /* .. are free again */
/* Offset in the row of slots; its address in the current function. */
u32 scratch_slot(struct emit *e, u32 bytes);
struct val *scratch_temp(struct emit *e, u32 bytes); /* never on the stack */
struct val *scratch_addr(struct emit *e, enum scratch_region r, u32 off);
struct val *emit_zeros(struct emit *e, u32 bytes); /* read-only zeroes */

/* ---- emit_mem.c ---- */
bool emit_is_direct(enum ir_space s);          /* may helpers read it as memory? */
struct val *emit_add(struct emit *e, struct val *p, s64 off);
/* emit_read() of as many bytes as an i64 says, by a helper whatever memory it is. */
struct val *emit_read_some(struct emit *e, struct val *dst, struct val *n, struct val *src);
void emit_zero(struct emit *e, struct val *p, u32 bytes);
void emit_copy(struct emit *e, struct val *to, struct val *from, u32 bytes);
/* How clean the memory is that a value is put into. */
enum emit_how { PUT_PLAIN, PUT_CLEAN, PUT_ZEROED };
void emit_put(struct emit *e, struct rv v, const struct stype *type, struct val *to, enum emit_how how);
void emit_put_node(struct emit *e, const struct node *n, const struct stype *type, struct val *to,
		   enum emit_how how);
struct rv emit_field(struct emit *e, struct rv of, const struct stype_field *f, const struct stype *type);

/* ---- emit_call.c ---- */
/* The functions of the script: declared first, so that they may call each other. */
void emit_fns(struct emit *e);
struct rv emit_fn_call(struct emit *e, const struct node *n);

/* ---- emit_expr.c ---- */
struct val *emit_arith(struct emit *e, const struct node *n, u32 op, struct val *x, struct val *y);
struct rv emit_if_value(struct emit *e, const struct node *n);
/* Goes to yes where n holds, else to no; code then goes nowhere. */
void emit_branch(struct emit *e, const struct node *n, struct blk *yes, struct blk *no);
struct val *emit_is_true(struct emit *e, const struct node *n);  /* i1 */
struct val *emit_bin(struct emit *e, enum ir_op op, struct val *x, struct val *y);
struct val *emit_bin_imm(struct emit *e, enum ir_op op, struct val *x, s64 y);
struct val *emit_cmp_imm(struct emit *e, enum ir_op op, struct val *x, s64 y);

/* ---- emit_compare.c ---- */
bool emit_is_comparison(const struct node *n);
struct val *emit_comparison(struct emit *e, const struct node *n); /* i1 */
struct val *emit_compare(struct emit *e, struct rv a, struct rv b);  /* i1: they differ */

/* ---- emit_stmt.c ---- */
struct rv emit_block(struct emit *e, const struct node *block);     /* its last expression's value */
void emit_scalar_set(struct emit *e, struct bt_var *v, struct val *scalar);
struct val *emit_var_addr(struct emit *e, struct bt_var *v);
struct rv emit_var_get(struct emit *e, struct bt_var *v);
struct rv emit_increment(struct emit *e, const struct node *n);

/* ---- emit_btf.c ---- */
u32 emit_btf(struct emit *e, const struct stype *t);   /* the type in the module's BTF; 0: it can't be said */

/* ---- emit_map.c ---- */
void emit_maps(struct emit *e);  /* those of the script, into the module */
struct rv emit_map_get(struct emit *e, const struct node *n);
/* stmt: the ASSIGN */
void emit_map_set(struct emit *e, const struct node *n, const struct node *value, const struct node *stmt);
struct rv emit_map_increment(struct emit *e, const struct node *n);
struct val *emit_map_element(struct emit *e, const struct bt_map *m, struct val *key, struct val *first,
			     const struct node *reads);
/* A key that is one expression, as has_key() and the like have it; NULL: of a map without. */
struct val *emit_key_of(struct emit *e, const struct bt_map *m, const struct node *expr);
/* A value of the map at p as the script sees it; aggregations: over all CPUs by the key. */
struct rv emit_map_value(struct emit *e, const struct bt_map *m, struct val *key, struct val *p);

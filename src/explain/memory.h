/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/memory.h - values and memory of a trial (trial.h). */
#pragma once
#include "explain/trial.h"

enum shade_kind { SHADE_UNSET, SHADE_NUMBER, SHADE_POINTER };

/* What is known of a value beside its bits.  Of a pointer, expr is its offset in the object. */
struct shade {
	enum shade_kind kind;
	u32 expr;
	u32 object;         /* POINTER; 0: null */
	u32 null_expr;      /* not 0: it is null where this is not nought */
};

struct cell {               /* bytes that were stored */
	u32 off;
	u8 size;
	struct shade what;
};

enum object_kind { OBJECT_NULL, OBJECT_STACK, OBJECT_CTX, OBJECT_PACKET, OBJECT_VALUE, OBJECT_MEM,
		   OBJECT_KERNEL, OBJECT_MAP };

struct object {
	enum object_kind kind;
	u64 key, base;
	u32 base_expr;      /* where it lies is an input, too; of the stack it is not */
	u32 size;           /* what lies outside is a fault; UINT32_MAX: not known */
	u32 size_expr;      /* of the packet */
	s32 input;          /* what it holds at first; -1: see loaded() */
	s32 map;
	const u8 *known;    /* contents that are no input; NULL */
	VEC(struct cell) cells;
};

/* Is it known where it ends? */
static inline bool object_is_bounded(const struct object *o)
{
	return o->kind == OBJECT_STACK || o->kind == OBJECT_PACKET || o->kind == OBJECT_VALUE ||
	       o->kind == OBJECT_MEM;
}

struct memory {
	VEC(struct object) objects; /* [0] is null */
	struct exprs *e;
	u32 pc;             /* insn that runs: asks for what is new */
};

void memory_init(struct memory *m, struct exprs *e);
void memory_free(struct memory *m);
/* Index of the object with that key, made where new. */
u32 memory_object(struct memory *m, enum object_kind kind, u64 key, u32 size);
struct shade memory_load(struct memory *m, u32 object, s64 off, u32 size);
void memory_store(struct memory *m, u32 object, s64 off, u32 size, struct shade what);
/* The bytes have values that nobody knows: inputs of their own. */
void memory_fill(struct memory *m, u32 object, s64 off, u32 size, u64 key);
/* Bits of a value. */
u64 shade_bits(const struct memory *m, struct shade s);
static inline struct shade shade_number(u32 expr)
{
	return (struct shade){ .kind = SHADE_NUMBER, .expr = expr };
}
static inline struct shade shade_const(struct exprs *e, u64 v)
{
	return shade_number(expr_const(e, v));
}

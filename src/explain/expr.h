/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/expr.h - values as expressions over a program's inputs, and a search for inputs that make
 * conditions true.
 *
 * A node is made for each value that depends on an input; nodes refer to older ones only.  The search
 * takes a condition that does not hold, chooses a value for one of its sides that makes it hold, and
 * pushes that value down through the operations to the input bytes that it came from, inverting each on
 * the way (Niemetz, Preiner, Biere: "Propagation based local search for bit-precise reasoning", 2017).
 * It may fail to find what exists; what it finds, a run confirms.
 */
#pragma once
#include "base/vec.h"
#include "isa/insn.h"

/* What an input is, for people. */
enum input_kind {
	INPUT_CONTENT,      /* of memory */
	INPUT_CONTEXT, INPUT_PACKET, INPUT_VALUE,
	INPUT_LENGTH,       /* of the packet */
	INPUT_RESULT,       /* of a call or load */
	INPUT_NULL,         /* is the result null? */
	INPUT_WRITTEN,      /* what a call left in memory */
	INPUT_ADDRESS,      /* where memory lies: how far from where it would lie by itself */
	INPUT_TURNS,        /* how often a callback is called */
	INPUT_KIND_END,
};

/* Bytes that come from outside, known by what asked for them. */
struct input {
	u64 key;
	enum input_kind kind;
	u32 pc;             /* insn that asked first */
	u32 size;
	u32 at;             /* first byte in inputs.bytes */
};
struct inputs {
	VEC(struct input) list;
	VEC(u8) bytes;
};

enum node_kind { NODE_CONST, NODE_INPUT, NODE_ALU, NODE_PART, NODE_CMP };

struct node {
	enum node_kind kind;
	bool varies;        /* depends on an input */
	u8 size;            /* INPUT, PART: bytes */
	u8 shift;           /* PART: bits */
	struct insn op;     /* ALU: the insn; CMP: its code, a jump's */
	u32 a, b;           /* operands; ALU: destination and source */
	u32 input, off;     /* INPUT */
	u64 value;          /* under the present inputs */
};

/* The comparison a OP b must give want. */
struct cond {
	struct insn op;     /* a conditional jump's code */
	u32 a, b;
	bool want;
};

struct exprs {
	VEC(struct node) nodes; /* [0] is the constant 0 */
	VEC(struct cond) conds;
	u32 recent[256];        /* constants, by their low bits: nodes to use again */
	struct inputs *in;      /* borrowed */
	u64 seed;
};

void inputs_free(struct inputs *in);
/* Index of the input with that key, made of zeros where new (as large as asked for). -1: no memory. */
s32 inputs_get(struct inputs *in, u64 key, u32 size, enum input_kind kind, u32 pc);
static inline u8 *inputs_at(const struct inputs *in, u32 input)
{
	return in->bytes.p + in->list.p[input].at;
}

void exprs_free(struct exprs *e);
void exprs_clear(struct exprs *e);        /* for the next run */
u32 expr_const(struct exprs *e, u64 value);
u32 expr_input(struct exprs *e, u32 input, u32 off, u32 size);
/* Result of an ALU insn on two values; folded where neither varies. */
u32 expr_alu(struct exprs *e, const struct insn *op, u32 a, u32 b);
u32 expr_op64(struct exprs *e, enum alu_op op, u32 a, u32 b);
u32 expr_part(struct exprs *e, u32 a, u32 shift_bits, u32 size);
u32 expr_cmp(struct exprs *e, const struct insn *op, u32 a, u32 b); /* 0 or 1 */
static inline u64 expr_value(const struct exprs *e, u32 n)
{
	return e->nodes.p[n].value;
}
static inline bool expr_varies(const struct exprs *e, u32 n)
{
	return e->nodes.p[n].varies;
}
void expr_require(struct exprs *e, const struct insn *op, u32 a, u32 b, bool want);
/* A jump's code as an insn, for conditions of one's own: is64, register operand. */
static inline struct insn jump_op(enum jmp_op op)
{
	return (struct insn){ .code = (u8)((u32)op | SRC_X | CLS_JMP) };
}
/* Changes the inputs until every condition holds; tries: how often a value is pushed down. */
bool exprs_solve(struct exprs *e, u32 tries);

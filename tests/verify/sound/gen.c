/* SPDX-License-Identifier: BSD-2-Clause */
/* Random programs that a verifier has to think about: arithmetic near the ends of ranges, branches,
 * spills, accesses by computed offsets that are just inside or just outside, loops, functions.
 *
 * r6 is the context, r7 a map value, r8 a second one or the packet; r0 to r5 and r9 hold numbers, r10
 * the frame.  A statement leaves it so, whatever way through it is taken.
 */
#include "sound.h"
#include "abi/uapi.h"
#include "verify/load_check.h"
#define CHECK_EQ(a, b) ((void)((a) == (b))) /* no test program */
#include "exec/insns.h"

enum { ROOM = 400, VALUE_BYTES = 48, SLOTS = 8, SUBS_MAX = 2, TYPE_MAIN = 3, TYPE_FUNC = 4 };

struct gen {
	u64 rng;
	struct insn p[ROOM];
	u32 n;
	u32 depth;          /* of blocks */
	bool packet, skb, in_loop, in_sub;
	s16 data, data_end; /* of the packet, in the context */
	u32 calls[16], n_calls;         /* calls of functions, which is in imm */
	u32 callbacks[4], n_callbacks;  /* wide loads of the callback */
};

static u32 below(struct gen *g, u32 n)
{
	return rng_below(&g->rng, n);
}

static u32 put(struct gen *g, struct insn i)
{
	if (g->n < ROOM - 40)
		g->p[g->n++] = i;
	return g->n - 1;
}

/* Past the end of the body, where ROOM has been kept. */
static void put_end(struct gen *g, struct insn i)
{
	if (g->n < ROOM)
		g->p[g->n++] = i;
}

static void land(struct gen *g, u32 jump)
{
	g->p[jump].off = (s16)(g->n - jump - 1);
}

static u8 number(struct gen *g)
{
	static const u8 regs[] = { 0, 2, 3, 4, 5, 1, 9 };

	return regs[below(g, g->in_loop || g->in_sub ? 6 : 7)];
}

static s32 imm(struct gen *g)
{
	return below(g, 3) ? (s32)rng_value(&g->rng) : (s32)below(g, 64);
}

static u8 width(struct gen *g)
{
	static const u8 sizes[] = { SZ_B, SZ_H, SZ_W, SZ_DW };

	return sizes[below(g, 4)];
}

static void put_wide(struct gen *g, u8 dst, u8 src, u64 v)
{
	if (g->n + 1 >= ROOM - 40)
		return;
	put(g, I(CLS_LD | MODE_IMM | SZ_DW, dst, src, 0, v));
	put(g, I(0, 0, 0, 0, v >> 32));
}

static void alu(struct gen *g)
{
	static const u8 ops[] = { ALU_ADD, ALU_SUB, ALU_MUL, ALU_DIV, ALU_OR,  ALU_AND, ALU_LSH,
				  ALU_RSH, ALU_NEG, ALU_MOD, ALU_XOR, ALU_MOV, ALU_ARSH, ALU_END,
				  ALU_ADD, ALU_AND, ALU_MOV, ALU_RSH, ALU_ARSH };
	u8 op = ops[below(g, ARRAY_SIZE(ops))], cls = below(g, 3) ? CLS_ALU64 : CLS_ALU;
	bool is64 = cls == CLS_ALU64, x = below(g, 3) == 0;
	struct insn i = I(cls | op | (x ? SRC_X : SRC_K), number(g), x ? number(g) : 0, 0,
			  x ? 0 : imm(g));

	switch (op) {
	case ALU_NEG:
		i = I(cls | op, i.dst, 0, 0, 0);
		break;
	case ALU_END:
		i = I(cls | op | (is64 ? 0 : below(g, 2) * SRC_X), i.dst, 0, 0, 16 << below(g, 3));
		break;
	case ALU_MOV:
		if (x && below(g, 2))
			i.off = (s16)(8 << below(g, is64 ? 3 : 2));
		break;
	case ALU_DIV:
	case ALU_MOD:
		i.off = below(g, 4) == 0;
		i.imm += !x && !i.imm;
		break;
	case ALU_LSH:
	case ALU_RSH:
	case ALU_ARSH:
		if (!x)
			i.imm = (s32)((u32)i.imm % (is64 ? 64 : 32));
	}
	put(g, i);
}

static struct insn jump(struct gen *g)
{
	static const u8 ops[] = { JMP_JEQ,  JMP_JGT,  JMP_JGE,  JMP_JSET, JMP_JNE, JMP_JSGT,
				  JMP_JSGE, JMP_JLT, JMP_JLE,  JMP_JSLT, JMP_JSLE };
	bool x = below(g, 3) == 0;

	return I((below(g, 3) ? CLS_JMP : CLS_JMP32) | ops[below(g, ARRAY_SIZE(ops))] |
			 (x ? SRC_X : SRC_K),
		 number(g), x ? number(g) : 0, 0, x ? 0 : imm(g));
}

static void statement(struct gen *g);

static void branch(struct gen *g)
{
	u32 at = put(g, jump(g)), other;

	g->depth++;
	for (u32 k = below(g, 3); k-- > 0;)
		statement(g);
	if (below(g, 3) == 0) {
		other = put(g, JA(0));
		land(g, at);
		statement(g);
		at = other;
	}
	g->depth--;
	land(g, at);
}

static void atomic(struct gen *g, s16 off)
{
	static const u16 ops[] = { ATOMIC_ADD, ATOMIC_ADD | ATOMIC_FETCH, ATOMIC_XCHG,
				   ATOMIC_CMPXCHG, ATOMIC_OR | ATOMIC_FETCH,
				   ATOMIC_AND | ATOMIC_FETCH };
	u8 sz = below(g, 3) ? SZ_DW : SZ_W;

	put(g, I(CLS_STX | MODE_ATOMIC | sz, 10, number(g), off, ops[below(g, ARRAY_SIZE(ops))]));
}

/* Numbers to and from the stack, whole and in part. */
static void spill(struct gen *g)
{
	u8 sz = width(g);
	u32 bytes = insn_size_bytes(sz);
	s16 off = (s16)(-8 * (s32)(1 + below(g, SLOTS)) +
			(s32)(below(g, 8 / bytes) * (below(g, 2) ? bytes : 0)));

	switch (below(g, 6)) {
	case 0:
		put(g, I(CLS_ST | MODE_MEM | sz, 10, 0, off, below(g, 2) ? 0 : imm(g)));
		break;
	case 1:
	case 2:
		put(g, I(CLS_STX | MODE_MEM | sz, 10, number(g), off, 0));
		break;
	case 3:
		if (sz != SZ_DW) {
			put(g, I(CLS_LDX | MODE_MEMSX | sz, number(g), 10, off, 0));
			break;
		}
		atomic(g, off);
		break;
	default:
		put(g, I(CLS_LDX | MODE_MEM | sz, number(g), 10, off, 0));
	}
}

/* One of two constants, in a register or a slot: what paths differ in.  Whether the difference matters
 * shows later, when it has been copied about. */
static void pick(struct gen *g)
{
	u8 r = number(g);
	s16 off = (s16)(-8 * (s32)(1 + below(g, SLOTS)));
	u32 at;

	if (below(g, 2)) {
		put(g, MOVK(r, below(g, 40)));
		at = put(g, jump(g));
		put(g, MOVK(r, below(g, 2) ? below(g, 40) : below(g, 400)));
	} else {
		put(g, ST(DW, 10, off, below(g, 40)));
		at = put(g, jump(g));
		put(g, ST(DW, 10, off, below(g, 2) ? below(g, 40) : below(g, 400)));
	}
	land(g, at);
	for (u32 k = below(g, 3); k-- > 0;) {
		u8 to = number(g);

		switch (below(g, 5)) {
		case 0:
			put(g, STX(DW, 10, off, r));
			break;
		case 1:
			put(g, LDX(DW, to, 10, off));
			r = to;
			break;
		case 2:
			atomic(g, off);
			break;
		case 3:
			put(g, MOVX(to, r));
			r = to;
			break;
		default:
			put(g, A64K(ADD, r, below(g, 3)));
		}
	}
	if (below(g, 3) == 0) {
		at = put(g, J64K(JEQ, r, below(g, 40), 0));
		statement(g);
		land(g, at);
	}
}

/* A pointer goes to the stack and comes back into r1. */
static void spill_pointer(struct gen *g, u8 ptr)
{
	put(g, STX(DW, 10, -72, ptr));
	put(g, LDX(DW, 1, 10, -72));
}

/* Makes r1 a number within 0 and about max; *skip is a jump for when it is not, -1: none. */
static void bounded(struct gen *g, u32 max, s32 *skip)
{
	u8 from = number(g), low = number(g);

	*skip = -1;
	put(g, below(g, 4) ? MOVX(1, from) : A32X(MOV, 1, from));
	switch (below(g, 8)) {
	case 0:
		put(g, A64K(AND, 1, below(g, 2) ? max : (max + 1) / 2));
		break;
	case 1:
		put(g, A32K(AND, 1, max));
		break;
	case 2:
		put(g, A64K(RSH, 1, 56 + below(g, 8)));
		break;
	case 3:
		*skip = (s32)put(g, J64K(JGT, from, max, 0)); /* by a linked register */
		break;
	case 4:
		put(g, A64K(LSH, 1, 32));
		put(g, A64K(ARSH, 1, 32));
		*skip = (s32)put(g, J64K(JGT, 1, max, 0));
		break;
	case 5:
		put(g, A64K(ADD, 1, below(g, 8)));
		*skip = (s32)put(g, (below(g, 2) ? J64K(JGE, from, max, 0) : J32K(JGT, 1, max, 0)));
		break;
	case 6: /* it may be so already */
		break;
	default:
		*skip = (s32)put(g, J64K(JSGT, 1, max, 0));
		if (below(g, 4))
			put(g, J64K(JSGE, 1, -(s32)below(g, 3), 1)); /* else back to 0 */
		put(g, MOVK(1, 0));
	}
	if (low != 1 && below(g, 5) == 0)
		put(g, A64X(AND, 1, low));
}

static void access_r1(struct gen *g, s32 limit, bool bytes)
{
	u8 sz = bytes && below(g, 8) ? SZ_B : width(g);
	s16 off = (s16)((s32)below(g, (u32)limit + 6) - 3);

	switch (below(g, 4)) {
	case 0:
		put(g, I(CLS_ST | MODE_MEM | sz, 1, 0, off, imm(g)));
		break;
	case 1:
		put(g, I(CLS_STX | MODE_MEM | sz, 1, 2, off, 0));
		break;
	default:
		put(g, I(CLS_LDX | MODE_MEM | sz, 0, 1, off, 0));
	}
}

static void map_access(struct gen *g)
{
	u32 max = below(g, VALUE_BYTES + 2);
	u8 base = g->packet || below(g, 2) ? 7 : 8;
	s32 skip = -1;

	if (g->in_sub)
		return;
	bounded(g, max, &skip);
	if (below(g, 5) == 0) {
		put(g, MOVX(2, 1));
		spill_pointer(g, base);
		put(g, A64X(ADD, 1, 2));
		put(g, MOVK(2, 7));
	} else {
		put(g, A64X(ADD, 1, base));
	}
	access_r1(g, (s32)(VALUE_BYTES - MIN(max, (u32)VALUE_BYTES)), false);
	if (skip >= 0)
		land(g, (u32)skip);
	put(g, MOVK(1, imm(g)));
}

/* r1 into the packet by a variable and a fixed offset, and how far that is allowed. */
static void packet_access(struct gen *g)
{
	u32 reach = 1 + below(g, 16);
	static const u8 ops[] = { JMP_JGT, JMP_JGE, JMP_JLT, JMP_JLE };
	u8 op = ops[below(g, 4)];
	bool swap = below(g, 2), ok_jumps;
	s32 skip = -1;
	u32 at, ok, other;

	if (!g->packet || g->in_sub || g->in_loop)
		return;
	if (below(g, 2)) {
		bounded(g, below(g, 100), &skip);
		put(g, A64X(ADD, 1, 8));
	} else {
		put(g, MOVX(1, 8));
	}
	put(g, A64K(ADD, 1, below(g, 20)));
	put(g, LDX(W, 9, 6, g->data_end));
	put(g, MOVX(2, 1));
	put(g, A64K(ADD, 2, reach));
	at = put(g, I(CLS_JMP | op | SRC_X, swap ? 9 : 2, swap ? 2 : 9, 0, 0));
	ok_jumps = (op == JMP_JLT || op == JMP_JLE) != swap;
	if (ok_jumps) {
		ok = at;
		at = put(g, JA(0));
		land(g, ok);
	}
	access_r1(g, (s32)reach, false);
	if (below(g, 2)) {
		other = put(g, JA(0));
		land(g, at);
		put(g, I(CLS_ALU64 | (below(g, 2) ? ALU_ADD : ALU_SUB), 2, 0, 0, below(g, 20)));
		at = put(g, I(CLS_JMP | ops[below(g, 4)] | SRC_X, swap ? 9 : 2, swap ? 2 : 9, 0, 0));
		put(g, MOVK(2, 1));
		statement(g);
		land(g, other);
	}
	land(g, at);
	put(g, MOVK(2, imm(g)));
	put(g, MOVK(9, imm(g)));
	if (skip >= 0)
		land(g, (u32)skip);
	put(g, MOVK(1, imm(g)));
}

/* The stack at an offset that is not known. */
static void stack_access(struct gen *g)
{
	s32 skip = -1;

	bounded(g, below(g, 34), &skip);
	put(g, A64K(ADD, 1, -(s32)below(g, 64)));
	put(g, A64X(ADD, 1, 10));
	access_r1(g, 2, true);
	if (skip >= 0)
		land(g, (u32)skip);
	put(g, MOVK(1, imm(g)));
}

static void loop(struct gen *g)
{
	u32 top;

	if (g->in_loop || g->in_sub || g->depth > 1)
		return;
	if (below(g, 2)) {
		put(g, A64K(AND, 9, 7));
		put(g, A64K(ADD, 9, 1));
	} else {
		put(g, MOVK(9, 1 + below(g, 8)));
	}
	top = g->n;
	g->in_loop = true;
	for (u32 k = 1 + below(g, 2); k-- > 0;)
		statement(g);
	g->in_loop = false;
	put(g, A64K(SUB, 9, 1));
	put(g, J64K(JNE, 9, 0, 0));
	g->p[g->n - 1].off = (s16)((s32)top - (s32)g->n);
}

/* A loop that the kernel counts, over numbers that it must forget about. */
static void may_goto_loop(struct gen *g)
{
	u32 top = g->n, out;

	if (g->in_loop || g->in_sub || g->depth > 1)
		return;
	out = put(g, MAY_GOTO(0));
	g->in_loop = true;
	for (u32 k = 1 + below(g, 3); k-- > 0;)
		statement(g);
	g->in_loop = false;
	put(g, JA(0));
	g->p[g->n - 1].off = (s16)((s32)top - (s32)g->n);
	land(g, out);
}

static void after_call(struct gen *g)
{
	put(g, MOVX(1, 0));
	put(g, MOVK(2, imm(g)));
	put(g, MOVX(3, 0));
	put(g, A64K(AND, 3, imm(g)));
	put(g, MOVK(4, 3));
	put(g, MOVX(5, 4));
}

/* What makes pointers into the packet stale, or elements of a map come and go. */
static void change(struct gen *g)
{
	if (g->in_sub || g->in_loop)
		return;
	if (g->skb && below(g, 2)) {
		put(g, I(CLS_LD | MODE_ABS | SZ_H, 0, 0, 0, below(g, 40)));
	} else if (g->packet && !g->skb && below(g, 2)) {
		static const u8 adjust[] = { 44, 65, 54 }; /* head, tail, meta */

		put(g, MOVX(1, 6));
		put(g, MOVK(2, (s32)below(g, 9) * 4 - 16));
		put(g, CALLH(adjust[below(g, 3)]));
		put(g, LDX(W, 8, 6, g->data));
	} else {
		bool update = below(g, 2);

		put(g, ST(W, 10, -68, below(g, 3)));
		put_wide(g, 1, PSEUDO_MAP_FD, FD_FIRST + 1);
		put(g, MOVX(2, 10));
		put(g, A64K(ADD, 2, -68));
		put(g, MOVX(3, 7));
		put(g, MOVK(4, below(g, 3)));
		put(g, CALLH(update ? 2 : 3));
	}
	after_call(g);
}

static void call(struct gen *g)
{
	if (g->in_sub)
		return;
	if (below(g, 3) == 0 || g->n_calls == ARRAY_SIZE(g->calls)) {
		put(g, CALLH(7)); /* bpf_get_prandom_u32 */
	} else {
		put(g, MOVX(4, 10));
		put(g, A64K(ADD, 4, -8 * (s32)(1 + below(g, SLOTS))));
		g->calls[g->n_calls++] = put(g, CALLF(below(g, SUBS_MAX)));
	}
	after_call(g);
}

/* bpf_loop(n, callback, a number's place or 0, 0). */
static void call_back(struct gen *g)
{
	if (g->in_sub || g->in_loop || g->n_callbacks == ARRAY_SIZE(g->callbacks))
		return;
	put(g, below(g, 2) ? A64K(AND, 1, 15) : MOVK(1, below(g, 6)));
	g->callbacks[g->n_callbacks++] = g->n;
	put_wide(g, 2, PSEUDO_FUNC, 0);
	put(g, MOVX(3, 10));
	put(g, A64K(ADD, 3, -8 * (s32)(1 + below(g, SLOTS))));
	put(g, MOVK(4, 0));
	put(g, CALLH(181));
	after_call(g);
}

static void statement(struct gen *g)
{
	if (g->n > ROOM - 120)
		return;
	switch (below(g, 23)) {
	case 22:
		change(g);
		break;
	case 18 ... 21:
		pick(g);
		break;
	case 0 ... 5:
		alu(g);
		break;
	case 6 ... 8:
		if (g->depth < 3)
			branch(g);
		break;
	case 9:
	case 10:
		spill(g);
		break;
	case 11:
		map_access(g);
		break;
	case 12:
		if (g->packet)
			packet_access(g);
		else
			map_access(g);
		break;
	case 13:
		stack_access(g);
		break;
	case 14:
		loop(g);
		break;
	case 15:
		call(g);
		break;
	case 16:
		may_goto_loop(g);
		break;
	case 17:
		if (below(g, 3) == 0)
			call_back(g);
	}
}

/* r7 or r8 = a value of map m, or the end. */
static void lookup(struct gen *g, u8 dst, u32 m, u32 key)
{
	put(g, ST(W, 10, -68, key));
	put_wide(g, 1, PSEUDO_MAP_FD, FD_FIRST + m);
	put(g, MOVX(2, 10));
	put(g, A64K(ADD, 2, -68));
	put(g, CALLH(1));
	put(g, J64K(JNE, 0, 0, 2));
	put(g, MOVK(0, 0));
	put(g, EXIT());
	put(g, MOVX(dst, 0));
}

static void prologue(struct gen *g)
{
	put(g, MOVX(6, 1));
	if (below(g, 4))
		lookup(g, 7, below(g, 2), below(g, 2));
	else
		put_wide(g, 7, PSEUDO_MAP_VALUE, FD_FIRST + 2);
	if (g->packet)
		put(g, LDX(W, 8, 6, g->data));
	else
		lookup(g, 8, 0, below(g, 5));
	for (u32 r = 0; r <= 9; r++) {
		if (r >= 6 && r <= 8)
			continue;
		if (g->packet)
			put(g, below(g, 2) ? LDX(W, r, 6, (g->skb ? 48 : 12) + 4 * (s16)below(g, 2)) :
					     LDX(DW, r, 7, 8 * (s16)below(g, 5)));
		else
			put(g, LDX(DW, r, 6, 8 * (s16)below(g, 8)));
	}
	for (u32 k = 1; k <= SLOTS; k++)
		put(g, STX(DW, 10, -8 * (s16)k, number(g)));
}

/* A function of three numbers and a place on its caller's stack. */
static void function(struct gen *g)
{
	u32 start = g->n;

	g->in_sub = true;
	put_end(g, MOVX(0, 1));
	put_end(g, LDX(DW, 5, 4, 0));
	put_end(g, MOVX(9, 4));
	put_end(g, MOVX(4, 3));
	for (u32 k = 1; k <= SLOTS; k++)
		put_end(g, STX(DW, 10, -8 * (s16)k, 2));
	for (u32 k = below(g, 6); k-- > 0 && g->n < start + 60;)
		statement(g);
	if (below(g, 2))
		put_end(g, STX(DW, 9, 0, 3));
	put_end(g, EXIT());
	g->in_sub = false;
}

/* r1 counts, r2 points to a number of the caller: the iteration changes it, and may end the loop. */
static void callback(struct gen *g)
{
	u32 start = g->n;

	g->in_sub = true;
	put_end(g, MOVX(9, 2));
	put_end(g, MOVX(0, 1));
	put_end(g, LDX(DW, 3, 2, 0));
	put_end(g, MOVX(2, 1));
	put_end(g, MOVX(4, 3));
	put_end(g, MOVX(5, 1));
	for (u32 k = 1; k <= SLOTS; k++)
		put_end(g, STX(DW, 10, -8 * (s16)k, 3));
	for (u32 k = 1 + below(g, 4); k-- > 0 && g->n < start + 60;)
		statement(g);
	put_end(g, STX(DW, 9, 0, number(g)));
	put_end(g, A64K(AND, 0, 1));
	put_end(g, EXIT());
	g->in_sub = false;
}

/* Places the functions that are called; their starts go to *starts, behind the program's. */
static u32 functions(struct gen *g, struct bpf_func_info *starts)
{
	u32 start[SUBS_MAX], n = 0;

	for (u32 k = 0; k < SUBS_MAX; k++) {
		bool used = false;

		for (u32 c = 0; c < g->n_calls; c++)
			used |= g->p[g->calls[c]].imm == (s32)k;
		start[k] = g->n;
		if (used && g->n < ROOM - 100) {
			starts[n++] = (struct bpf_func_info){ g->n, TYPE_FUNC };
			function(g);
		}
	}
	for (u32 c = 0; c < g->n_callbacks; c++)
		g->p[g->callbacks[c]].imm = (s32)(g->n - g->callbacks[c] - 1);
	if (g->n_callbacks) {
		starts[n++] = (struct bpf_func_info){ g->n, TYPE_FUNC };
		callback(g);
	}
	for (u32 c = 0; c < g->n_calls; c++) {
		struct insn *i = &g->p[g->calls[c]];

		i->imm = (s32)(start[i->imm] - g->calls[c] - 1);
	}
	return n;
}

/* 1: an int, 2: a function that gives one, 3: the program, 4: a static function. */
static struct btf *types(void)
{
	static const u32 words[] = { 0, 13 << 24, 1, 5, 12 << 24 | BTF_GLOBAL, 2,
				     10, 12 << 24 | BTF_STATIC, 2 };
	static const u32 integer[] = { 1, 1 << 24, 4, 1 << 24 | 32 };
	static const char strings[] = "\0int\0main\0func";
	struct {
		u16 magic;
		u8 version, flags;
		u32 hdr_len, type_off, type_len, str_off, str_len;
		u32 types[ARRAY_SIZE(words) + ARRAY_SIZE(integer)];
		char strings[sizeof(strings)];
	} raw = { 0xeb9f, 1, 0, 24, 0, sizeof(raw.types), sizeof(raw.types), sizeof(strings), { 0 },
		  { 0 } };
	struct btf *btf = NULL;

	memcpy(raw.types, integer, sizeof(integer));
	memcpy(raw.types + ARRAY_SIZE(integer), words, sizeof(words));
	memcpy(raw.strings, strings, sizeof(strings));
	btf_parse(&raw, 24 + sizeof(raw.types) + sizeof(strings), NULL, 0, NULL, (struct place){ 0 },
		  &btf);
	return btf;
}

static struct verify_map array_of(u32 type, u32 n)
{
	return (struct verify_map){ .name = "", .type = type, .key_size = 4,
				    .value_size = VALUE_BYTES, .max_entries = n };
}

void gen_subject(u64 seed, struct subject *out)
{
	struct gen g = { .rng = seed };
	struct bpf_func_info *funcs;
	u32 n;

	g.packet = below(&g, 2);
	g.skb = g.packet && below(&g, 3) == 0;
	g.data = g.skb ? offsetof(struct __sk_buff, data) : 0;
	g.data_end = g.skb ? offsetof(struct __sk_buff, data_end) : 4;
	prologue(&g);
	for (u32 k = 4 + below(&g, 16); k-- > 0;)
		statement(&g);
	put_end(&g, MOVK(0, below(&g, 3)));
	put_end(&g, EXIT());
	funcs = calloc(SUBS_MAX + 2, sizeof(*funcs));
	funcs[0].type_id = TYPE_MAIN;
	n = 1 + functions(&g, funcs + 1);

	*out = (struct subject){
		.name = "", .n_insns = g.n, .gpl = true, .n_maps = 3,
		.prog_type = g.skb	? BPF_PROG_TYPE_SCHED_CLS :
			     g.packet ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_RAW_TRACEPOINT,
		.insns = malloc(g.n * sizeof(struct insn)),
		.maps = { array_of(BPF_MAP_TYPE_ARRAY, 4), array_of(BPF_MAP_TYPE_HASH, 4),
			  array_of(BPF_MAP_TYPE_ARRAY, 1) },
		.btf = types(), .funcs = funcs, .n_funcs = n, .owns_types = true,
	};
	out->attach_type = load_attach_type(out->prog_type, 0);
	memcpy(out->insns, g.p, g.n * sizeof(struct insn));
}

void subject_free(struct subject *s)
{
	free(s->insns);
	s->insns = NULL;
	if (!s->owns_types)
		return;
	free((void *)s->funcs);
	btf_free((struct btf *)s->btf);
}

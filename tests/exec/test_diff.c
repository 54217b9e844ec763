/* SPDX-License-Identifier: BSD-2-Clause */
/* exec: random programs give the same result and memory on interpreter (trusted and checked), native
 * code and the running kernel.
 *
 *	SEED=n  begins with that program; a failure prints its seed and its insns
 *
 * A program gets 128 random bytes in r1.  It keeps that pointer in r6, loads r0, r2..r5 and r7..r8
 * from there, so that the verifier knows nothing of the values, uses r9 to count loops, and folds all
 * registers into r0 in the end.
 */
#include "test.h"
#ifndef NATIVE_ONLY
#include "../insn/kernel.h"
#endif
#include "insns.h"
#include "base/str.h"
#include "isa/disasm.h"
#include <time.h>

enum { MEM_BYTES = 128, STACK_USED = 64, INSNS = 400, SECONDS_MS = 2000 };

struct gen {
	u64 state;
	u32 n, depth;
	u32 call_at[8], n_calls; /* pcs of calls, patched to the function at the end */
	struct insn p[INSNS];
};

static u32 rnd(struct gen *g, u32 below)
{
	g->state += 0x9e3779b97f4a7c15;
	u64 z = (g->state ^ g->state >> 30) * 0xbf58476d1ce4e5b9;

	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (u32)((z ^ z >> 31) % below);
}

static void put(struct gen *g, struct insn i)
{
	if (g->n < INSNS)
		g->p[g->n++] = i;
}

/* A register that holds a number and may be changed. */
static u8 reg(struct gen *g)
{
	static const u8 regs[] = { 0, 1, 2, 3, 4, 5, 7, 8 };

	return regs[rnd(g, ARRAY_SIZE(regs))];
}

static s32 imm(struct gen *g)
{
	static const s32 edges[] = { 0, 1, -1, 2, 7, 8, 127, 128, -128, -129, 255, 256, 32767, 65535,
				     65536, INT32_MAX, INT32_MIN, INT32_MIN + 1, 0x55555555 };

	if (rnd(g, 3))
		return edges[rnd(g, ARRAY_SIZE(edges))];
	return (s32)(rnd(g, UINT32_MAX) + 1);
}

static void gen_alu(struct gen *g)
{
	static const u8 ops[] = { ALU_ADD, ALU_SUB, ALU_MUL, ALU_DIV, ALU_OR, ALU_AND, ALU_LSH, ALU_RSH,
				  ALU_NEG, ALU_MOD, ALU_XOR, ALU_MOV, ALU_ARSH, ALU_END };
	u8 op = ops[rnd(g, ARRAY_SIZE(ops))], src = rnd(g, 2) ? SRC_X : SRC_K;
	u8 cls = rnd(g, 2) ? CLS_ALU64 : CLS_ALU;
	u32 width = cls == CLS_ALU64 ? 64 : 32;
	struct insn i = I(cls | src | op, reg(g), src == SRC_X ? reg(g) : 0, 0, 0);

	switch (op) {
	case ALU_NEG:
		i.code = cls | op;
		i.src = 0;
		break;
	case ALU_END:
		i.code = cls == CLS_ALU64 ? cls | op : i.code;
		i.src = 0;
		i.imm = 16 << rnd(g, 3);
		break;
	case ALU_MOV:
		if (src == SRC_X)
			i.off = (s16)(rnd(g, 2) ? 0 : 8 << rnd(g, width == 64 ? 3 : 2));
		else
			i.imm = imm(g);
		break;
	case ALU_DIV:
	case ALU_MOD:
		i.off = (s16)rnd(g, 2);
		if (src == SRC_K)
			do
				i.imm = imm(g);
			while (!i.imm);
		break;
	case ALU_LSH:
	case ALU_RSH:
	case ALU_ARSH:
		if (src == SRC_K)
			i.imm = (s32)rnd(g, width);
		break;
	default:
		if (src == SRC_K)
			i.imm = imm(g);
	}
	put(g, i);
}

/* Where a load or store of that many bytes may go, aligned: the stack or the memory. */
static void place_at(struct gen *g, u32 bytes, u8 *base, s16 *off)
{
	if (rnd(g, 2)) {
		*base = 10;
		*off = (s16)(rnd(g, STACK_USED / bytes) * bytes) - STACK_USED;
	} else {
		*base = 6;
		*off = (s16)(rnd(g, MEM_BYTES / bytes) * bytes);
	}
}

static void gen_mem(struct gen *g)
{
	static const u8 sizes[] = { SZ_B, SZ_H, SZ_W, SZ_DW };
	u8 size = sizes[rnd(g, 4)], base;
	s16 off;

	place_at(g, insn_size_bytes(size), &base, &off);
	switch (rnd(g, 4)) {
	case 0: put(g, I(CLS_LDX | MODE_MEM | size, reg(g), base, off, 0)); break;
	case 1: put(g, I(CLS_STX | MODE_MEM | size, base, reg(g), off, 0)); break;
	case 2: put(g, I(CLS_ST | MODE_MEM | size, base, 0, off, imm(g))); break;
	case 3:
		if (size != SZ_DW)
			put(g, I(CLS_LDX | MODE_MEMSX | size, reg(g), base, off, 0));
	}
}

/* No fetch from the stack: Linux 6.18 doesn't follow the precision of a fetched value back to its
 * slot (backtrack_insn() passes over atomics), prunes a path too many and runs a wrong program.
 *
 * A cmpxchg of 32 bits that stores leaves the upper half of r0 as it was, unless the verifier sees a
 * 64-bit read and appends a zero extension.  It does not see one behind a place where the path was
 * pruned, so here the program extends r0 itself. */
static void gen_atomic(struct gen *g)
{
	static const s32 ops[] = { ATOMIC_ADD, ATOMIC_OR, ATOMIC_AND, ATOMIC_XOR,
				   ATOMIC_ADD | ATOMIC_FETCH, ATOMIC_OR | ATOMIC_FETCH,
				   ATOMIC_AND | ATOMIC_FETCH, ATOMIC_XOR | ATOMIC_FETCH, ATOMIC_XCHG,
				   ATOMIC_CMPXCHG };
	u8 size = rnd(g, 2) ? SZ_W : SZ_DW, base;
	s32 op = ops[rnd(g, ARRAY_SIZE(ops))];
	s16 off;

	do
		place_at(g, insn_size_bytes(size), &base, &off);
	while ((op & ATOMIC_FETCH) && base == 10);
	put(g, I(CLS_STX | MODE_ATOMIC | size, base, reg(g), off, op));
	if (op == ATOMIC_CMPXCHG && size == SZ_W)
		put(g, A32X(MOV, 0, 0));
}

/* Load-acquire and store-release, which have all widths. */
static void gen_ordered(struct gen *g)
{
	static const u8 sizes[] = { SZ_W, SZ_DW, SZ_B, SZ_H };
	u8 size = sizes[rnd(g, 4)], base;
	s16 off;

	place_at(g, insn_size_bytes(size), &base, &off);
	if (rnd(g, 2))
		put(g, I(CLS_STX | MODE_ATOMIC | size, base, reg(g), off, ATOMIC_STORE_REL));
	else
		put(g, I(CLS_STX | MODE_ATOMIC | size, reg(g), 6, (s16)(rnd(g, 16) * 8), ATOMIC_LOAD_ACQ));
}

static void gen_wide(struct gen *g)
{
	u64 v = (u64)(u32)imm(g) << 32 | (u32)imm(g);
	const struct insn two[] = { WIDE(reg(g), v) };

	put(g, two[0]);
	put(g, two[1]);
}

/* What native code joins into one instruction: addresses, low halves, rotations. */
static void gen_idiom(struct gen *g)
{
	u8 cls = rnd(g, 2) ? CLS_ALU64 : CLS_ALU, a = reg(g), b = reg(g), c = reg(g);
	u32 width = cls == CLS_ALU64 ? 64 : 32, n = 1 + rnd(g, width - 1);
	u32 m = rnd(g, 8) ? width - n : 1 + rnd(g, width - 1);
	u8 one = rnd(g, 2) ? ALU_LSH : ALU_RSH, other = one == ALU_LSH ? ALU_RSH : ALU_LSH;
	const struct insn move = rnd(g, 2) ? A64X(MOV, a, b) : A32X(MOV, a, b);

	switch (rnd(g, 6)) {
	case 0:
		put(g, A64X(MOV, a, b));
		put(g, A64K(ADD, a, imm(g)));
		break;
	case 1:
		put(g, A64X(MOV, a, b));
		put(g, A64X(ADD, a, c));
		break;
	case 2:
		put(g, A64K(LSH, a, 32));
		put(g, rnd(g, 2) ? A64K(RSH, a, 32) : A64K(ARSH, a, 32));
		break;
	case 3: /* an element of the memory */
		if (a == b)
			break;
		put(g, A64K(AND, b, MEM_BYTES - 8));
		put(g, A64X(MOV, a, 6));
		put(g, A64X(ADD, a, b));
		put(g, rnd(g, 2) ? LDX(W, a, a, 4) : LDX(B, c, a, 1));
		put(g, MOVK(a, 1));
		break;
	case 4:
		put(g, move);
		put(g, I(cls | SRC_K | one, a, 0, 0, n));
		put(g, I(cls | SRC_K | other, b, 0, 0, m));
		put(g, I(cls | SRC_X | ALU_OR, b, a, 0, 0));
		break;
	case 5:
		put(g, move);
		put(g, I(cls | SRC_K | one, a, 0, 0, n));
		put(g, A64X(MOV, c, b));
		put(g, I(cls | SRC_K | other, c, 0, 0, m));
		put(g, I(cls | SRC_X | ALU_OR, a, c, 0, 0));
	}
}

static void gen_block(struct gen *g, u32 items);

/* A conditional jump over a few items. */
static void gen_branch(struct gen *g)
{
	static const u8 ops[] = { JMP_JEQ, JMP_JGT, JMP_JGE, JMP_JSET, JMP_JNE, JMP_JSGT, JMP_JSGE,
				  JMP_JLT, JMP_JLE, JMP_JSLT, JMP_JSLE };
	u8 cls = rnd(g, 2) ? CLS_JMP : CLS_JMP32, op = ops[rnd(g, ARRAY_SIZE(ops))];
	u32 at = g->n;

	if (rnd(g, 2))
		put(g, I(cls | SRC_X | op, reg(g), reg(g), 0, 0));
	else
		put(g, I(cls | SRC_K | op, reg(g), 0, 0, imm(g)));
	gen_block(g, 1 + rnd(g, 4));
	g->p[at].off = (s16)(g->n - at - 1);
}

/* Counts down in r9; loops do not nest. */
static void gen_loop(struct gen *g)
{
	u32 head;

	put(g, MOVK(9, 1 + rnd(g, 4)));
	head = g->n;
	g->depth++;
	gen_block(g, 2 + rnd(g, 5));
	g->depth--;
	put(g, A64K(SUB, 9, 1));
	put(g, J64K(JNE, 9, 0, (s32)head - (s32)g->n - 1));
}

/* The function at the end; the registers that it may change get values again. */
static void gen_call(struct gen *g)
{
	g->call_at[g->n_calls++] = g->n;
	put(g, CALLF(0));
	for (u8 r = 1; r <= 5; r++)
		put(g, LDX(DW, r, 6, (s16)(rnd(g, 16) * 8)));
}

static void gen_block(struct gen *g, u32 items)
{
	g->depth++;
	while (items-- && g->n < INSNS - 120) {
		u32 kind = rnd(g, 16);

		if (kind < 6)
			gen_alu(g);
		else if (kind < 8)
			gen_idiom(g);
		else if (kind < 11)
			gen_mem(g);
		else if (kind == 11 && rnd(g, 4))
			gen_atomic(g);
		else if (kind == 11)
			gen_ordered(g);
		else if (kind == 12)
			gen_wide(g);
		else if (kind == 13 && g->depth == 1)
			gen_loop(g);
		else if (kind == 14 && g->n_calls < 3)
			gen_call(g);
		else if (g->depth < 4)
			gen_branch(g);
	}
	g->depth--;
}

static void gen_prog(struct gen *g, u64 seed)
{
	static const u8 regs[] = { 0, 1, 2, 3, 4, 5, 7, 8 };

	g->state = seed;
	g->n = g->depth = g->n_calls = 0;
	put(g, MOVX(6, 1));
	for (u32 k = 0; k < ARRAY_SIZE(regs); k++)
		put(g, LDX(DW, regs[k], 6, (s16)(k * 8)));
	for (u32 k = 0; k < STACK_USED / 8; k++)
		put(g, STX(DW, 10, -(s16)(k + 1) * 8, regs[k]));
	gen_block(g, 6 + rnd(g, 40));
	for (u32 k = 1; k < ARRAY_SIZE(regs); k++) {
		put(g, A64K(MUL, 0, 31));
		put(g, A64X(XOR, 0, regs[k]));
	}
	put(g, EXIT());
	if (!g->n_calls)
		return;
	for (u32 k = 0; k < g->n_calls; k++)
		g->p[g->call_at[k]].imm = (s32)(g->n - g->call_at[k] - 1);
	/* r6 to r9 are the function's own; r1 to r5 came in */
	put(g, MOVX(6, 1));
	put(g, MOVX(7, 2));
	put(g, STX(DW, 10, -8, 3));
	put(g, LDX(W, 0, 10, -4));
	put(g, A64X(MUL, 6, 4));
	put(g, A32X(ADD, 7, 5));
	put(g, A64X(XOR, 0, 6));
	put(g, A64X(ADD, 0, 7));
	put(g, EXIT());
}

static const char *listing(const struct gen *g)
{
	static struct str s;

	str_clear(&s);
	for (u32 pc = 0; pc < g->n;) {
		str_addf(&s, "%u: ", pc);
		pc += disasm_insn(&s, &g->p[pc], g->n - pc, DISASM_EXACT, NULL);
		str_addc(&s, '\n');
	}
	return str_text(&s);
}

static bool only_mem(struct exec_env *env, u64 addr, u64 size, bool write)
{
	u64 off = addr - (u64)env->engine;

	(void)write;
	return off <= MEM_BYTES && MEM_BYTES - off >= size;
}

struct outcome {
	int err;
	u64 r0;
	u8 mem[MEM_BYTES];
};

static void run(const struct exec_prog *prog, bool checked, struct outcome *o)
{
	u64 args[5] = { (u64)o->mem, MEM_BYTES };
	struct exec_env env = { .prog = prog, .engine = o->mem, .mem_ok = checked ? only_mem : NULL };

	o->err = exec_run(&env, args, &o->r0);
}

static void same(const struct gen *g, u64 seed, const char *who, const struct outcome *want,
		 const struct outcome *got)
{
	if (want->err == got->err && want->r0 == got->r0 && !memcmp(want->mem, got->mem, MEM_BYTES))
		return;
	fail_msg("SEED=%lu: interpreter %d, r0 %lx; %s %d, r0 %lx, memory %s\n%s", seed, want->err, want->r0,
		 who, got->err, got->r0, memcmp(want->mem, got->mem, MEM_BYTES) ? "differs" : "same",
		 listing(g));
}

static u64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

static u64 first_seed(void)
{
	const char *s = getenv("SEED");

	return s ? strtoull(s, NULL, 0) : (u64)time(NULL) << 20;
}

static void fill(struct gen *g, u8 *mem)
{
	for (u32 k = 0; k < MEM_BYTES; k += 4) {
		u32 v = (u32)imm(g);

		memcpy(mem + k, &v, 4);
	}
}

TEST(random_programs_native)
{
	static struct gen g;
	u64 seed = first_seed(), end = now_ms() + SECONDS_MS;
	u32 done = 0;

	for (; now_ms() < end; seed++, done++) {
		struct exec_prog prog = { .insns = g.p };
		struct outcome plain, checked, native;

		gen_prog(&g, seed);
		fill(&g, plain.mem);
		memcpy(checked.mem, plain.mem, MEM_BYTES);
		memcpy(native.mem, plain.mem, MEM_BYTES);
		prog.n_insns = g.n;
		CHECK_EQ(insns_check(g.p, g.n, (struct place){ 0 }, NULL), 0);
		run(&prog, false, &plain);
		run(&prog, true, &checked);
		same(&g, seed, "checked", &plain, &checked);
		if (!prog_jit(&prog))
			continue;
		run(&prog, false, &native);
		prog_unjit(&prog);
		same(&g, seed, "native", &plain, &native);
	}
	fprintf(stderr, "# %u programs\n", done);
	CHECK(done > 100);
}

#ifndef NATIVE_ONLY
TEST(random_programs_kernel)
{
	static struct gen g;
	u64 seed = first_seed(), end = now_ms() + SECONDS_MS;
	u32 done = 0, refused = 0;

	if (!kernel_is_usable())
		SKIP("needs bpf(2)");
	for (; now_ms() < end; seed++) {
		struct exec_prog prog = { .insns = g.p };
		struct outcome plain, kernel;
		struct kernel_run k = { .insns = g.p, .mem = kernel.mem, .mem_size = MEM_BYTES };

		gen_prog(&g, seed);
		fill(&g, plain.mem);
		memcpy(kernel.mem, plain.mem, MEM_BYTES);
		prog.n_insns = k.n = g.n;
		run(&prog, false, &plain);
		kernel.err = kernel_run(&k);
		kernel.r0 = k.r0;
		free(k.log);
		if (kernel.err) { /* too complex for the verifier */
			refused++;
			continue;
		}
		done++;
		same(&g, seed, "kernel", &plain, &kernel);
	}
	fprintf(stderr, "# %u programs, %u refused\n", done, refused);
	CHECK(done > 20 && done > refused);
}
#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* gen: functions made at random compute the same before and after each pass, in interpreter, native code
 * and kernel.
 *
 * Shaped as front ends make them: variables are allocas, statements are assignments, branches and
 * loops with a bound.  SEED=N repeats one; ROUNDS=N tries more.
 */
#include "../insn/kernel.h"
#include "eval.h"
#include "gen/gen.h"
#include "ir/pass.h"
#include "osmia.h"
#include "test.h"

enum { MEM = 64, VARS_MAX = 14, DEPTH_MAX = 3 };

struct maker {
	u64 seed;
	struct fn *f;
	struct blk *b;      /* where code goes */
	struct val *mem;
	struct val *vars[VARS_MAX];
	u32 n_vars, n_stmts;
	u32 loops;
};

static u64 rnd(struct maker *m, u64 n)
{
	m->seed ^= m->seed << 13;
	m->seed ^= m->seed >> 7;
	m->seed ^= m->seed << 17;
	return m->seed % n;
}

static struct val *cast_to(struct maker *m, struct val *v, enum ir_type t)
{
	if (v->type == t)
		return v;
	if (ir_type_bits(t) < ir_type_bits(v->type))
		return ir_cast(m->b, OP_TRUNC, t, v);
	return ir_cast(m->b, rnd(m, 2) ? OP_ZEXT : OP_SEXT, t, v);
}

static struct val *leaf(struct maker *m, enum ir_type t)
{
	static const s64 edges[] = { 0, 1, -1, 2, 7, 8, 255, 256, INT32_MAX, INT32_MIN, 0x123456789,
				     INT64_MIN, INT64_MAX };

	switch (rnd(m, 4)) {
	case 0:
		return ir_const(m->b, t, eval_signed((u64)edges[rnd(m, ARRAY_SIZE(edges))], t));
	case 1:
		return cast_to(m, ir_load(m->b, IR_I64, m->vars[rnd(m, m->n_vars)], 0), t);
	case 2:
		return ir_load(m->b, t, m->mem, (s64)(rnd(m, MEM / 8) * 8));
	default:
		return cast_to(m, ir_load(m->b, IR_I32, m->mem, (s64)(rnd(m, MEM / 4) * 4)), t);
	}
}

static struct val *expr(struct maker *m, enum ir_type t, u32 depth);

static struct val *condition(struct maker *m, u32 depth)
{
	static const enum ir_type types[] = { IR_I8, IR_I16, IR_I32, IR_I64 };
	enum ir_type t = types[rnd(m, ARRAY_SIZE(types))];
	struct val *x = expr(m, t, depth), *y = expr(m, t, depth);

	return ir_cmp(m->b, OP_EQ + (u32)rnd(m, 6), x, y);
}

static struct val *expr(struct maker *m, enum ir_type t, u32 depth)
{
	static const enum ir_op ops[] = { OP_ADD, OP_SUB, OP_MUL, OP_UDIV, OP_UREM, OP_SDIV,
					  OP_SREM, OP_AND, OP_OR, OP_XOR, OP_SHL, OP_LSHR, OP_ASHR };
	struct val *x, *y, *c;

	if (depth >= DEPTH_MAX || !rnd(m, 3))
		return leaf(m, t);
	switch (rnd(m, 8)) {
	case 0:
		x = expr(m, t, depth + 1);
		y = expr(m, t, depth + 1);
		c = condition(m, depth + 2);
		return ir_select(m->b, c, x, y);
	case 1:
		c = condition(m, depth + 1);
		return ir_cast(m->b, OP_ZEXT, t, c);
	case 2:
		return cast_to(m, expr(m, IR_I16, depth + 1), t);
	case 3:
		return t >= IR_I16 ? ir_bin(m->b, OP_BSWAP, expr(m, t, depth + 1), NULL) : leaf(m, t);
	default:
		x = expr(m, t, depth + 1);
		y = expr(m, t, depth + 1);
		return ir_bin(m->b, ops[rnd(m, ARRAY_SIZE(ops))], x, y);
	}
}

static void stmts(struct maker *m, u32 n, u32 depth);

static void branch(struct maker *m, u32 depth)
{
	struct blk *yes, *no = blk_new(m->f), *rest = blk_new(m->f);
	struct val *c = condition(m, 1);

	yes = blk_new(m->f);
	ir_br(m->b, c, yes, no);
	m->b = yes;
	stmts(m, 1 + (u32)rnd(m, 3), depth + 1);
	ir_jmp(m->b, rest);
	m->b = no;
	stmts(m, (u32)rnd(m, 3), depth + 1);
	ir_jmp(m->b, rest);
	m->b = rest;
}

static void loop(struct maker *m, u32 depth)
{
	struct blk *head = blk_new(m->f), *body = blk_new(m->f), *rest = blk_new(m->f);
	struct val *i = ir_alloca(m->f, 8, 8), *n;

	ir_store(m->b, ir_const(m->b, IR_I64, 0), i, 0);
	ir_jmp(m->b, head);
	m->b = head;
	n = ir_load(m->b, IR_I64, i, 0);
	ir_br(m->b, ir_cmp(m->b, OP_ULT, n, ir_const(m->b, IR_I64, 1 + (s64)rnd(m, 4))), body, rest);
	m->b = body;
	stmts(m, 1 + (u32)rnd(m, 2), depth + 1);
	n = ir_load(m->b, IR_I64, i, 0);
	ir_store(m->b, ir_bin(m->b, OP_ADD, n, ir_const(m->b, IR_I64, 1)), i, 0);
	ir_jmp(m->b, head);
	m->b = rest;
}

static void stmts(struct maker *m, u32 n, u32 depth)
{
	for (u32 k = 0; k < n; k++) {
		u64 what = rnd(m, 10);

		if (what < 2 && depth < 3)
			branch(m, depth);
		else if (what < 3 && depth < 2 && m->loops++ < 2)
			loop(m, depth);
		else if (what < 5)
			ir_store(m->b, expr(m, IR_I32, 0), m->mem, (s64)(rnd(m, MEM / 4) * 4));
		else
			ir_store(m->b, expr(m, IR_I64, 0), m->vars[rnd(m, m->n_vars)], 0);
	}
}

static struct mod *make(u64 seed)
{
	struct mod *mod = mod_new();
	struct maker m = { .seed = seed * 0x9e3779b97f4a7c15ull + 1 };
	struct val *sum;

	CHECK(mod != NULL);
	m.f = fn_new(mod, "f", FN_PROG, IR_I64);
	m.mem = fn_param(m.f, IR_PTR, SPACE_MAP_VALUE);
	fn_param(m.f, IR_I64, SPACE_UNKNOWN);
	m.b = blk_new(m.f);
	m.n_vars = 2 + (u32)rnd(&m, VARS_MAX - 2);
	for (u32 i = 0; i < m.n_vars; i++)
		m.vars[i] = ir_alloca(m.f, 8, 8);
	for (u32 i = 0; i < m.n_vars; i++)
		ir_store(m.b, ir_const(m.b, IR_I64, (s64)rnd(&m, 1000)), m.vars[i], 0);
	stmts(&m, 3 + (u32)rnd(&m, 6), 0);
	sum = ir_const(m.b, IR_I64, 0);
	for (u32 i = 0; i < m.n_vars; i++)
		sum = ir_bin(m.b, rnd(&m, 2) ? OP_ADD : OP_XOR, sum,
			     ir_load(m.b, IR_I64, m.vars[i], 0));
	ir_ret(m.b, sum);
	return mod;
}

static void fill(u64 seed, u8 mem[MEM])
{
	for (u32 i = 0; i < MEM; i++)
		mem[i] = (u8)((seed + i) * 131 >> (i % 5));
}

static void complain(const struct mod *m, u64 seed, const char *where, u64 got, u64 want)
{
	struct str text = {0};

	mod_print(m, &text);
	fail_msg("SEED=%lu: %s gives %lx, not %lx\n%s", seed, where, got, want, str_text(&text));
}

/* The function as it is now, evaluated. */
static void same_value(const struct mod *m, u64 seed, const char *where, u64 want,
		       const u8 *want_mem)
{
	u8 mem[MEM];
	u64 args[2] = { (u64)mem, MEM }, got;
	struct diag dg = {0};

	if (mod_check(m, &dg))
		fail_msg("SEED=%lu: after %s: %s", seed, where, dg.n ? dg.msgs[0].text : "");
	diag_free(&dg);
	fill(seed, mem);
	got = eval_fn(m->fns.p[0], args);
	if (got != want || memcmp(mem, want_mem, MEM))
		complain(m, seed, where, got, want);
}

struct passes {
	u64 seed, want;
	const u8 *want_mem;
};

static void after_pass(void *arg, const char *pass, const struct mod *m)
{
	const struct passes *p = arg;

	if (strcmp(pass, "inline"))
		same_value(m, p->seed, pass, p->want, p->want_mem);
}

static void run_code(const struct mod *m, const struct obj_func *f, u64 seed, const char *how, u64 want,
		     const u8 *want_mem, bool kernel)
{
	struct kernel_run k = { .insns = f->insns, .n = f->n_insns, .mem_size = MEM };
	struct osmia_vm *vm;
	u8 mem[MEM];
	u64 got;

	CHECK_EQ(osmia_vm_new(&vm), 0);
	if (osmia_vm_load(vm, OSMIA_VM_BYTES, f->insns, f->n_insns * sizeof(struct insn), "f"))
		fail_msg("SEED=%lu: %s: %s", seed, how, osmia_vm_message(vm, 0));
	for (u32 native = 0; native < 2; native++) {
		if (native && osmia_vm_compile(vm))
			break;
		fill(seed, mem);
		CHECK_EQ(osmia_vm_run(vm, mem, MEM, 0, &got), 0);
		if (got != want || memcmp(mem, want_mem, MEM))
			complain(m, seed, native ? "native code" : "interpreter", got, want);
	}
	osmia_vm_free(vm);
	if (!kernel)
		return;
	fill(seed, mem);
	k.mem = mem;
	k.log_level = 1;

	int err = kernel_run(&k);

	if (err && err != -E2BIG)
		fail_msg("SEED=%lu: %s: the kernel refuses: %d\n%s", seed, how, err,
			 k.log + (strlen(k.log) > 3000 ? strlen(k.log) - 3000 : 0));
	if (!err && (k.r0 != want || memcmp(mem, want_mem, MEM)))
		complain(m, seed, "kernel", k.r0, want);
	free(k.log);
}

static void compile_and_run(u64 seed, bool optimize, bool kernel)
{
	struct mod *m = make(seed);
	u8 want_mem[MEM];
	u64 args[2] = { (u64)want_mem, MEM }, want;
	struct obj *o = NULL;
	struct diag dg = {0};
	int err;

	fill(seed, want_mem);
	fn_order(m->fns.p[0]);
	want = eval_fn(m->fns.p[0], args);

	struct passes p = { seed, want, want_mem };
	struct pass_dump dump = { after_pass, &p };

	same_value(m, seed, "making", want, want_mem);
	if (optimize)
		CHECK_EQ(mod_optimize(m, &dump, &dg), 0);
	else
		pass_lower(m->fns.p[0]);
	err = gen_obj(m, NULL, &dg, &o);
	if (err && err != -E2BIG)
		fail_msg("SEED=%lu: %d: %s", seed, err, dg.n ? dg.msgs[0].text : "");
	if (!err)
		run_code(m, &o->funcs[0], seed, optimize ? "optimized" : "plain", want, want_mem,
			 kernel);
	obj_free(o);
	diag_free(&dg);
	mod_free(m);
}

static u64 number(const char *name, u64 otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 0) : otherwise;
}

TEST(random_functions_compute_the_same)
{
	u64 rounds = number("ROUNDS", 400), seed = number("SEED", 0);
	bool kernel = kernel_is_usable();

	for (u64 i = seed ? seed : 1; i <= (seed ? seed : rounds); i++) {
		compile_and_run(i, false, kernel && i % 4 == 0);
		compile_and_run(i, true, kernel);
	}
}

TEST(text_reads_back)
{
	for (u64 i = 1; i <= 50; i++) {
		struct mod *m = make(i), *again = NULL;
		struct str text = {0}, text2 = {0};
		struct diag dg = {0};

		CHECK_EQ(mod_optimize(m, NULL, &dg), 0);
		mod_print(m, &text);
		if (mod_read(str_text(&text), "text", &dg, &again))
			fail_msg("line %u: %s\n%s", dg.n ? dg.msgs[0].at.line : 0, dg.n ? dg.msgs[0].text : "", str_text(&text));
		CHECK_EQ(mod_check(again, &dg), 0);
		{
			u8 mem[MEM], mem2[MEM];
			u64 args[2] = { (u64)mem, MEM }, args2[2] = { (u64)mem2, MEM };

			fill(i, mem);
			fill(i, mem2);
			CHECK_EQ(eval_fn(m->fns.p[0], args), eval_fn(again->fns.p[0], args2));
			CHECK_MEM(mem, mem2, MEM);
		}
		str_free(&text);
		str_free(&text2);
		diag_free(&dg);
		mod_free(m);
		mod_free(again);
	}
}

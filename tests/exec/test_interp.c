/* SPDX-License-Identifier: BSD-2-Clause */
/* exec: the interpreter's calls, checks and limits. */
#include "abi/packet.h"
#include "test.h"
#include "insns.h"

/* Result of a trusted run, interpreted and native; fails the test on an error. */
static u64 run1(struct exec_prog *p)
{
	struct exec_env env = { .prog = p };
	u64 ret = 0, native = 0;

	CHECK_EQ(exec_run(&env, NULL, &ret), 0);
	if (prog_jit(p)) {
		CHECK_EQ(exec_run(&env, NULL, &native), 0);
		CHECK_EQ(native, ret);
		prog_unjit(p);
	}
	return ret;
}

static bool refuse_all(struct exec_env *env, u64 addr, u64 size, bool write)
{
	(void)env, (void)addr, (void)size, (void)write;
	return false;
}

/* Error of a checked run without any memory but stack and ctx. */
static int run_checked(const struct exec_prog *p, struct exec_env *env, u64 *ret)
{
	env->prog = p;
	env->mem_ok = refuse_all;
	return exec_run(env, NULL, ret);
}

TEST(division_and_shifts_as_the_kernel)
{
	PROG(p, MOVK(1, 7), MOVK(2, 0), A64X(DIV, 1, 2), MOVX(0, 1), EXIT());
	CHECK_EQ(run1(&p), 0);
	PROG(m, WIDE(1, 0x100000007), MOVK(2, 0), A64X(MOD, 1, 2), MOVX(0, 1), EXIT());
	CHECK_EQ(run1(&m), 0x100000007);
	PROG(m32, WIDE(1, 0x100000007), MOVK(2, 0), A32X(MOD, 1, 2), MOVX(0, 1), EXIT());
	CHECK_EQ(run1(&m32), 7);
	PROG(min, WIDE(0, 1ull << 63), MOVK(1, -1),
	     I(CLS_ALU64 | SRC_X | ALU_DIV, 0, 1, 1, 0), EXIT());
	CHECK_EQ(run1(&min), INT64_MIN);
	PROG(min32, WIDE(0, 0x80000000), MOVK(1, -1), I(CLS_ALU | SRC_X | ALU_DIV, 0, 1, 1, 0), EXIT());
	CHECK_EQ(run1(&min32), 0x80000000);
	PROG(sh, MOVK(0, 1), MOVK(1, 65), A64X(LSH, 0, 1), EXIT());
	CHECK_EQ(run1(&sh), 2);
	PROG(sh32, WIDE(0, 0xffffffff80000000), MOVK(1, 33), A32X(ARSH, 0, 1), EXIT());
	CHECK_EQ(run1(&sh32), 0xc0000000);
	PROG(sx, WIDE(1, 0x80), I(CLS_ALU | SRC_X | ALU_MOV, 0, 1, 8, 0), EXIT());
	CHECK_EQ(run1(&sx), 0xffffff80);
	PROG(be, WIDE(0, 0x1122334455667788), I(CLS_ALU | SRC_X | ALU_END, 0, 0, 0, 32), EXIT());
	CHECK_EQ(run1(&be), 0x88776655);
	PROG(le, WIDE(0, 0x1122334455667788), I(CLS_ALU | SRC_K | ALU_END, 0, 0, 0, 16), EXIT());
	CHECK_EQ(run1(&le), 0x7788);
	PROG(neg, MOVK(0, 1), A32K(NEG, 0, 0), EXIT());
	CHECK_EQ(run1(&neg), 0xffffffff);
}

TEST(jumps_compare_the_right_halves)
{
	PROG(lt32, WIDE(1, 0x1ffffffff), MOVK(0, 1), J32K(JSLT, 1, 0, 1), MOVK(0, 0), EXIT());
	CHECK_EQ(run1(&lt32), 1);
	PROG(gt32, WIDE(1, 0x1ffffffff), MOVK(0, 1), J32K(JGT, 1, -2, 1), MOVK(0, 0), EXIT());
	CHECK_EQ(run1(&gt32), 1);
	PROG(far, GOTOL(1), EXIT(), MOVK(0, 5), EXIT());
	CHECK_EQ(run1(&far), 5);
	PROG(loop, MOVK(0, 0), MAY_GOTO(2), A64K(ADD, 0, 1), JA(-3), EXIT());
	CHECK_EQ(run1(&loop), 8 * 1024 * 1024);
}

TEST(atomics_fetch_and_compare)
{
	PROG(p, ST(DW, 10, -8, 40), MOVK(1, 2), ATOMIC_OP(DW, ATOMIC_ADD | ATOMIC_FETCH, 10, -8, 1),
	     LDX(DW, 0, 10, -8), A64X(ADD, 0, 1), EXIT());
	CHECK_EQ(run1(&p), 82);
	PROG(x, WIDE(1, 0xaabbccdd11223344), STX(DW, 10, -8, 1), WIDE(0, 0xffffffff11223344),
	     MOVK(2, 9), ATOMIC_OP(W, ATOMIC_CMPXCHG, 10, -8, 2), LDX(DW, 1, 10, -8), A64X(ADD, 0, 1),
	     EXIT());
	CHECK_EQ(run1(&x), 0xaabbccdd00000009 + 0x11223344);
	PROG(xchg, ST(DW, 10, -8, -1), WIDE(1, 0x500000006), ATOMIC_OP(W, ATOMIC_XCHG, 10, -8, 1),
	     MOVX(0, 1), EXIT());
	CHECK_EQ(run1(&xchg), 0xffffffff);
	PROG(rel, WIDE(1, 0xabcdef), ST(DW, 10, -8, 0), ATOMIC_OP(H, ATOMIC_STORE_REL, 10, -8, 1),
	     ATOMIC_OP(DW, ATOMIC_LOAD_ACQ, 0, -8, 10), EXIT());
	CHECK_EQ(run1(&rel), 0xcdef);
}

TEST(calls_have_own_frames_and_keep_r6_to_r9)
{
	PROG(p, MOVK(6, 10), ST(DW, 10, -8, 3), MOVX(1, 10), A64K(ADD, 1, -8), CALLF(4),
	     A64X(ADD, 0, 6), LDX(DW, 1, 10, -8), A64X(ADD, 0, 1), EXIT(),
	     /* f(p): its own frame, writes through p */
	     MOVK(6, 99), ST(DW, 10, -8, 77), ST(DW, 1, 0, 500), MOVK(0, 1000), EXIT());
	CHECK_EQ(run1(&p), 1510);
}

TEST(recursion_ends_at_eight_frames)
{
	PROG(p, A64K(ADD, 1, 1), CALLF(-2), EXIT());
	struct exec_env env = { .prog = &p };
	u64 ret = 5;

	CHECK_EQ(exec_run(&env, NULL, &ret), -ELOOP);
	CHECK_EQ(ret, 5);
	CHECK_EQ(env.error_pc, 1);
}

/* bpf_loop as helper/ has it. */
static u64 loop(u64 n, u64 fn, u64 ctx, u64 flags, u64 unused, struct exec_env *env)
{
	u64 k = 0;

	(void)flags, (void)unused;
	while (k < n && !env->call_back(env, fn, k, ctx, 0, 0, 0))
		k++;
	return k;
}

static int allow(struct exec_env *env, u32 id, const u64 args[5])
{
	(void)env, (void)id, (void)args;
	return 0;
}

TEST(callbacks_nest)
{
	static const helper_fn helpers[HELPER_ID_MAX] = { [HELPER_loop] = loop };
	/* main loops 10 times over outer, which loops 3 times over inner, which adds 1 */
	PROG(q, ST(DW, 10, -8, 0), MOVK(1, 10), FUNC(2, 7), MOVX(3, 10), A64K(ADD, 3, -8), MOVK(4, 0),
	     CALLH(HELPER_loop), LDX(DW, 0, 10, -8), EXIT(),
	     /* outer at 10 */
	     MOVX(3, 2), MOVK(1, 3), FUNC(2, 5), MOVK(4, 0), CALLH(HELPER_loop), MOVK(0, 0), EXIT(),
	     /* inner at 18 */
	     LDX(DW, 0, 2, 0), A64K(ADD, 0, 1), STX(DW, 2, 0, 0), MOVK(0, 0), EXIT());
	u64 ret;

	q.helpers = helpers;
	struct exec_env env = { .prog = &q };
	CHECK_EQ(exec_run(&env, NULL, &ret), 0);
	CHECK_EQ(ret, 30);
	struct exec_env checked = { .call_ok = allow };
	CHECK_EQ(run_checked(&q, &checked, &ret), 0);
	CHECK_EQ(ret, 30);
	CHECK_EQ(checked.depth, 0);
	if (prog_jit(&q)) {
		ret = 0;
		CHECK_EQ(exec_run(&env, NULL, &ret), 0);
		CHECK_EQ(ret, 30);
		prog_unjit(&q);
	}
}

TEST(callback_errors_end_the_run)
{
	static const helper_fn helpers[HELPER_ID_MAX] = { [HELPER_loop] = loop };
	PROG(p, MOVK(1, 100), FUNC(2, 6), MOVK(3, 0), MOVK(4, 0), CALLH(HELPER_loop), MOVK(0, 7), EXIT(),
	     LDX(DW, 0, 2, 0), MOVK(0, 0), EXIT());
	PROG(forged, MOVK(1, 100), WIDE(2, exec_func_value(77)), CALLH(HELPER_loop), EXIT());
	PROG(wild, MOVK(1, 100), MOVK(2, 4), CALLH(HELPER_loop), EXIT());
	struct exec_env env = { .call_ok = allow };
	u64 ret = 0;

	p.helpers = forged.helpers = wild.helpers = helpers;
	CHECK_EQ(run_checked(&p, &env, &ret), -EFAULT);
	CHECK_EQ(env.error_pc, 8);
	CHECK_EQ(env.error_addr, 0);
	CHECK_EQ(run_checked(&forged, &env, &ret), -EINVAL);
	CHECK_EQ(env.error_pc, 3);
	CHECK_EQ(run_checked(&wild, &env, &ret), -EINVAL);
}

static const struct exec_prog *same(struct exec_env *env, struct map *m, u32 index)
{
	(void)m;
	return index == 0 ? env->engine : NULL;
}

TEST(tail_calls_stop_at_33_and_keep_callers)
{
	/* f adds 1 to *r1 (ctx) and tail-calls itself; r0 is what comes after the 33rd */
	PROG(f, LDX(DW, 2, 1, 0), A64K(ADD, 2, 1), STX(DW, 1, 0, 2), MOVX(6, 1), MOVK(2, 0), MOVK(3, 0),
	     CALLH(HELPER_tail_call), EXIT());
	PROG(p, MOVX(6, 1), MOVK(7, 100), CALLF(4), LDX(DW, 1, 6, 0), A64X(ADD, 7, 1), MOVX(0, 7), EXIT(),
	     MOVK(2, 0), MOVK(3, 0), CALLH(HELPER_tail_call), MOVK(0, -1), EXIT());
	PROG(none, MOVK(3, 1), CALLH(HELPER_tail_call), EXIT());
	u64 count = 0, ret;
	struct exec_env env = { .prog = &p, .ctx = &count, .tail_target = same, .engine = &f };

	CHECK_EQ(exec_run(&env, NULL, &ret), 0);
	CHECK_EQ(count, 33);
	CHECK_EQ(ret, 133);
	for (u32 which = 1; which < 4; which++) { /* native: both, caller, target */
		count = 0;
		if (which != 3 && !prog_jit(&p))
			break;
		if (which != 2)
			prog_jit(&f);
		CHECK_EQ(exec_run(&env, NULL, &ret), 0);
		CHECK_EQ(count, 33);
		CHECK_EQ(ret, 133);
		prog_unjit(&p);
		prog_unjit(&f);
	}
	env.prog = &none;
	CHECK_EQ(exec_run(&env, NULL, &ret), 0);
	CHECK_EQ((s64)ret, -ENOENT);
	if (prog_jit(&none)) {
		CHECK_EQ(exec_run(&env, NULL, &ret), 0);
		CHECK_EQ((s64)ret, -ENOENT);
		prog_unjit(&none);
	}
}

static int access_at(s32 off, u32 size_code, u8 cls)
{
	PROG(p, MOVX(2, 10), I(cls | MODE_MEM | size_code, cls == CLS_LDX ? 3 : 2,
			       cls == CLS_LDX ? 2 : 0, off, 0), MOVK(0, 0), EXIT());
	struct exec_env env = { 0 };
	u64 ret;
	int err = run_checked(&p, &env, &ret);

	if (err) {
		CHECK_EQ(env.error_pc, 1);
		CHECK_EQ(env.error, err);
	}
	return err;
}

TEST(stack_bounds_are_exact)
{
	static const struct { u32 code; s32 bytes; } width[] = {
		{ SZ_B, 1 }, { SZ_H, 2 }, { SZ_W, 4 }, { SZ_DW, 8 } };

	for (u32 k = 0; k < ARRAY_SIZE(width); k++)
		for (u32 cls = CLS_LDX; cls <= CLS_ST; cls++) {
			CHECK_EQ(access_at(-width[k].bytes, width[k].code, cls), 0);
			CHECK_EQ(access_at(-width[k].bytes + 1, width[k].code, cls), -EFAULT);
			CHECK_EQ(access_at(0, width[k].code, cls), -EFAULT);
			CHECK_EQ(access_at(-512, width[k].code, cls), 0);
			CHECK_EQ(access_at(-513, width[k].code, cls), -EFAULT);
		}
}

TEST(ctx_is_read_only_unless_said)
{
	u64 mem[2] = { 11, 22 }, ret = 0;
	struct exec_env env = { .ctx = mem, .ctx_size = 16 };
	PROG(rd, LDX(DW, 0, 1, 8), EXIT());
	PROG(over, LDX(DW, 0, 1, 9), EXIT());
	PROG(under, LDX(B, 0, 1, -1), EXIT());
	PROG(wr, ST(B, 1, 0, 5), MOVK(0, 0), EXIT());
	PROG(both, LDX(DW, 0, 1, 8), ST(B, 1, 8, 5), EXIT());
	PROG(wrap, MOVK(1, -4), LDX(DW, 0, 1, 0), EXIT());

	CHECK_EQ(run_checked(&rd, &env, &ret), 0);
	CHECK_EQ(ret, 22);
	CHECK_EQ(run_checked(&over, &env, &ret), -EFAULT);
	CHECK(env.error_addr == (u64)mem + 9);
	CHECK_EQ(run_checked(&under, &env, &ret), -EFAULT);
	CHECK_EQ(run_checked(&wr, &env, &ret), -EFAULT);
	CHECK_EQ(run_checked(&both, &env, &ret), -EFAULT);
	CHECK_EQ(run_checked(&wrap, &env, &ret), -EFAULT);
	CHECK_EQ(mem[1], 22);
	env.ctx_writable = true;
	CHECK_EQ(run_checked(&wr, &env, &ret), 0);
	CHECK_EQ(mem[0], 5);
}

struct span_world {
	u8 *mem;
	u32 asked;
};

static bool span_ok(struct exec_env *env, u64 addr, u64 size, bool write)
{
	struct span_world *w = env->engine;
	u64 off = addr - (u64)w->mem;

	w->asked++;
	if (off > 64 || 64 - off < size)
		return false;
	env->hit[write] = (struct exec_span){ (u64)w->mem, 64 };
	return true;
}

static u64 nothing(u64 a, u64 b, u64 c, u64 d, u64 e, struct exec_env *env)
{
	(void)a, (void)b, (void)c, (void)d, (void)e, (void)env;
	return 0;
}

TEST(span_is_asked_once_until_a_call_moves_the_packet)
{
	static const helper_fn helpers[HELPER_ID_MAX] = { [HELPER_ktime_get_ns] = nothing };
	u8 mem[64] = { 1, 2 };
	struct span_world w = { .mem = mem };
	struct packet packet = { 0 };
	PROG(p, MOVX(6, 1), LDX(DW, 0, 6, 0), LDX(DW, 0, 6, 56), LDX(B, 0, 6, 63), EXIT());
	PROG(c, MOVX(6, 1), LDX(DW, 0, 6, 0), CALLH(HELPER_ktime_get_ns), LDX(DW, 0, 6, 0), EXIT());
	PROG(over, MOVX(6, 1), LDX(DW, 0, 6, 0), LDX(DW, 0, 6, 57), EXIT());
	struct exec_env env = { .prog = &p, .ctx = mem, .mem_ok = span_ok, .engine = &w, .call_ok = allow };
	u64 ret;

	p.helpers = c.helpers = helpers;
	CHECK_EQ(exec_run(&env, NULL, &ret), 0);
	CHECK_EQ(w.asked, 1);
	env.prog = &c;
	CHECK_EQ(exec_run(&env, NULL, &ret), 0);
	CHECK_EQ(w.asked, 2);
	env.packet = &packet;
	CHECK_EQ(exec_run(&env, NULL, &ret), 0);
	CHECK_EQ(w.asked, 4);
	env.prog = &over;
	CHECK_EQ(exec_run(&env, NULL, &ret), -EFAULT);
	CHECK_EQ(env.error_pc, 2);
}

TEST(unaligned_atomics_are_refused)
{
	PROG(p, MOVK(1, 1), ATOMIC_OP(DW, ATOMIC_ADD, 10, -12, 1), MOVK(0, 0), EXIT());
	PROG(q, MOVK(1, 1), ATOMIC_OP(W, ATOMIC_ADD, 10, -12, 1), MOVK(0, 0), EXIT());
	struct exec_env env = { 0 };
	u64 ret;

	CHECK_EQ(run_checked(&p, &env, &ret), -EFAULT);
	CHECK_EQ(run_checked(&q, &env, &ret), 0);
}

/* Leaves something on the C stack that a run must not show. */
static __attribute__((noinline)) void dirty_stack(void)
{
	volatile char bytes[16384];

	for (size_t k = 0; k < sizeof(bytes); k++)
		bytes[k] = 'x';
}

TEST(frames_not_in_use_are_out_of_reach_and_begin_as_zero)
{
	PROG(p, CALLF(3), LDX(DW, 6, 10, -512), A64X(ADD, 0, 6), EXIT(), LDX(DW, 0, 10, -8), EXIT());
	PROG(low, CALLF(2), LDX(DW, 0, 10, -520), EXIT(), ST(DW, 10, -8, 5), MOVK(0, 0), EXIT());
	PROG(up, CALLF(1), EXIT(), LDX(DW, 0, 10, 512), EXIT());
	PROG(own, CALLF(1), EXIT(), LDX(DW, 0, 10, 504), EXIT());
	struct exec_env env = { 0 };
	u64 ret = 9;

	dirty_stack();
	CHECK_EQ(run_checked(&p, &env, &ret), 0);
	CHECK_EQ(ret, 0);
	CHECK_EQ(run_checked(&low, &env, &ret), -EFAULT);
	CHECK_EQ(run_checked(&up, &env, &ret), -EFAULT);
	CHECK_EQ(run_checked(&own, &env, &ret), 0);
}

static int deny(struct exec_env *env, u32 id, const u64 args[5])
{
	env->scratch[0] = id;
	env->scratch[1] = args[0];
	return -EACCES;
}

TEST(calls_are_asked_for)
{
	static const helper_fn helpers[HELPER_ID_MAX] = { [HELPER_ktime_get_ns] = nothing };
	PROG(p, MOVK(1, 44), CALLH(HELPER_ktime_get_ns), EXIT());
	PROG(k, MOVK(0, 1), CALLK(0), EXIT());
	PROG(absent, MOVK(1, 44), CALLH(195896080), EXIT());
	struct exec_env env = { .call_ok = deny };
	u64 ret = 3;

	p.helpers = helpers;
	CHECK_EQ(run_checked(&p, &env, &ret), -EACCES);
	CHECK_EQ(env.error_pc, 1);
	CHECK_EQ(env.scratch[0], HELPER_ktime_get_ns);
	CHECK_EQ(env.scratch[1], 44);
	CHECK_EQ(run_checked(&k, &env, &ret), -EPERM);
	env.call_ok = NULL;
	CHECK_EQ(run_checked(&p, &env, &ret), -EPERM);
	CHECK_EQ(ret, 3);
	env = (struct exec_env){ .prog = &absent };
	CHECK_EQ(exec_run(&env, NULL, &ret), -ENOSYS);
	CHECK_EQ(env.error_pc, 1);
	k.kfuncs = &helpers[HELPER_ktime_get_ns];
	k.n_kfuncs = 1;
	env.prog = &k;
	CHECK_EQ(exec_run(&env, NULL, &ret), 0);
	CHECK_EQ(ret, 0);
}

TEST(max_steps_ends_endless_loops)
{
	PROG(p, JA(-1), EXIT());
	PROG(q, MOVK(0, 0), A64K(ADD, 0, 1), J64K(JNE, 0, 100, -2), EXIT());
	PROG(r, CALLF(1), JA(-2), EXIT());
	struct exec_env env = { .prog = &p, .max_steps = 1000 };
	u64 ret = 0;

	CHECK_EQ(exec_run(&env, NULL, &ret), -ETIME);
	env.prog = &q; /* 1 + 200 + 1 insns */
	env.max_steps = 203;
	CHECK_EQ(exec_run(&env, NULL, &ret), 0);
	CHECK_EQ(ret, 100);
	env.max_steps = 150;
	CHECK_EQ(exec_run(&env, NULL, &ret), -ETIME);
	env.prog = &r;
	CHECK_EQ(exec_run(&env, NULL, &ret), -ETIME);
	env.max_steps = UINT64_MAX;
	env.prog = &q;
	CHECK_EQ(exec_run(&env, NULL, &ret), 0);
}

static void count_step(struct exec_env *env, const struct exec_prog *prog, u32 pc, const u64 *regs)
{
	u32 *pcs = env->step_arg;

	(void)prog;
	pcs[pcs[0] + 1] = pc;
	pcs[0]++;
	if (pc == 3)
		pcs[63] = (u32)regs[0];
}

TEST(step_hook_sees_each_insn)
{
	PROG(p, MOVK(0, 0), A64K(ADD, 0, 1), J64K(JNE, 0, 3, -2), WIDE(1, 5), EXIT());
	u32 pcs[64] = { 0 };
	static const u32 want[] = { 9, 0, 1, 2, 1, 2, 1, 2, 3, 5 };
	struct exec_env env = { .prog = &p, .step = count_step, .step_arg = pcs };
	u64 ret;

	CHECK_EQ(exec_run(&env, NULL, &ret), 0);
	for (u32 k = 0; k < ARRAY_SIZE(want); k++)
		CHECK_EQ(pcs[k], want[k]);
	CHECK_EQ(pcs[63], 3);
}

static int one_byte_packet(struct exec_env *env, s32 off, u32 size, u32 *out)
{
	(void)env;
	if (off != 4 || size != 2)
		return -EFAULT;
	*out = 0x800;
	return 0;
}

TEST(legacy_packet_loads_end_the_program_past_the_packet)
{
	PROG(p, MOVK(1, 1), I(CLS_LD | MODE_IND | SZ_H, 0, 1, 0, 3), EXIT());
	PROG(q, MOVK(0, 9), I(CLS_LD | MODE_ABS | SZ_H, 0, 0, 0, 5), MOVK(0, 7), EXIT());
	struct exec_env env = { .prog = &p, .packet_load = one_byte_packet };
	u64 ret;

	CHECK_EQ(exec_run(&env, NULL, &ret), 0);
	CHECK_EQ(ret, 0x800);
	env.prog = &q;
	CHECK_EQ(exec_run(&env, NULL, &ret), 0);
	CHECK_EQ(ret, 0);
}

TEST(arena_casts_keep_null)
{
	PROG(p, WIDE(1, 0x7700001000), I(CLS_ALU64 | SRC_X | ALU_MOV, 0, 1, 1, 1), EXIT());
	PROG(z, MOVK(1, 0), I(CLS_ALU64 | SRC_X | ALU_MOV, 0, 1, 1, 1 << 16), EXIT());
	struct exec_env env = { .prog = &p, .arena_base = 0x1200000000 };
	u64 ret;

	CHECK_EQ(exec_run(&env, NULL, &ret), 0);
	CHECK_EQ(ret, 0x1200001000);
	env.prog = &z;
	CHECK_EQ(exec_run(&env, NULL, &ret), 0);
	CHECK_EQ(ret, 0);
}

TEST(what_looks_like_a_rotation_is_left_alone)
{
	/* the codes of these jumps are the shifts' in another class */
	PROG(p, MOVK(2, 5), MOVX(1, 2), J32K(JSGT, 1, 16, 2), J32K(JSGE, 2, 16, 1), J32X(JSET, 2, 1, 1),
	     MOVK(2, 77), MOVX(0, 2), EXIT());
	CHECK_EQ(run1(&p), 5);
	PROG(other_sum, WIDE(2, 0x123456789), MOVX(1, 2), A64K(LSH, 1, 13), A64K(RSH, 2, 50),
	     A64X(OR, 2, 1), MOVX(0, 2), EXIT());
	CHECK_EQ(run1(&other_sum), 0x123456789ull << 13 | 0x123456789ull >> 50);
	PROG(jumped_into, MOVK(2, 1), MOVX(1, 2), A64K(LSH, 1, 63), J64K(JEQ, 2, 1, 0), A64K(RSH, 2, 1),
	     A64X(OR, 2, 1), MOVX(0, 2), EXIT());
	CHECK_EQ(run1(&jumped_into), INT64_MIN);
}

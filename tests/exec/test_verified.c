/* SPDX-License-Identifier: BSD-2-Clause */
/* exec: what a verifier leaves to the run, in the interpreter and in native code alike: loads that may
 * fault, loops of callbacks that don't end.
 */
#include "test.h"
#include "insns.h"
#include <string.h>

#define PROBE(sz, d, s, o) I(CLS_LDX | MODE_PROBE | SZ_##sz, d, s, o, 0)
#define PROBESX(sz, d, s, o) I(CLS_LDX | MODE_PROBESX | SZ_##sz, d, s, o, 0)

/* The one place that can be read. */
static const u64 served = 0xfedcba9876543210;

static int probe(struct exec_env *env, void *dst, u32 size, u64 addr)
{
	u64 off = addr - (u64)&served;

	(void)env;
	if (off > sizeof(served) || sizeof(served) - off < size)
		return -EFAULT;
	memcpy(dst, (const u8 *)&served + off, size);
	return 0;
}

/* No insns_check(): its job is done before loads are marked. */
static u64 run_both(const struct insn *insns, u32 n, u64 r1)
{
	struct exec_prog p = { .insns = insns, .n_insns = n };
	struct exec_env env = { .prog = &p, .ctx = (void *)r1, .probe = probe };
	u64 interpreted = 0, native = 0;

	CHECK_EQ(exec_run(&env, NULL, &interpreted), 0);
	if (!prog_jit(&p))
		return interpreted;
	CHECK_EQ(exec_run(&env, NULL, &native), 0);
	prog_unjit(&p);
	CHECK_EQ(interpreted, native);
	return interpreted;
}

static u64 run_load(struct insn load, u64 addr)
{
	const struct insn insns[] = { load, MOVX(0, load.dst), EXIT() };

	return run_both(insns, ARRAY_SIZE(insns), addr);
}

TEST(probing_loads_read_or_give_zero)
{
	u64 at = (u64)&served;

	CHECK_EQ(run_load(PROBE(DW, 0, 1, 0), at), served);
	CHECK_EQ(run_load(PROBE(W, 0, 1, 0), at), 0x76543210);
	CHECK_EQ(run_load(PROBE(W, 0, 1, 4), at), 0xfedcba98);
	CHECK_EQ(run_load(PROBE(H, 0, 1, 6), at), 0xfedc);
	CHECK_EQ(run_load(PROBE(B, 0, 1, 7), at), 0xfe);
	CHECK_EQ(run_load(PROBESX(W, 0, 1, 4), at), 0xfffffffffedcba98);
	CHECK_EQ(run_load(PROBESX(H, 0, 1, 0), at), 0x3210);
	CHECK_EQ(run_load(PROBESX(B, 0, 1, 7), at), 0xfffffffffffffffe);
	CHECK_EQ(run_load(PROBE(DW, 0, 1, 1), at), 0); /* reaches beyond */
	CHECK_EQ(run_load(PROBE(DW, 0, 1, 0), 0), 0);
	CHECK_EQ(run_load(PROBE(B, 0, 1, -1), 0), 0);
	CHECK_EQ(run_load(PROBE(W, 0, 1, 0), 0xffff888000000000), 0);
}

/* Every register but the destination is as before, whichever that is; the pointer may be in any. */
TEST(probing_loads_change_one_register)
{
	for (u32 dst = 0; dst < 10; dst++) {
		for (u32 src = 0; src < 10; src++) {
			struct insn insns[64];
			u32 n = 0;
			u64 want = 0;

			insns[n++] = MOVX(src, 1);
			for (u32 r = 0; r < 10; r++)
				if (r != src)
					insns[n++] = MOVK(r, 1 << r);
			insns[n++] = PROBE(W, dst, src, 0);
			if (src != dst) /* an address would differ from run to run */
				insns[n++] = MOVK(src, 1 << src);
			insns[n++] = ST(DW, 10, -8, 0);
			for (u32 r = 0; r < 10; r++) {
				insns[n++] = ATOMIC_OP(DW, ATOMIC_ADD, 10, -8, r);
				want += r == dst ? (u32)served : 1u << r;
			}
			insns[n++] = LDX(DW, 0, 10, -8);
			insns[n++] = EXIT();
			CHECK(n <= ARRAY_SIZE(insns));
			CHECK_EQ(run_both(insns, n, (u64)&served), want);
		}
	}
}

TEST(without_a_probe_all_is_zero)
{
	const struct insn insns[] = { PROBE(DW, 0, 1, 0), EXIT() };
	struct exec_prog p = { .insns = insns, .n_insns = 2 };
	struct exec_env env = { .prog = &p, .ctx = (void *)&served };
	u64 ret = 1;

	CHECK_EQ(exec_run(&env, NULL, &ret), 0);
	CHECK_EQ(ret, 0);
}

static u64 forever(u64 func, u64 r2, u64 r3, u64 r4, u64 r5, struct exec_env *env)
{
	u64 n = 0;

	(void)r2, (void)r3, (void)r4, (void)r5;
	while (!env->call_back(env, func, n, 0, 0, 0, 0))
		n++;
	return n;
}

static u32 n_asked;

static bool late(struct exec_env *env)
{
	(void)env;
	return ++n_asked > 3;
}

TEST(loops_of_callbacks_are_ended)
{
	static const helper_fn helpers[HELPER_ID_MAX] = { [HELPER_loop] = forever };
	PROG(p, FUNC(1, 3), CALLH(HELPER_loop), EXIT(), MOVK(0, 0), EXIT());
	struct exec_env env = { .prog = &p, .late = late };
	u64 ret;

	p.helpers = helpers;
	for (u32 native = 0; native < 2; native++) {
		if (native && !prog_jit(&p))
			break;
		n_asked = 0;
		CHECK_EQ(exec_run(&env, NULL, &ret), -ETIME);
		CHECK_EQ(n_asked, 4);
	}
	if (p.jit)
		prog_unjit(&p);
}

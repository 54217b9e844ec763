/* SPDX-License-Identifier: BSD-2-Clause */
/* exec: whatever passes the structural checks can be run, unverified. */
#include "test.h"
#include "insns.h"

static bool refuse_all(struct exec_env *env, u64 addr, u64 size, bool write)
{
	(void)env, (void)addr, (void)size, (void)write;
	return false;
}

static int allow(struct exec_env *env, u32 id, const u64 args[5])
{
	(void)env, (void)id, (void)args;
	return 0;
}

static u64 loop(u64 n, u64 fn, u64 ctx, u64 flags, u64 unused, struct exec_env *env)
{
	u64 k = 0;

	(void)flags, (void)unused;
	while (k < n && !env->call_back(env, fn, k, ctx, 0, 0, 0))
		k++;
	return k;
}

static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

/* Random insns of valid shape: most pass the check, then run to an end of some kind. */
TEST(whatever_is_accepted_can_be_run)
{
	static const u8 codes[] = { 0x07, 0x0f, 0x17, 0x25, 0x2d, 0x05, 0x06, 0x61, 0x79, 0x7b, 0x72, 0x85,
				    0x95, 0x18, 0xdb, 0xc3, 0xbf, 0xb7, 0xe5, 0x16, 0x28, 0x48, 0x3f, 0x9c };
	static const helper_fn helpers[HELPER_ID_MAX] = { [HELPER_loop] = loop };
	u64 seed = 0x9e3779b97f4a7c15, mem[8] = { 0 };
	u32 accepted = 0;

	for (u32 round = 0; round < 200000; round++) {
		struct insn p[24];
		struct exec_prog prog = { .insns = p, .n_insns = ARRAY_SIZE(p), .helpers = helpers };
		struct exec_env env = { .prog = &prog, .ctx = mem, .ctx_size = sizeof(mem),
					.ctx_writable = true, .max_steps = 2000,
					.mem_ok = refuse_all, .call_ok = allow };
		u64 ret;

		for (u32 k = 0; k < ARRAY_SIZE(p); k++) {
			u64 x = next_random(&seed);

			p[k] = I(codes[x % ARRAY_SIZE(codes)], (x >> 8) % 11, 0, 0, 0);
			switch (INSN_CLASS(p[k].code)) {
			case CLS_JMP:
			case CLS_JMP32:
				p[k].off = (s16)((x >> 16) % 9) - 4;
				if (p[k].code == 0x85)
					p[k] = x & 0x100000 ? CALLF((s32)((x >> 24) % 5) - 2)
							    : CALLH(HELPER_loop);
				else if (p[k].code == 0x95 || p[k].code == 5 || p[k].code == 0xe5)
					p[k].dst = 0, p[k].off = p[k].code == 0x95 ? 0 : p[k].off;
				else if (p[k].code == 6)
					p[k] = GOTOL(p[k].off);
				break;
			case CLS_LD:
				if (p[k].code == 0x18 && k + 1 < ARRAY_SIZE(p)) {
					p[k].src = x & 0x10000 ? PSEUDO_FUNC : 0;
					p[++k] = I(0, 0, 0, 0, 0);
				} else {
					p[k] = I(0x28, 0, 0, 0, 4);
				}
				break;
			default:
				if (INSN_CLASS(p[k].code) <= CLS_STX)
					p[k].off = (s16)((x >> 16) % 520) * (x & 0x8000 ? 1 : -1);
				if (p[k].code & SRC_X || INSN_CLASS(p[k].code) == CLS_LDX ||
				    INSN_CLASS(p[k].code) == CLS_STX)
					p[k].src = (x >> 12) % 11;
				if (INSN_CLASS(p[k].code) == CLS_ST)
					p[k].src = 0;
			}
		}
		p[ARRAY_SIZE(p) - 1] = EXIT();
		if (insns_check(p, ARRAY_SIZE(p), (struct place){ 0 }, NULL))
			continue;
		accepted++;
		exec_run(&env, NULL, &ret);
	}
	CHECK(accepted > 200);
}

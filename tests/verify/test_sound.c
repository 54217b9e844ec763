/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that Linux 6.18 accepts and that read outside of their memory, or may: profile.sound refuses
 * them.  Found by tests/verify/sound, but for the last. */
#include "abi/uapi.h"
#include "isa/asm.h"
#include "test.h"
#include "verify/verify.h"
#include <errno.h>

static const struct verify_map array = { .name = "", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
					 .value_size = 48, .max_entries = 1 };

static const struct verify_map *map_at(void *arg, s32 fd)
{
	(void)arg, (void)fd;
	return &array;
}

static int verdict(const char *text, u32 type, bool sound)
{
	struct profile k = { 0 };
	struct verify_opts o = { 0 };
	struct verify_result res;
	struct insn *insns;
	u32 n;
	int err;

	CHECK_EQ(asm_text(text, strlen(text), "test", NULL, NULL, &insns, &n), 0);
	CHECK_EQ(profile_init(&k), 0);
	CHECK_EQ(profile_set_version(&k, "6.18"), 0);
	CHECK_EQ(profile_prepare(&k, NULL), 0);
	k.sound = sound;
	err = verify(&(struct verify_prog){ .insns = insns, .n_insns = n, .type = type, .name = "",
					    .attach_type = type == BPF_PROG_TYPE_XDP ? BPF_XDP : 0,
					    .flags = BPF_F_TEST_STATE_FREQ, .gpl = true,
					    .host = { .map = map_at } },
		     &k, &o, &res);
	verify_result_free(&res);
	profile_free(&k);
	free(insns);
	return err;
}

#define LINUX_ACCEPTS_AND_WE_REFUSE(text, type)               \
	do {                                                  \
		CHECK_EQ(verdict(text, type, false), 0);      \
		CHECK_EQ(verdict(text, type, true), -EACCES); \
	} while (0)

TEST(a_signed_fill_is_another_number)
{
	LINUX_ACCEPTS_AND_WE_REFUSE("r0 = *(u32 *)(r1 +0)\n"
				    "*(u64 *)(r10 -8) = r0\n"
				    "r2 = *(s32 *)(r10 -8)\n"
				    "if r2 s> 26 goto out\n"
				    "if r0 s< 0 goto out\n"
				    "r7 = map[fd:1][0]+0\n"
				    "r7 += r0\n"
				    "r0 = *(u8 *)(r7 +0)\n"
				    "out: r0 = 0\n"
				    "exit\n",
				    BPF_PROG_TYPE_RAW_TRACEPOINT);
}

TEST(a_fetched_number_matters_where_it_was)
{
	LINUX_ACCEPTS_AND_WE_REFUSE("r0 = *(u64 *)(r1 +0)\n"
				    "r7 = map[fd:1][0]+0\n"
				    "*(u64 *)(r10 -8) = 4000\n"
				    "if r0 == 7 goto join\n"
				    "*(u64 *)(r10 -8) = 8\n"
				    "join: r5 = 1\n"
				    "r5 = atomic64_fetch_add((u64 *)(r10 -8), r5)\n"
				    "r7 += r5\n"
				    "r0 = *(u8 *)(r7 +0)\n"
				    "r0 = 0\n"
				    "exit\n",
				    BPF_PROG_TYPE_RAW_TRACEPOINT);
}

TEST(a_step_back_from_the_packets_end)
{
	LINUX_ACCEPTS_AND_WE_REFUSE("r2 = *(u32 *)(r1 +0)\n"
				    "r3 = *(u32 *)(r1 +4)\n"
				    "r2 += 20\n"
				    "if r2 > r3 goto past\n"
				    "out: r0 = 0\n"
				    "exit\n"
				    "past: r2 += -20\n"
				    "if r2 > r3 goto out\n"
				    "r0 = *(u8 *)(r2 +4000)\n"
				    "exit\n",
				    BPF_PROG_TYPE_XDP);
}

TEST(past_the_packets_end_is_not_less_than_inside)
{
	static const char text[] = "r2 = *(u32 *)(r1 +0)\n"
				    "r3 = *(u32 *)(r1 +4)\n"
				    "r2 += 20\n"
				    "if r3 > r2 goto join\n"
				    "r0 = 0\n"
				    "join: r0 = 1\n"
				    "if r3 <= r2 goto out\n"
				    "r0 = *(u8 *)(r2 +4000)\n"
				    "out: r0 = 0\n"
				    "exit\n";

	/* both refuse */
	CHECK_EQ(verdict(text, BPF_PROG_TYPE_XDP, false), -EACCES);
	CHECK_EQ(verdict(text, BPF_PROG_TYPE_XDP, true), -EACCES);
}

TEST(a_number_plus_a_stack_pointer)
{
	LINUX_ACCEPTS_AND_WE_REFUSE("r7 = map[fd:1][0]+0\n"
				    "*(u64 *)(r10 -8) = 8\n"
				    "r1 = r10\n"
				    "call func\n"
				    "r0 = 0\n"
				    "exit\n"
				    "func: r6 = *(u64 *)(r1 -8)\n"
				    "*(u64 *)(r10 -8) = 4000\n"
				    "r2 = -8\n"
				    "r2 += r10\n"
				    "r3 = *(u64 *)(r2 +0)\n"
				    "r4 = map[fd:1][0]+0\n"
				    "r4 += r3\n"
				    "r0 = *(u8 *)(r4 +0)\n"
				    "exit\n",
				    BPF_PROG_TYPE_RAW_TRACEPOINT);
}

TEST(the_low_half_of_a_pointer_may_be_zero)
{
	LINUX_ACCEPTS_AND_WE_REFUSE("r7 = map[fd:1][0]+0\n"
				    "if w7 == 0 goto bad\n"
				    "r0 = 0\n"
				    "exit\n"
				    "bad: r0 = *(u8 *)(r7 +4000)\n"
				    "exit\n",
				    BPF_PROG_TYPE_RAW_TRACEPOINT);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Explanations of programs without source: which insns they point to, and what they say. */
#include "abi/helper.h"
#include "explain/explain.h"
#include "isa/asm.h"
#include "test.h"

static const struct verify_map hash = {
	.name = "m", .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8, .max_entries = 4,
};

static const struct verify_map *find_map(void *arg, s32 fd)
{
	(void)arg;
	return fd == 1 ? &hash : NULL;
}

static u32 helper_id(void *arg, const char *name)
{
	(void)arg;
	return helper_id_by_name(name);
}

/* Of an xdp program; the caller frees it. */
static void explain(const char *text, struct explanation *x)
{
	const struct asm_names names = { .helper = helper_id };
	struct profile k;
	struct verify_prog p = {
		.type = BPF_PROG_TYPE_XDP, .name = "t", .gpl = true, .host = { .map = find_map },
	};
	struct verify_opts o = {0};
	struct verify_result res;
	struct diag dg = {0};
	struct insn *insns = NULL;

	assert_int_equal(asm_text(text, strlen(text), "t", &names, &dg, &insns, &p.n_insns), 0);
	assert_int_equal(profile_init(&k), 0);
	assert_int_equal(profile_prepare(&k, &dg), 0);
	p.insns = insns;
	assert_int_not_equal(verify(&p, &k, &o, &res), 0);
	assert_int_equal(explain_make(&p, &k, &res, x), 0);
	CHECK(x->sentence && *x->sentence);
	verify_result_free(&res);
	profile_free(&k);
	diag_free(&dg);
	free(insns);
}

static const struct explain_note *note_of(const struct explanation *x, enum explain_kind kind)
{
	for (u32 i = 0; i < x->n_notes; i++)
		if (x->notes[i].kind == kind)
			return &x->notes[i];
	fail_msg("no note of kind %s", explain_kind_text(kind));
	return NULL;
}

#define LOOKUP                         \
	"r1 = 0\n"                     \
	"*(u32 *)(r10 -4) = r1\n"      \
	"r2 = r10\n"                   \
	"r2 += -4\n"                   \
	"r1 = map[fd:1]\n"             \
	"call bpf_map_lookup_elem#1\n" /* insn 6 */

TEST(a_pointer_is_followed_through_copies_and_the_stack)
{
	struct explanation x;

	explain(LOOKUP "r6 = r0\n"
		       "*(u64 *)(r10 -16) = r6\n"
		       "r3 = *(u64 *)(r10 -16)\n"
		       "r0 = *(u64 *)(r3 +0)\n"
		       "exit\n", &x);
	CHECK(strstr(x.sentence, "may be null"));
	CHECK(strstr(x.sentence, "bpf_map_lookup_elem() gives NULL when the key is not there"));
	CHECK_EQ(note_of(&x, EXPLAIN_ORIGIN)->at.pc, 6);
	CHECK_EQ(x.n_path, 10);
	CHECK_EQ(x.path[9], 10);
	CHECK(strstr(x.state, "R3=map_value_or_null"));
	explain_free(&x);
}

TEST(an_argument_is_followed_to_the_caller)
{
	struct explanation x;

	explain(LOOKUP "r1 = r0\n"
		       "call f\n"
		       "exit\n"
		"f:	r0 = *(u64 *)(r1 +0)\n"
		"	exit\n", &x);
	CHECK_EQ(note_of(&x, EXPLAIN_ORIGIN)->at.pc, 6);
	explain_free(&x);
}

TEST(a_check_of_the_low_half_is_told)
{
	struct explanation x;

	explain(LOOKUP "if r0 == 0 goto out\n"
		       "r6 = r0\n"
		       "call bpf_ktime_get_ns#5\n"     /* insn 9 */
		       "if w0 > 0x3 goto out\n"        /* insn 10 */
		       "r6 += r0\n"
		       "r1 = *(u8 *)(r6 +0)\n"
		"out:	r0 = 2\n"
		"	exit\n", &x);
	CHECK(strstr(x.sentence, "the value of map 'm' has 8 bytes"));
	CHECK_EQ(note_of(&x, EXPLAIN_ORIGIN)->at.pc, 9);
	CHECK_EQ(note_of(&x, EXPLAIN_CHECK)->at.pc, 10);
	CHECK_STR(note_of(&x, EXPLAIN_CHECK)->text, "checked here are only the low 32 bits: at most 3");
	explain_free(&x);
}

TEST(a_bound_that_is_too_wide_is_told)
{
	struct explanation x;

	explain(LOOKUP "if r0 == 0 goto out\n"
		       "r6 = r0\n"
		       "call bpf_get_prandom_u32#7\n"
		       "if r0 > 0x8 goto out\n"
		       "r6 += r0\n"
		       "r1 = *(u8 *)(r6 +0)\n"
		"out:	r0 = 2\n"
		"	exit\n", &x);
	CHECK_STR(x.sentence, "the offset is at most 8 here, so that this may read byte 8 of the value of "
			      "map 'm', which has 8");
	CHECK_EQ(note_of(&x, EXPLAIN_CHECK)->at.pc, 10);
	explain_free(&x);
}

TEST(a_sign_extension_loses_a_bound)
{
	struct explanation x;

	explain(LOOKUP "if r0 == 0 goto out\n"
		       "r6 = r0\n"
		       "call bpf_get_prandom_u32#7\n"
		       "r1 = (s8)r0\n"                 /* insn 10 */
		       "if r1 s> 0x3 goto out\n"
		       "r6 += r1\n"
		       "r1 = *(u8 *)(r6 +0)\n"
		"out:	r0 = 2\n"
		"	exit\n", &x);
	CHECK_EQ(note_of(&x, EXPLAIN_LOST)->at.pc, 10);
	explain_free(&x);
}

TEST(a_packet_without_a_look_at_its_end)
{
	struct explanation x;

	explain("r2 = *(u32 *)(r1 +0)\n"
		"r0 = *(u8 *)(r2 +12)\n"
		"exit\n", &x);
	CHECK_STR(x.sentence, "byte 12 of the packet is read here without a look at how long it is");
	CHECK(strstr(x.help, "p + 13 > data_end"));
	explain_free(&x);
}

TEST(what_a_call_used_up)
{
	struct explanation x;

	explain("call bpf_get_prandom_u32#7\n"
		"r0 = r1\n"
		"exit\n", &x);
	CHECK_EQ(note_of(&x, EXPLAIN_LOST)->at.pc, 0);
	explain_free(&x);
}

TEST(refused_before_a_path_was_walked)
{
	struct explanation x;

	explain("r0 = 0\n"
		"exit\n"
		"exit\n", &x);
	CHECK_STR(x.sentence, "no path leads to this insn");
	CHECK_EQ(x.n_path, 0);
	CHECK(!x.state);
	explain_free(&x);
}

TEST(a_long_path_keeps_its_end)
{
	struct explanation x;
	struct str out = {0};

	explain("r1 = 0\n"
		"again:	r1 += 1\n"
		"	if r1 < 0x7fffffff goto again\n"
		"	r0 = 0\n"
		"	exit\n", &x);
	CHECK(strstr(x.sentence, "gave up after"));
	CHECK_EQ(x.n_path, 4096);
	CHECK(x.n_path_before > 900000);
	explain_text(&x, &out);
	CHECK(strstr(str_text(&out), "Linux says: BPF program is too large"));
	str_free(&out);
	explain_free(&x);
}

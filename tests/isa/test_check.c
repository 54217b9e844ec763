/* SPDX-License-Identifier: BSD-2-Clause */
/* Structural faults of bytecode and what is said of each; the sentences are Linux 6.18's. */
#include "isa/check.h"
#include "test.h"
#include <errno.h>

#define EXIT { .code = CLS_JMP | JMP_EXIT }
#define MOV(r, v) { .code = CLS_ALU64 | ALU_MOV, .dst = r, .imm = v }

static const struct fault {
	const char *text; /* NULL: nothing wrong */
	struct insn insns[6];
	u32 n;
} faults[] = {
	{ NULL, { MOV(0, 1), EXIT }, 2 },
	{ "last insn is not an exit or jmp", { MOV(0, 1) }, 1 },
	{ "last insn is not an exit or jmp", { EXIT, { .code = 0x18 }, { 0 } }, 3 },
	{ "last insn is not an exit or jmp", { EXIT, { .code = 0x15, .off = -2 } }, 2 },
	{ "jump out of range from insn 0 to 2", { { .code = 0x05, .off = 1 }, EXIT }, 2 },
	{ "jump out of range from insn 0 to -1", { { .code = 0x05, .off = -2 }, EXIT }, 2 },
	{ "jump into the middle of ldimm64 insn 1",
	  { { .code = 0x05, .off = 1 }, { .code = 0x18 }, { 0 }, EXIT }, 4 },
	{ "invalid bpf_ld_imm64 insn", { { .code = 0x18 } }, 1 },
	{ "invalid bpf_ld_imm64 insn", { { .code = 0x18 }, EXIT, EXIT }, 3 },
	{ "unrecognized bpf_ld_imm64 insn", { { .code = 0x18, .src = 7 }, { 0 }, EXIT }, 3 },
	{ "BPF_LD_IMM64 uses reserved fields", { { .code = 0x18, .off = 1 }, { 0 }, EXIT }, 3 },
	{ "R11 is invalid", { MOV(11, 0), EXIT }, 2 },
	{ "R15 is invalid", { { .code = 0x79, .src = 15 }, EXIT }, 2 },
	{ "frame pointer is read only", { MOV(10, 0), EXIT }, 2 },
	{ "frame pointer is read only", { { .code = 0x79, .dst = 10 }, EXIT }, 2 },
	{ "frame pointer is read only", { { .code = 0xdb, .src = 10, .imm = 1 }, EXIT }, 2 },
	{ NULL, { { .code = 0xdb, .src = 10, .imm = 0 }, EXIT }, 2 },
	{ "unknown opcode 8d", { { .code = 0x8d, .dst = 2 }, EXIT }, 2 },
	{ "unknown opcode ff", { { .code = 0xff }, EXIT }, 2 },
	{ "unknown opcode 00", { { .code = 0x00 }, EXIT }, 2 },
	{ "unknown opcode 99", { { .code = 0x99 }, EXIT }, 2 },
	{ "BPF_NEG uses reserved fields", { { .code = 0x87, .imm = 1 }, EXIT }, 2 },
	{ "BPF_END uses reserved fields", { { .code = 0xd4, .imm = 8 }, EXIT }, 2 },
	{ "BPF_MOV uses reserved fields", { { .code = 0xbc, .off = 32 }, EXIT }, 2 },
	{ "BPF_ALU uses reserved fields", { { .code = 0x07, .off = 1 }, EXIT }, 2 },
	{ "BPF_ALU uses reserved fields", { { .code = 0x0f, .imm = 1 }, EXIT }, 2 },
	{ NULL, { { .code = 0x3f, .off = 1 }, EXIT }, 2 },
	{ "BPF_LDX uses reserved fields", { { .code = 0x79, .imm = 1 }, EXIT }, 2 },
	{ "BPF_LDX uses reserved fields", { { .code = 0x39 }, EXIT }, 2 },
	{ "BPF_STX uses reserved fields", { { .code = 0x7b, .imm = 1 }, EXIT }, 2 },
	{ "BPF_ST uses reserved fields", { { .code = 0x7a, .src = 1 }, EXIT }, 2 },
	{ "BPF_ATOMIC uses invalid atomic opcode 02", { { .code = 0xdb, .imm = 2 }, EXIT }, 2 },
	{ "invalid atomic operand size", { { .code = 0xcb, .imm = 0 }, EXIT }, 2 },
	{ NULL, { { .code = 0xcb, .imm = 0x100 }, EXIT }, 2 },
	{ "BPF_CALL uses reserved fields", { { .code = 0x85, .src = 3 }, EXIT }, 2 },
	{ "BPF_EXIT uses reserved fields", { { .code = 0x95, .imm = 1 } }, 1 },
	{ "BPF_JA uses reserved fields", { { .code = 0x05, .imm = 1 }, EXIT }, 2 },
	{ "BPF_JMP/JMP32 uses reserved fields", { { .code = 0x1d, .imm = 1 }, EXIT }, 2 },
	{ "invalid may_goto imm 4", { { .code = 0xe5, .imm = 4 }, EXIT }, 2 },
	{ "BPF_LD_[ABS|IND] uses reserved fields", { { .code = 0x30, .src = 1 }, EXIT }, 2 },
	{ "call to invalid destination", { { .code = 0x85, .src = 1, .imm = 5 }, EXIT }, 2 },
	{ "call to invalid destination", { { .code = 0x85, .src = 1, .imm = -2 }, EXIT }, 2 },
	{ "last insn is not an exit or jmp", { { .code = 0x85, .src = 1 }, EXIT }, 2 },
	{ NULL, { { .code = 0x85, .src = 1, .imm = 1 }, EXIT, EXIT }, 3 },
	{ "jump out of range from insn 1 to 3",
	  { { .code = 0x85, .src = 1, .imm = 2 }, { .code = 0x05, .off = 1 }, EXIT, EXIT }, 4 },
};

TEST(each_fault_has_the_kernels_sentence)
{
	for (u32 f = 0; f < ARRAY_SIZE(faults); f++) {
		struct diag dg = { 0 };
		int err;

		err = insns_check(faults[f].insns, faults[f].n, (struct place){ 0 }, &dg);
		if (!faults[f].text) {
			CHECK_EQ(err, 0);
			continue;
		}
		CHECK_EQ(err, -EINVAL);
		CHECK_EQ(dg.n, 1);
		if (!strstr(dg.msgs[0].text, faults[f].text))
			fail_msg("'%s', not '%s'", dg.msgs[0].text, faults[f].text);
		diag_free(&dg);
	}
}

TEST(far_jumps_do_not_wrap)
{
	struct insn p[] = { { .code = 0x06, .imm = INT32_MAX }, EXIT };

	CHECK_EQ(insns_check(p, 2, (struct place){ 0 }, NULL), -EINVAL);
	p[0].imm = INT32_MIN;
	CHECK_EQ(insns_check(p, 2, (struct place){ 0 }, NULL), -EINVAL);
	p[0] = (struct insn){ .code = 0x85, .src = 1, .imm = INT32_MAX };
	CHECK_EQ(insns_check(p, 2, (struct place){ 0 }, NULL), -EINVAL);
}

TEST(a_section_gives_the_place)
{
	struct insn p[] = { MOV(0, 0), MOV(11, 0), EXIT };
	struct diag dg = { 0 };

	CHECK_EQ(insns_check(p, 3, (struct place){ .sect = "xdp", .off = 16 }, &dg), -EINVAL);
	CHECK_EQ(dg.msgs[0].at.off, 24);
	diag_free(&dg);
}

TEST(sizes_have_limits)
{
	struct insn *p = calloc(INSNS_MAX + 1, sizeof(*p));

	CHECK(p);
	for (u32 i = 0; i <= INSNS_MAX; i++)
		p[i] = (struct insn)EXIT;
	CHECK_EQ(insns_check(p, 0, (struct place){ 0 }, NULL), -E2BIG);
	CHECK_EQ(insns_check(p, INSNS_MAX, (struct place){ 0 }, NULL), 0);
	CHECK_EQ(insns_check(p, INSNS_MAX + 1, (struct place){ 0 }, NULL), -E2BIG);
	for (u32 i = 0; i < SUBPROGS_MAX; i++)
		p[i] = (struct insn){ .code = 0x85, .src = 1, .imm = SUBPROGS_MAX };
	CHECK_EQ(insns_check(p, 2000, (struct place){ 0 }, NULL), -E2BIG);
	p[0] = (struct insn)MOV(0, 0);
	CHECK_EQ(insns_check(p, 2000, (struct place){ 0 }, NULL), 0);
	free(p);
}

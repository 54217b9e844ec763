/* SPDX-License-Identifier: BSD-2-Clause */
/* Text to insns in both notations; expected bytes are those of RFC 9669 and of llvm-mc. */
#include "base/str.h"
#include "isa/asm.h"
#include "isa/check.h"
#include "isa/disasm.h"
#include "test.h"
#include <errno.h>

/* Two helpers are enough to see names at work. */
static u32 helper(void *arg, const char *name)
{
	(void)arg;
	if (strncmp(name, "bpf_", 4) == 0)
		name += 4;
	return strcmp(name, "map_lookup_elem") == 0 ? 1 : strcmp(name, "trace_printk") == 0 ? 6 : 0;
}

static const struct asm_names names = { NULL, helper };

static void hex_of(const struct insn *insns, u32 n, struct str *out)
{
	const u8 *b = (const u8 *)insns;

	for (u32 i = 0; i < n * sizeof(*insns); i++)
		str_addf(out, i % 8 ? "%02x" : i ? " %02x" : "%02x", b[i]);
}

static void check_text(const char *text, const char *hex)
{
	struct diag dg = { 0 };
	struct insn *insns;
	struct str got = { 0 };
	u32 n;

	if (asm_text(text, strlen(text), "t", &names, &dg, &insns, &n) < 0)
		fail_msg("%s: %s", text, dg.n ? dg.msgs[0].text : "no message");
	hex_of(insns, n, &got);
	if (strcmp(str_text(&got), hex) != 0)
		fail_msg("%s: %s, not %s", text, str_text(&got), hex);
	str_free(&got);
	free(insns);
	diag_free(&dg);
}

static const struct {
	const char *text, *hex;
} both[] = {
	{ "r1 = r2", "bf21000000000000" },
	{ "mov %r1, %r2", "bf21000000000000" },
	{ "mov r1, r2", "bf21000000000000" },
	{ "w1 = w2", "bc21000000000000" },
	{ "mov32 %r1, %r2", "bc21000000000000" },
	{ "r1 = -5", "b7010000fbffffff" },
	{ "r1 = 0xfffffffb", "b7010000fbffffff" },
	{ "w3 = 7", "b403000007000000" },
	{ "(b4) w3 = 7", "b403000007000000" },
	{ "r1 += r2", "0f21000000000000" },
	{ "r1 s>>= 3", "c701000003000000" },
	{ "arsh %r1, 3", "c701000003000000" },
	{ "w1 <<= w2", "6c21000000000000" },
	{ "r1 s/= r2", "3f21010000000000" },
	{ "sdiv %r1, %r2", "3f21010000000000" },
	{ "w1 s%= 5", "9401010005000000" },
	{ "smod32 %r1, 5", "9401010005000000" },
	{ "r4 = -r4", "8704000000000000" },
	{ "neg %r4", "8704000000000000" },
	{ "w4 = -w4", "8404000000000000" },
	{ "r1 = (s8)r2", "bf21080000000000" },
	{ "movsx864 %r1, %r2", "bf21080000000000" },
	{ "w1 = (s16)w2", "bc21100000000000" },
	{ "r1 = (s32)r2", "bf21200000000000" },
	{ "r1 = be16 r1", "dc01000010000000" },
	{ "be16 %r1", "dc01000010000000" },
	{ "r1 = le64 r1", "d401000040000000" },
	{ "r1 = bswap32 r1", "d701000020000000" },
	{ "swap32 %r1", "d701000020000000" },
	{ "r1 = *(u64 *)(r10 -8)", "79a1f8ff00000000" },
	{ "r1 = *(u64 *)(r10 - 8)", "79a1f8ff00000000" },
	{ "ldxdw %r1, [%r10-8]", "79a1f8ff00000000" },
	{ "r1 = *(u8 *)(r2 +0)", "7121000000000000" },
	{ "w1 = *(u8 *)(r2 + 0)", "7121000000000000" },
	{ "ldxb %r1, [%r2]", "7121000000000000" },
	{ "r1 = *(s16 *)(r2 +0x10)", "8921100000000000" },
	{ "ldxsh %r1, [%r2+0x10]", "8921100000000000" },
	{ "*(u32 *)(r10 -4) = r3", "633afcff00000000" },
	{ "*(u32 *)(r10 - 4) = w3", "633afcff00000000" },
	{ "stxw [%r10-4], %r3", "633afcff00000000" },
	{ "*(u16 *)(r10 -4) = 258", "6a0afcff02010000" },
	{ "sth [%r10-4], 258", "6a0afcff02010000" },
	{ "lock *(u64 *)(r1 +8) += r2", "db21080000000000" },
	{ "lock add [%r1+8], %r2", "db21080000000000" },
	{ "lock *(u32 *)(r1 +8) ^= w2", "c3210800a0000000" },
	{ "lock xor32 [%r1+8], %r2", "c3210800a0000000" },
	{ "r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)", "db21000001000000" },
	{ "r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)", "db21000001000000" },
	{ "lock fetch add [%r1], %r2", "db21000001000000" },
	{ "w2 = atomic_fetch_or((u32 *)(r1 + 0), w2)", "c321000041000000" },
	{ "r2 = atomic64_xchg((u64 *)(r1 +0), r2)", "db210000e1000000" },
	{ "r2 = xchg_64(r1 + 0, r2)", "db210000e1000000" },
	{ "lock xchg [%r1], %r2", "db210000e1000000" },
	{ "r0 = atomic_cmpxchg((u32 *)(r1 +4), r0, r2)", "c3210400f1000000" },
	{ "w0 = cmpxchg32_32(r1 + 4, w0, w2)", "c3210400f1000000" },
	{ "lock cmpxchg32 [%r1+4], %r2", "c3210400f1000000" },
	{ "r3 = load_acquire((u16 *)(r1 +2))", "cb13020000010000" },
	{ "store_release((u8 *)(r1 -2), r3)", "d331feff10010000" },
	{ "r1 = addr_space_cast(r2, 0, 1)", "bf21010001000000" },
	{ "r1 = addr_space_cast(r2, 0x1, 0x0)", "bf21010000000100" },
	{ "r0 = *(u16 *)skb[12]", "280000000c000000" },
	{ "ldabsh 12", "280000000c000000" },
	{ "r0 = *(u8 *)skb[r6 + -4]", "50600000fcffffff" },
	{ "ldindb %r6, -4", "50600000fcffffff" },
	{ "if r1 > 0x5 goto pc+3", "2501030005000000" },
	{ "if r1 > 5 goto +3 <LBB0_2>", "2501030005000000" },
	{ "jgt %r1, 5, +3", "2501030005000000" },
	{ "if w1 s>= w2 goto pc-4", "7e21fcff00000000" },
	{ "jsge32 %r1, %r2, -4", "7e21fcff00000000" },
	{ "if r1 & 0xffffffff goto pc+0", "45010000ffffffff" },
	{ "if r1 == r2 goto pc+1", "1d21010000000000" },
	{ "goto pc-1", "0500ffff00000000" },
	{ "ja -1", "0500ffff00000000" },
	{ "gotol pc+70000", "0600000070110100" },
	{ "ja32 +70000", "0600000070110100" },
	{ "may_goto pc+1", "e500010000000000" },
	{ "call bpf_map_lookup_elem#1", "8500000001000000" },
	{ "call bpf_map_lookup_elem", "8500000001000000" },
	{ "call map_lookup_elem", "8500000001000000" },
	{ "call unknown#77", "850000004d000000" },
	{ "call 6", "8500000006000000" },
	{ "call helper 6", "8500000006000000" },
	{ "call pc+5", "8510000005000000" },
	{ "call local -1", "85100000ffffffff" },
	{ "call kernel-function#1234", "85200000d2040000" },
	{ "call bpf_obj_new_impl#1234", "85200000d2040000" },
	{ "call runtime 1234", "85200000d2040000" },
	{ "call %r2", "8d02000000000000" },
	{ "callx r2", "8d02000000000000" },
	{ "exit", "9500000000000000" },
	{ "r1 = 0x1122334455667788 ll", "1801000088776655 0000000044332211" },
	{ "(18) r1 = 0x5", "1801000005000000 0000000000000000" },
	{ "lddw %r1, 0x1122334455667788", "1801000088776655 0000000044332211" },
	{ "lddw %r1, -2", "18010000feffffff 00000000ffffffff" },
	{ "r1 = map[fd:4]", "1811000004000000 0000000000000000" },
	{ "r1 = map[fd:4][0]+16", "1821000004000000 0000000010000000" },
	{ "r1 = map[fd:4][0]+4294967295", "1821000004000000 00000000ffffffff" },
	{ "r1 = map[idx:2]", "1851000002000000 0000000000000000" },
	{ "r1 = map[idx:2][0]+16", "1861000002000000 0000000010000000" },
	{ "r1 = btf[fd:3][id:99]", "1831000063000000 0000000003000000" },
	{ "r1 = subprog[+5]", "1841000005000000 0000000000000000" },
	{ ".insn 8d 02 00 00 00 00 00 00", "8d02000000000000" },
	{ "12: (bf) r1 = r2  ; R1_w=5", "bf21000000000000" },
	{ "       3:\tbf 21 00 00 00 00 00 00\tr1 = r2", "bf21000000000000" },
	{ "\texit # done", "9500000000000000" },
	{ "exit // done", "9500000000000000" },
	{ "", "" },
};

TEST(both_notations_give_the_same_bytes)
{
	for (u32 i = 0; i < ARRAY_SIZE(both); i++)
		check_text(both[i].text, both[i].hex);
}

TEST(labels)
{
	check_text("a: goto b\nb: goto a\n", "0500000000000000 0500feff00000000");
	check_text("lddw r0, 1\njeq r0, 1, exit\nexit\nexit",
		   "1800000001000000 0000000000000000 1500000001000000 9500000000000000 "
		   "9500000000000000");
	check_text("call f\nexit\nf:\nexit", "8510000001000000 9500000000000000 9500000000000000");
	check_text("r1 = f ll\nexit\nf: exit", "1841000002000000 0000000000000000 "
					       "9500000000000000 9500000000000000");
	check_text("gotol f\nf: exit", "0600000000000000 9500000000000000");
	check_text("0000000000000000 <main>:\n  goto main", "0500ffff00000000");
}

static const struct {
	const char *text, *message;
	u32 line, col;
} faults[] = {
	{ "r1 = ", "expected a value, the line ends here", 1, 6 },
	{ "exit\n  r11 = 1", "'r11' is no insn", 2, 3 },
	{ "mov %r11, 1", "expected a register (r0 to r10, w0 to w10), not '%'", 1, 5 },
	{ "mov %r1 1", "expected ',', not '1'", 1, 9 },
	{ "r1 = 0x123456789", "an immediate has 32 bits; a wide load is `r1 = 0x... ll` or `lddw`", 1,
	  6 },
	{ "r1 = 2147483648",
	  "an immediate has 32 bits; a wide load is `r1 = 0x... ll` or `lddw`", 1, 6 },
	{ "r1 = 0x12345678123456789 ll", "number has more than 64 bits", 1, 8 },
	{ "goto nowhere", "no label is called 'nowhere'", 1, 6 },
	{ "call nobody", "no label and no helper is called 'nobody'", 1, 6 },
	{ "call bpf_trace_printk#7", "bpf_trace_printk is helper 6, not 7", 1, 6 },
	{ "a: exit\na: exit", "label 'a' is defined twice", 2, 1 },
	{ "r1 += w2", "both registers must be whole (r0 to r10)", 1, 7 },
	{ "if w1 > r2 goto +1", "both registers must be halves (w0 to w10)", 1, 9 },
	{ "r1 = *(u128 *)(r2 +0)", "'u128' is no type of a load or store (u8 to u64, s8 to s32)", 1,
	  8 },
	{ "r1 = *(u64 *)(r2 +40000)", "an offset has 16 bits, -32768 to 32767", 1, 18 },
	{ "r1 = *(u64 *)(w2 +4)", "a whole register stands here: r2, not w2", 1, 15 },
	{ "r1 = -r2", "a register is negated in place", 1, 6 },
	{ "exit 5", "expected the end of the line, not '5'", 1, 6 },
	{ "(bf) r1 = 5", "this is opcode b7, not bf", 1, 6 },
	{ "frob %r1, %r2", "'frob' is no insn", 1, 1 },
	{ "lock frob [%r1], %r2", "'frob' is no atomic operation", 1, 6 },
	{ "r1 = atomic64_xchg((u64 *)(r2 +0), r3)", "r1 must stand here, not r3", 1, 36 },
	{ ".insn 8d 02", "expected eight hex bytes, not '8d'", 1, 7 },
};

TEST(faults_have_line_and_column)
{
	for (u32 i = 0; i < ARRAY_SIZE(faults); i++) {
		struct diag dg = { 0 };
		struct insn *insns;
		u32 n;

		CHECK_EQ(asm_text(faults[i].text, strlen(faults[i].text), "t", &names, &dg, &insns,
				  &n),
			 -EINVAL);
		CHECK_EQ(dg.n, 1);
		CHECK_STR(dg.msgs[0].text, faults[i].message);
		CHECK_EQ(dg.msgs[0].at.line, faults[i].line);
		CHECK_EQ(dg.msgs[0].at.col, faults[i].col);
		diag_free(&dg);
	}
}

TEST(every_faulty_line_is_reported)
{
	const char *text = "bad1\nexit\nbad2 %r1\nr1 = ?\n";
	struct diag dg = { 0 };
	struct insn *insns;
	u32 n;

	CHECK_EQ(asm_text(text, strlen(text), "t", NULL, &dg, &insns, &n), -EINVAL);
	CHECK_EQ(dg.n, 3);
	diag_free(&dg);
}

static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A random insn; in half of them the fields that validity hangs on are tame. */
static struct insn random_insn(u64 *state)
{
	static const s32 imms[] = { 0, 1, -1, 16, 32, 64, 0x41, 0xe1, 0xf1, 0x100, 0x110, 1 << 16,
				    INT32_MIN, INT32_MAX };
	u64 bits = next_random(state), more = next_random(state);
	struct insn i;

	memcpy(&i, &bits, sizeof(i));
	if (more & 1) {
		i.dst %= REG_FP;
		i.src = more & 2 ? i.src % REG_FP : 0;
		if (!(more & 4))
			i.off = (s16)(more & 256 ? 8u << (more >> 9 & 3) : more >> 9 & 1);
		i.imm = more & 8 ? imms[(more >> 16) % ARRAY_SIZE(imms)] : more & 16 ? i.imm : 0;
	}
	return i;
}

/* Text of random programs, good and bad, gives the same bytes again. */
TEST(exact_text_reads_back)
{
	u64 state = 0x9e3779b97f4a7c15;
	u32 n_valid = 0;

	for (u32 round = 0; round < 200; round++) {
		struct insn prog[200], *back;
		struct str text = { 0 };
		struct diag dg = { 0 };
		u32 n, step;

		for (u32 i = 0; i < ARRAY_SIZE(prog); i++)
			prog[i] = random_insn(&state);
		for (u32 i = 0; i + 1 < ARRAY_SIZE(prog); i += 20) { /* wide loads are rare */
			prog[i].code = 0x18;
			prog[i].off = 0;
			prog[i].src %= 8;
			prog[i + 1] = (struct insn){ .imm = prog[i + 1].imm };
		}
		for (u32 i = 0; i < ARRAY_SIZE(prog); i += step) {
			n_valid += insn_check(&prog[i], (u32)ARRAY_SIZE(prog) - i, 0,
					      (struct place){ 0 }, NULL) == 0;
			step = disasm_insn(&text, &prog[i], (u32)ARRAY_SIZE(prog) - i,
						 DISASM_EXACT, NULL);
			str_addc(&text, '\n');
		}
		if (asm_text(text.p, text.len, "t", NULL, &dg, &back, &n) < 0)
			fail_msg("line %u: %s\n%s", dg.msgs[0].at.line, dg.msgs[0].text, text.p);
		CHECK_EQ(n, ARRAY_SIZE(prog));
		CHECK_MEM(back, prog, sizeof(prog));
		free(back);
		str_free(&text);
	}
	CHECK(n_valid > 2000);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Interpreter and native code beside the kernel's JIT, on the same insns.
 *
 * Each program begins with r1 = 2 KB of memory: the value of an array map in the kernel, plain memory
 * here.  Rounds are interleaved; figures are medians, ns a run, less what an empty program takes on
 * the same engine (the kernel's is the loop of BPF_PROG_TEST_RUN).  The last lines are the ones that
 * must hold: native/kernel at most 1, ns an insn at most 3, compilation under 100 us.
 */
#include "../tests/insn/kernel.h"
#include "bench.h"
#include "base/diag.h"
#include "exec/exec.h"
#include "exec/jit.h"
#include "isa/asm.h"
#include "isa/check.h"
#include <math.h>

enum { MEM_BYTES = 2048, ROUNDS = 41, ROUND_NS = 500000 };

/* Two runs of the same code differ by as much: of some programs (prime, fnv1a) one chain of operations
 * takes all the time, whoever compiled them. */
#define NOISE 0.02

#define LOOP_HEAD "r0 = 0\n r3 = 0\n next: r4 = r1\n r4 += r3\n"
#define LOOP_END(step, limit) "r3 += " #step "\n if r3 != " #limit " goto next\n exit\n"
#define LOG2_STEP(limit, bits) \
	"if r4 < " #limit " goto +2\n r4 >>= " #bits "\n r5 |= " #bits "\n"
#define JHASH_MIX(a, b, c, rot, inv) \
	a " -= " c "\n w9 = " c "\n w9 <<= " #rot "\n w8 = " c "\n w8 >>= " #inv "\n" \
	"w9 |= w8\n " a " ^= w9\n " c " += " b "\n"

static const struct {
	const char *name, *text;
} programs[] = {
	{ "empty", "r0 = 0\n exit\n" },
	{ "log2", LOOP_HEAD "r4 = *(u32 *)(r4 +0)\n r5 = 0\n"
		  LOG2_STEP(0x10000, 16) LOG2_STEP(0x100, 8) LOG2_STEP(0x10, 4) LOG2_STEP(0x4, 2)
		  "r4 >>= 1\n r5 |= r4\n r0 += r5\n" LOOP_END(4, 1024) },
	{ "prime", "r0 = 0\n r2 = 3\n"
		   "outer: r3 = 2\n"
		   "inner: r4 = r3\n r4 *= r3\n if r4 > r2 goto found\n"
		   "r4 = r2\n r4 %= r3\n if r4 == 0 goto not\n"
		   "r3 += 1\n goto inner\n"
		   "found: r0 += 1\n"
		   "not: r2 += 1\n if r2 != 500 goto outer\n exit\n" },
	{ "memcpy", "r3 = 0\n next: r4 = r1\n r4 += r3\n r5 = *(u8 *)(r4 +0)\n"
		    "*(u8 *)(r4 +1024) = r5\n r3 += 1\n if r3 != 1024 goto next\n r0 = r3\n exit\n" },
	{ "strcmp", "r0 = 0\n r3 = 0\n next: r4 = r1\n r4 += r3\n r5 = *(u8 *)(r4 +0)\n"
		    "r6 = *(u8 *)(r4 +1024)\n if r5 != r6 goto out\n"
		    "if r5 == 0 goto out\n r3 += 1\n if r3 != 1024 goto next\n r0 = 1\n out: exit\n" },
	{ "csum", LOOP_HEAD "r5 = *(u16 *)(r4 +0)\n r0 += r5\n r3 += 2\n if r3 != 2048 goto next\n"
		  "r4 = r0\n r4 >>= 16\n r0 &= 0xffff\n r0 += r4\n r4 = r0\n r4 >>= 16\n r0 += r4\n"
		  "r0 &= 0xffff\n r0 ^= 0xffff\n exit\n" },
	{ "fnv1a", "w0 = 0x811c9dc5\n r3 = 0\n next: r4 = r1\n r4 += r3\n r4 = *(u8 *)(r4 +0)\n"
		   "w0 ^= w4\n w0 *= 0x1000193\n" LOOP_END(1, 1024) },
	{ "jhash", "w0 = 0xdeadbeef\n w6 = w0\n w7 = w0\n r3 = 0\n next: r4 = r1\n r4 += r3\n"
		   "r5 = *(u32 *)(r4 +0)\n w0 += w5\n r5 = *(u32 *)(r4 +4)\n w6 += w5\n"
		   "r5 = *(u32 *)(r4 +8)\n w7 += w5\n"
		   JHASH_MIX("w0", "w6", "w7", 4, 28) JHASH_MIX("w6", "w7", "w0", 6, 26)
		   JHASH_MIX("w7", "w0", "w6", 8, 24) JHASH_MIX("w0", "w6", "w7", 16, 16)
		   JHASH_MIX("w6", "w7", "w0", 19, 13) JHASH_MIX("w7", "w0", "w6", 4, 28)
		   "r3 += 12\n if r3 != 1020 goto next\n w0 = w7\n exit\n" },
	{ "switch", LOOP_HEAD "r4 = *(u8 *)(r4 +0)\n r4 &= 7\n"
		    "if r4 > 3 goto high\n if r4 > 1 goto two\n if r4 == 0 goto c0\n r0 += 7\n goto on\n"
		    "c0: r0 ^= 5\n goto on\n"
		    "two: if r4 == 2 goto c2\n r0 <<= 1\n goto on\n c2: r0 -= 3\n goto on\n"
		    "high: if r4 > 5 goto six\n if r4 == 4 goto c4\n r0 *= 3\n goto on\n c4: r0 |= 9\n goto on\n"
		    "six: if r4 == 6 goto c6\n r0 >>= 1\n goto on\n c6: r0 += r3\n"
		    "on: " LOOP_END(1, 256) },
	{ "calls", "r6 = r1\n r7 = 0\n r8 = 0\n next: r1 = r8\n r2 = r7\n call mix\n r8 = r0\n r7 += 1\n"
		   "if r7 != 256 goto next\n r0 = r8\n exit\n"
		   "mix: r0 = r1\n r0 *= 31\n r0 += r2\n exit\n" },
	{ "parse", "r0 = 0\n r3 = 0\n next: r4 = r1\n r4 += r3\n"
		   "r2 = *(u16 *)(r4 +12)\n if r2 != 0x608 goto on\n r5 = *(u8 *)(r4 +14)\n r5 &= 15\n"
		   "r5 <<= 2\n if r5 < 20 goto on\n r2 = *(u8 *)(r4 +23)\n if r2 != 6 goto on\n"
		   "r6 = *(u32 *)(r4 +26)\n r7 = *(u32 *)(r4 +30)\n r4 += r5\n"
		   "r8 = *(u16 *)(r4 +14)\n r9 = *(u16 *)(r4 +16)\n r8 = be16 r8\n r9 = be16 r9\n"
		   "r0 += r6\n r0 ^= r7\n r0 += r8\n r0 += r9\n if r9 == 80 goto on\n r0 += 1\n"
		   "on: " LOOP_END(64, 1024) },
	{ "siphash", "r0 = 0x736f6d65\n r6 = 0x646f7261\n r7 = 0x6c796765\n r8 = 0x74656462\n r3 = 0\n"
		     "next: r4 = r1\n r4 += r3\n r4 = *(u64 *)(r4 +0)\n r8 ^= r4\n"
		     "r0 += r6\n r5 = r6\n r5 <<= 13\n r6 >>= 51\n r6 |= r5\n r6 ^= r0\n"
		     "r7 += r8\n r5 = r8\n r5 <<= 16\n r8 >>= 48\n r8 |= r5\n r8 ^= r7\n"
		     "r0 += r8\n r5 = r8\n r5 <<= 21\n r8 >>= 43\n r8 |= r5\n r8 ^= r0\n"
		     "r7 += r6\n r5 = r6\n r5 <<= 17\n r6 >>= 47\n r6 |= r5\n r6 ^= r7\n"
		     "r0 ^= r4\n" LOOP_END(8, 1024) },
};
enum { N_PROGRAMS = ARRAY_SIZE(programs) };

enum engine { INTERPRETED, CHECKED, NATIVE, KERNEL, N_ENGINES };

struct bench {
	struct exec_prog prog;
	struct insn *insns; /* owned */
	u8 mem[MEM_BYTES] __attribute__((aligned(64)));
	int kernel_prog;    /* negative errno: not there */
	u64 n_steps, compile_ns;
	u32 native_bytes;
	double ns[N_ENGINES][ROUNDS];
};

static void die(const char *what, int err)
{
	fprintf(stderr, "exec_bench: %s: %s\n", what, strerror(-err));
	exit(1);
}

/* 16 TCP packets of 64 bytes without a 0, twice. */
static void fill(u8 *mem)
{
	static const u8 ip_and_tcp[] = { 8, 6, 0x45, 1, 2, 3, 4, 5, 6, 7, 64, 6, 1, 1, 10, 9, 8, 7, 10, 9, 8, 6,
					 200, 1, 1, 80 };

	for (u32 k = 0; k < 1024; k++)
		mem[k] = (u8)(k * 167 % 255 + 1);
	for (u32 at = 12; at < 1024; at += 64)
		memcpy(mem + at, ip_and_tcp, sizeof(ip_and_tcp));
	memcpy(mem + 1024, mem, 1024);
}

static void count_step(struct exec_env *env, const struct exec_prog *p, u32 pc, const u64 *regs)
{
	(void)p, (void)pc, (void)regs;
	++*(u64 *)env->step_arg;
}

static bool in_mem(struct exec_env *env, u64 addr, u64 size, bool write)
{
	u64 off = addr - (u64)env->engine;

	if (off > MEM_BYTES || MEM_BYTES - off < size)
		return false;
	env->hit[write] = (struct exec_span){ (u64)env->engine, MEM_BYTES };
	return true;
}

static void load_kernel(struct bench *b)
{
	struct kernel_run k = { .prog_type = BPF_PROG_TYPE_XDP };
	int map = kernel_array(MEM_BYTES);

	b->kernel_prog = map;
	if (map < 0)
		return;
	kernel_value(BPF_MAP_UPDATE_ELEM, map, b->mem);
	b->insns[0].src = PSEUDO_MAP_VALUE;
	insn_set_imm64(b->insns, (u32)map);
	b->kernel_prog = kernel_load(&k, b->insns, b->prog.n_insns);
	b->insns[0].src = PSEUDO_IMM64;
	insn_set_imm64(b->insns, (u64)b->mem);
	close(map);
}

static void load(struct bench *b, const char *name, const char *body)
{
	static const char head[] = "r1 = 0x100000000 ll\n";
	char text[8192];
	struct diag dg = { 0 };
	struct jit_code *code;
	struct exec_env env = { .prog = &b->prog, .step = count_step, .step_arg = &b->n_steps };
	double start;
	u64 r0;
	u32 n = 0;
	int err;

	snprintf(text, sizeof(text), "%s%s", head, body);
	err = asm_text(text, strlen(text), name, NULL, &dg, &b->insns, &n);
	if (!err)
		err = insns_check(b->insns, n, (struct place){ 0 }, &dg);
	if (err)
		die(dg.n ? dg.msgs[0].text : name, err);
	diag_free(&dg);
	b->prog.insns = b->insns;
	b->prog.n_insns = n;
	fill(b->mem);
	insn_set_imm64(b->insns, (u64)b->mem);
	exec_run(&env, NULL, &r0);
	start = bench_now_ns();
	err = jit_compile(&b->prog, &code);
	b->compile_ns = (u64)(bench_now_ns() - start);
	if (err)
		die(name, err);
	b->prog.jit = code;
	jit_text(code, &b->native_bytes);
	load_kernel(b);
}

static double time_here(struct bench *b, enum engine engine, u32 repeat)
{
	struct exec_prog prog = b->prog;
	struct exec_env env = { .prog = &prog, .engine = b->mem, .mem_ok = engine == CHECKED ? in_mem : NULL,
				.max_steps = engine == CHECKED ? 1 << 30 : 0 };
	double start;
	u64 r0;

	if (engine != NATIVE)
		prog.jit = NULL;
	start = bench_now_ns();
	for (u32 k = 0; k < repeat; k++)
		exec_run(&env, NULL, &r0);
	return (bench_now_ns() - start) / repeat;
}

static double time_kernel(struct bench *b, u32 repeat)
{
	union bpf_attr attr;
	u8 packet[64] = { 0 };

	if (b->kernel_prog < 0)
		return 0;
	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (u32)b->kernel_prog;
	attr.test.data_in = (u64)packet;
	attr.test.data_size_in = sizeof(packet);
	attr.test.repeat = repeat;
	if (kernel_bpf(BPF_PROG_TEST_RUN, &attr))
		return 0;
	return attr.test.duration; /* whole ns */
}

static double time_one(struct bench *b, enum engine engine, u32 repeat)
{
	return engine == KERNEL ? time_kernel(b, repeat) : time_here(b, engine, repeat);
}

static double median(const struct bench *b, enum engine engine)
{
	double ns[ROUNDS];

	memcpy(ns, b->ns[engine], sizeof(ns));
	qsort(ns, ROUNDS, sizeof(*ns), bench_by_value);
	return ns[ROUNDS / 2];
}

/* Median over the rounds of native by kernel, which were measured one after the other. */
static double median_ratio(const struct bench *b, const double *base)
{
	double ratio[ROUNDS];

	for (u32 r = 0; r < ROUNDS; r++)
		ratio[r] = (b->ns[NATIVE][r] - base[NATIVE]) / MAX(b->ns[KERNEL][r] - base[KERNEL], 1);
	qsort(ratio, ROUNDS, sizeof(*ratio), bench_by_value);
	return ratio[ROUNDS / 2];
}

static void measure(struct bench *all)
{
	u32 repeat[N_PROGRAMS][N_ENGINES];

	for (u32 p = 0; p < N_PROGRAMS; p++)
		for (u32 e = 0; e < N_ENGINES; e++) {
			double once = time_one(&all[p], e, 10);

			repeat[p][e] = (u32)(ROUND_NS / (once > 1 ? once : 1)) + 1;
		}
	for (u32 r = 0; r < ROUNDS; r++)
		for (u32 p = 0; p < N_PROGRAMS; p++)
			for (u32 e = 0; e < N_ENGINES; e++)
				all[p].ns[e][r] = time_one(&all[p], e, repeat[p][e]);
}

/* ns to compile a program of 1,000 insns made of all the others. */
static double compile_1000(struct bench *all)
{
	static struct insn insns[1100];
	struct exec_prog prog = { .insns = insns };
	double ns[ROUNDS];

	while (prog.n_insns < 1000)
		for (u32 p = 1; p < N_PROGRAMS && prog.n_insns < 1000; p++) {
			u32 n = all[p].prog.n_insns;

			if (strcmp(programs[p].name, "calls") == 0)
				continue;
			memcpy(insns + prog.n_insns, all[p].insns, n * sizeof(*insns));
			prog.n_insns += n;
		}
	for (u32 r = 0; r < ROUNDS; r++) {
		struct jit_code *code;
		double start = bench_now_ns();

		if (jit_compile(&prog, &code))
			return 0;
		ns[r] = bench_now_ns() - start;
		jit_free(code);
	}
	qsort(ns, ROUNDS, sizeof(*ns), bench_by_value);
	return ns[ROUNDS / 2] * 1000 / prog.n_insns;
}

int main(void)
{
	static struct bench all[N_PROGRAMS];
	double base[N_ENGINES], product = 1, worst = 0, worst_insn = 0, worst_checked = 0, compile;
	char figure[64], peer[32];
	u32 compared = 0;

	for (u32 p = 0; p < N_PROGRAMS; p++)
		load(&all[p], programs[p].name, programs[p].text);
	measure(all);
	for (u32 e = 0; e < N_ENGINES; e++)
		base[e] = median(&all[0], e);
	printf("empty program: interpreter %.1f, native %.1f, kernel %.1f ns\n", base[INTERPRETED],
	       base[NATIVE], base[KERNEL]);
	printf("%-9s %7s %9s %9s %9s %7s %8s %8s %6s\n", "program", "insns", "native", "kernel",
	       "interp", "n/k", "ns/insn", "checked", "bytes");
	for (u32 p = 1; p < N_PROGRAMS; p++) {
		struct bench *b = &all[p];
		double net[N_ENGINES], ratio = 0, insn, checked;

		for (u32 e = 0; e < N_ENGINES; e++)
			net[e] = MAX(median(b, e) - base[e], 0.1);
		insn = net[INTERPRETED] / (double)b->n_steps;
		checked = net[CHECKED] / (double)b->n_steps;
		worst_insn = MAX(worst_insn, insn);
		worst_checked = MAX(worst_checked, checked);
		printf("%-9s %7lu %9.1f ", programs[p].name, b->n_steps, net[NATIVE]);
		if (b->kernel_prog >= 0) {
			ratio = median_ratio(b, base);
			product *= ratio;
			worst = MAX(worst, ratio);
			compared++;
			snprintf(figure, sizeof(figure), "JIT, %s", programs[p].name);
			snprintf(peer, sizeof(peer), "%.0f ns", net[KERNEL]);
			bench_row(figure, "<= kernel JIT", ratio <= 1 + NOISE, peer, "%.0f ns (%.2f)", net[NATIVE],
				  ratio);
			printf("%9.1f %9.1f %7.2f", net[KERNEL], net[INTERPRETED], ratio);
		} else {
			printf("%9s %9.1f %7s", "-", net[INTERPRETED], "-");
		}
		printf(" %8.2f %8.2f %6u\n", insn, checked, b->native_bytes);
	}
	if (compared)
		printf("native/kernel: geometric mean %.3f, worst %.2f over %u programs (at most 1)\n",
		       pow(product, 1.0 / compared), worst, compared);
	else
		printf("native/kernel: not measured, bpf(2) is not allowed here\n");
	printf("interpreter: at most %.2f ns an insn, %.2f checked (at most 3; ubpf 5.7)\n", worst_insn,
	       worst_checked);
	compile = compile_1000(all) / 1000;
	printf("compilation of 1,000 insns: %.0f us (at most 100)\n", compile);
	bench_row("interpreter", "<= 3 ns an insn", worst_insn <= 3, "ubpf 5.7 ns", "%.2f ns at most",
		  worst_insn);
	bench_row("interpreter, checked", "<= 3 ns an insn", worst_checked <= 3, "", "%.2f ns at most",
		  worst_checked);
	bench_row("JIT compilation, 1,000 insns", "<= 100 us", compile <= 100, "", "%.0f us", compile);
	return 0;
}

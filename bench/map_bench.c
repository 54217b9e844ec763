/* SPDX-License-Identifier: BSD-2-Clause */
/* bench/map_bench.c - maps under one BPF program, on both engines.
 *
 * The program does an operation 1,024 times on a few thousand keys.  Its insns are given to bpf(2) and to
 * the user engine, there as native code and with a limit of steps (interpreted), and run by
 * BPF_PROG_TEST_RUN.  Prints ns an operation, medians of interleaved rounds, the loop included; the
 * ratio is that of native code to the kernel's.
 */
#include "bench.h"
#include "engine/kernel/kernel.h"
#include "engine/user/user.h"
#include "isa/insn.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LOOP = 1024, REPEAT = 16, ROUNDS = 15, RING_BYTES = 4 << 20, KEYS = 4096, RECORD = 64 };
enum { PAGE = 4096, VALUE_MAX = 8192 };

/* Two runs of the same code differ by as much. */
#define NOISE 0.02

enum op { OP_NONE, OP_LOOKUP, OP_COUNT, OP_UPDATE, OP_INSERT_DELETE, OP_OUTPUT };
enum side { KERNEL, NATIVE, INTERPRETED, N_SIDES };

static const struct bench {
	const char *name;
	u32 type, key_size, value_size, max_entries;
	enum op op;
	const char *required; /* NULL: for information */
} benches[] = {
	{ "loop without a map", BPF_MAP_TYPE_ARRAY, 4, 8, KEYS, OP_NONE, NULL },
	{ "array lookup", BPF_MAP_TYPE_ARRAY, 4, 8, KEYS, OP_LOOKUP, "<= kernel (aim)" },
	{ "array count", BPF_MAP_TYPE_ARRAY, 4, 8, KEYS, OP_COUNT, "<= kernel (aim)" },
	{ "array lookup, 24 bytes", BPF_MAP_TYPE_ARRAY, 4, 24, KEYS, OP_LOOKUP, "<= kernel (aim)" },
	{ "array update", BPF_MAP_TYPE_ARRAY, 4, 8, KEYS, OP_UPDATE, NULL },
	{ "percpu_array lookup", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, KEYS, OP_LOOKUP, "<= kernel (aim)" },
	{ "hash lookup, key 4", BPF_MAP_TYPE_HASH, 4, 8, 2 * KEYS, OP_LOOKUP, "<= kernel" },
	{ "hash lookup, key 8", BPF_MAP_TYPE_HASH, 8, 8, 2 * KEYS, OP_LOOKUP, "<= kernel" },
	{ "hash lookup, key 16", BPF_MAP_TYPE_HASH, 16, 8, 2 * KEYS, OP_LOOKUP, "<= kernel" },
	{ "hash count, key 4", BPF_MAP_TYPE_HASH, 4, 8, 2 * KEYS, OP_COUNT, "<= kernel" },
	{ "hash update, key 4", BPF_MAP_TYPE_HASH, 4, 8, 2 * KEYS, OP_UPDATE, "<= kernel" },
	{ "hash update, key 8", BPF_MAP_TYPE_HASH, 8, 8, 2 * KEYS, OP_UPDATE, "<= kernel" },
	{ "hash update, key 16", BPF_MAP_TYPE_HASH, 16, 8, 2 * KEYS, OP_UPDATE, "<= kernel" },
	{ "hash insert + delete", BPF_MAP_TYPE_HASH, 8, 8, 4 * KEYS, OP_INSERT_DELETE, NULL },
	{ "percpu_hash lookup", BPF_MAP_TYPE_PERCPU_HASH, 8, 8, 2 * KEYS, OP_LOOKUP, NULL },
	{ "percpu_hash update", BPF_MAP_TYPE_PERCPU_HASH, 8, 8, 2 * KEYS, OP_UPDATE, NULL },
	{ "lru_hash lookup", BPF_MAP_TYPE_LRU_HASH, 8, 8, 2 * KEYS, OP_LOOKUP, NULL },
	{ "lru_hash update", BPF_MAP_TYPE_LRU_HASH, 8, 8, 2 * KEYS, OP_UPDATE, NULL },
	{ "ringbuf output, 64 bytes", BPF_MAP_TYPE_RINGBUF, 0, 0, RING_BYTES, OP_OUTPUT, NULL },
};

/* ---- the program ---- */

struct asm_buf {
	struct insn insns[64];
	u32 n;
};

static void emit(struct asm_buf *a, u8 code, u8 dst, u8 src, s16 off, s32 imm)
{
	a->insns[a->n++] =
		(struct insn){ .code = code, .dst = dst, .src = src, .off = off, .imm = imm };
}

static void emit_map(struct asm_buf *a, int fd)
{
	emit(a, CLS_LD | MODE_IMM | SZ_DW, 1, PSEUDO_MAP_FD, 0, fd);
	emit(a, 0, 0, 0, 0, 0);
}

/* r = r10 + off */
static void emit_stack(struct asm_buf *a, u8 r, s32 off)
{
	emit(a, CLS_ALU64 | ALU_MOV | SRC_X, r, 10, 0, 0);
	emit(a, CLS_ALU64 | ALU_ADD, r, 0, 0, off);
}

static void emit_call(struct asm_buf *a, s32 helper)
{
	emit(a, CLS_JMP | JMP_CALL, 0, 0, 0, helper);
}

/* The key (16 bytes at r10-16), made from the counter r6; bias moves it out of the filled range. */
static void emit_key(struct asm_buf *a, s32 bias)
{
	emit(a, CLS_ALU64 | ALU_MOV | SRC_X, 1, 6, 0, 0);
	emit(a, CLS_ALU64 | ALU_MUL, 1, 0, 0, 40503);
	emit(a, CLS_ALU64 | ALU_AND, 1, 0, 0, KEYS - 1);
	if (bias)
		emit(a, CLS_ALU64 | ALU_ADD, 1, 0, 0, bias);
	emit(a, CLS_STX | MODE_MEM | SZ_DW, 10, 1, -16, 0);
}

static void emit_body(struct asm_buf *a, const struct bench *b, int fd)
{
	emit_key(a, b->op == OP_INSERT_DELETE ? KEYS : 0);
	if (b->op == OP_NONE)
		return;
	if (b->op == OP_OUTPUT) {
		emit_map(a, fd);
		emit_stack(a, 2, -RECORD - 16);
		emit(a, CLS_ALU64 | ALU_MOV, 3, 0, 0, RECORD);
		emit(a, CLS_ALU64 | ALU_MOV, 4, 0, 0, BPF_RB_NO_WAKEUP);
		emit_call(a, 130);
		return;
	}
	emit_map(a, fd);
	emit_stack(a, 2, -16);
	if (b->op == OP_LOOKUP || b->op == OP_COUNT) {
		emit_call(a, 1);
		emit(a, CLS_JMP | JMP_JEQ, 0, 0, b->op == OP_COUNT ? 3 : 2, 0);
		emit(a, CLS_LDX | MODE_MEM | SZ_DW, 1, 0, 0, 0);
		if (b->op == OP_LOOKUP) {
			emit(a, CLS_ALU64 | ALU_ADD | SRC_X, 7, 1, 0, 0);
		} else {
			emit(a, CLS_ALU64 | ALU_ADD, 1, 0, 0, 1);
			emit(a, CLS_STX | MODE_MEM | SZ_DW, 0, 1, 0, 0);
		}
		return;
	}
	emit_stack(a, 3, -24);
	emit(a, CLS_ALU64 | ALU_MOV, 4, 0, 0, BPF_ANY);
	emit_call(a, 2);
	if (b->op == OP_INSERT_DELETE) {
		emit_map(a, fd);
		emit_stack(a, 2, -16);
		emit_call(a, 3);
	}
}

static u32 make(struct asm_buf *a, const struct bench *b, int map_fd)
{
	u32 top;

	for (s32 off = -RECORD - 16; off < 0; off += 8)
		emit(a, CLS_ST | MODE_MEM | SZ_DW, 10, 0, (s16)off, 0);
	emit(a, CLS_ALU64 | ALU_MOV, 6, 0, 0, 0);
	emit(a, CLS_ALU64 | ALU_MOV, 7, 0, 0, 0);
	top = a->n;
	emit_body(a, b, map_fd);
	emit(a, CLS_ALU64 | ALU_ADD, 6, 0, 0, 1);
	emit(a, CLS_JMP | JMP_JLT, 6, 0, (s16)((s32)top - (s32)a->n - 1), LOOP);
	emit(a, CLS_ALU64 | ALU_MOV, 0, 0, 0, 0);
	emit(a, CLS_JMP | JMP_EXIT, 0, 0, 0, 0);
	return a->n;
}

/* ---- one side ---- */

struct subject {
	struct engine *engine; /* borrowed; NULL: not here */
	int map, prog;
	volatile u64 *consumed;       /* ring buffer's first page */
	const volatile u64 *produced; /* and second */
};

static int call(struct subject *s, enum bpf_cmd cmd, union bpf_attr *attr)
{
	return engine_bpf(s->engine, cmd, attr, sizeof(*attr));
}

static int fill(struct subject *s)
{
	static const u64 value[VALUE_MAX];

	for (u32 i = 0; i < KEYS; i++) {
		u64 key[2] = { i };
		union bpf_attr up = { .map_fd = (u32)s->map, .key = (u64)key, .value = (u64)value };
		int err = call(s, BPF_MAP_UPDATE_ELEM, &up);

		if (err)
			return err;
	}
	return 0;
}

static int ring_map(struct subject *s)
{
	void *in = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, s->map, 0);
	void *out = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, s->map, PAGE);

	if (in == MAP_FAILED || out == MAP_FAILED)
		return -errno;
	s->consumed = in;
	s->produced = out;
	return 0;
}

/* Map and program.  0 or a negative errno. */
static int subject_open(struct subject *s, struct engine *e, const struct bench *b)
{
	union bpf_attr map = { .map_type = b->type, .key_size = b->key_size,
			       .value_size = b->value_size, .max_entries = b->max_entries };
	union bpf_attr prog = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .license = (u64) "GPL" };
	struct asm_buf a = { 0 };
	int err;

	*s = (struct subject){ .engine = e, .map = -1, .prog = -1 };
	if (!e)
		return 0;
	s->map = call(s, BPF_MAP_CREATE, &map);
	if (s->map < 0)
		return s->map;
	err = b->op == OP_OUTPUT ? ring_map(s) : fill(s);
	if (err)
		return err;
	prog.insn_cnt = make(&a, b, s->map);
	prog.insns = (u64)a.insns;
	s->prog = call(s, BPF_PROG_LOAD, &prog);
	return MIN(s->prog, 0);
}

static void subject_close(struct subject *s)
{
	if (s->consumed)
		munmap((void *)s->consumed, PAGE);
	if (s->produced)
		munmap((void *)s->produced, PAGE);
	if (s->prog >= 0)
		close(s->prog);
	if (s->map >= 0)
		close(s->map);
}

/* ns an operation; a full ring is emptied first. */
static double subject_round(struct subject *s, u32 repeat)
{
	u8 data[64] = { 0 };
	union bpf_attr attr = { .test = { .prog_fd = (u32)s->prog, .data_in = (u64)data,
					  .data_size_in = sizeof(data), .repeat = repeat } };

	if (!s->engine)
		return 0;
	if (s->consumed)
		*s->consumed = *s->produced;
	return call(s, BPF_PROG_TEST_RUN, &attr) ? 0 : (double)attr.test.duration / LOOP;
}

static void report(const struct bench *b, double ns[N_SIDES][ROUNDS])
{
	double median[N_SIDES], ratio[ROUNDS], r;
	char figure[64], peer[32] = "";

	for (u32 i = 0; i < ROUNDS; i++)
		ratio[i] = ns[NATIVE][i] / MAX(ns[KERNEL][i], 0.001);
	for (u32 s = 0; s < N_SIDES; s++)
		median[s] = bench_median(ns[s], ROUNDS);
	r = bench_median(ratio, ROUNDS);
	if (!median[KERNEL]) {
		printf("%-26s %9.1f %9s %9.1f %7s\n", b->name, median[NATIVE], "-", median[INTERPRETED], "-");
		return;
	}
	printf("%-26s %9.1f %9.1f %9.1f %7.2f\n", b->name, median[NATIVE], median[KERNEL],
	       median[INTERPRETED], r);
	if (b->op == OP_NONE)
		return;
	snprintf(figure, sizeof(figure), "%s, native", b->name);
	snprintf(peer, sizeof(peer), "%.1f ns", median[KERNEL]);
	bench_row(figure, b->required ? b->required : "", b->required ? r <= 1 + NOISE : BENCH_INFO, peer,
		  "%.1f ns (%.2f)", median[NATIVE], r);
}

static int run(const struct bench *b, struct engine *const engines[N_SIDES])
{
	static const u32 repeat[N_SIDES] = { REPEAT, REPEAT, 2 };
	struct subject s[N_SIDES];
	double ns[N_SIDES][ROUNDS];
	int err = 0, opened;

	for (u32 i = 0; i < N_SIDES; i++) {
		opened = subject_open(&s[i], engines[i], b);
		err = opened ? opened : err;
	}
	for (u32 r = 0; r < ROUNDS && !err; r++)
		for (u32 i = 0; i < N_SIDES; i++)
			ns[i][r] = subject_round(&s[i], repeat[i]);
	for (u32 i = 0; i < N_SIDES; i++)
		subject_close(&s[i]);
	if (err)
		fprintf(stderr, "%s: %s\n", b->name, strerror(-err));
	else
		report(b, ns);
	return err;
}

int main(void)
{
	struct engine_user_opts limited = { .max_steps = 1 << 30 };
	struct engine *engines[N_SIDES] = { NULL };
	struct diag dg = { 0 };
	int err = 0;

	if (engine_user_new(NULL, &dg, &engines[NATIVE]) ||
	    engine_user_new(&limited, &dg, &engines[INTERPRETED])) {
		fprintf(stderr, "map_bench: no user engine\n");
		return 1;
	}
	if (engine_kernel_usable() || engine_kernel_open(&dg, &engines[KERNEL]))
		printf("the kernel's bpf(2) is not allowed here\n");
	printf("%-26s %9s %9s %9s %7s\n", "ns an operation", "native", "kernel", "interp", "n/k");
	for (u32 i = 0; i < ARRAY_SIZE(benches) && !err; i++)
		err = run(&benches[i], engines);
	for (u32 i = 0; i < N_SIDES; i++)
		if (engines[i])
			engines[i]->ops->free(engines[i]);
	diag_free(&dg);
	return err != 0;
}

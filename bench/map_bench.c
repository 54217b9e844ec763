/* SPDX-License-Identifier: BSD-2-Clause */
/* bench/map_bench.c - map operations: ours, called directly, beside the kernel's, called by a BPF
 * program that loops (BPF_PROG_TEST_RUN).
 *
 * Prints ns an operation, medians of interleaved rounds, and the ratio; both loops' own cost is in
 * the figures (about 1 ns).  Without bpf(2) the kernel's column stays empty.
 */
#include "abi/uapi.h"
#include "isa/insn.h"
#include "map/map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LOOP = 256, REPEAT = 64, ROUNDS = 21, RING_BYTES = 4 << 20, KEYS = 4096, RECORD = 64 };

enum op { OP_LOOKUP, OP_UPDATE, OP_INSERT_DELETE, OP_OUTPUT };

struct bench {
	const char *name;
	u32 type, key_size, value_size, max_entries, flags;
	enum op op;
};

static const struct bench benches[] = {
	{"array lookup", BPF_MAP_TYPE_ARRAY, 4, 8, KEYS, 0, OP_LOOKUP},
	{"array update", BPF_MAP_TYPE_ARRAY, 4, 8, KEYS, 0, OP_UPDATE},
	{"percpu_array lookup", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, KEYS, 0, OP_LOOKUP},
	{"hash lookup, key 4", BPF_MAP_TYPE_HASH, 4, 8, 2 * KEYS, 0, OP_LOOKUP},
	{"hash lookup, key 8", BPF_MAP_TYPE_HASH, 8, 8, 2 * KEYS, 0, OP_LOOKUP},
	{"hash lookup, key 16", BPF_MAP_TYPE_HASH, 16, 8, 2 * KEYS, 0, OP_LOOKUP},
	{"hash update, key 4", BPF_MAP_TYPE_HASH, 4, 8, 2 * KEYS, 0, OP_UPDATE},
	{"hash update, key 8", BPF_MAP_TYPE_HASH, 8, 8, 2 * KEYS, 0, OP_UPDATE},
	{"hash insert + delete", BPF_MAP_TYPE_HASH, 8, 8, 4 * KEYS, 0, OP_INSERT_DELETE},
	{"percpu_hash lookup", BPF_MAP_TYPE_PERCPU_HASH, 8, 8, 2 * KEYS, 0, OP_LOOKUP},
	{"percpu_hash update", BPF_MAP_TYPE_PERCPU_HASH, 8, 8, 2 * KEYS, 0, OP_UPDATE},
	{"lru_hash lookup", BPF_MAP_TYPE_LRU_HASH, 8, 8, 2 * KEYS, 0, OP_LOOKUP},
	{"lru_hash update", BPF_MAP_TYPE_LRU_HASH, 8, 8, 2 * KEYS, 0, OP_UPDATE},
	{"ringbuf output, 64 bytes", BPF_MAP_TYPE_RINGBUF, 0, 0, RING_BYTES, 0, OP_OUTPUT},
};

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static u64 key_of(u32 i)
{
	return (u32)(i * 40503) & (KEYS - 1);
}

/* ---- the kernel's side ---- */

static long bpf_call(enum bpf_cmd cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

struct asm_buf {
	struct insn insns[64];
	u32 n;
};

static void emit(struct asm_buf *a, u8 code, u8 dst, u8 src, s16 off, s32 imm)
{
	a->insns[a->n++] =
		(struct insn){.code = code, .dst = dst, .src = src, .off = off, .imm = imm};
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
	if (b->op == OP_OUTPUT) {
		emit_map(a, fd);
		emit_stack(a, 2, -RECORD - 16);
		emit(a, CLS_ALU64 | ALU_MOV, 3, 0, 0, RECORD);
		emit(a, CLS_ALU64 | ALU_MOV, 4, 0, 0, BPF_RB_NO_WAKEUP);
		emit_call(a, 130);
		return;
	}
	emit_key(a, b->op == OP_INSERT_DELETE ? KEYS : 0);
	emit_map(a, fd);
	emit_stack(a, 2, -16);
	if (b->op == OP_LOOKUP) {
		emit_call(a, 1);
		emit(a, CLS_JMP | JMP_JEQ, 0, 0, 2, 0);
		emit(a, CLS_LDX | MODE_MEM | SZ_DW, 1, 0, 0, 0);
		emit(a, CLS_ALU64 | ALU_ADD | SRC_X, 7, 1, 0, 0);
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

static int load(const struct bench *b, int fd)
{
	static char log[1 << 16];
	struct asm_buf a = {0};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER};
	u32 top;
	long ret;

	for (s32 off = -RECORD - 16; off < 0; off += 8)
		emit(&a, CLS_ST | MODE_MEM | SZ_DW, 10, 0, (s16)off, 0);
	emit(&a, CLS_ALU64 | ALU_MOV, 6, 0, 0, 0);
	emit(&a, CLS_ALU64 | ALU_MOV, 7, 0, 0, 0);
	top = a.n;
	emit_body(&a, b, fd);
	emit(&a, CLS_ALU64 | ALU_ADD, 6, 0, 0, 1);
	emit(&a, CLS_JMP | JMP_JLT, 6, 0, (s16)((s32)top - (s32)a.n - 1), LOOP);
	emit(&a, CLS_ALU64 | ALU_MOV, 0, 0, 0, 0);
	emit(&a, CLS_JMP | JMP_EXIT, 0, 0, 0, 0);
	attr.insns = (u64)a.insns;
	attr.insn_cnt = a.n;
	attr.license = (u64) "GPL";
	ret = bpf_call(BPF_PROG_LOAD, &attr);
	if (ret < 0) {
		attr.log_buf = (u64)log;
		attr.log_size = sizeof(log);
		attr.log_level = 1;
		bpf_call(BPF_PROG_LOAD, &attr);
		fprintf(stderr, "%s: %s\n%s\n", b->name, strerror(errno), log);
	}
	return (int)ret;
}

struct kernel_side {
	int map, prog;
	u64 *ring; /* consumer page, then producer page */
};

static bool kernel_open(const struct bench *b, struct kernel_side *k)
{
	union bpf_attr attr = {.map_type = b->type,
			       .key_size = b->key_size,
			       .value_size = b->value_size,
			       .max_entries = b->max_entries,
			       .map_flags = b->flags};

	k->map = (int)bpf_call(BPF_MAP_CREATE, &attr);
	if (k->map < 0)
		return false;
	for (u32 i = 0; i < KEYS && b->op != OP_OUTPUT; i++) {
		u64 key[2] = {i}, value[1024] = {i};
		union bpf_attr up = {.map_fd = (u32)k->map, .key = (u64)key, .value = (u64)value};

		bpf_call(BPF_MAP_UPDATE_ELEM, &up);
	}
	if (b->op == OP_OUTPUT)
		k->ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, k->map, 0);
	k->prog = load(b, k->map);
	return k->prog >= 0;
}

static double kernel_round(struct kernel_side *k)
{
	u8 data[64] = {0};
	union bpf_attr attr = {.test = {.prog_fd = (u32)k->prog,
					.data_in = (u64)data,
					.data_size_in = sizeof(data),
					.repeat = REPEAT}};

	if (k->ring)
		*k->ring += (u64)LOOP * REPEAT * (RECORD + 8);
	if (bpf_call(BPF_PROG_TEST_RUN, &attr))
		return 0;
	return (double)attr.test.duration / LOOP;
}

/* ---- ours ---- */

static void our_op(struct map *m, enum op op, u32 i, u64 *sum)
{
	u64 key[2] = {key_of(i)}, value = i;
	u64 *found;

	switch (op) {
	case OP_LOOKUP:
		found = map_lookup(m, key, 0);
		if (found)
			*sum += *found;
		break;
	case OP_UPDATE:
		map_update(m, key, &value, BPF_ANY, 0);
		break;
	case OP_INSERT_DELETE:
		key[0] += KEYS;
		map_update(m, key, &value, BPF_ANY, 0);
		map_delete(m, key);
		break;
	default:
		break;
	}
}

static double our_round(struct map *m, const struct bench *b, u64 *ring)
{
	static u64 sum;
	u8 record[RECORD] = {0};
	u64 start, end;

	if (ring)
		ring[0] = ring[512];
	start = now_ns();
	for (u32 r = 0; r < REPEAT; r++)
		for (u32 i = 0; i < LOOP; i++) {
			if (b->op == OP_OUTPUT)
				map_ringbuf_output(m, record, RECORD, BPF_RB_NO_WAKEUP);
			else
				our_op(m, b->op, i, &sum);
		}
	end = now_ns();
	return (double)(end - start) / (LOOP * REPEAT);
}

static int cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), cmp);
	return v[ROUNDS / 2];
}

static int run(const struct bench *b)
{
	struct map_attr attr = {.type = b->type,
				.key_size = b->key_size,
				.value_size = b->value_size,
				.max_entries = b->max_entries,
				.flags = b->flags,
				.spin_lock_off = ~0u,
				.timer_off = ~0u};
	struct kernel_side k = {.map = -1, .prog = -1};
	bool kernel = kernel_open(b, &k);
	double ours[ROUNDS], theirs[ROUNDS];
	int fd = memfd_create("bench", MFD_CLOEXEC);
	u64 *ring = NULL;
	struct map *m;

	if (map_create(fd, &attr, 1, &m))
		return 1;
	if (b->op == OP_OUTPUT)
		ring = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	else
		for (u32 i = 0; i < KEYS; i++) {
			u64 key[2] = {i}, value = i;

			map_update(m, key, &value, BPF_ANY, 0);
		}
	for (u32 r = 0; r < ROUNDS; r++) {
		theirs[r] = kernel ? kernel_round(&k) : 0;
		ours[r] = our_round(m, b, ring);
	}
	if (kernel)
		printf("%-26s ours %6.1f ns   kernel %6.1f ns   ratio %.2f\n", b->name,
		       median(ours), median(theirs), median(ours) / median(theirs));
	else
		printf("%-26s ours %6.1f ns   kernel      -\n", b->name, median(ours));
	close(fd);
	close(k.map);
	close(k.prog);
	map_close(m);
	return 0;
}

int main(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(benches); i++)
		if (run(&benches[i]))
			return 1;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_run.c - any insns that the verifier accepts, run by the user engine without further checks, in
 * the interpreter or as native code: they end, and break nothing.
 *
 *	input  program type (index; bit 7: native), then insns; the map of a wide load is its imm, modulo
 */
#include "abi/uapi.h"
#include "engine/user/user.h"
#include "isa/insn.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INSNS = 256, STEPS = 2000, PACKET = 64 };

static const struct {
	u32 type, key, value, n, flags;
} maps[] = {
	{ BPF_MAP_TYPE_HASH, 4, 8, 8, 0 },
	{ BPF_MAP_TYPE_ARRAY, 4, 64, 4, 0 },
	{ BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0 },
	{ BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0 },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 4, 0 },
	{ BPF_MAP_TYPE_LRU_HASH, 8, 8, 4, 0 },
	{ BPF_MAP_TYPE_QUEUE, 0, 8, 4, 0 },
	{ BPF_MAP_TYPE_STACK_TRACE, 4, 64, 4, 0 },
	{ BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 2, 0 },
	{ BPF_MAP_TYPE_LPM_TRIE, 8, 8, 4, BPF_F_NO_PREALLOC },
	{ BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 8, 0 },
	{ BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, 0 },
};

static const u32 types[] = {
	BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SCHED_CLS,
	BPF_PROG_TYPE_SOCKET_FILTER, BPF_PROG_TYPE_KPROBE,
};

static int make_map(struct engine *e, u32 i)
{
	union bpf_attr attr = { 0 };

	attr.map_type = maps[i].type;
	attr.key_size = maps[i].key;
	attr.value_size = maps[i].value;
	attr.max_entries = maps[i].n;
	attr.map_flags = maps[i].flags;
	return engine_bpf(e, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int load(struct engine *e, u32 type, const struct insn *insns, u32 n)
{
	union bpf_attr attr = { 0 };

	attr.prog_type = type;
	attr.insns = (u64)insns;
	attr.insn_cnt = n;
	attr.license = (u64) "GPL";
	return engine_bpf(e, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static void run(struct engine *e, u32 type, int prog)
{
	u64 ctx[4] = { 1, 2, 3, 4 };
	u8 packet[PACKET] = { [12] = 0x08, [13] = 0, [14] = 0x45, [23] = 6 };
	union bpf_attr attr = { 0 };

	attr.test.prog_fd = (u32)prog;
	if (type == BPF_PROG_TYPE_RAW_TRACEPOINT || type == BPF_PROG_TYPE_KPROBE) {
		attr.test.ctx_in = (u64)ctx;
		attr.test.ctx_size_in = sizeof(ctx);
	} else {
		attr.test.data_in = (u64)packet;
		attr.test.data_size_in = sizeof(packet);
	}
	engine_bpf(e, BPF_PROG_TEST_RUN, &attr, sizeof(attr));
}

/* A program may call itself by a tail call. */
static void put_into_array(struct engine *e, int array, int prog)
{
	union bpf_attr attr = { 0 };
	u32 key = 0;

	attr.map_fd = (u32)array;
	attr.key = (u64)&key;
	attr.value = (u64)&prog;
	engine_bpf(e, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct engine_user_opts opts = { 0 };
	struct insn insns[INSNS];
	int fds[ARRAY_SIZE(maps)];
	struct engine *e;
	u32 n, type;
	int prog;

	if (size < 1 + sizeof(struct insn))
		return 0;
	n = (u32)MIN((size - 1) / sizeof(struct insn), (size_t)INSNS);
	memcpy(insns, data + 1, n * sizeof(struct insn));
	type = types[(data[0] & 0x7f) % ARRAY_SIZE(types)];
	if (!(data[0] & 0x80))
		opts.max_steps = STEPS;
	if (engine_user_new(&opts, NULL, &e))
		abort();
	for (u32 i = 0; i < ARRAY_SIZE(maps); i++) {
		fds[i] = make_map(e, i);
		if (fds[i] < 0)
			abort();
	}
	for (u32 i = 0; i < n; i++)
		if (insn_is_wide(&insns[i]) &&
		    (insns[i].src == PSEUDO_MAP_FD || insns[i].src == PSEUDO_MAP_VALUE))
			insns[i].imm = fds[(u32)insns[i].imm % ARRAY_SIZE(maps)];
	prog = load(e, type, insns, n);
	if (prog >= 0) {
		put_into_array(e, fds[3], prog);
		run(e, type, prog);
		close(prog);
	}
	for (u32 i = 0; i < ARRAY_SIZE(maps); i++)
		close(fds[i]);
	e->ops->free(e);
	return 0;
}

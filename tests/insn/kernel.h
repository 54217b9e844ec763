/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/insn/kernel.h - runs bare insns in the running kernel.
 *
 * The kernel gives its programs no plain memory, so the insns under test become a function that a
 * small program calls, with the value of an array map as their memory:
 *
 *	r1 = map[mem][0]+0      r2 = size      call test      *result = r0      r0 = 0      exit
 * test:	the insns
 */
#pragma once
#include "abi/uapi.h"
#include "isa/insn.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KERNEL_LOG_BYTES = 1 << 20, KERNEL_FRAME_INSNS = 9 };

struct kernel_run {
	const struct insn *insns; /* borrowed */
	u32 n;
	u32 prog_type;            /* 0: the program above, in BPF_PROG_TYPE_SYSCALL */
	bool alone;               /* load the insns as they are: for those that get refused */
	u32 log_level;
	u8 *mem;                  /* borrowed; after the run what the program left there */
	u32 mem_size;
	u64 r0;
	char *log;                /* owned; of the verifier, never NULL after kernel_run() */
};

static int kernel_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	int ret = (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return ret < 0 ? -errno : ret;
}

static int kernel_array(u32 value_size)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = value_size;
	attr.max_entries = 1;
	return kernel_bpf(BPF_MAP_CREATE, &attr);
}

static int kernel_value(enum bpf_cmd cmd, int map, void *value)
{
	union bpf_attr attr;
	u32 key = 0;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (u32)map;
	attr.key = (u64)&key;
	attr.value = (u64)value;
	return kernel_bpf(cmd, &attr);
}

static int kernel_load(struct kernel_run *k, const struct insn *insns, u32 n)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = k->prog_type ? k->prog_type : (u32)BPF_PROG_TYPE_SYSCALL;
	attr.prog_flags = k->prog_type ? 0 : BPF_F_SLEEPABLE;
	attr.insns = (u64)insns;
	attr.insn_cnt = n;
	attr.license = (u64) "GPL";
	attr.log_level = k->log_level;
	attr.log_buf = k->log_level ? (u64)k->log : 0;
	attr.log_size = k->log_level ? KERNEL_LOG_BYTES : 0;
	return kernel_bpf(BPF_PROG_LOAD, &attr);
}

/* Runs a loaded program once; its 32-bit result or a negative errno. */
static s64 kernel_test_run(int prog, const void *data, u32 size)
{
	union bpf_attr attr;
	int err;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (u32)prog;
	attr.test.data_in = (u64)data;
	attr.test.data_size_in = size;
	err = kernel_bpf(BPF_PROG_TEST_RUN, &attr);
	return err ? err : (s64)attr.test.retval;
}

/* A packet program runs as it is; the kernel takes an Ethernet header off the front. */
static int kernel_run_packet(struct kernel_run *k)
{
	enum { ETHERNET = 14 };
	u8 *packet = calloc(1, ETHERNET + k->mem_size);
	int prog = kernel_load(k, k->insns, k->n);
	s64 ret = prog;

	if (packet && prog >= 0) {
		if (k->mem_size)
			memcpy(packet + ETHERNET, k->mem, k->mem_size);
		ret = kernel_test_run(prog, packet, ETHERNET + k->mem_size);
	}
	free(packet);
	if (prog >= 0)
		close(prog);
	k->r0 = (u64)ret;
	return ret < 0 ? (int)ret : 0;
}

static struct insn *kernel_frame(const struct kernel_run *k, int mem, int result, u32 *n)
{
	enum { WIDE = CLS_LD | MODE_IMM | SZ_DW };
	const struct insn head[KERNEL_FRAME_INSNS] = {
		mem < 0 ? (struct insn){ .code = WIDE, .dst = 1 }
			: (struct insn){ .code = WIDE, .dst = 1, .src = PSEUDO_MAP_VALUE, .imm = mem },
		{ 0 },
		{ .code = CLS_ALU64 | ALU_MOV, .dst = 2, .imm = (s32)k->mem_size },
		{ .code = CLS_JMP | JMP_CALL, .src = CALL_SUBPROG, .imm = 5 },
		{ .code = WIDE, .dst = 1, .src = PSEUDO_MAP_VALUE, .imm = result },
		{ 0 },
		{ .code = CLS_STX | MODE_MEM | SZ_DW, .dst = 1 },
		{ .code = CLS_ALU64 | ALU_MOV },
		{ .code = CLS_JMP | JMP_EXIT },
	};
	struct insn *insns = malloc(sizeof(head) + k->n * sizeof(*insns));

	if (!insns)
		return NULL;
	memcpy(insns, head, sizeof(head));
	memcpy(insns + ARRAY_SIZE(head), k->insns, k->n * sizeof(*insns));
	*n = ARRAY_SIZE(head) + k->n;
	return insns;
}

static int kernel_run_framed(struct kernel_run *k)
{
	int mem = k->mem_size ? kernel_array(k->mem_size) : -1, result = kernel_array(8), prog = -1;
	struct insn *insns = NULL;
	s64 err = result < 0 ? result : k->mem_size && mem < 0 ? mem : 0;
	u32 n = 0;

	if (!err && mem >= 0)
		err = kernel_value(BPF_MAP_UPDATE_ELEM, mem, k->mem);
	if (!err) {
		insns = kernel_frame(k, mem, result, &n);
		err = prog = insns ? kernel_load(k, insns, n) : -ENOMEM;
	}
	if (err >= 0)
		err = kernel_test_run(prog, NULL, 0);
	if (err >= 0)
		err = kernel_value(BPF_MAP_LOOKUP_ELEM, result, &k->r0);
	if (err >= 0 && mem >= 0)
		err = kernel_value(BPF_MAP_LOOKUP_ELEM, mem, k->mem);
	free(insns);
	if (prog >= 0)
		close(prog);
	if (result >= 0)
		close(result);
	if (mem >= 0)
		close(mem);
	return err < 0 ? (int)err : 0;
}

/* 0, or a negative errno: of the load when k->log has something to say. */
static inline int kernel_run(struct kernel_run *k)
{
	int prog;

	k->log = calloc(1, KERNEL_LOG_BYTES);
	if (!k->log)
		return -ENOMEM;
	if (k->alone) {
		prog = kernel_load(k, k->insns, k->n);
		if (prog >= 0)
			close(prog);
		return prog < 0 ? prog : 0;
	}
	return k->prog_type ? kernel_run_packet(k) : kernel_run_framed(k);
}

/* Is bpf(2) allowed here? */
static inline bool kernel_is_usable(void)
{
	int fd = kernel_array(8);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/engine_user/both.h - the same bpf(2) commands to the user engine and to the kernel.
 *
 *	TEST_BOTH(name) { ... side_bpf(s, BPF_MAP_CREATE, &attr, size) ... }   // the body runs on
 *each
 */
#pragma once
#include "test.h"
#include "engine/user/user.h"
#include "isa/insn.h"
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

struct side {
	const char *name;
	struct engine *engine; /* NULL: the kernel */
};

static inline int side_bpf(const struct side *s, enum bpf_cmd cmd, union bpf_attr *attr, u32 size)
{
	long ret;

	if (s->engine)
		return engine_bpf(s->engine, cmd, attr, size);
	ret = syscall(SYS_bpf, cmd, attr, size);
	return ret < 0 ? -errno : (int)ret;
}

static inline int side_cmd(const struct side *s, enum bpf_cmd cmd, union bpf_attr *attr)
{
	return side_bpf(s, cmd, attr, sizeof(*attr));
}

static inline bool kernel_bpf_works(void)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY};
	struct side kernel = {"kernel", NULL};
	int fd;

	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	fd = side_cmd(&kernel, BPF_MAP_CREATE, &attr);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static inline struct engine *user_engine(void)
{
	struct engine *e;

	CHECK_EQ(engine_user_new(NULL, NULL, &e), 0);
	return e;
}

static inline void run_on_both(void (*body)(const struct side *s))
{
	struct side user = {"user", user_engine()}, kernel = {"kernel", NULL};

	body(&user);
	user.engine->ops->free(user.engine);
	if (kernel_bpf_works())
		body(&kernel);
	else
		fprintf(stderr,
			"# skip: bpf(2) does not work here, the user engine alone was tested\n");
}

#define TEST_BOTH(test_name)                              \
	static void test_name##_on(const struct side *s); \
	TEST(test_name)                                   \
	{                                                 \
		run_on_both(test_name##_on);              \
	}                                                 \
	static void test_name##_on(const struct side *s)

static inline int side_map(const struct side *s, u32 type, u32 key, u32 value, u32 n, u32 flags)
{
	union bpf_attr attr = {0};

	attr.map_type = type;
	attr.key_size = key;
	attr.value_size = value;
	attr.max_entries = n;
	attr.map_flags = flags;
	return side_cmd(s, BPF_MAP_CREATE, &attr);
}

static inline int side_prog(const struct side *s, u32 type, const struct insn *insns, u32 n)
{
	union bpf_attr attr = {0};

	attr.prog_type = type;
	attr.insn_cnt = n;
	attr.insns = (u64)insns;
	attr.license = (u64) "GPL";
	if (type == BPF_PROG_TYPE_SYSCALL)
		attr.prog_flags = BPF_F_SLEEPABLE;
	return side_cmd(s, BPF_PROG_LOAD, &attr);
}

static inline int side_run(const struct side *s, int fd, void *ctx, u32 size, u32 *ret)
{
	union bpf_attr attr = {0};
	int err;

	attr.test.prog_fd = (u32)fd;
	attr.test.ctx_in = (u64)ctx;
	attr.test.ctx_size_in = size;
	err = side_cmd(s, BPF_PROG_TEST_RUN, &attr);
	*ret = attr.test.retval;
	return err;
}

#define MOV64(d, v)                                                     \
	{                                                               \
		.code = CLS_ALU64 | ALU_MOV | SRC_K, .dst = d, .imm = v \
	}
#define MOVX(d, s_)                                                      \
	{                                                                \
		.code = CLS_ALU64 | ALU_MOV | SRC_X, .dst = d, .src = s_ \
	}
#define ADD64(d, v)                                                     \
	{                                                               \
		.code = CLS_ALU64 | ALU_ADD | SRC_K, .dst = d, .imm = v \
	}
#define EXIT_                              \
	{                                  \
		.code = CLS_JMP | JMP_EXIT \
	}
#define CALL(id)                                      \
	{                                             \
		.code = CLS_JMP | JMP_CALL, .imm = id \
	}
#define LDX(sz, d, s_, o)                                                      \
	{                                                                      \
		.code = CLS_LDX | MODE_MEM | sz, .dst = d, .src = s_, .off = o \
	}
#define STX(sz, d, s_, o)                                                      \
	{                                                                      \
		.code = CLS_STX | MODE_MEM | sz, .dst = d, .src = s_, .off = o \
	}
#define ST(sz, d, o, v)                                                      \
	{                                                                    \
		.code = CLS_ST | MODE_MEM | sz, .dst = d, .off = o, .imm = v \
	}
#define LDMAP(d, fd)                                                                    \
	{.code = CLS_LD | MODE_IMM | SZ_DW, .dst = d, .src = PSEUDO_MAP_FD, .imm = fd}, \
	{                                                                               \
		0                                                                       \
	}
#define LDVALUE(d, fd, o)                                                                  \
	{.code = CLS_LD | MODE_IMM | SZ_DW, .dst = d, .src = PSEUDO_MAP_VALUE, .imm = fd}, \
	{                                                                                  \
		.imm = o                                                                   \
	}
#define LDFUNC(d, o)                                                                      \
	{.code = CLS_LD | MODE_IMM | SZ_DW, .dst = d, .src = PSEUDO_FUNC, .imm = o},      \
	{                                                                                 \
		0                                                                         \
	}
#define JEQ(d, v, o)                                                            \
	{                                                                       \
		.code = CLS_JMP | JMP_JEQ | SRC_K, .dst = d, .off = o, .imm = v \
	}
#define JA(o)                                      \
	{                                          \
		.code = CLS_JMP | JMP_JA, .off = o \
	}

/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user: a lookup gives the same in native code, which knows the map, in the interpreter
 * and in the kernel.
 */
#include "both.h"

enum { MISSING = 0x7fffffff, VALUE_BYTES_MAX = 256 * 32 };

static const struct shape {
	u32 type, value_size, max_entries;
} shapes[] = {
	{ BPF_MAP_TYPE_ARRAY, 8, 5 },	     { BPF_MAP_TYPE_ARRAY, 4, 1 },
	{ BPF_MAP_TYPE_ARRAY, 12, 7 },	     { BPF_MAP_TYPE_ARRAY, 24, 1000 },
	{ BPF_MAP_TYPE_ARRAY, 32, 9 },	     { BPF_MAP_TYPE_PERCPU_ARRAY, 8, 5 },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 24, 600 }, { BPF_MAP_TYPE_HASH, 8, 4 },
	{ BPF_MAP_TYPE_PERCPU_HASH, 8, 4 },  { BPF_MAP_TYPE_LRU_HASH, 16, 64 },
};

static int new_map(const struct side *s, const struct shape *shape, u32 add)
{
	union bpf_attr attr = { .map_type = shape->type, .key_size = 4,
				.value_size = shape->value_size, .max_entries = shape->max_entries };
	static u8 value[VALUE_BYTES_MAX];
	u32 stride = (shape->value_size + 7) & ~7u;
	int fd = side_cmd(s, BPF_MAP_CREATE, &attr);

	CHECK(fd >= 0);
	for (u32 key = 0; key < shape->max_entries; key++) {
		union bpf_attr up = { .map_fd = (u32)fd, .key = (u64)&key, .value = (u64)value };
		u32 v = key + add;

		for (u32 at = 0; at + stride <= sizeof(value); at += stride)
			memcpy(value + at, &v, sizeof(v));
		CHECK_EQ(side_cmd(s, BPF_MAP_UPDATE_ELEM, &up), 0);
	}
	return fd;
}

/* r0 of a program, whose insns are n. */
static u32 result(const struct side *s, const struct insn *insns, u32 n)
{
	union bpf_attr load = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insns = (u64)insns,
				.insn_cnt = n, .license = (u64) "GPL" };
	u8 data[64] = { 0 };
	int fd = side_cmd(s, BPF_PROG_LOAD, &load);
	union bpf_attr run = { .test = { .prog_fd = (u32)fd, .data_in = (u64)data,
					 .data_size_in = sizeof(data) } };

	CHECK(fd >= 0);
	CHECK_EQ(side_cmd(s, BPF_PROG_TEST_RUN, &run), 0);
	close(fd);
	return run.test.retval;
}

#define WIDE(dst_, src_, imm_) { .code = 0x18, .dst = dst_, .src = src_, .imm = imm_ }, { .code = 0 }
#define FINISH                                                           \
	{ .code = 0x85, .imm = 1 },                       /* lookup */   \
	{ .code = 0x55, .dst = 0, .off = 2, .imm = 0 },   /* if found */ \
	{ .code = 0xb7, .dst = 0, .imm = MISSING },                      \
	{ .code = 0x95 },                                                \
	{ .code = 0x61, .dst = 0, .src = 0 },             /* its u32 */  \
	{ .code = 0x95 }

static u32 look_up(const struct side *s, int map, u32 key)
{
	const struct insn insns[] = {
		{ .code = 0x62, .dst = 10, .off = -4, .imm = (s32)key },
		{ .code = 0xbf, .dst = 2, .src = 10 },
		WIDE(1, PSEUDO_MAP_FD, map),
		{ .code = 0x07, .dst = 2, .imm = -4 },
		FINISH,
	};

	return result(s, insns, ARRAY_SIZE(insns));
}

/* The map in r1 is one of two when the call is reached: no map is known there. */
static u32 look_up_either(const struct side *s, int one, int two, u32 key)
{
	const struct insn insns[] = {
		{ .code = 0x62, .dst = 10, .off = -4, .imm = (s32)key },
		{ .code = 0x61, .dst = 6, .src = 1, .off = 0 }, /* skb->len: 50 */
		{ .code = 0xbf, .dst = 2, .src = 10 },
		{ .code = 0x07, .dst = 2, .imm = -4 },
		WIDE(1, PSEUDO_MAP_FD, one),
		{ .code = 0x25, .dst = 6, .off = 2, .imm = 10 }, /* if r6 > 10 */
		WIDE(1, PSEUDO_MAP_FD, two),
		FINISH,
	};

	return result(s, insns, ARRAY_SIZE(insns));
}

static void run_shape(const struct side *s, const struct shape *shape)
{
	u32 n = shape->max_entries;
	const u32 keys[] = { 0, n / 2, n - 1, n, n + 1, 0x7fffffff, 0x80000000, 0xffffffff };
	int map = new_map(s, shape, 100), other = new_map(s, shape, 5000);

	for (u32 i = 0; i < ARRAY_SIZE(keys); i++) {
		bool there = keys[i] < n;

		CHECK_EQ(look_up(s, map, keys[i]), there ? keys[i] + 100 : MISSING);
		CHECK_EQ(look_up(s, other, keys[i]), there ? keys[i] + 5000 : MISSING);
		CHECK_EQ(look_up_either(s, map, other, keys[i]), there ? keys[i] + 100 : MISSING);
		CHECK_EQ(look_up_either(s, other, map, keys[i]), there ? keys[i] + 5000 : MISSING);
	}
	close(map);
	close(other);
}

static void run_all(const struct side *s)
{
	for (u32 i = 0; i < ARRAY_SIZE(shapes); i++)
		run_shape(s, &shapes[i]);
}

/* A limit of steps is the interpreter's: then no native code is used. */
static void run_user(u64 max_steps)
{
	struct engine_user_opts opts = { .max_steps = max_steps };
	struct side s = { "user", NULL };

	CHECK_EQ(engine_user_new(&opts, NULL, &s.engine), 0);
	run_all(&s);
	s.engine->ops->free(s.engine);
}

TEST(lookup_in_native_code)
{
	run_user(0);
}

TEST(lookup_interpreted)
{
	run_user(1 << 30);
}

TEST(lookup_in_the_kernel)
{
	struct side s = { "kernel", NULL };

	if (!kernel_bpf_works())
		SKIP("bpf(2) is not allowed here");
	run_all(&s);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/engine_user/test_bpf.c - bpf(2) of the user engine beside the kernel's: the same commands,
 * the same results and errnos.
 */
#include "both.h"
#include "abi/helper.h"

TEST_BOTH(map_elements)
{
	int fd = side_map(s, BPF_MAP_TYPE_HASH, 4, 8, 2, 0);
	union bpf_attr attr = {0};
	u32 key = 7, next = 0;
	u64 value = 99, got = 0;

	CHECK(fd >= 0);
	attr.map_fd = (u32)fd;
	attr.key = (u64)&key;
	attr.value = (u64)&got;
	CHECK_EQ(side_cmd(s, BPF_MAP_LOOKUP_ELEM, &attr), -ENOENT);
	CHECK_EQ(side_cmd(s, BPF_MAP_DELETE_ELEM, &attr), -EINVAL); /* value is set */
	attr.value = (u64)&value;
	attr.flags = BPF_EXIST;
	CHECK_EQ(side_cmd(s, BPF_MAP_UPDATE_ELEM, &attr), -ENOENT);
	attr.flags = BPF_ANY;
	CHECK_EQ(side_cmd(s, BPF_MAP_UPDATE_ELEM, &attr), 0);
	attr.value = (u64)&got;
	CHECK_EQ(side_cmd(s, BPF_MAP_LOOKUP_ELEM, &attr), 0);
	CHECK_EQ(got, 99);
	attr.flags = 1 << 9;
	CHECK_EQ(side_cmd(s, BPF_MAP_LOOKUP_ELEM, &attr), -EINVAL);
	attr.flags = BPF_F_LOCK;
	CHECK_EQ(side_cmd(s, BPF_MAP_LOOKUP_ELEM, &attr), -EINVAL);
	attr.flags = 0;
	attr.key = 0;
	CHECK_EQ(side_cmd(s, BPF_MAP_LOOKUP_ELEM, &attr), -EFAULT);
	attr.next_key = (u64)&next;
	CHECK_EQ(side_cmd(s, BPF_MAP_GET_NEXT_KEY, &attr), 0);
	CHECK_EQ(next, 7);
	attr.key = (u64)&key;
	CHECK_EQ(side_cmd(s, BPF_MAP_GET_NEXT_KEY, &attr), -ENOENT);
	attr.value = 0;
	CHECK_EQ(side_cmd(s, BPF_MAP_DELETE_ELEM, &attr), 0);
	CHECK_EQ(side_cmd(s, BPF_MAP_DELETE_ELEM, &attr), -ENOENT);
	attr.map_fd = 9999;
	CHECK_EQ(side_cmd(s, BPF_MAP_DELETE_ELEM, &attr), -EBADF);
	attr.map_fd = 0;
	CHECK_EQ(side_cmd(s, BPF_MAP_DELETE_ELEM, &attr), -EINVAL);
	close(fd);
}

TEST_BOTH(attr_sizes)
{
	struct {
		union bpf_attr attr;
		u8 tail[64];
	} a = {0};
	u8 big[8192] = {0};

	a.attr.map_type = BPF_MAP_TYPE_ARRAY;
	a.attr.key_size = a.attr.value_size = 4;
	a.attr.max_entries = 1;
	int fd = side_bpf(s, BPF_MAP_CREATE, &a.attr, sizeof(a));
	CHECK(fd >= 0);
	close(fd);
	fd = side_bpf(s, BPF_MAP_CREATE, &a.attr, 20); /* up to map_flags */
	CHECK(fd >= 0);
	close(fd);
	a.tail[63] = 1;
	CHECK_EQ(side_bpf(s, BPF_MAP_CREATE, &a.attr, sizeof(a)), -E2BIG);
	CHECK_EQ(side_bpf(s, BPF_MAP_CREATE, (union bpf_attr *)big, sizeof(big)), -E2BIG);
	CHECK_EQ(side_bpf(s, BPF_MAP_CREATE, NULL, 20), -EFAULT);
	CHECK_EQ(side_bpf(s, 999, &a.attr, sizeof(a.attr)), -EINVAL);
	((u8 *)&a.attr)[sizeof(a.attr) - 1] = 1; /* behind what MAP_CREATE takes */
	CHECK_EQ(side_bpf(s, BPF_MAP_CREATE, &a.attr, sizeof(a.attr)), -EINVAL);
}

TEST(map_create_errors)
{
	static const struct {
		u32 type, key, value, n, flags;
	} bad[] = {
		{0, 4, 4, 1, 0},
		{99, 4, 4, 1, 0},
		{BPF_MAP_TYPE_ARRAY, 8, 4, 1, 0},
		{BPF_MAP_TYPE_ARRAY, 4, 0, 1, 0},
		{BPF_MAP_TYPE_ARRAY, 4, 4, 0, 0},
		{BPF_MAP_TYPE_HASH, 0, 4, 1, 0},
		{BPF_MAP_TYPE_HASH, 4, 4, 1, 1 << 30},
		{BPF_MAP_TYPE_HASH, 4, 4, 1, BPF_F_RDONLY | BPF_F_WRONLY},
		{BPF_MAP_TYPE_RINGBUF, 0, 0, 4095, 0},
		{BPF_MAP_TYPE_RINGBUF, 4, 0, 4096, 0},
		{BPF_MAP_TYPE_QUEUE, 4, 4, 1, 0},
		{BPF_MAP_TYPE_STACK_TRACE, 4, 7, 1, 0},
		{BPF_MAP_TYPE_LPM_TRIE, 8, 4, 1, 0},
		{BPF_MAP_TYPE_PROG_ARRAY, 4, 8, 1, 0},
		{BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1, 0},
	};
	struct side user = {"user", user_engine()}, kernel = {"kernel", NULL};
	bool compare = kernel_bpf_works();

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		int err = side_map(&user, bad[i].type, bad[i].key, bad[i].value, bad[i].n,
				   bad[i].flags);

		CHECK(err < 0);
		if (compare)
			CHECK_EQ(err, side_map(&kernel, bad[i].type, bad[i].key, bad[i].value,
					       bad[i].n, bad[i].flags));
	}
	user.engine->ops->free(user.engine);
}

TEST_BOTH(syscall_program_runs)
{
	static const struct insn insns[] = {
		LDX(SZ_W, 0, 1, 0),
		ADD64(0, 5),
		STX(SZ_W, 1, 0, 4),
		EXIT_,
	};

	u32 ctx[2] = {37, 0}, ret = 0;
	int fd = side_prog(s, BPF_PROG_TYPE_SYSCALL, insns, ARRAY_SIZE(insns));

	CHECK(fd >= 0);
	CHECK_EQ(side_run(s, fd, ctx, sizeof(ctx), &ret), 0);
	CHECK_EQ(ret, 42);
	CHECK_EQ(ctx[1], 42);
	close(fd);
}

TEST_BOTH(program_counts_in_a_map)
{
	int map = side_map(s, BPF_MAP_TYPE_HASH, 4, 8, 8, 0);
	const struct insn insns[] = {
		ST(SZ_W, 10, -4, 3),
		ST(SZ_DW, 10, -16, 11),
		LDMAP(1, map),
		MOVX(2, 10),
		ADD64(2, -4),
		MOVX(3, 10),
		ADD64(3, -16),
		MOV64(4, 0),
		CALL(HELPER_map_update_elem),
		LDMAP(1, map),
		MOVX(2, 10),
		ADD64(2, -4),
		CALL(HELPER_map_lookup_elem),
		JEQ(0, 0, 1),
		LDX(SZ_DW, 0, 0, 0),
		EXIT_,
	};
	int fd = side_prog(s, BPF_PROG_TYPE_SYSCALL, insns, ARRAY_SIZE(insns));
	u32 ctx[1] = {0}, ret = 0, key = 3;
	union bpf_attr attr = {0};
	u64 value = 0;

	CHECK(map >= 0 && fd >= 0);
	CHECK_EQ(side_run(s, fd, ctx, sizeof(ctx), &ret), 0);
	CHECK_EQ(ret, 11);
	attr.map_fd = (u32)map;
	attr.key = (u64)&key;
	attr.value = (u64)&value;
	CHECK_EQ(side_cmd(s, BPF_MAP_LOOKUP_ELEM, &attr), 0);
	CHECK_EQ(value, 11);
	close(fd);
	close(map);
}

/* Counts packets in .bss style storage and drops those whose first byte is 0xff. */
TEST_BOTH(xdp_drop_counter)
{
	int map = side_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	const struct insn insns[] = {
		MOV64(0, XDP_PASS),
		LDX(SZ_W, 2, 1, 0),
		LDX(SZ_W, 3, 1, 4),
		MOVX(4, 2),
		ADD64(4, 14),
		{.code = CLS_JMP | JMP_JGT | SRC_X, .dst = 4, .src = 3, .off = 8},
		LDX(SZ_B, 5, 2, 0),
		JEQ(5, 0xff, 1),
		JA(5),
		LDVALUE(6, map, 0),
		MOV64(7, 1),
		{.code = CLS_STX | MODE_ATOMIC | SZ_DW, .dst = 6, .src = 7, .imm = ATOMIC_ADD},
		MOV64(0, XDP_DROP),
		EXIT_,
	};
	int fd = side_prog(s, BPF_PROG_TYPE_XDP, insns, ARRAY_SIZE(insns));
	u8 packet[64] = {0}, out[64] = {0};
	union bpf_attr attr = {0};
	u64 value = 0;
	u32 key = 0;

	CHECK(fd >= 0);
	attr.test.prog_fd = (u32)fd;
	attr.test.data_in = (u64)packet;
	attr.test.data_size_in = sizeof(packet);
	attr.test.data_out = (u64)out;
	attr.test.data_size_out = sizeof(out);
	CHECK_EQ(side_cmd(s, BPF_PROG_TEST_RUN, &attr), 0);
	CHECK_EQ(attr.test.retval, XDP_PASS);
	packet[0] = 0xff;
	attr.test.repeat = 10;
	CHECK_EQ(side_cmd(s, BPF_PROG_TEST_RUN, &attr), 0);
	CHECK_EQ(attr.test.retval, XDP_DROP);
	CHECK_EQ(attr.test.data_size_out, 64);
	CHECK_EQ(out[0], 0xff);
	attr.test.data_size_out = 10;
	CHECK_EQ(side_cmd(s, BPF_PROG_TEST_RUN, &attr), -ENOSPC);
	CHECK_EQ(attr.test.data_size_out, 64);
	attr.test.data_size_in = 13;
	CHECK_EQ(side_cmd(s, BPF_PROG_TEST_RUN, &attr), -EINVAL);
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (u32)map;
	attr.key = (u64)&key;
	attr.value = (u64)&value;
	CHECK_EQ(side_cmd(s, BPF_MAP_LOOKUP_ELEM, &attr), 0);
	CHECK_EQ(value, 20);
	close(fd);
	close(map);
}

/* ---- the verifier's log ---- */

struct log_result {
	char text[1 << 14];
	u32 true_size;
	int err;
};

static void load_logged(const struct side *s, const struct insn *insns, u32 n, u32 level, u32 size,
			struct log_result *r)
{
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = n};

	memset(r, 0, sizeof(*r));
	memset(r->text, '~', sizeof(r->text) - 1);
	attr.insns = (u64)insns;
	attr.license = (u64) "GPL";
	attr.log_level = level;
	attr.log_buf = size ? (u64)r->text : 0;
	attr.log_size = size;
	r->err = side_cmd(s, BPF_PROG_LOAD, &attr);
	r->true_size = attr.log_true_size;
	if (r->err >= 0) {
		close(r->err);
		r->err = 0;
	}
}

/* Text, true size and errno are the kernel's, whatever the level and however small the buffer. */
TEST(logs_like_the_kernel)
{
	static const struct insn accepted[] = {
		LDX(SZ_W, 2, 1, 0), MOV64(0, 0), JEQ(2, 7, 1), MOV64(0, 1), STX(SZ_DW, 10, 0, -8),
		EXIT_};
	static const struct insn refused[] = {
		LDX(SZ_W, 2, 1, 0), JEQ(2, 7, 1), MOV64(0, 1), STX(SZ_DW, 10, 0, -8), EXIT_};
	static const struct insn broken[] = {MOV64(0, 0), JA(7), EXIT_};
	static const struct {
		const struct insn *insns;
		u32 n;
	} progs[] = {{accepted, ARRAY_SIZE(accepted)},
		     {refused, ARRAY_SIZE(refused)},
		     {broken, ARRAY_SIZE(broken)}};
	static const u32 levels[] = {1, 2, 9, 10}, sizes[] = {0, 1, 2, 40, 200, 16000};
	static struct log_result own, theirs;
	struct side user = {"user", user_engine()}, kernel = {"kernel", NULL};

	if (!kernel_bpf_works()) {
		user.engine->ops->free(user.engine);
		SKIP("bpf(2) is not allowed here");
	}
	for (u32 p = 0; p < ARRAY_SIZE(progs); p++)
		for (u32 l = 0; l < ARRAY_SIZE(levels); l++)
			for (u32 k = 0; k < ARRAY_SIZE(sizes); k++) {
				load_logged(&user, progs[p].insns, progs[p].n, levels[l], sizes[k],
					    &own);
				load_logged(&kernel, progs[p].insns, progs[p].n, levels[l],
					    sizes[k], &theirs);
				CHECK_EQ(own.err, theirs.err);
				CHECK_EQ(own.true_size, theirs.true_size);
				own.text[MAX(sizes[k], 1u) - 1] = 0;
				theirs.text[MAX(sizes[k], 1u) - 1] = 0;
				CHECK_STR(own.text, theirs.text);
			}
	user.engine->ops->free(user.engine);
}

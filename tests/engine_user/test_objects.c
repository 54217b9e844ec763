/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/engine_user/test_objects.c - programs, maps that hold objects, info, ids and pins beside
 * the kernel's.
 */
#include "both.h"
#include "abi/helper.h"
#include "btf/build.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static const struct insn two[] = {MOV64(0, 2), EXIT_};

/* What PROG_LOAD says to one changed field of a good attr. */
TEST(prog_load_errors)
{
	struct side user = {"user", user_engine()}, kernel = {"kernel", NULL};
	bool compare = kernel_bpf_works();
	char log[256];

	for (u32 i = 0; i < 14; i++) {
		union bpf_attr good = {0}, attr;
		int err;

		good.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
		good.insn_cnt = 2;
		good.insns = (u64)two;
		good.license = (u64) "GPL";
		attr = good;
		switch (i) {
		case 0:
			attr.insn_cnt = 0;
			break;
		case 1:
			attr.insn_cnt = 1000001;
			break;
		case 2:
			attr.prog_type = 999;
			break;
		case 3:
			attr.prog_type = 0;
			break;
		case 4:
			attr.insns = 0;
			break;
		case 5:
			attr.license = 0;
			break;
		case 6:
			attr.prog_flags = 1 << 20;
			break;
		case 7:
			attr.log_level = 1;
			attr.log_size = 100;
			break;
		case 8:
			attr.log_level = 100;
			break;
		case 9:
			memcpy(attr.prog_name, "bad-name", 8);
			break;
		case 10:
			memset(attr.prog_name, 'a', 16);
			break;
		case 11:
			attr.prog_type = BPF_PROG_TYPE_SK_LOOKUP;
			break;
		case 12:
			attr.log_buf = (u64)log;
			attr.log_size = sizeof(log);
			break;
		case 13:
			attr.prog_type = BPF_PROG_TYPE_SYSCALL;
			attr.expected_attach_type = 3;
			attr.prog_flags = BPF_F_SLEEPABLE;
			break;
		}
		err = side_cmd(&user, BPF_PROG_LOAD, &attr);
		CHECK(err < 0);
		if (compare && side_cmd(&kernel, BPF_PROG_LOAD, &attr) != err)
			fail_msg("case %u: user %d, kernel %d", i, err,
				 side_cmd(&kernel, BPF_PROG_LOAD, &attr));
	}
	user.engine->ops->free(user.engine);
}

/* Refusals that the log explains in the kernel's words. */
TEST_BOTH(refusals_in_the_log)
{
	static const struct {
		struct insn insns[3];
		int err;
		const char *text;
	} cases[] = {
		{{CALL(9999), MOV64(0, 0), EXIT_}, -EINVAL, "invalid func unknown#9999"},
		{{CALL(HELPER_xdp_adjust_head), MOV64(0, 0), EXIT_},
		 -EINVAL,
		 "cannot use helper bpf_xdp_adjust_head#44"},
		{{{.code = CLS_LD | MODE_IMM | SZ_DW, .src = PSEUDO_MAP_FD, .imm = 9999},
		  {0},
		  EXIT_},
		 -EBADF,
		 "fd 9999 is not pointing to valid bpf_map"},
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		union bpf_attr attr = {0};
		char log[4096] = "";

		attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
		attr.insn_cnt = 3;
		attr.insns = (u64)cases[i].insns;
		attr.license = (u64) "GPL";
		attr.log_buf = (u64)log;
		attr.log_size = sizeof(log);
		attr.log_level = 1;
		CHECK_EQ(side_cmd(s, BPF_PROG_LOAD, &attr), cases[i].err);
		if (!strstr(log, cases[i].text))
			fail_msg("%s: log is '%s'", s->name, log);
	}
}

TEST_BOTH(gpl_helpers_need_a_gpl_licence)
{
	static const struct insn insns[] = {
		MOVX(1, 10), ADD64(1, -8), MOV64(2, 8), MOV64(3, 0), CALL(HELPER_probe_read_kernel),
		MOV64(0, 0), EXIT_};
	union bpf_attr attr = {0};

	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insn_cnt = ARRAY_SIZE(insns);
	attr.insns = (u64)insns;
	attr.license = (u64) "proprietary";
	CHECK_EQ(side_cmd(s, BPF_PROG_LOAD, &attr), -EINVAL);
	attr.license = (u64) "Dual BSD/GPL";
	int fd = side_cmd(s, BPF_PROG_LOAD, &attr);
	CHECK(fd >= 0);
	close(fd);
}

/* A helper that only a dead arm calls does not matter: the arm of a constant, and of a frozen one.
 */
TEST_BOTH(dead_arms_may_call_anything)
{
	int map = side_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_RDONLY_PROG);
	union bpf_attr attr = {0};
	const struct insn constant[] = {MOV64(1, 0), JEQ(1, 0, 1), CALL(HELPER_xdp_adjust_head),
					MOV64(0, 0), EXIT_};
	const struct insn frozen[] = {LDVALUE(1, map, 4), LDX(SZ_W, 1, 1, 0),
				      JEQ(1, 0, 1),	  CALL(HELPER_xdp_adjust_head),
				      MOV64(0, 0),	  EXIT_};
	int fd;

	attr.map_fd = (u32)map;
	CHECK_EQ(side_cmd(s, BPF_MAP_FREEZE, &attr), 0);
	fd = side_prog(s, BPF_PROG_TYPE_SOCKET_FILTER, constant, ARRAY_SIZE(constant));
	CHECK(fd >= 0);
	close(fd);
	fd = side_prog(s, BPF_PROG_TYPE_RAW_TRACEPOINT, frozen, ARRAY_SIZE(frozen));
	CHECK(fd >= 0);
	close(fd);
	close(map);
}

static int update(const struct side *s, int map, const void *key, const void *value, u64 flags)
{
	union bpf_attr attr = {0};

	attr.map_fd = (u32)map;
	attr.key = (u64)key;
	attr.value = (u64)value;
	attr.flags = flags;
	return side_cmd(s, BPF_MAP_UPDATE_ELEM, &attr);
}

static int lookup(const struct side *s, int map, const void *key, void *value)
{
	union bpf_attr attr = {0};

	attr.map_fd = (u32)map;
	attr.key = (u64)key;
	attr.value = (u64)value;
	return side_cmd(s, BPF_MAP_LOOKUP_ELEM, &attr);
}

TEST_BOTH(tail_calls)
{
	static const struct insn sleepy[] = {LDMAP(2, 0), MOV64(0, 0), EXIT_};
	int progs = side_map(s, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0);
	const struct insn caller[] = {
		LDX(SZ_DW, 3, 1, 0), LDMAP(2, progs), CALL(HELPER_tail_call), MOV64(0, 77), EXIT_,
	};
	int target = side_prog(s, BPF_PROG_TYPE_RAW_TRACEPOINT, two, 2);
	int fd = side_prog(s, BPF_PROG_TYPE_RAW_TRACEPOINT, caller, ARRAY_SIZE(caller));
	int other = side_prog(s, BPF_PROG_TYPE_SOCKET_FILTER, two, 2);
	u64 ctx = 1;
	u32 ret, key = 1, id = 0, nine = 9;

	struct insn asleep[ARRAY_SIZE(sleepy)];

	memcpy(asleep, sleepy, sizeof(sleepy));
	asleep[0].imm = progs;
	CHECK_EQ(side_prog(s, BPF_PROG_TYPE_SYSCALL, asleep, ARRAY_SIZE(asleep)), -EINVAL);
	CHECK(target >= 0 && fd >= 0 && other >= 0);
	CHECK_EQ(update(s, progs, &key, &target, 0), 0);
	CHECK_EQ(update(s, progs, &key, &target, BPF_NOEXIST), -EINVAL);
	CHECK_EQ(update(s, progs, &key, &other, 0), -EINVAL); /* of another type */
	CHECK_EQ(update(s, progs, &key, &progs, 0), -EINVAL); /* no program */
	CHECK_EQ(update(s, progs, &nine, &target, 0), -E2BIG);
	CHECK_EQ(lookup(s, progs, &key, &id), 0);
	CHECK(id > 0);
	CHECK_EQ(lookup(s, progs, &nine, &id), -ENOENT);
	close(target); /* the array keeps it */
	CHECK_EQ(side_run(s, fd, &ctx, 8, &ret), 0);
	CHECK_EQ(ret, 2);
	ctx = 2;
	CHECK_EQ(side_run(s, fd, &ctx, 8, &ret), 0);
	CHECK_EQ(ret, 77);
	close(fd);
	close(other);
	close(progs);
}

TEST_BOTH(maps_of_maps)
{
	int inner = side_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0), wrong, outer;
	union bpf_attr attr = {0};
	u32 key = 1, zero = 0, ret, ctx = 0;
	u64 value = 55;

	wrong = side_map(s, BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0);
	attr.map_type = BPF_MAP_TYPE_HASH_OF_MAPS;
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 4;
	attr.inner_map_fd = 9999;
	CHECK_EQ(side_cmd(s, BPF_MAP_CREATE, &attr), -EBADF);
	attr.inner_map_fd = (u32)inner;
	outer = side_cmd(s, BPF_MAP_CREATE, &attr);
	CHECK(outer >= 0);
	attr.inner_map_fd = (u32)outer;
	CHECK_EQ(side_cmd(s, BPF_MAP_CREATE, &attr), -EINVAL);
	CHECK_EQ(update(s, outer, &key, &wrong, 0), -EINVAL);
	CHECK_EQ(update(s, outer, &key, &inner, BPF_EXIST), -ENOENT);
	CHECK_EQ(update(s, outer, &key, &inner, 0), 0);
	CHECK_EQ(update(s, inner, &zero, &value, 0), 0);
	const struct insn insns[] = {
		ST(SZ_W, 10, -4, 1),
		LDMAP(1, outer),
		MOVX(2, 10),
		ADD64(2, -4),
		CALL(HELPER_map_lookup_elem),
		JEQ(0, 0, 7),
		MOVX(1, 0),
		ST(SZ_W, 10, -4, 0),
		MOVX(2, 10),
		ADD64(2, -4),
		CALL(HELPER_map_lookup_elem),
		JEQ(0, 0, 1),
		LDX(SZ_DW, 0, 0, 0),
		EXIT_,
	};
	int fd = side_prog(s, BPF_PROG_TYPE_SYSCALL, insns, ARRAY_SIZE(insns));
	CHECK(fd >= 0);
	close(inner);
	CHECK_EQ(side_run(s, fd, &ctx, 4, &ret), 0);
	CHECK_EQ(ret, 55);
	close(fd);
	close(outer);
	close(wrong);
}

TEST_BOTH(frozen_and_read_only_maps)
{
	int fd = side_map(s, BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0);
	int ro = side_map(s, BPF_MAP_TYPE_ARRAY, 4, 4, 1, BPF_F_RDONLY);
	int wo = side_map(s, BPF_MAP_TYPE_ARRAY, 4, 4, 1, BPF_F_WRONLY);
	union bpf_attr attr = {0};
	u32 key = 0, value = 1;

	CHECK(ro >= 0 && wo >= 0);
	attr.map_fd = (u32)fd;
	CHECK_EQ(side_cmd(s, BPF_MAP_FREEZE, &attr), 0);
	CHECK_EQ(side_cmd(s, BPF_MAP_FREEZE, &attr), -EPERM);
	CHECK_EQ(update(s, fd, &key, &value, 0), -EPERM);
	CHECK_EQ(lookup(s, fd, &key, &value), 0);
	CHECK_EQ(update(s, ro, &key, &value, 0), -EPERM);
	CHECK_EQ(lookup(s, ro, &key, &value), 0);
	CHECK_EQ(update(s, wo, &key, &value, 0), 0);
	CHECK_EQ(lookup(s, wo, &key, &value), -EPERM);
	close(fd);
	close(ro);
	close(wo);
}

TEST_BOTH(batches)
{
	int fd = side_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 8, 0);
	u32 keys[8], batch = 0;
	u64 values[8], sum = 0;
	union bpf_attr attr = {0};

	for (u32 i = 0; i < 8; i++) {
		keys[i] = i;
		values[i] = i * i;
	}
	attr.batch.map_fd = (u32)fd;
	attr.batch.keys = (u64)keys;
	attr.batch.values = (u64)values;
	attr.batch.count = 8;
	CHECK_EQ(side_cmd(s, BPF_MAP_UPDATE_BATCH, &attr), 0);
	CHECK_EQ(attr.batch.count, 8);
	memset(values, 0, sizeof(values));
	attr.batch.out_batch = (u64)&batch;
	attr.batch.count = 5;
	CHECK_EQ(side_cmd(s, BPF_MAP_LOOKUP_BATCH, &attr), 0);
	CHECK_EQ(attr.batch.count, 5);
	for (u32 i = 0; i < 5; i++)
		sum += values[i];
	CHECK_EQ(sum, 30);
	attr.batch.in_batch = (u64)&batch;
	attr.batch.count = 5;
	CHECK_EQ(side_cmd(s, BPF_MAP_LOOKUP_BATCH, &attr), -ENOENT);
	CHECK_EQ(attr.batch.count, 3);
	attr.batch.elem_flags = 1 << 20;
	CHECK_EQ(side_cmd(s, BPF_MAP_LOOKUP_BATCH, &attr), -EINVAL);
	close(fd);
}

TEST_BOTH(info_of_a_program)
{
	int map = side_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	const struct insn insns[] = {LDMAP(1, map), MOV64(0, 2), EXIT_};
	int fd = side_prog(s, BPF_PROG_TYPE_SOCKET_FILTER, insns, ARRAY_SIZE(insns));
	struct bpf_prog_info info = {0};
	struct insn back[8] = {0};
	u32 ids[4] = {0};
	union bpf_attr attr = {0};

	attr.info.bpf_fd = (u32)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (u64)&info;
	info.map_ids = (u64)ids;
	info.nr_map_ids = 4;
	info.xlated_prog_insns = (u64)back;
	info.xlated_prog_len = sizeof(back);
	CHECK_EQ(side_cmd(s, BPF_OBJ_GET_INFO_BY_FD, &attr), 0);
	CHECK_EQ(info.type, BPF_PROG_TYPE_SOCKET_FILTER);
	CHECK_EQ(info.gpl_compatible, 1);
	CHECK_EQ(info.nr_map_ids, 1);
	CHECK_EQ(info.xlated_prog_len, sizeof(insns));
	CHECK_EQ(back[0].imm, (s32)ids[0]);
	CHECK_EQ(back[0].src, PSEUDO_MAP_FD);
	CHECK_EQ(attr.info.info_len, sizeof(info));
	struct {
		struct bpf_prog_info i;
		u8 tail[8];
	} longer = {.tail = {[7] = 1}};
	attr.info.info = (u64)&longer;
	attr.info.info_len = sizeof(longer);
	CHECK_EQ(side_cmd(s, BPF_OBJ_GET_INFO_BY_FD, &attr), -E2BIG);
	attr.info.bpf_fd = 0;
	CHECK_EQ(side_cmd(s, BPF_OBJ_GET_INFO_BY_FD, &attr), -EINVAL);
	close(fd);
	close(map);
}

/* The tag does not depend on map fds, and is the kernel's. */
TEST(tags)
{
	struct side user = {"user", user_engine()}, kernel = {"kernel", NULL};
	u8 tags[2][8];

	if (!kernel_bpf_works()) {
		user.engine->ops->free(user.engine);
		SKIP("needs bpf(2)");
	}
	for (u32 i = 0; i < 2; i++) {
		const struct side *s = i ? &kernel : &user;
		int map = side_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
		const struct insn insns[] = {LDMAP(1, map), MOV64(0, 2), EXIT_};
		int fd = side_prog(s, BPF_PROG_TYPE_SOCKET_FILTER, insns, ARRAY_SIZE(insns));
		struct bpf_prog_info info = {0};
		union bpf_attr attr = {0};

		attr.info.bpf_fd = (u32)fd;
		attr.info.info_len = sizeof(info);
		attr.info.info = (u64)&info;
		CHECK_EQ(side_cmd(s, BPF_OBJ_GET_INFO_BY_FD, &attr), 0);
		memcpy(tags[i], info.tag, 8);
		close(fd);
		close(map);
	}
	CHECK_MEM(tags[0], tags[1], 8);
	user.engine->ops->free(user.engine);
}

TEST_BOTH(btf_of_a_map)
{
	struct btf_builder b = {0};
	struct btf *btf;
	union bpf_attr attr = {0};
	u32 size, u32_id = btf_add_int(&b, "u32", 4, 0), u64_id = btf_add_int(&b, "u64", 8, 0);
	int btf_fd, fd;

	CHECK_EQ(btf_build(&b, NULL, (struct place){0}, &btf), 0);
	btf_builder_free(&b);
	attr.btf = (u64)btf_raw(btf, &size);
	attr.btf_size = size;
	btf_fd = side_cmd(s, BPF_BTF_LOAD, &attr);
	CHECK(btf_fd >= 0);
	attr.btf_size = 10;
	CHECK_EQ(side_cmd(s, BPF_BTF_LOAD, &attr), -EINVAL);
	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_HASH;
	attr.key_size = 4;
	attr.value_size = 8;
	attr.max_entries = 1;
	attr.btf_fd = (u32)btf_fd;
	attr.btf_key_type_id = u32_id;
	attr.btf_value_type_id = u32_id;
	CHECK_EQ(side_cmd(s, BPF_MAP_CREATE, &attr), -EINVAL);
	attr.btf_value_type_id = u64_id;
	fd = side_cmd(s, BPF_MAP_CREATE, &attr);
	CHECK(fd >= 0);
	struct bpf_map_info info = {0};
	union bpf_attr ask = {0};
	ask.info.bpf_fd = (u32)fd;
	ask.info.info_len = sizeof(info);
	ask.info.info = (u64)&info;
	CHECK_EQ(side_cmd(s, BPF_OBJ_GET_INFO_BY_FD, &ask), 0);
	CHECK(info.btf_id > 0);
	CHECK_EQ(info.btf_key_type_id, u32_id);
	attr.btf_fd = 9999;
	CHECK_EQ(side_cmd(s, BPF_MAP_CREATE, &attr), -EBADF);
	close(fd);
	close(btf_fd);
	btf_free(btf);
}

/* Objects end with their last descriptor, wherever it was. */
TEST(objects_end_with_their_descriptors)
{
	struct side s = {"user", user_engine()};
	int fd = side_map(&s, BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0), copy = dup(fd), by_id;
	union bpf_attr attr = {0};

	CHECK_EQ(side_cmd(&s, BPF_MAP_GET_NEXT_ID, &attr), 0);
	CHECK_EQ(attr.next_id, 1);
	close(fd);
	attr = (union bpf_attr){0};
	attr.map_id = 1;
	by_id = side_cmd(&s, BPF_MAP_GET_FD_BY_ID, &attr);
	CHECK(by_id >= 0);
	close(copy);
	attr = (union bpf_attr){0};
	CHECK_EQ(side_cmd(&s, BPF_MAP_GET_NEXT_ID, &attr), 0);
	close(by_id);
	attr = (union bpf_attr){0};
	CHECK_EQ(side_cmd(&s, BPF_MAP_GET_NEXT_ID, &attr), -ENOENT);
	s.engine->ops->free(s.engine);
}

static u32 open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	u32 n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

TEST(nothing_leaks)
{
	u32 before = open_fds(), during;
	struct side s = {"user", user_engine()};

	during = open_fds();
	for (u32 i = 0; i < 300; i++) {
		int map = side_map(&s, BPF_MAP_TYPE_HASH, 4, 4, 16, 0);
		const struct insn insns[] = {LDMAP(1, map), MOV64(0, 2), EXIT_};
		int fd = side_prog(&s, BPF_PROG_TYPE_SOCKET_FILTER, insns, ARRAY_SIZE(insns));

		CHECK(fd >= 0);
		CHECK(side_prog(&s, BPF_PROG_TYPE_SOCKET_FILTER, insns, 2) < 0);
		close(map);
		close(fd);
	}
	union bpf_attr attr = {0};
	CHECK_EQ(side_cmd(&s, BPF_PROG_GET_NEXT_ID, &attr), -ENOENT);
	CHECK_EQ(open_fds(), during);
	s.engine->ops->free(s.engine);
	CHECK_EQ(open_fds(), before);
}

static int pin(const struct side *s, enum bpf_cmd cmd, const char *path, int fd)
{
	union bpf_attr attr = {0};

	attr.pathname = (u64)path;
	attr.bpf_fd = cmd == BPF_OBJ_PIN ? (u32)fd : 0;
	return side_cmd(s, cmd, &attr);
}

/* A pinned map outlives its session, where the run-time directory is a tmpfs. */
TEST(pins_outlive_a_session)
{
	char dir[] = "/dev/shm/osmia-test-XXXXXX";
	struct side a, b;
	u32 key = 0, value = 1234;
	int fd, again;

	if (!mkdtemp(dir))
		SKIP("needs a tmpfs at /dev/shm");
	setenv("XDG_RUNTIME_DIR", dir, 1);
	a = (struct side){"first", user_engine()};
	b = (struct side){"second", user_engine()};
	fd = side_map(&a, BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0);
	CHECK_EQ(update(&a, fd, &key, &value, 0), 0);
	CHECK_EQ(pin(&a, BPF_OBJ_PIN, "/sys/fs/bpf/osmia_test/counter", fd), 0);
	CHECK_EQ(pin(&a, BPF_OBJ_PIN, "/sys/fs/bpf/osmia_test/counter", fd), -EEXIST);
	CHECK_EQ(pin(&a, BPF_OBJ_GET, "/sys/fs/bpf/osmia_test/none", 0), -ENOENT);
	CHECK_EQ(pin(&a, BPF_OBJ_PIN, "/sys/fs/bpf/../../../etc/x", fd), -EPERM);
	close(fd);
	a.engine->ops->free(a.engine);
	again = pin(&b, BPF_OBJ_GET, "/sys/fs/bpf/osmia_test/counter", 0);
	CHECK(again >= 0);
	value = 0;
	CHECK_EQ(lookup(&b, again, &key, &value), 0);
	CHECK_EQ(value, 1234);
	close(again);
	b.engine->ops->free(b.engine);
	unsetenv("XDG_RUNTIME_DIR");
	char cmd[128];
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	CHECK_EQ(system(cmd), 0);
}

/* A full run-time directory: maps are made elsewhere, and nothing is hit by SIGBUS. */
TEST(full_run_time_directory)
{
	char dir[] = "/tmp/osmia-test-XXXXXX", cmd[200];
	struct side s;
	u32 key = 0, value = 5;
	int fds[20];

	CHECK(mkdtemp(dir) != NULL);
	if (geteuid() || mount("none", dir, "tmpfs", 0, "size=64k,mode=0700")) {
		rmdir(dir);
		SKIP("needs to mount a tmpfs");
	}
	setenv("XDG_RUNTIME_DIR", dir, 1);
	s = (struct side){"user", user_engine()};
	unsetenv("XDG_RUNTIME_DIR");
	for (u32 i = 0; i < 20; i++) {
		fds[i] = side_map(&s, BPF_MAP_TYPE_ARRAY, 4, 4, 10000, 0);
		CHECK(fds[i] >= 0);
		key = 9999;
		CHECK_EQ(update(&s, fds[i], &key, &value, 0), 0);
	}
	for (u32 i = 0; i < 20; i++) {
		close(fds[i]);
		fds[i] = side_prog(&s, BPF_PROG_TYPE_SYSCALL, two, 2);
		CHECK(fds[i] >= 0);
	}
	for (u32 i = 0; i < 20; i++)
		close(fds[i]);
	s.engine->ops->free(s.engine);
	snprintf(cmd, sizeof(cmd), "umount %s && rmdir %s", dir, dir);
	CHECK_EQ(system(cmd), 0);
}

/* Files that only look like objects. */
TEST(foreign_files_are_no_objects)
{
	struct side s = {"user", user_engine()};
	char path[] = "/tmp/osmia-test-XXXXXX";
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = mkstemp(path);
	u8 junk[8192];
	u32 key = 0, value;

	CHECK(fd >= 0);
	for (u32 i = 0; i < sizeof(junk); i++)
		junk[i] = (u8)(i * 7);
	CHECK_EQ(write(fd, junk, sizeof(junk)), sizeof(junk));
	CHECK_EQ(lookup(&s, fd, &key, &value), -EINVAL);
	CHECK_EQ(pin(&s, BPF_OBJ_GET, path, 0), -EACCES);
	unlink(path);
	close(fd);
	/* What is no regular file is not even opened. */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	memcpy(at.sun_path, path, sizeof(path));
	CHECK_EQ(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	CHECK_EQ(pin(&s, BPF_OBJ_GET, path, 0), -EACCES);
	CHECK_EQ(pin(&s, BPF_OBJ_GET, "/dev/tty", 0), -EACCES);
	CHECK_EQ(pin(&s, BPF_OBJ_GET, "/dev", 0), -EACCES);
	unlink(path);
	close(fd);
	s.engine->ops->free(s.engine);
}

/* Sessions in two processes at once, as an ordinary user. */
TEST(ordinary_user)
{
	pid_t pids[2];

	for (u32 i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		if (!geteuid() && (setgid(65534) || setuid(65534)))
			_exit(9);
		struct engine *e;
		u32 ctx = 0, ret = 0;
		if (engine_user_new(NULL, NULL, &e))
			_exit(1);
		struct side s = {"user", e};
		int fd = side_prog(&s, BPF_PROG_TYPE_SYSCALL, two, 2);
		if (fd < 0 || side_run(&s, fd, &ctx, 4, &ret) || ret != 2)
			_exit(2);
		e->ops->free(e);
		_exit(0);
	}
	for (u32 i = 0; i < 2; i++) {
		int status;

		CHECK_EQ(waitpid(pids[i], &status, 0), pids[i]);
		CHECK_EQ(status, 0);
	}
}

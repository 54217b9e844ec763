/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/engine_user/test_hostile.c - programs that mean harm: the verifier refuses them in the kernel's
 * words, and those that only take too long are ended, counted and explained.
 */
#include "both.h"
#include "abi/helper.h"
#include "abi/helper_use.h"
#include "btf/build.h"
#include "engine/ring.h"
#include "helper/helper.h"
#include <sys/mman.h>
#include <time.h>

struct user {
	struct side side;
	int hash, array, ring, progs, outer;
};

static void user_open(struct user *u, u64 max_steps)
{
	struct engine_user_opts opts = {.max_steps = max_steps, .max_run_ns = 500000000};

	*u = (struct user){.side = {"user", NULL}};
	CHECK_EQ(engine_user_new(&opts, NULL, &u->side.engine), 0);
	u->hash = side_map(&u->side, BPF_MAP_TYPE_HASH, 4, 8, 8, 0);
	u->array = side_map(&u->side, BPF_MAP_TYPE_ARRAY, 4, 16, 1, 0);
	u->ring = side_map(&u->side, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	u->progs = side_map(&u->side, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0);
	CHECK(u->hash >= 0 && u->array >= 0 && u->ring >= 0 && u->progs >= 0);
}

static void user_close(struct user *u)
{
	close(u->hash);
	close(u->array);
	close(u->ring);
	close(u->progs);
	u->side.engine->ops->free(u->side.engine);
}

static void keep_line(void *arg, const char *text)
{
	snprintf(arg, 400, "%s", text);
}

/* BTF of a program and its callbacks: FUNC 3 is global, FUNC 4 static. */
static int funcs_btf(const struct side *s)
{
	struct btf_builder b = {0};
	union bpf_attr attr = {0};
	struct btf *btf;
	u32 size;
	int fd;

	btf_add_int(&b, "int", 4, BTF_INT_SIGNED);
	btf_add_proto(&b, 1);
	btf_add(&b, "prog", BTF_FUNC, false, BTF_GLOBAL, 2);
	btf_add(&b, "callback", BTF_FUNC, false, BTF_STATIC, 2);
	CHECK_EQ(btf_build(&b, NULL, (struct place){0}, &btf), 0);
	btf_builder_free(&b);
	attr.btf = (u64)btf_raw(btf, &size);
	attr.btf_size = size;
	fd = side_cmd(s, BPF_BTF_LOAD, &attr);
	btf_free(btf);
	CHECK(fd >= 0);
	return fd;
}

/* A program whose functions begin where its wide loads say. */
static int load_with_callbacks(const struct side *s, const struct insn *insns, u32 n)
{
	struct bpf_func_info info[8] = {{.insn_off = 0, .type_id = 3}};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT, .insn_cnt = n};
	u32 n_info = 1;
	int fd;

	for (u32 pc = 0; pc < n; pc++)
		if (insn_is_wide(&insns[pc]) && insns[pc].src == PSEUDO_FUNC)
			info[n_info++] = (struct bpf_func_info){pc + 1 + (u32)insns[pc].imm, 4};
	attr.insns = (u64)insns;
	attr.license = (u64) "GPL";
	attr.prog_btf_fd = (u32)funcs_btf(s);
	attr.func_info = (u64)info;
	attr.func_info_rec_size = sizeof(info[0]);
	attr.func_info_cnt = n_info;
	fd = side_cmd(s, BPF_PROG_LOAD, &attr);
	close((int)attr.prog_btf_fd);
	return fd;
}

/* Loads, runs, and wants the run to end with err and the account to say why. */
static void wants(struct user *u, const struct insn *insns, u32 n, int err, const char *why)
{
	int fd = load_with_callbacks(&u->side, insns, n);
	u64 ctx[4] = {0x4141414141414141, 1, 2, 3};
	char text[400] = "";
	u32 ret;

	CHECK(fd >= 0);
	CHECK_EQ(side_run(&u->side, fd, ctx, sizeof(ctx), &ret), err);
	u->side.engine->ops->account(u->side.engine, keep_line, text);
	if (why && !strstr(text, why))
		fail_msg("account is '%s', not '%s'", text, why);
	close(fd);
}

#define WANTS(u, err, why, ...)                                 \
	do {                                                    \
		const struct insn insns_[] = {__VA_ARGS__};     \
		wants(u, insns_, ARRAY_SIZE(insns_), err, why); \
	} while (0)

/* ---- what is refused ---- */

/* Errno of the load, and the last line of the log before its figures. */
static int load_log_as(u32 type, const struct side *s, const struct insn *insns, u32 n, char *why,
		       u32 size)
{
	static char log[1 << 16];
	union bpf_attr attr = {.prog_type = type, .insn_cnt = n};
	char *end, *line;
	int fd;

	log[0] = 0;
	attr.insns = (u64)insns;
	attr.license = (u64) "GPL";
	attr.log_buf = (u64)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	fd = side_cmd(s, BPF_PROG_LOAD, &attr);
	if (fd >= 0)
		close(fd);
	end = strstr(log, "processed ");
	if (!end)
		end = log + strlen(log);
	if (end > log)
		*--end = 0;
	line = strrchr(log, '\n');
	snprintf(why, size, "%s", line ? line + 1 : log);
	return fd >= 0 ? 0 : fd;
}

static int load_log(const struct side *s, const struct insn *insns, u32 n, char *why, u32 size)
{
	return load_log_as(BPF_PROG_TYPE_RAW_TRACEPOINT, s, insns, n, why, size);
}

static struct side kernel_side = {"kernel", NULL};

/* insns name maps by these; each engine has its own. */
enum { HASH = -1, ARRAY = -2, RING = -3 };

static void use_maps(struct insn *insns, u32 n, const int maps[3])
{
	for (u32 i = 0; i < n; i++)
		if (insn_is_wide(&insns[i]) && insns[i].src != PSEUDO_FUNC && insns[i].imm < 0)
			insns[i].imm = maps[-insns[i].imm - 1];
}

/* The user engine refuses it for that reason, and so does the kernel where it may be asked. */
static void refused(struct user *u, const struct insn *insns, u32 n, const char *why)
{
	const int maps[3] = {u->hash, u->array, u->ring};
	struct insn own[32];
	char text[400], kernel_text[400];
	int err, kernel_maps[3], kernel_err;

	CHECK(n <= ARRAY_SIZE(own));
	memcpy(own, insns, n * sizeof(*own));
	use_maps(own, n, maps);
	err = load_log(&u->side, own, n, text, sizeof(text));
	if (!err || !strstr(text, why))
		fail_msg("refused with %d and '%s', not '%s'", err, text, why);
	if (!kernel_bpf_works())
		return;
	kernel_maps[0] = side_map(&kernel_side, BPF_MAP_TYPE_HASH, 4, 8, 8, 0);
	kernel_maps[1] = side_map(&kernel_side, BPF_MAP_TYPE_ARRAY, 4, 16, 1, 0);
	kernel_maps[2] = side_map(&kernel_side, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	memcpy(own, insns, n * sizeof(*own));
	use_maps(own, n, kernel_maps);
	kernel_err = load_log(&kernel_side, own, n, kernel_text, sizeof(kernel_text));
	for (u32 i = 0; i < 3; i++)
		close(kernel_maps[i]);
	CHECK_EQ(err, kernel_err);
	CHECK_STR(text, kernel_text);
}

#define REFUSED(u, why, ...)                                 \
	do {                                                 \
		const struct insn insns_[] = {__VA_ARGS__};  \
		refused(u, insns_, ARRAY_SIZE(insns_), why); \
	} while (0)

TEST(wild_pointers)
{
	struct user u;

	user_open(&u, 0);
	REFUSED(&u, "R1 invalid mem access 'scalar'", MOV64(1, 0), LDX(SZ_DW, 0, 1, 0), EXIT_);
	REFUSED(&u, "R1 invalid mem access 'scalar'", LDX(SZ_DW, 1, 1, 0), LDX(SZ_DW, 0, 1, 0),
		EXIT_);
	REFUSED(&u, "R1 invalid mem access 'scalar'", MOV64(1, -1), STX(SZ_B, 1, 1, 0), EXIT_);
	REFUSED(&u, "invalid read from stack R10 off=0 size=8", LDX(SZ_DW, 0, 10, 0), EXIT_);
	REFUSED(&u, "invalid read from stack R10 off=-520 size=8", LDX(SZ_DW, 0, 10, -520), EXIT_);
	REFUSED(&u, "invalid bpf_context access off=100 size=8", LDX(SZ_DW, 0, 1, 100), EXIT_);
	REFUSED(&u, "invalid bpf_context access off=0 size=8", ST(SZ_DW, 1, 0, 0), MOV64(0, 0),
		EXIT_);
	REFUSED(&u, "R1 min value is outside of the allowed memory range", LDVALUE(1, ARRAY, 8),
		LDX(SZ_DW, 0, 1, 8), EXIT_);
	REFUSED(&u, "R1 min value is outside of the allowed memory range", LDVALUE(1, ARRAY, 0), STX(SZ_DW, 1, 1, -8),
		MOV64(0, 0), EXIT_);
	user_close(&u);
}

TEST(bad_helper_arguments)
{
	struct user u;

	user_open(&u, 0);
	REFUSED(&u, "R1 type=scalar expected=map_ptr", MOV64(1, 64), MOVX(2, 10), ADD64(2, -4),
		CALL(HELPER_map_lookup_elem), EXIT_);
	REFUSED(&u, "R1 type=fp expected=map_ptr", MOVX(1, 10), MOVX(2, 10), ADD64(2, -4),
		CALL(HELPER_map_lookup_elem), EXIT_);
	REFUSED(&u, "R2 type=scalar expected=fp", LDMAP(1, HASH), MOV64(2, 0),
		CALL(HELPER_map_lookup_elem), EXIT_);
	REFUSED(&u, "invalid read from stack R2 off=-2 size=4", LDMAP(1, HASH), MOVX(2, 10),
		ADD64(2, -2), CALL(HELPER_map_lookup_elem), EXIT_);
	REFUSED(&u, "R1 type=scalar expected=fp", MOV64(1, 0), MOV64(2, 8), MOVX(3, 10),
		CALL(HELPER_probe_read_kernel), EXIT_);
	REFUSED(&u, "R2 unbounded memory access", MOVX(1, 10), ADD64(1, -8), MOV64(2, 1 << 30),
		MOVX(3, 10), CALL(HELPER_probe_read_kernel), EXIT_);
	REFUSED(&u, "R1 type=scalar expected=ringbuf_mem", MOV64(1, 8), MOV64(2, 0),
		CALL(HELPER_ringbuf_submit), MOV64(0, 0), EXIT_);
	REFUSED(&u, "R2 type=scalar expected=func", MOV64(1, 1), MOV64(2, 77), MOV64(3, 0),
		MOV64(4, 0), CALL(HELPER_loop), MOV64(0, 0), EXIT_);
	user_close(&u);
}

TEST(what_never_ends_or_leaks)
{
	struct user u;

	user_open(&u, 0);
	REFUSED(&u, "old state: R0=", MOV64(0, 0), JEQ(0, 0, -1), EXIT_);
	REFUSED(&u, "the call stack of 9 frames is too deep",
		{.code = CLS_JMP | JMP_CALL, .src = CALL_SUBPROG, .imm = -1}, EXIT_);
	REFUSED(&u, "would lead to reference leak", LDMAP(1, RING), MOV64(2, 500), MOV64(3, 0),
		CALL(HELPER_ringbuf_reserve), MOV64(0, 0), EXIT_);
	user_close(&u);
}

/* A kernel struct of a map is nothing that this engine has. */
TEST(map_handles_are_no_memory)
{
	struct user u;
	char text[400];

	user_open(&u, 0);
	const struct insn insns[] = {LDMAP(1, u.hash), LDX(SZ_W, 0, 1, 24), EXIT_};
	CHECK(load_log(&u.side, insns, ARRAY_SIZE(insns), text, sizeof(text)) < 0);
	CHECK(strstr(text, "map_ptr"));
	user_close(&u);
}

/* Helpers of the kernel that are not there are named with their insn, unless they can't be reached. */
TEST(helpers_that_are_not_there)
{
	struct user u;
	char text[400];
	u64 ctx[4] = {0};
	u32 ret;
	int fd;

	user_open(&u, 0);
	const struct insn reached[] = {CALL(HELPER_perf_prog_read_value + 0), EXIT_};
	const struct insn jiffies[] = {LDMAP(1, u.hash), MOV64(2, 0), MOV64(3, 0), MOV64(4, 0),
				       MOV64(0, 0), JEQ(0, 0, 1), CALL(0xbad2310), EXIT_};
	CHECK(load_log(&u.side, reached, ARRAY_SIZE(reached), text, sizeof(text)) < 0);
	fd = side_prog(&u.side, BPF_PROG_TYPE_RAW_TRACEPOINT, jiffies, ARRAY_SIZE(jiffies));
	CHECK(fd >= 0);
	CHECK_EQ(side_run(&u.side, fd, ctx, sizeof(ctx), &ret), 0);
	CHECK_EQ(ret, 0);
	close(fd);
	const struct insn poison[] = {CALL(0xbad2310), MOV64(0, 0), EXIT_};
	CHECK_EQ(load_log(&u.side, poison, ARRAY_SIZE(poison), text, sizeof(text)), -EINVAL);
	CHECK_STR(text, "invalid func unknown#195896080");
	user_close(&u);
}

/* A map in a map of maps may be shorter than its template said: index 3 may not be there. */
TEST(inner_maps_may_be_short)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY_OF_MAPS};
	char text[400];
	struct user u;
	int inner, outer;

	user_open(&u, 0);
	inner = side_map(&u.side, BPF_MAP_TYPE_ARRAY, 4, 8, 4, BPF_F_INNER_MAP);
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	attr.inner_map_fd = (u32)inner;
	outer = side_cmd(&u.side, BPF_MAP_CREATE, &attr);
	CHECK(inner >= 0 && outer >= 0);
	const struct insn insns[] = {
		ST(SZ_W, 10, -4, 0), MOVX(2, 10), ADD64(2, -4), LDMAP(1, outer),
		CALL(HELPER_map_lookup_elem), JEQ(0, 0, 6), MOVX(1, 0), ST(SZ_W, 10, -4, 3),
		MOVX(2, 10), ADD64(2, -4), CALL(HELPER_map_lookup_elem), LDX(SZ_DW, 0, 0, 0), EXIT_};
	CHECK_EQ(load_log(&u.side, insns, ARRAY_SIZE(insns), text, sizeof(text)), -EACCES);
	CHECK_STR(text, "R0 invalid mem access 'map_value_or_null'");
	close(inner);
	close(outer);
	user_close(&u);
}

/* An array whose value begins with a lock: { struct bpf_spin_lock lock; int x; } */
static int lock_map(const struct side *s)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY}, btf_attr = {0};
	struct btf_builder b = {0};
	struct btf *btf;
	u32 size;
	int fd;

	btf_add_int(&b, "int", 4, BTF_INT_SIGNED);
	btf_add_struct(&b, BTF_STRUCT, "bpf_spin_lock", 4);
	btf_add_member(&b, "val", 1, 0, 0);
	btf_add_struct(&b, BTF_STRUCT, "value", 8);
	btf_add_member(&b, "lock", 2, 0, 0);
	btf_add_member(&b, "x", 1, 32, 0);
	CHECK_EQ(btf_build(&b, NULL, (struct place){0}, &btf), 0);
	btf_builder_free(&b);
	btf_attr.btf = (u64)btf_raw(btf, &size);
	btf_attr.btf_size = size;
	attr.btf_fd = (u32)side_cmd(s, BPF_BTF_LOAD, &btf_attr);
	btf_free(btf);
	attr.key_size = 4;
	attr.value_size = 8;
	attr.max_entries = 1;
	attr.btf_key_type_id = 1;
	attr.btf_value_type_id = 3;
	fd = side_cmd(s, BPF_MAP_CREATE, &attr);
	close((int)attr.btf_fd);
	CHECK(fd >= 0);
	return fd;
}

static void wants_no_lock_access(const struct side *s, int map)
{
	const struct insn insns[] = {LDVALUE(1, map, 0), ST(SZ_W, 1, 0, 1), MOV64(0, 0), EXIT_};
	const struct insn beside[] = {LDVALUE(1, map, 4), ST(SZ_W, 1, 0, 1), MOV64(0, 0), EXIT_};
	char text[400];

	CHECK_EQ(load_log_as(BPF_PROG_TYPE_XDP, s, insns, ARRAY_SIZE(insns), text, sizeof(text)),
		 -EACCES);
	CHECK_STR(text, "bpf_spin_lock cannot be accessed directly by load/store");
	CHECK_EQ(load_log_as(BPF_PROG_TYPE_XDP, s, beside, ARRAY_SIZE(beside), text, sizeof(text)),
		 0);
}

/* Locks are nobody's to write, in a map that another session made neither: its BTF is not known there. */
TEST(locks_are_no_memory)
{
	const char *path = "/sys/fs/bpf/osmia_test/locked";
	char dir[] = "/dev/shm/osmia-test-XXXXXX", cmd[64];
	union bpf_attr attr = {.pathname = (u64)path};
	struct side a, b;
	int map, again;

	if (!mkdtemp(dir))
		SKIP("needs a tmpfs at /dev/shm");
	setenv("XDG_RUNTIME_DIR", dir, 1);
	a = (struct side){"first", user_engine()};
	b = (struct side){"second", user_engine()};
	map = lock_map(&a);
	wants_no_lock_access(&a, map);
	attr.bpf_fd = (u32)map;
	CHECK_EQ(side_cmd(&a, BPF_OBJ_PIN, &attr), 0);
	attr.bpf_fd = 0;
	again = side_cmd(&b, BPF_OBJ_GET, &attr);
	CHECK(again >= 0);
	wants_no_lock_access(&b, again);
	close(again);
	close(map);
	a.engine->ops->free(a.engine);
	b.engine->ops->free(b.engine);
	unsetenv("XDG_RUNTIME_DIR");
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	CHECK_EQ(system(cmd), 0);
}

/* ---- pointers that a client makes up ---- */

static int load_on(const struct user *u, const char *tracepoint, const struct insn *insns, u32 n)
{
	const struct btf *btf = u->side.engine->ops->target_btf(u->side.engine, NULL, NULL);
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_TRACING, .insn_cnt = n};

	attr.insns = (u64)insns;
	attr.license = (u64) "GPL";
	attr.expected_attach_type = BPF_TRACE_RAW_TP;
	attr.attach_btf_id = btf_find(btf, tracepoint, BTF_TYPEDEF);
	CHECK(attr.attach_btf_id != 0);
	return side_cmd(&u->side, BPF_PROG_LOAD, &attr);
}

/* What a test run says is a kernel struct is read like one that may be gone. */
TEST(forged_kernel_pointers)
{
	u64 wild[] = {0, 16, 0x4141414141414141, 0xffff888000000000, (u64)wild};
	struct user u;
	u32 ret;
	int fd;

	user_open(&u, 0);
	const struct insn direct[] = {LDX(SZ_DW, 2, 1, 0), LDX(SZ_DW, 0, 2, 128), EXIT_};
	fd = load_on(&u, "btf_trace_sys_enter", direct, ARRAY_SIZE(direct));
	CHECK(fd >= 0);
	for (u32 i = 0; i < ARRAY_SIZE(wild); i++) {
		u64 ctx[4] = {wild[i], 1};

		CHECK_EQ(side_run(&u.side, fd, ctx, sizeof(ctx), &ret), 0);
		CHECK_EQ(ret, 0);
	}
	close(fd);
	/* one insn that reads the stack on one path and untrusted memory on the other */
	const struct insn mixed[] = {ST(SZ_DW, 10, -8, 42), LDX(SZ_DW, 2, 1, 16),
				     LDX(SZ_DW, 3, 2, 0),   LDX(SZ_DW, 4, 1, 8),
				     JEQ(4, 0, 2),	    MOVX(3, 10),
				     ADD64(3, -8),	    LDX(SZ_B, 0, 3, 0),
				     EXIT_};
	fd = load_on(&u, "btf_trace_sched_process_exec", mixed, ARRAY_SIZE(mixed));
	CHECK(fd >= 0);
	for (u32 i = 0; i < ARRAY_SIZE(wild); i++) {
		u64 ctx[4] = {0, i % 2, wild[i]};

		CHECK_EQ(side_run(&u.side, fd, ctx, sizeof(ctx), &ret), 0);
		CHECK_EQ(ret, i % 2 ? 42 : 0);
	}
	close(fd);
	user_close(&u);
}

/* A context as long as the program reads is the client's to give. */
TEST(short_contexts)
{
	u64 ctx[12] = {0};
	struct user u;
	u32 ret;
	int fd;

	user_open(&u, 0);
	const struct insn insns[] = {LDX(SZ_DW, 0, 1, 40), EXIT_};
	fd = side_prog(&u.side, BPF_PROG_TYPE_RAW_TRACEPOINT, insns, ARRAY_SIZE(insns));
	CHECK(fd >= 0);
	CHECK_EQ(side_run(&u.side, fd, ctx, 40, &ret), -EINVAL);
	CHECK_EQ(side_run(&u.side, fd, ctx, 48, &ret), 0);
	close(fd);
	user_close(&u);
}

/* ---- what is ended ---- */

static int count_record(void *arg, const void *data, u32 size)
{
	(void)data;
	*(u32 *)arg += size;
	return 0;
}

/* r0 = 0 after 8 Mi calls of the function `skip` insns further on than this one's end. */
#define LOOP(skip) \
	MOV64(1, 8 << 20), LDFUNC(2, (skip) + 5), MOV64(3, 0), MOV64(4, 0), CALL(HELPER_loop), \
		MOV64(0, 0)

/* Loops in loops: each is allowed, together they don't end.  The clock does. */
TEST(endless_callbacks)
{
	struct user u;
	time_t start = time(NULL);

	user_open(&u, 0);
	WANTS(&u, -ETIME, "did not end", LOOP(1), EXIT_, LOOP(1), EXIT_, LOOP(1), EXIT_,
	      MOV64(0, 0), EXIT_);
	CHECK(time(NULL) - start < 20);
	user_close(&u);
	user_open(&u, 100000); /* interpreted: steps do */
	WANTS(&u, -ETIME, "did not end", LOOP(1), EXIT_, LOOP(1), EXIT_, MOV64(0, 0), EXIT_);
	user_close(&u);
}

/* A record that is never submitted is discarded at the end of its run: the consumer gets past it.
 */
TEST(records_are_given_back)
{
	struct ringbuf rb;
	struct user u;
	u32 bytes = 0;

	user_open(&u, 100000);
	for (u32 i = 0; i < 3; i++)
		WANTS(&u, -ETIME, "did not end", LDMAP(1, u.ring), MOV64(2, 500), MOV64(3, 0),
		      CALL(HELPER_ringbuf_reserve), JEQ(0, 0, 11), MOVX(6, 0), LOOP(5), MOVX(1, 6),
		      MOV64(2, 0), CALL(HELPER_ringbuf_submit), MOV64(0, 0), EXIT_, LOOP(1), EXIT_,
		      MOV64(0, 0), EXIT_);
	CHECK_EQ(ringbuf_open(u.ring, 4096, &rb), 0);
	CHECK_EQ(ringbuf_consume(&rb, count_record, &bytes), 0);
	CHECK_EQ(bytes, 0);
	CHECK_EQ(*rb.consumer, 3 * 512);
	ringbuf_close(&rb);
	user_close(&u);
}

/* Few insns, but each call copies 32 MiB. */
TEST(dear_helpers)
{
	const s32 half = 32 << 20;
	struct user u;
	time_t start = time(NULL);
	int big;

	user_open(&u, 0);
	big = side_map(&u.side, BPF_MAP_TYPE_ARRAY, 4, 2 * half, 1, 0);
	CHECK(big >= 0);
	WANTS(&u, -ETIME, "did not end", LOOP(1), EXIT_, LDVALUE(1, big, 0), MOV64(2, half),
	      LDVALUE(3, big, half), CALL(HELPER_probe_read_kernel), MOV64(0, 0), EXIT_);
	CHECK(time(NULL) - start < 30);
	close(big);
	user_close(&u);
}

/* Structure that the checks before a run refuse. */
TEST(broken_bytecode)
{
	static const struct insn cases[][3] = {
		{JA(5), EXIT_, EXIT_},
		{MOV64(0, 0), MOV64(0, 0), MOV64(0, 0)},
		{{.code = 0xff}, MOV64(0, 0), EXIT_},
		{MOV64(11, 0), MOV64(0, 0), EXIT_},
		{MOV64(0, 0), EXIT_, {.code = CLS_LD | MODE_IMM | SZ_DW}},
		{{.code = CLS_LD | MODE_IMM | SZ_DW, .src = PSEUDO_MAP_FD, .imm = 12345},
		 {0},
		 EXIT_},
		{{.code = CLS_LD | MODE_IMM | SZ_DW, .src = 9}, {0}, EXIT_},
		{CALL(99999), MOV64(0, 0), EXIT_},
		{{.code = CLS_JMP | JMP_CALL, .src = CALL_SUBPROG, .imm = 77}, MOV64(0, 0), EXIT_},
		{{.code = CLS_JMP | JMP_CALL, .src = CALL_KFUNC, .imm = 77}, MOV64(0, 0), EXIT_},
	};
	struct user u;

	user_open(&u, 0);
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK(side_prog(&u.side, BPF_PROG_TYPE_RAW_TRACEPOINT, cases[i], 3) < 0);
	user_close(&u);
}

static int get_by_id(const struct user *u, u32 id)
{
	union bpf_attr attr = {.map_id = id};

	return side_cmd(&u->side, BPF_MAP_GET_FD_BY_ID, &attr);
}

static void set_slot(const struct user *u, int map, u32 slot, int fd)
{
	union bpf_attr attr = {0};

	attr.map_fd = (u32)map;
	attr.key = (u64)&slot;
	attr.value = (u64)&fd;
	CHECK_EQ(side_cmd(&u->side, BPF_MAP_UPDATE_ELEM, &attr), 0);
}

/* Another process writes a map's reference into other slots of a map of maps: replacing those does
 * not take it from the program that uses it. */
TEST(forged_references)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY_OF_MAPS};
	struct user u;
	u64 ctx[4] = {0}, *slots;
	u32 id, ret, zero = 0;
	int inner, other, outer, prog, fd;

	user_open(&u, 0);
	inner = side_map(&u.side, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	other = side_map(&u.side, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 4;
	attr.inner_map_fd = (u32)inner;
	outer = side_cmd(&u.side, BPF_MAP_CREATE, &attr);
	CHECK(outer >= 0);
	set_slot(&u, outer, 0, inner);
	const struct insn insns[] = {LDVALUE(1, inner, 0), ST(SZ_DW, 1, 0, 7),
				     LDX(SZ_DW, 0, 1, 0), EXIT_};
	prog = side_prog(&u.side, BPF_PROG_TYPE_RAW_TRACEPOINT, insns, ARRAY_SIZE(insns));
	CHECK(prog >= 0);
	attr = (union bpf_attr){.map_fd = (u32)outer};
	attr.key = (u64)&zero;
	attr.value = (u64)&id;
	CHECK_EQ(side_cmd(&u.side, BPF_MAP_LOOKUP_ELEM, &attr), 0);
	slots = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, outer, 0);
	CHECK(slots != MAP_FAILED);
	for (u32 i = 1; i < 3; i++) { /* as often as it is referred to */
		slots[i] = slots[0];
		set_slot(&u, outer, i, other);
	}
	munmap(slots, 4096);
	close(inner);
	for (u32 i = 0; i < 200; i++) /* so many objects that the unused ones are swept */
		close(side_map(&u.side, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0));
	fd = get_by_id(&u, id);
	CHECK(fd >= 0);
	CHECK_EQ(side_run(&u.side, prog, ctx, sizeof(ctx), &ret), 0);
	CHECK_EQ(ret, 7);
	close(fd);
	close(prog);
	close(outer);
	close(other);
	user_close(&u);
}

static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* An insn that often passes the checks: registers exist, jumps stay near, maps are the user's. */
static struct insn random_insn(const struct user *u, u64 *rng, struct insn *second)
{
	static const u8 codes[] = {
		CLS_LDX | MODE_MEM | SZ_DW,
		CLS_LDX | MODE_MEM | SZ_B,
		CLS_STX | MODE_MEM | SZ_W,
		CLS_ST | MODE_MEM | SZ_DW,
		CLS_STX | MODE_ATOMIC | SZ_DW,
		CLS_ALU64 | ALU_ADD | SRC_K,
		CLS_ALU64 | ALU_MOV | SRC_X,
		CLS_ALU64 | ALU_MOV | SRC_K,
		CLS_ALU | ALU_MOV | SRC_X,
		CLS_JMP | JMP_JEQ | SRC_K,
		CLS_JMP | JMP_JA,
		CLS_JMP | JMP_CALL,
		CLS_LD | MODE_IMM | SZ_DW,
	};
	const int maps[] = {u->hash, u->array, u->ring, u->progs};
	u64 r = next_random(rng);
	struct insn i = {.code = codes[r % ARRAY_SIZE(codes)],
			 .dst = (r >> 8) % 10,
			 .src = (r >> 16) % 11,
			 .off = (s16)((s64)(r >> 24) % 8 - 4),
			 .imm = (s32)(r >> 40) % 64};

	*second = (struct insn){0};
	if (r >> 61) { /* most of the time by a pointer that is good near its start */
		i.dst = INSN_CLASS(i.code) == CLS_LDX	? i.dst % 6
			: INSN_CLASS(i.code) >= CLS_ALU ? i.dst % 6
							: 6 + i.dst % 2;
		if (INSN_CLASS(i.code) == CLS_LDX)
			i.src = 6 + i.src % 2;
		i.off = i.off < 0 || i.off > 1 ? 0 : i.off;
	}
	if (i.code == (CLS_LDX | MODE_MEM | SZ_DW) || INSN_CLASS(i.code) == CLS_STX ||
	    INSN_CLASS(i.code) == CLS_ST)
		i.off = (s16)(i.off * 8);
	if (INSN_CLASS(i.code) == CLS_ALU64 || INSN_CLASS(i.code) == CLS_ALU)
		i.off = 0;
	if (INSN_CLASS(i.code) == CLS_ALU64 && INSN_SRC(i.code) == SRC_K)
		i.src = 0;
	if (INSN_CLASS(i.code) == CLS_ST || i.code == (CLS_JMP | JMP_JEQ | SRC_K))
		i.src = 0;
	if (i.code == (CLS_STX | MODE_ATOMIC | SZ_DW) || INSN_CLASS(i.code) == CLS_LDX ||
	    INSN_CLASS(i.code) == CLS_STX || INSN_SRC(i.code))
		i.imm = 0;
	if (i.code == (CLS_JMP | JMP_JA))
		i = (struct insn){.code = i.code, .off = i.off};
	if (insn_is_call(&i)) {
		i = (struct insn){.code = i.code, .imm = 1 + (s32)((r >> 40) % 211)};
		while (!helper_has_body((u32)i.imm) ||
		       !helper_allowed((u32)i.imm, BPF_PROG_TYPE_RAW_TRACEPOINT, 0))
			i.imm = 1 + i.imm % 211;
	}
	if (insn_is_wide(&i)) {
		i = (struct insn){.code = i.code,
				  .dst = i.dst,
				  .src = PSEUDO_MAP_FD,
				  .imm = maps[(r >> 40) % 4]};
		if (r >> 63) {
			i.src = PSEUDO_MAP_VALUE;
			i.imm = u->array;
		}
	}
	return i;
}

static void run_random(u64 max_steps, u64 rng)
{
	struct user u;
	u32 n_loaded = 0, n_ran = 0;
	time_t end = time(NULL) + 2;

	user_open(&u, max_steps);
	for (u32 n = 0; n < 200000 && time(NULL) < end; n++) {
		struct insn insns[48];
		u32 len;
		/* r6 to r9: own stack, a value, two maps. */
		const struct insn start[] = {
			MOVX(6, 10),	  ADD64(6, -64),	 LDVALUE(7, u.array, 0),
			LDMAP(8, u.hash), LDMAP(9, u.ring),	 MOVX(2, 10),
			ADD64(2, -32),	  ST(SZ_DW, 10, -32, 0), ST(SZ_DW, 10, -64, 0),
			MOVX(3, 6),	  MOV64(4, 0),		 MOV64(5, 0),
			MOVX(0, 7),
		};

		memcpy(insns, start, sizeof(start));
		len = ARRAY_SIZE(start);
		while (len < 36) {
			struct insn second;

			insns[len] = random_insn(&u, &rng, &second);
			len++;
			if (insn_is_wide(&insns[len - 1]))
				insns[len++] = second;
		}
		insns[len++] = (struct insn)MOV64(0, 0);
		insns[len++] = (struct insn)EXIT_;
		int fd = side_prog(&u.side, BPF_PROG_TYPE_RAW_TRACEPOINT, insns, len);
		u64 ctx[4] = {next_random(&rng), 0, (u64)ctx, 3};
		u32 ret, idx = n % 4;
		union bpf_attr attr = {0};

		if (fd < 0)
			continue;
		n_loaded++;
		n_ran += !side_run(&u.side, fd, ctx, sizeof(ctx), &ret);
		attr.map_fd = (u32)u.progs;
		attr.key = (u64)&idx;
		attr.value = (u64)&fd;
		side_cmd(&u.side, BPF_MAP_UPDATE_ELEM, &attr);
		close(fd);
	}
	fprintf(stderr, "# %u loaded, %u ran to their end\n", n_loaded, n_ran);
	CHECK(n_loaded > 10);
	CHECK_EQ(n_ran, n_loaded);
	user_close(&u);
}

TEST(random_programs_interpreted)
{
	run_random(2000, 0x9e3779b97f4a7c15);
}

TEST(random_programs_native)
{
	run_random(0, 0x243f6a8885a308d3);
}

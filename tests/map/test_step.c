/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/map/test_step.c - one operation killed at every single instruction of it, in turn: the map
 * is whole afterwards, the operation has happened or not, and no element is missing.
 */
#include "support.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum { MAX_ENTRIES = 4, STEPS_MAX = 8000 };

struct step_case {
	const char *name;
	struct map_attr attr;
	void (*prepare)(struct map *m);
	void (*act)(struct map *m);
	void (*verify)(struct map *m);
};

static pid_t start_traced(int fd, const struct step_case *c, u32 *flag)
{
	pid_t pid = fork();
	u32 lock = 0;
	struct map *m;

	if (pid)
		return pid;
	if (map_open(fd, &m))
		_exit(1);
	/* Who it is it finds out here, so that those system calls are not stepped through. */
	map_spin_lock(m, &lock);
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	*flag = 1;
	c->act(m);
	*flag = 2;
	_exit(0);
}

/* Steps a child through the operation and copies the file after each instruction: what a SIGKILL
 * there would leave.  Returns the number of copies. */
static u32 record(int fd, const struct step_case *c, u8 *copies, u64 size)
{
	u32 *flag = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = start_traced(fd, c, flag);
	u32 n = 0;
	int status;

	waitpid(pid, &status, 0);
	while (WIFSTOPPED(status) && *(volatile u32 *)flag < 2) {
		if (*flag == 1) {
			CHECK(n < STEPS_MAX);
			CHECK_EQ(pread(fd, copies + n++ * size, size, 0), (s64)size);
		}
		ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
		waitpid(pid, &status, 0);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	munmap(flag, 4096);
	return n;
}

struct copies {
	u8 *bytes;
	u64 size; /* of one */
	u32 n;
};

static u8 *copy_at(const struct copies *c, u32 i)
{
	return c->bytes + i * c->size;
}

static void copies_record(struct copies *out, int fd, const struct step_case *c)
{
	struct map_info info;
	struct map *m;

	CHECK_EQ(map_open(fd, &m), 0);
	map_info(m, &info);
	map_close(m);
	out->size = info.memory_bytes;
	out->bytes = mmap(NULL, out->size * STEPS_MAX, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	out->n = record(fd, c, out->bytes, out->size);
	CHECK(out->n > 20);
}

static void copies_free(struct copies *c)
{
	munmap(c->bytes, c->size * STEPS_MAX);
}

static void copy_restore(const struct copies *c, u32 i, int fd)
{
	CHECK_EQ(pwrite(fd, copy_at(c, i), c->size, 0), (s64)c->size);
}

static void copies_verify(const struct copies *copies, int fd, const struct step_case *c)
{
	for (u32 i = 0; i < copies->n; i++) {
		struct map_info info;
		struct map *m;

		copy_restore(copies, i, fd);
		CHECK_EQ(map_open(fd, &m), 0);
		c->verify(m);
		map_info(m, &info);
		CHECK_EQ(info.n_corrupt, 0);
		map_close(m);
	}
}

static int prepared(const struct step_case *c)
{
	struct map *m;
	int fd = -1;

	CHECK_EQ(try_map(&c->attr, &m, &fd), 0);
	c->prepare(m);
	map_close(m);
	return fd;
}

static void run_case(const struct step_case *c)
{
	int fd = prepared(c);
	struct copies copies;

	copies_record(&copies, fd, c);
	copies_verify(&copies, fd, c);
	fprintf(stderr, "# %s: killed at each of %u instructions\n", c->name, copies.n);
	copies_free(&copies);
	close(fd);
}

/* After n_first of the first one's deaths a second one is killed at each instruction of the same
 * operation, which begins with the repair. */
static void run_case_twice(const struct step_case *c, u32 n_first)
{
	struct copies first, second;
	int fd = prepared(c);
	u32 n = 0;

	copies_record(&first, fd, c);
	for (u32 i = 0; i < first.n; i += first.n / n_first + 1) {
		copy_restore(&first, i, fd);
		copies_record(&second, fd, c);
		copies_verify(&second, fd, c);
		n += second.n;
		copies_free(&second);
	}
	fprintf(stderr, "# %s: killed twice, %u pairs\n", c->name, n);
	copies_free(&first);
	close(fd);
}

struct value {
	u64 key, a, b;
};

static struct value value_of(u64 key, u64 a)
{
	return (struct value){key, a, a * 3};
}

static void put(struct map *m, u64 key, u64 a)
{
	struct value v = value_of(key, a);

	CHECK_EQ(map_update(m, &key, &v, BPF_ANY, 0), 0);
}

/* Is the key there with a value whose a is one of these? */
static void check_key(struct map *m, u64 key, bool may_miss, u64 a1, u64 a2)
{
	struct value *v = map_lookup(m, &key, 0);

	if (!v) {
		CHECK(may_miss);
		return;
	}
	CHECK_EQ(v->key, key);
	CHECK(v->a == a1 || v->a == a2);
	CHECK_EQ(v->b, v->a * 3);
}

/* Exactly MAX_ENTRIES fit, twice over: nothing was lost, nothing came to be. */
static void check_capacity(struct map *m)
{
	u64 next;

	for (u32 round = 0; round < 2; round++) {
		struct value v = value_of(0, 0);
		u32 n = 0;

		while (!map_user_next_key(m, NULL, &next)) {
			CHECK_EQ(map_delete(m, &next), 0);
			CHECK(++n <= MAX_ENTRIES);
		}
		for (u64 key = 100; key < 100 + MAX_ENTRIES; key++)
			put(m, key, round);
		for (u64 key = 100; key < 100 + MAX_ENTRIES; key++)
			put(m, key, round + 1);
		next = 200;
		CHECK_EQ(map_update(m, &next, &v, BPF_ANY, 0), -E2BIG);
	}
}

static void three(struct map *m)
{
	for (u64 key = 1; key <= 3; key++)
		put(m, key, 10);
}

static void full(struct map *m)
{
	three(m);
	put(m, 4, 10);
}

static void act_insert(struct map *m)
{
	struct value v = value_of(4, 20);
	u64 key = 4;

	map_update(m, &key, &v, BPF_ANY, 0);
}

static void act_delete(struct map *m)
{
	u64 key = 2;

	map_delete(m, &key);
}

static void act_replace(struct map *m)
{
	struct value v = value_of(2, 20);
	u64 key = 2;

	map_update(m, &key, &v, BPF_ANY, 0);
}

static void act_insert5(struct map *m)
{
	struct value v = value_of(5, 20);
	u64 key = 5;

	map_update(m, &key, &v, BPF_ANY, 0);
}

static void verify_hash(struct map *m)
{
	check_key(m, 1, false, 10, 10);
	check_key(m, 3, false, 10, 10);
	check_key(m, 2, true, 10, 20);
	check_key(m, 4, true, 10, 20);
	act_replace(m);
	check_key(m, 2, false, 20, 20);
	check_capacity(m);
}

static void verify_replaced(struct map *m)
{
	check_key(m, 2, false, 10, 20);
	verify_hash(m);
}

static void verify_full(struct map *m)
{
	check_key(m, 2, false, 10, 20);
	check_key(m, 4, false, 10, 10);
	verify_hash(m);
}

/* An LRU never refuses, and never holds more than its size. */
static void verify_lru(struct map *m)
{
	u64 key, next;
	u32 n = 0;

	for (key = 1; key <= 5; key++)
		check_key(m, key, true, 10, 20);
	for (key = 100; key < 200; key++) {
		put(m, key, key);
		check_key(m, key, false, key, key);
	}
	for (int err = map_user_next_key(m, NULL, &next); !err;
	     err = map_user_next_key(m, &key, &next)) {
		key = next;
		CHECK(++n <= MAX_ENTRIES);
	}
	CHECK(n >= MAX_ENTRIES - 1);
}

TEST(hash_operations_killed_at_every_instruction)
{
	static const struct step_case cases[] = {
		{"insert", {}, three, act_insert, verify_hash},
		{"insert the first", {}, full, act_insert5, verify_full},
		{"delete", {}, three, act_delete, verify_hash},
		{"replace", {}, three, act_replace, verify_replaced},
		{"replace on a full map", {}, full, act_replace, verify_full},
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct step_case c = cases[i];

		c.attr = attr_for(BPF_MAP_TYPE_HASH, 8, sizeof(struct value), MAX_ENTRIES,
				  BPF_F_ZERO_SEED);
		run_case(&c);
		run_case_twice(&c, 4);
	}
}

TEST(lru_eviction_killed_at_every_instruction)
{
	struct step_case c = {"evict",
			      attr_for(BPF_MAP_TYPE_LRU_HASH, 8, sizeof(struct value), MAX_ENTRIES,
				       BPF_F_ZERO_SEED),
			      full, act_insert5, verify_lru};

	run_case(&c);
}

/* ---- the others ---- */

static void two_records(struct map *m)
{
	for (u32 i = 0; i < 2; i++)
		CHECK_EQ(map_ringbuf_output(m, "12345678", 8, 0), 0);
}

static void act_output(struct map *m)
{
	map_ringbuf_output(m, "abcdefgh", 8, 0);
}

static void verify_ring(struct map *m)
{
	u64 avail = map_ringbuf_query(m, BPF_RB_AVAIL_DATA);
	struct map_info info;

	CHECK(avail == 32 || avail == 48);
	CHECK(map_ringbuf_reap(m) <= 1);
	CHECK_EQ(map_ringbuf_output(m, "ABCDEFGH", 8, 0), 0);
	CHECK_EQ(map_ringbuf_query(m, BPF_RB_AVAIL_DATA), avail + 16);
	map_info(m, &info);
	CHECK_EQ(info.n_dropped, 0);
}

TEST(ringbuf_output_killed_at_every_instruction)
{
	struct step_case c = {"output", attr_for(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0), two_records,
			      act_output, verify_ring};

	run_case(&c);
}

static void act_push(struct map *m)
{
	struct value v = value_of(9, 9);

	map_push(m, &v, BPF_EXIST);
}

static void fill_queue(struct map *m)
{
	for (u64 i = 1; i <= MAX_ENTRIES; i++) {
		struct value v = value_of(i, i);

		CHECK_EQ(map_push(m, &v, 0), 0);
	}
}

static void verify_queue(struct map *m)
{
	struct value v;
	u64 first = 0;
	u32 n = 0;

	while (!map_pop(m, &v)) {
		first = first ? first : v.key;
		CHECK(v.key == first + n || v.key == 9);
		CHECK_EQ(v.b, v.a * 3);
		n++;
	}
	CHECK_EQ(n, MAX_ENTRIES);
}

TEST(queue_push_killed_at_every_instruction)
{
	struct step_case c = {"push",
			      attr_for(BPF_MAP_TYPE_QUEUE, 0, sizeof(struct value), MAX_ENTRIES, 0),
			      fill_queue, act_push, verify_queue};

	run_case(&c);
}

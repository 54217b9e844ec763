/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/map/test_kill.c - several processes use one map while one of them after the other is killed
 * at a random instruction: the others go on, and afterwards nothing is missing.
 */
#include "support.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { WORKERS = 4, KILLS = 60, KEYS = 96 };

/* Shared by the test and its workers. */
struct board {
	u64 n_ops[WORKERS];
	u32 stop;
	u32 wrong; /* bits: what a worker saw that must not be */
};

typedef void (*work_fn)(struct map *m, struct board *b, u32 worker, u64 *rng);

static u64 rng_next(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void nap_us(long us)
{
	struct timespec ts = {0, us * 1000};

	nanosleep(&ts, NULL);
}

static pid_t start(int fd, struct board *b, u32 worker, u64 seed, work_fn fn)
{
	pid_t pid = fork();
	struct map *m;
	u64 rng = seed;

	if (pid)
		return pid;
	if (map_open(fd, &m))
		_exit(1);
	while (!b->stop) {
		fn(m, b, worker, &rng);
		b->n_ops[worker]++;
	}
	_exit(0);
}

/* Runs workers on the map, kills and replaces them, and stops the last ones in peace. */
static void hammer(int fd, struct board *b, work_fn fn)
{
	pid_t pids[WORKERS];
	u64 rng = 88172645463325252ull;

	for (u32 i = 0; i < WORKERS; i++)
		pids[i] = start(fd, b, i, i + 1, fn);
	for (u32 k = 0; k < KILLS; k++) {
		u32 i = (u32)(rng_next(&rng) % WORKERS);
		int status;

		nap_us((long)(rng_next(&rng) % 20000));
		kill(pids[i], SIGKILL);
		/* Sometimes the dead stay zombies for a while. */
		if (k % 3 == 0)
			nap_us(5000);
		waitpid(pids[i], &status, 0);
		CHECK(WIFSIGNALED(status));
		pids[i] = start(fd, b, i, k + 100, fn);
	}
	for (u32 i = 0; i < WORKERS; i++) {
		u64 before = b->n_ops[i];

		for (u32 t = 0; t < 2000 && b->n_ops[i] == before; t++)
			nap_us(1000);
		CHECK(b->n_ops[i] != before);
	}
	b->stop = 1;
	for (u32 i = 0; i < WORKERS; i++)
		waitpid(pids[i], NULL, 0);
	CHECK_EQ(b->wrong, 0);
}

static struct board *new_board(void)
{
	return mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		    -1, 0);
}

struct value {
	u64 key, a, b, c;
};

static bool value_good(const struct value *v, u64 key)
{
	return v->key == key && v->b == v->a * 3 && v->c == ~v->a;
}

/* A value is always whole and its key's: every update makes a new element. */
static void use_hash(struct map *m, struct board *b, u32 worker, u64 *rng)
{
	u64 key = rng_next(rng) % KEYS;
	struct value v = {key, *rng, *rng * 3, ~*rng}, seen;
	int err = 0;

	switch (rng_next(rng) % 4) {
	case 0:
	case 1:
		err = map_update(m, &key, &v, BPF_ANY, worker);
		break;
	case 2:
		err = map_delete(m, &key);
		break;
	default:
		err = map_user_lookup(m, &key, &seen, 0);
		if (!err && !value_good(&seen, key))
			__atomic_fetch_or(&b->wrong, 1, __ATOMIC_RELAXED);
	}
	if (err && err != -ENOENT && err != -E2BIG)
		__atomic_fetch_or(&b->wrong, 2, __ATOMIC_RELAXED);
}

static int count_one(struct map *m, void *key, void *value, void *arg)
{
	(void)m;
	CHECK(value_good(value, *(u64 *)key));
	++*(u32 *)arg;
	return 0;
}

/* After the storm the map takes exactly max_entries keys again: no element was lost. */
static void check_hash(struct map *m, u32 max_entries)
{
	u64 key, next;
	u32 n = 0, n_keys = 0;
	struct value v;

	CHECK(map_for_each(m, 0, count_one, &n) >= 0);
	for (int err = map_user_next_key(m, NULL, &next); !err;
	     err = map_user_next_key(m, &key, &next)) {
		key = next;
		n_keys++;
		CHECK(n_keys <= max_entries);
	}
	CHECK_EQ(n, n_keys);
	for (key = 0; key < KEYS; key++)
		map_delete(m, &key);
	CHECK_EQ(map_user_next_key(m, NULL, &next), -ENOENT);
	for (key = 0; key < max_entries; key++) {
		v = (struct value){key, key, key * 3, ~key};
		CHECK_EQ(map_update(m, &key, &v, BPF_NOEXIST, 0), 0);
	}
	CHECK_EQ(map_update(m, &key, &v, BPF_NOEXIST, 0), -E2BIG);
	/* Replacements on the full map still work. */
	for (key = 0; key < max_entries; key++)
		CHECK_EQ(map_update(m, &key, &v, BPF_EXIST, 0), 0);
}

static void storm(u32 type, u32 max_entries, u32 flags)
{
	struct map_attr a = attr_for(type, 8, sizeof(struct value), max_entries, flags);
	struct board *b = new_board();
	struct map_info info;
	struct map *m;
	int fd = -1;

	a.n_cpus = WORKERS;
	CHECK_EQ(try_map(&a, &m, &fd), 0);
	hammer(fd, b, use_hash);
	if (type == BPF_MAP_TYPE_HASH)
		check_hash(m, max_entries);
	map_info(m, &info);
	CHECK_EQ(info.n_corrupt, 0);
	close(fd);
	map_close(m);
	munmap(b, sizeof(*b));
}

TEST(hash_with_room_survives_kills)
{
	storm(BPF_MAP_TYPE_HASH, 200, 0);
}

TEST(full_hash_survives_kills)
{
	storm(BPF_MAP_TYPE_HASH, 32, 0);
}

TEST(lru_hash_survives_kills)
{
	storm(BPF_MAP_TYPE_LRU_HASH, 32, 0);
}

/* ---- ring buffer: every record that was committed arrives, in order of each producer ---- */

struct record {
	u32 worker, generation;
	u64 seq;
	u64 check[8];
};

static void use_ring(struct map *m, struct board *b, u32 worker, u64 *rng)
{
	struct record *r = map_ringbuf_reserve(m, sizeof(*r));

	if (!r)
		return;
	r->worker = worker;
	r->generation = (u32)getpid();
	r->seq = b->n_ops[worker];
	for (u32 i = 0; i < ARRAY_SIZE(r->check); i++)
		r->check[i] = r->seq * 7 + i;
	map_ringbuf_commit(m, r, 0, rng_next(rng) % 16 == 0);
}

struct consumer {
	u8 *file;
	u64 mask, last[WORKERS];
	u32 generation[WORKERS];
	u64 n, n_discarded;
};

/* Takes all finished records; false when an unfinished one is in the way. */
static bool consume_all(struct consumer *c)
{
	u64 *cons = (u64 *)c->file, *prod = (u64 *)(c->file + 4096);

	while (*cons < __atomic_load_n(prod, __ATOMIC_ACQUIRE)) {
		u8 *at = c->file + 8192 + (*cons & c->mask);
		u32 len = __atomic_load_n((u32 *)at, __ATOMIC_ACQUIRE);
		struct record r;

		if (len & BPF_RINGBUF_BUSY_BIT)
			return false;
		memcpy(&r, at + 8, sizeof(r));
		if (len & BPF_RINGBUF_DISCARD_BIT) {
			c->n_discarded++;
		} else {
			CHECK_EQ(len, sizeof(r));
			CHECK(r.worker < WORKERS);
			for (u32 i = 0; i < ARRAY_SIZE(r.check); i++)
				CHECK_EQ(r.check[i], r.seq * 7 + i);
			CHECK(r.generation != c->generation[r.worker] || r.seq > c->last[r.worker]);
			c->generation[r.worker] = r.generation;
			c->last[r.worker] = r.seq;
			c->n++;
		}
		__atomic_store_n(cons, *cons + ALIGN_UP((len & ~BPF_RINGBUF_DISCARD_BIT) + 8u, 8u),
				 __ATOMIC_RELEASE);
	}
	return true;
}

TEST(ringbuf_gets_past_killed_producers)
{
	struct map_attr a = attr_for(BPF_MAP_TYPE_RINGBUF, 0, 0, 16384, 0);
	struct board *b = new_board();
	struct consumer c = {.mask = 16383};
	struct map_info info;
	struct map *m;
	int fd = -1;
	pid_t hammerer;
	int status = 0;

	CHECK_EQ(try_map(&a, &m, &fd), 0);
	c.file = mmap(NULL, 4096 * 2 + 2 * 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	hammerer = fork();
	if (!hammerer) {
		hammer(fd, b, use_ring);
		_exit(0);
	}
	while (waitpid(hammerer, &status, WNOHANG) == 0)
		if (!consume_all(&c))
			nap_us(50);
	CHECK_EQ(status, 0);
	for (u32 i = 0; i < 100 && !consume_all(&c); i++)
		map_ringbuf_reap(m);
	CHECK_EQ(*(u64 *)c.file, *(u64 *)(c.file + 4096));
	map_info(m, &info);
	fprintf(stderr, "# %lu records, %lu discarded, %lu of the dead, %lu dropped\n", c.n,
		c.n_discarded, info.n_abandoned, info.n_dropped);
	CHECK(c.n > 1000);
	CHECK_EQ(info.n_corrupt, 0);
	munmap(c.file, 4096 * 2 + 2 * 16384);
	munmap(b, sizeof(*b));
	close(fd);
	map_close(m);
}

/* A producer that dies for certain between reserve and commit. */
TEST(record_of_a_dead_producer_is_discarded)
{
	struct map_attr a = attr_for(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	struct map_info info;
	struct map *m;
	int fd = -1;
	pid_t pid;

	CHECK_EQ(try_map(&a, &m, &fd), 0);
	pid = fork();
	if (!pid) {
		map_ringbuf_reserve(m, 64);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	CHECK_EQ(map_ringbuf_output(m, "x", 1, 0), 0);
	CHECK_EQ(map_ringbuf_reap(m), 1);
	CHECK_EQ(map_ringbuf_reap(m), 0);
	map_info(m, &info);
	CHECK_EQ(info.n_abandoned, 1);
	close(fd);
	map_close(m);
}

/* ---- queue and a lock inside a value ---- */

static void use_queue(struct map *m, struct board *b, u32 worker, u64 *rng)
{
	struct value v = {1, *rng, *rng * 3, ~*rng};

	(void)worker;
	if (rng_next(rng) % 2)
		map_push(m, &v, rng_next(rng) % 2 ? BPF_EXIST : BPF_ANY);
	else if (!map_pop(m, &v) && !value_good(&v, 1))
		__atomic_fetch_or(&b->wrong, 1, __ATOMIC_RELAXED);
}

TEST(queue_survives_kills)
{
	struct map_attr a = attr_for(BPF_MAP_TYPE_QUEUE, 0, sizeof(struct value), 10, 0);
	struct board *b = new_board();
	struct map *m;
	int fd = -1;

	CHECK_EQ(try_map(&a, &m, &fd), 0);
	hammer(fd, b, use_queue);
	munmap(b, sizeof(*b));
	close(fd);
	map_close(m);
}

struct locked {
	u32 lock, pad;
	u64 inside;
};

static void use_lock(struct map *m, struct board *b, u32 worker, u64 *rng)
{
	u32 zero = 0;
	struct locked *v = map_lookup(m, &zero, 0);

	(void)rng;
	map_spin_lock(m, &v->lock);
	v->inside = worker + 1;
	for (u32 i = 0; i < 20; i++)
		if (*(volatile u64 *)&v->inside != worker + 1)
			__atomic_fetch_or(&b->wrong, 1, __ATOMIC_RELAXED);
	map_spin_unlock(m, &v->lock);
}

TEST(spin_locks_of_the_dead_are_taken_over)
{
	struct map_attr a = attr_for(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct locked), 1, 0);
	struct board *b = new_board();
	struct map *m;
	int fd = -1;

	a.spin_lock_off = 0;
	CHECK_EQ(try_map(&a, &m, &fd), 0);
	hammer(fd, b, use_lock);
	munmap(b, sizeof(*b));
	close(fd);
	map_close(m);
}

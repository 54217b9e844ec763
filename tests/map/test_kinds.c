/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/map/test_kinds.c - what only a program sees: LPM, perf rings, ring buffers with several
 * producers, user ring buffers, task storage, stack ids, maps of maps, locks and timers in values.
 */
#include "support.h"

#include <linux/perf_event.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static u64 rng_next(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* ---- LPM against a plain list ---- */

struct prefix {
	u32 len;
	u8 data[4];
	u64 value;
	bool used;
};

static bool covers(const struct prefix *p, const u8 *data)
{
	for (u32 i = 0; i < p->len; i++)
		if ((p->data[i / 8] ^ data[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

TEST(lpm_finds_the_longest_prefix)
{
	struct map *m = new_map(BPF_MAP_TYPE_LPM_TRIE, 8, 8, 64, BPF_F_NO_PREALLOC);
	struct prefix list[64] = {0};
	u64 rng = 7;

	for (u32 i = 0; i < 64; i++) {
		list[i].len = (u32)(rng_next(&rng) % 33);
		list[i].value = i;
		memcpy(list[i].data, &rng, 4);
		list[i].data[0] &= 3; /* so that they nest */
		for (u32 j = 0; j < i; j++)
			if (list[j].used && list[j].len == list[i].len &&
			    covers(&list[j], list[i].data))
				list[j].used = false;
		list[i].used = true;
		CHECK_EQ(map_update(m, &list[i], &list[i].value, BPF_ANY, 0), 0);
	}
	for (u32 n = 0; n < 5000; n++) {
		struct prefix probe = {.len = 32};
		const struct prefix *best = NULL;
		u64 *found;

		memcpy(probe.data, &list[rng_next(&rng) % 64].data, 4);
		probe.data[rng_next(&rng) % 4] ^= (u8)(rng & 0x11);
		for (u32 i = 0; i < 64; i++)
			if (list[i].used && covers(&list[i], probe.data) &&
			    (!best || list[i].len > best->len))
				best = &list[i];
		found = map_lookup(m, &probe, 0);
		CHECK_EQ(found ? *found : ~0ull, best ? best->value : ~0ull);
	}
	map_close(m);
}

/* ---- ring buffer: nothing lost, nothing twice ---- */

enum { PRODUCERS = 4, PER_PRODUCER = 20000 };

struct record {
	u32 producer, seq;
};

static void produce(int fd, u32 producer, u64 *dropped)
{
	struct record r = {.producer = producer};
	u8 big[200] = {0};
	struct map *m;

	if (map_open(fd, &m))
		_exit(1);
	for (r.seq = 0; r.seq < PER_PRODUCER; r.seq++) {
		memcpy(big, &r, sizeof(r));
		if (map_ringbuf_output(m, big, sizeof(r) + r.seq % 190, 0))
			++*dropped;
	}
	_exit(0);
}

TEST(four_producers_lose_nothing_uncounted)
{
	struct map_attr a = attr_for(BPF_MAP_TYPE_RINGBUF, 0, 0, 8192, 0);
	u64 *dropped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	u64 n_dropped = 0, n_seen = 0;
	s64 last[PRODUCERS] = {-1, -1, -1, -1};
	u32 alive = PRODUCERS;
	struct map_info info;
	struct map *m;
	int fd = -1;
	u8 *file;

	CHECK_EQ(try_map(&a, &m, &fd), 0);
	file = mmap(NULL, 6 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (u32 i = 0; i < PRODUCERS; i++)
		if (!fork())
			produce(fd, i, &dropped[i]);
	while (alive || *(u64 *)file < *(u64 *)(file + 4096)) {
		u64 cons = *(u64 *)file,
		    prod = __atomic_load_n((u64 *)(file + 4096), __ATOMIC_ACQUIRE);
		u8 *at = file + 8192 + (cons & 8191);
		u32 len = cons < prod ? __atomic_load_n((u32 *)at, __ATOMIC_ACQUIRE) : ~0u;
		struct record r;
		int status;

		if (len & BPF_RINGBUF_BUSY_BIT) {
			if (alive && waitpid(-1, &status, WNOHANG) > 0) {
				CHECK_EQ(status, 0);
				alive--;
			}
			continue;
		}
		memcpy(&r, at + 8, sizeof(r));
		CHECK(r.producer < PRODUCERS);
		CHECK_EQ(len, sizeof(r) + r.seq % 190);
		CHECK((s64)r.seq > last[r.producer]);
		last[r.producer] = r.seq;
		n_seen++;
		__atomic_store_n((u64 *)file, cons + ALIGN_UP(len + 8u, 8u), __ATOMIC_RELEASE);
	}
	for (u32 i = 0; i < PRODUCERS; i++)
		n_dropped += dropped[i];
	map_info(m, &info);
	CHECK_EQ(n_seen + n_dropped, PRODUCERS * PER_PRODUCER);
	CHECK_EQ(info.n_dropped, n_dropped);
	munmap(file, 6 * 4096);
	munmap(dropped, 4096);
	close(fd);
	map_close(m);
}

/* ---- perf rings ---- */

TEST(perf_ring_has_the_kernels_format)
{
	struct map *m = new_map(BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 2, 0);
	u8 *ring = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct perf_event_mmap_page *page = (void *)ring;
	u64 n_sent = 0, n_seen = 0, n_lost = 0, size = 0;
	u8 raw[301], copy[400];

	CHECK_EQ(map_perf_output(m, 0, raw, 8, NULL, 0), -ENOENT);
	CHECK_EQ(map_perf_output(m, 2, raw, 8, NULL, 0), -E2BIG);
	CHECK_EQ(map_perf_attach(m, 0, ring, 3 * 4096 + 1), -EINVAL);
	CHECK_EQ(map_perf_attach(m, 0, ring, 2 * 4096), 0);
	CHECK_EQ(page->data_offset, 4096);
	CHECK_EQ(page->data_size, 4096);
	for (u32 round = 0; round < 40; round++) {
		int err;

		do {
			size = 1 + n_sent % 300;
			memset(raw, (int)n_sent, size);
			err = map_perf_output(m, 0, raw, size, "tail", 4);
			n_sent++;
		} while (!err);
		CHECK_EQ(err, -ENOSPC);
		while (page->data_tail < page->data_head) {
			struct perf_event_header h;

			for (u32 i = 0; i < 8; i++)
				((u8 *)&h)[i] = ring[4096 + ((page->data_tail + i) & 4095)];
			CHECK(h.size % 8 == 0 && h.size <= sizeof(copy));
			for (u32 i = 0; i < h.size; i++)
				copy[i] = ring[4096 + ((page->data_tail + i) & 4095)];
			page->data_tail += h.size;
			if (h.type == PERF_RECORD_LOST) {
				n_lost += *(u64 *)(copy + 16);
				n_seen += *(u64 *)(copy + 16);
				continue;
			}
			size = 1 + n_seen % 300;
			CHECK_EQ(h.type, PERF_RECORD_SAMPLE);
			CHECK_EQ(*(u32 *)(copy + 8), h.size - 12);
			CHECK_EQ(copy[12], (u8)n_seen);
			CHECK_EQ(copy[12 + size - 1], (u8)n_seen);
			CHECK_MEM(copy + 12 + size, "tail", 4);
			n_seen++;
		}
	}
	CHECK_EQ(n_seen + map_perf_lost(m, 0), n_sent);
	CHECK_EQ(n_lost, 39);
	CHECK_EQ(map_perf_attach(m, 0, NULL, 0), 0);
	CHECK_EQ(map_perf_output(m, 0, raw, 8, NULL, 0), -ENOENT);
	munmap(ring, 2 * 4096);
	map_close(m);
}

/* ---- user ring buffer ---- */

static int sum_sample(const void *data, u32 size, void *arg)
{
	CHECK_EQ(size, 8);
	*(u64 *)arg += *(const u64 *)data;
	return *(const u64 *)data == 99;
}

static void user_put(u8 *file, u64 value, u32 flags)
{
	u64 *prod = (u64 *)(file + 4096);
	u8 *at = file + 8192 + (*prod & 4095);

	*(u32 *)at = 8 | flags;
	memcpy(at + 8, &value, 8);
	*prod += 16;
}

TEST(user_ringbuf_is_drained_as_in_the_kernel)
{
	struct map_attr a = attr_for(BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, 0);
	u64 sum = 0;
	struct map *m;
	int fd = -1;
	u8 *file;

	CHECK_EQ(try_map(&a, &m, &fd), 0);
	file = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK_EQ(map_user_ringbuf_drain(m, sum_sample, &sum, 0), 0);
	user_put(file, 5, 0);
	user_put(file, 7, BPF_RINGBUF_DISCARD_BIT);
	user_put(file, 99, 0);
	user_put(file, 11, 0);
	CHECK_EQ(map_user_ringbuf_drain(m, sum_sample, &sum, 0), 2); /* stops at 99 */
	CHECK_EQ(sum, 104);
	user_put(file, 1, BPF_RINGBUF_BUSY_BIT);
	CHECK_EQ(map_user_ringbuf_drain(m, sum_sample, &sum, 0), 1);
	CHECK_EQ(sum, 115);
	*(u64 *)(file + 4096) += 4;
	CHECK_EQ(map_user_ringbuf_drain(m, sum_sample, &sum, 0), -EINVAL);
	*(u64 *)(file + 4096) -= 4;
	*(u32 *)(file + 8192 + (*(u64 *)file & 4095)) = 4000;
	CHECK_EQ(map_user_ringbuf_drain(m, sum_sample, &sum, 0), -EINVAL);
	CHECK_EQ(map_user_ringbuf_drain(m, sum_sample, &sum, 8), -EINVAL);
	munmap(file, 4 * 4096);
	close(fd);
	map_close(m);
}

/* ---- task storage ---- */

TEST(task_storage_forgets_the_dead_when_full)
{
	struct map *m = new_map(BPF_MAP_TYPE_TASK_STORAGE, 4, 8, 0, BPF_F_NO_PREALLOC);
	u64 init = 42, *v;
	pid_t dead = fork();

	if (!dead)
		_exit(0);
	waitpid(dead, NULL, 0);
	CHECK(map_task_storage_get(m, 1, 5, NULL, 0) == NULL);
	v = map_task_storage_get(m, (u32)getpid(), 5, &init, BPF_LOCAL_STORAGE_GET_F_CREATE);
	CHECK_EQ(*v, 42);
	*v = 43;
	CHECK_EQ(*(u64 *)map_task_storage_get(m, (u32)getpid(), 5, &init, 1), 43);
	CHECK(map_task_storage_get(m, (u32)getpid(), 6, NULL, 0) == NULL);
	for (u64 start = 0; start < 70000; start++) {
		v = map_task_storage_get(m, (u32)dead, start, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
		CHECK(v != NULL);
		CHECK_EQ(*v, 0);
	}
	CHECK_EQ(*(u64 *)map_task_storage_get(m, (u32)getpid(), 5, NULL, 0), 43);
	CHECK_EQ(map_task_storage_delete(m, (u32)getpid(), 5), 0);
	CHECK_EQ(map_task_storage_delete(m, (u32)getpid(), 5), -ENOENT);
	map_close(m);
}

/* ---- stack ids ---- */

TEST(stack_ids_are_stable)
{
	struct map *m = new_map(BPF_MAP_TYPE_STACK_TRACE, 4, 80, 128, 0);
	u64 ips[20], out[10];
	s64 id, again;
	u32 key;

	for (u64 i = 0; i < 20; i++)
		ips[i] = 0x400000 + i * 16;
	CHECK_EQ(map_stack_id(m, ips, 0, 0), -EFAULT);
	CHECK_EQ(map_stack_id(m, ips, 3, 1 << 12), -EINVAL);
	id = map_stack_id(m, ips, 3, BPF_F_USER_STACK);
	again = map_stack_id(m, ips, 3, BPF_F_USER_STACK);
	CHECK(id >= 0 && id == again);
	key = (u32)id;
	CHECK_EQ(map_user_lookup(m, &key, out, 0), 0);
	CHECK_MEM(out, ips, 24);
	CHECK_EQ(out[3], 0);
	id = map_stack_id(m, ips, 20, 0); /* cut to ten frames */
	key = (u32)id;
	CHECK_EQ(map_user_lookup(m, &key, out, 0), 0);
	CHECK_MEM(out, ips, 80);
	map_close(m);
}

/* ---- maps of maps ---- */

TEST(maps_of_maps_take_what_fits_the_template)
{
	struct map_attr inner = attr_for(BPF_MAP_TYPE_ARRAY, 4, 8, 3, 0);
	struct map_attr a = attr_for(BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 4, 0), seen;
	struct map *outer, *good, *bad;
	u32 key = 1, id32 = 0;
	u64 id = 0;

	CHECK_EQ(try_map(&a, &outer, NULL), -EBADF);
	a.inner = &inner;
	CHECK_EQ(try_map(&a, &outer, NULL), 0);
	CHECK_EQ(try_map(&inner, &good, NULL), 0);
	inner.max_entries = 4;
	CHECK_EQ(try_map(&inner, &bad, NULL), 0);
	CHECK(map_inner_fits(outer, good));
	CHECK(!map_inner_fits(outer, bad));
	CHECK(map_inner_info(outer, &seen));
	CHECK_EQ(seen.max_entries, 3);
	CHECK_EQ(map_ref_get(outer, &key, &id), -ENOENT);
	CHECK_EQ(map_ref_set(outer, &key, 77, BPF_ANY), 0);
	CHECK_EQ(map_ref_get(outer, &key, &id), 0);
	CHECK_EQ(id, 77);
	CHECK_EQ(map_user_lookup(outer, &key, &id32, 0), 0);
	CHECK_EQ(id32, 77);
	CHECK_EQ(map_ref_set(outer, &key, 0, 0), 0);
	CHECK_EQ(map_ref_get(outer, &key, &id), -ENOENT);
	map_close(outer);
	map_close(good);
	map_close(bad);
}

/* ---- locks and timers in values ---- */

struct guarded {
	u64 before;
	u32 lock, after_lock;
	u64 timer[2];
	u64 last;
};

static void check_guarded(u32 type)
{
	struct map_attr a = attr_for(type, 4, sizeof(struct guarded), 4, 0);
	struct guarded in = {1, 0xdead, 2, {0xbad, 0xbad}, 3}, out;
	struct guarded *v;
	struct map *m;
	u32 key = 2;

	a.spin_lock_off = offsetof(struct guarded, lock);
	a.timer_off = offsetof(struct guarded, timer);
	CHECK_EQ(try_map(&a, &m, NULL), 0);
	CHECK_EQ(map_update(m, &key, &in, BPF_ANY, 0), 0);
	v = map_lookup(m, &key, 0);
	CHECK(v->before == 1 && v->lock == 0 && v->after_lock == 2 && v->timer[0] == 0 &&
	      v->last == 3);
	v->timer[0] = 0x1234;
	in.last = 4;
	CHECK_EQ(map_update(m, &key, &in, BPF_F_LOCK, 0), 0);
	v = map_lookup(m, &key, 0);
	CHECK(v->lock == 0 && v->timer[0] == 0x1234 && v->last == 4);
	CHECK_EQ(map_user_lookup(m, &key, &out, BPF_F_LOCK), 0);
	CHECK(out.lock == 0 && out.timer[0] == 0 && out.last == 4);
	CHECK_EQ(map_freeze(m), -524);
	map_close(m);
}

TEST(locks_and_timers_in_values_are_left_alone)
{
	check_guarded(BPF_MAP_TYPE_ARRAY);
	check_guarded(BPF_MAP_TYPE_HASH);
}

TEST(a_lock_left_by_nobody_is_taken)
{
	struct map_attr a = attr_for(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	struct map *m;
	u32 *lock;

	a.spin_lock_off = 0;
	CHECK_EQ(try_map(&a, &m, NULL), 0);
	lock = map_first_value(m);
	*lock = 0xffffffff;
	map_spin_lock(m, lock);
	CHECK(*lock != 0 && *lock != 0xffffffff);
	map_spin_unlock(m, lock);
	CHECK_EQ(*lock, 0);
	map_close(m);
}

TEST(lists_per_cpu_are_of_one_length)
{
	struct map_attr a = attr_for(BPF_MAP_TYPE_LRU_HASH, 4, 4, 10, BPF_F_NO_COMMON_LRU);
	struct map_info info;
	struct map *m;

	a.n_cpus = 4;
	CHECK_EQ(try_map(&a, &m, NULL), 0);
	map_info(m, &info);
	CHECK_EQ(info.attr.max_entries, 12);
	map_close(m);
}

TEST(array_views_lead_to_the_values)
{
	struct map_attr a = attr_for(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 12, 3, 0);
	struct map_array_view view;
	struct map *m;
	u32 key = 2;

	a.n_cpus = 2;
	CHECK_EQ(try_map(&a, &m, NULL), 0);
	CHECK(map_array_view(m, 1, &view));
	CHECK(view.base + 2 * view.stride == map_lookup(m, &key, 1));
	CHECK_EQ(view.n, 3);
	CHECK_EQ(view.n_cpus, 2);
	CHECK(view.base - view.cpu_stride == map_lookup(m, &(u32){ 0 }, 0));
	CHECK(!map_array_view(m, 2, &view));
	map_close(m);
}

/* ---- threads of one process, which have one owner word ---- */

enum { THREADS = 4, THREAD_OPS = 60000, THREAD_KEYS = 40, THREAD_ENTRIES = 32 };

struct checked {
	u64 key, a, b;
};

struct thread_arg {
	struct map *m;
	u32 cpu;
	u32 wrong;
};

static void *thread_main(void *p)
{
	struct thread_arg *t = p;
	u64 rng = t->cpu + 1;

	for (u32 i = 0; i < THREAD_OPS; i++) {
		u64 key = rng_next(&rng) % THREAD_KEYS;
		struct checked v = {key, rng, rng * 3};
		int err = 0;

		switch (rng_next(&rng) % 4) {
		case 0:
		case 1:
			err = map_update(t->m, &key, &v, BPF_ANY, t->cpu);
			break;
		case 2:
			err = map_delete(t->m, &key);
			break;
		default:
			err = map_user_lookup(t->m, &key, &v, 0);
			t->wrong += !err && (v.key != key || v.b != v.a * 3);
		}
		t->wrong += err && err != -ENOENT && err != -E2BIG;
	}
	return NULL;
}

static void run_threads(u32 type)
{
	struct map *m = new_map(type, 8, sizeof(struct checked), THREAD_ENTRIES, 0);
	struct thread_arg args[THREADS];
	pthread_t threads[THREADS];
	struct map_info info;
	u64 key, next;

	for (u32 i = 0; i < THREADS; i++) {
		args[i] = (struct thread_arg){m, i, 0};
		CHECK_EQ(pthread_create(&threads[i], NULL, thread_main, &args[i]), 0);
	}
	for (u32 i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		CHECK_EQ(args[i].wrong, 0);
	}
	while (!map_user_next_key(m, NULL, &next))
		CHECK_EQ(map_delete(m, &next), 0);
	for (key = 0; key < THREAD_ENTRIES; key++) {
		struct checked v = {key, 0, 0};

		CHECK_EQ(map_update(m, &key, &v, BPF_NOEXIST, 0), 0);
	}
	if (type == BPF_MAP_TYPE_HASH)
		CHECK_EQ(map_update(m, &key, &args[0], BPF_NOEXIST, 0), -E2BIG);
	map_info(m, &info);
	CHECK_EQ(info.n_corrupt, 0);
	map_close(m);
}

TEST(threads_share_a_hash)
{
	run_threads(BPF_MAP_TYPE_HASH);
}

TEST(threads_share_an_lru_hash)
{
	run_threads(BPF_MAP_TYPE_LRU_HASH);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/map/test_scribble.c - a map is a trust boundary: whatever bytes another process writes into
 * the file, every operation ends soon and touches nothing outside (the sanitizer build watches).
 */
#include "support.h"
#include "map/handle.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static u64 rng_next(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

struct kind {
	u32 type, key_size, value_size, max_entries, flags;
};

static const struct kind kinds[] = {
	{BPF_MAP_TYPE_HASH, 4, 8, 64, 0},
	{BPF_MAP_TYPE_HASH, 20, 40, 64, BPF_F_NO_PREALLOC},
	{BPF_MAP_TYPE_PERCPU_HASH, 8, 8, 64, 0},
	{BPF_MAP_TYPE_LRU_HASH, 4, 8, 64, 0},
	{BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 8, 64, 0},
	{BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 64, 0},
	{BPF_MAP_TYPE_ARRAY, 4, 8, 64, 0},
	{BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 64, 0},
	{BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 64, 0},
	{BPF_MAP_TYPE_LPM_TRIE, 8, 8, 64, BPF_F_NO_PREALLOC},
	{BPF_MAP_TYPE_QUEUE, 0, 8, 64, 0},
	{BPF_MAP_TYPE_STACK, 0, 8, 64, 0},
	{BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 64, 0},
	{BPF_MAP_TYPE_STACK_TRACE, 4, 64, 64, 0},
	{BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0},
	{BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, 0},
	{BPF_MAP_TYPE_TASK_STORAGE, 4, 8, 0, BPF_F_NO_PREALLOC},
};

static int open_kind(const struct kind *k, struct map **m, int *fd)
{
	static const struct map_attr inner = {.type = BPF_MAP_TYPE_ARRAY,
					      .key_size = 4,
					      .value_size = 4,
					      .max_entries = 1,
					      .spin_lock_off = ~0u,
					      .timer_off = ~0u};
	struct map_attr a = attr_for(k->type, k->key_size, k->value_size, k->max_entries, k->flags);

	a.inner = &inner;
	return try_map(&a, m, fd);
}

static int touch_value(struct map *m, void *key, void *value, void *arg)
{
	u8 *bytes = value;

	(void)key;
	(void)arg;
	CHECK(map_mem_ok(m, (u64)value, MIN(m->value_size, 8u), true));
	bytes[0]++;
	return 0;
}

static int touch_sample(const void *data, u32 size, void *arg)
{
	const u8 *bytes = data;

	*(u32 *)arg += size ? bytes[0] + bytes[size - 1] : 0;
	return 0;
}

static void use_program_side(struct map *m, const u8 *key, u8 *value, u64 *rng)
{
	u8 *found = map_lookup(m, key, (u32)*rng & 1);
	u64 ips[8] = {*rng & 7, 2, 3}, id;
	u32 sum = 0;
	void *record;

	if (found)
		found[0]++;
	map_update(m, key, value, *rng >> 8 & 3, (u32)*rng & 1);
	map_push(m, value, *rng >> 8 & 2);
	map_peek(m, value);
	map_pop(m, value);
	map_delete(m, key);
	map_ref_set(m, key, *rng, 0);
	map_ref_get(m, key, &id);
	map_for_each(m, 0, touch_value, NULL);
	map_stack_id(m, ips, 3, *rng & BPF_F_REUSE_STACKID);
	record = map_ringbuf_reserve(m, *rng % 300);
	if (record) {
		u32 size = map_ringbuf_record_size(m, record);

		if (size && size <= 300)
			memset(record, 1, size);
		map_ringbuf_commit(m, record, 0, false);
	}
	map_ringbuf_output(m, value, 64, 0);
	map_ringbuf_reap(m);
	if (record)
		map_ringbuf_query(m, BPF_RB_AVAIL_DATA);
	map_user_ringbuf_drain(m, touch_sample, &sum, 0);
	found = map_task_storage_get(m, (u32)*rng % 70000, 5, value,
				     BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (found)
		found[0]++;
	map_task_storage_delete(m, (u32)*rng % 70000, 5);
}

/* Everything once. */
static void use_all(struct map *m, const struct kind *k, u64 *rng)
{
	u8 key[64] = {0}, next[64];
	static u8 value[4096], keys[64 * 64], values[64 * 4096], batch[64];
	u32 count = 64;

	rng_next(rng);
	key[0] = (u8)(*rng % 70);
	use_program_side(m, key, value, rng);
	map_user_update(m, key, value, 0);
	map_user_lookup(m, key, value, 0);
	map_user_next_key(m, key, next);
	map_user_lookup_and_delete(m, key, value, 0);
	map_user_delete(m, key);
	if (k->key_size && k->type != BPF_MAP_TYPE_HASH_OF_MAPS)
		map_user_lookup_batch(m, NULL, batch, keys, values, &count, 0, *rng & 1);
}

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000 + (u64)ts.tv_nsec / 1000000;
}

/* Words that hurt most: indices near the ends, owners that live, that died, that never were. */
static u32 nasty_word(u64 *rng)
{
	static const u32 words[] = {0,		1,	    2,		63,
				    64,		65,	    66,		67,
				    0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
				    0x80000001, 0x40000000, 4096,	0x00400001};

	return rng_next(rng) % 4 ? words[rng_next(rng) % ARRAY_SIZE(words)] : (u32)rng_next(rng);
}

/* Static scribbles: some words of the file are replaced, then everything is called. */
TEST(any_word_may_be_scribbled)
{
	u64 rng = 12345, start = now_ms();
	u32 n = 0;

	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct map_info info;
		struct map *m;
		u8 *file, *clean;
		int fd = -1;
		u64 space;

		CHECK_EQ(open_kind(&kinds[i], &m, &fd), 0);
		map_info(m, &info);
		space = MIN(info.memory_bytes, 32u << 10);
		file = mmap(NULL, info.memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		for (u32 r = 0; r < 50; r++)
			use_all(m, &kinds[i], &rng);
		clean = malloc(space + 4096);
		memcpy(clean, file, space);
		memcpy(clean + space, file + info.memory_bytes - 4096, 4096);
		for (u64 until = now_ms() + 150; now_ms() < until; n++) {
			if (n % 16 == 0) {
				memcpy(file, clean, space);
				memcpy(file + info.memory_bytes - 4096, clean + space, 4096);
			}
			for (u32 w = 0; w < 1 + rng % 20; w++) {
				u64 off = rng_next(&rng) % (space / 4) * 4;

				/* The head of the map and its last page matter most. */
				if (rng & 1)
					off = info.memory_bytes - 4096 + off % 4096;
				*(u32 *)(file + off) = nasty_word(&rng);
			}
			use_all(m, &kinds[i], &rng);
		}
		free(clean);
		munmap(file, info.memory_bytes);
		close(fd);
		map_close(m);
	}
	fprintf(stderr, "# %u rounds in %lu ms\n", n, now_ms() - start);
}

/* A process scribbles all the time while this one works. */
TEST(another_process_scribbles_meanwhile)
{
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct map_info info;
		struct map *m;
		u64 rng = i + 1, rounds = 0;
		int fd = -1;
		u8 *file;
		pid_t pid;

		CHECK_EQ(open_kind(&kinds[i], &m, &fd), 0);
		map_info(m, &info);
		file = mmap(NULL, info.memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;) {
				u64 off = rng_next(&rng) % MIN(info.memory_bytes, 64u << 10);

				if (rng & 0x100)
					off = info.memory_bytes - 4096 + off % 4096;
				*(u32 *)(file + (off & ~3ull)) = nasty_word(&rng);
			}
		}
		for (u64 until = now_ms() + 100; now_ms() < until; rounds++)
			use_all(m, &kinds[i], &rng);
		CHECK(rounds > 0);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		munmap(file, info.memory_bytes);
		close(fd);
		map_close(m);
	}
}

/* ---- files that are no maps ---- */

TEST(files_that_are_no_map_are_refused)
{
	struct map_attr a = attr_for(BPF_MAP_TYPE_HASH, 4, 8, 64, 0);
	struct map *m, *again;
	struct map_info info;
	int fd = -1, other = memfd_create("x", 0);
	u8 *file;

	CHECK_EQ(map_open(-1, &m), -EBADF);
	CHECK_EQ(map_open(other, &m), -EINVAL);
	CHECK_EQ(ftruncate(other, 4096), 0);
	CHECK_EQ(map_open(other, &m), -EINVAL);
	CHECK_EQ(try_map(&a, &m, &fd), 0);
	map_info(m, &info);
	file = mmap(NULL, info.memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	/* Every length but the right one. */
	for (u64 size = 0; size < info.memory_bytes; size += 1024) {
		CHECK_EQ(ftruncate(other, 0), 0);
		CHECK_EQ(pwrite(other, file + info.memory_bytes - size, size, 0), (s64)size);
		CHECK_EQ(map_open(other, &again), -EINVAL);
	}
	/* Every word of the header: it opens and works, or is refused; never anything else. */
	for (u32 off = 0; off < 256; off += 4)
		for (u32 try = 0; try < 32; try++) {
			static const struct kind hash = {BPF_MAP_TYPE_HASH, 4, 8, 64, 0};
			u64 rng = off * 32 + try + 1;
			u32 *word = (u32 *)(file + info.memory_bytes - 4096 + off), old = *word;

			*word = try < 16 ?
			try : nasty_word(&rng)
				;
			if (!map_open(fd, &again)) {
				struct map_info now;

				map_info(again, &now);
				CHECK_EQ(now.memory_bytes, info.memory_bytes);
				if (now.attr.type == hash.type && now.attr.key_size <= 64 &&
				    map_user_value_size(again) <= 4096)
					use_all(again, &hash, &rng);
				map_close(again);
			}
			*word = old;
		}
	munmap(file, info.memory_bytes);
	close(fd);
	close(other);
	map_close(m);
}

TEST(a_read_only_file_can_be_read)
{
	char path[64];
	struct map_attr a = attr_for(BPF_MAP_TYPE_HASH, 4, 8, 4, 0);
	u32 key = 1;
	u64 value = 7;
	struct map *m, *r;
	int fd = -1, rfd;

	CHECK_EQ(try_map(&a, &m, &fd), 0);
	CHECK_EQ(map_user_update(m, &key, &value, 0), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rfd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK_EQ(map_open(rfd, &r), 0);
	value = 0;
	CHECK_EQ(map_user_lookup(r, &key, &value, 0), 0);
	CHECK_EQ(value, 7);
	CHECK_EQ(map_user_update(r, &key, &value, 0), -EPERM);
	CHECK_EQ(map_user_delete(r, &key), -EPERM);
	CHECK_EQ(map_update(r, &key, &value, 0, 0), -EPERM);
	CHECK_EQ(map_delete(r, &key), -EPERM);
	CHECK_EQ(map_freeze(r), -EPERM);
	close(rfd);
	close(fd);
	map_close(m);
	map_close(r);
}

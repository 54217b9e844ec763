/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/map/test_map.c - what single maps do: values, flags, errnos, layout seen from outside. */
#include "support.h"

TEST(array_values_lie_at_the_start_of_the_file)
{
	struct map_attr a = attr_for(BPF_MAP_TYPE_ARRAY, 4, 12, 3, BPF_F_MMAPABLE);
	struct map *m;
	u32 key = 1;
	u8 *seen;
	int fd = -1;

	CHECK_EQ(try_map(&a, &m, &fd), 0);
	CHECK_EQ(map_update(m, &key, "hello, bees", BPF_ANY, 0), 0);
	seen = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK_STR((char *)seen + 16, "hello, bees");
	CHECK(map_first_value(m) != NULL);
	CHECK(map_mem_ok(m, (u64)map_lookup(m, &key, 0), 12, true));
	CHECK(!map_mem_ok(m, (u64)map_lookup(m, &key, 0), 13, true));
	munmap(seen, 4096);
	close(fd);
	map_close(m);
}

/* Not by taking all there is first: a terabyte of a machine that has less. */
TEST(more_than_the_machine_has_is_refused)
{
	struct map_attr a = attr_for(BPF_MAP_TYPE_ARRAY, 4, 4096, 1 << 28, 0);
	struct map_attr h = attr_for(BPF_MAP_TYPE_HASH, 8, 4096, 1 << 28, 0);
	struct map *m;

	if (sysconf(_SC_PHYS_PAGES) >= 1l << 28)
		SKIP("this machine has a terabyte");
	CHECK_EQ(try_map(&a, &m, NULL), -ENOMEM);
	CHECK_EQ(try_map(&h, &m, NULL), -ENOMEM);
}

TEST(hash_keeps_what_it_was_given)
{
	struct map *m = new_map(BPF_MAP_TYPE_HASH, 8, 8, 1000, 0);
	u64 key, value;

	for (u64 i = 0; i < 1000; i++) {
		key = i * 7919;
		CHECK_EQ(map_update(m, &key, &i, BPF_NOEXIST, 0), 0);
	}
	key = 1;
	CHECK_EQ(map_update(m, &key, &key, BPF_ANY, 0), -E2BIG);
	for (u64 i = 0; i < 1000; i++) {
		key = i * 7919;
		CHECK_EQ(*(u64 *)map_lookup(m, &key, 0), i);
		value = ~i;
		CHECK_EQ(map_update(m, &key, &value, BPF_EXIST, 0), 0);
		CHECK_EQ(map_user_lookup(m, &key, &value, 0), 0);
		CHECK_EQ(value, ~i);
		CHECK_EQ(map_update(m, &key, &value, BPF_NOEXIST, 0), -EEXIST);
	}
	for (u64 i = 0; i < 1000; i += 2) {
		key = i * 7919;
		CHECK_EQ(map_delete(m, &key), 0);
		CHECK_EQ(map_delete(m, &key), -ENOENT);
		CHECK(map_lookup(m, &key, 0) == NULL);
	}
	for (u64 i = 5000; i < 5500; i++)
		CHECK_EQ(map_update(m, &i, &i, BPF_ANY, 0), 0);
	CHECK_EQ(map_update(m, &value, &key, BPF_ANY, 0), -E2BIG);
	map_close(m);
}

TEST(percpu_values_are_apart)
{
	static const u32 types[] = {BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_PERCPU_HASH,
				    BPF_MAP_TYPE_LRU_PERCPU_HASH};

	for (u32 t = 0; t < ARRAY_SIZE(types); t++) {
		struct map_attr a = attr_for(types[t], 4, 4, 8, 0);
		u32 key = 3, value;
		u64 all[4];
		struct map *m;

		a.n_cpus = 4;
		CHECK_EQ(try_map(&a, &m, NULL), 0);
		CHECK_EQ(map_user_value_size(m), 32);
		for (u32 cpu = 0; cpu < 4; cpu++) {
			value = cpu + 10;
			CHECK_EQ(map_update(m, &key, &value, BPF_ANY, cpu), 0);
		}
		CHECK(map_lookup(m, &key, 4) == NULL);
		CHECK_EQ(*(u32 *)map_lookup_percpu(m, &key, 2), 12);
		CHECK_EQ(map_user_lookup(m, &key, all, 0), 0);
		for (u32 cpu = 0; cpu < 4; cpu++)
			CHECK_EQ(all[cpu], cpu + 10);
		all[1] = 99;
		CHECK_EQ(map_user_update(m, &key, all, BPF_ANY), 0);
		CHECK_EQ(*(u32 *)map_lookup(m, &key, 1), 99);
		CHECK(map_mem_ok(m, (u64)map_lookup(m, &key, 1), 4, true));
		CHECK(!map_mem_ok(m, (u64)map_lookup(m, &key, 1) + 1, 4, true));
		map_close(m);
	}
}

TEST(lru_evicts_what_is_not_used)
{
	struct map *m = new_map(BPF_MAP_TYPE_LRU_HASH, 4, 4, 100, 0);
	u32 hot = 7, n = 0;

	CHECK_EQ(map_update(m, &hot, &hot, BPF_ANY, 0), 0);
	for (u32 i = 1000; i < 5000; i++) {
		CHECK_EQ(map_update(m, &i, &i, BPF_ANY, 0), 0);
		CHECK(map_lookup(m, &hot, 0) != NULL);
	}
	for (u32 i = 1000; i < 5000; i++)
		n += map_lookup(m, &i, 0) != NULL;
	CHECK(n >= 50 && n <= 99);
	map_close(m);
}

/* Consumes as libbpf does: from a plain mapping of the file. */
static u32 consume(u8 *file, u64 size, u32 expect_len, u32 *next)
{
	u64 *cons = (u64 *)file, *prod = (u64 *)(file + 4096);
	u32 n = 0;

	while (*cons < *prod) {
		u8 *record = file + 8192 + (*cons & (size - 1));
		u32 len = *(volatile u32 *)record;

		if (len & BPF_RINGBUF_BUSY_BIT)
			break;
		if (!(len & BPF_RINGBUF_DISCARD_BIT)) {
			CHECK_EQ(len, expect_len);
			for (u32 i = 8; i < 8 + expect_len; i += 4)
				CHECK_EQ(*(u32 *)(record + i), *next);
			++*next;
			n++;
		}
		*cons += ALIGN_UP((len & ~BPF_RINGBUF_DISCARD_BIT) + 8, 8);
	}
	return n;
}

TEST(ringbuf_records_are_unbroken_at_the_wrap)
{
	struct map_attr a = attr_for(BPF_MAP_TYPE_RINGBUF, 0, 0, 8192, 0);
	u32 seq = 0, next = 0, data[750];
	struct map *m;
	u8 *file;
	int fd = -1;

	CHECK_EQ(try_map(&a, &m, &fd), 0);
	file = mmap(NULL, 4 * 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (u32 round = 0; round < 50; round++) {
		while (true) {
			for (u32 i = 0; i < ARRAY_SIZE(data); i++)
				data[i] = seq;
			if (map_ringbuf_output(m, data, sizeof(data), 0))
				break;
			seq++;
		}
		CHECK_EQ(consume(file, 8192, sizeof(data), &next), 2);
	}
	CHECK_EQ(seq, next);
	CHECK(map_ringbuf_reserve(m, 8192) == NULL);
	munmap(file, 4 * 8192);
	close(fd);
	map_close(m);
}

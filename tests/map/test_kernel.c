/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/map/test_kernel.c - the same random calls on a kernel map and on ours: same results, same
 * errnos.  The order in which keys are walked is compared only where the kernel's is fixed.
 */
#include "support.h"

#include <sys/syscall.h>

static long bpf_call(enum bpf_cmd cmd, union bpf_attr *attr)
{
	long ret = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return ret < 0 ? -errno : ret;
}

static long kernel_map(const struct map_attr *a, int inner_fd)
{
	union bpf_attr attr = {
		.map_type = a->type,
		.key_size = a->key_size,
		.value_size = a->value_size,
		.max_entries = a->max_entries,
		.map_flags = a->flags,
		.map_extra = a->extra,
		.inner_map_fd = (u32)inner_fd,
	};

	return bpf_call(BPF_MAP_CREATE, &attr);
}

/* An array in the kernel; -1 where bpf(2) is not allowed. */
static int kernel_inner(void)
{
	struct map_attr a = attr_for(BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0);

	return (int)kernel_map(&a, 0);
}

struct pair {
	struct map *ours;
	int kernel;
	u32 key_size, value_bytes;
};

static long k_elem(const struct pair *p, enum bpf_cmd cmd, const void *key, void *value, u64 flags)
{
	union bpf_attr attr = {
		.map_fd = (u32)p->kernel, .key = (u64)key, .value = (u64)value, .flags = flags};

	return bpf_call(cmd, &attr);
}

static u64 rng_next(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

struct kind {
	const char *name;
	u32 type, key_size, value_size, max_entries, flags;
	u32 n_keys;   /* keys are 0 .. n_keys - 1 in their first bytes */
	bool ordered; /* next_key compared exactly */
};

static const struct kind kinds[] = {
	{"hash", BPF_MAP_TYPE_HASH, 4, 12, 16, 0, 24, false},
	{"hash8", BPF_MAP_TYPE_HASH, 8, 8, 16, 0, 24, false},
	{"hash no_prealloc", BPF_MAP_TYPE_HASH, 13, 5, 16, BPF_F_NO_PREALLOC, 24, false},
	{"hash of one", BPF_MAP_TYPE_HASH, 16, 4, 1, 0, 3, false},
	{"percpu_hash", BPF_MAP_TYPE_PERCPU_HASH, 4, 12, 16, 0, 24, false},
	{"lru_hash", BPF_MAP_TYPE_LRU_HASH, 4, 8, 4096, 0, 24, false},
	{"lru_percpu_hash", BPF_MAP_TYPE_LRU_PERCPU_HASH, 8, 4, 4096, BPF_F_NO_COMMON_LRU, 24,
	 false},
	{"array", BPF_MAP_TYPE_ARRAY, 4, 12, 16, 0, 20, true},
	{"array mmapable", BPF_MAP_TYPE_ARRAY, 4, 3, 16, BPF_F_MMAPABLE, 20, true},
	{"percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 12, 16, 0, 20, true},
	{"queue", BPF_MAP_TYPE_QUEUE, 0, 12, 5, 0, 1, true},
	{"stack", BPF_MAP_TYPE_STACK, 0, 8, 5, 0, 1, true},
	{"lpm", BPF_MAP_TYPE_LPM_TRIE, 8, 8, 16, BPF_F_NO_PREALLOC, 0, false},
	{"lpm 3 bytes", BPF_MAP_TYPE_LPM_TRIE, 7, 3, 16, BPF_F_NO_PREALLOC, 0, false},
	{"bloom_filter", BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 4096, 0, 1, true},
	{"stack_trace", BPF_MAP_TYPE_STACK_TRACE, 4, 80, 16, 0, 20, true},
	{"ringbuf", BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, 1, true},
	{"user_ringbuf", BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, 0, 1, true},
	{"perf_event_array", BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 4, 0, 6, true},
	{"prog_array", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0, 6, true},
};

static void random_key(const struct kind *k, u64 *rng, u8 *key)
{
	u64 r = rng_next(rng);

	memset(key, 0, 64);
	if (k->type == BPF_MAP_TYPE_LPM_TRIE) {
		/* Few bits matter, so that prefixes nest; sometimes too long. */
		u32 len = (u32)(r % (k->key_size * 8 - 32 + 2));
		u32 bits = (u32)(rng_next(rng) & 0x03000001);

		memcpy(key, &len, 4);
		memcpy(key + 4, &bits, 4);
		return;
	}
	if (k->n_keys)
		key[0] = (u8)(r % k->n_keys);
}

static bool is_object_array(u32 type)
{
	return type == BPF_MAP_TYPE_PERF_EVENT_ARRAY || type == BPF_MAP_TYPE_PROG_ARRAY;
}

/* One call on both; -1 where it can't be compared (the engine turns fds into ids before the map).
 */
static void one_call(const struct kind *k, const struct pair *p, u64 *rng, u32 step)
{
	u8 key[64], next_a[64] = {0}, next_b[64] = {0}, in[4096], out_a[4096], out_b[4096];
	const void *kp = k->key_size ? key : NULL;
	static const u64 flag_choice[] = {0, 0, 0, BPF_NOEXIST, BPF_EXIST, 3, BPF_F_LOCK, 8};
	u64 flags = flag_choice[rng_next(rng) % 8];
	u32 op = (u32)(rng_next(rng) % 8);
	long a, b;

	random_key(k, rng, key);
	for (u32 i = 0; i < p->value_bytes; i++)
		in[i] = (u8)rng_next(rng);
	/* Padding of per-CPU values is kept by the kernel, and is nobody's business. */
	if (p->value_bytes != k->value_size)
		for (u32 i = 0; i < p->value_bytes; i++)
			if (i % ALIGN_UP(k->value_size, 8) >= k->value_size)
				in[i] = 0;
	memset(out_a, 0, sizeof(out_a));
	memset(out_b, 0, sizeof(out_b));
	if (k->type == BPF_MAP_TYPE_BLOOM_FILTER) {
		memset(in, 0, 8);
		in[0] = (u8)(rng_next(rng) % 16);
		memcpy(out_a, in, 8);
		memcpy(out_b, in, 8);
	}
	switch (op) {
	case 0:
	case 1:
	case 2:
		if (is_object_array(k->type))
			return;
		a = k_elem(p, BPF_MAP_UPDATE_ELEM, kp, in, flags);
		b = map_user_update(p->ours, kp, in, flags);
		break;
	case 3:
	case 4:
		flags = flags == BPF_F_LOCK || flags == 8 ? flags : 0;
		a = k_elem(p, BPF_MAP_LOOKUP_ELEM, kp, out_a, flags);
		b = map_user_lookup(p->ours, kp, out_b, flags);
		break;
	case 5:
		a = k_elem(p, BPF_MAP_DELETE_ELEM, kp, NULL, 0);
		b = map_user_delete(p->ours, kp);
		break;
	case 6:
		flags = flags == BPF_F_LOCK || flags == 8 ? flags : 0;
		a = k_elem(p, BPF_MAP_LOOKUP_AND_DELETE_ELEM, kp, out_a, flags);
		b = map_user_lookup_and_delete(p->ours, kp, out_b, flags);
		break;
	default:
		a = k_elem(p, BPF_MAP_GET_NEXT_KEY, kp, next_a, 0);
		b = map_user_next_key(p->ours, kp, next_b);
		if (!k->ordered) {
			a = b = (a == 0) == (b == 0) || a == -ENOENT || b == -ENOENT ? 0 : a;
			memset(next_a, 0, 64);
			memset(next_b, 0, 64);
		}
	}
	if (a != b)
		fail_msg("%s, step %u: op %u key %u flags %lu: kernel %ld, ours %ld", k->name, step,
			 op, key[0], flags, a, b);
	if (a == 0 && memcmp(out_a, out_b, p->value_bytes))
		fail_msg("%s, step %u: op %u key %u: values differ", k->name, step, op, key[0]);
	if (memcmp(next_a, next_b, 64))
		fail_msg("%s, step %u: next key differs", k->name, step);
}

static int key_cmp(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

/* All keys by next_key, sorted. */
static u32 all_keys(const struct kind *k, const struct pair *p, bool kernel, u8 (*keys)[16])
{
	u8 key[64] = {0}, next[64] = {0};
	const void *prev = NULL;
	u32 n = 0;

	while (n < 4000) {
		long err = kernel ? k_elem(p, BPF_MAP_GET_NEXT_KEY, prev, next, 0)
				  : map_user_next_key(p->ours, prev, next);

		if (err)
			break;
		memset(keys[n], 0, 16);
		memcpy(keys[n++], next, k->key_size);
		memcpy(key, next, 64);
		prev = key;
	}
	qsort(keys, n, 16, key_cmp);
	return n;
}

static void same_keys(const struct kind *k, const struct pair *p)
{
	static u8 a[4000][16], b[4000][16];
	u32 n = all_keys(k, p, true, a);

	CHECK_EQ(all_keys(k, p, false, b), n);
	if (memcmp(a, b, n * 16))
		fail_msg("%s: the sets of keys differ", k->name);
}

static void run_kind(const struct kind *k, u64 seed)
{
	struct map_attr attr =
		attr_for(k->type, k->key_size, k->value_size, k->max_entries, k->flags);
	struct pair p = {.key_size = k->key_size};
	u64 rng = seed * 0x9e3779b97f4a7c15ull + 1;

	p.kernel = (int)kernel_map(&attr, 0);
	if (p.kernel < 0)
		fail_msg("%s: kernel: %d", k->name, p.kernel);
	CHECK_EQ(try_map(&attr, &p.ours, NULL), 0);
	p.value_bytes = map_user_value_size(p.ours);
	for (u32 i = 0; i < 2000; i++) {
		one_call(k, &p, &rng, i);
		if (i % 200 == 0 && k->key_size && !is_object_array(k->type))
			same_keys(k, &p);
	}
	close(p.kernel);
	map_close(p.ours);
}

TEST(random_calls_do_the_same_as_in_the_kernel)
{
	int inner = kernel_inner();

	if (inner < 0)
		SKIP("needs bpf(2)");
	close(inner);
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		for (u64 seed = 1; seed <= 5; seed++)
			run_kind(&kinds[i], seed);
}

/* ---- creation ---- */

static const u32 create_types[] = {
	BPF_MAP_TYPE_HASH,
	BPF_MAP_TYPE_ARRAY,
	BPF_MAP_TYPE_PROG_ARRAY,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY,
	BPF_MAP_TYPE_PERCPU_HASH,
	BPF_MAP_TYPE_PERCPU_ARRAY,
	BPF_MAP_TYPE_STACK_TRACE,
	BPF_MAP_TYPE_LRU_HASH,
	BPF_MAP_TYPE_LRU_PERCPU_HASH,
	BPF_MAP_TYPE_LPM_TRIE,
	BPF_MAP_TYPE_ARRAY_OF_MAPS,
	BPF_MAP_TYPE_HASH_OF_MAPS,
	BPF_MAP_TYPE_QUEUE,
	BPF_MAP_TYPE_STACK,
	BPF_MAP_TYPE_RINGBUF,
	BPF_MAP_TYPE_USER_RINGBUF,
	BPF_MAP_TYPE_BLOOM_FILTER,
};

static void same_create(const struct map_attr *a, int inner, u32 *n, u32 *wrong)
{
	long k = kernel_map(a, inner);
	struct map *m = NULL;
	int ours = try_map(a, &m, NULL);

	if (k >= 0)
		close((int)k);
	if (!ours)
		map_close(m);
	++*n;
	if ((k < 0 ? k : 0) != ours && ++*wrong <= 20)
		fprintf(stderr,
			"# type %u key %u value %u entries %u flags 0x%x extra %lu: kernel %ld, "
			"ours %d\n",
			a->type, a->key_size, a->value_size, a->max_entries, a->flags, a->extra, k,
			ours);
}

TEST(creation_is_refused_as_in_the_kernel)
{
	static const u32 key_sizes[] = {0, 1, 4, 5, 8, 260, 261, 4 << 20};
	static const u32 value_sizes[] = {
		0, 1, 4, 8, 12, 32, 1016, 1024, 32768, 32769, 4 << 20, (4 << 20) + 1, 0x80000000u};
	static const u32 entries[] = {0, 1, 3, 4096, 0xffffffffu};
	struct map_attr inner_attr = attr_for(BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0);
	int inner = kernel_inner();
	u32 n = 0, wrong = 0;

	if (inner < 0)
		SKIP("needs bpf(2)");
	for (u32 t = 0; t < ARRAY_SIZE(create_types); t++)
		for (u32 k = 0; k < ARRAY_SIZE(key_sizes); k++)
			for (u32 v = 0; v < ARRAY_SIZE(value_sizes); v++)
				for (u32 e = 0; e < ARRAY_SIZE(entries); e++) {
					struct map_attr a = attr_for(create_types[t], key_sizes[k],
								     value_sizes[v], entries[e], 0);

					/* Big maps are about memory, not about attributes. */
					if ((u64)(a.key_size + (u64)a.value_size) * a.max_entries >
						    1 << 24 &&
					    a.max_entries != 1)
						continue;
					a.inner = &inner_attr;
					same_create(&a, inner, &n, &wrong);
					a.flags = BPF_F_NO_PREALLOC;
					same_create(&a, inner, &n, &wrong);
				}
	fprintf(stderr, "# %u creations compared\n", n);
	CHECK_EQ(wrong, 0);
	close(inner);
}

TEST(creation_flags_are_judged_as_in_the_kernel)
{
	struct map_attr inner_attr = attr_for(BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0);
	int inner = kernel_inner();
	u32 n = 0, wrong = 0;

	if (inner < 0)
		SKIP("needs bpf(2)");
	for (u32 t = 0; t < ARRAY_SIZE(create_types); t++)
		for (u32 one = 0; one < 15; one++)
			for (u32 two = 0; two < 15; two++) {
				u32 type = create_types[t];
				bool ring = type == BPF_MAP_TYPE_RINGBUF ||
					    type == BPF_MAP_TYPE_USER_RINGBUF;
				bool keyless = ring || type == BPF_MAP_TYPE_QUEUE ||
					       type == BPF_MAP_TYPE_STACK ||
					       type == BPF_MAP_TYPE_BLOOM_FILTER;
				bool wide = type == BPF_MAP_TYPE_STACK_TRACE;
				struct map_attr a =
					attr_for(type, keyless ? 0 : 4,
						 ring	? 0
						 : wide ? 32
							: 4,
						 ring ? 4096 : 3, 1u << one | 1u << two);

				if (type == BPF_MAP_TYPE_LPM_TRIE) {
					a.key_size = 8;
					a.flags |= two & 1 ? BPF_F_NO_PREALLOC : 0;
				}
				a.inner = &inner_attr;
				same_create(&a, inner, &n, &wrong);
				a.extra = one;
				same_create(&a, inner, &n, &wrong);
			}
	fprintf(stderr, "# %u creations compared\n", n);
	CHECK_EQ(wrong, 0);
	close(inner);
}

/* ---- batches ---- */

static long k_batch(enum bpf_cmd cmd, int fd, void *in, void *out, void *keys, void *values,
		    u32 *count, u64 elem_flags)
{
	union bpf_attr attr = {.batch = {.in_batch = (u64)in,
					 .out_batch = (u64)out,
					 .keys = (u64)keys,
					 .values = (u64)values,
					 .count = *count,
					 .map_fd = (u32)fd,
					 .elem_flags = elem_flags}};
	long err = bpf_call(cmd, &attr);

	*count = attr.batch.count;
	return err;
}

static void batch_kind(u32 type, u32 key_size, u32 flags)
{
	struct map_attr attr = attr_for(type, key_size, 8, 64, flags);
	struct pair p = {.kernel = (int)kernel_map(&attr, 0)};
	u8 keys[64 * 8] = {0}, out_keys[128 * 8], a_batch[16], b_batch[16];
	static u64 values[64 * 1024], out[128 * 1024];
	u32 n_seen = 0, a, b, per;
	void *in = NULL;
	long err;

	CHECK(p.kernel >= 0);
	CHECK_EQ(try_map(&attr, &p.ours, NULL), 0);
	per = map_user_value_size(p.ours) / 8;
	for (u32 i = 0; i < 40; i++) {
		if (type == BPF_MAP_TYPE_LPM_TRIE) {
			keys[i * key_size] = 32;
			keys[i * key_size + 4] = (u8)i;
		} else {
			keys[i * key_size] = (u8)i;
		}
		for (u32 c = 0; c < per; c++)
			values[i * per + c] = i * 100 + c;
	}
	a = b = 40;
	CHECK_EQ(k_batch(BPF_MAP_UPDATE_BATCH, p.kernel, NULL, NULL, keys, values, &a, 0), 0);
	CHECK_EQ(map_user_update_batch(p.ours, keys, values, &b, 0), 0);
	CHECK_EQ(a, b);
	a = b = 3;
	CHECK_EQ(k_batch(BPF_MAP_UPDATE_BATCH, p.kernel, NULL, NULL, keys, values, &a, BPF_NOEXIST),
		 map_user_update_batch(p.ours, keys, values, &b, BPF_NOEXIST));
	/* Ours in steps: every element once, the last step says -ENOENT. */
	do {
		u32 count = 17;

		err = map_user_lookup_batch(p.ours, in, b_batch, out_keys, out, &count, 0, false);
		in = b_batch;
		n_seen += count;
		CHECK(count <= 17);
		CHECK(err == 0 || err == -ENOENT);
	} while (!err);
	CHECK_EQ(n_seen, type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY ? 64 : 40);
	a = b = 100;
	CHECK_EQ(k_batch(BPF_MAP_LOOKUP_BATCH, p.kernel, NULL, a_batch, out_keys, out, &a, 0),
		 map_user_lookup_batch(p.ours, NULL, b_batch, out_keys, out, &b, 0, false));
	CHECK_EQ(a, b);
	a = b = 0;
	CHECK_EQ(k_batch(BPF_MAP_LOOKUP_BATCH, p.kernel, NULL, a_batch, out_keys, out, &a, 0),
		 map_user_lookup_batch(p.ours, NULL, b_batch, out_keys, out, &b, 0, false));
	a = b = 10;
	CHECK_EQ(k_batch(BPF_MAP_DELETE_BATCH, p.kernel, NULL, NULL, keys, NULL, &a, 0),
		 map_user_delete_batch(p.ours, keys, &b, 0));
	CHECK_EQ(a, b);
	a = b = 10;
	CHECK_EQ(k_batch(BPF_MAP_DELETE_BATCH, p.kernel, NULL, NULL, keys, NULL, &a, 0),
		 map_user_delete_batch(p.ours, keys, &b, 0));
	CHECK_EQ(a, b);
	a = b = 100;
	CHECK_EQ(k_batch(BPF_MAP_LOOKUP_AND_DELETE_BATCH, p.kernel, NULL, a_batch, out_keys, out,
			 &a, 0),
		 map_user_lookup_batch(p.ours, NULL, b_batch, out_keys, out, &b, 0, true));
	CHECK_EQ(a, b);
	a = b = 100;
	CHECK_EQ(k_batch(BPF_MAP_LOOKUP_AND_DELETE_BATCH, p.kernel, NULL, a_batch, out_keys, out,
			 &a, 0),
		 map_user_lookup_batch(p.ours, NULL, b_batch, out_keys, out, &b, 0, true));
	CHECK_EQ(a, b);
	close(p.kernel);
	map_close(p.ours);
}

TEST(batches_do_the_same_as_in_the_kernel)
{
	int inner = kernel_inner();

	if (inner < 0)
		SKIP("needs bpf(2)");
	close(inner);
	batch_kind(BPF_MAP_TYPE_HASH, 4, 0);
	batch_kind(BPF_MAP_TYPE_HASH, 8, BPF_F_NO_PREALLOC);
	batch_kind(BPF_MAP_TYPE_PERCPU_HASH, 4, 0);
	batch_kind(BPF_MAP_TYPE_ARRAY, 4, 0);
	batch_kind(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 0);
	batch_kind(BPF_MAP_TYPE_LPM_TRIE, 8, BPF_F_NO_PREALLOC);
}

TEST(frozen_maps_refuse_the_system_call_as_in_the_kernel)
{
	struct map_attr attr = attr_for(BPF_MAP_TYPE_ARRAY, 4, 4, 2, BPF_F_RDONLY_PROG);
	struct pair p = {.kernel = (int)kernel_map(&attr, 0)};
	union bpf_attr freeze = {.map_fd = (u32)p.kernel};
	u32 key = 1, value = 3;

	if (p.kernel < 0)
		SKIP("needs bpf(2)");
	CHECK_EQ(try_map(&attr, &p.ours, NULL), 0);
	CHECK_EQ(bpf_call(BPF_MAP_FREEZE, &freeze), map_freeze(p.ours));
	CHECK_EQ(bpf_call(BPF_MAP_FREEZE, &freeze), map_freeze(p.ours));
	CHECK_EQ(k_elem(&p, BPF_MAP_UPDATE_ELEM, &key, &value, 0),
		 map_user_update(p.ours, &key, &value, 0));
	CHECK_EQ(k_elem(&p, BPF_MAP_LOOKUP_ELEM, &key, &value, 0),
		 map_user_lookup(p.ours, &key, &value, 0));
	CHECK_EQ(k_elem(&p, BPF_MAP_DELETE_ELEM, &key, NULL, 0), map_user_delete(p.ours, &key));
	CHECK_EQ(map_update(p.ours, &key, &value, 0, 0), 0);
	close(p.kernel);
	map_close(p.ours);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* map/stackmap.c - stack traces, found by the low bits of their hash.  Kernel:
 * kernel/bpf/stackmap.c.
 *
 * A bucket's length is 0 while its addresses are written, so a killed writer leaves it empty.  With
 * BPF_F_STACK_BUILD_ID each frame is a struct bpf_stack_build_id with the address only
 * (BPF_STACK_BUILD_ID_IP), which the kernel gives too where it finds no build id.
 */
#include "map/hash_func.h"
#include "map/kind.h"

enum {
	STACK_FRAMES_MAX = 127, /* kernel sysctl_perf_event_max_stack */
	STACK_BUILD_ID_IP = 2,
};

struct stack_bucket {
	u32 lock;
	u32 hash;
	u32 n; /* frames; 0: empty */
	u32 pad;
	u8 frames[];
};

static u32 frame_bytes(u32 flags)
{
	return flags & BPF_F_STACK_BUILD_ID ? sizeof(struct bpf_stack_build_id) : sizeof(u64);
}

static int stack_check(const struct map_attr *a)
{
	if (a->flags & ~(BPF_F_NUMA_NODE | BPF_F_STACK_BUILD_ID | BPF_F_RDONLY | BPF_F_WRONLY))
		return -EINVAL;
	if (!a->max_entries || a->key_size != 4 || a->value_size < 8 || a->value_size % 8 ||
	    a->value_size % frame_bytes(a->flags) ||
	    a->value_size / frame_bytes(a->flags) > STACK_FRAMES_MAX)
		return -EINVAL;
	return a->max_entries > 1u << 31 ? -E2BIG : 0;
}

static u64 n_buckets(const struct map *m)
{
	return m->max_entries <= 1 ? 1 : 1ull << (32 - __builtin_clz(m->max_entries - 1));
}

static void stack_layout(struct map *m, struct layout *l)
{
	m->data_mask = n_buckets(m) - 1;
	m->values =
		(u8 *)layout_add(l, n_buckets(m), sizeof(struct stack_bucket) + m->value_size, 64);
	m->values_bytes = l->off;
}

static struct stack_bucket *bucket_at(struct map *m, u32 id)
{
	return (struct stack_bucket *)(m->values +
				       (u64)id * (sizeof(struct stack_bucket) + m->value_size));
}

static u64 frame_ip(const struct map *m, const struct stack_bucket *b, u32 i)
{
	u32 bytes = frame_bytes(m->flags);

	return mem_get64(b->frames + (u64)i * bytes + bytes - sizeof(u64));
}

static bool bucket_is(const struct map *m, const struct stack_bucket *b, const u64 *ips, u32 n)
{
	if (LOAD_ACQ(&b->n) != n)
		return false;
	for (u32 i = 0; i < n; i++)
		if (frame_ip(m, b, i) != ips[i])
			return false;
	return true;
}

/* Under the bucket's lock.  What a dead writer left has length 0. */
static void bucket_write(struct map *m, struct stack_bucket *b, const u64 *ips, u32 n, u32 hash)
{
	u32 bytes = frame_bytes(m->flags);

	STORE_REL(&b->n, 0);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	STORE(&b->hash, hash);
	mem_zero(b->frames, m->value_size);
	for (u32 i = 0; i < n; i++) {
		u8 *frame = b->frames + (u64)i * bytes;

		if (bytes > sizeof(u64))
			mem_put32(frame, STACK_BUILD_ID_IP);
		mem_put64(frame + bytes - sizeof(u64), ips[i]);
	}
	STORE_REL(&b->n, n);
}

/* Kernel __bpf_get_stackid(). */
s64 map_stack_id(struct map *m, const u64 *ips, u32 n, u64 flags)
{
	u32 hash, id;
	struct stack_bucket *b;
	int err;

	if (m->type != BPF_MAP_TYPE_STACK_TRACE || m->readonly)
		return -EINVAL;
	if (flags & ~(u64)(BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK | BPF_F_FAST_STACK_CMP |
			   BPF_F_REUSE_STACKID))
		return -EINVAL;
	n = MIN(n, m->value_size / frame_bytes(m->flags));
	if (!n)
		return -EFAULT;
	hash = hash_key(ips, n * (u32)sizeof(u64), 0);
	id = hash & (u32)m->data_mask;
	b = bucket_at(m, id);
	if (LOAD_ACQ(&b->n) && LOAD(&b->hash) == hash &&
	    (flags & BPF_F_FAST_STACK_CMP || bucket_is(m, b, ips, n)))
		return id;
	err = owner_lock(m, &b->lock);
	if (err < 0)
		return err;
	err = 0;
	if (!LOAD(&b->n) || flags & BPF_F_REUSE_STACKID)
		bucket_write(m, b, ips, n, hash);
	else if (LOAD(&b->hash) != hash || !bucket_is(m, b, ips, n))
		err = -EEXIST;
	owner_unlock(&b->lock);
	return err ? err : (s64)id;
}

/* Copies a trace out, and takes it away if asked. */
static int stack_get(struct map *m, u32 id, void *value, bool remove)
{
	struct stack_bucket *b;
	int err;

	if (id > m->data_mask)
		return -ENOENT;
	b = bucket_at(m, id);
	if (!LOAD_ACQ(&b->n))
		return -ENOENT;
	if (m->readonly) {
		mem_copy(value, b->frames, m->value_size);
		return 0;
	}
	err = owner_lock(m, &b->lock);
	if (err < 0)
		return err;
	err = LOAD(&b->n) ? 0 : -ENOENT;
	if (!err)
		mem_copy(value, b->frames, m->value_size);
	if (!err && remove)
		STORE_REL(&b->n, 0);
	owner_unlock(&b->lock);
	return err;
}

static int stack_read(struct map *m, const void *key, void *value, u64 flags)
{
	(void)flags;
	return stack_get(m, mem_get32(key), value, false);
}

static int stack_take(struct map *m, const void *key, void *value, u64 flags)
{
	(void)flags;
	return stack_get(m, mem_get32(key), value, true);
}

static int stack_write(struct map *m, const void *key, const void *value, u64 flags)
{
	(void)m, (void)key, (void)value, (void)flags;
	return -EINVAL;
}

static int stack_remove(struct map *m, const void *key)
{
	u32 id = mem_get32(key);

	if (id > m->data_mask)
		return -E2BIG;
	return __atomic_exchange_n(&bucket_at(m, id)->n, 0, __ATOMIC_ACQ_REL) ? 0 : -ENOENT;
}

static int stack_next_key(struct map *m, const void *key, void *next)
{
	u64 id = 0;

	if (key && mem_get32(key) <= m->data_mask && LOAD(&bucket_at(m, mem_get32(key))->n))
		id = (u64)mem_get32(key) + 1;
	for (; id <= m->data_mask; id++)
		if (LOAD(&bucket_at(m, (u32)id)->n)) {
			mem_put32(next, (u32)id);
			return 0;
		}
	return -ENOENT;
}

const struct map_ops stack_trace_ops = {
	.check = stack_check,
	.layout = stack_layout,
	.remove = stack_remove,
	.read = stack_read,
	.write = stack_write,
	.take = stack_take,
	.next_key = stack_next_key,
};

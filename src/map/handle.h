/* SPDX-License-Identifier: BSD-2-Clause */
/* map/handle.h - what a map's file holds, and what one process knows of it.
 *
 *   +--------------------------+------------------------------------------+-------------+
 *   | what others may map      | what a kind needs besides                | last page   |
 *   | (values of an array,     | (buckets, elements, per-CPU values, ...) | map_header  |
 *   |  pages of a ring buffer) |                                          |             |
 *   +--------------------------+------------------------------------------+-------------+
 *
 * The layout follows from the attributes alone: map_create() and map_open() run the same layout
 * function of the kind, so nothing in the file says where something is, and a fresh map is all
 * zeros but for the header.  What the handle holds was checked once and is trusted; what the file
 * holds is compared or masked at every use.
 */
#pragma once
#include "abi/uapi.h"
#include "base/mem.h"
#include "base/sys.h"
#include "map/map.h"
#include "map/owner.h"

#include <errno.h>

enum {
	MAP_PAGE = 4096,
	MAP_VERSION = 1,
	MAP_ENOTSUPP = 524,	       /* kernel's ENOTSUPP, which uapi does not have */
	MAP_PCPU_VALUE_MAX = 32 << 10, /* kernel PCPU_MIN_UNIT_SIZE */
	MAP_KMALLOC_MAX = 4 << 20,     /* kernel KMALLOC_MAX_SIZE with 4 KiB pages */
	MAP_SHARDS_MAX = 8,
};
#define MAP_MAGIC	0x0070616d61696d73ull /* "smiamap" */
#define MAP_BYTES_MAX	(1ull << 44)
#define MAP_ACCESS_MASK (BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)

/* Attributes as they lie in the file; the template of a map of maps has the same shape. */
struct map_shape {
	u32 type, key_size, value_size, max_entries, flags, n_cpus;
	u32 spin_lock_off, timer_off;
	u64 extra;
};

/* Hints for the element pool: where free elements probably are.  Written without a lock; a lost or
 * stale hint costs a search, nothing else (hash_pool.c). */
struct map_shard {
	u32 top;
	u32 n_freed;
	u32 pad[14];
};

/* The last page of the file. */
struct map_header {
	u64 magic;
	u32 version, id;
	struct map_shape shape, inner;
	char name[MAP_NAME_LEN];
	u64 seed;   /* of the hash */
	u32 pid_ns; /* of the creator; owner.h */
	u32 has_inner;

	u32 frozen __attribute__((aligned(64)));
	u32 n_corrupt; /* broken chains and impossible records met so far */

	/* Live state of the kinds: one cache line each for what different writers touch. */
	u32 lock __attribute__((aligned(64))); /* queue, stack, ring buffers */
	u32 n_busy_seen; /* ring buffer: reservations that met the same unfinished record */
	u64 busy_pos;	 /* that record */
	u64 pending_pos; /* ring buffer: everything before is committed */
	u64 head_tail;	 /* queue, stack: head in the low half */
	u64 n_dropped;	 /* ring buffer: records that found no room */
	u64 n_abandoned; /* ring buffer: records whose producer died */

	u32 n_used __attribute__((aligned(64))); /* pool: no element above this was ever taken */
	u32 hand;     /* pool: where the next search or eviction begins */
	u32 full_at;  /* pool: n_freed when a whole search found nothing */
	u32 n_failed; /* pool: takes refused since */

	struct map_shard shards[MAP_SHARDS_MAX] __attribute__((aligned(64)));
};
_Static_assert(sizeof(struct map_header) <= MAP_PAGE, "the header is one page");

struct map_ops;

/* A hash's bucket, lock and all.  seq counts the elements that left the chain: a miss is believed
 * only when it stood still. */
struct hash_bucket {
	u32 head; /* element, 0: empty */
	u32 lock; /* owner */
	u32 seq;
	u32 pad;
};

struct hash_elem {
	u32 state; /* hash_pool.h */
	u32 next;
	u32 hash;
	u32 ref;  /* LRU: looked up since the hand last came by */
	u8 key[]; /* padded to 8; then the value, unless it is per-CPU */
};

struct hash_view {
	struct hash_bucket *buckets;
	u8 *elems;     /* element i at i * stride; element 0 is not used */
	u8 *percpu;    /* [cpu][element] values */
	u32 *hints;    /* n_shards rings of hint_mask + 1 */
	u32 *spares;   /* per CPU: where a spare element probably is */
	u64 *prefixes; /* LPM: bitmap of prefix lengths ever used */
	u32 bucket_mask, n_elems, n_spares;
	u32 stride, value_off, hint_mask, n_shards;
	u32 key_size; /* as stored */
	u64 seed;
	bool is_percpu, is_lru;
};

struct perf_slot {
	u8 *base; /* header page; borrowed */
	u64 data_mask;
};

struct map {
	const struct map_ops *ops;
	u8 *base; /* the file */
	u64 size_bytes;
	struct map_header *hdr;
	struct map_self *self;	  /* wiped in a forked child */
	u32 key_size, value_size; /* value_size: what a user sees */
	u32 max_entries, flags;
	u32 type, n_cpus;
	u32 value_stride; /* value_size rounded up to 8 */
	u32 spin_lock_off, timer_off;
	bool readonly;	  /* the fd could not be mapped for writing */
	bool has_special; /* a lock or a timer in the value */
	u8 *values;	  /* arrays, queues, stack traces */
	u64 values_bytes;
	u64 data_mask; /* ring buffers */
	struct hash_view h;
	struct map_shape shape, inner;
	bool has_inner;
	u32 id;
	char name[MAP_NAME_LEN];
	u64 handle_bytes;
	void (*wake)(void *arg);
	void *wake_arg;
	struct perf_slot perf[]; /* n_cpus, perf event arrays only */
};

/* Adds up where things lie.  off stays page or cache-line aligned as asked; fail is set when the
 * sum passes MAP_BYTES_MAX. */
struct layout {
	u64 off;
	bool fail;
};
u64 layout_add(struct layout *l, u64 count, u64 size, u64 align);

/* What BPF_MAP_*_BATCH does: nothing, steps of next_key, or whole buckets. */
enum map_batch { MAP_BATCH_NONE, MAP_BATCH_BY_KEY, MAP_BATCH_BY_BUCKET };

/* A kind of maps: one line of map/kind.def.  Absent functions are -EOPNOTSUPP, or what the table's
 * users say. */
struct map_ops {
	int (*check)(const struct map_attr *attr);	 /* kernel's map_alloc_check */
	void (*layout)(struct map *m, struct layout *l); /* sets pointers relative to m->base */
	void (*init)(struct map *m);			 /* what a new file holds besides zeros */
	void *(*lookup)(struct map *m, const void *key, u32 cpu);
	int (*update)(struct map *m, const void *key, const void *value, u64 flags, u32 cpu);
	int (*remove)(struct map *m, const void *key);
	int (*read)(struct map *m, const void *key, void *value, u64 flags);
	int (*write)(struct map *m, const void *key, const void *value, u64 flags);
	int (*take)(struct map *m, const void *key, void *value, u64 flags); /* lookup and delete */
	int (*next_key)(struct map *m, const void *key, void *next);
	s64 (*each)(struct map *m, u32 cpu, map_each_fn fn, void *arg);
	int (*push)(struct map *m, const void *value, u64 flags);
	int (*pop)(struct map *m, void *value);
	int (*peek)(struct map *m, void *value);
	bool (*mem_ok)(const struct map *m, u64 off, u64 size); /* off in the file */
	/* Of maps that hold objects: address of the id, NULL when empty; value is a u64 id. */
	void *(*ref_lookup)(struct map *m, const void *key, u32 cpu);
	int (*ref_update)(struct map *m, const void *key, const void *value, u64 flags, u32 cpu);
	enum map_batch batch;
	bool no_batch_delete;
};

const struct map_ops *map_ops_of(u32 type);

#define LOAD(p)		__atomic_load_n(p, __ATOMIC_RELAXED)
#define LOAD_ACQ(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define STORE(p, v)	__atomic_store_n(p, v, __ATOMIC_RELAXED)
#define STORE_REL(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)

/* The file holds something that no run of this code writes. */
static inline void map_corrupt(struct map *m)
{
	if (!m->readonly)
		STORE(&m->hdr->n_corrupt, LOAD(&m->hdr->n_corrupt) + 1);
}

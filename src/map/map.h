/* SPDX-License-Identifier: BSD-2-Clause */
/* map/map.h - maps of the user-space engine.
 *
 * A map lives in one file in memory with a position-independent layout, mapped by every process
 * that uses it.  A struct map is one process's handle.  Two promises hold for every kind:
 *   - a process may be killed at any instruction: the map stays consistent for the others;
 *   - another process may write any byte of the file: every offset, index and length read from it
 *     is masked or checked, every loop over it is bounded.  Sizes are taken from the header once,
 *     at map_open(), checked against the file's size, and kept in the handle.
 * Freestanding: no libc, no allocation (handles are mapped memory), raw system calls.
 * Semantics and errnos are those of Linux 6.18, kernel/bpf/{hashtab,arraymap,ringbuf,...}.c.
 */
#pragma once
#include "base/types.h"

enum { MAP_NAME_LEN = 16, MAP_CPUS_MAX = 1024 };

/* What BPF_MAP_CREATE takes. */
struct map_attr {
	u32 type; /* enum bpf_map_type */
	u32 key_size, value_size, max_entries;
	u32 flags;  /* BPF_F_* */
	u64 extra;  /* map_extra: bloom filter hash functions */
	u32 n_cpus; /* per-CPU slots; 0: as many as the system has */
	char name[MAP_NAME_LEN];
	/* Element shape that helpers need to protect (offsets in the value, ~0u when absent). */
	u32 spin_lock_off, timer_off;
	const struct map_attr *inner; /* borrowed; template of ARRAY_OF_MAPS, HASH_OF_MAPS */
};

struct map_info {
	struct map_attr attr; /* inner is NULL */
	u32 id;
	bool frozen;
	u64 memory_bytes; /* size of the file */
	u32 n_corrupt;	  /* impossible states met: somebody scribbled */
	u64 n_dropped;	  /* ring buffers: records that found no room */
	u64 n_abandoned;  /* ring buffers: records whose producer was killed */
};

struct map;

/* Lays a new map out in fd, an empty file that can be resized and mapped (memfd, O_TMPFILE), and
 * opens it.  The kernel's checks and errnos: -EINVAL, -E2BIG, -ENOMEM, -EPERM. */
int map_create(int fd, const struct map_attr *attr, u32 id, struct map **out);
/* Opens a map another process made: -EINVAL when the bytes are no map. */
int map_open(int fd, struct map **out);
void map_close(struct map *m);
void map_info(const struct map *m, struct map_info *out);
/* Slots of a per-CPU map made with n_cpus 0: cpus_possible(), at most MAP_CPUS_MAX. */
u32 map_system_cpus(void);

/* ---- the program's side: what helpers do.  cpu is the caller's per-CPU slot. ---- */

/* Address of the value, valid while the map is open; NULL when absent. */
void *map_lookup(struct map *m, const void *key, u32 cpu);
void *map_lookup_percpu(struct map *m, const void *key,
			u32 cpu); /* of that CPU, kernel's bound check */
int map_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu);
int map_delete(struct map *m, const void *key);
int map_push(struct map *m, const void *value, u64 flags);
int map_pop(struct map *m, void *value);
int map_peek(struct map *m, void *value);

/* Calls fn on every element until it returns non-zero; the number of calls, or a negative errno. */
typedef int (*map_each_fn)(struct map *m, void *key, void *value, void *arg);
s64 map_for_each(struct map *m, u32 cpu, map_each_fn fn, void *arg);

/* Is this range inside values (or ring-buffer data) that a program may read, or write? */
bool map_mem_ok(const struct map *m, u64 addr, u64 size, bool write);

/* Where the values of an array lie, for code that looks them up itself (JIT): element i of this CPU
 * is at base + i * stride while i < n; those of the next CPU are cpu_stride further (n_cpus 0: the
 * array is not per CPU).  false: not an array or per-CPU array. */
struct map_array_view {
	u8 *base;
	u32 n, stride;
	u64 cpu_stride;
	u32 n_cpus;
};
bool map_array_view(struct map *m, u32 cpu, struct map_array_view *out);

/* The function that map_lookup() comes to, for code that calls it itself; NULL: there is none, or the
 * map holds objects. */
typedef void *(*map_lookup_fn)(struct map *m, const void *key, u32 cpu);
map_lookup_fn map_direct_lookup(const struct map *m);

/* Storage of a data section: the first value of an array map. */
void *map_first_value(struct map *m);

/* ---- the system call's side: BPF_MAP_*_ELEM; per-CPU values are n_cpus * round_up(size, 8) ----
 */
u32 map_user_value_size(const struct map *m);
int map_user_lookup(struct map *m, const void *key, void *value, u64 flags);
int map_user_update(struct map *m, const void *key, const void *value, u64 flags);
int map_user_delete(struct map *m, const void *key);
int map_user_lookup_and_delete(struct map *m, const void *key, void *value, u64 flags);
int map_user_next_key(struct map *m, const void *key,
		      void *next); /* key NULL: the first; -ENOENT at the end */
/* -EPERM when frozen before, -ENOTSUPP (524) with a lock or timer in the value. */
int map_freeze(struct map *m);
/* May the system call's side write?  Not when frozen or opened read-only. */
bool map_user_writable(const struct map *m);

/* Batches as the system call has them (kernel generic_map_*_batch, htab batch): *count in and out;
 * in_batch NULL starts, out_batch is opaque.  -ENOENT after the last element. */
int map_user_lookup_batch(struct map *m, const void *in_batch, void *out_batch, void *keys,
			  void *values, u32 *count, u64 flags, bool and_delete);
int map_user_update_batch(struct map *m, const void *keys, const void *values, u32 *count,
			  u64 flags);
int map_user_delete_batch(struct map *m, const void *keys, u32 *count, u64 flags);

/* ---- maps that hold other objects: prog, map and perf arrays store the object's inode-level id;
 *      the engine turns fds into ids and back.  0 is an empty slot. ---- */
int map_ref_set(struct map *m, const void *key, u64 object_id, u64 flags);
int map_ref_get(struct map *m, const void *key, u64 *object_id);
/* Maps of maps: the template's attributes, false when there is none; and may inner go in? */
bool map_inner_info(const struct map *m, struct map_attr *out);
bool map_inner_fits(const struct map *outer, const struct map *inner);

/* ---- ring buffer: the kernel's layout (consumer page, producer page, data twice) ---- */
void *map_ringbuf_reserve(struct map *m, u64 size); /* NULL when full */
void map_ringbuf_regain(struct map *m); /* what found no room went in after all: counts no more */
void map_ringbuf_commit(struct map *m, void *record, u64 flags, bool discard);
int map_ringbuf_output(struct map *m, const void *data, u64 size, u64 flags);
u64 map_ringbuf_query(struct map *m, u64 what);
/* Record that a reserved address belongs to: its size, or 0 when it is none. */
u32 map_ringbuf_record_size(const struct map *m, const void *record);
/* For a consumer that finds an unfinished record and sleeps: discards those whose producer was
 * killed, so that it gets past them.  Their number.  (Producers do it too, now and then.) */
u32 map_ringbuf_reap(struct map *m);
/* user_ringbuf_drain: calls fn on each sample; number drained or a negative errno. */
s64 map_user_ringbuf_drain(struct map *m, int (*fn)(const void *data, u32 size, void *arg),
			   void *arg, u64 flags);

/* ---- perf event array: one perf-style ring per CPU, each in a file of its own that the engine
 * makes (one header page, then a power of two of data pages, as perf_event_open(2) maps them). ----
 */

/* Makes a ring, mapped read-write at mapped, the place where map_perf_output() of this handle
 * writes for that CPU; NULL takes it away.  The mapping stays the caller's and must outlive its
 * use.  -E2BIG: no such CPU; -EINVAL: size is not a page and a power of two of pages. */
int map_perf_attach(struct map *m, u32 cpu, void *mapped, u64 size);
/* A PERF_RECORD_SAMPLE with raw, followed by tail, as its raw part.  -ENOENT: no ring; -ENOSPC: the
 * ring is full, counted, and a PERF_RECORD_LOST comes before the next sample. */
int map_perf_output(struct map *m, u32 cpu, const void *raw, u64 size, const void *tail,
		    u64 tail_size);
/* Records lost since the last PERF_RECORD_LOST. */
u64 map_perf_lost(const struct map *m, u32 cpu);

/* ---- stack traces ---- */
s64 map_stack_id(struct map *m, const u64 *ips, u32 n, u64 flags);

/* ---- task storage: keyed by the task's pid and start time ---- */
void *map_task_storage_get(struct map *m, u32 tgid, u64 start_ns, const void *init, u64 flags);
int map_task_storage_delete(struct map *m, u32 tgid, u64 start_ns);

/* ---- wake-up of a consumer that sleeps: an eventfd beside the map.  wake is called after a
 *      commit that must notify; the engine sets it per handle. ---- */
void map_set_wake(struct map *m, void (*wake)(void *arg), void *arg);

/* bpf_spin_lock inside a value: killed owners are detected and their lock is taken over. */
void map_spin_lock(struct map *m, void *lock);
void map_spin_unlock(struct map *m, void *lock);

/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/mm.h - an address space of the tree: its breakpoints, slots and functions that will return.
 *
 * Threads and vfork children share one, a forked child gets a copy, as of the memory itself.
 *
 *	sites     addresses where int3 stands (or stood: live is false then)
 *	returns   calls whose return is awaited, found by the stack slot that holds their return
 *	          address; no stack is ever changed, so unwinders, exceptions and coroutines see
 *	          what they always see.  A call left by longjmp stays until its slot is used again.
 *	scratch   room for slots, where insns run out of line (hook/xol.h)
 */
#pragma once
#include "base/vec.h"
#include "hook/xol.h"
#include <sys/types.h>

enum { NO_PLACE = -1, SCRATCH_BYTES = 4096, RETURNS_MAX = 1 << 20 };

struct site {
	u64 addr;
	u64 slot;            /* address of its slot; 0: none yet */
	s32 place;           /* index of struct bp_place; NO_PLACE: only returns are awaited here */
	bool live;           /* int3 is in memory */
	struct xol_insn insn;
};

struct returning {
	u64 slot;            /* address that holds ret */
	u64 ret;
	u64 func;            /* address of the breakpoint */
	s32 bp;
	u32 next;            /* in its bucket, or in the free list; index + 1 */
};

/* Room for slots: a page of its own, or, where the task may not map one, the bytes between the end
 * of a text segment and the end of its last page, which nothing uses. */
struct scratch {
	u64 addr;
	u32 used, max;       /* slots */
	bool mapped;         /* a page of its own */
	u8 saved[SCRATCH_BYTES]; /* what was there before, when not */
};

struct counter {
	u64 addr;            /* of a USDT semaphore that was raised */
	u32 place;
};

struct mm {
	u32 refs;
	int fd;              /* of /proc/TID/mem, -1: not open yet */
	bool no_scratch;     /* mmap was refused here */
	bool scanned;        /* maps have been looked through since it was attached */
	VEC(struct site) sites; /* ascending addr */
	VEC(struct scratch) scratch;
	VEC(struct counter) counters;
	VEC(struct returning) returns;
	u32 *buckets;        /* index + 1 into returns; owned */
	u32 n_buckets;       /* a power of two */
	u32 n_returns;
	u32 free_return;     /* index + 1 */
};

struct mm *mm_new(void); /* NULL when memory is out, like mm_copy() */
struct mm *mm_get(struct mm *m);
void mm_put(struct mm *m); /* accepts NULL */
struct mm *mm_copy(const struct mm *m);
int mm_fd(struct mm *m, s32 tid);

/* All of size bytes at addr, protections notwithstanding. */
bool mm_read(struct mm *m, s32 tid, u64 addr, void *dst, size_t size);
bool mm_write(struct mm *m, s32 tid, u64 addr, const void *src, size_t size);
/* As many bytes as there are up to size; 0 when addr is not mapped. */
size_t mm_read_some(struct mm *m, s32 tid, u64 addr, void *dst, size_t size);

struct site *mm_site(struct mm *m, u64 addr); /* NULL: none */
struct site *mm_site_add(struct mm *m, u64 addr);
struct site *mm_site_by_slot(struct mm *m, u64 pc, u32 *off);

/* A call of bp's function: its return address stands at slot.  What was awaited there before and
 * can't come any more is forgotten. */
bool mm_return_add(struct mm *m, u64 slot, u64 ret, u64 func, s32 bp);
/* Takes the newest awaited return to ret by way of slot; false: none. */
bool mm_return_take(struct mm *m, u64 slot, u64 ret, struct returning *out);

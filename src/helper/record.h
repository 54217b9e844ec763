/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/record.h - reserved ring-buffer records, and dynptrs over them and other memory. */
#pragma once
#include "abi/env.h"
#include "abi/uapi.h"

/* What struct bpf_dynptr holds; a program sees it as opaque.  Kernel: struct bpf_dynptr_kern. */
struct dynptr {
	u8 *data;    /* NULL: the empty dynptr, which every operation refuses */
	u32 size;    /* low 24 bits; the kind above, DYNPTR_RDONLY on top */
	u32 offset;
};
_Static_assert(sizeof(struct dynptr) == sizeof(struct bpf_dynptr), "the program reserved as much");

enum dynptr_kind { DYNPTR_LOCAL = 1, DYNPTR_RINGBUF = 2 };
enum {
	DYNPTR_SIZE_MAX = (1 << 24) - 1,
	DYNPTR_KIND_SHIFT = 28,
	DYNPTR_RDONLY = 1u << 31,
};

/* Slots of env->scratch. */
enum { SCRATCH_DYNPTR }; /* address of the dynptr that a callback was given, 0: none */

struct dynptr dynptr_over(enum dynptr_kind kind, void *data, u32 size);
static inline u32 dynptr_size(const struct dynptr *p)
{
	return p->size & DYNPTR_SIZE_MAX;
}
static inline enum dynptr_kind dynptr_kind(const struct dynptr *p)
{
	return (enum dynptr_kind)((p->size & ~DYNPTR_RDONLY) >> DYNPTR_KIND_SHIFT);
}

/* Whether to try again after a ring buffer had no room. */
bool record_room(struct exec_env *env);
/* NULL when the buffer is full, or when an unverified program holds too much already. */
void *record_reserve(struct exec_env *env, struct map *m, u64 size);
/* A record that the run does not hold is left alone. */
void record_commit(struct exec_env *env, void *record, u64 flags, bool discard);

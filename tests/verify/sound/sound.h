/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/verify/sound/sound.h - is what the verifier claims true when the program runs?
 *
 *	gen.c     a random program                corpus.c   one of a corpus of cases
 *	world.c   its maps, context and packet; runs in the interpreter, each insn a point
 *	claims.c  is a point inside a state that the verifier had at that insn?
 *	sound.c   leads, and makes a finding small
 */
#pragma once
#include "abi/env.h"
#include "abi/packet.h"
#include "base/vec.h"
#include "map/map.h"
#include "verify/env.h"

enum { FD_FIRST = 3, MAPS_MAX = 8, PACKET_ROOM = 2048, CTX_BYTES = 256 };

/* A program and what it refers to by file descriptor: map i is FD_FIRST + i. */
struct subject {
	const char *name;
	struct insn *insns;
	u32 n_insns;
	u32 prog_type, attach_type, flags;
	bool gpl;
	const struct btf *btf;            /* its own; NULL */
	const struct bpf_func_info *funcs;
	u32 n_funcs;
	bool owns_types;                  /* btf and funcs are its own */
	u32 n_maps;
	struct verify_map maps[MAPS_MAX]; /* as the verifier sees them */
};

/* Where a run stood before an insn. */
struct point {
	u32 pc, depth;       /* frames */
	u64 regs[REG_MAX];
	u64 fp[FRAMES_MAX];
	u64 ctx, data_meta, data, data_end;
	u8 stack[STACK_MAX_BYTES]; /* of the innermost frame */
	s32 next;            /* of the same insn, -1: the last */
};

struct world {
	const struct subject *s;
	u64 rng;
	struct map *map[MAPS_MAX];
	VEC(u64) values[MAPS_MAX]; /* addresses that lookups gave */
	struct insn *patched;
	u8 ctx[CTX_BYTES];
	u32 ctx_bytes;
	struct packet pkt;
	VEC(struct point) points;
	s32 *first;          /* point by insn; n_insns of them */
	u32 steps;
	bool tell;           /* faults in full */
	u64 fp[FRAMES_MAX];
};

static inline u64 rng_next(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}
static inline u32 rng_below(u64 *state, u32 n)
{
	return (u32)(rng_next(state) % n);
}
/* Mostly where ranges begin and end. */
u64 rng_value(u64 *state);

/* ---- gen.c ---- */
void gen_subject(u64 seed, struct subject *out);
void subject_free(struct subject *s);

/* ---- world.c ---- */
/* 0, or an errno: this world can't run it. */
int world_open(struct world *w, const struct subject *s, u64 seed);
void world_close(struct world *w);
/* One run with new contents everywhere.  exec_run()'s result; *error_pc is set where that is not 0. */
int world_run(struct world *w, u32 *error_pc);

/* ---- claims.c ---- */
/* NULL, or why the point is not in the current state of v, which is before the same insn. */
const char *claims_fault(const struct world *w, const struct verify *v, const struct point *p);

/* ---- corpus.c ---- */
struct corpus;
struct corpus *corpus_read(const char *dir, u32 *n);
void corpus_free(struct corpus *c);
/* false: nothing to run here. */
bool corpus_subject(struct corpus *c, u32 i, struct subject *out);

/* SPDX-License-Identifier: BSD-2-Clause */
/* output/stack.h - kernel and user stacks, one frame a line, and the names of single addresses.
 *
 * A value has only a hash and the number of frames; the frames lie in a map under {u64 hash, u32 frames, u32 tgid}.
 */
#pragma once
#include "base/diag.h"
#include "base/str.h"
#include "obj/script.h"
#include "output/symbol.h"

struct engine;
struct load;
struct load_map;
struct stack_place;

struct stacks {
	struct engine *engine;
	const struct script *s;
	const struct load_map *kernel, *user; /* NULL: none */
	struct symbols *symbols;              /* borrowed */
	struct stack_place *places;           /* owned; one for each of s->attaches, looked up when needed */
	u8 *frames;                           /* owned: a value of either map */
	u32 frames_bytes;
	bool wants_user;                      /* the script shows addresses of processes */
};

int stacks_init(struct stacks *st, const struct script *s, struct load *l, struct engine *e, struct symbols *symbols);
void stacks_free(struct stacks *st);

/* Text of a KSTACK or USTACK of n bytes at p: a newline, then each frame on a line of its own behind
 * `indent` blanks (but perf and raw modes have their own). */
void stack_text(struct stacks *st, const struct stype *t, const u8 *p, u32 n, u32 indent, struct str *out);
/* The name of an address in a process; probe: index + 1 into the script's attaches, for one that has gone. */
void usym_text(struct stacks *st, u64 addr, s32 tgid, u32 probe, struct str *out);
void ksym_text(struct stacks *st, u64 addr, struct str *out);

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/jmp.h - conditional jumps, and what each side learns from them. */
#pragma once
#include "verify/env.h"

/* check_cond_jmp_op(): *pc is the insn, and then the one where the path goes on less 1. */
int jmp_check(struct verify *v, struct insn *i, u32 *pc);

/* Marks a pointer and those of its id null or not: mark_ptr_or_null_regs(). */
void ptr_or_null(struct verify *v, struct state *st, u32 regno, bool is_null);

/* ---- jmp_ptr.c, for jmp.c ---- */
bool ptr_is_pkt_any(const struct reg *r); /* into a packet, or its end */
/* Comparison of a packet pointer with its end: 1 taken, 0 not, -1 not known. */
int jmp_packet_branch(const struct reg *a, const struct reg *b, u32 op);
/* Learns from one; false where it is none.  try_match_pkt_pointers(). */
bool jmp_packet(const struct insn *i, const struct reg *dst, const struct reg *src,
		struct state *fall, struct state *taken);

/* ---- linked.c: registers and slots that hold the same scalar ---- */
enum { LINKED_MAX = 6 };
struct linked_reg {
	u8 frameno : 3;
	u8 is_slot : 1;
	u8 index;          /* register or slot */
};
struct linked_regs {
	u32 n;
	struct linked_reg p[LINKED_MAX];
};
u64 linked_pack(const struct linked_regs *l);
void linked_unpack(u64 packed, struct linked_regs *l);
void linked_collect(struct verify *v, struct state *st, u32 id, struct linked_regs *out);
/* sync_linked_regs(). */
void linked_sync(struct verify *v, struct state *st, const struct reg *known,
		 const struct linked_regs *l);

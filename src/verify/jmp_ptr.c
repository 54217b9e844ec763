/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/jmp_ptr.c - what comparisons say of pointers: null or not, how far a packet reaches.
 *
 * Kernel 6.18: mark_ptr_or_null_regs(), find_good_pkt_pointers(), try_match_pkt_pointers() in
 * kernel/bpf/verifier.c.
 */
#include "verify/call.h"
#include "verify/jmp.h"
#include <errno.h>

enum { PACKET_OFF_MAX = 0xffff }; /* kernel MAX_PACKET_OFF */

/* ---- null or not ---- */

static void one_or_null(struct verify *v, struct reg *r, u32 id, bool is_null)
{
	const struct btf_record *rec;

	if (!type_may_be_null(r->type) || r->id != id || (!id && !(r->type & T_RCU)))
		return;
	/* Nobody moves a pointer that may be null; those to graph nodes come with an offset. */
	if (r->val.smin || r->val.smax || !tnum_equals(r->val.bits, 0) ||
	    (r->off && !type_is_alloc_ref(r->type)))
		return;
	if (is_null) {
		r->type = REG_SCALAR;
		r->id = 0;
		r->ref_obj_id = 0;
		return;
	}
	reg_mark_not_null(r);
	rec = reg_record(v, r);
	/* The id tells objects with a lock apart still. */
	if (!rec || !record_has(rec, FIELD_SPIN_LOCK | FIELD_RES_SPIN_LOCK))
		r->id = 0;
}

void ptr_or_null(struct verify *v, struct state *st, u32 regno, bool is_null)
{
	u32 id = state_cur(st)->regs[regno].id;
	u32 ref = state_cur(st)->regs[regno].ref_obj_id;
	struct frame *f;
	struct reg *r;

	if (ref && ref == id && is_null)
		ref_drop(st, id); /* nothing was acquired */
	STATE_EACH_REG(st, f, r)
		one_or_null(v, r, id, is_null);
}

/* ---- packets ---- */

bool ptr_is_pkt_any(const struct reg *r)
{
	return type_is_pkt(r->type) || r->type == PTR_PACKET_END;
}

/* A packet pointer as the ctx gave it. */
static bool is_start(const struct reg *r)
{
	return r->type == PTR_PACKET && !r->id && !r->off && tnum_equals(r->val.bits, 0);
}

/* Is a somewhere in the data that b is the end of? */
static bool is_pair(const struct reg *a, const struct reg *b)
{
	return (a->type == PTR_PACKET && b->type == PTR_PACKET_END) ||
	       (a->type == PTR_PACKET_META && is_start(b));
}

/* p is not past the end, or, with open, before it: all pointers of its identity may reach so
 * far. */
static void reach(struct state *st, const struct reg *p, bool open)
{
	u32 type = p->type, id = p->id;
	struct frame *f;
	struct reg *r;
	s32 range;

	if (p->off < 0 || (p->off == 0 && open) || p->val.umax > PACKET_OFF_MAX ||
	    p->val.umax + (u64)p->off > PACKET_OFF_MAX)
		return; /* says nothing, or might have wrapped */
	range = p->off + open;
	STATE_EACH_REG(st, f, r)
		if (r->type == type && r->id == id)
			r->range = MAX(r->range, range);
}

static void past_end(struct state *st, u32 regno, s32 how)
{
	struct reg *r = &state_cur(st)->regs[regno];

	if (r->type == PTR_PACKET)
		r->range = how;
}

/* By "pkt OP end": on which side p is in the packet, whether it is strictly before the end there,
 * and what that makes of the other side. */
bool jmp_packet(const struct insn *i, const struct reg *dst, const struct reg *src,
		struct state *fall, struct state *taken)
{
	u32 op = INSN_OP(i->code), pkt_regno = i->dst;
	const struct reg *pkt = dst;

	if (INSN_SRC(i->code) != SRC_X || INSN_CLASS(i->code) == CLS_JMP32)
		return false;
	if (!is_pair(dst, src)) {
		if (!is_pair(src, dst))
			return false;
		op = jmp_flip(op);
		pkt = src;
		pkt_regno = i->src;
	}
	switch (op) {
	case JMP_JGT:
		reach(fall, pkt, false);
		past_end(taken, pkt_regno, PKT_BEYOND_END);
		return true;
	case JMP_JGE:
		reach(fall, pkt, true);
		past_end(taken, pkt_regno, PKT_AT_END);
		return true;
	case JMP_JLT:
		reach(taken, pkt, true);
		past_end(fall, pkt_regno, PKT_AT_END);
		return true;
	case JMP_JLE:
		reach(taken, pkt, false);
		past_end(fall, pkt_regno, PKT_BEYOND_END);
		return true;
	default:
		return false;
	}
}

int jmp_packet_branch(const struct reg *a, const struct reg *b, u32 op)
{
	const struct reg *pkt = a;

	if (b->type != PTR_PACKET_END) {
		if (a->type != PTR_PACKET_END)
			return -1;
		pkt = b;
		op = jmp_flip(op);
	}
	switch (op) {
	case JMP_JGT:
	case JMP_JLE:
		return pkt->range == PKT_BEYOND_END ? op == JMP_JGT : -1;
	case JMP_JGE:
	case JMP_JLT:
		return pkt->range == PKT_BEYOND_END || pkt->range == PKT_AT_END ? op == JMP_JGE :
										  -1;
	default:
		return -1;
	}
}

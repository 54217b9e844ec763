/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/fastcall.c - spills around calls that keep the registers they do not take.
 *
 * LLVM's bpf_fastcall: a call scratches r0 only when it gives a value, and r1..r5 only as far as it has
 * arguments.  For older kernels clang saves what is live around such a call all the same, in the
 * lowest slots of the function's stack, which it uses for nothing else:
 *
 *	*(u64 *)(r10 - 8) = r1
 *	*(u64 *)(r10 - 16) = r2
 *	call bpf_get_smp_processor_id
 *	r2 = *(u64 *)(r10 - 16)
 *	r1 = *(u64 *)(r10 - 8)
 *
 * The kernel drops these pairs where it inlines the call.  That shows in the stack that a function
 * needs, so they are found here; an access to one of the slots from elsewhere calls it off.
 * Kernel 6.18: mark_fastcall_patterns(), check_fastcall_stack_contract(), get_call_summary().
 */
#include "verify/cfg.h"
#include "verify/kfunc.h"

enum {
	CALLER_SAVED = 0x3f, /* r0..r5 */
	N_CALLER_SAVED = 6,
	SPILL = CLS_STX | MODE_MEM | SZ_DW,
	FILL = CLS_LDX | MODE_MEM | SZ_DW,
};

/* The helper whose calls Linux 6.18 replaces on x86-64.  verifier_inlines_helper_call(). */
static bool helper_is_inlined(const struct verify *v, u32 id)
{
	return v->k->jit && id == HELPER_get_smp_processor_id;
}

bool call_summary(struct verify *v, const struct insn *call, struct call_summary *out)
{
	const struct helper_proto *proto;
	u32 id = (u32)call->imm;

	if (!insn_is_call(call))
		return false;
	if (call->src == CALL_KFUNC)
		return kfunc_shape(v, call, &out->n_args, &out->is_void, &out->fastcall);
	proto = call->src == CALL_HELPER ? call_proto_find(v, id) : NULL;
	if (!proto)
		return false;
	out->n_args = 0;
	while (out->n_args < ARRAY_SIZE(proto->arg) && proto->arg[out->n_args] != ARG_NONE)
		out->n_args++;
	out->is_void = proto->ret == RET_VOID;
	out->fastcall = proto->flags & HELPER_FASTCALL && helper_is_inlined(v, id);
	return true;
}

/* Is it a spill of a register, and the fill of the same register, at that offset? */
static bool is_pair(const struct insn *spill, const struct insn *fill, s32 off)
{
	return spill->code == SPILL && spill->dst == REG_FP && spill->off == off &&
	       fill->code == FILL && fill->src == REG_FP && fill->off == off &&
	       spill->src == fill->dst;
}

/* Looks for pairs around the call at pc, the nearest in the lowest slot.
 * mark_fastcall_pattern_for_call(). */
static void call_mark(struct verify *v, struct subprog *f, u32 pc, s16 lowest_off)
{
	struct call_summary c;
	u32 kept, n = 0;
	s32 off = lowest_off;

	if (!call_summary(v, &v->insns[pc], &c))
		return;
	kept = CALLER_SAVED & ~((2u << MIN(c.n_args, (u32)N_CALLER_SAVED)) - 1);
	if (c.is_void)
		kept |= 1;
	while (n < N_CALLER_SAVED && pc > n && pc + n + 1 < v->n_insns) {
		u32 before = pc - n - 1, after = pc + n + 1;
		u32 reg = 1u << v->insns[before].src;

		if (!is_pair(&v->insns[before], &v->insns[after], off) || !(reg & kept))
			break;
		kept &= ~reg;
		v->aux[before].fastcall_pattern = v->aux[after].fastcall_pattern = 1;
		off += 8;
		n++;
	}
	if (!n)
		return;
	/* The slots are used around another call too, which this kernel does not inline. */
	if (c.fastcall)
		v->aux[pc].fastcall_spills = (u8)n;
	else
		f->keep_fastcall = true;
	f->fastcall_off = (s16)MIN(f->fastcall_off, off);
}

static s16 lowest_spill(const struct verify *v, u32 start, u32 end)
{
	s16 low = 0;

	for (u32 pc = start; pc < end; pc++) {
		const struct insn *i = &v->insns[pc];

		if (i->code == SPILL && i->dst == REG_FP)
			low = MIN(low, i->off);
	}
	return low;
}

int fastcall_mark(struct verify *v)
{
	for (u32 s = 0; s < v->n_subprogs; s++) {
		u32 start = v->subprogs[s].start, end = v->subprogs[s + 1].start;
		s16 low = lowest_spill(v, start, end);

		for (u32 pc = start; pc < end; pc++)
			if (insn_is_call(&v->insns[pc]))
				call_mark(v, &v->subprogs[s], pc, low);
	}
	return 0;
}

void fastcall_stack_access(struct verify *v, const struct frame *f, u32 pc, s32 off)
{
	struct subprog *s = &v->subprogs[f->subprog];

	if (s->fastcall_off <= off || v->aux[pc].fastcall_pattern)
		return;
	s->fastcall_off = INT16_MIN;
	for (u32 i = s->start; i < s[1].start; i++) {
		v->aux[i].fastcall_spills = 0;
		v->aux[i].fastcall_pattern = 0;
	}
}

void fastcall_shrink_stacks(struct verify *v)
{
	for (u32 i = 0; i < v->n_subprogs; i++) {
		struct subprog *s = &v->subprogs[i];
		bool dropped = false;

		for (u32 pc = s->start; pc < s[1].start; pc++)
			dropped |= v->aux[pc].fastcall_spills > 0;
		if (dropped && !s->keep_fastcall)
			s->stack_depth = (u16)-s->fastcall_off;
	}
}

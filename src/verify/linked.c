/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/linked.c - registers and spilled slots that hold the same number, or one at a known
 * distance.
 *
 * They share reg.id.  What a comparison says of one is carried over to the others, which the
 * history notes, so that walking back finds them all.  Kernel 6.18: collect_linked_regs(),
 * sync_linked_regs() in kernel/bpf/verifier.c.
 */
#include "isa/insn.h"
#include "verify/alu.h"
#include "verify/jmp.h"

/* Packed: how many in the low 4 bits, then 10 bits for each, the last one lowest. */
enum { N_BITS = 4, FRAME_BITS = 3, INDEX_BITS = 6, ENTRY_BITS = FRAME_BITS + INDEX_BITS + 1 };

u64 linked_pack(const struct linked_regs *l)
{
	u64 packed = 0;

	for (u32 k = 0; k < l->n; k++) {
		const struct linked_reg *r = &l->p[k];

		packed = packed << ENTRY_BITS | r->frameno | (u64)r->index << FRAME_BITS |
			 (u64)r->is_slot << (FRAME_BITS + INDEX_BITS);
	}
	return packed << N_BITS | l->n;
}

void linked_unpack(u64 packed, struct linked_regs *l)
{
	l->n = MIN(packed & ((1u << N_BITS) - 1), (u64)LINKED_MAX);
	packed >>= N_BITS;
	for (u32 k = 0; k < l->n; k++, packed >>= ENTRY_BITS) {
		l->p[k].frameno = packed & ((1u << FRAME_BITS) - 1);
		l->p[k].index = packed >> FRAME_BITS & ((1u << INDEX_BITS) - 1);
		l->p[k].is_slot = packed >> (FRAME_BITS + INDEX_BITS) & 1;
	}
}

static void collect(struct linked_regs *out, struct reg *r, u32 id, struct linked_reg where)
{
	if (r->type != REG_SCALAR || (r->id & ~ID_ADD_CONST) != id)
		return;
	if (out->n < LINKED_MAX)
		out->p[out->n++] = where;
	else
		scalar_id_drop(r); /* no room in the history: no longer linked */
}

/* Insn at which a frame stands: the call it waits for. */
static u32 frame_pc(const struct state *st, u32 frameno)
{
	if (frameno == st->curframe)
		return st->insn_idx;
	return (u32)st->frame[frameno + 1]->callsite;
}

/* Registers that will not be read again are left out.  Kernel 6.18.y, as is that. */
void linked_collect(struct verify *v, struct state *st, u32 id, struct linked_regs *out)
{
	id &= ~ID_ADD_CONST;
	for (u32 fr = st->curframe + 1; fr-- > 0;) {
		struct frame *f = st->frame[fr];
		u32 pc = frame_pc(st, fr);
		u32 live = pc < v->n_insns ? v->aux[pc].live_regs : 0;

		for (u32 r = 0; r < REG_FP; r++)
			if (live & 1u << r)
				collect(out, &f->regs[r], id, (struct linked_reg){ fr, 0, r });
		for (u32 slot = 0; slot < f->n_slots; slot++)
			if (slot_is_spill(&f->stack[slot]))
				collect(out, &f->stack[slot].reg, id,
					(struct linked_reg){ fr, 1, slot });
	}
}

/* r = known + (distance of r - distance of known), in the width that distances were added with. */
static void derive(struct reg *r, const struct reg *known)
{
	struct insn add = { .code = CLS_ALU64 | ALU_ADD };
	s64 distance = (s64)r->off - known->off;

	if ((r->id | known->id) & ID_ADD_CONST32)
		add.code = CLS_ALU | ALU_ADD;
	r->val = known->val;
	scalar_alu(&add, &r->val, scalar_const((u64)distance));
}

static void sync_one(struct reg *r, const struct reg *known)
{
	struct reg old = *r;

	if (r->type != REG_SCALAR || r == known ||
	    (r->id & ~ID_ADD_CONST) != (known->id & ~ID_ADD_CONST))
		return;
	if (((r->id ^ known->id) & ID_ADD_CONST) == ID_ADD_CONST)
		return; /* one added with 32 bits, the other with 64 */
	reg_copy(r, known);
	r->subreg_def = old.subreg_def;
	if ((!(old.id & ID_ADD_CONST) && !(known->id & ID_ADD_CONST)) || old.off == known->off)
		return;
	r->off = old.off;
	r->id = old.id;
	derive(r, known);
}

void linked_sync(struct verify *v, struct state *st, const struct reg *known,
		 const struct linked_regs *l)
{
	(void)v;
	for (u32 k = 0; k < l->n; k++) {
		const struct linked_reg *e = &l->p[k];
		struct frame *f = st->frame[e->frameno];

		sync_one(e->is_slot ? &f->stack[e->index].reg : &f->regs[e->index], known);
	}
}

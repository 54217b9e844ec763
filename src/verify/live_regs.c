/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/live_regs.c - registers that may be read before they are written, at each insn.
 *
 * Live-variable analysis over each function by itself: a call reads its arguments and writes r0..r5, an
 * exit reads r0.  Two states that differ only in registers that are dead are the same (equal.c).
 * Kernel 6.18: compute_live_registers().
 */
#include "verify/cfg.h"
#include "verify/live.h"
#include "verify/log.h"
#include <stdlib.h>

enum {
	ALL_REGS = 0xffff,
	CALLER_SAVED = 0x3f, /* r0..r5 */
};

struct reg_sets {
	u16 use, def;        /* what the insn reads; what it writes */
	u16 in;              /* live before it */
};

#define BIT16(n) ((u16)(1u << (n)))

static void atomic_sets(const struct insn *i, struct reg_sets *s)
{
	u16 dst = BIT16(i->dst), src = BIT16(i->src);

	s->use = dst | src;
	s->def = 0;
	switch (i->imm) {
	case ATOMIC_CMPXCHG:
		s->use |= BIT16(0);
		s->def = BIT16(0);
		break;
	case ATOMIC_LOAD_ACQ:
		s->use = src;
		s->def = dst;
		break;
	case ATOMIC_STORE_REL:
		break;
	default:
		if (i->imm & ATOMIC_FETCH)
			s->def = src;
	}
}

static void jmp_sets(struct verify *v, const struct insn *i, struct reg_sets *s)
{
	struct call_summary call;

	s->def = s->use = 0;
	switch (INSN_OP(i->code)) {
	case JMP_JA:
	case JMP_JCOND:
		break;
	case JMP_EXIT:
		s->use = BIT16(0);
		break;
	case JMP_CALL:
		s->def = CALLER_SAVED;
		s->use = CALLER_SAVED & ~BIT16(0);
		if (call_summary(v, i, &call)) /* r1 up to the last argument */
			s->use = (u16)((2u << MIN(call.n_args, 15u)) - 2);
		break;
	default:
		s->use = BIT16(i->dst);
		if (INSN_SRC(i->code) == SRC_X)
			s->use |= BIT16(i->src);
	}
}

static void alu_sets(const struct insn *i, struct reg_sets *s)
{
	u16 dst = BIT16(i->dst);
	u16 src = INSN_SRC(i->code) == SRC_X ? BIT16(i->src) : 0;

	s->def = dst;
	if (INSN_OP(i->code) == ALU_END)
		s->use = dst;
	else if (INSN_OP(i->code) == ALU_MOV)
		s->use = src;
	else
		s->use = dst | src;
}

/* What an insn reads and writes; everything is read where that is not known.
 * compute_insn_live_regs(). */
static void insn_sets(struct verify *v, const struct insn *i, struct reg_sets *s)
{
	u16 dst = BIT16(i->dst), src = BIT16(i->src);
	u32 mode = INSN_MODE(i->code);

	s->use = ALL_REGS;
	s->def = 0;
	switch (INSN_CLASS(i->code)) {
	case CLS_LD:
		if (insn_is_wide(i)) {
			s->use = 0;
			s->def = dst;
		}
		break;
	case CLS_LDX:
		if (mode == MODE_MEM || mode == MODE_MEMSX) {
			s->use = src;
			s->def = dst;
		}
		break;
	case CLS_ST:
		if (mode == MODE_MEM)
			s->use = dst;
		break;
	case CLS_STX:
		if (mode == MODE_MEM)
			s->use = dst | src;
		else if (mode == MODE_ATOMIC)
			atomic_sets(i, s);
		break;
	case CLS_ALU:
	case CLS_ALU64:
		alu_sets(i, s);
		break;
	case CLS_JMP:
	case CLS_JMP32:
		jmp_sets(v, i, s);
		break;
	}
}

/* Goes over all insns, last ones first, until nothing changes. */
static void sets_solve(const struct verify *v, struct reg_sets *sets)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (u32 i = 0; i < v->n_postorder; i++) {
			struct reg_sets *s = &sets[v->postorder[i]];
			u32 succ[2], n = insn_successors(v, v->postorder[i], succ);
			u16 out = 0, in;

			for (u32 j = 0; j < n; j++)
				out |= sets[succ[j]].in;
			in = (u16)((out & ~s->def) | s->use);
			changed |= in != s->in;
			s->in = in;
		}
	}
}

/* One line an insn: number of its loop where it is in one, digits of the live registers. */
static void table_log(struct verify *v)
{
	v_log(v, "Live regs before insn:\n");
	for (u32 pc = 0; pc < v->n_insns; pc++) {
		const struct insn_aux *aux = &v->aux[pc];
		char regs[REG_FP + 1];

		for (u32 r = 0; r < REG_FP; r++)
			regs[r] = aux->live_regs & BIT16(r) ? (char)('0' + r) : '.';
		regs[REG_FP] = '\0';
		if (aux->scc)
			v_log(v, "%3u ", aux->scc);
		else
			v_log(v, "    ");
		v_log(v, "%3u: %s ", pc, regs);
		log_insn_text(v, pc);
		v_log(v, "\n");
		if (insn_is_wide(&v->insns[pc]))
			pc++;
	}
}

int live_regs(struct verify *v)
{
	struct reg_sets *sets = calloc(v->n_insns, sizeof(*sets));

	if (!sets)
		return v_nomem(v);
	for (u32 pc = 0; pc < v->n_insns; pc++)
		insn_sets(v, &v->insns[pc], &sets[pc]);
	sets_solve(v, sets);
	for (u32 pc = 0; pc < v->n_insns; pc++)
		v->aux[pc].live_regs = sets[pc].in;
	free(sets);
	if (log_states_on(v))
		table_log(v);
	return 0;
}

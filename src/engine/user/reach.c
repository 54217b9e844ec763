/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/reach.c - which insns of an unverified program can run at all.
 *
 * Compilers leave both arms where CO-RE or a constant of .rodata decides: `if (exists) helper()`. A
 * helper that only the dead arm calls must not keep the program from loading.  So constants are
 * followed along straight lines, into branches that compare them, and out of frozen read-only maps;
 * where two ways meet nothing is known any more.  Every insn is walked twice at most.  The answer
 * errs on the side of reachable; the verifier will say it exactly.
 */
#include "engine/user/prog.h"
#include "isa/alu.h"
#include "isa/check.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SEEN_KNOWING = 1, SEEN = 2 };

struct reach {
	const struct prog_object *p;
	u8 *seen;  /* owned by the caller; per insn */
	u32 *todo; /* owned; starts of ways, taken with nothing known */
	u32 n_todo;
};

struct known {
	u64 value[REG_MAX];
	u16 mask; /* registers whose value is known */
};

static bool knows(const struct known *k, u32 reg)
{
	return k->mask >> reg & 1;
}

static void learn(struct known *k, u32 reg, u64 value)
{
	k->value[reg] = value;
	k->mask |= (u16)(1u << reg);
}

static void forget(struct known *k, u32 reg)
{
	k->mask &= (u16) ~(1u << reg);
}

/* A way that starts at pc is noted once: what is not SEEN yet, is SEEN from here on. */
static void add_way(struct reach *r, s64 pc)
{
	if (pc < 0 || pc >= r->p->n_insns || r->seen[pc] == SEEN)
		return;
	r->seen[pc] = SEEN;
	r->todo[r->n_todo++] = (u32)pc;
}

/* Bytes at an address that no one changes any more: a frozen map that programs can't write. */
static bool read_constant(const struct prog_object *p, u64 addr, u32 size, u64 *value)
{
	struct map_info info;

	for (u32 i = 0; i < p->n_maps; i++) {
		const struct map_object *m = p->maps[i];

		if (!(m->attr.flags & BPF_F_RDONLY_PROG) || !map_mem_ok(m->map, addr, size, false))
			continue;
		map_info(m->map, &info);
		if (!info.frozen)
			return false;
		*value = 0;
		memcpy(value, (const void *)addr, size);
		return true;
	}
	return false;
}

static void step_load(struct reach *r, struct known *k, const struct insn *i)
{
	u64 value;

	if (INSN_MODE(i->code) == MODE_MEM && knows(k, i->src) &&
	    read_constant(r->p, k->value[i->src] + (u64)(s64)i->off, insn_size_bytes(i->code),
			  &value))
		learn(k, i->dst, value);
	else
		forget(k, i->dst);
}

static void step_alu(struct known *k, const struct insn *i)
{
	bool is_mov = INSN_OP(i->code) == ALU_MOV && !i->off;
	bool takes_reg = INSN_SRC(i->code) == SRC_X && INSN_OP(i->code) != ALU_END &&
			 INSN_OP(i->code) != ALU_NEG;

	if ((!is_mov && (!knows(k, i->dst) || i->off)) || (takes_reg && !knows(k, i->src)))
		forget(k, i->dst);
	else
		learn(k, i->dst,
		      alu_insn_eval(i, knows(k, i->dst) ? k->value[i->dst] : 0,
				    alu_operand(i, takes_reg ? k->value[i->src] : 0)));
}

/* The insn after this one that is walked next, or -1 at the end of the way. */
static s64 step_jump(struct reach *r, struct known *k, const struct insn *i, u32 pc)
{
	bool is64 = INSN_CLASS(i->code) == CLS_JMP;

	if (insn_is_exit(i))
		return -1;
	if (insn_is_call(i)) {
		if (i->src == CALL_SUBPROG)
			add_way(r, (s64)pc + 1 + i->imm);
		for (u32 reg = 0; reg <= 5; reg++)
			forget(k, reg);
		return pc + 1;
	}
	if (INSN_OP(i->code) == JMP_JA) {
		add_way(r, jmp_target(i, pc));
		return -1;
	}
	if (INSN_OP(i->code) != JMP_JCOND && knows(k, i->dst) &&
	    (INSN_SRC(i->code) == SRC_K || knows(k, i->src))) {
		u64 s = alu_operand(i, INSN_SRC(i->code) == SRC_K ? 0 : k->value[i->src]);

		if (!jmp_taken(INSN_OP(i->code), is64, k->value[i->dst], s))
			return pc + 1;
		add_way(r, jmp_target(i, pc));
		return -1;
	}
	add_way(r, jmp_target(i, pc));
	return pc + 1;
}

static s64 step(struct reach *r, struct known *k, u32 pc)
{
	const struct insn *i = &r->p->run[pc];

	switch (INSN_CLASS(i->code)) {
	case CLS_LD:
		if (!insn_is_wide(i)) {
			for (u32 reg = 0; reg <= 5; reg++)
				forget(k, reg);
			return pc + 1;
		}
		if (i->src == PSEUDO_FUNC) {
			add_way(r, (s64)pc + 1 + i->imm);
			forget(k, i->dst);
		} else {
			learn(k, i->dst, insn_imm64(i));
		}
		return pc + 2;
	case CLS_LDX:
		step_load(r, k, i);
		return pc + 1;
	case CLS_ST:
		return pc + 1;
	case CLS_STX:
		if (INSN_MODE(i->code) == MODE_ATOMIC) {
			forget(k, i->src);
			forget(k, i->dst);
			forget(k, 0);
		}
		return pc + 1;
	case CLS_ALU:
	case CLS_ALU64:
		step_alu(k, i);
		return pc + 1;
	default:
		return step_jump(r, k, i, pc);
	}
}

/* Along one way until it ends or runs into one that knew no more. */
static void walk(struct reach *r, u32 start)
{
	struct known k = {0};
	s64 pc = step(r, &k, start);

	while (pc >= 0 && pc < r->p->n_insns && r->seen[pc] != SEEN) {
		if (r->seen[pc] == SEEN_KNOWING)
			k.mask = 0;
		r->seen[pc] = k.mask ? SEEN_KNOWING : SEEN;
		pc = step(r, &k, (u32)pc);
	}
}

int prog_reach(const struct prog_object *p, u8 **reached)
{
	struct reach r = {.p = p};

	r.seen = calloc(p->n_insns, sizeof(*r.seen));
	r.todo = calloc(p->n_insns, sizeof(*r.todo));
	if (!r.seen || !r.todo) {
		free(r.seen);
		free(r.todo);
		return -ENOMEM;
	}
	add_way(&r, 0);
	while (r.n_todo)
		walk(&r, r.todo[--r.n_todo]);
	free(r.todo);
	*reached = r.seen;
	return 0;
}

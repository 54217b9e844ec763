/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/check.c - the structural checks: fields, jumps, functions.
 *
 * Wording is the kernel's (6.18, kernel/bpf/verifier.c): check_subprogs(), check_alu_op(),
 * do_check(), check_atomic(), resolve_pseudo_ldimm64().
 */
#include "exec/check.h"
#include <errno.h>

struct check {
	const struct insn *insns;
	u32 n;
	struct diag *dg;
	struct func_list funcs;
};

static __attribute__((format(printf, 3, 4))) int refuse(struct check *c, u32 pc, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = diag_verror(c->dg, (struct place){ .sect = "insns", .off = (u64)pc * 8 }, -EINVAL, fmt,
			  ap);
	va_end(ap);
	return err;
}

static bool is_signed_div(const struct insn *i)
{
	return i->off == 1 && (INSN_OP(i->code) == ALU_DIV || INSN_OP(i->code) == ALU_MOD);
}

static int check_mov(struct check *c, u32 pc, const struct insn *i)
{
	bool is64 = INSN_CLASS(i->code) == CLS_ALU64;

	if (INSN_SRC(i->code) == SRC_K)
		return i->src || i->off ? refuse(c, pc, "BPF_MOV uses reserved fields") : 0;
	if (is64 && i->off == 1)
		return i->imm == 1 || i->imm == 1 << 16 ? 0 :
			refuse(c, pc, "addr_space_cast insn can only convert between address "
				      "space 1 and 0");
	if (i->imm || (i->off && i->off != 8 && i->off != 16 && !(is64 && i->off == 32)))
		return refuse(c, pc, "BPF_MOV uses reserved fields");
	return 0;
}

static int check_alu(struct check *c, u32 pc, const struct insn *i)
{
	u32 op = INSN_OP(i->code);
	bool is64 = INSN_CLASS(i->code) == CLS_ALU64;

	switch (op) {
	case ALU_NEG:
		return INSN_SRC(i->code) != SRC_K || i->src || i->off || i->imm ?
			refuse(c, pc, "BPF_NEG uses reserved fields") : 0;
	case ALU_END:
		return i->src || i->off || (i->imm != 16 && i->imm != 32 && i->imm != 64) ||
				(is64 && INSN_SRC(i->code) != SRC_K) ?
			refuse(c, pc, "BPF_END uses reserved fields") : 0;
	case ALU_MOV:
		return check_mov(c, pc, i);
	}
	if (op > ALU_END)
		return refuse(c, pc, "invalid BPF_ALU opcode %x", op);
	if ((i->off && !is_signed_div(i)) || (INSN_SRC(i->code) == SRC_X ? i->imm != 0 : i->src != 0))
		return refuse(c, pc, "BPF_ALU uses reserved fields");
	return 0;
}

/* A jump within the function that has pc. */
static int check_target(struct check *c, u32 pc, s64 off)
{
	u32 f = func_list_find(&c->funcs, pc);
	s64 target = (s64)pc + 1 + off;

	if (target < c->funcs.start[f] || target >= c->funcs.start[f + 1])
		return refuse(c, pc, "jump out of range from insn %u to %ld", pc, target);
	if (c->insns[target].code == 0)
		return refuse(c, pc, "jump into the middle of ldimm64 insn %ld", target);
	return 0;
}

static int check_jmp(struct check *c, u32 pc, const struct insn *i)
{
	bool is32 = INSN_CLASS(i->code) == CLS_JMP32, is_x = INSN_SRC(i->code) == SRC_X;

	switch (INSN_OP(i->code)) {
	case JMP_CALL:
		if (is_x || is32 || i->dst || i->src > CALL_KFUNC || (i->src != CALL_KFUNC && i->off))
			return refuse(c, pc, "BPF_CALL uses reserved fields");
		return 0; /* a function's target was checked when functions were collected */
	case JMP_EXIT:
		return is_x || is32 || i->dst || i->src || i->imm || i->off ?
			refuse(c, pc, "BPF_EXIT uses reserved fields") : 0;
	case JMP_JA:
		if (is_x || i->dst || i->src || (is32 ? i->off != 0 : i->imm != 0))
			return refuse(c, pc, "BPF_JA uses reserved fields");
		return check_target(c, pc, is32 ? i->imm : i->off);
	case JMP_JCOND:
		if (is_x || is32 || i->dst || i->src || i->imm)
			return refuse(c, pc, "invalid may_goto imm %d", i->imm);
		return check_target(c, pc, i->off);
	}
	if (INSN_OP(i->code) > JMP_JCOND)
		return refuse(c, pc, "unknown opcode %02x", i->code);
	if (is_x ? i->imm != 0 : i->src != 0)
		return refuse(c, pc, "BPF_JMP/JMP32 uses reserved fields");
	return check_target(c, pc, i->off);
}

static int check_atomic(struct check *c, u32 pc, const struct insn *i)
{
	switch (i->imm) {
	case ATOMIC_LOAD_ACQ:
	case ATOMIC_STORE_REL:
		return 0;
	case ATOMIC_ADD:
	case ATOMIC_OR:
	case ATOMIC_AND:
	case ATOMIC_XOR:
	case ATOMIC_ADD | ATOMIC_FETCH:
	case ATOMIC_OR | ATOMIC_FETCH:
	case ATOMIC_AND | ATOMIC_FETCH:
	case ATOMIC_XOR | ATOMIC_FETCH:
	case ATOMIC_XCHG:
	case ATOMIC_CMPXCHG:
		if (INSN_SIZE(i->code) != SZ_W && INSN_SIZE(i->code) != SZ_DW)
			return refuse(c, pc, "invalid atomic operand size");
		return 0;
	}
	return refuse(c, pc, "BPF_ATOMIC uses invalid atomic opcode %02x", (u32)i->imm);
}

static int check_mem(struct check *c, u32 pc, const struct insn *i)
{
	u32 mode = INSN_MODE(i->code);

	switch (INSN_CLASS(i->code)) {
	case CLS_LDX:
		if ((mode != MODE_MEM && mode != MODE_MEMSX) || i->imm)
			return refuse(c, pc, "BPF_LDX uses reserved fields");
		if (mode == MODE_MEMSX && INSN_SIZE(i->code) == SZ_DW)
			return refuse(c, pc, "unknown opcode %02x", i->code);
		return 0;
	case CLS_ST:
		return mode != MODE_MEM || i->src ? refuse(c, pc, "BPF_ST uses reserved fields") : 0;
	case CLS_STX:
		if (mode == MODE_ATOMIC)
			return check_atomic(c, pc, i);
		return mode != MODE_MEM || i->imm ? refuse(c, pc, "BPF_STX uses reserved fields") : 0;
	default:
		if (mode != MODE_ABS && mode != MODE_IND)
			return refuse(c, pc, "unknown opcode %02x", i->code);
		if (i->dst || i->off || INSN_SIZE(i->code) == SZ_DW || (mode == MODE_ABS && i->src))
			return refuse(c, pc, "BPF_LD_[ABS|IND] uses reserved fields");
		return 0;
	}
}

/* The first half of a wide load; the second was checked when functions were collected. */
static int check_wide(struct check *c, u32 pc, const struct insn *i)
{
	if (i->off || i->src > PSEUDO_MAP_IDX_VALUE)
		return refuse(c, pc, "BPF_LD_IMM64 uses reserved fields");
	if (i->src != PSEUDO_IMM64 && i->src != PSEUDO_FUNC)
		return refuse(c, pc, "the 64-bit load was left unresolved (kind %u)", i->src);
	return 0;
}

static int check_insn(struct check *c, u32 pc)
{
	const struct insn *i = &c->insns[pc];

	if (i->dst >= REG_MAX || i->src >= REG_MAX)
		return refuse(c, pc, "R%u is invalid", i->dst >= REG_MAX ? i->dst : i->src);
	switch (INSN_CLASS(i->code)) {
	case CLS_ALU:
	case CLS_ALU64:
		return check_alu(c, pc, i);
	case CLS_JMP:
	case CLS_JMP32:
		return check_jmp(c, pc, i);
	default:
		return insn_is_wide(i) ? check_wide(c, pc, i) : check_mem(c, pc, i);
	}
}

/* Keeps start[] sorted and free of doubles. */
static int func_add(struct check *c, u32 pc, s64 target)
{
	struct func_list *fl = &c->funcs;
	u32 at = fl->n;

	if (target < 0 || target >= c->n)
		return refuse(c, pc, "call to invalid destination");
	if (c->insns[target].code == 0)
		return refuse(c, pc, "call into the middle of ldimm64 insn %ld", target);
	while (at > 0 && fl->start[at - 1] >= target)
		at--;
	if (at < fl->n && fl->start[at] == target)
		return 0;
	if (fl->n >= CHECK_FUNCS_MAX) {
		refuse(c, pc, "too many subprograms");
		return -E2BIG;
	}
	for (u32 k = fl->n; k > at; k--)
		fl->start[k] = fl->start[k - 1];
	fl->start[at] = (u32)target;
	fl->n++;
	return 0;
}

static int funcs_collect(struct check *c)
{
	int err;

	c->funcs.n = 1;
	c->funcs.start[0] = 0;
	for (u32 pc = 0; pc < c->n; pc++) {
		const struct insn *i = &c->insns[pc];
		bool is_wide = insn_is_wide(i);

		if (is_wide && (pc + 1 >= c->n || i[1].code || i[1].dst || i[1].src || i[1].off))
			return refuse(c, pc, "invalid bpf_ld_imm64 insn");
		if (insn_is_subprog_call(i) || (is_wide && i->src == PSEUDO_FUNC)) {
			err = func_add(c, pc, (s64)pc + 1 + i->imm);
			if (err)
				return err;
		}
		pc += is_wide;
	}
	c->funcs.start[c->funcs.n] = c->n;
	return 0;
}

/* No function may run into the next. */
static int check_ends(struct check *c)
{
	for (u32 f = 0; f < c->funcs.n; f++) {
		u32 pc = c->funcs.start[f + 1] - 1;
		u8 code = c->insns[pc].code;

		if (code != (CLS_JMP | JMP_EXIT) && code != (CLS_JMP | JMP_JA) &&
		    code != (CLS_JMP32 | JMP_JA))
			return refuse(c, pc, "last insn is not an exit or jmp");
	}
	return 0;
}

int exec_check(const struct insn *insns, u32 n_insns, struct diag *dg, struct func_list *funcs)
{
	struct check c = { .insns = insns, .n = n_insns, .dg = dg };
	int err;

	if (n_insns == 0 || n_insns > CHECK_INSNS_MAX)
		return diag_error(dg, (struct place){ 0 }, n_insns ? -E2BIG : -EINVAL,
				  "the program has %u insns, must have 1 to %u", n_insns,
				  CHECK_INSNS_MAX);
	err = funcs_collect(&c);
	if (!err)
		err = check_ends(&c);
	for (u32 pc = 0; pc < n_insns && !err; pc++) {
		err = check_insn(&c, pc);
		pc += insn_is_wide(&insns[pc]);
	}
	if (!err && funcs)
		*funcs = c.funcs;
	return err;
}

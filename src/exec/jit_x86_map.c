/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/jit_x86_map.c - lookups in maps that the compiler knows: arrays inline, others by a direct call.
 *
 * The handle is known where the wide load that put it into r1 is found in the same straight line.
 */
#if defined(__x86_64__)
#include "exec/jit_x86.h"

/* Could insn i change r1?  Asked of insns between the load of a handle and its call. */
static bool changes_r1(const struct insn *i)
{
	switch (INSN_CLASS(i->code)) {
	case CLS_ALU: case CLS_ALU64: case CLS_LDX: return i->dst == 1;
	case CLS_ST: return false;
	case CLS_STX: return INSN_MODE(i->code) == MODE_ATOMIC;
	case CLS_JMP: case CLS_JMP32: return insn_is_call(i);
	default: return true;
	}
}

/* The map whose handle is in r1 when insn pc of function f runs; NULL: not known. */
static const struct exec_map *map_in_r1(const struct jit *j, u32 f, u32 pc)
{
	const struct insn *insns = j->prog->insns;

	while (pc > j->list.start[f] && !(j->marks[pc] & AT_TARGET)) {
		const struct insn *i = &insns[--pc];

		if (i->code == 0 && pc > j->list.start[f]) {
			i = &insns[--pc];
			if (i->dst != 1)
				continue;
			for (u32 k = 0; k < j->prog->n_maps && i->src == PSEUDO_IMM64; k++)
				if ((u64)j->prog->maps[k].map == insn_imm64(i))
					return &j->prog->maps[k];
			return NULL;
		}
		if (changes_r1(i))
			return NULL;
	}
	return NULL;
}

/* reg *= factor */
static void multiply(struct emit *e, u32 reg, u32 factor)
{
	if (factor & (factor - 1))
		x86_mul_imm(e, reg, (s32)factor);
	else if (factor > 1)
		x86_shift_imm(e, true, SHIFT_SHL, reg, (u32)__builtin_ctz(factor));
}

/* r0 = index < n ? values + index * stride : 0.  Falls through where the element is there. */
static void array_lookup(struct emit *e, const struct exec_map *m)
{
	u8 *past;

	x86_rm(e, false, 0x8b, T0, RSI, 0, false);
	x86_mov_imm(e, RAX, 0);
	x86_op_imm(e, false, OP_CMP, T0, (s32)m->n);
	past = x86_skip(e, CC_AE);
	x86_mov_imm(e, RAX, (u64)m->values);
	if (m->cpu_stride) {
		x86_rm(e, false, 0x8b, T1, ENV, offsetof(struct exec_env, cpu), false);
		multiply(e, T1, (u32)m->cpu_stride);
		x86_op(e, true, OP_ADD, RAX, T1);
	}
	if (m->stride == 8) {
		x86_lea_scaled(e, RAX, RAX, T0, 3);
	} else {
		multiply(e, T0, m->stride);
		x86_op(e, true, OP_ADD, RAX, T0);
	}
	x86_land(e, past);
}

bool x86_map_lookup(struct jit *j, u32 f, u32 pc)
{
	const struct insn *i = &j->prog->insns[pc];
	const struct exec_map *m;

	if (i->src != CALL_HELPER || i->imm != HELPER_map_lookup_elem || !j->prog->n_maps)
		return false;
	m = map_in_r1(j, f, pc);
	if (!m)
		return false;
	if (m->n && m->stride <= INT32_MAX && m->cpu_stride <= INT32_MAX) {
		array_lookup(&j->e, m);
		return true;
	}
	if (!m->lookup)
		return false;
	x86_rm(&j->e, false, 0x8b, RDX, ENV, offsetof(struct exec_env, cpu), false);
	x86_call_c(j, (const void *)m->lookup);
	return true;
}
#endif

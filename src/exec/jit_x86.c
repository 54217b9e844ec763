/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/jit_x86.c - frames, calls and jumps in x86-64.
 *
 * Native frame of a function:
 *
 *	return address | r6..r9 as used | padding to 16, with the may_goto counter at rsp
 */
#if defined(__x86_64__)
#include "exec/jit_x86.h"
#include "exec/exec.h"
#include "exec/run.h"
#include <cpuid.h>

bool jit_arch_begin(struct jit *j)
{
	u32 a, b, c, d;

	j->has_bmi2 = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_BMI2);
	return true;
}

void jit_arch_align(struct jit *j, u32 align)
{
	x86_align(&j->e, align);
}

/* ---- frames and calls ---- */

/* Bytes below the saved registers. */
static u32 frame_bytes(const struct jit_func *fn)
{
	u32 pushed = 8, own = fn->may_goto ? 8 : 0;

	for (u32 k = 0; k < 4; k++)
		pushed += fn->saved >> k & 1 ? 8 : 0;
	if (fn->calls && (pushed + own) % 16)
		own += 8;
	return own;
}

void jit_arch_prologue(struct jit *j, u32 f)
{
	const struct jit_func *fn = &j->funcs[f];
	u32 bytes = frame_bytes(fn);

	for (u32 k = 0; k < 4; k++)
		if (fn->saved & 1 << k)
			x86_push(&j->e, x86_reg_of(6 + k));
	if (bytes)
		x86_op_imm(&j->e, true, OP_SUB, RSP, (s32)bytes);
	if (fn->may_goto) {
		x86_rm(&j->e, false, 0xc7, 0, RSP, 0, false);
		emit_u32(&j->e, EXEC_MAY_GOTO_MAX);
	}
}

/* Undoes the prologue; rax stays. */
static void leave(struct jit *j, u32 f)
{
	const struct jit_func *fn = &j->funcs[f];
	u32 bytes = frame_bytes(fn);

	if (bytes)
		x86_op_imm(&j->e, true, OP_ADD, RSP, (s32)bytes);
	for (u32 k = 4; k-- > 0;)
		if (fn->saved & 1 << k)
			x86_pop(&j->e, x86_reg_of(6 + k));
}

void jit_arch_end(struct jit *j, u32 f)
{
	leave(j, f);
	x86_ret(&j->e);
}

/* jcc, jmp or call with a 32-bit distance to an offset of the text. */
static void near_to(struct jit *j, u32 opcode, u32 target)
{
	x86_opcode(&j->e, opcode);
	emit_u32(&j->e, target - (emit_at(&j->e) + 4));
}

void jit_arch_stub(struct jit *j, u32 f)
{
	struct emit *e = &j->e;
	bool lower = f && j->funcs[f].uses_frame;

	x86_push(e, RBP);
	x86_push(e, R12);
	x86_op_imm(e, true, OP_SUB, RSP, 8);
	x86_mov(e, ENV, R9);
	x86_rm(e, true, 0x8b, RBP, ENV, offsetof(struct exec_env, frame), false);
	if (lower)
		x86_op_imm(e, true, OP_SUB, RBP, EXEC_STACK_BYTES);
	near_to(j, 0xe8, j->funcs[f].at);
	x86_op_imm(e, true, OP_ADD, RSP, 8);
	x86_pop(e, R12);
	x86_pop(e, RBP);
	x86_ret(e);
}

void x86_call_c(struct jit *j, const void *fn)
{
	s64 low = (s64)fn - (s64)j->e.end, high = (s64)fn - (s64)j->e.start;

	x86_mov(&j->e, R9, ENV);
	if (low == (s32)low && high == (s32)high) {
		near_to(j, 0xe8, (u32)high);
	} else {
		x86_mov_imm(&j->e, RAX, (u64)fn);
		x86_call_reg(&j->e, RAX);
	}
}

/* After something that may have ended the run. */
static void check_error(struct jit *j, u32 f)
{
	struct jit_func *fn = &j->funcs[f];

	if (!fn->fail_used)
		j->changed = fn->fail_used = true;
	x86_rm(&j->e, false, 0x83, 7, ENV, offsetof(struct exec_env, error), false);
	emit_u8(&j->e, 0);
	near_to(j, 0x0f80 | CC_NE, fn->fail_at);
}

static void store_env(struct jit *j, u32 off, u32 reg)
{
	x86_rm(&j->e, true, OP_MOV, reg, ENV, (s32)off, false);
}

static void call_helper(struct jit *j, u32 f, const struct insn *i)
{
	const struct exec_prog *prog = j->prog;
	u32 id = (u32)i->imm;
	helper_fn fn = NULL;

	if (i->src == CALL_KFUNC)
		fn = id < prog->n_kfuncs ? prog->kfuncs[id] : NULL;
	else if (id < HELPER_ID_MAX && prog->helpers)
		fn = prog->helpers[id];
	if (j->has_callbacks) {
		store_env(j, offsetof(struct exec_env, frame), RBP);
		x86_mov_imm(&j->e, RAX, (u64)j->code);
		store_env(j, offsetof(struct exec_env, native), RAX);
	}
	x86_call_c(j, (const void *)(fn ? fn : native_missing));
	check_error(j, f);
}

/* On success the next program takes over this frame, as if our caller had called it. */
static void call_tail(struct jit *j, u32 f)
{
	u8 *failed;

	store_env(j, offsetof(struct exec_env, frame), RBP);
	x86_call_c(j, (const void *)native_tail_call);
	x86_op(&j->e, true, OP_TEST, RAX, RAX);
	failed = x86_skip(&j->e, CC_S);
	x86_mov(&j->e, RDI, RDX);
	x86_mov(&j->e, R9, ENV);
	leave(j, f);
	x86_jmp_reg(&j->e, RAX);
	x86_land(&j->e, failed);
	check_error(j, f);
}

static void call_func(struct jit *j, u32 f, u32 pc)
{
	u32 target = pc + 1 + (u32)j->prog->insns[pc].imm;
	const struct jit_func *callee = &j->funcs[func_list_find(&j->list, target)];

	if (callee->uses_frame)
		x86_op_imm(&j->e, true, OP_SUB, RBP, EXEC_STACK_BYTES);
	near_to(j, 0xe8, callee->at);
	if (callee->uses_frame)
		x86_op_imm(&j->e, true, OP_ADD, RBP, EXEC_STACK_BYTES);
	if (callee->may_fail)
		check_error(j, f);
}

static void call_insn(struct jit *j, u32 f, u32 pc)
{
	const struct insn *i = &j->prog->insns[pc];

	if (i->src == CALL_SUBPROG)
		call_func(j, f, pc);
	else if (i->src == CALL_HELPER && i->imm == HELPER_tail_call)
		call_tail(j, f);
	else if (!x86_map_lookup(j, f, pc))
		call_helper(j, f, i);
}

/* LD_ABS, LD_IND: a load past the packet ends the function with 0. */
static void packet_load(struct jit *j, u32 f, const struct insn *i)
{
	u8 *good;

	if (INSN_MODE(i->code) == MODE_IND)
		x86_rm(&j->e, false, 0x8d, RDI, x86_reg_of(i->src), i->imm, false);
	else
		x86_mov_imm(&j->e, RDI, (u32)i->imm);
	x86_mov_imm(&j->e, RSI, insn_size_bytes(i->code));
	x86_call_c(j, (const void *)native_packet);
	x86_op(&j->e, true, OP_TEST, RAX, RAX);
	good = x86_skip(&j->e, CC_NS);
	x86_op(&j->e, false, OP_XOR, RAX, RAX);
	jit_arch_end(j, f);
	x86_land(&j->e, good);
}

/* A load that may fault: what a call may change is kept around it. */
static void probe_load(struct jit *j, const struct insn *i)
{
	static const u8 kept[] = { RAX, RDI, RSI, RDX, RCX, R8 };

	for (u32 k = 0; k < ARRAY_SIZE(kept); k++)
		x86_push(&j->e, kept[k]);
	x86_rm(&j->e, true, 0x8d, RDI, x86_reg_of(i->src), i->off, false);
	x86_mov_imm(&j->e, RSI, insn_size_bytes(i->code));
	x86_mov_imm(&j->e, RDX, INSN_MODE(i->code) == MODE_PROBESX);
	x86_call_c(j, (const void *)native_probe);
	x86_mov(&j->e, T1, RAX);
	for (u32 k = ARRAY_SIZE(kept); k-- > 0;)
		x86_pop(&j->e, kept[k]);
	x86_mov(&j->e, x86_reg_of(i->dst), T1);
}

/* ---- jumps ---- */

/* A jump backwards knows its target, one forward takes the target of the pass before. */
static void jump(struct jit *j, u32 pc, enum x86_cc cc, u32 target)
{
	s64 dist = (s64)j->at[target] - (emit_at(&j->e) + 2);
	bool is_known = target <= pc || !j->first_pass;

	if (is_known && !x86_is_s8(dist))
		j->marks[pc] |= AT_LONG_JUMP;
	if (j->marks[pc] & AT_LONG_JUMP) {
		near_to(j, cc == CC_ALWAYS ? 0xe9 : 0x0f80 | (u32)cc, j->at[target]);
		return;
	}
	emit_u8(&j->e, cc == CC_ALWAYS ? 0xeb : 0x70 | (u32)cc);
	emit_u8(&j->e, (u32)dist);
}

static enum x86_cc cc_of(enum jmp_op op)
{
	switch (op) {
	case JMP_JEQ: return CC_E;
	case JMP_JNE: return CC_NE;
	case JMP_JSET: return CC_NE;
	case JMP_JGT: return CC_A;
	case JMP_JGE: return CC_AE;
	case JMP_JLT: return CC_B;
	case JMP_JLE: return CC_BE;
	case JMP_JSGT: return CC_G;
	case JMP_JSGE: return CC_GE;
	case JMP_JSLT: return CC_L;
	case JMP_JSLE: return CC_LE;
	default: return CC_ALWAYS;
	}
}

static void may_goto(struct jit *j, u32 pc, u32 target)
{
	x86_rm(&j->e, false, 0x83, 7, RSP, 0, false);
	emit_u8(&j->e, 0);
	jump(j, pc, CC_E, target);
	x86_rm(&j->e, false, 0x83, OP_DIGIT(OP_SUB), RSP, 0, false);
	emit_u8(&j->e, 1);
}

static void jmp_insn(struct jit *j, u32 pc)
{
	const struct insn *i = &j->prog->insns[pc];
	enum jmp_op op = INSN_OP(i->code);
	bool w = INSN_CLASS(i->code) == CLS_JMP, is_x = INSN_SRC(i->code) == SRC_X;
	u32 dst = x86_reg_of(i->dst), target = pc + 1 + (u32)i->off;

	if (op == JMP_JCOND)
		return may_goto(j, pc, target);
	if (op == JMP_JA) {
		target = pc + 1 + (u32)(w ? i->off : i->imm);
		if (target != pc + 1)
			jump(j, pc, CC_ALWAYS, target);
		return;
	}
	if (op == JMP_JSET && is_x)
		x86_op(&j->e, w, OP_TEST, dst, x86_reg_of(i->src));
	else if (op == JMP_JSET)
		x86_test_imm(&j->e, w, dst, i->imm);
	else if (is_x)
		x86_op(&j->e, w, OP_CMP, dst, x86_reg_of(i->src));
	else if (i->imm == 0)
		x86_op(&j->e, w, OP_TEST, dst, dst); /* carry and overflow are 0, as after cmp */
	else
		x86_op_imm(&j->e, w, OP_CMP, dst, i->imm);
	jump(j, pc, cc_of(op), target);
}

static u64 wide_value(const struct insn *i, u32 pc)
{
	return i->src == PSEUDO_FUNC ? exec_func_value(pc + 1 + (u32)i->imm) : insn_imm64(i);
}

u32 jit_arch_insn(struct jit *j, u32 f, u32 pc)
{
	const struct insn *i = &j->prog->insns[pc];
	struct emit *e = &j->e;
	u32 joined = x86_join(j, pc);

	if (joined)
		return joined;
	switch (INSN_CLASS(i->code)) {
	case CLS_LD:
		if (insn_is_wide(i)) {
			x86_mov_imm(e, x86_reg_of(i->dst), wide_value(i, pc));
			return 2;
		}
		packet_load(j, f, i);
		break;
	case CLS_LDX:
		if (insn_probes(i))
			probe_load(j, i);
		else
			x86_mem_insn(e, i);
		break;
	case CLS_ST:
	case CLS_STX: x86_mem_insn(e, i); break;
	case CLS_ALU:
	case CLS_ALU64: x86_alu_insn(j, i); break;
	case CLS_JMP:
	case CLS_JMP32:
		if (insn_is_call(i))
			call_insn(j, f, pc);
		else if (insn_is_exit(i))
			jit_arch_end(j, f);
		else
			jmp_insn(j, pc);
	}
	return 1;
}
#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/jit_x86.c - one insn into x86-64.
 *
 * Registers are the kernel's: r0..r10 = rax rdi rsi rdx rcx r8 rbx r13 r14 r15 rbp, so arguments of
 * a helper call stand where the ABI wants them.  r12 is env all the time; r9, r10, r11 are scratch
 * (r9 carries env to a helper).  Native frame of a function:
 *
 *	return address | r6..r9 as used | padding to 16, with the may_goto counter at rsp
 */
#if defined(__x86_64__)
#include "exec/exec.h"
#include "exec/jit_arch.h"
#include "exec/run.h"
#include "exec/x86.h"
#include <cpuid.h>

enum { ENV = R12, T0 = R9, T1 = R10, T2 = R11 };

static const u8 reg_of[REG_MAX] = { RAX, RDI, RSI, RDX, RCX, R8, RBX, R13, R14, R15, RBP };

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
			x86_push(&j->e, reg_of[6 + k]);
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
			x86_pop(&j->e, reg_of[6 + k]);
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

/* Calls C; a direct call where any place of the mapping reaches it. */
static void call_c(struct jit *j, const void *fn)
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
	call_c(j, (const void *)(fn ? fn : native_missing));
	check_error(j, f);
}

/* On success the next program takes over this frame, as if our caller had called it. */
static void call_tail(struct jit *j, u32 f)
{
	u8 *failed;

	store_env(j, offsetof(struct exec_env, frame), RBP);
	call_c(j, (const void *)native_tail_call);
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
	else
		call_helper(j, f, i);
}

/* LD_ABS, LD_IND: a load past the packet ends the function with 0. */
static void packet_load(struct jit *j, u32 f, const struct insn *i)
{
	u8 *good;

	if (INSN_MODE(i->code) == MODE_IND)
		x86_rm(&j->e, false, 0x8d, RDI, reg_of[i->src], i->imm, false);
	else
		x86_mov_imm(&j->e, RDI, (u32)i->imm);
	x86_mov_imm(&j->e, RSI, insn_size_bytes(i->code));
	call_c(j, (const void *)native_packet);
	x86_op(&j->e, true, OP_TEST, RAX, RAX);
	good = x86_skip(&j->e, CC_NS);
	x86_op(&j->e, false, OP_XOR, RAX, RAX);
	jit_arch_end(j, f);
	x86_land(&j->e, good);
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
	u32 dst = reg_of[i->dst], target = pc + 1 + (u32)i->off;

	if (op == JMP_JCOND)
		return may_goto(j, pc, target);
	if (op == JMP_JA) {
		target = pc + 1 + (u32)(w ? i->off : i->imm);
		if (target != pc + 1)
			jump(j, pc, CC_ALWAYS, target);
		return;
	}
	if (op == JMP_JSET && is_x)
		x86_op(&j->e, w, OP_TEST, dst, reg_of[i->src]);
	else if (op == JMP_JSET)
		x86_test_imm(&j->e, w, dst, i->imm);
	else if (is_x)
		x86_op(&j->e, w, OP_CMP, dst, reg_of[i->src]);
	else if (i->imm == 0)
		x86_op(&j->e, w, OP_TEST, dst, dst); /* carry and overflow are 0, as after cmp */
	else
		x86_op_imm(&j->e, w, OP_CMP, dst, i->imm);
	jump(j, pc, cc_of(op), target);
}

/* ---- arithmetic ---- */

/* movsx of a byte, a half or a word register. */
static void sign_extend(struct emit *e, bool w, u32 dst, u32 src, s32 bits)
{
	u32 opcode = bits == 8 ? 0x0fbe : bits == 16 ? 0x0fbf : 0x63;

	x86_rex(e, w, dst, 0, src, bits == 8 && src >= RSP);
	x86_opcode(e, opcode);
	x86_modrm(e, 3, dst, src);
}

/* The program sees the arena at one address, so both directions are one: low half | base, 0 stays. */
static void addr_cast(struct emit *e, u32 dst, u32 src)
{
	u8 *null;

	x86_op(e, false, OP_MOV, dst, src);
	x86_op(e, false, OP_TEST, dst, dst);
	null = x86_skip(e, CC_E);
	x86_rm(e, true, 0x0b, dst, ENV, offsetof(struct exec_env, arena_base), false);
	x86_land(e, null);
}

static void mov(struct emit *e, bool w, const struct insn *i)
{
	u32 dst = reg_of[i->dst], src = reg_of[i->src];

	if (INSN_SRC(i->code) == SRC_K)
		x86_mov_imm(e, dst, w ? (u64)(s64)i->imm : (u32)i->imm);
	else if (w && i->off == 1)
		addr_cast(e, dst, src);
	else if (i->off)
		sign_extend(e, w, dst, src, i->off);
	else if (dst != src || !w)
		x86_op(e, w, OP_MOV, dst, src);
}

static void byte_order(struct emit *e, const struct insn *i)
{
	bool swap = INSN_CLASS(i->code) == CLS_ALU64 || INSN_SRC(i->code) == SRC_X;
	u32 dst = reg_of[i->dst];

	if (i->imm == 16) {
		if (swap) { /* ror r16, 8 */
			emit_u8(e, 0x66);
			x86_rr(e, false, 0xc1, 1, dst);
			emit_u8(e, 8);
		}
		x86_rr(e, false, 0x0fb7, dst, dst);
	} else if (swap) {
		x86_rex(e, i->imm == 64, 0, 0, dst, false);
		emit_u8(e, 0x0f);
		emit_u8(e, 0xc8 | (dst & 7));
	} else if (i->imm == 32) {
		x86_op(e, false, OP_MOV, dst, dst);
	}
}

static void mul(struct emit *e, bool w, const struct insn *i)
{
	u32 dst = reg_of[i->dst];

	if (INSN_SRC(i->code) == SRC_X) {
		x86_rr(e, w, 0x0faf, dst, reg_of[i->src]);
	} else if (x86_is_s8(i->imm)) {
		x86_rr(e, w, 0x6b, dst, dst);
		emit_u8(e, (u32)i->imm);
	} else {
		x86_rr(e, w, 0x69, dst, dst);
		emit_u32(e, (u32)i->imm);
	}
}

static void shift(struct jit *j, bool w, u32 kind, const struct insn *i)
{
	struct emit *e = &j->e;
	u32 dst = reg_of[i->dst], src = reg_of[i->src], count = (u32)i->imm & (w ? 63 : 31);

	if (INSN_SRC(i->code) == SRC_K) {
		if (count)
			x86_shift_imm(e, w, kind, dst, count);
		else if (!w)
			x86_op(e, false, OP_MOV, dst, dst);
	} else if (j->has_bmi2) {
		x86_shift_bmi2(e, w, kind, dst, dst, src);
	} else if (src == RCX && dst != RCX) {
		x86_shift_cl(e, w, kind, dst);
	} else { /* r4 moves aside; where it is the destination, it is shifted there */
		x86_mov(e, T2, RCX);
		if (src != RCX)
			x86_mov(e, RCX, src);
		x86_shift_cl(e, w, kind, dst == RCX ? T2 : dst);
		x86_mov(e, RCX, T2);
	}
}

/* dst = dst / s or dst % s, s not 0 (nor -1 when signed); rax and rdx keep what dst does not take.
 * s is neither rax nor rdx. */
static void divide(struct emit *e, bool w, bool is_signed, bool is_mod, u32 dst, u32 s)
{
	u32 result = is_mod ? RDX : RAX;

	if (dst != RAX) {
		x86_mov(e, T0, RAX);
		x86_op(e, w, OP_MOV, RAX, dst);
	}
	if (dst != RDX)
		x86_mov(e, T1, RDX);
	if (is_signed) {
		x86_rex(e, w, 0, 0, 0, false);
		emit_u8(e, 0x99); /* cdq, cqo */
	} else {
		x86_op(e, false, OP_XOR, RDX, RDX);
	}
	x86_group3(e, w, is_signed ? GROUP3_IDIV : GROUP3_DIV, s);
	if (dst != result)
		x86_mov(e, dst, result);
	if (dst != RAX)
		x86_mov(e, RAX, T0);
	if (dst != RDX)
		x86_mov(e, RDX, T1);
}

/* What division by zero leaves: 0, or the dividend. */
static void divide_by_zero(struct emit *e, bool w, bool is_mod, u32 dst)
{
	if (!is_mod)
		x86_op(e, false, OP_XOR, dst, dst);
	else if (!w)
		x86_op(e, false, OP_MOV, dst, dst);
}

static void divide_by_minus_one(struct emit *e, bool w, bool is_mod, u32 dst)
{
	if (is_mod)
		x86_op(e, false, OP_XOR, dst, dst);
	else
		x86_group3(e, w, GROUP3_NEG, dst);
}

static void divide_k(struct emit *e, bool w, bool is_mod, const struct insn *i)
{
	u32 dst = reg_of[i->dst];
	bool is_signed = i->off == ALU_SIGNED;

	if (i->imm == 0) {
		divide_by_zero(e, w, is_mod, dst);
	} else if (is_signed && i->imm == -1) {
		divide_by_minus_one(e, w, is_mod, dst);
	} else if (!is_signed && i->imm > 0 && !(i->imm & (i->imm - 1))) {
		u32 log2 = (u32)__builtin_ctz((u32)i->imm);

		if (is_mod)
			x86_op_imm(e, false, OP_AND, dst, i->imm - 1);
		else if (log2)
			x86_shift_imm(e, w, SHIFT_SHR, dst, log2);
		else if (!w)
			x86_op(e, false, OP_MOV, dst, dst);
	} else {
		x86_mov_imm(e, T2, w ? (u64)(s64)i->imm : (u32)i->imm);
		divide(e, w, is_signed, is_mod, dst, T2);
	}
}

static void divide_x(struct emit *e, bool w, bool is_mod, const struct insn *i)
{
	u32 dst = reg_of[i->dst], s = reg_of[i->src];
	bool is_signed = i->off == ALU_SIGNED;
	u8 *nonzero, *general = NULL, *done_zero, *done_minus = NULL;

	if (s == RAX || s == RDX) {
		x86_op(e, w, OP_MOV, T2, s);
		s = T2;
	}
	x86_op(e, w, OP_TEST, s, s);
	nonzero = x86_skip(e, CC_NE);
	divide_by_zero(e, w, is_mod, dst);
	done_zero = x86_skip(e, CC_ALWAYS);
	x86_land(e, nonzero);
	if (is_signed) {
		x86_op_imm(e, w, OP_CMP, s, -1);
		general = x86_skip(e, CC_NE);
		divide_by_minus_one(e, w, is_mod, dst);
		done_minus = x86_skip(e, CC_ALWAYS);
		x86_land(e, general);
	}
	divide(e, w, is_signed, is_mod, dst, s);
	if (is_signed)
		x86_land(e, done_minus);
	x86_land(e, done_zero);
}

static void simple_alu(struct emit *e, bool w, enum x86_op op, const struct insn *i)
{
	u32 dst = reg_of[i->dst];

	if (INSN_SRC(i->code) == SRC_X)
		x86_op(e, w, op, dst, reg_of[i->src]);
	else /* a positive mask clears the upper half anyway */
		x86_op_imm(e, w && !(op == OP_AND && i->imm >= 0), op, dst, i->imm);
}

static void alu_insn(struct jit *j, const struct insn *i)
{
	struct emit *e = &j->e;
	bool w = INSN_CLASS(i->code) == CLS_ALU64;
	enum alu_op op = INSN_OP(i->code);

	switch (op) {
	case ALU_ADD: return simple_alu(e, w, OP_ADD, i);
	case ALU_SUB: return simple_alu(e, w, OP_SUB, i);
	case ALU_OR: return simple_alu(e, w, OP_OR, i);
	case ALU_AND: return simple_alu(e, w, OP_AND, i);
	case ALU_XOR: return simple_alu(e, w, OP_XOR, i);
	case ALU_MUL: return mul(e, w, i);
	case ALU_LSH: return shift(j, w, SHIFT_SHL, i);
	case ALU_RSH: return shift(j, w, SHIFT_SHR, i);
	case ALU_ARSH: return shift(j, w, SHIFT_SAR, i);
	case ALU_NEG: return x86_group3(e, w, GROUP3_NEG, reg_of[i->dst]);
	case ALU_MOV: return mov(e, w, i);
	case ALU_END: return byte_order(e, i);
	case ALU_DIV:
	case ALU_MOD:
		if (INSN_SRC(i->code) == SRC_K)
			divide_k(e, w, op == ALU_MOD, i);
		else
			divide_x(e, w, op == ALU_MOD, i);
	}
}

/* ---- memory ---- */

/* Opcode of a load; *w: with 64-bit operands. */
static u32 load_opcode(const struct insn *i, bool *w)
{
	bool is_signed = INSN_MODE(i->code) == MODE_MEMSX;

	*w = is_signed || INSN_SIZE(i->code) == SZ_DW;
	switch (INSN_SIZE(i->code)) {
	case SZ_B: return is_signed ? 0x0fbe : 0x0fb6;
	case SZ_H: return is_signed ? 0x0fbf : 0x0fb7;
	case SZ_W: return is_signed ? 0x63 : 0x8b;
	}
	return 0x8b;
}

static void load(struct emit *e, const struct insn *i)
{
	bool w;
	u32 opcode = load_opcode(i, &w);

	x86_rm(e, w, opcode, reg_of[i->dst], reg_of[i->src], i->off, false);
}

static void store(struct emit *e, const struct insn *i)
{
	u32 base = reg_of[i->dst], src = reg_of[i->src], size = INSN_SIZE(i->code);

	if (size == SZ_H)
		emit_u8(e, 0x66);
	x86_rm(e, size == SZ_DW, size == SZ_B ? 0x88 : 0x89, src, base, i->off, size == SZ_B);
}

static void store_imm(struct emit *e, const struct insn *i)
{
	u32 size = INSN_SIZE(i->code);

	if (size == SZ_H)
		emit_u8(e, 0x66);
	x86_rm(e, size == SZ_DW, size == SZ_B ? 0xc6 : 0xc7, 0, reg_of[i->dst], i->off, false);
	if (size == SZ_B) {
		emit_u8(e, (u32)i->imm);
	} else if (size == SZ_H) {
		emit_u8(e, (u32)i->imm);
		emit_u8(e, (u32)i->imm >> 8);
	} else {
		emit_u32(e, (u32)i->imm);
	}
}

static void lock_rm(struct emit *e, bool w, u32 opcode, u32 reg, u32 base, s32 disp)
{
	emit_u8(e, 0xf0);
	x86_rm(e, w, opcode, reg, base, disp, false);
}

/* or, and, xor with fetch: x86 has them only without, so compare and exchange until it holds. */
static void atomic_loop(struct emit *e, bool w, enum x86_op op, const struct insn *i)
{
	u32 src = reg_of[i->src], operand = src == RAX ? T1 : src;
	u8 *again;

	x86_rm(e, true, 0x8d, T0, reg_of[i->dst], i->off, false);
	x86_mov(e, T1, RAX);
	x86_rm(e, w, 0x8b, RAX, T0, 0, false);
	again = e->p;
	x86_mov(e, T2, RAX);
	x86_op(e, w, op, T2, operand);
	lock_rm(e, w, 0x0fb1, T2, T0, 0);
	emit_u8(e, 0x70 | CC_NE);
	emit_u8(e, (u32)(again - (e->p + 1)));
	if (!w) /* cmpxchg leaves eax alone when it succeeds */
		x86_op(e, false, OP_MOV, RAX, RAX);
	if (src != RAX) {
		x86_mov(e, src, RAX);
		x86_mov(e, RAX, T1);
	}
}

static void atomic(struct emit *e, const struct insn *i)
{
	static const u8 op_of[16] = { [ATOMIC_ADD >> 4] = OP_ADD, [ATOMIC_OR >> 4] = OP_OR,
				      [ATOMIC_AND >> 4] = OP_AND, [ATOMIC_XOR >> 4] = OP_XOR };
	bool w = INSN_SIZE(i->code) == SZ_DW;
	u32 base = reg_of[i->dst], src = reg_of[i->src];

	switch (i->imm) {
	case ATOMIC_LOAD_ACQ: /* x86 orders loads and stores like this by itself */
		return load(e, &(struct insn){ .code = CLS_LDX | MODE_MEM | INSN_SIZE(i->code),
					       .dst = i->dst, .src = i->src, .off = i->off });
	case ATOMIC_STORE_REL:
		return store(e, i);
	case ATOMIC_XCHG:
		return x86_rm(e, w, 0x87, src, base, i->off, false);
	case ATOMIC_CMPXCHG:
		lock_rm(e, w, 0x0fb1, src, base, i->off);
		if (!w)
			x86_op(e, false, OP_MOV, RAX, RAX);
		return;
	case ATOMIC_ADD | ATOMIC_FETCH:
		return lock_rm(e, w, 0x0fc1, src, base, i->off);
	}
	if (i->imm & ATOMIC_FETCH)
		atomic_loop(e, w, op_of[i->imm >> 4], i);
	else
		lock_rm(e, w, op_of[i->imm >> 4], src, base, i->off);
}

static u64 wide_value(const struct insn *i, u32 pc)
{
	return i->src == PSEUDO_FUNC ? exec_func_value(pc + 1 + (u32)i->imm) : insn_imm64(i);
}

/* ---- several insns as one instruction ---- */

/* May insn pc be joined to the one before: is it there, and does no jump lead to it? */
static bool joins(const struct jit *j, u32 pc)
{
	return pc < j->prog->n_insns && !(j->marks[pc] & AT_TARGET);
}

/* d = s, d += t or imm, and maybe d = *(d + off): lea, or a load with an index.  Returns how many
 * insns it was, 0: not this shape. */
static u32 join_address(struct jit *j, u32 pc)
{
	const struct insn *i = &j->prog->insns[pc];
	u32 dst = reg_of[i->dst], src = reg_of[i->src], opcode;
	bool w;

	if (i->code != (CLS_ALU64 | SRC_X | ALU_MOV) || i->off || i->dst == i->src)
		return 0;
	if (!joins(j, pc + 1) || i[1].dst != i->dst || i[1].off)
		return 0;
	if (i[1].code == (CLS_ALU64 | SRC_K | ALU_ADD)) {
		x86_rm(&j->e, true, 0x8d, dst, src, i[1].imm, false);
		return 2;
	}
	if (i[1].code != (CLS_ALU64 | SRC_X | ALU_ADD) || i[1].src == i->dst)
		return 0;
	if (joins(j, pc + 2) && i[2].dst == i->dst && i[2].src == i->dst &&
	    INSN_CLASS(i[2].code) == CLS_LDX) {
		opcode = load_opcode(&i[2], &w);
		x86_rm_index(&j->e, w, opcode, dst, src, reg_of[i[1].src], i[2].off);
		return 3;
	}
	x86_rm_index(&j->e, true, 0x8d, dst, src, reg_of[i[1].src], 0);
	return 2;
}

/* d <<= n, d >>= n: the low bits alone, as compilers without 32-bit insns write it. */
static u32 join_shifts(struct jit *j, u32 pc)
{
	const struct insn *i = &j->prog->insns[pc];
	bool is_signed;

	if (i->code != (CLS_ALU64 | SRC_K | ALU_LSH) || !joins(j, pc + 1))
		return 0;
	is_signed = i[1].code == (CLS_ALU64 | SRC_K | ALU_ARSH);
	if (i[1].dst != i->dst || i[1].imm != i->imm ||
	    (!is_signed && i[1].code != (CLS_ALU64 | SRC_K | ALU_RSH)) || i->imm != 32)
		return 0;
	if (is_signed)
		sign_extend(&j->e, true, reg_of[i->dst], reg_of[i->dst], 32);
	else
		x86_op(&j->e, false, OP_MOV, reg_of[i->dst], reg_of[i->dst]);
	return 2;
}

/* A move of at least the width that is shifted afterwards, between two registers. */
static bool is_mov(const struct insn *i, bool w)
{
	return (i->code == (CLS_ALU64 | SRC_X | ALU_MOV) || (!w && i->code == (CLS_ALU | SRC_X | ALU_MOV))) &&
	       !i->off && i->dst != i->src;
}

static bool is_shift(const struct insn *i, u8 cls)
{
	return i->code == (cls | SRC_K | ALU_LSH) || i->code == (cls | SRC_K | ALU_RSH);
}

/* Do the shifts one and other of the same value turn it, by how much to the left? */
static u32 turn(const struct insn *one, const struct insn *other)
{
	u32 width = INSN_CLASS(one->code) == CLS_ALU64 ? 64 : 32;
	const struct insn *left = INSN_OP(one->code) == ALU_LSH ? one : other;

	if (!is_shift(one, INSN_CLASS(one->code)) || !is_shift(other, INSN_CLASS(one->code)) ||
	    one->code == other->code)
		return 0;
	if (one->imm <= 0 || other->imm <= 0 || one->imm + other->imm != (s32)width)
		return 0;
	return (u32)left->imm;
}

/* A rotation, which BPF has not, in the two ways compilers write it:
 *	a = b; a <<= n; b >>= m; b |= a                 (the value turns in place)
 *	a = c; a <<= n; b = c; b >>= m; a |= b          (its source lives on)
 * with the shifts in either order.  The other register keeps its part. */
static u32 join_rotate(struct jit *j, u32 pc)
{
	const struct insn *i = &j->prog->insns[pc];
	u8 cls = INSN_CLASS(i[1].code);
	bool w = cls == CLS_ALU64, in_place;
	const struct insn *second;
	u32 a = reg_of[i->dst], from = reg_of[i->src], n = 0, k = 1;

	while (k < 4 && joins(j, pc + k))
		k++;
	if (k < 4 || !is_mov(i, w) || i[1].dst != i->dst)
		return 0;
	in_place = !is_mov(&i[2], w);
	second = in_place ? &i[2] : &i[3];
	if (!in_place && (!joins(j, pc + 4) || i[2].src != i->src || i[2].dst == i->dst))
		return 0;
	if (second->dst != (in_place ? i->src : i[2].dst) || second[1].code != (cls | SRC_X | ALU_OR))
		return 0;
	n = turn(&i[1], second);
	if (!n)
		return 0;
	if (in_place) {
		if (second[1].dst != i->src || second[1].src != i->dst)
			return 0;
		x86_op(&j->e, w, OP_MOV, a, from);
		shift(j, w, INSN_OP(i[1].code) == ALU_LSH ? SHIFT_SHL : SHIFT_SHR, &i[1]);
		x86_shift_imm(&j->e, w, SHIFT_ROL, from, n);
		return 4;
	}
	if (!j->has_bmi2 || second[1].dst != i->dst || second[1].src != second->dst)
		return 0;
	x86_op(&j->e, w, OP_MOV, reg_of[second->dst], from);
	shift(j, w, INSN_OP(second->code) == ALU_LSH ? SHIFT_SHL : SHIFT_SHR, second);
	x86_rorx(&j->e, w, a, from, (w ? 64 : 32) - n);
	return 5;
}

u32 jit_arch_insn(struct jit *j, u32 f, u32 pc)
{
	const struct insn *i = &j->prog->insns[pc];
	struct emit *e = &j->e;
	u32 joined = join_address(j, pc);

	if (!joined)
		joined = join_shifts(j, pc);
	if (!joined)
		joined = join_rotate(j, pc);
	if (joined)
		return joined;
	switch (INSN_CLASS(i->code)) {
	case CLS_LD:
		if (insn_is_wide(i)) {
			x86_mov_imm(e, reg_of[i->dst], wide_value(i, pc));
			return 2;
		}
		packet_load(j, f, i);
		break;
	case CLS_LDX: load(e, i); break;
	case CLS_ST: store_imm(e, i); break;
	case CLS_STX:
		if (INSN_MODE(i->code) == MODE_ATOMIC)
			atomic(e, i);
		else
			store(e, i);
		break;
	case CLS_ALU:
	case CLS_ALU64: alu_insn(j, i); break;
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

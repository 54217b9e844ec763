/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/xol.c - what an insn under a breakpoint does, and where it can run instead.
 *
 * Decoding is Zydis's.  Conditions and operand forms: Intel SDM, volume 1, 3.4.3, and volume 2,
 * Jcc, LOOP and CALL.
 */
#include "hook/xol.h"
#include "hook/zydis.h"
#include <errno.h>
#include <string.h>

enum { FLAG_CF = 1, FLAG_PF = 4, FLAG_ZF = 0x40, FLAG_SF = 0x80, FLAG_OF = 0x800 };

/* The general register with the CPU's number n. */
static unsigned long long *reg_at(struct user_regs_struct *r, s8 n)
{
	unsigned long long *const regs[] = {
		&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp, &r->rsi, &r->rdi,
		&r->r8,	 &r->r9,  &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15,
	};

	return regs[n & 15];
}

static s8 reg_number(ZydisRegister reg)
{
	return reg == ZYDIS_REGISTER_NONE ? -1 : zydis_load()->reg_id(reg);
}

static void decode_mem(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op, u64 addr,
		       struct xol_insn *out)
{
	bool rip = op->mem.base == ZYDIS_REGISTER_RIP;

	out->base = rip ? -1 : reg_number(op->mem.base);
	out->index = reg_number(op->mem.index);
	out->scale = op->mem.scale;
	out->disp = op->mem.disp.has_displacement ? op->mem.disp.value : 0;
	if (rip)
		out->disp += (s64)(addr + in->length);
	out->segment = op->mem.segment == ZYDIS_REGISTER_FS ? 'f' :
		       op->mem.segment == ZYDIS_REGISTER_GS ? 'g' : 0;
}

/* CALL in its near forms; a far one changes cs and is not found in 64-bit programs. */
static int decode_call(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op, u64 addr,
		       struct xol_insn *out)
{
	if (in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR || in->operand_width == 16 ||
	    in->address_width != 64)
		return -ENOTSUP;
	switch (op->type) {
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		out->kind = XOL_CALL;
		out->target = addr + in->length + op->imm.value.u;
		return 0;
	case ZYDIS_OPERAND_TYPE_REGISTER:
		out->kind = XOL_CALL_REG;
		out->base = reg_number(op->reg.value);
		out->modrm_at = in->raw.modrm.offset;
		return 0;
	case ZYDIS_OPERAND_TYPE_MEMORY:
		out->kind = XOL_CALL_MEM;
		out->modrm_at = in->raw.modrm.offset;
		if (op->mem.base == ZYDIS_REGISTER_RIP)
			out->disp_at = in->raw.disp.offset;
		decode_mem(in, op, addr, out);
		return 0;
	default:
		return -ENOTSUP;
	}
}

static int decode_branch(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op, u64 addr,
			 struct xol_insn *out)
{
	if (op->type != ZYDIS_OPERAND_TYPE_IMMEDIATE) /* indirect jmp: may stand anywhere */
		return 0;
	out->target = addr + in->length + op->imm.value.u;
	out->cx32 = in->address_width == 32;
	switch (in->mnemonic) {
	case ZYDIS_MNEMONIC_JMP:
		out->kind = XOL_JUMP;
		return 0;
	case ZYDIS_MNEMONIC_JRCXZ:
	case ZYDIS_MNEMONIC_JECXZ:
		out->kind = XOL_JUMP_CX;
		out->cx = CX_ZERO;
		return 0;
	case ZYDIS_MNEMONIC_LOOP:
	case ZYDIS_MNEMONIC_LOOPE:
	case ZYDIS_MNEMONIC_LOOPNE:
		out->kind = XOL_JUMP_CX;
		out->cx = in->mnemonic == ZYDIS_MNEMONIC_LOOP ? CX_LOOP :
			  in->mnemonic == ZYDIS_MNEMONIC_LOOPE ? CX_LOOP_EQ : CX_LOOP_NE;
		return 0;
	case ZYDIS_MNEMONIC_XBEGIN:
		return -ENOTSUP;
	default:
		out->kind = XOL_JUMP_IF;
		out->cc = in->opcode & 15; /* 70+cc, and 0f 80+cc */
		return 0;
	}
}

bool xol_works(void)
{
	return zydis_load() != NULL;
}

int xol_decode(const u8 *bytes, size_t n, u64 addr, struct xol_insn *out)
{
	const struct zydis *z = zydis_load();
	ZydisDecoder decoder;
	ZydisDecodedInstruction in;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];

	if (!z)
		return -ENOSYS;
	z->decoder_init(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (ZYAN_FAILED(z->decode(&decoder, bytes, n, &in, ops)))
		return -EINVAL;
	*out = (struct xol_insn){ .kind = XOL_COPY, .len = in.length, .base = -1, .index = -1 };
	memcpy(out->bytes, bytes, in.length);
	switch (in.mnemonic) {
	case ZYDIS_MNEMONIC_NOP:
	case ZYDIS_MNEMONIC_ENDBR64:
	case ZYDIS_MNEMONIC_ENDBR32:
		out->kind = XOL_NOP;
		return 0;
	case ZYDIS_MNEMONIC_INT3:
		return -ENOTSUP;
	case ZYDIS_MNEMONIC_CALL:
		return decode_call(&in, &ops[0], addr, out);
	case ZYDIS_MNEMONIC_PUSH:
		if (ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER && ops[0].size == 64 &&
		    z->reg_class(ops[0].reg.value) == ZYDIS_REGCLASS_GPR64) {
			out->kind = XOL_PUSH;
			out->base = reg_number(ops[0].reg.value);
			return 0;
		}
		break;
	case ZYDIS_MNEMONIC_RET:
		if (in.meta.branch_type == ZYDIS_BRANCH_TYPE_NEAR && in.operand_width != 16) {
			out->kind = XOL_RET;
			if (ops[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
				out->imm = (u16)ops[0].imm.value.u;
		}
		return 0;
	default:
		break;
	}
	if (in.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE) {
		int err = decode_branch(&in, &ops[0], addr, out);

		if (err || out->kind != XOL_COPY)
			return err;
	}
	for (u32 i = 0; i < in.operand_count; i++) {
		if (ops[i].type != ZYDIS_OPERAND_TYPE_MEMORY)
			continue;
		if (ops[i].mem.base == ZYDIS_REGISTER_EIP)
			return -ENOTSUP;
		if (ops[i].mem.base != ZYDIS_REGISTER_RIP)
			continue;
		out->disp_at = in.raw.disp.offset;
		out->target = addr + in.length + (u64)in.raw.disp.value;
	}
	return 0;
}

/* ---- emulation ---- */

static bool condition(u8 cc, u64 flags)
{
	bool cf = flags & FLAG_CF, zf = flags & FLAG_ZF, sf = flags & FLAG_SF;
	bool of = flags & FLAG_OF, pf = flags & FLAG_PF, yes = false;

	switch (cc >> 1) {
	case 0: yes = of; break;
	case 1: yes = cf; break;
	case 2: yes = zf; break;
	case 3: yes = cf || zf; break;
	case 4: yes = sf; break;
	case 5: yes = pf; break;
	case 6: yes = sf != of; break;
	case 7: yes = zf || sf != of; break;
	}
	return yes != (cc & 1);
}

/* jrcxz and the loop family; the latter count rcx down first. */
static bool jump_cx(const struct xol_insn *x, struct user_regs_struct *r)
{
	if (x->cx != CX_ZERO)
		r->rcx = x->cx32 ? (u32)(r->rcx - 1) : r->rcx - 1;

	bool zero = x->cx32 ? !(u32)r->rcx : !r->rcx;

	switch (x->cx) {
	case CX_ZERO:
		return zero;
	case CX_LOOP:
		return !zero;
	case CX_LOOP_EQ:
		return !zero && r->eflags & FLAG_ZF;
	default:
		return !zero && !(r->eflags & FLAG_ZF);
	}
}

static bool push(struct user_regs_struct *r, const struct xol_mem *mem, u64 value)
{
	if (mem->write(mem->arg, r->rsp - 8, &value, sizeof(value)))
		return false;
	r->rsp -= 8;
	return true;
}

static bool call_target(const struct xol_insn *x, struct user_regs_struct *r,
			const struct xol_mem *mem, u64 *target)
{
	u64 addr = (u64)x->disp;

	if (x->kind == XOL_CALL) {
		*target = x->target;
		return true;
	}
	if (x->base >= 0)
		addr += *reg_at(r, x->base);
	if (x->kind == XOL_CALL_REG) {
		*target = addr;
		return true;
	}
	if (x->index >= 0)
		addr += *reg_at(r, x->index) * x->scale;
	if (x->segment)
		addr += x->segment == 'f' ? r->fs_base : r->gs_base;
	return !mem->read(mem->arg, addr, target, sizeof(*target));
}

bool xol_emulate(const struct xol_insn *x, struct user_regs_struct *regs, const struct xol_mem *mem,
		 bool without_slot)
{
	struct user_regs_struct r = *regs;
	u64 next = r.rip + x->len, target;

	switch ((enum xol_kind)x->kind) {
	case XOL_COPY:
		return false;
	case XOL_NOP:
		break;
	case XOL_JUMP:
		next = x->target;
		break;
	case XOL_JUMP_IF:
		if (condition(x->cc, r.eflags))
			next = x->target;
		break;
	case XOL_JUMP_CX:
		if (jump_cx(x, &r))
			next = x->target;
		break;
	case XOL_CALL:
	case XOL_CALL_REG:
	case XOL_CALL_MEM:
		if (!call_target(x, &r, mem, &target) || !push(&r, mem, next))
			return false;
		next = target;
		break;
	case XOL_PUSH:
		if (!without_slot || !push(&r, mem, *reg_at(&r, x->base)))
			return false;
		break;
	case XOL_RET:
		if (!without_slot || mem->read(mem->arg, r.rsp, &next, sizeof(next)))
			return false;
		r.rsp += 8 + x->imm;
		break;
	}
	r.rip = next;
	*regs = r;
	return true;
}

/* ---- slots ---- */

static bool fits_s32(s64 v)
{
	return v == (s32)v;
}

/* A call that can't be emulated, because the stack must grow for it: the return address is pushed
 * from a constant in the slot, and call is turned into jmp (ff /2 into ff /4). */
static bool fill_call(const struct xol_insn *x, u64 addr, u64 slot_addr, u8 *out)
{
	static const u8 push_const[] = { 0xff, 0x35 }, jmp_const[] = { 0xff, 0x25, 8, 0, 0, 0 };
	u32 jump_len = x->kind == XOL_CALL ? sizeof(jmp_const) : x->len;
	u64 next = addr + x->len;

	if (XOL_PUSH_BYTES + jump_len + 8 > XOL_SLOT_BYTES ||
	    (x->kind != XOL_CALL && (x->base == 4 || x->index == 4)))
		return false;
	memcpy(out, push_const, sizeof(push_const));
	memcpy(out + 2, &jump_len, sizeof(jump_len)); /* distance to the constant behind the jump */
	memcpy(out + XOL_PUSH_BYTES + jump_len, &next, sizeof(next));
	if (x->kind == XOL_CALL) {
		memcpy(out + XOL_PUSH_BYTES, jmp_const, sizeof(jmp_const));
		memcpy(out + XOL_PUSH_BYTES + jump_len + 8, &x->target, sizeof(x->target));
		return true;
	}
	memcpy(out + XOL_PUSH_BYTES, x->bytes, x->len);
	out[XOL_PUSH_BYTES + x->modrm_at] ^= 2 << 3 ^ 4 << 3;
	if (!x->disp_at)
		return true;

	s64 disp = x->disp - (s64)(slot_addr + XOL_PUSH_BYTES + x->len);
	s32 d = (s32)disp;

	memcpy(out + XOL_PUSH_BYTES + x->disp_at, &d, sizeof(d));
	return fits_s32(disp);
}

bool xol_fill_slot(const struct xol_insn *x, u64 addr, u64 slot_addr, u8 out[XOL_SLOT_BYTES])
{
	s64 back = (s64)(addr + x->len - (slot_addr + x->len + 5));
	s64 disp = (s64)(x->target - (slot_addr + x->len));
	s32 rel = (s32)back;

	memset(out, 0xcc, XOL_SLOT_BYTES);
	if (x->kind == XOL_CALL || x->kind == XOL_CALL_REG || x->kind == XOL_CALL_MEM)
		return fill_call(x, addr, slot_addr, out);
	if (!fits_s32(back) || (x->disp_at && !fits_s32(disp)))
		return false;
	memcpy(out, x->bytes, x->len);
	if (x->disp_at) {
		s32 d = (s32)disp;

		memcpy(out + x->disp_at, &d, sizeof(d));
	}
	out[x->len] = 0xe9;
	memcpy(out + x->len + 1, &rel, sizeof(rel));
	return true;
}

bool xol_leave_slot(const struct xol_insn *x, u64 addr, u32 off, struct user_regs_struct *regs)
{
	bool call = x->kind == XOL_CALL || x->kind == XOL_CALL_REG || x->kind == XOL_CALL_MEM;
	bool done = !call && off == x->len;

	if (call && off == XOL_PUSH_BYTES)
		regs->rsp += 8;
	regs->rip = done ? addr + x->len : addr;
	return done;
}

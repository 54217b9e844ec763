/* SPDX-License-Identifier: BSD-2-Clause */
/* isa/disasm.c - insns as text, in the kernel's notation.
 *
 * Kernel 6.18: print_bpf_insn() in kernel/bpf/disasm.c gives the format, its verifier log the proof
 * (tests/isa/test_disasm.c).
 */
#include "isa/disasm.h"
#include "isa/check.h"
#include "isa/text.h"

struct dis {
	struct str *out;
	const struct insn *i;
	enum disasm_style style;
	const struct disasm_names *names;
};

static const char *alu_text(u32 op)
{
	switch (op) {
#define ALU(name, code, text, ...) \
	case code:                 \
		return text;
#include "isa/alu.def"
#undef ALU
	}
	return "?";
}

static const char *jmp_text(u32 op)
{
	switch (op) {
#define JMP(name, code, text, ...) \
	case code:                 \
		return text;
#include "isa/jmp.def"
#undef JMP
	}
	return "?";
}

static const char *width_text(u8 code)
{
	bool is_signed = INSN_CLASS(code) == CLS_LDX && INSN_MODE(code) == MODE_MEMSX;

	switch (INSN_SIZE(code)) {
#define WIDTH(name, value, bytes, unsigned_text, signed_text, ...) \
	case value:                                                \
		return is_signed && signed_text ? signed_text : unsigned_text;
#include "isa/mem.def"
	}
	return "?";
}

static void print_alu(const struct dis *d)
{
	const struct insn *i = d->i;
	bool is64 = INSN_CLASS(i->code) == CLS_ALU64, reg = INSN_SRC(i->code) == SRC_X;
	char r = is64 ? 'r' : 'w';
	u32 op = INSN_OP(i->code);
	bool is_signed = (op == ALU_DIV || op == ALU_MOD) && i->off == ALU_SIGNED;

	if (op == ALU_END) {
		str_addf(d->out, "r%u = %s%d r%u", i->dst, is64 ? "bswap" : reg ? "be" : "le", i->imm,
			 i->dst);
	} else if (op == ALU_NEG) {
		str_addf(d->out, "%c%u = -%c%u", r, i->dst, r, i->dst);
	} else if (op == ALU_MOV && is64 && reg && i->off == ALU_ADDR_SPACE_CAST) {
		str_addf(d->out, "r%u = addr_space_cast(r%u, %u, %u)", i->dst, i->src,
			 (u32)i->imm >> 16, (u16)i->imm);
	} else {
		str_addf(d->out, "%c%u %s%s ", r, i->dst, is_signed ? "s" : "", alu_text(op));
		if (op == ALU_MOV && reg && (i->off == 8 || i->off == 16 || i->off == 32))
			str_addf(d->out, "(s%d)", i->off);
		if (reg)
			str_addf(d->out, "%c%u", r, i->src);
		else
			str_addf(d->out, "%d", i->imm);
	}
}

/* "(u64 *)(r1 +8)" */
static void print_address(const struct dis *d, u32 reg)
{
	str_addf(d->out, "(%s *)(r%u %+d)", width_text(d->i->code), reg, d->i->off);
}

static void print_atomic_call(const struct dis *d)
{
	const struct insn *i = d->i;
	bool cmp = i->imm == ATOMIC_CMPXCHG;

	for (u32 n = 0; n < ARRAY_SIZE(atomic_calls); n++) {
		if (atomic_calls[n].op != i->imm)
			continue;
		str_addf(d->out, "r%u = atomic%s_%s(", cmp ? 0 : i->src,
			 INSN_SIZE(i->code) == SZ_DW ? "64" : "", atomic_calls[n].name);
		print_address(d, i->dst);
		str_addf(d->out, "%s, r%u)", cmp ? ", r0" : "", i->src);
		return;
	}
	str_addf(d->out, "BUG_%02x", i->code);
}

static void print_atomic(const struct dis *d)
{
	const struct insn *i = d->i;

	switch (i->imm) {
	case ATOMIC_ADD:
	case ATOMIC_OR:
	case ATOMIC_AND:
	case ATOMIC_XOR:
		str_add(d->out, "lock *");
		print_address(d, i->dst);
		str_addf(d->out, " %s r%u", alu_text((u32)i->imm), i->src);
		break;
	case ATOMIC_LOAD_ACQ:
		str_addf(d->out, "r%u = load_acquire(", i->dst);
		print_address(d, i->src);
		str_addc(d->out, ')');
		break;
	case ATOMIC_STORE_REL:
		str_add(d->out, "store_release(");
		print_address(d, i->dst);
		str_addf(d->out, ", r%u)", i->src);
		break;
	default:
		print_atomic_call(d);
	}
}

static void print_store(const struct dis *d)
{
	const struct insn *i = d->i;
	bool reg = INSN_CLASS(i->code) == CLS_STX;

	if (reg && INSN_MODE(i->code) == MODE_ATOMIC) {
		print_atomic(d);
	} else if (INSN_MODE(i->code) != MODE_MEM) {
		str_addf(d->out, reg ? "BUG_%02x" : "BUG_st_%02x", i->code);
	} else {
		str_addc(d->out, '*');
		print_address(d, i->dst);
		str_addf(d->out, reg ? " = r%d" : " = %d", reg ? i->src : i->imm);
	}
}

static void print_wide_exact(const struct dis *d)
{
	const struct insn *i = d->i;
	u32 low = (u32)i->imm, high = (u32)i[1].imm;

	switch (i->src) {
	case PSEUDO_MAP_FD:
		str_addf(d->out, "map[fd:%d]", i->imm);
		break;
	case PSEUDO_MAP_VALUE:
		str_addf(d->out, "map[fd:%d][0]+%u", i->imm, high);
		break;
	case PSEUDO_MAP_IDX:
		str_addf(d->out, "map[idx:%u]", low);
		break;
	case PSEUDO_MAP_IDX_VALUE:
		str_addf(d->out, "map[idx:%u][0]+%u", low, high);
		break;
	case PSEUDO_BTF_ID:
		str_addf(d->out, "btf[fd:%d][id:%u]", i[1].imm, low);
		break;
	case PSEUDO_FUNC:
		str_addf(d->out, "subprog[%+d]", i->imm);
		break;
	default:
		str_addf(d->out, "0x%lx ll", insn_imm64(i));
	}
}

static void print_wide(const struct dis *d)
{
	const struct insn *i = d->i;

	str_addf(d->out, "r%u = ", i->dst);
	if (d->names && d->names->wide && d->names->wide(d->names->arg, i, d->out))
		return;
	if (d->style == DISASM_EXACT)
		print_wide_exact(d);
	else
		str_addf(d->out, "0x%lx", insn_imm64(i));
}

static void print_load(const struct dis *d)
{
	const struct insn *i = d->i;
	u32 mode = INSN_MODE(i->code);

	if (INSN_CLASS(i->code) == CLS_LDX) {
		if (mode != MODE_MEM && mode != MODE_MEMSX) {
			str_addf(d->out, "BUG_ldx_%02x", i->code);
			return;
		}
		str_addf(d->out, "r%u = *", i->dst);
		print_address(d, i->src);
	} else if (mode == MODE_ABS) {
		str_addf(d->out, "r0 = *(%s *)skb[%d]", width_text(i->code), i->imm);
	} else if (mode == MODE_IND) {
		str_addf(d->out, "r0 = *(%s *)skb[r%u + %d]", width_text(i->code), i->src, i->imm);
	} else {
		str_addf(d->out, "BUG_ld_%02x", i->code);
	}
}

static void print_call(const struct dis *d)
{
	const struct insn *i = d->i;
	const struct disasm_names *names = d->names;
	const char *name = NULL;

	if (i->src == CALL_SUBPROG) {
		str_addf(d->out, "call pc%+d", i->imm);
	} else if (i->src == CALL_KFUNC) {
		if (names && names->kfunc && d->style == DISASM_KERNEL)
			name = names->kfunc(names->arg, i);
		str_addf(d->out, "call %s#%d", name ? name : "kernel-function", i->imm);
	} else {
		if (names && names->helper && i->imm >= 0)
			name = names->helper(names->arg, (u32)i->imm);
		str_addf(d->out, "call %s%s#%d", name ? "bpf_" : "", name ? name : "unknown", i->imm);
	}
}

static void print_jmp(const struct dis *d)
{
	const struct insn *i = d->i;
	char r = INSN_CLASS(i->code) == CLS_JMP32 ? 'w' : 'r';
	u32 op = INSN_OP(i->code);

	if (op == JMP_CALL) {
		print_call(d);
	} else if (i->code == (CLS_JMP | JMP_JA)) {
		str_addf(d->out, "goto pc%+d", i->off);
	} else if (i->code == (CLS_JMP32 | JMP_JA)) {
		str_addf(d->out, "gotol pc%+d", i->imm);
	} else if (i->code == (CLS_JMP | JMP_JCOND) && i->src == 0) {
		str_addf(d->out, "may_goto pc%+d", i->off);
	} else if (i->code == (CLS_JMP | JMP_EXIT)) {
		str_add(d->out, "exit");
	} else {
		str_addf(d->out, "if %c%u %s ", r, i->dst, jmp_text(op));
		if (INSN_SRC(i->code) == SRC_X)
			str_addf(d->out, "%c%u", r, i->src);
		else
			str_addf(d->out, "0x%x", (u32)i->imm);
		str_addf(d->out, " goto pc%+d", i->off);
	}
}

/* Valid, and every field stands in the text. */
static bool text_is_exact(const struct insn *i, u32 left)
{
	if (insn_check(i, left, 0, (struct place){ 0 }, NULL) < 0)
		return false;
	if (insn_is_wide(i))
		return i->src != PSEUDO_FUNC || i[1].imm == 0;
	return !(insn_is_call(i) && i->src == CALL_KFUNC && i->off);
}

u32 disasm_insn(struct str *out, const struct insn *i, u32 left, enum disasm_style style,
		const struct disasm_names *names)
{
	struct dis d = { out, i, style, names };

	if (style == DISASM_EXACT && !text_is_exact(i, left)) {
		const u8 *b = (const u8 *)i;

		str_addf(out, ".insn %02x %02x %02x %02x %02x %02x %02x %02x", b[0], b[1], b[2],
			 b[3], b[4], b[5], b[6], b[7]);
		return 1;
	}
	switch (INSN_CLASS(i->code)) {
	case CLS_ALU:
	case CLS_ALU64:
		print_alu(&d);
		break;
	case CLS_ST:
	case CLS_STX:
		print_store(&d);
		break;
	case CLS_JMP:
	case CLS_JMP32:
		print_jmp(&d);
		break;
	case CLS_LDX:
		print_load(&d);
		break;
	case CLS_LD:
		if (!insn_is_wide(i) || left < 2) {
			print_load(&d);
			break;
		}
		print_wide(&d);
		return 2;
	}
	return 1;
}

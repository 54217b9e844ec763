/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/core_patch.c - puts a CO-RE decision into an insn.
 *
 *	rX = imm, rX += imm          the immediate          rX = imm ll     both halves
 *	rX = *(uN *)(rY + off), *(uN *)(rX + off) = ...     the offset, and N where sizes differ
 */
#include "btf/core.h"
#include <errno.h>

struct patch {
	struct insn *insn;
	const struct core_result *r;
	struct diag *dg;
	struct place at;
	u32 pc;
};

static void poison(struct insn *i)
{
	*i = (struct insn){ .code = CLS_JMP | JMP_CALL, .imm = CORE_POISON };
}

static int unexpected(const struct patch *p, s64 found)
{
	return diag_error(p->dg, p->at, -EINVAL,
			  "CO-RE: insn %u holds %ld where the compiler should have put %lu", p->pc,
			  found, p->r->orig);
}

static int patch_mem(const struct patch *p)
{
	static const u8 widths[] = { [1] = SZ_B, [2] = SZ_H, [4] = SZ_W, [8] = SZ_DW };
	const struct core_result *r = p->r;
	struct insn *i = p->insn;

	if (r->validate && (u64)(s64)i->off != r->orig)
		return unexpected(p, i->off);
	if (r->value > INT16_MAX)
		return diag_error(p->dg, p->at, -ERANGE,
				  "CO-RE: offset %lu is too large for a load or store (insn %u)",
				  r->value, p->pc);
	if (r->bad_size) {
		diag_note(p->dg, p->at, "CO-RE: insn %u reads %u bytes of a field that has %u here: only "
			  "pointers and unsigned integers can be adjusted", p->pc, r->orig_size,
			  r->new_size);
		poison(i);
		return 0;
	}
	i->off = (s16)r->value;
	if (r->new_size == r->orig_size)
		return 0;
	if (insn_size_bytes(i->code) != r->orig_size)
		return diag_error(p->dg, p->at, -EINVAL,
				  "CO-RE: insn %u moves %u bytes of a field of %u", p->pc,
				  insn_size_bytes(i->code), r->orig_size);
	if (r->new_size != 1 && r->new_size != 2 && r->new_size != 4 && r->new_size != 8)
		return diag_error(p->dg, p->at, -EINVAL,
				  "CO-RE: insn %u can't move %u bytes at once", p->pc, r->new_size);
	i->code = INSN_MODE(i->code) | widths[r->new_size] | INSN_CLASS(i->code);
	return 0;
}

static int patch_wide(const struct patch *p)
{
	struct insn *i = p->insn;

	if (i[0].src || i[0].off || i[1].code || i[1].dst || i[1].src || i[1].off)
		return diag_error(p->dg, p->at, -EINVAL,
				  "CO-RE: insn %u is no load of a plain constant", p->pc);
	if (p->r->validate && insn_imm64(i) != p->r->orig)
		return unexpected(p, (s64)insn_imm64(i));
	insn_set_imm64(i, p->r->value);
	return 0;
}

int core_patch_insn(struct insn *insns, u32 n_insns, u32 pc, const struct core_result *r,
		    struct diag *dg, struct place at)
{
	struct patch p = { &insns[pc], r, dg, at, pc };
	bool wide = pc < n_insns && insn_is_wide(p.insn);

	if (pc >= n_insns || (wide && pc + 1 >= n_insns))
		return diag_error(dg, at, -EINVAL, "CO-RE: insn %u is past the function's end", pc);
	if (r->poison) {
		/* Both halves, so that the verifier complains about the first. */
		if (wide)
			poison(p.insn + 1);
		poison(p.insn);
		return 0;
	}
	switch (INSN_CLASS(p.insn->code)) {
	case CLS_ALU:
	case CLS_ALU64:
		if (INSN_SRC(p.insn->code) != SRC_K)
			break;
		if (r->validate && (u64)(s64)p.insn->imm != r->orig)
			return unexpected(&p, p.insn->imm);
		p.insn->imm = (s32)r->value;
		return 0;
	case CLS_LDX:
	case CLS_ST:
	case CLS_STX:
		return patch_mem(&p);
	case CLS_LD:
		if (wide)
			return patch_wide(&p);
		break;
	default:
		break;
	}
	return diag_error(dg, at, -EINVAL, "CO-RE: insn %u (code 0x%x) can't be relocated", pc,
			  p.insn->code);
}

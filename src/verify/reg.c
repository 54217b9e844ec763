/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/reg.c - setting a register to what an insn made of it. */
#include "abi/uapi.h"
#include "verify/env.h"
#include "verify/record.h"
#include <string.h>

bool type_is_sk_pointer(u32 type)
{
	return type == PTR_SOCKET || type == PTR_SOCK_COMMON || type == PTR_TCP_SOCK ||
	       type == PTR_XDP_SOCK;
}

bool reg_is_null(const struct reg *r)
{
	return r->type == REG_SCALAR && tnum_equals(r->val.bits, 0);
}

bool reg_is_const(const struct reg *r, bool is32)
{
	return r->type == REG_SCALAR &&
	       tnum_is_const(is32 ? tnum_subreg(r->val.bits) : r->val.bits);
}

u64 reg_const_value(const struct reg *r, bool is32)
{
	return is32 ? tnum_subreg(r->val.bits).value : r->val.bits.value;
}

/* A pointer to a kernel struct that is certainly to one.  Kernel 6.18: is_trusted_reg(). */
static bool is_trusted_struct(const struct reg *r)
{
	const u32 trusted = T_ALLOC | T_TRUSTED | T_NON_OWN_REF;

	return r->ref_obj_id || (REG_FLAGS(r->type) & trusted && !(REG_FLAGS(r->type) & ~trusted));
}

/* Types that promise a base which is not null; an offset without bounds may still wrap to 0.
 * Kernel 6.18: reg_not_null(). */
bool reg_not_null(const struct reg *r)
{
	const s64 off_max = 1 << 29; /* BPF_MAX_VAR_OFF */

	if (type_may_be_null(r->type) || r->val.smin <= -off_max || r->val.smax >= off_max)
		return false;
	switch (REG_BASE(r->type)) {
	case PTR_SOCKET: case PTR_TCP_SOCK: case PTR_XDP_SOCK: case PTR_SOCK_COMMON: case PTR_BUF:
	case PTR_MAP_VALUE: case PTR_MAP_KEY: case PTR_MAP:
		return true;
	case PTR_BTF:
		return is_trusted_struct(r);
	case PTR_MEM:
		return !(r->type & T_UNTRUSTED);
	default:
		return false;
	}
}

/* Everything before the number: offset and what the type's union says. */
static void clear_identity(struct reg *r)
{
	r->off = 0;
	r->raw[0] = r->raw[1] = 0;
	r->id = 0;
	r->ref_obj_id = 0;
}

void reg_const(struct reg *r, u64 value)
{
	clear_identity(r);
	r->val = scalar_const(value);
}

void reg_zero_off(struct reg *r)
{
	reg_const(r, 0);
}

void reg_const_zero(struct verify *v, struct reg *r)
{
	reg_const(r, 0);
	r->type = REG_SCALAR;
	r->precise = !v->bpf_capable;
}

void reg_unknown_imprecise(struct reg *r)
{
	clear_identity(r);
	r->type = REG_SCALAR;
	r->val = scalar_unknown();
	r->frameno = 0;
	r->precise = false;
}

void reg_unknown(struct verify *v, struct reg *r)
{
	reg_unknown_imprecise(r);
	r->precise = !v->bpf_capable;
}

void reg_not_init(struct verify *v, struct reg *r)
{
	reg_unknown(v, r);
	r->type = REG_NOT_INIT;
}

void reg_unknown_at(struct verify *v, struct reg *regs, u32 regno)
{
	reg_unknown(v, &regs[regno]);
}

void reg_not_init_at(struct verify *v, struct reg *regs, u32 regno)
{
	reg_not_init(v, &regs[regno]);
}

void reg_known_zero_at(struct verify *v, struct reg *regs, u32 regno)
{
	(void)v;
	reg_zero_off(&regs[regno]);
}

/* Kernel 6.18: mark_ptr_not_null_reg().  What a lookup gives depends on what the map holds. */
void reg_mark_not_null(struct reg *r)
{
	const struct verify_map *m = r->map;

	if (REG_BASE(r->type) != PTR_MAP_VALUE) {
		r->type &= ~(u32)T_MAYBE_NULL;
		return;
	}
	if (m->inner) {
		r->type = PTR_MAP;
		r->map = m->inner;
		if (m->inner->record &&
		    m->inner->record->mask & (FIELD_TIMER | FIELD_WORKQUEUE | FIELD_TASK_WORK))
			r->map_uid = r->id;
	} else if (m->type == BPF_MAP_TYPE_XSKMAP) {
		r->type = PTR_XDP_SOCK;
	} else if (m->type == BPF_MAP_TYPE_SOCKMAP || m->type == BPF_MAP_TYPE_SOCKHASH) {
		r->type = PTR_SOCKET;
	} else {
		r->type = PTR_MAP_VALUE;
	}
}

int reg_btf_load(struct verify *v, struct reg *regs, u32 regno, enum reg_type base,
		 const struct btf *btf, u32 btf_id, u32 flags)
{
	struct reg *r = &regs[regno];

	switch (base) {
	case REG_SCALAR:
		reg_unknown(v, r);
		return 0;
	case PTR_BTF:
		reg_zero_off(r);
		r->type = PTR_BTF | flags;
		r->btf = btf;
		r->btf_id = btf_id;
		if (type_may_be_null(flags))
			r->id = ++v->id_gen;
		return 0;
	case PTR_MEM:
		reg_zero_off(r);
		r->type = PTR_MEM | flags;
		r->mem_size = 0;
		return 0;
	default:
		return v_bug(v, "unexpected reg_type %u in a load by BTF", (u32)base);
	}
}

void reg_graph_node(struct reg *regs, u32 regno, const void *head_field)
{
	const struct record_field *f = head_field;
	struct reg *r = &regs[regno];

	reg_zero_off(r);
	r->type = PTR_BTF | T_ALLOC;
	r->btf = f->btf;
	r->btf_id = f->value_btf_id;
	r->off = (s32)f->node_offset;
}

/* ---- slots ---- */

bool slot_is_spill(const struct slot *s)
{
	return s->type[7] == SLOT_SPILL;
}

bool slot_is_scalar_spill(const struct slot *s)
{
	return slot_is_spill(s) && s->reg.type == REG_SCALAR;
}

bool slot_is_scalar_spill64(const struct slot *s)
{
	return s->type[0] == SLOT_SPILL && s->reg.type == REG_SCALAR;
}

bool slot_is_special(const struct slot *s)
{
	switch (s->type[7]) {
	case SLOT_DYNPTR:
	case SLOT_ITER:
	case SLOT_IRQ_FLAG:
		return true;
	}
	return false;
}

void slot_scrub(u8 *type)
{
	if (*type != SLOT_INVALID)
		*type = SLOT_MISC;
}

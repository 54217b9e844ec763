/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/stack.c - loads and stores of the stack, spilled registers among them.
 *
 * A slot is eight bytes.  byte_of(off) of slot_of(off) is where the byte at fp + off is kept; an
 *access of a known place lies in one slot, since stack accesses are aligned:
 *
 *	fp-16            fp-8             fp
 *	 | 7 6 5 4 3 2 1 0 | 7 6 5 4 3 2 1 0 |
 *	      slot 1            slot 0
 *
 * A register stored to the low bytes of a slot is spilled: slot.reg is what it was, and as many
 *bytes, from byte 7 downwards, are SPILL.  Ranges of bytes that calls touch: stack_range.c.
 */
#include "verify/alu.h"
#include "verify/call.h"
#include "verify/live.h"
#include "verify/log.h"
#include "verify/mem.h"
#include "verify/prune.h"
#include "verify/stack.h"
#include "verify/walk.h"
#include <errno.h>

/* Kernel 6.18: is_spillable_regtype().  Other pointers lose what is known of them. */
static bool spillable(u32 type)
{
	switch (REG_BASE(type)) {
	case PTR_MAP_VALUE:
	case PTR_STACK:
	case PTR_CTX:
	case PTR_PACKET:
	case PTR_PACKET_META:
	case PTR_PACKET_END:
	case PTR_FLOW_KEYS:
	case PTR_MAP:
	case PTR_SOCKET:
	case PTR_SOCK_COMMON:
	case PTR_TCP_SOCK:
	case PTR_XDP_SOCK:
	case PTR_BTF:
	case PTR_BUF:
	case PTR_MEM:
	case PTR_FUNC:
	case PTR_MAP_KEY:
	case PTR_ARENA:
		return true;
	default:
		return false;
	}
}

/* Bits that the number may need. */
static u32 width_bits(const struct reg *r)
{
	return r->val.umax ? 64 - (u32)__builtin_clzll(r->val.umax) : 0;
}

static bool insn_is_st(const struct insn *i)
{
	return INSN_CLASS(i->code) == CLS_ST && INSN_MODE(i->code) == MODE_MEM;
}

/* Below fastcall_off only the spills around calls that keep registers may go; another access there
 * means that they can't be left out.  check_fastcall_stack_contract(). */
void stack_fastcall_check(struct verify *v, const struct frame *f, u32 pc, s32 off)
{
	struct subprog *sub = &v->subprogs[f->subprog];

	if (sub->fastcall_off <= off || v->aux[pc].fastcall_pattern)
		return;
	sub->fastcall_off = INT16_MIN;
	for (u32 i = sub->start; i < sub[1].start; i++) {
		v->aux[i].fastcall_spills = 0;
		v->aux[i].fastcall_pattern = 0;
	}
}

/* ---- stores ---- */

/* What a store puts there: a register, an immediate, or something unknown (helpers). */
struct stored {
	struct reg *reg; /* NULL: none */
	s32 regno;	 /* -1: none */
	bool is_imm;
	s32 imm;
};

static struct stored stored_of(struct verify *v, u32 pc, s32 value_regno)
{
	struct stored w = {.regno = -1};

	if (value_regno >= 0) {
		w.reg = v_reg(v, (u32)value_regno);
		w.regno = value_regno;
	} else if (insn_is_st(&v->insns[pc])) {
		w.is_imm = true;
		w.imm = v->insns[pc].imm;
	}
	return w;
}

static bool stored_is_zero(const struct stored *w)
{
	return w->reg ? reg_is_null(w->reg) : w->is_imm && !w->imm;
}

/* Kernel 6.18: save_register_state().  Bytes above a narrow spill keep being 0 or unset. */
static void slot_spill(struct slot *s, const struct reg *r, u32 size)
{
	reg_copy(&s->reg, r);
	for (u32 i = 0; i < 8; i++) {
		if (i >= 8 - size)
			s->type[i] = SLOT_SPILL;
		else if (s->type[i] != SLOT_ZERO && s->type[i] != SLOT_INVALID)
			s->type[i] = SLOT_MISC;
	}
}

/* Plain bytes over a spilled register, dynptr or iterator end it; the bytes stay initialised. */
static void slot_end_special(struct slot *s)
{
	bool special = slot_is_spill(s) || slot_is_special(s);

	s->reg.type = REG_NOT_INIT;
	for (u32 i = 0; special && i < 8; i++)
		slot_scrub(&s->type[i]);
}

/* Where a processor may still see what was there before, the next load must wait: a pointer over
 * data, or data over a pointer. */
static void store_fence(struct verify *v, const struct slot *s, const struct stored *w, s32 off,
			u32 size, u32 pc)
{
	bool fence = w->reg && spillable(w->reg->type);

	if (v->bypass_spec_v4)
		return;
	for (u32 i = 0; i < size; i++) {
		u8 type = s->type[byte_of(off + (s32)i)];

		fence |= type != SLOT_MISC && type != SLOT_ZERO;
	}
	if (fence)
		v->aux[pc].nospec_result = true;
}

static void spill_number(struct slot *s, struct verify *v, struct reg *r, u32 size)
{
	bool fits = width_bits(r) <= 8 * size;

	if (fits)
		scalar_id_before_mov(v, r);
	slot_spill(s, r, size);
	if (!fits) /* what is kept is another number */
		s->reg.id = 0;
}

static void spill_imm(struct slot *s, struct verify *v, s32 imm, u32 size)
{
	struct reg *tmp = &v->fake_reg[0];

	*tmp = (struct reg){.type = REG_SCALAR};
	reg_const(tmp, (u64)(s64)imm);
	slot_spill(s, tmp, size);
}

static int spill_pointer(struct slot *s, struct verify *v, const struct frame *f,
			 const struct stored *w, u32 size, u32 pc)
{
	if (size != 8) {
		log_line(v, pc, "; ");
		return v_refuse_reg(v, -EACCES, WHY_STACK, (u32)w->regno,
				    "invalid size of register spill");
	}
	if (f != state_cur(v->cur) && w->reg->type == PTR_STACK)
		return v_refuse_reg(v, -EINVAL, WHY_STACK, (u32)w->regno,
				    "cannot spill pointers to "
				    "stack into stack frame of the caller");
	slot_spill(s, w->reg, size);
	return 0;
}

/* A zero here is known by the bytes alone, so its register's being 0 mattered. */
static int store_bytes(struct slot *s, struct verify *v, const struct stored *w, s32 off, u32 size)
{
	bool zero = stored_is_zero(w);
	int err = 0;

	slot_end_special(s);
	if (zero && w->regno >= 0)
		err = precise_reg(v, (u32)w->regno);
	for (u32 i = 0; !err && i < size; i++)
		s->type[byte_of(off + (s32)i)] = zero ? SLOT_ZERO : SLOT_MISC;
	return err;
}

/* Kernel 6.18: check_stack_write_fixed_off(). */
int stack_write_fixed(struct verify *v, struct frame *f, s32 off, u32 size, s32 value_regno, u32 pc)
{
	struct stored w = stored_of(v, pc, value_regno);
	u32 slot = slot_of(off);
	bool low = !(off % 8);
	struct slot *s;
	int err;

	if (off >= 0 || slot >= f->n_slots)
		return v_bug(v, "store outside of the stack at off=%d", off);
	s = &f->stack[slot];
	if (!v->allow_ptr_leaks && slot_is_spill(s) && !slot_is_scalar_spill(s) && size != 8)
		return v_refuse(v, -EACCES, WHY_LEAK,
				"attempt to corrupt spilled pointer on stack");
	store_fence(v, s, &w, off, size, pc);
	err = dynptr_overwrite(v, f, slot);
	if (err)
		return err;
	if (low && size == 8) /* a part would leave the rest alive */
		live_write(v, f->frameno, 1ull << slot);
	stack_fastcall_check(v, f, pc, off);
	log_changed_slot(v, slot);
	if (w.reg && low && w.reg->type == REG_SCALAR && v->bpf_capable)
		spill_number(s, v, w.reg, size);
	else if (w.is_imm && low && v->bpf_capable)
		spill_imm(s, v, w.imm, size);
	else if (w.reg && spillable(w.reg->type))
		err = spill_pointer(s, v, f, &w, size, pc);
	else
		return store_bytes(s, v, &w, off, size);
	return err ? err : hist_push(v, v->cur, hist_stack_flags(f->frameno, slot), 0);
}

/* One byte that a store at an unknown place may hit.  *zero_kept: that the value is 0 mattered. */
static int store_maybe(struct verify *v, struct frame *f, s32 off, const struct stored *w, u32 pc,
		       bool *zero_kept)
{
	u32 slot = slot_of(off);
	struct slot *s = &f->stack[slot];
	u8 *type = &s->type[byte_of(off)];
	bool zero = stored_is_zero(w);

	log_changed_slot(v, slot);
	if (!v->allow_ptr_leaks && *type != SLOT_MISC && *type != SLOT_ZERO)
		return v_refuse(v, -EINVAL, WHY_LEAK,
				"spilled ptr in range of var-offset stack "
				"write; insn %u, ptr off: %d",
				pc, off);
	if (zero && *type == SLOT_SPILL && reg_is_null(&s->reg)) {
		*zero_kept = true;
		return 0;
	}
	slot_end_special(s);
	if (*type == SLOT_INVALID && !v->allow_uninit_stack)
		return v_refuse(v, -EINVAL, WHY_UNINIT,
				"uninit stack in range of var-offset write "
				"prohibited for !root; insn %u, off: %d",
				pc, off);
	if (zero && *type == SLOT_ZERO)
		*zero_kept = true;
	else
		*type = SLOT_MISC;
	return 0;
}

/* Kernel 6.18: check_stack_write_var_off().  Every byte in reach may or may not be written, so none
 * counts as written for what is alive. */
static int stack_write_var(struct verify *v, struct frame *f, const struct reg *ptr, s32 off,
			   u32 size, s32 value_regno, u32 pc)
{
	struct stored w = stored_of(v, pc, value_regno);
	s32 min = (s32)(ptr->val.smin + off), end = (s32)(ptr->val.smax + off + (s64)size);
	bool zero_kept = false;
	int err = 0;

	if (min >= 0 || end > 0 || slot_of(min) >= f->n_slots)
		return v_bug(v, "store outside of the stack at off=%d", min);
	for (s32 i = min; !err && i < end; i++)
		err = dynptr_overwrite(v, f, slot_of(i));
	if (err)
		return err;
	stack_fastcall_check(v, f, pc, min);
	for (s32 i = min; !err && i < end; i++)
		err = store_maybe(v, f, i, &w, pc, &zero_kept);
	if (!err && zero_kept && w.regno >= 0)
		err = precise_reg(v, (u32)w.regno);
	return err;
}

/* off has the pointer's fixed part; that all is inside the stack was checked: stack_bounds(). */
int stack_write(struct verify *v, u32 ptr_regno, s32 off, u32 size, s32 value_regno, u32 pc)
{
	const struct reg *ptr = v_reg(v, ptr_regno);
	struct frame *f = v_func(v, ptr);

	if (tnum_is_const(ptr->val.bits))
		return stack_write_fixed(v, f, off + (s32)ptr->val.bits.value, size, value_regno,
					 pc);
	return stack_write_var(v, f, ptr, off, size, value_regno, pc);
}

/* ---- loads ---- */

/* Kernel 6.18: mark_reg_stack_read().  Bytes without a register: 0 where all are. */
static void load_bytes(struct verify *v, const struct frame *f, s32 min, s32 end, u32 dst_regno)
{
	bool zero = true;

	for (s32 i = min; zero && i < end; i++) {
		log_changed_slot(v, slot_of(i));
		zero = f->stack[slot_of(i)].type[byte_of(i)] == SLOT_ZERO;
	}
	if (zero)
		reg_const_zero(v, v_reg(v, dst_regno));
	else
		reg_unknown_at(v, v_regs(v), dst_regno);
}

/* How many of the bytes are spilled, how many are 0; refused where one may not be read. */
static int count_bytes(struct verify *v, const struct slot *s, s32 off, u32 size, bool spill_ok,
		       u32 *n_spill, u32 *n_zero)
{
	*n_spill = *n_zero = 0;
	for (u32 i = 0; i < size; i++) {
		u8 type = s->type[byte_of(off + (s32)i)];

		if (type == SLOT_SPILL && spill_ok)
			++*n_spill;
		else if (type == SLOT_ZERO)
			++*n_zero;
		else if (type != SLOT_MISC && !(type == SLOT_INVALID && v->allow_uninit_stack))
			return v_refuse(v, -EACCES, type == SLOT_INVALID ? WHY_UNINIT : WHY_STACK,
					"invalid read from stack off %d+%d size %d", off, (s32)i,
					(s32)size);
	}
	return 0;
}

/* A part of a spilled number, or a load that reaches beyond it.  *whole: the slot's register still
 * is what the destination holds. */
static int fill_part(struct verify *v, const struct slot *s, s32 off, u32 size, u32 dst_regno,
		     bool *whole)
{
	struct reg *dst = v_reg(v, dst_regno);
	u32 n_spilled = 1, n_spill, n_zero;
	s32 subreg_def = dst->subreg_def;
	int err;

	for (u32 i = 7; i > 0 && s->type[i - 1] == SLOT_SPILL; i--)
		n_spilled++;
	*whole = true;
	if (size <= n_spilled && !(off % 8)) {
		reg_copy(dst, &s->reg);
		dst->subreg_def = subreg_def; /* as reg_use() set it for this insn */
		if (width_bits(&s->reg) > 8 * size) {
			dst->id = 0;
			dst->off = 0;
		}
		return 0;
	}
	err = count_bytes(v, s, off, size, true, &n_spill, &n_zero);
	if (err)
		return err;
	if (n_spill == size && tnum_equals(s->reg.val.bits, 0)) {
		reg_const_zero(v, dst);
		return 0;
	}
	*whole = false;
	if (n_zero == size)
		reg_const_zero(v, dst);
	else
		reg_unknown_at(v, v_regs(v), dst_regno);
	return 0;
}

/* Kernel 6.18: check_stack_read_fixed_off(), where the slot holds a register.  Without a
 * destination the question is whether the value may be used as a number. */
static int fill(struct verify *v, const struct frame *f, u32 slot, s32 off, u32 size, s32 dst_regno)
{
	const struct slot *s = &f->stack[slot];
	bool filled = true;
	int err = 0;

	if (size != 8 || !slot_is_whole_spill(s)) {
		if (s->reg.type != REG_SCALAR) {
			log_line(v, v->pc, "; ");
			return v_refuse(v, -EACCES, WHY_STACK, "invalid size of register fill");
		}
		if (dst_regno < 0)
			return 0;
		err = fill_part(v, s, off, size, (u32)dst_regno, &filled);
	} else if (dst_regno >= 0) {
		reg_copy(v_reg(v, (u32)dst_regno), &s->reg);
	} else if (ptr_is_value(v, &s->reg)) {
		return v_refuse(v, -EACCES, WHY_LEAK, "leaking pointer from stack off %d", off);
	}
	if (err || !filled)
		return err;
	return hist_push(v, v->cur, hist_stack_flags(f->frameno, slot), 0);
}

int stack_read_fixed(struct verify *v, struct frame *f, s32 off, u32 size, s32 dst_regno)
{
	u32 slot = slot_of(off), n_spill, n_zero;
	int err;

	if (off >= 0 || slot >= f->n_slots)
		return v_bug(v, "load outside of the stack at off=%d", off);
	log_changed_slot(v, slot);
	stack_fastcall_check(v, state_cur(v->cur), v->pc, off);
	err = live_read(v, f->frameno, v->pc, 1ull << slot);
	if (err)
		return err;
	if (slot_is_spill(&f->stack[slot]))
		return fill(v, f, slot, off, size, dst_regno);
	err = count_bytes(v, &f->stack[slot], off, size, false, &n_spill, &n_zero);
	if (!err && dst_regno >= 0)
		load_bytes(v, f, off, off + (s32)size, (u32)dst_regno);
	return err;
}

/* Kernel 6.18: check_stack_read_var_off(). */
static int stack_read_var(struct verify *v, u32 ptr_regno, s32 off, u32 size, u32 dst_regno)
{
	const struct reg *ptr = v_reg(v, ptr_regno);
	struct frame *f = v_func(v, ptr);
	s32 min, end;
	int err = stack_range(v, ptr_regno, off, (s32)size, false, ACC_READ, NULL);

	if (err)
		return err;
	min = (s32)(ptr->val.smin + off);
	end = (s32)(ptr->val.smax + off + (s64)size);
	load_bytes(v, f, min, end, dst_regno);
	stack_fastcall_check(v, f, v->pc, min);
	return 0;
}

int stack_read(struct verify *v, u32 ptr_regno, s32 off, u32 size, s32 dst_regno)
{
	const struct reg *ptr = v_reg(v, ptr_regno);
	char bits[TNUM_TEXT_MAX];

	if (tnum_is_const(ptr->val.bits))
		return stack_read_fixed(v, v_func(v, ptr), off + (s32)ptr->val.bits.value, size,
					dst_regno);
	if (dst_regno < 0)
		return v_refuse_reg(
			v, -EACCES, WHY_STACK, ptr_regno,
			"variable offset stack pointer "
			"cannot be passed into helper function; var_off=%s off=%d size=%d",
			mem_tnum(ptr->val.bits, bits), off, (s32)size);
	return stack_read_var(v, ptr_regno, off, size, (u32)dst_regno);
}

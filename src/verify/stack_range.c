/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/stack_range.c - ranges of stack bytes: inside the frame, and initialised where they are
 * read. */
#include "verify/call.h"
#include "verify/live.h"
#include "verify/log.h"
#include "verify/mem.h"
#include "verify/stack.h"
#include <errno.h>

enum { VAR_OFF_MAX = 1 << 29 }; /* kernel BPF_MAX_VAR_OFF */

/* Kernel 6.18: check_stack_slot_within_bounds().  What was never written may not be read, so for
 * reads without CAP_PERFMON the stack is as deep as what was touched so far. */
static bool slot_in_bounds(const struct verify *v, const struct frame *f, s64 off, enum access t)
{
	s64 least = t == ACC_WRITE || v->allow_uninit_stack ? -(s64)STACK_MAX_BYTES
							    : -(s64)f->n_slots * 8;

	return off >= least && off <= -1;
}

/* Kernel 6.18: check_stack_access_within_bounds().  The frame grows to what is accessed. */
int stack_bounds(struct verify *v, u32 regno, s32 off, s32 size, enum access t)
{
	const char *does = t == ACC_READ ? " read from" : " write to";
	const struct reg *r = v_reg(v, regno);
	bool fixed = tnum_is_const(r->val.bits);
	struct frame *f = v_func(v, r);
	char bits[TNUM_TEXT_MAX];
	s64 min, max;
	int err = 0;

	if (!fixed && (r->val.smax >= VAR_OFF_MAX || r->val.smin <= -VAR_OFF_MAX))
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
				    "invalid unbounded variable-offset%s stack R%u", does, regno);
	min = (s64)((fixed ? r->val.bits.value : (u64)r->val.smin) + (u64)(s64)off);
	max = (s64)((fixed ? r->val.bits.value : (u64)r->val.smax) + (u64)(s64)off +
		    (u64)(s64)size);
	if (!slot_in_bounds(v, f, min, t))
		err = -EACCES;
	else if (max > 0)
		err = -EINVAL;
	else if (size < 0)
		err = -EFAULT;
	if (!err)
		return frame_grow(v, f, (u32)-min);
	if (fixed)
		return v_refuse_reg(v, err, WHY_BOUNDS, regno, "invalid%s stack R%u off=%d size=%d",
				    does, regno, off, size);
	return v_refuse_reg(v, err, WHY_BOUNDS, regno,
			    "invalid variable-offset%s stack R%u var_off=%s off=%d size=%d", does,
			    regno, mem_tnum(r->val.bits, bits), off, size);
}

/* The call writes there and reads nothing: it need not be initialised, but must not be a dynptr,
 * which an argument further on may name. */
static int range_raw(struct verify *v, const struct frame *f, u32 regno, s32 min, s32 size,
		     struct call_meta *meta)
{
	for (s32 i = min; i < min + size; i++) {
		if (slot_of(i) >= f->n_slots)
			continue;
		if (f->stack[slot_of(i)].type[byte_of(i)] == SLOT_DYNPTR)
			return v_refuse_reg(v, -EACCES, WHY_STACK, regno,
					    "potential write to dynptr at off=%d disallowed", i);
	}
	meta->access_size = size;
	meta->regno = (s32)regno;
	return 0;
}

/* May the byte be read as data?  With write it then holds anything. */
static bool byte_init(struct verify *v, struct slot *s, u32 byte, bool write)
{
	u8 *type = &s->type[byte];

	if (*type == SLOT_MISC)
		return true;
	if (*type == SLOT_ZERO || (*type == SLOT_INVALID && v->allow_uninit_stack)) {
		if (write)
			*type = SLOT_MISC;
		return true;
	}
	if (!slot_is_spill(s) || (s->reg.type != REG_SCALAR && !v->allow_ptr_leaks))
		return false;
	if (write) {
		reg_unknown(v, &s->reg);
		for (u32 j = 0; j < 8; j++)
			slot_scrub(&s->type[j]);
	}
	return true;
}

/* Kernel 6.18: check_stack_range_initialized().  Reading a byte keeps its slot alive; the call may
 * or may not write, so nothing counts as written. */
int stack_range(struct verify *v, u32 regno, s32 off, s32 size, bool zero_size_ok, enum access t,
		struct call_meta *meta)
{
	const struct reg *r = v_reg(v, regno);
	const char *how = profile_since(v->k, 6, 13) ? "" : " indirect";
	bool fixed = tnum_is_const(r->val.bits);
	struct frame *f = v_func(v, r);
	char bits[TNUM_TEXT_MAX];
	s32 min, max;
	int err;

	if (!size && !zero_size_ok)
		return v_refuse_reg(v, -EACCES, WHY_ARG, regno, "invalid zero-sized read");
	err = stack_bounds(v, regno, off, size, t);
	if (err)
		return err;
	if (!fixed && !v->bypass_spec_v1)
		return v_refuse_reg(v, -EACCES, WHY_PRIV, regno,
				    "R%u variable offset stack access "
				    "prohibited for !root, var_off=%s",
				    regno, mem_tnum(r->val.bits, bits));
	min = (s32)((fixed ? (s64)r->val.bits.value : r->val.smin) + off);
	max = (s32)((fixed ? (s64)r->val.bits.value : r->val.smax) + off);
	if (fixed && meta && meta->raw_mode)
		return range_raw(v, f, regno, min, size, meta);
	for (s32 i = min; i < max + size; i++) {
		u32 slot = slot_of(i);

		if (slot >= f->n_slots)
			return v_bug(v, "allocated_stack too small");
		if (byte_init(v, &f->stack[slot], byte_of(i), t == ACC_WRITE))
			err = live_read(v, r->frameno, v->pc, 1ull << slot);
		else if (fixed)
			err = v_refuse_reg(v, -EACCES, WHY_UNINIT, regno,
					   "invalid%s read from stack R%u off %d+%d size %d", how,
					   regno, min, i - min, size);
		else
			err = v_refuse_reg(v, -EACCES, WHY_UNINIT, regno,
					   "invalid%s read from stack R%u var_off %s+%d size %d", how,
					   regno, mem_tnum(r->val.bits, bits), i - min, size);
		if (err)
			return err;
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/atomic.c - atomic insns: read-modify-write, load-acquire, store-release.
 *
 * Kernel 6.18: check_atomic() and the functions it calls.
 */
#include "verify/alu.h"
#include "verify/log.h"
#include "verify/mem.h"
#include "verify/walk.h"
#include <errno.h>

enum atomic_kind { ATOMIC_NONE, ATOMIC_RMW, ATOMIC_LOAD, ATOMIC_STORE };

static enum atomic_kind atomic_kind(s32 op)
{
	switch (op) {
	case ATOMIC_ADD:
	case ATOMIC_ADD | ATOMIC_FETCH:
	case ATOMIC_AND:
	case ATOMIC_AND | ATOMIC_FETCH:
	case ATOMIC_OR:
	case ATOMIC_OR | ATOMIC_FETCH:
	case ATOMIC_XOR:
	case ATOMIC_XOR | ATOMIC_FETCH:
	case ATOMIC_XCHG:
	case ATOMIC_CMPXCHG:
		return ATOMIC_RMW;
	case ATOMIC_LOAD_ACQ:
		return ATOMIC_LOAD;
	case ATOMIC_STORE_REL:
		return ATOMIC_STORE;
	default:
		return ATOMIC_NONE;
	}
}

/* What the JIT of x86-64 can't do in an arena, where it needs a loop of compare-and-exchange whose
 * every step may fault: bpf_jit_supports_insn(). */
static bool arena_op_ok(const struct insn *i)
{
	return i->imm != (ATOMIC_AND | ATOMIC_FETCH) && i->imm != (ATOMIC_OR | ATOMIC_FETCH) &&
	       i->imm != (ATOMIC_XOR | ATOMIC_FETCH);
}

/* Kernel 6.18: atomic_ptr_type_ok().  Memory that is reached by rewritten insns can't be reached by
 * atomic ones. */
static bool atomic_ptr_ok(struct verify *v, u32 regno, const struct insn *i)
{
	u32 type = v_reg(v, regno)->type;

	if (type == PTR_CTX || type_is_pkt(type) || type == PTR_FLOW_KEYS ||
	    type_is_sk_pointer(type))
		return false;
	return type != PTR_ARENA || arena_op_ok(i);
}

static int refuse_ptr(struct verify *v, u32 regno, const char *does)
{
	return v_refuse_reg(v, -EACCES, WHY_TYPE, regno, "BPF_ATOMIC %s R%u %s is not allowed",
			    does, regno, log_type(v, v_reg(v, regno)->type));
}

/* Registers that a read-modify-write insn reads: no pointer may get into memory through them. */
static int rmw_sources(struct verify *v, const struct insn *i)
{
	int err = reg_use(v, i->src, USE_SRC);

	if (!err)
		err = reg_use(v, i->dst, USE_SRC);
	if (err)
		return err;
	if (i->imm == ATOMIC_CMPXCHG) {
		err = reg_use(v, 0, USE_SRC);
		if (!err)
			err = mem_no_leak(v, 0, "mem");
		if (err)
			return err;
	}
	return mem_no_leak(v, i->src, "mem");
}

/* The memory is read, with the old value's register where it is wanted, and then written. */
static int atomic_rmw(struct verify *v, const struct insn *i)
{
	u32 size = insn_size_bytes(i->code);
	s32 load_regno = -1;
	int err;

	if (size != 4 && size != 8)
		return v_refuse(v, -EINVAL, WHY_STRUCTURE, "invalid atomic operand size");
	err = rmw_sources(v, i);
	if (err)
		return err;
	if (!atomic_ptr_ok(v, i->dst, i))
		return refuse_ptr(v, i->dst, "stores into");
	if (i->imm & ATOMIC_FETCH) {
		load_regno = i->imm == ATOMIC_CMPXCHG ? 0 : i->src;
		err = reg_use(v, (u32)load_regno, USE_DST);
		if (err)
			return err;
	}
	err = mem_access(v, v->pc, i->dst, i->off, size, ACC_READ, -1, true, false);
	if (!err && load_regno >= 0)
		err = mem_access(v, v->pc, i->dst, i->off, size, ACC_READ, load_regno, true, false);
	if (!err)
		err = mem_save_type(v, v_reg(v, i->dst)->type, false);
	if (err)
		return err;
	return mem_access(v, v->pc, i->dst, i->off, size, ACC_WRITE, -1, true, false);
}

static int atomic_load(struct verify *v, const struct insn *i)
{
	int err = reg_use(v, i->src, USE_SRC);

	if (err)
		return err;
	if (!atomic_ptr_ok(v, i->src, i))
		return refuse_ptr(v, i->src, "loads from");
	return mem_load(v, i, true, false, false, "atomic_load");
}

static int atomic_store(struct verify *v, const struct insn *i)
{
	int err = mem_store(v, i, true);

	if (err)
		return err;
	return atomic_ptr_ok(v, i->dst, i) ? 0 : refuse_ptr(v, i->dst, "stores into");
}

int mem_atomic(struct verify *v, struct insn *i)
{
	switch (atomic_kind(i->imm)) {
	case ATOMIC_RMW:
		return atomic_rmw(v, i);
	case ATOMIC_LOAD:
		return atomic_load(v, i);
	case ATOMIC_STORE:
		return atomic_store(v, i);
	case ATOMIC_NONE:
		break;
	}
	return v_refuse(v, -EINVAL, WHY_STRUCTURE, "BPF_ATOMIC uses invalid atomic opcode %02x",
			(u32)i->imm);
}

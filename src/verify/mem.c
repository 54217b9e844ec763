/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/mem.c - loads and stores: each kind of pointer has its rule.
 *
 * A rule gets one struct mem_op, refuses it or says what a load gives.  Places are checked in
 * mem_range.c, packet.c, stack.c, value.c, ctx.c and btfwalk.c.  Kernel 6.18: check_mem_access().
 */
#include "verify/mem.h"
#include "verify/alu.h"
#include "verify/call.h"
#include "verify/ctx.h"
#include "verify/log.h"
#include "verify/walk.h"
#include <errno.h>

/* A load whose result is any number. */
static int loaded(struct verify *v, const struct mem_op *op)
{
	if (op->t == ACC_READ && op->value_regno >= 0)
		reg_unknown_at(v, v_regs(v), (u32)op->value_regno);
	return 0;
}

static int no_leak(struct verify *v, const struct mem_op *op, const char *place)
{
	return op->t == ACC_WRITE ? mem_no_leak(v, op->value_regno, place) : 0;
}

/* ---- rules ---- */

static int op_map_key(struct verify *v, const struct mem_op *op)
{
	int err;

	if (op->t == ACC_WRITE)
		return v_refuse_reg(v, -EACCES, WHY_PERM, op->regno,
				    "write to change key R%u not allowed", op->regno);
	err = mem_region(v, op->regno, op->off, op->size, v_reg(v, op->regno)->map->key_size,
			 false);
	return err ? err : loaded(v, op);
}

/* Untrusted memory is read by insns that survive a fault: no bounds are known, none matter. */
static int op_mem(struct verify *v, const struct mem_op *op)
{
	const struct reg *r = v_reg(v, op->regno);
	bool rdonly = type_is_rdonly_mem(r->type), probes = rdonly && r->type & T_UNTRUSTED;
	int err;

	if (op->t == ACC_WRITE && rdonly)
		return mem_refuse_write(v, op->regno);
	v->aux[op->pc].probes |= probes;
	err = no_leak(v, op, "mem");
	if (!err && !probes)
		err = mem_region(v, op->regno, op->off, op->size, r->mem_size, false);
	return err ? err : loaded(v, op);
}

/* A return value that a context holds has the bounds of the hook's: __mark_reg_s32_range(). */
static int ctx_retval(struct verify *v, struct reg *dst)
{
	struct retval_range range;
	struct scalar *n = &dst->val;

	if (v->prog_type != BPF_PROG_TYPE_LSM || v->attach_type != BPF_LSM_MAC ||
	    !return_has_range(v, &range))
		return 0;
	n->smin32 = MAX(n->smin32, range.min);
	n->smax32 = MIN(n->smax32, range.max);
	n->smin = MAX(n->smin, (s64)range.min);
	n->smax = MIN(n->smax, (s64)range.max);
	scalar_sync(n);
	return reg_sane(v, dst, "s32_range");
}

/* A field is a number or a pointer, whose offset is then 0. */
static int ctx_loaded(struct verify *v, u32 regno, const struct ctx_info *info)
{
	struct reg *dst = v_reg(v, regno);
	int err = 0;

	if (info->type == REG_SCALAR) {
		reg_unknown_at(v, v_regs(v), regno);
		if (info->is_retval)
			err = ctx_retval(v, dst);
	} else {
		reg_known_zero_at(v, v_regs(v), regno);
		if (type_may_be_null(info->type))
			dst->id = ++v->id_gen;
		dst->subreg_def = 0; /* the real load may be wider than the insn's */
		if (REG_BASE(info->type) == PTR_BTF) {
			dst->btf = info->btf;
			dst->btf_id = info->btf_id;
			dst->ref_obj_id = info->ref_obj_id;
		}
	}
	if (!err)
		dst->type = info->type;
	return err;
}

static int op_ctx(struct verify *v, const struct mem_op *op)
{
	struct ctx_info info = {.type = REG_SCALAR, .is_ldsx = op->is_ldsx};
	int err = no_leak(v, op, "ctx");

	if (!err)
		err = mem_ptr_off(v, v_reg(v, op->regno), op->regno);
	if (err)
		return err;
	err = ctx_access(v, op->pc, op->off, op->size, op->t, &info);
	if (err) {
		log_line(v, op->pc, "; ");
		return err;
	}
	return op->t == ACC_READ && op->value_regno >= 0
		       ? ctx_loaded(v, (u32)op->value_regno, &info)
		       : 0;
}

static int op_stack(struct verify *v, const struct mem_op *op)
{
	int err = stack_bounds(v, op->regno, op->off, (s32)op->size, op->t);

	if (err)
		return err;
	if (op->t == ACC_READ)
		return stack_read(v, op->regno, op->off, op->size, op->value_regno);
	return stack_write(v, op->regno, op->off, op->size, op->value_regno, op->pc);
}

static int op_packet(struct verify *v, const struct mem_op *op)
{
	int err;

	if (op->t == ACC_WRITE && !mem_pkt_ok(v, NULL, op->t))
		return v_refuse_reg(v, -EACCES, WHY_PERM, op->regno, "cannot write into packet");
	err = no_leak(v, op, "packet");
	if (!err)
		err = mem_packet(v, op->regno, op->off, op->size, false);
	return err ? err : loaded(v, op);
}

static int op_flow_keys(struct verify *v, const struct mem_op *op)
{
	int err = no_leak(v, op, "flow keys");

	if (!err)
		err = ctx_flow_keys_access(v, op->off, op->size);
	return err ? err : loaded(v, op);
}

static int op_sock(struct verify *v, const struct mem_op *op)
{
	int err;

	if (op->t == ACC_WRITE)
		return mem_refuse_write(v, op->regno);
	err = ctx_sock_access(v, op->pc, op->regno, op->off, op->size, op->t);
	return err ? err : loaded(v, op);
}

static int op_tp_buffer(struct verify *v, const struct mem_op *op)
{
	int err = ctx_tp_buffer_access(v, v_reg(v, op->regno), op->regno, op->off, op->size);

	return err ? err : loaded(v, op);
}

static int op_btf(struct verify *v, const struct mem_op *op)
{
	v->aux[op->pc].via_btf = true;
	return btf_ptr_access(v, v_regs(v), op->regno, op->off, op->size, op->t, op->value_regno);
}

static int op_map(struct verify *v, const struct mem_op *op)
{
	return btf_map_access(v, v_regs(v), op->regno, op->off, op->size, op->t, op->value_regno);
}

static int op_buf(struct verify *v, const struct mem_op *op)
{
	const struct reg *r = v_reg(v, op->regno);
	bool rdonly = type_is_rdonly_mem(r->type);
	int err;

	if (rdonly && op->t == ACC_WRITE)
		return mem_refuse_write(v, op->regno);
	err = mem_buffer(v, r, op->regno, op->off, op->size, rdonly ? "rdonly" : "rdwr",
			 rdonly ? &v->max_rdonly_access : &v->max_rdwr_access);
	return err ? err : loaded(v, op);
}

/* Kinds without a rule can't be dereferenced.  Most are refused with any flag; of the rest every
 * flag but "may be null" is for the rule. */
static const struct mem_rule {
	int (*op)(struct verify *v, const struct mem_op *op);
	bool flags_ok;
} rules[] = {
	[PTR_MAP_KEY] = {op_map_key, false},
	[PTR_MAP_VALUE] = {mem_map_value_op, false},
	[PTR_MEM] = {op_mem, true},
	[PTR_CTX] = {op_ctx, false},
	[PTR_STACK] = {op_stack, false},
	[PTR_PACKET] = {op_packet, true},
	[PTR_PACKET_META] = {op_packet, true},
	[PTR_FLOW_KEYS] = {op_flow_keys, false},
	[PTR_SOCKET] = {op_sock, false},
	[PTR_SOCK_COMMON] = {op_sock, false},
	[PTR_TCP_SOCK] = {op_sock, false},
	[PTR_XDP_SOCK] = {op_sock, false},
	[PTR_TP_BUFFER] = {op_tp_buffer, false},
	[PTR_BTF] = {op_btf, true},
	[PTR_MAP] = {op_map, false},
	[PTR_BUF] = {op_buf, true},
	[PTR_ARENA] = {loaded, false},
};

static const struct mem_rule *rule_of(u32 type)
{
	u32 base = REG_BASE(type), flags = REG_FLAGS(type);

	if (base >= ARRAY_SIZE(rules) || !rules[base].op)
		return NULL;
	if (rules[base].flags_ok ? flags & T_MAYBE_NULL : flags)
		return NULL;
	return &rules[base];
}

int mem_access(struct verify *v, u32 pc, u32 regno, s32 off, u32 size, enum access t,
	       s32 value_regno, bool strict_once, bool is_ldsx)
{
	const struct reg *r = v_reg(v, regno);
	struct mem_op op = {
		.pc = pc,
		.regno = regno,
		.off = off + r->off,
		.size = size,
		.t = t,
		.value_regno = value_regno,
		.is_ldsx = is_ldsx,
	};
	const struct mem_rule *rule = rule_of(r->type);
	int err = mem_aligned(v, r, off, size, strict_once);
	struct reg *dst;

	if (err)
		return err;
	if (!rule)
		return v_refuse_reg(v, -EACCES, type_may_be_null(r->type) ? WHY_NULL : WHY_TYPE,
				    regno, "R%u invalid mem access '%s'", regno,
				    log_type(v, r->type));
	err = rule->op(v, &op);
	if (err || t != ACC_READ || value_regno < 0 || size >= 8)
		return err;
	dst = v_reg(v, (u32)value_regno);
	if (dst->type != REG_SCALAR)
		return 0;
	if (is_ldsx) {
		/* 6.18 keeps a fill's link to what was spilled, though the sign changes it. */
		if (v->k->sound && dst->val.umax >= 1ull << (size * 8 - 1))
			scalar_id_drop(dst);
		scalar_sext(&dst->val, size);
	} else {
		scalar_zext(&dst->val, size);
	}
	return 0;
}

/* ---- one insn, one kind of pointer ---- */

/* Pointers whose insns the kernel rewrites, each kind in its own way. */
static bool rewritten(u32 type)
{
	switch (REG_BASE(type)) {
	case PTR_CTX:
	case PTR_SOCKET:
	case PTR_SOCK_COMMON:
	case PTR_TCP_SOCK:
	case PTR_XDP_SOCK:
	case PTR_BTF:
	case PTR_ARENA:
		return true;
	default:
		return false;
	}
}

static bool mem_or_btf(u32 type)
{
	return REG_BASE(type) == PTR_MEM || REG_BASE(type) == PTR_BTF;
}

/* Kernel 6.18: save_aux_ptr_type().  Loads of different trust meet in the form that is safe for
 * both. */
int mem_save_type(struct verify *v, u32 type, bool allow_trust_mismatch)
{
	u32 *prev = &v->aux[v->pc].ptr_type;

	if (!*prev) {
		*prev = type;
		return 0;
	}
	if (type == *prev || (!rewritten(type) && !rewritten(*prev)))
		return 0;
	if (!allow_trust_mismatch || !mem_or_btf(type) || !mem_or_btf(*prev))
		return v_refuse(v, -EINVAL, WHY_TYPE,
				"same insn cannot be used with different pointers");
	*prev = (REG_BASE(type) == PTR_MEM || REG_BASE(*prev) == PTR_MEM ? PTR_MEM : PTR_BTF) |
		((type | *prev) & (T_UNTRUSTED | T_RDONLY));
	return 0;
}

/* ---- insns ---- */

int mem_load(struct verify *v, const struct insn *i, bool strict_once, bool is_ldsx,
	     bool allow_trust_mismatch, const char *what)
{
	int err = reg_use(v, i->src, USE_SRC);
	u32 type;

	if (!err)
		err = reg_use(v, i->dst, USE_DST_NO_MARK);
	if (err)
		return err;
	type = v_reg(v, i->src)->type; /* the load may be into the pointer itself */
	err = mem_access(v, v->pc, i->src, i->off, insn_size_bytes(i->code), ACC_READ, i->dst,
			 strict_once, is_ldsx);
	if (!err)
		err = mem_save_type(v, type, allow_trust_mismatch);
	return err ? err : reg_sane(v, v_reg(v, i->dst), what);
}

int mem_store(struct verify *v, const struct insn *i, bool strict_once)
{
	int err = reg_use(v, i->src, USE_SRC);
	u32 type;

	if (!err)
		err = reg_use(v, i->dst, USE_SRC);
	if (err)
		return err;
	type = v_reg(v, i->dst)->type;
	err = mem_access(v, v->pc, i->dst, i->off, insn_size_bytes(i->code), ACC_WRITE, i->src,
			 strict_once, false);
	return err ? err : mem_save_type(v, type, false);
}

int mem_ldx(struct verify *v, struct insn *i)
{
	return mem_load(v, i, false, INSN_MODE(i->code) == MODE_MEMSX, true, "ldx");
}

int mem_stx(struct verify *v, struct insn *i)
{
	if (INSN_MODE(i->code) == MODE_ATOMIC)
		return mem_atomic(v, i);
	if (INSN_MODE(i->code) != MODE_MEM || i->imm)
		return v_refuse(v, -EINVAL, WHY_STRUCTURE, "BPF_STX uses reserved fields");
	return mem_store(v, i, false);
}

int mem_st(struct verify *v, struct insn *i)
{
	int err;
	u32 type;

	if (INSN_MODE(i->code) != MODE_MEM || i->src)
		return v_refuse(v, -EINVAL, WHY_STRUCTURE, "BPF_ST uses reserved fields");
	err = reg_use(v, i->dst, USE_SRC);
	if (err)
		return err;
	type = v_reg(v, i->dst)->type;
	err = mem_access(v, v->pc, i->dst, i->off, insn_size_bytes(i->code), ACC_WRITE, -1, false,
			 false);
	return err ? err : mem_save_type(v, type, false);
}

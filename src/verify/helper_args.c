/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/helper_args.c - arguments of helper calls against their prototypes.
 *
 * Each kind of argument takes certain types of registers (a table), and then has rules of its own.
 * Maps come before their keys and values, memory before its size.
 * Kernel 6.18: check_func_arg(), check_reg_type(), check_func_arg_reg_off().
 */
#include "abi/uapi.h"
#include "verify/alu.h"
#include "verify/call.h"
#include "verify/ctx.h"
#include "verify/kfunc.h"
#include "verify/log.h"
#include "verify/prune.h"
#include "verify/walk.h"
#include <errno.h>
#include <string.h>

enum { TYPES_MAX = 10 };

/* Types that an argument may have; they end with REG_NOT_INIT. */
struct reg_types {
	u32 types[TYPES_MAX];
};

static const struct reg_types mem_types = { {
	PTR_STACK, PTR_PACKET, PTR_PACKET_META, PTR_MAP_KEY, PTR_MAP_VALUE, PTR_MEM,
	PTR_MEM | T_RINGBUF, PTR_BUF, PTR_BTF | T_TRUSTED,
} };

static const struct reg_types arg_types[] = {
	[ARG_MAP] = { { PTR_MAP } },
	[ARG_SIZE] = { { REG_SCALAR } },
	[ARG_SIZE0] = { { REG_SCALAR } },
	[ARG_ALLOC_SIZE] = { { REG_SCALAR } },
	[ARG_CTX] = { { PTR_CTX } },
	[ARG_RECORD] = { { PTR_MEM | T_RINGBUF } },
	[ARG_SPIN_LOCK] = { { PTR_MAP_VALUE, PTR_BTF | T_ALLOC } },
	[ARG_TIMER] = { { PTR_MAP_VALUE } },
	[ARG_KPTR] = { { PTR_MAP_VALUE, PTR_BTF | T_ALLOC } },
	[ARG_DYNPTR] = { { PTR_STACK, PTR_DYNPTR } },
	[ARG_CONST_STR] = { { PTR_MAP_VALUE } },
	[ARG_FUNC] = { { PTR_FUNC } },
	[ARG_STACK] = { { PTR_STACK } },
	[ARG_SOCK_COMMON] = { { PTR_SOCK_COMMON, PTR_SOCKET, PTR_TCP_SOCK, PTR_XDP_SOCK } },
	[ARG_SOCKET] = { { PTR_SOCKET } },
	[ARG_BTF_SOCK] = { { PTR_SOCK_COMMON, PTR_SOCKET, PTR_TCP_SOCK, PTR_XDP_SOCK, PTR_BTF,
			     PTR_BTF | T_TRUSTED } },
	[ARG_BTF_ID] = { { PTR_BTF, PTR_BTF | T_TRUSTED, PTR_BTF | T_RCU } },
	[ARG_PERCPU] = { { PTR_BTF | T_PERCPU, PTR_BTF | T_PERCPU | T_RCU,
			   PTR_BTF | T_PERCPU | T_TRUSTED } },
};

static const struct reg_types *types_of(enum arg_kind kind)
{
	if (kind == ARG_MEM || kind == ARG_KEY || kind == ARG_VALUE)
		return &mem_types;
	if (kind >= ARRAY_SIZE(arg_types) || !arg_types[kind].types[0])
		return NULL;
	return &arg_types[kind];
}

static bool is_dynptr_slice(u32 type)
{
	return type & (T_DYN_SKB | T_DYN_XDP | T_DYN_SKB_META);
}

/* The register's type without the flags that this argument does not mind. */
static u32 folded_type(u32 type, u32 regno, u32 arg, const struct call_meta *meta)
{
	if (arg & ARG_RDONLY)
		type &= ~(u32)T_RDONLY;
	if (arg & ARG_NULLABLE)
		type &= ~(u32)T_MAYBE_NULL;
	if (ARG_KIND(arg) == ARG_MEM && is_dynptr_slice(type))
		type &= ~(u32)(T_DYN_SKB | T_DYN_XDP | T_DYN_SKB_META);
	/* an allocated object may be put into a kptr */
	if (meta->func_id == HELPER_kptr_xchg && type & T_ALLOC && regno == 2)
		type &= ~(u32)(T_ALLOC | T_PERCPU);
	return type;
}

static int refuse_type(struct verify *v, u32 regno, const struct reg_types *want)
{
	struct str names = { 0 };
	int err;

	for (u32 i = 0; i < TYPES_MAX && want->types[i]; i++)
		str_addf(&names, "%s%s", i ? ", " : "", log_type(v, want->types[i]));
	err = v_refuse_reg(v, -EACCES, WHY_TYPE, regno, "R%d type=%s expected=%s", regno,
			   log_type(v, v_reg(v, regno)->type), str_text(&names));
	str_free(&names);
	return err;
}

/* A pointer to a kernel struct must be to the one that the helper names, or to one that begins
 * with it; what is released must be exactly it, except sockets, which sk_release() takes of any
 * kind. */
static int match_struct(struct verify *v, struct reg *r, u32 regno, u32 arg, u32 want_id,
			struct call_meta *meta)
{
	bool release = arg & ARG_RELEASE;

	if (type_may_be_null(r->type) && (!(arg & ARG_NULLABLE) || release))
		return v_refuse_reg(v, -EACCES, WHY_NULL, regno,
				    "Possibly NULL pointer passed to helper arg%d", regno);
	if (meta->func_id == HELPER_kptr_xchg)
		return mem_kptr_match(v, meta->kptr_field, r, regno) ? -EACCES : 0;
	if (ARG_KIND(arg) == ARG_BTF_SOCK)
		want_id = btf_helper_struct(v, HELPER_BTF_sock_common);
	if (!btf_ids_match(v, r->btf, r->btf_id, r->off, v->k->btf, want_id,
			   release && meta->func_id != HELPER_sk_release))
		return v_refuse_reg(v, -EACCES, WHY_TYPE, regno,
				    "R%d is of type %s but %s is expected", regno,
				    btf_name(r->btf, r->btf_id), btf_name(v->k->btf, want_id));
	return 0;
}

static int match_alloc(struct verify *v, struct reg *r, u32 regno, struct call_meta *meta)
{
	if (meta->func_id != HELPER_spin_lock && meta->func_id != HELPER_spin_unlock &&
	    meta->func_id != HELPER_kptr_xchg)
		return v_bug(v, "unimplemented handling of MEM_ALLOC");
	if (meta->func_id == HELPER_kptr_xchg && regno == 2 &&
	    mem_kptr_match(v, meta->kptr_field, r, regno))
		return -EACCES;
	return 0;
}

int arg_reg_type(struct verify *v, u32 regno, u32 arg, u32 want_id, struct call_meta *meta)
{
	struct reg *r = v_reg(v, regno);
	const struct reg_types *want = types_of(ARG_KIND(arg));
	u32 type = folded_type(r->type, regno, arg, meta);
	bool found = false;

	if (!want)
		return v_bug(v, "unsupported arg type %d", (s32)arg);
	for (u32 i = 0; i < TYPES_MAX && want->types[i]; i++)
		found |= want->types[i] == type;
	if (!found)
		return refuse_type(v, regno, want);
	if (REG_BASE(r->type) != PTR_BTF)
		return 0;
	if (want == &mem_types) {
		if (arg & ARG_RDONLY)
			return 0;
		return v_refuse_reg(v, -EACCES, WHY_PERM, regno,
				    "%s%s() may write into memory pointed by R%d type=%s",
				    meta->func_id < HELPER_ID_MAX ? "bpf_" : "",
				    helper_text(meta->func_id), regno, log_type(v, r->type));
	}
	switch (r->type) {
	case PTR_BTF:
	case PTR_BTF | T_TRUSTED:
	case PTR_BTF | T_TRUSTED | T_MAYBE_NULL:
	case PTR_BTF | T_RCU:
	case PTR_BTF | T_MAYBE_NULL:
	case PTR_BTF | T_MAYBE_NULL | T_RCU:
		return match_struct(v, r, regno, arg, want_id, meta);
	case PTR_BTF | T_ALLOC:
	case PTR_BTF | T_PERCPU | T_ALLOC:
		return match_alloc(v, r, regno, meta);
	case PTR_BTF | T_PERCPU:
	case PTR_BTF | T_PERCPU | T_RCU:
	case PTR_BTF | T_PERCPU | T_TRUSTED:
		return 0;
	}
	return v_bug(v, "invalid PTR_TO_BTF_ID register for type match");
}

int arg_reg_off(struct verify *v, const struct reg *r, u32 regno, u32 arg)
{
	if (arg & ARG_RELEASE) {
		/* a dynptr in the stack is found by its offset */
		if (ARG_KIND(arg) == ARG_DYNPTR && r->type == PTR_STACK)
			return 0;
		if (r->off)
			return v_refuse_reg(v, -EINVAL, WHY_REF, regno, "R%d must have zero offset "
					    "when passed to release func or trusted arg to kfunc",
					    regno);
		return mem_ptr_off_fixed_ok(v, r, regno, false);
	}
	switch (r->type) {
	case PTR_STACK:
	case PTR_PACKET:
	case PTR_PACKET_META:
	case PTR_MAP_KEY:
	case PTR_MAP_VALUE:
	case PTR_MEM:
	case PTR_MEM | T_RDONLY:
	case PTR_MEM | T_RINGBUF:
	case PTR_BUF:
	case PTR_BUF | T_RDONLY:
	case PTR_ARENA:
	case REG_SCALAR:
		return 0;
	case PTR_BTF:
	case PTR_BTF | T_ALLOC:
	case PTR_BTF | T_TRUSTED:
	case PTR_BTF | T_RCU:
	case PTR_BTF | T_ALLOC | T_NON_OWN_REF:
	case PTR_BTF | T_ALLOC | T_NON_OWN_REF | T_RCU:
		return mem_ptr_off_fixed_ok(v, r, regno, true);
	}
	return mem_ptr_off_fixed_ok(v, r, regno, false);
}

/* ---- constant keys and texts ---- */

/* Lookups in these never fail for a key that is in range. */
bool map_type_is_dense(u32 map_type)
{
	return map_type == BPF_MAP_TYPE_ARRAY || map_type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* The key, when the stack is known to hold a constant there; *value is -1 else.  Its slot then
 * counts as precise: other keys make other states.  Kernel 6.18: get_constant_map_key(). */
static int const_map_key(struct verify *v, const struct reg *key, u32 key_size, s64 *value)
{
	const struct frame *f = v->cur->frame[key->frameno];
	u32 zeros = 0, spilled = 0, pos, n;
	const struct slot *s;
	s64 off;
	int err;

	*value = -1;
	if (!v->bpf_capable || key->type != PTR_STACK || !tnum_is_const(key->val.bits))
		return 0;
	off = -(key->off + (s64)key->val.bits.value) - 1;
	if (off < 0 || off / 8 >= f->n_slots)
		return 0;
	n = (u32)off / 8;
	pos = (u32)off % 8;
	s = &f->stack[n];
	for (s32 i = (s32)pos; i >= 0 && s->type[i] == SLOT_ZERO; i--)
		zeros++;
	if (zeros >= key_size) {
		*value = 0;
		return 0;
	}
	if (!slot_is_scalar_spill(s))
		return 0;
	for (s32 i = (s32)pos; i >= 0 && s->type[i] == SLOT_SPILL; i--)
		spilled++;
	if (spilled != key_size || !tnum_is_const(s->reg.val.bits))
		return 0;
	precise_want_slot(v, key->frameno, n);
	err = precise_batch(v, v->cur);
	if (err < 0)
		return err;
	*value = (s64)s->reg.val.bits.value;
	return 0;
}

int call_const_str(struct verify *v, const struct reg *r, u32 regno)
{
	const struct verify_map *m = r->map;
	s64 off;
	int err;

	if (r->type != PTR_MAP_VALUE)
		return -EINVAL;
	if (!(m->flags & BPF_F_RDONLY_PROG) || !m->frozen)
		return v_refuse_reg(v, -EACCES, WHY_ARG, regno,
				    "R%d does not point to a readonly map'", regno);
	if (!tnum_is_const(r->val.bits))
		return v_refuse_reg(v, -EACCES, WHY_ARG, regno, "R%d is not a constant address'",
				    regno);
	if (m->type != BPF_MAP_TYPE_ARRAY && m->type != BPF_MAP_TYPE_ARENA)
		return v_refuse(v, -EACCES, WHY_ARG,
				"no direct value access support for this map type");
	err = mem_map_value(v, regno, r->off, m->value_size - (u32)r->off, false, BY_HELPER);
	if (err)
		return err;
	off = r->off + (s64)r->val.bits.value;
	if (m->type != BPF_MAP_TYPE_ARRAY || m->max_entries != 1 || off < 0 ||
	    off >= m->value_size)
		return v_refuse(v, -ENOTSUPP, WHY_ARG, "direct value access on string failed");
	/* a value that is not told is taken on trust */
	if (m->value && !memchr(m->value + off, 0, m->value_size - (size_t)off))
		return v_refuse(v, -EINVAL, WHY_ARG, "string is not zero-terminated");
	return 0;
}

/* ---- kinds of arguments ---- */

/* Socket maps hold sockets; a bloom filter only reads what is looked up. */
static int map_value_arg(struct verify *v, const struct call_meta *meta, u32 *arg)
{
	if (!meta->map)
		return v_bug(v, "invalid map_ptr to access map->type");
	switch (meta->map->type) {
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH:
		if (*arg != ARG_VALUE)
			return v_refuse(v, -EINVAL, WHY_MAP,
					"invalid arg_type for sockmap/sockhash");
		*arg = ARG_BTF_SOCK;
		return 0;
	case BPF_MAP_TYPE_BLOOM_FILTER:
		if (meta->func_id == HELPER_map_peek_elem)
			*arg = ARG_VALUE;
	}
	return 0;
}

static int arg_release(struct verify *v, const struct reg *r, u32 regno, u32 arg,
		       struct call_meta *meta)
{
	if (ARG_KIND(arg) == ARG_DYNPTR) {
		if (r->type != PTR_STACK)
			return v_refuse_reg(v, -EINVAL, WHY_REF, regno,
					    "cannot release unowned const bpf_dynptr");
		s32 slot = dynptr_slot(v, r);

		if (slot < 0 || !v_func(v, r)->stack[slot].reg.ref_obj_id)
			return v_refuse_reg(v, -EINVAL, WHY_REF, regno,
					    "arg %d is an unacquired reference", regno);
	} else if (!r->ref_obj_id && !reg_is_null(r)) {
		return v_refuse_reg(v, -EINVAL, WHY_REF, regno,
				    "R%d must be referenced when passed to release function", regno);
	}
	if (meta->release_regno)
		return v_bug(v, "more than one release argument");
	meta->release_regno = (u8)regno;
	return 0;
}

/* Timers lie in a map value and are made with that map; inner maps of one outer map look alike, so
 * that the lookup they came from counts too. */
static int arg_map(struct verify *v, const struct reg *r, struct call_meta *meta)
{
	if (meta->map && (meta->map != r->map || meta->map_uid != r->map_uid))
		return v_refuse(v, -EINVAL, WHY_MAP, "timer pointer in R1 map_uid=%d doesn't match "
				"map pointer in R2 map_uid=%d", (s32)meta->map_uid, (s32)r->map_uid);
	meta->map = r->map;
	meta->map_uid = r->map_uid;
	return 0;
}

static int arg_key(struct verify *v, const struct reg *r, u32 regno, struct call_meta *meta)
{
	int err;

	if (!meta->map)
		return v_bug(v, "invalid map_ptr to access map->key");
	err = mem_helper(v, regno, (s32)meta->map->key_size, ACC_READ, false, NULL);
	if (err || !map_type_is_dense(meta->map->type))
		return err;
	return const_map_key(v, r, meta->map->key_size, &meta->const_map_key);
}

static enum access arg_access(u32 arg)
{
	return arg & ARG_WRITE ? ACC_WRITE : ACC_READ;
}

static int arg_value(struct verify *v, const struct reg *r, u32 regno, u32 arg,
		     struct call_meta *meta)
{
	if (arg & ARG_NULLABLE && reg_is_null(r))
		return 0;
	if (!meta->map)
		return v_bug(v, "invalid map_ptr to access map->value");
	meta->raw_mode = arg & ARG_UNINIT;
	return mem_helper(v, regno, (s32)meta->map->value_size, arg_access(arg), false, meta);
}

static int arg_mem(struct verify *v, const struct reg *r, u32 regno, u32 arg,
		   struct call_meta *meta)
{
	int err;

	meta->raw_mode = arg & ARG_UNINIT;
	if (!(arg & ARG_FIXED_SIZE))
		return 0; /* looked at with the size that follows */
	err = mem_helper(v, regno, (s32)ARG_BYTES(arg), arg_access(arg), false, meta);
	if (err || !(arg & ARG_ALIGNED))
		return err;
	return mem_aligned(v, r, 0, ARG_BYTES(arg), true);
}

static int arg_spin_lock(struct verify *v, u32 regno, const struct call_meta *meta)
{
	if (in_rbtree_cb(v))
		return v_refuse(v, -EACCES, WHY_LOCK, "can't spin_{lock,unlock} in rbtree cb");
	return process_spin_lock(v, regno,
				 meta->func_id == HELPER_spin_lock ? LOCK_IS_LOCK : 0);
}

/* Kernel 6.18: process_kptr_func(). */
static int arg_kptr(struct verify *v, const struct reg *r, u32 regno, struct call_meta *meta)
{
	const struct btf_record *rec;
	u32 off = (u32)r->off + (u32)r->val.bits.value;

	if (type_is_alloc_ref(r->type)) {
		rec = reg_record(v, r);
	} else {
		if (!r->map->btf)
			return v_refuse(v, -EINVAL, WHY_BTF, "map '%s' has to have BTF in order to "
					"use bpf_kptr_xchg", r->map->name);
		rec = r->map->record;
		meta->map = r->map;
	}
	if (!tnum_is_const(r->val.bits))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno, "R%d doesn't have constant offset. "
				    "kptr has to be at the constant offset", regno);
	if (!record_has(rec, FIELD_KPTR))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno, "R%d has no valid kptr", regno);
	meta->kptr_field = record_find(rec, off, FIELD_KPTR);
	if (!meta->kptr_field)
		return v_refuse_reg(v, -EACCES, WHY_ARG, regno, "off=%d doesn't point to kptr",
				    (s32)off);
	if (meta->kptr_field->kind != FIELD_KPTR_REF && meta->kptr_field->kind != FIELD_KPTR_PERCPU)
		return v_refuse_reg(v, -EACCES, WHY_ARG, regno, "off=%d kptr isn't referenced kptr",
				    (s32)off);
	return 0;
}

static int arg_alloc_size(struct verify *v, const struct reg *r, u32 regno, struct call_meta *meta)
{
	if (!tnum_is_const(r->val.bits))
		return v_refuse_reg(v, -EACCES, WHY_ARG, regno, "R%d is not a known constant'",
				    regno);
	meta->mem_size = (s32)r->val.bits.value;
	return precise_reg(v, regno);
}

static int arg_percpu(struct verify *v, const struct reg *r, u32 regno, struct call_meta *meta)
{
	if (!r->btf_id)
		return v_refuse_reg(v, -EACCES, WHY_ARG, regno, "Helper has invalid btf_id in R%d",
				    regno);
	meta->ret_btf = r->btf;
	meta->ret_btf_id = r->btf_id;
	return 0;
}

static int arg_by_kind(struct verify *v, const struct helper_proto *p, u32 n, u32 arg,
		       struct call_meta *meta, u32 pc)
{
	u32 regno = n + 1;
	struct reg *r = v_reg(v, regno);

	switch (ARG_KIND(arg)) {
	case ARG_MAP:
		return arg_map(v, r, meta);
	case ARG_KEY:
		return arg_key(v, r, regno, meta);
	case ARG_VALUE:
		return arg_value(v, r, regno, arg, meta);
	case ARG_PERCPU:
		return arg_percpu(v, r, regno, meta);
	case ARG_SPIN_LOCK:
		return arg_spin_lock(v, regno, meta);
	case ARG_TIMER:
		return process_timer(v, regno, meta);
	case ARG_FUNC:
		meta->subprog = r->subprog;
		return 0;
	case ARG_MEM:
		return arg_mem(v, r, regno, arg, meta);
	case ARG_SIZE:
	case ARG_SIZE0:
		return mem_size_reg(v, r, regno, arg_access(n ? p->arg[n - 1] : 0),
				    ARG_KIND(arg) == ARG_SIZE0, meta);
	case ARG_DYNPTR:
		return dynptr_process(v, regno, pc, arg, 0);
	case ARG_ALLOC_SIZE:
		return arg_alloc_size(v, r, regno, meta);
	case ARG_CONST_STR:
		return call_const_str(v, r, regno);
	case ARG_KPTR:
		return arg_kptr(v, r, regno, meta);
	default:
		return 0;
	}
}

int helper_arg(struct verify *v, const struct helper_proto *p, u32 n, struct call_meta *meta,
	       u32 pc)
{
	u32 regno = n + 1, arg = p->arg[n];
	struct reg *r = v_reg(v, regno);
	int err;

	if (arg == ARG_NONE)
		return 0;
	err = reg_use(v, regno, USE_SRC);
	if (err)
		return err;
	if (arg == ARG_ANY) {
		if (!regno_is_ptr_value(v, regno))
			return 0;
		return v_refuse_reg(v, -EACCES, WHY_LEAK, regno,
				    "R%d leaks addr into helper function", regno);
	}
	if (type_is_pkt(r->type) && !mem_pkt_ok(v, meta, ACC_READ))
		return v_refuse_reg(v, -EACCES, WHY_PERM, regno,
				    "helper access to the packet is not allowed");
	if (ARG_KIND(arg) == ARG_VALUE) {
		err = map_value_arg(v, meta, &arg);
		if (err)
			return err;
	}
	if (!(reg_is_null(r) && arg & ARG_NULLABLE)) {
		u32 want = 0;

		if (ARG_KIND(arg) == ARG_BTF_ID)
			want = btf_helper_struct(v, ARG_STRUCT(arg));
		err = arg_reg_type(v, regno, arg, want, meta);
		if (!err)
			err = arg_reg_off(v, r, regno, arg);
		if (err)
			return err;
	}
	if (arg & ARG_RELEASE) {
		err = arg_release(v, r, regno, arg, meta);
		if (err)
			return err;
	}
	if (r->ref_obj_id && ARG_KIND(arg) != ARG_KPTR) {
		if (meta->ref_obj_id)
			return v_refuse_reg(v, -EACCES, WHY_REF, regno,
					    "more than one arg with ref_obj_id R%d %u %u", regno,
					    r->ref_obj_id, meta->ref_obj_id);
		meta->ref_obj_id = r->ref_obj_id;
	}
	return arg_by_kind(v, p, n, arg, meta, pc);
}

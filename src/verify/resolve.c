/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/resolve.c - what wide loads name: maps, their values, kernel variables, callbacks.
 *
 * Kernel 6.18: resolve_pseudo_ldimm64(), check_map_prog_compatibility(), check_pseudo_btf_id(),
 * check_ld_imm().
 */
#include "verify/fixup.h"
#include "verify/log.h"
#include "verify/record.h"
#include "verify/subprog.h"
#include "verify/walk.h"
#include <errno.h>
#include <string.h>

enum { MAX_VAR_OFF = 1 << 29 }; /* kernel BPF_MAX_VAR_OFF */

/* ---- maps ---- */

static bool is_tracing_type(u32 type)
{
	switch (type) {
	case BPF_PROG_TYPE_KPROBE:
	case BPF_PROG_TYPE_TRACEPOINT:
	case BPF_PROG_TYPE_PERF_EVENT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
		return true;
	}
	return false;
}

static bool sleepable_may_use(u32 map_type)
{
	switch (map_type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
	case BPF_MAP_TYPE_RINGBUF:
	case BPF_MAP_TYPE_USER_RINGBUF:
	case BPF_MAP_TYPE_INODE_STORAGE:
	case BPF_MAP_TYPE_SK_STORAGE:
	case BPF_MAP_TYPE_TASK_STORAGE:
	case BPF_MAP_TYPE_CGRP_STORAGE:
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
	case BPF_MAP_TYPE_ARENA:
		return true;
	}
	return false;
}

/* Fields that programs of a traced event can't use, and how the refusal calls them. */
static const struct {
	u32 fields;
	const char *what;
} untraceable[] = {
	{ FIELD_LIST_HEAD | FIELD_RB_ROOT, "bpf_{list_head,rb_root}" },
	{ FIELD_SPIN_LOCK | FIELD_RES_SPIN_LOCK, "bpf_spin_lock" },
	{ FIELD_TIMER, "bpf_timer" },
	{ FIELD_WORKQUEUE, "bpf_wq" },
};

static int map_fields_usable(struct verify *v, const struct verify_map *m)
{
	u32 mask = m->record ? m->record->mask : 0;

	for (u32 i = 0; i < ARRAY_SIZE(untraceable); i++) {
		if (!(mask & untraceable[i].fields))
			continue;
		if (untraceable[i].fields & FIELD_SPIN_LOCK &&
		    v_type(v) == BPF_PROG_TYPE_SOCKET_FILTER)
			return v_refuse(v, -EINVAL, WHY_MAP,
					"socket filter progs cannot use bpf_spin_lock yet");
		if (is_tracing_type(v_type(v)))
			return v_refuse(v, -EINVAL, WHY_MAP, "tracing progs cannot use %s yet",
					untraceable[i].what);
	}
	return 0;
}

static int arena_usable(struct verify *v, const struct verify_map *m)
{
	for (u32 i = 0; i < v->maps.n; i++)
		if (v->maps.p[i] != m && v->maps.p[i]->type == BPF_MAP_TYPE_ARENA)
			return v_refuse(v, -EBUSY, WHY_MAP, "Only one arena per program");
	if (!v->allow_ptr_leaks || !v->bpf_capable)
		return v_refuse(v, -EPERM, WHY_PRIV,
				"CAP_BPF and CAP_PERFMON are required to use arena");
	if (!v->k->jit)
		return v_refuse(v, -EOPNOTSUPP, WHY_MAP, "JIT is required to use arena");
	if (!m->user_addr)
		return v_refuse(v, -EINVAL, WHY_MAP,
				"arena's user address must be set via map_extra or mmap()");
	return 0;
}

static int map_usable(struct verify *v, const struct verify_map *m)
{
	bool storage = m->type == BPF_MAP_TYPE_CGROUP_STORAGE ||
		       m->type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
	int err = map_fields_usable(v, m);

	if (err)
		return err;
	if (m->type == BPF_MAP_TYPE_STRUCT_OPS)
		return v_refuse(v, -EINVAL, WHY_MAP, "bpf_struct_ops map cannot be used in prog");
	if (v->sleepable && !sleepable_may_use(m->type))
		return v_refuse(v, -EINVAL, WHY_MAP, "Sleepable programs can only use array, hash, "
						     "ringbuf and local storage maps");
	for (u32 i = 0; storage && i < v->maps.n; i++)
		if (v->maps.p[i] != m && v->maps.p[i]->type == m->type)
			return v_refuse(v, -EBUSY, WHY_MAP,
					"only one cgroup storage of each type is allowed");
	return m->type == BPF_MAP_TYPE_ARENA ? arena_usable(v, m) : 0;
}

/* The map behind an fd, entered among the program's. */
static int map_enter(struct verify *v, s32 fd, const struct verify_map **out)
{
	const struct verify_host *h = &v->prog->host;
	const struct verify_map *m = h->map ? h->map(h->arg, fd) : NULL;
	int err;

	if (!m)
		return v_refuse(v, -EBADF, WHY_MAP, "fd %d is not pointing to valid bpf_map", fd);
	*out = m;
	for (u32 i = 0; i < v->maps.n; i++)
		if (v->maps.p[i] == m)
			return 0;
	if (v->maps.n >= BPF_MAX_USED_MAPS)
		return v_refuse(v, -E2BIG, WHY_LIMIT,
				"The total number of maps per program has reached the limit of %u",
				(u32)BPF_MAX_USED_MAPS);
	err = map_usable(v, m);
	if (err)
		return err;
	return vec_push(&v->maps, m) ? 0 : v_nomem(v);
}

/* Can a wide load give the address of the value at off?  ->map_direct_value_addr() of array, arena
 * and the like. */
static int map_value_at(struct verify *v, const struct verify_map *m, u32 off)
{
	int err = 0;

	switch (m->type) {
	case BPF_MAP_TYPE_ARRAY:
		if (m->max_entries != 1)
			err = -ENOTSUPP;
		else if (off >= m->value_size)
			err = -EINVAL;
		break;
	case BPF_MAP_TYPE_ARENA:
		if (off > (u64)m->max_entries * 4096)
			err = -ERANGE;
		break;
	default:
		return v_refuse(v, -EINVAL, WHY_MAP,
				"no direct value access support for this map type");
	}
	if (err)
		return v_refuse(v, err, WHY_BOUNDS,
				"invalid access to map value pointer, value_size=%u off=%u",
				m->value_size, off);
	return 0;
}

static int map_fd(struct verify *v, const struct insn *i, s32 *fd)
{
	*fd = i->imm;
	if (i->src != PSEUDO_MAP_IDX && i->src != PSEUDO_MAP_IDX_VALUE)
		return 0;
	if (!v->prog->fd_array)
		return v_refuse(v, -EPROTO, WHY_MAP, "fd_idx without fd_array is invalid");
	if ((u32)i->imm >= v->prog->n_fd_array)
		return -EFAULT;
	*fd = v->prog->fd_array[(u32)i->imm];
	return 0;
}

static int resolve_map(struct verify *v, u32 pc)
{
	struct insn *i = &v->insns[pc];
	const struct verify_map *m = NULL;
	s32 fd = -1;
	int err;

	switch (i->src) {
	case PSEUDO_MAP_VALUE:
	case PSEUDO_MAP_IDX_VALUE:
		break;
	case PSEUDO_MAP_FD:
	case PSEUDO_MAP_IDX:
		if (!i[1].imm)
			break;
		/* fallthrough */
	default:
		return v_refuse(v, -EINVAL, WHY_STRUCTURE, "unrecognized bpf_ld_imm64 insn");
	}
	err = map_fd(v, i, &fd);
	if (!err)
		err = map_enter(v, fd, &m);
	if (err)
		return err;
	v->aux[pc].map = m;
	if (i->src == PSEUDO_MAP_FD || i->src == PSEUDO_MAP_IDX)
		return 0;
	if ((u32)i[1].imm >= MAX_VAR_OFF)
		return v_refuse(v, -EINVAL, WHY_BOUNDS, "direct value offset of %u is not allowed",
				(u32)i[1].imm);
	v->aux[pc].map_off = (u32)i[1].imm;
	return map_value_at(v, m, (u32)i[1].imm);
}

/* ---- kernel variables ---- */

static bool is_percpu(const struct btf *btf, u32 var)
{
	for (u32 id = btf_first_id(btf); id < btf_n_types(btf); id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (btf_kind(t) != BTF_DATASEC || strcmp(btf_name(btf, id), ".data..percpu"))
			continue;
		for (u32 i = 0; i < btf_vlen(t); i++)
			if (btf_secinfos(t)[i].type == var)
				return true;
		return false;
	}
	return false;
}

static int resolve_var(struct verify *v, u32 pc)
{
	const struct verify_host *h = &v->prog->host;
	struct insn *i = &v->insns[pc];
	struct insn_aux *aux = &v->aux[pc];
	const struct btf *btf = v->k->btf;
	u32 id = (u32)i->imm, type;
	bool module = false;
	s64 size;

	if (i[1].imm) {
		btf = h->btf ? h->btf(h->arg, i[1].imm, &module) : NULL;
		if (!btf)
			return v_refuse(v, -EINVAL, WHY_BTF,
					"invalid module BTF object FD specified.");
	} else if (!btf) {
		return v_refuse(v, -EINVAL, WHY_BTF,
				"kernel is missing BTF, make sure CONFIG_DEBUG_INFO_BTF=y is "
				"specified in Kconfig.");
	}
	if (id >= btf_n_types(btf))
		return v_refuse(v, -ENOENT, WHY_BTF, "ldimm64 insn specifies invalid btf_id %d.",
				(s32)id);

	const struct btf_type *t = btf_type(btf, id);

	if (btf_kind(t) != BTF_VAR && btf_kind(t) != BTF_FUNC)
		return v_refuse(v, -EINVAL, WHY_BTF,
				"pseudo btf_id %d in ldimm64 isn't KIND_VAR or KIND_FUNC", (s32)id);
	if (!profile_has_symbol(v->k, btf_name(btf, id)))
		return v_refuse(v, -ENOENT, WHY_BTF,
				"ldimm64 failed to find the address for kernel symbol '%s'.",
				btf_name(btf, id));
	aux->var.type = PTR_MEM | T_RDONLY;
	if (btf_kind(t) == BTF_FUNC)
		return 0;
	type = t->type;
	aux->var.btf = btf;
	aux->var.btf_id = type;
	if (is_percpu(btf, id)) {
		aux->var.type = PTR_BTF | T_PERCPU;
	} else if (btf_is_composite(btf_resolve(btf, type))) {
		aux->var.type = PTR_BTF;
	} else {
		size = btf_size(btf, type);
		if (size < 0)
			return v_refuse(v, -EINVAL, WHY_BTF,
					"ldimm64 unable to resolve the size of type '%s': %lld",
					btf_name(btf, btf_skip(btf, type)), (long long)size);
		aux->var.mem_size = (u32)size;
	}
	return 0;
}

/* ---- all of them ---- */

static int resolve_one(struct verify *v, u32 pc)
{
	struct insn *i = &v->insns[pc];

	if (pc == v->n_insns - 1 || i[1].code || i[1].dst || i[1].src || i[1].off)
		return v_refuse(v, -EINVAL, WHY_STRUCTURE, "invalid bpf_ld_imm64 insn");
	switch (i->src) {
	case PSEUDO_IMM64:
		return 0;
	case PSEUDO_BTF_ID:
		return resolve_var(v, pc);
	case PSEUDO_FUNC:
		v->aux[pc].ptr_type = PTR_FUNC;
		return 0;
	default:
		return resolve_map(v, pc);
	}
}

/* Kernel 6.18: bpf_opcode_in_insntable(). */
static bool opcode_known(u8 code)
{
	u8 op = INSN_OP(code), mode = INSN_MODE(code), size = INSN_SIZE(code);

	switch (INSN_CLASS(code)) {
	case CLS_ALU:
	case CLS_ALU64:
		if (op == ALU_NEG)
			return INSN_SRC(code) == SRC_K;
		if (op == ALU_END)
			return INSN_CLASS(code) == CLS_ALU || INSN_SRC(code) == SRC_K;
		return op <= ALU_END;
	case CLS_JMP:
		if (op == JMP_JA || op == JMP_CALL || op == JMP_EXIT || op == JMP_JCOND)
			return INSN_SRC(code) == SRC_K;
		return op <= JMP_JCOND;
	case CLS_JMP32:
		if (op == JMP_JA)
			return INSN_SRC(code) == SRC_K;
		return op != JMP_CALL && op != JMP_EXIT && op < JMP_JCOND;
	case CLS_LDX:
		return mode == MODE_MEM || (mode == MODE_MEMSX && size != SZ_DW);
	case CLS_ST:
		return mode == MODE_MEM;
	case CLS_STX:
		return mode == MODE_MEM || mode == MODE_ATOMIC;
	case CLS_LD:
		if (mode == MODE_ABS || mode == MODE_IND)
			return size != SZ_DW;
		return code == (CLS_LD | MODE_IMM | SZ_DW);
	}
	return false;
}

int resolve_wide(struct verify *v)
{
	for (u32 pc = 0; pc < v->n_insns; pc++) {
		struct insn *i = &v->insns[pc];
		int err;

		v->pc = pc;
		if (INSN_CLASS(i->code) == CLS_LDX &&
		    ((INSN_MODE(i->code) != MODE_MEM && INSN_MODE(i->code) != MODE_MEMSX) ||
		     i->imm))
			return v_refuse(v, -EINVAL, WHY_STRUCTURE, "BPF_LDX uses reserved fields");
		if (insn_is_wide(i)) {
			err = resolve_one(v, pc);
			if (err)
				return err;
			pc++;
			continue;
		}
		if (!opcode_known(i->code))
			return v_refuse(v, -EINVAL, WHY_STRUCTURE, "unknown opcode %02x", i->code);
	}
	return 0;
}

/* ---- the load itself, on a path ---- */

static int ld_func(struct verify *v, const struct insn *i, struct reg *dst)
{
	s32 sub = subprog_at(v, v->pc + (u32)i->imm + 1);

	if (!v->prog->n_func_info)
		return v_refuse(v, -EINVAL, WHY_BTF, "missing btf func_info");
	if (sub < 0)
		return v_bug(v, "callback at insn %u is no subprogram", v->pc);
	if (v->subprogs[sub].is_global)
		return v_refuse(v, -EINVAL, WHY_CALL, "callback function not static");
	dst->type = PTR_FUNC;
	dst->subprog = (u32)sub;
	return 0;
}

int ld_imm_check(struct verify *v, struct insn *i)
{
	struct insn_aux *aux = &v->aux[v->pc];
	struct reg *dst;
	int err;

	if (INSN_SIZE(i->code) != SZ_DW)
		return v_refuse(v, -EINVAL, WHY_STRUCTURE, "invalid BPF_LD_IMM insn");
	if (i->off)
		return v_refuse(v, -EINVAL, WHY_STRUCTURE, "BPF_LD_IMM64 uses reserved fields");
	err = reg_use(v, i->dst, USE_DST);
	if (err)
		return err;
	dst = v_reg(v, i->dst);
	if (i->src == PSEUDO_IMM64) {
		dst->type = REG_SCALAR;
		reg_const(dst, insn_imm64(i));
		return 0;
	}
	reg_zero_off(dst);
	switch (i->src) {
	case PSEUDO_BTF_ID:
		dst->type = aux->var.type;
		if (REG_BASE(dst->type) == PTR_MEM) {
			dst->mem_size = aux->var.mem_size;
		} else {
			dst->btf = aux->var.btf;
			dst->btf_id = aux->var.btf_id;
		}
		return 0;
	case PSEUDO_FUNC:
		return ld_func(v, i, dst);
	case PSEUDO_MAP_VALUE:
	case PSEUDO_MAP_IDX_VALUE:
		dst->map = aux->map;
		if (aux->map->type == BPF_MAP_TYPE_ARENA) {
			reg_unknown(v, dst);
			return 0;
		}
		dst->type = PTR_MAP_VALUE;
		dst->off = (s32)aux->map_off;
		return 0;
	default:
		dst->map = aux->map;
		dst->type = PTR_MAP;
		return 0;
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/mem_call.c - memory that a call reads or writes: pointer and size as arguments.
 *
 * Kernel 6.18: check_helper_mem_access() and what is built on it.
 */
#include "verify/call.h"
#include "verify/ctx.h"
#include "verify/log.h"
#include "verify/mem.h"
#include "verify/prune.h"
#include <errno.h>
#include <string.h>

enum { VAR_SIZE_MAX = 1 << 29 }; /* kernel BPF_MAX_VAR_SIZ */

/* Program types whose context is the kernel's own struct, so that its loads are not rewritten:
 * those without convert_ctx_access(). */
static bool ctx_is_plain(u32 prog_type)
{
	switch (prog_type) {
	case BPF_PROG_TYPE_KPROBE:
	case BPF_PROG_TYPE_TRACEPOINT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
	case BPF_PROG_TYPE_TRACING:
	case BPF_PROG_TYPE_LSM:
	case BPF_PROG_TYPE_STRUCT_OPS:
	case BPF_PROG_TYPE_EXT:
	case BPF_PROG_TYPE_SYSCALL:
	case BPF_PROG_TYPE_NETFILTER:
	case BPF_PROG_TYPE_LIRC_MODE2:
	case BPF_PROG_TYPE_CGROUP_DEVICE:
		return true;
	default:
		return false;
	}
}

/* Neither memory nor a kind that a call may touch.  Of null, nothing may be read. */
static int refuse_kind(struct verify *v, u32 regno, s32 size, bool zero_size_ok)
{
	const struct reg *r = v_reg(v, regno);

	if (zero_size_ok && !size && reg_is_null(r))
		return 0;
	return v_refuse_reg(v, -EACCES, type_may_be_null(r->type) ? WHY_NULL : WHY_ARG, regno,
			    "R%u type=%s expected=%s", regno, log_type(v, r->type),
			    log_type(v, PTR_STACK));
}

static int helper_ctx(struct verify *v, u32 regno, s32 size, enum access t, bool zero_size_ok)
{
	if (!ctx_is_plain(v_type(v)))
		return refuse_kind(v, regno, size, zero_size_ok);
	if (!size)
		return zero_size_ok ? 0 : -EACCES;
	return mem_access(v, v->pc, regno, size - 1, 1, t, -1, false, false);
}

static int helper_buf(struct verify *v, u32 regno, s32 size)
{
	struct reg *r = v_reg(v, regno);
	bool rdonly = type_is_rdonly_mem(r->type);

	return mem_buffer(v, r, regno, r->off, (u32)size, rdonly ? "rdonly" : "rdwr",
			  rdonly ? &v->max_rdonly_access : &v->max_rdwr_access);
}

int mem_helper(struct verify *v, u32 regno, s32 size, enum access t, bool zero_size_ok,
	       struct call_meta *meta)
{
	struct reg *r = v_reg(v, regno);
	u32 base = REG_BASE(r->type);
	bool rdonly = base == PTR_MAP_KEY ||
		      ((base == PTR_MEM || base == PTR_BUF) && type_is_rdonly_mem(r->type));
	int err;

	if (rdonly && t == ACC_WRITE)
		return mem_refuse_write(v, regno);
	switch (base) {
	case PTR_PACKET:
	case PTR_PACKET_META:
		return mem_packet(v, regno, r->off, (u32)size, zero_size_ok);
	case PTR_MAP_KEY:
		return mem_region(v, regno, r->off, (u32)size, r->map->key_size, false);
	case PTR_MAP_VALUE:
		err = mem_map_access_type(v, regno, r->off, (u32)size, t);
		if (err)
			return err;
		return mem_map_value(v, regno, r->off, (u32)size, zero_size_ok, BY_HELPER);
	case PTR_MEM:
		return mem_region(v, regno, r->off, (u32)size, r->mem_size, zero_size_ok);
	case PTR_BUF:
		return helper_buf(v, regno, size);
	case PTR_STACK:
		return stack_range(v, regno, r->off, size, zero_size_ok, t, meta);
	case PTR_BTF:
		return btf_ptr_access(v, v_regs(v), regno, r->off, (u32)size, ACC_READ, -1);
	case PTR_CTX:
		return helper_ctx(v, regno, size, t, zero_size_ok);
	default:
		return refuse_kind(v, regno, size, zero_size_ok);
	}
}

/* The pointer is in the register before.  Where the size is not known, all of the largest must be
 * initialised already: how much the call writes is not known either. */
int mem_size_reg(struct verify *v, struct reg *size, u32 size_regno, enum access t,
		 bool zero_size_ok, struct call_meta *meta)
{
	const struct scalar *n = &size->val;
	int err;

	meta->msize_max_value = n->umax;
	if (!tnum_is_const(n->bits))
		meta = NULL;
	if (n->smin < 0)
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, size_regno,
				    "R%u min value is negative, either use unsigned or "
				    "'var &= const'",
				    size_regno);
	if (!n->umin && !zero_size_ok)
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, size_regno,
				    "R%u invalid zero-sized read: u64=[%lld,%lld]", size_regno,
				    (long long)n->umin, (long long)n->umax);
	if (n->umax >= VAR_SIZE_MAX)
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, size_regno,
				    "R%u unbounded memory access, use 'var &= const' or "
				    "'if (var < const)'",
				    size_regno);
	err = mem_helper(v, size_regno - 1, (s32)n->umax, t, zero_size_ok, meta);
	return err ? err : precise_reg(v, size_regno);
}

/* A pointer that may be null is tried as if it were not; the register is then as before. */
int mem_reg(struct verify *v, struct reg *r, u32 regno, u32 mem_size)
{
	struct reg saved = *r;
	int err;

	if (reg_is_null(r))
		return 0;
	if (type_may_be_null(r->type))
		reg_mark_not_null(r);
	err = mem_helper(v, regno, (s32)mem_size, ACC_READ, true, NULL);
	if (!err)
		err = mem_helper(v, regno, (s32)mem_size, ACC_WRITE, true, NULL);
	if (type_may_be_null(saved.type))
		*r = saved;
	return err;
}

int mem_kfunc_size_reg(struct verify *v, struct reg *size, u32 size_regno)
{
	struct call_meta meta = {0};
	struct reg *mem, saved;
	int err;

	if (size_regno < 2 || size_regno > 5)
		return v_bug(v, "size of memory in R%u", size_regno);
	mem = v_reg(v, size_regno - 1);
	saved = *mem;
	if (type_may_be_null(mem->type))
		reg_mark_not_null(mem);
	err = mem_size_reg(v, size, size_regno, ACC_READ, true, &meta);
	if (!err)
		err = mem_size_reg(v, size, size_regno, ACC_WRITE, true, &meta);
	if (type_may_be_null(saved.type))
		*mem = saved;
	return err;
}

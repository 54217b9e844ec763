/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/helper_ret.c - what r0 holds after a helper call.
 *
 * Kernel 6.18: the second half of check_helper_call(), do_refine_retval_range().
 */
#include "abi/uapi.h"
#include "verify/call.h"
#include "verify/ctx.h"
#include "verify/walk.h"
#include <errno.h>

enum { ERRNO_MAX = 4095 }; /* kernel MAX_ERRNO */

/* The result is a new reference. */
static bool acquires(u32 id, const struct verify_map *m)
{
	switch (id) {
	case HELPER_sk_lookup_tcp: case HELPER_sk_lookup_udp: case HELPER_skc_lookup_tcp:
	case HELPER_ringbuf_reserve: case HELPER_kptr_xchg:
		return true;
	case HELPER_map_lookup_elem:
		return m && (m->type == BPF_MAP_TYPE_SOCKMAP || m->type == BPF_MAP_TYPE_SOCKHASH);
	}
	return false;
}

/* The result is the argument, seen as another type. */
static bool casts(u32 id)
{
	switch (id) {
	case HELPER_tcp_sock: case HELPER_sk_fullsock: case HELPER_skc_to_tcp_sock:
	case HELPER_skc_to_tcp6_sock: case HELPER_skc_to_udp6_sock:
	case HELPER_skc_to_mptcp_sock: case HELPER_skc_to_tcp_timewait_sock:
	case HELPER_skc_to_tcp_request_sock:
		return true;
	}
	return false;
}

static void set_pointer(struct reg *r0, u32 type)
{
	reg_zero_off(r0);
	r0->type = type;
}

/* A template with BPF_F_INNER_MAP says nothing of how long the maps are that come in its place, which
 * 6.18 overlooks. */
static bool length_is_open(const struct verify *v, const struct verify_map *m)
{
	if (!v->k->sound || !(m->flags & BPF_F_INNER_MAP))
		return false;
	for (u32 i = 0; i < v->maps.n; i++)
		if (v->maps.p[i]->inner == m)
			return true;
	return false;
}

static int ret_map_value(struct verify *v, struct reg *r0, u32 flags, const struct call_meta *meta)
{
	const struct verify_map *m = meta->map;

	if (!m)
		return v_bug(v, "unexpected null map_ptr");
	/* an array has every element in its range */
	if (meta->func_id == HELPER_map_lookup_elem && map_type_is_dense(m->type) &&
	    meta->const_map_key >= 0 && meta->const_map_key < m->max_entries &&
	    !length_is_open(v, m))
		flags &= ~(u32)T_MAYBE_NULL;
	set_pointer(r0, PTR_MAP_VALUE | flags);
	r0->map = m;
	r0->map_uid = meta->map_uid;
	if (!(flags & T_MAYBE_NULL) && m->record &&
	    m->record->mask & (FIELD_SPIN_LOCK | FIELD_RES_SPIN_LOCK))
		r0->id = ++v->id_gen;
	return 0;
}

/* A per-CPU variable: its bytes when it is no struct. */
static int ret_mem_or_btf(struct verify *v, struct reg *r0, u32 flags, const struct call_meta *meta)
{
	const struct btf *btf = meta->ret_btf;
	u32 id = btf_skip(btf, meta->ret_btf_id);

	if (btf_is_composite(btf_type(btf, id))) {
		set_pointer(r0, meta->percpu_alloc ? PTR_BTF | T_ALLOC | T_RCU : PTR_BTF | flags);
		r0->btf = btf;
		r0->btf_id = meta->ret_btf_id;
		return 0;
	}

	s64 size = btf_size(btf, id);

	if (size < 0)
		return v_refuse(v, -EINVAL, WHY_BTF,
				"unable to resolve the size of type '%s': %ld", btf_name(btf, id),
				(long)size);
	set_pointer(r0, PTR_MEM | T_RDONLY | flags);
	r0->mem_size = (u32)size;
	return 0;
}

static int ret_btf(struct verify *v, struct reg *r0, const struct helper_proto *p, u32 flags,
		   const struct call_meta *meta)
{
	set_pointer(r0, PTR_BTF | flags);
	if (RET_KIND(p->ret) == RET_KPTR) {
		const struct record_field *kptr = meta->kptr_field;

		if (!kptr->kptr_of_kernel) {
			r0->type |= T_ALLOC;
			if (kptr->kind == FIELD_KPTR_PERCPU)
				r0->type |= T_PERCPU;
		}
		r0->btf = kptr->btf;
		r0->btf_id = kptr->btf_id;
	} else {
		r0->btf = v->k->btf;
		r0->btf_id = btf_helper_struct(v, RET_STRUCT(p->ret));
	}
	if (!r0->btf_id)
		/* enum bpf_return_type of RET_PTR_TO_BTF_ID */
		return v_refuse(v, -EINVAL, WHY_BTF, "invalid return type %u of func " HELPER_FMT,
				8u, HELPER_ARGS(p->id));
	return 0;
}

static int ret_by_kind(struct verify *v, struct reg *r0, const struct helper_proto *p,
		       const struct call_meta *meta)
{
	u32 flags = (p->ret & RET_NULLABLE ? T_MAYBE_NULL : 0) |
		    (p->ret & RET_IS_TRUSTED ? T_TRUSTED : 0);

	switch (RET_KIND(p->ret)) {
	case RET_SCALAR:
		reg_unknown(v, r0);
		return 0;
	case RET_VOID:
		r0->type = REG_NOT_INIT;
		return 0;
	case RET_MAP_VALUE:
		return ret_map_value(v, r0, flags, meta);
	case RET_SOCKET:
		set_pointer(r0, PTR_SOCKET | flags);
		return 0;
	case RET_SOCK_COMMON:
		set_pointer(r0, PTR_SOCK_COMMON | flags);
		return 0;
	case RET_TCP_SOCK:
		set_pointer(r0, PTR_TCP_SOCK | flags);
		return 0;
	case RET_MEM:
	case RET_RECORD:
		if (RET_KIND(p->ret) == RET_RECORD)
			flags |= T_RINGBUF;
		set_pointer(r0, PTR_MEM | flags);
		r0->mem_size = (u32)meta->mem_size;
		return 0;
	case RET_MEM_OR_BTF:
		return ret_mem_or_btf(v, r0, flags, meta);
	case RET_BTF_ID:
	case RET_KPTR:
		return ret_btf(v, r0, p, flags, meta);
	default:
		return v_bug(v, "unknown return type %u of func " HELPER_FMT, p->ret,
			     HELPER_ARGS(p->id));
	}
}

static void ret_range(struct reg *r0, s64 min, s64 max)
{
	struct scalar *s = &r0->val;

	s->smin = min;
	s->smax = max;
	s->smin32 = (s32)min;
	s->smax32 = (s32)max;
	if (min >= 0) {
		s->umin = (u64)min;
		s->umax = (u64)max;
		s->umin32 = (u32)min;
		s->umax32 = (u32)max;
	}
	scalar_sync(s);
}

static void refine(struct verify *v, struct reg *r0, const struct call_meta *meta)
{
	switch (meta->func_id) {
	case HELPER_get_stack:
	case HELPER_get_task_stack:
	case HELPER_probe_read_str:
	case HELPER_probe_read_kernel_str:
	case HELPER_probe_read_user_str:
		ret_range(r0, -ERRNO_MAX, (s64)meta->msize_max_value);
		return;
	case HELPER_get_smp_processor_id:
		if (v->k->nr_cpus)
			ret_range(r0, 0, v->k->nr_cpus - 1);
	}
}

int helper_result(struct verify *v, const struct helper_proto *p, struct call_meta *meta, u32 pc)
{
	struct reg *r0 = v_reg(v, 0);
	int err;

	r0->subreg_def = 0;
	err = ret_by_kind(v, r0, p, meta);
	if (err)
		return err;
	if (type_may_be_null(r0->type))
		r0->id = ++v->id_gen;
	if (p->id == HELPER_dynptr_data)
		r0->dynptr_id = meta->dynptr_id;
	if (casts(p->id) || p->id == HELPER_dynptr_data) {
		r0->ref_obj_id = meta->ref_obj_id;
	} else if (acquires(p->id, meta->map)) {
		s32 id = ref_acquire(v, pc);

		if (id < 0)
			return id;
		r0->id = r0->ref_obj_id = (u32)id;
	}
	if (RET_KIND(p->ret) == RET_SCALAR)
		refine(v, r0, meta);
	return 0;
}

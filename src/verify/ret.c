/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/ret.c - what a program, or a function verified alone, may return.
 *
 * Kernel 6.18: check_return_code(), get_func_retval_range(), bpf_lsm_get_retval_range().
 */
#include "abi/uapi.h"
#include "verify/alu.h"
#include "verify/call.h"
#include "verify/log.h"
#include "verify/prune.h"
#include "verify/walk.h"
#include <errno.h>
#include <string.h>

enum { ERRNO_MAX = 4095, ANY_ATTACH = -1 };

/* What programs of a type return where they attach; the first line that fits counts, and who has
 * none may return anything. */
static const struct ret_rule {
	u32 prog_type;
	s32 attach_type;
	bool any;
	struct retval_range range;
} rules[] = {
#define RULE(type, attach, min, max) { BPF_PROG_TYPE_##type, attach, false, { min, max } }
#define FREE(type, attach) { BPF_PROG_TYPE_##type, attach, true, { 0, 0 } }
	RULE(CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_RECVMSG, 1, 1),
	RULE(CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_RECVMSG, 1, 1),
	RULE(CGROUP_SOCK_ADDR, BPF_CGROUP_UNIX_RECVMSG, 1, 1),
	RULE(CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETPEERNAME, 1, 1),
	RULE(CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETPEERNAME, 1, 1),
	RULE(CGROUP_SOCK_ADDR, BPF_CGROUP_UNIX_GETPEERNAME, 1, 1),
	RULE(CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETSOCKNAME, 1, 1),
	RULE(CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETSOCKNAME, 1, 1),
	RULE(CGROUP_SOCK_ADDR, BPF_CGROUP_UNIX_GETSOCKNAME, 1, 1),
	RULE(CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND, 0, 3),
	RULE(CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_BIND, 0, 3),
	RULE(CGROUP_SOCK_ADDR, ANY_ATTACH, 0, 1),
	RULE(CGROUP_SKB, BPF_CGROUP_INET_EGRESS, 0, 3),
	RULE(CGROUP_SKB, ANY_ATTACH, 0, 1),
	RULE(CGROUP_SOCK, ANY_ATTACH, 0, 1),
	RULE(SOCK_OPS, ANY_ATTACH, 0, 1),
	RULE(CGROUP_DEVICE, ANY_ATTACH, 0, 1),
	RULE(CGROUP_SYSCTL, ANY_ATTACH, 0, 1),
	RULE(CGROUP_SOCKOPT, ANY_ATTACH, 0, 1),
	RULE(TRACING, BPF_TRACE_FENTRY, 0, 0),
	RULE(TRACING, BPF_TRACE_FEXIT, 0, 0),
	FREE(TRACING, BPF_TRACE_RAW_TP),
	FREE(TRACING, BPF_MODIFY_RETURN),
	RULE(TRACING, BPF_TRACE_ITER, 0, 1),
	RULE(KPROBE, BPF_TRACE_KPROBE_SESSION, 0, 1),
	RULE(KPROBE, BPF_TRACE_UPROBE_SESSION, 0, 1),
	RULE(SK_LOOKUP, ANY_ATTACH, 0, 1),     /* SK_DROP, SK_PASS */
	RULE(NETFILTER, ANY_ATTACH, 0, 1),     /* NF_DROP, NF_ACCEPT */
#undef RULE
#undef FREE
};

static const struct ret_rule *rule_find(u32 prog_type, u32 attach_type)
{
	for (u32 i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].prog_type == prog_type &&
		    (rules[i].attach_type == ANY_ATTACH ||
		     rules[i].attach_type == (s32)attach_type))
			return &rules[i];
	return NULL;
}

static bool attaches_to_void(const struct verify *v)
{
	return v->attach_proto && !v->attach_proto->type;
}

/* Hooks that answer a question, where others give 0 or an errno: bool_lsm_hooks. */
static bool lsm_hook_is_bool(const struct verify *v)
{
	static const char *const names[] = {
		"bpf_lsm_xfrm_state_pol_flow_match", "bpf_lsm_audit_rule_known",
		"bpf_lsm_inode_xattr_skipcap",
	};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (v->attach_name && !strcmp(v->attach_name, names[i]))
			return true;
	return false;
}

/* Struct that a struct_ops function returns a pointer to; 0: it returns something else. */
static u32 struct_ops_returns(const struct verify *v)
{
	const struct btf_type *t;

	if (!v->attach_proto || !v->attach_btf)
		return 0;
	t = btf_resolve(v->attach_btf, v->attach_proto->type);
	return btf_kind(t) == BTF_PTR ? btf_skip(v->attach_btf, t->type) : 0;
}

/* 1: *out is the range; 0: anything goes; or an errno.  *is32: the low half counts. */
static int range_of_program(struct verify *v, struct retval_range *out, bool *is32)
{
	u32 type = v_type(v), at = call_attach_type(v);
	const struct ret_rule *rule = rule_find(type, at);

	*is32 = false;
	switch (type) {
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
		*out = (struct retval_range){ 0, 0 };
		return v->attach_btf_id != 0;
	case BPF_PROG_TYPE_LSM:
		if (at == BPF_LSM_CGROUP) {
			*out = (struct retval_range){ attaches_to_void(v), 1 };
			return 1;
		}
		if (at != BPF_LSM_MAC || attaches_to_void(v))
			return 0;
		*is32 = true;
		*out = lsm_hook_is_bool(v) ? (struct retval_range){ 0, 1 } :
					     (struct retval_range){ -ERRNO_MAX, 0 };
		return 1;
	case BPF_PROG_TYPE_STRUCT_OPS:
		*out = (struct retval_range){ 0, 0 };
		return struct_ops_returns(v) != 0;
	}
	if (!rule)
		return type == BPF_PROG_TYPE_TRACING ? -ENOTSUPP : 0;
	*out = rule->range;
	return !rule->any;
}

bool return_has_range(struct verify *v, struct retval_range *out)
{
	bool is32;

	return range_of_program(v, out, &is32) > 0;
}

static int enforce(struct verify *v, u32 regno, const char *reg_name, struct retval_range want,
		   bool is32, const char *when)
{
	const struct reg *r = v_reg(v, regno);
	s64 min, max;
	int err;

	if (r->type != REG_SCALAR)
		return v_refuse_reg(v, -EINVAL, WHY_RETURN, regno,
				    "%s the register R%d is not a known value (%s)", when, regno,
				    log_type(v, r->type));
	err = precise_reg(v, regno);
	if (err)
		return err;
	min = is32 ? r->val.smin32 : r->val.smin;
	max = is32 ? r->val.smax32 : r->val.smax;
	if (want.min <= min && max <= want.max)
		return 0;
	log_invalid_scalar(v, r, want, when, reg_name);
	if (!v->cur->frame[0]->subprog && v->attach_type == BPF_LSM_CGROUP &&
	    v_type(v) == BPF_PROG_TYPE_LSM && attaches_to_void(v))
		v_log(v, "Note, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return "
		      "value!\n");
	return -EINVAL;
}

/* Hooks that return nothing take anything, even what was never set.  A struct_ops function may
 * return the reference that it holds, as it got it. */
static bool returns_freely(struct verify *v, u32 regno, int *err)
{
	const struct frame *f = v->cur->frame[0];
	const struct reg *r = v_reg(v, regno);
	u32 type = v_type(v), id;

	*err = 0;
	if (f->subprog && !f->in_exception_callback)
		return false;
	if (type == BPF_PROG_TYPE_LSM)
		return v->attach_type != BPF_LSM_CGROUP && attaches_to_void(v);
	if (type != BPF_PROG_TYPE_STRUCT_OPS)
		return false;
	if (attaches_to_void(v))
		return true;
	id = f->in_exception_callback ? 0 : struct_ops_returns(v);
	if (!id || REG_BASE(r->type) != PTR_BTF || r->btf != v->attach_btf || r->btf_id != id ||
	    !r->ref_obj_id)
		return false;
	*err = mem_ptr_off_fixed_ok(v, r, regno, false);
	return true;
}

int return_check(struct verify *v, u32 regno, const char *reg_name)
{
	const struct frame *f = v->cur->frame[0];
	const struct reg *r = v_reg(v, regno);
	struct retval_range want;
	bool is32;
	int err;

	if (returns_freely(v, regno, &err))
		return err;
	err = reg_use(v, regno, USE_SRC);
	if (err)
		return err;
	if (regno_is_ptr_value(v, regno))
		return v_refuse_reg(v, -EACCES, WHY_LEAK, regno, "R%d leaks addr as return value",
				    regno);
	if (f->in_async_callback)
		return enforce(v, regno, reg_name, f->callback_ret, false,
			       "At async callback return");
	if (f->subprog && !f->in_exception_callback) {
		if (r->type == REG_SCALAR)
			return 0;
		return v_refuse_reg(v, -EINVAL, WHY_RETURN, regno, "At subprogram exit the register "
				    "R%d is not a scalar value (%s)", regno, log_type(v, r->type));
	}
	err = range_of_program(v, &want, &is32);
	if (err <= 0)
		return err;
	/* what a callback throws is a number, not a pointer to hand on */
	if (v_type(v) == BPF_PROG_TYPE_STRUCT_OPS && f->in_exception_callback)
		return 0;
	return enforce(v, regno, reg_name, want, is32, "At program exit");
}

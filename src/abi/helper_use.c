/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/helper_use.c - which program types may call a helper, and with which prototype.
 *
 * Kernel 6.18: bpf_base_func_proto, bpf_sk_base_func_proto, bpf_tracing_func_proto and the
 * functions per type that fall back on them.  What the kernel leaves out for want of configuration
 * or capability, or under lockdown, counts as there.
 */
#include "abi/helper_use.h"
#include "abi/helper_flag.h"
#include "abi/uapi.h"

/* Sets of program types, as the tables write them. */
enum type_set {
#define PROG_TYPE(name, number, text) name = 1ull << number,
#include "abi/prog_type.def"
#undef PROG_TYPE
	RAW_TP = RAW_TRACEPOINT | RAW_TRACEPOINT_WRITABLE,
	TRACING_BTF = TRACING | LSM | SYSCALL,
	TRACING_ALL = KPROBE | TRACEPOINT | PERF_EVENT | RAW_TP | TRACING_BTF,
	TC = SCHED_CLS | SCHED_ACT,
	LWT = LWT_IN | LWT_OUT | LWT_XMIT | LWT_SEG6LOCAL,
	SK_BASE = SOCKET_FILTER | TC | LWT | XDP | CGROUP_SKB | SOCK_OPS | SK_SKB | SK_MSG |
		  CGROUP_SOCK_ADDR | FLOW_DISSECTOR | SK_LOOKUP,
	CGROUP_CURRENT = CGROUP_SOCK | CGROUP_DEVICE | CGROUP_SOCK_ADDR | CGROUP_SYSCTL |
			 CGROUP_SOCKOPT,
};

/* 0 where every type may call it. */
static const u64 uses[HELPER_ID_MAX] = {
#define USE(name, set) [HELPER_##name] = set,
#include "abi/helper_use.def"
#undef USE
};

struct variant {
	u64 types;
	struct helper_proto proto;
};

static const struct variant variants[] = {
#define VARIANT(set, id_, name_, ret_, a1, a2, a3, a4, a5, flags_)                     \
	{ set, { .id = id_, .flags = flags_, .ret = RET_##ret_,                        \
		 .arg = { ARG_##a1, ARG_##a2, ARG_##a3, ARG_##a4, ARG_##a5 },           \
		 .name = #name_ } },
#include "abi/helper_variant.def"
#undef VARIANT
};

/* Lirc programs have a short list of their own.  Kernel: lirc_mode2_func_proto. */
static bool lirc_allows(u32 id)
{
	switch (id) {
	case HELPER_rc_repeat: case HELPER_rc_keydown: case HELPER_rc_pointer_rel:
	case HELPER_map_lookup_elem: case HELPER_map_update_elem: case HELPER_map_delete_elem:
	case HELPER_map_push_elem: case HELPER_map_pop_elem: case HELPER_map_peek_elem:
	case HELPER_ktime_get_ns: case HELPER_ktime_get_boot_ns: case HELPER_tail_call:
	case HELPER_get_prandom_u32: case HELPER_trace_printk:
		return true;
	}
	return false;
}

/* Hooks whose result a cgroup program cannot change.  Kernel: cgroup_common_func_proto. */
static bool has_retval(u32 attach_type)
{
	switch (attach_type) {
	case BPF_CGROUP_UDP4_RECVMSG: case BPF_CGROUP_UDP6_RECVMSG: case BPF_CGROUP_UNIX_RECVMSG:
	case BPF_CGROUP_INET4_GETPEERNAME: case BPF_CGROUP_INET6_GETPEERNAME:
	case BPF_CGROUP_UNIX_GETPEERNAME: case BPF_CGROUP_INET4_GETSOCKNAME:
	case BPF_CGROUP_INET6_GETSOCKNAME: case BPF_CGROUP_UNIX_GETSOCKNAME:
		return false;
	}
	return true;
}

/* Runs behind a trampoline, so that it sees the function's arguments. */
static bool has_trampoline(u32 prog_type, u32 attach_type)
{
	if (prog_type == BPF_PROG_TYPE_LSM)
		return attach_type != BPF_LSM_CGROUP;
	return attach_type == BPF_TRACE_FENTRY || attach_type == BPF_TRACE_FEXIT ||
	       attach_type == BPF_MODIFY_RETURN;
}

/* What the attach type adds to the type's own answer. */
static bool attach_allows(u32 id, u32 prog_type, u32 attach_type)
{
	bool lsm = prog_type == BPF_PROG_TYPE_LSM;

	switch (id) {
	case HELPER_bind:
		return attach_type == BPF_CGROUP_INET4_CONNECT ||
		       attach_type == BPF_CGROUP_INET6_CONNECT;
	case HELPER_setsockopt:
	case HELPER_getsockopt:
		if (prog_type == BPF_PROG_TYPE_CGROUP_SOCKOPT)
			return attach_type == BPF_CGROUP_SETSOCKOPT;
		if (prog_type == BPF_PROG_TYPE_TRACING)
			return attach_type == BPF_TRACE_ITER;
		return !lsm || attach_type == BPF_LSM_CGROUP;
	case HELPER_get_local_storage:
		return !lsm || attach_type == BPF_LSM_CGROUP;
	case HELPER_get_retval:
	case HELPER_set_retval:
		return lsm ? attach_type == BPF_LSM_CGROUP : has_retval(attach_type);
	case HELPER_get_func_arg:
	case HELPER_get_func_ret:
	case HELPER_get_func_arg_cnt:
		return has_trampoline(prog_type, attach_type);
	case HELPER_get_attach_cookie:
		if (prog_type == BPF_PROG_TYPE_TRACING && attach_type == BPF_TRACE_RAW_TP)
			return true;
		return (!lsm && prog_type != BPF_PROG_TYPE_TRACING) ||
		       has_trampoline(prog_type, attach_type);
	case HELPER_seq_printf:
	case HELPER_seq_write:
	case HELPER_seq_printf_btf:
		return attach_type == BPF_TRACE_ITER;
	}
	return true;
}

bool helper_allowed(u32 id, u32 prog_type, u32 attach_type)
{
	if (!helper_proto(id) || prog_type == BPF_PROG_TYPE_UNSPEC ||
	    prog_type >= BPF_PROG_TYPE_MAX)
		return false;
	if (prog_type == BPF_PROG_TYPE_LIRC_MODE2)
		return lirc_allows(id);
	if (prog_type == BPF_PROG_TYPE_EXT)
		return true;
	if (!uses[id])
		return true;
	return uses[id] >> prog_type & 1 && attach_allows(id, prog_type, attach_type);
}

const struct helper_proto *helper_proto_for(u32 id, u32 prog_type, u32 attach_type)
{
	bool multi = attach_type == BPF_TRACE_KPROBE_MULTI ||
		     attach_type == BPF_TRACE_KPROBE_SESSION ||
		     attach_type == BPF_TRACE_UPROBE_MULTI ||
		     attach_type == BPF_TRACE_UPROBE_SESSION;

	for (u32 i = 0; i < ARRAY_SIZE(variants); i++) {
		const struct variant *v = &variants[i];

		if (v->proto.id != id || prog_type >= 64 || !(v->types >> prog_type & 1))
			continue;
		if (id == HELPER_get_func_ip && !multi)
			continue;
		return &v->proto;
	}
	return helper_proto(id);
}

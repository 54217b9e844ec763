/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/proto.c - which helper this program may call, and with which prototype.
 *
 * abi/helper_use.h knows the program types; here stands what depends on the program at hand: what
 * it attaches to, its caller's capabilities, the kernel's configuration and lockdown.
 * Kernel 6.18: get_helper_proto(), and the *_func_proto() and *_allowed() functions.
 */
#include "abi/helper_use.h"
#include "abi/uapi.h"
#include "verify/call.h"
#include "verify/ctx.h"
#include "verify/kfunc.h"
#include <errno.h>
#include <string.h>

/* ---- facts of a helper by itself ---- */

bool helper_calls_back_sync(u32 id)
{
	return id == HELPER_for_each_map_elem || id == HELPER_find_vma || id == HELPER_loop ||
	       id == HELPER_user_ringbuf_drain;
}

bool helper_calls_back_async(u32 id)
{
	return id == HELPER_timer_set_callback;
}

bool helper_calls_back(u32 id)
{
	return helper_calls_back_sync(id) || helper_calls_back_async(id);
}

bool helper_changes_pkt(u32 id)
{
	const struct helper_proto *p = helper_proto(id);

	return p && p->flags & HELPER_PKT_CHANGES;
}

bool insn_calls_back_sync(struct verify *v, const struct insn *i)
{
	if (!insn_is_call(i))
		return false;
	if (i->src == CALL_HELPER)
		return helper_calls_back_sync((u32)i->imm);
	return i->src == CALL_KFUNC && kfunc_calls_back_sync(v, i);
}

bool insn_calls_back_async(struct verify *v, const struct insn *i)
{
	if (!insn_is_call(i))
		return false;
	if (i->src == CALL_HELPER)
		return helper_calls_back_async((u32)i->imm);
	return i->src == CALL_KFUNC && kfunc_calls_back_async(v, i);
}

bool insn_calls_back(struct verify *v, const struct insn *i)
{
	return insn_calls_back_sync(v, i) || insn_calls_back_async(v, i);
}

/* ---- what caller and kernel must have ---- */

enum need_cap { CAP_NONE, CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN };

static const u8 need_cap[HELPER_ID_MAX] = {
#define NEED_CAP(name, cap) [HELPER_##name] = CAP_##cap,
#define NEED_CONFIG(name, option)
#define NEED_UNLOCKED(name)
#include "abi/helper_need.def"
#undef NEED_CAP
#undef NEED_CONFIG
#undef NEED_UNLOCKED
};

static const char *const need_config[HELPER_ID_MAX] = {
#define NEED_CAP(name, cap)
#define NEED_CONFIG(name, option) [HELPER_##name] = option,
#define NEED_UNLOCKED(name)
#include "abi/helper_need.def"
#undef NEED_CAP
#undef NEED_CONFIG
#undef NEED_UNLOCKED
};

static const bool need_unlocked[HELPER_ID_MAX] = {
#define NEED_CAP(name, cap)
#define NEED_CONFIG(name, option)
#define NEED_UNLOCKED(name) [HELPER_##name] = true,
#include "abi/helper_need.def"
#undef NEED_CAP
#undef NEED_CONFIG
#undef NEED_UNLOCKED
};

static bool needs_met(const struct verify *v, u32 id)
{
	static const u8 has[] = {
		[CAPS_ALL] = CAP_SYS_ADMIN, [CAPS_NOPERFMON] = CAP_BPF, [CAPS_UNPRIV] = CAP_NONE,
	};

	if (need_cap[id] > has[v->k->caps])
		return false;
	if (need_config[id] && !profile_has_config(v->k, need_config[id]))
		return false;
	return !(need_unlocked[id] && v->k->lockdown_integrity);
}

/* ---- what the program attaches to ---- */

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (name && !strcmp(name, *names))
			return true;
	return false;
}

u32 call_attach_type(const struct verify *v)
{
	if (v->prog_type == BPF_PROG_TYPE_EXT && v->prog->target)
		return v->prog->target->attach_type;
	return v->attach_type;
}

/* Runs behind a trampoline: bpf_prog_has_trampoline(). */
bool call_has_trampoline(const struct verify *v)
{
	u32 at = call_attach_type(v);

	if (v->prog_type == BPF_PROG_TYPE_LSM)
		return at == BPF_LSM_MAC;
	return v->prog_type == BPF_PROG_TYPE_TRACING &&
	       (at == BPF_TRACE_FENTRY || at == BPF_TRACE_FEXIT || at == BPF_MODIFY_RETURN);
}

/* Congestion control has the socket in hand, but not where it is taken from a socket: that would
 * call release() again.  Other struct_ops have the helpers of every program.
 * Kernel 6.18: bpf_tcp_ca_get_func_proto(), and get_func_proto of the other struct_ops. */
static bool struct_ops_allow(const struct verify *v, u32 id)
{
	const char *ops = v->attach_btf ? btf_name(v->attach_btf, v->attach_btf_id) : "";
	bool tcp = !strcmp(ops, "tcp_congestion_ops");

	switch (id) {
	case HELPER_setsockopt:
	case HELPER_getsockopt:
		return tcp && v->attach_name && strcmp(v->attach_name, "release");
	case HELPER_tcp_send_ack:
	case HELPER_sk_storage_get:
	case HELPER_sk_storage_delete:
	case HELPER_ktime_get_coarse_ns:
		return tcp;
	}
	/* struct bpf_dummy_ops is for tests and has no helpers at all */
	return strcmp(ops, "bpf_dummy_ops");
}

/* Hooks with the socket locked, or not yet known to anybody: bpf_lsm_*_sockopt_hooks. */
static bool lsm_allows(const struct verify *v, u32 id)
{
	static const char *const sockopt_hooks[] = {
		"bpf_lsm_sock_graft", "bpf_lsm_inet_csk_clone", "bpf_lsm_inet_conn_established",
		"bpf_lsm_socket_post_create", "bpf_lsm_socket_socketpair", NULL,
	};

	if (id == HELPER_setsockopt || id == HELPER_getsockopt)
		return is_one_of(v->attach_name, sockopt_hooks);
	return true;
}

/* Iterators that have their socket locked: bpf_iter_get_func_proto(). */
static bool tracing_allows(const struct verify *v, u32 id)
{
	static const char *const iterators[] = { "bpf_iter_tcp", "bpf_iter_unix", NULL };

	if (id == HELPER_setsockopt || id == HELPER_getsockopt)
		return is_one_of(v->attach_name, iterators);
	return true;
}

/* proto->allowed(), whose "no" has a sentence of its own. */
static bool target_allows(const struct verify *v, u32 id)
{
	static const char *const d_path_functions[] = {
		"security_file_permission", "security_inode_getattr", "security_file_open",
		"security_path_truncate", "vfs_truncate", "vfs_fallocate", "dentry_open",
		"vfs_getattr", "filp_close", NULL,
	};
	u32 at = v->attach_type;

	switch (id) {
	case HELPER_d_path:
		if (v->prog_type == BPF_PROG_TYPE_TRACING && at == BPF_TRACE_ITER)
			return true;
		if (v->prog_type == BPF_PROG_TYPE_LSM)
			return attach_lsm_sleepable(v);
		return !v->prog->target && is_one_of(v->attach_name, d_path_functions);
	case HELPER_ima_inode_hash:
	case HELPER_ima_file_hash:
		return attach_lsm_sleepable(v);
	case HELPER_sk_storage_get:
	case HELPER_sk_storage_delete:
		if (v->prog->target)
			return false;
		if (at == BPF_TRACE_ITER || at == BPF_TRACE_RAW_TP)
			return true;
		return (at == BPF_TRACE_FENTRY || at == BPF_TRACE_FEXIT) && v->attach_name &&
		       strncmp(v->attach_name, "bpf_sk_storage", strlen("bpf_sk_storage"));
	}
	return true;
}

/* ---- prototypes ---- */

const struct helper_proto *call_proto_find(struct verify *v, u32 id)
{
	u32 type = v_type(v), at = call_attach_type(v);

	if (!helper_proto(id) || !helper_allowed(id, type, at) || !needs_met(v, id))
		return NULL;
	if (type == BPF_PROG_TYPE_STRUCT_OPS && !struct_ops_allow(v, id))
		return NULL;
	if (type == BPF_PROG_TYPE_LSM && !lsm_allows(v, id))
		return NULL;
	if (type == BPF_PROG_TYPE_TRACING && !tracing_allows(v, id))
		return NULL;
	return helper_proto_for(id, type, at);
}

const struct helper_proto *call_proto(struct verify *v, u32 id)
{
	const struct helper_proto *p;

	if (id >= HELPER_ID_MAX) {
		v_refuse(v, -EINVAL, WHY_CALL, "invalid func " HELPER_FMT, HELPER_ARGS(id));
		return NULL;
	}
	p = call_proto_find(v, id);
	if (!p) {
		v_refuse(v, -EINVAL, WHY_CALL, "program of this type cannot use helper " HELPER_FMT,
			 HELPER_ARGS(id));
		return NULL;
	}
	if (!v->prog->gpl && p->flags & HELPER_GPL) {
		v_refuse(v, -EINVAL, WHY_CALL, "cannot call GPL-restricted function from non-GPL "
			 "compatible program");
		return NULL;
	}
	if (p->flags & HELPER_BY_TARGET && !target_allows(v, id)) {
		v_refuse(v, -EINVAL, WHY_CALL, "helper call is not allowed in probe");
		return NULL;
	}
	return p;
}

const char *helper_text(u32 id)
{
	const struct helper_proto *p = helper_proto(id);

	if (!id)
		return "unspec";
	return p ? p->name : "unknown";
}

/* Sleepable programs of types whose stack helpers come in two forms get the one that may sleep. */
bool call_may_sleep(const struct verify *v, const struct helper_proto *p)
{
	if (p->flags & HELPER_MAY_SLEEP)
		return true;
	return v->sleepable && ((p->id == HELPER_get_stack && v_type(v) == BPF_PROG_TYPE_KPROBE) ||
				p->id == HELPER_get_task_stack);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/load_check.c - what bpf(2) refuses before its verifier looks.
 *
 * Kernel 6.18: bpf_prog_load(), bpf_prog_load_check_attach(), map_create() in kernel/bpf/syscall.c, the
 * map_alloc_check and map_alloc functions of each map type, include/linux/bpf_types.h.
 */
#include "verify/load_check.h"
#include <errno.h>
#include <limits.h>
#include <string.h>

enum { ENOTSUPP_KERNEL = 524 }; /* the kernel's ENOTSUPP, which has no name outside */

/* ---- programs ---- */

enum type_needs { NET_ADMIN = 1, PERFMON = 2 };

/* What loading a program of each type needs: capabilities beside CAP_BPF, and an option that the kernel
 * was built with. */
static const struct {
	u8 needs;
	const char *config;
} prog_types[BPF_PROG_TYPE_MAX] = {
	[BPF_PROG_TYPE_SOCKET_FILTER] = { 0, "CONFIG_NET" },
	[BPF_PROG_TYPE_KPROBE] = { PERFMON, "CONFIG_BPF_EVENTS" },
	[BPF_PROG_TYPE_SCHED_CLS] = { NET_ADMIN, "CONFIG_NET" },
	[BPF_PROG_TYPE_SCHED_ACT] = { NET_ADMIN, "CONFIG_NET" },
	[BPF_PROG_TYPE_TRACEPOINT] = { PERFMON, "CONFIG_BPF_EVENTS" },
	[BPF_PROG_TYPE_XDP] = { NET_ADMIN, "CONFIG_NET" },
	[BPF_PROG_TYPE_PERF_EVENT] = { PERFMON, "CONFIG_BPF_EVENTS" },
	[BPF_PROG_TYPE_CGROUP_SKB] = { 0, "CONFIG_CGROUP_BPF" },
	[BPF_PROG_TYPE_CGROUP_SOCK] = { NET_ADMIN, "CONFIG_CGROUP_BPF" },
	[BPF_PROG_TYPE_LWT_IN] = { NET_ADMIN, "CONFIG_NET" },
	[BPF_PROG_TYPE_LWT_OUT] = { NET_ADMIN, "CONFIG_NET" },
	[BPF_PROG_TYPE_LWT_XMIT] = { NET_ADMIN, "CONFIG_NET" },
	[BPF_PROG_TYPE_SOCK_OPS] = { NET_ADMIN, "CONFIG_NET" },
	[BPF_PROG_TYPE_SK_SKB] = { NET_ADMIN, "CONFIG_NET" },
	[BPF_PROG_TYPE_CGROUP_DEVICE] = { NET_ADMIN, "CONFIG_CGROUP_BPF" },
	[BPF_PROG_TYPE_SK_MSG] = { NET_ADMIN, "CONFIG_NET" },
	[BPF_PROG_TYPE_RAW_TRACEPOINT] = { PERFMON, "CONFIG_BPF_EVENTS" },
	[BPF_PROG_TYPE_CGROUP_SOCK_ADDR] = { NET_ADMIN, "CONFIG_CGROUP_BPF" },
	[BPF_PROG_TYPE_LWT_SEG6LOCAL] = { NET_ADMIN, "CONFIG_NET" },
	[BPF_PROG_TYPE_LIRC_MODE2] = { 0, "CONFIG_BPF_LIRC_MODE2" },
	[BPF_PROG_TYPE_SK_REUSEPORT] = { 0, "CONFIG_INET" },
	[BPF_PROG_TYPE_FLOW_DISSECTOR] = { NET_ADMIN, "CONFIG_NET" },
	[BPF_PROG_TYPE_CGROUP_SYSCTL] = { NET_ADMIN, "CONFIG_CGROUP_BPF" },
	[BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE] = { PERFMON, "CONFIG_BPF_EVENTS" },
	[BPF_PROG_TYPE_CGROUP_SOCKOPT] = { NET_ADMIN, "CONFIG_CGROUP_BPF" },
	[BPF_PROG_TYPE_TRACING] = { PERFMON, "CONFIG_BPF_EVENTS" },
	[BPF_PROG_TYPE_STRUCT_OPS] = { PERFMON, "CONFIG_BPF_JIT" },
	[BPF_PROG_TYPE_EXT] = { NET_ADMIN | PERFMON, "CONFIG_BPF_JIT" },
	[BPF_PROG_TYPE_LSM] = { PERFMON, "CONFIG_BPF_LSM" },
	[BPF_PROG_TYPE_SK_LOOKUP] = { 0, "CONFIG_INET" },
	[BPF_PROG_TYPE_SYSCALL] = { 0, "CONFIG_BPF_SYSCALL" },
	[BPF_PROG_TYPE_NETFILTER] = { NET_ADMIN, "CONFIG_NETFILTER_BPF_LINK" },
};

/* Attach types of the program types that name what they are for when they are loaded; others take any
 * (or, SYSCALL and EXT, none). */
static const struct {
	u8 prog_type, attach_type;
} attach_types[] = {
	{ BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE },
	{ BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE },
	{ BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET4_POST_BIND },
	{ BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET6_POST_BIND },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_BIND },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_CONNECT },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UNIX_CONNECT },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETPEERNAME },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETPEERNAME },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UNIX_GETPEERNAME },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETSOCKNAME },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETSOCKNAME },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UNIX_GETSOCKNAME },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_SENDMSG },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UNIX_SENDMSG },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_RECVMSG },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_RECVMSG },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UNIX_RECVMSG },
	{ BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS },
	{ BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS },
	{ BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_SETSOCKOPT },
	{ BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT },
	{ BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP },
	{ BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT },
	{ BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT_OR_MIGRATE },
	{ BPF_PROG_TYPE_NETFILTER, BPF_NETFILTER },
	{ BPF_PROG_TYPE_SYSCALL, 0 },
	{ BPF_PROG_TYPE_EXT, 0 },
};

enum {
	PROG_FLAGS = BPF_F_STRICT_ALIGNMENT | BPF_F_ANY_ALIGNMENT | BPF_F_TEST_STATE_FREQ |
		     BPF_F_SLEEPABLE | BPF_F_TEST_RND_HI32 | BPF_F_XDP_HAS_FRAGS |
		     BPF_F_XDP_DEV_BOUND_ONLY | BPF_F_TEST_REG_INVARIANTS | BPF_F_TOKEN_FD,
	BTF_TYPE_MAX = 0x000fffff, /* BTF_MAX_TYPE */
};

u32 load_attach_type(u32 prog_type, u32 attach_type)
{
	if (!attach_type && prog_type == BPF_PROG_TYPE_CGROUP_SOCK)
		return BPF_CGROUP_INET_SOCK_CREATE;
	if (!attach_type && prog_type == BPF_PROG_TYPE_SK_REUSEPORT)
		return BPF_SK_REUSEPORT_SELECT;
	return attach_type;
}

bool load_needs_trampoline(u32 prog_type, u32 attach_type)
{
	return prog_type == BPF_PROG_TYPE_LSM ||
	       (prog_type == BPF_PROG_TYPE_TRACING &&
		(attach_type == BPF_TRACE_FENTRY || attach_type == BPF_TRACE_FEXIT ||
		 attach_type == BPF_MODIFY_RETURN));
}

static bool attach_type_ok(u32 prog_type, u32 attach_type)
{
	bool listed = false;

	for (u32 i = 0; i < ARRAY_SIZE(attach_types); i++) {
		if (attach_types[i].prog_type != prog_type)
			continue;
		if (attach_types[i].attach_type == attach_type)
			return true;
		listed = true;
	}
	return !listed;
}

/* bpf_prog_load_check_attach(). */
static bool attach_ok(const struct verify_prog *p, const struct profile *k)
{
	u32 id = p->attach_btf_id;
	bool btf = p->attach_btf || (id && !p->target);

	if (id && !p->attach_btf && !p->target && !k->btf)
		return false;
	if (id > BTF_TYPE_MAX)
		return false;
	if (id && p->type != BPF_PROG_TYPE_TRACING && p->type != BPF_PROG_TYPE_LSM &&
	    p->type != BPF_PROG_TYPE_STRUCT_OPS && p->type != BPF_PROG_TYPE_EXT)
		return false;
	if (btf && (!id || p->target))
		return false;
	if (p->target && p->type != BPF_PROG_TYPE_TRACING && p->type != BPF_PROG_TYPE_EXT)
		return false;
	return attach_type_ok(p->type, p->attach_type);
}

static int because(const char **why, const char *text, int err)
{
	if (why)
		*why = text;
	return err;
}

int load_check_prog(const struct verify_prog *p, const struct profile *k, const char **why)
{
	bool known = p->type < BPF_PROG_TYPE_MAX && prog_types[p->type].config;
	bool bpf = k->caps != CAPS_UNPRIV, perfmon = k->caps == CAPS_ALL;
	u32 needs = known ? prog_types[p->type].needs : 0;

	if (p->flags & ~(u32)PROG_FLAGS)
		return because(why, "a flag is not known", -EINVAL);
	if (!p->n_insns)
		return because(why, "it has no insns", -E2BIG);
	if (p->n_insns > (u32)(bpf ? BPF_COMPLEXITY_INSNS : BPF_MAXINSNS))
		return because(why, "it has too many insns", -E2BIG);
	if (!bpf && p->type != BPF_PROG_TYPE_SOCKET_FILTER && p->type != BPF_PROG_TYPE_CGROUP_SKB)
		return because(why, "programs of this type need CAP_BPF", -EPERM);
	if (needs & NET_ADMIN && !bpf)
		return because(why, "programs of this type need CAP_NET_ADMIN", -EPERM);
	if (needs & PERFMON && !perfmon)
		return because(why, "programs of this type need CAP_PERFMON", -EPERM);
	if (!attach_ok(p, k))
		return because(why, "programs of this type can't be loaded for this attach type or "
				    "target", -EINVAL);
	if (!known || !profile_has_config(k, prog_types[p->type].config))
		return because(why, "this kernel has no programs of this type", -EINVAL);
	if (k->no_trampoline && load_needs_trampoline(p->type, p->attach_type))
		return because(why, "this kernel refuses programs that run through a trampoline (fentry, "
				    "fexit, fmod_ret, LSM) before its verifier looks", -EPERM);
	return 0;
}

bool load_license_is_gpl(const char *license)
{
	static const char *const gpl[] = {
		"GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL",
		"Dual MPL/GPL",
	};

	for (u32 i = 0; i < ARRAY_SIZE(gpl); i++)
		if (strcmp(license, gpl[i]) == 0)
			return true;
	return false;
}

bool load_name_ok(const char *name, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char c = name[i];

		if (!c)
			return true;
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '.'))
			return false;
	}
	return false;
}

/* ---- maps ---- */

enum {
	ACCESS = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG,
	USER_ACCESS = BPF_F_RDONLY | BPF_F_WRONLY,
	HASH_FLAGS = BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE | ACCESS |
		     BPF_F_ZERO_SEED,
	FD_FLAGS = BPF_F_NUMA_NODE | USER_ACCESS,
	STORAGE_FLAGS = BPF_F_NO_PREALLOC | BPF_F_CLONE,
	KMALLOC_MAX = 4 << 20,
	PERCPU_MAX = 32 << 10,  /* PCPU_MIN_UNIT_SIZE */
	STORAGE_MAX = 65535 - 128, /* less sizeof(struct bpf_local_storage_elem) */
	CPUS_MAX = 8192,
	STACK_FRAMES_MAX = 127, /* perf_event_max_stack's default */
	PAGE = 4096,
};

/* Sizes of keys and values. */
enum size_rule {
	NONE,      /* 0 */
	SOME,      /* any but 0 */
	FOUR,
	FOUR_EIGHT,
	ANY,       /* judged apart */
};
enum entries_rule { E_SOME, E_NONE, E_ANY };

struct map_rule {
	u32 flags;          /* that may be given */
	u8 key, value, entries, cap;
	bool inner;         /* may be the inner map of a map of maps */
	const char *config;
};

enum { CAP_NONE, CAP_BPF, CAP_NET };

static const struct map_rule map_rules[BPF_MAP_TYPE_MAX] = {
#define RULE(type, ...) [BPF_MAP_TYPE_##type] = { __VA_ARGS__ }
	RULE(HASH, HASH_FLAGS, SOME, SOME, E_SOME, CAP_NONE, true, "CONFIG_BPF"),
	RULE(PERCPU_HASH, HASH_FLAGS, SOME, SOME, E_SOME, CAP_NONE, true, "CONFIG_BPF"),
	RULE(LRU_HASH, HASH_FLAGS, SOME, SOME, E_SOME, CAP_BPF, true, "CONFIG_BPF"),
	RULE(LRU_PERCPU_HASH, HASH_FLAGS, SOME, SOME, E_SOME, CAP_BPF, true, "CONFIG_BPF"),
	RULE(HASH_OF_MAPS, HASH_FLAGS, SOME, FOUR, E_SOME, CAP_NONE, false, "CONFIG_BPF"),
	RULE(ARRAY, BPF_F_NUMA_NODE | ACCESS | BPF_F_MMAPABLE | BPF_F_INNER_MAP, FOUR, SOME, E_SOME,
	     CAP_NONE, true, "CONFIG_BPF"),
	RULE(PERCPU_ARRAY, ACCESS, FOUR, SOME, E_SOME, CAP_NONE, true, "CONFIG_BPF"),
	RULE(PROG_ARRAY, FD_FLAGS, FOUR, FOUR, E_SOME, CAP_NONE, false, "CONFIG_BPF"),
	RULE(PERF_EVENT_ARRAY, FD_FLAGS | BPF_F_PRESERVE_ELEMS, FOUR, FOUR, E_SOME, CAP_NONE, true,
	     "CONFIG_BPF"),
	RULE(CGROUP_ARRAY, FD_FLAGS, FOUR, FOUR, E_SOME, CAP_NONE, true, "CONFIG_CGROUPS"),
	RULE(ARRAY_OF_MAPS, FD_FLAGS, FOUR, FOUR, E_SOME, CAP_NONE, false, "CONFIG_BPF"),
	RULE(STACK_TRACE, FD_FLAGS | BPF_F_STACK_BUILD_ID, FOUR, SOME, E_SOME, CAP_BPF, true,
	     "CONFIG_PERF_EVENTS"),
	RULE(LPM_TRIE, BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | ACCESS, SOME, SOME, E_SOME, CAP_BPF,
	     true, "CONFIG_BPF"),
	RULE(DEVMAP, FD_FLAGS, FOUR, FOUR_EIGHT, E_SOME, CAP_NET, true, "CONFIG_NET"),
	RULE(DEVMAP_HASH, FD_FLAGS, FOUR, FOUR_EIGHT, E_SOME, CAP_NET, true, "CONFIG_NET"),
	RULE(SOCKMAP, FD_FLAGS, FOUR, FOUR_EIGHT, E_SOME, CAP_NET, true, "CONFIG_INET"),
	RULE(SOCKHASH, FD_FLAGS, SOME, FOUR_EIGHT, E_SOME, CAP_NET, true, "CONFIG_INET"),
	RULE(CPUMAP, BPF_F_NUMA_NODE, FOUR, FOUR_EIGHT, E_SOME, CAP_BPF, true, "CONFIG_BPF"),
	RULE(XSKMAP, FD_FLAGS, FOUR, FOUR, E_SOME, CAP_NET, true, "CONFIG_XDP_SOCKETS"),
	RULE(CGROUP_STORAGE, BPF_F_NUMA_NODE | ACCESS, ANY, SOME, E_NONE, CAP_NONE, false,
	     "CONFIG_CGROUP_BPF"),
	RULE(PERCPU_CGROUP_STORAGE, BPF_F_NUMA_NODE | ACCESS, ANY, SOME, E_NONE, CAP_NONE, false,
	     "CONFIG_CGROUP_BPF"),
	RULE(REUSEPORT_SOCKARRAY, BPF_F_NUMA_NODE | ACCESS, FOUR, FOUR_EIGHT, E_SOME, CAP_BPF, true,
	     "CONFIG_INET"),
	RULE(QUEUE, BPF_F_NUMA_NODE | ACCESS, NONE, SOME, E_SOME, CAP_BPF, true, "CONFIG_BPF"),
	RULE(STACK, BPF_F_NUMA_NODE | ACCESS, NONE, SOME, E_SOME, CAP_BPF, true, "CONFIG_BPF"),
	RULE(SK_STORAGE, STORAGE_FLAGS, FOUR, SOME, E_NONE, CAP_BPF, true, "CONFIG_NET"),
	RULE(INODE_STORAGE, STORAGE_FLAGS, FOUR, SOME, E_NONE, CAP_BPF, true, "CONFIG_BPF_LSM"),
	RULE(TASK_STORAGE, STORAGE_FLAGS, FOUR, SOME, E_NONE, CAP_BPF, true, "CONFIG_BPF"),
	RULE(CGRP_STORAGE, STORAGE_FLAGS, FOUR, SOME, E_NONE, CAP_BPF, true, "CONFIG_CGROUPS"),
	RULE(STRUCT_OPS, BPF_F_LINK | BPF_F_VTYPE_BTF_OBJ_FD, FOUR, ANY, E_SOME, CAP_BPF, false,
	     "CONFIG_BPF_JIT"),
	RULE(RINGBUF, BPF_F_NUMA_NODE, NONE, NONE, E_SOME, CAP_NONE, true, "CONFIG_BPF"),
	RULE(USER_RINGBUF, BPF_F_NUMA_NODE, NONE, NONE, E_SOME, CAP_NONE, true, "CONFIG_BPF"),
	RULE(BLOOM_FILTER, BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | ACCESS, NONE, SOME, E_SOME, CAP_BPF,
	     true, "CONFIG_BPF"),
	RULE(ARENA, BPF_F_SEGV_ON_FAULT | BPF_F_MMAPABLE | BPF_F_NO_USER_CONV, NONE, NONE, E_SOME,
	     CAP_BPF, true, "CONFIG_BPF_JIT"),
#undef RULE
};

static bool size_ok(u32 size, u8 rule)
{
	switch ((enum size_rule)rule) {
	case NONE:
		return !size;
	case SOME:
		return size;
	case FOUR:
		return size == 4;
	case FOUR_EIGHT:
		return size == 4 || size == 8;
	case ANY:
		break;
	}
	return true;
}

static int check_hash(const struct verify_map *m)
{
	bool lru = m->type == BPF_MAP_TYPE_LRU_HASH || m->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
	bool percpu = m->type == BPF_MAP_TYPE_PERCPU_HASH ||
		      m->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;

	if (!lru && m->flags & BPF_F_NO_COMMON_LRU)
		return -EINVAL;
	if (lru && m->flags & BPF_F_NO_PREALLOC)
		return -ENOTSUPP_KERNEL;
	if (m->flags & BPF_F_NUMA_NODE && (percpu || m->flags & BPF_F_NO_COMMON_LRU))
		return -EINVAL;
	if ((u64)m->key_size + m->value_size >= KMALLOC_MAX - 64 ||
	    (percpu && m->value_size > PERCPU_MAX))
		return -E2BIG;
	return 0;
}

static int check_stack_trace(const struct verify_map *m)
{
	u32 entry = m->flags & BPF_F_STACK_BUILD_ID ? (u32)sizeof(struct bpf_stack_build_id) : 8;

	if (m->value_size < 8 || m->value_size % 8 || m->value_size % entry ||
	    m->value_size / entry > STACK_FRAMES_MAX)
		return -EINVAL;
	return m->max_entries > 1u << 31 ? -E2BIG : 0;
}

static int check_arena(const struct verify_map *m)
{
	u64 size = (u64)m->max_entries * PAGE;

	if (!(m->flags & BPF_F_MMAPABLE) || m->extra % PAGE)
		return -EINVAL;
	if (size > 1ull << 32)
		return -E2BIG;
	return m->extra >> 32 != (m->extra + size - 1) >> 32 ? -ERANGE : 0;
}

static int check_storage(const struct verify_map *m)
{
	if (!(m->flags & BPF_F_NO_PREALLOC) || !m->btf_key_id || !m->btf_value_id)
		return -EINVAL;
	return m->value_size > STORAGE_MAX ? -E2BIG : 0;
}

static int check_cgroup_storage(const struct verify_map *m)
{
	u32 max = m->type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE ? PERCPU_MAX : STORAGE_MAX;

	if (m->key_size != 16 && m->key_size != 8)
		return -EINVAL;
	return m->value_size > max ? -E2BIG : 0;
}

/* bpf_map_meta_alloc(). */
static int check_inner(const struct verify_map *inner)
{
	if (!inner)
		return -EBADF;
	if (inner->inner)
		return -EINVAL;
	return inner->type < BPF_MAP_TYPE_MAX && map_rules[inner->type].inner ? 0 : -ENOTSUPP_KERNEL;
}

/* What no table line says of a type. */
static int check_special(const struct verify_map *m)
{
	switch (m->type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		return check_hash(m);
	case BPF_MAP_TYPE_HASH_OF_MAPS: {
		int err = check_hash(m);

		return err ? err : check_inner(m->inner);
	}
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
		return check_inner(m->inner);
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		if (m->value_size > INT_MAX)
			return -E2BIG;
		return m->type == BPF_MAP_TYPE_PERCPU_ARRAY && m->value_size > PERCPU_MAX ? -E2BIG :
											   0;
	case BPF_MAP_TYPE_LPM_TRIE:
		if (!(m->flags & BPF_F_NO_PREALLOC) || m->key_size < 5 || m->key_size > 260 ||
		    m->value_size > KMALLOC_MAX - 260 - 64)
			return -EINVAL;
		return 0;
	case BPF_MAP_TYPE_STACK_TRACE:
		return check_stack_trace(m);
	case BPF_MAP_TYPE_DEVMAP_HASH:
		return m->max_entries > 1u << 31 ? -EINVAL : 0;
	case BPF_MAP_TYPE_SOCKHASH:
		return m->key_size > 512 ? -E2BIG : 0;
	case BPF_MAP_TYPE_CPUMAP:
		return m->max_entries > CPUS_MAX ? -E2BIG : 0;
	case BPF_MAP_TYPE_CGROUP_STORAGE:
	case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
		return check_cgroup_storage(m);
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
		return m->value_size > KMALLOC_MAX ? -E2BIG : 0;
	case BPF_MAP_TYPE_SK_STORAGE:
	case BPF_MAP_TYPE_INODE_STORAGE:
	case BPF_MAP_TYPE_TASK_STORAGE:
	case BPF_MAP_TYPE_CGRP_STORAGE:
		return check_storage(m);
	case BPF_MAP_TYPE_STRUCT_OPS:
		return m->max_entries != 1 || !m->btf_vmlinux_value_id ? -EINVAL : 0;
	case BPF_MAP_TYPE_RINGBUF:
	case BPF_MAP_TYPE_USER_RINGBUF:
		return m->max_entries & (m->max_entries - 1) || m->max_entries % PAGE ? -EINVAL : 0;
	case BPF_MAP_TYPE_BLOOM_FILTER:
		return m->extra & ~0xfull ? -EINVAL : 0;
	case BPF_MAP_TYPE_ARENA:
		return check_arena(m);
	}
	return 0;
}

static int check_caps(u8 cap, const struct profile *k)
{
	return cap != CAP_NONE && k->caps == CAPS_UNPRIV ? -EPERM : 0;
}

u32 load_map_flags(u32 type, u32 flags)
{
	return type == BPF_MAP_TYPE_DEVMAP || type == BPF_MAP_TYPE_DEVMAP_HASH ?
		       flags | BPF_F_RDONLY_PROG :
		       flags;
}

int load_check_map(const struct verify_map *m, const struct profile *k)
{
	const struct map_rule *r = m->type < BPF_MAP_TYPE_MAX ? &map_rules[m->type] : NULL;
	int err;

	if (m->btf_vmlinux_value_id
		    ? m->type != BPF_MAP_TYPE_STRUCT_OPS || m->btf_key_id || m->btf_value_id
		    : m->btf_key_id && !m->btf_value_id)
		return -EINVAL;
	if (m->extra && m->type != BPF_MAP_TYPE_BLOOM_FILTER && m->type != BPF_MAP_TYPE_ARENA)
		return -EINVAL;
	if (!r || !r->config || !profile_has_config(k, r->config))
		return -EINVAL;
	if (m->flags & BPF_F_ZERO_SEED && r->flags & BPF_F_ZERO_SEED && k->caps != CAPS_ALL)
		return -EPERM;
	if (m->flags & ~r->flags ||
	    (m->flags & BPF_F_RDONLY_PROG && m->flags & BPF_F_WRONLY_PROG) ||
	    (m->flags & BPF_F_RDONLY && m->flags & BPF_F_WRONLY) ||
	    !size_ok(m->key_size, r->key) || !size_ok(m->value_size, r->value) ||
	    (r->entries == E_SOME && !m->max_entries) || (r->entries == E_NONE && m->max_entries))
		return -EINVAL;
	err = check_special(m);
	return err ? err : check_caps(r->cap, k);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/prog_type.c - which attach types a program type may be loaded for.
 *
 * Kernel 6.18: bpf_prog_load_fixup_attach_type() and bpf_prog_load_check_attach().
 */
#include "engine/user/prog.h"
#include <errno.h>
#include <string.h>

bool prog_type_known(u32 prog_type)
{
	return prog_type != BPF_PROG_TYPE_UNSPEC && prog_type < BPF_PROG_TYPE_MAX;
}

static bool cgroup_sock_addr_ok(u32 attach_type)
{
	switch (attach_type) {
	case BPF_CGROUP_INET4_BIND:
	case BPF_CGROUP_INET6_BIND:
	case BPF_CGROUP_INET4_CONNECT:
	case BPF_CGROUP_INET6_CONNECT:
	case BPF_CGROUP_UNIX_CONNECT:
	case BPF_CGROUP_INET4_GETPEERNAME:
	case BPF_CGROUP_INET6_GETPEERNAME:
	case BPF_CGROUP_UNIX_GETPEERNAME:
	case BPF_CGROUP_INET4_GETSOCKNAME:
	case BPF_CGROUP_INET6_GETSOCKNAME:
	case BPF_CGROUP_UNIX_GETSOCKNAME:
	case BPF_CGROUP_UDP4_SENDMSG:
	case BPF_CGROUP_UDP6_SENDMSG:
	case BPF_CGROUP_UNIX_SENDMSG:
	case BPF_CGROUP_UDP4_RECVMSG:
	case BPF_CGROUP_UDP6_RECVMSG:
	case BPF_CGROUP_UNIX_RECVMSG:
		return true;
	}
	return false;
}

static bool attach_type_ok(u32 prog_type, u32 t)
{
	switch (prog_type) {
	case BPF_PROG_TYPE_CGROUP_SOCK:
		return t == BPF_CGROUP_INET_SOCK_CREATE || t == BPF_CGROUP_INET_SOCK_RELEASE ||
		       t == BPF_CGROUP_INET4_POST_BIND || t == BPF_CGROUP_INET6_POST_BIND;
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
		return cgroup_sock_addr_ok(t);
	case BPF_PROG_TYPE_CGROUP_SKB:
		return t == BPF_CGROUP_INET_INGRESS || t == BPF_CGROUP_INET_EGRESS;
	case BPF_PROG_TYPE_CGROUP_SOCKOPT:
		return t == BPF_CGROUP_SETSOCKOPT || t == BPF_CGROUP_GETSOCKOPT;
	case BPF_PROG_TYPE_SK_LOOKUP:
		return t == BPF_SK_LOOKUP;
	case BPF_PROG_TYPE_SK_REUSEPORT:
		return t == BPF_SK_REUSEPORT_SELECT || t == BPF_SK_REUSEPORT_SELECT_OR_MIGRATE;
	case BPF_PROG_TYPE_NETFILTER:
		return t == BPF_NETFILTER;
	case BPF_PROG_TYPE_SYSCALL:
	case BPF_PROG_TYPE_EXT:
		return t == 0;
	}
	return true;
}

int prog_check_attach(u32 prog_type, u32 *attach_type, bool has_target)
{
	bool takes_target = prog_type == BPF_PROG_TYPE_TRACING || prog_type == BPF_PROG_TYPE_LSM ||
			    prog_type == BPF_PROG_TYPE_STRUCT_OPS || prog_type == BPF_PROG_TYPE_EXT;

	if (has_target && !takes_target)
		return -EINVAL;
	if (!*attach_type && prog_type == BPF_PROG_TYPE_CGROUP_SOCK)
		*attach_type = BPF_CGROUP_INET_SOCK_CREATE;
	if (!*attach_type && prog_type == BPF_PROG_TYPE_SK_REUSEPORT)
		*attach_type = BPF_SK_REUSEPORT_SELECT;
	return attach_type_ok(prog_type, *attach_type) ? 0 : -EINVAL;
}

/* Kernel license_is_gpl_compatible(). */
bool license_is_gpl(const char *license)
{
	static const char *const names[] = {
		"GPL",		"GPL v2",	"GPL and additional rights",
		"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(license, names[i]))
			return true;
	return false;
}

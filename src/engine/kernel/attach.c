/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/kernel/attach.c - an attach_spec to a link. */
#include "engine/kernel/priv.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_ATTACH_BPF
#define SO_ATTACH_BPF 50
#endif

static int attach_raw_tp(int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	union bpf_attr attr = {
		.raw_tracepoint = {
			.name = s->attach_type == BPF_TRACE_RAW_TP ? 0 : (u64)s->name,
			.prog_fd = (u32)prog_fd,
			.cookie = s->cookie,
		},
	};
	int fd = sys_bpf(BPF_RAW_TRACEPOINT_OPEN, &attr,
			 s->cookie ? BPF_ATTR_UPTO(raw_tracepoint.cookie) :
				     BPF_ATTR_UPTO(raw_tracepoint.prog_fd));

	if (fd == -ENOENT)
		return diag_error(dg, s->at, fd, "this kernel has no raw tracepoint %s", s->name);
	if (fd < 0)
		return diag_error(dg, s->at, fd, "raw tracepoint %s: %s", s->name, strerror(-fd));
	return fd;
}

/* fentry, fexit, fmod_ret, lsm, freplace: the target was given when the program was loaded. */
static int attach_trace(int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	union bpf_attr attr = {
		.link_create = {
			.prog_fd = (u32)prog_fd,
			.attach_type = s->attach_type,
			.tracing.cookie = s->cookie,
		},
	};
	int fd = sys_bpf(BPF_LINK_CREATE, &attr, BPF_ATTR_UPTO(link_create.tracing));

	/* Before 5.17 trampolines were attached as raw tracepoints are. */
	if (fd == -EINVAL && !s->cookie) {
		union bpf_attr raw = { .raw_tracepoint.prog_fd = (u32)prog_fd };

		fd = sys_bpf(BPF_RAW_TRACEPOINT_OPEN, &raw,
			     BPF_ATTR_UPTO(raw_tracepoint.prog_fd));
	}
	if (fd == -ENOTSUP || fd == -524)
		return diag_error(dg, s->at, fd, "%s: this kernel can't attach trampolines",
				  s->name);
	if (fd < 0)
		return diag_error(dg, s->at, fd, "%s: %s", s->name, strerror(-fd));
	return fd;
}

static int attach_iter(int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	union bpf_attr attr = {
		.link_create = { .prog_fd = (u32)prog_fd, .attach_type = BPF_TRACE_ITER },
	};
	int fd = link_create(&attr);

	if (fd == -EBADF)
		return diag_error(dg, s->at, fd,
				  "iterator %s walks one map or cgroup, which must be "
				  "named",
				  s->name);
	if (fd < 0)
		return diag_error(dg, s->at, fd, "iterator %s: %s", s->name, strerror(-fd));
	return fd;
}

static int ifindex_of(const struct attach_spec *s, struct diag *dg)
{
	u32 index;

	if (!s->ifname)
		return diag_error(dg, s->at, -EINVAL, "a network interface must be named");
	index = if_nametoindex(s->ifname);
	if (!index)
		return diag_error(dg, s->at, -ENODEV, "there is no network interface '%s'",
				  s->ifname);
	return (int)index;
}

static int attach_xdp(struct kernel *k, int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	static const u32 flags[] = {
		[XDP_MODE_ANY] = 0,
		[XDP_MODE_NATIVE] = XDP_FLAGS_DRV_MODE,
		[XDP_MODE_GENERIC] = XDP_FLAGS_SKB_MODE,
	};
	int ifindex = ifindex_of(s, dg);

	if (ifindex < 0)
		return ifindex;
	if (s->xdp_mode >= ARRAY_SIZE(flags))
		return -EINVAL;

	union bpf_attr attr = {
		.link_create = {
			.prog_fd = (u32)prog_fd,
			.target_ifindex = (u32)ifindex,
			.attach_type = BPF_XDP,
			.flags = flags[s->xdp_mode],
		},
	};
	int fd = sys_bpf(BPF_LINK_CREATE, &attr, BPF_ATTR_UPTO(link_create.flags));

	if (fd == -EINVAL)
		fd = attach_xdp_netlink(k, prog_fd, (u32)ifindex, s, dg);
	if (fd == -EBUSY || fd == -EEXIST)
		return diag_error(dg, s->at, fd, "interface %s has an XDP program already",
				  s->ifname);
	if (fd == -EOPNOTSUPP && s->xdp_mode == XDP_MODE_NATIVE)
		return diag_error(dg, s->at, fd, "the driver of %s has no native XDP", s->ifname);
	if (fd < 0)
		return diag_error(dg, s->at, fd, "XDP on %s: %s", s->ifname, strerror(-fd));
	return fd;
}

static int attach_tcx(struct kernel *k, int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	int ifindex = ifindex_of(s, dg);

	if (ifindex < 0)
		return ifindex;

	union bpf_attr attr = {
		.link_create = {
			.prog_fd = (u32)prog_fd,
			.target_ifindex = (u32)ifindex,
			.attach_type = s->attach_type == BPF_TCX_EGRESS ? BPF_TCX_EGRESS :
									  BPF_TCX_INGRESS,
		},
	};
	int fd = sys_bpf(BPF_LINK_CREATE, &attr, BPF_ATTR_UPTO(link_create.tcx));

	if (fd == -EINVAL)
		fd = attach_tc_netlink(k, prog_fd, (u32)ifindex, s, dg);
	if (fd < 0)
		return diag_error(dg, s->at, fd, "tc on %s: %s", s->ifname, strerror(-fd));
	return fd;
}

/* cgroup/skb says no direction: ingress is what its name was first used for. */
static int attach_cgroup(int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	if (!s->path)
		return diag_error(dg, s->at, -EINVAL, "a cgroup v2 directory must be named");

	int dir = open(s->path, O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return diag_error(dg, s->at, -errno, "cgroup %s: %s", s->path, strerror(errno));

	union bpf_attr attr = {
		.link_create = {
			.prog_fd = (u32)prog_fd,
			.target_fd = (u32)dir,
			.attach_type = s->attach_type,
		},
	};
	int fd = sys_bpf(BPF_LINK_CREATE, &attr, BPF_ATTR_UPTO(link_create.flags));

	close(dir);
	if (fd == -EBADF)
		return diag_error(dg, s->at, fd, "%s is no directory of cgroup v2", s->path);
	if (fd == -EPERM)
		return diag_error(dg, s->at, fd,
				  "cgroup %s: not permitted, or a program there forbids "
				  "more",
				  s->path);
	if (fd < 0)
		return diag_error(dg, s->at, fd, "cgroup %s: %s", s->path, strerror(-fd));
	return fd;
}

static int attach_netns(int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	const char *path = s->path && *s->path ? s->path : "/proc/self/ns/net";
	int ns = open(path, O_RDONLY | O_CLOEXEC);

	if (ns < 0)
		return diag_error(dg, s->at, -errno, "network namespace %s: %s", path,
				  strerror(errno));

	union bpf_attr attr = {
		.link_create = {
			.prog_fd = (u32)prog_fd,
			.target_fd = (u32)ns,
			.attach_type = s->attach_type,
		},
	};
	int fd = sys_bpf(BPF_LINK_CREATE, &attr, BPF_ATTR_UPTO(link_create.flags));

	close(ns);
	if (fd < 0)
		return diag_error(dg, s->at, fd, "network namespace %s: %s", path, strerror(-fd));
	return fd;
}

/* linux/netfilter.h can't stand beside arpa/inet.h. */
enum { NFPROTO_IPV4 = 2, NF_INET_LOCAL_IN = 1 };

/* IPv4, before local delivery, after the tables at priority 0: a filter sees what arrives here. */
static int attach_netfilter(int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	union bpf_attr attr = {
		.link_create = {
			.prog_fd = (u32)prog_fd,
			.attach_type = BPF_NETFILTER,
			.netfilter = {
				.pf = NFPROTO_IPV4,
				.hooknum = NF_INET_LOCAL_IN,
				.priority = 1,
			},
		},
	};
	int fd = sys_bpf(BPF_LINK_CREATE, &attr, BPF_ATTR_UPTO(link_create.netfilter));

	if (fd == -EINVAL)
		return diag_error(dg, s->at, fd, "this kernel has no netfilter programs");
	if (fd < 0)
		return diag_error(dg, s->at, fd, "netfilter: %s", strerror(-fd));
	return fd;
}

/* A packet socket that nobody reads: each packet of the interface runs the program. */
static int attach_socket(int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
	};

	if (s->ifname && *s->ifname) {
		int ifindex = ifindex_of(s, dg);

		if (ifindex < 0)
			return ifindex;
		to.sll_ifindex = ifindex;
	}

	/* Protocol 0 sees nothing until it is bound: no packet gets past the program. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return diag_error(dg, s->at, -errno, "packet socket: %s", strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &prog_fd, sizeof(prog_fd)) ||
	    bind(fd, (struct sockaddr *)&to, sizeof(to))) {
		int err = -errno;

		close(fd);
		return diag_error(dg, s->at, err, "socket filter: %s", strerror(-err));
	}
	return fd;
}

/* The map becomes active with its link (.struct_ops.link) or with its first value. */
static int attach_struct_ops(int map_fd, const struct attach_spec *s, struct diag *dg)
{
	union bpf_attr attr = {
		.link_create = { .map_fd = (u32)map_fd, .attach_type = BPF_STRUCT_OPS },
	};
	int fd = sys_bpf(BPF_LINK_CREATE, &attr, BPF_ATTR_UPTO(link_create.flags));

	if (fd < 0)
		return diag_error(dg, s->at, fd, "struct_ops %s: %s", s->name ? s->name : "",
				  strerror(-fd));
	return fd;
}

static int attach_kind(struct kernel *k, int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	switch (s->kind) {
	case ATTACH_TRACEPOINT: return attach_tracepoint(k, prog_fd, s, dg);
	case ATTACH_RAW_TP: return attach_raw_tp(prog_fd, s, dg);
	case ATTACH_KPROBE: return attach_kprobe(k, prog_fd, s, dg);
	case ATTACH_KPROBE_MULTI: return attach_kprobe_multi(k, prog_fd, s, dg);
	case ATTACH_KSYSCALL: return attach_ksyscall(k, prog_fd, s, dg);
	case ATTACH_UPROBE: return attach_uprobe(k, prog_fd, s, dg);
	case ATTACH_UPROBE_MULTI: return attach_uprobe_multi(k, prog_fd, s, dg);
	case ATTACH_PERF_EVENT: return attach_perf_event(k, prog_fd, s, dg);
	case ATTACH_TRACE: return attach_trace(prog_fd, s, dg);
	case ATTACH_ITER: return attach_iter(prog_fd, s, dg);
	case ATTACH_XDP: return attach_xdp(k, prog_fd, s, dg);
	case ATTACH_TCX: return attach_tcx(k, prog_fd, s, dg);
	case ATTACH_CGROUP: return attach_cgroup(prog_fd, s, dg);
	case ATTACH_NETNS: return attach_netns(prog_fd, s, dg);
	case ATTACH_NETFILTER: return attach_netfilter(prog_fd, s, dg);
	case ATTACH_SOCKET: return attach_socket(prog_fd, s, dg);
	case ATTACH_STRUCT_OPS: return attach_struct_ops(prog_fd, s, dg);
	case ATTACH_USDT: /* load/ makes uprobes of it */
	case ATTACH_NONE: break;
	}
	return diag_error(dg, s->at, -EINVAL,
			  "there is nothing that this program could be attached to");
}

int kernel_attach(struct engine *e, int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	struct kernel *k = kernel_of(e);
	int fd = attach_kind(k, prog_fd, s, dg);

	if (fd >= 0 && s->kind != ATTACH_STRUCT_OPS)
		account_add(k, prog_fd);
	return fd;
}

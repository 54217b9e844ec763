/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/kernel/net.c - XDP and tc by netlink, for kernels without links for them.
 *
 * XDP links came with 5.9, tcx with 6.6.  Nothing holds what netlink makes, so each attachment is a
 * duty of the guard before it exists.  The functions that remove run inside the guard: system calls
 * and the stack only.
 */
#include "engine/kernel/priv.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One request: header, family header, attributes. */
struct request {
	struct nlmsghdr h;
	union {
		struct ifinfomsg link;
		struct tcmsg tc;
	};
	u8 attrs[256];
};

static void request_init(struct request *r, u16 type, u16 flags, size_t family_bytes)
{
	memset(r, 0, sizeof(*r));
	r->h.nlmsg_type = type;
	r->h.nlmsg_flags = NLM_F_REQUEST | flags;
	r->h.nlmsg_len = (u32)NLMSG_LENGTH(family_bytes);
}

/* The buffer is large enough for all that stands here. */
static struct rtattr *attr_add(struct request *r, u16 type, const void *data, size_t size)
{
	struct rtattr *a = (struct rtattr *)((u8 *)r + NLMSG_ALIGN(r->h.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (u16)RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(a), data, size);
	r->h.nlmsg_len = (u32)(NLMSG_ALIGN(r->h.nlmsg_len) + RTA_ALIGN(a->rta_len));
	return a;
}

static void attr_end(struct request *r, struct rtattr *nest)
{
	nest->rta_len = (u16)((u8 *)r + r->h.nlmsg_len - (u8 *)nest);
}

/* Sends and reads to the acknowledgement (or the end of a dump); fn sees every other message. */
static int request_send(struct request *r, void (*fn)(void *arg, const struct nlmsghdr *m),
			void *arg)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	_Alignas(struct nlmsghdr) u8 buf[16384];
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), ret = -EPROTO;

	if (fd < 0)
		return -errno;
	if (sendto(fd, r, r->h.nlmsg_len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		ret = -errno;
	while (ret == -EPROTO) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		for (const struct nlmsghdr *m = (void *)buf; NLMSG_OK(m, (size_t)n);
		     m = NLMSG_NEXT(m, n)) {
			if (m->nlmsg_type == NLMSG_ERROR)
				ret = ((const struct nlmsgerr *)NLMSG_DATA(m))->error;
			else if (m->nlmsg_type == NLMSG_DONE)
				ret = 0;
			else if (fn)
				fn(arg, m);
		}
	}
	close(fd);
	return ret;
}

static int xdp_set(u32 ifindex, int prog_fd, int expected_fd, u32 flags)
{
	struct request r;

	request_init(&r, RTM_SETLINK, NLM_F_ACK, sizeof(r.link));
	r.link.ifi_index = (int)ifindex;
	if (expected_fd >= 0)
		flags |= XDP_FLAGS_REPLACE;

	struct rtattr *xdp = attr_add(&r, IFLA_XDP | NLA_F_NESTED, NULL, 0);

	attr_add(&r, IFLA_XDP_FD, &prog_fd, sizeof(prog_fd));
	attr_add(&r, IFLA_XDP_FLAGS, &flags, sizeof(flags));
	if (expected_fd >= 0)
		attr_add(&r, IFLA_XDP_EXPECTED_FD, &expected_fd, sizeof(expected_fd));
	attr_end(&r, xdp);
	return request_send(&r, NULL, NULL);
}

static int prog_id(int prog_fd, u32 *id)
{
	struct bpf_prog_info info = {0};
	union bpf_attr attr = {
		.info = { .bpf_fd = (u32)prog_fd, .info_len = sizeof(info), .info = (u64)&info },
	};
	int err = sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, BPF_ATTR_UPTO(info));

	*id = info.id;
	return err;
}

int attach_xdp_netlink(struct kernel *k, int prog_fd, u32 ifindex, const struct attach_spec *s,
		       struct diag *dg)
{
	u32 mode = s->xdp_mode == XDP_MODE_NATIVE ? XDP_FLAGS_DRV_MODE :
		   s->xdp_mode == XDP_MODE_GENERIC ? XDP_FLAGS_SKB_MODE : 0;
	u32 id;
	int err = prog_id(prog_fd, &id);

	(void)dg;
	if (err)
		return err;

	int hold = guard_hold(k, GUARD_XDP, ifindex, (u64)mode << 32 | id, "");

	if (hold < 0)
		return hold;
	err = xdp_set(ifindex, prog_fd, -1, mode | XDP_FLAGS_UPDATE_IF_NOEXIST);
	if (err) {
		/* The same program may be there already, by someone else's hand. */
		guard_drop(k, k->guard.next_id);
		close(hold);
		return err;
	}
	return hold;
}

void netlink_xdp_remove(u32 ifindex, u64 mode_and_id)
{
	union bpf_attr attr = { .prog_id = (u32)mode_and_id };
	int fd = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr, BPF_ATTR_UPTO(open_flags));

	if (fd < 0)
		return; /* nobody holds the program: it is not attached any more */
	xdp_set(ifindex, -1, fd, (u32)(mode_and_id >> 32));
	close(fd);
}

static void tc_init(struct request *r, u16 type, u16 flags, u32 ifindex)
{
	request_init(r, type, flags, sizeof(r->tc));
	r->tc.tcm_family = AF_UNSPEC;
	r->tc.tcm_ifindex = (int)ifindex;
}

static int clsact_set(u32 ifindex, u16 type, u16 flags)
{
	struct request r;

	tc_init(&r, type, NLM_F_ACK | flags, ifindex);
	r.tc.tcm_parent = TC_H_CLSACT;
	r.tc.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	attr_add(&r, TCA_KIND, "clsact", sizeof("clsact"));
	return request_send(&r, NULL, NULL);
}

enum { TC_HANDLE = 1, TC_MADE_QDISC = 1 };

static u32 tc_parent(const struct attach_spec *s)
{
	return TC_H_MAKE(TC_H_CLSACT, s->attach_type == BPF_TCX_EGRESS ? TC_H_MIN_EGRESS :
									 TC_H_MIN_INGRESS);
}

/* The first priority that is free: a filter elsewhere is never replaced. */
static int filter_add(u32 ifindex, u32 parent, int prog_fd, u16 *prio)
{
	int err = -EEXIST;

	for (*prio = 1; err == -EEXIST && *prio < 64; ++*prio) {
		u32 flags = TCA_BPF_FLAG_ACT_DIRECT;
		struct request r;

		tc_init(&r, RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, ifindex);
		r.tc.tcm_parent = parent;
		r.tc.tcm_handle = TC_HANDLE;
		r.tc.tcm_info = TC_H_MAKE((u32)*prio << 16, htons(ETH_P_ALL));
		attr_add(&r, TCA_KIND, "bpf", sizeof("bpf"));

		struct rtattr *options = attr_add(&r, TCA_OPTIONS | NLA_F_NESTED, NULL, 0);

		attr_add(&r, TCA_BPF_FD, &prog_fd, sizeof(prog_fd));
		attr_add(&r, TCA_BPF_NAME, "osmia", sizeof("osmia"));
		attr_add(&r, TCA_BPF_FLAGS, &flags, sizeof(flags));
		attr_end(&r, options);
		err = request_send(&r, NULL, NULL);
		if (!err)
			return 0;
		/* Another kind of filter sits at this priority. */
		if (err == -EINVAL)
			err = -EEXIST;
	}
	return err;
}

static void filter_remove(u32 ifindex, u32 parent, u16 prio)
{
	struct request r;

	tc_init(&r, RTM_DELTFILTER, NLM_F_ACK, ifindex);
	r.tc.tcm_parent = parent;
	r.tc.tcm_handle = TC_HANDLE;
	r.tc.tcm_info = TC_H_MAKE((u32)prio << 16, htons(ETH_P_ALL));
	attr_add(&r, TCA_KIND, "bpf", sizeof("bpf"));
	request_send(&r, NULL, NULL);
}

static void count_filter(void *arg, const struct nlmsghdr *m)
{
	*(u32 *)arg += m->nlmsg_type == RTM_NEWTFILTER;
}

static u32 count_filters(u32 ifindex)
{
	static const u32 minors[] = { TC_H_MIN_INGRESS, TC_H_MIN_EGRESS };
	u32 n = 0;

	for (u32 i = 0; i < ARRAY_SIZE(minors); i++) {
		struct request r;

		tc_init(&r, RTM_GETTFILTER, NLM_F_DUMP, ifindex);
		r.tc.tcm_parent = TC_H_MAKE(TC_H_CLSACT, minors[i]);
		request_send(&r, count_filter, &n);
	}
	return n;
}

void netlink_tc_remove(u32 ifindex, u64 number)
{
	u16 prio = (u16)(number >> 16);

	if (prio)
		filter_remove(ifindex, (u32)(number >> 32), prio);
	if (number & TC_MADE_QDISC && !count_filters(ifindex))
		clsact_set(ifindex, RTM_DELQDISC, 0);
}

int attach_tc_netlink(struct kernel *k, int prog_fd, u32 ifindex, const struct attach_spec *s,
		      struct diag *dg)
{
	u32 parent = tc_parent(s);
	u16 prio;
	int err = clsact_set(ifindex, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
	bool made = !err;

	(void)dg;
	if (err && err != -EEXIST)
		return err;
	err = filter_add(ifindex, parent, prog_fd, &prio);
	if (err) {
		netlink_tc_remove(ifindex, made ? TC_MADE_QDISC : 0);
		return err;
	}

	u64 number = (u64)parent << 32 | (u64)prio << 16 | (made ? TC_MADE_QDISC : 0);
	int hold = guard_hold(k, GUARD_TC, ifindex, number, "");

	if (hold < 0)
		netlink_tc_remove(ifindex, number);
	return hold;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/test_run_xdp.c - PROG_TEST_RUN of XDP programs.  Kernel 6.18:
 * bpf_prog_test_run_xdp(). */
#include "engine/user/packet.h"
#include "engine/user/run.h"
#include <errno.h>
#include <net/if.h>
#include <string.h>

enum { XDP_PAGE = 4096, XDP_META_MAX = 252 };

/* Offsets that the client gave: metadata may lie before the packet, nothing else.  ifindex must be
 * a device of this network namespace. */
static int check_md(const struct xdp_md *md, u32 size)
{
	char name[IF_NAMESIZE];

	if (md->data_meta || md->data_end != size || md->data > md->data_end)
		return -EINVAL;
	if (md->data % 4 || md->data > XDP_META_MAX || md->egress_ifindex)
		return -EINVAL;
	if (!md->ingress_ifindex)
		return md->rx_queue_index ? -EINVAL : 0;
	if (!if_indextoname(md->ingress_ifindex, name))
		return -ENODEV;
	return md->rx_queue_index ? -EINVAL : 0;
}

int test_run_xdp(struct session *s, struct prog_object *p, union bpf_attr *attr)
{
	bool has_md = attr->test.ctx_size_in || attr->test.ctx_size_out;
	u32 size = attr->test.data_size_in, max, duration;
	u8 *buf = packet_buffer(s);
	struct packet pkt = {.kind = PACKET_XDP};
	struct run_event ev = {.ctx_size = sizeof(struct xdp_md), .packet = &pkt};
	union {
		struct xdp_md md;
		struct __sk_buff skb; /* packet_sync() knows both */
	} ctx = {0};
	struct xdp_md *md = &ctx.md;
	u64 ret = 0;
	int err;

	if (p->attach_type == BPF_XDP_DEVMAP || p->attach_type == BPF_XDP_CPUMAP)
		return -EINVAL;
	if (attr->test.flags || attr->test.batch_size)
		return attr->test.flags == BPF_F_TEST_XDP_LIVE_FRAMES ? -EOPNOTSUPP : -EINVAL;
	if (!buf)
		return -ENOMEM;
	max = p->flags & BPF_F_XDP_HAS_FRAGS ? PACKET_BYTES_MAX
					     : XDP_PAGE - PACKET_HEADROOM - PACKET_TAIL;
	err = test_ctx_in(attr, md, sizeof(*md));
	if (!err && attr->test.ctx_size_in)
		err = check_md(md, size);
	if (!err)
		err = test_data_in(attr, buf + PACKET_HEADROOM, max);
	if (err)
		return err;
	pkt.head = buf;
	pkt.data_meta = buf + PACKET_HEADROOM;
	pkt.data = pkt.data_meta + md->data;
	pkt.data_end = pkt.data_meta + size;
	pkt.end = buf + PACKET_HEADROOM + max + PACKET_TAIL;
	pkt.ctx = ev.ctx = md;
	packet_sync(&pkt);
	err = test_repeat(s, p, &ev, attr->test.repeat, &ret, &duration);
	if (err)
		return err;
	md->data_meta = 0;
	md->data = (u32)(pkt.data - pkt.data_meta);
	md->data_end = (u32)(pkt.data_end - pkt.data_meta);
	return test_finish(attr, pkt.data_meta, md->data_end, md, has_md ? sizeof(*md) : 0,
			   (u32)ret, duration);
}

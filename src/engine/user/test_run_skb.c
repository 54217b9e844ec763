/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/test_run_skb.c - PROG_TEST_RUN of programs on an skb: the packet comes in on
 * loopback.
 *
 * Kernel 6.18: bpf_prog_test_run_skb(), convert___skb_to_skb() and back.
 */
#include "engine/user/packet.h"
#include "engine/user/run.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>

enum {
	SKB_HEADROOM = 64, /* kernel NET_SKB_PAD + NET_IP_ALIGN */
	SKB_PAGE = 4096,
	LOOPBACK = 1,	      /* its ifindex in every network namespace */
	GSO_LEN_MAX = 65536,  /* kernel GSO_LEGACY_MAX_SIZE */
	GSO_SEGS_MAX = 65535, /* kernel GSO_MAX_SEGS */
};

/* Traffic control sees the Ethernet header, the others begin behind it. */
static bool sees_l2(u32 prog_type)
{
	return prog_type == BPF_PROG_TYPE_SCHED_CLS || prog_type == BPF_PROG_TYPE_SCHED_ACT;
}

static bool zero_between(const struct __sk_buff *skb, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (((const u8 *)skb)[i])
			return false;
	return true;
}

#define AFTER(field)  (offsetof(struct __sk_buff, field) + sizeof(((struct __sk_buff *)0)->field))
#define BEFORE(field) offsetof(struct __sk_buff, field)

/* Only what a client may set is set. */
static int check_given(const struct __sk_buff *skb, u32 len)
{
	char name[IF_NAMESIZE];

	if (!zero_between(skb, 0, BEFORE(mark)) ||
	    !zero_between(skb, AFTER(mark), BEFORE(priority)) ||
	    !zero_between(skb, AFTER(ifindex), BEFORE(cb)) ||
	    !zero_between(skb, AFTER(cb), BEFORE(tstamp)) ||
	    !zero_between(skb, AFTER(gso_segs), BEFORE(gso_size)) ||
	    !zero_between(skb, AFTER(gso_size), BEFORE(hwtstamp)))
		return -EINVAL;
	if (skb->ifindex > LOOPBACK && !if_indextoname(skb->ifindex, name))
		return -ENODEV;
	if (skb->wire_len && (skb->wire_len < len || skb->wire_len > GSO_LEN_MAX))
		return -EINVAL;
	return skb->gso_segs > GSO_SEGS_MAX ? -EINVAL : 0;
}

/* What eth_type_trans() makes of the Ethernet header on loopback, whose address is zero. */
static void fill_from_packet(struct __sk_buff *skb, const u8 *frame, u32 len)
{
	static const u8 own[ETH_ALEN], all[ETH_ALEN] = {255, 255, 255, 255, 255, 255};
	u16 proto = (u16)(frame[12] << 8 | frame[13]);

	if (frame[0] & 1)
		skb->pkt_type = memcmp(frame, all, ETH_ALEN) ? PACKET_MULTICAST : PACKET_BROADCAST;
	else
		skb->pkt_type = memcmp(frame, own, ETH_ALEN) ? PACKET_OTHERHOST : PACKET_HOST;
	if (proto < ETH_P_802_3_MIN)
		proto = frame[14] == 0xff && frame[15] == 0xff ? ETH_P_802_3 : ETH_P_802_2;
	skb->protocol = htons(proto);
	if (!skb->ifindex)
		skb->ifindex = LOOPBACK;
	if (!skb->wire_len)
		skb->wire_len = len;
}

/* What goes back to the client: the fields it may set, nothing else. */
static void keep_given(struct __sk_buff *skb)
{
	struct __sk_buff out = {.mark = skb->mark,
				.priority = skb->priority,
				.ingress_ifindex = skb->ingress_ifindex,
				.ifindex = skb->ifindex,
				.tstamp = skb->tstamp,
				.wire_len = skb->wire_len,
				.gso_segs = skb->gso_segs,
				.gso_size = skb->gso_size,
				.hwtstamp = skb->hwtstamp};

	memcpy(out.cb, skb->cb, sizeof(out.cb));
	*skb = out;
}

int test_run_skb(struct session *s, struct prog_object *p, union bpf_attr *attr)
{
	bool has_ctx = attr->test.ctx_size_in || attr->test.ctx_size_out, l2 = sees_l2(p->type);
	u32 size = attr->test.data_size_in, duration;
	u8 *buf = packet_buffer(s), *frame = buf + PACKET_HEADROOM;
	struct packet pkt = {.kind = PACKET_SKB};
	struct run_event ev = {
		.ctx_size = sizeof(struct __sk_buff), .ctx_writable = true, .packet = &pkt};
	struct __sk_buff skb;
	u64 ret = 0;
	int err;

	if ((attr->test.flags & ~(u32)BPF_F_TEST_SKB_CHECKSUM_COMPLETE) || attr->test.cpu ||
	    attr->test.batch_size)
		return -EINVAL;
	if (!buf)
		return -ENOMEM;
	err = test_data_in(attr, frame, SKB_PAGE - SKB_HEADROOM - PACKET_TAIL);
	if (!err)
		err = test_ctx_in(attr, &skb, sizeof(skb));
	if (!err && attr->test.ctx_size_in)
		err = check_given(&skb, l2 ? size : size - ETH_HLEN);
	if (err)
		return err;
	pkt.head = buf;
	pkt.data = pkt.data_meta = l2 ? frame : frame + ETH_HLEN;
	pkt.network_off = l2 ? ETH_HLEN : 0;
	pkt.data_end = frame + size;
	pkt.end = buf + PACKET_HEADROOM + PACKET_BYTES_MAX + PACKET_TAIL;
	pkt.ctx = ev.ctx = &skb;
	fill_from_packet(&skb, frame, packet_len(&pkt));
	packet_sync(&pkt);
	err = test_repeat(s, p, &ev, attr->test.repeat, &ret, &duration);
	if (err)
		return err;
	if (!l2) {
		if (pkt.data - pkt.head < ETH_HLEN)
			return -ENOMEM;
		pkt.data -= ETH_HLEN;
		memset(pkt.data, 0, ETH_HLEN);
	}
	keep_given(&skb);
	return test_finish(attr, pkt.data, packet_len(&pkt), &skb, has_ctx ? sizeof(skb) : 0,
			   (u32)ret, duration);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/skb.c - helpers of skb programs (socket filters, tc, cgroup_skb), and redirection.
 *
 * Packets are linear here, so pulling data in is only a check of the length.  What a program asks
 * to be done with the packet is noted in it.  Kernel 6.18: net/core/filter.c.
 */
#include "abi/packet.h"
#include "helper/body.h"
#include "helper/csum.h"
#include <errno.h>

enum { ENOTSUPP = 524 /* of the kernel, not in errno.h */ };
enum { PROTO_IPV4 = 0x0008, PROTO_IPV6 = 0xdd86 }; /* ETH_P_IP, ETH_P_IPV6 as they lie in memory */
enum { IP_HEADER_DIFF = 20 };                      /* IPv6 header over IPv4 header */
enum { PACKET_OTHERHOST = 3 };

static struct __sk_buff *skb_of(const struct packet *p)
{
	return p->ctx;
}

static bool skb_has(const struct packet *p, u32 offset, u32 size)
{
	return p && offset <= INT32_MAX && (u64)offset + size <= packet_len(p);
}

static u64 load(void *to, u32 size, const u8 *from)
{
	if (!from) {
		mem_zero(to, size);
		return RESULT(-EFAULT);
	}
	mem_move(to, from, size);
	return 0;
}

BODY(skb_load_bytes)
{
	const struct packet *p = env->packet;
	bool ok = skb_has(p, (u32)r2, (u32)r4);

	return load(PTR(r3), (u32)r4, ok ? p->data + (u32)r2 : NULL);
}

BODY(skb_load_bytes_relative)
{
	const struct packet *p = env->packet;
	u32 offset = (u32)r2, start = (u32)r5;
	bool ok = p && offset <= 0xffff && start <= BPF_HDR_START_NET;

	if (ok && start == BPF_HDR_START_NET)
		offset += (u32)p->network_off;
	ok = ok && skb_has(p, offset, (u32)r4);
	return load(PTR(r3), (u32)r4, ok ? p->data + offset : NULL);
}

static void csum_change(struct packet *p, u32 offset, u32 size, bool add)
{
	u32 part = csum_shift(csum_partial(p->data + offset, size, 0), offset);

	if (p->csum_complete)
		p->csum = add ? csum_add(p->csum, part) : csum_sub(p->csum, part);
}

BODY(skb_store_bytes)
{
	struct packet *p = env->packet;
	u32 offset = (u32)r2, size = (u32)r4;
	bool sum = r5 & BPF_F_RECOMPUTE_CSUM;

	if (r5 & ~(u64)(BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH))
		return RESULT(-EINVAL);
	if (!skb_has(p, offset, size))
		return RESULT(-EFAULT);
	if (sum)
		csum_change(p, offset, size, false);
	mem_move(p->data + offset, PTR(r3), size);
	if (sum)
		csum_change(p, offset, size, true);
	if (r5 & BPF_F_INVALIDATE_HASH)
		p->hash_valid = false;
	return 0;
}

BODY(skb_pull_data)
{
	const struct packet *p = env->packet;

	return p && (u32)r2 <= packet_len(p) ? 0 : RESULT(-ENOMEM);
}

/* Moves the first off bytes and leaves size zeroes behind them. */
static int skb_push(struct packet *p, u32 off, u32 size)
{
	if (size > p->data - p->head)
		return -ENOMEM;
	mem_move(p->data - size, p->data, off);
	p->data -= size;
	p->data_meta = p->data;
	mem_zero(p->data + off, size);
	return 0;
}

/* Takes size bytes out behind the first off. */
static int skb_pop(struct packet *p, u32 off, u32 size)
{
	if ((u64)off + size > packet_len(p))
		return -ENOMEM;
	csum_change(p, off, size, false);
	mem_move(p->data + size, p->data, off);
	p->data += size;
	p->data_meta = p->data;
	return 0;
}

BODY(skb_change_head)
{
	struct packet *p = env->packet;
	u32 room = (u32)r2;
	int err;

	if (!p || r3 || (u64)packet_len(p) + room > PACKET_SKB_MAX)
		return RESULT(-EINVAL);
	err = skb_push(p, 0, room);
	if (!err)
		p->network_off += (s32)room;
	packet_sync(p);
	return RESULT(err);
}

BODY(skb_change_tail)
{
	struct packet *p = env->packet;
	u32 len = (u32)r2, old;

	if (!p || r3 || len > PACKET_SKB_MAX || (s64)len < p->network_off)
		return RESULT(-EINVAL);
	if (len > (u64)(p->end - p->data))
		return RESULT(-ENOMEM);
	old = packet_len(p);
	if (len > old)
		mem_zero(p->data_end, len - old);
	else
		csum_change(p, len, old - len, false);
	p->data_end = p->data + len;
	packet_sync(p);
	return 0;
}

/* IPv4 to IPv6 and back: makes or takes the room that the longer header needs, no more. */
BODY(skb_change_proto)
{
	struct packet *p = env->packet;
	u32 to = (u16)r2, from, off;
	int err;

	if (r3 || !p)
		return RESULT(-EINVAL);
	from = skb_of(p)->protocol;
	off = (u32)MAX(p->network_off, 0);
	if (from == PROTO_IPV4 && to == PROTO_IPV6)
		err = skb_push(p, off, IP_HEADER_DIFF);
	else if (from == PROTO_IPV6 && to == PROTO_IPV4)
		err = skb_pop(p, off, IP_HEADER_DIFF);
	else
		return RESULT(-ENOTSUPP);
	if (!err) {
		skb_of(p)->protocol = to;
		p->hash_valid = false;
	}
	packet_sync(p);
	return RESULT(err);
}

BODY(skb_change_type)
{
	struct packet *p = env->packet;

	if (!p || skb_of(p)->pkt_type > PACKET_OTHERHOST || (u32)r2 > PACKET_OTHERHOST)
		return RESULT(-EINVAL);
	skb_of(p)->pkt_type = (u32)r2;
	return 0;
}

enum { CLOCK_OF_REALTIME, CLOCK_OF_MONOTONIC, CLOCK_OF_TAI };

BODY(skb_set_tstamp)
{
	struct packet *p = env->packet;
	u32 kind = (u32)r3;

	if (!p || (skb_of(p)->protocol != PROTO_IPV4 && skb_of(p)->protocol != PROTO_IPV6))
		return RESULT(-EOPNOTSUPP);
	if (kind > CLOCK_OF_TAI || (!r2 && kind != CLOCK_OF_REALTIME))
		return RESULT(-EINVAL);
	skb_of(p)->tstamp = r2;
	skb_of(p)->tstamp_type = (u8)kind;
	return 0;
}

/* A hash over the headers, never 0.  The kernel's is keyed at random: only its constancy counts. */
BODY(get_hash_recalc)
{
	struct packet *p = env->packet;
	u32 hash = 2166136261u;

	if (!p)
		return 0;
	if (!p->hash_valid) {
		u32 n = MIN(packet_len(p), 64u);

		for (u32 i = PACKET_HEADER_BYTES; i < n; i++)
			hash = (hash ^ p->data[i]) * 16777619u;
		skb_of(p)->hash = hash ? hash : 1;
		p->hash_valid = true;
	}
	return skb_of(p)->hash;
}

BODY(set_hash)
{
	struct packet *p = env->packet;

	if (p) {
		skb_of(p)->hash = (u32)r2;
		p->hash_valid = true;
	}
	return 0;
}

BODY(set_hash_invalid)
{
	if (env->packet)
		env->packet->hash_valid = false;
	return 0;
}

static void redirect_note(struct packet *p, enum packet_redirect how, u32 ifindex, u64 flags)
{
	p->redirect = how;
	p->redirect_ifindex = ifindex;
	p->redirect_flags = flags;
}

BODY(redirect)
{
	struct packet *p = env->packet;
	bool xdp = p && p->kind == PACKET_XDP;

	if (!p || r2 & ~(u64)(xdp ? 0 : BPF_F_INGRESS))
		return xdp ? XDP_ABORTED : TC_ACT_SHOT;
	redirect_note(p, REDIRECT_IFINDEX, (u32)r1, r2);
	return xdp ? XDP_REDIRECT : TC_ACT_REDIRECT;
}

BODY(redirect_peer)
{
	if (!env->packet || r2)
		return TC_ACT_SHOT;
	redirect_note(env->packet, REDIRECT_PEER, (u32)r1, 0);
	return TC_ACT_REDIRECT;
}

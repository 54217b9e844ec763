/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/packet.h - the packet that an XDP or skb program of the user engine sees.
 *
 *	head        data_meta    data                      data_end        end
 *	 |  headroom   | metadata  | the packet's bytes        |  tailroom   |
 *
 * The whole buffer lies below 4 GiB (mmap MAP_32BIT), so that the u32 fields data, data_end and
 * data_meta of xdp_md and __sk_buff hold addresses and a program needs no rewriting: the kernel
 * turns loads of those fields into loads of its own structs instead.  Packets are linear: one
 * buffer each.
 */
#pragma once
#include "abi/uapi.h"

enum packet_kind { PACKET_XDP, PACKET_SKB };

enum {
	PACKET_HEADROOM = 256,      /* kernel XDP_PACKET_HEADROOM: data - head at first */
	/* of the headroom, never given to XDP: sizeof(struct xdp_frame) */
	PACKET_FRAME_BYTES = 40,
	PACKET_HEADER_BYTES = 14,   /* Ethernet; an XDP packet never gets shorter */
	PACKET_META_MAX = 255,
	PACKET_SKB_MAX = 16064,     /* kernel BPF_SKB_MAX_LEN with 4 KiB pages */
};

/* What the program asked for, for whoever runs it; helpers only note it.  Kernel: struct
 * bpf_redirect_info. */
enum packet_redirect { REDIRECT_NONE, REDIRECT_IFINDEX, REDIRECT_PEER };

struct packet {
	enum packet_kind kind;
	u8 *head, *data_meta, *data, *data_end, *end; /* borrowed */
	void *ctx;              /* borrowed; struct xdp_md or struct __sk_buff of the program */

	enum packet_redirect redirect;
	u32 redirect_ifindex;
	u64 redirect_flags;

	/* skb only */
	s32 network_off;        /* of the network header from data; the MAC header is at data */
	bool csum_complete;     /* csum is the sum over the packet (kernel CHECKSUM_COMPLETE) */
	u32 csum;
	bool hash_valid;        /* the ctx's hash */
};

static inline u32 packet_len(const struct packet *p)
{
	return (u32)(p->data_end - p->data);
}

/* Puts the packet's bounds into its ctx: data, data_end, data_meta and, for an skb, len. */
static inline void packet_sync(const struct packet *p)
{
	if (p->kind == PACKET_XDP) {
		struct xdp_md *x = (struct xdp_md *)p->ctx;

		x->data = (u32)(u64)p->data;
		x->data_end = (u32)(u64)p->data_end;
		x->data_meta = (u32)(u64)p->data_meta;
	} else {
		struct __sk_buff *skb = (struct __sk_buff *)p->ctx;

		skb->data = (u32)(u64)p->data;
		skb->data_end = (u32)(u64)p->data_end;
		skb->data_meta = (u32)(u64)p->data_meta;
		skb->len = packet_len(p);
	}
}

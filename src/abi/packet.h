/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/packet.h - the packet that an XDP or skb program of the user engine sees.
 *
 *	head        data_meta    data                      data_end        end
 *	 |  headroom   | metadata  | the packet's bytes        |  tailroom   |
 *
 * The whole buffer lies below 4 GiB (mmap MAP_32BIT), so that the u32 fields data, data_end and
 * data_meta of xdp_md and __sk_buff hold addresses and a program needs no rewriting: what the kernel
 * does by turning ctx loads into loads of its own structs.  Packets are linear: one buffer each.
 */
#pragma once
#include "abi/uapi.h"
#include "base/types.h"

enum packet_kind { PACKET_XDP, PACKET_SKB };

enum {
	PACKET_HEADROOM = 256,  /* XDP_PACKET_HEADROOM */
	PACKET_HEADER_BYTES = 14, /* Ethernet */
};

/* What the program asked for, for whoever runs it; helpers only note it.  Kernel: struct
 * bpf_redirect_info. */
enum packet_redirect { REDIRECT_NONE, REDIRECT_IFINDEX, REDIRECT_PEER, REDIRECT_NEIGH, REDIRECT_MAP };

struct packet {
	enum packet_kind kind;
	u8 *head, *data_meta, *data, *data_end, *end;
	void *ctx;             /* struct xdp_md or struct __sk_buff of the program */

	enum packet_redirect redirect;
	u32 redirect_ifindex;
	u64 redirect_flags;
	struct map *redirect_map; /* borrowed */
	u64 redirect_key;

	/* skb only: offsets from data. */
	s32 mac_off, network_off;
	bool csum_complete;     /* csum holds the sum over the packet (CHECKSUM_COMPLETE) */
	u32 csum;
	bool hash_valid;
};

/* Puts the packet's bounds into its ctx: data, data_end, data_meta and, for an skb, len. */
void packet_sync(const struct packet *p);

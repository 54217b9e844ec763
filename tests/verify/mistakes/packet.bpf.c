// SPDX-License-Identifier: BSD-2-Clause
// A packet may be shorter than its header.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

SEC("xdp")
int drop_arp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct ethhdr *eth = data;

	if (eth->h_proto == bpf_htons(ETH_P_ARP))
		return XDP_DROP;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

// says: refused (access out of bounds): byte 12 of the packet is read here without a look at how long it is
// says: /packet.bpf.c:14
// says: packet.bpf.c:11: read from the context here
// says: help: compare with the packet's end first: if ((void *)(eth + 1) > data_end) return ...;
// says: fails with:
// says: Linux says: R1 offset is outside of the packet

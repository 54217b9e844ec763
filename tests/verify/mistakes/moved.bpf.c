// SPDX-License-Identifier: BSD-2-Clause
// A helper that may move the packet makes pointers into it void.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int cut(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	if (bpf_xdp_adjust_tail(ctx, -4))
		return XDP_PASS;
	return eth->h_proto ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";

// says: refused (wrong kind of value): 'eth' was a pointer into the packet, and is none any more
// says: /moved.bpf.c:17
// says: moved.bpf.c:15: lost here: bpf_xdp_adjust_tail() may move the packet
// says: help: get data and data_end again after the call, and compare again
// says: Linux says: R7 invalid mem access 'scalar'

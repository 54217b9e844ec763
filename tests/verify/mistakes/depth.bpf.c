// SPDX-License-Identifier: BSD-2-Clause
// Functions share the 512 bytes of stack with those that call them.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

static __attribute__((noinline)) int inner(struct xdp_md *ctx)
{
	char text[256];

	bpf_xdp_load_bytes(ctx, 0, text, sizeof(text));
	return text[ctx->rx_queue_index & 255];
}

static __attribute__((noinline)) int outer(struct xdp_md *ctx)
{
	char text[288];

	bpf_xdp_load_bytes(ctx, 0, text, sizeof(text));
	return inner(ctx) + text[ctx->rx_queue_index & 255];
}

SEC("xdp")
int match(struct xdp_md *ctx)
{
	return outer(ctx) ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";

// says: refused (stack): calls that are open together need more than the 512 bytes of stack there are: outer() 288, inner() 256
// says: depth.bpf.c:14: outer() has 288 bytes of stack
// says: depth.bpf.c:6: inner() has 256 bytes of stack
// says: help: what is large can stand in a per-CPU array map
// says: Linux says: combined stack size of 3 calls is 544. Too large

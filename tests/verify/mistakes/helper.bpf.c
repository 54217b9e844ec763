// SPDX-License-Identifier: BSD-2-Clause
// Each type of program has helpers of its own.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int shorten(struct xdp_md *ctx)
{
	return bpf_skb_change_tail((void *)ctx, 64, 0) ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

// says: refused (call not allowed): xdp programs may not call bpf_skb_change_tail()
// says: /helper.bpf.c:9
// says: help: programs that may: sched_cls, sched_act, lwt_xmit, sk_skb and 1 more
// says: Linux says: program of this type cannot use helper bpf_skb_change_tail#38

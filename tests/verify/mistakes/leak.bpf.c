// SPDX-License-Identifier: BSD-2-Clause
// A record that is reserved must be submitted or discarded, on every path.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct event {
	__u32 len;
	__u32 queue;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("xdp")
int report(struct xdp_md *ctx)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e)
		return XDP_PASS;
	e->len = ctx->data_end - ctx->data;
	if (e->len < 64)
		return XDP_DROP;
	e->queue = ctx->rx_queue_index;
	bpf_ringbuf_submit(e, 0);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

// says: refused (reference): the record that bpf_ringbuf_reserve() gave is still held when the program ends here
// says: /leak.bpf.c:29
// says: leak.bpf.c:19: acquired here
// says: leak.bpf.c:24: the path goes through here
// says: help: give it back on every path, with bpf_ringbuf_submit() or bpf_ringbuf_discard()
// says: fails with:
// says: Linux says: BPF_EXIT instruction in main prog would lead to reference leak

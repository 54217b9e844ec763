// SPDX-License-Identifier: BSD-2-Clause
// A slice of a dynptr is NULL when it is not that long.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("xdp")
int report(struct xdp_md *ctx)
{
	struct bpf_dynptr record;
	__u32 *field;

	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &record);
	field = bpf_dynptr_data(&record, 0, sizeof(*field));
	*field = ctx->rx_queue_index;
	bpf_ringbuf_submit_dynptr(&record, 0);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

// says: refused (pointer may be null): 'field' may be null here: bpf_dynptr_data() gives NULL when the dynptr is not that long, or was not made
// says: /dynptr.bpf.c:19
// says: dynptr.bpf.c:18: may still be null: from this call
// says: help: test it before it is used: if (!field) return ...;
// says: fails with:
// says: Linux says: R0 invalid mem access 'mem_or_null'

// SPDX-License-Identifier: BSD-2-Clause
// One too many.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct value {
	char name[16];
	__u32 n[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct value);
} values SEC(".maps");

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u32 key = 0;
	struct value *v = bpf_map_lookup_elem(&values, &key);
	__u32 i = ctx->rx_queue_index;

	if (!v || i > 8)
		return XDP_PASS;
	v->n[i] = 1;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

// says: refused (access out of bounds): 'i' is at most 8 here, so that this may write byte 51 of the value of map 'values', which has 48
// says: /bound.bpf.c:27
// says: bound.bpf.c:25: read from the context here: any number of 32 bits, up to 4294967295
// says: bound.bpf.c:25: checked here: at most 8 on this path
// says: help: bound it just before: if (i > 7) return ...; with i unsigned
// says: Linux says: R0 max value is outside of the allowed memory range

// SPDX-License-Identifier: BSD-2-Clause
// A lookup gives NULL when the key is not there.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u32 key = ctx->rx_queue_index;
	__u64 *value = bpf_map_lookup_elem(&counts, &key);

	*value += 1;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

// says: refused (pointer may be null): 'value' may be null here: bpf_map_lookup_elem() gives NULL when the key is not there
// says: /lookup.bpf.c:19
// says: lookup.bpf.c:17: may still be null: from this lookup
// says: help: test it before it is used: if (!value) return ...;
// says: fails with:
// says: Linux says: R0 invalid mem access 'map_value_or_null'

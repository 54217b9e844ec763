// SPDX-License-Identifier: BSD-2-Clause
// A signed index that is only bounded above.
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
	int i = ctx->rx_queue_index;

	if (!v || i >= 8)
		return XDP_PASS;
	v->n[i] = 1;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

// says: refused (pointer arithmetic): 'i' is from -2147483648 to 7 where it is added to a pointer to a map value; the value of map 'values' has 48 bytes
// says: /sign.bpf.c:27
// says: sign.bpf.c:25: read from the context here: any number of 32 bits, up to 4294967295
// says: sign.bpf.c:25: checked here: at most 7, and negative numbers pass
// says: help: bound i just before the access, as an unsigned number
// says: Linux says: math between map_value pointer and register with unbounded min value is not allowed

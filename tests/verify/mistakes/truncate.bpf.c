// SPDX-License-Identifier: BSD-2-Clause
// What is checked is not what is used: slot has 32 bits, now has 64.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct table {
	__u8 used[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct table);
} tables SEC(".maps");

SEC("xdp")
int mark(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct table *t = bpf_map_lookup_elem(&tables, &zero);
	__u64 now = bpf_ktime_get_ns();
	__u32 slot = now;

	if (!t || slot > 63)
		return XDP_PASS;
	t->used[now] = 1;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

// says: refused (pointer arithmetic): 'now' is any 64-bit number where it is added to a pointer to a map value; the value of map 'tables' has 64 bytes
// says: /truncate.bpf.c:27
// says: truncate.bpf.c:22: bpf_ktime_get_ns() gives any 64-bit number
// says: truncate.bpf.c:25: checked here are only the low 32 bits: at most 63
// says: help: bound now just before the access, as an unsigned number
// says: fails with:
// says: Linux says: math between map_value pointer and register with unbounded min value is not allowed

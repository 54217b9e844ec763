// SPDX-License-Identifier: BSD-2-Clause
// caps: noperfmon
// A key has padding, which nobody has set.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct key {
	__u8 proto;
	__u32 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct key);
	__type(value, __u64);
} seen SEC(".maps");

SEC("tc")
int look(struct __sk_buff *skb)
{
	struct key k;

	k.proto = skb->protocol;
	k.port = skb->mark;
	return bpf_map_lookup_elem(&seen, &k) ? 0 : 2;
}

char LICENSE[] SEC("license") = "GPL";

// says: refused (uninitialised value): bpf_map_lookup_elem() reads 8 bytes of the stack here, not all of which were written
// says: /stack.bpf.c:26
// says: help: set all of it first, padding too: __builtin_memset(&k, 0, sizeof(k));
// says: fails with:
// says: Linux says: invalid read from stack R2 off -8+1 size 8

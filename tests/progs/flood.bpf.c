// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
// More records in one event than a small ring buffer holds; counts what had no room.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct event {
	__u64 n;
	__u64 mark;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

__u64 sent, dropped;

SEC("tp/syscalls/sys_enter_execve")
int flood(void *ctx)
{
	for (int i = 0; i < 2000; i++) {
		struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

		if (!e) {
			__sync_fetch_and_add(&dropped, 1);
			continue;
		}
		e->n = i;
		e->mark = 42;
		bpf_ringbuf_submit(e, 0);
		__sync_fetch_and_add(&sent, 1);
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

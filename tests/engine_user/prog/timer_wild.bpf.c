// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
// A timer whose callback is no function of the program: no verifier takes it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define CLOCK_MONOTONIC 1

struct element {
	__u64 set, started;
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct element);
} array SEC(".maps");

SEC("tp_btf/sched_process_exec")
int start(void *ctx)
{
	struct element *e;
	int key = 0;

	e = bpf_map_lookup_elem(&array, &key);
	if (!e || bpf_timer_init(&e->timer, &array, CLOCK_MONOTONIC))
		return 0;
	e->set = bpf_timer_set_callback(&e->timer, (void *)0xbfcb0000fffffff0);
	e->started = bpf_timer_start(&e->timer, 1000000, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

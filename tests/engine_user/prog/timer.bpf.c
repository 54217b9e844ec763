// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
// A timer in a hash element and one in an array element; the first re-arms itself.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define CLOCK_MONOTONIC 1

struct element {
	__u64 ticks;
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, int);
	__type(value, struct element);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, int);
	__type(value, struct element);
} array SEC(".maps");

static int tick(void *map, int *key, struct element *e)
{
	if (*key == 77 && ++e->ticks < 3)
		bpf_timer_start(&e->timer, 5000000, 0);
	return 0;
}

static int once(void *map, int *key, struct element *e)
{
	e->ticks += 10 + *key;
	bpf_printk("array timer of %d", *key);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int start(void *ctx)
{
	struct element zero = {}, *e;
	int key = 77, index = 2;

	bpf_map_update_elem(&hash, &key, &zero, BPF_NOEXIST);
	e = bpf_map_lookup_elem(&hash, &key);
	if (!e || bpf_timer_init(&e->timer, &hash, CLOCK_MONOTONIC))
		return 0; /* the second execve: it is there */
	bpf_timer_set_callback(&e->timer, tick);
	bpf_timer_start(&e->timer, 1000000, 0);
	e = bpf_map_lookup_elem(&array, &index);
	if (!e || bpf_timer_init(&e->timer, &array, CLOCK_MONOTONIC))
		return 0;
	bpf_timer_set_callback(&e->timer, once);
	bpf_timer_start(&e->timer, 1000000, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

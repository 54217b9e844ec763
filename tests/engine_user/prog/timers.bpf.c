// SPDX-License-Identifier: BSD-2-Clause
/* Timers in an array and a hash, started by the first getppid of the tree. */
#include <linux/bpf.h>
#include <errno.h>
#include <bpf/bpf_helpers.h>

#define CLOCK_MONOTONIC 1
#define GETPPID 110

struct value {
	__u64 count;
	struct bpf_timer timer;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct value);
} slots SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u64);
	__type(value, struct value);
} table SEC(".maps");

__u64 hits, array_key, hash_key, hash_calls, cancelled_runs;
long again, null_callback, cancel_self, cancel_idle, cancel_armed, started, bad_clock;

static int on_array(void *map, __u32 *key, struct value *v)
{
	array_key = *key;
	cancel_self = bpf_timer_cancel(&v->timer);
	if (++v->count < 5)
		bpf_timer_start(&v->timer, 1000000, 0);
	return 0;
}

static int on_hash(void *map, __u64 *key, struct value *v)
{
	hash_key = *key;
	hash_calls++;
	return 0;
}

static int on_never(void *map, __u32 *key, struct value *v)
{
	cancelled_runs++;
	return 0;
}

SEC("tp_btf/sys_enter")
int on_getppid(__u64 *ctx)
{
	__u32 two = 2, three = 3, one = 1;
	__u64 key = 77, gone = 78;
	struct value zero = {}, *v;

	if (ctx[1] != GETPPID || __sync_fetch_and_add(&hits, 1))
		return 0;
	v = bpf_map_lookup_elem(&slots, &two);
	if (!v)
		return 0;
	bad_clock = bpf_timer_init(&v->timer, &slots, 5);
	bpf_timer_init(&v->timer, &slots, CLOCK_MONOTONIC);
	again = bpf_timer_init(&v->timer, &slots, CLOCK_MONOTONIC);
	null_callback = bpf_timer_start(&v->timer, 1000, 0);
	cancel_idle = bpf_timer_cancel(&v->timer);
	bpf_timer_set_callback(&v->timer, on_array);
	started = bpf_timer_start(&v->timer, 1000000, 0);

	v = bpf_map_lookup_elem(&slots, &three);
	if (!v)
		return 0;
	bpf_timer_init(&v->timer, &slots, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&v->timer, on_never);
	bpf_timer_start(&v->timer, 300000000, 0);
	cancel_armed = bpf_timer_cancel(&v->timer);

	bpf_map_update_elem(&table, &key, &zero, BPF_ANY);
	v = bpf_map_lookup_elem(&table, &key);
	if (!v)
		return 0;
	bpf_timer_init(&v->timer, &table, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&v->timer, on_hash);
	bpf_timer_start(&v->timer, 2000000, 0);

	/* An element that goes takes its timer with it. */
	bpf_map_update_elem(&table, &gone, &zero, BPF_ANY);
	v = bpf_map_lookup_elem(&table, &gone);
	if (!v)
		return 0;
	bpf_timer_init(&v->timer, &table, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&v->timer, on_hash);
	bpf_timer_start(&v->timer, 100000000, 0);
	bpf_map_delete_elem(&table, &gone);
	return 0;
}

char _license[] SEC("license") = "GPL";

// SPDX-License-Identifier: BSD-2-Clause
/* Counts samples of a process by name, and user stacks. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <linux/bpf_perf_event.h>
#include <bpf/bpf_helpers.h>

struct name {
	char comm[16];
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct name);
	__type(value, __u64);
} by_comm SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 1024);
	__uint(key_size, 4);
	__uint(value_size, 127 * 8);
} stacks SEC(".maps");

__u64 samples, deep, with_id, with_ip, period;

SEC("perf_event")
int on_sample(struct bpf_perf_event_data *ctx)
{
	struct name n = {};
	__u64 one = 1, *count, ips[8] = {};
	long bytes;

	bpf_get_current_comm(n.comm, sizeof(n.comm));
	count = bpf_map_lookup_elem(&by_comm, &n);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&by_comm, &n, &one, BPF_NOEXIST);
	if (n.comm[0] != 's' || n.comm[1] != 'p' || n.comm[2] != 'i' || n.comm[3] != 'n')
		return 0;
	__sync_fetch_and_add(&samples, 1);
	period = ctx->sample_period;
	if (ctx->regs.rip)
		__sync_fetch_and_add(&with_ip, 1);
	if (bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK) >= 0)
		__sync_fetch_and_add(&with_id, 1);
	bytes = bpf_get_stack(ctx, ips, sizeof(ips), BPF_F_USER_STACK);
	if (bytes >= 4 * 8)
		__sync_fetch_and_add(&deep, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
// A uprobe with its argument, a uretprobe with its result, a histogram of powers of two.
// Built with -DTARGET="the traced binary".
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct hist {
	__u64 slots[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hist);
} sizes SEC(".maps");

__u64 calls, returned;

SEC("uprobe/" TARGET ":work")
int work_enter(struct pt_regs *ctx)
{
	__u32 zero = 0, slot = 0;
	unsigned long n = PT_REGS_PARM1(ctx);
	struct hist *h = bpf_map_lookup_elem(&sizes, &zero);

	__sync_fetch_and_add(&calls, 1);
	if (!h)
		return 0;
	for (int i = 0; i < 15; i++)
		if (n >> (i + 1))
			slot = i + 1;
	__sync_fetch_and_add(&h->slots[slot & 15], 1);
	return 0;
}

SEC("uretprobe/" TARGET ":work")
int work_return(struct pt_regs *ctx)
{
	__sync_fetch_and_add(&returned, PT_REGS_RC(ctx));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
// Entry and return of a function of the test's own binary.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

__u64 entries, sum, returns, returned, ip;

SEC("uprobe")
int BPF_KPROBE(entry, int a, int b)
{
	__sync_fetch_and_add(&entries, 1);
	__sync_fetch_and_add(&sum, a * b);
	ip = bpf_get_func_ip(ctx);
	return 0;
}

SEC("uretprobe")
int BPF_KRETPROBE(leave, int ret)
{
	__sync_fetch_and_add(&returns, 1);
	__sync_fetch_and_add(&returned, ret);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
// Probes on system-call functions: arguments, results, a counter by result.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, int);
	__type(value, __u64);
} by_result SEC(".maps");

SEC("kprobe/__x64_sys_unlinkat")
int BPF_KPROBE(unlinkat_entry, struct pt_regs *regs)
{
	const char *name;
	char text[32] = "";

	bpf_probe_read_kernel(&name, sizeof(name), &PT_REGS_PARM2_SYSCALL(regs));
	bpf_probe_read_user_str(text, sizeof(text), name);
	bpf_printk("unlinkat %s", text);
	return 0;
}

SEC("kretprobe/__x64_sys_unlinkat")
int BPF_KRETPROBE(unlinkat_return, long ret)
{
	int key = ret;
	__u64 one = 1, *n = bpf_map_lookup_elem(&by_result, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&by_result, &key, &one, BPF_ANY);
	bpf_printk("returned %d", key);
	return 0;
}

SEC("kprobe/do_sys_openat2")
int BPF_KPROBE(openat2_entry, int dfd, const char *name)
{
	char text[32] = "";

	bpf_probe_read_user_str(text, sizeof(text), name);
	if (text[0] == '/' && text[1] == 'n' && text[2] == 'o')
		bpf_printk("open dfd %d %s", dfd, text);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

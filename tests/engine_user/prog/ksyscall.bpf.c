// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
// ksyscall and kretsyscall with BPF_KSYSCALL, which asks a kconfig extern how arguments come.
#include "vmlinux_min.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

SEC("ksyscall/kill")
int BPF_KSYSCALL(kill_entry, int pid, int sig)
{
	bpf_printk("kill %d %d", pid, sig);
	return 0;
}

SEC("kretsyscall/kill")
int BPF_KRETPROBE(kill_return, int ret)
{
	bpf_printk("kill returned %d", ret);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

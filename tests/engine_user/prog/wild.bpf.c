// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
// Reads through a pointer that is none: no verifier takes it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tracepoint/syscalls/sys_enter_execve")
int wild(void *ctx)
{
	volatile int *p = (void *)16;

	return *p;
}

char LICENSE[] SEC("license") = "GPL";

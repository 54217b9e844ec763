// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
// Three kinds of hooks in one object, for a target that is being built: calls of openat by tracepoint
// and by kprobe, and a function of libc by breakpoint.  Built with -DTARGET="the C library".
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps");

__u64 opens, opened, mallocs;

SEC("tp/syscalls/sys_enter_openat")
int enter(void *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();

	__sync_fetch_and_add(&opens, 1);
	bpf_ringbuf_output(&events, &id, sizeof(id), 0);
	return 0;
}

#ifdef KPROBE
SEC("kretprobe/__x64_sys_openat")
int leave(struct pt_regs *ctx)
{
	__sync_fetch_and_add(&opened, 1);
	return 0;
}
#endif

SEC("uprobe/" TARGET ":malloc")
int alloc(struct pt_regs *ctx)
{
	__sync_fetch_and_add(&mallocs, 1);
	return 0;
}

SEC("uretprobe/" TARGET ":calloc")
int allocated(struct pt_regs *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

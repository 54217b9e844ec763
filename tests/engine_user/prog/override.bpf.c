// SPDX-License-Identifier: BSD-2-Clause
/* Answers getpgid with -EXDEV, so that it is never made. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

__u64 calls, on_return;
long overridden;

SEC("ksyscall/getpgid")
int answer(struct pt_regs *ctx)
{
	calls++;
	overridden = bpf_override_return(ctx, -18);
	return 0;
}

SEC("kretsyscall/getpgid")
int see(struct pt_regs *ctx)
{
	on_return = PT_REGS_RC(ctx);
	return 0;
}

char _license[] SEC("license") = "GPL";

// SPDX-License-Identifier: BSD-2-Clause
// Nothing ends this loop.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int wait(struct xdp_md *ctx)
{
	volatile __u32 ready = 0;

	while (!ready)
		;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

// says: refused (endless loop): this loop may run for ever: one round changes nothing that would end it
// says: /loop.bpf.c:11
// says: help: let a counter end it that the verifier can follow, or use bpf_for(), bpf_loop()
// says: fails with:
// says: Linux says: infinite loop detected at insn 3

// SPDX-License-Identifier: BSD-2-Clause
// Programs at cgroups say yes or no.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("cgroup/connect4")
int deny_smtp(struct bpf_sock_addr *ctx)
{
	if (ctx->user_port == 0x1900)
		return -1;
	return 1;
}

char LICENSE[] SEC("license") = "GPL";

// says: refused (return value): the result is -1 here; cgroup_sock_addr programs must return either 0 or 1
// says: /result.bpf.c:12
// says: result.bpf.c:9: set to -1 here
// says: fails with:
// says: Linux says: At program exit the register R0 has smin=4294967295 smax=4294967295 should have been in [0, 1]

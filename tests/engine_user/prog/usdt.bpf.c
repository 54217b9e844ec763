// SPDX-License-Identifier: BSD-2-Clause
/* A static probe of usdt.c: its arguments, with and without a semaphore. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/usdt.bpf.h>

__u64 fired, guarded;
long count, sum, last_signed, cookie;
char word[16];

SEC("usdt/" TARGET ":osmia:loop")
int BPF_USDT(on_loop, int i, signed char negative, const char *name)
{
	fired++;
	count = bpf_usdt_arg_cnt(ctx);
	sum += i;
	last_signed = negative;
	cookie = bpf_usdt_cookie(ctx);
	bpf_probe_read_user_str(word, sizeof(word), name);
	return 0;
}

SEC("usdt/" TARGET ":osmia:guarded")
int BPF_USDT(on_guarded, long v)
{
	guarded += v;
	return 0;
}

char _license[] SEC("license") = "GPL";

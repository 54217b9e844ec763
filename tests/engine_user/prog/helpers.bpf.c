// SPDX-License-Identifier: BSD-2-Clause
/* Helpers that touch the task, on uprobes of helpers.c: each tells what it saw in a variable. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct task_struct;

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} seen SEC(".maps");

__u64 calls, per_task_max, func_ip_set, cookie, sum_seen, returns, result, deleted;
long copied, copied_bad, str_copied, signalled;
char text[16];

SEC("uprobe.s/" TARGET ":probe_me")
int probe_me(struct pt_regs *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const char *user = (const char *)PT_REGS_PARM1(ctx);
	__u64 *n = bpf_task_storage_get(&seen, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	calls++;
	if (n && ++*n > per_task_max)
		per_task_max = *n;
	if (bpf_get_func_ip(ctx) == PT_REGS_IP(ctx))
		func_ip_set++;
	cookie = bpf_get_attach_cookie(ctx);
	copied = bpf_copy_from_user(text, 6, user);
	copied_bad = bpf_copy_from_user(text + 8, 4, (void *)8);
	str_copied = bpf_probe_read_user_str(text, sizeof(text), user);
	sum_seen += PT_REGS_PARM2(ctx);
	return 0;
}

SEC("uretprobe/" TARGET ":probe_me")
int probe_me_return(struct pt_regs *ctx)
{
	returns++;
	result += PT_REGS_RC(ctx);
	return 0;
}

SEC("uprobe/" TARGET ":forget_me")
int forget_me(struct pt_regs *ctx)
{
	if (!bpf_task_storage_delete(&seen, bpf_get_current_task_btf()))
		deleted++;
	return 0;
}

SEC("uprobe/" TARGET ":signal_me")
int signal_me(struct pt_regs *ctx)
{
	signalled = bpf_send_signal((__u32)PT_REGS_PARM1(ctx));
	return 0;
}

char _license[] SEC("license") = "GPL";

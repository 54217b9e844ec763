// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
// Opens of one process (targ_pid) or all, entry and exit joined in a hash, records through perf rings.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 targ_pid = 0;

struct event {
	__u32 pid;
	__s32 ret;
	__u64 cookie;
	char name[64];
};

struct enter_args {
	__u64 common;
	__u64 nr, dfd;
	const char *filename;
	__u64 flags, mode;
};

struct exit_args {
	__u64 common;
	__s64 nr, ret;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} start SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_openat")
int enter(struct enter_args *ctx)
{
	__u64 id = bpf_get_current_pid_tgid(), name = (__u64)ctx->filename;
	__u32 tid = (__u32)id;

	if (targ_pid && targ_pid != id >> 32)
		return 0;
	bpf_map_update_elem(&start, &tid, &name, BPF_ANY);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_openat")
int leave(struct exit_args *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = (__u32)id;
	__u64 *name = bpf_map_lookup_elem(&start, &tid);
	struct event e = {};

	if (!name)
		return 0;
	e.pid = id >> 32;
	e.ret = ctx->ret;
	e.cookie = bpf_get_attach_cookie(ctx);
	bpf_probe_read_user_str(e.name, sizeof(e.name), (void *)*name);
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &e, sizeof(e));
	bpf_map_delete_elem(&start, &tid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

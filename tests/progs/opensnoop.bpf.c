// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
// openat with its result: two tracepoints, a hash between them, a filter set before load.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct event {
	int pid;
	int ret;
	int flags;
	char comm[16];
	char path[96];
};

struct start {
	const char *path;
	int flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct start);
} starts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} events SEC(".maps");

const volatile int targ_pid = 0;
const volatile _Bool only_failed = 0;

struct enter_args {
	__u64 common;
	__u64 nr;
	__u64 dfd;
	const char *path;
	__u64 flags;
	__u64 mode;
};

struct exit_args {
	__u64 common;
	__u64 nr;
	long ret;
};

SEC("tp/syscalls/sys_enter_openat")
int enter(struct enter_args *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = id;
	struct start s = { .path = ctx->path, .flags = ctx->flags };

	if (targ_pid && targ_pid != (int)(id >> 32))
		return 0;
	bpf_map_update_elem(&starts, &tid, &s, BPF_ANY);
	return 0;
}

SEC("tp/syscalls/sys_exit_openat")
int leave(struct exit_args *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = id;
	struct start *s = bpf_map_lookup_elem(&starts, &tid);
	struct event e = {};

	if (!s)
		return 0;
	if (!only_failed || ctx->ret < 0) {
		e.pid = id >> 32;
		e.ret = ctx->ret;
		e.flags = s->flags;
		bpf_get_current_comm(e.comm, sizeof(e.comm));
		bpf_probe_read_user_str(e.path, sizeof(e.path), s->path);
		bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &e, sizeof(e));
	}
	bpf_map_delete_elem(&starts, &tid);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
// An object of some 20 KB, of the kind that tools bring: four tracepoints, maps of four kinds, fields of
// kernel structs that are relocated against the running kernel's BTF.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define KERNEL_STRUCT __attribute__((preserve_access_index))

struct task_struct {
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	char comm[16];
	__u64 start_time;
} KERNEL_STRUCT;

struct event {
	__u32 kind, pid, tgid, ppid, uid;
	int ret, flags;
	__u64 ns, age_ns, cgroup;
	char comm[16];
	char parent[16];
	char path[96];
};

struct start {
	const char *path;
	int flags;
	__u64 ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct start);
} starts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} execs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 32);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

const volatile int targ_pid = 0;
const volatile unsigned targ_uid = ~0u;
const volatile _Bool only_failed = 0;
const volatile __u64 min_ns = 0;
__u64 n_dropped;

struct enter_args {
	__u64 common, nr, args[6];
};

struct exit_args {
	__u64 common, nr;
	long ret;
};

static __always_inline int wanted(void)
{
	if (targ_pid && targ_pid != (int)(bpf_get_current_pid_tgid() >> 32))
		return 0;
	return targ_uid == ~0u || targ_uid == (__u32)bpf_get_current_uid_gid();
}

static __always_inline void fill(struct event *e, __u32 kind)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);

	e->kind = kind;
	e->pid = BPF_CORE_READ(task, pid);
	e->tgid = BPF_CORE_READ(task, tgid);
	e->ppid = BPF_CORE_READ(parent, tgid);
	e->uid = bpf_get_current_uid_gid();
	e->ns = bpf_ktime_get_ns();
	e->age_ns = e->ns;
	if (bpf_core_field_exists(task->start_time))
		e->age_ns -= BPF_CORE_READ(task, group_leader, start_time);
	e->cgroup = bpf_get_current_cgroup_id();
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	BPF_CORE_READ_STR_INTO(&e->parent, parent, comm);
}

static __always_inline int begin(const char *path, int flags)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct start s = { .path = path, .flags = flags, .ns = bpf_ktime_get_ns() };

	if (wanted())
		bpf_map_update_elem(&starts, &tid, &s, BPF_ANY);
	return 0;
}

static __always_inline void count(__u64 ns)
{
	__u32 us = ns >> 10, slot = 0;
	__u64 *n;

	for (int bits = 16; bits; bits /= 2)
		if (us >> bits) {
			us >>= bits;
			slot += bits;
		}
	slot &= 31;
	n = bpf_map_lookup_elem(&slots, &slot);
	if (n)
		++*n;
}

static __always_inline int end(__u32 kind, long ret)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct start *s = bpf_map_lookup_elem(&starts, &tid);
	struct event *e;
	__u64 took;

	if (!s)
		return 0;
	took = bpf_ktime_get_ns() - s->ns;
	count(took);
	if (took >= min_ns && (!only_failed || ret < 0)) {
		e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
		if (e) {
			fill(e, kind);
			e->ret = ret;
			e->flags = s->flags;
			bpf_probe_read_user_str(e->path, sizeof(e->path), s->path);
			bpf_ringbuf_submit(e, 0);
		} else {
			__sync_fetch_and_add(&n_dropped, 1);
		}
	}
	bpf_map_delete_elem(&starts, &tid);
	return 0;
}

#define SYSCALL(name, kind, path, flags)                        \
	SEC("tp/syscalls/sys_enter_" #name)                     \
	int name##_enter(struct enter_args *ctx)                \
	{                                                       \
		return begin((const char *)ctx->args[path], flags); \
	}                                                       \
	SEC("tp/syscalls/sys_exit_" #name)                      \
	int name##_exit(struct exit_args *ctx)                  \
	{                                                       \
		return end(kind, ctx->ret);                     \
	}
SYSCALL(openat, 1, 1, ctx->args[2])

SEC("tp/sched/sched_process_exec")
int exec(void *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid();
	__u64 now = bpf_ktime_get_ns();

	if (wanted())
		bpf_map_update_elem(&execs, &tid, &now, BPF_ANY);
	return 0;
}

SEC("tp/sched/sched_process_exit")
int leave(void *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&execs, &tid);
	bpf_map_delete_elem(&starts, &tid);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/task.c - who runs, where and when.
 *
 * Kernel 6.18: kernel/bpf/helpers.c, kernel/trace/bpf_trace.c.
 */
#include "abi/uapi.h"
#include "helper/body.h"
#include "map/map.h"
#include <errno.h>
#include <time.h>

enum { CGROUP_LEVELS_MAX = 64 };

static const struct host_task *current(const struct exec_env *env)
{
	return env->host->task(env->host->arg);
}

static u64 now(const struct exec_env *env, int clock_id)
{
	return env->host->clock_ns(env->host->arg, clock_id);
}

BODY(ktime_get_ns)
{
	return now(env, CLOCK_MONOTONIC);
}

BODY(ktime_get_boot_ns)
{
	return now(env, CLOCK_BOOTTIME);
}

BODY(ktime_get_coarse_ns)
{
	return now(env, CLOCK_MONOTONIC_COARSE);
}

BODY(ktime_get_tai_ns)
{
	return now(env, CLOCK_TAI);
}

/* Jiffies start so that their low 32 bits wrap 300 s after boot.  Kernel: INITIAL_JIFFIES. */
BODY(jiffies64)
{
	u64 hz = env->host->hz ? env->host->hz : 250;
	u64 ns = now(env, CLOCK_MONOTONIC);

	return (u32)(0 - 300 * (u32)hz) + ns / 1000000000 * hz + ns % 1000000000 * hz / 1000000000;
}

BODY(get_prandom_u32)
{
	return env->host->random(env->host->arg);
}

BODY(get_smp_processor_id)
{
	return env->cpu;
}

BODY(get_numa_node_id)
{
	return env->host->numa_node ? env->host->numa_node(env->host->arg) : 0;
}

BODY(get_current_pid_tgid)
{
	const struct host *h = env->host;
	const struct host_task *t;

	if (h->pid_tgid)
		return h->pid_tgid(h->arg);
	t = current(env);
	return (u64)t->tgid << 32 | t->pid;
}

BODY(get_current_uid_gid)
{
	const struct host *h = env->host;
	const struct host_task *t;

	if (h->uid_gid)
		return h->uid_gid(h->arg);
	t = current(env);
	return (u64)t->gid << 32 | t->uid;
}

/* Fills the whole buffer and always ends it.  Kernel: strscpy_pad. */
BODY(get_current_comm)
{
	const struct host *h = env->host;
	u32 size = (u32)r2, n = 0;
	char comm[16], *out = PTR(r1);

	if (!size)
		return 0;
	if (h->comm)
		h->comm(h->arg, comm);
	else
		mem_copy(comm, current(env)->comm, sizeof(comm));
	while (n < size - 1 && n < sizeof(comm) - 1 && comm[n]) {
		out[n] = comm[n];
		n++;
	}
	mem_zero(out + n, size - n);
	return 0;
}

BODY(get_current_cgroup_id)
{
	const struct host *h = env->host;

	return h->cgroup_id ? h->cgroup_id(h->arg) : current(env)->cgroup_id;
}

BODY(get_current_ancestor_cgroup_id)
{
	const struct host *h = env->host;

	return h->ancestor_cgroup_id ? h->ancestor_cgroup_id(h->arg, (s32)r1) : 0;
}

/* Kernel: bpf_current_task_under_cgroup. */
BODY(current_task_under_cgroup)
{
	const struct host *h = env->host;
	struct map_info info;
	u32 index = (u32)r2;
	u64 wanted, id = 1;

	map_info(PTR(r1), &info);
	if (index >= info.attr.max_entries)
		return RESULT(-E2BIG);
	if (map_ref_get(PTR(r1), &index, &wanted) || !wanted)
		return RESULT(-EAGAIN);
	for (s32 level = 0; h->ancestor_cgroup_id && id && level < CGROUP_LEVELS_MAX; level++) {
		id = h->ancestor_cgroup_id(h->arg, level);
		if (id == wanted)
			return 1;
	}
	return body_get_current_cgroup_id(0, 0, 0, 0, 0, env) == wanted;
}

BODY(get_current_task)
{
	return env->host->current_task ? env->host->current_task(env->host->arg) : 0;
}

BODY(get_current_task_btf)
{
	return body_get_current_task(r1, r2, r3, r4, r5, env);
}

/* Kernel: bpf_get_ns_current_pid_tgid; on failure the result is zeroed. */
BODY(get_ns_current_pid_tgid)
{
	struct bpf_pidns_info info;
	const struct host *h = env->host;
	int err = -EINVAL;

	if ((u32)r4 == sizeof(info) && (u32)r1 == r1 && h->pid_ns)
		err = h->pid_ns(h->arg, r1, r2, &info.pid, &info.tgid);
	if (err) {
		mem_zero(PTR(r3), (u32)r4);
		return RESULT(err);
	}
	mem_copy(PTR(r3), &info, sizeof(info));
	return 0;
}

static u64 send_signal(struct exec_env *env, u32 sig, bool thread)
{
	const struct host *h = env->host;

	if (sig > 64)
		return RESULT(-EINVAL);
	if (!h->send_signal)
		return RESULT(-EPERM);
	return RESULT(h->send_signal(h->arg, sig, thread));
}

BODY(send_signal)
{
	return send_signal(env, (u32)r1, false);
}

BODY(send_signal_thread)
{
	return send_signal(env, (u32)r1, true);
}

BODY(override_return)
{
	const struct host *h = env->host;

	return h->override_return ? RESULT(h->override_return(h->arg, r2)) : RESULT(-EPERM);
}

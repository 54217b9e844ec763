/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/kmem.c - a task as the kernel structs that programs read, from /proc. */
#include "engine/user/kmem.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void task_comm(s32 pid, char comm[KTASK_COMM])
{
	char path[48];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	memset(comm, 0, KTASK_COMM);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (read(fd, comm, KTASK_COMM) < 0)
		comm[0] = 0;
	comm[KTASK_COMM - 1] = 0;
	comm[strcspn(comm, "\n")] = 0;
	close(fd);
}

static void fill_namespaces(struct kmem *k, s32 pid)
{
	static const char *const names[] = {"uts", "ipc",   "mnt", "pid_for_children",
					    "net", "cgroup"};
	char path[64];
	struct stat st;

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, names[i]);
		k->ns[i].ns.inum = stat(path, &st) ? 0 : (u32)st.st_ino;
	}
	k->nsproxy =
		(struct knsproxy){&k->ns[0], &k->ns[1], &k->ns[2], &k->ns[3], &k->ns[4], &k->ns[5]};
}

/* What the task's status file has: ids (effective ones stand in the second column of Uid: and Gid:,
 * saved and file system ones behind) and counts of switches. */
static void fill_status(struct kmem *k, struct ktask *t, s32 pid)
{
	struct kcred *c = &k->creds[0];
	char path[48], line[256];
	FILE *f;

	*c = (struct kcred){ .usage = 1 };
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		sscanf(line, "Uid: %u %u %u %u", &c->uid, &c->euid, &c->suid, &c->fsuid);
		sscanf(line, "Gid: %u %u %u %u", &c->gid, &c->egid, &c->sgid, &c->fsgid);
		sscanf(line, "voluntary_ctxt_switches: %lu", &t->nvcsw);
		sscanf(line, "nonvoluntary_ctxt_switches: %lu", &t->nivcsw);
	}
	fclose(f);
}

/* The text of /proc/PID/stat behind the name, which may hold anything; NULL: gone. */
static const char *stat_fields(s32 pid, char *text, int size)
{
	char path[48];
	FILE *f;
	char *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	p = fgets(text, size, f) ? strrchr(text, ')') : NULL;
	fclose(f);
	return p;
}

/* The nth field of that text, as proc(5) counts them. */
static const char *stat_field(const char *p, u32 n)
{
	for (u32 field = 2; p && field < n; field++)
		p = strchr(p + 1, ' ');
	return p;
}

static u64 number(const char *p)
{
	unsigned long v = 0;

	if (p)
		sscanf(p, "%lu", &v);
	return v;
}

static void fill_stat(struct kmem *k, struct ktask *t, s32 pid)
{
	u64 tick_ns = 1000000000ull / (u64)MAX(sysconf(_SC_CLK_TCK), 1);
	char text[2048];
	const char *p = stat_fields(pid, text, sizeof(text));

	k->mm = (struct kmm){ 0 };
	if (!p)
		return;
	t->flags = (u32)number(stat_field(p, 9));
	t->min_flt = number(stat_field(p, 10));
	t->maj_flt = number(stat_field(p, 12));
	t->utime = number(stat_field(p, 14)) * tick_ns;
	t->stime = number(stat_field(p, 15)) * tick_ns;
	t->policy = (u32)number(stat_field(p, 41));
	k->mm.arg_start = number(stat_field(p, 48));
	k->mm.arg_end = number(stat_field(p, 49));
	k->mm.env_start = number(stat_field(p, 50));
	k->mm.env_end = number(stat_field(p, 51));
}

static void fill_task(struct kmem *k, struct ktask *t, s32 pid, s32 tgid)
{
	*t = (struct ktask){ .pid = pid,
			     .tgid = tgid,
			     .prio = 120,
			     .static_prio = 120,
			     .normal_prio = 120,
			     .exit_signal = 17,
			     .real_parent = &k->tasks[KMEM_NONE],
			     .parent = &k->tasks[KMEM_NONE],
			     .group_leader = t,
			     .cred = &k->creds[0],
			     .real_cred = &k->creds[0],
			     .nsproxy = &k->nsproxy,
			     .mm = &k->mm };
	if (pid)
		task_comm(pid, t->comm);
}

void kmem_fill(struct kmem *k, const struct host_task *who, int exit_code)
{
	struct ktask *tasks = k->tasks, *cur = &tasks[KMEM_CURRENT];

	fill_task(k, &tasks[KMEM_NONE], 0, 0);
	fill_task(k, cur, (s32)who->pid, (s32)who->tgid);
	memcpy(cur->comm, who->comm, sizeof(cur->comm));
	cur->start_time = cur->start_boottime = who->start_time_ns;
	cur->exit_code = exit_code;
	if (who->pid != who->tgid) {
		fill_task(k, &tasks[KMEM_LEADER], (s32)who->tgid, (s32)who->tgid);
		cur->group_leader = &tasks[KMEM_LEADER];
		cur->exit_signal = -1;
	}
	fill_task(k, &tasks[KMEM_PARENT], (s32)who->ppid, (s32)who->ppid);
	cur->real_parent = cur->parent = &tasks[KMEM_PARENT];
	cur->group_leader->real_parent = cur->group_leader->parent = &tasks[KMEM_PARENT];
	fill_status(k, cur, (s32)who->pid);
	fill_stat(k, cur, (s32)who->pid);
	fill_namespaces(k, (s32)who->pid);
}

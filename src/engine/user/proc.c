/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/proc.c - facts of a process that only /proc and the cgroup file system tell. */
#include "engine/user/host.h"
#include "base/file.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROC_FILE_MAX = 65536 };

static bool proc_read(s32 pid, const char *name, struct bytes *out)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return !file_read(path, PROC_FILE_MAX, out);
}

/* Inode of the first n_parts parts (-1: all) of the path in the line "0::/path" of /proc/PID/cgroup,
 * which is seen from our cgroup namespace; 0 where it has fewer. */
static u64 cgroup_inode(s32 pid, s32 n_parts)
{
	struct bytes b;
	struct stat st;
	char path[4200];
	u64 id = 0;
	char *line, *end;

	if (!proc_read(pid, "cgroup", &b))
		return 0;
	line = strstr((char *)b.p, "0::/");
	while (line && line != (char *)b.p && line[-1] != '\n')
		line = strstr(line + 1, "0::/");
	if (line) {
		line += 3;
		end = n_parts < 0 ? strchrnul(line, '\n') : line;
		for (s32 i = 0; i < n_parts && end; i++)
			end = *end == '/' && end[1] > '\n' ? end + 1 + strcspn(end + 1, "/\n") : NULL;
		if (end) {
			snprintf(path, sizeof(path), "/sys/fs/cgroup%.*s", (int)(end - line), line);
			if (!stat(path, &st))
				id = st.st_ino;
		}
	}
	bytes_free(&b);
	return id;
}

u64 proc_cgroup_id(s32 pid)
{
	return cgroup_inode(pid, -1);
}

u64 proc_ancestor_cgroup_id(s32 pid, s32 level)
{
	return level < 0 ? 0 : cgroup_inode(pid, level);
}

/* Fields 4 and 22 of stat, counted behind the command's closing parenthesis. */
void proc_stat(s32 pid, u32 *ppid, u64 *start_ns)
{
	struct bytes b;
	char *p;

	*ppid = 0;
	*start_ns = 0;
	if (!proc_read(pid, "stat", &b))
		return;
	p = strrchr((char *)b.p, ')');
	if (p && p[1]) {
		*ppid = (u32)strtoul(p + 3, NULL, 10);
		for (u32 field = 2; field < 22 && p; field++)
			p = strchr(p + 1, ' ');
		if (p)
			*start_ns = strtoull(p + 1, NULL, 10) *
				    (1000000000 / (u64)sysconf(_SC_CLK_TCK));
	}
	bytes_free(&b);
}

/* Last number of a "NSpid:" or "NStgid:" line: the id in the task's own, innermost namespace. */
static u32 last_number(const char *status, const char *key)
{
	const char *p = strstr(status, key);
	u32 n = 0;

	if (!p)
		return 0;
	for (p += strlen(key); *p && *p != '\n';) {
		char *end;
		unsigned long v = strtoul(p, &end, 10);

		if (end == p)
			break;
		n = (u32)v;
		p = end;
	}
	return n;
}

int proc_ns_pids(s32 tid, s32 tgid, u64 dev, u64 ino, u32 *ns_pid, u32 *ns_tgid)
{
	char path[64];
	struct stat st;
	struct bytes b;

	(void)tgid;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", tid);
	if (stat(path, &st) || st.st_ino != ino || st.st_dev != dev)
		return -EINVAL;
	if (!proc_read(tid, "status", &b))
		return -ENOENT;
	*ns_pid = last_number((char *)b.p, "\nNSpid:");
	*ns_tgid = last_number((char *)b.p, "\nNStgid:");
	bytes_free(&b);
	return 0;
}

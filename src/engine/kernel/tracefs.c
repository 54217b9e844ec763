/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/kernel/tracefs.c - where tracefs is, and an instance of our own for bpf_printk. */
#include "engine/kernel/priv.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	TRACEFS_SUPER = 0x74726163, /* TRACEFS_MAGIC of linux/magic.h */
	FSOPEN_CLOSE_ON_EXEC = 1, FSMOUNT_CLOSE_ON_EXEC = 1, FSCONFIG_CREATE = 6,
};

/* A mount that is attached nowhere: paths below its fd work, the mount table stays as it was. */
static int tracefs_mount(void)
{
#ifdef SYS_fsopen
	int fs = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOSE_ON_EXEC);

	if (fs < 0)
		return -errno;

	int fd = -1, err = 0;

	if (syscall(SYS_fsconfig, fs, FSCONFIG_CREATE, NULL, NULL, 0))
		err = -errno;
	else
		fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOSE_ON_EXEC, 0);
	if (!err && fd < 0)
		err = -errno;
	close(fs);
	return err ? err : fd;
#else
	return -ENOSYS;
#endif
}

int tracefs_open(void)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	int err = -ENOENT;

	for (u32 i = 0; i < ARRAY_SIZE(places); i++) {
		int fd = open(places[i], O_DIRECTORY | O_CLOEXEC);
		struct statfs fs;

		if (fd < 0) {
			if (errno == EACCES)
				err = -EACCES;
			continue;
		}
		if (fstatfs(fd, &fs) == 0 && (u32)fs.f_type == TRACEFS_SUPER)
			return fd;
		close(fd);
	}

	int fd = tracefs_mount();

	return fd >= 0 ? fd : fd == -ENODEV || fd == -ENOSYS ? -ENOENT : err == -EACCES ? err : fd;
}

int kernel_tracefs(struct kernel *k, struct place at, struct diag *dg)
{
	if (k->tracefs_fd < 0) {
		int fd = tracefs_open();

		if (fd < 0)
			return diag_error(dg, at, fd,
					  "tracefs (/sys/kernel/tracing) can't be used: %s",
					  strerror(-fd));
		k->tracefs_fd = fd;
	}
	return k->tracefs_fd;
}

int read_number(int dirfd, const char *path, u64 *out)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	char text[64];

	if (fd < 0)
		return -errno;

	ssize_t n = read(fd, text, sizeof(text) - 1);
	int err = n < 0 ? -errno : 0;

	close(fd);
	if (err)
		return err;
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	return str_to_u64(text, out);
}

static int write_file(int dirfd, const char *path, const char *text)
{
	int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;

	int err = write(fd, text, strlen(text)) < 0 ? -errno : 0;

	close(fd);
	return err;
}

/* Limits the instance's events to the command's tree, which has not begun to run. */
static int follow_tree(int tracefs, const char *dir, pid_t pid)
{
	char path[128], text[16];
	int err;

	snprintf(path, sizeof(path), "%s/options/event-fork", dir);
	err = write_file(tracefs, path, "1");
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/set_event_pid", dir);
	snprintf(text, sizeof(text), "%d", pid);
	return write_file(tracefs, path, text);
}

/* A new instance, "instances/osmia-PID-N", that goes when this process does: its id for the guard. */
static int instance_make(struct kernel *k, int tracefs, char *dir, size_t size, struct diag *dg)
{
	const struct place at = {0};

	for (int n = 0;; n++) {
		snprintf(dir, size, "instances/osmia-%d-%d", getpid(), n);

		int id = guard_add(k, GUARD_RMDIR, 0, 0, dir);

		if (id < 0)
			return diag_error(dg, at, id, "no guard process for the trace instance: %s",
					  strerror(-id));
		if (!mkdirat(tracefs, dir, 0700))
			return id;

		int err = -errno;

		guard_drop(k, (u32)id);
		if (err != -EEXIST || n == 64)
			return diag_error(dg, at, err, "tracefs: %s can't be made: %s", dir,
					  strerror(-err));
	}
}

/* In an instance nobody else's reader steals our lines, and we don't steal theirs.  Without a tree
 * programs of others that print meanwhile show up too: the event is the kernel's, not the program's. */
int kernel_printk_fd(struct engine *e, struct diag *dg)
{
	struct kernel *k = kernel_of(e);
	struct place at = {0};
	char dir[64], path[128] = "";

	if (k->printk_fd >= 0)
		return k->printk_fd;

	int tracefs = kernel_tracefs(k, at, dg);

	if (tracefs < 0)
		return tracefs;

	int id = instance_make(k, tracefs, dir, sizeof(dir), dg);

	if (id < 0)
		return id;

	int err = k->cgroup_fd >= 0 ? follow_tree(tracefs, dir, k->target_pid) : 0;
	int fd = -1;

	if (!err) {
		snprintf(path, sizeof(path), "%s/events/bpf_trace/bpf_trace_printk/enable", dir);
		err = write_file(tracefs, path, "1");
	}
	if (!err) {
		snprintf(path, sizeof(path), "%s/trace_pipe", dir);
		fd = openat(tracefs, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		err = fd < 0 ? -errno : 0;
	}
	if (err) {
		guard_do(k, (u32)id);
		return diag_error(dg, at, err, "tracefs: %s: %s", *path ? path : dir, strerror(-err));
	}
	k->printk_guard = (u32)id;
	k->printk_fd = fd;
	return fd;
}

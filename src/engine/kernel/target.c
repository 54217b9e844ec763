/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/kernel/target.c - the command of a run, held before exec until everything is attached.
 *
 * With target.tree the command gets a cgroup v2 of its own below the one we are in, so that a
 * program can ask whether the current task belongs to it.  The guard removes the cgroup; what still
 * runs in it then goes back to the parent.
 */
#include "base/command.h"
#include "base/str.h"
#include "engine/kernel/priv.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Mount point of cgroup v2 and our own directory below it, as one path. */
enum { CGROUP_NAMES_MAX = 1000 };

static int own_cgroup(char *path, size_t size, u32 *depth)
{
	char line[4352], mount[4096] = "", sub[4096] = "";
	FILE *f = fopen("/proc/self/mounts", "re");

	while (f && fgets(line, sizeof(line), f))
		if (!*mount && sscanf(line, "%*s %4095s cgroup2 ", mount) == 1 &&
		    !strstr(line, " cgroup2 "))
			*mount = 0;
	if (f)
		fclose(f);
	f = fopen("/proc/self/cgroup", "re");
	while (f && fgets(line, sizeof(line), f))
		if (str_starts(line, "0::"))
			snprintf(sub, sizeof(sub), "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
	if (f)
		fclose(f);
	if (!*mount || *sub != '/')
		return -ENOENT;
	*depth = 0;
	for (const char *p = sub; *p; p++)
		*depth += *p == '/' && p[1];
	return (size_t)snprintf(path, size, "%s%s%sosmia-%d", mount, sub, sub[1] ? "/" : "",
				getpid()) < size ?
		       0 :
		       -ENAMETOOLONG;
}

/* The id that helpers see is the directory's inode number, which its file handle holds. */
static int cgroup_id_of(int dir, u64 *id)
{
	struct {
		struct file_handle h;
		u64 id;
	} handle = { .h.handle_bytes = sizeof(u64) };
	int mount_id;

	if (name_to_handle_at(dir, "", &handle.h, &mount_id, AT_EMPTY_PATH))
		return -errno;
	memcpy(id, handle.h.f_handle, sizeof(*id));
	return 0;
}

/* Makes a directory of a name that nobody has: several sessions of one process have one each.  The
 * guard knows of it before, and never of another's: its duty, or a negative errno; *err is mkdir's. */
static int cgroup_make(struct kernel *k, char *path, size_t size, int *err)
{
	size_t stem = strlen(path);
	int duty;

	for (u32 n = 0;; n++) {
		snprintf(path + stem, size - stem, "-%u", n);
		if (n < CGROUP_NAMES_MAX && !access(path, F_OK))
			continue;
		duty = guard_add(k, GUARD_CGROUP, 0, 0, path);
		if (duty < 0)
			return duty;
		*err = mkdir(path, 0755) ? -errno : 0;
		if (*err != -EEXIST || n >= CGROUP_NAMES_MAX)
			return duty;
		guard_drop(k, (u32)duty);
	}
}

static int tree_make(struct kernel *k, struct diag *dg)
{
	char path[4096];
	u32 depth;
	int err = own_cgroup(path, sizeof(path), &depth);

	if (err)
		return diag_error(dg, (struct place){ 0 }, err,
				  "--tree: no cgroup v2 is mounted here");

	int duty = cgroup_make(k, path, sizeof(path), &err);

	if (duty < 0)
		return diag_error(dg, (struct place){0}, duty, "--tree: no guard process: %s",
				  strerror(-duty));
	if (err) {
		guard_drop(k, (u32)duty);
		return diag_error(dg, (struct place){ 0 }, err,
				  "--tree: cgroup %s can't be made: %s", path, strerror(-err));
	}

	int dir = open(path, O_DIRECTORY | O_CLOEXEC);

	err = dir < 0 ? -errno : cgroup_id_of(dir, &k->cgroup_id);
	if (err) {
		if (dir >= 0)
			close(dir);
		guard_do(k, (u32)duty);
		return diag_error(dg, (struct place){ 0 }, err, "--tree: %s: %s", path,
				  strerror(-err));
	}
	k->cgroup_fd = dir;
	k->cgroup_level = depth + 1;
	k->cgroup_guard = (u32)duty;
	return 0;
}

int kernel_target_tree(struct engine *e, u64 *cgroup_id, u32 *level)
{
	struct kernel *k = kernel_of(e);

	if (k->cgroup_fd < 0)
		return -ENOTSUP;
	*cgroup_id = k->cgroup_id;
	*level = k->cgroup_level;
	return 0;
}

static int cgroup_join(int dir, pid_t pid)
{
	char text[16];
	int fd = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;

	int n = snprintf(text, sizeof(text), "%d", pid);
	int err = write(fd, text, (size_t)n) < 0 ? -errno : 0;

	close(fd);
	return err;
}

/* The child: waits for a byte, becomes the command.  EOF instead means that osmia died. */
static void command_run(const char *file, char *const *argv, int go, int failed)
{
	char byte;
	ssize_t n;

	do
		n = read(go, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1) {
		execv(file, argv);

		int err = errno;

		if (write(failed, &err, sizeof(err)) < 0) {
			/* the parent is gone: nobody to tell */
		}
	}
	_exit(127);
}

/* A child that begins its life in the cgroup: moving one there later takes the kernel some 15 ms.
 * -ENOSYS and the like where clone3(2) or its flag is not known. */
static pid_t fork_into(int cgroup)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (u64)cgroup,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	return pid < 0 ? -errno : (pid_t)pid;
}

static int command_start(struct kernel *k, const char *file, char *const *argv, struct diag *dg)
{
	int go[2], failed[2];

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(failed, O_CLOEXEC)) {
		int err = -errno;

		close(go[0]);
		close(go[1]);
		return err;
	}

	pid_t pid = k->cgroup_fd >= 0 ? fork_into(k->cgroup_fd) : -ENOSYS;
	bool joined = pid >= 0;

	if (pid < 0)
		pid = fork();
	if (pid == 0) {
		close(go[1]);
		close(failed[0]);
		command_run(file, argv, go[0], failed[1]);
	}
	close(go[0]);
	close(failed[1]);
	if (pid < 0) {
		int err = -errno;

		close(go[1]);
		close(failed[0]);
		return err;
	}
	k->target_pid = pid;
	k->target_go_fd = go[1];
	k->target_exec_fd = failed[0];
	k->target_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (k->cgroup_fd >= 0 && !joined) {
		int err = cgroup_join(k->cgroup_fd, pid);

		if (err)
			return diag_error(dg, (struct place){ 0 }, err,
					  "--tree: the command can't join its "
					  "cgroup: %s",
					  strerror(-err));
	}
	return 0;
}

int kernel_target_start(struct engine *e, const struct target *t, struct diag *dg)
{
	struct kernel *k = kernel_of(e);

	if (!t->argv) {
		if (t->pid && kill(t->pid, 0) && errno == ESRCH)
			return diag_error(dg, (struct place){ 0 }, -ESRCH, "there is no process %d",
					  t->pid);
		if (t->tree)
			return diag_error(
				dg, (struct place){ 0 }, -ENOTSUP,
				"--tree wants a command on this "
				"engine: a running process is not moved to another cgroup");
		k->target_pidfd = t->pid ? (int)syscall(SYS_pidfd_open, t->pid, 0) : -1;
		return 0;
	}

	char *file = NULL;
	int err = command_find(t->argv[0], &file);

	if (err)
		return diag_error(dg, (struct place){ 0 }, err, "'%s': %s", t->argv[0],
				  strerror(-err));
	err = t->tree ? tree_make(k, dg) : 0;
	if (!err)
		err = command_start(k, file, t->argv, dg);
	free(file);
	return err ? err : k->target_pid;
}

int kernel_target_go(struct engine *e, struct diag *dg)
{
	struct kernel *k = kernel_of(e);
	int err = 0;

	if (k->target_go_fd < 0)
		return k->target_pid;
	if (write(k->target_go_fd, "", 1) != 1)
		return -errno;
	close(k->target_go_fd);
	k->target_go_fd = -1;

	/* exec closes the pipe; a failed one writes its errno first. */
	ssize_t n;

	do
		n = read(k->target_exec_fd, &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	close(k->target_exec_fd);
	k->target_exec_fd = -1;
	if (n == sizeof(err))
		waitpid(k->target_pid, &k->target_status, 0);
	return n != sizeof(err) ? k->target_pid :
				  diag_error(dg, (struct place){ 0 }, -err,
					     "the command can't be run: %s", strerror(err));
}

int kernel_target_fd(struct engine *e)
{
	return kernel_of(e)->target_pidfd;
}

int kernel_target_status(struct engine *e)
{
	struct kernel *k = kernel_of(e);

	if (!k->target_pid)
		return -ECHILD;
	if (k->target_status < 0) {
		int status;
		pid_t pid = waitpid(k->target_pid, &status, WNOHANG);

		if (pid < 0)
			return -errno;
		if (pid == 0)
			return -EAGAIN;
		k->target_status = status;
	}
	return k->target_status;
}

/* A command that was never let go ends here; one that runs goes on without us. */
void kernel_target_end(struct kernel *k)
{
	bool held = k->target_go_fd >= 0;

	if (held)
		close(k->target_go_fd);
	if (k->target_exec_fd >= 0)
		close(k->target_exec_fd);
	if (k->target_pid && k->target_status < 0)
		waitpid(k->target_pid, &k->target_status, held ? 0 : WNOHANG);
	if (k->target_pidfd >= 0)
		close(k->target_pidfd);
	if (k->cgroup_fd >= 0)
		close(k->cgroup_fd);
	k->target_go_fd = k->target_exec_fd = k->target_pidfd = k->cgroup_fd = -1;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/pin.c - BPF_OBJ_PIN and BPF_OBJ_GET.
 *
 * There is no bpffs: paths below /sys/fs/bpf stand for the folder bpf/ of the run-time directory,
 * all others are what they are.  A pin is a hard link of the object's file where the file system
 * allows, so it outlives the session; a pinned map can be opened by any later session of the same
 * user. Kernel 6.18: kernel/bpf/inode.c.
 */
#include "engine/user/command.h"
#include "engine/user/object.h"
#include "engine/user/verdict.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BPFFS "/sys/fs/bpf"

/* A path of the client, and the directory it counts from. */
struct pin_path {
	int dir_fd; /* -1, AT_FDCWD or owned */
	bool owned;
	char path[PATH_MAX];
};

static void pin_path_close(struct pin_path *p)
{
	if (p->owned)
		close(p->dir_fd);
}

/* Opens bpf/ of the run-time directory and makes the folders of path below it. */
static int open_virtual(struct session *s, struct pin_path *p, bool make)
{
	char *rest = p->path + strlen(BPFFS);
	int dir;

	if (s->run.dir_fd < 0)
		return -ENOENT;
	if (strstr(rest, "/.."))
		return -EPERM;
	if (mkdirat(s->run.dir_fd, "bpf", 0700) && errno != EEXIST)
		return -errno;
	dir = openat(s->run.dir_fd, "bpf", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	while (*rest == '/')
		rest++;
	for (char *slash = strchr(rest, '/'); slash && make; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdirat(dir, rest, 0700) && errno != EEXIST) {
			close(dir);
			return -errno;
		}
		*slash = '/';
	}
	memmove(p->path, rest, strlen(rest) + 1);
	p->dir_fd = dir;
	p->owned = true;
	return 0;
}

static int pin_path_open(struct session *s, const union bpf_attr *attr, bool make,
			 struct pin_path *p)
{
	u32 n = strlen(BPFFS);

	p->owned = false;
	p->dir_fd = attr->file_flags & BPF_F_PATH_FD ? attr->path_fd : AT_FDCWD;
	for (u32 i = 0;; i++) {
		if (i == sizeof(p->path))
			return -ENAMETOOLONG;
		if (client_read(&p->path[i], attr->pathname + i, 1))
			return -EFAULT;
		if (!p->path[i])
			break;
	}
	if (!p->path[0])
		return -ENOENT;
	if (p->dir_fd == AT_FDCWD && !strncmp(p->path, BPFFS, n) && p->path[n] == '/')
		return open_virtual(s, p, make);
	return 0;
}

static int check_flags(const union bpf_attr *attr, u32 allowed)
{
	if (attr->file_flags & ~allowed)
		return -EINVAL;
	return !(attr->file_flags & BPF_F_PATH_FD) && attr->path_fd ? -EINVAL : 0;
}

int cmd_obj_pin(struct session *s, union bpf_attr *attr)
{
	struct pin_path p;
	struct object *o;
	char self[32];
	int err = check_flags(attr, BPF_F_PATH_FD);

	if (err)
		return err;
	err = session_any_fd(s, (int)attr->bpf_fd, &o);
	if (!err)
		err = pin_path_open(s, attr, true, &p);
	if (err)
		return err;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", o->fd);
	if (linkat(AT_FDCWD, self, p.dir_fd, p.path, AT_SYMLINK_FOLLOW))
		err = errno == EXDEV ? -EPERM : -errno; /* the kernel's answer outside bpffs */
	pin_path_close(&p);
	return err;
}

/* A map that another session made: its file says what it is, and map_open() trusts none of it. */
static int adopt_map(struct session *s, int fd, struct object **out)
{
	struct map_object *m;
	struct map_info info;
	struct map_attr inner;
	struct stat st;
	struct map *map;
	int err;

	if (fstat(fd, &st) || st.st_uid != geteuid())
		return -EPERM;
	err = map_open(fd, &map);
	if (err)
		return err;
	map_info(map, &info);
	if (map_inner_info(map, &inner))
		info.attr.inner = &inner;
	m = map_object_new(map, &info.attr);
	if (!m) {
		map_close(map);
		return -ENOMEM;
	}
	m->foreign = true;
	map_describe_foreign(m);
	m->user_flags = info.attr.flags;
	m->o.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	err = m->o.fd < 0 ? -errno : session_add(s, &m->o);
	if (err) {
		object_free(s, &m->o);
		return err;
	}
	*out = &m->o;
	return 0;
}

/* A file that may hold an object.  Opening a device or a terminal may do something, or wait: what is
 * no regular file is not opened, and one that comes in between does not block. */
static int open_pinned(const struct pin_path *p)
{
	struct stat st;
	int fd;

	if (fstatat(p->dir_fd, p->path, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return -EACCES;
	fd = openat(p->dir_fd, p->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int cmd_obj_get(struct session *s, union bpf_attr *attr)
{
	u32 access = attr->file_flags & (BPF_F_RDONLY | BPF_F_WRONLY);
	struct pin_path p;
	struct object *o;
	int err, fd;

	if (attr->bpf_fd || access == (BPF_F_RDONLY | BPF_F_WRONLY))
		return -EINVAL;
	err = check_flags(attr, BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_PATH_FD);
	if (!err)
		err = pin_path_open(s, attr, false, &p);
	if (err)
		return err;
	fd = open_pinned(&p);
	err = fd < 0 ? fd : session_any_fd(s, fd, &o);
	pin_path_close(&p);
	if (fd < 0)
		return err;
	if (err)
		err = adopt_map(s, fd, &o);
	close(fd);
	if (err)
		return err == -EINVAL ? -EACCES : err;
	return session_publish(s, o,
			       access == BPF_F_RDONLY	? FILE_RDONLY
			       : access == BPF_F_WRONLY ? FILE_WRONLY
							: FILE_RDWR);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/file.c - the run-time directory, files in memory, and locks that tell when a client
 * has let go of one.
 */
#include "engine/user/file.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Bytes of a file that locks stand on, far behind any content: a shared lock for descriptions that
 * can be read, for write-only ones an exclusive lock on a byte of their own. */
#define READER_BYTE  ((off_t)1 << 60)
#define WRITER_BYTES (READER_BYTE + 1)

/* Opens directory name below parent, made when missing; it must be ours and nobody else's. */
static int own_dir(int parent, const char *name)
{
	struct stat st;
	int fd;

	if (mkdirat(parent, name, 0700) && errno != EEXIST)
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || st.st_uid != geteuid() || (st.st_mode & 077)) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

/* $XDG_RUNTIME_DIR counts only where it is ours: sudo may leave another user's in place. */
static int open_in_xdg(void)
{
	const char *path = getenv("XDG_RUNTIME_DIR");
	struct stat st;
	int parent, fd = -ENOENT;

	if (!path || path[0] != '/')
		return -ENOENT;
	parent = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return -errno;
	if (!fstat(parent, &st) && st.st_uid == geteuid())
		fd = own_dir(parent, "osmia");
	close(parent);
	return fd;
}

static int open_in_tmp(void)
{
	char name[32];
	int parent = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (parent < 0)
		return -errno;
	snprintf(name, sizeof(name), "osmia-%u", geteuid());
	fd = own_dir(parent, name);
	close(parent);
	return fd;
}

void rundir_open(struct rundir *r)
{
	struct statfs fs;

	r->dir_fd = open_in_xdg();
	if (r->dir_fd < 0)
		r->dir_fd = open_in_tmp();
	if (r->dir_fd < 0)
		r->dir_fd = -1;
	r->is_tmpfs = r->dir_fd >= 0 && !fstatfs(r->dir_fd, &fs) && fs.f_type == TMPFS_MAGIC;
}

void rundir_close(struct rundir *r)
{
	if (r->dir_fd >= 0)
		close(r->dir_fd);
	r->dir_fd = -1;
}

int file_new(const struct rundir *r, const char *name, bool linkable)
{
	int fd = -1;

	if (linkable && r->is_tmpfs)
		fd = openat(r->dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = memfd_create(name, MFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int file_ino(int fd, struct file_ino *out)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -EBADF;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	return 0;
}

enum file_access file_access(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return FILE_RDONLY;
	flags &= O_ACCMODE;
	return flags == O_RDONLY ? FILE_RDONLY : flags == O_WRONLY ? FILE_WRONLY : FILE_RDWR;
}

/* Write-only descriptions can't share a lock, so each takes the first free byte. */
static int lock_handed_out(int fd, enum file_access access)
{
	struct flock l = {
		.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = READER_BYTE, .l_len = 1};

	if (access != FILE_WRONLY)
		return fcntl(fd, F_OFD_SETLK, &l) ? -errno : 0;
	for (u32 i = 0; i < 4096; i++) {
		l.l_type = F_WRLCK;
		l.l_start = WRITER_BYTES + i;
		if (!fcntl(fd, F_OFD_SETLK, &l))
			return 0;
		if (errno != EAGAIN && errno != EACCES)
			return -errno;
	}
	return -EMFILE;
}

int file_hand_out(int own_fd, enum file_access access)
{
	static const int flags[] = {O_RDWR, O_RDONLY, O_WRONLY};
	char path[32];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", own_fd);
	fd = open(path, flags[access] | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = lock_handed_out(fd, access);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

bool file_in_use(int own_fd)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = READER_BYTE};

	return fcntl(own_fd, F_OFD_GETLK, &l) || l.l_type != F_UNLCK;
}

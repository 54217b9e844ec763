/* SPDX-License-Identifier: BSD-2-Clause */
/* base/file.c - reading, mapping and writing whole files. */
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read_fd(int fd, size_t max, struct bytes *out)
{
	size_t n = 0, cap = 16384;
	u8 *p = malloc(cap + 1), *grown;
	int err = -ENOMEM;

	if (!p)
		return -ENOMEM;
	for (;;) {
		ssize_t got = read(fd, p + n, cap - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			err = -errno;
			goto out;
		}
		if (!got)
			break;
		n += (size_t)got;
		if (n > max) {
			err = -EFBIG;
			goto out;
		}
		if (n == cap) {
			cap *= 2;
			grown = realloc(p, cap + 1);
			if (!grown)
				goto out;
			p = grown;
		}
	}
	p[n] = 0;
	*out = (struct bytes){ .p = p, .size = n };
	return 0;
out:
	free(p);
	return err;
}

/* Most bytes of what can't be mapped: a pipe or a device may never end. */
enum { UNMAPPED_MAX = 64 << 20 };

static int open_path(const char *path)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int file_read(const char *path, size_t max, struct bytes *out)
{
	int fd = open_path(path), err;

	if (fd < 0)
		return fd;
	err = file_read_fd(fd, max, out);
	close(fd);
	return err;
}

int file_map(const char *path, size_t max, struct bytes *out)
{
	int fd = open_path(path), err;
	struct stat st;
	void *p;

	if (fd < 0)
		return fd;
	if (!fstat(fd, &st) && st.st_size > 0) {
		if ((u64)st.st_size > max) {
			close(fd);
			return -EFBIG;
		}
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p != MAP_FAILED) {
			close(fd);
			*out = (struct bytes){ .p = p, .size = (size_t)st.st_size, .mapped = true };
			return 0;
		}
	}
	err = file_read_fd(fd, MIN(max, (size_t)UNMAPPED_MAX), out);
	close(fd);
	return err;
}

int file_write_all(int fd, const void *data, size_t size)
{
	const u8 *p = data;

	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

void bytes_free(struct bytes *b)
{
	if (b->mapped)
		munmap(b->p, b->size);
	else
		free(b->p);
	*b = (struct bytes){0};
}

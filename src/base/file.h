/* SPDX-License-Identifier: BSD-2-Clause */
/* base/file.h - whole files in memory. */
#pragma once
#include "base/types.h"

struct bytes {
	u8 *p;       /* owned: by malloc, or a mapping when mapped is set */
	size_t size;
	bool mapped;
};

/* Reads all of path ("-" is standard input), which may be a pipe or a file of /proc.  One byte past
 * the end is NUL.  Returns 0, -EFBIG past max bytes, or the errno of open and read. */
int file_read(const char *path, size_t max, struct bytes *out);
int file_read_fd(int fd, size_t max, struct bytes *out);

/* The same, mapped read-only where the file allows it, else read. */
int file_map(const char *path, size_t max, struct bytes *out);

/* Writes all of data, going on after short writes and EINTR.  0 or a negative errno. */
int file_write_all(int fd, const void *data, size_t size);

void bytes_free(struct bytes *b);

/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/file.h - the files in memory that objects are.
 *
 * One file per object; its inode is the object's identity, so dup(2), fork(2) and SCM_RIGHTS need
 * no tracking.  The session keeps a description of its own; each description it hands out holds a
 * lock (fcntl F_OFD_SETLK), which the kernel drops with the description's last fd and mapping: that
 * is how the end of an object is seen.
 */
#pragma once
#include "base/types.h"

/* Where files are made.  dir_fd is -1 when there is no such place. */
struct rundir {
	int dir_fd;    /* owned: $XDG_RUNTIME_DIR/osmia or /tmp/osmia-UID, ours alone */
	bool is_tmpfs; /* files made there can be linked, so that a pin is a link */
};

/* Opens or makes the run-time directory; symbolic links and directories of others are refused. */
void rundir_open(struct rundir *r);
void rundir_close(struct rundir *r);

enum { FILE_MAGIC_LEN = 8 };
#define FILE_MAGIC "OSMIAOBJ"

/* First bytes of program, link and BTF files.  Maps have the header of map/. */
struct file_header {
	char magic[FILE_MAGIC_LEN];
	u32 kind; /* enum object_kind */
	u32 id;
	u64 session; /* nonce of the session that made it */
	u32 size;    /* of what follows */
	u32 reserved;
};

struct file_ino {
	u64 dev, ino;
};

/* A new empty file, O_TMPFILE in the run-time directory when linkable is asked for and possible,
 * else a memfd of that name.  Close-on-exec.  The fd or a negative errno. */
int file_new(const struct rundir *r, const char *name, bool linkable);
/* 0 and the identity of a regular file, -EBADF when fd is none. */
int file_ino(int fd, struct file_ino *out);

enum file_access { FILE_RDWR, FILE_RDONLY, FILE_WRONLY };

/* A new description of the file behind own_fd, locked, for a client: fd or a negative errno. */
int file_hand_out(int own_fd, enum file_access access);
/* Does any description that file_hand_out() gave still live?  True when that can't be known. */
bool file_in_use(int own_fd);
enum file_access file_access(int fd);

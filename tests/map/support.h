/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/map/support.h - maps in memfds for the tests of src/map. */
#pragma once
#include "abi/uapi.h"
#include "map/map.h"
#include "test.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static inline struct map_attr attr_for(u32 type, u32 key_size, u32 value_size, u32 max_entries,
				       u32 flags)
{
	return (struct map_attr){
		.type = type,
		.key_size = key_size,
		.value_size = value_size,
		.max_entries = max_entries,
		.flags = flags,
		.spin_lock_off = ~0u,
		.timer_off = ~0u,
	};
}

/* A new map; *fd_out (may be NULL) gets its file.  Negative errno or 0. */
static inline int try_map(const struct map_attr *attr, struct map **out, int *fd_out)
{
	int fd = memfd_create("bpf-map", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err = map_create(fd, attr, 1, out);

	if (err || !fd_out)
		close(fd);
	else
		*fd_out = fd;
	return err;
}

static inline struct map *new_map(u32 type, u32 key_size, u32 value_size, u32 max_entries,
				  u32 flags)
{
	struct map_attr attr = attr_for(type, key_size, value_size, max_entries, flags);
	struct map *m = NULL;

	CHECK_EQ(try_map(&attr, &m, NULL), 0);
	return m;
}

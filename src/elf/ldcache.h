/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/ldcache.h - libraries by name, as the loader knows them. */
#pragma once
#include "base/types.h"

/* Path of "libc.so.6", or of the first "libc.so*" for "libc", from /etc/ld.so.cache.  -ENOENT. */
int ldcache_find(const char *name, char *path, size_t size);

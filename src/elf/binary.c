/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/binary.c - finds the file that a person means by "bash" or "libc.so.6", and opens it. */
#include "elf/binary.h"
#include "base/str.h"
#include "elf/ldcache.h"
#include "elf/maps.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BINARY_MAX = 1 << 30 };

static bool is_library(const char *name)
{
	return str_ends(name, ".so") || strstr(name, ".so.");
}

/* Tries dir/name for each dir of a ':' list. */
static bool search(const char *dirs, const char *name, int mode, char *path, size_t size)
{
	while (dirs && *dirs) {
		size_t n = strcspn(dirs, ":");

		if (n && (size_t)snprintf(path, size, "%.*s/%s", (int)n, dirs, name) < size &&
		    !access(path, mode))
			return true;
		dirs += n + (dirs[n] == ':');
	}
	return false;
}

/* A file that the process has mapped and whose last part begins with name ("libc" fits
 * "libc.so.6"), seen through its own root. */
static bool mapped_by(s32 pid, const char *name, char *path, size_t size)
{
	FILE *maps = mappings_open(pid);
	size_t n = strlen(name);
	bool found = false;
	struct mapping m;

	while (maps && !found && mapping_next(maps, &m)) {
		const char *base = strrchr(m.path, '/');

		if (m.path[0] == '/' && !strncmp(base + 1, name, n) &&
		    (!base[1 + n] || base[1 + n] == '.'))
			found = (size_t)snprintf(path, size, "/proc/%d/root%s", pid, m.path) < size;
	}
	if (maps)
		fclose(maps);
	return found;
}

int binary_find(const char *name, s32 pid, char *path, size_t size, struct place at,
		struct diag *dg)
{
	if (!name || !*name)
		return diag_error(dg, at, -EINVAL, "a binary must be named");
	if (strchr(name, '/')) {
		if (strlen(name) >= size)
			return diag_error(dg, at, -ENAMETOOLONG, "path of the binary is too long");
		strcpy(path, name);
		return access(path, F_OK) ? diag_error(dg, at, -errno, "%s: %s", name,
						       strerror(errno)) : 0;
	}
	if (pid > 0 && mapped_by(pid, name, path, size))
		return 0;
	if (str_starts(name, "lib") && !ldcache_find(name, path, size))
		return 0;
	if (is_library(name) ?
	    search(getenv("LD_LIBRARY_PATH"), name, R_OK, path, size) ||
	    search("/usr/lib64:/usr/lib:/lib64:/lib", name, R_OK, path, size) ||
#if defined(__x86_64__)
	    search("/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu", name, R_OK, path, size) :
#else
	    search("/lib/aarch64-linux-gnu:/usr/lib/aarch64-linux-gnu", name, R_OK, path, size) :
#endif
	    search(getenv("PATH"), name, R_OK | X_OK, path, size) ||
	    search("/usr/bin:/usr/sbin:/bin:/sbin", name, R_OK | X_OK, path, size))
		return 0;
	return diag_error(dg, at, -ENOENT, "binary '%s' is not in %s", name,
			  is_library(name) ? "the library directories" : "PATH");
}

int binary_open(const char *path, struct place at, struct diag *dg, struct binary *b)
{
	int err = file_map(path, BINARY_MAX, &b->bytes);

	if (err)
		return diag_error(dg, at, err, "%s: %s", path, strerror(-err));
	err = elf_open(b->bytes.p, b->bytes.size, path, dg, &b->elf);
	if (err)
		bytes_free(&b->bytes);
	return err;
}

void binary_close(struct binary *b)
{
	elf_close(&b->elf);
	bytes_free(&b->bytes);
}

bool binary_probe_ok(const struct binary *b, u64 off)
{
#if defined(__x86_64__)
	/* prefixes: EVEX, VEX; lock; segments */
	static const u8 bad[] = { 0x62, 0xc4, 0xc5, 0xf0, 0x26, 0x2e, 0x36, 0x3e };

	if (b->elf.is64 && off < b->bytes.size)
		return !memchr(bad, b->bytes.p[off], sizeof(bad));
#endif
	return off < b->bytes.size;
}

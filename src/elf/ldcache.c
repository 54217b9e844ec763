/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/ldcache.c - reads /etc/ld.so.cache, which ldconfig(8) makes.
 *
 *	[ old format: "ld.so-1.7.0", ignored ]
 *	"glibc-ld.so.cache1.1", u32 entries, u32 bytes of strings, 20 bytes
 *	entries: s32 flags, u32 name, u32 path, u32, u64 hwcap
 *	strings; offsets count from the start of "glibc-ld..."
 *
 * Names come in descending order: of several versions the newest is met first.
 */
#include "elf/ldcache.h"
#include "base/file.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAGIC "glibc-ld.so.cache1.1"

enum { CACHE_MAX = 64 << 20, HEADER_BYTES = 48, ENTRY_BYTES = 24 };

/* sysdeps of glibc: the byte over the type of ELF. */
#if defined(__x86_64__)
enum { FLAGS_HERE = 0x0300 };
#elif defined(__aarch64__)
enum { FLAGS_HERE = 0x0a00 };
#endif

static u32 get32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* A string of the cache; NULL where it has no end. */
static const char *string_at(const u8 *base, size_t size, u32 off)
{
	if (off >= size || !memchr(base + off, 0, size - off))
		return NULL;
	return (const char *)base + off;
}

static bool fits(const char *entry, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(entry, name, n) != 0)
		return false;
	return !entry[n] || !strncmp(entry + n, ".so", 3);
}

int ldcache_find(const char *name, char *path, size_t size)
{
	struct bytes b;
	int err = file_map("/etc/ld.so.cache", CACHE_MAX, &b);

	if (err)
		return -ENOENT;
	err = -ENOENT;

	const u8 *base = memmem(b.p, b.size, MAGIC, sizeof(MAGIC) - 1);
	size_t rest = base ? b.size - (size_t)(base - b.p) : 0;
	u32 n = rest >= HEADER_BYTES ? get32(base + 20) : 0;

	for (u32 i = 0; i < n && rest - HEADER_BYTES >= (u64)(i + 1) * ENTRY_BYTES; i++) {
		const u8 *e = base + HEADER_BYTES + (size_t)i * ENTRY_BYTES;
		const char *entry = string_at(base, rest, get32(e + 4)), *file;

		if (!entry || (get32(e) & 0xff00) != FLAGS_HERE || !fits(entry, name))
			continue;
		file = string_at(base, rest, get32(e + 8));
		if (file && (size_t)snprintf(path, size, "%s", file) < size) {
			err = 0;
			break;
		}
	}
	bytes_free(&b);
	return err;
}

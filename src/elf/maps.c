/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/maps.c - reads /proc/PID/maps. */
#include "elf/maps.h"
#include <string.h>
#include <sys/sysmacros.h>

/* Addresses, offset, device and inode, then a path of at most PATH_MAX. */
enum { LINE_MAX_BYTES = 256 + 4096 };

FILE *mappings_open(s32 pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	return fopen(path, "re");
}

bool mapping_next(FILE *maps, struct mapping *m)
{
	char line[LINE_MAX_BYTES], perms[8];
	unsigned dev_major, dev_minor;
	int path_at = 0, c;

	if (!fgets(line, sizeof(line), maps) ||
	    sscanf(line, "%lx-%lx %7s %lx %x:%x %lu %n", &m->from, &m->to, perms, &m->off,
		   &dev_major, &dev_minor, &m->ino, &path_at) < 7)
		return false;
	m->dev = makedev(dev_major, dev_minor);
	m->write = perms[1] == 'w';
	m->exec = perms[2] == 'x';
	snprintf(m->path, sizeof(m->path), "%s", path_at ? line + path_at : "");
	m->path[strcspn(m->path, "\n")] = '\0';
	if (!strchr(line, '\n')) /* of a longer path, newlines being told as \012, the rest is dropped */
		while ((c = getc(maps)) != '\n' && c != EOF)
			;
	return true;
}

bool mapping_of(s32 pid, u64 addr, struct mapping *m)
{
	FILE *maps = mappings_open(pid);
	bool found = false;

	while (maps && !found && mapping_next(maps, m))
		found = addr >= m->from && addr < m->to;
	if (maps)
		fclose(maps);
	return found;
}

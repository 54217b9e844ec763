/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/maps.h - what a process has mapped: the lines of /proc/PID/maps (proc_pid_maps(5)).
 *
 *	FILE *f = mappings_open(pid);
 *	while (f && mapping_next(f, &m)) use(&m);
 *	if (f)
 *		fclose(f);
 */
#pragma once
#include "base/types.h"
#include <stdio.h>
#include <sys/types.h>

struct mapping {
	u64 from, to;    /* addresses; to is the first one behind */
	u64 off;         /* of from in the file, in bytes */
	dev_t dev;       /* as the kernel shows it; overlayfs and btrfs show stat(2) another */
	ino_t ino;       /* 0: no file */
	bool write, exec;
	char path[4096]; /* "" without a name, "[vdso]" and the like for what is no file */
};

/* The maps of a process or thread, for fclose(3); NULL and errno when it is gone or not ours. */
FILE *mappings_open(s32 pid);

/* The next line of it, in order of address; false at the end. */
bool mapping_next(FILE *maps, struct mapping *m);

/* The mapping that an address lies in; false: none. */
bool mapping_of(s32 pid, u64 addr, struct mapping *m);

/* SPDX-License-Identifier: BSD-2-Clause */
/* base/cpu.h - how many CPUs there can be; for the freestanding folders too. */
#pragma once
#include "base/sys.h"
#include "base/types.h"
#include <fcntl.h>

/* One more than the highest CPU number that may ever come up, which is how many values a key of a
 * per-CPU map has: from /sys/devices/system/cpu/possible ("0-7" or "0,2-3").  Where that can't be
 * read, the bits of the kernel's CPU masks, which are no fewer.  At least 1. */
static inline u32 cpus_possible(void)
{
	u8 mask[1024];
	char text[4096]; /* a file of sysfs has at most a page */
	u32 cpu = 0, n_cpus = 0;
	long fd = sys_call4(SYS_openat, AT_FDCWD, "/sys/devices/system/cpu/possible",
			    O_RDONLY | O_CLOEXEC, 0);
	long n = fd < 0 ? fd : sys_call3(SYS_read, fd, text, sizeof(text));

	if (fd >= 0)
		sys_call1(SYS_close, fd);
	for (long i = 0; i < n; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';

		cpu = digit ? MIN(cpu * 10 + (u32)(text[i] - '0'), 65535u) : 0;
		n_cpus = digit ? MAX(n_cpus, cpu + 1) : n_cpus;
	}
	if (!n_cpus && (n = sys_call3(SYS_sched_getaffinity, 0, sizeof(mask), mask)) > 0)
		n_cpus = (u32)n * 8;
	return MAX(n_cpus, 1u);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* base/cpu.c - reads the list of possible CPUs, "0-3,8". */
#include "base/cpu.h"
#include "base/file.h"
#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

u32 cpus_possible(void)
{
	struct bytes text;
	long n = 0;

	if (!file_read("/sys/devices/system/cpu/possible", 65536, &text)) {
		for (char *s = (char *)text.p; *s;) {
			char *end;
			long cpu = isdigit((unsigned char)*s) ? strtol(s, &end, 10) : -1;

			s = cpu >= 0 ? end : s + 1;
			n = MAX(n, cpu + 1);
		}
		bytes_free(&text);
	}
	if (n <= 0 || n > 65536)
		n = sysconf(_SC_NPROCESSORS_CONF);
	return n > 0 ? (u32)n : 1;
}

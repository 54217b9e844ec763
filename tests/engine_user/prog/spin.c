// SPDX-License-Identifier: BSD-2-Clause
/* Uses MS milliseconds of CPU time, four calls deep. */
#include <stdlib.h>
#include <time.h>

static volatile unsigned long work;

__attribute__((noinline)) static void inner(long ns)
{
	struct timespec t;

	do {
		for (int i = 0; i < 100000; i++)
			work += (unsigned long)i;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	} while (t.tv_sec * 1000000000 + t.tv_nsec < ns);
	work++;
}
__attribute__((noinline)) static void middle(long ns)
{
	inner(ns);
	work++;
}
__attribute__((noinline)) static void outer(long ns)
{
	middle(ns);
	work++;
}

int main(int argc, char **argv)
{
	outer(argc > 1 ? atol(argv[1]) * 1000000 : 1000000000);
	return 0;
}

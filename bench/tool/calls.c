/* SPDX-License-Identifier: BSD-2-Clause */
/* bench/tool/calls.c - a program to be traced: makes N calls and appends their ns each to FILE.
 *	calls getppid|function N FILE [wait]
 * With "wait" it begins when a line comes on stdin. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

long probed(long x);

static volatile long sum;

__attribute__((noinline)) long probed(long x)
{
	sum += x;
	return sum;
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

int main(int argc, char **argv)
{
	long n = argc > 3 ? atol(argv[2]) : 0;
	char line[8];
	double start;
	FILE *out;

	if (n <= 0)
		return 2;
	if (argc > 4 && !fgets(line, sizeof(line), stdin))
		return 1;
	start = now_ns();
	for (long i = 0; i < n; i++) {
		if (strcmp(argv[1], "getppid") == 0)
			syscall(SYS_getppid);
		else
			probed(i);
	}
	start = (now_ns() - start) / (double)n;
	out = fopen(argv[3], "a");
	if (!out)
		return 1;
	fprintf(out, "%.1f\n", start);
	return fclose(out) != 0;
}

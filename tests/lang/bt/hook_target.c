// SPDX-License-Identifier: BSD-2-Clause
/* What tests of probe kinds attach to: functions, time spent, a child. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct bee { int legs; const char *name; struct bee *queen; };

volatile int sink;

int nectar_one(int n) { sink = n; return n * 2; }
int nectar_two(int n) { sink = n; return n * 3; }
int wax(struct bee *b, char *comb, short cells, unsigned char full) { sink = b->legs; return comb[0] + cells + full; }

int twice(int n)
{
	int m = n;
	m = m + m; /* line 20 */
	return m;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct bee queen = { 6, "maja", NULL }, bee = { 5, "willi", &queen };

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "call")) {
			nectar_one(1);
			nectar_two(2);
			wax(&bee, "x", -3, 200);
			twice(21);
		} else if (!strcmp(argv[i], "spin")) {
			for (double until = seconds() + 0.3; seconds() < until;)
				sink++;
		} else if (!strcmp(argv[i], "nap")) {
			usleep(300000);
		} else if (!strcmp(argv[i], "child") && !fork()) {
			_exit(7);
		} else {
			while (wait(NULL) > 0)
				;
		}
	}
	return argc - 1;
}

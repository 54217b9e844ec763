/* SPDX-License-Identifier: BSD-2-Clause */
/* bench/tool/ended.c - how long a command takes from exec to its end, and how much memory.
 *	ended COMMAND [ARG...]
 * Its output goes to /dev/null.  Prints "MILLISECONDS PEAK-KILOBYTES"; fails when the command does. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	double start = now_ms();
	struct rusage used;
	int status;
	pid_t pid;

	if (argc < 2)
		return 2;
	pid = vfork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &used) != pid)
		return 1;
	printf("%.2f %ld\n", now_ms() - start, used.ru_maxrss);
	return status ? 1 : 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* bench/tool/measure.c - how long a tracer takes from its start until it waits for events.
 *	measure COMMAND [ARG...]
 * Looks every 100 us into /proc/PID/syscall until the process sleeps in poll, ppoll, epoll_wait or
 * epoll_pwait, prints "MILLISECONDS PEAK-KILOBYTES GUARD-KILOBYTES" and ends it.  The last is the
 * private memory of its first child called osmia-guard, 0: none. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static long proc_number(pid_t pid, const char *file, const char *before)
{
	char path[64], text[8192] = "", *at;
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	at = n <= 0 ? NULL : strstr(text, before);
	return at ? strtol(at + strlen(before), NULL, 10) : -1;
}

/* The first child of pid whose name begins so, 0: none. */
static pid_t child_called(pid_t pid, const char *name)
{
	char path[64], text[4096] = "", comm[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	if (fd >= 0)
		close(fd);
	for (char *at = strtok(text, " "); at; at = strtok(NULL, " ")) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%s/comm", at);
		fd = open(path, O_RDONLY);
		n = fd < 0 ? 0 : read(fd, comm, sizeof(comm));
		if (fd >= 0)
			close(fd);
		if (n >= (ssize_t)strlen(name) && memcmp(comm, name, strlen(name)) == 0)
			return (pid_t)atoi(at);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct timespec nap = { .tv_nsec = 100000 };
	double start = now_ms(), end = 0;
	pid_t pid, guard;
	long kilobytes;

	if (argc < 2)
		return 2;
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	while (now_ms() - start < 5000 && waitpid(pid, NULL, WNOHANG) == 0) {
		long nr = proc_number(pid, "syscall", "");

		if (nr == SYS_poll || nr == SYS_ppoll || nr == SYS_epoll_wait || nr == SYS_epoll_pwait) {
			end = now_ms();
			break;
		}
		nanosleep(&nap, NULL);
	}
	if (end > 0) {
		guard = child_called(pid, "osmia-guard");
		kilobytes = guard ? proc_number(guard, "smaps_rollup", "Private_Dirty:") : 0;
		printf("%.1f %ld %ld\n", end - start, proc_number(pid, "status", "VmHWM:"), kilobytes);
	}
	kill(pid, SIGINT);
	for (int i = 0; i < 20 && waitpid(pid, NULL, WNOHANG) == 0; i++)
		usleep(50000);
	kill(pid, SIGKILL);
	return end > 0 ? 0 : 1;
}

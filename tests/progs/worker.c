/* SPDX-License-Identifier: BSD-2-Clause */
/* A traced program: calls work() N times on each of T threads and in a forked child.
 *	worker N T
 * Prints the sum of results. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noinline)) unsigned long work(unsigned long n)
{
	__asm__ volatile("" : "+r"(n));
	return n & 3;
}

static void *run(void *arg)
{
	unsigned long n = (unsigned long)arg, sum = 0;

	for (unsigned long i = 0; i < n; i++)
		sum += work(i);
	return (void *)sum;
}

int main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 0) : 10, sum = 0;
	int threads = argc > 2 ? atoi(argv[2]) : 1;
	pthread_t t[64];
	pid_t child;
	void *part;

	for (int i = 0; i < threads && i < 64; i++)
		pthread_create(&t[i], NULL, run, (void *)n);
	for (int i = 0; i < threads && i < 64; i++) {
		pthread_join(t[i], &part);
		sum += (unsigned long)part;
	}
	child = fork();
	if (child == 0) {
		run((void *)n);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	printf("%lu\n", sum);
	return 0;
}

// SPDX-License-Identifier: BSD-2-Clause
/* What tests of contexts look at: arguments in registers and on the stack, a chain of calls, variables, addresses,
 * a second thread. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int honey = 42;
uint64_t pollen = 1234567890123;
uint16_t comb = 513;
uint8_t sting = 7;
unsigned char bytes[26] = { 0x00, 0x01, 0x02, 0x41, 0x42, 0x7f, 192, 168, 7, 9,
			    0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5 };

long many(long a, long b, long c, long d, long e, long f, long g, long h)
{
	return a + b + c + d + e + f + g + h;
}

int inner(int depth)
{
	honey++;
	return depth;
}

int middle(int depth)
{
	return inner(depth + 1) + 1;
}

int outer(int depth)
{
	return middle(depth + 1) + 1;
}

void take(const unsigned char *p)
{
	sting = p[0];
}

int leaf(int depth)
{
	return depth;
}

/* Without a frame of its own: only call frame information leads through it. */
__attribute__((optimize("O2,omit-frame-pointer"))) int bare(int depth)
{
	volatile char room[200];

	for (unsigned i = 0; i < sizeof(room); i++)
		room[i] = (char)depth;
	return leaf(depth) + room[depth & 63];
}

static void *run(void *arg)
{
	prctl(PR_SET_NAME, "worker");
	return (void *)(long)inner(*(int *)arg);
}

int main(void)
{
	int depth = 77;
	pthread_t thread;
	char dir[4096];

	many(1, -2, 3, -4, 5, -6, 7, -8);
	outer(0);
	take(bytes);
	bare(99);
	pthread_create(&thread, NULL, run, &depth);
	pthread_join(thread, NULL);
	if (!getcwd(dir, sizeof(dir)))
		return 1;
	usleep(300000);
	return 0;
}

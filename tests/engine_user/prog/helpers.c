// SPDX-License-Identifier: BSD-2-Clause
/* What helpers.bpf.c and override.bpf.c look at: two threads call probe_me, one is signalled, and one
 * makes a call that is answered by a program. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t got;

static void on_signal(int sig)
{
	got = sig;
}

__attribute__((noinline)) int probe_me(const char *text, int n)
{
	__asm__ volatile("" ::: "memory");
	return n + (int)strlen(text);
}
__attribute__((noinline)) void forget_me(void)
{
	__asm__ volatile("" ::: "memory");
}
__attribute__((noinline)) void signal_me(int sig)
{
	__asm__ volatile("" ::"r"(sig) : "memory");
}

static void *calls(void *arg)
{
	for (int i = 0; i < *(int *)arg; i++)
		probe_me("hello", i);
	return NULL;
}

int main(void)
{
	int three = 3, five = 5;
	pthread_t t;

	signal(SIGUSR1, on_signal);
	pthread_create(&t, NULL, calls, &three);
	pthread_join(t, NULL);
	calls(&five);
	forget_me();
	signal_me(SIGUSR1);
	for (int i = 0; i < 1000 && !got; i++)
		usleep(1000);
	int pid = (int)getpgid(0), err = errno;

	printf("signal %d, getpgid %s\n", (int)got, pid < 0 ? strerror(err) : "works");
	return 0;
}

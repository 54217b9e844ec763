// SPDX-License-Identifier: BSD-2-Clause
/* Static probes: osmia:loop at two places, osmia:guarded behind its semaphore. */
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>
#include <stdio.h>
#include <unistd.h>

__extension__ volatile unsigned short osmia_guarded_semaphore __attribute__((unused, section(".probes")));
volatile unsigned short osmia_loop_semaphore __attribute__((section(".probes")));

static void fire(int n)
{
	for (int i = 0; i < n; i++)
		STAP_PROBE3(osmia, loop, i, (signed char)-i, "word");
}

int main(void)
{
	static const char *volatile words[] = { "word", "other" };

	/* Pages that were never touched are not there for a program that can't sleep. */
	printf("%s %s\n", words[0], words[1]);
	fire(4);
	STAP_PROBE3(osmia, loop, 100, (signed char)-9, "other");
	if (osmia_guarded_semaphore)
		STAP_PROBE1(osmia, guarded, 7L);
	printf("semaphore %s\n", osmia_guarded_semaphore ? "raised" : "down");
	return 0;
}

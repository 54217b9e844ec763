// SPDX-License-Identifier: BSD-2-Clause
/* USDT probes of two providers, with arguments of every width, constant and not. */
#include <sys/sdt.h>

int main(int argc, char **argv)
{
	signed char tiny = -5;
	unsigned short small = 60000;
	long big = -1234567890123;

	(void)argv;
	DTRACE_PROBE(hive, open);
	DTRACE_PROBE3(hive, swarm, tiny, small, big);
	DTRACE_PROBE2(hive, constant, (signed char)-1, (unsigned short)65535);
	DTRACE_PROBE1(meadow, open, argc);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/main.c - the osmia command: finds the verb and runs it. */
#include <stdio.h>

int main(void)
{
	fprintf(stderr, "osmia: no command\n");
	return 2;
}

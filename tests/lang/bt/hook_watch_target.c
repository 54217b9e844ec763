// SPDX-License-Identifier: BSD-2-Clause
/* Writes three times to an address that is known. */
#include <stdint.h>
#include <sys/mman.h>

int main(void)
{
	volatile uint32_t *p = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	for (int i = 0; i < 3; i++)
		*p = (uint32_t)i;
	return (int)*p - 2;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls a function three times by another and ends. */
__attribute__((noinline)) void inner(void)
{
	__asm__ volatile("");
}

__attribute__((noinline)) void outer(void)
{
	inner();
}

int main(void)
{
	for (int i = 0; i < 3; i++)
		outer();
	return 0;
}

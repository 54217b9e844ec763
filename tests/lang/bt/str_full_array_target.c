/* SPDX-License-Identifier: BSD-2-Clause */
/* A struct with an array of char that has no room for a NUL. */
struct F {
	char s[5];
	int n;
};

__attribute__((noinline)) void take(struct F *f)
{
	__asm__ volatile("" : : "r"(f) : "memory");
}

int main(void)
{
	struct F f = {{'h', 'e', 'l', 'l', 'o'}, 7};

	take(&f);
	return 0;
}

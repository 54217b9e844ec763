/* Strings of several lengths around the most that a script reads. */
#include <string.h>

static char text[3000];

__attribute__((noinline)) static void take(const char *s, int n)
{
	__asm__ volatile("" : : "r"(s), "r"(n));
}

int main(void)
{
	static const int n[] = { 0, 5, 15, 16, 17, 2000 };

	for (unsigned i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		memset(text, 'a', sizeof(text));
		text[n[i]] = '\0';
		if (n[i])
			text[n[i] - 1] = 'z';
		take(text, n[i]);
	}
	return 0;
}

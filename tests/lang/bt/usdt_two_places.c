/* One probe at two places, another at one. */
#include <sys/sdt.h>

int main(int argc, char **argv)
{
	(void)argv;
	DTRACE_PROBE1(prov, two, argc);
	if (argc > 0)
		DTRACE_PROBE1(prov, two, 5);
	DTRACE_PROBE(prov, one);
	return 0;
}

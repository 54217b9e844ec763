/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/test.h - cmocka tests that register themselves.
 *
 *	TEST(tnum_add_is_sound)
 *	{
 *		CHECK(tnum_add(a, b).mask == 0);
 *		CHECK_EQ(n, 3);             // integers; prints both
 *		CHECK_STR(text, "r0 = 1");
 *		SKIP("needs bpf(2)");       // counted as skipped, by name
 *	}
 *
 * One file is one program; main() is here.  Output is TAP, which tests/run counts.  With an argument
 * only the tests whose names contain it run.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct CMUnitTest test_list[512];
static size_t test_count;

#define TEST(test_name)                                                                     \
	static void test_name(void **);                                                     \
	__attribute__((constructor)) static void register_##test_name(void)                 \
	{                                                                                   \
		if (test_count == sizeof(test_list) / sizeof(test_list[0]))                 \
			abort();                                                            \
		test_list[test_count++] = (struct CMUnitTest){ #test_name, test_name, NULL, \
							       NULL, NULL };                \
	}                                                                                   \
	static void test_name(__attribute__((unused)) void **test_state)

#define CHECK(cond) assert_true(cond)
#define CHECK_STR(a, b) assert_string_equal(a, b)
#define CHECK_MEM(a, b, n) assert_memory_equal(a, b, n)
#define CHECK_EQ(a, b)                                                                        \
	do {                                                                                  \
		long long check_a = (long long)(a), check_b = (long long)(b);                 \
		if (check_a != check_b)                                                       \
			fail_msg("%s:%d: %s is %lld (0x%llx), not %s = %lld (0x%llx)",         \
				 __FILE__, __LINE__, #a, check_a, (unsigned long long)check_a, \
				 #b, check_b, (unsigned long long)check_b);                   \
	} while (0)
#define SKIP(why)                              \
	do {                                   \
		fprintf(stderr, "# skip: %s\n", why); \
		skip();                        \
	} while (0)

int main(int argc, char **argv)
{
	size_t n = 0;

	for (size_t i = 0; i < test_count; i++)
		if (argc < 2 || strstr(test_list[i].name, argv[1]))
			test_list[n++] = test_list[i];
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("tests", test_list, n, NULL, NULL) != 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* exec: the random programs again, on native code for a processor without BMI2.  The code of the
 * machine is compiled into this test, so the library's is not linked. */
#if defined(__x86_64__)
#include <cpuid.h>
#undef bit_BMI2
#define bit_BMI2 0
#include "exec/jit_x86.c"
#endif
#define NATIVE_ONLY
#include "test_diff.c"

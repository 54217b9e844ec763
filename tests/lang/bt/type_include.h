/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
#include <stdint.h>
#define ANSWER (6 * 7)
enum { ONE = 1, TWO };
struct first { int32_t a; uint8_t b; uint64_t c; };
static inline int unused(int x) { return x + 1; }
extern int no_one_needs(const char *what, ...) __attribute__((format(printf, 1, 2)));

/* SPDX-License-Identifier: BSD-2-Clause */
/* bench/bench.h - what the bench programs share: the clock, medians, rows of the summary.
 *
 * A row goes to the file that $BENCH_ROWS names; bench/tool/summary makes the table of them when all
 * have run.
 */
#pragma once
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double bench_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline int bench_by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts v. */
static inline double bench_median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), bench_by_value);
	return v[n / 2];
}

enum bench_verdict { BENCH_MISSES, BENCH_MEETS, BENCH_INFO };

/* One row of the summary: the figure, what is required ("" for none), what was measured, what the
 * kernel or a peer took ("" for none). */
static inline void bench_row(const char *figure, const char *required, enum bench_verdict verdict,
			     const char *peer, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
static inline void bench_row(const char *figure, const char *required, enum bench_verdict verdict,
			     const char *peer, const char *fmt, ...)
{
	static const char *const words[] = { "MISSES", "meets", "-" };
	const char *path = getenv("BENCH_ROWS");
	FILE *f = path ? fopen(path, "a") : NULL;
	va_list ap;

	if (!f)
		return;
	fprintf(f, "%s\t%s\t", figure, required);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fprintf(f, "\t%s\t%s\n", peer, words[verdict]);
	fclose(f);
}

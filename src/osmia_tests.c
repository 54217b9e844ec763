/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia_tests.c - test and bench probes of a script: run one by one, and told in googletest's words. */
#include "load/script.h"
#include "osmia_priv.h"
#include "output/script.h"
#include "output/value.h"
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000ul + (u64)t.tv_nsec;
}

static void line(struct osmia *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void line(struct osmia *o, const char *fmt, ...)
{
	struct str s = {0};
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	str_addc(&s, '\n');
	osmia_write(o, str_text(&s), s.len);
	str_free(&s);
}

/* "12 us": the unit in which it has at least one digit. */
static void add_time(struct str *s, u64 ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	u32 unit = 0;

	for (; ns >= 1000 && unit + 1 < ARRAY_SIZE(units); unit++)
		ns /= 1000;
	str_addf(s, "%lu %s", ns, units[unit]);
}

/* Runs one probe with all that it prints captured.  Its result, what it returned in *ret, and how long it took. */
static int run_one(struct osmia *o, enum script_hook hook, const char *name, struct str *said, s64 *ret,
		   u64 *ns)
{
	u64 start = now_ns();
	s64 n;

	o->capture = said;
	n = script_run(o->load, hook, name, ret, &o->dg);
	*ns = now_ns() - start;
	if (n >= 0)
		n = script_out_read_all(o->out, &o->dg);
	o->capture = NULL;
	return (int)MIN(n, 0);
}

static const char *const green = "\033[32m", *const red = "\033[31m", *const plain = "\033[0m";

static void result_line(struct osmia *o, const char *colour, const char *word, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static void result_line(struct osmia *o, const char *colour, const char *word, const char *fmt, ...)
{
	struct str s = {0};
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	line(o, "%s[%s]%s %s", colour, word, plain, str_text(&s));
	str_free(&s);
}

static void tell_end(struct osmia *o, const bool *failed, u32 n_tests, u32 n_failed)
{
	const struct script *s = o->obj->script;
	u32 n_passed = n_tests - n_failed;

	result_line(o, green, "==========", "%u test%s ran.", n_tests, n_tests == 1 ? "" : "s");
	result_line(o, green, "  PASSED  ", "%u test%s.", n_passed, n_passed == 1 ? "" : "s");
	if (n_failed)
		result_line(o, red, "  FAILED  ", "%u test%s, listed below:", n_failed,
			    n_failed == 1 ? "" : "s");
	for (u32 i = 0; i < s->attaches.n; i++)
		if (s->attaches.p[i].hook == HOOK_TEST && failed[i])
			result_line(o, red, "  FAILED  ", "%s", s->attaches.p[i].target);
}

static u32 count(const struct script *s, enum script_hook hook)
{
	u32 n = 0;

	for (u32 i = 0; i < s->attaches.n; i++)
		n += s->attaches.p[i].hook == hook;
	return n;
}

static bool is_json(const struct osmia *o)
{
	return o->opts.format == OSMIA_JSON;
}

static void tell_json(struct osmia *o, const char *name, u64 ns, bool failed, const struct str *said)
{
	struct str s = {0};

	str_add(&s, "{\"type\": \"test_result\", \"data\": {");
	json_string(&s, name, strlen(name));
	str_addf(&s, ": {\"duration\": %lu, \"passed\": %s, \"output\": ", ns, failed ? "false" : "true");
	json_string(&s, str_text(said), said->len);
	str_add(&s, "}}}");
	line(o, "%s", str_text(&s));
	str_free(&s);
}

static void tell_text(struct osmia *o, const char *name, u64 ns, bool failed, const struct str *said)
{
	struct str took = {0};

	if (failed)
		osmia_write(o, str_text(said), said->len);
	add_time(&took, ns);
	result_line(o, failed ? red : green, failed ? "  FAILED  " : "       OK ", "%s (%s)", name,
		    str_text(&took));
	str_free(&took);
}

static int test_one(struct osmia *o, const char *name, bool *failed)
{
	struct str said = {0};
	u32 errors = o->n_errors;
	s64 ret = 0;
	u64 ns;
	int err;

	if (!is_json(o))
		result_line(o, green, " RUN      ", "%s", name);
	err = run_one(o, HOOK_TEST, name, &said, &ret, &ns);
	*failed = ret || o->n_errors != errors;
	(is_json(o) ? tell_json : tell_text)(o, name, ns, *failed, &said);
	str_free(&said);
	return err;
}

int script_tests(struct osmia *o)
{
	const struct script *s = o->obj->script;
	u32 n_tests = count(s, HOOK_TEST), n_failed = 0;
	bool *failed = calloc(s->attaches.n + 1ul, sizeof(*failed));
	int err = failed ? 0 : -ENOMEM;

	if (!err && !is_json(o))
		result_line(o, green, "==========", "Running %u tests.", n_tests);
	for (u32 i = 0; i < s->attaches.n && !err; i++) {
		if (s->attaches.p[i].hook != HOOK_TEST)
			continue;
		err = test_one(o, s->attaches.p[i].target, &failed[i]);
		n_failed += failed[i];
	}
	if (!err && !is_json(o))
		tell_end(o, failed, n_tests, n_failed);
	free(failed);
	o->test_status = n_failed ? 1 : 0;
	return err;
}

enum { BENCH_NS = 1000000, BENCH_RUNS_MAX = 1000000, BENCH_NAME = 41, BENCH_TIME = 15 };

/* Runs one until it has run for long enough; *runs is 0 when it does not want to be measured here. */
static int bench_one(struct osmia *o, const char *name, u64 *average_ns, u64 *runs)
{
	struct str said = {0};
	u64 total = 0, ns, n = 0;
	s64 ret = 0;
	int err = 0;

	while (total < BENCH_NS && n < BENCH_RUNS_MAX && !err && !ret) {
		str_clear(&said);
		err = run_one(o, HOOK_BENCH, name, &said, &ret, &ns);
		total += ns;
		n++;
	}
	str_free(&said);
	*runs = ret ? 0 : n;
	*average_ns = n ? total / n : 0;
	return err;
}

static void tell_bench(struct osmia *o, const char *name, u64 ns, u64 runs)
{
	struct str s = {0};

	if (!is_json(o)) {
		line(o, "%-*s%-*lu%lu", BENCH_NAME, name, BENCH_TIME, ns, runs);
		return;
	}
	str_add(&s, "{\"type\": \"benchmark_result\", \"data\": {");
	json_string(&s, name, strlen(name));
	str_addf(&s, ": {\"average\": %lu, \"iters\": %lu}}}", ns, runs);
	line(o, "%s", str_text(&s));
	str_free(&s);
}

int script_benches(struct osmia *o)
{
	const struct script *s = o->obj->script;
	int err = 0;

	if (!is_json(o)) {
		line(o, "%-*s%-*s%s", BENCH_NAME, "Benchmark", BENCH_TIME, "Time(ns)", "Iterations");
		line(o, "%s", "------------------------------------------------------------------");
	}
	for (u32 i = 0; i < s->attaches.n && !err; i++) {
		const char *name = s->attaches.p[i].target;
		u64 ns, runs;

		if (s->attaches.p[i].hook != HOOK_BENCH)
			continue;
		err = bench_one(o, name, &ns, &runs);
		if (!err && runs)
			tell_bench(o, name, ns, runs);
	}
	return err;
}

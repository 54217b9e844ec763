/* SPDX-License-Identifier: BSD-2-Clause */
/* output/script_series.c - tseries(): values of intervals of time, drawn as a graph that goes down
 * the page.
 *
 * A value has n buckets of { value, meta, interval }, interval i in bucket i % n.  meta is when the
 * value was set (last), how many were added (avg), or not zero where there is one (min, max).
 */
#include "output/script_inner.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { BUCKET = 24, WIDTH = 53, LEFT = 21 };

struct bucket {
	u64 value, meta, interval; /* interval 0: never used */
};

static struct bucket bucket_get(const u8 *p)
{
	return (struct bucket){ once64(p), once64(p + 8), once64(p + 16) };
}

static void bucket_put(u8 *p, struct bucket b)
{
	mem_put64(p, b.value);
	mem_put64(p + 8, b.meta);
	mem_put64(p + 16, b.interval);
}

static bool is_signed_series(const struct stype *t)
{
	return t->is_signed || (t->of && t->of->is_signed);
}

static bool is_less(const struct stype *t, u64 a, u64 b)
{
	return is_signed_series(t) ? (s64)a < (s64)b : a < b;
}

static struct bucket joined(const struct stype *t, struct bucket a, struct bucket b)
{
	if (a.interval != b.interval)
		return a.interval > b.interval ? a : b;
	switch (t->mode) {
	case TSERIES_AVG:
		return (struct bucket){ a.value + b.value, a.meta + b.meta, a.interval };
	case TSERIES_SUM:
		return (struct bucket){ a.value + b.value, 1, a.interval };
	case TSERIES_MAX:
		return is_less(t, a.value, b.value) ? b : a;
	case TSERIES_MIN:
		return is_less(t, b.value, a.value) ? b : a;
	default:
		return b.meta > a.meta ? b : a;
	}
}

void series_add(const struct stype *t, u8 *sum, const u8 *share)
{
	for (u32 i = 0; i < t->size / BUCKET; i++, sum += BUCKET, share += BUCKET) {
		struct bucket a = bucket_get(sum), b = bucket_get(share);

		if (b.interval)
			bucket_put(sum, a.interval ? joined(t, a, b) : b);
	}
}

u64 series_last(struct sv v)
{
	u64 last = 0;

	for (u32 i = 0; i < MIN(v.n, v.type->size) / BUCKET; i++)
		last = MAX(last, bucket_get(v.p + (u64)i * BUCKET).interval);
	return last;
}

/* The value of an interval; false: it has none. */
static bool value_at(struct sv v, u64 interval, u64 *value)
{
	u32 n = MIN(v.n, v.type->size) / BUCKET;
	struct bucket b =
		n && interval ? bucket_get(v.p + interval % n * BUCKET) : (struct bucket){0};

	if (!b.interval || b.interval != interval)
		return false;
	*value = b.value;
	if (v.type->mode == TSERIES_AVG && b.meta && is_signed_series(v.type))
		*value = b.meta > INT64_MAX ? 0 : (u64)((s64)b.value / (s64)b.meta);
	else if (v.type->mode == TSERIES_AVG && b.meta)
		*value = b.value / b.meta;
	return true;
}

/* The first of the n intervals up to last that has a value; 0: none has. */
static u64 first_interval(struct sv v, u64 last)
{
	u64 first = last >= v.type->n ? last - v.type->n + 1 : 0, value;

	for (u64 i = MAX(first, 1ul); i <= last; i++)
		if (value_at(v, i, &value))
			return i;
	return 0;
}

/* The start of an interval, ns since 1970, and its local time. */
static u64 start_of(const struct script_out *o, struct sv v, u64 interval, struct tm *tm)
{
	u64 real = clock_to_real(o, interval * (u64)v.type->step, CLOCK_OF_TAI);
	time_t seconds = (time_t)(real / 1000000000);

	if (!localtime_r(&seconds, tm))
		memset(tm, 0, sizeof(*tm));
	return real;
}

/* ---- the graph ---- */

struct graph {
	const struct script_out *o;
	struct sv v;
	struct str *out;
	u64 first, last;
	u64 low, high;     /* of all values, one less and one more where they are the same */
	const char *unit;  /* what times are shown to: "s", "ms", "μs", "ns" */
	int digits;        /* of a second */
};

static void add_value(struct graph *g, u64 v, int width)
{
	if (is_signed_series(g->v.type))
		str_addf(g->out, "%*ld", width, (s64)v);
	else
		str_addf(g->out, "%*lu", width, v);
}

static void add_limits(struct graph *g, int margin)
{
	str_addf(g->out, "%*s", margin, "");
	add_value(g, g->low, -LEFT);
	add_value(g, g->high, WIDTH - LEFT);
	str_addc(g->out, '\n');
}

static void limits_of(struct graph *g)
{
	bool any = false;
	u64 value;

	for (u64 i = g->first; i <= g->last; i++) {
		if (!value_at(g->v, i, &value))
			continue;
		g->low = !any || is_less(g->v.type, value, g->low) ? value : g->low;
		g->high = !any || is_less(g->v.type, g->high, value) ? value : g->high;
		any = true;
	}
	if (g->low == g->high) {
		bool is_signed = is_signed_series(g->v.type);

		g->low -= g->low != (is_signed ? (u64)INT64_MIN : 0);
		g->high += g->high != (is_signed ? (u64)INT64_MAX : UINT64_MAX);
	}
}

/* The column of a value.  Differences are unsigned: the limits may lie 2^64 apart. */
static int column(const struct graph *g, u64 value, int columns)
{
	int at = (int)((float)columns * (float)(value - g->low) / (float)(g->high - g->low));

	return at < 0 ? 0 : MIN(at, WIDTH - 1);
}

static void add_row(struct graph *g, u64 interval, int zero)
{
	char line[WIDTH + 1];
	u64 value, rest, scale = 1;
	struct tm tm;

	memset(line, ' ', WIDTH);
	line[WIDTH] = '\0';
	line[0] = line[WIDTH - 1] = '|';
	if (zero > 0)
		line[zero] = '.';
	rest = start_of(g->o, g->v, interval, &tm) % 1000000000;
	for (int i = g->digits; i < 9; i++)
		scale *= 10;
	str_addf(g->out, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (g->digits)
		str_addf(g->out, ".%0*lu", g->digits, rest / scale);
	if (value_at(g->v, interval, &value)) {
		line[column(g, value, WIDTH - 1)] = '*';
		str_addf(g->out, " %s ", line);
		add_value(g, value, 0);
		str_addc(g->out, '\n');
	} else {
		str_addf(g->out, " %s -\n", line);
	}
}

static void unit_of(struct graph *g)
{
	/* One interval alone tells no distance. */
	u64 step = g->last > g->first ? (u64)g->v.type->step : 0;

	g->digits = step >= 1000000000 ? 0 : step >= 1000000 ? 3 : step >= 1000 ? 6 : 9;
	g->unit = g->digits == 0 ? "s" : g->digits == 3 ? "ms" : g->digits == 6 ? "μs" : "ns";
}

void series_text(struct script_out *o, struct sv v, u64 last, struct str *out)
{
	struct graph g = {
		.o = o, .v = v, .out = out, .first = first_interval(v, last), .last = last};
	bool is_signed = is_signed_series(v.type);
	int margin, zero = 0;
	size_t start;

	if (!g.first) {
		str_add(out, "<no data>");
		return;
	}
	limits_of(&g);
	unit_of(&g);
	margin = 9 + (g.digits ? 1 + g.digits : 0);
	if (is_signed && (s64)g.low < 0 && (s64)g.high > 0)
		zero = column(&g, 0, WIDTH);
	add_limits(&g, margin);
	start = out->len;
	str_add(out, "hh:mm:ss");
	if (g.digits)
		str_addf(out, ".%s", g.unit);
	str_pad(out, start, (size_t)margin);
	str_add(out, "|___________________________________________________|\n");
	for (u64 i = g.first; i <= last; i++)
		add_row(&g, i, zero);
	str_addf(out, "%*sv___________________________________________________v\n", margin, "");
	add_limits(&g, margin);
}

void series_json(struct script_out *o, struct sv v, u64 last, struct str *out)
{
	u64 first = first_interval(v, last), value, real;
	const char *comma = "";
	struct tm tm;
	char date[64];

	str_addc(out, '[');
	for (u64 i = first; first && i <= last; i++) {
		if (!value_at(v, i, &value))
			continue;
		real = start_of(o, v, i, &tm);
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
		str_addf(out,
			 is_signed_series(v.type)
				 ? "%s{\"interval_start\":\"%s.%09lu\",\"value\":%ld}"
				 : "%s{\"interval_start\":\"%s.%09lu\",\"value\":%lu}",
			 comma, date, real % 1000000000, value);
		comma = ",";
	}
	str_addc(out, ']');
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* output/script_hist.c - histograms of hist() and lhist(): a row for each bucket between the first
 * and last that count. */
#include "output/script_inner.h"
#include <string.h>

enum { BAR = 52, HEADER = 16 };

/* Where a bucket begins or ends. */
struct bound {
	s64 value;       /* modulo 2^64: the top one may be 2^63 */
	u64 shown;       /* with unit: value in units */
	char unit;       /* K, M, G, T, P, E by 1024; 0: none */
	bool is_plain;   /* a number that stands for itself: two in a row make "[5]" */
};

/* Counts of a value, one a bucket. */
struct counts {
	const struct stype *type;
	const u8 *p;
	u32 n, first, last;   /* those between first and last are shown; none when first is n */
};

static u64 count_at(const struct counts *c, u32 i)
{
	return once64(c->p + 8ul * i);
}

static struct counts counts_of(struct sv v)
{
	struct counts c = { .type = v.type, .p = v.p, .n = MIN(v.n, v.type->size) / 8 };

	c.first = c.n;
	for (u32 i = 0; i < c.n; i++) {
		if (!count_at(&c, i))
			continue;
		c.first = MIN(c.first, i);
		c.last = i;
	}
	return c;
}

u64 hist_total(struct sv v)
{
	u64 total = 0;

	for (u32 i = 0; i < MIN(v.n, v.type->size) / 8; i++)
		total += once64(v.p + 8ul * i);
	return total;
}

/* Upper bound of bucket i of hist(v, bits), which is the lower one of bucket i + 1.
 *
 *	i up to 2 * 2^bits       i itself
 *	above                    2^bits steps to a power of two, the unit by the power's size
 */
static struct bound log_bound(u32 i, u32 bits)
{
	u32 steps = 1u << bits, power, unit;

	if (i <= 2 * steps)
		return (struct bound){ .value = i, .shown = i, .is_plain = true };
	power = (i >> bits) - 1;
	unit = power / 10;
	return (struct bound){
		.value = (s64)((u64)(steps + (i & (steps - 1))) << (power & 63)),
		.shown = (u64)(steps + (i & (steps - 1))) << (power - 10 * unit),
		.unit = "\0KMGTPE"[MIN(unit, 6u)],
	};
}

static struct bound linear_bound(u32 i, const struct stype *t, bool is_old)
{
	s64 value = (s64)((u64)t->min + (u64)i * (u64)t->step);
	s64 kilo = 1024, mega = 1024 * 1024;

	if (t->step % kilo || !value || value % kilo)
		return (struct bound){ .value = value, .shown = (u64)value,
				       .is_plain = t->step % kilo && !is_old };
	if (value % mega)
		return (struct bound){ .value = value, .shown = (u64)(value / kilo), .unit = 'K' };
	return (struct bound){ .value = value, .shown = (u64)(value / mega), .unit = 'M' };
}

static struct bound upper(const struct script_out *o, const struct counts *c, u32 i)
{
	return c->type->kind == ST_HIST ? log_bound(i, MIN(c->type->n, 5u))
					: linear_bound(i, c->type, o->s->compat == 17);
}

/* Does the last bucket go on for ever? */
static bool is_open(const struct counts *c, u32 i)
{
	return c->type->kind == ST_LHIST && i + 1 == c->n;
}

static void add_bound(struct str *out, struct bound b)
{
	str_addf(out, "%ld", (s64)b.shown);
	if (b.unit)
		str_addc(out, b.unit);
}

static void add_header(const struct script_out *o, const struct counts *c, u32 i, struct str *out)
{
	struct bound to = upper(o, c, i), from = i ? upper(o, c, i - 1) : to;

	str_add(out, i ? "[" : "(..., ");
	if (i)
		add_bound(out, from);
	if (is_open(c, i)) {
		str_add(out, ", ...)");
		return;
	}
	if (i && from.is_plain && to.is_plain && to.value == from.value + 1) {
		str_addc(out, ']');
		return;
	}
	if (i)
		str_add(out, ", ");
	add_bound(out, to);
	str_addc(out, ')');
}

void hist_text(const struct script_out *o, struct sv v, u64 div, struct str *out)
{
	static const char bar[BAR + 1] = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@";
	struct counts c = counts_of(v);
	/* 0.17 draws what it counted, not what it shows.  lhist is never divided. */
	u64 shown_div = v.type->kind == ST_LHIST ? 1 : MAX(div, 1ul),
	    bar_div = o->s->compat == 17 ? 1 : shown_div;
	u64 top = 0;

	for (u32 i = c.first; i < c.n && i <= c.last; i++)
		top = MAX(top, count_at(&c, i) / bar_div);
	for (u32 i = c.first; i < c.n && i <= c.last; i++) {
		u64 n = count_at(&c, i);
		/* As bpftrace rounds. */
		float part = top ? (float)(n / bar_div) / (float)top : 0;
		int width = (int)(part * (float)BAR);
		size_t start = out->len;

		width = width < 0 ? 0 : MIN(width, (int)BAR);
		add_header(o, &c, i, out);
		str_pad(out, start, HEADER);
		str_addf(out, "%8lu |%.*s%*s|\n", n / shown_div, width, bar, BAR - width, "");
	}
}

void hist_json(const struct script_out *o, struct sv v, u64 div, struct str *out)
{
	struct counts c = counts_of(v);
	u64 shown_div = v.type->kind == ST_LHIST ? 1 : MAX(div, 1ul);

	str_addc(out, '[');
	for (u32 i = c.first; i < c.n && i <= c.last; i++) {
		str_add(out, i == c.first ? "{" : o->s->compat == 17 ? ", {" : ",{");
		if (i) {
			str_add(out, "\"min\": ");
			js_s64(o, out, upper(o, &c, i - 1).value);
			str_add(out, ", ");
		}
		if (!is_open(&c, i)) {
			str_add(out, "\"max\": ");
			js_s64(o, out, (s64)((u64)upper(o, &c, i).value - 1));
			str_add(out, ", ");
		}
		str_addf(out, "\"count\": %lu}", count_at(&c, i) / shown_div);
	}
	str_addc(out, ']');
}

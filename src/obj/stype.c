/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/stype.c - makes types, lays out tuples, says their names, and numbers the buckets of histograms. */
#include "obj/stype.h"
#include <string.h>

enum { S = STYPE_SCALAR, A = STYPE_AGG, M = STYPE_MEM };

static const struct {
	const char *text;
	u32 flags;
} kinds[ST_KINDS] = {
#define STYPE(name, kind_text, kind_flags) [ST_##name] = { kind_text, kind_flags },
#include "obj/stype.def"
#undef STYPE
};

/* Types that have nothing of their own but kind and size. */
static const struct stype simple[ST_KINDS] = {
	[ST_NONE] = { .kind = ST_NONE },
	[ST_VOID] = { .kind = ST_VOID },
	[ST_BOOL] = { .kind = ST_BOOL, .size = 1 },
	[ST_KSYM] = { .kind = ST_KSYM, .size = 8 },
	[ST_TIMESTAMP] = { .kind = ST_TIMESTAMP, .size = 8, .text = "" },
	[ST_CGROUP] = { .kind = ST_CGROUP, .size = 8 },
	[ST_USERNAME] = { .kind = ST_USERNAME, .size = 8 },
	[ST_STRERROR] = { .kind = ST_STRERROR, .size = 8 },
	[ST_INET] = { .kind = ST_INET, .size = 20 },
	[ST_MAC] = { .kind = ST_MAC, .size = 8 },
	[ST_USYM] = { .kind = ST_USYM, .size = 16 },
	[ST_COUNT] = { .kind = ST_COUNT, .size = 8 },
};

bool stype_is(const struct stype *t, enum stype_flag flag)
{
	return t && t->kind < ST_KINDS && (kinds[t->kind].flags & flag);
}

const char *stype_kind_text(enum stype_kind k)
{
	return k < ST_KINDS ? kinds[k].text : "?";
}

const struct stype *stype_int(u32 size, bool is_signed)
{
	static const struct stype ints[2][4] = {
		{ { .kind = ST_INT, .size = 1 }, { .kind = ST_INT, .size = 2 },
		  { .kind = ST_INT, .size = 4 }, { .kind = ST_INT, .size = 8 } },
		{ { .kind = ST_INT, .size = 1, .is_signed = true },
		  { .kind = ST_INT, .size = 2, .is_signed = true },
		  { .kind = ST_INT, .size = 4, .is_signed = true },
		  { .kind = ST_INT, .size = 8, .is_signed = true } },
	};

	return &ints[is_signed][size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3];
}

const struct stype *stype_simple(enum stype_kind k)
{
	return &simple[k < ST_KINDS ? k : ST_NONE];
}

const struct stype *stype_none(void)
{
	return &simple[ST_NONE];
}

const struct stype *stype_void(void)
{
	return &simple[ST_VOID];
}

const struct stype *stype_bool(void)
{
	return &simple[ST_BOOL];
}

static struct stype *new_type(struct arena *a, enum stype_kind k, u32 size)
{
	struct stype *t = arena_alloc(a, sizeof(*t));

	t->kind = k;
	t->size = size;
	return t;
}

const struct stype *stype_str(struct arena *a, u32 size)
{
	return new_type(a, ST_STR, size);
}

const struct stype *stype_chars(struct arena *a, u32 n)
{
	struct stype *t = new_type(a, ST_STR, n);

	t->n = 1;
	return t;
}

const struct stype *stype_buf(struct arena *a, u32 n)
{
	struct stype *t = new_type(a, ST_BUF, 4 + ALIGN_UP(n, 4));

	t->n = n;
	return t;
}

const struct stype *stype_ptr(struct arena *a, const struct stype *to, enum stype_space space)
{
	struct stype *t = new_type(a, ST_PTR, 8);

	t->of = to;
	t->space = space;
	return t;
}

const struct stype *stype_in_space(struct arena *a, const struct stype *t, enum stype_space space)
{
	return t->kind != ST_PTR || t->space == space ? t : stype_ptr(a, t->of, space);
}

const struct stype *stype_array(struct arena *a, const struct stype *of, u32 n)
{
	struct stype *t = new_type(a, ST_ARRAY, n * of->size);

	t->of = of;
	t->n = n;
	return t;
}

const struct stype *stype_stack(struct arena *a, enum stype_kind k, u32 frames, enum stack_mode mode)
{
	struct stype *t = new_type(a, k, k == ST_USTACK ? 24 : 16);

	t->n = frames;
	t->mode = mode;
	return t;
}

const struct stype *stype_agg(struct arena *a, enum stype_kind k, bool is_signed)
{
	struct stype *t = new_type(a, k, k == ST_COUNT || k == ST_SUM ? 8 : 16);

	t->is_signed = is_signed;
	return t;
}

const struct stype *stype_hist(struct arena *a, u32 bits)
{
	struct stype *t = new_type(a, ST_HIST, 8 * stype_hist_buckets(bits));

	t->n = bits;
	return t;
}

const struct stype *stype_lhist(struct arena *a, s64 min, s64 max, s64 step)
{
	struct stype *t = new_type(a, ST_LHIST, 0);

	t->min = min;
	t->max = max;
	t->step = step;
	t->size = 8 * stype_lhist_buckets(t);
	return t;
}

const struct stype *stype_tseries(struct arena *a, const struct stype *of, s64 interval_ns, u32 n,
				  enum tseries_fn fn)
{
	struct stype *t = new_type(a, ST_TSERIES, 24 * n);

	t->of = of;
	t->step = interval_ns;
	t->n = n;
	t->mode = fn;
	return t;
}

const struct stype *stype_tuple(struct arena *a, const struct stype *const *types,
				const char *const *names, u32 n)
{
	struct stype *t = new_type(a, names ? ST_RECORD : ST_TUPLE, 0);
	struct stype_field *f = arena_alloc(a, n * sizeof(*f) + 1);
	u32 off = 0, most = 1;

	for (u32 i = 0; i < n; i++) {
		u32 align = stype_align(types[i]);

		off = ALIGN_UP(off, align);
		f[i].name = names ? arena_strdup(a, names[i]) : NULL;
		f[i].type = types[i];
		f[i].off = off;
		off += types[i]->size;
		most = MAX(most, align);
	}
	t->fields = f;
	t->n_fields = n;
	t->size = ALIGN_UP(off, most);
	return t;
}

static bool text_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same(const struct stype *a, const struct stype *b, u32 depth);

static bool fields_same(const struct stype *a, const struct stype *b, u32 depth)
{
	if (a->n_fields != b->n_fields)
		return false;
	for (u32 i = 0; i < a->n_fields; i++) {
		const struct stype_field *f = &a->fields[i], *g = &b->fields[i];

		if (!text_same(f->name, g->name) || f->off != g->off || f->bits != g->bits ||
		    f->bit_off != g->bit_off || !same(f->type, g->type, depth))
			return false;
	}
	return true;
}

static bool same(const struct stype *a, const struct stype *b, u32 depth)
{
	if (a == b)
		return true;
	if (!a || !b || a->kind != b->kind || depth >= STYPE_DEPTH_MAX)
		return false;
	/* A forward declaration has no size, but is the same struct. */
	if (a->kind == ST_STRUCT && a->name && b->name)
		return a->is_union == b->is_union && strcmp(a->name, b->name) == 0;
	if (a->size != b->size || a->is_signed != b->is_signed || a->n != b->n || a->mode != b->mode)
		return false;
	switch (a->kind) {
	case ST_PTR:
	case ST_ARRAY:
		return same(a->of, b->of, depth + 1);
	case ST_ENUM:
		return text_same(a->name, b->name);
	case ST_LHIST:
		return a->min == b->min && a->max == b->max && a->step == b->step;
	case ST_TSERIES:
		return a->step == b->step && same(a->of, b->of, depth + 1);
	case ST_TIMESTAMP:
	case ST_CGROUP:
		return text_same(a->text, b->text);
	case ST_NONE: /* a double, say */
		return text_same(a->name, b->name);
	case ST_STRUCT:
	case ST_TUPLE:
	case ST_RECORD:
		return a->is_union == b->is_union && fields_same(a, b, depth + 1);
	default:
		return true;
	}
}

bool stype_same(const struct stype *a, const struct stype *b)
{
	return same(a, b, 0);
}

static void text(const struct stype *t, struct str *out, u32 depth);

static void field_types(const struct stype *t, struct str *out, const char *between, u32 depth)
{
	for (u32 i = 0; i < t->n_fields; i++) {
		str_add(out, i ? between : "");
		if (t->kind == ST_RECORD)
			str_addf(out, ".%s = ", t->fields[i].name ? t->fields[i].name : "");
		text(t->fields[i].type, out, depth + 1);
	}
}

static void struct_text(const struct stype *t, struct str *out, u32 depth)
{
	if (t->name) {
		str_add(out, t->name);
		return;
	}
	str_add(out, t->is_union ? "union {" : "struct {");
	field_types(t, out, ",", depth);
	str_addc(out, '}');
}

static void stack_text(const struct stype *t, struct str *out)
{
	static const char *const modes[] = { "bpftrace", "perf", "raw", "build_id" };

	str_addf(out, "%s_%s_%u", kinds[t->kind].text, modes[MIN(t->mode, ARRAY_SIZE(modes) - 1)], t->n);
}

static void text(const struct stype *t, struct str *out, u32 depth)
{
	if (!t || t->kind >= ST_KINDS || depth >= STYPE_DEPTH_MAX) {
		str_add(out, "none");
		return;
	}
	switch (t->kind) {
	case ST_INT:
		str_addf(out, "%sint%u", t->is_signed ? "" : "u", 8 * t->size);
		break;
	case ST_ENUM:
	case ST_NONE:
		str_add(out, t->name ? t->name : kinds[t->kind].text);
		break;
	case ST_PTR:
		text(t->of, out, depth + 1);
		str_add(out, " *");
		break;
	case ST_STR:
		str_add(out, "string");
		if (t->size)
			str_addf(out, "[%u]", t->size);
		break;
	case ST_BUF:
		str_addf(out, "buffer[%u]", 4 + t->n);
		break;
	case ST_ARRAY:
		text(t->of, out, depth + 1);
		str_addf(out, "[%u]", t->n);
		break;
	case ST_STRUCT:
		struct_text(t, out, depth);
		break;
	case ST_TUPLE:
		str_addc(out, '(');
		field_types(t, out, ",", depth);
		str_addc(out, ')');
		break;
	case ST_RECORD:
		str_add(out, "record { ");
		field_types(t, out, ", ", depth);
		str_add(out, " }");
		break;
	case ST_KSTACK:
	case ST_USTACK:
		stack_text(t, out);
		break;
	case ST_SUM:
	case ST_MIN:
	case ST_MAX:
	case ST_AVG:
	case ST_STATS:
		str_addf(out, "%s%s", t->is_signed ? "" : "u", kinds[t->kind].text);
		break;
	default:
		str_add(out, kinds[t->kind].text);
	}
}

void stype_text(const struct stype *t, struct str *out)
{
	text(t, out, 0);
}

const char *stype_name(struct arena *a, const struct stype *t)
{
	struct str s = {0};
	const char *name;

	stype_text(t, &s);
	name = arena_strdup(a, str_text(&s));
	str_free(&s);
	return name;
}

static u32 align_of(const struct stype *t, u32 depth)
{
	u32 most = 1;

	if (depth >= STYPE_DEPTH_MAX)
		return 1;
	switch (t->kind) {
	case ST_STR:
		return 1;
	case ST_BUF:
	case ST_INET:
		return 4;
	case ST_ARRAY:
		return align_of(t->of, depth + 1);
	case ST_STRUCT:
	case ST_TUPLE:
	case ST_RECORD:
		if (t->align)
			return t->align;
		for (u32 i = 0; i < t->n_fields; i++)
			most = MAX(most, align_of(t->fields[i].type, depth + 1));
		return most;
	default:
		return t->size >= 16 && t->kind == ST_NONE ? 16 : t->size >= 8 ? 8 : MAX(t->size, 1u);
	}
}

u32 stype_align(const struct stype *t)
{
	return align_of(t, 0);
}

const struct stype_field *stype_field(const struct stype *t, const char *name)
{
	u32 i = 0;

	if (!t)
		return NULL;
	if (t->kind == ST_TUPLE) {
		for (; *name >= '0' && *name <= '9' && i <= STYPE_FIELDS_MAX; name++)
			i = i * 10 + (u32)(*name - '0');
		return !*name && i < t->n_fields ? &t->fields[i] : NULL;
	}
	if (t->kind != ST_STRUCT && t->kind != ST_RECORD)
		return NULL;
	for (; i < t->n_fields; i++)
		if (t->fields[i].name && strcmp(t->fields[i].name, name) == 0)
			return &t->fields[i];
	return NULL;
}

/* ---- histograms ---- */

enum { BELOW_0, IS_0, FIRST_VALUE };

u32 stype_hist_buckets(u32 bits)
{
	/* Powers of two from 2^bits to 2^62. */
	return FIRST_VALUE + (1u << bits) - 1 + ((63 - bits) << bits);
}

u32 stype_hist_bucket(s64 v, u32 bits)
{
	u32 log2, part;

	if (v <= 0)
		return v < 0 ? BELOW_0 : IS_0;
	if (v < 1ll << bits)
		return FIRST_VALUE + (u32)v - 1;
	log2 = 63 - (u32)__builtin_clzll((u64)v);
	part = (u32)((u64)v >> (log2 - bits)) & ((1u << bits) - 1);
	return FIRST_VALUE + (1u << bits) - 1 + ((log2 - bits) << bits) + part;
}

void stype_hist_range(u32 bucket, u32 bits, s64 *from, s64 *to)
{
	u32 exact = FIRST_VALUE + (1u << bits) - 1, shift, part;

	if (bucket == BELOW_0) {
		*from = INT64_MIN;
		*to = 0;
		return;
	}
	if (bucket < exact) {
		*from = bucket - 1;
		*to = bucket;
		return;
	}
	shift = (bucket - exact) >> bits;
	part = (bucket - exact) & ((1u << bits) - 1);
	if (shift > 62 - bits) {
		*from = *to = INT64_MAX;
		return;
	}
	*from = (s64)(((1ull << bits) + part) << shift);
	*to = (s64)MIN(((1ull << bits) + part + 1) << shift, (u64)INT64_MAX);
}

u32 stype_lhist_buckets(const struct stype *t)
{
	u64 range = (u64)t->max - (u64)t->min;

	return t->step <= 0 || t->max < t->min ? 2 : (u32)MIN(range / (u64)t->step, (u64)1 << 24) + 2;
}

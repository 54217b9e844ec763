/* SPDX-License-Identifier: BSD-2-Clause */
/* output/script_map.c - whole maps: read, shares of the CPUs joined, sorted, printed; cleared and
 *zeroed.
 *
 *	order    numbers, count() to stats()    by value (avg, stats: by average)
 *	         hist, lhist                    by the number of all values
 *	         everything else, and ties      by key
 */
#include "output/script_inner.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_BYTES = 1 << 20, BATCH_MOST = 1024 };

/* What a map has: key, then the joined value, n times. */
struct elems {
	const struct out_map *m;
	u8 *p;           /* owned */
	u32 n;
	u64 cap, stride;
};

static u32 raw_size(const struct out_map *m)
{
	return m->share * m->n_shares;
}

static const u8 *elem_key(const struct elems *e, u32 i)
{
	return e->p + i * e->stride;
}

static struct sv elem_value(const struct elems *e, u32 i)
{
	const struct stype *t = e->m->sm->value;

	return (struct sv){ t, elem_key(e, i) + ALIGN_UP((u64)e->m->lm->key_size, 8), t->size };
}

static int elem_call(struct script_out *o, const struct out_map *m, enum bpf_cmd cmd,
		     const void *key, void *value, u64 flags)
{
	union bpf_attr attr = {0};

	attr.map_fd = (u32)m->lm->fd;
	attr.key = (u64)(uintptr_t)key;
	attr.value = (u64)(uintptr_t)value;
	attr.flags = flags;
	return engine_bpf(o->engine, cmd, &attr, sizeof(attr));
}

/* ---- shares of the CPUs ---- */

static void add_words(u8 *sum, const u8 *share, u32 size)
{
	for (u32 at = 0; at + 8 <= size; at += 8)
		mem_put64(sum + at, mem_get64(sum + at) + mem_get64(share + at));
}

static void add_limit(const struct stype *t, u8 *sum, const u8 *share)
{
	u64 a = mem_get64(sum), b = mem_get64(share);
	bool less = t->is_signed ? (s64)b < (s64)a : b < a;

	if (mem_get64(share + 8) &&
	    (!mem_get64(sum + 8) || (a != b && less == (t->kind == ST_MIN))))
		mem_copy(sum, share, 16);
}

static void add_int(const struct stype *t, u8 *sum, const u8 *share)
{
	u64 v = sv_integer((struct sv){t, sum, t->size}) +
		sv_integer((struct sv){t, share, t->size});

	mem_copy(sum, &v, t->size);
}

/* One value of the values of all CPUs. */
static void join_shares(const struct out_map *m, const u8 *raw, u8 *out)
{
	const struct stype *t = m->sm->value;

	mem_copy(out, raw, t->size);
	for (u32 i = 1; i < m->n_shares; i++) {
		const u8 *share = raw + (u64)i * m->share;

		switch (t->kind) {
		case ST_INT: add_int(t, out, share); break;
		case ST_MIN:
		case ST_MAX: add_limit(t, out, share); break;
		case ST_TSERIES: series_add(t, out, share); break;
		case ST_COUNT:
		case ST_SUM:
		case ST_AVG:
		case ST_STATS:
		case ST_HIST:
		case ST_LHIST: add_words(out, share, t->size); break;
		default: break; /* what is no number is the first CPU's */
		}
	}
}

/* ---- reading ---- */

static bool is_array(const struct out_map *m)
{
	return m->lm->type == BPF_MAP_TYPE_ARRAY || m->lm->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool all_zero(const u8 *p, u64 size)
{
	for (u64 i = 0; i < size; i++)
		if (p[i])
			return false;
	return true;
}

/* An array has all its elements from the start: those that are zero were never set. */
static int elem_add(struct elems *e, const u8 *key, const u8 *raw)
{
	const struct out_map *m = e->m;
	u8 *to;

	if (is_array(m) && all_zero(raw, raw_size(m)))
		return 0;
	if (e->n == e->cap) {
		u64 cap = e->cap ? e->cap * 2 : 64;
		u8 *p = realloc(e->p, cap * e->stride);

		if (!p)
			return -ENOMEM;
		e->p = p;
		e->cap = cap;
	}
	to = e->p + e->n++ * e->stride;
	mem_copy(to, key, m->lm->key_size);
	join_shares(m, raw, to + ALIGN_UP((u64)m->lm->key_size, 8));
	return 0;
}

struct batch {
	u8 *keys, *values; /* owned */
	u32 n;             /* that they have room for */
};

static bool batch_room(const struct out_map *m, struct batch *b, u32 n)
{
	free(b->keys);
	free(b->values);
	b->keys = malloc((u64)n * m->lm->key_size);
	b->values = malloc((u64)n * raw_size(m));
	b->n = n;
	return b->keys && b->values;
}

/* Many elements a call.  -ENOTSUP: this map has no such call. */
static int read_batches(struct script_out *o, struct elems *e)
{
	const struct out_map *m = e->m;
	u64 token_size = MAX(m->lm->key_size, 8u);
	u8 *in = calloc(2, token_size), *next = in ? in + token_size : NULL;
	struct batch b = {0};
	bool first = true;
	u32 room = (u32)MIN(BATCH_BYTES / (m->lm->key_size + raw_size(m)) + 1, (u64)BATCH_MOST);
	int err = in && batch_room(m, &b, room) ? 0 : -ENOMEM;

	while (!err) {
		union bpf_attr attr = {0};
		int got;

		attr.batch.in_batch = first ? 0 : (u64)(uintptr_t)in;
		attr.batch.out_batch = (u64)(uintptr_t)next;
		attr.batch.keys = (u64)(uintptr_t)b.keys;
		attr.batch.values = (u64)(uintptr_t)b.values;
		attr.batch.count = b.n;
		attr.batch.map_fd = (u32)m->lm->fd;
		got = engine_bpf(o->engine, BPF_MAP_LOOKUP_BATCH, &attr, sizeof(attr));
		if (got ==
		    -ENOSPC) { /* a bucket of the hash table has more than there is room for */
			err = b.n < 1u << 24 && batch_room(m, &b, b.n * 2) ? 0 : -ENOMEM;
			continue;
		}
		if (got && got != -ENOENT) {
			err = first ? -ENOTSUP : got;
			break;
		}
		for (u32 i = 0; i < MIN(attr.batch.count, b.n) && !err; i++)
			err = elem_add(e, b.keys + (u64)i * m->lm->key_size,
				       b.values + (u64)i * raw_size(m));
		if (got)
			break;
		first = false;
		memcpy(in, next, token_size);
	}
	free(b.keys);
	free(b.values);
	free(in);
	return err;
}

static int by_key_bytes(const void *a, const void *b, void *arg)
{
	return memcmp(a, b, *(u32 *)arg);
}

/* When a key vanishes while it is the last one read, reading starts anew: each key counts once. */
static void drop_doubles(struct elems *e)
{
	u32 kept = 0, key_size = e->m->lm->key_size;

	if (!e->n)
		return;
	qsort_r(e->p, e->n, e->stride, by_key_bytes, &key_size);
	for (u32 i = 0; i < e->n; i++) {
		if (i && memcmp(elem_key(e, i), elem_key(e, kept - 1), key_size) == 0)
			continue;
		memmove(e->p + kept++ * e->stride, elem_key(e, i), e->stride);
	}
	e->n = kept;
}

/* One after another, at most twice as many as there can be. */
static int read_singly(struct script_out *o, struct elems *e)
{
	const struct out_map *m = e->m;
	u32 key_size = m->lm->key_size;
	u8 *key = calloc(2, key_size), *next = key ? key + key_size : NULL,
	   *raw = calloc(1, raw_size(m));
	int err = key && raw ? 0 : -ENOMEM;

	for (u64 i = 0; !err && i < 2ul * m->lm->max_entries + 2; i++) {
		if (elem_call(o, m, BPF_MAP_GET_NEXT_KEY, i ? key : NULL, next, 0))
			break;
		memcpy(key, next, key_size);
		if (!elem_call(o, m, BPF_MAP_LOOKUP_ELEM, key, raw, 0))
			err = elem_add(e, key, raw);
	}
	free(key);
	free(raw);
	drop_doubles(e);
	return err;
}

static int read_elems(struct script_out *o, const struct out_map *m, struct elems *e)
{
	int err;

	*e = (struct elems){ .m = m, .stride = ALIGN_UP((u64)m->lm->key_size, 8) +
					       ALIGN_UP((u64)m->sm->value->size, 8) };
	err = read_batches(o, e);
	if (err == -ENOTSUP) {
		e->n = 0;
		err = read_singly(o, e);
	}
	return err;
}

/* ---- order ---- */

static bool by_value(const struct stype *t, u32 compat)
{
	return t->kind == ST_INT || t->kind == ST_ENUM || (t->kind == ST_BOOL && compat == 17) ||
	       (stype_is_agg(t) && t->kind != ST_TSERIES);
}

/* What a value counts for. */
static u64 rank_of(struct sv v)
{
	u64 total, count;

	switch (v.type->kind) {
	case ST_HIST:
	case ST_LHIST:
		return hist_total(v);
	case ST_AVG:
	case ST_STATS:
		total = mem_get64(v.p);
		count = mem_get64(v.p + 8);
		if (!count || !v.type->is_signed)
			return count ? total / count : 0;
		return count > INT64_MAX ? 0 : (u64)((s64)total / (s64)count);
	case ST_INT:
	case ST_ENUM:
	case ST_BOOL:
		return sv_integer(v);
	default:
		return mem_get64(v.p);
	}
}

struct ranked {
	u64 rank;
	u32 elem;
};

static int by_rank(const void *a, const void *b, void *arg)
{
	const struct ranked *x = a, *y = b;
	const struct elems *e = arg;
	const struct stype *key = e->m->sm->key;
	u32 key_size = e->m->lm->key_size;
	int c;

	if (x->rank != y->rank)
		return e->m->sm->value->is_signed ? ((s64)x->rank < (s64)y->rank ? -1 : 1)
						  : (x->rank < y->rank ? -1 : 1);
	c = key ? sv_compare(key, elem_key(e, x->elem), elem_key(e, y->elem), key_size) : 0;
	return c ? c : memcmp(elem_key(e, x->elem), elem_key(e, y->elem), key_size);
}

/* The elements in the order in which they are shown; NULL: no memory. */
static struct ranked *sorted(struct script_out *o, const struct elems *e)
{
	struct ranked *r = calloc(e->n + 1ul, sizeof(*r));
	bool ranked = by_value(e->m->sm->value, o->s->compat);

	for (u32 i = 0; r && i < e->n; i++)
		r[i] = (struct ranked){ ranked ? rank_of(elem_value(e, i)) : 0, i };
	if (r && e->n)
		qsort_r(r, e->n, sizeof(*r), by_rank, (void *)e);
	return r;
}

/* ---- printing ---- */

struct print {
	struct script_out *o;
	const struct out_map *m;
	const struct elems *e;
	const struct ranked *order;
	u32 first;          /* of order: those before are left out */
	u64 div, last;      /* last: interval of all series */
};

static bool is_block(const struct stype *t)
{
	return t->kind == ST_HIST || t->kind == ST_LHIST || t->kind == ST_TSERIES;
}

static bool is_stats(const struct stype *t)
{
	return t->kind == ST_AVG || t->kind == ST_STATS;
}

static void add_value(struct print *p, struct sv v, bool json)
{
	struct str *out = &p->o->text;

	if (v.type->kind == ST_TSERIES)
		(json ? series_json : series_text)(p->o, v, p->last, out);
	else if (json)
		sv_json(p->o, v, p->div, out);
	else
		sv_text(p->o, v, SV_PLAIN, p->div, out);
}

static void text_elem(struct print *p, const u8 *key, struct sv v)
{
	struct str *out = &p->o->text;
	const struct stype *kt = p->m->sm->key;

	str_add(out, p->m->sm->name);
	if (kt) {
		str_addc(out, '[');
		sv_text(p->o, (struct sv){ kt, key, p->m->lm->key_size }, SV_KEY, 0, out);
		str_addc(out, ']');
	}
	str_add(out, !is_block(v.type) ? ": " : p->o->s->compat == 17 ? ": \n" : ":\n");
	add_value(p, v, false);
	str_addc(out, '\n');
}

static void text_map(struct print *p)
{
	bool is_old = p->o->s->compat == 17;

	for (u32 i = p->first; i < p->e->n; i++) {
		u32 at = p->order[i].elem;

		text_elem(p, elem_key(p->e, at), elem_value(p->e, at));
	}
	if (is_old && (!p->e->n || is_stats(p->m->sm->value)))
		str_add(&p->o->text, !p->e->n && is_stats(p->m->sm->value) ? "\n\n" : "\n");
}

static const char *json_type(const struct stype *t)
{
	return is_stats(t)	       ? "stats"
	       : t->kind == ST_TSERIES ? "tseries"
	       : is_block(t)	       ? "hist"
				       : "map";
}

static void json_key(struct print *p, const u8 *key)
{
	struct str s = {0};

	sv_text(p->o, (struct sv){ p->m->sm->key, key, p->m->lm->key_size }, SV_JSON_KEY, 0, &s);
	js_string(&p->o->text, str_text(&s), s.len);
	str_free(&s);
}

static void json_begin(struct print *p)
{
	js_begin(&p->o->text, json_type(p->m->sm->value));
	str_addc(&p->o->text, '{');
	js_string(&p->o->text, p->m->sm->name, strlen(p->m->sm->name));
	str_add(&p->o->text, ": ");
}

static void json_map(struct print *p)
{
	struct str *out = &p->o->text;

	/* An empty map is passed over, but stats as bpftrace 0.27 shows them. */
	bool is_object = p->m->sm->key || !p->e->n;

	if (!p->e->n && (p->o->s->compat == 17 || !is_stats(p->m->sm->value)))
		return;
	json_begin(p);
	if (is_object)
		str_addc(out, '{');
	for (u32 i = p->first; i < p->e->n; i++) {
		u32 at = p->order[i].elem;

		str_add(out, i > p->first ? ", " : "");
		if (p->m->sm->key) {
			json_key(p, elem_key(p->e, at));
			str_add(out, ": ");
		}
		add_value(p, elem_value(p->e, at), true);
	}
	str_add(out, is_object ? "}}" : "}");
	js_end(out);
}

/* A scalar that was asked for by name is zero before it is set; in 0.17 a count() always was. */
static void print_unset(struct print *p)
{
	const struct stype *t = p->m->sm->value;
	u8 *zero = calloc(1, t->size + 1ul);
	struct sv v = { t, zero, t->size };

	if (zero && p->o->opts.json) {
		json_begin(p);
		add_value(p, v, true);
		str_addc(&p->o->text, '}');
		js_end(&p->o->text);
	} else if (zero) {
		text_elem(p, NULL, v);
	}
	free(zero);
}

void map_print(struct script_out *o, const struct out_map *m, u64 top, u64 div, bool explicit)
{
	const struct stype *t = m->sm->value;
	bool is_old = o->s->compat == 17;
	struct elems e;
	int err = read_elems(o, m, &e);
	struct ranked *order = err ? NULL : sorted(o, &e);
	struct print p = { .o = o, .m = m, .e = &e, .order = order, .div = div };

	if (!order) {
		out_error(o, "map %s can't be read: %s", m->sm->name,
			  strerror(err ? -err : ENOMEM));
		free(e.p);
		return;
	}
	if (is_old && t->kind == ST_STATS)
		top = p.div = 0;
	if (top && top < e.n)
		p.first = e.n - (u32)top;
	for (u32 i = 0; t->kind == ST_TSERIES && i < e.n; i++)
		p.last = MAX(p.last, series_last(elem_value(&e, i)));
	if (!e.n && !m->sm->key && (is_old ? t->kind == ST_COUNT : explicit && !is_block(t)))
		print_unset(&p);
	else if (o->opts.json)
		json_map(&p);
	else
		text_map(&p);
	free(order);
	free(e.p);
}

void map_print_elem(struct script_out *o, const struct out_map *m, const u8 *key)
{
	const struct stype *t = m->sm->value;
	u8 *raw = calloc(1, raw_size(m)), *value = calloc(1, t->size + 1ul);
	struct sv v = { t, value, t->size };

	if (raw && value) {
		if (!elem_call(o, m, BPF_MAP_LOOKUP_ELEM, key, raw, 0))
			join_shares(m, raw, value);
		if (o->opts.json) {
			js_begin(&o->text, "value");
			sv_json(o, v, 0, &o->text);
			js_end(&o->text);
		} else {
			sv_text(o, v, SV_PLAIN, 0, &o->text);
			str_addc(&o->text, '\n');
		}
	}
	free(raw);
	free(value);
}

/* ---- clear() and zero() ---- */

/* All keys first: deleting while reading would start the reading anew. */
static int each_key(struct script_out *o, const struct out_map *m,
		    int (*fn)(struct script_out *o, const struct out_map *m, const u8 *key,
			      u8 *zeros))
{
	struct elems e;
	int err = read_elems(o, m, &e), worst = 0;
	u8 *zeros = calloc(1, raw_size(m));

	for (u32 i = 0; !err && zeros && i < e.n; i++) {
		int ret = fn(o, m, elem_key(&e, i), zeros);

		if (ret && ret != -ENOENT)
			worst = ret;
	}
	free(e.p);
	err = err ? err : zeros ? worst : -ENOMEM;
	free(zeros);
	return err;
}

static int delete_key(struct script_out *o, const struct out_map *m, const u8 *key, u8 *zeros)
{
	if (is_array(m))
		return elem_call(o, m, BPF_MAP_UPDATE_ELEM, key, zeros, BPF_EXIST);
	return elem_call(o, m, BPF_MAP_DELETE_ELEM, key, NULL, 0);
}

static int zero_key(struct script_out *o, const struct out_map *m, const u8 *key, u8 *zeros)
{
	return elem_call(o, m, BPF_MAP_UPDATE_ELEM, key, zeros, BPF_EXIST);
}

int map_clear(struct script_out *o, const struct out_map *m)
{
	return each_key(o, m, delete_key);
}

int map_zero(struct script_out *o, const struct out_map *m)
{
	return each_key(o, m, zero_key);
}

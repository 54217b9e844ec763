/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/script.c - a struct script to and from bytes: section ".osmia" of an object file.
 *
 *	"OSMIA\0" version u16 | settings | types | actions | maps | attaches
 *
 * Little endian; strings are a length and the bytes.  Types form a table in which each refers to earlier
 * ones only: what was read has no cycles, and its depth is known.  A pointer's target is written by name
 * alone, because nobody prints what a pointer of a record points to.
 *
 * The reader trusts nothing: sizes are those that the kinds have, and fields lie inside their struct, so
 * that a printer may follow a type over a value of its size.
 */
#include "base/str.h"
#include "obj/script.h"
#include <errno.h>
#include <stdio.h>

enum {
	VERSION = 2, NO_TYPE = UINT32_MAX,
	N_MAX = 1 << 20,        /* of anything */
	SIZE_MAX_BYTES = 1 << 26, /* of a value */
};

static const char magic[6] = "OSMIA";

static const char *const action_texts[] = {
#define ACTION(name, text) text,
#include "obj/action.def"
#undef ACTION
};

static const char *const hook_texts[] = {
#define PROVIDER(name, text, ...) text,
#include "obj/hook.def"
#undef PROVIDER
};

const char *script_action_text(enum script_action_kind k)
{
	return k < ARRAY_SIZE(action_texts) ? action_texts[k] : "";
}

const char *script_hook_text(enum script_hook h)
{
	return h < HOOK_MAX ? hook_texts[h] : "";
}

struct script *script_new(void)
{
	struct script *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->events_map = s->counts_map = s->start_map = s->kstack_map = s->ustack_map = UINT32_MAX;
	s->str_trailer = "..";
	return s;
}

void script_free(struct script *s)
{
	if (!s)
		return;
	vec_free(&s->actions);
	vec_free(&s->maps);
	vec_free(&s->attaches);
	arena_free(&s->arena);
	free(s);
}

/* ---- writing ---- */

struct type_number {
	const struct stype *type;
	bool is_target;          /* of a pointer: by name alone */
};

struct writer {
	struct str out, types;
	VEC(struct type_number) numbers;
};

static void put(struct str *s, u64 v, u32 bytes)
{
	char b[8];

	for (u32 i = 0; i < bytes; i++)
		b[i] = (char)(v >> 8 * i);
	str_addn(s, b, bytes);
}

static void put_text(struct str *s, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	put(s, text ? n + 1 : 0, 4); /* 0: NULL */
	str_addn(s, text ? text : "", n);
}

static void put_place(struct str *s, struct place at)
{
	put_text(s, at.file);
	put(s, at.line, 4);
	put(s, at.col, 4);
}

static u32 type_number(struct writer *w, const struct stype *t, bool is_target, u32 depth);

static void put_field(struct str *s, const struct stype_field *f, u32 type)
{
	put_text(s, f->name);
	put(s, type, 4);
	put(s, (u64)f->off, 8);
	put(s, f->bit_off, 4);
	put(s, f->bits, 4);
	put(s, f->data_loc | f->slot << 1, 1);
}

/* Types it needs come first, so this writes to a string of its own. */
static void put_type(struct writer *w, const struct stype *t, bool is_target, u32 depth)
{
	bool has_fields = t->n_fields && t->fields && (!is_target || t->kind == ST_ENUM);
	struct str s = {0};
	u32 of = NO_TYPE;

	if (t->of && !(is_target && t->kind == ST_PTR))
		of = type_number(w, t->of, is_target || t->kind == ST_PTR, depth + 1);
	put(&s, t->kind, 1);
	put(&s, t->is_signed | t->is_union << 1 |
		    (t->is_fwd || (is_target && t->kind == ST_STRUCT)) << 2, 1);
	put(&s, t->size, 4);
	put(&s, t->n, 4);
	put(&s, t->mode, 4);
	put(&s, (u64)t->min, 8);
	put(&s, (u64)t->max, 8);
	put(&s, (u64)t->step, 8);
	put(&s, t->space, 1);
	put(&s, of, 4);
	put_text(&s, t->name);
	put_text(&s, t->text);
	put(&s, has_fields ? t->n_fields : 0, 4);
	for (u32 i = 0; has_fields && i < t->n_fields; i++)
		put_field(&s, &t->fields[i],
			  t->fields[i].type ? type_number(w, t->fields[i].type, false, depth + 1)
					    : NO_TYPE);
	str_addn(&w->types, str_text(&s), s.len);
	w->types.failed |= s.failed;
	str_free(&s);
}

/* Number of a type in the table, where it is put when it is new.  What is deeper than anything that can
 * be printed has none. */
static u32 type_number(struct writer *w, const struct stype *t, bool is_target, u32 depth)
{
	if (!t || depth >= STYPE_DEPTH_MAX)
		return NO_TYPE;
	for (u32 i = w->numbers.n; i--;)
		if (w->numbers.p[i].type == t && w->numbers.p[i].is_target == is_target)
			return i;
	put_type(w, t, is_target, depth);
	if (!vec_push(&w->numbers, ((struct type_number){ t, is_target })))
		w->types.failed = true;
	return w->numbers.n - 1;
}

static void put_settings(struct str *o, const struct script *s)
{
	put(o, s->compat, 4);
	put(o, s->events_map, 4);
	put(o, s->counts_map, 4);
	put(o, s->start_map, 4);
	put(o, s->kstack_map, 4);
	put(o, s->ustack_map, 4);
	put(o, s->max_cat_bytes, 4);
	put(o, s->max_strlen, 4);
	put(o, s->max_map_keys, 4);
	put(o, s->stack_mode, 4);
	put_text(o, s->str_trailer);
	put(o, s->print_maps_on_exit | s->cpp_demangle << 1 | s->lazy_symbols << 2 |
		   s->user_symbols << 3 | s->helper_errors << 4 | s->missing_ok << 5, 1);
}

static void put_attach(struct str *o, const struct script_attach *a)
{
	put(o, a->func, 4);
	put(o, a->hook, 1);
	put_text(o, a->name);
	put_text(o, a->target);
	put_text(o, a->fn);
	put_text(o, a->ns);
	put(o, a->off, 8);
	put(o, a->value, 8);
	put(o, a->is_freq | a->is_multi << 1 | a->is_session << 2, 1);
	put_text(o, a->mode);
	put(o, a->ref_ctr_off, 8);
	put(o, a->cookie, 8);
	put(o, (u32)a->pid, 4);
	put_place(o, a->at);
}

int script_write(const struct script *s, struct diag *dg, void **data, size_t *size)
{
	struct writer w = {0};
	struct str tail = {0}, *o = &w.out;
	bool failed;

	put(&tail, s->actions.n, 4);
	for (u32 i = 0; i < s->actions.n; i++) {
		const struct script_action *a = &s->actions.p[i];

		put(&tail, a->kind, 1);
		put_text(&tail, a->text);
		put(&tail, type_number(&w, a->args, false, 0), 4);
		put(&tail, a->map, 4);
		put_place(&tail, a->at);
		put(&tail, a->to_col, 4);
		put_text(&tail, a->line);
	}
	put(&tail, s->maps.n, 4);
	for (u32 i = 0; i < s->maps.n; i++) {
		const struct script_map *m = &s->maps.p[i];

		put_text(&tail, m->name);
		put(&tail, m->obj_map, 4);
		put(&tail, type_number(&w, m->key, false, 0), 4);
		put(&tail, type_number(&w, m->value, false, 0), 4);
		put(&tail, m->is_percpu | m->is_hidden << 1, 1);
	}
	put(&tail, s->attaches.n, 4);
	for (u32 i = 0; i < s->attaches.n; i++)
		put_attach(&tail, &s->attaches.p[i]);

	str_addn(o, magic, sizeof(magic));
	put(o, VERSION, 2);
	put_settings(o, s);
	put(o, w.numbers.n, 4);
	str_addn(o, str_text(&w.types), w.types.len);
	str_addn(o, str_text(&tail), tail.len);
	failed = o->failed || w.types.failed || tail.failed;
	*size = o->len;
	*data = failed ? NULL : str_take(o);
	str_free(o);
	str_free(&w.types);
	str_free(&tail);
	vec_free(&w.numbers);
	return *data ? 0 : diag_error(dg, (struct place){0}, -ENOMEM, "no memory to write the script");
}

/* ---- reading ---- */

struct reader {
	const u8 *p, *end;
	struct script *s;
	struct diag *dg;
	const struct stype **types; /* owned */
	u8 *depth;                  /* owned */
	u32 n_types;
	u32 n_funcs, n_maps;
	const char *bad;            /* what is wrong; NULL: nothing yet */
};

static bool bad(struct reader *r, const char *what)
{
	if (!r->bad)
		r->bad = what;
	return false;
}

static u64 get(struct reader *r, u32 bytes)
{
	u64 v = 0;

	if ((size_t)(r->end - r->p) < bytes) {
		bad(r, "it ends too early");
		return 0;
	}
	for (u32 i = 0; i < bytes; i++)
		v |= (u64)r->p[i] << 8 * i;
	r->p += bytes;
	return v;
}

static const char *get_opt_text(struct reader *r)
{
	u64 n = get(r, 4);
	char *text;

	if (!n || r->bad)
		return NULL;
	if (n - 1 > (u64)(r->end - r->p) || memchr(r->p, '\0', n - 1)) {
		bad(r, "a string does not end where it should");
		return NULL;
	}
	text = arena_alloc(&r->s->arena, n);
	memcpy(text, r->p, n - 1);
	r->p += n - 1;
	return text;
}

static const char *get_text(struct reader *r)
{
	const char *text = get_opt_text(r);

	return text ? text : "";
}

static struct place get_place(struct reader *r)
{
	struct place at = { .file = get_opt_text(r) };

	at.line = (u32)get(r, 4);
	at.col = (u32)get(r, 4);
	return at;
}

/* A number of things that take at least so many bytes each. */
static u32 get_n(struct reader *r, u32 least_bytes)
{
	u64 n = get(r, 4);

	if (n > N_MAX || n * least_bytes > (u64)(r->end - r->p)) {
		bad(r, "it promises more than it holds");
		return 0;
	}
	return (u32)n;
}

/* A type that was read before. */
static const struct stype *get_type(struct reader *r, bool may_miss, u8 *depth)
{
	u64 i = get(r, 4);

	if (i == NO_TYPE && may_miss)
		return NULL;
	if (i >= r->n_types || !r->types[i]) {
		bad(r, "a type refers to none before it");
		return NULL;
	}
	if (depth && r->depth[i] + 1 > *depth)
		*depth = (u8)(r->depth[i] + 1);
	return r->types[i];
}

/* Bytes that a kind's value has; 0: any. */
static u64 size_of_kind(const struct stype *t)
{
	switch (t->kind) {
	case ST_BOOL: return 1;
	case ST_PTR: case ST_KSYM: case ST_TIMESTAMP: case ST_CGROUP: case ST_USERNAME: case ST_STRERROR:
	case ST_MAC: case ST_COUNT: case ST_SUM: return 8;
	case ST_BUF: return 4 + ALIGN_UP((u64)t->n, 4);
	case ST_INET: return 20;
	case ST_USYM: case ST_KSTACK: case ST_MIN: case ST_MAX: case ST_AVG: case ST_STATS: return 16;
	case ST_USTACK: return 24;
	case ST_HIST: return 8ul * stype_hist_buckets(t->n);
	case ST_LHIST: return 8ul * stype_lhist_buckets(t);
	case ST_TSERIES: return 24ul * t->n;
	default: return 0;
	}
}

static bool type_ok(struct reader *r, const struct stype *t)
{
	u64 size;

	if (t->kind >= ST_KINDS || t->size > SIZE_MAX_BYTES || t->n > SIZE_MAX_BYTES ||
	    t->space > SS_MAP)
		return bad(r, "a type is none that there is");
	if ((t->kind == ST_INT || t->kind == ST_ENUM) && t->size != 1 && t->size != 2 && t->size != 4 &&
	    t->size != 8)
		return bad(r, "an integer has another size than 1, 2, 4 or 8");
	if ((t->kind == ST_HIST && t->n > 5) ||
	    (t->kind == ST_LHIST && (t->step <= 0 || t->max <= t->min ||
				     ((u64)t->max - (u64)t->min) / (u64)t->step > 1 << 16)) ||
	    (t->kind == ST_TSERIES && (t->step <= 0 || !t->n || !stype_is_scalar(t->of))))
		return bad(r, "a histogram's limits can't be");
	if (t->kind == ST_ARRAY && (!t->of || (u64)t->of->size * t->n > t->size))
		return bad(r, "an array is smaller than its elements");
	if (t->kind == ST_STR && !t->size)
		return bad(r, "a string has no room");
	size = size_of_kind(t);
	if (size && size != t->size)
		return bad(r, "a type has not the size of its kind");
	return true;
}

static bool field_ok(struct reader *r, const struct stype *t, const struct stype_field *f)
{
	u64 bytes;

	if (t->kind == ST_ENUM)
		return true; /* off is a value */
	if (!f->type)
		return bad(r, "a field has no type");
	bytes = f->data_loc ? 4 : f->slot ? 8 : f->bits ? (f->bit_off + (u64)f->bits + 7) / 8 : f->type->size;
	if (f->off < 0 || (u64)f->off > t->size || bytes > t->size - (u64)f->off || f->bits > 64)
		return bad(r, "a field lies outside its struct");
	return true;
}

static void get_fields(struct reader *r, struct stype *t, u8 *depth)
{
	u32 n = get_n(r, 25);
	struct stype_field *fields = arena_alloc(&r->s->arena, (n + 1ul) * sizeof(*fields));

	if (n > STYPE_FIELDS_MAX)
		bad(r, "a struct has too many fields");
	for (u32 i = 0; i < n && !r->bad; i++) {
		struct stype_field *f = &fields[i];
		u8 flags;

		f->name = get_opt_text(r);
		f->type = get_type(r, true, depth);
		f->off = (s64)get(r, 8);
		f->bit_off = (u32)get(r, 4);
		f->bits = (u32)get(r, 4);
		flags = (u8)get(r, 1);
		f->data_loc = flags & 1;
		f->slot = flags & 2;
		field_ok(r, t, f);
	}
	t->fields = fields;
	t->n_fields = r->bad ? 0 : n;
}

static void get_one_type(struct reader *r, u32 number)
{
	struct stype *t = arena_alloc(&r->s->arena, sizeof(*t));
	u8 flags, depth = 0;

	t->kind = (enum stype_kind)get(r, 1);
	flags = (u8)get(r, 1);
	t->is_signed = flags & 1;
	t->is_union = flags & 2;
	t->is_fwd = flags & 4;
	t->size = (u32)get(r, 4);
	t->n = (u32)get(r, 4);
	t->mode = (u32)get(r, 4);
	t->min = (s64)get(r, 8);
	t->max = (s64)get(r, 8);
	t->step = (s64)get(r, 8);
	t->space = (enum stype_space)get(r, 1);
	t->of = get_type(r, true, &depth);
	t->name = get_opt_text(r);
	t->text = get_opt_text(r);
	if (!r->bad && type_ok(r, t))
		get_fields(r, t, &depth);
	if (depth > STYPE_DEPTH_MAX)
		bad(r, "types are nested too deep");
	r->types[number] = t;
	r->depth[number] = depth;
}

static void get_types(struct reader *r)
{
	u32 n = get_n(r, 40);

	r->types = calloc(n + 1ul, sizeof(*r->types));
	r->depth = calloc(n + 1ul, 1);
	if (!r->types || !r->depth) {
		bad(r, "there is no memory for it");
		return;
	}
	r->n_types = n;
	for (u32 i = 0; i < n && !r->bad; i++)
		get_one_type(r, i);
}

/* A map's number; UINT32_MAX: none. */
static u32 get_map(struct reader *r)
{
	u32 i = (u32)get(r, 4);

	if (i != UINT32_MAX && i >= r->n_maps)
		bad(r, "it names a map that is not in the object");
	return i;
}

static void get_settings(struct reader *r)
{
	struct script *s = r->s;
	u8 flags;

	s->compat = (u32)get(r, 4);
	s->events_map = get_map(r);
	s->counts_map = get_map(r);
	s->start_map = get_map(r);
	s->kstack_map = get_map(r);
	s->ustack_map = get_map(r);
	s->max_cat_bytes = (u32)get(r, 4);
	s->max_strlen = (u32)get(r, 4);
	s->max_map_keys = (u32)get(r, 4);
	s->stack_mode = (u32)get(r, 4);
	s->str_trailer = get_text(r);
	flags = (u8)get(r, 1);
	s->print_maps_on_exit = flags & 1;
	s->cpp_demangle = flags & 2;
	s->lazy_symbols = flags & 4;
	s->user_symbols = flags & 8;
	s->helper_errors = flags & 16;
	s->missing_ok = flags & 32;
}

static bool is_of_map(enum script_action_kind k)
{
	return k == ACTION_PRINT_MAP || k == ACTION_PRINT_ELEM || k == ACTION_CLEAR || k == ACTION_ZERO;
}

static void get_actions(struct reader *r)
{
	for (u32 i = 0, n = get_n(r, 29); i < n && !r->bad; i++) {
		struct script_action *a = vec_add(&r->s->actions);

		if (!a) {
			bad(r, "there is no memory for it");
			return;
		}
		a->kind = (enum script_action_kind)get(r, 1);
		a->text = get_text(r);
		a->args = get_type(r, true, NULL);
		a->map = (u32)get(r, 4);
		a->at = get_place(r);
		a->to_col = (u32)get(r, 4);
		a->line = get_text(r);
		if (a->kind >= ARRAY_SIZE(action_texts) || (a->args && a->args->kind != ST_TUPLE))
			bad(r, "an action is none that there is");
	}
}

static void get_maps(struct reader *r)
{
	for (u32 i = 0, n = get_n(r, 17); i < n && !r->bad; i++) {
		struct script_map *m = vec_add(&r->s->maps);
		u8 flags;

		if (!m) {
			bad(r, "there is no memory for it");
			return;
		}
		m->name = get_text(r);
		m->obj_map = get_map(r);
		m->key = get_type(r, true, NULL);
		m->value = get_type(r, false, NULL);
		flags = (u8)get(r, 1);
		m->is_percpu = flags & 1;
		m->is_hidden = flags & 2;
		if (m->obj_map == UINT32_MAX)
			bad(r, "it names a map that is not in the object");
	}
	for (u32 i = 0; i < r->s->actions.n && !r->bad; i++)
		if (is_of_map(r->s->actions.p[i].kind) && r->s->actions.p[i].map >= r->s->maps.n)
			bad(r, "an action is of a map that it does not have");
}

static void get_attaches(struct reader *r)
{
	for (u32 i = 0, n = get_n(r, 66); i < n && !r->bad; i++) {
		struct script_attach *a = vec_add(&r->s->attaches);
		u8 flags;

		if (!a) {
			bad(r, "there is no memory for it");
			return;
		}
		a->func = (u32)get(r, 4);
		a->hook = (enum script_hook)get(r, 1);
		a->name = get_text(r);
		a->target = get_text(r);
		a->fn = get_text(r);
		a->ns = get_text(r);
		a->off = get(r, 8);
		a->value = get(r, 8);
		flags = (u8)get(r, 1);
		a->is_freq = flags & 1;
		a->is_multi = flags & 2;
		a->is_session = flags & 4;
		a->mode = get_text(r);
		a->ref_ctr_off = get(r, 8);
		a->cookie = get(r, 8);
		a->pid = (s32)get(r, 4);
		a->at = get_place(r);
		if (a->func >= r->n_funcs || a->hook >= HOOK_MAX)
			bad(r, "a probe has no program, or is of no kind that there is");
	}
}

int script_read(const void *data, size_t size, u32 n_funcs, u32 n_maps, struct diag *dg,
		struct script **out)
{
	struct reader r = { .p = data, .end = (const u8 *)data + size, .dg = dg,
			    .n_funcs = n_funcs, .n_maps = n_maps };
	struct place at = { .sect = ".osmia" };

	if (size < sizeof(magic) + 2 || memcmp(data, magic, sizeof(magic)) != 0)
		return diag_error(dg, at, -EINVAL, "not what osmia writes there");
	r.p += sizeof(magic);
	if (get(&r, 2) != VERSION)
		return diag_error(dg, at, -EINVAL, "written by another version of osmia: this one reads %u",
				  VERSION);
	r.s = script_new();
	if (!r.s)
		return diag_error(dg, at, -ENOMEM, "no memory to read the script");
	get_settings(&r);
	get_types(&r);
	get_actions(&r);
	get_maps(&r);
	get_attaches(&r);
	if (!r.bad && r.p != r.end)
		bad(&r, "something follows its end");
	free(r.types);
	free(r.depth);
	if (r.bad) {
		at.off = (u64)(r.p - (const u8 *)data);
		script_free(r.s);
		return diag_error(dg, at, -EINVAL, "damaged: %s", r.bad);
	}
	*out = r.s;
	return 0;
}

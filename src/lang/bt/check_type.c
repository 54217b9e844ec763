/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/check_type.c - types: of literals, by name, what two have in common, what fits where.
 *
 * A literal is as narrow as its value (bpftrace 0.26 and later; 64 bits before) and takes the sign
 * of what it meets: is_literal.  A variable that has seen literals only is as flexible.
 */
#include "abi/syscall.h"
#include "lang/bt/check_inner.h"
#include "lang/bt/probe.h"
#include "lang/cdecl/cdecl.h"
#include <string.h>

enum { TYPE_BYTES_MAX = 1 << 20, POINTERS_MAX = 16 };

/* ---- integers ---- */

bool sema_is_int(const struct stype *t)
{
	return t->kind == ST_INT || t->kind == ST_BOOL || t->kind == ST_ENUM;
}

/* Aggregations that are one number: read as the sum over all CPUs. */
bool sema_is_number_agg(const struct stype *t)
{
	return t->kind == ST_COUNT || t->kind == ST_SUM || t->kind == ST_MIN || t->kind == ST_MAX ||
	       t->kind == ST_AVG;
}

const struct stype *sema_read_type(const struct stype *t)
{
	if (!sema_is_number_agg(t))
		return t;
	return stype_int(8, t->is_signed);
}

static const struct stype *flexible(u32 size)
{
	static const struct stype types[] = {
		{ .kind = ST_INT, .size = 1, .is_signed = true, .is_literal = true },
		{ .kind = ST_INT, .size = 2, .is_signed = true, .is_literal = true },
		{ .kind = ST_INT, .size = 4, .is_signed = true, .is_literal = true },
		{ .kind = ST_INT, .size = 8, .is_signed = true, .is_literal = true },
	};

	return &types[size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3];
}

static u32 bytes_of(s64 v)
{
	return v >= INT8_MIN && v <= INT8_MAX	  ? 1
	       : v >= INT16_MIN && v <= INT16_MAX ? 2
	       : v >= INT32_MIN && v <= INT32_MAX ? 4
						  : 8;
}

const struct stype *sema_literal_type(const struct sema *s, u64 v, bool negative)
{
	if (sema_compat17(s))
		return negative || v > INT64_MAX ? stype_int(8, true) : flexible(8);
	if (!negative && v > INT64_MAX)
		return stype_int(8, false);
	return negative ? stype_int(bytes_of((s64)v), true) : flexible(bytes_of((s64)v));
}

bool sema_int_holds(const struct stype *t, s64 v, bool is_unsigned)
{
	u32 bits = 8 * t->size;

	if (t->kind == ST_BOOL)
		return true;
	if (is_unsigned && v < 0)
		return !t->is_signed && bits == 64;
	if (!t->is_signed)
		return v >= 0 && (bits == 64 || (u64)v < (u64)1 << bits);
	return bits == 64 || (v >= -((s64)1 << (bits - 1)) && v < (s64)1 << (bits - 1));
}

/* Both integers' values fit into the result, but for 64-bit ones of different sign, which become
 * signed.  A bool is no integer. */
static const struct stype *common_int(const struct stype *a, const struct stype *b)
{
	u32 size = MAX(a->size, b->size);

	if (a->kind == ST_ENUM && b->kind == ST_ENUM && stype_same(a, b))
		return a;
	if (a->kind == ST_BOOL || b->kind == ST_BOOL)
		return a->kind == b->kind ? a : NULL;
	if (a->is_literal && b->is_literal)
		return flexible(size);
	if (a->is_signed == b->is_signed)
		return stype_int(size, a->is_signed);
	if (a->is_literal || b->is_literal)
		return stype_int(size, a->is_literal ? b->is_signed : a->is_signed);
	if (a->is_signed ? a->size > b->size : b->size > a->size)
		return stype_int(size, true);
	return stype_int(MIN(2 * size, 8), true);
}

/* ---- what two types have in common ---- */

static const struct stype *common(struct sema *s, const struct stype *a, const struct stype *b,
				  u32 depth);

static const struct stype *common_fields(struct sema *s, const struct stype *a,
					 const struct stype *b, u32 depth)
{
	const struct stype **types;
	const char **names;

	if (a->n_fields != b->n_fields)
		return NULL;
	types = arena_alloc(sema_types(s), (a->n_fields + 1) * sizeof(*types));
	names = arena_alloc(sema_types(s), (a->n_fields + 1) * sizeof(*names));
	for (u32 i = 0; i < a->n_fields; i++) {
		const struct stype_field *other = &b->fields[i];

		names[i] = a->fields[i].name;
		if (a->kind == ST_RECORD)
			other = stype_field(b, names[i]);
		types[i] = other ? common(s, a->fields[i].type, other->type, depth + 1) : NULL;
		if (!types[i])
			return NULL;
	}
	return stype_tuple(sema_types(s), types, a->kind == ST_RECORD ? names : NULL, a->n_fields);
}

static const struct stype *common_ptr(const struct stype *a, const struct stype *b)
{
	/* a void * is any pointer */
	if (b->of->kind == ST_VOID)
		return a;
	if (a->of->kind == ST_VOID)
		return b;
	if (stype_same(a->of, b->of) || a->of->kind == b->of->kind)
		return a;
	return NULL;
}

static const struct stype *common(struct sema *s, const struct stype *a, const struct stype *b,
				  u32 depth)
{
	if (depth > STYPE_DEPTH_MAX)
		return NULL;
	if (a->kind == ST_NONE)
		return b;
	if (b->kind == ST_NONE)
		return a;
	if (sema_is_int(a) && sema_is_int(b))
		return common_int(a, b);
	if (stype_same(a, b))
		return a;
	if (sema_is_number_agg(a) && sema_is_int(b))
		return common_int(sema_read_type(a), b);
	if (sema_is_number_agg(b) && sema_is_int(a))
		return common_int(a, sema_read_type(b));
	if (a->kind != b->kind)
		return NULL;
	switch (a->kind) {
	case ST_STR:
	case ST_BUF:
		return a->size >= b->size ? a : b;
	case ST_PTR:
		return common_ptr(a, b);
	case ST_TUPLE:
	case ST_RECORD:
		return common_fields(s, a, b, depth);
	case ST_SUM:
	case ST_MIN:
	case ST_MAX:
	case ST_AVG:
	case ST_STATS:
		return a->is_signed ? a : b;
	default:
		return NULL;
	}
}

const struct stype *sema_common(struct sema *s, const struct stype *a, const struct stype *b)
{
	return common(s, a, b, 0);
}

static bool fits(const struct stype *from, const struct stype *to, u32 depth)
{
	if (from->kind == ST_NONE || to->kind == ST_NONE || stype_same(from, to))
		return true;
	if (depth > STYPE_DEPTH_MAX)
		return false;
	if (sema_is_number_agg(from) && to->kind == ST_INT)
		return to->size == 8;
	if (sema_is_int(from) && from->kind != ST_BOOL && to->kind == ST_INT) {
		if (from->is_signed == to->is_signed || from->is_literal)
			return from->size <= to->size;
		return to->is_signed && from->size < to->size;
	}
	if (from->kind != to->kind)
		return false;
	switch (from->kind) {
	case ST_STR:
	case ST_BUF:
		return from->size <= to->size;
	case ST_PTR:
		return common_ptr(from, to);
	case ST_TUPLE:
	case ST_RECORD:
		if (from->n_fields != to->n_fields)
			return false;
		for (u32 i = 0; i < to->n_fields; i++) {
			const struct stype_field *f = &from->fields[i];

			if (to->kind == ST_RECORD)
				f = stype_field(from, to->fields[i].name);
			if (!f || !fits(f->type, to->fields[i].type, depth + 1))
				return false;
		}
		return true;
	default:
		return false;
	}
}

bool sema_fits(struct sema *s, const struct stype *from, const struct stype *to)
{
	(void)s;
	return fits(from, to, 0);
}

/* ---- by name ---- */

static const struct {
	const char *name;
	u32 size;
	bool is_signed;
} int_names[] = {
	{ "int8", 1, true },	{ "int16", 2, true },	{ "int32", 4, true },
	{ "int64", 8, true },	{ "uint8", 1, false },	{ "uint16", 2, false },
	{ "uint32", 4, false }, { "uint64", 8, false },
};

/* C's own names, for when there is no BTF to ask. */
static const struct {
	const char *name;
	u32 size;
	bool is_signed;
} c_names[] = {
	{ "char", 1, true },
	{ "signed char", 1, true },
	{ "unsigned char", 1, false },
	{ "short", 2, true },
	{ "unsigned short", 2, false },
	{ "int", 4, true },
	{ "unsigned", 4, false },
	{ "unsigned int", 4, false },
	{ "signed", 4, true },
	{ "long", 8, true },
	{ "unsigned long", 8, false },
	{ "long int", 8, true },
	{ "unsigned long int", 8, false },
	{ "long long", 8, true },
	{ "unsigned long long", 8, false },
	{ "int8_t", 1, true },
	{ "int16_t", 2, true },
	{ "int32_t", 4, true },
	{ "int64_t", 8, true },
	{ "uint8_t", 1, false },
	{ "uint16_t", 2, false },
	{ "uint32_t", 4, false },
	{ "uint64_t", 8, false },
	{ "size_t", 8, false },
	{ "ssize_t", 8, true },
};

static const struct {
	const char *name;
	enum stype_kind kind;
} other_names[] = {
	{ "ksym_t", ST_KSYM },		{ "usym_t", ST_USYM },
	{ "username_t", ST_USERNAME },	{ "inet", ST_INET },
	{ "mac_address", ST_MAC },	{ "timestamp", ST_TIMESTAMP },
	{ "cgroup_path_t", ST_CGROUP }, { "count_t", ST_COUNT },
};

static const struct {
	const char *name;
	enum stype_kind kind;
	bool is_signed;
} agg_names[] = {
	{ "sum_t", ST_SUM, true },	 { "usum_t", ST_SUM, false }, { "min_t", ST_MIN, true },
	{ "umin_t", ST_MIN, false },	 { "max_t", ST_MAX, true },   { "umax_t", ST_MAX, false },
	{ "avg_t", ST_AVG, true },	 { "uavg_t", ST_AVG, false }, { "stats_t", ST_STATS, true },
	{ "ustats_t", ST_STATS, false },
};

static const struct stype *own_type(struct sema *s, const char *name)
{
	if (!strcmp(name, "void"))
		return stype_void();
	if (!strcmp(name, "bool"))
		return stype_bool();
	if (!strcmp(name, "string"))
		return stype_str(sema_types(s), 1);
	for (u32 i = 0; i < ARRAY_SIZE(int_names); i++)
		if (!strcmp(name, int_names[i].name))
			return stype_int(int_names[i].size, int_names[i].is_signed);
	for (u32 i = 0; i < ARRAY_SIZE(other_names); i++)
		if (!strcmp(name, other_names[i].name))
			return stype_simple(other_names[i].kind);
	for (u32 i = 0; i < ARRAY_SIZE(agg_names); i++)
		if (!strcmp(name, agg_names[i].name))
			return stype_agg(sema_types(s), agg_names[i].kind, agg_names[i].is_signed);
	return NULL;
}

const struct stype *sema_type_find(struct sema *s, const char *name)
{
	const struct stype *t = own_type(s, name);
	const struct btf *dwarf;

	if (t)
		return t;
	if (s->ctypes && s->probe && s->probe->binary && s->w && s->w->dwarf_btf &&
	    !s->probe->has_dwarf) {
		/* what a binary of ours defines is asked for before the kernel's types */
		s->probe->has_dwarf = true;
		dwarf = s->w->dwarf_btf(s->w->arg, s->probe->binary);
		if (dwarf)
			ctypes_add_btf(s->ctypes, dwarf);
	}
	t = s->ctypes ? ctypes_find(s->ctypes, name) : NULL;
	for (u32 i = 0; !t && i < ARRAY_SIZE(c_names); i++)
		if (!strcmp(name, c_names[i].name))
			t = stype_int(c_names[i].size, c_names[i].is_signed);
	return t;
}

static void hint_type(struct sema *s, const char *name)
{
	static const char *const tags[] = { "struct ", "union ", "enum ", "" };
	struct near_name n = near_begin(name);
	const char *near[3], *bare = strrchr(name, ' ');
	u32 count = s->ctypes ? ctypes_near(s->ctypes, name, near, ARRAY_SIZE(near)) : 0;

	/* the same name, but a union or a typedef */
	for (u32 i = 0; i < ARRAY_SIZE(tags) && s->ctypes; i++) {
		const char *other =
			arena_printf(&s->prog->arena, "%s%s", tags[i], bare ? bare + 1 : name);

		if (!ctypes_find(s->ctypes, other))
			continue;
		sema_hint(s, "did you mean '%s'?", other);
		return;
	}

	for (u32 i = 0; i < ARRAY_SIZE(int_names); i++)
		near_try(&n, int_names[i].name);
	for (u32 i = 0; i < count; i++)
		if (!str_ends(near[i], " ")) /* one without a name */
			near_try(&n, near[i]);
	near_hint(s, &n);
}

/* "[N]" behind a type; of string and inet a part of the type itself: is_own. */
static const struct stype *dimension(struct sema *s, struct node *at, struct node *n,
				     const struct stype *t, bool is_own)
{
	const char *name = stype_name(sema_types(s), t);
	s64 count = 0;

	if (n->kind == NODE_INT && !*n->text && !n->value) {
		/* "[]": as many as the value to be cast has */
		if (!t->size) {
			sema_error(s, at, "array of '%s', whose size is not known", name);
			return NULL;
		}
		return stype_array(sema_types(s), t, 0);
	}
	sema_expr(s, n);
	if (!sema_literal_int(s, n, "number of elements", &count))
		return NULL;
	if (count < 1 || (u64)count * MAX(t->size, 1) > TYPE_BYTES_MAX) {
		sema_error(s, n,
			   "%lld elements of '%s': at most %d bytes may be had, and 1 is the least",
			   (long long)count, name, TYPE_BYTES_MAX);
		return NULL;
	}
	if (is_own && t->kind == ST_STR)
		return stype_str(sema_types(s), (u32)count);
	if (is_own && t->kind == ST_INET)
		return t;
	if (!t->size) {
		sema_error(s, at, "array of '%s', whose size is not known", name);
		return NULL;
	}
	return stype_array(sema_types(s), t, (u32)count);
}

static const struct stype *named_type(struct sema *s, struct node *n)
{
	struct node *first = n->kids;
	const struct stype *t;
	s64 bytes;

	if (!strcmp(n->text, "buffer") && first && first->kind != NODE_TYPE) {
		sema_expr(s, first);
		if (!sema_literal_int(s, first, "size of a buffer", &bytes))
			return NULL;
		if (bytes >= 0 && bytes <= TYPE_BYTES_MAX)
			return stype_buf(sema_types(s), (u32)bytes);
		sema_error(s, first, "a buffer has 0 to %d bytes", TYPE_BYTES_MAX);
		return NULL;
	}
	t = sema_type_find(s, n->text);
	if (!t) {
		sema_error(s, n, "unknown type '%s'", n->text);
		hint_type(s, n->text);
	}
	return t;
}

/* typeof(x): the type of x; of a map with keys, their type. */
const struct stype *sema_typeof(struct sema *s, struct node *n)
{
	const struct stype *t;
	struct bt_map *m;

	if (n->kind == NODE_TYPE)
		return sema_type(s, n);
	if (n->kind == NODE_MAP && !n->kids) {
		m = sema_map_find(s, n->text);
		if (m && m->key && m->key->kind != ST_NONE) {
			n->map = m;
			return m->key;
		}
	}
	if (n->kind == NODE_NAME && !sema_is_value_name(s, n)) {
		t = sema_type_find(s, n->text);
		if (t) {
			n->type = t;
			return t;
		}
	}
	s->asking++;
	t = sema_expr(s, n);
	s->asking--;
	return sema_is_known(t) ? t : NULL;
}

const struct stype *sema_type(struct sema *s, struct node *n)
{
	struct node *dim = n->kids;
	const struct stype *t;
	bool is_typeof = !strcmp(n->text, "typeof") && dim;

	if (n->kind != NODE_TYPE)
		return sema_typeof(s, n);
	t = is_typeof ? sema_typeof(s, dim) : named_type(s, n);
	if (is_typeof || !strcmp(n->text, "buffer"))
		dim = dim ? dim->next : NULL;
	if (n->value > POINTERS_MAX) {
		sema_error(s, n, "pointer to pointer %u times over", (u32)MIN(n->value, 1000));
		return NULL;
	}
	for (u64 i = 0; t && i < n->value; i++)
		t = stype_ptr(sema_types(s), t, SS_NONE);
	for (bool is_own = !is_typeof && !n->value; t && dim; dim = dim->next, is_own = false)
		t = dimension(s, n, dim, t, is_own);
	return t;
}

bool sema_constant(struct sema *s, const char *name, s64 *v, const struct stype **type)
{
	const struct syscall_info *call;

	*type = NULL;
	if (s->ctypes && ctypes_constant(s->ctypes, name, v, type))
		return true;
	/* <syscall.h> is not there where scripts run, or it is another architecture's */
	call = str_starts(name, "__NR_") ? syscall_by_name(name + 5) : NULL;
	if (call)
		*v = call->nr;
	return call;
}

const struct stype *sema_complete(struct sema *s, const struct stype *t)
{
	if (t->kind == ST_PTR)
		t = t->of;
	return t->kind == ST_STRUCT && s->ctypes ? ctypes_complete(s->ctypes, t) : t;
}

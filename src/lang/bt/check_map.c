/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/check_map.c - maps of a script: found by name, typed by what is used as key and value. */
#include "lang/bt/check_inner.h"
#include "lang/bt/probe.h"
#include <linux/bpf.h>
#include <string.h>

enum { KEYS_MAX = 64, KEY_BYTES_MAX = 1 << 16, MAPS_MAX = 4096 };

struct bt_map *sema_map_find(struct sema *s, const char *name)
{
	for (u32 i = 0; i < s->maps.n; i++)
		if (!strcmp(s->maps.p[i]->name, name))
			return s->maps.p[i];
	return NULL;
}

struct bt_map *sema_map_make(struct sema *s, const char *name, struct span at)
{
	struct bt_map *m = sema_map_find(s, name);

	if (m)
		return m;
	m = arena_alloc(&s->prog->arena, sizeof(*m));
	m->name = name;
	m->at = at;
	m->script_map = m->ir_map = UINT32_MAX;
	if (s->maps.n == MAPS_MAX) {
		struct node node = { .at = at };

		sema_fatal(s, &node, "maps", MAPS_MAX);
		return m;
	}
	if (!vec_push(&s->maps, m))
		s->failed = true;
	s->changed = true;
	return m;
}

struct bt_map *sema_map_arg(struct sema *s, struct node *n)
{
	if (n->kind != NODE_MAP) {
		if (n->kind != NODE_BAD)
			sema_error(s, n, "expected a map, such as @x");
		return NULL;
	}
	if (n->kids) {
		sema_error(s, n, "expected the map %s as a whole, without a key", n->text);
		return NULL;
	}
	n->map = sema_map_make(s, n->text, n->at);
	n->type = sema_unknown();
	return n->map;
}

/* ---- types ---- */

void sema_map_key(struct sema *s, struct bt_map *m, struct node *at, const struct stype *key)
{
	const struct stype *both;
	bool scalar = key == stype_none();

	if (!scalar && !sema_is_known(key)) {
		m->is_doubtful = true;
		return;
	}
	if (!m->key) {
		m->key = key;
		s->changed = true;
		return;
	}
	if (m->key->kind == ST_NONE || scalar) {
		if (m->key->kind == key->kind)
			return;
		if (scalar)
			sema_error(s, at,
				   "%s is used without a key here, elsewhere with one of type %s",
				   m->name, stype_name(sema_types(s), m->key));
		else
			sema_error(s, at,
				   "%s is used with a key of type %s here, elsewhere without one",
				   m->name, stype_name(sema_types(s), key));
		return;
	}
	if (sema_fits(s, key, m->key))
		return;
	both = m->is_fixed ? NULL : sema_common(s, m->key, key);
	if (!both) {
		sema_error(s, at, "the key of %s is of type %s here, elsewhere %s", m->name,
			   stype_name(sema_types(s), key), stype_name(sema_types(s), m->key));
		return;
	}
	if (!stype_same(both, m->key) || both->is_literal != m->key->is_literal) {
		m->key = both;
		s->changed = true;
	}
}

void sema_map_value(struct sema *s, struct bt_map *m, struct node *at, const struct stype *value)
{
	const struct stype *both;

	if (!sema_is_known(value)) {
		m->is_doubtful = true;
		return;
	}
	if (!m->value) {
		m->value = value;
		s->changed = true;
		return;
	}
	both = m->is_fixed ? (sema_fits(s, value, m->value) ? m->value : NULL)
			   : sema_common(s, m->value, value);
	/* a sum is not added to a number, nor a number put where a sum is */
	if (both && stype_is_agg(value) != stype_is_agg(m->value))
		both = NULL;
	if (!both) {
		sema_error(s, at, "%s holds values of type %s, not %s", m->name,
			   stype_name(sema_types(s), m->value), stype_name(sema_types(s), value));
		return;
	}
	if (!stype_same(both, m->value) || both->is_literal != m->value->is_literal) {
		m->value = both;
		s->changed = true;
	}
}

static bool key_part(struct sema *s, struct node *n, const struct stype *t)
{
	if (!sema_is_known(t))
		return false;
	if (stype_is_agg(t) || t->kind == ST_VOID) {
		sema_error(s, n, "a value of type %s can't be a key", stype_name(sema_types(s), t));
		return false;
	}
	if (t->kind == ST_PTR && t->space == SS_CTX) {
		sema_error(s, n, "the program's context can't be a key");
		return false;
	}
	return true;
}

static const struct stype *key_type(struct sema *s, struct node *n)
{
	u32 count = node_n_kids(n), i = 0;
	const struct stype **types;
	const struct stype *t;
	bool all = true;

	if (!count)
		return stype_none();
	if (count > KEYS_MAX) {
		sema_error(s, n, "a key of %u parts; at most %d are had", count, KEYS_MAX);
		return sema_unknown();
	}
	types = arena_alloc(sema_types(s), count * sizeof(*types));
	for (struct node *k = n->kids; k; k = k->next, i++) {
		types[i] = sema_read_type(sema_expr(s, k));
		all = key_part(s, k, types[i]) && all;
	}
	if (!all)
		return sema_unknown();
	t = count == 1 ? types[0] : stype_tuple(sema_types(s), types, NULL, count);
	if (t->size > KEY_BYTES_MAX) {
		sema_error(s, n, "a key of %u bytes; at most %d are had", t->size, KEY_BYTES_MAX);
		return sema_unknown();
	}
	return t;
}

void sema_map_access(struct sema *s, struct node *n)
{
	const struct stype *key = key_type(s, n);
	struct bt_map *m = sema_map_make(s, n->text, n->at);

	n->map = m;
	n->type = NULL;
	sema_map_key(s, m, n, key);
	n->type = m->value;
}

/* ---- declared: let @m = lruhash(100) ---- */

static const struct {
	const char *name;
	u32 type;
	bool is_percpu;
} kinds[] = {
	{ "hash", BPF_MAP_TYPE_HASH, false },
	{ "lruhash", BPF_MAP_TYPE_LRU_HASH, false },
	{ "percpuhash", BPF_MAP_TYPE_PERCPU_HASH, true },
	{ "percpulruhash", BPF_MAP_TYPE_LRU_PERCPU_HASH, true },
};

static void map_decl(struct sema *s, struct node *n)
{
	struct node *call = n->kids;
	struct bt_map *m = sema_map_find(s, n->text);
	s64 entries;

	if (m && m->decl && m->decl != n) {
		sema_error(s, n, "%s is declared twice", n->text);
		return;
	}
	m = sema_map_make(s, n->text, n->at);
	m->decl = n;
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(call->text, kinds[i].name))
			m->bpf_type = kinds[i].type;
	if (!m->bpf_type) {
		sema_error(s, call, "unknown kind of map '%s'", call->text);
		sema_hint(s, "there are: hash, lruhash, percpuhash, percpulruhash");
		return;
	}
	if (node_n_kids(call) != 1) {
		sema_error(s, call, "%s() takes the number of entries", call->text);
		return;
	}
	sema_expr(s, call->kids);
	if (!sema_literal_int(s, call->kids, "number of entries", &entries))
		return;
	if (entries < 1 || entries > UINT32_MAX) {
		sema_error(s, call->kids, "a map has 1 to %u entries, not %lld", UINT32_MAX,
			   (long long)entries);
		return;
	}
	m->max_entries = (u32)entries;
}

void sema_map_decls(struct sema *s)
{
	for (struct node *n = s->prog->root->kids; n; n = n->next)
		if (n->kind == NODE_MAP_DECL)
			map_decl(s, n);
}

/* ---- when all types are known ---- */

/* Is a probe of the script not among the programs, because its place is not there? */
static bool is_left_out(const struct sema *s)
{
	for (const struct node *n = s->prog->root->kids; n; n = n->next) {
		bool found = n->kind != NODE_PROBE;

		for (u32 i = 0; i < s->probes.n && !found; i++)
			found = s->probes.p[i]->node->at.from == n->at.from;
		if (!found)
			return true;
	}
	return false;
}

/* Is a map's type not known because of other mistakes (a missing probe, say)?  Then nothing more is
 * said of it. */
static bool is_open(const struct sema *s, const struct bt_map *m)
{
	return s->failed && (m->is_doubtful || is_left_out(s));
}

/* A map that is read but never written holds zeros; 0.17 refuses it. */
void sema_maps_default(struct sema *s)
{
	for (u32 i = 0; i < s->maps.n; i++) {
		struct bt_map *m = s->maps.p[i];

		if (!m->key && m->value)
			m->key = is_open(s, m) ? sema_unknown() : stype_none();
		if (m->key && !m->value && !sema_compat17(s)) {
			m->value = is_open(s, m) ? sema_unknown() : stype_int(8, true);
			m->is_default = true;
			s->changed = true;
		}
	}
}

static int by_name(const void *a, const void *b)
{
	const struct bt_map *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static void hint_map(struct sema *s, const struct bt_map *m)
{
	struct near_name n = near_begin(m->name);

	for (u32 i = 0; i < s->maps.n; i++)
		if (s->maps.p[i] != m && !s->maps.p[i]->is_missing)
			near_try(&n, s->maps.p[i]->name);
	near_hint(s, &n);
}

static void check_kind(struct sema *s, const struct bt_map *m)
{
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].type != m->bpf_type || kinds[i].is_percpu == stype_is_agg(m->value))
			continue;
		sema_error(s, m->decl, "%s is declared as %s, but its values of type %s want a %s",
			   m->name, kinds[i].name, stype_name(sema_types(s), m->value),
			   kinds[i].is_percpu ? "hash or lruhash" : "percpuhash or percpulruhash");
	}
}

/* What is still not known is a mistake, but for what a missing probe would have told; the rest of
 * the check may rely on types all the same. */
static void settle(struct sema *s, struct bt_map *m)
{
	bool unused = !m->key && !m->value && m->decl;

	if (unused)
		sema_warn(s, m->decl, "%s is declared, but never used", m->name);
	else if (!m->key || !m->value)
		m->is_missing = !is_left_out(s);
	if (!m->key)
		m->key = is_open(s, m) ? sema_unknown() : stype_none();
	if (!m->value)
		m->value = is_open(s, m) ? sema_unknown() : stype_int(8, true);
	if (m->bpf_type && m->decl && !unused)
		check_kind(s, m);
}

void sema_maps_missing(struct sema *s)
{
	bool failed = s->failed; /* by what may be why a type is not known */

	for (u32 i = 0; i < s->maps.n; i++) {
		struct bt_map *m = s->maps.p[i];
		struct node at = { .at = m->at };

		if (!m->is_missing || (m->is_doubtful && failed))
			continue;
		sema_error(s, &at, "nothing is ever assigned to %s", m->name);
		hint_map(s, m);
	}
}

void sema_maps_done(struct sema *s)
{
	if (s->maps.n)
		qsort(s->maps.p, s->maps.n, sizeof(*s->maps.p), by_name);
	for (u32 i = 0; i < s->maps.n; i++) {
		struct bt_map *m = s->maps.p[i];
		struct script_map *sm = vec_add(&s->script->maps);

		if (!sm) {
			s->failed = true;
			return;
		}
		settle(s, m);
		m->script_map = i;
		*sm = (struct script_map){ .name = arena_strdup(sema_types(s), m->name),
					   .obj_map = UINT32_MAX,
					   .key = m->key->kind == ST_NONE ? NULL : m->key,
					   .value = m->value,
					   .is_percpu = stype_is_agg(m->value) };
	}
}

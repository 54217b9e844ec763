/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/cdecl/btf.c - types out of BTF: each when it is asked for, and what it points to not before that too.
 *
 * A search for a name is a scan of the kernel's 126,000 types (some 2 ms), so answers are kept, also that a name is
 * not there, and several names can be asked for at once (ctypes_expect()).
 */
#include "lang/cdecl/priv.h"
#include "btf/print.h"

enum { KINDS_MAX = 3 };

static const struct stype *of_id(struct ctypes *c, const struct btf *btf, u32 id, bool whole, u32 depth);

/* ---- types made before ---- */

static struct cbtf_slot *slot_of(struct ctypes *c, const struct btf *btf, u32 id, bool whole)
{
	u64 h = ((uintptr_t)btf >> 4) * 31 + id * 2654435761u + whole;
	u32 i = (u32)(h ^ h >> 29) & (c->cap_cache - 1);

	while (c->cache[i].btf &&
	       (c->cache[i].btf != btf || c->cache[i].id != id || c->cache[i].is_whole != whole))
		i = (i + 1) & (c->cap_cache - 1);
	return &c->cache[i];
}

static bool cache_grow(struct ctypes *c)
{
	struct cbtf_slot *old = c->cache;
	u32 n = c->cap_cache;

	c->cap_cache = n ? 2 * n : 256;
	c->cache = calloc(c->cap_cache, sizeof(*c->cache));
	if (!c->cache) {
		c->cache = old;
		c->cap_cache = n;
		return false;
	}
	for (u32 i = 0; i < n; i++)
		if (old[i].btf)
			*slot_of(c, old[i].btf, old[i].id, old[i].is_whole) = old[i];
	free(old);
	return true;
}

static const struct stype *cached(struct ctypes *c, const struct btf *btf, u32 id, bool whole)
{
	return c->cap_cache ? slot_of(c, btf, id, whole)->type : NULL;
}

static void keep(struct ctypes *c, const struct btf *btf, u32 id, bool whole, const struct stype *t)
{
	if (c->n_cache * 2 >= c->cap_cache && !cache_grow(c))
		return;
	*slot_of(c, btf, id, whole) = (struct cbtf_slot){ btf, id, whole, t };
	c->n_cache++;
}

/* ---- one type ---- */

static struct stype *new_type(struct ctypes *c, enum stype_kind k, u32 size, const struct btf *btf, u32 id)
{
	struct stype *t = arena_alloc(c->o.types, sizeof(*t));

	t->kind = k;
	t->size = size;
	t->btf = btf;
	t->btf_id = id;
	return t;
}

/* "struct x"; NULL for one without a name. */
static const char *tag_name(struct ctypes *c, const struct btf *btf, u32 id, const char *what)
{
	const char *name = btf_name(btf, id);

	return *name ? arena_printf(c->o.types, "%s %s", what, name) : NULL;
}

/* The kernel's or a module's, not a binary's DWARF? */
static bool is_kernel(const struct ctypes *c, const struct btf *btf)
{
	return btf == c->o.btf || btf_first_id(btf) > 1;
}

static const struct stype *of_int(struct ctypes *c, const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, id);
	const char *name = btf_name(btf, id);

	if (btf_kind(t) == BTF_INT && t->size == 1 && btf_int_encoding(t) & BTF_INT_BOOL)
		return is_kernel(c, btf) ? stype_bool() : stype_int(1, false);
	if (t->size == 1 && strcmp(name, "char") == 0)
		return cchar_type();
	if (btf_kind(t) != BTF_INT || (t->size != 1 && t->size != 2 && t->size != 4 && t->size != 8))
		return copaque(c->o.types, arena_strdup(c->o.types, name), t->size);
	return stype_int(t->size, btf_int_encoding(t) & BTF_INT_SIGNED);
}

static const struct stype *of_enum(struct ctypes *c, const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, id);
	u32 n = btf_vlen(t), size = t->size == 1 || t->size == 2 || t->size == 8 ? t->size : 4;
	struct stype_field *f;
	struct stype *e;

	if (!*btf_name(btf, id))
		return stype_int(size, btf_kflag(t));
	e = new_type(c, ST_ENUM, size, btf, id);
	e->name = tag_name(c, btf, id, "enum");
	e->is_signed = btf_kflag(t);
	f = arena_alloc(c->o.types, n * sizeof(*f) + 1);
	for (u32 i = 0; i < n; i++) {
		f[i].name = arena_strdup(c->o.types, btf_str(btf, btf_enum_name_off(t, i)));
		f[i].type = stype_void();
		f[i].off = (s64)btf_enum_value(t, i);
	}
	e->fields = f;
	e->n_fields = n;
	return e;
}

/* A pointer to user memory says so by a tag, where the compiler knew. */
static enum stype_space space_of(const struct btf *btf, u32 target)
{
	for (u32 i = 0; i < STYPE_DEPTH_MAX; i++) {
		const struct btf_type *t = btf_type(btf, target);

		if (!btf_is_modifier(t))
			break;
		if (btf_kind(t) == BTF_TYPE_TAG && strcmp(btf_name(btf, target), "user") == 0)
			return SS_USER;
		target = t->type;
	}
	return SS_NONE;
}

static const struct stype *of_array(struct ctypes *c, const struct btf *btf, u32 id, u32 depth)
{
	const struct btf_array *a = btf_array(btf_type(btf, id));
	const struct stype *of = of_id(c, btf, a->type, true, depth + 1);
	u32 n = (u64)a->n * MAX(of->size, 1u) > INT32_MAX ? 0 : a->n;

	/* The kernel's bytes are strings, whatever their sign: scripts have come to expect it. */
	if (cis_char(of) || (of->kind == ST_INT && of->size == 1 && is_kernel(c, btf)))
		return stype_chars(c->o.types, n);
	return stype_array(c->o.types, of, n);
}

static void add_member(struct ctypes *c, const struct btf *btf, const struct btf_type *t, u32 i,
		       struct cfields *to, u32 depth)
{
	const struct btf_member *m = &btf_members(t)[i];
	u32 bit_off = btf_member_bit_off(t, i), bits = btf_member_bits(t, i);
	const struct btf_type *mt = btf_resolve(btf, m->type);
	const char *name = btf_str(btf, m->name_off);
	struct stype_field f = { .type = of_id(c, btf, m->type, true, depth + 1), .off = bit_off / 8 };

	if (!*name) {
		if (f.type->kind == ST_STRUCT)
			cfields_lift(to, f.type, bit_off / 8);
		return;
	}
	/* Old compilers put a bit-field's width into its integer. */
	if (!bits && btf_kind(mt) == BTF_INT && btf_int_bits(mt) < 8 * mt->size && btf_int_bits(mt)) {
		bits = btf_int_bits(mt);
		bit_off += btf_int_bit_off(mt);
	}
	f.name = arena_strdup(c->o.types, name);
	if (bits)
		cfield_bits(&f, bit_off, bits, t->size);
	if (to->n < STYPE_FIELDS_MAX)
		vec_push(to, f);
}

static const struct stype *of_struct(struct ctypes *c, const struct btf *btf, u32 id, bool whole, u32 depth)
{
	const struct btf_type *t = btf_type(btf, id);
	bool is_union = btf_kind(t) == BTF_UNION || (btf_kind(t) == BTF_FWD && btf_kflag(t));
	struct stype *s = new_type(c, ST_STRUCT, btf_kind(t) == BTF_FWD ? 0 : t->size, btf, id);
	struct cfields fields = {0};
	struct stype_field *f;

	s->name = tag_name(c, btf, id, is_union ? "union" : "struct");
	s->is_union = is_union;
	s->is_fwd = !whole || btf_kind(t) == BTF_FWD;
	if (s->is_fwd)
		return s;
	for (u32 i = 0; i < btf_vlen(t); i++)
		add_member(c, btf, t, i, &fields, depth);
	f = arena_alloc(c->o.types, fields.n * sizeof(*f) + 1);
	if (fields.n)
		memcpy(f, fields.p, fields.n * sizeof(*f));
	s->fields = f;
	s->n_fields = fields.n;
	s->align = btf_align(btf, id);
	vec_free(&fields);
	return s;
}

static const struct stype *make(struct ctypes *c, const struct btf *btf, u32 id, bool whole, u32 depth)
{
	const struct btf_type *t = btf_type(btf, id);

	switch (btf_kind(t)) {
	case BTF_INT:
	case BTF_FLOAT:
		return of_int(c, btf, id);
	case BTF_ENUM:
	case BTF_ENUM64:
		/* What a binary's DWARF has is a number to bpftrace, unless it is asked for by name. */
		return is_kernel(c, btf) ? of_enum(c, btf, id) : stype_int(t->size == 8 ? 8 : 4, false);
	case BTF_PTR:
		return stype_ptr(c->o.types, of_id(c, btf, t->type, false, depth + 1), space_of(btf, t->type));
	case BTF_ARRAY:
		return of_array(c, btf, id, depth);
	case BTF_STRUCT:
	case BTF_UNION:
	case BTF_FWD:
		return of_struct(c, btf, id, whole, depth);
	case BTF_VAR:
		return of_id(c, btf, t->type, whole, depth + 1);
	}
	return stype_void(); /* functions too: they can only be pointed to */
}

static const struct stype *of_id(struct ctypes *c, const struct btf *btf, u32 id, bool whole, u32 depth)
{
	const struct stype *t;

	id = btf_skip(btf, id);
	if (depth >= STYPE_DEPTH_MAX)
		return stype_void();
	whole |= !btf_is_composite(btf_type(btf, id));
	t = cached(c, btf, id, whole);
	if (t)
		return t;
	t = make(c, btf, id, whole, depth);
	keep(c, btf, id, whole, t);
	return t;
}

const struct stype *ctypes_of_btf(struct ctypes *c, const struct btf *btf, u32 id)
{
	return of_id(c, btf, id, true, 0);
}

const struct btf *ctypes_kernel(struct ctypes *c)
{
	if (!c->o.btf && c->o.btf_get) {
		c->o.btf = c->o.btf_get(c->o.arg);
		c->o.btf_get = NULL;
	}
	return c->o.btf;
}

void ctypes_add_btf(struct ctypes *c, const struct btf *btf)
{
	for (u32 i = 0; i < c->btfs.n; i++)
		if (c->btfs.p[i] == btf)
			return;
	if (btf && btf != c->o.btf && vec_push(&c->btfs, btf))
		c->gen++;
}

/* ---- by name ---- */

/* What "struct x" is in BTF, the best kind first: their number.  *bare is the name without its tag. */
static u32 kinds_of(const char *name, u32 kinds[KINDS_MAX], const char **bare)
{
	static const struct {
		const char *prefix;
		u32 kinds[KINDS_MAX], n;
	} tags[] = {
		{ "struct ", { BTF_STRUCT, BTF_FWD }, 2 },
		{ "union ", { BTF_UNION, BTF_FWD }, 2 },
		{ "enum ", { BTF_ENUM, BTF_ENUM64 }, 2 },
		{ "", { BTF_TYPEDEF, BTF_INT, BTF_FLOAT }, 3 },
	};
	u32 i = 0;

	while (!str_starts(name, tags[i].prefix))
		i++;
	memcpy(kinds, tags[i].kinds, sizeof(tags[i].kinds));
	*bare = name + strlen(tags[i].prefix);
	return tags[i].n;
}

static struct cfound *found_get(struct ctypes *c, const char *key)
{
	struct cfound *f;
	u32 at;

	if (strmap_get(&c->found_by, key, &at))
		return &c->found.p[at];
	f = vec_add(&c->found);
	if (!f || strmap_set(&c->found_by, arena_strdup(&c->arena, key), c->found.n - 1))
		return NULL;
	f->gen = UINT32_MAX;
	return f;
}

/* Looks in the BTF that was added. */
static bool find_added(struct ctypes *c, const char *name, struct cfound *f)
{
	u32 kinds[KINDS_MAX], n;
	const char *bare;

	n = kinds_of(name, kinds, &bare);
	for (u32 i = 0; i < c->btfs.n; i++)
		for (u32 k = 0; k < n; k++) {
			u32 id = btf_find_own(c->btfs.p[i], bare, kinds[k]);

			if (id && kinds[k] != BTF_FWD) {
				f->btf = c->btfs.p[i];
				f->id = id;
				return true;
			}
		}
	return false;
}

static bool is_known(const struct ctypes *c, const struct cfound *f)
{
	return f && (f->id || f->gen == c->gen);
}

void ctypes_expect(struct ctypes *c, const char *const *names, u32 n)
{
	VEC(struct btf_query) q = {0};
	VEC(u32) of = {0};

	for (u32 i = 0; i < n; i++) {
		struct cfound *f = found_get(c, names[i]);
		u32 kinds[KINDS_MAX], n_kinds;
		const char *bare;

		if (!f || is_known(c, f))
			continue;
		f->gen = c->gen;
		if (find_added(c, names[i], f) || !ctypes_kernel(c))
			continue;
		n_kinds = kinds_of(names[i], kinds, &bare);
		for (u32 k = 0; k < n_kinds; k++) {
			struct btf_query one = { .name = bare, .kind = kinds[k] };

			vec_push(&q, one);
			vec_push(&of, (u32)(f - c->found.p));
		}
	}
	if (q.n)
		btf_find_all(c->o.btf, q.p, q.n);
	for (u32 i = 0; i < MIN(q.n, of.n); i++) {
		struct cfound *f = &c->found.p[of.p[i]];

		if (q.p[i].id && !f->id) {
			f->btf = c->o.btf;
			f->id = q.p[i].id;
		}
	}
	vec_free(&q);
	vec_free(&of);
}

static const struct cfound *find(struct ctypes *c, const char *name)
{
	ctypes_expect(c, &name, 1);
	return found_get(c, name);
}

const struct stype *cbtf_find(struct ctypes *c, const char *name)
{
	const struct cfound *f = find(c, name);

	if (!f || !f->id)
		return NULL;
	return btf_is_enum(btf_type(f->btf, f->id)) ? of_enum(c, f->btf, f->id) : ctypes_of_btf(c, f->btf, f->id);
}

bool ctypes_print(struct ctypes *c, const char *name, struct str *out)
{
	const struct cfound *f = find(c, name);

	if (!f || !f->id || btf_kind(btf_type(f->btf, f->id)) == BTF_FWD)
		return false;
	btf_print_def(f->btf, f->id, out);
	str_add(out, ";\n");
	return true;
}

/* ---- enumerators ---- */

static bool scan_enums(const struct btf *btf, const char *name, struct cfound *f)
{
	for (u32 id = btf_first_id(btf); id < btf_n_types(btf); id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (!btf_is_enum(t))
			continue;
		for (u32 i = 0; i < btf_vlen(t); i++) {
			const char *is = btf_str(btf, btf_enum_name_off(t, i));

			if (*is == *name && strcmp(is, name) == 0) {
				f->btf = btf;
				f->id = id;
				f->value = (s64)btf_enum_value(t, i);
				return true;
			}
		}
	}
	return false;
}

bool cbtf_constant(struct ctypes *c, const char *name, s64 *v, const struct stype **type)
{
	char key[CNAME_MAX + 2];
	struct cfound *f;
	bool known;

	if (strlen(name) >= CNAME_MAX)
		return false;
	key[0] = '=';
	strcpy(key + 1, name);
	f = found_get(c, key);
	if (!f)
		return false;
	known = is_known(c, f);
	f->gen = c->gen;
	for (u32 i = 0; i < c->btfs.n && !known; i++)
		known = scan_enums(c->btfs.p[i], name, f);
	if (!known && ctypes_kernel(c))
		scan_enums(c->o.btf, name, f);
	if (!f->id)
		return false;
	*v = f->value;
	*type = of_enum(c, f->btf, f->id);
	if ((*type)->kind != ST_ENUM)
		*type = NULL;
	return true;
}

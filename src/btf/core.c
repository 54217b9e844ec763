/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/core.c - CO-RE: candidates for root types, and what a relocation comes to. */
#include "btf/core.h"
#include "base/vec.h"
#include "btf/core_spec.h"
#include "btf/image.h"
#include <errno.h>
#include <string.h>

struct cand {
	const struct btf *btf;
	u32 id;
};

struct root {
	u32 type_id;
	const char *name;   /* borrowed from the local BTF */
	u32 len;            /* without the flavour */
	u32 kinds;          /* bit per kind that a candidate may have */
	bool closed;        /* a former search found some */
	VEC(struct cand) cands;
};

struct core {
	const struct btf *local;
	VEC(struct root) roots;
	u32 *root_of;       /* owned; per local type id: root number + 1 */
};

u32 core_essential_len(const char *name)
{
	size_t n = strlen(name);

	/* X___Y, where X and Y are no underscores: the last one counts. */
	for (size_t i = n < 5 ? 0 : n - 4; i-- > 0;)
		if (name[i] != '_' && memcmp(name + i + 1, "___", 3) == 0 && name[i + 4] != '_')
			return i + 1;
	return n;
}

struct core *core_new(const struct btf *local)
{
	struct core *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->local = local;
	c->root_of = calloc(btf_n_types(local), sizeof(u32));
	if (!c->root_of) {
		free(c);
		return NULL;
	}
	return c;
}

void core_free(struct core *c)
{
	if (!c)
		return;
	for (u32 i = 0; i < c->roots.n; i++)
		vec_free(&c->roots.p[i].cands);
	vec_free(&c->roots);
	free(c->root_of);
	free(c);
}

int core_want(struct core *c, u32 type_id)
{
	const struct btf_type *t = btf_type(c->local, type_id);
	struct root *r;

	if (type_id >= btf_n_types(c->local))
		return -EINVAL;
	if (c->root_of[type_id])
		return 0;
	r = vec_add(&c->roots);
	if (!r)
		return -ENOMEM;
	r->type_id = type_id;
	r->name = btf_str(c->local, t->name_off);
	r->len = core_essential_len(r->name);
	r->kinds = btf_is_enum(t) ? 1u << BTF_ENUM | 1u << BTF_ENUM64 : 1u << btf_kind(t);
	c->root_of[type_id] = c->roots.n;
	return 0;
}

u32 core_n_open(const struct core *c)
{
	u32 n = 0;

	for (u32 i = 0; i < c->roots.n; i++)
		n += !c->roots.p[i].cands.n && c->roots.p[i].len;
	return n;
}

/* Which names can be candidates at all: by the first four bytes, of shorter ones by the first. */
struct sieve {
	u64 prefixes[1024 / 64];
	bool first[256];
	u32 kinds;
};

static u32 prefix_bit(const char *name)
{
	u32 v;

	memcpy(&v, name, 4);
	return v * 0x9e3779b1u >> 22;
}

static void sieve_make(struct sieve *s, const struct core *c)
{
	memset(s, 0, sizeof(*s));
	for (u32 i = 0; i < c->roots.n; i++) {
		const struct root *r = &c->roots.p[i];

		if (r->closed || !r->len)
			continue;
		s->kinds |= r->kinds;
		if (r->len >= 4)
			s->prefixes[prefix_bit(r->name) / 64] |= 1ul << (prefix_bit(r->name) % 64);
		else
			s->first[(u8)r->name[0]] = true;
	}
}

static bool sieve_passes(const struct sieve *s, const char *name, size_t room)
{
	return s->first[(u8)name[0]] ||
	       (room > 4 && s->prefixes[prefix_bit(name) / 64] & 1ul << (prefix_bit(name) % 64));
}

static int add_cands(struct core *c, const struct btf *target, u32 id, u32 kind, const char *name)
{
	u32 len = core_essential_len(name);

	for (u32 i = 0; i < c->roots.n; i++) {
		struct root *r = &c->roots.p[i];

		if (r->closed || r->len != len || !(r->kinds & 1u << kind) ||
		    memcmp(r->name, name, len) != 0)
			continue;
		if (!vec_push(&r->cands, ((struct cand){ target, id })))
			return -ENOMEM;
	}
	return 0;
}

int core_search(struct core *c, const struct btf *target)
{
	struct sieve s;

	sieve_make(&s, c);
	for (u32 i = 0; s.kinds && i < target->n_own; i++) {
		const struct btf_type *t = (const void *)(target->types + target->offs[i]);
		u32 kind = btf_kind(t), off = t->name_off - target->first_str;
		const char *name;
		size_t room;
		int err;

		if (!(s.kinds & 1u << kind) || !t->name_off)
			continue;
		if (t->name_off >= target->first_str) {
			if (off >= target->strs_size)
				continue;
			name = target->strs + off;
			room = target->strs_size - off;
		} else {
			name = btf_str(target, t->name_off);
			room = strlen(name) + 1;
		}
		if (!*name || !sieve_passes(&s, name, room))
			continue;
		err = add_cands(c, target, target->first_id + i, kind, name);
		if (err)
			return err;
	}
	/* What the kernel itself has is not looked for in modules; those add up. */
	for (u32 i = 0; !target->base && i < c->roots.n; i++)
		c->roots.p[i].closed = c->roots.p[i].cands.n > 0;
	return 0;
}

/* ---- values ---- */

/* Bytes of an element at the bottom of nested arrays, else of the type. */
static s64 elem_size(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_resolve(btf, id);

	for (u32 depth = 0; btf_kind(t) == BTF_ARRAY && depth < BTF_DEPTH_MAX; depth++) {
		id = btf_array(t)->type;
		t = btf_resolve(btf, id);
	}
	return btf_size(btf, id);
}

struct value {
	u64 v;
	u32 field_size, type_id;
	bool validate;
};

enum { POISON = 1 }; /* result of the functions below: the target lacks it */

static int index_value(const struct core_spec *s, struct value *out)
{
	const struct core_step *last = &s->steps[s->n_steps - 1];
	s64 size;

	switch (s->kind) {
	case CORE_FIELD_BYTE_OFFSET:
		size = elem_size(s->btf, last->type_id);
		out->v = s->bit_off / 8;
		out->field_size = (u32)size;
		out->type_id = last->type_id;
		return size < 0 ? -EINVAL : 0;
	case CORE_FIELD_BYTE_SIZE:
		size = btf_size(s->btf, last->type_id);
		out->v = (u64)size;
		return size < 0 ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* The bytes that a bitfield is loaded with: of its type, twice as many where it straddles. */
static int bitfield_bytes(const struct core_spec *s, u32 bits, u32 type_size, u32 *off, u32 *size)
{
	if (!type_size)
		return -EINVAL;
	*size = type_size;
	*off = s->bit_off / 8 / *size * *size;
	while (s->bit_off + bits - *off * 8 > *size * 8) {
		if (*size >= 8)
			return -E2BIG;
		*size *= 2;
		*off = s->bit_off / 8 / *size * *size;
	}
	return 0;
}

static int field_value(const struct core_spec *s, u32 kind, struct value *out)
{
	const struct core_step *last;
	const struct btf_type *t, *mt;
	u32 bits, off, size, member;
	bool bitfield;
	s64 found;
	int err = 0;

	if (kind == CORE_FIELD_EXISTS) {
		out->v = s != NULL;
		return 0;
	}
	if (!s)
		return POISON;
	last = &s->steps[s->n_steps - 1];
	if (!last->name)
		return index_value(s, out);
	t = btf_type(s->btf, last->type_id);
	member = btf_skip(s->btf, btf_members(t)[last->index].type);
	mt = btf_type(s->btf, member);
	bits = btf_member_bits(t, last->index);
	bitfield = bits > 0;
	/* Compilers may choose other bytes for a bitfield than we. */
	out->validate = !bitfield;
	if (bitfield) {
		err = bitfield_bytes(s, bits, mt->size, &off, &size);
	} else {
		found = btf_size(s->btf, member);
		err = found < 0 ? -EINVAL : 0;
		size = (u32)found;
		off = s->bit_off / 8;
		bits = size * 8;
	}
	if (err)
		return err;
	switch (kind) {
	case CORE_FIELD_BYTE_OFFSET:
		out->v = off;
		if (bitfield)
			return 0;
		found = elem_size(s->btf, member);
		out->field_size = (u32)found;
		out->type_id = member;
		return found < 0 ? -EINVAL : 0;
	case CORE_FIELD_BYTE_SIZE:
		out->v = size;
		return 0;
	case CORE_FIELD_SIGNED:
		out->v = (btf_is_enum(mt) && btf_kflag(mt)) ||
			 (btf_kind(mt) == BTF_INT && btf_int_encoding(mt) & BTF_INT_SIGNED);
		out->validate = true;
		return 0;
	case CORE_FIELD_LSHIFT_U64:
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		out->v = 64 - (s->bit_off + bits - off * 8);
#else
		out->v = (8 - size) * 8 + (s->bit_off - off * 8);
#endif
		return 0;
	case CORE_FIELD_RSHIFT_U64:
		out->v = 64 - bits;
		out->validate = true;
		return 0;
	}
	return -ENOTSUP;
}

static int type_value(const struct core_spec *s, u32 kind, struct value *out)
{
	s64 size;

	if (!s)
		return 0;
	switch (kind) {
	case CORE_TYPE_ID_TARGET:
		out->v = s->root;
		/* Linking may have changed the id in the insn. */
		out->validate = false;
		return 0;
	case CORE_TYPE_EXISTS:
	case CORE_TYPE_MATCHES:
		out->v = 1;
		return 0;
	case CORE_TYPE_SIZE:
		size = btf_size(s->btf, s->root);
		out->v = (u64)size;
		return size < 0 ? -EINVAL : 0;
	}
	return -ENOTSUP;
}

static int enumval_value(const struct core_spec *s, u32 kind, struct value *out)
{
	const struct btf_type *t;

	if (kind == CORE_ENUMVAL_EXISTS) {
		out->v = s != NULL;
		return 0;
	}
	if (!s)
		return POISON;
	t = btf_type(s->btf, s->steps[0].type_id);
	/* As libbpf: 32-bit enumerators count as signed, whatever the enum says. */
	out->v = btf_kind(t) == BTF_ENUM ? (u64)(s64)btf_enums(t)[s->steps[0].index].value
					 : btf_enum_value(t, s->steps[0].index);
	return 0;
}

static int value_of(const struct core_spec *s, u32 kind, struct value *out)
{
	*out = (struct value){ .validate = true };
	if (core_is_field(kind))
		return field_value(s, kind, out);
	return core_is_enumval(kind) ? enumval_value(s, kind, out) : type_value(s, kind, out);
}

/* Loads and stores may be made wider or narrower for pointers and unsigned integers only: the
 * upper bits are zero then. */
static bool size_adjustable(const struct btf_type *a, const struct btf_type *b)
{
	if (btf_kind(a) == BTF_PTR && btf_kind(b) == BTF_PTR)
		return true;
	return btf_kind(a) == BTF_INT && btf_kind(b) == BTF_INT &&
	       btf_int_encoding(a) != BTF_INT_SIGNED && btf_int_encoding(b) != BTF_INT_SIGNED;
}

/* target NULL: no candidate matched. */
static int decide(const struct core_spec *local, const struct core_spec *target,
		  struct core_result *out)
{
	struct value orig, new = {0};
	int err = value_of(local, local->kind, &orig);

	if (err >= 0)
		err = value_of(target, local->kind, &new);
	if (err < 0)
		return err;
	*out = (struct core_result){
		.orig = orig.v,
		.value = err == POISON ? 0 : new.v,
		.poison = err == POISON,
		.validate = orig.validate,
		.orig_size = orig.field_size,
		.new_size = new.field_size,
		.btf = target ? target->btf : NULL,
		.type_id = target ? target->root : 0,
	};
	if (core_is_field(local->kind) && !out->poison && out->orig_size != out->new_size)
		out->bad_size = !size_adjustable(btf_type(local->btf, orig.type_id),
						 btf_type(target->btf, new.type_id));
	return 0;
}

/* ---- resolving ---- */

struct question {
	const struct btf *local;
	u32 type_id, kind;
	const char *spec;
	struct diag *dg;
	struct place at;
};

static int fail(const struct question *q, int err, const char *what)
{
	struct str text = {0};

	core_describe(q->local, q->type_id, q->spec, q->kind, &text);
	err = diag_error(q->dg, q->at, err, "CO-RE: %s: %s", str_text(&text), what);
	str_free(&text);
	return err;
}

static int try_cands(const struct question *q, struct root *root, const struct core_spec *local,
		     struct core_result *out)
{
	struct core_spec target;
	u32 matched = 0, bit_off = 0;

	for (u32 i = 0; i < root->cands.n; i++) {
		struct cand cand = root->cands.p[i];
		struct core_result r;
		int err = core_spec_match(local, cand.btf, cand.id, &target);

		if (err < 0)
			return fail(q, err, "a candidate's types nest too deep, or have no size");
		if (err == 0)
			continue;
		err = decide(local, &target, &r);
		if (err < 0)
			return fail(q, err, "no value can be given for it");
		if (!matched) {
			*out = r;
			bit_off = target.bit_off;
		} else if (target.bit_off != bit_off) {
			return fail(q, -EINVAL, "several types of that name have it at different "
						"offsets");
		} else if (r.poison != out->poison || r.value != out->value) {
			return fail(q, -EINVAL, "several types of that name disagree");
		}
		/* Those that do not fit need not be tried again for this root. */
		root->cands.p[matched++] = cand;
	}
	if (matched)
		root->cands.n = matched;
	return matched;
}

int core_resolve(struct core *c, u32 type_id, const char *spec, u32 kind, struct diag *dg,
		 struct place at, struct core_result *out)
{
	struct question q = { c->local, type_id, kind, spec, dg, at };
	struct core_result r = {0};
	struct core_spec local;
	struct root *root;
	int err = core_spec_parse(c->local, type_id, spec, kind, &local);

	if (err)
		return fail(&q, -EINVAL, "the path does not lead through that type");
	if (kind == CORE_TYPE_ID_LOCAL) {
		*out = (struct core_result){ .orig = type_id, .value = type_id };
		return 0;
	}
	if (type_id >= btf_n_types(c->local) || !c->root_of[type_id])
		return fail(&q, -EINVAL, "its root type was not announced");
	root = &c->roots.p[c->root_of[type_id] - 1];
	if (!root->len)
		return fail(&q, -ENOTSUP, "types without a name can't be found");
	err = try_cands(&q, root, &local, &r);
	if (err == 0) {
		err = decide(&local, NULL, &r);
		if (err < 0)
			return fail(&q, err, "no value can be given for it");
	}
	if (err < 0)
		return err;
	*out = r;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/cdecl/layout.c - where the members of a struct lie: the rules of gcc on x86-64. */
#include "lang/cdecl/priv.h"

enum { STRUCT_BITS_MAX = 1u << 30 };

/* A bit-field that waits for the struct's size: off is in bits. */
#define PENDING UINT32_MAX

void cfield_bits(struct stype_field *f, u64 bit_off, u32 bits, u64 struct_size)
{
	u64 unit = 8ull * MAX(f->type->size, 1u), start = bit_off / unit * unit;

	/* The unit that C would read, so that a plain load serves; only packed fields reach over it. */
	if (bit_off - start + bits > unit || (start + unit) / 8 > struct_size)
		start = bit_off / 8 * 8;
	f->off = (s64)(start / 8);
	f->bit_off = (u32)(bit_off - start);
	f->bits = bits;
}

bool cfields_lift(struct cfields *to, const struct stype *t, u64 off)
{
	for (u32 i = 0; i < t->n_fields; i++) {
		struct stype_field f = t->fields[i];

		f.off += (s64)off;
		if (to->n >= STYPE_FIELDS_MAX || !vec_push(to, f))
			return false;
	}
	return true;
}

static u64 align_bits(const struct clayout *l, const struct stype *type, const struct cattr *attr)
{
	u64 a = 8ull * stype_align(type);

	if (l->is_packed || attr->is_packed)
		a = 8;
	if (l->pack)
		a = MIN(a, 8ull * l->pack);
	return MAX(a, 8ull * attr->align);
}

/* Where a bit-field begins. */
static u64 bits_at(struct clayout *l, u64 unit, u64 bits, bool packed)
{
	u64 at = l->is_union ? 0 : l->bits;

	if (!bits)
		return ALIGN_UP(at, unit);
	return packed || at % unit + bits <= unit ? at : ALIGN_UP(at, unit);
}

void clayout_add(struct clayout *l, const char *name, const struct stype *type, s64 bits,
		 const struct cattr *attr)
{
	u64 a = align_bits(l, type, attr), at, end;
	struct stype_field f = { .name = name, .type = type };

	if (bits >= 0) {
		at = bits_at(l, 8ull * type->size, (u64)bits, l->is_packed || attr->is_packed || l->pack);
		end = at + (u64)bits;
		f.off = (s64)at;
		f.bits = (u32)bits;
		f.bit_off = PENDING;
	} else {
		at = l->is_union ? 0 : ALIGN_UP(l->bits, a);
		end = at + 8ull * type->size;
		f.off = (s64)(at / 8);
	}
	l->too_big |= end > STRUCT_BITS_MAX;
	if (name || bits < 0)
		l->align = MAX(l->align, (u32)(a / 8));
	l->bits = l->too_big ? 0 : end;
	l->most = MAX(l->most, l->bits);
	if (!name && bits < 0)
		l->too_big |= !cfields_lift(&l->fields, type, at / 8);
	else if (name)
		l->too_big |= l->fields.n >= STYPE_FIELDS_MAX || !vec_push(&l->fields, f);
}

void clayout_end(struct clayout *l, struct stype *out, const struct cattr *attr)
{
	struct stype_field *f = arena_alloc(l->c->o.types, l->fields.n * sizeof(*f) + 1);

	out->align = MAX(MAX(l->align, attr->align), 1u);
	out->size = (u32)ALIGN_UP((l->is_union ? l->most : l->bits) / 8 +
				  ((l->is_union ? l->most : l->bits) % 8 != 0), (u64)out->align);
	if (l->fields.n)
		memcpy(f, l->fields.p, l->fields.n * sizeof(*f));
	for (u32 i = 0; i < l->fields.n; i++)
		if (f[i].bit_off == PENDING)
			cfield_bits(&f[i], (u64)f[i].off, f[i].bits, out->size);
	out->fields = f;
	out->n_fields = l->fields.n;
	vec_free(&l->fields);
}

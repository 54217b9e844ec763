/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/find.c - types by name: one linear scan for one name or many.
 *
 * Most of a scan's cost is the cache misses on the names, so kinds that nobody asks for are passed
 * over first, then a filter on the first four bytes of the name, and only then names are compared.
 */
#include "btf/image.h"
#include <string.h>

enum { FILTER_BITS = 4096 };

struct filter {
	u64 bits[FILTER_BITS / 64];
	u32 kinds; /* bit per kind */
};

/* The first four bytes; a shorter name's are followed by zeros. */
static u32 prefix_of(const char *name, size_t room)
{
	u32 v = 0;

	if (room >= 4) {
		memcpy(&v, name, 4);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		/* Nothing after the NUL counts. */
		if (!(v & 0xff))
			return 0;
		if (!(v & 0xff00))
			return v & 0xff;
		if (!(v & 0xff0000))
			return v & 0xffff;
		return v;
#endif
	}
	v = 0;
	for (size_t i = 0; i < 4 && i < room && name[i]; i++)
		v |= (u32)(u8)name[i] << (8 * i);
	return v;
}

static u32 filter_bit(u32 prefix)
{
	return (prefix * 0x9e3779b1u) >> 20;
}

static void filter_make(struct filter *f, const struct btf_query *q, u32 n)
{
	memset(f, 0, sizeof(*f));
	for (u32 i = 0; i < n; i++) {
		u32 bit = filter_bit(prefix_of(q[i].name, strlen(q[i].name) + 1));

		if (q[i].id)
			continue;
		f->bits[bit / 64] |= 1ul << (bit % 64);
		f->kinds |= q[i].kind ? 1u << (q[i].kind & 31) : ~0u;
	}
}

/* Answers what this BTF's own types can; returns how many queries stay open. */
static u32 scan(const struct btf *btf, struct btf_query *q, u32 n, u32 open)
{
	struct filter f;

	filter_make(&f, q, n);
	for (u32 i = 0; i < btf->n_own && open; i++) {
		const struct btf_type *t = (const void *)(btf->types + btf->offs[i]);
		const char *name;
		u32 bit, off = t->name_off - btf->first_str;

		if (!(f.kinds & 1u << btf_kind(t)) || !t->name_off)
			continue;
		/* A split BTF's types may have names of the base. */
		if (t->name_off < btf->first_str) {
			name = btf_str(btf, t->name_off);
			bit = filter_bit(prefix_of(name, strlen(name) + 1));
		} else if (off < btf->strs_size) {
			name = btf->strs + off;
			bit = filter_bit(prefix_of(name, btf->strs_size - off));
		} else {
			continue;
		}
		if (!(f.bits[bit / 64] & 1ul << (bit % 64)))
			continue;
		for (u32 j = 0; j < n; j++)
			if (!q[j].id && (!q[j].kind || q[j].kind == btf_kind(t)) &&
			    strcmp(q[j].name, name) == 0) {
				q[j].id = btf->first_id + i;
				open--;
			}
	}
	return open;
}

void btf_find_all(const struct btf *btf, struct btf_query *queries, u32 n)
{
	const struct btf *chain[8];
	u32 depth = 0, open = n;

	for (u32 i = 0; i < n; i++)
		queries[i].id = 0;
	for (; btf && depth < ARRAY_SIZE(chain); btf = btf->base)
		chain[depth++] = btf;
	while (depth-- && open)
		open = scan(chain[depth], queries, n, open);
}

u32 btf_find(const struct btf *btf, const char *name, u32 kind)
{
	struct btf_query q = { .name = name, .kind = kind };

	btf_find_all(btf, &q, 1);
	return q.id;
}

u32 btf_find_own(const struct btf *btf, const char *name, u32 kind)
{
	struct btf_query q = { .name = name, .kind = kind };

	scan(btf, &q, 1, 1);
	return q.id;
}

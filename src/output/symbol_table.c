/* SPDX-License-Identifier: BSD-2-Clause */
/* output/symbol_table.c - symbols sorted by address. */
#include "base/vec.h"
#include "output/symbol_inner.h"
#include <stdlib.h>
#include <string.h>

enum { NESTED_MAX = 16, NAMES_MAX = 1 << 30 };

bool symtab_add(struct symbol_table *t, u64 addr, u64 size, const char *name, size_t name_len,
		u8 rank)
{
	if (name_len >= NAMES_MAX || t->names_len > NAMES_MAX - name_len - 1 ||
	    !vec_grow((void **)&t->names, &t->names_cap, t->names_len + name_len + 1, 1) ||
	    !vec_grow((void **)&t->p, &t->cap, t->n + 1ul, sizeof(*t->p)))
		return false;
	t->p[t->n++] =
		(struct symbol_entry){addr, (u32)MIN(size, (u64)UINT32_MAX), t->names_len, rank};
	memcpy(t->names + t->names_len, name, name_len);
	t->names[t->names_len + name_len] = '\0';
	t->names_len += (u32)name_len + 1;
	t->sorted = false;
	return true;
}

/* By address; the highest rank first, of equal ones that which was added first. */
static int by_addr(const void *a, const void *b)
{
	const struct symbol_entry *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name);
}

void symtab_sort(struct symbol_table *t)
{
	u32 kept = 0;

	if (t->sorted || !t->n)
		return;
	qsort(t->p, t->n, sizeof(*t->p), by_addr);
	for (u32 i = 0; i < t->n; i++)
		if (!i || t->p[i].addr != t->p[kept - 1].addr)
			t->p[kept++] = t->p[i];
	t->n = kept;
	t->sorted = true;
}

const struct symbol_entry *symtab_find(const struct symbol_table *t, u64 addr)
{
	u32 low = 0, high = t->n;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (t->p[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	/* A label inside a function may end before the address: then the function has it. */
	for (u32 i = low; i-- > 0 && low - i <= NESTED_MAX;) {
		const struct symbol_entry *e = &t->p[i];

		if (addr - e->addr < e->size || addr == e->addr || (!e->size && i + 1 == low))
			return e;
	}
	return NULL;
}

void symtab_free(struct symbol_table *t)
{
	free(t->p);
	free(t->names);
	*t = (struct symbol_table){0};
}

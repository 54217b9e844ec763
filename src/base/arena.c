/* SPDX-License-Identifier: BSD-2-Clause */
/* base/arena.c - blocks of doubling size, filled from the front. */
#include "base/arena.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_MIN = 4096, BLOCK_MAX = 1 << 20 };

struct arena_block {
	struct arena_block *prev;
	size_t size; /* bytes of data[] */
	_Alignas(16) char data[];
};

void *arena_alloc(struct arena *a, size_t size)
{
	size_t need = ALIGN_UP(size, (size_t)16);

	if (need < size || (size_t)(a->end - a->next) < need) {
		size_t want = a->head ? MIN(a->head->size * 2, (size_t)BLOCK_MAX) : (size_t)BLOCK_MIN;
		struct arena_block *b;

		want = MAX(want, need);
		b = need < size ? NULL : calloc(1, sizeof(*b) + want);
		if (!b)
			abort();
		b->prev = a->head;
		b->size = want;
		a->head = b;
		a->next = b->data;
		a->end = b->data + want;
	}
	void *p = a->next;
	a->next += need;
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(arena_alloc(a, n), s, n);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *text;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	text = arena_alloc(a, (size_t)n + 1);
	vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return text;
}

void arena_free(struct arena *a)
{
	while (a->head) {
		struct arena_block *b = a->head;

		a->head = b->prev;
		free(b);
	}
	a->next = a->end = NULL;
}

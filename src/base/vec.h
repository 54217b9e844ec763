/* SPDX-License-Identifier: BSD-2-Clause */
/* base/vec.h - growable arrays.
 *
 *	VEC(struct reloc) relocs = {0};
 *	struct reloc *r = vec_add(&relocs);   // zeroed; NULL when memory is out
 *	for (u32 i = 0; i < relocs.n; i++) use(&relocs.p[i]);
 *	vec_free(&relocs);
 */
#pragma once
#include "base/types.h"
#include <stdlib.h>
#include <string.h>

#define VEC(type)       \
	struct {        \
		type *p; \
		u32 n;   \
		u32 cap; \
	}

/* Makes room for need elements.  Returns false, and leaves the array alone, when it can't. */
bool vec_grow(void **p, u32 *cap, u64 need, size_t elem_size);

#define vec_reserve(v, more) \
	vec_grow((void **)&(v)->p, &(v)->cap, (u64)(v)->n + (more), sizeof(*(v)->p))

/* A new zeroed element at the end, or NULL. */
#define vec_add(v) \
	(vec_reserve(v, 1) ? memset(&(v)->p[(v)->n++], 0, sizeof(*(v)->p)) : NULL)

/* Appends a value; false when memory is out. */
#define vec_push(v, value) (vec_reserve(v, 1) ? ((v)->p[(v)->n++] = (value), true) : false)

#define vec_free(v) (free((v)->p), (v)->p = NULL, (v)->n = (v)->cap = 0)

/* SPDX-License-Identifier: BSD-2-Clause */
/* output/table.h - records of one struct as lines: aligned columns, or one JSON object each. */
#pragma once
#include "base/str.h"
#include "base/types.h"

struct btf;

enum { COLUMNS_MAX = 64 };

/* A member to show; nested structs are taken apart, "a.b". */
struct column {
	char *name;        /* owned */
	u32 type;
	u32 bit_off, bits; /* bits: of a bitfield, else 0 */
	u32 width;         /* least characters, 0 for the last */
};

struct table {
	const struct btf *btf; /* borrowed */
	u32 type;              /* the struct; any other type makes one column */
	struct column columns[COLUMNS_MAX];
	u32 n;
	bool cut;              /* more members than columns: the rest is left out */
};

/* 0 or -ENOMEM. */
int table_init(struct table *t, const struct btf *btf, u32 type);
void table_free(struct table *t);

/* Column names in upper case. */
void table_header(const struct table *t, struct str *out);
void table_row(const struct table *t, const void *data, size_t size, struct str *out);

/* SPDX-License-Identifier: BSD-2-Clause */
/* output/event.h - which struct a record is.
 *
 * In this order: what the user said (--event MAP=struct NAME), the map's value type, the only struct
 * of the object's BTF with the record's size, the only one of its DWARF.
 */
#pragma once
#include "base/diag.h"
#include "base/types.h"
#include "base/vec.h"

struct btf;
struct obj;
struct obj_map;

struct event_choice {
	char *map;  /* owned; "" for every map */
	char *type; /* owned; without "struct " */
};

struct event_types {
	const struct obj *obj;     /* borrowed */
	VEC(struct event_choice) choices;
	struct btf *dwarf;         /* owned; made when first needed */
	bool dwarf_tried;
};

struct event_type {
	const struct btf *btf;
	u32 type;
	u32 size;
};

/* "MAP=struct NAME", "MAP=NAME" or only "NAME": -EINVAL when it is none of these. */
int event_types_choose(struct event_types *et, const char *text, struct diag *dg);
/* Are the types that the user named there?  -ENOENT with the ones that are. */
int event_types_check(struct event_types *et, struct diag *dg);
void event_types_free(struct event_types *et);

/* The type of a record of that size.  padded: size may have grown to the next multiple of 8 less 4,
 * as a perf buffer's raw data does.  -ENOENT: none, or several have that size. */
int event_type_find(struct event_types *et, const struct obj_map *map, u32 size, bool padded,
		    struct event_type *out);

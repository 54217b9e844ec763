/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/record.h - special fields of map values and allocated objects: locks, timers, kptrs, lists,
 * trees.
 *
 * Kernel 6.18: struct btf_record (its struct btf_field is struct record_field here),
 * btf_parse_fields(), btf_check_and_fixup_fields(), map_check_btf().
 */
#pragma once
#include "base/arena.h"
#include "btf/btf.h"

struct verify_map;
struct profile;

enum field_kind {
	FIELD_SPIN_LOCK = 1 << 0,
	FIELD_TIMER = 1 << 1,
	FIELD_KPTR_UNREF = 1 << 2,
	FIELD_KPTR_REF = 1 << 3,
	FIELD_KPTR_PERCPU = 1 << 4,
	FIELD_KPTR = FIELD_KPTR_UNREF | FIELD_KPTR_REF | FIELD_KPTR_PERCPU,
	FIELD_LIST_HEAD = 1 << 5,
	FIELD_LIST_NODE = 1 << 6,
	FIELD_RB_ROOT = 1 << 7,
	FIELD_RB_NODE = 1 << 8,
	FIELD_GRAPH_NODE = FIELD_LIST_NODE | FIELD_RB_NODE,
	FIELD_GRAPH_ROOT = FIELD_LIST_HEAD | FIELD_RB_ROOT,
	FIELD_REFCOUNT = 1 << 9,
	FIELD_WORKQUEUE = 1 << 10,
	FIELD_UPTR = 1 << 11,
	FIELD_RES_SPIN_LOCK = 1 << 12,
	FIELD_TASK_WORK = 1 << 13,
};

struct btf_record;

struct record_field {
	u32 offset, size;
	enum field_kind kind;
	/* kptr, uptr: what it points to */
	const struct btf *btf;
	u32 btf_id;
	bool kptr_of_kernel;           /* btf is the kernel's */
	bool has_dtor;
	/* graph root: what is in it */
	u32 value_btf_id;              /* in btf */
	u32 node_offset;
	const struct btf_record *value_record;
};

struct btf_record {
	u32 n;
	u32 mask;                      /* of field kinds */
	s32 spin_lock_off, res_spin_lock_off, timer_off, wq_off, refcount_off, task_work_off; /* -1 */
	struct record_field fields[];     /* ascending offset */
};

/* A struct of the program's BTF that has special fields and may be allocated. */
struct struct_meta {
	u32 btf_id;
	const struct btf_record *record;
};
struct struct_metas {
	u32 n;
	struct struct_meta *types;     /* ascending btf_id */
};

/* Fields of a value type (STRUCT, or DATASEC) that are of the wanted kinds.  *out NULL: it has none.
 * -EINVAL and the like as the kernel's btf_parse_fields(); arena owns the result. */
int record_parse(const struct btf *btf, u32 type_id, u32 wanted, u32 value_size,
		 const struct profile *k, struct arena *a, const struct btf_record **out);
/* Of a map with BTF, checked for the map's type as BPF_MAP_CREATE does (map_check_btf()): sets
 * m->record.  The errno that the kernel's MAP_CREATE would give. */
int map_record_make(struct verify_map *m, const struct profile *k, struct arena *a);
/* All allocatable structs with special fields of the program's BTF; what BPF_BTF_LOAD checks of them
 * (btf_parse_struct_metas(), btf_check_and_fixup_fields()). */
int struct_metas_make(const struct btf *btf, const struct profile *k, struct arena *a,
		      struct struct_metas *out);

/* Is the type a pointer that record_parse() takes for a kptr? */
bool record_is_pointer(const struct btf *btf, u32 type_id);
const struct struct_meta *struct_meta_find(const struct struct_metas *m, u32 btf_id);
/* The record of a kind at that offset; NULL: none. */
const struct record_field *record_find(const struct btf_record *r, u32 offset, u32 kinds);
static inline bool record_has(const struct btf_record *r, enum field_kind kind)
{
	return r && r->mask & kind;
}
const char *field_kind_text(enum field_kind kind); /* "bpf_spin_lock", "kptr", ... */
bool record_equal(const struct btf_record *a, const struct btf_record *b);

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/record_check.c - which maps may have which special fields; the structs of a BTF that have some;
 * who owns whom.
 *
 * Kernel 6.18: map_check_btf() in kernel/bpf/syscall.c; btf_parse_struct_metas(),
 * btf_check_and_fixup_fields() in kernel/bpf/btf.c.
 */
#include "abi/uapi.h"
#include "verify/profile.h"
#include "verify/record.h"
#include "verify/verify.h"
#include <errno.h>
#include <string.h>

enum {
	ERR_NOTSUPP = 524,        /* kernel ENOTSUPP, which user space has no name for */
	PAGE_BYTES = 4096,
	MAP_FIELDS = FIELD_SPIN_LOCK | FIELD_RES_SPIN_LOCK | FIELD_TIMER | FIELD_KPTR |
		     FIELD_LIST_HEAD | FIELD_RB_ROOT | FIELD_REFCOUNT | FIELD_WORKQUEUE |
		     FIELD_UPTR | FIELD_TASK_WORK,
	ALLOC_FIELDS = FIELD_SPIN_LOCK | FIELD_RES_SPIN_LOCK | FIELD_LIST_HEAD | FIELD_LIST_NODE |
		       FIELD_RB_ROOT | FIELD_RB_NODE | FIELD_REFCOUNT | FIELD_KPTR,
};

/* What a map asks of the BTF of its key: map_ops->map_check_btf(). */
enum key_rule {
	KEY_NEEDED,       /* nothing but to be there */
	KEY_NO_BTF,       /* such a map takes no BTF at all */
	KEY_ARRAY,        /* a 32-bit int; none for a section of variables */
	KEY_HASH,
	KEY_TRIE,         /* a struct */
	KEY_NONE,
	KEY_ANY,
	KEY_INT32,
	KEY_CGROUP,       /* struct bpf_cgroup_storage_key, or a u64 */
};

enum {
	LOCKS = FIELD_SPIN_LOCK | FIELD_RES_SPIN_LOCK,
	ASYNC = FIELD_TIMER | FIELD_WORKQUEUE | FIELD_TASK_WORK,
	KPTRS = FIELD_KPTR | FIELD_REFCOUNT,
	GRAPH = FIELD_GRAPH_ROOT,
};

static const struct {
	enum key_rule key;
	u32 fields;
} rules[BPF_MAP_TYPE_MAX] = {
	[BPF_MAP_TYPE_HASH] = { KEY_HASH, LOCKS | ASYNC | KPTRS | GRAPH },
	[BPF_MAP_TYPE_ARRAY] = { KEY_ARRAY, LOCKS | ASYNC | KPTRS | GRAPH },
	[BPF_MAP_TYPE_PERF_EVENT_ARRAY] = { KEY_NO_BTF, 0 },
	[BPF_MAP_TYPE_PERCPU_HASH] = { KEY_HASH, KPTRS },
	[BPF_MAP_TYPE_PERCPU_ARRAY] = { KEY_ARRAY, KPTRS },
	[BPF_MAP_TYPE_STACK_TRACE] = { KEY_NO_BTF, 0 },
	[BPF_MAP_TYPE_CGROUP_ARRAY] = { KEY_NO_BTF, 0 },
	[BPF_MAP_TYPE_LRU_HASH] = { KEY_HASH, ASYNC | KPTRS | GRAPH },
	[BPF_MAP_TYPE_LRU_PERCPU_HASH] = { KEY_HASH, KPTRS },
	[BPF_MAP_TYPE_LPM_TRIE] = { KEY_TRIE, 0 },
	[BPF_MAP_TYPE_ARRAY_OF_MAPS] = { KEY_NO_BTF, 0 },
	[BPF_MAP_TYPE_HASH_OF_MAPS] = { KEY_NO_BTF, 0 },
	[BPF_MAP_TYPE_DEVMAP] = { KEY_NO_BTF, 0 },
	[BPF_MAP_TYPE_SOCKMAP] = { KEY_NO_BTF, 0 },
	[BPF_MAP_TYPE_CPUMAP] = { KEY_NO_BTF, 0 },
	[BPF_MAP_TYPE_XSKMAP] = { KEY_NO_BTF, 0 },
	[BPF_MAP_TYPE_SOCKHASH] = { KEY_NO_BTF, 0 },
	[BPF_MAP_TYPE_CGROUP_STORAGE] = { KEY_CGROUP, LOCKS },
	[BPF_MAP_TYPE_SK_STORAGE] = { KEY_INT32, LOCKS | KPTRS },
	[BPF_MAP_TYPE_DEVMAP_HASH] = { KEY_NO_BTF, 0 },
	[BPF_MAP_TYPE_INODE_STORAGE] = { KEY_INT32, LOCKS | KPTRS },
	[BPF_MAP_TYPE_TASK_STORAGE] = { KEY_INT32, LOCKS | KPTRS | FIELD_UPTR },
	[BPF_MAP_TYPE_BLOOM_FILTER] = { KEY_NONE, 0 },
	[BPF_MAP_TYPE_CGRP_STORAGE] = { KEY_INT32, LOCKS | KPTRS },
	[BPF_MAP_TYPE_ARENA] = { KEY_ANY, 0 },
};

/* Id below modifiers and a variable when the type has a size, which is stored; 0: it has none.
 * Kernel 6.18: btf_type_id_size(). */
static u32 sized(const struct btf *btf, u32 id, u64 *size)
{
	s64 bytes;

	id = btf_skip(btf, id);
	if (btf_kind(btf_type(btf, id)) == BTF_VAR)
		id = btf_skip(btf, btf_type(btf, id)->type);
	bytes = btf_kind(btf_type(btf, id)) == BTF_DATASEC ? (s64)btf_type(btf, id)->size :
							     btf_size(btf, id);
	if (!id || bytes < 0)
		return 0;
	*size = (u64)bytes;
	return id;
}

static bool is_int(const struct btf *btf, u32 id, u32 bits)
{
	const struct btf_type *t = btf_type(btf, id);

	return btf_kind(t) == BTF_INT && btf_int_bits(t) == bits && !btf_int_bit_off(t);
}

/* struct { u64 cgroup_inode_id; u32 attach_type; }.  Kernel 6.18: cgroup_storage_check_btf(). */
static bool is_cgroup_key(const struct verify_map *m, u32 key)
{
	const struct btf_type *t = btf_type(m->btf, key);

	if (m->key_size != 16)
		return is_int(m->btf, key, 64);
	if (btf_kind(t) != BTF_STRUCT || btf_vlen(t) != 2)
		return false;
	for (u32 i = 0; i < 2; i++)
		if (btf_member_bits(t, i) || btf_member_bit_off(t, i) != i * 64 ||
		    !is_int(m->btf, btf_skip(m->btf, btf_members(t)[i].type), i ? 32 : 64))
			return false;
	return true;
}

/* key 0: the map has none. */
static int check_key(const struct verify_map *m, enum key_rule rule, u32 key, u32 value)
{
	switch (rule) {
	case KEY_NO_BTF:
		return -ERR_NOTSUPP;
	case KEY_NEEDED:
	case KEY_HASH:
		return key ? 0 : -EINVAL;
	case KEY_ARRAY:
		if (key)
			return is_int(m->btf, key, 32) ? 0 : -EINVAL;
		return m->type == BPF_MAP_TYPE_ARRAY && m->max_entries == 1 &&
		       btf_kind(btf_type(m->btf, value)) == BTF_DATASEC ? 0 : -EINVAL;
	case KEY_TRIE:
		return btf_kind(btf_type(m->btf, key)) == BTF_STRUCT ? 0 : -EINVAL;
	case KEY_NONE:
		return key ? -EINVAL : 0;
	case KEY_ANY:
		return 0;
	case KEY_INT32:
		return is_int(m->btf, key, 32) ? 0 : -EINVAL;
	case KEY_CGROUP:
		return is_cgroup_key(m, key) ? 0 : -EINVAL;
	}
	return -EINVAL;
}

const struct struct_meta *struct_meta_find(const struct struct_metas *m, u32 btf_id)
{
	u32 lo = 0, hi = m->n;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (m->types[mid].btf_id == btf_id)
			return &m->types[mid];
		if (m->types[mid].btf_id < btf_id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* A pinned page of user memory: a struct of the program's, no larger than that. */
static int check_uptr(const struct record_field *f)
{
	u32 size = btf_type(f->btf, f->btf_id)->size;

	if (f->kptr_of_kernel || !size)
		return -EINVAL;
	return size > PAGE_BYTES ? -E2BIG : 0;
}

/* What needs the whole BTF: each list and tree learns the record of what it holds.
 *
 * Nobody may own himself in the end.  Only what is a node can be owned; so what is node and root at
 * once may hold no further root, and no chain of owners can close.  Kernel 6.18:
 * btf_check_and_fixup_fields(). */
static int fix_record(struct btf_record *r, const struct struct_metas *metas)
{
	for (u32 i = 0; r && i < r->n; i++) {
		struct record_field *f = &r->fields[i];
		const struct struct_meta *held;

		if (f->kind == FIELD_UPTR) {
			int err = check_uptr(f);

			if (err)
				return err;
		} else if (f->kind & FIELD_GRAPH_ROOT) {
			held = struct_meta_find(metas, f->value_btf_id);
			if (!held)
				return -EFAULT;
			f->value_record = held->record;
			if (record_has(r, FIELD_GRAPH_NODE) &&
			    record_has(held->record, FIELD_GRAPH_ROOT))
				return -ELOOP;
		}
	}
	return 0;
}

static int check_map_fields(const struct verify_map *m, const struct btf_record *r,
			    const struct profile *k)
{
	if (k->caps == CAPS_UNPRIV)
		return -EPERM;
	if (m->flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG))
		return -EACCES;
	return r->mask & ~rules[m->type].fields ? -EOPNOTSUPP : 0;
}

int map_record_make(struct verify_map *m, const struct profile *k, struct arena *a)
{
	const struct btf_record *r = NULL;
	struct struct_metas metas = { 0 };
	u64 key_size, value_size;
	u32 key = 0, value;
	int err;

	m->record = NULL;
	if (!m->btf || !m->btf_value_id || m->type >= BPF_MAP_TYPE_MAX)
		return 0;
	if (m->btf_key_id) {
		key = sized(m->btf, m->btf_key_id, &key_size);
		if (!key || key_size != m->key_size)
			return -EINVAL;
	} else if (rules[m->type].key == KEY_NEEDED) {
		return -EINVAL;
	}
	value = sized(m->btf, m->btf_value_id, &value_size);
	if (!value || value_size != m->value_size)
		return -EINVAL;

	/* Fields that can't be understood are no fields: the map is made without a record. */
	if (!record_parse(m->btf, value, MAP_FIELDS, m->value_size, k, a, &r) && r) {
		err = check_map_fields(m, r, k);
		if (!err && record_has(r, FIELD_GRAPH_ROOT))
			err = struct_metas_make(m->btf, k, a, &metas);
		if (!err)
			err = fix_record((struct btf_record *)r, &metas);
		if (err)
			return err;
	}
	err = check_key(m, rules[m->type].key, key, value);
	if (!err)
		m->record = r;
	return err;
}

/* ---- structs of the program's BTF ---- */

/* Types by which a member makes its struct special. */
static u8 *mark_special(const struct btf *btf, struct arena *a)
{
	static const char *const names[] = { "bpf_spin_lock", "bpf_list_head", "bpf_list_node",
					     "bpf_rb_root", "bpf_rb_node", "bpf_refcount" };
	struct btf_query queries[ARRAY_SIZE(names)];
	u32 n = btf_n_types(btf);
	u8 *special = arena_alloc(a, n);
	bool any = false;

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		queries[i] = (struct btf_query){ .name = names[i], .kind = BTF_STRUCT };
	btf_find_all(btf, queries, ARRAY_SIZE(queries));
	for (u32 i = 0; i < ARRAY_SIZE(queries); i++) {
		special[queries[i].id] = queries[i].id != 0;
		any |= queries[i].id != 0;
	}
	special[0] = 0;
	for (u32 id = 1; id < n; id++)
		if (record_is_pointer(btf, id)) {
			special[id] = 1;
			any = true;
		}
	return any ? special : NULL;
}

static bool has_special_member(const struct btf *btf, u32 id, const u8 *special)
{
	const struct btf_type *t = btf_type(btf, id);

	if (btf_kind(t) != BTF_STRUCT)
		return false;
	for (u32 i = 0; i < btf_vlen(t); i++) {
		u32 member = btf_members(t)[i].type;

		if (member < btf_n_types(btf) && special[member])
			return true;
	}
	return false;
}

int struct_metas_make(const struct btf *btf, const struct profile *k, struct arena *a,
		      struct struct_metas *out)
{
	const u8 *special = mark_special(btf, a);
	struct struct_metas m = { 0 };
	int err;

	for (u32 id = 1; special && id < btf_n_types(btf); id++)
		m.n += has_special_member(btf, id, special);
	if (!m.n) {
		*out = m;
		return 0;
	}
	m.types = arena_alloc(a, m.n * sizeof(m.types[0]));
	m.n = 0;
	for (u32 id = 1; id < btf_n_types(btf); id++) {
		struct struct_meta *meta = &m.types[m.n];

		if (!has_special_member(btf, id, special))
			continue;
		meta->btf_id = id;
		err = record_parse(btf, id, ALLOC_FIELDS, btf_type(btf, id)->size, k, a,
				   &meta->record);
		if (err || !meta->record)
			return err ? err : -EFAULT;
		m.n++;
	}
	for (u32 i = 0; i < m.n; i++) {
		err = fix_record((struct btf_record *)m.types[i].record, &m);
		if (err)
			return err;
	}
	*out = m;
	return 0;
}

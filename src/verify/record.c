/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/record.c - finds the special fields of a value type and what each of them refers to.
 *
 *	walk     over members, arrays and nested structs: a list of struct found
 *	resolve  each found: pointee and destructor of a kptr, node of a list or tree
 *
 * Which maps may have which fields, and who owns whom, is record_check.c.
 * Kernel 6.18: btf_find_field(), btf_parse_fields() in kernel/bpf/btf.c.
 */
#include "verify/record.h"
#include "abi/kfunc.h"
#include "base/str.h"
#include "verify/profile.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIELDS_MAX = 11,          /* of one record */
	DEPTH_MAX = 32,           /* structs in structs, arrays of arrays */
	MEMBERS_MAX = 1 << 20,    /* looked at; nested structs may be many times as many as the BTF has */
};

/* By the name of the struct.  once: a second one in the same type is -E2BIG. */
static const struct {
	enum field_kind kind;
	const char *name;
	u8 size, align;
	bool once;
} named[] = {
	{ FIELD_SPIN_LOCK, "bpf_spin_lock", 4, 4, true },
	{ FIELD_RES_SPIN_LOCK, "bpf_res_spin_lock", 4, 4, true },
	{ FIELD_TIMER, "bpf_timer", 16, 8, true },
	{ FIELD_WORKQUEUE, "bpf_wq", 16, 8, true },
	{ FIELD_TASK_WORK, "bpf_task_work", 8, 8, true },
	{ FIELD_LIST_HEAD, "bpf_list_head", 16, 8, false },
	{ FIELD_LIST_NODE, "bpf_list_node", 24, 8, false },
	{ FIELD_RB_ROOT, "bpf_rb_root", 16, 8, false },
	{ FIELD_RB_NODE, "bpf_rb_node", 32, 8, false },
	{ FIELD_REFCOUNT, "bpf_refcount", 4, 4, true },
};

/* By the type tag of a pointer. */
static const struct {
	enum field_kind kind;
	const char *tag;
} tagged[] = {
	{ FIELD_KPTR_UNREF, "kptr_untrusted" },
	{ FIELD_KPTR_REF, "kptr" },
	{ FIELD_KPTR_PERCPU, "percpu_kptr" },
	{ FIELD_UPTR, "uptr" },
};
enum { POINTERS = FIELD_KPTR | FIELD_UPTR };

struct found {
	enum field_kind kind;
	u32 off;
	u32 target;               /* pointee, or what a list or tree holds */
	const char *node;         /* member of target that links it */
};

struct finder {
	const struct btf *btf;
	u32 wanted, seen;
	u32 n_members;
};

/* Where results go: the rest of one array. */
struct room {
	struct found *at;
	u32 n;
};

const char *field_kind_text(enum field_kind kind)
{
	for (u32 i = 0; i < ARRAY_SIZE(named); i++)
		if (named[i].kind == kind)
			return named[i].name;
	switch ((u32)kind) {
	case FIELD_KPTR_UNREF:
	case FIELD_KPTR_REF:
		return "kptr";
	case FIELD_KPTR_PERCPU:
		return "percpu_kptr";
	case FIELD_UPTR:
		return "uptr";
	}
	return "unknown";
}

static u32 kind_size(enum field_kind kind)
{
	for (u32 i = 0; i < ARRAY_SIZE(named); i++)
		if (named[i].kind == kind)
			return named[i].size;
	return 8;
}

/* A tagged pointer to a struct: 1 and *out, 0: none, or an errno.  Kernel 6.18: btf_find_kptr(). */
static int find_pointer(const struct btf *btf, u32 id, u32 wanted, struct found *out)
{
	const struct btf_type *t = btf_type(btf, id);
	const char *tag;
	u32 kind = 0;

	if (btf_kind(t) == BTF_VOLATILE)
		t = btf_type(btf, t->type);
	if (btf_kind(t) != BTF_PTR)
		return 0;
	t = btf_type(btf, t->type);
	if (btf_kind(t) != BTF_TYPE_TAG || btf_kflag(t))
		return 0;
	if (btf_kind(btf_type(btf, t->type)) == BTF_TYPE_TAG)
		return -EINVAL;
	tag = btf_str(btf, t->name_off);
	for (u32 i = 0; i < ARRAY_SIZE(tagged); i++)
		if (!strcmp(tagged[i].tag, tag))
			kind = tagged[i].kind;
	if (!kind)
		return -EINVAL;
	if (!(kind & wanted))
		return 0;
	out->target = btf_skip(btf, t->type);
	if (btf_kind(btf_type(btf, out->target)) != BTF_STRUCT)
		return -EINVAL;
	out->kind = kind;
	return 1;
}

/* Value of the one decl tag "contains:..." of a member or variable; NULL: none, or several. */
static const char *contains_tag(const struct btf *btf, u32 owner, s32 component)
{
	static const char key[] = "contains:";
	const char *value = NULL;

	for (u32 id = btf_next_decl_tag(btf, owner, component, 0); id;
	     id = btf_next_decl_tag(btf, owner, component, id)) {
		const char *text = btf_name(btf, id);

		if (!str_starts(text, key))
			continue;
		if (value)
			return NULL;
		value = text + sizeof(key) - 1;
	}
	return value;
}

/* A list head or tree root: "contains:STRUCT:MEMBER" says what it holds.  Kernel 6.18:
 * btf_find_graph_root(). */
static int find_root(const struct btf *btf, u32 owner, s32 component, struct found *out)
{
	const char *value = contains_tag(btf, owner, component);
	const char *colon = value ? strchr(value, ':') : NULL;
	char *name;

	if (!colon)
		return -EINVAL;
	name = strndup(value, (size_t)(colon - value));
	if (!name)
		return -ENOMEM;
	out->target = btf_find(btf, name, BTF_STRUCT);
	free(name);
	if (!out->target)
		return -ENOENT;
	if (!colon[1])
		return -EINVAL;
	out->node = colon + 1;
	return 1;
}

/* Index in named[] of a struct's special kind, -1: none, -E2BIG: the second of a kind that may be
 * there once. */
static int named_kind(struct finder *f, const struct btf_type *t)
{
	const char *name = btf_str(f->btf, t->name_off);

	for (u32 i = 0; i < ARRAY_SIZE(named); i++) {
		if (!(f->wanted & named[i].kind) || strcmp(name, named[i].name) != 0)
			continue;
		if (named[i].once && f->seen & named[i].kind)
			return -E2BIG;
		f->seen |= named[i].once ? named[i].kind : 0;
		return (int)i;
	}
	return -1;
}

/* The first n found stand for element 0 of an array.  Kernel 6.18: btf_repeat_fields(). */
static int repeat(struct room room, u32 n, u64 n_elems, u32 elem_size)
{
	u32 cur = n;

	for (u32 i = 0; i < n; i++)
		if (!(room.at[i].kind &
		      (POINTERS | FIELD_LIST_HEAD | FIELD_RB_ROOT)))
			return -EINVAL;
	if (n * n_elems > room.n)
		return -E2BIG;
	for (u32 e = 1; e < n_elems; e++)
		for (u32 i = 0; i < n; i++, cur++) {
			room.at[cur] = room.at[i];
			room.at[cur].off += e * elem_size;
		}
	return (int)(n * n_elems);
}

static int find_in_struct(struct finder *f, u32 id, u32 depth, struct room room);

/* Fields of a struct that is a member, shifted to where it stands.  Kernel 6.18:
 * btf_find_nested_struct(). */
static int find_nested(struct finder *f, u32 id, u32 off, u64 n_elems, u32 depth, struct room room)
{
	int n;

	if (++depth >= DEPTH_MAX)
		return -E2BIG;
	n = find_in_struct(f, id, depth, room);
	for (int i = 0; i < n; i++)
		room.at[i].off += off;
	return n > 0 && n_elems > 1 ? repeat(room, (u32)n, n_elems, btf_type(f->btf, id)->size) : n;
}

/* One member of a struct, or variable of a section: how many fields it brings, or an errno.
 * want_size: bytes that it must have, 0: any.  Kernel 6.18: btf_find_field_one(). */
static int find_one(struct finder *f, u32 owner, s32 component, u32 id, u32 off, u32 want_size,
		    u32 depth, struct room room)
{
	const struct btf_type *t = btf_type(f->btf, id);
	struct found found = { .off = off };
	u32 align = 8, size = 8;
	u64 n_elems = 1;
	int which, ret;

	if (++f->n_members > MEMBERS_MAX)
		return -E2BIG;
	for (u32 i = 0; btf_kind(t) == BTF_ARRAY; i++) {
		if (i == DEPTH_MAX - 1)
			return -E2BIG;
		n_elems = (u32)(n_elems * btf_array(t)->n);
		id = btf_array(t)->type;
		t = btf_type(f->btf, id);
	}
	if (!n_elems)
		return 0;

	which = named_kind(f, t);
	if (which == -E2BIG)
		return which;
	if (which < 0 && btf_kind(t) == BTF_STRUCT)
		return want_size && want_size != (u32)(t->size * n_elems) ? 0 :
		       find_nested(f, id, off, n_elems, depth, room);
	if (which < 0 && !(f->wanted & POINTERS))
		return 0;
	if (which >= 0) {
		found.kind = named[which].kind;
		size = named[which].size;
		align = named[which].align;
	}
	if ((want_size && want_size != (u32)(size * n_elems)) || off % align)
		return 0;

	if (which < 0)
		ret = find_pointer(f->btf, id, f->wanted, &found);
	else if (btf_kind(t) != BTF_STRUCT || t->size != size)
		ret = 0;
	else if (found.kind & FIELD_GRAPH_ROOT)
		ret = find_root(f->btf, owner, component, &found);
	else
		ret = 1;
	if (ret <= 0)
		return ret;
	if (!room.n)
		return -E2BIG;
	room.at[0] = found;
	return n_elems > 1 ? repeat(room, 1, n_elems, size) : 1;
}

static int find_in_struct(struct finder *f, u32 id, u32 depth, struct room room)
{
	const struct btf_type *t = btf_type(f->btf, id);
	u32 n = 0;

	for (u32 i = 0; i < btf_vlen(t); i++) {
		u32 bit_off = btf_member_bit_off(t, i);
		int ret;

		if (bit_off % 8)
			return -EINVAL;
		ret = find_one(f, id, (s32)i, btf_members(t)[i].type, bit_off / 8, 0, depth,
			       (struct room){ room.at + n, room.n - n });
		if (ret < 0)
			return ret;
		n += (u32)ret;
	}
	return (int)n;
}

static int find_in_section(struct finder *f, u32 id, struct room room)
{
	const struct btf_type *t = btf_type(f->btf, id);
	u32 n = 0;

	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_secinfo *s = &btf_secinfos(t)[i];
		int ret = find_one(f, s->type, -1, btf_type(f->btf, s->type)->type, s->offset,
				   s->size, 0, (struct room){ room.at + n, room.n - n });

		if (ret < 0)
			return ret;
		n += (u32)ret;
	}
	return (int)n;
}

static int find_all(struct finder *f, u32 id, struct room room)
{
	switch (btf_kind(btf_type(f->btf, id))) {
	case BTF_STRUCT:
		return find_in_struct(f, id, 0, room);
	case BTF_DATASEC:
		return find_in_section(f, id, room);
	default:
		return -EINVAL;
	}
}

/* The kernel's struct of that name, else the program's own (an allocated object).  A reference to a
 * kernel struct needs a function that lets go of it.  Kernel 6.18: btf_parse_kptr(). */
static int resolve_pointer(const struct btf *btf, const struct found *found,
			   const struct profile *k, struct record_field *field)
{
	const char *name = btf_name(btf, found->target), *dtor;

	u32 id = k->btf ? btf_find(k->btf, name, BTF_STRUCT) : 0;

	field->btf = id ? k->btf : btf;
	field->btf_id = id ? id : found->target;
	if (!id)
		return 0;
	field->kptr_of_kernel = true;
	if (found->kind != FIELD_KPTR_REF)
		return 0;
	dtor = kfunc_dtor(name);
	if (!dtor || !profile_has_symbol(k, dtor))
		return -ENOENT;
	field->has_dtor = true;
	return 0;
}

/* Where in the held struct the node is.  Kernel 6.18: btf_parse_graph_root(). */
static int resolve_root(const struct btf *btf, const struct found *found, struct record_field *field)
{
	const struct btf_type *t = btf_type(btf, found->target);
	const char *want = found->kind == FIELD_LIST_HEAD ? "bpf_list_node" : "bpf_rb_node";
	bool seen = false;

	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const struct btf_type *node = btf_type(btf, m->type);
		u32 bit_off = btf_member_bit_off(t, i);

		if (strcmp(btf_str(btf, m->name_off), found->node) != 0)
			continue;
		if (seen || btf_kind(node) != BTF_STRUCT ||
		    strcmp(btf_str(btf, node->name_off), want) != 0 || bit_off % 64)
			return -EINVAL;
		seen = true;
		field->btf = btf;
		field->value_btf_id = found->target;
		field->node_offset = bit_off / 8;
	}
	return seen ? 0 : -ENOENT;
}

/* Where the one field of a kind is kept beside the list. */
static s32 *offset_of(struct btf_record *r, enum field_kind kind)
{
	switch ((u32)kind) {
	case FIELD_SPIN_LOCK:
		return &r->spin_lock_off;
	case FIELD_RES_SPIN_LOCK:
		return &r->res_spin_lock_off;
	case FIELD_TIMER:
		return &r->timer_off;
	case FIELD_WORKQUEUE:
		return &r->wq_off;
	case FIELD_TASK_WORK:
		return &r->task_work_off;
	case FIELD_REFCOUNT:
		return &r->refcount_off;
	}
	return NULL;
}

static int resolve(const struct btf *btf, const struct found *found, const struct profile *k,
		   struct btf_record *r)
{
	struct record_field *field = &r->fields[r->n];
	s32 *off = offset_of(r, found->kind);
	int err = 0;

	field->offset = found->off;
	field->kind = found->kind;
	field->size = kind_size(found->kind);
	r->mask |= found->kind;
	if (off)
		*off = (s32)found->off;
	else if (found->kind & POINTERS)
		err = resolve_pointer(btf, found, k, field);
	else if (found->kind & FIELD_GRAPH_ROOT)
		err = resolve_root(btf, found, field);
	r->n += !err;
	return err;
}

/* Lists and trees need a lock beside them; what is a node of both must be counted. */
static int check_together(const struct btf_record *r)
{
	bool locked = r->spin_lock_off >= 0 || r->res_spin_lock_off >= 0;

	if (r->spin_lock_off >= 0 && r->res_spin_lock_off >= 0)
		return -EINVAL;
	if (r->mask & FIELD_GRAPH_ROOT && !locked)
		return -EINVAL;
	if (r->refcount_off < 0 && (r->mask & FIELD_GRAPH_NODE) == FIELD_GRAPH_NODE)
		return -EINVAL;
	return 0;
}

int record_parse(const struct btf *btf, u32 type_id, u32 wanted, u32 value_size,
		 const struct profile *k, struct arena *a, const struct btf_record **out)
{
	struct finder f = { .btf = btf, .wanted = wanted };
	struct found found[FIELDS_MAX];
	struct btf_record *r;
	u32 next_off = 0;
	int n = find_all(&f, type_id, (struct room){ found, FIELDS_MAX });
	int err;

	if (n <= 0) {
		if (!n)
			*out = NULL;
		return n;
	}
	r = arena_alloc(a, sizeof(*r) + (u32)n * sizeof(r->fields[0]));
	r->spin_lock_off = r->res_spin_lock_off = r->timer_off = -1;
	r->wq_off = r->refcount_off = r->task_work_off = -1;
	for (int i = 0; i < n; i++) {
		u32 size = kind_size(found[i].kind);

		if ((u64)found[i].off + size > value_size)
			return -EFAULT;
		if (found[i].off < next_off)
			return -EEXIST;
		next_off = found[i].off + size;
		err = resolve(btf, &found[i], k, r);
		if (err)
			return err;
	}
	err = check_together(r);
	if (!err)
		*out = r;
	return err;
}

bool record_is_pointer(const struct btf *btf, u32 type_id)
{
	struct found found;

	return find_pointer(btf, type_id, FIELD_KPTR, &found) == 1;
}

const struct record_field *record_find(const struct btf_record *r, u32 offset, u32 kinds)
{
	if (!r || !(r->mask & kinds))
		return NULL;
	for (u32 i = 0; i < r->n; i++)
		if (r->fields[i].offset == offset)
			return r->fields[i].kind & kinds ? &r->fields[i] : NULL;
	return NULL;
}

static bool field_equal(const struct record_field *a, const struct record_field *b)
{
	return a->offset == b->offset && a->kind == b->kind && a->btf == b->btf &&
	       a->btf_id == b->btf_id && a->value_btf_id == b->value_btf_id &&
	       a->node_offset == b->node_offset;
}

bool record_equal(const struct btf_record *a, const struct btf_record *b)
{
	if (!a || !b || a == b)
		return a == b;
	if (a->n != b->n || a->mask != b->mask)
		return false;
	for (u32 i = 0; i < a->n; i++)
		if (!field_equal(&a->fields[i], &b->fields[i]))
			return false;
	return true;
}

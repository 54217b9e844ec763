/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/btfwrite.c - stores to kernel structs, which few kinds of programs may make to few members.
 *
 * The members are lines of verify/btfwrite.def; the sentences differ by who wrote the kernel's callback.
 * Kernel 6.18: btf_struct_access of struct bpf_verifier_ops.
 */
#include "verify/ctx.h"
#include <errno.h>
#include <string.h>

struct writable {
	const char *whose, *name, *member;
	u32 first, end;
	bool anywhere;
};

static const struct writable table[] = {
#define AT false
#define IN true
#define WRITABLE(whose, name, member, first, end, where) \
	{ #whose, #name, #member, first, end, where },
#include "verify/btfwrite.def"
#undef WRITABLE
#undef AT
#undef IN
};

/* Who decides for this program; NULL: nobody, stores are then refused altogether. */
static const char *decider(const struct verify *v)
{
	const char *ops;

	switch (v_type(v)) {
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_XDP:
		return "NET";
	case BPF_PROG_TYPE_STRUCT_OPS:
		ops = v->attach_btf ? btf_name(v->attach_btf, v->attach_btf_id) : "";
		for (u32 i = 0; i < ARRAY_SIZE(table); i++)
			if (!strcmp(ops, table[i].whose))
				return table[i].whose;
		break;
	}
	return NULL;
}

bool btf_store_known(const struct verify *v)
{
	return decider(v) != NULL;
}

/* Bytes of a member named by a path with dots.  False: this kernel's struct has none such. */
static bool member_range(const struct btf *btf, u32 id, const struct writable *w, u32 *start,
			 u32 *end)
{
	const char *path = w->member, *dot;
	struct btf_field f;
	char name[64];
	u32 off = 0;
	s64 size;

	do {
		size_t n;

		dot = strchr(path, '.');
		n = dot ? (size_t)(dot - path) : strlen(path);
		if (n >= sizeof(name))
			return false;
		memcpy(name, path, n);
		name[n] = 0;
		if (!btf_find_field(btf, btf_skip(btf, id), name, &f))
			return false;
		off += f.bit_off / 8;
		id = f.type;
		path += n + 1;
	} while (dot);
	size = btf_size(btf, id);
	if (size < 0)
		return false;
	*start = off + w->first;
	*end = off + (w->end ? w->end : (u32)size);
	return true;
}

struct store {
	struct verify *v;
	const struct btf *btf;
	u32 id, off, size;
	const char *whose, *name; /* of the struct */
};

static bool is_known_struct(const struct store *s)
{
	for (u32 i = 0; i < ARRAY_SIZE(table); i++)
		if (!strcmp(table[i].whose, s->whose) && !strcmp(table[i].name, s->name))
			return true;
	return false;
}

/* The line that a store begins in; NULL: none. */
static const struct writable *find(const struct store *s, u32 *end)
{
	for (u32 i = 0; i < ARRAY_SIZE(table); i++) {
		const struct writable *w = &table[i];
		u32 start;

		if (strcmp(w->whose, s->whose) || strcmp(w->name, s->name) ||
		    !member_range(s->btf, s->id, w, &start, end))
			continue;
		if (w->anywhere ? s->off >= start && s->off < *end : s->off == start)
			return w;
	}
	return NULL;
}

/* nf_conntrack, TCP congestion control, Qdiscs. */
static int store_plain(const struct store *s)
{
	const char *name = strcmp(s->whose, "NET") ? s->name : "nf_conn";
	u32 end;

	if (!is_known_struct(s))
		return v_refuse(s->v, -EACCES, WHY_PERM, "only read is supported");
	if (!find(s, &end))
		return v_refuse(s->v, -EACCES, WHY_PERM, "no write support to %s at off %d", name,
				s->off);
	if ((u64)s->off + s->size > end)
		return v_refuse(s->v, -EACCES, WHY_BOUNDS, "write access at off %d with size %d beyond "
				"the member of %s ended at %u", s->off, s->size, name, end);
	return 0;
}

static int store_dummy(const struct store *s)
{
	if (!is_known_struct(s))
		return v_refuse(s->v, -EACCES, WHY_PERM,
				"only access to bpf_dummy_ops_state is supported");
	if ((u64)s->off + s->size > btf_type(s->btf, s->id)->size)
		return v_refuse(s->v, -EACCES, WHY_BOUNDS, "write access at off %d with size %d",
				s->off, s->size);
	return 0;
}

static int store_hid(const struct store *s)
{
	u32 end;

	if (!is_known_struct(s))
		return v_refuse(s->v, -EACCES, WHY_PERM,
				"write access to this struct is not supported");
	if ((u64)s->off + s->size > btf_type(s->btf, s->id)->size)
		return v_refuse(s->v, -EACCES, WHY_BOUNDS,
				"write access for struct %s at off %d with size %d", s->name,
				s->off, s->size);
	if (!find(s, &end) || (u64)s->off + s->size > end)
		return v_refuse(s->v, -EACCES, WHY_PERM,
				"write access at off %d with size %d on read-only part of %s",
				s->off, s->size, s->name);
	return 0;
}

/* Says nothing where it refuses. */
static int store_sched_ext(const struct store *s)
{
	u32 end;

	return find(s, &end) && (u64)s->off + s->size <= end ? 0 : -EACCES;
}

int btf_store(struct verify *v, const struct reg *r, u32 off, u32 size)
{
	struct store s = {
		.v = v,
		.btf = r->btf,
		.id = r->btf_id,
		.off = off,
		.size = size,
		.whose = decider(v),
		.name = btf_name(r->btf, r->btf_id),
	};

	if (!s.whose)
		return v_refuse(v, -EACCES, WHY_PERM, "only read is supported");
	if (!strcmp(s.whose, "bpf_dummy_ops"))
		return store_dummy(&s);
	if (!strcmp(s.whose, "hid_bpf_ops"))
		return store_hid(&s);
	if (!strcmp(s.whose, "sched_ext_ops"))
		return store_sched_ext(&s);
	/* without connection tracking nobody answers */
	if (!strcmp(s.whose, "NET") && !profile_has_config(v->k, "CONFIG_NF_CONNTRACK"))
		return -EACCES;
	return store_plain(&s);
}

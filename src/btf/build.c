/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/build.c - the BTF writer. */
#include "btf/build.h"
#include "base/hash.h"
#include "btf/image.h"
#include <errno.h>
#include <string.h>

static void add_bytes(struct btf_builder *b, const void *data, u32 size)
{
	if (!size)
		return;
	if (!vec_reserve(&b->types, size)) {
		b->failed = true;
		return;
	}
	memcpy(b->types.p + b->types.n, data, size);
	b->types.n += size;
}

static void begin(struct btf_builder *b)
{
	if (b->first_id)
		return;
	b->first_id = b->base ? btf_n_types(b->base) : 1;
	if (!b->base && !b->strs.n && !vec_push(&b->strs, 0))
		b->failed = true;
}

static u32 first_str(const struct btf_builder *b)
{
	return b->base ? b->base->first_str + b->base->strs_size : 0;
}

/* Puts the string at offset off (from the section's start) into the hash. */
static void hash_put(struct btf_builder *b, u32 off)
{
	const char *s = (const char *)b->strs.p + off;
	u32 i = hash_bytes(s, strlen(s), 0) & (b->n_slots - 1);

	while (b->slots[i])
		i = (i + 1) & (b->n_slots - 1);
	b->slots[i] = off;
	b->n_strings++;
}

/* Room for one more string; the first use enters those that were copied in. */
static bool hash_room(struct btf_builder *b)
{
	u32 n = 256, count = 0, *slots;

	if (b->slots && b->n_strings * 2 < b->n_slots)
		return true;
	for (u32 off = 1; off < b->strs.n; off += strlen((char *)b->strs.p + off) + 1)
		count++;
	while (n < count * 4)
		n *= 2;
	slots = calloc(n, sizeof(*slots));
	if (!slots) {
		b->failed = true;
		return false;
	}
	free(b->slots);
	b->slots = slots;
	b->n_slots = n;
	b->n_strings = 0;
	for (u32 off = 1; off < b->strs.n; off += strlen((char *)b->strs.p + off) + 1)
		hash_put(b, off);
	return true;
}

u32 btf_add_str(struct btf_builder *b, const char *s)
{
	u32 size = strlen(s) + 1, off, i;

	begin(b);
	if (size == 1 || !hash_room(b))
		return 0;
	i = hash_bytes(s, size - 1, 0) & (b->n_slots - 1);
	for (; b->slots[i]; i = (i + 1) & (b->n_slots - 1))
		if (strcmp((char *)b->strs.p + b->slots[i], s) == 0)
			return first_str(b) + b->slots[i];
	/* Split BTF's first string may stand at 0, which marks a free slot: keep it empty. */
	if (!b->strs.n && !vec_push(&b->strs, 0)) {
		b->failed = true;
		return 0;
	}
	off = b->strs.n;
	if (!vec_reserve(&b->strs, size)) {
		b->failed = true;
		return 0;
	}
	memcpy(b->strs.p + off, s, size);
	b->strs.n += size;
	hash_put(b, off);
	return first_str(b) + off;
}

u32 btf_add(struct btf_builder *b, const char *name, enum btf_kind kind, bool kflag, u32 vlen,
	    u32 size_or_type)
{
	struct btf_type t = {
		.name_off = name ? btf_add_str(b, name) : 0,
		.info = btf_info(kind, kflag, vlen),
		.size = size_or_type,
	};

	begin(b);
	if (!vec_push(&b->offs, b->types.n))
		b->failed = true;
	add_bytes(b, &t, sizeof(t));
	return b->first_id + b->offs.n - 1;
}

void btf_add_words(struct btf_builder *b, const u32 *words, u32 n)
{
	add_bytes(b, words, n * sizeof(*words));
}

struct btf_type *btf_edit(struct btf_builder *b, u32 id)
{
	return (struct btf_type *)(b->types.p + b->offs.p[id - b->first_id]);
}

/* One more element in the last type's tail. */
static struct btf_type *add_elem(struct btf_builder *b, const u32 *words, u32 n)
{
	struct btf_type *t;

	if (b->failed)
		return NULL;
	btf_add_words(b, words, n);
	t = btf_edit(b, b->first_id + b->offs.n - 1);
	if (btf_vlen(t) == 0xffff) {
		b->failed = true;
		return NULL;
	}
	t->info++;
	return t;
}

u32 btf_add_int(struct btf_builder *b, const char *name, u32 size, u32 encoding)
{
	u32 id = btf_add(b, name, BTF_INT, false, 0, size);

	btf_add_words(b, (u32[]){ encoding << 24 | size * 8 }, 1);
	return id;
}

u32 btf_add_array(struct btf_builder *b, u32 elem, u32 index, u32 n)
{
	u32 id = btf_add(b, NULL, BTF_ARRAY, false, 0, 0);

	btf_add_words(b, (u32[]){ elem, index, n }, 3);
	return id;
}

u32 btf_add_struct(struct btf_builder *b, enum btf_kind kind, const char *name, u32 size)
{
	return btf_add(b, name, kind, false, 0, size);
}

void btf_add_member(struct btf_builder *b, const char *name, u32 type, u32 bit_off, u32 bits)
{
	struct btf_type *t = add_elem(b, (u32[]){ name ? btf_add_str(b, name) : 0, type,
						  bits << 24 | bit_off }, 3);

	if (t && bits)
		t->info |= 1u << 31;
}

u32 btf_add_enum(struct btf_builder *b, const char *name, u32 size, bool is_signed)
{
	return btf_add(b, name, BTF_ENUM, is_signed, 0, size);
}

u32 btf_add_enum64(struct btf_builder *b, const char *name, bool is_signed)
{
	return btf_add(b, name, BTF_ENUM64, is_signed, 0, 8);
}

void btf_add_enumerator(struct btf_builder *b, const char *name, u64 value)
{
	u32 name_off = btf_add_str(b, name);
	bool is64 = !b->failed &&
		    btf_kind(btf_edit(b, b->first_id + b->offs.n - 1)) == BTF_ENUM64;

	add_elem(b, (u32[]){ name_off, (u32)value, (u32)(value >> 32) }, is64 ? 3 : 2);
}

u32 btf_add_proto(struct btf_builder *b, u32 ret)
{
	return btf_add(b, NULL, BTF_FUNC_PROTO, false, 0, ret);
}

void btf_add_param(struct btf_builder *b, const char *name, u32 type)
{
	add_elem(b, (u32[]){ name ? btf_add_str(b, name) : 0, type }, 2);
}

u32 btf_add_var(struct btf_builder *b, const char *name, u32 type, enum btf_linkage linkage)
{
	u32 id = btf_add(b, name, BTF_VAR, false, 0, type);

	btf_add_words(b, (u32[]){ linkage }, 1);
	return id;
}

u32 btf_add_datasec(struct btf_builder *b, const char *name, u32 size)
{
	return btf_add(b, name, BTF_DATASEC, false, 0, size);
}

void btf_add_secinfo(struct btf_builder *b, u32 var, u32 offset, u32 size)
{
	add_elem(b, (u32[]){ var, offset, size }, 3);
}

void btf_builder_copy(struct btf_builder *b, const struct btf *from)
{
	*b = (struct btf_builder){ .base = from->base, .first_id = from->first_id };
	add_bytes(b, from->types, from->types_size);
	if (!vec_reserve(&b->strs, from->strs_size) || !vec_reserve(&b->offs, from->n_own)) {
		b->failed = true;
		return;
	}
	if (from->strs_size)
		memcpy(b->strs.p, from->strs, from->strs_size);
	b->strs.n = from->strs_size;
	if (from->n_own)
		memcpy(b->offs.p, from->offs, from->n_own * sizeof(u32));
	b->offs.n = from->n_own;
}

bool btf_edit_vlen(struct btf_builder *b, u32 id, u32 vlen)
{
	u32 i = id - b->first_id, off = b->offs.p[i];
	struct btf_type *t = btf_edit(b, id);
	u32 was = btf_type_bytes(btf_kind(t), btf_vlen(t)), is = btf_type_bytes(btf_kind(t), vlen);
	u32 rest = b->types.n - off - was;

	if (is > was && !vec_reserve(&b->types, is - was)) {
		b->failed = true;
		return false;
	}
	memmove(b->types.p + off + is, b->types.p + off + was, rest);
	if (is > was)
		memset(b->types.p + off + was, 0, is - was);
	b->types.n = off + is + rest;
	for (i++; i < b->offs.n; i++)
		b->offs.p[i] += is - was;
	t = btf_edit(b, id);
	t->info = (t->info & ~0xffffu) | vlen;
	return true;
}

int btf_build(const struct btf_builder *b, struct diag *dg, struct place at, struct btf **out)
{
	struct btf_header h = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(h),
		.type_len = b->types.n,
		.str_off = b->types.n,
		.str_len = MAX(b->strs.n, b->base ? 0u : 1u),
	};
	u64 size = (u64)sizeof(h) + h.type_len + h.str_len;
	u8 *raw = b->failed ? NULL : calloc(1, size);
	int err;

	if (!raw)
		return diag_error(dg, at, -ENOMEM, "no memory to write BTF");
	memcpy(raw, &h, sizeof(h));
	if (b->types.n)
		memcpy(raw + sizeof(h), b->types.p, b->types.n);
	if (b->strs.n)
		memcpy(raw + sizeof(h) + h.type_len, b->strs.p, b->strs.n);
	err = btf_parse(raw, size, b->base, BTF_BORROW, dg, at, out);
	if (err) {
		free(raw);
		return err;
	}
	(*out)->owned = raw;
	return 0;
}

void btf_builder_free(struct btf_builder *b)
{
	vec_free(&b->types);
	vec_free(&b->strs);
	vec_free(&b->offs);
	free(b->slots);
	*b = (struct btf_builder){0};
}

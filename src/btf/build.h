/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/build.h - writes BTF: type by type, or as an edited copy of what was read.
 *
 *	struct btf_builder b = {0};
 *	u32 id = btf_add_int(&b, "int", 4, BTF_INT_SIGNED);
 *	u32 st = btf_add_struct(&b, BTF_STRUCT, "pair", 8);
 *	btf_add_member(&b, "a", id, 0, 0);
 *	btf_add_member(&b, "b", id, 32, 0);
 *	err = btf_build(&b, dg, at, &btf);
 *	btf_builder_free(&b);
 *
 * Ids are given in order, so types may name ids that follow.  Nothing fails before btf_build(),
 * which reports lost memory and whatever btf_parse() finds wrong.
 */
#pragma once
#include "base/vec.h"
#include "btf/btf.h"

struct btf_builder {
	VEC(u8) types;
	VEC(u8) strs;
	VEC(u32) offs;           /* of each own type in types */
	const struct btf *base;  /* borrowed; NULL: none */
	u32 first_id;            /* 0 until the first use: 1 */
	u32 *slots;              /* owned; hash of the strings' offsets, 0 where free */
	u32 n_slots, n_strings;
	bool failed;
};

/* Begins as a copy of a BTF's own types and strings, ids and offsets unchanged. */
void btf_builder_copy(struct btf_builder *b, const struct btf *from);
void btf_builder_free(struct btf_builder *b);

/* Offset of a string, added where it is new. */
u32 btf_add_str(struct btf_builder *b, const char *s);
/* A type without its tail; the id. */
u32 btf_add(struct btf_builder *b, const char *name, enum btf_kind kind, bool kflag, u32 vlen,
	    u32 size_or_type);
/* Words of the last type's tail. */
void btf_add_words(struct btf_builder *b, const u32 *words, u32 n);

u32 btf_add_int(struct btf_builder *b, const char *name, u32 size, u32 encoding);
u32 btf_add_array(struct btf_builder *b, u32 elem, u32 index, u32 n);
/* STRUCT or UNION; members follow. */
u32 btf_add_struct(struct btf_builder *b, enum btf_kind kind, const char *name, u32 size);
/* To the last type; bits: width of a bitfield, else 0.  The first bitfield makes kflag. */
void btf_add_member(struct btf_builder *b, const char *name, u32 type, u32 bit_off, u32 bits);
u32 btf_add_enum(struct btf_builder *b, const char *name, u32 size, bool is_signed);
void btf_add_enumerator(struct btf_builder *b, const char *name, u64 value);
u32 btf_add_enum64(struct btf_builder *b, const char *name, bool is_signed);
u32 btf_add_proto(struct btf_builder *b, u32 ret);
void btf_add_param(struct btf_builder *b, const char *name, u32 type);
u32 btf_add_var(struct btf_builder *b, const char *name, u32 type, enum btf_linkage linkage);
u32 btf_add_datasec(struct btf_builder *b, const char *name, u32 size);
void btf_add_secinfo(struct btf_builder *b, u32 var, u32 offset, u32 size);

/* A type to change in place; valid until the next addition.  id must be its own. */
struct btf_type *btf_edit(struct btf_builder *b, u32 id);

/* Makes its tail shorter or longer (by zeros).  False when memory is out. */
bool btf_edit_vlen(struct btf_builder *b, u32 id, u32 vlen);

/* The finished BTF.  The builder stays as it is. */
int btf_build(const struct btf_builder *b, struct diag *dg, struct place at, struct btf **out);

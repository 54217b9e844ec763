/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/btf.h - reads BTF, the type information of BPF objects and kernels.
 *
 *	header | types: type 1, type 2, ... | strings
 *
 * Type ids count from 1; 0 is void.  Split BTF (kernel modules) goes on where its base ends: both
 * ids and string offsets.  The structs below have the layout of the format itself and are read in
 * place; BTF of the other byte order is swapped once, in a copy.
 *
 * Nothing is allocated per type but one u32, its offset, so that a kernel's 126,000 types cost
 * about a millisecond.  Accessors are safe with any id, offset and content: what is out of range
 * reads as void or "".  Names are not sorted: a search is one linear scan, so callers with several
 * names should ask for all at once (btf_find_all()).
 */
#pragma once
#include "base/diag.h"
#include "base/types.h"

enum btf_kind {
	BTF_VOID,
#define KIND(name, number, ...) BTF_##name = number,
#include "btf/kind.def"
#undef KIND
	BTF_KIND_END,
};

/* A type.  What follows it in memory depends on its kind: see the functions below. */
struct btf_type {
	u32 name_off;
	u32 info;          /* vlen: bits 0-15, kind: bits 24-28, kind flag: bit 31 */
	union {
		u32 size;  /* bytes: INT, STRUCT, UNION, ENUM, ENUM64, FLOAT, DATASEC */
		u32 type;  /* of PTR, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC (its FUNC_PROTO),
			    * FUNC_PROTO (what it returns), VAR, DECL_TAG, TYPE_TAG */
	};
};

struct btf_array {
	u32 type, index_type, n;
};
struct btf_member {
	u32 name_off, type;
	u32 offset;        /* read it with btf_member_bit_off() and btf_member_bits() */
};
struct btf_enum {
	u32 name_off;
	s32 value;
};
struct btf_enum64 {
	u32 name_off, lo, hi;
};
struct btf_param {
	u32 name_off, type; /* both 0 at the end: "..." */
};
struct btf_secinfo {
	u32 type, offset, size;
};

enum btf_int_encoding { BTF_INT_SIGNED = 1, BTF_INT_CHAR = 2, BTF_INT_BOOL = 4 };
enum btf_linkage { BTF_STATIC, BTF_GLOBAL, BTF_EXTERN }; /* of FUNC (in vlen) and VAR */

static inline u32 btf_kind(const struct btf_type *t)
{
	return t->info >> 24 & 0x1f;
}
static inline u32 btf_vlen(const struct btf_type *t)
{
	return t->info & 0xffff;
}
/* STRUCT, UNION: members may be bitfields.  FWD: union.  ENUM, ENUM64: signed. */
static inline bool btf_kflag(const struct btf_type *t)
{
	return t->info >> 31;
}
static inline u32 btf_info(enum btf_kind kind, bool kflag, u32 vlen)
{
	return (u32)kflag << 31 | (u32)kind << 24 | vlen;
}

/* What follows a type of that kind; the caller has checked the kind. */
static inline const struct btf_array *btf_array(const struct btf_type *t)
{
	return (const struct btf_array *)(t + 1);
}
static inline const struct btf_member *btf_members(const struct btf_type *t)
{
	return (const struct btf_member *)(t + 1);
}
static inline const struct btf_enum *btf_enums(const struct btf_type *t)
{
	return (const struct btf_enum *)(t + 1);
}
static inline const struct btf_enum64 *btf_enums64(const struct btf_type *t)
{
	return (const struct btf_enum64 *)(t + 1);
}
static inline const struct btf_param *btf_params(const struct btf_type *t)
{
	return (const struct btf_param *)(t + 1);
}
static inline const struct btf_secinfo *btf_secinfos(const struct btf_type *t)
{
	return (const struct btf_secinfo *)(t + 1);
}
static inline u32 btf_tail(const struct btf_type *t)
{
	return *(const u32 *)(t + 1);
}
static inline u32 btf_int_encoding(const struct btf_type *t)
{
	return btf_tail(t) >> 24 & 0xf;
}
static inline u32 btf_int_bit_off(const struct btf_type *t)
{
	return btf_tail(t) >> 16 & 0xff;
}
static inline u32 btf_int_bits(const struct btf_type *t)
{
	return btf_tail(t) & 0xff;
}
static inline u32 btf_var_linkage(const struct btf_type *t)
{
	return btf_tail(t);
}
/* Member or parameter number, -1 for the whole. */
static inline s32 btf_decl_tag_index(const struct btf_type *t)
{
	return (s32)btf_tail(t);
}
static inline u32 btf_func_linkage(const struct btf_type *t)
{
	return btf_vlen(t);
}
static inline bool btf_is_composite(const struct btf_type *t)
{
	return btf_kind(t) == BTF_STRUCT || btf_kind(t) == BTF_UNION;
}
static inline bool btf_is_enum(const struct btf_type *t)
{
	return btf_kind(t) == BTF_ENUM || btf_kind(t) == BTF_ENUM64;
}
/* TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG. */
bool btf_is_modifier(const struct btf_type *t);

/* Bits from the start of the struct to member i, and its width when it is a bitfield, else 0. */
u32 btf_member_bit_off(const struct btf_type *t, u32 i);
u32 btf_member_bits(const struct btf_type *t, u32 i);
/* Enumerator i of an ENUM or ENUM64: value (sign-extended when the enum is signed) and name. */
u64 btf_enum_value(const struct btf_type *t, u32 i);
u32 btf_enum_name_off(const struct btf_type *t, u32 i);

struct btf;

enum btf_parse_flags {
	BTF_BORROW = 1,  /* data stays valid and unchanged until btf_free(); else it is copied */
	BTF_TRUSTED = 2, /* the kernel's own: check only what bounds memory, not every reference */
};

/* Parses raw BTF of either byte order.  base: for split BTF, borrowed until btf_free(), else NULL.
 * at names where the bytes came from; its off is where they begin.  Checks headers, kinds, sizes,
 * names, references and that no type contains itself.  -EINVAL, -ENOMEM. */
int btf_parse(const void *data, size_t size, const struct btf *base, u32 flags, struct diag *dg,
	      struct place at, struct btf **out);
void btf_free(struct btf *btf);

/* The running kernel's BTF, mapped where that works.  -ENOENT when the kernel has none. */
int btf_load_kernel(struct diag *dg, struct btf **out);
/* BTF of a loaded module, split on the kernel's. */
int btf_load_module(const char *name, const struct btf *vmlinux, struct diag *dg,
		    struct btf **out);

/* Ids are below btf_n_types(), void and the base's types included; those from btf_first_id() on
 * are its own (1 without a base). */
u32 btf_n_types(const struct btf *btf);
u32 btf_first_id(const struct btf *btf);
/* The raw bytes, in this machine's byte order: what BPF_BTF_LOAD takes. */
const void *btf_raw(const struct btf *btf, u32 *size_bytes);
/* A copy of them, in the other byte order where asked for; caller frees.  NULL: no memory. */
u8 *btf_raw_copy(const struct btf *btf, bool swapped);
/* Was it of the other byte order before? */
bool btf_swapped(const struct btf *btf);

const struct btf_type *btf_type(const struct btf *btf, u32 id); /* never NULL */
const char *btf_str(const struct btf *btf, u32 off);            /* never NULL */
const char *btf_name(const struct btf *btf, u32 id);            /* never NULL */

/* First type of that name and kind (0: any kind) in ascending order of ids, base first; 0: none. */
u32 btf_find(const struct btf *btf, const char *name, u32 kind);
/* The same among its own types only. */
u32 btf_find_own(const struct btf *btf, const char *name, u32 kind);

/* Many names in one scan. */
struct btf_query {
	const char *name;
	u32 kind;          /* 0: any */
	u32 id;            /* result; 0: not found */
};
void btf_find_all(const struct btf *btf, struct btf_query *queries, u32 n);

/* Id of the type below typedefs, const, volatile, restrict and type tags. */
u32 btf_skip(const struct btf *btf, u32 id);
/* The same, as a type. */
const struct btf_type *btf_resolve(const struct btf *btf, u32 id);
/* Bytes of a type; -EINVAL for void, functions and forward declarations, -E2BIG past 4 GiB. */
s64 btf_size(const struct btf *btf, u32 id);
/* Alignment in bytes; 0 where there is none. */
u32 btf_align(const struct btf *btf, u32 id);

/* Member of that name, those of anonymous members included: its index path is not told, only the
 * bit offset from the start of the outermost struct, its type and bitfield width.  False: none. */
struct btf_field {
	u32 type;
	u32 bit_off, bits;
};
bool btf_find_field(const struct btf *btf, u32 id, const char *name, struct btf_field *out);
bool btf_find_enumerator(const struct btf *btf, u32 id, const char *name, u64 *value);
/* Id of the next DECL_TAG after id `after` on (type, component); 0: none. */
u32 btf_next_decl_tag(const struct btf *btf, u32 type, s32 component, u32 after);

/* "int", "struct", ...; "unknown" out of range. */
const char *btf_kind_text(u32 kind);

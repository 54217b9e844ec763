/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/cdecl/parse.h - what the parts of the declaration parser share.
 *
 *	parse.c    tokens, specifiers, declarations
 *	declr.c    attributes, declarators, names of types
 *	tag.c      structs, unions, enums
 */
#pragma once
#include "lang/cdecl/priv.h"

enum { OPS_MAX = 64 };

struct spec {
	const struct stype *type;
	struct stype *fresh;     /* a struct or enum that was defined here without a name */
	bool is_typedef, is_bare_tag; /* "struct x" without members */
	struct cattr attr;
};

struct declr {
	struct ctok name;        /* CT_NAME, else it has none */
	u32 n;
	struct dop {
		enum { OP_PTR, OP_ARRAY, OP_FN } kind;
		s64 n;           /* ARRAY: elements */
	} ops[OPS_MAX];
};

u32 cp_word(const struct ctok *t);              /* enum cword; CW_NONE */
/* From an opening one to behind its closing one. */
void cp_skip_nested(struct cparser *p, u32 open, u32 close);
/* After a mistake: behind the next ';', or the '}' of a block that begins before it. */
void cp_recover(struct cparser *p);
void cp_specifiers(struct cparser *p, struct spec *s);
void cp_attributes(struct cparser *p, struct cattr *a);
void cp_declarator(struct cparser *p, struct declr *d, struct cattr *a);
const struct stype *cp_apply(struct cparser *p, const struct declr *d, const struct stype *base);
void cp_struct_spec(struct cparser *p, struct spec *s);
void cp_enum_spec(struct cparser *p, struct spec *s);

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/cdecl/cdecl.h - C declarations: preprocessor lines, structs, unions, enums, typedefs; and the types of BTF.
 *
 *	scan.c     tokens of C, with places
 *	pp.c       #define (object- and function-like), #undef, #if, #ifdef, #include, by a table of macros
 *	parse.c    declarations; declr.c their declarators and attributes; tag.c structs, unions, enums
 *	expr.c     constant expressions;  layout.c  where members lie
 *	names.c    integers and constants that need no declaration (alias.def, constant.def)
 *	btf.c      the same types out of BTF, one struct at a time, when it is asked for
 *
 * A header that can't be read as a whole still gives what can: what is not understood (functions,
 * inline assembly) is passed over to the next ';' or '}' and told as a note.  Names that neither text
 * nor BTF has are an error where they are used.
 */
#pragma once
#include "base/diag.h"
#include "btf/btf.h"
#include "obj/stype.h"

struct ctypes;

/* Reads a file for #include; caller frees *text.  -ENOENT: BTF alone serves (linux/ and asm/ headers), with the constants of constant.def. */
typedef int (*ctypes_include_fn)(void *arg, const char *name, bool is_system, struct diag *dg, char **text);

struct ctypes_opts {
	struct arena *types;             /* where types live */
	const struct btf *btf;           /* NULL: none, or btf_get tells when it is first needed */
	const struct btf *(*btf_get)(void *arg); /* NULL: none */
	ctypes_include_fn include;       /* NULL: no files */
	void *arg;
};

int ctypes_new(const struct ctypes_opts *o, struct ctypes **out);
void ctypes_free(struct ctypes *c);
/* Adds text: as often as wanted.  Every mistake is told; -EINVAL when there was one. */
int ctypes_add(struct ctypes *c, const char *text, size_t len, const char *file, u32 line, struct diag *dg);
/* More BTF to look in (DWARF of a binary), before the kernel's. */
void ctypes_add_btf(struct ctypes *c, const struct btf *btf);

/* A type as C spells it: "struct x", "union x", "enum x", a typedef, "unsigned int", "uint64_t", "u8"; NULL: none.
 * Structs come with their members; pointers inside have targets without them until ctypes_complete(). */
const struct stype *ctypes_find(struct ctypes *c, const char *name);
/* Names that will be asked for: what BTF has of them is looked up in one scan. */
void ctypes_expect(struct ctypes *c, const char *const *names, u32 n);
/* The same struct with its members, where any source has them; else t. */
const struct stype *ctypes_complete(struct ctypes *c, const struct stype *t);
const struct stype *ctypes_of_btf(struct ctypes *c, const struct btf *btf, u32 id);
/* An enumerator, or a #define that is an integer expression: false, none.  type: the enum, or NULL. */
bool ctypes_constant(struct ctypes *c, const char *name, s64 *v, const struct stype **type);
/* A #define that is a string. */
const char *ctypes_string(struct ctypes *c, const char *name);
/* The replacement of an object-like #define: its text; NULL: none. */
const char *ctypes_define(struct ctypes *c, const char *name);
/* Up to n names nearest to a missing one, of the same sort: number. */
u32 ctypes_near(struct ctypes *c, const char *name, const char **near, u32 n);
/* The declaration of a struct, union or enum of BTF as C, as `-lv 'struct x'` prints it; false: none. */
bool ctypes_print(struct ctypes *c, const char *name, struct str *out);

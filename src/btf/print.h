/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/print.h - BTF as text: C declarations and definitions, or one line a type. */
#pragma once
#include "base/str.h"
#include "btf/btf.h"

/* "const char *name[16]"; name may be "" for the type alone.  Structs are named, not spelled out,
 * unless they have no name. */
void btf_print_decl(const struct btf *btf, u32 id, const char *name, struct str *out);

/* "struct event {\n\tint pid;\n\t...\n}" of a struct, union or enum, with padding and attributes
 * that give every member its offset; a declaration without name for other kinds. */
void btf_print_def(const struct btf *btf, u32 id, struct str *out);

/* All of its own types as C that compiles, each after what it needs; duplicate names get ___2, ___3.
 * Returns 0, -ENOMEM, or -E2BIG when it would be more than 64 MiB. */
int btf_print_c(const struct btf *btf, struct str *out);

/* bpftool's raw form: "[3] INT 'int' size=4 ...", members on lines of their own. */
void btf_print_raw(const struct btf *btf, u32 id, struct str *out);

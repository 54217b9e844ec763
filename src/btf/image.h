/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/image.h - struct btf, as the files of this folder see it. */
#pragma once
#include "btf/btf.h"
#include "base/file.h"

/* The header at the front; offsets count from its end.  Kernel struct btf_header. */
struct btf_header {
	u16 magic;
	u8 version, flags;
	u32 hdr_len;
	u32 type_off, type_len;
	u32 str_off, str_len;
};

enum { BTF_MAGIC = 0xeb9f, BTF_VERSION = 1, BTF_DEPTH_MAX = 256 };

struct btf {
	const u8 *raw;           /* whole image */
	u32 raw_size;
	u8 *owned;               /* malloc'ed copy of it, or NULL */
	struct bytes file;       /* the file it lies in, when it was read from one */
	const u8 *types;
	u32 types_size;
	const char *strs;
	u32 strs_size;
	const struct btf *base;  /* borrowed, NULL: none */
	u32 first_id;            /* of its own types */
	u32 first_str;           /* offset of its own first string */
	u32 n_own;
	u32 *offs;               /* owned; byte offset of each own type in types */
	bool swapped;
};

/* Checks every reference of its own types (parse.c lays down what memory holds; check.c this). */
int btf_check(const struct btf *btf, struct diag *dg, struct place at);
/* Bytes of a type with its tail, from its kind and vlen; 0 for an unknown kind. */
u32 btf_type_bytes(u32 kind, u32 vlen);

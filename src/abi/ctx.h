/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/ctx.h - context structs of program types: fields, and how each may be read and written.
 *
 * One line of abi/ctx.def per field: offset, size, sizes of loads and stores, for whom, what a load
 * gives.  Offsets are those of the uapi structs, which never change.  Contexts that are a traced
 * function's arguments are known by BTF only and not here.
 */
#pragma once
#include "base/types.h"

enum ctx_kind {
	CTX_NONE, /* the program type's context is no struct of this table */
#define CTX(name, ...) CTX_##name,
#define FIELD(...)
#include "abi/ctx.def"
#undef CTX
#undef FIELD
	CTX_KIND_MAX,
};

/* Which accesses of a field are well-formed.  All but RAW must be aligned to their own size. */
enum ctx_width {
	CTX_NO,        /* none */
	CTX_BYTE,      /* 1 byte */
	CTX_WORD,      /* 4 bytes */
	CTX_LONG,      /* 8 bytes */
	CTX_PKT,       /* 4 bytes, not sign-extended: the value is a pointer */
	CTX_NARROW,    /* up to 4 bytes, anywhere in the field */
	CTX_NARROW_AT, /* the same, but smaller loads only from its first byte */
	CTX_NARROW_16, /* 2 or 4 bytes */
	CTX_NARROW2,   /* up to 2 bytes */
	CTX_NARROW8,   /* up to 8 bytes */
	CTX_PORT,      /* a 2-byte field that may be loaded as 4 bytes too */
	CTX_WIDE,      /* as NARROW, and 8 aligned bytes inside the field */
	CTX_WORDS,     /* 4 bytes, or 8 aligned bytes inside the field */
	CTX_ANY,       /* any size inside the field */
	CTX_RAW,       /* any size and alignment that begins in the field */
};

/* What a load gives. */
enum ctx_value {
	CTX_SCALAR,
	CTX_PACKET, CTX_PACKET_META, CTX_PACKET_END,
	CTX_SOCKET, CTX_SOCKET_OR_NULL, CTX_SOCK_COMMON_OR_NULL,
	CTX_FLOW_KEYS,
	CTX_TP_BUFFER,
	CTX_KERNEL_SKB,        /* trusted struct sk_buff */
	CTX_KERNEL_HOOK_STATE, /* trusted struct nf_hook_state */
};

struct ctx_field {
	u16 off, size;
	u8 read, write;       /* enum ctx_width */
	u8 value;             /* enum ctx_value of a load */
	u64 readers, writers; /* bits: attach types, or program types where the ctx is shared by them */
};

/* NONE: the type has no such context, or no such type. */
enum ctx_kind ctx_of_prog(u32 prog_type);
/* Name of the struct that programs of this type declare, and of the kernel's own behind it; NULL:
 * none.  Kernel 6.18: include/linux/bpf_types.h. */
const char *ctx_prog_struct(u32 prog_type);
const char *ctx_kernel_struct(u32 prog_type);

struct ctx_use {
	u32 prog_type, attach_type;
	bool bpf_capable;  /* CAP_BPF */
	bool write;
	bool sign_extends; /* a load that does */
	bool by_pointer;   /* no context but a struct of the same shape: everybody may read it */
};

/* The field that a load or store of size bytes at off uses; NULL where that is not allowed.
 * *whole: bytes of the field where it may be loaded in part (the kernel then loads all of it and
 * cuts), else 0. */
const struct ctx_field *ctx_field_find(enum ctx_kind ctx, s32 off, u32 size,
				       const struct ctx_use *use, u32 *whole);

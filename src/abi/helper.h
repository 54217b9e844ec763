/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/helper.h - what a host promises a program: the helper table's facts.
 *
 * One line of abi/helper.def per helper of Linux 6.18: id, name, return kind, argument kinds, flags.
 * The verifier checks calls with it, the user engine guards unverified calls with it, the
 * disassembler takes names from it.  Bodies live in helper/, for the user engine only.
 */
#pragma once
#include "base/types.h"

struct exec_env;

/* A helper body: r1..r5 are the program's registers, env is the run it belongs to. */
typedef u64 (*helper_fn)(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct exec_env *env);

/* What an argument must be (kernel 6.18: enum bpf_arg_type). */
enum arg_kind {
	ARG_NONE,              /* the helper takes fewer arguments */
	ARG_ANY,               /* any initialised value */
	ARG_CONST_MAP,         /* a map of the program */
	ARG_MAP_KEY,           /* key_size readable bytes */
	ARG_MAP_VALUE,         /* value_size readable bytes */
	ARG_MAP_VALUE_UNINIT,  /* value_size writable bytes */
	ARG_MEM,               /* readable; its size is the next argument, or fixed (size column) */
	ARG_MEM_UNINIT,        /* the same, written by the helper */
	ARG_MEM_RDWR,          /* read and written */
	ARG_SIZE,              /* size of the argument before, not 0 */
	ARG_SIZE_OR_ZERO,
	ARG_CONST_SIZE_OR_ZERO,/* allocation size, known at load time (ringbuf_reserve) */
	ARG_CTX,
	ARG_ALLOC_MEM,         /* a reserved ring-buffer record */
	ARG_SPIN_LOCK,
	ARG_TIMER,
	ARG_KPTR,
	ARG_DYNPTR,            /* flags of the line say: uninit, rdonly, which kind */
	ARG_INT,               /* pointer to int */
	ARG_LONG,              /* pointer to long */
	ARG_CONST_STR,         /* NUL-terminated, in a frozen read-only map */
	ARG_FUNC,              /* a subprogram: callback */
	ARG_STACK,             /* pointer to the program's stack, or NULL */
	ARG_SOCK, ARG_SOCK_COMMON, ARG_SOCKET, /* sockets, by BTF or by ctx */
	ARG_BTF_ID,            /* pointer to a kernel struct, by BTF */
	ARG_PERCPU_BTF_ID,
	ARG_KIND_MASK = 0x3f,
	ARG_OR_NULL = 0x40,    /* flag: NULL is allowed */
};

enum ret_kind {
	RET_SCALAR,
	RET_VOID,
	RET_MAP_VALUE_OR_NULL,
	RET_MAP_VALUE,
	RET_SOCKET_OR_NULL, RET_TCP_SOCK_OR_NULL, RET_SOCK_COMMON_OR_NULL,
	RET_MEM_OR_NULL,       /* ring-buffer record, dynptr data */
	RET_MEM_OR_BTF_ID, RET_MEM_OR_BTF_ID_OR_NULL,
	RET_BTF_ID, RET_BTF_ID_OR_NULL, RET_BTF_ID_TRUSTED,
	RET_KPTR_OR_NULL,
};

struct helper_proto {
	u16 id;
	const char *name;  /* without "bpf_" */
	u8 ret;            /* enum ret_kind */
	u8 arg[5];         /* enum arg_kind, maybe with ARG_OR_NULL */
	u16 mem_size[5];   /* bytes of a fixed-size ARG_MEM*, else 0 */
	u32 flags;         /* enum helper_flag */
};

enum helper_flag {
	HELPER_GPL = 1 << 0,        /* only for programs with a GPL-compatible licence */
	HELPER_MAY_SLEEP = 1 << 1,  /* only in sleepable programs */
	HELPER_PKT_CHANGES = 1 << 2,/* invalidates packet pointers */
	HELPER_ACQUIRES = 1 << 3,
	HELPER_RELEASES = 1 << 4,
};

enum helper_id {
#define HELPER(id, name, ...) HELPER_##name = id,
#include "abi/helper.def"
#undef HELPER
	HELPER_ID_MAX,
};

/* NULL for an id that Linux 6.18 does not know. */
const struct helper_proto *helper_proto(u32 id);
/* 0 (BPF_FUNC_unspec) when no helper has that name; "bpf_" may stand before it. */
u32 helper_id_by_name(const char *name);

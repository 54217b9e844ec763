/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/helper.h - what a host promises a program: the helper table's facts.
 *
 * One line of abi/helper.def per helper of Linux 6.18: id, name, return kind, argument kinds,
 * flags. The verifier checks calls with it, the user engine guards unverified calls with it, the
 * disassembler takes names from it.  Bodies live in helper/, for the user engine only.
 */
#pragma once
#include "base/types.h"

struct exec_env;

/* A helper body: r1..r5 are the program's registers, env is the run it belongs to. */
typedef u64 (*helper_fn)(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct exec_env *env);

/* Kernel structs that prototypes name, by their BTF names. */
enum helper_btf {
	HELPER_BTF_any, /* of the kptr or the map concerned */
#define BTF_STRUCT(name) HELPER_BTF_##name,
#include "abi/helper_btf.def"
#undef BTF_STRUCT
	HELPER_BTF_MAX,
};

/* What an argument must be: a kind, flags, and in the upper half a size in bytes (with
 * ARG_FIXED_SIZE) or an enum helper_btf (kind ARG_BTF_ID).  Kernel 6.18: enum bpf_arg_type. */
enum arg_kind {
	ARG_NONE,        /* the helper takes fewer arguments */
	ARG_ANY,         /* any initialised value */
	ARG_MAP,         /* a map of the program; a constant */
	ARG_KEY,         /* key_size readable bytes of the map before */
	ARG_VALUE,       /* value_size bytes of the map before */
	ARG_MEM,         /* bytes; how many says the next argument, or the size in here */
	ARG_SIZE,        /* size of the argument before, not 0 */
	ARG_SIZE0,       /* the same, 0 allowed */
	ARG_ALLOC_SIZE,  /* bytes of the memory returned, a constant */
	ARG_CTX,
	ARG_RECORD,      /* a reserved ring-buffer record */
	ARG_SPIN_LOCK,   /* struct bpf_spin_lock in a map value */
	ARG_TIMER,       /* struct bpf_timer in a map value */
	ARG_KPTR,        /* a kptr field of a map value */
	ARG_DYNPTR,      /* struct bpf_dynptr on the stack */
	ARG_CONST_STR,   /* NUL-terminated text in a frozen read-only map */
	ARG_FUNC,        /* a subprogram, to be called back */
	ARG_STACK,       /* somewhere in the program's stack */
	/* struct bpf_sock_common, bpf_sock or bpf_tcp_sock, from the ctx or a helper */
	ARG_SOCK_COMMON,
	ARG_SOCKET,      /* struct bpf_sock of a full socket */
	ARG_BTF_SOCK,    /* one of the two above, or a kernel struct sock_common by BTF */
	ARG_BTF_ID,      /* a kernel struct, by BTF */
	ARG_PERCPU,      /* a kernel's per-CPU variable, by BTF */
	ARG_KIND_MASK = 0x3f,
};

enum arg_flag {
	ARG_NULLABLE = 1 << 6,     /* kernel PTR_MAYBE_NULL */
	ARG_RDONLY = 1 << 7,       /* read-only memory will do; kernel MEM_RDONLY */
	ARG_UNINIT = 1 << 8,       /* need not be initialised; kernel MEM_UNINIT */
	ARG_WRITE = 1 << 9,        /* the helper writes it; kernel MEM_WRITE */
	ARG_FIXED_SIZE = 1 << 10,  /* the size is in here; kernel MEM_FIXED_SIZE */
	ARG_ALIGNED = 1 << 11,     /* kernel MEM_ALIGNED */
	ARG_RELEASE = 1 << 12,     /* the reference ends with the call; kernel OBJ_RELEASE */
	/* dynptr over the program's own memory; kernel DYNPTR_TYPE_LOCAL */
	ARG_IS_LOCAL = 1 << 13,
	/* dynptr over a ring-buffer record; kernel DYNPTR_TYPE_RINGBUF */
	ARG_IS_RINGBUF = 1 << 14,
};

#define ARG_KIND(arg) ((enum arg_kind)((arg) & ARG_KIND_MASK))
#define ARG_BYTES(arg) ((arg) >> 16)                   /* of ARG_FIXED_SIZE */
#define ARG_STRUCT(arg) ((enum helper_btf)((arg) >> 16)) /* of ARG_BTF_ID */

/* The compositions that prototypes use. */
enum arg_shape {
	ARG_VALUE_OR_NULL = ARG_VALUE | ARG_NULLABLE,
	ARG_VALUE_OUT = ARG_VALUE | ARG_UNINIT | ARG_WRITE,
	ARG_MEM_OR_NULL = ARG_MEM | ARG_NULLABLE,
	ARG_MEM_RDWR_OR_NULL = ARG_MEM | ARG_WRITE | ARG_NULLABLE,
	ARG_MEM_RD = ARG_MEM | ARG_RDONLY,
	ARG_MEM_RD_OR_NULL = ARG_MEM | ARG_RDONLY | ARG_NULLABLE,
	ARG_MEM_OUT = ARG_MEM | ARG_UNINIT | ARG_WRITE,
	ARG_MEM_RDWR = ARG_MEM | ARG_WRITE,
	ARG_CTX_OR_NULL = ARG_CTX | ARG_NULLABLE,
	ARG_STACK_OR_NULL = ARG_STACK | ARG_NULLABLE,
	ARG_SOCKET_OR_NULL = ARG_SOCKET | ARG_NULLABLE,
	ARG_BTF_SOCK_OR_NULL = ARG_BTF_SOCK | ARG_NULLABLE,
	ARG_BTF_SOCK_RELEASE = ARG_BTF_SOCK | ARG_RELEASE,
	ARG_RECORD_RELEASE = ARG_RECORD | ARG_RELEASE,
	ARG_KPTR_VALUE = ARG_BTF_ID | ARG_NULLABLE | ARG_RELEASE,
	ARG_DYNPTR_RD = ARG_DYNPTR | ARG_RDONLY,
	ARG_DYNPTR_LOCAL_OUT = ARG_DYNPTR | ARG_IS_LOCAL | ARG_UNINIT | ARG_WRITE,
	ARG_DYNPTR_RINGBUF_OUT = ARG_DYNPTR | ARG_IS_RINGBUF | ARG_UNINIT | ARG_WRITE,
	ARG_DYNPTR_RINGBUF_RELEASE = ARG_DYNPTR | ARG_IS_RINGBUF | ARG_RELEASE,
};
#define ARG_FIXED(bytes) (ARG_MEM | ARG_FIXED_SIZE | (bytes) << 16)
#define ARG_FIXED_OUT(bytes) (ARG_FIXED(bytes) | ARG_UNINIT | ARG_WRITE | ARG_ALIGNED)
#define ARG_FIXED_RDWR(bytes) (ARG_FIXED(bytes) | ARG_WRITE | ARG_ALIGNED)
#define ARG_BTF(type) (ARG_BTF_ID | HELPER_BTF_##type << 16)
#define ARG_BTF_OR_NULL(type) (ARG_BTF(type) | ARG_NULLABLE)

/* What r0 holds after the call; with a BTF struct its enum helper_btf in the upper half.
 * Kernel 6.18: enum bpf_return_type. */
enum ret_kind {
	RET_SCALAR,
	RET_VOID,
	RET_MAP_VALUE,
	RET_SOCKET,      /* struct bpf_sock */
	RET_TCP_SOCK,    /* struct bpf_tcp_sock */
	RET_SOCK_COMMON, /* struct bpf_sock_common */
	RET_MEM,         /* as many bytes as the ARG_ALLOC_SIZE says */
	RET_RECORD,      /* the same, a reserved ring-buffer record */
	RET_MEM_OR_BTF,  /* the per-CPU variable: its bytes when it is no struct; read-only */
	RET_BTF_ID,
	RET_KPTR,        /* what the kptr field held */
	RET_KIND_MASK = 0x3f,
};

enum ret_flag {
	RET_NULLABLE = 1 << 6,
	RET_IS_TRUSTED = 1 << 7, /* kernel PTR_TRUSTED */
};

#define RET_KIND(ret) ((enum ret_kind)((ret) & RET_KIND_MASK))
#define RET_STRUCT(ret) ((enum helper_btf)((ret) >> 16))

enum ret_shape {
	RET_MAP_VALUE_OR_NULL = RET_MAP_VALUE | RET_NULLABLE,
	RET_SOCKET_OR_NULL = RET_SOCKET | RET_NULLABLE,
	RET_TCP_SOCK_OR_NULL = RET_TCP_SOCK | RET_NULLABLE,
	RET_SOCK_COMMON_OR_NULL = RET_SOCK_COMMON | RET_NULLABLE,
	RET_MEM_OR_NULL = RET_MEM | RET_NULLABLE,
	RET_RECORD_OR_NULL = RET_RECORD | RET_NULLABLE,
	RET_MEM_OR_BTF_OR_NULL = RET_MEM_OR_BTF | RET_NULLABLE,
	RET_KPTR_OR_NULL = RET_KPTR | RET_NULLABLE,
};
#define RET_BTF(type) (RET_BTF_ID | HELPER_BTF_##type << 16)
#define RET_BTF_OR_NULL(type) (RET_BTF(type) | RET_NULLABLE)
#define RET_BTF_TRUSTED(type) (RET_BTF(type) | RET_IS_TRUSTED)

struct helper_proto {
	u16 id;
	u16 flags;         /* enum helper_flag */
	u32 ret;           /* enum ret_kind, ret_flag, maybe a struct */
	u32 arg[5];        /* enum arg_kind, arg_flag, maybe a size or a struct */
	const char *name;  /* without "bpf_" */
};

enum helper_flag {
	HELPER_GPL = 1 << 0,         /* only for programs with a GPL-compatible licence */
	HELPER_MAY_SLEEP = 1 << 1,   /* only in sleepable programs */
	HELPER_PKT_ACCESS = 1 << 2,  /* its memory arguments may be packet memory */
	HELPER_PKT_CHANGES = 1 << 3, /* invalidates packet pointers */
	HELPER_ACQUIRES = 1 << 4,    /* the result is a reference that must be released */
	HELPER_RELEASES = 1 << 5,    /* takes a reference away: the argument with ARG_RELEASE */
	HELPER_FASTCALL = 1 << 6,    /* LLVM's bpf_fastcall: keeps r1..r5 that it does not take */
	HELPER_BY_TARGET = 1 << 7,   /* depends on what the program is attached to */
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

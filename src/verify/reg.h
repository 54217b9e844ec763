/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/reg.h - what one register, or one spilled stack slot, holds.
 *
 * Kernel 6.18: struct bpf_reg_state, enum bpf_reg_type and bpf_type_flag.  A type is a base with
 * flags or-ed in; comparisons of whole types are exact, as in the kernel.
 */
#pragma once
#include "btf/btf.h"
#include "verify/scalar.h"

struct verify_map;

enum reg_type {
	REG_NOT_INIT,
	REG_SCALAR,
	PTR_CTX,
	PTR_MAP,          /* the map itself; kernel CONST_PTR_TO_MAP */
	PTR_MAP_VALUE,
	PTR_MAP_KEY,
	PTR_STACK,
	PTR_PACKET_META,
	PTR_PACKET,
	PTR_PACKET_END,
	PTR_FLOW_KEYS,
	PTR_SOCKET,
	PTR_SOCK_COMMON,
	PTR_TCP_SOCK,
	PTR_TP_BUFFER,
	PTR_XDP_SOCK,
	PTR_BTF,          /* a kernel struct or an allocated object, by BTF; kernel PTR_TO_BTF_ID */
	PTR_MEM,
	PTR_ARENA,
	PTR_BUF,
	PTR_FUNC,
	PTR_DYNPTR,       /* const struct bpf_dynptr *; kernel CONST_PTR_TO_DYNPTR */
	REG_BASE_MASK = 0xff,
};

enum reg_flag {
	T_MAYBE_NULL = 1 << 8,  /* PTR_MAYBE_NULL */
	T_RDONLY = 1 << 9,      /* MEM_RDONLY */
	T_RINGBUF = 1 << 10,    /* MEM_RINGBUF */
	T_USER = 1 << 11,       /* MEM_USER */
	T_PERCPU = 1 << 12,     /* MEM_PERCPU */
	T_UNTRUSTED = 1 << 13,  /* PTR_UNTRUSTED */
	T_ALLOC = 1 << 14,      /* MEM_ALLOC: of a type in the program's BTF */
	T_TRUSTED = 1 << 15,    /* PTR_TRUSTED */
	T_RCU = 1 << 16,        /* MEM_RCU */
	T_NON_OWN_REF = 1 << 17,
	T_DYN_SKB = 1 << 18,    /* DYNPTR_TYPE_SKB: a slice of a packet */
	T_DYN_XDP = 1 << 19,
	T_DYN_SKB_META = 1 << 20,
	T_DYN_LOCAL = 1 << 21,
	T_DYN_RINGBUF = 1 << 22,
	T_DYN_ANY = T_DYN_SKB | T_DYN_XDP | T_DYN_SKB_META | T_DYN_LOCAL | T_DYN_RINGBUF,
};

#define REG_BASE(type) ((enum reg_type)((type) & REG_BASE_MASK))
#define REG_FLAGS(type) ((type) & ~(u32)REG_BASE_MASK)

enum dynptr_type {
	DYNPTR_INVALID, DYNPTR_LOCAL, DYNPTR_RINGBUF, DYNPTR_SKB, DYNPTR_XDP, DYNPTR_SKB_META,
};
enum iter_state { ITER_INVALID, ITER_ACTIVE, ITER_DRAINED };
enum irq_class { IRQ_NATIVE, IRQ_LOCK };

struct reg {
	u32 type;
	s32 off;                    /* known part of a pointer's offset; of a scalar with an id: its
				     * distance to the others of that id */
	union {
		s32 range;          /* PTR_PACKET*: bytes known to be there; of pkt_end < 0: see jmp.c */
		struct {            /* PTR_MAP, PTR_MAP_VALUE, PTR_MAP_KEY */
			const struct verify_map *map;
			u32 map_uid; /* which lookup of an inner map it came from */
		};
		struct {            /* PTR_BTF */
			const struct btf *btf;
			u32 btf_id;
		};
		struct {            /* PTR_MEM */
			u32 mem_size;
			u32 dynptr_id; /* of the dynptr it is a slice of */
		};
		struct {            /* dynptr slots, PTR_DYNPTR */
			enum dynptr_type type;
			bool first_slot;
		} dynptr;
		struct {            /* iterator slots */
			const struct btf *btf;
			u32 btf_id;
			u32 state : 2; /* enum iter_state */
			u32 depth : 30;
		} iter;
		struct {
			enum irq_class class;
		} irq;
		u32 subprog;        /* PTR_FUNC */
		u64 raw[2];
	};
	struct scalar val;          /* a number; of a pointer: the unknown part of its offset */
	/* Scalars: others of the same id hold the same value (BPF_ADD_CONST: a constant more).
	 * Pointers: found null or not together; packet: range found together; dynptr: its identity. */
	u32 id;
	u32 ref_obj_id;             /* reference that it stands for or derives from */
	u32 frameno;                /* PTR_STACK: whose stack */
	s32 subreg_def;             /* insn + 1 that wrote just the low half; DEF_NOT_SUBREG: 0 */
	bool precise;               /* its value mattered: states that differ in it differ */
};

enum {
	PKT_AT_END = -1,         /* reg.range of PTR_PACKET: at or past the end */
	PKT_BEYOND_END = -2,
};
/* In reg.id of a scalar: off is its distance to the others of that id, added with 64 or 32 bits.
 * Kernel BPF_ADD_CONST64, BPF_ADD_CONST32, and BPF_ADD_CONST, both. */
#define ID_ADD_CONST64 (1u << 31)
#define ID_ADD_CONST32 (1u << 30)
#define ID_ADD_CONST (ID_ADD_CONST64 | ID_ADD_CONST32)

static inline bool type_is_pkt(u32 type)
{
	return REG_BASE(type) == PTR_PACKET || REG_BASE(type) == PTR_PACKET_META;
}
static inline bool type_may_be_null(u32 type)
{
	return type & T_MAYBE_NULL;
}
static inline bool type_is_alloc_ref(u32 type) /* type_is_ptr_alloc_obj() */
{
	return REG_BASE(type) == PTR_BTF && type & T_ALLOC;
}
static inline bool type_is_non_owning_ref(u32 type)
{
	return type_is_alloc_ref(type) && type & T_NON_OWN_REF;
}
static inline bool type_is_rdonly_mem(u32 type)
{
	return type & T_RDONLY;
}
bool type_is_sk_pointer(u32 type);  /* SOCKET, SOCK_COMMON, TCP_SOCK, XDP_SOCK without flags */
bool reg_is_null(const struct reg *r);       /* the number 0 */
bool reg_is_const(const struct reg *r, bool is32);
u64 reg_const_value(const struct reg *r, bool is32);
bool reg_not_null(const struct reg *r);

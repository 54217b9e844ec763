/* SPDX-License-Identifier: BSD-2-Clause */
/* isa/insn.h - one BPF instruction and the names of its parts.
 *
 * RFC 9669, section 3.  Operations are tables: isa/alu.def, isa/jmp.def, isa/mem.def and
 * isa/atomic.def; this header only turns their codes into names.  A wide instruction (64-bit
 * immediate) is two of these; the second has code 0 and the upper half in imm.
 */
#pragma once
#include "base/types.h"

struct insn {
	u8 code;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	u8 dst : 4, src : 4;
#else
	u8 src : 4, dst : 4;
#endif
	s16 off;
	s32 imm;
};
_Static_assert(sizeof(struct insn) == 8, "an insn is eight bytes, as RFC 9669 lays it out");

enum { REG_MAX = 11, REG_FP = 10 }; /* r0..r10 */

/* Class: the low three bits. */
enum insn_class {
	CLS_LD, CLS_LDX, CLS_ST, CLS_STX, CLS_ALU, CLS_JMP, CLS_JMP32, CLS_ALU64,
};
#define INSN_CLASS(code) ((enum insn_class)((code) & 0x07))

/* Operand source, ALU and JMP classes. */
enum { SRC_K = 0x00, SRC_X = 0x08 };
#define INSN_SRC(code) ((code) & 0x08)
#define INSN_OP(code) ((code) & 0xf0)

/* Width and mode, LD and ST classes. */
enum insn_width {
#define WIDTH(name, code, ...) SZ_##name = code,
#include "isa/mem.def"
};
#define INSN_SIZE(code) ((code) & 0x18)
enum insn_mode {
#define MODE(name, code) MODE_##name = code,
#include "isa/mem.def"
};
#define INSN_MODE(code) ((code) & 0xe0)

/* Bytes that a load or store of this width moves. */
static inline u32 insn_size_bytes(u8 code)
{
	static const u8 bytes[] = {
#define WIDTH(name, width, size, ...) [width >> 3] = size,
#include "isa/mem.def"
	};

	return bytes[INSN_SIZE(code) >> 3];
}

enum alu_op {
#define ALU(name, code, ...) ALU_##name = code,
#include "isa/alu.def"
#undef ALU
};

enum jmp_op {
#define JMP(name, code, ...) JMP_##name = code,
#include "isa/jmp.def"
#undef JMP
};

enum atomic_op {
	ATOMIC_FETCH = 0x01, /* flag: src receives the old value */
#define ATOMIC(name, imm, ...) ATOMIC_##name = imm,
#include "isa/atomic.def"
#undef ATOMIC
};

/* src of a wide load: what the immediate means (uapi BPF_PSEUDO_*). */
enum pseudo_ld {
	PSEUDO_IMM64,
	PSEUDO_MAP_FD,        /* imm: map fd */
	PSEUDO_MAP_VALUE,     /* imm: map fd, next imm: offset in its first value */
	PSEUDO_BTF_ID,        /* imm: kernel BTF VAR, next imm: fd of its BTF */
	PSEUDO_FUNC,          /* imm: insns from here to a subprogram, for callbacks */
	PSEUDO_MAP_IDX,       /* the first two through fd_array */
	PSEUDO_MAP_IDX_VALUE,
};
/* src of a call. */
enum pseudo_call {
	CALL_HELPER,  /* imm: helper id */
	CALL_SUBPROG, /* imm: insns from the next one to the target */
	CALL_KFUNC,   /* imm: BTF id of a kernel function, off: index into fd_array */
};

/* off of ALU operations that have variants. */
enum {
	ALU_SIGNED = 1,          /* DIV, MOD */
	ALU_ADDR_SPACE_CAST = 1, /* 64-bit MOV of a register; imm: new space << 16 | old space */
};

static inline bool insn_is_wide(const struct insn *i)
{
	return i->code == (CLS_LD | MODE_IMM | SZ_DW);
}
static inline bool insn_is_call(const struct insn *i)
{
	return i->code == (CLS_JMP | JMP_CALL);
}
static inline bool insn_is_subprog_call(const struct insn *i)
{
	return insn_is_call(i) && i->src == CALL_SUBPROG;
}
static inline bool insn_is_exit(const struct insn *i)
{
	return i->code == (CLS_JMP | JMP_EXIT);
}
static inline u64 insn_imm64(const struct insn *wide)
{
	return (u32)wide[0].imm | (u64)(u32)wide[1].imm << 32;
}
static inline void insn_set_imm64(struct insn *wide, u64 v)
{
	wide[0].imm = (s32)v;
	wide[1].imm = (s32)(v >> 32);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/exec/insns.h - insns by hand, and runs of them. */
#pragma once
#include "exec/exec.h"
#include "exec/jit.h"
#include "isa/check.h"
#include <errno.h>

#define I(c, d, s, o, i) ((struct insn){ .code = (c), .dst = (d), .src = (s), .off = (o), .imm = (s32)(i) })
/* r0 to r10 as operands: ADD64_X is dst, src; _K is dst, imm. */
#define A64K(op, d, i) I(CLS_ALU64 | SRC_K | ALU_##op, d, 0, 0, i)
#define A64X(op, d, s) I(CLS_ALU64 | SRC_X | ALU_##op, d, s, 0, 0)
#define A32K(op, d, i) I(CLS_ALU | SRC_K | ALU_##op, d, 0, 0, i)
#define A32X(op, d, s) I(CLS_ALU | SRC_X | ALU_##op, d, s, 0, 0)
#define MOVK(d, i) A64K(MOV, d, i)
#define MOVX(d, s) A64X(MOV, d, s)
#define WIDE(d, v) I(CLS_LD | MODE_IMM | SZ_DW, d, 0, 0, (u64)(v)), I(0, 0, 0, 0, (u64)(v) >> 32)
#define FUNC(d, rel) I(CLS_LD | MODE_IMM | SZ_DW, d, PSEUDO_FUNC, 0, rel), I(0, 0, 0, 0, 0)
#define J64K(op, d, i, o) I(CLS_JMP | SRC_K | JMP_##op, d, 0, o, i)
#define J64X(op, d, s, o) I(CLS_JMP | SRC_X | JMP_##op, d, s, o, 0)
#define J32K(op, d, i, o) I(CLS_JMP32 | SRC_K | JMP_##op, d, 0, o, i)
#define J32X(op, d, s, o) I(CLS_JMP32 | SRC_X | JMP_##op, d, s, o, 0)
#define JA(o) I(CLS_JMP | JMP_JA, 0, 0, o, 0)
#define GOTOL(o) I(CLS_JMP32 | JMP_JA, 0, 0, 0, o)
#define MAY_GOTO(o) I(CLS_JMP | JMP_JCOND, 0, 0, o, 0)
#define CALLF(rel) I(CLS_JMP | JMP_CALL, 0, CALL_SUBPROG, 0, rel)
#define CALLH(id) I(CLS_JMP | JMP_CALL, 0, CALL_HELPER, 0, id)
#define CALLK(id) I(CLS_JMP | JMP_CALL, 0, CALL_KFUNC, 0, id)
#define EXIT() I(CLS_JMP | JMP_EXIT, 0, 0, 0, 0)
#define LDX(sz, d, s, o) I(CLS_LDX | MODE_MEM | SZ_##sz, d, s, o, 0)
#define LDSX(sz, d, s, o) I(CLS_LDX | MODE_MEMSX | SZ_##sz, d, s, o, 0)
#define STX(sz, d, o, s) I(CLS_STX | MODE_MEM | SZ_##sz, d, s, o, 0)
#define ST(sz, d, o, i) I(CLS_ST | MODE_MEM | SZ_##sz, d, 0, o, i)
#define ATOMIC_OP(sz, op, d, o, s) I(CLS_STX | MODE_ATOMIC | SZ_##sz, d, s, o, op)

/* A program of these insns that passed insns_check(). */
#define PROG(name, ...)                                                                        \
	const struct insn name##_insns[] = { __VA_ARGS__ };                                    \
	struct exec_prog name = { .insns = name##_insns, .n_insns = ARRAY_SIZE(name##_insns) }; \
	CHECK_EQ(insns_check(name.insns, name.n_insns, (struct place){ 0 }, NULL), 0)

/* Gives the program native code; false where this machine has none. */
static inline bool prog_jit(struct exec_prog *p)
{
	struct jit_code *code;
	int err = jit_compile(p, &code);

	if (err == -ENOTSUP)
		return false;
	CHECK_EQ(err, 0);
	p->jit = code;
	return true;
}
static inline void prog_unjit(struct exec_prog *p)
{
	jit_free((struct jit_code *)p->jit);
	p->jit = NULL;
}

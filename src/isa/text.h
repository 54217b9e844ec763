/* SPDX-License-Identifier: BSD-2-Clause */
/* isa/text.h - words that assembler and disassembler share, beside those of the .def tables. */
#pragma once
#include "isa/insn.h"

/* Atomic operations that give the old value are written as calls: atomic64_NAME(). */
struct atomic_call {
	const char *name;
	s32 op; /* imm */
};
static const struct atomic_call atomic_calls[] = {
	{ "fetch_add", ATOMIC_ADD | ATOMIC_FETCH }, { "fetch_or", ATOMIC_OR | ATOMIC_FETCH },
	{ "fetch_and", ATOMIC_AND | ATOMIC_FETCH }, { "fetch_xor", ATOMIC_XOR | ATOMIC_FETCH },
	{ "xchg", ATOMIC_XCHG },                    { "cmpxchg", ATOMIC_CMPXCHG },
};

/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/jit_arch.h - between the compiler's driver (jit.c) and the code of one machine.
 *
 * The driver walks the program in passes until no address moves, and keeps addresses and jump sizes;
 * jit_MACHINE.c turns one insn into code.  A machine is the six functions below.
 */
#pragma once
#include "exec/emit.h"
#include "exec/exec.h"
#include "exec/funcs.h"
#include "exec/native.h"

struct jit_func {
	u32 at;          /* its first byte; of the pass before until this pass comes there */
	u32 fail_at;     /* where a call that ended the run goes on */
	u32 depth;       /* frames that it and what it calls need */
	u8 saved;        /* bit k: it uses r6+k */
	bool calls;      /* calls out or another function */
	bool uses_frame; /* it or what it calls needs r10 */
	bool may_fail;   /* it or what it calls can end the run */
	bool may_goto;
	bool is_callback;
	bool fail_used;
};

enum {
	AT_LOOP_HEAD = 1, /* a jump backwards leads here */
	AT_LONG_JUMP = 2, /* the jump here needs its long form */
	AT_TARGET = 4,    /* some jump leads here */
};

struct jit {
	const struct exec_prog *prog;
	struct func_list list;
	struct jit_code *code;
	struct emit e;
	u32 *at;            /* per insn: offset of its code, as known */
	u8 *marks;          /* per insn: AT_* */
	bool first_pass;
	bool changed;       /* something moved in this pass */
	bool has_callbacks; /* some function's address is taken */
	bool has_bmi2;
	struct jit_func funcs[SUBPROGS_MAX];
};

enum { JIT_INSN_BYTES_MAX = 160, JIT_FUNC_BYTES_MAX = 256, JIT_STUB_BYTES_MAX = 64 };

static inline bool insn_probes(const struct insn *i)
{
	return INSN_CLASS(i->code) == CLS_LDX &&
	       (INSN_MODE(i->code) == MODE_PROBE || INSN_MODE(i->code) == MODE_PROBESX);
}

/* False: no code for this machine. */
bool jit_arch_begin(struct jit *j);
/* A helper_fn that runs function f in env->frame, or below it when it is a callback. */
void jit_arch_stub(struct jit *j, u32 f);
void jit_arch_prologue(struct jit *j, u32 f);
/* Code of insn pc, which belongs to function f; returns how many insns it covered. */
u32 jit_arch_insn(struct jit *j, u32 f, u32 pc);
/* After the last insn of a function. */
void jit_arch_end(struct jit *j, u32 f);
void jit_arch_align(struct jit *j, u32 align);

/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/log.h - states and insns in the words of the kernel's log.  Kernel 6.18: kernel/bpf/log.c.
 *
 * At log level 0 nothing is kept but the last line, which is the reason of a refusal; whoever prints
 * for its own sake asks log_on() or log_states_on() first.
 */
#pragma once
#include "verify/env.h"

static inline bool log_on(const struct verify *v)        /* level 1 or 2 */
{
	return v->opts.log_level & (VERIFY_LOG1 | VERIFY_LOG2);
}
static inline bool log_states_on(const struct verify *v) /* level 2 */
{
	return v->opts.log_level & VERIFY_LOG2;
}

/* A type as the log names it, flags in front: "map_value_or_null", "trusted_ptr_"...; valid until the
 * next two calls. */
const char *log_type(struct verify *v, u32 type);
const char *log_dynptr_type(enum dynptr_type t);
const char *log_iter_type(const struct btf *btf, u32 btf_id); /* "num", "task", ... */
const char *log_iter_state(enum iter_state s);

/* " R1=... fp-8=..." of a frame with a newline; all: also what did not change.  Clears the marks of
 * change unless all.  print_verifier_state(). */
void log_state(struct verify *v, const struct state *st, u32 frameno, bool all);
/* The same beside the insn just printed, or after "12:".  print_insn_state(). */
void log_insn_state(struct verify *v, const struct state *st, u32 frameno);
/* "12: (bf) r1 = r2" without newline. */
void log_insn(struct verify *v, u32 pc);
/* "(bf) r1 = r2" without newline. */
void log_insn_text(struct verify *v, u32 pc);
/* "; source line @ file.c:12" when it is another line than last.  verbose_linfo(). */
void log_line(struct verify *v, u32 pc, const char *prefix);
/* "scalar(...)" of a register; print_reg_state(). */
void log_reg(struct verify *v, const struct frame *f, const struct reg *r, struct str *out);
/* Text of any length, as it stands: v_log() cuts at 1023 bytes like the kernel. */
void log_text(struct verify *v, const struct str *text);
void log_reg_mask(struct str *out, u32 mask);    /* "r1,r2" */
void log_slot_mask(struct str *out, u64 mask);   /* "-8,-16" */
void log_tnum(struct str *out, struct tnum t);   /* "12", "(0x0; 0xff)": tnum_strn() */
/* "At program exit the register R%d has ... should have been in [%d, %d]": verbose_invalid_scalar(),
 * with a newline.  Records WHY_RETURN. */
void log_invalid_scalar(struct verify *v, const struct reg *r, struct retval_range range,
			const char *ctx, const char *reg_name);

/* Where the log is now (v->log_pos), and back to there: what a path that went well said is dropped at
 * level 1.  bpf_vlog_reset(). */
void log_reset(struct verify *v, u64 pos);
/* Moves the log into the result, cut to the last opts.log_max bytes. */
void log_take(struct verify *v);

static inline void log_changed_reg(struct verify *v, u32 regno)
{
	v->scratched_regs |= 1u << regno;
}
static inline void log_changed_slot(struct verify *v, u32 slot)
{
	v->scratched_slots |= 1ull << slot;
}

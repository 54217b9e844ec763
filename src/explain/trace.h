/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/trace.h - what the files of this folder share: one explanation at work. */
#pragma once
#include "explain/explain.h"
#include "explain/path.h"

struct ex {
	const struct verify_prog *p;
	const struct profile *k;
	const struct verify_result *res;
	struct path path;
	struct explanation *x;
	const char *name;  /* of the value that it is about, as the source calls it; NULL: not known */
};

/* The refused insn, and what was known before it; NULL: it was no step of a walk. */
const struct insn *ex_insn(const struct ex *e);
const struct path_step *ex_step(const struct ex *e);
const struct reg *ex_reg(const struct ex *e, u32 r); /* NULL: no step, no such register */

/* ---- words.c ---- */
const char *ex_printf(struct ex *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ex_say(struct ex *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ex_help(struct ex *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ex_note(struct ex *e, enum explain_kind kind, u32 pc, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Source place of an insn; false: none. */
bool ex_place(struct ex *e, u32 pc, struct explain_place *out);
/* "at most 64", "from 1 to 8", "any 32-bit number", "7", "from -1 to 64". */
const char *number_words(struct ex *e, const struct scalar *s);
const char *type_words(u32 type);        /* "a pointer to a map value", "a number" ... */
const char *callee_words(struct ex *e, const struct insn *call); /* "bpf_loop()" */
/* The value's name in quotes, or other where it is not known. */
const char *name_or(struct ex *e, const char *other);
/* Takes the name that the source line of pc gives the value it computes, when the refused line uses
 * it too, or names nothing else. */
void name_from(struct ex *e, u32 pc);
void name_from_argument(struct ex *e, u32 n); /* "k" of "f(&m, &k)" for argument 2 */
void name_of_pointer(struct ex *e);      /* "eth" of "eth->h_proto", "p" of "*p" in the refused line */
void name_of_index(struct ex *e);        /* "slot" of "used[slot]" there */
const char *bytes_words(struct ex *e, s64 from, u64 n); /* "byte 3", "bytes 3 to 6" */
void note_fork(struct ex *e);            /* where the path last came to a fork */
const char *prog_words(struct ex *e);    /* "xdp" */
bool ex_is_tracing(const struct ex *e);   /* a program that sees kernel memory by its address */

/* ---- trace.c ---- */
/* Follows register r of step `at` back to where its value comes from, with notes.  Returns the step
 * of the origin, e->path.n: before the path. */
u32 trace_value(struct ex *e, u32 at, u32 r);
/* The same for a pointer's variable offset: goes to where a number was added, and follows that.  False:
 * nothing was.  The number is an index times a factor, where the program multiplies one. */
struct added {
	struct scalar number, index;
	u64 factor;
};
bool trace_offset(struct ex *e, u32 at, u32 r, struct added *out);
/* What register r of step `at` is as an index times a factor. */
void trace_index(const struct ex *e, u32 at, u32 r, struct added *out);

/* ---- rules*.c: each says the sentence, or false: not its case ---- */
typedef bool (*rule)(struct ex *e, const char *message);
bool rule_null(struct ex *e, const char *message);
bool rule_bounds(struct ex *e, const char *message);
bool rule_math(struct ex *e, const char *message);
bool rule_size(struct ex *e, const char *message);
bool rule_packet(struct ex *e, const char *message);
bool rule_stale(struct ex *e, const char *message);
bool rule_memory(struct ex *e, const char *message);
bool rule_stack(struct ex *e, const char *message);
bool rule_unset(struct ex *e, const char *message);
bool rule_leak(struct ex *e, const char *message);
bool rule_return(struct ex *e, const char *message);
bool rule_helper(struct ex *e, const char *message);
bool rule_argument(struct ex *e, const char *message);
bool rule_depth(struct ex *e, const char *message);
bool rule_loop(struct ex *e, const char *message);
bool rule_large(struct ex *e, const char *message);
bool rule_ctx(struct ex *e, const char *message);

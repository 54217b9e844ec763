/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/explain.h - why a program was refused, for who wrote it.
 *
 * The kernel says what rule an insn broke.  Here stands what that means in the source: which value is
 * concerned, what the verifier knew of it, where that knowledge came from and where it was lost, and
 * what would help.  All of it is data; explain_text() is one way to print it.
 */
#pragma once
#include "base/arena.h"
#include "base/str.h"
#include "verify/verify.h"

/* An insn and the source line it comes from. */
struct explain_place {
	u32 pc;
	const char *file; /* NULL: the program has no line info for it */
	u32 line, col;    /* col 0: not known */
	const char *text; /* the source line as it stands, blanks in front included */
};

enum explain_kind {
	EXPLAIN_ORIGIN, /* the value comes from here */
	EXPLAIN_CHECK,  /* something became known here */
	EXPLAIN_LOST,   /* what was known does not hold from here on */
	EXPLAIN_PATH,   /* how the path came by */
};

struct explain_note {
	enum explain_kind kind;
	struct explain_place at;
	const char *text;
};

enum { EXPLAIN_NOTES_MAX = 8 };

struct explanation {
	struct arena mem;         /* of all that follows */
	enum verify_reason why;
	int err;
	const char *sentence;     /* what is wrong, one line */
	const char *help;         /* what to do about it; NULL: nothing to advise */
	const char *message;      /* the kernel's; NULL: it has none */
	bool has_place;
	struct explain_place at;  /* where it was refused */
	struct explain_note notes[EXPLAIN_NOTES_MAX]; /* in the order of the path */
	u32 n_notes;
	bool is_about_run;        /* such a program may fail when it runs */
	const char *witness;      /* inputs with which it does, a line each; NULL: none were found */
	const char *witness_file; /* the same for osmia vm --witness */
	const char *state;        /* registers there, as the kernel's log says it; NULL */
	const u32 *path;          /* insns walked up to there, the latest path_max */
	u32 n_path;
	u64 n_path_before;
};

/* res is of a verification of p that was refused.  Verifies it twice more.  0, or -ENOMEM; *out is to be
 * given to explain_free() in either case. */
int explain_make(const struct verify_prog *p, const struct profile *k,
		 const struct verify_result *res, struct explanation *out);
void explain_free(struct explanation *x);
/* fails.c: looks for inputs with which the program really fails. */
void explain_failing_run(const struct verify_prog *p, const struct profile *k,
			 const struct verify_result *res, struct explanation *x);

const char *explain_kind_text(enum explain_kind kind); /* "origin", "check", "lost", "path" */
/* Lines of text, each set in by two blanks; the sentence is not among them. */
void explain_text(const struct explanation *x, struct str *out);

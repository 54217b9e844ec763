/* SPDX-License-Identifier: BSD-2-Clause */
/* base/diag.h - sentences for a person, kept until somebody prints them.
 *
 * The library never prints: whoever finds a mistake puts the sentence and its place here and returns
 * a negative errno.  A NULL diag is allowed everywhere and drops the text.
 */
#pragma once
#include "base/types.h"
#include <stdarg.h>

enum diag_level { DIAG_ERROR, DIAG_WARN, DIAG_NOTE };

/* Where something is.  Every part may be absent (NULL or 0); off counts bytes and is printed only
 * with a section.  Strings are borrowed for the call; a message keeps copies. */
struct place {
	const char *file;
	const char *sect;
	u64 off;
	u32 line;
	u32 col;
};

struct diag_msg {
	enum diag_level level;
	int err;         /* negative errno of an error, else 0 */
	struct place at; /* strings owned by the diag */
	char *text;      /* owned; lower case, no newline at the end */
};

struct diag {
	struct diag_msg *msgs; /* owned */
	u32 n, cap;
	u32 n_errors;
	u32 n_dropped; /* past the first 1,000 messages, or when memory was out */
};

/* Keeps an error and returns err, a negative errno, so that reporting and returning is one
 * expression. */
int diag_error(struct diag *dg, struct place at, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int diag_verror(struct diag *dg, struct place at, int err, const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));
void diag_warn(struct diag *dg, struct place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void diag_note(struct diag *dg, struct place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "file:line:col: ", "file: section 'maps'+0x10: ", or "": caller frees; NULL when memory is out. */
char *place_text(const struct place *at);

/* All messages, "PLACE: TEXT" a line, without a newline at the end: caller frees; NULL when memory is
 * out or there is none. */
char *diag_text(const struct diag *dg);

void diag_clear(struct diag *dg);
void diag_free(struct diag *dg);

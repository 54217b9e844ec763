/* SPDX-License-Identifier: BSD-2-Clause */
/* parity/verdict.h - recorded verdicts and logs. */
#pragma once
#include "base/str.h"
#include "base/vec.h"

struct verdict {
	char *name;      /* owned */
	bool accept;
	u32 prog_type;
	char error[16];  /* "EACCES"; "-" */
	u32 processed;   /* 0: not told */
	u64 time_us;     /* 0: not told */
	char *message;   /* owned; "" where there is none */
};
struct verdicts {
	VEC(struct verdict) all;
};

/* Rows of DIR/verdicts/KERNEL/CORPUS[.MODE].tsv that have a verdict; of every corpus when NULL. */
int verdicts_read(const char *dir, const char *kernel, const char *mode, const char *corpus,
		  struct verdicts *out);
void verdicts_free(struct verdicts *v);

/* The level-2 log that was recorded of a case; caller frees.  NULL: none. */
char *log_recorded(const char *dir, const char *kernel, const char *name);
/* Prints the first line where two logs part, with what is around it.  True when they are the same but
 * for addresses and statistics. */
bool log_compare(const char *ours, const char *recorded, bool print);

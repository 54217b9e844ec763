/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/kallsyms.h - the running kernel's symbols, lines of /proc/kallsyms. */
#pragma once
#include "base/types.h"

struct kallsym {
	u64 addr;         /* 0 where the reader may not know (kptr_restrict) */
	const char *name; /* borrowed for the call */
	char type;        /* as of nm(1): 't' and 'T' are functions */
};

/* Tells each symbol, those of modules too, until fn returns what is not 0.  That, 0 at the end, or a
 * negative errno of open(2). */
int kallsyms_each(int (*fn)(void *arg, const struct kallsym *sym), void *arg);

/* Reads one line, "ADDRESS TYPE NAME[\t[MODULE]]\n", and ends its name with a NUL; false: it is none. */
bool kallsym_parse(char *line, struct kallsym *sym);

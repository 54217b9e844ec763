/* SPDX-License-Identifier: BSD-2-Clause */
/* base/arena.h - memory that is freed all at once.
 *
 * Input sizes are bounded before they reach an arena, so arena_alloc() never returns NULL: when the
 * system has no memory left it ends the process.  Sizes that a user chooses belong in malloc().
 */
#pragma once
#include "base/types.h"

struct arena_block;

struct arena {
	struct arena_block *head; /* owned; newest first */
	char *next;               /* free space of the newest block */
	char *end;
};

/* Zeroed memory, aligned to 16 bytes, until arena_free(). */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3), nonnull(2)));
void arena_free(struct arena *a);

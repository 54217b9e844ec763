/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia_world.h - the machine as a script's compilation sees it: lang/bt/world.h filled in for an engine.
 *
 * Nothing is read before it is asked for.
 */
#pragma once
#include "engine/engine.h"
#include "lang/bt/world.h"

struct world;

struct world_opts {
	struct engine *engine;         /* borrowed for the world's life */
	const char *script;            /* path of the script: includes are looked for beside it; NULL: none */
	const char *const *dirs;       /* -I, in order */
	u32 n_dirs;
};

/* -ENOMEM.  The table stays valid until world_free(). */
int world_new(const struct world_opts *o, struct diag *dg, struct world **out);
const struct bt_world *world_table(const struct world *w);
void world_free(struct world *w);

/* '*', '?', '[ab]', '[!a-z]' over the whole text; "" fits anything. */
bool world_fits(const char *pattern, const char *text);
/* The C++ name of a mangled one; NULL: it is none.  Caller frees. */
char *world_demangle(struct world *w, const char *name);

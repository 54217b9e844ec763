/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia_world_priv.h - what the files of the world share.
 *
 *	osmia_world.c        the table; files, symbols, types
 *	osmia_world_hooks.c  hooks that a pattern fits, sorted
 *	osmia_world_user.c   functions and USDT probes of binaries; C++ names
 */
#pragma once
#include "base/vec.h"
#include "elf/cxx.h"
#include "osmia_world.h"

struct world_dwarf {
	char *path;               /* owned */
	struct btf *btf;          /* owned; NULL: has none */
};

struct world {
	struct bt_world table;
	struct engine *e;
	char *script_dir;         /* owned; "" for none */
	const char *const *dirs;
	u32 n_dirs;
	VEC(struct world_dwarf) dwarfs;
	struct demangler cxx;
};

/* Hooks found so far: rows in an arena, sorted at the end. */
struct world_rows {
	struct arena arena;
	VEC(struct world_hook) rows;
	bool failed;
};

void rows_add(struct world_rows *r, const char *target, const char *ns, const char *fn, u64 off);
void rows_free(struct world_rows *r);

bool world_is_pattern(const char *pattern);

/* ---- osmia_world_user.c ---- */
/* Functions (lang "cpp": C++ names as written) or, for HOOK_USDT, probes of the binaries that target names. */
int world_user_hooks(struct world *w, enum script_hook hook, const char *target, const char *ns, const char *fn,
		     s32 pid, struct diag *dg, struct world_rows *r);
int world_binary(void *arg, const char *name, s32 pid, struct diag *dg, char **path);

/* ---- osmia_world_hooks.c ---- */
int world_hooks(void *arg, enum script_hook hook, const char *target, const char *ns, const char *fn, s32 pid,
		struct diag *dg, world_hook_fn each, void *each_arg);

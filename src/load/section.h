/* SPDX-License-Identifier: BSD-2-Clause */
/* load/section.h - what the name in SEC() says: program type, attach type, where it attaches. */
#pragma once
#include "base/arena.h"
#include "engine/engine.h"

enum section_flag {
	SEC_SLEEPABLE = 1,
	SEC_BTF = 2,     /* its target is a BTF id that PROG_LOAD wants */
	SEC_FRAGS = 4,   /* XDP with fragments */
	SEC_USDT = 8,
	SEC_RET = 16,
	SEC_SESSION = 32,
};

struct section {
	const char *text;   /* a '+' at the end: "/anything" may follow */
	u32 prog_type, attach_type, flags;
	enum attach_kind kind;
};

/* The section of that name (a leading '?' does not count), or NULL. */
const struct section *section_find(const char *name);
/* The first section of that program type that names no target, or the first at all; NULL for a type
 * that no section has. */
const struct section *section_of_type(u32 prog_type);
/* The known name that is nearest, without '+', for a message. */
const char *section_nearest(const char *name);

/* What follows the first '/', or NULL. */
const char *section_target(const struct section *sec, const char *name);

/* Fills *out from a name that section_find() knew; strings are allocated in a.  A section that
 * names no target where one is needed has kind ATTACH_NONE; kinds that take it from the command
 * line keep theirs.  -EINVAL with a diag when the target is not of the section's form. */
int section_spec(const struct section *sec, const char *name, struct arena *a, struct place at,
		 struct diag *dg, struct attach_spec *out);

/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/table.c - which bodies a program type gets. */
#include "abi/helper_use.h"
#include "helper/body.h"
#include "helper/helper.h"

/* exec/ never calls it: tail_call is an insn of its own there.  In the table it says "known". */
static BODY(tail_call)
{
	return RESULT(-1);
}

static const helper_fn bodies[HELPER_ID_MAX] = {
	[HELPER_tail_call] = body_tail_call,
#define HAS_BODY(name) [HELPER_##name] = body_##name,
#include "helper/body.def"
#undef HAS_BODY
};

bool helper_has_body(u32 id)
{
	return id < HELPER_ID_MAX && bodies[id];
}

u32 helper_table_fill(helper_fn *table, u32 prog_type, u32 attach_type)
{
	u32 n = 0;

	for (u32 id = 0; id < HELPER_ID_MAX; id++) {
		bool there = bodies[id] && helper_allowed(id, prog_type, attach_type);

		table[id] = there ? bodies[id] : NULL;
		n += there;
	}
	return n;
}

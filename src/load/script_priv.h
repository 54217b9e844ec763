/* SPDX-License-Identifier: BSD-2-Clause */
/* load/script_priv.h - the programs of a script, for load.c.
 *
 *	script.c        running programs by BPF_PROG_TEST_RUN, interval timers
 *	script_iter.c   iterators run once
 *	script_attach.c attaching where script->attaches says
 *	script_multi.c  places of one program in few links
 */
#pragma once
#include "load/priv.h"
#include "load/script.h"

/* Decides which programs go into multi links, before they are loaded. */
void script_prepare(struct load *l);
/* Notes when all began, and for which command: before anything runs. */
int script_start(struct load *l, struct diag *dg);
/* A program that is attached to another program: that one's fd, which the caller closes, and the BTF id of the
 * function in it.  -ENOTSUP: this one is not. */
int script_prog_target(struct load *l, const struct prog *p, u32 *btf_id, struct diag *dg);
/* The program was refused: may the rest go on without it, because its hook is not to be had here (fentry and the
 * like) and that is allowed?  Its messages, from number first on, are warnings then. */
bool script_may_miss(struct load *l, struct prog *p, u32 first, struct diag *dg);
/* Names every hook of the script that the engine lacks.  0, or the first errno. */
int script_check(struct load *l, struct diag *dg);
/* Starts the intervals, once. */
int script_timers_start(struct load *l, struct diag *dg);
/* Frees timers. */
void script_close(struct load *l);

/* The spec of one place.  False: user space runs it. */
bool script_spec(struct load *l, const struct script_attach *a, struct attach_spec *spec);
/* Attaches the place i and all later ones of the same program that may share its link; marks them as done.  Their number,
 * or a negative errno. */
int script_multi(struct load *l, struct prog *p, u32 i, bool *done, struct diag *dg);
/* Hands a link to the load. */
int script_keep(struct load *l, int fd);

/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/tracing.h - the target of a session and the events it makes.
 *
 *	target_start  remembers command or pid; attach() makes links
 *	target_go     wants of the transport what the links hook, then starts it
 *	              guard process: events -> ctx -> run_prog() of each link's program
 */
#pragma once
#include "engine/user/session.h"

/* Has target_go run?  The guard then has its own copy of links and programs. */
bool tracing_started(const struct session *s);
void tracing_free(struct session *s);

int user_target_start(struct engine *e, const struct target *t, struct diag *dg);
int user_target_go(struct engine *e, struct diag *dg);
int user_target_fd(struct engine *e);
int user_target_status(struct engine *e);
void tracing_account(struct session *s, void (*line)(void *arg, const char *text), void *arg);

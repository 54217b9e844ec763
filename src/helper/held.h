/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/held.h - records and locks that a run holds, so that none outlives it.
 *
 * A verified program gives everything back itself, but its reservations are noted too: it is how a
 * record finds its map again.
 */
#pragma once
#include "abi/env.h"

/* False when it is held already (a lock) or the run holds EXEC_HELD_MAX things. */
bool held_add(struct exec_env *env, enum exec_held_kind kind, void *at, struct map *m);
/* The map it belongs to, NULL when the run does not hold it. */
struct map *held_remove(struct exec_env *env, enum exec_held_kind kind, const void *at);
struct map *held_find(const struct exec_env *env, enum exec_held_kind kind, const void *at);

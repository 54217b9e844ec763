/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/held.c - the list of what a run holds. */
#include "helper/held.h"
#include "helper/helper.h"
#include "map/map.h"

static struct exec_held *find(const struct exec_env *env, enum exec_held_kind kind, const void *at)
{
	for (u32 i = env->n_held; i-- > 0;)
		if (env->held[i].at == at && env->held[i].kind == kind)
			return (struct exec_held *)&env->held[i];
	return NULL;
}

bool held_add(struct exec_env *env, enum exec_held_kind kind, void *at, struct map *m)
{
	if (env->n_held >= EXEC_HELD_MAX || find(env, kind, at))
		return false;
	env->held[env->n_held++] = (struct exec_held){ kind, at, m };
	return true;
}

struct map *held_remove(struct exec_env *env, enum exec_held_kind kind, const void *at)
{
	struct exec_held *h = find(env, kind, at);
	struct map *m;

	if (!h)
		return NULL;
	m = h->map;
	*h = env->held[--env->n_held];
	return m;
}

struct map *held_find(const struct exec_env *env, enum exec_held_kind kind, const void *at)
{
	const struct exec_held *h = find(env, kind, at);

	return h ? h->map : NULL;
}

void helper_run_end(struct exec_env *env)
{
	while (env->n_held) {
		struct exec_held *h = &env->held[--env->n_held];

		if (h->kind == HELD_RECORD)
			map_ringbuf_commit(h->map, h->at, 0, true);
		else if (h->kind == HELD_LOCK)
			map_spin_unlock(h->map, h->at);
	}
}

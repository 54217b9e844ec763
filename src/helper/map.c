/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/map.c - helpers on maps: elements, loops over elements, task storage, spin locks.
 *
 * What a map does is map/'s; here are only the calling conventions.  Maps of maps store object ids,
 * which the engine turns into handles.
 */
#include "abi/uapi.h"
#include "helper/access.h"
#include "helper/body.h"
#include "helper/held.h"
#include "map/map.h"
#include <errno.h>

/* The inner map, NULL when there is none or m is no map of maps. */
static struct map *inner_lookup(struct exec_env *env, struct map *m, const void *key)
{
	u64 id;

	if (!env->inner_map || map_ref_get(m, key, &id) || !id)
		return NULL;
	return env->inner_map(env, m, id);
}

BODY(map_lookup_elem)
{
	void *value = map_lookup(PTR(r1), PTR(r2), env->cpu);

	return value ? (u64)value : (u64)inner_lookup(env, PTR(r1), PTR(r2));
}

BODY(map_update_elem)
{
	return RESULT(map_update(PTR(r1), PTR(r2), PTR(r3), r4, env->cpu));
}

BODY(map_delete_elem)
{
	return RESULT(map_delete(PTR(r1), PTR(r2)));
}

BODY(map_push_elem)
{
	return RESULT(map_push(PTR(r1), PTR(r2), r3));
}

BODY(map_pop_elem)
{
	return RESULT(map_pop(PTR(r1), PTR(r2)));
}

BODY(map_peek_elem)
{
	return RESULT(map_peek(PTR(r1), PTR(r2)));
}

BODY(map_lookup_percpu_elem)
{
	return (u64)map_lookup_percpu(PTR(r1), PTR(r2), (u32)r3);
}

struct each {
	struct exec_env *env;
	u64 func, arg;
	u32 key_size;
};

/* The key may lie in nobody's map: an array's is made up for the call. */
static int each_call(struct map *m, void *key, void *value, void *arg)
{
	const struct each *e = arg;
	struct exec_env *env = e->env;
	struct exec_span outer = env->lent;
	u64 stop;

	env->lent = (struct exec_span){ (u64)key, e->key_size };
	stop = env->call_back(env, e->func, (u64)m, (u64)key, (u64)value, e->arg, 0);
	env->lent = outer;
	return env->error || stop;
}

/* Kernel: bpf_for_each_map_elem; flags must be 0. */
BODY(for_each_map_elem)
{
	struct map_info info;
	struct each e = { env, r2, r3, 0 };

	if (r4)
		return RESULT(-EINVAL);
	map_info(PTR(r1), &info);
	e.key_size = info.attr.key_size;
	return RESULT(map_for_each(PTR(r1), env->cpu, each_call, &e));
}

/* The task of a storage call: by address, as bpf_get_current_task_btf gave it. */
static const struct host_task *task_of(struct exec_env *env, u64 addr)
{
	const struct host *h = env->host;

	if (h->task_at)
		return h->task_at(h->arg, addr);
	return h->current_task && h->current_task(h->arg) == addr ? h->task(h->arg) : NULL;
}

/* Kernel: bpf_task_storage_get. */
BODY(task_storage_get)
{
	const struct host_task *t = r2 ? task_of(env, r2) : NULL;

	if (r4 & ~(u64)BPF_LOCAL_STORAGE_GET_F_CREATE || !t)
		return 0;
	return (u64)map_task_storage_get(PTR(r1), t->pid, t->start_time_ns, PTR(r3), r4);
}

BODY(task_storage_delete)
{
	const struct host_task *t = r2 ? task_of(env, r2) : NULL;

	if (!t)
		return RESULT(-EINVAL);
	return RESULT(map_task_storage_delete(PTR(r1), t->pid, t->start_time_ns));
}

/* Locks are noted, so that a program that ends with one does not keep it. */
BODY(spin_lock)
{
	struct map *m = env->map_at ? env->map_at(env, r1) : NULL;

	if (!m)
		return 0;
	if (!held_add(env, HELD_LOCK, PTR(r1), m)) {
		env->error = -EDEADLK;
		return 0;
	}
	map_spin_lock(m, PTR(r1));
	return 0;
}

BODY(spin_unlock)
{
	struct map *m = held_remove(env, HELD_LOCK, PTR(r1));

	if (m)
		map_spin_unlock(m, PTR(r1));
	return 0;
}

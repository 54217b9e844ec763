/* SPDX-License-Identifier: BSD-2-Clause */
/* map/call.c - what a program and the system call do with an open map, for every kind.
 *
 * The program's side trusts its arguments' sizes; the system call's side checks flags as
 * kernel/bpf/syscall.c does (Linux 6.18).
 */
#include "map/kind.h"
#include "map/value.h"

/* ---- the program's side ---- */

void *map_lookup(struct map *m, const void *key, u32 cpu)
{
	return likely(m->ops->lookup) ? m->ops->lookup(m, key, cpu) : NULL;
}

void *map_lookup_percpu(struct map *m, const void *key, u32 cpu)
{
	return cpu < m->n_cpus ? map_lookup(m, key, cpu) : NULL;
}

int map_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	if (unlikely(!m->ops->update || m->readonly))
		return m->ops->update ? -EPERM : -EOPNOTSUPP;
	return m->ops->update(m, key, value, flags, cpu);
}

int map_delete(struct map *m, const void *key)
{
	if (unlikely(!m->ops->remove || m->readonly))
		return m->ops->remove ? -EPERM : -MAP_ENOTSUPP;
	return m->ops->remove(m, key);
}

int map_push(struct map *m, const void *value, u64 flags)
{
	if (unlikely(!m->ops->push || m->readonly))
		return m->ops->push ? -EPERM : -EOPNOTSUPP;
	return m->ops->push(m, value, flags);
}

int map_pop(struct map *m, void *value)
{
	if (unlikely(!m->ops->pop || m->readonly))
		return m->ops->pop ? -EPERM : -EOPNOTSUPP;
	return m->ops->pop(m, value);
}

int map_peek(struct map *m, void *value)
{
	return m->ops->peek ? m->ops->peek(m, value) : -EOPNOTSUPP;
}

s64 map_for_each(struct map *m, u32 cpu, map_each_fn fn, void *arg)
{
	return m->ops->each ? m->ops->each(m, cpu, fn, arg) : -EINVAL;
}

bool map_mem_ok(const struct map *m, u64 addr, u64 size, bool write)
{
	u64 base = (u64)m->base;

	if (addr < base || addr - base >= m->size_bytes || size > m->size_bytes - (addr - base))
		return false;
	if (write ? m->flags & BPF_F_RDONLY_PROG || m->readonly : m->flags & BPF_F_WRONLY_PROG)
		return false;
	return m->ops->mem_ok && m->ops->mem_ok(m, addr - base, size);
}

void *map_first_value(struct map *m)
{
	return m->type == BPF_MAP_TYPE_ARRAY ? m->values : NULL;
}

bool map_array_view(struct map *m, u32 cpu, struct map_array_view *out)
{
	u32 first = 0;

	if (m->type != BPF_MAP_TYPE_ARRAY && m->type != BPF_MAP_TYPE_PERCPU_ARRAY)
		return false;
	*out = (struct map_array_view){
		.base = m->ops->lookup(m, &first, cpu),
		.n = m->max_entries,
		.stride = m->value_stride,
	};
	if (m->type == BPF_MAP_TYPE_PERCPU_ARRAY) {
		out->cpu_stride = m->values_bytes / m->n_cpus;
		out->n_cpus = m->n_cpus;
	}
	return out->base != NULL;
}

map_lookup_fn map_direct_lookup(const struct map *m)
{
	return m->ops->ref_lookup ? NULL : m->ops->lookup;
}

void map_set_wake(struct map *m, void (*wake)(void *arg), void *arg)
{
	m->wake = wake;
	m->wake_arg = arg;
}

/* ---- maps that hold other objects ---- */

int map_ref_set(struct map *m, const void *key, u64 object_id, u64 flags)
{
	if (!m->ops->ref_update)
		return -EINVAL;
	if (m->readonly)
		return -EPERM;
	if (!object_id)
		return m->ops->remove(m, key);
	return m->ops->ref_update(m, key, &object_id, flags, 0);
}

int map_ref_get(struct map *m, const void *key, u64 *object_id)
{
	u64 *id = m->ops->ref_lookup ? m->ops->ref_lookup(m, key, 0) : NULL;

	if (!id)
		return -ENOENT;
	*object_id = LOAD_ACQ(id);
	return *object_id ? 0 : -ENOENT;
}

/* ---- the system call's side ---- */

static bool is_percpu(const struct map *m)
{
	return m->h.is_percpu || m->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

u32 map_user_value_size(const struct map *m)
{
	if (is_percpu(m))
		return m->value_stride * m->n_cpus;
	return m->shape.value_size;
}

bool map_user_writable(const struct map *m)
{
	return !m->readonly && !LOAD(&m->hdr->frozen);
}

int map_user_lookup(struct map *m, const void *key, void *value, u64 flags)
{
	if (flags & ~(u64)BPF_F_LOCK || (flags & BPF_F_LOCK && m->spin_lock_off == ~0u))
		return -EINVAL;
	if (m->ops->peek)
		return m->ops->peek(m, value);
	return m->ops->read ? m->ops->read(m, key, value, flags) : -MAP_ENOTSUPP;
}

int map_user_update(struct map *m, const void *key, const void *value, u64 flags)
{
	if (!map_user_writable(m))
		return -EPERM;
	if (flags & BPF_F_LOCK && m->spin_lock_off == ~0u)
		return -EINVAL;
	if (m->ops->push)
		return m->ops->push(m, value, flags);
	return m->ops->write ? m->ops->write(m, key, value, flags) : -MAP_ENOTSUPP;
}

int map_user_delete(struct map *m, const void *key)
{
	if (!map_user_writable(m))
		return -EPERM;
	return m->ops->remove ? m->ops->remove(m, key) : -MAP_ENOTSUPP;
}

int map_user_lookup_and_delete(struct map *m, const void *key, void *value, u64 flags)
{
	bool is_queue = m->ops->pop != NULL;

	if (flags & ~(u64)BPF_F_LOCK)
		return -EINVAL;
	if (!map_user_writable(m))
		return -EPERM;
	if (flags && (is_queue || m->spin_lock_off == ~0u))
		return -EINVAL;
	if (is_queue)
		return m->ops->pop(m, value);
	return m->ops->take ? m->ops->take(m, key, value, flags) : -MAP_ENOTSUPP;
}

int map_user_next_key(struct map *m, const void *key, void *next)
{
	return m->ops->next_key ? m->ops->next_key(m, key, next) : -MAP_ENOTSUPP;
}

int map_freeze(struct map *m)
{
	if (m->has_special)
		return -MAP_ENOTSUPP;
	if (!map_user_writable(m))
		return -EPERM;
	STORE_REL(&m->hdr->frozen, 1);
	return 0;
}

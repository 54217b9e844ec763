/* SPDX-License-Identifier: BSD-2-Clause */
/* map/array.c - array, per-CPU array, and the arrays of programs, maps and perf events.
 *
 * Kernel: kernel/bpf/arraymap.c.  Values lie at the start of the file, so that BPF_F_MMAPABLE is a
 * plain mmap of it; per-CPU values one CPU's array after the other's, each at a page of its own.
 * Arrays of objects hold the object's id as u64, 0 where empty.
 */
#include "map/kind.h"
#include "map/value.h"

static int array_check(const struct map_attr *a)
{
	bool percpu = a->type == BPF_MAP_TYPE_PERCPU_ARRAY;
	u32 allowed = BPF_F_NUMA_NODE | BPF_F_MMAPABLE | MAP_ACCESS_MASK | BPF_F_PRESERVE_ELEMS |
		      BPF_F_INNER_MAP;

	if (!a->max_entries || a->key_size != 4 || !a->value_size || a->flags & ~allowed ||
	    !map_flags_access_ok(a->flags) || (percpu && a->flags & BPF_F_NUMA_NODE))
		return -EINVAL;
	if (a->type != BPF_MAP_TYPE_ARRAY && a->flags & (BPF_F_MMAPABLE | BPF_F_INNER_MAP))
		return -EINVAL;
	if (a->type != BPF_MAP_TYPE_PERF_EVENT_ARRAY && a->flags & BPF_F_PRESERVE_ELEMS)
		return -EINVAL;
	if (a->value_size > INT32_MAX)
		return -E2BIG;
	if (percpu && ALIGN_UP(a->value_size, 8) > MAP_PCPU_VALUE_MAX)
		return -E2BIG;
	if (a->max_entries > 1u << 31)
		return -E2BIG;
	return 0;
}

/* Kernel fd_array_map_alloc_check(). */
static int ref_array_check(const struct map_attr *a)
{
	u32 prog_side = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;

	if (a->value_size != 4 || a->flags & prog_side)
		return -EINVAL;
	return array_check(a);
}

static void array_layout(struct map *m, struct layout *l)
{
	m->values = (u8 *)layout_add(l, m->max_entries, m->value_stride, 8);
	m->values_bytes = l->off;
}

static u64 percpu_stride(const struct map *m)
{
	return ALIGN_UP((u64)m->max_entries * m->value_stride, MAP_PAGE);
}

static void percpu_array_layout(struct map *m, struct layout *l)
{
	m->values = (u8 *)layout_add(l, m->n_cpus, percpu_stride(m), 8);
	m->values_bytes = l->off;
}

static void ref_array_layout(struct map *m, struct layout *l)
{
	m->values = (u8 *)layout_add(l, m->max_entries, sizeof(u64), 8);
	m->values_bytes = l->off;
}

static void *array_lookup(struct map *m, const void *key, u32 cpu)
{
	u32 index = mem_get32(key);

	(void)cpu;
	return likely(index < m->max_entries) ? m->values + (u64)index * m->value_stride : NULL;
}

static void *percpu_value(struct map *m, u32 index, u32 cpu)
{
	return m->values + cpu * percpu_stride(m) + (u64)index * m->value_stride;
}

static void *percpu_array_lookup(struct map *m, const void *key, u32 cpu)
{
	u32 index = mem_get32(key);

	if (unlikely(index >= m->max_entries || cpu >= m->n_cpus))
		return NULL;
	return percpu_value(m, index, cpu);
}

/* What every update of an array refuses. */
static int array_update_check(const struct map *m, u32 index, u64 flags)
{
	if ((flags & ~(u64)BPF_F_LOCK) > BPF_EXIST)
		return -EINVAL;
	if (index >= m->max_entries)
		return -E2BIG;
	if (flags & BPF_NOEXIST)
		return -EEXIST;
	if (flags & BPF_F_LOCK && m->spin_lock_off == ~0u)
		return -EINVAL;
	return 0;
}

static int array_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	u32 index = mem_get32(key);
	int err = array_update_check(m, index, flags);
	u8 *at = m->values + (u64)index * m->value_stride;

	(void)cpu;
	if (unlikely(err))
		return err;
	if (flags & BPF_F_LOCK)
		value_store_locked(m, at, value);
	else
		value_store(m, at, value);
	return 0;
}

static int percpu_array_update(struct map *m, const void *key, const void *value, u64 flags,
			       u32 cpu)
{
	u32 index = mem_get32(key);
	int err = array_update_check(m, index, flags);

	if (unlikely(err))
		return err;
	if (cpu >= m->n_cpus)
		return -EINVAL;
	value_store(m, percpu_value(m, index, cpu), value);
	return 0;
}

static int array_remove(struct map *m, const void *key)
{
	(void)m;
	(void)key;
	return -EINVAL;
}

static int array_read(struct map *m, const void *key, void *value, u64 flags)
{
	u8 *at = array_lookup(m, key, 0);

	if (!at)
		return -ENOENT;
	value_load(m, value, at, flags);
	return 0;
}

static int array_write(struct map *m, const void *key, const void *value, u64 flags)
{
	return array_update(m, key, value, flags, 0);
}

static int percpu_array_read(struct map *m, const void *key, void *value, u64 flags)
{
	u32 index = mem_get32(key);

	(void)flags;
	if (index >= m->max_entries)
		return -ENOENT;
	for (u32 cpu = 0; cpu < m->n_cpus; cpu++) {
		u8 *out = (u8 *)value + (u64)cpu * m->value_stride;

		mem_copy(out, percpu_value(m, index, cpu), m->value_stride);
		value_zero_special(m, out);
	}
	return 0;
}

/* Kernel bpf_percpu_array_update(): every CPU's value, the padding with it. */
static int percpu_array_write(struct map *m, const void *key, const void *value, u64 flags)
{
	u32 index = mem_get32(key);

	if (flags > BPF_EXIST)
		return -EINVAL;
	if (index >= m->max_entries)
		return -E2BIG;
	if (flags == BPF_NOEXIST)
		return -EEXIST;
	for (u32 cpu = 0; cpu < m->n_cpus; cpu++)
		value_store(m, percpu_value(m, index, cpu),
			    (const u8 *)value + (u64)cpu * m->value_stride);
	return 0;
}

/* Kernel array_map_get_next_key(): what lies past the end starts over. */
static int array_next_key(struct map *m, const void *key, void *next)
{
	u32 index = key ? mem_get32(key) : ~0u;

	if (index >= m->max_entries) {
		mem_put32(next, 0);
		return 0;
	}
	if (index == m->max_entries - 1)
		return -ENOENT;
	mem_put32(next, index + 1);
	return 0;
}

static s64 array_each(struct map *m, u32 cpu, map_each_fn fn, void *arg)
{
	u32 index = 0;

	for (; index < m->max_entries; index++) {
		u32 key = index;
		void *value = m->ops->lookup(m, &key, cpu);

		if (!value)
			return -EINVAL;
		if (fn(m, &key, value, arg))
			return (s64)index + 1;
	}
	return index;
}

static bool array_mem_ok(const struct map *m, u64 off, u64 size)
{
	return map_in_values(off, size, m->max_entries, m->value_stride, 0, m->value_size);
}

static bool percpu_array_mem_ok(const struct map *m, u64 off, u64 size)
{
	u64 stride = percpu_stride(m);

	return off < m->values_bytes &&
	       map_in_values(off % stride, size, m->max_entries, m->value_stride, 0, m->value_size);
}

/* ---- arrays of objects ---- */

static u64 *ref_slot(struct map *m, const void *key)
{
	u32 index = mem_get32(key);

	return index < m->max_entries ? (u64 *)m->values + index : NULL;
}

/* Value is the object's id; kernel bpf_fd_array_map_update_elem(). */
static int ref_array_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	u64 *slot = ref_slot(m, key);

	(void)cpu;
	if (flags != BPF_ANY)
		return -EINVAL;
	if (!slot)
		return -E2BIG;
	STORE_REL(slot, mem_get64(value));
	return 0;
}

static int ref_array_remove(struct map *m, const void *key)
{
	u64 *slot = ref_slot(m, key);

	if (!slot)
		return -E2BIG;
	return __atomic_exchange_n(slot, 0, __ATOMIC_ACQ_REL) ? 0 : -ENOENT;
}

static void *ref_array_lookup(struct map *m, const void *key, u32 cpu)
{
	u64 *slot = ref_slot(m, key);

	(void)cpu;
	return slot && LOAD_ACQ(slot) ? slot : NULL;
}

/* The system call shows ids of 4 bytes. */
static int ref_array_read(struct map *m, const void *key, void *value, u64 flags)
{
	u64 *slot = ref_slot(m, key);
	u64 id = slot ? LOAD_ACQ(slot) : 0;

	(void)flags;
	if (!id)
		return -ENOENT;
	mem_put32(value, (u32)id);
	return 0;
}

const struct map_ops array_map_ops = {
	.check = array_check,
	.layout = array_layout,
	.lookup = array_lookup,
	.update = array_update,
	.remove = array_remove,
	.read = array_read,
	.write = array_write,
	.next_key = array_next_key,
	.each = array_each,
	.mem_ok = array_mem_ok,
	.batch = MAP_BATCH_BY_KEY,
	.no_batch_delete = true,
};

const struct map_ops percpu_array_ops = {
	.check = array_check,
	.layout = percpu_array_layout,
	.lookup = percpu_array_lookup,
	.update = percpu_array_update,
	.remove = array_remove,
	.read = percpu_array_read,
	.write = percpu_array_write,
	.next_key = array_next_key,
	.each = array_each,
	.mem_ok = percpu_array_mem_ok,
	.batch = MAP_BATCH_BY_KEY,
	.no_batch_delete = true,
};

const struct map_ops prog_array_ops = {
	.check = ref_array_check,
	.layout = ref_array_layout,
	.remove = ref_array_remove,
	.read = ref_array_read,
	.next_key = array_next_key,
	.ref_lookup = ref_array_lookup,
	.ref_update = ref_array_update,
};

const struct map_ops perf_array_ops = {
	.check = ref_array_check,
	.layout = ref_array_layout,
	.remove = ref_array_remove,
	.next_key = array_next_key,
	.ref_lookup = ref_array_lookup,
	.ref_update = ref_array_update,
};

const struct map_ops cgroup_array_ops = {
	.check = ref_array_check,
	.layout = ref_array_layout,
	.remove = ref_array_remove,
	.next_key = array_next_key,
	.ref_lookup = ref_array_lookup,
	.ref_update = ref_array_update,
};

const struct map_ops array_of_maps_ops = {
	.check = ref_array_check,
	.layout = ref_array_layout,
	.remove = ref_array_remove,
	.read = ref_array_read,
	.next_key = array_next_key,
	.ref_lookup = ref_array_lookup,
	.ref_update = ref_array_update,
	.batch = MAP_BATCH_BY_KEY,
	.no_batch_delete = true,
};

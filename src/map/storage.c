/* SPDX-License-Identifier: BSD-2-Clause */
/* map/storage.c - task storage: a value per task, by its pid and start time.
 *
 * Kernel: kernel/bpf/bpf_task_storage.c, where the value dies with its task.  Here a hash that has
 * room for TASKS_MAX; values of dead tasks are removed when it is full.
 */
#include "map/hash.h"
#include "map/hash_pool.h"
#include "map/kind.h"

enum {
	TASKS_MAX = 1 << 16,
	STORAGE_VALUE_MAX = 0xffff - 128, /* kernel BPF_LOCAL_STORAGE_MAX_VALUE_SIZE */
};

struct task_key {
	u32 pid, zero;
	u64 start_ns;
};

/* Kernel bpf_local_storage_map_alloc_check(). */
static int storage_check(const struct map_attr *a)
{
	if (a->flags & ~(BPF_F_NO_PREALLOC | BPF_F_CLONE) || !(a->flags & BPF_F_NO_PREALLOC) ||
	    a->max_entries || a->key_size != 4 || !a->value_size)
		return -EINVAL;
	return a->value_size > STORAGE_VALUE_MAX ? -E2BIG : 0;
}

static void storage_layout(struct map *m, struct layout *l)
{
	m->max_entries = TASKS_MAX;
	hash_layout_sized(m, l, sizeof(struct task_key), m->value_size);
}

/* Removes the values of tasks that are gone. */
static void storage_sweep(struct map *m)
{
	u32 used = pool_used(m);

	for (u32 index = 1; index <= used; index++) {
		struct hash_elem *e = hash_elem_at(m, index);
		struct task_key key;

		if (LOAD_ACQ(&e->state) != ELEM_LINKED)
			continue;
		mem_copy(&key, e->key, sizeof(key));
		if ((s32)key.pid <= 0 || sys_call2(SYS_kill, key.pid, 0) == -ESRCH)
			hash_remove(m, &key);
	}
}

void *map_task_storage_get(struct map *m, u32 tgid, u64 start_ns, const void *init, u64 flags)
{
	struct task_key key = {.pid = tgid, .start_ns = start_ns};
	struct hash_write w = {.key = &key, .value = init, .flags = BPF_NOEXIST};
	struct hash_elem *e;
	int err;

	if (m->type != BPF_MAP_TYPE_TASK_STORAGE || m->readonly ||
	    flags & ~(u64)BPF_LOCAL_STORAGE_GET_F_CREATE)
		return NULL;
	w.hash = hash_of(m, &key);
	e = hash_find(m, &key, w.hash);
	if (!e && flags) {
		err = hash_write(m, &w);
		if (err == -E2BIG) {
			storage_sweep(m);
			hash_write(m, &w);
		}
		e = hash_find(m, &key, w.hash);
	}
	return e ? (u8 *)e + m->h.value_off : NULL;
}

int map_task_storage_delete(struct map *m, u32 tgid, u64 start_ns)
{
	struct task_key key = {.pid = tgid, .start_ns = start_ns};

	if (m->type != BPF_MAP_TYPE_TASK_STORAGE || m->readonly)
		return -EINVAL;
	return hash_remove(m, &key);
}

static bool storage_mem_ok(const struct map *m, u64 off, u64 size)
{
	u64 elems = (u64)(m->h.elems - m->base);

	return off >= elems && map_in_values(off - elems, size, (u64)m->h.n_elems + 1, m->h.stride,
					     m->h.value_off, m->value_size);
}

const struct map_ops task_storage_ops = {
	.check = storage_check,
	.layout = storage_layout,
	.init = pool_init,
	.mem_ok = storage_mem_ok,
};

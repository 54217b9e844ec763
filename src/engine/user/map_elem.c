/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/map_elem.c - BPF_MAP_*_ELEM, batches and freeze: the checks of the system call, then
 * map/; in maps of maps, programs and perf rings the client's fds become references.
 *
 * Kernel 6.18: map_lookup_elem() and its neighbours in kernel/bpf/syscall.c.
 */
#include "engine/user/command.h"
#include "engine/user/object.h"
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

enum { ERR_NOTSUPP = 524 }; /* kernel ENOTSUPP */
enum { CAN_READ = 1, CAN_WRITE = 2 };

/* Whole map of the fd when the fd and the map allow what is asked. */
static int map_by_fd(struct session *s, u32 fd, u32 need, struct map_object **out)
{
	struct object *o;
	struct map_info info;
	int err = session_by_fd(s, (int)fd, OBJECT_MAP, &o);
	enum file_access access;

	if (err)
		return err;
	access = file_access((int)fd);
	if ((need & CAN_READ) && access == FILE_WRONLY)
		return -EPERM;
	if (need & CAN_WRITE) {
		map_info(map_of(o)->map, &info);
		if (access == FILE_RDONLY || info.frozen)
			return -EPERM;
	}
	*out = map_of(o);
	return 0;
}

static bool holds_refs(const struct map_object *m)
{
	switch (m->attr.type) {
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
		return true;
	}
	return false;
}

static enum object_kind ref_kind(const struct map_object *m)
{
	return m->attr.type == BPF_MAP_TYPE_PROG_ARRAY ? OBJECT_PROG : OBJECT_MAP;
}

static bool bad_lock_flag(const struct map_object *m, u64 flags)
{
	return (flags & BPF_F_LOCK) && m->attr.spin_lock_off == ~0u;
}

/* The key in client memory: *key is NULL for maps without one.  Kernel __bpf_copy_key(). */
static int client_key(const struct map_object *m, u64 addr, const void **key)
{
	*key = NULL;
	if (!m->attr.key_size)
		return addr ? -EINVAL : 0;
	*key = client_memory(addr, m->attr.key_size);
	return *key ? 0 : -EFAULT;
}

static int client_value(const struct map_object *m, u64 addr, void **value)
{
	*value = client_memory(addr, map_user_value_size(m->map));
	return *value ? 0 : -EFAULT;
}

/* ---- references ---- */

int map_take_prog(struct map_object *m, const struct prog_object *p)
{
	if (!m->has_owner) {
		m->has_owner = true;
		m->owner_type = p->type;
	}
	return m->owner_type == p->type ? 0 : -EINVAL;
}

/* Puts the object that a slot referred to, if it was this session that put it there: another process
 * may have written any reference into the slot. */
static void drop_ref(struct session *s, struct map_object *m, u64 ref)
{
	for (u32 i = m->held.n; i-- > 0;) {
		if (m->held.p[i] != ref)
			continue;
		m->held.p[i] = m->held.p[--m->held.n];
		object_put(session_by_ref(s, ref_kind(m), ref));
		return;
	}
}

/* A cgroup array holds inode numbers of cgroup v2 directories.  Kernel cgroup_get_from_fd(). */
static int set_cgroup(struct map_object *m, const void *key, int fd, u64 flags)
{
	struct statfs fs;
	struct stat st;

	if (flags != BPF_ANY)
		return -EINVAL;
	if (*(const u32 *)key >= m->attr.max_entries)
		return -E2BIG;
	if (fstatfs(fd, &fs) || fstat(fd, &st) || fs.f_type != CGROUP2_SUPER_MAGIC ||
	    !S_ISDIR(st.st_mode))
		return -EBADF;
	return map_ref_set(m->map, key, st.st_ino, flags);
}

static int set_ref(struct session *s, struct map_object *m, const void *key, int fd, u64 flags)
{
	struct object *o;
	u64 old = 0;
	int err;

	if (m->attr.type != BPF_MAP_TYPE_HASH_OF_MAPS) {
		if (flags != BPF_ANY)
			return -EINVAL;
		if (*(const u32 *)key >= m->attr.max_entries)
			return -E2BIG;
	}
	if (m->attr.type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return -EBADF; /* rings are entered by perf_ring_open */
	err = session_by_fd(s, fd, ref_kind(m), &o);
	if (err)
		return err;
	if (o->kind == OBJECT_PROG)
		err = map_take_prog(m, prog_of(o));
	else if (!map_inner_fits(m->map, map_of(o)->map))
		err = -EINVAL;
	if (err)
		return err;
	if (!vec_reserve(&m->held, 1))
		return -ENOMEM;
	map_ref_get(m->map, key, &old);
	err = map_ref_set(m->map, key, session_ref(s, o), flags);
	if (err)
		return err;
	drop_ref(s, m, old);
	m->held.p[m->held.n++] = session_ref(s, o);
	object_get(o);
	return 0;
}

static int delete_ref(struct session *s, struct map_object *m, const void *key)
{
	u64 old = 0;
	int err;

	map_ref_get(m->map, key, &old);
	err = map_user_delete(m->map, key);
	if (!err)
		drop_ref(s, m, old);
	return err;
}

void map_put_slots(struct session *s, struct map_object *m)
{
	for (u32 i = 0; i < m->held.n; i++)
		object_put(session_by_ref(s, ref_kind(m), m->held.p[i]));
	vec_free(&m->held);
}

/* ---- one element ---- */

int cmd_map_lookup(struct session *s, union bpf_attr *attr)
{
	struct map_object *m;
	const void *key;
	void *value;
	int err;

	if (attr->flags & ~(u64)BPF_F_LOCK)
		return -EINVAL;
	err = map_by_fd(s, attr->map_fd, CAN_READ, &m);
	if (err)
		return err;
	if (bad_lock_flag(m, attr->flags))
		return -EINVAL;
	err = client_key(m, attr->key, &key);
	if (!err)
		err = client_value(m, attr->value, &value);
	if (err)
		return err;
	return map_user_lookup(m->map, key, value, attr->flags);
}

int cmd_map_update(struct session *s, union bpf_attr *attr)
{
	struct map_object *m;
	const void *key;
	void *value;
	int err = map_by_fd(s, attr->map_fd, CAN_WRITE, &m);

	if (err)
		return err;
	if (bad_lock_flag(m, attr->flags))
		return -EINVAL;
	err = client_key(m, attr->key, &key);
	if (!err)
		err = client_value(m, attr->value, &value);
	if (err)
		return err;
	if (holds_refs(m) || m->attr.type == BPF_MAP_TYPE_CGROUP_ARRAY) {
		s32 fd;

		memcpy(&fd, value, sizeof(fd));
		return m->attr.type == BPF_MAP_TYPE_CGROUP_ARRAY ?
			       set_cgroup(m, key, fd, attr->flags) :
			       set_ref(s, m, key, fd, attr->flags);
	}
	return map_user_update(m->map, key, value, attr->flags);
}

int cmd_map_delete(struct session *s, union bpf_attr *attr)
{
	struct map_object *m;
	const void *key;
	int err = map_by_fd(s, attr->map_fd, CAN_WRITE, &m);

	if (err)
		return err;
	err = client_key(m, attr->key, &key);
	if (err)
		return err;
	return holds_refs(m) ? delete_ref(s, m, key) : map_user_delete(m->map, key);
}

int cmd_map_next_key(struct session *s, union bpf_attr *attr)
{
	struct map_object *m;
	const void *key = NULL;
	void *next;
	int err = map_by_fd(s, attr->map_fd, CAN_READ, &m);

	if (err)
		return err;
	if (attr->key) {
		err = client_key(m, attr->key, &key);
		if (err)
			return err;
	}
	next = client_memory(attr->next_key, m->attr.key_size);
	return next ? map_user_next_key(m->map, key, next) : -EFAULT;
}

int cmd_map_lookup_and_delete(struct session *s, union bpf_attr *attr)
{
	struct map_object *m;
	const void *key;
	void *value;
	int err;

	if (attr->flags & ~(u64)BPF_F_LOCK)
		return -EINVAL;
	err = map_by_fd(s, attr->map_fd, CAN_READ | CAN_WRITE, &m);
	if (err)
		return err;
	if (attr->flags &&
	    (m->attr.type == BPF_MAP_TYPE_QUEUE || m->attr.type == BPF_MAP_TYPE_STACK))
		return -EINVAL;
	if (bad_lock_flag(m, attr->flags))
		return -EINVAL;
	err = client_key(m, attr->key, &key);
	if (!err)
		err = client_value(m, attr->value, &value);
	if (err)
		return err;
	return holds_refs(m) ? -ERR_NOTSUPP
			     : map_user_lookup_and_delete(m->map, key, value, attr->flags);
}

int cmd_map_freeze(struct session *s, union bpf_attr *attr)
{
	struct map_object *m;
	struct object *o;
	struct map_info info;
	int err = session_by_fd(s, (int)attr->map_fd, OBJECT_MAP, &o);

	if (err)
		return err;
	m = map_of(o);
	if (m->attr.spin_lock_off != ~0u || m->attr.timer_off != ~0u)
		return -ERR_NOTSUPP;
	map_info(m->map, &info);
	if (info.frozen || file_access((int)attr->map_fd) == FILE_RDONLY)
		return -EPERM;
	return map_freeze(m->map);
}

/* ---- batches ---- */

struct batch {
	struct map_object *m;
	void *keys, *values;
	u32 key_size, value_size;
};

/* keys and values may be absent where count is 0. */
static int batch_open(struct session *s, const union bpf_attr *attr, u32 need, bool with_values,
		      struct batch *b)
{
	u32 n = attr->batch.count;
	int err = map_by_fd(s, attr->batch.map_fd, need, &b->m);

	if (err)
		return err;
	if ((attr->batch.elem_flags & ~(u64)BPF_F_LOCK) ||
	    bad_lock_flag(b->m, attr->batch.elem_flags))
		return -EINVAL;
	b->key_size = b->m->attr.key_size;
	b->value_size = map_user_value_size(b->m->map);
	b->keys = client_memory(attr->batch.keys, (u64)n * b->key_size);
	b->values = client_memory(attr->batch.values, (u64)n * b->value_size);
	if (n && (!b->keys || (with_values && !b->values)))
		return -EFAULT;
	return 0;
}

static int lookup_batch(struct session *s, union bpf_attr *attr, bool and_delete)
{
	struct batch b;
	void *in, *out;
	int err = batch_open(s, attr, CAN_READ | (and_delete ? CAN_WRITE : 0), true, &b);

	if (err)
		return err;
	if (!attr->batch.count)
		return attr->batch.flags ? -EINVAL : 0;
	in = client_memory(attr->batch.in_batch, MAX(b.key_size, 4u));
	out = client_memory(attr->batch.out_batch, MAX(b.key_size, 4u));
	if ((attr->batch.in_batch && !in) || !out) {
		attr->batch.count = 0;
		return -EFAULT;
	}
	if (attr->batch.flags) {
		attr->batch.count = 0;
		return -EINVAL;
	}
	return map_user_lookup_batch(b.m->map, in, out, b.keys, b.values, &attr->batch.count,
				     attr->batch.elem_flags, and_delete);
}

int cmd_map_lookup_batch(struct session *s, union bpf_attr *attr)
{
	return lookup_batch(s, attr, false);
}

int cmd_map_lookup_and_delete_batch(struct session *s, union bpf_attr *attr)
{
	return lookup_batch(s, attr, true);
}

int cmd_map_update_batch(struct session *s, union bpf_attr *attr)
{
	struct batch b;
	u32 n = attr->batch.count, done = 0;
	int err = batch_open(s, attr, CAN_WRITE, true, &b);

	if (err || !n)
		return err;
	if (!holds_refs(b.m))
		return map_user_update_batch(b.m->map, b.keys, b.values, &attr->batch.count,
					     attr->batch.elem_flags);
	for (; done < n && !err; done += !err) {
		s32 fd;

		memcpy(&fd, (u8 *)b.values + (u64)done * b.value_size, sizeof(fd));
		err = set_ref(s, b.m, (u8 *)b.keys + (u64)done * b.key_size, fd,
			      attr->batch.elem_flags);
	}
	attr->batch.count = done;
	return err;
}

int cmd_map_delete_batch(struct session *s, union bpf_attr *attr)
{
	struct batch b;
	u32 n = attr->batch.count, done = 0;
	int err = batch_open(s, attr, CAN_WRITE, false, &b);

	if (err || !n)
		return err;
	if (!holds_refs(b.m))
		return map_user_delete_batch(b.m->map, b.keys, &attr->batch.count,
					     attr->batch.elem_flags);
	for (; done < n && !err; done += !err)
		err = delete_ref(s, b.m, (u8 *)b.keys + (u64)done * b.key_size);
	attr->batch.count = done;
	return err;
}

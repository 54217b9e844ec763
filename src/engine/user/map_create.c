/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/map_create.c - BPF_MAP_CREATE: the kernel's checks, then a map in a file of its own.
 *
 * What map/ checks itself (sizes, flags of the kind) is left to it, what BTF says of keys and values
 * to the verifier's files.  Kernel 6.18: map_create() in kernel/bpf/syscall.c.
 */
#include "engine/user/command.h"
#include "engine/user/object.h"
#include "engine/user/verdict.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ERR_NOTSUPP = 524 }; /* kernel ENOTSUPP, which user space has no name for */

static void map_release(struct session *s, struct object *o)
{
	struct map_object *m = map_of(o);

	map_put_slots(s, m);
	map_close(m->map);
	if (m->event_fd >= 0)
		close(m->event_fd);
	if (m->btf)
		object_put(&m->btf->o);
	if (m->inner_btf)
		object_put(&m->inner_btf->o);
	arena_free(&m->arena);
	free(m);
}

/* Runs wherever a program commits a record: controller or guard. */
static void map_wake(void *arg)
{
	struct map_object *m = arg;
	u64 one = 1;

	if (write(m->event_fd, &one, sizeof(one)) < 0)
		return; /* the counter is at its end: the consumer has been woken */
}

static bool wants_event(u32 type)
{
	return type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_PERF_EVENT_ARRAY ||
	       type == BPF_MAP_TYPE_USER_RINGBUF;
}

struct map_object *map_object_new(struct map *map, const struct map_attr *attr)
{
	struct map_object *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->o.kind = OBJECT_MAP;
	m->o.fd = m->event_fd = -1;
	m->o.release = map_release;
	m->map = map;
	m->attr = *attr;
	m->attr.inner = NULL;
	if (attr->inner) {
		m->inner_attr = *attr->inner;
		m->attr.inner = &m->inner_attr;
	}
	if (wants_event(attr->type)) {
		m->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (m->event_fd < 0) {
			free(m);
			return NULL;
		}
		map_set_wake(map, map_wake, m);
	}
	return m;
}

static bool has_inner(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* Checks that need no other object.  Kernel: the head of map_create(). */
static int check_attr(const union bpf_attr *attr)
{
	u32 access = attr->map_flags & (BPF_F_RDONLY | BPF_F_WRONLY);

	if (attr->map_flags & BPF_F_TOKEN_FD)
		return -EINVAL;
	if (attr->btf_vmlinux_value_type_id)
		return attr->map_type != BPF_MAP_TYPE_STRUCT_OPS || attr->btf_key_type_id ||
				       attr->btf_value_type_id
			       ? -EINVAL
			       : -EOPNOTSUPP;
	if (attr->btf_key_type_id && !attr->btf_value_type_id)
		return -EINVAL;
	if (attr->map_type != BPF_MAP_TYPE_BLOOM_FILTER && attr->map_type != BPF_MAP_TYPE_ARENA &&
	    attr->map_extra)
		return -EINVAL;
	if (access == (BPF_F_RDONLY | BPF_F_WRONLY))
		return -EINVAL;
	if ((attr->map_flags & BPF_F_NUMA_NODE) && attr->numa_node != ~0u && attr->numa_node > 0)
		return -EINVAL;
	if (attr->map_type == BPF_MAP_TYPE_UNSPEC || attr->map_type >= BPF_MAP_TYPE_MAX)
		return -EINVAL;
	return attr->map_ifindex ? -EOPNOTSUPP : 0;
}

/* The template of a map of maps.  Kernel bpf_map_meta_alloc(). */
static int find_inner(struct session *s, const union bpf_attr *attr, struct map_object **out)
{
	struct object *o;
	int err = session_by_fd(s, (int)attr->inner_map_fd, OBJECT_MAP, &o);

	if (err)
		return err;
	if (has_inner(map_of(o)->attr.type) || map_of(o)->attr.type == BPF_MAP_TYPE_PROG_ARRAY)
		return map_of(o)->attr.inner ? -EINVAL : -ERR_NOTSUPP;
	*out = map_of(o);
	return 0;
}

/* The client's BTF; what it says of key and value is the verifier's to check. */
static int find_btf(struct session *s, const union bpf_attr *attr, struct btf_object **out)
{
	struct object *o;
	int err;

	if (!attr->btf_key_type_id && !attr->btf_value_type_id)
		return 0;
	err = session_by_fd(s, (int)attr->btf_fd, OBJECT_BTF, &o);
	if (!err)
		*out = btf_of(o);
	return err;
}

static int map_file(struct session *s, const struct map_attr *a, bool linkable, int *fd,
		    struct map **map)
{
	int err;

	*fd = file_new(&s->run, "bpf-map", linkable);
	if (*fd < 0)
		return *fd;
	err = map_create(*fd, a, s->last_id[OBJECT_MAP] + 1, map);
	if (err)
		close(*fd);
	return err;
}

/* A tmpfs may have a limit, which map_create() meets when it takes the pages; a map that takes its
 * pages later would meet it as a SIGBUS.  A memfd has none. */
static int map_make(struct session *s, const struct map_attr *a, struct map_object **out)
{
	int err = -ENOMEM, fd;
	struct map *map;

	if (s->run.is_tmpfs && !(a->flags & BPF_F_NO_PREALLOC))
		err = map_file(s, a, true, &fd, &map);
	if (err == -ENOMEM || err == -ENOSPC)
		err = map_file(s, a, false, &fd, &map);
	if (err)
		return err;
	*out = map_object_new(map, a);
	if (!*out) {
		map_close(map);
		close(fd);
		return -ENOMEM;
	}
	(*out)->o.fd = fd;
	return 0;
}

/* What is known of it beside its file. */
static int map_finish(struct session *s, const union bpf_attr *attr, struct map_object *m,
		      struct btf_object *btf, const struct map_object *inner)
{
	m->user_flags = attr->map_flags;
	m->btf_key_id = attr->btf_key_type_id;
	m->btf_value_id = attr->btf_value_type_id;
	m->btf = btf;
	if (btf)
		object_get(&btf->o);
	m->vm.name = m->attr.name;
	return inner ? map_describe_inner(s, m, inner) : 0;
}

int cmd_map_create(struct session *s, union bpf_attr *attr)
{
	struct map_attr a = {.type = attr->map_type,
			     .key_size = attr->key_size,
			     .value_size = attr->value_size,
			     .max_entries = attr->max_entries,
			     .flags = attr->map_flags,
			     .extra = attr->map_extra,
			     .spin_lock_off = ~0u,
			     .timer_off = ~0u};
	struct map_object *m, *inner = NULL;
	struct btf_object *btf = NULL;
	struct arena arena = {0};
	struct verify_map vm;
	int err = check_attr(attr);

	if (!err)
		err = name_copy(a.name, attr->map_name);
	if (!err && has_inner(a.type))
		err = find_inner(s, attr, &inner);
	if (!err)
		err = find_btf(s, attr, &btf);
	if (err)
		return err;
	a.inner = inner ? &inner->attr : NULL;
	err = map_describe(s, attr, btf ? btf->btf : NULL, &arena, &vm, &a);
	if (!err)
		err = map_make(s, &a, &m);
	if (err) {
		arena_free(&arena);
		return err;
	}
	m->vm = vm;
	m->arena = arena;
	err = map_finish(s, attr, m, btf, inner);
	if (!err)
		err = session_add(s, &m->o);
	if (err) {
		object_free(s, &m->o);
		return err;
	}
	return session_publish(s, &m->o,
			       attr->map_flags & BPF_F_RDONLY	? FILE_RDONLY
			       : attr->map_flags & BPF_F_WRONLY ? FILE_WRONLY
								: FILE_RDWR);
}

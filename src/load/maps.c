/* SPDX-License-Identifier: BSD-2-Clause */
/* load/maps.c - maps made in the object's order, filled with their first contents, pinned by name. */
#include "load/priv.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/str.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int object_btf_load(struct load *l, struct diag *dg)
{
	struct btf *btf;
	u32 size;
	int err = obj_kernel_btf(l->obj, dg, &btf);

	if (err == -ENOENT)
		return 0;
	if (err)
		return err;

	union bpf_attr attr = { .btf = (u64)btf_raw(btf, &size) };

	attr.btf_size = size;

	int fd = engine_bpf(l->e, BPF_BTF_LOAD, &attr, BPF_ATTR_UPTO(btf_log_level));

	if (fd < 0) {
		char log[4096] = "";

		attr.btf_log_buf = (u64)log;
		attr.btf_log_size = sizeof(log);
		attr.btf_log_level = 1;
		if (fd != -EPERM)
			fd = engine_bpf(l->e, BPF_BTF_LOAD, &attr, BPF_ATTR_UPTO(btf_log_level));

		size_t n = strnlen(log, sizeof(log) - 1);

		while (n && log[n - 1] == '\n')
			log[--n] = 0;

		const char *last = strrchr(log, '\n');

		/* Not fatal: what needs it (struct_ops, spin locks, func_info) says so by itself, and
		 * without the right to it the maps that follow tell what is missing. */
		if (fd < 0 && fd != -EPERM)
			diag_note(dg, (struct place){ .file = l->obj->path },
				  "the %s engine did not take the object's BTF: %s%s%s",
				  l->e->ops->name, strerror(-fd), *log ? ": " : "",
				  last ? last + 1 : log);
	}
	l->btf_fd = fd < 0 ? -1 : fd;
	btf_free(btf);
	return 0;
}

/* A power of two of pages: the next above, as ring buffers want it. */
static u32 ring_size(u32 size)
{
	u32 page = (u32)sysconf(_SC_PAGESIZE);

	for (u32 shift = 0; shift < 31; shift++) {
		u64 pages = (u64)page << shift;

		if (pages >= size && pages <= 1u << 31)
			return (u32)pages;
	}
	return size;
}

static bool is_ring(u32 type)
{
	return type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_USER_RINGBUF;
}

/* Types that the kernel wants max_entries 0 for. */
static bool wants_no_entries(u32 type)
{
	switch (type) {
	case BPF_MAP_TYPE_CGROUP_STORAGE:
	case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
	case BPF_MAP_TYPE_SK_STORAGE:
	case BPF_MAP_TYPE_INODE_STORAGE:
	case BPF_MAP_TYPE_TASK_STORAGE:
	case BPF_MAP_TYPE_CGRP_STORAGE:
	case BPF_MAP_TYPE_STRUCT_OPS:
		return true;
	default:
		return false;
	}
}

static u32 entries_of(const struct load *l, const struct obj_map *m)
{
	u32 n = m->max_entries;

	if (is_ring(m->type))
		n = ring_size(n || !l->opts.empty_maps_one ? n : 1);
	else if (!n && m->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		n = cpus_possible();
	else if (!n && l->opts.empty_maps_one && !wants_no_entries(m->type))
		n = 1;
	return m->type == BPF_MAP_TYPE_STRUCT_OPS ? 1 : n;
}

/* A stack-trace map without a value size is filled in by user space: as deep as the kernel goes. */
static u32 value_size_of(const struct obj_map *m)
{
	struct bytes b;
	u64 depth = 127;

	if (m->type != BPF_MAP_TYPE_STACK_TRACE || m->value_size)
		return m->value_size;
	if (!file_read("/proc/sys/kernel/perf_event_max_stack", 64, &b)) {
		b.p[strcspn((char *)b.p, "\n")] = 0;
		if (str_to_u64((char *)b.p, &depth) || !depth || depth > 1 << 20)
			depth = 127;
		bytes_free(&b);
	}
	return (u32)depth * sizeof(u64);
}

/* Types that refuse BTF. */
static bool takes_btf(u32 type)
{
	switch (type) {
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY: case BPF_MAP_TYPE_CGROUP_ARRAY:
	case BPF_MAP_TYPE_STACK_TRACE: case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS: case BPF_MAP_TYPE_DEVMAP: case BPF_MAP_TYPE_DEVMAP_HASH:
	case BPF_MAP_TYPE_CPUMAP: case BPF_MAP_TYPE_XSKMAP: case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH: case BPF_MAP_TYPE_QUEUE: case BPF_MAP_TYPE_STACK:
	case BPF_MAP_TYPE_ARENA:
		return false;
	default:
		return true;
	}
}

static bool holds_maps(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

static void map_attr_init(struct load *l, const struct obj_map *m, const struct struct_ops *st,
			  u32 max_entries, union bpf_attr *attr)
{
	*attr = (union bpf_attr){
		.map_type = m->type,
		.key_size = m->key_size,
		.value_size = value_size_of(m),
		.max_entries = max_entries,
		.map_flags = m->flags,
		.numa_node = m->numa_node,
	};
	attr->map_extra = m->extra;
	if (m->real_name)
		snprintf(attr->map_name, sizeof(attr->map_name), "%s", m->real_name);
	if (l->btf_fd >= 0 && takes_btf(m->type)) {
		attr->btf_fd = (u32)l->btf_fd;
		attr->btf_key_type_id = m->btf_key_id;
		attr->btf_value_type_id = m->type == BPF_MAP_TYPE_STRUCT_OPS ? 0 : m->btf_value_id;
	}
	if (m->type == BPF_MAP_TYPE_STRUCT_OPS && st) {
		attr->value_size = st->value_size;
		attr->btf_vmlinux_value_type_id = st->value_id;
		if (st->module) {
			attr->map_flags |= BPF_F_VTYPE_BTF_OBJ_FD;
			attr->value_type_btf_obj_fd = kernel_btf_fd(l, st->module);
		}
	}
}

static u32 map_attr_size(const union bpf_attr *attr)
{
	/* A kernel before 5.16 takes nothing after the value type: say no more than there is to
	 * say. */
	return attr->value_type_btf_obj_fd ? BPF_ATTR_UPTO(value_type_btf_obj_fd) :
	       attr->map_extra		   ? BPF_ATTR_UPTO(map_extra) :
					     BPF_ATTR_UPTO(btf_vmlinux_value_type_id);
}

static const char *create_why(const union bpf_attr *attr, int err)
{
	if (err == -EPERM)
		return "not permitted; making maps needs CAP_BPF (or root)";
	if (err == -ENOMEM)
		return "out of memory";
	if (err == -E2BIG)
		return "too large";
	if (err == -EINVAL && !attr->max_entries && !wants_no_entries(attr->map_type))
		return "max_entries 0 is refused";
	if (err == -EINVAL)
		return "this combination is refused, or the type is not known here";
	return strerror(-err);
}

static int map_create_fd(struct load *l, const struct obj_map *m, const struct struct_ops *st,
			 int inner_fd, u32 max_entries, struct diag *dg)
{
	union bpf_attr attr;

	map_attr_init(l, m, st, max_entries, &attr);
	if (inner_fd >= 0)
		attr.inner_map_fd = (u32)inner_fd;

	int fd = engine_bpf(l->e, BPF_MAP_CREATE, &attr, map_attr_size(&attr));

	/* Some types and some BTF don't go together on some kernels: the map counts more. */
	if (fd < 0 && fd != -EPERM && (attr.btf_key_type_id || attr.btf_value_type_id)) {
		attr.btf_fd = attr.btf_key_type_id = attr.btf_value_type_id = 0;

		int plain = engine_bpf(l->e, BPF_MAP_CREATE, &attr, map_attr_size(&attr));

		fd = plain >= 0 ? plain : fd;
	}
	if (fd < 0) {
		const char *type = map_type_text(m->type);

		diag_error(dg, m->at, fd,
			   "map '%s' (%s, type %u, key %u, value %u, max_entries %u, flags "
			   "0x%x): %s",
			   m->name ? m->name : "inner", type ? type : "unknown", m->type,
			   attr.key_size, attr.value_size, attr.max_entries, attr.map_flags,
			   create_why(&attr, fd));
	}
	return fd;
}

static int map_make(struct load *l, u32 i, struct diag *dg)
{
	const struct obj_map *m = &l->obj->maps[i];
	int inner = -1;

	if (holds_maps(m->type) && m->inner) {
		inner = map_create_fd(l, m->inner, NULL, -1, entries_of(l, m->inner), dg);
		if (inner < 0)
			return inner;
	}

	int fd = map_create_fd(l, m, &l->struct_ops[i], inner, l->maps[i].max_entries, dg);

	if (inner >= 0)
		close(inner);
	return fd;
}

static int map_update(struct load *l, int fd, const void *key, const void *value)
{
	union bpf_attr attr = { .map_fd = (u32)fd, .key = (u64)key, .value = (u64)value };

	return engine_bpf(l->e, BPF_MAP_UPDATE_ELEM, &attr, BPF_ATTR_UPTO(flags));
}

static int map_fill_data(struct load *l, u32 i, struct diag *dg)
{
	const struct obj_map *m = &l->obj->maps[i];
	const u8 *data = m->kind == OBJ_MAP_KCONFIG ? l->kconfig : m->data;
	u32 zero = 0;
	int err = data ? map_update(l, l->maps[i].fd, &zero, data) : 0;

	if (err)
		return diag_error(dg, m->at, err, "map '%s': its first contents can't be set: %s",
				  m->name, strerror(-err));
	if (m->kind != OBJ_MAP_RODATA && m->kind != OBJ_MAP_KCONFIG)
		return 0;

	union bpf_attr attr = { .map_fd = (u32)l->maps[i].fd };

	err = engine_bpf(l->e, BPF_MAP_FREEZE, &attr, BPF_ATTR_UPTO(map_fd));
	return err ? diag_error(dg, m->at, err, "map '%s' can't be made read-only: %s", m->name,
				strerror(-err)) : 0;
}

/* An arena has to be mapped before a program that uses it is loaded; its variables stand at the
 * beginning. */
static int map_fill_arena(struct load *l, u32 i, struct diag *dg)
{
	const struct obj_map *m = &l->obj->maps[i];
	size_t size = (size_t)m->max_entries * (size_t)sysconf(_SC_PAGESIZE);
	void *p;

	if (m->data_size > size)
		return diag_error(dg, m->at, -E2BIG,
				  "map '%s': %lu bytes of variables do not fit in the "
				  "arena's %lu",
				  m->name, m->data_size, size);
	p = mmap((void *)m->extra, size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | (m->extra ? MAP_FIXED_NOREPLACE : 0), l->maps[i].fd, 0);
	if (p == MAP_FAILED)
		return diag_error(dg, m->at, -errno, "map '%s': the arena can't be mapped: %s",
				  m->name, strerror(errno));
	if (m->data)
		memcpy(p, m->data, m->data_size);
	if (!vec_push(&l->mapped, ((struct map_memory){ p, size }))) {
		munmap(p, size);
		return -ENOMEM;
	}
	return 0;
}

static int map_fill_inner(struct load *l, u32 i, struct diag *dg)
{
	const struct obj_map *m = &l->obj->maps[i];

	for (u32 j = 0; j < m->n_inits; j++) {
		const struct obj_map_init *init = &m->inits[j];

		if (init->is_func || init->index >= l->obj->n_maps)
			continue;
		if (m->key_size != sizeof(init->slot))
			return diag_error(dg, m->at, -EINVAL,
					  "map '%s' has first values and a key of %u "
					  "bytes: slots are counted in 4",
					  m->name, m->key_size);

		int err = map_update(l, l->maps[i].fd, &init->slot, &l->maps[init->index].fd);

		if (err)
			return diag_error(dg, m->at, err,
					  "map '%s': slot %u can't be set to map '%s': %s", m->name,
					  init->slot, l->obj->maps[init->index].name,
					  strerror(-err));
	}
	return 0;
}

/* ---- pinning by name ---- */

/* The name comes from the object: it must stay in the directory. */
static int pin_path(const struct load *l, const struct obj_map *m, char *path, size_t size,
		    struct diag *dg)
{
	const char *dir = l->opts.pin_dir ? l->opts.pin_dir : "/sys/fs/bpf";

	if (strchr(m->name, '/'))
		return diag_error(dg, m->at, -EINVAL,
				  "map '%s': a name with '/' can't be a file's, so it can't be pinned",
				  m->name);
	if ((size_t)snprintf(path, size, "%s/%s", dir, m->name) >= size)
		return diag_error(dg, m->at, -ENAMETOOLONG, "map '%s': its pin's path is too long",
				  m->name);
	/* Names of data sections begin with a dot, which bpffs refuses. */
	for (char *p = strrchr(path, '/') + 1; *p; p++)
		if (*p == '.')
			*p = '_';
	return 0;
}

static bool same_shape(struct load *l, int fd, u32 i)
{
	const struct obj_map *m = &l->obj->maps[i];
	struct bpf_map_info info = {0};
	union bpf_attr attr = {
		.info = { .bpf_fd = (u32)fd, .info_len = sizeof(info), .info = (u64)&info },
	};

	if (engine_bpf(l->e, BPF_OBJ_GET_INFO_BY_FD, &attr, BPF_ATTR_UPTO(info)))
		return false;
	/* The kernel adds flags of its own to device maps. */
	if (m->type == BPF_MAP_TYPE_DEVMAP || m->type == BPF_MAP_TYPE_DEVMAP_HASH)
		info.map_flags &= ~(u32)BPF_F_RDONLY_PROG;
	return info.type == m->type && info.key_size == m->key_size &&
	       info.value_size == l->maps[i].value_size &&
	       info.max_entries == l->maps[i].max_entries && info.map_flags == m->flags &&
	       info.map_extra == m->extra;
}

/* The pinned map's fd, or -ENOENT. */
static int pin_open(struct load *l, u32 i, const char *path, struct diag *dg)
{
	union bpf_attr attr = { .pathname = (u64)path };
	int fd = engine_bpf(l->e, BPF_OBJ_GET, &attr, BPF_ATTR_UPTO(file_flags));

	if (fd < 0)
		return fd == -ENOENT ? fd : diag_error(dg, l->obj->maps[i].at, fd,
						       "map '%s': %s can't be opened: %s",
						       l->obj->maps[i].name, path, strerror(-fd));
	if (!same_shape(l, fd, i)) {
		close(fd);
		return diag_error(dg, l->obj->maps[i].at, -EINVAL,
				  "map '%s': %s holds a map of another "
				  "type, size or flags; remove it or give the map another name",
				  l->obj->maps[i].name, path);
	}
	return fd;
}

static int pin_make(struct load *l, u32 i, const char *path, struct diag *dg)
{
	union bpf_attr attr = { .pathname = (u64)path, .bpf_fd = (u32)l->maps[i].fd };

	if (l->opts.pin_dir)
		mkdir(l->opts.pin_dir, 0700);

	int err = engine_bpf(l->e, BPF_OBJ_PIN, &attr, BPF_ATTR_UPTO(file_flags));

	return err ? diag_error(dg, l->obj->maps[i].at, err, "map '%s' can't be pinned at %s: %s%s",
				l->obj->maps[i].name, path, strerror(-err),
				err == -EPERM || err == -EINVAL ?
					" (is a bpf file system mounted there?)" :
					"") :
		     0;
}

static int map_new(struct load *l, u32 i, struct diag *dg)
{
	const struct obj_map *m = &l->obj->maps[i];

	l->maps[i].fd = map_make(l, i, dg);
	if (l->maps[i].fd < 0) {
		int err = l->maps[i].fd;

		l->maps[i].fd = -1;
		return err;
	}
	if (m->kind != OBJ_MAP_PLAIN && m->kind != OBJ_MAP_STRUCT_OPS)
		return map_fill_data(l, i, dg);
	return m->type == BPF_MAP_TYPE_ARENA ? map_fill_arena(l, i, dg) : 0;
}

static int map_provide(struct load *l, u32 i, struct diag *dg)
{
	const struct obj_map *m = &l->obj->maps[i];
	char path[4096];

	if (!m->pinning || l->opts.no_pinning)
		return map_new(l, i, dg);
	if (m->pinning != LIBBPF_PIN_BY_NAME)
		return diag_error(dg, m->at, -EINVAL, "map '%s': pinning is %u, must be 0 (none) or 1 "
				  "(by name)", m->name, m->pinning);

	int err = pin_path(l, m, path, sizeof(path), dg);

	if (err)
		return err;

	int fd = pin_open(l, i, path, dg);

	if (fd >= 0) {
		l->maps[i].fd = fd;
		l->maps[i].reused = true;
		return 0;
	}
	if (fd != -ENOENT)
		return fd;

	err = map_new(l, i, dg);
	return err ? err : pin_make(l, i, path, dg);
}

int maps_create(struct load *l, struct diag *dg)
{
	for (u32 i = 0; i < l->obj->n_maps; i++) {
		const struct obj_map *m = &l->obj->maps[i];
		struct load_map *lm = &l->maps[i];

		lm->type = m->type;
		lm->key_size = m->key_size;
		lm->value_size = m->type == BPF_MAP_TYPE_STRUCT_OPS ? l->struct_ops[i].value_size :
								      value_size_of(m);
		lm->max_entries = entries_of(l, m);
		lm->btf_key_id = m->btf_key_id;
		lm->btf_value_id = m->btf_value_id;
		if (m->kind == OBJ_MAP_STRUCT_OPS && !m->autocreate)
			continue;

		int err = map_provide(l, i, dg);

		if (err)
			return err;
	}
	/* A slot may hold a map that is declared later. */
	for (u32 i = 0; i < l->obj->n_maps; i++) {
		int err = holds_maps(l->maps[i].type) && !l->maps[i].reused ?
				  map_fill_inner(l, i, dg) : 0;

		if (err)
			return err;
	}
	return 0;
}

int maps_fill_progs(struct load *l, struct diag *dg)
{
	for (u32 i = 0; i < l->obj->n_maps; i++) {
		const struct obj_map *m = &l->obj->maps[i];

		if (m->type != BPF_MAP_TYPE_PROG_ARRAY || l->maps[i].reused)
			continue;
		for (u32 j = 0; j < m->n_inits; j++) {
			struct prog *p =
				m->inits[j].is_func ? prog_of_func(l, m->inits[j].index) : NULL;

			if (!p || p->pub.fd < 0)
				continue;

			int err = map_update(l, l->maps[i].fd, &m->inits[j].slot, &p->pub.fd);

			if (err)
				return diag_error(dg, m->at, err,
						  "map '%s': slot %u can't be set to program "
						  "'%s': %s",
						  m->name, m->inits[j].slot, p->pub.fn->name,
						  strerror(-err));
		}
	}
	return 0;
}

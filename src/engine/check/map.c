/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/check/map.c - maps as descriptions: attributes, BTF, and the first value of an array. */
#include "engine/check/priv.h"
#include "verify/load_check.h"
#include "verify/record.h"
#include <errno.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	VALUE_MAX = 64 << 20,
	/* where an arena without an address of its own would be mapped */
	ARENA_ADDR = 0x40000000,
};

/* Bytes that a client may map. */
static u64 mapped_size(const struct verify_map *m)
{
	if (m->type == BPF_MAP_TYPE_ARENA)
		return (u64)m->max_entries * PAGE;
	if (m->type == BPF_MAP_TYPE_ARRAY && m->flags & BPF_F_MMAPABLE)
		return ALIGN_UP((u64)ALIGN_UP((u64)m->value_size, 8) * m->max_entries, PAGE);
	return 0;
}

static int map_describe(struct engine_check *c, const union bpf_attr *attr, struct verify_map *m)
{
	bool has_btf = attr->btf_key_type_id || attr->btf_value_type_id ||
		       attr->btf_vmlinux_value_type_id;
	struct check_object *btf = has_btf ? check_find(c, (int)attr->btf_fd, CHECK_BTF) : NULL;
	struct check_object *inner = NULL;
	int err;

	if (attr->map_type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
	    attr->map_type == BPF_MAP_TYPE_HASH_OF_MAPS)
		inner = check_find(c, (int)attr->inner_map_fd, CHECK_MAP);
	*m = (struct verify_map){
		.name = "", .type = attr->map_type, .key_size = attr->key_size,
		.value_size = attr->value_size, .max_entries = attr->max_entries,
		.flags = attr->map_flags, .extra = attr->map_extra,
		.btf = btf ? btf->btf : NULL, .btf_key_id = attr->btf_key_type_id,
		.btf_value_id = attr->btf_value_type_id,
		.btf_vmlinux_value_id = attr->btf_vmlinux_value_type_id,
		.inner = inner ? &inner->map : NULL,
	};
	if (m->type == BPF_MAP_TYPE_ARENA)
		m->user_addr = m->extra ? m->extra : ARENA_ADDR;
	err = load_check_map(m, c->k);
	if (!err && !load_name_ok(attr->map_name, sizeof(attr->map_name)))
		err = -EINVAL;
	if (!err && has_btf && !btf)
		err = -EBADF;
	m->flags = load_map_flags(m->type, m->flags);
	if (!err && m->btf_value_id)
		err = map_record_make(m, c->k, &c->arena);
	return err;
}

int check_map_create(struct engine_check *c, const union bpf_attr *attr)
{
	struct check_object *o;
	struct verify_map m;
	int err = map_describe(c, attr, &m), fd;

	if (err)
		return err;
	fd = check_new(c, CHECK_MAP, attr->map_name, mapped_size(&m), &o);
	if (fd < 0)
		return fd;
	o->map = m;
	o->map.name = o->name;
	return fd;
}

/* Only the value of key 0 of an array can matter: programs read it as a constant once it is frozen. */
int check_map_update(struct engine_check *c, const union bpf_attr *attr)
{
	struct check_object *o = check_find(c, (int)attr->map_fd, CHECK_MAP);
	u32 key;

	if (!o)
		return -EBADF;
	if (o->map.frozen)
		return -EPERM;
	if (o->map.type != BPF_MAP_TYPE_ARRAY)
		return 0;
	memcpy(&key, (const void *)attr->key, sizeof(key));
	if (key >= o->map.max_entries)
		return -E2BIG;
	if (key || o->map.value_size > VALUE_MAX)
		return 0;
	if (!o->first)
		o->first = malloc(o->map.value_size);
	if (!o->first)
		return -ENOMEM;
	memcpy(o->first, (const void *)attr->value, o->map.value_size);
	o->map.value = o->first;
	return 0;
}

int check_map_freeze(struct engine_check *c, const union bpf_attr *attr)
{
	struct check_object *o = check_find(c, (int)attr->map_fd, CHECK_MAP);

	if (!o)
		return -EBADF;
	if (o->map.frozen)
		return -EBUSY;
	if (o->map.type == BPF_MAP_TYPE_ARRAY && !o->first && o->map.value_size <= VALUE_MAX) {
		o->first = calloc(1, o->map.value_size);
		o->map.value = o->first;
	}
	o->map.frozen = true;
	return 0;
}

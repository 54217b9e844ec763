/* SPDX-License-Identifier: BSD-2-Clause */
/* load/struct_ops.c - a struct of callbacks in the layout of the running kernel.
 *
 * 	object:  struct tcp_congestion_ops { ... }           as it was compiled
 * 	kernel:  struct bpf_struct_ops_tcp_congestion_ops {  value of the map
 * 	           refcnt, state ...
 * 	           struct tcp_congestion_ops data;           members found by name
 * 	         }
 *
 * Data members are copied, function pointers become program fds once the programs are loaded.  A
 * member that this kernel lacks must be 0 or a callback, which is then left out.
 */
#include "base/str.h"
#include "btf/core.h"
#include "load/priv.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct convert {
	struct load *l;
	struct diag *dg;
	const struct obj_map *m;
	struct struct_ops *st;
	const struct btf *kernel;
	u32 kernel_type;      /* struct tcp_congestion_ops there */
	u32 data_off;         /* of it in the value, bytes */
};

static int fail(const struct convert *c, int err, const char *what, const char *member)
{
	return diag_error(c->dg, c->m->at, err, "struct_ops map '%s': %s%s%s", c->m->name, what,
			  *member ? ": " : "", member);
}

static int find_types(struct convert *c, const char *name)
{
	char essential[192];
	u32 module;

	snprintf(essential, sizeof(essential), "%.*s", (int)core_essential_len(name), name);

	int id = kernel_btf_find(c->l, "bpf_struct_ops_", essential, BTF_STRUCT, &module, c->dg);

	if (id < 0)
		return fail(c, id, "this kernel has no struct_ops of that type", essential);
	c->kernel = kernel_btf_of(c->l, module, c->dg);
	c->kernel_type = btf_find(c->kernel, essential, BTF_STRUCT);

	const struct btf_type *value = btf_type(c->kernel, (u32)id);

	c->st->module = module;
	c->st->value_id = (u32)id;
	c->st->value_size = value->size;
	for (u32 i = 0; i < btf_vlen(value); i++) {
		if (btf_members(value)[i].type == c->kernel_type && c->kernel_type) {
			c->data_off = btf_member_bit_off(value, i) / 8;
			return 0;
		}
	}
	return fail(c, -EINVAL, "the kernel's value type does not hold the struct", essential);
}

static s32 find_member(const struct btf *btf, u32 type, const char *name)
{
	const struct btf_type *t = btf_type(btf, type);

	for (u32 i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf_str(btf, btf_members(t)[i].name_off), name))
			return (s32)i;
	return -1;
}

/* The init of the callback at that byte of the object's struct, or -1. */
static s32 init_at(const struct obj_map *m, u32 off)
{
	for (u32 i = 0; i < m->n_inits; i++)
		if (m->inits[i].is_func && m->inits[i].slot == off)
			return (s32)i;
	return -1;
}

static int take_callback(struct convert *c, s32 init, u32 kernel_off, u32 kernel_index,
			 const char *name)
{
	struct prog *p = prog_of_func(c->l, c->m->inits[init].index);

	if (!p || p->pub.type != BPF_PROG_TYPE_STRUCT_OPS)
		return fail(c, -ENOTSUP, "member is set to what is no struct_ops program", name);
	if (p->attach_btf_id && (p->attach_btf_id != c->kernel_type ||
				 p->pub.attach_type != kernel_index))
		return fail(c, -EINVAL, "its program serves another member or type already", name);
	p->attach_btf_id = c->kernel_type;
	p->attach_module = c->st->module;
	p->pub.attach_type = kernel_index;
	c->st->slots[init] = kernel_off;
	return 0;
}

static bool all_zero(const u8 *p, u64 size)
{
	while (size && !*p) {
		p++;
		size--;
	}
	return !size;
}

static int convert_member(struct convert *c, const struct btf_type *type, u32 i)
{
	const struct btf *btf = c->l->obj->btf;
	const struct btf_member *member = &btf_members(type)[i];
	const struct btf_type *kernel_type = btf_type(c->kernel, c->kernel_type);
	const char *name = btf_str(btf, member->name_off);
	u32 off = btf_member_bit_off(type, i) / 8;
	s64 size = btf_size(btf, member->type);
	s32 at = find_member(c->kernel, c->kernel_type, name), init = init_at(c->m, off);

	if (size < 0 || off + (u64)size > c->m->data_size)
		return fail(c, -EINVAL, "member has no size", name);
	if (at < 0)
		return all_zero(c->m->data + off, (u64)size) ?
			       0 :
			       fail(c, -ENOTSUP,
				    "this kernel's struct has no such member, and it is set", name);
	if (btf_member_bits(type, i) || btf_member_bits(kernel_type, (u32)at))
		return fail(c, -ENOTSUP, "bitfield", name);

	u32 kernel_id = btf_skip(c->kernel, btf_members(kernel_type)[at].type);
	u32 kernel_off = c->data_off + btf_member_bit_off(kernel_type, (u32)at) / 8;
	u32 kind = btf_kind(btf_resolve(btf, member->type));

	if (kind != btf_kind(btf_type(c->kernel, kernel_id)))
		return fail(c, -ENOTSUP, "member is of another kind in this kernel", name);
	if (kind == BTF_PTR)
		return init < 0 ? 0 : take_callback(c, init, kernel_off, (u32)at, name);
	if (btf_size(c->kernel, kernel_id) != size || kernel_off + (u64)size > c->st->value_size)
		return fail(c, -ENOTSUP, "member has another size in this kernel", name);
	memcpy(c->st->value + kernel_off, c->m->data + off, (size_t)size);
	return 0;
}

static int convert(struct load *l, u32 i, struct diag *dg)
{
	const struct obj_map *m = &l->obj->maps[i];
	struct convert c = { .l = l, .dg = dg, .m = m, .st = &l->struct_ops[i] };
	const struct btf_type *type;
	u32 id;

	if (!l->obj->btf || !m->btf_value_id || !m->data)
		return fail(&c, -EINVAL, "it has no type", "");
	id = btf_skip(l->obj->btf, m->btf_value_id);
	type = btf_type(l->obj->btf, id);
	if (btf_kind(type) != BTF_STRUCT)
		return fail(&c, -EINVAL, "it is no struct", "");

	int err = find_types(&c, btf_name(l->obj->btf, id));

	if (err)
		return err;
	c.st->value = calloc(1, c.st->value_size);
	c.st->slots = malloc((m->n_inits + 1) * sizeof(u32));
	if (!c.st->value || !c.st->slots)
		return -ENOMEM;
	memset(c.st->slots, 0xff, (m->n_inits + 1) * sizeof(u32));
	for (u32 j = 0; !err && j < btf_vlen(type); j++)
		err = convert_member(&c, type, j);
	return err;
}

/* A callback is loaded when a map that is made uses it; libbpf's rule. */
static void choose_callbacks(struct load *l)
{
	for (u32 f = 0; f < l->n_progs; f++) {
		struct prog *p = &l->progs[f];
		bool used = false, wanted = false;

		for (u32 i = 0; i < l->obj->n_maps; i++) {
			const struct obj_map *m = &l->obj->maps[i];

			for (u32 j = 0; m->kind == OBJ_MAP_STRUCT_OPS && j < m->n_inits; j++) {
				const u32 *slots = l->struct_ops[i].slots;

				if (m->inits[j].index == p->func && !(slots && slots[j] == ~0u)) {
					used = true;
					wanted |= m->autocreate;
				}
			}
		}
		if (p->pub.type == BPF_PROG_TYPE_STRUCT_OPS && used && !l->opts.only)
			p->pub.autoload = wanted;
	}
}

int struct_ops_prepare(struct load *l, struct diag *dg)
{
	bool any = false;

	for (u32 i = 0; i < l->obj->n_maps; i++) {
		const struct obj_map *m = &l->obj->maps[i];

		if (m->kind != OBJ_MAP_STRUCT_OPS)
			continue;
		any = true;
		if (!m->autocreate)
			continue;

		int err = convert(l, i, dg);

		if (err)
			return err;
	}
	if (any)
		choose_callbacks(l);
	return 0;
}

int struct_ops_fill(struct load *l, u32 i, struct diag *dg)
{
	const struct obj_map *m = &l->obj->maps[i];
	struct struct_ops *st = &l->struct_ops[i];
	u32 zero = 0;

	for (u32 j = 0; j < m->n_inits; j++) {
		struct prog *p = prog_of_func(l, m->inits[j].index);

		if (st->slots[j] == ~0u || !p || p->pub.fd < 0)
			continue;

		u64 fd = (u64)p->pub.fd;

		if (st->slots[j] + sizeof(fd) > st->value_size)
			return -EINVAL;
		memcpy(st->value + st->slots[j], &fd, sizeof(fd));
	}

	union bpf_attr attr = {
		.map_fd = (u32)l->maps[i].fd,
		.key = (u64)&zero,
		.value = (u64)st->value,
	};
	int err = engine_bpf(l->e, BPF_MAP_UPDATE_ELEM, &attr, BPF_ATTR_UPTO(flags));

	return err ? diag_error(dg, m->at, err, "struct_ops map '%s' was refused: %s", m->name,
				strerror(-err)) : 0;
}

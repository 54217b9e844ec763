/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/info.c - BPF_OBJ_GET_INFO_BY_FD: what an object is, in the kernel's structs.
 *
 * A struct is copied as far as the client's reaches; arrays are copied as far as the client has
 * room, and their whole count is told.  Kernel 6.18: bpf_prog_get_info_by_fd() and its like.
 */
#include "engine/user/command.h"
#include "engine/user/link.h"
#include "engine/user/prog.h"
#include <errno.h>
#include <string.h>

/* What the client put into its struct: addresses and room.  -E2BIG when bytes behind ours are set.
 */
static int info_in(const union bpf_attr *attr, void *info, u32 size)
{
	u32 given = attr->info.info_len;
	const u8 *from = client_memory(attr->info.info, given);

	memset(info, 0, size);
	if (!from)
		return given ? -EFAULT : 0;
	for (u32 i = size; i < given; i++)
		if (from[i])
			return -E2BIG;
	memcpy(info, from, MIN(given, size));
	return 0;
}

static int info_out(union bpf_attr *attr, const void *info, u32 size)
{
	u32 n = MIN(attr->info.info_len, size);

	attr->info.info_len = n;
	return client_write(attr->info.info, info, n);
}

/* n elements exist; *room is what the client has, and becomes n. */
static int array_out(u64 addr, u32 *room, const void *from, u32 n, u32 elem_size)
{
	u32 copied = MIN(*room, n);

	*room = n;
	return addr && copied ? client_write(addr, from, (u64)copied * elem_size) : 0;
}

static int prog_ids_out(const struct prog_object *p, struct bpf_prog_info *info)
{
	u32 ids[BPF_MAX_USED_MAPS + 1];
	u32 n = MIN(p->n_maps, (u32)ARRAY_SIZE(ids));

	for (u32 i = 0; i < n; i++)
		ids[i] = p->maps[i]->o.id;
	return array_out(info->map_ids, &info->nr_map_ids, ids, n, sizeof(*ids));
}

static int prog_info(struct prog_object *p, union bpf_attr *attr)
{
	struct bpf_prog_info info;
	int err = info_in(attr, &info, sizeof(info));
	u32 rec = 8;

	if (err)
		return err;
	info.type = p->type;
	info.id = p->o.id;
	memcpy(info.tag, p->tag, sizeof(info.tag));
	info.load_time = p->load_time_ns;
	info.created_by_uid = p->uid;
	memcpy(info.name, p->name, sizeof(info.name));
	info.gpl_compatible = p->gpl;
	info.btf_id = p->btf ? p->btf->o.id : 0;
	info.run_time_ns = p->stats->run_ns;
	info.run_cnt = p->stats->runs;
	info.recursion_misses = 0;
	info.verified_insns = p->n_verified;
	info.attach_btf_obj_id = 0;
	info.attach_btf_id = p->attach_btf_id;
	info.ifindex = 0;
	info.netns_dev = info.netns_ino = 0;
	info.jited_prog_len = info.nr_jited_ksyms = info.nr_jited_func_lens = 0;
	info.nr_jited_line_info = info.nr_prog_tags = 0;
	info.jited_line_info_rec_size = 8;
	err = prog_ids_out(p, &info);
	if (!err)
		err = array_out(info.xlated_prog_insns, &info.xlated_prog_len, p->insns,
				p->n_insns * (u32)sizeof(struct insn), 1);
	if (!err && info.nr_func_info && info.func_info_rec_size != rec)
		err = -EINVAL;
	if (!err)
		err = array_out(info.func_info, &info.nr_func_info, p->func_info, p->n_func_info,
				8);
	if (!err && info.nr_line_info && info.line_info_rec_size != 16)
		err = -EINVAL;
	if (!err)
		err = array_out(info.line_info, &info.nr_line_info, p->line_info, p->n_line_info,
				16);
	info.func_info_rec_size = 8;
	info.line_info_rec_size = 16;
	return err ? err : info_out(attr, &info, sizeof(info));
}

static int map_info_out(struct map_object *m, union bpf_attr *attr)
{
	struct bpf_map_info info;
	int err = info_in(attr, &info, sizeof(info));

	if (err)
		return err;
	info = (struct bpf_map_info){
		.type = m->attr.type,
		.id = m->o.id,
		.key_size = m->attr.key_size,
		.value_size = m->attr.value_size,
		.max_entries = m->attr.max_entries,
		.map_flags = m->user_flags,
		.map_extra = m->attr.extra,
		.btf_id = m->btf ? m->btf->o.id : 0,
		.btf_key_type_id = m->btf_key_id,
		.btf_value_type_id = m->btf_value_id,
	};
	memcpy(info.name, m->attr.name, sizeof(info.name));
	return info_out(attr, &info, sizeof(info));
}

static int btf_info_out(struct btf_object *b, union bpf_attr *attr)
{
	struct bpf_btf_info info;
	int err = info_in(attr, &info, sizeof(info));
	const void *raw;
	u32 size;

	if (err)
		return err;
	raw = btf_raw(b->btf, &size);
	if (info.btf && client_write(info.btf, raw, MIN(info.btf_size, size)))
		return -EFAULT;
	if (!info.name != !info.name_len)
		return -EINVAL;
	if (info.name && client_write(info.name, "", 1))
		return -EFAULT;
	info.btf_size = size;
	info.id = b->o.id;
	info.name_len = 0;
	info.kernel_btf = 0;
	return info_out(attr, &info, sizeof(info));
}

static int link_info(struct link_object *l, union bpf_attr *attr)
{
	struct bpf_link_info info;
	int err = info_in(attr, &info, sizeof(info));

	if (err)
		return err;
	err = link_fill_info(l, &info);
	if (err && err != -ENOSPC)
		return err;
	if (info_out(attr, &info, sizeof(info)))
		return -EFAULT;
	return err;
}

int cmd_obj_info(struct session *s, union bpf_attr *attr)
{
	struct object *o;
	int err;

	if (attr->info.info_len > 4096)
		return -E2BIG;
	err = session_any_fd(s, (int)attr->info.bpf_fd, &o);
	if (err)
		return err;
	switch (o->kind) {
	case OBJECT_PROG:
		return prog_info(prog_of(o), attr);
	case OBJECT_MAP:
		return map_info_out(map_of(o), attr);
	case OBJECT_BTF:
		return btf_info_out(btf_of(o), attr);
	default:
		return link_info(link_of(o), attr);
	}
}

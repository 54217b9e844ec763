/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/ids.c - objects by id: BPF_*_GET_NEXT_ID and BPF_*_GET_FD_BY_ID. */
#include "engine/user/command.h"
#include <errno.h>

static int next_id(struct session *s, union bpf_attr *attr, enum object_kind kind)
{
	if (attr->start_id >= INT32_MAX)
		return -EINVAL;
	session_sweep(s);
	attr->next_id = session_next_id(s, kind, attr->start_id);
	return attr->next_id ? 0 : -ENOENT;
}

static int fd_by_id(struct session *s, u32 id, enum object_kind kind, enum file_access access)
{
	struct object *o;

	session_sweep(s);
	o = session_by_id(s, kind, id);
	return o ? session_hand_out(o, access) : -ENOENT;
}

int cmd_map_next_id(struct session *s, union bpf_attr *attr)
{
	return next_id(s, attr, OBJECT_MAP);
}

int cmd_prog_next_id(struct session *s, union bpf_attr *attr)
{
	return next_id(s, attr, OBJECT_PROG);
}

int cmd_btf_next_id(struct session *s, union bpf_attr *attr)
{
	return next_id(s, attr, OBJECT_BTF);
}

int cmd_link_next_id(struct session *s, union bpf_attr *attr)
{
	return next_id(s, attr, OBJECT_LINK);
}

int cmd_map_fd_by_id(struct session *s, union bpf_attr *attr)
{
	u32 access = attr->open_flags & (BPF_F_RDONLY | BPF_F_WRONLY);

	if (attr->open_flags & ~(u32)(BPF_F_RDONLY | BPF_F_WRONLY) ||
	    access == (BPF_F_RDONLY | BPF_F_WRONLY))
		return -EINVAL;
	return fd_by_id(s, attr->map_id, OBJECT_MAP,
			access == BPF_F_RDONLY	 ? FILE_RDONLY
			: access == BPF_F_WRONLY ? FILE_WRONLY
						 : FILE_RDWR);
}

int cmd_prog_fd_by_id(struct session *s, union bpf_attr *attr)
{
	return fd_by_id(s, attr->prog_id, OBJECT_PROG, FILE_RDWR);
}

int cmd_btf_fd_by_id(struct session *s, union bpf_attr *attr)
{
	if (attr->open_flags)
		return -EINVAL;
	return fd_by_id(s, attr->btf_id, OBJECT_BTF, FILE_RDONLY);
}

int cmd_link_fd_by_id(struct session *s, union bpf_attr *attr)
{
	return fd_by_id(s, attr->link_id, OBJECT_LINK, FILE_RDWR);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/link.c - link objects and the commands on them.
 *
 * A link ends when it is detached, or when the last fd of it is gone: the guard asks for that at
 * each event (file_in_use()), so no one has to tell it.
 */
#include "engine/user/link.h"
#include "engine/user/command.h"
#include "engine/user/tracing.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void link_release(struct session *s, struct object *o)
{
	struct link_object *l = link_of(o);

	(void)s;
	if (l->prog)
		object_put(&l->prog->o);
	hook_free(&l->hook);
	if (l->shared)
		*l->shared = (struct link_shared){0};
	free(l);
}

bool link_alive(const struct link_object *l)
{
	return !l->shared->detached && (l->o.pinned || file_in_use(l->o.fd));
}

static struct link_shared *take_slot(struct session *s)
{
	for (u32 i = 0; i < LINK_SLOTS; i++)
		if (!s->shared->links[i].taken)
			return &s->shared->links[i];
	return NULL;
}

int link_make(struct session *s, struct prog_object *p, struct hook *hook, u32 type, u64 cookie)
{
	struct link_shared *slot = take_slot(s);
	struct link_object *l = slot ? calloc(1, sizeof(*l)) : NULL;
	int err;

	if (!l) {
		hook_free(hook);
		return slot ? -ENOMEM : -ENOSPC;
	}
	l->o.kind = OBJECT_LINK;
	l->o.release = link_release;
	l->hook = *hook;
	l->type = type;
	l->cookie = cookie;
	l->shared = slot;
	slot->taken = true;
	l->o.fd = file_new(&s->run, "bpf-link", true);
	err = l->o.fd < 0 ? l->o.fd : session_add(s, &l->o);
	if (err) {
		object_free(s, &l->o);
		return err;
	}
	l->prog = p;
	slot->prog_id = p->o.id;
	object_get(&p->o);
	err = object_write(s, &l->o, NULL, 0);
	return err ? err : session_publish(s, &l->o, FILE_RDWR);
}

/* ---- what is known of a link ---- */

/* Text into a client buffer that the info names; its length with the NUL becomes *room.  Kernel
 * bpf_copy_to_user(). */
static int text_out(u64 addr, u32 *room, const char *text)
{
	u32 len = (u32)strlen(text) + 1, n = MIN(*room, len);

	if (!addr != !*room)
		return -EINVAL;
	*room = len;
	if (!addr)
		return 0;
	if (client_write(addr, text, n) || client_write(addr + n - 1, "", 1))
		return -EFAULT;
	return n < len ? -ENOSPC : 0;
}

static int fill_probe(const struct link_object *l, struct bpf_link_info *info)
{
	const struct hook *h = &l->hook;
	char text[80];

	switch (h->kind) {
	case HOOK_KPROBE:
		info->perf_event.type =
			h->retprobe ? BPF_PERF_EVENT_KRETPROBE : BPF_PERF_EVENT_KPROBE;
		info->perf_event.kprobe.offset = (u32)h->off;
		info->perf_event.kprobe.addr = 0;
		info->perf_event.kprobe.missed = 0;
		info->perf_event.kprobe.cookie = l->cookie;
		return text_out(info->perf_event.kprobe.func_name,
				&info->perf_event.kprobe.name_len, h->name);
	case HOOK_UPROBE:
		info->perf_event.type =
			h->retprobe ? BPF_PERF_EVENT_URETPROBE : BPF_PERF_EVENT_UPROBE;
		info->perf_event.uprobe.offset = (u32)h->off;
		info->perf_event.uprobe.cookie = l->cookie;
		info->perf_event.uprobe.ref_ctr_offset = h->ref_ctr_off;
		return text_out(info->perf_event.uprobe.file_name,
				&info->perf_event.uprobe.name_len, h->path);
	default:
		info->perf_event.type = BPF_PERF_EVENT_TRACEPOINT;
		info->perf_event.tracepoint.cookie = l->cookie;
		snprintf(text, sizeof(text), "%s", h->tp.name);
		return text_out(info->perf_event.tracepoint.tp_name,
				&info->perf_event.tracepoint.name_len, text);
	}
}

int link_fill_info(const struct link_object *l, struct bpf_link_info *info)
{
	info->type = l->type;
	info->id = l->o.id;
	info->prog_id = l->shared->detached ? 0 : l->shared->prog_id;
	switch (l->type) {
	case BPF_LINK_TYPE_RAW_TRACEPOINT:
		info->raw_tracepoint.cookie = l->cookie;
		return text_out(info->raw_tracepoint.tp_name, &info->raw_tracepoint.tp_name_len,
				l->hook.tp.name);
	case BPF_LINK_TYPE_TRACING:
		info->tracing.attach_type = l->prog->attach_type;
		info->tracing.target_obj_id = 0;
		info->tracing.target_btf_id = l->prog->attach_btf_id;
		info->tracing.cookie = l->cookie;
		return 0;
	default:
		return fill_probe(l, info);
	}
}

/* ---- commands ---- */

/* tp_btf: the tracepoint is in the program.  Kernel bpf_tracing_prog_attach(). */
static int attach_tracing(struct session *s, struct prog_object *p, u64 cookie)
{
	struct attach_spec spec = {.kind = ATTACH_RAW_TP, .pid = -1, .cpu = -1};
	struct hook hook;
	int err = hook_make(p, &spec, NULL, &hook);

	return err ? err : link_make(s, p, &hook, BPF_LINK_TYPE_TRACING, cookie);
}

/* The attach types that a program of this type takes in LINK_CREATE here; others are the kernel's
 * to refuse with -EINVAL. */
int cmd_link_create(struct session *s, union bpf_attr *attr)
{
	u32 attach_type = attr->link_create.attach_type;
	struct object *o;
	struct prog_object *p;
	int err = session_by_fd(s, (int)attr->link_create.prog_fd, OBJECT_PROG, &o);

	if (err)
		return err;
	p = prog_of(o);
	switch (p->type) {
	case BPF_PROG_TYPE_TRACEPOINT:
	case BPF_PROG_TYPE_KPROBE:
	case BPF_PROG_TYPE_PERF_EVENT:
		if (attach_type == BPF_TRACE_UPROBE_MULTI || attach_type == BPF_TRACE_KPROBE_MULTI)
			return -EOPNOTSUPP;
		if (attach_type != BPF_PERF_EVENT || attr->link_create.flags)
			return -EINVAL;
		return -EBADF; /* perf events are no files here: attach() makes these links */
	case BPF_PROG_TYPE_TRACING:
		if (attach_type != p->attach_type)
			return -EINVAL;
		if (attach_type != BPF_TRACE_RAW_TP)
			return -EOPNOTSUPP;
		return attach_tracing(s, p, attr->link_create.tracing.cookie);
	}
	return -EOPNOTSUPP;
}

int cmd_raw_tracepoint_open(struct session *s, union bpf_attr *attr)
{
	struct attach_spec spec = {.kind = ATTACH_RAW_TP, .pid = -1, .cpu = -1};
	char name[128] = "";
	struct object *o;
	struct prog_object *p;
	struct hook hook;
	int err = session_by_fd(s, (int)attr->raw_tracepoint.prog_fd, OBJECT_PROG, &o);

	if (err)
		return err;
	p = prog_of(o);
	if (p->type == BPF_PROG_TYPE_TRACING)
		return attr->raw_tracepoint.name
			       ? -EINVAL
			       : attach_tracing(s, p, attr->raw_tracepoint.cookie);
	if (p->type != BPF_PROG_TYPE_RAW_TRACEPOINT &&
	    p->type != BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE)
		return -EINVAL;
	for (u32 i = 0; i < sizeof(name) - 1; i++) {
		if (client_read(&name[i], attr->raw_tracepoint.name + i, 1))
			return -EFAULT;
		if (!name[i])
			break;
	}
	spec.name = name;
	err = hook_make(p, &spec, NULL, &hook);
	return err ? err
		   : link_make(s, p, &hook, BPF_LINK_TYPE_RAW_TRACEPOINT,
			       attr->raw_tracepoint.cookie);
}

/* Only programs of the same type and attach type change places.  A running target sees programs
 * that were there when it started. */
int cmd_link_update(struct session *s, union bpf_attr *attr)
{
	struct object *link, *prog, *old;
	struct link_object *l;
	int err;

	if (attr->link_update.flags & ~(u32)BPF_F_REPLACE)
		return -EINVAL;
	err = session_by_fd(s, (int)attr->link_update.link_fd, OBJECT_LINK, &link);
	if (!err)
		err = session_by_fd(s, (int)attr->link_update.new_prog_fd, OBJECT_PROG, &prog);
	if (err)
		return err;
	l = link_of(link);
	if (attr->link_update.flags & BPF_F_REPLACE) {
		err = session_by_fd(s, (int)attr->link_update.old_prog_fd, OBJECT_PROG, &old);
		if (err)
			return err;
		if (!l->prog || old != &l->prog->o)
			return -EPERM;
	} else if (attr->link_update.old_prog_fd) {
		return -EINVAL;
	}
	if (!l->prog || prog_of(prog)->type != l->prog->type ||
	    prog_of(prog)->attach_type != l->prog->attach_type)
		return -EINVAL;
	if (tracing_started(s))
		return -EOPNOTSUPP;
	object_get(prog);
	object_put(&l->prog->o);
	l->prog = prog_of(prog);
	l->shared->prog_id = prog->id;
	return 0;
}

/* The program stays known until the link goes: info and counts name it. */
int cmd_link_detach(struct session *s, union bpf_attr *attr)
{
	struct object *o;
	int err = session_by_fd(s, (int)attr->link_detach.link_fd, OBJECT_LINK, &o);

	if (err)
		return err;
	link_of(o)->shared->detached = true;
	return 0;
}

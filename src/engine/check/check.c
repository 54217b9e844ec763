/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/check/check.c - the engine's commands, and the files that stand for its objects. */
#include "engine/check/priv.h"
#include "verify/load_check.h"
#include "verify/record.h"
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct engine_check *of(struct engine *e)
{
	return container_of(e, struct engine_check, e);
}

/* ---- objects ---- */

struct check_object *check_find(struct engine_check *c, int fd, enum check_kind kind)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return NULL;
	/* the newest first: the system may use an inode again once its file is closed */
	for (u32 i = c->objects.n; i-- > 0;) {
		struct check_object *o = c->objects.p[i];

		if (o->dev == st.st_dev && o->ino == st.st_ino)
			return o->kind == kind ? o : NULL;
	}
	return NULL;
}

int check_new(struct engine_check *c, enum check_kind kind, const char *name, u64 size,
	      struct check_object **out)
{
	struct check_object *o = calloc(1, sizeof(*o));
	int fd = memfd_create(*name ? name : "osmia-check", MFD_CLOEXEC);
	struct stat st;
	int err = -ENOMEM;

	if (!o || fd < 0 || fstat(fd, &st) || (size && ftruncate(fd, (off_t)size))) {
		err = o ? -errno : err;
		goto fail;
	}
	o->kind = kind;
	o->dev = st.st_dev;
	o->ino = st.st_ino;
	snprintf(o->name, sizeof(o->name), "%s", name);
	if (!vec_push(&c->objects, o)) {
		err = -ENOMEM;
		goto fail;
	}
	*out = o;
	return fd;
fail:
	free(o);
	if (fd >= 0)
		close(fd);
	return err;
}

/* ---- commands ---- */

static int cmd_btf_load(struct engine_check *c, union bpf_attr *attr)
{
	struct diag dg = {0};
	struct check_object *o;
	struct struct_metas metas;
	struct btf *btf;
	int err = btf_parse((const void *)attr->btf, attr->btf_size, NULL, 0, &dg,
			    (struct place){0}, &btf);

	if (!err) {
		err = struct_metas_make(btf, c->k, &c->arena, &metas);
		if (err)
			btf_free(btf);
	}
	if (err) {
		if (attr->btf_log_buf && attr->btf_log_size)
			snprintf((char *)attr->btf_log_buf, attr->btf_log_size, "%s\n",
				 dg.n ? dg.msgs[0].text : "");
		diag_free(&dg);
		return err;
	}
	diag_free(&dg);
	err = check_new(c, CHECK_BTF, "", 0, &o);
	if (err < 0)
		btf_free(btf);
	else
		o->btf = btf;
	return err;
}

static int info_out(union bpf_attr *attr, const void *info, u32 size)
{
	u32 n = MIN(attr->info.info_len, size);

	memcpy((void *)attr->info.info, info, n);
	attr->info.info_len = n;
	return 0;
}

static int cmd_info(struct engine_check *c, union bpf_attr *attr)
{
	int fd = (int)attr->info.bpf_fd;
	struct check_object *o = check_find(c, fd, CHECK_MAP);

	if (o) {
		struct bpf_map_info info = {
			.type = o->map.type, .key_size = o->map.key_size,
			.value_size = o->map.value_size, .max_entries = o->map.max_entries,
			.map_flags = o->map.flags, .map_extra = o->map.extra,
		};

		memcpy(info.name, o->name, sizeof(info.name));
		return info_out(attr, &info, sizeof(info));
	}
	o = check_find(c, fd, CHECK_PROG);
	if (o) {
		struct bpf_prog_info info = {
			.type = o->prog_type, .verified_insns = o->processed,
			.xlated_prog_len = o->n_insns * (u32)sizeof(struct insn),
		};

		memcpy(info.name, o->name, sizeof(info.name));
		return info_out(attr, &info, sizeof(info));
	}
	o = check_find(c, fd, CHECK_BTF);
	if (o) {
		struct bpf_btf_info info = {0};

		btf_raw(o->btf, &info.btf_size);
		return info_out(attr, &info, sizeof(info));
	}
	return -EBADF;
}

static int check_bpf(struct engine *e, enum bpf_cmd cmd, union bpf_attr *user, u32 size)
{
	struct engine_check *c = of(e);
	union bpf_attr attr = {0};
	int ret;

	memcpy(&attr, user, MIN(size, sizeof(attr)));
	switch (cmd) {
	case BPF_MAP_CREATE:
		return check_map_create(c, &attr);
	case BPF_MAP_UPDATE_ELEM:
		return check_map_update(c, &attr);
	case BPF_MAP_FREEZE:
		return check_map_freeze(c, &attr);
	case BPF_MAP_DELETE_ELEM:
		return check_find(c, (int)attr.map_fd, CHECK_MAP) ? 0 : -EBADF;
	case BPF_BTF_LOAD:
		return cmd_btf_load(c, &attr);
	case BPF_PROG_LOAD:
		ret = check_prog_load(c, &attr);
		if (size >= BPF_ATTR_UPTO(log_true_size))
			user->log_true_size = attr.log_true_size;
		return ret;
	case BPF_OBJ_GET_INFO_BY_FD:
		ret = cmd_info(c, &attr);
		user->info.info_len = attr.info.info_len;
		return ret;
	case BPF_PROG_BIND_MAP:
		return 0;
	case BPF_OBJ_GET:
	case BPF_BTF_GET_NEXT_ID:
	case BPF_PROG_GET_NEXT_ID:
	case BPF_MAP_GET_NEXT_ID:
		return -ENOENT;
	case BPF_LINK_CREATE: /* as the kernel answers for a bad fd: it knows links */
		return check_find(c, (int)attr.link_create.prog_fd, CHECK_PROG) ? -EOPNOTSUPP
										: -EBADF;
	default:
		return -EOPNOTSUPP;
	}
}

/* ---- the rest of an engine: there is nothing to run ---- */

static int no_attach(struct engine *e, int prog_fd, const struct attach_spec *spec, struct diag *dg)
{
	(void)e, (void)prog_fd;
	return diag_error(dg, spec->at, -EOPNOTSUPP, "programs that are only checked can't be attached");
}

static int no_map_fd(struct engine *e, int map_fd)
{
	(void)e, (void)map_fd;
	return -EOPNOTSUPP;
}

static int no_ring(struct engine *e, int map_fd, u32 cpu, u32 n_pages, struct perf_ring *out)
{
	(void)e, (void)map_fd, (void)cpu, (void)n_pages, (void)out;
	return -EOPNOTSUPP;
}

static int no_printk(struct engine *e, struct diag *dg)
{
	(void)e, (void)dg;
	return -EOPNOTSUPP;
}

static int no_target(struct engine *e, const struct target *t, struct diag *dg)
{
	(void)e, (void)t, (void)dg;
	return -EOPNOTSUPP;
}

static int no_go(struct engine *e, struct diag *dg)
{
	(void)e, (void)dg;
	return -EOPNOTSUPP;
}

static int no_fd(struct engine *e)
{
	(void)e;
	return -EOPNOTSUPP;
}

static void no_account(struct engine *e, void (*line)(void *arg, const char *text), void *arg)
{
	(void)e, (void)line, (void)arg;
}

/* Modules are not part of a profile. */
static const struct btf *target_btf(struct engine *e, const char *module, struct diag *dg)
{
	struct engine_check *c = of(e);

	if (module && strcmp(module, "vmlinux") != 0)
		return NULL;
	if (!c->k->btf)
		diag_error(dg, (struct place){0}, -ENOENT, "%s: its types are not known",
			   c->k->name ? c->k->name : "the kernel");
	return c->k->btf;
}

static void check_free(struct engine *e)
{
	struct engine_check *c = of(e);

	for (u32 i = 0; i < c->objects.n; i++) {
		free(c->objects.p[i]->first);
		btf_free(c->objects.p[i]->btf);
		free(c->objects.p[i]);
	}
	vec_free(&c->objects);
	check_verdict_clear(&c->last);
	arena_free(&c->arena);
	free(c);
}

static const struct engine_ops check_ops = {
	.name = "check",
	.bpf = check_bpf,
	.attach = no_attach,
	.map_poll_fd = no_map_fd,
	.perf_ring_open = no_ring,
	.printk_fd = no_printk,
	.target_btf = target_btf,
	.target_start = no_target,
	.target_go = no_go,
	.target_fd = no_fd,
	.target_status = no_fd,
	.account = no_account,
	.free = check_free,
};

int engine_check_new(const struct profile *k, const struct engine_check_opts *opts,
		     struct engine **out)
{
	struct engine_check *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->e.ops = &check_ops;
	c->k = k;
	if (opts)
		c->opts = *opts;
	*out = &c->e;
	return 0;
}

const struct check_verdict *engine_check_verdict(struct engine *e)
{
	return &of(e)->last;
}

void engine_check_forget(struct engine *e)
{
	check_verdict_clear(&of(e)->last);
	of(e)->last_insns = NULL;
}

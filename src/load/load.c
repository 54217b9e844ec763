/* SPDX-License-Identifier: BSD-2-Clause */
/* load/load.c - the pipeline from a struct obj to loaded programs, and back. */
#include "load/priv.h"
#include "load/script_priv.h"
#include "base/str.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct place func_place(const struct load *l, u32 func)
{
	const struct obj_func *fn = &l->obj->funcs[func];

	return (struct place){ .file = l->obj->path, .sect = fn->section, .off = fn->section_off };
}

struct prog *prog_of_func(struct load *l, u32 func)
{
	for (u32 i = 0; i < l->n_progs; i++)
		if (l->progs[i].func == func)
			return &l->progs[i];
	return NULL;
}

/* ---- load_open ---- */

static int unknown_section(const struct load *l, const struct prog *p, struct diag *dg)
{
	const char *near = section_nearest(p->pub.fn->section);

	return diag_error(dg, func_place(l, p->func), -EINVAL,
			  "program '%s': section '%s' says no program "
			  "type; '%.*s' is the nearest that does",
			  p->pub.fn->name, p->pub.fn->section, (int)strcspn(near, "+"), near);
}

static int prog_open(struct load *l, struct prog *p, u32 func, struct diag *dg)
{
	const struct obj_func *fn = &l->obj->funcs[func];

	p->func = func;
	p->attach_prog_fd = -1;
	p->pub = (struct load_prog){ .fn = fn, .fd = -1, .link_fd = -1 };
	p->pub.spec.kind = ATTACH_NONE;
	p->pub.autoload = l->opts.only ? !strcmp(fn->name, l->opts.only) : fn->autoload;
	p->sec = section_find(fn->section);
	if (!p->sec && l->opts.prog_type)
		p->sec = section_of_type(l->opts.prog_type);
	if (!p->sec)
		return p->pub.autoload ? unknown_section(l, p, dg) : 0;
	p->pub.type = p->sec->prog_type;
	p->pub.attach_type = p->sec->attach_type;
	if (p->sec->flags & SEC_SLEEPABLE)
		p->prog_flags |= BPF_F_SLEEPABLE;
	if (p->sec->flags & SEC_FRAGS)
		p->prog_flags |= BPF_F_XDP_HAS_FRAGS;

	int err = section_spec(p->sec, fn->section, &l->arena, func_place(l, func),
			       p->pub.autoload ? dg : NULL, &p->pub.spec);

	return p->pub.autoload ? err : 0;
}

static int progs_open(struct load *l, struct diag *dg)
{
	bool found = !l->opts.only;
	int err = 0;

	for (u32 i = 0; !err && i < l->obj->n_funcs; i++) {
		if (!l->obj->funcs[i].is_prog)
			continue;
		err = prog_open(l, &l->progs[l->n_progs++], i, dg);
		found |= l->progs[l->n_progs - 1].pub.autoload;
	}
	if (!err && !found)
		err = diag_error(dg, (struct place){ .file = l->obj->path }, -EINVAL,
				 "there is no program '%s'", l->opts.only);
	return err;
}

int load_open(struct obj *o, struct engine *e, const struct load_opts *opts, struct diag *dg,
	      struct load **out)
{
	struct load *l = calloc(1, sizeof(*l));
	int err = -ENOMEM;

	if (!l)
		return err;
	l->obj = o;
	l->e = e;
	if (opts)
		l->opts = *opts;
	l->btf_fd = -1;
	l->maps = calloc(o->n_maps + 1, sizeof(*l->maps));
	l->struct_ops = calloc(o->n_maps + 1, sizeof(*l->struct_ops));
	l->funcs = calloc(o->n_funcs + 1, sizeof(*l->funcs));
	l->progs = calloc(o->n_funcs + 1, sizeof(*l->progs));
	l->exts = calloc(o->n_externs + 1, sizeof(*l->exts));
	if (!l->maps || !l->struct_ops || !l->funcs || !l->progs || !l->exts)
		goto fail;
	for (u32 i = 0; i < o->n_maps; i++)
		l->maps[i] = (struct load_map){ .om = &o->maps[i], .fd = -1 };
	err = progs_open(l, dg);
	if (err)
		goto fail;
	if (o->script)
		script_prepare(l);
	*out = l;
	return 0;
fail:
	load_close(l);
	return err;
}

/* ---- load_run ---- */

static int progs_prepare(struct load *l, struct diag *dg)
{
	for (u32 i = 0; i < l->n_progs; i++) {
		struct prog *p = &l->progs[i];

		if (!p->pub.autoload)
			continue;

		int err = prog_link(l, p, dg);

		if (!err)
			err = prog_target(l, p, dg);
		if (err)
			return err;
	}
	return 0;
}

static int progs_load(struct load *l, struct diag *dg)
{
	for (u32 i = 0; i < l->n_progs; i++) {
		u32 before = dg ? dg->n : 0;
		int err = l->progs[i].pub.autoload ? prog_load(l, &l->progs[i], dg) : 0;

		if (err && !script_may_miss(l, &l->progs[i], before, dg))
			return err;
	}
	return 0;
}

/* Names every hook that the engine lacks, not the first alone. */
static int hooks_check(struct load *l, struct diag *dg)
{
	int err = 0;

	if (l->obj->script)
		return script_check(l, dg);
	for (u32 i = 0; l->e->ops->can_attach && i < l->n_progs; i++) {
		int missing = attach_check(l, &l->progs[i], dg);

		if (!err)
			err = missing;
	}
	return l->opts.partial ? 0 : err;
}

int load_run(struct load *l, struct diag *dg)
{
	static int (*const steps[])(struct load *l, struct diag *dg) = {
		hooks_check,
		kconfig_resolve,
		ksyms_resolve,
		struct_ops_prepare,
		funcs_prepare,
		object_btf_load,
		maps_create,
		progs_prepare, /* insns are final then: the place of a verifier of our own */
		progs_load,
		maps_fill_progs,
		script_start,
	};

	if (l->ran)
		return -EINVAL;
	l->ran = true;
	if (l->obj->big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__))
		return diag_error(dg, (struct place){ .file = l->obj->path }, -ENOTSUP,
				  "the object is compiled for the other byte order");
	for (u32 i = 0; i < ARRAY_SIZE(steps); i++) {
		int err = steps[i](l, dg);

		if (err)
			return err;
	}
	return 0;
}

/* ---- load_close ---- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* A struct_ops map that has no link is taken out of use by deleting its only element. */
static void struct_ops_unregister(struct load *l, u32 i)
{
	const struct obj_map *m = &l->obj->maps[i];
	u32 zero = 0;
	union bpf_attr attr = { .map_fd = (u32)l->maps[i].fd, .key = (u64)&zero };

	if (m->kind == OBJ_MAP_STRUCT_OPS && !m->is_link && l->maps[i].fd >= 0)
		engine_bpf(l->e, BPF_MAP_DELETE_ELEM, &attr, BPF_ATTR_UPTO(flags));
}

static void progs_close(struct load *l)
{
	load_detach(l);
	script_close(l);
	for (u32 i = 0; l->maps && i < l->obj->n_maps; i++)
		struct_ops_unregister(l, i);
	for (u32 i = 0; l->progs && i < l->n_progs; i++) {
		struct prog *p = &l->progs[i];

		close_fd(&p->pub.fd);
		close_fd(&p->attach_prog_fd);
		free(p->insns);
		vec_free(&p->parts);
		vec_free(&p->func_info);
		vec_free(&p->line_info);
	}
}

void load_close(struct load *l)
{
	if (!l)
		return;
	progs_close(l);
	for (u32 i = 0; i < l->mapped.n; i++)
		munmap(l->mapped.p[i].p, l->mapped.p[i].size);
	for (u32 i = 0; l->maps && i < l->obj->n_maps; i++)
		close_fd(&l->maps[i].fd);
	for (u32 i = 0; l->struct_ops && i < l->obj->n_maps; i++) {
		free(l->struct_ops[i].value);
		free(l->struct_ops[i].slots);
	}
	for (u32 i = 0; l->funcs && i < l->obj->n_funcs; i++)
		free(l->funcs[i].insns);
	for (u32 i = 0; i < l->modules.n; i++) {
		free(l->modules.p[i].name);
		close(l->modules.p[i].fd);
	}
	close_fd(&l->btf_fd);
	vec_free(&l->links);
	vec_free(&l->watches);
	vec_free(&l->needed);
	vec_free(&l->mapped);
	vec_free(&l->modules);
	vec_free(&l->fd_array);
	free(l->kconfig);
	free(l->maps);
	free(l->struct_ops);
	free(l->funcs);
	free(l->progs);
	free(l->exts);
	arena_free(&l->arena);
	free(l);
}

u32 load_n_maps(const struct load *l)
{
	return l->obj->n_maps;
}

struct load_map *load_map(struct load *l, u32 i)
{
	return &l->maps[i];
}

struct load_map *load_find_map(struct load *l, const char *name)
{
	for (u32 i = 0; i < l->obj->n_maps; i++)
		if (!strcmp(l->obj->maps[i].name, name))
			return &l->maps[i];
	return NULL;
}

u32 load_n_progs(const struct load *l)
{
	return l->n_progs;
}

struct load_prog *load_prog(struct load *l, u32 i)
{
	return &l->progs[i].pub;
}

struct load_prog *load_find_prog(struct load *l, const char *name)
{
	for (u32 i = 0; i < l->n_progs; i++)
		if (!strcmp(l->progs[i].pub.fn->name, name))
			return &l->progs[i].pub;
	return NULL;
}

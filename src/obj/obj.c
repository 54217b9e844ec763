/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/obj.c - finds parts of an object and frees it. */
#include "obj/obj.h"
#include "obj/script.h"
#include "btf/btf.h"
#include <stdlib.h>
#include <string.h>

struct obj_map *obj_find_map(const struct obj *o, const char *name)
{
	for (u32 i = 0; i < o->n_maps; i++)
		if (strcmp(o->maps[i].name, name) == 0 || strcmp(o->maps[i].real_name, name) == 0)
			return &o->maps[i];
	return NULL;
}

struct obj_func *obj_find_func(const struct obj *o, const char *name)
{
	for (u32 i = 0; i < o->n_funcs; i++)
		if (strcmp(o->funcs[i].name, name) == 0)
			return &o->funcs[i];
	return NULL;
}

static void map_release(struct obj_map *m)
{
	if (m->inner) {
		map_release(m->inner);
		free(m->inner);
	}
	free(m->name);
	free(m->real_name);
	free(m->section);
	free(m->inits);
	free(m->data);
}

static void func_release(struct obj_func *f)
{
	free(f->name);
	free(f->section);
	free(f->insns);
	free(f->relocs);
	free(f->cores);
	free(f->lines);
}

void obj_free(struct obj *o)
{
	if (!o)
		return;
	for (u32 i = 0; i < o->n_funcs; i++)
		func_release(&o->funcs[i]);
	for (u32 i = 0; i < o->n_maps; i++)
		map_release(&o->maps[i]);
	for (u32 i = 0; i < o->n_externs; i++)
		free(o->externs[i].name);
	free(o->funcs);
	free(o->maps);
	free(o->externs);
	btf_free(o->btf);
	script_free(o->script);
	free(o->dwarf);
	free(o->name);
	free(o->path);
	free(o->license);
	free(o);
}

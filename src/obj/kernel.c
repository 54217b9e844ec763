/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/kernel.c - an object's BTF as BPF_BTF_LOAD takes it.
 *
 * The kernel knows no externs: variables of .ksyms and .kconfig become defined ones, of 4 bytes
 * each, functions there become global and leave a dummy variable in their place.  The same as
 * libbpf's bpf_object__collect_externs() and bpf_object__sanitize_and_load_btf(), so that the
 * kernel sees the same BTF.
 */
#include "btf/build.h"
#include "obj/obj.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char dummy_name[] = "dummy_ksym";

struct maker {
	const struct obj *o;
	struct btf_builder edit;
	u32 int_id;
	u32 dummy_id;
};

static struct btf_secinfo *secinfo(struct maker *m, u32 datasec, u32 i)
{
	return (struct btf_secinfo *)(btf_edit(&m->edit, datasec) + 1) + i;
}

static void define_var(struct maker *m, u32 var)
{
	((u32 *)(btf_edit(&m->edit, var) + 1))[0] = BTF_GLOBAL;
}

static void find_int(struct maker *m)
{
	const struct btf *btf = m->o->btf;

	for (u32 id = 1; id < btf_n_types(btf) && !m->int_id; id++)
		if (btf_kind(btf_type(btf, id)) == BTF_INT &&
		    btf_int_bits(btf_type(btf, id)) == 32)
			m->int_id = id;
	if (!m->int_id)
		m->int_id = btf_add_int(&m->edit, "int", 4, BTF_INT_SIGNED);
}

/* Parameters need names, and the function a body. */
static void define_func(struct maker *m, u32 func)
{
	u32 name = btf_add_str(&m->edit, dummy_name);
	struct btf_type *t = btf_edit(&m->edit, func);
	struct btf_type *proto = btf_edit(&m->edit, t->type);
	struct btf_param *p = (struct btf_param *)(proto + 1);

	t->info = btf_info(BTF_FUNC, btf_kflag(t), BTF_GLOBAL);
	for (u32 i = 0; i < btf_vlen(proto); i++)
		if (p[i].type && !p[i].name_off)
			p[i].name_off = name;
}

static void define_ksyms(struct maker *m, u32 datasec)
{
	u32 n = btf_vlen(btf_type(m->o->btf, datasec));

	find_int(m);
	for (u32 i = 0; i < n && !m->edit.failed; i++) {
		u32 type = secinfo(m, datasec, i)->type;

		if (btf_kind(btf_edit(&m->edit, type)) == BTF_FUNC) {
			if (!m->dummy_id)
				m->dummy_id = btf_add_var(&m->edit, dummy_name, m->int_id,
							  BTF_GLOBAL);
			if (m->edit.failed)
				return;
			define_func(m, type);
			type = m->dummy_id;
		} else {
			define_var(m, type);
			btf_edit(&m->edit, type)->type = m->int_id;
		}
		*secinfo(m, datasec, i) = (struct btf_secinfo){ type, i * 4, 4 };
	}
	if (!m->edit.failed)
		btf_edit(&m->edit, datasec)->size = n * 4;
}

static int by_offset(const void *a, const void *b)
{
	const struct btf_secinfo *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void define_kconfig(struct maker *m, u32 datasec)
{
	const struct obj *o = m->o;
	u32 n = btf_vlen(btf_type(o->btf, datasec)), size = 0;

	for (u32 i = 0; i < n; i++) {
		struct btf_secinfo *vs = secinfo(m, datasec, i);

		if (btf_kind(btf_edit(&m->edit, vs->type)) != BTF_VAR)
			continue;
		define_var(m, vs->type);
		for (u32 e = 0; e < o->n_externs; e++)
			if (o->externs[e].btf_id == vs->type) {
				vs->offset = o->externs[e].kconfig_off;
				vs->size = o->externs[e].size;
				size = MAX(size, vs->offset + vs->size);
			}
	}
	btf_edit(&m->edit, datasec)->size = size;
	qsort(secinfo(m, datasec, 0), n, sizeof(struct btf_secinfo), by_offset);
}

/* Older kernels know no '?' in a section's name. */
static void plain_name(struct maker *m, u32 datasec)
{
	const char *name = btf_name(m->o->btf, datasec);
	char *copy;
	u32 off;

	if (*name != '?' || !(copy = strdup(name)))
		return;
	*copy = '_';
	off = btf_add_str(&m->edit, copy);
	free(copy);
	if (!m->edit.failed)
		btf_edit(&m->edit, datasec)->name_off = off;
}

/* What gcc 12 writes and the kernel refuses: integers that are signed and characters at once,
 * declarations with a size, functions without a name (made pointers: nothing refers to them). */
static void plain_type(struct maker *m, u32 id)
{
	struct btf_type *t = btf_edit(&m->edit, id);
	u32 *tail = (u32 *)(t + 1);

	if (btf_kind(t) == BTF_INT && btf_int_encoding(t) & BTF_INT_SIGNED) {
		*tail = (*tail & 0x00ffffff) | BTF_INT_SIGNED << 24;
	} else if (btf_kind(t) == BTF_FWD) {
		t->type = 0;
	} else if (btf_kind(t) == BTF_FUNC && !t->name_off) {
		t->info = btf_info(BTF_PTR, false, 0);
	}
}

int obj_kernel_btf(const struct obj *o, struct diag *dg, struct btf **out)
{
	struct maker m = { .o = o };
	int err;

	if (!o->btf)
		return -ENOENT;
	btf_builder_copy(&m.edit, o->btf);
	for (u32 id = 1; id < btf_n_types(o->btf) && !m.edit.failed; id++) {
		const char *name = btf_name(o->btf, id);

		plain_type(&m, id);
		if (btf_kind(btf_type(o->btf, id)) != BTF_DATASEC)
			continue;
		plain_name(&m, id);
		if (strcmp(name, ".ksyms") == 0)
			define_ksyms(&m, id);
		else if (strcmp(name, ".kconfig") == 0)
			define_kconfig(&m, id);
	}
	/* A hidden function is verified with its callers, as a static one. */
	for (u32 i = 0; i < o->n_funcs && !m.edit.failed; i++) {
		const struct obj_func *f = &o->funcs[i];
		struct btf_type *t;

		if (f->is_prog || f->is_global || !f->btf_func_id)
			continue;
		t = btf_edit(&m.edit, f->btf_func_id);
		if (btf_func_linkage(t) == BTF_GLOBAL)
			t->info = btf_info(BTF_FUNC, btf_kflag(t), BTF_STATIC);
	}
	err = btf_build(&m.edit, dg, (struct place){ .file = o->path, .sect = ".BTF" }, out);
	btf_builder_free(&m.edit);
	return err;
}

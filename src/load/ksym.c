/* SPDX-License-Identifier: BSD-2-Clause */
/* load/ksym.c - .ksyms externs.
 *
 * 	extern const void sym __ksym;         address from /proc/kallsyms
 * 	extern const struct rq rq __ksym;     VAR of the kernel's or a module's BTF
 * 	extern int bpf_kfunc(...) __ksym;     FUNC there; types must be compatible
 *
 * A weak one that is not there reads as 0; a call of it is made an insn that only dead code may
 * hold.
 */
#include "btf/core_spec.h"
#include "elf/kallsyms.h"
#include "load/priv.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_typeless(const struct obj_extern *e)
{
	return e->kind == EXTERN_KSYM && !e->type_id;
}

struct typeless {
	struct load *l;
	struct diag *dg;
	bool told; /* dg has the reason of a failure */
};

static int take_symbol(void *arg, const struct kallsym *sym)
{
	struct typeless *want = arg;
	struct load *l = want->l;

	for (u32 i = 0; i < l->obj->n_externs; i++) {
		const struct obj_extern *e = &l->obj->externs[i];
		struct ext *x = &l->exts[i];

		if (!is_typeless(e) || strcmp(e->name, sym->name))
			continue;
		if (x->is_set && x->addr != sym->addr) {
			want->told = true;
			return diag_error(want->dg, (struct place){ .file = l->obj->path }, -EINVAL,
					  "extern '%s': the kernel has several symbols of that name "
					  "(0x%lx and 0x%lx)",
					  e->name, x->addr, sym->addr);
		}
		x->is_set = true;
		x->addr = sym->addr;
	}
	return 0;
}

static int resolve_typeless(struct load *l, struct diag *dg)
{
	struct typeless want = { .l = l, .dg = dg };
	int err = kallsyms_each(take_symbol, &want);

	if (err && !want.told)
		diag_error(dg, (struct place){ .file = l->obj->path }, err,
			   "/proc/kallsyms can't be read: %s", strerror(-err));
	return err;
}

static int resolve_typed(struct load *l, u32 i, struct diag *dg)
{
	const struct obj_extern *e = &l->obj->externs[i];
	struct place at = { .file = l->obj->path };
	const char *what = e->is_func ? "kernel function" : "kernel variable";
	char name[256];
	u32 module;

	snprintf(name, sizeof(name), "%.*s", (int)(e->is_func ? e->essential_len : strlen(e->name)),
		 e->name);

	int id = kernel_btf_find(l, "", name, e->is_func ? BTF_FUNC : BTF_VAR, &module, dg);

	if (id == -ESRCH && e->is_weak)
		return 0;
	if (id < 0)
		return diag_error(dg, at, id,
				  "extern '%s': there is no such %s in the BTF of the kernel "
				  "and its modules",
				  e->name, what);

	const struct btf *btf = kernel_btf_of(l, module, dg);
	u32 target = btf_type(btf, (u32)id)->type;
	int fits = core_types_compatible(l->obj->btf, e->type_id, btf,
					 e->is_func ? target : btf_skip(btf, target));

	if (fits <= 0) {
		if (e->is_func && e->is_weak)
			return 0;
		return diag_error(dg, at, -EINVAL,
				  "extern '%s': its type does not fit the %s's (%s %s)", e->name,
				  what, btf_kind_text(btf_kind(btf_resolve(btf, target))),
				  btf_name(btf, btf_skip(btf, target)));
	}
	if (e->is_func) {
		int index = kernel_btf_fd_index(l, module);

		if (index < 0)
			return index;
	}
	l->exts[i] = (struct ext){ .is_set = true, .btf_id = (u32)id, .module = module };
	return 0;
}

int ksyms_resolve(struct load *l, struct diag *dg)
{
	bool typeless = false;
	int err = 0;

	for (u32 i = 0; i < l->obj->n_externs; i++)
		typeless |= is_typeless(&l->obj->externs[i]);
	if (typeless)
		err = resolve_typeless(l, dg);
	for (u32 i = 0; !err && i < l->obj->n_externs; i++) {
		const struct obj_extern *e = &l->obj->externs[i];

		if (e->kind != EXTERN_KSYM)
			continue;
		if (!is_typeless(e))
			err = resolve_typed(l, i, dg);
		else if (!l->exts[i].is_set && !e->is_weak)
			err = diag_error(
				dg, (struct place){ .file = l->obj->path }, -ESRCH,
				"extern '%s': /proc/kallsyms has no such symbol; __weak would "
				"make it 0",
				e->name);
	}
	return err;
}

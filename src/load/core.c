/* SPDX-License-Identifier: BSD-2-Clause */
/* load/core.c - CO-RE relocations of the functions that will be loaded, applied once for all
 * programs that hold them.
 *
 * All root types are looked for in one scan of the kernel's BTF; modules are read only for roots
 * that vmlinux does not have.  What fails is poisoned, not refused: only reachable poison is an
 * error.
 */
#include "btf/core.h"
#include "load/priv.h"
#include <errno.h>
#include <string.h>

/* Marks func and all it can call.  The list of marked functions is the work list. */
static int mark(struct load *l, u32 func)
{
	struct func *f = &l->funcs[func];

	if (f->needed)
		return 0;
	f->needed = true;
	return vec_push(&l->needed, func) ? 0 : -ENOMEM;
}

static int mark_all(struct load *l)
{
	int err = 0;

	for (u32 i = 0; !err && i < l->n_progs; i++)
		if (l->progs[i].pub.autoload)
			err = mark(l, l->progs[i].func);
	for (u32 i = 0; !err && i < l->needed.n; i++) {
		const struct obj_func *fn = &l->obj->funcs[l->needed.p[i]];

		for (u32 j = 0; !err && j < fn->n_relocs; j++) {
			const struct obj_reloc *r = &fn->relocs[j];

			if ((r->kind == RELOC_CALL || r->kind == RELOC_FUNC) &&
			    r->index < l->obj->n_funcs)
				err = mark(l, r->index);
		}
		if (!err && fn->exception_cb && fn->exception_cb <= l->obj->n_funcs)
			err = mark(l, fn->exception_cb - 1);
	}
	return err;
}

static int funcs_copy(struct load *l)
{
	for (u32 i = 0; i < l->needed.n; i++) {
		const struct obj_func *fn = &l->obj->funcs[l->needed.p[i]];
		struct func *f = &l->funcs[l->needed.p[i]];

		f->insns = malloc(((size_t)fn->n_insns + 1) * sizeof(*f->insns));
		if (!f->insns)
			return -ENOMEM;
		memcpy(f->insns, fn->insns, fn->n_insns * sizeof(*f->insns));
	}
	return 0;
}

/* Announces every root type; *any tells whether there is a relocation at all. */
static int want_all(struct load *l, struct core *core, bool *any)
{
	int err = 0;

	*any = false;
	for (u32 i = 0; !err && i < l->needed.n; i++) {
		const struct obj_func *fn = &l->obj->funcs[l->needed.p[i]];

		for (u32 j = 0; !err && j < fn->n_cores; j++) {
			*any = true;
			if (fn->cores[j].kind != CORE_TYPE_ID_LOCAL)
				err = core_want(core, fn->cores[j].type_id);
		}
	}
	return err;
}

static int search_all(struct load *l, struct core *core, struct diag *dg)
{
	const struct btf *target =
		l->opts.target_btf ? l->opts.target_btf : kernel_btf_of(l, 0, dg);
	int err = target ? core_search(core, target) : -ENOENT;

	if (err || l->opts.target_btf || !core_n_open(core))
		return err;
	err = kernel_modules(l);
	for (u32 i = 1; !err && i <= l->modules.n && core_n_open(core); i++) {
		const struct btf *module = kernel_btf_of(l, i, NULL);

		err = module ? core_search(core, module) : 0;
	}
	return err;
}

static int func_patch(struct load *l, struct core *core, u32 func, struct diag *dg)
{
	const struct obj_func *fn = &l->obj->funcs[func];

	for (u32 i = 0; i < fn->n_cores; i++) {
		const struct obj_core_reloc *r = &fn->cores[i];
		struct place at = func_place(l, func);
		struct core_result result;
		int err;

		at.off += (u64)r->pc * sizeof(struct insn);
		err = core_resolve(core, r->type_id, r->spec, r->kind, dg, at, &result);
		if (!err)
			err = core_patch_insn(l->funcs[func].insns, fn->n_insns, r->pc, &result, dg,
					      at);
		if (err)
			return err;
	}
	return 0;
}

int funcs_prepare(struct load *l, struct diag *dg)
{
	int err = mark_all(l);
	bool any = false;

	if (!err)
		err = funcs_copy(l);
	if (err || !l->obj->btf)
		return err;

	struct core *core = core_new(l->obj->btf);

	if (!core)
		return -ENOMEM;
	err = want_all(l, core, &any);
	if (!err && any)
		err = search_all(l, core, dg);
	for (u32 i = 0; !err && any && i < l->needed.n; i++)
		err = func_patch(l, core, l->needed.p[i], dg);
	core_free(core);
	return err;
}

void core_explain(struct load *l, u32 func, u32 pc, struct place at, struct diag *dg)
{
	const struct obj_func *fn = &l->obj->funcs[func];
	bool on_user = !strcmp(l->e->ops->name, "user");

	for (u32 i = 0; i < fn->n_cores; i++) {
		struct str text = {0};

		if (fn->cores[i].pc != pc)
			continue;
		core_describe(l->obj->btf, fn->cores[i].type_id, fn->cores[i].spec,
			      fn->cores[i].kind, &text);
		if (on_user && !l->opts.target_btf)
			diag_note(dg, at, "%s: the user engine does not serve it; use --engine=kernel, "
				  "or ask bpf_core_field_exists() before", str_text(&text));
		else
			diag_note(dg, at, "CO-RE relocation failed: %s; %s has nothing that fits.  "
				  "Code that guards it with bpf_core_field_exists() or the like is "
				  "left out by the verifier", str_text(&text),
				  l->opts.target_btf ? "the BTF given" : "this kernel's BTF");
		str_free(&text);
	}
}

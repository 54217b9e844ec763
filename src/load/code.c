/* SPDX-License-Identifier: BSD-2-Clause */
/* load/code.c - a program's final insns: what PROG_LOAD gets.
 *
 * 	[prologue] entry function | subprogram first called | what that one calls first | ...
 *
 * A function is appended where its first call is met, and gone through before the rest of its
 * caller: libbpf's order, so that the verifier walks the same insns in the same places.  Each
 * part's places (maps, values, externs, calls) are filled in with its copy of this program;
 * func_info and line_info move along.
 */
#include "load/priv.h"
#include <errno.h>
#include <string.h>

enum {
	POISON_MAP_BASE = 2001000000,   /* call of a helper that does not exist: map not made */
	POISON_KFUNC_BASE = 2002000000, /* weak kernel function that is not there */
	PROLOGUE_MAX = 16,
};

struct linker {
	struct load *l;
	struct prog *p;
	struct diag *dg;
	u32 prologue;        /* insns before the entry function */
	bool func_info, line_info;
};

static int bad_reloc(const struct linker *k, u32 func, u32 pc, const char *what)
{
	struct place at = func_place(k->l, func);

	at.off += (u64)pc * sizeof(struct insn);
	return diag_error(k->dg, at, -EINVAL, "function '%s', insn %u: %s",
			  k->l->obj->funcs[func].name, pc, what);
}

static bool find_part(const struct prog *p, u32 func, u32 *off)
{
	for (u32 i = 0; i < p->parts.n; i++) {
		if (p->parts.p[i].func == func) {
			*off = p->parts.p[i].off;
			return true;
		}
	}
	return false;
}

/* Puts an insn that can't be reached without being refused, in place of what is not there. */
static void poison(struct insn *i, s32 base, u32 index)
{
	*i = (struct insn){ .code = CLS_JMP | JMP_CALL, .imm = base + (s32)index };
}

static int reloc_map(const struct linker *k, struct insn *i, const struct obj_reloc *r)
{
	const struct load_map *m;
	u32 upper = 0;

	if (r->index >= k->l->obj->n_maps)
		return -EINVAL;
	m = &k->l->maps[r->index];
	if (m->fd < 0) {
		poison(&i[0], POISON_MAP_BASE, r->index);
		poison(&i[1], POISON_MAP_BASE, r->index);
		return 0;
	}
	i[0].src = r->kind == RELOC_MAP ? PSEUDO_MAP_FD : PSEUDO_MAP_VALUE;
	if (r->kind != RELOC_MAP) {
		if (r->addend < INT32_MIN || r->addend > UINT32_MAX)
			return -EINVAL;
		upper = (u32)r->addend;
	}
	i[0].imm = m->fd;
	i[1].imm = (s32)upper;
	return 0;
}

static int reloc_extern(const struct linker *k, struct insn *i, const struct obj_reloc *r)
{
	const struct obj_extern *e;
	const struct ext *x;

	if (r->index >= k->l->obj->n_externs)
		return -EINVAL;
	e = &k->l->obj->externs[r->index];
	x = &k->l->exts[r->index];
	if (e->kind == EXTERN_OTHER)
		return diag_error(k->dg, (struct place){ .file = k->l->obj->path }, -ENOENT,
				  "extern '%s' is of another object: link the two first", e->name);
	if (e->kind == EXTERN_KCONFIG) {
		for (u32 m = 0; m < k->l->obj->n_maps; m++) {
			if (k->l->obj->maps[m].kind != OBJ_MAP_KCONFIG)
				continue;
			i[0].src = PSEUDO_MAP_VALUE;
			i[0].imm = k->l->maps[m].fd;
			i[1].imm = (s32)e->kconfig_off;
			return 0;
		}
		return -EINVAL;
	}
	if (e->type_id && x->is_set) {
		i[0].src = PSEUDO_BTF_ID;
		i[0].imm = (s32)x->btf_id;
		i[1].imm = kernel_btf_fd(k->l, x->module);
	} else {
		i[0].src = PSEUDO_IMM64;
		insn_set_imm64(i, x->addr);
	}
	return 0;
}

static int reloc_kfunc(const struct linker *k, struct insn *i, const struct obj_reloc *r)
{
	const struct ext *x;

	if (r->index >= k->l->obj->n_externs)
		return -EINVAL;
	x = &k->l->exts[r->index];
	if (!x->is_set) {
		poison(i, POISON_KFUNC_BASE, r->index);
		return 0;
	}
	i->src = CALL_KFUNC;
	i->imm = (s32)x->btf_id;
	i->off = (s16)kernel_btf_fd_index(k->l, x->module);
	return 0;
}

/* Every place but calls and addresses of functions of the object, which the caller handles. */
static int reloc_data(const struct linker *k, struct insn *i, const struct obj_reloc *r)
{
	switch (r->kind) {
	case RELOC_MAP:
	case RELOC_MAP_VALUE:
	case RELOC_ARENA:
		return reloc_map(k, i, r);
	case RELOC_EXTERN:
		return reloc_extern(k, i, r);
	case RELOC_EXTERN_CALL:
		return reloc_kfunc(k, i, r);
	case RELOC_CALL:
	case RELOC_FUNC:
		break;
	}
	return 0;
}

static int append_info(struct linker *k, const struct obj_func *fn, u32 off, bool first)
{
	struct prog *p = k->p;

	if (first) {
		/* What the entry function lacks is given for none of its subprograms. */
		k->func_info = fn->btf_func_id;
		k->line_info = fn->n_lines;
	}
	if (k->func_info) {
		struct bpf_func_info info = { .insn_off = first ? 0 : off,
					      .type_id = fn->btf_func_id };

		if (!fn->btf_func_id)
			return diag_error(
				k->dg, (struct place){ .file = k->l->obj->path }, -ENOENT,
				"function '%s' has no func_info in .BTF.ext, but its program '%s' "
				"has",
				fn->name, p->pub.fn->name);
		if (!vec_push(&p->func_info, info))
			return -ENOMEM;
	}
	if (!k->line_info)
		return 0;
	for (u32 i = 0; i < fn->n_lines; i++) {
		const struct obj_line *line = &fn->lines[i];
		struct bpf_line_info info = {
			.insn_off = first && !i ? 0 : off + line->pc,
			.file_name_off = line->file_off,
			.line_off = line->text_off,
			.line_col = line->line << 10 | (line->col & 0x3ff),
		};

		if (!vec_push(&p->line_info, info))
			return -ENOMEM;
	}
	return 0;
}

/* Copies one function to the end of the program; its calls still wait. */
static int append_part(struct linker *k, u32 func, bool first)
{
	const struct obj_func *fn = &k->l->obj->funcs[func];
	struct prog *p = k->p;
	struct part part = { .func = func, .off = p->n_insns };
	if (p->parts.n >= BPF_MAX_SUBPROGS || (u64)p->n_insns + fn->n_insns > BPF_COMPLEXITY_INSNS)
		return diag_error(k->dg, func_place(k->l, p->func), -E2BIG,
				  "program '%s' has more than %u functions or %u insns",
				  p->pub.fn->name, BPF_MAX_SUBPROGS, BPF_COMPLEXITY_INSNS);
	if (!vec_push(&p->parts, part) ||
	    !vec_grow((void **)&p->insns, &p->cap_insns, (u64)p->n_insns + fn->n_insns,
		      sizeof(*p->insns)))
		return -ENOMEM;
	memcpy(p->insns + p->n_insns, k->l->funcs[func].insns, fn->n_insns * sizeof(*p->insns));
	p->n_insns += fn->n_insns;
	for (u32 i = 0; i < fn->n_relocs; i++) {
		const struct obj_reloc *r = &fn->relocs[i];
		struct insn *insn = &p->insns[part.off + r->pc];

		if (r->pc >= fn->n_insns || (insn_is_wide(insn) && r->pc + 1 >= fn->n_insns) ||
		    (insn_is_wide(insn) !=
		     (r->kind != RELOC_CALL && r->kind != RELOC_EXTERN_CALL)) ||
		    reloc_data(k, insn, r))
			return bad_reloc(k, func, r->pc, "relocation does not fit the insn");
	}
	return append_info(k, fn, part.off, first);
}

/* Appends what func calls, depth first; at most BPF_MAX_SUBPROGS deep. */
static int append_callees(struct linker *k, u32 func, u32 off)
{
	const struct obj_func *fn = &k->l->obj->funcs[func];

	for (u32 i = 0; i < fn->n_relocs; i++) {
		const struct obj_reloc *r = &fn->relocs[i];
		u32 callee_off;
		int err = 0;

		if (r->kind != RELOC_CALL && r->kind != RELOC_FUNC)
			continue;
		if (r->index >= k->l->obj->n_funcs)
			return bad_reloc(k, func, r->pc, "call of a function that is not there");
		if (!find_part(k->p, r->index, &callee_off)) {
			callee_off = k->p->n_insns;
			err = append_part(k, r->index, false);
			if (!err)
				err = append_callees(k, r->index, callee_off);
		}
		if (err)
			return err;

		struct insn *insn = &k->p->insns[off + r->pc];

		insn->src = r->kind == RELOC_CALL ? (u8)CALL_SUBPROG : (u8)PSEUDO_FUNC;
		insn->imm = (s32)(callee_off - (off + r->pc) - 1);
		if (r->kind == RELOC_FUNC)
			insn[1].imm = 0;
	}
	return 0;
}

/* The exception callback stands behind everything that the program calls. */
static int append_exception(struct linker *k, const struct obj_func *fn)
{
	u32 cb = fn->exception_cb - 1, off;

	if (fn->exception_cb == OBJ_BAD_CB)
		return diag_error(k->dg, (struct place){ .file = k->l->obj->path }, -EINVAL,
				  "function '%s': its exception_callback tags name no function, or several",
				  fn->name);
	if (!fn->exception_cb || find_part(k->p, cb, &off))
		return 0;
	if (cb >= k->l->obj->n_funcs)
		return -EINVAL;
	off = k->p->n_insns;

	int err = append_part(k, cb, false);

	return err ? err : append_callees(k, cb, off);
}

int prog_link(struct load *l, struct prog *p, struct diag *dg)
{
	struct linker k = { .l = l, .p = p, .dg = dg };
	struct insn prologue[PROLOGUE_MAX];
	int n = l->opts.tree ? tree_prologue(l, p, prologue, PROLOGUE_MAX, dg) : 0;

	if (n < 0)
		return n;
	k.prologue = (u32)n;
	if (n) {
		if (!vec_grow((void **)&p->insns, &p->cap_insns, k.prologue, sizeof(*p->insns)))
			return -ENOMEM;
		memcpy(p->insns, prologue, k.prologue * sizeof(*prologue));
		p->n_insns = k.prologue;
	}

	int err = append_part(&k, p->func, true);

	if (!err)
		err = append_callees(&k, p->func, k.prologue);
	if (!err)
		err = append_exception(&k, &l->obj->funcs[p->func]);
	p->pub.insns = p->insns;
	p->pub.n_insns = p->n_insns;
	return err;
}

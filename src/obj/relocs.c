/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/relocs.c - relocations: what insns and map contents refer to.
 *
 * The insn decides, not the relocation's type (R_BPF_64_64 or R_BPF_64_32; LLVM, docs/BPF): a wide load takes an address, a call a function.
 * Calls inside one section have no relocation; they get one here, so that functions can be moved
 * freely afterwards.
 */
#include "obj/reader.h"
#include "abi/uapi.h"
#include <errno.h>
#include <string.h>


struct target {
	struct reader *r;
	struct place at;
	const struct elf_sym *sym;
	u32 sym_index;
	const char *name;           /* for messages */
	const struct obj_func *func;
	const struct insn *insn;
	s64 addend;                 /* of SHT_RELA, else taken from the insn */
	bool has_addend;
};

static int fail(const struct target *t, const char *what)
{
	return diag_error(t->r->dg, t->at, -EINVAL, "function '%s' refers to '%s', %s",
			  t->func->name, t->name, what);
}

static int to_extern(const struct target *t, struct obj_reloc *out)
{
	const struct reader *r = t->r;

	for (u32 i = 0; i < r->extern_syms.n; i++)
		if (r->extern_syms.p[i] == t->sym_index) {
			out->kind = insn_is_call(t->insn) ? RELOC_EXTERN_CALL : RELOC_EXTERN;
			out->index = i;
			return 0;
		}
	return fail(t, "which nobody defines");
}

/* The symbol is the function itself, or its section and the addend says where in it. */
static int to_func(const struct target *t, u64 off, enum obj_reloc_kind kind,
		   struct obj_reloc *out)
{
	const struct obj_func *f = NULL;

	if (t->r->secs[t->sym->shndx].use == USE_CODE)
		f = func_begins_at(t->r, t->sym->shndx, off);
	if (!f)
		return fail(t, "where no function begins");
	/* Among aliases the one that was named. */
	for (const struct obj_func *a = f; a < t->r->funcs.p + t->r->funcs.n &&
	     a->section_index == f->section_index && a->section_off == f->section_off; a++)
		if (strcmp(a->name, t->sym->name) == 0) {
			f = a;
			break;
		}
	out->kind = kind;
	out->index = f - t->r->funcs.p;
	return 0;
}

static int to_map(const struct target *t, u64 off, struct obj_reloc *out)
{
	const struct reader *r = t->r;

	for (u32 i = 0; i < r->maps.n; i++)
		if (r->maps.p[i].section_index == t->sym->shndx &&
		    r->maps.p[i].section_off == off && r->maps.p[i].kind == OBJ_MAP_PLAIN) {
			out->kind = RELOC_MAP;
			out->index = i;
			return 0;
		}
	return fail(t, "where no map begins");
}

static int to_section(const struct target *t, struct obj_reloc *out)
{
	s64 imm = t->has_addend ? t->addend : t->insn->imm;
	const struct sec *sec = &t->r->secs[t->sym->shndx];
	u64 off = t->sym->value + (u64)imm;

	switch (sec->use) {
	case USE_CODE:
		return to_func(t, off, RELOC_FUNC, out);
	case USE_MAPS:
	case USE_LEGACY_MAPS:
		return to_map(t, t->sym->type == STT_SECTION ? off : t->sym->value, out);
	case USE_DATA:
	case USE_RODATA:
	case USE_BSS:
	case USE_ARENA:
		if (!sec->map)
			break;
		out->kind = sec->use == USE_ARENA ? RELOC_ARENA : RELOC_MAP_VALUE;
		out->index = sec->map - 1;
		out->addend = (s64)off;
		return 0;
	default:
		break;
	}
	return fail(t, "which lies in a section that no map holds");
}

static int resolve(const struct target *t, struct obj_reloc *out)
{
	if (sym_is_extern(t->sym))
		return to_extern(t, out);
	if (t->sym->shndx == SHN_COMMON)
		return fail(t, "a variable without a section: initialise it or use -fno-common");
	if (!sym_is_defined(t->r, t->sym))
		return fail(t, "which is in no section of the file");
	if (insn_is_call(t->insn)) {
		s64 insns = t->has_addend ? t->addend / (s64)sizeof(struct insn)
					  : (s64)t->insn->imm + 1;

		if (t->insn->src != CALL_SUBPROG)
			return fail(t, "but calls a helper there");
		return to_func(t, t->sym->value + (u64)insns * sizeof(struct insn), RELOC_CALL, out);
	}
	return to_section(t, out);
}

/* Adds room for one relocation to a function. */
static struct obj_reloc *reloc_new(struct obj_func *f, u32 *cap)
{
	if (!vec_grow((void **)&f->relocs, cap, (u64)f->n_relocs + 1, sizeof(*f->relocs)))
		return NULL;
	f->relocs[f->n_relocs] = (struct obj_reloc){0};
	return &f->relocs[f->n_relocs++];
}

static int read_code_reloc(struct reader *r, const struct elf_section *rel,
			   const struct elf_reloc *er, u32 *caps)
{
	u32 section = rel->info;
	struct obj_func *f = func_at(r, section, er->off);
	struct elf_sym sym;
	struct target t = { .r = r, .at = place_in(r, section, er->off), .sym = &sym,
			    .sym_index = er->sym, .addend = er->addend,
			    .has_addend = rel->type == SHT_RELA };

	if (er->off % sizeof(struct insn) || er->off >= sec_of(r, section)->size)
		return diag_error(r->dg, t.at, -EINVAL, "a relocation applies to no insn");
	if (!elf_sym(&r->elf, r->symtab, er->sym, &sym))
		return diag_error(r->dg, t.at, -EINVAL, "a relocation names symbol %u, which is not "
				  "in the table", er->sym);
	/* Insns of an overridden weak function have no symbol any more. */
	if (!f)
		return 0;
	t.name = *sym.name || !sym_is_defined(r, &sym) ? sym.name : sec_of(r, sym.shndx)->name;
	for (u32 i = f - r->funcs.p; i < r->funcs.n; i++) {
		struct obj_func *alias = &r->funcs.p[i];
		struct obj_reloc found = { .pc = (er->off - f->section_off) / sizeof(struct insn) };
		struct obj_reloc *x;
		int err;

		if (alias->section_index != f->section_index ||
		    alias->section_off != f->section_off)
			break;
		t.func = alias;
		t.insn = &alias->insns[found.pc];
		if (insn_is_wide(t.insn) ? found.pc + 1 >= alias->n_insns : !insn_is_call(t.insn))
			return fail(&t, "but its insn there is neither a wide load nor a call");
		if (er->type != R_BPF_64_64 && er->type != R_BPF_64_32)
			return diag_error(r->dg, t.at, -EINVAL, "relocation type %u is not for insns",
					  er->type);
		/* Bounds the work: sort_relocs() names the place. */
		if (alias->n_relocs > alias->n_insns)
			return fail(&t, "but has more relocations than insns");
		err = resolve(&t, &found);
		if (err)
			return err;
		x = reloc_new(alias, &caps[i]);
		if (!x)
			return no_memory(r);
		*x = found;
	}
	return 0;
}

static int by_pc(const void *a, const void *b)
{
	const struct obj_reloc *x = a, *y = b;

	return x->pc < y->pc ? -1 : x->pc > y->pc;
}

/* Calls without a relocation: the target counts from the insn, in the same section. */
static int add_plain_calls(struct reader *r, u32 func, u32 *cap)
{
	struct obj_func *f = &r->funcs.p[func];
	u32 n = f->n_relocs, next = 0;

	for (u32 pc = 0; pc < f->n_insns; pc++) {
		const struct insn *insn = &f->insns[pc];
		struct obj_func *to;
		struct obj_reloc *x;
		u64 off;

		if (next < n && f->relocs[next].pc == pc) {
			next++;
		} else if (insn_is_subprog_call(insn)) {
			off = f->section_off + ((u64)pc + 1 + (u64)(s64)insn->imm) * sizeof(*insn);
			to = func_begins_at(r, f->section_index, off);
			if (!to)
				return diag_error(r->dg,
						  place_in(r, f->section_index,
							   f->section_off + pc * sizeof(*insn)),
						  -EINVAL, "function '%s' calls where no function begins",
						  f->name);
			x = reloc_new(f, cap);
			if (!x)
				return no_memory(r);
			*x = (struct obj_reloc){ .pc = pc, .kind = RELOC_CALL,
						 .index = to - r->funcs.p };
		}
		pc += insn_is_wide(insn);
	}
	if (f->n_relocs > n)
		qsort(f->relocs, f->n_relocs, sizeof(*f->relocs), by_pc);
	return 0;
}

static int sort_relocs(struct reader *r, u32 *caps)
{
	for (u32 i = 0; i < r->funcs.n; i++) {
		struct obj_func *f = &r->funcs.p[i];
		int err;

		if (f->n_relocs)
			qsort(f->relocs, f->n_relocs, sizeof(*f->relocs), by_pc);
		for (u32 j = 1; j < f->n_relocs; j++)
			if (f->relocs[j].pc == f->relocs[j - 1].pc)
				return diag_error(r->dg, place_in(r, f->section_index, f->section_off +
								  f->relocs[j].pc * sizeof(struct insn)),
						  -EINVAL, "two relocations for one insn");
		err = add_plain_calls(r, i, &caps[i]);
		if (err)
			return err;
	}
	return 0;
}

/* ---- contents of maps ---- */

static struct obj_map *map_holding(const struct reader *r, u32 section, u64 off, u64 *size)
{
	for (u32 i = 0; i < r->maps.n; i++) {
		struct obj_map *m = &r->maps.p[i];
		s64 bytes = m->btf_var_id ? btf_size(r->o->btf, m->btf_var_id) : -1;

		if (m->section_index != section || m->section_off > off || bytes < 0)
			continue;
		/* "values" has no length: its elements lie behind the struct. */
		*size = i + 1 < r->maps.n && r->maps.p[i + 1].section_index == section
				? r->maps.p[i + 1].section_off - m->section_off
				: sec_of(r, section)->size - m->section_off;
		if (off - m->section_off < *size)
			return m;
	}
	return NULL;
}

static int add_init(const struct reader *r, struct obj_map *m, struct obj_map_init init)
{
	u32 cap = m->n_inits;

	/* Grown by doubling: at powers of two. */
	if ((m->n_inits & (m->n_inits - 1)) == 0) {
		cap = 0;
		if (!vec_grow((void **)&m->inits, &cap, m->n_inits ? 2 * (u64)m->n_inits : 1,
			      sizeof(*m->inits)))
			return no_memory(r);
	}
	m->inits[m->n_inits++] = init;
	return 0;
}

static u32 values_offset(const struct reader *r, const struct obj_map *m, bool *found)
{
	const struct btf *btf = r->o->btf;
	const struct btf_type *t = btf_resolve(btf, btf_type(btf, m->btf_var_id)->type);
	u32 last = btf_vlen(t) - 1;

	*found = btf_vlen(t) &&
		 strcmp(btf_str(btf, btf_members(t)[last].name_off), "values") == 0;
	return *found ? btf_member_bit_off(t, last) / 8 : 0;
}

static int read_map_reloc(struct reader *r, u32 section, const struct elf_reloc *er,
			  const struct elf_sym *sym)
{
	struct place at = place_in(r, section, er->off);
	struct obj_map_init init = {0};
	struct obj_map *m;
	bool has_values;
	u64 size, off;
	u32 values;

	m = map_holding(r, section, er->off, &size);
	if (!m)
		return diag_error(r->dg, at, -EINVAL, "an initial value lies in no map");
	values = values_offset(r, m, &has_values);
	off = er->off - m->section_off;
	if (!has_values || off < values || (off - values) % 8)
		return diag_error(r->dg, at, -EINVAL, "map '%s': an initial value outside its values",
				  m->name);
	init.slot = (off - values) / 8;
	init.is_func = m->type == BPF_MAP_TYPE_PROG_ARRAY;
	if (init.is_func) {
		struct obj_func *f = sym_is_defined(r, sym) && r->secs[sym->shndx].use == USE_CODE
					     ? func_begins_at(r, sym->shndx, sym->value)
					     : NULL;

		if (!f || !f->is_prog)
			return diag_error(r->dg, at, -EINVAL, "map '%s': slot %u: '%s' is no program",
					  m->name, init.slot, sym->name);
		init.index = f - r->funcs.p;
		return add_init(r, m, init);
	}
	if (m->type == BPF_MAP_TYPE_HASH_OF_MAPS && m->key_size != 4)
		return diag_error(r->dg, at, -EINVAL,
				  "map '%s': initial values of a hash need keys of 4 bytes, not %u",
				  m->name, m->key_size);
	for (u32 i = 0; i < r->maps.n; i++)
		if (sym_is_defined(r, sym) && r->maps.p[i].section_index == sym->shndx &&
		    r->secs[sym->shndx].use == USE_MAPS &&
		    r->maps.p[i].section_off == sym->value) {
			init.index = i;
			return add_init(r, m, init);
		}
	return diag_error(r->dg, at, -EINVAL, "map '%s': slot %u: '%s' is no map", m->name, init.slot,
			  sym->name);
}

static const struct btf_member *member_at(const struct btf_type *t, u32 bit_off)
{
	for (u32 i = 0; i < btf_vlen(t); i++)
		if (btf_member_bit_off(t, i) == bit_off)
			return &btf_members(t)[i];
	return NULL;
}

static int read_struct_ops_reloc(struct reader *r, u32 section, const struct elf_reloc *er,
				 const struct elf_sym *sym)
{
	struct place at = place_in(r, section, er->off);
	const struct btf *btf = r->o->btf;
	const struct btf_member *member;
	const struct btf_type *t = NULL;
	struct obj_map *m = NULL;
	struct obj_func *f;

	for (u32 i = 0; i < r->maps.n && !m; i++)
		if (r->maps.p[i].section_index == section && r->maps.p[i].section_off <= er->off &&
		    er->off - r->maps.p[i].section_off < r->maps.p[i].value_size)
			m = &r->maps.p[i];
	member = m ? member_at(btf_type(btf, m->btf_value_id), (er->off - m->section_off) * 8) : NULL;
	if (!member)
		return diag_error(r->dg, at, -EINVAL, "'%s' is put where no member is", sym->name);
	t = btf_resolve(btf, member->type);
	if (btf_kind(t) != BTF_PTR || btf_kind(btf_resolve(btf, t->type)) != BTF_FUNC_PROTO)
		return diag_error(r->dg, at, -EINVAL, "'%s': member '%s' is no function pointer",
				  m->name, btf_str(btf, member->name_off));
	f = sym_is_defined(r, sym) && r->secs[sym->shndx].use == USE_CODE
		    ? func_begins_at(r, sym->shndx, sym->value)
		    : NULL;
	if (!f)
		return diag_error(r->dg, at, -EINVAL, "'%s': member '%s': '%s' is no program", m->name,
				  btf_str(btf, member->name_off), sym->name);
	return add_init(r, m, (struct obj_map_init){ .slot = er->off - m->section_off,
						     .is_func = true, .index = f - r->funcs.p });
}

static int read_section(struct reader *r, const struct elf_section *rel, u32 *caps)
{
	enum sec_use use = r->secs[rel->info].use;
	struct elf_reloc er;
	struct elf_sym sym;
	int err = 0;

	if (use == USE_DATA || use == USE_RODATA)
		diag_warn(r->dg, elf_place(&r->elf, sec_of(r, rel->info), 0),
			  "the pointers that it is initialised with stay 0");
	for (u32 i = 0; elf_reloc(&r->elf, rel, i, &er) && !err; i++) {
		if (use == USE_CODE) {
			err = read_code_reloc(r, rel, &er, caps);
		} else if (use == USE_MAPS || use == USE_STRUCT_OPS) {
			if (!elf_sym(&r->elf, r->symtab, er.sym, &sym))
				return diag_error(r->dg, place_in(r, rel->info, er.off), -EINVAL,
						  "a relocation names symbol %u, which is not in the table",
						  er.sym);
			err = use == USE_MAPS ? read_map_reloc(r, rel->info, &er, &sym)
					      : read_struct_ops_reloc(r, rel->info, &er, &sym);
		}
	}
	return err;
}

int read_relocs(struct reader *r)
{
	u32 *caps = calloc(r->funcs.n + 1, sizeof(*caps));
	int err = caps ? 0 : no_memory(r);

	for (u32 i = 1; i < r->elf.n_sections && !err; i++) {
		const struct elf_section *s = sec_of(r, i);

		if ((s->type == SHT_REL || s->type == SHT_RELA) && s->info < r->elf.n_sections)
			err = read_section(r, s, caps);
	}
	if (!err)
		err = sort_relocs(r, caps);
	free(caps);
	return err;
}

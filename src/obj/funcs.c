/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/funcs.c - the functions of an object: one for each function symbol of a code section. */
#include "obj/reader.h"
#include <byteswap.h>
#include <errno.h>
#include <string.h>

enum { ALIASES_MAX = 16 };
/* Sections may lie over each other in the file, so a small file could ask for its square. */
enum { CODE_SMALL = 64 << 20, CODE_SHARE = ALIASES_MAX };

struct span {
	struct elf_sym sym;
	u32 index;     /* of the symbol */
	u64 size;
};

static int by_place(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->sym.shndx != y->sym.shndx)
		return x->sym.shndx < y->sym.shndx ? -1 : 1;
	if (x->sym.value != y->sym.value)
		return x->sym.value < y->sym.value ? -1 : 1;
	/* Among aliases a global one comes first, then the file's order. */
	if ((x->sym.bind == STB_LOCAL) != (y->sym.bind == STB_LOCAL))
		return x->sym.bind == STB_LOCAL ? 1 : -1;
	return x->index < y->index ? -1 : 1;
}

static bool in_code(const struct reader *r, const struct elf_sym *sym)
{
	return sym_is_defined(r, sym) && r->secs[sym->shndx].use == USE_CODE;
}

typedef VEC(struct span) span_vec;

/* Function symbols; where a code section has none, as with old compilers, its global symbols
 * without a type, each up to the next. */
static int collect(struct reader *r, span_vec *spans)
{
	u32 n = elf_n_syms(&r->elf, r->symtab);

	for (int pass = 0; pass < 2; pass++) {
		u32 found = spans->n;

		for (u32 i = 1; i < n; i++) {
			struct span s = { .index = i };

			elf_sym(&r->elf, r->symtab, i, &s.sym);
			if (!in_code(r, &s.sym))
				continue;
			if (pass ? s.sym.type != STT_NOTYPE || s.sym.bind == STB_LOCAL ||
					   r->secs[s.sym.shndx].n_funcs
				 : s.sym.type != STT_FUNC)
				continue;
			s.size = s.sym.size;
			if (!vec_push(spans, s))
				return no_memory(r);
		}
		for (u32 i = found; i < spans->n; i++)
			r->secs[spans->p[i].sym.shndx].n_funcs = 1;
	}
	if (spans->n)
		qsort(spans->p, spans->n, sizeof(*spans->p), by_place);
	for (u32 i = 0; i < spans->n; i++) {
		struct span *s = &spans->p[i], *next = i + 1 < spans->n ? s + 1 : NULL;

		if (s->size || s->sym.type == STT_FUNC)
			continue;
		s->size = next && next->sym.shndx == s->sym.shndx ? next->sym.value
								  : sec_of(r, s->sym.shndx)->size;
		s->size -= MIN(s->size, s->sym.value);
	}
	return 0;
}

/* Whole insns inside the section, and no function begins inside another: aliases only. */
static int check_span(const struct reader *r, const struct span *s, const struct span *before)
{
	u64 room = sec_of(r, s->sym.shndx)->size;
	struct place at = place_in(r, s->sym.shndx, s->sym.value);

	if (!s->size || s->size % sizeof(struct insn) || s->sym.value % sizeof(struct insn))
		return diag_error(r->dg, at, -EINVAL,
				  "function '%s' has %lu bytes, must be whole insns of 8",
				  s->sym.name, s->size);
	if (s->sym.value > room || s->size > room - s->sym.value)
		return diag_error(r->dg, at, -EINVAL, "function '%s' reaches past its section",
				  s->sym.name);
	if (!before || before->sym.shndx != s->sym.shndx ||
	    before->sym.value + before->size <= s->sym.value)
		return 0;
	if (before->sym.value == s->sym.value && before->size == s->size)
		return 0;
	return diag_error(r->dg, at, -EINVAL, "functions '%s' and '%s' overlap", before->sym.name,
			  s->sym.name);
}

static void swap_insns(struct insn *insns, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		u8 dst = insns[i].dst;

		insns[i].dst = insns[i].src;
		insns[i].src = dst;
		insns[i].off = (s16)bswap_16((u16)insns[i].off);
		insns[i].imm = (s32)bswap_32((u32)insns[i].imm);
	}
}

static int add_func(struct reader *r, const struct span *s)
{
	const struct elf_section *sec = sec_of(r, s->sym.shndx);
	struct obj_func *f = vec_add(&r->funcs);
	bool is_text = strcmp(sec->name, ".text") == 0;

	if (!f)
		return no_memory(r);
	r->code_bytes += s->size;
	if (r->code_bytes > CODE_SMALL && r->code_bytes > CODE_SHARE * r->elf.size)
		return diag_error(r->dg, place_in(r, s->sym.shndx, s->sym.value), -EINVAL,
				  "functions have more insns than the file: sections overlap");
	f->name = strdup(*s->sym.name ? s->sym.name : sec->name);
	f->section = strdup(sec->name);
	f->section_index = s->sym.shndx;
	f->section_off = s->sym.value;
	f->is_prog = !is_text && s->sym.bind != STB_LOCAL;
	f->is_weak = s->sym.bind == STB_WEAK;
	f->is_global = s->sym.bind != STB_LOCAL && s->sym.visibility != STV_HIDDEN &&
		       s->sym.visibility != STV_INTERNAL;
	f->autoload = *sec->name != '?';
	f->n_insns = s->size / sizeof(struct insn);
	f->insns = malloc(s->size);
	if (!f->name || !f->section || !f->insns)
		return no_memory(r);
	memcpy(f->insns, sec->data + s->sym.value, s->size);
	if (r->elf.swapped)
		swap_insns(f->insns, f->n_insns);
	return 0;
}

int read_funcs(struct reader *r)
{
	span_vec spans = {0};
	int err = collect(r, &spans);
	u32 aliases = 0;

	for (u32 i = 0; i < r->elf.n_sections; i++)
		r->secs[i].n_funcs = 0;
	for (u32 i = 0; i < spans.n && !err; i++) {
		struct span *s = &spans.p[i];
		struct sec *sec = &r->secs[s->sym.shndx];

		err = check_span(r, s, i ? s - 1 : NULL);
		/* Each has a copy of the insns. */
		aliases = i && s[-1].sym.shndx == s->sym.shndx && s[-1].sym.value == s->sym.value
				  ? aliases + 1 : 0;
		if (!err && aliases == ALIASES_MAX)
			err = diag_error(r->dg, place_in(r, s->sym.shndx, s->sym.value), -EINVAL,
					 "more than %d functions share the same insns", ALIASES_MAX);
		if (!sec->n_funcs++)
			sec->first_func = i;
		if (!err)
			err = add_func(r, s);
	}
	free(spans.p);
	return err;
}

/* First function of a section that begins after byte off. */
static u32 first_after(const struct reader *r, const struct sec *sec, u64 off)
{
	u32 lo = sec->first_func, hi = lo + sec->n_funcs;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (r->funcs.p[mid].section_off <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct obj_func *func_at(const struct reader *r, u32 section, u64 off)
{
	const struct sec *sec = &r->secs[section];
	u32 after = first_after(r, sec, off);
	struct obj_func *f;
	u64 begin;

	if (after == sec->first_func)
		return NULL;
	begin = r->funcs.p[after - 1].section_off;
	f = &r->funcs.p[begin ? first_after(r, sec, begin - 1) : sec->first_func];
	return off - begin < f->n_insns * sizeof(struct insn) ? f : NULL;
}

struct obj_func *func_begins_at(const struct reader *r, u32 section, u64 off)
{
	struct obj_func *f = func_at(r, section, off);

	return f && f->section_off == off ? f : NULL;
}

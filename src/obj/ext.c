/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/ext.c - .BTF.ext: which FUNC each function is, source lines, CO-RE relocations.
 *
 *	header: magic, version, flags, header length; offset and length of three tables
 *	table:  record size, then for each section: name, count, records
 *	record: byte offset of the insn in the section, then what the table is about
 */
#include "obj/reader.h"
#include "abi/uapi.h"
#include <errno.h>
#include <string.h>

enum ext_table { EXT_FUNCS, EXT_LINES, EXT_CORES, EXT_TABLES };

static const struct {
	const char *name;
	u32 words;          /* of a record, at least */
} tables[] = {
	[EXT_FUNCS] = { "func_info", 2 },
	[EXT_LINES] = { "line_info", 4 },
	[EXT_CORES] = { "core_relo", 4 },
};

struct ext {
	struct reader *r;
	const struct elf_section *sec;
	u64 off, end;        /* of the table at work */
	enum ext_table table;
	u32 *caps;           /* room in each function's array */
};

static int fail(const struct ext *x, u64 off, const char *what)
{
	return diag_error(x->r->dg, elf_place(&x->r->elf, x->sec, off), -EINVAL,
			  "broken .BTF.ext: %s: %s", tables[x->table].name, what);
}

static u32 word(const struct ext *x, u64 off)
{
	return elf_get32(&x->r->elf, x->sec->data + off);
}

static int add_line(const struct ext *x, struct obj_func *f, u32 pc, u64 rec)
{
	u32 line_col = word(x, rec + 12), *cap = &x->caps[f - x->r->funcs.p];

	if (!vec_grow((void **)&f->lines, cap, (u64)f->n_lines + 1, sizeof(*f->lines)))
		return no_memory(x->r);
	f->lines[f->n_lines++] = (struct obj_line){
		.pc = pc,
		.file_off = word(x, rec + 4),
		.text_off = word(x, rec + 8),
		.line = line_col >> 10,
		.col = line_col & 0x3ff,
	};
	return 0;
}

static int add_core(const struct ext *x, struct obj_func *f, u32 pc, u64 rec)
{
	u32 *cap = &x->caps[f - x->r->funcs.p];

	if (word(x, rec + 4) >= btf_n_types(x->r->o->btf))
		return fail(x, rec + 4, "type id out of range");
	if (!vec_grow((void **)&f->cores, cap, (u64)f->n_cores + 1, sizeof(*f->cores)))
		return no_memory(x->r);
	f->cores[f->n_cores++] = (struct obj_core_reloc){
		.pc = pc,
		.type_id = word(x, rec + 4),
		.spec = btf_str(x->r->o->btf, word(x, rec + 8)),
		.kind = word(x, rec + 12),
	};
	return 0;
}

/* One record for every function that has the insn: more than one only with aliases. */
static int read_record(const struct ext *x, u32 section, u64 rec)
{
	struct reader *r = x->r;
	u32 off = word(x, rec);
	struct obj_func *f = func_at(r, section, off), *end;
	u64 begin;
	int err = 0;

	if (off % sizeof(struct insn))
		return fail(x, rec, "an offset that is no insn's");
	/* Insns of an overridden weak function. */
	if (!f)
		return 0;
	end = r->funcs.p + r->funcs.n;
	begin = f->section_off;
	for (; f < end && f->section_index == section && f->section_off == begin && !err; f++) {
		u32 pc = (off - begin) / sizeof(struct insn);

		if (x->table == EXT_LINES)
			err = add_line(x, f, pc, rec);
		else if (x->table == EXT_CORES)
			err = add_core(x, f, pc, rec);
		else if (!pc && btf_kind(btf_type(r->o->btf, word(x, rec + 4))) != BTF_FUNC)
			err = fail(x, rec + 4, "a type that is no function");
		/* With aliases each FUNC belongs to the function of its name. */
		else if (!pc && (!f->btf_func_id ||
				 strcmp(btf_name(r->o->btf, word(x, rec + 4)), f->name) == 0))
			f->btf_func_id = word(x, rec + 4);
	}
	return err;
}

static int read_table(struct ext *x)
{
	struct reader *r = x->r;
	u64 off = x->off;
	u32 rec_size;

	if (off == x->end)
		return 0;
	if (x->end - off < 4)
		return fail(x, off, "cut off");
	rec_size = word(x, off);
	if (rec_size < tables[x->table].words * 4 || rec_size % 4)
		return fail(x, off, "record size out of range");
	for (off += 4; off < x->end;) {
		u32 section, n;

		if (x->end - off < 8)
			return fail(x, off, "cut off");
		section = section_by_name(r, btf_str(r->o->btf, word(x, off)));
		n = word(x, off + 4);
		off += 8;
		if (n > (x->end - off) / rec_size)
			return fail(x, off - 4, "more records than fit");
		for (u32 i = 0; i < n; i++, off += rec_size) {
			int err = 0;

			if (section && r->secs[section].use == USE_CODE)
				err = read_record(x, section, off);
			if (err)
				return err;
		}
	}
	return 0;
}

static int core_by_pc(const void *a, const void *b)
{
	const struct obj_core_reloc *x = a, *y = b;

	return x->pc < y->pc ? -1 : x->pc > y->pc;
}

static int line_by_pc(const void *a, const void *b)
{
	const struct obj_line *x = a, *y = b;

	return x->pc < y->pc ? -1 : x->pc > y->pc;
}

/* The tables are in ascending order already but for linked objects. */
static void sort_tables(struct reader *r)
{
	for (u32 i = 0; i < r->funcs.n; i++) {
		struct obj_func *f = &r->funcs.p[i];
		bool lines = true, cores = true;

		for (u32 j = 1; j < f->n_lines; j++)
			lines &= f->lines[j - 1].pc <= f->lines[j].pc;
		for (u32 j = 1; j < f->n_cores; j++)
			cores &= f->cores[j - 1].pc <= f->cores[j].pc;
		if (!lines)
			qsort(f->lines, f->n_lines, sizeof(*f->lines), line_by_pc);
		if (!cores)
			qsort(f->cores, f->n_cores, sizeof(*f->cores), core_by_pc);
	}
}

/* A declaration tag "exception_callback:NAME" on a function. */
static void read_exception_callbacks(struct reader *r)
{
	static const char prefix[] = "exception_callback:";
	const struct btf *btf = r->o->btf;

	for (u32 id = 1; id < btf_n_types(btf); id++) {
		const struct btf_type *t = btf_type(btf, id);
		const char *name;
		u32 cb;

		if (btf_kind(t) != BTF_DECL_TAG || btf_decl_tag_index(t) != -1)
			continue;
		name = btf_str(btf, t->name_off);
		if (strncmp(name, prefix, strlen(prefix)) != 0)
			continue;
		name += strlen(prefix);
		for (cb = 0; cb < r->funcs.n && strcmp(r->funcs.p[cb].name, name) != 0;)
			cb++;
		cb = cb == r->funcs.n || r->funcs.p[cb].is_prog ? OBJ_BAD_CB : cb + 1;
		for (u32 i = 0; i < r->funcs.n; i++) {
			struct obj_func *f = &r->funcs.p[i];

			if (f->btf_func_id == t->type && f->is_prog)
				f->exception_cb = f->exception_cb && f->exception_cb != cb
							  ? OBJ_BAD_CB : cb;
		}
	}
}

int read_ext(struct reader *r)
{
	struct ext x = { .r = r, .sec = elf_find(&r->elf, ".BTF.ext") };
	u32 hdr_len;
	int err = 0;

	if (!r->o->btf)
		return 0;
	if (!x.sec || !x.sec->data)
		return 0;
	if (x.sec->size < 24 || elf_get16(&r->elf, x.sec->data) != 0xeb9f || x.sec->data[2] != 1)
		return fail(&x, 0, "no header that is known");
	hdr_len = word(&x, 4);
	if (hdr_len < 24 || hdr_len > x.sec->size)
		return fail(&x, 4, "header length out of range");
	x.caps = malloc((r->funcs.n + 1) * sizeof(u32));
	if (!x.caps)
		return no_memory(r);
	for (u32 i = 0; i < EXT_TABLES && 8 + i * 8 + 8 <= hdr_len && !err; i++) {
		x.table = i;
		x.off = (u64)hdr_len + word(&x, 8 + i * 8);
		x.end = x.off + word(&x, 12 + i * 8);
		memset(x.caps, 0, (r->funcs.n + 1) * sizeof(u32));
		err = x.end > x.sec->size ? fail(&x, 8 + i * 8, "reaches past the end")
					  : read_table(&x);
	}
	free(x.caps);
	sort_tables(r);
	read_exception_callbacks(r);
	return err;
}

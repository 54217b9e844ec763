/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/symbols.c - functions of host binaries. */
#include "elf/symbols.h"
#include "base/str.h"
#include "base/vec.h"
#include "elf/binary.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sections that give .dynsym its versions; NULL where a binary has none. */
struct versions {
	const struct elf_file *elf;
	const struct elf_section *index, *defs, *strings;
};

struct function {
	const char *name;    /* up to its '@' where .symtab says the version so */
	size_t name_len;
	const char *version; /* the text after '@'; NULL: number nth of versions, "" for none */
	const struct versions *versions;
	u16 nth;
	bool is_default;     /* what a name without version means */
	bool is_local;
	u64 addr, size;
};

typedef int (*function_fn)(void *arg, const struct function *f);

static struct versions versions_find(const struct elf_file *f)
{
	struct versions v = {
		.elf = f,
		.index = elf_find_type(f, SHT_GNU_versym),
		.defs = elf_find_type(f, SHT_GNU_verdef),
	};

	if (v.defs && v.defs->link < f->n_sections)
		v.strings = &f->sections[v.defs->link];
	return v;
}

/* Version of a symbol: among those the file defines; "" for none. */
static const char *version_of(const struct function *fn)
{
	const struct versions *v = fn->versions;
	const struct elf_section *d = v ? v->defs : NULL;
	const struct elf_file *f = v ? v->elf : NULL;
	u64 off = 0;

	if (fn->version)
		return fn->version;
	if (!d || !d->data || !v->strings || !v->strings->data)
		return "";
	/* Verdef and Verdaux are the same in 32 and 64 bit. */
	for (u32 i = 0; i < d->info; i++) {
		u64 aux;
		u32 next, name;

		if (off > d->size || d->size - off < sizeof(Elf64_Verdef))
			break;
		next = elf_get32(f, d->data + off + offsetof(Elf64_Verdef, vd_next));
		aux = off + elf_get32(f, d->data + off + offsetof(Elf64_Verdef, vd_aux));
		if (elf_get16(f, d->data + off + offsetof(Elf64_Verdef, vd_ndx)) == fn->nth) {
			if (aux > d->size || d->size - aux < sizeof(Elf64_Verdaux))
				break;
			name = elf_get32(f, d->data + aux + offsetof(Elf64_Verdaux, vda_name));
			if (name >= v->strings->size || v->strings->data[v->strings->size - 1])
				break;
			return (const char *)v->strings->data + name;
		}
		if (!next)
			break;
		off += next;
	}
	return "";
}

static bool is_function(const struct elf_sym *s)
{
	return (s->type == STT_FUNC || s->type == STT_GNU_IFUNC) && s->shndx != SHN_UNDEF;
}

/* Symbol i of a table with its version: from "name@@VERSION", or the version tables. */
static struct function function_of(const struct elf_file *f, const struct versions *v,
				   const struct elf_sym *s, u32 i)
{
	struct function out = {
		.name = s->name, .name_len = strcspn(s->name, "@"), .versions = v,
		.is_default = true, .is_local = s->bind == STB_LOCAL, .addr = s->value,
		.size = s->size,
	};
	const char *at = s->name + out.name_len;

	if (*at) {
		out.is_default = at[1] == '@';
		out.version = at + 1 + out.is_default;
	} else if (v && v->index && v->index->data && v->index->size / 2 > i) {
		u16 n = elf_get16(f, v->index->data + 2ul * i);

		/* 0 is local, 1 has no version; the top bit says "not the default". */
		if ((n & 0x7fff) > 1) {
			out.is_default = !(n & 0x8000);
			out.nth = n & 0x7fff;
		}
	}
	if (!out.version && !out.nth)
		out.version = "";
	return out;
}

/* Calls fn for each function of a table until it returns non-zero. */
static int each_function(const struct elf_file *f, u32 table_type, function_fn fn, void *arg)
{
	const struct elf_section *table = elf_find_type(f, table_type);
	struct versions v = versions_find(f);
	struct elf_sym s;

	for (u32 i = 0; table && elf_sym(f, table, i, &s); i++) {
		struct function found;
		int ret;

		if (!is_function(&s))
			continue;
		found = function_of(f, table_type == SHT_DYNSYM ? &v : NULL, &s, i);
		ret = fn(arg, &found);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- separate debug files ---- */

enum { BUILD_ID_MAX = 64, NOTE_BUILD_ID = 3 };

/* "/usr/lib/debug/.build-id/ab/cdef....debug" from the note that the linker left. */
bool symbol_debug_file(const struct elf_file *f, char *path, size_t size)
{
	const struct elf_section *s = elf_find(f, ".note.gnu.build-id");
	u32 name_size, id_size;
	size_t n;

	if (!s || !s->data || s->size < 16)
		return false;
	name_size = elf_get32(f, s->data);
	id_size = elf_get32(f, s->data + 4);
	if (elf_get32(f, s->data + 8) != NOTE_BUILD_ID || name_size != 4 || id_size < 2 ||
	    id_size > BUILD_ID_MAX || id_size > s->size - 16)
		return false;
	n = (size_t)snprintf(path, size, "/usr/lib/debug/.build-id/%02x/", s->data[16]);
	for (u32 i = 1; i < id_size && n < size; i++)
		n += (size_t)snprintf(path + n, size - n, "%02x", s->data[16 + i]);
	return n < size && (size_t)snprintf(path + n, size - n, ".debug") < size - n;
}

/* All functions of a binary, the best source of names first. */
static int every_function(const struct binary *b, function_fn fn, void *arg)
{
	struct binary debug;
	char path[256];
	int ret = each_function(&b->elf, SHT_SYMTAB, fn, arg);

	if (!ret && !elf_find_type(&b->elf, SHT_SYMTAB) &&
	    symbol_debug_file(&b->elf, path, sizeof(path)) &&
	    !binary_open(path, (struct place){0}, NULL, &debug)) {
		ret = each_function(&debug.elf, SHT_SYMTAB, fn, arg);
		binary_close(&debug);
	}
	return ret ? ret : each_function(&b->elf, SHT_DYNSYM, fn, arg);
}

/* ---- questions ---- */

struct find {
	const char *name;
	size_t name_len;
	const char *version;  /* NULL: the default one */
	u64 addr;
	u32 rank;             /* of what was found: 0 nothing, then better and better */
};

enum { RANK_OLD = 1, RANK_LOCAL, RANK_BEST };

/* Without a version the default one is meant, else a global one, else what there is. */
static int find_one(void *arg, const struct function *f)
{
	struct find *want = arg;
	u32 rank = f->is_local ? RANK_LOCAL : RANK_BEST;

	if (f->name_len != want->name_len || strncmp(f->name, want->name, f->name_len) != 0)
		return 0;
	if (want->version ? strcmp(version_of(f), want->version) != 0 : !f->is_default) {
		if (want->version)
			return 0;
		rank = RANK_OLD;
	}
	if (rank > want->rank) {
		want->rank = rank;
		want->addr = f->addr;
	}
	return want->rank == RANK_BEST;
}

int symbol_offset(const char *path, const char *symbol, u64 off, struct place at, struct diag *dg,
		  u64 *out)
{
	struct find find = { .name = symbol, .name_len = strcspn(symbol, "@") };
	const char *version = symbol + find.name_len;
	struct binary b;
	u64 file_off;
	int err = binary_open(path, at, dg, &b);

	if (err)
		return err;
	if (*version)
		find.version = version + 1 + (version[1] == '@');
	every_function(&b, find_one, &find);
	if (!find.rank)
		err = diag_error(dg, at, -ENOENT, "%s has no function '%s'%s", path, symbol,
				 elf_find_type(&b.elf, SHT_SYMTAB) ? "" :
				 " (it is stripped: only exported functions have names)");
	else if (!elf_addr_to_off(&b.elf, find.addr, &file_off))
		err = diag_error(dg, at, -EINVAL, "%s: function '%s' is in no loaded segment", path,
				 symbol);
	else
		*out = file_off + off;
	binary_close(&b);
	return err;
}

struct match {
	const struct elf_file *elf;
	const char *pattern;
	VEC(u64) offs;
	bool failed;
};

static int match_one(void *arg, const struct function *f)
{
	struct match *m = arg;
	char *name;
	bool fits;
	u64 off;

	name = strndup(f->name, f->name_len);
	fits = name && str_glob(m->pattern, name);
	free(name);
	if (!fits || !elf_addr_to_off(m->elf, f->addr, &off))
		return 0;
	if (!vec_push(&m->offs, off))
		m->failed = true;
	return m->failed;
}

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

int symbol_match(const char *path, const char *pattern, struct place at, struct diag *dg, u64 **out,
		 u32 *n)
{
	struct binary b;
	struct match m = { .elf = &b.elf, .pattern = pattern };
	u32 kept = 0;
	int err = binary_open(path, at, dg, &b);

	if (err)
		return err;
	every_function(&b, match_one, &m);
	binary_close(&b);
	if (m.failed) {
		vec_free(&m.offs);
		return diag_error(dg, at, -ENOMEM, "no memory for the functions of %s", path);
	}
	if (!m.offs.n)
		return diag_error(dg, at, -ENOENT, "%s has no function like '%s'", path, pattern);
	qsort(m.offs.p, m.offs.n, sizeof(u64), by_value);
	for (u32 i = 0; i < m.offs.n; i++)
		if (!i || m.offs.p[i] != m.offs.p[i - 1])
			m.offs.p[kept++] = m.offs.p[i];
	*out = m.offs.p;
	*n = kept;
	return 0;
}

struct each {
	const struct elf_file *elf;
	int (*fn)(void *arg, const struct symbol *sym);
	void *arg;
	struct str name;
};

static int each_one(void *arg, const struct function *f)
{
	struct each *e = arg;
	struct symbol sym = {.addr = f->addr,
			     .size = f->size,
			     .is_local = f->is_local,
			     .is_old = !f->is_default};

	if (!f->name_len || !elf_addr_to_off(e->elf, f->addr, &sym.off))
		return 0;
	if (f->name[f->name_len]) {
		str_clear(&e->name);
		str_addn(&e->name, f->name, f->name_len);
		sym.name = str_text(&e->name);
	} else {
		sym.name = f->name;
	}
	return e->fn(e->arg, &sym);
}

int symbol_each(const char *path, struct place at, struct diag *dg,
		int (*fn)(void *arg, const struct symbol *sym), void *arg)
{
	struct binary b;
	struct each e = { .elf = &b.elf, .fn = fn, .arg = arg };
	int err = binary_open(path, at, dg, &b);

	if (err)
		return err;
	err = every_function(&b, each_one, &e);
	str_free(&e.name);
	binary_close(&b);
	return err;
}

static bool addr_in(const struct elf_file *f, u32 table_type, const char *name, u64 *addr,
		    u64 *size)
{
	const struct elf_section *table = elf_find_type(f, table_type);
	struct elf_sym s;

	for (u32 i = 0; table && elf_sym(f, table, i, &s); i++) {
		size_t n = strcspn(s.name, "@");

		if (s.shndx == SHN_UNDEF || strncmp(s.name, name, n) != 0 || name[n])
			continue;
		*addr = s.value;
		*size = s.size;
		return true;
	}
	return false;
}

int symbol_addr(const char *path, const char *name, struct place at, struct diag *dg, u64 *addr,
		u64 *size)
{
	struct binary b, debug;
	char file[256];
	bool found;
	int err = binary_open(path, at, dg, &b);

	if (err)
		return err;
	found = addr_in(&b.elf, SHT_SYMTAB, name, addr, size) ||
		addr_in(&b.elf, SHT_DYNSYM, name, addr, size);
	if (!found && !elf_find_type(&b.elf, SHT_SYMTAB) &&
	    symbol_debug_file(&b.elf, file, sizeof(file)) &&
	    !binary_open(file, (struct place){0}, NULL, &debug)) {
		found = addr_in(&debug.elf, SHT_SYMTAB, name, addr, size);
		binary_close(&debug);
	}
	binary_close(&b);
	return found ? 0 : diag_error(dg, at, -ENOENT, "%s has no symbol '%s'", path, name);
}

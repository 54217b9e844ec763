/* SPDX-License-Identifier: BSD-2-Clause */
/* output/symbol_elf.c - the symbols of one ELF file.
 *
 *	.symtab, else that of its debug file, else .dynsym
 *
 * A debug file is found by build id (/usr/lib/debug, debuginfod's cache; nothing is fetched) or by
 *the link that the binary has to it.  Names are copied: nobody holds a mapping of a file that may
 *be replaced.
 */
#include "base/file.h"
#include "base/str.h"
#include "elf/binary.h"
#include "elf/file.h"
#include "output/symbol_inner.h"
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { BUILD_ID_MAX = 64, NOTE_BUILD_ID = 3 };

/* ---- symbols ---- */

/* Functions before data, global names before local ones, names without underscores before those
 * with. */
static u8 rank_of(const struct elf_sym *s)
{
	u8 rank = 0;

	if (s->type == STT_FUNC || s->type == STT_GNU_IFUNC)
		rank += 16;
	if (s->size)
		rank += 8;
	if (s->bind == STB_GLOBAL)
		rank += 4;
	else if (s->bind == STB_WEAK)
		rank += 2;
	return rank + (s->name[0] != '_');
}

static bool is_named_place(const struct elf_sym *s)
{
	return *s->name && *s->name != '$' && s->shndx != SHN_UNDEF && s->shndx != SHN_ABS &&
	       s->value &&
	       (s->type == STT_FUNC || s->type == STT_GNU_IFUNC || s->type == STT_OBJECT ||
		s->type == STT_NOTYPE);
}

static void add_table(const struct elf_file *f, u32 type, struct symbol_table *out)
{
	const struct elf_section *table = elf_find_type(f, type);
	struct elf_sym s;

	for (u32 i = 0; table && elf_sym(f, table, i, &s); i++)
		if (is_named_place(&s) &&
		    !symtab_add(out, s.value, s.size, s.name, strcspn(s.name, "@"), rank_of(&s)))
			return;
}

/* ---- debug files ---- */

struct build_id {
	u32 n;
	u8 bytes[BUILD_ID_MAX];
};

static bool build_id_of(const struct elf_file *f, struct build_id *id)
{
	const struct elf_section *s = elf_find(f, ".note.gnu.build-id");

	if (!s || !s->data || s->size < 16 || elf_get32(f, s->data) != 4 ||
	    elf_get32(f, s->data + 8) != NOTE_BUILD_ID)
		return false;
	id->n = elf_get32(f, s->data + 4);
	if (id->n < 2 || id->n > BUILD_ID_MAX || id->n > s->size - 16)
		return false;
	memcpy(id->bytes, s->data + 16, id->n);
	return true;
}

static void add_hex(struct str *out, const u8 *p, u32 n)
{
	for (u32 i = 0; i < n; i++)
		str_addf(out, "%02x", p[i]);
}

/* Symbols of a debug file that id says belongs to the binary.  False: there is none at path. */
static bool add_by_id(const char *path, const struct build_id *id, struct symbol_table *out)
{
	struct binary b;
	struct build_id its = {0};
	u32 before = out->n;

	if (binary_open(path, (struct place){0}, NULL, &b))
		return false;
	if (build_id_of(&b.elf, &its) && its.n == id->n && memcmp(its.bytes, id->bytes, id->n) == 0)
		add_table(&b.elf, SHT_SYMTAB, out);
	binary_close(&b);
	return out->n > before;
}

static bool add_system_debug(const struct build_id *id, struct symbol_table *out)
{
	struct str path = {0};
	bool found;

	str_add(&path, "/usr/lib/debug/.build-id/");
	add_hex(&path, id->bytes, 1);
	str_addc(&path, '/');
	add_hex(&path, id->bytes + 1, id->n - 1);
	str_add(&path, ".debug");
	found = add_by_id(str_text(&path), id, out);
	str_free(&path);
	return found;
}

/* debuginfod-find(1): what another program has fetched before. */
static bool add_debuginfod(const struct build_id *id, struct symbol_table *out)
{
	const char *cache = getenv("DEBUGINFOD_CACHE_PATH"), *xdg = getenv("XDG_CACHE_HOME"),
		   *home = getenv("HOME");
	struct str path = {0};
	bool found;

	if (cache)
		str_add(&path, cache);
	else if (xdg)
		str_addf(&path, "%s/debuginfod_client", xdg);
	else
		str_addf(&path, "%s/.cache/debuginfod_client", home ? home : "");
	str_addc(&path, '/');
	add_hex(&path, id->bytes, id->n);
	str_add(&path, "/debuginfo");
	found = add_by_id(str_text(&path), id, out);
	str_free(&path);
	return found;
}

/* A file that the link's checksum fits. */
static bool add_by_sum(const char *path, u32 sum, struct symbol_table *out)
{
	struct binary b;
	u32 before = out->n;

	if (binary_open(path, (struct place){0}, NULL, &b))
		return false;
	if ((u32)crc32_z(0, b.bytes.p, b.bytes.size) == sum)
		add_table(&b.elf, SHT_SYMTAB, out);
	binary_close(&b);
	return out->n > before;
}

/* .gnu_debuglink: a file name, its NUL, to a multiple of 4, a CRC32 of the file. */
static bool add_by_link(const struct elf_file *f, const char *binary, struct symbol_table *out)
{
	static const char *const places[] = { "%s/%s", "%s/.debug/%s", "/usr/lib/debug%s/%s" };
	const struct elf_section *s = elf_find(f, ".gnu_debuglink");
	const char *name = s ? (const char *)s->data : NULL;
	size_t len = name ? strnlen(name, s->size) : 0;
	char *copy, *real;
	bool found = false;

	if (!len || len == s->size || ALIGN_UP(len + 1, 4ul) + 4 > s->size || strchr(name, '/'))
		return false;
	real = realpath(binary, NULL);
	copy = real ? strdup(real) : NULL;
	for (u32 i = 0; copy && i < ARRAY_SIZE(places) && !found; i++) {
		struct str path = {0};

		strcpy(copy, real);
		str_addf(&path, places[i], dirname(copy), name);
		found = strcmp(str_text(&path), real) != 0 &&
			add_by_sum(str_text(&path), elf_get32(f, s->data + ALIGN_UP(len + 1, 4ul)),
				   out);
		str_free(&path);
	}
	free(copy);
	free(real);
	return found;
}

static void add_debug(const struct elf_file *f, const char *path, struct symbol_table *out)
{
	struct build_id id;

	if (build_id_of(f, &id) && (add_system_debug(&id, out) || add_debuginfod(&id, out)))
		return;
	add_by_link(f, path, out);
}

/* ---- files ---- */

static bool read_ranges(const struct elf_file *f, struct elf_symbols *out)
{
	out->ranges = calloc(f->n_segments + 1ul, sizeof(*out->ranges));
	for (u32 i = 0; out->ranges && i < f->n_segments; i++)
		if (f->segments[i].type == PT_LOAD)
			out->ranges[out->n_ranges++] = (struct elf_range){
				f->segments[i].off, f->segments[i].addr, f->segments[i].file_size };
	return out->ranges;
}

static bool read_file(const struct elf_file *f, const char *path, struct elf_symbols *out)
{
	*out = (struct elf_symbols){0};
	if (!read_ranges(f, out))
		return false;
	add_table(f, SHT_SYMTAB, &out->table);
	if (!out->table.n && path)
		add_debug(f, path, &out->table);
	if (!out->table.n)
		add_table(f, SHT_DYNSYM, &out->table);
	symtab_sort(&out->table);
	return true;
}

bool elf_symbols_read(const char *path, struct elf_symbols *out)
{
	struct binary b;
	bool ok;

	if (binary_open(path, (struct place){0}, NULL, &b))
		return false;
	ok = read_file(&b.elf, path, out);
	binary_close(&b);
	return ok;
}

bool elf_symbols_of(const void *data, size_t size, struct elf_symbols *out)
{
	struct elf_file f;
	bool ok;

	if (elf_open(data, size, "[memory]", NULL, &f))
		return false;
	ok = read_file(&f, NULL, out);
	elf_close(&f);
	return ok;
}

bool elf_symbols_addr(const struct elf_symbols *e, u64 file_off, u64 *addr)
{
	for (u32 i = 0; i < e->n_ranges; i++) {
		const struct elf_range *r = &e->ranges[i];

		if (file_off >= r->off && file_off - r->off < r->size) {
			*addr = file_off - r->off + r->addr;
			return true;
		}
	}
	return false;
}

bool elf_symbols_has(const struct elf_symbols *e, u64 addr)
{
	for (u32 i = 0; i < e->n_ranges; i++)
		if (addr - e->ranges[i].addr < e->ranges[i].size)
			return true;
	return false;
}

void elf_symbols_free(struct elf_symbols *e)
{
	symtab_free(&e->table);
	free(e->ranges);
}

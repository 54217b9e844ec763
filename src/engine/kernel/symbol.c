/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/kernel/symbol.c - finds binaries, functions in them and USDT notes. */
#include "engine/kernel/symbol.h"
#include "base/file.h"
#include "base/str.h"
#include "base/vec.h"
#include "elf/file.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BINARY_MAX = 1 << 30 };

static bool is_library(const char *name)
{
	return str_ends(name, ".so") || strstr(name, ".so.");
}

/* Tries dir/name for each dir of a ':' list. */
static bool search(const char *dirs, const char *name, int mode, char *path, size_t size)
{
	while (dirs && *dirs) {
		size_t n = strcspn(dirs, ":");

		if (n && (size_t)snprintf(path, size, "%.*s/%s", (int)n, dirs, name) < size &&
		    !access(path, mode))
			return true;
		dirs += n + (dirs[n] == ':');
	}
	return false;
}

/* A file that the process has mapped and whose last part begins with name ("libc" fits
 * "libc.so.6"), seen through its own root. */
static bool mapped_by(s32 pid, const char *name, char *path, size_t size)
{
	char maps[64], line[4352], file[4096];
	bool found = false;

	snprintf(maps, sizeof(maps), "/proc/%d/maps", pid);

	FILE *f = fopen(maps, "re");

	while (f && !found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %*s %*s %*s %*s %4095[^\n]", file) != 1 || file[0] != '/')
			continue;

		const char *base = strrchr(file, '/') + 1;
		size_t n = strlen(name);

		if (!strncmp(base, name, n) && (!base[n] || base[n] == '.'))
			found = (size_t)snprintf(path, size, "/proc/%d/root%s", pid, file) < size;
	}
	if (f)
		fclose(f);
	return found;
}

int binary_find(const char *name, s32 pid, char *path, size_t size, struct place at,
		struct diag *dg)
{
	if (!name || !*name)
		return diag_error(dg, at, -EINVAL, "a binary must be named");
	if (strchr(name, '/')) {
		if (strlen(name) >= size)
			return diag_error(dg, at, -ENAMETOOLONG, "path of the binary is too long");
		strcpy(path, name);
		return access(path, F_OK) ? diag_error(dg, at, -errno, "%s: %s", name,
						       strerror(errno)) : 0;
	}
	if (pid > 0 && mapped_by(pid, name, path, size))
		return 0;
	if (is_library(name) ?
	    search(getenv("LD_LIBRARY_PATH"), name, R_OK, path, size) ||
	    search("/usr/lib64:/usr/lib:/lib64:/lib", name, R_OK, path, size) ||
#if defined(__x86_64__)
	    search("/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu", name, R_OK, path, size) :
#else
	    search("/lib/aarch64-linux-gnu:/usr/lib/aarch64-linux-gnu", name, R_OK, path, size) :
#endif
	    search(getenv("PATH"), name, R_OK | X_OK, path, size) ||
	    search("/usr/bin:/usr/sbin:/bin:/sbin", name, R_OK | X_OK, path, size))
		return 0;
	return diag_error(dg, at, -ENOENT, "binary '%s' is not in %s", name,
			  is_library(name) ? "the library directories" : "PATH");
}

struct binary {
	struct bytes bytes;
	struct elf_file elf;
};

static int binary_open(const char *path, struct place at, struct diag *dg, struct binary *b)
{
	int err = file_map(path, BINARY_MAX, &b->bytes);

	if (err)
		return diag_error(dg, at, err, "%s: %s", path, strerror(-err));
	err = elf_open(b->bytes.p, b->bytes.size, path, dg, &b->elf);
	if (err)
		bytes_free(&b->bytes);
	return err;
}

static void binary_close(struct binary *b)
{
	elf_close(&b->elf);
	bytes_free(&b->bytes);
}

static bool is_function(const struct elf_sym *s)
{
	return (s->type == STT_FUNC || s->type == STT_GNU_IFUNC) && s->shndx != SHN_UNDEF;
}

/* Symbol names of .symtab may carry "@VERSION" or "@@VERSION". */
static bool same_name(const char *symbol, const char *wanted)
{
	size_t n = strlen(wanted);

	if (strncmp(symbol, wanted, n))
		return false;
	return !symbol[n] || symbol[n] == '@';
}

/* Calls fn for each function of a table until it returns non-zero. */
static int each_function(const struct elf_file *f, u32 table_type,
			 int (*fn)(void *arg, const struct elf_sym *s), void *arg)
{
	const struct elf_section *table = elf_find_type(f, table_type);
	struct elf_sym s;

	for (u32 i = 0, n = table ? elf_n_syms(f, table) : 0; i < n; i++) {
		if (!elf_sym(f, table, i, &s) || !is_function(&s))
			continue;

		int ret = fn(arg, &s);

		if (ret)
			return ret;
	}
	return 0;
}

struct find {
	const char *name;
	struct elf_sym best;
	bool found;
};

static int find_one(void *arg, const struct elf_sym *s)
{
	struct find *f = arg;

	/* A global symbol wins over local ones of the same name. */
	if (same_name(s->name, f->name) && (!f->found || f->best.bind == STB_LOCAL)) {
		f->best = *s;
		f->found = true;
	}
	return f->found && f->best.bind != STB_LOCAL;
}

int symbol_offset(const char *path, const char *symbol, u64 off, struct place at, struct diag *dg,
		  u64 *out)
{
	struct find find = { .name = symbol };
	struct binary b;
	u64 file_off;
	int err = binary_open(path, at, dg, &b);

	if (err)
		return err;
	each_function(&b.elf, SHT_SYMTAB, find_one, &find);
	if (!find.found)
		each_function(&b.elf, SHT_DYNSYM, find_one, &find);
	if (!find.found)
		err = diag_error(dg, at, -ENOENT, "%s has no function '%s'%s", path, symbol,
				 elf_find_type(&b.elf, SHT_SYMTAB) ? "" :
				 " (it is stripped: only exported functions have names)");
	else if (!elf_addr_to_off(&b.elf, find.best.value, &file_off))
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

static int match_one(void *arg, const struct elf_sym *s)
{
	struct match *m = arg;
	u64 off;

	if (!str_glob(m->pattern, s->name) || !elf_addr_to_off(m->elf, s->value, &off))
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
	int err = binary_open(path, at, dg, &b);

	if (err)
		return err;

	struct match m = { .elf = &b.elf, .pattern = pattern };
	u32 kept = 0;

	each_function(&b.elf, SHT_SYMTAB, match_one, &m);
	each_function(&b.elf, SHT_DYNSYM, match_one, &m);
	binary_close(&b);
	if (m.failed) {
		vec_free(&m.offs);
		return -ENOMEM;
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

enum { STAPSDT_TYPE = 3 };

/* One note of .note.stapsdt: three addresses, then provider, name and arguments as strings.  The
 * addresses are those of link time; base tells how far .stapsdt.base was moved since. */
static int usdt_note(const struct elf_file *f, const u8 *desc, u32 size, const char *provider,
		     const char *name, struct usdt_site *out)
{
	u32 word = f->is64 ? 8 : 4;
	const char *s[3];
	u64 addr[3];

	if (size < 3 * word)
		return 0;
	for (u32 i = 0; i < 3; i++)
		addr[i] = f->is64 ? elf_get64(f, desc + 8 * i) : elf_get32(f, desc + 4 * i);

	const char *p = (const char *)desc + 3 * word, *end = (const char *)desc + size;

	for (u32 i = 0; i < 3; i++) {
		const char *nul = memchr(p, 0, (size_t)(end - p));

		if (!nul)
			return 0;
		s[i] = p;
		p = nul + 1;
	}
	if (strcmp(s[0], provider) || strcmp(s[1], name))
		return 0;

	const struct elf_section *base = elf_find(f, ".stapsdt.base");
	u64 moved = base && addr[1] ? base->addr - addr[1] : 0;

	if (!elf_addr_to_off(f, addr[0] + moved, &out->off))
		return 0;
	out->semaphore_off = 0;
	if (addr[2])
		elf_addr_to_off(f, addr[2] + moved, &out->semaphore_off);
	snprintf(out->args, sizeof(out->args), "%s", s[2]);
	return 1;
}

int usdt_find(const char *path, const char *provider, const char *name, struct place at,
	      struct diag *dg, struct usdt_site **out, u32 *n)
{
	VEC(struct usdt_site) sites = {0};
	struct binary b;
	int err = binary_open(path, at, dg, &b);

	if (err)
		return err;

	const struct elf_section *notes = elf_find(&b.elf, ".note.stapsdt");
	u64 pos = 0;

	while (!err && notes && notes->data && notes->size - pos >= 12) {
		const u8 *h = notes->data + pos;
		u64 name_size = ALIGN_UP((u64)elf_get32(&b.elf, h), 4);
		u32 desc_size = elf_get32(&b.elf, h + 4);
		u64 need = 12 + name_size + ALIGN_UP((u64)desc_size, 4);
		struct usdt_site site;

		if (need > notes->size - pos)
			break;
		if (elf_get32(&b.elf, h + 8) == STAPSDT_TYPE &&
		    usdt_note(&b.elf, h + 12 + name_size, desc_size, provider, name, &site) &&
		    !vec_push(&sites, site))
			err = -ENOMEM;
		pos += need;
	}
	binary_close(&b);
	if (!err && !sites.n)
		err = diag_error(dg, at, -ENOENT, "%s has no USDT probe %s:%s", path, provider, name);
	if (err) {
		vec_free(&sites);
		return err;
	}
	*out = sites.p;
	*n = sites.n;
	return 0;
}

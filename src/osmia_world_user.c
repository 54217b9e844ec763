/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia_world_user.c - binaries, their functions and their USDT probes. */
#include "osmia_world_priv.h"
#include "base/str.h"
#include "elf/binary.h"
#include "elf/maps.h"
#include "elf/symbols.h"
#include "elf/usdt.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- binaries ---- */

static bool is_elf(const char *path)
{
	struct stat st;
	char magic[4];
	FILE *f = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;
	bool yes = f && fread(magic, 1, 4, f) == 4 && !memcmp(magic, "\x7f" "ELF", 4);

	if (f)
		fclose(f);
	return yes;
}

static int exe_of(s32 pid, struct diag *dg, char **path)
{
	char link[64], target[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return diag_error(dg, (struct place){0}, -errno, "program of process %d: %s", pid,
				  strerror(errno));
	target[n] = '\0';
	if (asprintf(path, "/proc/%d/root%s", pid, target) < 0)
		return -ENOMEM;
	return 0;
}

int world_binary(void *arg, const char *name, s32 pid, struct diag *dg, char **path)
{
	char found[PATH_MAX], in_root[PATH_MAX + 32];
	int err;

	(void)arg;
	if (!*name)
		return pid > 0 ? exe_of(pid, dg, path)
			       : diag_error(dg, (struct place){0}, -EINVAL,
					    "a binary must be named");
	/* A path that a process names may be one of its own mount namespace. */
	if (pid > 0 && *name == '/' && !is_elf(name)) {
		snprintf(in_root, sizeof(in_root), "/proc/%d/root%s", pid, name);
		if (is_elf(in_root))
			name = in_root;
	}
	err = binary_find(name, pid, found, sizeof(found), (struct place){0}, NULL);
	if (!err && !is_elf(found))
		return diag_error(dg, (struct place){0}, -ENOEXEC, "'%s' is not an ELF file",
				  found);
	if (err)
		return diag_error(dg, (struct place){0}, err, "there is no binary '%s'%s", name,
				  strchr(name, '/') ? "" : " in PATH or among the libraries");
	*path = strdup(found);
	return *path ? 0 : -ENOMEM;
}

typedef VEC(char *) paths;

static void paths_add(void *list, const char *path)
{
	paths *p = list;
	char *copy;

	for (u32 i = 0; i < p->n; i++)
		if (!strcmp(p->p[i], path))
			return;
	copy = strdup(path);
	if (copy && !vec_push(p, copy))
		free(copy);
}

static void paths_mapped(s32 pid, void *list)
{
	FILE *maps = mappings_open(pid);
	struct mapping m;
	char path[PATH_MAX + 64];

	while (maps && mapping_next(maps, &m)) {
		if (!m.exec || m.path[0] != '/')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/root%s", pid, m.path);
		paths_add(list, path);
	}
	if (maps)
		fclose(maps);
}

/* Files that running processes execute, by their paths in our own namespace. */
static void paths_running(void *list)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;

	while (proc && (d = readdir(proc))) {
		FILE *maps = isdigit((u8)d->d_name[0]) ? mappings_open(atoi(d->d_name)) : NULL;
		struct mapping m;

		while (maps && mapping_next(maps, &m))
			if (m.exec && m.path[0] == '/')
				paths_add(list, m.path);
		if (maps)
			fclose(maps);
	}
	if (proc)
		closedir(proc);
}

static int paths_find(struct world *w, const char *target, s32 pid, struct diag *dg, paths *out)
{
	glob_t g = {0};
	char *path = NULL;
	int err;

	if (!strcmp(target, "*")) {
		if (pid > 0)
			paths_mapped(pid, out);
		else
			paths_running(out);
		return 0;
	}
	if (!world_is_pattern(target)) {
		err = world_binary(w, target, pid, dg, &path);
		if (!err)
			paths_add(out, path);
		free(path);
		return err;
	}
	if (strchr(target, '/')) {
		if (!glob(target, 0, NULL, &g))
			for (size_t i = 0; i < g.gl_pathc; i++)
				if (is_elf(g.gl_pathv[i]))
					paths_add(out, g.gl_pathv[i]);
		globfree(&g);
		return 0;
	}
	/* A pattern without a path fits names in PATH. */
	const char *dirs = getenv("PATH");

	for (dirs = dirs ? dirs : "/usr/bin:/bin"; *dirs;) {
		size_t n = strcspn(dirs, ":");
		char full[PATH_MAX];

		g = (glob_t){0};
		if (n &&
		    (size_t)snprintf(full, sizeof(full), "%.*s/%s", (int)n, dirs, target) <
			    sizeof(full) &&
		    !glob(full, 0, NULL, &g))
			for (size_t i = 0; i < g.gl_pathc; i++)
				if (is_elf(g.gl_pathv[i]))
					paths_add(out, g.gl_pathv[i]);
		globfree(&g);
		dirs += n + (dirs[n] == ':');
	}
	return 0;
}

/* ---- C++ ---- */

char *world_demangle(struct world *w, const char *name)
{
	const char *text = cxx_name(&w->cxx, name);

	return text == name ? NULL : strdup(text);
}

/* "int depot::twice<int>(int) const" without its parameters: up to the '(' that belongs to the last
 * ')'. */
static void cut_params(char *name)
{
	char *end = strrchr(name, ')');
	u32 depth = 0;

	for (char *p = end; p && p >= name; p--) {
		depth += *p == ')';
		if (*p == '(' && !--depth) {
			if (p > name)
				*p = '\0';
			return;
		}
	}
}

/* Behind the type that a template's name begins with: the last blank outside of brackets. */
static const char *skip_return_type(const char *name)
{
	const char *start = name;
	u32 depth = 0;

	if (strstr(name, "operator"))
		return name;
	for (; *name && !(*name == '(' && !depth && name > start && name[1] != 'a'); name++) {
		if (*name == '<' || *name == '(' || *name == '{')
			depth++;
		else if ((*name == '>' || *name == ')' || *name == '}') && depth)
			depth--;
		else if (*name == ' ' && !depth)
			start = name + 1;
	}
	return start;
}

/* Old Rust names end with a hash: "app::run::h0123456789abcdef". */
static void cut_hash(char *name)
{
	size_t n = strlen(name);

	if (n > 19 && !strncmp(name + n - 19, "::h", 3) &&
	    strspn(name + n - 16, "0123456789abcdef") == 16)
		name[n - 19] = '\0';
}

static bool cpp_fits(struct world *w, const char *pattern, const char *mangled)
{
	char *name = world_demangle(w, mangled);
	bool fits;

	if (!name)
		return world_fits(pattern, mangled);
	if (!strchr(pattern, '('))
		cut_params(name);
	fits = world_fits(pattern, name) || world_fits(pattern, skip_return_type(name));
	if (!fits) {
		cut_hash(name);
		fits = world_fits(pattern, name);
	}
	free(name);
	return fits;
}

/* ---- functions ---- */

struct functions {
	struct world *w;
	struct world_rows *rows;
	const char *path, *pattern;
	bool is_cpp, is_exact;
	u32 rank;        /* of an exact name's best so far: a default version, a global one */
	u32 first;       /* its row */
};

static int function_add(void *arg, const struct symbol *sym)
{
	struct functions *f = arg;

	if (f->is_exact) {
		u32 rank = sym->is_old ? 1 : sym->is_local ? 2 : 3;
		const char *at = strchr(f->pattern, '@');
		size_t n = at ? (size_t)(at - f->pattern) : strlen(f->pattern);

		if (strncmp(sym->name, f->pattern, n) != 0 || sym->name[n])
			return 0;
		if (rank < f->rank)
			return 0;
		if (rank > f->rank)
			f->rows->rows.n = f->first;
		f->rank = rank;
		rows_add(f->rows, f->path, "", f->pattern, sym->off);
		return f->rows->failed;
	}
	if (f->is_cpp ? !cpp_fits(f->w, f->pattern, sym->name) : !world_fits(f->pattern, sym->name))
		return 0;
	rows_add(f->rows, f->path, f->is_cpp ? "cpp" : "", sym->name, sym->off);
	return f->rows->failed;
}

/* A number is an address of the binary, "0x401136": where it is in the file. */
static int address_add(const char *path, const char *number, struct diag *dg, struct world_rows *r)
{
	struct binary b;
	u64 addr, off;
	int err = str_to_u64(number, &addr);

	if (!err)
		err = binary_open(path, (struct place){0}, dg, &b);
	if (err)
		return err;
	if (elf_addr_to_off(&b.elf, addr, &off))
		rows_add(r, path, "", number, off);
	binary_close(&b);
	return 0;
}

struct probes {
	struct world_rows *rows;
	const char *path, *ns, *fn;
};

static int probe_add(void *arg, const char *provider, const char *name,
		     const struct usdt_site *site)
{
	struct probes *p = arg;
	struct world_hook *h;

	if (!world_fits(p->ns, provider) || !world_fits(p->fn, name))
		return 0;
	rows_add(p->rows, p->path, provider, name, site->off);
	if (p->rows->failed)
		return -ENOMEM;
	h = &p->rows->rows.p[p->rows->rows.n - 1];
	h->ref_ctr_off = site->semaphore_off;
	h->args = arena_strdup(&p->rows->arena, site->args);
	return 0;
}

int world_user_hooks(struct world *w, enum script_hook hook, const char *target, const char *ns,
		     const char *fn, s32 pid, struct diag *dg, struct world_rows *r)
{
	paths list = {0};
	int err = paths_find(w, target, pid, dg, &list);
	bool one = !world_is_pattern(target);

	for (u32 i = 0; !err && i < list.n; i++) {
		const char *path = arena_strdup(&r->arena, list.p[i]);

		if (hook == HOOK_USDT) {
			struct probes p = { .rows = r, .path = path, .ns = ns, .fn = fn };

			err = usdt_each(path, (struct place){0}, one ? dg : NULL, probe_add, &p);
		} else if (isdigit((u8)*fn)) {
			err = address_add(path, fn, one ? dg : NULL, r);
		} else {
			struct functions f = { .w = w, .rows = r, .path = path, .pattern = fn,
					       .is_cpp = !strcmp(ns, "cpp"), .first = r->rows.n };

			f.is_exact = !f.is_cpp && *fn && !world_is_pattern(fn);
			err = symbol_each(path, (struct place){0}, one ? dg : NULL, function_add,
					  &f);
		}
		/* One of many that can't be read is passed over. */
		if (err > 0 || (!one && err != -ENOMEM))
			err = 0;
	}
	for (u32 i = 0; i < list.n; i++)
		free(list.p[i]);
	vec_free(&list);
	return err;
}

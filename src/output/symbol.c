/* SPDX-License-Identifier: BSD-2-Clause */
/* output/symbol.c - addresses of processes to names: what each has mapped, and the symbols of those
 *files.
 *
 *	process ── mappings, by address ── file (shared, read when first asked for)
 *	                                ── /tmp/perf-PID.map, for code that has no file
 *
 * What a process has mapped changes: it is read again when it may have, and kept as it was last
 *when the process has ended.
 */
#include "output/symbol.h"
#include "base/file.h"
#include "base/vec.h"
#include "elf/maps.h"
#include "output/symbol_inner.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	SLOTS = 8192,                       /* of the table of processes, a power of two */
	PROCESSES_MAX = 4096,               /* kept at a time; the oldest are forgotten */
	FRESH_NS = 100 * 1000 * 1000,       /* how long mappings are believed */
	VDSO_BYTES_MAX = 1 << 16,
	PERF_MAP_MAX = 1 << 28,
};

struct file {
	dev_t dev;
	ino_t ino;
	struct timespec changed;
	struct elf_symbols symbols;         /* without any: it was no ELF file */
};

struct map {
	u64 from, to, off;
	char *path;                         /* owned */
	u32 file;                           /* number + 1 in files; 0: not looked for yet */
};

struct process {
	s32 pid;
	u64 start;                          /* when it began: clock ticks since boot */
	u64 learned_ns, looked_ns;          /* when it was read, and when somebody tried to */
	ino_t exe;                          /* of its binary: another after execve */
	VEC(struct map) maps;
	struct symbol_table perf;           /* of its perf map file */
	off_t perf_size;                    /* of the file when it was read */
	char perf_name[32];
};

struct symbols {
	bool demangle;
	struct demangler cxx;
	struct symbol_table kernel;
	bool kernel_read;
	VEC(struct file) files;
	VEC(struct process *) processes;    /* owned; by time of their first question */
	u32 slots[SLOTS];                   /* by pid: number + 1 in processes; 0: free */
	u32 vdso;                           /* number + 1 in files; 0: not read yet */
	char *module;                       /* owned: what symbol_in_file() named */
};

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

struct symbols *symbols_new(bool demangle)
{
	struct symbols *s = calloc(1, sizeof(*s));

	if (s)
		s->demangle = demangle;
	return s;
}

static void maps_drop(struct process *p)
{
	for (u32 i = 0; i < p->maps.n; i++)
		free(p->maps.p[i].path);
	p->maps.n = 0;
}

static void process_free(struct process *p)
{
	maps_drop(p);
	vec_free(&p->maps);
	symtab_free(&p->perf);
	free(p);
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	for (u32 i = 0; i < s->processes.n; i++)
		process_free(s->processes.p[i]);
	vec_free(&s->processes);
	for (u32 i = 0; i < s->files.n; i++)
		elf_symbols_free(&s->files.p[i].symbols);
	vec_free(&s->files);
	symtab_free(&s->kernel);
	demangler_free(&s->cxx);
	free(s->module);
	free(s);
}

static void set_symbol(struct symbols *s, const struct symbol_table *t,
		       const struct symbol_entry *e, u64 addr, const char *module,
		       struct symbol_name *out)
{
	const char *name = t->names + e->name;

	*out = (struct symbol_name){.name = s->demangle ? cxx_name(&s->cxx, name) : name,
				    .off = addr - e->addr,
				    .module = module};
}

/* ---- the kernel ---- */

bool symbol_kernel(struct symbols *s, u64 addr, struct symbol_name *out)
{
	const struct symbol_entry *e;

	if (!s->kernel_read)
		kernel_symbols_read(&s->kernel);
	s->kernel_read = true;
	e = symtab_find(&s->kernel, addr);
	if (e)
		*out = (struct symbol_name){.name = s->kernel.names + e->name,
					    .off = addr - e->addr};
	return e;
}

/* ---- files ---- */

/* Number + 1 of the file at path; 0: no memory.  What is no regular file has no symbols: opening it
 * might wait. */
static u32 file_at(struct symbols *s, const char *path)
{
	struct stat st = {0};
	struct file *f;

	if (stat(path, &st) || !S_ISREG(st.st_mode))
		memset(&st, 0, sizeof(st));
	for (u32 i = 0; i < s->files.n; i++) {
		f = &s->files.p[i];
		if (f->dev == st.st_dev && f->ino == st.st_ino &&
		    f->changed.tv_sec == st.st_mtim.tv_sec &&
		    f->changed.tv_nsec == st.st_mtim.tv_nsec)
			return i + 1;
	}
	f = vec_add(&s->files);
	if (!f)
		return 0;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->changed = st.st_mtim;
	if (st.st_ino)
		elf_symbols_read(path, &f->symbols);
	return s->files.n;
}

/* Where a process's file can be read: in its own mount namespace, or as the mapping itself, or
 * here. */
static u32 file_of(struct symbols *s, const struct process *p, const struct map *m)
{
	char path[4096 + 64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/root%s", p->pid, m->path);
	if (stat(path, &st) == 0)
		return file_at(s, path);
	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", p->pid, m->from, m->to);
	if (stat(path, &st) == 0)
		return file_at(s, path);
	return file_at(s, m->path);
}

/* The kernel gives every process of this kind the same one. */
static u32 vdso_file(struct symbols *s)
{
	const void *vdso = (const void *)getauxval(AT_SYSINFO_EHDR);
	struct mapping m;
	struct file *f;

	if (s->vdso || !vdso || !mapping_of((s32)getpid(), (u64)(uintptr_t)vdso, &m))
		return s->vdso;
	f = vec_add(&s->files);
	if (!f)
		return 0;
	f->ino = 1; /* no file has device 0 */
	elf_symbols_of(vdso, MIN(m.to - m.from, (u64)VDSO_BYTES_MAX), &f->symbols);
	return s->vdso = s->files.n;
}

/* ---- processes ---- */

/* Fields of /proc/PID/stat: state and start time.  False: there is no such process. */
static bool process_stat(s32 pid, char *state, u64 *start)
{
	char path[64];
	struct bytes text;
	const char *p;
	bool ok;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_read(path, 8192, &text))
		return false;
	/* Behind the name in parentheses, which may have any characters. */
	p = strrchr((const char *)text.p, ')');
	ok = p && sscanf(p,
			 ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			 "%*s %lu",
			 state, start) == 2;
	bytes_free(&text);
	return ok;
}

bool process_lives(s32 pid)
{
	char state;
	u64 start;

	return pid > 0 && process_stat(pid, &state, &start) && state != 'Z' && state != 'X';
}

static ino_t exe_of(s32 pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return stat(path, &st) ? 0 : st.st_ino;
}

/* The mappings that code may lie in.  A process that is about to end has none: then the old ones
 * stay. */
static void read_maps(struct process *p)
{
	FILE *f = mappings_open(p->pid);
	struct mapping m;
	bool first = true;

	while (f && mapping_next(f, &m)) {
		struct map *to;

		if (first)
			maps_drop(p);
		first = false;
		if (strcmp(m.path, "[stack]") == 0 || strcmp(m.path, "[vvar]") == 0)
			continue;
		to = vec_add(&p->maps);
		if (!to)
			break;
		*to = (struct map){
			.from = m.from, .to = m.to, .off = m.off, .path = strdup(m.path)};
		if (!to->path)
			p->maps.n--;
	}
	if (f)
		fclose(f);
}

/* Reads what may have changed since it was last read. */
static void process_learn(struct process *p, bool now)
{
	u64 start, ns = now_ns();
	bool another;
	ino_t exe;
	char state;

	p->looked_ns = ns;
	/* A command is known before its execve, which may follow within the clock's tick. */
	exe = exe_of(p->pid);
	if ((ns == p->learned_ns && exe == p->exe) || !process_stat(p->pid, &state, &start) ||
	    state == 'Z' || state == 'X')
		return;
	another = start != p->start || exe != p->exe;
	if (!another && !now && ns - p->learned_ns < FRESH_NS)
		return;
	p->learned_ns = ns;
	p->start = start;
	p->exe = exe;
	if (another) {
		symtab_free(&p->perf);
		p->perf_size = 0;
	}
	read_maps(p);
}

static u32 *slot_of(struct symbols *s, s32 pid)
{
	u32 i = (u32)pid * 2654435761u;

	for (;; i++) {
		u32 *slot = &s->slots[i & (SLOTS - 1)];

		if (!*slot || s->processes.p[*slot - 1]->pid == pid)
			return slot;
	}
}

/* Half of them, the oldest. */
static void forget_some(struct symbols *s)
{
	u32 n = s->processes.n / 2;

	for (u32 i = 0; i < n; i++)
		process_free(s->processes.p[i]);
	s->processes.n -= n;
	memmove(s->processes.p, s->processes.p + n, s->processes.n * sizeof(*s->processes.p));
	memset(s->slots, 0, sizeof(s->slots));
	for (u32 i = 0; i < s->processes.n; i++)
		*slot_of(s, s->processes.p[i]->pid) = i + 1;
}

/* NULL: no memory. */
static struct process *process_find(struct symbols *s, s32 pid)
{
	u32 *slot = slot_of(s, pid);
	struct process *p;

	if (*slot)
		return s->processes.p[*slot - 1];
	if (s->processes.n == PROCESSES_MAX) {
		forget_some(s);
		slot = slot_of(s, pid);
	}
	p = calloc(1, sizeof(*p));
	if (!p || !vec_push(&s->processes, p)) {
		free(p);
		return NULL;
	}
	p->pid = pid;
	*slot = s->processes.n;
	return p;
}

void symbols_look(struct symbols *s, s32 pid)
{
	struct process *p = process_find(s, pid);

	if (p)
		process_learn(p, false);
}

void symbols_keep(struct symbols *s, s32 pid)
{
	struct process *p = process_find(s, pid);

	if (p)
		process_learn(p, true);
}

/* ---- code without a file ---- */

/* Lines "ADDRESS SIZE NAME" that a run time wrote of what it compiled, in hex. */
static void read_perf_map(struct process *p)
{
	char path[96], *line, *next;
	struct bytes text;
	struct stat st;

	snprintf(p->perf_name, sizeof(p->perf_name), "perf-%d.map", p->pid);
	snprintf(path, sizeof(path), "/proc/%d/root/tmp/%s", p->pid, p->perf_name);
	if (stat(path, &st))
		snprintf(path, sizeof(path), "/tmp/%s", p->perf_name);
	if (stat(path, &st) || !S_ISREG(st.st_mode) || st.st_size == p->perf_size ||
	    file_read(path, PERF_MAP_MAX, &text))
		return;
	p->perf_size = st.st_size;
	symtab_free(&p->perf);
	for (line = (char *)text.p; line && *line; line = next) {
		char *end;
		u64 addr = strtoull(line, &end, 16), size = strtoull(end, &end, 16);

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (*end == ' ' && (!next || end < next) && size &&
		    !symtab_add(&p->perf, addr, size, end + 1, strlen(end + 1), 0))
			break;
	}
	bytes_free(&text);
	symtab_sort(&p->perf);
}

static bool perf_symbol(struct symbols *s, struct process *p, u64 addr, struct symbol_name *out)
{
	const struct symbol_entry *e = symtab_find(&p->perf, addr);

	if (!e) {
		read_perf_map(p);
		e = symtab_find(&p->perf, addr);
	}
	if (e)
		set_symbol(s, &p->perf, e, addr, p->perf_name, out);
	return e;
}

/* ---- questions ---- */

static struct map *map_find(struct process *p, u64 addr)
{
	u32 low = 0, high = p->maps.n;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (p->maps.p[mid].to <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < p->maps.n && p->maps.p[low].from <= addr ? &p->maps.p[low] : NULL;
}

bool symbol_user(struct symbols *s, s32 pid, u64 addr, struct symbol_name *out)
{
	struct process *p = process_find(s, pid);
	const struct symbol_entry *e;
	const struct elf_symbols *elf;
	struct map *m;
	u64 linked;

	if (!p)
		return false;
	if (p->looked_ns != now_ns())
		process_learn(p, false);
	m = map_find(p, addr);
	if (!m) {
		process_learn(p, true); /* perhaps a library that was just loaded */
		m = map_find(p, addr);
	}
	if (!m || m->path[0] != '/') {
		if (!m || strcmp(m->path, "[vdso]") != 0)
			return m && perf_symbol(s, p, addr, out);
		m->file = vdso_file(s);
	} else if (!m->file) {
		m->file = file_of(s, p, m);
	}
	if (!m->file)
		return false;
	elf = &s->files.p[m->file - 1].symbols;
	if (!elf_symbols_addr(elf, addr - m->from + m->off, &linked))
		return false;
	e = symtab_find(&elf->table, linked);
	if (e)
		set_symbol(s, &elf->table, e, linked, m->path, out);
	return e;
}

bool symbol_in_file(struct symbols *s, const char *path, u64 file_off, u64 at, u64 addr,
		    struct symbol_name *out)
{
	u32 file = file_at(s, path);
	const struct elf_symbols *elf = file ? &s->files.p[file - 1].symbols : NULL;
	const struct symbol_entry *e;
	u64 linked;

	/* Files are mapped by whole pages. */
	if (!elf || !elf_symbols_addr(elf, file_off, &linked) || (linked ^ at) & 0xfff)
		return false;
	linked += addr - at;
	e = elf_symbols_has(elf, linked) ? symtab_find(&elf->table, linked) : NULL;
	if (!e)
		return false;
	free(s->module);
	s->module = strdup(path);
	set_symbol(s, &elf->table, e, linked, s->module ? s->module : path, out);
	return true;
}

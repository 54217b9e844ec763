/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/list.c - gathers hooks from tracefs, BTF, kallsyms, ELF files and Osmia's own tables.
 *
 * A name that both engines have is one row.  Rows of a kind are gathered, sorted, merged, told.
 */
#include "engine/list.h"
#include "abi/ksyscall.h"
#include "abi/tracepoint.h"
#include "base/file.h"
#include "base/str.h"
#include "base/vec.h"
#include "btf/btf.h"
#include "elf/file.h"
#include "elf/kallsyms.h"
#include "engine/kernel/kernel.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct row {
	char *name; /* owned; behind "KIND:" */
	u32 engines;
};

struct list {
	const char *pattern;  /* NULL: all */
	u32 engines;
	struct diag *dg;
	list_fn fn;
	void *arg;
	const char *kind;     /* being gathered */
	VEC(struct row) rows;
	bool failed;          /* memory was out */
};

static void add(struct list *l, u32 engine, const char *name, size_t len)
{
	struct row *r;

	if (!(l->engines & engine))
		return;
	r = vec_add(&l->rows);
	if (!r || !(r->name = strndup(name, len)))
		l->failed = true;
	else
		r->engines = engine;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name ? ((const struct row *)a)->name : "",
		      ((const struct row *)b)->name ? ((const struct row *)b)->name : "");
}

/* Tells the rows gathered, one for each name, and forgets them. */
static int tell(struct list *l)
{
	struct str full = {0};
	int ret = l->failed ? -ENOMEM : 0;

	qsort(l->rows.p, l->rows.n, sizeof(*l->rows.p), by_name);
	for (u32 i = 0; i < l->rows.n; i++) {
		u32 engines = l->rows.p[i].engines;

		if (ret)
			break;
		while (i + 1 < l->rows.n && by_name(&l->rows.p[i], &l->rows.p[i + 1]) == 0)
			engines |= l->rows.p[++i].engines;
		str_clear(&full);
		str_addf(&full, "%s:%s", l->kind, l->rows.p[i].name);
		if (!l->pattern || str_glob(l->pattern, str_text(&full)))
			ret = l->fn(l->arg, str_text(&full), engines);
	}
	for (u32 i = 0; i < l->rows.n; i++)
		free(l->rows.p[i].name);
	l->rows.n = 0;
	str_free(&full);
	return ret;
}

/* A file of tracefs; its text, or a negative errno. */
static int tracefs_read(const char *name, struct bytes *out)
{
	int dir = tracefs_open(), fd, err;

	if (dir < 0)
		return dir;
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	err = fd < 0 ? -errno : file_read_fd(fd, 64 << 20, out);
	if (fd >= 0)
		close(fd);
	close(dir);
	return err;
}

static void kernel_tracepoints(struct list *l)
{
	struct bytes text;
	int err;

	if (!(l->engines & LIST_KERNEL))
		return;
	err = tracefs_read("available_events", &text);
	if (err) {
		diag_note(l->dg, (struct place){0}, "tracepoints of the kernel: tracefs: %s",
			  strerror(-err));
		return;
	}
	for (char *at = (char *)text.p, *end; (end = strchr(at, '\n')); at = end + 1)
		add(l, LIST_KERNEL, at, (size_t)(end - at));
	bytes_free(&text);
}

static int tracepoints(struct list *l)
{
	struct tracepoint tp;

	kernel_tracepoints(l);
	for (u32 i = 0; tracepoint_at(i, &tp) == 0; i++) {
		char name[80];
		int n = snprintf(name, sizeof(name), "%s:%s", tp.category, tp.name);

		add(l, LIST_USER, name, (size_t)n);
	}
	return tell(l);
}

static int raw_tracepoints(struct list *l)
{
	static const char *const served[] = { "sys_enter", "sys_exit", "sched_process_exec",
					      "sched_process_fork", "sched_process_exit" };
	struct btf *btf = NULL;

	for (u32 i = 0; i < ARRAY_SIZE(served); i++)
		add(l, LIST_USER, served[i], strlen(served[i]));
	if (l->engines & LIST_KERNEL && !btf_load_kernel(l->dg, &btf)) {
		for (u32 id = 1; id < btf_n_types(btf); id++) {
			const char *name = btf_name(btf, id);

			if (btf_kind(btf_type(btf, id)) == BTF_TYPEDEF && str_starts(name, "btf_trace_"))
				add(l, LIST_KERNEL, name + 10, strlen(name + 10));
		}
		btf_free(btf);
	}
	return tell(l);
}

static int add_function(void *arg, const struct kallsym *sym)
{
	if (sym->type == 't' || sym->type == 'T')
		add(arg, LIST_KERNEL, sym->name, strlen(sym->name));
	return 0;
}

/* The kernel's functions, where it has kprobes at all. */
static void kernel_functions(struct list *l)
{
	struct bytes text;
	int err;

	if (!(l->engines & LIST_KERNEL))
		return;
	if (access("/sys/bus/event_source/devices/kprobe", F_OK)) {
		if (strcmp(l->kind, "kprobe") == 0)
			diag_note(l->dg, (struct place){0}, "this kernel is built without kprobes");
		return;
	}
	err = tracefs_read("available_filter_functions", &text);
	if (!err) {
		for (char *at = (char *)text.p, *end; (end = strchr(at, '\n')); at = end + 1)
			add(l, LIST_KERNEL, at, strcspn(at, " \n"));
		bytes_free(&text);
		return;
	}
	err = kallsyms_each(add_function, l);
	if (err)
		diag_note(l->dg, (struct place){0}, "kernel functions: /proc/kallsyms: %s",
			  strerror(-err));
}

static int kprobes(struct list *l)
{
	char name[128];

	kernel_functions(l);
	for (u32 i = 0; ksym_at(i, name, sizeof(name)) == 0; i++)
		add(l, LIST_USER, name, strlen(name));
	return tell(l);
}

/* Functions of the binary that "uprobe:PATH:..." names. */
static int uprobes(struct list *l)
{
	const char *path = l->pattern + strlen("uprobe:"), *colon = strrchr(path, ':');
	char *file = colon ? strndup(path, (size_t)(colon - path)) : NULL;
	struct bytes data = {0};
	struct elf_file elf;
	int err;

	if (!file || !*file)
		err = diag_error(l->dg, (struct place){0}, -EINVAL,
				 "'%s': a file belongs in the middle, uprobe:PATH:FUNCTION", l->pattern);
	else if ((err = file_map(file, 4ull << 30, &data)))
		diag_error(l->dg, (struct place){ .file = file }, err, "%s", strerror(-err));
	else if (!(err = elf_open(data.p, data.size, file, l->dg, &elf))) {
		for (u32 s = 0; s < elf.n_sections; s++) {
			const struct elf_section *sec = &elf.sections[s];
			u32 n = sec->type == SHT_SYMTAB || sec->type == SHT_DYNSYM ? elf_n_syms(&elf, sec)
										   : 0;
			for (u32 i = 0; i < n; i++) {
				struct str name = {0};
				struct elf_sym sym;

				if (!elf_sym(&elf, sec, i, &sym) || sym.type != STT_FUNC || !sym.value)
					continue;
				str_addf(&name, "%s:%s", file, sym.name);
				add(l, l->engines, str_text(&name), name.len);
				str_free(&name);
			}
		}
		elf_close(&elf);
		err = tell(l);
	}
	bytes_free(&data);
	free(file);
	return err;
}

static int gather_perf(void *arg, const char *name, const char *kind)
{
	struct list *l = arg;

	if (strcmp(kind, strcmp(l->kind, "software") == 0 ? "Software event" : "Hardware event") == 0)
		add(l, LIST_KERNEL, name, strcspn(name, " "));
	return 0;
}

static int perf_events(struct list *l)
{
	if (l->engines & LIST_KERNEL)
		list_perf(gather_perf, l);
	return tell(l);
}

static const struct kind {
	const char *name;
	int (*gather)(struct list *l);
} kinds[] = {
	{ "tracepoint", tracepoints }, { "rawtracepoint", raw_tracepoints },
	{ "kprobe", kprobes }, { "kretprobe", kprobes },
	{ "software", perf_events }, { "hardware", perf_events },
};

/* Can "KIND:..." match the pattern at all? */
static bool kind_wanted(const char *pattern, const char *kind)
{
	const char *colon = pattern ? strchr(pattern, ':') : NULL;
	char head[32];

	if (!colon || (size_t)(colon - pattern) >= sizeof(head))
		return true;
	memcpy(head, pattern, (size_t)(colon - pattern));
	head[colon - pattern] = '\0';
	return str_glob(head, kind);
}

int list_hooks(const char *pattern, u32 engines, struct diag *dg, list_fn fn, void *arg)
{
	struct list l = { .pattern = pattern, .engines = engines, .dg = dg, .fn = fn, .arg = arg };
	int ret = 0;

	if (pattern && str_starts(pattern, "uprobe:")) {
		l.kind = "uprobe";
		ret = uprobes(&l);
	}
	for (u32 i = 0; i < ARRAY_SIZE(kinds) && !ret; i++) {
		l.kind = kinds[i].name;
		if (kind_wanted(pattern, l.kind))
			ret = kinds[i].gather(&l);
	}
	vec_free(&l.rows);
	return ret;
}

static int kernel_format(const char *category, const char *name, char **text)
{
	struct bytes b;
	char path[256];
	int err;

	if (strchr(category, '/') || strchr(name, '/') || strstr(category, ".."))
		return -EINVAL;
	snprintf(path, sizeof(path), "events/%s/%s/format", category, name);
	err = tracefs_read(path, &b);
	if (!err)
		*text = (char *)b.p;
	return err;
}

static int suggest(void *arg, const char *name, u32 engines)
{
	struct str *s = arg;

	(void)engines;
	str_addf(s, "%s%s", s->len ? ", " : "", name + strlen("tracepoint:"));
	return s->len > 200;
}

int list_format(const char *event, struct diag *dg, char **text)
{
	const char *colon;
	struct str out = {0}, near = {0};
	struct tracepoint tp;
	char category[64];

	if (str_starts(event, "tracepoint:"))
		event += strlen("tracepoint:");
	colon = strchr(event, ':');
	if (!colon || (size_t)(colon - event) >= sizeof(category))
		return diag_error(dg, (struct place){0}, -EINVAL, "event '%s': should be CATEGORY:NAME",
				  event);
	memcpy(category, event, (size_t)(colon - event));
	category[colon - event] = '\0';
	if (!kernel_format(category, colon + 1, text))
		return 0;
	if (!tracepoint_find(category, colon + 1, &tp)) {
		tracepoint_format(&tp, &out);
		*text = str_take(&out);
		return *text ? 0 : -ENOMEM;
	}
	str_addf(&out, "tracepoint:*%.*s*", (int)MIN(strlen(colon + 1), (size_t)40), colon + 1);
	list_hooks(str_text(&out), LIST_KERNEL | LIST_USER, NULL, suggest, &near);
	diag_error(dg, (struct place){0}, -ENOENT, "there is no event '%s'%s%s", event,
		   near.len ? "; near: " : "", str_text(&near));
	str_free(&out);
	str_free(&near);
	return -ENOENT;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia_world_hooks.c - hooks of every kind that a pattern fits, from tracefs, BTF, kallsyms,
 * Osmia's own tables.
 *
 * A name without wildcards is looked up where that is cheaper than listing.
 */
#include "osmia_world_priv.h"
#include "abi/ksyscall.h"
#include "abi/tracepoint.h"
#include "base/file.h"
#include "base/str.h"
#include "btf/btf.h"
#include "elf/kallsyms.h"
#include "engine/kernel/kernel.h"
#include "engine/progs.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- patterns ---- */

bool world_is_pattern(const char *pattern)
{
	return strpbrk(pattern, "*?[") != NULL;
}

/* "[a-z]" or "[!x]" at p: does it have c?  *end: behind it; NULL: it has no end and is a plain '['.
 */
static bool set_has(const char *p, char c, const char **end)
{
	bool no = p[1] == '!' || p[1] == '^', has = false;
	const char *at = p + 1 + no, *close = strchr(at + (*at == ']'), ']');

	*end = close ? close + 1 : NULL;
	for (; close && at < close; at++) {
		if (at[1] == '-' && at + 2 < close) {
			has |= at[0] <= c && c <= at[2];
			at += 2;
		} else {
			has |= *at == c;
		}
	}
	return has != no;
}

bool world_fits(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL, *end;

	if (!*pattern)
		return true;
	for (;;) {
		if (*pattern == '*') {
			star = ++pattern;
			from = text;
			continue;
		}
		bool fits = *text && (*pattern == '?' || *pattern == *text);

		end = NULL;
		if (*pattern == '[' && *text) {
			bool has = set_has(pattern, *text, &end);

			if (end)
				fits = has;
		}
		if (fits) {
			pattern = end ? end : pattern + 1;
			text++;
			continue;
		}
		if (!*pattern && !*text)
			return true;
		if (!star || !*from)
			return false;
		pattern = star;
		text = ++from;
	}
}

/* ---- rows ---- */

void rows_add(struct world_rows *r, const char *target, const char *ns, const char *fn, u64 off)
{
	struct world_hook h = {
		.target = target, .ns = ns, .fn = arena_strdup(&r->arena, fn), .off = off};

	h.ns = *ns ? arena_strdup(&r->arena, ns) : "";
	h.args = "";
	r->failed |= !vec_push(&r->rows, h);
}

void rows_free(struct world_rows *r)
{
	vec_free(&r->rows);
	arena_free(&r->arena);
}

static int by_name(const void *a, const void *b)
{
	const struct world_hook *x = a, *y = b;
	int c = strcmp(x->target, y->target);

	c = c ? c : strcmp(x->ns, y->ns);
	c = c ? c : strcmp(x->fn, y->fn);
	return c ? c : (x->off > y->off) - (x->off < y->off);
}

/* The places of a USDT probe are all told; of a function that has several, the first, marked. */
static int rows_tell(struct world_rows *r, enum script_hook hook, world_hook_fn each, void *arg)
{
	struct world_hook *h = r->rows.p;
	u32 n = r->rows.n;

	if (r->failed)
		return -ENOMEM;
	if (n)
		qsort(h, n, sizeof(*h), by_name);
	for (u32 i = 0; i < n;) {
		u32 next = i + 1;
		int ret;

		while (next < n && !strcmp(h[next].fn, h[i].fn) &&
		       !strcmp(h[next].target, h[i].target) && !strcmp(h[next].ns, h[i].ns) &&
		       (hook != HOOK_USDT || h[next].off == h[i].off)) {
			h[i].is_ambiguous |= h[next].off != h[i].off;
			next++;
		}
		ret = each(arg, &h[i]);
		if (ret)
			return ret;
		i = next;
	}
	return 0;
}

/* ---- kernel: tracefs, BTF, kallsyms ---- */

static int tracefs_text(const char *name, struct bytes *out, struct diag *dg)
{
	int dir = tracefs_open(), fd, err;

	if (dir < 0)
		return diag_error(dg, (struct place){0}, dir,
				  "tracefs (/sys/kernel/tracing) can't be used: %s",
				  strerror(-dir));
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	err = fd < 0 ? -errno : file_read_fd(fd, 64 << 20, out);
	if (fd >= 0)
		close(fd);
	close(dir);
	return err < 0 ? diag_error(dg, (struct place){0}, err, "tracefs: %s: %s", name,
				    strerror(-err))
		       : 0;
}

static int tracepoint_one(const char *category, const char *event, struct diag *dg,
			  struct world_rows *r)
{
	char path[300];
	int dir = tracefs_open();

	if (dir < 0)
		return diag_error(dg, (struct place){0}, dir,
				  "tracefs (/sys/kernel/tracing) can't be used: %s",
				  strerror(-dir));
	if (!strchr(category, '/') && !strchr(event, '/') && category[0] != '.' &&
	    event[0] != '.' &&
	    (size_t)snprintf(path, sizeof(path), "events/%s/%s/format", category, event) <
		    sizeof(path) &&
	    !faccessat(dir, path, F_OK, 0))
		rows_add(r, arena_strdup(&r->arena, category), "", event, 0);
	close(dir);
	return 0;
}

static int kernel_tracepoints(const char *category, const char *event, struct diag *dg,
			      struct world_rows *r)
{
	struct bytes text;
	int err;

	if (*category && *event && !world_is_pattern(category) && !world_is_pattern(event))
		return tracepoint_one(category, event, dg, r);
	err = tracefs_text("available_events", &text, dg);
	if (err)
		return err;
	for (char *at = (char *)text.p, *end; (end = strchr(at, '\n')); at = end + 1) {
		char *colon = memchr(at, ':', (size_t)(end - at));

		if (!colon)
			continue;
		*colon = *end = '\0';
		if (world_fits(category, at) && world_fits(event, colon + 1))
			rows_add(r, arena_strdup(&r->arena, at), "", colon + 1, 0);
	}
	bytes_free(&text);
	return 0;
}

static void user_tracepoints(const char *category, const char *event, struct world_rows *r)
{
	struct tracepoint tp;

	if (*category && *event && !world_is_pattern(category) && !world_is_pattern(event)) {
		if (!tracepoint_find(category, event, &tp))
			rows_add(r, arena_strdup(&r->arena, category), "", event, 0);
		return;
	}
	for (u32 i = 0; tracepoint_at(i, &tp) == 0; i++)
		if (world_fits(category, tp.category) && world_fits(event, tp.name))
			rows_add(r, arena_strdup(&r->arena, tp.category), "", tp.name, 0);
}

/* Types of the kernel and its modules whose name is prefix + something that fits. */
struct type_query {
	const char *module, *prefix, *pattern;
	u32 kind;
};

static void types_of(const struct btf *btf, const struct type_query *q, const char *module,
		     struct world_rows *r)
{
	size_t n = strlen(q->prefix);
	const char *name = arena_strdup(&r->arena, module);

	if (*q->pattern && !world_is_pattern(q->pattern)) {
		char full[512];

		snprintf(full, sizeof(full), "%s%s", q->prefix, q->pattern);
		if (btf_find_own(btf, full, q->kind))
			rows_add(r, name, "", q->pattern, 0);
		return;
	}
	for (u32 id = btf_first_id(btf); id < btf_n_types(btf); id++) {
		const char *type;

		if (btf_kind(btf_type(btf, id)) != q->kind)
			continue;
		type = btf_name(btf, id);
		if (!strncmp(type, q->prefix, n) && world_fits(q->pattern, type + n))
			rows_add(r, name, "", type + n, 0);
	}
}

static void kernel_types(struct world *w, const struct type_query *q, struct world_rows *r)
{
	DIR *dir;
	struct dirent *d;

	const struct btf *vmlinux = world_btf(&w->table);

	if (vmlinux && world_fits(q->module, "vmlinux"))
		types_of(vmlinux, q, "vmlinux", r);
	if (!vmlinux || !strcmp(q->module, "vmlinux") || w->table.is_user)
		return;
	if (!*q->module && r->rows.n && !world_is_pattern(q->pattern))
		return;
	dir = opendir("/sys/kernel/btf");
	while (dir && (d = readdir(dir))) {
		const struct btf *btf;

		if (d->d_name[0] == '.' || !strcmp(d->d_name, "vmlinux") ||
		    !world_fits(q->module, d->d_name))
			continue;
		btf = w->e->ops->target_btf(w->e, d->d_name, NULL);
		if (btf)
			types_of(btf, q, d->d_name, r);
	}
	if (dir)
		closedir(dir);
}

/* Functions that ftrace can hook, "NAME" or "NAME [MODULE]" a line; without that list, kallsyms. */
struct functions {
	const char *module, *pattern;
	struct world_rows *rows;
};

static int kallsym_add(void *arg, const struct kallsym *sym)
{
	struct functions *f = arg;

	if ((sym->type == 't' || sym->type == 'T') && world_fits(f->pattern, sym->name))
		rows_add(f->rows, "", "", sym->name, 0);
	return 0;
}

static bool is_part(const char *name)
{
	return strstr(name, ".part.") || str_starts(name, "__ftrace_invalid_address__");
}

static void function_line(struct functions *f, char *line)
{
	char *module = strchr(line, ' ');

	if (module) {
		*module = '\0';
		module += strspn(module + 1, "[\t ") + 1;
		module[strcspn(module, "]")] = '\0';
	}
	if (!world_fits(f->pattern, line) || is_part(line))
		return;
	if (*f->module && !world_fits(f->module, module ? module : "vmlinux"))
		return;
	rows_add(f->rows,
		 *f->module ? arena_strdup(&f->rows->arena, module ? module : "vmlinux") : "", "",
		 line, 0);
}

static int kernel_functions(struct world *w, const char *module, const char *pattern,
			    struct diag *dg, struct world_rows *r)
{
	struct functions f = { .module = module, .pattern = pattern, .rows = r };
	struct bytes text;
	int err;

	if (access("/sys/bus/event_source/devices/kprobe", F_OK))
		return diag_error(dg, (struct place){0}, -EOPNOTSUPP,
				  "this kernel is built without kprobes (CONFIG_KPROBES)");
	/* Most functions have a type, and their list is at hand. */
	if (!*module && !world_is_pattern(pattern) && *pattern && world_btf(&w->table) &&
	    btf_find_own(world_btf(&w->table), pattern, BTF_FUNC)) {
		rows_add(r, "", "", pattern, 0);
		return 0;
	}
	if (tracefs_text("available_filter_functions", &text, NULL) == 0) {
		for (char *at = (char *)text.p, *end; (end = strchr(at, '\n')); at = end + 1) {
			*end = '\0';
			function_line(&f, at);
		}
		bytes_free(&text);
		if (r->rows.n)
			return 0;
	}
	err = *module ? 0 : kallsyms_each(kallsym_add, &f);
	return err < 0 ? diag_error(dg, (struct place){0}, err, "/proc/kallsyms: %s",
				    strerror(-err))
		       : 0;
}

/* ---- programs as targets ---- */

struct prog_query {
	const char *pattern;
	struct world_rows *rows;
};

static int prog_func_add(void *arg, const struct prog_func *f)
{
	struct prog_query *q = arg;
	char id[16];

	if (!world_fits(q->pattern, f->name))
		return 0;
	snprintf(id, sizeof(id), "%u", f->prog_id);
	rows_add(q->rows, "bpf", id, f->name, 0);
	return q->rows->failed ? -ENOMEM : 0;
}

/* id: "" and "*": every program. */
static int prog_functions(struct world *w, const char *id, const char *fn, struct diag *dg,
			  struct world_rows *r)
{
	struct prog_query q = { fn, r };
	u64 number = 0;
	int err;

	if (*id && strcmp(id, "*") != 0 && str_to_u64(id, &number))
		return 0;
	err = progs_each(w->e, (u32)number, prog_func_add, &q);
	return err < 0 ? diag_error(dg, (struct place){0}, err,
				    "loaded programs can't be listed: %s", strerror(-err))
		       : 0;
}

/* ---- the user engine's own ---- */

static int user_functions(const char *pattern, struct diag *dg, struct world_rows *r)
{
	struct ksym found;
	char name[128];

	if (*pattern && !world_is_pattern(pattern)) {
		if (ksym_find(pattern, &found))
			return diag_error(dg, (struct place){0}, -EOPNOTSUPP,
					  "kernel functions are not visible to the user engine");
		rows_add(r, "", "", pattern, 0);
		return 0;
	}
	for (u32 i = 0; ksym_at(i, name, sizeof(name)) == 0; i++)
		if (world_fits(pattern, name))
			rows_add(r, "", "", name, 0);
	return r->rows.n ? 0 : diag_error(dg, (struct place){0}, -EOPNOTSUPP,
					  "kernel functions are not visible to the user engine");
}

static void user_raw_tracepoints(const char *pattern, struct world_rows *r)
{
	static const char *const served[] = {"sys_enter", "sys_exit", "sched_process_exec",
					     "sched_process_fork", "sched_process_exit"};

	for (u32 i = 0; i < ARRAY_SIZE(served); i++)
		if (world_fits(pattern, served[i]))
			rows_add(r, "vmlinux", "", served[i], 0);
}

/* ---- fixed lists ---- */

/* The user engine counts time alone. */
static bool is_clock(const char *name)
{
	return !strcmp(name, "cpu-clock") || !strcmp(name, "task-clock");
}

static void perf_names(enum script_hook hook, const char *pattern, bool is_user,
		       struct world_rows *r)
{
	enum { SOFTWARE = HOOK_SOFTWARE, HARDWARE = HOOK_HARDWARE };
	static const struct { enum script_hook hook; const char *name, *other; } names[] = {
#define PERF_NAME(type, config, name, other, period) { (enum script_hook)type, name, other },
#include "abi/perf_name.def"
#undef PERF_NAME
	};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].hook != hook || (is_user && !is_clock(names[i].name)))
			continue;
		if (world_fits(pattern, names[i].name))
			rows_add(r, arena_strdup(&r->arena, names[i].name), "", "", 0);
		if (*names[i].other && world_fits(pattern, names[i].other))
			rows_add(r, arena_strdup(&r->arena, names[i].other), "", "", 0);
	}
}

static void time_units(const char *pattern, struct world_rows *r)
{
	static const char *const units[] = { "hz", "ms", "s", "us" };

	for (u32 i = 0; i < ARRAY_SIZE(units); i++)
		if (world_fits(pattern, units[i]))
			rows_add(r, units[i], "", "", 0);
}

/* ---- all kinds ---- */

static int kernel_hooks(struct world *w, enum script_hook hook, const char *target, const char *ns,
			const char *fn, struct diag *dg, struct world_rows *r)
{
	bool is_user = w->table.is_user;

	switch (hook) {
	case HOOK_TRACEPOINT:
		if (!is_user)
			return kernel_tracepoints(target, fn, dg, r);
		user_tracepoints(target, fn, r);
		return 0;
	case HOOK_RAWTRACEPOINT:
		if (is_user)
			user_raw_tracepoints(fn, r);
		else
			kernel_types(w, &(struct type_query){target, "btf_trace_", fn, BTF_TYPEDEF},
				     r);
		return 0;
	case HOOK_KPROBE:
	case HOOK_KRETPROBE:
		return is_user ? user_functions(fn, dg, r) : kernel_functions(w, target, fn, dg, r);
	case HOOK_FENTRY:
	case HOOK_FEXIT:
		if (is_user)
			return diag_error(dg, (struct place){0}, -EOPNOTSUPP,
					  "kernel functions are not visible to the user engine");
		if (!strcmp(target, "bpf"))
			return prog_functions(w, ns, fn, dg, r);
		kernel_types(w, &(struct type_query){ target, "", fn, BTF_FUNC }, r);
		return 0;
	case HOOK_ITER:
		if (is_user)
			return diag_error(dg, (struct place){0}, -EOPNOTSUPP,
					  "the user engine has no iterators over kernel objects");
		kernel_types(w, &(struct type_query){ "vmlinux", "bpf_iter__", fn, BTF_STRUCT }, r);
		return 0;
	default:
		return 0;
	}
}

int world_hooks(void *arg, enum script_hook hook, const char *target, const char *ns,
		const char *fn, s32 pid, struct diag *dg, world_hook_fn each, void *each_arg)
{
	struct world *w = arg;
	struct world_rows r = {0};
	int err = 0;

	switch (hook) {
	case HOOK_UPROBE:
	case HOOK_URETPROBE:
	case HOOK_USDT:
		err = world_user_hooks(w, hook, target, ns, fn, pid, dg, &r);
		break;
	case HOOK_SOFTWARE:
	case HOOK_HARDWARE:
		perf_names(hook, target, w->table.is_user, &r);
		break;
	case HOOK_PROFILE:
	case HOOK_INTERVAL:
		time_units(target, &r);
		break;
	case HOOK_SELF:
		if (world_fits(target, "signal") && world_fits(fn, "SIGUSR1"))
			rows_add(&r, "signal", "", "SIGUSR1", 0);
		break;
	default:
		err = kernel_hooks(w, hook, target, ns, fn, dg, &r);
		break;
	}
	if (!err)
		err = rows_tell(&r, hook, each, each_arg);
	rows_free(&r);
	return err;
}

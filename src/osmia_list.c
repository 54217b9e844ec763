/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia_list.c - probes that a pattern or a script stands for, as bpftrace's -l and -lv print them.
 *
 *	PROVIDER:rest    "rest" as an attach point has it, with '*', '?', '[..]' anywhere
 *	PROVIDER         all of that kind
 *	NAME             functions and events of every kernel kind with that name
 *	struct NAME      types of the kernel
 *
 * Rows of a kind are gathered from the engines asked for, sorted, merged, told; with their
 *arguments under them where those are asked for.
 */
#include "base/str.h"
#include "btf/btf.h"
#include "btf/print.h"
#include "engine/kernel/kernel.h"
#include "engine/user/user.h"
#include "lang/bt/ast.h"
#include "lang/bt/probe_priv.h"
#include "osmia_priv.h"
#include "osmia_world.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct row {
	const char *name;          /* behind "KIND:" */
	const char *target, *fn;
	unsigned engines;
};

struct list {
	struct osmia *o;
	unsigned engines;
	bool verbose;
	int (*fn)(void *arg, const char *line, unsigned engines);
	void *arg;
	struct engine *engine[2];  /* kernel, user; owned; NULL: not asked for */
	struct world *world[2];    /* owned */
	unsigned gathering;        /* the engine whose hooks come in */
	enum script_hook hook;
	struct arena arena;
	VEC(struct row) rows;
	bool failed;
};

/* Kinds in the order of their names; of_user: they belong to a binary. */
static const struct kind {
	enum script_hook hook;
	bool of_user;
} kinds[] = {
	{HOOK_FENTRY, false},	  {HOOK_HARDWARE, false},      {HOOK_ITER, false},
	{HOOK_KPROBE, false},	  {HOOK_RAWTRACEPOINT, false}, {HOOK_SOFTWARE, false},
	{HOOK_TRACEPOINT, false}, {HOOK_UPROBE, true},	       {HOOK_USDT, true},
};

/* ---- rows ---- */

/* What stands behind the kind: "sched:sched_switch", "./a.out:main", "page-faults:". */
static const char *row_name(struct list *l, const struct world_hook *h)
{
	switch (l->hook) {
	case HOOK_SOFTWARE: case HOOK_HARDWARE: case HOOK_PROFILE: case HOOK_INTERVAL:
		return arena_printf(&l->arena, "%s:", h->target);
	case HOOK_USDT:
		return arena_printf(&l->arena, "%s:%s:%s", h->target, h->ns, h->fn);
	case HOOK_ITER:
		return arena_strdup(&l->arena, h->fn);
	case HOOK_UPROBE: case HOOK_URETPROBE: {
		struct world *w = l->world[l->gathering == OSMIA_ON_USER];
		char *cpp = strcmp(h->ns, "cpp") ? NULL : world_demangle(w, h->fn);
		const char *name = cpp ? arena_printf(&l->arena, "%s:cpp:\"%s\"", h->target, cpp) :
					 arena_printf(&l->arena, "%s:%s", h->target, h->fn);

		free(cpp);
		return name;
	}
	case HOOK_FENTRY: case HOOK_FEXIT:
		if (*h->ns)
			return arena_printf(&l->arena, "%s:%s:%s", h->target, h->ns, h->fn);
		return arena_printf(&l->arena, "%s:%s", h->target, h->fn);
	default:
		return *h->target ? arena_printf(&l->arena, "%s:%s", h->target, h->fn) :
				    arena_strdup(&l->arena, h->fn);
	}
}

static int row_add(void *arg, const struct world_hook *h)
{
	struct list *l = arg;
	struct row r = {.name = row_name(l, h),
			.engines = l->gathering,
			.target = arena_strdup(&l->arena, h->target),
			.fn = arena_strdup(&l->arena, h->fn)};

	if (!vec_push(&l->rows, r))
		l->failed = true;
	return l->failed ? -ENOMEM : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

/* ---- arguments ---- */

static int tell_arg(struct list *l, struct str *line)
{
	int ret = l->fn(l->arg, str_text(line), 0);

	str_clear(line);
	return ret;
}

static int tell_tracepoint(struct list *l, const struct bt_world *w, const struct row *r,
			   struct str *line)
{
	char *text = NULL;
	const char *at;
	struct tp_decl d;
	int ret = 0;

	if (w->tracepoint(w->arg, r->target, r->fn, NULL, &text))
		return 0;
	/* the common fields, which every event has, end at the first empty line */
	at = strstr(text, "\n\n");
	for (at = at ? at : text; !ret && tp_next(&at, &d);) {
		str_addf(line, "    %.*s", (int)d.len, d.text);
		ret = tell_arg(l, line);
	}
	free(text);
	return ret;
}

/* "struct file * file", or for programs "const char* path". */
static void decl_text(const struct btf *btf, u32 type, const char *name, bool of_user,
		      struct str *out)
{
	struct str decl = {0};
	size_t n;

	btf_print_decl(btf, type, "", &decl);
	for (n = decl.len; n && decl.p[n - 1] == ' ';)
		decl.p[--n] = '\0';
	if (of_user) {
		/* stars stand at the type there */
		const char *stars = n ? strchr(decl.p, '*') : NULL;
		size_t base = stars ? (size_t)(stars - decl.p) : n;

		while (base && decl.p[base - 1] == ' ')
			base--;
		str_addn(out, str_text(&decl), base);
		str_addf(out, "%s %s", stars ? stars : "", name);
	} else {
		str_addf(out, "%s %s", str_text(&decl), name);
	}
	str_free(&decl);
}

static int tell_proto(struct list *l, const struct btf *btf, const struct row *r, struct str *line)
{
	bool of_user = l->hook == HOOK_UPROBE, numbered = l->hook == HOOK_KPROBE;
	u32 first, id = probe_proto(btf, numbered ? HOOK_FENTRY : l->hook, r->fn, &first), argn = 0;
	const struct btf_type *t = btf_type(btf, id);
	int ret = 0;

	for (u32 i = first; id && !ret && i < btf_vlen(t); i++) {
		const struct btf_param *p = &btf_params(t)[i];
		char number[16];

		if (!p->type || (numbered && btf_kind(btf_resolve(btf, p->type)) == BTF_FLOAT))
			continue;
		snprintf(number, sizeof(number), "arg%u", argn++);
		str_add(line, "    ");
		decl_text(btf, p->type, numbered ? number : btf_str(btf, p->name_off), of_user,
			  line);
		ret = tell_arg(l, line);
	}
	if (id && !ret && l->hook == HOOK_FEXIT && t->type) {
		str_add(line, "    ");
		decl_text(btf, t->type, "retval", false, line);
		ret = tell_arg(l, line);
	}
	return ret;
}

/* Members of the iterator's context but the first, its meta data. */
static int tell_iter(struct list *l, const struct btf *btf, const struct row *r, struct str *line)
{
	char name[256];
	int ret = 0;
	u32 id;

	snprintf(name, sizeof(name), "bpf_iter__%s", r->fn);
	id = btf ? btf_find(btf, name, BTF_STRUCT) : 0;
	if (!id)
		return 0;

	const struct btf_type *t = btf_type(btf, id);

	for (u32 i = 1; !ret && i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const char *member = btf_str(btf, m->name_off);
		u32 type = m->type;

		/* a member that a program reads as a pointer stands in a union with its 8 bytes */
		if (!*member && btf_is_composite(btf_resolve(btf, type)) &&
		    btf_vlen(btf_resolve(btf, type))) {
			m = &btf_members(btf_resolve(btf, type))[0];
			member = btf_str(btf, m->name_off);
			type = m->type;
		}
		str_add(line, "    ");
		decl_text(btf, type, member, false, line);
		ret = tell_arg(l, line);
	}
	return ret;
}

static int tell_args(struct list *l, const struct row *r)
{
	const struct bt_world *w =
		world_table(l->world[r->engines & OSMIA_ON_KERNEL && l->world[0] ? 0 : 1]);
	const struct btf *btf = l->hook == HOOK_TRACEPOINT ? NULL : world_btf(w);
	struct str line = {0};
	int ret = 0;

	switch (l->hook) {
	case HOOK_TRACEPOINT:
		ret = tell_tracepoint(l, w, r, &line);
		break;
	case HOOK_UPROBE:
		btf = w->dwarf_btf(w->arg, r->target);
		ret = btf ? tell_proto(l, btf, r, &line) : 0;
		break;
	case HOOK_FENTRY: case HOOK_FEXIT: case HOOK_RAWTRACEPOINT:
		if (*r->target)
			btf = w->module_btf(w->arg, r->target);
		ret = btf ? tell_proto(l, btf, r, &line) : 0;
		break;
	case HOOK_KPROBE:
		ret = btf ? tell_proto(l, btf, r, &line) : 0;
		break;
	case HOOK_ITER:
		ret = tell_iter(l, btf, r, &line);
		break;
	default:
		break;
	}
	str_free(&line);
	return ret;
}

/* ---- kinds ---- */

static int tell(struct list *l)
{
	struct row *r = l->rows.p;
	u32 n = l->rows.n;
	int ret = l->failed ? -ENOMEM : 0;

	if (n)
		qsort(r, n, sizeof(*r), by_name);
	for (u32 i = 0; i < n && !ret; i++) {
		while (i + 1 < n && by_name(&r[i], &r[i + 1]) == 0) {
			r[i + 1].engines |= r[i].engines;
			i++;
		}
		ret = l->fn(l->arg,
			    arena_printf(&l->arena, "%s:%s", script_hook_text(l->hook), r[i].name),
			    r[i].engines);
		if (!ret && l->verbose)
			ret = tell_args(l, &r[i]);
	}
	l->rows.n = 0;
	return ret;
}

static int world_of(struct list *l, u32 i)
{
	struct world_opts wo = {0};
	int err = 0;

	if (l->world[i])
		return 0;
	err = i ? engine_user_new(NULL, &l->o->dg, &l->engine[1])
		: engine_kernel_open(&l->o->dg, &l->engine[0]);
	wo.engine = l->engine[i];
	return err ? err : world_new(&wo, &l->o->dg, &l->world[i]);
}

static int gather_from(struct list *l, u32 i, const struct script_attach *a, struct diag *dg)
{
	int err = world_of(l, i);
	const struct bt_world *w = err ? NULL : world_table(l->world[i]);

	l->gathering = i ? OSMIA_ON_USER : OSMIA_ON_KERNEL;
	if (!err)
		err = w->hooks(w->arg, a->hook, a->target, a->ns, a->fn,
			       l->o->opts.pid > 0 ? l->o->opts.pid : -1, dg, row_add, l);
	return err;
}

/* What keeps an engine from telling is a note; a kernel without kprobes leaves those of the user
 * engine. */
static int list_kind(struct list *l, const struct script_attach *a)
{
	bool only_kernel = l->engines == OSMIA_ON_KERNEL;
	struct diag dg = {0};
	int err = 0;

	l->hook = a->hook;
	if (l->engines & OSMIA_ON_KERNEL)
		err = gather_from(l, 0, a, &dg);
	if (err < 0 && dg.n && dg.msgs[0].text)
		diag_note(&l->o->dg, (struct place){0}, "%s: %s%s", script_hook_text(a->hook),
			  dg.msgs[0].text,
			  err == -EOPNOTSUPP && only_kernel ? "; these are what the user engine has"
							    : "");
	/* 0.17 took a binary that is not there for a mistake. */
	if ((err == -ENOENT || err == -ENOEXEC) && dg.n && l->o->script.compat == 17) {
		err = diag_error(&l->o->dg, (struct place){.file = "stdin", .line = 1, .col = 1},
				 err, "%s", dg.msgs[0].text);
		diag_free(&dg);
		return err;
	}
	if (l->engines & OSMIA_ON_USER || (err == -EOPNOTSUPP && only_kernel)) {
		err = gather_from(l, 1, a, NULL);
	}
	diag_free(&dg);
	return err == -ENOMEM ? err : tell(l);
}

static int list_fixed(struct list *l, enum script_hook hook, const char *name)
{
	return l->fn(l->arg, name ? name : script_hook_text(hook), l->engines);
}

/* "PROVIDER:rest" of one kind; what has another form is passed over. */
static int list_text(struct list *l, enum script_hook hook, const char *rest)
{
	const char *text =
		arena_printf(&l->arena, "%s%s%s", script_hook_text(hook), *rest ? ":" : "", rest);
	struct script_attach a;

	switch (hook) {
	case HOOK_BEGIN: case HOOK_END:
		return list_fixed(l, hook, NULL);
	case HOOK_SELF:
		return list_fixed(l, hook, "self:signal:SIGUSR1");
	case HOOK_TEST: case HOOK_BENCH: case HOOK_WATCHPOINT: case HOOK_ASYNCWATCHPOINT:
		return 0;
	default:
		break;
	}
	if (attach_parse(&l->arena, text, l->o->opts.pid, true, (struct place){0}, NULL, &a))
		return 0;
	return list_kind(l, &a);
}

/* "*sleep*": names of every kernel kind. */
static int list_names(struct list *l, const char *pattern)
{
	int ret = 0;

	for (u32 i = 0; i < ARRAY_SIZE(kinds) && !ret; i++)
		if (!kinds[i].of_user && kinds[i].hook != HOOK_SOFTWARE &&
		    kinds[i].hook != HOOK_HARDWARE)
			ret = list_text(l, kinds[i].hook, pattern);
	return ret;
}

static int list_providers(struct list *l, const char *provider, const char *rest)
{
	const char *target =
		strcspn(rest, ":") ? arena_printf(&l->arena, "%.*s", (int)strcspn(rest, ":"), rest)
				   : "";
	bool has_file = *target && !attach_is_pattern(target) && !access(target, F_OK);
	int ret = 0;
	u32 n = 0;

	for (u32 i = 0; i < ARRAY_SIZE(kinds) && !ret; i++) {
		if (!str_glob(provider, script_hook_text(kinds[i].hook)))
			continue;
		n++;
		if (!kinds[i].of_user || has_file || l->o->opts.pid > 0)
			ret = list_text(l, kinds[i].hook, *rest ? rest : "*");
	}
	return n || *rest || ret ? ret : list_names(l, provider);
}

/* ---- types ---- */

static bool is_type_search(const char *search)
{
	return str_starts(search, "struct ") || str_starts(search, "union ") ||
	       str_starts(search, "enum ");
}

static const char *type_word(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_STRUCT: return "struct";
	case BTF_UNION: return "union";
	case BTF_ENUM: case BTF_ENUM64: return "enum";
	default: return NULL;
	}
}

static int list_types(struct list *l, const char *search)
{
	const struct btf *btf;
	int err = world_of(l, l->engines & OSMIA_ON_KERNEL ? 0 : 1), ret = 0;

	if (err)
		return err;
	btf = world_btf(world_table(l->world[l->engines & OSMIA_ON_KERNEL ? 0 : 1]));
	for (u32 id = 1; btf && id < btf_n_types(btf); id++) {
		const char *word = type_word(btf_type(btf, id)),
			   *name = word ? btf_name(btf, id) : "";
		struct row r = { .fn = "", .target = "" };
		struct str def = {0};

		if (!*name)
			continue;
		r.name = arena_printf(&l->arena, "%s %s", word, name);
		if (!world_fits(search, r.name))
			continue;
		if (l->verbose) {
			btf_print_def(btf, id, &def);
			r.name = arena_printf(
				&l->arena, "%s%s;\n",
				l->o->script.compat == 17 ? "" : "vmlinux: ", str_text(&def));
			str_free(&def);
		}
		if (!vec_push(&l->rows, r))
			return -ENOMEM;
	}
	if (l->rows.n)
		qsort(l->rows.p, l->rows.n, sizeof(*l->rows.p), by_name);
	for (u32 i = 0; i < l->rows.n && !ret; i++)
		if (!i || by_name(&l->rows.p[i - 1], &l->rows.p[i]))
			ret = l->fn(l->arg, l->rows.p[i].name, l->engines);
	return ret;
}

/* ---- scripts ---- */

static int list_attach(struct list *l, const char *text)
{
	const struct osmia_script_opts *so = &l->o->script;
	const char *why = NULL, **texts, *colon;
	u32 n_params = 0, n;
	int ret = 0;

	while (so->params && so->params[n_params])
		n_params++;
	text = attach_params(&l->arena, text, so->params, n_params, &why);
	if (!text)
		return diag_error(&l->o->dg, (struct place){0}, -EINVAL, "%s", why);
	n = attach_lists(&l->arena, text, &texts);
	for (u32 i = 0; i < n && !ret; i++) {
		enum script_hook hook;

		colon = strchr(texts[i], ':');
		hook = bt_hook_find(
			colon ? arena_printf(&l->arena, "%.*s", (int)(colon - texts[i]), texts[i])
			      : texts[i]);
		if (hook != HOOK_MAX && hook != HOOK_BEGIN && hook != HOOK_END && hook != HOOK_SELF)
			ret = list_text(l, hook, colon ? colon + 1 : "");
	}
	return ret;
}

static int list_script(struct list *l, const struct bt_program *p)
{
	int ret = 0;

	for (const struct node *n = p->root->kids; n && !ret; n = n->next)
		for (const struct node *k = n->kids; n->kind == NODE_PROBE && k && !ret;
		     k = k->next)
			if (k->kind == NODE_ATTACH)
				ret = list_attach(l, k->text);
	return ret;
}

/* ---- the call ---- */

static int list_search(struct list *l, const char *search)
{
	const char *colon = strchr(search, ':');
	const char *provider =
		colon ? arena_printf(&l->arena, "%.*s", (int)(colon - search), search) : search;
	enum script_hook hook = bt_hook_find(provider);

	if (is_type_search(search))
		return list_types(l, search);
	if (hook != HOOK_MAX)
		return list_text(l, hook, colon ? colon + 1 : "*");
	if (attach_is_pattern(provider))
		return list_providers(l, provider, colon ? colon + 1 : "");
	return colon ? 0 : list_names(l, search);
}

int osmia_list_probes(struct osmia *o, const char *search, unsigned engines, bool verbose,
		      int (*fn)(void *arg, const char *line, unsigned engines), void *arg)
{
	struct list l = { .o = o, .engines = engines, .verbose = verbose, .fn = fn, .arg = arg };
	int ret = !search && o->source.prog ? list_script(&l, o->source.prog) :
					      list_search(&l, search && *search ? search : "*");

	for (u32 i = 0; i < ARRAY_SIZE(l.world); i++) {
		world_free(l.world[i]);
		if (l.engine[i])
			l.engine[i]->ops->free(l.engine[i]);
	}
	vec_free(&l.rows);
	arena_free(&l.arena);
	return ret;
}

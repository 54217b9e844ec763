/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/probe.c - the PROBE nodes of a script as programs.
 *
 *	PROBE ── ATTACH texts ── parameters, {a,b} ──> attach points ── probe_find() ──> places
 *	      ── grouped by what the body can tell apart ──> struct bt_probe, one a program
 */
#include "abi/uapi.h"
#include "base/str.h"
#include "lang/bt/probe_priv.h"
#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

enum { MISTAKES_MAX = 100 };

/* ---- what a body asks ---- */

static bool is_argn(const char *text)
{
	text += *text == 's';
	if (strncmp(text, "arg", 3) != 0 || !text[3])
		return false;
	return text[3 + strspn(text + 3, "0123456789")] == '\0';
}

static void uses_find(const struct node *n, struct probe_uses *u)
{
	if (n->kind == NODE_NAME || n->kind == NODE_CALL) {
		u->args |= !strcmp(n->text, "args");
		u->probe |= !strcmp(n->text, "probe") || !strcmp(n->text, "uaddr");
		u->func |= !strcmp(n->text, "func");
		u->retval |= !strcmp(n->text, "retval");
		u->argn |= is_argn(n->text);
	}
	for (const struct node *k = n->kids; k; k = k->next)
		uses_find(k, u);
}

/* ---- places of a PROBE node ---- */

/* Kinds whose links can carry a cookie, by which a program tells its places apart. */
static bool has_cookie(const struct sema *s, enum script_hook h)
{
	u32 since = h == HOOK_RAWTRACEPOINT ? 6 << 16 | 10 << 8 : 5 << 16 | 15 << 8;

	switch (h) {
	case HOOK_KPROBE:
	case HOOK_KRETPROBE:
	case HOOK_UPROBE:
	case HOOK_URETPROBE:
	case HOOK_USDT:
	case HOOK_TRACEPOINT: case HOOK_RAWTRACEPOINT:
		return s->w->is_user || s->w->kernel_version >= since;
	default:
		return false;
	}
}

static s32 attach_pid(const struct sema *s, enum script_hook h)
{
	s32 pid = s->opts->pid > 0 ? s->opts->pid : -1;

	switch (h) {
	case HOOK_UPROBE:
	case HOOK_URETPROBE:
	case HOOK_USDT:
	case HOOK_WATCHPOINT:
	case HOOK_ASYNCWATCHPOINT:
		return pid;
	default:
		return -1;
	}
}

static void deprecated(struct sema *s, const struct node *node, const struct script_attach *a)
{
	if (sema_compat17(s))
		return;
	if (a->hook == HOOK_ASYNCWATCHPOINT)
		sema_warn(s, node,
			  "asyncwatchpoint is gone from newer versions; watchpoint does the same");
	else if (a->hook == HOOK_WATCHPOINT && *a->fn)
		sema_warn(s, node, "watchpoint:FUNCTION+argN is gone from newer versions");
}

static int text_places(struct sema *s, const struct node *node, const char *text, bool expand,
		       probe_places *out)
{
	struct script_attach a;
	struct diag dg = {0};
	struct place at;
	s32 pid = s->opts->pid > 0 ? s->opts->pid : -1;
	int err;

	bt_place(s->prog, node->at.from, &at);
	if (at.file)
		at.file = arena_strdup(&s->script->arena, at.file);
	err = attach_parse(&s->script->arena, text, pid, false, at, &dg, &a);
	if (err) {
		sema_error(s, node, "%s",
			   dg.n && dg.msgs[0].text ? dg.msgs[0].text : "this is no attach point");
		s->failed = true;
	} else {
		deprecated(s, node, &a);
		a.pid = attach_pid(s, a.hook);
		/* a C++ name as written, which newer versions want "cpp" before */
		if (sema_compat17(s) && (a.hook == HOOK_UPROBE || a.hook == HOOK_URETPROBE) &&
		    !*a.ns && strstr(a.fn, "::"))
			a.ns = "cpp";
		err = probe_find(s, node, &a, expand, out);
	}
	diag_free(&dg);
	return err;
}

/* "k*:vfs_read": every provider that fits, where the rest means something. */
static int wild_provider(struct sema *s, const struct node *node, const char *text,
			 probe_places *out)
{
	size_t n = strcspn(text, ":");
	char *pattern = arena_printf(&s->prog->arena, "%.*s", (int)n, text);
	bool is_user = strchr(text + n, '/') || s->opts->pid > 0;
	u32 before = out->n;

	for (u32 h = 0; h < HOOK_MAX; h++) {
		const char *name = script_hook_text((enum script_hook)h);
		bool of_user = h == HOOK_UPROBE || h == HOOK_URETPROBE || h == HOOK_USDT;
		struct script_attach a;

		if (!(hook_flags((enum script_hook)h) & HOOK_WILD) || of_user != is_user ||
		    !str_glob(pattern, name))
			continue;
		if (attach_parse(&s->script->arena,
				 arena_printf(&s->script->arena, "%s%s", name, text + n), -1, false,
				 (struct place){0}, NULL, &a))
			continue;
		a.pid = attach_pid(s, a.hook);

		u32 missing = s->set.missing_probes;
		bool failed = s->failed;

		s->set.missing_probes = 2; /* asked of all, found at some */
		probe_find(s, node, &a, true, out);
		s->set.missing_probes = missing;
		s->failed = failed;
	}
	if (out->n > before)
		return 0;
	sema_error(s, node, "%s: no kind of probe with this name has such a place", text);
	s->failed = true;
	return -ENOENT;
}

/* A script that has this many mistakes, or places, is not looked at to its end. */
static bool is_enough(const struct sema *s)
{
	return (s->dg && s->dg->n_errors >= MISTAKES_MAX) ||
	       (s->set.max_probes && s->script->attaches.n > s->set.max_probes);
}

static int node_places(struct sema *s, const struct node *node, bool expand, probe_places *out)
{
	const char *why = NULL, **texts;
	const char *text = attach_params(&s->script->arena, node->text, s->opts->params,
					 s->opts->n_params, &why);
	u32 n;

	if (!text) {
		sema_error(s, node, "%s", why);
		s->failed = true;
		return -EINVAL;
	}
	n = attach_lists(&s->script->arena, text, &texts);
	if (!n) {
		sema_error(s, node,
			   "the lists make more than %u attach points, or are longer than %u bytes",
			   (u32)ATTACH_LISTS_MAX, (u32)ATTACH_TEXT_MAX);
		s->failed = true;
		return -E2BIG;
	}
	for (u32 i = 0; i < n && !is_enough(s); i++) {
		bool wild = memchr(texts[i], '*', strcspn(texts[i], ":")) != NULL;
		int err = wild ? wild_provider(s, node, texts[i], out) :
				 text_places(s, node, texts[i], expand, out);

		if (err == -ENOMEM || err == -E2BIG)
			return err;
	}
	return 0;
}

/* ---- programs ---- */

struct prog_kind {
	const char *section;
	u32 prog_type, attach_type;
};

static struct prog_kind prog_kind(struct arena *a, const struct script_attach *at)
{
	const char *colon = *at->target ? ":" : "";

	switch (at->hook) {
	case HOOK_KPROBE: return (struct prog_kind){ "kprobe", BPF_PROG_TYPE_KPROBE, 0 };
	case HOOK_KRETPROBE: return (struct prog_kind){ "kretprobe", BPF_PROG_TYPE_KPROBE, 0 };
	case HOOK_UPROBE:
	case HOOK_USDT: return (struct prog_kind){ "uprobe", BPF_PROG_TYPE_KPROBE, 0 };
	case HOOK_URETPROBE: return (struct prog_kind){ "uretprobe", BPF_PROG_TYPE_KPROBE, 0 };
	case HOOK_TRACEPOINT:
		return (struct prog_kind){"tracepoint", BPF_PROG_TYPE_TRACEPOINT, 0};
	case HOOK_FENTRY:
		return (struct prog_kind){
			arena_printf(a, "fentry/%s%s%s", at->target, colon, at->fn),
			BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY};
	case HOOK_FEXIT:
		return (struct prog_kind){
			arena_printf(a, "fexit/%s%s%s", at->target, colon, at->fn),
			BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT};
	case HOOK_ITER:
		return (struct prog_kind){arena_printf(a, "iter/%s", at->fn), BPF_PROG_TYPE_TRACING,
					  BPF_TRACE_ITER};
	case HOOK_PROFILE: case HOOK_SOFTWARE: case HOOK_HARDWARE: case HOOK_WATCHPOINT:
	case HOOK_ASYNCWATCHPOINT:
		return (struct prog_kind){ "perf_event", BPF_PROG_TYPE_PERF_EVENT, 0 };
	default:
		return (struct prog_kind){ "raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT, 0 };
	}
}

static bool is_user_memory(const struct script_attach *a)
{
	switch (a->hook) {
	case HOOK_UPROBE:
	case HOOK_URETPROBE:
	case HOOK_USDT:
	case HOOK_WATCHPOINT:
	case HOOK_ASYNCWATCHPOINT:
		return true;
	case HOOK_TRACEPOINT:
		return !strcmp(a->target, "syscalls");
	default:
		return false;
	}
}

/* A C identifier that no other program has. */
static const char *fn_name(struct sema *s, const struct script_attach *a)
{
	char *name =
		arena_printf(&s->script->arena, "%s_%s%.60s_%u", script_hook_text(a->hook),
			     a->hook == HOOK_INTERVAL ? a->target : "", a->fn, s->probes.n + 1);

	for (char *c = name; *c; c++)
		if (!isalnum((u8)*c) && *c != '_')
			*c = '_';
	return name;
}

static struct bt_probe *prog_new(struct sema *s, struct node *node, const struct probe_place *p,
				 const char *name)
{
	struct bt_probe *b = arena_alloc(&s->script->arena, sizeof(*b));
	struct prog_kind kind = prog_kind(&s->script->arena, &p->a);

	b->hook = p->a.hook;
	b->node = node;
	b->fn_name = fn_name(s, &p->a);
	b->section = kind.section;
	b->prog_type = kind.prog_type;
	b->attach_type = kind.attach_type;
	b->is_user = is_user_memory(&p->a);
	b->name = name;
	b->args = p->args;
	b->retval = p->retval;
	b->ret_field = p->ret_field;
	if (p->a.hook == HOOK_UPROBE || p->a.hook == HOOK_URETPROBE || p->a.hook == HOOK_USDT)
		b->binary = attach_is_pattern(p->a.target) ? NULL : p->a.target;
	return vec_push(&s->probes, b) ? b : NULL;
}

/* Would the program of the first place do for the second, too? */
static bool same_to_body(const struct sema *s, const struct probe_uses *u,
			 const struct probe_place *a, const struct probe_place *b)
{
	if (a->a.hook != b->a.hook || is_user_memory(&a->a) != is_user_memory(&b->a))
		return false;
	if (a->a.hook == HOOK_FENTRY || a->a.hook == HOOK_FEXIT || a->a.hook == HOOK_ITER)
		return false;
	if (u->probe && !has_cookie(s, a->a.hook) && strcmp(a->a.name, b->a.name) != 0)
		return false;
	if (u->args && (!a->args || !b->args ? a->args != b->args : !stype_same(a->args, b->args)))
		return false;
	if (u->argn && a->a.hook == HOOK_USDT && strcmp(a->usdt_args, b->usdt_args) != 0)
		return false;
	return true;
}

/* Programs made of one PROBE node so far, with the place that each was made for. */
struct group {
	struct bt_probe *prog;
	const struct probe_place *of;
};

static int usdt_read(struct sema *s, struct bt_probe *b, const struct probe_place *p,
		     const struct probe_uses *u)
{
	s32 n = p->a.hook == HOOK_USDT ? usdt_args_parse(&s->script->arena, p->usdt_args, &b->usdt)
				       : 0;

	if (n < 0 && u->argn) {
		sema_error(s, p->node,
			   "%s: the place of its arguments, '%s', has a form that is not known",
			   p->a.name, p->usdt_args);
		s->failed = true;
		return n;
	}
	b->n_usdt = n > 0 ? (u32)n : 0;
	return 0;
}

/* The place's program: one that is there already, or a new one.  The node itself goes to the first,
 * copies to others. */
static struct bt_probe *place_prog(struct sema *s, struct node *node, const struct probe_uses *u,
				   struct probe_place *p, void *groups_)
{
	VEC(struct group) *groups = groups_;
	struct bt_probe *b;

	/* the newest first: places come sorted */
	for (u32 i = groups->n; i > 0; i--) {
		struct group *g = &groups->p[i - 1];

		if (!same_to_body(s, u, g->of, p))
			continue;
		b = g->prog;
		if (b->name && strcmp(b->name, p->a.name) != 0)
			b->name = NULL;
		if (b->binary && strcmp(b->binary, p->a.target) != 0)
			b->binary = NULL;
		return b;
	}
	if (s->probes.n >= s->set.max_bpf_progs) {
		sema_error(s, p->node, "this would be more than %lu programs",
			   s->set.max_bpf_progs);
		sema_hint(s, "max_bpf_progs in the config block is the limit; each place has a "
			     "program of its own where "
			     "the block asks for args that differ");
		s->failed = true;
		return NULL;
	}
	b = prog_new(s, groups->n ? node_clone(s->prog, node) : node, p, p->a.name);
	if (!b || usdt_read(s, b, p, u) || !vec_push(groups, ((struct group){ b, p })))
		return NULL;
	return b;
}

static bool wants_types(const struct probe_uses *u, enum script_hook h)
{
	return u->args || (u->retval && h == HOOK_FEXIT);
}

static int probe_programs(struct sema *s, struct node *node, const struct probe_uses *u,
			  probe_places *places);

/* Programs that find addresses for watchpoints, whose attaches begin at number first. */
static int watch_programs(struct sema *s, const probe_places *places, u32 first)
{
	const struct probe_uses uses = { .argn = true };
	int err = 0;

	for (u32 i = 0; i < places->n && !err; i++) {
		const struct probe_place *p = &places->p[i];
		probe_places at = {0};
		struct node *node = NULL;

		if ((p->a.hook != HOOK_WATCHPOINT && p->a.hook != HOOK_ASYNCWATCHPOINT) ||
		    !*p->a.fn)
			continue;
		err = probe_watch(s, p, first + i, &node, &at);
		if (!err)
			err = probe_programs(s, node, &uses, &at);
		vec_free(&at);
	}
	return err;
}

static int probe_programs(struct sema *s, struct node *node, const struct probe_uses *u,
			  probe_places *places)
{
	VEC(struct group) groups = {0};
	u32 first = s->script->attaches.n;
	int err = 0;

	for (u32 i = 0; i < places->n && !err; i++) {
		struct probe_place *p = &places->p[i];
		struct bt_probe *b;

		if (!p->a.name)
			p->a.name = attach_name(&s->script->arena, &p->a, s->opts->compat);
		if (wants_types(u, p->a.hook))
			probe_args(s, p);
		b = place_prog(s, node, u, p, &groups);
		if (!b || !vec_push(&b->attaches, s->script->attaches.n)) {
			err = s->failed ? -EINVAL : -ENOMEM;
			break;
		}
		if (!vec_push(&s->script->attaches, p->a))
			err = -ENOMEM;
	}
	/* A program of places with several names tells them apart by cookies from 1 on. */
	for (u32 i = 0; i < groups.n && u->probe; i++) {
		struct bt_probe *b = groups.p[i].prog;

		for (u32 j = 0; !b->name && j < b->attaches.n; j++)
			s->script->attaches.p[b->attaches.p[j]].cookie = j + 1;
	}
	vec_free(&groups);
	return err ? err : watch_programs(s, places, first);
}

/* ---- the phase ---- */

static bool is_wanted(struct sema *s, struct probe_place *p, const regex_t *filter)
{
	switch (p->a.hook) {
	case HOOK_TEST: return s->opts->test_mode;
	case HOOK_BENCH: return s->opts->bench_mode;
	case HOOK_BEGIN: case HOOK_END: case HOOK_SELF: return true;
	default: break;
	}
	if (!filter)
		return true;
	if (!p->a.name)
		p->a.name = attach_name(&s->script->arena, &p->a, s->opts->compat);
	return !regexec(filter, p->a.name, 0, NULL, 0);
}

/* The places of all attach points.  A pattern that fits nothing is no mistake beside one that does:
 * it is asked again, to be told, when none did. */
static int probe_places_find(struct sema *s, const struct node *node, bool expand,
			     probe_places *places)
{
	u32 missing = s->set.missing_probes, n = 0;
	int err = 0;

	for (const struct node *k = node->kids; k; k = k->next)
		n += k->kind == NODE_ATTACH;
	for (const struct node *k = node->kids; k && !err; k = k->next) {
		if (k->kind != NODE_ATTACH)
			continue;
		if (n > 1 && attach_is_pattern(k->text) && missing == MISSING_ERROR)
			s->set.missing_probes = MISSING_IGNORE;
		err = node_places(s, k, expand, places);
		s->set.missing_probes = missing;
	}
	for (const struct node *k = node->kids; k && !err && n > 1 && !places->n; k = k->next)
		if (k->kind == NODE_ATTACH && attach_is_pattern(k->text) &&
		    missing == MISSING_ERROR)
			err = node_places(s, k, expand, places);
	return err;
}

/* What has no place is checked all the same: its body may have mistakes of its own. */
static int stand_in(struct sema *s, struct node *node)
{
	struct bt_probe *b = arena_alloc(&s->script->arena, sizeof(*b));

	*b = (struct bt_probe){
		.hook = HOOK_KPROBE, .node = node, .is_missing = true, .fn_name = "", .name = ""};
	return vec_push(&s->probes, b) ? 0 : -ENOMEM;
}

static int probe_node(struct sema *s, struct node *node, const regex_t *filter)
{
	struct probe_uses uses = {0};
	probe_places places = {0};
	bool failed = s->failed;
	u32 kept = 0;
	int err;

	s->failed = false;
	for (struct node *k = node->kids; k; k = k->next)
		if (k->kind != NODE_ATTACH)
			uses_find(k, &uses);
	/* Functions of the user engine's kernel have names, but no addresses. */
	uses.probe |= uses.func && s->w->is_user;
	err = probe_places_find(s, node, uses.probe || uses.args || filter, &places);
	for (u32 i = 0; i < places.n; i++)
		if (is_wanted(s, &places.p[i], filter))
			places.p[kept++] = places.p[i];
	places.n = kept;
	if (!err && places.n)
		err = probe_programs(s, node, &uses, &places);
	if ((err || s->failed) && err != -ENOMEM && !places.n)
		err = stand_in(s, node);
	s->failed |= failed;
	vec_free(&places);
	return err;
}

static int limits_check(struct sema *s)
{
	struct script *sc = s->script;

	if (sc->attaches.n <= s->set.max_probes || !s->set.max_probes)
		return 0;
	sema_error(s, s->prog->root, "%u probes are more than the limit of %lu", sc->attaches.n,
		   s->set.max_probes);
	sema_hint(s, "max_probes in the config block, or BPFTRACE_MAX_PROBES, is the limit");
	s->failed = true;
	return -E2BIG;
}

/* Where all mistakes are kinds of probes that this engine has not, another engine may have them:
 * -ENOENT. */
static int failure(const struct sema *s, u32 before)
{
	return s->dg && s->n_unsupported && s->dg->n_errors - before == s->n_unsupported ? -ENOENT
											 : -EINVAL;
}

/* --probe-filter; *on: there is one.  To be freed then. */
static int filter_read(struct sema *s, regex_t *filter, bool *on)
{
	const char *text = s->opts->probe_filter;
	char why[128];
	int err;

	*on = false;
	if (!text || !*text)
		return 0;
	err = regcomp(filter, text, REG_EXTENDED | REG_NOSUB);
	*on = !err;
	if (!err)
		return 0;
	regerror(err, filter, why, sizeof(why));
	return diag_error(s->dg, (struct place){0}, -EINVAL,
			  "--probe-filter '%s' is no regular expression: %s", text, why);
}

int bt_probes(struct sema *s)
{
	regex_t filter;
	bool filtered;
	bool final = s->final, failed = s->failed;
	u32 before = s->dg ? s->dg->n_errors : 0;
	int err = filter_read(s, &filter, &filtered);

	if (err)
		return err;
	s->final = true; /* this phase runs once: mistakes are told now */
	s->failed = false;
	for (struct node *n = s->prog->root->kids;
	     n && err != -ENOMEM && err != -E2BIG && !is_enough(s); n = n->next)
		if (n->kind == NODE_PROBE)
			err = probe_node(s, n, filtered ? &filter : NULL);
	if (filtered)
		regfree(&filter);
	if (err != -ENOMEM && err != -E2BIG)
		err = s->failed ? failure(s, before) : limits_check(s);
	s->final = final;
	s->failed |= failed;
	if (err || s->probes.n)
		return err;
	/* Once that was no mistake: the caller says it on stdout. */
	if (sema_compat17(s))
		return -ENOENT;
	return diag_error(s->dg, (struct place){.file = s->prog->file}, -ENOENT,
			  "there are no probes to attach");
}

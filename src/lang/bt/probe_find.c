/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/probe_find.c - the places that an attach point fits, and what is said where there is
 * none. */
#include "base/str.h"
#include "lang/bt/probe_priv.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>


/* ---- names near a missing one ---- */

enum { NEAR_MAX = 3 };

struct near {
	struct arena *a;
	enum script_hook hook;
	const char *wanted;
	const char *name[NEAR_MAX];
	u32 distance[NEAR_MAX];
	u32 n;
};

static void near_add(struct near *n, const char *name, u32 distance)
{
	u32 i = n->n < NEAR_MAX ? n->n++ : NEAR_MAX;

	for (u32 j = 0; j < n->n && j < i; j++)
		if (!strcmp(n->name[j], name)) {
			n->n -= i < NEAR_MAX;
			return;
		}
	if (i == NEAR_MAX && distance >= n->distance[NEAR_MAX - 1])
		return;
	i = MIN(i, (u32)NEAR_MAX - 1);
	for (; i > 0 && n->distance[i - 1] > distance; i--) {
		n->name[i] = n->name[i - 1];
		n->distance[i] = n->distance[i - 1];
	}
	n->name[i] = name;
	n->distance[i] = distance;
}

/* Of long names a part may be meant: kprobe:read for vfs_read. */
static u32 likeness(const char *wanted, const char *name)
{
	size_t n = strlen(wanted), len = strlen(name);

	if (n >= 4 && len - MIN(len, n) <= 12 && strstr(name, wanted))
		return 2;
	return str_distance(wanted, name, len);
}

static int near_hook(void *arg, const struct world_hook *h)
{
	struct near *n = arg;
	bool by_target = n->hook == HOOK_SOFTWARE || n->hook == HOOK_HARDWARE;
	const char *name = by_target ? h->target : h->fn;
	u32 d = likeness(n->wanted, name);

	if (d <= MAX((u32)strlen(n->wanted) / 3, 2u)) {
		if (n->hook == HOOK_TRACEPOINT)
			name = arena_printf(n->a, "%s:%s", h->target, h->fn);
		else if (n->hook == HOOK_USDT)
			name = arena_printf(n->a, "%s:%s", h->ns, h->fn);
		else
			name = arena_strdup(n->a, name);
		near_add(n, name, d);
	}
	return 0;
}

/* The system call that a kernel function is about, as far as its name tells. */
static const char *call_of(const char *fn)
{
	static const char *const prefixes[] = {
		"__x64_sys_", "__arm64_sys_", "__se_sys_", "__do_sys_", "do_sys_",
		"ksys_",      "vfs_",	      "sys_",	   "do_",	"__"};

	for (u32 i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (str_starts(fn, prefixes[i]))
			return fn + strlen(prefixes[i]);
	return fn;
}

/* On the user engine kernel functions are known by the system calls that lead to them. */
static void near_call(struct sema *s, const char *fn, struct near *n)
{
	const char *call = call_of(fn);
	const char *event = arena_printf(n->a, "sys_enter_%s", call);

	n->hook = HOOK_TRACEPOINT;
	n->wanted = event;
	s->w->hooks(s->w->arg, HOOK_TRACEPOINT, "syscalls", "", event, -1, NULL, near_hook, n);
	if (!n->n)
		s->w->hooks(s->w->arg, HOOK_TRACEPOINT, "syscalls", "", "sys_enter_*", -1, NULL,
			    near_hook, n);
	for (u32 i = 0; i < n->n; i++)
		n->name[i] = arena_printf(n->a, "tracepoint:%s", n->name[i]);
}

/* "nearest: a, b"; NULL: nothing is. */
static const char *nearest(struct sema *s, const struct script_attach *a)
{
	struct near n = { .a = &s->prog->arena, .hook = a->hook, .wanted = a->fn };
	bool is_kernel = a->hook == HOOK_KPROBE || a->hook == HOOK_KRETPROBE ||
			 a->hook == HOOK_FENTRY || a->hook == HOOK_FEXIT;
	struct str out = {0};
	const char *text;

	if (a->hook == HOOK_SOFTWARE || a->hook == HOOK_HARDWARE)
		n.wanted = a->target;
	if (!*n.wanted || attach_is_pattern(n.wanted))
		return NULL;
	if (is_kernel && s->w->is_user) {
		near_call(s, a->fn, &n);
	} else {
		bool by_name = a->hook == HOOK_SOFTWARE || a->hook == HOOK_HARDWARE;

		s->w->hooks(s->w->arg, a->hook, by_name ? "*" : a->target, a->ns, "*", a->pid, NULL,
			    near_hook, &n);
		if (!n.n && a->hook == HOOK_TRACEPOINT)
			s->w->hooks(s->w->arg, a->hook, "*", "", "*", a->pid, NULL, near_hook, &n);
		if (!n.n && a->hook == HOOK_USDT && *a->ns)
			s->w->hooks(s->w->arg, a->hook, a->target, "", "*", a->pid, NULL, near_hook,
				    &n);
	}
	for (u32 i = 0; i < n.n; i++)
		str_addf(&out, "%s%s", i ? ", " : "nearest: ", n.name[i]);
	text = out.len ? arena_strdup(&s->prog->arena, str_text(&out)) : NULL;
	str_free(&out);
	return text;
}

/* ---- missing ones ---- */

/* "kprobe:vfs_read: kernel functions are not visible to the user engine; nearest: tracepoint:..."
 */
static int missing(struct sema *s, const struct node *node, const struct script_attach *a,
		   const char *why)
{
	const char *name = attach_name(&s->prog->arena, a, s->opts->compat), *near;
	bool of_user = a->hook == HOOK_UPROBE || a->hook == HOOK_URETPROBE || a->hook == HOOK_USDT;
	u32 how = s->set.missing_probes;

	if (how == MISSING_ERROR && (s->opts->partial || (of_user && sema_compat17(s))))
		how = MISSING_WARN;
	if (how == MISSING_IGNORE)
		return 0;
	near = nearest(s, a);
	if (!why && s->w->is_user && a->hook == HOOK_TRACEPOINT)
		why = "this is not visible to the user engine";
	if (!why)
		why = attach_is_pattern(a->fn) || attach_is_pattern(a->target)
			      ? "nothing fits this pattern"
			      : "there is no such place";
	if (how == MISSING_WARN) {
		sema_warn(s, node, "%s: %s%s%s; left out", name, why, near ? "; " : "",
			  near ? near : "");
		return 0;
	}
	sema_error(s, node, "%s: %s%s%s", name, why, near ? "; " : "", near ? near : "");
	if ((a->hook == HOOK_UPROBE || a->hook == HOOK_URETPROBE) && !*a->ns && strstr(a->fn, "::"))
		sema_hint(s, "a C++ name as it is written wants cpp: %s:%s:cpp:\"%s\"",
			  script_hook_text(a->hook), a->target, a->fn);
	else
		sema_hint(s, "missing_probes = \"warn\" in the config block goes on without it");
	s->failed = true;
	return -ENOENT;
}

/* The last error of a diag of our own, for `why`. */
static const char *why_of(struct sema *s, const struct diag *dg)
{
	for (u32 i = dg->n; i > 0; i--)
		if (dg->msgs[i - 1].level == DIAG_ERROR && dg->msgs[i - 1].text)
			return arena_strdup(&s->prog->arena, dg->msgs[i - 1].text);
	return NULL;
}

/* ---- finding ---- */

struct finding {
	struct sema *s;
	const struct node *node;
	const struct script_attach *a;
	probe_places *out;
	bool keep_form;      /* the script's own words are its name: no pattern was in them */
	u32 n;
	bool failed;         /* memory was out */
	bool told;           /* a mistake */
};

/* What comes of a mistake that was told. */
static int told(struct finding *f, int err)
{
	f->told = f->s->failed = true;
	return err;
}

static struct probe_place *place_add(struct finding *f, const struct script_attach *a)
{
	struct probe_place *p = vec_add(f->out);

	if (!p) {
		f->failed = true;
		return NULL;
	}
	p->a = *a;
	p->node = f->node;
	p->usdt_args = "";
	f->n++;
	return p;
}

static int found_one(void *arg, const struct world_hook *h)
{
	struct finding *f = arg;
	struct arena *mem = &f->s->script->arena;
	struct script_attach a = *f->a;
	struct probe_place *p;

	a.fn = arena_strdup(mem, h->fn);
	if (!f->keep_form || a.hook == HOOK_UPROBE || a.hook == HOOK_URETPROBE ||
	    a.hook == HOOK_USDT)
		a.target = arena_strdup(mem, h->target);
	if (!strcmp(a.target, "bpf") && (a.hook == HOOK_FENTRY || a.hook == HOOK_FEXIT)) {
		a.ns = arena_strdup(mem, h->ns); /* the program's id */
		attach_number(h->ns, &a.value);
	}
	if (a.hook == HOOK_USDT) {
		a.ns = arena_strdup(mem, h->ns);
		a.off = h->off;
		a.ref_ctr_off = h->ref_ctr_off;
	}
	p = place_add(f, &a);
	if (p && a.hook == HOOK_USDT)
		p->usdt_args = arena_strdup(mem, h->args ? h->args : "");
	return p ? 0 : -ENOMEM;
}

/* One place for a pattern: is there anything at all? */
static int found_any(void *arg, const struct world_hook *h)
{
	struct finding *f = arg;
	struct script_attach a = *f->a;

	(void)h;
	a.is_multi = true;
	return place_add(f, &a) ? 1 : -ENOMEM;
}

static int found_addr(void *arg, const struct world_hook *h)
{
	struct finding *f = arg;
	struct script_attach a = *f->a;

	a.off = h->off;
	return place_add(f, &a) ? 1 : -ENOMEM;
}

/* The whole path of the binary that a uprobe or USDT probe names. */
static int find_binary(struct finding *f, struct script_attach *a)
{
	struct sema *s = f->s;
	struct diag dg = {0};
	char *path = NULL;
	int err = s->w->binary(s->w->arg, a->target, a->pid, &dg, &path);

	if (!err) {
		a->target = arena_strdup(&s->script->arena, path);
	} else if (s->opts->partial ||
		   (s->set.missing_probes != MISSING_ERROR && !attach_is_pattern(a->fn))) {
		err = missing(s, f->node, a, why_of(s, &dg)) ? err : 1;
	} else {
		sema_error(s, f->node, "%s: %s", script_hook_text(a->hook),
			   dg.n && dg.msgs[0].text ? dg.msgs[0].text : strerror(-err));
		told(f, err);
	}
	free(path);
	diag_free(&dg);
	return err;
}

static int find_line(struct finding *f, struct script_attach *a)
{
	struct sema *s = f->s;
	char *file = arena_strdup(&s->prog->arena, a->fn), *line = strrchr(file, ':'), *col = NULL,
	     *more;
	struct diag dg = {0};
	int err;

	*line++ = '\0';
	more = strrchr(file, ':');
	if (more && attach_number(more + 1, &(u64){0})) {
		*more++ = '\0';
		col = line;
		line = more;
	}
	err = s->w->line(s->w->arg, a->target, file, (u32)strtoul(line, NULL, 10),
			 col ? (u32)strtoul(col, NULL, 10) : 0, &dg, &a->off);
	if (!err) {
		a->name = attach_name(&s->script->arena, a, s->opts->compat);
		a->fn = a->ns = "";
		err = place_add(f, a) ? 0 : -ENOMEM;
	} else {
		sema_error(s, f->node, "%s",
			   dg.n && dg.msgs[0].text ? dg.msgs[0].text : strerror(-err));
		told(f, err);
	}
	diag_free(&dg);
	return err;
}

/* An address in a binary: where it is in the file. */
static int find_address(struct finding *f, struct script_attach *a, struct diag *dg)
{
	struct sema *s = f->s;
	int err;

	a->name = attach_name(&s->script->arena, a, s->opts->compat);
	err = s->w->hooks(s->w->arg, a->hook, a->target, "",
			  arena_printf(&s->prog->arena, "%lu", a->off), a->pid, dg, found_addr, f);
	return MIN(err, 0);
}

/* Behind a function's end are other functions' instructions, or none. */
static int check_offset(struct finding *f, const struct script_attach *a)
{
	struct sema *s = f->s;
	u64 addr, size = 0;

	if (!a->off || s->opts->unsafe || s->w->uaddr(s->w->arg, a->target, a->fn, &addr, &size) ||
	    !size || a->off < size)
		return 0;
	sema_error(s, f->node, "+%lu is outside of '%s', which has %lu bytes", a->off, a->fn, size);
	return told(f, -EINVAL);
}

static int find_user(struct finding *f, struct script_attach *a, bool expand, struct diag *dg)
{
	struct sema *s = f->s;
	bool wild_path = attach_is_pattern(a->target),
	     wild = attach_is_pattern(a->fn) || !strcmp(a->ns, "cpp");
	int err;

	if (!wild_path || (a->pid > 0 && !*a->target)) {
		err = find_binary(f, a);
		if (err)
			return err;
	}
	if (!strcmp(a->ns, "@"))
		return find_line(f, a);
	if (!*a->fn)
		return find_address(f, a, dg);
	err = wild || wild_path || a->hook == HOOK_USDT ? 0 : check_offset(f, a);
	if (err)
		return err;
	/* A pattern of one binary is looked up again where the program is attached. */
	if (wild && !wild_path && !expand && !*a->ns && a->hook != HOOK_USDT && !strchr(a->fn, '['))
		err = s->w->hooks(s->w->arg, a->hook, a->target, "", a->fn, a->pid, dg, found_any,
				  f);
	else
		err = s->w->hooks(s->w->arg, a->hook, a->target, a->ns, a->fn, a->pid, dg,
				  found_one, f);
	return MIN(err, 0);
}

static int find_kernel(struct finding *f, struct script_attach *a, bool expand, struct diag *dg)
{
	struct sema *s = f->s;
	bool is_kprobe = a->hook == HOOK_KPROBE || a->hook == HOOK_KRETPROBE;
	bool wild = attach_is_pattern(a->fn) || attach_is_pattern(a->target);
	int err;

	if (is_kprobe && !*a->fn) {
		if (!s->opts->unsafe) {
			sema_error(s, f->node,
				   "a probe at an address wants --unsafe: nothing checks that a "
				   "function is there");
			return told(f, -EINVAL);
		}
		return place_add(f, a) ? 0 : -ENOMEM;
	}
	f->keep_form = !wild && strcmp(a->target, "bpf") != 0;
	if (is_kprobe && wild && !expand && !*a->target && !s->w->is_user && !strchr(a->fn, '['))
		err = s->w->hooks(s->w->arg, a->hook, a->target, "", a->fn, -1, dg, found_any, f);
	else
		err = s->w->hooks(s->w->arg, a->hook, a->target, a->ns, a->fn, -1, dg, found_one,
				  f);
	return MIN(err, 0);
}

static int found_event(void *arg, const struct world_hook *h)
{
	(void)arg, (void)h;
	return 1;
}

/* Events by name: nothing is found but whether there is such a one. */
static int find_event(struct finding *f, struct script_attach *a)
{
	struct sema *s = f->s;

	if (s->w->hooks(s->w->arg, a->hook, a->target, "", "", -1, NULL, found_event, NULL) > 0)
		return place_add(f, a) ? 0 : -ENOMEM;

	const char *near = nearest(s, a);

	if (s->w->is_user && a->hook == HOOK_HARDWARE)
		sema_error(s, f->node,
			   "hardware events are not visible to the user engine; profile samples by "
			   "time");
	else
		sema_error(s, f->node, "'%s' is no %s event%s%s%s", a->target,
			   script_hook_text(a->hook),
			   s->w->is_user ? " that the user engine has" : "", near ? "; " : "",
			   near ? near : "");
	return told(f, -ENOENT);
}

/* What a search costs: one name of one binary or kernel list, a whole list, the lists of many
 * binaries. */
enum { COST_NAME = 1, COST_LIST = 20, COST_BINARIES = 400, COST_MAX = 100000 };

static u32 cost(const struct script_attach *a)
{
	if (attach_is_pattern(a->target) &&
	    (a->hook == HOOK_UPROBE || a->hook == HOOK_URETPROBE || a->hook == HOOK_USDT))
		return COST_BINARIES;
	return attach_is_pattern(a->fn) || attach_is_pattern(a->target) ? COST_LIST : COST_NAME;
}

int probe_find(struct sema *s, const struct node *node, const struct script_attach *at, bool expand,
	       probe_places *out)
{
	struct script_attach a = *at;
	struct finding f = { .s = s, .node = node, .a = &a, .out = out };
	struct diag dg = {0};
	int err = 0;

	s->searched += cost(&a);
	if (s->searched > COST_MAX) {
		sema_error(s, node, "the script names too many probes to look for them all");
		s->failed = true;
		return -E2BIG;
	}
	switch (a.hook) {
	case HOOK_UPROBE:
	case HOOK_URETPROBE:
	case HOOK_USDT:
		err = find_user(&f, &a, expand, &dg);
		break;
	case HOOK_KPROBE:
	case HOOK_KRETPROBE:
	case HOOK_FENTRY:
	case HOOK_FEXIT:
	case HOOK_TRACEPOINT:
	case HOOK_RAWTRACEPOINT:
	case HOOK_ITER:
		err = find_kernel(&f, &a, expand, &dg);
		break;
	case HOOK_SOFTWARE:
	case HOOK_HARDWARE:
		err = find_event(&f, &a);
		break;
	case HOOK_WATCHPOINT:
	case HOOK_ASYNCWATCHPOINT:
		if (s->w->is_user)
			return missing(s, node, &a, "the user engine has no watchpoints");
		err = place_add(&f, &a) ? 0 : -ENOMEM;
		break;
	default:
		err = place_add(&f, &a) ? 0 : -ENOMEM;
		break;
	}
	if (f.failed) {
		err = -ENOMEM;
	} else if (err == 1) {
		err = 0; /* left out, and said so */
	} else if (!f.n && !f.told &&
		   (err == 0 || err == -EOPNOTSUPP || err == -ENOENT || err == -EACCES)) {
		bool unsupported = err == -EOPNOTSUPP;

		err = missing(s, node, &a, why_of(s, &dg));
		s->n_unsupported += err && unsupported;
	} else if (err < 0 && dg.n && !f.told) {
		sema_error(s, node, "%s", why_of(s, &dg));
		told(&f, err);
	}
	diag_free(&dg);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/fn_probe.c - the probe, its context and arguments; settings and options of the script.
 *
 * What is in the context, and where, was found by probe.c (struct bt_probe); here it is read.
 */
#include "abi/helper.h"
#include "lang/bt/attach.h"
#include "lang/bt/func.h"
#include "lang/bt/probe.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct rv rv_of(const struct node *n, struct val *v)
{
	return (struct rv){ n->type, v };
}

/* ---- who may ask ---- */

/* A bit for each kind of probe. */
#define BIT(hook) (1u << HOOK_##hook)

/* Is the node in a probe of one of these kinds?  Else a mistake; what: their names. */
static bool check_hook(struct sema *s, const struct node *n, u32 hooks, const char *what)
{
	if (!s->probe) {
		sema_error(s, n, "%s can only be used in a probe", n->text);
		return false;
	}
	if (1u << s->probe->hook & hooks)
		return true;
	sema_error(s, n, "%s can only be used with %s probes, not with \"%s\"", n->text, what,
		   script_hook_text(s->probe->hook));
	return false;
}

/* Has the context registers? */
static bool check_regs(struct sema *s, const struct node *n)
{
	if (!s->probe) {
		sema_error(s, n, "%s can only be used in a probe", n->text);
		return false;
	}
	if (hook_flags(s->probe->hook) & HOOK_REGS)
		return true;
	sema_error(s, n, "%s can not be used with \"%s\" probes: they have no registers", n->text,
		   script_hook_text(s->probe->hook));
	return false;
}

/* An integer that is an address of the probe's memory, should it become a pointer. */
static const struct stype *word_type(struct sema *s)
{
	struct stype *t = arena_alloc(sema_types(s), sizeof(*t));

	*t = *stype_int(8, false);
	t->space = s->probe && s->probe->is_user ? SS_USER : SS_KERNEL;
	return t;
}

static struct val *emit_word(struct emit *e, s64 off)
{
	return emit_load(e, stype_int(8, false), e->ctx, off);
}

/* ---- arguments and results ---- */

/* Where the attach point stands: what is wrong with it is said there. */
static const struct node *attach_node(const struct sema *s, const struct node *n)
{
	const struct node *at = s->probe->node->kids;

	return at && at->kind == NODE_ATTACH ? at : n;
}

void func_check_args(struct sema *s, struct node *n)
{
	n->type = stype_none();
	if (!check_hook(s, n,
			BIT(TRACEPOINT) | BIT(RAWTRACEPOINT) | BIT(FENTRY) | BIT(FEXIT) |
				BIT(UPROBE),
			"tracepoint, rawtracepoint, fentry, fexit and uprobe"))
		return;
	if (s->probe->args) {
		n->type = s->probe->args;
		return;
	}
	if (s->probe->hook == HOOK_UPROBE) {
		sema_error(s, attach_node(s, n),
			   "the arguments of this function are not known: %s%s",
			   s->probe->binary ? s->probe->binary : "its binaries",
			   " has no debug information of it");
		sema_hint(s, "arg0, arg1 ... are its arguments as they stand in registers");
	} else {
		sema_error(s, attach_node(s, n),
			   "the arguments of these places are not known, or not the same");
	}
}

struct rv func_emit_args(struct emit *e, const struct node *n)
{
	return rv_of(n, e->ctx);
}

/* A value that stands in a word of the context. */
static struct rv slot_value(struct emit *e, const struct node *n, const struct stype_field *f)
{
	struct val *v;

	if (!stype_is_scalar(f->type))
		return rv_of(n, ir_ptradd(e->b, e->ctx, emit_i64(e, f->off)));
	v = emit_word(e, f->off);
	return rv_of(n, emit_narrow(e, v, f->type));
}

void func_check_retval(struct sema *s, struct node *n)
{
	n->type = stype_int(8, false);
	if (check_hook(s, n, BIT(KRETPROBE) | BIT(URETPROBE) | BIT(FEXIT),
		       "kretprobe, uretprobe and fexit")) {
		n->type = s->probe->retval ? s->probe->retval : word_type(s);
		if (s->probe->hook == HOOK_FEXIT && !s->probe->ret_field)
			sema_error(s, n, "this function returns nothing");
	} else if (s->probe && s->probe->hook == HOOK_TRACEPOINT) {
		sema_hint(s, "args.ret may be what is meant");
	}
}

struct rv func_emit_retval(struct emit *e, const struct node *n)
{
	if (e->probe->ret_field)
		return slot_value(e, n, e->probe->ret_field);
	return rv_of(n, emit_narrow(e, emit_word(e, bt_reg_find("ax")), n->type));
}

/* argN, sargN: the number, and whether it is one of the stack. */
static u32 arg_number(const struct node *n, bool *on_stack)
{
	*on_stack = n->text[0] == 's';
	return (u32)strtoul(n->text + (*on_stack ? 4 : 3), NULL, 10);
}

static bool in_registers(enum script_hook h)
{
	return h == HOOK_KPROBE || h == HOOK_UPROBE;
}

void func_check_argn(struct sema *s, struct node *n)
{
	bool on_stack;
	u32 i = arg_number(n, &on_stack);

	n->type = s->probe && s->probe->hook == HOOK_USDT && !sema_compat17(s) ? stype_int(8, true)
									       : word_type(s);
	if (on_stack) {
		if (check_hook(s, n, BIT(KPROBE) | BIT(UPROBE), "kprobe and uprobe") &&
		    !sema_compat17(s))
			sema_warn(s, n,
				  "%s is a word of the stack: newer versions of the language have "
				  "it no more",
				  n->text);
		return;
	}
	if (!check_hook(s, n,
			BIT(KPROBE) | BIT(UPROBE) | BIT(USDT) | BIT(RAWTRACEPOINT) | BIT(FENTRY) |
				BIT(FEXIT),
			"kprobe, uprobe, usdt, rawtracepoint and fentry")) {
		if (s->probe && 1u << s->probe->hook & (BIT(KRETPROBE) | BIT(URETPROBE)))
			sema_hint(s, "at the return of a function, retval is its result; keep "
				     "arguments in a map at its entry");
		return;
	}
	if (in_registers(s->probe->hook) && bt_arg_reg(i) < 0) {
		sema_error(s, n,
			   "only the first 6 arguments stand in registers (arg0 to arg5), not %s",
			   n->text);
		sema_hint(s, "sarg0 is the first word of the stack behind the return address");
	} else if (s->probe->hook == HOOK_USDT && i >= s->probe->n_usdt && sema_compat17(s)) {
		sema_error(s, n, "this probe has no argument %u", i);
	} else if (s->probe->hook == HOOK_USDT && i >= s->probe->n_usdt) {
		sema_warn(s, n, "this probe has no argument %u: it is 0", i);
	} else if (i >= 12) {
		sema_error(s, n, "there are at most 12 arguments (arg0 to arg11), not %s", n->text);
	}
}

static struct val *emit_usdt_reg(struct emit *e, s32 reg)
{
	return reg < 0 ? emit_i64(e, 0) : emit_word(e, reg);
}

static struct val *emit_usdt_arg(struct emit *e, const struct usdt_arg *a)
{
	const struct stype *t = stype_int(a->bytes, a->is_signed);
	struct val *addr;

	switch (a->kind) {
	case USDT_ARG_CONST:
		return emit_i64(e, a->value);
	case USDT_ARG_REG:
		return emit_narrow(e, emit_usdt_reg(e, a->reg), t);
	default:
		break;
	}
	addr = ir_bin(e->b, OP_ADD, emit_usdt_reg(e, a->reg), emit_i64(e, a->value));
	if (a->index >= 0)
		addr = ir_bin(
			e->b, OP_ADD, addr,
			ir_bin(e->b, OP_MUL, emit_usdt_reg(e, a->index), emit_i64(e, a->scale)));
	return emit_load(e, t, emit_ptr(e, addr, SPACE_USER), 0);
}

static enum ir_space probe_space(const struct emit *e)
{
	return e->probe->is_user ? SPACE_USER : SPACE_KERNEL;
}

/* At a function's entry the stack begins with the return address. */
static struct val *emit_stack_word(struct emit *e, u32 i)
{
	struct val *sp = emit_ptr(e, emit_word(e, bt_reg_find("sp")), probe_space(e));

	return emit_load(e, stype_int(8, false), sp, 8 * ((s64)i + 1));
}

struct rv func_emit_argn(struct emit *e, const struct node *n)
{
	const struct bt_probe *p = e->probe;
	bool on_stack;
	u32 i = arg_number(n, &on_stack);

	if (on_stack)
		return rv_of(n, emit_stack_word(e, i));
	if (p->hook == HOOK_USDT)
		return rv_of(n, i < p->n_usdt ? emit_usdt_arg(e, &p->usdt[i]) : emit_i64(e, 0));
	return rv_of(n, emit_word(e, in_registers(p->hook) ? bt_arg_reg(i) : 8 * (s64)i));
}

/* ---- the context itself ---- */

static const char *ctx_struct(struct sema *s)
{
	const struct bt_probe *p = s->probe;

	switch (p->hook) {
	case HOOK_KPROBE:
	case HOOK_KRETPROBE:
	case HOOK_UPROBE:
	case HOOK_URETPROBE:
	case HOOK_USDT:
		return "struct pt_regs";
	case HOOK_PROFILE:
	case HOOK_SOFTWARE:
	case HOOK_HARDWARE:
	case HOOK_WATCHPOINT:
	case HOOK_ASYNCWATCHPOINT:
		return "struct bpf_perf_event_data";
	case HOOK_ITER:
		return arena_printf(sema_types(s), "struct bpf_iter__%s",
				    p->attaches.n ? s->script->attaches.p[p->attaches.p[0]].fn
						  : "");
	default:
		return NULL;
	}
}

void func_check_ctx(struct sema *s, struct node *n)
{
	const struct stype *t = NULL;
	const char *name;

	n->type = stype_none();
	if (!s->probe) {
		sema_error(s, n, "ctx can only be used in a probe");
		return;
	}
	name = ctx_struct(s);
	if (!name) {
		sema_error(s, n, "ctx can not be used with \"%s\" probes",
			   script_hook_text(s->probe->hook));
		if (hook_flags(s->probe->hook) & HOOK_TYPED)
			sema_hint(s, "args has what the context holds");
		return;
	}
	t = sema_type_find(s, name);
	/* Pointers of an iterator's context may be null, and a direct load of them is no number to
	 * the verifier. */
	n->type = stype_ptr(sema_types(s), t ? t : stype_void(),
			    s->probe->hook == HOOK_ITER ? SS_KERNEL : SS_CTX);
}

struct rv func_emit_ctx(struct emit *e, const struct node *n)
{
	return rv_of(n, emit_int(e, e->ctx));
}

void func_check_reg(struct sema *s, struct node *n)
{
	const char *name;

	n->type = word_type(s);
	sema_expr(s, n->kids);
	name = sema_literal_str(s, n->kids, "the name of the register");
	check_regs(s, n);
	if (name && bt_reg_find(name) < 0) {
		sema_error(s, n, "'%s' is not a register of this machine (x86_64)", name);
		sema_hint(s, "they are ax, bx, cx, dx, si, di, bp, sp, r8 to r15, ip, cs, ss, "
			     "flags, orig_ax; pc is ip");
	}
}

struct rv func_emit_reg(struct emit *e, const struct node *n)
{
	return rv_of(n, emit_word(e, bt_reg_find(n->kids->str)));
}

/* Run by a system call of the script's own process. */
static bool is_own(enum script_hook h)
{
	return h == HOOK_BEGIN || h == HOOK_END || h == HOOK_SELF || h == HOOK_TEST ||
	       h == HOOK_BENCH;
}

/* The low bits of cs are the privilege level: 3 in user mode. */
void func_check_usermode(struct sema *s, struct node *n)
{
	n->type = stype_int(1, false);
	if (s->probe && is_own(s->probe->hook)) {
		n->is_const = true;
		n->konst = 1;
		return;
	}
	check_regs(s, n);
}

struct rv func_emit_usermode(struct emit *e, const struct node *n)
{
	struct val *cs = ir_bin(e->b, OP_AND, emit_word(e, bt_reg_find("cs")), emit_i64(e, 3));

	return rv_of(n, ir_cast(e->b, OP_ZEXT, IR_I64, ir_cmp(e->b, OP_EQ, cs, emit_i64(e, 3))));
}

/* ---- names ---- */

static void set_str(struct sema *s, struct node *n, const char *text)
{
	n->str = text;
	n->type = stype_str(sema_types(s), (u32)strlen(text) + 1);
}

static struct rv emit_str(struct emit *e, const struct node *n)
{
	return rv_of(n, emit_bytes(e, n->str, n->type->size));
}

/* What two places of a program may differ in. */
static const char *name_of(const struct script_attach *a)
{
	return a->name;
}

static const char *fn_of(const struct script_attach *a)
{
	return a->fn;
}

typedef const char *(*place_text_fn)(const struct script_attach *a);

/* A string that differs by place: known now where the program has one place only. */
static void check_by_place(struct sema *s, struct node *n, place_text_fn text)
{
	const struct bt_probe *p = s->probe;
	u32 size = 1;

	if (p->attaches.n == 1) {
		set_str(s, n, text(&s->script->attaches.p[p->attaches.p[0]]));
		return;
	}
	for (u32 i = 0; i < p->attaches.n; i++)
		size = MAX(size, (u32)strlen(text(&s->script->attaches.p[p->attaches.p[i]])) + 1);
	n->type = stype_str(sema_types(s), size);
}

/* A table by cookie; what no cookie names is "" (the first). */
static struct rv emit_by_place(struct emit *e, const struct node *n, place_text_fn text)
{
	const struct bt_probe *p = e->probe;
	const struct script *sc = e->s->script;
	u32 size = ALIGN_UP(n->type->size, 8u), max = 0;
	struct val *cookie, *at;
	char *table;

	for (u32 i = 0; i < p->attaches.n; i++)
		max = MAX(max, (u32)MIN(sc->attaches.p[p->attaches.p[i]].cookie, (u64)UINT16_MAX));
	table = arena_alloc(&e->m->arena, (size_t)size * (max + 1));
	for (u32 i = 0; i < p->attaches.n; i++) {
		const struct script_attach *a = &sc->attaches.p[p->attaches.p[i]];

		if (a->cookie <= max)
			strcpy(table + size * a->cookie, text(a));
	}
	cookie = emit_call(e, HELPER_get_attach_cookie, e->ctx);
	cookie = ir_select(e->b, ir_cmp(e->b, OP_ULE, cookie, emit_i64(e, max)), cookie,
			   emit_i64(e, 0));
	at = emit_bytes(e, table, size * (max + 1));
	return rv_of(n, ir_ptradd(e->b, at, ir_bin(e->b, OP_MUL, cookie, emit_i64(e, size))));
}

/* The function that was hit; its name is looked up when it is printed.  At an entry the instruction
 * pointer is there, elsewhere the kernel keeps it.  The user engine's kernel functions have no
 * addresses: names are all. */
void func_check_func(struct sema *s, struct node *n)
{
	n->type = stype_simple(ST_KSYM);
	if (!check_hook(s, n,
			BIT(KPROBE) | BIT(KRETPROBE) | BIT(UPROBE) | BIT(URETPROBE) | BIT(FENTRY) |
				BIT(FEXIT),
			"kprobe, uprobe, fentry and their return"))
		return;
	if (s->probe->is_user)
		n->type = stype_simple(ST_USYM);
	else if (s->w->is_user && s->probe->attaches.n)
		check_by_place(s, n, fn_of);
}

struct rv func_emit_func(struct emit *e, const struct node *n)
{
	struct val *ip;

	if (n->str)
		return emit_str(e, n);
	if (n->type->kind == ST_STR)
		return emit_by_place(e, n, fn_of);
	ip = in_registers(e->probe->hook) ? emit_word(e, bt_reg_find("ip"))
					  : emit_call(e, HELPER_get_func_ip, e->ctx);
	return n->type->kind == ST_USYM ? emit_usym(e, n->type, ip) : rv_of(n, ip);
}

void func_check_probe(struct sema *s, struct node *n)
{
	n->type = stype_none();
	if (!s->probe) {
		sema_error(s, n, "probe can only be used in a probe");
		return;
	}
	if (s->probe->name)
		set_str(s, n, s->probe->name);
	else
		check_by_place(s, n, name_of);
}

struct rv func_emit_probe(struct emit *e, const struct node *n)
{
	return n->str ? emit_str(e, n) : emit_by_place(e, n, name_of);
}

void func_check_probetype(struct sema *s, struct node *n)
{
	n->type = stype_none();
	if (!s->probe)
		sema_error(s, n, "probetype can only be used in a probe");
	else if (s->probe->hook == HOOK_BEGIN || s->probe->hook == HOOK_END ||
		 s->probe->hook == HOOK_SELF)
		set_str(s, n, "special");
	else
		set_str(s, n, script_hook_text(s->probe->hook));
}

struct rv func_emit_probetype(struct emit *e, const struct node *n)
{
	return emit_str(e, n);
}

/* ---- settings ---- */

enum { CONFIG_VALUES = 64 }; /* at most; settings.def */

/* All of them as a record; config.NAME alone is a constant: check_field.c. */
void func_check_config(struct sema *s, struct node *n)
{
	const struct stype *types[CONFIG_VALUES];
	const char *names[CONFIG_VALUES];
	struct bt_setting_value v;
	u32 count = 0;

	for (; count < CONFIG_VALUES && bt_setting_at(&s->set, count, &v); count++) {
		names[count] = v.name;
		types[count] = v.text	   ? stype_str(sema_types(s), (u32)strlen(v.text) + 1)
			       : v.is_bool ? stype_bool()
					   : stype_int(8, false);
	}
	n->type = stype_tuple(sema_types(s), types, names, count);
}

struct rv func_emit_config(struct emit *e, const struct node *n)
{
	struct bt_setting_value v;
	u8 *bytes = arena_alloc(&e->m->arena, n->type->size);

	for (u32 i = 0; i < n->type->n_fields && bt_setting_at(&e->s->set, i, &v); i++) {
		const struct stype_field *f = &n->type->fields[i];

		if (v.text)
			memcpy(bytes + f->off, v.text, f->type->size);
		else
			memcpy(bytes + f->off, &v.number, f->type->size);
	}
	return rv_of(n, emit_bytes(e, bytes, n->type->size));
}

/* ---- options of the script ---- */

/* The value given for --NAME: "" without one, NULL: not given.  The last one counts. */
static const char *option_value(const struct bt_opts *o, const char *name)
{
	size_t len = strlen(name);
	const char *value = NULL;

	for (u32 i = 0; i < o->n_named; i++) {
		const char *given = o->named[i];

		if (strncmp(given, name, len) || (given[len] && given[len] != '='))
			continue;
		value = given[len] ? given + len + 1 : "";
	}
	return value;
}

static void set_const(struct node *n, const struct stype *type, s64 v)
{
	n->type = type;
	n->is_const = true;
	n->konst = v;
}

static void option_bool(struct sema *s, struct node *n, const char *name, bool otherwise)
{
	const char *given = option_value(s->opts, name);
	bool is_true = given && (!*given || !strcasecmp(given, "true") || !strcmp(given, "1"));

	set_const(n, stype_bool(), given ? is_true : otherwise);
	if (given && !is_true && strcasecmp(given, "false") && strcmp(given, "0"))
		sema_error(s, n, "option --%s takes true or false, not '%s'", name, given);
}

static void option_int(struct sema *s, struct node *n, const char *name, s64 otherwise)
{
	const char *given = option_value(s->opts, name);
	s64 v = otherwise;
	u64 u;

	if (given && str_to_s64(given, &v)) {
		if (!str_to_u64(given, &u))
			v = (s64)u;
		else
			sema_error(s, n, "option --%s takes an integer, not '%s'", name, given);
	}
	set_const(n, stype_int(8, true), v);
}

void func_check_getopt(struct sema *s, struct node *n)
{
	struct node *otherwise = node_kid(n, 1), *what = node_kid(n, 2);
	const char *name, *given;

	n->type = stype_none();
	sema_expr(s, n->kids);
	name = sema_literal_str(s, n->kids, "the name of an option");
	if (what) {
		sema_expr(s, what);
		sema_literal_str(s, what, "the description of an option");
	}
	if (otherwise)
		sema_expr(s, otherwise);
	if (!name)
		return;
	if (!otherwise) {
		option_bool(s, n, name, false);
	} else if (otherwise->str) {
		given = option_value(s->opts, name);
		set_str(s, n, given ? given : otherwise->str);
	} else if (otherwise->is_const && otherwise->type->kind == ST_BOOL) {
		option_bool(s, n, name, otherwise->konst);
	} else if (otherwise->is_const) {
		option_int(s, n, name, otherwise->konst);
	} else if (otherwise->type->kind != ST_NONE) {
		sema_error(s, otherwise, "what an option is without being given must be a literal");
	}
}

struct rv func_emit_getopt(struct emit *e, const struct node *n)
{
	return n->str ? emit_str(e, n) : rv_of(n, emit_i64(e, n->konst));
}

/* The names that getopt() asks for, in order. */
static void options_find(const struct node *n, struct str *out)
{
	if (n->kind == NODE_CALL && !strcmp(n->text, "getopt") && n->kids && n->kids->str) {
		str_add(out, " --");
		str_add(out, n->kids->str);
		str_addc(out, ' ');
	}
	for (const struct node *k = n->kids; k; k = k->next)
		options_find(k, out);
}

void func_check_options(struct sema *s)
{
	struct str known = { 0 };

	if (!s->opts->n_named)
		return;
	for (u32 i = 0; i < s->probes.n; i++)
		options_find(s->probes.p[i]->node, &known);
	for (u32 i = 0; i < s->fns.n; i++)
		options_find(s->fns.p[i], &known);
	for (u32 i = 0; i < s->opts->n_named; i++) {
		const char *given = s->opts->named[i];
		char *want =
			arena_printf(sema_types(s), " --%.*s ", (int)strcspn(given, "="), given);

		if (strstr(str_text(&known), want))
			continue;
		s->failed = true;
		diag_error(s->dg, (struct place){ 0 }, -EINVAL, "the script has no option%.*s",
			   (int)strlen(want) - 1, want);
		if (known.len)
			diag_note(s->dg, (struct place){0}, "its options are:%s", str_text(&known));
	}
	str_free(&known);
}

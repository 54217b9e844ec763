/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/settings.c - defaults, config blocks, BPFTRACE_ variables; all by settings.def. */
#include "lang/bt/check_inner.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { STRLEN_MAX = 1 << 16, PERF_PAGES_MAX = 1 << 16 };
enum kind { NUMBER, BOOL, TEXT, CHOICE, UNSTABLE };

static const struct setting {
	const char *name;
	enum kind kind;
	u32 off, size;
	const char *old_env;
} settings[] = {
#define SETTING(n, kind, def, def17, env) \
	{ #n, kind, offsetof(struct bt_settings, n), sizeof(((struct bt_settings *)0)->n), env },
#include "lang/bt/settings.def"
};

static const struct {
	const char *old, *now;
} renamed[] = {
#define RENAMED(old_name, new_name) { old_name, new_name },
#include "lang/bt/settings.def"
};

static const char *const obsolete[] = {
#define OBSOLETE(name) name,
#include "lang/bt/settings.def"
};

static const char *const env_only[] = {
#define ENV_ONLY(name) name,
#include "lang/bt/settings.def"
};

/* The words a CHOICE takes, in the order of its values. */
static const struct {
	const char *name;
	const char *words[5];
} choices[] = {
	{ "missing_probes", { "error", "warn", "ignore" } },
	{ "stack_mode", { "bpftrace", "perf", "raw", "build_id" } },
	{ "cache_user_symbols", { "per_pid", "per_program", "none" } },
};

static const char *const licenses[] = {
	"GPL",		"GPL v2",	"GPL and additional rights",
	"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL",
};

static void defaults(struct bt_settings *set, bool compat17)
{
#define SETTING(n, kind, def, def17, env) set->n = compat17 ? def17 : def;
#include "lang/bt/settings.def"
}

static bool among(const char *name, const char *const *list, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (!strcasecmp(name, list[i]))
			return true;
	return false;
}

static const struct setting *find(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(settings); i++)
		if (!strcasecmp(name, settings[i].name))
			return &settings[i];
	return NULL;
}

/* ---- values ---- */

/* What is wrong with the value, or NULL. */
static const char *set_number(struct sema *s, const struct setting *st, const char *text)
{
	u64 v, most = UINT32_MAX;

	if (str_to_u64(text, &v))
		return "expects a number";
	if (!strcmp(st->name, "max_strlen"))
		most = STRLEN_MAX;
	if (!strcmp(st->name, "perf_rb_pages"))
		most = PERF_PAGES_MAX;
	if (v > most)
		return arena_printf(&s->prog->arena, "is at most %llu", (unsigned long long)most);
	if (!v && strcmp(st->name, "perf_rb_pages") && strcmp(st->name, "on_stack_limit"))
		return "must be above 0";
	memcpy((char *)&s->set + st->off, &v, sizeof(v));
	return NULL;
}

static const char *set_bool(struct sema *s, const struct setting *st, const char *text)
{
	static const char *const yes[] = { "1", "true", "on", "yes" };
	static const char *const no[] = { "0", "false", "off", "no" };
	bool v = among(text, yes, ARRAY_SIZE(yes)) ||
		 (st->kind == UNSTABLE &&
		  (!strcasecmp(text, "enable") || !strcasecmp(text, "warn")));

	if (!v && !among(text, no, ARRAY_SIZE(no)) &&
	    !(st->kind == UNSTABLE && !strcasecmp(text, "error")))
		return st->kind == UNSTABLE ? "is one of: enable, warn, error" : "is true or false";
	memcpy((char *)&s->set + st->off, &v, sizeof(v));
	return NULL;
}

static const char *set_choice(struct sema *s, const struct setting *st, const char *text)
{
	struct str list = { 0 };
	const char *why = NULL;

	for (u32 i = 0; i < ARRAY_SIZE(choices); i++) {
		if (strcmp(choices[i].name, st->name))
			continue;
		/* 0.17 has a switch here: 1 is the default */
		if (!strcmp(st->name, "cache_user_symbols") &&
		    (!strcmp(text, "0") || !strcmp(text, "1")))
			text = *text == '0' ? "none" : "per_pid";
		for (u32 v = 0; choices[i].words[v]; v++) {
			if (!strcasecmp(text, choices[i].words[v])) {
				memcpy((char *)&s->set + st->off, &v, sizeof(v));
				str_free(&list);
				return NULL;
			}
			str_addf(&list, "%s%s", v ? ", " : "", choices[i].words[v]);
		}
	}
	why = arena_printf(&s->prog->arena, "is one of: %s", str_text(&list));
	str_free(&list);
	return why;
}

static const char *set_text(struct sema *s, const struct setting *st, const char *text)
{
	const char *copy = arena_strdup(&s->prog->arena, text);

	if (!strcmp(st->name, "license") && !among(text, licenses, ARRAY_SIZE(licenses)))
		return "is one that the kernel knows: GPL, GPL v2, GPL and additional rights, Dual "
		       "BSD/GPL, "
		       "Dual MIT/GPL, Dual MPL/GPL";
	memcpy((char *)&s->set + st->off, &copy, sizeof(copy));
	return NULL;
}

static const char *set(struct sema *s, const struct setting *st, const char *text)
{
	switch (st->kind) {
	case NUMBER:
		return set_number(s, st, text);
	case BOOL:
	case UNSTABLE:
		return set_bool(s, st, text);
	case CHOICE:
		return set_choice(s, st, text);
	case TEXT:
		return set_text(s, st, text);
	}
	return "can't be set";
}

/* ---- config blocks ---- */

static const char *value_text(struct sema *s, const struct node *v)
{
	switch (v->kind) {
	case NODE_INT:
		return arena_printf(&s->prog->arena, "%llu", (unsigned long long)v->value);
	case NODE_BOOL:
		return v->value ? "true" : "false";
	case NODE_STR:
	case NODE_NAME:
		return v->text;
	default:
		return NULL;
	}
}

static void hint_setting(struct sema *s, const char *name)
{
	struct near_name n = near_begin(name);

	for (u32 i = 0; i < ARRAY_SIZE(settings); i++)
		near_try(&n, settings[i].name);
	near_hint(s, &n);
}

static void config_setting(struct sema *s, struct node *n)
{
	const char *name = n->text, *text = n->kids ? value_text(s, n->kids) : NULL, *why;
	const struct setting *st;
	bool no = false;

	if (n->kids && n->kids->kind == NODE_BAD)
		return;
	if (!strncasecmp(name, "BPFTRACE_", 9))
		name += 9;
	for (u32 i = 0; i < ARRAY_SIZE(renamed); i++) {
		if (strcasecmp(name, renamed[i].old))
			continue;
		no = !strncasecmp(name, "no_", 3);
		name = renamed[i].now;
		sema_warn(s, n, "'%s' is called '%s' now", n->text, name);
	}
	if (among(name, obsolete, ARRAY_SIZE(obsolete))) {
		sema_warn(s, n, "'%s' has no effect any more", n->text);
		return;
	}
	if (among(name, env_only, ARRAY_SIZE(env_only))) {
		sema_error(s, n, "'%s' can be set in the environment only", n->text);
		return;
	}
	st = find(name);
	if (!st) {
		sema_error(s, n, "there is no setting '%s'", n->text);
		hint_setting(s, name);
		return;
	}
	if (!text) {
		sema_error(s, n, "the value of a setting is a number, a text or a word");
		return;
	}
	why = set(s, st, text);
	if (why)
		sema_error(s, n, "%s %s, not '%s'", n->text, why, text);
	else if (no && st->kind == BOOL)
		*(bool *)((char *)&s->set + st->off) ^= true;
}

static void config_blocks(struct sema *s)
{
	bool seen = false;

	for (struct node *n = s->prog->root->kids; n; n = n->next) {
		if (n->kind != NODE_CONFIG)
			continue;
		if (seen)
			sema_error(s, n, "a second config block: a script has one");
		seen = true;
		for (struct node *k = n->kids; k; k = k->next)
			if (k->kind == NODE_SETTING)
				config_setting(s, k);
	}
}

/* ---- the environment ---- */

/* "BPFTRACE_MAX_STRLEN" of "max_strlen" */
static const char *env_name(struct sema *s, const char *name)
{
	char *var = arena_printf(&s->prog->arena, "BPFTRACE_%s", name);

	for (char *c = var; *c; c++)
		*c = (char)toupper((u8)*c);
	return var;
}

static const char *env(struct sema *s, const char *name)
{
	return s->w && s->w->env ? s->w->env(s->w->arg, env_name(s, name)) : NULL;
}

static void from_env(struct sema *s, const struct setting *st, const char *name)
{
	const char *text = env(s, name), *why;

	if (!text)
		return;
	why = set(s, st, text);
	if (!why)
		return;
	s->failed = true;
	diag_error(s->dg, (struct place){ 0 }, -EINVAL, "%s %s, not '%s'", env_name(s, name), why,
		   text);
}

static void environment(struct sema *s)
{
	static const struct {
		const char *env, *name;
	} inverse[] = {
#define INVERSE(env_name, field) { env_name, #field },
#include "lang/bt/settings.def"
	};

	for (u32 i = 0; i < ARRAY_SIZE(settings); i++) {
		if (*settings[i].old_env)
			from_env(s, &settings[i], settings[i].old_env);
		if (!sema_compat17(s))
			from_env(s, &settings[i], settings[i].name);
	}
	for (u32 i = 0; i < ARRAY_SIZE(inverse); i++) {
		const char *text = env(s, inverse[i].env);

		if (text && !strcmp(text, "1"))
			*(bool *)((char *)&s->set + find(inverse[i].name)->off) = false;
	}
}

int bt_settings_load(struct sema *s)
{
	bool was = s->final;

	s->final = true; /* mistakes are told at once */
	defaults(&s->set, sema_compat17(s));
	config_blocks(s);
	environment(s);
	s->final = was;
	return s->failed ? -EINVAL : 0;
}

bool bt_setting_at(const struct bt_settings *set, u32 i, struct bt_setting_value *out)
{
	const struct setting *st;
	const char *at;
	u32 word;

	if (i >= ARRAY_SIZE(settings))
		return false;
	st = &settings[i];
	at = (const char *)set + st->off;
	*out = (struct bt_setting_value){ .name = st->name };
	switch (st->kind) {
	case TEXT:
		memcpy(&out->text, at, sizeof(out->text));
		out->text = out->text ? out->text : "";
		break;
	case CHOICE:
		memcpy(&word, at, sizeof(word));
		for (u32 k = 0; k < ARRAY_SIZE(choices); k++)
			if (!strcmp(choices[k].name, st->name))
				out->text = choices[k].words[word];
		break;
	case UNSTABLE:
		out->text = *(const bool *)at ? "enable" : "error";
		break;
	case BOOL:
		out->is_bool = true;
		out->number = *(const bool *)at;
		break;
	case NUMBER:
		memcpy(&out->number, at, sizeof(out->number));
		break;
	}
	return true;
}

bool bt_setting_get(struct sema *s, const char *name, struct bt_setting_value *out)
{
	for (u32 i = 0; bt_setting_at(&s->set, i, out); i++)
		if (!strcasecmp(name, out->name))
			return true;
	return false;
}

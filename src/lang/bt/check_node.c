/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/check_node.c - nodes, and what is said about them: children, copies, mistakes, literals,
 * actions of calls.
 */
#include "lang/bt/check_inner.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 512, CALLS_SHOWN = 5 };

bool sema_compat17(const struct sema *s)
{
	return s->opts->compat == 17;
}

u32 node_n_kids(const struct node *n)
{
	u32 count = 0;

	for (const struct node *k = n->kids; k; k = k->next)
		count++;
	return count;
}

struct node *node_kid(const struct node *n, u32 i)
{
	struct node *k = n->kids;

	while (k && i--)
		k = k->next;
	return k;
}

/* Depth is bounded by the parser, and by expand.c for what macros build. */
struct node *node_clone(struct bt_program *p, const struct node *n)
{
	struct node *copy = arena_alloc(&p->arena, sizeof(*copy));

	*copy = *n;
	copy->kids = copy->last = copy->next = NULL;
	for (const struct node *k = n->kids; k; k = k->next) {
		struct node *kid = node_clone(p, k);

		if (copy->last)
			copy->last->next = kid;
		else
			copy->kids = kid;
		copy->last = kid;
	}
	return copy;
}

/* ---- mistakes ---- */

/* The same node is checked once a program: what is wrong with it is said once. */
static bool was_said(const struct sema *s, const struct place *at, const char *text)
{
	for (u32 i = 0; i < s->dg->n; i++) {
		const struct diag_msg *m = &s->dg->msgs[i];

		if (m->at.line == at->line && m->at.col == at->col && !strcmp(m->text, text))
			return true;
	}
	return false;
}

/* The calls of the macros that the mistake is in. */
static void came_from(struct sema *s)
{
	u32 shown = 0;

	for (const struct sema_call *c = s->calls; c && shown < CALLS_SHOWN; c = c->up, shown++) {
		struct place where;

		bt_place(s->prog, c->at.from, &where);
		diag_note(s->dg, where, "in the macro %s(), used here", c->macro);
	}
}

void sema_error(struct sema *s, const struct node *at, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	struct place where;
	va_list ap;

	s->mute = true;
	if (!s->final)
		return;
	s->failed = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bt_place(s->prog, at->at.from, &where);
	if (s->dg && was_said(s, &where, text))
		return;
	s->mute = false;
	bt_error(s->prog, s->dg, at->at, -EINVAL, "%s", text);
	came_from(s);
}

void sema_fatal(struct sema *s, const struct node *at, const char *what, u32 most)
{
	if (s->fatal)
		return;
	s->final = s->fatal = true;
	sema_error(s, at, "more than %u %s", most, what);
}

void sema_warn(struct sema *s, const struct node *at, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	struct place where;
	va_list ap;

	s->mute = true;
	if (!s->final || s->opts->no_warnings || !s->dg)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bt_place(s->prog, at->at.from, &where);
	if (was_said(s, &where, text))
		return;
	s->mute = false;
	diag_warn(s->dg, where, "%s", text);
}

void sema_hint(struct sema *s, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	va_list ap;

	if (!s->final || s->mute)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_note(s->dg, (struct place){ 0 }, "%s", text);
}

/* ---- what may have been meant ---- */

struct near_name near_begin(const char *name)
{
	size_t len = strlen(name);

	return (struct near_name){ .name = name, .distance = len < 3 ? 2 : len < 8 ? 3 : 4 };
}

void near_try(struct near_name *n, const char *candidate)
{
	u32 d = str_distance(n->name, candidate, strlen(candidate));

	if (d >= strlen(n->name) || d > n->distance)
		return;
	/* of two as near, the one that begins alike */
	if (d == n->distance && (!n->best || *n->best == *n->name || *candidate != *n->name))
		return;
	n->distance = d;
	n->best = candidate;
}

void near_hint(struct sema *s, const struct near_name *n)
{
	if (n->best)
		sema_hint(s, "did you mean '%s'?", n->best);
}

/* ---- literals ---- */

const char *sema_literal_str(struct sema *s, struct node *n, const char *what)
{
	if (!n->type)
		sema_expr(s, n);
	if (n->str)
		return n->str;
	if (n->type->kind != ST_NONE)
		sema_error(s, n, "%s must be a string literal", what);
	return NULL;
}

bool sema_literal_int(struct sema *s, struct node *n, const char *what, s64 *out)
{
	if (!n->type)
		sema_expr(s, n);
	if (n->is_const) {
		*out = n->konst;
		return true;
	}
	if (n->type->kind != ST_NONE)
		sema_error(s, n, "%s must be an integer that is known when the script is compiled",
			   what);
	return false;
}

bool sema_want_int(struct sema *s, struct node *n, bool ptr_too)
{
	const struct stype *t = n->type ? n->type : sema_expr(s, n);

	switch (t->kind) {
	case ST_NONE:
	case ST_INT:
	case ST_BOOL:
	case ST_ENUM:
		return true;
	case ST_PTR:
		if (ptr_too)
			return true;
		break;
	case ST_COUNT:
	case ST_SUM:
	case ST_MIN:
	case ST_MAX:
	case ST_AVG:
		return true; /* read as what they add up to */
	default:
		break;
	}
	sema_error(s, n, "expected an integer%s, not %s", ptr_too ? " or a pointer" : "",
		   stype_name(sema_types(s), t));
	return false;
}

/* ---- actions ---- */

struct script_action *sema_action(struct sema *s, struct node *n, enum script_action_kind kind)
{
	struct script_action *a;
	struct place at, behind;
	u32 from, to;

	if (!s->final)
		return NULL;
	a = vec_add(&s->script->actions);
	if (!a) {
		s->failed = true;
		return NULL;
	}
	n->action = s->script->actions.n;
	bt_place(s->prog, n->at.from, &at);
	bt_place(s->prog, n->at.to, &behind);
	from = to = MIN(n->at.from, s->prog->len);
	while (from && s->prog->text[from - 1] != '\n')
		from--;
	while (to < s->prog->len && s->prog->text[to] != '\n')
		to++;
	*a = (struct script_action){
		.kind = kind,
		.text = "",
		.at = at,
		.to_col = behind.line == at.line ? behind.col : 0,
		.line = arena_printf(sema_types(s), "%.*s", (int)MIN(to - from, MESSAGE_MAX),
				     s->prog->text + from),
	};
	a->at.file = arena_strdup(sema_types(s), at.file ? at.file : "");
	return a;
}

/* A record's tuple: its offsets count from the record's start, where the header stands. */
const struct stype *sema_record(struct sema *s, const struct stype *const *types, u32 n)
{
	struct stype *t = arena_alloc(sema_types(s), sizeof(*t));
	struct stype_field *f = arena_alloc(sema_types(s), (n + 1) * sizeof(*f));
	u64 off = sizeof(struct script_record);

	for (u32 i = 0; i < n; i++) {
		u32 align = MAX(stype_align(types[i]), 1);

		off = ALIGN_UP(off, (u64)align);
		f[i].type = types[i];
		f[i].off = (s64)off;
		off += types[i]->size;
	}
	off = MIN(ALIGN_UP(off, (u64)8), (u64)UINT32_MAX);
	*t = (struct stype){ .kind = ST_TUPLE, .size = (u32)off, .fields = f, .n_fields = n };
	return t;
}

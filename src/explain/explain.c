/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/explain.c - a refusal, explained: the path, then the rule that its message belongs to. */
#include "explain/trace.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The first rule whose category and words fit and that says something counts. */
static const struct {
	enum verify_reason why;  /* WHY_NONE: any */
	const char *glob;        /* of the kernel's message; NULL: any */
	rule say;
} rules[] = {
	{ WHY_LOOP, NULL, rule_loop },
	{ WHY_NONE, "*BPF program is too large*", rule_large },
	{ WHY_NONE, "*stack size of*Too large", rule_depth },
	{ WHY_NONE, "*would lead to reference leak", rule_leak },
	{ WHY_NONE, "*should have been in [*", rule_return },
	{ WHY_NONE, "*!read_ok", rule_unset },
	{ WHY_NONE, "invalid* stack R* off=* size=*", rule_bounds },
	{ WHY_NONE, "*read from stack*", rule_stack },
	{ WHY_NONE, "*or_null*", rule_null },
	{ WHY_NULL, NULL, rule_null },
	{ WHY_NONE, "*invalid mem access 'scalar'", rule_stale },
	{ WHY_NONE, "*outside of the packet", rule_packet },
	{ WHY_ARITH, "*unbounded min value*", rule_math },
	{ WHY_ARITH, "*be out of bounds", rule_math },
	{ WHY_NONE, "invalid bpf_context access*", rule_ctx },
	{ WHY_BOUNDS, NULL, rule_packet },
	{ WHY_BOUNDS, "*var &= const*", rule_size },
	{ WHY_BOUNDS, "*zero-sized*", rule_size },
	{ WHY_BOUNDS, NULL, rule_bounds },
	{ WHY_CALL, NULL, rule_helper },
	{ WHY_SLEEP, NULL, rule_helper },
	{ WHY_NONE, "*type=* expected=*", rule_argument },
	{ WHY_NONE, "*invalid mem access '*'", rule_memory },
};

static const struct {
	const char *glob, *sentence, *help;
} plain[] = {
#define PLAIN(glob, sentence, help) { glob, sentence, help },
#include "explain/plain.def"
#undef PLAIN
};

/* Locks that are held, and since where. */
static void note_locks(struct ex *e)
{
	for (u32 i = 0; i < e->path.n_refs; i++) {
		const struct ref *ref = &e->path.refs[i];

		if (ref->kind & REF_LOCK_MASK)
			ex_note(e, EXPLAIN_ORIGIN, ref->pc, "locked here");
		else if (ref->kind == REF_IRQ)
			ex_note(e, EXPLAIN_ORIGIN, ref->pc, "interrupts are off from here on");
	}
}

static bool say_plainly(struct ex *e, const char *message)
{
	for (u32 i = 0; i < ARRAY_SIZE(plain); i++)
		if (str_glob(plain[i].glob, message)) {
			ex_say(e, "%s", plain[i].sentence);
			if (plain[i].help)
				ex_help(e, "%s", plain[i].help);
			return true;
		}
	return false;
}

static bool applies(const struct ex *e, u32 i, const char *message)
{
	if (rules[i].why && rules[i].why != e->res->why)
		return false;
	return !rules[i].glob || str_glob(rules[i].glob, message);
}

static void say(struct ex *e)
{
	const char *message = e->res->message ? e->res->message : "";
	u32 kept = e->x->n_notes;

	for (u32 i = 0; i < ARRAY_SIZE(rules); i++) {
		if (!applies(e, i, message))
			continue;
		if (rules[i].say(e, message))
			return;
		/* what it found out on the way belongs to no sentence */
		e->x->n_notes = kept;
		e->name = NULL;
	}
	if (e->path.ends_at_refusal && e->res->reg >= 0)
		trace_value(e, e->path.n - 1, (u32)e->res->reg);
	if (e->res->why == WHY_LOCK || e->res->why == WHY_SLEEP)
		note_locks(e);
	if (say_plainly(e, message))
		return;
	if (*message)
		ex_say(e, "%s", message);
	else
		ex_say(e, "%s", strerror(-e->res->err));
}

/* ---- notes in the path's order ---- */

/* The last step at that insn, 0: the path has none. */
static u32 last_step(const struct path *p, u32 pc)
{
	for (u32 k = p->n; k-- > 0;)
		if (p->steps[k].pc == pc)
			return k;
	return 0;
}

static void notes_sort(struct ex *e)
{
	struct explanation *x = e->x;

	for (u32 i = 1; i < x->n_notes; i++)
		for (u32 j = i; j > 0; j--) {
			struct explain_note *a = &x->notes[j - 1], *b = &x->notes[j], swap = *a;

			if (last_step(&e->path, a->at.pc) <= last_step(&e->path, b->at.pc))
				break;
			*a = *b;
			*b = swap;
		}
}

static void path_keep(struct ex *e)
{
	struct explanation *x = e->x;
	u32 *pcs = arena_alloc(&x->mem, MAX(e->path.n, 1u) * sizeof(*pcs));

	for (u32 k = 0; k < e->path.n; k++)
		pcs[k] = e->path.steps[k].pc;
	x->path = pcs;
	x->n_path = e->path.n;
	x->n_path_before = e->path.n_before;
	if (e->path.state && e->path.ends_at_refusal)
		x->state = arena_strdup(&x->mem, e->path.state);
}

int explain_make(const struct verify_prog *p, const struct profile *k,
		 const struct verify_result *res, struct explanation *out)
{
	struct ex e = { .p = p, .k = k, .res = res, .x = out };
	int err;

	*out = (struct explanation){ .why = res->why, .err = res->err };
	if (res->message)
		out->message = arena_strdup(&out->mem, res->message);
	err = path_find(p, k, res, &e.path);
	if (err)
		return err;
	out->has_place = ex_place(&e, res->pc, &out->at);
	say(&e);
	notes_sort(&e);
	path_keep(&e);
	path_free(&e.path);
	explain_failing_run(p, k, res, out);
	return 0;
}

void explain_free(struct explanation *x)
{
	arena_free(&x->mem);
	*x = (struct explanation){0};
}

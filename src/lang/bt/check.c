/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/check.c - passes over all programs until no type changes; the last one reports.
 *
 *	pass, pass ...     types become known and wider; nothing is reported
 *	decide             `if comptime` by the types that are known now; then passes again
 *	maps               what is still unknown gets a type, or is a mistake
 *	last pass          mistakes, actions
 */
#include "lang/bt/check_inner.h"
#include "lang/bt/func.h"
#include "lang/bt/probe.h"
#include <errno.h>
#include <string.h>

enum { PASSES_MAX = 1000, PARAMS_MAX = 5 /* registers for arguments */ };

/* ---- fn: functions of the script ---- */

static void fn_types(struct sema *s, struct node *fn)
{
	struct node *block = fn->last, *k;
	u32 params = 0;

	fn->type = stype_void();
	for (k = fn->kids; k && k != block; k = k->next) {
		const struct stype *t;

		if (k->kind == NODE_PARAM && ++params == PARAMS_MAX + 1)
			sema_error(s, k, "a function has at most %d parameters", PARAMS_MAX);

		if (k->kind == NODE_TYPE) {
			t = sema_type(s, k);
			fn->type = t ? t : sema_unknown();
			continue;
		}
		if (k->kind != NODE_PARAM)
			continue;
		if (!k->kids) {
			sema_error(s, k, "the type of parameter '%s' is missing: %s: int64",
				   k->text, k->text);
			continue;
		}
		t = sema_type(s, k->kids);
		k->kids->type = t ? t : sema_unknown();
	}
}

/* Does it never come to its end? */
static bool returns(const struct node *n)
{
	if (n->kind == NODE_RETURN)
		return true;
	if (n->kind == NODE_IF && node_n_kids(n) == 3)
		return returns(node_kid(n, 1)) && returns(n->last);
	for (const struct node *k = n->kind == NODE_BLOCK ? n->kids : NULL; k; k = k->next)
		if (returns(k))
			return true;
	return false;
}

static void check_fn(struct sema *s, struct node *fn)
{
	s->probe = NULL;
	s->fn = fn;
	s->fn_type = fn->type;
	s->vars.n = 0;
	for (struct node *k = fn->kids; k; k = k->next) {
		struct bt_var *v;

		if (k->kind != NODE_PARAM)
			continue;
		if (*k->text != '$') {
			sema_error(s, k, "a parameter of a function is a variable: $%s", k->text);
			continue;
		}
		v = sema_var_new(s, k, k);
		v->is_set = v->is_fixed = true;
		if (!v->type && k->kids)
			v->type = k->kids->type;
	}
	sema_body(s, fn->last);
	if (sema_is_known(fn->type) && fn->type->kind != ST_VOID && !returns(fn->last))
		sema_error(s, fn,
			   "%s() can end without a return: it has a value of type %s to give",
			   fn->text, stype_name(sema_types(s), fn->type));
	s->fn = NULL;
	s->fn_type = NULL;
}

/* ---- no fn calls itself: the kernel has 8 frames ---- */

static u32 fn_index(const struct sema *s, const char *name)
{
	for (u32 i = 0; i < s->fns.n; i++)
		if (!strcmp(s->fns.p[i]->text, name))
			return i;
	return UINT32_MAX;
}

/* state: 0 not seen, 1 on the way, 2 done.  Depth of the tree and number of fns are bounded. */
static void find_cycle(struct sema *s, struct node *n, u8 *state, u32 depth)
{
	u32 i = n->kind == NODE_CALL && !n->func ? fn_index(s, n->text) : UINT32_MAX;

	if (i != UINT32_MAX && (state[i] == 1 || depth > 64)) {
		sema_error(s, n,
			   state[i] == 1 ? "%s() calls itself"
					 : "%s(): calls are nested too deeply",
			   n->text);
		return;
	}
	if (i != UINT32_MAX && !state[i]) {
		state[i] = 1;
		find_cycle(s, s->fns.p[i]->last, state, depth + 1);
		state[i] = 2;
	}
	for (struct node *k = n->kids; k; k = k->next)
		find_cycle(s, k, state, depth);
}

static void check_cycles(struct sema *s)
{
	u8 *state = arena_alloc(&s->prog->arena, s->fns.n + 1);

	for (u32 i = 0; i < s->fns.n; i++) {
		if (state[i])
			continue;
		state[i] = 1;
		find_cycle(s, s->fns.p[i]->last, state, 0);
		state[i] = 2;
	}
}

/* ---- programs ---- */

static void check_probe(struct sema *s, struct bt_probe *p)
{
	s->probe = p;
	s->vars.n = 0;
	for (struct node *k = p->node->kids; k; k = k->next) {
		if (k->kind == NODE_PREDICATE)
			sema_condition(s, k->kids, "a predicate");
		else if (k->kind == NODE_BLOCK)
			sema_body(s, k);
	}
	s->probe = NULL;
}

static void pass(struct sema *s)
{
	s->changed = false;
	s->loop = NULL;
	s->loops = 0;
	s->repeat = 1;
	s->weight = 0;
	for (u32 i = 0; i < s->maps.n; i++)
		s->maps.p[i]->is_doubtful = false;
	sema_map_decls(s);
	for (u32 i = 0; i < s->fns.n; i++)
		fn_types(s, s->fns.p[i]);
	for (u32 i = 0; i < s->fns.n; i++)
		check_fn(s, s->fns.p[i]);
	for (u32 i = 0; i < s->probes.n; i++)
		check_probe(s, s->probes.p[i]);
}

int bt_check(struct sema *s)
{
	u32 left = (u32)MIN(s->set.max_type_passes, PASSES_MAX);

	for (; left; left--) {
		pass(s);
		if (s->fatal)
			return -E2BIG;
		if (s->changed) {
			s->deciding = false;
			continue;
		}
		if (!s->deciding) {
			s->deciding = true;
			continue;
		}
		sema_maps_default(s);
		if (!s->changed)
			break;
	}
	s->final = true;
	if (!left) {
		sema_error(s, s->prog->root,
			   "types do not settle: a value grows with each look at the script");
		return -E2BIG;
	}
	sema_maps_done(s);
	pass(s);
	sema_maps_missing(s);
	check_cycles(s);
	func_check_options(s);
	return s->failed ? -EINVAL : 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* load/cost.c - a program that is too large or too complex: which of its lines take the most insns.
 *
 * Line info says it, of the program itself; what it calls is counted by itself.
 */
#include "load/cost.h"
#include "base/vec.h"

enum { SHOWN = 5 };

struct line_cost {
	u32 line, insns;
	u32 text_off;
};

static int by_insns(const void *x, const void *y)
{
	const struct line_cost *a = x, *b = y;

	if (a->insns != b->insns)
		return a->insns > b->insns ? -1 : 1;
	return a->line < b->line ? -1 : 1;
}

static int by_line(const void *x, const void *y)
{
	const struct line_cost *a = x, *b = y;

	return a->line < b->line ? -1 : a->line > b->line;
}

/* One entry a line. */
static u32 join(struct line_cost *c, u32 n)
{
	u32 out = 0;

	qsort(c, n, sizeof(*c), by_line);
	for (u32 i = 0; i < n; i++) {
		if (out && c[out - 1].line == c[i].line)
			c[out - 1].insns += c[i].insns;
		else
			c[out++] = c[i];
	}
	return out;
}

void cost_explain(struct load *l, u32 func, struct diag *dg)
{
	const struct obj_func *fn = &l->obj->funcs[func];
	VEC(struct line_cost) costs = {0};
	u32 n;

	if (!l->obj->btf)
		return;
	for (u32 i = 0; i < fn->n_lines; i++) {
		u32 end = i + 1 < fn->n_lines ? fn->lines[i + 1].pc : fn->n_insns;
		struct line_cost c = {fn->lines[i].line, end - fn->lines[i].pc,
				      fn->lines[i].text_off};

		if (!vec_push(&costs, c))
			break;
	}
	n = join(costs.p, costs.n);
	qsort(costs.p, n, sizeof(*costs.p), by_insns);
	if (n > 1)
		diag_note(dg, (struct place){0}, "  %u insns; most of them are of", fn->n_insns);
	for (u32 i = 0; n > 1 && i < n && i < SHOWN; i++) {
		const char *text = btf_str(l->obj->btf, costs.p[i].text_off);

		while (*text == ' ' || *text == '\t')
			text++;
		diag_note(dg, (struct place){0}, "  %6u  line %u: %s", costs.p[i].insns,
			  costs.p[i].line, text);
	}
	vec_free(&costs);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/fails.c - the part of an explanation that shows a run which fails. */
#include "explain/explain.h"
#include "explain/witness.h"
#include <errno.h>

enum { BUDGET_MS = 200 };

void explain_failing_run(const struct verify_prog *p, const struct profile *k,
			 const struct verify_result *res, struct explanation *x)
{
	struct witness *w = NULL;
	struct str lines = {0}, file = {0};
	int err = witness_find(p, k, res, BUDGET_MS, &w);

	x->is_about_run = err != -ENOTSUP;
	if (err)
		return;
	witness_print(w, &lines);
	witness_write(w, &file);
	if (!lines.failed && !file.failed) {
		x->witness = arena_strdup(&x->mem, str_text(&lines));
		x->witness_file = arena_strdup(&x->mem, str_text(&file));
	}
	str_free(&lines);
	str_free(&file);
	witness_free(w);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/optimize.c - the passes in their order. */
#include "ir/pass.h"

enum { ROUNDS_MAX = 8 };

static void dump(const struct pass_dump *d, const char *pass, const struct mod *m)
{
	if (d && d->dump)
		d->dump(d->arg, pass, m);
}

static void tidy(struct fn *f)
{
	for (u32 i = 0; i < ROUNDS_MAX; i++) {
		bool changed = pass_fold(f);

		pass_simplify(f);
		fn_drop_phis(f);
		changed |= pass_cse(f);
		changed |= pass_dce(f);
		if (!changed)
			return;
	}
}

int mod_optimize(struct mod *m, const struct pass_dump *d, struct diag *dg)
{
	int err = pass_inline(m, dg);

	if (err)
		return err;
	dump(d, "inline", m);
	for (u32 i = 0; i < m->fns.n; i++) {
		pass_simplify(m->fns.p[i]);
		pass_fold(m->fns.p[i]); /* constant offsets, which mem2reg looks for */
		pass_mem2reg(m->fns.p[i]);
	}
	dump(d, "mem2reg", m);
	for (u32 i = 0; i < m->fns.n; i++)
		tidy(m->fns.p[i]);
	dump(d, "tidy", m);
	pass_provenance(m);
	dump(d, "provenance", m);
	for (u32 i = 0; i < m->fns.n; i++) {
		pass_lower(m->fns.p[i]);
		tidy(m->fns.p[i]);
	}
	dump(d, "lower", m);
	return 0;
}

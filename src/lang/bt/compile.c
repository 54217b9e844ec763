/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/compile.c - the phases in order: a script's tree to a module. */
#include "lang/bt/check_inner.h"
#include "lang/bt/emit.h"
#include "lang/bt/probe.h"
#include "lang/cdecl/cdecl.h"
#include <errno.h>
#include <string.h>

static bool wants(const struct bt_opts *o, enum bt_stage stage)
{
	return o->dump && (o->dump_stages & (1u << stage));
}

/* ---- dumps ---- */

static void dump_pass(void *arg, const char *pass, const struct mod *m)
{
	const struct bt_opts *o = arg;

	if (!wants(o, BT_STAGE_PASSES) || (o->dump_pass && strcmp(o->dump_pass, pass)))
		return;
	str_addf(o->dump, "; after %s\n", pass);
	mod_print(m, o->dump);
}

/* ---- phases ---- */

static int front(struct sema *s)
{
	int err = bt_expand(s), probes;

	if (wants(s->opts, BT_STAGE_AST))
		bt_print(s->prog, s->opts->dump);
	/* attach points are looked at even so: all mistakes are shown at once */
	s->final = true;
	probes = bt_probes(s);
	s->final = false;
	if (err || (probes && !s->probes.n))
		return err ? err : probes;
	err = bt_check(s);
	if (wants(s->opts, BT_STAGE_TYPES))
		bt_print_types(s, s->opts->dump);
	return probes ? probes : err;
}

static int back(struct sema *s, struct mod *m)
{
	const struct bt_opts *o = s->opts;
	struct pass_dump dump = { dump_pass, (void *)o };

	if (wants(o, BT_STAGE_IR))
		mod_print(m, o->dump);
	return mod_optimize(m, &dump, s->dg);
}

static void sema_free(struct sema *s)
{
	for (u32 i = 0; i < s->probes.n; i++)
		vec_free(&s->probes.p[i]->attaches);
	vec_free(&s->probes);
	vec_free(&s->maps);
	vec_free(&s->vars);
	vec_free(&s->fns);
	ctypes_free(s->ctypes);
	script_free(s->script);
}

int bt_compile(struct bt_program *p, const struct bt_world *w, const struct bt_opts *opts,
	       struct diag *dg, struct mod **out, struct script **script)
{
	struct diag own = { 0 };
	struct sema s = {
		.prog = p, .w = w, .opts = opts, .dg = dg ? dg : &own, .script = script_new()
	};
	struct mod *m = NULL;
	int err = -ENOMEM;

	if (s.script) {
		s.script->compat = opts->compat;
		err = front(&s);
	}
	if (!err)
		err = bt_emit(&s, s.dg, &m);
	if (!err)
		err = back(&s, m);
	if (!err) {
		*script = s.script;
		*out = m;
		s.script = NULL;
		m = NULL;
	}
	mod_free(m);
	sema_free(&s);
	diag_free(&own);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia_compile.c - a script's tree to an object: where the front end and the code generator meet. */
#include "osmia_compile.h"
#include "gen/gen.h"
#include "obj/script.h"

int script_to_obj(struct bt_program *p, const struct bt_world *w, const struct bt_opts *opts,
		  struct diag *dg, struct obj **out)
{
	bool dumps = opts->dump && (opts->dump_stages & 1u << BT_STAGE_INSNS);
	struct gen_opts gen = { .dump = dumps ? opts->dump : NULL };
	struct script *script = NULL;
	struct mod *m = NULL;
	struct obj *o = NULL;
	int err = bt_compile(p, w, opts, dg, &m, &script);

	if (!err)
		err = gen_obj(m, &gen, dg, &o);
	if (!err) {
		o->script = script;
		script = NULL;
		*out = o;
	}
	script_free(script);
	mod_free(m);
	return err;
}

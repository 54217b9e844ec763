/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia_compile.h - a script's tree to an object. */
#pragma once
#include "lang/bt/compile.h"
#include "obj/obj.h"

/* bt_compile(), then gen_obj(): an object with its struct script.  Errors of both. */
int script_to_obj(struct bt_program *p, const struct bt_world *w, const struct bt_opts *opts,
		  struct diag *dg, struct obj **out);

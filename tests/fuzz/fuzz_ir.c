/* SPDX-License-Identifier: BSD-2-Clause */
/* Any text as a module of IR.
 *
 * What must hold: no crash; what mod_check() accepts stays valid through every pass and becomes an object
 * or an error.
 */
#include "gen/gen.h"
#include "ir/pass.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void after_pass(void *arg, const char *pass, const struct mod *m)
{
	struct diag dg = {0};

	(void)arg;
	if (mod_check(m, &dg)) {
		fprintf(stderr, "after %s: %s\n", pass, dg.n ? dg.msgs[0].text : "");
		abort();
	}
	diag_free(&dg);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct pass_dump dump = { after_pass, NULL };
	char *text = malloc(size + 1);
	struct diag dg = {0};
	struct obj *o = NULL;
	struct mod *m = NULL;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (size < 1 << 14 && !mod_read(text, "fuzz", &dg, &m) && !mod_check(m, &dg) &&
	    !mod_optimize(m, &dump, &dg) && !gen_obj(m, NULL, &dg, &o))
		obj_free(o);
	mod_free(m);
	diag_free(&dg);
	free(text);
	return 0;
}

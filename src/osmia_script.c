/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia_script.c - the public calls for scripts in the bpftrace language. */
#include "lang/bt/ast.h"
#include "osmia.h"
#include <errno.h>
#include <stdlib.h>

int osmia_format(const char *script, size_t size, const char *name, bool tree, char **text,
		 char **messages)
{
	struct bt_program *p = NULL;
	struct diag dg = {0};
	struct str out = {0};
	int err = bt_parse(script, size, name, &dg, &p);

	if (!err && tree)
		bt_print(p, &out);
	else if (!err)
		bt_format(p, &out);
	if (out.failed)
		err = diag_error(&dg, (struct place){0}, -ENOMEM, "no memory for the text");
	if (messages)
		*messages = diag_text(&dg);
	if (text)
		*text = err ? NULL : str_take(&out);
	str_free(&out);
	bt_free(p);
	diag_free(&dg);
	return err;
}

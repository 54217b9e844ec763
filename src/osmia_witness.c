/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia_witness.c - the public call that runs a witness: a refused program with inputs that make it
 * fail. */
#include "explain/witness.h"
#include "osmia.h"
#include <errno.h>

int osmia_witness_run(const void *text, size_t size, char **report)
{
	struct witness *w = NULL;
	struct str out = {0};
	char message[128];
	int err = witness_read(text, size, &w, message, sizeof(message));

	if (err) {
		str_add(&out, message);
	} else {
		err = witness_replay(w);
		if (err)
			str_add(&out, "the program does not fail with these inputs");
		else
			witness_print(w, &out);
	}
	witness_free(w);
	*report = str_take(&out);
	return err;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Any text as a script.
 *
 * What must hold: no crash; what parses has a layout that parses to the same tree and stays as it is.
 */
#include "lang/bt/ast.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static int read_script(const char *text, size_t size, struct str *layout, struct str *tree)
{
	struct bt_program *p = NULL;
	struct diag dg = {0};
	int err = bt_parse(text, size, "fuzz", &dg, &p);

	if (!err) {
		bt_format(p, layout);
		bt_print(p, tree);
	}
	bt_free(p);
	diag_free(&dg);
	return err;
}

static void must_be(const struct str *a, const struct str *b, const char *what)
{
	if (!strcmp(str_text(a), str_text(b)))
		return;
	fprintf(stderr, "%s differs:\n%s\n----\n%s\n", what, str_text(a), str_text(b));
	abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct str once = {0}, twice = {0}, tree = {0}, tree2 = {0};

	if (!read_script((const char *)data, size, &once, &tree)) {
		if (read_script(str_text(&once), once.len, &twice, &tree2)) {
			fprintf(stderr, "a layout does not parse:\n%s\n", str_text(&once));
			abort();
		}
		must_be(&tree, &tree2, "the tree");
		must_be(&once, &twice, "the layout");
	}
	str_free(&once);
	str_free(&twice);
	str_free(&tree);
	str_free(&tree2);
	return 0;
}

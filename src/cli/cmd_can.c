/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/cmd_can.c - `osmia can ENGINE`: does an engine work here for this user? */
#include "cli/cli.h"
#include "cli/options.h"
#include <string.h>

static const struct cli_opt opts[] = { { 0 } };

int cmd_can(int argc, char **argv)
{
	struct cli_args a = cli_args("can", opts, argc, argv);
	const char *name = NULL;
	int c, err;

	while ((c = cli_next(&a)) != CLI_END) {
		if (c != CLI_WORD)
			return c == CLI_HELP ? EXIT_DONE : EXIT_USAGE;
		name = a.value;
	}
	if (!name || (strcmp(name, "kernel") != 0 && strcmp(name, "user") != 0))
		return cli_usage("can", "the engine is kernel or user");
	err = osmia_can(strcmp(name, "kernel") == 0 ? OSMIA_ENGINE_KERNEL : OSMIA_ENGINE_USER);
	if (err)
		printf("%s engine: no (%s)\n", name, strerror(-err));
	else
		printf("%s engine: yes\n", name);
	return err ? EXIT_FAULT : EXIT_DONE;
}

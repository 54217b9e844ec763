/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/cmd_profile.c - `osmia profile > FILE`: what verdicts of the running kernel depend on. */
#include "cli/cli.h"
#include "cli/options.h"
#include <stdlib.h>
#include <unistd.h>

static const struct cli_opt opts[] = { { 0 } };

int cmd_profile(int argc, char **argv)
{
	struct cli_args a = cli_args("profile", opts, argc, argv);
	char *data, *messages;
	size_t size;
	int err, c;

	while ((c = cli_next(&a)) != CLI_END)
		return c == CLI_HELP ? EXIT_DONE :
		       c == CLI_WORD ? cli_usage("profile", "it takes no arguments") :
				       EXIT_USAGE;
	if (isatty(STDOUT_FILENO))
		return cli_usage("profile", "it writes several megabytes: send them to a file");
	err = osmia_profile(&data, &size, &messages);
	if (messages)
		cli_error("%s", messages);
	if (!err && (fwrite(data, 1, size, stdout) != size || fflush(stdout)))
		err = -1;
	free(data);
	free(messages);
	return err ? EXIT_FAULT : EXIT_DONE;
}

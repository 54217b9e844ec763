/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/cmd_dump.c - osmia dump: what a BPF object holds. */
#include "cli/cli.h"
#include "cli/options.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_SECTIONS = OPT_FIRST, OPT_MAPS, OPT_PROGS, OPT_BTF };

static const struct cli_opt opts[] = {
	{ OPT_SECTIONS, "sections", NULL, "sections of the file" },
	{ OPT_MAPS, "maps", NULL, "maps with their variables, and externs" },
	{ OPT_PROGS, "progs", NULL, "programs, with the source lines they come from" },
	{ OPT_BTF, "btf", "c|raw", "types as C declarations (as vmlinux.h), or one line a type" },
	{ 0 },
};

static int dump(const char *path, unsigned parts)
{
	char *text, *messages;
	int err = osmia_dump(path, parts, &text, &messages);

	/* A message a line. */
	for (char *m = messages, *next; m && *m; m = next) {
		next = strchr(m, '\n');
		if (next)
			*next++ = '\0';
		cli_error("%s", m);
	}
	if (text)
		fputs(text, stdout);
	free(text);
	free(messages);
	return err ? EXIT_FAULT : EXIT_DONE;
}

int cmd_dump(int argc, char **argv)
{
	struct cli_args a = cli_args("dump", opts, argc, argv);
	const char *path = NULL;
	unsigned parts = 0;

	for (int c; (c = cli_next(&a)) != CLI_END;) {
		switch (c) {
		case OPT_SECTIONS:
			parts |= OSMIA_DUMP_SECTIONS;
			break;
		case OPT_MAPS:
			parts |= OSMIA_DUMP_MAPS;
			break;
		case OPT_PROGS:
			parts |= OSMIA_DUMP_PROGS;
			break;
		case OPT_BTF:
			if (strcmp(a.value, "c") == 0)
				parts |= OSMIA_DUMP_BTF_C;
			else if (strcmp(a.value, "raw") == 0)
				parts |= OSMIA_DUMP_BTF_RAW;
			else
				return cli_usage("dump", "--btf is c or raw, not '%s'", a.value);
			break;
		case CLI_WORD:
			if (path)
				return cli_usage("dump", "one file at a time: '%s' is a second", a.value);
			path = a.value;
			break;
		case CLI_HELP:
			return EXIT_DONE;
		case CLI_BAD:
			return EXIT_USAGE;
		}
	}
	if (!path)
		return cli_usage("dump", "which object?");
	return dump(path, parts);
}

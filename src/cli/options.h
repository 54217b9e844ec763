/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/options.h - a verb's options as one table: parsed, printed as help and as a manual page from it.
 *
 *	static const struct cli_opt opts[] = {
 *		{ 'f', "format", "text|json", "how events are printed" },
 *		{ OPT_SET, "set", "NAME=VALUE", "sets a variable before load; may be repeated" },
 *		{ 0 },
 *	};
 *	struct cli_args a = cli_args("run", opts, argc, argv);
 *	for (int c; (c = cli_next(&a)) != CLI_END;)
 *		switch (c) { case 'f': use(a.value); break; case CLI_WORD: word(a.value); ... }
 *	// after "--", the rest stands in a.rest (NULL-terminated), else a.rest is NULL
 */
#pragma once
#include <stdbool.h>
#include <stdio.h>

struct cli_opt {
	int id;           /* the short letter, or a number from OPT_FIRST on; 0 ends the table */
	const char *name; /* long name without dashes; NULL: short only */
	const char *arg;  /* what its value is called; NULL: takes none */
	const char *help; /* one or more lines */
};

enum { OPT_FIRST = 256, CLI_END = -1, CLI_BAD = -2, CLI_HELP = -3, CLI_WORD = -4 };

struct cli_args {
	const char *verb;
	const struct cli_opt *opts;
	int argc, at;
	char **argv;
	const char *in_group; /* rest of a group of short options, "-ab" */
	const char *value;    /* of the option or word just returned; NULL where it takes none */
	char **rest;          /* what follows "--" */
	const char *program;  /* complain as getopt_long(3) does for that program, take its shortened long
			       * names, and leave help to the caller; NULL: as osmia does */
};

struct cli_args cli_args(const char *verb, const struct cli_opt *opts, int argc, char **argv);

/* The next option's id; CLI_WORD for an argument that is none; CLI_END; CLI_BAD after a complaint on
 * standard error; CLI_HELP when --help or -h was asked for (and printed). */
int cli_next(struct cli_args *a);
/* The table as lines of help. */
void cli_print_options(const struct cli_opt *opts, FILE *out);
/* The same for the manual page. */
void cli_print_man(const struct cli_opt *opts);

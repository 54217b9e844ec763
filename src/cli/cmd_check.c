/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/cmd_check.c - `osmia check OBJECT`: would Linux take its programs, and why not? */
#include "cli/cli.h"
#include "cli/options.h"
#include <stdlib.h>
#include <string.h>

enum { OPT_PROFILE = OPT_FIRST, OPT_BTF, OPT_CAPS, OPT_PROG, OPT_WITNESS };

static const struct cli_opt opts[] = {
	{ 'v', "verbose", NULL, "with the kernel's log; -vv: with the state after each insn" },
	{ 'f', "format", "text|json", "how verdicts are printed; json: one object a line" },
	{ OPT_PROFILE, "profile", "FILE", "for the kernel that `osmia profile` wrote down" },
	{ OPT_BTF, "btf", "FILE", "for a kernel of which only the types are known" },
	{ OPT_CAPS, "caps", "all|noperfmon|unpriv", "what the loading process may (all)" },
	{ OPT_PROG, "prog", "NAME", "this program alone" },
	{ OPT_WITNESS, "witness", "FILE", "keep inputs with which it fails, for `osmia vm --witness`" },
	{ 0 },
};

static void print(void *arg, const char *text, size_t n)
{
	(void)arg;
	fwrite(text, 1, n, stdout);
}

static int check(const char *path, const struct osmia_check_opts *o)
{
	char *messages;
	int refused = osmia_check(path, o, &messages);

	fflush(stdout);
	for (char *m = messages, *next; m && *m; m = next) {
		next = strchr(m, '\n');
		if (next)
			*next++ = '\0';
		else
			next = m + strlen(m);
		cli_error("%s", m);
	}
	free(messages);
	return refused ? EXIT_FAULT : EXIT_DONE;
}

int cmd_check(int argc, char **argv)
{
	struct cli_args a = cli_args("check", opts, argc, argv);
	struct osmia_check_opts o = { .size = sizeof(o), .write = print };
	const char *path = NULL;

	for (int c; (c = cli_next(&a)) != CLI_END;) {
		switch (c) {
		case 'v':
			o.verifier_log++;
			break;
		case 'f':
			if (strcmp(a.value, "json") != 0 && strcmp(a.value, "text") != 0)
				return cli_usage("check", "the format is text or json");
			o.format = strcmp(a.value, "json") == 0 ? OSMIA_JSON : OSMIA_TEXT;
			break;
		case OPT_PROFILE:
			o.profile = a.value;
			break;
		case OPT_BTF:
			o.btf = a.value;
			break;
		case OPT_CAPS:
			o.caps = a.value;
			break;
		case OPT_PROG:
			o.only = a.value;
			break;
		case OPT_WITNESS:
			o.witness = a.value;
			break;
		case CLI_WORD:
			if (path)
				return cli_usage("check", "one object at a time: '%s' is a second",
						 a.value);
			path = a.value;
			break;
		case CLI_HELP:
			return EXIT_DONE;
		case CLI_BAD:
			return EXIT_USAGE;
		}
	}
	if (!path)
		return cli_usage("check", "which object?");
	if (o.verifier_log > 2)
		o.verifier_log = 2;
	return check(path, &o);
}

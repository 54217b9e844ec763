/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/cmd_fmt.c - osmia fmt: a bpftrace script in one layout, or what is wrong with it. */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/options.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_TREE = OPT_FIRST, SCRIPT_MAX = 1 << 24 };

static const struct cli_opt opts[] = {
	{ 'e', NULL, "PROGRAM", "the script itself, instead of a file" },
	{ OPT_TREE, "tree", NULL, "print the syntax tree, one node a line" },
	{ 0 },
};

/* All of it is there before the file is opened, which may be the script's own.  output NULL: standard output. */
static int write_text(const char *text, const char *output)
{
	FILE *f = output ? fopen(output, "we") : stdout;
	bool failed = !f || fputs(text, f) == EOF || (output ? fclose(f) : fflush(f));

	if (failed)
		cli_error("%s%scan't write: %s", output ? output : "", output ? ": " : "", strerror(errno));
	return failed ? -EIO : 0;
}

static int format(const char *script, size_t size, const char *name, bool tree, const char *output)
{
	char *text, *messages;
	int err = osmia_format(script, size, name, tree, &text, &messages);
	bool first = true;

	/* A message a line; the source line and its marks follow as they are. */
	for (char *m = messages, *next; m && *m; m = next, first = false) {
		next = strchr(m, '\n');
		if (next)
			*next++ = '\0';
		if (strncmp(m, "  ", 2) || first)
			cli_error("%s", m);
		else
			fprintf(stderr, "%s\n", m);
	}
	if (text)
		err = write_text(text, output);
	free(text);
	free(messages);
	return err ? EXIT_FAULT : EXIT_DONE;
}

static int format_file(const char *path, bool tree, const char *output)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct bytes file;
	int err = file_map(is_stdin ? "/dev/stdin" : path, SCRIPT_MAX, &file), status;

	if (err) {
		cli_error("%s: can't read: %s", path, strerror(-err));
		return EXIT_FAULT;
	}
	status = format((const char *)file.p, file.size, is_stdin ? "stdin" : path, tree, output);
	bytes_free(&file);
	return status;
}

int cli_format(const char *script, const char *path, const char *output)
{
	return script ? format(script, strlen(script), "stdin", false, output)
		      : format_file(path, false, output);
}

int cmd_fmt(int argc, char **argv)
{
	struct cli_args a = cli_args("fmt", opts, argc, argv);
	const char *path = NULL, *program = NULL;
	bool tree = false;

	for (int c; (c = cli_next(&a)) != CLI_END;) {
		switch (c) {
		case 'e':
			program = a.value;
			break;
		case OPT_TREE:
			tree = true;
			break;
		case CLI_WORD:
			if (path)
				return cli_usage("fmt", "one script at a time: '%s' is a second", a.value);
			path = a.value;
			break;
		case CLI_HELP:
			return EXIT_DONE;
		default:
			return EXIT_USAGE;
		}
	}
	if (!path == !program)
		return cli_usage("fmt", "a script's file or -e PROGRAM, one of them");
	return path ? format_file(path, tree, NULL) : format(program, strlen(program), "-e", tree, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/main.c - the osmia command: finds the verb and runs it. */
#include "cli/cli.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct verb {
	const char *name, *args, *help;
	int (*run)(int argc, char **argv);
} verbs[] = {
#define VERB(name, args, help) { #name, args, help, cmd_##name },
#include "cli/verbs.def"
#undef VERB
	{ 0 },
};

void cli_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("osmia: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

void cli_print_usage(const char *verb, FILE *out)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (strcmp(v->name, verb) == 0)
			fprintf(out, "usage: osmia %s %s\n  %s\n", v->name, v->args, v->help);
}

int cli_usage(const char *verb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("osmia: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	cli_print_usage(verb, stderr);
	return EXIT_USAGE;
}

static void help(FILE *out)
{
	fputs("osmia - eBPF programs: compiled, verified and run, in the kernel or in user space\n\n"
	      "usage: osmia VERB [ARGUMENTS]\n\n", out);
	for (const struct verb *v = verbs; v->name; v++)
		fprintf(out, "  %-8s %s\n", v->name, v->help);
	fputs("\n`osmia VERB --help` tells a verb's options.\n", out);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name) {
		help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		help(stdout);
		return EXIT_DONE;
	}
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		printf("osmia %s\n", osmia_version());
		return EXIT_DONE;
	}
	for (const struct verb *v = verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v->run(argc - 1, argv + 1);
	cli_error("'%s' is no verb; `osmia --help` lists them", name);
	return EXIT_USAGE;
}

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

/* The manual page, from the same tables as --help. */
static int print_manual(void)
{
	puts(".TH OSMIA 1 \"\" \"osmia " OSMIA_VERSION "\"\n.SH NAME\n"
	     "osmia \\- runs eBPF programs in the kernel and in user space\n.SH SYNOPSIS\n"
	     ".B osmia\n.I VERB\n[\\fIARGUMENTS\\fR]\n.SH VERBS");
	for (const struct verb *v = verbs; v->name; v++) {
		char name[32], ask[] = "--help=man", *argv[] = { name, ask, NULL };

		snprintf(name, sizeof(name), "%s", v->name);
		printf(".SS osmia %s %s\n%s.\n", v->name, v->args, v->help);
		fflush(stdout);
		v->run(2, argv);
	}
	puts(".SH EXIT STATUS\n0: done; 1: the program or its input is at fault; 2: the usage is.\n"
	     "\\fBosmia run\\fR with a command has the command's own, 128 + N when signal N ended it.");
	return ferror(stdout) ? EXIT_FAULT : EXIT_DONE;
}

/* A link to osmia that is named bpftrace is that. */
static bool is_bpftrace(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return path && strcmp(slash ? slash + 1 : path, "bpftrace") == 0;
}

static int run(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (is_bpftrace(argv[0]))
		return cmd_bpftrace(argc, argv);

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
	if (strcmp(name, "--man") == 0)
		return print_manual();
	for (const struct verb *v = verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v->run(argc - 1, argv + 1);
	cli_error("'%s' is no verb; `osmia --help` lists them", name);
	return EXIT_USAGE;
}

/* Output that did not arrive is a failure, whatever the verb made of it. */
int main(int argc, char **argv)
{
	int status = run(argc, argv);

	if (!fflush(stdout) && !ferror(stdout))
		return status;
	cli_error("can't write to standard output");
	return status ? status : EXIT_FAULT;
}

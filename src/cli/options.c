/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/options.c - parses a verb's arguments by its table, and prints the table as help. */
#include "cli/options.h"
#include "cli/cli.h"
#include <stdio.h>
#include <string.h>

enum complaint { UNKNOWN, NO_VALUE, NEEDLESS_VALUE };

struct cli_args cli_args(const char *verb, const struct cli_opt *opts, int argc, char **argv)
{
	return (struct cli_args){ .verb = verb, .opts = opts, .argc = argc, .argv = argv, .at = 1 };
}

/* What getopt_long(3) says. */
static int bad_getopt(const char *program, enum complaint what, const char *name, size_t len)
{
	bool is_short = len == 1;

	fprintf(stderr, "%s: ", program);
	if (is_short)
		fprintf(stderr, "%s -- '%c'\n",
			what == NO_VALUE ? "option requires an argument" : "invalid option", *name);
	else if (what == UNKNOWN)
		fprintf(stderr, "unrecognized option '--%.*s'\n", (int)len, name);
	else
		fprintf(stderr, "option '--%.*s' %s an argument\n", (int)len, name,
			what == NO_VALUE ? "requires" : "doesn't allow");
	return CLI_BAD;
}

static int bad(struct cli_args *a, enum complaint complaint, const char *name, size_t len)
{
	static const char *const words[] = { "unknown option", "a value is missing after option",
					     "no value belongs to option" };
	const char *what = words[complaint];

	if (a->program)
		return bad_getopt(a->program, complaint, name, len);
	cli_usage(a->verb, "%s '%.*s'; `osmia %s --help` lists the options", what, (int)len, name,
		  a->verb);
	return CLI_BAD;
}

/* Gives opt its value: the text right behind it, or the next argument. */
static int take(struct cli_args *a, const struct cli_opt *opt, const char *inline_value,
		const char *name, size_t len)
{
	a->value = NULL;
	if (!opt->arg)
		return inline_value ? bad(a, NEEDLESS_VALUE, name, len) : opt->id;
	if (!inline_value && a->at >= a->argc)
		return bad(a, NO_VALUE, name, len);
	a->value = inline_value ? inline_value : a->argv[a->at++];
	return opt->id;
}

void cli_print_options(const struct cli_opt *opts, FILE *out)
{
	for (const struct cli_opt *o = opts; o->id; o++) {
		char head[80];
		const char *line = o->help, *end;
		int n = 0;

		if (o->id < OPT_FIRST)
			n += snprintf(head + n, sizeof(head) - (size_t)n, "-%c%s", o->id,
				      o->name ? ", " : "");
		if (o->name)
			n += snprintf(head + n, sizeof(head) - (size_t)n, "--%s", o->name);
		if (o->arg)
			snprintf(head + n, sizeof(head) - (size_t)n, "%s%s", o->name ? "=" : " ",
				 o->arg);
		fprintf(out, strlen(head) > 24 ? "  %s\n%28s" : "  %-26s%s", head, "");
		for (; (end = strchr(line, '\n')); line = end + 1)
			fprintf(out, "%.*s\n%28s", (int)(end - line), line, "");
		fprintf(out, "%s\n", line);
	}
}

/* One verb's page: usage, what it does, options. */
static void print_help(const char *verb, const struct cli_opt *opts)
{
	cli_print_usage(verb, stdout);
	if (opts->id)
		puts("\noptions:");
	cli_print_options(opts, stdout);
}

static int next_short(struct cli_args *a)
{
	char c = *a->in_group++;
	const char *tail = *a->in_group ? a->in_group : NULL;
	char name[2] = { c, '\0' };

	for (const struct cli_opt *o = a->opts; o->id; o++) {
		if (o->id != c)
			continue;
		if (o->arg || !tail)
			a->in_group = NULL;
		return take(a, o, o->arg ? tail : NULL, name, 1);
	}
	if (c == 'h' && !a->program) {
		print_help(a->verb, a->opts);
		return CLI_HELP;
	}
	return bad(a, UNKNOWN, name, 1);
}

/* Text of a manual page: dashes, backslashes and leading dots are not roff's. */
static void print_roff(const char *text)
{
	for (; *text; text++)
		if (*text == '-' || *text == '\\')
			printf("\\%c", *text);
		else if (*text == '\n')
			putchar(' ');
		else
			putchar(*text);
}

void cli_print_man(const struct cli_opt *opts)
{
	for (const struct cli_opt *o = opts; o->id; o++) {
		printf(".TP\n\\fB");
		if (o->id < OPT_FIRST)
			printf("\\-%c%s", o->id, o->name ? "\\fR, \\fB" : "");
		if (o->name) {
			printf("\\-\\-");
			print_roff(o->name);
		}
		printf("\\fR");
		if (o->arg) {
			putchar(o->name ? '=' : ' ');
			printf("\\fI");
			print_roff(o->arg);
			printf("\\fR");
		}
		putchar('\n');
		print_roff(o->help);
		putchar('\n');
	}
}

static int next_long(struct cli_args *a, const char *name)
{
	const char *eq = strchr(name, '=');
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	const struct cli_opt *only = NULL;
	bool is_unique = true;

	for (const struct cli_opt *o = a->opts; o->id; o++) {
		if (!o->name || strncmp(o->name, name, len) != 0)
			continue;
		if (strlen(o->name) == len)
			return take(a, o, eq ? eq + 1 : NULL, name, len);
		is_unique = !only;
		only = o;
	}
	if (a->program)
		return only && is_unique ? take(a, only, eq ? eq + 1 : NULL, only->name, strlen(only->name))
					 : bad(a, UNKNOWN, name, len);
	if (strcmp(name, "help") == 0 || strcmp(name, "help=man") == 0) {
		eq ? cli_print_man(a->opts) : print_help(a->verb, a->opts);
		return CLI_HELP;
	}
	return bad(a, UNKNOWN, name, len);
}

int cli_next(struct cli_args *a)
{
	const char *word;

	if (a->in_group)
		return next_short(a);
	if (a->rest || a->at >= a->argc)
		return CLI_END;
	word = a->argv[a->at++];
	if (strcmp(word, "--") == 0) {
		a->rest = a->argv + a->at;
		return CLI_END;
	}
	if (word[0] == '-' && word[1] == '-')
		return next_long(a, word + 2);
	if (word[0] == '-' && word[1]) {
		a->in_group = word + 1;
		return next_short(a);
	}
	a->value = word;
	return CLI_WORD;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/cmd_tool.c - `osmia tool`: the scripts that came with the binary.
 *
 * They are src/tool/NAME.bt, as they stand.  A script begins with comment lines: the first one says what it does
 * ("// NAME - what"), all up to the first other line are its help.  NAME.2.bt is the script of NAME when two words
 * follow it.
 */
#include "cli/cli.h"
#include "cli/run.h"
#include <stdlib.h>
#include <string.h>

/* All scripts: name, NUL, text, NUL; an empty name ends them (the Makefile makes it). */
extern const char tool_texts[];

static const char *next(const char *name)
{
	const char *text = name + strlen(name) + 1;

	return text + strlen(text) + 1;
}

/* The text of a script; NULL: there is none of that name. */
static const char *find(const char *name)
{
	for (const char *p = tool_texts; *p; p = next(p))
		if (strcmp(p, name) == 0)
			return p + strlen(p) + 1;
	return NULL;
}

static const char *find_for(const char *name, int n_words)
{
	char variant[64];
	const char *text;

	snprintf(variant, sizeof(variant), "%s.%d", name, n_words);
	text = find(variant);
	return text ? text : find(name);
}

/* The length of a comment line's text, *p moved to where it begins; -1: it is no comment line. */
static int comment(const char **p)
{
	if (strncmp(*p, "//", 2) != 0)
		return -1;
	*p += 2 + ((*p)[2] == ' ');
	return (int)strcspn(*p, "\n");
}

static void print_help(const char *text, FILE *out)
{
	int len;

	while ((len = comment(&text)) >= 0) {
		if (strncmp(text, "SPDX", 4) != 0)
			fprintf(out, "%.*s\n", len, text);
		text += len + (text[len] == '\n');
	}
}

static void list(void)
{
	puts("osmia tool NAME [OPTIONS] [ARGUMENTS] [-- CMD [ARG...]]\n"
	     "osmia tool NAME --help tells a tool's options, --source shows its script\n");
	for (const char *p = tool_texts; *p; p = next(p)) {
		const char *text = p + strlen(p) + 1, *dash;
		int len = comment(&text);

		if (len < 0 || strchr(p, '.'))
			continue;
		dash = memmem(text, (size_t)len, " - ", 3);
		if (dash)
			printf("  %-14s %.*s\n", p, len - (int)(dash + 3 - text), dash + 3);
	}
}

static int manual(void)
{
	puts(".nf");
	list();
	puts(".fi");
	return EXIT_DONE;
}

/* Names that are like a wrong one: as the wrong one begins, or differ in little. */
static int unknown(const char *name)
{
	const char *best = NULL;
	size_t most = 0;

	for (const char *p = tool_texts; *p; p = next(p)) {
		size_t same = 0;

		while (p[same] && p[same] == name[same])
			same++;
		if (same > most && !strchr(p, '.')) {
			most = same;
			best = p;
		}
	}
	if (best && most >= 3)
		cli_error("there is no tool '%s'; is it '%s'? `osmia tool` lists them", name, best);
	else
		cli_error("there is no tool '%s'; `osmia tool` lists them", name);
	return EXIT_USAGE;
}

struct tool_args {
	bool help, source;
};

/* The value behind an option, in the same word or the next one: NULL and a complaint. */
static const char *value_of(const char *name, const char *inside, char **argv, int *i)
{
	if (inside)
		return inside;
	if (argv[*i + 1])
		return argv[++*i];
	cli_error("%s wants a value", name);
	return NULL;
}

static int engine(struct run *r, const char *value)
{
	static const char *const names[] = { "auto", "kernel", "user" };

	for (int i = 0; i < 3; i++)
		if (strcmp(value, names[i]) == 0) {
			r->o.engine = (enum osmia_engine)i;
			return 0;
		}
	cli_error("--engine is auto, kernel or user, not '%s'", value);
	return EXIT_USAGE;
}

/* Options that every tool has: -1, it is none of them. */
static int common_option(struct run *r, struct tool_args *a, char **argv, int *i)
{
	const char *word = argv[*i], *value;
	long n;

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		a->help = true;
		return 0;
	}
	if (strcmp(word, "--source") == 0) {
		a->source = true;
		return 0;
	}
	if (strcmp(word, "--partial") == 0) {
		r->o.partial = true;
		return 0;
	}
	if (strncmp(word, "--engine", 8) == 0 && (!word[8] || word[8] == '=')) {
		value = value_of("--engine", word[8] ? word + 9 : NULL, argv, i);
		return value ? engine(r, value) : EXIT_USAGE;
	}
	if (word[0] != '-' || !word[1] || !strchr("pfo", word[1]))
		return -1;
	value = value_of((char[]){ '-', word[1], '\0' }, word[2] ? word + 2 : NULL, argv, i);
	if (!value)
		return EXIT_USAGE;
	switch (word[1]) {
	case 'p':
		if (!run_number(r, value, INT32_MAX, &n))
			return EXIT_USAGE;
		r->o.pid = (int32_t)n;
		return 0;
	case 'f':
		if (strcmp(value, "json") != 0 && strcmp(value, "text") != 0) {
			cli_error("-f is text or json, not '%s'", value);
			return EXIT_USAGE;
		}
		r->o.format = strcmp(value, "json") == 0 ? OSMIA_JSON : OSMIA_TEXT;
		return 0;
	}
	r->output = value;
	return 0;
}

/* Everything behind the name: common options, named parameters, words; a command behind "--". */
static int parse(struct run *r, struct tool_args *a, char **argv)
{
	for (int i = 0; argv[i]; i++) {
		int status;

		if (strcmp(argv[i], "--") == 0) {
			r->argv = argv + i + 1;
			break;
		}
		status = common_option(r, a, argv, &i);
		if (status > 0)
			return status;
		if (status == 0)
			continue;
		if (strncmp(argv[i], "--", 2) == 0)
			words_add(&r->named, argv[i] + 2);
		else
			words_add(&r->params, argv[i]);
	}
	if (r->argv && !r->argv[0])
		return cli_usage("tool", "no command stands behind --");
	if (r->argv && r->o.pid)
		return cli_usage("tool", "either a command or -p");
	return 0;
}

static int run_tool(struct run *r, const char *name, char **argv)
{
	struct tool_args a = {0};
	char file[64];
	int status = parse(r, &a, argv);

	if (status)
		return status;
	r->program = find_for(name, r->params.n);
	if (!r->program)
		return unknown(name);
	if (a.help)
		print_help(r->program, stdout);
	if (a.source)
		fputs(r->program, stdout);
	if (a.help || a.source)
		return EXIT_DONE;
	if (!r->params.n && strstr(r->program, "$1")) {
		cli_error("%s wants to know what to trace", name);
		print_help(r->program, stderr);
		return EXIT_USAGE;
	}
	snprintf(file, sizeof(file), "%s.bt", name);
	r->name = file;
	r->s.no_warnings = true;
	return run_main(r);
}

int cmd_tool(int argc, char **argv)
{
	struct run r = {0};
	int status;

	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		list();
		return EXIT_DONE;
	}
	if (argv[1][0] == '-')
		return strcmp(argv[1], "--help=man") == 0 ? manual() :
							     cli_usage("tool", "which tool? '%s' is none", argv[1]);
	if (!run_init(&r, argc)) {
		cli_error("out of memory");
		return EXIT_FAULT;
	}
	status = run_tool(&r, argv[1], argv + 2);
	run_free(&r);
	return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/cmd_list.c - `osmia list`: what can be hooked, and by which engine. */
#include "cli/cli.h"
#include "cli/options.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_FIELDS = OPT_FIRST };

static const struct cli_opt opts[] = {
	{ 'e', "engine", "all|kernel|user", "hooks of one engine (all: of those that work here)" },
	{ 'f', "format", "text|events|perf|json",
	  "text: kind:name and engines; events: category:name, as available_events;\n"
	  "perf: events of perf_event_open(2), as perf list; json: an object a line" },
	{ 'v', "verbose", NULL, "with the arguments of each probe, and types with their members" },
	{ OPT_FIELDS, "fields", "EVENT", "the format text of a tracepoint, category:name" },
	{ 0 },
};

/* Arguments of a probe, and types, come without engines. */
static int print_text(void *arg, const char *name, unsigned engines)
{
	(void)arg;
	if (*name == ' ' || strchr(name, '\n')) {
		puts(name);
		return ferror(stdout) ? -EPIPE : 0;
	}
	printf("%-56s %s%s%s\n", name, engines & OSMIA_ON_KERNEL ? "kernel" : "",
	       engines == (OSMIA_ON_KERNEL | OSMIA_ON_USER) ? "," : "",
	       engines & OSMIA_ON_USER ? "user" : "");
	return ferror(stdout) ? -EPIPE : 0;
}

static int print_event(void *arg, const char *name, unsigned engines)
{
	(void)arg, (void)engines;
	if (strncmp(name, "tracepoint:", 11) == 0)
		puts(name + 11);
	return ferror(stdout) ? -EPIPE : 0;
}

static int print_json(void *arg, const char *name, unsigned engines)
{
	(void)arg;
	if (*name == ' ')
		return 0; /* an argument */
	printf("{\"hook\": \"%s\", \"kernel\": %s, \"user\": %s}\n", name,
	       engines & OSMIA_ON_KERNEL ? "true" : "false", engines & OSMIA_ON_USER ? "true" : "false");
	return ferror(stdout) ? -EPIPE : 0;
}

static int print_perf(void *arg, const char *name, const char *kind)
{
	(void)arg;
	printf("  %-50s [%s]\n", name, kind);
	return ferror(stdout) ? -EPIPE : 0;
}

static int print_perf_tracepoint(void *arg, const char *name, unsigned engines)
{
	(void)engines;
	return print_perf(arg, name + strlen("tracepoint:"), "Tracepoint event");
}

/* Counts what is told, in front of whoever prints it. */
struct counted {
	int (*print)(void *arg, const char *name, unsigned engines);
	unsigned n;
};

static int count(void *arg, const char *name, unsigned engines)
{
	struct counted *c = arg;

	c->n++;
	return c->print(NULL, name, engines);
}

static int list(struct osmia *o, const char *format, const char *pattern, unsigned engines, bool verbose)
{
	struct counted c = { strcmp(format, "json") == 0 ? print_json : print_text, 0 };
	int err;

	if (strcmp(format, "perf") == 0) {
		err = pattern ? 0 : osmia_list_perf(print_perf, NULL);
		return err ? err : osmia_list(o, pattern ? pattern : "tracepoint:*", engines,
					      print_perf_tracepoint, NULL);
	}
	if (strcmp(format, "events") == 0)
		return osmia_list(o, pattern ? pattern : "tracepoint:*", engines, print_event, NULL);
	err = osmia_list_probes(o, pattern, engines, verbose, count, &c);
	if (!err && !c.n && pattern)
		cli_error("nothing that can be hooked here is like '%s'", pattern);
	return err;
}

static int parse_engines(const char *name, unsigned *engines)
{
	unsigned works = OSMIA_ON_USER |
			 (osmia_can(OSMIA_ENGINE_KERNEL) == 0 ? OSMIA_ON_KERNEL : 0);

	*engines = strcmp(name, "all") == 0      ? works
		   : strcmp(name, "kernel") == 0 ? OSMIA_ON_KERNEL
		   : strcmp(name, "user") == 0   ? OSMIA_ON_USER
						 : 0;
	return *engines ? 0 : cli_usage("list", "--engine is all, kernel or user, not '%s'", name);
}

int cmd_list(int argc, char **argv)
{
	static const char *const formats[] = { "text", "events", "perf", "json" };
	struct cli_args a = cli_args("list", opts, argc, argv);
	const char *format = "text", *engine = "all", *fields = NULL, *pattern = NULL;
	struct osmia *o = NULL;
	unsigned engines, known = 0;
	bool verbose = false;
	char *text = NULL;
	int c, err;

	while ((c = cli_next(&a)) != CLI_END)
		switch (c) {
		case 'e': engine = a.value; break;
		case 'f': format = a.value; break;
		case 'v': verbose = true; break;
		case OPT_FIELDS: fields = a.value; break;
		case CLI_WORD:
			if (pattern)
				return cli_usage("list", "one pattern only");
			pattern = a.value;
			break;
		case CLI_HELP: return EXIT_DONE;
		default: return EXIT_USAGE;
		}
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		known |= strcmp(format, formats[i]) == 0;
	if (!known)
		return cli_usage("list", "--format is text, events, perf or json, not '%s'", format);
	if (parse_engines(engine, &engines))
		return EXIT_USAGE;
	err = osmia_new(&(struct osmia_opts){ .size = sizeof(struct osmia_opts) }, &o);
	if (!err)
		err = fields ? osmia_format_text(o, fields, &text) : list(o, format, pattern, engines, verbose);
	if (text)
		fputs(text, stdout);
	free(text);
	for (unsigned i = 0; o && i < osmia_messages(o); i++)
		cli_error("%s", osmia_message(o, i));
	osmia_free(o);
	return err && err != -EPIPE ? EXIT_FAULT : EXIT_DONE;
}

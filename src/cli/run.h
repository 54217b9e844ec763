/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/run.h - a run as a command line describes it: what `osmia run` and the bpftrace personality share.
 *
 *	struct run r;
 *	run_init(&r, argc);
 *	... options into r ...
 *	status = run_main(&r);
 *	run_free(&r);
 */
#pragma once
#include "cli/cli.h"

/* Words that end with NULL; room for all of argv. */
struct words {
	const char **p; /* owned; the words are argv's */
	int n;
};

enum run_style {
	STYLE_OSMIA,    /* "osmia: PLACE: text" */
	STYLE_BPFTRACE, /* "PLACE-COL: ERROR: text", the line, its marks */
};

enum run_buffering { BUFFER_LINE, BUFFER_FULL, BUFFER_NONE };

struct run {
	struct osmia_opts o;
	struct osmia_script_opts s;
	enum run_style style;
	const char *path;      /* the object's or script's; NULL: program */
	const char *program;   /* the script itself (-e); NULL: path */
	const char *name;      /* what messages call the program; NULL: -e */
	char **argv;           /* the command behind --; NULL: none */
	char **command;        /* owned, and its words: of -c CMD; NULL: none */
	struct words params, named, include_dirs, includes;
	struct words sets, events;  /* --set and --event wait until the object is open */
	const char *output;    /* -o; NULL: stdout */
	enum run_buffering buffering;
	const char *emit;      /* the object is written there, nothing runs; NULL: run */
	bool compile_only;     /* mistakes are told, nothing runs */
	bool verbose;
	FILE *out;             /* run_main()'s: where events go */
	unsigned said;         /* messages printed so far */
};

bool run_init(struct run *r, int argc); /* false: no memory */
void run_free(struct run *r);
/* Appends a word; there is room for as many as argv had. */
void words_add(struct words *w, const char *word);
/* A number of an option, between 1 and max.  false after a complaint in the run's style. */
bool run_number(const struct run *r, const char *value, long max, long *out);
/* Splits a command at blanks as a shell does, quotes and backslashes heeded, nothing expanded: r->command.
 * 0, -EINVAL (a quote does not end), -ENOMEM. */
int run_command(struct run *r, const char *text);
/* "ast,ir" or "all": enum osmia_stage; *verifier: its log was asked for.  -EINVAL: no stage. */
int run_stages(const char *text, unsigned *stages, bool *verifier);
/* "0.17", "17", "0.27", "new": 17 or 0.  -EINVAL. */
int run_compat(const char *text, uint32_t *compat);
/* Prints a complaint in the run's style; returns EXIT_FAULT. */
int run_error(const struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Opens, compiles, starts, prints until the end.  The exit status. */
int run_main(struct run *r);
/* The messages that were not printed yet, in the run's style. */
void run_say(struct run *r, struct osmia *o);

/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/cli.h - the osmia command: verbs, and what they share. */
#pragma once
#include "osmia.h"
#include <stdio.h>

/* Exit status: done; the program or its input is at fault; the usage is. */
enum { EXIT_DONE = 0, EXIT_FAULT = 1, EXIT_USAGE = 2 };

/* Each verb gets argv with its own name first and returns an exit status. */
#define VERB(name, args, help) int cmd_##name(int argc, char **argv);
#include "cli/verbs.def"
#undef VERB

/* "osmia: message" on standard error. */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints a complaint and the verb's usage line; returns EXIT_USAGE. */
int cli_usage(const char *verb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "usage: osmia VERB ARGUMENTS" and the verb's line of help. */
void cli_print_usage(const char *verb, FILE *out);

/* A bpftrace script, or the one in a file, laid out anew; output NULL: to standard output.  The exit status
 * (cmd_fmt.c). */
int cli_format(const char *script, const char *path, const char *output);
